"""Baselines worth beating: the majority class, and TF-IDF + logistic regression at its strongest."""

import logging
import warnings
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
    """Words of a Chinese text, as jieba cuts it.

    A function of our own since `jieba.lcut` holds a lock, and a search copies its parts. What a
    text was cut into is kept until the next search.
    """
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
    """The most frequent label, the first to occur where several are equally frequent.

    Not scikit-learn's `DummyClassifier(strategy="most_frequent")`: of equally frequent classes it
    takes the one with the least label. The course's data has as many texts of each class, so its
    guess would be class 0 in every chapter, as if that were the rule.
    """
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
    Raises:
        ValueError: not one class has as many texts as there are folds.
    """
    if (most := max(Counter(labels).values(), default=0)) < folds:
        raise ValueError(
            f"no class has more than {most} texts to learn from, and {folds} folds need {folds}; add "
            "texts"
        )
    jieba_words.cache_clear()  # words may have been taught to jieba since the last search
    choices = choices or CHINESE_TERMS
    pipelines = [tfidf_classifier(terms) for terms in choices.values()]
    # A grid each, so that of equally good ones the first in `choices` is taken, then the first C.
    grids = [
        {"tfidf": [pipeline["tfidf"]], "classifier__estimator__C": list(strengths)}
        for pipeline in pipelines
    ]
    splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        # A class in fewer texts than folds is judged in some of them; who asks has counted it.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        search = GridSearchCV(pipelines[0], grids, cv=splitter).fit(list(texts), list(labels))
    name = list(choices)[search.best_index_ // len(strengths)]
    chosen = f"{name}, C={search.best_params_['classifier__estimator__C']}"
    return search.best_estimator_, chosen, float(search.best_score_)
