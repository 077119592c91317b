"""utils.smaller.distillation: a student's vocabulary, start, loss and training."""

import random

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from tiny_bert import CHARACTERS, tiny_tokenizer
from torch.nn import functional as F

from utils.finetuning import load_classifier, new_classifier, predict, save_classifier
from utils.pretraining import IGNORE
from utils.smaller import distil, distillation_loss, new_student, trim_vocabulary

NAMES = ["体育", "财经"]
SPORTS, MONEY = "球队", "股价"


def texts_of(rows, seed):
    draw = random.Random(seed)
    neutral = [c for c in CHARACTERS if c not in SPORTS + MONEY]
    labels = [row % 2 for row in range(rows)]
    return [
        "".join(draw.choices(neutral, k=draw.randint(3, 18)) + draw.choices((SPORTS, MONEY)[label], k=2))
        for label in labels
    ], labels  # fmt: skip


# The vocabulary


def test_a_trimmed_tokenizer_cuts_the_texts_as_the_old_one():
    tokenizer = tiny_tokenizer()
    texts = ["球队主场三连胜", "股价，银行", "球球"]
    small, kept = trim_vocabulary(tokenizer, texts)
    assert len(small) == len(kept) == 5 + len(set("".join(texts)))
    for old, new in zip(tokenizer(texts)["input_ids"], small(texts)["input_ids"], strict=True):
        assert [kept[place] for place in new] == old
    assert small("利率")["input_ids"][1:-1] == [small.unk_token_id] * 2, "not among the texts"
    often, kept = trim_vocabulary(tokenizer, texts, at_least=2)
    assert often.get_vocab().keys() == {*tokenizer.all_special_tokens, "球"}
    assert [often.convert_ids_to_tokens(number) for number in range(len(kept))] == [
        tokenizer.convert_ids_to_tokens(number) for number in kept
    ]


# The start


def test_a_student_as_wide_begins_with_the_teachers_layers(checkpoint):
    teacher = new_classifier(checkpoint, NAMES)
    student = new_student(teacher, [0, 1, 2, 3, 4, 9], layers=1, hidden=32)
    theirs, its = teacher.bert, student.bert
    assert torch.equal(
        its.embeddings.word_embeddings.weight,
        theirs.embeddings.word_embeddings.weight[[0, 1, 2, 3, 4, 9]],
    )
    assert torch.equal(student.classifier.weight, teacher.classifier.weight)
    for name, value in its.encoder.layer[0].state_dict().items():
        assert torch.equal(value, theirs.encoder.layer[0].state_dict()[name])
    # All tokens kept: the same answers.
    whole = new_student(teacher, layers=1, hidden=32).eval()
    ids = torch.tensor([[2, 9, 12, 3]])
    torch.testing.assert_close(whole(ids).logits, teacher.eval()(ids).logits, atol=1e-6, rtol=0)


def test_a_narrower_student_keeps_what_tells_the_tokens_apart(checkpoint):
    """Likeness of two tokens: as good as that many dimensions can."""
    teacher = new_classifier(checkpoint, NAMES)
    with torch.no_grad():  # the teacher's vectors need only 16 of their 32 dimensions
        words = teacher.bert.embeddings.word_embeddings.weight
        words.copy_(torch.randn(len(words), 16) @ torch.randn(16, 32))
    student = new_student(teacher, layers=2, hidden=16, heads=2)
    turned = student.bert.embeddings.word_embeddings.weight
    assert turned.shape == (len(words), 16)
    theirs, its = ((each[:, None] - each).norm(dim=-1) for each in (words, turned))
    torch.testing.assert_close(its, theirs, atol=1e-3, rtol=1e-3)
    config = student.config
    assert (config.num_hidden_layers, config.hidden_size, config.intermediate_size) == (2, 16, 32)
    assert config.id2label == dict(enumerate(NAMES))
    again, other = (new_student(teacher, hidden=16, seed=seed) for seed in (42, 1))
    assert torch.equal(again.classifier.weight, student.classifier.weight)
    assert not torch.equal(other.classifier.weight, student.classifier.weight)


# The loss


