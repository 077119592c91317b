#!/usr/bin/env bash
# transformers: eval_loss of a model with a label at each token, and the perplexity made from it,
# depend on the batch size of the evaluation.
#
# Tried: transformers 5.23.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: eval_loss is the mean over what was judged. The batch size is a matter of speed and memory;
#   exp(eval_loss), as many guides have it, is the perplexity of the data.
# Seen: the model gives the mean over the labels of its batch; evaluate() then weighs the batches by
#   their number of rows. A batch of short rows counts as much as one of long ones. Training knows
#   better since num_items_in_batch; evaluation does not. One model, one set of 20 rows:
#       batch of 1 5.317   2 5.273   4 5.395   8 5.392   all 20 5.331 (the true mean)
#   Perplexity goes from 195 to 220. Sorting the rows by length, or two devices, shift it as well;
#   early stopping on the loss can choose another epoch.
# Cure: sum the losses and the labels over the whole set and divide once; or report a batch size.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 accelerate==1.15.0 datasets==5.2.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import contextlib
import io
import math
import sys

import torch
import transformers
from datasets import Dataset
from transformers import BertConfig, BertForMaskedLM, Trainer, TrainingArguments

draw = torch.Generator().manual_seed(0)
judged = torch.randint(1, 9, (20,), generator=draw).tolist()  # labels in each row
ids = torch.randint(50, (20, 8), generator=draw).tolist()
labels = [row[:count] + [-100] * (8 - count) for row, count in zip(ids, judged, strict=True)]
rows = Dataset.from_dict({"input_ids": ids, "labels": labels})
torch.manual_seed(0)
model = BertForMaskedLM(BertConfig(
    vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=32, initializer_range=0.5,
)).eval()


def loss(batch):
    arguments = TrainingArguments(
        "out", per_device_eval_batch_size=batch, report_to="none", disable_tqdm=True, use_cpu=True
    )
    with contextlib.redirect_stdout(io.StringIO()):
        return Trainer(model, arguments, eval_dataset=rows).evaluate()["eval_loss"]


with torch.no_grad():
    logits = model(torch.tensor(ids)).logits.flatten(0, 1)
true = torch.nn.functional.cross_entropy(logits, torch.tensor(labels).flatten()).item()
seen = {batch: loss(batch) for batch in (1, 2, 4, 8, 20)}
print("transformers", transformers.__version__, "torch", torch.__version__)
for batch, value in seen.items():
    print(f"batch of {batch:2}: eval_loss {value:.3f}, perplexity {math.exp(value):.2f}")
print(f"over all labels: loss {true:.3f}, perplexity {math.exp(true):.2f}")
if max(seen.values()) - min(seen.values()) < 0.02 or abs(seen[20] - true) > 1e-4:
    sys.exit("changed: eval_loss no longer depends on the batch size")
print("as described: the batch size decides")
PY
