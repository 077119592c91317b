"""Sentences of a file of JSON: texts with their names, or tokens with a label each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from utils.data.entity_sentences import (
    Manner,
    Sentence,
    noted,
    refuse_edges,
    refuse_labels,
    tell,
)
from utils.data.marked import Marked, marked
from utils.data.objects import each_object, word_of
from utils.data.problems import Problems
from utils.data.rows import object_splits_watch
from utils.data.schemes import SCHEMES, Letters, normal_label

JSON_CURE = (
    'write {"text": "…", "label": {"name": {"surface": [[start, end]]}}}, end included, '
    '{"text": "…", "label": [[start, end, "PER"]]}, end not included, or '
    '{"tokens": ["…"], "labels": ["B-PER"]}'
)


class JsonFile:
    """A file of JSON, read in one manner, and what in it does not go with that."""

    cure_of_length = "cut it into sentences, and count their places anew"

    def __init__(self, path: Path, encoding: str, scheme: str | None, manner: Manner):
        self.path, self.scheme, self.read_as = path, scheme, manner
        self.letters = Letters()
        self.tagged = self.labelled = self.named = False
        self.odd, self.overlaps = Problems(), Problems()
        self.foreign, self.impossible, self.edges = Problems(), Problems(), Problems()

    def manner(self) -> Manner:
        """How it should have been read, as far as it was."""
        if not self.tagged:
            return Manner(labelled=self.named)
        found = Manner.of(self.letters, self.scheme) if self.labelled else Manner(labelled=False)
        return found._replace(tagged=True)

    @property
    def word(self) -> str:
        """What its numbers count."""
        return word_of(self.path)

    def sentences(self) -> Iterator[Sentence | None]:
        """The sentences; None for one that cannot be used."""
        refuse_splits = object_splits_watch(self.path)
        for number, item in each_object(self.path, "data"):
            refuse_splits(number, item)
            each = marked(item)
            self.tagged = self.tagged or each.tokens is not None
            self.labelled = self.labelled or each.labels is not None
            self.named = self.named or each.names is not None or bool(each.wrong)
            if each.tokens and isinstance(each.labels, list) and not _unfit(each, True):
                self.letters.add([normal_label(label) for label in each.labels])
            yield self._tagged(each, number) if self.read_as.tagged else self._named(each, number)

    def refuse(self, repair: bool, told: list[str]) -> None:
        """Refuse what cannot be used, or tell how it was repaired."""
        self.odd.refuse(self.path, JSON_CURE, self.word)
        if self.read_as.tagged and self.read_as.labelled:
            refuse_labels(self, repair, told)
        if not repair:
            cure = "leave one of them, or let repair=True do so"
            self.overlaps.refuse(self.path, cure, self.word)
        tell(self, self.overlaps, "重叠的实体", "只留较长的一个", told)
        refuse_edges(self, repair, told)

    def _named(self, each: Marked, number: int) -> Sentence | None:
        """A text with its names."""
        text = each.text
        if not isinstance(text, str):
            return self.odd.add(number, "no text")
        if not text.strip():
            return self.odd.add(number, "the text is empty")
        if not self.read_as.labelled:
            return Sentence(list(text), None, number)
        if each.names is None:
            return self.odd.add(number, each.wrong or "no label, unlike the others")
        spans, wrong = _spans(each)
        for what in wrong:
            self.odd.add(number, what)
        labels, within = _labels_of(text, spans)
        for what in within:
            self.overlaps.add(number, what)
        return Sentence(list(text), labels, number)

    def _tagged(self, each: Marked, number: int) -> Sentence | None:
        """Tokens with a label each, as they stand in the file."""
        manner = self.read_as
        if wrong := _unfit(each, manner.labelled):
            return self.odd.add(number, wrong)
        if not manner.labelled:
            return Sentence(list(each.tokens), None, number)
        if not manner.scheme:
            return None
        labels = [normal_label(label) for label in each.labels]
        known = f"O{SCHEMES[manner.scheme]}"
        foreign = [label for label in labels if label[0] not in known]
        for label in foreign:
            self.foreign.add(number, f"label {label[:20]!r} is not of {manner.scheme}")
        if foreign:
            return None
        bio = noted(labels, manner.scheme, number, 0, self.impossible)
        return Sentence(list(each.tokens), bio, number)


def _unfit(each: Marked, labelled: bool) -> str:
    """What is wrong with tokens that have a label each, or ""."""
    tokens, labels = each.tokens, each.labels
    if not tokens or not all(isinstance(token, str) and token for token in tokens):
        return f"tokens are {str(tokens)[:30]!r}"
    if labelled and not isinstance(labels, list):
        return "no labels, unlike the others"
    if labelled and len(labels) != len(tokens):
        return f"{len(tokens)} tokens and {len(labels)} labels"
    if labelled and (odd := [x for x in labels if not isinstance(x, str) or not normal_label(x)]):
        ids = ", an id without its name" if isinstance(odd[0], int) else ""
        return f"{str(odd[0])[:20]!r} is no label{ids}"
    return ""


def _labels_of(text: str, spans: set[tuple[int, int, str]]) -> tuple[list[str], list[str]]:
    """BIO labels of the characters, and what was left out for a longer name."""
    labels, within = ["O"] * len(text), []
    for start, end, kind in sorted(spans, key=lambda span: (span[0] - span[1], span)):
        if any(label != "O" for label in labels[start : end + 1]):
            within.append(f"{kind} {text[start : end + 1][:20]!r} within a longer name")
        else:
            labels[start : end + 1] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start)
    return labels, within


def _spans(each: Marked) -> tuple[set[tuple[int, int, str]], list[str]]:
    """Entities as (start, end included, type), and what is wrong with others."""
    spans, wrong, text = set(), [], each.text
    for start, end, kind, surface in each.names:
        if not isinstance(kind, str) or not normal_label(f"B-{kind}"):
            wrong.append(f"type {str(kind)[:20]!r} is no name")
            continue
        if type(start) is not int or type(end) is not int:
            place = start if end is None else [start, end]
            wrong.append(f"{str(surface or kind)[:20]!r} has the place {str(place)[:20]!r}")
            continue
        last = end if each.inclusive else end - 1
        if each.inclusive is None and surface is None:
            wrong.append(f"whether {end} is in the name from {start} is not said")
        elif each.inclusive is None and text[start : end + 1] == surface:
            spans.add((start, end, kind))
        elif not 0 <= start <= last < len(text) or (
            surface is not None and text[start : last + 1] != surface
        ):
            wrong.append(_misplaced(text, surface, start, end, each.inclusive))
        else:
            spans.add((start, last, kind))
    return spans, wrong


def _misplaced(text: str, surface: str | None, start: int, end: int, inclusive: bool | None) -> str:
    if surface is None:
        return f"[{start}, {end}] is not within the text's {len(text)} characters"
    stands = [at for at in range(len(text)) if surface and text.startswith(surface, at)]
    there = text[max(start, 0) : max(end + bool(inclusive), 0)]
    over = len(surface) - bool(inclusive)  # from a start to the end that belongs to it
    if start in stands and abs(end - start - over) == 1:
        return f"{surface[:20]!r} ends at {start + over}, not at {end}"
    if len(stands) == 1:
        at = stands[0]
        return f"{surface[:20]!r} stands at [{at}, {at + over}], not at [{start}, {end}]"
    return f"at [{start}, {end}] stands {there[:20]!r}, not {surface[:20]!r}"
