"""Every notebook and page of the book keeps the rules, and every rule can fail."""

import base64
import re

import nbformat
import notebooks as nb
import pytest
import rebinding
import rules
from book import times
from book.files import normalise
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from numbers_in_prose import backed_values, load_facts, unbacked, unbacked_numbers
from prose_rules import (
    banned_terms,
    banned_variants,
    banned_words,
    chinese_in_code,
    glossary_rows,
    hidden_guesses,
    images_without_alt,
    not_commonmark,
    soft_breaks,
    stray_emoji,
    without_banned_column,
)

NOTEBOOKS = {path: nb.read(path) for path in nb.notebook_paths()}
CHAPTERS = {path: book for path, book in NOTEBOOKS.items() if nb.is_numbered(path)}
GLOSSARY_PAGE = nb.CHAPTERS / "glossary.md"
GLOSSARY = banned_variants(GLOSSARY_PAGE.read_text(encoding="utf-8"))
FACTS_OF_ALL = load_facts()
BACKED_ANYWHERE = backed_values(NOTEBOOKS.values())


def prose_rule(rule, *arguments):
    """Turn a rule on a Markdown text into one on all Markdown cells of a notebook."""
    return lambda notebook: [
        f"{cell.id}: {line}"
        for cell in nb.markdown_cells(notebook)
        for line in rule(cell.source, *arguments)
    ]


FOR_ALL = {
    "images have alt text": images_without_alt,
    "plain CommonMark": prose_rule(not_commonmark),
    "no blanks from line ends": prose_rule(soft_breaks),
    "guesses in their own paragraph": prose_rule(hidden_guesses),
    "no stray emoji": prose_rule(stray_emoji),
    "no banned terms": prose_rule(banned_terms, GLOSSARY),
    "no Chinese in code": chinese_in_code,
    "short cells": rules.long_cells,
    "a name means one thing": rebinding.rebound_names,
    "complete outputs": rules.incomplete_outputs,
    "as run_notebooks.py leaves it": rules.not_normal,
    "portable outputs": rules.not_portable,
    "page budget": rules.over_budget,
}
FOR_CHAPTERS = {
    "parts in order": rules.out_of_order,
    "exercises in their place": rules.misplaced_exercises,
    "checked cells": rules.vacuous_checks,
    "follow-ups are answered": rules.unanswered,
}


@pytest.mark.parametrize("rule", FOR_ALL)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, rule):
    nb.expect_none(FOR_ALL[rule](NOTEBOOKS[path]))


@pytest.mark.parametrize("rule", FOR_CHAPTERS)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter(path, rule):
    nb.expect_none(FOR_CHAPTERS[rule](CHAPTERS[path]))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_numbers_in_prose(path):
    nb.expect_none(unbacked_numbers(NOTEBOOKS[path], load_facts(path)))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_colab_link(path):
    nb.expect_none(rules.wrong_colab_link(NOTEBOOKS[path], path))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_half_the_cells_are_short(path):
    at_most = rules.LONGER_MEDIAN.get(path.stem, rules.MEDIAN_CELL)
    nb.expect_none(rules.long_body(CHAPTERS[path], at_most))


@pytest.mark.parametrize("name", rules.LONGER_MEDIAN)
def test_an_exception_is_still_needed(name):
    chapter = CHAPTERS[nb.CHAPTERS / f"{name}.ipynb"]
    assert rules.long_body(chapter), f"take {name} off LONGER_MEDIAN: it keeps the rule by now"


def test_setup_cells_are_identical():
    nb.expect_none(rules.differing_setups(CHAPTERS))


def without_printed_costs(text):
    """Return a page without the minutes and memory that scripts/print_times.py puts there."""
    return times.ROW.sub(r"\1\3", times.WHOLE.sub(r"\1\2\3", text))


def test_only_printed_costs_need_no_source():
    row = "| [05 五](chapters/05_thucnews.ipynb) | 准确率 0.7123 | 约一分半，2.8 GB |"
    kept = without_printed_costs(row + "\n全书约 10 分钟，最占内存的一章约 2.9 GB；又 3.7 GB")
    assert "0.7123" in kept and "3.7" in kept and "2.8" not in kept and "2.9" not in kept


