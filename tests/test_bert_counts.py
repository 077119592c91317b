"""The parameters of BERT: by formula, by counting, and as published."""

import pytest
import torch

from utils.bert import BertConfig, BertForPreTraining, BertForSequenceClassification, BertModel

LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
PUBLISHED = [
    ({}, 109_482_240),  # BERT-Base, English, uncased
    (LARGE, 335_141_888),  # BERT-Large, English, uncased
    ({"vocab_size": 21128}, 102_267_648),  # bert-base-chinese
]


def counted(model_class, config):
    with torch.device("meta"):  # shapes without memory
        return sum(parameter.numel() for parameter in model_class(config).parameters())


def by_formula(config):
    """Embeddings, blocks and pooler: weights and biases of every Linear, Embedding, LayerNorm."""
    h, f = config.hidden_size, config.intermediate_size
    rows = config.vocab_size + config.max_position_embeddings + config.type_vocab_size
    block = 4 * (h * h + h) + 2 * h + (h * f + f) + (f * h + h) + 2 * h
    return rows * h + 2 * h + config.num_hidden_layers * block + h * h + h


@pytest.mark.parametrize(("sizes", "published"), PUBLISHED)
def test_encoder_with_pooler(sizes, published):
    config = BertConfig(**sizes)
    assert by_formula(config) == counted(BertModel, config) == published


def test_heads():
    """The tied decoder adds only its bias."""
    config = BertConfig()
    h, v, trunk = config.hidden_size, config.vocab_size, by_formula(BertConfig())
    heads = (h * h + h) + 2 * h + v + (2 * h + 2)
    assert counted(BertForPreTraining, config) == trunk + heads == 110_106_428
    ten = BertConfig(num_labels=10)
    assert counted(BertForSequenceClassification, ten) == trunk + 10 * h + 10
