"""All style sheets of the site in one, without the rules that no page uses.

The theme brings Bootstrap, two thousand icons and styles for what this book has not: about 100 KB
compressed, of which a page uses a fifth. A rule stays if every class and id that its selector asks
for occurs in a page or, as a word, in a script that pages load; so nothing is lost that could
apply, whatever a script adds later.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

# What may hold a brace or a comment mark without meaning it.
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|url\([^)"\']*\)|/\*.*?\*/|[{};]', re.S)
NAME = re.compile(r"[.#](-?[A-Za-z_](?:[\w-]|\\.)*)")
# Selectors in these ask for nothing, or for one of several: they do not take a rule away.
CHOICE = re.compile(r":(?:not|is|where|has|any|-webkit-any)\(")
# Icons are drawn by icons.css; the fonts behind these are not served.
ICON_FONT = re.compile(r"Font Awesome|--fa\b|--fa-")
GROUPS = ("@media", "@supports", "@container", "@layer")


@dataclass
class Rule:
    """A rule (`head { body }`), a group of rules (`inside`), or a statement such as @import."""

    head: str
    body: str | None = None
    inside: list["Rule"] = field(default_factory=list)


def without_comments(css: str) -> str:
    """A sheet without its comments; what looks like one inside a string stays."""
    return TOKEN.sub(lambda match: "" if match[0].startswith("/*") else match[0], css)


def parse(css: str) -> list[Rule]:
    """The rules of a style sheet, groups such as @media with what is inside them."""
    css = without_comments(css)
    rules, start, place = [], 0, 0
    while match := TOKEN.search(css, place):
        place = match.end()
        if match[0] == ";":
            rules.append(Rule(css[start : match.start()].strip()))
        elif match[0] == "{":
            head, end = css[start : match.start()].strip(), closing(css, place)
            body = css[place : end - 1].strip()
            if head.startswith(GROUPS):
                rules.append(Rule(head, inside=parse(body)))
            else:
                rules.append(Rule(head, body))
            place = end
        else:
            continue
        start = place
    return [rule for rule in rules if rule.head]


def closing(css: str, place: int) -> int:
    """Where a block ends that was opened right before `place`: after its closing brace."""
    depth = 1
    for match in TOKEN.finditer(css, place):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    raise ValueError(f"a brace is never closed: {css[max(0, place - 80) : place + 40]!r}")


def write(rules: Iterable[Rule]) -> str:
    """Rules as a sheet, one a line."""
    found = []
    for rule in rules:
        if rule.inside:
            found.append(f"{rule.head}{{{write(rule.inside)}}}")
        elif rule.body is not None:
            body = re.sub(r"\s*\n\s*", "", rule.body)
            found.append(f"{rule.head}{{{body}}}")
        else:
            found.append(f"{rule.head};")
    return "\n".join(found)


def split_selectors(head: str) -> list[str]:
    """`a, :is(b, c) d` → `a` and `:is(b, c) d`."""
    found, depth, start = [], 0, 0
    for place, character in enumerate(head):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if character == "," and not depth:
            found.append(head[start:place].strip())
            start = place + 1
    return [*found, head[start:].strip()]


def without_choices(selector: str) -> str:
    """A selector without what stands in :not(…), :is(…) and their like."""
    while match := CHOICE.search(selector):
        depth, end = 1, match.end()
        while depth and end < len(selector):
            depth += {"(": 1, ")": -1}.get(selector[end], 0)
            end += 1
        selector = selector[: match.start()] + selector[end:]
    return selector


def asked_for(selector: str) -> set[str]:
    """The classes and ids without which a selector cannot apply."""
    plain = re.sub(r"\[[^\]]*\]", "", without_choices(selector))
    return {re.sub(r"\\(.)", r"\1", name) for name in NAME.findall(plain)}


def trim(rules: list[Rule], words: set[str]) -> list[Rule]:
    """The rules that could apply to pages and scripts in which these words occur."""
    kept = []
    for rule in rules:
        if rule.inside:
            inside = trim(rule.inside, words)
            if inside:
                kept.append(Rule(rule.head, inside=inside))
        elif rule.body is None or rule.head.startswith("@"):
            kept.append(rule)
        else:
            selectors = [one for one in split_selectors(rule.head) if asked_for(one) <= words]
            if selectors and rule.body and not ICON_FONT.search(rule.body):
                kept.append(Rule(", ".join(selectors), rule.body))
    return kept


def used_names(html: str) -> set[str]:
    """The classes and ids of a page."""
    found: set[str] = set()
    for value in re.findall(r'\b(?:class|id)=["\']([^"\']*)["\']', html):
        found.update(value.split())
    return found


def script_words(script: str) -> set[str]:
    """Every word of a script that could be a class or an id."""
    return set(re.findall(r"[A-Za-z_][\w-]*", script))


def without_unused_motion(rules: list[Rule]) -> list[Rule]:
    """Without @keyframes that no rule left names, and without the fonts of icons."""
    text = write(rules)
    kept = []
    for rule in rules:
        if match := re.match(r"@(?:-webkit-)?keyframes\s+([\w-]+)", rule.head):
            uses = re.findall(rf"animation[\w-]*:[^;}}]*(?<![\w-]){match[1]}(?![\w-])", text)
            if not uses:
                continue
        if rule.head == "@font-face" and ICON_FONT.search(rule.body or ""):
            continue
        kept.append(rule)
    return kept


DARK = re.compile(r"\[data-theme=[\"']?dark[\"']?\]")
LIGHT = re.compile(r"\[data-theme=[\"']?light[\"']?\]")


def light_on_paper(rules: list[Rule]) -> list[Rule]:
    """Rules of the dark theme for the screen only; those of the light one for every print-out."""
    found = []
    for rule in rules:
        if rule.inside:
            found.append(Rule(rule.head, inside=light_on_paper(rule.inside)))
            continue
        if rule.body is None or rule.head.startswith("@"):
            found.append(rule)
            continue
        selectors = split_selectors(rule.head)
        dark = [one for one in selectors if DARK.search(without_choices(one))]
        rest = [one for one in selectors if one not in dark]
        if rest:
            found.append(Rule(", ".join(rest), rule.body))
        if dark:
            found.append(Rule("@media screen", inside=[Rule(", ".join(dark), rule.body)]))
        light = [LIGHT.sub("[data-theme]", one) for one in rest if LIGHT.search(one)]
        if light:
            found.append(Rule("@media print", inside=[Rule(", ".join(light), rule.body)]))
    return found


def one_sheet(sheets: Iterable[str], words: set[str]) -> str:
    """What the site needs of its style sheets, in their order."""
    rules = [
        rule
        for sheet in sheets
        for rule in parse(sheet)
        if not rule.head.startswith(("@charset", "@import"))
    ]
    rules = light_on_paper(trim(rules, words))
    return '@charset "utf-8";\n' + write(without_unused_motion(rules)) + "\n"
