"""utils.data.shorten: the part of a text that is kept."""

import pytest

from utils.data import PARTS, shorten
from utils.models import load_tokenizer, resolve

WORDS = [f"film number {i} unforgettable" for i in range(40)]
TEXT = ", ".join(WORDS)


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(resolve("minilm-en"))


def tokens(tokenizer, text):
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


@pytest.mark.parametrize("keep", PARTS)
@pytest.mark.parametrize("max_length", [4, 7, 32, 129])
def test_what_is_kept_fits_and_loses_little_room(tokenizer, keep, max_length):
    [short] = shorten([TEXT], tokenizer, max_length, keep)
    used = len(tokens(tokenizer, short)) + 2
    # A cut falls between words, so up to a word's pieces are lost at each.
    assert max_length - 2 * 3 <= used <= max_length and short


def test_head_tail_and_both(tokenizer):
    [head], [tail], [both] = (shorten([TEXT], tokenizer, 42, keep) for keep in PARTS)
    assert TEXT.startswith(head) and TEXT.endswith(tail)
    everything = tokens(tokenizer, TEXT)
    assert tokens(tokenizer, head) == everything[: len(tokens(tokenizer, head))]
    assert tokens(tokenizer, tail) == everything[-len(tokens(tokenizer, tail)) :]
    half = len(both) // 2
    assert both[: half - 5] == TEXT[: half - 5] and both[-(half - 5) :] == TEXT[-(half - 5) :]


@pytest.mark.parametrize("keep", PARTS)
def test_a_text_that_fits_is_left_alone(tokenizer, keep):
    short = "Not  bad,\tnot bad at all."
    length = len(tokens(tokenizer, short)) + 2
    assert shorten([short, ""], tokenizer, length, keep) == [short, ""]
    assert shorten([short], tokenizer, length - 1, keep) != [short]


def test_one_endless_word_is_torn(tokenizer):
    [short] = shorten(["un" + "believab" * 80], tokenizer, 10, "head")
    assert 0 < len(tokens(tokenizer, short)) <= 9


def test_bad_arguments_are_refused(tokenizer):
    with pytest.raises(ValueError, match="keep='middle': choose one of head, tail, head.tail"):
        shorten([TEXT], tokenizer, 32, "middle")
    with pytest.raises(ValueError, match="max_length=3: no room for text; take at least 4"):
        shorten([TEXT], tokenizer, 3)
