"""Read the values of a JSON file, each with the line it starts on. What they mean is for others."""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from utils.data.content import BOM, DataError, encoding_of, line_end, lines, opened
from utils.data.problems import Problems

CURE = "correct it, or download the file again"
SPACE = re.compile(r"[ \t\r\n]*")
BLANK = f"{BOM} \t\r\n"
BLOCK = 2**20  # characters of a list read at a time
LONGEST_SIGN = 20  # no number, word or escape that is cut in two is longer
LONGEST_FIRST = 4 * 2**20  # characters of an object on a line; a longer one is not on lines

ENDLESS = "brackets within brackets without end"
HALF = "half of a character, written \\uD8xx alone"
HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")

ROWWISE = (
    "write one object a line, or all of them as one list (pandas: orient='records', lines=True)"
)


def is_json(path: Path, text: str) -> bool:
    """Whether a file holds JSON, by its name or by its first line."""
    if {".json", ".jsonl"} & set(path.suffixes):
        return True
    first = text.lstrip().partition("\n")[0].rstrip()
    return first in ("{", "[") or bool(re.match(r'\{\s*"|\[\s*\{', first))


class Stream:
    """JSON of any size, read from its front; a piece at a time is in memory.

    Whoever reads it says what comes next: a `value` whole, or the `items` of a list or `members` of
    an object one by one, each of which must be read before the next. What is no JSON raises
    NoJson, at the place and in the words of the json module.
    """

    def __init__(self, text: io.TextIOBase, line_end: str = "\n"):
        self.text, self.line_end = text, line_end
        self.piece, self.at, self.size = "", 0, BLOCK
        self.line, self.counted, self.column = 1, 0, 0  # of self.counted; of the piece's beginning
        self.half = Problems()
        self.decoder = json.JSONDecoder()
        while self.next() == BOM:
            self.at += 1

    def next(self) -> str:
        """The next character that is no blank; "" at the end."""
        while True:
            self.at = SPACE.match(self.piece, self.at).end()
            if self.at < len(self.piece):
                return self.piece[self.at]
            if not self._more():
                return ""

    def value(self) -> Any:
        """The next value."""
        self.next()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.piece, self.at)
                wrong, cut = "", end > len(self.piece) - LONGEST_SIGN  # 1 may be 1.5
            except json.JSONDecodeError as error:
                wrong, end = error.msg, error.pos
                cut = end > len(self.piece) - LONGEST_SIGN or wrong.startswith("Unterminated")
            except RecursionError:
                wrong, end, cut = ENDLESS, self.at, False
            except ValueError as error:  # a number of thousands of digits
                wrong, end, cut = str(error)[:60], self.at, False
            if cut and self._more():
                continue
            if wrong:
                raise self.wrong(wrong, end)
            if HALF_ESCAPED.search(self.piece, self.at, end) and _has_half(value):
                self.half.add(self.line_of(self.at), HALF)
            self.at, self.size = end, BLOCK
            return value

    def items(self) -> Iterator[int]:
        """The line of each item of a list, which is next."""
        self.at += 1
        if self.next() == "]":
            self.at += 1
            return
        while True:
            self.next()
            yield self.line_of(self.at)
            if self._ends("]"):
                return

    def members(self) -> Iterator[str]:
        """The name of each member of an object, which is next."""
        self.at += 1
        if self.next() == "}":
            self.at += 1
            return
        while True:
            if self.next() != '"':
                raise self.wrong("Expecting property name enclosed in double quotes")
            name = self.value()
            if self.next() != ":":
                raise self.wrong("Expecting ':' delimiter")
            self.at += 1
            yield name
            if self._ends("}"):
                return

    def end(self) -> None:
        """Nothing may follow."""
        if self.next():
            raise self.wrong("Extra data")

    def line_of(self, place: int) -> int:
        """The line of a place of the piece, behind the last one that was asked for."""
        self.line += self.piece.count(self.line_end, self.counted, place)
        self.counted = place
        return self.line

    def wrong(self, what: str, place: int | None = None) -> "NoJson":
        """The error that something is wrong at a place, or at the next one."""
        place = self.at if place is None else place
        column = place - self.piece.rfind(self.line_end, 0, place)
        if column > place:  # the line begins before the piece
            column += self.column
        return NoJson(what, self.line_of(place), column, place >= len(self.piece))

    def _ends(self, bracket: str) -> bool:
        if (mark := self.next()) not in (bracket, ",") or not mark:
            raise self.wrong("Expecting ',' delimiter")
        self.at += 1
        return mark == bracket

    def _more(self) -> bool:
        """Read on, and let go what was read."""
        more = self.text.read(self.size)
        if not more:
            return False
        self.line_of(self.at)
        last = self.piece.rfind(self.line_end, 0, self.at)
        self.column = self.at - last - 1 if last >= 0 else self.column + self.at
        self.piece, self.at, self.counted = self.piece[self.at :] + more, 0, 0
        self.size *= 2  # a value that is long is read again a few times, not many
        return True


