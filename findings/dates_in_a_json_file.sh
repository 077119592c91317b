#!/usr/bin/env bash
# datasets: texts that look like dates become datetime objects in a JSON file, and stay texts in the same CSV.
#
# Tried: datasets 5.2.0, pyarrow 26.0.1, Python 3.11, November 2026.
# Guess: JSON knows no dates; what stands in quotes is a text. load_dataset("json") gives strings where
#   the file has strings, as json.loads, Dataset.from_list and load_dataset("csv") do.
# Seen: if every value of a column looks like a date, the column gets the type timestamp[s]. Answers
#   to "when" questions and dated headlines: in a small test split all of them may, in the large
#   training split one does not, so the splits of one corpus differ in type. A tokenizer refuses the
#   datetime; as text it says "2026-01-01 00:00:00", and an exact match is 0. The usual cure,
#   features=…, comes too late: the date is read first and then turned into that very text.
#       file "2026-01-01"               read datetime(2026, 1, 1, 0, 0)
#       with Features(Value("string"))  read "2026-01-01 00:00:00"
#       file "2026-01-01" and "x"       read "2026-01-01"
# Cure: Dataset.from_list(rows of json.loads), or CSV. The course's loaders read JSON by json.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pyarrow==26.0.1
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" "$folder/venv/bin/python" -W ignore - <<'PY'
import csv
import json
import sys

import datasets
import pyarrow
from datasets import Dataset, Features, Value, load_dataset

datasets.disable_progress_bars()
print("datasets", datasets.__version__, "pyarrow", pyarrow.__version__)


def read_back(name, answers, kind="json", **settings):
    rows = [{"answer": answer} for answer in answers]
    with open(name, "w", newline="") as file:
        if kind == "json":
            file.writelines(json.dumps(row) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(file, ["answer"])
            writer.writeheader()
            writer.writerows(rows)
    return load_dataset(kind, data_files=name, split="train", **settings)["answer"][:]


dates = ["2026-01-01", "2026-02-17"]
as_text = Features({"answer": Value("string")})
seen = {
    "json": read_back("dates.jsonl", dates),
    "json, one text more": read_back("mixed.jsonl", [*dates, "x"]),
    "json, features given": read_back("given.jsonl", dates, features=as_text),
    "csv": read_back("dates.csv", dates, "csv"),
    "from_list": Dataset.from_list([{"answer": date} for date in dates])["answer"][:],
}
for name, values in seen.items():
    print(f"{name}: {values}")
from_json, mixed, given, *others = seen.values()
if [str(value) for value in from_json] != [f"{date} 00:00:00" for date in dates]:
    sys.exit(f"changed: JSON gives {from_json}")
if given != [f"{date} 00:00:00" for date in dates]:
    sys.exit(f"changed: features give {given}")
if any(values[:2] != dates for values in (mixed, *others)):
    sys.exit(f"changed: elsewhere the texts were texts, now {mixed, others}")
print("as described: a column of nothing but dates is no text in JSON alone")
PY
