"""Entities, questions and pairs: which data sets are found, which rows are written, by whom chosen."""

import csv
import json
import subprocess
import sys
from random import Random

import numpy as np
import pytest
from datasets import Dataset
from measurements import entities, pairs, provenance, questions, sets
from measurements.results import Results
from notebooks import ROOT
from tiny_bert import save_tiny_bert

from utils import results as files
from utils.data import DataError
from utils.results import read_results

# --- Which data sets -----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for name in (
        "weibo_train.conll.gz", "weibo_val.conll.gz", "weibo_test.conll.gz",
        "my_own-train.txt", "my_own-dev.txt", "my_own-test.txt",
        "pawsx_zh_val.csv.gz", "README.md",
    ):  # fmt: skip
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def test_data_sets_are_found_by_their_files(folder):
    assert sets.find_sets(folder) == ["my_own", "weibo"], "a file without training rows is none"
    assert sets.find_sets(folder, ["weibo"]) == ["weibo"]


def test_a_missing_file_is_named(folder):
    (folder / "weibo_test.conll.gz").unlink()
    with pytest.raises(DataError, match=r"weibo has no file for test; put it there as weibo_test"):
        sets.find_sets(folder)
    assert sets.find_sets(folder, ["my_own"]) == ["my_own"], "nobody asked for weibo"
    with pytest.raises(DataError, match="msra has no file for test, train, validation"):
        sets.find_sets(folder, ["msra"])