@pytest.mark.parametrize("path", nb.page_paths(), ids=lambda path: path.stem)
def test_page(path):
    text = path.read_text(encoding="utf-8")
    if path == GLOSSARY_PAGE:
        text = without_banned_column(text)
    # What `make times` measured and prints is held by test_times.py.
    numbers = unbacked(without_printed_costs(text), BACKED_ANYWHERE, FACTS_OF_ALL)
    nb.expect_none(
        banned_terms(text, GLOSSARY)
        + [f"{emoji}: not one of the course's" for emoji in stray_emoji(text)]
        + [f"{number} stands in no stored output and not in facts.yml" for number in numbers]
    )


@pytest.mark.parametrize("path", sorted((nb.ROOT / "utils").rglob("*.py")), ids=lambda p: p.stem)
def test_words_of_the_package(path):
    nb.expect_none(banned_words(path.read_text(encoding="utf-8"), GLOSSARY))


def test_glossary_is_a_table_of_terms():
    rows = glossary_rows(GLOSSARY_PAGE.read_text(encoding="utf-8"))
    terms = [row[0] for row in rows]
    assert len(rows) >= 60 and len(terms) == len(set(terms))
    assert all(all(row) for row in rows), "an empty field; write — where no variant is banned"
    assert all(len(row[2]) >= 6 for row in rows)


def test_glossary_bans_what_the_style_bans():
    variants = {variant for _, variant, _ in GLOSSARY}
    assert {"令牌", "标记器", "密钥", "词符"} <= variants
    assert not variants & {row[0] for row in glossary_rows(GLOSSARY_PAGE.read_text("utf-8"))}


# From here on: each rule passes a good notebook and finds what is planted in it.


def code(source, name, text="", tags=(), **metadata):
    """Return a code cell with text on standard output; the counts are filled in later."""
    outputs = [new_output("stream", name="stdout", text=text)] if text else []
    if tags:
        metadata["tags"] = list(tags)
    return new_code_cell(source, id=name, outputs=outputs, metadata=metadata)


def good_chapter():
    """Return a small chapter that keeps every rule."""
    colab = (
        "https://colab.research.google.com/github/example/course/blob/main/chapters/99_good.ipynb"
    )
    picture = base64.b64encode(b"png").decode()
    cells = [
        new_markdown_cell(f"# 99 好的一章\n\n[在 Colab 中打开]({colab})", id="title"),
        new_markdown_cell("## 学完能做什么\n\n- 数字符", id="goals"),
        new_markdown_cell("运行约 70 秒，峰值内存约 1.2 GB。", id="cost"),
        code('from utils.profile import start\n\nstart("99_good")', "setup", "mini\n", ["setup"]),
        new_markdown_cell("## 99.1 数一数\n\n💡 先猜，再运行。", id="count"),
        *[code(f"print(7 * {i})", f"c{i}", f"{7 * i}\n", ["nbval-check-output"]) for i in range(5)],
        code("accuracy", "accuracy", "accuracy 0.875 of 1500\n"),
        code("# draw it\ndraw('体育')", "figure", mystnb={"image": {"alt": "各类的条数"}}),
        new_markdown_cell("2019 年的模型在 1,500 条上答对 87.5%。", id="result"),
        new_markdown_cell("## 练习\n\n一题。", id="exercises"),
        code("answer = ...", "ex-99-1-stub", tags=["exercise"]),
        new_markdown_cell("## 小结\n\n✅ 会数了。", id="summary"),
        new_markdown_cell("## 延伸阅读\n\n[论文](https://arxiv.org/abs/1810.04805)", id="more"),
    ]
    figure = {"image/png": picture, "text/plain": "<Figure size 640x480 with 1 Axes>"}
    cells[11].outputs = [new_output("display_data", data=figure)]
    for count, cell in enumerate((c for c in cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
    return normalise(new_notebook(cells=cells))


def plant(cell_id, **changes):
    """Return a function that changes a cell: its source, its output text, or its metadata."""

    def change(notebook):
        cell = next(cell for cell in notebook.cells if cell.id == cell_id)
        for what, value in changes.items():
            if what == "text":
                cell.outputs[0].text = value
            elif what == "html":
                cell.outputs = [new_output("display_data", data={"text/html": value})]
            elif what in ("outputs", "source", "execution_count"):
                cell[what] = value
            elif what == "id":
                cell.id = value
            else:
                cell.metadata[what] = value

    return change


def swap(first, second):
    """Return a function that swaps two cells."""

    def change(notebook):
        ids = [cell.id for cell in notebook.cells]
        i, j = ids.index(first), ids.index(second)
        notebook.cells[i], notebook.cells[j] = notebook.cells[j], notebook.cells[i]

    return change


def add(source):
    """Return a function that adds a sentence to the prose."""
    return plant("result", source=source)


STDERR = [new_output("stream", name="stderr", text="UserWarning: old")]
ERROR = [new_output("error", ename="ValueError", evalue="x", traceback=["ValueError: x"])]
WIDGET = [new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}})]
HEAVY = [new_output("stream", name="stdout", text="x" * 1_000_001)]
TWO_STREAMS = [new_output("stream", name="stdout", text=text) for text in "ab"]

