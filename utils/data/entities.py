"""Load sentences with their names labelled, as characters and BIO labels, whatever form they are in.

    load_entities()                              # COURSE_DATA/ner, or the course's own sentences
    load_entities("ner/weibo_*.conll.gz")        # a pattern: one data set among several
    load_entities("cluener")                     # a folder with train.json, dev.json, test.json
    load_entities("my.txt")                      # one file: split by sentence
    to_bio(["B-PER", "E-PER", "O", "S-LOC"])     # ['B-PER', 'I-PER', 'O', 'B-LOC']

Bad input raises a DataError of one line: the file and line, what is wrong, and the cure.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from utils.data.content import DataError, decode, read_bytes
from utils.data.layout import WHOLE, Files
from utils.data.marked import Marked, marked
from utils.data.objects import each_object, is_json
from utils.data.rows import SHEETS, refuse
from utils.data.sources import parts_of, split_rows

if TYPE_CHECKING:  # importing it takes a second or two, so the loader does so when it needs it
    from datasets import DatasetDict

# The letters that a scheme writes before a type. Which of them begin an entity and which end it is
# the same in all: see `_convert`.
SCHEMES = {"BIO": "BI", "IOB1": "BI", "BMES": "BMES", "BIOES": "BIES", "BILOU": "BILU"}
BEGIN, ALONE, GO_ON, END = "B", "SU", "IM", "EL"

TOKEN_NAMES = {"token", "word", "char", "character", "text", "字", "词", "字符"}
LABEL_NAMES = {"label", "labels", "tag", "tags", "ner", "ner_tag", "ner_tags", "标签"}
LABEL = re.compile(r"O|(?P<letter>[BIMESLU])[-_](?P<type>\w[\w.\-/]*)")
PLACED = re.compile(r"(\D+|.)(0|[1-9]\d*)", re.S)  # Weibo: a character and its place in its word

NAMES = Files(
    "txt|conll|bio|bmes|bioes|bieos|iob|iob2|ner|char|tsv|json|jsonl",
    after_split=r"([._](char|ner|bio|bmes|bioes|bieos|conll))*",
    bare=True,
)

BRAT = "turn both files into CoNLL: brat's tools/anntoconll.py does so"

LONGEST = 5000  # characters; what is longer is a file without blank lines, not a sentence


class Sentence(NamedTuple):
    """One sentence. Its labels are as in the file until `_in_bio` has read them."""

    tokens: list[str]
    labels: list[str] | None  # None: the file has none
    lines: list[int]  # where each token stands, as an editor counts

    @property
    def text(self) -> str:
        """The sentence as one string."""
        return "".join(self.tokens)

    @property
    def label(self) -> str:
        """All sentences are of one kind when splits are carved."""
        return ""


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

    Raises:
        DataError: the data cannot be used; the message tells where, why and what to do.
    """
    if scheme is not None and scheme not in SCHEMES:
        raise DataError(f"scheme={scheme!r}: unknown; take one of {', '.join(SCHEMES)}")
    parts = parts_of(source, name, NAMES, "ner", "peoples_daily")
    sentences = {part: read_sentences(path, scheme, repair) for part, path in parts.items()}
    unlabelled = {part for part, found in sentences.items() if found[0].labels is None}
    splits = split_rows(sentences, parts, unlabelled, "load_entities")
    return _dataset(splits, parts, sentences)


def to_bio(labels: Sequence[str], scheme: str | None = None) -> list[str]:
    """The labels of one sentence in BIO (IOB2); what continues nothing begins an entity.

    Args:
        labels: in any of `SCHEMES`, with `-` or `_` between letter and type.
        scheme: None takes what `detect_scheme` finds in this sentence.
    Raises:
        DataError: a label that is none, or one that is not of the scheme.
    """
    return _convert(_checked(labels), scheme or detect_scheme([labels]))[0]


