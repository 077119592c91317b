"""What may be said of a row instead of an answer, or beside it."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

UNSURE, EMPTY, BROKEN = "unsure", "empty", "broken"


def nothing_known(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int
) -> list[bool]:
    """Whether a text is nothing but what the model has no token for, such as emoji."""
    special = set(tokenizer.all_special_ids)  # [UNK] among them
    rows = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    return [special.issuperset(row) for row in rows]
