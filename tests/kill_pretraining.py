"""Start scripts/pretrain.py again and again and kill it, with SIGKILL, at moments of one's choice.

    python tests/kill_pretraining.py plan.json report.json

plan.json: `arguments` of the program; the `folder` that it writes to, `work` and `output` in it; and
`kills`, for each start [part of a moment's name, which of the moments of such a name], or null.

A moment is a step of training, or whatever changes the folder: a file that is opened to be written
(killed then, it is empty), one that PyTorch or safetensors write (killed then, it is there by half),
a file that gets another name or is taken away.

report.json: of each start how it ended, the moments it lived through, and what it left: the
checkpoint to go on from, and whether that and the finished model are whole.

Each start is a fork of this process, which has imported everything and computed nothing.
"""

import io
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pretrain
import torch
from in_float32 import run
from safetensors.torch import load_file
from transformers import modeling_utils

from utils.models import ModelError, check_folder
from utils.resuming import last_complete_checkpoint

CHANGES = ("os.rename", "os.remove", "os.rmdir")
Kill = tuple[str, int] | None


class Killer:
    """Tells moments, and ends its process at one of them."""

    def __init__(self, folder: str, kill: Kill, log: io.TextIOBase):
        self.folder, self.log, self.process, self.busy = folder, log, os.getpid(), False
        self.text, self.left = kill or ("", 0)

    def passes(self, name: str, leaves: Callable = lambda: None) -> None:
        """A moment is there; `leaves`: puts the folder as a kill then would leave it."""
        if self.busy or os.getpid() != self.process:  # not in the processes that prepare batches
            return
        self.busy = True
        name = name.replace(self.folder + "/", "").replace(f".{self.process}.", ".")
        name = re.sub("prepared/[0-9a-f]{16}", "prepared/N", name)  # another for each vocabulary
        self.log.write(name + "\n")
        self.log.flush()
        self.left -= self.text in name
        if self.left == 0 and self.text in name:
            leaves()
            os.kill(self.process, signal.SIGKILL)
        self.busy = False

    def hear(self, event: str, arguments: tuple) -> None:
        """An audit hook of Python: told of every file that is opened, renamed, removed."""
        if event == "open":
            path, mode, flags = arguments
            if self.is_mine(path) and flags & (os.O_WRONLY | os.O_RDWR):
                empty = "w" in (mode or "")
                self.passes(f"open {path}", lambda: empty and Path(path).write_bytes(b""))
        elif event in CHANGES and (self.is_mine(arguments[0]) or arguments[-1] not in (-1, None)):
            self.passes(f"{event} {arguments[0]}")  # `rmtree` names files as in their folder

    def is_mine(self, path: object) -> bool:
        named = isinstance(path, (str, os.PathLike)) and str(path)
        return bool(named) and named.startswith(self.folder) and not named.endswith(".lock")

    def halves(self, save: Callable, place: int) -> Callable:
        """A function that saves to a path, its argument number `place`, with a moment half-way."""

        def save_in_halves(*arguments, **options):
            path = arguments[place]

            def leaves():
                save(*arguments, **options)
                os.truncate(path, Path(path).stat().st_size // 2)

            if self.is_mine(path):
                self.passes(f"half {path}", leaves)
            return save(*arguments, **options)

        return save_in_halves


def start(arguments: list[str], folder: str, kill: Kill, log: Path) -> int:
    """One start in a process of its own; its exit status, negative: the signal that ended it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        torch.set_num_threads(1)
        with open(log, "w", encoding="utf8") as moments:
            killer = Killer(folder, kill, moments)
            sys.addaudithook(killer.hear)
            torch.save = killer.halves(torch.save, 1)
            modeling_utils.safe_save_file = killer.halves(modeling_utils.safe_save_file, 1)
            step = pretrain.PretrainingTrainer.training_step

            def counted(*arguments, **options):
                killer.passes("step")
                return step(*arguments, **options)

            pretrain.PretrainingTrainer.training_step = counted
            run(arguments)
            status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)


def state_of_model(folder: Path) -> str:
    """none, whole, or what is wrong with it."""
    try:
        check_folder(folder)
    except ModelError as error:
        return str(error) if folder.exists() else "none"
    return "whole"


def damaged_files(checkpoint: str | None) -> list[str]:
    """Files of a checkpoint that cannot be read."""
    damaged = []
    for path in sorted(Path(checkpoint).iterdir()) if checkpoint else ():
        try:
            if path.suffix == ".safetensors":
                load_file(path)
            elif path.suffix in (".pt", ".pth", ".bin"):  # a file of our own, written just now
                torch.load(path, weights_only=False)
            elif path.suffix == ".json":
                json.loads(path.read_text(encoding="utf8"))
        except Exception as error:
            damaged.append(f"{path.name}: {error!r:.80}")
    return damaged


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf8"))
    report, log = [], Path(sys.argv[2]).with_suffix(".moments")
    for kill in plan["kills"]:
        status = start(plan["arguments"], plan["folder"], kill, log)
        checkpoint = last_complete_checkpoint(plan["work"])
        report.append(
            {
                "status": status,
                "moments": log.read_text(encoding="utf8").splitlines(),
                "checkpoint": checkpoint and Path(checkpoint).name,
                "damaged": damaged_files(checkpoint),
                "model": state_of_model(Path(plan["output"])),
            }
        )
    Path(sys.argv[2]).write_text(json.dumps(report), encoding="utf8")


if __name__ == "__main__":
    main()
