#!/usr/bin/env bash
# torch: a training loop that stands inside one autocast trains nothing that the model goes on to use.
#
# Tried: torch 2.13.0 (CPU, bfloat16), Python 3.11, November 2026.
# Guess: `with torch.autocast(…)` says in which precision products are computed. Whether it stands
#   around each forward pass or once around the loop is a matter of taste, at worst of speed: it is
#   a setting, as torch.no_grad() is.
# Seen: autocast keeps the 16-bit copy of each weight until its outermost block ends, and asks neither
#   the optimiser nor the weight whether it has changed. From the second step on the products take
#   the weights of the first: the same loss for ever, while the gradients and the weights move on,
#   so that grad_norm and the checkpoints look alive. In a Transformer what is not cast (LayerNorm,
#   embeddings) goes on learning: the loss is not quite constant, as with a rate too small.
#       loss of six steps   around each forward  0.65 0.57 0.52 0.47 0.44 0.40
#                           around the loop      0.65 0.65 0.65 0.65 0.65 0.65
#       other weights loaded between two passes of one block: the answers of the old ones
#   Nothing is printed. The manual says that autocast "should wrap only the forward pass(es)", and of
#   what happens otherwise only that backward passes under it "are not recommended".
# Cure: one autocast for each step, around the forward pass and the loss, nothing else; around a loop
#   only where no weight changes; or cache_enabled=False. The course's chapter 10 shows it (10.5).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PY'
import copy
import sys
from contextlib import nullcontext

import torch
from torch import nn

torch.manual_seed(0)
rows = torch.randn(32, 8)
labels = (rows[:, 0] > 0).long()
fresh = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 2))


def autocast(**settings):
    return torch.autocast("cpu", torch.bfloat16, **settings)


def six_losses(around_loop, around_step):
    """The losses of six steps, and whether the weights have moved."""
    model, losses = copy.deepcopy(fresh), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    with around_loop():
        for _ in range(6):
            with around_step():
                loss = nn.functional.cross_entropy(model(rows), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    moved = not torch.equal(model[0].weight, fresh[0].weight)
    return losses, moved


print("torch", torch.__version__)
step, _ = six_losses(nullcontext, autocast)
loop, moved = six_losses(autocast, nullcontext)
uncached, _ = six_losses(lambda: autocast(cache_enabled=False), nullcontext)
for name, losses in (("each forward", step), ("the loop", loop), ("the loop, no cache", uncached)):
    print(f"around {name}:", *(f"{loss:.2f}" for loss in losses))
print("weights moved in the loop:", moved)
model, other = copy.deepcopy(fresh), nn.Linear(16, 2)
with torch.no_grad(), autocast():
    before = model(rows)
    model[2].load_state_dict(other.state_dict())
    inside = model(rows)
with torch.no_grad(), autocast():
    outside = model(rows)
print("other weights loaded; as before:", torch.equal(inside, before), "; in a new block:", torch.equal(outside, before))
if not moved or step[-1] > 0.8 * step[0] or uncached != step:
    sys.exit("changed: the weights do not move, or autocast around each forward does not learn")
if len(set(loop)) > 1 or not torch.equal(inside, before) or torch.equal(outside, before):
    sys.exit("changed: autocast notices that weights have changed")
print("as described: the block goes on with the weights of its first pass")
PY
