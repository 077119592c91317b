"""Load pairs of sentences with a label, a score or both, whatever form they are in.

    load_pairs()                                 # COURSE_DATA/pairs, or the course's own pairs
    load_pairs("pairs/stsb_zh_*.csv.gz")         # a pattern: one data set among several
    load_pairs("ocnli")                          # a folder with train.json, dev.json, test.json
    load_pairs("my.csv", classes=["不同", "相同"])  # one file: split by label; names for 0 and 1

Bad input raises a DataError of one line: the file and row, what is wrong, and the cure.
"""

from __future__ import annotations

import functools
import json
import re
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from utils.data.content import DataError
from utils.data.layout import ONLY_SHARD, SPLITS, WHOLE, Files
from utils.data.pair_files import NLI_CLASSES, NUMBER, Columns, columns_of, rows_of
from utils.data.pair_groups import grouped
from utils.data.problems import Problems
from utils.data.rows import (
    SEVERAL,
    is_empty_cell,
    is_seen,
    plain_name,
    read_class_file,
    splits_watch,
)
from utils.data.sources import Staged, parts_of, read_parts, share_out
from utils.data.splits import refuse_hidden
from utils.data.staging import Shelf, arrow_splits, write_splits

if TYPE_CHECKING:  # importing them takes a second or two, so the loader does so when it needs them
    import pyarrow
    from datasets import DatasetDict, Features

# Columns that are no labels by another name, as id, prem_id and pairID; label_id may be one.
NO_LABELS = re.compile(r".*(?<!label)(?<!label_)(?<!class)(?<!class_)id|idx|index|genre|编号|序号")
TABLES = Files("csv|tsv|txt|json|jsonl|ndjson|xlsx|xlsm|parquet", after_split=ONLY_SHARD)


