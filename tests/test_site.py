"""The website: built strictly, light, self-contained, and opened in a real browser."""

import gzip
import hashlib
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest
import yaml
from book import packing
from browsing.serving import served
from built_site import chapter_pages, page_names
from check_site import OUT_OF_SIGHT
from notebooks import expect_none, is_numbered

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
MATHJAX_SHA256 = "c65591bc0fa67e5d80c44d4db3ace6d6d3fdd85b1d2b0348bce2426c7c41037e"
PAGE_LIMIT = 1_000_000  # bytes: a page's own HTML and figures
SHARED_LIMIT = 1_500_000  # bytes, gzipped: styles, scripts, fonts
# Bytes, gzipped, that a browser fetches to show a page: its HTML, style sheet, scripts, pictures;
# the fonts of formulas (some 65 kB) come on top. scripts/site_speed.py measures the time.
LOADED_LIMITS = {
    "index.html": 165_000,
    "chapters/04_hugging_face.html": 200_000,
    "chapters/02_bert_architecture.html": 450_000,
}


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


def test_served_mathjax_is_made_of_parts_of_the_release(site):
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
    fetched = []  # the search index is fetched in pieces: tests/test_find.py weighs it
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


def text_of(site: Path, name: str) -> str:
    return (site / name).read_text("utf-8")


def themed_pages() -> list[str]:
    return [*page_names(), "search.html"]


def test_pages_load_the_scripts_they_need_and_no_others(site):
    found = []
    for name in themed_pages():
        text = text_of(site, name)
        scripts = re.findall(r'<script\b[^>]*src="([^"?]+)', text)
        found += [
            f"{name} loads {each}" for each in scripts if re.search("fontawesome|boots", each)
        ]
        blocking = re.findall(r'<script src="([^"]+)', text)
        found += [f"{name} waits for {each}" for each in blocking]
        formulas, mathjax = 'class="math ' in text, any("mathjax" in each for each in scripts)
        if formulas != mathjax:
            found.append(f"{name}: formulas {formulas}, MathJax {mathjax}")
        sheets = text.count('rel="stylesheet"')
        if sheets != 1:
            found.append(f"{name} has {sheets} style sheets")
    expect_none(found)


def test_icons_of_every_page_are_drawn(site):
    drawn = re.findall(r"\.fa-([\w-]+)\s*[{,]", text_of(site, "_static/site.css"))
    used = {
        icon
        for name in themed_pages()
        for classes in re.findall(r'<(?:i|span) class="([^"]*\bfa-[^"]*)"', text_of(site, name))
        for icon in re.findall(r"\bfa-([\w-]+)", classes)
    }
    assert used - {"solid", "lg"} <= set(drawn)


def loaded_bytes(site: Path, name: str) -> int:
    """What a browser fetches to show a page, gzipped, without the fonts of formulas."""
    page = site / name
    local = {urlsplit(each).path for each in References(page.read_text("utf-8")).found}
    files = {page, *((page.parent / unquote(each)).resolve() for each in local if each)}
    return sum(len(gzip.compress(path.read_bytes(), 6)) for path in files if path.is_file())


@pytest.mark.parametrize("name", LOADED_LIMITS)
def test_a_page_is_light_to_load(site, name):
    weight = loaded_bytes(site, name)
    assert weight <= LOADED_LIMITS[name], f"{name} loads {weight:,} bytes gzipped"


def test_pages_say_their_language_and_what_they_are_about(site):
    found, seen = [], {}
    for name in page_names():
        text = text_of(site, name)
        about = re.search(r'<meta name="description" content="([^"]+)"', text)
        if '<html lang="zh-CN"' not in text:
            found.append(f"{name} does not say that it is in Chinese")
        if not about or not 10 <= len(about[1]) <= 130:
            found.append(f"{name}: description {about and about[1]}")
        elif about[1] in seen:
            found.append(f"{name} has the description of {seen[about[1]]}")
        else:
            seen[about[1]] = name
        for wanted in ("og:title", "og:description", "og:image", "og:url"):
            if f'property="{wanted}"' not in text:
                found.append(f"{name} has no {wanted}")
        if text.count('rel="canonical"') != 1:
            found.append(f"{name} has not one canonical address")
    assert 'property="og:image"' not in text_of(site, "search.html")
    expect_none(found)


