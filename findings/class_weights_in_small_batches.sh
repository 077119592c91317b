#!/usr/bin/env bash
# torch: class weights of cross_entropy do nothing in batches of one row, however many are accumulated.
#
# Tried: torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: weight=[10, 1] makes a row of the rare class count ten times; four rows at once, or one at a
#   time with the gradients added and divided by four, come to the same, as without weights.
# Seen: the mean is divided by the weights of the batch. Alone in a batch, a row is divided by its own
#   weight: 10 * loss / 10. So with long texts, a batch of 1 and gradient accumulation, the weights
#   have no effect at all; with batches of 2 or 4 a part of it, by chance of who meets whom.
#       share of the rare row in the update: whole batch 0.77, accumulated 0.25, unweighted 0.25
#   The formula is in the manual; the effect is not.
# Cure: reduction="sum" divided by what counts in all the batches of the step (Trainer hands
#   num_items_in_batch to compute_loss_func, whose result it does not divide again). The course's
#   class_weights had this fault; utils/finetuning/recipe.py divides so now, and a test compares.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy
"$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import torch
from torch.nn.functional import cross_entropy

print("torch", torch.__version__)
labels = torch.tensor([0, 1, 1, 1])  # one row of the rare class
rare = torch.tensor([10.0, 1.0])


def share(batch, weight=None):
    """The rare row's part of the gradient's size at the outputs, all outputs being equal."""
    outputs = torch.zeros(4, 2, requires_grad=True)
    for start in range(0, 4, batch):
        rows = slice(start, start + batch)
        (cross_entropy(outputs[rows], labels[rows], weight=weight) * batch / 4).backward()
    sizes = outputs.grad.abs().sum(1)
    return round((sizes[0] / sizes.sum()).item(), 2)


seen = {
    "unweighted, four rows at once": share(4),
    "unweighted, one at a time": share(1),
    "weighted, four rows at once": share(4, rare),
    "weighted, two at a time": share(2, rare),
    "weighted, one at a time": share(1, rare),
}
for name, part in seen.items():
    print(f"{name}: the rare row makes {part} of the update")
if list(seen.values()) != [0.25, 0.25, 0.77, 0.45, 0.25]:
    sys.exit("changed: the shares are others now")
print("as described: one at a time, weights have no effect")
PY
