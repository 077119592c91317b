"""utils.finetuning.search, .encoders, utils.measuring.retrieval: vectors, ranks, summaries, contrast."""

import math
import random
import warnings

import numpy as np
import pytest
import torch
from datasets import Dataset
from tiny_bert import CHARACTERS, save_tiny_bert, tiny_tokenizer
from transformers import AutoModel

from utils import finetuning, measuring
from utils.models import ModelError

LETTERS = [each for each in CHARACTERS if not each.isdigit()]


def texts_of(count, seed):
    draw = random.Random(seed)
    return ["".join(draw.choices(LETTERS, k=draw.randint(4, 15))) for _ in range(count)]


# Vectors


def test_unit_vectors():
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [2.0, 0.0]])
    np.testing.assert_allclose(finetuning.unit_vectors(rows), [[0.6, 0.8], [0, 0], [1, 0]])
    moved = finetuning.unit_vectors(rows, mean=np.array([2.0, 0.0]))
    np.testing.assert_allclose(moved[2], [0, 0])
    np.testing.assert_allclose(np.linalg.norm(moved[:2], axis=1), 1, atol=1e-6)
    assert rows[0, 0] == 3.0  # the caller's array is left alone


def test_encoded_texts_have_length_1_and_keep_their_order(checkpoint):
    model, tokenizer = AutoModel.from_pretrained(checkpoint).eval(), tiny_tokenizer()
    texts = texts_of(20, 0)
    vectors = finetuning.encode_sentences(model, tokenizer, texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    places, scores = finetuning.nearest_texts(vectors, vectors, k=3)
    assert places[:, 0].tolist() == list(range(20)) and (scores[:, 0] > 0.999).all()
    assert (np.diff(scores, axis=1) <= 0).all()


def test_nearest_texts_by_hand_ties_in_the_order_of_the_corpus():
    corpus = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    places, scores = finetuning.nearest_texts(np.array([[1.0, 0.0]]), corpus, k=3)
    assert places.tolist() == [[1, 2, 0]] and scores.tolist() == [[1, 1, 0]]
    places, _ = finetuning.nearest_texts(np.array([[1.0, 0.0]]), corpus, k=99)
    assert places.tolist() == [[1, 2, 0, 3]]


def test_vectors_that_share_a_direction_and_after_their_mean_is_taken_away():
    vectors = np.random.default_rng(0).normal(size=(300, 16)) + 3.0
    before = measuring.mean_random_cosine(vectors)
    after = measuring.mean_random_cosine(vectors - vectors.mean(0))
    assert before > 0.85 and abs(after) < 0.02
    assert measuring.mean_random_cosine(np.array([[1.0, 0], [0, 1.0]])) == 0  # never with itself
    with pytest.raises(ValueError, match="a pair needs two"):
        measuring.mean_random_cosine(vectors[:1])


# BM25 and ranks


def bm25_by_hand(query, text, corpus, k1=1.2, b=0.75):
    """Characters only, with loops."""
    average = sum(map(len, corpus)) / len(corpus)
    score = 0.0
    for term in query:
        containing = sum(term in each for each in corpus)
        rarity = math.log(1 + (len(corpus) - containing + 0.5) / (containing + 0.5))
        times = text.count(term)
        score += rarity * times * (k1 + 1) / (times + k1 * (1 - b + b * len(text) / average))
    return score


def test_bm25_agrees_with_the_formula():
    corpus, queries = texts_of(12, 0), [*texts_of(4, 1), "球球"]
    characters = {"analyzer": "char"}
    scores = measuring.bm25(queries, corpus, characters, k1=1.5, b=0.6)
    for row, query in enumerate(queries):
        for column, text in enumerate(corpus):
            expected = bm25_by_hand(query, text, corpus, 1.5, 0.6)
            assert scores[row, column] == pytest.approx(expected), (query, text)


def test_bm25_prefers_rare_terms_and_short_texts_and_knows_nothing_of_foreign_ones():
    corpus = ["银行利率", "银行降息" + "的" * 30, "的的的", "球队银行"]
    scores = measuring.bm25(["降息", "银行", "火星"], corpus)
    assert scores[0].argmax() == 1 and scores[0, 0] == 0
    assert scores[1, 0] > scores[1, 1] > 0
    assert (scores[2] == 0).all()
    words = measuring.bm25(["银行"], corpus, measuring.CHINESE_TERMS["jieba words"])
    assert words[0, 3] > 0 == words[0, 2]


def test_tfidf_of_a_text_finds_itself():
    corpus = texts_of(10, 3)
    scores = measuring.tfidf_cosines(corpus, corpus)
    assert scores.argmax(1).tolist() == list(range(10))
    np.testing.assert_allclose(scores.diagonal(), 1)


def test_recall_and_reciprocal_rank_by_hand():
    places = np.array([[4, 2, 7], [0, 1, 2], [5, 6, 8]])
    relevant = [[2, 9], 0, [3]]
    assert measuring.recall_at(1, places, relevant) == pytest.approx((0 + 1 + 0) / 3)
    assert measuring.recall_at(3, places, relevant) == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert measuring.mean_reciprocal_rank(places, relevant) == pytest.approx((1 / 2 + 1 + 0) / 3)


def test_ranks_that_cannot_be_are_refused():
    places = np.array([[1, 0]])
    with pytest.raises(ValueError, match="query 0: no relevant text"):
        measuring.mean_reciprocal_rank(places, [[]])
    with pytest.raises(ValueError, match="recall at 3, but 2 places"):
        measuring.recall_at(3, places, [0])
    with pytest.raises(ValueError, match="1 queries, but relevant texts of 2"):
        measuring.recall_at(1, places, [0, 1])


# Summaries


def test_sentence_spans():
    text = "球队赢了！得分；主场\n\n“今天。”银行"
    parts = [text[start:end] for start, end in finetuning.sentence_spans(text)]
    assert parts == ["球队赢了！", "得分；", "主场", "“今天。”", "银行"]
    assert finetuning.sentence_spans("") == finetuning.sentence_spans(" \n。") == []


def test_the_central_sentences_are_those_like_the_others():
    vectors = np.array([[0, 0, 1], [1, 0.1, 0], [1, 0, 0], [1, -0.1, 0], [-1, 0, 0]])
    assert finetuning.central_sentences(vectors, 1) == [2]
    assert finetuning.central_sentences(vectors, 3) == [1, 2, 3]  # in the order of the text
    longer = vectors * np.array([[1], [1], [1], [1], [100]])
    assert finetuning.central_sentences(longer, 3) == [1, 2, 3]  # length is no centrality
    assert finetuning.central_sentences(np.ones((4, 3)), 2) == [0, 1]  # ties: the earlier
    assert finetuning.central_sentences(np.ones((2, 3)), 3) == [0, 1]
    assert finetuning.first_sentences(vectors, 3) == [0, 1, 2]
    assert finetuning.first_sentences(np.ones((2, 3)), 3) == [0, 1]


# Contrastive fine-tuning


def partners(count, seed):
    """Pairs that share a rare character, everything else drawn at random."""
    draw = random.Random(seed)
    first, second = [], []
    for number in range(count):
        sign = LETTERS[number % 12]
        for side in (first, second):
            text = draw.choices(LETTERS[12:], k=draw.randint(2, 5)) + [sign]
            draw.shuffle(text)
            side.append("".join(text))
    return first, second


def reciprocal_rank(vectors_of, first, second):
    places, _ = finetuning.nearest_texts(
        *(finetuning.unit_vectors(vectors_of(side)) for side in (first, second)), k=12
    )
    return measuring.mean_reciprocal_rank(places, list(range(len(first))))


@pytest.fixture(scope="module")
def contrasted(checkpoint):
    with warnings.catch_warnings(action="error", category=DeprecationWarning):
        with warnings.catch_warnings(action="error", category=FutureWarning):
            return finetuning.contrastive_fine_tune(
                checkpoint, *partners(240, 0), epochs=8, batch_size=12, learning_rate=3e-3,
                max_length=20,
            )  # fmt: skip


def encode_with(model):
    return lambda texts: model.encode(texts, show_progress_bar=False)


def test_partners_are_found_better_after_than_before(checkpoint, contrasted):
    plain, tokenizer = AutoModel.from_pretrained(checkpoint).eval(), tiny_tokenizer()
    held_out = partners(12, 1)
    before = reciprocal_rank(
        lambda texts: finetuning.sentence_features(plain, tokenizer, texts), *held_out
    )
    after = reciprocal_rank(encode_with(contrasted), *held_out)
    assert before < 0.6 < 0.85 < after, (before, after)


def test_pooling_is_a_module_of_its_own_and_the_mean_is_that_of_sentence_features(
    contrasted, monkeypatch
):
    monkeypatch.setattr("utils.finetuning.classifier.bf16_available", lambda: False)
    encoder, pooling = contrasted
    assert pooling.pooling_mode == "mean" and contrasted.max_seq_length == 20
    texts = partners(4, 2)[0]
    ours = finetuning.sentence_features(encoder.model, tiny_tokenizer(), texts)
    np.testing.assert_allclose(encode_with(contrasted)(texts), ours, atol=1e-5)


def test_a_sentence_encoder_comes_back_without_the_network(contrasted, tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise OSError("the network was asked for")

    monkeypatch.setattr("socket.socket.connect", refuse)
    contrasted.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
    assert not list((tmp_path / "saved").rglob("*.bin"))
    loaded = finetuning.load_sentence_encoder(tmp_path / "saved")
    texts = partners(4, 2)[0]
    np.testing.assert_allclose(
        encode_with(loaded)(texts), encode_with(contrasted)(texts), atol=1e-6
    )
    assert loaded.max_seq_length == 20 and loaded[1].pooling_mode == "mean"
    with pytest.raises(ModelError, match="no config.json"):
        finetuning.load_sentence_encoder(tmp_path)


def test_a_bert_whose_vectors_nobody_trained_is_no_sentence_encoder(checkpoint):
    with pytest.raises(ModelError, match="no modules.json.*encode_sentences$"):
        finetuning.load_sentence_encoder(checkpoint)


def test_a_training_without_progress_prints_nothing_and_needs_no_network(
    checkpoint, capfd, monkeypatch
):
    def refuse(*args, **options):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    finetuning.contrastive_fine_tune(checkpoint, *partners(4, 0), epochs=1, batch_size=4)
    said = capfd.readouterr()
    assert said.out == ""
    assert "widget" not in said.err and "train_runtime" not in said.err


def test_other_pooling_and_a_checkpoint_in_fp16(tmp_path):
    half = save_tiny_bert(tmp_path / "half", dtype=torch.float16)
    model = finetuning.contrastive_fine_tune(
        half, *partners(4, 0), epochs=1, batch_size=4, pooling="cls"
    )
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model[1].pooling_mode == "cls"


def test_the_same_seed_gives_the_same_model(checkpoint):
    first, again, other = (
        finetuning.contrastive_fine_tune(
            checkpoint, *partners(24, 0), epochs=1, batch_size=8, seed=seed
        )
        for seed in (1, 1, 2)
    )
    texts = partners(4, 2)[0]
    np.testing.assert_array_equal(*(encode_with(model)(texts) for model in (first, again)))
    assert not np.allclose(encode_with(first)(texts), encode_with(other)(texts), atol=1e-4)


def test_pairs_that_teach_nothing_are_refused(checkpoint):
    with pytest.raises(ValueError, match="one pair has nothing"):
        finetuning.contrastive_fine_tune(checkpoint, ["球"], ["队"])
    with pytest.raises(ValueError, match="row 1: empty sentence"):
        finetuning.contrastive_fine_tune(checkpoint, ["球", "球"], ["队", ""])
    with pytest.raises(ValueError, match="2 first sentences, but 1 second"):
        finetuning.contrastive_fine_tune(checkpoint, ["球", "球"], ["队"])


def test_pairs_that_an_epoch_would_never_get_to_are_refused(checkpoint):
    texts, other = LETTERS[:8], ["球"] * 5 + list(LETTERS[8:11])
    with pytest.raises(ValueError, match="'球' stands in 5 of 8 pairs, but an epoch has 4 batches"):
        finetuning.contrastive_fine_tune(checkpoint, texts, other, batch_size=2)
    with pytest.raises(ValueError, match="stands in 3 of 3 pairs"):  # on either side
        finetuning.contrastive_fine_tune(checkpoint, ["球", "队", "球"], ["人", "球", "友"])
    finetuning.contrastive_fine_tune(checkpoint, texts, other, epochs=1, batch_size=1)


# Fine-tuning on grades


def graded(count, seed):
    """Pairs of which 0 to 3 characters of the 12 that count are shared; the others say nothing."""
    draw = random.Random(seed)
    rows = {"sentence1": [], "sentence2": [], "score": []}
    for _ in range(count):
        grade = draw.randint(0, 3)
        signs = draw.sample(LETTERS[:12], 6)
        sides = signs[:3], [*signs[:grade], *signs[3 : 6 - grade]]
        for name, some in zip(("sentence1", "sentence2"), sides, strict=True):
            text = [*some, *draw.choices(LETTERS[12:], k=draw.randint(1, 4))]
            draw.shuffle(text)
            rows[name].append("".join(text))
        rows["score"].append(float(grade))
    return Dataset.from_dict(rows)


def order(vectors_of, rows):
    alike = finetuning.cosines(*(vectors_of(list(rows[f"sentence{side}"])) for side in (1, 2)))
    return measuring.correlations(alike, rows["score"])["spearman"]


@pytest.fixture(scope="module")
def ranked(checkpoint):
    """(model, Spearman on validation after each epoch)."""
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

    seen, judge = [], EmbeddingSimilarityEvaluator.__call__

    def listen(self, *args, **options):
        measured = judge(self, *args, **options)
        seen.append(measured["spearman_cosine"])
        return measured

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmbeddingSimilarityEvaluator, "__call__", listen)
        patch.setattr("utils.finetuning.encoders.bf16_available", lambda: False)
        model = finetuning.similarity_fine_tune(
            checkpoint, graded(300, 0), graded(80, 1), epochs=6, batch_size=12,
            learning_rate=3e-3, max_length=20,
        )  # fmt: skip
    return model, seen


def test_cosines_come_in_the_order_of_grades(checkpoint, ranked):
    plain, tokenizer = AutoModel.from_pretrained(checkpoint).eval(), tiny_tokenizer()
    held_out = graded(200, 2)
    before = order(lambda texts: finetuning.sentence_features(plain, tokenizer, texts), held_out)
    after = order(encode_with(ranked[0]), held_out)
    assert before + 0.2 < after, (before, after)


def test_the_kept_encoder_is_that_of_the_best_epoch(ranked):
    model, seen = ranked
    assert len(seen) == 6
    assert order(encode_with(model), graded(80, 1)) == pytest.approx(max(seen), abs=1e-4)


def test_the_best_epoch_need_not_be_the_last(checkpoint, monkeypatch):
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

    values, weights = iter([0.2, 0.9, 0.1]), []

    def judge(self, model, *args, **options):
        weights.append(model[0].model.embeddings.word_embeddings.weight.detach().clone())
        return {"spearman_cosine": next(values)}

    monkeypatch.setattr(EmbeddingSimilarityEvaluator, "__call__", judge)
    model = finetuning.similarity_fine_tune(checkpoint, graded(30, 0), graded(8, 1), batch_size=8)
    kept = model[0].model.embeddings.word_embeddings.weight
    assert torch.equal(kept, weights[1]) and not torch.equal(kept, weights[2])


def test_labels_serve_as_grades_and_a_random_start_is_drawn_by_seed(checkpoint):
    train, validation = (
        rows.add_column("label", [int(score > 1) for score in rows["score"]])
        for rows in (graded(24, 0), graded(8, 1))
    )
    options = {"pretrained": False, "epochs": 1, "batch_size": 8, "learning_rate": 1e-9}
    models = [
        finetuning.similarity_fine_tune(checkpoint, train, validation, "label", seed=s, **options)
        for s in (1, 1, 2)
    ]
    first, again, other = (encode_with(model)(train["sentence1"][:4]) for model in models)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other, atol=1e-3)
    plain, tokenizer = AutoModel.from_pretrained(checkpoint).eval(), tiny_tokenizer()
    learned = finetuning.sentence_features(plain, tokenizer, train["sentence1"][:4])
    assert not np.allclose(first, learned, atol=1e-2), "nothing of the checkpoint's weights"


