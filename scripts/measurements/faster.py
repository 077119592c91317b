"""How much faster a classifier answers: the usual ways, the course's `predict`, a student.

One teacher and one student for each seed; a student learns what all teachers say together. All
ways of asking take turns in one run, so that their ratios hold also where the machine is slower.
"""

import copy
import gzip
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from datasets import DatasetDict
from transformers import PreTrainedModel, PreTrainedTokenizerBase, pipeline

from measurements.provenance import fingerprints, require_processor
from measurements.results import Results
from measurements.runs import SEEDS, score, summary
from utils.data import balanced_sample, load_thucnews
from utils.finetuning import (
    fine_tune,
    load_classifier,
    new_classifier,
    predict,
    save_classifier,
    tokenize,
)
from utils.models import load_tokenizer, resolve
from utils.smaller import distil, new_student, trim_vocabulary

CHECKPOINT = "mini-bert-zh"
LABELLED = 5_000  # of the training titles; of the others the student sees the text alone
VALIDATION_ROWS = 500
STUDENT = {"layers": 3, "hidden": 128, "heads": 2}
LEARNING = {"temperature": 2.0, "learning_rate": 2e-3, "epochs": 12, "batch_size": 64}
TURNS = 9

Classifier = tuple[PreTrainedModel, PreTrainedTokenizerBase]


def measure_faster(data: Path, results: Results, work: Path | None = None) -> None:
    """The rows "teacher", "student" (accuracies, sizes) and "prediction" (texts a second, ratios).

    Args:
        data: folder of real data.
        work: where the teachers and students are kept, one a seed; what is there is not trained
            again. By default nothing is kept.
    """
    require_processor("faster")
    weights = fingerprints(CHECKPOINT)
    titles = load_thucnews(str(data / "thucnews/titles_*.csv.gz"))
    unlabelled = read_titles(data / "corpus/zh_titles.txt.gz", titles)
    with tempfile.TemporaryDirectory() as temporary:
        work = work or Path(temporary)
        teachers = [trained_teacher(titles, seed, work) for seed in SEEDS]
        students = [trained_student(teachers, titles, unlabelled, seed, work) for seed in SEEDS]
        pairs = list(zip(teachers, students, strict=True))
        test = list(titles["test"]["text"])
        for place, name in enumerate(("teacher", "student")):
            if results.has(name, **weights):
                continue
            scores = []
            for pair in pairs:
                guesses = predict(*load_classifier(pair[place]), test).argmax(1)
                scores.append(score(titles["test"]["label"], guesses))
            row = summary(scores) | {"file_bytes": size_of(pairs[0][place])}
            results.add(name, row, labelled=LABELLED, unlabelled=len(unlabelled), **weights)
        if not results.has("prediction", **weights):
            row = prediction_speed(*map(load_classifier, pairs[0]), test)
            results.add("prediction", row, **weights)
    report(results)


def read_titles(path: Path, titles: DatasetDict) -> list[str]:
    """Titles without labels, but for those of the validation and test splits."""
    kept_back = {text for split in ("validation", "test") for text in titles[split]["text"]}
    with gzip.open(path, "rt", encoding="utf8") as lines:
        found = (line.strip() for line in lines)
        return [title for title in dict.fromkeys(found) if title and title not in kept_back]


def trained_teacher(titles: DatasetDict, seed: int, work: Path) -> Path:
    """Folder of a seed's teacher, trained where it is missing."""
    folder = work / f"teacher-{seed}"
    if not (folder / "model.safetensors").is_file():
        names = titles["test"].features["label"].names
        tokenizer = load_tokenizer(resolve(CHECKPOINT))
        trainer = fine_tune(
            new_classifier(resolve(CHECKPOINT), names, seed=seed),
            tokenizer,
            tokenize(balanced_sample(titles["train"], LABELLED, seed), tokenizer),
            tokenize(balanced_sample(titles["validation"], VALIDATION_ROWS, 0), tokenizer),
            learning_rate=5e-4, epochs=4, seed=seed, progress=False,
        )  # fmt: skip
        save_classifier(trainer.model, tokenizer, folder)
    return folder


