"""Train a classifier on labelled texts of your own, use it, and measure it.

    python scripts/classify.py train messages.csv --output my-model
    python scripts/classify.py train messages.xlsx --text 留言 --label 部门 --output my-model
    python scripts/classify.py predict my-model new.csv --output answers.csv
    python scripts/classify.py evaluate my-model labelled.csv

`train` first audits the texts and stops at what would spoil the training. Where they are few it
judges by cross-validation, beside TF-IDF, and then trains on all of them. `predict` keeps every row
in its place and says "unsure" below the threshold that `train` has chosen.
"""

import argparse
import contextlib
import csv
import itertools
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from datasets import Dataset, DatasetDict, concatenate_datasets
from sklearn.metrics import classification_report
from sklearn.utils.class_weight import compute_class_weight
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from utils.data import (
    DataError,
    Table,
    audit_texts,
    is_empty_cell,
    is_seen,
    load_texts,
    read_rows,
    read_table,
)
from utils.finetuning import (
    fine_tune,
    load_classifier,
    new_classifier,
    predict,
    save_classifier,
    tokenize,
)
from utils.measuring import confidence_threshold, estimate, out_of_fold, strongest_tfidf
from utils.models import ModelError, load_tokenizer, resolve

FEW = 2000  # texts; fewer, and every one is needed both to learn from and to judge by
UNEQUAL = 2  # times as many texts in the largest class as in the smallest: classes are weighted
ROWS_AT_A_TIME = 512
NEW_COLUMNS = ("prediction", "probability", "note")
UNSURE, EMPTY, BROKEN = "unsure", "empty", "broken"
NONE_SURE = 2.0  # a threshold that no probability reaches, 1.0 neither

# What the weights that a model begins with may be used for, by the name of folder or Hub id.
TERMS = {"mini-bert-zh": "权重只供研究与教学：训练文本里有 THUCNews，商用须另得清华大学同意"}


def main() -> None:
    arguments = parsed()
    logging.disable_progress_bar()  # of loading weights: a bar for each fold between the lines
    try:
        arguments.run(arguments)
    except (DataError, ModelError, ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("\n停下了，什么也没有写。再运行一次就从头开始。")


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, as `main` reads it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="train | predict | evaluate")
    columns = argparse.ArgumentParser(add_help=False)
    columns.add_argument("--text", default="text", help="what the column of the texts is called")
    columns.add_argument("--label", default="label", help="what that of the labels is called")

    training = commands.add_parser("train", parents=[columns], help="train and judge a classifier")
    training.add_argument("data", type=Path, help="CSV, TSV, .xlsx, .jsonl, or a folder")
    training.add_argument("--output", type=Path, required=True, help="folder for the classifier")
    training.add_argument("--model", default="bert-zh", help="what to begin with: name or folder")
    training.add_argument("--max-length", type=at_least(3), default=128, help="in tokens")
    training.add_argument("--epochs", type=at_least(1), default=15)
    training.add_argument("--batch-size", type=at_least(1), default=16)
    training.add_argument("--learning-rate", type=share, default=3e-4)
    training.add_argument("--folds", type=at_least(2), default=5, help="of the cross-validation")
    training.add_argument("--accuracy", type=share, default=0.95, help="wanted of sure answers")
    training.add_argument("--seed", type=at_least(0), default=0)
    training.add_argument("--accept", action="store_true", help="train in spite of the audit")
    training.set_defaults(run=train)

    predicting = commands.add_parser("predict", help="classify the rows of a table")
    predicting.add_argument("model", type=Path, help="folder that train has written")
    predicting.add_argument("data", type=Path, help="CSV, TSV, .xlsx or .jsonl")
    predicting.add_argument("--output", type=Path, required=True, help="CSV to write")
    predicting.add_argument("--text", default="text", help="what the column of the texts is called")
    predicting.set_defaults(run=predict_table)

    evaluating = commands.add_parser(
        "evaluate", parents=[columns], help="measure on labelled texts"
    )
    evaluating.add_argument("model", type=Path, help="folder that train has written")
    evaluating.add_argument("data", type=Path, help="CSV, TSV, .xlsx or .jsonl with labels")
    evaluating.set_defaults(run=evaluate)
    return parser.parse_args(words)


