"""What pretraining and fine-tuning share around HF Trainer: precision, resuming, the log."""

import json
import time
from pathlib import Path

import torch
from transformers import TrainerCallback


def bf16_available() -> bool:
    """Does this machine multiply in bfloat16 natively (so that autocast is faster, not slower)?"""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Only this private function tells for a processor; an older or newer torch may lack it.
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe and probe())


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


class JsonLog(TrainerCallback):
    """Append every log of a Trainer to a file, one JSON object a line, with minutes and an ETA."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def on_train_begin(self, args, state, control, **kwargs):
        self.started, self.first_step = time.perf_counter(), state.global_step

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not state.is_world_process_zero:
            return
        minutes = (time.perf_counter() - self.started) / 60
        steps = state.global_step - self.first_step
        left = (state.max_steps - state.global_step) * minutes / steps if steps else float("nan")
        row = {
            "step": state.global_step,
            "minutes": round(minutes, 2),
            "minutes_left": round(left, 1),
        }
        row |= {
            key: round(value, 6) if isinstance(value, float) else value
            for key, value in logs.items()
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf8") as file:
            file.write(json.dumps(row) + "\n")
