"""T5's tasks as text: their rows, mixed with running text, and how many answers are right."""

import random
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from torch.utils.data import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from objectives.remarks import load_remarks
from utils.data import load_imdb, load_thucnews
from utils.finetuning import (
    NEWS_PREFIX,
    REVIEW_ANSWERS,
    REVIEW_PREFIX,
    TOPIC_ANSWERS,
    TOPIC_PREFIX,
    encode_task,
    exact_answers,
    task_rows,
)
from utils.pretraining import evaluate_text_to_text

TASK_LENGTH = 256  # tokens of a task's text; longer ones are cut
TEXT_EVERY = 3  # with tasks: one batch in three is running text, so that nothing is unlearned

# name -> (loader, what its texts begin with, what its classes are called where not by their names)
TASKS = {
    "thucnews": (load_thucnews, NEWS_PREFIX, None),
    "topics": (load_thucnews, TOPIC_PREFIX, TOPIC_ANSWERS),
    "imdb": (load_imdb, REVIEW_PREFIX, REVIEW_ANSWERS),
    "remarks": (load_remarks, REVIEW_PREFIX, REVIEW_ANSWERS),
}


def load_task(name: str, source: str | Path) -> tuple[list[dict], list[dict]]:
    """(training, validation) rows of a task: `source` and `target` as text."""
    load, prefix, answers = TASKS[name]
    splits = load(source)
    return tuple(task_rows(splits[split], prefix, answers) for split in ("train", "validation"))


def encode_rows(
    parts: tuple[list[dict], list[dict]], tokenizer: PreTrainedTokenizerBase
) -> list[list[dict]]:
    """The same rows as token ids."""
    return [encode_task(rows, tokenizer, TASK_LENGTH) for rows in parts]


class MixedRows(Dataset):
    """Batches of running text, one in `TEXT_EVERY`, and between them of each task by turns.

    Each batch holds one kind, its rows of similar length; a task with few rows comes round often.

    Args:
        passages: rows of running text.
        tasks: the rows of each task.
        steps: batches to prepare, of `batch_size` rows each.
    """

    def __init__(
        self, passages: Dataset, tasks: list[list[dict]], steps: int, batch_size: int, seed: int
    ):
        rng = random.Random(seed)
        kinds = [endless_batches(rows, batch_size, rng) for rows in tasks]
        turns, self.rows, text = cycle(kinds), [], 0
        for step in range(steps):
            if step % TEXT_EVERY:
                self.rows += next(next(turns))
            else:
                self.rows += [passages[(text + i) % len(passages)] for i in range(batch_size)]
                text += batch_size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict:
        return self.rows[index]


def endless_batches(rows: list[dict], size: int, rng: random.Random) -> Iterator[list[dict]]:
    """Whole batches of rows of similar length in random order, again and again."""
    while True:
        # A little noise on the lengths puts other rows together each time.
        order = sorted(rows, key=lambda row: len(row["input_ids"]) * rng.uniform(0.8, 1.2))
        order += rng.choices(rows, k=-len(rows) % size)
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        rng.shuffle(batches)
        yield from batches


def evaluate_with_tasks(
    model: PreTrainedModel, batches: list[dict], signs: list[int], validation: dict[str, list[dict]]
) -> dict[str, float]:
    """The measures of span corruption, the share of each task's answers written right, and
    `task_error`: the share written wrong, each task counting alike."""
    measures = evaluate_text_to_text(model, batches, signs)
    right = {f"{name}_accuracy": exact_answers(model, rows) for name, rows in validation.items()}
    return measures | right | {"task_error": 1 - sum(right.values()) / len(right)}
