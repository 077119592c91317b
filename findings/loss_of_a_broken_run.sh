#!/usr/bin/env bash
# transformers: a run in which every loss is NaN is logged with a loss of 0, and eval_loss leaves out
# the batches that are NaN.
#
# Tried: transformers 5.23.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: a model that has diverged shows "nan" in the log; a loss of 0.0 means learned by heart. If one
#   batch of the evaluation is NaN, so is the mean: the filter is said to be for logging.
# Seen: logging_nan_inf_filter, on by default, writes "the average of the window" for a loss that is
#   NaN: beside good steps it hides the bad ones, and among nothing but bad ones the average is 0.
#   train_loss of the end likewise. Evaluation drops such batches: half of the rows may get NaN
#   for every class and eval_loss looks as always. Only grad_norm says nan.
#       broken by a learning rate of 1e30: losses 0.43, 0, 0, 0, train_loss 0.11, grad_norm nan
#       NaN for 8 of 16 rows: eval_loss 0.69     without the filter all of these are nan
#   Early stopping and the best checkpoint of a run go by these numbers.
# Cure: logging_nan_inf_filter=False; look at grad_norm; np.isfinite(predictions).all() once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 \
    transformers==5.23.0 accelerate==1.15.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import math
import sys

import numpy as np
import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

torch.manual_seed(0)
rows = [
    {"input_ids": torch.tensor([2, 10 if i < 8 else 11, 5 + i % 2, 3]), "labels": i % 2} for i in range(16)
]


def trainer_of(learning_rate=1e-3, **settings):
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(
        vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
    ))
    return Trainer(model, TrainingArguments(
        "out", learning_rate=learning_rate, num_train_epochs=4, per_device_train_batch_size=4,
        per_device_eval_batch_size=4, logging_steps=4, use_cpu=True, report_to="none",
        save_strategy="no", disable_tqdm=True, **settings,
    ), train_dataset=rows, eval_dataset=rows)


print("transformers", transformers.__version__)
seen = {}
for filtered in (True, False):
    trainer = trainer_of(1e30, logging_nan_inf_filter=filtered)
    trainer.train()
    log = trainer.state.log_history
    losses = [each["loss"] for each in log if "loss" in each]
    norms = [each["grad_norm"] for each in log if "grad_norm" in each]
    broken = any(parameter.isnan().any() for parameter in trainer.model.parameters())
    seen[filtered] = losses, norms, log[-1]["train_loss"], broken
    print(f"filter {filtered}: losses {losses}, grad_norm {norms}, train_loss {log[-1]['train_loss']}")

partly = {}
for filtered in (True, False):
    trainer = trainer_of(logging_nan_inf_filter=filtered)
    trainer.model.bert.embeddings.word_embeddings.weight.data[10] = math.nan  # a word of 8 rows
    found = trainer.predict(rows)
    partly[filtered] = found.metrics["test_loss"], int(np.isnan(found.predictions).any(1).sum())
    print(f"filter {filtered}: rows with NaN {partly[filtered][1]} of 16, loss {partly[filtered][0]}")

losses, norms, whole, broken = seen[True]
if not (broken and losses[-1] == 0 and math.isfinite(whole) and math.isnan(norms[-1])):
    sys.exit("changed: a broken run no longer logs a loss of 0")
if not math.isnan(seen[False][0][-1]):
    sys.exit("changed: without the filter NaN was logged")
if not (partly[True][1] == partly[False][1] == 8 and math.isfinite(partly[True][0]) and math.isnan(partly[False][0])):
    sys.exit("changed: eval_loss no longer leaves batches out")
print("as described: NaN is logged as 0, and left out of the evaluation")
PY
