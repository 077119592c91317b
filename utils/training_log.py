"""What a training run leaves behind: its log while it runs, and the report kept with the model."""

import json
import time
from pathlib import Path

from transformers import TrainerCallback

BUDGET = ("steps", "tokens_seen", "minutes")  # of a round of training


def training_rounds(folder: str | Path) -> list[dict]:
    """The reports of a model's rounds of training (training.json), the first round first.

    A later round keeps the report of the one it started from. Empty without a training.json.
    """
    notes = Path(folder) / "training.json"
    report = json.loads(notes.read_text(encoding="utf8")) if notes.is_file() else None
    rounds = []
    while report:
        rounds.insert(0, report)
        report = report.get("started_from")
    return rounds


def text_budget(folder: str | Path) -> dict:
    """Steps, tokens seen and minutes of the rounds on plain text, added up; their text and seeds.

    Rounds that taught labelled tasks are left out. Empty where no such round is on record.
    """
    rounds = [each for each in training_rounds(folder) if not each.get("tasks")]
    if not rounds:
        return {}
    sums = {name: sum(each.get(name) or 0 for each in rounds) for name in BUDGET}
    last = rounds[-1]
    return sums | {
        "device": last.get("device"),
        "text": last.get("text"),
        "seeds": [each.get("seed") for each in rounds],
    }


class JsonLog(TrainerCallback):
    """Write every log of a Trainer to a file, one JSON object a line, with minutes and an ETA.

    A run that is resumed carries the minutes on and drops the rows of the steps that are done anew.
    """

    def __init__(self, path: str | Path):
        self.path, self.minutes_before = Path(path), 0.0

    def on_train_begin(self, args, state, control, **kwargs):
        self.started, self.first_step = time.perf_counter(), state.global_step
        if not (state.is_world_process_zero and self.path.is_file()):
            return
        rows = [row for row in self._read() if row["step"] <= state.global_step]
        self.minutes_before = max((row["minutes"] for row in rows), default=0.0)
        partial = self.path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
        partial.replace(self.path)

    def minutes(self) -> float:
        """Minutes of training so far, those before an interruption included."""
        return self.minutes_before + (time.perf_counter() - self.started) / 60

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not state.is_world_process_zero:
            return
        steps = state.global_step - self.first_step
        left = None  # nobody knows before the first step
        if steps:
            minutes_a_step = (self.minutes() - self.minutes_before) / steps
            left = round((state.max_steps - state.global_step) * minutes_a_step, 1)
        row = {
            "step": state.global_step,
            "minutes": round(self.minutes(), 2),
            "minutes_left": left,
        }
        row |= {
            key: round(value, 6) if isinstance(value, float) else value
            for key, value in logs.items()
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf8") as file:
            file.write(json.dumps(row) + "\n")

    def _read(self) -> list[dict]:
        rows = []
        for line in self.path.read_text(encoding="utf8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:  # cut off when the process was killed
                continue
        return rows
