"""Search: the right section among the first three, in pieces, by keyboard and on a phone."""

import json
import re
from urllib.parse import unquote

import pytest
import yaml
from built_site import headings, pages
from error_messages import COMMON
from notebooks import ROOT, expect_none
from website import anchors, indexing, words

QUERIES = yaml.safe_load((ROOT / "tests/search_queries.yml").read_text("utf-8"))
FETCHED_LIMIT = 400_000  # bytes before compression (a third of it after), for a long first search
FIND = "async (queries) => Promise.all(queries.map((query) => courseSearch.search(query, 5)))"
in_browser = pytest.mark.slow


def found(page, queries: list[str]) -> list[list[str]]:
    """For each query the sections found, as page#address, best first."""
    page.wait_for_function("window.courseSearch")
    rows = page.evaluate(FIND, queries)
    name = "{uri}#{address}"
    return [
        [name.format(**each).split("/")[-1].replace(".html", "") for each in row] for row in rows
    ]


def answers(section: str, wanted: list[str]) -> bool:
    page, _, place = section.partition("#")
    return any(
        page.startswith(each.split("#")[0]) and place == each.split("#")[1] for each in wanted
    )


@in_browser
@pytest.mark.parametrize("part", ["tuned", "held"])
def test_nine_of_ten_queries_of_each_kind_find_their_section_among_three(open_page, part):
    page = open_page("search.html?q=BERT")
    short = []
    for kind, parts in QUERIES.items():
        # A field of one line takes what is pasted with blanks for its line breaks.
        queries = {str(query).replace("\n", " "): wanted for query, wanted in parts[part].items()}
        assert len(queries) >= 9, kind
        rows = found(page, list(queries))
        lost = [
            f"{query!r} → {row[:3]}"
            for (query, wanted), row in zip(queries.items(), rows, strict=True)
            if not any(answers(section, wanted) for section in row[:3])
        ]
        if 10 * len(lost) > len(queries):
            short.append(f"{kind}: {len(lost)} of {len(queries)} lost: {'; '.join(lost)}")
    expect_none(short)


def test_what_readers_ask_leads_to_sections_that_exist():
    asked = yaml.safe_load(indexing.ASKED.read_text("utf-8"))
    table = anchors.read_table()
    known = {
        page: {
            place
            for level, heading in headings(page)
            for place in anchors.addresses_of(page, heading, level == 1, table)
        }
        for page in pages()
    }
    expect_none(
        f"site_assets/search_asked.yml: {page} has no section {place}"
        for page, sections in asked.items()
        for place in sections
        if place not in known.get(page, ())
    )


def test_a_term_of_the_glossary_counts_where_it_is_explained():
    sections = [
        {"page": "chapters/02", "address": "scaling", "blocks": []},
        {"page": "chapters/02", "address": "input", "blocks": []},
    ]
    terms = [("缩放点积注意力", "scaled dot-product attention", "chapters/02", "scaling")]
    indexing.add_notes(sections, terms, {"chapters/02": {"input": "输入是什么"}})
    assert indexing.notes(sections[0]) == ["缩放点积注意力"]
    assert indexing.notes(sections[1]) == ["输入是什么"]


@in_browser
def test_the_cure_of_an_error_that_is_pasted_is_among_three(open_page):
    rows = found(open_page("search.html?q=BERT"), list(COMMON))
    expect_none(
        f"{message!r} → {row[:3]}"
        for message, row in zip(COMMON, rows, strict=True)
        if not any(re.match("12_error_clinic|faq|04_hugging", section) for section in row[:3])
    )


@in_browser
def test_queries_have_sections_that_exist(site):
    text = (site / "search" / "sections.js").read_text("utf-8")
    content = json.loads(text[text.index(",") + 1 : text.rindex(")")])
    there = [
        content["pages"][row[0]][0].split("/")[-1].replace(".html", "") + "#" + row[1]
        for row in content["sections"]
    ]
    wanted = {
        each
        for parts in QUERIES.values()
        for part in parts.values()
        for sections in part.values()
        for each in sections
    }
    expect_none(
        each for each in sorted(wanted) if not any(answers(section, [each]) for section in there)
    )