def load_pairs(
    source: str | Path | None = None,
    name: str = "",
    classes: Sequence[str] | str | Path | None = None,
) -> DatasetDict:
    """Pairs of sentences with a label, a score or both, split into train, validation and test.

    Files are CSV or tab-separated with the columns sentence1, sentence2 and label or score (other
    names: `rows.PAIR_COLUMNS`, `pair_files.LABEL_COLUMNS`, `SCORE_COLUMNS`; what was taken for what is
    printed), lines of sentence1<TAB>sentence2<TAB>label without a first row (LCQMC), or a JSON
    object a line with such keys (CLUE), each also compressed with gzip; or .xlsx and .parquet.

    - Scores run from 0 to 5, or from 0 to 1 if none is greater. They stay as they are.
    - A `label` that is no whole number, or runs through 0, 1, 2, 3, 4 and 5, is a score.
    - A pair labelled `-`, on which SNLI's annotators did not agree, is left out; how many is
      printed. So is one labelled -1 where labels are whole numbers up to 2 or more. Whether -1 is
      a class of the other splits, the training pairs decide.
    - Other columns are kept as strings.

    Args:
        source: a file, an archive, a folder with [name_]{train,val,test}.csv or the like, or a
            pattern. None takes COURSE_DATA/pairs, or else the course's own pairs.
        name: takes the files <name>_train.csv … where a folder holds several data sets; from
            COURSE_DATA, lcqmc if nothing else is said.
        classes: class names in the order of their ids, or a file with one name a line, where
            labels are numbers that should have names. A `label` column then holds labels.

    Returns:
        Splits train, validation, test, each with `sentence1`, `sentence2` (strings), `label`
        (ClassLabel) or `score` (float), or both, and the other columns. Numbers are their own
        names ("0", "1"), in their order; the three of natural language inference stand in the
        order of `NLI_CLASSES`, other names are sorted. A split that the source lacks is taken from
        its training pairs: a tenth of each class, the same ones each time, and pairs that share a
        sentence never on two sides. A file without labels is left aside, with a line that says so.

        Memory does not grow with the texts: a pair takes some fifty bytes while splits are carved,
        and only those of an Excel sheet are all kept (by openpyxl). What more than 32 MB of files
        give is kept as Arrow in the cache, see `load_texts`.

    Raises:
        DataError: the data cannot be used; the message tells where, why and what to do.
    """
    parts = parts_of(source, name, TABLES, "pairs", "lcqmc")
    training = WHOLE if WHOLE in parts else "train"

    def split(shelf: Shelf, size: int) -> list[str]:
        told: list[str] = []

        minus_1 = True if named and "-1" in named else None  # whether it is a class, if known

        def read(part: str, path: Path, advance: Callable[[int], object]) -> Staged:
            nonlocal minus_1
            staged = _stage(path, shelf, f"{part}.staged", told, advance, minus_1)
            given = staged.about.given
            if part == training and minus_1 is None and given.labels and given.numbers:
                minus_1 = given.low < 0
            return staged

        def place_of(label: str) -> str:
            return f"{parts[training]}, row {_first_row(shelf, training, label)}"

        first = sorted(parts, key=lambda part: part != training)
        staged = read_parts({part: parts[part] for part in first}, read, size)
        told += sorted({about.renamed for *_, about in staged.values() if about.renamed})
        learned, unlabelled = staged[training], {p for p in staged if staged[p].unlabelled}
        names = ids = None
        manner = Manner(False, False, False)
        if not learned.unlabelled:
            manner = _settle_columns(staged, parts, training, classes is not None, told)
            if manner.scored:
                _check_scores(staged, parts, training, manner)
            if manner.labelled:
                found = _labels_in(shelf, training, manner)
                refuse_hidden(sorted(found, key=lambda f: (len(f), f)), place_of)
                names, ids = _class_ids(found, parts[training], classes, told)
                _check_labels(shelf, staged, parts, ids, names, manner)
            if set(parts) != set(SPLITS) or unlabelled:
                hashes = learned.about.hashes
                staged[training] = grouped(shelf, training, hashes, manner.label_of, learned)
        shares = share_out(staged, parts, "load_pairs", told)
        others = _other_columns(staged, shares)
        features = _features(names, manner.scored, others)
        finished = _finished(staged, list(features), ids, manner)
        write_splits(shelf, shares, features, finished)
        return told

    named = _class_list(classes) if classes is not None else None
    paths = [str(path) for path in parts.values()]
    return arrow_splits(parts, ("pairs", named, paths), split, GROWTH)


GROWTH = 2  # bytes of Arrow that come of one of a file, while it is read and written


class Cells:
    """What the labels, or the scores, of a part are like."""

    def __init__(self):
        self.count, self.filled, self.labels = 0, False, False
        self.numbers = self.whole = True  # all of them
        self.few: set[float] = set()  # numbers that there are, of more than seven not all
        self.low, self.high = float("inf"), float("-inf")
        self.empty, self.wrong = Problems(), Problems()  # no text; no number from 0 to 5

    def add(self, number: int, cell: str) -> None:
        """Look at the cell of one more row."""
        self.count += 1
        if not cell:
            self.numbers = False
            self.empty.add(number, cell)
            return
        self.filled = True
        self.labels = self.labels or _whole(cell) != "-1"  # as in GLUE's test files
        value = _number(cell)
        if value is None:
            self.numbers = False
            self.wrong.add(number, f"score {cell[:20]!r}")
            return
        if not 0 <= value <= 5:
            self.wrong.add(number, f"score {cell[:20]!r}")
        self.whole = self.whole and value.is_integer()
        self.low, self.high = min(self.low, value), max(self.high, value)
        if len(self.few) < 8:
            self.few.add(value)


@functools.lru_cache(maxsize=10_000)
def _number(cell: str) -> float | None:
    return float(cell) if NUMBER.fullmatch(cell) else None


