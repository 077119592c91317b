#!/usr/bin/env bash
# datasets: a boolean mask does not choose rows; it is read as the row numbers 0 and 1.
#
# Tried: datasets 5.2.0, numpy 2.4.6, Python 3.11, November 2026.
# Guess: select(mask) and dataset[mask] keep the rows where the mask is True, as NumPy, pandas and
#   torch do with the same array; or they refuse it.
# Seen: False and True count as the rows 0 and 1. The result has as many rows as before, so a length
#   check passes, and all of them are copies of the first two. Only a plain list of bools is refused,
#   and only by select.
#       texts a b c d, mask of the rows c and d
#       numpy ['c', 'd']   select(array) ['a', 'a', 'b', 'b']   dataset[list] ['a', 'a', 'b', 'b']
# Cure: select(np.flatnonzero(mask)), or filter(lambda …).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 numpy==2.4.6
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 HF_HOME="$folder/hf" \
  "$folder/venv/bin/python" - <<'PY'
import sys

import datasets
import numpy as np
from datasets import Dataset

print("datasets", datasets.__version__, "numpy", np.__version__)
texts = ["a", "b", "c", "d"]
rows = Dataset.from_dict({"text": texts, "length": [3, 5, 9, 12]})
mask = np.array(rows["length"]) > 6
seen = {
    "numpy": np.array(texts)[mask].tolist(),
    "select(array)": rows.select(mask)["text"][:],
    "dataset[array]": rows[mask]["text"],
    "dataset[list]": rows[mask.tolist()]["text"],
    "select(numbers)": rows.select(np.flatnonzero(mask))["text"][:],
}
for name, chosen in seen.items():
    print(f"{name:15}", chosen)
taken = [seen[name] for name in ("select(array)", "dataset[array]", "dataset[list]")]
if taken != [["a", "a", "b", "b"]] * 3 or seen["select(numbers)"] != ["c", "d"]:
    sys.exit("changed: a boolean mask is taken otherwise now")
print("as described: the mask is read as the row numbers 0 and 1")
PY
