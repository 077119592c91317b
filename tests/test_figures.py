"""utils.figures: inline SVG that the reader's browser can draw, read out, and colour."""

import hashlib
import os
import re
import subprocess
import sys
import warnings
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from notebooks import ROOT

from utils import figures

SVG = "{http://www.w3.org/2000/svg}"
ALT = '各类条数："体育" <最多> & 「财经」最少'


def draw_all():
    """One figure of each kind, as {name: svg text}."""
    names = ["体育", "财经", "a < b & c"]
    counts = np.array([[30, 1, 0], [2, 28, 0], [0, 4, 6]])
    lines = {"训练": [2.3, 1.1, 0.4], "validation": [2.2, 1.3, 1.2]}
    scores = {"从零": ([50, 900], [0.2, 0.6], [0.1, 0.02]), "TF-IDF": ([50], [0.5], [0.03])}
    drawn = {
        "bars": figures.bars(names, [90, 20.5, 7], "条数", ALT, digits=1),
        "histogram": figures.histogram(range(50), "tokens", "条", 40, "截断", ALT),
        "curves": figures.curves(lines, [1, 2, 3], "epoch", "loss", ALT),
        "confusion": figures.confusion(counts, names, ALT),
        "scores_by_size": figures.scores_by_size(scores, "labels", "accuracy", ALT),
        "visibility": figures.visibility([["●", ""], ["●", "→"]], ["甲", "<"], ["春", "天"], ALT),
    }
    return {name: figure.data for name, figure in drawn.items()}


@pytest.fixture(scope="module")
def drawings():
    return draw_all()


KINDS = ["bars", "histogram", "curves", "confusion", "scores_by_size", "visibility"]


@pytest.fixture(params=KINDS)
def svg(request, drawings):
    return drawings[request.param]


def texts(svg):
    return [
        "".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")
    ]


def test_it_is_well_formed_svg_that_says_what_it_shows(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == ALT
    assert '"体育"' not in svg.split(">")[0]  # escaped, or the attribute would end here


def test_it_fits_the_width_of_the_page(svg):
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox") and not root.get("width") and not root.get("height")
    assert re.fullmatch(r"width:100%;max-width:[\d.]+pt;height:auto", root.get("style"))


def test_it_needs_no_shrinking_on_a_phone(svg):
    """On a page 328 pixels wide, letters of 12 points keep at least 11 pixels."""
    root = ElementTree.fromstring(svg)
    assert float(root.get("viewBox").split()[2]) <= 328 * 12 / 11


def test_names_at_the_ends_of_lines_stand_apart():
    ends = {"GPT": [0.5, 0.995], "BERT": [0.99, 0.98], "random": [0.1, 0.98], "far": [0.1, 0.1]}
    svg = figures.curves(ends, [1, 2], "position", "probability", ALT).data
    places = {}
    for element in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        places["".join(element.itertext())] = float(element.get("y") or "nan")
    heights = sorted(places[name] for name in ends)
    assert min(np.diff(heights)) >= 12
    assert places["GPT"] == min(heights) and places["far"] == max(heights)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("bars", {"体育", "财经", "a < b & c", "条数", "90.0", "20.5"}),
        ("histogram", {"tokens", "条", "截断"}),
        ("curves", {"训练", "validation", "epoch", "loss"}),
        ("confusion", {"体育", "财经", "predicted", "true", "30", "6"}),
        ("scores_by_size", {"从零", "TF-IDF", "labels", "accuracy", "50", "900"}),
        ("visibility", {"甲", "<", "春", "天", "●", "→", "input", "output"}),
    ],
)
def test_letters_stay_text(drawings, kind, expected):
    assert expected <= set(texts(drawings[kind]))
    assert "glyph" not in drawings[kind].lower()


def test_text_is_set_in_fonts_that_have_chinese(svg):
    for element in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        style = element.get("style")
        assert "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC'" in style
        assert style.count("sans-serif") == 1 and "DejaVu" not in style


def test_ink_takes_the_colour_of_the_page(svg):
    """Text and axes are drawn in currentColor; only letters on coloured cells are not."""
    assert svg.count("currentColor") > 5
    assert figures.INK not in svg
    for element in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        style, text = element.get("style"), "".join(element.itertext())
        coloured = re.search(r"fill: (#\w+|currentColor)", style)
        if not coloured or coloured[1] != "currentColor":
            on_a_cell = text.isdigit() or text in "●→"
            assert on_a_cell, f"{text!r} has the same colour in every theme"


def test_the_background_is_the_pages(svg):
    assert not re.search(r"fill: #ffffff[^>]*>\s*</?path|id=\"patch_1\">\s*<path[^>]*fill: #f", svg)


def test_nothing_is_loaded_from_elsewhere(svg):
    assert not re.search(r"<(script|image|foreignObject|metadata|!DOCTYPE)", svg)
    for target in re.findall(r"(?:href|src)=\"([^\"]*)\"", svg):
        assert target.startswith("#")
    assert not re.search(r"url\((?!#)|@import", svg)


