"""data/mini_questions keeps what its datasheet promises."""

import csv
import json
import re
from collections import Counter

import pytest
from conftest import MEASURED
from near_duplicates import near_duplicates
from notebooks import ROOT
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from utils.finetuning import sentence_spans
from utils.measuring import answer_scores, nearest_sentence, shared_bigrams, span_by_question_word
from utils.pretraining import read_documents

FOLDER = ROOT / "data/mini_questions"
PASSAGES = {"train": 40, "validation": 10, "test": 16}
QUESTIONS = {"train": 260, "validation": 71, "test": 110}
LONG = {"train": 5, "validation": 2, "test": 3}  # passages of more than 700 characters
KINDS = {"what", "why", "number", "how", "where", "who", "which", "when"}


def read(split):
    """The rows of one split, a question each, its passage beside it."""
    rows = []
    for article in json.loads((FOLDER / f"{split}.json").read_text("utf8"))["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                rows.append(question | {"context": paragraph["context"], "split": split})
    return rows


@pytest.fixture(scope="module")
def splits():
    """{split: [question with its context, ...]}"""
    return {split: read(split) for split in PASSAGES}


@pytest.fixture(scope="module")
def questions(splits):
    return [row for rows in splits.values() for row in rows]


@pytest.fixture(scope="module")
def answerable(questions):
    return [row for row in questions if not row["is_impossible"]]


@pytest.fixture(scope="module")
def passages(splits):
    """{split: [passage, ...]}"""
    return {
        split: list(dict.fromkeys(r["context"] for r in rows)) for split, rows in splits.items()
    }


@pytest.fixture(scope="module")
def kinds():
    """{question's id: row of kinds.csv}"""
    with open(FOLDER / "kinds.csv", encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def score(predict, rows):
    """Exact match and F1 in percent."""
    accepted = [[answer["text"] for answer in row["answers"]] for row in rows]
    found = answer_scores([predict(row) for row in rows], accepted)
    return 100 * found["exact"], 100 * found["f1"]


# The baselines.


def whole_sentence(row):
    return nearest_sentence(row["question"], row["context"])


def question_word(row):
    return span_by_question_word(row["question"], row["context"])


def no_answer(row):
    return ""


def perfect(row):
    return row["answers"][-1]["text"] if row["answers"] else ""


def test_sizes(splits, passages):
    for split, rows in splits.items():
        assert len(rows) == QUESTIONS[split]
        assert len(passages[split]) == PASSAGES[split]
        assert sum(len(text) > 700 for text in passages[split]) == LONG[split]
        assert min(Counter(row["context"] for row in rows).values()) >= 5


def test_the_layout_is_that_of_squad_2():
    for split in PASSAGES:
        text = (FOLDER / f"{split}.json").read_text("utf8")
        content = json.loads(text)
        assert text == json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        assert set(content) == {"version", "data"}
        for article in content["data"]:
            assert set(article) == {"title", "paragraphs"} and len(article["paragraphs"]) == 1
            for question in article["paragraphs"][0]["qas"]:
                impossible = question["is_impossible"]
                assert set(question) - {"plausible_answers"} == {
                    "id",
                    "question",
                    "answers",
                    "is_impossible",
                }
                assert impossible == ("plausible_answers" in question) == (not question["answers"])


def wrong_places(rows):
    """Ids of questions with an answer that does not stand where it says."""
    return [
        row["id"]
        for row in rows
        for answer in row["answers"] + row.get("plausible_answers", [])
        if not answer["text"]
        or row["context"][answer["answer_start"] :][: len(answer["text"])] != answer["text"]
    ]


def test_answers_stand_where_they_say(questions):
    assert wrong_places(questions) == []


def test_a_wrong_place_would_be_found(questions):
    row = next(row for row in questions if row["answers"])
    shifted = row["answers"][0] | {"answer_start": row["answers"][0]["answer_start"] + 1}
    assert wrong_places([row | {"answers": [shifted]}]) == [row["id"]]


def test_answers_are_tidy(answerable):
    """No mark or blank at the edges but brackets and quotes in pairs; 1 to 30 characters."""
    lengths = []
    for row in answerable:
        texts = [answer["text"] for answer in row["answers"]]
        assert len(set(texts)) == len(texts), row["id"]
        for text in texts:
            assert not re.search(r"^[\s，。、；：？！]|[\s，。、；：？！]$", text), (
                row["id"],
                text,
            )
            for opening, closing in ("“”", "《》", "（）"):
                assert text.count(opening) == text.count(closing), (row["id"], text)
        lengths.append(len(texts[0]))
    lengths.sort()
    assert lengths[0] == 1 and 25 <= lengths[-1] <= 30
    assert 3 <= lengths[len(lengths) // 2] <= 6


def test_ids_and_questions_are_unique(questions):
    for key in ("id", "question"):
        counts = Counter(row[key] for row in questions)
        assert [value for value, count in counts.items() if count > 1] == []


def test_questions_are_clean(questions):
    wrong = [
        row["question"]
        for row in questions
        if not re.fullmatch(r"(?:[^\s\"'？]|(?<=\w) (?=\w)){4,34}？", row["question"])
    ]
    assert wrong == []


def test_passages_are_clean_and_of_the_right_length(passages):
    """Line breaks only in the long ones; single blanks only beside Latin letters or numbers."""
    bad = re.compile(r"[\"'\t\r\u200b\ufeff\ufffd\u3000]|\n\n|(?<![A-Za-z0-9.]) | (?=\s)|^\s|\s$")
    for text in [text for texts in passages.values() for text in texts]:
        assert not bad.search(text), text[:20]
        assert 120 <= len(text) <= 450 or 700 < len(text) <= 800, text[:20]
        assert len(text) > 700 or "\n" not in text


def test_latin_units_and_full_width_characters_occur(answerable):
    answers = "".join(row["answers"][0]["text"] for row in answerable)
    for some in ("[A-Za-z]", "[0-9]", "[一二三四五六七八九十]", "℃", "[Ａ-Ｚ]", "：", "《"):
        assert re.search(some, answers), some


def test_no_near_duplicates_within_or_across_splits_or_with_mini_corpus(passages):
    texts = [text for split in passages.values() for text in split]
    files = [ROOT / f"data/mini_corpus/{name}.txt" for name in ("encyclopaedia", "news")]
    others = ["".join(document) for file in files for document in read_documents(file)]
    found = near_duplicates(texts + others, threshold=0.1)
    assert [(a, b) for a, b in found if min(a, b) < len(texts)] == []


def test_a_near_duplicate_passage_would_be_found(passages):
    texts = passages["train"]
    half = texts[3][: len(texts[3]) // 2] + "后来的事谁也说不清，编辑部还在打听。"
    assert near_duplicates([*texts, half], threshold=0.1) == [(3, len(texts))]


def test_no_near_duplicate_questions(questions):
    """Across passages; within one, questions may well share their words."""
    found = near_duplicates([row["question"] for row in questions], threshold=0.7)
    pairs_found = [(questions[a], questions[b]) for a, b in found]
    assert [(a["id"], b["id"]) for a, b in pairs_found if a["context"] != b["context"]] == []


def test_a_fifth_is_unanswerable(splits):
    for split, rows in splits.items():
        share = sum(row["is_impossible"] for row in rows) / len(rows)
        assert 0.17 <= share <= 0.23, split
        with_one = {row["context"] for row in rows if row["is_impossible"]}
        assert len(with_one) == PASSAGES[split]  # every passage has at least one


def test_kinds_are_balanced(splits, kinds):
    assert {row["kind"] for row in kinds.values()} == KINDS
    for split, rows in splits.items():
        assert {row["id"] for row in rows} == {i for i, k in kinds.items() if k["split"] == split}
        counts = Counter(kinds[row["id"]]["kind"] for row in rows)
        assert min(counts[kind] for kind in KINDS) / len(rows) > 0.03, (split, counts)
        assert max(counts.values()) / len(rows) < 0.30, (split, counts)


def test_no_kind_of_question_is_mostly_unanswerable(questions, kinds):
    counts = Counter(kinds[row["id"]]["kind"] for row in questions)
    impossible = Counter(kinds[row["id"]]["kind"] for row in questions if row["is_impossible"])
    assert max(impossible[kind] / counts[kind] for kind in KINDS) < 0.45
    assert min(impossible[kind] / counts[kind] for kind in KINDS) > 0.08


def test_several_answers_are_accepted_outside_the_training_split(splits):
    for split, rows in splits.items():
        numbers = [len(row["answers"]) for row in rows if not row["is_impossible"]]
        several = sum(number > 1 for number in numbers) / len(numbers)
        assert max(numbers) <= 4
        assert several == 0 if split == "train" else 0.25 <= several <= 0.60


def test_the_same_words_stand_elsewhere_too(answerable):
    """Where an answer's text occurs more than once, the first place is often the wrong one."""
    repeated = [row for row in answerable if row["context"].count(row["answers"][0]["text"]) > 1]
    first = [
        row
        for row in repeated
        if row["context"].index(row["answers"][0]["text"]) == row["answers"][0]["answer_start"]
    ]
    MEASURED.append(
        f"mini_questions: {len(repeated)} answers stand twice, {len(first)} of them first"
    )
    assert len(repeated) >= 40
    assert len(first) / len(repeated) < 0.60


def test_the_place_gives_no_answer_away(answerable):
    fifths, order = Counter(), Counter()
    for row in answerable:
        start = row["answers"][0]["answer_start"]
        fifths[5 * start // len(row["context"])] += 1
        order[sum(end <= start for _, end in sentence_spans(row["context"]))] += 1
    assert max(fifths.values()) / len(answerable) < 0.30
    assert min(fifths[fifth] for fifth in range(5)) / len(answerable) > 0.10
    assert max(order.values()) / len(answerable) < 0.20


def test_shared_words_find_the_sentence_often_but_not_always(answerable):
    hits = 0
    for row in answerable:
        sentence = whole_sentence(row)
        start = row["context"].index(sentence)
        end = start + len(sentence)
        hits += any(start <= answer["answer_start"] < end for answer in row["answers"])
    MEASURED.append(f"mini_questions: nearest sentence holds {hits / len(answerable):.1%}")
    assert 0.50 < hits / len(answerable) < 0.80


def test_the_question_alone_hardly_tells_whether_it_has_an_answer(splits):
    """Control: a classifier that never sees the passage."""
    model = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 2)),
        LogisticRegression(class_weight="balanced", max_iter=1000),
    )
    train, rest = splits["train"], splits["validation"] + splits["test"]
    model.fit([row["question"] for row in train], [row["is_impossible"] for row in train])
    guesses = model.decision_function([row["question"] for row in rest])
    area = roc_auc_score([row["is_impossible"] for row in rest], guesses)
    MEASURED.append(f"mini_questions: ROC AUC of answerability from the question alone {area:.2f}")
    assert 0.35 < area < 0.70


def test_shared_words_hardly_tell_whether_there_is_an_answer(questions):
    shares = [
        shared_bigrams(r["question"], whole_sentence(r)) / len(r["question"]) for r in questions
    ]
    area = roc_auc_score([row["is_impossible"] for row in questions], shares)
    MEASURED.append(f"mini_questions: ROC AUC of answerability from shared words {area:.2f}")
    assert 0.30 < area < 0.70


def test_baselines_are_neither_trivial_nor_hopeless(splits):
    """The bounds are loose: the datasheet has the numbers."""
    bounds = {
        whole_sentence: ((0, 5), (15, 35)),
        question_word: ((5, 25), (15, 40)),
        no_answer: ((17, 23), (17, 23)),
        perfect: ((100, 100), (100, 100)),
    }
    for predict, limits in bounds.items():
        scores = score(predict, splits["test"])
        MEASURED.append(
            f"mini_questions: {predict.__name__} EM {scores[0]:.1f}, F1 {scores[1]:.1f} on test"
        )
        for value, (low, high) in zip(scores, limits, strict=True):
            assert low <= value <= high, (predict.__name__, scores)


@pytest.fixture(scope="module")
def datasheet():
    """{first cell: the numbers after it} of all tables in this data set's section."""
    text = (ROOT / "data/README.md").read_text("utf8")
    section = re.search(r"^## mini_questions$(.+?)(?=^## )", text, re.M | re.S)[1]
    tables = {}
    for line in re.findall(r"^\|[^|]+(?:\| *[0-9.]+ *)+\|$", section, re.M):
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        tables[name] = [float(cell) for cell in cells]
    return tables


def test_the_datasheet_counts_right(splits, passages, datasheet):
    for split, rows in splits.items():
        impossible = sum(row["is_impossible"] for row in rows)
        several = sum(len(row["answers"]) > 1 for row in rows)
        counted = [len(passages[split]), LONG[split], len(rows), impossible, several]
        assert datasheet[f"{split}.json"] == counted


def test_the_datasheet_has_the_baselines_of_today(splits, datasheet):
    rows = splits["test"]
    with_answer = [row for row in rows if row["answers"]]
    for name, predict in (
        ("always “no answer”", no_answer),
        ("the sentence that shares most pairs of characters, whole", whole_sentence),
        ("a span of that sentence by the question word", question_word),
    ):
        measured = [*score(predict, rows), score(predict, with_answer)[1]]
        assert datasheet[name] == pytest.approx(measured, abs=0.051), name
