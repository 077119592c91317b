"""utils.finetuning and utils.metrics, on a BERT so small that a training run takes a second."""

import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, f1_score
from tiny_bert import CHARACTERS, VOCABULARY, save_tiny_bert
from transformers import AutoModel

from utils import finetuning
from utils.finetuning.classifier import most_tokens
from utils.metrics import load_metrics
from utils.models import ModelError
from utils.profile import course_root
from utils.resuming import data_fingerprint, last_complete_checkpoint, model_fingerprint

NAMES = ["体育", "财经"]
SPORTS, MONEY = "球队", "股价"


@pytest.fixture
def in_float32(monkeypatch):
    for room in ("classifier", "recipe"):
        monkeypatch.setattr(f"utils.finetuning.{room}.bf16_available", lambda: False)


def texts_of(rows, seed):
    """`rows` texts of 5-20 characters, two of them telling of one class; and their labels."""
    draw = random.Random(seed)
    neutral = [c for c in CHARACTERS if c not in SPORTS + MONEY]
    labels = [row % 2 for row in range(rows)]
    texts = []
    for label in labels:
        text = draw.choices(neutral, k=draw.randint(3, 18))
        text += draw.choices((SPORTS, MONEY)[label], k=2)
        texts.append("".join(text))
    return texts, labels


def split_of(rows, seed, tokenizer):
    texts, labels = texts_of(rows, seed)
    features = Features({"text": Value("string"), "label": ClassLabel(names=NAMES)})
    dataset = Dataset.from_dict({"text": texts, "label": labels}, features=features)
    return finetuning.tokenize(dataset, tokenizer)


@pytest.fixture(scope="module")
def splits(tokenizer):
    return split_of(96, 0, tokenizer), split_of(32, 1, tokenizer)


