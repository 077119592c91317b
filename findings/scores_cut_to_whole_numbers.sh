#!/usr/bin/env bash
# transformers: scores lose their fractions in each batch that happens to begin with a whole number.
#
# Tried: transformers 5.23.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: labels 3, 4.5, 2.5 for a regression make a batch of floats, as torch.tensor([3, 4.5, 2.5])
#   does and NumPy and Arrow do; the order of the rows is of no importance.
# Seen: default_data_collator, which Trainer takes where it is given no tokenizer, looks at the first
#   label of the batch. If that is an int, the whole batch becomes integers and 4.5 is cut to 4.
#   Scores read by json.load are such a mixture: it gives 3 as an int and 3.5 as a float. With
#   shuffling other batches are cut in each epoch. eval_loss changes with the order of the rows:
#       labels of the batch: [3, 4.5, 2.5, 0.5] -> 3 4 2 0    [4.5, 3, 2.5, 0.5] -> as they are
#       eval_loss of one model and the same four rows: 7.25 and 8.94
#   `label_ids` with soft classes, [[0, 1], [0.5, 0.5]], are cut in the same way: 0 1, 0 0.
# Cure: float(score) when reading; or hand over the tokenizer (DataCollatorWithPadding), or the rows as
#   a datasets.Dataset, whose columns have one type.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 accelerate==1.15.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import json
import sys

import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

rows = json.loads("""[
    {"input_ids": [2, 5, 3], "label": 3}, {"input_ids": [2, 6, 3], "label": 4.5},
    {"input_ids": [2, 7, 3], "label": 2.5}, {"input_ids": [2, 8, 3], "label": 0.5}
]""")
model = BertForSequenceClassification(BertConfig(
    vocab_size=9, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=32, num_labels=1,
))
model.classifier.weight.data.zero_()


def judged(rows):
    """The labels that evaluation compares with, and the loss of a model that always says 0."""
    arguments = TrainingArguments("out", report_to="none", use_cpu=True, disable_tqdm=True)
    output = Trainer(model, arguments).predict(rows)
    return output.label_ids.tolist(), round(output.metrics["test_loss"], 3)


print("transformers", transformers.__version__, "torch", torch.__version__)
seen = {
    "a whole number first": judged(rows),
    "a fraction first": judged([rows[1], rows[0], *rows[2:]]),
    "float(score)": judged([{**row, "label": float(row["label"])} for row in rows]),
}
for name, (labels, loss) in seen.items():
    print(f"{name}: labels {labels}, loss {loss}")
whole, fraction, floats = seen.values()
if whole[0] != [3, 4, 2, 0] or fraction[0] != [4.5, 3, 2.5, 0.5] or floats[1] != fraction[1]:
    sys.exit("changed: the first label no longer decides for the batch")
print("as described: fractions are cut where the first score is whole")
PY
