"""The search index: sections, not pages, in many small files.

A search fetches the list of sections, the few files that hold its words and the texts of what it
found, and nothing is fetched before. Sphinx's own index is one file of every page's words (350 KB)
and cannot find one character, two letters, traditional writing or a mistyped word.

The files are scripts that call `courseSearch.add`, not JSON: a page opened from a folder
(`file:`) may load scripts, and may not fetch.
"""

import hashlib
import json
import posixpath
import re
import shutil
from collections import Counter, defaultdict
from html.parser import HTMLParser
from importlib.resources import files as files_of
from pathlib import Path

import yaml
from docutils import nodes
from opencc import OpenCC
from sphinx.application import Sphinx

from website.anchors import ancestors
from website.words import HAN, folded, words

FOLDER = "search"
# What a word counts in each kind of text: 1 in the prose.
# A section that explains a term first (the glossary says which) counts as if its heading had it.
WEIGHTS = {
    "title": 8.0, "defined": 6.0, "asked": 4.0, "term": 2.0, "above": 2.0, "strong": 2.0,
    "literal": 1.0, "prose": 1.0, "code": 0.5, "output": 0.25,
}  # fmt: skip
SOLUTION = 0.3  # times that, in a folded solution
# Sections that speak of everything a bit, by their addresses, and the list of papers.
LESS = {
    "goals": 0.35, "summary": 0.5, "further-reading": 0.4, "exercises": 0.6,
    "references": 0.5, "index": 0.6, "chapters": 0.5,
}  # fmt: skip
EXERCISE = 0.7
OPENING = 0.85  # the lines under a page's own heading
# BM25: how fast repetitions stop counting, and how much a long section is held back.
SATURATION, LENGTH = 1.2, 0.45
SCALE = 20  # counts are stored as whole numbers
ASSETS = Path(__file__).resolve().parents[2] / "site_assets"
TERMS = ASSETS / "search_terms.yml"
ASKED = ASSETS / "search_asked.yml"
GLOSSARY = "glossary"
CHUNK = 9000  # characters of text in one file, about
# How much more often a word of the mainland must stand in the book than its twin from Taiwan to be
# what the reader of the twin looks for: 文件 is a word of both, and means two things.
TWIN = 4
FURNITURE = 4  # a block of code on so many pages says nothing of any: the setup cell
CHINESE_FILES = 48


class Words(HTMLParser):
    """The text of an output that is HTML; pictures and styles are none."""

    SILENT = {"style", "script", "svg"}

    def __init__(self, html: str):
        super().__init__()
        self.silent, self.found = 0, []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        """Called by the parser, as the next two are."""
        self.silent += tag in self.SILENT

    def handle_endtag(self, tag: str) -> None:
        """An element's end parts words."""
        self.silent -= tag in self.SILENT
        self.found.append(" ")

    def handle_data(self, data: str) -> None:
        """Text, kept unless it is a picture's."""
        if not self.silent:
            self.found.append(data)


def text_of_html(html: str) -> str:
    """What a reader sees of a piece of HTML."""
    return re.sub(r"\s+", " ", "".join(Words(html).found)).strip()


FORMULA = (
    (r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"\1/\2"), (r"\\(?:left|right|big|displaystyle)\b", ""),
    (r"\\(?:text|mathrm|operatorname)\b", ""), (r"\\sqrt", "√"), (r"\\times", "×"), (r"\\cdot", "·"),
    (r"\\l?dots", "…"), (r"\\mid", "|"), (r"\\sum", "∑"), (r"\\prod", "∏"), (r"\\theta", "θ"),
    (r"\\le\b", "≤"), (r"\\ge\b", "≥"), (r"\\(?:rightarrow|to)\b", "→"), (r"[{}\\]|\s+", " "),
)  # fmt: skip


def formula(tex: str) -> str:
    r"""A formula as a line of text, for the snippets.

    >>> formula(r"\sqrt{d} \le \frac{1}{n}\sum_i x_i")
    '√ d ≤ 1/n∑_i x_i'
    """
    for pattern, plain in FORMULA:
        tex = re.sub(pattern, plain, tex)
    return re.sub(r" +", " ", tex).strip()


