"""data/mini_thucnews keeps what its datasheet promises."""

import re
from collections import Counter, defaultdict

import pytest
from conftest import MEASURED
from data_files import csv_rows
from near_duplicates import near_duplicates
from notebooks import ROOT, expect_none

from utils.data import load_thucnews
from utils.measuring import strongest_tfidf

FOLDER = ROOT / "data/mini_thucnews"
PER_CLASS = {"train": 90, "validation": 20, "test": 40}
BORDER_PER_CLASS = {"train": 9, "validation": 2, "test": 4}


def read(name):
    return csv_rows(FOLDER / f"{name}.csv")


@pytest.fixture(scope="module")
def splits():
    """{split: [(text, label), ...]}"""
    return {name: [(row["text"], row["label"]) for row in read(name)] for name in PER_CLASS}


@pytest.fixture(scope="module")
def items(splits):
    return [item for rows in splits.values() for item in rows]


def give_away_words():
    """{class: words} from the datasheet's table 类别 | 泄底词."""
    datasheet = (ROOT / "data/README.md").read_text("utf8")
    table = re.search(r"^\| 类别 \| 泄底词 \|\n\|[-| ]+\|\n((?:\|.*\|\n?)+)", datasheet, re.M)[1]
    rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in table.splitlines()]
    return {name: words.split() for name, words in rows}


def test_sizes_and_balance(splits):
    names = {label for _, label in splits["train"]}
    assert names == set(give_away_words()) and len(names) == 10
    for split, rows in splits.items():
        assert Counter(label for _, label in rows) == dict.fromkeys(names, PER_CLASS[split])


def test_the_loader_reads_the_same(splits, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_PROFILE", "mini")
    loaded = load_thucnews()
    for split, rows in splits.items():
        names = loaded[split].features["label"].names
        labels = [names[label] for label in loaded[split]["label"]]
        assert list(zip(loaded[split]["text"], labels, strict=True)) == rows


def test_each_item_is_a_headline_and_a_body_of_the_right_length(items):
    wrong = [
        text
        for text, _ in items
        if not 30 <= len(text) <= 120 or not re.match(r"\S\S.*? \S.{9,}$", text)
    ]
    expect_none(wrong)


def test_lengths_vary(items):
    lengths = sorted(len(text) for text, _ in items)
    assert lengths[len(lengths) // 5] < 55 and lengths[len(lengths) * 4 // 5] > 65


def test_texts_are_clean(items):
    """One line, no straight quotes, no stray blanks, nothing invisible."""
    bad = re.compile(r'["\t\r\n\u200b\ufeff\ufffd\u3000]|  |^\s|\s$')
    expect_none([text for text, _ in items if bad.search(text)])


def test_no_near_duplicates_within_or_across_splits(items):
    texts = [text for text, _ in items]
    expect_none([(texts[a], texts[b]) for a, b in near_duplicates(texts)])


def test_a_near_duplicate_would_be_found(items):
    texts = [text for text, _ in items[:50]]
    assert near_duplicates([*texts, texts[7][:-6] + "编辑另有补充。"]) == [(7, 50)]


def test_few_items_give_their_class_away(items):
    words = give_away_words()
    assert all(len(some) >= 5 and name in some for name, some in words.items())
    given_away = Counter(
        label for text, label in items if any(word in text for word in words[label])
    )
    share = sum(given_away.values()) / len(items)
    MEASURED.append(f"mini_thucnews: {share:.1%} of the items hold a give-away word")
    assert share < 0.10
    assert max(given_away.values()) / 150 < 0.15, given_away


def test_a_tenth_is_on_the_border(splits):
    border = read("border")
    assert set(border[0]) == {"split", "row", "label", "other"}
    places = {(row["split"], int(row["row"])) for row in border}
    assert len(places) == len(border) == 150
    names = {label for _, label in splits["train"]}
    for row in border:
        assert splits[row["split"]][int(row["row"])][1] == row["label"]
        assert row["other"] in names - {row["label"]}
    for split, wanted in BORDER_PER_CLASS.items():
        counts = Counter(row["label"] for row in border if row["split"] == split)
        assert counts == dict.fromkeys(names, wanted)


def test_the_border_is_with_many_classes():
    others = defaultdict(set)
    for row in read("border"):
        others[row["label"]].add(row["other"])
    assert min(map(len, others.values())) >= 3


@pytest.mark.slow
def test_the_strongest_tfidf_leaves_something_to_learn(splits):
    """Neither too easy nor noise; if too easy, items are rewritten, labels never touched."""
    model, chosen, _ = strongest_tfidf(*map(list, zip(*splits["train"], strict=True)))
    score = model.score(*map(list, zip(*splits["test"], strict=True)))
    MEASURED.append(f"mini_thucnews: strongest TF-IDF ({chosen}) {score:.3f} on the test split")
    assert 0.70 <= score <= 0.92