PLANTED = [
    ("parts in order", plant("title", source="没有标题")),
    ("parts in order", plant("title", source="# 99 没有 Colab")),
    ("parts in order", plant("goals", source="## 目标")),
    ("parts in order", plant("cost", source="很快。")),
    ("parts in order", swap("cost", "count")),
    ("parts in order", swap("exercises", "summary")),
    ("parts in order", plant("summary", source="## 小结\n\n完了。")),
    ("parts in order", plant("more", source="完")),
    ("exercises in their place", plant("c3", tags=["exercise"])),
    ("checked cells", plant("c1", tags=[])),
    ("checked cells", plant("c1", text="")),
    ("checked cells", plant("c1", outputs=[])),
    ("checked cells", plant("c1", execution_count=None)),
    ("images have alt text", plant("figure", mystnb={})),
    ("images have alt text", add("![](figure.png)")),
    ("images have alt text", add("![图](https://example.org/figure.png)")),
    ("images have alt text", plant("accuracy", html="<img src='a.png'>")),
    ("images have alt text", plant("accuracy", html="<svg width='9'></svg>")),
    ("plain CommonMark", add("```{note}\n注意\n```")),
    ("plain CommonMark", add(":::{note}\n注意\n:::")),
    ("plain CommonMark", add("见 {doc}`index`。")),
    ("plain CommonMark", add("见注[^1]。")),
    ("plain CommonMark", add("- 一项\n\n  ```{note}\n  注意\n  ```")),
    ("plain CommonMark", add("(here)=\n## 节")),
    ("no blanks from line ends", add("第一句。\n第二句。")),
    ("no blanks from line ends", add("- 一项，\n  接着说")),
    ("guesses in their own paragraph", add("看这里。✏️ 先猜：几个？")),
    ("no stray emoji", add("开始 🚀")),
    ("no banned terms", add("一个令牌")),
    ("no banned terms", add("查询和密钥的点积")),
    ("no Chinese in code", plant("c1", source="x = 1  # 注释")),
    ("no Chinese in code", plant("c1", source="变量 = 1")),
    ("no Chinese in code", plant("c1", source="x = (")),
    ("short cells", plant("c1", source="x = 1\n" * 26)),
    ("complete outputs", plant("c1", execution_count=9)),
    ("complete outputs", plant("c1", outputs=STDERR)),
    ("complete outputs", plant("c1", outputs=ERROR)),
    ("complete outputs", plant("c1", tags=["raises-exception"])),
    ("as run_notebooks.py leaves it", plant("c1", id="c2")),
    ("as run_notebooks.py leaves it", plant("c1", id="Cell_1")),
    ("as run_notebooks.py leaves it", plant("c1", id="3fa85f64")),
    ("as run_notebooks.py leaves it", plant("c1", id="3fa85f64-5717-4562-b3fc-2c963f66afa6")),
    ("as run_notebooks.py leaves it", plant("c1", execution={"iopub.status.busy": "now"})),
    ("as run_notebooks.py leaves it", plant("c1", outputs=WIDGET)),
    ("as run_notebooks.py leaves it", plant("c1", outputs=TWO_STREAMS)),
    ("as run_notebooks.py leaves it", lambda notebook: notebook.metadata.update(widgets={})),
    ("as run_notebooks.py leaves it", lambda notebook: notebook.metadata.pop("language_info")),
    ("as run_notebooks.py leaves it", plant("c1", outputs=[nbformat.from_dict({"a": 1})])),
    ("portable outputs", plant("c1", text="saved in /home/reader/x\n")),
    ("portable outputs", plant("c1", text="<object at 0x7f3a5c>\n")),
    ("portable outputs", plant("c1", html="<script src='https://cdn.example.org/a.js'></script>")),
    ("page budget", plant("c1", outputs=HEAVY)),
    ("a name means one thing", plant("c1", source="def answer():\n    return 7")),
    ("follow-ups are answered", plant("result", source="写完后想一想。", id="ex-99-1-prompt")),
]
ALL_RULES = FOR_ALL | FOR_CHAPTERS


