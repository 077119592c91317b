"""BERT, GPT and T5 on equal terms: every figure of chapter 8 -> results/bert_gpt_t5.json.

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
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark import SEEDS, TASKS, Report, require_processor, summary
from tqdm.auto import tqdm
from understanding import SIZES, measure_understanding, signed

from utils.data import balanced_sample, load_thucnews
from utils.finetuning import as_asked, classes_of, language_model, new_model
from utils.measuring import (
    CHINESE_TERMS,
    continue_with_gpt,
    continue_with_t5,
    count_words,
    fill_with_bert,
    fill_with_gpt,
    fill_with_t5,
    halves,
    make_blanks,
    milliseconds,
    next_token_losses,
    peak_megabytes,
    perplexities,
    pseudo_losses,
    tfidf_classifier,
    unigram_losses,
    weights_megabytes,
    word_is_known,
)
from utils.models import ModelError, file_sha256, load_tokenizer, resolve
from utils.profile import course_root
from utils.training_log import text_budget, training_rounds

MODELS = {"bert": "mini-bert-zh", "gpt": "mini-gpt-zh", "t5": "mini-t5"}
BEFORE = "t5-before-tasks"
PARTS = ("mini", "titles", "cost", "filling", "perplexity")
FAIRNESS = (
    "BERT and GPT: the same trunk, vocabulary and text, and as many tokens (GPT in half as many steps "
    "of twice the rows); but GPT answers at every token, BERT at 15 % of them, and BERT has next "
    "sentences too. GPT was trained with dropout, without which it learns the text by heart; the "
    "others, whose masks and spans are new at each pass, without. T5: about as many tokens and parameters, "
    "with a vocabulary of its own, English reviews besides, Adafactor, and a start in which some "
    "heads look nearby (scripts/t5_start.py): from the usual start, by AdamW, it had learnt nothing "
    "after 1,500 steps. Each was pretrained once, and ships its checkpoint of the lowest held-out "
    "loss, BERT's last one, an earlier one of the others. The seeds are those of fine-tuning, which has "
    "the same labels, epochs, batches, grid and seeds for all; the rates for real titles are those "
    "chosen on the course's own news. Then mini-t5 was taught the 900 training "
    "labels of mini_thucnews (never its test split) in its multitask round, which helps it with the "
    "same ten classes in any data. So the row t5 is not on equal terms (tasks_seen says so); the row "
    "t5-before-tasks, the same model before that round, is as near to them as it gets."
)
TEST_TEXTS = 400  # that are filled in and continued
# One test text in four: BERT reads as many rows as a text has tokens.
PERPLEXITY_EVERY = 4
# What the rows of filling in are called where a model does it in two ways.
FILLING_WAYS = {"bert": ["", "by turns"], "gpt": ["left", "whole"]}
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
        arms = {arm: resolve(MODELS[arm]) for arm in MODELS if arm in needed}
        arms = {arm: arms[arm] for arm in arguments.arms}
        if arguments.before_tasks:
            if not arguments.before_tasks.is_dir():
                parser.error(f"--before-tasks {arguments.before_tasks}: no such folder")
            arms[BEFORE] = resolve(arguments.before_tasks)
    except ModelError as error:
        parser.error(
            f"{error} (needed: {', '.join(MODELS[arm] for arm in MODELS if arm in needed)})"
        )
    require_processor("the comparison")
    report = open_report(arms, arguments.fresh)
    for part in parts:
        if part in SIZES:
            measure_understanding(part, arguments.data, arms, report)
        elif part == "cost":
            measure_costs(arms, report)
        else:
            measure = measure_filling if part == "filling" else measure_perplexity
            for suffix, splits in news_of(arguments.data).items():
                measure(part + suffix, splits, arms, report)


def news_of(data: Path | None) -> dict:
    """What rows' names end in -> splits: the course's news and, where there is real data, real
    titles; of the test split at most `TEST_TEXTS`."""
    sources = {"": course_root() / "data/mini_thucnews"}
    if data:
        sources[" titles"] = str(data / TASKS["titles"][0])
    found = {}
    for suffix, source in sources.items():
        splits = load_thucnews(source)
        test = balanced_sample(splits["test"], min(TEST_TEXTS, len(splits["test"])))
        found[suffix] = splits | {"test": test}
    return found


def open_report(arms: dict[str, str], fresh: bool = False) -> Report:
    """The results file without the rows of models that have changed."""
    report = Report("bert_gpt_t5", fresh)
    models = {arm: describe_model(folder) for arm, folder in arms.items()}
    others = report.earlier.get("models", {})
    report.content["about"] |= {"fairness": FAIRNESS, "models": others | models}
    for name, row in list(report.rows.items()):
        arm = row.get("arm")
        if arm in models and row["model_sha256"] != models[arm]["model_sha256"]:
            del report.rows[name]
    return report


def describe_model(folder: str) -> dict:
    """Name, fingerprint, and what its training.json says it was trained with."""
    tasks = [task for each in training_rounds(folder) for task in each.get("tasks", [])]
    return {
        "name": Path(folder).name,
        "model_sha256": file_sha256(Path(folder) / "model.safetensors"),
        "tasks_seen": tasks,
        "training": text_budget(folder),
    }


# ---------------------------------------------------------------- cost, filling in, perplexity


def measure_costs(arms: dict, report: Report, count: int = 40) -> None:
    """One text at a time, the models by turns; then many at once. Fine-tuned ones cost the same."""
    if all(f"cost/{arm}" in report.rows for arm in ("tfidf", *MODELS)):
        return
    splits = load_thucnews(course_root() / "data/mini_thucnews")
    train, test = splits["train"], splits["test"]
    names = test.features["label"].names
    texts, ways, models = {}, {}, {}
    tfidf = tfidf_classifier(CHINESE_TERMS["characters 1-2"]).fit(train["text"], train["label"])
    texts["tfidf"] = list(test["text"])[:count]
    ways["tfidf"] = lambda place: tfidf.predict([texts["tfidf"][place]])
    ways["tfidf batched"] = lambda _: tfidf.predict(texts["tfidf"])
    for arm in MODELS:
        tokenizer = load_tokenizer(arms[arm])
        models[arm] = new_model(arms[arm], names, tokenizer)
        texts[arm] = as_asked(arms[arm], list(test["text"])[:count])

        def way(place, arm=arm, tokenizer=tokenizer):
            return classes_of(models[arm], tokenizer, [texts[arm][place]])

        def many(_, arm=arm, tokenizer=tokenizer):
            return classes_of(models[arm], tokenizer, texts[arm])

        ways |= {arm: way, f"{arm} batched": many}
    measured = milliseconds({arm: ways[arm] for arm in texts}, range(count))
    batched = milliseconds({arm: ways[f"{arm} batched"] for arm in texts}, [None] * 10)
    rows = {
        arm: summary(
            [
                {"milliseconds": one, "batched": many / count}
                for one, many in zip(measured[arm], batched[arm], strict=True)
            ]
        )
        for arm in texts
    }
    weights = [each.coef_.size + 1 for each in tfidf[-1].estimators_]
    report.add("cost/tfidf", rows["tfidf"] | {"parameters": sum(weights)})
    for arm in MODELS:
        row = rows[arm] | {
            "parameters": models[arm].num_parameters(),
            "weights_megabytes": round(weights_megabytes(models[arm]), 1),
            "peak_megabytes": round(peak_megabytes(lambda arm=arm: ways[arm](0)), 2),
        }
        report.add(f"cost/{arm}", signed(report, arm, row))


def measure_filling(place: str, splits, arms: dict, report: Report) -> None:
    """A two-character word of a test sentence: chosen out of ten (closed), or written (open)."""
    tokenizers = {arm: load_tokenizer(folder) for arm, folder in arms.items()}
    # The same blanks whichever models are measured; GPT reads with BERT's vocabulary.
    known = word_is_known([load_tokenizer(resolve(MODELS[arm])) for arm in ("bert", "t5")])
    blanks = {seed: make_blanks(splits["test"]["text"], known, seed) for seed in SEEDS}
    if f"{place}/unigram" not in report.rows:
        counts = count_words(splits["train"]["text"])
        most = counts.most_common(1)[0][0]
        rows = [unigram_filling(some, counts, most) for some in blanks.values()]
        report.add(f"{place}/unigram", summary(rows) | {"blanks": len(blanks[SEEDS[0]])})
    for arm, folder in arms.items():
        names = [f"{place}/{arm} {way}".strip() for way in FILLING_WAYS.get(arm, [""])]
        if names[-1] in report.rows:
            continue
        model, tokenizer = language_model(folder), tokenizers[arm]
        fill = {"bert": fill_with_bert, "gpt": fill_with_gpt}.get(arm, fill_with_t5)
        measured = {
            seed: [fill(model, tokenizer, blank) for blank in tqdm(some, desc=f"{place} {arm}")]
            for seed, some in blanks.items()
        }
        for column, name in enumerate(names):
            rows = []
            for seed in SEEDS:
                right = [each[column].argmax().item() == 0 for each in measured[seed]]
                row = {"closed": mean(right)}
                if column == 0:  # the second way scores words that are given, and writes none
                    row["open"] = mean([each[-1] for each in measured[seed]])
                rows.append(row)
            first = [each[column].argmax().item() == 0 for each in measured[SEEDS[0]][:FIRST]]
            row = summary(rows) | {"first": mean(first)}
            report.add(name, signed(report, arm, row))


def unigram_filling(blanks, counts, most: str) -> dict[str, float]:
    """Always the commonest of the words; openly, the commonest of all."""
    picked = [max(reversed(blank.words), key=counts.__getitem__) for blank in blanks]
    right = [blank.words[0] for blank in blanks]
    return {
        "closed": mean([a == b for a, b in zip(picked, right, strict=True)]),
        "open": mean([word == most for word in right]),
    }


def mean(values) -> float:
    return sum(values) / len(values)


def measure_perplexity(place: str, splits, arms: dict, report: Report) -> None:
    """Of test texts (BERT's is a pseudo-perplexity, a different measure), and of their second
    halves, given the first, which T5 can be asked for too."""
    texts = list(splits["test"]["text"])[::PERPLEXITY_EVERY]
    cut = [both for both in map(halves, texts) if both]
    rights, continued = [right for _, right in cut], place.replace("perplexity", "continuation")
    for name, asked in ((f"{place}/unigram", texts), (f"{continued}/unigram", rights)):
        if name not in report.rows:
            losses = unigram_losses(asked, load_tokenizer(resolve(MODELS["bert"])))  # GPT's too
            report.add(name, perplexities(losses, asked) | {"texts": len(asked)})
    ways = {"gpt": next_token_losses, "bert": pseudo_losses}
    continuing = {"gpt": continue_with_gpt, "t5": continue_with_t5, BEFORE: continue_with_t5}
    for arm, folder in arms.items():
        model, tokenizer = language_model(folder), load_tokenizer(folder)
        if arm in ways and f"{place}/{arm}" not in report.rows:
            losses = [ways[arm](model, tokenizer, text) for text in tqdm(texts, desc=arm)]
            row = perplexities(losses, texts) | {"texts": len(texts), "pseudo": arm == "bert"}
            report.add(f"{place}/{arm}", signed(report, arm, row))
        if arm in continuing and f"{continued}/{arm}" not in report.rows:
            losses = [continuing[arm](model, tokenizer, *both) for both in tqdm(cut, desc=arm)]
            row = perplexities(losses, rights) | {"texts": len(cut)}
            report.add(f"{continued}/{arm}", signed(report, arm, row))


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"done in {(time.perf_counter() - started) / 60:.1f} minutes")
