"""What others see of a page before it is opened: its description and its card.

Search engines print the description, chats show the card (Open Graph). Both want full addresses;
they follow from the repository's, which stands in `_config.yml`, unless `html_baseurl` is set.
"""

import re
from html import escape
from pathlib import Path
from urllib.parse import quote, urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

CARD = "_static/social_card.png"  # of the book, for pages without one of their own
CARDS = "_static/cards"  # scripts/social_cards.py draws them
ICON = "_static/touch_icon.png"  # for phones' home screens, which take no SVG
CARD_SIZE = (1200, 630)
LONGEST = 120  # characters of a description; search engines cut Chinese at about 80
SHORTEST = 20  # a paragraph below that says too little
logger = logging.getLogger(__name__)


def site_address(repository: str) -> str:
    """Where GitHub Pages serves a repository, with a slash at the end; "" for other hosts.

    >>> site_address("https://github.com/owner/book")
    'https://owner.github.io/book/'
    """
    match = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+?)(?:\.git)?/?", repository)
    if not match:
        return ""
    owner, name = match[1].lower(), match[2]
    root = f"https://{owner}.github.io/"
    return root if name.lower() == f"{owner}.github.io" else f"{root}{name}/"


def set_address(app: Sphinx, config: Config) -> None:
    """Where the site stands on the web, from the repository's address, if nobody said."""
    if not config.html_baseurl:
        config.html_baseurl = site_address(config.html_theme_options.get("repository_url") or "")


def shorten(text: str, longest: int = LONGEST) -> str:
    """The first sentences of a text, as many as fit; cut with … where not even one does."""
    text = re.sub(r"\s+", " ", text).strip()
    # A line break in the source between two Chinese characters is no blank.
    text = re.sub(r"(?<=[\u3000-\u9fff\uff00-\uffef]) (?=[\u3000-\u9fff\uff00-\uffef])", "", text)
    if len(text) <= longest:
        return text
    ends = [match.end() for match in re.finditer(r"[。！？；]", text[:longest])]
    return text[: ends[-1]] if ends else text[: longest - 1].rstrip("，、：") + "…"


def description(document: nodes.document) -> str:
    """What a page is about: its first paragraph that says something.

    Not one that is a link alone (the way to Colab), nor one inside a list or a box.
    """
    short = ""
    for paragraph in document.findall(nodes.paragraph):
        if not isinstance(paragraph.parent, nodes.section):
            continue
        words = paragraph.astext()
        linked = sum(len(link.astext()) for link in paragraph.findall(nodes.reference))
        if linked > len(words) / 2:
            continue
        if len(words) >= SHORTEST:
            return shorten(words)
        short = short or words
    return shorten(short)


def card_of(page: str, static: Path) -> str:
    """Where a page's card stands below the site's root.

    Args:
        static: the folder that is copied to `_static`.
    """
    name = f"{page.split('/')[-1]}.png"
    return f"{CARDS}/{name}" if (static / "cards" / name).is_file() else CARD


def tags(title: str, about: str, address: str, image: str, site_name: str) -> str:
    """The tags for the head of a page."""
    width, height = CARD_SIZE
    named = [
        ("og:type", "article"),
        ("og:locale", "zh_CN"),
        ("og:site_name", site_name),
        ("og:title", title),
        ("og:description", about),
    ]
    if address:
        named += [
            ("og:url", address),
            ("og:image", image),
            ("og:image:width", str(width)),
            ("og:image:height", str(height)),
            ("og:image:alt", f"{site_name}：{title}" if CARDS in image else site_name),
        ]
    lines = [f'<meta name="description" content="{escape(about)}" />'] if about else []
    lines += [
        f'<meta property="{name}" content="{escape(value)}" />' for name, value in named if value
    ]
    lines.append('<meta name="twitter:card" content="summary_large_image" />')
    return "\n    ".join(lines)


