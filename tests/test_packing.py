"""Texts packed into rows, and without padding: the same logits as the library's own forward."""

import contextlib

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tiny_bert import VOCABULARY, tiny_config
from torch import nn
from transformers import (
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
)

from utils.finetuning import block_mask, leaves_padding_out, pack, packed_logits, without_padding

LENGTHS = [[5, 12, 30, 2, 7, 7], [1], [64, 3], [9, 9, 9], [2, 2]]


def bert(**options):
    torch.manual_seed(1)
    options = {"num_labels": 3, "attn_implementation": "eager"} | options
    model = BertForSequenceClassification(tiny_config(**options))
    model.bert.encoder.layer.append(type(model.bert.encoder.layer[0])(model.config))
    for parameter in model.parameters():  # biases and token types too, which begin at 0
        nn.init.normal_(parameter, std=0.2)
    return model.eval()


def texts_of(lengths):
    generator = torch.Generator().manual_seed(sum(lengths))
    return [
        torch.randint(5, len(VOCABULARY), (length,), generator=generator).tolist()
        for length in lengths
    ]


def padded(texts, width=None, types=False):
    width = width or max(map(len, texts))
    batch = {
        "input_ids": torch.tensor([text + [0] * (width - len(text)) for text in texts]),
        "attention_mask": torch.tensor(
            [[1] * len(text) + [0] * (width - len(text)) for text in texts]
        ),
    }
    if types:
        batch["token_type_ids"] = (torch.arange(width) % 2).expand(len(texts), width)
    return batch


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("types", [False, True])
@pytest.mark.parametrize("width", [None, 64])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_without_padding_the_logits_are_the_same(lengths, width, types, attention):
    batch = padded(texts_of(lengths), width, types)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-9)):
        model = bert(attn_implementation=attention).to(dtype)
        with torch.no_grad():
            plain = model(**batch).logits
            with without_padding(model):
                fast = model(**batch)
            again = model(**batch)
        assert fast.logits.dtype == dtype
        torch.testing.assert_close(fast.logits, plain, atol=tolerance, rtol=0)
        assert torch.equal(again.logits, plain), "outside it is the library's forward again"


def test_the_context_computes_less_and_not_by_the_library(monkeypatch):
    """Or the test above would compare a forward with itself."""
    model, batch = bert(), padded(texts_of([5, 12, 30]), 64)
    seen = []
    for layer in model.bert.encoder.layer:
        plain = layer.intermediate.dense
        monkeypatch.setattr(
            layer.intermediate, "forward", lambda x, f=plain: seen.append(x.shape) or f(x).relu()
        )
    with torch.no_grad(), without_padding(model):
        model(**batch)
    assert [tuple(shape) for shape in seen] == [(3, 64, 32)] * 2, "a part that was changed"
    monkeypatch.undo()
    seen.clear()
    from utils import unpadded
    from utils.finetuning import packing

    run = unpadded.run_layer
    for room in (unpadded, packing):
        monkeypatch.setattr(
            room, "run_layer", lambda layer, asks, *rest: seen.append(len(asks)) or run(layer, asks, *rest)
        )  # fmt: skip
    with torch.no_grad(), without_padding(model):
        model(**batch)
        with torch.autocast("cpu", torch.bfloat16):  # each shape is compiled: whole blocks of 64
            model(**batch)
    # 5 + 12 + 30 = 47 tokens and one that stands for all padding
    assert seen == [48, 3, 64, 3], "of 192 places, and in the last layer one token a text"


