"""Search by meaning: sentences as vectors of length 1, the nearest ones, the most central ones."""

import re
from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.finetuning.classifier import sentence_features


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
