"""Results files: one line a row, appended; what is measured again, and what a kill leaves."""

import json
import subprocess
import sys

import pytest
from filelock import FileLock, Timeout
from measurements import provenance
from measurements.machine import commit
from measurements.results import Results
from notebooks import ROOT

from utils import results as files
from utils.results import add_result, read_results, results_file


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def machine(monkeypatch):
    """What a run says of itself, for the test to change."""
    where = {"command": "python scripts/x.py", "commit": "a1", "hardware": "slow", "versions": {}}
    monkeypatch.setattr("measurements.results.circumstances", lambda: dict(where))
    return where


# --- The file ------------------------------------------------------------------------------------


def test_what_was_added_is_read_and_the_last_line_wins(folder):
    assert read_results("mini") == {}
    add_result("mini", "100/多数类", {"accuracy": 0.1})
    add_result("mini", "100/tfidf", {"accuracy": 0.6})
    add_result("mini", "100/多数类", {"accuracy": 0.2})
    assert read_results("mini") == {"100/多数类": {"accuracy": 0.2}, "100/tfidf": {"accuracy": 0.6}}
    lines = (folder / "mini.jsonl").read_text(encoding="utf8").splitlines()
    assert [json.loads(line)["accuracy"] for line in lines] == [0.1, 0.6, 0.2], "history is kept"
    assert "多数类" in lines[0] and read_results("titles") == {}


def test_rows_stand_by_number_of_labels():
    for name in ("1000/tfidf", "keep head", "200/tfidf", "1000/mini-bert-zh", "200/scratch"):
        add_result("mini", name, {})
    assert list(read_results("mini")) == [
        "keep head", "200/tfidf", "200/scratch", "1000/tfidf", "1000/mini-bert-zh",
    ]  # fmt: skip


# The whole line but its end; a half; the middle of a Chinese character.
@pytest.mark.parametrize("kept", [-1, 20, 16])
def test_a_line_that_breaks_off_is_measured_again(kept):
    add_result("mini", "one", {"accuracy": 0.1})
    whole = results_file("mini").read_bytes()
    add_result("mini", "两", {"accuracy": 0.2})
    line = results_file("mini").read_bytes()[len(whole) :]
    results_file("mini").write_bytes(whole + line[:kept])
    complete = kept == -1  # then nothing is lost
    assert read_results("mini").keys() == ({"one", "两"} if complete else {"one"})
    add_result("mini", "three", {"accuracy": 0.3})
    assert read_results("mini").keys() == ({"one", "两", "three"} if complete else {"one", "three"})
    text = results_file("mini").read_text(encoding="utf8")
    assert [json.loads(each) for each in text.splitlines()] and text.endswith("\n")


def test_a_damaged_line_in_the_middle_is_named():
    add_result("mini", "one", {})
    with results_file("mini").open("a", encoding="utf8") as file:
        file.write('<<<<<<< HEAD\n{"accuracy": 0.1}\n')
    with pytest.raises(ValueError, match=r"mini\.jsonl, line 2: not a row of results") as error:
        read_results("mini")
    assert "\n" not in str(error.value)


def test_two_processes_that_append_at_once_lose_nothing(folder):
    # Each row is read back as a last line that might break off, while the other one writes.
    program = """
import sys
from pathlib import Path
from utils import results
results.RESULTS = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for i in range(15):
    results.add_result("mini", f"{sys.argv[2]} {i}", {"text": sys.argv[2] * 1_000_000})
"""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(folder), who],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for who in "ab"
    ]  # fmt: skip
    assert [process.stdout.readline() for process in running] == ["ready\n"] * 2
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.wait() for process in running] == [0, 0]
    rows = read_results("mini")
    assert len(rows) == 30
    assert all(set(row["text"]) == {name[0]} for name, row in rows.items())


def test_a_row_is_written_under_the_lock(monkeypatch):
    tried = []

    def other_process(file):
        with pytest.raises(Timeout):
            FileLock(results_file("mini").with_suffix(".lock"), timeout=0).acquire()
        tried.append(True)

    monkeypatch.setattr(files, "_end_last_line", other_process)
    add_result("mini", "one", {})
    assert tried and read_results("mini") == {"one": {}}


# --- What a run measures again -------------------------------------------------------------------


