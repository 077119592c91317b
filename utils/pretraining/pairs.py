"""Pairs of segments for next sentence prediction.

Source: Devlin et al. 2019, arXiv 1810.04805, section 3.1 and appendix A.
"""

import random
from collections.abc import Iterator, Sequence

import torch

from utils.pretraining.masking import IGNORE
from utils.pretraining.rows import CompactRows, Row, need_two

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

    Sentences are gathered until they fill `max_length - 3` tokens ([CLS] A [SEP] B [SEP]) and
    split at a random sentence. Half of the time B is what really follows (`IS_NEXT`); half of
    the time it comes from another document (`NOT_NEXT`) and the sentences it replaced go back.
    A piece of a single sentence has no second half: B is empty and the label is `IGNORE`.

    Raises:
        ValueError: only one of the documents has several sentences.
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
    """Consecutive sentences from a random one on, at least one, at most about `room` tokens."""
    segment: list[int] = []
    for sentence in document[rng.randrange(len(document)) :]:
        if segment and len(segment) + len(sentence) > room:
            break
        segment += sentence
    return segment


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
        input_ids = [self.cls, *tokens[:split], self.sep]
        token_type_ids = [0] * len(input_ids)
        if split < len(tokens):
            input_ids += [*tokens[split:], self.sep]
            token_type_ids += [1] * (len(tokens) - split + 1)
        return {
            "input_ids": input_ids,
            "token_type_ids": token_type_ids,
            "next_sentence_label": label,
        }
