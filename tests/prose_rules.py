"""The rules on what a reader reads: plain Markdown, words for pictures, the course's terms.

Like those in rules.py, each returns a list of lines, empty when all is well.
"""

import io
import itertools
import re
import tokenize

from notebooks import code_cells, inline_tokens, is_directive, parsed, prose

CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef]")
EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
EMOJI_ALLOWED = set("💡⚠✅✏✓✗")
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/svg+xml")


def images_without_alt(notebook):
    """Rule: every picture has words for those who cannot see it, and none comes from elsewhere.

    For an output they stand in the cell's metadata, mystnb.image.alt: only those reach the site.
    """
    violations = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            tokens = parsed(cell.source)
            images = [token for token in inline_tokens(tokens) if token.type == "image"]
            for alt, target in ((image.content, image.attrs["src"]) for image in images):
                if not alt.strip():
                    violations.append(f"{cell.id}: image {target} has no alt text")
                if re.match(r"(https?:)?//", target):
                    violations.append(f"{cell.id}: image {target} comes from another host")
            violations += html_images_without_alt(cell.id, cell.source)
            continue
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if any(kind in data for kind in IMAGES) and not str(alt).strip():
                violations.append(f"{cell.id}: image output without mystnb.image.alt")
            violations += html_images_without_alt(cell.id, data.get("text/html", ""))
    return violations


def html_images_without_alt(place, html):
    """Return the <img> without alt and the <svg> without role="img" and a label in HTML."""
    violations = []
    for tag in re.findall(r"<(?:img|svg)\b[^>]*>", html):
        label = "alt" if tag.startswith("<img") else "aria-label"
        if not re.search(rf"""{label}\s*=\s*["'][^"']""", tag):
            violations.append(f"{place}: {tag[:40]} has no {label}")
    return violations


def not_commonmark(markdown):
    """Rule: no directives, roles or footnotes: they show as raw text in Jupyter and Colab."""
    tokens = parsed(markdown)
    violations = [f"directive: {token.info}" for token in tokens if is_directive(token)]
    patterns = {
        "directive": r"^:{3,}.*$",
        "role": r"\{[a-z][a-z:]*\}\0",
        "footnote": r"\[\^[^\]]+\]",
        "label": r"^\([\w-]+\)=\s*$",
    }
    for block in tokens:
        # A code span is one sign, so that what looks like MyST inside it is none.
        marks = {"code_inline": "\0", "softbreak": "\n", "hardbreak": "\n"}
        text = "".join(marks.get(each.type, each.content) for each in block.children or ())
        violations += [
            f"{name}: {match[0].strip()} in {block.content[:40]!r}"
            for name, pattern in patterns.items()
            for match in re.finditer(pattern, text, re.M)
        ]
    return violations


def soft_breaks(markdown):
    """Rule: no line ends within a paragraph of Chinese: a browser shows a blank there."""
    violations = []
    for _, block in blocks_outside_quotes(markdown):
        texts = [each.content for each in block.children or ()]
        for place, child in enumerate(block.children or ()):
            before, after = "".join(texts[:place]), "".join(texts[place + 1 :])
            if child.type == "softbreak" and CJK.search(before[-1:] + after[:1]):
                violations.append(f"line ends after …{before[-12:]}")
    return violations


def hidden_guesses(markdown):
    """Rule: ✏️ begins a paragraph of its own, where the reader stops to guess."""
    return [
        f"✏️ within a paragraph: {block.content[:40]}"
        for kind, block in blocks_outside_quotes(markdown)
        if kind != "heading_open" and "✏️" in block.content[1:]
    ]


def blocks_outside_quotes(markdown):
    """Yield (type of the token that opens it, inline token) of the text outside quotations."""
    quotes, opened = 0, ""
    for token in parsed(markdown):
        quotes += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        if token.type == "inline" and not quotes:
            yield opened, token
        opened = token.type


def stray_emoji(markdown):
    """Rule: no emoji but 💡 ⚠️ ✅ ✏️ (and the marks ✓ ✗)."""
    return sorted(set(EMOJI.findall(prose(markdown))) - EMOJI_ALLOWED)


def chinese_in_code(notebook):
    """Rule: Chinese in code only within strings; comments and names are in English.

    Colab's form titles (# @title) are shown to learners and may be Chinese.
    """
    violations = []
    for cell in code_cells(notebook):
        source = re.sub(r"^([ \t]*)[%!].*$", r"\1pass", cell.source, flags=re.M)
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
        except (tokenize.TokenError, SyntaxError) as error:
            violations.append(f"{cell.id}: not Python: {error}")
            continue
        for token in tokens:
            shown = re.match(r"#\s*@(title|markdown|param)", token.string)
            if token.type in (tokenize.COMMENT, tokenize.NAME) and CJK.search(token.string):
                if not shown:
                    violations.append(f"{cell.id}: Chinese in code: {token.string[:40]}")
    return violations


def banned_terms(markdown, glossary):
    """Rule: no banned variant of a term, as the glossary lists them.

    glossary: list of (term, variant, exempt phrases). A variant in a code span is a mention
    and allowed.
    """
    return banned_words(prose(markdown), glossary)


def banned_words(text, glossary):
    """Return the banned variants in a text without markup, such as a Python file."""
    violations = []
    for term, variant, exempt in glossary:
        rest = text
        for phrase in exempt:
            rest = rest.replace(phrase, "")
        if variant in rest:
            violations.append(f"{variant}: write {term}")
    return violations


def glossary_rows(markdown):
    """Return the rows (Chinese, English, explanation, banned) of the glossary's tables."""
    rows = []
    for opening, cell in itertools.pairwise(parsed(markdown)):
        if opening.type == "tr_open":
            rows.append([])
        elif opening.type == "td_open":
            rows[-1].append(cell.content)
    return [row for row in rows if len(row) == 4]


def banned_variants(markdown):
    """Return (term, variant, exempt phrases) from the glossary's last column.

    The column holds variants separated by 、; what may still be written stands in brackets
    after one: 令牌（访问令牌除外）.
    """
    table = []
    for term, _, _, column in glossary_rows(markdown):
        for match in re.finditer(r"([^、（）]+)(?:（([^）]*)除外）)?", column):
            variant = match[1].strip()
            if variant and variant != "—":
                table.append((term, variant, match[2].split("、") if match[2] else []))
    return table


def without_banned_column(markdown):
    """Return the glossary page without the column that lists what not to write."""
    return re.sub(r"^(\|(?:[^|\n]*\|){3})[^|\n]*\|\s*$", r"\1", markdown, flags=re.M)