@in_browser
def test_every_section_has_its_english_address(site):
    found = []
    for path in [site / "index.html", *(site / "chapters").glob("*.html")]:
        html = path.read_text("utf-8")
        places = re.findall(r'<section\b[^>]*\bid="([^"]*)"', html)
        every = re.findall(r'\bid="([^"]*)"', html)
        found += [f"{path.name}: {each}" for each in places if re.fullmatch(r"id\d+", each)]
        found += [f"{path.name}: {each} stands twice" for each in places if every.count(each) > 1]
    expect_none(found)


@in_browser
def test_the_browser_cuts_texts_as_the_index_does(open_page):
    texts = [
        '用 AutoModel.from_pretrained("bert-base-chinese") 装载，[MASK] 占 15%',
        'TrainingArguments(eval_strategy="epoch")、t5-small、1e-5、80/10/10、__init__',
        "ECE、TF-IDF、GPT-2、ELMo 与 F1",
        "預訓練語言模型；ＢＥＲＴ，①②，café，α=0.5，<extra_id_0>、</s>、##ing，a < b > c",
    ]
    page = open_page("search.html?q=BERT")
    found(page, ["词"])
    characters = page.evaluate("async () => [...(await courseSearch.open()).simplified]")
    for text in texts:
        here = page.evaluate("(text) => courseSearch.words(courseSearch.folded(text))", text)
        assert here == list(words.words(words.folded(text, dict(characters))))


@in_browser
def test_nothing_is_fetched_before_a_search_and_little_for_one(open_page):
    page = open_page("chapters/05_thucnews.html")
    sizes = (
        "performance.getEntriesByType('resource').filter((each) =>"
        " /\\/search\\/|search_engine/.test(each.name)).map((each) => each.decodedBodySize)"
    )
    assert page.evaluate(sizes) == []
    page.keyboard.press("/")
    page.keyboard.type("梯度累积 gradient_accumulation_steps")
    page.wait_for_selector("#find-in-dialog .find-hit")
    assert 0 < sum(page.evaluate(sizes)) < FETCHED_LIMIT


@in_browser
@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_search_by_keyboard_lands_on_the_marked_words(open_page, key):
    page = open_page("chapters/05_thucnews.html", 390)
    page.keyboard.press(key)
    page.keyboard.type("各向异性")
    page.wait_for_selector("#find-in-dialog .find-hit")
    page.keyboard.press("ArrowDown")
    assert page.locator("#find-in-dialog [aria-selected=true]").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_selector("mark.find-mark", state="attached")
    assert page.url.endswith("#anisotropy") and "find=" not in page.url
    assert {text.lower() for text in page.locator("mark.find-mark").all_inner_texts()} == {
        "各向异性"
    }
    page.keyboard.press("Escape")
    assert page.locator("mark.find-mark").count() == 0


@in_browser
def test_escape_closes_the_dialog_and_slash_is_typed_in_fields(open_page):
    page = open_page("chapters/05_thucnews.html")
    page.keyboard.press("/")
    page.keyboard.type("80/10/10")
    assert page.locator("#pst-search-dialog input").input_value() == "80/10/10"
    page.keyboard.press("Escape")
    assert page.evaluate("document.querySelector('#pst-search-dialog').open") is False
    # Escape emptied the field: nothing is chosen any more, and Enter opens nothing.
    page.keyboard.press("/")
    page.keyboard.type("各向异性")
    page.wait_for_selector("#find-in-dialog .find-hit")
    page.keyboard.press("ArrowDown")
    page.locator("#pst-search-dialog input").fill("")
    page.wait_for_selector("#find-in-dialog .find-hit", state="detached")
    page.keyboard.press("ArrowDown")
    assert page.locator("#find-in-dialog [aria-selected=true]").count() == 0


