"""Named entities: taggers without a language model, a BERT from random weights, mini-bert-zh."""

from collections.abc import Callable, Sequence
from pathlib import Path

from datasets import DatasetDict

from measurements.results import Results
from measurements.runs import summary
from measurements.sets import (
    ARMS,
    CHECKPOINT,
    DROPOUT,
    data_sets,
    epochs_for,
    for_validation,
    measure_arms,
)
from utils.data import load_entities, texts_and_spans
from utils.finetuning import fine_tune_tagger, new_tagger, predict_entities, tokenize_entities
from utils.measuring import (
    Tagger,
    dictionary_tagger,
    entity_counts,
    entity_scores,
    strongest_tagger,
)
from utils.models import load_tokenizer, resolve

MAX_LENGTH = 128  # longer sentences are cut in training, and read in windows when tested
SEEN = 7_000  # sentences that a run trains on: 3 epochs of People's Daily, 5 of Weibo


def measure_entities(
    folder: Path,
    results: Results,
    arms: Sequence[str] = ARMS,
    sets: Sequence[str] | None = None,
) -> None:
    """The rows NAME/dictionary, …/classical, …/mini-bert-zh and …/scratch of each data set.

    Args:
        folder: holds NAME_train, NAME_val, NAME_test in a form that `load_entities` reads.
        sets: only these names.
    """
    for name, splits, data in data_sets(folder, load_entities, sets):
        if "tfidf" in arms:
            measure_baselines(name, splits, results, data)
        settings = {"epochs": epochs_for(len(splits["train"]), SEEN), "max_length": MAX_LENGTH}
        trained = tagger_trainer(splits, settings["epochs"])
        settings["train_rows"] = len(splits["train"])
        measure_arms(name, trained, results, arms, settings, judged_by="f1", data=data)


def measure_baselines(
    name: str, splits: DatasetDict, results: Results, data: dict[str, str]
) -> None:
    """The training entities looked up; the strongest of five taggers by validation."""
    if not results.has(f"{name}/dictionary", **data):
        found = grades(splits, dictionary_tagger(splits["train"]))
        results.add(f"{name}/dictionary", summary([found]), **data)
    if not results.has(f"{name}/classical", **data):
        tagger, chosen, f1 = strongest_tagger(splits["train"], splits["validation"])
        row = summary([grades(splits, tagger)])
        row |= {"chosen": chosen, "validation_f1": round(f1, 4)}
        results.add(f"{name}/classical", row, **data)


def tagger_trainer(splits: DatasetDict, epochs: int) -> Callable:
    """`trained` of `measure_arms`."""
    tokenizer = load_tokenizer(resolve(CHECKPOINT))
    names = splits["train"].features["labels"].feature.names
    train, validation = (
        tokenize_entities(each, tokenizer, MAX_LENGTH)
        for each in (splits["train"], for_validation(splits["validation"]))
    )

    def trained(pretrained: bool, rate: float, seed: int) -> tuple[float, Callable]:
        model = new_tagger(resolve(CHECKPOINT), names, pretrained, seed, DROPOUT)
        trainer = fine_tune_tagger(
            model, tokenizer, train, validation,
            learning_rate=rate, epochs=epochs, seed=seed, progress=False,
        )  # fmt: skip

        def tag(texts: Sequence[str]) -> list:
            return predict_entities(trainer.model, tokenizer, texts, MAX_LENGTH)

        return trainer.state.best_metric, lambda: grades(splits, tag)

    return trained


def grades(splits: DatasetDict, tag: Tagger) -> dict[str, float]:
    """Precision, recall and F1 of whole entities on the test split; F1 also of those whose name
    stands in the training split, and of the others."""
    texts, gold = texts_and_spans(splits["test"])
    found = entity_scores(gold, tag(texts), texts, entity_counts(splits["train"]))
    whole = found["micro"]
    return {
        "f1": whole.f1,
        "precision": whole.precision,
        "recall": whole.recall,
        "f1_known": found["known"].f1,
        "f1_unknown": found["unknown"].f1,
    }
