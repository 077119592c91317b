"""Save a fine-tuned model with its tokenizer, and load it again by what its head is for."""

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
    save_tokenizer,
    vocabulary_sha256,
)

LABELLERS = {kind.__name__: kind for kind in (GptLabeller, T5Labeller)}


def save_classifier(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: str | Path
) -> Path:
    """Write model and tokenizer (safetensors, no pickle), with the vocabulary's fingerprint.

    Any model of the course, whatever its head: `load_classifier` reads classifiers, labellers and
    regressors, `load_tagger` taggers, `load_extractor` extractors.
    """
    folder = Path(folder)
    save_tokenizer(tokenizer, folder)
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
        return model, load_tokenizer(str(folder))
    return load_with_head(folder, AutoModelForSequenceClassification, "not a classifier")


def load_with_head(
    folder: str | Path, kind: type, otherwise: str
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """(model in float32, tokenizer) of a folder whose model has a head of this kind.

    Args:
        kind: the class that loads it, such as `AutoModelForTokenClassification`.
        otherwise: what the message calls a model with another head.
    Raises:
        ModelError: the folder is not a whole model, or its head is another one.
    """
    check_folder(Path(folder))
    architectures = from_pretrained(AutoConfig, folder).architectures or []
    head = kind.__name__.removeprefix("AutoModelFor")
    if not any(head in name for name in architectures):
        raise ModelError(f"{folder}: holds {architectures}, {otherwise}; fine-tune it first")
    model = from_pretrained(kind, folder, dtype=torch.float32, attn_implementation=attention())
    return model, load_tokenizer(str(folder))
