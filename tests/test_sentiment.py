"""The sentiment head of minilm-en: what it holds, how it is loaded, and that it is any good."""

import csv
import json

import numpy as np
import pytest
import torch
from conftest import MEASURED
from notebooks import ROOT
from safetensors.torch import load_file, save_file

from utils.data import IMDB_CLASSES, load_imdb
from utils.finetuning import (
    HEAD,
    is_head,
    load_head,
    new_classifier,
    predict,
    save_head,
    sentiment_classifier,
)
from utils.models import MINILM_SHA256, MINILM_VOCABULARY, ModelError, resolve

FOLDER = (ROOT / HEAD).parent


@pytest.fixture
def classifier():
    return new_classifier(resolve("minilm-en"), IMDB_CLASSES, seed=0)


def test_a_head_comes_back_and_the_rest_stays(classifier, tmp_path):
    other = new_classifier(resolve("minilm-en"), IMDB_CLASSES, seed=0)
    with torch.no_grad():
        for parameter in classifier.parameters():
            parameter.add_(0.125)
    save_head(classifier, tmp_path / "new/head.safetensors")
    published = {name: value.clone() for name, value in other.state_dict().items()}
    load_head(other, tmp_path / "new/head.safetensors")
    trained = classifier.state_dict()
    for name, value in other.named_parameters():
        expected = trained[name] if is_head(name) else published[name]
        torch.testing.assert_close(value.data, expected, atol=2e-3, rtol=2e-3, msg=name)
        assert value.dtype == torch.float32


def test_the_head_is_small(classifier):
    head = {name for name, _ in classifier.named_parameters() if is_head(name)}
    assert {"classifier.weight", "bert.pooler.dense.weight"} <= head
    assert "bert.encoder.layer.0.output.LayerNorm.weight" in head
    assert not any("embeddings.weight" in name or "query.weight" in name for name in head)
    assert (ROOT / HEAD).stat().st_size < 600_000


def test_a_missing_or_foreign_head_is_refused(classifier, tmp_path):
    path = tmp_path / "head.safetensors"
    with pytest.raises(ModelError, match="head.safetensors: missing; fetch the course again"):
        load_head(classifier, path)
    save_file({"classifier.weight": torch.zeros(3, 384)}, path)
    with pytest.raises(ModelError, match="not the sentiment head of minilm-en"):
        load_head(classifier, path)


@pytest.mark.slow
def test_the_shipped_head_tells_praise_from_blame(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "mini")
    monkeypatch.delenv("COURSE_DATA", raising=False)
    model, tokenizer = sentiment_classifier()
    assert model.config.id2label == {0: "neg", 1: "pos"} and not model.training
    test = load_imdb()["test"]
    right = predict(model, tokenizer, test["text"], 192).argmax(1) == np.array(test["label"])
    with open(ROOT / "data/mini_imdb/kinds.csv", encoding="utf8", newline="") as file:
        kinds = [row["kind"] for row in csv.DictReader(file) if row["split"] == "test"]
    plain = right[np.array(kinds) == "plain"].mean()
    MEASURED.append(f"sentiment head on mini_imdb: {right.mean():.3f}, plain reviews {plain:.3f}")
    assert plain > 0.75 and right.mean() > 0.55, "trained on real reviews, where irony is rare"


def test_the_card_tells_what_was_measured():
    log = json.loads((FOLDER / "training.json").read_text("utf8"))
    card = (FOLDER / "README.md").read_text("utf8")
    assert f"{log['test']['accuracy']:.3f}" in card and f"{log['minutes']:.0f} minutes" in card
    assert f"{log['settings']['trained_parameters']:,}" in card
    stored = sum(value.numel() for value in load_file(ROOT / HEAD).values())
    assert stored == log["settings"]["trained_parameters"]


def test_the_head_belongs_to_the_encoder_that_is_taken():
    """A head fits any encoder of this shape; `resolve` takes the one that it was trained with."""
    about = json.loads((FOLDER / "training.json").read_text("utf8"))["about"]
    assert about["model_sha256"] == MINILM_SHA256
    assert about["vocab_sha256"] == MINILM_VOCABULARY
