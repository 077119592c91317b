"""utils.finetuning.pairs and by_measure: classes and grades of pairs, on a BERT of one layer."""

import random

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from tiny_bert import CHARACTERS

from utils import finetuning
from utils.measuring import correlations, fit_probe

NAMES = ["不同", "相同"]
LETTERS = [each for each in CHARACTERS if not each.isdigit()]


@pytest.fixture(autouse=True)
def in_float32(monkeypatch):
    monkeypatch.setattr("utils.finetuning.classifier.bf16_available", lambda: False)


def pairs_of(count, seed):
    """The grade is how many times 球 stands in the second sentence, the label whether it does."""
    draw = random.Random(seed)
    others = [each for each in LETTERS if each != "球"]
    rows = []
    for _ in range(count):
        grade = draw.choice((0, 0, 0, 1, 2, 3))
        second = draw.choices(others, k=draw.randint(4, 8)) + ["球"] * grade
        draw.shuffle(second)
        rows.append(
            {
                "sentence1": "".join(draw.choices(others, k=draw.randint(3, 9))),
                "sentence2": "".join(second),
                "label": int(grade > 0),
                "score": 0.5 + 1.5 * grade,
                "kind": "x",
            }
        )
    features = {name: Value("string") for name in ("sentence1", "sentence2", "kind")}
    features |= {"label": ClassLabel(names=NAMES), "score": Value("float64")}
    return Dataset.from_list(rows, features=Features(features))


@pytest.fixture(scope="module")
def splits():
    return {name: pairs_of(*size) for name, size in {"train": (160, 0), "test": (60, 1)}.items()}


@pytest.fixture(scope="module")
def encoded(splits, tokenizer):
    return {name: finetuning.tokenize_pairs(split, tokenizer) for name, split in splits.items()}


def sides(dataset):
    return dataset["sentence1"], dataset["sentence2"]


# tokenize_pairs


def test_both_sentences_stand_in_a_row_with_their_types(tokenizer):
    pair = Dataset.from_dict({"sentence1": ["球队"], "sentence2": ["主场三"], "score": [2.5]})
    (row,) = finetuning.tokenize_pairs(pair, tokenizer)
    assert tokenizer.decode(row["input_ids"]) == "[CLS] 球 队 [SEP] 主 场 三 [SEP]"
    assert row["token_type_ids"] == [0] * 4 + [1] * 4
    assert row["score"] == 2.5 and set(row) == {
        "input_ids", "token_type_ids", "attention_mask", "score"
    }  # fmt: skip


@pytest.mark.parametrize(("lengths", "kept"), [((30, 3), (14, 3)), ((3, 30), (3, 14)),
                                               ((30, 20), (9, 8))])  # fmt: skip
def test_the_longer_sentence_is_cut(tokenizer, lengths, kept):
    first, second = ("球" * lengths[0], "场" * lengths[1])
    pair = Dataset.from_dict({"sentence1": [first], "sentence2": [second]})
    (row,) = finetuning.tokenize_pairs(pair, tokenizer, max_length=20)
    tokens = tokenizer.convert_ids_to_tokens(row["input_ids"])
    assert len(tokens) == 20
    assert (tokens.count("球"), tokens.count("场")) in (kept, kept[::-1]) and tokens[-1] == "[SEP]"


def test_empty_sentences_are_refused(checkpoint, tokenizer):
    pair = Dataset.from_dict({"sentence1": ["球", "球"], "sentence2": ["队", " "]})
    with pytest.raises(ValueError, match="row 1: empty sentence2"):
        finetuning.tokenize_pairs(pair, tokenizer)
    model = finetuning.new_classifier(checkpoint, NAMES)
    with pytest.raises(ValueError, match="row 0: empty sentence1"):
        finetuning.predict_pairs(model, tokenizer, [""], ["队"])
    with pytest.raises(ValueError, match="2 first sentences, but 1 second"):
        finetuning.predict_pairs(model, tokenizer, ["球", "球"], ["队"])
    with pytest.raises(ValueError, match="a row of 84 tokens, but the model has 64 positions"):
        finetuning.predict_pairs(model, tokenizer, ["球" * 80], ["队"])
    assert finetuning.predict_pairs(model, tokenizer, [], []).shape == (0, 2)


