"""Fine-tuning that keeps the best epoch by a measure of the caller's own.

`fine_tune` counts the classes of rows. Answers that are stretches of a passage, and grades, are
measured otherwise: by a function of the model, called after each epoch.
"""

import math
from collections.abc import Callable
from pathlib import Path

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.finetuning.recipe import BucketTrainer, course_recipe, padding_for, run_trainer
from utils.profile import SEED

Measure = Callable[[PreTrainedModel], dict[str, float]]


class MeasuringTrainer(BucketTrainer):
    """Trainer that evaluates by calling `measure(model)`."""

    def __init__(self, *args, measure: Measure, **options):
        super().__init__(*args, **options)
        self.measure = measure

    def evaluate(
        self,
        eval_dataset: Dataset | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """The measures by name, each with the prefix, logged as Trainer logs its own.

        `measure` has its own rows: what Trainer hands over is not looked at.
        """
        measured = self.measure(self.model)
        best = self.args.metric_for_best_model
        if math.isnan(measured[best]):
            # Trainer would compare nan with the best so far, in vain, and keep any epoch.
            raise ValueError(
                f"{best} is not a number after {self.state.global_step} steps; take a smaller "
                "learning_rate, or another measure"
            )
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in measured.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics


def fine_tune_by(
    measure: Measure,
    best: str,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    *,
    lower_is_better: bool = False,
    learning_rate: float = 3e-4,
    epochs: int = 5,
    batch_size: int = 32,
    seed: int = SEED,
    output: str | Path | None = None,
    patience: int | None = None,
    progress: bool = True,
    **options: object,
) -> MeasuringTrainer:
    """Train on encoded rows; afterwards `trainer.model` is the epoch's with the best measure.

    Args:
        measure: called with the model after each epoch; gives measures by name.
        best: the name of the one that decides.
        train: rows with what the model's `forward` takes, not padded; other columns are ignored.
        lower_is_better: true of errors and losses.
        output: folder for checkpoints, as for `fine_tune`; a temporary one by default.
        patience: stop after so many epochs without a better measure.
        options: further `TrainingArguments`, which override the recipe.
    Returns:
        the `transformers.Trainer`; `trainer.state.log_history` holds the curves.
    Raises:
        ValueError: no rows, rows longer than the model can read, classes that do not agree with the
            model's, a measure that is not a number, or `output` holds the checkpoints of another
            run.
    """
    # Said: Trainer takes whatever is not called a loss for the better the greater.
    decides = {"metric_for_best_model": best, "greater_is_better": not lower_is_better}
    settings = course_recipe(learning_rate, epochs, batch_size, seed, progress) | decides | options
    return run_trainer(
        MeasuringTrainer, model, tokenizer, train, None, settings, output, patience,
        measure=measure, data_collator=padding_for(model, tokenizer),
    )  # fmt: skip
