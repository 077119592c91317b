"""Run a notebook under nbval as a reader without a network would."""

import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

TESTS = Path(__file__).resolve().parent
GUARD = TESTS / "socket_guard"
# Seconds after which a process counts as hung. Far beyond any honest run: the longest chapter
# takes a minute and a half, and a machine may be ten times slower or busy with other work.
HANG = 20 * 60

# What a reader's machine may have set and a newcomer's has not.
UNSET = (
    "COURSE_PROFILE",
    "COURSE_DATA",
    "HF_HUB_OFFLINE",
    "HF_DATASETS_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_ENDPOINT",
    "HF_HUB_CACHE",
    "HF_DATASETS_CACHE",
    "HF_TOKEN",
    "PYTEST_ADDOPTS",
)

NAMESPACE, SOCKET_GUARD = "an empty network namespace", "a socket guard"

CONNECT_TO_SELF = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), timeout=5).close()
"""


@dataclass
class Run:
    """How a notebook's run went."""

    passed: bool
    output: str


@functools.cache
def namespace_prefix():
    """Return the command words that give an empty network namespace; [] where none is granted."""
    for words in (["unshare", "-rn"], ["unshare", "-n"]):
        prefix = [*words, sys.executable, str(TESTS / "loopback_only.py")]
        try:
            trial = subprocess.run(
                [*prefix, sys.executable, "-c", CONNECT_TO_SELF], capture_output=True, timeout=HANG
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if trial.returncode == 0:
            return prefix
    return []


def offline(command, home, way=None):
    """Return (command, environment, way) that runs a command with the network cut off.

    home: an empty folder in place of the Hugging Face cache, so that nothing fetched
    earlier helps. way: NAMESPACE or SOCKET_GUARD; by default the first where it works.
    """
    way = way or (NAMESPACE if namespace_prefix() else SOCKET_GUARD)
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}
    path = [str(TESTS), str(TESTS.parent / "scripts"), environment.get("PYTHONPATH", "")]
    if way == NAMESPACE:
        command = [*namespace_prefix(), *command]
    else:
        path.insert(0, str(GUARD))
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # only nbval is wanted
    environment["HF_HOME"] = str(Path(home) / "hf")
    environment["IPYTHONDIR"] = str(Path(home) / "ipython")
    return command, environment, way


def nbval_command(path):
    """Return the command that holds a notebook against its stored outputs, stopping at a failure."""
    options = (
        "--nbval-lax --nbval-current-env -p nbval.plugin -p nbval_strict -p no:cacheprovider -x -q"
    )
    return [
        *(sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(path.parent)),
        *options.split(),
        f"--nbval-cell-timeout={HANG}",
        str(path),
    ]


def run_notebook(path, home, way=None, limit=HANG):
    """Run a notebook under nbval with the network cut off; after `limit` seconds it hangs."""
    command, environment, _ = offline(nbval_command(Path(path)), home, way)
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        stop(process)
        output = f"{process.communicate()[0]}\nstopped after {limit:.0f} s"
    return Run(process.returncode == 0, output)


def stop(process):
    """End a process and its children, the kernel among them."""
    family = psutil.Process(process.pid)
    family.suspend()  # so that it starts no kernel while its children are counted
    for each in [*family.children(recursive=True), family]:
        try:
            each.kill()
        except psutil.Error:
            continue  # already gone
