"""News into ten classes by BERT, GPT and T5: the classification rows of comparison.py."""

import sys
from pathlib import Path

import torch
from benchmark import (
    LEARNING_RATES,
    SEEDS,
    TASKS,
    VALIDATION_ROWS,
    Report,
    baselines,
    score,
    summary,
)
from datasets import Dataset, Features, Value
from tqdm.auto import tqdm
from transformers import AutoConfig, AutoModel, T5EncoderModel, set_seed

from utils.data import balanced_sample, load_thucnews
from utils.finetuning import (
    as_asked,
    classes_of,
    fine_tune,
    is_t5,
    new_model,
    sentence_features,
    tokenize,
)
from utils.measuring import fit_probe
from utils.models import load_tokenizer
from utils.profile import course_root

# Few labels and many; epochs and longest text are those of benchmark.py. Real titles are there to
# see whether the claims hold on other data, so no rate is chosen on them: few of their labels get
# the rate that few of the course's own got, many that of many.
SIZES = {"mini": (100, 900), "titles": (200, 1000)}


def signed(report: Report, arm: str, row: dict) -> dict:
    """A row with what its numbers depend on."""
    model = report.content["about"]["models"][arm]
    return row | {name: model[name] for name in ("model_sha256", "tasks_seen")} | {"arm": arm}


def measure_understanding(part: str, data: Path | None, arms: dict, report: Report) -> None:
    """News into ten classes: baselines, one probe on frozen features, all weights trained."""
    source, max_length, epochs = TASKS[part]
    splits = load_thucnews(str(data / source) if source else course_root() / "data/mini_thucnews")
    for size, tuned_on in zip(SIZES[part], SIZES["mini"], strict=False):
        samples = {seed: balanced_sample(splits["train"], size, seed) for seed in SEEDS}
        rows = min(VALIDATION_ROWS, len(splits["validation"]), size)
        validation = balanced_sample(splits["validation"], rows, 0)
        place = f"{part}/{size}"
        if f"{place}/tfidf" not in report.rows:
            for name, row in baselines(samples, splits["test"]).items():
                report.add(f"{place}/{name}", row)
        if "bert" in arms and (name := f"{place}/frozen scratch mean") not in report.rows:
            scores = frozen(arms["bert"], samples, splits["test"], max_length, pretrained=False)
            report.add(name, signed(report, "bert", summary(scores)))
        for arm, folder in arms.items():
            for pooling in ("mean", "last") if arm == "gpt" else ("mean",):
                name = f"{place}/frozen {arm} {pooling}"
                if name not in report.rows:
                    scores = frozen(folder, samples, splits["test"], max_length, pooling)
                    report.add(name, signed(report, arm, summary(scores)))
            if f"{place}/{arm}" not in report.rows:
                tuned_row = f"mini/{tuned_on}/{arm}"
                rates = LEARNING_RATES if part == "mini" else rate_of(tuned_row, report)
                texts = samples, validation, splits["test"]
                row = tuned(folder, *texts, epochs[size], max_length, rates)
                report.add(f"{place}/{arm}", signed(report, arm, row))


def frozen(
    folder: str,
    samples: dict,
    test,
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


def trunk(folder: str, seed: int | None = None):
    """The model without its head (of T5 the encoder); with a seed, with random weights."""
    if seed is not None:
        set_seed(seed)
        config = AutoConfig.from_pretrained(folder)
        return AutoModel.from_config(config, dtype=torch.float32).eval()  # the file says fp16
    kind = T5EncoderModel if is_t5(folder) else AutoModel
    return kind.from_pretrained(folder, dtype=torch.float32)


def rate_of(name: str, report: Report) -> tuple[float]:
    """The rate that was chosen for a row."""
    if name not in report.rows:
        sys.exit(f"titles: trained at the rate of {name}, not measured yet; add mini to --only")
    return (report.rows[name]["learning_rate"],)


def tuned(folder: str, samples, validation, test, epochs: int, max_length: int, rates) -> dict:
    """Choose the rate by validation macro F1, averaged over the seeds; then score all seeds."""
    tried, results = {}, {}
    runs = [(rate, seed) for rate in rates for seed in SEEDS]
    for rate, seed in tqdm(runs, desc=Path(folder).name):
        results[rate, seed], best = one_run(
            folder, samples[seed], validation, test, rate, epochs, max_length, seed
        )
        tried.setdefault(rate, []).append(round(best, 4))
    chosen = max(tried, key=lambda rate: sum(tried[rate]))
    tried = {f"{rate:g}": values for rate, values in tried.items()}
    settings = {"learning_rate": chosen, "epochs": epochs, "validation_macro_f1": tried}
    return summary([results[chosen, seed] for seed in SEEDS]) | settings


def asked(folder: str, dataset):
    """The data set with its texts as the model is given them."""
    texts = as_asked(folder, dataset["text"])
    features = Features({"text": Value("string"), "label": dataset.features["label"]})
    return Dataset.from_dict({"text": texts, "label": dataset["label"]}, features)


def one_run(folder, train, validation, test, rate, epochs, max_length, seed):
    """(test scores, validation macro F1 of the best epoch) of one fine-tuning run.

    GPT's and T5's epochs are judged by the likeliest name; the test's names T5 writes.
    """
    tokenizer = load_tokenizer(folder)
    model = new_model(folder, test.features["label"].names, tokenizer, seed)
    rows = [tokenize(asked(folder, each), tokenizer, max_length) for each in (train, validation)]
    trainer = fine_tune(
        model, tokenizer, *rows, learning_rate=rate, epochs=epochs, seed=seed, progress=False
    )
    texts = as_asked(folder, test["text"])
    guesses = classes_of(trainer.model, tokenizer, texts, max_length)
    return score(test["label"], guesses), trainer.state.best_metric
