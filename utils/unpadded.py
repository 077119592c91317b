"""BERT's layers without padding, on a processor: the same states, none computed in vain.

All texts of a batch are laid end to end for everything that looks at one token at a time, and only
attention gets each text by itself. The last layer computes only the places that are asked for:
[CLS] of a classifier, in pretraining also the hidden tokens.
"""

from collections.abc import Iterable
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


def states_at(
    bert: nn.Module, input_ids: Tensor, texts: "Texts", asked: Tensor, types: Tensor | None
) -> Tensor:
    """The last hidden states of a BertModel at the places asked for, text by text: (asked, hidden).

    Args:
        input_ids: (texts, length).
        texts: the batch, where its tokens stand.
        asked: (texts, length), true at the places asked for.
        types: token_type_ids (texts, length), or None.
    """
    *layers, last = bert.encoder.layer
    hidden = states_after(layers, bert, input_ids, texts, types)
    counts = asked.sum(1, keepdim=True)
    most = -(-int(counts.max()) // 8) * 8
    askers = Texts.of(torch.arange(most) < counts, hidden.dtype)
    places = texts.joined(asked).nonzero()[:, 0]
    asking = hidden.index_select(0, places)
    asking = F.pad(asking, (0, 0, 0, len(askers.places) - len(places)))  # nobody looks at these
    attended = attend_from(last.attention.self, asking, hidden, texts, askers)
    return run_layer(last, asking, attended)[: len(places)]


def states_after(
    layers: Iterable[nn.Module],
    bert: nn.Module,
    input_ids: Tensor,
    texts: "Texts",
    types: Tensor | None,
) -> Tensor:
    """The hidden states of all tokens after some layers of a BertModel: (tokens, hidden).

    Args:
        layers: the first ones of `bert.encoder.layer`, or all.
        input_ids, texts, types: as in `states_at`.
    """
    types = torch.zeros_like(input_ids) if types is None else types
    hidden = embed(bert.embeddings, texts, input_ids, types)
    hidden = hidden.to(computed_in(hidden.dtype))  # once, not in each product
    for layer in layers:
        hidden = run_layer(layer, hidden, attend(layer.attention.self, hidden, texts))
    return hidden


def computed_in(dtype: torch.dtype) -> torch.dtype:
    """What products of such numbers are computed in: under autocast, float32 in its type."""
    if dtype == torch.float32 and torch.is_autocast_enabled("cpu"):
        return torch.get_autocast_dtype("cpu")
    return dtype


def shape_step(dtype: torch.dtype) -> int:
    """The number of tokens of a batch should be a multiple of this.

    In 16 bits a product of a new shape is compiled before it runs, which takes longer than to run
    it: with a multiple of 64 every shape has been met after some batches. Others are not compiled,
    and tokens for nothing would only take time.
    """
    return 64 if computed_in(dtype).itemsize == 2 else 8


class Texts(NamedTuple):
    """Where the tokens of a padded batch stand."""

    real: Tensor  # (texts, length): is there a token?
    mask: Tensor  # (texts, 1, length): what attention adds, 0 or the least number there is
    places: Tensor  # (tokens,): the place of each among texts * length
    numbers: Tensor  # (texts * length,): which of the tokens stands at each place
    first: Tensor  # (texts,): the place of a text's first token among all tokens
    moves: dict[int, tuple[Tensor, Tensor]]  # what `by_heads` gave: all layers ask for the same

    @classmethod
    def of(cls, real: Tensor, dtype: torch.dtype) -> "Texts":
        """From (texts, length), true where there is a token; `dtype` of the states.

        The tokens are those of all texts, and of the padding as many as make them a multiple of
        `shape_step`, at least one, which stands for all padding. They are computed, nobody looks at
        them, and so all their gradients are zero.
        """
        mask = torch.zeros(real.shape, dtype=dtype).masked_fill(~real, torch.finfo(dtype).min)
        lengths = real.sum(1)
        first = lengths.cumsum(0) - lengths
        tokens, padding = real.flatten().nonzero()[:, 0], (~real).flatten().nonzero()[:, 0]
        count = len(tokens)
        places = torch.cat([tokens, padding[: 1 + (-count - 1) % shape_step(dtype)]])
        numbers = torch.full((real.numel(),), count)
        numbers[places] = torch.arange(len(places))
        return cls(real, mask[:, None], places, numbers, first, {})

    def joined(self, padded: Tensor) -> Tensor:
        """(texts, length) -> (tokens,)."""
        return padded.flatten().index_select(0, self.places)

    def apart(self, values: Tensor) -> Tensor:
        """(tokens, size) -> (texts, length, size)."""
        return _Moved.apply(values, self.numbers, self.places).unflatten(0, self.real.shape)

    def by_heads(self, heads: int) -> tuple[Tensor, Tensor]:
        """How to move from (tokens * heads, size) to (texts * heads * length, size), and back."""
        if heads not in self.moves:
            texts, length = self.real.shape
            each = torch.arange(heads)
            there = self.numbers.view(texts, 1, length) * heads + each[:, None]
            text, place = self.places // length, self.places % length
            back = (text[:, None] * heads + each) * length + place[:, None]
            self.moves[heads] = there.flatten(), back.flatten()
        return self.moves[heads]

    def heads_first(self, heads: int) -> tuple[Tensor, Tensor]:
        """The same from (heads * tokens, size)."""
        texts, length = self.real.shape
        each = torch.arange(heads)[:, None]
        there = self.numbers.view(texts, 1, length) + each * len(self.places)
        text, place = self.places // length, self.places % length
        return there.flatten(), ((text * heads + each) * length + place).flatten()


class _Moved(torch.autograd.Function):
    """Rows `values[there]`, whose gradients go the way `back`.

    torch's own gradient of this adds up what several places have from one row. Here these are
    places of padding, whose gradients are zero.
    """

    @staticmethod
    def forward(ctx, values: Tensor, there: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return values.index_select(0, there)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient.contiguous().index_select(0, *ctx.saved_tensors), None, None


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
        attended: what `attend`, or `attend_from`, gives for them.
    """
    attended = add_and_norm(layer.attention.output, attended, hidden)
    return add_and_norm(layer.output, layer.intermediate(attended), attended)


def attend(attention: nn.Module, hidden: Tensor, texts: Texts) -> Tensor:
    """Attention of each text to itself: (tokens, hidden) -> (tokens, hidden)."""
    size, heads = attention.attention_head_size, attention.num_attention_heads
    there, back = texts.by_heads(heads)
    query, key, value = (  # (texts * heads, length, size) each
        _Moved.apply(part(hidden).view(-1, size), there, back).view(-1, texts.real.shape[1], size)
        for part in (attention.query, attention.key, attention.value)
    )
    mask = texts.mask.to(query.dtype).repeat_interleave(heads, 0).expand(-1, query.shape[1], -1)
    scores = torch.baddbmm(mask, query, key.transpose(1, 2), alpha=attention.scaling)
    weights = dropped(chances(scores), attention.dropout)
    return _Moved.apply((weights @ value).flatten(0, 1), back, there).view(hidden.shape)


def attend_from(
    attention: nn.Module, asking: Tensor, hidden: Tensor, texts: Texts, askers: Texts
) -> Tensor:
    """Attention of some tokens of each text to their text: (asking, hidden) -> (asking, hidden).

    Where few ask, no token needs a key or a value of its own: q·(W x) = (Wᵀq)·x, and the mean of
    W x is W times the mean of x. (What the bias of the keys adds is the same for all tokens that a
    token looks at, so the softmax does not see it.)

    Args:
        asking: the states that ask.
        hidden: (tokens, hidden), the states that are looked at.
        texts: where these stand.
        askers: the same of those that ask.
    """
    size, heads = attention.attention_head_size, attention.num_attention_heads

    def by_head(layer: nn.Linear) -> Tensor:  # (heads, size, hidden)
        return layer.weight.unflatten(0, (-1, size))

    there, back = askers.heads_first(heads)
    states = texts.apart(hidden)  # (texts, length, hidden)
    query = attention.query(asking).unflatten(-1, (-1, size)).transpose(0, 1)
    asked = (query @ by_head(attention.key)).flatten(0, 1)  # (heads * asking, hidden)
    asked = _Moved.apply(asked, there, back).unflatten(0, (len(states), -1))
    mask = texts.mask.to(asked.dtype).expand(-1, asked.shape[1], -1)
    scores = torch.baddbmm(mask, asked, states.transpose(1, 2), alpha=attention.scaling)
    weights = dropped(chances(scores), attention.dropout)  # (texts, heads * askers, length)
    mixed = _Moved.apply((weights @ states).flatten(0, 1), back, there).unflatten(0, (heads, -1))
    values = mixed @ by_head(attention.value).transpose(1, 2)  # (heads, asking, size)
    shares = _Moved.apply(weights.sum(-1).view(-1, 1), back, there).view(heads, -1, 1)
    values = values + shares * attention.value.bias.view(heads, 1, size)
    attended = values.transpose(0, 1).flatten(1) + 0 * attention.key.bias
    return attended.to(states.dtype)


def chances(scores: Tensor) -> Tensor:
    """The softmax over the last dimension, in float32: of few numbers in bf16 it takes three times
    as long, its gradient eight times."""
    wide = torch.promote_types(scores.dtype, torch.float32)
    return scores.softmax(-1, dtype=wide).to(scores.dtype)


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
