"""utils.pretraining.causal: running text in rows, the causal model, its measures."""

import random

import pytest
import torch
from test_pretraining import numbered
from tiny_bert import VOCABULARY, tiny_config, tiny_tokenizer
from transformers import BertLMHeadModel

from utils.pretraining import (
    IGNORE,
    BertForCausalPretraining,
    CausalCollator,
    Passages,
    encode_documents,
    evaluate_causal,
    passages,
    unigram_of_answers,
)
from utils.pretraining.causal import CHUNK

CLS, SEP = 2, 3


def cut(documents, length: int, seed: int = 0) -> list[tuple]:
    return list(passages(documents, length, random.Random(seed)))


# --- Rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_passages_lose_nothing_and_change_no_order(seed):
    documents = numbered([3, 4], [40, 1, 25], [9], [1], [17])
    rows = cut(documents, 12, seed)
    assert [token for tokens, _ in rows for token in tokens] == list(range(10, 110))
    assert all(1 <= len(tokens) <= 10 for tokens, _ in rows)
    ends = {sentences[-1][-1] for sentences in documents}
    assert all(last == (tokens[-1] in ends) for tokens, last in rows)


def test_passages_are_cut_elsewhere_at_each_pass():
    firsts = {cut(numbered([100]), 12, seed)[0][0][-1] for seed in range(60)}
    assert len(firsts) == 10, "the first piece has any length from one to the room there is"


def test_rows_begin_with_cls_and_end_with_sep_only_where_the_document_ends():
    rows = Passages(numbered([30], [4]), tiny_tokenizer(), max_length=12, batch_size=2)
    ends = {39, 43}
    for row in rows:
        ids = row["input_ids"]
        assert ids[0] == CLS and len(ids) <= 12
        assert (ids[-1] == SEP) == (ids[-2] in ends)


def test_causal_collator_ignores_padding_alone():
    batch = CausalCollator(tiny_tokenizer())(
        [{"input_ids": [CLS, 7, 8, SEP]}, {"input_ids": [CLS]}]
    )
    assert batch["input_ids"].shape == (2, 8)
    assert batch["labels"].tolist() == [[CLS, 7, 8, SEP] + [IGNORE] * 4, [CLS] + [IGNORE] * 7]


# --- Model ---------------------------------------------------------------------------------------


def tiny_gpt() -> BertForCausalPretraining:
    """In float64, so that what must be equal is equal."""
    torch.manual_seed(0)
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config = tiny_config(is_decoder=True, **none)
    config._attn_implementation = "eager"
    return BertForCausalPretraining(config).double()


def some_batch() -> dict:
    lengths = (40, 13, 25, 2)
    rows = [{"input_ids": [CLS, *torch.randint(5, 30, (n,)).tolist(), SEP]} for n in lengths]
    return CausalCollator(tiny_tokenizer())(rows)


def test_no_position_sees_what_comes_later():
    model, ids = tiny_gpt().eval(), some_batch()["input_ids"]
    other = ids.clone()
    other[:, 10:] = 6
    one, two = model(ids).logits, model(other).logits
    assert torch.equal(one[:, :10], two[:, :10])
    assert not torch.allclose(one[:, 10:], two[:, 10:])


def test_loss_and_gradients_are_those_of_transformers():
    batch = some_batch()
    ours = tiny_gpt()
    theirs = BertLMHeadModel(ours.config).double()
    theirs.load_state_dict(ours.state_dict())
    loss = ours(**batch).loss
    expected = theirs(batch["input_ids"], labels=batch["labels"]).loss
    # The head's logits go through float32 in our loss.
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    loss.backward()
    expected.backward()
    gradients = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        if gradients[name].grad is not None:
            assert torch.allclose(parameter.grad, gradients[name].grad, atol=1e-6), name


def test_loss_does_not_depend_on_the_chunks(monkeypatch):
    model, batch = tiny_gpt(), some_batch()
    assert (batch["labels"] != IGNORE).sum() < CHUNK
    whole = model(**batch).loss.item()
    monkeypatch.setattr("utils.pretraining.causal.CHUNK", 7)
    assert model(**batch).loss.item() == pytest.approx(whole, abs=1e-6)


def test_measures_agree_with_the_loss_and_count_each_token_once():
    model, batch = tiny_gpt(), some_batch()
    measures = evaluate_causal(model, [batch])
    assert measures["tokens"] == 41 + 14 + 26 + 3, "every token but the first of each row"
    assert measures["lm_loss"] == pytest.approx(model(**batch).loss.item(), abs=1e-6)
    likeliest = model(batch["input_ids"]).logits.argmax(-1)[:, :-1]
    right = (likeliest == batch["labels"][:, 1:]).sum().item()
    assert measures["lm_accuracy"] == pytest.approx(right / measures["tokens"])


def test_learns_a_sentence_by_heart_and_writes_it():
    torch.manual_seed(0)
    tokenizer = tiny_tokenizer()
    model = tiny_gpt().float()
    documents = encode_documents([["球队主场三连胜。"]], tokenizer)
    rows = [Passages(documents * 2, tokenizer, 32)[0]]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        loss = model(**CausalCollator(tokenizer)(rows)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    start = tokenizer("球队", add_special_tokens=False)["input_ids"]
    written = model.eval().generate(
        torch.tensor([[CLS, *start]]), max_new_tokens=12, do_sample=False,
        eos_token_id=SEP, pad_token_id=0,
    )  # fmt: skip
    text = tokenizer.decode(written[0], skip_special_tokens=True)
    assert text.replace(" ", "") == "球队主场三连胜。"


def test_unigram_of_answers_is_the_smoothed_frequency():
    train, answers = torch.tensor([5, 5, 5, 6]), torch.tensor([5, 5, 7])
    measured = unigram_of_answers(train, answers, len(VOCABULARY))
    total = 4 + len(VOCABULARY)
    expected = -(2 * torch.tensor(4 / total).log() + torch.tensor(1 / total).log()) / 3
    assert measured["loss"] == pytest.approx(expected.item(), abs=1e-5)
    assert measured["accuracy"] == pytest.approx(2 / 3)
