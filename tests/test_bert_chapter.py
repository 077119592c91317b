"""Chapter 2 defines all of utils/bert.py, and the same: what is proven of one is true of both."""

import ast
from pathlib import Path

import notebooks as nb
import pytest

import utils.bert

PATH = nb.CHAPTERS / "02_bert_architecture.ipynb"
NOT_THE_STORY = {"setup", "remove-cell", "exercise", "exercise-check", "solution"}
DEFINITIONS = (ast.ClassDef, ast.FunctionDef)
MODULE = Path(utils.bert.__file__).read_text(encoding="utf8")


def definitions(source):
    """Return {name: node} of the classes, functions and constants that a source defines on top."""
    found = {}
    for node in ast.parse(source).body:
        names = [node.name] if isinstance(node, DEFINITIONS) else []
        if isinstance(node, ast.Assign):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
        for name in names:
            assert name not in found or not isinstance(node, DEFINITIONS), f"{name} defined twice"
            found[name] = node
    return found


def imported(source):
    """Return {name: where from} of all imports of a source."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None)
            found |= {alias.asname or alias.name: (module, alias.name) for alias in node.names}
    return found


def story():
    """The chapter's code cells, without setup, exercises and hidden assertions, as one source."""
    cells = nb.code_cells(nb.read(PATH))
    return "\n\n".join(cell.source for cell in cells if not NOT_THE_STORY & set(nb.tags(cell)))


def differences(chapter, module):
    """What the chapter lacks of the module, or has otherwise; imports included."""
    ours, theirs = definitions(module), definitions(chapter)
    found = [f"chapter 2 does not define {name}" for name in ours if name not in theirs]
    found += [
        f"chapter 2 has another {name}"
        for name, node in ours.items()
        if name in theirs and ast.unparse(theirs[name]) != ast.unparse(node)
    ]
    wanted, there = imported(module), imported(chapter)
    return found + [
        f"chapter 2 does not import {name} as the module does"
        for name, source in wanted.items()
        if there.get(name) != source
    ]


def test_the_chapter_defines_all_of_utils_bert_and_the_same():
    assert len(definitions(MODULE)) >= 18
    found = differences(story(), MODULE)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("there", "instead", "complaint"),
    [
        ("class BertPooler", "class Pooler", "does not define BertPooler"),
        ("hidden[:, 0]", "hidden[:, 1]", "has another BertPooler"),
        ("import gelu, relu", "import silu as gelu, relu", "does not import gelu"),
    ],
)
def test_a_difference_is_found(there, instead, complaint):
    chapter = story()
    assert there in chapter
    found = differences(chapter.replace(there, instead), MODULE)
    assert len(found) == 1 and complaint in found[0]
