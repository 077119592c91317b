"""What frozen features know: a linear classifier on top of them."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler


def fit_probe(features: np.ndarray, labels: Sequence[int]) -> Pipeline:
    """Logistic regression on frozen features, its strength chosen by cross-validation on them."""
    search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.001, 0.01, 0.1, 1]}, cv=3)
    return make_pipeline(StandardScaler(), search).fit(features, labels)
