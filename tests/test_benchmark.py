"""What runs.py measures: balanced samples, honest baselines, the summary."""

import gzip

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from measurements import faster, runs
from tiny_bert import save_tiny_bert, tiny_tokenizer

from utils.data import balanced_sample
from utils.finetuning import new_classifier, predict

# --- balanced_sample -----------------------------------------------------------------------------


def dataset(*counts: int) -> Dataset:
    """`counts[c]` rows of class c, classes mixed."""
    labels = sorted((place / count, c) for c, count in enumerate(counts) for place in range(count))
    rows = {"text": [f"第{i}条" for i in range(len(labels))], "label": [c for _, c in labels]}
    names = [f"类{c}" for c in range(len(counts))]
    return Dataset.from_dict(
        rows, features=Features({"text": Value("string"), "label": ClassLabel(names=names)})
    )


def test_balanced_sample_is_balanced():
    sample = balanced_sample(dataset(50, 20, 30), 30, seed=0)
    assert [list(sample["label"]).count(c) for c in range(3)] == [10, 10, 10]
    assert len(set(sample["text"])) == 30, "a row was drawn twice"
    assert sample.features["label"].names == ["类0", "类1", "类2"]


@pytest.mark.parametrize("size", [30, 31, 32])
def test_balanced_sample_keeps_the_order_and_never_takes_more(size):
    rows = dataset(50, 20, 30)
    sample = balanced_sample(rows, size, seed=3)
    assert [list(sample["label"]).count(c) for c in range(3)] == [10, 10, 10]
    places = [int(text[1:-1]) for text in sample["text"]]
    assert places == sorted(places)


def test_balanced_sample_of_a_selection_takes_its_rows():
    """Behind the places that `select` chose lie other rows of the same table."""
    rows = dataset(50, 50).select(range(0, 100, 2))
    sample = balanced_sample(rows, 20, seed=0)
    assert set(sample["text"]) <= set(rows["text"]) and len(set(sample["text"])) == 20


def test_balanced_sample_repeats_for_a_seed():
    rows = dataset(50, 20, 30)
    drawn = {seed: list(balanced_sample(rows, 30, seed)["text"]) for seed in range(3)}
    assert drawn[1] == list(balanced_sample(rows, 30, 1)["text"])
    assert drawn[0] != drawn[1] != drawn[2]


def test_balanced_sample_of_everything():
    rows = dataset(5, 2)
    assert list(balanced_sample(rows, None, 0)["text"]) == list(rows["text"])


# --- baselines, score, summary -------------------------------------------------------------------


def test_baselines_choose_and_learn_on_the_sample_alone(monkeypatch):
    seen = []

    class Model:
        def predict(self, texts):
            return [0] * len(texts)

    def spy(texts, labels, terms):
        seen.extend(zip(texts, labels, strict=True))
        return Model(), "characters 1-2, C=10", 0.9

    monkeypatch.setattr(runs, "strongest_tfidf", spy)
    rows = dataset(40, 40)
    train, test = rows.select(range(60)), rows.select(range(60, 80))
    samples = {seed: balanced_sample(train, 20, seed) for seed in range(3)}
    result = runs.baselines(samples, test)
    expected = [pair for s in samples.values() for pair in zip(s["text"], s["label"], strict=True)]
    assert seen == expected, "TF-IDF saw other texts or labels than its training sample's"
    assert result["tfidf"]["chosen"] == ["characters 1-2, C=10"] * 3
    assert result["majority"]["accuracy"] == {"mean": 0.5, "sd": 0.0, "values": [0.5] * 3}
    everything = runs.baselines(dict.fromkeys(range(3), train), test)
    assert len(everything["tfidf"]["accuracy"]["values"]) == 1, "three times the same"


def test_score_averages_f1_over_classes():
    # Class 0: precision 2/3, recall 1, F1 0.8; class 1 never found: 0.
    assert runs.score([0, 0, 1], [0, 0, 0]) == pytest.approx({"accuracy": 2 / 3, "macro_f1": 0.4})


