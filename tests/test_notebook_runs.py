"""Every chapter runs clean without a network, within its budgets of time and memory.

On a slow or busy machine, COURSE_TIME_MARGIN (default 2) stretches the seconds.
"""

import os
import subprocess
import sys

import conftest
import notebooks as nb
import pytest
from numbers_in_prose import stated_cost
from runner import NAMESPACE, SOCKET_GUARD, namespace_prefix, offline, run_notebook

SECONDS, BYTES = 90, 3 * 2**30
MARGIN = float(os.environ.get("COURSE_TIME_MARGIN", "2"))
STARTUP = 15  # seconds for pytest and a kernel to start, which a reader does not wait for


@pytest.mark.skipif(not nb.notebook_paths(), reason="no notebooks in chapters/ yet")
@pytest.mark.parametrize("path", nb.notebook_paths(), ids=lambda path: path.stem)
def test_notebook_runs_offline_within_budget(path, tmp_path):
    limit = SECONDS * MARGIN + STARTUP
    run = run_notebook(path, tmp_path, limit)
    way = offline([], tmp_path)[2]
    conftest.MEASURED.append(
        f"{path.stem}: {run.seconds:.0f} s (budget {SECONDS} s, times {MARGIN:g} here), "
        f"peak {run.peak_bytes / 2**30:.2f} GiB (budget {BYTES / 2**30:.0f}), "
        f"network cut off by {way}"
    )
    assert run.passed, run.output[-6000:]
    assert run.seconds <= limit
    assert run.peak_bytes <= BYTES
    assert understated(nb.read(path), run.seconds, run.peak_bytes) == []


def understated(notebook, seconds, peak_bytes):
    """Rule: the seconds and memory a chapter says it takes are not far below those measured."""
    said_seconds, said_bytes = stated_cost(notebook)
    violations = []
    if said_seconds and seconds > said_seconds * MARGIN + STARTUP:
        violations.append(f"says {said_seconds:.0f} s, took {seconds:.0f} s")
    if said_bytes and peak_bytes > said_bytes * 1.5 + 2**29:
        violations.append(f"says {said_bytes / 2**30:.1f} GiB, took {peak_bytes / 2**30:.1f}")
    return violations


GO_OUT = """
import socket, sys
try:
    socket.create_connection(("192.0.2.1", 80), timeout=3)  # an address kept for documentation
except OSError as error:
    sys.exit(0 if "unreachable" in str(error) else f"got out: {error!r}")
sys.exit("got out")
"""
LOOK_UP = """
import socket, sys
try:
    socket.getaddrinfo("example.org", 80)
except OSError:
    sys.exit(0)
sys.exit("looked up a name")
"""
STAY_IN = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), timeout=5).close()
socket.getaddrinfo("localhost", 80)
"""


@pytest.mark.parametrize("way", [NAMESPACE, SOCKET_GUARD])
@pytest.mark.parametrize("code", [GO_OUT, LOOK_UP, STAY_IN], ids=["out", "look up", "stay in"])
def test_the_network_is_cut_off(way, code, tmp_path):
    if way == NAMESPACE and not namespace_prefix():
        pytest.skip("this system grants no empty network namespace")
    command, environment, _ = offline([sys.executable, "-c", code], tmp_path, way)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_an_understated_cost_is_found():
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    intro = "在两核 CPU 上运行约 1.5 分钟，峰值内存约 1.2 GB。"
    notebook = new_notebook(cells=[new_markdown_cell(intro), new_code_cell("1", id="setup")])
    assert stated_cost(notebook) == (90, 1.2 * 2**30)
    assert understated(notebook, 80, 2**30) == []
    assert len(understated(notebook, 90 * MARGIN + STARTUP + 1, 3 * 2**30)) == 2
