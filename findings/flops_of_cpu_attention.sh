#!/usr/bin/env bash
# torch: FlopCounterMode counts no attention at all on a processor, or all of it, by the shape.
#
# Tried: torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: torch.utils.flop_counter counts scaled_dot_product_attention wherever it runs; its
#   registry has the fused kernels. So models can be compared by what it says.
# Seen: four-dimensional queries (batch, heads, places, size), as all models give them, go to
#   aten::_scaled_dot_product_flash_attention_for_cpu, which is not in the registry: 0, without a
#   warning. The same numbers without the batch take the written-out path, and are counted:
#       (1, 4, 32, 16) 0      (4, 32, 16) 262,144      (1, 4, 32, 16) on meta 262,144
#   A padded batch then seems to need less attention than the same texts one by one.
# Cure: count on the meta device, or by a formula (chapter 11 does both), or with
#   torch.nn.attention.sdpa_kernel(SDPBackend.MATH).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PY'
import sys

import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode


def counted(*shape, device="cpu"):
    query = torch.randn(*shape, device=device)
    with FlopCounterMode(display=False) as counter:
        scaled_dot_product_attention(query, query, query)
    return counter.get_total_flops()


print("torch", torch.__version__)
found = counted(1, 4, 32, 16), counted(4, 32, 16), counted(1, 4, 32, 16, device="meta")
print(f"batch of one {found[0]:,}, no batch {found[1]:,}, batch of one on meta {found[2]:,}")
if found != (0, 262_144, 262_144):
    sys.exit(f"changed: {found}, no longer (0, 262144, 262144)")
print("as described: attention in a batch is not counted")
PY