class NoJson(ValueError):
    """What is no JSON, as `what`, `line` and `column` say, counted from 1."""

    def __init__(self, what: str, line: int, column: int, at_end: bool):
        super().__init__(what)
        self.what, self.line, self.column, self.at_end = what, line, column, at_end


@contextlib.contextmanager
def json_stream(path: Path, encoding: str, half_is_right: bool = False) -> Iterator[Stream]:
    """A file to be read as a stream.

    Args:
        encoding: as `encoding_of` gives it.
        half_is_right: whether the reader looks for half a character by itself.
    Raises:
        DataError: it is no JSON, or holds half a character.
    """
    ends = line_end(path, encoding)
    with opened(path) as stream, io.TextIOWrapper(stream, encoding, newline="") as text:
        try:
            found = Stream(text, ends)
            yield found
        except NoJson as error:
            what = _plainly(error.what, error.column, error.at_end)
            raise DataError(f"{path}, line {error.line}: {what}; {CURE}") from error
    if not half_is_right:
        found.half.refuse(path, "save the texts anew as UTF-8", "line")


def _plainly(what: str, column: int, at_end: bool) -> str:
    """What is wrong, where the json module's words would have its user think of delimiters."""
    if what == ENDLESS:
        return what
    if what == "Extra data":
        what = "something behind its end"
    elif what == "Expecting ',' delimiter":
        what = "it ends early" if at_end else "no comma"
    return f"no JSON ({what:.80} at character {column})"


def form_of(path: Path, encoding: str) -> str:
    """How a JSON file holds its values: a "list", on "lines", or as one "value".

    On lines, if the first is an object, and not the only one.
    """
    if is_list(path, encoding):
        return "list"
    first, alone = first_line(path, encoding)
    on_lines = not alone and len(first) <= LONGEST_FIRST and isinstance(_value(first)[0], dict)
    return "lines" if on_lines else "value"


def first_line(path: Path, encoding: str) -> tuple[str, bool]:
    """The first line of a file that is not blank, or its beginning, and whether no other follows."""
    with opened(path) as stream:
        text = io.TextIOWrapper(stream, encoding, newline=line_end(path, encoding))
        first = ""
        while not first and (line := text.readline(LONGEST_FIRST + 1)):
            first = line.strip(BLANK)
        while line := text.readline(BLOCK):
            if line.strip(BLANK):
                return first, False
    return first, True


def has_inner_list(path: Path, encoding: str) -> bool:
    """Whether a file begins with an object that has a list of objects."""
    with opened(path) as stream, io.TextIOWrapper(stream, encoding, newline="") as text:
        try:
            found = Stream(text)
            for _ in found.members() if found.next() == "{" else ():
                if found.next() != "[":
                    found.value()
                    continue
                for number, _ in enumerate(found.items()):
                    if not number and found.next() == "{":
                        return True
                    found.value()
        except NoJson:  # told by whoever reads it
            pass
    return False


