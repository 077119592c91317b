"""data/mini_corpus keeps what its datasheet promises."""

import re
from itertools import chain

import numpy as np
import pytest
from conftest import MEASURED
from near_duplicates import near_duplicates, news_texts
from notebooks import ROOT, expect_none
from sklearn.feature_extraction.text import TfidfVectorizer

from utils.pretraining import read_documents

FOLDER = ROOT / "data/mini_corpus"
FILES = ("encyclopaedia", "news")
CLOSING = "”’」』）》"  # may follow the mark that ends a sentence


@pytest.fixture(scope="module")
def corpus():
    """{file: [[sentence, ...], ...]}"""
    return {name: read_documents(FOLDER / f"{name}.txt") for name in FILES}


@pytest.fixture(scope="module")
def sentences(corpus):
    return list(chain.from_iterable(chain.from_iterable(corpus.values())))


def is_clean(sentence):
    """One sentence of Chinese: it ends with its mark; no Latin script, blanks or straight quotes."""
    return bool(re.search(rf"[。！？…][{CLOSING}]*$", sentence)) and not re.search(
        r"[A-Za-zＡ-Ｚａ-ｚ\u00c0-\u024f\s\"'\u200b\ufeff\ufffd]", sentence
    )


def own_half_is_nearer(documents):
    """Share of (document, other document) in which the first half of the one is nearer to its own
    second half than to the other's, by TF-IDF of characters and pairs of characters."""
    first = ["".join(document[: len(document) // 2]) for document in documents]
    second = ["".join(document[len(document) // 2 :]) for document in documents]
    tfidf = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    tfidf.fit(first + second)
    nearness = (tfidf.transform(first) @ tfidf.transform(second).T).toarray()
    nearer = nearness.diagonal()[:, None] > nearness
    return nearer.sum() / (len(documents) * (len(documents) - 1))


@pytest.mark.parametrize("name", FILES)
def test_sixty_documents_of_8_to_12_sentences(corpus, name):
    sizes = [len(document) for document in corpus[name]]
    assert len(sizes) == 60
    expect_none([document[0] for document in corpus[name] if not 8 <= len(document) <= 12])
    assert len(set(sizes)) >= 3  # not one mould


@pytest.mark.parametrize("name", FILES)
def test_a_sentence_a_line_and_one_blank_line_between_documents(corpus, name):
    text = (FOLDER / f"{name}.txt").read_bytes().decode("utf-8")
    assert text == "\n\n".join("\n".join(document) for document in corpus[name]) + "\n"


def test_sentence_lengths(sentences):
    expect_none([text for text in sentences if not 15 <= len(text) <= 60])
    lengths = sorted(map(len, sentences))
    assert lengths[len(lengths) * 9 // 10] - lengths[len(lengths) // 10] >= 10  # they vary


def test_sentences_are_clean(sentences):
    expect_none([text for text in sentences if not is_clean(text)])


@pytest.mark.parametrize(
    "text",
    ["没有句末的标点", "字母 BERT 混了进来。", "全角Ａ也算。", '直引号"不行"。', "零宽\u200b。"],
)
def test_an_unclean_sentence_would_be_found(text):
    assert is_clean("他说：“明天再来吧。”") and not is_clean(text)


def test_documents_open_and_end_differently(corpus):
    documents = list(chain.from_iterable(corpus.values()))
    for name, place in (("first", 0), ("last", -1)):
        starts = [document[place][:4] for document in documents]
        repeated = {start for start in starts if starts.count(start) > 2}
        assert not repeated, f"{name} sentences that begin alike: {repeated}"
    summing_up = ("总之", "综上", "总而言之", "总的来说")
    expect_none([text for text in chain.from_iterable(documents) if text.startswith(summing_up)])


def test_no_near_duplicates_within_or_across_the_files_or_with_mini_thucnews(sentences):
    texts = sentences + news_texts()  # the news items among themselves: test_mini_thucnews.py
    found = [(a, b) for a, b in near_duplicates(texts) if min(a, b) < len(sentences)]
    expect_none([(texts[a], texts[b]) for a, b in found])
    assert len(set(sentences)) == len(sentences)


def test_a_near_duplicate_would_be_found(sentences):
    texts = sentences[:80]
    assert near_duplicates([*texts, "听人讲，" + texts[7][:-3] + "。"]) == [(7, 80)]
    joined = texts[3] + texts[40] + "这两句一起进了一条新闻。"
    assert sorted(near_duplicates([*texts, joined])) == [(3, 80), (40, 80)]


@pytest.mark.parametrize("name", FILES)
def test_the_second_half_belongs_to_the_first(corpus, name):
    """What next-sentence prediction is to learn is there: even counting characters finds most."""
    share = own_half_is_nearer(corpus[name])
    MEASURED.append(f"mini_corpus {name}: own second half nearer than another's in {share:.1%}")
    assert share > 0.95


def test_halves_that_do_not_belong_together_would_be_found(corpus):
    documents = corpus["encyclopaedia"]
    others = np.roll(np.arange(len(documents)), 1)
    swapped = [
        document[: len(document) // 2] + documents[other][-(len(document) - len(document) // 2) :]
        for document, other in zip(documents, others, strict=True)
    ]
    assert own_half_is_nearer(swapped) < 0.75
