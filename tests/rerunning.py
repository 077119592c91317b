"""Whether any cell of a chapter runs again after the last one, as readers do.

    python tests/rerunning.py 02 04     # the chapters whose names begin so; a line a failing cell

A chapter is run from top to bottom in one kernel; then each of its cells once more, in order; then
from the last to the first, so that each sees what all the later ones left, as it does for a reader
who ran all and goes back to it; then some of them in a random order. What is a list that grows, a
column that is renamed or a model that is trained further shows itself here, while `rebinding.py`
reads the names alone. Cells that take long are left out: they train, and begin anew by what stands
in them.
"""

import random
import sys
import time
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SLOW = 15.0  # seconds; a cell that takes longer is not run again
IN_DISORDER = 30  # cells


class Failure(NamedTuple):
    """A cell that ran once and does not run again."""

    cell: str
    order: str  # "first", "again", "backwards" or "random"
    tags: tuple[str, ...]
    words: str

    def __str__(self) -> str:
        tags = f" ({', '.join(self.tags)})" if self.tags else ""
        return f"{self.cell}{tags}, {self.order}: {self.words}"


def failing_reruns(
    path: Path, slow: float = SLOW, count: int = IN_DISORDER, seed: int = 0
) -> tuple[list[Failure], list[str]]:
    """The cells of a notebook that do not run again, and the ids of those that are too slow to try.

    Args:
        count: cells that are run in a random order, drawn with `seed`.
    """
    notebook = nbformat.read(path, as_version=4)
    cells = [
        (place, cell)
        for place, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.source.strip()
    ]
    client = NotebookClient(
        notebook,
        timeout=600,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    )
    failures, left_out = [], []

    def run(place: int, cell, order: str) -> float:
        began = time.monotonic()
        try:
            client.execute_cell(cell, place)
        except CellExecutionError as error:
            words = f"{error.ename}: {error.evalue}".strip().partition("\n")[0][:200]
            tags = tuple(sorted(cell.metadata.get("tags", ())))
            failures.append(Failure(cell.id, order, tags, words))
        return time.monotonic() - began

    with client.setup_kernel():
        took = [run(place, cell, "first") for place, cell in cells]
        quick = [each for each, seconds in zip(cells, took, strict=True) if seconds <= slow]
        left_out = [
            cell.id for (_, cell), seconds in zip(cells, took, strict=True) if seconds > slow
        ]
        for place, cell in quick:
            run(place, cell, "again")
        for place, cell in reversed(quick):
            run(place, cell, "backwards")
        rng = random.Random(seed)
        for place, cell in rng.choices(quick, k=count):
            run(place, cell, "random")
    return list(dict.fromkeys(failures)), left_out


if __name__ == "__main__":
    chapters = Path(__file__).resolve().parents[1] / "chapters"
    for found in sorted(chapters.glob("*.ipynb")):
        if found.name.startswith(tuple(sys.argv[1:])):
            began = time.monotonic()
            problems, slow_ones = failing_reruns(found)
            print(f"{found.stem}: {time.monotonic() - began:.0f} s, slow: {slow_ones}", flush=True)
            for problem in problems:
                print(f"  {problem}", flush=True)
