"""Reading notebooks and pages for the tests: cells, prose, outputs."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"


def expect_none(violations):
    """Fail and print every violation, a line each; a bare assert shows the first and a count."""
    found = list(violations)
    if found:
        pytest.fail(f"{len(found)} to mend:\n" + "\n".join(map(str, found)), pytrace=False)


def notebook_paths():
    """Return the paths of all notebooks of the book, sorted."""
    return sorted(CHAPTERS.glob("*.ipynb"))


def page_paths():
    """Return the paths of the book's Markdown pages: the front page and those in chapters/."""
    return [path for path in [ROOT / "index.md", *sorted(CHAPTERS.glob("*.md"))] if path.exists()]


def is_numbered(path):
    """Tell a chapter (05_thucnews.ipynb) from an appendix (scoreboard.ipynb)."""
    return re.match(r"\d\d_", Path(path).name) is not None


def read(path):
    """Return the notebook at a path."""
    return nbformat.read(path, as_version=4)


def tags(cell):
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def code_cells(notebook):
    """Return the code cells that hold any code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def markdown_cells(notebook):
    """Return the Markdown cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def setup_index(notebook):
    """Return the index of the setup cell, or None."""
    places = [i for i, cell in enumerate(notebook.cells) if cell.id == "setup"]
    return places[0] if places else None


def prose(markdown):
    """Return Markdown text without what no reader reads as prose.

    Left out: code blocks and spans, links and their texts, images, addresses, HTML tags and
    comments. The body of a MyST directive stays.
    """
    text = re.sub(r"^(?:```|~~~)\{.*$", "", markdown, flags=re.M)  # opening of a directive
    text = re.sub(r"^(\s*)(`{3,}|~{3,}).*?^\s*\2\s*$", "", text, flags=re.M | re.S)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", " ", text, flags=re.S)
    text = re.sub(r"!?\[[^\]]*\]\([^)\s]*(?:\s+\"[^\"]*\")?\)", " ", text)
    text = re.sub(r"<?https?://[^\s>)，。；）]+>?", " ", text)
    return re.sub(r"</?[A-Za-z][^>]*>", " ", text)


def output_text(output):
    """Return all text a reader sees in an output: stdout, reprs, tables, labels of drawings."""
    if output.output_type == "stream":
        return output.text if output.name == "stdout" else ""
    data = output.get("data", {})
    parts = [data[kind] for kind in ("text/plain", "text/markdown", "text/latex") if kind in data]
    parts += [without_tags(data[kind]) for kind in ("text/html", "image/svg+xml") if kind in data]
    text = "\n".join("".join(part) if isinstance(part, list) else part for part in parts)
    return re.sub(r"<(Figure|IPython\.)[^>]*>", "", text)  # reprs that no page shows


def plain_text(cell):
    """Return what nbval compares as text: standard output and plain reprs, without figures'."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            parts.append(output.text)
        elif output.output_type in ("execute_result", "display_data"):
            parts.append(output.data.get("text/plain", ""))
    return re.sub(r"<(Figure|IPython\.)[^>]*>", "", "".join(parts)).strip()


def unchecked(cell):
    """Return why a cell tagged nbval-check-output checks nothing, or None."""
    if cell.execution_count is None:
        return "has no execution_count, so nbval compares nothing"
    if not plain_text(cell):
        return "has no text output, so there is nothing to compare"
    return None


def without_tags(html):
    """Return the text of HTML or SVG."""
    html = re.sub(r"<(style|script)\b.*?</\1>", " ", html, flags=re.S | re.I)
    return re.sub(r"<[^>]+>", " ", html)
