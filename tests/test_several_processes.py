"""scripts/pretrain.py in two processes, by torchrun and by accelerate: what one alone would learn.

On processors, over gloo, in float32: bf16's three digits would hide what differs.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import in_float32
import pretrain
import psutil
import pytest
from accelerate.commands.launch import launch_command_parser as accelerate_parser
from notebooks import ROOT
from tiny_pretraining import command, corpus, log, same_weights
from torch.distributed import run as torchrun

from utils.models import check_folder
from utils.resuming import last_complete_checkpoint

# The shipped models' rates: 1e-3, T5's 1e-2.
STEPS = ("--steps", "20", "--learning-rate", "0.001")
TASKS = ("--tasks", f"thucnews={ROOT / 'data/mini_thucnews'}")
# name -> options of a run; each has a step of 8 rows, of which two processes take 4.
RUNS = {
    "bert": STEPS,
    "gpt": (*STEPS, "--objective", "causal", "--dropout", "0"),
    "t5": ("--steps", "20", "--objective", "spans"),
    "tasks": ("--steps", "12", "--objective", "spans", *TASKS),
    "accumulated": (*STEPS, "--batch-size", "2", "--accumulate", "2"),
}
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
ACCELERATE = (sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2")
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "scripts", ROOT / "tests"))),
}

pytestmark = pytest.mark.usefixtures("one_thread")


def launch(launcher: tuple, plan: Path, runs: list, **environment) -> subprocess.Popen:
    """Start `in_float32.py` with these runs by a launcher."""
    plan.write_text(json.dumps(runs), encoding="utf8")
    program = [*launcher, ROOT / "tests/in_float32.py", plan]
    return subprocess.Popen(
        program,
        env=ENVIRONMENT | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen) -> str:
    """What it printed; it must have ended well."""
    said, _ = process.communicate()
    assert process.returncode == 0, said[-3000:]
    return said


def measured(folder: Path) -> dict[tuple, float]:
    """(step, name) -> loss, norm of the gradient or held-out measure, of a whole run."""
    return {
        (row["step"], name): value
        for row in log(folder)
        for name, value in row.items()
        if name in ("loss", "grad_norm") or name.startswith("eval_")
    }


def run_of(folder: Path, text: Path, *more) -> list[str]:
    return command(folder, text, *more)[1:]


# --- CONTRIBUTING's commands ----------------------------------------------------------------------


def commands() -> list[list[str]]:
    """Words of each command of the table, with the first one's options for `…`."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8")
    found = re.findall(r"^\|[^|`]+\| (?:[^`|]+: )?`([^`]+pretrain\.py [^`]+)`", text, re.MULTILINE)
    words = [shlex.split(each) for each in found]
    options = words[0][words[0].index("scripts/pretrain.py") + 1 :]
    return [[*each[:-1], *options] if each[-1] == "…" else each for each in words]


def test_contributing_has_a_command_for_every_size():
    assert [each[0] for each in commands()] == ["python", "torchrun", "torchrun", "accelerate"]


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words[:4]))
def test_every_command_of_contributing_parses(words, tmp_path, monkeypatch):
    """A flag that its launcher, or the program, does not know ends with an error here."""
    monkeypatch.chdir(tmp_path)
    Path("wiki.txt.gz").write_bytes(b"")
    place = words.index("scripts/pretrain.py")
    monkeypatch.setattr(sys, "argv", ["pretrain.py", *words[place + 1 :]])
    run = pretrain.parse_arguments()
    assert (run.layers, run.hidden, run.vocab_size, run.steps) == (12, 768, 21_128, 650_000)
    if words[0] == "torchrun":
        parsed = torchrun.parse_args(words[1:])
        assert parsed.nproc_per_node == "8" and parsed.nnodes in ("1:1", "4")
        assert parsed.training_script_args == words[place + 1 :]
    elif words[0] == "accelerate":
        assert words[1] == "launch"
        parsed = accelerate_parser().parse_args(words[2:])
        assert parsed.num_processes == 8 and parsed.multi_gpu
        assert parsed.training_script_args == words[place + 1 :]


