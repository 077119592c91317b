"""The door to smaller models: fewer layers and neurons, in a form that everybody can load."""

from utils.smaller.pruning import keep_layers, keep_neurons, neuron_importance

__all__ = ["keep_layers", "keep_neurons", "neuron_importance"]
