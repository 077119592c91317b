"""The plain training loop of chapter 3, for models that are trained in a minute."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from utils.pretraining.masked import pretraining_loss
from utils.profile import bf16_available


def train_steps(
    model: nn.Module,
    rows: Sequence[dict],
    collate: Callable[[list[dict]], dict[str, torch.Tensor]],
    steps: int,
    learning_rate: float = 1e-3,
    batch_size: int = 32,
    nsp_weight: float = 1.0,
) -> list[float]:
    """Train on `rows` in their order, from the front again after the last; the loss of each step.

    For small models, of `utils.bert` or of transformers: AdamW, linear warm-up over the first tenth
    of the steps, then linear decay to 0. Long runs belong to `scripts/pretrain.py`, which resumes.

    Args:
        rows: what `collate` makes a batch of.
        collate: rows -> the model's inputs, such as a `PretrainingCollator`.
        nsp_weight: of NSP's loss beside MLM's.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    warmup = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))
    )
    model.train()
    device = next(model.parameters()).device
    losses = []
    for step in range(steps):
        places = range(step * batch_size, (step + 1) * batch_size)
        batch = collate([rows[place % len(rows)] for place in places])  # masked anew
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16_available()):
            loss = pretraining_loss(model, batch, nsp_weight)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
