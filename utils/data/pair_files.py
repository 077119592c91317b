"""The rows of a file of pairs, by the names of their columns: tables, JSON, sheets, Parquet."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.data.content import DataError, beginning, encoding_of, lines
from utils.data.objects import each_object, is_json, refuse_columns
from utils.data.problems import SHEETS, Problems
from utils.data.rows import (
    SEPARATOR_LINE,
    column_names,
    names_of_ids,
    pair_columns,
    parquet_file,
    table_rows,
    without_blank_end,
)
from utils.data.tables import sheet_or_parquet

NLI_CLASSES = ("entailment", "neutral", "contradiction")  # the order of SNLI's ids on the Hub

LABEL_COLUMNS = ("label", "gold_label", "is_duplicate", "标签", "类别")
SCORE_COLUMNS = ("score", "similarity", "similarity_score", "相似度", "分数")

BINARY = (*SHEETS, ".parquet")

NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
WHOLE_NUMBER = re.compile(r"[-+]?\d+")
CURE = "name the columns sentence1, sentence2 and label or score in the first row"


class Columns(NamedTuple):
    """What the columns are called that are not others."""

    one: str
    two: str
    label: str  # "": there is none
    score: str


def columns_of(names: Sequence[str]) -> Columns:
    """Which of these names the sentences, the label and the score have."""
    label = next((name for name in LABEL_COLUMNS if name in names), "")
    score = next((name for name in SCORE_COLUMNS if name in names), "")
    return Columns(*pair_columns(names), label, score)


def rows_of(path: Path) -> tuple[list[str], Iterator[tuple[int, dict]]]:
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
    found = each_object(path, "data")
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
    written = (line for line in written if line and not SEPARATOR_LINE.fullmatch(line.strip()))
    first_line = next(written, "").partition("\n")[0]
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
        known = NUMBER.fullmatch(last) or last in (*NLI_CLASSES, "-")
        if known or last in others:
            _refuse_ids(first, every, bool(known), path)
            return ["sentence1", "sentence2", "label"]
        if _is_id(first[0].strip()):
            _refuse_ids(first, every, True, path)
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


def _refuse_ids(
    first: list[str], every: Callable[[], Iterator[tuple[int, list[str]]]], named: bool, path: Path
) -> None:
    """Refuse three columns without names whose first or second holds ids or labels, no sentences.

    Numbers in the second may be answers to the first: they do not run on as ids do, and there are
    more of them than of labels in the third.

    Args:
        every: gives all rows, from the first on.
        named: whether the first row's last field shows that no sentences stand in that column.
    """
    rows, ids, hashes = 0, [0, 0], (array("q"), array("q"), array("q"))
    last, numbers, rises = 0, 0, 0  # of the second column
    for _, fields in every():
        if len(fields) == 3:
            rows += 1
            for side, field in enumerate(map(str.strip, fields)):
                hashes[side].append(hash(field))
                if side < 2:
                    ids[side] += _is_id(field)
                if side == 1 and WHOLE_NUMBER.fullmatch(field):
                    before, last = last, int(field[:1000])
                    numbers, rises = numbers + 1, rises + (last > before)
    one, two, three = (len(np.unique(np.frombuffer(each, np.int64))) for each in hashes)
    place = next((side for side in range(2) if ids[side] > 0.9 * rows), None)
    if place == 1 and numbers > 0.9 * rows > rises and two > three:
        return
    # A few names of classes beside sentences, which differ mostly, as grades do not.
    if place is None and not named and 3 * one < three and 2 * three > rows:
        place = 0
    if place is not None:
        raise DataError(
            f"{path}, row 1: column {place + 1} holds ids or labels ({first[place].strip()[:20]!r}), "
            "not sentences; name the columns in a first row: sentence1, sentence2 and label or "
            "score (or text and label, and read single texts with load_texts)"
        )


def _is_id(field: str) -> bool:
    """Whether a field is an id or a label rather than a sentence."""
    return bool(WHOLE_NUMBER.fullmatch(field)) or field in NLI_CLASSES


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
    label = columns_of(columns).label
    classes = _classes_of(path, names[columns.index(label)]) if label else {}

    def named() -> Iterator[tuple[int, dict]]:
        for number, cells in every:
            row = dict(zip(columns, cells, strict=True))
            if classes:
                row[label] = classes.get(row[label], row[label])
            yield number, row

    return columns, named()


def _classes_of(path: Path, column: str) -> dict[str, str]:
    """What the ids in a column mean, as a Parquet file of the Hub says it; -1 is no label there."""
    if path.suffix.lower() != ".parquet":
        return {}
    with parquet_file(path) as file:
        names = names_of_ids(file.schema_arrow.metadata or {}, column)
        ids = {str(number): name for number, name in enumerate(names)}
        batches = file.iter_batches(columns=[column]) if names else ()
        if any(set(batch[column].unique().to_pylist()) - {-1, None} for batch in batches):
            ids["-1"] = "-"  # not in a test file, where all are -1
    return ids
