"""utils.measuring.answers, correlation and pair_controls: measures by hand, edges, controls."""

import warnings

import numpy as np
import pytest

from utils.finetuning import Answer
from utils.measuring import (
    answer_scores,
    best_threshold,
    character_f1,
    choose_threshold,
    correlations,
    decide,
    exact_match,
    in_words,
    is_constant,
    nearest_sentence,
    normal_form,
    overlaps,
    pair_controls,
    span_by_question_word,
    strongest_pair_tfidf,
)

# Answers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＢＥＲＴ", "bert"),
        ("25 ℃", "25°C"),
        ("《归途》。", "归途"),
        ("三 号，桥墩", "三号桥墩"),
        ("“是”", "是"),
        ("1，000〔元〕", "1000元"),
        ("３－２", "32"),  # as SQuAD's own script has it
    ],
)
def test_what_counts_as_the_same(one, other):
    assert normal_form(one) == normal_form(other) != ""
    assert exact_match(one, [other]) == character_f1(one, [other]) == 1


def test_what_does_not_count_as_the_same():
    assert exact_match("25℃", ["25℉"]) == exact_match("3.5%", ["3.5万"]) == 0
    assert exact_match("+", ["-"]) == 0 and exact_match("+", ["＋"]) == 1
    assert exact_match("。", [""]) == 0  # a mark is an answer, if a bad one


@pytest.mark.parametrize("measure", [exact_match, character_f1])
def test_one_answer_as_a_string_is_refused(measure):
    with pytest.raises(ValueError, match="'三号桥墩' is one text; give a list"):
        measure("三", "三号桥墩")


def test_f1_by_hand():
    # 北京市 and 北京大学 share 2 of 3 and 2 of 4 characters.
    assert character_f1("北京市", ["北京大学"]) == pytest.approx(4 / 7)
    # Each character counts as often as both have it.
    assert character_f1("三三三", ["三"]) == pytest.approx(2 * 1 / 4)
    # The order does not count; the best of several answers does.
    assert character_f1("京北", ["上海", "北京"]) == 1
    assert exact_match("京北", ["上海", "北京"]) == 0
    assert character_f1("广州", ["上海", "北京"]) == 0
    # The partly right answer for which measures by blanks give 0.
    assert character_f1("星期三上午", ["星期三"]) == pytest.approx(0.75)


def test_unanswerable_questions_as_in_squad_2():
    for measure in (exact_match, character_f1):
        assert measure("", []) == 1 and measure("北京", []) == 0
        assert measure("", ["北京"]) == 0 and measure("  ", []) == 1


def test_answer_scores():
    scores = answer_scores(["北京", "", "上海", ""], [["北京"], [], [], ["广州"]])
    assert scores == {"exact": 0.5, "f1": 0.5, "f1_answerable": 0.5, "f1_unanswerable": 0.5}
    all_answerable = answer_scores(["北京"], [["北京", "京"]])
    assert all_answerable["f1"] == 1 and np.isnan(all_answerable["f1_unanswerable"])
    assert np.isnan(answer_scores([""], [[]])["f1_answerable"])
    for wrong in ((["a"], []), ([], []), ([], [["a"]])):
        with pytest.raises(ValueError, match="predictions for"):
            answer_scores(*wrong)


# The threshold


def said(text, margin):
    return Answer(text, 0, margin, 0.0)


def test_the_threshold_parts_right_answers_from_wrong_ones():
    answers = [said("北", 4), said("京", 3), said("上", -1), said("海", -2)]
    accepted = [["北"], ["京"], [], []]
    assert choose_threshold(answers, accepted) == (0.0, 1.0)
    higher = [answer._replace(score=answer.score + 10) for answer in answers]
    threshold, f1 = choose_threshold(higher, accepted)
    assert f1 == 1 and 9 < threshold < 13
    assert decide(higher, threshold) == ["北", "京", "", ""]
    lower = [answer._replace(score=answer.score - 10) for answer in answers]
    assert choose_threshold(lower, accepted) == (-9.0, 1.0)


