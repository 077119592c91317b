"""BERT checkpoints in Hugging Face's format: config.json and *.safetensors, read and written.

Files of different ages call the same weight by different names. Here each has one: that of the
pretraining model in transformers, without the `bert.` before embeddings, encoder and pooler.
"""

import json
import re
import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from utils.models import ModelError

# Entries of config.json that change what a model computes, with the one value built here.
SUPPORTED = {
    "model_type": "bert",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "quantization_config": None,
    "pruned_heads": {},
}
DECODER_WEIGHT = "cls.predictions.decoder.weight"
DECODER_BIAS, MLM_BIAS = "cls.predictions.decoder.bias", "cls.predictions.bias"
WORD_EMBEDDINGS = "embeddings.word_embeddings.weight"
TRUNK = ("embeddings.", "encoder.")  # without these a model is not pretrained at all
BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")  # constants some files hold


def read_checkpoint(name: str | Path) -> tuple[dict, dict[str, torch.Tensor]]:
    """(entries of config.json, weights under their one name) of a folder or Hub model.

    Raises:
        ModelError: on one line, what is missing, damaged or unsupported, and the cure.
    """
    folder = _local_folder(name)
    entries = _read_config(folder)
    weights = {}
    for file in _weight_files(folder):
        try:
            weights |= load_file(file)
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{file}: cannot be read ({error}); fetch it again") from None
    weights = {one_name(key): tensor for key, tensor in weights.items()}
    for key, tensor in weights.items():
        if not tensor.is_floating_point() and key not in BUFFERS:
            raise ModelError(
                f"{folder}: {key} is stored as {tensor.dtype}, so these weights are quantised; "
                "take the checkpoint in fp32, fp16 or bf16"
            )
    if DECODER_BIAS in weights or MLM_BIAS in weights:
        weights.setdefault(DECODER_BIAS, weights.get(MLM_BIAS))
        weights[MLM_BIAS] = weights[DECODER_BIAS]  # where they differ, this is the one in use
    decoder, embeddings = weights.get(DECODER_WEIGHT), weights.get(WORD_EMBEDDINGS)
    if decoder is not None and embeddings is not None and not torch.equal(decoder, embeddings):
        entries["tie_word_embeddings"] = False  # whatever config.json says
    return entries, {key: tensor for key, tensor in weights.items() if key not in BUFFERS}


def _local_folder(name: str | Path) -> Path:
    """The folder itself, or the one into which a model of the Hub is fetched (or was before)."""
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    from huggingface_hub import snapshot_download

    patterns = ["config.json", "*.safetensors", "*.safetensors.index.json"]
    try:
        return Path(snapshot_download(str(name), allow_patterns=patterns))
    except Exception as error:  # the client's errors have many kinds and long texts
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise ModelError(
            f"{name}: no such folder, and not to be had from the Hub ({type(error).__name__}: "
            f"{reason}); give an existing folder, or set HF_ENDPOINT to a mirror you can reach"
        ) from None


def _read_config(folder: Path) -> dict:
    try:
        entries = json.loads((folder / "config.json").read_text(encoding="utf8"))
    except FileNotFoundError:
        raise ModelError(
            f"{folder}: no config.json; give the folder that save_pretrained wrote"
        ) from None
    except ValueError as error:
        raise ModelError(
            f"{folder}/config.json: not valid JSON ({error}); fetch it again"
        ) from None
    if not isinstance(entries, dict):
        raise ModelError(f"{folder}/config.json: holds no settings; fetch it again")
    for key, wanted in SUPPORTED.items():
        if entries.get(key) not in (None, wanted):
            raise ModelError(
                f"{folder}/config.json: {key} is {entries[key]!r}, and utils.bert only knows "
                f"{wanted!r}; load this model with transformers' AutoModel"
            )
    return entries


def _weight_files(folder: Path) -> list[Path]:
    """model.safetensors, or the shards that its index names."""
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    if index.is_file():
        try:
            shards = json.loads(index.read_text(encoding="utf8"))["weight_map"].values()
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{index}: damaged ({error}); fetch it again") from None
        names = sorted(set(shards))
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise ModelError(f"{folder}: {missing[0]} is missing; fetch all {len(names)} shards")
        return [folder / name for name in names]
    if any(folder.glob("pytorch_model*.bin")):
        raise ModelError(
            f"{folder}: only pytorch_model.bin, a pickle, which may run code when opened; if you "
            "trust it: transformers.AutoModelForPreTraining.from_pretrained(folder)"
            ".save_pretrained(folder)"
        )
    raise ModelError(f"{folder}: no model.safetensors; copy it there or fetch the model again")


def one_name(key: str) -> str:
    """bert.encoder.layer.0.output.LayerNorm.gamma -> encoder.layer.0.output.LayerNorm.weight"""
    key = re.sub(r"^(module\.)?(bert\.)?", "", key)
    return re.sub(r"LayerNorm\.(gamma|beta)$", _modern, key)


def _modern(match: re.Match) -> str:
    return "LayerNorm." + {"gamma": "weight", "beta": "bias"}[match[1]]


def load_weights(model, weights: dict[str, torch.Tensor], source) -> tuple[str, ...]:
    """Copy weights into a model, in the model's own precision; return the names it keeps random.

    Warns where there are such names, or encoder weights for which the model has no place.
    Raises:
        ModelError: a shape that config.json does not announce, or an encoder that is not whole.
    """
    own = {one_name(key): tensor for key, tensor in model.state_dict().items()}
    new = [key for key in own if key not in weights and key != DECODER_BIAS]
    if model.config.tie_word_embeddings and DECODER_WEIGHT in new:
        new.remove(DECODER_WEIGHT)  # it is the word embeddings
    lost = [key for key in new if key.startswith(TRUNK)]
    if lost:
        raise ModelError(
            f"{source}: no weights for {lost[0]}"
            + (f" and {len(lost) - 1} more of the encoder" if len(lost) > 1 else "")
            + "; config.json does not belong to them, or the file is not whole: fetch both again"
        )
    for key, tensor in own.items():
        if key not in weights:
            continue
        if tensor.shape != weights[key].shape:
            raise ModelError(
                f"{source}: {key} is {tuple(weights[key].shape)} in the file and "
                f"{tuple(tensor.shape)} by config.json; fetch both again from one place"
            )
        tensor.copy_(weights[key])  # fp16 in the file becomes float32 here
    unused = [key for key in weights if key.startswith(TRUNK) and key not in own]
    notes = [f"not in the checkpoint, so drawn at random: {', '.join(new)}"] if new else []
    notes += [f"in the checkpoint, but without a place: {', '.join(unused)}"] if unused else []
    if notes:
        warnings.warn(f"{source}: {'; '.join(notes)}", stacklevel=3)
    return tuple(new)


def write_checkpoint(model, folder: str | Path) -> None:
    """Write config.json and model.safetensors so that transformers reads them too.

    Tied weights are stored once, as transformers does.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tied = (DECODER_WEIGHT, DECODER_BIAS) if model.config.tie_word_embeddings else ()
    weights = {
        key: tensor.detach().cpu().clone().contiguous()  # clone: safetensors refuses shared memory
        for key, tensor in model.state_dict().items()
        if key not in tied
    }
    entries = model.config.to_dict() | {
        "model_type": "bert",
        "architectures": [type(model).__name__],
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
    }
    entries.pop("torch_dtype", None)  # the old name of dtype
    text = json.dumps(entries, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / "config.json").write_text(text + "\n", encoding="utf8")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
