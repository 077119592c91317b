"""Use a classifier that was trained: on the rows of a table, or on labelled texts to measure it."""

import argparse
import csv
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from sklearn.metrics import classification_report
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from own_texts.notes import BROKEN, UNSURE, note_before
from own_texts.outputs import refuse_table, written_whole
from utils.data import DataError, Row, each_usable_row, open_table
from utils.finetuning import check_padding, load_classifier, predict, predict_and_known
from utils.measuring import estimate
from utils.models import ModelError

ROWS_AT_A_TIME = 512
TOLD = 5  # rows that cannot be read, of which it is said what is wrong

Each = TypeVar("Each")


class Classifier(NamedTuple):
    """What `train` has written."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    max_length: int  # tokens that a text is cut at
    threshold: float  # probability below which an answer is unsure


class Answer(NamedTuple):
    """What is written behind a row, as text."""

    prediction: str
    probability: str
    note: str


def load(folder: Path) -> Classifier:
    """The classifier of a folder.

    Raises:
        ModelError: no such folder, a damaged one, or no model that chooses one of some classes.
        ValueError: its tokenizer pads on the left.
    """
    model, tokenizer = load_classifier(folder)
    check_padding(tokenizer)
    several = model.config.problem_type == "multi_label_classification"
    if several or model.config.num_labels < 2:
        what = "several labels a text" if several else "grades"
        raise ModelError(f"{folder}: gives {what}, not one of some classes; train it anew for that")
    positions = getattr(model.config, "max_position_embeddings", 512)
    threshold = getattr(model.config, "threshold", 0.0)  # 0: saved by other hands, all is sure
    if not isinstance(threshold, (int, float)) or not threshold >= 0:
        raise ModelError(
            f"{folder}/config.json: threshold is {threshold!r:.40}, not a probability; write one, "
            "or take the line away"
        )
    max_length = min(tokenizer.model_max_length, positions)
    return Classifier(model, tokenizer, max_length, threshold)


def predict_table(arguments: argparse.Namespace) -> None:
    """Write the table with three columns more; every row stays in its place.

    The table is read twice, a row at a time: first to its end, for what is damaged there should show
    before hours are spent on what stands above.
    """
    refuse_table(arguments.output)
    classifier = load(arguments.model)
    table = open_table(arguments.data, arguments.text)
    text_at = table.place(arguments.text)
    total = sum(1 for _ in table.rows)
    table = open_table(arguments.data, arguments.text)
    counts, problems = Counter(), []
    with written_whole(arguments.output) as file, tqdm(total=total, unit="row") as bar:
        writer = csv.writer(file)
        writer.writerow([*table.columns, *free_names(Answer._fields, table.columns)])
        for rows in in_batches(table.rows):
            answers = answered([row.cells and row.cells[text_at] for row in rows], classifier)
            for row, answer in zip(rows, answers, strict=True):
                writer.writerow([*(row.cells or [""] * len(table.columns)), *answer])
            counts.update(answer.note or "sure" for answer in answers)
            problems += [row.problem for row in rows if row.problem][: TOLD - len(problems)]
            bar.update(len(rows))
    print("、".join(f"{name} {count}" for name, count in counts.most_common()))
    for problem in problems:
        print(f"第 {problem.number} 行没法读（{problem.detail}），在输出里标为 {BROKEN}")


def answered(texts: Sequence[str | None], classifier: Classifier) -> list[Answer]:
    """An answer for each text; one of blanks where there is nothing to classify.

    Args:
        texts: None for a row that cannot be read.
    """
    notes = [note_before(text) for text in texts]
    places = [place for place, note in enumerate(notes) if not note]
    answers = [Answer("", "", note) for note in notes]
    model, tokenizer, max_length, threshold = classifier
    some = [texts[place] for place in places]
    chances, known = predict_and_known(model, tokenizer, some, max_length)
    for place, row, is_known in zip(places, chances, known, strict=True):
        name = model.config.id2label[int(row.argmax())]
        sure = is_known and row.max() >= threshold
        answers[place] = Answer(name, f"{row.max():.4f}", "" if sure else UNSURE)
    return answers


def free_names(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Each name, or the first of name_2, name_3 … that is not taken."""
    free = []
    for name in names:
        others = (f"{name}_{number}" for number in itertools.count(2))
        free.append(next(each for each in itertools.chain([name], others) if each not in taken))
    return free


def in_batches(rows: Iterable[Each]) -> Iterator[list[Each]]:
    """Some rows at a time, for the memory that all of a long table would take."""
    rows = iter(rows)
    while batch := list(itertools.islice(rows, ROWS_AT_A_TIME)):
        yield batch


def evaluate(arguments: argparse.Namespace) -> None:
    """Print how a classifier does on labelled texts, class by class, and above its threshold.

    The texts are read twice, a row at a time: first to the end, for all that is wrong with them.
    """
    model, tokenizer, max_length, threshold = load(arguments.model)
    where = arguments.data, arguments.text, arguments.label
    ids = {name: number for number, name in model.config.id2label.items()}
    labels = np.array(known_labels(each_usable_row(*where), ids))
    chances = np.empty((len(labels), len(ids)), dtype=np.float32)
    with tqdm(total=len(labels), unit="text") as bar:
        for rows in in_batches(each_usable_row(*where)):
            these = slice(bar.n, bar.n + len(rows))
            chances[these] = predict(model, tokenizer, [row.text for row in rows], max_length)
            bar.update(len(rows))
    print(estimate(chances, labels))
    print(
        classification_report(
            labels, chances.argmax(1), labels=list(ids.values()), target_names=list(ids), digits=3,
            zero_division=0,
        )
    )  # fmt: skip
    sure = chances.max(1) >= threshold
    if 0 < sure.sum() < len(sure):
        right = (chances.argmax(1) == labels)[sure].mean()
        print(f"把握不低于 {threshold:.2f} 的有 {sure.mean():.0%}，其中 {right:.1%} 是对的")


def known_labels(rows: Iterable[Row], ids: dict[str, int]) -> list[int]:
    """The class id of each row.

    Raises:
        DataError: a label that the model does not know.
    """
    labels, unknown = [], {}  # of labels without an id: where each stands first
    for row in rows:
        labels.append(ids.get(row.label, -1))
        if row.label not in ids:
            unknown.setdefault(row.label, row.place)
    if unknown:
        name, place = min(unknown.items())
        cure = "write the names" if name.isdecimal() else "correct it, or leave such rows out"
        raise DataError(
            f"{place}: label {name[:40]!r} is none of the model's ({', '.join(ids)[:80]}); {cure}"
        )
    return labels