def test_the_loss_by_hand():
    student, teacher = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    p, q = F.softmax(student / 2, -1), torch.tensor([[0.5, 0.5]])
    expected = 4 * (q * (q / p).log()).sum()
    assert distillation_loss(student, teacher).item() == pytest.approx(expected.item(), abs=1e-6)
    assert distillation_loss(teacher, teacher).item() == pytest.approx(0, abs=1e-6)
    shifted = teacher + 5  # logits, or logarithms of probabilities
    assert distillation_loss(student, shifted).item() == pytest.approx(expected.item(), abs=1e-5)


def test_labels_count_with_their_share_and_only_where_there_are_any():
    draw = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(4, 3, generator=draw) for _ in range(2))
    labels = torch.tensor([2, IGNORE, 0, IGNORE])
    soft = distillation_loss(student, teacher)
    only_hard = distillation_loss(student, teacher, labels, hard=1.0)
    assert only_hard.item() == pytest.approx(
        F.cross_entropy(student[[0, 2]], labels[[0, 2]]).item()
    )
    mixed = distillation_loss(student, teacher, labels, hard=0.25)
    assert mixed.item() == pytest.approx((0.75 * soft + 0.25 * only_hard).item(), abs=1e-6)
    none = distillation_loss(student, teacher, torch.full((4,), IGNORE), hard=0.25)
    assert none.item() == pytest.approx(0.75 * soft.item(), abs=1e-6), "no labels: no nan"


def test_the_gradient_is_as_large_at_every_temperature():
    """Of differences much smaller than T; without T² it would shrink to a hundredth."""
    sizes = []
    for temperature in (5.0, 50.0):
        student = torch.tensor([[0.1, 0.0, -0.1]], requires_grad=True)
        distillation_loss(student, torch.zeros(1, 3), temperature=temperature).backward()
        sizes.append(student.grad.abs().max().item())
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


# Training


def split_of(rows, seed):
    texts, labels = texts_of(rows, seed)
    features = Features({"text": Value("string"), "label": ClassLabel(names=NAMES)})
    return Dataset.from_dict({"text": texts, "label": labels}, features=features)


def train(checkpoint, teacher, labels=None, **options):
    texts, _ = texts_of(128, 0)
    small, kept = trim_vocabulary(tiny_tokenizer(), texts)
    student = new_student(new_classifier(checkpoint, NAMES), kept, layers=1, hidden=16)
    options = {"epochs": 12, "learning_rate": 2e-2, "batch_size": 16, "progress": False} | options
    trainer = distil(student, small, texts, teacher, split_of(32, 1), labels=labels, **options)
    return trainer, small


def test_a_student_learns_from_what_the_teacher_says_alone(checkpoint, tmp_path):
    _, truth = texts_of(128, 0)
    sure = np.eye(2, dtype=np.float32)[truth] * 0.9 + 0.05
    trainer, small = train(checkpoint, sure)
    test = split_of(64, 2)
    said = predict(trainer.model, small, test["text"])
    assert (said.argmax(1) == np.array(test["label"])).mean() > 0.9
    folder = save_classifier(trainer.model, small, tmp_path)
    np.testing.assert_allclose(predict(*load_classifier(folder), test["text"]), said, atol=1e-2)


def test_labels_and_teacher_are_each_heard_by_their_share(checkpoint):
    """A teacher that is always wrong: with `hard` the labels win, without it the teacher."""
    _, truth = texts_of(128, 0)
    wrong = 0.95 - np.eye(2, dtype=np.float32)[truth] * 0.9
    curves = {}
    for hard in (0.0, 1.0):
        trainer, _ = train(checkpoint, wrong, truth, hard=hard)
        log = trainer.state.log_history
        curves[hard] = [row["eval_accuracy"] for row in log if "eval_accuracy" in row]
    assert curves[0.0][-1] < 0.2 and curves[1.0][-1] > 0.8


def test_what_does_not_fit_is_refused(checkpoint):
    with pytest.raises(ValueError, match="^128 texts, 3 rows of probabilities, 128 labels; give"):
        train(checkpoint, np.ones((3, 2)))
