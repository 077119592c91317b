"""The arms: what each is asked, how it is trained and resumed, and the row it leaves."""

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from transformers import PreTrainedTokenizerBase

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
import transformers
from filelock import FileLock
from measurements.provenance import commit
from safetensors import safe_open
from safetensors.torch import load_model, save_file, save_model
from torch.utils.data import DataLoader
from transformers import AutoTokenizer, BertConfig, BertForPreTraining

from relatives.arrays import (
    Batches,
    Corpus,
    Rows,
    cut_rows,
    encode_corpus,
    join_rows,
    load_arrays,
    save_arrays,
)
from relatives.scores import (
    autocast,
    decayed,
    fill_with,
    filled_tokens,
    prepare_scores,
    scores_of,
    title_probes,
    told_apart,
    warm_then_linear,
)
from utils.models import file_sha256
from utils.pretraining import (
    ReplacedTokenModel,
    encode_documents,
    mean_cross_entropy,
    replaced_token_losses,
    split_documents,
)
from utils.profile import course_root

RESULTS = course_root() / "results"
TEXTS = ("zh_news", "zh_news", "zh_titles", "zh_titles", "zh_wiki", "zh_web")
BATCH_SIZE, LEARNING_RATE, WARMUP = 256, 1e-3, 0.03
SHORT_LENGTH, LONG_LENGTH = 128, 256  # of nine passes in ten, and of the tenth
LOG_EVERY, MEASURE_EVERY = 50, 500


@dataclass(frozen=True)
class Arm:
    masking: str = "token"
    nsp_weight: float = 0.0
    replaced: bool = False  # replaced token detection instead of MLM
    running: bool = False  # running text in one segment
    trained: bool = True
    learning_rate: float | None = None  # the highest; None: as the command line says
    share: float = 0.25  # the generator's width as a share of the discriminator's
    begun: bool = False  # generator and discriminator begin as a trained `token` arm (--begin)
    results: tuple[str, ...] = ("family",)


ARMS = {  # in the order in which they are trained
    "untrained": Arm(trained=False, results=("family", "nsp_mini")),
    "rtd": Arm(replaced=True),
    "token": Arm(results=("family", "nsp_mini")),
    "word": Arm(masking="word"),
    "span": Arm(masking="span"),
    "nsp": Arm(nsp_weight=0.2, results=("nsp_mini",)),
    "nsp_full": Arm(nsp_weight=1.0, results=("nsp_mini",)),
    "running": Arm(running=True, results=("nsp_mini",)),
}


# Why did `rtd` not start? The same question to a body that can fill blanks already, with the
# paper's rate for its small model; not among the arms that are compared on equal terms.
STARTS = {
    "rtd_begun": Arm(
        replaced=True, learning_rate=5e-4, share=1.0, begun=True, results=("replaced_tokens",)
    )
}
ALL = ARMS | STARTS


class OutOfTime(Exception):
    """The minutes that were given are over; what is done is kept."""


def main(about: str) -> None:
    """Do what the command line asks for.

    Args:
        about: the program's own words on itself, for --help.
    """
    arguments = parse_arguments(about=about)
    if arguments.stage == "prepare":
        prepare(arguments)
    else:
        train_missing(arguments)


