"""Read one file, or one folder of text files, into rows. No label ids, no splits, no network."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

# Text shrinks to a third or a tenth when it is compressed. What grows a hundredfold and is large
# is no text but an archive made to fill the disk.
SMALLEST_LIMIT = 256 * 2**20
LARGEST_GROWTH = 100

# What a file begins with that is no text, whatever its name says.
NO_TEXT = {
    b"version https://git-lfs": ("a Git LFS pointer", "run git lfs pull in its folder"),
    b"PK\x03\x04": ("a zip archive or an Excel file", "call it .zip, or save the sheet as CSV"),
    b"Rar!": ("a rar archive", "unpack it and give the folder"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "unpack it and give the folder"),
    b"PAR1": ("a Parquet file", "save it as CSV or JSON lines, or call it .parquet for load_texts"),
    b"\x1f\x8b": ("compressed with gzip", "let its name end in .gz, or in .tar.gz"),
    b"<!DOCTYPE html": ("a web page", "download the file itself"),
    b"<html": ("a web page", "download the file itself"),
}

# What the two sentences of a pair are called, in lower case.
PAIR_COLUMNS = (
    ("sentence1", "sentence2"),
    ("sentence_a", "sentence_b"),
    ("sentence_1", "sentence_2"),
    ("sent1", "sent2"),
    ("text_a", "text_b"),
    ("text1", "text2"),
    ("s1", "s2"),
    ("q1", "q2"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
)


class DataError(ValueError):
    """Data that cannot be used. Its message is one line: file and row, what is wrong, the cure."""


def refuse(path: Path, problems: list[tuple[int, str]], cure: str, word: str = "row") -> None:
    """Raise one DataError for all that is wrong in a file, if anything is.

    Args:
        problems: the number of the line and what is wrong in it; the first five are told.
        word: "row" of a table or "line" of another file.
    """
    if not problems:
        return
    problems = sorted(problems, key=lambda problem: problem[0])
    told = "; ".join(f"{word} {number}: {what}" for number, what in problems[:5])
    if len(problems) == 1:
        raise DataError(f"{path}, {told}; {cure}")
    more = f" … ({len(problems)} in all)" if len(problems) > 5 else ""
    raise DataError(f"{path}, {told}{more}; {cure}")


class Problem(NamedTuple):
    """What is wrong with one row of a file: a key of `PROBLEMS`, and what it is about."""

    number: int  # of the line; 0: the file holds one text
    kind: str
    detail: str = ""
    file: Path | None = None  # where the rows are from several files


# kind -> what is wrong and the cure, for the one line of an error. `{}` is the detail.
PROBLEMS = {
    "columns": ("{}", 'put a text that holds a comma or a quote in quotes: "...", "" for a quote'),
    "tab": (
        "no tab in it",
        "write label<TAB>text or text<TAB>id, or a CSV file with the columns text,label",
    ),
    "text": ("the text is empty", "fill it in or delete the row"),
    "label": ("the label is empty", "fill it in or delete the row"),
    "nan": (
        "the label {!r} is what programs write for an empty cell",
        "fill it in or delete the row; if it is a class, call it otherwise",
    ),
    "json": ("{}", "write one object a line, with a text and a label"),
}

# What pandas, Excel and databases write where there is nothing.
EMPTY_CELLS = {"nan", "null", "<na>", "#n/a"}


def refuse_problems(path: Path, problems: list[Problem], word: str = "row") -> None:
    """Raise one DataError for all rows that cannot be used, if there are any."""
    if not problems:
        return
    kinds = {problem.kind for problem in problems}
    cure = PROBLEMS[kinds.pop()][1] if len(kinds) == 1 else "correct or delete these rows"
    if problems[0].file is not None:  # a file for each text
        what, _ = PROBLEMS[problems[0].kind]
        more = f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""
        raise DataError(f"{problems[0].file}: {what.format(problems[0].detail)}{more}; {cure}")
    told = [(each.number, PROBLEMS[each.kind][0].format(each.detail)) for each in problems]
    refuse(path, told, cure, word)


class Row(NamedTuple):
    """One text with its label as it stands in the file: a class name, or an id as a string."""

    text: str
    label: str
    file: Path
    number: int  # the line the row starts on, as an editor counts; 0: the file holds one text

    @property
    def place(self) -> str:
        """The file and row, as an error names them."""
        return f"{self.file}, row {self.number}" if self.number else str(self.file)


def read_rows(path: Path) -> list[Row]:
    """Rows of one file, in its order.

    Known by their content: a table whose first row names the columns `text` and `label` (CSV, or
    tabs between them), lines of `label<TAB>text` (cnews) or `text<TAB>label` (titles); each may be
    compressed with gzip. Parquet is known by its name.

    Raises:
        DataError: missing, empty, damaged or mixed-up file, missing column, empty text or label.
    """
    rows, problems = scan_rows(path)
    refuse_problems(path, problems)
    return rows


def scan_rows(path: Path) -> tuple[list[Row], list[Problem]]:
    """The usable rows of one file as `read_rows` gives them, and what is wrong with the others.

    Raises:
        DataError: a file of which no row can be read.
    """
    problems: list[Problem] = []
    if path.suffix == ".parquet":
        rows = _parquet_rows(path)
    else:
        text = decode(read_bytes(path), path)
        first_line = text.partition("\n")[0]
        delimiter = "\t" if "\t" in first_line else ","
        columns = column_names(first_line.split(delimiter))
        if (pair := pair_columns(columns)) and not {"text", "label"} <= set(columns):
            raise DataError(
                f"{path}, row 1: pairs of sentences ({', '.join(pair)}), not single texts; read "
                "them with load_pairs"
            )
        if {"text", "label"} <= set(columns) or ".csv" in path.suffixes:
            rows, problems = _table_rows(text, path, delimiter)
        else:
            rows, problems = _tab_rows(text, path)
    return usable(rows, problems, path)


def read_class_folders(folder: Path) -> list[Row]:
    """Rows of a tree <folder>/<class>/<anything>.txt, one text a file, by class and file name.

    Lines are stripped of the indents that news texts carry, and blank lines left out.

    Raises:
        DataError: no such files, or one that is empty or damaged.
    """
    rows, problems = scan_class_folders(folder)
    refuse_problems(folder, problems)
    return rows


def scan_class_folders(folder: Path) -> tuple[list[Row], list[Problem]]:
    """The usable rows as `read_class_folders` gives them, and what is wrong with the others."""
    rows = []
    for class_folder in class_folders(folder):
        for file in sorted(class_folder.glob("*.txt")):
            lines = (line.strip() for line in decode(read_bytes(file), file).split("\n"))
            text = "\n".join(line for line in lines if line)
            rows.append(Row(text, class_folder.name, file, 0))
    return usable(rows, [], folder)


def class_folders(folder: Path) -> list[Path]:
    """The folders in `folder` that hold .txt files; not the unlabelled reviews of aclImdb."""
    return [
        sub for sub in visible_folders(folder) if sub.name != "unsup" and any(sub.glob("*.txt"))
    ]


def visible_folders(folder: Path) -> list[Path]:
    """Sorted subfolders, without those a system hides in archives (.git, __MACOSX)."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] not in "._")


