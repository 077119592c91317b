"""Search measured: BM25 to compare with, recall and reciprocal rank, how alike all vectors are."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from utils.finetuning import unit_vectors
from utils.measuring.baselines import CHINESE_TERMS


def bm25(
    queries: Sequence[str],
    corpus: Sequence[str],
    terms: dict | None = None,
    k1: float = 1.2,
    b: float = 0.75,
) -> np.ndarray:
    """BM25 scores of each text for each query: (queries, texts), 0 where they share no term.

    A term counts the more the rarer it is; its repetitions count less and less (`k1`), and less in
    a long text (`b`). Source: Robertson and Zaragoza 2009, section 3.4; the inverse document
    frequency with 1 added under the logarithm, so that no term counts against a text.

    Args:
        terms: how texts are cut, one of `CHINESE_TERMS`; characters and their pairs by default.
    """
    count = CountVectorizer(**(terms or CHINESE_TERMS["characters 1-2"]))
    frequency = count.fit_transform(corpus).astype(float)
    texts = frequency.shape[0]
    containing = frequency.getnnz(axis=0)
    rarity = np.log(1 + (texts - containing + 0.5) / (containing + 0.5))
    lengths = np.asarray(frequency.sum(axis=1)).ravel()
    longer = 1 - b + b * lengths / lengths.mean()
    weights = frequency.tocoo()
    weights.data *= (k1 + 1) / (weights.data + k1 * longer[weights.row]) * rarity[weights.col]
    return (count.transform(queries) @ weights.T.tocsr()).toarray()


def tfidf_cosines(
    queries: Sequence[str], corpus: Sequence[str], terms: dict | None = None
) -> np.ndarray:
    """Cosines of TF-IDF vectors: (queries, texts)."""
    vectoriser = TfidfVectorizer(sublinear_tf=True, **(terms or CHINESE_TERMS["characters 1-2"]))
    vectors = vectoriser.fit_transform(corpus)
    return (vectoriser.transform(queries) @ vectors.T).toarray()


def recall_at(k: int, places: np.ndarray, relevant: Sequence[int | Sequence[int]]) -> float:
    """Share of the relevant texts that stand among the first `k`, mean over the queries.

    Args:
        places: (queries, k or more), best first, as `nearest_texts` gives them.
        relevant: of each query its text's place in the corpus, or several.
    Raises:
        ValueError: a query without a relevant text, or fewer than `k` places.
    """
    wanted = _relevant(relevant, places)
    if places.shape[1] < k:
        raise ValueError(f"recall at {k}, but {places.shape[1]} places a query; search for more")
    found = [len(each & set(row[:k].tolist())) for each, row in zip(wanted, places, strict=True)]
    return float(np.mean([hits / len(each) for hits, each in zip(found, wanted, strict=True)]))


def mean_reciprocal_rank(places: np.ndarray, relevant: Sequence[int | Sequence[int]]) -> float:
    """Mean of 1 / rank of the first relevant text, 0 where none stands among the places."""
    ranks = []
    for wanted, row in zip(_relevant(relevant, places), places.tolist(), strict=True):
        ranks.append(next((1 / rank for rank, at in enumerate(row, 1) if at in wanted), 0.0))
    return float(np.mean(ranks))


def _relevant(relevant: Sequence[int | Sequence[int]], places: np.ndarray) -> list[set[int]]:
    if len(relevant) != len(places) or not len(places):
        raise ValueError(f"{len(places)} queries, but relevant texts of {len(relevant)}")
    wanted = [{int(each)} if np.isscalar(each) else set(map(int, each)) for each in relevant]
    for row, each in enumerate(wanted):
        if not each:
            raise ValueError(f"query {row}: no relevant text; leave it out")
    return wanted


def mean_random_cosine(vectors: np.ndarray, pairs: int = 5000, seed: int = 0) -> float:
    """Mean cosine of random pairs of different rows: 0 if vectors point everywhere alike.

    Vectors of BERT share a direction (anisotropy; Ethayarajh 2019, arXiv 1909.00512): the mean is
    far above 0, and nearly 0 after `unit_vectors(vectors, mean=vectors.mean(0))`.

    Raises:
        ValueError: fewer than two vectors.
    """
    if len(vectors) < 2:
        raise ValueError(f"{len(vectors)} vectors; a pair needs two")
    draw = np.random.default_rng(seed)
    first = draw.integers(len(vectors), size=pairs)
    second = (first + draw.integers(1, len(vectors), size=pairs)) % len(vectors)
    unit = unit_vectors(vectors)
    return float((unit[first] * unit[second]).sum(1).mean())
