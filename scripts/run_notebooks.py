"""Execute the chapters in place and store their outputs.

    python scripts/run_notebooks.py               # all of chapters/*.ipynb
    python scripts/run_notebooks.py 05 07_t5      # the chapters whose names begin so
    python scripts/run_notebooks.py --check 05    # execute, write nothing
    python scripts/run_notebooks.py --times FILE  # the same, and note in FILE what it cost

Each notebook runs in a fresh kernel of this Python, from its own folder. The file is
replaced in one step, and only if every cell ran and the content changed.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import ipykernel.kernelspec
import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tqdm import tqdm

CHAPTERS = Path(__file__).resolve().parent.parent / "chapters"
PROFILE_VARIABLES = ("COURSE_PROFILE", "COURSE_DATA")
WIDGET = "application/vnd.jupyter.widget-view+json"

# The same in every notebook, whoever edits it: Python's patch version is not worth a diff,
# but without a lexer the site warns at each cell.
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
CELL_METADATA = ("tags", "mystnb", "jupyter", "cellView")
CORES = 2  # for which the pages state their minutes


class NotebookFailed(Exception):
    """A cell raised, hung or killed the kernel; the message says which."""


class ThisPython(KernelSpecManager):
    """Start kernels of the running Python, whatever kernels the user has installed."""

    def get_kernel_spec(self, kernel_name):
        return self.kernel_spec_class(
            resource_dir=ipykernel.kernelspec.RESOURCES, **ipykernel.kernelspec.get_kernel_dict()
        )


class Watch(threading.Thread):
    """Note what a process and its children cost: CPU seconds, and resident bytes at the peak."""

    def __init__(self, pid, interval=0.2):
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.interval = interval
        self.cpu_seconds = self.peak_bytes = 0
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            cpu, resident = usage(self.process)
            self.cpu_seconds = max(self.cpu_seconds, cpu)
            self.peak_bytes = max(self.peak_bytes, resident)
            self.done.wait(self.interval)

    def stop(self):
        """Stop watching; the numbers stay."""
        self.done.set()
        self.join()


def usage(process):
    """Return (CPU seconds so far, resident bytes) of a process and its children.

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


def find_notebooks(names, folder=CHAPTERS):
    """Return the paths of the named notebooks; of all in the folder when none is named."""
    everything = sorted(folder.glob("*.ipynb"))
    if not names:
        return everything
    found = []
    for name in names:
        if name.endswith(".ipynb"):
            matches = [Path(name)] if Path(name).is_file() else []
        else:
            matches = [path for path in everything if path.stem.startswith(name)]
        if not matches:
            known = ", ".join(path.stem for path in everything) or "none"
            raise SystemExit(f"No notebook {name!r} in {folder}; name one of: {known}.")
        found += [path for path in matches if path not in found]
    return found


def execute(notebook, folder, timeout, title):
    """Execute a notebook in a fresh kernel.

    Returns:
        What the kernel cost: {"seconds", "cpu_seconds", "peak_mb"} (1 MB is 10^6 bytes).

    Raises:
        NotebookFailed: a cell raised, hung or killed the kernel.
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
        watch = Watch(manager.provisioner.pid)
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


def explain(error):
    """Say on one line what became of a cell."""
    if isinstance(error, CellExecutionError):
        return f"raised {error.ename}: {error.evalue}"
    if isinstance(error, DeadKernelError):
        return "killed the kernel, perhaps for want of memory"
    return "ran out of time; give it more with --timeout"


def clear(notebook):
    """Empty all outputs and counts, so that those found afterwards are this run's."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def normalise(notebook):
    """Strip from a notebook, in place, what differs between two equal runs; return it."""
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {key: cell.metadata[key] for key in CELL_METADATA if cell.metadata.get(key)}
        )
        if cell.cell_type == "code":
            cell.outputs = merge_streams([tidy(o) for o in cell.outputs if not is_bare_widget(o)])
    return notebook


def is_bare_widget(output):
    """Tell whether an output is a live widget without a picture: a page has no kernel behind it."""
    data = output.get("data", {})
    return WIDGET in data and "text/html" not in data


