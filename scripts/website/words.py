"""A text in the words it is found by.

Chinese is written without blanks, and no two programs cut it into the same words. So it is
indexed by its characters and pairs of characters, which every program finds the same; the
reader's query is taken apart by the same rules in `site_assets/static/search_engine.js`.
"""

import re
import unicodedata
from collections.abc import Iterator

HAN = r"\u3400-\u9fff\U00020000-\U0003ffff〇"
# Names of code, numbers and their compounds: torch.compile, t5-small, 1e-5, 80/10/10; and
# tokens as models write them: [CLS], </s>, <extra_id_0>, ##ing.
LETTERS = r"A-Za-z0-9_\u00c0-\u024f\u0370-\u03ff"
PIECES = re.compile(
    rf"\[[A-Za-z]+\d*\]|</?[A-Za-z][A-Za-z0-9_]*>|##|[{LETTERS}]+(?:[./'+-][{LETTERS}]+)*|[{HAN}]+",
)
PARTS = re.compile(r"[./'+-]+")
HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z\u00c0-\u024f\u0370-\u03ff]+|\d+")
CAPITALS = re.compile(r"[A-Z][A-Z0-9]{1,7}")
LONGEST = 40


def folded(text: str, simplified: dict[str, str]) -> str:
    """A text without differences of width and of traditional and simplified characters."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(simplified.get(character, character) for character in text)


def latin_words(piece: str) -> Iterator[str]:
    """A name and its parts: AutoModel.from_pretrained → itself, automodel, auto, model, …

    Short forms also as they are written: ECE is not the end of "piece".
    """
    yield piece.lower()
    parts = PARTS.split(piece)
    for part in parts:
        if CAPITALS.fullmatch(part):
            yield part
        whole = part.strip("_").lower()
        if whole and whole != piece.lower():
            yield whole
        humps = [hump.lower() for hump in HUMPS.findall(part)]
        if len(humps) > 1:
            yield from (hump for hump in humps if hump != whole)


def words(text: str) -> Iterator[str]:
    """The words of a folded text, in order, with repetitions."""
    for match in PIECES.finditer(text):
        piece = match[0]
        if piece[0] == "[":
            yield piece.lower()
            yield piece[1:-1].lower()
        elif piece[0] == "<":
            yield piece.lower()
            yield from latin_words(piece.strip("</>"))
        elif re.match(f"[{HAN}]", piece):
            yield from piece
            yield from (piece[i : i + 2] for i in range(len(piece) - 1))
        else:
            yield from (word for word in latin_words(piece) if len(word) <= LONGEST)
