"""What the loaders of entities, questions and pairs share: where data is, and which rows go where."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils import profile
from utils.data.content import DataError
from utils.data.layout import SPLITS, WHOLE, Files, find_parts
from utils.data.splits import sides_of
from utils.data.staging import progress


def parts_of(
    source: str | Path | None, name: str, kind: Files, folder: str, usual: str
) -> dict[str, Path]:
    """Which file holds which split of `source`.

    Args:
        source: a path, or None for COURSE_DATA/<folder>, or else what ships with the course.
        name: the data set's name where a folder holds several.
        usual: the one to take from COURSE_DATA where none is named.
    """
    if source is not None:
        return find_parts(Path(source).expanduser(), name, kind, strict=True)
    if profile.data_folder() is not None:
        place = Path(profile.data_folder()) / folder
        return find_parts(place, name or usual, kind, strict=bool(name))
    mini = {"ner": "mini_entities", "qa": "mini_questions", "pairs": "mini_pairs"}[folder]
    if profile.profile() == "full":
        print(
            f"full 没有这类数据的公开下载地址，用课程自带的 {mini}；"
            f"要用自己的数据，放进 COURSE_DATA 下的 {folder}/，或把路径交给装载函数。"
        )
    return find_parts(profile.course_root() / "data" / mini, name, kind)


class Staged(NamedTuple):
    """The rows of a part, while they lie in Arrow."""

    unlabelled: bool
    digests: np.ndarray | None  # of what keeps rows on one side if it is equal, as two numbers
    codes: np.ndarray | None = None  # of each row its kind: splits get a share of each
    kinds: Sequence[str] = ("",)  # what the codes are called
    unread: Sequence[str] = ()  # columns that may hold the labels under another name
    about: Any = None  # what a loader knows of the part besides


def read_parts(
    parts: dict[str, Path],
    read: Callable[[str, Path, Callable[[int], object]], Staged],
    size: int,
) -> dict[str, Staged]:
    """Stage every part, with a bar for a large source.

    Args:
        read: is given the part, its file, and what to tell how many bytes have been written.
        size: of the source in bytes, or 0 for no bar.
    """
    with progress(size) as bar:
        return {part: read(part, path, bar.update) for part, path in parts.items()}


def share_out(
    staged: dict[str, Staged], parts: dict[str, Path], loader: str, told: list[str]
) -> dict[str, tuple[list[str], np.ndarray | None]]:
    """Which rows go to train, validation and test; carved from the training rows where one is lacking.

    Published test files often have no labels. Such a part is left aside, and said so; where it is
    all there is, it comes back alone, as "test".

    Args:
        loader: the name of the function that the reader called.
        told: gets a line for each part without labels.
    Returns:
        For `write_splits`: of each part the splits, and the place among them of each row, or None.
    """
    unlabelled = {part for part in staged if staged[part].unlabelled}
    if set(staged) == unlabelled == {WHOLE}:
        told.append(
            f"{parts[WHOLE].name}：没有标签，只能用来预测；结果只有 test，不含标签列。"
            f"{_told_unread(staged[WHOLE])}"
        )
        return {WHOLE: (["test"], None)}
    training = WHOLE if WHOLE in staged else "train"
    if training in unlabelled:
        cure = "take the file that has them"
        if columns := ", ".join(staged[training].unread)[:80]:
            cure = f"columns not read: {columns}; call the one with the labels label, or {cure}"
        raise DataError(f"{parts[training]}: no labels in the training split; {cure}")
    for part in sorted(unlabelled):
        path = json.dumps(str(parts[part]), ensure_ascii=False)
        told.append(
            f"{parts[part].name}：没有标签（公开的测试集常常如此），放在一边，{part} 改从 train 里分出；"
            f'要对它预测，用 {loader}({path})["test"]。{_told_unread(staged[part])}'
        )
    shares = {part: ([part], None) for part in staged if part not in unlabelled}
    missing = [split for split in SPLITS[1:] if split not in shares]
    if missing:
        digests, codes = staged[training].digests, staged[training].codes
        different = different_rows(digests)
        if different <= len(missing):
            divide = ", or divide the sentences by blank lines" if loader == "load_entities" else ""
            raise DataError(
                f"{parts[training]}: {different} different texts are too few to be divided into "
                f"{len(missing) + 1} splits; add texts, or give the splits as files{divide}"
            )
        if codes is None:
            codes = np.zeros(len(digests), np.int8)
        sides = sides_of(digests, codes, len(missing), staged[training].kinds, parts[training])
        shares[training] = ([*missing, "train"], sides)
    return shares


def _told_unread(staged: Staged) -> str:
    """A word on the columns of a part that may hold its labels; "" if there are none."""
    columns = "、".join(staged.unread)[:80]
    return f"没有认作标签的列：{columns}；若其中有标签，把它的列名改成 label。" if columns else ""


def different_rows(digests: np.ndarray) -> int:
    """How many of some digests differ."""
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    return 1 + int((digests[order[1:]] != digests[order[:-1]]).any(axis=1).sum())
