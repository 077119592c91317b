"""The model cards say what training.json and results/ say."""

import re
from pathlib import Path

import model_cards
import pytest
from notebooks import ROOT

from utils.models import file_sha256, resolve
from utils.results import read_results
from utils.training_log import training_rounds


def card(model: str) -> str:
    return model_cards.card_of(model).read_text(encoding="utf8")


@pytest.mark.parametrize("model", model_cards.HELD_OUT)
def test_tables_hold_what_was_measured(model):
    assert model_cards.fill(card(model), model) == card(model), "run: scripts/model_cards.py"


@pytest.mark.parametrize("model", model_cards.HELD_OUT)
def test_a_wrong_number_is_found_and_mended(model):
    rows = model_cards.held_out_rows(model)
    wrong = card(model).replace(rows[0], rows[0].replace("0.", "9."))
    assert wrong != card(model) == model_cards.fill(wrong, model)


def test_a_card_without_its_table_is_refused():
    with pytest.raises(ValueError, match="no table, or two, with the heading: "):
        model_cards.fill(card("mini-gpt-zh").replace("| loss (nats) |", "| loss |"), "mini-gpt-zh")


@pytest.mark.parametrize("model", model_cards.HELD_OUT)
def test_budget(model):
    for run in training_rounds(ROOT / "models" / model):
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


@pytest.mark.parametrize(
    "path", sorted((ROOT / "results").glob("*.jsonl")), ids=lambda path: path.stem
)
def test_results_belong_to_the_models_that_ship(path):
    shipped = {
        file_sha256(ROOT / "models" / name / "model.safetensors") for name in model_cards.HELD_OUT
    }
    if path.stem.startswith("imdb"):
        shipped = {file_sha256(Path(resolve("minilm-en")) / "model.safetensors")}
    for name, row in read_results(path.stem).items():
        if row.get("arm") != "t5-before-tasks":  # which does not ship
            assert row.get("model_sha256") in {None, *shipped}, name
