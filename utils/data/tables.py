"""A reader's own table, whatever its columns are called: CSV, TSV, Excel, JSON lines, Parquet.

`rows` knows the forms in which the data sets of this field are published. Here it is the first row,
or the names in the objects, that say what a column holds, and the caller who says which are meant.
"""

import json
import zipfile
from pathlib import Path
from typing import NamedTuple

from utils.data import rows as files
from utils.data.rows import DataError, Problem, Row, decode, read_bytes, table_rows, unpacked_limit

TEXT, LABEL = "text", "label"

# Forms that only this module reads, by the endings of their names.
ENDINGS = (".xlsx", ".jsonl", ".json", ".jsonl.gz", ".json.gz")


class Table(NamedTuple):
    """All rows of a file, in its order, also those that cannot be used."""

    path: Path
    columns: list[str]  # as the file writes them
    rows: list[list[str] | None]  # one text for each column; None: see `problems`
    numbers: list[int]  # of the line, or of the sheet's row, that each starts on
    problems: list[Problem]

    def place_of(self, name: str) -> int | None:
        """Where a column stands; its name counts, whatever its case and the blanks around it."""
        if name in self.columns:
            return self.columns.index(name)
        names = [column.strip().casefold() for column in self.columns]
        wanted = name.strip().casefold()
        return names.index(wanted) if names.count(wanted) == 1 else None

    def column(self, name: str) -> list[str | None]:
        """A column's texts, None in the rows that cannot be used.

        Raises:
            DataError: no such column.
        """
        place = self.place_of(name)
        if place is None:
            found = ", ".join(map(repr, self.columns))
            raise DataError(
                f"{self.path}, row 1: no column {name!r} among {found:.120}; say which ones hold "
                "the texts and the labels: text=…, label=… (--text, --label)"
            )
        return [None if row is None else row[place] for row in self.rows]


def is_named(path: Path, text: str, label: str) -> bool:
    """Whether a file is read here: of a form that only this module reads, or columns are named."""
    return path.name.endswith(ENDINGS) or (text, label) != (TEXT, LABEL)


def read_rows(path: Path, text: str = TEXT, label: str = LABEL) -> list[Row]:
    """Rows of one file; `text` and `label` are what its columns are called.

    Raises:
        DataError: see `scan_rows`, and all rows that cannot be used.
    """
    rows, problems = scan_rows(path, text, label)
    word = "line" if path.name.endswith(ENDINGS[1:]) else "row"
    files.refuse_problems(path, problems, word)
    return rows


def scan_rows(path: Path, text: str = TEXT, label: str = LABEL) -> tuple[list[Row], list[Problem]]:
    """The usable rows of one file, and what is wrong with the others.

    Raises:
        DataError: missing, empty or damaged file, no such column, or not a single row.
    """
    if not is_named(path, text, label):
        return files.scan_rows(path)
    table = read_table(path)
    rows = [
        Row(content, name.strip(), path, number)
        for content, name, number in zip(
            table.column(text), table.column(label), table.numbers, strict=True
        )
        if content is not None
    ]
    return files.usable(rows, table.problems, path)


def read_table(path: Path) -> Table:
    """Every row of a file with every column, as text.

    The form is known by the ending: .xlsx (its first sheet), .jsonl or .json (an object a line, or
    one list of objects), .parquet; anything else is a table with its names in the first row and
    commas, tabs or semicolons between the fields. All but .xlsx and .parquet also as .gz.

    Raises:
        DataError: missing, empty or damaged file, or one without rows.
    """
    if path.name.endswith(".xlsx"):
        table = _sheet(path)
    elif path.name.endswith(ENDINGS[1:]):
        table = _objects(path)
    elif path.suffix == ".parquet":
        table = _parquet(path)
    else:
        table = _delimited(path)
    if not table.rows:
        raise DataError(f"{path}: no rows in it; fill it")
    return table


def _delimited(path: Path) -> Table:
    text = decode(read_bytes(path), path)
    first_line = text.partition("\n")[0]
    delimiter = max("\t,;", key=first_line.count)  # of equally many, the first
    lines = table_rows(text, path, delimiter)
    columns = [name.strip() for name in next(lines, (1, []))[1]]
    table = Table(path, columns, [], [], [])
    for number, fields in lines:
        fits = len(fields) == len(columns)
        table.rows.append(fields if fits else None)
        table.numbers.append(number)
        if not fits:
            found = f"{len(fields)} columns instead of {len(columns)}"
            table.problems.append(Problem(number, "columns", found))
    return table


def _sheet(path: Path) -> Table:
    import openpyxl

    if not path.is_file():
        raise DataError(f"{path}: no such file; check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > (limit := unpacked_limit(path.stat().st_size)):
            raise DataError(f"{path}: unpacks to more than {limit:,} bytes; get it from its source")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs write a wrong one, and rows would be missing
        cells = [[_as_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        book.close()
    except DataError:
        raise
    except Exception as error:  # a parser of XML in an archive: whatever a damaged one makes of it
        reason = str(error).partition("\n")[0][:80] or type(error).__name__
        raise DataError(
            f"{path}: no Excel file, or a damaged one ({reason}); open it in Excel and save it "
            "again as .xlsx, or as CSV"
        ) from error
    numbered = [(number, row) for number, row in enumerate(cells, start=1) if any(row)]
    columns = [name.strip() for name in numbered[0][1]] if numbered else []
    while columns and not columns[-1]:  # a sheet may be wider than what is written in it
        columns.pop()
    rows = [(row + [""] * len(columns))[: len(columns)] for _, row in numbered[1:]]
    return Table(path, columns, rows, [number for number, _ in numbered[1:]], [])


def _objects(path: Path) -> Table:
    text = decode(read_bytes(path), path)
    problems: list[Problem] = []
    found: list[tuple[int, dict | None]] = []
    if text.lstrip().startswith("["):
        try:
            each = json.loads(text)
        except ValueError as error:
            raise DataError(f"{path}: no JSON ({error}); write one object a line") from error
        found = list(enumerate(each, start=1))
    else:
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                try:
                    found.append((number, json.loads(line)))
                except ValueError:
                    found.append((number, None))
    for number, value in found:
        if not isinstance(value, dict):
            what = "no JSON" if value is None else f"{type(value).__name__}, no object"
            problems.append(Problem(number, "json", what))
    columns = list(
        dict.fromkeys(key for _, value in found if isinstance(value, dict) for key in value)
    )
    rows = [
        [_as_text(value.get(name)) for name in columns] if isinstance(value, dict) else None
        for _, value in found
    ]
    return Table(path, columns, rows, [number for number, _ in found], problems)


def _parquet(path: Path) -> Table:
    import pyarrow
    from pyarrow import parquet

    if not path.is_file():
        raise DataError(f"{path}: no such file; check the path")
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: cut off or damaged ({reason}); download it again") from error
    columns = [table[name].to_pylist() for name in table.column_names]
    rows = [[_as_text(value) for value in row] for row in zip(*columns, strict=True)]
    return Table(path, table.column_names, rows, list(range(1, len(rows) + 1)), [])


def _as_text(value: object) -> str:
    """A cell as its reader sees it: 5.0, as Excel keeps the number 5, is 5; nothing is ""."""
    if value is None or value != value:  # nan
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
