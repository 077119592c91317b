"""Load sentences with their names labelled, as characters and BIO labels, whatever form they are in.

    load_entities()                              # COURSE_DATA/ner, or the course's own sentences
    load_entities("ner/weibo_*.conll.gz")        # a pattern: one data set among several
    load_entities("cluener")                     # a folder with train.json, dev.json, test.json
    load_entities("my.txt")                      # one file: split by sentence

Bad input raises a DataError of one line: the file and line, what is wrong, and the cure.
"""

from __future__ import annotations

import itertools
import re
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from utils.data.content import DataError, beginning, encoding_of
from utils.data.entity_json import JsonFile
from utils.data.entity_lines import LineFile
from utils.data.entity_sentences import LONGEST, File, Manner, as_characters, tell, trimmed
from utils.data.layout import WHOLE, Files
from utils.data.objects import is_json
from utils.data.problems import SHEETS, Problems
from utils.data.rows import plain_name
from utils.data.schemes import SCHEMES
from utils.data.sources import Staged, parts_of, read_parts, share_out
from utils.data.splits import as_numbers, digest_of
from utils.data.staging import Shelf, arrow_splits, write_splits

if TYPE_CHECKING:  # importing them takes a second or two, so the loader does so when it needs them
    import pyarrow
    from datasets import DatasetDict, Features

NAMES = Files(
    "txt|conll|bio|bmes|bioes|bieos|iob|iob2|ner|char|tsv|json|jsonl",
    after_split=r"([._](char|ner|bio|bmes|bioes|bieos|conll))*",
    bare=True,
)

BRAT = "turn both files into CoNLL: brat's tools/anntoconll.py does so"


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
            entity that is not closed ends where it ends, of two that overlap (JSON) the longer one
            counts, and blanks at the edges of a name go; how many there were is printed. False
            refuses them by line.

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
    tell(file, read.blank, "只有空白的句子", "略去", told)
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


def _read(file: File, shelf: Shelf, name: str, advance: Callable[[int], object]) -> Found:
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
            sentence = trimmed(as_characters(sentence), file.edges)
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
