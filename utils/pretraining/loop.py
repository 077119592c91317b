"""The plain training loop of chapter 3, for models that are trained in a minute."""

from collections.abc import Callable, Sequence

import torch

from utils.pretraining.masked import BertForMaskedPreTraining
from utils.profile import bf16_available


def train_steps(
    model: BertForMaskedPreTraining,
    rows: Sequence[dict],
    collate: Callable[[list[dict]], dict[str, torch.Tensor]],
    steps: int,
    learning_rate: float = 1e-3,
    batch_size: int = 32,
) -> list[float]:
    """Train on `rows` in their order, from the front again after the last; the loss of each step.

    The plain loop of chapter 3, for small models: AdamW, linear warm-up over the first tenth of
    the steps, then linear decay to 0. Long runs belong to `scripts/pretrain.py`, which can resume.

    Args:
        rows: what `collate` makes a batch of.
        collate: rows -> the model's inputs, such as a `PretrainingCollator`.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    warmup = max(1, steps // 10)
    # transformers' get_linear_schedule_with_warmup begins at 0: its first step learns nothing, and
    # a run of one step nothing at all. Here step k of the warm-up has the share k / warm-up.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))
    )
    model.train()
    losses = []
    for step in range(steps):
        places = range(step * batch_size, (step + 1) * batch_size)
        batch = collate([rows[place % len(rows)] for place in places])  # masked anew
        batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
        with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16_available()):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
