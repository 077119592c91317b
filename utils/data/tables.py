"""A reader's own table, whatever its columns are called: CSV, TSV, Excel, JSON lines, Parquet.

`rows` knows the forms in which the data sets of this field are published. Here it is the first row,
or the names in the objects, that say what a column holds, and the caller who says which are meant.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from utils.data import rows as files
from utils.data.cells import as_text, in_parts, is_half
from utils.data.content import DataError, NoLabels, encoding_of, lines
from utils.data.objects import (
    LONGEST_FIRST,
    ROWWISE,
    first_line,
    has_inner_list,
    inner_lists,
    is_list,
    is_on_one_line,
    list_items,
    lists_in,
    refuse_columns,
)
from utils.data.problems import SHEETS, Problem
from utils.data.rows import Row, parquet_file, table_rows
from utils.data.sheets import header_and_cells, sheet_rows

TEXT, LABEL = "text", "label"

# Forms that only this module reads, by the endings of their names.
OBJECTS = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")


class TableRow(NamedTuple):
    """A row of a file as text, or what is wrong with it."""

    number: int  # of the line, or of the sheet's row, that it starts on
    cells: list[str] | None  # one text for each column; None: see `problem`
    problem: Problem | None = None


class OpenTable(NamedTuple):
    """A file whose rows come one at a time, in its order, also those that cannot be used."""

    path: Path
    columns: list[str]  # as the file writes them
    rows: Iterator[TableRow]

    def place(self, name: str) -> int:
        """Where a column stands; see `place_of`."""
        return place_of(name, self.columns, self.path)


class Table(NamedTuple):
    """All rows of a file, in its order, also those that cannot be used."""

    path: Path
    columns: list[str]  # as the file writes them
    rows: list[list[str] | None]  # one text for each column; None: see `problems`
    numbers: list[int]  # of the line, or of the sheet's row, that each starts on
    problems: list[Problem]

    def column(self, name: str) -> list[str | None]:
        """A column's texts, None in the rows that cannot be used.

        Raises:
            DataError: no such column.
        """
        place = place_of(name, self.columns, self.path)
        return [None if row is None else row[place] for row in self.rows]


def place_of(name: str, columns: list[str], path: Path) -> int:
    """Where a column stands; its name counts, whatever its case and the blanks around it.

    Raises:
        DataError: no such column, or two.
    """
    if columns.count(name) == 1:
        return columns.index(name)
    names = [files.plain_name(column) for column in columns]
    wanted = files.plain_name(name)
    if names.count(wanted) == 1:
        return names.index(wanted)
    found = ", ".join(map(repr, columns))
    how = "two columns are called" if wanted in names else "no column"
    if {"annotations", "data.text"} <= set(columns):
        raise DataError(
            f"{path}: everything that Label Studio knows; export it as CSV or JSON-MIN instead, and "
            "say which columns hold the texts and the labels: text=…, label=… (--text, --label)"
        )
    cure = _names_elsewhere(name, path)
    if not cure:
        cure = "say which ones hold the texts and the labels: text=…, label=… (--text, --label)"
        if len(columns) == 1 and not path.name.lower().endswith(OBJECTS):
            cure += f"; if that is a text already, write {name} above it"
    raise DataError(f"{path}, row 1: {how} {name!r} among {found:.120}; {cure}")


def _names_elsewhere(name: str, path: Path) -> str:
    """Why a column is not found although its name is there, with the cure; or ""."""
    if path.name.lower().endswith(SHEETS):
        for number, cells in islice(sheet_rows(path, ()), 1, 10):
            if files.plain_name(name) in files.column_names(cells):
                return f"row {number} has it: delete what stands above it"
    elif not path.name.lower().endswith((*OBJECTS, ".parquet")):
        return files.where_the_names_are(path, encoding_of(path), [name])
    return ""


def _places(text: str, label: str, columns: list[str], path: Path) -> tuple[int, int]:
    """Where texts and labels stand.

    Raises:
        DataError: a column is missing; NoLabels: only that of the labels is.
    """
    text_at = place_of(text, columns, path)
    try:
        label_at = place_of(label, columns, path)
    except DataError as error:
        raise NoLabels(str(error)) from None
    if text_at == label_at:
        raise DataError(f"{path}, row 1: {text!r} is to hold both; say which column is the other")
    return text_at, label_at


def is_named(path: Path, text: str, label: str) -> bool:
    """Whether a file is read here: of a form that only this module reads, or columns are named."""
    return path.name.lower().endswith(SHEETS + OBJECTS) or (text, label) != (TEXT, LABEL)


def read_rows(path: Path, text: str = TEXT, label: str = LABEL) -> list[Row]:
    """Rows of one file; `text` and `label` are what its columns are called.

    Raises:
        DataError: see `each_row`, and all rows that cannot be used.
    """
    return list(each_usable_row(path, text, label))


def each_usable_row(path: Path, text: str = TEXT, label: str = LABEL) -> Iterator[Row]:
    """The rows of `read_rows` one at a time; what is wrong with others is told behind the last."""
    problems = []
    for each in each_row(path, text, label):
        if isinstance(each, Row):
            yield each
        else:
            problems.append(each)
    if problems:
        problems.sort(key=lambda problem: problem.number)
        files.refuse_problems(path, problems, word_of(path))


def word_of(path: Path) -> str:
    """What a row of a file is called: a sheet has rows, a file of JSON has lines, a line items."""
    if not path.name.lower().endswith(OBJECTS):
        return "row"
    encoding = encoding_of(path)
    way = _way_to_objects(path, encoding)
    counted = way is _inner_list or way is _json_list and is_on_one_line(path, encoding)
    return "item" if counted else "line"


def each_row(path: Path, text: str = TEXT, label: str = LABEL) -> Iterator[Row | Problem]:
    """The rows of one file that can be used, and what is wrong with the others.

    Raises:
        DataError: missing, empty or damaged file, no such column, or not a single row.
    """
    if not is_named(path, text, label):
        return files.each_row(path)
    if path.name.lower().endswith(SHEETS):
        found = _sheet_rows(path, text, label)
    elif path.name.lower().endswith(OBJECTS):
        found = _object_rows(path, text, label)
    elif path.suffix.lower() == ".parquet":
        found = _parquet_rows(path, text, label)
    else:
        found = _delimited_rows(path, text, label)
    return files.usable(found, path)


def read_table(path: Path, *wanted: str) -> Table:
    """Every row of a file with every column, as text; see `open_table`.

    Raises:
        DataError: missing, empty or damaged file, or one without rows.
    """
    opened = open_table(path, *wanted)
    table = Table(path, opened.columns, [], [], [])
    for row in opened.rows:
        table.rows.append(row.cells)
        table.numbers.append(row.number)
        if row.problem:
            table.problems.append(row.problem)
    return table


def open_table(path: Path, *wanted: str) -> OpenTable:
    """The columns of a file, and its rows one at a time, as text.

    The form is known by the ending: .xlsx, .jsonl or .json (an object a line, or one list of
    objects; the column a.b is the b of object a), .parquet; anything else is a table with its names
    in the first row and commas, tabs, semicolons or bars between the fields. All but .xlsx and
    .parquet also as .gz. Of several sheets it is the one that has the wanted columns, rows that are
    hidden included.

    Args:
        wanted: columns that should be there.
    Raises:
        DataError: missing or empty file, or one without rows; of one that is damaged further on,
            when it is read so far.
    """
    if path.name.lower().endswith(SHEETS):
        columns, rows = _sheet(path, wanted)
    elif path.name.lower().endswith(OBJECTS):
        columns, rows = _objects(path, wanted)
    elif path.suffix.lower() == ".parquet":
        columns, rows = _parquet(path, wanted)
    else:
        columns, rows = _delimited(path, *wanted)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path}: no rows in it; fill it")
    return OpenTable(path, columns, chain([first], rows))


def _delimited(path: Path, *wanted: str) -> tuple[list[str], Iterator[TableRow]]:
    columns, found = _header_and_rows(path, *wanted)

    def rows() -> Iterator[TableRow]:
        for number, fields in found:
            fields = files.without_blank_end(fields, len(columns))
            wrong = ""
            if len(fields) != len(columns):
                wrong = f"{len(fields)} columns instead of {len(columns)}"
            elif [field.strip() for field in fields] == columns:
                wrong = "the names of the columns once more"
            yield _table_row(number, fields, "columns", wrong)

    return columns, rows()


def _table_row(number: int, cells: list[str], kind: str, wrong: str) -> TableRow:
    """A row with its cells, or with the problem of this kind if anything is wrong with it."""
    return (
        TableRow(number, None, Problem(number, kind, wrong)) if wrong else TableRow(number, cells)
    )


def _delimited_rows(path: Path, text: str, label: str) -> Iterator[Row | Problem]:
    columns, rows = _header_and_rows(path, text, label)
    places = _places(text, label, columns, path)
    return files.table_fields(rows, files.column_names(columns), *places, path)


def _header_and_rows(path: Path, *wanted: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    encoding = encoding_of(path)
    delimiter = files.delimiter_of(files.header_line(path, encoding), wanted, files.DELIMITERS)
    rows = table_rows(lines(path, encoding, newline=""), path, delimiter)
    return [name.strip() for name in next(rows, (1, []))[1]], rows


def _sheet(path: Path, wanted: Collection[str]) -> tuple[list[str], Iterator[TableRow]]:
    columns, rows = header_and_cells(path, wanted)
    return columns, (TableRow(number, cells) for number, cells in rows)


def _sheet_rows(path: Path, text: str, label: str) -> Iterator[Row | Problem]:
    columns, rows = header_and_cells(path, {text, label})
    first = next(rows, None)
    if first is None:
        return
    text_at, label_at = _places(text, label, columns, path)
    names = files.column_names(columns)
    split_at, refuse_splits = files.splits_watch(names, path)
    for number, row in chain([first], rows):
        if row[label_at].strip() == columns[label_at] and files.column_names(row) == names:
            yield Problem(number, "header")  # sheets with a header each, put into one
            continue
        if split_at is not None:
            refuse_splits(number, row[split_at])
        yield Row(row[text_at], row[label_at].strip(), path, number)


def _objects(path: Path, wanted: Collection[str]) -> tuple[list[str], Iterator[TableRow]]:
    encoding = encoding_of(path)
    columns = _names_in_objects(path, encoding)
    if not columns:  # no object has anything in it, or there is none
        found = [Problem(n, "json", wrong) for n, _, wrong in _each_object(path, encoding) if wrong]
        files.refuse_problems(path, found, word_of(path))
    wanted = {files.plain_name(name) for name in wanted}

    def rows() -> Iterator[TableRow]:
        for number, value, wrong in _each_object(path, encoding):
            wrong = wrong or _wanted_in_parts(value.items(), wanted)
            cells = [] if wrong else [as_text(value.get(name)) for name in columns]
            yield _table_row(number, cells, "json", wrong)

    return columns, rows()


def _names_in_objects(path: Path, encoding: str) -> list[str]:
    """Every name that an object of a file has, in the order of their first appearance."""
    names: dict[str, None] = {}
    for _, value, wrong in _each_object(path, encoding):
        if not wrong:
            names |= dict.fromkeys(value)
    return list(names)


def _object_rows(path: Path, text: str, label: str) -> Iterator[Row | Problem]:
    encoding = encoding_of(path)
    first = next((value for _, value, wrong in _each_object(path, encoding) if not wrong), {})
    columns = list(first)
    if not {text, label} <= set(columns):  # called a little otherwise, or not in every row
        columns = _names_in_objects(path, encoding)
        if columns:
            text, label = (columns[place] for place in _places(text, label, columns, path))
    split_at, refuse_splits = files.splits_watch(files.column_names(columns), path)
    for number, value, wrong in _each_object(path, encoding):
        if wrong:
            yield Problem(number, "json", wrong)
            continue
        if split_at is not None:
            refuse_splits(number, as_text(value.get(columns[split_at])))
        content, name = value.get(text), value.get(label)
        if in_parts(content):
            yield Problem(number, "parts", f"{as_text(content):.40}")
            continue
        yield Row(as_text(content), as_text(name).strip(), path, number)


def _each_object(path: Path, encoding: str) -> Iterator[tuple[int, object, str]]:
    """Number of the line, or of the item, its object, and what is wrong with it, or ""."""
    return _way_to_objects(path, encoding)(path, encoding)


def _way_to_objects(path: Path, encoding: str) -> Callable[[Path, str], Iterator]:
    """What reads a file: its objects stand in a list, in the one list of an object, or on lines."""
    if is_list(path, encoding):
        return _json_list
    first, alone = first_line(path, encoding)
    try:
        value = None if len(first) > LONGEST_FIRST else json.loads(first)
    except json.JSONDecodeError as error:  # it may go on, on more lines
        wrapped = first.startswith("{") and error.pos >= len(first)
    except (ValueError, RecursionError):
        wrapped = False
    else:
        if alone:
            refuse_columns(value, path)
        wrapped = bool(lists_in(value)) and alone
        wrapped = wrapped or len(first) > LONGEST_FIRST and has_inner_list(path, encoding)
    return _inner_list if wrapped else _json_lines


def _json_list(path: Path, encoding: str) -> Iterator[tuple[int, object, str]]:
    """By their lines; where several stand on one line, as `json.dump` writes them, by their places."""
    for number, value in list_items(path, encoding, half_is_right=True):
        yield number, *_object(value)


def _inner_list(path: Path, encoding: str) -> Iterator[tuple[int, object, str]]:
    whole: dict[str, bool] = {}  # the lists, and whether all of their items are objects
    for name, _, item in inner_lists(path, encoding):
        whole[name] = whole.get(name, True) and isinstance(item, dict)
    found = [name for name in whole if whole[name]]
    if len(found) != 1:
        raise DataError(
            f"{path}: one object with {len(found) or 'no'} lists of objects in it; {ROWWISE}"
        )
    number = 0
    for name, first, item in inner_lists(path, encoding):
        if name == found[0]:
            number = 1 if first else number + 1
            yield number, *_object(item)


def _json_lines(path: Path, encoding: str) -> Iterator[tuple[int, object, str]]:
    """Number of the line, its object, and what is wrong with it, or ""."""
    for number, line in enumerate(lines(path, encoding), start=1):
        if line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                yield number, None, "no JSON"
            else:
                yield number, *_object(value)


def _object(value: object) -> tuple[object, str]:
    if not isinstance(value, dict):
        return value, f"{type(value).__name__}, no object"
    value = _flat(value)
    half = any(is_half(text) for pair in value.items() for text in pair if isinstance(text, str))
    return value, "half of a character, written \\uD8xx alone" if half else ""


def _flat(value: dict) -> dict:
    """An object without objects in it: `{"data": {"text": 1}}` has the column `data.text`."""
    if not any(isinstance(each, dict) and each for each in value.values()):
        return value
    flat, waiting = {}, list(reversed(value.items()))
    while waiting:
        name, each = waiting.pop()
        if isinstance(each, dict) and each:
            waiting += [(f"{name}.{inner}", below) for inner, below in reversed(each.items())]
        else:
            flat[name] = each
    return flat


def sheet_or_parquet(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names of the columns of an Excel or a Parquet file, and its rows with their numbers."""
    if path.name.lower().endswith(SHEETS):
        return header_and_cells(path, ())
    with parquet_file(path) as file:
        names = file.schema_arrow.names
    rows = ((number, [as_text(value) for value in row]) for number, row in _parquet_cells(path))
    return names, rows


