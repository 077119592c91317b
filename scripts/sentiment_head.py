"""Train the sentiment head of minilm-en on real IMDb reviews and write it with its log.

    python scripts/sentiment_head.py --data ../shared/data

The encoder's matrices stay as published; its biases and LayerNorms, the pooler and the classifier
are trained. The epoch that does best on the validation split is kept; the test split is looked at
once, at the end. About half an hour on one core.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from datasets import DatasetDict
from measurements.imdb import DROPOUT, ENCODER, MAX_LENGTH, shortened
from measurements.provenance import circumstances, fingerprints
from measurements.runs import score
from transformers import PreTrainedTokenizerBase, Trainer

from utils.data import IMDB_CLASSES, load_imdb
from utils.finetuning import HEAD, fine_tune, is_head, new_classifier, predict, save_head, tokenize
from utils.models import load_tokenizer, resolve
from utils.profile import course_root

SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds imdb/")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--output", type=Path, default=course_root() / HEAD)
    arguments = parser.parse_args()
    started = time.perf_counter()
    tokenizer = load_tokenizer(resolve(ENCODER))
    splits = shortened(load_imdb(arguments.data / "imdb"), tokenizer)
    try:
        trainer = trained(splits, tokenizer, arguments)
    except ValueError as error:  # checkpoints of other settings
        parser.error(str(error))
    minutes = round((time.perf_counter() - started) / 60, 1)
    save_head(trainer.model, arguments.output)
    log = about(trainer, splits, arguments) | {"minutes": minutes}
    probabilities = predict(trainer.model, tokenizer, splits["test"]["text"], MAX_LENGTH)
    log["validation"] = [row for row in trainer.state.log_history if "eval_macro_f1" in row]
    log["test"] = score(splits["test"]["label"], probabilities.argmax(1))
    path = arguments.output.with_name("training.json")
    path.write_text(json.dumps(log, indent=1) + "\n", encoding="utf8")
    print(f"{path}: test {log['test']}")


def trained(
    splits: DatasetDict, tokenizer: PreTrainedTokenizerBase, arguments: argparse.Namespace
) -> Trainer:
    """The encoder with a head, of which the head and what belongs to it were trained."""
    model = new_classifier(resolve(ENCODER), IMDB_CLASSES, seed=SEED, dropout=DROPOUT)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = is_head(name)
    return fine_tune(
        model,
        tokenizer,
        tokenize(splits["train"], tokenizer, MAX_LENGTH),
        tokenize(splits["validation"], tokenizer, MAX_LENGTH),
        learning_rate=arguments.learning_rate,
        epochs=arguments.epochs,
        seed=SEED,
        output=arguments.output.parent / "checkpoints",
    )


def about(trainer: Trainer, splits: DatasetDict, arguments: argparse.Namespace) -> dict:
    """Where, from what and how the head was trained."""
    parameters = trainer.model.parameters()
    return {
        "about": circumstances() | fingerprints(ENCODER),
        "data": {name: len(rows) for name, rows in splits.items()},
        "settings": {
            "learning_rate": arguments.learning_rate,
            "epochs": arguments.epochs,
            "max_length": MAX_LENGTH,
            "seed": SEED,
            "trained_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        },
    }


if __name__ == "__main__":
    main()
