"""Skeletons that pass every test as they are, for contributors to put their own content into."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

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


def chapter_of(exercise_id: str, name: str = "") -> Path:
    """The notebook in which a new exercise such as 05-4 goes.

    A chapter may stand in several files (09_more_tasks, 09_pairs_and_search), whose exercises are
    numbered through. A new one follows the last exercise, so it goes in the last file.

    Args:
        name: the beginning of another file's name, such as 09_more.
    Raises:
        NotPossible: no such id, no such chapter, or no file of it or several are called so.
    """
    if not re.fullmatch(r"\d\d-[1-9]\d?", exercise_id):
        raise NotPossible(f"{exercise_id!r}: an exercise is called like 05-4")
    files = files_of(exercise_id[:2])
    if not files:
        raise NotPossible(f"{exercise_id}: no chapter {exercise_id[:2]} in chapters/")
    chosen = [path for path in files if path.name.startswith(name)]
    if name and len(chosen) != 1:
        names = ", ".join(path.stem for path in files)
        raise NotPossible(f"{exercise_id}: choose one of {names} with CHAPTER=, not {name!r}")
    return chosen[-1]


def files_of(chapter: str) -> list[Path]:
    """The notebooks with a chapter's number, in the order in which they are read."""
    return sorted(CHAPTERS.glob(f"{chapter}_*.ipynb"))


def numbers_in(notebook: NotebookNode) -> set[int]:
    """The numbers of a notebook's exercises, without the chapter's."""
    found = (re.match(r"ex-\d\d-(\d+)-", cell.id) for cell in notebook.cells)
    return {int(match[1]) for match in found if match}


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


def add_exercise(exercise_id: str, title: str, name: str = "") -> list[Path]:
    """Put a skeleton exercise into its chapter, with its check and its answers.

    Args:
        name: the beginning of a file's name, where the chapter has several and the last is not
            meant.
    Returns:
        the files that were written; the notebook, whose new cells are still to be run, first.
    Raises:
        NotPossible: the id is taken, does not follow the last one, or there is no such chapter.
    """
    path = chapter_of(exercise_id, name)
    there = {}  # number -> the file that has it
    for file in files_of(exercise_id[:2]):
        notebook = nbformat.read(file, as_version=4)
        there |= dict.fromkeys(numbers_in(notebook), file.stem)
    number, follows = int(exercise_id[3:]), max(there, default=0) + 1
    if number != follows:
        taken = f"stands in {there[number]}; " if number in there else ""
        raise NotPossible(
            f"{exercise_id}: {taken}the next exercise there is {path.stem[:2]}-{follows}"
        )
    notebook = nbformat.read(path, as_version=4)
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


CHAPTER_GOALS = """## 学完能做什么

- （骨架，请换成你的：读者学完能做的事，一条一行。）"""
CHAPTER_COST = """> 💡 下一格的 `COURSE_PROFILE` 选配置。mini 配置运行约 5 秒，内存约 0.5 GB（2 核 CPU 实测，不联网）。"""
CHAPTER_STORY = """## {number}.1 第一节

（骨架：先说为什么，再说怎么做。）

✏️ 先猜：九九表里一共有多少个不同的积？"""
CHAPTER_SUMMARY = """## 小结

✅ （骨架：一句话说清学到了什么。）"""
CHAPTER_READING = """## 延伸阅读

- [BERT 论文](https://arxiv.org/abs/1810.04805)"""
# Five cells whose output is compared whenever the tests run, as every chapter has at least.
CHAPTER_CODE = {
    "products": "products = [row * column for row in range(1, 10) for column in range(1, 10)]\n"
    "print(len(products))",
    "different": "different = sorted(set(products))\nprint(len(different))",
    "largest": "print(different[-3:])",
    "squares": "print([number for number in different if number**0.5 % 1 == 0])",
    "primes": "print([n for n in different if n > 1 and all(n % d for d in range(2, n))])",
}


