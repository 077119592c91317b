"""What every arm is scored on, as arrays: titles, sentence pairs, blanks, next sentences."""

import csv
import gzip
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from relatives.arrays import (
    Corpus,
    Rows,
    cut_rows,
    fill_rows,
    join_rows,
    places_of_starts,
)
from utils.pretraining import IGNORE, IS_NEXT, NOT_NEXT, PretrainingCollator, SegmentPairs

# task -> (file pattern under the data folder, most tokens, {training rows: (rate, epochs, batch)})
# Titles have the rate and the epochs of scripts/benchmark.py, where both were chosen for
# mini-bert-zh on the validation split. For the pairs 1e-4 to 3e-4 were tried with mini-bert-zh
# and differed by less than its two seeds.
TASKS = {
    "titles": ("thucnews/titles_{}.csv.gz", 48, {200: (5e-4, 20, 32), 1000: (5e-4, 10, 32)}),
    "lcqmc": ("pairs/lcqmc_{}.csv.gz", 128, {2000: (2e-4, 5, 64), 7000: (2e-4, 4, 64)}),
    "snli": ("pairs/snli_zh_{}.csv.gz", 128, {7000: (2e-4, 4, 64)}),
}
SEEDS = range(10)  # for which training rows are drawn
VALIDATION_ROWS = 500
HELD_OUT_LENGTH = 128
QUESTION_CUTS = 6  # passes over the held-out documents, each with other NSP questions
HIDDEN = 0.15  # share of the words
KINDS = ("true", "other", "reversed")


