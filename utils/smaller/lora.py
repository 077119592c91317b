"""LoRA with peft: train two thin matrices beside each large one, and keep only those.

Source: Hu et al. 2021, arXiv 2106.09685. A weight W of (out, in) stays as it is; what is learned
is B·A with A (rank, in) and B (out, rank), B zero at first, so that training begins at W.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

from peft import LoraConfig, PeftModel, TaskType, get_peft_model
from transformers import PreTrainedModel

from utils.models import ModelError

# What a classifier has above its encoder. A checkpoint of masked language modelling holds none of
# it: drawn at random here, and at random anew wherever the adapter is loaded, unless it is saved.
HEADS = ("classifier", "pooler", "pre_classifier", "score")


def add_lora(
    model: PreTrainedModel,
    rank: int = 8,
    alpha: int = 16,
    targets: Sequence[str] = ("query", "value"),
    dropout: float = 0.0,
) -> PeftModel:
    """The classifier with LoRA beside its weights; all of it is frozen but LoRA and the head.

    Args:
        model: a classifier; it is changed in place, as peft does.
        rank: of the learned matrices.
        alpha: what they add is multiplied by alpha / rank.
        targets: names of the linear layers that get one.
    Raises:
        ValueError: a model that does not classify texts, a rank below 1, or layers that it does
            not have.
    """
    names = {name.split(".")[-1] for name, _ in model.named_modules()}
    heads = [name for name in HEADS if name in names]
    # A tagger has a classifier too, of its tokens.
    whole = type(model).__name__.endswith("ForSequenceClassification")
    if not whole or not {"classifier", "score"} & set(heads):
        raise ValueError(
            f"add_lora: {type(model).__name__} is no classifier of texts whose head is called "
            "classifier or score; make it with new_classifier"
        )
    if missing := [name for name in targets if name not in names]:
        raise ValueError(f"add_lora: no layer {missing[0]!r} in {type(model).__name__}")
    if rank < 1:
        raise ValueError(f"add_lora: rank={rank}; give 1 or more")
    settings = LoraConfig(
        task_type=TaskType.SEQ_CLS,  # without it not even the classifier is trained
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=list(targets),
        modules_to_save=heads,  # by itself peft would keep the classifier, and forget the pooler
    )
    return get_peft_model(model, settings)


def load_lora(model: PreTrainedModel, folder: str | Path) -> PeftModel:
    """A fresh classifier with the adapter that `save_pretrained` wrote into `folder`.

    Args:
        model: made of the same checkpoint and class names as the one that was trained.
    Raises:
        ModelError: no adapter there, or one for a model of another shape.
    """
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (Path(folder) / name).is_file():
            raise ModelError(
                f"{folder}: no {name}, so this is no adapter; give the folder that "
                "save_pretrained of a LoRA model wrote"
            )
    try:
        with warnings.catch_warnings():  # of weights that the file lacks, and that stay random
            warnings.filterwarnings("error", message=".*missing adapter keys.*")
            return PeftModel.from_pretrained(model, str(folder))
    except (RuntimeError, ValueError, UserWarning) as error:
        reason = " ".join(str(error).split())[:160]
        raise ModelError(
            f"{folder}: this adapter does not fit the model ({reason}); make the model of the "
            "checkpoint and the classes that it was trained with"
        ) from None