def at_least(least: int) -> Callable[[str], int]:
    """What reads a whole number that is not smaller."""

    def read(word: str) -> int:
        if not word.isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(f"{word!r}; give a whole number from {least} on")
        return int(word)

    return read


def share(word: str) -> float:
    """A number above 0 and at most 1."""
    with contextlib.suppress(ValueError):
        if 0 < float(word) <= 1:
            return float(word)
    raise argparse.ArgumentTypeError(f"{word!r}; give a number above 0 and at most 1")


# --- train ----------------------------------------------------------------------------------------


def train(arguments: argparse.Namespace) -> None:
    """Audit, judge beside TF-IDF, choose the threshold, train and save."""
    refuse_taken(arguments.output)
    checkpoint = resolve(arguments.model)
    tokenizer = load_tokenizer(checkpoint)
    found = audit_texts(
        arguments.data, text=arguments.text, label=arguments.label,
        tokens=lambda texts: tokenizer(list(texts))["input_ids"], max_length=arguments.max_length,
    )  # fmt: skip
    print(found)
    broken = any(remark.kind.startswith("broken") for remark in found.remarks)
    if broken or any(remark.serious for remark in found.remarks) and not arguments.accept:
        way = "" if broken else "；确认无妨，就加上 --accept"
        sys.exit(f"先把标了 ⚠️ 的改好，再运行一次{way}。文件没有改动，也没有开始训练。")
    splits = load_texts(arguments.data, text=arguments.text, label=arguments.label)
    names = splits["train"].features["label"].names
    terms = TERMS.get(Path(checkpoint).name, "权重可用来做什么，以它的模型卡为准")
    print(f"\n从 {Path(checkpoint).name} 开始训练。{terms}。")
    texts = [text for split in splits.values() for text in split["text"]]
    if unread := sum(nothing_known(tokenizer, texts, arguments.max_length)):
        print(
            f"有 {unread} 条文本，{Path(checkpoint).name} 一个字也不认得（例如只有表情），从中学不到什么。"
        )
    few = sum(splits.num_rows.values()) < FEW and set(found.counts) == {"whole"}
    judge = judge_by_folds if few else judge_by_splits
    model, report, threshold = judge(splits, names, checkpoint, tokenizer, arguments)
    model.config.threshold = threshold
    tokenizer.model_max_length = arguments.max_length  # what a pipeline cuts at
    report |= {"classes": names, "begun_with": arguments.model, "threshold": threshold}
    settings = ("max_length", "epochs", "batch_size", "learning_rate", "seed")
    report |= {name: getattr(arguments, name) for name in settings}
    save_whole(model, tokenizer, report, arguments.output)
    print(f"\n✅ 存在 {arguments.output}。下一步：")
    print(f"python scripts/classify.py predict {arguments.output} 新的.csv --output 答案.csv")


def refuse_taken(folder: Path) -> None:
    """Raises ValueError where a classifier cannot be put, before hours are spent on it."""
    if folder.is_file():
        raise ValueError(f"{folder}: a file; name a folder for the classifier")
    if folder.name in ("", "..") or folder.is_symlink():
        raise ValueError(f"{folder}: a link, or no name; name a new folder for the classifier")
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder}: not empty; name a new folder, or remove it")
    with contextlib.suppress(OSError):  # told below
        folder.parent.mkdir(parents=True, exist_ok=True)
    refuse_unwritable(folder.parent)


