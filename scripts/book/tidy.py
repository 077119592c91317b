"""Tidy a notebook that an editor saved, so that a mended sentence is a diff of one line.

Nothing is run but exercises, which depend on nothing else in their chapter. The committed
version serves as the model: cells whose code is the same get their ids, outputs and counts back,
whatever was run in between on this machine.
"""

import difflib
import re
import subprocess
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from book.execute import NotebookFailed, execute
from book.files import normalise, write

RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f-]+)?")
EXERCISE_TAGS = {"exercise", "exercise-check", "solution"}


def tidy_file(path: Path) -> bool:
    """Tidy one notebook; is it ready to be committed?"""
    notebook = nbformat.read(path, as_version=4)
    try:
        stale = tidy(notebook, committed(path), path.resolve().parent)
    except NotebookFailed as failure:
        print(f"{path.name}: left as it was: {failure}")
        return False
    changed = write(notebook, path)
    if stale:
        print(
            f"{path.name}: tidied, but code changed ({', '.join(stale)[:120]}); "
            f"run it: make run CHAPTER={path.stem}"
        )
    elif changed:
        print(f"{path.name}: tidied")
    return not stale


def committed(path: Path) -> NotebookNode | None:
    """The notebook as it was last committed; None where git knows no such file."""
    path = path.resolve()
    shown = subprocess.run(
        ["git", "show", f"HEAD:./{path.name}"], cwd=path.parent, capture_output=True
    )
    return (
        nbformat.reads(shown.stdout.decode("utf8"), as_version=4) if not shown.returncode else None
    )


def tidy(notebook: NotebookNode, model: NotebookNode | None, folder: Path) -> list[str]:
    """Tidy a notebook in place.

    Args:
        model: the committed version, or None for a notebook that is new.
        folder: where its cells run.
    Returns:
        ids of the code cells that have to be run: new ones, and those whose code changed.
    Raises:
        NotebookFailed: an exercise's cell raised.
    """
    normalise(notebook)
    if model is None:  # nothing to compare with: what was run is taken for good
        name_new_cells(notebook, set())
        codes = code_of(notebook)
        return [each.id for each in notebook.cells if each.id in codes and not each.execution_count]
    name_new_cells(notebook, restore_ids(notebook, model))
    stale = restore_outputs(notebook, model)
    exercises = [cell for cell in notebook.cells if is_exercise(cell) and cell.id in stale]
    run_alone(notebook, exercises, folder)
    normalise(notebook)
    stale = [name for name in stale if name not in {cell.id for cell in exercises}]
    if not stale:  # all that is left is the order
        number(notebook)
    return stale


def restore_ids(notebook: NotebookNode, model: NotebookNode) -> set[str]:
    """Give cells that an editor renamed the ids they had; the ids that are the model's."""
    known = {cell.id for cell in model.cells}
    before, after = ([cell.source for cell in book.cells] for book in (model, notebook))
    changes = difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes()
    for _, start, end, new_start, new_end in changes:
        if end - start != new_end - new_start:  # cells came or went: no telling which is which
            continue
        for old, cell in zip(
            model.cells[start:end], notebook.cells[new_start:new_end], strict=True
        ):
            if cell.id not in known and cell.cell_type == old.cell_type:
                cell.id = old.id
    return known


def name_new_cells(notebook: NotebookNode, kept: set[str]) -> None:
    """Name cells with an editor's random id after the cell before: `overlap` → `overlap-2`."""
    taken = {cell.id for cell in notebook.cells}
    before = "cell"
    for cell in notebook.cells:
        if cell.id not in kept and RANDOM_ID.fullmatch(cell.id):
            stem, count = re.sub(r"-\d+$", "", before), 2
            while f"{stem}-{count}" in taken:
                count += 1
            cell.id = f"{stem}-{count}"
            taken.add(cell.id)
        before = cell.id


def code_of(notebook: NotebookNode) -> dict[str, str]:
    """id -> source of the cells that hold code."""
    return {
        cell.id: cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.source.strip()
    }


def restore_outputs(notebook: NotebookNode, model: NotebookNode) -> list[str]:
    """Put the committed outputs and counts back into cells whose code is unchanged.

    Returns:
        ids of the other code cells. If one of them is no exercise, whatever stands below it may
        depend on it: then all outputs stay as the editor left them.
    """
    old = code_of(model)
    changed = [name for name, source in code_of(notebook).items() if old.get(name) != source]
    story = {cell.id for cell in notebook.cells if not is_exercise(cell)}
    gone = [cell.id for cell in model.cells if cell.id in old and cell.id not in code_of(notebook)]
    gone = [name for name in gone if not name.startswith("ex-")]
    if story & set(changed) or gone:
        return [*changed, *gone]
    stored = {cell.id: cell for cell in model.cells}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.id in stored and cell.id not in changed:
            cell.outputs = stored[cell.id].outputs
            cell.execution_count = stored[cell.id].execution_count
    return changed


def is_exercise(cell: NotebookNode) -> bool:
    """Is this a stub, a check or a solution?"""
    return bool(EXERCISE_TAGS & set(cell.metadata.get("tags", [])))


def run_alone(notebook: NotebookNode, cells: list[NotebookNode], folder: Path) -> None:
    """Run exercise cells, in place, in a kernel that knows `check` and nothing else."""
    if not cells:
        return
    setup = next((cell for cell in notebook.cells if cell.id == "setup"), None)
    before = [setup.copy()] if setup else []
    before.append(new_code_cell("from utils.checks import check", id="import-check"))
    # All parts of an exercise: its check cell asks for the name that its stub defines.
    names = {exercise_of(cell) for cell in cells}
    parts = [each for each in notebook.cells if is_exercise(each) and exercise_of(each) in names]
    for cell in parts:
        cell.outputs, cell.execution_count = [], None
    execute(new_notebook(cells=[*before, *parts]), folder, 600, "exercises")


def exercise_of(cell: NotebookNode) -> str:
    """`ex-05-1-stub` -> `ex-05-1`."""
    return cell.id.rsplit("-", 1)[0]


def number(notebook: NotebookNode) -> None:
    """Count the code cells from 1, as one whole run does."""
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.strip():
            count += 1
            cell.execution_count = count
