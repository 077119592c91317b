#!/usr/bin/env bash
# datasets: from_generator gives the rows of an older file under the same path; from_text does not.
#
# Tried: datasets 5.2.0, Python 3.11, November 2026.
# Guess: both read a file into Arrow and cache it; after the file has changed, both read it again.
# Seen: from_text and the other readers of files put size and time of the file into the cache's
#   name. from_generator hashes the function and its gen_kwargs: of a path, that is its letters. A
#   corrected file is not read again, nor is a longer one, in this process or in any later one:
#       from_generator   ['one'] … ['one']
#       from_text        ['one'] … ['two', 'three']
#   That is how one usually streams a folder of texts into Arrow in constant memory.
# Cure: hand a checksum (or size and mtime) of the files to gen_kwargs as well, or a
#   fingerprint=… made from it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 HF_HOME="$folder/hf" \
  "$folder/venv/bin/python" - "$folder/texts.txt" <<'PY'
import sys
from pathlib import Path

import datasets
from datasets import Dataset

print("datasets", datasets.__version__)
path = sys.argv[1]


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield {"text": line.strip()}


seen = {"from_generator": [], "from_text": []}
for content in ("one\n", "two\nthree\n"):
    Path(path).write_text(content, encoding="utf-8")
    seen["from_generator"].append(Dataset.from_generator(lines, gen_kwargs={"path": path})["text"][:])
    seen["from_text"].append(Dataset.from_text(path)["text"][:])
for name, rows in seen.items():
    print(name, *rows)
if seen != {"from_generator": [["one"], ["one"]], "from_text": [["one"], ["two", "three"]]}:
    sys.exit("changed: one of the two reads the changed file otherwise now")
print("as described: the generator's rows are those of the old file")
PY
