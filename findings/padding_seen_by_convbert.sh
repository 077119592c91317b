#!/usr/bin/env bash
# transformers: ConvBERT reads the padding that attention_mask says to ignore.
#
# Tried: transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: with its attention_mask a text gives the same vectors alone and in a padded batch, as in
#   BERT, ELECTRA, DeBERTa (its convolution included) and ModernBERT: to 1e-6 in all of these.
# Seen: half of ConvBERT's heads are convolutions over neighbours, and these take the vectors of
#   padding as they take others; the mask reaches the other half only. What a text gets depends on
#   whether a longer one stands in its batch: a score differs between one request and many, and
#   between padding="max_length" in training and none in serving.
#       largest difference alone / padded: BERT 1e-06, ConvBERT 0.8 (untrained; numbers of size 0.8)
#   Only the first padded place matters at first: one and eight of them differ little.
# Cure: serve with the padding of the training; or batches of equal length. To find it in any model:
#   compare one text alone and padded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import torch
import transformers
from transformers import BertConfig, BertModel, ConvBertConfig, ConvBertModel
from transformers import DebertaV2Config, DebertaV2Model, ModernBertConfig, ModernBertModel

print("transformers", transformers.__version__, "torch", torch.__version__)
sizes = dict(
    vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
    max_position_embeddings=64, initializer_range=0.3, pad_token_id=0,
)
models = {
    "BERT": (BertModel, BertConfig(**sizes)),
    "DeBERTa with its convolution": (DebertaV2Model, DebertaV2Config(
        **sizes, relative_attention=True, pos_att_type=["c2p", "p2c"], position_biased_input=False,
        conv_kernel_size=3, conv_act="gelu",
    )),
    "ModernBERT": (ModernBertModel, ModernBertConfig(**sizes, local_attention=6)),
    "ConvBERT": (ConvBertModel, ConvBertConfig(
        **sizes, embedding_size=16, head_ratio=1, conv_kernel_size=3
    )),
}
draw = torch.Generator().manual_seed(0)
ids = torch.randint(5, 60, (1, 9), generator=draw)
apart = {}
for name, (kind, config) in models.items():
    torch.manual_seed(0)
    model = kind(config).eval()
    apart[name] = []
    with torch.no_grad():
        alone = model(ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        for padding in (1, 8):
            nothing = torch.zeros(1, padding, dtype=torch.long)
            padded = model(
                torch.cat([ids, nothing], 1),
                attention_mask=torch.cat([torch.ones_like(ids), nothing], 1),
            ).last_hidden_state[:, :9]
            apart[name].append((padded - alone).abs().max().item())
    one, eight = apart[name]
    print(f"{name}: off by {one:.0e} with one padded place, {eight:.0e} with eight; size {alone.abs().mean():.1f}")
others = [gap for name, gaps in apart.items() if name != "ConvBERT" for gap in gaps]
if max(others) > 1e-4 or min(apart["ConvBERT"]) < 1e-2:
    sys.exit("changed: ConvBERT leaves the padding out now, or another model does not")
print("as described: the convolution reads the padding")
PY
