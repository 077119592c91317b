#!/usr/bin/env bash
# transformers: what BigBird makes of a long text depends on whether it has seen a short one before.
#
# Tried: transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: in eval mode a model answers the same text the same way. For a text too short for blocks it
#   says that it changes to full attention: for that text, or that batch.
# Seen: it stays so. set_attention_type is called on the whole model, and nothing calls it back: from
#   the first short batch on, long texts are read with full attention, too, with other vectors,
#   and with the memory that blocks were there to save. config.attention_type goes on saying
#   "block_sparse". So the order of the texts decides: a short last batch of training changes the
#   evaluation, a warm-up with "hello" changes a server.
#       a long text twice: 0.0     a short one in between: 1.9, config still block_sparse
#   The default needs more than 704 tokens for blocks, so most batches of ordinary texts are "short".
# Cure: model.set_attention_type("block_sparse") before each long batch (nothing happens if it is so);
#   or attention_type="original_full" for good, if the texts allow it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import torch
import transformers
from transformers import BigBirdConfig, BigBirdModel

torch.manual_seed(0)
model = BigBirdModel(BigBirdConfig(
    vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
    max_position_embeddings=512, block_size=4, num_random_blocks=1,
)).eval()
for parameter in model.parameters():
    if parameter.dim() > 1:
        parameter.data.normal_(0, 0.2)
long_text, short_text = (torch.randint(5, 70, (1, length)) for length in (256, 12))


def read(ids):
    with torch.no_grad():
        return model(ids).last_hidden_state


print("transformers", transformers.__version__)
first = read(long_text)
again = (read(long_text) - first).abs().max().item()
read(short_text)
after_short = (read(long_text) - first).abs().max().item()
says = model.config.attention_type
model.set_attention_type("block_sparse")
set_back = (read(long_text) - first).abs().max().item()
print(f"the long text again: {again}, after a short one: {after_short:.1f}, set back: {set_back}")
print(f"config.attention_type after the short one: {says}")
if not (again == set_back == 0 and after_short > 0.1 and says == "block_sparse"):
    sys.exit("changed: a short text no longer changes what follows")
print("as described: full attention stays on after a short text")
PY
