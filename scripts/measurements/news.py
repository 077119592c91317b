"""Accuracies on Chinese news: majority, TF-IDF, a BERT from random weights, mini-bert-zh."""

from collections.abc import Sequence
from pathlib import Path

from datasets import Dataset, DatasetDict

from measurements.provenance import fingerprints_by_arm
from measurements.results import Results
from measurements.runs import SEEDS, VALIDATION_ROWS, baselines, encoder_classifier, tuned
from utils.data import balanced_sample, load_thucnews
from utils.finetuning import tokenize
from utils.models import load_tokenizer, resolve
from utils.profile import course_root

CHECKPOINT = "mini-bert-zh"
ARMS = ("tfidf", "scratch", CHECKPOINT)

# data set -> (source under --data or None for the course's own, max tokens, {size: epochs})
# Epochs enough for scratch to get going, and no early stopping: with 100 labels and no pretraining
# the validation score does not move for ten epochs, and a patience of four took that for the end.
# The best epoch by validation is kept all the same.
TASKS = {
    "mini": (None, 128, {50: 40, 100: 40, 200: 20, 400: 12, 900: 8}),
    "titles": ("thucnews/titles_*.csv.gz", 48, {200: 20, 1000: 10, 5000: 4}),
    "texts": ("thucnews", 128, {None: 8}),
}


def load_task(task: str, data: Path | None) -> DatasetDict:
    """The splits of a task; `data`: the folder of real data, which "mini" does without."""
    source = TASKS[task][0]
    return load_thucnews(str(data / source) if source else course_root() / "data/mini_thucnews")


def draw_samples(splits: DatasetDict, size: int | None) -> tuple[dict[int, Dataset], Dataset]:
    """Training rows for each seed, and the validation rows that all of them are judged on.

    Args:
        size: labels to train with; None: the whole split.
    """
    # Whoever has few labels has no thousands to validate on.
    rows = min(VALIDATION_ROWS, len(splits["validation"]), size or VALIDATION_ROWS)
    validation = balanced_sample(splits["validation"], rows, 0)
    return {seed: balanced_sample(splits["train"], size, seed) for seed in SEEDS}, validation


def measure_accuracy(
    task: str,
    data: Path | None,
    results: Results,
    arms: Sequence[str] = ARMS,
    sizes: Sequence[int] | None = None,
) -> None:
    """The rows "SIZE/majority", …/tfidf, …/scratch and …/mini-bert-zh of a task.

    Args:
        sizes: only these numbers of labels.
    """
    _, max_length, epochs_of = TASKS[task]
    splits, tokenizer = load_task(task, data), load_tokenizer(resolve(CHECKPOINT))
    known = fingerprints_by_arm(CHECKPOINT)
    for size, epochs in epochs_of.items():
        if sizes and size not in sizes:
            continue
        samples, validation = draw_samples(splits, size)
        labels = size or len(splits["train"])
        if "tfidf" in arms and not results.has(f"{labels}/tfidf"):
            for name, row in baselines(samples, splits["test"]).items():
                results.add(f"{labels}/{name}", row)
        tokenized = {
            seed: tokenize(sample, tokenizer, max_length) for seed, sample in samples.items()
        }
        for arm in ("scratch", CHECKPOINT):
            name, depends_on = f"{labels}/{arm}", known[arm]
            if arm not in arms or results.has(name, **depends_on):
                continue
            classes = splits["test"].features["label"].names
            classifier = encoder_classifier(
                CHECKPOINT, tokenizer, classes, max_length, pretrained=arm == CHECKPOINT
            )
            row = tuned(
                *classifier, tokenizer, tokenized, tokenize(validation, tokenizer, max_length),
                splits["test"], epochs=epochs, title=name,
            )  # fmt: skip
            results.add(name, row, **depends_on)
