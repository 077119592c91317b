"""A ready sentiment classifier: MiniLM with the small head that ships with the course.

The head is the classifier and pooler plus the biases and LayerNorms of the encoder, the only
weights that scripts/sentiment_head.py trains (BitFit, Ben Zaken et al. 2022, arXiv:2106.10199):
some hundred kilobytes beside the 45 MB that they belong to.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from utils.data import IMDB_CLASSES
from utils.finetuning.classifier import new_classifier
from utils.models import ModelError, from_pretrained, load_tokenizer, resolve
from utils.profile import course_root, profile

HEAD = "models/minilm-en-sentiment/head.safetensors"
FULL_MODEL = "distilbert/distilbert-base-uncased-finetuned-sst-2-english"


def sentiment_classifier() -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """(model, tokenizer) that tell praise (1) from blame (0) in English: MiniLM with the course's
    head in mini, DistilBERT fine-tuned on SST-2 in full.

    Raises:
        ModelError: the head or the encoder is missing or not what it should be.
    """
    if profile() == "full":
        tokenizer = load_tokenizer(FULL_MODEL)
        model = from_pretrained(AutoModelForSequenceClassification, FULL_MODEL, dtype=torch.float32)
    else:
        tokenizer = load_tokenizer(resolve("minilm-en"))
        model = load_head(new_classifier(resolve("minilm-en"), IMDB_CLASSES), course_root() / HEAD)
    return model.eval(), tokenizer


def is_head(name: str) -> bool:
    """Is this parameter of a BertForSequenceClassification one that the head holds?"""
    return name.startswith(("bert.pooler.", "classifier.")) or name.endswith(
        ("bias", "LayerNorm.weight")
    )


def save_head(model: PreTrainedModel, path: Path) -> None:
    """Write the head's weights in fp16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {n: p.detach().half().contiguous() for n, p in model.named_parameters() if is_head(n)}
    save_file(head, path, metadata={"format": "pt"})


def load_head(model: PreTrainedModel, path: Path) -> PreTrainedModel:
    """The model with the head's weights in place of its own.

    Raises:
        ModelError: no such file, or not the head of this model.
    """
    if not path.is_file():
        raise ModelError(
            f"{path}: missing; fetch the course again, or run scripts/sentiment_head.py"
        )
    head = load_file(path)
    wanted = {name: value.shape for name, value in model.named_parameters() if is_head(name)}
    if {name: value.shape for name, value in head.items()} != wanted:
        raise ModelError(f"{path}: not the sentiment head of minilm-en; fetch the file again")
    model.load_state_dict({name: value.float() for name, value in head.items()}, strict=False)
    return model
