"""Pairs of segments for next sentence prediction.

Source: Devlin et al. 2019, arXiv 1810.04805, section 3.1 and appendix A.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import accumulate, chain

import torch

from utils.pretraining.masking import IGNORE
from utils.pretraining.rows import CompactRows, Row, need_two

IS_NEXT, NOT_NEXT = 0, 1  # Hugging Face's coding of the NSP label: 0 means "is next"


def truncate_pair(first: list[int], second: list[int], max_tokens: int, rng: random.Random) -> None:
    """Shorten the longer of two segments, in place, at a random end, until both fit together."""
    for tokens, (start, end) in zip(
        (first, second), ends_that_fit(len(first), len(second), max_tokens, rng), strict=True
    ):
        tokens[:] = tokens[start:end]


def ends_that_fit(first: int, second: int, max_tokens: int, rng: random.Random) -> tuple:
    """(start, end) of what is left of each of two segments of so many tokens, truncated to fit."""
    ends = [[0, first], [0, second]]
    while first + second > max_tokens:
        longer = 0 if first >= second else 1
        if rng.random() < 0.5:
            ends[longer][0] += 1
        else:
            ends[longer][1] -= 1
        first, second = (end - start for start, end in ends)
    return ends


def segment_pairs(
    documents: Sequence[list[list[int]]], max_length: int, rng: random.Random
) -> Iterator[tuple[list[int], list[int], int]]:
    """Cut documents into (segment A, segment B, NSP label), as BERT's own data preparation does.

    Sentences are gathered until they fill `max_length - 3` tokens ([CLS] A [SEP] B [SEP]) and
    split at a random sentence. Half of the time B is what really follows (`IS_NEXT`); half of
    the time it comes from another document (`NOT_NEXT`) and the sentences it replaced go back.
    A piece of a single sentence has no second half: B is empty and the label is `IGNORE`.

    Raises:
        ValueError: only one of the documents has several sentences.
    """
    # Only documents that also give true pairs give false ones: were headlines drawn too, "B is a
    # headline" would tell the label, and the model would learn that instead of reading.
    pool = [place for place, document in enumerate(documents) if len(document) > 1]
    tokens = [list(chain.from_iterable(document)) for document in documents]
    ends = [[0, *accumulate(map(len, document))] for document in documents]
    for first, second, label in pair_places(
        range(len(documents)), ends.__getitem__, pool, max_length, rng
    ):
        a, b = (tokens[place][start:end] for place, start, end in (first, second))
        yield a, b, label


Segment = tuple[Hashable, int, int]  # which document, and from which of its tokens to which


def pair_places(
    documents: Iterable[Hashable],
    ends: Callable[[Hashable], Sequence[int]],
    pool: Sequence[Hashable],
    max_length: int,
    rng: random.Random,
) -> Iterator[tuple[Segment, Segment, int]]:
    """Where `segment_pairs` cuts: (segment A, segment B, NSP label), without a look at the text.

    Args:
        documents: numbers or names of the documents to cut.
        ends: gives of a document where its sentences end, counted in tokens from 0, which comes
            first: [0, 7, 19] are two sentences of 7 and 12 tokens.
        pool: the documents of several sentences, from which false pairs are drawn.
    Raises:
        ValueError: only one document in the pool.
    """
    room = max_length - 3
    if len(pool) == 1:
        raise ValueError("only one document has several sentences; false pairs need at least two")
    for document in documents:
        own, start = ends(document), 0
        last = len(own) - 1
        while start < last:
            end = sentences_that_fit(own, start, room)
            if end - start == 1:
                whole = min(own[end], own[start] + max_length - 2)
                yield (document, own[start], whole), (document, 0, 0), IGNORE
                start = end
                continue
            split = rng.randint(start + 1, end - 1)
            if rng.random() < 0.5:
                second, label = (document, own[split], own[end]), IS_NEXT
            else:
                other = rng.choice(pool)
                while other == document:
                    other = rng.choice(pool)
                theirs = ends(other)
                begin = rng.randrange(len(theirs) - 1)
                left = room - (own[split] - own[start])
                stop = sentences_that_fit(theirs, begin, left)
                second, label = (other, theirs[begin], theirs[stop]), NOT_NEXT
            first = (document, own[start], own[split])
            start = end if label == IS_NEXT else split
            cut = ends_that_fit(first[2] - first[1], second[2] - second[1], room, rng)
            a, b = (
                (place, begin + after, begin + before)
                for (place, begin, _), (after, before) in zip((first, second), cut, strict=True)
            )
            yield a, b, label


def sentences_that_fit(ends: Sequence[int], start: int, room: int) -> int:
    """The last of the sentences from `start` on, plus one, that have room together; at least one."""
    return max(bisect_right(ends, ends[start] + room) - 1, start + 1)


def pair_row(first: list[int], second: list[int], label: int, cls: int, sep: int) -> dict:
    """`input_ids`, `token_type_ids` and `next_sentence_label` of [CLS] A [SEP] B [SEP]."""
    input_ids = [cls, *first, sep]
    token_type_ids = [0] * len(input_ids)
    if second:
        input_ids += [*second, sep]
        token_type_ids += [1] * (len(second) + 1)
    return {
        "input_ids": input_ids,
        "token_type_ids": token_type_ids,
        "next_sentence_label": label,
    }


class SegmentPairs(torch.utils.data.Dataset):
    """Pairs of segments from several passes over the documents, each cut and paired anew.

    Item: dict of `input_ids`, `token_type_ids` (lists of equal length) and `next_sentence_label`
    (int). Passes, lengths and the order of the rows: see `CompactRows`.
    """

    def __init__(
        self,
        documents: Sequence[list[list[int]]],
        tokenizer,
        max_length: int = 256,
        **options,
    ):
        """Args:
            documents: sentences of token ids, as `encode_documents` gives them.
            tokenizer: the one they were encoded with; its [CLS] and [SEP] are put in.
            max_length: of a row, in tokens.
            options: `short_length`, `passes`, `batch_size`, `seed` of `CompactRows`.
        Raises:
            ValueError: fewer than two documents, or than two that have several sentences.
        """
        need_two(documents)
        self.cls, self.sep = tokenizer.cls_token_id, tokenizer.sep_token_id

        def cut(length: int, rng: random.Random) -> Iterator[Row]:
            for first, second, label in segment_pairs(documents, length, rng):
                yield first + second, (len(first), label)

        self.rows = CompactRows(cut, max_length, **options)

    @property
    def ends(self) -> Sequence[int]:
        """How many tokens of the corpus the rows up to each one hold."""
        return self.rows.ends

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict:
        tokens, (split, label) = self.rows[index]
        return pair_row(tokens[:split], tokens[split:], label, self.cls, self.sep)