def refuse_unwritable(folder: Path) -> None:
    """Raises ValueError where nothing can be written into a folder."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"{folder}: nothing can be written there ({error.strerror}); name another place for "
            "the output"
        ) from None


def save_whole(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, report: dict, folder: Path
) -> None:
    """Write a classifier and its report beside their place, and put them there when all is written.

    Whoever is stopped in the middle leaves no folder that looks like a classifier.
    """
    unfinished = folder.with_name(folder.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        save_classifier(model, tokenizer, unfinished)
        text = json.dumps(report, ensure_ascii=False, indent=2) + "\n"
        (unfinished / "report.json").write_text(text, encoding="utf-8")
        if folder.exists():
            folder.rmdir()  # empty, as `refuse_taken` saw
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def judge_by_folds(
    splits: DatasetDict,
    names: list[str],
    checkpoint: str,
    tokenizer: PreTrainedTokenizerBase,
    arguments: argparse.Namespace,
) -> tuple[PreTrainedModel, dict, float]:
    """Few texts: each is judged by a model that has not seen it, then all are learned from."""
    whole = concatenate_datasets(list(splits.values()))
    texts, labels = list(whole["text"]), list(whole["label"])

    def bert(seen: list[str], their_labels: list[int], judged: list[str]) -> np.ndarray:
        rows = as_rows(seen, their_labels, whole)
        model = trained(rows, None, names, checkpoint, tokenizer, arguments)
        return predict(model, tokenizer, judged, arguments.max_length)

    def tfidf(seen: list[str], their_labels: list[int], judged: list[str]) -> np.ndarray:
        pipeline, _, _ = strongest_tfidf(seen, their_labels)
        return pipeline.predict_proba(judged)

    count = arguments.folds
    refuse_folds(texts, labels, names, count)
    print(f"文本不多，用 {count} 折交叉验证来估计：每条都由没见过它的模型来判。")
    rows = {
        "TF-IDF": out_of_fold(tfidf, texts, labels, count, arguments.seed),
        "BERT": out_of_fold(bert, texts, labels, count, arguments.seed, track=tqdm),
    }
    report = told(rows, labels)
    threshold = chosen_threshold(rows["BERT"], labels, arguments.accuracy)
    print("再用全部文本训练要交出去的那一个……")
    model = trained(whole, None, names, checkpoint, tokenizer, arguments)
    return model, report | {"judged_by": f"{count}-fold cross-validation"}, threshold


def refuse_folds(
    texts: Sequence[str], labels: Sequence[int], names: Sequence[str], count: int
) -> None:
    """Raises ValueError where a class has fewer different texts than there are folds."""
    different = Counter(
        label
        for _, label in {(text.strip(), label) for text, label in zip(texts, labels, strict=True)}
    )
    label, least = min(different.items(), key=lambda each: each[1])
    if least < count:
        few = sum(size < count for size in different.values())
        more = f" and {few - 1} more" if few > 1 else ""
        raise ValueError(
            f"class {names[label]!r:.40}{more}: {least} different texts, too few for {count} folds; "
            f"add texts, leave the class out, or give --folds {max(2, least)}"
        )


def judge_by_splits(
    splits: DatasetDict,
    names: list[str],
    checkpoint: str,
    tokenizer: PreTrainedTokenizerBase,
    arguments: argparse.Namespace,
) -> tuple[PreTrainedModel, dict, float]:
    """Enough texts: the best epoch and the threshold by the validation split, scores by the test."""
    model = trained(splits["train"], splits["validation"], names, checkpoint, tokenizer, arguments)
    pipeline, _, _ = strongest_tfidf(splits["train"]["text"], splits["train"]["label"])
    test = list(splits["test"]["text"])
    rows = {
        "TF-IDF": pipeline.predict_proba(test),
        "BERT": predict(model, tokenizer, test, arguments.max_length),
    }
    print(f"测试集 {len(test)} 条：")
    report = told(rows, splits["test"]["label"])
    sure = predict(model, tokenizer, list(splits["validation"]["text"]), arguments.max_length)
    threshold = chosen_threshold(sure, splits["validation"]["label"], arguments.accuracy)
    return model, report | {"judged_by": "test split"}, threshold


def as_rows(texts: list[str], labels: list[int], like: Dataset) -> Dataset:
    """Texts and class ids as a data set with the classes of another."""
    return Dataset.from_dict({"text": texts, "label": labels}, features=like.features)


def trained(
    rows: Dataset,
    validation: Dataset | None,
    names: list[str],
    checkpoint: str,
    tokenizer: PreTrainedTokenizerBase,
    arguments: argparse.Namespace,
) -> PreTrainedModel:
    """A classifier trained on rows; its best epoch where there is a validation split, else the last.

    A dozen rows held out would choose the luckiest epoch, not the best.
    """
    encoded = tokenize(rows, tokenizer, arguments.max_length)
    options = {}
    if validation is None:
        options = {"eval_strategy": "no", "save_strategy": "no", "load_best_model_at_end": False}
    sizes = Counter(rows["label"])
    if max(sizes.values()) > UNEQUAL * min(sizes.values()):
        present = np.array(sorted(sizes))
        weights = np.ones(len(names))
        weights[present] = compute_class_weight("balanced", classes=present, y=rows["label"])
        options["class_weights"] = weights.tolist()
    model = new_classifier(checkpoint, names, seed=arguments.seed)
    fine_tune(
        model, tokenizer, encoded,
        encoded if validation is None else tokenize(validation, tokenizer, arguments.max_length),
        learning_rate=arguments.learning_rate, epochs=arguments.epochs, seed=arguments.seed,
        batch_size=arguments.batch_size, progress=validation is not None, **options,
    )  # fmt: skip
    return model


def told(rows: dict[str, np.ndarray], labels: Sequence[int]) -> dict:
    """Print the scores of each way, and who wins; the scores for the report."""
    scores = {name: estimate(each, labels) for name, each in rows.items()}
    most = Counter(labels).most_common(1)[0][1] / len(labels)
    print(f"  总猜最多的一类  准确率 {most:.3f}")
    for name, score in scores.items():
        print(f"  {name:14}  {score}")
    bert, tfidf = scores["BERT"], scores["TF-IDF"]
    if bert.low <= tfidf.accuracy <= bert.high:
        print("BERT 与 TF-IDF 分不出高下：这么多文本还说不准。TF-IDF 小而快，先用它也行。")
    elif bert.accuracy < tfidf.accuracy:
        print("TF-IDF 更好。用它，或者再标一些文本。")
    return {"scores": {name: score._asdict() for name, score in scores.items()}, "majority": most}


def chosen_threshold(probabilities: np.ndarray, labels: Sequence[int], accuracy: float) -> float:
    """Print and give the probability below which an answer is "unsure"."""
    threshold = confidence_threshold(probabilities, labels, accuracy)
    if threshold.coverage:
        print(
            f"把握不低于 {threshold.probability:.2f} 才算数：{threshold.coverage:.0%} 的文本有答案，"
            f"其中 {threshold.accuracy:.1%} 是对的；其余标为 {UNSURE}，请人来看。"
        )
    else:
        print(
            f"哪个门槛都到不了 {accuracy:.0%}：所有答案都会标为 {UNSURE}。再标一些文本，或调低 --accuracy。"
        )
    return threshold.probability if threshold.coverage else NONE_SURE


# --- predict and evaluate -------------------------------------------------------------------------


def load(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, int, float]:
    """(model, tokenizer, tokens a text is cut at, threshold) of a folder that `train` has written."""
    model, tokenizer = load_classifier(folder)
    several = model.config.problem_type == "multi_label_classification"
    if several or model.config.num_labels < 2:
        what = "several labels a text" if several else "grades"
        raise ModelError(f"{folder}: gives {what}, not one of some classes; train it anew for that")
    positions = getattr(model.config, "max_position_embeddings", 512)
    threshold = getattr(model.config, "threshold", 0.0)  # 0: saved by other hands, all is sure
    if not isinstance(threshold, (int, float)) or not threshold >= 0:
        raise ModelError(
            f"{folder}/config.json: threshold is {threshold!r:.40}, not a probability; write one, "
            "or take the line away"
        )
    return model, tokenizer, min(tokenizer.model_max_length, positions), threshold


def predict_table(arguments: argparse.Namespace) -> None:
    """Write the table with three columns more; every row stays in its place."""
    output = arguments.output
    try:
        taken = output.exists()
    except OSError as error:
        raise ValueError(f"{output}: {error.strerror}; name another file") from None
    if taken:
        raise ValueError(f"{output}: is there already; name another file, or remove it")
    if not output.parent.is_dir():
        raise ValueError(
            f"{output.parent}: no such folder; make it, or name another for the output"
        )
    if output.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".json", ".jsonl", ".parquet", ".gz"):
        raise ValueError(f"{output}: what is written is CSV; let its name end in .csv")
    refuse_unwritable(output.parent)
    model, tokenizer, max_length, threshold = load(arguments.model)
    table = read_table(arguments.data, arguments.text)
    texts = table.column(arguments.text)
    answers, notes = [""] * len(texts), [""] * len(texts)
    chances = [""] * len(texts)
    places = []
    for place, text in enumerate(texts):
        if text is None:
            notes[place] = BROKEN
        elif not is_seen(text) or is_empty_cell(text.strip()):
            notes[place] = EMPTY
        else:
            places.append(place)
    with tqdm(total=len(places), unit="text") as bar:
        for start in range(0, len(places), ROWS_AT_A_TIME):
            some = places[start : start + ROWS_AT_A_TIME]
            rows = predict(model, tokenizer, [texts[place] for place in some], max_length)
            unread = nothing_known(tokenizer, [texts[place] for place in some], max_length)
            for place, row, blind in zip(some, rows, unread, strict=True):
                answers[place] = model.config.id2label[int(row.argmax())]
                chances[place] = f"{row.max():.4f}"
                notes[place] = UNSURE if blind or row.max() < threshold else ""
            bar.update(len(some))
    write_table(arguments.output, table, [answers, chances, notes])
    counts = Counter(note or "sure" for note in notes)
    print("、".join(f"{name} {count}" for name, count in counts.most_common()))
    for problem in table.problems[:5]:
        print(f"第 {problem.number} 行没法读（{problem.detail}），在输出里标为 {BROKEN}")


def nothing_known(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int
) -> list[bool]:
    """Whether a text is nothing but what the model has no token for, such as emoji."""
    special = set(tokenizer.all_special_ids)  # [UNK] among them
    rows = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    return [special.issuperset(row) for row in rows]


def write_table(path: Path, table: Table, columns: list[list[str]]) -> None:
    """The table with the new columns as CSV, whole or not at all.

    With a byte order mark, without which Excel takes Chinese in a CSV file for something else.
    """
    new = []
    for name in NEW_COLUMNS:
        names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
        new.append(next(each for each in names if each not in table.columns))
    unfinished = path.with_name(path.name + ".part")
    try:
        with open(unfinished, "w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*table.columns, *new])
            for row, answer in zip(table.rows, zip(*columns, strict=True), strict=True):
                writer.writerow([*(row or [""] * len(table.columns)), *answer])
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def evaluate(arguments: argparse.Namespace) -> None:
    """Print how a classifier does on labelled texts, class by class, and above its threshold."""
    model, tokenizer, max_length, threshold = load(arguments.model)
    rows = read_rows(arguments.data, arguments.text, arguments.label)
    ids = {name: number for number, name in model.config.id2label.items()}
    if unknown := sorted({row.label for row in rows} - set(ids)):
        first = next(row for row in rows if row.label == unknown[0])
        raise DataError(
            f"{first.place}: label {unknown[0][:40]!r} is none of the model's "
            f"({', '.join(ids)[:80]}); "
            + (
                "write the names"
                if unknown[0].isdecimal()
                else "correct it, or leave such rows out"
            )
        )
    labels = np.array([ids[row.label] for row in rows])
    chances = predict(model, tokenizer, [row.text for row in tqdm(rows)], max_length)
    print(estimate(chances, labels))
    print(
        classification_report(
            labels, chances.argmax(1), labels=list(ids.values()), target_names=list(ids), digits=3,
            zero_division=0,
        )
    )  # fmt: skip
    sure = chances.max(1) >= threshold
    if 0 < sure.sum() < len(sure):
        right = (chances.argmax(1) == labels)[sure].mean()
        print(f"把握不低于 {threshold:.2f} 的有 {sure.mean():.0%}，其中 {right:.1%} 是对的")


if __name__ == "__main__":
    main()