class About(NamedTuple):
    """What is known of the pairs of a part, while they lie in Arrow."""

    given: Cells  # the labels
    score: Cells
    keys: list[tuple[str, ...]]  # the other columns that rows have, each combination once
    key_of: np.ndarray  # of each row, the place of its combination
    hashes: array  # of the two sentences of each row, one behind the other
    renamed: str  # a line on the columns that have other names, or ""


class Manner(NamedTuple):
    """What the labels of the training rows make of the columns."""

    labelled: bool
    scored: bool
    graded: bool  # the column of the labels holds scores
    whole: bool = False  # labels are numbers, to be written alike

    def label_of(self, given: str) -> str:
        """The label of what a row has in its column; of a grade, which is none, ""."""
        if self.graded:
            return ""
        return _whole(given) if self.whole else given


def _stage(
    path: Path,
    shelf: Shelf,
    name: str,
    told: list[str],
    advance: Callable[[int], object],
    minus_1: bool | None,
) -> Staged:
    """Put the pairs of one file on the shelf, in its order.

    Args:
        minus_1: whether -1 is a class; None: the labels of the file tell.
    Raises:
        DataError: missing, empty, damaged or mixed-up file, missing column, empty sentence.
    """
    names, rows = rows_of(path)
    reading, none = None, "-"
    # Read with the columns of the first row; only if others make a difference, once more.
    while reading is None or (reading.columns, reading.none) != (columns_of(names), none):
        reading = Reading(path, columns_of(names), none)
        with shelf.rows(name, _schema(), _batch, advance) as put:
            for number, row in rows or rows_of(path)[1]:
                if pair := reading.looked_at(number, row):
                    put(pair, _size(pair))
        names, rows = list(reading.names), None
        none = "-1" if reading.has_none_among_ids(minus_1) else none
    reading.refuse()
    if reading.disagreed:
        cure = "；若 -1 是一类，请改成名字" if none == "-1" else ""
        told.append(f"{path.name}：{reading.disagreed} 对没有一致的标签（{none}），略去{cure}。")
    about = reading.about()
    if not about.given.count:
        raise DataError(f"{path}: no pairs in it; download it again, or fill it")
    unlabelled = not (about.given.labels or about.score.filled)
    unread: list[str] = []
    if not (reading.columns.label or reading.columns.score):
        others = (each for each in reading.names if each and each not in reading.columns)
        unread = [each for each in others if not NO_LABELS.fullmatch(each)]
    return Staged(unlabelled, None, unread=unread, about=about)


