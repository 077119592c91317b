"""Fine-tuning with HF Trainer: tokenise, train.

The default recipe puts texts of similar length into one batch (the batches in random order), leaves
out the padding and whatever else never reaches the logits (`without_padding`), and computes in bf16
where the machine has it: the same result as padding everything to 128 in fp32, in a fraction of the
time (measured in `results/throughput.jsonl`).
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from datasets import Dataset
from torch.utils.data import Sampler
from transformers import (
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)
from transformers.trainer_pt_utils import LengthGroupedSampler
from transformers.utils import logging

from utils.clipping import ClippingInStep
from utils.finetuning.classifier import check_length, check_padding
from utils.finetuning.packing import leaves_padding_out, without_padding
from utils.metrics import load_metrics
from utils.profile import SEED, bf16_available, device
from utils.resuming import (
    BestCheckpointHere,
    check_same_run,
    data_fingerprint,
    last_complete_checkpoint,
    model_fingerprint,
)


def tokenize(
    dataset: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int = 128
) -> Dataset:
    """Token ids of the column `text`, cut at `max_length` tokens, not padded; keeps `label`.

    Raises:
        ValueError: a text without any character, or no text at all, naming its row.
    """
    for row, text in enumerate(dataset["text"]):
        if text is not None and not isinstance(text, str):
            raise ValueError(
                f"row {row}: {text!r:.40} is no text; drop the row or fill in its text"
            )
        if not text or not text.strip():
            raise ValueError(f"row {row}: empty text; drop the row or fill in its text")
    return dataset.map(
        lambda batch: tokenizer(batch["text"], truncation=True, max_length=max_length),
        batched=True,
        remove_columns=["text"],
        keep_in_memory=True,
        load_from_cache_file=False,  # of a data set on disk: never what another call left there
    )


class ShuffledBatches(Sampler):
    """The batches of another sampler in random order, a short last one last.

    LengthGroupedSampler sorts some fifty batches at a time from long to short. Where the length
    of a text hints at its class, training then swings from class to class: a classifier from
    random weights on 5,000 news titles stayed at chance, with shuffled batches it reached 0.84.
    """

    def __init__(self, sampler: Sampler, batch_size: int):
        self.sampler, self.batch_size = sampler, batch_size

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[int]:
        batches = torch.tensor(list(self.sampler)).split(self.batch_size)
        whole = len(self) // self.batch_size
        order = [*torch.randperm(whole).tolist(), *range(whole, len(batches))]
        return iter([place for batch in order for place in batches[batch].tolist()])


class BucketTrainer(ClippingInStep, Trainer):
    """Trainer whose batches of similar length ("group_by_length") come in random order."""

    def _get_train_sampler(self, train_dataset=None):
        sampler = super()._get_train_sampler(train_dataset)
        if isinstance(sampler, LengthGroupedSampler):
            return ShuffledBatches(sampler, self.args.train_batch_size)
        return sampler


def course_recipe(
    learning_rate: float = 3e-4,
    epochs: int = 5,
    batch_size: int = 32,
    seed: int = SEED,
    progress: bool = True,
) -> dict:
    """Settings for `transformers.TrainingArguments`: how every classifier of the course is trained."""
    return {
        "per_device_train_batch_size": batch_size,
        "per_device_eval_batch_size": 64,
        "learning_rate": learning_rate,
        "num_train_epochs": epochs,
        "warmup_steps": 0.1,  # a fraction: the first tenth of the run, however short it is
        "weight_decay": 0.01,
        "optim": "adamw_torch_fused",
        "train_sampling_strategy": "group_by_length",
        "bf16": bf16_available(),
        "fp16": device().type == "cuda" and not bf16_available(),  # a T4 has no bf16
        "use_cpu": device().type == "cpu",
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "load_best_model_at_end": True,
        # Early stopping and the kept checkpoint must go by the same measure.
        "metric_for_best_model": "macro_f1",
        # A run that carries on must not wait for a better epoch from the beginning again.
        "restore_callback_states_from_checkpoint": True,
        "logging_strategy": "epoch",
        "report_to": "none",
        "disable_tqdm": not progress,
        "log_level": "error",
        "seed": seed,
    }


# A run may carry on on another machine, and be watched or not: the model is the same.
OF_THE_MACHINE = {"bf16", "fp16", "use_cpu", "disable_tqdm"}


def fine_tune(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset,
    *,
    learning_rate: float = 3e-4,
    epochs: int = 5,
    batch_size: int = 32,
    seed: int = SEED,
    output: str | Path | None = None,
    patience: int | None = None,
    progress: bool = True,
    class_weights: Sequence[float] | None = None,
    **options,
) -> BucketTrainer:
    """Train on tokenised splits; afterwards `trainer.model` is the best epoch's by macro F1.

    Args:
        train, validation: what `tokenize` returns.
        output: folder for checkpoints. A run that was interrupted carries on from the last
            complete one there, if it was the same run: the same rows, the same starting weights
            (make the model anew, with the same seed), the same settings. By default a temporary
            folder.
        patience: stop after so many epochs without a better macro F1 on the validation split.
        class_weights: how much the texts of each class count in the loss; all the same by default.
        options: further `TrainingArguments`, which override the recipe.
    Returns:
        the `transformers.Trainer`; `trainer.state.log_history` holds the curves.
    Raises:
        ValueError: no rows, rows longer than the model can read, classes that do not agree, a
            tokenizer that pads on the left, or `output` holds the checkpoints of another run.
    """
    settings = course_recipe(learning_rate, epochs, batch_size, seed, progress) | options
    return run_trainer(
        BucketTrainer, model, tokenizer, train, validation, settings, output, patience,
        data_collator=padding_for(model, tokenizer),
        compute_metrics=_measures(),
        compute_loss_func=None if class_weights is None else _weighted_loss(class_weights, train),
        further={} if class_weights is None else {"class_weights": list(map(float, class_weights))},
    )  # fmt: skip


def padding_for(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> DataCollatorWithPadding:
    """What pads a batch, to a multiple of `width_step`."""
    return DataCollatorWithPadding(tokenizer, pad_to_multiple_of=width_step(model))


def width_step(model: PreTrainedModel) -> int | None:
    """A batch is padded to a multiple of 8, which products like, if its padding is computed at all."""
    return None if leaves_padding_out(model) else 8


def run_trainer(
    kind: type[Trainer],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset | None,
    settings: dict,
    output: str | Path | None,
    patience: int | None,
    further: dict | None = None,
    **parts: object,
) -> Trainer:
    """Build a Trainer and run it, as each kind of fine-tuning does; see `fine_tune`.

    Args:
        kind: the class of the Trainer.
        validation: None where the Trainer evaluates on rows of its own.
        settings: all `TrainingArguments` but the folder.
        further: what else makes it another run than one that differs in it.
        parts: further arguments of the Trainer, such as `data_collator` and `compute_metrics`.
    Raises:
        ValueError: as `fine_tune`.
    """
    named = {"train": train} | ({} if validation is None else {"validation": validation})
    splits = list(named.values())
    if not all(map(len, splits)):
        raise ValueError("the split to train on, and that to validate on, need at least one row")
    check_padding(tokenizer, by_place="start_positions" in train.features)
    check_classes(model, **named)
    check_length(model, max(max(map(len, split["input_ids"])) for split in splits))
    # Each forward takes **kwargs, from which Trainer concludes that it divides its loss by the
    # number of accumulated batches. None does: the steps would be that many times too large.
    model.accepts_loss_kwargs = False
    with contextlib.ExitStack() as stack:
        if output is None:
            output = stack.enter_context(tempfile.TemporaryDirectory())
            settings = {"save_only_model": True} | settings  # nobody can resume from there
        else:
            fixed = {name: settings[name] for name in settings.keys() - OF_THE_MACHINE}
            data, start = data_fingerprint(*splits), model_fingerprint(model)
            check_same_run(output, fixed | {"patience": patience} | (further or {}), data, start)
        early = [EarlyStoppingCallback(patience)] if patience else []
        trainer = kind(
            model=model,
            args=TrainingArguments(output_dir=str(output), **settings),
            train_dataset=train,
            eval_dataset=splits[-1],  # Trainer wants some, also where it evaluates otherwise
            processing_class=tokenizer,
            callbacks=[BestCheckpointHere(), *early],
            **parts,
        )
        if settings["disable_tqdm"]:  # Trainer would print every log as a dict instead
            trainer.remove_callback(PrinterCallback)
            stack.enter_context(_no_bars())
        stack.enter_context(without_padding(model))
        trainer.train(resume_from_checkpoint=last_complete_checkpoint(output))
    # Training in bf16 leaves a forward that always computes so: the model would answer otherwise
    # than when it is saved and loaded again.
    trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    return trainer


def check_classes(model: PreTrainedModel, **splits: Dataset) -> None:
    """Do the model and the splits mean the same classes by the same ids?

    Where they do not, every answer is right but for its name: 物流 is reported as 体育.

    Args:
        splits: by their names, which the message gives.
    Raises:
        ValueError: names in another order or other names, ids that the model does not know, or
            both columns that may hold the classes.
    """
    known, whose = [model.config.id2label[i] for i in range(model.config.num_labels)], "the model's"
    if known == [f"LABEL_{i}" for i in range(len(known))]:  # nobody has named them
        whose = None
    for name, split in splits.items():
        # With a tokenizer Trainer learns `label`, without one `labels`, and says nothing.
        if {"label", "labels"} <= set(split.features):
            raise ValueError(
                f"{name}: two columns of classes, `label` and `labels`; remove_columns the one that "
                "is not to be learned"
            )
        column = next((each for each in ("label", "labels") if each in split.features), None)
        if column is None or not len(split):
            continue
        if not isinstance(split[0][column], int):  # a regression, or tokens
            continue
        if (highest := max(split[column])) >= len(known):
            raise ValueError(
                f"{name}: class id {highest}, but the model has {len(known)} classes; make the "
                "model with the class names of the data"
            )
        names = list(getattr(split.features[column], "names", None) or ())  # a tuple too
        if names and not whose:
            known, whose = names, f"those of {name}"
        elif names and names != known:
            differ = "in another order than" if sorted(names) == sorted(known) else "other than"
            raise ValueError(
                f"{name}: classes {differ} {whose} ({', '.join(names):.60}; {', '.join(known):.60}); "
                "load all splits with one classes=[...] and make the model with these names"
            )


def _weighted_loss(class_weights: Sequence[float], train: Dataset) -> Callable:
    """Cross-entropy, a mean over the rows of a step in which each counts as much as its class weighs.

    `cross_entropy` divides by the weights of its own batch. Alone in one, a row would be divided by
    its own weight, and accumulating small batches would undo the weights; nor does Trainer divide
    what it gets from here by the number of batches. It says how many rows a step has, in all batches
    and on all devices; each of them is taken to weigh as much as the rows of `train` on average.
    """
    weights = torch.tensor(class_weights, dtype=torch.float32)
    column = "labels" if "labels" in train.features else "label"
    usual = weights[torch.as_tensor(train[column][:])].mean().item()

    def loss(outputs, labels, num_items_in_batch=None):
        weight = weights.to(outputs.logits.device)
        if num_items_in_batch is None:  # an evaluation
            return torch.nn.functional.cross_entropy(outputs.logits.float(), labels, weight)
        losses = torch.nn.functional.cross_entropy(
            outputs.logits.float(), labels, weight, reduction="sum"
        )
        return losses / (usual * num_items_in_batch)

    return loss


def _measures() -> Callable:
    """What Trainer is to compute of the predictions on the validation split."""
    metrics = load_metrics()

    def compute(prediction) -> dict[str, float]:
        classes = prediction.predictions.argmax(-1)
        return metrics.compute(predictions=classes, references=prediction.label_ids)

    return compute


@contextlib.contextmanager
def _no_bars():
    """Hide the bars that transformers draws around each checkpoint whatever Trainer is told."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