def prepare_scores(
    data: Path, held_out: Corpus, held_out_ids: list, tokenizer: PreTrainedTokenizerBase
) -> dict:
    """All arrays that `scores_of` needs; names begin with the task's."""
    arrays = {}
    for name, (pattern, longest, sizes) in TASKS.items():
        splits = {
            split: read_rows(data / pattern.format(split)) for split in ("train", "val", "test")
        }
        for key, value in task_arrays(splits, tokenizer, longest, sizes).items():
            arrays[f"{name}.{key}"] = value
    arrays |= {
        f"tokens.{key}": value for key, value in hidden_tokens(held_out_ids, tokenizer).items()
    }
    arrays |= {f"words.{key}": value for key, value in hidden_words(held_out, tokenizer).items()}
    arrays |= {f"nsp.{key}": value for key, value in next_sentences(held_out, tokenizer).items()}
    return arrays


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a .csv.gz, by column."""
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def task_arrays(
    splits: dict[str, list], tokenizer: PreTrainedTokenizerBase, longest: int, sizes: dict
) -> dict:
    """Token ids, labels and the rows of each split and sample.

    Titles are drawn as `utils.data.balanced_sample` draws them, so that the figures can stand
    beside those of scripts/benchmark.py.
    """
    rows = [row for split in splits.values() for row in split]
    ends = np.cumsum([len(split) for split in splits.values()])
    train, validation, test = np.split(np.arange(len(rows)), ends[:-1])
    names = sorted({row["label"] for row in splits["train"]})
    labels = np.array([names.index(row["label"]) for row in rows], dtype=np.int64)
    texts = (
        ([row["text"] for row in rows],)
        if "text" in rows[0]
        else ([row["sentence1"] for row in rows], [row["sentence2"] for row in rows])
    )
    encoded = tokenizer(*texts, truncation=True, max_length=longest, padding=True)
    lengths = np.sum(encoded["attention_mask"], axis=1)
    arrays = {
        "ids": np.array(encoded["input_ids"], dtype=np.uint16),
        "types": np.array(encoded["token_type_ids"], dtype=np.uint8),
        "lengths": lengths.astype(np.int64),
        "labels": labels,
        "test": test,
    }
    for size in sizes:
        few = min(VALIDATION_ROWS, size, len(validation))
        arrays[f"{size}.validation"] = balanced(labels, validation, few, seed=0)
        for seed in SEEDS:
            arrays[f"{size}.{seed}"] = balanced(labels, train, size, seed)
    return arrays


def balanced(labels: np.ndarray, places: np.ndarray, size: int, seed: int) -> np.ndarray:
    """`size` of the places, of each class as many; all of them where there are no more."""
    if size >= len(places):
        return places
    order = places[np.random.default_rng(seed).permutation(len(places))]
    classes = np.unique(labels[places])
    chosen = [order[labels[order] == label][: size // len(classes)] for label in classes]
    return np.sort(np.concatenate(chosen))


def hidden_tokens(held_out_ids: list, tokenizer: PreTrainedTokenizerBase) -> dict[str, np.ndarray]:
    """Held-out rows with one token in 15 hidden: the masks that scripts/pretrain.py measures with."""
    rows = SegmentPairs(held_out_ids, tokenizer, max_length=HELD_OUT_LENGTH, batch_size=256, seed=0)
    collate = PretrainingCollator(tokenizer, seed=0)
    rows = [rows[place] for place in range(len(rows))]
    batches = [collate(rows[start : start + 64]) for start in range(0, len(rows), 64)]
    return {
        "ids": stack([batch["input_ids"] for batch in batches], tokenizer.pad_token_id, np.uint16),
        "types": stack([batch["token_type_ids"] for batch in batches], 0, np.uint8),
        "lengths": torch.cat([batch["attention_mask"].sum(1) for batch in batches]).numpy(),
        "labels": stack([batch["labels"] for batch in batches], IGNORE, np.int16),
    }


def stack(batches: list[torch.Tensor], fill: int, kind: type) -> np.ndarray:
    """Batches of different lengths one below the other."""
    filled = np.full((sum(map(len, batches)), HELD_OUT_LENGTH), fill, dtype=kind)
    start = 0
    for batch in batches:
        filled[start : start + len(batch), : batch.shape[1]] = batch.numpy()
        start += len(batch)
    return filled


def hidden_words(held_out: Corpus, tokenizer: PreTrainedTokenizerBase) -> dict[str, np.ndarray]:
    """Held-out rows in which whole words of two tokens and more are behind [MASK], and no others.

    `words`: (rows, length), the number of the hidden word that a token is part of, else -1.
    """
    rows = cut_rows(held_out, tokenizer, HELD_OUT_LENGTH, 0, batch_size=1)
    batch, starts = held_out_batch(rows, held_out, tokenizer)
    ids, units = batch["input_ids"], places_of_starts(starts)
    sizes = torch.zeros_like(ids).scatter_add(1, units, batch["attention_mask"].long())
    generator = torch.Generator().manual_seed(0)
    drawn = (torch.rand(ids.shape, generator=generator) < HIDDEN) & (sizes > 1)
    hidden = drawn.gather(1, units) & batch["attention_mask"]
    numbers = units + torch.arange(len(ids)).unsqueeze(1) * ids.shape[1]
    return {
        "ids": ids.masked_fill(hidden, tokenizer.mask_token_id).numpy().astype(np.uint16),
        "types": batch["token_type_ids"].numpy().astype(np.uint8),
        "lengths": batch["attention_mask"].sum(1).numpy(),
        "labels": ids.masked_fill(~hidden, IGNORE).numpy().astype(np.int16),
        "words": numbers.masked_fill(~hidden, -1).numpy().astype(np.int32),
    }


def held_out_batch(rows: Rows, held_out: Corpus, tokenizer: PreTrainedTokenizerBase) -> tuple:
    """Held-out rows as one batch, and where words begin in it."""
    signs = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id
    tokens = torch.from_numpy(held_out.tokens.astype(np.int32))
    return fill_rows(rows, tokens, torch.from_numpy(held_out.starts), signs)


def turned_round(rows: Rows) -> Rows:
    """B before A."""
    return Rows(rows.seconds, rows.second_lengths, rows.firsts, rows.first_lengths, rows.labels)


def next_sentences(held_out: Corpus, tokenizer: PreTrainedTokenizerBase) -> dict[str, np.ndarray]:
    """NSP questions: true pairs, pairs with another document, and the true ones turned round.

    `kinds`: 0 true, 1 other document, 2 reversed (ALBERT's question, never asked in training).

    Raises:
        ValueError: the held-out documents give no pairs.
    """
    rows = join_rows(
        [
            cut_rows(held_out, tokenizer, HELD_OUT_LENGTH, seed, batch_size=1)
            for seed in range(QUESTION_CUTS)
        ]
    )
    true, other = rows.at(rows.labels == IS_NEXT), rows.at(rows.labels == NOT_NEXT)
    if not (len(true) and len(other)):
        raise ValueError("next_sentences: no pairs in the held-out text; hold out longer documents")
    asked = [true, other, turned_round(true)]
    batch, _ = held_out_batch(join_rows(asked), held_out, tokenizer)
    return {
        "ids": batch["input_ids"].numpy().astype(np.uint16),
        "types": batch["token_type_ids"].numpy().astype(np.uint8),
        "lengths": batch["attention_mask"].sum(1).numpy(),
        "kinds": np.repeat([0, 1, 2], [len(each) for each in asked]),
    }
