"""From rows to splits: ids for the labels, and splits carved out where a source has one part.

The texts of a source go batch by batch into Arrow (see `staging`); in memory stay four bytes a row
for its label, and sixteen for its text where splits are to be carved.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from utils.data import rows as files
from utils.data import tables
from utils.data.content import DataError, NoLabels
from utils.data.layout import SPLITS, WHOLE, find_class_file
from utils.data.problems import Problem
from utils.data.rows import Row
from utils.data.staging import Shelf, arrow_splits, progress, write_splits

if TYPE_CHECKING:  # importing them takes a second or two, so the loaders do so when they need it
    import numpy as np
    import pyarrow
    from datasets import Dataset, DatasetDict

# One order for all sources, so that a model trained on one of them understands the others.
THUCNEWS_CLASSES = ("体育", "娱乐", "家居", "房产", "教育", "时尚", "时政", "游戏", "科技", "财经")

SHARE = 0.1  # of the texts of each class, for each split that a source does not bring along

SEED = "bert-in-practice-zh"


def load_parts(
    parts: dict[str, Path],
    classes: Sequence[str] | str | Path | None,
    text: str = tables.TEXT,
    label: str = tables.LABEL,
) -> DatasetDict:
    """Read the parts of a source, give the labels ids, carve the splits that are missing.

    Args:
        parts: which file or folder holds which split, as `find_parts` gives it.
        classes: class names in the order of their ids, a file of them, or None.
        text, label: what the columns are called.
    Raises:
        DataError: see `load_texts`.
    """
    training = parts[WHOLE if WHOLE in parts else "train"]
    listed = isinstance(classes, (list, tuple)), classes is None, _listed_classes(training, classes)

    def split(shelf: Shelf, size: int) -> list[str]:
        return _split(parts, classes, text, label, shelf, size)

    return arrow_splits(parts, (text, label, *listed), split)


class Staged(NamedTuple):
    """The rows of a part, while their texts lie in Arrow."""

    labels: dict[str, str]  # in the order they came up, with the place of the first such row
    codes: np.ndarray  # of each row, the place of its label among them
    digests: np.ndarray | None  # of each text without the blanks around it, as two numbers


def _split(parts, classes, text: str, label: str, shelf: Shelf, size: int) -> list[str]:
    """Put the splits of a source on a shelf.

    Returns:
        What is to be told.
    """
    training = WHOLE if WHOLE in parts else "train"
    staged, told = _read(parts, training, text, label, shelf, size)
    missing = [split for split in SPLITS[1:] if split not in staged]
    places: dict[str, str] = {}
    for part in staged.values():
        for found, place in part.labels.items():
            places.setdefault(found, place)
    refuse_hidden(places, places.__getitem__)
    names, numbered = class_order(staged[training].labels, parts[training], classes)
    ids = ids_of(names, numbered, staged[training].labels, parts[training])
    for part in staged.values():
        for unknown, place in part.labels.items():
            if unknown not in ids:
                raise DataError(
                    f"{place}: unknown label {unknown[:40]!r}; correct it, or add it to the "
                    f"training split or the class file (known: {', '.join(names)[:80]})"
                )
    _, codes, digests = staged[training]
    sides = None
    if missing:
        labels = list(staged[training].labels)
        places = list(staged[training].labels.values())
        sides = sides_of(digests, codes, len(missing), labels, parts[training], places)
    for part in parts.keys() - staged.keys():
        shelf.drop(f"{part}.staged")
    _write(staged, shelf, training, [*missing, "train"], sides, names, ids)
    return told


def _read(
    parts: dict[str, Path], training: str, text: str, label: str, shelf: Shelf, size: int
) -> tuple[dict[str, Staged], list[str]]:
    """Stage every part that has labels, the training part last.

    Returns:
        the parts, and what is to be told of those left aside.
    """
    missing = bool({"validation", "test"} - set(parts))
    staged, told = {}, []
    with progress(size) as bar:
        for part, path in sorted(parts.items(), key=lambda item: item[0] == training):
            digested = part == training and missing
            try:
                found = (
                    files.each_file(path) if path.is_dir() else tables.each_row(path, text, label)
                )
                read, problems = _stage(found, shelf, f"{part}.staged", digested, bar.update)
            except NoLabels:
                if part == training:
                    raise
                read = None
            if part != training and (read is None or _are_unlabelled(read, problems)):
                missing = True
                told.append(
                    f"{path.name}：没有标签（公开的测试集常常如此），放在一边，{part} 改从 train 里分出；"
                    "要对它预测，用 scripts/classify.py predict。"
                )
            else:
                if problems:
                    files.refuse_problems(path, problems, tables.word_of(path))
                if path.is_dir() and (others := files.other_files(path)):
                    told.append(
                        f"{path.name}：有 {len(others)} 个文件不是 .txt，没有读（例如 "
                        f"{files.readable(others[0])}）；要用就另存为 .txt。"
                    )
                staged[part] = read
    return {part: staged[part] for part in parts if part in staged}, told


def _write(
    staged: dict[str, Staged],
    shelf: Shelf,
    training: str,
    splits: list[str],
    sides: np.ndarray | None,
    names: list[str],
    ids: dict[str, int],
) -> None:
    """Write the staged rows with their ids to the splits they belong to.

    Args:
        splits, sides: which split each side of the training rows is; None: all are learned from.
    """
    import numpy as np
    import pyarrow
    from datasets import ClassLabel, Features, Value

    done = dict.fromkeys(staged, 0)
    id_of = {
        part: np.array([ids[each] for each in labels], dtype=np.int64)
        for part, (labels, _, _) in staged.items()
    }

    def finished(part: str, batch: pyarrow.RecordBatch) -> list[pyarrow.Array]:
        here = slice(done[part], done[part] + len(batch))
        done[part] += len(batch)
        return [batch.column(0), pyarrow.array(id_of[part][staged[part].codes[here]])]

    shares = {part: ([part], None) for part in staged}
    shares[training] = (["train"], None) if sides is None else (splits, sides)
    features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    write_splits(shelf, shares, features, finished)


def _are_unlabelled(staged: Staged, problems: Sequence[Problem]) -> bool:
    """Whether not one row of a part has a label; -1 stands for none in the files of GLUE."""
    if problems:
        return not staged.labels and {each.kind for each in problems} <= {"label", "tab"}
    return set(staged.labels) == {"-1"}


def refuse_hidden(labels: Iterable[str], place_of: Callable[[str], str]) -> None:
    """Refuse labels that only characters nobody can see tell apart.

    Args:
        place_of: the file and row of a label, for the message.
    """
    plain: dict[str, str] = {}
    for label in labels:
        seen = "".join(c for c in label if unicodedata.category(c) not in ("Cc", "Cf")).strip()
        other = plain.setdefault(seen, label)
        if other != label:
            raise DataError(
                f"{place_of(label)}: label {label[:40]!r} differs from {other[:40]!r} only in "
                "characters that cannot be seen; write it anew"
            )


def _stage(
    found: Iterable[Row | Problem],
    shelf: Shelf,
    name: str,
    digested: bool,
    advance: Callable[[int], object],
) -> tuple[Staged, list[Problem]]:
    """Write the texts of rows on the shelf.

    Args:
        digested: whether the texts will be compared.
        advance: is told how many bytes have been written.
    """
    import numpy as np
    import pyarrow

    codes_of: dict[str, int] = {}
    places, codes, digests, problems = [], array("i"), bytearray(), []
    schema = pyarrow.schema({"text": pyarrow.string()})

    def batch_of(texts: list[str]) -> pyarrow.RecordBatch:
        return pyarrow.RecordBatch.from_arrays(
            [pyarrow.array(texts, pyarrow.string())], schema=schema
        )

    with shelf.rows(name, schema, batch_of, advance) as put:
        for each in found:
            if isinstance(each, Problem):
                problems.append(each)
                continue
            if problems:  # nothing can come of it, but the other bad rows are to be told too
                continue
            if each.label not in codes_of:
                codes_of[each.label] = len(codes_of)
                places.append(each.place)
            codes.append(codes_of[each.label])
            if digested:
                digests += digest_of(each.text)
            put(each.text, len(each.text))
    problems.sort(key=lambda problem: problem.number)
    staged = Staged(
        dict(zip(codes_of, places, strict=True)),
        np.frombuffer(codes, np.int32),
        as_numbers(digests) if digested else None,
    )
    return staged, problems


def digest_of(text: str) -> bytes:
    """Puts texts in an order of chance that is the same everywhere; equal ones have equal digests.

    The beginning of the sha256 orders them as the whole does.
    """
    return hashlib.sha256(f"{SEED}{text.strip()}".encode()).digest()[:16]


def as_numbers(digests: bytes | bytearray) -> np.ndarray:
    """What `digest_of` gave for some texts, one behind the other, as two numbers a text."""
    import numpy as np

    return np.frombuffer(digests, ">u8").reshape(-1, 2).astype(np.uint64)


def class_order(
    labels: Mapping[str, str], path: Path, classes: Sequence[str] | str | Path | None
) -> tuple[list[str], list[str]]:
    """Class names in the order of their ids, and in the order that numeric labels count them.

    | `classes`, or else the class file  | labels of the rows     | order of the ids              |
    |------------------------------------|------------------------|-------------------------------|
    | a list of names                    | names or numbers       | as listed                     |
    | a file that the caller named       | names or numbers       | as in the file *              |
    | a class file found beside the data | numbers                | as in the file *              |
    | the same                           | names, all in the file | as in the file *              |
    | the same                           | names, some not in it  | sorted: the file is about other texts |
    | none                               | names                  | sorted *                      |
    | none                               | numbers                | refused                       |

    * the ten classes of THUCNews have one order in all sources, that of `THUCNEWS_CLASSES`; a
    numeric label still counts the lines of its file.

    Args:
        labels: those of the training rows, with the place of the first row that carries each.
        path: where the rows are from.
        classes: what the caller gave: names, a file of names, or None.
    Returns:
        (names, numbered): the name of id `i` is `names[i]`, that of a label "7" `numbered[7]`;
        `numbered` is empty where a number says nothing.
    Raises:
        DataError: one class only, a name listed twice, or numbers that nothing explains.
    """
    found = sorted(labels)
    if len(found) == 1:
        raise DataError(
            f"{path}: only one class, {found[0][:40]!r}; add texts of at least one other class"
        )
    numbered = _listed_classes(path, classes)
    if len(set(numbered)) < len(numbered):
        raise DataError(f"{path}: its class list names a class twice; name each class once")
    number = next((each for each in labels if re.fullmatch(r"[-+]?\d+(\.\d+)?", each)), None)
    if number and not numbered:
        raise DataError(
            f"{labels[number]}: label {number[:40]!r} is a number and no class file says what "
            "it means; write names instead, or put class.txt (one name a line, from id 0) beside it, "
            "or give classes=[...]"
        )
    _refuse_shifted(found, numbered, classes, path)
    # A class file beside texts with names counts only if it is about these names: English names
    # for the ids in one file may lie beside another file that has the Chinese ones.
    if classes is None and not number and not set(found) <= set(numbered):
        numbered = []
    names = numbered or found
    if set(names) == set(THUCNEWS_CLASSES) and not isinstance(classes, (list, tuple)):
        names = list(THUCNEWS_CLASSES)
    return names, numbered


def _refuse_shifted(found: list[str], numbered: list[str], classes, path: Path) -> None:
    """Refuse ids that seem to count from 1, where a class file counts from 0."""
    if isinstance(classes, (list, tuple)) or any(name.isdigit() for name in numbered):
        return
    if not found or not all(re.fullmatch(r"\d{1,9}", label) for label in found):
        return
    ids = sorted(map(int, found))
    if ids in (list(range(1, len(numbered))), list(range(1, len(numbered) + 1))) and numbered:
        raise DataError(
            f"{path}: labels run from {ids[0]} to {ids[-1]}, the class file counts its "
            f"{len(numbered)} lines from 0 to {len(numbered) - 1}; count from 0 in both, or give "
            "classes=[...] if no text is of class 0"
        )


def _listed_classes(path: Path, classes) -> list[str]:
    """The class names that the caller gave, or that a class file beside the data lists."""
    if isinstance(classes, (str, Path)):
        return files.read_class_file(Path(classes).expanduser())
    if classes is not None:
        return list(classes)
    class_file = find_class_file(path) if path.is_file() else None
    return files.read_class_file(class_file) if class_file else []


def ids_of(
    names: list[str], numbered: list[str], labels: Iterable[str], path: Path
) -> dict[str, int]:
    """The id of every label that a row may carry: a class name, or its number as text.

    Args:
        names, numbered: what `class_order` gives for the `labels` of the training rows of `path`.
    Raises:
        DataError: classes that are called by numbers, and labels that are not among them.
    """
    by_name = {name: i for i, name in enumerate(names)}
    if any(name.isdigit() for name in numbered):  # "1" may be a class's name or the id of another
        found = sorted(labels)
        if not set(found) <= set(names):
            raise DataError(
                f"{path}: class names and labels are numbers that do not agree "
                f"({', '.join(names)[:40]} and {', '.join(found)[:40]}); name the classes in words"
            )
        return by_name
    numbers = {f"{i}{dot}": by_name[n] for i, n in enumerate(numbered) for dot in ("", ".0")}
    return numbers | by_name  # 1.0: pandas makes the number 1 of a column with an empty cell so


def sides_of(
    digests: np.ndarray,
    codes: np.ndarray,
    count: int,
    labels: Sequence[str],
    path: Path,
    places: Sequence[str] = (),
) -> np.ndarray:
    """The side of each row, from 0 to `count`, which is the one that is learned from.

    `count` splits take a SHARE of each class each. Different texts are put in order by a hash, so
    which side a text falls on depends neither on the order of the file nor on the machine, and
    copies of one text all go to the same side.

    Args:
        digests, codes: of the rows, as in `Staged`; a code counts the `labels`.
        places: the file and row of the first row of each label, for messages.
    Raises:
        DataError: too few texts.
    """
    import numpy as np

    order = np.lexsort((digests[:, 1], digests[:, 0]))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (digests[order[1:]] != digests[order[:-1]]).any(axis=1)
    first = order[new]  # the first row of each text: equal ones keep their order
    class_of = codes[first]
    side_of = np.full(len(first), count, dtype=np.int8)
    in_class = np.argsort(class_of, kind="stable")  # and by the digests within a class
    bounds = np.cumsum(np.bincount(class_of, minlength=len(labels)))
    texts_of = np.split(in_class, bounds[:-1])
    alone = [first[texts[0]] for texts in texts_of if len(texts) == 1]
    if alone:
        code = codes[min(alone)]
        label, place = labels[code], places[code] if places else path
        more = f" (and {len(alone) - 1} more classes)" if len(alone) > 1 else ""
        raise DataError(
            f"{place}: class {label[:40]!r} has one text only{more}, too few to be divided into "
            f"{count + 1} splits; add texts, or give the splits as files"
        )
    for texts in texts_of:
        size = max(1, round(len(texts) * SHARE))
        # One text to learn from, then the test, then the validation, and the rest to learn from.
        for number, side in enumerate(reversed(range(count))):
            side_of[texts[1 + number * size : 1 + (number + 1) * size]] = side
    if len(np.unique(side_of)) <= count:
        raise DataError(
            f"{path}: {len(first)} different texts are too few to be divided into {count + 1} "
            f"splits, as none of the {len(texts_of)} classes has {count + 1}; add texts, or give "
            "the splits as files"
        )
    sides = np.empty(len(order), dtype=np.int8)
    sides[order] = side_of[np.cumsum(new) - 1]
    return sides


def balanced_sample(dataset: Dataset, size: int | None, seed: int = 0) -> Dataset:
    """`size` rows drawn with `seed`, the same number of each class; all rows if size is None."""
    if size is None:
        return dataset
    import numpy as np

    labels = dataset.select_columns("label").with_format("numpy")[:]["label"]
    order = np.random.default_rng(seed).permutation(len(labels))
    classes = np.unique(labels)
    chosen = [order[labels[order] == label][: size // len(classes)] for label in classes]
    return dataset.select(np.sort(np.concatenate(chosen)))