def test_sitemap_and_page_for_wrong_addresses_name_every_page(site):
    listed = re.findall(r"<loc>(.*?)</loc>", text_of(site, "sitemap.xml"))
    shown = re.findall(r'<a href="([^"]+)"', text_of(site, "404.html"))
    names = page_names()
    assert len(listed) == len(set(listed)) == len(shown) == len(names)
    for name in names[1:]:
        assert any(each.endswith("/" + name) for each in listed), name
        assert any(each.endswith("/" + name) and each.startswith("/") for each in shown), name
    assert listed[0].endswith("/") and listed[0] in text_of(site, "robots.txt") + listed[0]


@pytest.mark.parametrize("where", ["", "{base}", "a copy", "file:"])
def test_the_page_for_wrong_addresses_is_right_wherever_it_is_served(site, window, tmp_path, where):
    base = urlsplit(re.findall("<loc>(.*?)</loc>", text_of(site, "sitemap.xml"))[0]).path
    folder = where.replace("{base}", base.strip("/"))
    if folder and where != "file:":
        (tmp_path / folder).symlink_to(site)
    page, wrong = window.new_page(), []
    page.on("response", lambda answer: answer.status >= 400 and wrong.append(answer.url))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    with served(tmp_path if folder else site) as host:
        root = f"{site.as_uri()}/" if where == "file:" else f"{host}/{quote(folder)}/"
        root = root if folder else f"{host}/"
        addresses = [f"{root}404.html"]
        if where == "{base}":  # hosts show the page at the address that leads nowhere
            addresses.append(f"{root}chapters/no/such.html")
            page.route("**/such.html", lambda route: route.fulfill(path=site / "404.html"))
        for address in addresses:
            page.goto(address, wait_until="networkidle")
            links = page.eval_on_selector_all(
                "a, form", "all => all.map((e) => e.href || e.action)"
            )
            assert len(links) == len(page_names()) + 1
            wrong += [each for each in links if not each.startswith(root)]
            wrong += [each for each in links if not (site / each.removeprefix(root)).is_file()]
    page.close()
    expect_none(wrong)


def english_labels(html: str) -> list[str]:
    """The theme's own words, outside the article, that have no Chinese in them."""
    start, end = html.find("<article"), html.find("</article>")
    theme = html[html.index("<body") : start] + html[end:] if start > 0 else html
    theme = re.sub(r"<script.*?</script>|<!--.*?-->", "", theme, flags=re.S)
    labels = re.findall(r'\b(?:title|aria-label|alt|placeholder)="([^"]+)"', theme)
    labels += re.findall(r'<span class="btn__text-container">([^<]+)<', theme)
    labels += re.findall(r'title="([^"]+)">#</a>', html)
    allowed = {"Colab"}
    return sorted({each for each in labels if not re.search("[\u4e00-\u9fff]", each)} - allowed)


def test_the_labels_of_the_theme_are_in_chinese(site):
    headings = re.compile(r'"[^"]*BERT、GPT、T5[^"]*"')
    found = []
    for name in themed_pages():
        text = headings.sub('"中"', text_of(site, name))
        found += [f"{name}: {each}" for each in english_labels(text)]
    expect_none(found)


def test_an_english_label_is_found():
    page = '<body><button title="Toggle sidebar"></button><article title="Main"></article></body>'
    assert english_labels(page) == ["Toggle sidebar"]


# What only a browser shows


# Opening a page costs more than looking at it: each is opened twice, and all that is seen at one
# width is seen in one test, which prints every complaint.


def sideways(page) -> list[str]:
    """What is wrong if the page is wider than its window."""
    inside, outside = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    return [f"{inside} px wide in a window of {outside} px"] if inside > outside else []


