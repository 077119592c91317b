"""data/mini_messages keeps what its datasheet promises."""

from collections import Counter

from notebooks import ROOT

from utils.data import audit_texts, load_texts, read_rows
from utils.measuring import estimate, out_of_fold, tfidf_classifier

FILE = ROOT / "data/mini_messages/messages.csv"
NAMED = {"text": "留言", "label": "部门"}


def test_forty_of_each_and_nothing_doubtful():
    rows = read_rows(FILE, **NAMED)
    assert Counter(row.label for row in rows) == {"物流": 40, "质量": 40, "退款": 40}
    assert audit_texts(FILE, **NAMED).remarks == []
    assert sum(load_texts(FILE, **NAMED).num_rows.values()) == 120


def test_a_baseline_is_neither_trivial_nor_hopeless():
    rows = read_rows(FILE, **NAMED)
    names = sorted({row.label for row in rows})

    def learner(seen, labels, judged):
        model = tfidf_classifier({"analyzer": "char", "ngram_range": (1, 2)})
        return model.fit(seen, labels).predict_proba(judged)

    labels = [names.index(row.label) for row in rows]
    score = estimate(out_of_fold(learner, [row.text for row in rows], labels), labels)
    assert 0.55 < score.accuracy < 0.9
    assert score.high - score.low > 0.1  # what so few rows cannot tell
