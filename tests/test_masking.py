"""utils.pretraining.masking: what is masked together, with what, and the batch that comes of it."""

from math import sqrt

import pytest
import torch
from tiny_bert import VOCABULARY, pair_rows, tiny_tokenizer
from transformers import DataCollatorForLanguageModeling

from utils.pretraining import (
    IGNORE,
    PretrainingCollator,
    first_places,
    mask_tokens,
    masking,
    random_spans,
    word_ids,
)

MASK = VOCABULARY["[MASK]"]
SPECIAL_IDS = {VOCABULARY[token] for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def within(count: int, of: int, rate: float) -> bool:
    """Is a count within four standard deviations of its expectation (missed once in 16,000)?"""
    return abs(count - of * rate) < 4 * sqrt(of * rate * (1 - rate))


# --- word_ids, first_places ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "numbers"),
    [
        ([*"球队三连胜"], [0, 0, 1, 1, 1]),
        (["[CLS]", *"银行", "[SEP]", *"银行", "[SEP]", "[PAD]"], [None, 0, 0, None, 1, 1, *[None] * 2]),
        (["the", "en", "##d", "is"], [0, 1, 1, 2]),
        (["nb", "##l", *"比赛"], [0, 0, 1, 1]),
        (["I", "##C", "卡"], [0, 0, 0]),
        ([*"8.5", "秒"], [0, 0, 0, 1]),
        (["银", "[UNK]", "行"], [0, None, 1]),
        (["[CLS]", "##l", "银", "行"], [None, 0, 1, 1]),
        ([], []),
    ],
    ids=["words", "special", "Latin words", "pieces", "a word of pieces and a character", "number", "[UNK] parts", "cut-off piece", "nothing"],
)  # fmt: skip
def test_word_ids(tokens, numbers):
    assert word_ids(tokens) == numbers


def test_word_ids_never_join_across_a_special_token():
    apart = word_ids(["新", "[SEP]", "闻"])
    assert apart[0] != apart[2]
    assert word_ids(["新", "闻"]) == [0, 0], "a word of jieba's, or this proves nothing"


def test_first_places():
    assert first_places([None, 0, 0, None, 1, 1, 1, None]) == [0, 1, 1, 3, 4, 4, 4, 7]


# --- random_spans --------------------------------------------------------------------------------


def span_lengths(spans: torch.Tensor) -> torch.Tensor:
    """Lengths of all spans but the last of each row, which the row's end may have cut."""
    lengths = []
    for row in spans:
        lengths += row.unique_consecutive(return_counts=True)[1][:-1].tolist()
    return torch.tensor(lengths).double()


def test_random_spans_cut_rows_into_spans():
    spans = random_spans((50, 64), generator())
    places = torch.arange(64)
    assert spans.shape == (50, 64) and spans[:, 0].eq(0).all()
    assert (spans <= places).all() and (spans.diff() >= 0).all()
    # A span is named by its own first place.
    assert torch.equal(spans.gather(1, spans), spans)
    assert len({str(row.tolist()) for row in spans}) == 50, "rows were cut alike"


def test_random_spans_lengths_are_geometric():
    lengths = span_lengths(random_spans((300, 512), generator()))
    assert lengths.min() == 1 and lengths.max() == 10
    chances = 0.8 ** torch.arange(10).double()
    chances /= chances.sum()
    for length, chance in enumerate(chances.tolist(), start=1):
        assert within(int((lengths == length).sum()), len(lengths), chance)
    assert abs(lengths.mean() - 3.8) < 0.05, "SpanBERT's mean length"


# --- mask_tokens ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.15, 0.4])
def test_mask_tokens_rates(rate):
    vocab_size, mask_id, word = 30_000, 4, 7
    ids = torch.full((1000, 300), word)
    special = torch.zeros_like(ids, dtype=torch.bool)
    masked, labels = mask_tokens(ids, special, mask_id, vocab_size, rate, generator())
    chosen = labels != IGNORE
    total = int(chosen.sum())
    assert within(total, ids.numel(), rate)
    hidden = int((masked[chosen] == mask_id).sum())
    kept = int((masked[chosen] == word).sum())
    assert within(hidden, total, 0.8)
    assert within(kept, total, 0.1)
    assert within(total - hidden - kept, total, 0.1)
    random_ids = masked[chosen & (masked != mask_id) & (masked != word)].double()
    assert 0 <= random_ids.min() < 100 and vocab_size - 100 < random_ids.max() < vocab_size
    spread = vocab_size / sqrt(12 * len(random_ids))  # of the mean of uniform draws
    assert abs(random_ids.mean() - vocab_size / 2) < 4 * spread


