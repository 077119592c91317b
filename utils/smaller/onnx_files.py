"""ONNX: one file with the computation and the weights, run by ONNX Runtime without PyTorch."""

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.finetuning import as_texts, by_length, check_padding, check_positions, most_tokens
from utils.models import ModelError

POSITIONS = "positions"  # beside the graph: how many tokens the longest row may have
INPUTS = ("input_ids", "attention_mask", "token_type_ids")  # in the order of BERT's `forward`


def export_onnx(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, file: str | Path
) -> Path:
    """Write a classifier as one ONNX file, for batches and lengths of any size, and compare.

    The comparison is of two texts, one of them padded: only there do swapped inputs show.

    Raises:
        ValueError: a model that does not read BERT's three inputs, or a file whose logits are
            not the model's.
    """
    file = Path(file)
    reads = getattr(getattr(model, "config", None), "type_vocab_size", 0) > 1
    if not reads or not hasattr(model, "classifier"):
        raise ValueError(
            f"export_onnx: {type(model).__name__} is no classifier that reads token_type_ids; give "
            "a BERT classifier"
        )
    model = model.cpu().eval()
    rows = tokenizer(["短", "长一点的例子"], padding=True, return_tensors="pt")
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    # As keywords and by name: a tuple in the tokenizer's order would change two of them silently.
    with _quiet():
        torch.onnx.export(
            model,
            kwargs={name: rows[name] for name in INPUTS},
            f=str(file),
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_shapes={name: {0: batch, 1: length} for name in INPUTS},
            dynamo=True,
            external_data=False,  # or a second file that gets lost
            verbose=False,
        )
    graph = onnx.load(file)
    if most := most_tokens(model):
        onnx.helper.set_model_props(graph, {POSITIONS: str(most)})
        onnx.save(graph, file)
    with torch.no_grad():
        expected = model(**rows).logits.numpy()
    apart = float(abs(onnx_logits(load_onnx(file), rows) - expected).max())
    if not apart < 1e-3:
        raise ValueError(f"{file}: its logits differ from the model's by {apart:.3g}")
    return file


def quantise_onnx(file: str | Path, target: str | Path, embeddings: bool = True) -> Path:
    """Write an int8 copy of an ONNX file.

    Args:
        embeddings: round the embedding tables too, the largest part of a small model; else only
            the matrices that are multiplied.
    Raises:
        ModelError: no such file, or not an ONNX file.
    """
    graph = _read(Path(file))
    # The exporter notes the shapes of the weights beside those of the values between the layers;
    # the quantiser then takes its own rounded weights for a contradiction.
    weights = {each.name for each in graph.graph.initializer}
    notes = [each for each in graph.graph.value_info if each.name not in weights]
    del graph.graph.value_info[:]
    graph.graph.value_info.extend(notes)
    with tempfile.TemporaryDirectory() as folder:
        cleaned = Path(folder) / "cleaned.onnx"
        onnx.save(graph, cleaned)
        with _quiet():
            quantize_dynamic(
                cleaned,
                target,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=["MatMul", "Gather"] if embeddings else ["MatMul"],
            )
    return Path(target)


def load_onnx(file: str | Path, threads: int | None = None) -> onnxruntime.InferenceSession:
    """A session that runs the file on the processor.

    Args:
        threads: as many as PyTorch uses, by default.
    Raises:
        ModelError: no such file, or not an ONNX file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.log_severity_level = 3  # errors; warnings would stand between the lines of a chapter
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # each failure has a class of its own, none of them documented
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{file}: cannot be run ({reason}); export it again") from None


def onnx_logits(session: onnxruntime.InferenceSession, batch: dict) -> np.ndarray:
    """Logits (texts, classes) of a padded batch of the tokenizer, its tensors or arrays."""
    return session.run(["logits"], {name: np.asarray(batch[name]) for name in INPUTS})[0]


def predict_onnx(
    session: onnxruntime.InferenceSession,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str] | str,
    max_length: int = 128,
    batch_size: int = 32,
) -> np.ndarray:
    """Class probabilities of texts, in their order, as `predict` gives them: (texts, classes).

    Texts of similar length share a batch. An int8 file's answers depend on the batch: say its size.

    Raises:
        ValueError: something else than text, a row longer than the model can read, or a tokenizer
            that pads on the left.
    """
    check_padding(tokenizer)
    texts = as_texts(texts)
    known = session.get_modelmeta().custom_metadata_map.get(POSITIONS)
    classes = session.get_outputs()[0].shape[1]
    rows = np.empty((len(texts), classes), dtype=np.float32)
    for places in by_length(texts, batch_size):
        some = [texts[place] for place in places]
        batch = tokenizer(
            some, truncation=True, max_length=max_length, padding=True, return_tensors="np"
        )
        check_positions(known and int(known), batch["input_ids"].shape[1])
        logits = onnx_logits(session, batch)
        weights = np.exp(logits - logits.max(1, keepdims=True))
        rows[places] = weights / weights.sum(1, keepdims=True)
    return rows


def _read(file: Path) -> onnx.ModelProto:
    if not file.is_file():
        raise ModelError(f"{file}: no such file; write it with export_onnx")
    try:
        graph = onnx.load(file)
        onnx.checker.check_model(graph)
    except Exception as error:
        raise ModelError(f"{file}: not an ONNX file ({type(error).__name__})") from None
    return graph


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep hints of the libraries (on torchvision, on preparing a file) from between the lines."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
