"""Measure what the course claims and write it to results/*.jsonl.

    python scripts/benchmark.py --data ../shared/data            # all of it (hours on two cores)
    python scripts/benchmark.py --only mini sweep                # the course's own data, no folder needed
    python scripts/benchmark.py --data ../shared/data --only titles
    python scripts/benchmark.py --data mine --only entities --sets msra   # mine/ner/msra_train.txt …

Entities, questions and pairs are measured on each data set in the folders ner/, qa/ and pairs/:
files NAME_train, NAME_val and NAME_test in a form that load_entities, load_questions or load_pairs
reads.

Every row is written as soon as it is measured. Started again, the script measures only the rows
that are missing; where the model changed since, also those that were measured with its weights.
`--fresh` measures all anew; `--arms tfidf scratch` only what needs no pretrained weights.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measurements.entities import measure_entities
from measurements.faster import measure_faster
from measurements.imdb import measure_imdb, measure_sweep
from measurements.news import ARMS, TASKS, measure_accuracy
from measurements.pairs import measure_pairs
from measurements.questions import measure_questions
from measurements.results import Results
from measurements.sets import find_sets
from measurements.throughput import measure_throughput

from utils.data import DataError

OTHERS = ("throughput", "faster", "imdb", "sweep")
# What is measured on each data set in a folder of --data.
KINDS = {
    "entities": ("ner", measure_entities),
    "questions": ("qa", measure_questions),
    "pairs": ("pairs", measure_pairs),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of real data, as COURSE_DATA")
    everything = [*TASKS, *OTHERS, *KINDS]
    parser.add_argument("--only", nargs="+", choices=everything, help="measure only these")
    parser.add_argument("--work", type=Path, help="keep the models of `faster` here")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS, help="of the accuracies")
    parser.add_argument("--sizes", nargs="+", type=int, help="only these numbers of labels")
    parser.add_argument("--sets", nargs="+", help="only these data sets, such as weibo")
    parser.add_argument("--fresh", action="store_true", help="measure again what is there already")
    parser.add_argument("--to", default="throughput", metavar="NAME", help="of throughput: into "
                        "results/NAME.jsonl, as throughput_float32 of a machine without fast bf16")  # fmt: skip
    arguments = parser.parse_args()
    data, wanted = arguments.data, arguments.only or everything
    if set(wanted) - {"mini", "sweep"} and not (data and data.is_dir()):
        parser.error(
            "--data: give the folder that holds thucnews/, imdb/, ner/, qa/ and pairs/ "
            "(only mini and sweep need none)"
        )
    for kind in set(wanted) & set(KINDS):  # before hours of measuring
        find_sets(data / KINDS[kind][0], arguments.sets)
    for task in wanted:
        if task == "throughput":
            measure_throughput(data, Results(arguments.to, arguments.fresh))
        elif task == "faster":
            measure_faster(data, Results("faster", arguments.fresh), arguments.work)
        elif task == "imdb":
            measure_imdb(data / "imdb", Results("imdb", arguments.fresh), arguments.sizes)
        elif task == "sweep":
            measure_sweep(Results("imdb_sweep", arguments.fresh))
        elif task in KINDS:
            folder, measure = KINDS[task]
            results = Results(task, arguments.fresh)
            measure(data / folder, results, arguments.arms, arguments.sets)
        else:
            results = Results(f"thucnews_{task}", arguments.fresh)
            measure_accuracy(task, data, results, arguments.arms, arguments.sizes)


if __name__ == "__main__":
    started = time.perf_counter()
    try:
        main()
    except DataError as error:
        sys.exit(f"benchmark.py: {error}")
    print(f"done in {(time.perf_counter() - started) / 60:.1f} minutes")