def test_mask_tokens_labels_and_the_rest():
    ids = torch.randint(5, 40, (200, 100), generator=generator(1))
    original = ids.clone()
    special = torch.zeros_like(ids, dtype=torch.bool)
    masked, labels = mask_tokens(ids, special, MASK, 40, generator=generator())
    chosen = labels != IGNORE
    assert torch.equal(ids, original), "the input was changed"
    assert torch.equal(labels[chosen], ids[chosen]), "labels are the original tokens"
    assert torch.equal(masked[~chosen], ids[~chosen]), "changed where nothing was chosen"


def test_mask_tokens_never_choose_special():
    ids = torch.randint(5, 40, (200, 100), generator=generator(1))
    special = torch.rand(ids.shape, generator=generator(2)) < 0.5
    masked, labels = mask_tokens(ids, special, MASK, 40, rate=1.0, generator=generator())
    assert torch.equal(labels == IGNORE, special)
    assert torch.equal(masked[special], ids[special])


def test_mask_tokens_repeat_for_a_generator():
    ids = torch.randint(5, 40, (20, 50), generator=generator(1))
    special = torch.zeros_like(ids, dtype=torch.bool)

    def masks(seed):
        return torch.stack(mask_tokens(ids, special, MASK, 40, generator=generator(seed)))

    assert torch.equal(masks(1), masks(1))
    assert not torch.equal(masks(1), masks(2))


# --- mask_tokens, units --------------------------------------------------------------------------


def random_units(rows: int = 2000, length: int = 60, seed: int = 3):
    """Ids that never repeat a special one, and words of one to four tokens; None of them masked."""
    ids = torch.randint(5, 30_000, (rows, length), generator=generator(seed))
    return ids, random_spans((rows, length), generator(seed + 1), p=0.3, longest=4)


def test_units_are_masked_whole_or_not_at_all():
    ids, units = random_units()
    special = torch.zeros_like(ids, dtype=torch.bool)
    masked, labels = mask_tokens(ids, special, MASK, 30_000, 0.15, generator(), units)
    chosen, hidden, kept = labels != IGNORE, masked == MASK, masked == ids
    for fate in (chosen, hidden, kept):
        assert torch.equal(fate.gather(1, units), fate), "a word was torn"


def test_units_rates():
    ids, units = random_units()
    special = torch.zeros_like(ids, dtype=torch.bool)
    masked, labels = mask_tokens(ids, special, MASK, 30_000, 0.15, generator(), units)
    first = units == torch.arange(ids.shape[1])  # one place for each unit: draws are independent
    chosen = first & (labels != IGNORE)
    assert within(int(chosen.sum()), int(first.sum()), 0.15)
    total = int(chosen.sum())
    assert within(int((masked[chosen] == MASK).sum()), total, 0.8)
    assert within(int((masked[chosen] == ids[chosen]).sum()), total, 0.1)
    # Words differ in length, so the share of tokens spreads more than that of single draws.
    assert abs((labels != IGNORE).double().mean() - 0.15) < 0.006


def test_units_pieces_get_different_random_tokens():
    ids, units = random_units()
    special = torch.zeros_like(ids, dtype=torch.bool)
    masked, labels = mask_tokens(ids, special, MASK, 30_000, 1.0, generator(), units)
    second = units == torch.arange(ids.shape[1]) - 1
    swapped = second & (masked != ids) & (masked != MASK)
    assert swapped.sum() > 1000
    left = masked.roll(1, 1)
    assert (masked[swapped] == left[swapped]).double().mean() < 0.01


def test_units_of_one_token_are_no_units():
    ids, _ = random_units(rows=20)
    special = torch.rand(ids.shape, generator=generator(5)) < 0.2
    places = torch.arange(ids.shape[1]).expand(ids.shape)
    alone = mask_tokens(ids, special, MASK, 30_000, 0.15, generator())
    single = mask_tokens(ids, special, MASK, 30_000, 0.15, generator(), places)
    assert all(torch.equal(one, other) for one, other in zip(alone, single, strict=True))


def test_units_with_special_tokens_inside():
    ids, units = random_units()
    special = torch.rand(ids.shape, generator=generator(5)) < 0.2
    masked, labels = mask_tokens(ids, special, MASK, 30_000, 0.5, generator(), units)
    assert (labels[special] == IGNORE).all()
    assert torch.equal(masked[special], ids[special])
    assert abs((labels[~special] != IGNORE).double().mean() - 0.5) < 0.01


# --- PretrainingCollator -------------------------------------------------------------------------


