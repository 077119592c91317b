"""Every chapter runs clean without a network.

How long it takes is no matter of pass or fail: `make times` measures it (test_times.py).
"""

import subprocess
import sys

import notebooks as nb
import pytest
from runner import HANG, NAMESPACE, SOCKET_GUARD, namespace_prefix, offline, run_notebook


@pytest.mark.slow
@pytest.mark.parametrize("path", nb.notebook_paths(), ids=lambda path: path.stem)
def test_notebook_runs_offline(path, tmp_path):
    run = run_notebook(path, tmp_path)
    assert run.passed, run.output[-6000:]


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
socket.create_connection(server.getsockname()).close()
socket.getaddrinfo("localhost", 80)
"""


@pytest.mark.parametrize("way", [NAMESPACE, SOCKET_GUARD])
@pytest.mark.parametrize("code", [GO_OUT, LOOK_UP, STAY_IN], ids=["out", "look up", "stay in"])
def test_the_network_is_cut_off(way, code, tmp_path):
    if way == NAMESPACE and not namespace_prefix():
        pytest.skip("this system grants no empty network namespace")
    command, environment, _ = offline([sys.executable, "-c", code], tmp_path, way)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 0, done.stderr