def kind_and_text(block: nodes.Node) -> tuple[str, str]:
    """What kind of text a block is, and the text; empty for what is no text."""
    if isinstance(block, nodes.raw):
        return "output", text_of_html(block.astext()) if block.get("format") == "html" else ""
    if isinstance(block, nodes.literal_block):
        around = block.parent.get("classes", [])
        return "code" if "cell_input" in around else "output", block.astext()
    raw, math = (nodes.raw, nodes.comment), (nodes.math, nodes.math_block)
    texts = (each for each in block.findall(nodes.Text) if not isinstance(each.parent, raw))
    return "prose", "".join(
        formula(each.astext()) if isinstance(each.parent, math) else each.astext() for each in texts
    )


def is_term(block: nodes.Node) -> bool:
    """Whether a block stands in one of the first two columns of a table whose third explains."""
    cell = block.parent
    if not isinstance(cell, nodes.entry) or cell.parent.index(cell) > 1:
        return False
    head = next(iter(cell.parent.parent.parent.findall(nodes.thead)), None)
    return head is not None and "English" in head.astext() and cell not in head.findall(nodes.entry)


def blocks_of(section: nodes.section) -> list[tuple[str, str, bool]]:
    """A section's own texts, without those of the sections in it.

    Returns:
        kind, text, and whether it stands in a folded solution.
    """
    found = []

    def walk(node: nodes.Node, folded_away: bool) -> None:
        for child in node.children:
            if isinstance(child, (nodes.section, nodes.title)):
                continue
            inside = folded_away or "tag_solution" in getattr(child, "attributes", {}).get(
                "classes", []
            )
            if isinstance(child, (nodes.raw, nodes.TextElement)):
                kind, text = kind_and_text(child)
                if text.strip():
                    found.append((kind, text.strip(), inside))
                    if is_term(child):
                        found.append(("term", text.strip(), inside))
                for kind, mark in (("strong", nodes.strong), ("literal", nodes.literal)):
                    found.extend((kind, each.astext(), inside) for each in child.findall(mark))
            else:
                walk(child, inside)

    walk(section, False)
    return found


