"""Use a classifier that was trained: on the rows of a table, or on labelled texts to measure it."""

import argparse
import csv
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.metrics import classification_report
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from own_texts.notes import BROKEN, EMPTY, UNSURE, nothing_known
from own_texts.outputs import refuse_table
from utils.data import DataError, Table, is_empty_cell, is_seen, read_rows, read_table
from utils.finetuning import load_classifier, predict
from utils.measuring import estimate
from utils.models import ModelError

ROWS_AT_A_TIME = 512
NEW_COLUMNS = ("prediction", "probability", "note")


def load(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, int, float]:
    """(model, tokenizer, tokens a text is cut at, threshold) of a folder that `train` has written."""
    model, tokenizer = load_classifier(folder)
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
    return model, tokenizer, min(tokenizer.model_max_length, positions), threshold


def predict_table(arguments: argparse.Namespace) -> None:
    """Write the table with three columns more; every row stays in its place."""
    refuse_table(arguments.output)
    model, tokenizer, max_length, threshold = load(arguments.model)
    table = read_table(arguments.data, arguments.text)
    texts = table.column(arguments.text)
    answers, chances, notes = ([""] * len(texts) for _ in NEW_COLUMNS)
    places = []
    for place, text in enumerate(texts):
        if text is None:
            notes[place] = BROKEN
        elif not is_seen(text) or is_empty_cell(text.strip()):
            notes[place] = EMPTY
        else:
            places.append(place)
    with tqdm(total=len(places), unit="text") as bar:
        for start in range(0, len(places), ROWS_AT_A_TIME):
            some = places[start : start + ROWS_AT_A_TIME]
            rows = predict(model, tokenizer, [texts[place] for place in some], max_length)
            unread = nothing_known(tokenizer, [texts[place] for place in some], max_length)
            for place, row, blind in zip(some, rows, unread, strict=True):
                answers[place] = model.config.id2label[int(row.argmax())]
                chances[place] = f"{row.max():.4f}"
                notes[place] = UNSURE if blind or row.max() < threshold else ""
            bar.update(len(some))
    write_table(arguments.output, table, [answers, chances, notes])
    counts = Counter(note or "sure" for note in notes)
    print("、".join(f"{name} {count}" for name, count in counts.most_common()))
    for problem in table.problems[:5]:
        print(f"第 {problem.number} 行没法读（{problem.detail}），在输出里标为 {BROKEN}")


def write_table(path: Path, table: Table, columns: list[list[str]]) -> None:
    """The table with the new columns as CSV, whole or not at all.

    With a byte order mark, without which Excel takes Chinese in a CSV file for something else.
    """
    new = []
    for name in NEW_COLUMNS:
        names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
        new.append(next(each for each in names if each not in table.columns))
    unfinished = path.with_name(path.name + ".part")
    try:
        with open(unfinished, "w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*table.columns, *new])
            for row, answer in zip(table.rows, zip(*columns, strict=True), strict=True):
                writer.writerow([*(row or [""] * len(table.columns)), *answer])
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def evaluate(arguments: argparse.Namespace) -> None:
    """Print how a classifier does on labelled texts, class by class, and above its threshold."""
    model, tokenizer, max_length, threshold = load(arguments.model)
    rows = read_rows(arguments.data, arguments.text, arguments.label)
    ids = {name: number for number, name in model.config.id2label.items()}
    if unknown := sorted({row.label for row in rows} - set(ids)):
        first = next(row for row in rows if row.label == unknown[0])
        raise DataError(
            f"{first.place}: label {unknown[0][:40]!r} is none of the model's "
            f"({', '.join(ids)[:80]}); "
            + (
                "write the names"
                if unknown[0].isdecimal()
                else "correct it, or leave such rows out"
            )
        )
    labels = np.array([ids[row.label] for row in rows])
    chances = predict(model, tokenizer, [row.text for row in tqdm(rows)], max_length)
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
