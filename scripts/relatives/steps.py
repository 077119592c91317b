"""A step of AdamW: which weights shrink, how the rate goes up and down, in which precision."""

import torch

from utils.profile import bf16_available

WEIGHT_DECAY = 0.01


def autocast(device: torch.device) -> torch.autocast:
    """bf16 where the machine has it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16_available())


def decayed(model: torch.nn.Module) -> list[dict]:
    """Groups for AdamW: matrices shrink, biases and LayerNorms do not (as in Trainer)."""
    parameters = [each for each in model.parameters() if each.requires_grad]
    return [
        {"params": [each for each in parameters if each.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [each for each in parameters if each.ndim < 2], "weight_decay": 0.0},
    ]


def warm_then_linear(
    optimizer: torch.optim.Optimizer, rate: float, step: int, steps: int, warmup: float
) -> None:
    """Set the rate of this step (from 0): up over a share of the steps, then down to 0."""
    up = max(1, round(warmup * steps))
    share = min((step + 1) / up, (steps - step) / max(1, steps - up))
    for group in optimizer.param_groups:
        group["lr"] = rate * share
