"""Load pairs of sentences with a label, a score or both, whatever form they are in.

    load_pairs()                                 # COURSE_DATA/pairs, or the course's own pairs
    load_pairs("pairs/stsb_zh_*.csv.gz")         # a pattern: one data set among several
    load_pairs("ocnli")                          # a folder with train.json, dev.json, test.json
    load_pairs("my.csv", classes=["不同", "相同"])  # one file: split by label; names for 0 and 1

Bad input raises a DataError of one line: the file and row, what is wrong, and the cure.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from utils.data.content import DataError, decode, read_bytes
from utils.data.layout import WHOLE, Files
from utils.data.objects import each_object, is_json, refuse_columns
from utils.data.rows import (
    SEVERAL,
    column_names,
    is_empty_cell,
    is_seen,
    pair_columns,
    read_class_file,
    refuse,
    table_rows,
    without_blank_end,
)
from utils.data.sources import parts_of, split_rows
from utils.data.tables import read_table

if TYPE_CHECKING:  # importing it takes a second or two, so the loader does so when it needs it
    from datasets import DatasetDict

NLI_CLASSES = ("entailment", "neutral", "contradiction")  # the order of SNLI's ids on the Hub

LABEL_COLUMNS = ("label", "gold_label", "is_duplicate", "标签", "类别")
SCORE_COLUMNS = ("score", "similarity", "similarity_score", "相似度", "分数")

TABLES = Files("csv|tsv|txt|json|jsonl|ndjson|xlsx|xlsm|parquet")
BINARY = (".xlsx", ".xlsm", ".parquet")

NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?", re.ASCII)
CURE = "name the columns sentence1, sentence2 and label or score in the first row"


class Pair(NamedTuple):
    """One pair as it stands in the file. What the file does not say is ""."""

    number: int  # the line the row starts on, as an editor counts
    sentence1: str
    sentence2: str
    given: str  # the label
    score: str
    others: dict[str, str]
    group: str = ""  # pairs that share a sentence share it
    stratum: str = ""  # the labels that occur in the group

    @property
    def text(self) -> str:
        """Splits are carved by groups: one stays on one side."""
        return self.group

    @property
    def label(self) -> str:
        """Each split gets its share of each stratum."""
        return self.stratum


def load_pairs(
    source: str | Path | None = None,
    name: str = "",
    classes: Sequence[str] | str | Path | None = None,
) -> DatasetDict:
    """Pairs of sentences with a label, a score or both, split into train, validation and test.

    Files are CSV or tab-separated with the columns sentence1, sentence2 and label or score (other
    names: `rows.PAIR_COLUMNS`, `LABEL_COLUMNS`, `SCORE_COLUMNS`; what was taken for what is
    printed), lines of sentence1<TAB>sentence2<TAB>label without a first row (LCQMC), or a JSON
    object a line with such keys (CLUE), each also compressed with gzip; or .xlsx and .parquet.

    - Scores run from 0 to 5, or from 0 to 1 if none is greater. They stay as they are.
    - A `label` that is no whole number, or runs through 0, 1, 2, 3, 4 and 5, is a score.
    - A pair labelled `-`, on which SNLI's annotators did not agree, is left out; how many is
      printed.
    - Other columns are kept as strings.

    Args:
        source: a file, an archive, a folder with [name_]{train,val,test}.csv or the like, or a
            pattern. None takes COURSE_DATA/pairs, or else the course's own pairs.
        name: takes the files <name>_train.csv … where a folder holds several data sets; from
            COURSE_DATA, lcqmc if nothing else is said.
        classes: class names in the order of their ids, or a file with one name a line, where
            labels are numbers that should have names. A `label` column then holds labels.

    Returns:
        Splits train, validation, test, each with `sentence1`, `sentence2` (strings), `label`
        (ClassLabel) or `score` (float), or both, and the other columns. Numbers are their own
        names ("0", "1"), in their order; the three of natural language inference stand in the
        order of `NLI_CLASSES`, other names are sorted. A split that the source lacks is taken from
        its training pairs: a tenth of each class, the same ones each time, and pairs that share a
        sentence never on two sides. A file without labels is left aside, with a line that says so.

    Raises:
        DataError: the data cannot be used; the message tells where, why and what to do.
    """
    parts = parts_of(source, name, TABLES, "pairs", "lcqmc")
    read = {part: read_pairs(path) for part, path in parts.items()}
    told = {line for _, line in read.values() if line}
    for line in sorted(told):
        print(line)
    pairs = {part: rows for part, (rows, _) in read.items()}
    unlabelled = {part for part, rows in pairs.items() if not (_has_labels(rows) or _scored(rows))}
    training = WHOLE if WHOLE in pairs else "train"
    if training not in unlabelled:
        _settle_columns(pairs, parts, training, unlabelled, classes is not None)
        if _scored(pairs[training]):
            _check_scores(pairs, parts, training, unlabelled)
    names = ids = None
    if training not in unlabelled and _has_labels(pairs[training]):
        names, ids = _class_ids(pairs[training], parts[training], classes)
        _check_labels(pairs, parts, ids, names, unlabelled)
    if set(pairs) != {"train", "validation", "test"} or unlabelled:
        pairs[training] = _grouped(pairs[training])
    splits = split_rows(pairs, parts, unlabelled, "load_pairs")
    return _dataset(splits, names, ids)


def read_pairs(path: Path) -> tuple[list[Pair], str]:
    """Pairs of one file, in its order, and a line on the columns that have other names, or "".

    Raises:
        DataError: missing, empty, damaged or mixed-up file, missing column, empty sentence.
    """
    if path.name.lower().endswith(BINARY):
        rows, columns = _binary_rows(path)
    else:
        text = decode(read_bytes(path), path)
        if "\ufeff" in text:  # files joined by cat
            text = re.sub("^\ufeff", "", text, flags=re.M)
        rows, columns = _json_rows(path) if is_json(path, text) else _table(text, path)
    one, two = pair_columns(columns)
    label = next((name for name in LABEL_COLUMNS if name in columns), "")
    score = next((name for name in SCORE_COLUMNS if name in columns), "")
    again = [(n, "the names of the columns once more") for n, row in rows if _is_header(row)]
    refuse(path, again, "delete the row")
    problems = [
        (number, f"{name} is {str(row.get(name, ''))[:20]!r}")
        for number, row in rows
        for name in (one, two)
        if not isinstance(row.get(name), str)
        or not is_seen(row[name])
        or is_empty_cell(row[name].strip())
    ]
    refuse(path, problems, "write a sentence there, or delete the row")
    problems = [
        (number, f"label {given[:30]!r}")
        for number, row in rows
        if is_empty_cell(given := _plain(row.get(label)).strip() if label else "")
        or SEVERAL.fullmatch(given)
    ]
    refuse(path, problems, "write one class there, or delete the row")
    taken = {one, two, label, score, ""}
    pairs = [
        Pair(
            number,
            row[one],
            row[two],
            _plain(row.get(label)).strip() if label else "",
            _plain(row.get(score)).strip() if score else "",
            {key: _plain(value) for key, value in row.items() if key not in taken},
        )
        for number, row in rows
    ]
    agreed = [pair for pair in pairs if pair.given != "-"]
    if len(agreed) < len(pairs):
        print(f"{path.name}：{len(pairs) - len(agreed)} 对没有一致的标签（-），略去。")
    if not agreed:
        raise DataError(f"{path}: no pairs in it; download it again, or fill it")
    renamed = [
        f"{have} → {want}"
        for have, want in (
            (one, "sentence1"),
            (two, "sentence2"),
            (label, "label"),
            (score, "score"),
        )
        if have and have != want
    ]
    return agreed, f"列名：{'，'.join(renamed)}。" if renamed else ""


# --- Files ---------------------------------------------------------------------------------------


def _json_rows(path: Path) -> tuple[list[tuple[int, dict]], list[str]]:
    rows, problems = [], []
    found = list(each_object(path))
    if len(found) == 1:
        refuse_columns(found[0][1], path)
    for number, item in found:
        if not isinstance(item, dict):
            problems.append((number, f"{str(item)[:20]!r} is no object"))
            continue
        row = {str(key).strip().lower(): value for key, value in item.items()}
        if not pair_columns(list(row)):
            problems.append((number, f"no two sentences among {', '.join(row)[:40]!r}"))
        rows.append((number, row))
    refuse(
        path, problems, "call them sentence1 and sentence2, or read single texts with load_texts"
    )
    if not rows:
        raise DataError(f"{path}: no pairs in it; download it again, or fill it")
    columns = list(dict.fromkeys(key for _, row in rows for key in row))
    one, two = pair_columns(list(rows[0][1]))
    others = [number for number, row in rows if one not in row or two not in row]
    refuse(path, [(n, f"no {one} and {two}, unlike the others") for n in others], "name them alike")
    return rows, [one, two, *(name for name in columns if name not in (one, two))]


def _table(text: str, path: Path) -> tuple[list[tuple[int, dict]], list[str]]:
    first_line = text.lstrip("\r\n").partition("\n")[0]
    delimiter = next(
        (mark for mark in ";|" if pair_columns(column_names(first_line.split(mark)))), ","
    )
    if "\t" in first_line:
        rows = _tab_rows(text, path)
    else:
        rows = list(table_rows(io.StringIO(text, newline=""), path, delimiter))
    rows = [(number, fields) for number, fields in rows if any(map(str.strip, fields))]
    if not rows:
        raise DataError(f"{path}: no pairs in it; download it again, or fill it")
    columns = column_names(rows[0][1])
    if pair_columns(columns):
        twice = {name for name in columns if name and columns.count(name) > 1}
        if twice:
            raise DataError(f"{path}, row 1: two columns are called {min(twice)!r}; rename one")
        rows = [(number, without_blank_end(fields, len(columns))) for number, fields in rows[1:]]
    else:
        for number, fields in rows[1:10]:
            if pair_columns(column_names(fields)):
                raise DataError(
                    f"{path}, row {number}: the names of the columns; delete what stands above them"
                )
        columns = _columns_without_names([fields for _, fields in rows], path)
    if not rows:
        raise DataError(f"{path}: no pairs in it; download it again, or fill it")
    refuse(
        path,
        [
            (number, f"{len(fields)} columns instead of {len(columns)}")
            for number, fields in rows
            if len(fields) != len(columns)
        ],
        'put a sentence that holds a comma or a quote in quotes: "...", "" for a quote'
        if "\t" not in first_line
        else "write one tab between two columns and none in a sentence",
    )
    return [(number, dict(zip(columns, fields, strict=True))) for number, fields in rows], columns


def _tab_rows(text: str, path: Path) -> list[tuple[int, list[str]]]:
    """Rows between tabs. Some programs put quotes around fields as in CSV, most do not."""
    # Not splitlines(): texts from the web hold characters (U+2028, U+0085) that it takes for ends.
    lines = [(n, line.rstrip("\r")) for n, line in enumerate(text.split("\n"), 1)]
    rows = [(n, line.split("\t")) for n, line in lines if line.strip()]
    fields = [field for _, row in rows for field in row]
    quoted = [len(f) > 1 and f[0] == f[-1] == '"' for f in fields]
    doubled = any(
        q and '""' in f[1:-1] and '"' not in f[1:-1].replace('""', "")
        for q, f in zip(quoted, fields, strict=True)
    )
    if doubled or all(quoted) or len({len(row) for _, row in rows}) > 1:
        try:
            table = list(table_rows(io.StringIO(text, newline=""), path, "\t"))
        except DataError:
            return rows
        if len({len(row) for _, row in table}) == 1:
            return table
    return rows


def _columns_without_names(rows: list[list[str]], path: Path) -> list[str]:
    """The columns of a file whose first row is a pair already, or an error if it is none."""
    first, count = rows[0], len(rows[0])
    shown = ", ".join(first)[:60]
    if {"text", "label"} <= set(column_names(first)):
        raise DataError(f"{path}, row 1: single texts, not pairs; read them with load_texts")
    if count == 3:
        last = [row[2].strip() for row in rows if len(row) == 3]
        if NUMBER.fullmatch(last[0]) or last[0] in (*last[1:], *NLI_CLASSES, "-"):
            return ["sentence1", "sentence2", "label"]
    if count == 2:
        columns = [[row[i].strip() for row in rows if len(row) == 2] for i in (0, 1)]
        kinds = [len(set(column)) for column in columns]
        few = columns[kinds.index(min(kinds))]
        short = sum(map(len, few)) <= 10 * len(few)  # as names of classes are
        if min(kinds) <= len(rows) / 2 and short or any(map(str.isdigit, first)):
            raise DataError(
                f"{path}, row 1: one text and its label a row ({shown!r}), not pairs; read them "
                "with load_texts"
            )
        if not all(re.fullmatch(r"[\w ]{1,20}", name, re.ASCII) for name in first):
            return ["sentence1", "sentence2"]
    raise DataError(f"{path}, row 1: no two sentences among the columns {shown!r}; {CURE}")


def _binary_rows(path: Path) -> tuple[list[tuple[int, dict]], list[str]]:
    """The rows of a sheet or a Parquet file, and the names of its columns."""
    table = read_table(path)
    columns = column_names(table.columns)
    if not pair_columns(columns):
        raise DataError(
            f"{path}, row 1: no two sentences among the columns {', '.join(columns)[:60]!r}; {CURE}"
        )
    rows = zip(table.numbers, table.rows, strict=True)
    return [(number, dict(zip(columns, row, strict=True))) for number, row in rows], columns


def _is_header(row: dict) -> bool:
    """Whether a row names its columns, as where files with a header each were joined."""
    return all(isinstance(cell, str) and column_names([cell]) == [key] for key, cell in row.items())


def _plain(value) -> str:
    if isinstance(value, list) and len(value) == 1:  # as annotation tools write a label
        value = value[0]
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- Labels and scores ---------------------------------------------------------------------------


def _has_labels(pairs: list[Pair]) -> bool:
    return any(pair.given not in ("", "-1") for pair in pairs)  # -1: GLUE's test files


def _scored(pairs: list[Pair]) -> bool:
    return any(pair.score for pair in pairs)


def _settle_columns(pairs, parts, training: str, unlabelled: set[str], named: bool) -> None:
    """Let a label of grades be a score, write whole numbers alike, refuse what a row lacks."""
    rows = pairs[training]
    numbers = all(NUMBER.fullmatch(pair.given) for pair in rows)
    values = {float(pair.given) for pair in rows} if numbers else set()
    grades = bool(values) and not (
        all(value.is_integer() for value in values) and values != set(range(6))
    )
    if grades and not named and not _scored(rows):
        print("label 列是程度（小数，或 0 到 5 的每个整数都有），当作 score。")
        for part, found in pairs.items():
            pairs[part] = [pair._replace(score=pair.given, given="") for pair in found]
    elif numbers:
        for part, found in pairs.items():
            pairs[part] = [pair._replace(given=_whole(pair.given)) for pair in found]
    for part, found in pairs.items():
        if part in unlabelled:
            continue
        for field, name, there in (("given", "label", _has_labels), ("score", "score", _scored)):
            if there(pairs[training]):
                empty = [
                    (pair.number, f"the {name} is empty")
                    for pair in found
                    if not getattr(pair, field)
                ]
                refuse(parts[part], empty, "fill it in or delete the row")


def _whole(label: str) -> str:
    """A whole number as others write it: 1.0 as 1."""
    if NUMBER.fullmatch(label) and float(label).is_integer():
        return str(int(float(label)))
    return label


def _check_scores(pairs, parts, training: str, unlabelled: set[str]) -> None:
    top = 1
    for part in sorted(pairs, key=lambda part: part != training):
        if part in unlabelled:
            continue
        wrong = [
            (pair.number, f"score {pair.score[:20]!r}")
            for pair in pairs[part]
            if not (NUMBER.fullmatch(pair.score) and 0 <= float(pair.score) <= 5)
        ]
        refuse(parts[part], wrong, "write a number from 0 to 5, or from 0 to 1 in all rows")
        values = [float(pair.score) for pair in pairs[part]]
        if part == training:
            top = 5 if max(values) > 1 else 1
            if min(values) == max(values):
                raise DataError(
                    f"{parts[part]}: every score is {values[0]:g}; add pairs of other scores"
                )
        elif (max(values) > 1) != (top > 1) and (max(values) > 1 or len(values) >= 20):
            raise DataError(
                f"{parts[part]}: scores up to {max(values):g}, those of {parts[training].name} run "
                f"from 0 to {top}; bring both to one scale"
            )


def _class_ids(pairs: list[Pair], path: Path, classes) -> tuple[list[str], dict[str, int]]:
    """Class names in the order of their ids, and the id of every label that a pair may carry."""
    found = {pair.given for pair in pairs}
    if len(found) == 1:
        raise DataError(
            f"{path}: only one class, {min(found)[:40]!r}; add pairs of at least one other class"
        )
    if classes is not None:
        listed = isinstance(classes, (str, Path))
        names = read_class_file(Path(classes).expanduser()) if listed else list(classes)
        if len(set(names)) < len(names):
            raise DataError(f"{path}: its class list names a class twice; name each class once")
        numbers = {} if any(n.isdigit() for n in names) else {str(i): i for i in range(len(names))}
        return names, numbers | {name: i for i, name in enumerate(names)}
    if found <= set(NLI_CLASSES):
        names = list(NLI_CLASSES)
    elif all(re.fullmatch(r"[-+]?\d+", label) for label in found):
        names = sorted(found, key=int)
        if names != [str(number) for number in range(len(names))]:
            print(f"{path.name}：标签 {'、'.join(names)[:60]} 的编号依次是 0 到 {len(names) - 1}。")
    else:
        names = sorted(found)
    return names, {name: number for number, name in enumerate(names)}


def _check_labels(pairs, parts, ids, names: list[str], unlabelled: set[str]) -> None:
    for part, found in pairs.items():
        if part not in unlabelled:
            unknown = [
                (pair.number, f"unknown label {pair.given[:20]!r}")
                for pair in found
                if pair.given not in ids
            ]
            refuse(
                parts[part],
                unknown,
                "correct it, or add it to the training split or the class list "
                f"(known: {', '.join(names)[:80]})",
            )


# --- Data sets -----------------------------------------------------------------------------------


def _grouped(pairs: list[Pair]) -> list[Pair]:
    """Pairs with a group each: those that a chain of shared sentences connects have the same."""
    above: dict[str, str] = {}

    def top(sentence: str) -> str:
        while (higher := above.setdefault(sentence, sentence)) != sentence:
            above[sentence] = above[higher]
            sentence = higher
        return sentence

    for pair in pairs:
        # The smaller one leads, so that a group's name does not depend on the order of the rows.
        low, high = sorted((top(pair.sentence1.strip()), top(pair.sentence2.strip())))
        above[high] = low
    groups = [top(pair.sentence1.strip()) for pair in pairs]
    labels_of: dict[str, set[str]] = defaultdict(set)
    for pair, group in zip(pairs, groups, strict=True):
        labels_of[group].add(pair.given)
    strata = {group: "+".join(sorted(labels)) for group, labels in labels_of.items()}
    sizes = Counter(strata.values())
    [(common, _)] = sizes.most_common(1)
    groups_with = Counter(label for labels in labels_of.values() for label in labels)
    for group, labels in labels_of.items():
        # The only group of its kind goes with the others, if these have all its labels too.
        if sizes[strata[group]] == 1 and all(groups_with[label] > 1 for label in labels):
            strata[group] = common
    return [
        pair._replace(group=group, stratum=strata[group])
        for pair, group in zip(pairs, groups, strict=True)
    ]


def _dataset(splits: dict[str, list[Pair]], names, ids) -> DatasetDict:
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    features = {"sentence1": Value("string"), "sentence2": Value("string")}
    if names:
        features["label"] = ClassLabel(names=names)
    if "train" in splits and _scored(splits["train"]):
        features["score"] = Value("float32")
    others = dict.fromkeys(
        key for found in splits.values() for pair in found for key in pair.others
    )
    others = [name for name in others if name not in features]
    features |= {name: Value("string") for name in others}
    columns = {
        "sentence1": lambda pair: pair.sentence1,
        "sentence2": lambda pair: pair.sentence2,
        "label": lambda pair: ids[pair.given],
        "score": lambda pair: float(pair.score),
    }
    return DatasetDict(
        {
            split: Dataset.from_dict(
                {
                    key: [
                        columns[key](pair) if key in columns else pair.others.get(key)
                        for pair in found
                    ]
                    for key in features
                },
                features=Features(features),
            )
            for split, found in splits.items()
        }
    )
