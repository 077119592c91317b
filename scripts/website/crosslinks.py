"""Mentions of chapters and sections become links: 第 5 章, 第 9 章（下）, 5.3 节.

And a link whose words name a section, [第 12 章「12.1 先看症状」](12_error_clinic.ipynb), leads to that section: in Colab and on GitHub such a link can only name the file.
"""

import posixpath
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

# Not 第 3.2 节, which is a section of a paper, nor 1.5 节课.
MENTION = re.compile(
    r"第 ?(?P<chapter>\d+) ?章(?:（(?P<part>[上下])）)?"
    r"|(?<![\d.第])(?<!第 )(?P<section>\d+\.\d+) ?节(?!课)"
)
NAMED = re.compile(r"^(?:第 ?\d+ ?章(?:（[上下]）)?)?「(.+)」$")
# In these nothing is linked; the last chapter sections are about papers, which have chapters too.
CLOSED = (nodes.reference, nodes.title, nodes.literal, nodes.FixedTextElement, nodes.math)
ELSEWHERE = "further-reading"
logger = logging.getLogger(__name__)


def targets(sections: dict[str, list]) -> dict[str, tuple[str, str]]:
    """Where mentions lead.

    Args:
        sections: page -> (depth, heading, address) of its sections, the page's own first.
    Returns:
        "5", "9上" (chapters) and "5.3" (sections) -> page and address.
    """
    found: dict[str, tuple[str, str]] = {}
    for page in sorted(sections):
        for depth, heading, address in sections[page]:
            if depth == 0 and (match := re.match(r"第 ?(\d+) ?章(?:（([上下])）)?", heading)):
                found.setdefault(match[1], (page, ""))  # 第 9 章 alone is its first half
                found[match[1] + (match[2] or "")] = (page, "")
            elif depth and (match := re.match(r"(\d+\.\d+) ", heading)):
                found[match[1]] = (page, address)
    return found


def cut(text: str, known: dict[str, tuple[str, str]]) -> list[tuple[str, tuple[str, str] | None]]:
    """A text in pieces, each with where it leads, or None."""
    pieces, start = [], 0
    for match in MENTION.finditer(text):
        name = match["section"] or match["chapter"] + (match["part"] or "")
        if name not in known:
            continue
        if match.start() > start:
            pieces.append((text[start : match.start()], None))
        pieces.append((match[0], known[name]))
        start = match.end()
    if start < len(text):
        pieces.append((text[start:], None))
    return pieces


def is_open(node: nodes.Node) -> bool:
    """Whether a text may hold links: no code, no heading, no link, not about papers."""
    while node is not None:
        if isinstance(node, CLOSED):
            return False
        if isinstance(node, nodes.section) and ELSEWHERE in node["ids"]:
            return False
        node = node.parent
    return True


def link_mentions(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Turn the mentions on a page into links."""
    known = targets(app.env.course_sections)
    for text in list(doctree.findall(nodes.Text)):
        pieces = cut(text.astext(), known) if is_open(text) else []
        if not any(target for _, target in pieces):
            continue
        made = []
        for piece, target in pieces:
            if target is None:
                made.append(nodes.Text(piece))
                continue
            address = app.builder.get_relative_uri(page, target[0]) if target[0] != page else ""
            uri = address + ("#" + target[1] if target[1] else "")
            made.append(nodes.reference("", piece, internal=True, refuri=uri or "#"))
        text.parent.replace(text, made)


def lead_to_sections(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Send links that name a section of another page to that section."""
    for link in doctree.findall(nodes.reference):
        uri, named = link.get("refuri", ""), NAMED.match(link.astext())
        if not named or not link.get("internal") or "#" in uri:
            continue
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), uri))
        sections = app.env.course_sections.get(target.removesuffix(".html"), [])
        addresses = [address for _, heading, address in sections if heading == named[1]]
        if addresses:
            link["refuri"] = f"{uri}#{addresses[0]}"
        elif sections:
            logger.warning(
                f"a link names the section 「{named[1]}」, which {target} does not have",
                location=page,
            )


def setup(app: Sphinx) -> None:
    """Called by the extension."""
    app.connect("doctree-resolved", link_mentions)
    app.connect("doctree-resolved", lead_to_sections)
