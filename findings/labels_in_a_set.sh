#!/usr/bin/env bash
# datasets + torch: under with_format("torch") no label is in a set, and each row is a class of its own.
#
# Tried: datasets 5.2.0, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11, November 2026.
# Guess: a format says as what the columns come out; filter(lambda row: row["label"] in {1, 2}) and
#   len(set(data["label"])) mean the same in all formats, or fail where they cannot.
# Seen: a tensor is hashed by its place in memory but compared by its number. In a set or a dict it
#   is never found, in a list it is. filter with a set gives an empty data set, without a word;
#   `not in`, to drop classes, keeps them all; num_labels=len(set(data["label"])) makes a head with
#   as many classes as there are rows, which trains, and Counter says that the classes are balanced.
#   NumPy's format does what one expects.
#       labels 0 1 2 1         in {1, 2}   in [1, 2]   len(set(…))
#       no format, "numpy"     3 rows      3 rows      3
#       "torch"                0 rows      3 rows      4
# Cure: filter and count before with_format("torch"), or int(row["label"]) and data.unique("label").
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 datasets==5.2.0 numpy==2.4.6
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" "$folder/venv/bin/python" -W ignore - <<'PY'
import sys
from collections import Counter

import datasets
import torch
from datasets import Dataset

datasets.disable_progress_bars()
data = Dataset.from_dict({"label": [0, 1, 2, 1]})
print("datasets", datasets.__version__, "torch", torch.__version__)
seen = {}
for name in (None, "numpy", "torch"):
    rows = data.with_format(name)
    seen[name] = [
        len(rows.filter(lambda row: row["label"] in {1, 2})),
        len(rows.filter(lambda row: row["label"] in [1, 2])),
        len(rows.filter(lambda row: row["label"] not in {1, 2})),
        len(set(rows["label"])),
        max(Counter(rows["label"]).values()),
    ]
    print(f"{name}: in a set {seen[name][0]}, in a list {seen[name][1]}, not in a set {seen[name][2]}", end="")
    print(f" rows; {seen[name][3]} classes, the largest of {seen[name][4]} rows")
if seen[None] != [3, 3, 1, 3, 2] or seen["numpy"] != seen[None] or seen["torch"] != [0, 3, 4, 4, 1]:
    sys.exit("changed: sets and tensors get on otherwise now")
print("as described: no label is found in a set")
PY
