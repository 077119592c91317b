"""The work folder: texts as arrays, made once, and the rows that are cut from them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import AutoTokenizer

from relatives.arrays import (
    Corpus,
    Rows,
    cut_rows,
    encode_corpus,
    join_rows,
    load_arrays,
    save_arrays,
)
from relatives.exams import prepare_scores
from utils.models import file_sha256
from utils.pretraining import encode_documents, split_documents

BATCH_SIZE = 256
SHORT_LENGTH, LONG_LENGTH = 128, 256  # of nine passes in ten, and of the tenth


def prepare(texts: list[Path], data: Path, tokenizer_folder: Path, work: Path) -> None:
    """Write corpus.npz, scores.npz and the tokenizer into the work folder.

    Args:
        texts: corpus files to train on; one that is listed twice counts twice.
        data: folder of real data, for what the arms are scored on.
    """
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    train, held_out = split_documents(texts)
    print(
        f"{len(train):,} documents, {len(held_out):,} held out; cutting them into words …",
        flush=True,
    )
    corpus = encode_corpus(train, tokenizer)
    held_out_ids = encode_documents(held_out, tokenizer)
    arrays = prepare_scores(data, encode_corpus(held_out, tokenizer), held_out_ids, tokenizer)
    np.savez_compressed(work / "scores.npz", **arrays)
    tokenizer.save_pretrained(work / "tokenizer")
    save_arrays(corpus, work / "corpus.npz")  # last: it tells that all is there
    print(f"{corpus.tokens_a_pass():,} tokens a pass", flush=True)


@dataclass
class Data:
    """What all arms share, read from the work folder."""

    work: Path
    batch_size: int = BATCH_SIZE

    def __post_init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(self.work / "tokenizer")
        self.corpus = load_arrays(Corpus, self.work / "corpus.npz")
        # In the names of all that is kept of a corpus, so that another one never meets it.
        self.mark = file_sha256(self.work / "corpus.npz")[:8]
        with np.load(self.work / "scores.npz", allow_pickle=False) as stored:
            self.scores = dict(stored)

    def rows(
        self, seed: int, tokens: float, running: bool = False, passes: int | None = None
    ) -> Rows:
        """Rows of as many passes as it takes to read `tokens`, each pass cut and paired anew.

        Passes are kept in the work folder: all arms of a seed read the same rows in the same order.
        """
        parts, read = [], 0
        while len(parts) < passes if passes else read < tokens:
            parts.append(self.one_pass(seed, len(parts), running))
            read += int(parts[-1].text_tokens().sum())
        return join_rows(parts)

    def one_pass(self, seed: int, number: int, running: bool) -> Rows:
        """Rows of one pass, cut the first time and read from the work folder after that."""
        kind = "running" if running else "pairs"
        path = self.work / f"rows/{self.mark}-{kind}-{self.batch_size}-{seed}-{number}.npz"
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            length = LONG_LENGTH if number % 10 == 9 else SHORT_LENGTH
            rows = cut_rows(
                self.corpus, self.tokenizer, length, 1000 * seed + number, self.batch_size, running
            )
            save_arrays(rows, path)
        return load_arrays(Rows, path)


def steps_for(rows: Rows, tokens: float, batch_size: int) -> int:
    """How many batches it takes to read so many tokens of text."""
    read = rows.text_tokens().reshape(-1, batch_size).sum(1).cumsum()
    return int(np.searchsorted(read, tokens)) + 1
