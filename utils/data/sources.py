"""What the loaders of entities, questions and pairs share: where data is, and which rows go where."""

import json
from pathlib import Path

from utils import profile
from utils.data.content import DataError
from utils.data.layout import SPLITS, WHOLE, Files, find_parts
from utils.data.splits import carve


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
        return find_parts(Path(source).expanduser(), name, kind)
    if profile.data_folder() is not None:
        return find_parts(Path(profile.data_folder()) / folder, name or usual, kind)
    mini = {"ner": "mini_entities", "qa": "mini_questions", "pairs": "mini_pairs"}[folder]
    if profile.profile() == "full":
        print(
            f"full 没有这类数据的公开下载地址，用课程自带的 {mini}；"
            f"要用自己的数据，放进 COURSE_DATA 下的 {folder}/，或把路径交给装载函数。"
        )
    return find_parts(profile.course_root() / "data" / mini, name, kind)


def split_rows(
    rows: dict[str, list], parts: dict[str, Path], unlabelled: set[str], loader: str
) -> dict[str, list]:
    """Rows for train, validation and test; carved from the training rows where one is lacking.

    Published test files often have no labels. Such a part is left aside, and said so; where it is
    all there is, it comes back alone, as "test".

    Args:
        rows: what each part holds, anything with a `text` and a `label`; those of one text go to
            one side, and each label gets its share.
        unlabelled: the parts without labels.
        loader: the name of the function that the reader called.
    """
    if set(rows) == unlabelled == {WHOLE}:
        print(f"{parts[WHOLE].name}：没有标签，只能用来预测；结果只有 test，不含标签列。")
        return {"test": rows[WHOLE]}
    training = WHOLE if WHOLE in rows else "train"
    if training in unlabelled:
        raise DataError(
            f"{parts[training]}: no labels in the training split; take the file that has them"
        )
    for part in sorted(unlabelled):
        path = json.dumps(str(parts[part]), ensure_ascii=False)
        print(
            f"{parts[part].name}：没有标签（公开的测试集常常如此），放在一边，{part} 改从 train 里分出；"
            f'要对它预测，用 {loader}({path})["test"]。'
        )
    rows = {part: found for part, found in rows.items() if part not in unlabelled}
    missing = [split for split in SPLITS[1:] if split not in rows]
    if missing:
        whole = rows.pop(training)
        different = len({row.text.strip() for row in whole})
        if different <= len(missing):
            divide = ", or divide the sentences by blank lines" if loader == "load_entities" else ""
            raise DataError(
                f"{parts[training]}: {different} different texts are too few to be divided into "
                f"{len(missing) + 1} splits; add texts, or give the splits as files{divide}"
            )
        *taken, rest = carve(whole, len(missing), parts[training])
        rows |= {"train": rest, **dict(zip(missing, taken, strict=True))}
    return {split: rows[split] for split in SPLITS}
