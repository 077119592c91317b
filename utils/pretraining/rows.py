"""Training rows in compact arrays: several passes over a corpus, in batches of similar length."""

import random
from array import array
from collections.abc import Callable, Iterable, Sequence

from transformers import BatchEncoding, PreTrainedTokenizerBase

Row = tuple[list[int], tuple[int, ...]]  # its tokens, and a few numbers that tell what they are


def padded(
    tokenizer: PreTrainedTokenizerBase, rows: list[dict], multiple: int = 8
) -> BatchEncoding:
    """Rows as tensors of one length, padded on the right, whichever side the tokenizer pads on."""
    return tokenizer.pad(
        rows, return_tensors="pt", pad_to_multiple_of=multiple, padding_side="right"
    )


class CompactRows:
    """Rows of several passes over the same documents, each pass cut anew.

    Read in order, every `batch_size` rows are of similar length (little padding), and batches of
    different lengths follow each other at random. Trainer's own grouping goes from long to short
    again and again, and the model with it: it forgets headlines over articles and back.

    One pass in ten is at `max_length`, the others at `short_length`: short rows are cheap, a few
    long ones train the late positions. A single pass is at `max_length`.

    Lists of Python numbers would take ten times the memory of these arrays.
    """

    def __init__(
        self,
        cut: Callable[[int, random.Random], Iterable[Row]],
        max_length: int = 256,
        short_length: int = 128,
        passes: int = 1,
        batch_size: int = 64,
        seed: int = 0,
    ):
        """Args:
        cut: `cut(length, rng)` gives the rows of one pass, none longer than `length` allows.
        """
        self.tokens = array("I")
        self.ends = array("q")  # of each row in `tokens`
        self.numbers = array("i")  # the same count for each row
        rng, rows = random.Random(seed), []
        for number in range(passes):
            long = number % 10 == 9 or passes == 1
            rows += cut(max_length if long else min(short_length, max_length), rng)
            rows = in_batches_of_similar_length(rows, batch_size, rng)
            # The rows of an incomplete batch wait for the next pass: they would shift its batches.
            whole = len(rows) - len(rows) % batch_size if number < passes - 1 else len(rows)
            for tokens, numbers in rows[:whole]:
                self.tokens.extend(tokens)
                self.ends.append(len(self.tokens))
                self.numbers.extend(numbers)
            rows = rows[whole:]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Row:
        start, width = self.ends[index - 1] if index else 0, len(self.numbers) // len(self.ends)
        tokens = self.tokens[start : self.ends[index]].tolist()
        return tokens, tuple(self.numbers[index * width : (index + 1) * width])


def in_batches_of_similar_length(
    rows: Sequence[Row], batch_size: int, rng: random.Random
) -> list[Row]:
    """Order rows so that each `batch_size` of them are about equally long.

    Of a row only the length of what stands first in it is looked at.
    """
    rows = list(rows)
    rng.shuffle(rows)  # so that rows of one length come in a new order each time
    rows.sort(key=lambda row: len(row[0]))
    starts = list(range(0, len(rows), batch_size))
    last = [starts.pop()] if len(rows) % batch_size else []  # an incomplete batch must stay last
    rng.shuffle(starts)
    return [row for start in starts + last for row in rows[start : start + batch_size]]


def need_two(documents: Sequence) -> None:
    """Raises ValueError where there is too little text to pretrain on."""
    if len(documents) < 2:
        raise ValueError(
            "pretraining needs at least two documents to draw random segments from, "
            "and two more that are held out; give more text"
        )