@pytest.mark.parametrize("rule", ALL_RULES)
def test_good_chapter_keeps(rule):
    assert ALL_RULES[rule](good_chapter()) == []


@pytest.mark.parametrize(("rule", "change"), PLANTED)
def test_planted_violation_is_found(rule, change):
    notebook = good_chapter()
    change(notebook)
    assert ALL_RULES[rule](notebook) != []


def test_every_rule_is_proven():
    assert {rule for rule, _ in PLANTED} == set(ALL_RULES)


@pytest.mark.parametrize(
    ("markdown", "left"),
    [
        ("一 `a`` b` ``c ` d`` 二", "一     二"),
        ("**87.5**%", "87.5%"),
        ("见[论文 (1810.04805)](https://a.b/c_(d) 'titled 99')。", "见  。"),
        ("见 <https://a.b/123> 和 https://a.b/456。", "见    和  。"),
        ("~~~\n```\n123\n```\n~~~\n后", "后"),
        ("- 一\n\n  ```text\n  123\n  ```\n", "一"),
        ("```{note}\n注意 `x` 与\n\n    code\n```", "注意   与"),
        ("<!-- 123 -->前<b title='9'>中</b>后", "前 中 后"),
        ("<div style='width: 9px'>\n宽\n</div>", "宽"),
        ("## 5.2 数据", "## 5.2 数据"),
        ("| 甲 | `乙` |\n|---|---|\n| 0.9 | ![图 7](a.png) |", "甲\n \n0.9"),
    ],
)
def test_prose_is_what_a_reader_reads(markdown, left):
    assert nb.prose(markdown).strip() == left


def test_what_looks_like_myst_in_code_is_none():
    markdown = "写 `{doc}` 或 ``:::{note}``：\n\n```markdown\n:::{note}\n[^1]\n```\n\n    (a)=\n"
    assert not_commonmark(markdown) == []


def test_chinese_may_stand_in_strings_titles_and_after_magics():
    lines = ["# @title 参考答案", "%matplotlib inline", "if True:", "    !pip install jieba"]
    cell = new_code_cell("\n".join([*lines, "print(f'{1}类')  # in English"]))
    assert chinese_in_code(new_notebook(cells=[cell])) == []


def test_a_class_may_be_long():
    a_class = new_code_cell("class A:\n" + " x = 1\n" * 30)
    assert rules.long_cells(new_notebook(cells=[a_class])) == []


def test_long_cells_of_the_story_are_found_behind_short_exercises():
    story = [new_code_cell("x = 1\n\n" * lines) for lines in (2, 7, 8)]
    stubs = [new_code_cell("x = ...", metadata={"tags": ["exercise"]}) for _ in range(9)]
    long = rules.long_body(new_notebook(cells=story + stubs))
    assert long == ["the story's code cells have 7 lines in the median; 6 at most"]
    assert rules.long_body(new_notebook(cells=story[:2] + stubs)) == []
    assert rules.long_body(new_notebook(cells=story), at_most=7) == []


def test_a_bracket_that_closes_a_broken_line_is_no_line_to_read():
    broken = "call(\n    [\n        x,\n    ],\n)\n"
    assert rules.lines_to_read(broken) == ["call(", "    [", "        x,"]
    assert rules.lines_to_read("x = 1\n\n)  # and more") == ["x = 1", "", ")  # and more"]


def test_every_violation_is_printed():
    lines = [f"cell-{number}: something" for number in range(50)]
    with pytest.raises(pytest.fail.Exception) as failure:
        nb.expect_none(lines)
    assert str(failure.value).splitlines() == ["50 to mend:", *lines]
    nb.expect_none([])


def test_setups_may_differ_in_the_number_only(tmp_path):
    first, second = good_chapter(), good_chapter()
    place = nb.setup_index(second)
    second.cells[place].source = first.cells[place].source.replace("99_good", "98_other")
    books = {tmp_path / "99_good.ipynb": first, tmp_path / "98_other.ipynb": second}
    assert rules.differing_setups(books) == []
    second.cells[place].source += "\nimport os"
    assert rules.differing_setups(books) == [
        "98_other.ipynb: setup cell differs from that of 99_good.ipynb"
    ]
    second.cells[place].metadata.clear()
    assert "no code cell" in rules.differing_setups(books)[0]