def trained_student(
    teachers: list[Path], titles: DatasetDict, unlabelled: list[str], seed: int, work: Path
) -> Path:
    """Folder of a seed's student, trained where it is missing.

    It sees all training titles and the unlabelled ones, each with the mean of what the teachers
    say: of three that began differently the mean is more often right than any, and costs no time
    when the student answers.
    """
    folder = work / f"student-{seed}"
    if not (folder / "model.safetensors").is_file():
        texts = list(dict.fromkeys([*titles["train"]["text"], *unlabelled]))
        answers = np.mean([predict(*load_classifier(each), texts) for each in teachers], axis=0)
        teacher, tokenizer = load_classifier(teachers[seed])  # whose embeddings it begins with
        small, kept = trim_vocabulary(tokenizer, texts, at_least=2)
        student = new_student(teacher, kept, **STUDENT, seed=seed)
        trainer = distil(
            student, small, texts, answers,
            balanced_sample(titles["validation"], VALIDATION_ROWS, 0),
            **LEARNING, seed=seed, progress=False,
        )  # fmt: skip
        save_classifier(trainer.model.half(), small, folder)
    return folder


def size_of(folder: Path) -> dict[str, int]:
    """Bytes of the weights as they are stored, and of all files of the folder."""
    return {
        "weights": (folder / "model.safetensors").stat().st_size,
        "folder": sum(file.stat().st_size for file in folder.iterdir()),
    }


def prediction_speed(teacher: Classifier, student: Classifier, texts: list[str]) -> dict:
    """Texts a second of each way, and ratios of their medians.

    Each way gets texts and gives class ids: cutting the text into tokens is part of the work.
    """
    model, tokenizer = teacher
    usual = copy.deepcopy(model).eval()
    usual.set_attn_implementation("sdpa")  # the library's default, as who does not ask
    classify = pipeline("text-classification", model=usual, tokenizer=tokenizer, device="cpu")
    ways: dict[str, tuple[Callable, int]] = {
        "padded to 128, fp32": (lambda rows: padded_classes(usual, tokenizer, rows), 128),
        "pipeline, one by one": (lambda rows: [classify(row) for row in rows], 256),
        "predict": (lambda rows: predict(*teacher, rows), 2048),
        "student": (lambda rows: predict(*student, rows, batch_size=256), 8192),
    }
    rates = {name: [] for name in ways}
    supply = itertools.cycle(texts)
    for turn in range(TURNS + 1):
        for name, (ask, count) in ways.items():
            rows = list(itertools.islice(supply, count))
            started = time.perf_counter()
            ask(rows)
            if turn:  # the first turn warms up
                rates[name].append(count / (time.perf_counter() - started))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "texts_per_second": {name: [round(rate) for rate in rates[name]] for name in rates},
        "ratios": {
            "predict against padded": round(medians["predict"] / medians["padded to 128, fp32"], 1),
            "student against padded": round(medians["student"] / medians["padded to 128, fp32"], 1),
            "student against pipeline": round(
                medians["student"] / medians["pipeline, one by one"], 1
            ),
        },
    }


@torch.inference_mode()
def padded_classes(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: list[str],
    length: int = 128,
) -> np.ndarray:
    """Class ids by the tutorials' way: batches of 32, every text padded to `length` tokens, fp32."""
    classes = []
    for start in range(0, len(texts), 32):
        batch = tokenizer(
            texts[start : start + 32],
            padding="max_length", truncation=True, max_length=length, return_tensors="pt",
        )  # fmt: skip
        classes.append(model(**batch).logits.argmax(-1))
    return torch.cat(classes).numpy()


def report(results: Results) -> None:
    """Print the goals beside what was measured."""
    rows = results.rows
    lost = rows["teacher"]["accuracy"]["mean"] - rows["student"]["accuracy"]["mean"]
    whole = 4 * new_classifier(resolve(CHECKPOINT), ["a", "b"]).num_parameters()
    smaller = whole / rows["student"]["file_bytes"]["weights"]
    print(f"accuracy lost by the student: {lost:.4f} (goal: at most 0.01)")
    print(f"its weights: 1/{smaller:.1f} of {CHECKPOINT} in fp32 (goal: 1/8)")
    for name, ratio in rows["prediction"]["ratios"].items():
        print(f"{name}: {ratio} times as many texts a second")
