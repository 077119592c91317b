"""utils.finetuning.labelling: GPT and T5 as classifiers, held against one row a label."""

import re

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from tiny_bert import VOCABULARY, save_tiny_bert, tiny_tokenizer
from tiny_language_models import save_tiny_gpt, save_tiny_t5, tiny_t5_tokenizer

from utils.finetuning import (
    as_asked,
    classes_of,
    fine_tune,
    language_model,
    load_classifier,
    new_labeller,
    new_model,
    predict,
    save_classifier,
    sentence_features,
    tokenize,
    write_labels,
)
from utils.finetuning.labelling import PROMPT, GptLabeller, T5Labeller, packed_row
from utils.measuring import tokens_of

NAMES = ["主场", "比", "今天我们"]  # of different lengths
TEXTS = ["球队得分", "银行利率的在了是", "股"]


@pytest.fixture(scope="module")
def gpt(tmp_path_factory):
    return str(save_tiny_gpt(tmp_path_factory.mktemp("gpt")))


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    return str(save_tiny_t5(tmp_path_factory.mktemp("t5")))


def scores_one_by_one(folder: str) -> torch.Tensor:
    """(texts, names): every name in a row of its own, without padding."""
    model, tokenizer = language_model(folder), tiny_tokenizer()
    scores = torch.zeros(len(TEXTS), len(NAMES))
    for i, text in enumerate(TEXTS):
        start = [2, *tokens_of(text, tokenizer), *tokens_of(PROMPT, tokenizer)]
        for k, name in enumerate(NAMES):
            label = [*tokens_of(name, tokenizer), 3]
            with torch.no_grad():
                logs = model(torch.tensor([start + label])).logits[0].log_softmax(-1)
            scores[i, k] = sum(logs[len(start) - 1 + j, label[j]] for j in range(len(label)))
    return scores


def test_gpt_scores_all_names_in_one_pass_as_one_row_each(gpt):
    tokenizer = tiny_tokenizer()
    model = new_labeller(gpt, NAMES, tokenizer).eval()
    assert isinstance(model, GptLabeller)
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    expected = scores_one_by_one(gpt)
    with torch.no_grad():
        answered = model(**batch, labels=torch.tensor([0, 1, 2]))
    assert torch.allclose(answered.logits, expected, atol=1e-4)
    assert torch.isclose(answered.loss, -expected.diag().mean(), atol=1e-4)
    # In training the loss is that of the right name's tokens alone: 3 + 2 + 5 of them.
    loss = model.train()(**batch, labels=torch.tensor([0, 1, 2])).loss
    assert torch.isclose(loss, -expected.diag().sum() / 10, atol=1e-4)
    # Rows of a batch do not know of each other, nor of the padding.
    alone = tokenizer(TEXTS[2:], return_tensors="pt")
    with torch.no_grad():
        assert torch.allclose(model.eval()(**alone).logits[0], expected[2], atol=1e-4)


def test_t5_scores_names_as_its_own_loss_does(t5):
    tokenizer = tiny_t5_tokenizer()
    model = new_labeller(t5, NAMES, tokenizer).eval()
    assert isinstance(model, T5Labeller)
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    plain = language_model(t5)
    with torch.no_grad():
        logits = model(**batch).logits
        for i, text in enumerate(TEXTS):
            for k, name in enumerate(NAMES):
                answer = tokenizer(name, add_special_tokens=False)["input_ids"] + [1]
                ids = tokenizer(text, return_tensors="pt").input_ids
                loss = plain(ids, labels=torch.tensor([answer])).loss
                assert torch.isclose(logits[i, k], -loss * len(answer), atol=1e-3)


def test_t5_writes_a_class_name_whatever_the_text(t5):
    tokenizer = tiny_t5_tokenizer()
    model = new_labeller(t5, NAMES, tokenizer)
    texts = [*TEXTS, *(text * 3 for text in TEXTS)]
    written = write_labels(model, tokenizer, texts)
    assert written.shape == (6,) and set(written) <= {0, 1, 2}
    assert write_labels(model, tokenizer, texts[4:5])[0] == written[4], "in their order"


@pytest.mark.parametrize("kind", ["gpt", "t5"])
def test_a_saved_labeller_comes_back_with_its_names(kind, tmp_path):
    save = {"gpt": save_tiny_gpt, "t5": save_tiny_t5}[kind]
    tokenizer = tiny_t5_tokenizer() if kind == "t5" else tiny_tokenizer()
    model = new_labeller(str(save(tmp_path / "plain")), NAMES, tokenizer)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01)
    folder = save_classifier(model, tokenizer, tmp_path / "saved")
    loaded, its_tokenizer = load_classifier(folder)
    assert type(loaded) is type(model) and loaded.config.id2label == dict(enumerate(NAMES))
    assert loaded.config.name_tokens == model.config.name_tokens
    again = type(model).from_pretrained(folder, dtype=torch.float32)
    for each in (loaded, again):
        assert each.state_dict().keys() == model.state_dict().keys()
        expected = predict(model, tokenizer, TEXTS)
        np.testing.assert_array_equal(predict(each, its_tokenizer, TEXTS), expected)
        # The output layer is the embedding still: trained on, they must stay one.
        assert sum(p.numel() for p in each.parameters()) == sum(
            p.numel() for p in model.parameters()
        )
    if kind == "t5":
        written = write_labels(model, tokenizer, TEXTS)
        np.testing.assert_array_equal(write_labels(loaded, its_tokenizer, TEXTS), written)