def read_class_file(path: Path) -> list[str]:
    """Class names, one a line; the line counted from 0 is the id."""
    lines = [line.strip() for line in decode(read_bytes(path), path).rstrip().split("\n")]
    if "" in lines:
        raise DataError(
            f"{path}, row {lines.index('') + 1}: a blank line among the class names; delete it, "
            "as ids are counted by lines"
        )
    return lines


def unpacked_limit(packed_bytes: int) -> int:
    """How many bytes an archive of this size may unpack to before it counts as a bomb."""
    return max(SMALLEST_LIMIT, LARGEST_GROWTH * packed_bytes)


def read_bytes(path: Path) -> bytes:
    """Content of a file, unpacked if its name ends in .gz."""
    if not path.is_file():
        raise DataError(f"{path}: no such file; check the path, or download the data again")
    zipped = path.suffix == ".gz"
    limit = unpacked_limit(path.stat().st_size)
    try:
        with gzip.open(path) if zipped else open(path, "rb") as stream:
            data = stream.read(limit + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: cut off or damaged ({error}); download it again") from error
    if len(data) > limit:
        raise DataError(f"{path}: unpacks to more than {limit:,} bytes; get it from its source")
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise DataError(f"{path}: the file is empty; download it again, or fill it")
    for start, (what, cure) in NO_TEXT.items():
        if data.startswith(start):
            raise DataError(f"{path}: {what} and no text; {cure}")
    return data


def decode(data: bytes, path: Path) -> str:
    """Text of a file in UTF-8 (with or without BOM) or GBK/GB18030; a mixture is an error.

    Trying UTF-8 and then GBK would not do: GBK accepts most UTF-8 bytes and makes nonsense of
    them, so one GBK row among a thousand in UTF-8 would spoil the thousand without a word.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    valid, chinese, invalid = [], [], []  # numbers of the lines that UTF-8 can read, or cannot
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.isascii():
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            invalid.append(number)
            continue
        valid.append(number)
        # A short GBK line can pass for UTF-8, but it then reads as Greek or Arabic.
        if max(text) >= "\u0800":
            chinese.append(number)
    if chinese or len(valid) > len(invalid):
        utf8 = len(valid) >= len(invalid)
        odd, common = (invalid[0], "UTF-8") if utf8 else (chinese[0], "GBK")
        raise DataError(
            f"{path}, row {odd}: mixed encodings, this row is not {common} like the others; "
            "rewrite or delete it and save the whole file as UTF-8"
        )
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, row {row}: neither UTF-8 nor GBK; save the file as UTF-8"
        ) from error


def table_rows(text: str, path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table with the line that each starts on; blank lines are none."""
    csv.field_size_limit(2**31 - 1)  # the default of 131,072 characters is less than a long text
    # strict: an unclosed quote is an error, instead of swallowing all the rows that follow it
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for fields in reader:
            if fields:
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f'{path}, row {start}: {error}; close the quotes, and write "" for a quote in a text'
        ) from error


