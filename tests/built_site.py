"""The website as the tests see it: what it is made of, its pages, built strictly and opened.

`COURSE_SITE=folder` names a site already built; it is used if it is newer than its sources.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from notebooks import ROOT, expect_none, markdown_cells, parsed, read

STRICT = ["--all", "-q", "-W", "-n", "--keep-going"]
PATIENCE = 180  # seconds, where an honest page takes one: the machine may be busy


def pages() -> list[str]:
    """The pages that `_toc.yml` names, in their order, the front page first."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [toc["root"], *chapters]


def page_names() -> list[str]:
    """The same as paths on the site."""
    return [f"{page}.html" for page in pages()]


def chapter_pages() -> list[str]:
    return [name for name in page_names() if (ROOT / name).with_suffix(".ipynb").exists()]


def headings(page: str) -> list[tuple[int, str]]:
    """Level and plain text of a page's headings, in order."""
    notebook = (ROOT / page).with_suffix(".ipynb")
    texts = (
        [cell.source for cell in markdown_cells(read(notebook))]
        if notebook.is_file()
        else [(ROOT / page).with_suffix(".md").read_text("utf-8")]
    )
    found = []
    for text in texts:
        tokens = parsed(text)
        for token, inside in zip(tokens, tokens[1:], strict=False):
            if token.type == "heading_open":
                plain = "".join(
                    child.content
                    for child in inside.children
                    if child.type in ("text", "code_inline")
                )
                found.append((int(token.tag[1]), plain))
    return found


def sources() -> list[Path]:
    """Everything a page is made of."""
    folders = [ROOT / "chapters", ROOT / "site_assets", ROOT / "scripts" / "website"]
    below = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    below = [path for path in below if "__pycache__" not in path.parts]
    return below + [
        ROOT / name for name in ("_config.yml", "_toc.yml", "index.md", "references.bib")
    ]


def ready_site() -> Path | None:
    """The site that COURSE_SITE names, if it is newer than what it was built from."""
    named = os.environ.get("COURSE_SITE")
    index = Path(named, "search", "sections.js") if named else None
    if index is None or not index.exists():
        return None
    newest = max(path.stat().st_mtime for path in sources())
    return Path(named).resolve() if index.stat().st_mtime >= newest else None


def build(output: Path) -> Path:
    """Folder of the site, built as strictly as `make book` builds it."""
    program = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    assert program, "jupyter-book is not installed; pip install -c constraints.txt -e '.[book]'"
    done = subprocess.run(
        [program, "build", str(ROOT), "--path-output", str(output), *STRICT],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert done.returncode == 0, f"the strict build fails:\n{done.stdout}\n{done.stderr}"
    return output / "_build" / "html"


@contextmanager
def pages_of(window, address: str) -> Iterator[Callable]:
    """Opens pages of the site; afterwards fails on requests elsewhere and on script errors."""
    opened, complaints = [], []

    def note_request(request):
        if not request.url.startswith((address, "data:", "blob:")):
            complaints.append(f"request to another host: {request.url}")

    def note_response(response):
        if response.status >= 400:
            complaints.append(f"{response.status} for {response.url}")

    def note_console(message):
        if message.type == "error":
            complaints.append(f"console: {message.text}")

    def open_one(path: str, width: int = 1280):
        page = window.new_page()
        opened.append(page)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="light")
        page.on("request", note_request)
        page.on("response", note_response)
        page.on("console", note_console)
        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        page.goto(f"{address}/{path}", wait_until="load")
        # Formulas change the layout: wait until they stand.
        page.evaluate("window.MathJax?.startup?.promise")
        return page

    yield open_one
    for page in opened:
        page.close()
    expect_none(complaints)
