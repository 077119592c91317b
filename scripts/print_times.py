"""Write the measured times of results/times.json into the chapters, the READMEs and index.md.

make times CHAPTER=05              # measures, then runs this
python scripts/print_times.py      # after an edit of a page by hand
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMES = ROOT / "results" / "times.json"
READMES = ("README.md", "README.zh-CN.md")
# In a chapter, once, before its setup cell.
COST = re.compile(r"(运行约 )[\d.]+ (?:秒|分钟)(，(?:峰值)?内存约 )[\d.]+( GB)")
# In a table: | [05 …](chapters/05_thucnews.ipynb) | … | 1.5 |
ROW = re.compile(r"^(\| \[[^\]]*\]\(chapters/(\w+)\.ipynb\) \|.*\| )[^|\n]+( \|)$", re.M)
HALVES = ("半分钟", "一分钟", "一分半", "两分钟", "两分半", "三分钟", "三分半", "四分钟")


class TimesError(ValueError):
    """A chapter has no measured times, or no place to print them; the message says which."""


def halves(row: dict) -> int:
    """Half minutes that a chapter runs, rounded, at least one.

    Args:
        row: A chapter's row of results/times.json.
    """
    return max(1, int(row["seconds"] / 30 + 0.5))


def in_chapter(text: str, name: str, times: dict) -> str:
    """Return a chapter's text (Markdown, or its whole .ipynb) with the measured cost.

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
    return COST.sub(rf"\g<1>{seconds} 秒\g<2>{row['peak_mb'] / 1000:.1f}\g<3>", text)


def in_readme(text: str, times: dict) -> str:
    """Return a README with the minutes in its table of chapters, such as 1.5.

    Raises:
        TimesError: A chapter of the table was not measured.
    """
    return ROW.sub(
        lambda row: f"{row[1]}{halves(measured(row[2], times)) / 2:g}{row[3]}",
        text,
    )


def in_index(text: str, times: dict) -> str:
    """Return index.md with the minutes in its table of chapters, such as 约一分半.

    Raises:
        TimesError: A chapter of the table was not measured.
    """
    return ROW.sub(
        lambda row: f"{row[1]}约{HALVES[halves(measured(row[2], times)) - 1]}{row[3]}",
        text,
    )


def measured(name: str, times: dict) -> dict:
    """Return a chapter's row, or raise TimesError."""
    if name not in times:
        raise TimesError(f"{name} is not in results/times.json: make times CHAPTER={name[:2]}")
    return times[name]


def pages(root: Path, times: dict) -> dict[Path, str]:
    """Return what each page that prints times should read: {path: text}.

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
    written[root / "index.md"] = in_index((root / "index.md").read_text("utf-8"), times)
    return written


def main() -> None:
    try:
        written = pages(ROOT, json.loads(TIMES.read_text("utf-8")))
    except TimesError as error:
        sys.exit(f"error: {error}")
    for path, text in written.items():
        if text != path.read_text("utf-8"):
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"{path.relative_to(ROOT)} shows the measured times")


if __name__ == "__main__":
    main()
