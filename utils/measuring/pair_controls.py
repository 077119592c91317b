"""What a model of pairs has to beat: the majority, one sentence alone, shared words."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from utils.measuring.baselines import CHINESE_TERMS, majority_class, strongest_tfidf


def overlaps(first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    """Jaccard similarity of the two sentences' pairs of characters, (pairs,), from 0 to 1.

    Two sentences of one character each have no such pairs: 1 if they are equal, else 0.
    """
    return np.array([_jaccard(a, b) for a, b in zip(first, second, strict=True)])


def _jaccard(one: str, other: str) -> float:
    one_set, other_set = (
        {text[place : place + 2] for place in range(len(text) - 1)} for text in (one, other)
    )
    if not one_set | other_set:
        return float(one == other)
    return len(one_set & other_set) / len(one_set | other_set)


def best_threshold(values: Sequence[float], labels: Sequence[int]) -> float:
    """The threshold from which on label 1 is the best guess; the lowest of equally good ones."""
    values, labels = np.asarray(values), np.asarray(labels)
    # None of them above the highest: that would be the majority class 0.
    candidates = [*np.unique(values), np.inf]
    return float(max(candidates, key=lambda each: np.mean((values >= each) == labels)))


def pair_controls(train: dict, test: dict) -> dict[str, float]:
    """Accuracy on `test` of what needs no understanding, everything chosen on `train`.

    `majority`; `sentence1` and `sentence2` alone (the strongest TF-IDF), which tell how much the
    label shows in one sentence (Gururangan et al. 2018, arXiv 1803.02324); and with two classes
    `overlap`: more shared pairs of characters than a threshold.

    Args:
        train, test: columns `sentence1`, `sentence2`, `label` (a data set or a dict of lists).
    """
    labels, wanted = np.array(train["label"]), np.array(test["label"])
    found = {"majority": float(np.mean(wanted == majority_class(labels.tolist())))}
    for side in ("sentence1", "sentence2"):
        model, _, _ = strongest_tfidf(list(train[side]), labels)
        found[side] = float(model.score(list(test[side]), wanted))
    if set(labels.tolist()) <= {0, 1}:
        shared = [overlaps(split["sentence1"], split["sentence2"]) for split in (train, test)]
        threshold = best_threshold(shared[0], labels)
        found["overlap"] = float(np.mean((shared[1] >= threshold) == wanted))
    return found


class PairTfidf:
    """TF-IDF of both sentences as features of the pair; for a scikit-learn pipeline.

    |a - b| and a * b of the two vectors, their cosine, the overlap and the difference of lengths.
    """

    def __init__(self, terms: dict | None = None):
        self.terms = terms or CHINESE_TERMS["characters 1-2"]

    def fit(self, pairs: Sequence[tuple[str, str]], labels: object = None) -> "PairTfidf":
        """Learn the terms of both sides."""
        self.vectoriser = TfidfVectorizer(sublinear_tf=True, **self.terms)
        self.vectoriser.fit([text for pair in pairs for text in pair])
        return self

    def transform(self, pairs: Sequence[tuple[str, str]]) -> sparse.csr_matrix:
        """Features (pairs, 2 * terms + 3)."""
        first, second = ([pair[side] for pair in pairs] for side in (0, 1))
        one, other = self.vectoriser.transform(first), self.vectoriser.transform(second)
        product = one.multiply(other)
        lengths = [abs(len(a) - len(b)) / 10 for a, b in pairs]
        few = np.column_stack([product.sum(axis=1), overlaps(first, second), lengths])
        return sparse.hstack([abs(one - other), product, few], format="csr")


def strongest_pair_tfidf(
    pairs: Sequence[tuple[str, str]],
    labels: Sequence[int],
    choices: dict[str, dict] | None = None,
    strengths: Sequence[float] = (0.1, 1, 10, 100),
    folds: int = 5,
) -> tuple[Pipeline, str, float]:
    """The best TF-IDF of pairs + logistic regression by cross-validation on these pairs alone,
    refitted on all of them; as `strongest_tfidf`. (The terms' weights, which know no labels, are
    those of all these pairs in every fold.)

    Returns:
        the fitted pipeline, a description of the choice, its cross-validated accuracy.
    """
    pairs, labels, best = list(pairs), list(labels), (None, "", -1.0)
    for name, terms in (choices or CHINESE_TERMS).items():
        tfidf = PairTfidf(terms).fit(pairs)
        features = tfidf.transform(pairs)
        for C in strengths:
            # liblinear knows two classes; of three, one against the rest (as in `strongest_tfidf`).
            classifier = OneVsRestClassifier(LogisticRegression(C=C, solver="liblinear"))
            score = float(cross_val_score(classifier, features, labels, cv=folds).mean())
            if score > best[2]:
                classifier.fit(features, labels)
                model = Pipeline([("pairs", tfidf), ("classifier", classifier)])
                best = (model, f"{name}, C={C}", score)
    return best