def parse_arguments(given: list[str] | None = None, about: str = "") -> argparse.Namespace:
    """The command line of scripts/family.py, checked."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stages = parser.add_subparsers(dest="stage", required=True)
    first = stages.add_parser("prepare", help="texts to arrays in the work folder, once")
    first.add_argument("--data", type=Path, required=True, help="folder of real data")
    first.add_argument("--text", type=Path, nargs="+", help="other texts to train on")
    first.add_argument("--tokenizer", type=Path, default=course_root() / "models/mini-bert-zh")
    second = stages.add_parser("train", help="train and score the arms that are not recorded yet")
    second.add_argument("--arms", nargs="+", choices=ALL, default=list(ARMS), help="only these")
    second.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    second.add_argument(
        "--tokens", type=float, default=40e6, help="tokens of text that an arm reads"
    )
    second.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="rows a step")
    second.add_argument("--learning-rate", type=float, default=LEARNING_RATE, help="the highest")
    second.add_argument("--at-once", type=int, default=1, help="arms side by side, a process each")
    second.add_argument("--workers", type=int, default=0, help="processes an arm that make batches")
    second.add_argument(
        "--compiled", action="store_true", help="compile the trunk (faster on a GPU)"
    )
    second.add_argument("--save-every", type=int, default=500, help="steps between checkpoints")
    second.add_argument("--minutes", type=float, help="begin nothing after so many minutes")
    second.add_argument(
        "--measure-every", type=int, default=MEASURE_EVERY, help="steps between held-out measures"
    )
    second.add_argument(
        "--begin", type=Path, help="weights of a trained token arm, for the arms that begin as it"
    )
    second.add_argument("--results", type=Path, default=RESULTS, help="folder of the .jsonl files")
    for stage in (first, second):
        stage.add_argument("--work", type=Path, default=course_root() / "runs/family")
    arguments = parser.parse_args(given)
    if arguments.stage == "prepare":
        texts = arguments.text or [arguments.data / f"corpus/{name}.txt.gz" for name in TEXTS]
        arguments.text = texts
        for path in texts:
            if not path.is_file():
                parser.error(f"{path}: no such file; see data/README.md for the corpus format")
    elif not (arguments.work / "corpus.npz").is_file():
        parser.error(
            f"--work {arguments.work}: nothing prepared there; run the stage prepare first"
        )
    elif not arguments.begin and (begun := [arm for arm in arguments.arms if ALL[arm].begun]):
        parser.error(f"--arms {begun[0]}: it begins as a trained token arm; give its --begin")
    return arguments


# ---------------------------------------------------------------- texts to arrays


def prepare(arguments: argparse.Namespace) -> None:
    """Write corpus.npz, scores.npz and the tokenizer into the work folder."""
    arguments.work.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(arguments.tokenizer)
    train, held_out = split_documents(arguments.text)
    print(
        f"{len(train):,} documents, {len(held_out):,} held out; cutting them into words …",
        flush=True,
    )
    corpus = encode_corpus(train, tokenizer)
    held_out_ids = encode_documents(held_out, tokenizer)
    arrays = prepare_scores(
        arguments.data, encode_corpus(held_out, tokenizer), held_out_ids, tokenizer
    )
    np.savez_compressed(arguments.work / "scores.npz", **arrays)
    tokenizer.save_pretrained(arguments.work / "tokenizer")
    save_arrays(corpus, arguments.work / "corpus.npz")  # last: it tells that all is there
    print(f"{corpus.tokens_a_pass():,} tokens a pass", flush=True)


@dataclass
class Data:
    """What all arms share, read from the work folder."""

    work: Path
    batch_size: int = BATCH_SIZE

    def __post_init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(self.work / "tokenizer")
        self.corpus = load_arrays(Corpus, self.work / "corpus.npz")
        # In the names of all that is kept of a corpus, so that another one never meets it.
        self.mark = file_sha256(self.work / "corpus.npz")[:8]
        with np.load(self.work / "scores.npz", allow_pickle=False) as stored:
            self.scores = dict(stored)

    def rows(
        self, seed: int, tokens: float, running: bool = False, passes: int | None = None
    ) -> Rows:
        """Rows of as many passes as it takes to read `tokens`, each pass cut and paired anew.

        Passes are kept in the work folder: all arms of a seed read the same rows in the same order.
        """
        parts, read = [], 0
        while len(parts) < passes if passes else read < tokens:
            parts.append(self.one_pass(seed, len(parts), running))
            read += int(parts[-1].text_tokens().sum())
        return join_rows(parts)

    def one_pass(self, seed: int, number: int, running: bool) -> Rows:
        """Rows of one pass, cut the first time and read from the work folder after that."""
        kind = "running" if running else "pairs"
        path = self.work / f"rows/{self.mark}-{kind}-{self.batch_size}-{seed}-{number}.npz"
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            length = LONG_LENGTH if number % 10 == 9 else SHORT_LENGTH
            rows = cut_rows(
                self.corpus, self.tokenizer, length, 1000 * seed + number, self.batch_size, running
            )
            save_arrays(rows, path)
        return load_arrays(Rows, path)


def steps_for(rows: Rows, tokens: float, batch_size: int) -> int:
    """How many batches it takes to read so many tokens of text."""
    read = rows.text_tokens().reshape(-1, batch_size).sum(1).cumsum()
    return int(np.searchsorted(read, tokens)) + 1


# ---------------------------------------------------------------- models and losses


def new_config(
    tokenizer: PreTrainedTokenizerBase, layers: int = 4, hidden: int = 256, heads: int = 4
) -> BertConfig:
    """The shape of mini-bert-zh. Without dropout: masks that are new at each pass are enough."""
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
        max_position_embeddings=LONG_LENGTH,
        pad_token_id=tokenizer.pad_token_id,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    config._attn_implementation = "sdpa"  # takes the mask as it is given: true where a token is
    return config


def new_model(arm: Arm, config: BertConfig, seed: int) -> torch.nn.Module:
    """The model of an arm with random weights, drawn with `seed`."""
    torch.manual_seed(seed)
    return ReplacedTokenModel(config, arm.share) if arm.replaced else BertForPreTraining(config)


def begin_as(model: ReplacedTokenModel, config: BertConfig, weights: Path) -> None:
    """Begin as the trained token arm whose weights are in a file."""
    trained_before = BertForPreTraining(config)
    # Tied weights are stored once; a file in half precision is read into single.
    load_model(trained_before, weights, strict=False)
    trained_before.tie_weights()
    model.begin_as(trained_before)


def masked_losses(
    model: torch.nn.Module, batch: dict, nsp_weight: float, trunk: torch.nn.Module | None = None
) -> dict[str, torch.Tensor]:
    """MLM at the hidden places only, and with a weight NSP: the losses of `BertForMaskedPreTraining`
    without a question to the GPU that it would have to answer before the next step is sent."""
    trunk = model.bert if trunk is None else trunk
    encoded = trunk(
        batch["input_ids"],
        attention_mask=batch["attention_mask"][:, None, None],
        token_type_ids=batch["token_type_ids"],
    )
    hidden = encoded.last_hidden_state.flatten(0, 1).index_select(0, batch["places"])
    loss = mean_cross_entropy(model.cls.predictions(hidden).float(), batch["answers"])
    losses = {"mlm_loss": loss.detach()}
    if nsp_weight:
        scores = model.cls.seq_relationship(encoded.pooler_output).float()
        nsp_loss = mean_cross_entropy(scores, batch["next_sentence_label"])
        loss = loss + nsp_weight * nsp_loss
        losses["nsp_loss"] = nsp_loss.detach()
    return losses | {"loss": loss}


def losses_of(
    arm: Arm,
    model: torch.nn.Module,
    batch: dict,
    tokenizer: PreTrainedTokenizerBase,
    generator: torch.Generator,
    trunks: tuple = (None, None),
) -> dict[str, torch.Tensor]:
    """`loss` and its parts (nats) of one batch, as the arm is asked."""
    if arm.replaced:
        return replaced_token_losses(model, batch, tokenizer.mask_token_id, generator, trunks)
    return masked_losses(model, batch, arm.nsp_weight, trunks[1])


def compiled_trunks(model: torch.nn.Module) -> tuple:
    """(generator's or None, the model's) trunk compiled for rows of any length.

    On a GPU a model this small spends its time on starting kernels; compiling joins many of them
    into one. Scoring goes on with the trunks as they are, which share the weights.
    """
    if isinstance(model, ReplacedTokenModel):
        small = torch.compile(model.generator.electra, dynamic=True)
        return small, torch.compile(model.bert, dynamic=True)
    return None, torch.compile(model.bert, dynamic=True)


def fill_of(arm: Arm, model: torch.nn.Module) -> Callable:
    """What fills blanks: the model itself, or of replaced token detection the generator."""
    if arm.replaced:
        return model.generator_logits
    return partial(fill_with, model)


# ---------------------------------------------------------------- training


def training_device() -> torch.device:
    """The GPU if there is one, else the processor."""
    # cuDNN's attention builds a kernel for every new shape, a third of a second each, and batches
    # of similar length come in many shapes.
    torch.backends.cuda.enable_cudnn_sdp(False)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(
    arm: Arm,
    seed: int,
    steps: int,
    rows: Rows,
    data: Data,
    folder: Path,
    config: BertConfig | None = None,
    learning_rate: float = LEARNING_RATE,  # unless the arm has its own
    save_every: int = 500,
    measure_every: int = MEASURE_EVERY,
    log_every: int = LOG_EVERY,
    workers: int = 0,
    compiled: bool = False,
    begin: Path | None = None,
    visit: Callable[[int, torch.nn.Module], None] | None = None,
    check: Callable[[], None] = lambda: None,
) -> tuple[torch.nn.Module, list[dict]]:
    """Train one arm, from the last checkpoint in `folder` if there is one; the model and its log.

    Args:
        begin: weights of a trained token arm, for an arm that begins as it.
        visit: called with (steps done, model) before each step and after the last.
        check: called at each log; may raise to stop (after a checkpoint).
    """
    folder.mkdir(parents=True, exist_ok=True)
    where = training_device()
    learning_rate = arm.learning_rate or learning_rate
    config = config or new_config(data.tokenizer)
    model = new_model(arm, config, seed)
    if arm.begun:
        begin_as(model, config, begin)
    model.to(where).train()
    optimizer = torch.optim.AdamW(
        decayed(model), lr=learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True
    )
    done, log = resume(folder, model, optimizer)
    batches = Batches(data.corpus, rows, data.tokenizer, data.batch_size, arm.masking, seed)
    loader = DataLoader(
        batches,
        batch_size=None,  # an item is a batch already
        sampler=range(done, steps),
        num_workers=workers,
        prefetch_factor=8 if workers else None,
    )
    generator = torch.Generator(where)
    trunks = compiled_trunks(model) if compiled else (None, None)
    sums, since = {}, time.perf_counter()
    seconds = log[-1]["seconds"] if log else 0.0
    for step, batch in enumerate(loader, start=done):
        if visit:
            visit(step, model)
        batch = to_device(batch, where)
        generator.manual_seed(seed * 1_000_003 + step)
        warm_then_linear(optimizer, learning_rate, step, steps, WARMUP)
        with autocast(where):
            losses = losses_of(arm, model, batch, data.tokenizer, generator, trunks)
        losses["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        for name, value in losses.items():  # summed where they are: reading one would wait for it
            sums[name] = sums.get(name, 0) + value.detach()
        finished = step + 1
        if finished % log_every == 0 or finished == steps:
            count = finished - (log[-1]["step"] if log else 0)
            row = {name: round(float(value) / count, 5) for name, value in sums.items()}
            seconds += time.perf_counter() - since
            sums, since = {}, time.perf_counter()
            if finished % measure_every == 0 or finished == steps:
                model.eval()
                held_out = filled_tokens(fill_of(arm, model), data.scores, where)
                if arm.replaced:
                    held_out |= told_apart(model.judgements, model.bert, data.scores)
                row |= {f"held_out_{name}": round(float(v), 5) for name, v in held_out.items()}
                model.train()
            log.append({"step": finished, "seconds": round(seconds, 2)} | row)
            since = time.perf_counter()
            write_log(log, folder / "log.jsonl")
            try:
                check()
            except OutOfTime:
                save_checkpoint(folder, model, optimizer, finished)
                raise
            if save_every and finished % save_every == 0 and finished < steps:
                save_checkpoint(folder, model, optimizer, finished)
                since = time.perf_counter()
    if visit:
        visit(steps, model)
    return model, log


def to_device(batch: dict[str, torch.Tensor], where: torch.device) -> dict[str, torch.Tensor]:
    """Copy a batch to the device, without waiting for what the GPU still has to do."""
    if where.type == "cuda":
        batch = {name: value.pin_memory() for name, value in batch.items()}
    return {name: value.to(where, non_blocking=True) for name, value in batch.items()}


def write_log(log: list[dict], path: Path) -> None:
    """One JSON object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in log), encoding="utf8")


