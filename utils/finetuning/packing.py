"""The same logits with less work: texts without padding, and of the last layer [CLS] alone.

Two ways to leave the padding out. `pack` lays short texts end to end in rows of one width, and
`block_mask` keeps them apart: the model's own forward does the rest (`packed_logits`). But of the
attention in a row of five texts four fifths are computed only to be masked. `without_padding`, in
which classifiers, taggers and sentence encoders are trained and asked, lays all texts of a batch end
to end for everything that looks at one token at a time, and gives attention each text by itself.
"""

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import (
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    PreTrainedModel,
)
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions

from utils.unpadded import Texts, attend_from, is_plain, run_layer, states_after

# ---------------------------------------------------------------- several texts in a row


class PackedRows(NamedTuple):
    """Texts laid end to end in rows of one width, and where each of them begins."""

    input_ids: Tensor  # (rows, width)
    position_ids: Tensor  # (rows, width), beginning at 0 with each text
    text: Tensor  # (rows, width): which text a token belongs to, -1 for padding
    first: tuple[Tensor, Tensor]  # (texts,) each: row and column of its [CLS]


def pack(texts: Sequence[Sequence[int]], width: int = 128, padding: int = 0) -> PackedRows:
    """Token ids of texts, packed: each into the first row that has room, the longest first.

    (First fit decreasing, which needs at most 11/9 of the rows that the best packing needs.)

    Args:
        width: tokens a row.
        padding: id of [PAD], for what is left of a row.
    Raises:
        ValueError: a text longer than a row.
    """
    rows: list[list[int]] = []  # the texts in each row
    used: list[int] = []
    for number in sorted(range(len(texts)), key=lambda number: -len(texts[number])):
        length = len(texts[number])
        if length > width:
            raise ValueError(f"text {number}: {length} tokens in rows of {width}; give more width")
        row = next((row for row in range(len(rows)) if used[row] + length <= width), len(rows))
        if row == len(rows):
            rows.append([])
            used.append(0)
        rows[row].append(number)
        used[row] += length
    input_ids = torch.full((len(rows), width), padding)
    position_ids = torch.zeros(len(rows), width, dtype=torch.long)
    text = torch.full((len(rows), width), -1)
    first = torch.zeros(2, len(texts), dtype=torch.long)
    for row, numbers in enumerate(rows):
        start = 0
        for number in numbers:
            end = start + len(texts[number])
            input_ids[row, start:end] = torch.tensor(texts[number])
            position_ids[row, start:end] = torch.arange(end - start)
            text[row, start:end] = number
            first[:, number] = torch.tensor([row, start])
            start = end
    return PackedRows(input_ids, position_ids, text, (first[0], first[1]))


def block_mask(text: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """What is added to the scores of attention: (rows, 1, width, width), 0 between tokens of one
    text, else the least number there is.

    Not true and false: the library takes a mask of four dimensions as it is, and its written-out
    attention would add 1 and 0. Padding sees padding: a token that sees nothing gives NaN.

    Args:
        text: (rows, width), which text a token belongs to, as `pack` gives it.
        dtype: of the model, which its fused attention wants the mask to have.
    """
    same = text[:, None, :, None] == text[:, None, None, :]
    return torch.zeros(same.shape, dtype=dtype).masked_fill(~same, torch.finfo(dtype).min)


def packed_logits(model: BertForSequenceClassification, rows: PackedRows) -> Tensor:
    """Logits (texts, classes), in the order of the texts, by the model's own forward."""
    hidden = model.bert(
        rows.input_ids,
        attention_mask=block_mask(rows.text, model.dtype),
        position_ids=rows.position_ids,
    ).last_hidden_state
    pooled = model.bert.pooler(hidden[rows.first][:, None])  # (texts, 1, hidden) -> (texts, hidden)
    return model.classifier(model.dropout(pooled))


# ---------------------------------------------------------------- no row at all


@contextlib.contextmanager
def without_padding(model: PreTrainedModel) -> Iterator[None]:
    """Inside, a BERT classifier, tagger or encoder answers the same and computes less; another model
    does as ever.

    What is left out never reaches an answer: places behind the end of a text, and in a classifier
    all places of the last layer but the first, [CLS]. So inside, the last states at these places
    (of a classifier, all but the first) are not the library's. A model for questions is not taken:
    its softmax is over all places, those of the padding too.
    """
    forward, bert = None, getattr(model, "bert", model)
    if is_plain_bert(model):
        forward = _first_states
    elif is_plain(model, BertForTokenClassification) or is_plain(model, BertModel):
        forward = _all_states
    if forward is None or "forward" in vars(bert):  # the second: it is inside already
        yield
        return
    bert.forward = partial(forward, bert)
    try:
        yield
    finally:
        del bert.forward


def is_plain_bert(model: nn.Module) -> bool:
    """Is it a BERT classifier on the processor as the library builds it: no adapters, no hooks?"""
    return is_plain(model, BertForSequenceClassification)


def _first_states(
    bert: nn.Module, input_ids=None, attention_mask=None, token_type_ids=None, **more
):
    """`forward` of a BertModel: its last states (texts, 1, hidden), of [CLS] alone, and the pooled."""
    if _is_for_the_library(bert, input_ids, attention_mask, more):
        return type(bert).forward(
            bert, input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, **more
        )
    texts = Texts.of(attention_mask.bool(), bert.dtype)
    *layers, last = bert.encoder.layer
    hidden = states_after(layers, bert, input_ids, texts, token_type_ids)
    first = hidden[texts.first]
    askers = Texts.of(torch.ones(len(first), 1, dtype=torch.bool), hidden.dtype)
    attended = attend_from(last.attention.self, first, hidden, texts, askers)
    first = run_layer(last, first, attended)
    first = first[:, None]
    return BaseModelOutputWithPoolingAndCrossAttentions(first, bert.pooler(first))


def _all_states(bert: nn.Module, input_ids=None, attention_mask=None, token_type_ids=None, **more):
    """`forward` of a BertModel: its last states (texts, length, hidden), right where a token is."""
    if _is_for_the_library(bert, input_ids, attention_mask, more):
        return type(bert).forward(
            bert, input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, **more
        )
    texts = Texts.of(attention_mask.bool(), bert.dtype)
    hidden = texts.apart(states_after(bert.encoder.layer, bert, input_ids, texts, token_type_ids))
    pooled = None if bert.pooler is None else bert.pooler(hidden)
    return BaseModelOutputWithPoolingAndCrossAttentions(hidden, pooled)


def _is_for_the_library(bert: nn.Module, input_ids, attention_mask, more: dict) -> bool:
    """Does a call ask for more than the last states of texts whose padding, if any, is behind them?"""
    unusual = any(value is not None for name, value in more.items() if name != "return_dict")
    plain = input_ids is None or attention_mask is None or attention_mask.dim() != 2
    return bool(
        unusual
        or plain
        or not attention_mask[:, 0].all()
        or any(layer.gradient_checkpointing for layer in bert.encoder.layer)
    )
