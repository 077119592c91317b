"""Read the values of a JSON file, each with the line it starts on. What they mean is for others."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.data.content import BOM, DataError, decode, opened, read_bytes
from utils.data.rows import refuse

CURE = "correct it, or download the file again"
SPACE = re.compile(r"[ \t\r\n]*")
BLANK = f"{BOM} \t\r\n"
BLOCK = 2**20  # characters of a list read at a time
LONGEST_SIGN = 20  # no number, word or escape that is cut in two is longer

ROWWISE = (
    "write one object a line, or all of them as one list (pandas: orient='records', lines=True)"
)


def is_json(path: Path, text: str) -> bool:
    """Whether a file holds JSON, by its name or by its first line."""
    if {".json", ".jsonl"} & set(path.suffixes):
        return True
    first = text.lstrip().partition("\n")[0].rstrip()
    return first in ("{", "[") or bool(re.match(r'\{\s*"|\[\s*\{', first))


def read_objects(path: Path) -> list[tuple[int, Any]]:
    """The values of a file of JSON lines, the items of one array, or the one value there is.

    All in memory, some four times the size of the file: questions, pairs and entities come in files
    of tens of megabytes. Lists of texts, of any size, are read by `list_items`.

    Returns:
        (line, value) pairs; the line is the one that the value begins on, counted from 1.
    Raises:
        DataError: missing, empty or damaged file, or text that is no JSON.
    """
    text = decode(read_bytes(path), path).replace("\n\ufeff", "\n")  # files joined by cat
    objects = _json_lines(text, path) or _items(text, path)
    # JSON can write half a character (\ud83d); nothing can store it.
    half = [
        (line, "half of a character, written \\uD8xx alone")
        for line, value in (objects if re.search(r"\\u[dD][89a-fA-F]", text) else [])
        if re.search("[\ud800-\udfff]", json.dumps(value, ensure_ascii=False))
    ]
    refuse(path, half, "save the texts anew as UTF-8", "line")
    return objects


def lines_of(path: Path, values: list[str | int]) -> list[int]:
    """The lines of a JSON file on which values stand, each looked for behind the one before it.

    A value that is not found counts as on the line of the one before it.
    """
    content = decode(read_bytes(path), path)
    lines, at, line = [], 0, 1
    for value in values:
        written = {json.dumps(value, ensure_ascii=ascii) for ascii in (False, True)}
        to = max(content.find(text, at) for text in written)
        if to < 0:  # it stands further up
            to = max(content.find(text) for text in written)
        if to >= 0:
            line += content.count("\n", at, to) - content.count("\n", to, at)
            at = to
        lines.append(line)
    return lines


def is_list(path: Path, encoding: str) -> bool:
    """Whether a JSON file of any size holds one list rather than an object a line."""
    with opened(path) as stream, io.TextIOWrapper(stream, encoding) as text:
        while block := text.read(BLOCK):
            if begun := block.lstrip(BLANK):
                return begun[0] == "["
    return False


def list_items(path: Path, encoding: str) -> Iterator[tuple[int, Any]]:
    """The items of one JSON list, each with the line it begins on; a piece at a time is in memory.

    Args:
        path: a file that `is_list`.
        encoding: as `encoding_of` gives it.
    Raises:
        DataError: from where on it is no JSON.
    """
    decoder, size = json.JSONDecoder(), BLOCK
    with opened(path) as stream, io.TextIOWrapper(stream, encoding, newline="") as text:
        piece, at, line, first = "", 0, 1, True
        while not piece:
            block = text.read(BLOCK)
            piece = block.lstrip(BLANK)
            line += block.count("\n", 0, len(block) - len(piece))
        # From here on `at` is the place of a bracket or a comma, and `line` its line.
        while True:
            start = SPACE.match(piece, at + 1).end()
            end = start
            if first and piece[start : start + 1] == "]":
                break
            try:
                item, end = decoder.raw_decode(piece, start)
                end = SPACE.match(piece, end).end()
                wrong = "" if piece[end : end + 1] in (",", "]", "") else "no comma"
                cut = end > len(piece) - LONGEST_SIGN if wrong else end == len(piece)
            except json.JSONDecodeError as error:
                wrong, end = error.msg, error.pos
                cut = end > len(piece) - LONGEST_SIGN or wrong.startswith("Unterminated string")
            except RecursionError:
                wrong, cut = "brackets within brackets", False
            except ValueError as error:  # a number of thousands of digits
                wrong, cut = str(error), False
            if cut and (more := text.read(size)):
                piece, at = piece[at:] + more, 0
                size *= 2  # an item that is long is read again a few times, not many
                continue
            if wrong or cut:
                line += piece.count("\n", at, end)
                raise DataError(
                    f"{path}, line {line}: no JSON ({wrong or 'it ends early'!s:.80}); write one "
                    "object a line"
                )
            yield line + piece.count("\n", at, start), item
            line += piece.count("\n", at, end)
            at, first, size = end, False, BLOCK
            if piece[at] == "]":
                break
        while not piece[end + 1 :].strip():
            end, piece = -1, text.read(BLOCK)
            if not piece:
                return
        raise DataError(f"{path}: no JSON (something behind its list); write one object a line")


def _json_lines(text: str, path: Path) -> list[tuple[int, Any]]:
    """One object a line; empty if the first line is none, or the only one."""
    # Not splitlines(): JSON may hold U+2028 in a string.
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if len(lines) < 2 or not isinstance(_value(lines[0][1])[0], dict):
        return []
    objects, problems = [], []
    for number, line in lines:
        value, problem, _ = _value(line)
        if problem or not isinstance(value, dict):
            problems.append((number, problem or "no JSON object like the others"))
        objects.append((number, value))
    refuse(path, problems, CURE, "line")
    return objects


def _value(text: str) -> tuple[Any, str, int]:
    """A value, "" and 0; or None, what is wrong, and on which line of the text."""
    try:
        return json.loads(text), "", 0
    except json.JSONDecodeError as error:
        return None, f"no JSON ({error.msg} at character {error.colno})", error.lineno
    except RecursionError:
        return None, "brackets within brackets without end", 1
    except ValueError as error:  # a number of thousands of digits
        return None, f"no JSON ({str(error)[:60]})", 1


def _items(text: str, path: Path) -> list[tuple[int, Any]]:
    value, problem, line = _value(text)
    if problem:
        raise DataError(f"{path}, line {line}: {problem}; {CURE}")
    at = SPACE.match(text).end()
    line = text.count("\n", 0, at) + 1
    if not isinstance(value, list):
        return [(line, value)]
    objects, decoder, counted = [], json.JSONDecoder(), at
    for _ in value:
        at = SPACE.match(text, at + 1).end()  # over the bracket or the comma
        line, counted = line + text.count("\n", counted, at), at
        item, at = decoder.raw_decode(text, at)
        objects.append((line, item))
        at = SPACE.match(text, at).end()
    return objects


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
