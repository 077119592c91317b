"""Figures for the chapters: drawn with matplotlib, shown as SVG whose text stays text.

The reader's browser draws the letters, so Chinese shows even where the kernel's machine has no
Chinese font (Colab), and lines and letters take the colour of the page, dark or light.
"""

import html
import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML

if TYPE_CHECKING:
    from pandas import DataFrame

# Okabe and Ito's palette, distinguishable with any colour vision.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
FONTS = "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"
LINES = ("o-", "s--", "^:", "D-.")  # a line is known by its kind and its marks too
INK = "#010203"  # stands for the page's text colour, which `show` puts in
SVG = "{http://www.w3.org/2000/svg}"
LABEL_HEIGHT = 14  # points from one label to the next
# In the style of a text: `font-family: names`, before matplotlib 3.11 `font: 12px names`.
FONT_NAMES = re.compile(r"(?<=font-family: )[^;]+|(?<=px )[^;]+")
ElementTree.register_namespace("", SVG[1:-1])
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bert-in-practice-zh",
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
    "axes.prop_cycle": matplotlib.cycler(color=COLORS),
} | {
    name: INK
    for name in ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
}

# matplotlib gives a letter its colour when it is put on, so all drawing is done in the style.
in_style = matplotlib.rc_context(STYLE)


def new_figure(width: float = 4.8, height: float = 3.0) -> tuple[Figure, Axes]:
    """(figure, axes) in the course's style; sizes in inches at 72 points.

    No wider than a phone's page, as a wider picture would shrink there, its letters with it.
    """
    with matplotlib.rc_context(STYLE):
        return plt.subplots(figsize=(width, height), layout="constrained")


def show(figure: Figure, alt: str) -> HTML:
    """The figure as inline SVG that fits the page's width; `alt` says what it shows, in words."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # The kernel need not have the glyphs: the browser draws them.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    plt.close(figure)
    return HTML(for_the_page(buffer.getvalue(), alt))


def for_the_page(svg: bytes, alt: str) -> str:
    """matplotlib's SVG file as an element of a page: as wide as fits, named, in its ink and fonts."""
    root = ElementTree.fromstring(svg)
    for note in root.findall(f"{SVG}metadata"):
        root.remove(note)
    del root.attrib["height"]
    width = root.attrib.pop("width")
    root.set("role", "img")
    root.set("aria-label", alt)
    root.set("style", f"width:100%;max-width:{width};height:auto")
    for element in root.iter():
        style = element.get("style", "").replace(INK, "currentColor")
        if element.tag == f"{SVG}text":
            style = FONT_NAMES.sub(FONTS, style)
        if style:
            element.set("style", style)
    return ElementTree.tostring(root, encoding="unicode")


@in_style
def bars(
    names: Sequence[str], values: Sequence[float], xlabel: str, alt: str, digits: int = 0
) -> HTML:
    """Horizontal bars with the value at the end of each; the first name is on top."""
    figure, axes = new_figure(height=0.6 + 0.32 * len(names))
    drawn = axes.barh(range(len(names)), values, color=COLORS[0])
    axes.bar_label(drawn, fmt=f"%.{digits}f", padding=3)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(xlabel)
    return show(figure, alt)


@in_style
def histogram(
    values: Sequence[float], xlabel: str, ylabel: str, mark: float, note: str, alt: str
) -> HTML:
    """Histogram with one marked value."""
    figure, axes = new_figure(height=2.6)
    axes.hist(values, bins=30, color=COLORS[0])
    axes.axvline(mark, color=INK, linestyle="--")
    axes.annotate(
        note,
        (mark, 0.9),
        xycoords=("data", "axes fraction"),
        xytext=(6, 0),
        textcoords="offset points",
    )
    axes.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, 1.25 * axes.get_ylim()[1]))  # room for it
    return show(figure, alt)


@in_style
def curves(
    lines: dict[str, Sequence[float]], x: Sequence[float], xlabel: str, ylabel: str, alt: str
) -> HTML:
    """Lines over one x axis, each named at its end instead of in a legend."""
    figure, axes = new_figure()
    for color, style, values in zip(COLORS, LINES, lines.values(), strict=False):
        axes.plot(x[: len(values)], values, style, color=color)
    axes.set(xlabel=xlabel, ylabel=ylabel, xticks=list(x))
    ends = {name: (x[len(values) - 1], values[-1]) for name, values in lines.items()}
    for name, rise in _label_rises(axes, ends).items():
        axes.annotate(name, ends[name], (8, rise), textcoords="offset points", va="center")
    return show(figure, alt)