def test_one_pair_alone_is_one_pair_and_not_its_characters(checkpoint, tokenizer):
    model = finetuning.new_classifier(checkpoint, NAMES)
    np.testing.assert_array_equal(
        finetuning.predict_pairs(model, tokenizer, "球队主场", "球队客场"),
        finetuning.predict_pairs(model, tokenizer, ["球队主场"], ["球队客场"]),
    )
    with pytest.raises(ValueError, match="one sentence alone, not a list"):
        finetuning.contrastive_fine_tune(checkpoint, "球队主场", "球队客场")


@pytest.mark.parametrize("cell", [float("nan"), 5])
def test_an_empty_cell_of_a_table_is_no_sentence(checkpoint, tokenizer, cell):
    model = finetuning.new_classifier(checkpoint, NAMES)
    with pytest.raises(ValueError, match=f"^row 1: {cell} is no text.*its sentence2$"):
        finetuning.predict_pairs(model, tokenizer, ["球", "队"], ["球", cell])


def test_pairs_of_which_nothing_was_seen():
    train = Dataset.from_dict({"sentence1": ["球"], "sentence2": ["队"]})
    asked = {"sentence1": ["队", "股", "股", "价"], "sentence2": ["股", "价", "球", "价"]}
    kept = finetuning.without_seen(Dataset.from_dict(asked), train)
    assert [*zip(*sides(kept), strict=True)] == [("股", "价"), ("价", "价")]
    assert len(finetuning.without_seen(train, train)) == 1, "better those than none"


# Classes


def test_predictions_keep_the_order_and_padding_changes_nothing(checkpoint, tokenizer, splits):
    model = finetuning.new_classifier(checkpoint, NAMES)
    first, second = sides(splits["test"])
    together = finetuning.predict_pairs(model, tokenizer, first, second, batch_size=7)
    alone = [
        finetuning.predict_pairs(model, tokenizer, [a], [b])[0]
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-6)
    assert len(np.unique(together.round(4), axis=0)) > 50  # or any order would do
    turned = finetuning.predict_pairs(model, tokenizer, second, first)
    assert not np.allclose(together, turned, atol=1e-3)


def test_fine_tune_takes_pairs_as_they_come(checkpoint, tokenizer, splits, encoded):
    """The classifier's own recipe: the score beside the label does no harm."""
    model = finetuning.new_classifier(checkpoint, NAMES)
    trainer = finetuning.fine_tune(
        model, tokenizer, encoded["train"], encoded["test"],
        learning_rate=5e-3, epochs=8, batch_size=16, progress=False,
    )  # fmt: skip
    rows = finetuning.predict_pairs(trainer.model, tokenizer, *sides(splits["test"]))
    assert np.mean(rows.argmax(1) == np.array(splits["test"]["label"])) > 0.9


# Grades


@pytest.fixture(scope="module")
def regression(checkpoint, tokenizer, splits, encoded):
    model = finetuning.new_regressor(checkpoint, splits["train"]["score"])
    before = finetuning.predict_scores(model, tokenizer, *sides(splits["test"]))
    trainer = finetuning.fine_tune_regressor(
        model, tokenizer, encoded["train"], encoded["test"],
        learning_rate=5e-3, epochs=5, batch_size=16, progress=False,
    )  # fmt: skip
    return before, trainer


def test_grades_are_learned_and_come_in_their_own_unit(regression, tokenizer, splits):
    before, trainer = regression
    wanted = splits["test"]["score"]
    found = finetuning.predict_scores(trainer.model, tokenizer, *sides(splits["test"]))
    assert found.shape == (60,)
    after = correlations(found, wanted)
    assert after["pearson"] > 0.9 and after["mse"] < 0.5 * np.var(wanted), after
    assert correlations(before, wanted)["mse"] > after["mse"]
    # A label beside the score must not become the target: grades go up to 5, labels to 1.
    assert found.max() > 3.5


