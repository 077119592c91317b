#!/usr/bin/env bash
# datasets + transformers: rows of a stream that were held out are trained on from the second epoch.
#
# Tried: datasets 5.2.0, transformers 5.23.0, accelerate 1.15.0, torch 2.13.0, Python 3.11, November
#   2026.
# Guess: a stream has no row numbers, so it is split as guides have it: shuffle with a seed, then
#   take(n) to hold out and skip(n) to train. The two parts have no row in common, in any epoch.
# Seen: in the first epoch. Trainer and accelerate call set_epoch on the data set, which mixes the
#   epoch's number into the seed; skip(n) then leaves out the first n rows of another order. The
#   held-out rows come into the training, others in each epoch, and nothing is reported.
#       20 rows, 5 held out (2 4 6 13 19); of these trained on
#       in epoch 1 none, in epoch 2 2 4 6, in epoch 3 2 4 13 19
#   The score of the held-out rows gets better for that reason alone.
# Cure: split before shuffling, stream.take(n) and stream.skip(n).shuffle(…), and read both with one
#   number of workers (rows_of_take_by_workers.sh); or by a hash of the row in filter.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 accelerate==1.15.0 datasets==5.2.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import datasets
import torch
import transformers
from datasets import Dataset
from transformers import BertConfig, BertForSequenceClassification, PrinterCallback
from transformers import Trainer, TrainingArguments

ROWS, HELD_OUT, EPOCHS = 20, 5, 3
stream = Dataset.from_dict({"number": list(range(ROWS))}).to_iterable_dataset()


def trained_on(held_out, train):
    """The held-out rows that come in each epoch of a training."""
    held_out, batches = {row["number"] for row in held_out}, []

    def collate(rows):
        batches.append({row["number"] for row in rows})
        ids = torch.tensor([[row["number"]] * 2 for row in rows])
        return {"input_ids": ids, "labels": torch.zeros(len(rows), dtype=torch.long)}

    model = BertForSequenceClassification(BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32,
    ))
    each = (ROWS - HELD_OUT) // 5
    arguments = TrainingArguments(
        "out", per_device_train_batch_size=5, max_steps=each * EPOCHS, save_strategy="no",
        report_to="none", disable_tqdm=True, use_cpu=True, logging_strategy="no",
        remove_unused_columns=False,
    )
    trainer = Trainer(model, arguments, train_dataset=train, data_collator=collate)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    epochs = [set().union(*batches[i : i + each]) for i in range(0, each * EPOCHS, each)]
    return [sorted(held_out & epoch) for epoch in epochs]


shuffled = stream.shuffle(seed=0, buffer_size=100)
seen = {
    "shuffled, then split": trained_on(shuffled.take(HELD_OUT), shuffled.skip(HELD_OUT)),
    "split, then shuffled": trained_on(
        stream.take(HELD_OUT), stream.skip(HELD_OUT).shuffle(seed=0, buffer_size=100)
    ),
}
print("datasets", datasets.__version__, "transformers", transformers.__version__)
for name, epochs in seen.items():
    print(f"{name}: held-out rows trained on in each epoch {epochs}")
mixed, kept = seen.values()
if mixed[0] or not mixed[1] or any(kept):
    sys.exit("changed: held-out rows stay out now, or come in otherwise")
print("as described: held-out rows come into the training")
PY
