"""What a prediction costs: milliseconds, side by side, and the memory of the tensors it makes."""

import contextlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from torch import nn
from torch.profiler import ProfilerActivity, profile


def milliseconds(
    ways: dict[str, Callable], inputs: Sequence, rounds: int = 3
) -> dict[str, list[float]]:
    """Median milliseconds a call of each way, one value a round.

    The ways take turns on every input, so that whatever else the machine does meanwhile slows all
    of them alike: the ratios hold where the milliseconds do not.
    Ways of ONNX Runtime should be measured apart: its threads wait awake for the next call, and
    slow down whoever is next (onnxruntime 1.32: findings/threads_that_wait_awake.sh).
    """
    for way in ways.values():
        way(inputs[0])  # the first call of each also fetches and compiles
    medians = {name: [] for name in ways}
    for _ in range(rounds):
        times = {name: [] for name in ways}
        for each in inputs:
            for name, way in ways.items():
                started = time.perf_counter()
                way(each)
                times[name].append(1000 * (time.perf_counter() - started))
        for name, values in times.items():
            medians[name].append(statistics.median(values))
    return medians


def peak_megabytes(call: Callable[[], object]) -> float:
    """Most megabytes (10^6 bytes) of tensors alive at once that a call made on the processor.

    The weights, made before, do not count.
    """
    call()
    with _quiet_stderr():
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
            call()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        watched.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding="utf8"))["traceEvents"]
    changes = [event for event in events if event.get("name") == "[memory]"]
    alive = peak = 0
    for event in sorted(changes, key=lambda event: event["ts"]):
        alive += event["args"]["Bytes"]
        peak = max(peak, alive)
    return peak / 1e6


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Send what the process writes to stderr, Python or not, nowhere.

    PyTorch's profiler has its C++ part announce each start and stop there ("profiler_start", in
    2.13 for Linux), which would stand between the lines of a chapter. `contextlib.redirect_stderr`
    changes `sys.stderr` alone, and no switch silences these lines: KINETO_LOG_LEVEL=5 does not.
    An exception passes through as ever.
    """
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def weights_megabytes(model: nn.Module) -> float:
    """Megabytes (10^6 bytes) of a model's parameters as they lie in memory, shared ones once."""
    return sum(each.numel() * each.element_size() for each in model.parameters()) / 1e6
