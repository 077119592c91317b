"""Pages as they are sent: light, in Chinese, and fit for keyboards and screen readers.

Works on the written files, when all are there: only then is known which styles the site uses.
A page that was finished before (a build without `--all` writes only what changed) stays as it is.
"""

import hashlib
import re
import shutil
import struct
from html import unescape
from pathlib import Path
from unicodedata import east_asian_width
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx

from website.labels import in_chinese
from website.styles import one_sheet, script_words, used_names
from website.tables import for_phones

SHEET = "_static/site.css"
OPTIONS = "_static/documentation_options.js"
LINK = re.compile(r'[ \t]*<link\b[^>]*\brel="stylesheet"[^>]*>\n?')
SCRIPT = re.compile(r"[ \t]*<script\b[^>]*>.*?</script>\n?", re.S)
# Icons are drawn by icons.css; course.js opens the few menus that Bootstrap was there for.
# course_search.js searches, in an index of its own, and marks what was looked for.
DROPPED = (
    "scripts/fontawesome.js",
    "scripts/bootstrap.js",
    "searchtools.js",
    "language_data.js",
    "searchindex.js",
    "sphinx_highlight.js",
    "translations.js",
)
TOGGLED = re.compile(r'class="(?:toggle|[^"]* toggle|admonition [^"]*dropdown)[ "]')
FORMULA = re.compile(r'class="math[ "]')
CODE = re.compile(r'<div class="highlight')
# A script → what a page must have in it for the script to be of use.
WANTED_FOR = {
    "mathjax/": FORMULA,
    "window.MathJax": FORMULA,
    "togglebutton.js": TOGGLED,
    "toggleHint": TOGGLED,
    "toggleOpenOnPrint": TOGGLED,
    "togglebuttonSelector": TOGGLED,
    "design-tabs.js": re.compile(r'class="[^"]*sd-tab'),
    "clipboard.min.js": CODE,
    "copybutton.js": CODE,
}
# What no page fetches any more, besides the sheets that went into one.
LEFT_OVER = ("vendor/fontawesome", "locales", "*webpack-macros.html", "**/*.map")


def is_themed(html: str) -> bool:
    """Whether the theme made this page (404.html and the like bring their own)."""
    return 'id="pst-primary-sidebar"' in html


def sheets_of(html: str) -> list[str]:
    """Addresses of the style sheets of a page, below the site's root, without versions."""
    found = []
    for link in LINK.findall(html):
        address = urlsplit(re.search(r'href="([^"]+)"', link)[1])
        if "_static/" in address.path and not address.netloc:
            found.append("_static/" + address.path.split("_static/", 1)[1])
    return found


def read_sheet(path: Path) -> str:
    """A style sheet with those that it imports."""
    css = path.read_text("utf-8")

    def imported(match: re.Match) -> str:
        return read_sheet((path.parent / match[1]).resolve())

    return re.sub(r'@import\s+(?:url\()?["\']([^"\']+)["\']\)?\s*;', imported, css)


def with_one_sheet(html: str, version: str) -> str:
    """A page that loads the one sheet where it loaded the first of many."""
    first = LINK.search(html)
    root = re.search(r'href="([^"]*?)_static/', first[0])[1]
    html = LINK.sub(lambda match: "" if "_static/" in match[0] else match[0], html)
    line = f'    <link rel="stylesheet" href="{root}{SHEET}?v={version}" />\n'
    return html[: first.start()] + line + html[first.start() :]


