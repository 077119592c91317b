"""Assignments for a class: a chapter's exercises without solutions, graded by the book's checks.

nbgrader does the work: it keeps the notebooks, locks what students must not change, puts the
teacher's cells back before it grades, and keeps the points. A course folder of its layout stands
in _build/assignments:

    source/CHAPTER/     made from the chapter: setup, prompts, stubs, graded cells; no solution
    release/CHAPTER/    what students get
    submitted/STUDENT/CHAPTER/, autograded/…, gradebook.db
"""

import os
import re
import shutil
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from book.files import CHAPTERS, NOTEBOOK_METADATA, ROOT

if TYPE_CHECKING:
    from nbgrader.apps import NbGraderAPI

COURSE = ROOT / "_build/assignments"
PART = re.compile(r"ex-(\d\d-\d+)-(prompt|stub|check)")
TITLE = """# {title}：作业

每题先读题目，在下一格里写出你的答案，再运行带分数的那一格：通过了印 ✅，没通过会说错在哪里，可以改了再试。交之前重启内核，从上到下运行一遍，然后把这个文件交给老师。灰色的格子不用改，评分时会换回原样。"""


class AssignmentError(ValueError):
    """An assignment cannot be made or graded; the message says why and what to do."""


def nbgrader_part(name: str, kind: str, points: int = 0) -> dict:
    """nbgrader's note on a cell.

    Args:
        kind: "locked" (text and setup), "answer" (the student's) or "graded".
    """
    note = {
        "schema_version": 3,
        "grade_id": name,
        "grade": kind == "graded",
        "solution": kind == "answer",
        "locked": kind != "answer",
        "task": False,
    }
    return {"nbgrader": note | ({"points": points} if kind == "graded" else {})}


def assignment_of(chapter: NotebookNode) -> NotebookNode:
    """A chapter's exercises as nbgrader's source notebook; its solutions are left out.

    Raises:
        AssignmentError: the chapter has no exercise.
    """
    cells = {cell.id: cell for cell in chapter.cells}
    title = re.match(r"# (.+)", cells["title"].source)[1]
    made = [
        new_markdown_cell(
            TITLE.format(title=title), id="title", metadata=nbgrader_part("title", "locked")
        ),
        new_code_cell(cells["setup"].source, id="setup", metadata=nbgrader_part("setup", "locked")),
    ]
    for cell in chapter.cells:
        match = PART.fullmatch(cell.id)
        if not match:
            continue
        kind = {"prompt": "locked", "stub": "answer", "check": "graded"}[match[2]]
        note = nbgrader_part(cell.id, kind, points=1)
        if kind == "locked":
            made.append(new_markdown_cell(cell.source, id=cell.id, metadata=note))
        else:
            made.append(new_code_cell(graded(cell.source), id=cell.id, metadata=note))
    if not any(cell.id.endswith("-check") for cell in made):
        raise AssignmentError(f"{title}: no exercises, so there is nothing to hand in")
    return new_notebook(cells=made, metadata=NOTEBOOK_METADATA)


def graded(source: str) -> str:
    """A check cell as one that raises; imported there, whatever the student's cells define."""
    if not source.startswith("check("):
        return source
    return f"from utils.checks import grade\n\ngrade({source[len('check(') :]}"


def chapters(names: list[str]) -> list[Path]:
    """The notebooks of numbered chapters that begin so; all of them without names.

    Raises:
        AssignmentError: no chapter is called so.
    """
    every = sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
    found = [path for path in every if not names or path.stem.startswith(tuple(names))]
    if not found:
        raise AssignmentError(f"no chapter begins with {' or '.join(names)}; name one such as 05")
    return found


