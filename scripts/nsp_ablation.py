"""Does NSP help a small model? Pretrain with and without it at equal budget, then probe.

    python scripts/nsp_ablation.py               # the missing rows of results/nsp_ablation.jsonl
    python scripts/nsp_ablation.py --fresh       # all of them (about three minutes of processor time)

The nano model and the loop of chapter 3, on the course's own text; three arms (NSP on, NSP off,
no pretraining), several seeds. Then a linear classifier on the frozen features learns the classes
of mini_thucnews. (Fine-tuning on a hundred labels was tried first: the arm with NSP stayed at
chance, 0.10, with each of three seeds, so there was nothing to tell apart.)
"""

import argparse
import os
import re
import sys
import time
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from datasets import DatasetDict
from measurements.provenance import fingerprints, require_processor
from measurements.results import Results
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from transformers import PreTrainedTokenizerBase

from utils.bert import BertConfig, BertForPreTraining
from utils.data import balanced_sample, load_thucnews
from utils.finetuning import sentence_features
from utils.models import load_tokenizer, resolve
from utils.pretraining import (
    PretrainingCollator,
    SegmentPairs,
    encode_documents,
    evaluate_pretraining,
    read_documents,
    train_steps,
    unigram_baseline,
)
from utils.profile import course_root

CHECKPOINT = "mini-bert-zh"  # whose vocabulary is used
SEEDS = (0, 1, 2)
STEPS, BATCH_SIZE, LEARNING_RATE, MAX_LENGTH = 160, 32, 2e-3, 64
LABELS = (100, 900)
PROBE = {"labels": list(LABELS), "classifier": "ridge on standardised mean features"}
ARMS = {"nsp on": 1.0, "nsp off": 0.0, "no pretraining": None}  # name -> weight of the NSP loss


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fresh", action="store_true", help="measure again what is there already")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, help="only these")
    arguments = parser.parse_args()
    require_processor("NSP on and off")
    news = load_thucnews(course_root() / "data/mini_thucnews")
    tokenizer = load_tokenizer(resolve(CHECKPOINT))
    vocabulary = {"vocab_sha256": fingerprints(CHECKPOINT)["vocab_sha256"]}
    train, held_out = course_documents(news)
    train_ids, held_out_ids = (encode_documents(part, tokenizer) for part in (train, held_out))
    batches = held_out_batches(held_out_ids, tokenizer)
    settings = {
        "unigram": unigram_baseline(train_ids, batches, len(tokenizer)),
        "text": {"training documents": len(train), "held-out documents": len(held_out)},
        "pretraining": {"steps": STEPS, "rows a step": BATCH_SIZE, "learning rate": LEARNING_RATE},
        "probe": PROBE,
    }
    for seed in arguments.seeds:
        results = Results("nsp_ablation", arguments.fresh, seeds=(seed,))
        rows = training_rows(train_ids, tokenizer, seed)
        for arm, nsp_weight in ARMS.items():
            name = f"{arm}/{seed}"
            if results.has(name, **vocabulary):
                continue
            started = time.process_time()
            model = nano_model(tokenizer, seed)
            if nsp_weight is not None:
                torch.manual_seed(seed)
                collate = PretrainingCollator(tokenizer)
                train_steps(model, rows, collate, STEPS, LEARNING_RATE, BATCH_SIZE, nsp_weight)
            row = evaluate_pretraining(model, batches)
            row |= probe_scores(model, tokenizer, news, seed)
            row["processor_seconds"] = time.process_time() - started
            row = {key: round(value, 4) for key, value in row.items()}
            results.add(name, row | settings, **vocabulary)


def course_documents(news: DatasetDict) -> tuple[list, list]:
    """(training, held-out) documents: mini_corpus but every fifth, and the news to train on."""
    folder = course_root() / "data/mini_corpus"
    corpus = [*read_documents(folder / "encyclopaedia.txt"), *read_documents(folder / "news.txt")]
    articles = [split_sentences(text) for text in news["train"]["text"]]
    held_out = corpus[::5]
    return [document for document in corpus if document not in held_out] + articles, held_out


def split_sentences(text: str) -> list[str]:
    """Sentences of a news item; a space parts its headline from the rest."""
    return [part for part in re.split(r"(?<=[。！？])|\s", text) if part]


def nano_model(tokenizer: PreTrainedTokenizerBase, seed: int) -> BertForPreTraining:
    """Chapter 2's BERT, 2 layers × 128, with random weights."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=512,
        max_position_embeddings=128,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertForPreTraining(config)


def training_rows(
    train_ids: list[list[list[int]]], tokenizer: PreTrainedTokenizerBase, seed: int
) -> SegmentPairs:
    """Four passes over the training documents, all rows at `MAX_LENGTH`."""
    options = {"max_length": MAX_LENGTH, "short_length": MAX_LENGTH, "batch_size": BATCH_SIZE}
    return SegmentPairs(train_ids, tokenizer, passes=4, seed=seed, **options)


def held_out_batches(
    held_out_ids: list[list[list[int]]], tokenizer: PreTrainedTokenizerBase
) -> list[dict]:
    """Masked batches of the held-out documents, the same at every call."""
    rows = SegmentPairs(held_out_ids, tokenizer, MAX_LENGTH, batch_size=BATCH_SIZE)
    rows = [rows[place] for place in range(len(rows))]
    collate = PretrainingCollator(tokenizer, seed=0)
    return [collate(rows[start : start + 64]) for start in range(0, len(rows), 64)]


def probe_scores(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, news: DatasetDict, seed: int
) -> dict[str, float]:
    """Test accuracy of a linear classifier on the frozen features, for few and for all labels."""
    asked = sentence_features(model.bert, tokenizer, news["test"]["text"])
    known = sentence_features(model.bert, tokenizer, news["train"]["text"])
    labels = np.array(news["train"]["label"])
    texts = {text: place for place, text in enumerate(news["train"]["text"])}
    scores = {}
    for size in LABELS:
        # The same ones for every arm.
        places = [texts[text] for text in balanced_sample(news["train"], size, seed)["text"]]
        line = make_pipeline(StandardScaler(), RidgeClassifier(alpha=300))
        line.fit(known[places], labels[places])
        scores[f"accuracy_{size}"] = line.score(asked, news["test"]["label"])
    return scores


if __name__ == "__main__":
    main()
