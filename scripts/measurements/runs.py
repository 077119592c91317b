"""One fine-tuning run, a tuned one, the baselines beside it; their scores as one row."""

import statistics
from collections.abc import Callable, Sequence

import numpy as np
from datasets import Dataset
from sklearn.metrics import accuracy_score, f1_score
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerBase

from utils.finetuning import fine_tune, new_classifier, predict
from utils.measuring import majority_class, strongest_tfidf
from utils.models import resolve

SEEDS = (0, 1, 2)
# One tuning grid for scratch and pretrained. The rate is chosen on the validation split by the
# mean of all seeds (one seed's choice is a matter of luck, and costs up to four points on the test
# split); a row whose "validation_macro_f1" holds one number a rate was chosen by the first seed.
LEARNING_RATES = (5e-4, 1e-3)
VALIDATION_ROWS = 500


def one_run(
    make_model: Callable,
    predict_classes: Callable,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset,
    test: Dataset,
    *,
    learning_rate: float,
    epochs: int,
    seed: int,
    **options,
) -> tuple[dict[str, float], float]:
    """Fine-tune once and look at the test split once.

    Args:
        make_model: seed -> a new classifier.
        predict_classes: (classifier, texts) -> class ids (texts,).
        train, validation: token ids and `label`, as `tokenize` gives them.
        test: `text` and `label`.
        options: further `TrainingArguments`.
    Returns:
        test scores, validation macro F1 of the best epoch.
    """
    trainer = fine_tune(
        make_model(seed), tokenizer, train, validation,
        learning_rate=learning_rate, epochs=epochs, seed=seed, progress=False, **options,
    )  # fmt: skip
    guesses = predict_classes(trainer.model, list(test["text"]))
    return score(test["label"], guesses), trainer.state.best_metric


def tuned(
    make_model: Callable,
    predict_classes: Callable,
    tokenizer: PreTrainedTokenizerBase,
    samples: dict[int, Dataset],
    validation: Dataset,
    test: Dataset,
    *,
    epochs: int,
    rates: Sequence[float] = LEARNING_RATES,
    title: str = "",
    **options,
) -> dict:
    """Choose the rate by validation macro F1, averaged over the seeds; then score all seeds.

    Args: as of `one_run`, but `samples` maps each seed to its training rows.
    Returns:
        a row: summary of the test scores, the rate chosen, epochs, what validation said.
    """
    tried, scores = {}, {}
    for rate, seed in tqdm([(rate, seed) for rate in rates for seed in samples], desc=title):
        scores[rate, seed], best = one_run(
            make_model, predict_classes, tokenizer, samples[seed], validation, test,
            learning_rate=rate, epochs=epochs, seed=seed, **options,
        )  # fmt: skip
        tried.setdefault(rate, []).append(round(best, 4))
    chosen = max(tried, key=lambda rate: statistics.mean(tried[rate]))
    validated = {f"{rate:g}": values for rate, values in tried.items()}
    settings = {"learning_rate": chosen, "epochs": epochs, "validation_macro_f1": validated}
    return summary([scores[chosen, seed] for seed in samples]) | settings


def encoder_classifier(
    checkpoint: str,
    tokenizer: PreTrainedTokenizerBase,
    class_names: Sequence[str],
    max_length: int,
    pretrained: bool = True,
    dropout: float | None = None,
) -> tuple[Callable, Callable]:
    """`make_model` and `predict_classes` of an encoder with a head."""

    def make_model(seed: int):
        return new_classifier(resolve(checkpoint), class_names, pretrained, seed, dropout)

    def predict_classes(model, texts: list[str]) -> np.ndarray:
        return predict(model, tokenizer, texts, max_length).argmax(1)

    return make_model, predict_classes


def baselines(
    samples: dict[int, Dataset], test: Dataset, terms: dict | None = None
) -> dict[str, dict]:
    """Rows "majority" and "tfidf", fitted to each seed's sample alone; `terms`: how to cut."""
    scores = {"majority": [], "tfidf": []}
    chosen = []
    distinct = {tuple(sorted(sample["text"])): sample for sample in samples.values()}
    for sample in distinct.values():  # one where each seed draws the whole split
        model, choice, _ = strongest_tfidf(sample["text"], sample["label"], terms)
        chosen.append(choice)
        most = majority_class(sample["label"])
        scores["majority"].append(score(test["label"], [most] * len(test)))
        scores["tfidf"].append(score(test["label"], model.predict(list(test["text"]))))
    rows = {name: summary(values) for name, values in scores.items()}
    rows["tfidf"]["chosen"] = chosen
    return rows


def score(true: Sequence[int], predicted: Sequence[int]) -> dict[str, float]:
    """Accuracy, and F1 averaged over the classes, each counting alike."""
    return {
        "accuracy": accuracy_score(true, predicted),
        "macro_f1": f1_score(true, predicted, average="macro", zero_division=0),
    }


def summary(scores: list[dict]) -> dict:
    """Mean, sample standard deviation and values of each measure."""
    row = {}
    for measure in scores[0]:
        values = [round(each[measure], 4) for each in scores]
        sd = round(statistics.stdev(values), 4) if len(values) > 1 else 0.0
        row[measure] = {"mean": round(statistics.mean(values), 4), "sd": sd, "values": values}
    return row
