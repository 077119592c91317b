"""utils.entity_figures: names marked in a text."""

import re
from html.parser import HTMLParser

import pytest

from utils.entity_figures import entities_figure

TEXT = "小李在<北京>大学\n读《归 途》"
GOLD = [(0, 2, "PER"), (4, 6, "LOC"), (12, 15, "WORK")]
SAID = [(0, 2, "PER"), (4, 9, "LOC"), (12, 15, "WORK")]


class Reader(HTMLParser):
    """The words on the page, the labels, and which tags were closed."""

    def __init__(self, page):
        super().__init__()
        self.words, self.label, self.open, self.styles = [], None, [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.open.append(tag)
        self.label = self.label or attributes.get("aria-label")
        self.styles.append(attributes.get("style", ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read(figure):
    reader = Reader(figure.data)
    assert reader.open == []
    return reader


def test_the_text_is_whole_with_its_types_beside_the_names():
    reader = read(entities_figure(TEXT, GOLD))
    words = [word for word in reader.words if word not in ("PER", "LOC", "WORK")]
    assert "".join(words[:-1]) == TEXT
    assert "".join(reader.words).startswith("小李PER在<北京LOC>大学")
    assert reader.words[-1] == "3 个实体：小李 PER、北京 LOC、归 途 WORK。"
    assert reader.label == f"实体标注：{TEXT} {reader.words[-1]}"
    assert "<北京" not in re.sub(r'aria-label="[^"]*"', "", entities_figure(TEXT, GOLD).data)


def test_gold_beside_what_was_found():
    figure = entities_figure(TEXT, SAID, GOLD)
    reader = read(figure)
    story = "对 2 个，错 1 个（虚线框：北京>大学 LOC），漏 1 个（虚线框：北京 LOC）。"
    assert reader.words[-1] == story
    assert reader.label.endswith(story)
    lines = [sum(kind in style for style in reader.styles) for kind in ("solid", "dashed")]
    assert lines == [4, 2]
    assert reader.words.index("预测") < reader.words.index("标准")
    assert read(entities_figure(TEXT, GOLD, GOLD)).words[-1] == "对 3 个，错 0 个，漏 0 个。"


def test_no_entities():
    assert read(entities_figure("他来了。", [])).words == ["他来了。", "没有实体。"]
    assert read(entities_figure("他", [], [])).words[-1] == "对 0 个，错 0 个，漏 0 个。"


def test_types_are_escaped_and_of_any_name():
    reader = read(entities_figure("甲乙", [(0, 1, "<b>"), (1, 2, "PER.NAM")]))
    assert "<b>" in reader.words and "PER.NAM" in reader.words


def test_text_takes_the_page_s_colour():
    page = entities_figure(TEXT, SAID, GOLD).data
    assert not re.search(r"(?<![-\w])color:|currentcolor|white\b(?!-)|black", page)
    assert "white-space:pre-wrap" in page and "overflow-wrap:anywhere" in page


@pytest.mark.parametrize(
    ("spans", "message"),
    [([(0, 99, "PER")], "not within the text"), ([(0, 2, "PER"), (1, 3, "LOC")], "overlap")],
)
def test_what_cannot_be_drawn_is_refused(spans, message):
    with pytest.raises(ValueError, match=message):
        entities_figure(TEXT, spans)
    with pytest.raises(ValueError, match=message):
        entities_figure(TEXT, [], gold=spans)
