#!/usr/bin/env bash
# datasets: DatasetDict.class_encode_column numbers the classes of each split by itself.
#
# Tried: datasets 5.2.0, Python 3.11, November 2026.
# Guess: one dictionary of splits, one column, one list of classes: the same name has the same id
#   in all splits, as after ClassLabel.cast_column.
# Seen: each split makes its own list from the names that occur in it. Where a small validation
#   split lacks a class, the ids behind it move up by one, without an error or a warning:
#       train       教育 = 1 of ['体育', '教育', '财经']
#       validation  教育 = 0 of ['教育', '财经']
#   A model trained on the first and measured on the second is judged by shifted labels.
# Cure: take the names from the training split and cast_column(…, ClassLabel(names=names)) them all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 HF_HOME="$folder/hf" \
  "$folder/venv/bin/python" - <<'PY'
import sys

import datasets
from datasets import Dataset, DatasetDict

splits = DatasetDict(
    train=Dataset.from_dict({"text": list("abcd"), "label": ["体育", "教育", "财经", "教育"]}),
    validation=Dataset.from_dict({"text": list("ef"), "label": ["教育", "财经"]}),
).class_encode_column("label")
print("datasets", datasets.__version__)
ids = {}
for name, split in splits.items():
    names = split.features["label"].names
    ids[name] = names.index("教育")
    print(f"{name}: 教育 = {ids[name]} of {names}")
if ids != {"train": 1, "validation": 0}:
    sys.exit(f"changed: the ids are {ids} now, no longer 1 and 0")
print("as described: one name, two ids")
PY
