"""The arms: what each is asked, how it is trained and resumed, and the row it leaves."""

import argparse
import json
import math
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed, wait
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
HIDDEN = 0.15  # share of the tokens that are hidden
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
    weight: float = 50.0  # of the discriminator's loss
    share: float = 0.25  # the generator's width as a share of the discriminator's
    alone: float = 0.0  # share of the steps, the first ones, in which only the generator learns
    copied: bool = False  # after them the discriminator begins as the generator's copy
    even: bool = False  # the discriminator begins by answering the rate of hidden tokens
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


# Replaced tokens by other recipes, and single tokens at their rates as the control: `family.py
# choose` trains these on one seed, takes the best and goes on with it. The paper's rate for its
# small model is 5e-4. `staged` is like the two stages of its section 3.2: first only the generator
# learns, then the discriminator begins as its copy; other than there the generator goes on
# learning. `uncopied` is the control of that copy.
RECIPES = {
    "rtd-staged": Arm(replaced=True, learning_rate=1e-3, share=1.0, alone=0.5, copied=True),
    "rtd-staged-5e-4": Arm(replaced=True, learning_rate=5e-4, share=1.0, alone=0.5, copied=True),
    "rtd-staged-late": Arm(replaced=True, learning_rate=1e-3, share=1.0, alone=0.7, copied=True),
    "rtd-uncopied": Arm(replaced=True, learning_rate=1e-3, share=1.0, alone=0.5),
    "rtd-5e-4": Arm(replaced=True, learning_rate=5e-4),
    "rtd-2e-4": Arm(replaced=True, learning_rate=2e-4),
    "rtd-weight10": Arm(replaced=True, learning_rate=5e-4, weight=10.0),
    "rtd-even": Arm(replaced=True, learning_rate=5e-4, share=0.5, even=True),
    "token-5e-4": Arm(learning_rate=5e-4),
    "token-2e-4": Arm(learning_rate=2e-4),
}
ALL = ARMS | RECIPES


class OutOfTime(Exception):
    """The minutes that were given are over; what is done is kept."""


def main(about: str) -> None:
    """Do what the command line asks for.

    Args:
        about: the program's own words on itself, for --help.
    """
    arguments = parse_arguments(about=about)
    stages = {"prepare": prepare, "train": train_missing, "choose": choose}
    stages[arguments.stage](arguments)


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
    third = stages.add_parser(
        "choose", help="train recipes of replaced tokens on one seed, go on with the best"
    )
    third.add_argument("--arms", nargs="+", choices=ALL, default=list(RECIPES), help="only these")
    third.add_argument(
        "--seeds", nargs="+", type=int, default=[0, 1, 2], help="the first: where it is chosen"
    )
    third.add_argument("--long", type=float, help="tokens of a longer run of the best")
    third.add_argument(
        "--then", nargs="*", default=[], metavar="ARM/SEED", help="arms to train after that"
    )
    third.add_argument("--later-at-once", type=int, help="side by side once it is chosen")
    for stage in (second, third):
        stage.add_argument(
            "--tokens", type=float, default=40e6, help="tokens of text that an arm reads"
        )
        stage.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="rows a step")
        stage.add_argument("--learning-rate", type=float, default=LEARNING_RATE, help="the highest")
        stage.add_argument(
            "--at-once", type=int, default=1, help="arms side by side, a process each"
        )
        stage.add_argument(
            "--workers", type=int, default=0, help="processes an arm that make batches"
        )
        stage.add_argument(
            "--compiled", action="store_true", help="compile the trunk (faster on a GPU)"
        )
        stage.add_argument("--save-every", type=int, default=500, help="steps between checkpoints")
        stage.add_argument("--minutes", type=float, help="begin nothing after so many minutes")
        stage.add_argument(
            "--results", type=Path, default=RESULTS, help="folder of the .jsonl files"
        )
    for stage in (first, second, third):
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
    if not arm.replaced:
        return BertForPreTraining(config)
    model = ReplacedTokenModel(config, arm.share)
    if arm.even:
        torch.nn.init.constant_(model.judge[-1].bias, math.log(HIDDEN / (1 - HIDDEN)))
    return model


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
    alone: bool = False,
) -> dict[str, torch.Tensor]:
    """`loss` and its parts (nats) of one batch, as the arm is asked; `alone`: no discriminator."""
    if arm.replaced:
        weight = 0.0 if alone else arm.weight
        return replaced_token_losses(
            model, batch, tokenizer.mask_token_id, generator, trunks, weight
        )
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
    log_every: int = LOG_EVERY,
    workers: int = 0,
    compiled: bool = False,
    visit: Callable[[int, torch.nn.Module], None] | None = None,
    check: Callable[[], None] = lambda: None,
) -> tuple[torch.nn.Module, list[dict]]:
    """Train one arm, from the last checkpoint in `folder` if there is one; the model and its log.

    Args:
        visit: called with (steps done, model) before each step and after the last.
        check: called at each log; may raise to stop (after a checkpoint).
    """
    folder.mkdir(parents=True, exist_ok=True)
    where = training_device()
    learning_rate = arm.learning_rate or learning_rate
    alone = round(arm.alone * steps / log_every) * log_every  # whole lines of the log
    model = new_model(arm, config or new_config(data.tokenizer), seed).to(where).train()
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
        if arm.copied and step == alone:
            model.copy_generator()
        warm_then_linear(optimizer, learning_rate, step, steps, WARMUP)
        if 0 < alone <= step:  # the discriminator's first steps are small too
            slow_down(optimizer, (step - alone + 1) / max(1, round(WARMUP * steps)))
        with autocast(where):
            losses = losses_of(
                arm, model, batch, data.tokenizer, generator, trunks, alone=step < alone
            )
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
            if finished % MEASURE_EVERY == 0 or finished == steps:
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