def _label_rises(axes, ends: dict[str, tuple[float, float]]) -> dict[str, float]:
    """Points by which each end's label must rise so that no two lie on each other."""
    axes.figure.draw_without_rendering()
    heights = {
        name: axes.transData.transform(end)[1] * 72 / axes.figure.dpi for name, end in ends.items()
    }
    rises, free = {}, -np.inf
    for name in sorted(heights, key=heights.get):
        rises[name] = max(0.0, free - heights[name])
        free = heights[name] + rises[name] + LABEL_HEIGHT
    return rises


@in_style
def confusion(counts: np.ndarray, names: Sequence[str], alt: str) -> HTML:
    """Confusion matrix (rows true, columns predicted) with every count written in its cell."""
    figure, axes = new_figure(4.8, 4.6)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    # pcolormesh, not imshow: squares stay shapes, sharp at any size and readable in a diff.
    axes.pcolormesh(share, cmap="Blues", vmin=0, vmax=1)
    axes.set(aspect="equal")
    axes.invert_yaxis()
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            color = "white" if share[row, column] > 0.5 else "black"
            place = (column + 0.5, row + 0.5)
            axes.text(*place, int(counts[row, column]), ha="center", va="center", color=color)
    centres = np.arange(len(names)) + 0.5
    axes.set_xticks(centres, names, rotation=45)
    axes.set_yticks(centres, names)
    axes.set(xlabel="predicted", ylabel="true")
    return show(figure, alt)


