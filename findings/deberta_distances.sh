#!/usr/bin/env bash
# transformers: DeBERTa's position-to-content scores look up i - j, where the paper has j - i.
#
# Tried: transformers 5.23.0, torch 2.13.0, Python 3.11, November 2026.
# Guess: the two position terms as in the paper (arXiv 2006.03654, equation 4): content to position
#   q_i . k^r[d(i, j)], position to content k_j . q^r[d(j, i)], with d(i, j) = i - j + k.
# Seen: the library looks up d(i, j) in both. Written after the paper, the attention differs from the
#   library's; with i - j in both it is equal to 1e-6. Weights trained with the one cannot be used
#   with the other, as both terms share one table of distances.
# Also: DebertaV2Config() has none of it. `relative_attention=True`, `pos_att_type=["c2p", "p2c"]`
#   switch it on; without them the model is a BERT with absolute positions.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  transformers==5.23.0 torch==2.13.0 numpy
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PY'
import sys

import torch
import transformers
from transformers import DebertaV2Config, DebertaV2Model

print("transformers", transformers.__version__, "torch", torch.__version__)
torch.manual_seed(0)
config = DebertaV2Config(
    vocab_size=100,
    hidden_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=32,
    relative_attention=True,
    pos_att_type=["c2p", "p2c"],
    position_biased_input=False,
    initializer_range=1.0,  # so that the difference is plain to see
)
model, ids = DebertaV2Model(config).eval(), torch.tensor([[5, 6, 7, 8, 6]])
attention = model.encoder.layer[0].attention.self


def by_head(states):
    return states.view(*states.shape[:-1], 2, 8).transpose(-3, -2)


with torch.no_grad():
    states, table = model.embeddings(ids), model.encoder.get_rel_embedding()
    query, key = by_head(attention.query_proj(states)), by_head(attention.key_proj(states))
    places = by_head(attention.pos_key_proj(table)), by_head(attention.pos_query_proj(table))
    distance = torch.arange(5)[:, None] - torch.arange(5)
    content = query @ key.transpose(-1, -2)
    content += torch.einsum("bhid,hijd->bhij", query, places[0][:, distance + 32])
    library = model(ids, output_attentions=True).attentions[0]
    gaps = []
    for looked_up in (distance, -distance):
        third = torch.einsum("bhjd,hijd->bhij", key, places[1][:, looked_up + 32])
        weights = ((content + third) / (3 * 8) ** 0.5).softmax(-1)
        gaps.append((weights - library).abs().max().item())
print(f"largest difference: with i - j {gaps[0]:.1e}, with j - i as in the paper {gaps[1]:.2f}")
if gaps[0] > 1e-5 or gaps[1] < 0.01:
    sys.exit("changed: the library no longer looks up i - j in both terms")
print("as described: i - j in both terms")
PY
