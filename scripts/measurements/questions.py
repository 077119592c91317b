"""Questions on passages: sentences by shared words, a BERT from random weights, mini-bert-zh."""

from collections.abc import Callable, Sequence
from pathlib import Path

from datasets import Dataset, DatasetDict

from measurements.results import Results
from measurements.runs import summary
from measurements.sets import (
    ARMS,
    CHECKPOINT,
    DROPOUT,
    data_sha256,
    epochs_for,
    find_sets,
    for_validation,
    measure_arms,
)
from utils.data import load_questions
from utils.finetuning import answer_questions, fine_tune_by, new_extractor, question_windows
from utils.measuring import (
    accepted_answers,
    answer_measure,
    answer_scores,
    decide,
    nearest_sentence,
    span_by_question_word,
)
from utils.models import load_tokenizer, resolve

WINDOW = {"max_length": 256, "stride": 64}
BATCH = 16
SEEN = 10_000  # windows that a run trains on
# Most windows of a long passage do not hold the answer. All of them would double the time and
# teach a small model to say nothing; without any it would never learn to leave a window alone.
WITHOUT_ANSWER = 6  # one of so many is kept
VALIDATION_QUESTIONS = 300
BASELINES = {"sentence": nearest_sentence, "span": span_by_question_word}


def measure_questions(
    folder: Path,
    results: Results,
    arms: Sequence[str] = ARMS,
    sets: Sequence[str] | None = None,
) -> None:
    """The rows NAME/sentence, …/span, …/mini-bert-zh and …/scratch of each data set.

    Args:
        folder: holds NAME_train, NAME_val, NAME_test in a form that `load_questions` reads.
        sets: only these names.
    """
    for name in find_sets(folder, sets):
        splits = load_questions(folder, name)
        data, test = data_sha256(splits), splits["test"]
        for row, answer in BASELINES.items():
            if "tfidf" in arms and not results.has(f"{name}/{row}", **data):
                said = [
                    answer(*each) for each in zip(test["question"], test["context"], strict=True)
                ]
                results.add(f"{name}/{row}", summary([grades(test, said)]), **data)
        tokenizer = load_tokenizer(resolve(CHECKPOINT))
        windows = training_windows(question_windows(splits["train"], tokenizer, **WINDOW))
        settings = WINDOW | {"epochs": epochs_for(len(windows), SEEN), "windows": len(windows)}
        trained = extractor_trainer(splits, windows, tokenizer, settings["epochs"])
        settings["train_rows"] = len(splits["train"])
        measure_arms(name, trained, results, arms, settings, judged_by="f1", data=data)


def training_windows(windows: Dataset) -> Dataset:
    """The windows that hold an answer, and one of `WITHOUT_ANSWER` of the others."""
    others, kept = 0, []
    for place, start in enumerate(windows["start_positions"]):
        others += not start
        if start or others % WITHOUT_ANSWER == 1:
            kept.append(place)
    return windows.select(kept)


def extractor_trainer(splits: DatasetDict, windows: Dataset, tokenizer, epochs: int) -> Callable:
    """`trained` of `measure_arms`. The threshold for "no answer" is validation's."""
    validation = for_validation(splits["validation"], VALIDATION_QUESTIONS)
    measure = answer_measure(validation, tokenizer, **WINDOW)
    test = splits["test"]

    def trained(pretrained: bool, rate: float, seed: int) -> tuple[float, Callable]:
        model = new_extractor(resolve(CHECKPOINT), pretrained, seed, DROPOUT)
        trainer = fine_tune_by(
            measure, "f1", model, tokenizer, windows,
            learning_rate=rate, epochs=epochs, batch_size=BATCH, seed=seed, progress=False,
        )  # fmt: skip
        epochs_measured = [each for each in trainer.state.log_history if "eval_f1" in each]
        best = max(epochs_measured, key=lambda each: each["eval_f1"])  # of equals, the first

        def score() -> dict[str, float]:
            found = answer_questions(
                trainer.model, tokenizer, test["question"], test["context"], **WINDOW
            )
            return grades(test, decide(found, best["eval_threshold"]))

        return best["eval_f1"], score

    return trained


def grades(test: Dataset, said: Sequence[str]) -> dict[str, float]:
    """Exact match and F1 over characters."""
    found = answer_scores(said, accepted_answers(test))
    return {each: found[each] for each in ("f1", "exact")}