@in_style
def scores_by_size(
    lines: dict[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    xlabel: str,
    ylabel: str,
    alt: str,
) -> HTML:
    """One line a method, (sizes, means, standard deviations), over sizes on a log scale.

    The axis starts at 0, or where all scores are high at the tenth below the lowest, so that
    differences of a few points are seen.
    """
    lowest = min(np.subtract(means, sds).min() for _, means, sds in lines.values())
    highest = max(np.add(means, sds).max() for _, means, sds in lines.values())
    bottom, top = (np.floor(10 * lowest) / 10, np.ceil(10 * highest) / 10)
    limits = (bottom, top) if lowest > 0.4 else (0, 1)
    figure, axes = new_figure()
    styles = zip(COLORS, LINES, lines.items(), strict=False)
    for color, style, (name, (sizes, means, deviations)) in styles:
        axes.errorbar(sizes, means, deviations, fmt=style, color=color, capsize=4, label=name)
    ticks = sorted({size for sizes, _, _ in lines.values() for size in sizes})
    axes.set(xlabel=xlabel, ylabel=ylabel, xscale="log", ylim=limits)
    axes.set_xticks(ticks, [str(size) for size in ticks])
    axes.minorticks_off()
    axes.legend(loc="lower left", ncols=3, bbox_to_anchor=(-0.15, 1), columnspacing=1)
    return show(figure, alt)


def visibility(
    marks: Sequence[Sequence[str | bool]], rows: Sequence[str], columns: Sequence[str], alt: str
) -> HTML:
    """Which input (column) each output (row) sees: an SVG grid, drawn by hand for its Chinese.

    Args:
        marks: rows of cells, each "" or False (not seen), True, or one character; each character
            has a colour.
        rows, columns: the tokens of the outputs and of the inputs.
        alt: what the grid shows, in words.
    """
    marks = [[{True: "●", False: ""}.get(mark, mark) for mark in row] for row in marks]
    size, left, top = 34, 66, 58
    kinds = sorted({mark for row in marks for mark in row if mark})
    width, height = left + size * len(columns) + 4, top + size * len(rows) + 4
    parts = [svg_text(left + size * len(columns) / 2, 14, "input", 13)]
    parts.append(svg_text(27, top - 10, "output", 13))
    for column, token in enumerate(columns):
        parts.append(svg_text(left + size * (column + 0.5), top - 10, token, 17))
    for row, token in enumerate(rows):
        y = top + size * row
        parts.append(svg_text(left - 24, y + size * 0.68, token, 17))
        for column, mark in enumerate(marks[row]):
            x = left + size * column
            color = COLORS[kinds.index(mark) % len(COLORS)] if mark else "none"
            parts.append(
                f'<rect x="{x + 1}" y="{y + 1}" width="{size - 2}" height="{size - 2}" rx="3" '
                f'fill="{color}" stroke="currentColor" stroke-opacity="0.35"/>'
            )
            ink = "#fff" if color == COLORS[0] else "#000"
            if mark:
                parts.append(svg_text(x + size / 2, y + size * 0.68, mark, 17, ink))
    return svg_picture(parts, width, height, alt)


def named_rows(rows: dict[str, Sequence[str]], columns: Sequence[str]) -> HTML:
    """A table whose rows have long names: each name on a line of its own, above its numbers.

    So that six columns fit on a phone. Ink and ground are the page's, dark or light.

    Args:
        rows: name -> one text a column.
        columns: their headings, broken at blanks.
    Raises:
        ValueError: a row with more or fewer texts than there are columns.
    """
    cell = "text-align:right;padding:0.15em 0.3em;border:0;white-space:normal"
    name_cell = "text-align:left;padding:0.4em 0.3em 0;border:0;border-top:1px solid #8888"
    heads = "".join(
        f'<th scope="col" style="{cell}">{"<br>".join(map(html.escape, name.split()))}</th>'
        for name in columns
    )
    body = []
    for name, texts in rows.items():
        if len(texts) != len(columns):
            raise ValueError(f"named_rows: {name!r} has {len(texts)} texts, not {len(columns)}")
        numbers = "".join(f'<td style="{cell}">{html.escape(text)}</td>' for text in texts)
        body.append(
            f'<tr style="background:none"><th scope="rowgroup" colspan="{len(columns)}" '
            f'style="{name_cell}">{html.escape(name)}</th></tr>'
            f'<tr style="background:none">{numbers}</tr>'
        )
    return HTML(
        '<table style="width:100%;table-layout:fixed;border-collapse:collapse;font-size:0.85em;'
        f'color:inherit"><thead><tr>{heads}</tr></thead><tbody>{"".join(body)}</tbody></table>'
    )


def named_frame(frame: "DataFrame", digits: int = 3) -> HTML:
    """A data frame as `named_rows` shows it: its index the names, its numbers rounded.

    Args:
        digits: of each number; texts stay as they are, and a missing value becomes a dash.
    """

    def written(value: object) -> str:
        if isinstance(value, str):
            return value
        return "—" if np.isnan(value) else f"{value:,.{digits}f}"

    rows = {str(name): [written(each) for each in row] for name, row in frame.iterrows()}
    return named_rows(rows, [str(name) for name in frame.columns])


def svg_text(x: float, y: float, words: str, size: int, color: str = "currentColor") -> str:
    """Words centred at x, on the line y."""
    style = f"font: {size}px {FONTS}; text-anchor: middle; fill: {color}"
    return f'<text x="{x:g}" y="{y:g}" style="{style}">{html.escape(words)}</text>'


def svg_picture(parts: Sequence[str], width: float, height: float, alt: str) -> HTML:
    """A drawing by hand: elements of SVG in one picture, no wider than the page."""
    return HTML(
        f'<svg role="img" aria-label="{html.escape(alt, quote=True)}" '
        f'style="width:100%;max-width:{width}pt;height:auto" viewBox="0 0 {width} {height}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def flow_chart(steps: Sequence[tuple[str, str, str]], end: str, alt: str) -> HTML:
    """Questions asked one after the other, each with its way out; boxes that wrap on a phone.

    Args:
        steps: (question, the answer that leads out, where it leads); any other answer goes on to
            the next question.
        end: what is left when no question led out.
        alt: what the chart is, in words; the questions themselves are text.
    """
    box = "border:2px solid currentColor;border-radius:8px;padding:4px 10px"
    out = f"margin:0 0 0 28px;border-left:4px solid {COLORS[5]};padding:4px 10px"
    down = '<div style="margin-left:12px;line-height:1.4">↓</div>'
    parts = [
        f'<div style="{box}">{number}. {html.escape(question)}</div>'
        f'<div style="{out}"><b>{html.escape(answer)}</b> → {html.escape(where)}</div>{down}'
        for number, (question, answer, where) in enumerate(steps, start=1)
    ]
    parts.append(f'<div style="{box};border-style:dashed">{html.escape(end)}</div>')
    return HTML(
        f'<div role="figure" aria-label="{html.escape(alt)}" style="max-width:32rem">'
        f"{''.join(parts)}</div>"
    )
