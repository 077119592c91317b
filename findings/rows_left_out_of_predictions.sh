#!/usr/bin/env bash
# transformers: dataloader_drop_last, set for the training, leaves rows out of predict() and evaluate().
#
# Tried: transformers 5.23.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: dropping the last, smaller batch is a matter of training (steady shapes, no batch of one
#   row); predict(dataset) gives a prediction for each row of the dataset.
# Seen: it holds for the loaders of evaluation and prediction too. Of 20 rows in batches of 8, 16
#   are predicted and judged, without a warning. The score depends on the batch size, and what is
#   lined up with the texts by position (zip) ends early.
#       rows 20, predictions 16
# Cure: leave it at False, or set trainer.args.dataloader_drop_last = False before evaluating;
#   compare len(predictions) with len(dataset).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 accelerate==1.15.0 datasets==5.2.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import torch
import transformers
from datasets import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

# Answers are right for the first 16 rows and wrong for the last four.
torch.manual_seed(0)
model = BertForSequenceClassification(BertConfig(
    vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
)).eval()
ids = torch.randint(50, (20, 6))
with torch.no_grad():
    answers = model(ids).logits.argmax(1)
answers[16:] = 1 - answers[16:]
rows = Dataset.from_dict({"input_ids": ids.tolist(), "labels": answers.tolist()})


def accuracy(output):
    return {"accuracy": float((output.predictions.argmax(1) == output.label_ids).mean())}


seen = {}
for dropped in (False, True):
    arguments = TrainingArguments(
        "out", per_device_eval_batch_size=8, dataloader_drop_last=dropped, report_to="none",
        disable_tqdm=True, use_cpu=True,
    )
    found = Trainer(model, arguments, compute_metrics=accuracy).predict(rows)
    seen[dropped] = (len(found.predictions), found.metrics["test_accuracy"])
    print(f"dataloader_drop_last={dropped}: {seen[dropped][0]} of {len(rows)} rows, accuracy {seen[dropped][1]}")
print("transformers", transformers.__version__)
if seen != {False: (20, 0.8), True: (16, 1.0)}:
    sys.exit("changed: the option no longer reaches the predictions")
print("as described: rows are left out of predictions")
PY
