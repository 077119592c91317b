"""Install what the course needs and this machine lacks; the setup cell runs it in Colab.

    python scripts/install_missing.py

What Colab brings stays as it is: its builds of PyTorch fit its GPU, and the kernel that runs the
notebook has loaded NumPy, IPython and the widgets already, so that newer files of these would meet
older code in memory.
"""

import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

KEPT = ("torch", "numpy")  # must be there
HELD = ("ipykernel", "ipython", "ipywidgets", "pandas")  # stay, where they are there
# The course uses none of it, but peft refuses LoRA beside an old one, which Colab ships. A newer
# one, where its binaries do not fit the installed PyTorch, fills the first outputs with warnings.
IN_THE_WAY = Requirement("torchao<0.16")
ROOT = Path(__file__).resolve().parent.parent


def installed(name: str) -> str | None:
    """Version of an installed package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def missing(requirements: list[str]) -> list[str]:
    """Those requirements that this Python does not meet, without what stays as it is."""
    unmet = []
    for requirement in map(Requirement, requirements):
        there = installed(requirement.name)
        if requirement.name in KEPT or (requirement.marker and not requirement.marker.evaluate()):
            continue
        if there is not None and requirement.name in HELD:
            continue
        if there is None or not requirement.specifier.contains(there, prereleases=True):
            unmet.append(str(requirement))
    return unmet


def is_in_the_way() -> bool:
    """Is there a package that keeps the course from running?"""
    there = installed(IN_THE_WAY.name)
    return there is not None and IN_THE_WAY.specifier.contains(there, prereleases=True)


def remove() -> None:
    """Uninstall what is in the way."""
    command = [sys.executable, "-m", "pip", "uninstall", "--yes", "--quiet", IN_THE_WAY.name]
    if subprocess.run(command).returncode:
        sys.exit(f"pip could not remove {IN_THE_WAY.name}; see its message above")


def install(requirements: list[str]) -> None:
    """Hand requirements to pip, with what stays held at its installed version."""
    pins = {name: installed(name) for name in KEPT + HELD}
    for name in KEPT:
        if pins[name] is None:  # pip would fetch it as a dependency of the others
            sys.exit(
                f"{name} is not installed; install it first (see README.md), then run this again"
            )
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        lines = [f"{name}=={version}\n" for name, version in pins.items() if version]
        constraints.write_text("".join(lines))
        quiet = ["--quiet", "--disable-pip-version-check", "--progress-bar=off"]
        # As in the Makefile: seqeval cannot be built in the old way of an older pip.
        options = [*quiet, "--use-pep517", "-c", str(constraints)]
        command = [sys.executable, "-m", "pip", "install", *options]
        if subprocess.run([*command, *requirements]).returncode:
            sys.exit(f"pip could not install {', '.join(requirements)}; see its message above")


if __name__ == "__main__":
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    lacking = missing(wanted)
    if is_in_the_way():
        print(f"📦 正在移走用不着的旧包 {IN_THE_WAY.name}：它与 peft 冲突。", flush=True)
        remove()
    if lacking:
        print(f"📦 正在安装课程还缺的包：{'、'.join(lacking)}（约一两分钟）……", flush=True)
        install(lacking)
    else:
        print("📦 课程需要的包都已装好。")
