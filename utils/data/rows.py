"""Read one file, or one folder of text files, row by row. No label ids, no splits, no network.

A generator of rows holds one row at a time, and what is wrong with the others. Where a list is
wanted, there is `read_rows`.
"""

import contextlib
import csv
import itertools
import json
import os
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from utils.data.content import DataError, NoLabels, decode, encoding_of, lines, read_bytes, readable
from utils.data.problems import Problem, refuse_problems

if TYPE_CHECKING:  # pyarrow takes a while, so who reads Parquet imports it
    from pyarrow.parquet import ParquetFile

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
    ("premise", "hypo"),  # XNLI's Chinese training file
    ("query1", "query2"),
    ("query", "title"),
    ("句子1", "句子2"),
    ("文本1", "文本2"),
    ("问题1", "问题2"),
    ("前提", "假设"),
)

# What the columns of texts and labels are called, in lower case.
TEXT_NAMES = set("text texts sentence content review title headline comment message query".split())
TEXT_NAMES |= set("文本 内容 正文 标题 评论 句子 留言".split())
LABEL_NAMES = set("label labels class category cat topic target tag type sentiment y".split())
LABEL_NAMES |= set("标签 类别 分类 类 情感".split())
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,20}")

DELIMITERS = "\t,;|"
SEPARATOR_LINE = re.compile(r'"?sep=[,;|\t]?"?')
FAST_TEXT = "__label__"


# What pandas, Excel and databases write where there is nothing.
EMPTY_CELLS = set(
    "nan null <null> <na> n/a nat \\n #n/a #ref! #value! #name? #div/0! #num! #null!".split()
)

UNSEEN = ("Cc", "Cf", "Zs", "Zl", "Zp")  # controls, marks without a width, blanks
BLANKS = set("\u115f\u1160\u2800\u3164\uffa0")  # letters by their category, and nothing to see
VARIANTS = {chr(code) for code in range(0xFE00, 0xFE10)}  # how the character before them looks
BLANKS |= VARIANTS
AS_TEXT = re.compile('="([^"]*)"')  # what keeps Excel from taking 001 for a number

# A list or an object where one name should be, as JSON or as Python writes it.
SEVERAL = re.compile(r"""\[\s*\]|\[\s*["'{\[].*[\]"'}]\s*\]|\{\s*["'].*\}""", re.S)

SPLIT_COLUMNS = ("split", "subset", "partition", "划分", "数据集")
SPLIT_NAMES = {"train", "training", "valid", "val", "validation", "dev", "test"}
SPLIT_NAMES |= {"训练", "训练集", "验证", "验证集", "测试", "测试集"}


def is_empty_cell(cell: str) -> bool:
    """Whether a cell holds what a program writes where there is nothing.

    "None" is Python's, while "none" and "NONE" are classes in many data sets.
    """
    return len(cell) < 8 and (cell.casefold() in EMPTY_CELLS or cell == "None")


def is_seen(text: str) -> bool:
    """Whether there is anything in a text but blanks and what cannot be seen, such as U+200B."""
    if text[:1].isalnum() and text[0] not in BLANKS:  # as nearly all begin, and quick to see
        return True
    return any(
        unicodedata.category(char) not in UNSEEN and not char.isspace() and char not in BLANKS
        for char in text
    )


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
    rows, problems = sorted_out(each_row(path))
    refuse_problems(path, problems)
    return rows


def each_row(path: Path) -> Iterator[Row | Problem]:
    """The rows of one file as `read_rows` gives them, and what is wrong with the others.

    Raises:
        DataError: a file of which no row can be read.
    """
    if path.suffix.lower() == ".parquet":
        return usable(_parquet_rows(path), path)
    encoding = encoding_of(path)
    first_line = header_line(path, encoding)
    if first_line.startswith('{"'):
        raise DataError(f"{path}: JSON, an object a line; let its name end in .jsonl")
    delimiter = delimiter_of(first_line, ("text", "label"), "\t,")
    columns = column_names(first_line.split(delimiter))
    if (pair := pair_columns(columns)) and not {"text", "label"} <= set(columns):
        raise DataError(
            f"{path}, row 1: pairs of sentences ({', '.join(pair)}), not single texts; read "
            "them with load_pairs"
        )
    if {"text", "label"} <= set(columns) or ".csv" in path.name.lower():
        return usable(_table_rows(path, encoding, delimiter), path)
    if first_line.startswith(FAST_TEXT):
        return usable(_fast_text_rows(path, encoding), path)
    if cure := where_the_names_are(path, encoding, ("text", "label")):
        raise DataError(f"{path}, row 1: no names of columns; {cure}")
    return usable(_tab_rows(path, encoding), path)


