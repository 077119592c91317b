"""A work folder for scripts/family.py small enough for a test: a few sentences, tiny tasks."""

import csv
import gzip
from pathlib import Path

import numpy as np
from relatives.arrays import encode_corpus, save_arrays
from relatives.exams import prepare_scores
from relatives.prepared import Data
from tiny_bert import tiny_tokenizer

from utils.pretraining import encode_documents

DOCUMENTS = [
    ["球队主场三连胜。", "比赛射门得分。", "今天的比赛球队胜了。"],
    ["银行今天降息。", "市场利率降了。", "股价在市场。"],
    ["我们在主场比赛。", "今天主场得分。", "球队在市场，了不得。"],
    ["股价今天三连降。", "我们的银行利率。", "降息了，股价胜。"],
]
HELD_OUT = [["今天球队射门得分。", "我们胜了。"], ["银行降息了。", "市场今天降了。"]]
BATCH_SIZE = 8


def write_rows(path: Path, columns: list[str], rows: list[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def write_tasks(folder: Path) -> None:
    """Titles of sport and finance, and pairs that say the same or not, in three splits each."""
    sport, money = DOCUMENTS[0] + DOCUMENTS[2], DOCUMENTS[1] + DOCUMENTS[3]
    titles = [[text, "体育"] for text in sport] + [[text, "财经"] for text in money]
    pairs = [[one, one, "1"] for one in sport] + [[one, two, "0"] for one, two in zip(sport, money)]  # noqa: B905
    three = [[one, two, label] for (one, two, _), label in zip(pairs, ["a", "b", "c"] * 4)]  # noqa: B905
    for split in ("train", "val", "test"):
        write_rows(folder / f"thucnews/titles_{split}.csv.gz", ["text", "label"], titles)
        write_rows(
            folder / f"pairs/lcqmc_{split}.csv.gz", ["sentence1", "sentence2", "label"], pairs
        )
        write_rows(
            folder / f"pairs/snli_zh_{split}.csv.gz", ["sentence1", "sentence2", "label"], three
        )


def tiny_data(folder: Path) -> Data:
    """What `family.py prepare` leaves in its work folder."""
    tokenizer = tiny_tokenizer()
    write_tasks(folder / "data")
    held_out = encode_corpus(HELD_OUT, tokenizer)
    held_out_ids = encode_documents(HELD_OUT, tokenizer)
    arrays = prepare_scores(folder / "data", held_out, held_out_ids, tokenizer)
    np.savez_compressed(folder / "scores.npz", **arrays)
    tokenizer.save_pretrained(folder / "tokenizer")
    save_arrays(encode_corpus(DOCUMENTS * 3, tokenizer), folder / "corpus.npz")
    return Data(folder, BATCH_SIZE)
