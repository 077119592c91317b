"""Tables on a phone: figures stand closer and smaller, texts one below the other.

A table of figures and names gets `fits` and tells the style sheet how many letters wide it is at
its narrowest, which makes it that small, down to nine pixels. A wider one, and one whose sentences
would be squeezed, gets `stacks`: below 480 pixels a row is then a card, each value behind the name
of its column (`course.css`). The roles say to screen readers what the changed `display` may hide.
"""

import re
from html import escape
from unicodedata import east_asian_width

from bs4 import BeautifulSoup, Tag

TABLE = re.compile(r"<table\b.*?</table>", re.S)
# So many letters have room at 360 pixels: of nine pixels in tables of figures, larger in texts.
ROOM_FOR_FIGURES, ROOM_FOR_TEXT = 35, 22
LATIN = 0.6  # width of a letter or a figure
BETWEEN = {"figures": 0.7, "text": 1.3}  # from one column to the next
NARROWEST = 3  # a column of Chinese prose: less is read downwards
LONG = 14  # of a cell: more is a sentence
NOTHING = {"", "—", "–", "-", "NaN"}


def parsed(html: str) -> BeautifulSoup:
    """A piece of HTML as a tree."""
    return BeautifulSoup(html, "html.parser")


def plain(cell: Tag) -> str:
    """What a reader sees of a cell."""
    return cell.get_text().strip()


def width(text: str) -> float:
    """How wide a text is on one line, in its own letters."""
    return sum(1 if east_asian_width(sign) in "WF" else LATIN for sign in text)


def least_width(text: str) -> float:
    """How narrow a cell can be: its widest piece that does not break."""
    pieces = re.split(r"[ \u200b-]|(?<=[/_])|(?=±)", text)
    chinese = min(width(text), NARROWEST)
    latin = (width(run) for piece in pieces for run in re.findall(r"[^\u2e80-\uffef]+", piece))
    return max([chinese, *latin])


def make_breakable(cell: Tag) -> None:
    """Let a cell's figures and names break where one would break them by hand.

    0.58±0.02 before the ±, which stays with its figure; a/b_c after / and _.
    """
    if cell.find(True):  # it has elements of its own
        return
    text = re.sub(r"\s±\s", " ±\u00a0", escape(cell.get_text(), quote=False))
    text = re.sub(r"(?<=\d)±", "<wbr>±", text)
    text = re.sub(r"(?<=\w)([/_])(?=\w)", r"\1<wbr>", text)
    cell.clear()
    cell.extend(list(parsed(text).children))


def is_text(rows: list[list[Tag]]) -> bool:
    """Whether a table has sentences, beside the names in its first column."""
    return any(width(plain(cell)) > LONG for row in rows for cell in row[1:])


def letters(rows: list[list[Tag]]) -> float:
    """How many letters wide a table is at its narrowest."""
    columns = zip(*rows, strict=True)
    needed = sum(max(least_width(plain(cell)) for cell in column) for column in columns)
    return needed + BETWEEN["text" if is_text(rows) else "figures"] * len(rows[0])


def has_own_look(table: Tag) -> bool:
    """Whether a table is finished, has no head, has a style of its own, or joins cells."""
    finished = {"fits", "stacks"} & set(table.get("class", []))
    joined = table.find(colspan=True) or table.find(rowspan=True)
    return bool(finished or not table.thead or table.get("style") or joined)


def stack(table: Tag, rows: list[list[Tag]]) -> None:
    """Make the rows of a table cards: roles, and beside each value the name of its column."""
    heads = ["", *(plain(cell) for cell in rows[0][1:])]
    for tag in [table, *table.find_all(["thead", "tbody", "tr"])]:
        tag["role"] = {"table": "table", "tr": "row"}.get(tag.name, "rowgroup")
    for row in rows:
        for label, cell in zip(heads, row, strict=True):
            if cell.find_parent("thead"):
                cell["role"] = "columnheader"
                continue
            if cell.name == "td" and plain(cell) in NOTHING:
                add_class(cell, "nothing")
            if label:
                cell["data-label"] = label
            cell["role"] = "rowheader" if cell.name == "th" else "cell"


def add_class(tag: Tag, name: str) -> None:
    """Give an element one class more."""
    tag["class"] = [*tag.get("class", []), name]


def fitted(html: str) -> str:
    """A table that fits on a phone; one with a look of its own, or of uneven rows, stays."""
    table = parsed(html).table
    rows = [row.find_all(["th", "td"]) for row in table.find_all("tr")]
    if has_own_look(table) or len({len(row) for row in rows}) != 1:
        return html
    wide, text = letters(rows), is_text(rows)
    for row in rows:
        for cell in row:
            make_breakable(cell)
    if wide > (ROOM_FOR_TEXT if text else ROOM_FOR_FIGURES):
        add_class(table, "stacks")
        stack(table, rows)
    elif not text:
        add_class(table, "fits")
        table["style"] = f"--letters: {wide:.1f}"
    return table.decode(formatter="minimal")


def for_phones(html: str) -> str:
    """A page whose tables fit on a phone."""
    return TABLE.sub(lambda match: fitted(match[0]), html)
