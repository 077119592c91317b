#!/usr/bin/env bash
# onnxruntime: what a text gets from an int8 model depends on the other texts of its batch.
#
# Tried: onnxruntime 1.32.0, onnx 1.23.2, Python 3.11, November 2026. (PyTorch's
#   quantize_dynamic does the same.)
# Guess: "dynamic" quantisation chooses the scale of the inputs a row at a time, as each row is
#   multiplied by itself; batching is a matter of speed.
# Seen: quantize_dynamic puts one DynamicQuantizeLinear before each MatMul, which takes one scale
#   for the whole tensor. A neighbour with one large value makes the steps coarser for everybody.
#       row alone and beside a row that is 50 times as large, largest difference:
#       fp32 0.0, int8 about 1.0
# Cure: state the batch an int8 score was measured with, and serve with the same one; chapter 10 shows it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  onnx==1.23.2 onnxruntime==1.32.0 numpy
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import logging
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

logging.disable(logging.WARNING)
draw = np.random.default_rng(0)
weight = draw.normal(size=(64, 8)).astype("float32") / 4
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "w"], ["y"])],
    "one layer",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 64])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 8])],
    [numpy_helper.from_array(weight, "w")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
onnx.save(model, "fp32.onnx")
quantize_dynamic("fp32.onnx", "int8.onnx", weight_type=QuantType.QInt8)
row, loud = draw.normal(size=(2, 1, 64)).astype("float32") * np.array([1, 50], "float32")[:, None, None]
apart = {}
for name in ("fp32", "int8"):
    session = onnxruntime.InferenceSession(f"{name}.onnx", providers=["CPUExecutionProvider"])
    alone = session.run(None, {"x": row})[0]
    beside = session.run(None, {"x": np.concatenate([row, loud])})[0][:1]
    apart[name] = float(abs(alone - beside).max())
print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
print(f"largest difference of one row, alone and in company: {apart}")
if not (apart["fp32"] < 1e-4 and apart["int8"] > 0.05):
    sys.exit(f"changed: {apart}")
print("as described: one scale for the whole batch")
PY
