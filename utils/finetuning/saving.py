"""Save a classifier with its tokenizer, and load it again: an encoder with a head, or a labeller."""

from pathlib import Path

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from utils.finetuning.classifier import attention
from utils.finetuning.labelling import GptLabeller, T5Labeller
from utils.models import (
    ModelError,
    check_folder,
    from_pretrained,
    load_tokenizer,
    read_vocabulary,
    vocabulary_sha256,
)

LABELLERS = {kind.__name__: kind for kind in (GptLabeller, T5Labeller)}


def save_classifier(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: str | Path
) -> Path:
    """Write model and tokenizer (safetensors, no pickle), with the vocabulary's fingerprint."""
    folder = Path(folder)
    tokenizer.save_pretrained(folder)
    model.config.vocab_sha256 = vocabulary_sha256(read_vocabulary(folder))
    model.save_pretrained(folder)
    return folder


def load_classifier(folder: str | Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """(model in float32, tokenizer) of a saved classifier.

    Raises:
        ModelError: the folder is not a whole model, or is one that classifies nothing.
    """
    check_folder(Path(folder))
    architectures = from_pretrained(AutoConfig, folder).architectures or []
    if labellers := LABELLERS.keys() & set(architectures):
        model = from_pretrained(LABELLERS[labellers.pop()], folder, dtype=torch.float32)
    elif any("SequenceClassification" in name for name in architectures):
        model = from_pretrained(
            AutoModelForSequenceClassification,
            folder,
            dtype=torch.float32,
            attn_implementation=attention(),
        )
    else:
        raise ModelError(f"{folder}: holds {architectures}, not a classifier; fine-tune it first")
    return model, load_tokenizer(str(folder))
