"""Load THUCNews, IMDb or texts of your own as a `datasets.DatasetDict`, whatever form they are in.

    load_thucnews()                                 # what the profile or COURSE_DATA says
    load_thucnews("thucnews")                       # a folder: train, validation and test files
    load_thucnews("cnews.train.txt")                # one file: split by class
    load_thucnews("thucnews/titles_*.csv.gz")       # a pattern: one data set among several
    load_thucnews("THUCNews.zip")                   # the official archive, or the folder from it
    load_imdb("aclImdb_v1.tar.gz")
    load_texts("my.csv")                            # columns text,label, classes of your own
    load_texts("my.txt", classes=["差评", "好评"])    # ids instead of names
    load_texts("my.xlsx", text="留言", label="部门")   # columns by any names

Bad input raises a DataError of one line: the file and row, what is wrong, and the cure.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from utils import profile
from utils.data.content import DataError
from utils.data.fetch import hub_file
from utils.data.layout import WHOLE, find_parts
from utils.data.splits import THUCNEWS_CLASSES, load_parts

if TYPE_CHECKING:
    from datasets import DatasetDict

IMDB_CLASSES = ("neg", "pos")
NEGATIVE = {"neg", "negative", "负", "负面", "负向", "消极", "差评", "bad"}
POSITIVE = {"pos", "positive", "正", "正面", "正向", "积极", "好评", "good"}

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
    splits = _load_named("imdb", source, classes)
    names = splits["train"].features["label"].names
    places = [NEGATIVE, POSITIVE]
    meant = [next((i for i in (0, 1) if name.casefold() in places[i]), None) for name in names]
    if meant == [0, 1] or len(names) == 2 and None in meant and isinstance(classes, (list, tuple)):
        return splits
    right = names[::-1] if meant == [1, 0] else ["neg", "pos"]
    raise DataError(
        f"{source or 'imdb'}: its classes are {', '.join(names)[:80]}, and load_imdb promises 0 for "
        f"negative and 1 for positive; give classes={right!r:.80}, or read it with load_texts"
    )


def load_texts(
    source: str | Path,
    classes: Sequence[str] | str | Path | None = None,
    name: str = "",
    *,
    text: str = "text",
    label: str = "label",
) -> DatasetDict:
    """Texts with one label each, split into train, validation and test.

    Args:
        source: a file, an archive (.zip, .tar.gz), a folder, or a pattern such as
            "folder/titles_*.csv.gz" for one data set among several in a folder. Files are tables
            with the columns text,label (commas, tabs, semicolons or bars between them), lines of
            label<TAB>text, text<TAB>label or fastText's `__label__…`, JSON (an object a line, or a
            list; the column a.b is the b of object a), each also as .gz; or .xlsx (the one sheet
            that has the columns, hidden rows too), or Parquet. Folders hold such files, called
            [name_]{train,val,test}.csv, 训练集.csv or the like, or a folder of .txt files for each class
            (THUCNews, aclImdb). Text is UTF-8, GBK, or UTF-16 with its mark.
        classes: class names in the order of their ids, or a file with one name a line. Needed
            where labels are numbers, unless class.txt or <name>_class.txt stands beside the data.
        name: takes the files <name>_train.csv … where a folder holds several data sets.
        text, label: what the columns are called, where not so; other columns are ignored.

    Returns:
        Splits train, validation, test, each with `text` (string) and `label` (ClassLabel). A split
        that the source lacks is taken from its training texts: a tenth of each class, the same
        ones each time, and equal texts never on two sides. Classes are ordered as in `classes` or
        the class file, else sorted; but the ten of the course have one order in all sources.
        A validation or test split without labels is left aside, with a line that says so.

        Memory does not grow with the texts; only those of an Excel sheet are all kept (by
        openpyxl), so save a large one as CSV. What more than 64 MB of files give is kept as Arrow
        in the folder `texts` of COURSE_CACHE (or ~/.cache/bert-in-practice-zh), under a name made
        of their contents, and mapped: a second call, or another process, finds it there. The
        folder may be cleared at any time.

    Raises:
        DataError: the data cannot be used; the message tells where, why and what to do.
    """
    parts = find_parts(Path(source).expanduser(), name, strict=True)
    return load_parts(parts, classes, text, label)


def _load_named(name: str, source, classes) -> DatasetDict:
    if source is None and profile.data_folder() is not None:
        source = Path(profile.data_folder()) / name
    if source is not None:  # whatever it is called, as cnews.train.txt is
        return load_parts(find_parts(Path(source).expanduser(), name), classes)
    if profile.profile() == "mini":
        return load_texts(profile.course_root() / "data" / f"mini_{name}", classes, name)
    repo, files, hub_classes = HUB_FILES[name]
    parts = {part: hub_file(repo, file) for part, file in files.items()}
    return load_parts(parts, classes or hub_classes)
