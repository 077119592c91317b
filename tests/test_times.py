"""The pages print the times that `make times` measured.

Nothing is measured here, and no budget asserted: a busy machine is no fault.
"""

import json
import shutil
import sys

import nbformat
import notebooks as nb
import pytest
from book import times
from book.execute import run
from book.times import (
    IN_WORDS,
    READMES,
    TIMES,
    TimesError,
    in_chapter,
    in_index,
    in_readme,
    note_times,
    pages,
    spoken,
)
from nbformat.v4 import new_code_cell, new_notebook

MEASURED = json.loads(TIMES.read_text(encoding="utf-8"))
FIELDS = {"seconds", "cpu_seconds", "peak_mb", "cores", "hardware", "commit", "date"}
ROWS = {
    "01_a": {"seconds": 62.4, "peak_mb": 1249},
    "02_b": {"seconds": 8.1, "peak_mb": 961},
}
CHAPTER = "运行约 0 秒，峰值内存约 0 GB（2 核 CPU 实测）。"
TABLE = "| [01 A](chapters/01_a.ipynb) | 原理 | 9 |\n| [02 B](chapters/02_b.ipynb) | 工具 | 9 |\n"


@pytest.mark.parametrize(
    "path", [path for path in nb.notebook_paths() if nb.is_numbered(path)], ids=lambda p: p.stem
)
def test_a_chapter_was_measured_and_prints_it(path):
    text = path.read_text(encoding="utf-8")
    assert text == in_chapter(text, path.stem, MEASURED), "run scripts/print_times.py"
    intro = nb.read(path).cells[: nb.setup_index(nb.read(path))]
    assert any(times.COST.search(cell.source) for cell in intro)


@pytest.mark.parametrize("name", MEASURED)
def test_a_row_is_whole_and_of_a_chapter(name):
    row = MEASURED[name]
    assert set(row) == FIELDS and row["cores"] == 2
    assert (nb.CHAPTERS / f"{name}.ipynb").exists(), "a row of a chapter that is no more"


@pytest.mark.parametrize(
    ("name", "printer"),
    [*((name, in_readme) for name in READMES), *((name, in_index) for name in IN_WORDS)],
)
def test_a_table_prints_what_was_measured(name, printer):
    text = (nb.ROOT / name).read_text(encoding="utf-8")
    assert text == printer(text, MEASURED), "run scripts/print_times.py"


def test_times_are_printed_in_round_numbers():
    assert in_chapter(CHAPTER, "01_a", ROWS) == "运行约 60 秒，峰值内存约 1.2 GB（2 核 CPU 实测）。"
    assert in_chapter(CHAPTER, "02_b", ROWS) == "运行约 10 秒，峰值内存约 1.0 GB（2 核 CPU 实测）。"
    assert in_readme(TABLE, ROWS) == TABLE.replace("9 |", "1 |", 1).replace("9 |", "0.5 |")
    printed = TABLE.replace("9 |", "约一分钟，1.2 GB |", 1).replace("9", "约半分钟，1.0 GB")
    whole = "从头运行全书约 {} 分钟，最占内存的一章约 {} GB。\n"
    assert in_index(whole.format(9, 9) + TABLE, ROWS) == whole.format(1, 1.2) + printed


def test_the_front_page_says_what_the_whole_book_takes():
    assert len(times.WHOLE.findall((nb.ROOT / "index.md").read_text("utf-8"))) == 1


def test_a_long_chapter_is_spoken_in_digits():
    assert [spoken(count) for count in (1, 8, 9, 12)] == [
        "约半分钟",
        "约四分钟",
        "约 5 分钟",
        "约 6 分钟",
    ]


@pytest.mark.parametrize("text", ["很快。", CHAPTER + CHAPTER])
def test_a_chapter_without_one_line_for_it_is_found(text):
    with pytest.raises(TimesError, match="02_b: write 运行约"):
        in_chapter(text, "02_b", ROWS)


@pytest.mark.parametrize("printer", [in_readme, in_index])
def test_a_chapter_that_was_not_measured_is_found(printer):
    with pytest.raises(TimesError, match="03_c is not in results/times.json: make times CHAPTER"):
        printer(TABLE.replace("02_b", "03_c"), ROWS)
    with pytest.raises(TimesError, match="03_c"):
        in_chapter(CHAPTER, "03_c", ROWS)


def test_all_pages_are_written(tmp_path):
    for name in (*READMES, "index.md"):
        shutil.copy(nb.ROOT / name, tmp_path)
    shutil.copytree(nb.CHAPTERS, tmp_path / "chapters")
    written = pages(tmp_path, {path.stem: ROWS["02_b"] for path in nb.notebook_paths()})
    assert {path.name for path in written} == {
        *(path.name for path in nb.notebook_paths() if nb.is_numbered(path)),
        *(*READMES, "index.md", "teaching.md"),
    }
    assert all("10 秒" in text for path, text in written.items() if path.suffix == ".ipynb")


BUSY = """
import subprocess, sys, time
subprocess.run([sys.executable, "-c", "while __import__('time').process_time() < 0.6: pass"])
block = bytearray(120_000_000)
block[::4096] = b"x" * len(block[::4096])
time.sleep(0.5)
"""


def test_a_run_takes_a_note_of_its_cost_beside_those_of_others(tmp_path):
    """Above its CPU time, above its memory: how far above is the machine's affair."""
    path, notes = tmp_path / "99_busy.ipynb", tmp_path / "times.json"
    notes.write_text('{"05_other": {"seconds": 1}}')
    nbformat.write(new_notebook(cells=[new_code_cell(BUSY, id="busy")]), path)
    before = path.read_bytes()
    note_times(notes, path.stem, run(path, check=True))
    assert path.read_bytes() == before
    rows = json.loads(notes.read_text("utf-8"))
    assert rows["05_other"] == {"seconds": 1} and set(rows["99_busy"]) == FIELDS
    assert rows["99_busy"]["peak_mb"] > 120
    assert rows["99_busy"]["seconds"] > 0.5
    if sys.platform == "linux":  # elsewhere a child that has ended takes its seconds along
        assert rows["99_busy"]["cpu_seconds"] > 0.6
    assert len(notes.read_text("utf-8").splitlines()) == 4, "a line a chapter"
