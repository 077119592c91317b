#!/usr/bin/env bash
# onnxruntime + torch: whatever PyTorch computes right after an ONNX session takes two to three times as long.
#
# Tried: onnxruntime 1.32.0, onnx 1.23.2, torch 2.13.0, Python 3.11, November 2026, two cores.
# Guess: a session that has answered is done; timed by turns, so that a busy machine slows both
#   alike, two libraries compare fairly.
# Seen: the session's threads do not sleep when it has answered. They wait awake for the next call
#   (spinning), some forty milliseconds of processor time, on the cores that PyTorch's threads want.
#   A stack of products in PyTorch, called alone, and called by turns with the same stack in ONNX
#   Runtime:
#       alone                                            1
#       by turns with a session                          1.8 to 3.7 times as long
#       by turns with a session, allow_spinning 0        1.0 to 1.3 times as long
#   Nothing tells of it, and turns, the usual cure of noise, are what brings it about: the slower
#   PyTorch looks, the faster ONNX Runtime seems beside it. What takes a fraction of a millisecond
#   hardly shows it.
# Cure: options.add_session_config_entry("session.intra_op.allow_spinning", "0") in a process that
#   uses both (the session itself answers somewhat later then); or time them apart, as
#   chapter 10 does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  onnxruntime==1.32.0 onnx==1.23.2 torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PY'
import os
import statistics
import sys
import time

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

print("onnxruntime", onnxruntime.__version__, "torch", torch.__version__, "cores", os.cpu_count())
if (os.cpu_count() or 1) < 2 or torch.get_num_threads() < 2:
    sys.exit("needs two cores: on one, no thread waits beside another")
LAYERS, SIZE, ROWS = 100, 256, 32
rng = np.random.default_rng(0)
weights = [rng.normal(0, SIZE**-0.5, (SIZE, SIZE)).astype(np.float32) for _ in range(LAYERS)]
nodes = [helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"]) for i in range(LAYERS)]
shape = [ROWS, SIZE]
graph = helper.make_graph(
    nodes,
    "stack",
    [helper.make_tensor_value_info("x0", TensorProto.FLOAT, shape)],
    [helper.make_tensor_value_info(f"x{LAYERS}", TensorProto.FLOAT, shape)],
    [numpy_helper.from_array(each, f"w{i}") for i, each in enumerate(weights)],
)
file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(file)
rows = rng.normal(size=shape).astype(np.float32)
tensors = [torch.from_numpy(each) for each in weights]


def in_torch():
    x = torch.from_numpy(rows)
    for each in tensors:
        x = x @ each
    return x.numpy()


def session(spinning):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    made = onnxruntime.InferenceSession(file.SerializeToString(), options)
    return lambda: made.run(None, {"x0": rows})[0]


def milliseconds(before):
    """Median time of the stack in PyTorch, each time after `before`."""
    times = []
    for _ in range(100):
        before()
        began = time.perf_counter()
        in_torch()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times[20:])


awake, asleep = session("1"), session("0")
assert np.allclose(in_torch(), awake(), atol=1e-3)
# Alone before and after the others, so that a machine that slows down meanwhile shows.
first = milliseconds(lambda: None)
by_turns, sleeping = milliseconds(awake), milliseconds(asleep)
alone = statistics.mean([first, milliseconds(lambda: None)])


def work_while_idle(run):
    """Seconds of the processor in half a second in which nobody asks anything."""
    run()
    began = time.process_time()
    time.sleep(0.5)
    return time.process_time() - began


idle = [statistics.median(work_while_idle(each) for _ in range(5)) for each in (awake, asleep)]
print(f"the stack in PyTorch, alone: {alone:.2f} ms")
print(f"by turns with a session: {by_turns / alone:.2f} times as long")
print(f"by turns with a session that does not spin: {sleeping / alone:.2f} times as long")
print(f"work after an answer, nobody asking: {1000 * idle[0]:.0f} ms, not spinning {1000 * idle[1]:.0f}")
if by_turns < 1.2 * sleeping or idle[0] < 0.01 + idle[1]:
    sys.exit("changed: a session that has answered slows PyTorch no longer")
print("as described: the threads of a session that has answered keep PyTorch waiting")
PY