def test_the_kept_epoch_is_that_of_the_least_error(regression, tokenizer, splits):
    _, trainer = regression
    logged = [row["eval_mse"] for row in trainer.state.log_history if "eval_mse" in row]
    found = finetuning.predict_scores(trainer.model, tokenizer, *sides(splits["test"]))
    assert len(logged) == 5
    assert correlations(found, splits["test"]["score"])["mse"] == pytest.approx(
        min(logged),
        rel=0.02,  # measured in bf16 during training where there is any
    )


def test_an_untrained_regressor_begins_near_the_mean(checkpoint, tokenizer, splits):
    scores = [1000.0, 1010.0] * 10
    model = finetuning.new_regressor(checkpoint, scores)
    found = finetuning.predict_scores(model, tokenizer, *sides(splits["test"]))
    assert (abs(found - 1005) < 50).all()


def test_a_regressor_comes_back_with_its_unit(regression, tokenizer, splits, tmp_path):
    model = regression[1].model
    finetuning.save_classifier(model, tokenizer, tmp_path)
    loaded, its_own = finetuning.load_classifier(tmp_path)
    asked = sides(splits["test"])
    np.testing.assert_allclose(
        finetuning.predict_scores(loaded, its_own, *asked),
        finetuning.predict_scores(model, tokenizer, *asked),
        atol=1e-5,
    )
    assert loaded.config.problem_type == "regression"


def test_scores_that_teach_nothing_are_refused(checkpoint, tokenizer, encoded):
    with pytest.raises(ValueError, match="all scores are the same"):
        finetuning.new_regressor(checkpoint, [3, 3, 3])
    with pytest.raises(ValueError, match="row 1: the score is nan"):
        finetuning.new_regressor(checkpoint, [3, float("nan"), 4])
    model = finetuning.new_classifier(checkpoint, NAMES)
    with pytest.raises(ValueError, match="make it with new_regressor"):
        finetuning.predict_scores(model, tokenizer, ["球"], ["队"])
    model = finetuning.new_regressor(checkpoint, [1, 2])
    with pytest.raises(ValueError, match="at least one row"):
        finetuning.fine_tune_regressor(
            model, tokenizer, encoded["train"], encoded["test"].select([])
        )


# fine_tune_by


def weights(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def scripted(checkpoint, tokenizer, encoded, values, **options):
    """A training whose measures are given: (trainer, weights at each of them)."""
    seen, values = [], iter(values)

    def measure(model):
        seen.append(weights(model))
        value = next(values)
        if isinstance(value, BaseException):
            raise value
        return {"good": value, "other": 0.0}

    model = finetuning.new_classifier(checkpoint, NAMES)
    options = {"epochs": 3, "progress": False, **options}
    rows = encoded["train"].select(range(32))
    trainer = finetuning.fine_tune_by(measure, "good", model, tokenizer, rows, **options)
    return trainer, seen


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("lower", "kept"), [(False, 1), (True, 2)])
def test_the_best_epoch_is_the_greatest_or_the_least(checkpoint, tokenizer, encoded, lower, kept):
    trainer, seen = scripted(checkpoint, tokenizer, encoded, [0.5, 0.9, 0.1], lower_is_better=lower)
    assert same(weights(trainer.model), seen[kept])
    assert not same(seen[1], seen[2])


def test_patience_goes_by_the_same_measure(checkpoint, tokenizer, encoded):
    _, seen = scripted(checkpoint, tokenizer, encoded, [0.5, 0.4, 0.3], epochs=9, patience=2)
    assert len(seen) == 3


def test_a_measure_that_is_not_a_number_is_refused(checkpoint, tokenizer, encoded):
    with pytest.raises(ValueError, match="good is not a number after 1 steps"):
        scripted(checkpoint, tokenizer, encoded, [float("nan")])
    with pytest.raises(ValueError, match="at least one row"):
        finetuning.fine_tune_by(dict, "x", None, tokenizer, encoded["train"].select([]))


