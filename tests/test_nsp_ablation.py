"""scripts/nsp_ablation.py: its documents do not overlap, its arms differ in NSP only, and what
it wrote is complete."""

import sys

import nsp_ablation
import pytest
import torch
from tiny_bert import tiny_tokenizer

from utils import results as files
from utils.data import load_thucnews
from utils.profile import course_root
from utils.results import read_results


@pytest.fixture(scope="module")
def news():
    return load_thucnews(course_root() / "data/mini_thucnews")


def test_held_out_documents_are_not_trained_on(news):
    train, held_out = nsp_ablation.course_documents(news)
    assert len(held_out) == 24 and len(train) == 96 + len(news["train"])
    trained = {sentence for document in train for sentence in document}
    assert not [sentence for document in held_out for sentence in document if sentence in trained]
    asked = {part for text in news["test"]["text"] for part in nsp_ablation.split_sentences(text)}
    assert not asked & {part for part in trained if len(part) > 10}


def test_split_sentences():
    parts = nsp_ablation.split_sentences("央行降息 专家：影响有限。真的吗？等等看")
    assert parts == ["央行降息", "专家：影响有限。", "真的吗？", "等等看"]


def test_arms_start_from_the_same_weights():
    tokenizer = tiny_tokenizer()
    one, again, other = (nsp_ablation.nano_model(tokenizer, seed) for seed in (0, 0, 1))
    pairs = zip(one.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)
    assert not torch.equal(one.bert.pooler.dense.weight, other.bert.pooler.dense.weight)


def test_recorded_rows_are_complete():
    recorded = read_results("nsp_ablation")
    names = {f"{arm}/{seed}" for arm in nsp_ablation.ARMS for seed in nsp_ablation.SEEDS}
    assert set(recorded) == names
    for name, row in recorded.items():
        untrained = name.startswith("no pretraining")
        assert (row["mlm_loss"] > 8.5) == untrained, f"{name}: {row['mlm_loss']}"
        assert 0.1 < row["accuracy_100"] < row["accuracy_900"] < 0.95


@pytest.mark.slow
def test_only_missing_seeds_are_measured(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    monkeypatch.setattr(nsp_ablation, "train_steps", lambda *arguments: steps.append(arguments[3]))
    for seeds in (["0"], ["0", "1"]):
        monkeypatch.setattr(sys, "argv", ["nsp_ablation.py", "--seeds", *seeds])
        nsp_ablation.main()
    rows = read_results("nsp_ablation")
    assert set(rows) == {f"{arm}/{seed}" for arm in nsp_ablation.ARMS for seed in (0, 1)}
    assert len(steps) == 4 and rows["nsp on/1"]["seeds"] == [1]
    assert rows["nsp on/1"]["pretraining"]["steps"] == nsp_ablation.STEPS
