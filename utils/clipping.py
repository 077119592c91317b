"""Gradients clipped without a pass over them of its own: AdamW divides them as it reads them."""

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

ROOM = 1e-6  # what torch adds to the norm that it divides by


def takes_clipping(optimizer: Optimizer) -> bool:
    """Can `clip_in_step` be used: is it AdamW, fused, on a processor?

    On a GPU the loss may be scaled, for which the same place is needed.
    """
    groups = optimizer.param_groups
    return isinstance(optimizer, AdamW) and all(
        group["fused"] and each.device.type == "cpu" for group in groups for each in group["params"]
    )


def clip_in_step(optimizer: Optimizer, max_norm: float) -> Tensor:
    """Have the next step do what `clip_grad_norm_` does before it: the norm, as it was, ().

    torch's fused optimizers divide each gradient by `grad_scale` as they read it, made for the
    scaled losses of fp16. `clip_grad_norm_` reads and writes all gradients once more: of a batch of
    short texts, a twentieth of the step of a small model.

    Args:
        optimizer: one that `takes_clipping`; its parameters have their gradients.
        max_norm: all gradients together are made no longer than this.
    """
    parameters = (each for group in optimizer.param_groups for each in group["params"])
    gradients = [each.grad for each in parameters if each.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    optimizer.grad_scale = ((norm + ROOM) / max_norm).clamp(min=1)

    def forget(*_) -> None:
        del optimizer.grad_scale
        once.remove()

    once = optimizer.register_step_post_hook(forget)
    return norm


class ClippingInStep:
    """Of a `transformers.Trainer`: clips so wherever it can, else as the Trainer does."""

    def _clip_grad_norm(self, model: torch.nn.Module) -> Tensor:
        optimizer = getattr(self.optimizer, "optimizer", self.optimizer)  # accelerate wraps it
        if takes_clipping(optimizer):
            return clip_in_step(optimizer, self.args.max_grad_norm)
        return super()._clip_grad_norm(model)
