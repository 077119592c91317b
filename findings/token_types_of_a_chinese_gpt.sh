#!/usr/bin/env bash
# transformers: a Chinese GPT-2 gives other answers to model(**tokenizer(text)) than to its token ids.
#
# Tried: transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: model(**tokenizer(text, return_tensors="pt")) is the way to call any model; one segment, all
#   token_type_ids 0, is the same as none, as in BERT. generate and the pipeline take it as well.
# Seen: GPT-2 has no table of segments and looks token_type_ids up in its table of words. Chinese GPT-2s
#   are usually published with a BertTokenizer (uer/gpt2-chinese-cluecorpussmall, for one), which
#   hands out zeros: each place then gets the vector of token 0, [PAD], on top of its own. Loss and
#   text are those of another model, in forward and in generate. Nothing is printed.
#       a small GPT-2 that knows four sentences by heart, of 24 places to guess
#       model(ids): loss 0.20, 0 wrong      model(**encoded): loss 1.48, 7 wrong
#   The pipeline leaves them out, so it is right where one's own loop is not; and a training loop that
#   hands them over makes a model that is right only with them.
# Cure: tokenizer(text, return_token_type_ids=False), in training and after it. Chapter 8 says so; its
#   own GPT is a BERT that looks to the left, with a table of segments.
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
from transformers import BertTokenizer, GPT2Config, GPT2LMHeadModel, pipeline

texts = ["明天上午有雨", "我们去看球赛", "股票价格下跌", "学校今日开学"]
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys("".join(texts))]
tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
encoded = tokenizer(texts, return_tensors="pt")
ids = encoded["input_ids"]

torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(
    vocab_size=len(words), n_embd=64, n_layer=2, n_head=2, n_positions=16,
    resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=2, eos_token_id=3, pad_token_id=0,
))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for _ in range(600):
    optimizer.zero_grad()
    model(ids, labels=ids).loss.backward()
    optimizer.step()
model.eval()

print("transformers", transformers.__version__, "keys", list(encoded))
with torch.no_grad():
    losses = {
        "model(ids)": model(ids, labels=ids).loss.item(),
        "model(**encoded)": model(**encoded, labels=ids).loss.item(),
        "without token_type_ids": model(
            **tokenizer(texts, return_tensors="pt", return_token_type_ids=False),
            labels=ids,
        ).loss.item(),
    }
for name, loss in losses.items():
    print(f"{name}: loss {loss:.2f}")
with torch.no_grad():
    wrong = {
        name: int((logits[:, :-1].argmax(-1) != ids[:, 1:])[:, 1:].sum())
        for name, logits in (("model(ids)", model(ids).logits), ("model(**encoded)", model(**encoded).logits))
    }
print("of 24 places behind the first character wrong:", wrong)

handed_on = []
model.register_forward_pre_hook(
    lambda module, args, inputs: handed_on.append(inputs.get("token_type_ids") is not None),
    with_kwargs=True,
)
model.generate(**tokenizer("明天", return_tensors="pt"), max_new_tokens=1, do_sample=False)
pipeline("text-generation", model, tokenizer=tokenizer)("明天", max_new_tokens=1, do_sample=False)
print(f"token types reach the model: from generate {handed_on[0]}, from the pipeline {handed_on[1]}")
plain, all_keys, left_out = losses.values()
if not (plain < 0.5 and all_keys > plain + 0.5 and abs(left_out - plain) < 1e-4):
    sys.exit("changed: token types no longer change the loss")
if wrong["model(ids)"] != 0 or wrong["model(**encoded)"] == 0 or handed_on != [True, False]:
    sys.exit(f"changed: wrong places {wrong}, handed on {handed_on}")
print("as described: token type 0 is added as the word [PAD]")
PY
