"""Accuracies on IMDb and the sweep over learning rates and batch sizes; called by benchmark.py."""

from pathlib import Path

import torch
from benchmark import SEEDS, Report, baselines, one_run, score, summary
from tqdm.auto import tqdm
from transformers import AutoModel

from utils.data import PARTS, balanced_sample, load_imdb, shorten
from utils.finetuning import sentence_features, tokenize
from utils.measuring import ENGLISH_TERMS, fit_probe
from utils.models import load_tokenizer, resolve
from utils.profile import course_root

ENCODER = "minilm-en"
MAX_LENGTH = 256  # half of the reviews are longer; head and tail are kept
SIZES = {1000: 3, 6000: 2}  # training reviews -> epochs
# Tried at the smallest size with the first seed and judged on validation; the rate that wins
# serves all sizes, since one run with 6,000 reviews takes half an hour on two cores.
LEARNING_RATES = (5e-5, 2e-4)
VALIDATION_ROWS = 500
# Dropout off: drawing its random numbers takes half of each step on a processor.
DROPOUT = 0.0

# As chapter 6 trains, so that it can run one of these again.
SWEEP_RATES = (2e-5, 2e-4, 2e-3)
SWEEP_BATCHES = (16, 32)
SWEEP_EPOCHS = 3
SWEEP_LENGTH = 96


def measure_imdb(source: Path, report: Report, sizes=None) -> None:
    """Majority, TF-IDF + LR, frozen and fine-tuned MiniLM; then which part of a review to keep."""
    splits = load_imdb(source)
    tokenizer = load_tokenizer(resolve(ENCODER))
    encoder = AutoModel.from_pretrained(resolve(ENCODER), dtype=torch.float32)
    short = shortened(splits, tokenizer)
    for size, epochs in SIZES.items():
        if sizes and size not in sizes:
            continue
        samples = {seed: balanced_sample(splits["train"], size, seed) for seed in SEEDS}
        if f"{size}/tfidf" not in report.rows:
            for name, row in baselines(samples, splits["test"], ENGLISH_TERMS).items():
                report.add(f"{size}/{name}", row)
        if f"{size}/frozen" not in report.rows:
            report.add(f"{size}/frozen", frozen(encoder, tokenizer, short, size))
        if f"{size}/{ENCODER}" not in report.rows:
            report.add(f"{size}/{ENCODER}", fine_tuned(short, tokenizer, size, epochs, report.rows))
    for keep in PARTS:
        if f"keep {keep}" not in report.rows:
            report.add(f"keep {keep}", part_kept(splits, encoder, tokenizer, keep))


def shortened(splits, tokenizer, max_length: int = MAX_LENGTH, keep: str = "head+tail"):
    """The splits with every review cut to what the model reads."""
    return splits.map(
        lambda batch: {"text": shorten(batch["text"], tokenizer, max_length, keep)},
        batched=True,
        keep_in_memory=True,
    )


def frozen(encoder, tokenizer, splits, size: int, max_length: int = MAX_LENGTH) -> dict:
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


def part_kept(splits, encoder, tokenizer, keep: str, max_length: int = 128) -> dict:
    """Frozen features of the first, the last, or the first and last tokens; 1,000 reviews."""
    short = shortened(splits, tokenizer, max_length, keep)
    return frozen(encoder, tokenizer, short, 1000, max_length) | {"max_length": max_length}


def fine_tuned(splits, tokenizer, size: int, epochs: int, rows: dict) -> dict:
    """All weights trained; see LEARNING_RATES for how the rate is chosen."""
    validation = balanced_sample(splits["validation"], VALIDATION_ROWS, 0)
    validation = tokenize(validation, tokenizer, MAX_LENGTH)
    smallest = rows.get(f"{min(SIZES)}/{ENCODER}")
    rates = (smallest["learning_rate"],) if smallest else LEARNING_RATES
    runs, tried = {}, {}

    def run(seed: int, rate: float) -> None:
        train = tokenize(balanced_sample(splits["train"], size, seed), tokenizer, MAX_LENGTH)
        runs[seed, rate], best = one_run(
            train, validation, splits["test"], tokenizer, True, rate, epochs, MAX_LENGTH, seed,
            checkpoint=ENCODER, dropout=DROPOUT,
        )  # fmt: skip
        if seed == SEEDS[0]:
            tried[f"{rate:g}"] = best

    for rate in tqdm(rates, desc=f"{size}: rates"):
        run(SEEDS[0], rate)
    chosen = max(rates, key=lambda rate: tried[f"{rate:g}"])
    for seed in tqdm(SEEDS[1:], desc=f"{size}: seeds"):
        run(seed, chosen)
    row = summary([runs[seed, chosen] for seed in SEEDS])
    return row | {"learning_rate": chosen, "epochs": epochs, "validation_macro_f1": tried}


def measure_sweep(report: Report) -> None:
    """Learning rate x batch size on the course's own reviews, on the validation split alone."""
    tokenizer = load_tokenizer(resolve(ENCODER))
    splits = shortened(load_imdb(course_root() / "data/mini_imdb"), tokenizer, SWEEP_LENGTH)
    train = tokenize(splits["train"], tokenizer, SWEEP_LENGTH)
    validation = tokenize(splits["validation"], tokenizer, SWEEP_LENGTH)
    for batch_size in SWEEP_BATCHES:
        for rate in SWEEP_RATES:
            name = f"batch {batch_size}, rate {rate:g}"
            if name in report.rows:
                continue
            scores = []
            for seed in SEEDS:
                measured, _ = one_run(
                    train, validation, splits["validation"], tokenizer, True, rate, SWEEP_EPOCHS,
                    SWEEP_LENGTH, seed, checkpoint=ENCODER, dropout=DROPOUT,
                    batch_size=batch_size, load_best_model_at_end=False, save_strategy="no",
                )  # fmt: skip
                scores.append(measured)
            settings = {"learning_rate": rate, "batch_size": batch_size, "epochs": SWEEP_EPOCHS}
            settings["max_length"] = SWEEP_LENGTH
            report.add(name, summary(scores) | settings)
