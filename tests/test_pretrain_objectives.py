"""scripts/pretrain.py for GPT and T5: what the other objectives and tasks write and refuse.

What all objectives share (resuming, the log, saving) is tested in test_pretrain_script.py.
"""

import json
import random
import shutil
import sys
from pathlib import Path

import pretrain
import pytest
import tiny_pretraining
import torch
from objectives import tasks as task_rows
from safetensors.torch import load_file, save_file
from tiny_pretraining import command, corpus
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from utils.data import load_thucnews
from utils.finetuning import TOPIC_ANSWERS
from utils.models import check_folder
from utils.profile import course_root

TASKS = [f"{name}={course_root() / 'data' / folder}" for name, folder in
         (("thucnews", "mini_thucnews"), ("imdb", "mini_imdb"))]  # fmt: skip


pytestmark = pytest.mark.usefixtures("one_thread")


def start(folder: Path, text: Path, *more, steps: int = 20) -> Path:
    """A run of fewer steps; the folder of the finished model."""
    return tiny_pretraining.start(folder, text, "--steps", steps, *more)


def report(folder: Path) -> dict:
    return json.loads((folder / "training.json").read_text())


@pytest.fixture(scope="module")
def gpt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpt")
    return start(folder, corpus(folder / "text.txt"), "--objective", "causal", steps=40)


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    folder = tmp_path_factory.mktemp("t5")
    return start(folder, corpus(folder / "text.txt"), "--objective", "spans", steps=40)


# --- What differs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, rate",
    [
        ([], 0.0),
        (["--objective", "spans"], 0.0),
        (["--objective", "causal"], 0.1),  # the same answers at every pass: it learns them by heart
        (["--objective", "causal", "--dropout", "0"], 0.0),
        (["--dropout", "0.2"], 0.2),
    ],
)
def test_dropout_while_pretraining(tmp_path, monkeypatch, options, rate):
    text = corpus(tmp_path / "text.txt")
    monkeypatch.setattr(sys, "argv", command(tmp_path, text, *options))
    setup, *_ = pretrain.prepare(pretrain.parse_arguments())
    rates = {each.p for each in setup.model.modules() if isinstance(each, torch.nn.Dropout)}
    assert rates == {rate}


# --- GPT -----------------------------------------------------------------------------------------


