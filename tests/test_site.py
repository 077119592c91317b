"""The website: built strictly, light, self-contained, and opened in a real browser.

`COURSE_SITE=folder` names a site already built; it is used if it is newer than its sources.
"""

import gzip
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from notebooks import expect_none

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
STRICT = ["--all", "-q", "-W", "-n", "--keep-going"]
MATHJAX_SHA256 = "0a6ded5abbce13331658dd239f34382abd06492c74b71b61e8caa8112ec55fa5"
PAGE_LIMIT = 1_000_000  # bytes: a page's own HTML and figures
SHARED_LIMIT = 1_500_000  # bytes, gzipped: styles, scripts, fonts, search index
WIDTHS = (1280, 390)
PATIENCE = 180  # seconds, where an honest page takes one: the machine may be busy
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)


# The site, built once


def sources() -> list[Path]:
    """Everything a page is made of."""
    folders = [ROOT / "chapters", ROOT / "site_assets" / "static"]
    below = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return below + [
        ROOT / name for name in ("_config.yml", "_toc.yml", "index.md", "references.bib")
    ]


def ready_site() -> Path | None:
    """The site that COURSE_SITE names, if it is newer than what it was built from."""
    named = os.environ.get("COURSE_SITE")
    index = Path(named, "searchindex.js") if named else None
    if index is None or not index.exists():
        return None
    newest = max(path.stat().st_mtime for path in sources())
    return Path(named).resolve() if index.stat().st_mtime >= newest else None


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """Folder of the built site: the same strict build as `make book`."""
    if ready := ready_site():
        return ready
    output = tmp_path_factory.mktemp("site")
    program = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    if not program:
        pytest.fail("jupyter-book is not installed; pip install -c constraints.txt -e '.[book]'")
    done = subprocess.run(
        [program, "build", str(ROOT), "--path-output", str(output), *STRICT],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert done.returncode == 0, f"the strict build fails:\n{done.stdout}\n{done.stderr}"
    return output / "_build" / "html"


def page_names() -> list[str]:
    """The pages that `_toc.yml` names, as paths on the site."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    files = [toc["root"]]
    files += [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [f"{name}.html" for name in files]


class References(HTMLParser):
    """Everything a page makes the browser fetch by itself: `<a href>` is not among it."""

    FETCHED = {
        "script": ("src",),
        "link": ("href",),
        "img": ("src", "srcset"),
        "iframe": ("src",),
        "source": ("src", "srcset"),
        "video": ("src", "poster"),
        "audio": ("src",),
        "embed": ("src",),
        "object": ("data",),
        "input": ("src",),
        "use": ("href", "xlink:href"),
        "image": ("href", "xlink:href"),
    }
    # Links that name a page and fetch nothing.
    NO_FETCH = {"canonical", "next", "prev", "search", "index", "author", "license", "copyright"}

    def __init__(self, html: str):
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "link" and set((attrs.get("rel") or "").split()) & self.NO_FETCH:
            return
        self.found += [attrs[name] for name in self.FETCHED.get(tag, ()) if attrs.get(name)]
        self.found += re.findall(r"url\(['\"]?([^'\")]+)", attrs.get("style") or "")


def is_outside(reference: str) -> bool:
    return bool(urlsplit(reference.strip()).netloc)


# What can be read without a browser


def test_every_page_of_the_table_of_contents_is_there(site):
    expect_none(name for name in page_names() if not (site / name).exists())


def test_pages_fetch_nothing_from_another_host(site):
    expect_none(
        f"{page.name} fetches {each}"
        for page in site.rglob("*.html")
        for each in References(page.read_text("utf-8")).found
        if is_outside(each)
    )


def test_style_sheets_fetch_nothing_from_another_host(site):
    found = []
    for sheet in site.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.S)
        fetched = re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")\s;]+)", text)
        outside = (each for each in fetched if is_outside(each) and not each.startswith("data:"))
        found += [f"{sheet.name} fetches {each}" for each in outside]
    expect_none(found)


def test_the_reader_of_references_sees_what_a_browser_would_fetch():
    html = (
        '<a href="https://a.example/x"></a><link rel="canonical" href="https://a.example/">'
        '<script src="//b.example/x.js"></script><img src="https://c.example/x.png">'
        '<link rel="stylesheet" href="https://d.example/x.css"><img src="local.png">'
    )
    outside = [each for each in References(html).found if is_outside(each)]
    assert [urlsplit(each).netloc for each in outside] == ["b.example", "c.example", "d.example"]


def test_served_mathjax_is_the_release_unchanged(site):
    for folder in (ROOT / "site_assets" / "static", site / "_static"):
        script = folder / "mathjax" / "tex-chtml.js"
        assert hashlib.sha256(script.read_bytes()).hexdigest() == MATHJAX_SHA256


def test_a_page_and_its_figures_weigh_at_most_a_megabyte(site):
    found = []
    for name in page_names():
        page = site / name
        figures = {
            (page.parent / unquote(urlsplit(each).path)).resolve()
            for each in References(page.read_text("utf-8")).found
            if "_images/" in each
        }
        weight = page.stat().st_size + sum(path.stat().st_size for path in figures)
        if weight > PAGE_LIMIT:
            found.append(f"{name} weighs {weight:,} bytes; {PAGE_LIMIT:,} at most")
    expect_none(found)


def test_shared_assets_weigh_little(site):
    """Everything any page could fetch of `_static`, the browser's choice of fonts apart."""
    fetched = [site / "searchindex.js"]
    for path in (site / "_static").rglob("*"):
        # Source maps are for developer tools; a browser takes woff2 and leaves ttf.
        if path.is_file() and path.suffix not in {".map", ".ttf", ".html", ".json", ".po", ".mo"}:
            fetched.append(path)
    weight = sum(len(gzip.compress(path.read_bytes())) for path in fetched)
    fonts = [path for path in fetched if path.suffix == ".woff"]
    # A page takes the few MathJax fonts that its formulas use; count five of the largest.
    sizes = sorted((len(gzip.compress(path.read_bytes())) for path in fonts), reverse=True)
    weight -= sum(sizes[5:])
    assert weight <= SHARED_LIMIT, f"shared assets weigh {weight:,} bytes gzipped"


def test_no_figure_is_missing_its_alt_text(site):
    found = []
    for name in page_names():
        text = (site / name).read_text("utf-8")
        article = text[text.index("<article") : text.index("</article>")]
        for image in re.findall(r"<img\b[^>]*>", article):
            alt = re.search(r'alt="([^"]*)"', image)
            if not alt or not alt[1] or "_images/" in alt[1]:
                found.append(f"{name}: {image}")
    expect_none(found)


# What only a browser shows


def browser_program() -> str | None:
    names = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else BROWSERS
    return next((found for name in names if (found := shutil.which(name))), None)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def address(site):
    """The site served on this machine; gives its address."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(QuietHandler, directory=str(site))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    program = browser_program()
    if not program:
        pytest.skip("no Chromium or Chrome found; install one or set CHROMIUM=/path/to/it")
    with playwright.sync_playwright() as api:
        browser = api.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def window(browser):
    """One window for all pages, so that shared scripts are read once."""
    window = browser.new_context(locale="zh-CN")
    window.set_default_timeout(1000 * PATIENCE)
    return window


@pytest.fixture
def open_page(window, address):
    """Opens pages of the site; afterwards fails on requests elsewhere and on script errors."""
    pages, complaints = [], []

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
        pages.append(page)
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
    for page in pages:
        page.close()
    expect_none(complaints)


def chapter_pages() -> list[str]:
    return [name for name in page_names() if (ROOT / name).with_suffix(".ipynb").exists()]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*page_names(), "search.html"])
def test_page_opens_cleanly_and_never_scrolls_sideways(open_page, name, width):
    page = open_page(name, width)
    page.wait_for_load_state("networkidle")
    assert page.title()
    inside, outside = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert inside <= outside, f"{name} is {inside} px wide in a window of {outside} px"


@pytest.mark.parametrize("name", page_names())
def test_text_is_readable_in_both_themes(open_page, name):
    brightness = """() => {
        const light = (color) => {
            const [r, g, b] = color.match(/[\\d.]+/g).map(Number);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const text = getComputedStyle(document.querySelector("article")).color;
        const page = getComputedStyle(document.body).backgroundColor;
        return [light(text), light(page)];
    }"""
    page = open_page(name)
    text, ground = page.evaluate(brightness)
    assert ground > 200 and text < 100
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector('html[data-theme="dark"]')
    text, ground = page.evaluate(brightness)
    assert ground < 60 and text > 150


@pytest.mark.parametrize("name", chapter_pages())
def test_figures_lie_on_the_page_itself_in_the_dark(open_page, name):
    """They take the page's text colour, which only the page's own ground is sure to show."""
    page = open_page(name)
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector('html[data-theme="dark"]')
    pale, colours = page.evaluate("""() => {
        const figures = [...document.querySelectorAll(".cell_output svg[role=img], [role=figure]")];
        const boxes = figures.map((each) => each.closest(".output"));
        return [
            boxes.filter((box) => getComputedStyle(box).backgroundColor !== "rgba(0, 0, 0, 0)").length,
            [...new Set(figures.map((each) => getComputedStyle(each).color))],
        ];
    }""")
    assert pale == 0
    ink = page.evaluate("getComputedStyle(document.querySelector('article')).color")
    assert set(colours) <= {ink}


@pytest.mark.parametrize("name", chapter_pages())
def test_messages_that_wrap_need_no_sideways_scrolling(open_page, name):
    page = open_page(name, 360)
    messages = ".tag_wrap-output .cell_output pre, .tag_exercise-check .cell_output pre"
    assert page.locator(".tag_exercise-check .cell_output pre").count() >= 3
    wide = page.locator(messages).evaluate_all(
        "boxes => boxes.filter((box) => box.scrollWidth > box.clientWidth).length"
    )
    assert wide == 0


@pytest.mark.parametrize("name", page_names())
def test_formulas_are_typeset_with_the_served_mathjax(open_page, name):
    page = open_page(name)
    formulas = page.locator("article .math")
    if not formulas.count():
        return
    page.wait_for_selector("article mjx-container", state="attached")
    assert page.locator("article mjx-container").count() >= formulas.count()
    assert page.locator("article mjx-merror").count() == 0


@pytest.mark.parametrize("name", chapter_pages())
def test_solutions_are_folded_under_a_chinese_label(open_page, name):
    page = open_page(name)
    solutions = page.locator("div.cell.tag_solution")
    for index in range(solutions.count()):
        fold = solutions.nth(index).locator("details")
        assert fold.get_attribute("open") is None
        # Nor what the check says of it: "passed" is not for those who have not tried.
        assert not any(each.is_visible() for each in solutions.nth(index).locator("pre").all())
        summary = fold.locator("summary")
        assert re.search(r"[\u4e00-\u9fff]", summary.inner_text())
        summary.click()
        assert fold.locator("pre").first.is_visible()


@pytest.mark.parametrize("name", chapter_pages())
def test_chapter_links_to_its_own_notebook_in_colab(open_page, name):
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    repository = config["repository"]["url"].removeprefix("https://github.com/")
    wanted = f"https://colab.research.google.com/github/{repository}/blob/main/" + str(
        Path(name).with_suffix(".ipynb").as_posix()
    )
    links = open_page(name).locator(f'a[href="{wanted}"]')
    assert links.count() >= 1, f"no link to {wanted}"


# jieba has these as words; the last is a phrase without spaces, as a reader types it.
@pytest.mark.parametrize("query", ["词元", "新闻", "预训练语言模型"])
def test_search_page_finds_chinese_text(open_page, query):
    page = open_page(f"search.html?q={query}")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li").count() >= 1


def test_search_finds_words_of_the_body_not_only_titles(site):
    index = (site / "searchindex.js").read_text("utf-8")
    terms = index[index.index('"terms"') : index.index('"titles"')]
    assert len(re.findall(r'"(?:\\u[4-9][0-9a-f]{3}){2,}"', terms)) > 20
