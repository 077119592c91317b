"""Macro-averaged F1, as a local `evaluate` metric: each class counts the same.

The averaging is baked in: `evaluate.combine` would hand an `average=` argument to accuracy too.
"""

import datasets
import evaluate
from sklearn.metrics import f1_score


class MacroF1(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(
            description="Mean over the classes of the harmonic mean of precision and recall.",
            citation="",
            inputs_description="predictions and references: class ids of equal number",
            features=datasets.Features(
                {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
            ),
        )

    def _compute(self, predictions, references):
        # A class that is never predicted has precision 0, not undefined.
        score = f1_score(references, predictions, average="macro", zero_division=0)
        return {"macro_f1": float(score)}
