"""Pruning that removes work: whole layers, and whole neurons of the feed-forward networks.

A weight set to zero is multiplied all the same. Here the matrices get smaller, and the
configuration says so: the result is saved and loaded by transformers like any other model. Heads
cannot go this way: a BERT configuration has no word for fewer heads of the same width.
Sources: Michel et al. 2019, arXiv 1905.10650 (importance by the loss's gradient); Sajjad et al.
2023, arXiv 2004.03844 (dropping layers).
"""

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


def keep_layers(model: PreTrainedModel, layers: Sequence[int]) -> PreTrainedModel:
    """A copy of a BERT-like model with only these of its layers, in this order.

    Args:
        layers: numbers from 0; `[0, 3]` keeps the first and the fourth.
    Raises:
        ValueError: none at all, or one that the model does not have.
    """
    count = model.config.num_hidden_layers
    if not layers or not all(0 <= layer < count for layer in layers):
        raise ValueError(f"keep_layers: {list(layers)}; name some of its layers, 0 to {count - 1}")
    small = copy.deepcopy(model)
    encoder = small.base_model.encoder
    encoder.layer = nn.ModuleList(encoder.layer[layer] for layer in layers)
    small.config.num_hidden_layers = len(layers)
    return small


def keep_neurons(
    model: PreTrainedModel, count: int, importance: Sequence[Tensor] | None = None
) -> PreTrainedModel:
    """A copy of a BERT-like model whose feed-forward networks have only `count` neurons each.

    Args:
        importance: for each layer (intermediate,), the larger the more it is missed; by default
            the product of the norms of a neuron's weights, in and out.
    Raises:
        ValueError: a count that is not between 1 and the neurons there are.
    """
    width = model.config.intermediate_size
    if not 1 <= count <= width:
        raise ValueError(f"keep_neurons: {count}; the model has {width} a layer, keep 1 to {width}")
    small = copy.deepcopy(model)
    with torch.no_grad():
        for number, layer in enumerate(small.base_model.encoder.layer):
            inner, outer = layer.intermediate.dense, layer.output.dense
            if importance is None:
                scores = inner.weight.norm(dim=1) * outer.weight.norm(dim=0)
            else:
                scores = importance[number].to(inner.weight.device)
            # In their old order, so that keeping all of them changes nothing at all.
            kept = scores.topk(count).indices.sort().values
            inner.weight = nn.Parameter(inner.weight[kept])
            inner.bias = nn.Parameter(inner.bias[kept])
            outer.weight = nn.Parameter(outer.weight[:, kept])
            inner.out_features = outer.in_features = count
    small.config.intermediate_size = count
    return small


def neuron_importance(model: PreTrainedModel, batches: Iterable[dict]) -> list[Tensor]:
    """How much the loss would change if a neuron were silent, to first order: |value · gradient|,
    summed over all tokens of the batches.

    Args:
        batches: dicts that the model takes, with `labels`.
    Returns:
        for each layer (intermediate,). The model and its gradients are left as they were.
    """
    layers = model.base_model.encoder.layer
    totals = [torch.zeros(model.config.intermediate_size) for _ in layers]
    seen: dict[int, Tensor] = {}

    def remember(number: int):
        def hook(_module, _inputs, output):
            output.retain_grad()
            seen[number] = output

        return hook

    hooks = [
        layer.intermediate.register_forward_hook(remember(number))
        for number, layer in enumerate(layers)
    ]
    was_training = model.training
    gradients = [parameter.grad for parameter in model.parameters()]
    try:
        model.eval()
        for batch in batches:
            batch = {name: value.to(model.device) for name, value in batch.items()}
            model(**batch).loss.backward()
            for number, output in seen.items():
                effect = (output * output.grad).detach().abs()
                totals[number] += effect.flatten(0, -2).sum(0).float().cpu()
    finally:
        for hook in hooks:
            hook.remove()
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient
        model.train(was_training)
    return totals
