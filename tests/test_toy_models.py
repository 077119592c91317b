"""utils.toy_models: who sees whom, what is trained, and what is not."""

import pytest
import torch

from utils.toy_models import (
    T5,
    WIDTH,
    Classifier,
    ELMo,
    LSTMClassifier,
    Transformer,
    accuracy,
    causal_mask,
    generate,
    mean_loss,
    train,
)

WORDS, LENGTH = 12, 5
TRIANGLE = torch.ones(LENGTH, LENGTH).tril().bool()


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def seen(read, length=LENGTH):
    """(length, length) bool from gradients: does output row i change with input j?"""
    vectors = torch.randn(1, length, WIDTH, requires_grad=True)
    outputs = read(vectors)[0]
    direction = torch.randn(outputs.shape[-1])
    rows = [torch.autograd.grad(o @ direction, vectors, retain_graph=True)[0] for o in outputs]
    return torch.stack([row[0].abs().sum(-1) > 0 for row in rows])


def test_causal_mask_hides_what_comes_after():
    assert ((causal_mask(LENGTH) == 0) == TRIANGLE).all()
    assert (causal_mask(LENGTH)[~TRIANGLE] == float("-inf")).all()


def test_gpt_sees_the_left_and_bert_sees_all():
    assert (seen(Transformer(WORDS, causal=True).read) == TRIANGLE).all()
    assert seen(Transformer(WORDS, causal=False).read).all()


def test_gpt_and_bert_have_the_same_parameters():
    gpt, bert = (dict(Transformer(WORDS, c).named_parameters()) for c in (True, False))
    assert {n: p.shape for n, p in gpt.items()} == {n: p.shape for n, p in bert.items()}


def test_each_half_of_elmo_sees_one_side():
    elmo = ELMo(WORDS)
    assert (seen(lambda v: elmo.read(v)[..., :WIDTH]) == TRIANGLE).all()
    assert (seen(lambda v: elmo.read(v)[..., WIDTH:]) == TRIANGLE.T).all()


def test_the_decoder_of_t5_sees_all_of_the_source_and_its_own_left():
    t5 = T5(WORDS)
    grid = seen(lambda v: t5.read(v[:, :3], v[:, 3:]), 3 + LENGTH)
    assert grid[:, :3].all() and (grid[:, 3:] == TRIANGLE).all()


def test_shapes_of_the_logits():
    ids = torch.randint(WORDS, (2, LENGTH))
    assert Transformer(WORDS, True)(ids).shape == (2, LENGTH, WORDS)
    assert [part.shape for part in ELMo(WORDS)(ids)] == [(2, LENGTH, WORDS)] * 2
    assert T5(WORDS)(ids, ids[:, :3]).shape == (2, 3, WORDS)
    assert Classifier(Transformer(WORDS, False), 4)(ids).shape == (2, 4)


def test_padding_does_not_count_in_the_mean_of_the_lstm():
    model = LSTMClassifier(WORDS, 3)
    model.lstm = torch.nn.Identity()
    model.lstm.forward = lambda vectors: (torch.cat([vectors, vectors + 1], -1), None)
    alone = model(torch.tensor([[5, 6, 7]]))
    padded = model(torch.tensor([[5, 6, 7, 0, 0], [5, 6, 7, 8, 9]]))
    torch.testing.assert_close(padded[:1], alone)
    assert not torch.allclose(padded[1], padded[0])


def test_mean_loss_is_the_mean_of_minus_log_probability():
    logits, answers = torch.randn(2, 3, WORDS), torch.randint(WORDS, (2, 3))
    expected = -logits.log_softmax(-1).gather(-1, answers.unsqueeze(-1)).mean()
    torch.testing.assert_close(mean_loss(logits, answers), expected)


def test_training_lowers_the_loss_and_generation_follows_it():
    rows = torch.tensor([[1, 2, 3, 4], [1, 5, 6, 7]])
    model = Transformer(WORDS, causal=True)
    losses = train(model, lambda m: mean_loss(m(rows[:, :-1]), rows[:, 1:]), steps=60)
    assert len(losses) == 60 and losses[-1] < 0.5 < losses[0]
    assert generate(model, torch.tensor([[1, 2], [1, 5]]), 4).tolist() == rows.tolist()


def test_fine_tuning_changes_the_trunk_too():
    trunk = Transformer(WORDS, causal=False)
    before = trunk.embed.weight.detach().clone()
    ids, labels = torch.tensor([[1, 2], [3, 4]]), torch.tensor([0, 1])
    model = Classifier(trunk, 2)
    train(model, lambda m: mean_loss(m(ids), labels), steps=30)
    assert accuracy(model, ids, labels) == 1.0 and accuracy(model, ids, 1 - labels) == 0.0
    assert not torch.equal(trunk.embed.weight, before)
