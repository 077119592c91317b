"""The exercises of the notebooks: their four cells, what is wrong with them, what checks say.

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