def hard_to_read(page, dark: bool) -> list[str]:
    """What is wrong with the contrast of text and ground in a theme."""
    text, ground = page.evaluate("""() => {
        const light = (color) => {
            const [r, g, b] = color.match(/[\\d.]+/g).map(Number);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const text = getComputedStyle(document.querySelector("article")).color;
        const page = getComputedStyle(document.body).backgroundColor;
        return [light(text), light(page)];
    }""")
    clear = (ground < 60 and text > 150) if dark else (ground > 200 and text < 100)
    theme = "dark" if dark else "light"
    return [] if clear else [f"{theme} theme: text of {text:.0f} on a ground of {ground:.0f}"]


def figures_off_the_ground(page) -> list[str]:
    """Figures that do not lie on the page itself in the dark.

    They take the page's text colour, which only the page's own ground is sure to show.
    """
    pale, colours = page.evaluate("""() => {
        const figures = [...document.querySelectorAll(".cell_output svg[role=img], [role=figure]")];
        const boxes = figures.map((each) => each.closest(".output"));
        return [
            boxes.filter((box) => getComputedStyle(box).backgroundColor !== "rgba(0, 0, 0, 0)").length,
            [...new Set(figures.map((each) => getComputedStyle(each).color))],
        ];
    }""")
    ink = page.evaluate("getComputedStyle(document.querySelector('article')).color")
    found = [f"{pale} figures have a ground of their own in the dark"] if pale else []
    return found + [f"a figure is {each}, the text {ink}" for each in colours if each != ink]


def not_typeset(page) -> list[str]:
    """Formulas that the served MathJax has not set."""
    formulas = page.locator("article .math").count()
    if not formulas:
        return []
    page.wait_for_selector("article mjx-container", state="attached")
    set_ = page.locator("article mjx-container").count()
    wrong = page.locator("article mjx-merror").count()
    found = [f"{set_} of {formulas} formulas are typeset"] if set_ < formulas else []
    return found + ([f"{wrong} formulas have an error"] if wrong else [])


def open_solutions(page) -> list[str]:
    """Solutions that are not folded under a Chinese label, or do not open."""
    found = []
    solutions = page.locator("div.cell.tag_solution")
    for index in range(solutions.count()):
        fold = solutions.nth(index).locator("details")
        summary = fold.locator("summary")
        # Nor what the check says of it: "passed" is not for those who have not tried.
        shown = any(each.is_visible() for each in solutions.nth(index).locator("pre").all())
        if shown or fold.get_attribute("open") is not None:
            found.append(f"solution {index + 1} is open")
        if not re.search(r"[\u4e00-\u9fff]", summary.inner_text()):
            found.append(f"solution {index + 1} has no Chinese label: {summary.inner_text()}")
        summary.click()
        if not fold.locator("pre").first.is_visible():
            found.append(f"solution {index + 1} does not open")
    return found


def messages_too_wide(page) -> list[str]:
    """What is wrong with the messages that wrap on a narrow screen."""
    messages = ".tag_wrap-output .cell_output pre, .tag_exercise-check .cell_output pre"
    checks = page.locator(".tag_exercise-check .cell_output pre").count()
    wide = page.locator(messages).evaluate_all(
        "boxes => boxes.filter((box) => box.scrollWidth > box.clientWidth).length"
    )
    found = [f"{wide} messages scroll sideways"] if wide else []
    return found + ([f"only {checks} exercises show what check() says"] if checks < 3 else [])


@pytest.mark.parametrize("name", [*page_names(), "search.html"])
def test_page_on_a_desk(open_page, name):
    page = open_page(name, 1280)
    page.wait_for_load_state("networkidle")
    assert page.title()
    found = sideways(page)
    if name != "search.html":
        found += hard_to_read(page, dark=False) + not_typeset(page)
        page.emulate_media(color_scheme="dark")
        page.wait_for_selector('html[data-theme="dark"]')
        found += hard_to_read(page, dark=True)
    if name in chapter_pages():
        found += figures_off_the_ground(page) + open_solutions(page)
    expect_none(found)


