"""Fine-tuning that keeps the best epoch by a measure of the caller's own.

`fine_tune` counts the classes of rows. Answers that are stretches of a passage, and grades, are
measured otherwise: by a function of the model, called after each epoch.
"""

import contextlib
import math
import tempfile
from collections.abc import Callable
from pathlib import Path

from datasets import Dataset
from torch import nn
from transformers import (
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    PreTrainedTokenizerBase,
    PrinterCallback,
    TrainingArguments,
)
from transformers.utils import logging

from utils.finetuning.recipe import BucketTrainer
from utils.profile import SEED, bf16_available, device
from utils.resuming import check_same_run, last_complete_checkpoint

Measure = Callable[[nn.Module], dict[str, float]]


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
    model: nn.Module,
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
        ValueError: no rows, a measure that is not a number, or `output` holds the checkpoints of
            a run with other settings.
    """
    if len(train) == 0:
        raise ValueError("fine_tune_by: the training split needs at least one row")
    # Each forward takes **kwargs, from which Trainer concludes that it divides its loss by the
    # number of accumulated batches. None does: the steps would be that many times too large.
    model.accepts_loss_kwargs = False
    recipe = {
        "per_device_train_batch_size": batch_size,
        "learning_rate": learning_rate,
        "num_train_epochs": epochs,
        "warmup_steps": 0.1,  # a fraction: the first tenth of the run, however short it is
        "weight_decay": 0.01,
        "optim": "adamw_torch_fused",
        "train_sampling_strategy": "group_by_length",
        "bf16": bf16_available(),
        "use_cpu": device().type == "cpu",
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "load_best_model_at_end": True,
        # Early stopping and the kept checkpoint must go by the same measure.
        "metric_for_best_model": best,
        # Said: Trainer takes whatever is not called a loss for the better the greater.
        "greater_is_better": not lower_is_better,
        "logging_strategy": "epoch",
        "report_to": "none",
        "disable_tqdm": not progress,
        "log_level": "error",
        "seed": seed,
    }
    with contextlib.ExitStack() as stack:
        if output is None:
            output = stack.enter_context(tempfile.TemporaryDirectory())
            recipe["save_only_model"] = True  # nobody can resume from a temporary folder
        settings = dict(rate=learning_rate, epochs=epochs, batch=batch_size, seed=seed, best=best)
        check_same_run(output, settings | options | {"rows": len(train), "patience": patience})
        trainer = MeasuringTrainer(
            measure=measure,
            model=model,
            args=TrainingArguments(output_dir=str(output), **(recipe | options)),
            train_dataset=train,
            eval_dataset=train,  # Trainer wants some; `measure` has its own
            processing_class=tokenizer,
            data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8),
            callbacks=[EarlyStoppingCallback(patience)] if patience else [],
        )
        if not progress:  # Trainer would print every log as a dict instead
            trainer.remove_callback(PrinterCallback)
            shown = logging.is_progress_bar_enabled()
            logging.disable_progress_bar()  # those of each checkpoint, drawn whatever it is told
            if shown:
                stack.callback(logging.enable_progress_bar)
        trainer.train(resume_from_checkpoint=last_complete_checkpoint(output))
    # Training in bf16 leaves a forward that always computes so: the model would answer otherwise
    # than when it is saved and loaded again.
    trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    return trainer
