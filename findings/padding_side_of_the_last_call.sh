#!/usr/bin/env bash
# transformers: save_pretrained does not save tokenizer.padding_side, but the side of the last call.
#
# Tried: transformers 5.23.0, tokenizers 0.23.3, torch 2.13.0, Python 3.11, November 2026.
# Guess: whoever sets tokenizer.padding_side = "left" for a GPT and saves model and tokenizer gets
#   both back as they were. Or, if the side is none of what is saved, never.
# Seen: tokenizer_config.json holds the side only if it was given when the tokenizer was made or
#   loaded. Set afterwards it comes back if the last call of the tokenizer before saving padded on
#   that side: then tokenizer.json has kept the padding of that call, from which the side is read. A
#   call without padding wipes it out again, tokenizer.pad (what collators use) leaves nothing there,
#   and a side that was set back comes back wrong.
#       set to left, saved                                     right
#       set to left, a batch padded, saved                     left
#       set to left, a batch padded, one text called, saved    right
#       set to left, a batch padded by tokenizer.pad, saved    right
#       set to left, a batch padded, set to right, saved       left
#       given to from_pretrained as left, saved                left
#   On the wrong side the loaded GPT goes on behind the padding of a short prompt, and writes
#   something else there than before it was saved; a log message of `generate` tells of it.
# In the course: utils.finetuning.check_padding refuses a tokenizer that pads on the left, where a
#   BERT would go wrong without any message.
# Cure: AutoTokenizer.from_pretrained(folder, padding_side="left"), then save; or set the side
#   anew wherever the folder is loaded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  transformers==5.23.0 tokenizers==0.23.3 torch==2.13.0 numpy
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=critical \
  "$folder/venv/bin/python" - "$folder" <<'PY'
import sys
from pathlib import Path

import tokenizers
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

print("transformers", transformers.__version__, "tokenizers", tokenizers.__version__)
folder = Path(sys.argv[1])
words = ["<pad>", "</s>", "<unk>", *"明天上午有雨记得带伞"]
backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
backend.pre_tokenizer = pre_tokenizers.Split("", "isolated")
PreTrainedTokenizerFast(
    tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
).save_pretrained(folder / "gpt")
prompts = ["明天上午有雨", "带伞"]


def side_after(name, actions, **options):
    tokenizer = AutoTokenizer.from_pretrained(folder / "gpt", **options)
    for action in actions:
        if action == "call":
            tokenizer(prompts, padding=True)
        elif action == "call without":
            tokenizer(prompts[0])
        elif action == "pad":
            tokenizer.pad({"input_ids": [[3, 4, 5], [6]]})
        else:
            tokenizer.padding_side = action
    tokenizer.save_pretrained(folder / name)
    side = AutoTokenizer.from_pretrained(folder / name).padding_side
    print(f"{name:28} {side}")
    return side


sides = [
    side_after("set", ["left"]),
    side_after("set, called", ["left", "call"]),
    side_after("set, called, called without", ["left", "call", "call without"]),
    side_after("set, padded by pad", ["left", "pad"]),
    side_after("set, called, set back", ["left", "call", "right"]),
    side_after("given", [], padding_side="left"),
]

torch.manual_seed(0)
config = GPT2Config(
    vocab_size=len(words), n_positions=32, n_embd=32, n_layer=1, n_head=2, initializer_range=0.5,
    bos_token_id=1, eos_token_id=1, pad_token_id=0,
)
model = GPT2LMHeadModel(config).eval()


def written(tokenizer):
    """What the model writes behind the short prompt: alone, and in a batch with the long one."""
    options = {"max_new_tokens": 4, "do_sample": False}
    alone = tokenizer(prompts[1:], return_tensors="pt")
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    return [
        model.generate(**each, **options)[-1, each["input_ids"].shape[1] :].tolist()
        for each in (alone, batch)
    ]


before = AutoTokenizer.from_pretrained(folder / "gpt")
before.padding_side = "left"
same = [len(set(map(tuple, written(each)))) == 1
        for each in (before, AutoTokenizer.from_pretrained(folder / "set"))]
print("the short prompt is continued alike, alone and beside the long one: before saving", same[0],
      "after loading", same[1])
if sides != ["right", "left", "right", "right", "left", "left"] or same != [True, False]:
    sys.exit("changed: the side that comes back is another now")
print("as described: what comes back is the side on which the last call padded")
PY
