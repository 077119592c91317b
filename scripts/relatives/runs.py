"""Arms trained and scored, some side by side, and the row that each leaves."""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from measurements.provenance import circumstances
from safetensors.torch import load_model, save_model

from relatives.arms import ALL, Arm
from relatives.models import new_config, new_model
from relatives.prepared import Data, steps_for
from relatives.scores import scores_of, title_probes, told_apart
from relatives.training import OutOfTime, read_log, train, training_device
from utils.profile import course_root

RESULTS = course_root() / "results"


def train_missing(arguments: argparse.Namespace) -> None:
    """Train and score what is not recorded, `--at-once` arms side by side."""
    there = recorded(arguments.results)
    jobs = [
        (name, seed)
        for seed in arguments.seeds
        for name in arguments.arms
        if (name, seed, int(arguments.tokens) * ALL[name].trained) not in there
    ]
    print(f"{len(jobs)} arms to train and score", flush=True)
    deadline = time.time() + 60 * arguments.minutes if arguments.minutes else None
    if arguments.at_once == 1:
        for name, seed in jobs:
            report(name, seed, run(name, seed, arguments, deadline))
        return
    one_thread()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.at_once, mp_context=spawn, initializer=one_thread) as pool:
        running = {pool.submit(run, *job, arguments, deadline): job for job in jobs}
        failed = []
        for future in as_completed(running):
            if future.exception():  # the other arms go on
                failed.append(f"{running[future]}: {future.exception()!r}")
                print(failed[-1], flush=True)
            else:
                report(*running[future], future.result())
    if failed:
        sys.exit(f"{len(failed)} arms failed: " + "; ".join(failed))


def one_thread() -> None:
    """The whole of a process's share, where others work on the same cores."""
    torch.set_num_threads(1)


def report(name: str, seed: int, row: dict | None) -> None:
    """Print what an arm came to."""
    print(f"{name}/{seed}: {json.dumps(row) if row else 'no time left'}", flush=True)


def recorded(results: Path) -> set[tuple[str, int, int]]:
    """(arm, seed, tokens asked for) of every row in the results folder."""
    found = set()
    for name in {name for arm in ALL.values() for name in arm.results}:
        path = results / f"{name}.jsonl"
        lines = path.read_text(encoding="utf8").splitlines() if path.is_file() else []
        rows = [json.loads(line) for line in lines]
        found |= {(row["arm"], row["seed"], row["budget"]) for row in rows}
    return found


def run(name: str, seed: int, arguments: argparse.Namespace, deadline: float | None) -> dict | None:
    """Train one arm, score it and record its row; None when the time is over."""
    arm = ALL[name]
    budget = int(arguments.tokens) * arm.trained
    settings = f"{arguments.batch_size}-{arguments.learning_rate:g}"

    def check() -> None:
        if deadline and time.time() > deadline:
            raise OutOfTime

    try:
        check()
        data = Data(arguments.work, arguments.batch_size)
        folder = arguments.work / f"{name}-{seed}-{budget}-{settings}-{data.mark}"
        model, spent = trained(arm, seed, data, folder, budget, arguments, check)
        started = time.perf_counter()
        model.eval()
        scores = told_apart(model.judgements, model.bert, data.scores) if arm.replaced else {}
        if arm.whole_exam:
            scores |= scores_of(
                model.bert,
                data.scores,
                seed,
                heads=None if arm.replaced else model,
                generator=model.generator_logits if arm.replaced else None,
                nsp=arm.nsp_weight > 0 or not arm.trained,
                check=check,
            )
        else:  # what they are asked is whether the discriminator starts
            scores |= title_probes(model.bert, data.scores, seed)
    except OutOfTime:
        return None
    row = {"row": f"{name}/{seed}", "arm": name, "seed": seed, "budget": budget}
    row |= spent
    row |= rounded(scores)
    row |= {"scoring_seconds": round(time.perf_counter() - started, 1)} | circumstances()
    row["seeds"] = [seed]
    record(row, arguments.results, arm)
    if arm.trained:
        record_losses(name, seed, budget, read_log(folder), arguments.results)
    return row


def rounded(scores: dict) -> dict:
    """Numbers as they go into a results file; counts stay whole."""
    return {
        name: int(value) if isinstance(value, int | np.integer) else round(float(value), 5)
        for name, value in scores.items()
    }


def record_losses(name: str, seed: int, budget: int, log: list[dict], results: Path) -> None:
    """Append an arm's log to family_losses.jsonl: a line an arm, the names of its numbers once."""
    columns = list(dict.fromkeys(column for row in log for column in row))
    row = {"row": f"{name}/{seed}", "arm": name, "seed": seed, "budget": budget}
    row |= circumstances() | {"seeds": [seed], "columns": columns}
    append(
        row | {"rows": [[each.get(column) for column in columns] for each in log]},
        results,
        "family_losses",
    )


def trained(
    arm: Arm,
    seed: int,
    data: Data,
    folder: Path,
    budget: int,
    arguments: argparse.Namespace,
    check: Callable[[], None],
) -> tuple[torch.nn.Module, dict]:
    """The trained model, from `folder` if it is finished there, and what it cost."""
    finished, notes = folder / "model.safetensors", folder / "notes.json"
    config = new_config(data.tokenizer)
    where = training_device()
    if notes.is_file():
        model = new_model(arm, config, seed)
        load_model(model, finished)
        return model.to(where), json.loads(notes.read_text(encoding="utf8"))
    if not arm.trained:
        return new_model(arm, config, seed).to(where), {"tokens": 0, "steps": 0}
    rows = data.rows(seed, budget, arm.running)
    steps = steps_for(rows, budget, data.batch_size)
    options = {"save_every": arguments.save_every, "workers": arguments.workers}
    options |= {"learning_rate": arguments.learning_rate, "begin": arguments.begin}
    options |= {"measure_every": arguments.measure_every}
    options |= {"compiled": arguments.compiled, "check": check}
    model, log = train(arm, seed, steps, rows, data, folder, config, **options)
    spent = {
        "tokens": int(rows.text_tokens()[: steps * data.batch_size].sum()),
        "steps": steps,
        "rows_a_step": data.batch_size,
        "learning_rate": arm.learning_rate or arguments.learning_rate,
        "training_seconds": log[-1]["seconds"],
        "side_by_side": arguments.at_once,
        "compiled": arguments.compiled,
        "parameters": sum(each.numel() for each in model.parameters()),
    }
    save_model(model, str(finished))
    notes.write_text(json.dumps(spent), encoding="utf8")
    (folder / "checkpoint.safetensors").unlink(missing_ok=True)
    return model, spent


def record(row: dict, results: Path, arm: Arm) -> None:
    """Append a row to the files it belongs to."""
    for name in arm.results:
        append(row, results, name)


def append(row: dict, results: Path, name: str) -> None:
    """Add a line to a .jsonl file; arms side by side wait for each other."""
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"{name}.jsonl"
    with FileLock(path.with_suffix(".lock")), open(path, "ab") as file:
        file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