def impossible_labels(labels: Sequence[str], scheme: str | None = None) -> list[int]:
    """Places of the labels in one sentence that no entity can have there.

    I- (M-, E-) where no entity of its type is open, and whatever follows an entity that its
    scheme has not closed: in BMES, the O of `B-PER O`. The end of the sentence counts as the
    place after the last.
    """
    return _convert(_checked(labels), scheme or detect_scheme([labels]))[1]


def detect_scheme(sentences: Iterable[Sequence[str]]) -> str:
    """The scheme of a whole file's labels, by the letters in them: a key of `SCHEMES`.

    B and I alone are BIO, or IOB1 if entities begin with I, and B stands only where an entity
    follows another of its type. M means BMES; E or S without M, BIOES; L or U, BILOU.

    Raises:
        DataError: letters that do not go together.
    """
    sentences = [_checked(labels) for labels in sentences]
    letters = {label[0] for labels in sentences for label in labels} - {"O"}
    fitting = [scheme for scheme, known in SCHEMES.items() if letters <= set(known)]
    if not fitting:
        raise DataError(
            f"labels with {', '.join(sorted(letters))} are of no one scheme; write them in one of "
            f"{', '.join(SCHEMES)}"
        )
    if fitting[0] != "BIO":
        return "BIOES" if letters <= set("BIES") else fitting[0]
    begun_by_i = begun_by_b = 0
    for labels in sentences:
        for before, label in zip(["O", *labels], labels, strict=False):
            begun_by_i += label[0] == "I" and before[1:] != label[1:]
            begun_by_b += label[0] == "B" and before[1:] != label[1:]
    return "IOB1" if begun_by_i and not begun_by_b else "BIO"


@functools.lru_cache(maxsize=1000)
def _normal(label: str) -> str | None:
    """A label with `-` behind its letter, or None if it is none."""
    found = LABEL.fullmatch(label)
    return found and (f"{found['letter']}-{found['type']}" if found["letter"] else "O")


def _checked(labels: Sequence[str]) -> list[str]:
    normal = [_normal(label) for label in labels]
    if None in normal:
        at = normal.index(None)
        raise DataError(f"label {at}, {labels[at]!r}: write O, or B-PER and the like")
    return normal


def _convert(labels: list[str], scheme: str) -> tuple[list[str], list[int]]:
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


def read_sentences(path: Path, scheme: str | None = None, repair: bool = True) -> list[Sentence]:
    """Sentences of one file, as characters with BIO labels, or all with None for labels.

    Raises:
        DataError: see `load_entities`.
    """
    if path.name.lower().endswith(SHEETS):
        raise DataError(
            f"{path}: an Excel file; save the sheet as text between tabs (.txt): a character and its "
            "label a row, a blank row between sentences"
        )
    text = decode(read_bytes(path), path)
    _refuse_tool(path, text)
    if "\ufeff" in text:  # files joined by cat
        text = re.sub("^\ufeff(?=\\S)", "", text, flags=re.M)
    if is_json(path, text):
        sentences = _json_sentences(path, scheme, repair)
    else:
        sentences = _in_bio(_line_sentences(text, path), path, scheme, repair)
    if not sentences:
        raise DataError(f"{path}: no sentence in it; download it again, or fill it")
    sentences = [_as_characters(sentence) for sentence in sentences]
    refuse(
        path,
        [
            (sentence.lines[0], f"a sentence of {len(sentence.tokens):,} characters")
            for sentence in sentences
            if len(sentence.tokens) > LONGEST
        ],
        "put a blank line between sentences",
        "line",
    )
    return sentences


# How forms begin that are read by no loader, what they are, and how to come by one that is.
TOOLS = (
    (r"#FORMAT=WebAnno TSV", "WebAnno's own form", "export it as CoNLL 2002"),
    (r"# (sent_id|newdoc|newpar|text)\b|1\t\S+(\t[^\t\n]*){8}\n", "CoNLL-U, which has no names in it", ""),
    (r"T\d+\t\S+ \d+ \d+", "brat's marks without their text", BRAT),
    (r"\S+/[a-zA-Z]+[ \n]\S+/[a-zA-Z]+", "words with their types behind slashes", ""),
    (r"[^\t\n]*,[^\t\n]*,(ner|tag|tags|label)\s*\n|(token|word|char),(label|tag|ner)\s*\n", "a table between commas", ""),
)  # fmt: skip


