"""A corpus of any size on disk: encoded once, read through the operating system's memory map.

A folder of parts, each an Arrow file of about a million characters of text: `tokens` of each
document, and the `ends` of its sentences among them. Several processes encode a long text, each a
part at a time; the files are the same for any number of them. A part is written under another name
and gets its own when it is whole, the list of all parts (corpus.json) comes last: whatever kills
the program, the same call carries on. The folder's name is a fingerprint of the texts and of the
tokenizer, so that another text under the same name is another corpus.
"""

import contextlib
import hashlib
import json
import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np
from datasets import Dataset
from filelock import FileLock
from transformers import PreTrainedTokenizerBase

from utils.encoding import Encoder, Helper, Summary, encode_part, summary_of
from utils.pretraining.text import stream_split, text_sha256

FORMAT = 1  # of the parts; another number and all is encoded anew
PART = 1_000_000  # characters
PARTS_ALONE = 8  # before others help: shorter texts are encoded before these are ready
MOST_PROCESSES = 4
LONG = 10_000  # sentences of a document
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
    parts, token_counts = [], Counter()
    for path, weight, part in _each_part(weights, tokenizer, folder):
        parts.append([path.name, weight, part.documents, part.several])
        token_counts[weight] += np.array(part.token_counts)
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


def _each_part(
    weights: dict[str | Path, int], tokenizer: PreTrainedTokenizerBase, folder: Path
) -> Iterator[tuple[Path, int, Summary]]:
    """Every part in its order, by several processes where the text is long.

    This process reads the text and deals it out; while the others have enough to do, it encodes a
    part itself. Who encodes a part makes no difference to it.
    """
    encoder, done, others = Encoder(tokenizer), Counter(), processes() - 1
    free: SimpleQueue[Helper] = SimpleQueue()
    waiting: deque[tuple[Path, int, Future | Summary]] = deque()  # parts in their order

    def elsewhere(path: Path, documents: list[list[str]]) -> Summary:
        helper = free.get()
        try:
            return helper.encode_part(path, documents)
        finally:
            free.put(helper)

    with contextlib.ExitStack() as stack:
        threads = None
        for count, (weight, documents) in enumerate(_in_parts(weights)):
            path = folder / f"{weight}-{done[weight]:05}.arrow"
            done[weight] += 1
            if count == PARTS_ALONE and others:
                for _ in range(others):
                    free.put(stack.enter_context(contextlib.closing(Helper(tokenizer))))
                threads = stack.enter_context(ThreadPoolExecutor(others))  # each waits for one
            busy = sum(not _is_done(summary) for *_, summary in waiting)
            if path.is_file():
                part = _open_part(path)
                summary = summary_of(part.end_starts, part.tokens, encoder.vocab_size)
            elif threads and busy < 2 * others:
                summary = threads.submit(elsewhere, path, documents)
            else:
                summary = encode_part(path, documents, encoder)
            waiting.append((path, weight, summary))
            while waiting and _is_done(waiting[0][2]):
                yield _with_its_result(*waiting.popleft())
        for each in waiting:
            yield _with_its_result(*each)


def processes() -> int:
    """How many encode a long text together: one for each core, and no more than can be fed."""
    known = hasattr(os, "sched_getaffinity")  # the cores that this process may use
    return min(len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1, MOST_PROCESSES)


def _is_done(summary: Future | Summary) -> bool:
    return isinstance(summary, Summary) or summary.done()


def _with_its_result(
    path: Path, weight: int, summary: Future | Summary
) -> tuple[Path, int, Summary]:
    return path, weight, summary.result() if isinstance(summary, Future) else summary


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
        self.long: dict[Place, list[int]] = {}  # the ends of the last long documents

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
        if last - first < LONG:
            return part.ends[first:last].tolist()
        if place not in self.long:  # asked for again with each pair that is drawn from it
            if len(self.long) > 1:
                del self.long[next(iter(self.long))]
            self.long[place] = part.ends[first:last].tolist()
        return self.long[place]

    def tokens(self, place: Place, start: int, end: int) -> list[int]:
        """Token ids of a document, from one of its tokens to another."""
        part = self.part(place[0])
        first = int(part.starts[place[1]])
        return part.tokens[first + start : first + end].tolist()

    def held_out(self, most: int = 300_000) -> list[list[list[int]]]:
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