def save_checkpoint(
    folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int
) -> None:
    """Weights and AdamW's moments in one safetensors file, in place of the one before."""
    tensors = {f"model.{name}": value.detach() for name, value in model.named_parameters()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items()}
    partial = folder / "checkpoint.partial"
    save_file(
        {name: each.contiguous() for name, each in tensors.items()}, partial, {"step": str(step)}
    )
    partial.replace(folder / "checkpoint.safetensors")


def resume(
    folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, list[dict]]:
    """Read the last checkpoint into model and optimizer; steps done, and the log up to there."""
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        return 0, []
    states: dict[int, dict] = {}
    with safe_open(path, "pt") as stored:
        step = int(stored.metadata()["step"])
        for name, value in model.named_parameters():
            value.data.copy_(stored.get_tensor(f"model.{name}"))
        for name in stored.keys():  # noqa: SIM118 (not a dict)
            if name.startswith("optimizer."):
                _, number, key = name.split(".")
                states.setdefault(int(number), {})[key] = stored.get_tensor(name)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
    lines = (folder / "log.jsonl").read_text(encoding="utf8").splitlines()
    log = [json.loads(line) for line in lines]
    return step, [row for row in log if row["step"] <= step]


# ---------------------------------------------------------------- arms and their rows


def train_missing(arguments: argparse.Namespace) -> None:
    """Train and score what is not recorded, `--at-once` arms side by side."""
    jobs = [
        (name, seed)
        for seed in arguments.seeds
        for name in arguments.arms
        if (name, seed, int(arguments.tokens) * ALL[name].trained)
        not in recorded(arguments.results)
    ]
    print(f"{len(jobs)} arms to train and score", flush=True)
    deadline = time.time() + 60 * arguments.minutes if arguments.minutes else None
    if arguments.at_once == 1:
        for name, seed in jobs:
            report(name, seed, run(name, seed, arguments, deadline))
        return
    torch.set_num_threads(1)
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
    """Of a process that shares the cores with others."""
    torch.set_num_threads(1)  # the processes share the cores


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
        if name in ARMS:
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
    row |= {"scoring_seconds": round(time.perf_counter() - started, 1)} | describe()
    row["seeds"] = [seed]
    record(row, arguments.results, arm)
    if arm.trained:
        lines = (folder / "log.jsonl").read_text(encoding="utf8").splitlines()
        record_losses(name, seed, budget, [json.loads(line) for line in lines], arguments.results)
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
    row |= describe() | {"seeds": [seed], "columns": columns}
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


def describe() -> dict:
    """Where, with what and by which command a row was measured."""
    given = [Path(each).name if Path(each).is_absolute() else each for each in sys.argv[1:]]
    return {
        "command": " ".join(["python scripts/family.py", *given]),
        "commit": commit(),
        "hardware": torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f"{platform.machine()} CPU, {torch.get_num_threads()} threads",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