def test_a_folder_without_data_is_named(tmp_path):
    with pytest.raises(DataError, match="ner: no such folder"):
        sets.find_sets(tmp_path / "ner")
    with pytest.raises(DataError, match="no data set in it"):
        sets.find_sets(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("only", [["entities"], ["mini", "pairs"], ["questions", "--sets", "x"]])
def test_the_command_says_so_in_one_line(tmp_path, only):
    (tmp_path / "qa").mkdir()
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/benchmark.py"), "--data", str(tmp_path), "--only", *only],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and not done.stdout, "found before anything was measured"
    [line] = done.stderr.strip().splitlines()
    assert line.startswith(f"benchmark.py: {tmp_path}")


# --- How often, with which rate ------------------------------------------------------------------


def test_small_data_is_read_more_often():
    assert [sets.epochs_for(rows, 7_000) for rows in (4636, 1350, 0, 10, 10**6)] == [
        3, 5, 30, 30, 3,
    ]  # fmt: skip


def test_validation_rows_are_the_same_each_time():
    rows = Dataset.from_dict({"number": list(range(50))})
    some = sets.for_validation(rows, 10)
    assert some["number"] == sets.for_validation(rows, 10)["number"]
    assert len(set(some["number"])) == 10 and list(some["number"]) != list(range(10))
    assert sets.for_validation(rows, 50) is rows


@pytest.mark.parametrize("lower_is_better", [False, True])
def test_the_rate_is_chosen_by_the_first_seed_on_validation(monkeypatch, lower_is_better):
    monkeypatch.setattr(sets, "LEARNING_RATES", (0.1, 0.2))
    trained, tested = [], []

    def train(rate, seed):
        trained.append((rate, seed))

        def score():
            tested.append((rate, seed))
            return {"f1": rate + seed}

        return 0.5 + rate + seed / 10, score

    row = sets.tuned_on_first_seed(train, "f1", lower_is_better)
    best, other = (0.1, 0.2) if lower_is_better else (0.2, 0.1)
    assert trained == [(0.1, 0), (0.2, 0), (best, 1), (best, 2)]
    assert tested == [(best, 0), (best, 1), (best, 2)], "the rate that lost has seen the test split"
    assert row["learning_rate"] == best and row["f1"]["values"] == [best, best + 1, best + 2]
    assert row["validation_f1"] == {
        f"{best:g}": [round(0.5 + best + seed / 10, 4) for seed in range(3)],
        f"{other:g}": [round(0.5 + other, 4)],
    }


def test_the_rate_chosen_on_one_data_set_serves_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    monkeypatch.setattr(provenance, "fingerprints", lambda name: {"vocab_sha256": "v"})
    results, trained = Results("x"), []

    def train(pretrained, rate, seed):
        trained.append((pretrained, rate, seed))
        return rate if pretrained else -rate, lambda: {"f1": 0.5}

    for name in ("one", "two"):
        options = {"judged_by": "f1", "data": {"data_sha256": name}}
        sets.measure_arms(name, train, results, sets.ARMS, {"epochs": 3}, **options)
    low, high = sets.LEARNING_RATES
    assert trained == [
        (True, low, 0), (True, high, 0), (True, high, 1), (True, high, 2),
        (False, low, 0), (False, high, 0), (False, low, 1), (False, low, 2),
        *((True, high, seed) for seed in range(3)),
        *((False, low, seed) for seed in range(3)),
    ]  # fmt: skip
    assert results.rows["two/scratch"]["learning_rate"] == low
    assert sets.rates_for("scratch", results, {}) == (low,)
    assert sets.rates_for("scratch", results, {"vocab_sha256": "w"}) == sets.LEARNING_RATES
    trained.clear()
    sets.measure_arms("one", train, results, ["scratch"], {}, **options, way="bi-encoder")
    assert results.rows["one/bi-encoder scratch"]["learning_rate"] == low
    assert trained == [(False, low, seed) for seed in range(3)], "the rate of the same arm"


# --- Whole runs with a tiny model ----------------------------------------------------------------

NAMES = "球队 主场 股价 银行 市场 比赛 今天 我们".split()


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A tiny mini-bert-zh, results in a folder of their own, one epoch; the folder for data."""
    checkpoint = str(save_tiny_bert(tmp_path / "model"))
    weights = {"model_sha256": "m", "vocab_sha256": "v"}
    monkeypatch.setattr(files, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(provenance, "fingerprints", lambda checkpoint: weights)
    for module, options in (
        (entities, {"MAX_LENGTH": 48}),
        (questions, {"WINDOW": {"max_length": 48, "stride": 8, "mark_shared": True}}),
        (pairs, {"MAX_LENGTH": 32, "SEEN": {"label": 0, "score": 0}, "SEEN_BY_COSINES": 0}),
    ):
        for name, value in ({"SEEN": 0, "resolve": lambda name: checkpoint} | options).items():
            monkeypatch.setattr(module, name, value)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def write_entities(folder):
    random = Random(0)
    for split, count in (("train", 40), ("val", 10), ("test", 10)):
        sentences = []
        for _ in range(count):
            name = random.choice(NAMES)
            before, behind = random.choice("的了在是"), random.choice("的了在是")
            rows = [(before, "O"), (name[0], "B-ORG"), (name[1], "I-ORG"), (behind, "O")]
            sentences.append("".join(f"{letter} {label}\n" for letter, label in rows))
        (folder / f"toy_{split}.txt").write_text("\n".join(sentences), encoding="utf8")


def write_questions(folder):
    random = Random(0)
    for split, count in (("train", 12), ("val", 4), ("test", 4)):
        data = []
        for number in range(count):
            name, first = random.choice(NAMES), "我们在主场三连胜，" * random.randint(0, 4)
            context = f"{first}{name}今天在{number}市。"
            asked = {"id": f"{split}{number}", "question": f"{name}在了？"}
            asked["answers"] = [
                {"text": f"{number}市", "answer_start": context.index(f"{number}市")}
            ]
            data.append({"title": "", "paragraphs": [{"context": context, "qas": [asked]}]})
        (folder / f"toy_{split}.json").write_text(json.dumps({"data": data}), encoding="utf8")


def write_pairs(folder, column, kinds, name="toy"):
    random = Random(0)
    for split, count in (("train", 60), ("val", 20), ("test", 20)):
        with open(folder / f"{name}_{split}.csv", "w", encoding="utf8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["sentence1", "sentence2", column])
            for _ in range(count):
                first, kind = random.choice(NAMES), random.randrange(kinds)
                second = first if kind else random.choice([each for each in NAMES if each != first])
                rows.writerow([f"{first}三连胜", f"{second}的了", kind])


WRITE = {
    "entities": (entities.measure_entities, write_entities),
    "questions": (questions.measure_questions, write_questions),
    "pairs": (pairs.measure_pairs, lambda folder: write_pairs(folder, "label", 2)),
    "grades": (pairs.measure_pairs, lambda folder: write_pairs(folder, "score", 6)),
}
BASELINES = {
    "entities": {"dictionary", "classical"},
    "questions": {"sentence", "span"},
    "pairs": {"majority", "sentence1", "sentence2", "overlap", "tfidf"},
    "grades": {"mean", "overlap", "tfidf"},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITE)
def test_rows_of_a_data_set(tiny, kind):
    measure, write = WRITE[kind]
    write(tiny)
    measure(tiny, Results(kind), ["tfidf"])
    rows = read_results(kind)
    assert set(rows) == {f"toy/{name}" for name in BASELINES[kind]}
    measure(tiny, Results(kind))
    rows = read_results(kind)
    models = ["toy/mini-bert-zh", "toy/scratch"]
    frozen = set()
    if kind in ("pairs", "grades"):
        models += ["toy/bi-encoder mini-bert-zh", "toy/bi-encoder scratch"]
        frozen = {"toy/frozen mini-bert-zh", "toy/frozen scratch"}
    assert set(rows) == {f"toy/{name}" for name in BASELINES[kind]} | {*models, *frozen}
    for name in models:
        row = rows[name]
        measures = {key: value for key, value in row.items() if isinstance(value, dict)}
        values = [value["values"] for value in measures.values() if "values" in value]
        assert values and all(len(each) == 3 for each in values), "one value a seed"
        assert row["epochs"] == 3 and row["learning_rate"] in sets.LEARNING_RATES
        assert row["data_sha256"] and row["vocab_sha256"] == "v"
        assert ("model_sha256" in row) == name.endswith("mini-bert-zh")
        [validated] = [value for key, value in row.items() if key.startswith("validation_")]
        assert [len(validated.get(f"{rate:g}", ())) for rate in sets.LEARNING_RATES].count(3) == 1
    file = files.results_file(kind)
    before = file.read_text(encoding="utf8")
    measure(tiny, Results(kind))
    assert file.read_text(encoding="utf8") == before, "nothing is measured twice"


@pytest.mark.slow
def test_other_data_of_the_same_name_is_measured_anew(tiny):
    write_entities(tiny)
    entities.measure_entities(tiny, Results("entities"), ["tfidf"])
    first = read_results("entities")["toy/dictionary"]
    assert first["f1"]["mean"] == 1.0 and first["f1_known"]["mean"] == 1.0
    text = (tiny / "toy_test.txt").read_text(encoding="utf8")
    (tiny / "toy_test.txt").write_text(text + "\n三 B-ORG\n连 I-ORG\n胜 I-ORG\n", encoding="utf8")
    entities.measure_entities(tiny, Results("entities"), ["tfidf"])
    row = read_results("entities")["toy/dictionary"]
    assert row["recall"]["mean"] == round(10 / 11, 4) and row["f1_unknown"]["mean"] == 0


# --- What only one kind has ----------------------------------------------------------------------


PASSAGE = "球队三连胜。今天主场得分。银行在主场降息。"
ASKED = [  # question, answers with their places
    ("主场得分了？", [("银行", 13)]),  # its nearest sentence is another
    ("银行是？", [("三连胜", 2), ("主场", 16), ("主场", 8)]),
    ("今天？", []),
    ("银行？", [("得分。银行", 10)]),  # runs over the end of a sentence
]


def asked():
    rows = [
        {
            "id": question,
            "question": question,
            "context": PASSAGE,
            "answers": {
                "text": [text for text, _ in answers],
                "answer_start": [start for _, start in answers],
            },
        }
        for question, answers in ASKED
    ]
    for row in rows:
        for text, start in zip(*row["answers"].values(), strict=True):
            assert PASSAGE[start:].startswith(text)
    return Dataset.from_list(rows)


def test_the_test_split_is_searched_by_the_question_alone():
    rows = questions.nearest_sentences(asked())
    first, last = "今天主场得分。", "银行在主场降息。"
    assert list(rows["context"]) == [first, last, first, last]
    assert list(rows["answers"]) == list(asked()["answers"]), "what is right stays right"


def test_the_model_learns_from_a_sentence_that_holds_the_answer():
    rows = questions.answer_sentences(asked())
    assert list(rows["question"]) == [question for question, _ in ASKED[:3]]
    assert list(rows["context"]) == ["银行在主场降息。", "银行在主场降息。", "今天主场得分。"]
    for row in rows:
        for text, start in zip(*row["answers"].values(), strict=True):
            assert row["context"][start:].startswith(text)
    assert [row["text"] for row in rows["answers"]] == [["银行"], ["主场"], []]


@pytest.mark.slow
def test_whoever_learned_the_first_is_asked_about_the_trap(tiny, monkeypatch):
    write_pairs(tiny, "label", 2)
    (tiny / "paws_val.csv").write_text(
        "sentence1,sentence2,label\n"
        + "".join(f"球队{i}胜,球队{i}胜,{i % 5 // 4}\n" for i in range(30)),
        encoding="utf8",
    )
    monkeypatch.setattr(pairs, "TRAPS", {"toy": "paws_val"})
    pairs.measure_pairs(tiny, Results("pairs"), ["tfidf"])
    rows = read_results("pairs")
    assert set(rows) == {f"toy/{name}" for name in BASELINES["pairs"]}, "the trap is no data set"
    assert rows["toy/overlap"]["accuracy"]["mean"] == 1.0
    assert rows["toy/overlap"]["paws_val"]["mean"] == 0.2, "all of its words are shared"


@pytest.mark.slow
def test_three_classes_have_no_order_of_cosines(tiny):
    """Entailment: the other rows are there, with one sentence alone among them."""
    write_pairs(tiny, "label", 3)
    pairs.measure_pairs(tiny, Results("pairs"))
    found = {name.removeprefix("toy/") for name in read_results("pairs")}
    models = {"mini-bert-zh", "scratch", "frozen mini-bert-zh", "frozen scratch"}
    assert found == {"majority", "sentence1", "sentence2", "tfidf"} | models


@pytest.mark.slow
@pytest.mark.parametrize("near", [0, 1])
def test_the_nearer_label_is_that_of_the_pairs_that_share_more(tiny, monkeypatch, near):
    """Other data may call the same 0, and have grades beside the labels."""
    monkeypatch.setattr(pairs, "TRAPS", {})
    write_pairs(tiny, "label", 2)
    splits = pairs.load_pairs(tiny, "toy")
    for split, rows in splits.items():
        labels = [label if near else 1 - label for label in rows["label"]]
        rows = rows.select_columns(["sentence1", "sentence2"]).add_column("label", labels)
        splits[split] = rows.add_column("score", [0.5] * len(rows))
    assert pairs.nearer_label(splits["train"]) == near
    measured, grade = pairs.bi_encoder_trainer(splits, {}, 3)(True, 3e-3, 0)
    assert measured > 0.8 and grade()["accuracy"] > 0.9


@pytest.mark.slow
def test_ridge_is_chosen_on_validation(tiny):
    write_pairs(tiny, "score", 6)
    splits = pairs.load_pairs(tiny, "toy")
    predict, chosen, mse = pairs.strongest_grades(splits["train"], splits["validation"])
    said = predict(splits["validation"])
    assert mse == pytest.approx(np.mean((said - np.array(splits["validation"]["score"])) ** 2))
    assert mse < np.var(splits["validation"]["score"]) and chosen


def test_always_the_same_grade_has_correlation_0():
    test = Dataset.from_dict({"score": [1.0, 2.0, 5.0]})
    assert pairs.grade_grades(test, [2.0, 2.0, 2.0]) == {
        "spearman": 0.0, "pearson": 0.0, "mse": pytest.approx(10 / 3),
    }  # fmt: skip
    assert pairs.grade_grades(test, [1, 2, 4])["spearman"] == pytest.approx(1)
