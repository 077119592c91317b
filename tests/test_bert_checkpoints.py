"""utils.bert_weights: read as transformers reads them, written for it, or refused.

The models are random and tiny. Where it says parity, each layer and each head agrees with
transformers (eager) within 1e-9 in float64.
"""

import json
import warnings

import pytest
import torch
import transformers
from bert_parity import first_difference, largest_difference, random_pairs, reference_output
from safetensors.torch import load_file, save_file

from utils.bert import (
    ACTIVATIONS,
    BertForPreTraining,
    BertForSequenceClassification,
    BertModel,
)
from utils.bert_weights import SUPPORTED
from utils.models import ModelError

SIZES = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 40,
    "max_position_embeddings": 12,
    "initializer_range": 0.5,
}


def save_random(folder, architecture="BertForPreTraining", dtype=torch.float32, **options):
    """Write a random model of transformers; biases and norms too are random."""
    torch.manual_seed(0)
    model = getattr(transformers, architecture)(transformers.BertConfig(**(SIZES | options)))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.normal_(0, 0.5)
    model.to(dtype).save_pretrained(folder)
    return folder


def change_weights(folder, change):
    """Rewrite model.safetensors with `change(name, tensor)` -> (name, tensor) or None to drop."""
    weights = load_file(folder / "model.safetensors")
    changed = [change(name, tensor) for name, tensor in weights.items()]
    save_file(dict(filter(None, changed)), folder / "model.safetensors", {"format": "pt"})


def change_config(folder, **entries):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf8")) | entries), encoding="utf8")


def assert_parity(folder, architecture="BertForPreTraining", ours=None):
    """The folder, read by transformers and by utils.bert, is the same model."""
    theirs = getattr(transformers, architecture).from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager"
    )
    if ours is None:
        classes = (BertModel, BertForPreTraining, BertForSequenceClassification)
        ours = next(each for each in classes if each.__name__ == architecture)
        with warnings.catch_warnings(action="error"):  # nothing may be new or left over
            ours = ours.from_pretrained(folder)
    config = theirs.eval().config
    batch = random_pairs(config.vocab_size, config.type_vocab_size)
    with torch.no_grad():
        result, wanted = ours.double()(**batch, output_attentions=True), theirs(**batch)
        assert first_difference(result, reference_output(theirs, batch), batch, 1e-9) is None
    for head in ("prediction_logits", "seq_relationship_logits", "logits"):
        if wanted.get(head) is not None and getattr(result, head) is not None:
            assert largest_difference(getattr(result, head), wanted[head]) < 1e-9, head
    return ours


# Sizes, rates and names of all kinds


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3},
        {"hidden_act": "relu", "num_attention_heads": 24, "type_vocab_size": 4},
        {"type_vocab_size": 1, "num_hidden_layers": 1},
        {"num_attention_heads": 1, "intermediate_size": 8},
        {"dtype": torch.float16},
        {"dtype": torch.bfloat16},
    ],
    ids=str,
)
def test_pretraining_checkpoint(options, tmp_path):
    folder = save_random(tmp_path, **options)
    ours = assert_parity(folder)
    assert {parameter.dtype for parameter in ours.float().parameters()} == {torch.float32}


def test_loads_in_float32_whatever_is_stored(tmp_path):
    model = BertForPreTraining.from_pretrained(save_random(tmp_path, dtype=torch.float16))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not model.training


def test_encoder_without_prefix(tmp_path):
    folder = save_random(tmp_path, "BertModel")
    assert "embeddings.word_embeddings.weight" in load_file(folder / "model.safetensors")
    assert_parity(folder, "BertModel")


def test_encoder_out_of_a_pretraining_checkpoint(tmp_path):
    assert_parity(save_random(tmp_path), "BertModel")


def test_google_s_names_of_layer_norm(tmp_path):
    """The published google-bert/bert-base-* are so."""

    def old(name, tensor):
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma")
        return name.replace("LayerNorm.bias", "LayerNorm.beta"), tensor

    folder = save_random(tmp_path)
    change_weights(folder, old)
    assert any(name.endswith(".gamma") for name in load_file(folder / "model.safetensors"))
    assert_parity(folder)