def _refuse_tool(path: Path, text: str) -> None:
    for begins, what, cure in TOOLS:
        if re.match(begins, text.lstrip("\ufeff\n"), re.I):
            cure = cure or "write a character, a blank or a tab, and O, B-PER, I-PER or the like"
            raise DataError(f"{path}, line 1: {what}; {cure}")
    if path.with_suffix(".ann").is_file() and path.suffix == ".txt":
        raise DataError(f"{path}: brat's text without its marks ({path.stem}.ann); {BRAT}")


# --- Lines ---------------------------------------------------------------------------------------


def _line_sentences(text: str, path: Path) -> list[Sentence]:
    rows: list[list[tuple[int, list[str]]]] = [[]]
    # Not splitlines(): texts from the web hold characters (U+2028, U+0085) that it takes for ends.
    for number, line in enumerate(text.split("\n"), 1):
        fields = _fields(line.rstrip(" \t\r"))
        if not line.strip() or fields[0] == "-DOCSTART-":
            rows.append([])
        elif rows[-1] or not _is_comment(line, fields) and not _is_header(number, fields):
            rows[-1].append((number, fields))
    rows = [sentence for sentence in rows if sentence]
    every = [row for sentence in rows for row in sentence]
    if every and _are_bare(every):
        return [_placeless(Sentence([f[0] for _, f in s], None, [n for n, _ in s])) for s in rows]
    _refuse_odd_lines(every, path)
    sentences = [
        Sentence([f[0] or " " for _, f in s], [f[-1] for _, f in s], [n for n, _ in s])
        for s in rows
    ]
    return _without_places(sentences, path)


def _fields(line: str) -> list[str]:
    """The columns of a line; the first is "" where the token is a blank."""
    if "\t" in line:
        first, *others = line.split("\t")
        return [first if first.strip(" ") else "", *(field.strip() for field in others)]
    token, _, label = line.rpartition(" ")
    if not token.strip(" "):  # a blank, its separator and its label; or one column only
        return ["", label] if line.startswith(" ") else [label]
    # At plain blanks only: U+3000 and U+00A0 are characters of a Chinese text.
    return [*(field for field in token.split(" ") if field), label]


def _is_comment(line: str, fields: list[str]) -> bool:
    """`# id 5f3a…` before a sentence, as MultiCoNER writes it; `# O` is a character."""
    return line.startswith("# ") and not _normal(fields[-1])


def _is_header(number: int, fields: list[str]) -> bool:
    """The names of the columns, in the first line."""
    names = [field.strip('"').casefold() for field in fields]
    return number == 1 and len(names) > 1 and names[0] in TOKEN_NAMES and names[-1] in LABEL_NAMES


def _are_bare(rows: list[tuple[int, list[str]]]) -> bool:
    """Whether a file holds characters without labels: one column, and little in it."""
    if any(len(fields) > 1 for _, fields in rows):
        return False
    return sum(len(_placeless_token(fields[0])) == 1 for _, fields in rows) > 0.9 * len(rows)


def _refuse_odd_lines(rows: list[tuple[int, list[str]]], path: Path) -> None:
    usual = Counter(len(fields) for _, fields in rows if fields[0] and len(fields) > 1)
    count = usual.most_common(1)[0][0] if usual else 2
    problems = []
    for number, fields in rows:
        if len(fields) < 2:
            problems.append((number, f"{fields[0][:20]!r} has no label"))
        elif len(fields) != count and fields[0]:
            problems.append((number, f"{len(fields)} columns instead of {count}"))
        elif not _normal(fields[-1]):
            problems.append((number, f"{fields[-1][:20]!r} is no label"))
    refuse(
        path,
        problems,
        "write a character, a blank or a tab, and O, B-PER, I-PER or the like",
        "line",
    )


