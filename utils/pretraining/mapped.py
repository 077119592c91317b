"""Rows of a corpus on disk, cut when they are asked for: a pass more costs nothing beforehand.

What a row is follows from the seed, the number of the pass and the number of the row alone. So all
processes of a training see the same rows, each takes its own, and one that was killed carries on
where it was. The cutting is that of `segment_pairs` and `passages`, of one part of the corpus (about
a million characters) at a time.
"""

import hashlib
import json
import random
from collections.abc import Callable, Hashable, Iterator
from itertools import accumulate, pairwise, zip_longest
from typing import Any, NamedTuple

import numpy as np
import torch
from filelock import FileLock

from utils.pretraining.causal import passage_places, passage_row
from utils.pretraining.corpus import Corpus, Several
from utils.pretraining.pairs import pair_places, pair_row
from utils.pretraining.rows import in_batches_of_similar_length, need_two

MIXED = 16  # parts whose batches come mixed
PASSES = 10  # of which the last is in long rows
# Of a row: (part, document, first token, end) of A, the same of B, and its label or `last`.
COLUMNS = 9

# tokens a row, and its numbers (`COLUMNS`)
Cut = tuple[range, tuple[int, ...]]


def cut_pairs(
    corpus: Corpus, part: int, pool: Several, length: int, rng: random.Random
) -> Iterator[Cut]:
    """Rows of `segment_pairs` from one part; B of a false pair from any part."""
    documents = corpus.documents(part)
    for first, second, label in pair_places(documents, corpus.ends, pool, length, rng):
        (a, *where_a), (b, *where_b) = first, second
        size = where_a[1] - where_a[0] + where_b[1] - where_b[0]
        yield range(size), (*a, *where_a, *b, *where_b, label)


def cut_passages(
    corpus: Corpus, part: int, pool: Several, length: int, rng: random.Random
) -> Iterator[Cut]:
    """Rows of `passages` from one part."""
    for place in corpus.documents(part):
        size = corpus.ends(place)[-1]
        for start, end in passage_places(size, length, rng):
            yield range(end - start), (*place, start, end, *place, end, end, int(end == size))


CUTS: dict[str, Callable] = {"pairs": cut_pairs, "passages": cut_passages}


