"""Sentences of a file that holds a token and its label a line."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from utils.data.content import DataError, marked_lines
from utils.data.entity_sentences import (
    LONGEST,
    Manner,
    Sentence,
    as_characters,
    noted,
    refuse_edges,
    refuse_labels,
)
from utils.data.problems import Problems
from utils.data.schemes import SCHEMES, Letters, normal_label

TOKEN_NAMES = {"token", "word", "char", "character", "text", "字", "词", "字符"}
LABEL_NAMES = {"label", "labels", "tag", "tags", "ner", "ner_tag", "ner_tags", "标签"}
PLACED = re.compile(r"(\D+|.)(0|[1-9]\d*)", re.S)  # Weibo: a character and its place in its word


class LineFile:
    """A file of lines, read in one manner, and what in it does not go with that."""

    word = "line"
    cure_of_length = "put a blank line between sentences"

    def __init__(self, path: Path, encoding: str, scheme: str | None, manner: Manner):
        self.path, self.encoding, self.scheme, self.read_as = path, encoding, scheme, manner
        self.tally, self.letters = Tally(), Letters()
        self.right: set[Line] = set()
        self.odd, self.unplaced, self.foreign = Problems(), Problems(), Problems()
        self.impossible, self.edges = Problems(), Problems()

    def manner(self) -> Manner:
        """How it should have been read, as far as it was."""
        tally = self.tally.summed_up()
        if tally.bare:
            return Manner(labelled=False)
        found = Manner.of(self.letters, self.scheme)
        return found._replace(width=tally.width, placed=tally.placed > 0.9 * tally.rows)

    def sentences(self) -> Iterator[Sentence | None]:
        """The sentences; None for one that cannot be used."""
        manner, begun, before = self.read_as, 0, 0
        for number, rows, ends in self._pieces():
            self.tally.add(rows)
            self.letters.add([line.label or "O" for line in rows])
            begun = begun or number
            piece = None
            if not manner.labelled:
                piece = Sentence([line.placeless for line in rows], None, begun, 1, before)
            elif self._are_right(number, rows) and manner.scheme:
                labels = [line.label for line in rows]
                bio = noted(labels, manner.scheme, number, 1, self.impossible)
                tokens = [line.placeless if manner.placed else line.token or " " for line in rows]
                piece = Sentence(tokens, bio, begun, 1, before)
            if ends:
                yield piece
                begun = before = 0
            elif piece:
                before += len(as_characters(piece).tokens)

    def refuse(self, repair: bool, told: list[str]) -> None:
        """Refuse what cannot be used, or tell how it was repaired."""
        if not self.read_as.labelled:
            return
        if self.tally.numbered > 0.9 * self.tally.rows:
            raise DataError(
                f"{self.path}: the first column numbers the lines or sentences; delete it, so that "
                "each line begins with its character"
            )
        if twice := self.tally.labelled_twice():
            raise DataError(
                f"{self.path}: columns {twice} hold labels of the same types, such as what is right "
                "and what a tagger said; delete the one not to be learned from"
            )
        cure = "write a character, a blank or a tab, and O, B-PER, I-PER or the like"
        self.odd.refuse(self.path, cure, "line")
        cure = "write 字0 like the others, or take the digits off everywhere"
        self.unplaced.refuse(self.path, cure, "line")
        refuse_labels(self, repair, told)
        refuse_edges(self, repair, told)

    def _pieces(self) -> Iterator[tuple[int, list[Line], bool]]:
        """The lines of each sentence, with the number of the first, and whether it ends with them."""
        rows: list[Line] = []
        number = 0
        # At \n only: texts from the web hold characters (U+2028, U+0085) that others take for ends.
        for number, text in enumerate(marked_lines(self.path, self.encoding), start=1):
            line = _parsed(text.removeprefix("\ufeff") if number == 1 else text)
            if line.divides:
                if rows:
                    yield number - len(rows), rows, True
                rows = []
            elif rows or not line.comment and not (number == 1 and line.header):
                if len(rows) > 2 * LONGEST:  # a whole file may be without blank lines
                    yield number - len(rows), rows, False
                    rows = []
                rows.append(line)
        if rows:
            yield number + 1 - len(rows), rows, True

    def _are_right(self, number: int, rows: list[Line]) -> bool:
        """Whether the lines of a sentence can be read in this manner; if not, they are noted."""
        if self.right.issuperset(rows):
            return True
        manner, right = self.read_as, True
        known = f"O{SCHEMES[manner.scheme]}" if manner.scheme else ""
        for at, line in enumerate(rows, start=number):
            noted = self.odd
            if line.width < 2:
                wrong = f"{line.token[:20]!r} has no label"
            elif line.width != manner.width and line.token:
                wrong = f"{line.width} columns instead of {manner.width}"
            elif not line.label:
                wrong = f"{line.given[:20]!r} is no label"
            elif manner.placed and not line.placed:
                noted = self.unplaced
                wrong = (
                    f"no place in its word behind {line.token[:20] or ' '!r}, as in the other lines"
                )
            elif manner.scheme and line.label[0] not in known:
                noted, wrong = self.foreign, f"label {line.label[:20]!r} is not of {manner.scheme}"
            else:
                self.right.add(line)
                continue
            right = False
            noted.add(at, wrong)
        if len(self.right) > PARSED:
            self.right.clear()
        return right


@dataclasses.dataclass(eq=False, slots=True)  # equal if it is the same: that is quicker to see
class Line:
    """One line of a file."""

    divides: bool  # whether it is blank, or says that a document begins
    comment: bool
    header: bool  # whether it names the columns
    token: str  # "": a blank of the text
    given: str  # what stands where the label should
    label: str | None  # in one form; None: it is none
    others: tuple[str | None, ...]  # the same of the columns between the token and it
    width: int  # columns
    numbered: bool  # whether a number stands before what looks like the token
    placed: bool  # whether a place in its word stands behind the token
    placeless: str  # the token without it


PARSED = 2**16  # different lines that are kept in mind


class Tally:
    """How often lines of a kind stand in a file."""

    def __init__(self):
        self.waiting: Counter[Line] = Counter()
        self.rows = self.single = self.placed = self.numbered = 0
        self.labels: Counter[int] = Counter()  # in each column, the first is 1
        self.types: defaultdict[int, set[str]] = defaultdict(set)
        self.several = False
        self.widths: Counter[int] = Counter()

    def add(self, rows: list[Line]) -> None:
        """Count the lines of a sentence."""
        self.waiting.update(rows)
        if len(self.waiting) > PARSED:
            self.summed_up()

    def summed_up(self) -> Tally:
        """The same, with the lines counted whose kinds are not yet."""
        for line, count in self.waiting.items():
            self.rows += count
            self.single += count * (len(line.placeless) == 1)
            self.placed += count * line.placed
            self.numbered += count * line.numbered
            for column, label in enumerate((*line.others, line.label), start=2):
                if label:
                    self.labels[column] += count
                    self.types[column] |= {label[2:]} - {""}  # O has no type
            if line.width > 1:
                self.several = True
                self.widths[line.width] += count * bool(line.token)
        self.waiting.clear()
        return self

    def labelled_twice(self) -> str:
        """Two columns whose labels are mostly of the same types, the last and another; "" if none.

        CoNLL-2003 has labels in two columns as well, but those of chunks are of other types.
        """
        types = self.types[self.width]
        for column in range(2, self.width):
            most = max(len(types), len(self.types[column]))
            if self.labels[column] > 0.9 * self.rows and len(types & self.types[column]) > most / 2:
                return f"{column} and {self.width}"
        return ""

    @property
    def bare(self) -> bool:
        """Whether a file holds characters without labels: one column, and little in it."""
        return bool(self.rows) and not self.several and self.single > 0.9 * self.rows

    @property
    def width(self) -> int:
        """How many columns most lines have."""
        usual = +self.widths
        return usual.most_common(1)[0][0] if usual else 2


@functools.lru_cache(maxsize=PARSED)
def _parsed(text: str) -> Line:
    line = re.sub("^\ufeff(?=\\S)", "", text.removesuffix("\n"))  # files joined by cat
    fields = _fields(line.rstrip(" \t\r"))
    token, given = fields[0], fields[-1]
    names = [field.strip('"').casefold() for field in fields]
    label = normal_label(given) if len(fields) > 1 else None
    return Line(
        not line.strip() or token == "-DOCSTART-",
        # `# id 5f3a…` before a sentence, as MultiCoNER writes it; `# O` is a character.
        line.rstrip(" \t\r").startswith("# ") and not normal_label(given),
        len(names) > 1 and names[0] in TOKEN_NAMES and names[-1] in LABEL_NAMES,
        token,
        given,
        label,
        tuple(map(normal_label, fields[1:-1])),
        len(fields),
        len(fields) > 2 and token.isdecimal() and not fields[1].isdecimal(),
        bool(PLACED.fullmatch(token or " ")),
        _placeless(token or " "),
    )


def _fields(line: str) -> list[str]:
    """The columns of a line; the first is "" where the token is a blank."""
    if "\t" in line:
        first, *others = line.split("\t")
        return [first.rstrip(" "), *(field.strip() for field in others)]
    token, _, label = line.rpartition(" ")
    if not token.strip(" "):  # a blank, its separator and its label; or one column only
        return ["", label] if line.startswith(" ") else [label]
    # At plain blanks only: U+3000 and U+00A0 are characters of a Chinese text.
    return [*(field for field in token.split(" ") if field), label]


def _placeless(token: str) -> str:
    """A token without the place in its word that Weibo NER writes behind each character.

    Where nearly all have it, the others are damaged: left alone, the digits would count as text.
    """
    found = PLACED.fullmatch(token)
    return found[1] if found else token
