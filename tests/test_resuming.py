"""utils.resuming and utils.training_log: the checkpoint to resume from, the log; precision."""

import json
from types import SimpleNamespace

import pytest
import torch

from utils.finetuning import ShuffledBatches
from utils.profile import bf16_available
from utils.resuming import last_complete_checkpoint
from utils.training_log import JsonLog

# --- ShuffledBatches -----------------------------------------------------------------------------


def test_batches_stay_together_and_come_in_random_order():
    torch.manual_seed(0)
    sampler = ShuffledBatches(range(103), 10)
    first, second = list(sampler), list(sampler)
    assert len(sampler) == len(first) == 103 and sorted(first) == list(range(103))
    starts = first[:100:10]
    assert [list(range(start, start + 10)) for start in starts] == [
        first[i : i + 10] for i in range(0, 100, 10)
    ]
    assert starts != sorted(starts) and first != second, "another order each epoch"
    assert first[100:] == second[100:] == [100, 101, 102], "the short batch comes last"


def test_fewer_rows_than_a_batch():
    assert list(ShuffledBatches(range(3), 10)) == [0, 1, 2]


# --- last_complete_checkpoint --------------------------------------------------------------------


def checkpoint(folder, step: int, state: str | None = '{"global_step": 1}'):
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "model.safetensors").write_bytes(b"weights")
    if state is not None:
        (path / "trainer_state.json").write_text(state)
    return str(path)


def test_last_checkpoint_is_the_newest_by_number(tmp_path):
    newest = checkpoint(tmp_path, 1000)
    checkpoint(tmp_path, 500)
    checkpoint(tmp_path, 99)  # the last by letters, and the last written
    assert last_complete_checkpoint(tmp_path) == newest
    assert last_complete_checkpoint(str(tmp_path)) == newest


@pytest.mark.parametrize("state", [None, "", '{"global_step": 15'], ids=["none", "empty", "cut"])
def test_last_checkpoint_skips_the_half_written(tmp_path, state):
    complete = checkpoint(tmp_path, 10)
    checkpoint(tmp_path, 15, state)
    checkpoint(tmp_path, 20, state)
    assert last_complete_checkpoint(tmp_path) == complete


def test_last_checkpoint_may_be_none(tmp_path):
    assert last_complete_checkpoint(tmp_path / "missing") is None
    (tmp_path / "tokenizer").mkdir()
    checkpoint(tmp_path, 10, state=None)
    assert last_complete_checkpoint(tmp_path) is None


# --- JsonLog -------------------------------------------------------------------------------------


def log(
    path, logs: dict, step: int, first: int = 0, main_process: bool = True, history: list = ()
) -> list[dict]:
    """Log once, a minute after the training began at step `first`; gives Trainer's own rows."""
    callback = JsonLog(path)
    state = SimpleNamespace(
        global_step=first,
        max_steps=100,
        is_world_process_zero=main_process,
        log_history=[*history],
    )
    callback.on_train_begin(None, state, None)
    callback.started -= 60  # as if a minute had gone by
    state.global_step = step
    state.log_history.append({**logs, "step": step})  # as Trainer does
    callback.on_log(None, state, None, logs=logs)
    return state.log_history


def rows_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


def test_json_log_rows(tmp_path):
    path = tmp_path / "runs" / "log.jsonl"
    history = log(path, {"loss": 0.123456789, "epoch": 1}, step=25)
    log(path, {"eval_loss": 2.0}, step=50, first=40, history=history)  # started again at step 40
    rows = [
        {"step": 25, "minutes": 1.0, "minutes_left": 3.0, "loss": 0.123457, "epoch": 1},
        # One minute before the interruption, one for the ten steps since.
        {"step": 50, "minutes": 2.0, "minutes_left": 5.0, "eval_loss": 2.0},
    ]
    assert rows_of(path) == rows
    assert [list(row) for row in rows_of(path)] == [list(row) for row in rows], "step comes first"


def test_json_log_drops_steps_that_are_done_anew(tmp_path):
    """A checkpoint carries the rows before it; those after it are not in the resumed run."""
    path, history = tmp_path / "log.jsonl", []
    for step in (10, 20, 30):
        history = log(path, {"loss": float(step)}, step=step, first=step - 10, history=history)
    assert [row["step"] for row in rows_of(path)] == [10, 20, 30]
    with path.open("a", encoding="utf8") as file:
        file.write('{"step": 31, "minu')  # whatever else has become of the file
    log(path, {"loss": 0.5}, step=25, first=20, history=history[:2])
    assert [(row["step"], row["minutes"]) for row in rows_of(path)] == [
        (10, 1.0),
        (20, 2.0),
        (25, 3.0),
    ]


def test_json_log_before_the_first_step(tmp_path):
    log(tmp_path / "log.jsonl", {"loss": 1.0}, step=0)
    [row] = rows_of(tmp_path / "log.jsonl")
    assert row["step"] == 0 and row["minutes_left"] is None


def test_json_log_only_of_the_main_process(tmp_path):
    log(tmp_path / "log.jsonl", {"loss": 1.0}, step=1, main_process=False)
    assert not (tmp_path / "log.jsonl").exists()


# --- bf16_available ------------------------------------------------------------------------------


def test_bf16_available_is_a_bool():
    assert isinstance(bf16_available(), bool)


@pytest.mark.parametrize(
    ("processor", "faster"),
    [
        ({"cpu_name": "AMD EPYC", "avx512_bf16": True, "amx_bf16": False}, True),
        ({"cpu_name": "AMD EPYC", "avx512_bf16": False}, False),
        ({"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": True}, True),
        # Instructions, but no faster: measured on a Xeon whose virtual machine hides AMX.
        ({"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": False}, False),
        ({"cpu_name": "Intel Core", "avx512_bf16": False}, False),
        ({"architecture": "arm64"}, False),
        ({}, False),
    ],
)
def test_bf16_is_taken_where_it_is_faster(monkeypatch, processor, faster):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    assert bf16_available() is faster
