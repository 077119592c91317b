"""utils.model_figures: boxes and arrows that read in both themes and on a phone."""

from xml.etree import ElementTree

import pytest

from utils import model_figures

SVG = "{http://www.w3.org/2000/svg}"
FIGURES = {
    model_figures.model_figure: ["嵌入：三张表，查出来相加", "MLM 头：填空", "BertPooler，2.6 节"],
    model_figures.query_key_value_figure: ["查询 Q", "键 K", "值 V", "遮住填充，再 softmax"],
    model_figures.block_figure: ["多头自注意力", "层归一化", "残差", "第二个子层"],
}


@pytest.fixture(params=FIGURES, ids=lambda draw: draw.__name__)
def drawn(request):
    return ElementTree.fromstring(request.param().data), FIGURES[request.param]


def numbers(element, *names):
    return [float(element.get(name)) for name in names]


def test_it_says_in_words_what_it_shows(drawn):
    root, words = drawn
    assert root.get("role") == "img" and len(root.get("aria-label")) > 30
    assert set(words) <= {text.text for text in root.iter(f"{SVG}text")}


def test_its_ink_is_the_page_s_and_its_letters_are_large_enough(drawn):
    root, _ = drawn
    width = float(root.get("viewBox").split()[2])
    for text in root.iter(f"{SVG}text"):
        assert "fill: currentColor" in text.get("style")
        size = float(text.get("style").split("font: ")[1].split("px")[0])
        assert size * 320 / width >= 9.5, text.text  # a phone's page is 320 pixels wide
    lines = [e for kind in ("rect", "polyline", "circle") for e in root.iter(f"{SVG}{kind}")]
    assert lines and all(line.get("stroke") == "currentColor" for line in lines)


def test_words_stay_in_their_boxes_and_everything_in_the_picture(drawn):
    root, _ = drawn
    _, _, width, height = map(float, root.get("viewBox").split())
    boxes = [numbers(box, "x", "y", "width", "height") for box in root.iter(f"{SVG}rect")]
    assert all(0 <= x and x + w <= width and 0 <= y and y + h <= height for x, y, w, h in boxes)
    for text in root.iter(f"{SVG}text"):
        x, y = numbers(text, "x", "y")
        size = float(text.get("style").split("font: ")[1].split("px")[0])
        half = sum(size if ord(c) > 0x2E7F else 0.6 * size for c in text.text) / 2
        assert 0 <= x - half and x + half <= width and size <= y <= height, text.text
        around = [
            box for box in boxes if box[0] < x < box[0] + box[2] and box[1] < y < sum(box[1::2])
        ]
        assert all(half <= box[2] / 2 for box in around), text.text


def test_boxes_do_not_overlap(drawn):
    root, _ = drawn
    boxes = [numbers(box, "x", "y", "width", "height") for box in root.iter(f"{SVG}rect")]
    for i, (x, y, w, h) in enumerate(boxes):
        for x2, y2, w2, h2 in boxes[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