def tidy(output):
    """Keep of a widget its picture, as its id differs each time and no kernel knows it later.

    Keep of a traceback only its last line: the rest holds paths of this machine.
    """
    output.get("data", {}).pop(WIDGET, None)
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
    return output


def merge_streams(outputs):
    """Join neighbouring pieces of one stream, as their borders depend on timing."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    for output in merged:
        if output.output_type == "stream":  # what a terminal shows of an overwritten line
            output.text = re.sub(r"^.*\r(?=[^\n])", "", output.text, flags=re.MULTILINE)
    return merged


def write(notebook, path):
    """Write a notebook in one step, and not at all if the file would stay the same."""
    content = nbformat.writes(notebook).rstrip("\n") + "\n"
    if path.read_text(encoding="utf-8") == content:
        return
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, suffix=".partial", delete=False
    ) as partial:
        partial.write(content)
    try:
        os.chmod(partial.name, path.stat().st_mode)
        os.replace(partial.name, path)
    except OSError:
        os.unlink(partial.name)
        raise


def run(path, check=False, timeout=600, times=None):
    """Execute one notebook, store its outputs unless checking; return whether it ran.

    times: a JSON file that takes a note of what the run cost.
    """
    notebook = nbformat.read(path, as_version=4)
    clear(notebook)
    try:
        cost = execute(notebook, path.resolve().parent, timeout, path.stem)
    except NotebookFailed as failure:
        print(f"{path.name}: FAILED, file left as it was: {failure}", flush=True)
        return False
    if not check:
        write(normalise(notebook), path)
    if times:
        note_times(times, path.stem, cost)
    print(
        "{}: {seconds:.0f} s, {cpu_seconds:.0f} s of CPU, peak {peak_mb} MB".format(
            path.name, **cost
        ),
        flush=True,
    )
    return True


def note_times(path, name, cost):
    """Write a notebook's cost into a JSON file, one line a notebook, beside what is there."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    about = {"cores": CORES, "hardware": processor(), "commit": commit()}
    rows[name] = cost | about | {"date": datetime.date.today().isoformat()}
    lines = (f"  {json.dumps(key)}: {json.dumps(rows[key])}" for key in sorted(rows))
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")


def processor():
    """Return the name of the machine's processor."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.+)", info.read_text()) if info.is_file() else []
    return names[0] if names else platform.processor() or platform.machine()


def commit():
    """Return the commit that is checked out, with -dirty where files differ; "" outside git."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        return subprocess.run(
            command, cwd=CHAPTERS, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def keep_to_two_cores():
    """Give this process, and so the kernels, the two cores that the measured times are for."""
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):  # Linux and Windows
        process.cpu_affinity(process.cpu_affinity()[:CORES])
        cores = len(process.cpu_affinity())
    else:
        cores = psutil.cpu_count()
    if cores != CORES:
        raise SystemExit(f"--times measures on {CORES} cores; this machine gives {cores}.")
    if (busy := psutil.cpu_percent(1)) > 10:
        print(f"The machine is busy with other work ({busy:.0f} %): the seconds will be too many.")


def main(arguments=None):
    """Run the notebooks named on the command line; the exit status is 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="beginnings of names, or paths; default: all")
    parser.add_argument("--check", action="store_true", help="execute, but write nothing")
    parser.add_argument("--times", type=Path, metavar="FILE", help="check, and note the cost")
    parser.add_argument("--timeout", type=int, default=600, help="seconds for one cell")
    options = parser.parse_args(arguments)
    options.check = options.check or bool(options.times)
    if options.times:
        keep_to_two_cores()
    if options.times or not options.check:
        # What is stored is what readers see: the default profile, on the course's own data.
        for variable in PROFILE_VARIABLES:
            if os.environ.pop(variable, None):
                print(f"{variable} is ignored: stored outputs are those of the default profile.")
    results = [
        run(path, options.check, options.timeout, options.times)
        for path in find_notebooks(options.names)
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