def test_always_and_never_are_candidates():
    answers = [said("北", -5), said("京", -7)]
    threshold, f1 = choose_threshold(answers, [["北"], ["京"]])
    assert f1 == 1 and decide(answers, threshold) == ["北", "京"]
    answers = [said("北", 5), said("京", 7)]
    threshold, f1 = choose_threshold(answers, [[], []])
    assert f1 == 1 and decide(answers, threshold) == ["", ""]


def test_ties_and_answers_without_a_span():
    """Of equally good thresholds that nearest to 0; equal margins cannot be parted."""
    answers = [said("北", 2), said("京", 2), said("", -np.inf)]
    assert choose_threshold(answers, [["北"], [], []]) == (0.0, pytest.approx(2 / 3))
    assert choose_threshold([said("", -np.inf)], [[]]) == (0.0, 1.0)
    with pytest.raises(ValueError, match="1 answers for 2 questions"):
        choose_threshold([said("北", 2)], [[], []])


def test_the_threshold_is_the_best_of_all():
    draw = np.random.default_rng(0)
    for _ in range(20):
        answers = [said("北", margin) for margin in draw.normal(size=12).round(1)]
        accepted = [[["北"], ["京"], []][kind] for kind in draw.integers(3, size=12)]
        _, best = choose_threshold(answers, accepted)
        tried = [
            answer_scores(decide(answers, threshold), accepted)["f1"]
            for threshold in np.arange(-5, 5, 0.05)
        ]
        assert best == pytest.approx(max(tried))


# Baselines (their scores on mini_questions: test_mini_questions)

PASSAGE = "桥修了三年。因为缺钱，工程停过两次；通车那天是5月3日，来了800人。"


def test_the_nearest_sentence():
    assert nearest_sentence("工程停过几次？", PASSAGE) == "因为缺钱，工程停过两次；"
    assert nearest_sentence("谁？", PASSAGE) == "桥修了三年。"  # a tie: the first
    assert nearest_sentence("谁？", "") == ""


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("工程停过几次？", "两次"),
        ("工程为什么停过？", "因为缺钱，工程停过两次"),
        ("通车那天是哪天？", "5月3日"),
    ],
)
def test_a_span_by_the_question_word(question, answer):
    assert span_by_question_word(question, PASSAGE) == answer


@pytest.mark.parametrize("question", ["几次？", "为什么？", "谁？", ""])
def test_the_baseline_of_an_empty_passage_says_nothing(question):
    assert span_by_question_word(question, "") == ""


# Grades


def test_correlations_by_hand():
    found = correlations([1, 2, 3, 10], [2, 4, 6, 8])
    centred = np.array([-3, -2, -1, 6]), np.array([-3, -1, 1, 3])
    expected = (centred[0] * centred[1]).sum() / np.sqrt(50 * 20)
    assert found["pearson"] == pytest.approx(expected)
    assert found["spearman"] == pytest.approx(1)
    assert found["mse"] == pytest.approx((1 + 4 + 9 + 4) / 4)
    # Equal values share the mean of their ranks: 1.5, 1.5, 3 against 1, 2, 3.
    assert correlations([1, 1, 5], [1, 2, 3])["spearman"] == pytest.approx(1.5 / np.sqrt(1.5 * 2))
    assert correlations([1, 2, 3], [3, 2, 1])["pearson"] == pytest.approx(-1)


@pytest.mark.parametrize(
    ("predictions", "scores"),
    [
        ([2.5] * 4, [1, 2, 3, 4]),
        ([1, 2, 3, 4], [3] * 4),
        ([2.5, 2.5 + 2e-7, 2.5, 2.5], [1, 2, 3, 4]),
    ],
)
def test_constant_predictions_have_no_correlation_and_no_warning(predictions, scores):
    with warnings.catch_warnings(action="error"):
        found = correlations(predictions, scores)
    assert np.isnan(found["pearson"]) and np.isnan(found["spearman"])
    assert np.isfinite(found["mse"])
    assert in_words(found["pearson"]) == "无定义（有一边全都相同）"
    assert in_words(0.0) == "0.000"


