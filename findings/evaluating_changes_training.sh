#!/usr/bin/env bash
# torch + transformers: how often one evaluates changes what is trained, seed and batches being equal.
#
# Tried: transformers 5.23.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: evaluation reads; it draws nothing (no shuffling, model.eval(), no_grad). Two runs with one
#   seed, one of them evaluated on the way, end with the same weights.
# Seen: each pass over a DataLoader, in order and without workers too, draws a seed for workers from
#   the global generator. So each evaluation moves the stream from which dropout draws, and the
#   rest of the training differs. Saving, which one suspects first, changes nothing.
#       evaluated never and never   the same weights
#       evaluated never and twice   other weights
#   A run with eval_strategy="steps" cannot repeat one with "epoch"; early stopping or a larger
#   eval_steps changes the very model it judges. With dropout 0 nothing shows.
# Cure: compare runs only at one eval_strategy and one eval_steps. In a loop of one's own give the
#   evaluation's DataLoader a generator=torch.Generator() of its own.
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
from torch.utils.data import DataLoader
from transformers import BertConfig, BertForSequenceClassification, PrinterCallback
from transformers import Trainer, TrainingArguments

draw = torch.Generator().manual_seed(0)
rows = Dataset.from_dict({
    "input_ids": torch.randint(50, (32, 6), generator=draw).tolist(),
    "labels": torch.randint(2, (32,), generator=draw).tolist(),
})


def trained(dropout=0.1, **options):
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
    ))
    arguments = TrainingArguments(
        "out", per_device_train_batch_size=4, max_steps=8, learning_rate=1e-2, seed=1,
        report_to="none", disable_tqdm=True, use_cpu=True, logging_strategy="no",
        **{"save_strategy": "no", **options},
    )
    trainer = Trainer(model, arguments, train_dataset=rows, eval_dataset=rows)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def apart(one, other):
    return (one - other).abs().max().item()


often = {"eval_strategy": "steps", "eval_steps": 4}
never = trained()
seen = {
    "never, again": apart(never, trained()),
    "saved twice": apart(never, trained(save_strategy="steps", save_steps=4)),
    "evaluated twice": apart(never, trained(**often)),
    "evaluated twice, no dropout": apart(trained(0.0), trained(0.0, **often)),
}
print("torch", torch.__version__, "transformers", transformers.__version__)
for name, difference in seen.items():
    print(f"{name}: weights differ by up to {difference:.1e}")
drawn = []
for generator in (None, torch.Generator()):
    torch.manual_seed(0)
    list(DataLoader(range(8), batch_size=4, generator=generator))
    drawn.append(torch.rand(1).item())
torch.manual_seed(0)
moved = [value != torch.rand(1, generator=torch.Generator().manual_seed(0)).item() for value in drawn]
print(f"a DataLoader read in order moves the stream: {moved[0]}; with its own generator: {moved[1]}")
equal = [seen[name] == 0 for name in seen]
if equal != [True, True, False, True] or moved != [True, False]:
    sys.exit(f"changed: equal weights {equal}, stream moved {moved}")
print("as described: evaluating changes what is trained")
PY
