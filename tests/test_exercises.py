"""Each exercise: the stub does not pass, right answers do, wrong ones get the right hint.

The other right answer and the wrong ones of chapter NN stand in tests/exercises/chapterNN.py::

    EXERCISES = {"05-1": {"alternative": "code", "wrong": [("code", "part of the hint"), ...]}}

and, under "also_right", a list of further right answers in other styles.
"""

import contextlib
import importlib
import importlib.util
import io
import re

import notebooks as nb
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils import checks

PARTS = ("prompt", "stub", "check", "solution")
PART_TAGS = {"stub": "exercise", "check": "exercise-check", "solution": "solution"}
SOLUTION_TITLE = '# @title 参考答案 {display-mode: "form"}'
NOT_ATTEMPTED, WRONG, PASSED = "✏️ 还没有动手", "⚠️ 还不对：", "✅"


def exercises_of(notebook):
    """Return {exercise id: {part: cell}} of a notebook, from the ids of its cells."""
    found = {}
    for cell in notebook.cells:
        match = re.fullmatch(r"ex-(\d\d-\d+)-(\w+)", cell.id)
        if match:
            found.setdefault(match[1], {})[match[2]] = cell
    return found


def answer_name(exercise_id, cell):
    """Return the name checked by a check cell, or None where it does something else."""
    match = re.fullmatch(rf'check\("{exercise_id}", (\w+)\)', cell.source.strip())
    return match[1] if match else None


def malformed(notebook):
    """Rule: prompt, stub, check and solution follow each other, tagged and folded."""
    violations = []
    ids = [cell.id for cell in notebook.cells]
    for cell in notebook.cells:
        for part, tag in PART_TAGS.items():
            if tag in nb.tags(cell) and not re.fullmatch(rf"ex-\d\d-\d+-{part}", cell.id):
                violations.append(f"{cell.id}: tagged {tag}, so its id must be ex-NN-N-{part}")
    for exercise_id, cells in exercises_of(notebook).items():
        wanted = [f"ex-{exercise_id}-{part}" for part in PARTS]
        if [name for name in ids if name.startswith(f"ex-{exercise_id}-")] != wanted:
            violations.append(f"{exercise_id}: cells must be {', '.join(PARTS)}, in this order")
            continue
        start = ids.index(wanted[0])
        if ids[start : start + 4] != wanted:
            violations.append(f"{exercise_id}: other cells stand between its parts")
        if cells["prompt"].cell_type != "markdown":
            violations.append(f"{exercise_id}: the prompt is no Markdown cell")
        for part, tag in PART_TAGS.items():
            if tag not in nb.tags(cells[part]):
                violations.append(f"{exercise_id}: the {part} cell lacks the tag {tag}")
        name = answer_name(exercise_id, cells["check"])
        if name is None:
            violations.append(f'{exercise_id}: check cell is not exactly check("{exercise_id}", …)')
        violations += unfolded(exercise_id, cells["solution"], name)
    return violations


def unfolded(exercise_id, cell, name):
    """Rule: the solution is folded on the site, in Jupyter and in Colab, and checks itself."""
    lines = cell.source.strip().splitlines() or [""]
    wanted = {
        "tag hide-cell (site)": "hide-cell" in nb.tags(cell),
        "jupyter.source_hidden (Jupyter)": cell.metadata.get("jupyter", {}).get("source_hidden"),
        'cellView "form" (Colab)': cell.metadata.get("cellView") == "form",
        f"first line {SOLUTION_TITLE}": lines[0] == SOLUTION_TITLE,
        "the check as last line": lines[-1] == f'check("{exercise_id}", {name})',
    }
    return [f"{exercise_id}: solution lacks {what}" for what, there in wanted.items() if not there]


def verdict(exercise_id, code, name):
    """Run an answer's code in a fresh namespace and return what check() says of it."""
    namespace = {"__name__": "exercise", "check": checks.check}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, f"<answer to {exercise_id}>", "exec"), namespace)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        checks.check(exercise_id, namespace[name])
    return said.getvalue().strip()


def failures(exercise_id, cells, answers):
    """Return where an exercise does not do as it must; answers as in tests/exercises/."""
    name = answer_name(exercise_id, cells["check"])
    trials = [
        ("stub", cells["stub"].source, NOT_ATTEMPTED),
        ("solution", cells["solution"].source, PASSED),
        ("alternative", answers["alternative"], PASSED),
    ]
    trials += [
        (f"right answer {number}", code, PASSED)
        for number, code in enumerate(answers.get("also_right", []), start=1)
    ]
    trials += [
        (f"wrong answer {number}", code, hint)
        for number, (code, hint) in enumerate(answers["wrong"], start=1)
    ]
    found = []
    if len(answers["wrong"]) < 2:
        found.append("at least two wrong answers are needed")
    if answers["alternative"].strip() == cells["solution"].source.strip():
        found.append("the alternative is the solution itself")
    for what, code, expected in trials:
        said = verdict(exercise_id, code, name)
        opening = WRONG if what.startswith("wrong") else expected
        if not said.startswith(opening) or expected not in said:
            found.append(f"{what}: expected {expected!r}, got {said!r}")
    return found


def answers_for(exercise_id):
    """Return the entry of an exercise in tests/exercises/, or None."""
    module = f"exercises.chapter{exercise_id[:2]}"
    if importlib.util.find_spec(module) is None:
        return None
    return importlib.import_module(module).EXERCISES.get(exercise_id)


def shared_ids(notebooks):
    """Rule: an exercise belongs to one notebook, also where two have its chapter's number.

    notebooks: dict of name -> notebook.
    """
    owners = {}
    for stem, notebook in notebooks.items():
        for each in exercises_of(notebook):
            owners.setdefault(each, []).append(stem)
    return [
        f"{each}: in {' and in '.join(found)}" for each, found in owners.items() if len(found) > 1
    ]


NOTEBOOKS = {path.stem: nb.read(path) for path in nb.notebook_paths()}
EXERCISES = [(stem, each) for stem, book in NOTEBOOKS.items() for each in exercises_of(book)]


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
