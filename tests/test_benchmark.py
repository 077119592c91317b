"""scripts/benchmark.py: results that survive interruption, honest baselines, the summary."""

import json
from pathlib import Path

import benchmark
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from utils.data import balanced_sample

# --- Report --------------------------------------------------------------------------------------


@pytest.fixture
def results(tmp_path, monkeypatch):
    """An empty results folder, and a model whose fingerprint the test can change."""
    about = {"model_sha256": "first", "vocab_sha256": "first", "commit": "one"}
    monkeypatch.setattr(benchmark, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(benchmark, "describe", lambda checkpoint: dict(about))
    return about


def written(name: str = "mini") -> dict:
    return json.loads((benchmark.RESULTS / f"{name}.json").read_text(encoding="utf8"))


def test_report_writes_every_row_at_once(results):
    report = benchmark.Report("mini")
    assert report.rows == {}
    report.add("100/多数类", {"accuracy": 0.1})
    assert written() == {
        "about": results,
        "rows": {"100/多数类": {"accuracy": 0.1, "commit": "one"}},
    }
    report.add("100/tfidf", {"accuracy": 0.6})
    assert list(written()["rows"]) == ["100/多数类", "100/tfidf"]
    assert "多数类" in (benchmark.RESULTS / "mini.json").read_text(encoding="utf8")
    assert [path.name for path in benchmark.RESULTS.iterdir()] == ["mini.json"]


def test_report_sorts_by_labels(results):
    report = benchmark.Report("mini")
    for name in ("1000/tfidf", "200/tfidf", "1000/mini-bert-zh", "200/scratch"):
        report.add(name, {"accuracy": 0.1})
    names = ["200/tfidf", "200/scratch", "1000/tfidf", "1000/mini-bert-zh"]
    assert list(written()["rows"]) == names


def test_a_row_names_its_own_commit_and_machine(results):
    results |= {"commit": "a1", "hardware": "slow"}
    benchmark.Report("mini").add("one", {"accuracy": 0.1})
    results |= {"commit": "b2", "hardware": "fast"}
    benchmark.Report("mini").add("two", {"accuracy": 0.2})
    content = written()
    assert (content["about"]["commit"], content["about"]["hardware"]) == ("b2", "fast")
    machines = {name: (row["commit"], row["hardware"]) for name, row in content["rows"].items()}
    assert machines == {"one": ("a1", "slow"), "two": ("b2", "fast")}


def test_report_resumes_and_keeps_rows(results):
    benchmark.Report("mini").add("one", {"accuracy": 0.1})
    again = benchmark.Report("mini")
    assert again.rows == {"one": {"accuracy": 0.1, "commit": "one"}}
    again.add("two", {"accuracy": 0.2})
    assert list(written()["rows"]) == ["one", "two"]
    assert benchmark.Report("titles").rows == {}


def test_report_measures_another_model_anew(results):
    report = benchmark.Report("mini")
    for name in ("100/tfidf", "100/scratch", "100/mini-bert-zh", "fine-tuning"):
        report.add(name, {"accuracy": 0.1})
    results["model_sha256"] = "second"
    report = benchmark.Report("mini")
    assert list(report.rows) == ["100/tfidf", "100/scratch"], "what does not know the weights stays"
    report.add("100/mini-bert-zh", {"accuracy": 0.2})
    assert written()["about"] == results
    assert written()["rows"]["100/mini-bert-zh"] == {"accuracy": 0.2, "commit": "one"}


def test_report_starts_anew_for_another_vocabulary(results):
    benchmark.Report("mini").add("100/scratch", {"accuracy": 0.1})
    results |= {"model_sha256": "second", "vocab_sha256": "second"}
    assert benchmark.Report("mini").rows == {}


def test_two_reports_side_by_side_keep_the_rows_of_both(results):
    benchmark.Report("mini").add("old", {"accuracy": 0.1})
    first, second = benchmark.Report("mini"), benchmark.Report("mini", fresh=True)
    first.add("one", {"accuracy": 0.2})
    second.add("two", {"accuracy": 0.3})
    assert set(written()["rows"]) == {"one", "two"}, "the second run was to forget the old row"
    first.add("three", {"accuracy": 0.4})
    assert {"one", "two", "three"} <= set(written()["rows"])
    second.add("old", {"accuracy": 0.5})
    first.add("four", {"accuracy": 0.6})
    assert written()["rows"]["old"]["accuracy"] == 0.5, "measured anew by the other"


def test_report_fresh_forgets(results):
    benchmark.Report("mini").add("one", {"accuracy": 0.1})
    assert benchmark.Report("mini", fresh=True).rows == {}


def test_report_stays_whole_when_writing_breaks_off(results, monkeypatch):
    report = benchmark.Report("mini")
    report.add("one", {"accuracy": 0.1})

    def half(path, text, **options):
        with open(path, "w", encoding="utf8") as file:
            file.write(text[: len(text) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(KeyboardInterrupt):
        report.add("two", {"accuracy": 0.2})
    assert benchmark.Report("mini").rows == {"one": {"accuracy": 0.1, "commit": "one"}}


def test_describe_tells_models_apart(tmp_path, monkeypatch):
    weights = tmp_path / "model.safetensors"
    monkeypatch.setattr(benchmark, "resolve", lambda name: str(tmp_path))
    weights.write_bytes(b"abc")
    about = benchmark.describe()
    assert about["model_sha256"].startswith("ba7816bf8f01cfea")  # sha256 of "abc"
    assert about["seeds"] == [0, 1, 2] and about["hardware"] and about["versions"]["torch"]


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

    monkeypatch.setattr(benchmark, "strongest_tfidf", spy)
    rows = dataset(40, 40)
    train, test = rows.select(range(60)), rows.select(range(60, 80))
    samples = {seed: balanced_sample(train, 20, seed) for seed in range(3)}
    result = benchmark.baselines(samples, test)
    expected = [pair for s in samples.values() for pair in zip(s["text"], s["label"], strict=True)]
    assert seen == expected, "TF-IDF saw other texts or labels than its training sample's"
    assert result["tfidf"]["chosen"] == ["characters 1-2, C=10"] * 3
    assert result["majority"]["accuracy"] == {"mean": 0.5, "sd": 0.0, "values": [0.5] * 3}
    everything = benchmark.baselines(dict.fromkeys(range(3), train), test)
    assert len(everything["tfidf"]["accuracy"]["values"]) == 1, "three times the same"


def test_score_averages_f1_over_classes():
    # Class 0: precision 2/3, recall 1, F1 0.8; class 1 never found: 0.
    assert benchmark.score([0, 0, 1], [0, 0, 0]) == pytest.approx(
        {"accuracy": 2 / 3, "macro_f1": 0.4}
    )


def test_summary_mean_and_sample_deviation():
    row = benchmark.summary([{"accuracy": value} for value in (0.5, 0.6, 0.76543)])
    assert row == {"accuracy": {"mean": 0.6218, "sd": 0.134, "values": [0.5, 0.6, 0.7654]}}
    alone = benchmark.summary([{"accuracy": 0.5, "macro_f1": 0.25}])
    assert alone["macro_f1"] == {"mean": 0.25, "sd": 0.0, "values": [0.25]}


def test_the_command_on_record_names_no_folder_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "sys.argv", ["benchmark.py", "--data", str(tmp_path / "real"), "--only", "x"]
    )
    assert benchmark.describe()["command"] == "python scripts/benchmark.py --data real --only x"