def note_sections(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Keep what a page says, section by section, until all pages are there."""
    notes = app.course_texts = getattr(app, "course_texts", {})
    notes[page] = []
    if page.endswith(GLOSSARY):
        app.course_terms = glossary_pairs(doctree)
        app.course_definitions = definitions(doctree, page)
    for section in doctree.findall(nodes.section):
        above = [each.next_node(nodes.title).astext() for each in ancestors(section)]
        notes[page].append(
            {
                "address": section["ids"][0],
                "heading": section.next_node(nodes.title).astext(),
                "above": above,
                "blocks": blocks_of(section),
            }
        )


def all_sections(app: Sphinx) -> list[dict]:
    """The sections of all pages in the book's order; a page that was not written is read again."""
    noted = getattr(app, "course_texts", {})
    order = [app.config.root_doc, *app.env.toctree_includes.get(app.config.root_doc, [])]
    order += sorted(set(app.env.found_docs) - set(order))
    found = []
    for page in order:
        if page not in noted:
            app.env.get_and_resolve_doctree(page, app.builder)
        title = noted[page][0]["heading"] if noted.get(page) else page
        uri = app.builder.get_target_uri(page)
        found += [each | {"page": page, "uri": uri, "title": title} for each in noted[page]]
    return found


def without_furniture(sections: list[dict]) -> None:
    """Take out the blocks of code that stand on many pages, but for their first."""
    pages = defaultdict(set)
    for section in sections:
        for _kind, text, _ in section["blocks"]:
            pages[_alike(text)].add(section["page"])
    for section in sections:
        section["blocks"] = [
            block
            for block in section["blocks"]
            if block[0] == "prose" or len(pages[_alike(block[1])]) < FURNITURE
        ]


def _alike(code: str) -> str:
    return re.sub(r"\d+_[a-z0-9_]+", "", code)


def counts(section: dict, simplified: dict[str, str]) -> Counter:
    """How much a section says each word."""
    found = Counter()

    def add(kind: str, text: str, share: float = 1.0) -> None:
        for word in words(folded(text, simplified)):
            # Figures printed by code are looked up by nobody and would fill the index.
            if kind in ("output", "code") and re.fullmatch(r"[\d./+-]+", word):
                continue
            found[word] += WEIGHTS[kind] * share

    add("title", section["heading"])
    for heading in section["above"]:
        add("above", heading)
    for kind, text, solution in section["blocks"]:
        add(kind, text, SOLUTION if solution else 1.0)
    return found


def factor(section: dict) -> float:
    """What a section's score is multiplied by."""
    if section["address"].startswith("exercise-"):
        return EXERCISE
    return LESS.get(section["address"], 1.0 if section["above"] else OPENING)


def postings(sections: list[dict], simplified: dict[str, str]) -> dict[str, list[int]]:
    """word -> section, count, section, count, …; sections as differences, so that they are short.

    The count is BM25's: saturated, and held back in long sections.
    """
    tables = [counts(section, simplified) for section in sections]
    lengths = [sum(table.values()) for table in tables]
    mean = sum(lengths) / max(1, len(lengths))
    found, last = defaultdict(list), defaultdict(int)
    for place, (table, length) in enumerate(zip(tables, lengths, strict=True)):
        hold = SATURATION * (1 - LENGTH + LENGTH * length / mean)
        for word, count in table.items():
            value = max(1, round(SCALE * count * (SATURATION + 1) / (count + hold)))
            found[word] += [place - last[word], value]
            last[word] = place
    return found


def file_of(word: str) -> str:
    """The file that holds a word: Latin words by their first letter, Chinese by a number."""
    first = word[0].lower()
    if re.match(f"[{HAN}]", first):
        return f"h{ord(first) % CHINESE_FILES}"
    return first if re.match(r"[a-z]", first) else "0"


def simplified_characters(text: str) -> dict[str, str]:
    """Traditional characters whose simplified form stands in the text."""
    converter = OpenCC("t2s")
    there = set(text)
    han = [chr(code) for code in (*range(0x3400, 0xA000),)]
    pairs = zip(han, (converter.convert(each) for each in han), strict=True)
    return {old: new for old, new in pairs if old != new and len(new) == 1 and new in there}


def words_of_taiwan(text: str) -> dict[str, str]:
    """What Taiwan calls things that the book calls otherwise, both in simplified characters.

    OpenCC's list for translating from Taiwan's usage, as far as the book has its words.

    >>> words_of_taiwan("缓存里的字符串")
    {'字串': '字符串', '字元': '字符', '快取': '缓存'}
    """
    simplify = OpenCC("t2s").convert
    listed = files_of("opencc").joinpath("dictionary", "TWPhrasesRev.txt").read_text("utf-8")
    found = {}
    for line in listed.splitlines():
        theirs, _, ours = line.partition("\t")
        theirs, all_ours = simplify(theirs), map(simplify, ours.split())
        here = [each for each in all_ours if text.count(each) > TWIN * text.count(theirs)]
        here = [each for each in here if len(each) > 1 and each != theirs]
        if len(theirs) > 1 and here:
            found[theirs] = " ".join(here)
    return dict(sorted(found.items()))


def plain_text(section: dict) -> str:
    """A section's text for the snippets: prose first."""
    prose = [text for kind, text, _ in section["blocks"] if kind == "prose"]
    rest = [text for kind, text, _ in section["blocks"] if kind in ("code", "output")]
    return "\n".join(re.sub(r"\s+", " ", text) for text in prose + rest)


def glossary_pairs(doctree: nodes.document) -> dict[str, str]:
    """English words of the glossary and their Chinese, from the first two columns of its tables."""
    found = {}
    for row in doctree.findall(nodes.row):
        cells = [re.sub(r"（.*?）|\(.*?\)", "", cell.astext()).strip() for cell in row.children[:2]]
        chinese, english = (*cells, "")[:2]
        if re.search(f"[{HAN}]", chinese) and re.fullmatch(r"[A-Za-z][A-Za-z -]{2,}", english):
            found[english.lower()] = chinese
    return found


def definitions(doctree: nodes.document, page: str) -> list[tuple[str, str, str, str]]:
    """Of each row of the glossary: Chinese, English, and the page and address it links to."""
    found = []
    for row in doctree.findall(nodes.row):
        links = [each["refuri"] for each in row.findall(nodes.reference) if each.get("refuri")]
        if links and "#" in links[-1]:
            uri, address = links[-1].split("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), uri))
            terms = (cell.astext() for cell in row.children[:2])
            found.append((*terms, target.removesuffix(".html"), address))
    return found


def add_notes(sections: list[dict], definitions: list[tuple], asked: dict) -> None:
    """Put the glossary's terms where they are explained, and readers' words where they lead.

    Args:
        definitions: term in Chinese and English, and the page and address that explain it.
        asked: page -> address -> words of readers.
    """
    for section in sections:
        place = section["page"], section["address"]
        section["blocks"] += [
            ("defined", f"{chinese} {english}", False)
            for chinese, english, *where in definitions
            if tuple(where) == place
        ]
        words_there = (asked.get(section["page"]) or {}).get(section["address"])
        if words_there:
            section["blocks"].append(("asked", words_there, False))


def notes(section: dict) -> list[str]:
    """What a section is asked by, beside its heading: the terms it explains, words of readers."""
    return [
        re.match(r"\S*", text)[0] if kind == "defined" else text
        for kind, text, _ in section["blocks"]
        if kind in ("defined", "asked")
    ]


def files(sections: list[dict], terms: dict[str, str]) -> dict[str, object]:
    """The index: name of a file -> what is in it.

    Args:
        terms: words of readers -> words of the book.
    """
    without_furniture(sections)
    everything = "".join(
        each["heading"] + "".join(text for _, text, _ in each["blocks"]) for each in sections
    )
    terms = words_of_taiwan(everything) | terms
    simplified = simplified_characters(everything + "".join(terms))
    made: dict[str, object] = defaultdict(dict)
    for word, places in sorted(postings(sections, simplified).items()):
        made[file_of(word)][word] = places
    pages = list(dict.fromkeys((each["uri"], each["title"]) for each in sections))
    rows, chunk, size = [], 0, 0
    for place, section in enumerate(sections):
        text = plain_text(section)
        if size > CHUNK:
            chunk, size = chunk + 1, 0
        size += len(text)
        made[f"t{chunk}"][place] = text
        page = pages.index((section["uri"], section["title"]))
        asked = " ".join(notes(section))
        rows.append(
            [page, section["address"], section["heading"], len(section["above"]), chunk,
             factor(section), *([asked] if asked else [])]
        )  # fmt: skip
    version = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:8]
    made["sections"] = {
        "version": version,
        "pages": pages,
        "sections": rows,
        "traditional": ["".join(simplified), "".join(simplified.values())],
        "files": CHINESE_FILES,
        "terms": list(terms.items()),
        "names": sorted(name for name in made if not re.fullmatch(r"t\d+", name)),
    }
    return made


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write the index below the site's root."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir, FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    Path(app.outdir, "searchindex.js").unlink(missing_ok=True)  # of an earlier build
    sections = all_sections(app)
    asked = yaml.safe_load(ASKED.read_text("utf-8"))
    add_notes(sections, getattr(app, "course_definitions", []), asked)
    terms = yaml.safe_load(TERMS.read_text("utf-8")) | getattr(app, "course_terms", {})
    for name, content in files(sections, terms).items():
        data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        script = f'courseSearch.add("{name}",{data})\n'
        (folder / f"{name}.js").write_text(script, "utf-8")


def without_sphinx_index(app: Sphinx) -> None:
    """Sphinx makes no index of its own; the search page comes from `html_additional_pages`."""
    if app.builder.format == "html":
        app.builder.search = False


def setup(app: Sphinx) -> None:
    """Called by the extension."""
    app.connect("builder-inited", without_sphinx_index)
    app.connect("doctree-resolved", note_sections, priority=900)
    app.connect("build-finished", write_index)