def test_figures_do_not_share_ids(drawings):
    """On one page, an id defined twice would let one figure use another's clipping or marker."""
    defined = {}
    for kind in KINDS:
        root = ElementTree.fromstring(drawings[kind])
        for element in root.iter():
            name = element.get("id")
            if name and f"#{name}" in drawings[kind]:
                content = ElementTree.tostring(element)
                assert defined.setdefault(name, content) == content, f"{kind}: {name}"


def test_the_grid_marks_what_is_seen_where_it_is_seen():
    marks = [[True, False], ["", "→"], ["●", ""]]
    svg = figures.visibility(marks, list("甲乙丙"), list("春天"), ALT)
    root = ElementTree.fromstring(svg.data)
    fills = [cell.get("fill") for cell in root.iter(f"{SVG}rect")]
    dot, none, arrow = fills[0], fills[1], fills[3]
    assert fills == [dot, none, none, arrow, dot, none]
    assert none == "none" and len({dot, arrow, none}) == 3
    where = {(c.get("x"), c.get("y")) for c in root.iter(f"{SVG}rect") if c.get("fill") == dot}
    assert len({x for x, _ in where}) == 1 and len({y for _, y in where}) == 2


def test_no_warnings_and_no_open_figures():
    import matplotlib.pyplot as plt

    with warnings.catch_warnings(action="error"):
        draw_all()
    assert plt.get_fignums() == []


def test_it_is_shown_as_html():
    shown = figures.bars(["a"], [1], "x", "alt")
    assert shown._repr_html_().startswith("<svg")


@pytest.mark.slow
def test_two_processes_draw_the_same():
    code = "import test_figures as t; print(*sorted(map(t.digest, t.draw_all().values())))"
    folders = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": folders, "PYTHONHASHSEED": seed},
            capture_output=True,
            encoding="utf8",
            check=True,
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout != ""
    assert [ran.stderr for ran in runs] == ["", ""]


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_table_of_long_names_is_whole_and_keeps_the_page_s_colours():
    rows = {"全补到 128，fp32": ["0.78", "90"], "a < b": ["0.75", "900"]}
    table = figures.named_rows(rows, ["准确率", "条/秒"]).data
    root = ElementTree.fromstring(table.replace("<br>", "<br/>"))
    assert [cell.text for cell in root.iter("td")] == ["0.78", "90", "0.75", "900"]
    names = [cell for cell in root.iter("th") if cell.get("scope") == "rowgroup"]
    assert [cell.text for cell in names] == list(rows) and names[0].get("colspan") == "2"
    assert "color:inherit" in table and "#fff" not in table and "#000" not in table


def test_a_row_that_does_not_fit_the_columns_is_refused():
    with pytest.raises(ValueError, match="'one' has 1 texts, not 2"):
        figures.named_rows({"one": ["1"]}, ["a", "b"])


def test_a_data_frame_becomes_named_rows_rounded_with_a_dash_for_what_is_missing():
    frame = pd.DataFrame({"F1": [0.66449, np.nan], "said": ["yes", "no"]}, index=["a<b", "c"])
    shown = figures.named_frame(frame, digits=2).data
    assert (
        shown == figures.named_rows({"a<b": ["0.66", "yes"], "c": ["—", "no"]}, ["F1", "said"]).data
    )


def test_a_flow_chart_tells_every_question_and_way_out_in_the_page_s_ink():
    steps = [("有报错吗？", "有", "读 <最后> 一行"), ("比基线好吗？", "不好", "病例 7")]
    drawn = figures.flow_chart(steps, "都对", ALT).data
    root = ElementTree.fromstring(drawn)
    assert root.get("role") == "figure" and root.get("aria-label") == ALT
    told = "".join(root.itertext())
    places = [
        told.index(part) for part in ("1. 有报错", "有 → 读 <最后>", "2. 比", "病例 7", "都对")
    ]
    assert places == sorted(places)
    assert "background" not in drawn and not re.search(
        r"(?<!border-left:4px solid )#[0-9A-F]{6}", drawn
    )
    assert not re.search(r"\d{3,}px", drawn), "a fixed width would not fit a phone"


def heights(scores):
    """The lowest and the highest number beside the axis of a drawing of scores."""
    root = ElementTree.fromstring(figures.scores_by_size(scores, "labels", "accuracy", ALT).data)
    words = [text.text or "" for text in root.iter(f"{SVG}text")]
    numbers = [float(word) for word in words if re.fullmatch(r"[01]\.\d+", word)]
    return min(numbers), max(numbers)


def test_scores_that_are_all_high_are_drawn_near_to():
    near = {"a": ([20, 50], [0.56, 0.60], [0.02, 0.01]), "b": ([20, 50], [0.7, 0.81], [0.0, 0.01])}
    assert heights(near)[0] >= 0.5 and heights(near)[1] <= 0.9
    assert heights(near | {"c": ([20, 50], [0.1, 0.3], [0, 0])}) == (0.0, 1.0)