@pytest.mark.parametrize("name", [*page_names(), "search.html"])
def test_page_on_a_phone(open_page, name):
    page = open_page(name, 390)
    page.wait_for_load_state("networkidle")
    found = sideways(page) + page.evaluate(OUT_OF_SIGHT)
    page.set_viewport_size({"width": 360, "height": 900})
    found += sideways(page)
    if name in chapter_pages() and is_numbered(name):  # the others have no exercises
        found += messages_too_wide(page)
    expect_none(found)


BAD_PAGE = """<!doctype html><html data-theme="light"><title>bad</title><body style="background:#777">
<article style="color:#888"><div style="width:2000px">wide</div><span class="math">x</span>
<mjx-container></mjx-container><mjx-merror></mjx-merror>
<div class="cell tag_solution"><details open><summary>Show</summary><pre>passed</pre></details></div>
<div class="cell_output"><div class="output" style="background:#fff">
<svg role="img" style="color:#f00"></svg></div></div>
<div class="tag_exercise-check"><div class="cell_output">
<pre style="width:40px;overflow:auto">a message too long for it</pre></div></div>
<div class="bd-article"><div class="cell_output"><pre style="font-size:7px">tiny</pre></div></div>
<section id="hidden" class="bd-article"><div class="cell_output" style="width:90px;overflow:auto">
<table><tr><td>one</td><td><div style="width:900px">last</div></td></tr></table></div></section>
</article></body></html>"""


def test_what_is_wrong_with_a_page_is_found(window):
    page = window.new_page()
    page.set_content(BAD_PAGE)
    found = [
        *sideways(page),
        *hard_to_read(page, dark=False),
        *hard_to_read(page, dark=True),
        *figures_off_the_ground(page),
        *not_typeset(page),
        *open_solutions(page),
        *messages_too_wide(page),
        *page.evaluate(OUT_OF_SIGHT),
    ]
    page.close()
    words = [
        "px wide",
        "light theme",
        "dark theme",
        "ground of their own",
        "a figure is",
        "an error",
    ]
    words += [
        "hidden: 9",
        "tiny: 7 px",
        "is open",
        "no Chinese label",
        "does not open",
        "scroll sideways",
        "only 1 exercises",
    ]
    assert [word for word in words if not any(word in line for line in found)] == []


@pytest.mark.parametrize("name", chapter_pages())
def test_chapter_links_to_its_own_notebook_in_colab(site, name):
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    repository = config["repository"]["url"].removeprefix("https://github.com/")
    notebook = Path(name).with_suffix(".ipynb").as_posix()
    tag = config["repository"]["branch"]
    wanted = f"https://colab.research.google.com/github/{repository}/blob/{tag}/{notebook}"
    assert f'href="{wanted}"' in (site / name).read_text("utf-8"), f"no link to {wanted}"


# What one takes along


def anchors_of(html: str) -> set[str]:
    return set(re.findall(r'\bid="([^"]+)"', html))


