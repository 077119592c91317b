"""scripts/pretrain.py end to end on invented sentences: what it writes, resumes and refuses.

Everything runs in this process, which saves starting Python. Runs that are killed for good stand in
test_pretrain_kills.py, those of several processes in test_several_processes.py.
"""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import objectives.bert
import pretrain
import pytest
import torch
from objectives import Run
from safetensors.torch import load_file
from tiny_bert import tiny_config, tiny_tokenizer
from tiny_pretraining import (
    SAVE_EVERY,
    STEPS,
    command,
    corpus,
    evaluated,
    log,
    losses,
    same_weights,
    start,
)
from transformers import BertForPreTraining, BertTokenizer

from utils.models import check_folder
from utils.pretraining import BertForMaskedPreTraining, PretrainingCollator, split_documents

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run from its first to its last step that trains its own vocabulary."""
    folder = tmp_path_factory.mktemp("whole")
    text = corpus(folder / "text.txt")
    return SimpleNamespace(
        folder=folder,
        text=text,
        finished=start(folder, text),
        tokenizer=("--tokenizer", folder / "work/tokenizer"),
    )


# --- The finished folder -------------------------------------------------------------------------


def test_finished_folder_is_a_whole_model_in_fp16(run):
    check_folder(run.finished)  # weights, vocabulary, and that they belong together
    weights = load_file(run.finished / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    config = json.loads((run.finished / "config.json").read_text())
    assert config["dtype"] == "float16"
    assert config["hidden_dropout_prob"] == config["attention_probs_dropout_prob"] == 0.1
    assert not [path for path in run.finished.iterdir() if path.suffix in (".bin", ".pt", ".pth")]
    assert not run.finished.with_name("small.partial").exists()
    model, report = BertForPreTraining.from_pretrained(
        run.finished, dtype=torch.float32, output_loading_info=True
    )
    assert not report["missing_keys"] and not report["unexpected_keys"]
    tokenizer = BertTokenizer.from_pretrained(run.finished)
    assert model(**tokenizer("球队公布了", "新的计划。", return_tensors="pt")).loss is None
    assert tokenizer.tokenize("球队") == ["球", "队"] and tokenizer.model_max_length == 48


def test_finished_folder_names_an_architecture_of_transformers(run):
    config = json.loads((run.finished / "config.json").read_text())
    assert config["architectures"] == ["BertForPreTraining"]


def test_finished_report(run):
    report = json.loads((run.finished / "training.json").read_text())
    for name in ("unigram", "untrained", "trained"):
        assert 0 < report[name]["mlm_loss"] < 10
    assert report["trained"]["mlm_loss"] < 0.9 * report["untrained"]["mlm_loss"]
    assert report["trained"]["masked_tokens"] == report["untrained"]["masked_tokens"] > 0
    assert report["steps"] == STEPS and report["seed"] == 5
    assert report["text"] == {"text.txt": 1}
    assert report["rows_read"] == 4 * STEPS
    assert report["tokens_seen"] == pytest.approx(
        report["passes_read"] * report["tokens_a_pass"], rel=0.3
    ), "a false B is read beside its own document"
    evaluations = {
        row["step"]: row["eval_mlm_loss"] for row in log(run.folder) if "eval_mlm_loss" in row
    }
    best = min(evaluations, key=evaluations.get)
    assert report["best_step"] == best
    assert report["trained"]["mlm_loss"] == pytest.approx(evaluations[best], abs=1e-3)


def test_the_optimizer_is_the_one_of_the_recipe(run):
    """As kept with a checkpoint: 0.98, because a batch of few rows changes much from step to step."""
    kept = next((run.folder / "work").glob("checkpoint-*/optimizer.pt"))
    groups = torch.load(kept, weights_only=True)["param_groups"]
    assert {tuple(group["betas"]) for group in groups} == {(0.9, 0.98)}
    assert {group["eps"] for group in groups} == {1e-6}
    assert {group["weight_decay"] for group in groups} == {0.0, 0.01}


def test_log_stands_beside_the_model(run):
    rows = log(run.folder)
    assert evaluated(rows) == list(range(SAVE_EVERY, STEPS + 1, SAVE_EVERY))
    assert [row["step"] for row in rows if "loss" in row] == [50]
    beside = (run.finished / "training.jsonl").read_text()
    assert beside == (run.folder / "work/log.jsonl").read_text()


def test_best_checkpoint_is_the_one_that_is_finished(run, tmp_path, monkeypatch):
    measured = iter(range(1, 100))  # as if the model got worse and worse
    monkeypatch.setattr(
        objectives.bert, "evaluate_pretraining", lambda *_: {"mlm_loss": float(next(measured))}
    )
    finished = start(tmp_path, run.text, *run.tokenizer, "--steps", "20")
    assert json.loads((finished / "training.json").read_text())["best_step"] == SAVE_EVERY
    best = load_file(tmp_path / f"work/checkpoint-{SAVE_EVERY}/model.safetensors")
    weights = load_file(finished / "model.safetensors")
    assert all(torch.equal(best[name].half(), weights[name]) for name in best)


@pytest.mark.parametrize("option", [(), ("--whole-word",)])
def test_whole_word_is_for_training_only(run, tmp_path, monkeypatch, option):
    made = []

    def collator(*arguments, **options):
        made.append(PretrainingCollator(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(objectives.bert, "PretrainingCollator", collator)
    start(tmp_path, run.text, *run.tokenizer, "--steps", "10", *option)
    ways = {each.seed: each.whole_word for each in made}  # evaluation repeats itself: a seed
    assert ways == {None: bool(option), 5: False}


# --- Again, and after a kill ---------------------------------------------------------------------


def test_same_seed_gives_the_same_run(run, tmp_path):
    finished = start(tmp_path, run.text, *run.tokenizer)
    assert losses(log(tmp_path)) == losses(log(run.folder))
    assert same_weights(finished, run.finished)


def test_resumed_run_goes_on_as_if_never_interrupted(run, tmp_path):
    whole = start(tmp_path / "whole", run.text, *run.tokenizer)
    shutil.copytree(tmp_path / "whole/work", tmp_path / "resumed/work")
    shutil.rmtree(tmp_path / f"resumed/work/checkpoint-{STEPS}")
    resumed = start(tmp_path / "resumed", run.text, *run.tokenizer)
    # The steps done anew stand once in the log, as if there had been no interruption.
    assert losses(log(tmp_path / "resumed")) == losses(log(tmp_path / "whole"))
    assert same_weights(resumed, whole)


def test_killed_while_saving_starts_again_from_the_last_step(run, tmp_path):
    shutil.copytree(run.folder / "work", tmp_path / "work")
    rows = log(tmp_path)
    finished = start(tmp_path, run.text)
    # What stood in the checkpoint stands in the log as it did, minutes and all.
    assert log(tmp_path)[: len(rows) - 1] == rows[:-1]
    anew = [row for row in log(tmp_path) if row not in rows]
    assert anew and min(row["step"] for row in anew) >= STEPS, "trained all over again"
    assert same_weights(finished, run.finished)


@pytest.fixture
def saving(tmp_path):
    """What save_finished takes, and an older finished model with a card in its place."""
    folders = {"output": tmp_path / "models/small", "work": tmp_path / "work"}
    run = Run(text=[], prepared=tmp_path / "prepared", **folders)
    run.work.mkdir()
    (run.work / "log.jsonl").write_text('{"step": 1}\n')
    run.output.mkdir(parents=True)
    for name in ("model.safetensors", "README.md", "stray.txt"):
        (run.output / name).write_text("old")
    model = BertForMaskedPreTraining(tiny_config())
    weights = model.state_dict()
    return model.config, weights, BertForPreTraining, tiny_tokenizer(), {"steps": 1}, run


@pytest.mark.parametrize("name", ["model", "log"])
def test_kill_while_saving_leaves_the_old_model(saving, monkeypatch, name):
    output = saving[-1].output

    def broken(*_, **__):
        raise KeyboardInterrupt

    if name == "model":
        monkeypatch.setattr(BertForPreTraining, "save_pretrained", broken)
    else:
        monkeypatch.setattr(pretrain.shutil, "copy", broken)
    with pytest.raises(KeyboardInterrupt):
        pretrain.save_finished(*saving)
    assert sorted(path.name for path in output.iterdir()) == [
        "README.md",
        "model.safetensors",
        "stray.txt",
    ]
    monkeypatch.undo()
    pretrain.save_finished(*saving)  # the leftovers are no obstacle
    check_folder(output)


def test_saving_keeps_the_model_card(saving):
    pretrain.save_finished(*saving)
    output = saving[-1].output
    assert (output / "README.md").read_text() == "old"
    assert not (output / "stray.txt").exists()
    assert json.loads((output / "training.json").read_text()) == {"steps": 1}


def test_kill_between_the_last_two_steps_keeps_the_model_card(saving):
    output = saving[-1].output
    output.rename(output.with_name(output.name + ".old"))
    pretrain.save_finished(*saving)
    assert (output / "README.md").read_text() == "old"
    assert [path.name for path in output.parent.iterdir()] == [output.name]


# --- Arguments and documents ---------------------------------------------------------------------


def test_other_settings_do_not_take_up_the_run(run, tmp_path):
    """Its weights would be handed out as trained with the new settings."""
    shutil.copytree(run.folder / "work", tmp_path / "work")
    with pytest.raises(SystemExit, match="holds checkpoints of a run with other settings"):
        start(tmp_path, run.text, "--seed", 6)
    assert not (tmp_path / "models/small").exists()


def other_text(path: Path) -> None:
    """As many documents, of other sentences."""
    path.write_text(path.read_text(encoding="utf8").replace("银行", "书店"), encoding="utf8")


def test_other_text_under_the_same_name_does_not_take_up_the_run(run, tmp_path):
    """It ended at once and handed out the model of the old text."""
    shutil.copytree(run.folder / "work", tmp_path / "work")
    text = shutil.copy(run.text, tmp_path / run.text.name)
    rows = log(tmp_path)
    start(tmp_path, text)  # the same text in another folder carries on
    assert min(row["step"] for row in log(tmp_path) if row not in rows) >= STEPS
    other_text(text)
    with pytest.raises(SystemExit, match=r"a run with other settings \(text "):
        start(tmp_path, text)


def test_another_tokenizer_under_the_same_name_does_not_take_up_the_run(run, tmp_path):
    text = shutil.copy(run.text, tmp_path / run.text.name)
    tokenizer = shutil.copytree(run.folder / "work/tokenizer", tmp_path / "tokenizer")
    more = ("--tokenizer", tokenizer, "--steps", 10)
    start(tmp_path, text, *more)
    file = tokenizer / "tokenizer.json"
    file.write_text(file.read_text(encoding="utf8").replace('"球"', '"求"'), encoding="utf8")
    with pytest.raises(SystemExit, match=r"a run with other settings \(tokenizer "):
        start(tmp_path, text, *more)


def test_checkpoints_without_their_vocabulary_are_refused(run, tmp_path):
    """Trained again, it would number its tokens in another order."""
    shutil.copytree(run.folder / "work", tmp_path / "work")
    shutil.rmtree(tmp_path / "work/tokenizer")
    with pytest.raises(SystemExit, match="not the vocabulary of the checkpoints") as stopped:
        start(tmp_path, run.text)
    assert "\n" not in str(stopped.value)


def test_a_vocabulary_of_other_text_is_not_used_again(run, tmp_path, monkeypatch, capsys):
    """A run that was killed before its first checkpoint leaves its vocabulary."""
    text = corpus(tmp_path / "text.txt")

    def prepared() -> dict:
        monkeypatch.setattr(sys, "argv", command(tmp_path, text))
        _, tokenizer, _ = pretrain.prepare(pretrain.parse_arguments())
        return tokenizer.get_vocab()

    first = prepared()
    assert prepared() == first and "书" not in first
    assert capsys.readouterr().out.count("training the vocabulary") == 1
    other_text(text)
    assert "书" in prepared()


def test_another_folder_is_not_replaced_by_the_model(run, tmp_path, capsys):
    (tmp_path / "models/small/notes").mkdir(parents=True)
    with pytest.raises(SystemExit):
        start(tmp_path, run.text)
    assert "holds something else than a model; name a new folder" in capsys.readouterr().err
    assert (tmp_path / "models/small/notes").is_dir()


def test_several_gpus_want_several_processes(run, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(
        SystemExit, match="4 GPUs for one process; start it with `torchrun --nproc"
    ) as stopped:
        start(tmp_path, run.text)
    assert "\n" not in str(stopped.value) and not (tmp_path / "work").exists()


def test_the_old_model_is_put_back_before_a_run_goes_on_from_it(run, tmp_path):
    """A run that replaces the model it began with, killed between the two renames at its end."""
    output = tmp_path / "models/small"
    shutil.copytree(run.finished, output.with_name("small.old"))
    start(tmp_path, run.text, "--start", output, "--steps", "10")
    check_folder(output)
    assert not output.with_name("small.old").exists()
    assert json.loads((output / "training.json").read_text())["started_from"]["steps"] == STEPS


def test_a_tokenizer_that_is_not_there_is_not_trained(run, tmp_path, capsys):
    with pytest.raises(SystemExit):
        start(tmp_path, run.text, "--tokenizer", tmp_path / "typo")
    assert f"--tokenizer {tmp_path / 'typo'}: no vocabulary there" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("content", ["体育新闻".encode("gbk"), b""])
def test_text_that_cannot_be_used_is_one_line(tmp_path, content):
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(SystemExit, match=f"pretrain.py: {path}: ") as stopped:
        start(tmp_path, path)
    assert "\n" not in str(stopped.value)


def test_missing_text_file_is_one_line(tmp_path, monkeypatch, capsys):
    there = corpus(tmp_path / "there.txt")
    monkeypatch.setattr(sys, "argv", command(tmp_path, there, "--text", there, tmp_path / "no.txt"))
    with pytest.raises(SystemExit) as stopped:
        pretrain.main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err.split("error: ")
    assert len(error) == 2, "no error or more than one"
    assert error[1].startswith(f"--text {tmp_path / 'no.txt'}: no such file; ")
    assert error[1].count("\n") == 1
    assert not (tmp_path / "work").exists() and not (tmp_path / "models").exists()


def test_split_keeps_copies_together(tmp_path):
    one, two = corpus(tmp_path / "one.txt"), tmp_path / "two.txt"
    two.write_text(
        one.read_text(encoding="utf8") + "\n\n另一篇的一句。\n又一句。\n", encoding="utf8"
    )
    train, held_out = split_documents([one])
    assert len(train) > 100 and 2 <= len(held_out) < 10
    assert not [document for document in held_out if document in train]
    twice, held_out_twice = split_documents([one, one])
    assert len(twice) == 2 * len(train), "a file listed twice counts twice"
    assert held_out_twice == held_out
    both, _ = split_documents([one, two])
    assert both == [*train, ["另一篇的一句。", "又一句。"]], (
        "the same text in two files counts once"
    )