@in_browser
@pytest.mark.parametrize("width", [390, 1440])
def test_escape_gives_the_focus_back_to_the_button(open_page, width):
    page = open_page("chapters/05_thucnews.html", width)
    button = page.locator(".search-button__button:visible").first
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("注意力")
    page.wait_for_selector("#find-in-dialog .find-hit")
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('#pst-search-dialog').open")
    assert page.evaluate("document.activeElement.className").count("search-button__button") == 1


@in_browser
@pytest.mark.parametrize("width", [360, 1440])
def test_the_search_page_takes_q_and_does_not_overflow(open_page, width):
    page = open_page("search.html?q=DataCollatorForLanguageModeling", width)
    page.wait_for_selector("#search-results .find-hit")
    inside, outside = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert inside <= outside
    link = page.locator("#search-results .find-hit").first.get_attribute("href")
    assert "DataCollatorForLanguageModeling".lower() in unquote(link)


@in_browser
def test_what_is_typed_is_never_html(open_page):
    page = open_page("search.html?q=<img src=x onerror=document.title=1> BERT")
    page.wait_for_selector("#search-results .find-hit")
    assert page.locator("#search-results img").count() == 0
    page.goto(
        page.url.split("search.html")[0]
        + "chapters/faq.html?find=%3Cb%3Ex%3C%2Fb%3E%0ABERT#why-key"
    )
    assert page.title() != "1"


@in_browser
def test_the_search_page_says_what_to_do_without_scripts(browser, address):
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{address}/search.html?q=BERT")
    shown = page.inner_text(".bd-search-container")
    page.close()
    assert "JavaScript" in shown and "术语表" in shown


def test_formulas_are_read_as_text():
    plain = indexing.formula(r"\exp\left(-\frac{1}{n}\sum_i \ln P(x_i \mid x_{<i})\right)")
    assert plain == "exp(-1/n∑_i ln P(x_i | x_ <i ))"


def test_names_and_chinese_are_cut_into_what_they_are_found_by():
    assert list(words.words("注意力")) == ["注", "意", "力", "注意", "意力"]
    assert list(words.words("[CLS]")) == ["[cls]", "cls"]
    assert list(words.words("AutoModel")) == ["automodel", "auto", "model"]
    assert list(words.words("ECE")) == ["ece", "ECE"]
    assert list(words.words("</s>")) == ["</s>", "s"]
    assert list(words.words("##ing")) == ["##", "ing"]
    assert set(words.words("<extra_id_0>")) >= {"<extra_id_0>", "extra_id_0", "extra"}
    assert list(words.words("eval_strategy=")) == ["eval_strategy", "eval", "strategy"]
    assert words.folded("預ＡＢ", {"預": "预"}) == "预AB"


def test_words_of_taiwan_lead_to_the_words_of_the_book():
    book = "缓存、采样，前缀和文件；文件夹里的字符串" + "文件" * 5 + "文档"
    found = indexing.words_of_taiwan(book)
    assert found["快取"] == "缓存" and found["取样"] == "采样" and found["字首"] == "前缀"
    # A word that the book has too, and means something else by, stays what it is.
    assert "文件" not in found
    # What the book does not have needs no other name.
    assert "计程车" not in found


def test_a_word_of_taiwan_is_read_though_the_book_lacks_its_characters():
    section = {
        "page": "chapters/08", "uri": "chapters/08.html", "title": "第 8 章", "address": "kv",
        "heading": "缓存", "above": [], "blocks": [("prose", "缓存里是键和值", False)],
    }  # fmt: skip
    content = indexing.files([section], {"资讯": "信息"})["sections"]
    assert dict(content["terms"]) == {"快取": "缓存", "资讯": "信息"}
    assert "訊" in content["traditional"][0]