class Reading:
    """One reading of a file: what is wrong with its rows, and what the others are like."""

    def __init__(self, path: Path, columns: Columns, none: str):
        self.path, self.columns = path, columns
        self.none = none  # the label of pairs on which there was no agreement
        self.names: dict[str, None] = {}  # of all columns that any row has
        self.again, self.sentences, self.labels = Problems(), Problems(), Problems()
        self.disagreed = 0
        self._given, self._score = Cells(), Cells()
        self._keys: dict[tuple[str, ...], int] = {}
        self._key_of, self._hashes = array("i"), array("q")
        self._split_column, self._refuse_splits = "", None

    def looked_at(self, number: int, row: dict) -> tuple | None:
        """The pair of a row as it is staged (`_schema`); None if it is none, which is noted."""
        self._watch(number, row)
        one, two, label, score = self.columns
        wrong = [column for column in (one, two) if not _is_sentence(row.get(column))]
        for column in wrong:
            self.sentences.add(number, f"{column} is {str(row.get(column, ''))[:20]!r}")
        given = _plain(row.get(label)).strip() if label else ""
        if is_empty_cell(given) or SEVERAL.fullmatch(given):
            self.labels.add(number, f"label {given[:30]!r}")
        if wrong:
            return None
        if given == "-" or _whole(given) == self.none:
            self.disagreed += 1
            return None
        points = _plain(row.get(score)).strip() if score else ""
        self._given.add(number, given)
        self._score.add(number, points)
        self._hashes.extend((hash(row[one].strip()), hash(row[two].strip())))
        others = tuple(key for key in row if key and key not in self.columns)
        self._key_of.append(self._keys.setdefault(others, len(self._keys)))
        return number, row[one], row[two], given, points, [_plain(row[key]) for key in others]

    def has_none_among_ids(self, minus_1: bool | None) -> bool:
        """Whether -1 stands among ids, as in SNLI: of -1, 0 and 1 alone it may be a class.

        Args:
            minus_1: as for `_stage`.
        """
        if minus_1:
            return False
        given, highest = self._given, 1 if minus_1 is None else -1
        return given.numbers and given.whole and given.low == -1 and given.high > highest

    def _watch(self, number: int, row: dict) -> None:
        """Note new columns, the names of the columns once more, and a split that differs."""
        if not self.names.keys() >= row.keys():
            self.names |= dict.fromkeys(row)
            if not self._split_column:
                place, self._refuse_splits = splits_watch(list(self.names), self.path)
                self._split_column = "" if place is None else list(self.names)[place]
        if _is_header(row):
            self.again.add(number, "the names of the columns once more")
        if self._split_column:
            self._refuse_splits(number, _plain(row.get(self._split_column)))

    def refuse(self) -> None:
        """Raise what is wrong with the rows, if anything is."""
        self.again.refuse(self.path, "delete the row")
        self.sentences.refuse(self.path, "write a sentence there, or delete the row")
        self.labels.refuse(self.path, "write one class there, or delete the row")

    def about(self) -> About:
        """What is known of the pairs."""
        wanted = ("sentence1", "sentence2", "label", "score")
        renamed = [
            f"{have} → {want}"
            for have, want in zip(self.columns, wanted, strict=True)
            if have and have != want
        ]
        line = f"列名：{'，'.join(renamed)}。" if renamed else ""
        key_of = np.frombuffer(self._key_of, np.int32)
        return About(self._given, self._score, list(self._keys), key_of, self._hashes, line)


def _is_sentence(cell: object) -> bool:
    return isinstance(cell, str) and is_seen(cell) and not is_empty_cell(cell.strip())


def _size(pair: tuple) -> int:
    """Characters of a staged pair."""
    _, one, two, _, _, others = pair
    return len(one) + len(two) + sum(map(len, others))


