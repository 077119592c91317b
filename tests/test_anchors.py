"""Addresses of sections, and links from mentions of chapters and sections."""

import re

import pytest
from built_site import headings, pages
from notebooks import expect_none
from website import anchors, crosslinks

TABLE = anchors.read_table()


def complaints(page: str, found: list[tuple[int, str]], table: dict) -> list[str]:
    """What the table says wrong or not at all about a page's headings."""
    wrong, taken = [], {}
    for level, heading in found:
        addresses = anchors.addresses_of(page, heading, level == 1, table)
        if not addresses:
            wrong.append(f"{page}: {heading!r} has no address in site_assets/anchors.yml")
        for address in addresses:
            if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", address):
                wrong.append(f"{page}: {address!r} is not English in small letters")
            if address in taken:
                wrong.append(f"{page}: {heading!r} and {taken[address]!r} share {address!r}")
            taken[address] = heading
    lost = anchors.unused_entries(page, [heading for _, heading in found], table)
    return wrong + [f"{page}: no heading {entry!r}; its address is lost" for entry in lost]


@pytest.mark.parametrize("page", pages())
def test_every_heading_has_one_address_and_none_is_lost(page):
    expect_none(complaints(page, headings(page), TABLE))


def test_the_table_names_no_page_that_is_gone():
    expect_none(sorted(set(TABLE) - {"everywhere", *pages()}))


def test_planted_faults_of_the_table_are_found():
    table = {"everywhere": {"小结": "summary"}, "p": {"甲": "one", "乙": ["one", "Two"], "丙": "c"}}
    found = complaints(
        "p", [(1, "第 1 章"), (2, "1.1 甲"), (2, "乙"), (2, "丁"), (2, "小结")], table
    )
    words = ["share 'one'", "'Two' is not English", "'丁' has no address", "no heading '丙'"]
    assert [word for word in words if not any(word in line for line in found)] == []
    assert len(found) == 4


@pytest.mark.parametrize(
    ("page", "heading", "is_title", "wanted"),
    [
        ("chapters/02_bert_architecture", "第 2 章 BERT", True, "bert-architecture"),
        ("chapters/02_bert_architecture", "先用三个词手算", False, "attention-by-hand"),
        ("chapters/02_bert_architecture", "2.3 注意力", False, "attention"),
        ("chapters/05_thucnews", "练习 05-4 读一张训练表，不写函数 ✏️", False, "exercise-05-4"),
        ("chapters/12_error_clinic", "病例 12 喂错了类型，还叫错了名字", False, "case-12"),
        ("chapters/05_thucnews", "小结", False, "summary"),
    ],
)
def test_addresses_follow_from_table_and_rules(page, heading, is_title, wanted):
    assert anchors.addresses_of(page, heading, is_title, TABLE) == [wanted]


SECTIONS = {
    "chapters/05_news": [(0, "第 5 章 新闻", "news"), (1, "5.3 基线", "baselines")],
    "chapters/09_more": [(0, "第 9 章（上）实体", "more"), (1, "9.1 标签", "labels")],
    "chapters/09_pairs": [(0, "第 9 章（下）句对", "pairs"), (1, "9.15 两段话", "two")],
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("见第 5 章。", {"第 5 章": ("chapters/05_news", "")}),
        ("见第5章。", {"第5章": ("chapters/05_news", "")}),
        ("见 5.3 节、第 9 章", {"5.3 节": ("chapters/05_news", "baselines"),
                               "第 9 章": ("chapters/09_more", "")}),
        ("第 9 章（上）", {"第 9 章（上）": ("chapters/09_more", "")}),
        ("第9章（下）和 9.15 节", {"第9章（下）": ("chapters/09_pairs", ""),
                                  "9.15 节": ("chapters/09_pairs", "two")}),
        ("论文第 5.3 节，第5.3节，15.3 节，5.3 节课，第 7 章", {}),
    ],
)  # fmt: skip
def test_mentions_are_cut_out_and_lead_where_they_say(text, wanted):
    pieces = crosslinks.cut(text, crosslinks.targets(SECTIONS))
    assert "".join(piece for piece, _ in pieces) == text
    assert {piece: target for piece, target in pieces if target} == wanted


def test_no_mention_is_linked_in_code_headings_links_or_among_papers():
    from docutils import nodes

    section = nodes.section(ids=["attention"])
    papers = nodes.section(ids=["further-reading"])
    for around in (nodes.title(), nodes.literal(), nodes.reference(), nodes.literal_block()):
        around += nodes.Text("第 5 章")
        section += around
    papers += nodes.paragraph("", "第 5 章")
    section += nodes.paragraph("", "第 5 章")
    texts = [*section.findall(nodes.Text), *papers.findall(nodes.Text)]
    assert [crosslinks.is_open(text) for text in texts] == [False] * 4 + [True, False]
