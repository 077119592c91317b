"""Execute a notebook in a fresh kernel of this Python, and watch its memory."""

import subprocess
import threading
import time
from pathlib import Path

import ipykernel.kernelspec
import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm


class NotebookFailed(Exception):
    """A cell raised, hung or killed the kernel; the message says which."""


class ThisPython(KernelSpecManager):
    """Start kernels of the running Python, whatever kernels the user has installed."""

    def get_kernel_spec(self, kernel_name):
        return self.kernel_spec_class(
            resource_dir=ipykernel.kernelspec.RESOURCES, **ipykernel.kernelspec.get_kernel_dict()
        )


class MemoryWatch(threading.Thread):
    """Note the peak resident memory, in bytes, of a process and its children."""

    def __init__(self, pid: int, interval: float = 0.1):
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.interval = interval
        self.peak = 0
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            self.peak = max(self.peak, resident_memory(self.process))
            self.done.wait(self.interval)

    def stop(self) -> int:
        """Stop watching; the peak in bytes."""
        self.done.set()
        self.join()
        return self.peak


def resident_memory(process: psutil.Process) -> int:
    """Resident memory of a process and its children in bytes; 0 if it has gone."""
    total = 0
    try:
        for each in [process, *process.children(recursive=True)]:
            try:
                total += each.memory_info().rss
            except psutil.Error:
                continue  # a child that ended while we looked
    except psutil.Error:
        pass
    return total


def execute(notebook: NotebookNode, folder: Path, timeout: int, title: str) -> tuple[float, int]:
    """Execute a notebook, in place, in a fresh kernel started in `folder`.

    Args:
        timeout: seconds for one cell.
    Returns:
        seconds, and the peak bytes of the kernel.
    Raises:
        NotebookFailed: naming the cell and what became of it.
    """
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisPython())
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=timeout,
        store_widget_state=False,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    watch = None
    current = 0

    def on_notebook_start(**_):
        nonlocal watch
        watch = MemoryWatch(manager.provisioner.pid)
        watch.start()

    def on_cell_start(cell_index, **_):
        nonlocal current
        current = cell_index
        progress.update(cell_index - progress.n)

    client.on_notebook_start = on_notebook_start
    client.on_cell_start = on_cell_start
    started = time.perf_counter()
    with tqdm(total=len(notebook.cells), desc=title, unit="cell") as progress:
        try:
            client.execute(stderr=subprocess.DEVNULL)  # the kernel's own log, not the cells'
            progress.update(progress.total - progress.n)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            place = f"cell {current} ({notebook.cells[current].id})"
            raise NotebookFailed(f"{place} {explain(error)}") from error
        finally:
            peak = watch.stop() if watch else 0
    return time.perf_counter() - started, peak


def explain(error: Exception) -> str:
    """What became of a cell, on one line."""
    if isinstance(error, CellExecutionError):
        return f"raised {error.ename}: {error.evalue}"
    if isinstance(error, DeadKernelError):
        return "killed the kernel, perhaps for want of memory"
    return "ran out of time; give it more with --timeout"


def clear(notebook: NotebookNode) -> None:
    """Empty all outputs and counts, so that those found afterwards are this run's."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
