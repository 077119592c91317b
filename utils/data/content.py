"""What a file holds: its bytes, its encoding, its lines, at any size. What they mean is for others.

Two ways to the same text: `read_bytes` and `decode` for a file that is wanted whole, `encoding_of`
and `lines` for one that may be larger than the memory.
"""

import codecs
import contextlib
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from utils.data.no_text import what_it_is

# Text shrinks to a third or a tenth when it is compressed. What grows a hundredfold and is large
# is no text but an archive made to fill the disk.
SMALLEST_LIMIT = 256 * 2**20
LARGEST_GROWTH = 100

BLOCK = 2**20  # bytes read at a time

BOM = "\ufeff"

# The marks that some programs write before a text, and the encoding each stands for.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before the next, which it begins with
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF32_BE: "utf-32",
}

# Some of the commonest characters of Chinese, in both scripts; Japanese has no text without kana.
COMMON = set(
    "的一是不了在有人我他这這为為中来來上大个個们們到说說就也地出要时時会會可请請问問好没沒你国國年得着著那子"
    "下自之后後过過发發作里裡用道行所然家种種事成方多经經么麼去法学學如都同现現当當起看定天分还還进進小部其些"
    "主样樣理心本前开開但因只从從想日无無新"
)
KANA = {chr(code) for code in range(0x3041, 0x30F7)}
OTHERS = {"big5hkscs": ("Big5", COMMON), "cp932": ("Shift JIS", KANA)}


class DataError(ValueError):
    """Data that cannot be used. Its message is one line: file and row, what is wrong, the cure."""


class NoLabels(DataError):
    """A file with texts and nothing that could be their labels."""


def unpacked_limit(packed_bytes: int) -> int:
    """How many bytes an archive of this size may unpack to before it counts as a bomb."""
    return max(SMALLEST_LIMIT, LARGEST_GROWTH * packed_bytes)


def read_bytes(path: Path) -> bytes:
    """Content of a file, unpacked if its name ends in .gz.

    Raises:
        DataError: missing, empty, damaged, or no text at all.
    """
    limit = _limit_of(path)
    with opened(path) as stream:
        # Of what is not packed the size is known; to ask for more takes room for it each time.
        data = stream.read(limit + 1) if path.suffix.lower() == ".gz" else stream.read()
    _refuse_size(path, len(data), limit)
    _refuse_start(path, data)
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise _empty(path)
    return data


def decode(data: bytes, path: Path) -> str:
    """Text of a file in UTF-8 (with or without BOM), GBK/GB18030, or UTF-16 or UTF-32 with a BOM.

    A mixture is an error.

    Trying UTF-8 and then GBK would not do: GBK accepts most UTF-8 bytes and makes nonsense of
    them, so one GBK row among a thousand in UTF-8 would spoil the thousand without a word.

    Lines that end in \\r alone, as an old Mac wrote them, end in \\n.

    Raises:
        DataError: a mixture, or another encoding; the row is named.
    """
    text = _decoded(data, path)
    return text if "\n" in text else text.replace("\r", "\n")


