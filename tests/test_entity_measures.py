"""utils.measuring: the F1 of entities, the accuracy beside it, taggers without a language model."""

import random

import pytest
from data_files import real_data
from datasets import ClassLabel, Dataset, Features, List, Value
from notebooks import ROOT

from utils.data import Span, bio_of, load_entities, spans_of, texts_and_spans
from utils.measuring import (
    TAGGERS,
    dictionary_tagger,
    entity_counts,
    entity_scores,
    linear_tagger,
    only_o,
    strongest_tagger,
    token_accuracy,
)


@pytest.fixture(scope="module")
def mini():
    return load_entities(ROOT / "data/mini_entities")


def rows_of(*sentences):
    """A data set as `load_entities` gives it, of (text, spans) pairs."""
    names = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    features = Features({"tokens": List(Value("string")), "labels": List(ClassLabel(names=names))})
    tokens = [list(text) for text, _ in sentences]
    labels = [bio_of(spans, len(text)) for text, spans in sentences]
    return Dataset.from_dict({"tokens": tokens, "labels": labels}, features=features)


# Scores


def test_scores_by_hand():
    gold = [[(0, 2, "PER"), (3, 5, "LOC")], [(0, 1, "PER")], []]
    said = [[(0, 2, "PER"), (3, 5, "PER"), (6, 7, "LOC")], [(0, 2, "PER")], [(0, 1, "ORG")]]
    scores = entity_scores(gold, said)
    assert list(scores) == ["micro", "LOC", "ORG", "PER"]
    assert scores["micro"] == (1 / 5, 1 / 3, 2 / 8, 1, 5, 3)
    assert scores["PER"] == (1 / 3, 1 / 2, 2 / 5, 1, 3, 2)
    assert scores["LOC"] == (0, 0, 0, 0, 1, 1)
    assert scores["ORG"] == (0, 0, 0, 0, 1, 0)


def test_known_and_unknown_names_are_parted_by_their_characters():
    texts = ["小李在北京", "大方的人"]
    gold = [[(0, 2, "PER"), (3, 5, "LOC")], []]
    said = [[(0, 2, "LOC"), (3, 5, "LOC")], [(0, 2, "LOC")]]
    scores = entity_scores(gold, said, texts, known={"小李", "大方"})
    assert list(scores) == ["micro", "LOC", "PER", "known", "unknown"]
    assert scores["known"] == (0, 0, 0, 0, 2, 1)  # 小李 with another type, 大方 where none is
    assert scores["unknown"] == (1, 1, 1, 1, 1, 1)
    assert entity_scores(gold, said, texts, known=[])["known"] == (0, 0, 0, 0, 0, 0)


def test_scores_need_one_prediction_a_text():
    with pytest.raises(ValueError, match="2 texts with gold spans, 1 with predicted ones"):
        entity_scores([[], []], [[]])
    with pytest.raises(ValueError, match="1 texts with gold spans, 1 with predicted ones, 2 texts"):
        entity_scores([[]], [[]], ["一", "二"], set())
    with pytest.raises(ValueError, match="both texts and known"):
        entity_scores([[]], [[]], ["一"])


def random_labels(draw, length):
    """Possible BIO labels, dense enough that some of two sequences agree."""
    labels, place = [], 0
    while place < length:
        kind, size = draw.choice(["PER", "LOC", "O"]), draw.randint(1, 2)
        labels += ["O"] * size if kind == "O" else bio_of([(0, size, kind)], size)
        place += size
    return labels[:length]


@pytest.mark.filterwarnings("ignore::UserWarning")  # seqeval's, where nothing was said
def test_scores_are_those_of_seqeval_on_possible_labels():
    from seqeval.metrics import classification_report, f1_score, precision_score, recall_score

    draw = random.Random(0)
    for sentences in (1, 2, 30, 200):
        lengths = [draw.randint(1, 12) for _ in range(sentences)]
        gold, said = ([random_labels(draw, n) for n in lengths] for _ in range(2))
        ours = entity_scores(list(map(spans_of, gold)), list(map(spans_of, said)))
        theirs = [score(gold, said) for score in (precision_score, recall_score, f1_score)]
        assert ours["micro"][:3] == pytest.approx(theirs)
        report = classification_report(gold, said, output_dict=True)
        for kind in ours.keys() & report.keys() - {"micro"}:
            row = report[kind]
            assert ours[kind][:3] == pytest.approx(
                [row["precision"], row["recall"], row["f1-score"]]
            )
            assert ours[kind].there == row["support"]
        assert 0 < ours["micro"].f1 < 1 or sentences < 3


def test_spans_begin_where_seqeval_has_them_begin():
    from seqeval.metrics.sequence_labeling import get_entities

    draw = random.Random(1)
    for _ in range(300):
        labels = draw.choices(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], k=draw.randint(1, 8))
        theirs = [(start, end + 1, kind) for kind, start, end in get_entities(labels)]
        assert spans_of(labels, "begin") == theirs