class MappedRows(torch.utils.data.Dataset):
    """Rows of as many passes as are asked for, each pass cut and paired anew.

    Item: what `SegmentPairs` or `Passages` give, and `seed`, with which a collator may draw masks
    that are the same wherever and whenever the row is asked for.

    As in `CompactRows` every `batch_size` rows are of similar length, and one pass in ten is at
    `max_length`. Every pass has the same number of rows, that of a first trial: a pass that gives a
    few more leaves some out at random, one that gives fewer takes some from another cutting.
    """

    def __init__(
        self,
        corpus: Corpus,
        tokenizer,
        kind: str,
        rows: int,
        max_length: int = 256,
        short_length: int = 128,
        batch_size: int = 64,
        seed: int = 0,
    ):
        """Args:
            kind: "pairs" or "passages".
            rows: how many there are to be; a training's steps times the rows a step.
            max_length, short_length: of a row, in tokens, in one pass of ten and in the others.
            batch_size: rows a step, of all processes together.
        Raises:
            ValueError: fewer than two documents, or than two that have several sentences.
        """
        need_two(range(len(corpus)))
        self.corpus, self.kind, self.rows, self.batch_size = corpus, kind, rows, batch_size
        self.seed, self.pool = seed, Several(corpus)
        self.signs = tokenizer.cls_token_id, tokenizer.sep_token_id
        self.lengths = min(short_length, max_length), max_length
        self.trials = [trial(corpus, kind, length) for length in self.lengths]
        self.batches = [  # of each listed part, in a pass of short and of long rows
            [whole_batches(trial.rows[part], batch_size) for part in corpus.listed]
            for trial in self.trials
        ]
        sizes = [sum(self.batches[self.is_long(number)]) for number in range(PASSES)]
        self.ends = [0, *accumulate(size * batch_size for size in sizes)]  # rows, of ten passes
        self.plans: dict[int, list[tuple[int, int]]] = {}  # of the last passes
        self.cuts: dict[tuple[int, int], np.ndarray] = {}  # of the last parts

    def is_long(self, number: int) -> bool:
        """Is this pass in long rows?"""
        return number % PASSES == PASSES - 1

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: int) -> dict:
        if not 0 <= index < self.rows:
            raise IndexError(f"row {index} of {self.rows}")
        number, row = self.place(index)
        batch, within = divmod(row, self.batch_size)
        part, batch = self.plan(number)[batch]
        row = self.cut(number, part)[batch * self.batch_size + within].tolist()
        tokens = self.corpus.tokens
        first, second = tokens((row[0], row[1]), *row[2:4]), tokens((row[4], row[5]), *row[6:8])
        if self.kind == "pairs":
            item = pair_row(first, second, row[8], *self.signs)
        else:
            item = passage_row(first, row[8], *self.signs)
        return item | {"seed": self.seed * 1_000_000_007 + index}

    def place(self, index: int) -> tuple[int, int]:
        """(number of the pass, row in it) of a row."""
        tens, row = divmod(index, self.ends[-1])
        within = next(number for number in range(PASSES) if row < self.ends[number + 1])
        return tens * PASSES + within, row - self.ends[within]

    def plan(self, number: int) -> list[tuple[int, int]]:
        """For each batch of a pass (place among the listed parts, number of the batch in its part).

        The parts, in random order, are laid end to end and divided into `MIXED` lanes (of fewer
        parts: 8, 4 or 2); batches are taken from one lane after the other. So of 2, 4, 8 or 16
        processes that prepare batches by turns each meets its own lanes, and cuts no other parts.
        """
        return _kept(self.plans, number, 2, lambda: self._plan(number))

    def _plan(self, number: int) -> list[tuple[int, int]]:
        counts = self.batches[self.is_long(number)]
        rng = random.Random(f"plan {self.seed} {number}")
        order = rng.sample(range(len(counts)), len(counts))
        batches = [(part, each) for part in order for each in range(counts[part])]
        many = 2 ** (min(len(counts), MIXED).bit_length() - 1)
        ends = [lane * len(batches) // many for lane in range(many + 1)]
        lanes = [batches[start:end] for start, end in pairwise(ends)]
        if many < MIXED:  # a lane has one part or two; those of one part are in random order
            for lane in lanes:
                rng.shuffle(lane)
        return [batch for turn in zip_longest(*lanes) for batch in turn if batch]

    def cut(self, number: int, place: int) -> np.ndarray:
        """(rows, `COLUMNS`) of one part in one pass, in the order of its batches."""
        return _kept(self.cuts, (number, place), 2 * MIXED, lambda: self._cut(number, place))

    def _cut(self, number: int, place: int) -> np.ndarray:
        long = self.is_long(number)
        wanted = self.batches[long][place] * self.batch_size
        rng = random.Random(f"cut {self.seed} {number} {place}")
        part, rows = self.corpus.listed[place], []
        while len(rows) < wanted:
            more = list(CUTS[self.kind](self.corpus, part, self.pool, self.lengths[long], rng))
            rows += rng.sample(more, min(len(more), wanted - len(rows)))
        rows = in_batches_of_similar_length(rows, self.batch_size, rng)
        return np.array([numbers for _, numbers in rows], dtype=np.int32)

    def passes_of(self, rows: int) -> float:
        """How many passes the first so many rows are."""
        number, row = self.place(rows)
        within = number % PASSES
        return number + row / (self.ends[within + 1] - self.ends[within])

    def tokens_of(self, rows: int) -> int:
        """About how many tokens of the corpus the first so many rows hold, by the trials' mean."""
        number, row = self.place(rows)
        long_rows = number // PASSES * (self.ends[-1] - self.ends[-2]) + row * self.is_long(number)
        short, long = (trial.tokens_a_row(self.corpus.listed) for trial in self.trials)
        return round(short * (rows - long_rows) + long * long_rows)


def _kept(memory: dict, key: Hashable, most: int, make: Callable) -> Any:
    """What is kept under a key, made where it is not; the oldest of too many goes."""
    if key not in memory:
        if len(memory) >= most:
            del memory[next(iter(memory))]
        memory[key] = make()
    return memory[key]


def whole_batches(rows: int, batch_size: int) -> int:
    """How many batches a part with about so many rows gives: at least one, if it has any row."""
    return max(round(rows / batch_size), min(rows, 1))


class Trial(NamedTuple):
    """What a first cutting of each part gave."""

    rows: dict[int, int]
    tokens: dict[int, int]

    def tokens_a_row(self, parts: list[int]) -> float:
        """Mean of the rows of these parts, without special tokens."""
        return sum(self.tokens[part] for part in parts) / sum(self.rows[part] for part in parts)


def trial(corpus: Corpus, kind: str, length: int) -> Trial:
    """Rows and tokens of each listed part, cut once; kept beside the corpus.

    Raises:
        ValueError: only one document has several sentences.
    """
    listed = sorted(set(corpus.listed))
    name = hashlib.sha256(json.dumps([kind, length, listed]).encode()).hexdigest()[:16]
    path = corpus.folder / f"trial-{name}.json"
    with FileLock(path.with_suffix(".lock")):  # one process cuts, the others wait
        if not path.is_file():
            pool, rows, tokens = Several(corpus), {}, {}
            for part in listed:
                cut = list(CUTS[kind](corpus, part, pool, length, random.Random(part)))
                rows[part], tokens[part] = len(cut), sum(len(row) for row, _ in cut)
            partial = path.with_suffix(".partial")
            partial.write_text(json.dumps([rows, tokens]), encoding="utf8")
            partial.replace(path)
    known = json.loads(path.read_text(encoding="utf8"))
    return Trial(*({int(part): count for part, count in each.items()} for each in known))
