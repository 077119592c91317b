"""Pairs of segments for next sentence prediction, and rows of them in compact arrays.

Source: Devlin et al. 2019, arXiv 1810.04805, section 3.1 and appendix A.
"""

import random
from array import array
from collections.abc import Iterator, Sequence

import torch

from utils.pretraining.masking import IGNORE

IS_NEXT, NOT_NEXT = 0, 1  # Hugging Face's coding of the NSP label: 0 means "is next"


def truncate_pair(first: list[int], second: list[int], max_tokens: int, rng: random.Random) -> None:
    """Shorten the longer of two segments, in place, at a random end, until both fit together."""
    while len(first) + len(second) > max_tokens:
        longer = first if len(first) >= len(second) else second
        longer.pop(0 if rng.random() < 0.5 else -1)


def segment_pairs(
    documents: Sequence[list[list[int]]], max_length: int, rng: random.Random
) -> Iterator[tuple[list[int], list[int], int]]:
    """Cut documents into (segment A, segment B, NSP label), as BERT's own data preparation does.

    Sentences are gathered until they fill ``max_length - 3`` tokens ([CLS] A [SEP] B [SEP]) and
    split at a random sentence. Half of the time B is what really follows (``IS_NEXT``); half of
    the time it comes from another document (``NOT_NEXT``) and the sentences it replaced go back.
    A piece of a single sentence has no second half: B is empty and the label is ``IGNORE``.
    """
    room = max_length - 3
    # Only documents that also give true pairs give false ones: were headlines drawn too, "B is a
    # headline" would tell the label, and the model would learn that instead of reading.
    pool = [place for place, document in enumerate(documents) if len(document) > 1]
    if len(pool) == 1:
        raise ValueError("only one document has several sentences; false pairs need at least two")
    for index, document in enumerate(documents):
        start = 0
        while start < len(document):
            end, size = start, 0
            while end < len(document) and (size == 0 or size + len(document[end]) <= room):
                size += len(document[end])
                end += 1
            if end - start == 1:
                yield document[start][: max_length - 2], [], IGNORE
                start = end
                continue
            split = rng.randint(start + 1, end - 1)
            first = [token for sentence in document[start:split] for token in sentence]
            if rng.random() < 0.5:
                second = [token for sentence in document[split:end] for token in sentence]
                label, start = IS_NEXT, end
            else:
                other = rng.choice(pool)
                while other == index:
                    other = rng.choice(pool)
                second = _random_segment(documents[other], room - len(first), rng)
                label, start = NOT_NEXT, split
            truncate_pair(first, second, room, rng)
            yield first, second, label


def _random_segment(document: list[list[int]], room: int, rng: random.Random) -> list[int]:
    """Consecutive sentences from a random one on, at least one, at most about ``room`` tokens."""
    segment: list[int] = []
    for sentence in document[rng.randrange(len(document)) :]:
        if segment and len(segment) + len(sentence) > room:
            break
        segment += sentence
    return segment


class SegmentPairs(torch.utils.data.Dataset):
    """Several passes over the documents, each cut and paired anew, in compact arrays.

    Item: dict of ``input_ids``, ``token_type_ids`` (lists of equal length) and
    ``next_sentence_label`` (int). One pass in ten is at ``max_length``, the others at
    ``short_length``: short rows are cheap, a few long ones train the late positions.

    Read in order, every ``batch_size`` rows are of similar length (little padding), and batches of
    different lengths follow each other at random. Trainer's own grouping goes from long to short
    again and again, and the model with it: it forgets headlines over articles and back.
    """

    cut = staticmethod(segment_pairs)

    def __init__(
        self,
        documents: Sequence[list[list[int]]],
        tokenizer,
        max_length: int = 256,
        short_length: int = 128,
        passes: int = 1,
        batch_size: int = 64,
        seed: int = 0,
    ):
        if len(documents) < 2:
            raise ValueError(
                "pretraining needs at least two documents to draw random segments from, "
                "and two more that are held out; give more text"
            )
        short_length = min(short_length, max_length)
        self.cls, self.sep = tokenizer.cls_token_id, tokenizer.sep_token_id
        self.tokens, self.ends, self.firsts, self.labels = (
            array("I"),
            array("q"),
            array("h"),
            array("b"),
        )
        rng = random.Random(seed)
        rows: list = []
        for number in range(passes):
            length = max_length if number % 10 == 9 or passes == 1 else short_length
            rows += self.cut(documents, length, rng)
            rows = in_batches_of_similar_length(rows, batch_size, rng)
            # The rows of an incomplete batch wait for the next pass: they would shift its batches.
            whole = len(rows) - len(rows) % batch_size if number < passes - 1 else len(rows)
            self._append(rows[:whole])
            rows = rows[whole:]

    def _append(self, rows: list) -> None:
        for first, second, label in rows:
            self.tokens.extend(first + second)
            self.ends.append(len(self.tokens))
            self.firsts.append(len(first))
            self.labels.append(label)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict:
        tokens = self.tokens[self.ends[index - 1] if index else 0 : self.ends[index]].tolist()
        first, second = tokens[: self.firsts[index]], tokens[self.firsts[index] :]
        input_ids = [self.cls, *first, self.sep]
        token_type_ids = [0] * len(input_ids)
        if second:
            input_ids += [*second, self.sep]
            token_type_ids += [1] * (len(second) + 1)
        return {
            "input_ids": input_ids,
            "token_type_ids": token_type_ids,
            "next_sentence_label": self.labels[index],
        }


def in_batches_of_similar_length(rows: list, batch_size: int, rng: random.Random) -> list:
    """Order (A, B, label) rows so that each ``batch_size`` of them are about equally long."""
    rng.shuffle(rows)  # so that rows of one length come in a new order each time
    rows.sort(key=lambda row: len(row[0]) + len(row[1]))
    starts = list(range(0, len(rows), batch_size))
    last = [starts.pop()] if len(rows) % batch_size else []  # an incomplete batch must stay last
    rng.shuffle(starts)
    return [row for start in starts + last for row in rows[start : start + batch_size]]
