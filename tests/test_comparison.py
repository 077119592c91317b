"""scripts/comparison.py: which rows it writes, for which models, with the slow parts replaced."""

import sys
from functools import partial

import comparison
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from measurements import news as news_tasks
from measurements import runs as fine_tuning
from measurements import understanding
from tiny_bert import save_tiny_bert
from tiny_language_models import save_tiny_gpt, save_tiny_t5
from transformers import BertLMHeadModel

from utils import results as files
from utils.measuring import make_blanks
from utils.models import ModelError
from utils.results import read_results

pytestmark = pytest.mark.slow

NAMES = ["球队", "银行"]
SENTENCES = ["今天我们的球队在主场比赛得分", "今天我们的银行在降息市场利率"]


def news(count: int) -> Dataset:
    rows = {
        "text": [SENTENCES[i % 2] + "0123456789"[i % 10] for i in range(count)],
        "label": [i % 2 for i in range(count)],
    }
    return Dataset.from_dict(
        rows, Features({"text": Value("string"), "label": ClassLabel(names=NAMES)})
    )


@pytest.fixture
def arms(tmp_path):
    save_tiny_bert(tmp_path / "mini-bert-zh", dtype=torch.float16)
    save_tiny_gpt(tmp_path / "mini-gpt-zh")
    save_tiny_t5(tmp_path / "mini-t5")
    (tmp_path / "mini-t5/training.json").write_text('{"steps": 7, "tasks": ["thucnews=mini"]}')
    return {arm: str(tmp_path / name) for arm, name in comparison.MODELS.items()}


@pytest.fixture
def runs(arms, tmp_path, monkeypatch):
    """The calls of one_run; small data and models; results in a folder of their own."""
    calls = []

    def one_run(make_model, predict_classes, tokenizer, train, validation, test, **settings):
        rate = settings["learning_rate"]
        folder = make_model(settings["seed"]).name_or_path
        calls.append((folder.rsplit("/", 1)[-1], len(train), len(validation), settings))
        return {"accuracy": 0.5 + rate, "macro_f1": 0.5}, 0.5 + rate

    splits = DatasetDict(train=news(24), validation=news(12), test=news(12))
    monkeypatch.setattr(files, "RESULTS", tmp_path / "results")
    tasks = {"mini": (None, 32, {8: 3, 24: 2}), "titles": ("t", 32, {8: 4})}
    for module in (comparison, news_tasks, understanding):
        monkeypatch.setattr(module, "TASKS", tasks)
    monkeypatch.setattr(news_tasks, "load_thucnews", lambda source: splits)
    monkeypatch.setattr(understanding, "SIZES", {"mini": (8, 24), "titles": (8,)})
    monkeypatch.setattr(fine_tuning, "one_run", one_run)
    monkeypatch.setattr(comparison, "make_blanks", partial(make_blanks, choices=4))
    return calls


def written() -> dict:
    return read_results("bert_gpt_t5")


def run(monkeypatch, arms, *arguments) -> None:
    known = {name: arms[arm] for arm, name in comparison.MODELS.items()}
    monkeypatch.setattr(comparison, "resolve", lambda name: known.get(str(name), str(name)))
    monkeypatch.setattr(sys, "argv", ["comparison.py", *map(str, arguments)])
    comparison.main()


def test_understanding_on_equal_terms(arms, runs, tmp_path, monkeypatch):
    before = save_tiny_t5(tmp_path / "spans")
    run(monkeypatch, arms, "--only", "mini", "--before-tasks", before)
    rows = written()
    methods = ["majority", "tfidf", "bert", "gpt", "t5", "t5-before-tasks"]
    methods += ["frozen bert mean", "frozen gpt mean", "frozen gpt last", "frozen t5 mean"]
    methods += ["frozen t5-before-tasks mean", "frozen scratch mean"]
    assert set(rows) == {f"mini/{size}/{method}" for size in (8, 24) for method in methods}

    # The same labels, epochs, rates and seeds for all.
    calls = {}
    for name, *settings in runs:
        calls.setdefault(name, []).append(settings)
    assert set(calls) == {"mini-bert-zh", "mini-gpt-zh", "mini-t5", "spans"}
    assert len({str(settings) for settings in calls.values()}) == 1
    assert calls["spans"] == [
        [size, min(size, 12), {"learning_rate": rate, "epochs": epochs, "seed": seed}]
        for size, epochs in ((8, 3), (24, 2))
        for rate in fine_tuning.LEARNING_RATES
        for seed in fine_tuning.SEEDS
    ]

    assert rows["mini/8/gpt"]["learning_rate"] == max(fine_tuning.LEARNING_RATES)
    assert rows["mini/8/t5"]["tasks_seen"] == ["thucnews=mini"]
    assert rows["mini/8/t5-before-tasks"]["tasks_seen"] == rows["mini/8/gpt"]["tasks_seen"] == []
    assert rows["mini/8/frozen gpt mean"]["accuracy"]["mean"] > 0.9, "even random features tell"
    bert = rows["mini/8/bert"]
    assert (bert["arm"], bert["model"]) == ("bert", "mini-bert-zh")
    assert len(bert["model_sha256"]) == 64 and "model_sha256" not in rows["mini/8/tfidf"]


