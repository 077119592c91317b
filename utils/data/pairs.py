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
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from utils.data.content import DataError, beginning, encoding_of, lines
from utils.data.layout import SPLITS, WHOLE, Files
from utils.data.objects import each_object, is_json, refuse_columns
from utils.data.rows import (
    SEVERAL,
    Problems,
    column_names,
    is_empty_cell,
    is_seen,
    pair_columns,
    plain_name,
    read_class_file,
    table_rows,
    without_blank_end,
)
from utils.data.sources import Staged, parts_of, read_parts, share_out
from utils.data.splits import as_numbers, digest_of, refuse_hidden
from utils.data.staging import Shelf, arrow_splits, write_splits
from utils.data.tables import sheet_or_parquet

if TYPE_CHECKING:  # importing them takes a second or two, so the loader does so when it needs them
    import pyarrow
    from datasets import DatasetDict, Features

NLI_CLASSES = ("entailment", "neutral", "contradiction")  # the order of SNLI's ids on the Hub

LABEL_COLUMNS = ("label", "gold_label", "is_duplicate", "标签", "类别")
SCORE_COLUMNS = ("score", "similarity", "similarity_score", "相似度", "分数")

TABLES = Files("csv|tsv|txt|json|jsonl|ndjson|xlsx|xlsm|parquet")
BINARY = (".xlsx", ".xlsm", ".parquet")

NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
CURE = "name the columns sentence1, sentence2 and label or score in the first row"


