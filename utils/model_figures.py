"""Drawings of BERT's parts for chapter 2: boxes and arrows in SVG, with Chinese words.

Everything is drawn in the page's ink, so that it reads on light and dark ground, and no wider
than a phone's page.
"""

from collections.abc import Sequence

from IPython.display import HTML

from utils.figures import COLORS, svg_picture, svg_text

WIDTH = 342


def box(x: float, y: float, width: float, *lines: str, color: str = "none") -> str:
    """A box with its upper edge at y and its middle at x; the first line is the larger one."""
    height = 18 + 16 * len(lines)
    tint = f'fill="{color}" fill-opacity="0.2"' if color != "none" else 'fill="none"'
    frame = (
        f'<rect x="{x - width / 2:g}" y="{y:g}" width="{width:g}" height="{height}" rx="6" '
        f'{tint} stroke="currentColor" stroke-width="1.2"/>'
    )
    words = [
        svg_text(x, y + 22 + 16 * row, line, 14 if row == 0 else 12)
        for row, line in enumerate(lines)
    ]
    return frame + "".join(words)


def arrow(*points: tuple[float, float]) -> str:
    """A line through points, with a head at the last one."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    (x0, y0), (x1, y1) = points[-2:]
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    head = " ".join(
        f"{x1 - 8 * dx + side * 4 * dy:g},{y1 - 8 * dy - side * 4 * dx:g}" for side in (1, -1)
    )
    return (
        f'<polyline points="{path}" fill="none" stroke="currentColor" stroke-width="1.4"/>'
        f'<polygon points="{x1:g},{y1:g} {head}" fill="currentColor"/>'
    )


def plus(x: float, y: float) -> str:
    """The sign of a sum, in a circle."""
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="11" fill="none" stroke="currentColor" '
        f'stroke-width="1.4"/>' + svg_text(x, y + 6, "+", 18)
    )


def down(x: float, *edges: float) -> list[str]:
    """Arrows straight down at x, from the first edge to the second, the third to the fourth."""
    return [arrow((x, a), (x, b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def drawing(parts: Sequence[str], height: float, alt: str) -> HTML:
    """The parts as one picture as wide as a phone's page."""
    return svg_picture(list(parts), WIDTH, height, alt)


def model_figure() -> HTML:
    """BERT from the token numbers to the heads, with the sections that write each part."""
    inputs = [
        box(x, 2, 104, words) for x, words in ((58, "词元编号"), (171, "片段编号"), (284, "位置"))
    ]
    into = [arrow((x, 36), (at, 68)) for x, at in ((58, 120), (171, 171), (284, 222))]
    trunk = [
        box(171, 68, 250, "嵌入：三张表，查出来相加", "BertEmbeddings，2.2 节", color=COLORS[0]),
        box(171, 144, 250, "块 × N，一个接一个", "BertLayer，2.3 到 2.5 节", color=COLORS[1]),
        *down(171, 118, 144),
    ]
    forks = [
        arrow((110, 194), (86, 232)),
        arrow((232, 194), (256, 232)),
        svg_text(52, 216, "每个位置", 12),
        svg_text(290, 216, "只取 [CLS]", 12),
        box(86, 232, 156, "MLM 头：填空", "2.7 节", color=COLORS[2]),
        box(256, 232, 156, "pooler", "BertPooler，2.6 节", color=COLORS[3]),
        *down(256, 282, 308),
        box(256, 308, 156, "NSP 头或分类头", "2.7 节", color=COLORS[2]),
    ]
    alt = (
        "BERT 的全图：词元编号、片段编号和位置进嵌入层，再过 N 个块；"
        "每个位置的向量进 MLM 头，[CLS] 的向量过 pooler 进 NSP 头或分类头"
    )
    return drawing([*inputs, *into, *trunk, *forks], 362, alt)


def query_key_value_figure() -> HTML:
    """One head of attention: three roles of the same vectors, and what becomes of them."""
    roles = {58: ("查询 Q", "我在找什么"), 171: ("键 K", "我这里有什么")}
    roles[284] = ("值 V", "取走的是这个")
    parts = [box(171, 2, 250, "每个词元的向量", color=COLORS[0])]
    for x, lines in roles.items():
        parts += [arrow((171 + (x - 171) * 0.6, 36), (x, 74)), box(x, 74, 108, *lines)]
    parts += [
        svg_text(40, 60, "各乘一个", 12),
        svg_text(304, 60, "矩阵", 12),
        arrow((58, 124), (95, 152)),
        arrow((171, 124), (134, 152)),
        box(115, 152, 200, "点积，除以 √d", "每对词元一个得分", color=COLORS[1]),
        *down(115, 202, 228),
        box(115, 228, 200, "遮住填充，再 softmax", "每行的权重加起来是 1", color=COLORS[1]),
        arrow((115, 278), (115, 304)),
        arrow((284, 124), (284, 304)),
        box(171, 304, 334, "按权重，把值加起来", "每个词元一个新的向量", color=COLORS[2]),
    ]
    alt = (
        "一个注意力头：每个词元的向量各乘三个矩阵，成为查询、键、值；查询与键点积、"
        "除以根号 d 得到得分，遮住填充再 softmax 得到权重，按权重把值加起来"
    )
    return drawing(parts, 358, alt)


def block_figure() -> HTML:
    """One post-LN block of BERT: two sublayers, each with its residual and LayerNorm."""
    middle, side = 130, 262
    parts = [svg_text(middle, 16, "输入 x", 14), arrow((middle, 22), (middle, 52))]
    for top, first, second, color, name in (
        (52, "多头自注意力", "全连接，随机失活", COLORS[0], "第一个子层"),
        (262, "全连接放宽，GELU", "全连接收回，随机失活", COLORS[1], "第二个子层"),
    ):
        add = top + 117
        parts += [
            box(middle, top, 190, first, color=color),
            *down(middle, top + 34, top + 50),
            box(middle, top + 50, 190, second, color=color),
            *down(middle, top + 84, add - 11),
            plus(middle, add),
            arrow((middle, top - 16), (side, top - 16), (side, add), (middle + 11, add)),
            svg_text(side + 40, top + 42, "残差", 13),
            svg_text(side + 40, top + 60, name, 12),
            *down(middle, add + 11, add + 25),
            box(middle, add + 25, 190, "层归一化", color=COLORS[2]),
        ]
        parts.append(arrow((middle, add + 59), (middle, add + 93)))
    parts.append(svg_text(middle, 488, "输出，与输入同样形状", 14))
    alt = (
        "BERT 的一个块，从上到下两个子层：多头自注意力加全连接，加上残差，层归一化；"
        "前馈的两个全连接，加上残差，再层归一化"
    )
    return drawing(parts, 496, alt)
