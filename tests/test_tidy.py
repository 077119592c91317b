"""What a contributor's editor leaves behind is tidied, and a new exercise begins green."""

import copy
import importlib.util
import subprocess
import sys

import book.tidy
import nbformat
import notebooks as nb
import pytest
import yaml
from book import skeletons
from book.files import normalise, write
from exercise_cells import exercises_of, failures, malformed
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rules import wrong_colab_link
from test_notebook_rules import FOR_CHAPTERS, good_chapter

from utils import checks


@pytest.fixture
def chapter(tmp_path):
    """A committed chapter of a repository: (its path, the notebook)."""
    path = tmp_path / "99_good.ipynb"
    notebook = good_chapter()
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = number
    write(notebook, path)
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "begin"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    return path, notebook


def lines_changed(path):
    """Lines of the diff against the commit: (taken away, added)."""
    shown = subprocess.run(
        ["git", "diff", "--numstat"], cwd=path.parent, capture_output=True, encoding="utf8"
    ).stdout.split()
    return (int(shown[1]), int(shown[0])) if shown else (0, 0)


def cell_of(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def as_an_editor_saves(notebook):
    """Other metadata, another number of the last run, an output that this machine gave."""
    notebook.metadata.language_info = {"name": "python", "version": "3.12.1"}
    for cell in notebook.cells:
        cell.metadata["execution"] = {"iopub.status.busy": "now"}
    cell = cell_of(notebook, "accuracy")
    cell.outputs = [new_output("stream", name="stdout", text="0.99\n")]
    cell.execution_count = 41


def test_a_mended_sentence_is_a_diff_of_one_line(chapter, capsys):
    path, notebook = chapter
    as_an_editor_saves(notebook)
    cell_of(notebook, "exercises").source = "## 练习\n\n一道题。"
    nbformat.write(notebook, path)
    assert lines_changed(path) > (1, 1)
    assert book.tidy.tidy_file(path)
    assert lines_changed(path) == (1, 1)
    assert capsys.readouterr().out == "99_good.ipynb: tidied\n"


def test_a_file_saved_without_a_change_is_as_committed(chapter, capsys):
    path, notebook = chapter
    as_an_editor_saves(notebook)
    for number, cell in enumerate(notebook.cells):  # some editors name all cells anew
        cell.id = f"{number:08x}"
    nbformat.write(notebook, path)
    assert book.tidy.tidy_file(path)
    assert lines_changed(path) == (0, 0)


def test_changed_code_has_to_be_run(chapter, capsys):
    path, notebook = chapter
    cell_of(notebook, "c1").source = "print(8)"
    nbformat.write(notebook, path)
    assert not book.tidy.tidy_file(path)
    assert "code changed (c1); run it: make run CHAPTER=99_good" in capsys.readouterr().out


def test_a_cell_taken_out_has_to_be_followed_by_a_run(chapter, capsys):
    path, notebook = chapter
    notebook.cells.remove(cell_of(notebook, "c1"))
    nbformat.write(notebook, path)
    assert not book.tidy.tidy_file(path)


def test_new_cells_are_named_after_the_one_before(chapter):
    path, notebook = chapter
    place = notebook.cells.index(cell_of(notebook, "count"))
    for name in ("0a1b2c3d", "4e5f6a7b"):
        notebook.cells.insert(place + 1, new_markdown_cell("又一段。", id=name))
    book.tidy.tidy(notebook, book.tidy.committed(path), path.parent)
    assert [c.id for c in notebook.cells[place : place + 3]] == ["count", "count-2", "count-3"]


def test_of_a_new_notebook_only_what_never_ran_has_to_be_run(tmp_path):
    notebook = good_chapter()
    assert book.tidy.committed(tmp_path / "99_good.ipynb") is None
    before = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert book.tidy.tidy(notebook, None, tmp_path) == []
    assert before == [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    cell_of(notebook, "c1").execution_count = None
    assert book.tidy.tidy(notebook, None, tmp_path) == ["c1"]


@pytest.mark.slow
def test_a_changed_exercise_is_run_alone(tmp_path):
    """Its kernel knows check() alone; the story's cells are not run."""
    parts = skeletons.exercise_cells("01-1", "数一数")
    cells = [new_code_cell("raise SystemError", id="story", execution_count=1), *parts]
    notebook = normalise(new_notebook(cells=cells))
    model = new_notebook(cells=copy.deepcopy(notebook.cells[:1]))
    for cell in notebook.cells:  # what 01-1 really asks for
        cell.source = cell.source.replace("count_characters", "next_token_pairs")
    assert book.tidy.tidy(notebook, model, nb.CHAPTERS) == []
    said = [cell.outputs[0].text for cell in notebook.cells if cell.get("outputs")]
    assert said[0].startswith("✏️ 还没有动手") and said[1].startswith("⚠️ 还不对")
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == [1, 2, 3, 4]


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A course of one chapter, in whose place add_exercise writes."""
    for folder in ("chapters", "utils/checks", "tests/exercises"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(skeletons, "ROOT", tmp_path)
    monkeypatch.setattr(skeletons, "CHAPTERS", tmp_path / "chapters")
    notebook = good_chapter()
    notebook.cells.remove(cell_of(notebook, "ex-99-1-stub"))
    write(notebook, tmp_path / "chapters/99_good.ipynb")
    return tmp_path


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_new_exercises_are_green(copied, monkeypatch):
    """Cells, check, another right answer and wrong ones: twice, in a chapter that had none."""
    monkeypatch.setattr(checks, "CHECKS", dict(checks.CHECKS))
    skeletons.add_exercise("99-1", "第一题")
    path, checks_file, answers_file = skeletons.add_exercise("99-2", "第二题")
    load(checks_file, "checks_of_99")
    answers = load(answers_file, "answers_of_99").EXERCISES
    notebook = nb.read(path)
    assert malformed(notebook) == []
    assert [cell.id for cell in notebook.cells][-3] == "ex-99-2-solution"
    for exercise_id, cells in exercises_of(notebook).items():
        assert failures(exercise_id, cells, answers[exercise_id]) == []
    style = [sys.executable, "-m", "ruff", "format", "--check", str(checks_file), str(answers_file)]
    subprocess.run(style, check=True, capture_output=True)


@pytest.fixture
def two_files(copied):
    """The chapter 99 in two files: 99-1 stands in the first, the second has no exercise yet."""
    skeletons.add_exercise("99-1", "第一题")
    first = copied / "chapters/99_good.ipynb"
    notebook = nb.read(first)
    notebook.cells = [cell for cell in notebook.cells if not cell.id.startswith("ex-")]
    second = copied / "chapters/99_more.ipynb"
    write(notebook, second)
    return first, second


def test_exercises_of_a_chapter_in_two_files_are_numbered_through(two_files):
    """In the last file by default, in the other when it is named; the number is taken in both."""
    first, second = two_files
    before = first.read_bytes()
    assert skeletons.add_exercise("99-2", "第二题")[0] == second
    assert first.read_bytes() == before
    assert skeletons.add_exercise("99-3", "第三题", "99_good")[0] == first
    assert set(exercises_of(nb.read(first))) == {"99-1", "99-3"}
    assert set(exercises_of(nb.read(second))) == {"99-2"}


@pytest.mark.parametrize(
    ("exercise_id", "name", "words"),
    [
        ("99-1", "", "stands in 99_good; the next exercise there is 99-2"),
        ("99-3", "", "the next exercise there is 99-2"),
        ("99-2", "99", "choose one of 99_good, 99_more with CHAPTER=, not '99'"),
        ("99-2", "98", "choose one of 99_good, 99_more with CHAPTER=, not '98'"),
    ],
)
def test_an_exercise_without_a_place_in_two_files_is_refused(two_files, exercise_id, name, words):
    before = [path.read_bytes() for path in two_files]
    with pytest.raises(skeletons.NotPossible, match=words):
        skeletons.add_exercise(exercise_id, "一题", name)
    assert [path.read_bytes() for path in two_files] == before


def test_a_new_chapter_keeps_the_rules_and_stands_in_all_contents(copied, monkeypatch):
    (copied / "site_assets").mkdir()
    tables = ("_toc.yml", "index.md", "README.md", "README.zh-CN.md", "site_assets/anchors.yml")
    for page in tables:
        (copied / page).write_bytes((nb.ROOT / page).read_bytes())
    path, *written = skeletons.add_chapter("97_new", "实战", "新的一章", "A new chapter")
    notebook = nb.read(path)
    assert malformed(notebook) == [] and set(exercises_of(notebook)) == {"97-1"}
    assert wrong_colab_link(notebook, path) == []
    for rule in FOR_CHAPTERS.keys() - {"checked cells"}:  # it has not been run yet
        assert FOR_CHAPTERS[rule](notebook) == []
    assert {page.name for page in written if page.parent == copied} == {
        "_toc.yml", "index.md", "README.md", "README.zh-CN.md"
    }  # fmt: skip
    contents = yaml.safe_load((copied / "_toc.yml").read_text("utf8"))["parts"]
    part = next(part for part in contents if part["caption"] == "实战")
    assert part["chapters"][-1] == {"file": "chapters/97_new"}
    for page in written[2:]:
        lines = page.read_text("utf8").splitlines()
        assert sum("chapters/97_new" in line for line in lines) == 1


def test_a_new_chapter_takes_the_place_of_its_plan():
    table = "| 08 八 | 甲 | 乙 |\n| 09 九 | 丙 | 计划中 |\n\n其余"
    row = f"| [09 九](chapters/09_x.ipynb) | {skeletons.plan_of(table, '09_x')} | 约半分钟 |"
    written = skeletons.in_table(table, "09_x", row)
    assert written.splitlines()[1] == "| [09 九](chapters/09_x.ipynb) | 丙 | 约半分钟 |"
    assert written.splitlines()[-1] == "其余" and "计划中" not in written
    assert skeletons.in_table(table, "10_y", "| 10 |").splitlines()[2] == "| 10 |"


@pytest.mark.parametrize(("name", "part"), [("9_x", "实战"), ("99_good", "实战"), ("97_x", "别的")])
def test_a_chapter_that_cannot_be_is_refused(copied, name, part):
    before = sorted(copied.rglob("*"))
    with pytest.raises(skeletons.NotPossible):
        skeletons.add_chapter(name, part, "一章", "A chapter")
    assert sorted(copied.rglob("*")) == before


@pytest.mark.parametrize(
    ("exercise_id", "words"),
    [("99-2", "the next exercise there is 99-1"), ("98-1", "no chapter 98"), ("5-1", "like 05-4")],
)
def test_an_exercise_that_cannot_be_is_refused(copied, exercise_id, words):
    before = sorted(copied.rglob("*"))
    with pytest.raises(skeletons.NotPossible, match=words):
        skeletons.add_exercise(exercise_id, "一题")
    assert sorted(copied.rglob("*")) == before