def _parquet_cells(path: Path) -> Iterator[tuple[int, tuple]]:
    with parquet_file(path) as file:
        number = 0
        for batch in file.iter_batches(batch_size=1000):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, row


def _parquet(path: Path, wanted: Collection[str]) -> tuple[list[str], Iterator[TableRow]]:
    wanted = {files.plain_name(name) for name in wanted}
    with parquet_file(path) as file:
        names = file.schema_arrow.names

    def rows() -> Iterator[TableRow]:
        for number, row in _parquet_cells(path):
            wrong = _wanted_in_parts(zip(names, row, strict=True), wanted)
            cells = [] if wrong else [as_text(value) for value in row]
            yield _table_row(number, cells, "cell", wrong)

    return names, rows()


def _wanted_in_parts(cells: Iterable[tuple[str, object]], wanted: Collection[str]) -> str:
    """What is wrong with a row of whose wanted columns one holds several texts; else ""."""
    for name, value in cells:
        if files.plain_name(name) in wanted and in_parts(value):
            return f"{name} is {as_text(value):.40}, not one text"
    return ""


def _parquet_rows(path: Path, text: str, label: str) -> Iterator[Row | Problem]:
    with parquet_file(path) as file:
        columns = file.schema_arrow.names
        names = [columns[place] for place in _places(text, label, columns, path)]
        number = 0
        for batch in file.iter_batches(columns=names, batch_size=1000):
            texts, labels = (batch[name].to_pylist() for name in names)
            for content, name in zip(texts, labels, strict=True):
                number += 1
                if in_parts(content):
                    yield Problem(number, "parts", f"{as_text(content):.40}")
                    continue
                yield Row(as_text(content), as_text(name).strip(), path, number)
