"""The door to smaller models: fewer layers and neurons, in a form that everybody can load; a
student that learns from a larger model."""

from utils.smaller.distillation import (
    DistillationTrainer,
    distil,
    distillation_loss,
    new_student,
    trim_vocabulary,
)
from utils.smaller.pruning import keep_layers, keep_neurons, neuron_importance

__all__ = [
    "DistillationTrainer",
    "distil",
    "distillation_loss",
    "keep_layers",
    "keep_neurons",
    "neuron_importance",
    "new_student",
    "trim_vocabulary",
]
