"""Measure what the course claims and write it to results/*.json.

    python scripts/benchmark.py --data ../shared/data            # all of it (hours on two cores)
    python scripts/benchmark.py --only mini sweep                # the course's own data, no folder needed
    python scripts/benchmark.py --data ../shared/data --only titles

Every row is written as soon as it is measured. Started again, the script measures only the rows
that are missing; where the model changed since, also those that were measured with its weights.
`--fresh` measures all anew; `--arms tfidf scratch` only what needs no pretrained weights.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
import transformers
from sklearn.metrics import accuracy_score, f1_score
from tqdm.auto import tqdm

from utils.data import balanced_sample, load_thucnews
from utils.finetuning import fine_tune, new_classifier, predict, tokenize
from utils.measuring import majority_class, strongest_tfidf
from utils.models import file_sha256, load_tokenizer, read_vocabulary, resolve, vocabulary_sha256
from utils.profile import bf16_available, course_root

RESULTS = course_root() / "results"
SEEDS = (0, 1, 2)
# One tuning grid for scratch and pretrained. The rate is chosen on the validation split by the
# mean of all seeds (one seed's choice is a matter of luck, and costs up to four points on the test
# split); a row whose "validation_macro_f1" holds one number a rate was chosen by the first seed.
LEARNING_RATES = (5e-4, 1e-3)
VALIDATION_ROWS = 500
CHECKPOINT = "mini-bert-zh"
ARMS = ("tfidf", "scratch", CHECKPOINT)
OTHERS = ("throughput", "imdb", "sweep")

# data set -> (source under --data or None for the course's own, max tokens, {size: epochs})
# Epochs enough for scratch to get going, and no early stopping: with 100 labels and no pretraining
# the validation score does not move for ten epochs, and a patience of four took that for the end.
# The best epoch by validation is kept all the same.
TASKS = {
    "mini": (None, 128, {50: 40, 100: 40, 200: 20, 400: 12, 900: 8}),
    "titles": ("thucnews/titles_*.csv.gz", 48, {200: 20, 1000: 10, 5000: 4}),
    "texts": ("thucnews", 128, {None: 8}),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of real data, as COURSE_DATA")
    parser.add_argument("--only", nargs="+", choices=[*TASKS, *OTHERS], help="measure only these")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS, help="of the accuracies")
    parser.add_argument("--sizes", nargs="+", type=int, help="only these numbers of labels")
    parser.add_argument("--fresh", action="store_true", help="measure again what is there already")
    arguments = parser.parse_args()
    wanted = arguments.only or [*TASKS, *OTHERS]
    if set(wanted) - {"mini", "sweep"} and not (arguments.data and arguments.data.is_dir()):
        parser.error(
            "--data: give the folder that holds thucnews/ and imdb/ (only mini and sweep need none)"
        )
    for task in wanted:
        if task == "throughput":
            from throughput import measure_throughput

            report = Report("throughput", arguments.fresh)
            measure_throughput(arguments.data, report)
        elif task in ("imdb", "sweep"):
            from imdb import ENCODER, measure_imdb, measure_sweep

            report = Report("imdb" if task == "imdb" else "imdb_sweep", arguments.fresh, ENCODER)
            if task == "imdb":
                measure_imdb(arguments.data / "imdb", report, arguments.sizes)
            else:
                measure_sweep(report)
        else:
            report = Report(f"thucnews_{task}", arguments.fresh)
            measure_accuracy(task, arguments.data, report, arguments.arms, arguments.sizes)


class Report:
    """A results file that grows row by row; `rows` maps a row's name to what was measured."""

    def __init__(self, name: str, fresh: bool = False, checkpoint: str = CHECKPOINT):
        self.path = RESULTS / f"{name}.json"
        self.content = {"about": describe(checkpoint), "rows": {}}
        self.rows = self.content["rows"]
        self.earlier: dict = {}  # what the file said about the rows that were there before
        earlier = self.read()
        self.seen = dict(earlier["rows"])  # as this run last saw or wrote them
        if self.seen and not fresh:
            now, then = self.content["about"], earlier["about"]
            self.earlier = then
            same = now["model_sha256"] == then["model_sha256"]
            # Majority, TF-IDF and scratch know the model's shape and vocabulary, not its weights.
            weightless = ("majority", "tfidf", "scratch")
            same_vocabulary = now["vocab_sha256"] == then.get("vocab_sha256")
            for name, row in earlier["rows"].items():
                if same or same_vocabulary and name.split("/")[-1] in weightless:
                    self.rows[name] = row

    def read(self) -> dict:
        if not self.path.is_file():
            return {"rows": {}}
        return json.loads(self.path.read_text(encoding="utf8"))

    def add(self, name: str, row: dict) -> None:
        # A file grows over several commits and machines; `about` tells only of the last.
        about = self.content["about"]
        # A run beside this one, with other --arms, may have measured rows since.
        for other, measured in self.read()["rows"].items():
            if measured != self.seen.get(other):
                self.rows[other] = measured
        row = row | {key: about[key] for key in ("commit", "hardware") if key in about}
        self.rows[name] = self.seen[name] = row
        # Rows that were measured out of turn still stand by number of labels.
        content = self.content | {"rows": dict(sorted(self.rows.items(), key=labels_of))}
        RESULTS.mkdir(exist_ok=True)
        partial = self.path.with_suffix(f".{os.getpid()}.partial")
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        partial.write_text(text, encoding="utf8")
        partial.replace(self.path)
        tqdm.write(f"{name}: {json.dumps(row, ensure_ascii=False)[:200]}")