def each_object(path: Path, name: str = "", inner: str = "") -> Iterator[tuple[int, Any]]:
    """The values of a file of JSON lines, the items of one array, or the one value there is.

    One at a time is in memory.

    Args:
        name: of the list in the one object that is wanted item by item. An object without it comes
            as it is.
        inner: of the list in these items that is wanted item by item, each as `{inner: [item]}`.
    Returns:
        (number, value) pairs; the number is that of the line that the value begins on, counted from
        1, or of the item in a list that stands on one line; see `word_of`.
    Raises:
        DataError: missing, empty or damaged file, or text that is no JSON.
    """
    encoding = encoding_of(path)
    form = form_of(path, encoding)
    if form == "lines":
        yield from _json_lines(path, encoding)
        return
    if form == "list":
        yield from list_items(path, encoding)
        return
    with json_stream(path, encoding) as stream:
        if name and stream.next() == "{":
            yield from _parts_of(stream, name, inner)
        else:
            stream.next()
            line, value = stream.line_of(stream.at), stream.value()
            if not stream.half.count:
                yield line, value
        stream.end()


def _parts_of(
    stream: Stream, name: str, inner: str = "", wrapped: bool = False
) -> Iterator[tuple[int, Any]]:
    """The items of a list that an object has; or the whole object, if it has none of this name."""
    stream.next()
    line, others, pieces = stream.line_of(stream.at), {}, False
    for key in stream.members():
        if key != name or stream.next() != "[":
            others[key] = stream.value()
            continue
        for at in stream.items():
            pieces = True
            if inner and stream.next() == "{":
                yield from _parts_of(stream, inner, wrapped=True)
                continue
            value = stream.value()
            if not stream.half.count:
                yield at, {name: [value]} if wrapped else value
        others[name] = []
    if not pieces and not stream.half.count:
        yield line, others


def lines_of(path: Path, values: list[str | int]) -> list[int]:
    """The lines of a JSON file on which values stand, each looked for behind the one before it.

    A value that is not found counts as on the line of the one before it.
    """
    encoding, lines, at, line = encoding_of(path), [], 0, 1
    for value in values:
        written = {json.dumps(value, ensure_ascii=ascii) for ascii in (False, True)}
        found = _find(path, encoding, written, at) or _find(path, encoding, written, 0)
        at, line = found or (at, line)
        lines.append(line)
    return lines


def _find(path: Path, encoding: str, wanted: set[str], behind: int) -> tuple[int, int] | None:
    """The place and the line of the first of some strings that stands in a file from a place on."""
    wanted_now = re.compile("|".join(map(re.escape, wanted)))
    overlap, ends = max(map(len, wanted)) - 1, line_end(path, encoding)
    with opened(path) as stream, io.TextIOWrapper(stream, encoding, newline="") as text:
        piece, start, line = "", 0, 1  # of the piece's beginning
        while block := text.read(BLOCK):
            piece += block
            if found := wanted_now.search(piece, max(behind - start, 0)):
                return start + found.start(), line + piece.count(ends, 0, found.start())
            done = max(len(piece) - overlap, 0)
            line += piece.count(ends, 0, done)
            piece, start = piece[done:], start + done
    return None


def is_list(path: Path, encoding: str) -> bool:
    """Whether a JSON file of any size holds one list rather than an object a line."""
    with opened(path) as stream, io.TextIOWrapper(stream, encoding) as text:
        while block := text.read(BLOCK):
            if begun := block.lstrip(BLANK):
                return begun[0] == "["
    return False


def is_on_one_line(path: Path, encoding: str) -> bool:
    """Whether the second item of a list stands on the line of the first, as `json.dump` writes it."""
    begin = []
    with contextlib.suppress(DataError):  # told by whoever reads it
        with json_stream(path, encoding, half_is_right=True) as stream:
            for line in islice(stream.items(), 2):
                begin.append(line)
                stream.value()
    return len(begin) == 2 and begin[0] == begin[1]


