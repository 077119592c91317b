"""utils.data: entities as spans and as BIO labels, there and back."""

import random

import pytest
from notebooks import ROOT

from utils.data import Span, bio_of, impossible_labels, load_entities, spans_of, texts_and_spans


@pytest.mark.parametrize(
    ("labels", "spans"),
    [
        ("", []),
        ("O O", []),
        ("B-PER", [(0, 1, "PER")]),
        ("O B-PER I-PER O B-LOC", [(1, 3, "PER"), (4, 5, "LOC")]),
        ("B-PER B-PER I-PER", [(0, 1, "PER"), (1, 3, "PER")]),
        ("B-PER.NAM I-PER.NAM B-A-B I-A-B", [(0, 2, "PER.NAM"), (2, 4, "A-B")]),
    ],
)
def test_spans_of_possible_labels_and_back(labels, spans):
    labels = labels.split()
    assert spans_of(labels) == spans_of(labels, "drop") == spans
    assert bio_of(spans, len(labels)) == labels


@pytest.mark.parametrize(
    ("labels", "begin", "drop"),
    [
        ("I-PER I-PER O", [(0, 2, "PER")], []),
        ("O I-PER", [(1, 2, "PER")], []),
        ("B-PER I-LOC I-LOC", [(0, 1, "PER"), (1, 3, "LOC")], [(0, 1, "PER")]),
        ("B-PER O I-PER", [(0, 1, "PER"), (2, 3, "PER")], [(0, 1, "PER")]),
        ("I-LOC B-LOC I-LOC", [(0, 1, "LOC"), (1, 3, "LOC")], [(1, 3, "LOC")]),
        ("B-PER I-LOC I-PER", [(0, 1, "PER"), (1, 2, "LOC"), (2, 3, "PER")], [(0, 1, "PER")]),
    ],
)
def test_an_i_that_continues_nothing_begins_or_is_dropped(labels, begin, drop):
    labels = labels.split()
    assert impossible_labels(labels, "BIO")
    assert spans_of(labels) == begin
    assert spans_of(labels, repair="drop") == drop
    for spans in (begin, drop):
        assert not impossible_labels(bio_of(spans, len(labels)), "BIO")


@pytest.mark.parametrize("label", ["", "o", "B", "B-", "O-PER", "S-PER", "M-PER", "I_PER"])
def test_what_is_no_label_is_named(label):
    with pytest.raises(ValueError, match=f"label 1, '{label}', is not of BIO"):
        spans_of(["O", label])


def test_another_repair_is_refused():
    with pytest.raises(ValueError, match="'viterbi'; give 'begin' or 'drop'"):
        spans_of(["O"], repair="viterbi")


@pytest.mark.parametrize("span", [(-1, 1, "PER"), (2, 2, "PER"), (3, 2, "PER"), (3, 5, "PER")])
def test_a_span_outside_the_text_is_refused(span):
    with pytest.raises(ValueError, match="not within the text's 4 characters"):
        bio_of([span], 4)


def test_spans_that_overlap_are_refused_in_any_order():
    assert bio_of([(2, 4, "B"), (0, 2, "A")], 4) == ["B-A", "I-A", "B-B", "I-B"]
    with pytest.raises(ValueError, match="0:3 B and 2:4 A overlap"):
        bio_of([(2, 4, "A"), (0, 3, "B")], 4)


def test_any_spans_survive_the_way_to_labels_and_back():
    draw = random.Random(0)
    for _ in range(300):
        length = draw.randint(0, 12)
        cuts = sorted(draw.sample(range(length + 1), draw.randint(0, length)))
        spans = [
            Span(start, end, draw.choice(["PER", "LOC"]))
            for start, end in zip(cuts, cuts[1:], strict=False)
            if draw.random() < 0.6
        ]
        assert spans_of(bio_of(spans, length)) == spans


def test_texts_and_spans_of_the_course_s_own_sentences():
    split = load_entities(ROOT / "data/mini_entities")["train"]
    texts, spans = texts_and_spans(split)
    assert len(texts) == len(spans) == len(split)
    assert texts[0].startswith("Hello 小镇里最难的一关")
    assert spans[0][0] == (0, 8, "WORK")
