#!/usr/bin/env bash
# datasets: which rows take(n) and skip(n) mean depends on the number of workers that read the stream.
#
# Tried: datasets 5.2.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: take(n) gives the first n rows, skip(n) all but these, "only the first n elements" (manual).
#   Who reads them, one process or a DataLoader with workers, is a matter of speed; split without
#   any shuffling, the two have no row in common.
# Seen: in a DataLoader with workers n is shared out: of a stream in two parts (two files) each
#   worker takes or skips n / 2 rows of its own part. The held-out rows, read without workers once
#   (a list for compute_metrics, a look at them, another DataLoader), are the first n of the first
#   part; half of them come into a training with two workers.
#       20 rows in two parts, 6 held out; read as a list: 0 1 2 3 4 5
#       trained on with 0 workers: none of these    with 2 workers: 3 4 5
#   Two loaders with one number of workers agree; in Trainer both have dataloader_num_workers.
# Cure: read both with the same number of workers, or hold out whole files, or decide by a hash of
#   the row in filter. Compare once what is held out with what comes in an epoch. Chapter 4 says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 datasets==5.2.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" "$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import datasets
import torch
from torch.utils.data import DataLoader

ROWS, HELD_OUT = 20, 6
for part in range(2):
    numbers = range(part * ROWS // 2, (part + 1) * ROWS // 2)
    with open(f"part{part}.txt", "w") as file:
        file.writelines(f"{number}\n" for number in numbers)
datasets.disable_progress_bars()
stream = datasets.load_dataset(
    "text", data_files=["part0.txt", "part1.txt"], split="train", streaming=True
)


def read(rows, workers):
    return {int(row["text"]) for row in DataLoader(rows, batch_size=None, num_workers=workers)}


print("datasets", datasets.__version__, "torch", torch.__version__)
held_out = {int(row["text"]) for row in stream.take(HELD_OUT)}
print("held out, read as a list:", *sorted(held_out))
common = {}
for workers in (0, 2):
    taken, trained = read(stream.take(HELD_OUT), workers), read(stream.skip(HELD_OUT), workers)
    common[workers] = sorted(held_out & trained)
    print(f"{workers} workers: take gives", *sorted(taken), "; of the list trained on", *common[workers])
    if taken & trained or len(taken | trained) != ROWS:
        sys.exit("changed: with one number of workers the parts no longer make up the whole")
if common[0] or not common[2]:
    sys.exit("changed: the rows of take and skip no longer depend on the workers")
print("as described: held-out rows come into a training with workers")
PY