def test_a_run_carries_on_and_other_settings_are_refused(checkpoint, tokenizer, encoded, tmp_path):
    whole, _ = scripted(checkpoint, tokenizer, encoded, [0.1, 0.2, 0.3])
    with pytest.raises(KeyboardInterrupt):
        scripted(checkpoint, tokenizer, encoded, [0.1, KeyboardInterrupt()], output=tmp_path)
    trainer, seen = scripted(checkpoint, tokenizer, encoded, [0.2, 0.3], output=tmp_path)
    assert len(seen) == 2
    for name, value in weights(trainer.model).items():
        torch.testing.assert_close(value, weights(whole.model)[name], atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="learning_rate"):
        scripted(checkpoint, tokenizer, encoded, [], output=tmp_path, learning_rate=1.0)


@pytest.mark.parametrize("kind", ["classes", "grades", "spans"])
def test_accumulated_batches_take_the_step_of_the_whole(checkpoint, tokenizer, kind):
    """Trainer would leave the division by the number of batches to models that do not divide."""
    rows = Dataset.from_dict({"sentence1": list("球队主场"), "sentence2": list("射门得分")})
    if kind == "spans":
        make = finetuning.new_extractor
        asked = rows.rename_columns({"sentence1": "question", "sentence2": "context"})
        asked = asked.add_column(
            "answers", [{"text": [text], "answer_start": [0]} for text in asked["context"]]
        )
        train = finetuning.question_windows(asked, tokenizer, 16, 4)
    else:
        train = finetuning.tokenize_pairs(rows, tokenizer)
        targets = [0, 1, 1, 0] if kind == "classes" else [0.1, 1.5, -2.0, 0.3]
        train = train.add_column("labels", targets)
        make = finetuning.new_classifier if kind == "classes" else finetuning.new_regressor

    def step(**options):
        arguments = {"classes": (NAMES,), "grades": ([1, 2],), "spans": ()}[kind]
        model = make(checkpoint, *arguments, dropout=0.0)
        start = weights(model)
        finetuning.fine_tune_by(
            lambda model: {"x": 0.0}, "x", model, tokenizer, train, epochs=1, learning_rate=0.1,
            optim="sgd", weight_decay=0.0, max_grad_norm=0.0, warmup_steps=0,
            lr_scheduler_type="constant", bf16=False, progress=False, **options,
        )  # fmt: skip
        after = weights(model)
        return {name: after[name] - start[name] for name in start}

    whole = step(batch_size=4)
    parts = step(batch_size=1, gradient_accumulation_steps=4)
    assert max(change.abs().max() for change in whole.values()) > 1e-3
    for name, change in whole.items():
        torch.testing.assert_close(parts[name], change, atol=1e-5, rtol=1e-3)


# Bi-encoder


def test_cosines_and_pair_features_by_hand():
    first = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]])
    second = np.array([[4.0, 3.0], [0.0, 2.0], [1.0, 1.0]])
    np.testing.assert_allclose(finetuning.cosines(first, second), [24 / 25, 0, 0])
    features = finetuning.pair_features(first, second)
    np.testing.assert_allclose(features[0], [1, 1, 12, 12])
    np.testing.assert_allclose(features, finetuning.pair_features(second, first))


def test_a_probe_on_pair_features_tells_equal_pairs_from_others():
    draw = np.random.default_rng(0)
    first = draw.normal(size=(120, 8))
    labels = np.arange(120) % 2
    other = draw.normal(size=(120, 8))
    second = np.where(labels[:, None] == 1, first + 0.1 * other, other)
    features = finetuning.pair_features(first, second)
    assert fit_probe(features[:80], labels[:80]).score(features[80:], labels[80:]) > 0.9
    alone = fit_probe(second[:80], labels[:80]).score(second[80:], labels[80:])
    assert alone < 0.7
