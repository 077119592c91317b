"""Film reviews: which runs it makes and what it writes, with the slow parts replaced."""

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from measurements import imdb
from measurements.results import Results

from utils import results as files
from utils.results import read_results

pytestmark = pytest.mark.slow

GOOD, BAD = "a wonderful film", "a dreadful film"


def reviews(count: int) -> Dataset:
    rows = {
        "text": [f"{GOOD if i % 2 else BAD} number {i}" for i in range(count)],
        "label": [i % 2 for i in range(count)],
    }
    labels = ClassLabel(names=["neg", "pos"])
    return Dataset.from_dict(rows, Features({"text": Value("string"), "label": labels}))


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The calls of one_run; features that give the label away; results in a folder of their own."""
    calls = []

    def one_run(make_model, predict_classes, tokenizer, train, validation, test, **settings):
        calls.append({"rows": len(train), "test": len(test), **settings})
        rate = settings["learning_rate"]
        return {"accuracy": 0.5 + rate, "macro_f1": 0.5}, 0.5 + rate

    splits = {"train": reviews(600), "validation": reviews(100), "test": reviews(60)}
    monkeypatch.setattr(files, "RESULTS", tmp_path)
    monkeypatch.setattr(imdb, "load_imdb", lambda source: DatasetDict(splits))
    monkeypatch.setattr(imdb, "SIZES", {100: 3, 600: 2})
    monkeypatch.setattr(imdb, "VALIDATION_ROWS", 40)
    monkeypatch.setattr(imdb, "one_run", one_run)
    monkeypatch.setattr(
        imdb,
        "sentence_features",
        lambda encoder, tokenizer, texts, length: np.array([[GOOD in text, 1] for text in texts]),
    )
    return calls


def test_imdb_rows(runs):
    imdb.measure_imdb(None, Results("imdb"))
    rows = read_results("imdb")
    methods = ("majority", "tfidf", "frozen", imdb.ENCODER)
    kept = {f"keep {part}" for part in ("head", "tail", "head+tail")}
    assert set(rows) == {f"{size}/{method}" for size in (100, 600) for method in methods} | kept
    assert rows["100/majority"]["accuracy"]["mean"] == 0.5
    assert rows["100/frozen"]["accuracy"]["values"] == [1.0] * 3
    assert rows["600/frozen"]["accuracy"]["values"] == [1.0], "every seed draws the whole split"

    best = max(imdb.LEARNING_RATES)
    asked = ("rows", "learning_rate", "epochs", "seed")
    assert [tuple(call[each] for each in asked) for call in runs] == [
        *((100, rate, 3, 0) for rate in imdb.LEARNING_RATES),
        *((100, best, 3, seed) for seed in (1, 2)),
        *((600, best, 2, seed) for seed in (0, 1, 2)),
    ], "the rate that won with few labels serves for many"
    assert rows["600/minilm-en"]["learning_rate"] == best

    imdb.measure_imdb(None, Results("imdb"))
    assert len(runs) == 7, "nothing is measured twice"


def test_other_weights_are_measured_again(runs, monkeypatch):
    imdb.measure_imdb(None, Results("imdb"))
    monkeypatch.setattr(imdb, "fingerprints", lambda checkpoint: {"model_sha256": "another"})
    monkeypatch.setattr(imdb, "baselines", None)  # never called: they know no weights
    imdb.measure_imdb(None, Results("imdb"))
    assert len(runs) == 14 and read_results("imdb")["600/frozen"]["model_sha256"] == "another"


def test_the_sweep_looks_at_validation_alone(runs):
    imdb.measure_sweep(Results("imdb_sweep"))
    rows = read_results("imdb_sweep")
    assert len(rows) == len(imdb.SWEEP_RATES) * len(imdb.SWEEP_BATCHES)
    assert len(runs) == 3 * len(rows) and {call["test"] for call in runs} == {100}
    row = rows["batch 16, rate 0.002"]
    assert row["batch_size"] == 16 and row["learning_rate"] == 0.002
    assert len(row["accuracy"]["values"]) == 3