def test_colab_link_opens_this_notebook_as_text(tmp_path):
    notebook = good_chapter()
    assert rules.wrong_colab_link(notebook, tmp_path / "99_good.ipynb") == []
    assert rules.wrong_colab_link(notebook, tmp_path / "98_other.ipynb") != []
    notebook.cells[
        0
    ].source += "\n![Colab](https://colab.research.google.com/assets/colab-badge.svg)"
    assert rules.wrong_colab_link(notebook, tmp_path / "99_good.ipynb") != []


HEAD = "| 中文 | English | 一句话解释 | 不要写成 |\n|---|---|---|---|\n"


def test_a_banned_term_may_be_mentioned_as_code_or_in_its_other_sense():
    table = banned_variants(
        HEAD + "| 词元 | token | 单位 | 令牌（访问令牌除外）、词符 |\n| 甲 | a | 乙 | — |"
    )
    assert [variant for _, variant, _ in table] == ["令牌", "词符"]
    assert banned_terms("`令牌` 是误译；访问令牌不是。", table) == []
    assert banned_terms("每个令牌", table) == ["令牌: write 词元"]


def test_the_glossary_page_may_list_what_it_bans():
    row = "| 词元 | token | 单位 | 令牌 |\n"
    assert banned_terms(without_banned_column(row), [("词元", "令牌", [])]) == []
    row = "| 词元 | token | 令牌 | 词符 |\n"
    assert banned_terms(without_banned_column(row), [("词元", "令牌", [])]) != []


def shown(*cells):
    """Return a notebook of (source, output) pairs."""
    return new_notebook(
        cells=[
            new_code_cell(source, outputs=[new_output("stream", name="stdout", text=text)])
            for source, text in cells
        ]
    )


FACTS = [
    {"value": "109,482,240"},
    {"value": "110M"},
    {"value": "SQuAD 1.1"},
    {"value": "15%"},
    {"value": "5e-5"},
]


@pytest.mark.parametrize(
    ("sentence", "output"),
    [
        ("共 1,500 条", "rows 1500"),
        ("共 1500 条", "rows 1,500"),
        ("准确率 87.5%", "0.875"),
        ("准确率 87.5％", "accuracy: 87.5%"),
        ("准确率 0.875", "87.5%"),
        ("准确率 **87.5%**。", "| 0.8750 |"),
        ("提高了 12.5 个百分点", "0.125"),
        ("约 1.1 亿个参数", "nothing"),
        ("109,482,240 个参数", "nothing"),
        ("论文里的 110M", "nothing"),
        ("遮住 15% 的词元，学习率 5e-5", "nothing"),
        ("在 SQuAD 1.1 上", "nothing"),
        ("2019 年的论文（Devlin et al., 2019）", "nothing"),
        ("2005–2011 年的新闻", "nothing"),
        ("见[论文 1810.04805](https://arxiv.org/abs/1810.04805)", "nothing"),
        ("arXiv:1810.04805", "nothing"),
        ("写 `max_length=128`", "nothing"),
        ("```python\nx = 0.5\n```", "nothing"),
        ("### 5.2 数据\n\n见第 5.3 节和图 5.1", "nothing"),
        ("T5、F1、fp16、GPT-3.5、第 3 层、12 个头", "nothing"),
        ('<div style="width: 640px">宽</div>', "nothing"),
    ],
)
def test_backed_number(sentence, output):
    backed = backed_values([shown(("accuracy", output))])
    assert unbacked(sentence, backed, FACTS) == []


@pytest.mark.parametrize(
    ("sentence", "output", "number"),
    [
        ("准确率 88.5%", "0.875", "88.5%"),
        ("准确率 0.88", "0.875", "0.88"),
        ("准确率 88%", "row 88 of 100", "88%"),
        ("共 1,501 条", "1500", "1,501"),
        ("共 2,000 条", "nothing", "2,000"),
        ("共 2000 条", "nothing", "2000"),
        ("共 128 条", "28", "128"),
        ("学习率 3e-5", "nothing", "3e-5"),
        ("约 1.2 亿", "nothing", "1.2 亿"),
        ("| 方法 | 0.91 |", "0.9", "0.91"),
        ("在 SQuAD 2.0 上", "nothing", "2.0"),
    ],
)
def test_unbacked_number(sentence, output, number):
    backed = backed_values([shown(("accuracy", output))])
    assert unbacked(sentence, backed, FACTS) == [number]