def add_tags(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Description, address and card of a page, among its metatags."""
    if doctree is None:  # the search page and its like
        return
    base, site_name = app.config.html_baseurl, app.config.html_title
    title = re.sub(r"<[^>]+>", "", context["title"])
    about = description(doctree)
    if not about:
        logger.warning(f"{pagename} has no paragraph to describe it by", location=pagename)
    address = f"{base}{quote(pagename)}.html" if base else ""
    icon = f'\n    <link rel="apple-touch-icon" href="{context["pathto"](ICON, 1)}" />\n'
    static = Path(app.confdir, app.config.html_static_path[0])
    card = f"{base}{card_of(pagename, static)}"
    known = tags(title, about, address, card, site_name)
    context["metatags"] = context.get("metatags", "") + known + icon


def sitemap(base: str, pages: list[str]) -> str:
    """https://www.sitemaps.org/protocol.html; the front page goes by its short address."""
    rows = [
        f"  <url><loc>{escape(base + quote(page + '.html' if page != 'index' else ''))}</loc></url>"
        for page in pages
    ]
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    return "\n".join([head, f"<urlset {space}>", *rows, "</urlset>", ""])


NOT_FOUND = """<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="{icon}">
<title>没有这一页 · {site_name}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ max-width: 40rem; margin: 10vh auto; padding: 0 1rem; line-height: 1.75;
  font-family: system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif }}
input, button {{ font: inherit; padding: .3em .7em }}
input {{ max-width: 60% }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e8e8e8; background: #121212 }}
  a {{ color: #9cc4ff }}
}}
</style>
</head>
<body>
<main>
<h1>没有这一页</h1>
<p>地址也许抄漏了几个字，也许页面改了名。在全书里搜一搜，或者从下面找：</p>
<form action="{root}search.html" role="search">
<input type="search" name="q" aria-label="搜索本书" placeholder="搜索本书……">
<button>搜索</button>
</form>
<ul>
{rows}
</ul>
</main>
<script>
// At another address than the book's own (a copy, a folder, a stick), the links begin there.
if (location.protocol === "file:" || !location.pathname.startsWith("{root}")) {{
  const here = location.pathname.endsWith("/404.html") ? location.pathname.slice(0, -8) : "/";
  for (const link of document.querySelectorAll("a, form")) {{
    const name = link.action ? "action" : "href";
    link.setAttribute(name, here + link.getAttribute(name).slice({cut}));
  }}
}}
</script>
</body>
</html>
"""


def not_found(base: str, site_name: str, titles: dict[str, str], icon: str = "") -> str:
    """The page for addresses that lead nowhere.

    It may be shown for an address in any folder, so its links begin at the host's root and it
    needs no other file; where the book stands elsewhere than at `base`, a script sends them there.

    Args:
        base: the book's own address, with a slash at the end; "" for a host's root.
        titles: page -> its title.
        icon: the favicon as SVG, which goes into the page itself.
    """
    root = urlsplit(base).path or "/"
    icon = "data:image/svg+xml," + quote(re.sub(r">\s+<", "><", icon.strip()), safe=" =:/")
    rows = [
        f'<li><a href="{root}{quote(page)}.html">{escape(title)}</a></li>'
        for page, title in titles.items()
    ]
    return NOT_FOUND.format(
        root=root, cut=len(root), site_name=escape(site_name), rows="\n".join(rows), icon=icon
    )


def in_order(env: BuildEnvironment) -> list[str]:
    """All pages as the table of contents has them."""
    relations = env.collect_relations()
    page, found = env.config.root_doc, []
    while page and page not in found:
        found.append(page)
        page = relations.get(page, [None, None, None])[2]
    return found


def write_files(app: Sphinx, exception: Exception | None) -> None:
    """404.html, and what search engines ask for: sitemap.xml and robots.txt."""
    if exception or app.builder.format != "html":
        return
    base, folder, pages = app.config.html_baseurl, Path(app.outdir), in_order(app.env)
    titles = {page: app.env.titles[page].astext() for page in pages}
    icon = (Path(app.confdir) / app.config.html_favicon).read_text("utf-8")
    page = not_found(base, app.config.html_title, titles, icon)
    (folder / "404.html").write_text(page, "utf-8")
    if base:
        (folder / "sitemap.xml").write_text(sitemap(base, pages), "utf-8")
        (folder / "robots.txt").write_text(
            f"User-agent: *\nAllow: /\nSitemap: {base}sitemap.xml\n", "utf-8"
        )


def setup(app: Sphinx) -> None:
    """Connect all this to a build."""
    app.connect("config-inited", set_address)
    app.connect("html-page-context", add_tags)
    app.connect("build-finished", write_files)
