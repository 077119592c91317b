"""Run All, and then any cell again: it works in every chapter. And the check sees what would not."""

import nbformat
import notebooks as nb
import pytest
from rerunning import failing_reruns

# Cells that may fail when they run again: {chapter: {cell: why that is so}}; nothing else may.
EXEMPT: dict[str, dict[str, str]] = {}


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
        wait="import time; time.sleep(12)",
        fine="items = [2]",
    )
    failures, left_out = failing_reruns(path, slow=10.0, count=20)
    # In order, `start` stands before `rename` and makes it whole; backwards it does not, and at
    # random not always. `claim` holds as long as `fine` was run after `fill`.
    assert {(each.cell, each.order) for each in failures} == {
        ("rename", "backwards"),
        ("rename", "random"),
        ("claim", "random"),
    }
    assert left_out == ["wait"]
    whole = notebook(tmp_path / "b.ipynb", one="a = [1]", two="b = a + [2]\nassert b == [1, 2]")
    assert failing_reruns(whole, count=5) == ([], [])