def test_real_titles_take_the_rate_chosen_on_the_courses_news(arms, runs, tmp_path, monkeypatch):
    run(monkeypatch, arms, "--data", tmp_path, "--only", "mini", "titles", "--arms", "bert")
    rows = written()
    best = rows["mini/8/bert"]["learning_rate"]
    assert rows["titles/8/bert"]["learning_rate"] == best
    assert [each["learning_rate"] for *_, each in runs if each["epochs"] == 4] == [best] * 3
    with pytest.raises(SystemExit, match="the rate of mini/8/gpt, not measured yet; add mini"):
        run(monkeypatch, arms, "--data", tmp_path, "--only", "titles", "--arms", "gpt")


def test_only_a_changed_model_is_measured_again(arms, runs, tmp_path, monkeypatch):
    run(monkeypatch, arms, "--only", "mini")
    first = len(runs)
    run(monkeypatch, arms, "--only", "mini")
    assert len(runs) == first, "nothing is measured twice"
    model = BertLMHeadModel.from_pretrained(arms["gpt"])
    model.cls.predictions.bias.data += 1
    model.save_pretrained(arms["gpt"])
    run(monkeypatch, arms, "--only", "mini")
    assert {name for name, *_ in runs[first:]} == {"mini-gpt-zh"}


def test_some_models_can_be_measured_before_the_others_exist(arms, runs, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "measure_costs", None)  # never called: it needs all three
    before = save_tiny_t5(tmp_path / "spans")
    run(monkeypatch, arms, "--arms", "t5", "--before-tasks", before)
    first = written()
    assert {name for name, *_ in runs} == {"mini-t5", "spans"}
    run(monkeypatch, arms, "--arms", "bert", "gpt", "--only", "mini", "filling")
    rows = written()
    assert {row.get("arm") for row in rows.values()} == {None, *comparison.ARMS}
    assert first.items() <= rows.items(), "nothing is lost or measured anew"
    run(monkeypatch, arms, "--fresh", "--only", "filling")
    measured = ("closed", "open", "first")
    at_once, before = written()["filling/t5"], rows["filling/t5"]
    assert [at_once[each] for each in measured] == [before[each] for each in measured], (
        "same blanks"
    )


def test_cost_filling_and_perplexity(arms, runs, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "measure_costs", partial(comparison.measure_costs, count=2))
    run(monkeypatch, arms, "--only", "cost", "filling", "perplexity")
    rows = written()
    assert set(rows) == {
        *(f"cost/{arm}" for arm in ("tfidf", *comparison.MODELS)),
        *(
            f"filling/{way}"
            for way in ("unigram", "bert", "bert by turns", "gpt left", "gpt whole", "t5")
        ),
        *(f"perplexity/{arm}" for arm in ("unigram", "gpt", "bert")),
        *(f"continuation/{arm}" for arm in ("unigram", "gpt", "t5")),
    }
    for arm in comparison.MODELS:
        row = rows[f"cost/{arm}"]
        assert row["milliseconds"]["mean"] > 0 and row["batched"]["mean"] > 0
        assert row["peak_megabytes"] > 0 and row["parameters"] > 0
    assert rows["cost/tfidf"]["milliseconds"]["mean"] > 0 and rows["cost/tfidf"]["parameters"] > 10
    assert 0 <= rows["filling/bert"]["closed"]["mean"] <= 1 and "first" in rows["filling/t5"]
    assert "open" in rows["filling/gpt left"] and "open" not in rows["filling/gpt whole"]
    assert "open" in rows["filling/bert"] and "open" not in rows["filling/bert by turns"]
    assert rows["perplexity/bert"]["pseudo"] and not rows["perplexity/gpt"]["pseudo"]
    # A text of this corpus repeats itself: its own frequencies say more than random weights.
    assert rows["perplexity/unigram"]["token"] < rows["perplexity/gpt"]["token"]


def test_real_titles_are_filled_and_continued_too(arms, runs, tmp_path, monkeypatch):
    run(monkeypatch, arms, "--data", tmp_path, "--only", "filling", "perplexity", "--arms", "t5")
    rows = written()
    for suffix in ("", " titles"):
        assert {f"filling{suffix}/t5", f"continuation{suffix}/t5"} <= set(rows)


def refused(monkeypatch, capsys, *arguments) -> str:
    monkeypatch.setattr(sys, "argv", ["comparison.py", *arguments])
    with pytest.raises(SystemExit) as stop:
        comparison.main()
    assert stop.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_what_is_missing_is_said_in_one_line(monkeypatch, capsys):
    def resolve(name):
        raise ModelError(f"models/{name}: no config.json, so this is no model folder")

    assert "--data: give the folder" in refused(monkeypatch, capsys, "--only", "titles")
    monkeypatch.setattr(comparison, "resolve", resolve)
    said = refused(monkeypatch, capsys)
    assert (
        "models/mini-bert-zh: no config.json" in said
        and "needed: mini-bert-zh, mini-gpt-zh, mini-t5" in said
    )


def test_costs_of_some_models_are_refused_not_skipped(monkeypatch, capsys):
    said = refused(monkeypatch, capsys, "--only", "cost", "--arms", "t5")
    assert "needs all three models" in said


def test_gpt_fills_the_blanks_of_bert_and_t5(monkeypatch, capsys):
    def resolve(name):
        if name == "mini-t5":
            raise ModelError("models/mini-t5: no such folder")
        return name

    monkeypatch.setattr(comparison, "resolve", resolve)
    said = refused(monkeypatch, capsys, "--only", "filling", "--arms", "gpt")
    assert "models/mini-t5: no such folder" in said
    assert "needed: mini-bert-zh, mini-gpt-zh, mini-t5" in said
