"""T5: the vocabulary, span corruption, batches, measures, tasks, kept answers."""

import random
from collections import Counter

import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from transformers import AutoTokenizer, T5Config, T5ForConditionalGeneration

from utils.finetuning import (
    NEWS_PREFIX,
    REVIEW_ANSWERS,
    TOPIC_ANSWERS,
    encode_task,
    exact_answers,
    only_these,
    task_rows,
)
from utils.pretraining import (
    IGNORE,
    TextToTextCollator,
    corrupt_spans,
    evaluate_text_to_text,
    random_parts,
    sentinel_ids,
    train_sentencepiece,
)
from utils.pretraining.text import SENTINELS

TEXTS = [
    "主队在最后一分钟打进一球，看台上的球迷全都站了起来。",
    "银行昨天公布了新的利率，股价应声上涨３％。",
    "分类：体育 财经 正 正面 负面",
    "We laughed all the way home and talked about the ending.",
    "This is an awesome movie, said the New York critic.",
    "sentiment: positive negative",
]
LABELS = ["正", "正面", "负面", "positive"]
MARKS = [1000 - i for i in range(SENTINELS)]  # sentinels of a made-up vocabulary


@pytest.fixture(scope="module")
def tokenizer():
    return train_sentencepiece(TEXTS * 20, vocab_size=300)


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_heads=2,
        num_layers=1,
        dropout_rate=0.0,
        initializer_factor=3.0,  # so that different texts give different answers
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )
    return T5ForConditionalGeneration(config).eval()


# --- Vocabulary ----------------------------------------------------------------------------------