def dead_links(folder: Path) -> list[str]:
    """Links of the pages below `folder` that lead to no file, or to no place in a page."""
    pages = {
        path.resolve(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*.html"))
        if "_static" not in path.parts
    }
    anchors = {path: anchors_of(html) for path, html in pages.items()}
    found = []
    for path, html in pages.items():
        for link in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', html):
            parts = urlsplit(link.replace("&amp;", "&"))
            if parts.scheme or parts.netloc or (not parts.path and not parts.fragment):
                continue
            if parts.path.startswith("/"):
                continue  # 404.html, which a server shows at any address
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                found.append(f"{path.name}: {link} leads nowhere")
            elif parts.fragment and unquote(parts.fragment) not in anchors.get(target, set()):
                if target in pages:
                    found.append(f"{path.name}: no {parts.fragment} in {target.name}")
    return found


def test_every_link_of_the_front_page_to_a_cell_has_its_anchor_on_the_site(site):
    links = re.findall(
        r'href="(chapters/\w+\.html)#(cell-[\w-]+)"', (site / "index.html").read_text()
    )
    assert len(links) > 15
    expect_none(
        f"{page} has no {anchor}"
        for page, anchor in links
        if anchor not in anchors_of((site / page).read_text("utf-8"))
    )


@pytest.fixture(scope="session")
def unpacked(site, tmp_path_factory) -> Path:
    """The zip of the built site, unpacked as on a USB stick."""
    folder = tmp_path_factory.mktemp("stick")
    packing.pack(folder / "course.zip", ROOT, site)
    with zipfile.ZipFile(folder / "course.zip") as archive:
        archive.extractall(folder)
    (folder / "course.zip").unlink()
    [top] = folder.iterdir()
    return top


def test_no_link_in_the_zip_is_dead(unpacked):
    expect_none(dead_links(unpacked / "site"))
    start = (unpacked / "START.html").read_text("utf-8")
    local = [each for each in re.findall(r'href="([^"]+)"', start) if "://" not in each]
    assert len(local) >= 3
    expect_none(each for each in local if not (unpacked / each).exists())


def test_dead_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#x"></a><a href="c.html"></a><p id="y">')
    (tmp_path / "b.html").write_text('<a href="a.html#y"></a><a href="https://a.example"></a>')
    assert dead_links(tmp_path) == [
        "a.html: no x in b.html",
        "a.html: c.html leads nowhere",
    ]


def test_the_unpacked_site_opens_without_a_server(unpacked, window):
    """Every page by its file: address: no script error, nothing missing, nobody else asked."""
    complaints = []
    page = window.new_page()
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: script error: {error}"))

    def failed(request):
        # An icon that was still on its way when the next page was opened is not missing.
        if request.failure != "net::ERR_ABORTED":
            complaints.append(f"{page.url}: no {request.url}: {request.failure}")

    page.on("requestfailed", failed)
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else complaints.append(f"asks {request.url}")
        ),
    )
    for name in ["START.html", *(f"site/{each}" for each in page_names())]:
        page.goto((unpacked / name).as_uri(), wait_until="load")
        assert page.title()
        if "02_bert" in name:  # formulas enough; waiting for them on all pages takes a minute
            complaints += not_typeset(page)
    page.close()
    expect_none(complaints)


def test_search_works_without_a_server(unpacked, window):
    page = window.new_page()
    page.goto((unpacked / "site/chapters/05_thucnews.html").as_uri())
    page.keyboard.press("/")
    page.keyboard.type("各向异性")
    page.wait_for_selector("#find-in-dialog .find-hit")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("mark.find-mark", state="attached")
    assert page.url.endswith("09_pairs_and_search.html#anisotropy")
    page.close()
    start = (unpacked / "START.html").read_text("utf-8")
    demos = (unpacked / "site/demos/demos.json").is_file()
    assert "搜索" in start and ("python -m http.server" if demos else "make demos") in start


@pytest.mark.parametrize("width", [360, 1440])
def test_the_setup_cell_is_one_folded_line(open_page, width):
    page = open_page("chapters/05_thucnews.html", width)
    fold = page.locator(".tag_setup details")
    code = fold.locator("pre").first
    assert not code.is_visible()
    assert fold.bounding_box()["height"] < 60
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert code.is_visible() and "COURSE_PROFILE" in code.inner_text()
    assert page.locator(".tag_setup .cell_output").is_visible()


def test_the_picture_of_the_front_page_moves_stops_and_respects_the_reader(window, address):
    page = window.new_page()
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{address}/index.html")
    shown = """() => [...document.querySelectorAll(".learn .say > *")]
        .filter((each) => getComputedStyle(each).visibility === "visible").length"""
    assert page.locator(".learn .say > *").count() == 9
    page.locator('label[for="learn-250"]').click()
    assert page.evaluate(shown) == 1
    assert "250" in page.locator(".learn .say .f2").inner_text()
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate(shown) == 1 and page.locator(".learn .say .f8").is_visible()
    assert sideways(page) == []
    page.emulate_media(reduced_motion="no-preference")
    page.close()
