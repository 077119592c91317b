"""What few texts can tell: scores by cross-validation, their intervals, a threshold for "unsure"."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold

# (training texts, training labels, texts to judge) -> probabilities (texts, classes)
Learner = Callable[[list[str], list[int], list[str]], np.ndarray]


class Estimate(NamedTuple):
    """A score on texts that were not trained on."""

    accuracy: float
    low: float  # of the interval that holds the true accuracy in 95 of 100 cases
    high: float
    macro_f1: float
    rows: int

    def __str__(self) -> str:
        return (
            f"准确率 {self.accuracy:.3f}（{self.rows} 条，95% 区间 {self.low:.3f}–{self.high:.3f}）"
            f"，宏平均 F1 {self.macro_f1:.3f}"
        )


class Threshold(NamedTuple):
    """From which probability on an answer is taken, and what that costs."""

    probability: float
    coverage: float  # share of the texts that get an answer
    accuracy: float  # among these; nan where none does


def folds(
    texts: Sequence[str], labels: Sequence[int], count: int = 5, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places to train on and to judge, `count` times; each text is judged once.

    Classes are spread evenly, and equal texts are always on one side.

    Raises:
        ValueError: a class has fewer different texts than there are folds.
    """
    groups = np.unique([text.strip() for text in texts], return_inverse=True)[1]
    labels = np.asarray(labels)
    for label in np.unique(labels):
        different = len(np.unique(groups[labels == label]))
        if different < count:
            raise ValueError(
                f"class id {label}: {different} different texts, too few for {count} folds; add "
                "texts or take fewer folds"
            )
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    yield from splitter.split(texts, labels, groups)


def out_of_fold(
    learner: Learner,
    texts: Sequence[str],
    labels: Sequence[int],
    count: int = 5,
    seed: int = 0,
    track: Callable = iter,
) -> np.ndarray:
    """Probabilities (texts, classes) of each text by a model that has not seen it.

    Args:
        learner: trains anew for each fold.
        track: is given the list of folds, such as `tqdm`.
    """
    rows = None
    for seen, judged in track(list(folds(texts, labels, count, seed))):
        answers = learner(
            [texts[i] for i in seen], [labels[i] for i in seen], [texts[i] for i in judged]
        )
        rows = np.zeros((len(texts), answers.shape[1])) if rows is None else rows
        rows[judged] = answers
    return rows


def estimate(probabilities: np.ndarray, labels: Sequence[int]) -> Estimate:
    """Accuracy with its interval, and macro F1, of probabilities (texts, classes)."""
    answers = probabilities.argmax(1)
    right = int((answers == np.asarray(labels)).sum())
    low, high = accuracy_interval(right, len(answers))
    macro_f1 = float(f1_score(labels, answers, average="macro"))
    return Estimate(right / len(answers), low, high, macro_f1, len(answers))


def accuracy_interval(right: int, rows: int, z: float = 1.96) -> tuple[float, float]:
    """Where the true accuracy may lie, `right` of `rows` being right (Wilson 1927).

    Unlike ± z standard errors it is no point where all answers are right, and never leaves [0, 1].

    Args:
        z: 1.96 for 95 of 100 cases.
    """
    share, spread = right / rows, z * z / rows
    middle = (share + spread / 2) / (1 + spread)
    half = z * np.sqrt(share * (1 - share) / rows + spread / (4 * rows)) / (1 + spread)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def confidence_threshold(
    probabilities: np.ndarray, labels: Sequence[int], accuracy: float = 0.95, least: int = 20
) -> Threshold:
    """The lowest probability from which on answers are right often enough.

    Args:
        probabilities: (texts, classes), of texts that were not trained on.
        accuracy: wanted among the answers taken.
        least: of answers that must be left, for a share of fewer says nothing.
    Returns:
        a threshold of 1 with coverage 0 where no threshold reaches `accuracy`.
    """
    sure = probabilities.max(1)
    right = probabilities.argmax(1) == np.asarray(labels)
    order = np.argsort(-sure, kind="stable")
    taken = np.arange(1, len(order) + 1)
    shares = np.cumsum(right[order]) / taken
    # Equal probabilities stay together: a threshold takes all of them or none.
    last = np.append(sure[order][1:] != sure[order][:-1], True)
    good = np.flatnonzero(last & (shares >= accuracy) & (taken >= min(least, len(order))))
    if not len(good):
        return Threshold(1.0, 0.0, float("nan"))
    at = good[-1]
    return Threshold(float(sure[order][at]), float(taken[at] / len(order)), float(shares[at]))
