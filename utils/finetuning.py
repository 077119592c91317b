"""Fine-tuning a text classifier with HF Trainer: tokenise, train, predict.

The default recipe pads each batch to its longest text only, puts texts of similar length into
one batch (the batches in random order), and computes in bf16 where the machine has it: the same
result as padding everything to 128 in fp32, in a fraction of the time (measured in
`results/throughput.json`).
"""

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    PrinterCallback,
    TrainingArguments,
    set_seed,
)
from transformers.utils import logging

from utils.metrics import load_metrics
from utils.models import ModelError, read_vocabulary, vocabulary_sha256
from utils.profile import SEED, device
from utils.training import (
    BucketTrainer,
    bf16_available,
    check_same_run,
    last_complete_checkpoint,
)


def load_tokenizer(checkpoint: str):
    """The tokenizer that belongs to a checkpoint (a folder or Hub id).

    Raises:
        ModelError: a checkpoint of the Hub that is not in the cache and cannot be fetched.
    """
    try:
        return AutoTokenizer.from_pretrained(checkpoint)
    except OSError as error:
        raise ModelError(
            f"{checkpoint}: not in the Hub's cache here, and the Hub cannot be reached; set "
            "HF_ENDPOINT to a mirror that you can reach, or COURSE_PROFILE=mini to work offline"
        ) from error


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


def tokenize(dataset: Dataset, tokenizer, max_length: int = 128) -> Dataset:
    """Token ids of the column `text`, cut at `max_length` tokens, not padded; keeps `label`.

    Raises:
        ValueError: a text without any character, naming its row.
    """
    for row, text in enumerate(dataset["text"]):
        if not text or not text.strip():
            raise ValueError(f"row {row}: empty text; drop the row or fill in its text")
    encoded = dataset.map(
        lambda batch: tokenizer(batch["text"], truncation=True, max_length=max_length),
        batched=True,
        remove_columns=["text"],
        keep_in_memory=True,
    )
    return encoded


def fine_tune(
    model,
    tokenizer,
    train: Dataset,
    validation: Dataset,
    *,
    learning_rate: float = 3e-4,
    epochs: int = 5,
    batch_size: int = 32,
    seed: int = SEED,
    output: str | Path | None = None,
    patience: int | None = None,
    progress: bool = True,
    **options,
) -> BucketTrainer:
    """Train on tokenised splits; afterwards `trainer.model` is the best epoch's by macro F1.

    Args:
        train, validation: what `tokenize` returns.
        output: folder for checkpoints. A run that was interrupted carries on from the last
            complete one there, if it was the same run. By default a temporary folder.
        patience: stop after so many epochs without a better macro F1 on the validation split.
        options: further `TrainingArguments`, which override the recipe.
    Returns:
        the `transformers.Trainer`; `trainer.state.log_history` holds the curves.
    Raises:
        ValueError: no rows, or `output` holds the checkpoints of a run with other settings.
    """
    if len(train) == 0 or len(validation) == 0:
        raise ValueError("fine_tune: the training and the validation split need at least one row")
    metrics = load_metrics()

    def compute_metrics(prediction):
        return metrics.compute(
            predictions=prediction.predictions.argmax(-1), references=prediction.label_ids
        )

    recipe = {
        "per_device_train_batch_size": batch_size,
        "per_device_eval_batch_size": 64,
        "learning_rate": learning_rate,
        "num_train_epochs": epochs,
        "warmup_steps": 0.1,  # a fraction: the first tenth of the run, however short it is
        "weight_decay": 0.01,
        "optim": "adamw_torch_fused",
        "train_sampling_strategy": "group_by_length",
        "bf16": bf16_available(),
        "use_cpu": device().type == "cpu",
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "save_only_model": output is None,  # nobody can resume from a temporary folder
        "load_best_model_at_end": True,
        # Early stopping and the kept checkpoint must go by the same measure.
        "metric_for_best_model": "macro_f1",
        "logging_strategy": "epoch",
        "report_to": "none",
        "disable_tqdm": not progress,
        "log_level": "error",
        "seed": seed,
    }
    with contextlib.ExitStack() as stack:
        if output is None:
            output = stack.enter_context(tempfile.TemporaryDirectory())
        # Never hand out the model of an earlier run as that of this one.
        settings = dict(rate=learning_rate, epochs=epochs, batch=batch_size, seed=seed, **options)
        check_same_run(output, settings | {"rows": len(train), "patience": patience})
        trainer = BucketTrainer(
            model=model,
            args=TrainingArguments(output_dir=str(output), **(recipe | options)),
            train_dataset=train,
            eval_dataset=validation,
            processing_class=tokenizer,
            data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8),
            compute_metrics=compute_metrics,
            callbacks=[EarlyStoppingCallback(patience)] if patience else [],
        )
        if not progress:  # Trainer would print every log as a dict instead
            trainer.remove_callback(PrinterCallback)
            stack.enter_context(_no_bars())
        trainer.train(resume_from_checkpoint=last_complete_checkpoint(output))
    return trainer


@contextlib.contextmanager
def _no_bars():
    """Hide the bars that transformers draws around each checkpoint whatever Trainer is told."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


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
    batch = tokenizer(
        texts, truncation=True, max_length=max_length, padding=True, return_tensors="pt"
    ).to(model.device)
    with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16_available()):
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
    from utils.models import check_folder

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