def word_of(path: Path) -> str:
    """What `each_object` counts in a file: "line", or "item" where a list stands on one line."""
    encoding = encoding_of(path)
    counted = form_of(path, encoding) == "list" and is_on_one_line(path, encoding)
    return "item" if counted else "line"


def list_items(path: Path, encoding: str, half_is_right: bool = False) -> Iterator[tuple[int, Any]]:
    """The items of one JSON list with their numbers, as `each_object` gives them.

    Args:
        path: a file that `is_list`.
        encoding: as `encoding_of` gives it.
        half_is_right: whether the reader looks for half a character by itself.
    Raises:
        DataError: from where on it is no JSON.
    """
    counted = is_on_one_line(path, encoding)
    with json_stream(path, encoding, half_is_right) as stream:
        for place, line in enumerate(stream.items(), start=1):
            value = stream.value()
            if half_is_right or not stream.half.count:  # or nothing can come of the file
                yield place if counted else line, value
        stream.end()


def inner_lists(path: Path, encoding: str) -> Iterator[tuple[str, bool, Any]]:
    """The items of the lists in the one object of a file: name of the list, if it is new, item."""
    with json_stream(path, encoding) as stream:
        if stream.next() == "{":
            for name in stream.members():
                if stream.next() != "[":
                    stream.value()
                    continue
                for number, _ in enumerate(stream.items()):
                    yield name, not number, stream.value()
        else:
            stream.value()
        stream.end()


def _json_lines(path: Path, encoding: str) -> Iterator[tuple[int, Any]]:
    """One object a line; the bad lines are told together when all are read."""
    problems, half = Problems(), Problems()
    for number, line in enumerate(lines(path, encoding), start=1):
        if not line.strip():
            continue
        value, problem, _ = _value(line.rstrip("\r\n"))
        if problem or not isinstance(value, dict):
            problems.add(number, problem or "no JSON object like the others")
            continue
        if HALF_ESCAPED.search(line) and _has_half(value):
            half.add(number, HALF)
        yield number, value
    problems.refuse(path, CURE, "line")
    half.refuse(path, "save the texts anew as UTF-8", "line")


def _has_half(value: Any) -> bool:
    """Whether half a character is in a value: JSON can write it (\\ud83d), nothing can store it."""
    return bool(re.search("[\ud800-\udfff]", json.dumps(value, ensure_ascii=False)))


def _value(text: str) -> tuple[Any, str, int]:
    """A value, "" and 0; or None, what is wrong, and on which line of the text."""
    try:
        return json.loads(text), "", 0
    except json.JSONDecodeError as error:
        what = _plainly(error.msg, error.colno, error.pos >= len(text))
        return None, what, error.lineno
    except RecursionError:
        return None, ENDLESS, 1
    except ValueError as error:  # a number of thousands of digits
        return None, f"no JSON ({str(error)[:60]})", 1


def lists_in(value: object) -> list[list[dict]]:
    """The lists of objects in an object."""
    lists = value.values() if isinstance(value, dict) else []
    return [
        each
        for each in lists
        if isinstance(each, list) and each and all(isinstance(item, dict) for item in each)
    ]


def refuse_columns(value: object, path: Path) -> None:
    """Refuse an object of columns, as `DataFrame.to_json` and `Dataset.to_dict` give it.

    Raises:
        DataError: that it is.
    """
    columns = list(value.values()) if isinstance(value, dict) else []
    kinds = {type(column) for column in columns}
    if len(columns) < 2 or kinds not in ({list}, {dict}) or lists_in(value):
        return
    keys = {len(column) if kinds == {list} else tuple(column) for column in columns}
    if len(keys) == 1 and len(columns[0]) > 1:
        raise DataError(f"{path}: one object with a list or an object for each column; {ROWWISE}")
