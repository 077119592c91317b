"""What the pictures of tokens tell: pieces of a text, what masking does to them, who looks where.

Pure functions without pictures: `utils.token_figures` draws what they return, `utils.widgets`
lets learners turn the arguments.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from utils.pretraining import IGNORE, PretrainingCollator, mask_tokens

MOST_TOKENS = 128  # more cards than this are a wall, not a picture
MOST_IN_MAP = 40  # rows of an attention map that can still be told apart
UNITS = {"token": "词元", "word": "词", "span": "片段"}
KEPT, HIDDEN = -1, -2  # no tokens' ids


class TextProblem(ValueError):
    """A learner's text that cannot be drawn; the message is one line for the learner."""


@dataclass(frozen=True)
class Piece:
    """One token: its place in the text is characters `start` up to, without, `end`."""

    token: str
    id: int
    start: int
    end: int
    source: str  # the characters it came from; empty for [CLS] and [SEP]
    special: bool  # put in by the tokenizer, not read from the text
    unknown: bool
    segment: int


def read_pieces(
    tokenizer: PreTrainedTokenizerBase,
    text: str,
    text_b: str | None = None,
    most: int = MOST_TOKENS,
) -> list[Piece]:
    """The tokens of a text, or of a pair, with special tokens, ids and offsets.

    Args:
        text_b: the second text of a pair.
        most: tokens that are still drawn.
    Raises:
        TextProblem: in Chinese, for the learner: an empty text, or over `most` tokens.
        ValueError: the tokenizer cannot tell offsets.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise ValueError("this tokenizer knows no offsets; load a fast one (AutoTokenizer)")
    if not isinstance(text, str) or not isinstance(text_b or "", str):
        raise TextProblem("⚠️ 这里要一段文字（字符串），请用引号把句子括起来。")
    texts = [text] if text_b is None else [text, text_b]
    if not all(each.strip() for each in texts):
        raise TextProblem("⚠️ 还没有文字：请先写一句话，例如“今天天气很好”。")
    encoded = tokenizer(
        *texts, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False
    )
    ids = encoded["input_ids"]
    most = min(most, tokenizer.model_max_length)
    if len(ids) > most:
        raise TextProblem(f"⚠️ 文字太长：切成了 {len(ids)} 个词元，这里最多 {most} 个，请删短一些。")
    segments = [segment or 0 for segment in encoded.sequence_ids(0)]
    return [
        Piece(
            token=token,
            id=token_id,
            start=start,
            end=end,
            source="" if special else texts[segment][start:end],
            special=bool(special),
            unknown=not special and token_id == tokenizer.unk_token_id,
            segment=segment,
        )
        for token, token_id, (start, end), special, segment in zip(
            tokenizer.convert_ids_to_tokens(ids),
            ids,
            encoded["offset_mapping"],
            encoded["special_tokens_mask"],
            segments,
            strict=True,
        )
    ]


@torch.no_grad()
def read_attention(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, text_a: str, text_b: str | None = None
) -> tuple[list[str], np.ndarray]:
    """The tokens of a text or pair, and all attention weights (layers, heads, length, length).

    The model may be one of transformers' or of utils.bert: its `forward` must take
    `output_attentions`. It is left in the mode it came in.

    Raises:
        TextProblem: as `read_pieces`.
        ValueError: the model gives no attentions.
    """
    tokens = [piece.token for piece in read_pieces(tokenizer, text_a, text_b, MOST_IN_MAP)]
    device = next(model.parameters()).device
    inputs = tokenizer(text_a, text_b, return_tensors="pt").to(device)
    training = model.training
    # transformers' fused attention never has the weights in its hands.
    fused = getattr(getattr(model, "config", None), "_attn_implementation", "eager")
    switch = fused != "eager" and hasattr(model, "set_attn_implementation")
    try:
        model.eval()
        if switch:
            model.set_attn_implementation("eager")
        attentions = model(**inputs, output_attentions=True).attentions
    finally:
        model.train(training)
        if switch:
            model.set_attn_implementation(fused)
    if not attentions:
        raise ValueError(
            f"{type(model).__name__} returned no attentions; load it with "
            'attn_implementation="eager"'
        )
    return tokens, torch.stack([layer[0] for layer in attentions]).float().cpu().numpy()


@dataclass(frozen=True)
class MaskedPiece:
    """A token and what masking did to it: `fate` is masked, random, kept or untouched, `shown` what is read now."""

    piece: Piece
    fate: str
    shown: str
    unit: int  # tokens with the same number were drawn together


def mask_story(
    tokenizer: PreTrainedTokenizerBase,
    text: str,
    unit: str = "token",
    rate: float = 0.15,
    mask_share: float = 0.8,
    random_share: float = 0.1,
    seed: int = 0,
) -> list[MaskedPiece]:
    """What MLM's masking makes of a text: the choice is that of `mask_tokens`, as in training.

    Args:
        unit: what is chosen as one: "token", "word" (as jieba cuts) or "span".
        rate: the chance of a token to be chosen, 0 to 1.
        mask_share, random_share: of the chosen ones, how many become [MASK] and how many another
            token; the rest stays as it is. 0 to 1, together at most 1.
    Raises:
        TextProblem: as `read_pieces`.
        ValueError: a unit, rate or share that is none.
    """
    if unit not in UNITS:
        raise ValueError(f"unit {unit!r} is not known; use one of {', '.join(UNITS)}")
    if not (0 <= rate <= 1 and min(mask_share, random_share) >= 0):
        raise ValueError(f"rate {rate}: rates and shares lie between 0 and 1")
    if mask_share + random_share > 1 + 1e-9:
        raise ValueError(f"mask_share {mask_share} + random_share {random_share} exceed 1")
    pieces = read_pieces(tokenizer, text)
    ids = torch.tensor([[piece.id for piece in pieces]])
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    collator = PretrainingCollator(tokenizer, whole_word=unit == "word", spans=unit == "span")
    generator = torch.Generator().manual_seed(seed)
    units = collator.units(ids, generator)
    shares = {"mask_share": mask_share, "random_share": random_share}
    # Signs in place of the tokens and of [MASK], so that a random token that happens to be one
    # of them is told from one that was left, or hidden.
    masked, labels = mask_tokens(
        torch.full_like(ids, KEPT),
        special,
        HIDDEN,
        len(tokenizer),
        rate,
        generator,
        units,
        **shares,
    )
    numbers = range(len(pieces)) if units is None else units[0].tolist()
    story = []
    for piece, new_id, label, number in zip(
        pieces, masked[0].tolist(), labels[0].tolist(), numbers, strict=True
    ):
        if label == IGNORE:
            fate, shown = "untouched", piece.token
        elif new_id == KEPT:
            fate, shown = "kept", piece.token
        elif new_id == HIDDEN:
            fate, shown = "masked", tokenizer.mask_token
        else:
            fate, shown = "random", tokenizer.convert_ids_to_tokens(new_id)
        story.append(MaskedPiece(piece, fate, shown, number))
    return story
