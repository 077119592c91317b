"""utils.smaller: LoRA, int8 and ONNX, saved and read again, are the model that was trained."""

import copy

import numpy as np
import onnx
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_bert import save_tiny_bert, tiny_config
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    BertForMaskedLM,
    BertForPreTraining,
    BertForTokenClassification,
    BertModel,
)

from utils.finetuning import new_classifier, predict
from utils.models import ModelError
from utils.smaller import (
    add_lora,
    export_onnx,
    load_int8,
    load_lora,
    load_onnx,
    onnx_logits,
    predict_onnx,
    quantise_onnx,
    save_int8,
    to_int8,
)

TEXTS = ["主队三连胜", "降息", "银行股价的射门得分是我们今天了", "利率"]
NAMES = ["体育", "财经", "其他"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint of masked language modelling alone: without a pooler."""
    folder = tmp_path_factory.mktemp("masked")
    save_tiny_bert(folder, num_labels=3)
    BertForMaskedLM.from_pretrained(folder, dtype=torch.float32).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(checkpoint):
    return new_classifier(checkpoint, NAMES, dropout=0.0).eval()


@pytest.fixture(scope="module")
def pair(tokenizer):
    """Texts of different lengths: some of it is padding."""
    return tokenizer(TEXTS, padding=True, return_tensors="pt")


@pytest.fixture(scope="module")
def file(model, tokenizer, tmp_path_factory):
    return export_onnx(model, tokenizer, tmp_path_factory.mktemp("onnx") / "model.onnx")


@torch.no_grad()
def logits(model, pair):
    return model(**pair).logits


def test_lora_is_read_again_as_it_was_with_the_random_pooler(checkpoint, pair, tmp_path):
    adapted = add_lora(new_classifier(checkpoint, NAMES, dropout=0.0, seed=1), rank=2)
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape))
    adapted.eval().save_pretrained(tmp_path)
    again = load_lora(new_classifier(checkpoint, NAMES, dropout=0.0, seed=2), tmp_path).eval()
    assert torch.equal(logits(again, pair), logits(adapted, pair))
    merged = again.merge_and_unload()
    torch.testing.assert_close(logits(merged, pair), logits(adapted, pair), atol=1e-5, rtol=0)


def test_peft_alone_forgets_the_pooler(checkpoint, pair, tmp_path):
    """The control: what the test above guards against."""
    settings = LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query", "value"])
    adapted = get_peft_model(new_classifier(checkpoint, NAMES, dropout=0.0, seed=1), settings)
    adapted.eval().save_pretrained(tmp_path)
    fresh = new_classifier(checkpoint, NAMES, dropout=0.0, seed=2)
    again = PeftModel.from_pretrained(fresh, str(tmp_path)).eval()
    assert (logits(again, pair) - logits(adapted, pair)).abs().max() > 0.01


def test_lora_trains_itself_and_the_head_alone(checkpoint):
    adapted = add_lora(new_classifier(checkpoint, NAMES), rank=2, targets=["query"])
    trained = {name for name, each in adapted.named_parameters() if each.requires_grad}
    assert all(any(part in name for part in ("lora_", "classifier", "pooler")) for name in trained)
    assert any("classifier" in name for name in trained) and any("pooler" in n for n in trained)
    # One layer: A (2, 32) and B (32, 2), the pooler and the classifier, weights and biases.
    count = sum(each.numel() for each in adapted.parameters() if each.requires_grad)
    assert count == 2 * 2 * 32 + (32 * 32 + 32) + (32 * 3 + 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"rank": 0}, "1 or more"), ({"targets": ["kweri"]}, "no layer 'kweri'")],
)
def test_lora_refuses(checkpoint, options, words):
    with pytest.raises(ValueError, match=words):
        add_lora(new_classifier(checkpoint, NAMES), **options)


def test_lora_needs_a_classifier(checkpoint):
    for kind in (BertModel, BertForTokenClassification):  # this one has a layer of that name
        with pytest.raises(
            ValueError, match=f"add_lora: {kind.__name__} is no classifier of texts"
        ):
            add_lora(kind(tiny_config()))
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "d_model": 16, "vocab_size": 9}
    with pytest.raises(ValueError, match="whose head is called classifier or score"):
        add_lora(BartForSequenceClassification(BartConfig(**sizes)), targets=["q_proj"])


def test_an_adapter_that_is_none_or_does_not_fit(checkpoint, tmp_path):
    with pytest.raises(ModelError, match="no adapter_config.json"):
        load_lora(new_classifier(checkpoint, NAMES), tmp_path)
    add_lora(new_classifier(checkpoint, NAMES), rank=2).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="does not fit") as caught:
        load_lora(new_classifier(checkpoint, NAMES[:2]), tmp_path)
    assert "\n" not in str(caught.value)


def test_int8_is_near_and_is_read_again_to_the_bit(model, tokenizer, pair, tmp_path):
    rounded = to_int8(model)
    apart = (logits(rounded, pair) - logits(model, pair)).abs().max()
    assert 0 < apart < 0.3
    save_int8(rounded, tokenizer, tmp_path)
    again, its_tokenizer = load_int8(tmp_path)
    assert torch.equal(logits(again, pair), logits(rounded, pair))
    assert its_tokenizer(TEXTS)["input_ids"] == tokenizer(TEXTS)["input_ids"]
    assert again.config.id2label == model.config.id2label
    assert type(model.classifier) is torch.nn.Linear  # the original is left alone
    size = (tmp_path / "int8.safetensors").stat().st_size
    assert size < 0.7 * sum(each.numel() * 4 for each in model.parameters())


def test_int8_computes_attention_as_it_will_when_it_is_read_again(model, tokenizer, tmp_path):
    other = copy.deepcopy(model)
    other.set_attn_implementation("sdpa")  # as a model that was trained on a GPU
    rounded = to_int8(other)
    again, _ = load_int8(save_int8(rounded, tokenizer, tmp_path))
    kinds = {each.config._attn_implementation for each in (rounded, again)}
    assert kinds == {"eager"} and other.config._attn_implementation == "sdpa"


def test_int8_refuses(model, tokenizer, tmp_path):
    with pytest.raises(ValueError, match="no int8 layer"):
        save_int8(model, tokenizer, tmp_path)
    with pytest.raises(ValueError, match="no float linear layer"):
        to_int8(to_int8(model))
    with pytest.raises(ModelError, match="no int8.safetensors"):
        load_int8(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("classifier.weight", "classifier.weigth"),
        ("bert.embeddings.LayerNorm", "bert.embeddings.Norm"),
        ("query.bias", "q.bias"),
    ],
)
def test_int8_under_other_names_is_refused(model, tokenizer, tmp_path, old, new):
    file = save_int8(to_int8(model), tokenizer, tmp_path) / "int8.safetensors"
    with safe_open(file, framework="pt") as opened:
        notes = opened.metadata()
    save_file({k.replace(old, new): v for k, v in load_file(file).items()}, file, metadata=notes)
    with pytest.raises(ModelError, match="not the weights of this configuration"):
        load_int8(tmp_path)


def test_an_adapter_that_lacks_a_weight_is_refused(checkpoint, tmp_path):
    add_lora(new_classifier(checkpoint, NAMES)).save_pretrained(tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    save_file(
        {k.replace("query.lora_A", "query.lora"): v for k, v in load_file(file).items()}, file
    )
    with pytest.raises(ModelError, match="this adapter does not fit"):
        load_lora(new_classifier(checkpoint, NAMES), tmp_path)


def test_onnx_computes_the_same_with_padding_and_in_any_shape(file, model, tokenizer, pair):
    session = load_onnx(file, threads=1)
    np.testing.assert_allclose(onnx_logits(session, pair), logits(model, pair), atol=1e-4)
    one = tokenizer(TEXTS[1], return_tensors="pt")
    np.testing.assert_allclose(onnx_logits(session, one), logits(model, one), atol=1e-4)
    swapped = {**pair, "attention_mask": pair["token_type_ids"]}
    swapped["token_type_ids"] = pair["attention_mask"]
    assert abs(onnx_logits(session, swapped) - logits(model, pair).numpy()).max() > 0.01
    assert [each.name for each in file.parent.iterdir()] == ["model.onnx"]  # the weights are in it


def test_onnx_predicts_like_predict(file, model, tokenizer):
    session = load_onnx(file, threads=1)
    ours = predict_onnx(session, tokenizer, TEXTS, batch_size=3)
    np.testing.assert_allclose(ours, predict(model, tokenizer, TEXTS), atol=0.02)
    np.testing.assert_allclose(ours.sum(1), 1, atol=1e-5)
    assert predict_onnx(session, tokenizer, TEXTS[0]).shape == (1, 3)
    with pytest.raises(ValueError, match="row 1: None is no text"):
        predict_onnx(session, tokenizer, ["主队", None])


@pytest.mark.parametrize("quantised", [False, True])
def test_onnx_says_how_long_a_row_may_be(file, tokenizer, tmp_path, quantised):
    if quantised:
        file = quantise_onnx(file, tmp_path / "small.onnx")
    session = load_onnx(file, threads=1)
    with pytest.raises(ValueError, match="a row of 80 tokens, but the model has 64 positions"):
        predict_onnx(session, tokenizer, "主" * 90, max_length=80)
    assert predict_onnx(session, tokenizer, "主" * 90, max_length=64).shape == (1, 3)


@pytest.mark.parametrize("embeddings", [True, False])
def test_int8_onnx_is_near_and_smaller(file, pair, model, tmp_path, embeddings):
    small = quantise_onnx(file, tmp_path / "small.onnx", embeddings)
    found = onnx_logits(load_onnx(small, threads=1), pair)
    assert 0 < abs(found - logits(model, pair).numpy()).max() < 0.3
    kinds = {each.data_type for each in onnx.load(small).graph.initializer if len(each.dims) == 2}
    assert (onnx.TensorProto.FLOAT in kinds) is not embeddings


def test_a_two_label_classifier_can_be_quantised(checkpoint, tokenizer, tmp_path):
    """onnxruntime refuses the file as the exporter writes it."""
    file = export_onnx(new_classifier(checkpoint, NAMES[:2]), tokenizer, tmp_path / "two.onnx")
    session = load_onnx(quantise_onnx(file, tmp_path / "small.onnx"), threads=1)
    assert predict_onnx(session, tokenizer, TEXTS).shape == (4, 2)


def test_onnx_refuses(tokenizer, tmp_path):
    with pytest.raises(ValueError, match="BERT classifier"):
        export_onnx(torch.nn.Identity(), tokenizer, tmp_path / "none.onnx")
    with pytest.raises(ValueError, match="BERT classifier"):
        export_onnx(BertForPreTraining(tiny_config()), tokenizer, tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="no such file"):
        quantise_onnx(tmp_path / "none.onnx", tmp_path / "small.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a graph at all")
    with pytest.raises(ModelError, match="not an ONNX file"):
        quantise_onnx(tmp_path / "bad.onnx", tmp_path / "small.onnx")
    for name in ("none.onnx", "bad.onnx"):
        with pytest.raises(ModelError, match="cannot be run") as caught:
            load_onnx(tmp_path / name)
        assert "\n" not in str(caught.value)
