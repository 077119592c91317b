"""The same logits with less work: texts without padding, and of the last layer [CLS] alone.

Two ways to leave the padding out. `pack` lays short texts end to end in rows of one width, and
`block_mask` keeps them apart: the model's own forward does the rest (`packed_logits`). But of the
attention in a row of five texts four fifths are computed only to be masked. `without_padding`, in
which classifiers, taggers and sentence encoders are trained, lays all texts of a batch end to end
for everything that looks at one token at a time, and gives attention each text by itself.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
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
    """Inside, a plain BERT classifier, tagger or encoder answers the same and computes less.

    Another model does as ever. What is left out never reaches an answer: places behind the end of a
    text, and in a classifier all places of the last layer but the first, [CLS]. So inside, the last
    states at these places (of a classifier, all but the first) are not the library's. A model for
    questions is not taken: its softmax is over all places, those of the padding too.
    """
    bert = getattr(model, "bert", model)
    if not leaves_padding_out(model) or "forward" in vars(bert):  # the second: inside already
        yield
        return
    states = _first_states if type(model) is BertForSequenceClassification else _all_states
    bert.forward = partial(_forward, states, bert)
    try:
        yield
    finally:
        del bert.forward


def leaves_padding_out(model: nn.Module) -> bool:
    """Does `without_padding` take this model: on the processor, as the library builds it, with no
    adapters and no hooks?"""
    kinds = (BertForSequenceClassification, BertForTokenClassification, BertModel)
    return any(is_plain(model, kind) for kind in kinds)


def _forward(
    states: Callable,
    bert: nn.Module,
    input_ids=None,
    attention_mask=None,
    token_type_ids=None,
    **more,
) -> BaseModelOutputWithPoolingAndCrossAttentions:
    """`forward` of a BertModel: by `states`, where no more is asked for than the last ones of texts
    with their padding, if any, behind them; else the library's."""
    unusual = any(
        value is not None for name, value in more.items() if (name, value) != ("return_dict", True)
    )
    unmasked = input_ids is None or attention_mask is None or attention_mask.dim() != 2
    if (
        unusual
        or unmasked
        or not attention_mask[:, 0].all()
        or bert.config.output_hidden_states
        or bert.config.output_attentions
        or any(layer.gradient_checkpointing for layer in bert.encoder.layer)
    ):
        return type(bert).forward(
            bert, input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, **more
        )
    hidden = states(bert, input_ids, Texts.of(attention_mask.bool(), bert.dtype), token_type_ids)
    pooled = None if bert.pooler is None else bert.pooler(hidden)
    return BaseModelOutputWithPoolingAndCrossAttentions(hidden, pooled)


def _first_states(bert: nn.Module, input_ids: Tensor, texts: Texts, types: Tensor | None) -> Tensor:
    """The last states of [CLS] alone: (texts, 1, hidden)."""
    *layers, last = bert.encoder.layer
    hidden = states_after(layers, bert, input_ids, texts, types)
    first = hidden[texts.first]
    askers = Texts.of(torch.ones(len(first), 1, dtype=torch.bool), hidden.dtype)
    attended = attend_from(last.attention.self, first, hidden, texts, askers)
    return run_layer(last, first, attended)[:, None]


def _all_states(bert: nn.Module, input_ids: Tensor, texts: Texts, types: Tensor | None) -> Tensor:
    """The last states of all places: (texts, length, hidden), right where a token is."""
    return texts.apart(states_after(bert.encoder.layer, bert, input_ids, texts, types))