def _placeless_token(token: str) -> str:
    found = PLACED.fullmatch(token)
    return found[1] if found else token


def _placeless(sentence: Sentence) -> Sentence:
    return sentence._replace(tokens=[_placeless_token(token) for token in sentence.tokens])


def _without_places(sentences: list[Sentence], path: Path) -> list[Sentence]:
    """Take away the place in its word that Weibo NER writes behind each character, if all have it.

    Where nearly all have it, the others are damaged: left alone, the digits would count as text.
    """
    tokens = [token for sentence in sentences for token in sentence.tokens]
    placed = sum(bool(PLACED.fullmatch(token)) for token in tokens)
    if placed <= 0.9 * len(tokens):
        return sentences
    problems = [
        (number, f"no place in its word behind {token[:20]!r}, as in the other lines")
        for sentence in sentences
        for token, number in zip(sentence.tokens, sentence.lines, strict=True)
        if not PLACED.fullmatch(token)
    ]
    refuse(path, problems, "write 字0 like the others, or take the digits off everywhere", "line")
    return [_placeless(sentence) for sentence in sentences]


def _in_bio(
    sentences: list[Sentence], path: Path, scheme: str | None, repair: bool
) -> list[Sentence]:
    if not sentences or sentences[0].labels is None:
        return sentences
    try:
        scheme = scheme or detect_scheme(sentence.labels for sentence in sentences)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    known = f"O{SCHEMES[scheme]}"
    foreign = [
        (number, f"label {label[:20]!r} is not of {scheme}")
        for sentence in sentences
        for label, number in zip(sentence.labels, sentence.lines, strict=True)
        if label[0] not in known
    ]
    refuse(path, foreign, "correct it, or give another scheme=", "line")
    converted, problems = [], []
    for sentence in sentences:
        labels = _checked(sentence.labels)
        bio, impossible = _convert(labels, scheme)
        converted.append(sentence._replace(labels=bio))
        for place in impossible:
            here = [*labels, "the end"][place]
            before = labels[place - 1] if place else "the beginning"
            line = sentence.lines[min(place, len(labels) - 1)]
            problems.append((line, f"{here} after {before}"))
    if not repair:
        refuse(path, problems, "impossible; correct it, or let repair=True do so", "line")
    _tell(path, problems, "不可能的标签", "接不上的改成 B-，没有收尾的到此为止")
    return converted


def _tell(path: Path, problems: list[tuple[int, str]], what: str, rule: str) -> None:
    if problems:
        number, first = problems[0]
        print(f"{path.name}：{len(problems)} 处{what}（第 {number} 行：{first}），{rule}。")


def _as_characters(sentence: Sentence) -> Sentence:
    if all(len(token) == 1 for token in sentence.tokens):
        return sentence
    tokens: list[str] = []
    labels: list[str] = []
    lines: list[int] = []
    given = sentence.labels or ["O"] * len(sentence.tokens)
    long_before = False
    for token, label, line in zip(sentence.tokens, given, sentence.lines, strict=True):
        inside = label.replace("B-", "I-", 1)
        if (
            tokens
            and (long_before or len(token) > 1)
            and (tokens[-1] + token[0]).isascii()
            and (tokens[-1] + token[0]).isalnum()
        ):
            tokens.append(" ")
            labels.append(label if label[0] == "I" else "O")
            lines.append(line)
        tokens += token
        labels += [label, *[inside] * (len(token) - 1)]
        lines += [line] * len(token)
        long_before = len(token) > 1
    return Sentence(tokens, labels if sentence.labels is not None else None, lines)


# --- JSON ----------------------------------------------------------------------------------------


JSON_CURE = (
    'write {"text": "…", "label": {"name": {"surface": [[start, end]]}}}, end included, '
    '{"text": "…", "label": [[start, end, "PER"]]}, end not included, or '
    '{"tokens": ["…"], "labels": ["B-PER"]}'
)


