"""The control of every pretraining: a guesser that knows how often each token occurs, no more."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from utils.pretraining.masking import IGNORE


def unigram_baseline(
    documents: Sequence[list[list[int]]], batches: Iterable[dict], vocab_size: int
) -> dict[str, float]:
    """MLM loss and accuracy of always predicting the training frequencies (add-one smoothed)."""
    tokens = [token for document in documents for sentence in document for token in sentence]
    answers = torch.cat([batch["labels"][batch["labels"] != IGNORE] for batch in batches])
    measured = unigram_of_answers(torch.tensor(tokens), answers, vocab_size)
    return {f"mlm_{measure}": value for measure, value in measured.items()}


def unigram_of_answers(train: Tensor, answers: Tensor, vocab_size: int) -> dict[str, float]:
    """Loss (nats) and accuracy on `answers` of the frequencies in `train`; both (tokens,)."""
    return unigram_of_counts(torch.bincount(train, minlength=vocab_size), answers)


def unigram_of_counts(counts: Tensor, answers: Tensor) -> dict[str, float]:
    """The same from how often each token occurs in training, (vocabulary,)."""
    counts = counts + 1.0
    log_probabilities = (counts / counts.sum()).log()
    return {
        "loss": -log_probabilities[answers].mean().item(),
        "accuracy": (answers == log_probabilities.argmax()).float().mean().item(),
    }
