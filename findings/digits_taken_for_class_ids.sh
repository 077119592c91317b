#!/usr/bin/env bash
# datasets: a label that is no class name but looks like a number is taken for a class id.
#
# Tried: datasets 5.2.0, Python 3.11, November 2026.
# Guess: text is cast to ClassLabel by name; a text that is no name is an error ("Invalid string
#   class label"), whatever it consists of.
# Seen: what is no name is tried as int() and, if there are that many classes, counts as that id. A
#   file of star ratings 1 to 5 cast with ClassLabel(names=["1", …, "5"]) is right; the same file
#   with one stray "0" among them gives class 0, which is the name "1". With names neg and pos, a
#   "1" that belongs to another column's coding becomes pos.
#       names 1 2 3 4 5   "0" -> id 0 = "1",  "5" -> id 4 = "5",  "6" -> ValueError
# Cure: compare the set of texts with the names before the cast.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 HF_HOME="$folder/hf" \
  "$folder/venv/bin/python" - <<'PY'
import sys

import datasets
from datasets import ClassLabel, Dataset

print("datasets", datasets.__version__)
stars = ClassLabel(names=["1", "2", "3", "4", "5"])
ids = Dataset.from_dict({"label": ["5", "1", "0"]}).cast_column("label", stars)["label"][:]
print('"5", "1", "0" ->', ids, "=", [stars.int2str(i) for i in ids])
try:
    stars.str2int("6")
    refused = False
except ValueError as error:
    refused = True
    print(f'"6" -> ValueError: {error}')
if ids != [4, 0, 0] or not refused:
    sys.exit("changed: a number that is no name is treated otherwise now")
print('as described: the stray "0" has become the class "1"')
PY