def test_summary_mean_and_sample_deviation():
    row = runs.summary([{"accuracy": value} for value in (0.5, 0.6, 0.76543)])
    assert row == {"accuracy": {"mean": 0.6218, "sd": 0.134, "values": [0.5, 0.6, 0.7654]}}
    alone = runs.summary([{"accuracy": 0.5, "macro_f1": 0.25}])
    assert alone["macro_f1"] == {"mean": 0.25, "sd": 0.0, "values": [0.25]}


# --- one run, a tuned one ------------------------------------------------------------------------


class Trained:
    """What `fine_tune` gives back, as far as a run looks at it."""

    def __init__(self, model, best):
        self.model, self.state = model, type("State", (), {"best_metric": best})


@pytest.fixture
def trained(monkeypatch):
    """The calls of `fine_tune`; validation says the lower rate is better, and seed 2 the best."""
    calls = []

    def fine_tune(model, tokenizer, train, validation, *, learning_rate, epochs, seed, **options):
        calls.append((model, learning_rate, epochs, seed, len(train), options))
        return Trained(model, 0.9 - learning_rate + 0.01 * seed)

    monkeypatch.setattr(runs, "fine_tune", fine_tune)
    return calls


def test_one_run_trains_a_new_model_and_asks_it_once(trained):
    asked = []

    def predict_classes(model, texts):
        asked.append((model, texts))
        return [0] * len(texts)

    test = dataset(3, 1)
    scores, best = runs.one_run(
        "model {}".format, predict_classes, None, dataset(4), dataset(2), test,
        learning_rate=0.1, epochs=3, seed=2, batch_size=5,
    )  # fmt: skip
    assert trained == [("model 2", 0.1, 3, 2, 4, {"progress": False, "batch_size": 5})]
    assert asked == [("model 2", list(test["text"]))]
    assert scores["accuracy"] == 0.75 and best == pytest.approx(0.82)


def test_the_rate_is_chosen_by_validation_over_all_seeds(trained):
    samples = {seed: dataset(4 + seed) for seed in range(3)}
    row = runs.tuned(
        lambda seed: seed, lambda model, texts: [model > 0] * len(texts), None,
        samples, dataset(2), dataset(1, 3), epochs=3, rates=(0.2, 0.1),
    )  # fmt: skip
    assert row["learning_rate"] == 0.1 and row["epochs"] == 3
    assert row["validation_macro_f1"] == {"0.2": [0.7, 0.71, 0.72], "0.1": [0.8, 0.81, 0.82]}
    assert row["accuracy"]["values"] == [0.25, 0.75, 0.75], "one value a seed, of the chosen rate"
    assert [call[1:] for call in trained] == [
        (rate, 3, seed, 4 + seed, {"progress": False}) for rate in (0.2, 0.1) for seed in range(3)
    ]


def test_the_tutorials_way_of_asking_gives_the_classes_of_predict(tmp_path):
    """Or the speeds would be of two different answers."""
    tokenizer = tiny_tokenizer()
    folder = str(save_tiny_bert(tmp_path / "model"))
    model = new_classifier(folder, ["a", "b", "c"])
    texts = ["球队主场三连胜", "股价", "银行降息，利率", "比赛", "今天"] * 8
    said = faster.padded_classes(model.eval(), tokenizer, texts, length=64)
    np.testing.assert_array_equal(said, predict(model, tokenizer, texts).argmax(1))
    assert len(said) == 40


def test_titles_that_are_kept_back_are_not_among_the_unlabelled(tmp_path):
    with gzip.open(tmp_path / "titles.gz", "wt", encoding="utf8") as file:
        file.write("甲\n\n乙\n丙\n甲\n丁\n")
    splits = {"train": {"text": ["甲"]}, "validation": {"text": ["乙"]}, "test": {"text": ["丁"]}}
    assert faster.read_titles(tmp_path / "titles.gz", splits) == ["甲", "丙"]
