"""utils.smaller: what is pruned is gone, what is kept computes as before, others can load it."""

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from utils.smaller import keep_layers, keep_neurons, neuron_importance

IDS = torch.randint(5, 90, (3, 9), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=90,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=48,
        num_labels=3,
        initializer_range=0.3,
    )
    return BertForSequenceClassification(config).eval()


def silence(model, layer, neurons):
    """Set a neuron's way out to zero: it still works, for nothing."""
    with torch.no_grad():
        model.base_model.encoder.layer[layer].output.dense.weight[:, neurons] = 0


def test_neurons_without_effect_go_without_effect(model):
    for layer in range(3):
        silence(model, layer, [layer, 20, 47])
    small = keep_neurons(model, 45)
    torch.testing.assert_close(small(IDS).logits, model(IDS).logits, atol=1e-5, rtol=0)
    for layer in small.base_model.encoder.layer:
        assert layer.intermediate.dense.weight.shape == (45, 32)
        assert layer.output.dense.weight.shape == (32, 45)
    assert model.config.intermediate_size == 48 and model(IDS).logits.shape == (3, 3)


def test_neurons_with_an_effect_are_missed(model):
    assert (keep_neurons(model, 24)(IDS).logits - model(IDS).logits).abs().max() > 0.01


def test_all_of_them_kept_is_the_same_model(model):
    assert torch.equal(keep_neurons(model, 48)(IDS).logits, model(IDS).logits)


def test_importance_decides_which_go(model):
    importance = [torch.arange(48.0) for _ in range(3)]
    kept = keep_neurons(model, 5, importance).base_model.encoder.layer[1].intermediate.dense
    whole = model.base_model.encoder.layer[1].intermediate.dense
    assert torch.equal(kept.weight, whole.weight[-5:]) and torch.equal(kept.bias, whole.bias[-5:])


def test_importance_is_the_change_of_the_loss_to_first_order(model):
    """A neuron with no way out has none; one with a small way out has about what it costs."""
    silence(model, 1, [7])
    batch = {"input_ids": IDS[:1, :1], "labels": torch.tensor([2])}  # one token: nothing cancels
    scores = neuron_importance(model, [batch])
    assert scores[1][7] == 0 and (scores[1] > 0).sum() > 40
    assert all(parameter.grad is None for parameter in model.parameters())
    with torch.no_grad():
        way_out = model.base_model.encoder.layer[2].output.dense.weight
        way_out[:, 11] *= 1e-3
        before = model(**batch).loss
    expected = neuron_importance(model, [batch])[2][11]
    silence(model, 2, [11])
    assert abs(model(**batch).loss - before).item() == pytest.approx(expected.item(), rel=0.05)


def test_layers_are_kept_in_order(model):
    small = keep_layers(model, [0, 2])
    layers = model.base_model.encoder.layer
    with torch.no_grad():
        hidden = model.base_model.embeddings(IDS)
        for number in (0, 2):
            hidden = layers[number](hidden)
            hidden = hidden[0] if isinstance(hidden, tuple) else hidden
    last = small.base_model(IDS).last_hidden_state
    torch.testing.assert_close(last, hidden, atol=1e-5, rtol=0)
    assert small.config.num_hidden_layers == 2 and model.config.num_hidden_layers == 3


def test_a_pruned_model_is_smaller_on_disk_and_anybody_can_load_it(model, tmp_path):
    small = keep_neurons(keep_layers(model, [0, 1]), 16)
    small.save_pretrained(tmp_path / "small")
    model.save_pretrained(tmp_path / "whole")
    loaded = BertForSequenceClassification.from_pretrained(tmp_path / "small").eval()
    assert torch.equal(loaded(IDS).logits, small(IDS).logits)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("small", "whole")]
    parameters = [each.num_parameters() for each in (small, model)]
    assert sizes[0] / sizes[1] == pytest.approx(parameters[0] / parameters[1], abs=0.05)


@pytest.mark.parametrize("count", [0, 49])
def test_counts_that_cannot_be_are_refused(model, count):
    with pytest.raises(ValueError, match="48 a layer"):
        keep_neurons(model, count)


@pytest.mark.parametrize("layers", [[], [3], [-1, 0]])
def test_layers_that_are_not_there_are_refused(model, layers):
    with pytest.raises(ValueError, match="0 to 2"):
        keep_layers(model, layers)