def test_collator_pads_and_keeps_everything_else():
    given = pair_rows()
    batch = PretrainingCollator(tiny_tokenizer(), seed=0)(given)
    assert given == pair_rows(), "the rows were changed"
    longest = max(len(row["input_ids"]) for row in given)
    assert batch["input_ids"].shape == (6, -(-longest // 8) * 8)
    whole = torch.where(batch["labels"] == IGNORE, batch["input_ids"], batch["labels"])
    for place, row in enumerate(given):
        length = len(row["input_ids"])
        assert whole[place, :length].tolist() == row["input_ids"]
        assert whole[place, length:].eq(0).all()
        assert batch["attention_mask"][place].tolist() == [1] * length + [0] * (
            whole.shape[1] - length
        )
        assert batch["token_type_ids"][place, :length].tolist() == row["token_type_ids"]
    assert batch["next_sentence_label"].tolist() == [row["next_sentence_label"] for row in given]


def test_collator_never_masks_specials_or_padding():
    collate = PretrainingCollator(tiny_tokenizer(), rate=1.0)
    batch, given = collate(pair_rows()), pair_rows()
    for place, row in enumerate(given):
        expected = [IGNORE if token in SPECIAL_IDS else token for token in row["input_ids"]]
        expected += [IGNORE] * (batch["labels"].shape[1] - len(expected))
        assert batch["labels"][place].tolist() == expected


def test_collator_masks_anew_at_each_call():
    collate = PretrainingCollator(tiny_tokenizer())
    torch.manual_seed(0)
    labels = {str(collate(pair_rows())["labels"].tolist()) for _ in range(5)}
    assert len(labels) == 5


def test_collator_with_a_seed_repeats_and_leaves_global_randomness_alone():
    collate = PretrainingCollator(tiny_tokenizer(), seed=3)
    state = torch.get_rng_state()
    first, second = collate(pair_rows()), collate(pair_rows())
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = PretrainingCollator(tiny_tokenizer(), seed=4)(pair_rows())
    assert not torch.equal(first["labels"], other["labels"])
    assert torch.equal(torch.get_rng_state(), state)


def test_collator_for_mlm_alone():
    given = [{"input_ids": row["input_ids"]} for row in pair_rows()]
    batch = PretrainingCollator(tiny_tokenizer(), seed=0)(given)
    assert set(batch) == {"input_ids", "attention_mask", "labels"}


def test_rows_with_seeds_have_the_masks_that_they_have_alone():
    """Whatever stands beside them, and in each of the ways of masking."""
    rows = [row | {"seed": place} for place, row in enumerate(pair_rows() * 5)]
    for way in ({}, {"whole_word": True}, {"spans": True}):
        collate = PretrainingCollator(tiny_tokenizer(), rate=0.3, **way)
        together = collate(rows)
        for place, row in enumerate(rows):
            alone, length = collate([row]), len(row["input_ids"])
            for name in ("input_ids", "labels", "token_type_ids", "attention_mask"):
                assert torch.equal(together[name][place, :length], alone[name][0, :length])
        assert together["labels"].shape[1] % 8 == 0


@pytest.mark.parametrize("seeds", [True, False])
def test_batches_of_few_shapes(seeds):
    """Their places are where the labels are, and as many for all batches of a length."""
    torch.manual_seed(0)
    collate = PretrainingCollator(tiny_tokenizer(), few_shapes=True)
    shapes = set()
    for turn in range(30):
        rows = pair_rows() * 7
        if seeds:
            rows = [row | {"seed": 100 * turn + place} for place, row in enumerate(rows)]
        batch = collate(rows)
        labels, places = batch["labels"].flatten(), batch["masked_places"]
        asked = (labels != IGNORE).nonzero()[:, 0]
        assert torch.equal(places[: len(asked)], asked) and not places[len(asked) :].any()
        assert labels[0] == IGNORE and batch["input_ids"].shape[1] % 32 == 0
        shapes.add((tuple(batch["input_ids"].shape), len(places)))
    assert len(shapes) == 1


def test_more_masked_tokens_than_chance_allows_lose_none():
    collate = PretrainingCollator(tiny_tokenizer(), few_shapes=True)
    rows = pair_rows() * 10
    batch = collate.together(rows)
    ids = batch["input_ids"]
    batch["labels"] = ids.masked_fill(torch.isin(ids, torch.tensor(sorted(SPECIAL_IDS))), IGNORE)
    places = masking.with_places(batch, 0.15)["masked_places"]
    assert len(places) >= (batch["labels"] != IGNORE).sum() > 400
    assert torch.equal(places[places > 0], (batch["labels"].flatten() != IGNORE).nonzero()[:, 0])


# --- PretrainingCollator: whole words and spans --------------------------------------------------

SENTENCES = ["今天比赛得分连胜", "银行降息，股价", "我们在主场的射门"]


def word_rows(copies: int = 200) -> list[dict]:
    """Rows [CLS] sentence [UNK] [SEP]; so many that every word is drawn in each way."""
    tokenizer = tiny_tokenizer()
    return [
        {"input_ids": tokenizer(sentence + "☃")["input_ids"]} for sentence in SENTENCES * copies
    ]


def test_collator_has_the_statistics_of_the_librarys():
    """DataCollatorForLanguageModeling of transformers, token by token: the same four rates."""
    tokenizer = tiny_tokenizer()
    rows = pair_rows() * 400
    plain = tokenizer.pad([{"input_ids": row["input_ids"]} for row in rows], return_tensors="pt")
    ids = plain["input_ids"]
    torch.manual_seed(0)
    both = {
        "ours": PretrainingCollator(tokenizer, 0.3)(rows),
        "theirs": DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.3)(rows),
    }
    free = int((~torch.isin(ids, torch.tensor(sorted(SPECIAL_IDS)))).sum())
    for name, batch in both.items():
        width = ids.shape[1]
        masked, labels = batch["input_ids"][:, :width], batch["labels"][:, :width]
        chosen = labels != IGNORE
        assert torch.equal(labels[chosen], ids[chosen]), name
        assert torch.equal(masked[~chosen], ids[~chosen]), name
        count = int(chosen.sum())
        hidden = int((masked[chosen] == MASK).sum())
        kept = int((masked[chosen] == ids[chosen]).sum())
        # One random token in `vocabulary` is [MASK] by chance, another the token itself.
        chance = 0.1 / len(VOCABULARY)
        assert within(count, free, 0.3), name
        assert within(hidden, count, 0.8 + chance) and within(kept, count, 0.1 + chance), name
        swapped = masked[chosen & (masked != MASK) & (masked != ids)]
        others = torch.bincount(swapped, minlength=len(VOCABULARY))
        # Any token of the vocabulary may come in, each as often as another.
        assert (others > 0).sum() >= len(VOCABULARY) - 1, name
        expected = count * chance
        assert abs(others[6:] - expected).max() < 6 * sqrt(expected), name


def test_collator_masks_whole_words():
    tokenizer = tiny_tokenizer()
    batch = PretrainingCollator(tokenizer, seed=0, whole_word=True)(word_rows())
    original = torch.where(batch["labels"] == IGNORE, batch["input_ids"], batch["labels"])
    joined = whole = 0
    for ids, labels in zip(original, batch["labels"], strict=True):
        numbers = word_ids(tokenizer.convert_ids_to_tokens(ids.tolist()))
        for number in set(numbers) - {None}:
            fates = {
                label != IGNORE
                for label, n in zip(labels.tolist(), numbers, strict=True)
                if n == number
            }
            assert len(fates) == 1, "a word was torn"
            joined += numbers.count(number) > 1
            whole += numbers.count(number) > 1 and fates == {True}
    assert joined > 1000 and within(whole, joined, 0.15)


@pytest.mark.parametrize("way", [{"whole_word": True}, {"spans": True}])
def test_collator_whole_words_and_spans_keep_specials(way):
    batch = PretrainingCollator(tiny_tokenizer(), rate=1.0, **way)(word_rows(copies=2))
    original = torch.where(batch["labels"] == IGNORE, batch["input_ids"], batch["labels"])
    special = torch.isin(original, torch.tensor(sorted(SPECIAL_IDS)))
    assert torch.equal(batch["labels"] == IGNORE, special)


def test_collator_masks_spans():
    given = [{"input_ids": [2, *[7] * 60, 3]} for _ in range(400)]
    labels = PretrainingCollator(tiny_tokenizer(), seed=0, spans=True)(given)["labels"]
    chosen = (labels != IGNORE)[:, 1:61]
    assert abs(chosen.double().mean() - 0.15) < 0.02
    together = (chosen[:, 1:] & chosen[:, :-1]).sum() / chosen[:, :-1].sum()
    # Token by token the neighbour of a masked token is masked 15 times in 100; here most often.
    assert together > 0.6


@pytest.mark.parametrize("way", [{"whole_word": True}, {"spans": True}])
def test_collator_whole_words_and_spans_repeat_with_a_seed(way):
    collate = PretrainingCollator(tiny_tokenizer(), seed=3, **way)
    first, second = collate(word_rows(5)), collate(word_rows(5))
    assert torch.equal(first["labels"], second["labels"])
    plain = PretrainingCollator(tiny_tokenizer(), seed=3)(word_rows(5))
    assert not torch.equal(first["labels"], plain["labels"])


def test_collator_takes_words_or_spans():
    with pytest.raises(ValueError, match="whole_word or spans, not both"):
        PretrainingCollator(tiny_tokenizer(), whole_word=True, spans=True)
