"""How labels of names are written: BIO, IOB1, BMES, BIOES, BILOU; which of them a file has.

    to_bio(["B-PER", "E-PER", "O", "S-LOC"])     # ['B-PER', 'I-PER', 'O', 'B-LOC']

What these mean as places in a text is for `spans`.
"""

import functools
import re
from collections.abc import Iterable, Sequence

from utils.data.content import DataError

# The letters that a scheme writes before a type. Which of them begin an entity and which end it is
# the same in all: see `converted`.
SCHEMES = {"BIO": "BI", "IOB1": "BI", "BMES": "BMES", "BIOES": "BIES", "BILOU": "BILU"}
BEGIN, ALONE, GO_ON, END = "B", "SU", "IM", "EL"
LABEL = re.compile(r"O|(?P<letter>[BIMESLU])[-_](?P<type>\w[\w.\-/]*)")


def to_bio(labels: Sequence[str], scheme: str | None = None) -> list[str]:
    """The labels of one sentence in BIO (IOB2); what continues nothing begins an entity.

    Args:
        labels: in any of `SCHEMES`, with `-` or `_` between letter and type.
        scheme: None takes what `detect_scheme` finds in this sentence.
    Raises:
        DataError: a label that is none, or one that is not of the scheme.
    """
    return converted(_checked(labels), scheme or detect_scheme([labels]))[0]


def impossible_labels(labels: Sequence[str], scheme: str | None = None) -> list[int]:
    """Places of the labels in one sentence that no entity can have there.

    I- (M-, E-) where no entity of its type is open, and whatever follows an entity that its
    scheme has not closed: in BMES, the O of `B-PER O`. The end of the sentence counts as the
    place after the last.
    """
    return converted(_checked(labels), scheme or detect_scheme([labels]))[1]


def detect_scheme(sentences: Iterable[Sequence[str]]) -> str:
    """The scheme of a whole file's labels, by the letters in them: a key of `SCHEMES`.

    B and I alone are BIO, or IOB1 if entities begin with I, and B stands only where an entity
    follows another of its type. M means BMES; E or S without M, BIOES; L or U, BILOU.

    Raises:
        DataError: letters that do not go together.
    """
    seen = Letters()
    for labels in sentences:
        seen.add(_checked(labels))
    return seen.scheme()


class Letters:
    """What the labels of a file begin with, and what begins its entities."""

    def __init__(self):
        self.found: set[str] = set()
        self.begun_by_i = self.begun_by_b = False

    def add(self, labels: Sequence[str]) -> None:
        """Look at the labels of one more sentence, in the form that `normal_label` gives."""
        if (kinds := set(labels)) == {"O"}:
            return
        self.found.update(label[0] for label in kinds)
        if self.begun_by_b:  # then it is not IOB1
            return
        for before, label in zip(["O", *labels], labels, strict=False):
            if before[1:] != label[1:]:
                self.begun_by_i = self.begun_by_i or label[0] == "I"
                self.begun_by_b = self.begun_by_b or label[0] == "B"

    def scheme(self) -> str:
        """A key of `SCHEMES`; see `detect_scheme`."""
        letters = self.found - {"O"}
        fitting = [scheme for scheme, known in SCHEMES.items() if letters <= set(known)]
        if not fitting:
            raise DataError(
                f"labels with {', '.join(sorted(letters))} are of no one scheme; write them in one "
                f"of {', '.join(SCHEMES)}"
            )
        if fitting[0] != "BIO":
            return "BIOES" if letters <= set("BIES") else fitting[0]
        return "IOB1" if self.begun_by_i and not self.begun_by_b else "BIO"


@functools.lru_cache(maxsize=1000)
def normal_label(label: str) -> str | None:
    """A label with `-` behind its letter, or None if it is none."""
    found = LABEL.fullmatch(label)
    return found and (f"{found['letter']}-{found['type']}" if found["letter"] else "O")


def _checked(labels: Sequence[str]) -> list[str]:
    normal = [normal_label(label) for label in labels]
    if None in normal:
        at = normal.index(None)
        raise DataError(f"label {at}, {labels[at]!r}: write O, or B-PER and the like")
    return normal


def converted(labels: list[str], scheme: str) -> tuple[list[str], list[int]]:
    """BIO, and the places where the labels were impossible."""
    bio, impossible = [], []
    closes = "E" in SCHEMES[scheme] or "L" in SCHEMES[scheme]
    open_type = None  # of the entity that the next label may continue
    for place, label in enumerate(labels):
        letter, kind = label[0], label[2:]
        begins = letter in BEGIN + ALONE + "O" or kind != open_type
        if letter in GO_ON + END and begins and scheme != "IOB1":
            impossible.append(place)
        elif closes and open_type is not None and begins:
            impossible.append(place)
        bio.append("O" if letter == "O" else f"{'B' if begins else 'I'}-{kind}")
        open_type = kind if letter in BEGIN + GO_ON else None
    if closes and open_type is not None:
        impossible.append(len(labels))
    return bio, impossible
