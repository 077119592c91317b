"""A reader's own table, whatever its columns are called: CSV, TSV, Excel, JSON lines, Parquet.

`rows` knows the forms in which the data sets of this field are published. Here it is the first row,
or the names in the objects, that say what a column holds, and the caller who says which are meant.
"""

import contextlib
import datetime
import json
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from utils.data import rows as files
from utils.data.content import DataError, NoLabels, encoding_of, lines, unpacked_limit
from utils.data.no_text import what_it_is
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
from utils.data.rows import SHEETS, Problem, Row, parquet_file, table_rows

TEXT, LABEL = "text", "label"

# Forms that only this module reads, by the endings of their names.
OBJECTS = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")


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
        for number, cells in islice(_cells(path, ()), 1, 10):
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
        DataError: see `scan_rows`, and all rows that cannot be used.
    """
    rows, problems = files.sorted_out(each_row(path, text, label))
    if problems:
        files.refuse_problems(path, problems, word_of(path))
    return rows


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
    """Every row of a file with every column, as text.

    The form is known by the ending: .xlsx, .jsonl or .json (an object a line, or one list of
    objects; the column a.b is the b of object a), .parquet; anything else is a table with its names
    in the first row and commas, tabs, semicolons or bars between the fields. All but .xlsx and
    .parquet also as .gz. Of several sheets it is the one that has the wanted columns, rows that are
    hidden included.

    Args:
        wanted: columns that should be there.
    Raises:
        DataError: missing, empty or damaged file, or one without rows.
    """
    if path.name.lower().endswith(SHEETS):
        table = _sheet(path, wanted)
    elif path.name.lower().endswith(OBJECTS):
        table = _objects(path, wanted)
    elif path.suffix.lower() == ".parquet":
        table = _parquet(path, wanted)
    else:
        table = _delimited(path, *wanted)
    if not table.rows:
        raise DataError(f"{path}: no rows in it; fill it")
    if not table.columns and table.problems:
        files.refuse_problems(path, table.problems, word_of(path))
    return table


def _delimited(path: Path, *wanted: str) -> Table:
    columns, rows = _header_and_rows(path, *wanted)
    table = Table(path, columns, [], [], [])
    for number, fields in rows:
        fields = files.without_blank_end(fields, len(columns))
        found = ""
        if len(fields) != len(columns):
            found = f"{len(fields)} columns instead of {len(columns)}"
        elif [field.strip() for field in fields] == columns:
            found = "the names of the columns once more"
        table.rows.append(None if found else fields)
        table.numbers.append(number)
        if found:
            table.problems.append(Problem(number, "columns", found))
    return table


def _delimited_rows(path: Path, text: str, label: str) -> Iterator[Row | Problem]:
    columns, rows = _header_and_rows(path, text, label)
    places = _places(text, label, columns, path)
    return files.table_fields(rows, files.column_names(columns), *places, path)


def _header_and_rows(path: Path, *wanted: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    encoding = encoding_of(path)
    delimiter = files.delimiter_of(files.header_line(path, encoding), wanted, files.DELIMITERS)
    rows = table_rows(lines(path, encoding, newline=""), path, delimiter)
    return [name.strip() for name in next(rows, (1, []))[1]], rows


def _sheet(path: Path, wanted: Collection[str] = ()) -> Table:
    columns, rows = _header_and_cells(path, wanted)
    numbered = list(rows)
    return Table(path, columns, [row for _, row in numbered], [n for n, _ in numbered], [])


def _sheet_rows(path: Path, text: str, label: str) -> Iterator[Row | Problem]:
    columns, rows = _header_and_cells(path, {text, label})
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


def _header_and_cells(
    path: Path, wanted: Collection[str]
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names in the first row of a sheet, and the rows below it with their numbers."""
    rows = _cells(path, wanted)
    columns = [name.strip() for name in next(rows, (1, []))[1]]
    while columns and not columns[-1]:  # a sheet may be wider than what is written in it
        columns.pop()
    width = len(columns)
    return columns, ((number, (row + [""] * width)[:width]) for number, row in rows)


