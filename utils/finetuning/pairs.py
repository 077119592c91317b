"""Two sentences and what holds between them: a class or a grade.

Cross-encoder: both in one row, each word sees the other sentence. Bi-encoder: each sentence alone
becomes a vector, and the vectors are compared; vectors can be kept, rows cannot.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.finetuning.by_measure import MeasuringTrainer, fine_tune_by
from utils.finetuning.classifier import (
    as_list,
    check_length,
    check_text,
    low_precision,
    new_classifier,
    padded_batches,
)
from utils.finetuning.packing import without_padding
from utils.profile import SEED

# ---------------------------------------------------------------- cross-encoder


def tokenize_pairs(
    dataset: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int = 128
) -> Dataset:
    """Rows `[CLS] sentence1 [SEP] sentence2 [SEP]` with token types 0 and 1, not padded.

    Of a pair that is too long the longer sentence loses its end, token by token, until it fits:
    cutting only the second would leave nothing of it beside a long first one.

    Args:
        dataset: columns `sentence1`, `sentence2`; `label` and `score` are kept, no others.
        max_length: tokens of a row, special ones included.
    Raises:
        ValueError: an empty sentence, naming its row.
    """
    check_pairs(dataset["sentence1"], dataset["sentence2"])
    return dataset.map(
        lambda batch: tokenizer(
            batch["sentence1"],
            batch["sentence2"],
            truncation="longest_first",
            max_length=max_length,
        ),
        batched=True,
        remove_columns=[each for each in dataset.column_names if each not in ("label", "score")],
        keep_in_memory=True,
        load_from_cache_file=False,
    )


def check_pairs(first: Sequence[str], second: Sequence[str]) -> None:
    """Raises ValueError: lists of different lengths, something else than text, or an empty sentence,
    naming its row."""
    if isinstance(first, str) or isinstance(second, str):
        raise ValueError("one sentence alone, not a list of sentences; give two lists")
    if len(first) != len(second):
        raise ValueError(
            f"{len(first)} first sentences, but {len(second)} second ones; give them in pairs"
        )
    for row, pair in enumerate(zip(first, second, strict=True)):
        for name, text in zip(("sentence1", "sentence2"), pair, strict=True):
            check_text(row, text, name)


def without_seen(pairs: Dataset, train: Dataset) -> Dataset:
    """The pairs of which neither sentence stands in `train`; all of them if none would be left.

    A sentence that was seen with its label helps a model that has learned it by heart, on
    validation and nowhere else.
    """
    seen = {*train["sentence1"], *train["sentence2"]}
    new = [
        place
        for place, both in enumerate(zip(pairs["sentence1"], pairs["sentence2"], strict=True))
        if seen.isdisjoint(both)
    ]
    return pairs.select(new) if new else pairs


def predict_pairs(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    first: Sequence[str] | str,
    second: Sequence[str] | str,
    max_length: int = 128,
    batch_size: int = 64,
) -> np.ndarray:
    """Class probabilities of pairs, in their order: array (pairs, classes), rows sum to 1.

    Args:
        first, second: sentences; one alone is taken for a list of one.
    Raises:
        ValueError: an empty sentence, something else than text, or lists of different lengths.
    """
    logits = _pair_logits(model, tokenizer, first, second, max_length, batch_size)
    return logits.softmax(-1).numpy()


@torch.inference_mode()
def _pair_logits(model, tokenizer, first, second, max_length, batch_size) -> torch.Tensor:
    first, second = as_list(first), as_list(second)
    if not first and not second:
        return torch.empty(0, model.config.num_labels)
    check_pairs(first, second)
    rows = tokenizer(first, second, truncation="longest_first", max_length=max_length)
    return _row_logits(model, tokenizer, dict(rows), batch_size)


@torch.inference_mode()
def _row_logits(model, tokenizer, columns: dict[str, list], batch_size: int) -> torch.Tensor:
    """Logits (rows, classes), in float32, of rows that are encoded and not padded."""
    model.eval()
    columns = {name: columns[name] for name in tokenizer.model_input_names if name in columns}
    check_length(model, max(map(len, columns["input_ids"]), default=0))
    logits = torch.empty(len(columns["input_ids"]), model.config.num_labels)
    with without_padding(model), low_precision(model):
        for places, batch in padded_batches(tokenizer, columns, batch_size, model.device):
            logits[places] = model(**batch).logits.float().cpu()
    return logits


# ---------------------------------------------------------------- grades


def new_regressor(
    checkpoint: str | Path,
    scores: Sequence[float],
    pretrained: bool = True,
    seed: int = SEED,
    dropout: float | None = None,
) -> PreTrainedModel:
    """An encoder with one output, trained on the squared error of a grade.

    A new head begins near 0 with steps of the size of the learning rate. So it learns grades with
    mean 0 and deviation 1; the mean and deviation of the training split's `scores` are kept in the
    model's configuration, and `predict_scores` gives grades as they were.

    Raises:
        ValueError: fewer than two different scores, or one that is not a number.
    """
    values = np.asarray(list(scores), dtype=float)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"row {row}: the score is {values[row]}; drop the row or fill in a number")
    if len(np.unique(values)) < 2:
        raise ValueError("all scores are the same: there is nothing to learn; give other data")
    model = new_classifier(checkpoint, ["score"], pretrained, seed, dropout)
    model.config.problem_type = "regression"
    model.config.score_mean = float(values.mean())
    model.config.score_deviation = float(values.std())
    return model


def fine_tune_regressor(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset,
    **options: object,
) -> MeasuringTrainer:
    """Train a `new_regressor`; afterwards `trainer.model` is the epoch's with the least squared
    error on the validation split.

    (Not the highest correlation, which does not exist while all predictions are equal.)

    Args:
        train, validation: what `tokenize_pairs` returns, with the column `score`.
        options: as for `fine_tune_by`.
    Raises:
        ValueError: as `fine_tune_by`; no validation rows; or the model is no regressor.
    """
    mean, deviation = _scale(model)
    if len(validation) == 0:
        raise ValueError("fine_tune_regressor: the validation split needs at least one row")
    # A column `label` would go: the collator takes it for the target, whatever `labels` holds.
    scaled = [(score - mean) / deviation for score in train["score"]]
    rows = train.select_columns([each for each in train.column_names if each not in TARGETS])
    rows = rows.add_column("labels", scaled)
    columns, wanted = validation[:], np.array(validation["score"])

    def measure(model: PreTrainedModel) -> dict[str, float]:
        predicted = _row_logits(model, tokenizer, columns, 64)[:, 0].numpy() * deviation + mean
        return {"mse": float(np.mean((predicted - wanted) ** 2))}

    return fine_tune_by(measure, "mse", model, tokenizer, rows, lower_is_better=True, **options)


TARGETS = ("label", "score")


def predict_scores(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    first: Sequence[str] | str,
    second: Sequence[str] | str,
    max_length: int = 128,
    batch_size: int = 64,
) -> np.ndarray:
    """Grades (pairs,) in the unit of the training data, in the order of the pairs.

    Arguments as for `predict_pairs`.

    Raises:
        ValueError: as `predict_pairs`, or the model is no regressor.
    """
    mean, deviation = _scale(model)
    logits = _pair_logits(model, tokenizer, first, second, max_length, batch_size)
    return logits[:, 0].numpy() * deviation + mean


def _scale(model: PreTrainedModel) -> tuple[float, float]:
    if getattr(model.config, "score_deviation", None) is None:
        raise ValueError("this model gives no grades; make it with new_regressor")
    return model.config.score_mean, model.config.score_deviation


# ---------------------------------------------------------------- bi-encoder


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosine of each row of `first` with that of `second`: (rows,); 0 beside a vector of zeros."""
    first, second = np.asarray(first), np.asarray(second)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = (first * second).sum(1)
    return np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)


def pair_features(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """|u - v| and u * v of two vectors a row: (rows, 2 * hidden), the same in either order.

    Source: Conneau et al. 2017, arXiv 1705.02364, section 3.1, without u and v themselves, which
    tell what the sentences are about and not whether they agree.
    """
    return np.hstack([np.abs(first - second), first * second])
