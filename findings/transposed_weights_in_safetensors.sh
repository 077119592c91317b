#!/usr/bin/env bash
# safetensors: NumPy's save_file writes a transposed matrix with its numbers in the old order.
#
# Tried: safetensors 0.8.0 and 0.7.0, numpy 2.4.6, Python 3.11, November 2026.
# Guess: a file holds what was handed over. Weights of another framework have (in, out) where torch
#   has (out, in): save_file({"weight": kernel.T}, …) writes them as torch reads them. Where a view
#   cannot be written, it is refused, as safetensors.torch does ("non contiguous tensor").
# Seen: kernel.T is a view with another order of steps through the same memory, and the memory is
#   written as it lies, under the new shape. So for kernel.T, an array in Fortran's order, a slice of
#   columns and every second column; nothing is raised. Name, shape, dtype, mean and norm are
#   right (of kernel.T), a square matrix is simply not transposed, and the model answers nonsense.
#       kernel.T [[0, 3], [1, 4], [2, 5]]   0.7.0 reads it again, 0.8.0 reads [[0, 1], [2, 3], [4, 5]]
#   (Issue 825 of safetensors, open since August 2026.)
# Cure: np.ascontiguousarray(kernel.T); read the file once and compare with np.array_equal.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
cat > written.py <<'PY'
import sys

import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

print("safetensors", safetensors.__version__, "numpy", np.__version__)
kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
handed_over = {
    "as it is": kernel,
    "transposed": kernel.T,
    "Fortran's order": np.asfortranarray(kernel),
    "two columns": kernel[:, 1:],
    "every second column": kernel[:, ::2],
    "transposed and copied": np.ascontiguousarray(kernel.T),
}
same = {}
for name, array in handed_over.items():
    save_file({"weight": array}, "weights.safetensors")
    read = load_file("weights.safetensors")["weight"]
    same[name] = np.array_equal(array, read)
    print(f"{name}: {array.tolist()}, read again {read.tolist()}, shape {array.shape} {read.shape}")
expected = [True] * 6 if safetensors.__version__ == "0.7.0" else [True, *[False] * 4, True]
if list(same.values()) != expected:
    sys.exit(f"changed: read as handed over {same}")
PY
for version in 0.7.0 0.8.0; do
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==$version numpy==2.4.6
    "$folder/venv/bin/python" written.py
done
echo "as described: 0.8.0 writes views in the order of the memory below them"
