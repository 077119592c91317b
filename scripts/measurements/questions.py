"""Questions on passages: sentences by shared words, a BERT from random weights, mini-bert-zh."""

from collections.abc import Callable, Sequence
from pathlib import Path

from datasets import Dataset, DatasetDict
from transformers import PreTrainedTokenizerBase

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
from utils.data import load_questions
from utils.finetuning import (
    answer_questions,
    fine_tune_by,
    new_extractor,
    question_windows,
    sentence_spans,
)
from utils.measuring import (
    accepted_answers,
    answer_measure,
    answer_scores,
    decide,
    nearest_sentence,
    shared_bigrams,
    span_by_question_word,
)
from utils.models import load_tokenizer, resolve

# A passage is searched by shared words first, as the baselines do it, and the model reads the
# nearest sentence alone. With whole passages in windows of 256 mini-bert-zh found nothing (F1 on
# validation .11 after two epochs, below either baseline): it was pretrained on too little text to
# compare a question with a passage, and fewer than two thousand questions do not teach it.
WINDOW = {"max_length": 224, "stride": 64, "mark_shared": True}
BATCH = 16
SEEN = 5_000  # windows that a run trains on
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
    for name, splits, data in data_sets(folder, load_questions, sets):
        test = splits["test"]
        for row, answer in BASELINES.items():
            if "tfidf" in arms and not results.has(f"{name}/{row}", **data):
                said = [
                    answer(*each) for each in zip(test["question"], test["context"], strict=True)
                ]
                results.add(f"{name}/{row}", summary([grades(test, said)]), **data)
        tokenizer = load_tokenizer(resolve(CHECKPOINT))
        windows = question_windows(answer_sentences(splits["train"]), tokenizer, **WINDOW)
        settings = WINDOW | {"epochs": epochs_for(len(windows), SEEN), "windows": len(windows)}
        trained = extractor_trainer(splits, windows, tokenizer, settings["epochs"])
        settings["train_rows"] = len(splits["train"])
        measure_arms(name, trained, results, arms, settings, judged_by="f1", data=data)


def nearest_sentences(rows: Dataset) -> Dataset:
    """The questions with the sentence of their passage that shares most with them; the answers stay
    those of the whole passage, so that one in another sentence cannot be found any more."""
    return rows.map(
        lambda row: {"context": nearest_sentence(row["question"], row["context"])},
        keep_in_memory=True,
        load_from_cache_file=False,
    )


def answer_sentences(rows: Dataset) -> Dataset:
    """The questions with the sentence that they are to be answered from, for training.

    That is the nearest of those that hold an answer; of a question without answers, the nearest.
    A question whose answers run over the end of a sentence is left out.
    """
    kept = {"question": [], "context": [], "answers": []}
    for row in rows:
        context, question = row["context"], row["question"]
        answers = list(zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True))
        held = {
            (start, end): [
                (text, at - start) for text, at in answers if start <= at <= end - len(text)
            ]
            for start, end in sentence_spans(context)
        }
        if answers:
            held = {span: inside for span, inside in held.items() if inside}
        if not held:
            continue
        span = max(held, key=lambda each: shared_bigrams(question, context[slice(*each)]))
        kept["question"].append(question)
        kept["context"].append(context[slice(*span)])
        texts, starts = zip(*held[span], strict=True) if held[span] else ((), ())
        kept["answers"].append({"text": list(texts), "answer_start": list(starts)})
    return Dataset.from_dict(kept, rows.select_columns(list(kept)).features)


def extractor_trainer(
    splits: DatasetDict, windows: Dataset, tokenizer: PreTrainedTokenizerBase, epochs: int
) -> Callable:
    """`trained` of `measure_arms`. The threshold for "no answer" is validation's."""
    validation = for_validation(splits["validation"], VALIDATION_QUESTIONS)
    validation, test = nearest_sentences(validation), nearest_sentences(splits["test"])
    measure = answer_measure(validation, tokenizer, **WINDOW)

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
