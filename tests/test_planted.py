"""The runner turns red on planted failures, and stays green on the same notebook without one."""

import nbformat
import psutil
import pytest
from book.execute import run
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from runner import SOCKET_GUARD, run_notebook

pytestmark = pytest.mark.slow

GO_OUT = """
import socket
with socket.socket() as out:
    out.settimeout(3)
    code = out.connect_ex(("192.0.2.1", 80))
if code:
    raise RuntimeError(f"unreachable: {code}")
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A small notebook as run_notebooks.py stores it: one checked cell, one free, one raising."""
    path = tmp_path_factory.mktemp("control") / "99_control.ipynb"
    checked, raising = {"tags": ["nbval-check-output"]}, {"tags": ["raises-exception"]}
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# 对照", id="title"),
            new_code_cell("print([n * n for n in range(4)])", id="squares", metadata=checked),
            new_code_cell("print(id(object()))", id="free"),
            new_code_cell("int('x')", id="raises", metadata=raising),
        ]
    )
    nbformat.write(notebook, path)
    assert run(path)
    return nbformat.read(path, as_version=4)


def run_with(notebook, folder, change, way=None):
    """Run a copy of the notebook in which cells were changed; return its Run."""
    notebook = nbformat.from_dict(notebook.copy())
    cells = {cell.id: cell for cell in notebook.cells}
    change(cells)
    path = folder / "99_planted.ipynb"
    nbformat.write(notebook, path)
    return run_notebook(path, folder, way=way)


def wrong_output(cells):
    cells["squares"].outputs[0].text = "[0, 1, 4, 8]\n"


def exception(cells):
    cells["free"].source = "raise RuntimeError('planted')"


def stripped_count(cells):
    cells["squares"].execution_count = None


def stripped(cells):
    cells["squares"].execution_count, cells["squares"].outputs = None, []


def silent(cells):
    cells["squares"].update(source="squares = 1", outputs=[])


def raises_no_more(cells):
    cells["raises"].source = "int('1')"


def fetches(cells):
    cells["free"].source = GO_OUT


PLANTED = {
    wrong_output: "Cell outputs differ",
    exception: "RuntimeError",
    stripped_count: "Unrun reference cell has outputs",
    stripped: "no execution_count",
    silent: "no text output",
    raises_no_more: "nothing was raised",
    fetches: "unreachable",
}


def test_control_is_green(executed, tmp_path):
    run = run_with(executed, tmp_path, lambda cells: None)
    assert run.passed, run.output


def test_control_is_green_under_the_socket_guard(executed, tmp_path):
    run = run_with(executed, tmp_path, lambda cells: None, SOCKET_GUARD)
    assert run.passed, run.output


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_planted_failure_is_red(executed, tmp_path, plant):
    run = run_with(executed, tmp_path, plant)
    assert not run.passed
    assert PLANTED[plant] in run.output


def test_a_fetching_notebook_is_red_under_the_socket_guard(executed, tmp_path):
    run = run_with(executed, tmp_path, fetches, SOCKET_GUARD)
    assert not run.passed and "unreachable" in run.output


def test_a_hanging_notebook_is_stopped(executed, tmp_path):
    notebook = executed.copy()
    notebook.cells = [new_code_cell("import time; time.sleep(10**6)", id="hangs")]
    nbformat.write(notebook, tmp_path / "99_hangs.ipynb")
    before = psutil.Process().children(recursive=True)
    run = run_notebook(tmp_path / "99_hangs.ipynb", tmp_path, limit=6)
    assert not run.passed and "stopped after 6 s" in run.output
    assert set(psutil.Process().children(recursive=True)) <= set(before), "a kernel is left"


def test_run_notebooks_leaves_a_failing_file_as_it_was(executed, tmp_path, capsys):
    path = tmp_path / "99_bad.ipynb"
    cells = [new_code_cell("1 / 0", id="divides")]
    nbformat.write(new_notebook(cells=cells), path)
    before = path.read_bytes()
    assert not run(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    assert "cell 0 (divides) raised ZeroDivisionError" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["print(1)", "1 / 0"])
def test_run_notebooks_leaves_no_kernel(tmp_path, source):
    """Fifteen chapters in a row would keep fifteen kernels, some of two gigabytes."""
    path = tmp_path / "99_one.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source, id="only")]), path)
    before = psutil.Process().children(recursive=True)
    run(path)
    assert set(psutil.Process().children(recursive=True)) <= set(before), "a kernel is left"


def test_run_notebooks_is_stable_and_keeps_ids(executed, tmp_path):
    path = tmp_path / "99_again.ipynb"
    stable = nbformat.from_dict(executed.copy())
    stable.cells = [cell for cell in stable.cells if cell.id != "free"]
    stable.cells[1].metadata["ExecuteTime"] = {"end_time": "2024-01-01"}
    stable.metadata["widgets"] = {}
    nbformat.write(stable, path)
    assert run(path)
    first, written = path.read_bytes(), path.stat().st_mtime_ns
    assert run(path)
    assert path.read_bytes() == first and path.stat().st_mtime_ns == written
    assert [cell.id for cell in nbformat.read(path, 4).cells] == ["title", "squares", "raises"]
    assert b"ExecuteTime" not in first and b"widgets" not in first
