"""Freezing: the embeddings and the lowest layers stay as pretraining left them.

Backpropagation ends where nothing below is trained: of a frozen layer only the forward is computed,
and the optimizer has fewer parameters to go through. With two layers of four frozen, training on
short texts is 1.7 to 1.8 times as fast (`results/throughput_float32.jsonl`, which has the accuracy
too). The learning rate is to be chosen anew.
Source: Lee et al. 2019, arXiv 1911.03090 (what is lost when lower layers of BERT are frozen).
"""

from itertools import takewhile

from torch import nn
from transformers import PreTrainedModel


def freeze(model: PreTrainedModel, layers: int) -> PreTrainedModel:
    """The model itself, of which everything below its layer number `layers` is not trained.

    Not saved with it: a model that is loaded again trains as a whole. Dropout goes on in frozen
    layers while the model trains.

    Args:
        model: an encoder with a head, such as `new_classifier` gives.
        layers: how many of the lowest layers are frozen; 0 freezes the embeddings alone.
    Raises:
        ValueError: more layers than the model has, or a model that shares one layer (ALBERT).
    """
    encoder = model.base_model
    count = encoder.config.num_hidden_layers
    stack = next((each for each in encoder.modules() if _is_stack(each, count)), None)
    if stack is None:
        raise ValueError(
            f"freeze: {type(model).__name__} has no {count} layers of its own, one above the other"
        )
    if not 0 <= layers <= count:
        raise ValueError(f"freeze: {layers} layers; the model has {count}, give 0 to {count}")
    lowest = next(stack.parameters())
    # In the order in which a model's parts are made: its embeddings, with what stands between them
    # and the first layer, and the layers.
    before = takewhile(lambda parameter: parameter is not lowest, encoder.parameters())
    for parameter in [*before, *stack[:layers].parameters()]:
        parameter.requires_grad_(False)
    return model


def _is_stack(part: nn.Module, count: int) -> bool:
    return isinstance(part, nn.ModuleList) and len(part) == count