@pytest.mark.parametrize(
    "source", ["print(0.875)", 'print("87.5%")', "x = 0.875\nx", "'准确率 87.50%'"]
)
def test_a_printed_literal_is_no_output(source):
    assert unbacked("准确率 87.5%", backed_values([shown((source, "0.875 87.5%"))]), []) == [
        "87.5%"
    ]
    assert (
        unbacked("准确率 87.5%", backed_values([shown((source, "0.875"), ("a", "0.875"))]), [])
        == []
    )


def test_tables_read_from_files_count_and_markup_does_not():
    html = '<style>td {width: 99.5%}</style><table width="777"><td>0.855</td></table>'
    data = {"text/html": html, "text/plain": "<Figure size 640x480 with 1 Axes>"}
    cell = new_code_cell("show()", outputs=[new_output("display_data", data=data)])
    backed = backed_values([new_notebook(cells=[cell])])
    assert unbacked("0.855、99.5%、777、640", backed, []) == ["99.5%", "777", "640"]


def test_the_line_on_costs_is_exempt_only_before_the_setup_cell():
    notebook = good_chapter()
    assert unbacked_numbers(notebook, []) == []
    add("运行约 70.5 秒。")(notebook)
    assert unbacked_numbers(notebook, []) == [
        "result: 70.5 stands in no stored output and not in facts.yml"
    ]


def test_a_fact_of_one_chapter_excuses_no_other(tmp_path):
    values = {str(fact["value"]) for fact in load_facts(tmp_path / "05_thucnews.ipynb")}
    assert "109,482,240" in values and "10%" not in values
    assert "10%" in {str(fact["value"]) for fact in load_facts(tmp_path / "03_mlm_and_nsp.ipynb")}
    assert re.search("10%", str(load_facts()))


def test_a_follow_up_needs_an_answer_that_is_folded():
    asks = new_markdown_cell("### 练习\n\n写完后想一想：为什么？", id="ex-99-1-prompt")
    solution = new_code_cell('print("先想：因为。")', id="ex-99-1-solution")
    assert rules.unanswered(new_notebook(cells=[asks]))
    assert rules.unanswered(new_notebook(cells=[asks, solution])) == []
    asks.source += "\n\n<details><summary>想好了再展开</summary>\n\n因为。\n\n</details>"
    assert rules.unanswered(new_notebook(cells=[asks])) == []


@pytest.mark.parametrize(
    "first, second, found",
    [
        # A result, then a function, a class, an import: the cell in between does not run again.
        ("model = BertModel()", "def model():\n    pass", "a function in c"),
        ("count = 3", "from utils import count", "a import in c"),
        ("def score(a):\n    pass", "def score(a, b):\n    pass", "defined in a, c"),
        # Taken by a cell as one thing, left by a later one as another.
        ("first = collate(rows)", "first, second = best, worst", "takes a result of collate()"),
        ("rows = [1]", "rows = {}", "takes a list, c makes it a dict"),
        ("mine = run(model)", "mine = BertModel.from_pretrained(x)", "result of from_pretrained()"),
        # A loop leaves its last value behind.
        ("row = rows[0]", "for row in rows:\n    print(row)", "a loop's variable in c"),
        ("for name in names:\n    print(name)", 'name = "x"', "a value in c"),
        # Harmless: the same kind again, names of functions and comprehensions, the same loop.
        ("batch = encode(a)", "batch = encode(b)", ""),
        ("row = rows[0]", "print([row for row in rows])", ""),
        ("row = rows[0]", "def show(row):\n    return row", ""),
        ("for row in rows:\n    print(row)", "for row in rows:\n    print(row)", ""),
    ],
)
def test_names_that_change_their_kind_are_found(first, second, found):
    name = re.match(r"(?:def |for )?(\w+)", first)[1]
    sources = {"a": first, "b": f"print({name})", "c": second}
    cells = [new_code_cell(source, id=cell_id) for cell_id, source in sources.items()]
    problems = rebinding.rebound_names(new_notebook(cells=cells))
    assert any(found in problem for problem in problems) if found else problems == []


def test_an_exercise_s_stub_and_solution_may_share_a_name():
    stub = new_code_cell("def f():\n    return ...", id="ex-99-1-stub")
    solution = new_code_cell("def f():\n    return 1", id="ex-99-1-solution")
    assert rebinding.rebound_names(new_notebook(cells=[stub, solution])) == []
    body = new_code_cell("def f():\n    return 2", id="story")
    assert rebinding.rebound_names(new_notebook(cells=[body, stub, solution]))
