"""utils/compact_rows.py: slices give the very rows that lists of tokens give; the masks are right."""

import numpy as np
import pytest
import torch
from relatives.arrays import (
    MASKINGS,
    Batches,
    cut_rows,
    encode_corpus,
    fill_rows,
    load_arrays,
    places_of_starts,
    save_arrays,
)
from tiny_bert import tiny_tokenizer
from tiny_family import DOCUMENTS

from utils.pretraining import Passages, SegmentPairs, encode_documents

TOKENIZER = tiny_tokenizer()
SIGNS = TOKENIZER.cls_token_id, TOKENIZER.sep_token_id, TOKENIZER.pad_token_id


@pytest.fixture(scope="module")
def corpus():
    return encode_corpus([*DOCUMENTS, DOCUMENTS[0]], TOKENIZER)


def filled(corpus, rows):
    tokens = torch.from_numpy(corpus.tokens.astype(np.int32))
    return fill_rows(rows, tokens, torch.from_numpy(corpus.starts), SIGNS)


def test_equal_documents_are_kept_once_and_listed_twice(corpus):
    encoded = encode_documents(DOCUMENTS, TOKENIZER)
    tokens = [token for document in encoded for sentence in document for token in sentence]
    assert corpus.tokens.tolist() == tokens
    assert corpus.order.tolist() == [0, 1, 2, 3, 0]
    first = sum(map(len, encoded[0]))
    assert corpus.tokens_a_pass() == len(tokens) + first


def test_blank_sentences_and_documents_go(corpus):
    with_blanks = [[" ", DOCUMENTS[0][0]], ["\u200b"], DOCUMENTS[1]]
    plain = [[DOCUMENTS[0][0]], DOCUMENTS[1]]
    one, other = (encode_corpus(each, TOKENIZER) for each in (with_blanks, plain))
    assert one.tokens.tolist() == other.tokens.tolist()
    assert one.order.tolist() == [0, 1]
    with pytest.raises(ValueError, match="no text"):
        encode_corpus([["\u200b"]], TOKENIZER)


def test_words_begin_where_jieba_says():
    corpus = encode_corpus([["银行今天降息。"], ["球队主场"]], TOKENIZER)
    text = "".join(
        "|" * int(start) + token
        for start, token in zip(corpus.starts, "银行今天降息。球队主场", strict=True)
    )
    assert text == "|银行|今天|降息|。|球队|主场"


@pytest.mark.parametrize("running", [False, True])
def test_rows_are_those_of_the_lists(corpus, running):
    documents = encode_documents([*DOCUMENTS, DOCUMENTS[0]], TOKENIZER)
    kind = Passages if running else SegmentPairs
    listed = kind(documents, TOKENIZER, max_length=20, batch_size=1, seed=5)
    rows = cut_rows(corpus, TOKENIZER, 20, 5, batch_size=1, running=running)
    batch, _ = filled(corpus, rows)
    assert len(rows) == len(listed)
    for place, row in enumerate(listed[each] for each in range(len(listed))):
        length = int(batch["attention_mask"][place].sum())
        ids = batch["input_ids"][place].tolist()
        wanted = row["input_ids"]
        if running and wanted[-1] != SIGNS[1]:  # here [SEP] ends every row
            wanted = [*wanted, SIGNS[1]]
        assert ids[:length] == wanted and set(ids[length:]) <= {SIGNS[2]}
        if not running:
            assert batch["token_type_ids"][place, :length].tolist() == row["token_type_ids"]
            assert batch["next_sentence_label"][place] == row["next_sentence_label"]
    assert rows.lengths().tolist() == batch["attention_mask"].sum(1).tolist()
    signs = torch.isin(batch["input_ids"], torch.tensor(SIGNS)).sum(1)
    padding = (~batch["attention_mask"]).sum(1)
    assert (rows.text_tokens() == (batch["attention_mask"].sum(1) - signs + padding).numpy()).all()


def test_only_whole_batches(corpus):
    assert len(cut_rows(corpus, TOKENIZER, 20, 0, batch_size=4)) % 4 == 0


def test_arrays_survive_their_file(corpus, tmp_path):
    save_arrays(corpus, tmp_path / "corpus.npz")
    again = load_arrays(type(corpus), tmp_path / "corpus.npz")
    for name, value in vars(corpus).items():
        assert (
            np.array_equal(value, getattr(again, name))
            and value.dtype == getattr(again, name).dtype
        )


@pytest.mark.parametrize("masking", MASKINGS)
def test_masks(corpus, masking):
    rows = cut_rows(corpus, TOKENIZER, 40, 0, batch_size=4)
    batches = Batches(corpus, rows, TOKENIZER, 4, masking, seed=3)
    again = Batches(corpus, rows, TOKENIZER, 4, masking, seed=3)
    hidden = tokens = 0
    for step in range(150):
        batch = batches[step]
        same = again[step]
        assert all(torch.equal(value, same[name]) for name, value in batch.items())
        originals = batch["originals"].flatten()
        assert torch.equal(originals[batch["places"]], batch["answers"])
        changed = (batch["input_ids"] != batch["originals"]).flatten().nonzero().flatten()
        assert set(changed.tolist()) <= set(batch["places"].tolist())
        assert not torch.isin(batch["answers"], torch.tensor(SIGNS)).any()
        hidden += len(batch["places"])
        tokens += int((~torch.isin(originals, torch.tensor(TOKENIZER.all_special_ids))).sum())
    assert 0.12 < hidden / tokens < 0.18
    masks = [batches[step]["places"].tolist() for step in (0, len(batches), 2 * len(batches))]
    assert masks[0] != masks[1] != masks[2]  # the same rows, masked anew


def test_words_share_their_fate(corpus):
    rows = cut_rows(corpus, TOKENIZER, 40, 0, batch_size=4)
    batches = Batches(corpus, rows, TOKENIZER, 4, "word")
    together = 0
    for step in range(60):
        batch, starts = batches[step], filled(corpus, batches.rows_of(step))[1]
        units = places_of_starts(starts)
        width = units.shape[1]
        hidden = torch.zeros(units.numel(), dtype=torch.bool)
        hidden[batch["places"]] = True
        hidden = hidden.view_as(units)
        assert torch.equal(hidden, hidden.gather(1, units)), "half a word is hidden"
        together += int((hidden & (units != torch.arange(width))).sum())
    assert together > 20


def test_wrong_masking_is_refused(corpus):
    rows = cut_rows(corpus, TOKENIZER, 40, 0, batch_size=4)
    with pytest.raises(ValueError, match="token, word, span"):
        Batches(corpus, rows, TOKENIZER, 4, "words")
    with pytest.raises(ValueError, match="at least one batch"):
        Batches(corpus, rows, TOKENIZER, 400)
