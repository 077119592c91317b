"""What was measured: `results/NAME.jsonl`, one row a line; of equal names the last line counts.

A line is an object: "row" is its name, the rest what was measured, and where, when and with what
(results/README.md). Lines are only ever added, so that a file holds its own history.
"""

import json
from pathlib import Path

from filelock import FileLock

from utils.profile import course_root

RESULTS = course_root() / "results"


def results_file(name: str) -> Path:
    """Where the rows of `name` stand; nothing may have been measured yet."""
    return RESULTS / f"{name}.jsonl"


def read_results(name: str) -> dict[str, dict]:
    """The rows of a results file by name, those that begin with a number in its order.

    Args:
        name: "thucnews_mini" for results/thucnews_mini.jsonl.
    Returns:
        row name ("200/tfidf") -> what the line says; empty where nothing was measured yet.
    Raises:
        ValueError: a line that is no row, naming file and line. A last line that breaks off is
            none: whoever wrote it was killed, and measures that row again.
    """
    path = results_file(name)
    lines = path.read_bytes().split(b"\n") if path.is_file() else []
    rows = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows[row.pop("row")] = row
        except (ValueError, KeyError, TypeError, AttributeError):
            if number < len(lines):
                raise ValueError(
                    f"{path}, line {number}: not a row of results; mend the line or delete it"
                ) from None
    return dict(sorted(rows.items(), key=_number))


def add_result(name: str, row: str, values: dict) -> None:
    """Append one row to a results file; runs side by side wait for each other."""
    path = results_file(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"row": row, **values}, ensure_ascii=False) + "\n"
    with FileLock(path.with_suffix(".lock")), open(path, "a+b") as file:
        _end_last_line(file)
        file.write(line.encode("utf8"))


def _end_last_line(file) -> None:
    """A last line without its end: end it if it is whole, cut it off if somebody was killed."""
    file.seek(0)
    *_, last = file.read().split(b"\n")
    if not last:
        return
    try:
        json.loads(last)
        file.write(b"\n")
    except ValueError:
        file.truncate(file.tell() - len(last))


def _number(row: tuple[str, dict]) -> int:
    """The number that a row's name begins with ("200/tfidf"), else 0."""
    number = row[0].split("/")[0]
    return int(number) if number.isdigit() else 0
