"""Each term of the glossary leads to the section that first explains it."""

import re

import notebooks as nb
import pytest
from prose_rules import glossary_rows

PAGE = nb.CHAPTERS / "glossary.md"
ROWS = glossary_rows(PAGE.read_text(encoding="utf-8"))
LINK = re.compile(r" \[「(?P<heading>.+)」\]\((?P<file>[\w.]+\.ipynb)\)$")
HEADING = re.compile(r"^#{1,6} +(.+?) *$")


def sections(notebook):
    """Return heading -> the text below it, up to the next heading."""
    found, heading = {}, None
    for cell in nb.markdown_cells(notebook):
        for line in cell.source.splitlines():
            if match := HEADING.match(line):
                heading = match[1]
                found[heading] = ""
            elif heading:
                found[heading] += line + "\n"
    return found


SECTIONS = {path.name: sections(nb.read(path)) for path in nb.notebook_paths()}


def misled(row, book):
    """Return what is wrong with a row's link, "" when it leads to the term."""
    term, _, explanation, _ = row
    match = LINK.search(explanation)
    if not match or explanation.count("](") != 1:
        return "no link to one section, written [「heading」](chapter.ipynb)"
    if match["heading"] not in book.get(match["file"], {}):
        return f"{match['file']} has no heading 「{match['heading']}」"
    text = match["heading"] + book[match["file"]][match["heading"]].replace("**", "")
    missing = [name for name in term.split(" / ") if name not in text]
    return f"「{match['heading']}」 never says {missing[0]}" if missing else ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_term_leads_to_where_it_is_explained(row):
    assert not misled(row, SECTIONS)


def test_twelve_chapters_are_covered():
    files = {LINK.search(row[2])["file"][:2] for row in ROWS}
    assert files >= {f"{number:02}" for number in range(1, 13)}


@pytest.mark.parametrize(
    "explanation, fault",
    [
        ("读完整段", "no link"),
        ("读完整段 [「2.3 注意力」](02.ipynb) [「别处」](02.ipynb)", "no link"),
        ("读完整段 [「2.4 多头」](02.ipynb)", "has no heading"),
        ("读完整段 [「2.3 注意力」](03.ipynb)", "has no heading"),
        ("读完整段 [「2.2 嵌入」](02.ipynb)", "never says 键"),
        ("读完整段 [「2.3 注意力」](02.ipynb)", ""),
    ],
)
def test_a_link_that_misleads_is_found(explanation, fault):
    book = {"02.ipynb": {"2.2 嵌入": "查询一张表", "2.3 注意力": "**查询**去问**键**"}}
    found = misled(["查询 / 键", "query / key", explanation, "—"], book)
    assert fault in found and bool(fault) == bool(found)
