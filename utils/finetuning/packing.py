"""The same logits with less work: texts without padding, and of the last layer [CLS] alone.

Two ways to leave the padding out. `pack` lays short texts end to end in rows of one width, and
`block_mask` keeps them apart: the model's own forward does the rest (`packed_logits`). But of the
attention in a row of five texts four fifths are computed only to be masked. `without_padding`, which
`fine_tune` and `predict` use, lays all texts of a batch end to end for everything that looks at
one token at a time, and gives attention each text by itself.
"""

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertForSequenceClassification, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions

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
    """Inside, a BERT classifier answers the same and computes less; another model does as ever.

    What is left out never reaches the logits: places behind the end of a text, and all places of
    the last layer but the first, [CLS]. So inside, `model.bert` gives no other last state.
    """
    if not is_plain_bert(model):
        yield
        return
    model.bert.forward = partial(_first_states, model.bert)
    try:
        yield
    finally:
        del model.bert.forward


def is_plain_bert(model: nn.Module) -> bool:
    """Is it a BERT classifier on the processor as the library builds it: no adapters, no hooks?"""
    if type(model) is not BertForSequenceClassification or model.device.type != "cpu":
        return False
    if model.config.is_decoder or model.config.add_cross_attention:
        return False
    own = ("transformers.models.bert.", "transformers.activations", "torch.nn.modules.")
    return all(
        type(part).__module__.startswith(own)
        and not part._forward_hooks
        and not part._forward_pre_hooks
        and (part is model or "forward" not in vars(part))
        for part in model.modules()
    )


def _first_states(
    bert: nn.Module, input_ids=None, attention_mask=None, token_type_ids=None, **more
):
    """`forward` of a BertModel: its last states (texts, 1, hidden), of [CLS] alone, and the pooled."""
    unusual = any(value is not None for name, value in more.items() if name != "return_dict")
    plain = input_ids is None or attention_mask is None or attention_mask.dim() != 2
    if (
        unusual
        or plain
        or not attention_mask[:, 0].all()
        or any(layer.gradient_checkpointing for layer in bert.encoder.layer)
    ):
        return type(bert).forward(
            bert, input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, **more
        )
    texts = Texts.of(attention_mask.bool(), bert.dtype)
    if token_type_ids is None:
        token_type_ids = torch.zeros_like(input_ids)
    hidden = embed(bert.embeddings, texts, input_ids, token_type_ids)  # (tokens, hidden)
    if torch.is_autocast_enabled("cpu"):  # once here, not before each of the products
        hidden = hidden.to(torch.get_autocast_dtype("cpu"))
    *layers, last = bert.encoder.layer
    for layer in layers:
        hidden = run_layer(layer, hidden, attend(layer.attention.self, hidden, texts))
    first = hidden[texts.first]
    first = run_layer(last, first, attend_from_first(last.attention.self, first, hidden, texts))
    first = first[:, None]
    return BaseModelOutputWithPoolingAndCrossAttentions(first, bert.pooler(first))


# A product of a new shape is compiled before it runs, which takes longer than to run it. So the
# tokens of a batch are a multiple of this, and after some batches every shape has been met.
TOKENS = 64


class Texts(NamedTuple):
    """Where the tokens of a padded batch stand."""

    real: Tensor  # (texts, length): is there a token?
    mask: Tensor  # (texts, 1, 1, length): what attention adds, 0 or the least number there is
    places: Tensor | None  # (tokens,): its place among texts * length; None: no padding at all
    first: Tensor  # (texts,): the place of a text's first token among all tokens

    @classmethod
    def of(cls, real: Tensor, dtype: torch.dtype) -> "Texts":
        """From (texts, length), true where there is a token; `dtype` of the scores.

        The tokens are those of all texts, and of the padding as many as make them a multiple of
        `TOKENS`: they are computed, and nobody looks at them.
        """
        mask = torch.zeros(real.shape, dtype=dtype).masked_fill(~real, torch.finfo(dtype).min)
        lengths = real.sum(1)
        first = lengths.cumsum(0) - lengths
        if real.all():
            return cls(real, mask[:, None, None], None, first)
        tokens, padding = real.flatten().nonzero()[:, 0], (~real).flatten().nonzero()[:, 0]
        places = torch.cat([tokens, padding[: -len(tokens) % TOKENS]])
        return cls(real, mask[:, None, None], places, first)

    def joined(self, padded: Tensor) -> Tensor:
        """(texts, length, ...) -> (tokens, ...)."""
        values = padded.flatten(0, 1)
        return values if self.places is None else values.index_select(0, self.places)

    def apart(self, values: Tensor) -> Tensor:
        """(tokens, size) -> (texts, length, size), zero where there is no token."""
        if self.places is not None:
            padded = values.new_zeros(self.real.numel(), values.shape[1])
            values = padded.index_copy(0, self.places, values)
        return values.unflatten(0, self.real.shape)


