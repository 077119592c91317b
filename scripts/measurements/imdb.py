"""Accuracies on IMDb and the sweep over learning rates and batch sizes."""

from collections.abc import Sequence
from pathlib import Path

import torch
from datasets import DatasetDict
from tqdm.auto import tqdm
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from measurements.provenance import fingerprints
from measurements.results import Results
from measurements.runs import SEEDS, baselines, encoder_classifier, one_run, score, summary
from utils.data import PARTS, balanced_sample, load_imdb, shorten
from utils.finetuning import sentence_features, tokenize
from utils.measuring import ENGLISH_TERMS, fit_probe
from utils.models import load_tokenizer, resolve
from utils.profile import course_root

ENCODER = "minilm-en"
MAX_LENGTH = 256  # half of the reviews are longer; head and tail are kept
PART_LENGTH = 128  # where the parts of a review are compared
SIZES = {1000: 3, 6000: 2}  # training reviews -> epochs
# Tried at the smallest size with the first seed and judged on validation; the rate that wins
# serves all sizes, since one run with 6,000 reviews takes half an hour on two cores.
LEARNING_RATES = (5e-5, 2e-4)
VALIDATION_ROWS = 500
# Dropout off: with it a step takes a tenth to three tenths longer on a processor.
DROPOUT = 0.0

# As chapter 6 trains, so that it can run one of these again.
SWEEP_RATES = (2e-5, 2e-4, 2e-3)
SWEEP_BATCHES = (16, 32)
SWEEP_EPOCHS = 3
SWEEP_LENGTH = 96


def measure_imdb(source: Path, results: Results, sizes: Sequence[int] | None = None) -> None:
    """Majority, TF-IDF + LR, frozen and fine-tuned MiniLM; then which part of a review to keep.

    Args:
        source: as for `load_imdb`.
        sizes: only these numbers of labels.
    """
    splits = load_imdb(source)
    tokenizer = load_tokenizer(resolve(ENCODER))
    encoder = AutoModel.from_pretrained(resolve(ENCODER), dtype=torch.float32)
    short, weights = shortened(splits, tokenizer), fingerprints(ENCODER)
    for size, epochs in SIZES.items():
        if sizes and size not in sizes:
            continue
        samples = {seed: balanced_sample(splits["train"], size, seed) for seed in SEEDS}
        if not results.has(f"{size}/tfidf"):
            for name, row in baselines(samples, splits["test"], ENGLISH_TERMS).items():
                results.add(f"{size}/{name}", row)
        if not results.has(f"{size}/frozen", **weights):
            row = frozen(encoder, tokenizer, short, size)
            results.add(f"{size}/frozen", row, **weights)
        if not results.has(f"{size}/{ENCODER}", **weights):
            smallest = f"{min(SIZES)}/{ENCODER}"
            known = results.has(smallest, **weights)
            rates = (results.rows[smallest]["learning_rate"],) if known else LEARNING_RATES
            row = fine_tuned(short, tokenizer, size, epochs, rates)
            results.add(f"{size}/{ENCODER}", row, **weights)
    for keep in PARTS:
        if not results.has(f"keep {keep}", **weights):
            row = part_kept(splits, encoder, tokenizer, keep)
            results.add(f"keep {keep}", row, **weights)


def shortened(
    splits: DatasetDict,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int = MAX_LENGTH,
    keep: str = "head+tail",
) -> DatasetDict:
    """The splits with every review cut to what the model reads."""
    return splits.map(
        lambda batch: {"text": shorten(batch["text"], tokenizer, max_length, keep)},
        batched=True,
        keep_in_memory=True,
    )


def frozen(
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    splits: DatasetDict,
    size: int,
    max_length: int = MAX_LENGTH,
) -> dict:
    """Logistic regression on the encoder's mean features."""
    test = sentence_features(encoder, tokenizer, splits["test"]["text"], max_length)
    scores = []
    for seed in SEEDS:
        train = balanced_sample(splits["train"], size, seed)
        features = sentence_features(encoder, tokenizer, train["text"], max_length)
        model = fit_probe(features, train["label"])
        scores.append(score(splits["test"]["label"], model.predict(test)))
        if len(train) == len(splits["train"]):
            break  # every seed draws the whole split
    return summary(scores)


def part_kept(
    splits: DatasetDict,
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    keep: str,
) -> dict:
    """Frozen features of the first, the last, or the first and last tokens; 1,000 reviews."""
    short = shortened(splits, tokenizer, PART_LENGTH, keep)
    return frozen(encoder, tokenizer, short, 1000, PART_LENGTH) | {"max_length": PART_LENGTH}


def fine_tuned(
    splits: DatasetDict,
    tokenizer: PreTrainedTokenizerBase,
    size: int,
    epochs: int,
    rates: Sequence[float],
) -> dict:
    """All weights trained; see `LEARNING_RATES` for how one of the rates is chosen."""
    validation = balanced_sample(splits["validation"], VALIDATION_ROWS, 0)
    validation = tokenize(validation, tokenizer, MAX_LENGTH)
    classes = splits["test"].features["label"].names
    classifier = encoder_classifier(ENCODER, tokenizer, classes, MAX_LENGTH, dropout=DROPOUT)
    scores, tried = {}, {}

    def run(seed: int, rate: float) -> None:
        train = tokenize(balanced_sample(splits["train"], size, seed), tokenizer, MAX_LENGTH)
        scores[seed, rate], best = one_run(
            *classifier, tokenizer, train, validation, splits["test"],
            learning_rate=rate, epochs=epochs, seed=seed,
        )  # fmt: skip
        if seed == SEEDS[0]:
            tried[f"{rate:g}"] = best

    for rate in tqdm(rates, desc=f"{size}: rates"):
        run(SEEDS[0], rate)
    chosen = max(rates, key=lambda rate: tried[f"{rate:g}"])
    for seed in tqdm(SEEDS[1:], desc=f"{size}: seeds"):
        run(seed, chosen)
    row = summary([scores[seed, chosen] for seed in SEEDS])
    return row | {"learning_rate": chosen, "epochs": epochs, "validation_macro_f1": tried}


def measure_sweep(results: Results) -> None:
    """Learning rate × batch size on the course's own reviews, on the validation split alone."""
    tokenizer, weights = load_tokenizer(resolve(ENCODER)), fingerprints(ENCODER)
    splits = shortened(load_imdb(course_root() / "data/mini_imdb"), tokenizer, SWEEP_LENGTH)
    train = tokenize(splits["train"], tokenizer, SWEEP_LENGTH)
    validation = tokenize(splits["validation"], tokenizer, SWEEP_LENGTH)
    classes = splits["validation"].features["label"].names
    classifier = encoder_classifier(ENCODER, tokenizer, classes, SWEEP_LENGTH, dropout=DROPOUT)
    for batch_size in SWEEP_BATCHES:
        for rate in SWEEP_RATES:
            name = f"batch {batch_size}, rate {rate:g}"
            if results.has(name, **weights):
                continue
            scores = []
            for seed in SEEDS:
                measured, _ = one_run(
                    *classifier, tokenizer, train, validation, splits["validation"],
                    learning_rate=rate, epochs=SWEEP_EPOCHS, seed=seed, batch_size=batch_size,
                    load_best_model_at_end=False, save_strategy="no",
                )  # fmt: skip
                scores.append(measured)
            settings = {"learning_rate": rate, "batch_size": batch_size, "epochs": SWEEP_EPOCHS}
            settings["max_length"] = SWEEP_LENGTH
            results.add(name, summary(scores) | settings, **weights)
