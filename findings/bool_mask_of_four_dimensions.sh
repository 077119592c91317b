#!/usr/bin/env bash
# transformers: a boolean 4-D attention mask is right under fused attention and wrong, silently, under eager.
#
# Tried: transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: several short texts packed into one row need a block-diagonal mask (rows, 1, length,
#   length); True where a token may look, as torch's scaled_dot_product_attention has it. What is
#   right with attn_implementation="sdpa" is right with "eager", which one takes to see the maps.
# Seen: a mask of four dimensions is handed on as it is. Fused attention takes True for "may look".
#   Eager attention adds the mask to the scores, that is 1 and 0: every token looks everywhere.
#   Nothing is raised. Each packed text against the same text alone, largest difference:
#       sdpa   bool 1e-07   float (0 / most negative) 1e-07
#       eager  bool 1e-03   float                     2e-07     (untrained; 0.3 in logits, trained)
# Cure: give the additive float mask, which both take; compare one packed row with its texts alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - <<'PY'
import sys

import torch
import transformers
from transformers import BertConfig, BertModel

print("transformers", transformers.__version__, "torch", torch.__version__)
draw = torch.Generator().manual_seed(0)
ids = torch.randint(5, 50, (1, 6), generator=draw)  # two texts of three tokens in one row
text, places = torch.tensor([[0, 0, 0, 1, 1, 1]]), torch.tensor([[0, 1, 2, 0, 1, 2]])
may_look = text[:, None, :, None] == text[:, None, None, :]
added = torch.zeros(may_look.shape).masked_fill(~may_look, torch.finfo(torch.float32).min)
seen = {}
for attention in ("sdpa", "eager"):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, attn_implementation=attention,
    )
    model = BertModel(config).eval()
    with torch.no_grad():
        alone = torch.cat([model(part).last_hidden_state for part in ids.split(3, 1)], 1)
        for name, mask in (("bool", may_look), ("float", added)):
            packed = model(ids, attention_mask=mask, position_ids=places).last_hidden_state
            seen[attention, name] = (packed - alone).abs().max().item()
            print(f"{attention:5} {name:5} off by {seen[attention, name]:.0e}")
right = [seen["sdpa", "bool"], seen["sdpa", "float"], seen["eager", "float"]]
if max(right) > 1e-5 or seen["eager", "bool"] < 1e-4:
    sys.exit("changed: the two kinds of masks are taken otherwise now")
print("as described: the boolean mask is wrong under eager attention, without a word")
PY