def labels_of(row: tuple[str, dict]) -> int:
    """The number that a row's name begins with ("200/tfidf"), else 0."""
    number = row[0].split("/")[0]
    return int(number) if number.isdigit() else 0


def describe(checkpoint: str = CHECKPOINT) -> dict:
    """Where, with what and on which model the numbers were measured."""
    weights = Path(resolve(checkpoint)) / "model.safetensors"
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=course_root(), capture_output=True, text=True
    )
    # Where a folder lay on this machine says nothing to others.
    given = [Path(each).name if Path(each).is_absolute() else each for each in sys.argv[1:]]
    return {
        "command": " ".join([f"python scripts/{Path(sys.argv[0]).name}", *given]),
        "commit": commit.stdout.strip(),
        "hardware": hardware(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "model_sha256": file_sha256(weights),
        "vocab_sha256": vocabulary_sha256(read_vocabulary(weights.parent)),
        "seeds": list(SEEDS),
    }


def require_processor(what: str) -> None:
    """End where a GPU is at hand: the report would name it, but the work is the processor's."""
    if torch.cuda.is_available():
        sys.exit(f"{what} is measured on the processor: run again with CUDA_VISIBLE_DEVICES=''")


def hardware() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [
            line.split(": ")[1] for line in info.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    bf16 = "native bf16" if bf16_available() else "no bf16"
    return f"{model}, {torch.get_num_threads()} threads, {bf16}"


def measure_accuracy(task: str, data: Path | None, report: Report, arms=ARMS, wanted=None) -> None:
    """Majority, TF-IDF + LR, scratch and mini-bert-zh at every training size of a task."""
    source, max_length, sizes = TASKS[task]
    splits = load_thucnews(str(data / source) if source else course_root() / "data/mini_thucnews")
    tokenizer = load_tokenizer(resolve(CHECKPOINT))
    for size, epochs in sizes.items():
        if wanted and size not in wanted:
            continue
        # Whoever has few labels has no thousands to validate on.
        rows = min(VALIDATION_ROWS, len(splits["validation"]), size or VALIDATION_ROWS)
        validation = balanced_sample(splits["validation"], rows, 0)
        validation = tokenize(validation, tokenizer, max_length)
        samples = {seed: balanced_sample(splits["train"], size, seed) for seed in SEEDS}
        label = size or len(splits["train"])
        if "tfidf" in arms and f"{label}/tfidf" not in report.rows:
            for name, row in baselines(samples, splits["test"]).items():
                report.add(f"{label}/{name}", row)
        for arm in ("scratch", CHECKPOINT):
            if arm in arms and f"{label}/{arm}" not in report.rows:
                tokenized = {
                    seed: tokenize(sample, tokenizer, max_length)
                    for seed, sample in samples.items()
                }
                pretrained = arm == CHECKPOINT
                row = tuned(
                    tokenized, validation, splits["test"], tokenizer, pretrained, epochs, max_length
                )
                report.add(f"{label}/{arm}", row)


def baselines(samples: dict, test, terms: dict | None = None) -> dict[str, dict]:
    scores = {"majority": [], "tfidf": []}
    chosen = []
    distinct = {tuple(sorted(sample["text"])): sample for sample in samples.values()}
    for sample in distinct.values():  # one where each seed draws the whole split
        model, choice, _ = strongest_tfidf(sample["text"], sample["label"], terms)
        chosen.append(choice)
        most = majority_class(sample["label"])
        scores["majority"].append(score(test["label"], [most] * len(test)))
        scores["tfidf"].append(score(test["label"], model.predict(list(test["text"]))))
    rows = {name: summary(values) for name, values in scores.items()}
    rows["tfidf"]["chosen"] = chosen
    return rows


def tuned(samples, validation, test, tokenizer, pretrained, epochs, max_length) -> dict:
    """Choose the rate by validation macro F1, averaged over the seeds; then score all seeds."""
    tried, results = {}, {}
    runs = [(rate, seed) for rate in LEARNING_RATES for seed in SEEDS]
    for rate, seed in tqdm(runs, desc="pretrained" if pretrained else "scratch"):
        results[rate, seed], best = one_run(
            samples[seed], validation, test, tokenizer, pretrained, rate, epochs, max_length, seed
        )
        tried.setdefault(rate, []).append(round(best, 4))
    chosen = max(tried, key=lambda rate: statistics.mean(tried[rate]))
    row = summary([results[chosen, seed] for seed in SEEDS])
    tried = {f"{rate:g}": values for rate, values in tried.items()}
    return row | {"learning_rate": chosen, "epochs": epochs, "validation_macro_f1": tried}


def one_run(
    train, validation, test, tokenizer, pretrained, rate, epochs, max_length, seed,
    checkpoint=CHECKPOINT, dropout=None, **options,
):  # fmt: skip
    """(test scores, validation macro F1 of the best epoch) of one fine-tuning run."""
    names = test.features["label"].names
    model = new_classifier(resolve(checkpoint), names, pretrained, seed, dropout)
    trainer = fine_tune(
        model, tokenizer, train, validation, learning_rate=rate, epochs=epochs, seed=seed,
        progress=False, **options,
    )  # fmt: skip
    probabilities = predict(trainer.model, tokenizer, test["text"], max_length)
    return score(test["label"], probabilities.argmax(1)), trainer.state.best_metric


def score(true, predicted) -> dict[str, float]:
    return {
        "accuracy": accuracy_score(true, predicted),
        "macro_f1": f1_score(true, predicted, average="macro", zero_division=0),
    }


def summary(scores: list[dict]) -> dict:
    """Mean, sample standard deviation and values of each measure."""
    row = {}
    for measure in scores[0]:
        values = [round(each[measure], 4) for each in scores]
        sd = round(statistics.stdev(values), 4) if len(values) > 1 else 0.0
        row[measure] = {"mean": round(statistics.mean(values), 4), "sd": sd, "values": values}
    return row


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"done in {(time.perf_counter() - started) / 60:.1f} minutes")