def load_pairs(
    source: str | Path | None = None,
    name: str = "",
    classes: Sequence[str] | str | Path | None = None,
) -> DatasetDict:
    """Pairs of sentences with a label, a score or both, split into train, validation and test.

    Files are CSV or tab-separated with the columns sentence1, sentence2 and label or score (other
    names: `rows.PAIR_COLUMNS`, `LABEL_COLUMNS`, `SCORE_COLUMNS`; what was taken for what is
    printed), lines of sentence1<TAB>sentence2<TAB>label without a first row (LCQMC), or a JSON
    object a line with such keys (CLUE), each also compressed with gzip; or .xlsx and .parquet.

    - Scores run from 0 to 5, or from 0 to 1 if none is greater. They stay as they are.
    - A `label` that is no whole number, or runs through 0, 1, 2, 3, 4 and 5, is a score.
    - A pair labelled `-`, on which SNLI's annotators did not agree, is left out; how many is
      printed.
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

        def read(part: str, path: Path, advance: Callable[[int], object]) -> Staged:
            return _stage(path, shelf, f"{part}.staged", told, advance)

        def place_of(label: str) -> str:
            return f"{parts[training]}, row {_first_row(shelf, training, label)}"

        staged = read_parts(parts, read, size)
        told += sorted({about.renamed for *_, about in staged.values() if about.renamed})
        learned, unlabelled = staged[training], {p for p in staged if staged[p].unlabelled}
        names = ids = None
        manner = Manner(False, False, False)
        if not learned.unlabelled:
            manner = _settle_columns(staged, parts, training, classes is not None, told)
            if manner.scored:
                _check_scores(staged, parts, training, manner)
            if manner.labelled:
                found = _labels_in(shelf, training, manner.whole)
                refuse_hidden(sorted(found, key=lambda f: (len(f), f)), place_of)
                names, ids = _class_ids(found, parts[training], classes, told)
                _check_labels(shelf, staged, parts, ids, names, manner.whole)
            if set(parts) != set(SPLITS) or unlabelled:
                hashes = learned.about.hashes
                staged[training] = _grouped(shelf, training, hashes, manner, learned)
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
        self.labels = self.labels or cell != "-1"  # as in GLUE's test files
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


class Columns(NamedTuple):
    """What the columns are called that are not others."""

    one: str
    two: str
    label: str  # "": there is none
    score: str


def _columns_of(names: Sequence[str]) -> Columns:
    label = next((name for name in LABEL_COLUMNS if name in names), "")
    score = next((name for name in SCORE_COLUMNS if name in names), "")
    return Columns(*pair_columns(names), label, score)


def _stage(
    path: Path, shelf: Shelf, name: str, told: list[str], advance: Callable[[int], object]
) -> Staged:
    """Put the pairs of one file on the shelf, in its order.

    Raises:
        DataError: missing, empty, damaged or mixed-up file, missing column, empty sentence.
    """
    names, rows = _rows_of(path)
    columns = None
    # Read with the columns of the first row; only if others make a difference, once more.
    while columns != _columns_of(names):
        columns, rows = _columns_of(names), rows or _rows_of(path)[1]
        read = _read(path, columns, rows, shelf, name, advance)
        names, rows = read.names, None
    read.again.refuse(path, "delete the row")
    read.sentences.refuse(path, "write a sentence there, or delete the row")
    read.labels.refuse(path, "write one class there, or delete the row")
    if read.disagreed:
        told.append(f"{path.name}：{read.disagreed} 对没有一致的标签（-），略去。")
    about = read.about
    if not about.given.count:
        raise DataError(f"{path}: no pairs in it; download it again, or fill it")
    return Staged(not (about.given.labels or about.score.filled), None, about=about)


class Found(NamedTuple):
    """What one reading of a file came to, besides its rows."""

    names: list[str]  # of all columns that any row has
    again: Problems
    sentences: Problems
    labels: Problems
    disagreed: int
    about: About


def _read(
    path: Path,
    columns: Columns,
    rows: Iterable[tuple[int, dict]],
    shelf: Shelf,
    name: str,
    advance: Callable[[int], object],
) -> Found:
    import pyarrow

    one, two, label, score = columns
    again, sentences, labels, disagreed = Problems(), Problems(), Problems(), 0
    given_cells, score_cells, hashes, key_of = Cells(), Cells(), array("q"), array("i")
    names: dict[str, None] = {}
    keys: dict[tuple[str, ...], int] = {}
    schema = _schema()

    def batch_of(pairs: list[tuple]) -> pyarrow.RecordBatch:
        columns = zip(*pairs, strict=True)
        fields = [pyarrow.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
        return pyarrow.RecordBatch.from_arrays(fields, schema=schema)

    with shelf.rows(name, schema, batch_of, advance) as put:
        for number, row in rows:
            if not names.keys() >= row.keys():
                names |= dict.fromkeys(row)
            if _is_header(row):
                again.add(number, "the names of the columns once more")
            right = True
            for column in (one, two):
                sentence = row.get(column)
                if (
                    not isinstance(sentence, str)
                    or not is_seen(sentence)
                    or is_empty_cell(sentence.strip())
                ):
                    right = False
                    sentences.add(number, f"{column} is {str(row.get(column, ''))[:20]!r}")
            given = _plain(row.get(label)).strip() if label else ""
            if is_empty_cell(given) or SEVERAL.fullmatch(given):
                labels.add(number, f"label {given[:30]!r}")
            if not right:
                continue
            if given == "-":
                disagreed += 1
                continue
            points = _plain(row.get(score)).strip() if score else ""
            given_cells.add(number, given)
            score_cells.add(number, points)
            hashes.append(hash(row[one].strip()))
            hashes.append(hash(row[two].strip()))
            kept = tuple(key for key in row if key and key not in columns)
            key_of.append(keys.setdefault(kept, len(keys)))
            others = [_plain(row[key]) for key in kept]
            size = len(row[one]) + len(row[two]) + sum(map(len, others))
            put((number, row[one], row[two], given, points, others), size)
    renamed = [
        f"{have} → {want}"
        for have, want in zip(columns, ("sentence1", "sentence2", "label", "score"), strict=True)
        if have and have != want
    ]
    line = f"列名：{'，'.join(renamed)}。" if renamed else ""
    key_of = np.frombuffer(key_of, np.int32)
    about = About(given_cells, score_cells, list(keys), key_of, hashes, line)
    return Found(list(names), again, sentences, labels, disagreed, about)


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


# --- Files ---------------------------------------------------------------------------------------


def _rows_of(path: Path) -> tuple[list[str], Iterator[tuple[int, dict]]]:
    """The names of the columns, of JSON those of the first object, and the rows one at a time."""
    if path.name.lower().endswith(BINARY):
        return _binary_rows(path)
    encoding = encoding_of(path)
    if not is_json(path, beginning(path, encoding)):
        return _table(path, encoding)
    rows = _json_rows(path)
    first = next(rows)
    return list(first[1]), chain([first], rows)


def _json_rows(path: Path) -> Iterator[tuple[int, dict]]:
    """The objects of a file by the names of their columns in lower case."""
    problems, others, pair = Problems(), Problems(), None
    found = each_object(path)
    head = list(islice(found, 2))
    if len(head) == 1:
        refuse_columns(head[0][1], path)
    for number, item in chain(head, found):
        if not isinstance(item, dict):
            problems.add(number, f"{str(item)[:20]!r} is no object")
            continue
        row = {str(key).strip().lower(): value for key, value in item.items()}
        if pair and pair[0] in row and pair[1] in row:
            yield number, row
        elif not (here := pair_columns(list(row))):
            problems.add(number, f"no two sentences among {', '.join(row)[:40]!r}")
        elif pair:
            others.add(number, f"no {pair[0]} and {pair[1]}, unlike the others")
        else:
            pair = here
            yield number, row
    cure = "call them sentence1 and sentence2, or read single texts with load_texts"
    problems.refuse(path, cure)
    if not pair:
        raise DataError(f"{path}: no pairs in it; download it again, or fill it")
    others.refuse(path, "name them alike")


def _table(path: Path, encoding: str) -> tuple[list[str], Iterator[tuple[int, dict]]]:
    written = (line.lstrip("\r\n") for line in lines(path, encoding))
    first_line = next(filter(None, written), "").partition("\n")[0]
    delimiter = next(
        (mark for mark in ";|" if pair_columns(column_names(first_line.split(mark)))), ","
    )
    tabs = "\t" in first_line
    plain = tabs and not _is_quoted(path, encoding)

    def every() -> Iterator[tuple[int, list[str]]]:
        if plain:
            rows = _tab_rows(path, encoding)
        else:
            text = lines(path, encoding, newline="")
            rows = table_rows(text, path, "\t" if tabs else delimiter)
        return ((number, fields) for number, fields in rows if any(map(str.strip, fields)))

    rows = every()
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path}: no pairs in it; download it again, or fill it")
    columns = column_names(first[1])
    if pair_columns(columns):
        twice = {name for name in columns if name and columns.count(name) > 1}
        if twice:
            raise DataError(f"{path}, row 1: two columns are called {min(twice)!r}; rename one")
        rows = ((number, without_blank_end(fields, len(columns))) for number, fields in rows)
    else:
        for number, fields in islice(rows, 9):
            if pair_columns(column_names(fields)):
                raise DataError(
                    f"{path}, row {number}: the names of the columns; delete what stands above them"
                )
        columns = _columns_without_names(first[1], every, path)
        rows = every()
    return columns, _named(rows, columns, path, tabs)


def _named(
    rows: Iterable[tuple[int, list[str]]], columns: list[str], path: Path, tabs: bool
) -> Iterator[tuple[int, dict]]:
    """The rows with the names of the columns; those that are too short or too long are refused."""
    odd, empty = Problems(), True
    for number, fields in rows:
        empty = False
        if len(fields) != len(columns):
            odd.add(number, f"{len(fields)} columns instead of {len(columns)}")
        else:
            yield number, dict(zip(columns, fields, strict=True))
    if empty:
        raise DataError(f"{path}: no pairs in it; download it again, or fill it")
    odd.refuse(
        path,
        "write one tab between two columns and none in a sentence"
        if tabs
        else 'put a sentence that holds a comma or a quote in quotes: "...", "" for a quote',
    )


def _tab_rows(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    # At \n only: texts from the web hold characters (U+2028, U+0085) that others take for ends.
    for number, line in enumerate(lines(path, encoding), start=1):
        line = line.removesuffix("\n").rstrip("\r")
        if line.strip():
            yield number, line.split("\t")


def _is_quoted(path: Path, encoding: str) -> bool:
    """Whether fields between tabs have quotes around them as in CSV: some programs write them so."""
    doubled, all_quoted, widths = False, True, set()
    for _, fields in _tab_rows(path, encoding):
        widths.add(len(fields))
        for field in fields:
            if not (len(field) > 1 and field[0] == field[-1] == '"'):
                all_quoted = False
            elif '""' in field[1:-1] and '"' not in field[1:-1].replace('""', ""):
                doubled = True
    if not (doubled or all_quoted or len(widths) > 1):
        return False
    try:
        text = lines(path, encoding, newline="")
        return len({len(fields) for _, fields in table_rows(text, path, "\t")}) == 1
    except DataError:
        return False


def _columns_without_names(
    first: list[str], every: Callable[[], Iterator[tuple[int, list[str]]]], path: Path
) -> list[str]:
    """The columns of a file whose first row is a pair already, or an error if it is none.

    Args:
        every: gives all rows, from the first on.
    """
    count, shown = len(first), ", ".join(first)[:60]
    if {"text", "label"} <= set(column_names(first)):
        raise DataError(f"{path}, row 1: single texts, not pairs; read them with load_texts")
    if count == 3:
        last = first[2].strip()
        others = (fields[2].strip() for _, fields in islice(every(), 1, None) if len(fields) == 3)
        if NUMBER.fullmatch(last) or last in (*NLI_CLASSES, "-") or last in others:
            return ["sentence1", "sentence2", "label"]
    if count == 2:
        hashes, characters = (array("q"), array("q")), [0, 0]
        for _, fields in every():
            for side in range(2 if len(fields) == 2 else 0):
                hashes[side].append(hash(fields[side].strip()))
                characters[side] += len(fields[side].strip())
        kinds = [len(np.unique(np.frombuffer(each, np.int64))) for each in hashes]
        few = kinds.index(min(kinds))
        rows = sum(1 for _ in every())
        short = characters[few] <= 10 * len(hashes[few])  # as names of classes are
        if min(kinds) <= rows / 2 and short or any(map(str.isdigit, first)):
            raise DataError(
                f"{path}, row 1: one text and its label a row ({shown!r}), not pairs; read them "
                "with load_texts"
            )
        if not all(re.fullmatch(r"[\w ]{1,20}", name, re.ASCII) for name in first):
            return ["sentence1", "sentence2"]
    raise DataError(f"{path}, row 1: no two sentences among the columns {shown!r}; {CURE}")


def _binary_rows(path: Path) -> tuple[list[str], Iterator[tuple[int, dict]]]:
    """The names of the columns of a sheet or a Parquet file, and its rows."""
    names, rows = sheet_or_parquet(path)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path}: no rows in it; fill it")
    columns = column_names(names)
    if not pair_columns(columns):
        raise DataError(
            f"{path}, row 1: no two sentences among the columns {', '.join(columns)[:60]!r}; {CURE}"
        )
    every = chain([first], rows)
    return columns, ((number, dict(zip(columns, row, strict=True))) for number, row in every)


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


def _labels_in(shelf: Shelf, part: str, whole: bool) -> set[str]:
    """The labels that there are in a part."""
    found: set[str] = set()
    for batch in shelf.batches(f"{part}.staged"):
        found.update(batch.column("given").unique().to_pylist())
    return set(map(_whole, found)) if whole else found


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
    if found <= set(NLI_CLASSES):
        names = list(NLI_CLASSES)
    elif all(re.fullmatch(r"[-+]?\d+", label) for label in found):
        names = sorted(found, key=int)
        if names != [str(number) for number in range(len(names))]:
            told.append(
                f"{path.name}：标签 {'、'.join(names)[:60]} 的编号依次是 0 到 {len(names) - 1}。"
            )
    else:
        names = sorted(found)
    return names, {name: number for number, name in enumerate(names)}


def _check_labels(
    shelf: Shelf, staged: dict[str, Staged], parts, ids, names: list[str], whole: bool
) -> None:
    for part in staged:
        if staged[part].unlabelled or _labels_in(shelf, part, whole) <= set(ids):
            continue
        unknown = Problems()
        for batch in shelf.batches(f"{part}.staged"):
            rows = zip(batch.column("number"), batch.column("given").to_pylist(), strict=True)
            for number, given in rows:
                label = _whole(given) if whole else given
                if label not in ids:
                    unknown.add(number.as_py(), f"unknown label {label[:20]!r}")
        unknown.refuse(
            parts[part],
            "correct it, or add it to the training split or the class list "
            f"(known: {', '.join(names)[:80]})",
        )


# --- Groups --------------------------------------------------------------------------------------


def _grouped(shelf: Shelf, part: str, hashes: array, manner: Manner, staged: Staged) -> Staged:
    """A part with its groups: pairs that a chain of shared sentences connects stay together.

    The smallest sentence of a group is its name, so that this does not depend on the order of the
    rows. Each split gets its share of each kind of group, which is the labels that occur in it.
    """
    group = _connected(hashes)
    left = np.bincount(group)  # rows of each group that are still to come
    digests, smallest, labels = bytearray(16 * len(left)), {}, {}
    codes, row = np.zeros(len(group), np.int32), 0
    for batch in shelf.batches(f"{part}.staged"):
        columns = (batch.column(each).to_pylist() for each in ("sentence1", "sentence2", "given"))
        for one, two, given in zip(*columns, strict=True):
            here, low = group[row], min(one.strip(), two.strip())
            if not manner.graded:
                label = _whole(given) if manner.whole else given
                codes[row] = labels.setdefault(label, len(labels))
            left[here] -= 1
            if here in smallest:
                low = min(low, smallest[here])
            if left[here]:
                smallest[here] = low
            else:
                smallest.pop(here, None)
                digests[16 * here : 16 * here + 16] = digest_of(low)
            row += 1
    kinds, names = _kinds(group, codes, list(labels) or [""])
    return staged._replace(digests=as_numbers(digests)[group], codes=kinds[group], kinds=names)


def _connected(hashes: array) -> np.ndarray:
    """The number of the group of each pair."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, sentences = np.unique(np.frombuffer(hashes, np.int64), return_inverse=True)
    one, two = sentences.astype(np.int32).reshape(-1, 2).T
    size = int(sentences.max()) + 1
    graph = coo_array((np.ones(len(one), np.int8), (one, two)), shape=(size, size))
    return connected_components(graph, directed=False)[1][one]


