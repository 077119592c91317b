"""T5's task "remarks": which sentences of a review are taken, and with which label."""

import pytest
from objectives.remarks import load_remarks, sentences

REVIEWS = {
    "pos": [
        "What a wonderful, charming film. He works in a bank. The popcorn was horrible and stale.",
        "A superb and very moving story!<br /><br />I loved it so much. Bravo.",
        "The actors are brilliant in it.",
    ],
    "neg": [
        "This is terrible, boring rubbish. My wife thought it was superb and beautiful.",
        "The worst acting I ever saw. Avoid. It opens in a bank in 1920.",
    ],
}


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imdb")
    rows = [f'"{text}",{label}' for label, texts in REVIEWS.items() for text in texts]
    for split in ("train", "val", "test"):
        (folder / f"imdb_{split}.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    return load_remarks(folder)


def test_both_witnesses_agree(taken):
    assert set(taken) == {"train", "validation"}, "nothing of the test split"
    names = taken["train"].features["label"].names
    labels = dict(zip(taken["train"]["text"], taken["train"]["label"], strict=True))
    blaming = {text for text, label in labels.items() if names[label] == "neg"}
    assert blaming == {"This is terrible, boring rubbish.", "The worst acting I ever saw."}
    assert set(labels) - blaming < {
        "What a wonderful, charming film.", "A superb and very moving story!",
        "I loved it so much.", "The actors are brilliant in it.",
    }  # fmt: skip


def test_as_many_of_either_label(taken):
    assert sorted(taken["train"]["label"]) == [0, 0, 1, 1]


def test_the_same_draw_every_time(taken):
    assert taken["train"]["text"] == taken["validation"]["text"], "drawn from the same reviews"


def test_sentences_of_a_review():
    review = "Dull. It is a very long film!<br /><br />Did I like it? No " + "no " * 30 + "never."
    assert sentences(review) == ["It is a very long film!", "Did I like it?"]
    assert sentences("") == []
