"""Read the values of a JSON file, each with the line it starts on. What they mean is for others."""

import json
import re
from pathlib import Path
from typing import Any

from utils.data.content import DataError, decode, read_bytes
from utils.data.rows import refuse

CURE = "correct it, or download the file again"
SPACE = re.compile(r"[ \t\r\n]*")


def is_json(path: Path, text: str) -> bool:
    """Whether a file holds JSON, by its name or by its first line."""
    if {".json", ".jsonl"} & set(path.suffixes):
        return True
    first = text.lstrip().partition("\n")[0].rstrip()
    return first in ("{", "[") or bool(re.match(r'\{\s*"|\[\s*\{', first))


def read_objects(path: Path) -> list[tuple[int, Any]]:
    """The values of a file of JSON lines, the items of one array, or the one value there is.

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
