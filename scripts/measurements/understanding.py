"""News into ten classes by BERT, GPT and T5: the classification rows of comparison.py."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, Features, Value
from transformers import (
    AutoConfig,
    AutoModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5EncoderModel,
    set_seed,
)

from measurements.arms import Arm
from measurements.news import TASKS, draw_samples, load_task
from measurements.results import Results
from measurements.runs import LEARNING_RATES, baselines, score, summary, tuned
from utils.finetuning import (
    as_asked,
    classes_of,
    is_t5,
    new_model,
    sentence_features,
    tokenize,
)
from utils.measuring import fit_probe
from utils.models import load_tokenizer

# Few labels and many; epochs and longest text are those of benchmark.py. Real titles are there to
# see whether the claims hold on other data, so no rate is chosen on them: few of their labels get
# the rate that few of the course's own got, many that of many.
SIZES = {"mini": (100, 900), "titles": (200, 1000)}


def measure_understanding(
    part: str, data: Path | None, arms: dict[str, Arm], results: Results
) -> None:
    """News into ten classes: baselines, one probe on frozen features, all weights trained.

    Args:
        part: "mini" or "titles".
        data: folder of real data.
    """
    _, max_length, epochs = TASKS[part]
    splits = load_task(part, data)
    test = splits["test"]
    for size, tuned_on in zip(SIZES[part], SIZES["mini"], strict=False):
        samples, validation = draw_samples(splits, size)
        place = f"{part}/{size}"
        if not results.has(f"{place}/tfidf"):
            for name, row in baselines(samples, test).items():
                results.add(f"{place}/{name}", row)
        for name, arm in arms.items():
            features = {f"{name} {pooling}": (pooling, True) for pooling in arm.pooling}
            if name == "bert":
                features["scratch mean"] = ("mean", False)
            for way, (pooling, pretrained) in features.items():
                if not results.has(f"{place}/frozen {way}", **arm.weights):
                    scores = frozen(arm.folder, samples, test, max_length, pooling, pretrained)
                    row = summary(scores) | {"arm": name} | arm.describe()
                    results.add(f"{place}/frozen {way}", row, **arm.weights)
            if not results.has(f"{place}/{name}", **arm.weights):
                tuned_row = f"mini/{tuned_on}/{name}"
                rates = LEARNING_RATES if part == "mini" else rate_of(tuned_row, arm, results)
                tokenizer = load_tokenizer(arm.folder)
                *rows, for_validation = (
                    tokenize(asked(arm.folder, each), tokenizer, max_length)
                    for each in (*samples.values(), validation)
                )
                row = tuned(
                    *writer(arm.folder, tokenizer, test.features["label"].names, max_length),
                    tokenizer, dict(zip(samples, rows, strict=True)), for_validation, test,
                    epochs=epochs[size], rates=rates, title=f"{place}/{name}",
                )  # fmt: skip
                results.add(f"{place}/{name}", row | {"arm": name} | arm.describe(), **arm.weights)


def writer(
    folder: str, tokenizer: PreTrainedTokenizerBase, class_names: Sequence[str], max_length: int
) -> tuple[Callable, Callable]:
    """`make_model` and `predict_classes` of a run: BERT gets a head, the others write the names.

    GPT's and T5's epochs are judged by the likeliest name; the test's names T5 writes.
    """

    def make_model(seed: int):
        return new_model(folder, class_names, tokenizer, seed)

    def predict_classes(model, texts: list[str]) -> np.ndarray:
        return classes_of(model, tokenizer, as_asked(folder, texts), max_length)

    return make_model, predict_classes


def frozen(
    folder: str,
    samples: dict[int, Dataset],
    test: Dataset,
    max_length: int,
    pooling: str = "mean",
    pretrained: bool = True,
) -> list[dict]:
    """Scores of logistic regression on the features of a trunk that is not trained any more; with
    `pretrained=False` one that never was: random weights of the same shape, new for each seed."""
    tokenizer, scores = load_tokenizer(folder), []

    def features(dataset):
        texts = as_asked(folder, dataset["text"])
        return sentence_features(model, tokenizer, texts, max_length, pooling)

    for seed, train in samples.items():
        if not (scores and pretrained):
            model = trunk(folder, None if pretrained else seed)
            tested = features(test)
        probe = fit_probe(features(train), train["label"])
        scores.append(score(test["label"], probe.predict(tested)))
    return scores


def trunk(folder: str, seed: int | None = None) -> PreTrainedModel:
    """The model without its head (of T5 the encoder); with a seed, with random weights."""
    if seed is not None:
        set_seed(seed)
        config = AutoConfig.from_pretrained(folder)
        return AutoModel.from_config(config, dtype=torch.float32).eval()  # the file says fp16
    kind = T5EncoderModel if is_t5(folder) else AutoModel
    return kind.from_pretrained(folder, dtype=torch.float32)


def rate_of(row: str, arm: Arm, results: Results) -> tuple[float]:
    """The rate that was chosen for a row of the same arm."""
    if not results.has(row, **arm.weights):
        sys.exit(f"titles: trained at the rate of {row}, not measured yet; add mini to --only")
    return (results.rows[row]["learning_rate"],)


def asked(folder: str, dataset: Dataset) -> Dataset:
    """The data set with its texts as the model is given them."""
    texts = as_asked(folder, dataset["text"])
    features = Features({"text": Value("string"), "label": dataset.features["label"]})
    return Dataset.from_dict({"text": texts, "label": dataset["label"]}, features)
