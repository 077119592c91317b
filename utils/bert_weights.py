"""The checkpoints of chapter 2's classes: config.json and model.safetensors, as Hugging Face's.

Weights are matched by name. Some files write `bert.` before the encoder's names and some do not;
the published google-bert/bert-base-* still call a LayerNorm's weight gamma and its bias beta.

The classes call `load` and `save` by the names of transformers: `from_pretrained(folder)` and
`save_pretrained(folder)`.
"""

import json
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from utils.models import NO_SOCKS, ModelError, needs_socks

# Entries of config.json that change what a model computes, with the values built here.
SUPPORTED = {
    "model_type": ("bert",),
    "hidden_act": ("gelu", "gelu_new", "relu"),
    "position_embedding_type": ("absolute",),
    "is_decoder": (False,),
    "tie_word_embeddings": (True,),
    "quantization_config": (),
}
# One tensor under two names; files hold the second, and some hold both.
TIED = {
    "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
TRUNK = ("embeddings.", "encoder.")  # without these a model is not pretrained at all
CONSTANTS = ("embeddings.position_ids", "embeddings.token_type_ids")  # MiniLM's file has the first


def load(model_class: type, name: str | Path, **changes) -> nn.Module:
    """The model in a folder (or under a name on the Hub), in float32 and eval mode.

    Heads that the file lacks keep their random weights: `model.new_weights` names them, and a
    warning does.

    Args:
        model_class: a class of `utils.bert`, or chapter 2's own.
        changes: replace entries of config.json, such as num_labels=10.

    Raises:
        ModelError: what is missing, damaged or unsupported, on one line with the cure.
        TypeError: a change of an entry that BertConfig does not have.
    """
    folder = _local_folder(name)
    config = replace(config_from(model_class.config_class, folder), **changes)
    try:
        model = model_class(config)
    except ValueError as error:
        raise ModelError(f"{folder}/config.json: {error}") from None
    model.new_weights = _fill(model, _stored_weights(folder), folder)
    if model.new_weights:
        names = ", ".join(model.new_weights)
        warnings.warn(f"{folder}: not in the file, so drawn at random: {names}", stacklevel=2)
    return model.eval()


def save(model: nn.Module, folder: str | Path) -> None:
    """Write config.json and model.safetensors so that transformers reads them too.

    Tied weights are stored once, as transformers does.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    named = {"model_type": "bert", "architectures": [type(model).__name__]}
    text = json.dumps(asdict(model.config) | named, indent=2, sort_keys=True)
    (folder / "config.json").write_text(text + "\n", encoding="utf8")
    weights = {key: tensor for key, tensor in model.state_dict().items() if key not in TIED}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def config_from(config_class: type, folder: Path) -> object:
    """The entries of config.json that `config_class` knows; absent ones take its defaults.

    Raises:
        ModelError: no such file, no JSON, or an entry for which there is no code here.
    """
    try:
        entries = json.loads((folder / "config.json").read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{folder}/config.json: cannot be read ({error}); give the folder of a model, whole"
        ) from None
    if not isinstance(entries, dict):
        raise ModelError(f"{folder}/config.json: holds no settings; fetch it again")
    for key, values in SUPPORTED.items():
        if entries.get(key) not in (None, *values):
            raise ModelError(
                f"{folder}/config.json: {key} is {entries[key]!r}, and utils.bert only knows "
                f"{' or '.join(map(repr, values or [None]))}; load it with transformers' AutoModel"
            )
    if entries.get("id2label"):  # transformers writes the names of the classes, not how many
        entries.setdefault("num_labels", len(entries["id2label"]))
    known = vars(config_class())
    return config_class(**{key: value for key, value in entries.items() if key in known})


def one_name(key: str) -> str:
    """bert.encoder.layer.0.output.LayerNorm.gamma -> encoder.layer.0.output.LayerNorm.weight"""
    key = key.removeprefix("bert.")
    return key.replace("Norm.gamma", "Norm.weight").replace("Norm.beta", "Norm.bias")


def _local_folder(name: str | Path) -> Path:
    """The folder itself, or the one into which a model of the Hub is fetched (or was before)."""
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    from huggingface_hub import snapshot_download  # chapter 2 on the full profile

    try:
        wanted = ["config.json", "model.safetensors"]
        return Path(snapshot_download(str(name), allow_patterns=wanted))
    except Exception as error:  # the client's errors have many kinds and long texts
        if needs_socks(error):
            raise ModelError(f"{name}: {NO_SOCKS}") from None
        raise ModelError(
            f"{name}: no such folder, and not to be had from the Hub ({type(error).__name__}); "
            "give an existing folder, or set HF_ENDPOINT to a mirror you can reach"
        ) from None


def _stored_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Name -> tensor, each name as `one_name` writes it."""
    file = folder / "model.safetensors"
    if not file.is_file():  # pytorch_model.bin is a pickle, which may run code when opened
        raise ModelError(f"{file}: not there; write it with transformers' save_pretrained")
    try:
        stored = {one_name(key): tensor for key, tensor in load_file(file).items()}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file}: cannot be read ({error}); fetch it again") from None
    for second, first in TIED.items():
        tensor = stored.pop(second, None)
        if tensor is not None and not torch.equal(tensor, stored.setdefault(first, tensor)):
            raise ModelError(
                f"{file}: {second} differs from {first}, and here they are one tensor; "
                "load this model with transformers' AutoModel"
            )
    return {key: tensor for key, tensor in stored.items() if key not in CONSTANTS}


def _fill(model, stored: dict[str, torch.Tensor], folder: Path) -> tuple[str, ...]:
    """Copy weights into a model, in the model's own precision; the names it keeps random."""
    own = {one_name(key): tensor for key, tensor in model.state_dict().items()}
    own = {key: tensor for key, tensor in own.items() if key not in TIED}
    for key in sorted(own.keys() ^ stored.keys()):
        if key.startswith(TRUNK):
            place = "model.safetensors" if key in stored else "config.json"
            raise ModelError(
                f"{folder}: {key} is known to {place} only, so its two files are not of one "
                "model, or not whole; fetch both again"
            )
    for key in (key for key in own if key in stored):
        if own[key].shape != stored[key].shape:
            raise ModelError(
                f"{folder}: {key} is {tuple(stored[key].shape)} in model.safetensors and "
                f"{tuple(own[key].shape)} by config.json; fetch both again from one place"
            )
        own[key].copy_(stored[key])  # fp16 in the file becomes float32 here
    return tuple(key for key in own if key not in stored)
