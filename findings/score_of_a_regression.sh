#!/usr/bin/env bash
# transformers: what a pipeline makes of a regression model depends on whether the model ever saw a label.
#
# Tried: transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: a model with one output gives a number; pipeline("text-classification") shows that number,
#   or always squeezes it into 0 to 1. Two models with equal weights and num_labels=1 agree.
# Seen: config.problem_type decides, and it is written by the first forward pass with labels. Trained
#   by Trainer: "regression", the number as it is. Trained in a loop with a loss of one's own, or
#   made from converted weights: none, and the sigmoid of the number. A similarity of 4.2 out of 5
#   becomes 0.985; so do 5 and 9 become nearly the same 1, and -1 becomes positive.
#       called with labels once: 4.197     never: 0.985
# Cure: write problem_type="regression" into the configuration; or pipeline(…, function_to_apply="none").
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer, pipeline

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"明天上午有雨"]
tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
encoded = tokenizer("明天有雨", return_tensors="pt")


def answers(labelled, **settings):
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, num_labels=1, **settings,
    )).eval()
    model.classifier.bias.data.fill_(4.2)
    if labelled:
        model(**encoded, labels=torch.tensor([4.0]))
    model.save_pretrained("model")
    tokenizer.save_pretrained("model")
    score = pipeline("text-classification", "model")("明天有雨")[0]["score"]
    with torch.no_grad():
        return round(model(**encoded).logits.item(), 3), round(score, 3)


print("transformers", transformers.__version__)
seen = {
    "called with labels once": answers(True),
    "never called with labels": answers(False),
    "problem_type written": answers(False, problem_type="regression"),
}
for name, (output, score) in seen.items():
    print(f"{name}: output {output}, pipeline {score}")
once, never, written = seen.values()
if not (once[0] == once[1] == never[0] == written[1] and 0.9 < never[1] < 1):
    sys.exit("changed: the score no longer depends on a call with labels")
print("as described: the sigmoid comes and goes with a call")
PY
