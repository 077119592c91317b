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
from transformers import (
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    TrainingArguments,
)

from utils.finetuning.classifier import check_length
from utils.finetuning.recipe import OF_THE_MACHINE, BucketTrainer, _no_bars, recipe
from utils.profile import SEED
from utils.resuming import (
    BestCheckpointHere,
    check_same_run,
    data_fingerprint,
    last_complete_checkpoint,
    model_fingerprint,
)

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
        ValueError: no rows, rows longer than the model can read, a measure that is not a number,
            or `output` holds the checkpoints of another run.
    """
    if len(train) == 0:
        raise ValueError("fine_tune_by: the training split needs at least one row")
    check_length(model, max(map(len, train["input_ids"])))
    # Each forward takes **kwargs, from which Trainer concludes that it divides its loss by the
    # number of accumulated batches. None does: the steps would be that many times too large.
    model.accepts_loss_kwargs = False
    settings = recipe(learning_rate, epochs, batch_size, seed, progress)
    # Said: Trainer takes whatever is not called a loss for the better the greater.
    settings |= {"metric_for_best_model": best, "greater_is_better": not lower_is_better} | options
    with contextlib.ExitStack() as stack:
        if output is None:
            output = stack.enter_context(tempfile.TemporaryDirectory())
            settings = {"save_only_model": True} | settings  # nobody can resume from there
        else:
            fixed = {name: settings[name] for name in settings.keys() - OF_THE_MACHINE}
            data, start = data_fingerprint(train), model_fingerprint(model)
            check_same_run(output, fixed | {"patience": patience}, data, start)
        early = [EarlyStoppingCallback(patience)] if patience else []
        trainer = MeasuringTrainer(
            measure=measure,
            model=model,
            args=TrainingArguments(output_dir=str(output), **settings),
            train_dataset=train,
            eval_dataset=train,  # Trainer wants some; `measure` has its own
            processing_class=tokenizer,
            data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8),
            callbacks=[BestCheckpointHere(), *early],
        )
        if not progress:  # Trainer would print every log as a dict instead
            trainer.remove_callback(PrinterCallback)
            stack.enter_context(_no_bars())
        trainer.train(resume_from_checkpoint=last_complete_checkpoint(output))
    # Training in bf16 leaves a forward that always computes so: the model would answer otherwise
    # than when it is saved and loaded again.
    trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    return trainer