def test_a_row_says_where_and_with_what_it_was_measured(machine):
    Results("mini", seeds=(3,)).add("one", {"accuracy": 0.1}, model_sha256="first")
    machine |= {"commit": "b2", "hardware": "fast"}
    Results("mini").add("two", {"accuracy": 0.2})
    rows = read_results("mini")
    first = {"accuracy": 0.1, "model_sha256": "first", "seeds": [3]}
    assert rows["one"] == machine | first | {"commit": "a1", "hardware": "slow"}
    assert rows["two"] == machine | {"accuracy": 0.2, "seeds": [0, 1, 2]}


def test_what_is_there_is_not_measured_again(machine):
    results = Results("mini")
    assert not results.has("one")
    results.add("one", {"accuracy": 0.1})
    assert results.has("one") and Results("mini").has("one")
    assert not Results("titles").has("one")
    fresh = Results("mini", fresh=True)
    assert not fresh.has("one")
    fresh.add("two", {})
    assert read_results("mini").keys() == {"one", "two"}, "only forgotten, not deleted"


def test_rows_of_other_weights_are_measured_again(machine):
    first = {"model_sha256": "first", "vocab_sha256": "first"}
    results = Results("mini")
    results.add("100/tfidf", {"accuracy": 0.1})
    results.add("100/scratch", {"accuracy": 0.1}, vocab_sha256="first")
    results.add("100/mini-bert-zh", {"accuracy": 0.1}, **first)
    again = Results("mini")
    assert again.has("100/mini-bert-zh", **first)
    assert not again.has("100/mini-bert-zh", **first | {"model_sha256": "second"})
    assert not again.has("100/scratch", vocab_sha256="second")
    assert not again.has("100/tfidf", model_sha256="first"), "a row that does not say is none"


def test_fingerprints_tell_models_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "resolve", lambda name: str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"abc")
    (tmp_path / "vocab.txt").write_text("a\nb\n")
    first = provenance.fingerprints("any")
    assert first["model_sha256"].startswith("ba7816bf8f01cfea")  # sha256 of "abc"
    (tmp_path / "vocab.txt").write_text("b\na\n")
    assert provenance.fingerprints("any")["vocab_sha256"] != first["vocab_sha256"]


def test_the_command_on_record_names_no_folder_of_this_machine(monkeypatch, tmp_path):
    given = ["benchmark.py", "--data", str(tmp_path / "real"), "--only", "x"]
    monkeypatch.setattr("sys.argv", given)
    about = provenance.circumstances()
    assert about["command"] == "python scripts/benchmark.py --data real --only x"
    assert about["hardware"] and about["versions"]["torch"]


# --- What ships ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((ROOT / "results").glob("*.jsonl")), ids=lambda p: p.stem)
def test_rows_that_ship_say_how_they_were_measured(path, monkeypatch):
    monkeypatch.setattr(files, "RESULTS", ROOT / "results")
    for name, row in read_results(path.stem).items():
        assert {"commit", "hardware", "versions", "seeds"} <= row.keys(), name
    described = (ROOT / "results/README.md").read_text(encoding="utf8")
    assert f"`{path.name}`" in described, f"{path.name}: say in results/README.md what it holds"


def test_without_git_a_run_has_no_commit(monkeypatch):
    def no_git(*_, **__):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", no_git)
    assert commit() == ""


def test_the_first_steps_of_the_shipped_logs_are_reproduced():
    """Of mini-bert-zh nearer to the log than 0.1 nat, of a loss that falls by two, and whose seeds
    differ by 0.06; of mini-t5 than 0.5, of a loss that falls by five, and whose seeds by 0.3."""
    apart = {"mini-bert-zh": 0.1, "mini-t5": 0.5}
    record = json.loads((ROOT / "results/first_steps.json").read_text(encoding="utf8"))
    assert set(record["models"]) == set(apart)
    for name, model in record["models"].items():
        lines = (ROOT / model["log"]).read_text(encoding="utf8").splitlines()
        logged = {row["step"]: row["loss"] for row in map(json.loads, lines) if "loss" in row}
        assert model["shipped"] == pytest.approx(
            [logged[step] for step in model["steps"]], abs=1e-4
        )
        for seed, means in model["again"].items():
            assert means == pytest.approx(model["shipped"], abs=apart[name]), (name, seed)
            fifties = [
                model["means_of_10"][seed][step // 10 - 5 : step // 10] for step in model["steps"]
            ]
            assert means == pytest.approx([sum(some) / 5 for some in fifties], abs=1e-3)
