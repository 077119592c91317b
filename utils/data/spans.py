"""Names in a text as spans, and as the BIO labels of its characters."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datasets import Dataset


class Span(NamedTuple):
    """A name: `text[start:end]` is of this type."""

    start: int
    end: int  # the place behind its last character
    type: str


def spans_of(labels: Sequence[str], repair: str = "begin") -> list[Span]:
    """The entities that BIO labels tell, in their order.

    Args:
        labels: of the characters of one text; other schemes through `to_bio` first.
        repair: what an I- that continues no entity of its type does (`impossible_labels` counts
            them). "begin": it begins an entity, as `to_bio` and seqeval have it. "drop": it counts
            as O.
    Raises:
        ValueError: a label that is none in BIO, naming its place; another `repair`.
    """
    if repair not in ("begin", "drop"):
        raise ValueError(f"spans_of: repair={repair!r}; give 'begin' or 'drop'")
    spans, start, kind = [], 0, None  # kind: of the entity that is open, which began at start
    for place, label in enumerate([*labels, "O"]):
        letter, _, here = label.partition("-")
        if (letter, here) != ("O", "") and (letter not in ("B", "I") or not here):
            raise ValueError(
                f"label {place}, {label!r}, is not of BIO; convert other schemes with to_bio"
            )
        if letter == "I" and here == kind:
            continue
        if kind is not None:
            spans.append(Span(start, place, kind))
        begins = letter == "B" or (letter == "I" and repair == "begin")
        start, kind = place, here if begins else None
    return spans


def bio_of(spans: Iterable[tuple[int, int, str]], length: int) -> list[str]:
    """BIO labels of the `length` characters of a text with these entities.

    Raises:
        ValueError: a span that is empty or leaves the text, or two that overlap.
    """
    labels = ["O"] * length
    before = Span(0, 0, "")
    for start, end, kind in sorted(spans):
        if not 0 <= start < end <= length:
            raise ValueError(
                f"span {start}:{end} {kind} is not within the text's {length} characters; count "
                "from 0, with the end behind the last character"
            )
        if start < before.end:
            raise ValueError(
                f"spans {before.start}:{before.end} {before.type} and {start}:{end} {kind} "
                "overlap; BIO labels can hold only one of them"
            )
        labels[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
        before = Span(start, end, kind)
    return labels


def texts_and_spans(dataset: "Dataset") -> tuple[list[str], list[list[Span]]]:
    """The texts of what `load_entities` gives, and the entities in each."""
    names = dataset.features["labels"].feature.names
    texts = ["".join(characters) for characters in dataset["tokens"]]
    return texts, [spans_of([names[label] for label in row]) for row in dataset["labels"]]