def _decoded(data: bytes, path: Path) -> str:
    if encoding := _marked(data):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            raise _cut_off(path, encoding, error) from error
    if b"\0" in data:
        raise _with_nul(path, data.count(b"\n", 0, data.index(b"\0")) + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse_mixture(io.BytesIO(data), path)
        _refuse_other(io.BytesIO(data), path)
        return data.decode("gb18030")


def encoding_of(path: Path) -> str:
    """The encoding of a file that `lines` can read, which is read once for it.

    Raises:
        DataError: as `read_bytes` and `decode`.
    """
    limit, size, blank, rows = _limit_of(path), 0, True, 1
    encoding, nul_at = "utf-8", 0
    wrong: UnicodeDecodeError | None = None
    with opened(path) as stream:
        while block := stream.read(BLOCK):
            if not size:
                _refuse_start(path, block)
                encoding = _marked(block) or encoding
                decoder = codecs.getincrementaldecoder(encoding)()
            blank = blank and not (block if size else block.removeprefix(codecs.BOM_UTF8)).strip()
            size += len(block)
            _refuse_size(path, size, limit)
            if encoding == "utf-8" and not nul_at and b"\0" in block:
                nul_at = rows + block.count(b"\n", 0, block.index(b"\0"))
            rows += block.count(b"\n")
            if wrong is None:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError as error:
                    wrong = error  # read on: that the file is whole comes before how it is written
    if blank:
        raise _empty(path)
    if wrong is None:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            wrong = error
    if nul_at:
        raise _with_nul(path, nul_at)
    if wrong is None:
        return encoding
    if encoding != "utf-8":
        raise _cut_off(path, encoding, wrong)
    for refuse in (_refuse_mixture, _refuse_other):
        with opened(path) as stream:
            refuse(stream, path)
    return "gb18030"


def lines(path: Path, encoding: str, newline: str = "\n") -> Iterator[str]:
    """The lines of a file with their ends, without the byte order marks that some begin with.

    Marks stand in the middle where files were joined by `cat`.

    Args:
        encoding: what `encoding_of` gives.
        newline: the one end of a line, or "" for \\n, \\r and \\r\\n. A file without a single
            \\n, as an old Mac wrote it, has lines that end in \\r.
    """
    for line in marked_lines(path, encoding, newline):
        yield line.lstrip(BOM) if line[0] == BOM else line


def marked_lines(path: Path, encoding: str, newline: str = "\n") -> Iterator[str]:
    """The lines of a file as `lines` gives them, with the marks that some begin with."""
    if newline == "\n":
        newline = line_end(path, encoding)
    with opened(path) as stream:
        yield from io.TextIOWrapper(stream, encoding, newline=newline)


def beginning(path: Path, encoding: str) -> str:
    """The first megabyte of a text, without the marks before it and in its lines."""
    newline = line_end(path, encoding)
    with opened(path) as stream:
        text = io.TextIOWrapper(stream, encoding, newline=newline).read(BLOCK)
    return text.replace(newline, "\n").lstrip(BOM).replace(f"\n{BOM}", "\n")


def line_end(path: Path, encoding: str) -> str:
    """What lines end in: \\r if it is within a file and no \\n is; a line of 16 MB is one line."""
    with opened(path) as stream:
        first = io.TextIOWrapper(stream, encoding, newline="\n").readline(16 * BLOCK)
    return "\r" if not first.endswith("\n") and "\r" in first.rstrip("\r") else "\n"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file to read its bytes from, unpacked if its name ends in .gz.

    Raises:
        DataError: missing, cut off or damaged, or not to be read.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb") as stream:
            yield stream
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: cut off or damaged ({error}); download it again") from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions, or copy "
            "it anew"
        ) from error


def readable(name: str) -> str:
    """A name of a file as its reader sees it: bytes that are not UTF-8 are GBK."""
    try:
        name.encode()
        return name
    except UnicodeEncodeError:  # Python keeps such bytes as lone surrogates
        raw = name.encode("utf-8", "surrogateescape")
        return raw.decode("gb18030", "replace")


def _limit_of(path: Path) -> int:
    try:
        about = os.stat(path)
        if stat.S_ISREG(about.st_mode):
            return unpacked_limit(about.st_size)
        if stat.S_ISDIR(about.st_mode):
            raise DataError(f"{path}: a folder; name one file in it")
    except (OSError, ValueError) as error:  # also a name that the system cannot hold
        if isinstance(error, DataError):
            raise
    raise DataError(f"{path}: no such file; check the path, or download the data again")


def _refuse_start(path: Path, data: bytes) -> None:
    if found := what_it_is(path, data):
        what, cure = found
        raise DataError(f"{path}: {what} and no text; {cure}")


