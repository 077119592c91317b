"""Carry on a training run that was interrupted, and only that run."""

import json
from pathlib import Path


def last_complete_checkpoint(folder: str | Path) -> str | None:
    """The newest checkpoint under ``folder`` that was written to its end, or None.

    Trainer itself would take the newest folder even if the process was killed while writing
    it. It writes ``trainer_state.json`` last, so a checkpoint is complete when that file reads.
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


def check_same_run(folder: str | Path, settings: dict) -> None:
    """Note the settings of a run in its folder, or compare them with those noted there.

    Raises:
        ValueError: the folder holds checkpoints of a run with other settings.
    """
    note = Path(folder) / "settings.json"
    text = json.dumps(settings, sort_keys=True, default=str, indent=1) + "\n"
    if last_complete_checkpoint(folder) and note.is_file():
        if note.read_text(encoding="utf8") != text:
            raise ValueError(
                f"{folder}: holds checkpoints of a run with other settings; delete the folder, or "
                "give another one"
            )
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(text, encoding="utf8")