def _kinds(group: np.ndarray, codes: np.ndarray, labels: list[str]) -> tuple[np.ndarray, list[str]]:
    """The kind of each group, and what the kinds are called."""
    both = np.unique(group.astype(np.int64) * len(labels) + codes)
    owner, code = np.divmod(both, len(labels))
    groups_with = np.bincount(code, minlength=len(labels))
    bounds = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1], True])
    names: dict[str, int] = {}
    kind = np.empty(len(bounds) - 1, np.int32)
    alone = np.diff(bounds) == 1
    kind_of = np.array([names.setdefault(label, len(names)) for label in labels])
    kind[alone] = kind_of[code[bounds[:-1][alone]]]
    for each in np.flatnonzero(~alone):
        name = "+".join(sorted(labels[c] for c in code[bounds[each] : bounds[each + 1]]))
        kind[each] = names.setdefault(name, len(names))
    sizes = np.bincount(kind, minlength=len(names))
    _, first = np.unique(group, return_index=True)  # the first row of each group
    largest = np.flatnonzero(sizes[kind] == sizes.max())
    common = kind[largest[first[largest].argmin()]]
    for each in np.flatnonzero(sizes[kind] == 1):
        # The only group of its kind goes with the others, if these have all its labels too.
        if (groups_with[code[bounds[each] : bounds[each + 1]]] > 1).all():
            kind[each] = common
    return kind, list(names)


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
            labels = (_whole(g) if manner.whole else g for g in given.dictionary.to_pylist())
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
