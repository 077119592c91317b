"""A text classifier on a pretrained encoder: make one, predict, read its features."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BatchEncoding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)
from transformers.utils import ModelOutput

from utils.finetuning.packing import without_padding
from utils.models import from_pretrained
from utils.profile import SEED, bf16_available, device


def new_classifier(
    checkpoint: str | Path,
    class_names: Sequence[str],
    pretrained: bool = True,
    seed: int = SEED,
    dropout: float | None = None,
) -> PreTrainedModel:
    """A classifier on top of a checkpoint, in float32; its head (and with `pretrained=False`
    all of it, same architecture) is random, drawn with `seed`.

    Args:
        checkpoint: folder or Hub id, as `resolve` gives it.
        dropout: another rate than the checkpoint's own.
    Raises:
        ModelError: no such folder, a damaged one, or not to be fetched from the Hub.
    """
    return new_with_head(
        AutoModelForSequenceClassification,
        checkpoint,
        pretrained,
        seed,
        dropout,
        **named_labels(class_names),
    )


def new_with_head(
    kind: type,
    checkpoint: str | Path,
    pretrained: bool,
    seed: int,
    dropout: float | None,
    **settings: object,
) -> PreTrainedModel:
    """A model of this kind on top of a checkpoint, in float32, as the function that makes it says.

    Args:
        kind: the class that loads it, such as `AutoModelForTokenClassification`.
        settings: entries of the configuration, such as `num_labels`.
    Raises:
        ModelError: no such folder, a damaged one, or not to be fetched from the Hub.
    """
    set_seed(seed)
    settings["attn_implementation"] = attention()
    if dropout is not None:
        settings |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    if pretrained:
        # A checkpoint saved in fp16 would load as fp16: training needs float32.
        return from_pretrained(kind, checkpoint, fresh_head=True, dtype=torch.float32, **settings)
    config = from_pretrained(AutoConfig, checkpoint, **settings)
    return kind.from_config(config, dtype=torch.float32)


def named_labels(names: Sequence[str]) -> dict:
    """The entries of a configuration for labels of these names, in the order of their ids."""
    return {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: i for i, name in enumerate(names)},
    }


def attention() -> str:
    """With a padding mask the fused attention is the slower one on a processor."""
    return "eager" if device().type == "cpu" else "sdpa"


def as_texts(texts: Sequence[str] | str) -> list[str]:
    """A list of the texts; one text alone is a list of one, not of its characters.

    Raises:
        ValueError: something else than text among them, naming its place.
    """
    texts = as_list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(
                f"row {row}: {text!r:.40} is no text; drop the row or fill in its text"
            )
    return texts


def check_text(row: int, text: str | None, name: str) -> None:
    """Raises ValueError: something else than text, or an empty one, naming its row and column.

    None is an empty one.
    """
    if text is not None and not isinstance(text, str):
        raise ValueError(f"row {row}: {text!r:.40} is no text; drop the row or fill in its {name}")
    if not text or not text.strip():
        raise ValueError(f"row {row}: empty {name}; drop the row or fill in its text")


def as_list(texts: Sequence[str] | str) -> list[str]:
    """A list of the texts, unread; one text alone is a list of one, not of its characters."""
    return [texts] if isinstance(texts, str) else list(texts)


def most_tokens(model: nn.Module) -> int | None:
    """How many tokens the longest row may have: as many as the model has learned positions.

    None where positions are not learned one by one (T5).
    """
    for name, module in model.named_modules():
        if name.endswith(("position_embeddings", "wpe")) and isinstance(module, nn.Embedding):
            # RoBERTa counts positions from the one behind that of the padding.
            padding = -1 if module.padding_idx is None else module.padding_idx
            return module.num_embeddings - padding - 1
    return None


def check_length(model: nn.Module, length: int) -> None:
    """Raises ValueError if a row of `length` tokens has more than the model has positions."""
    check_positions(most_tokens(model), length)


def check_positions(most: int | None, length: int) -> None:
    """Raises ValueError if a row of `length` tokens is longer than `most`; see `most_tokens`."""
    if most is not None and length > most:
        raise ValueError(
            f"a row of {length} tokens, but the model has {most} positions; give max_length={most}"
        )


def check_padding(tokenizer: PreTrainedTokenizerBase, by_place: bool = False) -> None:
    """Raises ValueError if the tokenizer pads on the left, as one sets it for GPT to write.

    A text's positions, and the place where a head looks for [CLS], would depend on how long the
    texts beside it are. A tokenizer that has [CLS] at the end (XLNet) may pad so.

    Args:
        by_place: whether answers are looked up by their place in a row, which nobody may move.
    """
    if tokenizer.padding_side != "left":
        return
    if by_place or _last_id(tokenizer) != tokenizer.cls_token_id:
        raise ValueError(
            "the tokenizer pads on the left, so a text's answer would depend on the texts beside "
            "it; set tokenizer.padding_side = 'right' (padding_side in tokenizer_config.json)"
        )


def _last_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """The last id of a row: that of the end sign, where the tokenizer sets one."""
    return tokenizer("a")["input_ids"][-1]


def predict(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str] | str,
    max_length: int = 128,
    batch_size: int = 64,
) -> np.ndarray:
    """Class probabilities of texts, in their order: array (texts, classes), rows sum to 1.

    Args:
        texts: one text alone is taken for a list of one.
        max_length: in tokens; the rest of a longer text is not read.
    Raises:
        ValueError: something else than text, a row longer than the model can read, or a tokenizer
            that pads on the left.
    """
    probabilities, _ = predict_and_known(model, tokenizer, texts, max_length, batch_size)
    return probabilities


@torch.inference_mode()
def predict_and_known(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str] | str,
    max_length: int = 128,
    batch_size: int = 64,
) -> tuple[np.ndarray, np.ndarray]:
    """What `predict` gives, and which texts hold anything that the model knows: (texts,) of bool.

    See `holds_known`: without asking the tokenizer a second time.
    """
    model.eval()
    texts = as_texts(texts)
    rows = np.empty((len(texts), model.config.num_labels), dtype=np.float32)
    known = np.empty(len(texts), dtype=bool)
    # One autocast around all batches: it casts each weight once and keeps it until it ends.
    with without_padding(model), low_precision(model):
        for places in longest_first(texts, batch_size):
            batch = _encode(tokenizer, [texts[place] for place in places], max_length)
            rows[places] = _forward(model, batch).logits.float().softmax(-1).cpu().numpy()
            known[places] = holds_known(tokenizer, batch["input_ids"].tolist())
    return rows, known


def holds_known(tokenizer: PreTrainedTokenizerBase, rows: Iterable[Sequence[int]]) -> list[bool]:
    """Whether rows of token ids hold any token but special ones.

    A text of emoji has none where the model knows no emoji: [UNK] is special too.
    """
    special = set(tokenizer.all_special_ids)
    return [not special.issuperset(row) for row in rows]


@torch.inference_mode()
def sentence_features(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str] | str,
    max_length: int = 128,
    pooling: str = "mean",
) -> np.ndarray:
    """Frozen features of an encoder: array (texts, hidden).

    Args:
        texts: one text alone is taken for a list of one.
        max_length: in tokens; the rest of a longer text is not read.
        pooling: "mean" of the last hidden states over the real tokens, which serves better than
            [CLS], which MLM does not train; or "last", the last token before the end sign, if
            there is one, the only one of GPT's that has seen the whole text.
    Raises:
        ValueError: another `pooling`, something else than text, a row longer than the model can
            read, or a tokenizer that pads on the left.
    """
    if pooling not in ("mean", "last"):
        raise ValueError(f"sentence_features: pooling={pooling!r}; give 'mean' or 'last'")
    check_padding(tokenizer, by_place=pooling == "last")
    ends = (tokenizer.sep_token_id, tokenizer.eos_token_id)
    behind = 2 if _last_id(tokenizer) in ends else 1
    model.eval()
    texts = as_texts(texts)
    features = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    with low_precision(model):
        for places in longest_first(texts):
            batch = _encode(tokenizer, [texts[place] for place in places], max_length)
            hidden = _forward(model, batch).last_hidden_state.float()
            mask = batch["attention_mask"].to(hidden.device)
            if pooling == "last":
                pooled = hidden[torch.arange(len(places)), (mask.sum(1) - behind).clamp(min=0)]
            else:
                pooled = (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
            features[places] = pooled.cpu().numpy()
    return features


def by_length(texts: list[str], batch_size: int = 64) -> list[np.ndarray]:
    """Places of the texts in batches of similar length, so that little is padded."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def longest_first(texts: list[str], batch_size: int = 64) -> list[np.ndarray]:
    """The same, from the long texts to the short: what does not fit shows at once, not at the end."""
    return by_length(texts, batch_size)[::-1]