def header_line(path: Path, encoding: str) -> str:
    """The first row of a file, or the second where the first is Excel's `sep=;`."""
    found = (line for line in lines(path, encoding) if not SEPARATOR_LINE.fullmatch(line.strip()))
    header = next(found, "")
    for line in itertools.islice(found, 10):  # a name may have several lines, in quotes
        if header.count('"') % 2 == 0:
            return header
        header += line
    return header


def delimiter_of(line: str, wanted: Sequence[str], known: str) -> str:
    """What stands between the names of the columns in a line.

    Args:
        wanted: columns that should be there.
        known: those of `DELIMITERS` that may be meant where they are not.
    """
    wanted = {plain_name(name) for name in wanted}
    for delimiter in DELIMITERS:
        if wanted and wanted <= set(column_names(line.split(delimiter))):
            return delimiter
    return max(known, key=line.count)  # of equally many, the first


def sorted_out(found: Iterable[Row | Problem]) -> tuple[list[Row], list[Problem]]:
    """The rows, and the problems in the order of their lines."""
    rows, problems = [], []
    for each in found:
        (rows if isinstance(each, Row) else problems).append(each)
    return rows, sorted(problems, key=lambda problem: problem.number)


def each_file(folder: Path) -> Iterator[Row | Problem]:
    """Rows of a tree <folder>/<class>/<anything>.txt, one text a file, by class and file name.

    Lines are stripped of the indents that news texts carry, and blank lines left out.

    Raises:
        DataError: no such files.
    """
    return usable(_folder_rows(folder), folder)


def _folder_rows(folder: Path) -> Iterator[Row | Problem]:
    for class_folder in class_folders(folder):
        for name in text_files(class_folder):
            file = class_folder / name
            try:
                content = decode(read_bytes(file), file)
            except DataError as error:  # one among 740,000: the others are read all the same
                reason = str(error).removeprefix(str(file)).lstrip(":, ").partition(";")[0]
                yield Problem(0, "file", reason, file)
                continue
            text = "\n".join(filter(None, map(str.strip, content.split("\n"))))
            yield Row(text, readable(class_folder.name), file, 0)


def text_files(folder: str | Path) -> list[str]:
    """Sorted names of the .txt files in a folder."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if _is_text(entry.name))


def other_files(folder: Path) -> list[str]:
    """Names of the files of a tree of classes that hold no text for `each_file`, such as 3.docx.

    Not those that systems put there by themselves.
    """
    return [
        readable(f"{sub.name}/{name}")
        for sub in class_folders(folder)
        for name in sorted(os.listdir(sub))
        if not _is_text(name)
        and name[0] not in ".~"
        and name.lower() not in ("thumbs.db", "desktop.ini")
    ]


def _is_text(name: str) -> bool:
    # Not "._1.txt", which a Mac puts beside 1.txt on foreign disks and in archives.
    return name.lower().endswith(".txt") and name[0] not in ".~"


def class_folders(folder: Path) -> list[Path]:
    """The folders in `folder` that hold .txt files; not the unlabelled reviews of aclImdb."""
    return [sub for sub in visible_folders(folder) if sub.name != "unsup" and _has_texts(sub)]


def _has_texts(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(_is_text(entry.name) for entry in entries)


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


def table_rows(text: Iterable[str], path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table with the line that each starts on; blank lines are none.

    Args:
        text: the lines with their ends, which may be \n, \r or \r\n.
    """
    csv.field_size_limit(2**31 - 1)  # the default of 131,072 characters is less than a long text
    text = iter(text)
    first = next(text, "")
    blank_before_quote = bool(re.search(rf'{re.escape(delimiter)} +"', first))
    if SEPARATOR_LINE.fullmatch(first.strip()):
        first = "\n"  # a blank line, so that the others keep their numbers
    # strict: an unclosed quote is an error, instead of swallowing all the rows that follow it
    reader = csv.reader(
        itertools.chain([first], text),
        delimiter=delimiter,
        strict=True,
        skipinitialspace=blank_before_quote,
    )
    start = 1
    try:
        for fields in reader:
            if fields and not (delimiter == "|" and _is_rule(fields)):
                yield start, [_as_excel_reads(field) for field in fields]
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f'{path}, row {start}: {error}; close the quotes, and write "" for a quote in a text'
        ) from error