def test_constants_and_tied_weights_that_some_files_hold(tmp_path):
    """The published all-MiniLM-L6-v2 holds position_ids."""
    folder = save_random(tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights["bert.embeddings.position_ids"] = torch.arange(12)[None]
    weights["cls.predictions.decoder.bias"] = weights["cls.predictions.bias"].clone()
    embeddings = weights["bert.embeddings.word_embeddings.weight"]
    weights["cls.predictions.decoder.weight"] = embeddings.clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert_parity(folder)


def test_decoder_that_is_not_tied_whatever_the_config_says(tmp_path):
    folder = save_random(tmp_path, tie_word_embeddings=False)
    assert "tie_word_embeddings is False" in refused(folder)
    change_config(folder, tie_word_embeddings=True)
    assert "differs from embeddings.word_embeddings.weight" in refused(folder)


def test_classifier(tmp_path):
    folder = save_random(tmp_path, "BertForSequenceClassification", num_labels=5)
    ours = assert_parity(folder, "BertForSequenceClassification")
    assert ours.config.num_labels == 5


# What the checkpoint lacks


def test_new_weights_are_named(tmp_path):
    folder = save_random(tmp_path, "BertForMaskedLM")  # neither pooler nor NSP head
    wanted = ("pooler.dense.weight", "pooler.dense.bias")
    wanted += ("cls.seq_relationship.weight", "cls.seq_relationship.bias")
    with pytest.warns(UserWarning, match="drawn at random: pooler.dense.weight") as caught:
        model = BertForPreTraining.from_pretrained(folder)
    assert model.new_weights == wanted and len(caught) == 1
    assert caught[0].filename == __file__, "the warning points elsewhere than at the caller"
    theirs = transformers.BertForMaskedLM.from_pretrained(folder, dtype=torch.float64).eval()
    batch = random_pairs(50)
    logits = model.double()(**batch).prediction_logits
    places = batch["attention_mask"].bool()
    assert largest_difference(logits, theirs(**batch).logits, places) < 1e-9


def test_a_new_mlm_head_is_named(tmp_path):
    with pytest.warns(UserWarning, match="cls.predictions.bias"):
        model = BertForPreTraining.from_pretrained(save_random(tmp_path, "BertModel"))
    assert not any("decoder" in name for name in model.new_weights)  # tied: it is there


def test_a_new_classifier_of_another_size(tmp_path):
    with pytest.warns(UserWarning, match="classifier.weight, classifier.bias"):
        model = BertForSequenceClassification.from_pretrained(save_random(tmp_path), num_labels=10)
    assert model.classifier.out_features == 10
    assert model.new_weights == ("classifier.weight", "classifier.bias")


def test_a_change_that_does_not_exist(tmp_path):
    with pytest.raises(TypeError, match="unexpected keyword argument 'attn_implementation'"):
        BertModel.from_pretrained(save_random(tmp_path), attn_implementation="eager")


# Writing


def test_round_trip(tmp_path):
    """Theirs -> ours -> theirs -> ours: the same model each time."""
    first = save_random(tmp_path / "first")
    ours = BertForPreTraining.from_pretrained(first)
    ours.save_pretrained(tmp_path / "second")
    assert_parity(tmp_path / "second", ours=ours)
    _, report = transformers.BertForPreTraining.from_pretrained(
        tmp_path / "second", output_loading_info=True
    )
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys"))
    config = json.loads((tmp_path / "second/config.json").read_text("utf8"))
    assert config["architectures"] == ["BertForPreTraining"] and config["model_type"] == "bert"
    again = BertForPreTraining.from_pretrained(tmp_path / "second")
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, ours.float().state_dict()[name]), name


def test_round_trip_of_encoder_and_classifier(tmp_path):
    save_random(tmp_path / "a", "BertForSequenceClassification", num_labels=4)
    BertForSequenceClassification.from_pretrained(tmp_path / "a").save_pretrained(tmp_path / "b")
    assert_parity(tmp_path / "b", "BertForSequenceClassification")
    config = transformers.AutoConfig.from_pretrained(tmp_path / "b")
    assert config.num_labels == 4
    BertModel.from_pretrained(tmp_path / "a").save_pretrained(tmp_path / "c")
    assert_parity(tmp_path / "c", "BertModel")


# What is refused, on one line


def refused(folder):
    with pytest.raises(ModelError) as caught:
        BertForPreTraining.from_pretrained(folder)
    message = str(caught.value)
    assert "\n" not in message and str(folder) in message
    return message


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
        ({"is_decoder": True}, "is_decoder is True"),
        ({"model_type": "roberta"}, "model_type is 'roberta'"),
        ({"quantization_config": {"bits": 8}}, "quantization_config is"),
        ({"hidden_act": "silu"}, "hidden_act is 'silu', and utils.bert only knows 'gelu' or"),
        ({"num_attention_heads": 5}, "hidden_size must be a multiple of num_attention_heads"),
        ({"intermediate_size": 41}, "is (40, 24) in model.safetensors and (41, 24) by config.json"),
        (
            {"num_hidden_layers": 4},
            "encoder.layer.3.attention.output.LayerNorm.bias is known to config",
        ),
        (
            {"num_hidden_layers": 2},
            "encoder.layer.2.attention.output.LayerNorm.bias is known to model",
        ),
    ],
    ids=str,
)
def test_unsupported_config(entries, complaint, tmp_path):
    change_config(save_random(tmp_path), **entries)
    assert complaint in refused(tmp_path)


def test_the_table_of_activations_is_that_of_the_code():
    assert set(SUPPORTED["hidden_act"]) == set(ACTIVATIONS)


def test_damaged_and_missing_files(tmp_path):
    save_random(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert "cannot be read" in refused(tmp_path)
    weights.rename(tmp_path / "pytorch_model.bin")
    assert "model.safetensors: not there; write it with" in refused(tmp_path)
    for text, complaint in (("{", "cannot be read"), ("[]", "holds no settings")):
        (tmp_path / "config.json").write_text(text, encoding="utf8")
        assert complaint in refused(tmp_path)
    (tmp_path / "config.json").unlink()
    assert "cannot be read ([Errno 2]" in refused(tmp_path)


def test_a_name_that_is_no_folder(tmp_path, monkeypatch):
    def no_network(*_, **__):
        raise OSError("we are offline\nand this line is too much")

    monkeypatch.setattr("huggingface_hub.snapshot_download", no_network)
    message = refused("google-bert/no-such-model")
    assert "(OSError)" in message and "HF_ENDPOINT" in message


def test_a_name_on_the_hub(tmp_path, monkeypatch):
    asked = []

    def fetched(name, allow_patterns):
        asked.append((name, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetched)
    save_random(tmp_path)
    assert BertForPreTraining.from_pretrained("google-bert/some-model").new_weights == ()
    assert asked[0][0] == "google-bert/some-model"
    assert not any("bin" in pattern for pattern in asked[0][1])