def slow_down(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Multiply the rate of this step by `share`, if that is less than 1."""
    for group in optimizer.param_groups:
        group["lr"] *= min(1.0, share)


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
    jobs = missing([(name, seed) for seed in arguments.seeds for name in arguments.arms], arguments)
    print(f"{len(jobs)} arms to train and score", flush=True)
    end(work_off(run, jobs, arguments, deadline_of(arguments), arguments.at_once))


def choose(arguments: argparse.Namespace) -> None:
    """Train recipes on the first seed, go on with the best; nothing is asked in between.

    The best is the recipe of replaced tokens whose discriminator tells replaced from original
    tokens best in held-out rows (`auc` of `told_apart`). Titles and pairs have no say in it.
    """
    deadline, first, *others = deadline_of(arguments), *arguments.seeds
    tried = read_rows(arguments.results / "family_recipes.jsonl")
    known = {(row["arm"], row["seed"], row["budget"]) for row in tried}
    budget = int(arguments.tokens)
    jobs = [(name, first) for name in arguments.arms if (name, first, budget) not in known]
    then = [(name, int(seed)) for name, seed in (each.rsplit("/", 1) for each in arguments.then)]
    print(f"{len(jobs)} recipes to try", flush=True)
    failed = work_off(try_out, jobs, arguments, deadline, arguments.at_once)
    found = best_of(read_rows(arguments.results / "family_recipes.jsonl"), first, budget)
    if found is None:
        print("no recipe of replaced tokens is through; run the command again", flush=True)
        return end(failed)
    print(f"chosen: {found}", flush=True)
    jobs = missing([(found, seed) for seed in (*others, first)] + then, arguments)
    if arguments.long:
        longer = with_tokens(arguments, arguments.long)
        jobs = [(*each, int(arguments.long)) for each in missing([(found, first)], longer)] + jobs
    at_once = arguments.later_at_once or arguments.at_once
    end(failed + work_off(run, jobs, arguments, deadline, at_once))


def end(failed: list[str]) -> None:
    """Leave with an error if arms failed; the others are recorded."""
    if failed:
        sys.exit(f"{len(failed)} arms failed: " + "; ".join(failed))


def best_of(rows: list[dict], seed: int, budget: int) -> str | None:
    """The recipe with the highest `auc` among those of this seed and budget, if there is one."""
    rows = [row for row in rows if "auc" in row and (row["seed"], row["budget"]) == (seed, budget)]
    return max(rows, key=lambda row: row["auc"])["arm"] if rows else None


def missing(jobs: list[tuple[str, int]], arguments: argparse.Namespace) -> list[tuple[str, int]]:
    """The (arm, seed) that no results file has with this budget, each once."""
    done = recorded(arguments.results)
    budget = int(arguments.tokens)
    return [
        (name, seed)
        for name, seed in dict.fromkeys(jobs)
        if (name, seed, budget * ALL[name].trained) not in done
    ]


def deadline_of(arguments: argparse.Namespace) -> float | None:
    """When the minutes are over, as `time.time()` counts."""
    return time.time() + 60 * arguments.minutes if arguments.minutes else None


def with_tokens(arguments: argparse.Namespace, tokens: float) -> argparse.Namespace:
    """The same arguments with another budget, which the names of the rows tell."""
    return argparse.Namespace(
        **{**vars(arguments), "tokens": tokens, "called": f"-{tokens / 1e6:g}M"}
    )


def work_off(
    function: Callable,
    jobs: list[tuple],
    arguments: argparse.Namespace,
    deadline: float | None,
    at_once: int,
) -> list[str]:
    """Call `function(name, seed, arguments, deadline)` for each job, `at_once` side by side.

    Args:
        jobs: (arm, seed) or (arm, seed, tokens), the first ones first.
    Returns:
        what went wrong with which arm, when they ran side by side: the others went on.
    """
    calls = [
        (name, seed, with_tokens(arguments, *tokens) if tokens else arguments)
        for name, seed, *tokens in jobs
    ]
    if at_once == 1:
        for name, seed, given in calls:
            report(name, seed, function(name, seed, given, deadline))
        return []
    torch.set_num_threads(1)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(at_once, mp_context=spawn, initializer=one_thread) as pool:
        # Two arms that cut the same pass at the same time would write to the same file.
        wait([pool.submit(cut_pass, *each) for each in passes_of(calls)])
        running = {pool.submit(function, *each, deadline): each[:2] for each in calls}
        failed = []
        for future in as_completed(running):
            if future.exception():  # the other arms go on
                failed.append(f"{running[future]}: {future.exception()!r}")
                print(failed[-1], flush=True)
            else:
                report(*running[future], future.result())
    return failed


def passes_of(calls: list[tuple[str, int, argparse.Namespace]]) -> list[tuple]:
    """(work, batch size, seed, number, running) of the passes that arms read, each once."""
    found = {}
    for name, seed, arguments in calls:
        if ALL[name].trained:
            one = Data(arguments.work, arguments.batch_size).corpus.tokens_a_pass()
            for number in range(math.ceil(arguments.tokens / one)):
                found[arguments.work, arguments.batch_size, seed, number, ALL[name].running] = None
    return list(found)


def cut_pass(work: Path, batch_size: int, seed: int, number: int, running: bool) -> None:
    """Cut one pass into rows, if the work folder does not have it."""
    Data(work, batch_size).one_pass(seed, number, running)


def one_thread() -> None:
    """Of a process that shares the cores with others."""
    torch.set_num_threads(1)  # the processes share the cores


def report(name: str, seed: int, row: dict | None) -> None:
    """Print what an arm came to."""
    print(f"{name}/{seed}: {json.dumps(row) if row else 'no time left'}", flush=True)


def recorded(results: Path) -> set[tuple[str, int, int]]:
    """(arm, seed, tokens asked for) of every row in the results folder."""
    found = set()
    for name in {name for arm in ARMS.values() for name in arm.results}:
        rows = read_rows(results / f"{name}.jsonl")
        found |= {(row["arm"], row["seed"], row["budget"]) for row in rows}
    return found


def read_rows(path: Path) -> list[dict]:
    """The rows of a .jsonl file, none if there is no such file."""
    lines = path.read_text(encoding="utf8").splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines]


def run(name: str, seed: int, arguments: argparse.Namespace, deadline: float | None) -> dict | None:
    """Train one arm, score it and record its row; None when the time is over."""
    arm = ALL[name]
    made = made_in_time(name, seed, arguments, deadline, scored)
    if made is None:
        return None
    row, log = made
    record(row, arguments.results, arm)
    if arm.trained:
        record_losses(row["row"], name, seed, row["budget"], log, arguments.results)
    return row


def try_out(
    name: str, seed: int, arguments: argparse.Namespace, deadline: float | None
) -> dict | None:
    """Train one recipe and record what it is chosen by in family_recipes.jsonl."""
    made = made_in_time(name, seed, arguments, deadline, looked_at)
    if made is None:
        return None
    row, log = made
    append(row, arguments.results, "family_recipes")
    record_losses(
        row["row"], name, seed, row["budget"], log, arguments.results, "family_recipes_losses"
    )
    return row


def made_in_time(
    name: str, seed: int, arguments: argparse.Namespace, deadline: float | None, measure: Callable
) -> tuple[dict, list[dict]] | None:
    """Train one arm and `measure` it: its row and its log; None when the time is over."""
    arm = ALL[name]
    budget = int(arguments.tokens) * arm.trained
    settings = f"{arguments.batch_size}-{arguments.learning_rate:g}"
    label = f"{name}{vars(arguments).get('called', '')}/{seed}"
    folder = None

    def check() -> None:
        if deadline and time.time() > deadline:
            raise OutOfTime

    try:
        check()
        data = Data(arguments.work, arguments.batch_size)
        folder = arguments.work / f"{name}-{seed}-{budget}-{settings}-{data.mark}"
        model, spent = trained(arm, seed, data, folder, budget, arguments, check)
        started = time.perf_counter()
        scores = measure(arm, model, data, seed, check)
    except OutOfTime:
        if folder and (log := read_rows(folder / "log.jsonl")):
            record_losses(label, name, seed, budget, log, arguments.results, "family_unfinished")
        return None
    row = {"row": label, "arm": name, "seed": seed, "budget": budget}
    row |= spent
    row |= rounded(scores)
    row |= {"scoring_seconds": round(time.perf_counter() - started, 1)} | describe()
    row["seeds"] = [seed]
    return row, read_rows(folder / "log.jsonl")


def scored(
    arm: Arm, model: torch.nn.Module, data: Data, seed: int, check: Callable[[], None]
) -> dict[str, float]:
    """All scores of an arm, and of replaced token detection how its discriminator does."""
    scores = scores_of(
        model.bert.eval(),
        data.scores,
        seed,
        heads=None if arm.replaced else model.eval(),
        generator=model.generator_logits if arm.replaced else None,
        nsp=arm.nsp_weight > 0 or not arm.trained,
        check=check,
    )
    if arm.replaced:
        scores |= told_apart(model.judgements, model.bert, data.scores)
    return scores


def looked_at(
    arm: Arm, model: torch.nn.Module, data: Data, seed: int, check: Callable[[], None]
) -> dict[str, float]:
    """What recipes are compared by: held-out rows, and logistic regression on frozen features."""
    check()
    model.eval()
    blanks = filled_tokens(fill_of(arm, model), data.scores, model.bert.device)
    name = "generator_" if arm.replaced else ""
    scores = {name + key: value for key, value in blanks.items()}
    if arm.replaced:
        scores |= told_apart(model.judgements, model.bert, data.scores)
    return scores | title_probes(model.bert, data.scores, seed)


def rounded(scores: dict) -> dict:
    """Numbers as they go into a results file; counts stay whole."""
    return {
        name: int(value) if isinstance(value, int | np.integer) else round(float(value), 5)
        for name, value in scores.items()
    }


def record_losses(
    label: str,
    name: str,
    seed: int,
    budget: int,
    log: list[dict],
    results: Path,
    file: str = "family_losses",
) -> None:
    """Append an arm's log to a .jsonl file: a line an arm, the names of its numbers once."""
    columns = list(dict.fromkeys(column for row in log for column in row))
    row = {"row": label, "arm": name, "seed": seed, "budget": budget}
    row |= describe() | {"seeds": [seed], "columns": columns}
    append(
        row | {"rows": [[each.get(column) for column in columns] for each in log]},
        results,
        file,
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
    options |= {"learning_rate": arguments.learning_rate}
    options |= {"compiled": arguments.compiled, "check": check}
    model, log = train(arm, seed, steps, rows, data, folder, config, **options)
    spent = {
        "tokens": int(rows.text_tokens()[: steps * data.batch_size].sum()),
        "steps": steps,
        "rows_a_step": data.batch_size,
        "learning_rate": arm.learning_rate or arguments.learning_rate,
        **recipe(arm),
        "training_seconds": log[-1]["seconds"],
        "side_by_side": arguments.at_once,
        "compiled": arguments.compiled,
        "parameters": sum(each.numel() for each in model.parameters()),
    }
    save_model(model, str(finished))
    notes.write_text(json.dumps(spent), encoding="utf8")
    (folder / "checkpoint.safetensors").unlink(missing_ok=True)
    return model, spent


def recipe(arm: Arm) -> dict:
    """How replaced tokens are trained, for the row."""
    names = ("weight", "share", "alone", "copied", "even") if arm.replaced else ()
    return {name: getattr(arm, name) for name in names}


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
