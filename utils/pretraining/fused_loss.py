"""The loss of the hidden tokens without the scores of all words at once, on a processor.

A batch of 64 rows hides some 1,200 tokens; with 8,192 words their scores take 40 MB, and their
gradient as many. Blocks of that size the system gives and takes back in every step, page by page,
and each pass over them fetches them from memory anew. Here some places are scored, compared with
the answers and led back before the next ones: a *fused linear cross-entropy* (Hsu et al. 2024,
"Liger Kernel", arXiv 2410.10989, section 3.2).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.unpadded import computed_in

BLOCK = 4 * 2**20  # bytes of scores at a time: what stays in a processor's cache


def linear_cross_entropy(states: Tensor, weight: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
    """`cross_entropy(linear(states, weight, bias), labels)`, in float32 or wider, ().

    The gradients are computed with it, so it is for training alone. Under autocast the products are
    in the lower precision; losses and gradients of the weights are not.

    Args:
        states: (places, hidden).
        weight, bias: of the layer that scores: (words, hidden), (words,).
        labels: (at most places,); states behind the last label count for nothing.
    """
    return _ByBlocks.apply(states, weight, bias, labels, computed_in(weight.dtype))


class _ByBlocks(torch.autograd.Function):
    @staticmethod
    def forward(ctx, states: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, kind) -> Tensor:
        wide, share = torch.promote_types(kind, torch.float32), 1 / len(labels)
        states, low_weight, low_bias = states.to(kind), weight.to(kind), bias.to(kind)
        for_states = torch.zeros_like(states)
        for_weight, for_bias = (torch.zeros_like(each, dtype=wide) for each in (weight, bias))
        rows = max(1, BLOCK // (len(weight) * states.element_size()))
        losses = []
        for start in range(0, len(labels), rows):
            block, answers = states[start : start + rows], labels[start : start + rows, None]
            logs = F.linear(block, low_weight, low_bias).to(wide).log_softmax(-1)
            losses.append(logs[: len(answers)].gather(1, answers))
            chances = logs.exp_()
            chances[: len(answers)].scatter_add_(1, answers, chances.new_full(answers.shape, -1))
            chances[len(answers) :] = 0
            for_bias.add_(chances.sum(0), alpha=share)
            gradient = chances.to(kind)
            for_states[start : start + rows] = gradient @ low_weight * share
            if kind == wide:
                for_weight.addmm_(gradient.T, block, alpha=share)
            else:
                for_weight.add_(gradient.T @ block, alpha=share)
        ctx.save_for_backward(for_states, for_weight, for_bias)
        return -torch.cat(losses).mean()

    @staticmethod
    def backward(ctx, upper: Tensor) -> tuple[Tensor | None, ...]:
        share = float(upper)  # as a number: rounded to bf16 it would keep three digits
        gradients = (
            ctx.saved_tensors if share == 1 else (each * share for each in ctx.saved_tensors)
        )
        return *gradients, None, None
