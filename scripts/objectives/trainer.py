"""The training loop of all objectives: `Trainer`, whose loss counts every answer alike."""

from collections.abc import Iterator

import torch
from transformers import Trainer, TrainingArguments
from transformers.utils import ModelOutput

from objectives.run import Run, Setup
from utils.clipping import ClippingInStep
from utils.profile import bf16_available

# Processes that cut, mask and pad while the model is trained; an accelerator waits for one alone.
WORKERS = 4 if torch.cuda.is_available() else 1


def training_arguments(run: Run, setup: Setup, **others) -> TrainingArguments:
    """How `Trainer` is to train and what it is to keep; `others` say it otherwise."""
    options = dict(
        output_dir=str(run.work),
        max_steps=run.steps,
        per_device_train_batch_size=run.batch_size,
        gradient_accumulation_steps=run.accumulate,
        learning_rate=run.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=0.03,
        weight_decay=0.0 if setup.optimizer else 0.01,
        adam_beta2=0.98,
        adam_epsilon=1e-6,
        optim="adamw_torch_fused",
        bf16=bf16_available(),
        use_cpu=not torch.cuda.is_available(),
        train_sampling_strategy="sequential",
        remove_unused_columns=False,  # the collator needs the seeds of the rows
        dataloader_num_workers=WORKERS,
        dataloader_prefetch_factor=4,
        torch_compile=run.compiled,
        # One CUDA graph for each length of a batch: hundreds of kernels sent as one. Gradients that
        # wait for those of the next batch would lie where the graph writes them.
        torch_compile_mode="reduce-overhead" if run.compiled and run.accumulate == 1 else None,
        logging_nan_inf_filter=False,  # it asks the GPU for the loss of every step, and hides NaN
        eval_strategy="steps",
        eval_steps=run.save_every,
        save_steps=run.save_every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{setup.loss_name}",
        greater_is_better=False,
        logging_steps=50,
        report_to="none",
        seed=run.seed,
    )
    return TrainingArguments(**options | others)


class PretrainingTrainer(ClippingInStep, Trainer):
    """Trainer whose evaluation reports the objective's own measures on the held-out rows."""

    def __init__(self, setup: Setup, **options):
        self.setup = setup
        if torch.cuda.is_available():
            # Helpers hand each tensor over under a name: by file descriptor each takes a connection,
            # a millisecond, which a processor that trains does not notice.
            torch.multiprocessing.set_sharing_strategy("file_system")
        super().__init__(
            model=setup.model,
            train_dataset=setup.train_rows,
            eval_dataset=setup.held_out_batches,  # measured below in its own way
            data_collator=setup.collator,
            optimizer_cls_and_kwargs=setup.optimizer,
            **options,
        )
        self.model_accepts_loss_kwargs = False  # or Trainer counts and scales in its own way
        self.loss_is_scaled_for_ga = True  # by `compute_loss`

    def get_batch_samples(
        self, epoch_iterator: Iterator, num_batches: int, device: torch.device
    ) -> tuple[list[dict], torch.Tensor]:
        """This process's batches of a step, and how many answers all of the step's batches have."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        answers = torch.stack([self.setup.answers(batch) for batch in batches]).sum(0)
        return batches, self.accelerator.reduce(answers.to(device), "sum")

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, ModelOutput]:
        """The batch's share of the step's loss, in which every answer counts alike.

        A mean of the processes' own means would weigh an answer more where there are few. So two
        processes, or two batches before a step, learn what one batch of all rows teaches.

        Args:
            num_items_in_batch: answers of the whole step, as `get_batch_samples` counted them.
        """
        output = model(**inputs)
        shares = self.setup.answers(inputs) / num_items_in_batch.clamp(min=1)
        # The gradients of the processes are averaged, and so is what is logged: hence their number.
        loss = (self.setup.losses(output) * shares).sum() * self.args.world_size
        return (loss, output) if return_outputs else loss

    def floating_point_ops(self, inputs: dict[str, torch.Tensor]) -> int:
        """None are counted: for that Trainer would look for all parameters at every step."""
        return 0

    def _save_rng_state(self, output_dir: str) -> None:
        """Each process its own; what is written next says that the checkpoint is whole."""
        super()._save_rng_state(output_dir)
        self.accelerator.wait_for_everyone()

    def measure(self, batches: list[dict]) -> dict[str, float]:
        """The objective's measures on these batches."""
        return self.setup.measure(self.model, batches)

    def evaluate(self, *_, **__) -> dict[str, float]:
        """The objective's measures on the held-out rows, logged under `eval_` names."""
        metrics = self.measure(self.setup.held_out_batches)
        self.model.train()
        metrics = {f"eval_{name}": value for name, value in metrics.items()}
        self.log(metrics)
        # Trainer's own evaluate ends so: otherwise the last evaluation would run twice.
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics
