#!/usr/bin/env bash
# transformers: of the columns `label` and `labels` Trainer learns the one or the other, depending on
# whether it was given the tokenizer.
#
# Tried: transformers 5.23.0, datasets 5.2.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11,
#   November 2026.
# Guess: models take `labels`. A data set that has a `labels` column, made by map from the `label` of
#   the file (corrected, or joined to fewer classes), trains on it; `label` is dropped like any other
#   column that forward does not name, or there is an error. processing_class=tokenizer is there to
#   pad and to be saved.
# Seen: `label` survives the dropping of columns, and each of the two collators between which Trainer
#   chooses by the tokenizer has another favourite. With it, DataCollatorWithPadding writes `label`
#   over `labels`: the model learns and is judged by the labels that had been corrected. Without
#   it, default_data_collator keeps `labels`. Nothing is printed.
#       label 0 0 0 0, labels 1 1 1 1; predict(data).label_ids
#       with processing_class 0 0 0 0     without 1 1 1 1
# Cure: one of the two only: remove_columns("label") where `labels` is made. The course's fine_tune
#   refuses both.
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
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer
from transformers import Trainer, TrainingArguments

datasets.disable_progress_bars()
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"明天有雨"]
tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
file = Dataset.from_dict({"text": ["明天有雨"] * 4, "label": [0] * 4})
data = file.map(lambda row: {**tokenizer(row["text"]), "labels": 1 - row["label"]})
model = BertForSequenceClassification(BertConfig(
    vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=32,
))


def labels(data, **settings):
    arguments = TrainingArguments("out", report_to="none", use_cpu=True, disable_tqdm=True)
    return Trainer(model, arguments, **settings).predict(data).label_ids.tolist()


print("transformers", transformers.__version__, "torch", torch.__version__)
seen = {
    "with processing_class": labels(data, processing_class=tokenizer),
    "without": labels(data),
    "with it, and label removed": labels(data.remove_columns("label"), processing_class=tokenizer),
}
print("label", data["label"][:], "labels", data["labels"][:])
for name, ids in seen.items():
    print(f"{name}: {ids}")
if list(seen.values()) != [[0] * 4, [1] * 4, [1] * 4]:
    sys.exit("changed: Trainer chooses otherwise between label and labels")
print("as described: the tokenizer decides which column is learned")
PY