def test_names_may_be_of_one_token_and_of_any_number(gpt):
    """Two classes and names without a second token: the mask has nothing to hide."""
    tokenizer = tiny_tokenizer()
    model = new_labeller(gpt, ["比", "的"], tokenizer)
    model.config.name_tokens = [[name[0]] for name in model.config.name_tokens]
    with torch.no_grad():
        logits = model(**tokenizer(TEXTS[:1], return_tensors="pt")).logits
    ids = [2, *tokens_of(TEXTS[0], tokenizer), *tokens_of(PROMPT, tokenizer)]
    with torch.no_grad():
        logs = language_model(gpt)(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
    expected = logs[[VOCABULARY["比"], VOCABULARY["的"]]]
    assert torch.allclose(logits[0], expected, atol=1e-4)


def test_the_mask_is_the_one_that_is_drawn():
    ids, names = torch.tensor([[7, 8, 9, 0]]), torch.tensor([[[5, 6, 3], [10, 11, 3]]])
    row = packed_row(ids, torch.tensor([3]), names)
    assert row["input_ids"].tolist() == [[7, 8, 9, 0, 5, 6, 10, 11]]
    assert row["position_ids"].tolist() == [[0, 1, 2, 3, 3, 4, 3, 4]]
    drawn = re.findall(r"^ +[pab]  at (\d)  (.*)$", packed_row.__doc__, re.M)
    for place, (position, marks) in zip([2, 4, 5, 6, 7], drawn, strict=True):
        looks = row["attention_mask"][0, 0, place].tolist()
        assert [mark == "x" for mark in marks.ljust(15)[::2]] == looks, place
        assert row["position_ids"][0, place] == int(position)


def test_classes_of_the_same_tokens_are_refused(gpt):
    with pytest.raises(
        ValueError, match="classes '比' and '比 ' are the same tokens to this model"
    ):
        new_labeller(gpt, ["比", "主场", "比 "], tiny_tokenizer())


def test_a_text_without_room_for_the_names_is_refused(gpt):
    """Positions beyond the last were all taken for the last, in silence."""
    tokenizer = tiny_tokenizer()
    model = new_labeller(gpt, NAMES, tokenizer)
    with pytest.raises(ValueError) as refused:
        predict(model, tokenizer, ["球" * 70], max_length=64)
    [room] = re.findall(r"64 positions; give max_length=(\d+)$", str(refused.value))
    predict(model, tokenizer, ["球" * 70], max_length=int(room))
    with pytest.raises(ValueError):
        predict(model, tokenizer, ["球" * 70], max_length=int(room) + 1)


def rows(count: int) -> Dataset:
    texts = [
        ("球队主场得分" if i % 2 else "银行降息利率") + "0123456789"[i % 10] for i in range(count)
    ]
    features = Features({"text": Value("string"), "label": ClassLabel(names=["球队", "银行"])})
    return Dataset.from_dict({"text": texts, "label": [i % 2 for i in range(count)]}, features)


@pytest.mark.parametrize("kind", ["bert", "gpt", "t5"])
def test_all_three_learn_by_the_same_recipe(kind, tmp_path):
    save = {"bert": save_tiny_bert, "gpt": save_tiny_gpt, "t5": save_tiny_t5}[kind]
    folder, data = str(save(tmp_path)), rows(48)
    tokenizer = tiny_t5_tokenizer() if kind == "t5" else tiny_tokenizer()
    model = new_model(folder, data.features["label"].names, tokenizer, seed=0)
    train = tokenize(data, tokenizer, 32)
    options = {"learning_rate": 1e-2, "epochs": 12, "batch_size": 16, "seed": 0}
    # The last weights: T5 writes the right names some steps after it finds them the likeliest.
    options |= {"load_best_model_at_end": False, "save_strategy": "no", "progress": False}
    model = fine_tune(model, tokenizer, train, train, **options).model
    labels = np.array(data["label"])
    assert np.mean(predict(model, tokenizer, data["text"], 32).argmax(1) == labels) > 0.95
    assert np.mean(classes_of(model, tokenizer, data["text"], 32) == labels) > 0.95
    assert predict(model, tokenizer, TEXTS, 32).sum(1) == pytest.approx(1)


def test_only_t5_is_told_what_to_do(gpt, t5):
    assert as_asked(t5, ["球队"]) == ["分类：球队"]
    assert as_asked(gpt, ["球队"]) == ["球队"]


def test_last_features_have_seen_the_whole_text(gpt):
    from transformers import AutoModel

    model, tokenizer = AutoModel.from_pretrained(gpt, dtype=torch.float32), tiny_tokenizer()
    last = sentence_features(model, tokenizer, TEXTS, pooling="last")
    ids = torch.tensor([[2, *tokens_of(TEXTS[0], tokenizer)]])
    with torch.no_grad():
        assert np.allclose(last[0], model(ids).last_hidden_state[0, -1], atol=0.05)  # bf16
    mean = sentence_features(model, tokenizer, TEXTS)
    assert not np.allclose(last, mean, atol=0.05)
    with pytest.raises(ValueError, match="pooling='first'"):
        sentence_features(model, tokenizer, TEXTS, pooling="first")
