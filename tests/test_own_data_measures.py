"""What few texts can tell: folds, intervals, thresholds."""

import numpy as np
import pytest

from utils.measuring import accuracy_interval, confidence_threshold, estimate, folds, out_of_fold


def test_each_text_is_judged_once_and_copies_stay_together():
    texts = [f"第{i % 20}条" for i in range(30)]  # ten of them twice
    labels = [i % 20 % 2 for i in range(30)]
    judged = []
    for seen, others in folds(texts, labels, 5):
        assert not {texts[i] for i in seen} & {texts[i] for i in others}
        judged += list(others)
    assert sorted(judged) == list(range(30))


def test_classes_are_spread_over_the_folds():
    labels = [0] * 20 + [1] * 5
    for _, judged in folds([str(i) for i in range(25)], labels, 5):
        assert sum(labels[i] for i in judged) == 1


def test_too_few_texts_for_the_folds():
    with pytest.raises(ValueError, match="class id 1: 2 different texts, too few for 3 folds"):
        list(folds(["a", "b", "c", "d", "d", "e"], [0, 0, 0, 1, 1, 1], 3))


def test_out_of_fold_never_judges_what_was_seen():
    texts, labels = [str(i) for i in range(12)], [i % 2 for i in range(12)]

    def learner(seen, their_labels, judged):
        assert not set(seen) & set(judged) and len(seen) == len(their_labels)
        return np.array([[1.0, 0.0] if int(text) % 2 == 0 else [0.0, 1.0] for text in judged])

    rows = out_of_fold(learner, texts, labels, 3)
    assert estimate(rows, labels).accuracy == 1.0
    assert rows.shape == (12, 2)


def test_interval_of_wilson():
    # Newcombe 1998, table I: 81 of 263 and 0 of 20, method 3.
    assert accuracy_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert accuracy_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    low, high = accuracy_interval(6, 6)
    assert 0.6 < low < 0.62 and high == pytest.approx(1)


def test_threshold_is_the_lowest_that_is_right_often_enough():
    sure = np.array([0.99, 0.9, 0.8, 0.7, 0.6])
    chances = np.stack([sure, 1 - sure], 1)
    labels = [0, 0, 0, 1, 0]  # 1, 1, 1, 3/4, 4/5 of the surest are right
    found = confidence_threshold(chances, labels, accuracy=0.8, least=1)
    assert found == (pytest.approx(0.6), 1.0, 0.8)
    found = confidence_threshold(chances, labels, accuracy=0.9, least=1)
    assert found == (pytest.approx(0.8), 0.6, 1.0)
    assert confidence_threshold(chances, labels, accuracy=0.9, least=4).coverage == 0


def test_equal_probabilities_are_taken_together():
    chances = np.array([[0.9, 0.1]] * 4)
    assert confidence_threshold(chances, [0, 0, 0, 1], accuracy=0.9, least=1).coverage == 0
