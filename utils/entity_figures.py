"""Pictures of names in a text: what was found, beside what is there."""

import html
from collections.abc import Iterable, Sequence

from IPython.display import HTML

from utils.data import Span, bio_of
from utils.figures import COLORS, FONTS

# Types have the same colour in all figures, and always their name beside it.
COLOR_OF = dict(zip(("PER", "LOC", "ORG", "WORK", "GPE"), COLORS, strict=False))
OTHER = COLORS[5]


def entities_figure(
    text: str,
    spans: Iterable[tuple[int, int, str]],
    gold: Iterable[tuple[int, int, str]] | None = None,
) -> HTML:
    """A text with its entities marked, each with its type.

    Args:
        spans: what was found, as (start, end, type).
        gold: what is there. Drawn as a second line; entities that only one of the two has are
            dashed, and a sentence counts them.
    Raises:
        ValueError: a span that leaves the text, or two in one line that overlap.
    """
    spans = sorted(map(Span._make, spans))
    if gold is None:
        bio_of(spans, len(text))  # refuses what cannot be drawn
        names = "、".join(_named(text, span) for span in spans)
        story = f"{len(spans)} 个实体：{names}。" if spans else "没有实体。"
        return _figure(text, story, [("", spans)], [])
    gold = sorted(map(Span._make, gold))
    for some in (spans, gold):
        bio_of(some, len(text))
    right = [span for span in gold if span in spans]
    missed = [span for span in gold if span not in spans]
    wrong = [span for span in spans if span not in gold]
    parts = [f"对 {len(right)} 个"]
    for what, some in (("错", wrong), ("漏", missed)):
        names = "、".join(_named(text, span) for span in some)
        parts.append(f"{what} {len(some)} 个（虚线框：{names}）" if some else f"{what} 0 个")
    story = "，".join(parts) + "。"
    return _figure(text, story, [("预测", spans), ("标准", gold)], [*wrong, *missed])


def _named(text: str, span: Span) -> str:
    return f"{text[span.start : span.end]} {span.type}"


def _figure(
    text: str, story: str, lines: Sequence[tuple[str, list[Span]]], dashed: list[Span]
) -> HTML:
    rows = []
    for title, spans in lines:
        head = f'<span style="font-size:12px;margin-right:.7em">{title}</span>' if title else ""
        body = _marked(text, spans, dashed)
        rows.append(f'<div style="margin-bottom:.3em">{head}{body}</div>')
    label = html.escape(f"实体标注：{text} {story}")
    return HTML(
        f'<div role="figure" aria-label="{label}" style="font-family:{FONTS};font-size:17px;'
        f'line-height:2;max-width:46em;white-space:pre-wrap;overflow-wrap:anywhere">'
        f'{"".join(rows)}<div style="font-size:14px;line-height:1.5">{html.escape(story)}</div>'
        "</div>"
    )


def _marked(text: str, spans: list[Span], dashed: list[Span]) -> str:
    parts, place = [], 0
    for span in spans:
        color = COLOR_OF.get(span.type.split(".")[0], OTHER)  # PER of PER.NAM
        line = "dashed" if span in dashed else "solid"
        name = text[span.start : span.end]
        parts += [
            html.escape(text[place : span.start]),
            # A name that goes on in the next line has its box closed and opened again; the type
            # stays with the last character.
            f'<span style="border:2px {line} {color};background:{color}33;border-radius:4px;'
            "padding:1px 3px;margin:0 1px;-webkit-box-decoration-break:clone;"
            f'box-decoration-break:clone">{html.escape(name[:-1])}'
            f'<span style="white-space:nowrap">{html.escape(name[-1])}'
            '<span style="font-size:12px;font-weight:bold;margin-left:4px">'
            f"{html.escape(span.type)}</span></span></span>",
        ]
        place = span.end
    return "".join(parts) + html.escape(text[place:])
