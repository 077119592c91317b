"""Install what the course needs and this machine lacks; the setup cell runs it in Colab.

    python scripts/install_missing.py

PyTorch and NumPy stay as they are: Colab's builds fit its GPU, and NumPy is already loaded.
"""

import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

KEPT = ("torch", "numpy")
ROOT = Path(__file__).resolve().parent.parent


def installed(name: str) -> str | None:
    """Version of an installed package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def missing(requirements: list[str]) -> list[str]:
    """Those requirements that this Python does not meet, without torch and numpy."""
    unmet = []
    for requirement in map(Requirement, requirements):
        if requirement.name in KEPT or (requirement.marker and not requirement.marker.evaluate()):
            continue
        there = installed(requirement.name)
        if there is None or not requirement.specifier.contains(there, prereleases=True):
            unmet.append(str(requirement))
    return unmet


def install(requirements: list[str]) -> None:
    """Hand requirements to pip, with torch and numpy held at their installed versions."""
    pins = {name: installed(name) for name in KEPT}
    for name in KEPT:
        if pins[name] is None:  # pip would fetch it as a dependency of the others
            sys.exit(
                f"{name} is not installed; install it first (see README.md), then run this again"
            )
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={pins[name]}\n" for name in KEPT))
        quiet = ["--quiet", "--disable-pip-version-check", "--progress-bar=off"]
        # As in the Makefile: seqeval cannot be built in the old way of an older pip.
        options = [*quiet, "--use-pep517", "-c", str(constraints)]
        command = [sys.executable, "-m", "pip", "install", *options]
        if subprocess.run([*command, *requirements]).returncode:
            sys.exit(f"pip could not install {', '.join(requirements)}; see its message above")


if __name__ == "__main__":
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    lacking = missing(wanted)
    if lacking:
        print(f"📦 正在安装课程还缺的包：{'、'.join(lacking)}（约一两分钟）……", flush=True)
        install(lacking)
    else:
        print("📦 课程需要的包都已装好。")
