#!/usr/bin/env bash
# peft: a LoRA classifier that knows all its training texts knows none of them when it is loaded
# again, without an error or a warning.
#
# Tried: peft 0.21.2, transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: task_type="SEQ_CLS" makes save_pretrained keep all that was not in the checkpoint: LoRA and
#   the new head.
# Seen: a checkpoint of masked language modelling has no pooler, so BertForSequenceClassification
#   draws the pooler and the classifier at random. peft trains and saves the classifier; the pooler
#   stays frozen at its random values and is not saved. In the next process it is drawn anew.
#       right answers before saving 1.00, after loading 0.00
#       with modules_to_save=["classifier", "pooler"]: 1.00 and 1.00
# Cure: name the pooler in modules_to_save, and compare predictions once after loading with another
#   seed: with the same seed the random pooler is the same, and nothing shows. utils.smaller.add_lora names it; chapter 10 shows both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 peft==0.21.2
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - <<'PY'
import sys

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification

CLASSES = 8
config = BertConfig(
    vocab_size=60, hidden_size=64, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=128, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    initializer_range=0.2,
)
torch.manual_seed(0)
BertForMaskedLM(config).save_pretrained("masked-only")
ids = torch.randint(60, (CLASSES, 6))
labels = torch.arange(CLASSES)


def base(seed):
    torch.manual_seed(seed)
    return BertForSequenceClassification.from_pretrained("masked-only", num_labels=CLASSES)


def right(model):
    with torch.no_grad():
        return (model.eval()(input_ids=ids).logits.argmax(1) == labels).float().mean().item()


def before_and_after(name, **options):
    settings = LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["query", "value"], **options)
    model = get_peft_model(base(1), settings).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(60):
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(name)
    return right(model), right(PeftModel.from_pretrained(base(2), name))


copied = before_and_after("copied")
cured = before_and_after("cured", modules_to_save=["classifier", "pooler"])
print("peft", peft.__version__, "transformers", transformers.__version__, "torch", torch.__version__)
print(f"as its guide has it: {copied[0]:.2f} before saving, {copied[1]:.2f} after loading")
print(f"with the pooler named: {cured[0]:.2f} before saving, {cured[1]:.2f} after loading")
if not (copied[0] == 1.0 and copied[1] < 0.6 and cured == (1.0, 1.0)):
    sys.exit(f"changed: {copied} and {cured}")
print("as described: the random pooler is not saved")
PY
