#!/usr/bin/env bash
# datasets: map turns the numbers written into a column of bools back into bools: -1 becomes True.
#
# Tried: datasets 5.2.0, pyarrow 26.0.1, Python 3.11, November 2026.
# Guess: map(lambda row: {"same": 1 if row["same"] else -1}), the coding that CosineEmbeddingLoss and
#   margin losses want, gives 1 and -1. A column of integers turned into fractions becomes one of
#   fractions (0.2), one of texts turned into lengths one of integers: the type follows the values.
# Seen: it does, except where the old type is bool, into which every number fits. Each number but 0
#   is True, so 1 and -1 both are, and all pairs count as the same; so do smoothed labels, 0.9
#   and 0.1.
#       same True False True   written 1 -1 1   read True True True
#   JSON's true and false, and comparisons in pandas, give such columns. (A sibling, bools in a
#   column of text becoming "true": issue 6805 of huggingface/datasets.)
# Cure: another column name, or cast_column("same", Value("int64")) before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pyarrow==26.0.1
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" "$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import datasets
from datasets import Dataset, Value

datasets.disable_progress_bars()
pairs = Dataset.from_dict({"same": [True, False, True]})


def coded(data, yes, no, name="same"):
    return data.map(lambda row: {name: yes if row["same"] else no})[name][:]


print("datasets", datasets.__version__)
seen = {
    "1 and -1": coded(pairs, 1, -1),
    "1 and -1, batched": pairs.map(
        lambda rows: {"same": [1 if same else -1 for same in rows["same"]]}, batched=True
    )["same"][:],
    "0.9 and 0.1": coded(pairs, 0.9, 0.1),
    "1 and -1, new column": coded(pairs, 1, -1, "label"),
    "1 and -1, cast before": coded(pairs.cast_column("same", Value("int64")), 1, -1),
}
for name, values in seen.items():
    print(f"{name}: {values}")
other = Dataset.from_dict({"score": [1, 5]}).map(lambda row: {"score": row["score"] / 5})["score"][:]
print("a column of integers divided by 5:", other)
written, batched, fractions, new, cast = seen.values()
if not (written == batched == fractions == [True] * 3 and new == cast == [1, -1, 1]):
    sys.exit("changed: numbers in a column of bools are kept now, or lost otherwise")
if other != [0.2, 1.0]:
    sys.exit("changed: a column of integers keeps its type now")
print("as described: 1 and -1 are both True")
PY
