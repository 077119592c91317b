"""Grades measured: correlation, squared error, and what predictions that are all equal give."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def correlations(predictions: Sequence[float], scores: Sequence[float]) -> dict[str, float]:
    """`pearson`, `spearman` and `mse`, the mean squared error, of predictions against true scores.

    Pearson asks how near the points lie to a line, Spearman whether they come in the same order
    (Pearson's of the ranks, equal values sharing theirs). Where all predictions or all scores are
    the same, both are nan: 0 / 0. That is no correlation of 0, which random predictions have; and a
    model that gives always the mean may have a good squared error. `in_words` says so.

    Raises:
        ValueError: fewer than two, not as many predictions as scores, or not a number among them.
    """
    predictions = np.asarray(predictions, dtype=float)
    scores = np.asarray(scores, dtype=float)
    if predictions.shape != scores.shape or predictions.ndim != 1:
        raise ValueError(
            f"predictions of shape {predictions.shape} against scores of shape {scores.shape}; give "
            "one number for each"
        )
    if len(scores) < 2:
        raise ValueError(f"{len(scores)} pairs; a correlation needs two at least")
    for name, values in (("prediction", predictions), ("score", scores)):
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(f"row {row}: the {name} is {values[row]}")
    found = {"pearson": float("nan"), "spearman": float("nan")}
    if not (is_constant(predictions) or is_constant(scores)):
        found["pearson"] = float(stats.pearsonr(predictions, scores).statistic)
        found["spearman"] = float(stats.spearmanr(predictions, scores).statistic)
    return found | {"mse": float(np.mean((predictions - scores) ** 2))}


def is_constant(values: Sequence[float]) -> bool:
    """Are all values the same, but for the last digits of a 32-bit number?

    A model whose output does not depend on its input gives such; their ranks would be noise.
    """
    values = np.asarray(values, dtype=float)
    return bool(np.ptp(values) <= 1e-6 * max(1.0, float(np.abs(values).max())))


def in_words(correlation: float) -> str:
    """A correlation for a table: three decimals, or why there is none."""
    return "无定义（有一边全都相同）" if np.isnan(correlation) else f"{correlation:.3f}"
