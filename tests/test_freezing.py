"""Frozen layers: which parts stay, whose training reaches them no longer, what is refused."""

import pytest
import torch
from datasets import Dataset
from tiny_bert import tiny_config, tiny_tokenizer
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
)

from utils.finetuning import fine_tune, freeze, tokenize, without_padding

SIZES = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24}


def bert(layers=3, **options):
    torch.manual_seed(0)
    return BertForSequenceClassification(tiny_config(num_hidden_layers=layers, **options))


def electra():
    """Its embeddings are of another width: a linear layer stands between them and the layers."""
    return ElectraForSequenceClassification(
        ElectraConfig(vocab_size=40, embedding_size=8, num_hidden_layers=3, **SIZES)
    )


def distilbert():
    return DistilBertForSequenceClassification(
        DistilBertConfig(vocab_size=40, n_layers=3, dim=16, hidden_dim=24, n_heads=2)
    )


def modernbert():
    special = {"pad_token_id": 0, "bos_token_id": 2, "cls_token_id": 2}
    special |= {"eos_token_id": 3, "sep_token_id": 3}
    return ModernBertForSequenceClassification(
        ModernBertConfig(vocab_size=40, num_hidden_layers=3, **SIZES, **special)
    )


KINDS = {
    bert: ("bert.embeddings.", "bert.encoder.layer.{}."),
    electra: ("electra.embeddings", "electra.encoder.layer.{}."),
    distilbert: ("distilbert.embeddings.", "distilbert.transformer.layer.{}."),
    modernbert: ("model.embeddings.", "model.layers.{}."),
}


@pytest.mark.parametrize("layers", [0, 1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_what_stays_are_the_embeddings_and_the_lowest_layers(kind, layers):
    model = kind()
    assert freeze(model, layers) is model
    embeddings, layer = KINDS[kind]
    frozen = (embeddings, *(layer.format(number) for number in range(layers)))
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad != name.startswith(frozen), name


@pytest.mark.parametrize("leaner", [False, True])
def test_the_gradients_of_what_is_trained_are_those_of_the_whole(leaner):
    batch = {
        "input_ids": torch.tensor([[2, 9, 8, 7, 3], [2, 9, 3, 0, 0]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
        "labels": torch.tensor([0, 1]),
    }
    whole, part = (bert(attn_implementation="eager").double() for _ in range(2))
    freeze(part, 2)
    for model in (whole.eval(), part.eval()):
        if leaner:
            with without_padding(model):
                model(**batch).loss.backward()
        else:
            model(**batch).loss.backward()
    for (name, expected), got in zip(whole.named_parameters(), part.parameters(), strict=True):
        if got.requires_grad:
            assert torch.allclose(got.grad, expected.grad, atol=1e-12), name
        else:
            assert got.grad is None


def rows(count=24):
    texts = Dataset.from_dict(
        {"text": ["球队三连胜" if i % 2 else "银行降息" for i in range(count)],
         "label": [i % 2 for i in range(count)]}
    )  # fmt: skip
    return tokenize(texts, tiny_tokenizer())


@pytest.mark.parametrize("options", [{}, {"activation_checkpointing": True}])
def test_training_moves_the_upper_layers_alone(options):
    model = freeze(bert(), 2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer = fine_tune(
        model, tiny_tokenizer(), rows(), rows(8), epochs=1, batch_size=8, progress=False, **options
    )
    for name, parameter in trainer.model.named_parameters():
        moved = not torch.equal(parameter, before[name])
        # No weight decay either. (What is added to all keys does not change a softmax.)
        assert moved == parameter.requires_grad or name.endswith("key.bias"), name


def test_a_run_with_other_frozen_layers_is_another_run(tmp_path):
    settings = {"epochs": 1, "batch_size": 8, "output": tmp_path, "progress": False}
    fine_tune(freeze(bert(), 1), tiny_tokenizer(), rows(), rows(8), **settings)
    fine_tune(freeze(bert(), 1), tiny_tokenizer(), rows(), rows(8), **settings)  # carries on
    for other in (freeze(bert(), 2), bert()):
        with pytest.raises(
            ValueError, match="holds checkpoints of a run with other starting weights"
        ):
            fine_tune(other, tiny_tokenizer(), rows(), rows(8), **settings)


@pytest.mark.parametrize("layers", [-1, 4])
def test_layers_that_are_not_there_are_refused(layers):
    with pytest.raises(ValueError, match=f"^freeze: {layers} layers; the model has 3, give 0 to 3"):
        freeze(bert(), layers)


def test_a_model_that_shares_one_layer_is_refused():
    config = AlbertConfig(vocab_size=40, embedding_size=8, num_hidden_layers=3, **SIZES)
    albert = AlbertForSequenceClassification(config)
    with pytest.raises(ValueError, match="^freeze: Albert.* has no 3 layers of its own"):
        freeze(albert, 1)
    assert all(parameter.requires_grad for parameter in albert.parameters())
