#!/usr/bin/env bash
# datasets: cast_column(…, ClassLabel) looks at ids only if they are stored as something else than int64.
#
# Tried: datasets 5.2.0, pyarrow 26.0.1, Python 3.11, November 2026.
# Guess: casting a column to ClassLabel checks every value against the list of classes, as the
#   error for an unknown name and Dataset.from_dict(…, features=…) let one believe.
# Seen: with two classes, the id 7 is refused where the column is int32, and where it is text. In an
#   int64 column, which is what Python's integers and CSV files give, it passes: the Arrow type is
#   already that of a ClassLabel, so nothing is cast and nothing is looked at. The error comes
#   later, from int2str, or from the loss ("index out of bounds"), far from the file.
#       int64   [0, 7]  taken
#       int32   [0, 7]  ValueError: Class label 7 greater than configured num_classes 2
# Cure: compare max(column) with the number of classes after the cast. The course's loaders do.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pyarrow==26.0.1
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 HF_HOME="$folder/hf" \
  "$folder/venv/bin/python" - <<'PY'
import sys

import datasets
from datasets import ClassLabel, Dataset, Features, Value

print("datasets", datasets.__version__)
classes = ClassLabel(names=["neg", "pos"])
seen = {}
for kind in ("int64", "int32"):
    column = Dataset.from_dict({"label": [0, 7]}, features=Features({"label": Value(kind)}))
    try:
        seen[kind] = column.cast_column("label", classes)["label"][:]
    except ValueError as error:
        seen[kind] = f"ValueError: {error}"
    print(kind, seen[kind])
if seen["int64"] != [0, 7] or not str(seen["int32"]).startswith("ValueError"):
    sys.exit("changed: the two kinds of integers are treated otherwise now")
print("as described: int64 is not looked at")
PY
