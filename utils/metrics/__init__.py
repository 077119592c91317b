"""Local `evaluate` metrics: `load_metrics()` works with the network unplugged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import evaluate

FOLDER = Path(__file__).parent


def load_metrics(*names: str) -> evaluate.CombinedEvaluations:
    """`evaluate` metrics of these names (default accuracy and macro_f1), combined into one."""
    import evaluate

    names = names or ("accuracy", "macro_f1")
    return evaluate.combine([evaluate.load(str(FOLDER / name)) for name in names])
