"""utils.measuring, the baselines: the majority class, and TF-IDF chosen on the training texts alone."""

import random

import jieba
import pytest

from utils.measuring import CHINESE_TERMS, majority_class, strongest_tfidf, tfidf_classifier
from utils.measuring.baselines import jieba_words

WORDS = {
    "体育": ["球队", "主场", "联赛", "射门", "教练"],
    "财经": ["银行", "利率", "股价", "基金", "汇率"],
    "房产": ["楼盘", "户型", "物业", "二手房", "房价"],
}
FILL = [*"今天又有消息说这是近来少见的事大家都在看不过还要再等几天"]


def invented(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Unspaced headlines with one telling word each, and their classes."""
    rng = random.Random(seed)
    labels = [list(WORDS)[number % 3] for number in range(count)]
    texts = [
        "".join(rng.sample(FILL, 6)) + rng.choice(WORDS[label]) + "".join(rng.sample(FILL, 6))
        for label in labels
    ]
    return texts, labels


def test_majority_class():
    assert majority_class([2, 1, 1, 0]) == 1
    assert majority_class(["乙", "甲", "甲", "乙"]) == "乙", "the first where several are"


def test_jieba_words():
    assert jieba_words("银行降低了利率") == ("银行", "降低", "了", "利率")


def test_strongest_tfidf_takes_chinese_terms_over_the_default():
    # The default cuts words at spaces: here each headline is one "word" that never comes again.
    texts, labels = invented(60, seed=0)
    new_texts, new_labels = invented(60, seed=1)
    choices = {"default words": {}, **CHINESE_TERMS}
    model, chosen, accuracy = strongest_tfidf(texts, labels, choices)
    name = chosen.split(", C=")[0]
    assert name in CHINESE_TERMS
    assert accuracy > 0.8
    default = tfidf_classifier().fit(texts, labels).score(new_texts, new_labels)
    assert model.score(new_texts, new_labels) > 0.8 > 0.5 > default


def test_words_taught_to_jieba_count_from_the_next_search_on():
    texts, labels = invented(30, seed=0)
    choices = {"jieba words": CHINESE_TERMS["jieba words"]}
    word = next(text for text in texts)[:7]
    before, _, _ = strongest_tfidf(texts, labels, choices, strengths=[1])
    jieba.add_word(word, 10**9)
    try:
        after, _, _ = strongest_tfidf(texts, labels, choices, strengths=[1])
    finally:
        jieba.del_word(word)
        jieba_words.cache_clear()
    assert word not in before["tfidf"].vocabulary_ and word in after["tfidf"].vocabulary_


def test_strongest_tfidf_takes_the_first_of_equally_good_ones():
    """Words that tell all: whatever is chosen is always right."""
    texts = ["甲" * 3, "乙" * 3] * 9
    same = {"one": {"analyzer": "char"}, "two": {"analyzer": "char", "ngram_range": (1, 2)}}
    _, chosen, accuracy = strongest_tfidf(texts, [0, 1] * 9, same, strengths=[7, 2])
    assert (chosen, accuracy) == ("one, C=7", 1.0)


@pytest.mark.parametrize("order", [1, -1])
def test_strongest_tfidf_takes_the_best_whatever_the_order(order):
    texts, labels = invented(30, seed=0)
    choices = dict(list({"default words": {}, **CHINESE_TERMS}.items())[::order])
    _, chosen, _ = strongest_tfidf(texts, labels, choices, strengths=[10])
    assert chosen.endswith(", C=10") and not chosen.startswith("default")


def test_strongest_tfidf_tries_both_chinese_terms_by_default(monkeypatch):
    tried = []
    monkeypatch.setattr(
        "utils.measuring.baselines.tfidf_classifier",
        lambda terms: tried.append(terms) or tfidf_classifier(terms),
    )
    strongest_tfidf(*invented(30, seed=0), strengths=[10])
    assert tried == list(CHINESE_TERMS.values())


def test_strongest_tfidf_accuracy_is_not_of_texts_it_has_learned():
    # Labels by chance: nothing can be learned, so an honest estimate stays near one in three,
    # while a score on the texts it was fitted on would be close to one.
    texts, labels = invented(90, seed=0)
    random.Random(0).shuffle(labels)
    model, _, accuracy = strongest_tfidf(texts, labels)
    assert accuracy < 0.6 < 0.9 < model.score(texts, labels)


def test_small_classes_are_searched_without_a_warning_and_too_small_ones_refused(recwarn):
    texts = [f"球队{i}" for i in range(6)] + ["股价", "银行"]
    pipeline, _, _ = strongest_tfidf(texts, [0] * 6 + [1] * 2, strengths=[1])
    assert pipeline.predict(["球队"]) == [0] and not recwarn.list
    with pytest.raises(ValueError, match="no class has more than 2 texts to learn from"):
        strongest_tfidf(texts[4:], [0, 0, 1, 1])
