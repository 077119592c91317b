"""Masking for MLM: which tokens are hidden, behind what, and the batch that comes of it.

Three ways to choose, one rate: every token for itself (BERT), whole words (for Chinese: what jieba
takes for a word), or spans of random length (SpanBERT). Chapter 3 builds them one by one.
Sources: Devlin et al. 2019, arXiv 1810.04805, section 3.1; Cui et al. 2019, arXiv 1906.08101;
Joshi et al. 2020, arXiv 1907.10529, section 3.1.
"""

import logging
import math
from collections.abc import Sequence

import jieba
import torch
from torch.nn import functional as F

from utils.pretraining.rows import padded

jieba.setLogLevel(logging.ERROR)

IGNORE = -100  # the label that torch's cross entropy skips
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


# ---------------------------------------------------------------- what is masked together


def word_ids(
    tokens: Sequence[str], special_tokens: Sequence[str] = SPECIAL_TOKENS
) -> list[int | None]:
    """The number of the word that each token belongs to, counted from 0; None for special tokens.

    Words are those that jieba finds in the text the tokens spell; `##` pieces stay with the
    piece they continue. `["[CLS]", "冠", "军", "nb", "##l"]` gives `[None, 0, 0, 1, 1]`.
    """
    special = set(special_tokens)
    text, starts = "", []
    for token in tokens:
        piece = " " if token in special else token.removeprefix("##")
        # Two Latin words or numbers side by side had a space between them.
        if _latin(token[:1]) and _latin(text[-1:]):  # a `##` piece begins with no letter
            text += " "
        starts.append(len(text))
        text += piece
    word_at = [number for number, word in enumerate(jieba.cut(text)) for _ in word]
    ids: list[int | None] = []
    numbers: dict[int, int] = {}  # jieba counts spaces as words, too
    for token, start in zip(tokens, starts, strict=True):
        if token in special:
            ids.append(None)
        elif token.startswith("##") and ids and ids[-1] is not None:
            ids.append(ids[-1])
        else:
            ids.append(numbers.setdefault(word_at[start], len(numbers)))
    return ids


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def first_places(ids: Sequence[int | None]) -> list[int]:
    """For each token the place of the first token of its word; its own place outside of words."""
    firsts: dict[int, int] = {}
    return [
        place if number is None else firsts.setdefault(number, place)
        for place, number in enumerate(ids)
    ]


def random_spans(
    shape: tuple[int, int],
    generator: torch.Generator | None = None,
    p: float = 0.2,
    longest: int = 10,
) -> torch.Tensor:
    """Cut rows into spans of geometric length; for each token the place where its span begins.

    Lengths follow SpanBERT: geometric with `p`, none over `longest`, 3.8 tokens on average.
    Spans here are counted in tokens and cut anywhere; SpanBERT counts and cuts in whole words.

    Args:
        shape: (batch, length) of the token ids.
    Returns:
        (batch, length) places, for `mask_tokens(units=…)`.
    """
    chances = (1 - p) ** torch.arange(longest).float()
    count = shape[0] * shape[1]
    lengths = torch.multinomial(chances, count, replacement=True, generator=generator) + 1
    ends = lengths.view(shape).cumsum(1)
    places = torch.arange(shape[1]).expand(shape).contiguous()
    span = torch.searchsorted(ends, places, right=True)
    return (ends - lengths.view(shape)).gather(1, span)


# ---------------------------------------------------------------- masking


