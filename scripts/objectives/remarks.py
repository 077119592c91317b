"""Single sentences of film reviews, as short texts that praise or blame.

A sentence often says the opposite of its review, or nothing of the kind ("He works in a bank"). So
there must be two witnesses: a sentence is taken where the sentiment classifier of chapter 6 is sure
and the review's label says the same. (On all sentences the two agree in two cases of three.)
"""

import random
import re
from pathlib import Path

from datasets import Dataset, DatasetDict
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.data import load_imdb
from utils.finetuning import predict, sentiment_classifier

WORDS = range(3, 26)  # shorter ones are titles and names, longer ones whole arguments
SURE = 0.9  # probability from which the classifier counts as a witness


def load_remarks(source: str | Path) -> DatasetDict:
    """Sentences of the training and validation reviews, as many that praise as that blame.

    Args:
        source: as for `load_imdb`; columns as there.
    """
    reviews, judge = load_imdb(source), sentiment_classifier()
    return DatasetDict(
        {split: remarks(reviews[split], *judge) for split in ("train", "validation")}
    )


def remarks(
    reviews: Dataset, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> Dataset:
    pairs = sorted({(text, row["label"]) for row in reviews for text in sentences(row["text"])})
    print(f"judging {len(pairs):,} sentences of {len(reviews):,} reviews …", flush=True)
    verdicts = predict(model, tokenizer, [text for text, _ in pairs])
    agreed = {0: [], 1: []}
    for (text, label), verdict in zip(pairs, verdicts, strict=True):
        if verdict[label] > SURE:
            agreed[label].append(text)
    size, rng = min(map(len, agreed.values())), random.Random(0)
    rows = [(text, label) for label, texts in agreed.items() for text in rng.sample(texts, size)]
    rng.shuffle(rows)
    columns = {"text": [text for text, _ in rows], "label": [label for _, label in rows]}
    return Dataset.from_dict(columns, features=reviews.features)


def sentences(review: str) -> list[str]:
    """The sentences of a review that are neither very short nor long."""
    parts = re.split(r"(?<=[.!?])\s+", review.replace("<br />", " ").strip())
    return [part for part in parts if len(part.split()) in WORDS]
