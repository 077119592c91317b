"""An English address for every section, from one table.

Sphinx numbers Chinese headings (`#id13`), so that a new section shifts every address after it.
The table stands outside the notebooks: Colab and Jupyter would show a MyST target as text.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

TABLE = Path(__file__).resolve().parents[2] / "site_assets" / "anchors.yml"
BY_RULE = (
    (re.compile(r"练习 (\d\d)-(\d+)(?!\d)"), "exercise-{}-{}"),
    (re.compile(r"病例 (\d+)(?!\d)"), "case-{}"),
)
logger = logging.getLogger(__name__)


def read_table(path: Path = TABLE) -> dict[str, dict]:
    """The table: page -> heading -> address, or a list of the address and those it had before."""
    return yaml.safe_load(path.read_text("utf-8"))


def without_number(heading: str) -> str:
    """A heading as it stands in the table: without its number and without marks."""
    return re.sub(r"^\d+(\.\d+)?\s+", "", re.sub(r"[`*]", "", heading.strip()))


def addresses_of(page: str, heading: str, is_title: bool, table: dict) -> list[str]:
    """What may stand behind # in a link to a section.

    Args:
        page: such as chapters/05_thucnews.
        is_title: whether it is the page's own heading, whose address is the page's name.
    Returns:
        the address, then those it had before; nothing where the table lacks the heading.
    """
    if is_title:
        return [re.sub(r"^\d+_", "", page.split("/")[-1]).replace("_", "-")]
    for pattern, address in BY_RULE:
        if match := pattern.match(heading):
            return [address.format(*match.groups())]
    known = table["everywhere"] | (table.get(page) or {})
    found = known.get(without_number(heading), [])
    return [found] if isinstance(found, str) else list(found)


def unused_entries(page: str, headings: list[str], table: dict) -> list[str]:
    """Headings in the table that a page does not have (any more)."""
    there = {without_number(heading) for heading in headings}
    return [entry for entry in table.get(page) or {} if entry not in there]


class GiveAddresses(SphinxTransform):
    """Puts the table's addresses on a page's sections, and notes them for links and search."""

    default_priority = 870  # before MyST (879) and Sphinx look up what links point to

    def apply(self, **_) -> None:
        """Called by Sphinx for each page."""
        page, noted, taken = self.env.docname, [], {}
        for section in list(self.document.findall(nodes.section)):
            heading = section.next_node(nodes.title).astext()
            depth = len(list(ancestors(section)))
            addresses = addresses_of(page, heading, depth == 0, self.config.course_anchors)
            if not addresses:
                logger.warning(
                    f"the heading {heading!r} has no address: add it to site_assets/anchors.yml "
                    f"under {page}; if it was renamed, change it there and keep its address",
                    location=section,
                )
                continue
            for address in addresses:
                if address in taken:
                    logger.warning(
                        f"{heading!r} and {taken[address]!r} have the address {address!r}; "
                        "change one of them in site_assets/anchors.yml",
                        location=section,
                    )
                taken[address] = heading
            self.rename(section, addresses)
            noted.append((depth, heading, addresses[0]))
        self.drop_doubles(taken)
        self.env.course_sections[page] = noted
        for entry in unused_entries(page, [each[1] for each in noted], self.config.course_anchors):
            logger.warning(
                f"no heading {entry!r} in {page}, but site_assets/anchors.yml gives it an address: "
                "if it was renamed, rename it there; if it is gone, add its address to the list "
                "of the section that takes its place"
            )

    def drop_doubles(self, addresses: dict[str, str]) -> None:
        """A page's own `<a id="case-7"></a>` is for Colab; here the section has the address."""
        for mark in list(self.document.findall(nodes.raw)):
            match = re.fullmatch(r'<a id="([^"]+)">(</a>)?', mark.astext().strip())
            if not match or match[1] not in addresses:
                continue
            paragraph = mark.parent
            end = mark.next_node(nodes.raw, descend=False, siblings=True)
            if not match[2] and end is not None and end.astext() == "</a>":
                paragraph.remove(end)
            paragraph.remove(mark)
            if isinstance(paragraph, nodes.paragraph) and not paragraph.children:
                paragraph.parent.remove(paragraph)

    def rename(self, section: nodes.section, addresses: list[str]) -> None:
        """Give a section its addresses instead of Sphinx's, and send what led to it there."""
        old = section["ids"][0]
        section["ids"] = [*addresses, *section["ids"][1:]]
        self.document.ids |= dict.fromkeys(addresses, section)
        for name, target in list(self.document.nameids.items()):
            if target == old:
                self.document.nameids[name] = addresses[0]
        # MyST's own short names of headings lead to the new addresses; the addresses work too.
        slugs = getattr(self.document, "myst_slugs", {})
        for slug, (line, target, title) in list(slugs.items()):
            if target == old:
                slugs[slug] = slugs[addresses[0]] = (line, addresses[0], title)


def ancestors(section: nodes.section) -> Iterator[nodes.section]:
    """The sections around a section, from the nearest."""
    node = section.parent
    while node is not None:
        if isinstance(node, nodes.section):
            yield node
        node = node.parent


def setup(app: Sphinx) -> None:
    """Called by the extension."""
    app.add_config_value("course_anchors", read_table(), "env", [dict])
    app.add_transform(GiveAddresses)
    app.connect("builder-inited", lambda app: begin(app.env))
    app.connect("env-purge-doc", lambda app, env, page: begin(env).pop(page, None))
    app.connect("env-merge-info", lambda app, env, pages, other: merge(env, pages, other))


def begin(env: BuildEnvironment) -> dict[str, list]:
    """page -> (depth, heading, address) of its sections; kept with Sphinx's other notes."""
    if not hasattr(env, "course_sections"):
        env.course_sections = {}
    return env.course_sections


def merge(env: BuildEnvironment, pages: set[str], other: BuildEnvironment) -> None:
    """Take over what another process noted of its pages."""
    env.course_sections.update({page: other.course_sections.get(page, []) for page in pages})
