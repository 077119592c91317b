"""The head start: where a small T5 looks before its first step."""

import pytest
import torch
from objectives.t5_start import head_start
from transformers import T5Config, T5ForConditionalGeneration


@pytest.fixture(scope="module")
def model():
    config = T5Config(
        vocab_size=200, d_model=256, d_kv=64, num_heads=4, d_ff=64, num_layers=2,
        num_decoder_layers=2, decoder_start_token_id=0,
    )  # fmt: skip
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(config).eval()
    head_start(model)
    return model


@pytest.fixture(scope="module")
def bias(model):
    """(heads, looking, looked at) of the encoder, for twenty tokens."""
    return model.encoder.block[0].layer[0].SelfAttention.compute_bias(20, 20)[0].detach()


def test_heads_look_left_right_and_near(bias):
    middle = bias[:, 10]
    assert middle[0].argmax() == 9 and middle[1].argmax() == 11
    assert middle[2, 9] > middle[2, 6] > middle[2, 2] and middle[2, 11] > middle[2, 14]
    assert middle[3].max() - middle[3].min() < 2, "the last head looks everywhere"


def test_decoder_looks_at_what_it_has_just_written(model):
    bias = model.decoder.block[0].layer[0].SelfAttention.compute_bias(20, 20)[0].detach()
    assert bias[0, 10, :11].argmax() == 9 and bias[2, 10, 9] > bias[2, 10, 3]


def test_answer_looks_at_the_same_sentinel_of_the_source(model):
    source = torch.tensor([[5, 6, 199, 7, 8, 198, 9, 197, 1]])
    answer = torch.tensor([[0, 199, 198, 197]])
    with torch.no_grad():
        seen = model(source, decoder_input_ids=answer, output_attentions=True).cross_attentions
    looked_at = source[0, seen[0][0].mean(0)[1:].argmax(-1)]
    assert looked_at.tolist() == [199, 198, 197]


def test_one_head_is_enough():
    config = T5Config(vocab_size=50, d_model=8, d_kv=8, num_heads=1, d_ff=16, num_layers=1)
    head_start(T5ForConditionalGeneration(config))
