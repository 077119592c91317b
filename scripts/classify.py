"""Train a classifier on labelled texts of your own, use it, and measure it.

    .venv/bin/python scripts/classify.py train messages.csv --output my-model
    .venv/bin/python scripts/classify.py train messages.xlsx --text 留言 --label 部门 --output my-model
    .venv/bin/python scripts/classify.py predict my-model new.csv --output answers.csv
    .venv/bin/python scripts/classify.py evaluate my-model labelled.csv

On Windows begin with `.venv\\Scripts\\python`, in a conda environment with `python`.

`train` first audits the texts and stops at what would spoil the training. Where they are few it
judges by cross-validation, beside TF-IDF, and then trains on all of them. `predict` keeps every row
in its place and says "unsure" below the threshold that `train` has chosen.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from own_texts.answering import evaluate, predict_table
from own_texts.training import train
from transformers.utils import logging

from utils.data import DataError
from utils.models import ModelError


def main() -> None:
    arguments = parsed()
    logging.disable_progress_bar()  # of loading weights: a bar for each fold between the lines
    try:
        arguments.run(arguments)
    except (DataError, ModelError, ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("\n停下了，什么也没有写。再运行一次就从头开始。")


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, as `main` reads it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="train | predict | evaluate")
    columns = argparse.ArgumentParser(add_help=False)
    columns.add_argument("--text", default="text", help="what the column of the texts is called")
    columns.add_argument("--label", default="label", help="what that of the labels is called")

    training = commands.add_parser("train", parents=[columns], help="train and judge a classifier")
    training.add_argument("data", type=Path, help="CSV, TSV, .xlsx, .jsonl, or a folder")
    training.add_argument("--output", type=Path, required=True, help="folder for the classifier")
    training.add_argument("--model", default="bert-zh", help="what to begin with: name or folder")
    training.add_argument("--max-length", type=at_least(3), default=128, help="in tokens")
    training.add_argument("--epochs", type=at_least(1), default=15)
    training.add_argument("--batch-size", type=at_least(1), default=16)
    training.add_argument(
        "--learning-rate", type=share, help="3e-4, or 3e-5 where COURSE_PROFILE=full"
    )
    training.add_argument("--folds", type=at_least(2), default=5, help="of the cross-validation")
    training.add_argument("--accuracy", type=share, default=0.95, help="wanted of sure answers")
    training.add_argument("--seed", type=at_least(0), default=0)
    training.add_argument("--accept", action="store_true", help="train in spite of the audit")
    training.set_defaults(run=train)

    predicting = commands.add_parser("predict", help="classify the rows of a table")
    predicting.add_argument("model", type=Path, help="folder that train has written")
    predicting.add_argument("data", type=Path, help="CSV, TSV, .xlsx or .jsonl")
    predicting.add_argument("--output", type=Path, required=True, help="CSV to write")
    predicting.add_argument("--text", default="text", help="what the column of the texts is called")
    predicting.set_defaults(run=predict_table)

    evaluating = commands.add_parser(
        "evaluate", parents=[columns], help="measure on labelled texts"
    )
    evaluating.add_argument("model", type=Path, help="folder that train has written")
    evaluating.add_argument("data", type=Path, help="CSV, TSV, .xlsx or .jsonl with labels")
    evaluating.set_defaults(run=evaluate)
    return parser.parse_args(words)


def at_least(least: int) -> Callable[[str], int]:
    """What reads a whole number that is not smaller."""

    def read(word: str) -> int:
        if not word.isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(f"{word!r}; give a whole number from {least} on")
        return int(word)

    return read


def share(word: str) -> float:
    """A number above 0 and at most 1."""
    with contextlib.suppress(ValueError):
        if 0 < float(word) <= 1:
            return float(word)
    raise argparse.ArgumentTypeError(f"{word!r}; give a number above 0 and at most 1")


if __name__ == "__main__":
    main()
