#!/usr/bin/env bash
# transformers: an evaluation before the training, in 16 bits, puts the whole training into 16 bits.
#
# Tried: transformers 5.23.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: bf16_full_eval=True "only applies during evaluation", as the manual has it; training stays as
#   it is. To evaluate once before train(), for a score to compare with, changes nothing in it.
# Seen: evaluate() and predict() outside of train() turn the weights of the model itself into bfloat16
#   and leave them so. train() then goes on with these: there is no float32 copy, small steps are
#   rounded away (LayerNorm's weights, which begin at 1, never move), and the model hardly learns;
#   with bf16=True, mixed precision, as well. Without the call before, the same settings train in
#   float32: evaluations on the way are left alone.
#       one seed, 480 steps at 5e-5; loss afterwards and the share of LayerNorm weights that moved
#       train()                    0.23   1.0    float32
#       evaluate(), then train()   0.67   0.0    bfloat16
#   Likewise save_model() writes half as many bytes after evaluate() as before it, and a second train()
#   goes on in bfloat16. Nothing is printed.
# Cure: no bf16_full_eval (bf16=True evaluates in mixed precision already); or a Trainer for evaluation
#   with a copy of the model. Look at model.dtype before train() and before saving.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 accelerate==1.15.0
cd "$folder"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error \
  "$folder/venv/bin/python" -W ignore - <<'PY'
import os
import sys

import torch
import transformers
from transformers import (
    BertConfig, BertForSequenceClassification, PrinterCallback, Trainer, TrainingArguments, set_seed,
)
from transformers.utils import logging

logging.disable_progress_bar()
rows = torch.tensor([[2, 10 + number % 2, 20 + number // 2, 3] for number in range(64)])
labels = torch.arange(64) % 2  # the second token tells the class
data = [{"input_ids": row, "labels": label} for row, label in zip(rows, labels)]
config = BertConfig(
    vocab_size=60, hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128,
    hidden_dropout_prob=0, attention_probs_dropout_prob=0,
)


def run(evaluated_before, **settings):
    """The loss after training, the share of LayerNorm weights that moved, and types and bytes."""
    set_seed(0)
    model = BertForSequenceClassification(config)
    trainer = Trainer(
        model,
        TrainingArguments(
            "out", num_train_epochs=60, learning_rate=5e-5, per_device_train_batch_size=8,
            eval_strategy="epoch", use_cpu=True, report_to="none", save_strategy="no",
            logging_strategy="no", disable_tqdm=True, **settings,
        ),
        train_dataset=data,
        eval_dataset=data,
    )
    trainer.remove_callback(PrinterCallback)
    if evaluated_before:
        trainer.evaluate()
    trainer.train()
    trained_in = model.dtype
    norms = [weight for name, weight in model.named_parameters() if name.endswith("LayerNorm.weight")]
    moved = torch.cat([weight != 1 for weight in norms]).float().mean().item()
    sizes = []
    for folder in ("before", "after"):
        trainer.save_model(folder)
        sizes.append(os.path.getsize(f"{folder}/model.safetensors"))
        trainer.evaluate()
    with torch.no_grad():
        loss = model.float().eval()(input_ids=rows, labels=labels).loss.item()
    print(f"{settings}, evaluated before: {evaluated_before}; loss {loss:.2f}, LayerNorm moved {moved:.2f},",
          trained_in, "; bytes of the file before and after evaluate()", *sizes)
    return loss, moved, trained_in, sizes


print("transformers", transformers.__version__, "torch", torch.__version__)
alone = run(False, bf16_full_eval=True)
before = run(True, bf16_full_eval=True)
mixed = run(True, bf16_full_eval=True, bf16=True)
plain = run(True)
for loss, moved, kind, _ in (alone, plain):
    if loss > 0.5 or moved < 0.9 or kind != torch.float32:
        sys.exit("changed: the run that should learn does not")
if alone[3][1] > 0.6 * alone[3][0] or plain[3][0] != plain[3][1]:
    sys.exit("changed: evaluate() leaves the saved file as it was")
for loss, moved, kind, _ in (before, mixed):
    if loss < 0.6 or moved > 0 or kind != torch.bfloat16:
        sys.exit("changed: evaluate() leaves the training as it was")
print("as described: evaluated first, it trains in bfloat16")
PY
