"""BERT, GPT and T5 on equal terms: every figure of chapter 8 -> results/bert_gpt_t5.jsonl.

    python scripts/comparison.py                                   # the course's own news
    python scripts/comparison.py --data ../shared/data             # real titles too
    python scripts/comparison.py --before-tasks runs/mini-t5-spans # and T5 before its tasks
    python scripts/comparison.py --arms t5                         # the others may not exist yet

Every row is written as soon as it is measured; started again, the script measures what is missing
or was measured with other weights. `--only` measures some of the parts, `--arms` some of the models,
`--fresh` all anew.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from datasets import DatasetDict
from measurements.arms import ARMS, BEFORE, MODELS, Arm
from measurements.news import TASKS, load_task
from measurements.provenance import fingerprints, require_processor
from measurements.results import Results
from measurements.runs import SEEDS, summary
from measurements.understanding import SIZES, measure_understanding
from tqdm.auto import tqdm

from utils.data import balanced_sample
from utils.finetuning import as_asked, classes_of, language_model, new_model
from utils.measuring import (
    CHINESE_TERMS,
    Blank,
    count_words,
    halves,
    make_blanks,
    milliseconds,
    peak_megabytes,
    perplexities,
    tfidf_classifier,
    unigram_losses,
    weights_megabytes,
    word_is_known,
)
from utils.models import ModelError, load_tokenizer, resolve

PARTS = ("mini", "titles", "cost", "filling", "perplexity")
TEST_TEXTS = 400  # that are filled in and continued
# One test text in four: BERT reads as many rows as a text has tokens.
PERPLEXITY_EVERY = 4
FIRST = 60  # blanks that chapter 8 fills again, to compare


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of real data; without it no titles")
    parser.add_argument("--before-tasks", type=Path, help="mini-t5 after span corruption alone")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure only these")
    parser.add_argument(
        "--arms", nargs="+", choices=MODELS, default=MODELS, help="only these models"
    )
    parser.add_argument("--fresh", action="store_true", help="measure again what is there already")
    arguments = parser.parse_args()
    parts = arguments.only or [part for part in PARTS if part != "titles" or arguments.data]
    if set(arguments.arms) != set(MODELS):  # costs are measured side by side
        if arguments.only and "cost" in parts:
            parser.error("--only cost: needs all three models, side by side; leave out --arms")
        parts = [part for part in parts if part != "cost"]
    if "titles" in parts and not (arguments.data and arguments.data.is_dir()):
        parser.error("--data: give the folder that holds thucnews/ (only titles need it)")
    # Blanks are words that each vocabulary knows, so filling in needs those of BERT and T5.
    needed = {*arguments.arms} | ({"bert", "t5"} if "filling" in parts else set())
    try:
        folders = {name: resolve(MODELS[name]) for name in MODELS if name in needed}
        arms = {name: ARMS[name].located(folders[name]) for name in arguments.arms}
        if arguments.before_tasks:
            if not arguments.before_tasks.is_dir():
                parser.error(f"--before-tasks {arguments.before_tasks}: no such folder")
            arms[BEFORE] = ARMS[BEFORE].located(resolve(arguments.before_tasks))
    except ModelError as error:
        parser.error(
            f"{error} (needed: {', '.join(MODELS[arm] for arm in MODELS if arm in needed)})"
        )
    require_processor("the comparison")
    results = Results("bert_gpt_t5", arguments.fresh)
    for part in parts:
        if part in SIZES:
            measure_understanding(part, arguments.data, arms, results)
        elif part == "cost":
            measure_costs(arms, results)
        else:
            measure = measure_filling if part == "filling" else measure_perplexity
            for suffix, splits in load_news(arguments.data).items():
                measure(part + suffix, splits, arms, results)


def load_news(data: Path | None) -> dict[str, DatasetDict]:
    """What rows' names end in -> splits: the course's news and, where there is real data, real
    titles; of the test split at most `TEST_TEXTS`."""
    found = {}
    for suffix, task in {"": "mini", " titles": "titles"}.items():
        if data or not TASKS[task][0]:
            splits = load_task(task, data)
            test = balanced_sample(splits["test"], min(TEST_TEXTS, len(splits["test"])))
            found[suffix] = DatasetDict(splits | {"test": test})
    return found


def add_row(results: Results, row: str, name: str, arm: Arm, measured: dict) -> None:
    """Write what an arm reached, with what is to be known of its model."""
    results.add(row, measured | {"arm": name} | arm.describe(), **arm.weights)


# ---------------------------------------------------------------- cost, filling in, perplexity


def measure_costs(arms: dict[str, Arm], results: Results, count: int = 40) -> None:
    """One text at a time, the models by turns; then many at once. Fine-tuned ones cost the same."""
    there = [results.has(f"cost/{name}", **arms[name].weights) for name in MODELS]
    if results.has("cost/tfidf") and all(there):
        return
    splits = load_task("mini", None)
    train, test = splits["train"], splits["test"]
    texts = list(test["text"])[:count]
    tfidf = tfidf_classifier(CHINESE_TERMS["characters 1-2"]).fit(train["text"], train["label"])
    # name -> (texts -> classes, the texts as this model is given them)
    ways, models = {"tfidf": (tfidf.predict, texts)}, {}
    for name in MODELS:
        folder = arms[name].folder
        tokenizer = load_tokenizer(folder)
        models[name] = new_model(folder, test.features["label"].names, tokenizer)
        ways[name] = (partial(classes_of, models[name], tokenizer), as_asked(folder, texts))
    single = {name: partial(classify_one, *way) for name, way in ways.items()}
    one = milliseconds(single, range(count))
    many = milliseconds({name: partial(classify_all, *way) for name, way in ways.items()}, [0] * 10)
    for name in ways:
        rounds = zip(one[name], many[name], strict=True)
        row = summary([{"milliseconds": a, "batched": b / count} for a, b in rounds])
        if name == "tfidf":
            weights = [each.coef_.size + 1 for each in tfidf[-1].estimators_]
            results.add("cost/tfidf", row | {"parameters": sum(weights)})
            continue
        row |= {
            "parameters": models[name].num_parameters(),
            "weights_megabytes": round(weights_megabytes(models[name]), 1),
            "peak_megabytes": round(peak_megabytes(partial(single[name], 0)), 2),
        }
        add_row(results, f"cost/{name}", name, arms[name], row)


def classify_one(classify: Callable, texts: list[str], index: int) -> np.ndarray:
    """The class of one of the texts."""
    return classify([texts[index]])


def classify_all(classify: Callable, texts: list[str], _: object) -> np.ndarray:
    """The classes of all texts, in one call."""
    return classify(texts)


def measure_filling(
    place: str, splits: DatasetDict, arms: dict[str, Arm], results: Results
) -> None:
    """A two-character word of a test sentence: chosen out of ten (closed), or written (open).

    Args:
        place: what the rows' names begin with.
    """
    # The same blanks whichever models are measured; GPT reads with BERT's vocabulary.
    known = word_is_known([load_tokenizer(resolve(MODELS[name])) for name in ("bert", "t5")])
    blanks = {seed: make_blanks(splits["test"]["text"], known, seed) for seed in SEEDS}
    vocabulary = vocabulary_of_bert()
    if not results.has(f"{place}/unigram", **vocabulary):
        counts = count_words(splits["train"]["text"])
        most = counts.most_common(1)[0][0]
        row = summary([unigram_filling(some, counts, most) for some in blanks.values()])
        row["blanks"] = len(blanks[SEEDS[0]])
        results.add(f"{place}/unigram", row, **vocabulary)
    for name, arm in arms.items():
        rows = [f"{place}/{name} {way}".strip() for way in arm.ways]
        if all(results.has(row, **arm.weights) for row in rows):
            continue
        model, tokenizer = language_model(arm.folder), load_tokenizer(arm.folder)
        filled = {
            seed: [arm.fill(model, tokenizer, blank) for blank in tqdm(some, desc=rows[0])]
            for seed, some in blanks.items()
        }
        for way, row in enumerate(rows):
            add_row(results, row, name, arm, filling_row(filled, way))


def filling_row(filled: dict[int, list[tuple]], way: int) -> dict:
    """What an arm filled in with each seed's blanks, in one of its ways."""
    right = {seed: [each[way].argmax().item() == 0 for each in filled[seed]] for seed in filled}
    scores = []
    for seed in filled:
        score = {"closed": mean(right[seed])}
        if way == 0:  # the second way scores words that are given, and writes none
            score["open"] = mean([each[-1] for each in filled[seed]])
        scores.append(score)
    return summary(scores) | {"first": mean(right[SEEDS[0]][:FIRST])}


