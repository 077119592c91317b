"""Products of one layer joined, with their gradients written by hand: less work for the processor.

What torch derives by itself is the same to rounding. It computes queries, keys and values in three
products of which each reads the same states, and makes a new block of memory for each gradient;
on short texts those cost as much as a third of the products.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def feed_forward(states: Tensor, up: nn.Linear, down: nn.Linear) -> Tensor:
    """A linear layer, GELU, a linear layer: (tokens, hidden) to the same."""
    return _FeedForward.apply(states, up.weight, up.bias, down.weight, down.bias)


def projections(
    states: Tensor, parts: Sequence[nn.Linear], size: int, there: Tensor, back: Tensor
) -> tuple[Tensor, ...]:
    """Several linear layers of the same states, cut into heads and moved.

    Args:
        states: (tokens, hidden).
        parts: those of queries, keys and values.
        size: of a head.
        there: which rows of (tokens * heads, size) each gives.
        back: where those rows are then. What is given twice is padding, whose gradients are zero.
    Returns:
        (len(there), size) for each part.
    """
    weights = [part.weight for part in parts] + [part.bias for part in parts]
    return _Projections.apply(states, size, there, back, *weights)


class _FeedForward(torch.autograd.Function):
    """GELU's gradient takes the place of the one that comes in: in a new block it takes longer."""

    @staticmethod
    def forward(
        ctx, states: Tensor, up: Tensor, up_bias: Tensor, down: Tensor, down_bias: Tensor
    ) -> Tensor:
        ctx.kind = up.dtype
        up, up_bias, down, down_bias = (
            each.to(states.dtype) for each in (up, up_bias, down, down_bias)
        )
        wide = F.linear(states, up, up_bias)
        active = F.gelu(wide)
        ctx.save_for_backward(states, wide, active, up, down)
        return F.linear(active, down, down_bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        states, wide, active, up, down = ctx.saved_tensors
        inner = gradient @ down
        torch.ops.aten.gelu_backward.grad_input(inner, wide, grad_input=inner)
        wanted = ctx.needs_input_grad
        return (
            inner @ up if wanted[0] else None,
            (inner.t() @ states).to(ctx.kind) if wanted[1] else None,
            inner.sum(0).to(ctx.kind) if wanted[2] else None,
            (gradient.t() @ active).to(ctx.kind) if wanted[3] else None,
            gradient.sum(0).to(ctx.kind) if wanted[4] else None,
        )


class _Projections(torch.autograd.Function):
    """The weights of all parts one below the other, so one product."""

    @staticmethod
    def forward(
        ctx, states: Tensor, size: int, there: Tensor, back: Tensor, *weights_then_biases: Tensor
    ) -> tuple[Tensor, ...]:
        parts = ctx.parts = len(weights_then_biases) // 2
        weights, biases = weights_then_biases[:parts], weights_then_biases[parts:]
        ctx.kind, heads = weights[0].dtype, len(biases[0]) // size
        weight = torch.cat(weights).to(states.dtype)
        joined = F.linear(states, weight, torch.cat(biases).to(states.dtype)).view(-1, size)
        ctx.save_for_backward(states, back, weight)
        first = there // heads * (parts * heads) + there % heads  # now a token has more heads
        return tuple(joined.index_select(0, first + part * heads) for part in range(parts))

    @staticmethod
    @once_differentiable
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        states, back, weight = ctx.saved_tensors
        joined = torch.cat(
            [each.index_select(0, back).view(len(states), -1) for each in gradients], dim=1
        )
        wanted, nothing = ctx.needs_input_grad, (None,) * ctx.parts
        weights = biases = nothing
        if any(wanted[4 : 4 + ctx.parts]):
            weights = (joined.t() @ states).to(ctx.kind).chunk(ctx.parts)
        if any(wanted[4 + ctx.parts :]):
            biases = joined.sum(0).to(ctx.kind).chunk(ctx.parts)
        return joined @ weight if wanted[0] else None, None, None, None, *weights, *biases
