"""BERT's layers without padding, on a processor: the same states, none computed in vain.

All texts of a batch are laid end to end for everything that looks at one token at a time, and only
attention gets each text by itself. The last layer computes only the places that are asked for:
[CLS] of a classifier, in pretraining also the hidden tokens.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def is_plain(model: nn.Module, kind: type) -> bool:
    """Is it a model of this very kind on the processor, BERT as the library builds it: no adapters,
    no hooks?"""
    if type(model) is not kind or model.device.type != "cpu":
        return False
    if model.config.is_decoder or model.config.add_cross_attention:
        return False
    own = ("transformers.models.bert.", "transformers.activations", "torch.nn.modules.")
    return all(
        part is model
        or type(part).__module__.startswith(own)
        and not part._forward_hooks
        and not part._forward_pre_hooks
        and "forward" not in vars(part)
        for part in model.modules()
    )


def last_states(bert: nn.Module, input_ids: Tensor, texts: "Texts", asked: Tensor, types) -> Tensor:
    """The last hidden states of a BertModel at the places asked for: (asked, hidden).

    Args:
        input_ids: (texts, length).
        texts: the batch, where its tokens stand.
        asked: (texts, length), true at the places asked for, of every text at least one.
        types: token_type_ids (texts, length), or None.
    """
    positions = torch.arange(input_ids.shape[1]).expand_as(input_ids)
    hidden = bert.embeddings(
        texts.joined(input_ids)[None],
        None if types is None else texts.joined(types)[None],
        texts.joined(positions)[None],
    )[0]  # (tokens, hidden)
    if torch.is_autocast_enabled("cpu"):  # once here, not before each of the products
        hidden = hidden.to(torch.get_autocast_dtype("cpu"))
    *layers, last = bert.encoder.layer
    for layer in layers:
        hidden = run_layer(layer, hidden, hidden, texts, texts)
    counts = asked.sum(1, keepdim=True)
    askers = Texts.of(torch.arange(int(counts.max())) < counts, hidden.dtype)
    places = texts.joined(asked).nonzero().squeeze(1)
    return run_layer(last, hidden.index_select(0, places), hidden, texts, askers)


class Texts(NamedTuple):
    """Where the tokens of a padded batch stand."""

    real: Tensor  # (texts, length): is there a token?
    mask: Tensor  # (texts, 1, 1, length): what attention adds, 0 or the least number there is
    places: Tensor  # (tokens,): its place among texts * length

    @classmethod
    def of(cls, real: Tensor, dtype: torch.dtype) -> "Texts":
        """From (texts, length), true where there is a token; `dtype` of the scores."""
        mask = torch.zeros(real.shape, dtype=dtype).masked_fill(~real, torch.finfo(dtype).min)
        return cls(real, mask[:, None, None], real.flatten().nonzero().squeeze(1))

    def joined(self, padded: Tensor) -> Tensor:
        """(texts, length, ...) -> (tokens, ...)."""
        values = padded.flatten(0, 1)
        return values if self.full else values.index_select(0, self.places)

    def apart(self, values: Tensor) -> Tensor:
        """(tokens, size) -> (texts, length, size), zero where there is no token."""
        if not self.full:
            padded = values.new_zeros(self.real.numel(), values.shape[1])
            values = padded.index_copy(0, self.places, values)
        return values.unflatten(0, self.real.shape)

    @property
    def full(self) -> bool:
        """Are all texts of one length?"""
        return len(self.places) == self.real.numel()


def run_layer(
    layer: nn.Module, queries: Tensor, hidden: Tensor, texts: Texts, askers: Texts
) -> Tensor:
    """A BertLayer for the tokens that ask: (queries, hidden).

    Args:
        queries: states of all tokens, or of some of each text.
        hidden: (tokens, hidden), the states that are looked at.
        texts: where these stand.
        askers: the same of the queries; `texts` itself where all tokens ask.
    """
    attended = attend(layer.attention.self, queries, hidden, texts, askers)
    attended = add_and_norm(layer.attention.output, attended, queries)
    return add_and_norm(layer.output, layer.intermediate(attended), attended)


def attend(
    attention: nn.Module, queries: Tensor, hidden: Tensor, texts: Texts, askers: Texts
) -> Tensor:
    """Attention of each text to itself: (queries, hidden); arguments as `run_layer`."""

    def heads(values: Tensor) -> Tensor:  # (texts, length, hidden) -> (texts, heads, length, size)
        return values.unflatten(-1, (-1, attention.attention_head_size)).transpose(1, 2)

    asked, seen = attention.query, (attention.key, attention.value)
    if askers is texts:
        query, key, value = texts.apart(in_one(hidden, asked, *seen)).chunk(3, -1)
    else:
        query = askers.apart(asked(queries))
        key, value = texts.apart(in_one(hidden, *seen)).chunk(2, -1)
    scores = heads(query) @ heads(key).transpose(2, 3) * attention.scaling + texts.mask
    weights = dropped(scores.softmax(-1).to(value.dtype), attention.dropout)
    mixed = (weights @ heads(value)).transpose(1, 2).flatten(2)  # (texts, queries, hidden)
    return askers.joined(mixed)


def in_one(hidden: Tensor, *layers: nn.Linear) -> Tensor:
    """Several linear layers of the same states as one product, their outputs side by side."""
    weight = torch.cat([layer.weight for layer in layers])
    bias = torch.cat([layer.bias for layer in layers])
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
    keep = drawn >= round(dropout.p * 2**16) - 2**15
    return values * keep.to(values.dtype).div_(1 - dropout.p)
