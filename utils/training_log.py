"""What a training run leaves behind: its log while it runs, and the report kept with the model."""

import json
import time
from pathlib import Path

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

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
    """Write the log of a Trainer to a file, one JSON object a line, with minutes and an ETA.

    The rows are Trainer's own (`state.log_history`), which every checkpoint carries: a run that is
    resumed has those before its checkpoint, and the minutes with them. The file is written anew
    with each row, so that it is whole whenever the process is killed.
    """

    def __init__(self, path: str | Path):
        self.path, self.minutes_before = Path(path), 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs
    ) -> None:
        self.started, self.first_step = time.perf_counter(), state.global_step
        self.minutes_before = max((row.get("minutes", 0.0) for row in state.log_history), default=0)

    def minutes(self) -> float:
        """Minutes of training so far, those before an interruption included."""
        return self.minutes_before + (time.perf_counter() - self.started) / 60

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict | None = None,
        **kwargs,
    ) -> None:
        steps = state.global_step - self.first_step
        left = None  # nobody knows before the first step
        if steps:
            minutes_a_step = (self.minutes() - self.minutes_before) / steps
            left = round((state.max_steps - state.global_step) * minutes_a_step, 1)
        state.log_history[-1] |= {"minutes": round(self.minutes(), 2), "minutes_left": left}
        if state.is_world_process_zero:
            self._write(state.log_history)

    def _write(self, rows: list[dict]) -> None:
        first = ("step", "minutes", "minutes_left")
        lines = [{name: row.get(name) for name in first} | row for row in rows]
        lines = [
            {name: round(v, 6) if isinstance(v, float) else v for name, v in line.items()}
            for line in lines
        ]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf8")
        partial.replace(self.path)