# --- Two processes --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The folder of `RUNS` in two processes, each with a vocabulary of its own."""
    folder = tmp_path_factory.mktemp("two")
    text = corpus(folder / "text.txt")
    runs = [run_of(folder / name, text, *options) for name, options in RUNS.items()]
    # As on two machines that share no disk and do not have the same text.
    for rank in "01":
        other = text.read_text(encoding="utf8").replace("银行", f"书店{rank}")
        (folder / f"text{rank}.txt").write_text(other, encoding="utf8")
    apart = run_of(folder / "apart{rank}", folder / "text{rank}.txt", *STEPS)
    said = finish(launch(TORCHRUN, folder / "runs.json", [*runs, apart]))
    (folder / "runs.said").write_text(said, encoding="utf8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_two_processes_learn_as_one_with_twice_the_batch(two, tmp_path, name):
    """The same rows a step, and every answer counts alike: the same losses, norms and measures."""
    options = [*RUNS[name], "--batch-size", "8", "--accumulate", "1"]
    tokenizer = two / name / "work/tokenizer"
    in_float32.run(run_of(tmp_path, two / "text.txt", *options, "--tokenizer", tokenizer))
    one, both = measured(tmp_path), measured(two / name)
    assert one.keys() == both.keys()
    assert len([step for step, kind in one if kind == "loss"]) == int(RUNS[name][1])
    for (step, kind), value in one.items():
        assert both[step, kind] == pytest.approx(value, rel=1e-5, abs=1e-6), (step, kind)
    reports = [
        json.loads((folder / "models/small/training.json").read_text())
        for folder in (tmp_path, two / name)
    ]
    assert [each["processes"] for each in reports] == [1, 2]
    for one, both in zip(*(each.items() for each in reports), strict=True):
        if one[0] in ("rows_read", "tokens_seen", "passes_read", "best_step", "steps"):
            assert one == both


@pytest.mark.slow
def test_two_processes_train_one_vocabulary(two):
    said = (two / "runs.said").read_text(encoding="utf8")
    assert said.count("training the vocabulary") == len(RUNS) + 2, "once a run, twice the last"


@pytest.mark.slow
def test_other_text_on_another_machine_is_found_out(two):
    """Gradients of two vocabularies would be averaged although they number their tokens otherwise."""
    for rank in "01":
        said = (two / f"runs.{rank}.said").read_text(encoding="utf8")
        assert said.startswith("pretrain.py: not the same in all processes: text, vocabulary; give")
    assert not (two / "apart0/models").exists()


@pytest.mark.slow
def test_accelerate_launches_the_same(two, tmp_path):
    tokenizer = ("--tokenizer", two / "bert/work/tokenizer")
    run = run_of(tmp_path / "run", two / "text.txt", *STEPS, *tokenizer)
    finish(launch((*ACCELERATE, "--multi_gpu"), tmp_path / "runs.json", [run]))
    assert measured(tmp_path / "run") == measured(two / "bert")
    assert same_weights(tmp_path / "run/models/small", two / "bert/models/small")


@pytest.mark.slow
def test_one_of_two_processes_killed_and_the_same_command_again(two, tmp_path):
    """While it learns; then while it saves, when its part of the checkpoint is missing."""
    tokenizer = ("--tokenizer", two / "bert/work/tokenizer")
    run = run_of(tmp_path / "run", two / "text.txt", *STEPS, *tokenizer)
    for place, complete in (("step 13", "checkpoint-10"), ("save 20", "checkpoint-10")):
        held = tmp_path / place.replace(" ", "-")
        process = launch(TORCHRUN, tmp_path / "runs.json", [run], HOLD=f"{place} {held}")
        while not held.exists():
            assert process.poll() is None, process.communicate()[0][-3000:]
            time.sleep(0.02)
        psutil.Process(int(held.read_text())).kill()
        process.communicate()
        assert process.returncode, "torchrun did not notice"
        assert Path(last_complete_checkpoint(tmp_path / "run/work")).name == complete
        assert not (tmp_path / "run/models/small").exists()
    finish(launch(TORCHRUN, tmp_path / "runs.json", [run]))
    assert measured(tmp_path / "run") == measured(two / "bert")
    assert same_weights(tmp_path / "run/models/small", two / "bert/models/small")
    check_folder(tmp_path / "run/models/small")


@pytest.mark.slow
def test_a_run_goes_on_with_fewer_processes_that_accumulate_more(two, tmp_path):
    """A step has the same rows; one process takes over what two began."""
    shutil.copytree(two / "bert/work", tmp_path / "work")
    shutil.rmtree(tmp_path / "work/checkpoint-20")
    in_float32.run(run_of(tmp_path, two / "text.txt", *STEPS, "--accumulate", "2"))
    assert measured(tmp_path) == pytest.approx(measured(two / "bert"), rel=1e-5, abs=1e-6)