def test_dropout_is_the_rate_asked_for(checkpoint):
    model = finetuning.similarity_fine_tune(
        checkpoint, graded(12, 0), graded(8, 1), epochs=1, dropout=0.25, pretrained=False
    )
    rates = {each.p for each in model.modules() if isinstance(each, torch.nn.Dropout)}
    assert rates == {0.25}


def test_grades_that_teach_nothing_are_refused(checkpoint):
    same = graded(8, 0).remove_columns("score").add_column("score", [1.0] * 8)
    for splits, which in (((same, graded(8, 1)), "train"), ((graded(8, 1), same), "validation")):
        with pytest.raises(ValueError, match=f"{which}: every score is the same"):
            finetuning.similarity_fine_tune(checkpoint, *splits)
    empty = Dataset.from_dict({"sentence1": ["球", ""], "sentence2": ["队"] * 2, "score": [1, 0]})
    with pytest.raises(ValueError, match="row 1: empty sentence1"):
        finetuning.similarity_fine_tune(checkpoint, empty, graded(8, 1))


def test_training_on_grades_prints_nothing(checkpoint, capfd, monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    finetuning.similarity_fine_tune(checkpoint, graded(8, 0), graded(8, 1), epochs=2)
    said = capfd.readouterr()
    assert said.out == "" and "widget" not in said.err and "train_runtime" not in said.err


def test_batches_are_of_similar_length_and_lose_no_pair():
    from torch import Generator

    from utils.finetuning.encoders import _of_similar_length

    rows = graded(100, 3)
    options = {"batch_size": 8, "drop_last": False, "generator": Generator().manual_seed(0)}
    batches = list(_of_similar_length(rows, **options))
    assert sorted(place for batch in batches for place in batch) == list(range(100))
    assert [len(batch) for batch in batches] == [8] * 12 + [4]
    lengths = np.array([len(a) + len(b) for a, b in zip(*list(rows[:].values())[:2], strict=True)])
    assert np.mean([lengths[batch].std() for batch in batches]) < 0.5 * lengths.std()
    again = list(_of_similar_length(rows, **options))
    assert again != batches, "every epoch draws its own order"
