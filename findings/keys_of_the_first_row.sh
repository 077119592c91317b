#!/usr/bin/env bash
# datasets: a value that the first row lacks is dropped from all rows; the same rows the other way round keep it.
#
# Tried: datasets 5.2.0, Python 3.11, November 2026.
# Guess: rows with optional parts (a question without an answer, a text without a title) give a column
#   with None where there is nothing, as in pandas and in the JSON reader, or an error.
# Seen: from_list and from_generator take the first row for the whole: what comes later under another
#   name is thrown away. map does the same with what its function returns. Shuffled, the same rows
#   give a full column (from_list), or an error (from_generator, map): it depends on which is first.
#       rows {text}, {text, answer}   columns ['text']           the answer is lost
#       rows {text, answer}, {text}   columns ['text', 'answer']
#   The manual says so of from_list; of map and from_generator it does not.
# Cure: give every row every key, or go by way of a JSON Lines file; from_list(rows, features=…) at
#   least raises an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pandas==3.1.1
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 HF_HOME="$folder/hf" \
  "$folder/venv/bin/python" - "$folder" <<'PY'
import json
import sys
from pathlib import Path

import datasets
import pandas
from datasets import Dataset, Features, Value

print("datasets", datasets.__version__, "pandas", pandas.__version__)
folder = Path(sys.argv[1])
bare, full = {"text": "甲"}, {"text": "乙", "answer": "丙"}
known = Features({"text": Value("string"), "answer": Value("string")})


def from_generator(rows):
    return Dataset.from_generator(lambda: iter(rows), cache_dir=str(folder / "cache"))


def by_map(rows):
    named = Dataset.from_dict({"number": list(range(len(rows)))})
    return named.map(lambda row: rows[row["number"]], remove_columns="number")


def from_json(rows):
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return Dataset.from_json(str(path), cache_dir=str(folder / "cache"))


ways = {
    "from_list": Dataset.from_list,
    "from_list, features": lambda rows: Dataset.from_list(rows, features=known),
    "from_generator": from_generator,
    "map": by_map,
    "from_json": from_json,
    "from_pandas": lambda rows: Dataset.from_pandas(pandas.DataFrame(rows)),
}
seen = {}
for name, way in ways.items():
    try:
        seen[name] = way([bare, full]).column_names
    except Exception as error:
        seen[name] = type(error).__name__
    print(f"{name}: {seen[name]}")
turned = Dataset.from_list([full, bare]).column_names
print("from_list, the other way round:", turned)
lost, kept = ["text"], ["text", "answer"]
if [seen["from_list"], seen["from_generator"], seen["map"]] != [lost] * 3:
    sys.exit("changed: the first row no longer decides")
if [seen["from_json"], seen["from_pandas"], turned] != [kept] * 3:
    sys.exit("changed: the other ways no longer keep the column")
print("as described: what the first row lacks is lost")
PY
