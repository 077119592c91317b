"""Run All, and then any cell again: it works in every chapter. And the check sees what would not."""

import nbformat
import notebooks as nb
import pytest
from rerunning import failing_reruns

# Cells that may fail when they run again, and why that is so; nothing else may.
FILLED = "reads what `pretrain-run` puts in the dictionary of the cell above it; that one is slow"
EXEMPT: dict[str, dict[str, str]] = {
    "03_mlm_and_nsp": {
        "assert-pretrain": FILLED,
        "nsp-rerun-check": FILLED,
        "assert-nsp-rerun": FILLED,
    },
}


@pytest.mark.weekly
@pytest.mark.slow
@pytest.mark.parametrize("path", nb.notebook_paths(), ids=lambda path: path.stem)
def test_any_cell_runs_again_after_the_last(path, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "mini")
    failures, _ = failing_reruns(path)
    exempt = EXEMPT.get(path.stem, {})
    nb.expect_none(each for each in failures if each.cell not in exempt)


def notebook(path, **cells):
    made = nbformat.v4.new_notebook()
    for name, source in cells.items():
        cell = nbformat.v4.new_code_cell(source, id=name)
        cell.metadata["tags"] = ["raises-exception"] if name.startswith("raises") else []
        made.cells.append(cell)
    nbformat.write(made, path)
    return path


@pytest.mark.slow
def test_state_that_was_changed_in_place_is_seen(tmp_path):
    path = notebook(
        tmp_path / "a.ipynb",
        start="row = {'old': 1}\nitems = []",
        rename="row['new'] = row.pop('old')",
        fill="items.append(1)",
        claim="assert len(items) == 1",
        raises="1 / 0",
        wait="import time; time.sleep(1.5)",
        fine="items = [2]",
    )
    failures, left_out = failing_reruns(path, slow=1.0, count=20)
    # In order, `start` stands before `rename` and makes it whole; at random it does not always.
    assert {(each.cell, each.order) for each in failures} == {
        ("rename", "random"),
        ("claim", "random"),
    }
    assert left_out == ["wait"]
    whole = notebook(tmp_path / "b.ipynb", one="a = [1]", two="b = a + [2]\nassert b == [1, 2]")
    assert failing_reruns(whole, count=5) == ([], [])
