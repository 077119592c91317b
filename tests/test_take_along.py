"""What one takes along: the front page's picture and promises, assignments, slides, the zip."""

import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import assignment as grading_program
import nbformat
import notebooks as nb
import pytest
from book import assignments, front, packing, slides
from exercises import chapter05
from try_it import fill
from website.cells import address_of, cell_ids

INDEX = (nb.ROOT / "index.md").read_text("utf-8")
CELL_LINK = re.compile(r"\]\((?:chapters/)?(\w+)\.ipynb#(cell-[\w-]+)\)")
CHAPTER = nb.CHAPTERS / "05_thucnews.ipynb"


# The front page


def test_the_picture_shows_what_was_measured():
    results = json.loads(front.RESULTS.read_text("utf-8"))
    assert front.PICTURE.read_text("utf-8") == front.picture(results), "run scripts/front_page.py"
    results["blanks"][0]["answers"]["10000"][0][0][0] = "错"
    assert front.PICTURE.read_text("utf-8") != front.picture(results)


def test_the_picture_asks_nothing_of_others_and_stands_still_on_request():
    html = front.PICTURE.read_text("utf-8")
    assert not re.search(r"https?:|<script|url\(", html)
    assert "prefers-reduced-motion" in html and "@media print" in html
    assert html.count('type="radio"') == len(front.STEPS) + 1


def test_a_sentence_that_was_not_measured_is_found():
    with pytest.raises(ValueError, match="'北'"):
        front.shown([])


def missing_cells(text: str) -> list[str]:
    """Links to cells that no notebook has, or that the site does not show."""
    found = []
    for stem, address in CELL_LINK.findall(text):
        path = nb.CHAPTERS / f"{stem}.ipynb"
        known = dict(zip(map(address_of, cell_ids(path)), nb.read(path).cells, strict=True))
        cell = known.get(address)
        if not cell or cell.cell_type != "code" or "remove-cell" in nb.tags(cell):
            found.append(f"{stem}: no cell to see at {address}")
    return found


def test_every_link_to_a_cell_leads_to_one():
    pages = [INDEX, (nb.CHAPTERS / "teaching.md").read_text("utf-8")]
    assert len(CELL_LINK.findall(INDEX)) > 15
    for page in pages:
        nb.expect_none(missing_cells(page))


def test_a_link_to_a_cell_that_is_not_there_is_found():
    good = "[x](chapters/05_thucnews.ipynb#cell-ladder)"
    assert missing_cells(good) == []
    assert missing_cells(good.replace("ladder", "no-such")) != []
    hidden = next(c.id for c in nb.read(CHAPTER).cells if "remove-cell" in nb.tags(c))
    assert missing_cells(good.replace("ladder", hidden)) != []


