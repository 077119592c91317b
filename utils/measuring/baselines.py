"""Baselines worth beating: the majority class, and TF-IDF + logistic regression at its strongest."""

import logging
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import jieba
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

jieba.setLogLevel(logging.ERROR)


@lru_cache(maxsize=20_000)  # a search by cross-validation cuts each text a dozen times
def jieba_words(text: str) -> tuple[str, ...]:
    """Words of a Chinese text. (`jieba.lcut` itself holds a lock, and a search copies its parts.)"""
    return tuple(jieba.lcut(text))


# How a text is cut into terms; which one is best is decided on the training split.
CHINESE_TERMS = {
    "characters 1-2": {"analyzer": "char", "ngram_range": (1, 2)},
    "jieba words": {"tokenizer": jieba_words, "token_pattern": None},
}
ENGLISH_TERMS = {
    "words": {},
    "words 1-2": {"ngram_range": (1, 2)},
}


def majority_class(labels: Sequence) -> object:
    """The most frequent label (the first of them where several are)."""
    return Counter(labels).most_common(1)[0][0]


def tfidf_classifier(terms: dict | None = None, C: float = 10.0) -> Pipeline:
    """TF-IDF with log-scaled counts, then logistic regression; `terms`: vectoriser arguments."""
    return Pipeline(
        [
            ("tfidf", TfidfVectorizer(sublinear_tf=True, **(terms or {}))),
            # One class against the rest with liblinear: as good as the multinomial kind on such
            # wide, sparse features, in a tenth of the time.
            ("classifier", OneVsRestClassifier(LogisticRegression(C=C, solver="liblinear"))),
        ]
    )


def strongest_tfidf(
    texts: Sequence[str],
    labels: Sequence,
    choices: dict[str, dict] | None = None,
    strengths: Sequence[float] = (1, 10, 100),
    folds: int = 3,
) -> tuple[Pipeline, str, float]:
    """The best TF-IDF + LR by cross-validation on these texts alone, refitted on all of them.

    Args:
        choices: name -> vectoriser arguments to try; CHINESE_TERMS by default.
        strengths: values of C to try (inverse regularisation; larger fits closer).
    Returns:
        the fitted pipeline, a description of the choice, its cross-validated accuracy.
    """
    best = (None, "", -1.0)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
    for name, terms in (choices or CHINESE_TERMS).items():
        grid = {"classifier__estimator__C": list(strengths)}
        search = GridSearchCV(tfidf_classifier(terms), grid, cv=splitter)
        search.fit(list(texts), list(labels))
        if search.best_score_ > best[2]:
            chosen = f"{name}, C={search.best_params_['classifier__estimator__C']}"
            best = (search.best_estimator_, chosen, float(search.best_score_))
    return best