def _batch(pairs: list[tuple]) -> pyarrow.RecordBatch:
    import pyarrow

    columns, schema = zip(*pairs, strict=True), _schema()
    fields = [pyarrow.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pyarrow.RecordBatch.from_arrays(fields, schema=schema)


def _schema() -> pyarrow.Schema:
    """Of what is staged: a pair as it stands in the file. What the file does not say is ""."""
    import pyarrow

    text = pyarrow.string()
    return pyarrow.schema(
        [
            ("number", pyarrow.int64()),  # of the line the row starts on, as an editor counts
            ("sentence1", text),
            ("sentence2", text),
            ("given", text),  # the label
            ("score", text),
            ("others", pyarrow.list_(text)),
        ]
    )


def _is_header(row: dict) -> bool:
    """Whether a row names its columns, as where files with a header each were joined."""
    # The last first: labels are a few, whose plain names are known already.
    return all(
        isinstance(cell, str) and _plain_cell(cell) == key for key, cell in reversed(row.items())
    )


_plain_cell = functools.lru_cache(maxsize=1000)(plain_name)


def _plain(value) -> str:
    if isinstance(value, list) and len(value) == 1:  # as annotation tools write a label
        value = value[0]
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- Labels and scores ---------------------------------------------------------------------------


def _settle_columns(
    staged: dict[str, Staged], parts, training: str, named: bool, told: list[str]
) -> Manner:
    """Let a label of grades be a score, write whole numbers alike, refuse what a row lacks."""
    given, score = staged[training].about.given, staged[training].about.score
    grades = given.numbers and not (given.whole and given.few != set(range(6)))
    if grades and not named and not score.filled:
        told.append("label 列是程度（小数，或 0 到 5 的每个整数都有），当作 score。")
        manner = Manner(False, True, True)
    else:
        manner = Manner(given.labels, score.filled, False, given.numbers)
    for part, (unlabelled, *_, about) in staged.items():
        if unlabelled:
            continue
        scores = about.given if manner.graded else about.score
        for wanted, name, cells in (
            (manner.labelled, "label", about.given),
            (manner.scored, "score", scores),
        ):
            if wanted:
                empty = Problems((n, f"the {name} is empty") for n, _ in cells.empty.first)
                empty.count = cells.empty.count
                empty.refuse(parts[part], "fill it in or delete the row")
    return manner


@functools.lru_cache(maxsize=10_000)
def _whole(label: str) -> str:
    """A whole number as others write it: 1.0 as 1."""
    if NUMBER.fullmatch(label) and float(label).is_integer():
        return str(int(float(label)))
    return label


def _check_scores(staged: dict[str, Staged], parts, training: str, manner: Manner) -> None:
    top = 1
    for part in sorted(staged, key=lambda part: part != training):
        if staged[part].unlabelled:
            continue
        about = staged[part].about
        cells = about.given if manner.graded else about.score
        cells.wrong.refuse(parts[part], "write a number from 0 to 5, or from 0 to 1 in all rows")
        if part == training:
            top = 5 if cells.high > 1 else 1
            if cells.low == cells.high:
                raise DataError(
                    f"{parts[part]}: every score is {cells.low:g}; add pairs of other scores"
                )
        elif (cells.high > 1) != (top > 1) and (cells.high > 1 or cells.count >= 20):
            raise DataError(
                f"{parts[part]}: scores up to {cells.high:g}, those of {parts[training].name} run "
                f"from 0 to {top}; bring both to one scale"
            )


def _labels_in(shelf: Shelf, part: str, manner: Manner) -> set[str]:
    """The labels that there are in a part."""
    found: set[str] = set()
    for batch in shelf.batches(f"{part}.staged"):
        found.update(batch.column("given").unique().to_pylist())
    return set(map(manner.label_of, found))


def _first_row(shelf: Shelf, part: str, label: str) -> int:
    """The number of the first row of a part that has a label."""
    for batch in shelf.batches(f"{part}.staged"):
        rows = zip(batch.column("number"), batch.column("given"), strict=True)
        for number, given in rows:
            if given.as_py() == label:
                return number.as_py()
    return 1


def _class_list(classes: Sequence[str] | str | Path) -> list[str]:
    if isinstance(classes, (str, Path)):
        return read_class_file(Path(classes).expanduser())
    return list(classes)


def _class_ids(
    found: set[str], path: Path, classes, told: list[str]
) -> tuple[list[str], dict[str, int]]:
    """Class names in the order of their ids, and the id of every label that a pair may carry.

    Args:
        found: the labels of the training rows.
    """
    if len(found) == 1:
        raise DataError(
            f"{path}: only one class, {min(found)[:40]!r}; add pairs of at least one other class"
        )
    if classes is not None:
        names = _class_list(classes)
        if len(set(names)) < len(names):
            raise DataError(f"{path}: its class list names a class twice; name each class once")
        numbers = {} if any(n.isdigit() for n in names) else {str(i): i for i in range(len(names))}
        return names, numbers | {name: i for i, name in enumerate(names)}
    alike: dict[str, str] = {}
    for label in sorted(found):
        if (one := alike.setdefault(plain_name(label), label)) != label:
            told.append(
                f"{path.name}：类别 {one[:40]} 和 {label[:40]} 只差大小写或全角半角，算作两类；"
                "若是同一类，请写成一样。"
            )
    if found <= set(NLI_CLASSES):
        names = list(NLI_CLASSES)
    elif all(re.fullmatch(r"[-+]?\d+", label) for label in found):
        names = sorted(found, key=int)
        if names != [str(number) for number in range(len(names))]:
            doubt = "若 -1 是没有标签，请删去这些行。" if names == ["-1", "0", "1"] else ""
            told.append(
                f"{path.name}：标签 {'、'.join(names)[:60]} 的编号依次是 0 到 {len(names) - 1}。{doubt}"
            )
    else:
        names = sorted(found)
    return names, {name: number for number, name in enumerate(names)}


def _check_labels(
    shelf: Shelf, staged: dict[str, Staged], parts, ids, names: list[str], manner: Manner
) -> None:
    for part in staged:
        if staged[part].unlabelled or _labels_in(shelf, part, manner) <= set(ids):
            continue
        unknown = Problems()
        for batch in shelf.batches(f"{part}.staged"):
            rows = zip(batch.column("number"), batch.column("given").to_pylist(), strict=True)
            for number, given in rows:
                label = manner.label_of(given)
                if label not in ids:
                    unknown.add(number.as_py(), f"unknown label {label[:20]!r}")
        unknown.refuse(
            parts[part],
            "correct it, or add it to the training split or the class list "
            f"(known: {', '.join(names)[:80]})",
        )


# --- Data sets -----------------------------------------------------------------------------------


def _other_columns(staged: dict[str, Staged], shares) -> list[str]:
    """The columns that pairs have besides, in the order in which the splits have them."""
    found: dict[str, None] = {}
    for split in SPLITS:
        for part, (splits, sides) in shares.items():
            if split not in splits:
                continue
            about = staged[part].about
            rows = about.key_of if sides is None else about.key_of[sides == splits.index(split)]
            combinations, first = np.unique(rows, return_index=True)
            for each in combinations[first.argsort()]:
                found |= dict.fromkeys(about.keys[each])
    return list(found)


def _features(names: list[str] | None, scored: bool, others: list[str]) -> Features:
    from datasets import ClassLabel, Features, Value

    features = {"sentence1": Value("string"), "sentence2": Value("string")}
    if names:
        features["label"] = ClassLabel(names=names)
    if scored:
        features["score"] = Value("float32")
    return Features(features | {n: Value("string") for n in others if n not in features})


def _finished(
    staged: dict[str, Staged], names: list[str], ids: dict[str, int] | None, manner: Manner
) -> Callable[[str, pyarrow.RecordBatch], list[pyarrow.Array]]:
    """What makes the columns of the data set of a staged batch.

    Args:
        names: of these columns.
    """
    import pyarrow

    done = dict.fromkeys(staged, 0)

    def finished(part: str, batch: pyarrow.RecordBatch) -> list[pyarrow.Array]:
        about, here = staged[part].about, done[part]
        keys = about.key_of[here : here + len(batch)]
        done[part] += len(batch)
        columns = {name: batch.column(name) for name in ("sentence1", "sentence2")}
        if ids is not None:
            given = batch.column("given").dictionary_encode()
            labels = map(manner.label_of, given.dictionary.to_pylist())
            id_of = np.array([ids[label] for label in labels], np.int64)
            columns["label"] = pyarrow.array(id_of[given.indices.to_numpy()])
        if manner.scored:
            scores = batch.column("given" if manner.graded else "score").to_pylist()
            columns["score"] = pyarrow.array(list(map(float, scores)), pyarrow.float32())
        missing = [name for name in names if name not in columns]
        if missing:
            rows = batch.column("others").to_pylist()
            values = [
                dict(zip(about.keys[k], v, strict=True)) for k, v in zip(keys, rows, strict=True)
            ]
            for name in missing:
                cells = [each.get(name) for each in values]
                columns[name] = pyarrow.array(cells, pyarrow.string())
        return [columns[name] for name in names]

    return finished
