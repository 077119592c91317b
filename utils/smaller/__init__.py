"""The door to smaller models: fewer layers and neurons, fewer bits, ONNX, LoRA."""

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
    "add_lora",
    "export_onnx",
    "keep_layers",
    "keep_neurons",
    "load_int8",
    "load_lora",
    "load_onnx",
    "neuron_importance",
    "onnx_logits",
    "predict_onnx",
    "quantise_onnx",
    "save_int8",
    "to_int8",
]