def test_small_differences_are_no_constant():
    assert not is_constant([0.001, 0.002]) and not is_constant([1000.0, 1000.1])
    assert is_constant([0.0, 0.0]) and is_constant(np.float32([0.3, 0.3]))


def test_grades_that_cannot_be_compared_are_refused():
    for predictions, scores, words in (
        ([1, 2], [1, 2, 3], "shape"),
        ([1], [1], "two at least"),
        ([1, float("nan")], [1, 2], "row 1: the prediction is nan"),
        ([1, 2], [float("inf"), 2], "row 0: the score is inf"),
        ([[1], [2]], [[1], [2]], "one number for each"),
    ):
        with pytest.raises(ValueError, match=words):
            correlations(predictions, scores)


# Controls of pairs


def test_overlaps_by_hand():
    found = overlaps(["北京人", "北", "北", "北京"], ["北京", "北", "京", "上海"])
    assert found.tolist() == [0.5, 1, 0, 0]


def test_the_best_threshold():
    assert best_threshold([0.1, 0.2, 0.6, 0.9], [0, 0, 1, 1]) == 0.6
    assert best_threshold([0.1, 0.9], [1, 1]) == 0.1
    assert best_threshold([0.1, 0.9], [0, 0]) == np.inf
    assert best_threshold([0.5, 0.5], [0, 1]) == 0.5


def pairs_of(count, seed):
    """Label 1 shares its words; the second sentence tells label 1 by its last character."""
    draw = np.random.default_rng(seed)
    letters = list("春夏秋冬东西南北上下左右前后")
    rows = {"sentence1": [], "sentence2": [], "label": []}
    for number in range(count):
        first, other = ("".join(draw.choice(letters, size=6, replace=False)) for _ in range(2))
        rows["sentence1"].append(first)
        rows["sentence2"].append(first[1:] + "吗" if number % 3 == 0 else other + "吧")
        rows["label"].append(int(number % 3 == 0))
    return rows


def test_controls_find_what_gives_the_label_away():
    train, test = pairs_of(90, 0), pairs_of(60, 1)
    found = pair_controls(train, test)
    assert found["majority"] == pytest.approx(2 / 3)
    assert found["sentence2"] == found["overlap"] == 1
    assert found["sentence1"] < 0.8
    three = {**train, "label": [label + number % 2 for number, label in enumerate(train["label"])]}
    assert "overlap" not in pair_controls(three, test)


def test_tfidf_of_pairs_sees_what_both_share():
    train, test = (
        {**rows, "sentence2": [text[:-1] for text in rows["sentence2"]]}
        for rows in (pairs_of(150, 0), pairs_of(60, 1))
    )
    pairs = [list(zip(rows["sentence1"], rows["sentence2"], strict=True)) for rows in (train, test)]
    model, chosen, score = strongest_pair_tfidf(pairs[0], train["label"], strengths=(1, 10))
    assert chosen.split(", C=")[0] in ("characters 1-2", "jieba words")
    assert model.score(pairs[1], test["label"]) > 0.9 and score > 0.9


def test_tfidf_of_pairs_takes_three_classes():
    """As in textual entailment: the same, a part of it, another."""
    draw = np.random.default_rng(0)
    pairs, labels = [], []
    for number in range(120):
        first = "".join(draw.choice([*"球队主场股价银行市比赛今天"], 8))
        others = "".join(draw.choice([*"海山风雪花草树"], 4))
        pairs.append((first, (first, first[:4] + others, others * 2)[number % 3]))
        labels.append(number % 3)
    choices = {"characters": {"analyzer": "char", "ngram_range": (1, 2)}}
    model, _, _ = strongest_pair_tfidf(pairs[:90], labels[:90], choices, strengths=(10,))
    assert set(model.predict(pairs[90:])) == {0, 1, 2}
    assert model.score(pairs[90:], labels[90:]) > 0.9
