"""utils.measuring, likelihood and costs: losses against the model's own, blanks, filling in, costs."""

from types import SimpleNamespace

import pytest
import torch
from tiny_bert import save_tiny_bert, tiny_tokenizer
from tiny_language_models import save_tiny_gpt, save_tiny_t5, tiny_t5_tokenizer

from utils.finetuning import language_model
from utils.measuring import (
    Blank,
    continue_with_gpt,
    continue_with_t5,
    costs,
    count_words,
    fill_with_bert,
    fill_with_gpt,
    fill_with_t5,
    halves,
    inner_tokens,
    make_blanks,
    milliseconds,
    next_token_losses,
    peak_megabytes,
    perplexities,
    pseudo_losses,
    unigram_losses,
    weights_megabytes,
    word_is_known,
)

TEXT = "今天的球队在主场"
BLANK = Blank("今天的球队在", "比赛", ["主场", "银行", "利率"])


@pytest.fixture(scope="module")
def gpt(tmp_path_factory):
    return language_model(str(save_tiny_gpt(tmp_path_factory.mktemp("gpt"))))


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return language_model(str(save_tiny_bert(tmp_path_factory.mktemp("bert"))))


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    return language_model(str(save_tiny_t5(tmp_path_factory.mktemp("t5"))))


def test_next_token_losses_are_the_models_own(gpt):
    tokenizer = tiny_tokenizer()
    losses = next_token_losses(gpt, tokenizer, TEXT)
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"][:, :-1]  # without [SEP]
    with torch.no_grad():
        assert torch.isclose(losses.mean(), gpt(ids, labels=ids).loss, atol=1e-5)
    # What comes later does not matter for what came before.
    assert torch.allclose(next_token_losses(gpt, tokenizer, TEXT[:4]), losses[:4], atol=1e-5)


def test_pseudo_losses_hide_one_token_at_a_time(bert):
    tokenizer = tiny_tokenizer()
    losses = pseudo_losses(bert, tokenizer, TEXT)
    assert losses.shape == (8,)
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    right, ids[0, 3] = ids[0, 3].item(), tokenizer.mask_token_id
    with torch.no_grad():
        expected = -bert(ids).logits[0, 3].log_softmax(-1)[right]
    assert torch.isclose(losses[2], expected, atol=1e-5)
    assert not torch.allclose(pseudo_losses(bert, tokenizer, TEXT[:4]), losses[:4], atol=1e-3)


def test_perplexity_counts_tokens_not_texts():
    losses = [torch.full((9,), 1.0), torch.full((1,), 3.0)]
    measured = perplexities(losses, ["一二三 四五", "六七八九十"])
    assert measured["token"] == pytest.approx(2.71828**1.2, rel=1e-4)
    assert measured["character"] == pytest.approx(2.71828**1.2, rel=1e-4)


def test_unigram_losses_are_those_of_the_texts_own_frequencies():
    one, other = unigram_losses(["球球球队", "球"], tiny_tokenizer())
    assert one.exp().tolist() == pytest.approx([5 / 4] * 3 + [5])
    assert other.exp().tolist() == pytest.approx([5 / 4])


def test_halves_are_cut_between_chinese_characters():
    assert halves("今天的球队在主场") == ("今天的球", "队在主场")
    assert halves("今天2024年赢了球") == ("今天2024年", "赢了球")
    assert halves("no Chinese here") is halves("球") is halves("") is None


def test_gpt_continues_what_it_reads(gpt):
    tokenizer = tiny_tokenizer()
    losses = continue_with_gpt(gpt, tokenizer, "今天的球队", "在主场")
    assert torch.allclose(losses, next_token_losses(gpt, tokenizer, TEXT)[5:])


def test_t5_continues_from_the_sentinel(t5):
    tokenizer = tiny_t5_tokenizer()
    losses = continue_with_t5(t5, tokenizer, "今天的球队", "在主场")
    source = tokenizer("今天的球队<extra_id_0>", return_tensors="pt")["input_ids"]
    answer = tokenizer("<extra_id_0>在主场", return_tensors="pt")["input_ids"][0, :-1].tolist()
    answer = [token for token in answer if tokenizer.convert_ids_to_tokens(token) != "▁"]
    with torch.no_grad():
        logs = t5(input_ids=source, labels=torch.tensor([answer])).logits[0].log_softmax(-1)
    expected = [-logs[place, token].item() for place, token in enumerate(answer)][1:]
    assert losses.tolist() == pytest.approx(expected, abs=1e-5) and len(losses) == 3


SENTENCES = [
    "昨天下午市民来到公园参加植树活动，孩子们格外高兴。短句。",
    "公司公布财报之后股价上涨，投资者仍然保持谨慎态度！",
    "学校今年新增三个专业，考生可以通过网站查询详细情况？",
] * 3


def test_blanks_leave_context_and_offer_ten_words():
    blanks = make_blanks(SENTENCES, lambda word: word != "公园", seed=0)
    assert len(blanks) == 9
    for blank in blanks:
        assert len(blank.left) >= 4 and len(blank.right) >= 4
        assert len(set(blank.words)) == 10 and "公园" not in blank.words
        assert any(blank.left + blank.words[0] + blank.right in text for text in SENTENCES)
    assert blanks == make_blanks(SENTENCES, lambda word: word != "公园", seed=0)
    assert blanks != make_blanks(SENTENCES, lambda word: word != "公园", seed=1)
    with pytest.raises(ValueError, match="2 known words"):
        make_blanks(SENTENCES, lambda word: word in ("公园", "公司"))