def test_accuracy_praises_who_finds_nothing(mini):
    texts, gold = texts_and_spans(mini["test"])
    labels = [bio_of(spans, len(text)) for spans, text in zip(gold, texts, strict=True)]
    assert token_accuracy(labels, labels) == 1
    assert token_accuracy(labels, only_o(texts)) == pytest.approx(0.757, abs=5e-4)
    nothing = [spans_of(some) for some in only_o(texts)]
    assert entity_scores(gold, nothing)["micro"] == (0, 0, 0, 0, 0, 342)


@pytest.mark.parametrize(("name", "least"), [("peoples_daily", 0.87), ("weibo", 0.9)])
def test_real_sentences_have_even_more_o(name, least):
    """What chapter 9 says of them."""
    texts, gold = texts_and_spans(load_entities(real_data("ner"), name)["test"])
    labels = [bio_of(spans, len(text)) for spans, text in zip(gold, texts, strict=True)]
    assert least < token_accuracy(labels, only_o(texts)) < 0.95


def test_accuracy_of_texts_of_any_length():
    assert token_accuracy([["O"], ["O", "B-PER", "I-PER"]], [["O"], ["O", "O", "I-PER"]]) == 3 / 4
    with pytest.raises(ValueError, match="as many"):
        token_accuracy([["O"]], [["O", "O"]])
    with pytest.raises(ValueError, match="some"):
        token_accuracy([[]], [[]])


# Taggers


TRAIN = rows_of(
    ("小李在北京", [(0, 2, "PER"), (3, 5, "LOC")]),
    ("北京大学的李", [(0, 4, "LOC"), (5, 6, "PER")]),
    ("大方在家", [(0, 2, "PER")]),
    ("他很大方", []),
    ("为人大方", []),
    ("东方在东方", [(0, 2, "PER"), (3, 5, "LOC")]),
)


def test_names_are_counted_with_their_types():
    counts = entity_counts(TRAIN)
    assert counts["东方"] == {"PER": 1, "LOC": 1}
    assert counts["北京"] == {"LOC": 1}
    assert len(counts) == 6


def test_the_dictionary_takes_the_longest_from_the_left():
    tag = dictionary_tagger(TRAIN)
    assert tag(["北京大学在北京", "小李李", "", "没有"]) == [
        [(0, 4, "LOC"), (5, 7, "LOC")],
        [(0, 2, "PER"), (2, 3, "PER")],
        [],
        [],
    ]
    assert tag(["东方"]) == [[(0, 2, "LOC")]]  # of equal counts, the first in the alphabet


def test_the_dictionary_leaves_out_what_mostly_is_no_name():
    text = ["大方的小李在东方"]
    everything = [[(0, 2, "PER"), (3, 5, "PER"), (6, 8, "LOC")]]
    assert dictionary_tagger(TRAIN)(text) == everything
    assert dictionary_tagger(TRAIN, 1 / 3)(text) == everything
    assert dictionary_tagger(TRAIN, 0.5)(text) == [everything[0][1:]]
    assert dictionary_tagger(TRAIN, 0.6)(text) == [everything[0][1:2]]


def test_windows_find_names_that_no_dictionary_has(mini):
    train = mini["train"].select(range(150))
    texts, gold = texts_and_spans(mini["validation"])
    known = entity_counts(train)
    scores = {}
    for name, tag in (
        ("dictionary", dictionary_tagger(train)),
        ("windows", linear_tagger(train, names=False)),
        ("both", linear_tagger(train)),
    ):
        scores[name] = entity_scores(gold, tag(texts), texts, known)
    assert scores["dictionary"]["unknown"].f1 == 0
    assert scores["windows"]["unknown"].f1 > 0.1
    # Had it been trained with a dictionary that knows each sentence, it would trust nothing else.
    assert scores["both"]["unknown"].f1 > 0.1
    assert scores["both"]["known"].f1 > scores["windows"]["known"].f1
    assert linear_tagger(train.select(range(20)))(["", "在北京"])[0] == []


def test_the_strongest_is_chosen_on_the_validation_split():
    def always(spans):
        return lambda train: lambda texts: [spans for _ in texts]

    validation = rows_of(("李在", [(0, 1, "PER")]), ("方在", [(0, 1, "PER")]))
    choices = {
        "nothing": always([]),
        "right": always([Span(0, 1, "PER")]),
        "as good": always([Span(0, 1, "PER")]),
        "dictionary": dictionary_tagger,
    }
    tagger, name, f1 = strongest_tagger(TRAIN, validation, choices)
    assert (name, f1) == ("right", 1.0)
    assert tagger(["任何"]) == [[(0, 1, "PER")]]
    assert {"dictionary", "windows of 5"} < TAGGERS.keys()