def test_sentinels_stand_at_the_end_and_count_down(tokenizer):
    ids = sentinel_ids(tokenizer)
    assert ids == list(range(len(tokenizer) - 1, len(tokenizer) - 1 - SENTINELS, -1))
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id) == (0, 1, 2)


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_as_it_was(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    assert ids[-1] == tokenizer.eos_token_id and tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_a_saved_tokenizer_gives_the_same_ids(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again.get_vocab() == tokenizer.get_vocab()
    text = TEXTS[0] + "<extra_id_0>" + TEXTS[3]
    assert again(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert sentinel_ids(again) == sentinel_ids(tokenizer)


# --- Span corruption -----------------------------------------------------------------------------


def test_random_parts_are_positive_and_all_equally_likely():
    rng = random.Random(0)
    counts = Counter(tuple(random_parts(5, 3, rng)) for _ in range(6000))
    assert set(counts) == {(1, 1, 3), (1, 3, 1), (3, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, 1)}
    assert all(850 < count < 1150 for count in counts.values())


def spans_of(target: list[int]) -> list[list[int]]:
    """The hidden tokens of each sentinel but the last, which hides none."""
    spans = []
    for token in target:
        if token in MARKS:
            spans.append([])
        else:
            spans[-1].append(token)
    assert spans.pop() == []
    return spans


@pytest.mark.parametrize("length", [1, 2, 3, 7, 22, 64, 510])
def test_source_and_target_make_up_the_text(length):
    for seed in range(30):
        tokens = list(range(length))
        source, target = corrupt_spans(tokens, MARKS, random.Random(seed))
        spans = spans_of(target)
        marks = [token for token in target if token in MARKS]
        assert marks == MARKS[: len(spans) + 1], "in their order, and one more at the end"
        assert [token for token in source if token in MARKS] == marks[:-1]
        text = []
        for token in source:
            text += spans[MARKS.index(token)] if token in MARKS else [token]
        assert text == tokens
        assert all(spans), "no sentinel hides nothing"
        pairs = zip(source, source[1:], strict=False)
        assert not any(a in MARKS and b in MARKS for a, b in pairs), "kept tokens between spans"


@pytest.mark.parametrize(("rate", "mean"), [(0.15, 3.0), (0.5, 5.0)])
def test_rate_and_mean_length_are_those_asked_for(rate, mean):
    rng = random.Random(0)
    spans = [
        spans_of(corrupt_spans(range(200), MARKS, rng, rate=rate, mean_length=mean)[1])
        for _ in range(200)
    ]
    lengths = [len(span) for each in spans for span in each]
    assert sum(lengths) == 200 * 200 * rate
    assert sum(lengths) / len(lengths) == pytest.approx(mean)
    assert len(set(lengths)) > 5, "the lengths vary"


@pytest.mark.parametrize(
    ("length", "hidden", "spans"), [(33, 5, 2), (27, 4, 1), (47, 7, 2), (53, 8, 3)]
)
def test_the_number_of_spans_is_rounded(length, hidden, spans):
    """33 tokens: 5 hidden, in 1.67 spans of three, so two."""
    found = spans_of(corrupt_spans(range(length), MARKS, random.Random(0))[1])
    assert (sum(map(len, found)), len(found)) == (hidden, spans)


@pytest.mark.parametrize(
    ("label", "topic"),
    [
        ("体育", "sports"),
        ("娱乐", "entertainment"),
        ("家居", "home"),
        ("房产", "property"),
        ("教育", "education"),
    ]
    + [
        ("时尚", "fashion"),
        ("时政", "politics"),
        ("游戏", "games"),
        ("科技", "technology"),
        ("财经", "finance"),
    ],
)
def test_the_english_name_of_each_class(label, topic):
    assert TOPIC_ANSWERS[label] == topic and len(TOPIC_ANSWERS) == 10


def test_a_bad_review_is_called_negative():
    assert REVIEW_ANSWERS == {"neg": "negative", "pos": "positive"}


def test_the_one_span_of_a_headline_may_stand_anywhere():
    rng = random.Random(0)
    firsts = Counter(spans_of(corrupt_spans(range(20), MARKS, rng)[1])[0][0] for _ in range(3600))
    assert set(firsts) == set(range(18)), "at its beginning, in its middle and at its end"
    assert all(130 < count < 280 for count in firsts.values())


def test_a_long_text_uses_no_more_sentinels_than_there_are():
    source, target = corrupt_spans(range(1, 901), MARKS, random.Random(0), 0.5, 1.0)
    assert target[-1] == MARKS[-1] and len(spans_of(target)) == SENTINELS - 1
    assert len(source) + len(target) == 900 + 2 * SENTINELS - 1


def test_no_tokens_are_an_error():
    with pytest.raises(ValueError, match="no tokens; drop empty texts"):
        corrupt_spans([], MARKS, random.Random(0))


# --- Batches -------------------------------------------------------------------------------------


def encoded(tokenizer, *texts: str) -> list[dict]:
    return [{"input_ids": tokenizer(text, add_special_tokens=False)["input_ids"]} for text in texts]


def test_running_text_is_corrupted_and_tasks_are_left_alone(tokenizer):
    rows = encoded(tokenizer, TEXTS[0], TEXTS[3])
    rows[1]["labels"] = tokenizer("正面", add_special_tokens=False)["input_ids"]
    batch = TextToTextCollator(tokenizer, seed=0)(rows)
    first, end = sentinel_ids(tokenizer)[0], tokenizer.eos_token_id
    assert first in batch["input_ids"][0] and batch["labels"][0, -1] in (IGNORE, end)
    kept = batch["input_ids"][1][batch["attention_mask"][1].bool()]
    assert kept.tolist() == [*rows[1]["input_ids"], end]
    answer = batch["labels"][1]
    assert answer[answer != IGNORE].tolist() == [*rows[1]["labels"], end]
    assert (answer[len(rows[1]["labels"]) + 1 :] == IGNORE).all()
    assert all(tensor.shape[1] % 8 == 0 for tensor in batch.values())
    assert (batch["input_ids"][batch["attention_mask"] == 0] == tokenizer.pad_token_id).all()


def test_spans_are_drawn_anew_unless_there_is_a_seed(tokenizer):
    rows = encoded(tokenizer, *TEXTS)

    def drawn(collator, times=4):
        return {str(collator(rows)["labels"].tolist()) for _ in range(times)}

    assert len(drawn(TextToTextCollator(tokenizer, seed=7))) == 1
    torch.manual_seed(3)
    fresh = drawn(TextToTextCollator(tokenizer))
    assert len(fresh) == 4
    torch.manual_seed(3)
    assert drawn(TextToTextCollator(tokenizer)) == fresh, "Trainer's seed decides"


# --- Measures ------------------------------------------------------------------------------------


def test_loss_is_the_librarys_and_counts_each_token_once(tokenizer, model):
    collate = TextToTextCollator(tokenizer, seed=0)
    batch = collate(encoded(tokenizer, *TEXTS))
    measured = evaluate_text_to_text(model, [batch])
    with torch.no_grad():
        assert measured["span_loss"] == pytest.approx(model(**batch).loss.item(), abs=1e-5)
    assert measured["tokens"] == (batch["labels"] != IGNORE).sum().item()
    halves = [{name: tensor[part] for name, tensor in batch.items()} for part in
              (slice(0, 1), slice(1, None))]  # fmt: skip
    assert evaluate_text_to_text(model, halves) == pytest.approx(measured, abs=1e-5)


def test_signs_do_not_count(tokenizer, model):
    batch = TextToTextCollator(tokenizer, seed=0)(encoded(tokenizer, *TEXTS))
    signs = [*sentinel_ids(tokenizer), tokenizer.eos_token_id]
    measured = evaluate_text_to_text(model, [batch], signs)
    hidden = ~torch.isin(batch["labels"], torch.tensor([IGNORE, *signs]))
    assert measured["tokens"] == hidden.sum().item() > 0
    with torch.no_grad():
        logits = model(**batch).logits[hidden]
    right = (logits.argmax(-1) == batch["labels"][hidden]).float().mean().item()
    assert measured["span_accuracy"] == pytest.approx(right)


def test_exact_answers_are_what_greedy_decoding_writes(tokenizer, model):
    sources = encoded(tokenizer, *TEXTS)
    batch = TextToTextCollator(tokenizer)([row | {"labels": [5]} for row in sources])
    batch.pop("labels")
    written = model.generate(**batch, do_sample=False, max_new_tokens=6)[:, 1:]
    answers = [[t for t in row.tolist() if t not in (0, 1)] for row in written]
    labels = torch.full((len(TEXTS), 8), IGNORE)
    for row, answer in enumerate(answers):
        labels[row, : len(answer)] = torch.tensor(answer)
    assert exact_answers(model, [batch | {"labels": labels}]) == 1
    labels[0, 0] += 1  # one token of one answer
    assert exact_answers(model, [batch | {"labels": labels}]) == pytest.approx(5 / 6)


# --- Tasks as text -------------------------------------------------------------------------------


def test_a_data_set_becomes_texts_with_the_names_of_its_classes():
    features = Features({"text": Value("string"), "label": ClassLabel(names=["体育", "neg"])})
    data = Dataset.from_dict({"text": ["赢了", "Bad."], "label": [0, 1]}, features=features)
    assert task_rows(data, NEWS_PREFIX, {"neg": "negative"}) == [
        {"source": "分类：赢了", "target": "体育"},
        {"source": "分类：Bad.", "target": "negative"},
    ]
    assert task_rows(data, "")[1]["target"] == "neg"


def test_long_sources_are_cut_and_nothing_is_added(tokenizer):
    rows = [{"source": TEXTS[0] * 5, "target": "正面"}, {"source": "负面", "target": "positive"}]
    whole = [tokenizer(row["source"], add_special_tokens=False)["input_ids"] for row in rows]
    long, short = encode_task(rows, tokenizer, max_length=40)
    assert long["input_ids"] == whole[0][:39] and short["input_ids"] == whole[1]
    assert tokenizer.decode(long["labels"]) == "正面"
    assert tokenizer.eos_token_id not in long["labels"] + short["input_ids"]


# --- Answers kept to a list ----------------------------------------------------------------------


def test_whatever_the_model_would_write_the_answer_is_on_the_list(tokenizer, model):
    sources = tokenizer(TEXTS, padding=True, return_tensors="pt")
    free = model.generate(**sources, do_sample=False, max_new_tokens=12)
    kept = model.generate(
        **sources,
        do_sample=False,
        max_new_tokens=12,
        prefix_allowed_tokens_fn=only_these(LABELS, tokenizer, model.config.decoder_start_token_id),
    )
    said = tokenizer.batch_decode(kept, skip_special_tokens=True)
    assert set(said) <= set(LABELS)
    assert not set(tokenizer.batch_decode(free, skip_special_tokens=True)) & set(LABELS)
    assert all(tokenizer.eos_token_id in row for row in kept.tolist()), "each answer is finished"


@pytest.mark.parametrize("label", LABELS)
def test_every_label_can_be_written_and_only_then_ended(tokenizer, label):
    start, end = tokenizer.pad_token_id, tokenizer.eos_token_id
    allowed = only_these(LABELS, tokenizer, start)
    path = [start, *tokenizer(label)["input_ids"]]
    for length in range(1, len(path)):
        nexts = allowed(0, torch.tensor(path[:length]))
        assert path[length] in nexts
        complete = tokenizer.decode(path[:length], skip_special_tokens=True) in LABELS
        assert (end in nexts) == complete
    assert allowed(0, torch.tensor(path)) == [tokenizer.pad_token_id]
    assert allowed(0, torch.tensor([*path, start, start])) == [tokenizer.pad_token_id]


def test_a_label_that_begins_another_may_end_or_go_on(tokenizer):
    short, long = (tokenizer(label)["input_ids"] for label in ("正", "正面"))
    assert long[: len(short) - 1] == short[:-1], "or this test shows nothing"
    allowed = only_these(["正", "正面"], tokenizer, 0)
    assert allowed(0, torch.tensor([0, *short[:-1]])) == sorted({short[-1], long[len(short) - 1]})
