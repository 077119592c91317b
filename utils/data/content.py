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

# Text shrinks to a third or a tenth when it is compressed. What grows a hundredfold and is large
# is no text but an archive made to fill the disk.
SMALLEST_LIMIT = 256 * 2**20
LARGEST_GROWTH = 100

BLOCK = 2**20  # bytes read at a time

BOM = "\ufeff"

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
STARTS = tuple(NO_TEXT)


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
        data = stream.read(limit + 1) if path.suffix == ".gz" else stream.read()
    _refuse_size(path, len(data), limit)
    _refuse_start(path, data)
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise _empty(path)
    return data


def decode(data: bytes, path: Path) -> str:
    """Text of a file in UTF-8 (with or without BOM) or GBK/GB18030; a mixture is an error.

    Trying UTF-8 and then GBK would not do: GBK accepts most UTF-8 bytes and makes nonsense of
    them, so one GBK row among a thousand in UTF-8 would spoil the thousand without a word.

    Raises:
        DataError: a mixture, or another encoding; the row is named.
    """
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
    limit, size, blank = _limit_of(path), 0, True
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8 = True
    with opened(path) as stream:
        while block := stream.read(BLOCK):
            if not size:
                _refuse_start(path, block)
            blank = blank and not (block if size else block.removeprefix(codecs.BOM_UTF8)).strip()
            size += len(block)
            _refuse_size(path, size, limit)
            if utf8:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    utf8 = False  # read on: that the file is whole comes before how it is written
    if blank:
        raise _empty(path)
    if utf8:
        try:
            decoder.decode(b"", final=True)
            return "utf-8"
        except UnicodeDecodeError:
            pass
    for refuse in (_refuse_mixture, _refuse_other):
        with opened(path) as stream:
            refuse(stream, path)
    return "gb18030"


def lines(path: Path, encoding: str, newline: str = "\n") -> Iterator[str]:
    """The lines of a file with their ends, without the byte order marks that some begin with.

    Marks stand in the middle where files were joined by `cat`.

    Args:
        encoding: what `encoding_of` gives.
        newline: the one end of a line, or "" for \\n, \\r and \\r\\n.
    """
    with opened(path) as stream:
        text = io.TextIOWrapper(stream, encoding, newline=newline)
        for line in text:
            yield line[1:] if line[0] == BOM else line


@contextlib.contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file to read its bytes from, unpacked if its name ends in .gz.

    Raises:
        DataError: missing, cut off or damaged, or not to be read.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as stream:
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
    except (OSError, ValueError):  # also a name that the system cannot hold
        pass
    raise DataError(f"{path}: no such file; check the path, or download the data again")


def _refuse_start(path: Path, data: bytes) -> None:
    if not data.startswith(STARTS):
        return
    for start, (what, cure) in NO_TEXT.items():
        if data.startswith(start):
            raise DataError(f"{path}: {what} and no text; {cure}")


def _refuse_size(path: Path, size: int, limit: int) -> None:
    if size > limit:
        raise DataError(f"{path}: unpacks to more than {limit:,} bytes; get it from its source")


def _empty(path: Path) -> DataError:
    return DataError(f"{path}: the file is empty; download it again, or fill it")


def _refuse_mixture(rows: Iterable[bytes], path: Path) -> None:
    """Refuse a file of which some lines are UTF-8 and some are not; it is not UTF-8 as a whole."""
    valid = invalid = 0  # lines that UTF-8 can read, or cannot
    first_chinese = first_invalid = 0
    for number, line in enumerate(rows, start=1):
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
    if first_chinese or valid > invalid:
        utf8 = valid >= invalid
        odd, common = (first_invalid, "UTF-8") if utf8 else (first_chinese, "GBK")
        raise DataError(
            f"{path}, row {odd}: mixed encodings, this row is not {common} like the others; "
            "rewrite or delete it and save the whole file as UTF-8"
        )


def _refuse_other(rows: Iterable[bytes], path: Path) -> None:
    for number, line in enumerate(rows, start=1):  # no character of GB18030 holds a line's end
        try:
            line.decode("gb18030")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}, row {number}: neither UTF-8 nor GBK; save the file as UTF-8"
            ) from error