def promises(text: str) -> list[str]:
    """The items under 学完能做什么."""
    part = text.split("## 学完能做什么", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^- (.+)$", part, re.M)


def test_every_promise_links_to_the_cell_that_keeps_it():
    assert len(promises(INDEX)) >= 6
    nb.expect_none(each for each in promises(INDEX) if not CELL_LINK.search(each))


def test_the_three_lines_are_commands_of_the_makefile():
    block = re.search(r"```bash\n(git clone .+?)```", INDEX, re.S)[1].splitlines()
    assert len(block) == 3 and block[2].startswith("make try TEXT=")
    assert "[MASK]" in block[2]
    assert re.search(r"^try:", (nb.ROOT / "Makefile").read_text("utf-8"), re.M)


def test_a_sentence_without_a_blank_is_refused_before_anything_is_loaded():
    done = subprocess.run(
        [sys.executable, nb.ROOT / "scripts/try_it.py", "今天天气很好"],
        capture_output=True,
        encoding="utf-8",
        env=None,
    )
    assert done.returncode == 1 and "no [MASK]" in done.stderr and not done.stdout


@pytest.mark.slow
def test_the_shipped_model_fills_the_blank():
    [answers] = fill("中国的首都是北[MASK]。")
    assert len(answers) == 5 and "京" in [token for token, _ in answers]


# Assignments


@pytest.fixture(scope="module")
def assignment():
    return assignments.assignment_of(nb.read(CHAPTER))


def test_an_assignment_holds_the_exercises_and_no_solution(assignment):
    ids = [cell.id for cell in assignment.cells]
    exercises = [each for each in chapter05.EXERCISES]
    assert [each for each in ids if each.endswith("-check")] == [
        f"ex-{each}-check" for each in exercises
    ]
    text = nbformat.writes(assignment)
    assert "solution" not in " ".join(ids) and "参考答案 {display" not in text
    chapter = nb.read(CHAPTER)
    for cell in chapter.cells:
        if cell.id.endswith("-solution"):
            assert cell.source not in [each.source for each in assignment.cells]


def test_what_grades_is_locked_and_what_answers_is_not(assignment):
    notes = {cell.id: cell.metadata["nbgrader"] for cell in assignment.cells}
    assert all(note["locked"] != note["solution"] for note in notes.values())
    assert notes["setup"]["locked"] and notes["ex-05-1-stub"]["solution"]
    assert notes["ex-05-1-check"]["grade"] and notes["ex-05-1-check"]["points"] == 1
    cells = {cell.id: cell.source for cell in assignment.cells}
    assert cells["ex-05-1-check"].endswith('grade("05-1", macro_f1)')


def run_cells(notebook, answers):
    """Exercise -> whether its graded cell passed, the cells run as a kernel would."""
    passed, names = {}, {}
    for cell in notebook.cells:
        if cell.cell_type != "code" or cell.id == "setup":
            continue
        source = answers.get(cell.id, cell.source)
        try:
            exec(compile(source, cell.id, "exec"), names)
        except AssertionError as error:
            assert str(error).startswith(("⚠️", "✏️"))
            passed[cell.id] = False
        else:
            if cell.id.endswith("-check"):
                passed[cell.id] = True
    return passed


@pytest.mark.parametrize("kind", ["right", "wrong", "untouched"])
def test_graded_cells_tell_right_from_wrong(assignment, kind, capsys):
    answers = {
        f"ex-{name}-stub": each["alternative"] if kind == "right" else each["wrong"][0][0]
        for name, each in chapter05.EXERCISES.items()
    }
    passed = run_cells(assignment, {} if kind == "untouched" else answers)
    assert set(passed.values()) == {kind == "right"} and len(passed) == len(answers)


def test_a_chapter_without_exercises_or_of_another_name_is_refused():
    book = nb.read(nb.CHAPTERS / "scoreboard.ipynb")
    with pytest.raises(assignments.AssignmentError, match="no exercises"):
        assignments.assignment_of(book)
    with pytest.raises(assignments.AssignmentError, match="no chapter begins with 77"):
        assignments.chapters(["77"])


@pytest.mark.slow
@pytest.mark.skipif(
    not importlib.util.find_spec("nbgrader"), reason="nbgrader is not installed: make assignment"
)
def test_a_round_trip_through_nbgrader(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(nb.ROOT)
    monkeypatch.setenv("PYTHONPATH", str(nb.ROOT))  # the course folder is outside the course
    [released] = assignments.create([CHAPTER], tmp_path / "course")
    handed_in = tmp_path / "handed_in"
    handed_in.mkdir()
    for student, which in {"张三": "alternative", "李四": "wrong", "王五": "cheat"}.items():
        book = nbformat.read(released, 4)
        for cell in book.cells:
            answers = chapter05.EXERCISES.get(cell.id[3:7])
            if cell.id.endswith("-stub") and which != "cheat":
                cell.source = answers[which] if which == "alternative" else answers[which][0][0]
            if cell.id.endswith("-check") and which == "cheat":
                cell.source = "print('passed')"
        nbformat.write(book, handed_in / f"{student}.ipynb")
    points = assignments.grade(CHAPTER, handed_in, tmp_path / "course")
    assert {student: sum(row.values()) for student, row in points.items()} == {
        "张三": len(chapter05.EXERCISES),
        "李四": 0,
        "王五": 0,
    }


def test_nothing_handed_in_is_said_in_one_line(tmp_path):
    with pytest.raises(assignments.AssignmentError, match="no notebooks there"):
        assignments.grade(CHAPTER, tmp_path)


def test_grading_takes_the_chapter_before_the_folder_and_after_it_as_make_does(tmp_path):
    makefile = (nb.ROOT / "Makefile").read_text("utf-8")
    typed = re.search(r"assignment\.py (grade .*)", makefile)[1].replace("$(CHAPTER)", "05")
    by_make = typed.replace('$(if $(FROM),--from "$(FROM)")', "--from FROM")
    assert "$" not in by_make
    for line in (by_make, "grade 05 --from FROM", "grade --from FROM 05"):
        words = [str(tmp_path) if word == "FROM" else word for word in line.split()]
        with pytest.raises(SystemExit, match="no notebooks there"):
            grading_program.main(words)


def test_a_chapter_of_two_notebooks_is_graded_one_by_one(tmp_path):
    with pytest.raises(SystemExit, match="CHAPTER=09_more_tasks") as stopped:
        grading_program.main(["grade", "09", "--from", str(tmp_path)])
    assert "09_pairs_and_search" in str(stopped.value)
    with pytest.raises(SystemExit, match="CHAPTER=05"):
        grading_program.main(["grade", "--from", str(tmp_path)])


def test_what_is_no_hand_in_of_the_chapter_is_said_before_grading(tmp_path, assignment):
    source = tmp_path / "course/source" / CHAPTER.stem / CHAPTER.name
    source.parent.mkdir(parents=True)
    nbformat.write(assignment, source)
    handed_in = tmp_path / "handed_in"
    handed_in.mkdir()
    right, other = handed_in / "李四.ipynb", handed_in / "张三.ipynb"
    nbformat.write(assignment, right)
    assignments.handed_in_for(CHAPTER, [right], source)
    nbformat.write(assignments.assignment_of(nb.read(nb.CHAPTERS / "06_imdb.ipynb")), other)
    with pytest.raises(assignments.AssignmentError, match="张三.ipynb: has no exercise of 05_thuc"):
        assignments.grade(CHAPTER, handed_in, tmp_path / "course")
    for text in ("", "<html>", "[]", "{}", '{"nbformat": 4, "nbformat_minor": 5}'):
        other.write_text(text, encoding="utf8")
        with pytest.raises(assignments.AssignmentError, match="张三.ipynb: not a notebook"):
            assignments.grade(CHAPTER, handed_in, tmp_path / "course")


# Slides


@pytest.mark.parametrize("path", nb.notebook_paths(), ids=lambda path: path.stem)
def test_slides_show_the_headings_and_fetch_nothing(path):
    html = slides.page(nb.read(path))
    fetched = re.findall(r"""\b(?:src|href)\s*=\s*["']([^"'#]+)""", html)
    outside = [each for each in fetched if not each.startswith(("data:", "mathjax/"))]
    # A link is followed only when clicked; anything else would be fetched.
    assert not [each for each in outside if f'<a href="{each}"' not in html]
    shown = len(re.findall("<section>", html))
    headings = [
        cell.source for cell in nb.markdown_cells(nb.read(path)) if cell.source.startswith("## ")
    ]
    assert shown >= len(headings)
    assert "参考答案" not in html and 'check("' not in html


def test_slides_hold_points_questions_and_figures():
    text = "## 标题\n\n第一句。第二句？第三句。\n\n- 甲\n- 乙\n\n✏️ 先猜：几个？\n\n```\ncode\n```"
    assert slides.points_of(text) == "第一句。第二句？\n\n- 甲\n- 乙\n\n> ✏️ 先猜：几个？"
    html = slides.page(nb.read(CHAPTER))
    assert html.count('<div class="figure">') >= 3 and "<li>" in html


def test_a_long_table_goes_on_with_its_head_on_the_next_slide():
    row = "<tr><td>{}</td></tr>"
    table = "<table><thead><tr><th>名</th></tr></thead><tbody>{}</tbody></table>"
    rows = [row.format(number) for number in range(2 * slides.ROWS + 1)]
    parts = slides.parts_of(table.format("".join(rows)))
    assert len(parts) == 3 and all(part.count("<th>名</th>") == 1 for part in parts)
    assert re.findall(r"<td>(\d+)", "".join(parts)) == [str(number) for number in range(len(rows))]
    short = table.format("".join(rows[: slides.ROWS]))
    assert slides.parts_of(short) == [short]
    grouped = table.format("".join(rows).replace("<td>7<", '<td rowspan="2">7<'))
    assert slides.parts_of(grouped) == [grouped]
    assert slides.parts_of("<svg></svg>") == ["<svg></svg>"]


@pytest.mark.slow
def test_no_slide_is_taller_than_the_window(browser, tmp_path, monkeypatch):
    """Tall figures and texts are drawn smaller, until their last row is seen."""
    monkeypatch.setattr(slides, "SLIDES", tmp_path)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    taller = """all => all.filter((each) => each.scrollHeight > innerHeight + 1)
        .map((each) => `${each.textContent.slice(0, 20)}: ${each.scrollHeight}`)"""
    found, zoomed = [], 0
    for path in nb.notebook_paths():
        page.goto(slides.write_slides(path).as_uri())
        page.evaluate("async () => { await window.MathJax?.startup?.promise; fit(); }")
        found += [f"{path.stem}: {each}" for each in page.eval_on_selector_all("section", taller)]
        zoomed += page.eval_on_selector_all(
            ".figure", "all => all.filter((each) => each.style.zoom < 1).length"
        )
    page.close()
    assert zoomed > 0
    nb.expect_none(found)


# The zip


@pytest.fixture
def small_site(tmp_path):
    """A built site of two files, and a course of two."""
    root = tmp_path / "course"
    site = root / "_build/html"
    site.mkdir(parents=True)
    (site / "index.html").write_text("<p>书")
    (site / "script.js.map").write_text("{}")
    (root / "pyproject.toml").write_text('version = "1.2.3"\n')
    (root / "models").mkdir()
    (root / "models/model.safetensors").write_bytes(b"0" * 1000)
    (root / ".venv").mkdir()
    (root / ".venv/python").write_text("not ours")
    return root, site


def test_the_zip_holds_site_and_course_and_the_way_in(small_site, tmp_path):
    root, site = small_site
    for name in ("404.html", "sitemap.xml"):
        (site / name).write_text("for a server")
    size = packing.pack(tmp_path / "out.zip", root, site)
    archive = zipfile.ZipFile(tmp_path / "out.zip")
    assert archive.testzip() is None and size == (tmp_path / "out.zip").stat().st_size
    top = "bert-in-practice-zh-1.2.3"
    names = ["START.html", "index.html", "site/index.html"]
    names += ["course/models/model.safetensors", "course/pyproject.toml"]
    assert archive.namelist() == [f"{top}/{name}" for name in names]
    start = archive.read(f"{top}/START.html").decode()
    assert "make demos" in start and "http.server" not in start and "1.2.3" in start
    local = re.findall(r'href="([^"]+)"', start)
    assert [each for each in local if each.startswith("site/")] == ["site/index.html"]


def test_the_zip_says_how_its_demos_are_opened(small_site, tmp_path):
    root, site = small_site
    (site / "demos").mkdir()
    (site / "demos/demos.json").write_text("{}")
    packing.pack(tmp_path / "out.zip", root, site)
    archive = zipfile.ZipFile(tmp_path / "out.zip")
    start = archive.read("bert-in-practice-zh-1.2.3/START.html").decode()
    assert "python -m http.server" in start and "make demos" not in start


def test_the_same_tree_gives_the_same_bytes(small_site, tmp_path):
    root, site = small_site
    packing.pack(tmp_path / "a.zip", root, site)
    (site / "index.html").touch()
    packing.pack(tmp_path / "b.zip", root, site)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_zip_is_written_whole_or_not_at_all(small_site, tmp_path, monkeypatch):
    root, site = small_site
    target = tmp_path / "out/out.zip"
    packing.pack(target, root, site)
    before = target.read_bytes()

    def fail(archive, name, content):
        raise OSError("no space left")

    monkeypatch.setattr(packing, "put", fail)
    with pytest.raises(OSError, match="no space"):
        packing.pack(target, root, site)
    assert target.read_bytes() == before and list(target.parent.iterdir()) == [target]


def test_without_a_site_there_is_no_zip(tmp_path):
    with pytest.raises(packing.PackingError, match="run make book first"):
        packing.pack(tmp_path / "out.zip", nb.ROOT, tmp_path)
    assert not list(tmp_path.glob("*.zip"))
    assert not [each for each in Path(tmp_path).iterdir() if each.suffix == ".partial"]
