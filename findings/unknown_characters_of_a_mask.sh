#!/usr/bin/env bash
# transformers: whether [UNK] is masked and learned depends on whether Trainer dropped a column.
#
# Tried: transformers 5.23.0, datasets 5.2.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11,
#   November 2026.
# Guess: the collator for masking needs to know the special tokens; return_special_tokens_mask=True
#   hands them over ("for best performance", as its documentation has it), else it works them out
#   itself. The same tokens either way, and the same loss.
# Seen: two notions of special. The mask of the tokenizer has [CLS], [SEP] and padding; what the
#   collator works out has [UNK] as well. With the column, unknown characters are hidden and learned
#   like words, one and the same token for all of them; without it they are never asked for. And
#   Trainer drops the column, as forward does not name it, unless remove_unused_columns=False: who
#   asked for it gets it only in a loop of his own.
#       a text of four known and two unknown characters, all to be hidden; labels
#       Trainer 4    Trainer, remove_unused_columns=False 6
#   Chinese texts with rare characters, or a vocabulary of another domain, have many. (That the two
#   notions differ: issue 12936 of huggingface/transformers, 2021.)
# Cure: decide it: for no [UNK], leave the column away; compare losses only at one setting.
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
from transformers import BertConfig, BertForMaskedLM, BertTokenizer
from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"明天有雨"]
tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
encoded = tokenizer("明天有雨喆堃", return_special_tokens_mask=True)
data = Dataset.from_list([dict(encoded)] * 4)
model = BertForMaskedLM(BertConfig(
    vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=32,
))


def learned(**settings):
    """The tokens of one row that are to be guessed, when every token is chosen."""
    arguments = TrainingArguments("out", report_to="none", use_cpu=True, **settings)
    collate = DataCollatorForLanguageModeling(tokenizer, mlm_probability=1.0)
    trainer = Trainer(model, arguments, train_dataset=data, data_collator=collate)
    labels = next(iter(trainer.get_train_dataloader()))["labels"][0]
    return tokenizer.convert_ids_to_tokens(labels[labels != -100].tolist())


print("transformers", transformers.__version__, "torch", torch.__version__)
print("tokens", encoded.tokens(), "special", encoded["special_tokens_mask"])
dropped, kept = learned(), learned(remove_unused_columns=False)
print("Trainer:", *dropped)
print("Trainer, remove_unused_columns=False:", *kept)
if dropped != [*"明天有雨"] or kept != [*"明天有雨", "[UNK]", "[UNK]"]:
    sys.exit("changed: unknown characters are treated otherwise")
print("as described: [UNK] is learned if the column was kept")
PY
