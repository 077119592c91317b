"""Pretraining rows as slices of one long array of tokens, so that a batch costs next to nothing.

A row of pretraining is [CLS] A [SEP] B [SEP], and A and B are each a piece of running text. So a
row is five numbers: where A begins and how long it is, the same of B, and its NSP label. The text
itself lies in memory once, as one array, with a flag at each token that begins a word: jieba reads
the text once, not once a batch.

`utils.pretraining.segment_pairs` does the cutting. It is given the places of the tokens instead of
the tokens themselves, and does not notice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from utils.pretraining import (
    IGNORE,
    SPECIAL_TOKENS,
    Passages,
    SegmentPairs,
    first_places,
    mask_tokens,
    random_spans,
    word_ids,
)

MASKINGS = ("token", "word", "span")


@dataclass
class Corpus:
    """The tokens of all documents, one after the other.

    Attributes:
        tokens: (tokens,) uint16 ids, without special tokens.
        starts: (tokens,) bool, True where a word begins.
        sentences: (sentences,) int32, how many tokens each sentence has.
        documents: (documents,) int32, how many sentences each document has.
        order: (listed documents,) int32, the documents as they are read; a document may be listed
            more than once, to weigh more.
    """

    tokens: np.ndarray
    starts: np.ndarray
    sentences: np.ndarray
    documents: np.ndarray
    order: np.ndarray

    def places(self) -> list[list[list[int]]]:
        """The listed documents as lists of sentences, each a list of places in `tokens`."""
        ends = np.cumsum(self.sentences).tolist()
        spans = [list(range(start, end)) for start, end in zip([0, *ends], ends, strict=False)]
        last = np.cumsum(self.documents).tolist()
        whole = [spans[start:end] for start, end in zip([0, *last], last, strict=False)]
        return [whole[number] for number in self.order]

    def tokens_a_pass(self) -> int:
        """How many tokens one pass over the listed documents has."""
        return sum(len(sentence) for document in self.places() for sentence in document)


@dataclass
class Rows:
    """Rows of pretraining, each (rows,): A's place and length, B's place and length, NSP label.

    A row without B has `second_lengths` 0. Every `batch_size` rows are of similar length.
    """

    firsts: np.ndarray
    first_lengths: np.ndarray
    seconds: np.ndarray
    second_lengths: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def lengths(self) -> np.ndarray:
        """Tokens a row, [CLS] and [SEP] included."""
        return self.first_lengths + 2 + np.where(self.second_lengths, self.second_lengths + 1, 0)

    def text_tokens(self) -> np.ndarray:
        """Tokens of text a row, without [CLS] and [SEP]."""
        return self.first_lengths.astype(np.int64) + self.second_lengths

    def at(self, places: torch.Tensor) -> "Rows":
        """Some of the rows, in the order given."""
        return Rows(*(getattr(self, field.name)[places] for field in fields(self)))


def save_arrays(arrays: Corpus | Rows, path: Path) -> None:
    """Write a `Corpus` or `Rows` as a compressed .npz file."""
    partial = path.with_name(path.stem + ".partial.npz")
    np.savez_compressed(partial, **vars(arrays))
    partial.replace(path)


def load_arrays(kind: type, path: Path) -> Corpus | Rows:
    """Read what `save_arrays` wrote; `kind` is `Corpus` or `Rows`."""
    with np.load(path, allow_pickle=False) as stored:
        return kind(**{field.name: stored[field.name] for field in fields(kind)})


# ---------------------------------------------------------------- text to arrays


def encode_corpus(documents: Sequence[list[str]], tokenizer: PreTrainedTokenizerBase) -> Corpus:
    """Token ids and word beginnings of documents; equal documents are kept once and listed often.

    Raises:
        ValueError: a vocabulary of more than 65,536 pieces, or no text.
    """
    if len(tokenizer) > 2**16:
        raise ValueError(f"encode_corpus: {len(tokenizer):,} pieces; 65,536 are the most it keeps")
    numbers: dict[str, int] = {}
    order = [numbers.setdefault("\n".join(document), len(numbers)) for document in documents]
    distinct = [text.split("\n") for text in numbers]
    texts = [sentence for document in distinct for sentence in document]
    ids = iter(
        tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"] if texts else []
    )
    encoded, kept = [], {}
    for number, document in enumerate(distinct):
        # A sentence of blanks has no token.
        if sentences := [sentence for _ in document if (sentence := next(ids))]:
            kept[number] = len(encoded)
            encoded.append(sentences)
    if not encoded:
        raise ValueError("encode_corpus: no text; give at least one document")
    sentences = [sentence for document in encoded for sentence in document]
    starts = [word_starts(tokenizer.convert_ids_to_tokens(sentence)) for sentence in sentences]
    return Corpus(
        tokens=np.concatenate([np.array(sentence, dtype=np.uint16) for sentence in sentences]),
        starts=np.concatenate(starts),
        sentences=np.array([len(sentence) for sentence in sentences], dtype=np.int32),
        documents=np.array([len(document) for document in encoded], dtype=np.int32),
        order=np.array([kept[number] for number in order if number in kept], dtype=np.int32),
    )


def word_starts(tokens: Sequence[str]) -> np.ndarray:
    """(tokens,) bool: does a word (jieba's) begin at this token of a sentence?"""
    firsts = first_places(word_ids(tokens, SPECIAL_TOKENS))
    return np.array(firsts) == np.arange(len(tokens))


def cut_rows(
    corpus: Corpus,
    tokenizer: PreTrainedTokenizerBase,
    length: int,
    seed: int,
    batch_size: int = 256,
    running: bool = False,
) -> Rows:
    """One pass over the corpus in rows of up to `length` tokens, whole batches only.

    Args:
        running: running text in one segment, instead of the two segments of NSP.
    """
    kind = Passages if running else SegmentPairs
    options = {"max_length": length, "batch_size": batch_size, "seed": seed}
    cut = kind(corpus.places(), tokenizer, **options).rows
    places, ends = np.array(cut.tokens), np.array(cut.ends)
    begins = np.concatenate([[0], ends[:-1]])
    # Of pairs the numbers are the length of A and NSP's label.
    numbers = np.array(cut.numbers).reshape(len(ends), -1)
    first_lengths = ends - begins if running else numbers[:, 0]
    second_lengths = ends - begins - first_lengths
    # Where there is no B this place is the next row's, and past the end for the last row.
    seconds = places[np.minimum(begins + first_lengths, len(places) - 1)]
    rows = Rows(
        firsts=places[begins].astype(np.uint32),
        first_lengths=first_lengths.astype(np.int16),
        seconds=np.where(second_lengths, seconds, 0).astype(np.uint32),
        second_lengths=second_lengths.astype(np.int16),
        labels=(np.full(len(ends), IGNORE) if running else numbers[:, 1]).astype(np.int8),
    )
    return rows.at(slice(len(rows) - len(rows) % batch_size))


def join_rows(parts: Sequence[Rows]) -> Rows:
    """Several passes one after the other."""
    names = [field.name for field in fields(Rows)]
    return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


# ---------------------------------------------------------------- arrays to batches


class Batches(torch.utils.data.Dataset):
    """Item `step`: the masked batch of that step, the same whenever and wherever it is asked for.

    The rows are read in order, from the front again after the last. The masks are drawn anew at
    each step, seeded by (seed, step), so a run that was interrupted carries on with the very
    batches that it would have had.

    Item: dict of `input_ids`, `token_type_ids`, `attention_mask` (bool), each (rows, length); of
    the hidden places `places` (hidden,), counted through the flattened batch, and `answers`
    (hidden,), the ids that stood there; `next_sentence_label` (rows,); `originals`, the ids before
    masking.
    """

    def __init__(
        self, corpus: Corpus, rows: Rows, tokenizer, batch_size=256, masking="token", seed=0
    ):
        if masking not in MASKINGS:
            raise ValueError(f"Batches: masking={masking!r}; give one of {', '.join(MASKINGS)}")
        if len(rows) < batch_size:
            raise ValueError(f"Batches: {len(rows)} rows; give at least one batch ({batch_size})")
        self.tokens = torch.from_numpy(corpus.tokens.astype(np.int32))
        self.starts = torch.from_numpy(corpus.starts)
        self.rows, self.batch_size, self.seed = rows, batch_size, seed
        self.signs = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id
        self.special_ids = torch.tensor(tokenizer.all_special_ids)
        self.mask_id, self.vocab_size = tokenizer.mask_token_id, len(tokenizer)
        self.masking = masking

    def __len__(self) -> int:
        return len(self.rows) // self.batch_size

    def rows_of(self, step: int) -> Rows:
        """The rows of one step, from the front again after the last."""
        start = step % len(self) * self.batch_size
        return self.rows.at(slice(start, start + self.batch_size))

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        batch, starts = fill_rows(self.rows_of(step), self.tokens, self.starts, self.signs)
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        ids = batch["originals"] = batch["input_ids"]
        units = None
        if self.masking == "word":
            units = places_of_starts(starts)
        elif self.masking == "span":
            units = random_spans(tuple(ids.shape), generator)
        special = torch.isin(ids, self.special_ids)
        batch["input_ids"], labels = mask_tokens(
            ids, special, self.mask_id, self.vocab_size, generator=generator, units=units
        )
        labels = labels.flatten()
        batch["places"] = (labels != IGNORE).nonzero().flatten()
        batch["answers"] = labels[batch["places"]]
        return batch


def fill_rows(
    rows: Rows, tokens: torch.Tensor, starts: torch.Tensor, signs: tuple[int, int, int]
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Rows as a padded batch, and where words begin in it (special tokens are their own words).

    Args:
        tokens, starts: those of the corpus.
        signs: ids of [CLS], [SEP] and [PAD].
    """
    cls, sep, pad = signs
    first, second, first_length, second_length = (
        torch.from_numpy(each.astype(np.int64)).unsqueeze(1)
        for each in (rows.firsts, rows.seconds, rows.first_lengths, rows.second_lengths)
    )
    lengths = torch.from_numpy(rows.lengths().astype(np.int64)).unsqueeze(1)
    longest = -(-int(lengths.max()) // 16) * 16  # so that attention need not align its mask
    place = torch.arange(longest).expand(len(rows), longest)
    in_first = (place >= 1) & (place <= first_length)
    second_begins = first_length + 2
    in_second = (place >= second_begins) & (place < second_begins + second_length)
    source = torch.where(in_first, first + place - 1, second + place - second_begins)
    source = source.where(in_first | in_second, 0)
    ids = torch.where(place < lengths, sep, pad)
    ids = torch.where(in_first | in_second, tokens[source].long(), ids)
    ids[:, 0] = cls
    begins = starts[source] | ~(in_first | in_second) | (place == 1) | (place == second_begins)
    batch = {
        "input_ids": ids,
        "token_type_ids": ((place >= second_begins) & (place < lengths)).long(),
        "attention_mask": place < lengths,
        "next_sentence_label": torch.from_numpy(rows.labels.astype(np.int64)),
    }
    return batch, begins


def places_of_starts(starts: torch.Tensor) -> torch.Tensor:
    """(batch, length) flags of word beginnings to the place where each token's word begins."""
    places = torch.arange(starts.shape[1]).expand(starts.shape)
    return places.where(starts, 0).cummax(1).values
