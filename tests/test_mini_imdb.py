"""data/mini_imdb keeps what its datasheet promises."""

import re
from collections import Counter

import pytest
from conftest import MEASURED
from data_files import csv_rows
from near_duplicates import near_duplicates
from notebooks import ROOT, expect_none

from utils.data import load_imdb
from utils.measuring import ENGLISH_TERMS, strongest_tfidf

FOLDER = ROOT / "data/mini_imdb"
SIZES = {"train": 360, "validation": 80, "test": 160}
# Reviews of each kind in each class of each split.
KINDS = {
    "train": {"plain": 101, "mixed": 25, "irony": 18, "negation": 18, "plot": 18},
    "validation": {"plain": 22, "mixed": 6, "irony": 4, "negation": 4, "plot": 4},
    "test": {"plain": 45, "mixed": 11, "irony": 8, "negation": 8, "plot": 8},
}


def read(name):
    return csv_rows(FOLDER / f"{name}.csv")


@pytest.fixture(scope="module")
def splits():
    return {name: read(name) for name in SIZES}


@pytest.fixture(scope="module")
def texts(splits):
    return [row["text"] for rows in splits.values() for row in rows]


def test_sizes_and_balance(splits):
    for name, rows in splits.items():
        assert Counter(row["label"] for row in rows) == dict.fromkeys(
            ("neg", "pos"), SIZES[name] / 2
        )


def test_the_loader_reads_the_same(splits, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_PROFILE", "mini")
    loaded = load_imdb()
    for name, rows in splits.items():
        assert loaded[name].features["label"].names == ["neg", "pos"]
        assert list(loaded[name]["text"]) == [row["text"] for row in rows]
        assert list(loaded[name]["label"]) == [["neg", "pos"].index(row["label"]) for row in rows]


def test_every_review_has_its_kind(splits):
    kinds = {(row["split"], int(row["row"])): row["kind"] for row in read("kinds")}
    assert len(kinds) == len(read("kinds")) == 600
    for name, rows in splits.items():
        for label in ("neg", "pos"):
            places = [(name, i) for i, row in enumerate(rows) if row["label"] == label]
            assert Counter(kinds[place] for place in places) == KINDS[name]


def test_lengths(texts):
    lengths = sorted(len(text.split()) for text in texts)
    assert lengths[0] >= 40 and lengths[-1] <= 150
    assert lengths[len(lengths) // 5] < 75 and lengths[len(lengths) * 4 // 5] > 110, "they vary"


def test_texts_are_clean(texts):
    """One line of plain ASCII, no stray blanks, no markup, and no score that gives it away."""
    bad = re.compile(r"[^\x20-\x7e]|  |^\s|\s$|<|\b\d+ ?/ ?10\b|\bout of (ten|10|five|5)\b", re.I)
    expect_none([text for text in texts if bad.search(text)])


def test_no_near_duplicates_within_or_across_splits(texts):
    words = [re.findall(r"[a-z']+", text.lower()) for text in texts]
    # near_duplicates works on any sequence whose slices can be put in a set.
    pairs = near_duplicates([tuple(some) for some in words], threshold=0.2)
    expect_none([(texts[a], texts[b]) for a, b in pairs])


def test_a_near_duplicate_would_be_found(texts):
    words = [tuple(text.lower().split()) for text in texts[:50]]
    shortened = words[7][: len(words[7]) // 2] + words[8][:20]
    assert (7, 50) in near_duplicates([*words, shortened], threshold=0.2)


def test_reviews_open_differently(texts):
    openings = Counter(" ".join(text.lower().split()[:3]) for text in texts)
    assert max(openings.values()) <= 6 and len(openings) > 0.9 * len(texts)


def test_the_strongest_tfidf_leaves_something_to_learn(splits):
    """Neither too easy nor noise; if too easy, reviews are rewritten, labels never touched."""
    columns = {
        name: ([row["text"] for row in rows], [row["label"] for row in rows])
        for name, rows in splits.items()
    }
    model, chosen, _ = strongest_tfidf(*columns["train"], ENGLISH_TERMS)
    score = model.score(*columns["test"])
    MEASURED.append(f"mini_imdb: strongest TF-IDF ({chosen}) {score:.3f} on the test split")
    assert 0.70 <= score <= 0.90