def _as_excel_reads(field: str) -> str:
    """`="001"` is the text 001."""
    found = AS_TEXT.fullmatch(field) if field.startswith('="') else None
    return found[1] if found else field


def _is_rule(fields: list[str]) -> bool:
    """Whether a row is the line that Markdown draws below the names of columns."""
    cells = [field.strip() for field in fields if field.strip()]
    return bool(cells) and all(re.fullmatch(":?-{3,}:?", cell) for cell in cells)


def without_blank_end(fields: list[str], width: int) -> list[str]:
    """The fields of a row without the blank ones behind the last column: `text,label,,`."""
    return fields[:width] if not any(map(str.strip, fields[width:])) else fields


def where_the_names_are(path: Path, encoding: str, wanted: Iterable[str]) -> str:
    """What keeps the names of the columns from being found in the first row, with the cure; or "".

    A title or a remark stands above them, or a Chinese comma between them.
    """
    wanted = {plain_name(name) for name in wanted}
    for number, line in enumerate(itertools.islice(lines(path, encoding), 10), start=1):
        if number > 1 and any(wanted <= set(column_names(line.split(mark))) for mark in DELIMITERS):
            return f"row {number} has them: delete what stands above it"
        if wanted <= set(column_names(re.split("[，；、]", line))):
            return f"row {number} has them between Chinese commas: write , there and in the rows"
    return ""


def _table_rows(path: Path, encoding: str, delimiter: str) -> Iterator[Row | Problem]:
    table = table_rows(lines(path, encoding, newline=""), path, delimiter)
    names = next(table, (1, []))[1]
    header = column_names(names)
    for column in ("text", "label"):
        if column not in header:
            found = ", ".join(names)[:80]
            kind = NoLabels if column == "label" else DataError
            cure = where_the_names_are(path, encoding, ("text", "label")) or (
                "name the columns text and label in the first row, or say which they are: "
                "text=…, label=… (--text, --label)"
            )
            raise kind(f"{path}, row 1: no column {column!r} among {found!r}; {cure}")
        if header.count(column) > 1:
            raise DataError(f"{path}, row 1: two columns are called {column!r}; rename one")
    text_at, label_at = header.index("text"), header.index("label")
    yield from table_fields(table, header, text_at, label_at, path)


def table_fields(
    table: Iterable[tuple[int, list[str]]],
    header: list[str],
    text_at: int,
    label_at: int,
    path: Path,
) -> Iterator[Row | Problem]:
    """The rows of a table below its header, by the places of the two columns.

    Args:
        header: the names of the columns, as `column_names` gives them.
    """
    split_at, refuse_splits = splits_watch(header, path)
    for start, fields in table:
        if not any(map(str.strip, fields)):  # Excel writes ,, for a row that was cleared
            continue
        fields = without_blank_end(fields, len(header))
        if len(fields) != len(header):
            yield Problem(start, "columns", f"{len(fields)} columns instead of {len(header)}")
        elif (
            fields[label_at].strip().lower() == header[label_at] and column_names(fields) == header
        ):
            yield Problem(start, "header")  # files with a header each, joined by cat
        elif _quoted(fields[label_at].strip()):
            yield Problem(start, "quotes", fields[label_at].strip()[:40])
        else:
            if split_at is not None:
                refuse_splits(start, fields[split_at])
            yield Row(fields[text_at], fields[label_at].strip(), path, start)


def splits_watch(columns: Sequence[str], path: Path) -> tuple[int | None, Callable]:
    """Where a column tells the split of each row, and a function to be told them: row and split.

    It refuses a file that says which rows are to train. One whose rows are all of one split is none
    of those.

    Args:
        columns: their names, as `column_names` gives them.
    """
    place = next((i for i, name in enumerate(columns) if name in SPLIT_COLUMNS), None)
    first, ending = "", path.suffix.lower() or ".csv"

    def told(number: int, split: str) -> None:
        nonlocal first
        split = split.strip().lower()
        first = first or split
        if split != first and {split, first} <= SPLIT_NAMES:
            raise DataError(
                f"{path}, row {number}: the column {columns[place]!r} divides the rows "
                f"({first}, {split}); write each part to a file of its own (train{ending}, "
                f"test{ending}) and give their folder, or take the column away to divide them anew"
            )

    return place, told


