"""scripts/website: what the build adds to pages, and what it takes away."""

import struct

import pytest
from book import cards
from notebooks import expect_none
from website import finishing, heads, labels, styles, tables


def trimmed(css: str, *words: str) -> str:
    return styles.write(styles.trim(styles.parse(css), set(words)))


# Cards


def test_cards_are_small_and_say_what_their_pages_are_called():
    titles = {page.split("/")[-1]: cards.title_of(page) for page in cards.pages()}
    drawn = {path.stem: path.read_bytes() for path in cards.CARDS.glob("*.png")}
    assert set(cards.LINES) == set(drawn)  # run scripts/social_cards.py
    expect_none(f"{name}: no such page" for name in set(drawn) - set(titles))
    expect_none(
        f"{name}: {len(data)} bytes, {heads.CARD_SIZE}"
        for name, data in drawn.items()
        if len(data) > 40_000 or struct.unpack(">II", data[16:24]) != heads.CARD_SIZE
    )
    expect_none(
        f"{name}.png is not called {titles[name]!r}; run scripts/social_cards.py"
        for name, data in drawn.items()
        if titles[name].encode() not in data
    )


def test_a_page_without_a_card_has_the_books(tmp_path):
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards/05_thucnews.png").touch()
    assert heads.card_of("chapters/05_thucnews", tmp_path) == "_static/cards/05_thucnews.png"
    assert heads.card_of("index", tmp_path) == heads.CARD


# One style sheet


@pytest.mark.parametrize(
    ("css", "words", "wanted"),
    [
        ("a{b:c}", [], "a{b:c}"),
        (".here{b:c} .gone{b:c}", ["here"], ".here{b:c}"),
        (".here, .gone p{b:c}", ["here"], ".here{b:c}"),
        (".here.gone{b:c}", ["here"], ""),
        ("#gone a{b:c}", [], ""),
        # What stands in :not(), :is() and their like asks for nothing by itself.
        ("p:not(.gone:is(.x)) a{b:c}", [], "p:not(.gone:is(.x)) a{b:c}"),
        (":is(.gone, .here) b{b:c}", ["here"], ":is(.gone, .here) b{b:c}"),
        ('[class*=".gone"]{b:c}', [], '[class*=".gone"]{b:c}'),
        (".a\\:b{c:d}", ["a:b"], ".a\\:b{c:d}"),
        ("@media print{.gone{b:c}}", [], ""),
        ("@media print{.here{b:c}.gone{b:c}}", ["here"], "@media print{.here{b:c}}"),
        ("@font-face{src:url(a;b.woff)}", [], "@font-face{src:url(a;b.woff)}"),
        ('.here{content:"}"} .gone{b:c}', ["here"], '.here{content:"}"}'),
        ("/* .here{ */ .here{b:c}", ["here"], ".here{b:c}"),
        ('.here{font:var(--fa-font-solid);content:"\\f105"}', ["here"], ""),
    ],
)
def test_rules_stay_if_their_names_occur(css, words, wanted):
    assert trimmed(css, *words) == wanted


def test_an_open_brace_is_reported():
    with pytest.raises(ValueError, match="never closed"):
        styles.parse(".a{b:c")


def test_names_come_from_pages_and_scripts():
    assert styles.used_names('<p class="a b" id=\'c\'>class="d"</p>') == {"a", "b", "c", "d"}
    assert {"copybtn", "o-tooltip--left"} <= styles.script_words('x="copybtn o-tooltip--left"')


def test_paper_takes_the_light_theme():
    css = 'html[data-theme="dark"] a{c:white} html[data-theme=light] a{c:black}'
    sheet = styles.one_sheet([css], set())
    assert '@media screen{html[data-theme="dark"] a{c:white}}' in sheet
    assert "html[data-theme=light] a{c:black}\n@media print{html[data-theme] a{c:black}}" in sheet


def test_motion_that_nothing_uses_is_dropped():
    css = "@keyframes turn{to{a:b}} @keyframes fade{to{a:b}} p{animation:1s fade}"
    sheet = styles.one_sheet([css], set())
    assert "fade{" in sheet and "turn" not in sheet


# Heads


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://github.com/Owner/Book", "https://owner.github.io/Book/"),
        ("https://github.com/owner/owner.github.io", "https://owner.github.io/"),
        ("https://example.org/owner/book", ""),
    ],
)
def test_the_address_follows_from_the_repository(repository, address):
    assert heads.site_address(repository) == address


