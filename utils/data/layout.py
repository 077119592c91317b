"""Find which file or folder of a source holds which split; what is in them is for `rows`."""

import glob
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from utils.data import fetch
from utils.data.content import DataError
from utils.data.rows import class_folders, visible_folders

SPLITS = ("train", "validation", "test")
WHOLE = "whole"  # the one part of a source that is not split
ALIASES = {"training": "train", "val": "validation", "valid": "validation", "dev": "validation"}
ALIASES |= {"训练": "train", "验证": "validation", "测试": "test"}
ALIASES |= {f"{chinese}集": ALIASES[chinese] for chinese in ("训练", "验证", "测试")}
NAMES = "|".join(sorted({*SPLITS, *ALIASES}, key=len, reverse=True))
LIKE_A_SPLIT = re.compile(rf"(?<![a-z])({NAMES})(?![a-z]{{2}})", re.I)  # test1.json, dev_2k.tsv


class Files(NamedTuple):
    """The files that a loader takes from a folder, known by their names."""

    endings: str  # csv|tsv; the first one is named in messages
    after_split: str = ""  # a pattern of what may stand between the split and the ending
    bare: bool = False  # whether an ending may be missing, as in example.train
    class_folders: bool = False  # whether a folder of .txt files for each class is a source too
    split_endings: str = "-"  # further ones of splits alone: other .json files describe the data
    refused: str = "parquet"  # of files that a loader reads only to say how to convert them

    def match_data(self, name: str) -> bool:
        """Whether a file of this name may hold data."""
        if name.startswith((".", "~$")):  # hidden, or Excel's note that a file is open
            return False
        ending = rf".+\.({self.endings})(\.gz)?"
        return bool(re.fullmatch(ending, name, re.I) or self.match_split(name))

    def match_split(self, name: str) -> re.Match | None:
        """The groups `name` (of the data set, or None) and `split`, if the name tells a split."""
        return re.fullmatch(
            rf"((?P<name>.+)[_.-])?(?P<split>{NAMES})"
            rf"({self.after_split})(\.({self.endings}|{self.split_endings})){'?' * self.bare}(\.gz)?",
            name,
            re.I,
        )

    def to_convert(self, name: str) -> bool:
        """Whether the loader does not take a file of this name, but can say how to convert it."""
        known = re.fullmatch(rf"[^.~].*\.({self.refused})(\.gz)?", name, re.I)
        return bool(known) and not self.match_data(name)

    @property
    def example(self) -> str:
        """One ending, for a message that says what to put there."""
        return self.endings.partition("|")[0]

    @property
    def cure(self) -> str:
        """How to name files, for messages."""
        return f"train.{self.example}, validation.{self.example} and test.{self.example}"


ONLY_SHARD = "(-00000-of-00001)?"  # as the Hub names the only file of a split

TEXTS = Files(
    "csv|tsv|txt|parquet|xlsx|xlsm|jsonl|ndjson",
    after_split=ONLY_SHARD,
    class_folders=True,
    split_endings="json",
)
CLASS_FILE = re.compile(r"(?P<prefix>.+[_.-])?class(es)?\.txt")


def find_parts(
    source: Path, name: str, kind: Files = TEXTS, strict: bool = False
) -> dict[str, Path]:
    """Which file, or folder of class folders, holds each split; or all of them as one WHOLE.

    Args:
        name: of the data set to take where there are several.
        strict: whether no other may be taken, even if it is alone.
    """
    if not _exists(source):
        files = sorted(Path(match) for match in glob.glob(str(source)))
        if not files:
            raise DataError(
                f"{source!s:.300}: no such file or folder; check the path and COURSE_DATA"
            )
        return _group_files(source, files, name, kind, strict)
    if source.name.lower().endswith(fetch.ARCHIVES):
        source = fetch.unpack(source)
    if source.is_file():
        return {WHOLE: source}
    return _look_into(source, name, kind, strict)


def _exists(source: Path) -> bool:
    try:
        return source.exists()
    except (OSError, ValueError):  # a name that the system cannot hold
        return False


def _look_into(folder: Path, name: str, kind: Files, strict: bool) -> dict[str, Path]:
    trees = {
        ALIASES.get(sub.name, sub.name): sub
        for sub in visible_folders(folder)
        if kind.class_folders
        and ALIASES.get(sub.name, sub.name) in SPLITS
        and class_folders(sub)  # 测试 may be a class, whose folder holds texts and no folders
    }
    if "train" in trees:  # aclImdb; before the files, as a list of words and a README lie beside it
        return trees
    files = _data_files(folder, kind)
    if any(kind.match_split(path.name) for path in files):
        return _group_files(folder, files, name, kind, strict)
    if not _texts_among(files) and (parts := _folder_of_each_split(folder, kind)):
        return parts
    if trees:
        raise DataError(f"{folder}: holds {', '.join(trees)} but no train; unpack it again")
    inner = visible_folders(folder)
    saved = [each for each in ("dataset_dict.json", "state.json") if (folder / each).is_file()]
    if saved and not files:
        raise DataError(
            f"{folder}: what save_to_disk wrote; write each split as Parquet instead: "
            "load_from_disk(…)['train'].to_parquet('train.parquet')"
        )
    if len(inner) == 1 and not files:  # archives often hold one folder that holds everything
        return _look_into(inner[0], name, kind, strict)
    if kind.class_folders and len(class_folders(folder)) > 1:
        return {WHOLE: folder}
    if files:
        return _group_files(folder, files, name, kind, strict)
    for path in sorted(folder.iterdir()):
        if path.is_file() and kind.to_convert(path.name):
            return {WHOLE: path}
    trees = ", or a folder of .txt files for each class" if kind.class_folders else ""
    inside = f" but the folders {', '.join(sub.name for sub in inner)[:80]}" if inner else ""
    raise DataError(f"{folder}: no data in it{inside}; put {kind.cure} there{trees}")