def test_gpt_is_a_whole_causal_model_in_fp16(gpt):
    check_folder(gpt)
    weights = load_file(gpt / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    config = json.loads((gpt / "config.json").read_text())
    assert config["architectures"] == ["BertLMHeadModel"]
    assert config["is_decoder"] and config["use_cache"]
    assert (config["bos_token_id"], config["eos_token_id"]) == (2, 3)


def test_gpt_learned_and_says_so(gpt):
    measured = report(gpt)
    assert measured["trained"]["lm_loss"] < 0.9 * measured["untrained"]["lm_loss"]
    assert 0 < measured["unigram"]["lm_loss"] < measured["untrained"]["lm_loss"]
    assert measured["trained"]["tokens"] == measured["untrained"]["tokens"] > 0


def test_gpt_writes_with_and_without_a_cache_alike(gpt):
    model = AutoModelForCausalLM.from_pretrained(gpt, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(gpt)
    ids = torch.tensor([tokenizer("球队")["input_ids"][:-1]])  # without [SEP]: the text goes on
    written = [
        model.generate(ids, max_new_tokens=8, do_sample=False, use_cache=cached)
        for cached in (True, False)
    ]
    assert torch.equal(*written) and written[0].shape[1] > ids.shape[1]


def test_gpt_goes_on_from_an_earlier_round(gpt, tmp_path):
    text = corpus(tmp_path / "text.txt")
    first = shutil.copytree(gpt, tmp_path / "first")
    (first / "training_before.jsonl").write_text('{"step": 0}\n')
    # Its shape is that of the start, whatever the sizes on the command line.
    more = start(tmp_path, text, "--objective", "causal", "--start", first, "--layers", 2)
    logs = [(more / "training_before.jsonl").read_text(), (gpt / "training.jsonl").read_text()]
    assert logs[0] == '{"step": 0}\n' + logs[1], "the logs of both rounds before this one"
    measured, before = report(more), report(gpt)
    assert measured["untrained"]["lm_loss"] == pytest.approx(before["trained"]["lm_loss"], abs=0.02)
    assert measured["trained"]["lm_loss"] < before["trained"]["lm_loss"]
    assert measured["started_from"] == before
    config = json.loads((more / "config.json").read_text())
    assert config["num_hidden_layers"] == 1 and config["hidden_dropout_prob"] == 0.1
    one, two = (AutoTokenizer.from_pretrained(each).get_vocab() for each in (gpt, more))
    assert one == two


@pytest.mark.parametrize(
    "more, said",
    [
        ([], "holds ['BertLMHeadModel'], but --objective mlm goes on from a BertForPreTraining"),
        (["--objective", "causal", "--max-length", 64], "--max-length 64: --start has 48"),
    ],
)
def test_what_cannot_go_on_is_refused(gpt, tmp_path, capsys, more, said):
    with pytest.raises(SystemExit):
        start(tmp_path, corpus(tmp_path / "text.txt"), "--start", gpt, *more)
    error = capsys.readouterr().err.split("error: ")[1]
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "work").exists()


# --- T5 ------------------------------------------------------------------------------------------


def test_t5_is_a_whole_model_with_its_own_vocabulary(t5):
    check_folder(t5)
    config = json.loads((t5 / "config.json").read_text())
    assert config["architectures"] == ["T5ForConditionalGeneration"]
    assert (config["num_layers"], config["num_decoder_layers"]) == (1, 1)
    tokenizer = AutoTokenizer.from_pretrained(t5)
    assert tokenizer.convert_tokens_to_ids("<extra_id_0>") == len(tokenizer) - 1
    text = "球队公布了新的计划。"
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text
    model = AutoModelForSeq2SeqLM.from_pretrained(t5, dtype=torch.float32)
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    assert model.generate(ids, max_new_tokens=4).shape[0] == 1


def test_t5_counts_no_sentinels(t5):
    measured = report(t5)
    assert measured["trained"]["span_loss"] < measured["untrained"]["span_loss"]
    # Of 0.15 x the tokens in rows of at most 48; with the sentinels it would be about twice that.
    assert measured["trained"]["tokens"] < 0.2 * 5 * 4 * 12


@pytest.fixture(scope="module")
def with_tasks(t5, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    text = corpus(folder / "text.txt")
    more = ("--objective", "spans", "--start", t5, "--tasks", *TASKS)
    return start(folder, text, *more)


def test_t5_goes_on_with_tasks(t5, with_tasks):
    measured = report(with_tasks)
    assert measured["untrained"]["span_loss"] == pytest.approx(
        report(t5)["trained"]["span_loss"], abs=0.02
    ), "not begun from the given weights (which fp16 rounds)"
    for name in ("thucnews_accuracy", "imdb_accuracy"):
        assert 0 <= measured["trained"][name] <= 1
    right = [measured["trained"][f"{name}_accuracy"] for name in ("thucnews", "imdb")]
    assert measured["trained"]["task_error"] == pytest.approx(1 - sum(right) / 2)
    assert measured["tasks"] == ["thucnews=mini_thucnews", "imdb=mini_imdb"]
    assert "--tasks thucnews=mini_thucnews imdb=mini_imdb" in measured["command"]
    assert measured["started_from"] == report(t5), "the budget of the first round is kept"
    before = (with_tasks / "training_before.jsonl").read_text()
    assert before == (t5 / "training.jsonl").read_text()
    one, two = (AutoTokenizer.from_pretrained(each).get_vocab() for each in (t5, with_tasks))
    assert one == two


@pytest.mark.parametrize("name", ["mini-bert-zh", "mini-gpt-zh", "mini-t5", "just trained"])
def test_no_tokenizer_keeps_the_truncation_of_its_last_call(with_tasks, name):
    """The tasks' rows were the last; whoever reads the file elsewhere would cut every text so."""
    folder = with_tasks if name == "just trained" else course_root() / "models" / name
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert tokenizer.truncation is None and tokenizer.padding is None
    assert len(tokenizer.encode("球队公布了新的计划。" * 100).ids) > 300


def test_one_batch_in_three_is_running_text():
    text = [{"input_ids": [i]} for i in range(100)]
    tasks = [[{"input_ids": [place], "labels": [n]} for place in range(6)] for n in range(2)]
    rows = task_rows.MixedRows(text, tasks, steps=12, batch_size=4, seed=0)
    assert len(rows) == 48
    batches = [[rows[i] for i in range(start, start + 4)] for start in range(0, 48, 4)]
    kinds = [{tuple(row.get("labels", ["text"])) for row in batch} for batch in batches]
    assert kinds == [{("text",)}, {(0,)}, {(1,)}] * 4
    running = [row["input_ids"][0] for batch in batches[::3] for row in batch]
    assert running == list(range(16)), "every row of text once, in order"


def test_topics_have_a_name_for_every_class():
    names = load_thucnews(course_root() / "data/mini_thucnews")["train"].features["label"].names
    assert set(TOPIC_ANSWERS) == set(names) and len(set(TOPIC_ANSWERS.values())) == len(names)


def test_endless_batches_use_every_row_in_each_round():
    rows = [{"input_ids": [0] * n} for n in range(1, 11)]
    batches = task_rows.endless_batches(rows, 4, random.Random(0))
    for _ in range(5):
        some = [row for _ in range(3) for row in next(batches)]
        assert len(some) == 12 and {len(row["input_ids"]) for row in some} == set(range(1, 11))


# --- Resumed only with the same start and the same tasks -----------------------------------------


def with_other_labels(folder: Path) -> None:
    """The same texts, one label changed."""
    train = folder / "train.csv"
    text = train.read_text(encoding="utf8")
    train.write_text(text.replace(",时尚\n", ",娱乐\n", 1), encoding="utf8")


def with_another_bias(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["decoder.final_layer_norm.weight"] += 1
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("changed", ["start", "tasks"])
def test_another_start_or_other_tasks_do_not_take_up_the_run(t5, tmp_path, changed):
    """In folders of the same name: the finished model would be handed out as theirs."""
    text, first = corpus(tmp_path / "text.txt"), shutil.copytree(t5, tmp_path / "first")
    data = shutil.copytree(course_root() / "data/mini_thucnews", tmp_path / "mini_thucnews")
    more = ("--objective", "spans", "--start", first, "--tasks", f"thucnews={data}")
    start(tmp_path, text, *more, steps=10)
    start(tmp_path, text, *more, steps=10)  # as it was: finished at once
    if changed == "start":
        with_another_bias(first)
    else:
        with_other_labels(data)
    with pytest.raises(SystemExit, match=rf"pretrain.py: .*other settings \({changed} ") as stopped:
        start(tmp_path, text, *more, steps=10)
    assert "\n" not in str(stopped.value)


# --- Refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more, said",
    [
        (["--objective", "causal", "--compiled"], "--compiled: for --objective mlm alone"),
        (["--tasks", "thucnews=x"], "--tasks: for --objective spans alone"),
        (["--objective", "spans", "--tasks", "squad=x"], "squad=x: give one of thucnews=FOLDER,"),
        (["--objective", "spans", "--tasks", "imdb"], "imdb: give one of thucnews=FOLDER,"),
        (["--objective", "spans", "--start", "nowhere"], "--start nowhere: no such model or"),
    ],
)
def test_wrong_arguments_are_one_line(tmp_path, capsys, more, said):
    with pytest.raises(SystemExit) as stopped:
        start(tmp_path, corpus(tmp_path / "text.txt"), *more)
    assert stopped.value.code == 2
    error = capsys.readouterr().err.split("error: ")[1]
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "work").exists()


def test_a_vocabulary_without_room_for_the_sentinels_is_one_line(tmp_path):
    text = corpus(tmp_path / "text.txt")
    for size in (60, 104):
        with pytest.raises(SystemExit, match=f"pretrain.py: a T5 vocabulary of {size} ") as stopped:
            start(tmp_path, text, "--objective", "spans", "--vocab-size", size)
        assert "\n" not in str(stopped.value)


def test_what_was_read_of_a_mixture_is_not_told():
    assert pretrain.what_was_read(list(range(4)), 1) == {"tokens_seen": None}
