"""A corpus of any size on disk: encoded once, read through the operating system's memory map.

A folder of parts, each an Arrow file of about a million characters of text: `tokens` of each
document, and the `ends` of its sentences among them. A part is written under another name and gets
its own when it is whole, the list of all parts (corpus.json) comes last: whatever kills the
program, the same call carries on. The folder's name is a fingerprint of the texts and of the
tokenizer, so that another text under the same name is another corpus.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from datasets import Dataset
from filelock import FileLock
from transformers import PreTrainedTokenizerBase

from utils.pretraining.text import stream_split, text_sha256
from utils.pretraining.tokens import Encoder

FORMAT = 1  # of the parts; another number and all is encoded anew
PART = 1_000_000  # characters
HELD_OUT = 0  # the weight of what is not trained on
LISTING = "corpus.json"
Place = tuple[int, int]  # of a document: number of its part, its number there


def prepare_corpus(
    texts: Sequence[str | Path], tokenizer: PreTrainedTokenizerBase, folder: str | Path
) -> "Corpus":
    """The corpus of these texts, encoded if that was not done before.

    Several processes may call it at once: one works, the others wait for it.

    Args:
        texts: corpus files, as `stream_documents` reads them; one that is listed twice counts twice.
        folder: where prepared corpora are kept, each in a folder of its own.
    Raises:
        ValueError: a text cannot be used; names the file.
    """
    weights = Counter(texts)
    sums = [(text_sha256(path), weight) for path, weight in weights.items()]
    of_tokenizer = hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()
    described = json.dumps([FORMAT, PART, sums, of_tokenizer])
    folder = Path(folder) / hashlib.sha256(described.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / LISTING).is_file():
        with FileLock(folder.with_suffix(".lock")):
            if not (folder / LISTING).is_file():
                _encode(weights, tokenizer, folder)
    return Corpus(folder)


def _encode(
    weights: dict[str | Path, int], tokenizer: PreTrainedTokenizerBase, folder: Path
) -> None:
    """Write the parts that are not there yet, then the list of them."""
    encoder, parts, done = Encoder(tokenizer), [], Counter()
    token_counts: dict[int, np.ndarray] = {}
    for weight, documents in _in_parts(weights):
        path = folder / f"{weight}-{done[weight]:05}.arrow"
        done[weight] += 1
        if not path.is_file():
            _write(_table(documents, encoder), path)
        part = _open_part(path)
        several = int((np.diff(part.end_starts) > 2).sum())
        parts.append([path.name, weight, len(part.starts) - 1, several])
        counts = np.bincount(part.tokens, minlength=len(tokenizer))
        token_counts[weight] = token_counts.get(weight, 0) + counts
        print(f"\rencoding … {len(parts):,} million characters", end="", flush=True)
    print()
    names = ("name", "weight", "documents", "several")
    listing = {
        "parts": [dict(zip(names, part, strict=True)) for part in parts],
        "token_counts": sum(weight * each for weight, each in token_counts.items()).tolist(),
    }
    partial = folder / "corpus.partial"
    partial.write_text(json.dumps(listing), encoding="utf8")
    partial.replace(folder / LISTING)


def _in_parts(weights: dict[str | Path, int]) -> Iterator[tuple[int, list[list[str]]]]:
    """(how often its texts count, documents) of about `PART` characters; `HELD_OUT`: not at all."""
    waiting: dict[int, list] = {}
    sizes = Counter()
    for path, document, held_out in stream_split(list(weights)):
        weight = HELD_OUT if held_out else weights[path]
        waiting.setdefault(weight, []).append(document)
        sizes[weight] += sum(map(len, document))
        if sizes[weight] >= PART:
            yield weight, waiting.pop(weight)
            sizes[weight] = 0
    yield from waiting.items()


def _table(documents: list[list[str]], encoder: Encoder) -> pa.Table:
    """Documents as rows: `tokens`, and the `ends` of the sentences in them, from 0."""
    tokens, lengths = encoder(list(chain.from_iterable(documents)))
    kind = np.uint16 if len(encoder.tokenizer) <= 2**16 else np.uint32
    # Sentences without tokens go, and documents without sentences.
    numbers = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    numbers, lengths = numbers[lengths > 0], lengths[lengths > 0]
    _, firsts, counts = np.unique(numbers, return_index=True, return_counts=True)
    ends = np.cumsum(lengths)
    starts = np.concatenate([[0], ends])[firsts]  # of the documents, in tokens
    within = np.insert(ends - np.repeat(starts, counts), firsts, 0)
    columns = {
        "tokens": (np.append(starts, len(tokens)), tokens.astype(kind)),
        "ends": (np.append(0, np.cumsum(counts + 1)), within.astype(np.uint32)),
    }
    return pa.table(
        {
            name: pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values))
            for name, (offsets, values) in columns.items()
        }
    )


def _write(table: pa.Table, path: Path) -> None:
    """Write an Arrow file that is either whole or not there."""
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
        file.flush()
        os.fsync(file.fileno())  # or a machine that loses power keeps the name without the content
    partial.replace(path)


class Part(NamedTuple):
    """One part as arrays that lie in the file: reading them reads it."""

    tokens: np.ndarray  # (tokens,) of all documents
    starts: np.ndarray  # (documents + 1,): where each begins in `tokens`
    ends: np.ndarray  # of the sentences, counted from the beginning of their document
    end_starts: np.ndarray  # (documents + 1,): where those of each document begin in `ends`


def _open_part(path: Path) -> Part:
    table = Dataset.from_file(str(path)).data.table
    arrays = []
    for name in ("tokens", "ends"):
        column = table.column(name).combine_chunks()  # one chunk: nothing is copied
        arrays += [column.values.to_numpy(), column.offsets.to_numpy()]
    return Part(*arrays)


_map = lru_cache(maxsize=None)(_open_part)


class Corpus:
    """What `prepare_corpus` wrote. Documents are known by their `Place`."""

    def __init__(self, folder: Path):
        self.folder = folder
        listing = json.loads((folder / LISTING).read_text(encoding="utf8"))
        self.parts = listing["parts"]
        # (vocabulary,) how often each token occurs in a pass.
        self.token_counts = np.array(listing["token_counts"])
        # Numbers of the training parts, of a text that counts twice twice.
        self.listed = [
            number for number, part in enumerate(self.parts) for _ in range(part["weight"])
        ]

    def part(self, number: int) -> Part:
        """The arrays of a part, mapped when first asked for."""
        return _map(self.folder / self.parts[number]["name"])

    def documents(self, part: int) -> list[Place]:
        """The places of a part's documents."""
        return [(part, number) for number in range(self.parts[part]["documents"])]

    def __len__(self) -> int:
        """Training documents, those of a text that counts twice twice."""
        return sum(self.parts[number]["documents"] for number in self.listed)

    def ends(self, place: Place) -> list[int]:
        """Where the sentences of a document end, in tokens, from 0: [0, 7, 19] for 7 and 12."""
        part = self.part(place[0])
        first, last = part.end_starts[place[1]], part.end_starts[place[1] + 1]
        return part.ends[first:last].tolist()

    def tokens(self, place: Place, start: int, end: int) -> list[int]:
        """Token ids of a document, from one of its tokens to another."""
        part = self.part(place[0])
        first = int(part.starts[place[1]])
        return part.tokens[first + start : first + end].tolist()

    def held_out(self, most: int = 1_000_000) -> list[list[list[int]]]:
        """Sentences of token ids of the held-out documents, as `encode_documents` gives them.

        Args:
            most: tokens; a larger corpus holds out more than is needed to measure.
        """
        found, size = [], 0
        for number, part in enumerate(self.parts):
            for place in self.documents(number) if part["weight"] == HELD_OUT else ():
                ends = self.ends(place)
                size += ends[-1]
                if size > most and len(found) > 1:
                    return found
                found.append(
                    [self.tokens(place, *each) for each in zip(ends, ends[1:], strict=False)]
                )
        return found


class Several(Sequence):
    """The places of all listed documents that have several sentences, without a list of them."""

    def __init__(self, corpus: Corpus):
        self.corpus = corpus
        self.last = np.cumsum([corpus.parts[number]["several"] for number in corpus.listed])
        self.numbers: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return int(self.last[-1]) if len(self.last) else 0

    def __getitem__(self, index: int) -> Place:
        place = int(np.searchsorted(self.last, index, side="right"))
        part = self.corpus.listed[place]
        if part not in self.numbers:
            self.numbers[part] = np.flatnonzero(np.diff(self.corpus.part(part).end_starts) > 2)
        return part, int(self.numbers[part][index - (self.last[place - 1] if place else 0)])