def padded_batches(
    tokenizer: PreTrainedTokenizerBase,
    columns: dict[str, list],
    batch_size: int,
    device: torch.device,
    by_place: bool = False,
) -> Iterator[tuple[np.ndarray, BatchEncoding]]:
    """Encoded rows, padded in batches of similar length, from the long ones to the short.

    Args:
        columns: what the tokenizer gave, not padded.
        by_place: see `check_padding`.
    Yields:
        where the rows of a batch stand in the columns, and the batch, on the device.
    Raises:
        ValueError: see `check_padding`.
    """
    check_padding(tokenizer, by_place)
    for places in longest_first(columns["input_ids"], batch_size):
        rows = {name: [values[place] for place in places] for name, values in columns.items()}
        yield places, tokenizer.pad(rows, return_tensors="pt").to(device)


def _encode(
    tokenizer: PreTrainedTokenizerBase, texts: list[str], max_length: int
) -> dict[str, torch.Tensor]:
    """One padded batch."""
    check_padding(tokenizer)
    # Not "pt": there the library walks through all ids in Python (transformers 5.23), a tenth of
    # the time that a small student needs.
    encoded = tokenizer(
        texts, truncation=True, max_length=max_length, padding=True, return_tensors="np"
    )
    return {name: torch.from_numpy(values) for name, values in encoded.items()}


def _forward(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> ModelOutput:
    """What a model says of a batch, on the device that it is on."""
    check_length(model, batch["input_ids"].shape[1])
    device = next(model.parameters()).device
    return model(**{name: values.to(device) for name, values in batch.items()})


def low_precision(model: nn.Module) -> torch.autocast:
    """A context in which the model computes in bf16, where the machine multiplies so."""
    kind = next(model.parameters()).device.type  # the course's own BERT has no `device`
    return torch.autocast(kind, torch.bfloat16, enabled=bf16_available())
