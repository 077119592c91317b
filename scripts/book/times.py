"""What the chapters cost: noted in results/times.json, and printed from there on the pages."""

import datetime
import json
import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path

import psutil
from measurements.machine import processor

from book.files import CHAPTERS, ROOT

CORES = 2  # for which the pages state their minutes
TIMES = ROOT / "results/times.json"
IN_WORDS = ("index.md", "chapters/teaching.md")
READMES = ("README.md", "README.zh-CN.md")
# In a chapter, once, before its setup cell.
COST = re.compile(r"(运行约 )[\d.]+ (?:秒|分钟)(，(?:峰值)?内存约 )[\d.]+( GB)")
# In a table: | [05 …](chapters/05_thucnews.ipynb) | … | 1.5 |
ROW = re.compile(r"^(\| \[[^\]]*\]\((?:chapters/)?(\w+)\.ipynb\) \|(?:.*\|)? )[^|\n]+( \|)$", re.M)
# In index.md, once: what the whole book takes.
WHOLE = re.compile(r"(全书约 )\d+( 分钟，最占内存的一章约 )[\d.]+( GB)")
HALVES = ("半分钟", "一分钟", "一分半", "两分钟", "两分半", "三分钟", "三分半", "四分钟")


class TimesError(ValueError):
    """A chapter has no measured times, or no place to print them; the message says which."""


def keep_to_two_cores() -> None:
    """Give this process, and so the kernels, the two cores that the measured times are for."""
    os.environ["OMP_NUM_THREADS"] = str(CORES)  # all that macOS allows, where no core is bound
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):
        process.cpu_affinity(process.cpu_affinity()[:CORES])
    if (busy := psutil.cpu_percent(1)) > 10:
        print(f"The machine is busy with other work ({busy:.0f} %): the seconds will be too many.")


def note_times(path: Path, name: str, cost: dict) -> None:
    """Write a notebook's cost into a JSON file, one line a notebook, beside what is there."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    about = {"cores": CORES, "hardware": processor(), "commit": commit()}
    rows[name] = cost | about | {"date": datetime.date.today().isoformat()}
    lines = (f"  {json.dumps(key)}: {json.dumps(rows[key])}" for key in sorted(rows))
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")


@lru_cache  # once: the notes themselves make the tree dirty
def commit() -> str:
    """The commit that is checked out, with -dirty where files differ; "" outside git."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        return subprocess.run(
            command, cwd=CHAPTERS, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def pages(root: Path, times: dict) -> dict[Path, str]:
    """What each page that prints times should read: {path: text}.

    Args:
        root: The folder of the course.
        times: What results/times.json holds.

    Raises:
        TimesError: A chapter was not measured, or has no line to print it on.
    """
    written = {}
    for path in sorted((root / "chapters").glob("[0-9][0-9]_*.ipynb")):
        written[path] = in_chapter(path.read_text("utf-8"), path.stem, times)
    for name in READMES:
        written[root / name] = in_readme((root / name).read_text("utf-8"), times)
    for name in IN_WORDS:
        written[root / name] = in_index((root / name).read_text("utf-8"), times)
    return written


def in_chapter(text: str, name: str, times: dict) -> str:
    """A chapter's text (Markdown, or its whole .ipynb) with the measured cost.

    Seconds are rounded to five, memory to 0.1 GB (10^9 bytes).

    Args:
        text: What holds the line 运行约 N 秒，内存约 N GB.
        name: The chapter's name, as 05_thucnews.
        times: What results/times.json holds: a row for each name.

    Raises:
        TimesError: The chapter was not measured, or has not exactly one such line.
    """
    row = measured(name, times)
    if len(COST.findall(text)) != 1:
        raise TimesError(f"{name}: write 运行约 0 秒，内存约 0 GB once, before the setup cell")
    seconds = max(5, 5 * round(row["seconds"] / 5))
    return COST.sub(rf"\g<1>{seconds} 秒\g<2>{gigabytes(row['peak_mb'])}\g<3>", text)


def in_readme(text: str, times: dict) -> str:
    """A README with the minutes in its table of chapters, such as 1.5.

    Raises:
        TimesError: A chapter of the table was not measured.
    """
    return ROW.sub(
        lambda row: f"{row[1]}{halves(measured(row[2], times)) / 2:g}{row[3]}",
        text,
    )


def in_index(text: str, times: dict) -> str:
    """index.md with the cost of the chapters of its table, such as 约一分半，2.8 GB, and of all.

    Raises:
        TimesError: A chapter of the table was not measured.
    """
    rows = [measured(row[2], times) for row in ROW.finditer(text)]
    minutes = round(sum(row["seconds"] for row in rows) / 60)
    most = max((row["peak_mb"] for row in rows), default=0)
    text = WHOLE.sub(rf"\g<1>{minutes}\g<2>{gigabytes(most)}\g<3>", text)

    def cell(row: re.Match) -> str:
        cost = measured(row[2], times)
        return f"{spoken(halves(cost))}，{gigabytes(cost['peak_mb'])} GB"

    return ROW.sub(lambda row: f"{row[1]}{cell(row)}{row[3]}", text)


def gigabytes(megabytes: float) -> str:
    """Megabytes as gigabytes (10^9 bytes), rounded to a tenth."""
    return f"{megabytes / 1000:.1f}"


def spoken(halves: int) -> str:
    """Half minutes in words, such as 约一分半; beyond four minutes, whole ones in digits."""
    return f"约{HALVES[halves - 1]}" if halves <= len(HALVES) else f"约 {(halves + 1) // 2} 分钟"


def halves(row: dict) -> int:
    """Half minutes that a chapter runs, rounded, at least one.

    Args:
        row: A chapter's row of results/times.json.
    """
    return max(1, int(row["seconds"] / 30 + 0.5))


def measured(name: str, times: dict) -> dict:
    """A chapter's row, or raise TimesError."""
    if name not in times:
        raise TimesError(f"{name} is not in results/times.json: make times CHAPTER={name[:2]}")
    return times[name]


def write_pages() -> list[Path]:
    """Write the measured times into the pages; the paths of those that changed.

    Raises:
        TimesError: A chapter was not measured, or has no line to print it on.
    """
    changed = []
    for path, text in pages(ROOT, json.loads(TIMES.read_text("utf-8"))).items():
        if text != path.read_text("utf-8"):
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    return changed
