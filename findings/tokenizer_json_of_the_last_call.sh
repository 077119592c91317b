#!/usr/bin/env bash
# transformers + tokenizers: tokenizer.json keeps the truncation and the padding of the last call.
#
# Tried: transformers 5.23.0, tokenizers 0.23.3, Python 3.11, November 2026.
# Guess: tokenizer(texts, truncation=True, max_length=4, padding=True) is a matter of that call;
#   save_pretrained writes the tokenizer, not what was last done with it.
# Seen: the call sets truncation and padding on the Rust tokenizer, and save_pretrained writes them
#   into tokenizer.json. transformers sets them anew at each call, so nobody who loads the folder
#   with AutoTokenizer notices. Whoever reads the same file with `tokenizers` (a server in Rust, an
#   ONNX pipeline, a browser) gets texts cut at 4 tokens, and which length it is depends on
#   whether one predicted before one saved.
#       saved before any call   truncation null   8 tokens
#       saved after a call      max_length 4      4 tokens
# Cure: tokenizer.backend_tokenizer.no_truncation() and .no_padding() before save_pretrained.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.23.0 tokenizers==0.23.3
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error \
  "$folder/venv/bin/python" - "$folder" <<'PY'
import json
import sys
from pathlib import Path

import tokenizers
import transformers
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertTokenizer

print("transformers", transformers.__version__, "tokenizers", tokenizers.__version__)
folder = Path(sys.argv[1])
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"明天上午有雨"]
tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
text, seen = "明天上午有雨", {}
for name in ("before", "after"):
    tokenizer.save_pretrained(folder / name)
    written = json.loads((folder / name / "tokenizer.json").read_text(encoding="utf-8"))
    alone = len(Tokenizer.from_file(str(folder / name / "tokenizer.json")).encode(text).ids)
    again = len(AutoTokenizer.from_pretrained(folder / name)(text)["input_ids"])
    cut = written["truncation"] and written["truncation"]["max_length"]
    seen[name] = (cut, alone, again)
    print(f"saved {name} the call: truncation {cut}; tokenizers {alone} tokens, transformers {again}")
    tokenizer([text, text[:2]], truncation=True, max_length=4, padding=True)
if seen != {"before": (None, 8, 8), "after": (4, 4, 8)}:
    sys.exit("changed: what is written depends on the last call otherwise now")
print("as described: the last call stands in the file")
PY