def _cells(path: Path, wanted: Collection[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a sheet that hold anything, one at a time, with their numbers.

    Excel writes each text once, into a list apart from the sheet, and openpyxl keeps this list.

    Args:
        wanted: columns that the sheet should have.
    """
    import openpyxl

    head = _head_of(path)
    if head and head[:2] != b"PK":
        what, cure = what_it_is(path, head) or ("text and no Excel file", "call it .csv")
        raise DataError(f"{path}: {what}; {cure}")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > (limit := unpacked_limit(path.stat().st_size)):
            raise DataError(f"{path}: unpacks to more than {limit:,} bytes; get it from its source")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        with contextlib.closing(book):
            yield from _filled(_chosen_sheet(book, wanted, path))
    except DataError:
        raise
    except Exception as error:  # a parser of XML in an archive: whatever a damaged one makes of it
        reason = str(error).partition("\n")[0][:80] or type(error).__name__
        raise DataError(
            f"{path}: no Excel file, or a damaged one ({reason}); open it in Excel and save it "
            "again as .xlsx, or as CSV"
        ) from error


def _filled(sheet) -> Iterator[tuple[int, list[str]]]:
    """The rows of a sheet in which there is more than blanks."""
    sheet.reset_dimensions()  # some programs write a wrong one, and rows would be missing
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = [_cell(cell) for cell in row]
        if any(map(str.strip, cells)):
            yield number, cells


def _head_of(path: Path) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(512)
    except OSError:
        raise DataError(f"{path}: no such file; check the path") from None


def _chosen_sheet(book, wanted: Collection[str], path: Path):
    """The sheet to read, which is none that its owner has hidden.

    Raises:
        DataError: several would do, of which only one would be read.
    """
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    headers = {}
    for sheet in sheets:
        _, first = next(_filled(sheet), (1, []))
        headers[sheet.title] = set(files.column_names(first)) - {""}
    filled = [sheet for sheet in sheets if headers[sheet.title]]
    if not filled:
        return book.worksheets[0]
    names = {files.plain_name(name) for name in wanted}
    fitting = [sheet for sheet in filled if names and names <= headers[sheet.title]]
    chosen = (fitting or filled)[0]
    alike = [
        sheet.title
        for sheet in filled
        if sheet in fitting or headers[sheet.title] == headers[chosen.title]
    ]
    if len(alike) > 1:
        told = ", ".join(map(repr, alike[:4]))
        raise DataError(
            f"{path}: the sheets {told:.80} have the same columns; put their rows into one sheet, "
            "or save the one that is meant as CSV"
        )
    return chosen


def _cell(value: object) -> str:
    """A cell of a sheet: a day has no hours, and a line's end that Excel wrote out is one again."""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    text = _as_text(value)
    if "_x" not in text:
        return text
    from openpyxl.utils.escape import unescape

    return unescape(text)


def _objects(path: Path, wanted: Collection[str] = ()) -> Table:
    wanted = {files.plain_name(name) for name in wanted}
    problems: list[Problem] = []
    found: list[tuple[int, dict | None]] = []
    names: dict[str, None] = {}
    for number, value, wrong in _each_object(path, encoding_of(path)):
        if not wrong:
            names |= dict.fromkeys(value)
            wrong = _wanted_in_parts(value.items(), wanted)
        found.append((number, None if wrong else value))
        if wrong:
            problems.append(Problem(number, "json", wrong))
    columns = list(names)
    rows = [
        None if value is None else [_as_text(value.get(name)) for name in columns]
        for _, value in found
    ]
    return Table(path, columns, rows, [number for number, _ in found], problems)


def _object_rows(path: Path, text: str, label: str) -> Iterator[Row | Problem]:
    encoding = encoding_of(path)
    first = next((value for _, value, wrong in _each_object(path, encoding) if not wrong), {})
    columns = list(first)
    if not {text, label} <= set(columns):  # called a little otherwise, or not in every row
        every: dict[str, None] = {}
        for _, value, wrong in _each_object(path, encoding):
            every |= {} if wrong else dict.fromkeys(value)
        columns = list(every)
        if columns:
            text, label = (columns[place] for place in _places(text, label, columns, path))
    split_at, refuse_splits = files.splits_watch(files.column_names(columns), path)
    for number, value, wrong in _each_object(path, encoding):
        if wrong:
            yield Problem(number, "json", wrong)
            continue
        if split_at is not None:
            refuse_splits(number, _as_text(value.get(columns[split_at])))
        content, name = value.get(text), value.get(label)
        if in_parts(content):
            yield Problem(number, "parts", f"{_as_text(content):.40}")
            continue
        yield Row(_as_text(content), _as_text(name).strip(), path, number)


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
    counted = is_on_one_line(path, encoding)
    for place, (line, value) in enumerate(list_items(path, encoding), start=1):
        yield place if counted else line, *_object(value)


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
    half = any(_half(text) for pair in value.items() for text in pair if isinstance(text, str))
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


def _half(text: str) -> bool:
    """Whether a text holds half a character, which JSON can write (\\ud83d) and nothing can store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def sheet_or_parquet(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names of the columns of an Excel or a Parquet file, and its rows with their numbers."""
    if path.name.lower().endswith(SHEETS):
        return _header_and_cells(path, ())
    with parquet_file(path) as file:
        names = file.schema_arrow.names
    rows = ((number, [_as_text(value) for value in row]) for number, row in _parquet_cells(path))
    return names, rows


def _parquet_cells(path: Path) -> Iterator[tuple[int, tuple]]:
    with parquet_file(path) as file:
        number = 0
        for batch in file.iter_batches(batch_size=1000):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, row


def _parquet(path: Path, wanted: Collection[str] = ()) -> Table:
    wanted = {files.plain_name(name) for name in wanted}
    with parquet_file(path) as file:
        names = file.schema_arrow.names
    rows, problems = [], []
    for number, row in _parquet_cells(path):
        wrong = _wanted_in_parts(zip(names, row, strict=True), wanted)
        rows.append(None if wrong else [_as_text(value) for value in row])
        if wrong:
            problems.append(Problem(number, "cell", wrong))
    return Table(path, names, rows, list(range(1, len(rows) + 1)), problems)


def _wanted_in_parts(cells: Iterable[tuple[str, object]], wanted: Collection[str]) -> str:
    """What is wrong with a row of whose wanted columns one holds several texts; else ""."""
    for name, value in cells:
        if files.plain_name(name) in wanted and in_parts(value):
            return f"{name} is {_as_text(value):.40}, not one text"
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
                    yield Problem(number, "parts", f"{_as_text(content):.40}")
                    continue
                yield Row(_as_text(content), _as_text(name).strip(), path, number)


def in_parts(value: object) -> bool:
    """Whether several texts stand where one should: turns of a conversation, or a list of texts."""
    return isinstance(value, dict) or (
        isinstance(value, list) and (len(value) > 1 or any(map(in_parts, value)))
    )


def _as_text(value: object) -> str:
    """A cell as its reader sees it: 5.0, as Excel keeps the number 5, is 5; nothing is "".

    A list of one is that one, as annotation tools write a label; of several it is JSON.
    """
    if isinstance(value, list) and len(value) < 2:
        value = value[0] if value else None
    value = files.decoded(value)
    if value is None or value != value:  # nan
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, dict)):
        written = json.dumps(value, ensure_ascii=False)
        return json.dumps(value) if _half(written) else written
    return str(value)
