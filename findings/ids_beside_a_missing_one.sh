#!/usr/bin/env bash
# datasets: one missing value in a column of integers changes the other numbers, in NumPy's and torch's format.
#
# Tried: datasets 5.2.0, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11, November 2026.
# Guess: with_format("numpy") and with_format("torch") hand out the integers that are stored. A None
#   among them becomes NaN, so the column becomes float64, as in pandas, which holds any id up to
#   2 to the power 53.
# Seen: it becomes float32, which holds integers up to 16,777,216 (eight digits begin there). Dates
#   written as numbers and ids move to a neighbour, in silence; two rows then have one id.
#       20260101, 20260102, 20260103  alone: as they are
#       beside a None: 20260100, 20260102, 20260104
#   Rows read without a format, and to_pandas, keep them.
# Cure: fill the gaps first (map … or -1), keep ids as text, or take them without a format.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  datasets==5.2.0 torch==2.13.0 numpy==2.4.6
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 HF_HOME="$folder/hf" \
  "$folder/venv/bin/python" - <<'PY'
import sys

import datasets
import numpy
import torch
from datasets import Dataset

print("datasets", datasets.__version__, "torch", torch.__version__, "numpy", numpy.__version__)
days = [20260101, 20260102, 20260103]
seen = {}
for name, column in (("alone", days), ("beside a None", [*days, None])):
    rows = Dataset.from_dict({"day": column})
    read = {
        "no format": rows["day"][:],
        "pandas": rows.to_pandas()["day"],
        "numpy": rows.with_format("numpy")["day"][:],
        "torch": rows.with_format("torch")["day"][:],
    }
    for form, values in read.items():
        seen[name, form] = [int(value) for value in values[:3]]
        print(f"{name}, {form}: {seen[name, form]}")
moved = [20260100, 20260102, 20260104]
expected = {
    key: moved if key in (("beside a None", "numpy"), ("beside a None", "torch")) else days
    for key in seen
}
if seen != expected:
    sys.exit("changed: a missing value leaves the others as they are now, or changes them otherwise")
print("as described: ids move to a neighbour beside a missing one")
PY
