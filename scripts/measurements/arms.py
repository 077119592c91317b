"""The models that comparison.py compares, and in which ways each is asked."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from utils.measuring import (
    continue_with_gpt,
    continue_with_t5,
    fill_with_bert,
    fill_with_gpt,
    fill_with_t5,
    next_token_losses,
    pseudo_losses,
)
from utils.models import file_sha256
from utils.training_log import text_budget, training_rounds

BEFORE = "t5-before-tasks"  # mini-t5 after span corruption, before it was taught tasks


@dataclass(frozen=True)
class Arm:
    """One side of the comparison.

    Args:
        model: its name in the course; "" where a folder is given on the command line.
        fill: the scores of a blank's words in each of its ways, then whether it wrote the word.
        ways: what the rows of filling in are called behind the arm's name, one a way.
        text_losses: losses of a text's tokens; None: cannot be asked.
        half_losses: losses of a second half, given the first; None: cannot be asked.
        pooling: how its features are made one vector a text.
        folder: where it lies (`located`).
    """

    model: str
    fill: Callable
    ways: tuple[str, ...] = ("",)
    text_losses: Callable | None = None
    half_losses: Callable | None = None
    pooling: tuple[str, ...] = ("mean",)
    folder: str = ""

    def located(self, folder: str) -> "Arm":
        """The same arm with the folder of its model."""
        return replace(self, folder=folder)

    @property
    def weights(self) -> dict[str, str]:
        """What its rows depend on: the fingerprint of its model."""
        return {"model_sha256": file_sha256(Path(self.folder) / "model.safetensors")}

    def describe(self) -> dict:
        """What its rows say of it: its name, and what its training.json says it was taught."""
        taught = [task for each in training_rounds(self.folder) for task in each.get("tasks", [])]
        return {
            "model": Path(self.folder).name,
            "tasks_seen": taught,
            "training": text_budget(self.folder),
        }


ARMS = {
    "bert": Arm("mini-bert-zh", fill_with_bert, ("", "by turns"), pseudo_losses),
    "gpt": Arm(
        "mini-gpt-zh",
        fill_with_gpt,
        ("left", "whole"),
        next_token_losses,
        continue_with_gpt,
        pooling=("mean", "last"),
    ),
    "t5": Arm("mini-t5", fill_with_t5, half_losses=continue_with_t5),
    BEFORE: Arm("", fill_with_t5, half_losses=continue_with_t5),
}
MODELS = {name: arm.model for name, arm in ARMS.items() if arm.model}
