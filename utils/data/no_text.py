"""What a file is that holds no text, told by its first bytes, and how to get at the text."""

import zipfile
from pathlib import Path

SHEET = "open it in Excel, WPS or LibreOffice and save it as .xlsx, or as CSV UTF-8"

ZIP = b"pk\x03\x04"

# First bytes -> what such a file is, and the cure; small letters, as case says nothing in HTML.
BEGINNINGS = {
    b"version https://git-lfs": ("a Git LFS pointer", "run git lfs pull in its folder"),
    ZIP: ("a zip archive", "let its name end in .zip"),
    b"rar!": ("a rar archive", "unpack it and give the folder"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "unpack it and give the folder"),
    b"bzh": ("compressed with bzip2", "unpack it first"),
    b"\xfd7zxz\x00": ("compressed with xz", "unpack it first"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "unpack it first"),
    b"\x1f\x8b": ("compressed with gzip", "let its name end in .gz, or in .tar.gz"),
    b"par1": ("a Parquet file", "let its name end in .parquet, for load_texts, or save it as CSV"),
    b"arrow1": ("an Arrow file", "write it as Parquet: Dataset.from_file(…).to_parquet(…)"),
    b"fea1": ("a Feather file", "write it as Parquet: pandas.read_feather(…).to_parquet(…)"),
    b"orc": ("an ORC file", "write it as Parquet: pandas.read_orc(…).to_parquet(…)"),
    b"sqlite format 3\x00": (
        "an SQLite database",
        "export the table as CSV: sqlite3 -header -csv FILE 'select * from TABLE' > a.csv",
    ),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": (
        "an old .xls or .doc file, or one with a password",
        SHEET.replace(" as CSV UTF-8", " as CSV UTF-8, without a password"),
    ),
    b"%pdf": ("a PDF", "copy its text into a table and save that as CSV"),
    b"{\\rtf": ("a rich text file", "save it as plain text in UTF-8"),
    b"<?xml": ("XML", "write its texts and labels as CSV or JSON lines"),
    b"<!doctype html": ("a web page", "download the file itself"),
    b"<html": ("a web page", "download the file itself"),
    b"\x80\x02": ("a pickle", "write what is in it as CSV: loading a pickle can run any code"),
    b"\x80\x03": ("a pickle", "write what is in it as CSV: loading a pickle can run any code"),
    b"\x80\x04": ("a pickle", "write what is in it as CSV: loading a pickle can run any code"),
    b"\x80\x05": ("a pickle", "write what is in it as CSV: loading a pickle can run any code"),
    b"\x93numpy": ("a NumPy array", "write its texts and labels as CSV"),
    b"\xff\xd8\xff": ("a picture", "give the texts themselves"),
    b"\x89png": ("a picture", "give the texts themselves"),
}
# A member of a zip archive -> what the archive is.
INSIDE = {
    "xl/workbook.xml": ("an Excel file", "let its name end in .xlsx"),
    "xl/workbook.bin": ("an Excel file in binary form (.xlsb)", SHEET),
    "word/document.xml": ("a Word file", "put its texts into a table and save that as CSV"),
    "Index/Document.iwa": ("a Numbers or Pages file", "export it as CSV (UTF-8) or Excel"),
    "content.xml": ("an OpenDocument file", SHEET),
}
TAR_AT = 257  # where a tar archive says what it is, behind the first member's name


def what_it_is(path: Path, head: bytes) -> tuple[str, str] | None:
    """What a file is that begins so and is no text, with the cure; None for any other."""
    if path.suffix.lower() == ".gz" and head.startswith((b"PK\x03\x04", b"PAR1")):
        return "a file that needs no gzip", "unpack it (gunzip) first"
    small = head[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    start = next((each for each in BEGINNINGS if small.startswith(each)), None)
    if start == ZIP:
        return _zipped(path)
    if start is not None:
        what, cure = BEGINNINGS[start]
        if start == b"par1" and path.suffix.lower() == ".parquet":
            cure = "write it as JSON: read_parquet(…).to_json(…, orient='records', lines=True)"
        if what == "a web page" and ".xls" in path.suffixes:
            return "a web page that is called .xls", SHEET
        return what, cure
    if head[TAR_AT : TAR_AT + 5] == b"ustar":
        if path.suffix.lower() in (".gz", ".tgz"):  # where one file is wanted
            return "a tar archive", "unpack it and give the file that is meant"
        return "a tar archive", "compress it (.tar.gz), or unpack it and give the folder"
    return None


def _zipped(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = set(archive.namelist())
    except Exception:  # damaged, or inside a .gz
        members = set()
    if "xl/workbook.xml" in members and path.suffix.lower() in (".xlsx", ".xlsm"):
        return "an Excel file", "save the sheet as CSV UTF-8"
    if found := next((about for member, about in INSIDE.items() if member in members), None):
        return found
    if path.suffix.lower() == ".zip":
        return "a zip archive", "unpack it and give the file that is meant"
    return BEGINNINGS[ZIP]
