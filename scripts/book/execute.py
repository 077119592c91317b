"""Execute a notebook in a fresh kernel of this Python, and watch what it costs."""

import subprocess
import threading
import time
from pathlib import Path

import ipykernel.kernelspec
import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from book.files import normalise, write


class NotebookFailed(Exception):
    """A cell raised, hung or killed the kernel; the message says which."""


class ThisPython(KernelSpecManager):
    """Start kernels of the running Python, whatever kernels the user has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """That of the running Python, whatever name is asked for."""
        return self.kernel_spec_class(
            resource_dir=ipykernel.kernelspec.RESOURCES, **ipykernel.kernelspec.get_kernel_dict()
        )


class FreshKernel(AsyncKernelManager):
    """A kernel of the running Python, as a class: nbclient ends those alone that it made itself."""

    def __init__(self, **options):
        super().__init__(kernel_spec_manager=ThisPython(), **options)


class Watch(threading.Thread):
    """Note what a process and its children cost: CPU seconds, and resident bytes at the peak."""

    INTERVAL = 0.2  # seconds

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.cpu_seconds = self.peak_bytes = 0
        self.done = threading.Event()

    def run(self) -> None:
        """Look again and again, until stopped."""
        while not self.done.is_set():
            cpu, resident = usage(self.process)
            self.cpu_seconds = max(self.cpu_seconds, cpu)
            self.peak_bytes = max(self.peak_bytes, resident)
            self.done.wait(self.INTERVAL)

    def stop(self) -> None:
        """Stop watching; the numbers stay."""
        self.done.set()
        self.join()


def usage(process: psutil.Process) -> tuple[float, int]:
    """CPU seconds so far, and resident bytes, of a process and its children.

    On Linux the seconds include those of children that have ended.
    """
    cpu = resident = 0
    try:
        for each in [process, *process.children(recursive=True)]:
            try:
                cpu += sum(each.cpu_times()[:4])  # user, system, and those of ended children
                resident += each.memory_info().rss
            except psutil.Error:
                continue  # a child that ended while we looked
    except psutil.Error:
        pass  # the process itself has gone
    return cpu, resident


def execute(notebook: NotebookNode, folder: Path, timeout: int, title: str) -> dict[str, float]:
    """Execute a notebook, in place, in a fresh kernel started in `folder`.

    Args:
        timeout: seconds for one cell.

    Returns:
        What the kernel cost: {"seconds", "cpu_seconds", "peak_mb"} (1 MB is 10^6 bytes).

    Raises:
        NotebookFailed: a cell raised, hung or killed the kernel.
    """
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        kernel_manager_class=FreshKernel,
        timeout=timeout,
        store_widget_state=False,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    watch = None
    current = 0

    def on_notebook_start(**_):
        nonlocal watch
        watch = Watch(client.km.provisioner.pid)
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
            if watch:
                watch.stop()
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(watch.cpu_seconds, 1),
        "peak_mb": round(watch.peak_bytes / 10**6),
    }


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


def run(path: Path, check: bool = False, timeout: int = 600) -> dict[str, float] | None:
    """Execute one notebook, store its outputs unless checking, and say on one line how it went.

    Returns:
        what it cost, as `execute` returns it; None where a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    clear(notebook)
    try:
        cost = execute(notebook, path.resolve().parent, timeout, path.stem)
    except NotebookFailed as failure:
        print(f"{path.name}: FAILED, file left as it was: {failure}", flush=True)
        return None
    if not check:
        write(normalise(notebook), path)
    line = "{}: {seconds:.0f} s, {cpu_seconds:.0f} s of CPU, peak {peak_mb} MB"
    print(line.format(path.name, **cost), flush=True)
    return cost
