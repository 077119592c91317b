"""Each exercise: the stub does not pass, right answers do, wrong ones get the right hint."""

import notebooks as nb
import pytest
from exercise_cells import (
    EXERCISES,
    NOTEBOOKS,
    SOLUTION_TITLE,
    answers_for,
    exercises_of,
    failures,
    malformed,
    shared_ids,
)
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils import checks


@pytest.mark.skipif(not NOTEBOOKS, reason="no notebooks in chapters/ yet")
@pytest.mark.parametrize("stem", NOTEBOOKS)
def test_exercises_are_well_formed(stem):
    nb.expect_none(malformed(NOTEBOOKS[stem]))
    if nb.is_numbered(stem):
        assert exercises_of(NOTEBOOKS[stem]), f"{stem} has no exercise"
        strangers = (
            each for each in exercises_of(NOTEBOOKS[stem]) if not each.startswith(stem[:2])
        )
        nb.expect_none(strangers)


@pytest.mark.skipif(not EXERCISES, reason="no exercises in chapters/ yet")
@pytest.mark.parametrize(("stem", "exercise_id"), EXERCISES)
def test_exercise(stem, exercise_id, monkeypatch):
    answers = answers_for(exercise_id)
    assert answers, f"tests/exercises/chapter{exercise_id[:2]}.py has no entry {exercise_id}"
    monkeypatch.chdir(nb.CHAPTERS)
    for variable in ("COURSE_PROFILE", "COURSE_DATA"):
        monkeypatch.delenv(variable, raising=False)
    nb.expect_none(failures(exercise_id, exercises_of(NOTEBOOKS[stem])[exercise_id], answers))


def test_an_exercise_belongs_to_one_notebook():
    nb.expect_none(shared_ids(NOTEBOOKS))


# The proof that the tests above can fail, on a chapter of one exercise.

SOLUTION = f'{SOLUTION_TITLE}\ndef double(x):\n    return 2 * x\n\n\ncheck("99-1", double)'
ANSWERS = {
    "alternative": "def double(x):\n    return x + x",
    "wrong": [
        ("def double(x):\n    return x", "没有变"),
        ("def double(x):\n    return x / 0", "ZeroDivisionError"),
    ],
}


@pytest.fixture
def chapter(monkeypatch):
    """A notebook with the exercise 99-1, whose check is registered for the test only."""

    def check_double(answer):
        if answer(3) == 3:
            raise checks.Hint("数没有变，应该乘以 2。")
        if answer(3) != 6:
            raise checks.Hint("3 的两倍是 6。")

    monkeypatch.setitem(checks.CHECKS, "99-1", check_double)
    folded = {"jupyter": {"source_hidden": True}, "cellView": "form"}
    return new_notebook(
        cells=[
            new_markdown_cell("写一个函数。", id="ex-99-1-prompt"),
            new_code_cell(
                "def double(x):\n    return ...",
                id="ex-99-1-stub",
                metadata={"tags": ["exercise"]},
            ),
            new_code_cell(
                'check("99-1", double)',
                id="ex-99-1-check",
                metadata={"tags": ["exercise-check"]},
            ),
            new_code_cell(
                SOLUTION,
                id="ex-99-1-solution",
                metadata={"tags": ["solution", "hide-cell"], **folded},
            ),
        ]
    )


def test_a_good_exercise_has_nothing_to_complain_of(chapter):
    assert malformed(chapter) == []
    assert failures("99-1", exercises_of(chapter)["99-1"], ANSWERS) == []


def test_an_exercise_in_two_notebooks_is_found(chapter):
    other = new_notebook(cells=[cell for cell in chapter.cells if cell.id != "ex-99-1-prompt"])
    assert shared_ids({"99_first": chapter}) == []
    assert shared_ids({"99_first": chapter, "99_second": other}) == [
        "99-1: in 99_first and in 99_second"
    ]


@pytest.mark.parametrize(
    ("part", "source", "complaint"),
    [
        ("stub", "def double(x):\n    return 2 * x", "stub: expected"),
        ("solution", "def double(x):\n    return 3 * x", "solution: expected"),
        ("solution", ANSWERS["alternative"], "the alternative is the solution itself"),
    ],
)
def test_a_bad_stub_or_solution_is_found(chapter, part, source, complaint):
    cells = exercises_of(chapter)["99-1"]
    cells[part].source = source
    assert any(complaint in line for line in failures("99-1", cells, ANSWERS))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"alternative": "def double(x):\n    return 3 * x"}, "alternative: expected"),
        ({"also_right": ["def double(x):\n    return 3 * x"]}, "right answer 1: expected"),
        ({"wrong": ANSWERS["wrong"][:1]}, "at least two wrong answers"),
        ({"wrong": [("def double(x):\n    return 2 * x", "没有变")] * 2}, "wrong answer 1"),
        ({"wrong": [("def double(x):\n    return 5", "没有变")] * 2}, "wrong answer 2"),
        ({"wrong": [("def double(x):\n    return ...", "动手")] * 2}, "wrong answer 1"),
    ],
)
def test_bad_answers_are_found(chapter, change, complaint):
    found = failures("99-1", exercises_of(chapter)["99-1"], ANSWERS | change)
    assert any(complaint in line for line in found)


def break_order(cells):
    cells[1], cells[2] = cells[2], cells[1]


def break_neighbours(cells):
    cells.insert(2, new_markdown_cell("插话", id="aside"))


BREAKS = {
    "in this order": break_order,
    "stand between": break_neighbours,
    "lacks the tag exercise": lambda cells: cells[1].metadata.clear(),
    "must be ex-NN-N-stub": lambda cells: cells[1].update(id="stub"),
    "not exactly check": lambda cells: cells[2].update(source="check('99-1', double)"),
    "tag hide-cell": lambda cells: cells[3].metadata.tags.remove("hide-cell"),
    "source_hidden": lambda cells: cells[3].metadata.pop("jupyter"),
    "cellView": lambda cells: cells[3].metadata.pop("cellView"),
    "first line": lambda cells: cells[3].update(source="x = 1\n" + SOLUTION),
    "the check as last line": lambda cells: cells[3].update(source=SOLUTION + "\n1"),
}


@pytest.mark.parametrize("complaint", BREAKS)
def test_a_malformed_exercise_is_found(chapter, complaint):
    BREAKS[complaint](chapter.cells)
    assert any(complaint in line for line in malformed(chapter))
