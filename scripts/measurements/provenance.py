"""Where, with what and on which weights a number was measured."""

import sys
from pathlib import Path

import torch
import transformers

from measurements.machine import commit, processor
from utils.models import file_sha256, read_vocabulary, resolve, vocabulary_sha256
from utils.profile import bf16_available


def circumstances() -> dict:
    """The command, commit, machine and versions of this run."""
    # Where a folder lay on this machine says nothing to others.
    given = [Path(each).name if Path(each).is_absolute() else each for each in sys.argv[1:]]
    return {
        "command": " ".join([f"python scripts/{Path(sys.argv[0]).name}", *given]),
        "commit": commit(),
        "hardware": hardware(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }


def hardware() -> str:
    """The GPU's name; else the processor's, its threads, and what it computes in."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    precision = "native bf16" if bf16_available() else "float32"
    return f"{processor()}, {torch.get_num_threads()} threads, {precision}"


def require_processor(what: str) -> None:
    """End where a GPU is at hand: the row would name it, but the work is the processor's."""
    if torch.cuda.is_available():
        sys.exit(f"{what} is measured on the processor: run again with CUDA_VISIBLE_DEVICES=''")


def fingerprints(checkpoint: str) -> dict[str, str]:
    """sha256 of a model's weights and of its vocabulary."""
    weights = Path(resolve(checkpoint)) / "model.safetensors"
    vocabulary = vocabulary_sha256(read_vocabulary(weights.parent))
    return {"model_sha256": file_sha256(weights), "vocab_sha256": vocabulary}


def fingerprints_by_arm(checkpoint: str) -> dict[str, dict[str, str]]:
    """What the rows of a trained model depend on, and those of the same shape from random weights.

    Returns:
        fingerprints of the arms `checkpoint` and "scratch", which shares its vocabulary alone.
    """
    known = fingerprints(checkpoint)
    return {checkpoint: known, "scratch": {"vocab_sha256": known["vocab_sha256"]}}
