"""The arms: what each is asked, and which results files its row goes to."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Arm:
    masking: str = "token"
    nsp_weight: float = 0.0
    replaced: bool = False  # replaced token detection instead of MLM
    running: bool = False  # running text in one segment
    trained: bool = True
    learning_rate: float | None = None  # the highest; None: as the command line says
    share: float = 0.25  # the generator's width as a share of the discriminator's
    begun: bool = False  # begins as a trained `token` arm (--begin)
    two_stages: bool = False  # of `replaced`: that arm is the generator, and stays as it is
    whole_exam: bool = True  # else only whether the discriminator starts
    results: tuple[str, ...] = ("family",)


ARMS = {  # in the order in which they are trained
    "untrained": Arm(trained=False, results=("family", "nsp_mini")),
    "rtd": Arm(replaced=True),
    "token": Arm(results=("family", "nsp_mini")),
    "word": Arm(masking="word"),
    "span": Arm(masking="span"),
    "nsp": Arm(nsp_weight=0.2, results=("nsp_mini",)),
    "nsp_full": Arm(nsp_weight=1.0, results=("nsp_mini",)),
    "running": Arm(running=True, results=("nsp_mini",)),
}


# Why did `rtd` not start? The same question to a body that can fill blanks already, with the
# paper's rate for its small model; not among the arms that are compared on equal terms.
STARTS = {
    "rtd_begun": Arm(
        replaced=True,
        learning_rate=5e-4,
        share=1.0,
        begun=True,
        whole_exam=False,
        results=("replaced_tokens",),
    )
}

# A trained `token` arm reads on, both with the same rate and rows: as before, or as discriminator
# of the tokens that it put in itself, which is ELECTRA in two stages.
SECOND_STAGES = {
    "token_on": Arm(learning_rate=5e-4, begun=True, results=("second_stage",)),
    "rtd_on": Arm(
        replaced=True, learning_rate=5e-4, begun=True, two_stages=True, results=("second_stage",)
    ),
}
# The same two stages within the budget of ARMS: a body that learns from blanks first, put to the
# probes alone, and the arm that begins as it; of one seed both.
BOTH_STAGES = {
    "blanks_first": Arm(whole_exam=False, results=("both_stages",)),
    "rtd_after": replace(SECOND_STAGES["rtd_on"], results=("both_stages",)),
}
ALL = ARMS | STARTS | SECOND_STAGES | BOTH_STAGES
