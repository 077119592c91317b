"""The rules a notebook of the course keeps. Each is a function that returns what breaks it.

A rule takes a notebook (some also its path or a table) and returns a list of lines, empty
when all is well, so that test_notebook_rules.py can prove on a bad notebook that the rule
can fail. The rule on numbers is in numbers_in_prose.py, those on words and
pictures in prose_rules.py.
"""

import base64
import copy
import json
import re
import statistics
import warnings
from urllib.parse import urlsplit

import nbformat
from book.files import normalise
from notebooks import (
    code_cells,
    markdown_cells,
    output_text,
    setup_index,
    tags,
    unchecked,
)

PAGE_BYTES = 10**6
LONGEST_CELL, MEDIAN_CELL = 25, 6  # lines; the median without blank ones
# The formatter sets a bracket that closes a broken line on a line of its own: nothing to read.
ONLY_CLOSES = re.compile(r"\s*[)\]}]+[,:]?\s*")
# The first chapters were written under a cap on the number of cells, which made the cells long.
# This list may only shrink, and a new chapter has no place on it.
LONGER_MEDIAN = {
    "02_bert_architecture": 8,
    "03_mlm_and_nsp": 7,
    "04_hugging_face": 9,
    "07_t5_text_to_text": 9,
    "08_bert_gpt_t5": 9,
}
CHECKED_CELLS = 5
# How an exercise's text asks for more than the check looks at.
ASKS_ON = re.compile("想一想|先想|再往前|再问|写完(?:后|试试)|通过(?:之后|以后)|检查通过后")
EXERCISE_TAGS = {"exercise", "exercise-check", "solution"}


def heading(words):
    """Return a pattern for a heading that opens with the words, numbered or not."""
    return re.compile(rf"^##\s+(?:\d+(?:\.\d+)*\s+)?(?:[💡⚠✅✏]\ufe0f?\s*)?{words}", re.M)


SETUP = "\0setup\0"  # stands for the setup cell in the text of a notebook

# What stands in a chapter, in this order.
ORDER = {
    "a title": re.compile(r"\A# \S"),
    "a Colab text link": re.compile(r"\[[^\]!]*Colab[^\]]*\]\(https://colab\.research\.google\."),
    "学完能做什么": heading("学完.{0,6}能做什么"),
    "the seconds it runs (运行约 N 秒)": re.compile(
        r"运行[^，。；、\d\n]{0,12}\d+(?:\.\d+)?\s*(?:秒|分钟)"
    ),
    "its peak memory (内存约 N GB)": re.compile(
        r"内存[^，。；、\d\n]{0,12}\d+(?:\.\d+)?\s*[GM]i?B"
    ),
    "the setup cell": re.compile(SETUP),
    "## 练习": heading("练习"),
    "## 小结": heading("小结"),
    "a ✅ in 小结": re.compile("✅"),
    "## 延伸阅读": heading("延伸阅读"),
}


def out_of_order(notebook):
    """Rule: title and Colab link, 学完能做什么, cost, setup, body, 练习, 小结 ✅, 延伸阅读."""
    text = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text += cell.source.strip() + "\n\n"
        elif cell.id == "setup":
            text += SETUP
        elif not text:
            text += "(code)\n"  # so that a title after code is no title
    violations, position = [], 0
    for name, pattern in ORDER.items():
        match = pattern.search(text, position)
        if match:
            position = match.end()
        else:
            violations.append(f"{name} is missing or out of order")
    return violations


def misplaced_exercises(notebook):
    """Rule: exercises stand between 练习 and 小结."""
    part, violations = "", []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for name in ("练习", "小结"):
                if heading(name).search(cell.source):
                    part = name
        elif EXERCISE_TAGS & set(tags(cell)) and part != "练习":
            violations.append(f"{cell.id}: an exercise outside ## 练习")
    return violations


def setup_source(notebook, path):
    """Return the source of the setup cell with the chapter's name and number masked."""
    place = setup_index(notebook)
    if place is None:
        return ""
    number = path.stem.split("_")[0]
    source = notebook.cells[place].source.replace(path.stem, "CHAPTER")
    return re.sub(rf"(?<!\d){re.escape(number)}(?!\d)", "NN", source)


def differing_setups(notebooks):
    """Rule: the setup cell is tagged so and is the same everywhere but for the chapter number.

    notebooks: dict of path -> notebook.
    """
    violations, first = [], None
    for path, notebook in notebooks.items():
        place = setup_index(notebook)
        if place is None or "setup" not in tags(notebook.cells[place]):
            violations.append(f"{path.name}: no code cell with the id and the tag setup")
            continue
        source = setup_source(notebook, path)
        first = first or (path.name, source)
        if source != first[1]:
            violations.append(f"{path.name}: setup cell differs from that of {first[0]}")
    return violations


def wrong_colab_link(notebook, path):
    """Rule: the Colab link opens this notebook, and is text (a badge asks an outside host)."""
    text = "\n".join(cell.source for cell in markdown_cells(notebook))
    links = re.findall(r"\]\((https://colab\.research\.google\.com/[^)\s]*)", text)
    violations = [
        f"Colab link opens {urlsplit(link).path.rsplit('/', 1)[-1]}"
        for link in links
        if not link.endswith(f"/chapters/{path.name}")
    ]
    if "colab-badge" in text:
        violations.append("the Colab link is a badge from another host; make it text")
    return violations


