"""Texts longer than a model can read: which part to keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PARTS = ("head", "tail", "head+tail")


def shorten(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int = 128,
    keep: str = "head+tail",
) -> list[str]:
    """Each text cut down to at most `max_length` tokens, [CLS] and [SEP] included.

    A text that fits is returned as it is. The cuts fall between words, so what is kept is cut
    into the same tokens again. "head+tail" keeps the first and the last half of the tokens with
    a blank between them, as Sun et al. (2019, arXiv:1905.05583, 5.3.1) found best for IMDb
    (they split 128 : 382).

    Args:
        keep: "head", "tail" or "head+tail".
    Raises:
        ValueError: another `keep`, or a `max_length` that leaves no room for two tokens of text.
    """
    if keep not in PARTS:
        raise ValueError(f"keep={keep!r}: choose one of {', '.join(PARTS)}")
    room = max_length - tokenizer.num_special_tokens_to_add()
    if room < 2:
        raise ValueError(f"max_length={max_length}: no room for text; take at least 4")
    head = {"head": room, "tail": 0, "head+tail": room // 2}[keep]
    return [_cut(text, tokenizer, head, room - head) for text in texts]


def _cut(text: str, tokenizer, head: int, tail: int) -> str:
    """The first `head` and the last `tail` tokens of a text, in whole words."""
    # verbose=False: a text longer than the model's limit is the very thing asked about here.
    encoded = tokenizer(text, add_special_tokens=False, verbose=False)
    count = len(encoded["input_ids"])
    if count <= head + tail:
        return text
    words = encoded.word_ids()
    end, start = head, count - tail
    while 0 < end < count and words[end] == words[end - 1]:
        end -= 1
    while 0 < start < count and words[start] == words[start - 1]:
        start += 1
    parts = []
    if end:
        parts.append(text[: encoded.token_to_chars(end - 1).end])
    if start < count:
        parts.append(text[encoded.token_to_chars(start).start :])
    # One word longer than the room: better a torn word than no text at all.
    return " ".join(parts) or text[: encoded.token_to_chars(max(head, 1) - 1).end]
