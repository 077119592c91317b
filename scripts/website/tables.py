"""Tables on a phone: figures stand closer and smaller, texts one below the other.

A table of figures and names gets `fits` and tells the style sheet how many letters wide it is at
its narrowest, which makes it that small, down to nine pixels. A wider one, and one whose sentences
would be squeezed, gets `stacks`: below 480 pixels a row is then a card, each value behind the name
of its column (`course.css`). The roles say to screen readers what the changed `display` may hide.
"""

import re
from html import unescape
from unicodedata import east_asian_width

TABLE = re.compile(r"<table\b([^>]*)>(.*?)</table>", re.S)
ROW = re.compile(r"<tr\b([^>]*)>(.*?)</tr>", re.S)
CELL = re.compile(r"<(t[hd])\b([^>]*)>(.*?)</\1>", re.S)
# So many letters have room at 360 pixels: of nine pixels in tables of figures, larger in texts.
ROOM_FOR_FIGURES, ROOM_FOR_TEXT = 35, 22
LATIN = 0.6  # width of a letter or a figure
BETWEEN = {"figures": 0.7, "text": 1.3}  # from one column to the next
NARROWEST = 3  # a column of Chinese prose: less is read downwards
LONG = 14  # of a cell: more is a sentence
NOTHING = {"", "—", "–", "-", "NaN"}


def plain(cell: str) -> str:
    """What a reader sees of a cell."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", cell)).split(" ")).strip()


def width(text: str) -> float:
    """How wide a text is on one line, in its own letters."""
    return sum(1 if east_asian_width(sign) in "WF" else LATIN for sign in text)


def least_width(text: str) -> float:
    """How narrow a cell can be: its widest piece that does not break."""
    pieces = re.split(r"[ \u200b-]|(?<=[/_])|(?=±)", text)
    chinese = min(width(text), NARROWEST)
    latin = (width(run) for piece in pieces for run in re.findall(r"[^\u2e80-\uffef]+", piece))
    return max([chinese, *latin])


def breakable(cell: str) -> str:
    """A cell whose figures and names may break where one would break them by hand.

    0.58±0.02 before the ±, which stays with its figure; a/b_c after / and _.
    """
    if "<" in cell:
        return cell
    cell = re.sub(r"\s±\s", " ±\u00a0", cell)
    cell = re.sub(r"(?<=\d)±", "<wbr>±", cell)
    return re.sub(r"(?<=\w)([/_])(?=\w)", r"\1<wbr>", cell)


def cells_of(row: str) -> list[str]:
    """The cells of a row, as HTML."""
    return [match[3] for match in CELL.finditer(row)]


def is_text(rows: list[list[str]]) -> bool:
    """Whether a table has sentences, beside the names in its first column."""
    return any(width(plain(cell)) > LONG for row in rows for cell in row[1:])


def letters(rows: list[list[str]]) -> float:
    """How many letters wide a table is at its narrowest."""
    columns = zip(*rows, strict=True)
    needed = sum(max(least_width(plain(cell)) for cell in column) for column in columns)
    return needed + BETWEEN["text" if is_text(rows) else "figures"] * len(rows[0])


def with_class(attributes: str, name: str) -> str:
    """An element's attributes with one class more."""
    if 'class="' in attributes:
        return re.sub(r'class="([^"]*)"', rf'class="\1 {name}"', attributes, count=1)
    return f'{attributes} class="{name}"'


def stacked(body: str, heads: list[str]) -> str:
    """The rows of a table, each value with the name of its column."""

    def row(match: re.Match) -> str:
        names = iter(heads)

        def cell(match: re.Match) -> str:
            tag, attributes, inside = match.groups()
            label = next(names, "")
            if 'scope="col"' in attributes or "head" in attributes:
                return f'<{tag} role="columnheader"{attributes}>{inside}</{tag}>'
            if tag == "td" and plain(inside) in NOTHING:
                attributes = with_class(attributes, "nothing")
            role = "rowheader" if tag == "th" else "cell"
            named = f' data-label="{label}"' if label else ""
            return f'<{tag} role="{role}"{attributes}{named}>{inside}</{tag}>'

        return f'<tr role="row"{match[1]}>{CELL.sub(cell, match[2])}</tr>'

    head, gap, rest = body.partition("</thead>")
    head = re.sub(r"<th\b(?![^>]*role=)", '<th role="columnheader"', head)
    head = re.sub(r"<tr\b", '<tr role="row"', head).replace("<thead", '<thead role="rowgroup"')
    return head + gap + ROW.sub(row, rest).replace("<tbody", '<tbody role="rowgroup"')


def for_phones(html: str) -> str:
    """A page whose tables fit on a phone; those with a look of their own or joined cells stay."""

    def table(match: re.Match) -> str:
        attributes, body = match.groups()
        if re.search(r"\b(?:fits|stacks)\b", attributes) or "</thead>" not in body:
            return match[0]
        if re.search(r"\b(?:col|row)span=", body) or "style=" in attributes:
            return match[0]
        rows = [cells_of(row[2]) for row in ROW.finditer(body)]
        if not rows or len({len(row) for row in rows}) != 1:
            return match[0]
        heads = [plain(cell).replace('"', "&quot;") for cell in rows[0]]
        body = CELL.sub(lambda cell: f"<{cell[1]}{cell[2]}>{breakable(cell[3])}</{cell[1]}>", body)
        wide, text = letters(rows), is_text(rows)
        if wide <= (ROOM_FOR_TEXT if text else ROOM_FOR_FIGURES):
            if not text:
                attributes = f'{with_class(attributes, "fits")} style="--letters: {wide:.1f}"'
            return f"<table{attributes}>{body}</table>"
        heads = ["", *heads[1:]]
        return (
            f'<table role="table"{with_class(attributes, "stacks")}>{stacked(body, heads)}</table>'
        )

    return TABLE.sub(table, html)
