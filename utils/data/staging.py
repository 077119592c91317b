"""Rows of a source on their way to Arrow: staged part by part, then written split by split.

The rows of a source go batch by batch into Arrow. A small source ends in memory. Of a large one the
splits are kept as files in the cache, named by the content of the source, and mapped.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utils.data import rows as files
from utils.data.content import DataError
from utils.data.fetch import cache_folder, kept
from utils.data.layout import SPLITS

if TYPE_CHECKING:  # importing them takes a second or two, so the loaders do so when they need it
    import numpy as np
    import pyarrow
    from datasets import Dataset, DatasetDict, Features
    from tqdm import tqdm

READER = 4  # count up when other rows are read from the same files: what was kept is not taken then

# Bytes of a source, up to which its texts stay in memory. What is packed grows about tenfold.
LARGE = 64 * 2**20
PACKED, GROWTH = (".gz", ".parquet", ".xlsx", ".xlsm"), 10

BATCH_ROWS, BATCH_CHARACTERS = 10_000, 4 * 2**20  # of what is written to Arrow at once

TOLD = "told.txt"  # what was said when a source was read, to be said again


class Shelf:
    """Arrow streams by their names: files of a folder, or in memory where there is none."""

    def __init__(self, folder: Path | None):
        self.folder = folder
        self.buffers: dict[str, pyarrow.Buffer] = {}

    @contextlib.contextmanager
    def writer(
        self, name: str, schema: pyarrow.Schema
    ) -> Iterator[pyarrow.RecordBatchStreamWriter]:
        """Write a stream, anew if it is there."""
        import pyarrow

        sink = pyarrow.BufferOutputStream()
        if self.folder:
            sink = pyarrow.OSFile(str(self.folder / name), "wb")
        try:
            with pyarrow.ipc.new_stream(sink, schema) as writer:
                yield writer
            if not self.folder:
                self.buffers[name] = sink.getvalue()
        finally:
            sink.close()

    @contextlib.contextmanager
    def rows(
        self,
        name: str,
        schema: pyarrow.Schema,
        batch_of: Callable[[list], pyarrow.RecordBatch],
        advance: Callable[[int], object],
    ) -> Iterator[Callable[[Any, int], None]]:
        """Write a stream row by row: gives what takes a row and how many characters it has.

        Args:
            batch_of: makes a batch of rows.
            advance: is told how many bytes have been written.
        """
        with self.writer(name, schema) as writer:
            waiting, size = [], 0

            def write() -> None:
                batch = batch_of(waiting)
                writer.write_batch(batch)
                advance(batch.nbytes)

            def put(row: Any, characters: int) -> None:
                nonlocal waiting, size
                waiting.append(row)
                size += characters
                if len(waiting) == BATCH_ROWS or size > BATCH_CHARACTERS:
                    write()
                    waiting, size = [], 0

            yield put
            if waiting:
                write()

    def batches(self, name: str) -> Iterator[pyarrow.RecordBatch]:
        """What a stream holds."""
        import pyarrow

        # Not mapped: what was read once would count as memory until another program wants it.
        source = pyarrow.OSFile(str(self.folder / name)) if self.folder else self.buffers[name]
        with pyarrow.ipc.open_stream(source) as stream:
            yield from stream

    def drop(self, name: str) -> None:
        """Let go of a stream."""
        if self.folder:
            (self.folder / name).unlink()
        self.buffers.pop(name, None)

    def datasets(self) -> dict[str, Dataset]:
        """The splits, of those that were written."""
        from datasets import Dataset

        if self.folder:
            there = {split: self.folder / f"{split}.arrow" for split in SPLITS}
            return {split: Dataset.from_file(str(f)) for split, f in there.items() if f.is_file()}
        return {
            split: Dataset.from_buffer(self.buffers[f"{split}.arrow"])
            for split in SPLITS
            if f"{split}.arrow" in self.buffers
        }


def arrow_splits(
    parts: dict[str, Path],
    settings: tuple,
    split: Callable[[Shelf, int], list[str]],
    growth: int = 1,
) -> DatasetDict:
    """The splits of a source: read once, and taken from the cache later if the source is large.

    Args:
        parts: which file or folder holds which split, as `find_parts` gives it.
        settings: whatever else decides on the rows.
        split: puts the streams `train.arrow` and so on on a shelf, and gives what is to be told;
            it gets the bytes of a large source, for a bar, or 0.
        growth: how many bytes of Arrow come of one of the source.
    Raises:
        DataError: whatever `split` raises, and a source that changes meanwhile.
    """
    from datasets import DatasetDict

    listings = {part: _listing(path) for part, path in parts.items()}
    size = sum(size for size, _ in listings.values())
    if size * growth <= LARGE:
        shelf = Shelf(None)
        _tell(split(shelf, 0))
        return DatasetDict(shelf.datasets())

    def write(folder: Path) -> None:
        told = split(Shelf(folder), size)
        (folder / TOLD).write_text("\n".join(told), encoding="utf8")
        for part, path in parts.items():
            if _listing(path) != listings[part]:
                raise DataError(f"{path}: changed while it was read; run it again")

    names = [TOLD, *(f"{split}.arrow" for split in SPLITS)]
    folder = kept(cache_folder() / "texts" / _fingerprint(parts, settings), write, names)
    _tell((folder / TOLD).read_text(encoding="utf8").splitlines())
    return DatasetDict(Shelf(folder).datasets())


def _tell(told: Iterable[str]) -> None:
    for line in told:
        print(line)


def _listing(path: Path) -> tuple[int, str]:
    """The size of a file or a tree as it will be in memory, and when each file was changed."""
    digest, size = hashlib.sha256(), 0
    for file in _files_of(path):
        try:
            about = os.stat(file)
        except OSError:  # it is told when it is read
            continue
        size += about.st_size * (GROWTH if file.lower().endswith(PACKED) else 1)
        digest.update(
            f"{file} {about.st_size} {about.st_mtime_ns} {about.st_ctime_ns}\n".encode(
                errors="surrogateescape"
            )
        )
    return size, digest.hexdigest()


def _files_of(path: Path) -> Iterable[str]:
    """The files that a part is read from, in the order they are read in."""
    if not path.is_dir():
        return [str(path)]
    folders = map(str, files.class_folders(path))
    return (f"{sub}{os.sep}{name}" for sub in folders for name in files.text_files(sub))


def _fingerprint(parts: dict[str, Path], settings: tuple) -> str:
    """A name for what a source gives, by all that decides on it: contents, not dates.

    A date can be old, and a path the same, when the file is another one.
    """
    digest = hashlib.sha256(repr((READER, *settings)).encode(errors="surrogateescape"))
    for part, path in parts.items():
        digest.update(f"\n{part} {path.name if path.is_file() else ''} ".encode())
        for file in _files_of(path):
            if path.is_dir():  # the name of the class, and that of the file
                name = file[len(str(path)) :]
                digest.update(name.encode(errors="surrogateescape"))
            try:
                with open(file, "rb", buffering=0) as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
            except OSError:  # it is told when it is read
                digest.update(b"unread")
    return digest.hexdigest()[:32]


def progress(size: int) -> tqdm:
    """A bar over the bytes of a large source, on a terminal or in a notebook."""
    from tqdm.auto import tqdm

    seen = sys.stderr.isatty() or "ipykernel" in sys.modules
    return tqdm(total=size, unit="B", unit_scale=True, leave=False, disable=not (size and seen))


def write_splits(
    shelf: Shelf,
    shares: dict[str, tuple[list[str], np.ndarray | None]],
    features: Features,
    finished: Callable[[str, pyarrow.RecordBatch], list[pyarrow.Array]],
) -> None:
    """Write staged rows to the splits they belong to, and let go of what was staged.

    Args:
        shares: of each part that is staged as `<part>.staged`, the splits that it goes to, and the
            place among them of each row; None: all go to the first.
        features: what the splits hold.
        finished: the columns of a staged batch of a part.
    """
    import pyarrow

    schema = features.arrow_schema
    wanted = {split for splits, _ in shares.values() for split in splits}
    with contextlib.ExitStack() as stack:
        writers = {
            split: stack.enter_context(shelf.writer(f"{split}.arrow", schema))
            for split in SPLITS
            if split in wanted
        }
        for part, (splits, sides) in shares.items():
            start = 0
            for batch in shelf.batches(f"{part}.staged"):
                here = slice(start, start := start + len(batch))
                whole = pyarrow.RecordBatch.from_arrays(finished(part, batch), schema=schema)
                if sides is None:
                    writers[splits[0]].write_batch(whole)
                    continue
                for side, split in enumerate(splits):
                    some = whole.filter(pyarrow.array(sides[here] == side))
                    if len(some):
                        writers[split].write_batch(some)
            shelf.drop(f"{part}.staged")