def weights(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def same(first, second, **tolerance):
    return all(torch.allclose(first[name], second[name], **tolerance) for name in first)


def test_texts_of_which_nothing_is_known_are_told_beside_the_answers(checkpoint, tokenizer):
    model = finetuning.new_classifier(checkpoint, NAMES)
    texts = ["球队", "😀" * 9, "", "😀球"]
    rows, known = finetuning.predict_and_known(model, tokenizer, texts, batch_size=2)
    assert known.tolist() == [True, False, False, True]
    np.testing.assert_array_equal(rows, finetuning.predict(model, tokenizer, texts, batch_size=2))
    assert finetuning.holds_known(tokenizer, tokenizer(texts)["input_ids"]) == known.tolist()


# new_classifier


def test_a_new_classifier_is_float32_even_from_a_checkpoint_in_fp16(tmp_path):
    half = save_tiny_bert(tmp_path / "half", dtype=torch.float16)
    stored = load_file(half / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    assert stored.dtype == torch.float16
    for pretrained in (True, False):
        model = finetuning.new_classifier(str(half), NAMES, pretrained=pretrained)
        assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_the_seed_decides_the_head(checkpoint):
    first, again, other = (finetuning.new_classifier(checkpoint, NAMES, seed=s) for s in (1, 1, 2))
    assert same(weights(first), weights(again))
    assert not torch.equal(first.classifier.weight, other.classifier.weight)
    assert same(weights(first.bert.encoder), weights(other.bert.encoder))


def test_pretrained_weights_are_the_checkpoints_and_those_from_scratch_are_not(checkpoint):
    encoder = weights(AutoModel.from_pretrained(checkpoint).encoder)
    loaded = finetuning.new_classifier(checkpoint, NAMES)
    scratch = finetuning.new_classifier(checkpoint, NAMES, pretrained=False, seed=3)
    again = finetuning.new_classifier(checkpoint, NAMES, pretrained=False, seed=3)
    assert same(weights(loaded.bert.encoder), encoder)
    assert not same(weights(scratch.bert.encoder), encoder)
    assert same(weights(scratch), weights(again))
    assert weights(scratch).keys() == weights(loaded).keys()


def test_a_new_classifier_knows_the_names_of_its_classes(checkpoint):
    for pretrained in (True, False):
        config = finetuning.new_classifier(checkpoint, ["a", "b", "c"], pretrained).config
        assert config.id2label == {0: "a", 1: "b", 2: "c"}
        assert config.label2id == {"a": 0, "b": 1, "c": 2}


# tokenize


def test_tokenize_cuts_and_keeps_the_label(tokenizer):
    dataset = Dataset.from_dict({"text": ["球" * 50, "股价"], "label": [0, 1]})
    encoded = finetuning.tokenize(dataset, tokenizer, max_length=10)
    assert [len(ids) for ids in encoded["input_ids"]] == [10, 4]  # not padded
    assert encoded["input_ids"][0][-1] == VOCABULARY["[SEP]"]
    assert encoded["label"] == [0, 1] and "text" not in encoded.column_names


def test_a_number_among_the_texts_is_refused_by_its_row(tokenizer):
    with pytest.raises(ValueError, match="^row 0: 7 is no text; drop the row or fill in its text$"):
        finetuning.tokenize(Dataset.from_dict({"text": [7], "label": [0]}), tokenizer)


@pytest.mark.parametrize("empty", ["", "  ", "\u3000\n", None])
def test_an_empty_text_is_refused_by_its_row(tokenizer, empty):
    dataset = Dataset.from_dict({"text": ["球", "股", empty], "label": [0, 1, 0]})
    with pytest.raises(ValueError, match="^row 2: empty text; drop the row or fill in its text$"):
        finetuning.tokenize(dataset, tokenizer)


# fine_tune


class Scripted:
    """Metrics whose macro F1 follows a script; keeps the model's weights at each evaluation."""

    def __init__(self, model, macro_f1):
        self.model, self.macro_f1, self.seen = model, list(macro_f1), []

    def compute(self, predictions, references):
        self.seen.append(weights(self.model))
        score = self.macro_f1[len(self.seen) - 1]
        if isinstance(score, BaseException):
            raise score
        # The other measure always says the last epoch is best.
        return {"macro_f1": score, "accuracy": len(self.seen) / 100}


@pytest.fixture
def scripted(checkpoint, tokenizer, splits, monkeypatch, in_float32):
    """Runs fine_tune on a new model with a script of macro F1; returns (model, trainer, metrics)."""

    def run(script, splits=splits, change=None, **options):
        model = finetuning.new_classifier(checkpoint, NAMES)
        if change:
            change(model)
        metrics = Scripted(model, script)
        monkeypatch.setattr("utils.finetuning.recipe.load_metrics", lambda: metrics)
        try:
            options = {"epochs": len(script), "learning_rate": 1e-2, "progress": False} | options
            trainer = finetuning.fine_tune(model, tokenizer, *splits, **options)
        except KeyboardInterrupt:
            trainer = None
        return model, trainer, metrics

    return run


def test_an_easy_task_is_learned(checkpoint, tokenizer, splits):
    """With the recipe as it is on this machine, bf16 included."""
    model = finetuning.new_classifier(checkpoint, NAMES)
    trainer = finetuning.fine_tune(
        model, tokenizer, *splits, learning_rate=1e-2, epochs=8, batch_size=8, progress=False
    )
    assert max(row.get("eval_macro_f1", 0) for row in trainer.state.log_history) > 0.9
    texts, labels = texts_of(40, seed=2)
    predicted = finetuning.predict(trainer.model, tokenizer, texts).argmax(1)
    assert accuracy_score(labels, predicted) > 0.9


def test_the_rate_rises_for_a_tenth_of_the_run_and_weights_decay(scripted):
    _, trainer, _ = scripted([0.5] * 10, logging_strategy="steps", logging_steps=1)
    rates = [row["learning_rate"] for row in trainer.state.log_history if "learning_rate" in row]
    assert len(rates) == 30 and rates.index(max(rates)) == 3, "3 of 30 steps; then down to 0"
    assert rates[:4] == sorted(rates[:4]) and rates[3:] == sorted(rates[3:], reverse=True)
    decays = {group["weight_decay"] for group in trainer.optimizer.param_groups}
    assert decays == {0.01, 0.0}, "biases and LayerNorms do not decay"


def test_batches_hold_similar_lengths_in_random_order(checkpoint, tokenizer, monkeypatch):
    """Long texts first and short ones last would teach one class after the other."""
    rows = Dataset.from_dict(
        {"text": ["好" * (i % 30 + 1) for i in range(400)], "label": [i % 2 for i in range(400)]}
    )
    data = finetuning.tokenize(rows, tokenizer)
    lengths = []
    model = finetuning.new_classifier(checkpoint, ["一", "二"])
    forward = model.forward

    def recorded(input_ids=None, **others):
        if model.training:
            lengths.append(input_ids.shape[1])
        return forward(input_ids=input_ids, **others)

    monkeypatch.setattr(model, "forward", recorded)
    finetuning.fine_tune(
        model, tokenizer, data, data.select(range(8)), epochs=1, batch_size=4, progress=False
    )
    assert len(lengths) == 100
    assert len(set(lengths)) >= 3, "short batches are not padded to the longest text"
    first, second = lengths[:50], lengths[50:]
    assert min(first) < 16 < max(first) and min(second) < 16 < max(second)
    steps = [abs(a - b) for a, b in zip(lengths, lengths[1:], strict=False)]
    assert sum(step > 0 for step in steps) > 30, "not sorted: lengths jump up and down"


def test_the_epoch_with_the_best_macro_f1_is_kept(scripted):
    _, trainer, metrics = scripted([0.3, 0.9, 0.5])
    first, best, last = metrics.seen
    assert same(weights(trainer.model), best)
    assert not same(best, first) and not same(best, last)


def test_early_stopping_goes_by_macro_f1(scripted):
    _, trainer, metrics = scripted([0.8, 0.7, 0.6] + [0.5] * 7, patience=2)
    assert len(metrics.seen) == 3
    assert same(weights(trainer.model), metrics.seen[0])


def test_without_patience_all_epochs_are_run(scripted):
    _, _, metrics = scripted([0.8, 0.7, 0.6, 0.5])
    assert len(metrics.seen) == 4


def one_step(checkpoint, tokenizer, splits, **options):
    """What one step of plain SGD over 16 rows changes in the weights, and its line of the log."""
    train = splits[0].select(range(16))
    model = finetuning.new_classifier(checkpoint, NAMES, dropout=0.0)
    start = weights(model)
    trainer = finetuning.fine_tune(
        model, tokenizer, train, train, epochs=1, learning_rate=0.1, optim="sgd",
        weight_decay=0.0, max_grad_norm=0.0, warmup_steps=0, lr_scheduler_type="constant",
        bf16=False, progress=False, logging_strategy="steps", logging_steps=1, **options,
    )  # fmt: skip
    steps = [row for row in trainer.state.log_history if "grad_norm" in row]
    assert len(steps) == 1
    return {name: value - start[name] for name, value in weights(model).items()}, steps[0]


def test_accumulated_batches_take_the_step_of_the_large_batch(checkpoint, tokenizer, splits):
    """Trainer takes the loss of a model whose forward has **kwargs for one it need not average."""
    whole, its_log = one_step(checkpoint, tokenizer, splits, batch_size=16)
    parts, log = one_step(
        checkpoint, tokenizer, splits, batch_size=4, gradient_accumulation_steps=4
    )
    assert max(change.abs().max() for change in whole.values()) > 1e-3
    for name, change in whole.items():
        torch.testing.assert_close(parts[name], change, atol=1e-6, rtol=0)
    assert log["loss"] == pytest.approx(its_log["loss"], abs=1e-5)
    assert log["grad_norm"] == pytest.approx(its_log["grad_norm"], rel=1e-4)


def test_the_model_that_is_left_computes_as_one_that_is_loaded(checkpoint, tokenizer, splits):
    """Trainer leaves a forward under autocast behind: in bf16, whoever calls it."""
    model = finetuning.new_classifier(checkpoint, NAMES)
    trainer = finetuning.fine_tune(model, tokenizer, *splits, epochs=1, progress=False, bf16=True)
    fresh = finetuning.new_classifier(checkpoint, NAMES)
    fresh.load_state_dict(trainer.model.state_dict())
    batch = tokenizer(MIXED, padding=True, return_tensors="pt")
    with torch.no_grad():
        left, loaded = trainer.model.eval()(**batch).logits, fresh.eval()(**batch).logits
    assert torch.equal(left, loaded)


def test_an_interrupted_run_carries_on_to_the_same_end(scripted, tmp_path):
    whole, _, _ = scripted([0.1, 0.2, 0.3, 0.4])
    scripted([0.1, 0.2, KeyboardInterrupt()], epochs=4, output=tmp_path)
    half_written = tmp_path / "checkpoint-999"  # what a kill -9 while saving leaves
    half_written.mkdir()
    shutil.copy(next(tmp_path.glob("checkpoint-*/model.safetensors")), half_written)
    resumed, trainer, metrics = scripted([0.3, 0.4], epochs=4, output=tmp_path)
    assert len(metrics.seen) == 2
    logged = [row["epoch"] for row in trainer.state.log_history if "eval_macro_f1" in row]
    assert logged == [1, 2, 3, 4]
    assert same(weights(resumed), weights(whole), atol=1e-6)


def test_an_interrupted_run_waits_no_longer_for_a_better_epoch(scripted, tmp_path):
    """Nothing better for two epochs: over, whether the run was interrupted between them or not."""
    whole, _, _ = scripted([0.8, 0.7, 0.6, 0.9], patience=2)
    script = [0.8, 0.7, KeyboardInterrupt()]
    scripted(script, epochs=4, output=tmp_path, patience=2)
    resumed, _, metrics = scripted([0.6, 0.9], epochs=4, output=tmp_path, patience=2)
    assert len(metrics.seen) == 1
    assert same(weights(resumed), weights(whole), atol=1e-6)


def test_a_folder_that_was_renamed_keeps_its_best_epoch(scripted, tmp_path):
    """Checkpoints note the path of the best one, where another run may lie by now."""
    old, new = tmp_path / "run", tmp_path / "renamed"
    finished, _, _ = scripted([0.1, 0.9], output=old)
    expected = weights(finished)
    old.rename(new)
    scripted([0.1, 0.9], seed=1, learning_rate=3e-2, output=old)
    assert (old / "checkpoint-6").is_dir() and (new / "checkpoint-6").is_dir()
    again, _, _ = scripted([], epochs=2, output=new)
    assert same(weights(again), expected)


def test_a_best_epoch_that_is_gone_is_said_to_be(scripted, tmp_path):
    scripted([0.9, 0.2, KeyboardInterrupt()], epochs=3, output=tmp_path)
    best = min(tmp_path.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    shutil.rmtree(best)
    with pytest.raises(ValueError, match="the best checkpoint of this run is gone; delete"):
        scripted([0.1], epochs=3, output=tmp_path)


def other_texts(train, validation, tokenizer):
    return split_of(96, 5, tokenizer), validation


def other_validation(train, validation, tokenizer):
    return train, split_of(32, 6, tokenizer)


def other_labels(train, validation, tokenizer):
    swapped = [1 - label for label in train["label"]]
    features = train.features
    return train.remove_columns("label").add_column("label", swapped).cast(features), validation


def other_order(train, validation, tokenizer):
    return train.select(reversed(range(len(train)))), validation


def fewer_rows(train, validation, tokenizer):
    return train.select(range(95)), validation


@pytest.mark.parametrize(
    "change",
    [other_texts, other_validation, other_labels, other_order, fewer_rows],
)
def test_a_run_on_other_data_is_refused(scripted, splits, tokenizer, tmp_path, change):
    scripted([0.1], output=tmp_path)
    other = change(*splits, tokenizer)
    with pytest.raises(ValueError) as refused:
        scripted([0.2], output=tmp_path, splits=other)
    assert str(refused.value) == (
        f"{tmp_path}: holds checkpoints of a run with other data (texts, labels or their order); "
        "delete the folder, or give another one"
    )


def from_scratch(model):
    torch.nn.init.normal_(model.bert.encoder.layer[0].output.dense.weight)


def another_head(model):
    model.classifier.bias.data[0] += 1e-6


def frozen(model):
    model.bert.embeddings.requires_grad_(False)


def more_dropout(model):
    model.config.hidden_dropout_prob = 0.5


@pytest.mark.parametrize("change", [from_scratch, another_head, frozen, more_dropout])
def test_a_run_from_another_start_is_refused(scripted, tmp_path, change):
    scripted([0.1], output=tmp_path)
    with pytest.raises(ValueError, match="a run with other starting weights .make the model anew"):
        scripted([0.2], output=tmp_path, change=change)


def test_checkpoints_of_other_settings_are_not_taken_for_this_run(scripted, tmp_path):
    scripted([0.1, 0.2], epochs=2, output=tmp_path)
    with pytest.raises(ValueError) as refused:
        scripted([0.3, 0.4], epochs=2, output=tmp_path, learning_rate=1e-3, weight_decay=0.5)
    assert str(refused.value) == (
        f"{tmp_path}: holds checkpoints of a run with other settings (learning_rate 0.01, now "
        "0.001; weight_decay 0.01, now 0.5); delete the folder, or give another one"
    )
    scripted([], epochs=2, output=tmp_path)  # the same again: nothing left to train


def test_all_that_differs_is_named(scripted, splits, tokenizer, tmp_path):
    scripted([0.1], output=tmp_path)
    with pytest.raises(
        ValueError, match=r"settings \(patience None, now 2\) and data .* and start"
    ):
        other = other_labels(*splits, tokenizer)
        scripted([0.2], output=tmp_path, patience=2, splits=other, change=another_head)


@pytest.mark.parametrize("note", [None, "", "[]", '{"rate": 0.01}'])
def test_checkpoints_of_an_unknown_run_are_refused(scripted, tmp_path, note):
    scripted([0.1], output=tmp_path)
    (tmp_path / "settings.json").unlink()
    if note is not None:
        (tmp_path / "settings.json").write_text(note)
    with pytest.raises(ValueError, match="settings .its settings.json is missing or cannot be"):
        scripted([0.2], output=tmp_path)


def test_the_same_run_is_known_elsewhere(checkpoint, splits, tmp_path):
    """Nothing of this process or of this machine's paths goes into the fingerprints."""
    copy = shutil.copytree(checkpoint, tmp_path / "elsewhere")
    here, there = (finetuning.new_classifier(str(path), NAMES) for path in (checkpoint, copy))
    assert model_fingerprint(here) == model_fingerprint(there)
    rows = Dataset.from_dict({"input_ids": [[2, 7, 3], [2, 3]], "label": [1, 0]})
    content = b'[2, {}]{"input_ids": [[2, 7, 3], [2, 3]], "label": [1, 0]}'
    assert data_fingerprint(rows) == hashlib.sha256(content).hexdigest()


def test_how_rows_are_stored_does_not_matter(splits, tmp_path):
    train, _ = splits
    on_disk = train.select(range(96))  # through indices
    on_disk.save_to_disk(str(tmp_path / "rows"), num_shards=3)
    assert data_fingerprint(Dataset.load_from_disk(tmp_path / "rows")) == data_fingerprint(train)
    assert data_fingerprint(train.with_format("torch")) == data_fingerprint(train)
    features = Features({**train.features, "label": ClassLabel(names=["x", "y"])})
    assert data_fingerprint(train.cast(features)) != data_fingerprint(train)
    halves = train.select(range(48)), train.select(range(48, 96))
    assert data_fingerprint(*halves) != data_fingerprint(train), "a row that changed its split"


def test_a_run_without_output_leaves_no_files(scripted, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    scripted([0.5])
    assert list(tmp_path.iterdir()) == []


def test_without_progress_nothing_is_printed(scripted, capfd):
    capfd.readouterr()  # the bars of loading the model
    with warnings.catch_warnings(action="error"):
        _, trainer, _ = scripted([0.5, 0.6])
    said = capfd.readouterr()
    assert said.out == ""
    assert "Writing model shards" not in said.err and "epoch" not in said.err


def test_an_empty_split_is_refused(checkpoint, tokenizer, splits):
    model = finetuning.new_classifier(checkpoint, NAMES)
    for train, validation in ((splits[0].select([]), splits[1]), (splits[0], splits[1].select([]))):
        with pytest.raises(ValueError, match="need at least one row"):
            finetuning.fine_tune(model, tokenizer, train, validation)


def named(split, names):
    return split.cast(Features({**split.features, "label": ClassLabel(names=names)}))


@pytest.mark.parametrize(
    ("mine", "names", "said"),
    [
        (NAMES, (NAMES, NAMES[::-1]), "validation: classes in another order than the model's"),
        (NAMES, (NAMES[::-1], NAMES[::-1]), "train: classes in another order than the model's"),
        (
            NAMES,
            (["物流", "财经"], NAMES),
            "train: classes other than the model's .物流, 财经; 体育",
        ),
        (["LABEL_0", "LABEL_1"], (NAMES, NAMES[::-1]), "validation: .* order than those of train"),
        (["体育"], (NAMES, NAMES), "train: class id 1, but the model has 1 classes"),
    ],
)
def test_classes_that_do_not_agree_are_refused(checkpoint, tokenizer, splits, mine, names, said):
    model = finetuning.new_classifier(checkpoint, mine)
    both = [named(split, theirs) for split, theirs in zip(splits, names, strict=True)]
    with pytest.raises(ValueError, match=f"^{said}.*make the model with") as refused:
        finetuning.fine_tune(model, tokenizer, *both)
    assert "\n" not in str(refused.value)


def test_classes_without_names_are_taken_by_number(checkpoint, splits):
    plain = splits[0].cast(Features({**splits[0].features, "label": Value("int64")}))
    finetuning.check_classes(finetuning.new_classifier(checkpoint, NAMES), train=plain)
    unnamed = finetuning.new_classifier(checkpoint, ["LABEL_0", "LABEL_1"])
    finetuning.check_classes(unnamed, train=splits[0], validation=splits[1])


@pytest.mark.parametrize("entrance", ["fine_tune", "fine_tune_by", "fine_tune_tagger"])
def test_two_columns_of_classes_are_refused(checkpoint, tokenizer, splits, entrance):
    train, validation = splits
    corrected = train.add_column("labels", [1 - each for each in train["label"]])
    model = finetuning.new_classifier(checkpoint, NAMES)
    begin = {
        "fine_tune": lambda rows: finetuning.fine_tune(model, tokenizer, rows, validation),
        "fine_tune_by": lambda rows: finetuning.fine_tune_by(dict, "x", model, tokenizer, rows),
        "fine_tune_tagger": lambda rows: finetuning.fine_tune_tagger(
            finetuning.new_tagger(checkpoint, ["O", "B-X", "I-X"]), tokenizer, rows, validation
        ),
    }[entrance]
    with pytest.raises(
        ValueError, match="^train: .*`label` and `labels`; remove_columns"
    ) as refused:
        begin(corrected)
    assert "\n" not in str(refused.value)


def test_two_columns_of_classes_are_refused_in_the_validation_split(checkpoint, tokenizer, splits):
    train, validation = splits
    corrected = validation.add_column("labels", [1 - each for each in validation["label"]])
    model = finetuning.new_classifier(checkpoint, NAMES)
    with pytest.raises(ValueError, match="^validation: two columns of classes"):
        finetuning.fine_tune(model, tokenizer, train, corrected)


def test_classes_are_checked_where_the_caller_measures(checkpoint, tokenizer, splits):
    model = finetuning.new_classifier(checkpoint, NAMES)
    turned = named(splits[0], NAMES[::-1])
    with pytest.raises(ValueError, match="^train: classes in another order than the model's"):
        finetuning.fine_tune_by(dict, "x", model, tokenizer, turned)


def test_class_names_may_stand_in_a_tuple(checkpoint, splits):
    rows = named(splits[0], tuple(NAMES))
    finetuning.check_classes(finetuning.new_classifier(checkpoint, NAMES), train=rows)


def test_rows_longer_than_the_model_reads_are_refused(checkpoint, tokenizer, splits):
    model = finetuning.new_classifier(checkpoint, NAMES)
    rows = Dataset.from_dict({"text": ["球" * 90], "label": [0]})
    long = finetuning.tokenize(rows, tokenizer, max_length=80)
    with pytest.raises(ValueError) as refused:
        finetuning.fine_tune(model, tokenizer, splits[0], long)
    assert str(refused.value) == (
        "a row of 80 tokens, but the model has 64 positions; give max_length=64"
    )


def test_the_last_complete_checkpoint(tmp_path):
    assert last_complete_checkpoint(tmp_path / "nowhere") is None
    for step, state in ((8, "{}"), (9, "{}"), (10, '{"epoch": '), (11, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    assert last_complete_checkpoint(tmp_path) == str(tmp_path / "checkpoint-9")


# predict and sentence_features

MIXED = ["球" * 30, "股", "球队主场三连胜，" * 3, "银行降息", "2025", "射门得分" * 9, "的"]


def test_predict_keeps_the_order_and_padding_changes_nothing(checkpoint, tokenizer, in_float32):
    model = finetuning.new_classifier(checkpoint, ["a", "b", "c"])
    together = finetuning.predict(model, tokenizer, MIXED, batch_size=3)
    alone = np.concatenate([finetuning.predict(model, tokenizer, [text]) for text in MIXED])
    assert together.shape == (len(MIXED), 3) and together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert len(np.unique(together.round(4), axis=0)) == len(MIXED)  # or any order would do


def test_probabilities_sum_to_one(checkpoint, tokenizer):
    model = finetuning.new_classifier(checkpoint, NAMES)
    rows = finetuning.predict(model, tokenizer, MIXED)
    np.testing.assert_allclose(rows.sum(1), 1, atol=1e-6)


def test_predict_switches_dropout_off(checkpoint, tokenizer):
    model = finetuning.new_classifier(checkpoint, NAMES).train()
    first, second = (finetuning.predict(model, tokenizer, MIXED) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_text_longer_than_the_model_reads_is_cut(checkpoint, tokenizer, in_float32):
    model = finetuning.new_classifier(checkpoint, NAMES)
    long, cut = "球队" * 5_000, "球队" * 15
    rows = finetuning.predict(model, tokenizer, [long, cut], max_length=32)
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)


@pytest.mark.parametrize("ask", ["predict", "features"])
def test_what_is_no_list_of_texts(checkpoint, tokenizer, in_float32, ask):
    """One text was taken for a row a character, in silence."""
    model = finetuning.new_classifier(checkpoint, NAMES)

    def answers(texts, **options):
        if ask == "predict":
            return finetuning.predict(model, tokenizer, texts, **options)
        return finetuning.sentence_features(model.bert, tokenizer, texts, **options)

    np.testing.assert_array_equal(answers("银行降息"), answers(["银行降息"]))
    for texts, said in (
        (["球", None], "row 1: None is no text; drop the row or fill in its text"),
        (["球", "股", float("nan")], "row 2: nan is no text"),
        ([5], "row 0: 5 is no text"),
    ):
        with pytest.raises(ValueError, match=f"^{said}"):
            answers(texts)
    with pytest.raises(
        ValueError, match="^a row of 65 tokens, but the model has 64 positions; give"
    ):
        answers(["股", "球" * 90], max_length=65)
    assert len(answers(["股", "球" * 90], max_length=64)) == 2


def test_the_longest_text_is_read_first(checkpoint, tokenizer, monkeypatch):
    """A row that does not fit is found in the first batch, not after an hour."""
    model, lengths = finetuning.new_classifier(checkpoint, NAMES), []
    forward = model.forward
    monkeypatch.setattr(
        model,
        "forward",
        lambda **batch: lengths.append(batch["input_ids"].shape[1]) or forward(**batch),
    )
    finetuning.predict(model, tokenizer, MIXED, batch_size=2)
    assert lengths == sorted(lengths, reverse=True) and len(lengths) == 4


def test_how_many_tokens_a_model_reads(checkpoint):
    from transformers import GPT2Config, GPT2Model, RobertaConfig, RobertaModel, T5Config, T5Model

    small = {"vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    small |= {"intermediate_size": 8}
    assert most_tokens(AutoModel.from_pretrained(checkpoint)) == 64
    roberta = RobertaConfig(**small, max_position_embeddings=34, pad_token_id=1)
    assert most_tokens(RobertaModel(roberta)) == 32, "two of its positions belong to the padding"
    assert most_tokens(GPT2Model(GPT2Config(vocab_size=9, n_positions=20, n_embd=8, n_layer=1, n_head=1))) == 20  # fmt: skip
    t5 = T5Config(vocab_size=9, d_model=8, d_kv=8, num_heads=1, d_ff=8, num_layers=1)
    assert most_tokens(T5Model(t5)) is None


def test_what_a_map_left_on_disk_is_not_taken_for_this_one(tokenizer, tmp_path):
    rows = Dataset.from_dict({"text": ["球队", "股价"], "label": [0, 1]})
    rows.save_to_disk(str(tmp_path / "rows"))
    before = set(tmp_path.rglob("*"))
    for length in (3, 4):
        loaded = Dataset.load_from_disk(str(tmp_path / "rows"))
        encoded = finetuning.tokenize(loaded, tokenizer, max_length=length)
        assert [len(ids) for ids in encoded["input_ids"]] == [length, length]
    assert set(tmp_path.rglob("*")) == before


def test_no_texts_give_no_rows(checkpoint, tokenizer):
    model = finetuning.new_classifier(checkpoint, ["a", "b", "c"])
    assert finetuning.predict(model, tokenizer, []).shape == (0, 3)
    assert finetuning.sentence_features(model.bert, tokenizer, []).shape == (0, 32)


def test_features_ignore_padding(checkpoint, tokenizer, in_float32):
    encoder = AutoModel.from_pretrained(checkpoint).train()
    together = finetuning.sentence_features(encoder, tokenizer, MIXED)
    alone = [finetuning.sentence_features(encoder, tokenizer, [text])[0] for text in MIXED]
    assert together.shape == (len(MIXED), 32) and together.dtype == np.float32
    np.testing.assert_allclose(together, np.stack(alone), atol=1e-5)


def test_features_are_the_mean_over_the_tokens(checkpoint, tokenizer, in_float32):
    encoder = AutoModel.from_pretrained(checkpoint).eval()
    with torch.no_grad():
        hidden = encoder(**tokenizer("银行降息", return_tensors="pt")).last_hidden_state[0]
    [features] = finetuning.sentence_features(encoder, tokenizer, ["银行降息"])
    np.testing.assert_allclose(features, hidden.mean(0).numpy(), atol=1e-6)


# save_classifier and load_classifier


def test_a_saved_classifier_comes_back(checkpoint, tokenizer, tmp_path, in_float32):
    model = finetuning.new_classifier(checkpoint, NAMES)
    folder = finetuning.save_classifier(model, tokenizer, tmp_path / "saved")
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert {Path(name).suffix for name in names} == {".json", ".safetensors"}  # no pickles
    loaded, its_tokenizer = finetuning.load_classifier(str(folder))
    assert loaded.config.id2label == dict(enumerate(NAMES))
    np.testing.assert_array_equal(
        finetuning.predict(loaded, its_tokenizer, MIXED),
        finetuning.predict(model, tokenizer, MIXED),
    )


def test_a_saved_tokenizer_forgets_how_the_last_texts_were_cut(checkpoint, tokenizer, tmp_path):
    tokenizer(MIXED, truncation=True, max_length=4, padding=True)
    folder = finetuning.save_classifier(
        finetuning.new_classifier(checkpoint, NAMES), tokenizer, tmp_path / "saved"
    )
    written = json.loads((folder / "tokenizer.json").read_text("utf8"))
    assert written["truncation"] is None and written["padding"] is None


def test_a_classifier_saved_in_fp16_is_loaded_in_float32(checkpoint, tokenizer, tmp_path):
    model = finetuning.new_classifier(checkpoint, NAMES).half()
    loaded, _ = finetuning.load_classifier(finetuning.save_classifier(model, tokenizer, tmp_path))
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}


def test_a_model_that_is_no_classifier_is_refused(checkpoint):
    with pytest.raises(ModelError, match="not a classifier; fine-tune it first$") as caught:
        finetuning.load_classifier(checkpoint)
    assert str(caught.value).startswith(checkpoint)


def test_a_classifier_with_another_vocabulary_is_refused(checkpoint, tokenizer, tmp_path):
    model = finetuning.new_classifier(checkpoint, NAMES)
    folder = finetuning.save_classifier(model, tokenizer, tmp_path)
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text("utf8"))
    vocab = content["model"]["vocab"]
    vocab["球"], vocab["股"] = vocab["股"], vocab["球"]
    path.write_text(json.dumps(content), encoding="utf8")
    with pytest.raises(ModelError, match="vocab_sha256 in config.json differs"):
        finetuning.load_classifier(folder)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ModelError, match="nowhere: no such folder; check the path$"):
        finetuning.load_classifier(tmp_path / "nowhere")


# Metrics


@pytest.fixture
def no_network(monkeypatch):
    """Every try to reach another machine fails, and is noted."""
    tried = []

    def refuse(*arguments, **options):
        tried.append(arguments)
        raise OSError("the network is cut off")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tried


@pytest.mark.parametrize(
    ("references", "predictions"),
    [
        ([0, 1, 2, 2, 1, 0], [0, 2, 2, 1, 1, 0]),
        ([0, 0, 0, 1], [0, 0, 0, 0]),  # a class that is never predicted
        ([0, 0, 1], [2, 0, 1]),  # and one that never occurs
        ([3], [3]),
    ],
)
def test_metrics_agree_with_scikit_learn_offline(references, predictions, no_network):
    with warnings.catch_warnings(action="error", category=UserWarning):
        result = load_metrics().compute(predictions=predictions, references=references)
    assert no_network == []
    macro_f1 = f1_score(references, predictions, average="macro", zero_division=0)
    assert result == {
        "accuracy": pytest.approx(accuracy_score(references, predictions)),
        "macro_f1": pytest.approx(macro_f1),
    }


def test_one_metric_can_be_asked_for(no_network):
    result = load_metrics("macro_f1").compute(predictions=[0, 1], references=[0, 0])
    assert result == {"macro_f1": pytest.approx(1 / 3)}


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="no metric 'f1' in the course; there are accuracy, macro"):
        load_metrics("f1")


@pytest.mark.slow
def test_a_classifier_is_trained_where_the_home_folder_cannot_be_written(checkpoint, tmp_path):
    """A file in its place: unlike a folder without rights, that stops an administrator too."""
    (tmp_path / "home").write_text("")
    code = """if True:
        import sys
        from datasets import ClassLabel, Dataset, Features, Value
        from utils.finetuning import fine_tune, new_classifier, tokenize
        from utils.models import load_tokenizer
        features = Features({"text": Value("string"), "label": ClassLabel(names=["a", "b"])})
        rows = Dataset.from_dict({"text": ["球队", "股价"], "label": [0, 1]}, features=features)
        tokenizer = load_tokenizer(sys.argv[1])
        rows = tokenize(rows, tokenizer)
        model = new_classifier(sys.argv[1], ["a", "b"])
        trainer = fine_tune(model, tokenizer, rows, rows, epochs=1, progress=False)
        print(sorted(trainer.state.log_history[1]))
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_", "COURSE_"))}
    done = subprocess.run(
        [sys.executable, "-c", code, checkpoint], capture_output=True, text=True, cwd=tmp_path,
        env=kept | {"HOME": str(tmp_path / "home"), "USERPROFILE": str(tmp_path / "home"),
                    "PYTHONPATH": str(course_root())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "eval_macro_f1" in done.stdout


def test_class_weights_weigh_the_loss(checkpoint, tokenizer):
    """Twice the weight for one class is twice the gradient of its rows, over the sum of weights."""
    from utils.finetuning.recipe import _weighted_loss

    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    labels = torch.tensor([0, 1, 1])
    each = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    outputs = type("Outputs", (), {"logits": logits})
    expected = (each[0] + 3 * each[1] + 3 * each[2]) / 7
    loss = _weighted_loss([1, 3], Dataset.from_dict({"label": labels.tolist()}))
    assert torch.allclose(loss(outputs, labels), expected)
    assert torch.allclose(loss(outputs, labels, num_items_in_batch=3), expected)


def test_class_weights_outlive_accumulated_batches(checkpoint, tokenizer, splits):
    """A batch of one row divides by that row's weight: nothing is left of it."""
    whole, its_log = one_step(
        checkpoint, tokenizer, splits, batch_size=16, class_weights=[4.0, 0.5]
    )
    parts, log = one_step(
        checkpoint, tokenizer, splits, batch_size=1, gradient_accumulation_steps=16,
        class_weights=[4.0, 0.5],
    )  # fmt: skip
    plain, _ = one_step(checkpoint, tokenizer, splits, batch_size=16)
    assert max((whole[name] - plain[name]).abs().max() for name in whole) > 1e-3
    for name, change in whole.items():
        torch.testing.assert_close(parts[name], change, atol=1e-6, rtol=0)
    assert log["grad_norm"] == pytest.approx(its_log["grad_norm"], rel=1e-4)


@pytest.mark.parametrize(
    "kind, bf16, wanted",
    [("cuda", False, (False, True)), ("cuda", True, (True, False)), ("cpu", False, (False, False))],
)
def test_half_precision_is_what_the_device_has(monkeypatch, kind, bf16, wanted):
    monkeypatch.setattr("utils.finetuning.recipe.device", lambda: torch.device(kind))
    monkeypatch.setattr("utils.finetuning.recipe.bf16_available", lambda: bf16)
    settings = finetuning.recipe.course_recipe()
    assert (settings["bf16"], settings["fp16"]) == wanted
