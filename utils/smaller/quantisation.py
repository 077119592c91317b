"""Dynamic int8 with PyTorch: linear layers in eight bits, saved and loaded without pickle.

The weights are rounded once: int8 times one scale a matrix. The inputs of each layer are rounded
while it computes, by one scale for the whole batch ("dynamic"): what a text gets depends on its
neighbours. Embeddings, layer norms and attention stay in float32.
"""

import copy
import json
import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from utils.models import ModelError, from_pretrained, load_tokenizer, save_tokenizer

WEIGHTS = "int8.safetensors"


def to_int8(model: PreTrainedModel) -> PreTrainedModel:
    """A copy whose linear layers compute in int8, on the processor, for predictions only.

    Raises:
        ValueError: no linear layer left in it to round, as in a model that is int8 already.
    """
    if not any(type(module) is nn.Linear for module in model.modules()):
        raise ValueError("to_int8: no float linear layer in this model; give it in float32")
    if torch.backends.quantized.engine == "none":  # not chosen by itself on ARM
        torch.backends.quantized.engine = torch.backends.quantized.supported_engines[-1]
    small = copy.deepcopy(model).to("cpu", torch.float32).eval()
    # The processor's own, as `load_int8` has it: from a GPU it may come with another.
    small.set_attn_implementation("eager")
    with warnings.catch_warnings():
        # "deprecated, will be removed in 2.10": it is there in 2.13.
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(small, {nn.Linear}, dtype=torch.qint8)


def save_int8(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: str | Path
) -> Path:
    """Write what `to_int8` gave, with its tokenizer: safetensors, one byte a weight.

    `save_pretrained` fails on such a model: its matrices are packed for the processor.

    Raises:
        ValueError: a model without int8 layers.
    """
    folder = Path(folder)
    layers = _int8_layers(model)
    if not layers:
        raise ValueError("save_int8: no int8 layer in this model; give what to_int8 returns")
    tensors = {
        name: value.contiguous()
        for name, value in model.state_dict().items()
        if isinstance(value, Tensor) and not value.is_quantized
    }
    places = {}
    for name, layer in layers.items():
        weight, bias = layer._weight_bias()
        tensors = {key: value for key, value in tensors.items() if not key.startswith(f"{name}.")}
        tensors[f"{name}.weight"] = weight.int_repr().contiguous()
        tensors[f"{name}.bias"] = bias.detach().contiguous()
        places[name] = [weight.q_scale(), weight.q_zero_point()]
    save_tokenizer(tokenizer, folder)
    model.config.save_pretrained(folder)
    save_file(tensors, folder / WEIGHTS, metadata={"int8": json.dumps(places)})
    return folder


def load_int8(folder: str | Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """(model, tokenizer) that `save_int8` wrote: the same int8 weights, the same logits.

    Raises:
        ModelError: no such file in the folder, or not one that fits its configuration.
    """
    file = Path(folder) / WEIGHTS
    if not file.is_file():
        raise ModelError(f"{folder}: no {WEIGHTS} in it; give the folder that save_int8 wrote")
    config = from_pretrained(AutoConfig, folder, attn_implementation="eager")
    model = to_int8(AutoModelForSequenceClassification.from_config(config, dtype=torch.float32))
    try:
        _fill(model, file)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ModelError(
            f"{file}: not the weights of this configuration ({reason}); save the model again"
        ) from None
    return model.eval(), load_tokenizer(str(folder))


def _fill(model: nn.Module, file: Path) -> None:
    """Put the tensors of a file in their places; ValueError for one too many or too few."""
    with safe_open(file, framework="pt") as opened:
        places = json.loads((opened.metadata() or {}).get("int8", "{}"))
    tensors = load_file(file)
    layers = _int8_layers(model)
    others = {
        name: value
        for name, value in model.state_dict().items()
        if isinstance(value, Tensor) and not value.is_quantized
    }
    others = {
        name: value for name, value in others.items() if name.rpartition(".")[0] not in layers
    }
    wanted = {f"{name}.{part}" for name in layers for part in ("weight", "bias")} | others.keys()
    if odd := sorted(wanted ^ tensors.keys()):
        raise ValueError(f"{odd[0]} stands in one of them only")
    for name, (scale, zero) in places.items():
        weight = (tensors.pop(f"{name}.weight").float() - zero) * scale
        rounded = torch.quantize_per_tensor(weight, scale, zero, torch.qint8)
        layers[name].set_weight_bias(rounded, tensors.pop(f"{name}.bias"))
    with torch.no_grad():
        for name, value in tensors.items():
            others[name].copy_(value)


def _int8_layers(model: nn.Module) -> dict[str, nn.Module]:
    kind = torch.ao.nn.quantized.dynamic.Linear
    return {name: module for name, module in model.named_modules() if isinstance(module, kind)}
