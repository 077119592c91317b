"""scripts/pretrain.py killed for good, twenty times on end, and the same command after each kill.

The moments of `kill_pretraining.py` are of all kinds: while text is prepared, while a step is
learned, in the middle of writing a checkpoint, while an old one is taken away, while the finished
model is put in its place.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from notebooks import ROOT
from tiny_pretraining import command, corpus, log, losses, same_weights

from utils.models import check_folder, read_vocabulary, vocabulary_sha256

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="forks a process that has loaded PyTorch"),
]
STEPS = ("--steps", "60", "--save-every", "5")


def kill(
    folder: Path, text: Path, kills: list[tuple[str, int] | None], *more
) -> list[SimpleNamespace]:
    """What became of each start."""
    folder.mkdir(exist_ok=True)
    plan, report = folder / "plan.json", folder / "report.json"
    run = folder / "run"
    arguments = command(run, text, "--prepared", run / "prepared", *STEPS, *more)[1:]
    plan.write_text(
        json.dumps(
            {
                "arguments": arguments,
                "folder": str(run),
                "work": str(run / "work"),
                "output": str(run / "models/small"),
                "kills": kills,
            }
        )
    )
    places = os.pathsep.join(map(str, (ROOT, ROOT / "scripts", ROOT / "tests")))
    done = subprocess.run(
        [sys.executable, ROOT / "tests/kill_pretraining.py", plan, report],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": places},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [SimpleNamespace(**each) for each in json.loads(report.read_text())]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    text = corpus(folder / "text.txt")
    [run] = kill(folder, text, [None])
    assert run.status == 0, run
    return SimpleNamespace(text=text, folder=folder / "run", moments=run.moments)


def vocabulary(folder: Path) -> str:
    return vocabulary_sha256(read_vocabulary(folder))


def all_killed(starts: list[SimpleNamespace]) -> bool:
    """Was each but the last killed, and did none leave anything that is not whole in its place?"""
    *killed, last = starts
    for each in starts:
        assert not each.damaged and each.model in ("none", "whole"), (each.moments[-1], each)
    return {each.status for each in killed} == {-signal.SIGKILL} and last.status == 0


def numbered(moments: list[str]) -> list[tuple[str, int]]:
    """Each moment as a plan names it: which of its name it is."""
    return [(name, moments[: place + 1].count(name)) for place, name in enumerate(moments)]


FILES = [
    "config.json", "model.safetensors", "tokenizer_config.json", "training_args.bin",
    "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json",
]  # fmt: skip
TWENTY = [
    # In the second checkpoint of a start, so that each goes on from another one; in the first.
    *((f"/{name}", which) for name in FILES for which in (2, 1)),
    ("os.remove", 2),  # a file of an old checkpoint
    ("os.rmdir", 1),  # its folder
    ("step", 3),
    ("os.rename work/log", 2),
]


def test_killed_twenty_times_it_reaches_the_same_end(whole, tmp_path):
    """Bit for bit, and with the same log."""
    tokenizer = ("--tokenizer", whole.folder / "work/tokenizer")
    starts = kill(tmp_path, whole.text, [*TWENTY, None], *tokenizer)
    assert all_killed(starts)
    reached = [each.checkpoint for each in starts]
    assert len(set(reached)) > 8, reached
    run = tmp_path / "run"
    assert losses(log(run)) == losses(log(whole.folder))
    assert same_weights(run / "models/small", whole.folder / "models/small")
    check_folder(run / "models/small")


def test_killed_at_each_moment_of_preparing(whole, tmp_path):
    """Vocabulary, encoded text and settings: whole, or not taken for whole."""
    moments = numbered(whole.moments[: whole.moments.index("step")])
    assert len(moments) > 10
    assert all_killed(kill(tmp_path, whole.text, [*moments, None]))
    run = tmp_path / "run"
    check_folder(run / "models/small")
    assert len(set(map(vocabulary, (run / "work/tokenizer", run / "models/small")))) == 1
    assert len(losses(log(run))) == len(losses(log(whole.folder)))


def test_killed_at_each_moment_of_finishing(whole, tmp_path):
    """The old model stands there, or the new one; none for a moment, between two names."""
    shutil.copytree(whole.folder, tmp_path / "run")
    [again] = kill(tmp_path, whole.text, [None])
    moments = [each for each in numbered(again.moments) if "models/" in each[0]]
    assert len(moments) > 5
    starts = kill(tmp_path, whole.text, [*moments, None])
    assert all_killed(starts)
    assert [each.model for each in starts].count("none") == 1
    assert same_weights(tmp_path / "run/models/small", whole.folder / "models/small")
    assert [each.name for each in (tmp_path / "run/models").iterdir()] == ["small"]
