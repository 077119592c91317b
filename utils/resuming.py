"""Carry on a training run that was interrupted, and only that run."""

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import (
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

if TYPE_CHECKING:
    import datasets

NOTE = "settings.json"  # in a run's folder: what the run was started with


def last_complete_checkpoint(folder: str | Path) -> str | None:
    """The newest checkpoint under `folder` that was written to its end, or None.

    Trainer itself would take the newest folder even if the process was killed while writing
    it. It writes `trainer_state.json` last, so a checkpoint is complete when that file reads.
    """
    checkpoints = sorted(
        Path(folder).glob("checkpoint-*"),
        key=lambda path: int(path.name.split("-")[1]),
        reverse=True,
    )
    for checkpoint in checkpoints:
        try:
            json.loads((checkpoint / "trainer_state.json").read_text())
            return str(checkpoint)
        except (OSError, ValueError):
            continue
    return None


def check_same_run(
    folder: str | Path, settings: dict, data: str | None = None, start: str | None = None
) -> None:
    """Note what a run is started with in its folder, or compare it with what is noted there.

    Without it the model of an earlier run is handed out as that of this one: a Trainer that finds
    the checkpoints of a finished run loads them and has nothing left to do.

    Args:
        settings: whatever must not change between two starts of one run.
        data: fingerprint of the rows, as `data_fingerprint` gives it.
        start: fingerprint of the model before its first step, as `model_fingerprint` gives it.
    Raises:
        ValueError: the folder holds checkpoints of another run; says what differs.
    """
    note = Path(folder) / NOTE
    # Through JSON and back, as a note that is read again has been.
    now = json.loads(json.dumps({"settings": settings, "data": data, "start": start}, default=str))
    if last_complete_checkpoint(folder):
        if different := _differences(_noted(note), now):
            raise ValueError(
                f"{folder}: holds checkpoints of a run with other {different}; delete the folder, "
                "or give another one"
            )
    note.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(now, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    if note.is_file() and note.read_bytes() == text.encode():
        return
    partial = note.with_suffix(f".{os.getpid()}.partial")  # of one process among several
    partial.write_text(text, encoding="utf8")
    partial.replace(note)


def _noted(note: Path) -> dict:
    try:
        noted = json.loads(note.read_text(encoding="utf8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _differences(noted: dict, now: dict) -> str:
    """What differs between two notes, as words; empty where nothing does."""
    if not isinstance(noted.get("settings"), dict):
        return f"settings (its {NOTE} is missing or cannot be read)"
    old, new = noted["settings"], now["settings"]
    changed = [
        f"{name} {old.get(name)!s:.40}, now {new.get(name)!s:.40}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    words = [f"settings ({'; '.join(changed[:3])})"] if changed else []
    if noted.get("data") != now["data"]:
        words.append("data (texts, labels or their order)")
    if noted.get("start") != now["start"]:
        words.append("starting weights (make the model anew, with a fixed seed)")
    return " and ".join(words)


def data_fingerprint(*splits: "datasets.Dataset") -> str:
    """sha256 of the columns of data sets (`datasets.Dataset`), their rows' order and class names.

    Not `Dataset._fingerprint`: that one tells how a data set was made, and is another one after
    each `map` with a function that cannot be hashed, or in another process.
    """
    digest = hashlib.sha256()
    for split in splits:
        classes = {
            name: feature.names
            for name, feature in sorted(split.features.items())
            if hasattr(feature, "names")
        }
        digest.update(json.dumps([len(split), classes]).encode())
        for rows in split.with_format(None).iter(1_000):
            digest.update(json.dumps(rows, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def model_fingerprint(model: PreTrainedModel) -> str:
    """sha256 of a model as it stands: all its weights, which of them learn, its configuration.

    All weights and not a sample: two heads drawn with two seeds, or two encoders of which one was
    trained on, may agree in any tensor one might choose, and hashing BERT-Base takes a second.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        raw = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(raw.view(torch.uint8).numpy())
    frozen = sorted(name for name, each in model.named_parameters() if not each.requires_grad)
    config = model.config.to_dict()
    # Where a model lies and which release saved it say nothing about what it is.
    for name in ("_name_or_path", "transformers_version"):
        config.pop(name, None)
    digest.update(json.dumps([frozen, config], sort_keys=True, default=str).encode())
    return digest.hexdigest()


class BestCheckpointHere(TrainerCallback):
    """Look for the best checkpoint in the run's own folder, wherever that lay when it was noted.

    A checkpoint notes the path of the best one so far. After the folder was renamed, or from
    another working directory, that path may lead nowhere (Trainer then keeps the last weights
    without a word) or into the folder of another run, whose model would be handed out.
    """

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs
    ) -> None:
        """Point the state at the run's own folder.

        Raises:
            ValueError: the best checkpoint so far is gone.
        """
        if not (args.load_best_model_at_end and state.best_global_step):
            return
        best = Path(args.output_dir) / f"checkpoint-{state.best_global_step}"
        if not best.is_dir():
            raise ValueError(
                f"{best}: the best checkpoint of this run is gone; delete {args.output_dir}, or "
                "give another folder"
            )
        state.best_model_checkpoint = str(best)
