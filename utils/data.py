"""Load THUCNews, IMDb or texts of your own as a `datasets.DatasetDict`, whatever form they are in.

    load_thucnews()                                 # what the profile or COURSE_DATA says
    load_thucnews("thucnews")                       # a folder: train, validation and test files
    load_thucnews("cnews.train.txt")                # one file: split by class
    load_thucnews("thucnews/titles_*.csv.gz")       # a pattern: one data set among several
    load_thucnews("THUCNews.zip")                   # the official archive, or the folder from it
    load_imdb("aclImdb_v1.tar.gz")
    load_texts("my.csv")                            # columns text,label, classes of your own
    load_texts("my.txt", classes=["差评", "好评"])    # ids instead of names

Bad input raises a DataError of one line: the file and row, what is wrong, and the cure.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from utils import cache, formats
from utils.formats import DataError, Row
from utils.sources import SPLITS, WHOLE, find_class_file, find_parts

if TYPE_CHECKING:  # importing it takes a second or two, so the loaders do so when they need it
    from datasets import Dataset, DatasetDict

__all__ = [
    "DataError",
    "IMDB_CLASSES",
    "THUCNEWS_CLASSES",
    "balanced_sample",
    "load_imdb",
    "load_texts",
    "load_thucnews",
]

# One order for all sources, so that a model trained on one of them understands the others.
THUCNEWS_CLASSES = ("体育", "娱乐", "家居", "房产", "教育", "时尚", "时政", "游戏", "科技", "财经")
IMDB_CLASSES = ("neg", "pos")

SHARE = 0.1  # of the texts of each class, for each split that a source does not bring along
SEED = "bert-in-practice-zh"

HUB_FILES = {
    "thucnews": ("dirtycomputer/THUCNews", {WHOLE: "cnews.train.txt"}, THUCNEWS_CLASSES),
    "imdb": (
        "stanfordnlp/imdb",
        {
            "train": "plain_text/train-00000-of-00001.parquet",
            "test": "plain_text/test-00000-of-00001.parquet",
        },
        IMDB_CLASSES,
    ),
}


def load_thucnews(
    source: str | Path | None = None, classes: Sequence[str] | str | Path | None = None
) -> DatasetDict:
    """Chinese news. `source=None` takes COURSE_DATA/thucnews, or else the profile's data.

    Sources, arguments, result and errors: see `load_texts`.
    """
    return _load_named("thucnews", source, classes)


def load_imdb(
    source: str | Path | None = None, classes: Sequence[str] | str | Path | None = None
) -> DatasetDict:
    """Film reviews, neg = 0 and pos = 1. `source=None` takes COURSE_DATA/imdb, or else the
    profile's data.

    Sources, arguments, result and errors: see `load_texts`.
    """
    return _load_named("imdb", source, classes)


def load_texts(
    source: str | Path,
    classes: Sequence[str] | str | Path | None = None,
    name: str = "",
) -> DatasetDict:
    """Texts with one label each, split into train, validation and test.

    Args:
        source: a file, an archive (.zip, .tar.gz), a folder, or a pattern such as
            "folder/titles_*.csv.gz" for one data set among several in a folder. Files are CSV
            with the columns text,label, lines of label<TAB>text or text<TAB>label, each also as
            .gz, or Parquet; folders hold such files, called [name_]{train,val,test}.csv or the
            like, or a folder of .txt files for each class (THUCNews, aclImdb).
        classes: class names in the order of their ids, or a file with one name a line. Needed
            where labels are numbers, unless class.txt or <name>_class.txt stands beside the data.
        name: takes the files <name>_train.csv … where a folder holds several data sets.

    Returns:
        Splits train, validation, test, each with `text` (string) and `label` (ClassLabel). A split
        that the source lacks is taken from its training texts: a tenth of each class, the same
        ones each time, and equal texts never on two sides. Classes are ordered as in `classes` or
        the class file, else sorted; but the ten of the course have one order in all sources.

    Raises:
        DataError: the data cannot be used; the message tells where, why and what to do.
    """
    return _load_parts(find_parts(Path(source).expanduser(), name), classes)


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


def _load_named(name: str, source, classes) -> DatasetDict:
    if source is not None:
        return load_texts(source, classes, name)
    from utils import profile

    if profile.data_folder() is not None:
        return load_texts(Path(profile.data_folder()) / name, classes, name)
    if profile.profile() == "mini":
        return load_texts(profile.course_root() / "data" / f"mini_{name}", classes, name)
    repo, files, hub_classes = HUB_FILES[name]
    parts = {part: cache.hub_file(repo, file) for part, file in files.items()}
    return _load_parts(parts, classes or hub_classes)


def _load_parts(parts: dict[str, Path], classes) -> DatasetDict:
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    rows = {
        part: formats.read_class_folders(path) if path.is_dir() else formats.read_rows(path)
        for part, path in parts.items()
    }
    training = WHOLE if WHOLE in parts else "train"
    names, ids = _label_ids(rows[training], parts[training], classes)
    for row in itertools.chain.from_iterable(rows.values()):
        if row.label not in ids:
            raise DataError(
                f"{row.place}: unknown label {row.label[:40]!r}; correct it, or add it to the "
                f"training split or the class file (known: {', '.join(names)[:80]})"
            )
    missing = [split for split in SPLITS[1:] if split not in rows]
    if missing:
        *taken, rest = _carve(rows.pop(training), len(missing), parts[training])
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


def _label_ids(rows: list[Row], path: Path, classes) -> tuple[list[str], dict[str, int]]:
    """Class names in the order of their ids, and the id of every label that a row may carry."""
    found = sorted({row.label for row in rows})
    if len(found) == 1:
        raise DataError(
            f"{path}: only one class, {found[0][:40]!r}; add texts of at least one other class"
        )
    if isinstance(classes, (str, Path)):
        numbered = formats.read_class_file(Path(classes).expanduser())
    elif classes is not None:
        numbered = list(classes)
    else:
        class_file = find_class_file(path) if path.is_file() else None
        numbered = formats.read_class_file(class_file) if class_file else []
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
    if any(name.isdigit() for name in numbered):  # "1" may be a class's name or the id of another
        if not set(found) <= set(names):
            raise DataError(
                f"{path}: class names and labels are numbers that do not agree "
                f"({', '.join(names)[:40]} and {', '.join(found)[:40]}); name the classes in words"
            )
        return names, {name: i for i, name in enumerate(names)}
    ids = {str(i): names.index(name) for i, name in enumerate(numbered)}
    return names, ids | {name: i for i, name in enumerate(names)}


def _carve(rows: list[Row], count: int, path: Path) -> list[list[Row]]:
    """Take `count` splits, a SHARE of each class each, out of the rows; the rest comes last.

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
