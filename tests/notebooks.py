"""Reading notebooks and pages for the tests: cells, prose, outputs."""

import re
from pathlib import Path

import nbformat
import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"
MARKDOWN = MarkdownIt("commonmark").enable("table")


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


def parsed(markdown):
    """Return the tokens of a Markdown text: blocks, and in their `children` what is inline."""
    return MARKDOWN.parse(markdown)


def inline_tokens(tokens):
    """Yield the inline tokens (text, code_inline, image, link_open, …) of parsed Markdown."""
    for token in tokens:
        yield from token.children or ()


def is_directive(token):
    """Tell whether a token is a MyST directive (```{note} …), whose body is Markdown again."""
    return token.type == "fence" and token.info.lstrip().startswith("{")


def prose(markdown):
    """Return Markdown text without what no reader reads as prose.

    Left out: code blocks and spans, links and their texts, images, addresses, HTML tags and
    comments. The body of a MyST directive stays, and so do the # of headings.
    """
    parts = []
    for token in parsed(markdown):
        if is_directive(token):
            parts.append(prose(token.content))
        elif token.type == "html_block":
            parts.append(without_tags(token.content))
        elif token.type == "heading_open":
            parts.append("\n" + token.markup + " ")
        elif token.type == "inline":
            parts.append(inline_prose(token.children) + "\n")
    return re.sub(r"https?://[^\s>)，。；）]+", " ", "".join(parts))


def inline_prose(tokens):
    """Return the prose of one block's inline tokens."""
    text, inside_links = "", 0
    for token in tokens:
        if token.type in ("link_open", "link_close"):
            inside_links += token.nesting
            text += " "
        elif inside_links:
            continue
        elif token.type == "text":
            text += token.content
        elif token.type in ("softbreak", "hardbreak"):
            text += "\n"
        elif token.type in ("code_inline", "html_inline", "image"):
            text += " "  # and nothing for emphasis, which joins what it stands between
    return text


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