def _table_rows(text: str, path: Path, delimiter: str) -> tuple[list[Row], list[Problem]]:
    table = table_rows(text, path, delimiter)
    header = column_names(next(table, (1, []))[1])
    for column in ("text", "label"):
        if column not in header:
            found = ", ".join(header)[:80]
            raise DataError(
                f"{path}, row 1: no column {column!r} among {found!r}; "
                "name the columns text and label in the first row"
            )
    text_at, label_at = header.index("text"), header.index("label")
    rows: list[Row] = []
    problems: list[Problem] = []
    for start, fields in table:
        if len(fields) == len(header):
            rows.append(Row(fields[text_at], fields[label_at].strip(), path, start))
        else:
            problems.append(
                Problem(start, "columns", f"{len(fields)} columns instead of {len(header)}")
            )
    return rows, problems


def pair_columns(names: Sequence[str]) -> tuple[str, str] | None:
    """What the two sentences of a pair are called among the columns, or None."""
    return next((pair for pair in PAIR_COLUMNS if set(pair) <= set(names)), None)


def column_names(fields: list[str]) -> list[str]:
    """The names in a first row, in lower case."""
    return [field.strip().strip('"').lower() for field in fields]


def _tab_rows(text: str, path: Path) -> tuple[list[Row], list[Problem]]:
    # Not splitlines(): texts from the web hold characters (U+2028, U+0085) that it takes for ends.
    lines = [(n, line.rstrip("\r")) for n, line in enumerate(text.split("\n"), start=1)]
    lines = [(n, line) for n, line in lines if line.strip()]
    problems = [Problem(number, "tab") for number, line in lines if "\t" not in line]
    lines = [(number, line) for number, line in lines if "\t" in line]
    if len(lines) > 1 and all(line.count("\t") == 2 for _, line in lines):
        raise DataError(
            f"{path}, row {lines[0][0]}: three columns in this and every row; read pairs of "
            "sentences with load_pairs, or name the columns, text and label among them, in a first "
            "row"
        )
    first = [line.partition("\t")[::2] for _, line in lines]
    last = [line.rpartition("\t")[::2] for _, line in lines]
    # The label is the column that repeats itself: a few class names beside thousands of texts.
    label_first = _variety(label for label, _ in first) <= _variety(label for _, label in last)
    pairs = [(text, label) for label, text in first] if label_first else last
    numbers = [number for number, _ in lines]
    rows = [
        Row(text, label.strip(), path, number)
        for (text, label), number in zip(pairs, numbers, strict=True)
    ]
    return rows, problems


def _variety(labels) -> tuple[int, int]:
    different = set(labels)
    return len(different), sum(map(len, different))


def _parquet_rows(path: Path) -> list[Row]:
    import pyarrow
    from pyarrow import parquet

    if not path.is_file():
        raise DataError(f"{path}: no such file; check the path, or download the data again")
    try:
        table = parquet.read_table(path)
        texts, labels = table["text"].to_pylist(), table["label"].to_pylist()
    except KeyError as error:
        raise DataError(f"{path}: {error.args[0]}; the columns must be text and label") from error
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: cut off or damaged ({reason}); download it again") from error
    # Files from the Hub say what their label ids mean: believe them rather than a convention.
    notes = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    names = notes.get("info", {}).get("features", {}).get("label", {}).get("names")
    rows = []
    for number, (text, label) in enumerate(zip(texts, labels, strict=True), start=1):
        known = not names or isinstance(label, int) and 0 <= label < len(names)
        if not isinstance(text, str | None) or label is None or not known:
            raise DataError(
                f"{path}, row {number}: text {str(text)[:20]!r} with label {label!r}; correct or "
                "delete the row"
            )
        rows.append(Row(text or "", names[label] if names else str(label), path, number))
    return rows


def usable(rows: list[Row], problems: list[Problem], path: Path) -> tuple[list[Row], list[Problem]]:
    """The rows that have a text and a label, and the problems with those that have not.

    Args:
        problems: those that reading has found already.
    Raises:
        DataError: not a single row.
    """
    if not rows and not problems:
        raise DataError(f"{path}: no rows in it; download it again, or fill it")
    good, problems = [], list(problems)
    for row in rows:
        file = None if row.number else row.file
        if not row.text.strip():
            problems.append(Problem(row.number, "text", "", file))
        elif not row.label:
            problems.append(Problem(row.number, "label", "", file))
        elif row.label.casefold() in EMPTY_CELLS:
            problems.append(Problem(row.number, "nan", row.label, file))
        else:
            good.append(row)
    return good, sorted(problems, key=lambda problem: problem.number)
