"""Load sentences with their names labelled, as characters and BIO labels, whatever form they are in.

    load_entities()                              # COURSE_DATA/ner, or the course's own sentences
    load_entities("ner/weibo_*.conll.gz")        # a pattern: one data set among several
    load_entities("cluener")                     # a folder with train.json, dev.json, test.json
    load_entities("my.txt")                      # one file: split by sentence

Bad input raises a DataError of one line: the file and line, what is wrong, and the cure.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from utils.data.content import DataError, beginning, encoding_of, marked_lines
from utils.data.layout import WHOLE, Files
from utils.data.marked import Marked, marked
from utils.data.objects import each_object, is_json, word_of
from utils.data.rows import SHEETS, Problems, object_splits_watch, plain_name
from utils.data.schemes import SCHEMES, Letters, converted, normal_label
from utils.data.sources import Staged, parts_of, read_parts, share_out
from utils.data.splits import as_numbers, digest_of
from utils.data.staging import Shelf, arrow_splits, write_splits

if TYPE_CHECKING:  # importing them takes a second or two, so the loader does so when it needs them
    import pyarrow
    from datasets import DatasetDict, Features

TOKEN_NAMES = {"token", "word", "char", "character", "text", "字", "词", "字符"}
LABEL_NAMES = {"label", "labels", "tag", "tags", "ner", "ner_tag", "ner_tags", "标签"}
PLACED = re.compile(r"(\D+|.)(0|[1-9]\d*)", re.S)  # Weibo: a character and its place in its word

NAMES = Files(
    "txt|conll|bio|bmes|bioes|bieos|iob|iob2|ner|char|tsv|json|jsonl",
    after_split=r"([._](char|ner|bio|bmes|bioes|bieos|conll))*",
    bare=True,
)

BRAT = "turn both files into CoNLL: brat's tools/anntoconll.py does so"

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


def load_entities(
    source: str | Path | None = None,
    name: str = "",
    scheme: str | None = None,
    repair: bool = True,
) -> DatasetDict:
    """Sentences as characters with BIO labels, split into train, validation and test.

    Files hold one token and its label a line, with a blank or a tab between them and a blank line
    between sentences (where there are more columns, the first and the last count), or JSON objects
    as CLUENER, doccano, Label Studio and others write them (see `marked`); each may be compressed
    with gzip.

    - A line that begins with its separator holds a blank of the text.
    - Tokens of several characters are cut into characters: B-X I-X I-X. Between two Latin words
      that are a token each, the blank that the writer left out is put back.
    - A digit behind every token (`字0`) is its place in its word, as Weibo NER writes it, and goes.
    - Labels in IOB1, BMES, BIOES or BILOU become BIO. Types stay as they are (`PER.NAM`).

    Args:
        source: a file, an archive, a folder with [name_]{train,val,test}.txt or the like, or a
            pattern. None takes COURSE_DATA/ner, or else the course's own sentences.
        name: takes the files <name>_train.txt … where a folder holds several data sets; from
            COURSE_DATA, peoples_daily if nothing else is said.
        scheme: a key of `SCHEMES`; None detects it for each file, see `detect_scheme`.
        repair: a label that continues nothing (I-PER after O or after B-LOC) begins an entity, an
            entity that is not closed ends where it ends, and of two that overlap (JSON) the longer
            one counts; how many there were is printed. False refuses them by line.

    Returns:
        Splits train, validation, test, each with `tokens` (list of characters) and `labels` (list
        of ClassLabel: O, then B- and I- of each type, sorted). A split that the source lacks is
        taken from its training sentences: a tenth, the same ones each time, equal sentences
        never on two sides. A file without labels is left aside, with a line that says so.

        Memory does not grow with the sentences. What more than 16 MB of files give is kept as Arrow
        in the cache, see `load_texts`.

    Raises:
        DataError: the data cannot be used; the message tells where, why and what to do.
    """
    if scheme is not None and scheme not in SCHEMES:
        raise DataError(f"scheme={scheme!r}: unknown; take one of {', '.join(SCHEMES)}")
    parts = parts_of(source, name, NAMES, "ner", "peoples_daily")

    def split(shelf: Shelf, size: int) -> list[str]:
        told: list[str] = []

        def read(part: str, path: Path, advance: Callable[[int], object]) -> Staged:
            return _stage(path, scheme, repair, shelf, f"{part}.staged", told, advance)

        staged = read_parts(parts, read, size)
        shares = share_out(staged, parts, "load_entities", told)
        labelled = list(shares.values()) != [(["test"], None)]
        names = _label_names(staged, parts, told) if labelled else []
        write_splits(shelf, shares, _features(names), _finished(staged, names))
        return told

    paths = [str(path) for path in parts.values()]
    return arrow_splits(parts, ("entities", scheme, repair, paths), split, GROWTH)


# Bytes of Arrow that come of one of a file, while it is read and written: fifteen a character, and
# four before that.
GROWTH = 4


def _stage(
    path: Path,
    scheme: str | None,
    repair: bool,
    shelf: Shelf,
    name: str,
    told: list[str],
    advance: Callable[[int], object],
) -> Staged:
    """Put the sentences of one file on the shelf, as characters with BIO labels.

    Raises:
        DataError: see `load_entities`.
    """
    if path.name.lower().endswith(SHEETS):
        raise DataError(
            f"{path}: an Excel file; save the sheet as text between tabs (.txt): a character and its "
            "label a row, a blank row between sentences"
        )
    encoding = encoding_of(path)
    begun = beginning(path, encoding)
    _refuse_tool(path, begun)
    kind = JsonFile if is_json(path, begun) else LineFile
    # Read as its beginning suggests; only where the rest says otherwise, once more.
    file = kind(path, encoding, scheme, Manner())
    for _ in itertools.islice(file.sentences(), BEGINNING):
        pass
    manner = file.manner()
    while True:
        file = kind(path, encoding, scheme, manner)
        read = _read(file, shelf, name, advance)
        if file.manner() == manner:
            break
        manner = file.manner()
    file.refuse(repair, told)
    if not read.count and not read.long.count:
        raise DataError(f"{path}: no sentence in it; download it again, or fill it")
    read.long.refuse(path, file.cure_of_length, file.word)
    if kind is LineFile and 20 <= read.count + read.blank.count == file.tally.rows:
        raise DataError(
            f"{path}: a blank line behind each of its {file.tally.rows:,} lines, so that every character "
            "would be a sentence; leave blank lines between sentences only"
        )
    _tell(file, read.blank, "只有空白的句子", "略去", told)
    return Staged(not manner.labelled, as_numbers(read.digests), about=read.labels)


BEGINNING = 1000  # sentences that tell how a file is probably to be read
BYTES = 16  # that a character takes while it is read, with its label


class Found(NamedTuple):
    """What one reading of a file came to, besides its rows."""

    count: int
    long: Problems
    blank: Problems
    digests: bytearray
    labels: list[str]  # in BIO, by their codes


def _read(
    file: LineFile | JsonFile, shelf: Shelf, name: str, advance: Callable[[int], object]
) -> Found:
    import pyarrow

    count, long, blank, digests = 0, Problems(), Problems(), bytearray()
    code_of: dict[str, int] = {}
    schema = pyarrow.schema({"text": pyarrow.string(), "labels": pyarrow.list_(pyarrow.int32())})

    def batch_of(rows: list[tuple[str, array]]) -> pyarrow.RecordBatch:
        texts, codes = zip(*rows, strict=True)
        bounds = np.cumsum([0, *map(len, codes)], dtype=np.int32)
        flat = np.frombuffer(b"".join(codes), np.int32)
        columns = [
            pyarrow.array(texts, pyarrow.string()),
            pyarrow.ListArray.from_arrays(bounds, flat),
        ]
        return pyarrow.RecordBatch.from_arrays(columns, schema=schema)

    with shelf.rows(name, schema, batch_of, advance) as put:
        for sentence in file.sentences():
            if sentence is None:
                continue
            sentence = _as_characters(sentence)
            if (length := sentence.before + len(sentence.tokens)) > LONGEST:
                long.add(sentence.line, f"a sentence of {length:,} characters")
                continue
            text = "".join(sentence.tokens)
            if sentence.labels is not None and not text.strip():
                blank.add(sentence.line, f"{text[:10]!r}")
                continue
            count += 1
            digests += digest_of(text)
            codes = [code_of.setdefault(label, len(code_of)) for label in sentence.labels or ()]
            put((text, array("i", codes)), BYTES * len(text))
    return Found(count, long, blank, digests, list(code_of))


# How forms begin that are read by no loader, what they are, and how to come by one that is.
TOOLS = (
    (r"#FORMAT=WebAnno TSV", "WebAnno's own form", "export it as CoNLL 2002"),
    (r"# (sent_id|newdoc|newpar|text)\b|1\t\S+(\t[^\t\n]*){8}\n", "CoNLL-U, which has no names in it", ""),
    (r"T\d+\t\S+ \d+ \d+", "brat's marks without their text", BRAT),
    (r"\S+/[a-zA-Z]+[ \n]\S+/[a-zA-Z]+", "words with their types behind slashes", ""),
    (r"[^\t\n]*,[^\t\n]*,(ner|tag|tags|label)\s*\n|(token|word|char),(label|tag|ner)\s*\n", "a table between commas", ""),
)  # fmt: skip


def _refuse_tool(path: Path, text: str) -> None:
    """Refuse a file that begins as one of `TOOLS`."""
    for begins, what, cure in TOOLS:
        if re.match(begins, text.lstrip("\ufeff\n"), re.I):
            cure = cure or "write a character, a blank or a tab, and O, B-PER, I-PER or the like"
            raise DataError(f"{path}, line 1: {what}; {cure}")
    if path.with_suffix(".ann").is_file() and path.suffix == ".txt":
        raise DataError(f"{path}: brat's text without its marks ({path.stem}.ann); {BRAT}")


# --- Lines ---------------------------------------------------------------------------------------


class LineFile:
    """A file of lines, read in one manner, and what in it does not go with that."""

    word = "line"
    cure_of_length = "put a blank line between sentences"

    def __init__(self, path: Path, encoding: str, scheme: str | None, manner: Manner):
        self.path, self.encoding, self.scheme, self.read_as = path, encoding, scheme, manner
        self.tally, self.letters = Tally(), Letters()
        self.right: set[Line] = set()
        self.odd, self.unplaced, self.foreign = Problems(), Problems(), Problems()
        self.impossible = Problems()

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
                bio = _noted(labels, manner.scheme, number, 1, self.impossible)
                tokens = [line.placeless if manner.placed else line.token or " " for line in rows]
                piece = Sentence(tokens, bio, begun, 1, before)
            if ends:
                yield piece
                begun = before = 0
            elif piece:
                before += len(_as_characters(piece).tokens)

    def refuse(self, repair: bool, told: list[str]) -> None:
        """Refuse what cannot be used, or tell how it was repaired."""
        if not self.read_as.labelled:
            return
        cure = "write a character, a blank or a tab, and O, B-PER, I-PER or the like"
        self.odd.refuse(self.path, cure, "line")
        cure = "write 字0 like the others, or take the digits off everywhere"
        self.unplaced.refuse(self.path, cure, "line")
        _refuse_labels(self, repair, told)

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
    width: int  # columns
    placed: bool  # whether a place in its word stands behind the token
    placeless: str  # the token without it


PARSED = 2**16  # different lines that are kept in mind


class Tally:
    """How often lines of a kind stand in a file."""

    def __init__(self):
        self.waiting: Counter[Line] = Counter()
        self.rows = self.single = self.placed = 0
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
            if line.width > 1:
                self.several = True
                self.widths[line.width] += count * bool(line.token)
        self.waiting.clear()
        return self

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
        len(fields),
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


def _noted(labels: list[str], scheme: str, line: int, step: int, impossible: Problems) -> list[str]:
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


def _refuse_labels(file: LineFile | JsonFile, repair: bool, told: list[str]) -> None:
    if file.read_as.wrong:
        raise DataError(f"{file.path}: {file.read_as.wrong}")
    file.foreign.refuse(file.path, "correct it, or give another scheme=", file.word)
    if not repair:
        cure = "impossible; correct it, or let repair=True do so"
        file.impossible.refuse(file.path, cure, file.word)
    rule = "接不上的改成 B-，没有收尾的到此为止"
    _tell(file, file.impossible, "不可能的标签", rule, told)


def _tell(
    file: LineFile | JsonFile, problems: Problems, what: str, rule: str, told: list[str]
) -> None:
    if problems.count:
        number, first = problems.first[0]
        place = f"第 {number} {'行' if file.word == 'line' else '项'}"
        told.append(f"{file.path.name}：{problems.count} 处{what}（{place}：{first}），{rule}。")


def _as_characters(sentence: Sentence) -> Sentence:
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


# --- JSON ----------------------------------------------------------------------------------------


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
        self.foreign, self.impossible = Problems(), Problems()

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
            _refuse_labels(self, repair, told)
        if not repair:
            cure = "leave one of them, or let repair=True do so"
            self.overlaps.refuse(self.path, cure, self.word)
        _tell(self, self.overlaps, "重叠的实体", "只留较长的一个", told)

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
        bio = _noted(labels, manner.scheme, number, 0, self.impossible)
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


# --- Data sets -----------------------------------------------------------------------------------


def _label_names(staged: dict[str, Staged], parts, told: list[str]) -> list[str]:
    """The names of all labels in the order of their ids."""
    training = WHOLE if WHOLE in staged else "train"
    types = sorted(_types(staged[training]))
    if not types:
        raise DataError(f"{parts[training]}: not one entity in it; take a file with labels")
    for part, found in staged.items():
        if unknown := sorted(_types(found) - set(types)):
            told.append(
                f"{parts[part].name}：有训练数据里没有的类型 {'、'.join(unknown)[:80]}，"
                "模型学不到它们；若是笔误，请改正。"
            )
            types += unknown
    for one, other in itertools.combinations(sorted(types), 2):
        if plain_name(one) == plain_name(other):
            told.append(
                f"{parts[training].name}：类型 {one} 和 {other} 只差大小写或全角半角，算作两类；"
                "若是同一类，请写成一样。"
            )
    return ["O", *(f"{letter}-{kind}" for kind in sorted(types) for letter in "BI")]


def _types(staged: Staged) -> set[str]:
    return {label[2:] for label in staged.about if label != "O"}


def _features(names: list[str]) -> Features:
    from datasets import ClassLabel, Features, List, Value

    features = {"tokens": List(Value("string"))}
    if names:
        features["labels"] = List(ClassLabel(names=names))
    return Features(features)


def _finished(
    staged: dict[str, Staged], names: list[str]
) -> Callable[[str, pyarrow.RecordBatch], list[pyarrow.Array]]:
    """What makes the columns of the data set of a staged batch."""
    import pyarrow

    ids = {name: number for number, name in enumerate(names)}
    id_of = {
        part: np.array([ids.get(label, 0) for label in found.about], np.int64)
        for part, found in staged.items()
    }

    def finished(part: str, batch: pyarrow.RecordBatch) -> list[pyarrow.Array]:
        columns = [_characters(batch.column("text"))]
        if names:
            labels = batch.column("labels")
            numbers = id_of[part][labels.values.to_numpy()]
            columns.append(pyarrow.ListArray.from_arrays(labels.offsets, numbers))
        return columns

    return finished


def _characters(texts: pyarrow.StringArray) -> pyarrow.ListArray:
    """The characters of each text, whose bytes they share."""
    import pyarrow

    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[: len(texts) + 1]
    bytes_of = np.frombuffer(data, np.uint8)[: bounds[-1]]
    starts = np.flatnonzero(bytes_of & 0xC0 != 0x80)  # in UTF-8 all other bytes begin with 10
    places = np.append(starts, bounds[-1]).astype(np.int32)
    each = pyarrow.StringArray.from_buffers(len(starts), pyarrow.py_buffer(places), data)
    return pyarrow.ListArray.from_arrays(np.searchsorted(starts, bounds).astype(np.int32), each)
