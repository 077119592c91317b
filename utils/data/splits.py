"""From rows to splits: ids for the labels, and splits carved out where a source has one part."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from utils.data import rows as files
from utils.data import tables
from utils.data.layout import SPLITS, WHOLE, find_class_file
from utils.data.rows import DataError, Row

if TYPE_CHECKING:  # importing it takes a second or two, so the loaders do so when they need it
    from datasets import Dataset, DatasetDict

# One order for all sources, so that a model trained on one of them understands the others.
THUCNEWS_CLASSES = ("体育", "娱乐", "家居", "房产", "教育", "时尚", "时政", "游戏", "科技", "财经")

SHARE = 0.1  # of the texts of each class, for each split that a source does not bring along

SEED = "bert-in-practice-zh"


def load_parts(
    parts: dict[str, Path],
    classes: Sequence[str] | str | Path | None,
    text: str = tables.TEXT,
    label: str = tables.LABEL,
) -> DatasetDict:
    """Read the parts of a source, give the labels ids, carve the splits that are missing.

    Args:
        parts: which file or folder holds which split, as `find_parts` gives it.
        classes: class names in the order of their ids, a file of them, or None.
        text, label: what the columns are called.
    Raises:
        DataError: see `load_texts`.
    """
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    rows = {
        part: (
            files.read_class_folders(path) if path.is_dir() else tables.read_rows(path, text, label)
        )
        for part, path in parts.items()
    }
    training = WHOLE if WHOLE in parts else "train"
    names, numbered = class_order(rows[training], parts[training], classes)
    ids = ids_of(names, numbered, rows[training], parts[training])
    for row in itertools.chain.from_iterable(rows.values()):
        if row.label not in ids:
            raise DataError(
                f"{row.place}: unknown label {row.label[:40]!r}; correct it, or add it to the "
                f"training split or the class file (known: {', '.join(names)[:80]})"
            )
    missing = [split for split in SPLITS[1:] if split not in rows]
    if missing:
        *taken, rest = carve(rows.pop(training), len(missing), parts[training])
        rows |= {"train": rest, **dict(zip(missing, taken, strict=True))}

    features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    return DatasetDict(
        {
            split: Dataset.from_dict(
                {
                    "text": [row.text for row in rows[split]],
                    "label": [ids[row.label] for row in rows[split]],
                },
                features=features,
            )
            for split in SPLITS
        }
    )


def class_order(
    rows: list[Row], path: Path, classes: Sequence[str] | str | Path | None
) -> tuple[list[str], list[str]]:
    """Class names in the order of their ids, and in the order that numeric labels count them.

    | `classes`, or else the class file  | labels of the rows     | order of the ids              |
    |------------------------------------|------------------------|-------------------------------|
    | a list of names                    | names or numbers       | as listed                     |
    | a file that the caller named       | names or numbers       | as in the file *              |
    | a class file found beside the data | numbers                | as in the file *              |
    | the same                           | names, all in the file | as in the file *              |
    | the same                           | names, some not in it  | sorted: the file is about other texts |
    | none                               | names                  | sorted *                      |
    | none                               | numbers                | refused                       |

    * the ten classes of THUCNews have one order in all sources, that of `THUCNEWS_CLASSES`; a
    numeric label still counts the lines of its file.

    Args:
        rows: the training rows.
        path: where they are from.
        classes: what the caller gave: names, a file of names, or None.
    Returns:
        (names, numbered): the name of id `i` is `names[i]`, that of a label "7" `numbered[7]`;
        `numbered` is empty where a number says nothing.
    Raises:
        DataError: one class only, a name listed twice, or numbers that nothing explains.
    """
    found = sorted({row.label for row in rows})
    if len(found) == 1:
        raise DataError(
            f"{path}: only one class, {found[0][:40]!r}; add texts of at least one other class"
        )
    numbered = _listed_classes(path, classes)
    if len(set(numbered)) < len(numbered):
        raise DataError(f"{path}: its class list names a class twice; name each class once")
    number = next((row for row in rows if re.fullmatch(r"[-+]?\d+(\.\d+)?", row.label)), None)
    if number and not numbered:
        raise DataError(
            f"{number.place}: label {number.label[:40]!r} is a number and no class file says what "
            "it means; put class.txt (one name a line, from id 0) beside it, or give classes=[...]"
        )
    # A class file beside texts with names counts only if it is about these names: English names
    # for the ids in one file may lie beside another file that has the Chinese ones.
    if classes is None and not number and not set(found) <= set(numbered):
        numbered = []
    names = numbered or found
    if set(names) == set(THUCNEWS_CLASSES) and not isinstance(classes, (list, tuple)):
        names = list(THUCNEWS_CLASSES)
    return names, numbered


def _listed_classes(path: Path, classes) -> list[str]:
    """The class names that the caller gave, or that a class file beside the data lists."""
    if isinstance(classes, (str, Path)):
        return files.read_class_file(Path(classes).expanduser())
    if classes is not None:
        return list(classes)
    class_file = find_class_file(path) if path.is_file() else None
    return files.read_class_file(class_file) if class_file else []


def ids_of(names: list[str], numbered: list[str], rows: list[Row], path: Path) -> dict[str, int]:
    """The id of every label that a row may carry: a class name, or its number as text.

    Args:
        names, numbered: what `class_order` gives for the training rows `rows` of `path`.
    Raises:
        DataError: classes that are called by numbers, and labels that are not among them.
    """
    by_name = {name: i for i, name in enumerate(names)}
    if any(name.isdigit() for name in numbered):  # "1" may be a class's name or the id of another
        found = sorted({row.label for row in rows})
        if not set(found) <= set(names):
            raise DataError(
                f"{path}: class names and labels are numbers that do not agree "
                f"({', '.join(names)[:40]} and {', '.join(found)[:40]}); name the classes in words"
            )
        return by_name
    return {str(i): by_name[name] for i, name in enumerate(numbered)} | by_name


def carve(rows: list, count: int, path: Path) -> list[list]:
    """Take `count` splits, a SHARE of each class each, out of the rows; the rest comes last.

    A row is anything with a `text` and a `label`.

    Different texts are put in order by a hash, so which side a text falls on depends neither on
    the order of the file nor on the machine, and copies of one text all go to the same side.
    """
    class_of = {}
    for row in rows:
        class_of.setdefault(row.text.strip(), row.label)
    texts_of = defaultdict(list)
    for text, label in class_of.items():
        texts_of[label].append(text)
    side = {}
    for label, texts in texts_of.items():
        if len(texts) == 1:
            raise DataError(
                f"{path}: class {label[:40]!r} has one text only, too few to be divided into "
                f"{count + 1} splits; add texts, or give the splits as files"
            )
        texts.sort(key=lambda text: hashlib.sha256(f"{SEED}{text}".encode()).digest())
        size = max(1, round(len(texts) * SHARE))
        # One text to learn from, then the test, then the validation, and the rest to learn from.
        sides = [count, *(part for part in reversed(range(count)) for _ in range(size))]
        side |= itertools.zip_longest(texts, sides[: len(texts)], fillvalue=count)
    parts = [[row for row in rows if side[row.text.strip()] == part] for part in range(count + 1)]
    if not all(parts):
        raise DataError(
            f"{path}: {len(side)} different texts are too few to be divided into {count + 1} "
            "splits; add texts, or give the splits as files"
        )
    return parts


def balanced_sample(dataset: Dataset, size: int | None, seed: int = 0) -> Dataset:
    """`size` rows drawn with `seed`, the same number of each class; all rows if size is None."""
    if size is None:
        return dataset
    import numpy as np

    labels = np.array(dataset["label"])
    order = np.random.default_rng(seed).permutation(len(labels))
    classes = np.unique(labels)
    chosen = [order[labels[order] == label][: size // len(classes)] for label in classes]
    return dataset.select(np.sort(np.concatenate(chosen)))