def unigram_filling(blanks: list[Blank], counts: Counter, most: str) -> dict[str, float]:
    """Always the commonest of the words; openly, the commonest of all."""
    picked = [max(reversed(blank.words), key=counts.__getitem__) for blank in blanks]
    right = [blank.words[0] for blank in blanks]
    return {
        "closed": mean([a == b for a, b in zip(picked, right, strict=True)]),
        "open": mean([word == most for word in right]),
    }


def mean(values: Sequence[float]) -> float:
    """Of at least one number."""
    return sum(values) / len(values)


def vocabulary_of_bert() -> dict[str, str]:
    """What rows of word and token frequencies depend on."""
    return {"vocab_sha256": fingerprints(MODELS["bert"])["vocab_sha256"]}


def measure_perplexity(
    place: str, splits: DatasetDict, arms: dict[str, Arm], results: Results
) -> None:
    """Of test texts (BERT's is a pseudo-perplexity, a different measure), and of their second
    halves, given the first, which T5 can be asked for too.

    Args:
        place: what the rows' names begin with.
    """
    texts = list(splits["test"]["text"])[::PERPLEXITY_EVERY]
    cut = [both for both in map(halves, texts) if both]
    rights, continued = [right for _, right in cut], place.replace("perplexity", "continuation")
    vocabulary = vocabulary_of_bert()
    for row, asked in ((f"{place}/unigram", texts), (f"{continued}/unigram", rights)):
        if not results.has(row, **vocabulary):
            losses = unigram_losses(asked, load_tokenizer(resolve(MODELS["bert"])))  # GPT's too
            measured = perplexities(losses, asked) | {"texts": len(asked)}
            results.add(row, measured, **vocabulary)
    for name, arm in arms.items():
        model, tokenizer = language_model(arm.folder), load_tokenizer(arm.folder)
        if arm.text_losses and not results.has(row := f"{place}/{name}", **arm.weights):
            losses = [arm.text_losses(model, tokenizer, text) for text in tqdm(texts, desc=row)]
            measured = perplexities(losses, texts) | {"texts": len(texts)}
            add_row(results, row, name, arm, measured | {"pseudo": name == "bert"})
        if arm.half_losses and not results.has(row := f"{continued}/{name}", **arm.weights):
            losses = [arm.half_losses(model, tokenizer, *both) for both in tqdm(cut, desc=row)]
            add_row(results, row, name, arm, perplexities(losses, rights) | {"texts": len(cut)})


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"done in {(time.perf_counter() - started) / 60:.1f} minutes")
