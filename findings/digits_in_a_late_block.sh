#!/usr/bin/env bash
# datasets: the same text in the same column of a CSV file is read as "007" or as "7", by its place.
#
# Tried: datasets 5.2.0, pandas 3.1.1, Python 3.11, November 2026.
# Guess: load_dataset("csv", …) gives a column one type: of text, every value stands there as in
#   the file.
# Seen: the file is read in blocks of 10,000 rows, each with types of its own; the first block's
#   become those of the data set, and later ones are cast to them. A later block in which all values
#   of the column look like numbers has lost its zeros before it becomes text again. So with "TRUE",
#   and so with each file but the first of data_files=[…]. pandas, given the whole file, is right.
#       10,000 rows of text, then two rows 007 and 1.50:  ['7', '1.5']
#       the same two rows in front:                        ['007', '1.50']
#   Short numbers, ids and labels such as "01" then differ between rows, or between splits of one
#   corpus; duplicates are not found.
# Cure: features=Features({"text": Value("string"), …}), which reads every block as text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pandas==3.1.1
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 HF_HOME="$folder/hf" \
  "$folder/venv/bin/python" - "$folder" <<'PY'
import sys
from pathlib import Path

import datasets
import pandas
from datasets import Features, Value, load_dataset

print("datasets", datasets.__version__, "pandas", pandas.__version__)
folder = Path(sys.argv[1])
text, numbers = ["明天有雨"] * 10_000, ["007", "1.50"]
known = Features({"text": Value("string")})
seen = {}
for name, lines in (("behind", text + numbers), ("in front", numbers + text)):
    path = folder / f"{name}.csv"
    path.write_text("\n".join(["text", *lines]) + "\n", encoding="utf-8")
    for kind, options in (("as it is", {}), ("features", {"features": known})):
        read = load_dataset("csv", data_files=str(path), split="train", **options)["text"][:]
        seen[name, kind] = read[-2:] if name == "behind" else read[:2]
        print(f"{name}, {kind}:", seen[name, kind])
whole = pandas.read_csv(folder / "behind.csv")["text"].tolist()[-2:]
print("behind, pandas:", whole)
if seen["behind", "as it is"] != ["7", "1.5"] or whole != numbers:
    sys.exit("changed: the block no longer decides, or pandas no longer reads the whole")
if [seen[key] for key in seen if key != ("behind", "as it is")] != [numbers] * 3:
    sys.exit("changed: the other ways no longer keep the text")
print("as described: the block of 10,000 rows decides")
PY