def embed(embeddings: nn.Module, texts: Texts, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
    """What BertEmbeddings does, for the tokens alone: (texts, length) twice -> (tokens, hidden)."""
    positions = torch.arange(input_ids.shape[1]).expand_as(input_ids)
    hidden = (
        embeddings.word_embeddings(texts.joined(input_ids))
        + embeddings.token_type_embeddings(texts.joined(token_type_ids))
        + embeddings.position_embeddings(texts.joined(positions))
    )
    return dropped(embeddings.LayerNorm(hidden), embeddings.dropout)


def run_layer(layer: nn.Module, hidden: Tensor, attended: Tensor) -> Tensor:
    """A BertLayer, given what its attention says: (states, hidden) twice -> (states, hidden).

    Args:
        hidden: states of all tokens, or of each text's first.
        attended: what `attend`, or `attend_from_first`, gives for them.
    """
    attended = add_and_norm(layer.attention.output, attended, hidden)
    return add_and_norm(layer.output, layer.intermediate(attended), attended)


def attend(attention: nn.Module, hidden: Tensor, texts: Texts) -> Tensor:
    """Attention of each text to itself: (tokens, hidden) -> (tokens, hidden)."""

    def heads(values: Tensor) -> Tensor:  # (texts, length, hidden) -> (texts, heads, length, size)
        return values.unflatten(-1, (-1, attention.attention_head_size)).transpose(1, 2)

    states = in_one(hidden, attention.query, attention.key, attention.value)
    query, key, value = texts.apart(states).chunk(3, -1)
    scores = heads(query) @ heads(key).transpose(2, 3) * attention.scaling + texts.mask
    weights = dropped(scores.softmax(-1).to(value.dtype), attention.dropout)
    return texts.joined((weights @ heads(value)).transpose(1, 2).flatten(2))


def attend_from_first(attention: nn.Module, first: Tensor, hidden: Tensor, texts: Texts) -> Tensor:
    """Attention of each text's first token to its text: (texts, hidden).

    With one token that asks, no token needs a key or a value of its own: q·(W x) = (Wᵀq)·x, and
    the mean of W x is W times the mean of x.

    Args:
        first: (texts, hidden), the states that ask.
        hidden: (tokens, hidden), the states that are looked at.
    """
    size = attention.attention_head_size

    def by_head(layer: nn.Linear) -> tuple[Tensor, Tensor]:  # (heads, size, hidden), (heads, size)
        return layer.weight.unflatten(0, (-1, size)), layer.bias.unflatten(0, (-1, size))

    (to_key, key_bias), (to_value, value_bias) = by_head(attention.key), by_head(attention.value)
    states = texts.apart(hidden)  # (texts, length, hidden)
    query = attention.query(first).unflatten(-1, (-1, size)).transpose(0, 1)  # (heads, texts, size)
    asked = (query @ to_key).transpose(0, 1)  # (texts, heads, hidden)
    scores = asked @ states.transpose(1, 2) + (query @ key_bias[:, :, None]).transpose(0, 1)
    weights = (scores * attention.scaling + texts.mask[:, 0]).softmax(-1)
    weights = dropped(weights.to(states.dtype), attention.dropout)  # (texts, heads, length)
    mixed = (weights @ states).transpose(0, 1) @ to_value.transpose(1, 2)  # (heads, texts, size)
    mixed = mixed.transpose(0, 1) + weights.sum(-1, keepdim=True) * value_bias
    return mixed.flatten(1).to(states.dtype)


def in_one(hidden: Tensor, *layers: nn.Linear) -> Tensor:
    """Several linear layers of the same states as one product, their outputs side by side."""
    weight = torch.cat([layer.weight.to(hidden.dtype) for layer in layers])
    bias = torch.cat([layer.bias.to(hidden.dtype) for layer in layers])
    return F.linear(hidden, weight, bias)


def add_and_norm(part: nn.Module, values: Tensor, before: Tensor) -> Tensor:
    """What BertSelfOutput and BertOutput do: a linear layer, dropout, residual and LayerNorm."""
    return part.LayerNorm(dropped(part.dense(values), part.dropout) + before)


def dropped(values: Tensor, dropout: nn.Dropout) -> Tensor:
    """Dropout that draws one random number of 64 bits for four values.

    `F.dropout` draws one for each, which takes as long as a product with a 256 × 640 matrix. The
    rate is rounded to 1/65536.
    """
    if not dropout.training or dropout.p in (0, 1):
        return dropout(values)
    drawn = torch.empty(-(-values.numel() // 4), dtype=torch.long).random_(-(2**63), None)
    drawn = drawn.view(torch.int16)[: values.numel()].view(values.shape)
    keep = torch.empty_like(values, requires_grad=False)
    torch.ge(drawn, round(dropout.p * 2**16) - 2**15, out=keep)  # 1 or 0, never a bool
    return values * keep.div_(1 - dropout.p)
