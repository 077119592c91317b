#!/usr/bin/env bash
# transformers: early stopping with a threshold stops a model that gets better at every evaluation.
#
# Tried: transformers 5.23.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: EarlyStoppingCallback(patience 3, threshold 0.005) stops when three evaluations have not brought
#   0.005 more than the best that counted. A score that rises by 0.004 each time has gained 0.008
#   after two, so it goes on, as with min_delta of Keras and Lightning and with the threshold of
#   torch's ReduceLROnPlateau (threshold_mode="abs"), which keep the old mark until it is beaten.
# Seen: the callback compares with state.best_metric, and Trainer raises that at each gain, however
#   small. So each step is measured against the one just before, and no sum of small gains counts:
#       F1 0.504, 0.508, 0.512, …, 0.580 (20 epochs)
#       Trainer stops after epoch 4, at 0.516     the others' rule: never
#   Evaluating twice as often halves each gain; it may then be below the threshold, and what was
#   progress at each evaluation is none at any. The log shows a curve that rises until the end.
# Cure: leave the threshold at 0 and give more patience; or a callback of one's own that keeps its own
#   mark. The course's recipes leave it at 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 accelerate==1.15.0
cd "$folder"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error \
  "$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import torch
import transformers
from transformers import (
    BertConfig, BertForSequenceClassification, EarlyStoppingCallback, PrinterCallback, Trainer,
    TrainingArguments,
)
from transformers.utils import logging

EPOCHS, GAIN, THRESHOLD, PATIENCE = 20, 0.004, 0.005, 3
logging.disable_progress_bar()
data = [{"input_ids": torch.tensor([2, 5, 3]), "labels": 0}] * 8


def stopped(gain, threshold):
    """After which epoch a run ends whose F1 rises by the same gain each time, and its last F1."""
    scores = []

    def rising(_):
        scores.append(0.5 + gain * (len(scores) + 1))
        return {"f1": scores[-1]}

    model = BertForSequenceClassification(BertConfig(
        vocab_size=10, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
    ))
    trainer = Trainer(
        model,
        TrainingArguments(
            "out", num_train_epochs=EPOCHS, eval_strategy="epoch", save_strategy="epoch",
            load_best_model_at_end=True, metric_for_best_model="f1", greater_is_better=True,
            save_total_limit=1, use_cpu=True, report_to="none", logging_strategy="no", disable_tqdm=True,
        ),
        train_dataset=data,
        eval_dataset=data,
        compute_metrics=rising,
        callbacks=[EarlyStoppingCallback(PATIENCE, threshold)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    if trainer.state.best_metric != max(scores):
        sys.exit("changed: the best score is not the largest")
    print(f"gain {gain}, threshold {threshold}: ends after epoch {len(scores)}, F1 {scores[-1]:.3f}")
    return len(scores)


print("transformers", transformers.__version__, "torch", torch.__version__)
small, none, large = stopped(GAIN, THRESHOLD), stopped(GAIN, 0.0), stopped(0.006, THRESHOLD)
mark, waited, elsewhere = 0.5 + GAIN, 0, EPOCHS
for epoch in range(2, EPOCHS + 1):  # the rule of a mark that stays until it is beaten by the threshold
    score = 0.5 + GAIN * epoch
    mark, waited = (score, 0) if score - mark > THRESHOLD else (mark, waited + 1)
    if waited >= PATIENCE:
        elsewhere = epoch
        break
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
    torch.optim.SGD([torch.zeros(1)], lr=1.0), mode="max", patience=PATIENCE - 1,
    threshold=THRESHOLD, threshold_mode="abs",
)
for epoch in range(1, EPOCHS + 1):
    plateau.step(0.5 + GAIN * epoch)
print("a mark that stays: ends after epoch", elsewhere, "; torch's plateau, rate:", *plateau.get_last_lr())
if (none, large, elsewhere) != (EPOCHS, EPOCHS, EPOCHS) or plateau.get_last_lr() != [1.0]:
    sys.exit("changed: a run ends that should not")
if small != PATIENCE + 1:
    sys.exit("changed: small gains add up")
print("as described: small gains never add up")
PY
