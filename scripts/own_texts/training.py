"""Train a classifier on labelled texts, and judge it beside TF-IDF by texts it has not seen."""

import argparse
import json
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from datasets import Dataset, DatasetDict, concatenate_datasets
from sklearn.utils.class_weight import compute_class_weight
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from own_texts.notes import UNSURE
from own_texts.outputs import refuse_folder
from utils.data import audit_texts, load_texts
from utils.finetuning import (
    check_padding,
    fine_tune,
    holds_known,
    new_classifier,
    predict,
    save_classifier,
    tokenize,
)
from utils.measuring import confidence_threshold, estimate, out_of_fold, strongest_tfidf
from utils.models import load_tokenizer, resolve
from utils.profile import profile

FEW = 2000  # texts; fewer, and every one is needed both to learn from and to judge by
LEARNING_RATES = {"mini": 3e-4, "full": 3e-5}  # that suit what `bert-zh` is in each profile
UNEQUAL = 2  # times as many texts in the largest class as in the smallest: classes are weighted
NONE_SURE = 2.0  # a threshold that no probability reaches, 1.0 neither

# What the weights that a model begins with may be used for, by the name of folder or Hub id.
TERMS = {"mini-bert-zh": "权重只供研究与教学：训练文本里有 THUCNews，商用须另得清华大学同意"}


def train(arguments: argparse.Namespace) -> None:
    """Audit, judge beside TF-IDF, choose the threshold, train and save."""
    refuse_folder(arguments.output)
    arguments.learning_rate = arguments.learning_rate or LEARNING_RATES[profile()]
    checkpoint = resolve(arguments.model)
    tokenizer = load_tokenizer(checkpoint)
    check_padding(tokenizer)
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
    terms = TERMS.get(Path(checkpoint).name, "权重可用来做什么，以它的模型卡为准")
    print(f"\n从 {Path(checkpoint).name} 开始训练。{terms}。")
    texts = [text for split in splits.values() for text in split["text"]]
    encoded = tokenizer(texts, truncation=True, max_length=arguments.max_length)
    if unread := holds_known(tokenizer, encoded["input_ids"]).count(False):
        print(
            f"有 {unread} 条文本，{Path(checkpoint).name} 一个字也不认得（例如只有表情），从中学不到什么。"
        )
    few = sum(splits.num_rows.values()) < FEW and set(found.counts) == {"whole"}
    judge = judge_by_folds if few else judge_by_splits
    model, report, threshold = judge(splits, checkpoint, tokenizer, arguments)
    model.config.threshold = threshold
    tokenizer.model_max_length = arguments.max_length  # what a pipeline cuts at
    classes = splits["train"].features["label"].names
    report |= {"classes": classes, "begun_with": arguments.model, "threshold": threshold}
    settings = ("max_length", "epochs", "batch_size", "learning_rate", "seed")
    report |= {name: getattr(arguments, name) for name in settings}
    save_whole(model, tokenizer, report, arguments.output)
    print(f"\n✅ 存在 {arguments.output}。下一步：")
    print(next_command(arguments))


def next_command(arguments: argparse.Namespace) -> str:
    """What to type to use the classifier, with the Python that runs here and the texts' column."""
    program = Path(sys.executable)
    here = program.is_relative_to(Path.cwd())  # as in .venv, which may not be activated
    python = str(program.relative_to(Path.cwd())) if here else "python"
    words = [python, "scripts/classify.py", "predict", str(arguments.output), "新的.csv"]
    if arguments.text != "text":
        words += ["--text", arguments.text]
    words += ["--output", "答案.csv"]
    return " ".join(f'"{word}"' if word.split() != [word] else word for word in words)


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
            folder.rmdir()  # empty, as `refuse_folder` saw
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def judge_by_folds(
    splits: DatasetDict,
    checkpoint: str,
    tokenizer: PreTrainedTokenizerBase,
    arguments: argparse.Namespace,
) -> tuple[PreTrainedModel, dict, float]:
    """Few texts: each is judged by a model that has not seen it, then all are learned from."""
    whole = concatenate_datasets(list(splits.values()))
    texts, labels = list(whole["text"]), list(whole["label"])

    def bert(seen: list[str], their_labels: list[int], judged: list[str]) -> np.ndarray:
        rows = as_rows(seen, their_labels, whole)
        model = trained(rows, None, checkpoint, tokenizer, arguments)
        return predict(model, tokenizer, judged, arguments.max_length)

    def tfidf(seen: list[str], their_labels: list[int], judged: list[str]) -> np.ndarray:
        pipeline, _, _ = strongest_tfidf(seen, their_labels)
        return pipeline.predict_proba(judged)

    count = arguments.folds
    refuse_folds(texts, labels, whole.features["label"].names, count)
    print(f"文本不多，用 {count} 折交叉验证来估计：每条都由没见过它的模型来判。")
    rows = {
        "TF-IDF": out_of_fold(tfidf, texts, labels, count, arguments.seed),
        "BERT": out_of_fold(bert, texts, labels, count, arguments.seed, track=tqdm),
    }
    report = told(rows, labels)
    threshold = chosen_threshold(rows["BERT"], labels, arguments.accuracy)
    print("再用全部文本训练要交出去的那一个……")
    model = trained(whole, None, checkpoint, tokenizer, arguments)
    return model, report | {"judged_by": f"{count}-fold cross-validation"}, threshold


def refuse_folds(
    texts: Sequence[str], labels: Sequence[int], names: Sequence[str], count: int
) -> None:
    """Raises ValueError where a class has fewer different texts than there are folds."""
    stripped = ((text.strip(), label) for text, label in zip(texts, labels, strict=True))
    different = Counter(label for _, label in dict.fromkeys(stripped))
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
    checkpoint: str,
    tokenizer: PreTrainedTokenizerBase,
    arguments: argparse.Namespace,
) -> tuple[PreTrainedModel, dict, float]:
    """Enough texts: the best epoch and the threshold by the validation split, scores by the test."""
    model = trained(splits["train"], splits["validation"], checkpoint, tokenizer, arguments)
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
    checkpoint: str,
    tokenizer: PreTrainedTokenizerBase,
    arguments: argparse.Namespace,
) -> PreTrainedModel:
    """A classifier trained on rows; its best epoch where there is a validation split, else the last.

    A dozen rows held out would choose the luckiest epoch, not the best.
    """
    names = rows.features["label"].names
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