def mask_tokens(
    input_ids: torch.Tensor,
    special: torch.Tensor,
    mask_id: int,
    vocab_size: int,
    rate: float = 0.15,
    generator: torch.Generator | None = None,
    units: torch.Tensor | None = None,
    mask_share: float = 0.8,
    random_share: float = 0.1,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hide tokens for MLM: choose `rate` of them; 80 % [MASK], 10 % random, 10 % unchanged.

    Args:
        input_ids: (batch, length) token ids. Not changed.
        special: (batch, length) bool, True where a token must never be chosen.
        units: (batch, length) place of the first token of the word or span that a token is part
            of. Tokens of one unit share their fate, all hidden or all left; every token is still
            chosen with the chance `rate`. Without it each token is a unit of its own.
            (BERT's own code draws 80/10/10 for each piece of a word; here as in SpanBERT one draw
            is for all of it, or a piece left unchanged would give the word away.)
        mask_share, random_share: how many of the chosen ones become [MASK] and how many a random
            token; the rest stays as it is.
    Returns:
        the masked ids and the labels, both (batch, length); labels are `IGNORE` elsewhere.
    """
    draw = torch.rand(input_ids.shape, generator=generator)
    random_ids = torch.randint(vocab_size, input_ids.shape, generator=generator)
    if units is not None:
        draw = draw.gather(1, units)
    draw = draw.masked_fill(special, 1.0)
    return hide_drawn(input_ids, draw, random_ids, mask_id, rate, mask_share, random_share)


def hide_drawn(
    input_ids: torch.Tensor,
    draw: torch.Tensor,
    random_ids: torch.Tensor,
    mask_id: int,
    rate: float = 0.15,
    mask_share: float = 0.8,
    random_share: float = 0.1,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What `mask_tokens` makes of its random numbers: the masked ids and the labels.

    One uniform draw a token decides everything: below `rate` the token is chosen, and the part of
    that range into which the draw falls says what becomes of it.

    Args:
        draw: (batch, length) from 0 to 1, and 1 where a token must never be chosen.
        random_ids: (batch, length), what a token becomes that is swapped.
    """
    labels = input_ids.masked_fill(draw >= rate, IGNORE)
    hidden = draw < mask_share * rate
    swapped = (draw >= (1 - random_share) * rate) & (draw < rate)
    masked = torch.where(hidden, mask_id, torch.where(swapped, random_ids, input_ids))
    return masked, labels


def laid_out(values: torch.Tensor, real: torch.Tensor, padding: float) -> torch.Tensor:
    """The values of all rows, one after the other, where `real` (rows, length) is true."""
    return torch.full(real.shape, padding, dtype=values.dtype).masked_scatter_(real, values)


SIGMAS = 4  # so many times the spread of a batch's masked tokens fits before one more shape


def with_places(batch: dict[str, torch.Tensor], rate: float) -> dict[str, torch.Tensor]:
    """The batch and `masked_places` (places,): where its flattened rows have a label.

    Their number follows from the batch's shape, with room for chance; what is not needed stands at
    0, a [CLS], which has no label. Only a batch with yet more masked tokens brings more places.
    """
    labels = batch["labels"].flatten()
    places = (labels != IGNORE).nonzero()[:, 0]
    spread = math.sqrt(rate * (1 - rate) * len(labels))
    wanted = max(math.ceil(rate * len(labels) + SIGMAS * spread), len(places))
    return batch | {"masked_places": F.pad(places, (0, -(-wanted // 128) * 128 - len(places)))}


class PretrainingCollator:
    """Rows to a padded batch with fresh masks: the same row is masked anew whenever it is seen.

    `next_sentence_label` may be missing (MLM alone). With `seed` the masks are the same at every call
    on the same rows (for evaluation). Rows that bring a `seed` of their own (those of `MappedRows`)
    have the masks that follow from it, in whatever batch they come. `whole_word` masks words as a
    whole, `spans` runs of random length; neither of them (BERT's first way) masks token by token.
    """

    def __init__(
        self,
        tokenizer,
        rate: float = 0.15,
        seed: int | None = None,
        whole_word: bool = False,
        spans: bool = False,
        few_shapes: bool = False,
    ):
        """Args:
        few_shapes: lengths in steps of 32, and `masked_places`, as many of them in every batch of
            a length: for an accelerator, which repeats what it did with a batch of the same shape.
        """
        if whole_word and spans:
            raise ValueError("PretrainingCollator: whole_word or spans, not both; drop one of them")
        self.tokenizer, self.rate, self.seed = tokenizer, rate, seed
        self.whole_word, self.spans, self.few_shapes = whole_word, spans, few_shapes
        self.multiple = 32 if few_shapes else 8
        self.special_ids = torch.tensor(tokenizer.all_special_ids)

    def __call__(self, rows: list[dict]) -> dict[str, torch.Tensor]:
        """`input_ids`, `token_type_ids`, `attention_mask`, `labels`, each (batch, length), and
        `next_sentence_label` (batch,) where the rows have it."""
        batch = self.each_by_its_seed(rows) if "seed" in rows[0] else self.together(rows)
        return with_places(batch, self.rate) if self.few_shapes else batch

    def together(self, rows: list[dict]) -> dict[str, torch.Tensor]:
        """The batch, all masks of which are drawn at once."""
        batch = dict(padded(self.tokenizer, rows, self.multiple))
        generator = None if self.seed is None else torch.Generator().manual_seed(self.seed)
        batch["input_ids"], batch["labels"] = self.masked(batch["input_ids"], generator)
        return batch

    def each_by_its_seed(self, rows: list[dict]) -> dict[str, torch.Tensor]:
        """The same batch; a row's masks are drawn before it is padded, which depends on the others."""
        lengths = [len(row["input_ids"]) for row in rows]
        longest = -(-max(lengths) // self.multiple) * self.multiple
        real = torch.arange(longest) < torch.tensor(lengths)[:, None]

        def listed(name: str, padding: int) -> torch.Tensor:
            return laid_out(
                torch.tensor([each for row in rows for each in row[name]]), real, padding
            )

        ids = listed("input_ids", self.tokenizer.pad_token_id)
        generator, draws, others = torch.Generator(), [], []
        for row, its_ids, length in zip(rows, ids, lengths, strict=True):
            generator.manual_seed(row["seed"])
            units = self.units(its_ids[None, :length], generator)
            draw = torch.rand(length, generator=generator)
            draws.append(draw if units is None else draw[units[0]])
            others.append(torch.randint(len(self.tokenizer), (length,), generator=generator))
        draw = laid_out(torch.cat(draws), real, 1)
        draw = draw.masked_fill(torch.isin(ids, self.special_ids), 1)
        random_ids = laid_out(torch.cat(others), real, 0)
        masked, labels = hide_drawn(ids, draw, random_ids, self.tokenizer.mask_token_id, self.rate)
        return {
            "input_ids": masked,
            "token_type_ids": listed("token_type_ids", 0),
            "attention_mask": real.long(),
            "labels": labels,
            "next_sentence_label": torch.tensor([row["next_sentence_label"] for row in rows]),
        }

    def masked(
        self, input_ids: torch.Tensor, generator: torch.Generator | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`mask_tokens` of this tokenizer and in this way."""
        return mask_tokens(
            input_ids,
            torch.isin(input_ids, self.special_ids),
            self.tokenizer.mask_token_id,
            len(self.tokenizer),
            self.rate,
            generator,
            self.units(input_ids, generator),
        )

    def units(
        self, input_ids: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor | None:
        """What is masked together, as `mask_tokens` wants it: (batch, length), or None."""
        if self.spans:
            return random_spans(tuple(input_ids.shape), generator)
        if not self.whole_word:
            return None
        rows = (self.tokenizer.convert_ids_to_tokens(row) for row in input_ids.tolist())
        special_tokens = self.tokenizer.all_special_tokens
        return torch.tensor([first_places(word_ids(tokens, special_tokens)) for tokens in rows])
