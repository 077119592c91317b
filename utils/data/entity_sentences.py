"""One sentence with its labels, how a file of them is to be read, and what is said of its labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from utils.data.content import DataError
from utils.data.problems import Problems
from utils.data.rows import VARIANTS, is_seen
from utils.data.schemes import Letters, converted
from utils.data.spans import bio_of, spans_of

LONGEST = 5000  # characters; what is longer is a file without blank lines, not a sentence


class Sentence(NamedTuple):
    """One sentence. Its labels are as in the file until they are converted."""

    tokens: list[str]
    labels: list[str] | None  # None: the file has none
    line: int  # where the first token stands, as an editor counts
    step: int = 0  # lines from one token to the next: 1 where each stands on its own
    before: int = 0  # characters before these tokens, in a sentence too long to be kept


class Manner(NamedTuple):
    """How a file is to be read, which only its last sentence tells for certain."""

    labelled: bool = True
    scheme: str | None = None  # None: its labels are of no one scheme
    wrong: str = ""  # why that is so
    tagged: bool = False  # JSON: whether tokens have labels, rather than texts names
    width: int = 2  # lines: how many columns
    placed: bool = False  # lines: whether a place in its word stands behind each character

    @classmethod
    def of(cls, letters: Letters, scheme: str | None) -> Manner:
        """The scheme that the caller gave or the letters of the labels tell, as part of a manner."""
        try:
            return cls(scheme=scheme or letters.scheme())
        except DataError as error:
            return cls(wrong=str(error))


class File(Protocol):
    """A file of sentences, read in one manner, and what in it does not go with that."""

    path: Path
    word: str  # what the numbers of its lines or objects count
    cure_of_length: str
    read_as: Manner
    foreign: Problems  # labels of another scheme
    impossible: Problems  # labels that no entity can have where they stand
    edges: Problems  # names that begin or end with what cannot be seen

    def manner(self) -> Manner:
        """How it should have been read, as far as it was."""

    def sentences(self) -> Iterator[Sentence | None]:
        """The sentences; None for one that cannot be used."""

    def refuse(self, repair: bool, told: list[str]) -> None:
        """Refuse what cannot be used, or tell how it was repaired."""


def noted(labels: list[str], scheme: str, line: int, step: int, impossible: Problems) -> list[str]:
    """The labels of a sentence in BIO; those that no entity can have there are noted."""
    if set(labels) == {"O"}:
        return labels
    bio, places = converted(labels, scheme)
    for place in places:
        here = [*labels, "the end"][place]
        before = labels[place - 1] if place else "the beginning"
        at = line + step * min(place, len(labels) - 1)
        impossible.add(at, f"{here} after {before}")
    return bio


def refuse_labels(file: File, repair: bool, told: list[str]) -> None:
    """Refuse labels that cannot be used, or tell how those that no entity can have were repaired."""
    if file.read_as.wrong:
        raise DataError(f"{file.path}: {file.read_as.wrong}")
    file.foreign.refuse(file.path, "correct it, or give another scheme=", file.word)
    if not repair:
        cure = "impossible; correct it, or let repair=True do so"
        file.impossible.refuse(file.path, cure, file.word)
    rule = "接不上的改成 B-，没有收尾的到此为止"
    tell(file, file.impossible, "不可能的标签", rule, told)


def trimmed(sentence: Sentence, edges: Problems) -> Sentence:
    """A sentence of characters whose names begin and end with what can be seen.

    A blank that the mouse took along gets no word piece: no tagger could give such a name back,
    and each would count as missed and as wrong. What says how a sign looks, as behind the heart
    of U+2764 U+FE0F, is part of the sign.
    """
    labels, tokens = sentence.labels, sentence.tokens
    unseen = {
        token for token, label in zip(tokens, labels or (), strict=False)
        if label != "O" and not is_seen(token)
    }  # fmt: skip
    if not unseen:
        return sentence
    spans = []
    for start, end, kind in spans_of(labels):
        seen: list[int] = []
        for place in range(start, end):
            of_sign = tokens[place] in VARIANTS and seen[-1:] == [place - 1]
            if of_sign or tokens[place] not in unseen:
                seen.append(place)
        if len(seen) and (seen[0], seen[-1] + 1) == (start, end):
            spans.append((start, end, kind))
            continue
        edges.add(
            sentence.line + sentence.step * start, f"{kind} {''.join(tokens[start:end])!r:.30}"
        )
        if seen:
            spans.append((seen[0], seen[-1] + 1, kind))
    return sentence._replace(labels=bio_of(spans, len(tokens)))


def refuse_edges(file: File, repair: bool, told: list[str]) -> None:
    """Refuse names with unseen edges, or tell that these edges were taken off."""
    if not repair:
        cure = "the name has a blank at its edge; mark it anew, or let repair=True trim it"
        file.edges.refuse(file.path, cure, file.word)
    tell(file, file.edges, "两端有空白或看不见的字符的名字", "去掉两端这些字符", told)


def tell(file: File, problems: Problems, what: str, rule: str, told: list[str]) -> None:
    """Say how many problems of a kind there are, where the first is, and what becomes of them."""
    if problems.count:
        number, first = problems.first[0]
        place = f"第 {number} {'行' if file.word == 'line' else '项'}"
        told.append(f"{file.path.name}：{problems.count} 处{what}（{place}：{first}），{rule}。")


def as_characters(sentence: Sentence) -> Sentence:
    """A sentence whose tokens may be words, cut into characters."""
    if all(len(token) == 1 for token in sentence.tokens):
        return sentence
    tokens: list[str] = []
    labels: list[str] = []
    given = sentence.labels or ["O"] * len(sentence.tokens)
    long_before = False
    for token, label in zip(sentence.tokens, given, strict=True):
        inside = label.replace("B-", "I-", 1)
        if (
            tokens
            and (long_before or len(token) > 1)
            and (tokens[-1] + token[0]).isascii()
            and (tokens[-1] + token[0]).isalnum()
        ):
            tokens.append(" ")
            labels.append(label if label[0] == "I" else "O")
        tokens += token
        labels += [label, *[inside] * (len(token) - 1)]
        long_before = len(token) > 1
    return sentence._replace(tokens=tokens, labels=labels if sentence.labels is not None else None)