def _data_files(folder: Path, kind: Files) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return [path for path in files if kind.match_data(path.name)]


def _split_named(name: str) -> str:
    """A split's name here, whatever its file or folder is called; another name in lower case."""
    return ALIASES.get(name.lower(), name.lower())


def _texts_among(files: list[Path]) -> list[Path]:
    return [path for path in files if not CLASS_FILE.fullmatch(path.name)]


def _folder_of_each_split(folder: Path, kind: Files) -> dict[str, Path]:
    """train/data.csv, dev/data.csv, test/data.csv: the one file in a folder of each split, or {}."""
    found: dict[str, list[Path]] = defaultdict(list)
    left = []
    for sub in visible_folders(folder):
        split = _split_named(sub.name)
        files = _texts_among(_data_files(sub, kind))
        if split in SPLITS:
            if len(files) != 1:
                return {}
            found[split] += files
        elif files:
            left.append(sub.name)
    if "train" not in found:
        return {}
    for split, files in found.items():
        if len(files) > 1:
            one, other = (file.parent.name for file in files[:2])
            raise DataError(f"{folder}: two folders for {split}, {one} and {other}; take one away")
    if left:
        print(
            f"{folder.name}：没有读文件夹 {'、'.join(left)[:160]}；若是验证集或测试集，"
            "改名为 validation 或 test。"
        )
    return {split: file for split, [file] in found.items()}


def _group_files(
    source: Path, files: list[Path], name: str, kind: Files, strict: bool
) -> dict[str, Path]:
    """Sort files into data sets by what stands before train, val and test, and choose one."""
    files = [path for path in files if path.is_file()]
    files = _texts_among(files)
    matches = [kind.match_split(path.name) for path in files]
    known = {match["name"] for match in matches if match} - {None}
    if strict and name and known and name not in known:
        found = ", ".join(sorted(known))[:80]
        raise DataError(f"{source}: no data set {name!r} in it, but {found}; correct name=")
    if len(files) == 1:
        [match] = matches
        # Nobody trains on a test split left alone.
        if not match or _split_named(match["split"]) == "train":
            return {WHOLE: files[0]}
    groups: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in files:
        if match := kind.match_split(path.name):
            split = _split_named(match["split"])
            groups[match["name"] or ""][split].append(path)
    groups = {key: splits for key, splits in groups.items() if "train" in splits}
    alone = next(iter(groups.values())) if len(groups) == 1 else {}
    chosen = groups.get(name) or groups.get("") or alone
    if not chosen and files and all(kind.to_convert(path.name) for path in files):
        return {WHOLE: files[0]}
    if not chosen:
        found = ", ".join(path.name for path in files)[:160]
        trees = ", or put texts that are a file each into a folder for each class"
        trees = trees if kind.class_folders else ""
        raise DataError(
            f"{source}: not clear which files to take ({found}); call them {kind.cure}, "
            f"or name one file or a pattern such as titles_*.{kind.example}.gz{trees}"
        )
    for split, paths in chosen.items():
        if len(paths) > 1:
            raise DataError(
                f"{source}: two files for {split}, {paths[0].name} and {paths[1].name}; "
                "name a pattern that only one of them fits"
            )
    _tell_left(source, files, [*groups.values()])
    return {split: path for split, [path] in chosen.items()}


def _tell_left(source: Path, files: list[Path], groups: list[dict]) -> None:
    """Tell which files are called like a split and belong to no data set, so that none reads them."""
    known = {path for splits in groups for paths in splits.values() for path in paths}
    left = [path.name for path in files if path not in known and LIKE_A_SPLIT.search(path.name)]
    if left:
        print(
            f"{source.name}：没有读 {'、'.join(left)[:160]}；若是验证集或测试集，"
            "改名为 validation 或 test（扩展名照旧）。"
        )


def find_class_file(path: Path) -> Path | None:
    """The class file that belongs to the data file `path`, or None.

    titles_class.txt belongs to all files beside it whose names start with titles_, class.txt to
    any. A class file alone with data of another name counts too, unless it has data of its own.
    One above the folders of the splits belongs to all of them.
    """
    names = sorted(p.name for p in path.parent.iterdir() if p.is_file())
    found = {m["prefix"] or "": m[0] for m in map(CLASS_FILE.fullmatch, names) if m}
    for prefix in sorted(found, key=len, reverse=True):
        if path.name.startswith(prefix):
            return path.parent / found[prefix]
    if len(found) == 1:
        [(prefix, class_file)] = found.items()
        if not any(name.startswith(prefix) for name in names if name != class_file):
            return path.parent / class_file
    if not found and _split_named(path.parent.name) in SPLITS:
        beside = [each for each in path.parent.parent.iterdir() if CLASS_FILE.fullmatch(each.name)]
        return beside[0] if len(beside) == 1 else None
    return None