def nbgrader_api(course: Path) -> "NbGraderAPI":
    """nbgrader, set up for the course folder.

    Raises:
        AssignmentError: it is not installed.
    """
    try:
        from nbgrader.apps import NbGraderAPI
        from nbgrader.converters.generate_assignment import GenerateAssignment
        from traitlets.config import Config
    except ImportError as error:
        raise AssignmentError(
            "nbgrader is not installed: make assignment, "
            "or pip install -c constraints.txt -e '.[grading]'"
        ) from error
    # nbgrader calls `alembic`, and Jupyter `python`, by name: those of this environment.
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = programs + os.pathsep + os.environ["PATH"]
    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.db_url = f"sqlite:///{(course / 'gradebook.db').as_posix()}"
    # Without ClearSolutions, which would put its own words in the place of our stubs.
    steps = GenerateAssignment.preprocessors.default_args[0]
    config.GenerateAssignment.preprocessors = [
        step for step in steps if step.__name__ != "ClearSolutions"
    ]
    config.Execute.timeout = 300
    # Each student's kernel would say that it speaks to this machine in plain text.
    config.Execute.extra_arguments = ["--IPKernelApp.log_level=40"]
    config.NbGrader.logfile = ""
    return NbGraderAPI(config=config)


def create(paths: list[Path], course: Path = COURSE) -> list[Path]:
    """Write the assignments of chapters; returns the notebooks to hand out.

    Raises:
        AssignmentError: a chapter without exercises, or nbgrader refuses.
    """
    api = nbgrader_api(course)
    released = []
    for path in paths:
        source = course / "source" / path.stem / path.name
        source.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(assignment_of(nbformat.read(path, 4)), source)
        run(api.generate_assignment(path.stem, force=True, create=True), path.stem)
        released.append(course / "release" / path.stem / path.name)
    return released


def graded_cells(file: Path) -> set[str]:
    """Names of the cells that are graded in a notebook.

    Raises:
        AssignmentError: it cannot be read.
    """
    try:
        notes = [cell.metadata.get("nbgrader", {}) for cell in nbformat.read(file, 4).cells]
        return {note["grade_id"] for note in notes if note.get("grade")}
    # No JSON, or JSON of another kind.
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        raise AssignmentError(f"{file}: not a notebook; ask for the .ipynb file again") from error


def handed_in_for(path: Path, files: list[Path], source: Path) -> None:
    """See that the files are the assignment of a chapter, before an hour of grading.

    Args:
        path: The chapter's notebook.
        source: The assignment as it was made.

    Raises:
        AssignmentError: one is no notebook, or has no graded cell of this chapter.
    """
    wanted = graded_cells(source)
    for file in files:
        if not wanted & graded_cells(file):
            raise AssignmentError(
                f"{file}: has no exercise of {path.stem}; take it out of the folder, "
                "or grade the chapter that it is from"
            )


def grade(path: Path, handed_in: Path, course: Path = COURSE) -> dict[str, dict[str, float]]:
    """Grade what students handed in for a chapter.

    Args:
        path: The chapter's notebook.
        handed_in: A folder with a notebook for each student, named after them: 张三.ipynb.

    Returns:
        student -> {exercise: points}, such as {"张三": {"05-1": 1.0}}.

    Raises:
        AssignmentError: nothing was handed in, a file is of another chapter, no such assignment,
            or nbgrader refuses.
    """
    files = sorted(handed_in.glob("*.ipynb")) if handed_in.is_dir() else []
    if not files:
        raise AssignmentError(f"{handed_in}: no notebooks there; a file for each student")
    source = course / "source" / path.stem / path.name
    if not source.is_file():
        raise AssignmentError(f"{path.stem} was not made yet: make assignment CHAPTER={path.stem}")
    handed_in_for(path, files, source)
    api = nbgrader_api(course)
    points = {}
    for file in files:
        student = file.stem
        place = course / "submitted" / student / path.stem
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place / path.name)
        with warnings.catch_warnings():
            # Of nbgrader's own database; nothing that a teacher could mend.
            warnings.filterwarnings("ignore", "Object of type <Submitted")
            done = api.autograde(path.stem, student, force=True, create=True)
        run(done, f"{student}, {path.stem}")
        with api.gradebook as book:
            [notebook] = book.find_submission(path.stem, student).notebooks
            points[student] = {PART.fullmatch(each.name)[1]: each.score for each in notebook.grades}
    return points


def run(result: dict, what: str) -> None:
    """Raise AssignmentError with nbgrader's last words if it failed."""
    if not result["success"]:
        log = (result.get("log") or result.get("error") or "").strip().splitlines()
        raise AssignmentError(f"nbgrader could not do {what}: {log[-1] if log else 'no word'}")