def chapter_notebook(name: str, title: str) -> NotebookNode:
    """A chapter that keeps every rule, with one exercise; to be run before it is stored."""
    number = int(name[:2])
    model = min(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
    first, other = {cell.id: cell for cell in nbformat.read(model, 4).cells}, model.stem
    link = re.search(r"\[[^\]]*Colab[^\]]*\]\([^)]*\)", first["title"].source)[0]
    setup = new_code_cell(
        first["setup"].source.replace(other, name), id="setup", metadata=first["setup"].metadata
    )
    cells = [
        new_markdown_cell(
            f"# 第 {number} 章 {title}\n\n{link.replace(other, name)}\n\n（骨架：这一章回答什么问题。）",
            id="title",
        ),
        new_markdown_cell(CHAPTER_GOALS, id="goals"),
        new_markdown_cell(CHAPTER_COST, id="cost"),
        setup,
        new_code_cell("from utils.checks import check", id="imports"),
        new_markdown_cell(CHAPTER_STORY.format(number=number), id="first-section"),
        *(
            new_code_cell(source, id=cell_id, metadata={"tags": ["nbval-check-output"]})
            for cell_id, source in CHAPTER_CODE.items()
        ),
        new_markdown_cell("## 练习\n\n先自己写，再展开参考答案。", id="exercises"),
        new_markdown_cell(CHAPTER_SUMMARY, id="summary"),
        new_markdown_cell(CHAPTER_READING, id="reading"),
    ]
    return new_notebook(cells=cells)


PARTS = {"原理": "Principles", "工具": "Tools", "实战": "Practice", "优化": "Optimisation"}


def add_chapter(name: str, part: str, title: str, english: str) -> list[Path]:
    """Write a skeleton chapter and enter it in the contents, the front page and the READMEs.

    Args:
        name: the file's name without its ending, such as 13_agents; it never changes afterwards.
        part: one of PARTS.
        title: the heading, in Chinese; english: the same for README.md.
    Returns:
        the files that were written; the notebook, which is still to be run, first.
    Raises:
        NotPossible: a bad name or part, or a number that is taken.
    """
    if not re.fullmatch(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*", name):
        raise NotPossible(f"{name!r}: a chapter is called like 13_more_tasks, in snake_case")
    if part not in PARTS:
        raise NotPossible(f"{part!r}: no such part; choose one of {', '.join(PARTS)}")
    if taken := files_of(name[:2]):
        raise NotPossible(f"{name}: the number is taken by {taken[0].name}")
    path = CHAPTERS / f"{name}.ipynb"
    pages = {
        ROOT / "_toc.yml": lambda text: in_contents(text, name, part),
        ROOT / "site_assets/anchors.yml": lambda text: (
            text + f"\nchapters/{name}:\n  第一节: first-section\n"
        ),
        ROOT / "index.md": lambda text: in_table(
            text,
            name,
            f"| [{name[:2]} {title}](chapters/{name}.ipynb) | {plan_of(text, name)} | 约半分钟 |",
        ),
        ROOT / "README.md": lambda text: in_table(
            text,
            name,
            f"| [{name[:2]} {english}](chapters/{name}.ipynb) | {part} {PARTS[part]} | 0.5 |",
        ),
        ROOT / "README.zh-CN.md": lambda text: in_table(
            text, name, f"| [{name[:2]} {title}](chapters/{name}.ipynb) | {part} | 0.5 |"
        ),
    }
    written = {page: change(page.read_text(encoding="utf8")) for page, change in pages.items()}
    nbformat.write(chapter_notebook(name, title), path)
    for page, text in written.items():
        page.write_text(text, encoding="utf8")
    return [path, *add_exercise(f"{name[:2]}-1", "数一数字符")[1:], *written]


def in_contents(text: str, name: str, part: str) -> str:
    """_toc.yml with the chapter as the last of its part, which is begun where there is none."""
    entry = f"      - file: chapters/{name}\n"
    match = re.search(rf"  - caption: {part}\n    chapters:\n(?:      - file: .*\n)+", text)
    if match:
        return text[: match.end()] + entry + text[match.end() :]
    place = text.index("  - caption: 附录\n")  # parts come in order, and the appendix last
    return text[:place] + f"  - caption: {part}\n    chapters:\n{entry}" + text[place:]


def plan_of(index: str, name: str) -> str:
    """What index.md says a planned chapter is about."""
    planned = re.search(rf"^\| {name[:2]} [^|]*\| ([^|]*) \|", index, re.M)
    return planned[1] if planned else "（骨架）"


def in_table(text: str, name: str, row: str) -> str:
    """A table of chapters with the row in its place, instead of the one that plans the chapter."""
    planned = re.compile(rf"^\| {name[:2]} .*\|$", re.M)
    if planned.search(text):
        return planned.sub(lambda _: row, text, count=1)
    rows = list(re.finditer(r"^\| \[?\d\d .*\|$", text, re.M))
    return text[: rows[-1].end()] + "\n" + row + text[rows[-1].end() :]
