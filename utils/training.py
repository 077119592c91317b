"""What pretraining and fine-tuning share around HF Trainer: precision, batches, resuming, the log."""

import json
import time
from pathlib import Path

import torch
from torch.utils.data import Sampler
from transformers import Trainer, TrainerCallback
from transformers.trainer_pt_utils import LengthGroupedSampler


def bf16_available() -> bool:
    """Does this machine multiply in bfloat16 natively (so that autocast is faster, not slower)?"""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Only this private function tells for a processor; an older or newer torch may lack it.
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe and probe())


class ShuffledBatches(Sampler):
    """The batches of another sampler in random order, a short last one last.

    LengthGroupedSampler sorts some fifty batches at a time from long to short. Where the length
    of a text hints at its class, training then swings from class to class: a classifier from
    random weights on 5,000 news titles stayed at chance, with shuffled batches it reached 0.84.
    """

    def __init__(self, sampler: Sampler, batch_size: int):
        self.sampler, self.batch_size = sampler, batch_size

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self):
        batches = torch.tensor(list(self.sampler)).split(self.batch_size)
        whole = len(self) // self.batch_size
        order = [*torch.randperm(whole).tolist(), *range(whole, len(batches))]
        return iter([place for batch in order for place in batches[batch].tolist()])


class BucketTrainer(Trainer):
    """Trainer whose batches of similar length ("group_by_length") come in random order."""

    def _get_train_sampler(self, train_dataset=None):
        sampler = super()._get_train_sampler(train_dataset)
        if isinstance(sampler, LengthGroupedSampler):
            return ShuffledBatches(sampler, self.args.train_batch_size)
        return sampler


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
