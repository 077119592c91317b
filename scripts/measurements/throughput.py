"""Throughput of the course's recipes against the usual ones, side by side in one run.

Machines differ and a busy one slows down, so the two sides take turns and what is reported is
their ratio.
"""

import contextlib
import copy
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from transformers import (
    BertConfig,
    BertForPreTraining,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.trainer_pt_utils import LengthGroupedSampler

from measurements.provenance import fingerprints, require_processor
from measurements.results import Results
from measurements.runs import SEEDS, encoder_classifier, tuned
from utils.clipping import clip_in_step
from utils.data import balanced_sample, load_thucnews
from utils.finetuning import (
    ShuffledBatches,
    freeze,
    new_classifier,
    tokenize,
    without_padding,
)
from utils.models import load_tokenizer, resolve
from utils.pretraining import (
    BertForMaskedPreTraining,
    PretrainingCollator,
    SegmentPairs,
    encode_documents,
    read_documents,
)
from utils.profile import bf16_available

CHECKPOINT = "mini-bert-zh"
TURNS = 9
OTHER_PRECISION = "course, the other precision"
# The embeddings and two of the four layers stay as pretraining left them: an option, not the
# default, for it is no longer the same model that is trained.
FROZEN_LAYERS = 2
FROZEN = "course, lower half frozen"
# How many titles each recipe learns from, and which layers it freezes. (With ten times as many titles
# the tutorial's would take an hour.)
RECIPES = {
    "course recipe": (500, None),
    "frozen recipe": (500, FROZEN_LAYERS),
    "head recipe": (500, 4),
    "tutorial recipe": (500, None),
    "course recipe, 5000 titles": (5000, None),
    "frozen recipe, 5000 titles": (5000, FROZEN_LAYERS),
}
# Each recipe gets the one that is best for it: one rate for all would have compared rates.
RATES = (3e-4, 5e-4, 8e-4)


def measure_throughput(data: Path, results: Results) -> None:
    """Speeds of fine-tuning and pretraining; the accuracy of the recipes for fine-tuning.

    Args:
        data: folder of real data.
    """
    require_processor("throughput")
    tokenizer, weights = load_tokenizer(resolve(CHECKPOINT)), fingerprints(CHECKPOINT)
    titles = load_thucnews(str(data / "thucnews/titles_*.csv.gz"))
    if not results.has("fine-tuning", **weights):
        results.add("fine-tuning", fine_tuning_speed(titles["train"], tokenizer), **weights)
    if not results.has("pretraining", **weights):
        row = pretraining_speed(data / "corpus/zh_news.txt.gz", tokenizer)
        results.add("pretraining", row, **weights)
    for recipe in RECIPES:
        if not results.has(recipe, **weights):
            results.add(recipe, recipe_accuracy(recipe, titles, tokenizer), **weights)


def padded(dataset: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
    """What the tutorials do: every text padded to 128 tokens."""
    return dataset.map(
        lambda batch: tokenizer(
            batch["text"], padding="max_length", truncation=True, max_length=128
        ),
        batched=True,
        remove_columns=["text"],
        keep_in_memory=True,
    )


def recipe_accuracy(recipe: str, titles: DatasetDict, tokenizer: PreTrainedTokenizerBase) -> dict:
    """Test accuracy of a key of `RECIPES`, everything but the learning rate equal.

    The rate is chosen on the validation titles, by the mean of all seeds.
    """
    tutorial = recipe == "tutorial recipe"
    size, frozen = RECIPES[recipe]
    prepare = padded if tutorial else tokenize
    options = {"bf16": False, "train_sampling_strategy": "random"} if tutorial else {}
    names = titles["test"].features["label"].names
    validation = prepare(balanced_sample(titles["validation"], 300), tokenizer)
    samples = {
        seed: prepare(balanced_sample(titles["train"], size, seed), tokenizer) for seed in SEEDS
    }

    make_whole, predict_classes = encoder_classifier(CHECKPOINT, tokenizer, names, max_length=128)

    def make_model(seed: int) -> PreTrainedModel:
        model = make_whole(seed)
        return model if frozen is None else freeze(model, frozen)

    return tuned(
        make_model, predict_classes, tokenizer, samples, validation, titles["test"],
        epochs=4, rates=RATES, title=recipe, **options,
    )  # fmt: skip


def fine_tuning_speed(train: Dataset, tokenizer: PreTrainedTokenizerBase) -> dict:
    """Training texts a second: pad to 128 in fp32 against the course's recipe, batch 32."""
    train = train.select(range(4096))
    names = train.features["label"].names
    sides = {}
    for recipe, rows in (
        ("tutorial", padded(train, tokenizer)),
        ("course", tokenize(train, tokenizer)),
    ):
        # The tutorial takes the library's default attention, as who does not ask.
        model = new_classifier(resolve(CHECKPOINT), names).train()
        if recipe == "tutorial":
            model.set_attn_implementation("sdpa")
        rows = [
            {name: row[name] for name in ("input_ids", "attention_mask", "label")} for row in rows
        ]
        order = (
            ShuffledBatches(
                LengthGroupedSampler(32, lengths=[len(row["input_ids"]) for row in rows]), 32
            )
            if recipe == "course"
            else np.random.default_rng(0).permutation(len(rows))
        )
        collate = DataCollatorWithPadding(tokenizer)
        batches = in_batches([rows[place] for place in order], 32, collate)
        sides[recipe] = (model, batches, recipe == "course" and bf16_available())
    sides[OTHER_PRECISION] = other_precision(sides["course"])
    model, batches, bf16 = sides["course"]
    sides[FROZEN] = (freeze(copy.deepcopy(model), FROZEN_LAYERS), batches, bf16)
    steps = {"tutorial": 2, "course": 32, OTHER_PRECISION: 16, FROZEN: 32}
    return take_turns(sides, steps, lambda batch: len(batch["input_ids"]), "texts")


def other_precision(side: tuple) -> tuple:
    """The course's side once more, in bf16 where it takes float32 and the other way round: is the
    precision that `bf16_available` chooses the faster one?"""
    model, batches, bf16 = side
    return copy.deepcopy(model), batches, not bf16


def pretraining_speed(corpus: Path, tokenizer: PreTrainedTokenizerBase) -> dict:
    """Real tokens a second: logits everywhere in fp32 against masked places only, no dropout, and
    bf16 where that is faster.

    Both sides see the same kinds of rows at batch 64; the usual loop takes them as they come.
    """
    documents = encode_documents(read_documents(corpus), tokenizer)
    pairs = SegmentPairs(documents, tokenizer, max_length=128)
    config = BertConfig.from_pretrained(resolve(CHECKPOINT))
    collate = PretrainingCollator(tokenizer, seed=0)
    bucketed = [pairs[place] for place in range(4096)]
    mixed = random.Random(0).sample(bucketed, len(bucketed))
    # As scripts/pretrain.py trains; the usual loop keeps BERT's dropout of 0.1.
    recipe = BertConfig.from_pretrained(
        resolve(CHECKPOINT),
        attn_implementation="eager",
        hidden_dropout_prob=0,
        attention_probs_dropout_prob=0,
    )
    sides = {
        "usual": (BertForPreTraining(config).train(), in_batches(mixed, 64, collate), False),
        "course": (
            BertForMaskedPreTraining(recipe).train(),
            in_batches(bucketed, 64, collate),
            bf16_available(),
        ),
    }
    sides[OTHER_PRECISION] = other_precision(sides["course"])
    steps = {"usual": 2, "course": 10, OTHER_PRECISION: 5}
    return take_turns(sides, steps, lambda batch: int(batch["attention_mask"].sum()), "tokens")


def in_batches(rows: list, size: int, collate: Callable) -> list[dict]:
    """Whole batches of `size` rows; what is left over is dropped."""
    return [collate(rows[start : start + size]) for start in range(0, len(rows) - size + 1, size)]


def take_turns(sides: dict, steps: dict[str, int], count: Callable, unit: str) -> dict:
    """Train each side for some steps in turn; units a second of each, and the ratios of medians to
    that of the first; "ratio" is the second's. "system_share" says how much of a side's processor
    time the system took, which mostly is the giving of memory: where that is dear, a side that asks
    for large blocks in each step is slower, and the ratio another one.

    Many short turns rather than few long ones: a machine that slows down slows both sides.
    """
    usual, course, *_ = sides
    rates = {name: [] for name in sides}
    spent = {name: np.zeros(2) for name in sides}  # seconds of the program, and of the system
    places = dict.fromkeys(sides, 0)
    optimizers = {
        name: torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
        for name, (model, _, _) in sides.items()
    }
    for turn in range(TURNS + 1):
        for name, (model, batches, bf16) in sides.items():
            done, started, before = 0, time.perf_counter(), np.array(os.times()[:2])
            # The first turn warms up: every shape of batch once, if there are not too many.
            for _ in range(steps[name] if turn else min(len(batches), 4 * steps[name])):
                batch = batches[places[name] % len(batches)]
                places[name] += 1
                leaner = contextlib.nullcontext() if name == usual else without_padding(model)
                with leaner, torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                    loss = model(**batch).loss
                loss.backward()
                if name == usual:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                else:
                    clip_in_step(optimizers[name], 1.0)
                optimizers[name].step()
                optimizers[name].zero_grad()
                done += count(batch)
            if turn:
                rates[name].append(done / (time.perf_counter() - started))
                spent[name] += os.times()[:2] - before
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        f"{unit}_per_second": {name: [round(value) for value in rates[name]] for name in sides},
        "ratio": round(medians[course] / medians[usual], 2),
        "ratios": {
            name: round(median / medians[usual], 2)
            for name, median in medians.items()
            if name != usual
        },
        "system_share": {
            name: round(system / (own + system), 2) for name, (own, system) in spent.items()
        },
    }