def object_splits_watch(path: Path) -> Callable[[int, object], None]:
    """The same as `splits_watch` for objects, each of which may have the column: number and object."""
    watches: dict[str, Callable] = {}

    def told(number: int, value: object) -> None:
        for column in SPLIT_COLUMNS if isinstance(value, dict) else ():
            if isinstance(split := value.get(column), str):
                if column not in watches:
                    watches[column] = splits_watch([column], path)[1]
                watches[column](number, split)

    return told


def pair_columns(names: Sequence[str]) -> tuple[str, str] | None:
    """What the two sentences of a pair are called among the columns, or None."""
    return next((pair for pair in PAIR_COLUMNS if set(pair) <= set(names)), None)


def column_names(fields: list[str]) -> list[str]:
    """The names in a first row, in lower case."""
    return [plain_name(field) for field in fields]


def plain_name(field: str) -> str:
    """The name of a column in lower case and one width, without what cannot be seen."""
    seen = "".join(char for char in field if unicodedata.category(char) != "Cf")
    plain = unicodedata.normalize("NFKC", seen).strip().strip('"')
    return " ".join(plain.split()).lower()  # a line's end in a name is a blank


def _fast_text_rows(path: Path, encoding: str) -> Iterator[Row | Problem]:
    """Lines of `__label__<label> <text>`."""
    for number, line in _numbered(path, encoding):
        label, *text = line.split(maxsplit=1)
        if not label.startswith(FAST_TEXT):
            yield Problem(number, "cell", f"no {FAST_TEXT} before it, unlike the first")
        elif text and text[0].startswith(FAST_TEXT):
            yield Problem(number, "several", f"{label} {text[0].split()[0]}"[:40])
        else:
            yield Row("".join(text), label.removeprefix(FAST_TEXT), path, number)


def _tab_rows(path: Path, encoding: str) -> Iterator[Row | Problem]:
    label_first, all_quoted = _sides(path, encoding)
    for number, line in _numbered(path, encoding):
        if "\t" not in line:
            yield Problem(number, "tab")
            continue
        if label_first:
            label, _, text = line.partition("\t")
        else:
            text, _, label = line.rpartition("\t")
        label = label.strip()
        if _quoted(label):
            if not all_quoted:
                yield Problem(number, "quotes", label[:40])
                continue
            label, text = _unquoted(label), _unquoted(text)
        yield Row(text, label, path, number)