def test_descriptions_end_with_a_sentence():
    assert heads.shorten("一句话。另一句\n话。", 9) == "一句话。另一句话。"
    assert heads.shorten("一句话。另一句很长的话。", 8) == "一句话。"
    assert heads.shorten("没有句号的一长串字，没有尽头", 10) == "没有句号的一长串字…"


def test_the_page_for_wrong_addresses_works_in_any_folder():
    icon = '<svg xmlns="http://www.w3.org/2000/svg">\n  <g fill="#fff"/>\n</svg>\n'
    page = heads.not_found("https://owner.github.io/book/", "书", {"chapters/a": "A & B"}, icon)
    assert 'href="/book/chapters/a.html">A &amp; B<' in page
    assert 'action="/book/search.html"' in page
    # It fetches nothing, so nothing can be missing, whatever folder it is shown for.
    assert "_static" not in page and "%3Cg fill=%22%23fff%22/%3E" in page
    assert 'href="/a.html"' in heads.not_found("", "书", {"a": "A"})


def test_the_sitemap_names_the_front_page_by_its_folder():
    text = heads.sitemap("https://a.b/", ["index", "chapters/x"])
    assert "<loc>https://a.b/</loc>" in text and "<loc>https://a.b/chapters/x.html</loc>" in text


# Labels


def test_labels_are_changed_and_the_text_is_not():
    html = (
        '<button title="Toggle primary sidebar"></button><p>Main, Repository</p>'
        '<span class="btn__text-container">Repository</span><p>© Copyright 2026.</p>'
    )
    assert labels.in_chinese(html) == (
        '<button title="全书目录"></button><p>Main, Repository</p>'
        '<span class="btn__text-container">源码仓库</span><p>© 2026</p>'
    )


# Pages

HEAD = """<html><head>
<link href="../_static/styles/theme.css?digest=1" rel="stylesheet" />
<link rel="stylesheet" type="text/css" href="../_static/course.css?v=1" />
<link rel="preload" as="script" href="../_static/scripts/bootstrap.js" />
<script defer src="../_static/scripts/fontawesome.js"></script>
<script src="../_static/documentation_options.js?v=1"></script>
<script src="../_static/doctools.js"></script>
<script>window.MathJax = {}</script>
<script defer="defer" src="../_static/mathjax/tex-chtml.js"></script>
<script src="../searchindex.js"></script>
</head><body>"""


def test_scripts_are_those_that_the_page_needs():
    plain = finishing.light_scripts(HEAD, "const A = 1;")
    assert "<script>const A = 1;</script>" in plain
    assert '<script defer src="../_static/doctools.js">' in plain
    for gone in ("fontawesome", "bootstrap", "MathJax", "mathjax", "searchindex"):
        assert gone not in plain
    formula = finishing.light_scripts(HEAD + '<span class="math notranslate">x</span>', "")
    assert "mathjax/tex-chtml.js" in formula and "window.MathJax" in formula


def test_a_finished_page_is_finished_already(tmp_path):
    def finished(html):
        return finishing.with_one_sheet(finishing.prepared(html, tmp_path, "const A = 1;"), "v1")

    once = finished(HEAD)
    assert once.count('rel="stylesheet"') == 1 and "../_static/site.css?v=v1" in once
    assert finished(once) == once


def test_rules_for_what_finishing_adds_are_kept(tmp_path):
    """The classes that finishing gives stand in no page before it."""
    static = tmp_path / "_static"
    static.mkdir()
    (static / "documentation_options.js").write_text("const A = 1;", "utf-8")
    (static / "a.css").write_text(".wraps{a:b} .gone{a:b} .late{a:b}", "utf-8")
    (static / "later.js").write_text('import("x"); y.className = "late"', "utf-8")
    page = (
        '<link rel="stylesheet" href="_static/a.css" /><div id="pst-primary-sidebar"></div>'
        '<div class="output stream x"><div><pre>one sentence</pre></div></div>'
    )
    (tmp_path / "index.html").write_text(page, "utf-8")
    finishing.finish_site(tmp_path)
    sheet = (static / "site.css").read_text("utf-8")
    assert ".wraps{" in sheet and ".late{" in sheet and ".gone" not in sheet
    before = (tmp_path / "index.html").read_text("utf-8")
    finishing.finish_site(tmp_path)
    assert (tmp_path / "index.html").read_text("utf-8") == before


