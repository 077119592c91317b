"""utils.finetuning.labelling: GPT and T5 as classifiers, held against one row a label."""

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from tiny_bert import save_tiny_bert, tiny_tokenizer
from tiny_language_models import save_tiny_gpt, save_tiny_t5, tiny_t5_tokenizer

from utils.finetuning import (
    as_asked,
    classes_of,
    fine_tune,
    language_model,
    new_labeller,
    new_model,
    predict,
    sentence_features,
    tokenize,
    write_labels,
)
from utils.finetuning.labelling import PROMPT, GptLabeller, T5Labeller
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
