#!/usr/bin/env bash
# transformers: the masking collator with a seed masks the same places in every epoch once it has workers.
#
# Tried: transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: DataCollatorForLanguageModeling(tokenizer, seed=1) makes a run repeatable and leaves the
#   masking as it is: drawn anew for each batch, so that a text is masked otherwise in each epoch.
#   num_workers (dataloader_num_workers of Trainer) is a matter of speed.
# Seen: so it is in the main process. Each worker draws from a generator of its own, seeded with
#   seed + number of the worker, and a DataLoader starts its workers anew in each epoch: from the
#   second epoch on, the same masks again. In a fixed order each text is masked at the same places
#   for ever, which is the static masking that RoBERTa left behind; shuffled, the same patterns.
#   Whoever looked at one batch before has copied one generator into all workers: these, too, mask
#   alike, and the seeds per worker are never used.
#       masked places that the second epoch has in common with the first
#       0 workers 38 of 238    2 workers 244 of 244    2 workers, no seed 36 of 247
# Cure: no seed here but set_seed: torch gives the workers of each epoch new global seeds. Or
#   persistent_workers=True, whose generators live on (and not one call before).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import torch
import transformers
from torch.utils.data import DataLoader
from transformers import BertTokenizer, DataCollatorForLanguageModeling

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"明天上午有雨"]
tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
rows = [{"input_ids": [2, *[5 + i % 6] * 100, 3]} for i in range(16)]


def two_epochs(workers, seed=1, looked_at=False, **settings):
    """Where the labels are, in the batches of two epochs in order."""
    collate = DataCollatorForLanguageModeling(tokenizer, seed=seed, mlm_probability=0.15)
    if looked_at:
        collate(rows[:4])
    torch.manual_seed(0)
    loader = DataLoader(
        rows, batch_size=4, collate_fn=collate, num_workers=workers, **settings
    )
    return [torch.stack([batch["labels"] != -100 for batch in loader]) for _ in range(2)]


print("transformers", transformers.__version__, "torch", torch.__version__)
seen = {
    "0 workers": two_epochs(0),
    "2 workers": two_epochs(2),
    "2 workers, no seed": two_epochs(2, seed=None),
    "2 workers, persistent": two_epochs(2, persistent_workers=True),
    "2 workers, looked at once": two_epochs(2, looked_at=True),
}
again, alike = {}, {}
for name, (first, second) in seen.items():
    again[name] = torch.equal(first, second)
    alike[name] = torch.equal(first[0], first[1])
    common = int((first & second).sum())
    print(f"{name}: {common} of {int(first.sum())} places again in the second epoch", end="; ")
    print(f"first two batches masked {'alike' if alike[name] else 'otherwise'}")
if [name for name in again if again[name]] != ["2 workers", "2 workers, looked at once"]:
    sys.exit("changed: other settings repeat the masks of the first epoch")
if [name for name in alike if alike[name]] != ["2 workers, looked at once"]:
    sys.exit("changed: other settings mask two batches alike")
print("as described: a seed and workers make the masks static")
PY