@pytest.mark.parametrize(
    "lengths, width", [([5, 12, 30, 2], 40), ([9, 9, 9, 9], 9), ([16] * 4, 17), ([16] * 4, 16)]
)
def test_loss_and_gradients_are_the_same(lengths, width):
    batch = padded(texts_of(lengths), width) | {"labels": torch.tensor([0, 2, 1, 1])}
    model = bert().double()
    gradients = []
    for context in (torch.no_grad, None):
        model.zero_grad()
        if context:
            loss = model(**batch).loss
        else:
            with without_padding(model):
                loss = model(**batch).loss
        loss.backward()
        gradients.append({name: each.grad for name, each in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-9, rtol=0, msg=name)
    assert gradients[0]["bert.encoder.layer.0.attention.self.query.weight"].abs().max() > 1e-6


@pytest.mark.parametrize("frozen", ["embeddings", "layer.0", "bias", "query", "output.dense"])
def test_frozen_parts_have_no_gradient_and_the_others_theirs(frozen):
    batch = padded(texts_of([5, 12, 30])) | {"labels": torch.tensor([0, 2, 1])}
    model = bert().double()
    for name, each in model.named_parameters():
        each.requires_grad_(frozen not in name)
    gradients = []
    for context in (contextlib.nullcontext(), without_padding(model)):
        model.zero_grad()
        with context:
            model(**batch).loss.backward()
        gradients.append({name: each.grad for name, each in model.named_parameters()})
    for name, gradient in gradients[0].items():
        if frozen in name:
            assert gradients[1][name] is None, name
        else:
            torch.testing.assert_close(gradients[1][name], gradient, atol=1e-9, rtol=0, msg=name)


@pytest.mark.parametrize("activation", ["relu", "gelu_new", "gelu_python"])
def test_another_activation_is_that_of_the_library(activation):
    batch, model = padded(texts_of([5, 12, 30])), bert(hidden_act=activation).double()
    plain = model(**batch).logits
    with without_padding(model):
        torch.testing.assert_close(model(**batch).logits, plain, atol=1e-9, rtol=0)
    gelu = bert().double()
    gelu.load_state_dict(model.state_dict())
    assert (gelu(**batch).logits - plain).abs().max() > 1e-9 or activation == "gelu_python"


def test_every_kind_of_target_has_the_loss_of_the_library():
    batch = padded(texts_of([5, 12, 30]))
    for labels, options in (
        (torch.tensor([0.1, -1.0, 2.0]), {"num_labels": 1}),
        (torch.tensor([[1.0, 0, 1], [0, 0, 0], [1, 1, 1]]), {}),
    ):
        model = bert(**options)
        plain = model(**batch, labels=labels).loss
        with without_padding(model):
            assert model(**batch, labels=labels).loss.item() == pytest.approx(
                plain.item(), abs=1e-5
            )


def test_in_bf16_it_differs_by_rounding_alone():
    model, batch = bert(), padded(texts_of([5, 12, 30, 2]), 40)
    with torch.no_grad():
        exact = model(**batch).logits
        with torch.autocast("cpu", torch.bfloat16):
            plain = model(**batch).logits
            with without_padding(model):
                fast = model(**batch).logits
    noise = (plain - exact).abs().max()
    assert (fast.float() - exact).abs().max() < max(3 * noise, 0.02)


def test_dropout_drops_a_tenth_and_keeps_the_mean():
    model = bert(hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1).train()
    from utils.unpadded import dropped

    torch.manual_seed(0)
    values = dropped(torch.ones(401, 251), model.dropout)
    kept = values != 0
    assert 1 - kept.double().mean().item() == pytest.approx(0.1, abs=0.005)
    torch.testing.assert_close(values[kept], torch.full((kept.sum(),), 1 / 0.9))
    assert 1 - kept.double().mean(0).min() < 0.25, "no column is dropped more often"
    assert not torch.equal(dropped(torch.ones(401, 251), model.dropout) != 0, kept)
    torch.manual_seed(0)
    assert torch.equal(dropped(torch.ones(401, 251), model.dropout), values)
    assert dropped(torch.ones(9), nn.Dropout(1.0).train()).abs().sum() == 0
    assert torch.equal(dropped(torch.ones(9), model.dropout.eval()), torch.ones(9))


def test_training_in_it_drops():
    batch = padded(texts_of([5, 12, 30]))
    model = bert(hidden_dropout_prob=0.3).train()
    with torch.no_grad(), without_padding(model):
        first, second = model(**batch).logits, model(**batch).logits
    assert not torch.allclose(first, second)


def left(texts):
    batch = padded(texts, 20)
    return {name: values.flip(1) for name, values in batch.items()}


def test_what_it_cannot_do_is_left_to_the_library():
    """The same answers, and all states where somebody asks for them."""
    texts = texts_of([5, 12, 7])
    model, batch = bert(), padded(texts, 20)
    unusual = [
        left(texts),
        {"input_ids": batch["input_ids"]},
        batch | {"position_ids": torch.arange(20).flip(0)[None]},
        {
            "inputs_embeds": model.bert.embeddings.word_embeddings(batch["input_ids"]),
            "attention_mask": batch["attention_mask"],
        },
        batch | {"output_hidden_states": True},
        batch | {"output_attentions": True},
        batch | {"return_dict": False},
    ]
    for given in unusual:
        with torch.no_grad():
            plain = model(**given)
            with without_padding(model):
                fast = model(**given)
        if "return_dict" in given:
            assert torch.equal(fast[0], plain[0]) and type(fast) is tuple
            continue
        assert torch.equal(fast.logits, plain.logits), given.keys()
        assert (fast.hidden_states is None) == (plain.hidden_states is None)
        assert (fast.attentions is None) == (plain.attentions is None)
    for name in ("output_hidden_states", "output_attentions"):
        encoder = BertModel(tiny_config(attn_implementation="eager", **{name: True})).eval()
        with torch.no_grad(), without_padding(encoder):
            assert encoder(**batch)[name.removeprefix("output_")], "its settings ask for them"


def test_only_a_bert_as_the_library_builds_it_is_taken():
    assert leaves_padding_out(bert())
    adapters = LoraConfig(task_type="SEQ_CLS", target_modules=["query"], r=2)
    hooked, before, patched, other_linear = bert(), bert(), bert(), bert()
    hooked.bert.encoder.layer[1].register_forward_hook(lambda *_: None)
    before.bert.encoder.layer[0].attention.register_forward_pre_hook(lambda *_: None)
    patched.bert.encoder.layer[0].attention.output.forward = lambda *states: states[0]

    class Scaled(nn.Linear):
        def forward(self, values):
            return 2 * super().forward(values)

    other_linear.bert.encoder.layer[0].attention.self.query = Scaled(32, 32)
    small = {"vocab_size": 50, "dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64}
    for model in (
        get_peft_model(bert(), adapters),
        get_peft_model(bert(), adapters).base_model.model,
        hooked,
        before,
        patched,
        other_linear,
        BertForQuestionAnswering(tiny_config()),
        DistilBertForSequenceClassification(DistilBertConfig(**small)),
    ):
        assert not leaves_padding_out(model)
        batch = padded(texts_of([3, 9]), 12)
        with torch.no_grad():
            plain = model.eval()(**batch)[0]
            with without_padding(model):
                assert torch.equal(model(**batch)[0], plain)


# Taggers and encoders, which are asked at every token


def tagger(**options):
    torch.manual_seed(1)
    model = BertForTokenClassification(tiny_config(**({"num_labels": 3} | options)))
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    return model.eval()


@pytest.mark.parametrize("width", [None, 40])
@pytest.mark.parametrize("lengths", LENGTHS[:2] + LENGTHS[3:])
def test_states_of_tokens_and_their_gradients_are_the_same(lengths, width):
    batch = padded(texts_of(lengths), width, types=True)
    real = batch["attention_mask"].bool()
    labels = torch.where(real, batch["input_ids"] % 3, -100)
    encoder = tagger().bert
    torch.manual_seed(2)
    with_pooler = BertModel(tiny_config()).eval()

    def of_tagger(model):
        output = model(**batch, labels=labels)
        return output.logits[real], output.loss

    def of_encoder(model):  # the mean over the tokens, as sentence vectors are made
        states = model(**batch).last_hidden_state
        pooled = (states * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        return states[real], pooled.square().mean()

    for model, ask in ((tagger(), of_tagger), (encoder, of_encoder), (with_pooler, of_encoder)):
        model, seen = model.double(), []
        for context in (contextlib.nullcontext(), without_padding(model)):
            model.zero_grad()
            with context:
                values, loss = ask(model)
            loss.backward()
            gradients = {name: each.grad for name, each in model.named_parameters()}
            seen.append((values, loss, gradients))
        (plain, plain_loss, slow), (fast, loss, quick) = seen
        torch.testing.assert_close(fast, plain, atol=1e-9, rtol=0)
        torch.testing.assert_close(loss, plain_loss, atol=1e-9, rtol=0)
        for name, gradient in slow.items():
            torch.testing.assert_close(quick[name], gradient, atol=1e-9, rtol=0, msg=name)
        assert "forward" not in vars(getattr(model, "bert", model))


def test_what_a_model_for_questions_says_of_padding_counts_and_is_left_to_the_library():
    """Its softmax is over all places: states of padding that are not the library's would show."""
    torch.manual_seed(0)
    model, batch = BertForQuestionAnswering(tiny_config()).eval(), padded(texts_of([3, 9]), 12)
    answers = {"start_positions": torch.tensor([1, 2]), "end_positions": torch.tensor([2, 3])}
    plain = model(**batch, **answers).loss
    with without_padding(model):
        assert torch.equal(model(**batch, **answers).loss, plain)


def test_taggers_and_sentence_encoders_are_trained_without_padding(monkeypatch, tmp_path):
    """Some batches of each have padding, and the layers get fewer tokens than there are places."""
    from datasets import ClassLabel, Dataset, Features, List, Value
    from tiny_bert import save_tiny_bert

    from utils import finetuning
    from utils.finetuning import packing
    from utils.models import load_tokenizer

    for room in (finetuning.classifier, finetuning.encoders, finetuning.recipe):
        # In bf16 a batch as small as this is filled up with its padding: see `shape_step`.
        monkeypatch.setattr(room, "bf16_available", lambda: False)
    counted, run = [], packing.states_after

    def counting(layers, bert, input_ids, texts, types):
        counted.append((input_ids.numel(), len(texts.places)))
        return run(layers, bert, input_ids, texts, types)

    monkeypatch.setattr(packing, "states_after", counting)
    checkpoint = save_tiny_bert(tmp_path)
    tokenizer = load_tokenizer(checkpoint)
    short, long = "主队", "主队夺冠" * 6
    first, second = [f"{short}{place}" for place in "一二三四"], [long + short] * 3 + [short]
    second = [text + place for text, place in zip(second, "一二三四", strict=True)]
    finetuning.contrastive_fine_tune(checkpoint, first, second, epochs=1, batch_size=4)
    assert counted and any(tokens < places for places, tokens in counted)
    counted.clear()
    names = ["O", "B-ORG", "I-ORG"]
    columns = {"tokens": List(Value("string")), "labels": List(ClassLabel(names=names))}
    texts = [list(short), list(long)]
    rows = {"tokens": texts, "labels": [[0] * len(text) for text in texts]}
    rows = Dataset.from_dict(rows, features=Features(columns))
    rows = finetuning.tokenize_entities(rows, tokenizer)
    model = finetuning.new_tagger(checkpoint, names)
    finetuning.fine_tune_tagger(model, tokenizer, rows, rows, epochs=1, progress=False)
    assert counted and any(tokens < places for places, tokens in counted)
    counted.clear()
    finetuning.predict_entities(model, tokenizer, [short, long])
    assert counted and any(tokens < places for places, tokens in counted)


def test_an_error_inside_leaves_no_trace():
    model = bert()
    with pytest.raises(KeyboardInterrupt), without_padding(model):
        raise KeyboardInterrupt
    assert "forward" not in vars(model.bert)
    for model in (bert(), tagger(), tagger().bert):
        trunk = getattr(model, "bert", model)
        with without_padding(model):
            with without_padding(model):  # fine_tune_by's measure calls predict
                pass
            assert "forward" in vars(trunk), "the inner one took the outer one's away"
        assert "forward" not in vars(trunk)


# Several texts in a row


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("width", [30, 37, 64])
def test_packed_rows_give_the_logits_of_each_text_alone(width, attention):
    model, texts = bert(attn_implementation=attention).double(), texts_of([5, 12, 30, 2, 7, 7, 9])
    with torch.no_grad():
        together = packed_logits(model, pack(texts, width))
        alone = torch.cat([model(torch.tensor([text])).logits for text in texts])
    torch.testing.assert_close(together, alone, atol=1e-9, rtol=0)


def test_packing_wastes_little_and_loses_nothing():
    texts = texts_of([5, 12, 30, 2, 7, 7, 9])
    rows = pack(texts, 37)
    assert rows.input_ids.shape == (2, 37), "72 tokens in two rows of 37"
    for number, text in enumerate(texts):
        here = rows.text == number
        assert rows.input_ids[here].tolist() == text
        assert rows.position_ids[here].tolist() == list(range(len(text)))
        assert here[rows.first[0][number], rows.first[1][number]]
        assert rows.position_ids[rows.first[0][number], rows.first[1][number]] == 0
    with pytest.raises(ValueError, match="^text 2: 30 tokens in rows of 29; give more width$"):
        pack(texts, 29)


def test_a_token_sees_its_own_text_alone():
    mask = block_mask(torch.tensor([[0, 0, 1, 1, 1, -1]]))
    assert mask.shape == (1, 1, 6, 6)
    sees = (mask[0, 0] == 0).int().tolist()
    assert sees[0] == sees[1] == [1, 1, 0, 0, 0, 0]
    assert sees[2] == sees[4] == [0, 0, 1, 1, 1, 0]
    assert sees[5] == [0, 0, 0, 0, 0, 1]
    assert (mask[mask != 0] < -1e30).all()