def _json_sentences(path: Path, scheme: str | None, repair: bool) -> list[Sentence]:
    found = [(number, marked(item)) for number, item in each_object(path)]
    if any(each.tokens is not None for _, each in found):
        return _in_bio(_tagged_sentences(found, path), path, scheme, repair)
    sentences, problems, overlaps = [], [], []
    labelled = any(each.names is not None or each.wrong for _, each in found)
    for number, each in found:
        text = each.text
        if not isinstance(text, str):
            problems.append((number, "no text"))
        elif not text.strip():
            problems.append((number, "the text is empty"))
        elif not labelled:
            sentences.append(Sentence(list(text), None, [number] * len(text)))
        elif each.names is None:
            problems.append((number, each.wrong or "no label, unlike the others"))
        else:
            spans, wrong = _spans(each)
            problems += [(number, what) for what in wrong]
            labels, within = _labels_of(text, spans)
            overlaps += [(number, what) for what in within]
            sentences.append(Sentence(list(text), labels, [number] * len(text)))
    refuse(path, problems, JSON_CURE, "line")
    if not repair:
        refuse(path, overlaps, "leave one of them, or let repair=True do so", "line")
    _tell(path, overlaps, "重叠的实体", "只留较长的一个")
    return sentences


def _tagged_sentences(found: list[tuple[int, Marked]], path: Path) -> list[Sentence]:
    """Sentences of tokens with a label each, as they stand in the file."""
    sentences, problems = [], []
    labelled = any(each.labels is not None for _, each in found)
    for number, each in found:
        tokens, labels = each.tokens, each.labels
        if not tokens or not all(isinstance(token, str) and token for token in tokens):
            problems.append((number, f"tokens are {str(tokens)[:30]!r}"))
        elif labelled and not isinstance(labels, list):
            problems.append((number, "no labels, unlike the others"))
        elif labelled and len(labels) != len(tokens):
            problems.append((number, f"{len(tokens)} tokens and {len(labels)} labels"))
        elif labelled and (odd := [x for x in labels if not isinstance(x, str) or not _normal(x)]):
            ids = ", an id without its name" if isinstance(odd[0], int) else ""
            problems.append((number, f"{str(odd[0])[:20]!r} is no label{ids}"))
        else:
            labels = labels if labelled else None
            sentences.append(Sentence(list(tokens), labels, [number] * len(tokens)))
    refuse(path, problems, JSON_CURE, "line")
    return sentences


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
        if not isinstance(kind, str) or not _normal(f"B-{kind}"):
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


def _dataset(splits: dict[str, list[Sentence]], parts, sentences) -> DatasetDict:
    from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

    features = Features({"tokens": List(Value("string"))})
    if list(splits) != ["test"]:
        training = WHOLE if WHOLE in sentences else "train"
        types = sorted(_types(sentences[training]))
        if not types:
            raise DataError(f"{parts[training]}: not one entity in it; take a file with labels")
        for part, found in sentences.items():
            if unknown := sorted(_types(found) - set(types)):
                print(
                    f"{parts[part].name}：有训练数据里没有的类型 {'、'.join(unknown)[:80]}，"
                    "模型学不到它们；若是笔误，请改正。"
                )
                types += unknown
        names = ["O", *(f"{letter}-{kind}" for kind in sorted(types) for letter in "BI")]
        features["labels"] = List(ClassLabel(names=names))
        ids = {name: number for number, name in enumerate(names)}
    return DatasetDict(
        {
            split: Dataset.from_dict(
                {"tokens": [sentence.tokens for sentence in found]}
                | (
                    {"labels": [[ids[label] for label in s.labels] for s in found]}
                    if "labels" in features
                    else {}
                ),
                features=features,
            )
            for split, found in splits.items()
        }
    )


def _types(sentences: list[Sentence]) -> set[str]:
    return {label[2:] for sentence in sentences for label in sentence.labels or [] if label != "O"}
