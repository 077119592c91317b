"""Clipping within AdamW's step: the same steps as clipping before it."""

import copy

import pytest
import torch
from transformers import TrainingArguments

from utils.clipping import clip_in_step, takes_clipping
from utils.finetuning import BucketTrainer

MAX_NORM = 1.0


def model_and_inputs():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3, bias=False)
    )
    return model, torch.randn(10, 32, 8), torch.randint(0, 3, (10, 32))


def adamw(model):
    return torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.01, fused=True)


@pytest.mark.parametrize("scale", [0.01, 1.0, 50.0], ids=["short", "near", "long"])
def test_steps_are_those_of_clipping_before(scale):
    usual, inputs, labels = model_and_inputs()
    ours = copy.deepcopy(usual)
    norms = {"usual": [], "ours": []}
    first = adamw(usual), adamw(ours)
    for values, answers in zip(inputs, labels, strict=True):
        for name, model, optimizer in (("usual", usual, first[0]), ("ours", ours, first[1])):
            loss = scale * torch.nn.functional.cross_entropy(model(values), answers)
            loss.backward()
            if name == "usual":
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
            else:
                norm = clip_in_step(optimizer, MAX_NORM)
            norms[name].append(norm)
            optimizer.step()
            optimizer.zero_grad()
    for one, other in zip(usual.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(torch.stack(norms["usual"]), torch.stack(norms["ours"]))
    longest = max(norms["ours"])
    assert longest < MAX_NORM if scale == 0.01 else longest > MAX_NORM or scale == 1.0


def test_without_clipping_the_steps_differ():
    """The control: AdamW's steps do depend on it, because its mean remembers earlier lengths."""
    usual, inputs, labels = model_and_inputs()
    ours = copy.deepcopy(usual)
    optimizers = adamw(usual), adamw(ours)
    for step, (values, answers) in enumerate(zip(inputs, labels, strict=True)):
        for model, optimizer in zip((usual, ours), optimizers, strict=True):
            (10**step * torch.nn.functional.cross_entropy(model(values), answers)).backward()
            if model is ours:
                clip_in_step(optimizer, MAX_NORM)
            optimizer.step()
            optimizer.zero_grad()
    assert (usual[0].weight - ours[0].weight).abs().max() > 1e-3


def test_only_the_next_step_is_clipped():
    model, inputs, labels = model_and_inputs()
    optimizer = adamw(model)
    torch.nn.functional.cross_entropy(model(inputs[0]), labels[0]).backward()
    clip_in_step(optimizer, 1e-3)
    assert optimizer.grad_scale > 1
    optimizer.step()
    assert not hasattr(optimizer, "grad_scale")
    assert not optimizer._optimizer_step_post_hooks


@pytest.mark.parametrize(
    ("make", "takes"),
    [
        (lambda weights: torch.optim.AdamW(weights, fused=True), True),
        (lambda weights: torch.optim.AdamW(weights), False),
        (lambda weights: torch.optim.SGD(weights, lr=0.1, fused=True), False),
    ],
    ids=["fused AdamW", "AdamW", "SGD"],
)
def test_which_optimizer_takes_it(make, takes):
    assert takes_clipping(make([torch.nn.Parameter(torch.zeros(2))])) == takes


@pytest.mark.parametrize("optim", ["adamw_torch_fused", "adamw_torch"])
def test_a_trainer_logs_the_length_and_forgets_the_division(tmp_path, optim):
    """Whatever the optimizer is; the log tells the length before clipping."""

    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def forward(self, x, labels=None):
            return {"loss": (100 * self.weight - x).square().mean()}

    rows = [{"x": torch.tensor(1.0)} for _ in range(4)]
    trainer = BucketTrainer(
        model=Plain(),
        args=TrainingArguments(
            output_dir=str(tmp_path), optim=optim, max_steps=1, logging_steps=1, use_cpu=True,
            report_to="none", save_strategy="no", disable_tqdm=True, remove_unused_columns=False,
        ),
        train_dataset=rows,
    )  # fmt: skip
    trainer.train()
    assert trainer.state.log_history[0]["grad_norm"] == pytest.approx(200)  # 2 * 100 * (0 - 1)
    assert not hasattr(trainer.optimizer.optimizer, "grad_scale")
