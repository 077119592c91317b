"""The door to smaller models: fewer layers, neurons and bits, ONNX, LoRA, and a student that learns
from a larger model.

    pruning         whole layers and neurons away
    quantisation    linear layers in eight bits
    onnx_files      one file that runs without PyTorch
    lora            two thin matrices beside each large one, trained and kept alone
    distillation    a student of a larger model, with a vocabulary of its own
"""

from utils.smaller.distillation import (
    DistillationTrainer,
    distil,
    distillation_loss,
    new_student,
    trim_vocabulary,
)
from utils.smaller.lora import add_lora, load_lora
from utils.smaller.onnx_files import (
    export_onnx,
    load_onnx,
    onnx_logits,
    predict_onnx,
    quantise_onnx,
)
from utils.smaller.pruning import keep_layers, keep_neurons, neuron_importance
from utils.smaller.quantisation import load_int8, save_int8, to_int8

__all__ = [
    "DistillationTrainer",
    "add_lora",
    "distil",
    "distillation_loss",
    "export_onnx",
    "keep_layers",
    "keep_neurons",
    "load_int8",
    "load_lora",
    "load_onnx",
    "neuron_importance",
    "new_student",
    "onnx_logits",
    "predict_onnx",
    "quantise_onnx",
    "save_int8",
    "to_int8",
    "trim_vocabulary",
]
