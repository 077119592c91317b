"""The training loop of every arm, its log, and the checkpoints that it carries on from."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.utils.data import DataLoader
from transformers import BertConfig

from relatives.arms import Arm
from relatives.arrays import Batches, Rows
from relatives.models import begin_as, compiled_trunks, fill_of, losses_of, new_config, new_model
from relatives.prepared import Data
from relatives.scores import filled_tokens, told_apart
from relatives.steps import autocast, decayed, warm_then_linear

LEARNING_RATE, WARMUP = 1e-3, 0.03
LOG_EVERY, MEASURE_EVERY = 50, 500
LOG = "log.jsonl"  # beside the checkpoints


class OutOfTime(Exception):
    """The minutes that were given are over; what is done is kept."""


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
                row |= held_out_measures(arm, model, data.scores, where)
            log.append({"step": finished, "seconds": round(seconds, 2)} | row)
            since = time.perf_counter()
            write_log(log, folder)
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


def held_out_measures(
    arm: Arm, model: torch.nn.Module, scores: dict, where: torch.device
) -> dict[str, float]:
    """Loss and accuracy at the held-out blanks, and how well a discriminator tells tokens apart.

    Args:
        scores: what `prepare_scores` gave.
    """
    model.eval()
    measures = filled_tokens(fill_of(arm, model), scores, where)
    if arm.replaced:
        measures |= told_apart(model.judgements, model.bert, scores)
    model.train()
    return {f"held_out_{name}": round(float(value), 5) for name, value in measures.items()}


def write_log(log: list[dict], folder: Path) -> None:
    """Keep a log beside the checkpoints, one JSON object a line."""
    lines = "".join(json.dumps(row) + "\n" for row in log)
    (folder / LOG).write_text(lines, encoding="utf8")


def read_log(folder: Path) -> list[dict]:
    """What `write_log` has kept."""
    lines = (folder / LOG).read_text(encoding="utf8").splitlines()
    return [json.loads(line) for line in lines]


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
    return step, [row for row in read_log(folder) if row["step"] <= step]