def light_scripts(html: str, options: str) -> str:
    """A page with the scripts that it needs, none of which keeps the reader waiting."""

    def keep(match: re.Match) -> str:
        script = match[0]
        address = re.search(r'\bsrc="([^"?]+)', script)
        if not address:
            key = next((key for key in WANTED_FOR if key in script), None)
            return script if key is None or WANTED_FOR[key].search(html) else ""
        if address[1].endswith(DROPPED):
            return ""
        if address[1].endswith(OPTIONS):  # small, and inline scripts need it at once
            return f"    <script>{options}</script>\n"
        key = next((key for key in WANTED_FOR if key in address[1]), None)
        if key and not WANTED_FOR[key].search(html):
            return ""
        return re.sub(r"<script\b(?![^>]*\b(?:defer|async)\b)", "<script defer", script)

    html = SCRIPT.sub(keep, html)
    return re.sub(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?', "", html)


def png_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a PNG, in pixels; None for other files."""
    head = path.read_bytes()[:24]
    return struct.unpack(">II", head[16:24]) if head[:8] == b"\x89PNG\r\n\x1a\n" else None


def with_sizes(html: str, folder: Path) -> str:
    """A page whose pictures take their room before they are there, so that nothing shifts."""

    def sized(match: re.Match) -> str:
        tag = match[0]
        source = re.search(r'\bsrc="([^"]+\.png)"', tag)
        if not source or re.search(r"\b(?:width|height)=", tag):
            return tag
        path = folder / unquote(source[1])
        size = png_size(path) if path.is_file() else None
        return tag if size is None else f'<img width="{size[0]}" height="{size[1]}"{tag[4:]}'

    return re.sub(r"<img\b[^>]*>", sized, html)


def accessible(html: str) -> str:
    """What the theme says to screen readers, put right."""
    # The name of a fold is what it shows; that of the search button too.
    html = re.sub(r'<summary aria-label="[^"]*">', "<summary>", html)
    html = re.sub(
        r'(<button class="btn search-button-field[^>]*?) title="[^"]*" aria-label="[^"]*"',
        r"\1",
        html,
    )
    html = re.sub(r'(<i class="theme-switch[^>]*?) title="[^"]*"', r"\1", html)
    html = re.sub(
        r'(<button class="sidebar-toggle[^>]*?) title="([^"]*)"',
        r'\1 title="\2" aria-label="\2"',
        html,
    )
    # A list may hold nothing but its items.
    html = html.replace('role="doc-biblioentry"', 'role="listitem"')
    # A number and its ± stay on one line, a sentence in a table does not.
    html = re.sub(r"<(t[dh])>(?=[^<\n]{1,16}</t[dh]>)", r'<\1 class="short">', html)
    icons = r'<(i|span)( class="(?:[^"]* )?fa[bsr]?[ -][^"]*")>'
    return re.sub(icons, r'<\1\2 aria-hidden="true">', html)


# Of printed columns: so many fit on a phone in letters that can still be read.
MOST_COLUMNS = 61
MANY_COLUMNS = 56  # more need the margins of the narrowest phones, of 360 pixels

OUTPUT = re.compile(
    r'(<div class="output (?:stream|text_plain|error|traceback)[^"]*)("[^>]*>.*?</pre>)', re.S
)


def width_of(text: str) -> int:
    """How many columns a text takes; a Chinese character takes two."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def columns_of(text: str) -> int:
    """How many columns the widest line takes."""
    return max(width_of(line) for line in text.rstrip().split("\n"))


def is_aligned(text: str) -> bool:
    """Whether pieces of two lines begin or end one below the other, after two blanks or more.

    Sentences and lists with wide gaps do not, and may wrap.
    """
    seen: set[tuple[str, int]] = set()
    for line in text.rstrip().split("\n"):
        edges = set()
        for piece in re.finditer(r"(?<=\S)( {2,})(\S+(?: \S+)*)", line):
            start = width_of(line[: piece.start(2)])
            edges |= {("start", start), ("end", start + width_of(piece[2]))}
        if edges & seen:
            return True
        seen |= edges
    return False


def wrapped_outputs(html: str) -> str:
    """A page whose printed sentences, lists and dicts wrap.

    What stands in columns does not; it tells its width to the style sheet, which makes it smaller
    on a phone.
    """

    def marked(match: re.Match) -> str:
        text = unescape(re.sub(r"<[^>]+>", "", match[2].split(">", 1)[1]))
        if " wraps" in match[1] or " in-columns" in match[1]:
            return match[0]
        if not is_aligned(text):
            return f"{match[1]} wraps{match[2]}"
        columns = columns_of(text)
        kinds = "in-columns"
        if columns > MANY_COLUMNS:
            kinds += " wide" if columns <= MOST_COLUMNS else " too-wide"
        return f'{match[1]} {kinds}" style="--columns: {columns}{match[2]}'

    return OUTPUT.sub(marked, html)


def one_viewport(html: str) -> str:
    """A page that says once how wide it is; the theme says it three times."""
    found = re.findall(r'[ \t]*<meta name="viewport"[^>]*>\n?', html)
    for other in found[1:]:
        place = html.rindex(other)
        html = html[:place] + html[place + len(other) :]
    return html


def prepared(html: str, folder: Path, options: str) -> str:
    """A page of the theme as it is sent, but for its style sheet."""
    html = light_scripts(html, options)
    html = in_chinese(html)
    html = accessible(html)
    html = wrapped_outputs(html)
    html = for_phones(html)
    html = with_sizes(html, folder)
    return one_viewport(html)


def scripts_of(root: Path) -> list[Path]:
    """The scripts that a page may load, at once or later."""
    return [
        path
        for path in sorted((root / "_static").rglob("*.js"))
        if "mathjax" not in path.parts and not path.as_posix().endswith(DROPPED)
    ]


def finish(app: Sphinx, exception: Exception | None) -> None:
    """When all pages are written: finish them, if they are a website."""
    if exception or app.builder.format != "html":
        return
    root = Path(app.outdir).resolve()
    finish_site(root)


def finish_site(root: Path) -> None:
    """Finishes all pages of a built site in place."""
    pages = {path: path.read_text("utf-8") for path in sorted(root.rglob("*.html"))}
    options = re.sub(r"\s+", " ", (root / OPTIONS).read_text("utf-8")).strip()
    pages = {
        path: prepared(html, path.parent, options)
        for path, html in pages.items()
        if is_themed(html)
    }
    sheets: list[str] = []
    for html in pages.values():
        sheets += [each for each in sheets_of(html) if each not in sheets and each != SHEET]
    if sheets:
        words = set().union(*(used_names(html) for html in pages.values()))
        words |= set().union(*(script_words(path.read_text("utf-8")) for path in scripts_of(root)))
        css = one_sheet([read_sheet(root / each) for each in sheets], words)
        (root / SHEET).write_text(css, "utf-8")
    leave_out(root, sheets)
    version = hashlib.sha256((root / SHEET).read_bytes()).hexdigest()[:8]
    for page, html in pages.items():
        page.write_text(with_one_sheet(html, version), "utf-8")


def leave_out(root: Path, sheets: list[str]) -> None:
    """Removes what no page fetches; the next build copies it anew."""
    gone = [root / sheet for sheet in sheets if sheet != SHEET]
    gone += [root / "_static" / script for script in (*DROPPED, "basic.css")]
    for pattern in LEFT_OVER:
        gone += (root / "_static").glob(pattern)
    for path in gone:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def setup(app: Sphinx) -> None:
    """After every other extension: what they write is finished too."""
    app.connect("build-finished", finish, priority=900)
