"""The model card of mini-bert-zh says what training.json and results/ say."""

import json

import pytest
from notebooks import ROOT

MODEL = ROOT / "models/mini-bert-zh"
METHODS = ("majority", "tfidf", "scratch", "mini-bert-zh")


def card() -> str:
    return (MODEL / "README.md").read_text(encoding="utf8")


def training() -> dict:
    return json.loads((MODEL / "training.json").read_text(encoding="utf8"))


@pytest.mark.parametrize("name", ["unigram", "untrained", "trained", "trained_full_length"])
def test_held_out_measures(name):
    measures = training()[name]
    expected = f"{measures['mlm_loss']:.2f}", f"{measures['mlm_accuracy']:.3f}"
    rows = [row.replace("*", "").split(" | ") for row in card().splitlines()]
    assert any(tuple(row[1:3]) == expected for row in rows), f"{name} {expected} not on the card"


def test_budget():
    run = training()
    assert f"{run['steps']:,} of 64 rows" in card()
    assert f"about {run['tokens_seen'] / 1e6:.0f} million tokens" in card()
    assert f"{run['minutes']:.0f} minutes" in card()
    assert run["command"] in card()


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