def test_prose_wraps_and_columns_scroll():
    box = '<div class="output stream x"><div><pre>{}</pre></div></div>'
    assert "x wraps" in finishing.wrapped_outputs(box.format("{'a': 1} and a sentence\nmore"))
    columns = finishing.wrapped_outputs(box.format("name   score\n句子   0.9"))
    assert "wraps" not in columns and 'x in-columns" style="--columns: 12"' in columns
    assert finishing.wrapped_outputs(columns) == columns
    row = "name   " + "句" * finishing.MOST_COLUMNS
    wide = finishing.wrapped_outputs(box.format(f"{row}\n{row}"))
    assert "in-columns too-wide" in wide
    row = "name   " + "a" * (finishing.MANY_COLUMNS - len("name   "))
    assert 'x in-columns"' in finishing.wrapped_outputs(box.format(f"{row}\n{row}"))
    assert 'x in-columns wide"' in finishing.wrapped_outputs(box.format(f"{row}a\n{row}a"))


def test_lines_are_columns_where_pieces_stand_below_each_other():
    assert finishing.is_aligned("体育   0.5\na      0.7")
    assert finishing.is_aligned("      12  config.json\nb  1,234  model")
    assert not finishing.is_aligned("体育 0.5  财经 0.25\n前两个合计 0.75，其余两类  0.25")
    assert not finishing.is_aligned("one line   with a gap")


def table_of(*rows: list[str]) -> str:
    head = "".join(f"<th>{cell}</th>" for cell in rows[0])
    cells = [[f"<th>{row[0]}</th>", *(f"<td>{cell}</td>" for cell in row[1:])] for row in rows[1:]]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def test_a_table_of_figures_says_how_narrow_it_can_be():
    page = tables.for_phones(table_of(["", "titles/1000"], ["BERT 加头", "0.853±0.007"]))
    # titles/ or ±0.007 in Latin letters, a Chinese name in three characters, two gaps.
    assert '<table class="fits" style="--letters: 8.6">' in page
    assert "titles/<wbr/>1000" in page and "0.853<wbr/>±0.007" in page
    assert tables.for_phones(page) == page


def test_rows_without_room_become_cards_that_name_their_values():
    heads = ["row", *(f"measure_{letter}" for letter in "abcdefghij")]
    page = tables.for_phones(table_of(heads, ["lcqmc/bi-encoder", "0.5 ± 0.1", *[""] * 9]))
    assert '<table class="stacks" role="table">' in page
    assert '<td data-label="measure_a" role="cell">0.5 ±\u00a00.1</td>' in page
    assert '<td class="nothing" data-label="measure_b" role="cell"></td>' in page
    assert '<th role="rowheader">lcqmc/<wbr/>bi-encoder</th>' in page
    assert page.count('role="row"') == 2 and page.count('role="columnheader"') == 11
    assert tables.for_phones(page) == page
    prose = [
        ["中文", "English", "解释"],
        ["词", "a representation", "一句很长的话，" * 4 + "unbroken"],
    ]
    assert "stacks" not in tables.for_phones(table_of(*prose))
    prose[1][0] = "a-half unbreakable"
    assert "stacks" in tables.for_phones(table_of(*prose))


def test_tables_with_a_look_of_their_own_stay():
    joined = table_of(["a", "b"], ["c", "d"]).replace("<td>", '<td colspan="1">')
    styled = table_of(["a", "b"], ["c", "d"]).replace("<table>", '<table style="color:red">')
    headless = "<table><tr><td>a</td></tr></table>"
    assert tables.for_phones(joined + styled + headless) == joined + styled + headless


def test_pictures_say_how_large_they_are(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(8) + struct.pack(">II", 30, 20))
    page = finishing.with_sizes('<img alt="A" src="a.png"><img src="b.png">', tmp_path)
    assert page == '<img width="30" height="20" alt="A" src="a.png"><img src="b.png">'


def test_names_for_screen_readers():
    page = finishing.accessible(
        '<summary aria-label="Toggle hidden content">答案</summary>'
        '<i class="fa-solid fa-list"></i><td>0.1 ± 0.2</td><td>一句比十六个字符还要长的话，会换行</td>'
    )
    assert page == (
        '<summary>答案</summary><i class="fa-solid fa-list" aria-hidden="true"></i>'
        '<td class="short">0.1 ± 0.2</td><td>一句比十六个字符还要长的话，会换行</td>'
    )
    assert finishing.accessible(page) == page


def test_an_imported_sheet_stands_in_place_of_its_import(tmp_path):
    (tmp_path / "a.css").write_text('@import "b.css";\n.a{b:c}', "utf-8")
    (tmp_path / "b.css").write_text(".b{b:c}", "utf-8")
    assert finishing.read_sheet(tmp_path / "a.css") == ".b{b:c}\n.a{b:c}"