def vacuous_checks(notebook, at_least=CHECKED_CELLS):
    """Rule: at least five cells are checked, and each has text that can be compared."""
    checked = [cell for cell in code_cells(notebook) if "nbval-check-output" in tags(cell)]
    violations = [
        f"{cell.id}: checked cell {unchecked(cell)}" for cell in checked if unchecked(cell)
    ]
    if len(checked) < at_least:
        violations.append(f"{len(checked)} cells carry nbval-check-output; {at_least} are needed")
    return violations


def long_cells(notebook):
    """Rule: no code cell over 25 lines but a class definition and the setup, folded on a page."""
    cells = [cell for cell in code_cells(notebook) if "setup" not in tags(cell)]
    lengths = {cell.id: len(lines_to_read(cell.source.strip())) for cell in cells}
    return [
        f"{cell.id}: {lengths[cell.id]} lines of code; {LONGEST_CELL} at most"
        for cell in cells
        if lengths[cell.id] > LONGEST_CELL and not re.search(r"^class ", cell.source, re.M)
    ]


def long_body(notebook, at_most=MEDIAN_CELL):
    """Rule: the story's code cells have at most six lines in the median, without blank ones."""
    lengths = [
        sum(bool(line.strip()) for line in lines_to_read(cell.source))
        for cell in body_cells(notebook)
    ]
    median = statistics.median(lengths or [0])
    if median <= at_most:
        return []
    return [f"the story's code cells have {median:g} lines in the median; {at_most} at most"]


def lines_to_read(source):
    """Return the lines of a source but those that only close a bracket."""
    return [line for line in source.splitlines() if not ONLY_CLOSES.fullmatch(line)]


def body_cells(notebook):
    """Return the code cells of the story: no setup, exercises or hidden assertions."""
    hidden = EXERCISE_TAGS | {"setup", "remove-cell"}
    return [cell for cell in code_cells(notebook) if not hidden & set(tags(cell))]


def unanswered(notebook):
    """Rule: what an exercise's text asks beyond its check has a folded answer.

    The answer is folded below the question, or the reference solution prints it (先想：…).
    """
    solutions = {cell.id: cell.source for cell in code_cells(notebook)}
    return [
        f"{cell.id}: asks to think on, and nothing says what comes out"
        for cell in markdown_cells(notebook)
        if cell.id.startswith("ex-")
        and ASKS_ON.search(cell.source)
        and "<details>" not in cell.source
        and "先想：" not in solutions.get(cell.id.replace("-prompt", "-solution"), "")
    ]


def incomplete_outputs(notebook):
    """Rule: stored outputs are those of one whole run, without errors or words on stderr.

    A cell tagged raises-exception must hold the error, as nbval lets it pass without one.
    """
    violations = []
    for expected, cell in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != expected:
            violations.append(f"{cell.id}: execution_count {cell.execution_count}, not {expected}")
        kinds = {output.output_type for output in cell.outputs}
        if ("error" in kinds) != ("raises-exception" in tags(cell)):
            violations.append(
                f"{cell.id}: an error without the tag raises-exception, or the reverse"
            )
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                violations.append(f"{cell.id}: words on stderr: {output.text.strip()[:60]}")
    return violations


def not_normal(notebook):
    """Rule: valid nbformat, ids given by people, and no metadata that changes by itself."""
    violations = []
    try:
        with warnings.catch_warnings(action="ignore"):  # on ids, which are looked at below
            nbformat.validate(copy.deepcopy(notebook))
    except nbformat.ValidationError as error:
        return [f"not valid: {str(error).splitlines()[0]}"]
    ids = [cell.get("id", "") for cell in notebook.cells]
    violations += [
        f"id {name!r} occurs twice" for name in sorted({i for i in ids if ids.count(i) > 1})
    ]
    for name in ids:
        if not re.fullmatch(r"[a-z0-9-]+", name) or re.fullmatch(
            r"[0-9a-f]{8}(-[0-9a-f-]+)?", name
        ):
            violations.append(f"id {name!r} is not one a person gave (a-z, 0-9 and -)")
    if normalise(copy.deepcopy(notebook)) != notebook:
        violations.append("metadata or outputs as an editor left them: make tidy")
    return violations


def not_portable(notebook):
    """Rule: outputs hold no paths or addresses of one machine, and load nothing from another."""
    patterns = {
        "path": r"(?<![\w.])(?:/(?:home|root|tmp|Users|var|opt|mnt|work|content)/\S*|[A-Z]:\\\w+\S*)",
        "address": r"\b0x[0-9a-f]{6,}",
    }
    violations = []
    for cell in code_cells(notebook):
        text = "\n".join(output_text(output) for output in cell.outputs)
        for name, pattern in patterns.items():
            violations += [f"{cell.id}: {name} {found}" for found in re.findall(pattern, text)]
        html = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
        for found in re.findall(r"""\bsrc\s*=\s*["']?((?:https?:)?//[^"'\s>]+)""", html):
            violations.append(f"{cell.id}: loads {found}")
    return violations


def page_bytes(notebook):
    """Return the bytes that a notebook's outputs add to its page."""
    total = 0
    for cell in code_cells(notebook):
        for output in cell.outputs:
            for kind, data in output.get("data", {"text": output.get("text", "")}).items():
                if kind.startswith("image/") and kind != "image/svg+xml":
                    total += len(base64.b64decode(data))
                else:
                    total += len((data if isinstance(data, str) else json.dumps(data)).encode())
    return total


def over_budget(notebook):
    """Rule: a page's own outputs and figures weigh at most 1 MB."""
    size = page_bytes(notebook)
    return [f"outputs weigh {size:,} bytes; {PAGE_BYTES:,} at most"] if size > PAGE_BYTES else []
