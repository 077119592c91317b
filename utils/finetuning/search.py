"""Search by meaning: sentences as vectors of length 1, the nearest ones, the most central ones.

And how the vectors get better: contrastive fine-tuning with sentence-transformers.
"""

import contextlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback

from utils.finetuning.classifier import sentence_features
from utils.finetuning.recipe import _no_bars
from utils.models import check_folder
from utils.profile import SEED, bf16_available, device

if TYPE_CHECKING:  # importing it takes seconds, so the functions do so when they need it
    from sentence_transformers import SentenceTransformer


def unit_vectors(vectors: np.ndarray, mean: np.ndarray | None = None) -> np.ndarray:
    """The vectors (rows, hidden) at length 1, so that a product of two is their cosine.

    Args:
        mean: (hidden,), taken away before: a part that all vectors share makes all alike. Take
            the corpus's mean for its texts and for the queries. A vector of zeros stays so.
    """
    vectors = np.asarray(vectors, dtype=np.float32)
    if mean is not None:
        vectors = vectors - mean
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def encode_sentences(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    max_length: int = 128,
) -> np.ndarray:
    """Sentence vectors of length 1: (texts, hidden), the mean of the encoder's last states.

    A corpus is encoded once, texts of similar length together; its vectors are the index.

    Args:
        model: an encoder without a head (`AutoModel`).
        max_length: in tokens; the rest of a longer text is not read.
    """
    return unit_vectors(sentence_features(model, tokenizer, texts, max_length))


def nearest_texts(
    queries: np.ndarray, corpus: np.ndarray, k: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """(places, scores) of the best texts of each query: (queries, k) each, best first.

    Equally good texts stand in the order of the corpus. Fewer than `k` if there are no more.

    Args:
        queries, corpus: (queries, hidden) and (texts, hidden), vectors of length 1.
    """
    return best_places(queries @ corpus.T, k)


def best_places(scores: np.ndarray, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """(places, scores) of the `k` highest of each row of scores (queries, texts), best first."""
    places = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return places, np.take_along_axis(scores, places, axis=1)


# ---------------------------------------------------------------- summaries


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of the sentences of a Chinese text; a semicolon or a new line ends one too."""
    found = re.finditer(r"[^。！？；\n]+[。！？；]*[”』」]*", text)
    return [match.span() for match in found if match[0].strip()]


def central_sentences(vectors: np.ndarray, count: int = 3) -> list[int]:
    """Places of the sentences that are most like all others, in the order of the text.

    The centre's neighbours say what the text is about. Of equally central ones the earlier. (Degree
    centrality; LexRank, Erkan and Radev 2004, arXiv 1109.2128, goes on to weigh the neighbours.)

    Args:
        vectors: (sentences, hidden) of any length: of an encoder, or TF-IDF as an array.
    """
    vectors = unit_vectors(vectors)
    # Of float32 sums equal ones differ in the last digits; rounded, the earlier sentence wins.
    likeness = (vectors @ vectors.T).round(5)
    np.fill_diagonal(likeness, 0)  # each is like itself
    order = np.argsort(-likeness.sum(1).round(4), kind="stable")
    return sorted(order[:count].tolist())


def first_sentences(vectors: np.ndarray, count: int = 3) -> list[int]:
    """The control: the first sentences, which in news are hard to beat."""
    return list(range(min(count, len(vectors))))


# ---------------------------------------------------------------- contrastive fine-tuning


def contrastive_fine_tune(
    checkpoint: str | Path,
    first: Sequence[str],
    second: Sequence[str],
    *,
    epochs: int = 5,
    batch_size: int = 32,
    learning_rate: float = 1e-4,
    max_length: int = 64,
    pooling: str = "mean",
    scale: float = 20.0,
    seed: int = SEED,
    progress: bool = False,
) -> "SentenceTransformer":
    """An encoder trained to find each sentence's partner among all partners of its batch.

    The loss is the cross-entropy of that choice, by `scale` times the cosine
    (MultipleNegativesRankingLoss). So a batch must not hold a text twice, its sampler sees to that,
    and the larger the batch, the harder the choice. Source: Henderson et al. 2017, arXiv 1705.00652,
    section 4; Gao et al. 2021, arXiv 2104.08821.

    Args:
        first, second: pairs that mean the same; no other pairs are needed.
        max_length: tokens of a sentence; the model keeps it.
        pooling: "mean", "cls" or "max"; named here, as from a bare BERT folder the library takes
            the mean without a word.
    Returns:
        the model; `save_pretrained(folder, create_model_card=False)` writes it,
        `load_sentence_encoder` reads it.
    Raises:
        ValueError: lists of different lengths, an empty sentence, or fewer than two pairs.
    """
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.base.sampler import BatchSamplers
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    rows = {"anchor": list(first), "positive": list(second)}
    if len(rows["anchor"]) != len(rows["positive"]):
        raise ValueError(
            f"{len(rows['anchor'])} first sentences, but {len(rows['positive'])} second ones; give "
            "them in pairs"
        )
    for row, pair in enumerate(zip(*rows.values(), strict=True)):
        if not all(text and text.strip() for text in pair):
            raise ValueError(f"row {row}: empty sentence; drop the row or fill in its text")
    if len(rows["anchor"]) < 2:
        raise ValueError("contrastive_fine_tune: one pair has nothing to be told from; give more")
    torch.manual_seed(seed)
    encoder = Transformer(
        str(checkpoint),
        max_seq_length=max_length,
        model_kwargs={"dtype": torch.float32},  # a checkpoint in fp16 would train in fp16
    )
    pooled = Pooling(encoder.get_embedding_dimension(), pooling)
    model = SentenceTransformer(modules=[encoder, pooled], device=device().type)
    # Otherwise the trainer encodes training texts, under a bar, as examples for a model card.
    model.model_card_data.widget = [{}]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        if not progress:
            stack.enter_context(_no_bars())
        trainer = SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=folder,
                num_train_epochs=epochs,
                per_device_train_batch_size=batch_size,
                learning_rate=learning_rate,
                warmup_steps=0.1,
                batch_sampler=BatchSamplers.NO_DUPLICATES,
                bf16=bf16_available(),
                use_cpu=device().type == "cpu",
                save_strategy="no",
                logging_strategy="epoch",
                report_to="none",
                disable_tqdm=not progress,
                log_level="error",
                seed=seed,
            ),
            train_dataset=Dataset.from_dict(rows),
            loss=MultipleNegativesRankingLoss(model, scale=scale),
        )
        if not progress:  # Trainer would print every log as a dict instead
            trainer.remove_callback(PrinterCallback)
        trainer.train()
    # Training in bf16 leaves a forward that always computes so: the model would give other vectors
    # than when it is saved and loaded again.
    return trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False).eval()


def load_sentence_encoder(folder: str | Path) -> "SentenceTransformer":
    """The model in float32 that `save_pretrained` of a sentence-transformers model wrote.

    Raises:
        ModelError: the folder is not a whole model.
    """
    from sentence_transformers import SentenceTransformer

    check_folder(Path(folder))
    return SentenceTransformer(
        str(folder),
        device=device().type,
        local_files_only=True,
        model_kwargs={"dtype": torch.float32},
    )
