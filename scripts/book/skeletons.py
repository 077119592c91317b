"""Skeletons that pass every test as they are, for contributors to put their own content into."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from book.files import CHAPTERS, ROOT

SOLUTION_TITLE = '# @title 参考答案 {display-mode: "form"}'
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}

PROMPT = """### 练习 {id} {title} ✏️

（骨架，请换成你的题：说清要写的函数、它的参数、它返回什么。）写函数 `count_characters(text)`：返回一段文字里不是空白的字符有几个。"""
STUB = """def count_characters(text):
    # Put your code in place of the dots.
    return ..."""
SOLUTION = """{first}
def count_characters(text):
    return sum(not character.isspace() for character in text)


{check}"""
CHECK = '''

@exercise("{id}")
def {name}(answer: object) -> None:
    """`answer(text)` -> the number of characters that are not blank."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收一段文字。")
    count = answer("春 天\\n来了")
    if count == 6:
        raise Hint("空白也数进去了：空格和换行都不算字符。")
    if count == 5:
        raise Hint("只去掉了空格，换行也是空白：可以用 `isspace()` 来认。")
    if count != 4:
        raise Hint("「春 天、换行、来了」里不是空白的字符有四个。")
    if answer("") != 0:
        raise Hint("空文字里一个字符也没有，应返回 0。")
'''
CHECKS_FILE = '''"""Checks for the exercises of chapter {number}."""

from utils.checks import Hint, exercise
'''
ANSWERS_FILE = '''"""Chapter {number}: other right answers to its exercises, and wrong ones with their hints."""

EXERCISES = {{
}}
'''
ANSWERS = '''    "{id}": {{
        "alternative": """
def count_characters(text):
    return len("".join(text.split()))
""",
        "wrong": [
            (
                # blanks counted too
                "def count_characters(text):\\n    return len(text)\\n",
                "空白也数进去了",
            ),
            (
                # blanks but not line ends
                "def count_characters(text):\\n    return len(text.replace(' ', ''))\\n",
                "换行也是空白",
            ),
        ],
    }},
'''


class NotPossible(Exception):
    """The skeleton cannot be written; the message says why and what to do."""


def chapter_of(exercise_id: str) -> Path:
    """The notebook that an exercise id such as 05-4 belongs to.

    Raises:
        NotPossible: no such id, or no such chapter.
    """
    if not re.fullmatch(r"\d\d-[1-9]\d?", exercise_id):
        raise NotPossible(f"{exercise_id!r}: an exercise is called like 05-4")
    found = sorted(CHAPTERS.glob(f"{exercise_id[:2]}_*.ipynb"))
    if not found:
        raise NotPossible(f"{exercise_id}: no chapter {exercise_id[:2]} in chapters/")
    return found[0]


def exercise_cells(exercise_id: str, title: str) -> list[NotebookNode]:
    """Prompt, stub, check and solution of the skeleton exercise."""
    check = f'check("{exercise_id}", count_characters)'
    prompt = PROMPT.format(id=exercise_id, title=title)
    solution = SOLUTION.format(first=SOLUTION_TITLE, check=check)
    parts = {
        "stub": (STUB, {"tags": ["exercise"]}),
        "check": (check, {"tags": ["exercise-check"]}),
        "solution": (solution, {"tags": ["solution", "hide-cell"], **FOLDED}),
    }
    return [
        new_markdown_cell(prompt, id=f"ex-{exercise_id}-prompt"),
        *(
            new_code_cell(source, id=f"ex-{exercise_id}-{part}", metadata=metadata)
            for part, (source, metadata) in parts.items()
        ),
    ]


def add_exercise(exercise_id: str, title: str) -> list[Path]:
    """Put a skeleton exercise into its chapter, with its check and its answers.

    Returns:
        the files that were written; the notebook, whose new cells are still to be run, first.
    Raises:
        NotPossible: the id is taken, does not follow the last one, or there is no such chapter.
    """
    path = chapter_of(exercise_id)
    notebook = nbformat.read(path, as_version=4)
    ids = [cell.id for cell in notebook.cells]
    there = sorted({int(m[1]) for name in ids if (m := re.match(r"ex-\d\d-(\d+)-", name))})
    number = int(exercise_id[3:])
    if number != len(there) + 1:
        raise NotPossible(
            f"{exercise_id}: the next exercise there is {path.stem[:2]}-{len(there) + 1}"
        )
    summary = next(
        i for i, cell in enumerate(notebook.cells) if re.match(r"## .*小结", cell.source)
    )
    notebook.cells[summary:summary] = exercise_cells(exercise_id, title)
    checks, answers = exercise_files(path.stem[:2])
    for file, begin in ((checks, CHECKS_FILE), (answers, ANSWERS_FILE)):
        if not file.is_file():
            file.write_text(begin.format(number=int(exercise_id[:2])), encoding="utf8")
    name = f"exercise_{exercise_id.replace('-', '_')}"
    text = checks.read_text(encoding="utf8")
    checks.write_text(text + CHECK.format(id=exercise_id, name=name), encoding="utf8")
    text = answers.read_text(encoding="utf8").rstrip()
    if not text.endswith("}"):
        raise NotPossible(f"{answers}: does not end with the brace of EXERCISES; mend it first")
    answers.write_text(text[:-1] + ANSWERS.format(id=exercise_id) + "}\n", encoding="utf8")
    nbformat.write(notebook, path)
    return [path, checks, answers]


def exercise_files(chapter: str) -> tuple[Path, Path]:
    """Where the checks of a chapter stand, and what they are tested with."""
    checks = ROOT / f"utils/checks/chapter{chapter}.py"
    return checks, ROOT / f"tests/exercises/chapter{chapter}.py"
