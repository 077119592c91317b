"""A text classifier on a pretrained encoder: make one, predict, read its features, save and load."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, set_seed

from utils.models import (
    ModelError,
    check_folder,
    load_tokenizer,
    read_vocabulary,
    vocabulary_sha256,
)
from utils.profile import SEED, bf16_available, device


def new_classifier(
    checkpoint: str,
    class_names: Sequence[str],
    pretrained: bool = True,
    seed: int = SEED,
    dropout: float | None = None,
):
    """A classifier on top of a checkpoint, in float32; its head (and with `pretrained=False`
    all of it, same architecture) is random, drawn with `seed`. `dropout`: another rate than
    the checkpoint's own."""
    set_seed(seed)
    settings = {
        "num_labels": len(class_names),
        "id2label": dict(enumerate(class_names)),
        "label2id": {name: i for i, name in enumerate(class_names)},
        "attn_implementation": _attention(),
    }
    if dropout is not None:
        settings |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    if pretrained:
        # A checkpoint saved in fp16 would load as fp16: training needs float32.
        return AutoModelForSequenceClassification.from_pretrained(
            checkpoint, dtype=torch.float32, **settings
        )
    config = AutoConfig.from_pretrained(checkpoint, **settings)
    return AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)


def _attention() -> str:
    """With a padding mask the fused attention is the slower one on a processor."""
    return "eager" if device().type == "cpu" else "sdpa"


@torch.inference_mode()
def predict(model, tokenizer, texts: Sequence[str], max_length: int = 128, batch_size: int = 64):
    """Class probabilities of texts, in their order: array (texts, classes), rows sum to 1."""
    model.eval()
    texts = list(texts)
    rows = np.empty((len(texts), model.config.num_labels), dtype=np.float32)
    for places in by_length(texts, batch_size):
        output, _ = _forward(model, tokenizer, [texts[place] for place in places], max_length)
        rows[places] = output.logits.float().softmax(-1).cpu().numpy()
    return rows


@torch.inference_mode()
def sentence_features(
    model, tokenizer, texts: Sequence[str], max_length: int = 128, pooling: str = "mean"
):
    """Frozen features of an encoder: mean of the last hidden states over the real tokens.

    Array (texts, hidden). The mean serves better than [CLS], which MLM does not train.
    `pooling="last"`: instead the last token before the end sign, the only one of GPT's that has
    seen the whole text.
    """
    if pooling not in ("mean", "last"):
        raise ValueError(f"sentence_features: pooling={pooling!r}; give 'mean' or 'last'")
    model.eval()
    texts = list(texts)
    features = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    for places in by_length(texts, 64):
        output, mask = _forward(model, tokenizer, [texts[place] for place in places], max_length)
        hidden = output.last_hidden_state.float()
        if pooling == "last":
            pooled = hidden[torch.arange(len(places)), (mask.sum(1) - 2).clamp(min=0)]
        else:
            pooled = (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        features[places] = pooled.cpu().numpy()
    return features


def by_length(texts: list[str], batch_size: int = 64) -> list[np.ndarray]:
    """Places of the texts in batches of similar length, so that little is padded."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _forward(model, tokenizer, texts: list[str], max_length: int):
    """One padded batch through the model: (its output, attention mask (texts, length))."""
    device = next(model.parameters()).device
    batch = tokenizer(
        texts, truncation=True, max_length=max_length, padding=True, return_tensors="pt"
    ).to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16_available()):
        return model(**batch), batch["attention_mask"]


def save_classifier(model, tokenizer, folder: str | Path) -> Path:
    """Write model and tokenizer (safetensors, no pickle), with the vocabulary's fingerprint."""
    folder = Path(folder)
    tokenizer.save_pretrained(folder)
    model.config.vocab_sha256 = vocabulary_sha256(read_vocabulary(folder))
    model.save_pretrained(folder)
    return folder


def load_classifier(folder: str | Path):
    """(model in float32, tokenizer) of a saved classifier.

    Raises:
        ModelError: the folder is not a whole model, or is one without a classification head.
    """
    check_folder(Path(folder))
    config = AutoConfig.from_pretrained(folder)
    if not any("SequenceClassification" in name for name in config.architectures or []):
        raise ModelError(
            f"{folder}: holds {config.architectures}, not a classifier; fine-tune it first"
        )
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32, attn_implementation=_attention()
    )
    return model, load_tokenizer(str(folder))
