"""A tokenizer that pads on the left, as one does for GPT, or cuts there: refused, or no matter."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from tiny_bert import pair_rows, save_tiny_bert, tiny_tokenizer
from transformers import AutoModel, AutoTokenizer

from utils import finetuning
from utils.finetuning import check_padding
from utils.models import load_tokenizer, resolve
from utils.pretraining import CausalCollator, PretrainingCollator, TextToTextCollator
from utils.smaller import predict_onnx

TEXTS = ["球队", "银行降息，股价下行"]
REFUSED = r"pads on the left, in front of \[CLS\].*set tokenizer.padding_side = 'right'$"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return str(save_tiny_bert(tmp_path_factory.mktemp("bert")))


@pytest.fixture
def left():
    tokenizer = tiny_tokenizer()
    tokenizer.padding_side = "left"
    return tokenizer


def labelled_texts() -> Dataset:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["体育", "财经"])})
    return Dataset.from_dict({"text": TEXTS * 2, "label": [0, 1] * 2}, features=features)


def fine_tune(checkpoint, tokenizer):
    rows = labelled_texts().map(lambda row: tokenizer(row["text"]))
    model = finetuning.new_classifier(checkpoint, ["体育", "财经"])
    return finetuning.fine_tune(model, tokenizer, rows, rows, epochs=1, progress=False)


def with_head(new, ask):
    """What asks a new model of this kind about the texts."""
    return lambda checkpoint, tokenizer: ask(new(checkpoint), tokenizer)


DOORS = {
    "fine_tune": fine_tune,
    "predict": with_head(
        lambda checkpoint: finetuning.new_classifier(checkpoint, ["体育", "财经"]),
        lambda model, tokenizer: finetuning.predict(model, tokenizer, TEXTS),
    ),
    "sentence_features": with_head(
        AutoModel.from_pretrained,
        lambda model, tokenizer: finetuning.sentence_features(model, tokenizer, TEXTS),
    ),
    "predict_pairs": with_head(
        lambda checkpoint: finetuning.new_classifier(checkpoint, ["体育", "财经"]),
        lambda model, tokenizer: finetuning.predict_pairs(model, tokenizer, TEXTS, TEXTS),
    ),
    "predict_entities": with_head(
        lambda checkpoint: finetuning.new_tagger(checkpoint, ["O", "B-PER", "I-PER"]),
        lambda model, tokenizer: finetuning.predict_entities(model, tokenizer, TEXTS),
    ),
    "answer_questions": with_head(
        finetuning.new_extractor,
        lambda model, tokenizer: finetuning.answer_questions(
            model, tokenizer, ["球队", "股价"], TEXTS, 40, 8
        ),
    ),
    "predict_onnx": lambda checkpoint, tokenizer: predict_onnx(None, tokenizer, TEXTS),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_padding_in_front_of_cls_is_refused(door, checkpoint, left):
    with pytest.raises(ValueError, match=REFUSED):
        door(checkpoint, left)


def test_a_sentence_encoder_that_pads_in_front_of_cls_is_refused(tmp_path):
    from sentence_transformers import SentenceTransformer

    folder = save_tiny_bert(tmp_path / "bert")
    trained = finetuning.contrastive_fine_tune(folder, TEXTS, ["射门", "利率"], epochs=1)
    trained.save_pretrained(str(tmp_path / "encoder"), create_model_card=False)
    assert isinstance(finetuning.load_sentence_encoder(tmp_path / "encoder"), SentenceTransformer)
    for each in (folder, tmp_path / "encoder"):
        # Set afterwards, the side is not saved: findings/padding_side_of_the_last_call.sh.
        AutoTokenizer.from_pretrained(each, padding_side="left").save_pretrained(each)
    with pytest.raises(ValueError, match=REFUSED):
        finetuning.contrastive_fine_tune(folder, TEXTS, ["射门", "利率"], epochs=1)
    with pytest.raises(ValueError, match=REFUSED):
        finetuning.load_sentence_encoder(tmp_path / "encoder")


def test_what_the_message_says_is_true(checkpoint, left):
    """The library's own answer to a short text is another beside a long one."""
    model = finetuning.new_classifier(checkpoint, ["体育", "财经"]).eval()
    with torch.no_grad():
        for tokenizer, same in ((left, False), (tiny_tokenizer(), True)):
            alone = model(**tokenizer(TEXTS[:1], return_tensors="pt")).logits[0]
            beside = model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits[0]
            assert torch.allclose(alone, beside, atol=1e-5) == same


def test_who_has_no_cls_in_front_may_pad_there():
    t5 = load_tokenizer(resolve("mini-t5"))
    t5.padding_side = "left"
    check_padding(t5)

    class AtTheEnd(SimpleNamespace):  # as XLNet
        def __call__(self, text):
            return {"input_ids": [4, 3]}

    check_padding(AtTheEnd(padding_side="left", cls_token_id=3))


def test_rows_of_pretraining_are_padded_on_the_right_in_any_case(left):
    right = tiny_tokenizer()
    for collator in (CausalCollator, lambda each: PretrainingCollator(each, seed=0)):
        ours, theirs = (collator(each)(pair_rows()) for each in (right, left))
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    rows = [{"input_ids": [5, 6], "labels": [7]}, {"input_ids": [5] * 9, "labels": [7] * 5}]
    both = []
    for side in ("right", "left"):
        t5 = load_tokenizer(resolve("mini-t5"))
        t5.padding_side = side
        both.append(TextToTextCollator(t5)(rows))
    assert all(torch.equal(both[0][name], both[1][name]) for name in both[0])


def test_windows_of_a_tokenizer_that_cuts_on_the_left_come_in_order(checkpoint):
    model = finetuning.new_tagger(checkpoint, ["O", "B-PER", "I-PER"])
    text = "".join("球队主场三连胜"[place % 7] for place in range(50))
    scores = []
    for side in ("right", "left"):
        tokenizer = tiny_tokenizer()
        tokenizer.truncation_side = side
        (each,) = finetuning.piece_scores(model, tokenizer, text, max_length=20, overlap=6)
        scores.append(each)
    assert scores[0].offsets == scores[1].offsets == [(place, place + 1) for place in range(50)]
    assert np.isfinite(scores[1].log_probabilities).all()


def test_what_is_cut_off_on_the_left_is_counted(capsys):
    tokenizer = tiny_tokenizer()
    tokenizer.truncation_side = "left"
    features = Features({"tokens": [Value("string")], "labels": [ClassLabel(names=["O", "B-ORG"])]})
    rows = Dataset.from_dict(
        {"tokens": [list("球 队得分 ")], "labels": [[0, 0, 1, 0, 0, 0]]}, features=features
    )
    encoded = finetuning.tokenize_entities(rows, tokenizer, 4)
    assert (encoded["cut"], encoded["lost"]) == ([2], [1])
    assert "1 句超过 4 个词元，截掉 2 个字" in capsys.readouterr().out