def test_words_that_a_tokenizer_does_not_know_are_left_out():
    known = word_is_known([tiny_tokenizer(), tiny_t5_tokenizer()])
    assert known("球队") and not known("公园")
    assert count_words(["球队主场，球队"])["球队"] == 2


def test_bert_sums_over_both_masks(bert):
    tokenizer = tiny_tokenizer()
    scores, _, freely = fill_with_bert(bert, tokenizer, BLANK)
    ids = tokenizer("今天的球队在[MASK][MASK]比赛", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        logs = bert(ids).logits[0, 7:9].log_softmax(-1)
    ids = [tokenizer.convert_tokens_to_ids(list(word)) for word in BLANK.words]
    expected = torch.stack([logs[0, a] + logs[1, b] for a, b in ids])
    assert torch.allclose(scores, expected, atol=1e-5)
    best = "".join(tokenizer.convert_ids_to_tokens(logs.argmax(-1)))
    assert freely is (best == "主场")


def test_bert_by_turns_sees_the_token_before(bert):
    tokenizer = tiny_tokenizer()
    apart, by_turns, _ = fill_with_bert(bert, tokenizer, BLANK)
    assert not torch.allclose(apart, by_turns, atol=1e-4)
    for place, word in enumerate(BLANK.words):
        expected = 0
        for known, hidden in (("[MASK][MASK]", word[0]), (f"{word[0]}[MASK]", word[1])):
            ids = tokenizer(f"今天的球队在{known}比赛", return_tensors="pt")["input_ids"]
            with torch.no_grad():
                logs = bert(ids).logits[0, 7 + word.index(hidden)].log_softmax(-1)
            expected += logs[tokenizer.convert_tokens_to_ids(hidden)]
        assert torch.isclose(by_turns[place], expected, atol=1e-4)


def test_gpt_scores_the_left_side_and_the_whole(gpt):
    tokenizer = tiny_tokenizer()
    left, whole, _ = fill_with_gpt(gpt, tokenizer, BLANK)
    for place, word in enumerate(BLANK.words):
        losses = next_token_losses(gpt, tokenizer, BLANK.left + word + BLANK.right)
        assert torch.isclose(left[place], -losses[6:8].sum(), atol=1e-4)
        assert torch.isclose(whole[place], -losses[6:].sum(), atol=1e-4)


def test_t5_scores_the_span_and_its_end(t5):
    model, tokenizer = t5, tiny_t5_tokenizer()
    assert inner_tokens("比赛", tokenizer) == tokenizer.convert_tokens_to_ids(["比", "赛"])
    scores, _ = fill_with_t5(model, tokenizer, BLANK)
    pieces = ["▁", *BLANK.left, "<extra_id_0>", *BLANK.right, "</s>"]
    source = torch.tensor([tokenizer.convert_tokens_to_ids(pieces)])
    for place, word in enumerate(BLANK.words):
        answer = tokenizer.convert_tokens_to_ids(["<extra_id_0>", *word, "<extra_id_1>"])
        with torch.no_grad():
            logs = model(source, labels=torch.tensor([answer])).logits[0].log_softmax(-1)
        expected = sum(logs[i, answer[i]] for i in (1, 2, 3))
        assert torch.isclose(scores[place], expected, atol=1e-4)


def test_milliseconds_are_the_median_of_each_way_and_round(monkeypatch):
    """By a clock that the ways themselves put forward: the machine's load is no matter."""
    clock = SimpleNamespace(now=0.0, calls=[])
    monkeypatch.setattr(costs, "time", SimpleNamespace(perf_counter=lambda: clock.now))

    def way(name, seconds):
        def call(each):
            clock.calls.append((name, each))
            clock.now += seconds * (100 if each == "slow one" else 1)

        return call

    ways = {"fast": way("fast", 0.001), "slow": way("slow", 0.02)}
    inputs = ["a", "slow one", "b"]
    measured = milliseconds(ways, inputs, rounds=2)
    assert measured["fast"] == pytest.approx([1, 1])
    assert measured["slow"] == pytest.approx([20, 20])
    warm_up = [("fast", "a"), ("slow", "a")]
    by_turns = [(name, each) for each in inputs for name in ways]
    assert clock.calls == warm_up + 2 * by_turns


def test_peak_memory_is_what_lives_at_once(capfd):
    def one_after_another():
        for _ in range(4):
            torch.ones(1000, 1000)  # 4 MB each

    def all_together():
        return [torch.ones(1000, 1000) for _ in range(4)]

    assert peak_megabytes(one_after_another) == pytest.approx(4, abs=1)
    assert peak_megabytes(all_together) == pytest.approx(16, abs=1)
    assert capfd.readouterr().err == "", "a notebook's outputs hold no words on stderr"
    assert weights_megabytes(torch.nn.Linear(999, 1000)) == pytest.approx(4, abs=0.01)
