"""Places for what is written, refused with words before hours are spent on it; files written whole."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


def refuse_folder(folder: Path) -> None:
    """Raises ValueError where a classifier cannot be put."""
    if folder.is_file():
        raise ValueError(f"{folder}: a file; name a folder for the classifier")
    if folder.name in ("", "..") or folder.is_symlink():
        raise ValueError(f"{folder}: a link, or no name; name a new folder for the classifier")
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder}: not empty; name a new folder, or remove it")
    with contextlib.suppress(OSError):  # told below
        folder.parent.mkdir(parents=True, exist_ok=True)
    refuse_unwritable(folder.parent)


def refuse_table(path: Path) -> None:
    """Raises ValueError where a table of answers cannot be put."""
    try:
        taken = path.exists()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; name another file") from None
    if taken:
        raise ValueError(f"{path}: is there already; name another file, or remove it")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent}: no such folder; make it, or name another for the output")
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".json", ".jsonl", ".parquet", ".gz"):
        raise ValueError(f"{path}: what is written is CSV; let its name end in .csv")
    refuse_unwritable(path.parent)


def refuse_unwritable(folder: Path) -> None:
    """Raises ValueError where nothing can be written into a folder."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"{folder}: nothing can be written there ({error.strerror}); name another place for "
            "the output"
        ) from None


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    """A CSV file to write to, which is in its place when all is written, or not at all.

    With a byte order mark, without which Excel takes Chinese in a CSV file for something else.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        with open(unfinished, "w", encoding="utf-8-sig", newline="") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
