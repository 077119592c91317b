"""A sheet of an Excel file: which one is meant, the names in its first row, the rows below them."""

import contextlib
import datetime
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

from utils.data.cells import as_text
from utils.data.content import DataError, unpacked_limit
from utils.data.no_text import what_it_is
from utils.data.rows import column_names, plain_name


def header_and_cells(
    path: Path, wanted: Collection[str]
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names in the first row of a sheet, and the rows below it with their numbers."""
    rows = sheet_rows(path, wanted)
    columns = [name.strip() for name in next(rows, (1, []))[1]]
    while columns and not columns[-1]:  # a sheet may be wider than what is written in it
        columns.pop()
    width = len(columns)
    return columns, ((number, (row + [""] * width)[:width]) for number, row in rows)


def sheet_rows(path: Path, wanted: Collection[str]) -> Iterator[tuple[int, list[str]]]:
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
        headers[sheet.title] = set(column_names(first)) - {""}
    filled = [sheet for sheet in sheets if headers[sheet.title]]
    if not filled:
        return book.worksheets[0]
    names = {plain_name(name) for name in wanted}
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
    text = as_text(value)
    if "_x" not in text:
        return text
    from openpyxl.utils.escape import unescape

    return unescape(text)
