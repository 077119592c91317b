"""BERT's relatives at mini size, trained on equal terms: which way of pretraining is good for what?

    python scripts/family.py prepare --data ../shared/data   # texts to arrays, once (a minute or two)
    python scripts/family.py train                           # train and score what is missing
    python scripts/family.py train --arms token rtd --seeds 0 --tokens 25e6
    python scripts/family.py train --at-once 6               # six arms side by side on one GPU

Arms (same 4 × 256 model, texts, rows and number of tokens; what differs is the question asked):

    token     single tokens are hidden and filled in (BERT's MLM)
    word      whole words, as jieba sees them, are hidden together (BERT-wwm)
    span      runs of random length are hidden (the masks of SpanBERT, not its boundary objective)
    rtd       a small generator replaces tokens, the model finds which (ELECTRA)
    nsp       token, and with weight 0.2 whether B follows A (what mini-bert-zh was trained with)
    nsp_full  the same with weight 1, as in BERT
    running   token, on running text in one segment instead of two segments
    untrained random weights: the control

Every arm is scored on the same held-out blanks, on news titles and on pairs of sentences, and its
row is written to results/family.jsonl or results/nsp_mini.jsonl as soon as it is known, its loss at
every 50 steps to results/family_losses.jsonl; recorded arms are not measured again. An arm that was
interrupted carries on from its last checkpoint.

One more arm, run by name, asks why rtd did not start: in rtd_begun generator and discriminator begin
as a trained token arm (--begin FILE). Its row is in results/replaced_tokens.jsonl.

Two arms go on from a trained token arm (--begin FILE) with equal rows, rates and budgets, into
results/second_stage.jsonl: token_on fills blanks as before, and rtd_on finds the tokens that the
arm, frozen, puts in (ELECTRA in two stages).

Two more are both stages within the budget of the arms above, into results/both_stages.jsonl, half
of it each, as in the paper: blanks_first fills blanks, and rtd_after goes on as rtd_on does, from
the body of the same seed:

    python scripts/family.py train --arms blanks_first --seeds 0 --tokens 17.5e6 --batch-size 64
    python scripts/family.py train --arms rtd_after --seeds 0 --tokens 17.5e6 --batch-size 64 \\
        --begin runs/family/blanks_first-0-…/model.safetensors

On a processor an arm of 40 million tokens takes about an hour and a half, on a GPU a minute or two.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from relatives.arms import ALL, ARMS
from relatives.prepared import BATCH_SIZE, prepare
from relatives.runs import RESULTS, train_missing
from relatives.training import LEARNING_RATE, MEASURE_EVERY

from utils.profile import course_root

TEXTS = ("zh_news", "zh_news", "zh_titles", "zh_titles", "zh_wiki", "zh_web")


def main() -> None:
    arguments = parse_arguments()
    if arguments.stage == "prepare":
        prepare(arguments.text, arguments.data, arguments.tokenizer, arguments.work)
    else:
        train_missing(arguments)


def parse_arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stages = parser.add_subparsers(dest="stage", required=True)
    first = stages.add_parser("prepare", help="texts to arrays in the work folder, once")
    first.add_argument("--data", type=Path, required=True, help="folder of real data")
    first.add_argument("--text", type=Path, nargs="+", help="other texts to train on")
    first.add_argument("--tokenizer", type=Path, default=course_root() / "models/mini-bert-zh")
    second = stages.add_parser("train", help="train and score the arms that are not recorded yet")
    second.add_argument("--arms", nargs="+", choices=ALL, default=list(ARMS), help="only these")
    second.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    second.add_argument(
        "--tokens", type=float, default=40e6, help="tokens of text that an arm reads"
    )
    second.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="rows a step")
    second.add_argument("--learning-rate", type=float, default=LEARNING_RATE, help="the highest")
    second.add_argument("--at-once", type=int, default=1, help="arms side by side, a process each")
    second.add_argument("--workers", type=int, default=0, help="processes an arm that make batches")
    second.add_argument(
        "--compiled", action="store_true", help="compile the trunk (faster on a GPU)"
    )
    second.add_argument("--save-every", type=int, default=500, help="steps between checkpoints")
    second.add_argument("--minutes", type=float, help="begin nothing after so many minutes")
    second.add_argument(
        "--measure-every", type=int, default=MEASURE_EVERY, help="steps between held-out measures"
    )
    second.add_argument(
        "--begin", type=Path, help="weights of a trained token arm, for the arms that begin as it"
    )
    second.add_argument("--results", type=Path, default=RESULTS, help="folder of the .jsonl files")
    for stage in (first, second):
        stage.add_argument("--work", type=Path, default=course_root() / "runs/family")
    arguments = parser.parse_args(given)
    if arguments.stage == "prepare":
        corpus = [arguments.data / f"corpus/{name}.txt.gz" for name in TEXTS]
        arguments.text = arguments.text or corpus
        for path in arguments.text:
            if not path.is_file():
                parser.error(f"{path}: no such file; see data/README.md for the corpus format")
    elif not (arguments.work / "corpus.npz").is_file():
        parser.error(
            f"--work {arguments.work}: nothing prepared there; run the stage prepare first"
        )
    elif not arguments.begin and (begun := [arm for arm in arguments.arms if ALL[arm].begun]):
        parser.error(f"--arms {begun[0]}: it begins as a trained token arm; give its --begin")
    return arguments


if __name__ == "__main__":
    main()
