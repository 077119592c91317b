"""Two sentences, a class or a grade: shared words and TF-IDF, random weights, mini-bert-zh."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, DatasetDict, concatenate_datasets
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import AutoModel, set_seed

from measurements.provenance import fingerprints_by_arm
from measurements.results import Results
from measurements.runs import SEEDS, score, summary
from measurements.sets import (
    ARMS,
    CHECKPOINT,
    DROPOUT,
    data_sets,
    epochs_for,
    for_validation,
    measure_arms,
)
from utils.data import load_pairs
from utils.finetuning import (
    cosines,
    fine_tune,
    fine_tune_regressor,
    new_classifier,
    new_regressor,
    pair_features,
    predict_pairs,
    predict_scores,
    sentence_features,
    similarity_fine_tune,
    tokenize_pairs,
    without_seen,
)
from utils.measuring import (
    CHINESE_TERMS,
    PairTfidf,
    best_threshold,
    correlations,
    fit_probe,
    overlaps,
    pair_controls,
    strongest_pair_tfidf,
)
from utils.models import load_tokenizer, resolve

MAX_LENGTH = 96
SEEN = {"label": 25_000, "score": 15_000}  # pairs that a run trains on
SEEN_BY_COSINES = 15_000  # and one that trains their cosines, which learns sooner
VALIDATION_PAIRS = 2_000  # at most, to judge cosines by: encoding them takes seconds
ALPHAS = (1, 3, 10, 30, 100)  # regularisation of the grades' ridge regression
PROBE_ALPHAS = (10, 100, 1_000, 10_000)
# Whoever learned the first is also asked about the second, whose pairs share nearly all words.
TRAPS = {"lcqmc": "pawsx_zh_val"}


def measure_pairs(
    folder: Path,
    results: Results,
    arms: Sequence[str] = ARMS,
    sets: Sequence[str] | None = None,
) -> None:
    """The rows NAME/majority, …/sentence1, …/sentence2, …/overlap, …/tfidf, …/frozen and the
    name of a model, …/bi-encoder and the same (of grades and two classes), …/mini-bert-zh and
    …/scratch of each data set; of grades …/mean instead of the first three.

    Args:
        folder: holds NAME_train, NAME_val, NAME_test in a form that `load_pairs` reads.
        sets: only these names.
    """
    for name, splits, data in data_sets(folder, load_pairs, sets):
        train = splits["train"]
        target = "label" if "label" in train.column_names else "score"
        classes = train.features["label"].num_classes if target == "label" else None
        trap = trap_of(name, folder) if target == "label" else {}
        epochs = epochs_for(len(train), SEEN[target])
        settings = {"epochs": epochs, "max_length": MAX_LENGTH, "train_rows": len(train)}
        if target == "label":
            if "tfidf" in arms:
                labelled_baselines(name, splits, trap, results, data)
            measure_frozen(
                name, dict(splits) | trap, partial(labelled_probe, splits, trap),
                results, arms, data,
            )  # fmt: skip
            trained, judged_by = classifier_trainer(splits, trap, epochs), "macro_f1"
        else:
            if "tfidf" in arms:
                graded_baselines(name, splits, results, data)
            probe = partial(graded_probe, splits)
            measure_frozen(name, dict(splits), probe, results, arms, data)
            trained, judged_by = regressor_trainer(splits, epochs), "mse"
        measure_arms(
            name, trained, results, arms, settings,
            judged_by=judged_by, lower_is_better=judged_by == "mse", data=data,
        )  # fmt: skip
        if classes in (None, 2):  # one cosine orders two classes, or grades
            measure_bi_encoders(name, splits, trap, results, arms, data)


def trap_of(name: str, folder: Path) -> dict[str, Dataset]:
    """All pairs of the trap that goes with a data set, by its name; empty where there is none."""
    files = sorted(folder.glob(f"{TRAPS[name]}.*")) if name in TRAPS else []
    return {TRAPS[name]: concatenate_datasets([*load_pairs(files[0]).values()])} if files else {}


def pair_vectors(splits: dict[str, Dataset], seed: int | None) -> dict[str, np.ndarray]:
    """Each sentence alone through a model that is not trained; features of the two mean vectors.

    Args:
        seed: of random weights; None: those of mini-bert-zh.
    Returns:
        (pairs, 2 * hidden + 1) of each split: |u - v|, u * v and the cosine.
    """
    folder = resolve(CHECKPOINT)
    tokenizer = load_tokenizer(folder)
    encoder = AutoModel.from_pretrained(folder, dtype=torch.float32)
    if seed is not None:
        set_seed(seed)
        encoder = AutoModel.from_config(encoder.config, dtype=torch.float32).eval()
    vectors = {}
    for split, rows in splits.items():
        first, second = (
            sentence_features(encoder, tokenizer, list(rows[side]), MAX_LENGTH)
            for side in ("sentence1", "sentence2")
        )
        cosine = cosines(first, second)[:, None]
        vectors[split] = np.hstack([pair_features(first, second), cosine])
    return vectors


def measure_frozen(
    name: str,
    splits: dict[str, Dataset],
    grade: Callable[[dict[str, np.ndarray]], dict],
    results: Results,
    arms: Sequence[str],
    data: dict[str, str],
) -> None:
    """The rows NAME/frozen mini-bert-zh and NAME/frozen scratch: a linear model on `pair_vectors`.

    Args:
        splits: and whatever else `grade` asks about, by name.
        grade: the vectors of all splits -> scores on the test split.
    """
    for arm, depends_on in fingerprints_by_arm(CHECKPOINT).items():
        row = f"{name}/frozen {arm}"
        seeds = SEEDS if arm == "scratch" else (None,)  # of trained weights each gives the same
        if arm in arms and not results.has(row, **depends_on, **data):
            found = [grade(pair_vectors(splits, seed)) for seed in seeds]
            results.add(row, summary(found), **depends_on, **data)


def graded_probe(splits: dict[str, Dataset], vectors: dict[str, np.ndarray]) -> dict[str, float]:
    """Ridge regression of grades, as strong as validation wants it."""
    scores = {split: np.array(splits[split]["score"]) for split in splits}
    probes = [
        make_pipeline(StandardScaler(), Ridge(alpha)).fit(vectors["train"], scores["train"])
        for alpha in PROBE_ALPHAS
    ]
    best = min(
        probes,
        key=lambda probe: np.mean(
            (probe.predict(vectors["validation"]) - scores["validation"]) ** 2
        ),
    )
    return grade_grades(splits["test"], best.predict(vectors["test"]))


def labelled_probe(
    splits: dict[str, Dataset], trap: dict[str, Dataset], vectors: dict[str, np.ndarray]
) -> dict[str, float]:
    """Logistic regression of labels, as strong as cross-validation wants it."""
    probe = fit_probe(vectors["train"], splits["train"]["label"])
    found = score(splits["test"]["label"], probe.predict(vectors["test"]))
    for name, rows in trap.items():
        found[name] = score(rows["label"], probe.predict(vectors[name]))["accuracy"]
    return found


# --- Each sentence alone, trained ---------------------------------------------------------------


def measure_bi_encoders(
    name: str,
    splits: DatasetDict,
    trap: dict[str, Dataset],
    results: Results,
    arms: Sequence[str],
    data: dict[str, str],
) -> None:
    """The rows NAME/bi-encoder mini-bert-zh and NAME/bi-encoder scratch."""
    epochs = epochs_for(len(splits["train"]), SEEN_BY_COSINES)
    settings = {"epochs": epochs, "max_length": MAX_LENGTH, "train_rows": len(splits["train"])}
    trained = bi_encoder_trainer(splits, trap, epochs)
    measure_arms(
        name, trained, results, arms, settings,
        judged_by="spearman", data=data, way="bi-encoder",
    )  # fmt: skip


def bi_encoder_trainer(splits: DatasetDict, trap: dict[str, Dataset], epochs: int) -> Callable:
    """`trained` of `measure_arms`: `similarity_fine_tune`, on validation pairs that are new.

    From the cosine to an answer it is one number or two, taken from validation: the threshold
    between two labels, or the line on which the grades lie.
    """
    target = "label" if "label" in splits["train"].column_names else "score"
    near = nearer_label(splits["train"]) if target == "label" else None
    validation = without_seen(splits["validation"], splits["train"])
    if len(set(validation[target])) == 1:  # no order among them
        validation = splits["validation"]
    validation = for_validation(validation, VALIDATION_PAIRS)

    def graded(rows: Dataset) -> Dataset:
        if target == "score":
            return rows
        sides = rows.select_columns(["sentence1", "sentence2"])
        return sides.add_column("score", [float(label == near) for label in rows["label"]])

    graded_train, graded_validation = graded(splits["train"]), graded(validation)
    wanted = np.array(graded_validation["score"])

    def trained(pretrained: bool, rate: float, seed: int) -> tuple[float, Callable]:
        model = similarity_fine_tune(
            resolve(CHECKPOINT), graded_train, graded_validation,
            pretrained=pretrained, learning_rate=rate, epochs=epochs, max_length=MAX_LENGTH,
            dropout=DROPOUT, seed=seed,
        )  # fmt: skip

        def alike(rows: Dataset) -> np.ndarray:
            sides = (list(rows[side]) for side in ("sentence1", "sentence2"))
            return cosines(*(model.encode(side, show_progress_bar=False) for side in sides))

        known = alike(validation)

        def grade() -> dict[str, float]:
            if target == "score":
                line = np.polyfit(known, wanted, 1)
                return grade_grades(splits["test"], np.polyval(line, alike(splits["test"])))
            limit = best_threshold(known, wanted)
            return label_grades(
                splits["test"], trap, lambda rows: np.where(alike(rows) >= limit, near, 1 - near)
            )

        return correlations(known, wanted)["spearman"], grade

    return trained


def nearer_label(train: Dataset) -> int:
    """Which of the labels 0 and 1 means alike: that of the pairs that share more."""
    shared, labels = overlaps(train["sentence1"], train["sentence2"]), np.array(train["label"])
    return int(shared[labels == 1].mean() >= shared[labels == 0].mean())


# --- Labels --------------------------------------------------------------------------------------


def labelled_baselines(
    name: str,
    splits: DatasetDict,
    trap: dict[str, Dataset],
    results: Results,
    data: dict[str, str],
) -> None:
    """What needs no understanding (`pair_controls`), and TF-IDF of both sentences."""
    train, test = splits["train"], splits["test"]
    if not results.has(f"{name}/majority", **data):
        controls = pair_controls(train[:], test[:])
        on_trap = {each: pair_controls(train[:], rows[:]) for each, rows in trap.items()}
        for control, accuracy in controls.items():
            found = {each: values[control] for each, values in on_trap.items()}
            row = summary([{"accuracy": accuracy} | found])
            results.add(f"{name}/{control}", row, **data)
    if not results.has(f"{name}/tfidf", **data):
        model, chosen, _ = strongest_pair_tfidf(sentence_pairs(train), train["label"])
        found = label_grades(test, trap, lambda rows: model.predict(sentence_pairs(rows)))
        results.add(f"{name}/tfidf", summary([found]) | {"chosen": chosen}, **data)


def sentence_pairs(rows: Dataset) -> list[tuple[str, str]]:
    """(sentence1, sentence2) of each row."""
    return list(zip(rows["sentence1"], rows["sentence2"], strict=True))


def classifier_trainer(splits: DatasetDict, trap: dict[str, Dataset], epochs: int) -> Callable:
    """`trained` of `measure_arms`."""
    tokenizer = load_tokenizer(resolve(CHECKPOINT))
    classes = splits["train"].features["label"].names
    train, validation = (
        tokenize_pairs(each, tokenizer, MAX_LENGTH)
        for each in (splits["train"], for_validation(splits["validation"]))
    )

    def trained(pretrained: bool, rate: float, seed: int) -> tuple[float, Callable]:
        trainer = fine_tune(
            new_classifier(resolve(CHECKPOINT), classes, pretrained, seed, DROPOUT),
            tokenizer, train, validation,
            learning_rate=rate, epochs=epochs, seed=seed, progress=False,
        )  # fmt: skip

        def predict(rows: Dataset) -> np.ndarray:
            sentences = rows["sentence1"], rows["sentence2"]
            return predict_pairs(trainer.model, tokenizer, *sentences, MAX_LENGTH).argmax(1)

        return trainer.state.best_metric, lambda: label_grades(splits["test"], trap, predict)

    return trained


def label_grades(
    test: Dataset, trap: dict[str, Dataset], predict: Callable[[Dataset], Sequence[int]]
) -> dict[str, float]:
    """Accuracy and macro F1 on the test split; accuracy on the trap, under its name."""
    found = score(test["label"], predict(test))
    for name, rows in trap.items():
        found[name] = score(rows["label"], predict(rows))["accuracy"]
    return found


# --- Grades --------------------------------------------------------------------------------------


def graded_baselines(
    name: str, splits: DatasetDict, results: Results, data: dict[str, str]
) -> None:
    """The mean of the training grades; shared words; ridge regression on TF-IDF of both."""
    test = splits["test"]
    scores = np.array(splits["train"]["score"])
    if not results.has(f"{name}/mean", **data):
        found = {"mse": float(np.mean((np.array(test["score"]) - scores.mean()) ** 2))}
        results.add(f"{name}/mean", summary([found]), **data)
    if not results.has(f"{name}/overlap", **data):
        shared = overlaps(test["sentence1"], test["sentence2"])
        found = correlations(shared, test["score"])
        row = summary([{each: found[each] for each in ("spearman", "pearson")}])
        results.add(f"{name}/overlap", row, **data)
    if not results.has(f"{name}/tfidf", **data):
        predict, chosen, mse = strongest_grades(splits["train"], splits["validation"])
        row = summary([grade_grades(test, predict(test))])
        row |= {"chosen": chosen, "validation_mse": round(mse, 4)}
        results.add(f"{name}/tfidf", row, **data)


def strongest_grades(train: Dataset, validation: Dataset) -> tuple[Callable, str, float]:
    """The best ridge regression of grades by squared error on validation: on TF-IDF of both
    sentences, or on their cosine, overlap and difference of lengths alone.

    Returns:
        a function from rows to grades, its name, the squared error.
    """
    wanted, best = np.array(validation["score"]), (None, "", np.inf)
    for name, terms in CHINESE_TERMS.items():
        features = PairTfidf(terms).fit(sentence_pairs(train))
        for few in (False, True):

            def encode(rows: Dataset, features=features, few=few):
                encoded = features.transform(sentence_pairs(rows))
                return encoded[:, -3:].toarray() if few else encoded

            for alpha in ALPHAS[:1] if few else ALPHAS:
                model = Ridge(alpha).fit(encode(train), train["score"])

                def predict(rows: Dataset, model=model, encode=encode) -> np.ndarray:
                    return model.predict(encode(rows))

                mse = float(np.mean((predict(validation) - wanted) ** 2))
                if mse < best[2]:
                    which = f"{name}, {'three numbers' if few else f'alpha={alpha}'}"
                    best = (predict, which, mse)
    return best


def regressor_trainer(splits: DatasetDict, epochs: int) -> Callable:
    """`trained` of `measure_arms`."""
    tokenizer = load_tokenizer(resolve(CHECKPOINT))
    test, scores = splits["test"], splits["train"]["score"]
    train, validation = (
        tokenize_pairs(each, tokenizer, MAX_LENGTH)
        for each in (splits["train"], for_validation(splits["validation"]))
    )

    def trained(pretrained: bool, rate: float, seed: int) -> tuple[float, Callable]:
        trainer = fine_tune_regressor(
            new_regressor(resolve(CHECKPOINT), scores, pretrained, seed, DROPOUT),
            tokenizer, train, validation,
            learning_rate=rate, epochs=epochs, seed=seed, progress=False,
        )  # fmt: skip

        def grade() -> dict[str, float]:
            sentences = test["sentence1"], test["sentence2"]
            said = predict_scores(trainer.model, tokenizer, *sentences, MAX_LENGTH)
            return grade_grades(test, said)

        return trainer.state.best_metric, grade

    return trained


def grade_grades(test: Dataset, said: Sequence[float]) -> dict[str, float]:
    """Spearman, Pearson, squared error. A model that says always the same has no correlation; in
    these rows it has 0, so that a mean over the seeds is left."""
    found = correlations(said, test["score"])
    found = {each: found[each] for each in ("spearman", "pearson", "mse")}
    return {each: 0.0 if np.isnan(value) else value for each, value in found.items()}
