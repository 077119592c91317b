#!/usr/bin/env bash
# torch: nn.TransformerEncoder puts zeros at padded places when it predicts, and numbers when it trains.
#
# Tried: torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: without dropout, train() and eval() give the same; src_key_padding_mask keeps others from
#   looking at the padding, and what stands at the padding itself is one and the same leftover.
# Seen: real places agree to 1e-6. At padded places eval() under no_grad gives exact zeros (the fast
#   path takes the padding out and fills up with zeros), and everything else gives what the layers
#   compute there. A mean over the places, x.mean(1), which many classifiers take, is then another
#   number in prediction than the head was trained on; so is a maximum. norm_first=True, and
#   eval() with gradients, never take that path: it depends on all three.
#       place of padding, first number: train -0.98, eval -0.98, eval under no_grad 0.00
#   (Issue 86120 of pytorch/pytorch, open since 2022.)
# Cure: divide by the mask: (x * real).sum(1) / real.sum(1). Or enable_nested_tensor=False, which the
#   course's own toy models set. Compare model.train() and model.eval() once on a padded batch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy
"$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import torch
from torch import nn

print("torch", torch.__version__)
torch.manual_seed(0)
vectors = torch.randn(2, 5, 16)
real = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool)


def looked_at(**settings):
    """Of the padded text: number at padding, plain mean and mean over real places; three ways."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(
        16, 2, 32, dropout=0.0, batch_first=True, norm_first=settings.pop("norm_first", False)
    )
    encoder = nn.TransformerEncoder(layer, 2, **settings)
    found = {}
    for way, training, gradients in (
        ("train", True, True), ("eval", False, True), ("eval, no_grad", False, False),
    ):
        encoder.train(training)
        with torch.set_grad_enabled(gradients):
            states = encoder(vectors, src_key_padding_mask=~real)
        over_real = (states * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        found[way] = [round(each.item(), 3) for each in (states[0, 3, 0], states.mean(1)[0, 0], over_real[0, 0])]
    return found


usual, first, switched_off = looked_at(), looked_at(norm_first=True), looked_at(enable_nested_tensor=False)
for name, found in (("usual", usual), ("norm_first", first), ("enable_nested_tensor=False", switched_off)):
    for way, (padded, plain, over_real) in found.items():
        print(f"{name}, {way}: at padding {padded}, mean {plain}, mean over real places {over_real}")
train, evaluated, predicted = usual.values()
right = [
    train == evaluated,
    predicted[0] == 0 != train[0],
    abs(predicted[1] - train[1]) > 0.01,
    abs(predicted[2] - train[2]) < 0.002,
    all(abs(a - b) < 0.002 for a, b in zip(first["train"], first["eval, no_grad"], strict=True)),
    switched_off["eval, no_grad"][0] != 0,
]
if not all(right):
    sys.exit(f"changed: {right}")
print("as described: zeros at the padding in prediction only")
PY
