"""scripts/pretrain.py several times in one launch, in float32 and with the loss of every step.

    python -m torch.distributed.run --nproc_per_node 2 tests/in_float32.py runs.json

runs.json: the arguments of each run; `{rank}` in them is the number of the process. One launch for
all: starting Python takes longer than twenty steps. bf16 would hide differences behind its three
digits. A run that ends with a message writes it to runs.0.said.

HOLD="step 13 /a/file", or "save 20 /a/file": process 1 writes its id there and waits, before that
step, or before what it saves in that checkpoint, for somebody to kill it.
"""

import json
import os
import sys
import threading
from pathlib import Path
from unittest.mock import patch

import pretrain
from objectives import trainer

usual = trainer.TrainingArguments
RANK = os.environ.get("RANK", "0")


def every_step(**options):
    return usual(**options | {"logging_steps": 1})


class Held(pretrain.PretrainingTrainer):
    def hold(self, place: str) -> None:
        *wanted, file = os.environ["HOLD"].split(maxsplit=2)
        if RANK == "1" and wanted == [place, str(self.state.global_step)]:
            Path(file).with_suffix(".partial").write_text(str(os.getpid()), encoding="utf8")
            Path(file).with_suffix(".partial").rename(file)
            threading.Event().wait()

    def training_step(self, *arguments, **options):
        self.hold("step")
        return super().training_step(*arguments, **options)

    def _save_rng_state(self, folder):
        self.hold("save")
        super()._save_rng_state(folder)


def run(arguments: list[str]) -> None:
    """One run in this process."""
    plain = {"bf16_available": lambda: False}
    kept = {"PretrainingTrainer": Held} if "HOLD" in os.environ else {}
    with (
        patch.multiple(trainer, TrainingArguments=every_step, **plain),
        patch.multiple(pretrain, **plain, **kept),
        patch.object(sys, "argv", ["", *arguments]),
    ):
        pretrain.main()


if __name__ == "__main__":
    plan = Path(sys.argv[1])
    for arguments in json.loads(plan.read_text(encoding="utf8")):
        try:
            run([each.replace("{rank}", RANK) for each in arguments])
        except SystemExit as end:
            plan.with_suffix(f".{RANK}.said").write_text(str(end), encoding="utf8")
