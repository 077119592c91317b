"""scripts/install_missing.py installs what is missing, and never touches torch or numpy."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import install_missing
import pytest

SCRIPT = Path(install_missing.__file__)
NEEDS = ["torch>=2.13", "numpy>=2", "datasets>=4.0", "jieba>=0.42.1", "transformers>=5.0,<6"]
NEEDS += ["ipython>=9", "pandas>=2.2"]
PRESENT = {
    "torch": "2.9.0+cu126",  # older than asked for: Colab's own build stays
    "numpy": "2.3.1",
    "datasets": "4.1.0",
    "jieba": "0.42.1",
    "transformers": "5.2.0",
    "ipython": "9.1.0",
    "pandas": "2.3.0",
}


@pytest.fixture
def machine(monkeypatch):
    """A machine whose installed packages the test sets, and whose pip only takes notes."""
    there, calls = dict(PRESENT), []

    def version(name):
        if name not in there:
            raise PackageNotFoundError(name)
        return there[name]

    def run(command, **options):
        if "uninstall" in command:
            calls.append((command, ""))
            return SimpleNamespace(returncode=machine.returncode)
        place = Path(command[command.index("-c") + 1])
        calls.append((command, place.read_text()))
        return SimpleNamespace(returncode=machine.returncode)

    machine = SimpleNamespace(there=there, calls=calls, returncode=0)
    monkeypatch.setattr(install_missing, "version", version)
    monkeypatch.setattr(install_missing.subprocess, "run", run)
    return machine


def test_nothing_is_missing_here(machine):
    assert install_missing.missing(NEEDS) == []


def test_what_colab_lacks_altogether_is_installed_even_if_it_would_be_held(machine):
    del machine.there["ipython"]
    assert install_missing.missing(NEEDS) == ["ipython>=9"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"jieba": None}, ["jieba>=0.42.1"]),
        ({"datasets": "3.6.0"}, ["datasets>=4.0"]),
        ({"transformers": "4.57.1"}, ["transformers<6,>=5.0"]),
        ({"transformers": "6.0.0"}, ["transformers<6,>=5.0"]),
        ({"transformers": "5.3.0.dev0"}, []),
        ({"torch": None, "numpy": None}, []),
        ({"torch": "1.0", "numpy": "1.26.4"}, []),
        ({"ipython": "7.34.0", "pandas": "2.1.0"}, []),  # older, but the kernel has loaded them
        ({"torchao": "0.10.0"}, []),  # removed instead
        ({"jieba": None, "datasets": "2.0", "torch": "1.0"}, ["datasets>=4.0", "jieba>=0.42.1"]),
    ],
)
def test_missing_too_old_and_too_new_are_found(machine, change, found):
    machine.there.update(change)
    for name in [name for name, version in change.items() if version is None]:
        del machine.there[name]
    assert install_missing.missing(NEEDS) == found


def test_a_distribution_with_damaged_metadata_counts_as_missing(machine):
    machine.there["jieba"] = None  # what importlib.metadata says of an empty METADATA file
    assert install_missing.missing(NEEDS) == ["jieba>=0.42.1"]


def test_a_requirement_of_another_system_is_left_out(machine):
    assert install_missing.missing(['colorama>=0.4; sys_platform == "never"']) == []
    assert install_missing.missing(['colorama>=0.4; python_version > "3"']) != []


def test_pip_gets_the_missing_ones_and_the_pins_of_torch_and_numpy(machine):
    install_missing.install(["jieba>=0.42.1"])
    [(command, constraints)] = machine.calls
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert command[-1] == "jieba>=0.42.1"
    assert "--use-pep517" in command  # seqeval's source cannot be built without
    assert not any(part.startswith(("torch", "numpy")) for part in command)
    assert constraints.splitlines() == [
        "torch==2.9.0+cu126",
        "numpy==2.3.1",
        "ipython==9.1.0",
        "pandas==2.3.0",
    ]
    assert not Path(command[command.index("-c") + 1]).exists()


@pytest.mark.parametrize(
    ("version", "removed"), [("0.10.0", True), ("0.16.0", False), (None, False)]
)
def test_an_old_torchao_is_in_the_way(machine, version, removed):
    if version:
        machine.there["torchao"] = version
    assert install_missing.is_in_the_way() == removed


def test_what_is_in_the_way_is_removed(machine):
    install_missing.remove()
    [(command, _)] = machine.calls
    assert command[-4:] == ["uninstall", "--yes", "--quiet", "torchao"]
    machine.returncode = 1
    with pytest.raises(SystemExit, match="^pip could not remove torchao"):
        install_missing.remove()


@pytest.mark.parametrize("name", ["torch", "numpy"])
def test_without_torch_or_numpy_pip_is_not_asked(machine, name):
    del machine.there[name]
    with pytest.raises(SystemExit, match=f"^{name} is not installed; install it first"):
        install_missing.install(["accelerate>=1.1"])
    assert machine.calls == []


def test_a_failing_pip_ends_in_one_line(machine):
    machine.returncode = 1
    with pytest.raises(SystemExit, match="^pip could not install jieba>=0.42.1; see"):
        install_missing.install(["jieba>=0.42.1"])


FAKED = """
import importlib.metadata, runpy, subprocess, sys
from types import SimpleNamespace
real = importlib.metadata.version
versions = {"jieba": "0.1", "torch": "1.0", "numpy": "1.0"}
importlib.metadata.version = lambda name: versions.get(name) or real(name)
def run(command, **options):
    print("pip:", *command[command.index("-c") + 2:])
    return SimpleNamespace(returncode=0)
subprocess.run = run
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.mark.parametrize("faked", [True, False], ids=["one too old", "nothing missing"])
def test_the_script_says_in_one_line_what_it_does(faked, tmp_path):
    """Run whole, on the real pyproject.toml, in this environment, which is complete."""
    command = [sys.executable, *(["-c", FAKED] if faked else []), str(SCRIPT)]
    ran = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        encoding="utf8",
        check=True,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    assert ran.stderr == ""
    if faked:
        assert ran.stdout.splitlines() == [
            "📦 正在安装课程还缺的包：jieba>=0.42.1（约一两分钟）……",
            "pip: jieba>=0.42.1",
        ]
    else:
        assert ran.stdout.splitlines() == ["📦 课程需要的包都已装好。"]
