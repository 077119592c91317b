"""Data sets of one kind in one folder, and what all of their measurements do alike.

A folder `ner`, `qa` or `pairs` holds any number of data sets, each as NAME_train, NAME_val and
NAME_test with an ending that the loader knows. All are measured with the same settings.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from datasets import Dataset, DatasetDict
from tqdm.auto import tqdm

from measurements.provenance import fingerprints_by_arm
from measurements.results import Results
from measurements.runs import SEEDS, VALIDATION_ROWS, summary
from utils.data import DataError
from utils.resuming import data_fingerprint

CHECKPOINT = "mini-bert-zh"
ARMS = ("tfidf", CHECKPOINT, "scratch")  # tfidf: all that needs no language model
# One grid for both arms, judged on validation by the first seed of the first data set of a kind;
# the rate that wins serves the other seeds and the other data sets.
LEARNING_RATES = (3e-4, 6e-4)
# As for film reviews: with dropout a step takes a tenth to three tenths longer on a processor.
DROPOUT = 0.0

SPLITS = {"train": "train", "val": "validation", "valid": "validation", "test": "test"}
SPLITS |= {"dev": "validation", "validation": "validation"}
FILE = re.compile(r"(?P<name>[^.].*)[_.-](?P<split>train|val|valid|validation|dev|test)\.[a-z.]+")


def find_sets(folder: Path, wanted: Sequence[str] | None = None) -> list[str]:
    """Names of the data sets in a folder, sorted; files without training rows are passed over.

    Args:
        wanted: only these.
    Raises:
        DataError: no such folder, none of a wanted name, or one that lacks a split: the loaders
            would carve it out of the training rows, and figures on it would compare with nothing.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; make it, with NAME_train, NAME_val, NAME_test")
    found = defaultdict(set)
    for path in sorted(folder.iterdir()):
        if match := FILE.fullmatch(path.name):
            found[match["name"]].add(SPLITS[match["split"]])
    trained = [name for name, splits in found.items() if "train" in splits]
    for name in wanted or trained:
        missing = sorted(set(SPLITS.values()) - found[name])
        if missing:
            raise DataError(
                f"{folder}: {name} has no file for {', '.join(missing)}; put it there as "
                f"{name}_{missing[0]} with the ending of the others"
            )
    if not trained:
        raise DataError(f"{folder}: no data set in it; put NAME_train, NAME_val, NAME_test there")
    return sorted(wanted or trained)


def data_sets(
    folder: Path, load: Callable[[Path, str], DatasetDict], wanted: Sequence[str] | None = None
) -> Iterator[tuple[str, DatasetDict, dict[str, str]]]:
    """The data sets of a folder by turns: name, splits, and what rows depend on beside the weights.

    Data of the same name with another fingerprint is measured anew.

    Args:
        load: `load_entities`, `load_questions` or `load_pairs`.
        wanted: only these names.
    """
    for name in find_sets(folder, wanted):
        splits = load(folder, name)
        yield (
            name,
            splits,
            {"data_sha256": data_fingerprint(*(splits[each] for each in sorted(splits)))},
        )


def epochs_for(rows: int, seen: int) -> int:
    """Epochs after which about so many rows were seen: 3 at least, 30 at most."""
    return max(3, min(30, round(seen / max(rows, 1))))


def for_validation(validation: Dataset, rows: int = VALIDATION_ROWS) -> Dataset:
    """The rows that every epoch is judged on: all of them, or so many, always the same ones."""
    if len(validation) <= rows:
        return validation
    return validation.shuffle(seed=0).select(range(rows))


def measure_arms(
    name: str,
    trained: Callable[[bool, float, int], tuple[float, Callable[[], dict]]],
    results: Results,
    arms: Sequence[str],
    settings: dict,
    *,
    judged_by: str,
    lower_is_better: bool = False,
    data: dict[str, str],
    way: str = "",
) -> None:
    """The rows NAME/mini-bert-zh and NAME/scratch, or NAME/WAY mini-bert-zh and NAME/WAY scratch.

    Args:
        trained: (pretrained?, rate, seed) -> the best epoch's validation measure, and a function
            that scores this model on the test split.
        settings: further fields of the rows.
        judged_by: the name of the validation measure.
        data: the fingerprint that `data_sets` gives.
        way: of using the model, where it is not the usual one; the arm's rate serves it too.
    """
    for arm, depends_on in fingerprints_by_arm(CHECKPOINT).items():
        row = f"{name}/{way} {arm}" if way else f"{name}/{arm}"
        if arm not in arms or results.has(row, **depends_on, **data):
            continue
        values = tuned_on_first_seed(
            lambda rate, seed, arm=arm: trained(arm == CHECKPOINT, rate, seed),
            judged_by,
            lower_is_better,
            rates=rates_for(arm, results, depends_on),
            title=row,
        )
        results.add(row, values | settings, **depends_on, **data)


def rates_for(arm: str, results: Results, depends_on: dict[str, str]) -> Sequence[float]:
    """The grid, or the one rate that was chosen for this arm on another data set."""
    for row, values in results.rows.items():
        tried = [each for name, each in values.items() if name.startswith("validation_")]
        chosen = tried and isinstance(tried[0], dict) and len(tried[0]) > 1
        if chosen and row.endswith(f"/{arm}") and results.has(row, **depends_on):
            return (values["learning_rate"],)
    return LEARNING_RATES


def tuned_on_first_seed(
    trained: Callable[[float, int], tuple[float, Callable[[], dict]]],
    judged_by: str,
    lower_is_better: bool = False,
    rates: Sequence[float] | None = None,
    title: str = "",
) -> dict:
    """Choose the rate on the first seed, by validation; then score all seeds on the test split.

    The models of the rates that lose never see the test split.

    Args: as of `measure_arms`, but `trained` knows its arm; `rates`: instead of the grid.
    Returns:
        a row: summary of the test scores, the rate chosen, what validation said.
    """

    def run(rate: float, seed: int) -> tuple[float, Callable[[], dict]]:
        measured, score = trained(rate, seed)
        tqdm.write(f"{title}, seed {seed}, rate {rate:g}: validation {judged_by} {measured:.4f}")
        return measured, score

    first = {rate: run(rate, SEEDS[0]) for rate in rates or LEARNING_RATES}
    best = min if lower_is_better else max
    chosen = best(first, key=lambda rate: first[rate][0])
    runs = [first[chosen], *(run(chosen, seed) for seed in SEEDS[1:])]
    validated = {f"{rate:g}": [round(first[rate][0], 4)] for rate in first}
    validated[f"{chosen:g}"] = [round(measured, 4) for measured, _ in runs]
    row = summary([score() for _, score in runs])
    return row | {"learning_rate": chosen, f"validation_{judged_by}": validated}
