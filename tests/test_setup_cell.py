"""The setup cell of the notebooks, run as it stands: on a laptop, in Colab, in wrong places.

The cell is the same in all chapters (test_notebook_rules.py), so one is taken.
"""

import ast
import os
import subprocess
import sys
import warnings
from types import SimpleNamespace

import notebooks as nb
import pytest
import yaml
from book.version import current_version
from runner import HANG

from utils import profile

CHAPTER = nb.CHAPTERS / "05_thucnews.ipynb"
TAG = f"v{current_version(nb.ROOT)}"
ADDRESS = yaml.safe_load((nb.ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
COLAB = """
import sys, types
sys.modules["google"] = types.ModuleType("google")
sys.modules["google.colab"] = types.ModuleType("google.colab")
"""
# What `git clone` does, with the working tree for a server: it takes a note of the call, and
# refuses a folder that holds something, and a tag that is not the one in GIT_TAG.
GIT = f"""#!{sys.executable}
import os, shutil, sys
from pathlib import Path
command, *options, address, target = sys.argv[1:]
assert command == "clone" and address.startswith("https://github.com/"), sys.argv
branches = [each.split("=")[1] for each in options if each.startswith("--branch=")]
with open(os.environ["GIT_LOG"], "a") as log:
    log.write(" ".join([address, *branches]) + "\\n")
if branches and branches != [os.environ["GIT_TAG"]]:
    sys.exit(f"fatal: Remote branch {{branches[0]}} not found in upstream origin")
if Path(target).is_dir() and any(Path(target).iterdir()):
    sys.exit(f"fatal: destination path '{{target}}' already exists and is not an empty directory.")
for name in ("utils", "scripts"):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path({str(nb.ROOT)!r}) / name, Path(target) / name, ignore=ignored)
shutil.copy(Path({str(nb.ROOT)!r}) / "pyproject.toml", target)
"""


@pytest.fixture(scope="module")
def cell():
    notebook = nb.read(CHAPTER)
    return notebook.cells[nb.setup_index(notebook)].source


def run(source, folder, **variables):
    """Run code as a kernel started in `folder` would; variables: of the environment."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "COURSE_DATA")}
    kept.pop("COURSE_PROFILE", None)
    ran = subprocess.run(
        [sys.executable, "-"],
        input=source,
        cwd=folder,
        # A kernel shows what is printed at once, before what the next program prints.
        env=kept
        | {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
        | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        encoding="utf8",
        timeout=HANG,
    )
    return ran


def greeting(ran):
    """The one line that a successful setup cell prints."""
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    [line] = ran.stdout.splitlines()
    return line


def complaint(ran):
    """The last line of the traceback of a setup cell that gave up."""
    assert ran.returncode != 0, ran.stdout
    return ran.stderr.strip().splitlines()[-1]


def where(cell):
    """The cell, then the folder and the profile that it found, instead of the greeting.

    The greeting imports torch, which takes seconds.
    """
    head, _ = cell.rsplit("start(", 1)
    shown = "str(utils.profile.course_root()), utils.profile.profile()"
    return f"{head}\nimport utils\nprint([{shown}])"


def found(ran):
    """(folder, profile) that `where` printed."""
    return ast.literal_eval(greeting(ran))


def test_in_the_folder_of_the_chapters(cell):
    line = greeting(run(cell, nb.CHAPTERS))
    assert line.startswith("05_thucnews：profile=mini，设备 ") and line.endswith("随机种子 42")


@pytest.mark.parametrize("folder", [".", "chapters", "tests/socket_guard"])
def test_anywhere_below_the_course(cell, folder):
    assert found(run(where(cell), nb.ROOT / folder)) == [str(nb.ROOT), "mini"]


def test_outside_with_the_course_importable(cell, tmp_path):
    assert found(run(where(cell), tmp_path, PYTHONPATH=nb.ROOT)) == [str(nb.ROOT), "mini"]


FOREIGN = {
    "package": {"utils/__init__.py": ""},
    "package with a profile of its own": {"utils/__init__.py": "", "utils/profile.py": "x = 1"},
    "single file": {"utils.py": "x = 1"},
}


@pytest.fixture(params=FOREIGN)
def foreign(request, tmp_path):
    """A folder that holds another utils."""
    for name, text in FOREIGN[request.param].items():
        path = tmp_path / "foreign" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "foreign"


def test_another_utils_is_refused_outside_the_course(cell, foreign, tmp_path):
    said = complaint(run(cell, tmp_path, PYTHONPATH=foreign))
    assert said.startswith("ImportError: the course's utils was not found")
    assert "inside the course's folder" in said


def test_another_utils_does_not_matter_inside_the_course(cell, foreign):
    assert found(run(where(cell), nb.CHAPTERS, PYTHONPATH=foreign)) == [str(nb.ROOT), "mini"]


def test_the_full_profile(cell):
    ran = run(where(cell), nb.CHAPTERS, COURSE_PROFILE="full")
    assert found(ran) == [str(nb.ROOT), "full"]


@pytest.mark.parametrize(
    "outside, expected", [({}, ["mini", "full"]), ({"COURSE_PROFILE": "mini"}, ["mini", "mini"])]
)
def test_the_cell_changed_and_run_again(cell, outside, expected):
    changed = cell.replace('COURSE_PROFILE = "mini"', 'COURSE_PROFILE = "full"', 1)
    ran = run(f"{cell}\n{changed}", nb.CHAPTERS, **outside)
    assert ran.returncode == 0, ran.stderr
    said = [line for line in ran.stdout.splitlines() if not line.startswith("⚠️")]
    assert [line.split("profile=")[1][:4] for line in said] == expected


def test_an_unknown_profile(cell):
    said = complaint(run(cell, nb.CHAPTERS, COURSE_PROFILE="nonsense"))
    assert said == (
        "ValueError: COURSE_PROFILE='nonsense': unknown profile; set it to 'mini' or 'full'"
    )


@pytest.fixture
def start_on(monkeypatch, capsys):
    """Returns what `start` prints with a profile, on a kind of device."""

    def lines(kind: str, name: str) -> list[str]:
        monkeypatch.setattr(os, "environ", os.environ.copy())  # what start sets goes no further
        monkeypatch.setattr(profile, "_chosen_in_cell", None)
        monkeypatch.setattr(profile, "device", lambda: SimpleNamespace(type=kind))
        os.environ.pop("COURSE_PROFILE", None)
        with warnings.catch_warnings():
            profile.start("05_thucnews", name)
        return capsys.readouterr().out.splitlines()

    return lines


def test_full_without_a_gpu_is_warned_of(start_on):
    hello, warning = start_on("cpu", "full")
    assert hello.startswith("05_thucnews：profile=full，设备 cpu")
    assert warning.startswith("⚠️") and "更改运行时类型" in warning and "mini" in warning


@pytest.mark.parametrize("name, kind", [("full", "cuda"), ("full", "mps"), ("mini", "cpu")])
def test_otherwise_nothing_is_warned_of(name, kind, start_on):
    [_] = start_on(kind, name)


# Colab


@pytest.fixture
def colab(tmp_path):
    """An empty home with a stand-in for git and a pip that must not be called; returns a runner."""
    if os.name == "nt":
        pytest.skip("Colab is Linux; a script cannot stand in for git.exe")
    programs, home, log = tmp_path / "programs", tmp_path / "content", tmp_path / "git.log"
    for folder in (programs / "pip", home):
        folder.mkdir(parents=True)
    (programs / "git").write_text(GIT)
    (programs / "git").chmod(0o755)
    (programs / "pip/__init__.py").touch()
    (programs / "pip/__main__.py").write_text("raise SystemExit('pip must not be called')")

    def start(source, **variables):
        variables |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "GIT_LOG": log}
        variables = {"GIT_TAG": TAG} | variables
        ran = run(COLAB + source, home, PYTHONPATH=programs, **variables)
        return ran, log.read_text().splitlines() if log.exists() else []

    start.home = home
    return start


def test_colab_fetches_the_course_once(cell, colab):
    ran, fetched = colab(f"{cell}\n{where(cell)}")
    assert ran.returncode == 0, ran.stderr
    nothing_missing, hello, again, last = ran.stdout.splitlines()
    assert nothing_missing == again == "📦 课程需要的包都已装好。"
    assert hello.startswith("05_thucnews：profile=mini")
    assert ast.literal_eval(last) == [str(colab.home / "bert-in-practice-zh"), "mini"]
    assert fetched == [f"{ADDRESS} {TAG}"]


def test_colab_says_so_and_takes_the_newest_where_the_tag_is_missing(cell, colab):
    ran, fetched = colab(where(cell), GIT_TAG="v9.9.9")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0].startswith(f"⚠️ 没有取到 {TAG}")
    assert fetched == [f"{ADDRESS} {TAG}", ADDRESS]


def test_colab_takes_the_profile_from_the_drop_down(cell, colab):
    chosen = cell.replace('COURSE_PROFILE = "mini"', 'COURSE_PROFILE = "full"', 1)
    assert chosen != cell
    ran, _ = colab(where(chosen), COURSE_PROFILE="mini")
    assert ran.stdout.endswith("'full']\n"), ran.stderr


@pytest.mark.parametrize("left", ["README.md", "utils/models.py"])
def test_colab_fetches_anew_after_a_broken_clone(cell, colab, left):
    leftover = colab.home / "bert-in-practice-zh" / left
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    ran, fetched = colab(where(cell))
    assert ran.returncode == 0, ran.stderr
    assert str(colab.home / "bert-in-practice-zh") in ran.stdout
    assert len(fetched) == 1


def test_a_kernel_without_the_packages_says_which_to_choose(monkeypatch, start_on):
    found = profile.importlib.util.find_spec
    monkeypatch.setattr(
        profile.importlib.util, "find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(ImportError, match="没有 torch.*换成装了课程的那个内核") as refused:
        start_on("cpu", "mini")
    assert "transformers" not in str(refused.value) and "make lab" in str(refused.value)


def test_a_kernel_of_an_old_python_says_which_to_choose(monkeypatch, start_on):
    monkeypatch.setattr(profile.sys, "version_info", (3, 9, 18, "final", 0))
    with pytest.raises(ImportError, match="Python 3.9.*3.11 以上.*换成装了课程的那个内核"):
        start_on("cpu", "mini")
