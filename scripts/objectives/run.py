"""What a pretraining run is asked for, what an objective makes of it, and what they share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path

import torch
from accelerate import PartialState
from torch.utils.data import DataLoader, Dataset
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import ModelOutput

from utils.models import from_pretrained
from utils.pretraining import (
    IGNORE,
    Corpus,
    MappedRows,
    Passages,
    SegmentPairs,
    unigram_of_answers,
)

MEASURED_AT_ONCE = 64  # rows
HELD_OUT_ROWS = {"pairs": SegmentPairs, "passages": Passages}


def launch() -> PartialState:
    """The processes that torchrun or accelerate started, or this one alone."""
    # Others wait for the one that trains the vocabulary, on much text longer than the usual ten
    # minutes.
    patience = timedelta(hours=2)
    return PartialState(cpu=not torch.cuda.is_available(), timeout=patience)


@dataclass(frozen=True)
class Run:
    """One pretraining run, as the command line asks for it.

    Args:
        text: corpus files, or addresses that fsspec knows; one that is listed twice counts twice.
        output: folder of the finished model.
        work: folder of the checkpoints and the log.
        objective: "mlm" (BERT), "causal" (GPT) or "spans" (T5).
        start: folder of the model to go on from, whose shape counts then.
        tasks: T5's tasks beside the text, (name, source of its data) each.
        prepared: folder of encoded texts, which runs on the same text share.
        tokenizer: folder of the tokenizer; None: one is trained on the text.
        vocab_size: entries of a vocabulary that is trained.
        layers, hidden, heads: shape of a new model; of T5 as many layers in each half.
        max_length: positions; one pass in ten, the last, uses all.
        short_length: tokens a row of the other passes.
        whole_word: mask whole Chinese words instead of tokens.
        steps: updates of the weights.
        batch_size: rows a device and batch.
        accumulate: batches of a device before the weights are changed.
        learning_rate: the highest one.
        dropout: while training.
        nsp_weight: of NSP's loss beside MLM's.
        compiled: through torch.compile.
        save_every: steps between checkpoints.
    """

    text: list[Path | str]
    output: Path
    work: Path
    prepared: Path
    objective: str = "mlm"
    start: Path | None = None
    tasks: list[tuple[str, str]] = field(default_factory=list)
    tokenizer: Path | None = None
    vocab_size: int = 8192
    layers: int = 4
    hidden: int = 256
    heads: int = 4
    max_length: int = 256
    short_length: int = 128
    whole_word: bool = False
    steps: int = 15_000
    batch_size: int = 64
    accumulate: int = 1
    learning_rate: float = 1e-3
    dropout: float = 0.0
    nsp_weight: float = 0.2
    seed: int = 0
    compiled: bool = False
    save_every: int = 500

    @property
    def rows_a_step(self) -> int:
        """Of all processes together."""
        return self.batch_size * self.accumulate * launch().num_processes


@dataclass
class Setup:
    """One objective, ready to train.

    Args:
        losses: the model's output -> the parts of its loss, which are added up (parts,).
        answers: a batch -> how many answers each of them is a mean of (parts,).
    """

    model: torch.nn.Module
    train_rows: Dataset
    collator: Callable
    losses: Callable[[ModelOutput], torch.Tensor]
    answers: Callable[[dict], torch.Tensor]
    held_out_batches: list[dict]  # rows of the length that most passes have
    long_batches: list[dict]  # rows of the full length, which show whether late positions learned
    measure: Callable[[torch.nn.Module, list[dict]], dict]
    loss_name: str  # which of the measures decides on the best checkpoint
    unigram: dict[str, float]
    optimizer: tuple[type, dict] | None = None  # class and options; None: AdamW


def cut_rows(
    kind: str, run: Run, tokenizer: PreTrainedTokenizerBase, corpus: Corpus
) -> tuple[MappedRows, Dataset, Dataset]:
    """Training rows; held-out rows of the usual length; held-out rows of the full length.

    Args:
        kind: "pairs" or "passages".
    """
    train = MappedRows(
        corpus,
        tokenizer,
        kind,
        rows=run.steps * run.rows_a_step,
        max_length=run.max_length,
        short_length=run.short_length,
        batch_size=run.rows_a_step,
        seed=run.seed,
    )
    rows_class, documents = HELD_OUT_ROWS[kind], corpus.held_out()
    held_out = [
        rows_class(documents, tokenizer, length, batch_size=run.rows_a_step, seed=run.seed)
        for length in train.lengths
    ]
    return train, *held_out


def continued(kind: type[PreTrainedModel], run: Run, **options) -> PreTrainedModel:
    """The model of `run.start` in float32, with the run's dropout."""
    config = kind.config_class.from_pretrained(run.start)
    set_dropout(config, run.dropout)
    settings = {"config": config, "dtype": torch.float32} | options
    return from_pretrained(kind, run.start, fresh_head=True, **settings)  # some have no NSP head


def set_dropout(config: PretrainedConfig, rate: float) -> None:
    """Set every kind of dropout that a model of one of the three families has."""
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout_rate"):
        if hasattr(config, name):
            setattr(config, name, rate)


def count_answers(labels: torch.Tensor) -> torch.Tensor:
    """How many labels are asked for."""
    return (labels != IGNORE).sum()


def batched(rows: Dataset | list[dict], collator: Callable) -> list[dict]:
    """All rows in batches of `MEASURED_AT_ONCE`, in their order."""
    return list(DataLoader(rows, batch_size=MEASURED_AT_ONCE, collate_fn=collator))


def unigram(
    train_rows: Dataset,
    collator: Callable,
    held_out_batches: list[dict],
    name: str,
    vocab_size: int,
    first_answer: int = 0,
    signs: list[int] | tuple = (),
) -> dict[str, float]:
    """Always the same guess: the frequencies of the answers in the first training batches.

    Args:
        name: what the measures' names begin with.
        first_answer: the place in a row from which on answers count.
        signs: ids that do not count as answers.
    """
    loader = DataLoader(train_rows, batch_size=MEASURED_AT_ONCE, collate_fn=collator)
    ignored = torch.tensor([IGNORE, *signs])

    def answers(batches) -> torch.Tensor:
        labels = [batch["labels"][:, first_answer:] for batch in batches]
        return torch.cat([each[~torch.isin(each, ignored)] for each in labels])

    train, held_out = answers(islice(loader, 500)), answers(held_out_batches)
    measured = unigram_of_answers(train, held_out, vocab_size)
    return {f"{name}_{measure}": value for measure, value in measured.items()}
