"""The model cards say what training.json and results/ say."""

import json
import re

import objectives
import pytest
from notebooks import ROOT

from utils.training_log import training_rounds

MODEL = ROOT / "models/mini-bert-zh"
METHODS = ("majority", "tfidf", "scratch", "mini-bert-zh")
# model -> what its measures are called
PRETRAINED = {"mini-bert-zh": "mlm", "mini-gpt-zh": "lm", "mini-t5": "span"}


def card(model: str = "mini-bert-zh") -> str:
    return (ROOT / "models" / model / "README.md").read_text(encoding="utf8")


def rounds(model: str) -> list[dict]:
    """The reports of its rounds of training, the first round first."""
    return training_rounds(ROOT / "models" / model)


@pytest.mark.parametrize("model", PRETRAINED)
def test_held_out_measures(model):
    first, last = rounds(model)[0], rounds(model)[-1]
    reported = [first[name] for name in ("unigram", "untrained", "trained")]
    reported += [last[name] for name in ("trained", "trained_full_length")]
    rows = [row.replace("*", "").strip(" |").split(" | ") for row in card(model).splitlines()]
    for measures in reported:
        loss, accuracy = (measures[f"{PRETRAINED[model]}_{each}"] for each in ("loss", "accuracy"))
        expected = [f"{loss:.2f}", f"{accuracy:.3f}"]
        assert any(row[1:3] == expected for row in rows), f"{expected} not on the card"


def test_task_measures():
    """The shares of the tasks' answers that mini-t5 writes right."""
    measures = rounds("mini-t5")[-1]["trained"]
    shares = [f"{measures[f'{task}_accuracy']:.3f}" for task in objectives.TASKS]
    rows = [row.replace("*", "").strip(" |").split(" | ") for row in card("mini-t5").splitlines()]
    assert any(row[3:] == shares for row in rows), f"{shares} not on the card"


@pytest.mark.parametrize("model", PRETRAINED)
def test_budget(model):
    for run in rounds(model):
        rows = re.search(r"--batch-size (\d+)", run["command"])
        assert f"{run['steps']:,} of {rows[1] if rows else 64} rows" in card(model)
        if run["tokens_seen"]:  # not counted where tasks are mixed in
            assert f"about {run['tokens_seen'] / 1e6:.0f} million tokens" in card(model)
        minutes = f"{run['minutes']:.1f}" if run["minutes"] < 10 else f"{run['minutes']:.0f}"
        assert f"{minutes} minutes" in card(model) and device(run) in card(model)
        assert run["command"] in card(model)


def device(run: dict) -> str:
    """As the card calls it."""
    return "H100" if "H100" in run["device"] else "x86-64"


def cell(row: dict | None) -> str:
    if row is None:  # not measured yet
        return "–"
    return f"{row['accuracy']['mean']:.3f} ± {row['accuracy']['sd']:.3f}"


@pytest.mark.parametrize("task", ["mini", "titles", "texts"])
def test_fine_tuning_results(task):
    results = json.loads((ROOT / f"results/thucnews_{task}.json").read_text(encoding="utf8"))
    sizes = {name.split("/")[0] for name in results["rows"] if name.endswith("/mini-bert-zh")}
    for size in sizes:
        cells = " | ".join(cell(results["rows"].get(f"{size}/{method}")) for method in METHODS)
        row = f"| {int(size):,} | {cells} |"
        assert row in card(), f"{task}, {size} labels: the card lacks {row}"


def test_results_belong_to_the_model_that_ships():
    from utils.models import file_sha256

    for path in sorted((ROOT / "results").glob("thucnews_*.json")):
        about = json.loads(path.read_text(encoding="utf8"))["about"]
        assert about["model_sha256"] == file_sha256(MODEL / "model.safetensors"), path.name