def _marked(data: bytes) -> str | None:
    """The encoding that the mark at the beginning of a file stands for; None without one."""
    return next((encoding for mark, encoding in MARKS.items() if data.startswith(mark)), None)


def _cut_off(path: Path, encoding: str, error: UnicodeDecodeError) -> DataError:
    return DataError(
        f"{path}: begins as {encoding.upper()} and is not so to its end ({error.reason}); save it "
        "anew as UTF-8"
    )


def _with_nul(path: Path, number: int) -> DataError:
    return DataError(
        f"{path}, row {number}: a NUL character, which no text holds: the file is damaged, or "
        "written as UTF-16; save it anew as UTF-8"
    )


def _refuse_size(path: Path, size: int, limit: int) -> None:
    if size > limit:
        raise DataError(f"{path}: unpacks to more than {limit:,} bytes; get it from its source")


def _empty(path: Path) -> DataError:
    return DataError(f"{path}: the file is empty; download it again, or fill it")


def _refuse_mixture(rows: Iterable[bytes], path: Path) -> None:
    """Refuse a file of which some lines are UTF-8 and some are not; it is not UTF-8 as a whole."""
    valid = invalid = 0  # lines that UTF-8 can read, or cannot
    first_chinese = first_invalid = 0
    marked = False
    for number, line in enumerate(rows, start=1):
        if number == 1:
            marked = line.startswith(codecs.BOM_UTF8)
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.isascii():
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            invalid += 1
            first_invalid = first_invalid or number
            continue
        valid += 1
        # A short GBK line can pass for UTF-8, but it then reads as Greek or Arabic.
        if not first_chinese and max(text) >= "\u0800":
            first_chinese = number
    if marked and not first_chinese and valid <= invalid:
        raise DataError(
            f"{path}: begins with the mark of UTF-8, and row {first_invalid} is not UTF-8: the "
            "program that wrote it put the mark before GBK; save it anew as UTF-8"
        )
    if first_chinese or valid > invalid:
        utf8 = valid >= invalid
        odd, common = (first_invalid, "UTF-8") if utf8 else (first_chinese, "GBK")
        raise DataError(
            f"{path}, row {odd}: mixed encodings, this row is not {common} like the others; "
            "rewrite or delete it and save the whole file as UTF-8"
        )


def _refuse_other(rows: Iterable[bytes], path: Path) -> None:
    """Refuse what cannot be GB18030, and what would pass for it and be nonsense.

    Bytes of Big5 and Shift JIS mostly are GB18030 too. But then none of the characters that Chinese
    cannot do without are among them, and in their own encoding they are.
    """
    sample = bytearray()
    for number, line in enumerate(rows, start=1):  # no character of GB18030 holds a line's end
        try:
            line.decode("gb18030")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}, row {number}: neither UTF-8 nor GBK{_otherwise(line)}; save the file as "
                "UTF-8"
            ) from error
        if len(sample) < BLOCK:
            sample += line
    seen, different = _share(bytes(sample), "gb18030", COMMON)
    if seen < 0.02 and different < 2 and (other := _otherwise(bytes(sample))):
        raise DataError(f"{path}: not GBK{other}; save the file as UTF-8")


def _otherwise(data: bytes) -> str:
    """A word on the encoding that bytes seem to be in, if it is one of `OTHERS`."""
    for encoding, (name, common) in OTHERS.items():
        share, different = _share(data, encoding, common)
        if share > 0.08 and different > 3:
            return f", it looks like {name}"
    return ""


def _share(data: bytes, encoding: str, common: set[str]) -> tuple[float, int]:
    """How many of the characters beyond ASCII are among the common ones, and how many of these.

    Both are 0 for what cannot be in this encoding.
    """
    try:
        characters = [char for char in data.decode(encoding) if not char.isascii()]
    except UnicodeDecodeError:
        return 0.0, 0
    found = [char for char in characters if char in common]
    return len(found) / max(len(characters), 1), len(set(found))