def _numbered(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, without their ends."""
    # At \n only: texts from the web hold characters (U+2028, U+0085) that others take for ends.
    for number, line in enumerate(lines(path, encoding), start=1):
        line = line.removesuffix("\n").rstrip("\r")
        if line.strip():
            yield number, line


def _sides(path: Path, encoding: str) -> tuple[bool, bool]:
    """Whether the label comes first in the lines of a file, and whether each stands in quotes.

    The label is the column that repeats itself: a few class names beside thousands of texts. Texts
    are counted by their hashes, which takes 8 bytes for each.
    """
    hashes, lengths = (
        (array("q"), array("q")),
        (array("q"), array("q")),
    )  # of the first, of the last
    quoted = [0, 0]
    count, first_row, first_line, three = 0, 0, "", True
    for number, line in _numbered(path, encoding):
        tabs = line.count("\t")
        if not tabs:
            continue
        count, first_row, three = count + 1, first_row or number, three and tabs == 2
        first_line = line if count == 1 else first_line
        for side, field in enumerate((line.partition("\t")[0], line.rpartition("\t")[2])):
            hashes[side].append(hash(field))
            lengths[side].append(len(field))
            quoted[side] += _quoted(field.strip())
    if count > 1 and three:
        raise DataError(
            f"{path}, row {first_row}: three columns in this and every row; if they are two "
            "sentences and a label, read them with load_pairs; if an id stands beside the text, "
            "name the columns, text and label among them, in a first row"
        )
    label_first = _variety(hashes[0], lengths[0]) <= _variety(hashes[1], lengths[1])
    if count > 2 and _are_names(first_line, label_first, hashes[0 if label_first else 1]):
        one, two = (field.strip() for field in first_line.split("\t", 1))
        raise DataError(
            f"{path}, row {first_row}: {first_line[:60]!r} looks like the names of columns; say "
            f"which is which, such as text={two if label_first else one!r:.30}, "
            f"label={one if label_first else two!r:.30}, or delete the row; if it is a text, put "
            "text<TAB>label above it"
        )
    return label_first, quoted[0 if label_first else 1] == count


def _are_names(line: str, label_first: bool, labels: array) -> bool:
    """Whether the first line of several names the columns: its label is no other line's."""
    if labels.count(labels[0]) > 1:
        return False
    first, last = (field.strip().casefold() for field in line.split("\t", 1))
    label, text = (first, last) if label_first else (last, first)
    if label in LABEL_NAMES or text in TEXT_NAMES:
        return True
    return len(labels) >= 10 and bool(NAME.fullmatch(label) and NAME.fullmatch(text))


def _variety(hashes: array, lengths: array) -> tuple[int, int]:
    """How many fields differ, and how long these are together."""
    import numpy as np

    _, places = np.unique(np.frombuffer(hashes, np.int64), return_index=True)
    return len(places), int(np.frombuffer(lengths, np.int64)[places].sum())


def _quoted(field: str) -> bool:
    return len(field) > 1 and field[0] == field[-1] == '"'


def _unquoted(field: str) -> str:
    return field[1:-1].replace('""', '"') if _quoted(field) else field


def _parquet_rows(path: Path) -> Iterator[Row | Problem]:
    with parquet_file(path) as file:
        schema = file.schema_arrow
        for column in ("text", "label"):
            if schema.names.count(column) != 1:
                found = ", ".join(schema.names)
                raise DataError(
                    f"{path}: no column {column!r} among {found!r:.80}, or two; the columns must be "
                    "text and label"
                )
        names = names_of_ids(schema.metadata or {}, "label")
        number = 0
        for batch in file.iter_batches(columns=["text", "label"], batch_size=1000):
            texts, labels = batch["text"].to_pylist(), batch["label"].to_pylist()
            for text, label in zip(texts, labels, strict=True):
                number += 1
                if isinstance(label, list) and len(label) == 1:  # as annotation tools write it
                    [label] = label
                text, label = decoded(text), decoded(label)
                known = not names or type(label) is int and 0 <= label < len(names)
                binary = isinstance(label, bytes)
                if not isinstance(text, str | None) or label is None or binary or not known:
                    shown = f"text {str(text)[:20]!r} with label {label!r:.40}"
                    yield Problem(number, "cell", shown)
                else:
                    name = names[label] if names else str(label).strip()
                    yield Row(text or "", name, path, number)


def decoded(value: object) -> object:
    """The text that bytes are in UTF-8; anything else as it is."""
    if isinstance(value, bytes):
        with contextlib.suppress(UnicodeDecodeError):
            return value.decode()
    return value


def names_of_ids(metadata: dict[bytes, bytes], column: str) -> list[str]:
    """What a file from the Hub says of the ids in a column; it goes before a convention."""
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):  # written by others, or not at all
        return []
    known = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return names if known else []


@contextlib.contextmanager
def parquet_file(path: Path) -> Iterator["ParquetFile"]:
    """A Parquet file to read from.

    Raises:
        DataError: missing, cut off or damaged.
    """
    import pyarrow
    from pyarrow import parquet

    if not path.is_file():
        raise DataError(f"{path}: no such file; check the path, or download the data again")
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except DataError:
        raise
    # A damaged footer may also hold names that are no text, or numbers out of all bounds.
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        reason = str(error).partition("\n")[0][:160]
        raise DataError(f"{path}: cut off or damaged ({reason}); download it again") from error


def usable(found: Iterable[Row | Problem], path: Path) -> Iterator[Row | Problem]:
    """The rows that have a text and a label, and the problems with those that have not.

    Raises:
        DataError: not a single row.
    """
    empty = True
    for each in found:
        empty = False
        if isinstance(each, Problem):
            yield each
        elif not is_seen(each.text):
            yield Problem(each.number, "text", "", each.file if not each.number else None)
        elif not is_seen(each.label):
            yield Problem(each.number, "label", "", each.file if not each.number else None)
        elif is_empty_cell(each.label):
            yield Problem(each.number, "nan", each.label, each.file if not each.number else None)
        elif is_empty_cell(each.text.strip()):
            file = each.file if not each.number else None
            yield Problem(each.number, "nan-text", each.text.strip(), file)
        elif SEVERAL.fullmatch(each.label):
            yield Problem(each.number, "several", each.label[:40])
        else:
            yield each
    if empty:
        raise DataError(f"{path}: no rows in it; download it again, or fill it")
