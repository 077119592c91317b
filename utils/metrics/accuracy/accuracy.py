"""Accuracy, as a local `evaluate` metric (the Hub's own are scripts fetched at run time)."""

import datasets
import evaluate
from sklearn.metrics import accuracy_score


class Accuracy(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(
            description="Share of right predictions, from 0 to 1.",
            citation="",
            inputs_description="predictions and references: class ids of equal number",
            features=datasets.Features(
                {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
            ),
        )

    def _compute(self, predictions, references):
        return {"accuracy": float(accuracy_score(references, predictions))}
