#!/usr/bin/env bash
# transformers: Trainer with gradient accumulation takes steps several times too large for a
# classifier of its own library.
#
# Tried: transformers 5.23.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: one batch of 8 rows, and four batches of 2 with gradient_accumulation_steps=4, give the
#   same update (plain SGD, no clipping, no dropout, rows of one length).
# Seen: the update is 4 times as large. Trainer leaves the division to the model where its forward
#   takes **kwargs, believing that the loss is then divided by num_items_in_batch.
#   BertForSequenceClassification takes them and does not divide. The same holds for its siblings
#   for tokens and for MLM. AdamW hides it (its steps do not depend on the gradient's size);
#   clipping, the logged grad_norm and the loss curve do not.
#       update, accumulated : whole batch = 4.0
#       with model.accepts_loss_kwargs = False: 1.0
# Cure: set model.accepts_loss_kwargs = False before the Trainer is made, and compare once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 accelerate==1.15.0 datasets==5.2.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - <<'PY'
import sys

import torch
import transformers
from datasets import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

config = BertConfig(
    vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)
draw = torch.Generator().manual_seed(0)
rows = {
    "input_ids": torch.randint(50, (8, 6), generator=draw).tolist(),
    "labels": torch.randint(2, (8,), generator=draw).tolist(),
}


def update(batch: int, accumulate: int, told: bool = False) -> torch.Tensor:
    """Change of one weight matrix in one optimiser step over the same 8 rows."""
    torch.manual_seed(0)
    model = BertForSequenceClassification(config)
    if told:
        model.accepts_loss_kwargs = False
    before = model.classifier.weight.detach().clone()
    arguments = TrainingArguments(
        "out", per_device_train_batch_size=batch, gradient_accumulation_steps=accumulate,
        max_steps=1, learning_rate=0.1, lr_scheduler_type="constant", optim="sgd",
        max_grad_norm=0.0, train_sampling_strategy="sequential", save_strategy="no",
        report_to="none", disable_tqdm=True, use_cpu=True,
    )
    Trainer(model, arguments, train_dataset=Dataset.from_dict(rows)).train()
    return model.classifier.weight.detach() - before


whole = update(8, 1)
ratios = [
    round((update(2, 4, told).norm() / whole.norm()).item(), 3) for told in (False, True)
]
print("torch", torch.__version__, "transformers", transformers.__version__)
print(f"update, accumulated : whole batch = {ratios[0]}")
print(f"with model.accepts_loss_kwargs = False: {ratios[1]}")
if ratios != [4.0, 1.0]:
    sys.exit(f"changed: the ratios are {ratios} now, no longer 4.0 and 1.0")
print("as described: 4 times too large")
PY
