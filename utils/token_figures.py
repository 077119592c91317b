"""Pictures of tokens: pieces of a text, what masking does to them, what attention looks at.

Plain HTML and SVG whose letters the reader's browser draws. Text and lines take the page's colour,
and no meaning hangs on colour alone. `utils.widgets` moves the same pictures with sliders.
"""

import html
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch
from IPython.display import HTML
from transformers import PreTrainedTokenizerBase

from utils.figures import COLORS, FONTS
from utils.token_reading import UNITS, MaskedPiece, Piece, TextProblem, mask_story, read_pieces

BLUE, ORANGE, GREEN = COLORS[:3]
# What became of a token, told by the kind of line too, for those who see no colours.
LOOKS = {
    "masked": f"border:2px solid {BLUE};background:{BLUE}33",
    "random": f"border:2px dashed {ORANGE};background:{ORANGE}33",
    "kept": f"border:2px dotted {GREEN};background:{GREEN}33",
}


def masking_figure(
    tokenizer: PreTrainedTokenizerBase,
    text: str,
    unit: str = "token",
    rate: float = 0.15,
    **options,
) -> HTML:
    """What masking makes of a text, token by token, with the realised counts.

    Arguments as `mask_story`.
    """
    try:
        story = mask_story(tokenizer, text, unit, rate, **options)
    except TextProblem as problem:
        return note(str(problem))
    groups = []
    for _, members in groupby(story, key=lambda each: each.unit):
        members = list(members)
        cards = "".join(_masked_card(each) for each in members)
        if unit != "token" and not members[0].piece.special:
            cards = (
                '<span style="display:inline-flex;flex-wrap:wrap;gap:2px;padding-bottom:3px;'
                f'border-bottom:2px solid">{cards}</span>'
            )
        groups.append(cards)
    specials = set(tokenizer.all_special_ids)
    eligible = sum(each.piece.id not in specials for each in story)
    count = Counter(each.fate for each in story)
    chosen = len(story) - count["untouched"]
    share = f"{chosen / eligible:.1%}" if eligible else "0%"
    line = (
        f"可选的 {eligible} 个词元里选中 {chosen} 个（{share}，设定 {rate:.0%}）："
        f"变成 {tokenizer.mask_token} 的 {count['masked']} 个（实线框），"
        f"换成随机词元的 {count['random']} 个（虚线框），原样不动的 {count['kept']} 个（点线框）。"
    )
    if unit != "token":
        line += f"同一条下划线上的是一个{UNITS[unit]}，一起选、一起变。"
    return _strip(f"掩码结果：{line}{' '.join(each.shown for each in story)}", line, groups)


def _masked_card(each: MaskedPiece) -> str:
    if each.fate == "untouched":
        return _card([each.piece.token], "border-color:transparent;padding-top:2px")
    after = "不变" if each.fate == "kept" else f"→{each.shown}"
    return _card([each.piece.token, after], LOOKS[each.fate])


def tokens_figure(tokenizer: PreTrainedTokenizerBase, text: str) -> HTML:
    """Each token as a card: its characters, the piece, its id, its offsets; [UNK] stands out."""
    try:
        pieces = read_pieces(tokenizer, text)
    except TextProblem as problem:
        return note(str(problem))
    cards = [_card(["字符", "词元", "编号", "偏移量"], "border-color:transparent;opacity:.75")]
    for piece in pieces:
        place = "–" if piece.special else f"{piece.start}:{piece.end}"
        look = "border-style:dashed" if piece.special else ""
        if piece.unknown:
            look = f"border:4px double {ORANGE};background:{ORANGE}33;font-weight:bold"
        cards.append(_card([piece.source or "–", piece.token, piece.id, place], look))
    unknown = [piece.source for piece in pieces if piece.unknown]
    special = sum(piece.special for piece in pieces)
    story = f"{len(text)} 个字符 → {len(pieces) - special} 个词元，加上 {special} 个特殊词元（虚线框）。"
    if unknown:
        story += (
            f"[UNK]（双线框）{len(unknown)} 个：{'、'.join(unknown)}，原来是什么字，模型看不到。"
        )
    else:
        story += "没有 [UNK]。"
    return _strip(f"分词结果：{story}{_sentence(pieces)}", story, cards)


def attention_figure(
    tokens: Sequence[str], weights: np.ndarray, query: int | None = None, title: str = "注意力"
) -> HTML:
    """What tokens attend to.

    Args:
        tokens: `length` tokens.
        weights: tensor, array or list. (length, length), row = query, column = key: drawn as a
            map whose squares have areas in proportion to the weights, with the row `query`
            framed. Or (length,), the row of one query: drawn as bars with numbers, which any
            phone has room for.
        title: what the sentence under the picture, which is also its description, begins with.
    Raises:
        ValueError: the shapes do not fit.
    """
    weights = torch.as_tensor(weights).detach().float().cpu().numpy()
    if weights.shape not in {(len(tokens),), (len(tokens),) * 2}:
        raise ValueError(
            f"weights have shape {weights.shape}; for {len(tokens)} tokens give "
            f"({len(tokens)}, {len(tokens)}) or ({len(tokens)},)"
        )
    if query is not None and not 0 <= query < len(tokens):
        raise ValueError(f"query {query} is no place among {len(tokens)} tokens")
    if weights.ndim == 1:
        return _attention_bars(tokens, weights, query, title)
    return _attention_map(tokens, weights, query, title)


def _attention_bars(tokens, weights, query, title) -> HTML:
    left, row, longest = _label_width(tokens), 22, 170
    scale = longest / max(weights.max(), 1e-9)
    parts = []
    for place, (token, weight) in enumerate(zip(tokens, weights, strict=True)):
        y = place * row
        bold = "bold" if place == query else "normal"
        parts += [
            _text(left - 6, y + 16, token, anchor="end", weight=bold),
            f'<rect x="{left}" y="{y + 4}" width="{weight * scale:.1f}" height="14" fill="{BLUE}"/>',
            _text(left + weight * scale + 4, y + 16, f"{weight:.2f}", size=13),
        ]
    best = np.argsort(-weights, kind="stable")[:3]
    who = "" if query is None else f"“{tokens[query]}”"
    story = f"{who}看得最多的是" + "、".join(f"“{tokens[i]}” {weights[i]:.2f}" for i in best) + "。"
    return _svg(left + longest + 44, len(tokens) * row, title, story, parts)


def _attention_map(tokens, weights, query, title) -> HTML:
    left, cell = _label_width(tokens), 20
    slanted = any(len(token) > 2 for token in tokens)
    top = left * 0.9 + 4 if slanted else 24
    size = len(tokens) * cell
    top_weight = max(weights.max(), 1e-9)
    parts = []
    for place, token in enumerate(tokens):
        y, x = top + place * cell, left + place * cell
        bold = "bold" if place == query else "normal"
        parts.append(_text(left - 6, y + 15, token, anchor="end", weight=bold))
        if len(token) <= 2:
            parts.append(_text(x + cell / 2, top - 7, token, anchor="middle"))
        else:
            parts.append(_text(x + cell / 2 + 2, top - 5, token, turn=-60))
    lines = "".join(
        f"M{left} {top + k * cell}h{size}M{left + k * cell} {top}v{size}"
        for k in range(len(tokens) + 1)
    )
    parts.append(f'<path d="{lines}" stroke="currentColor" stroke-opacity=".18" fill="none"/>')
    squares = []
    for row, column in np.ndindex(*weights.shape):
        side = (cell - 2) * np.sqrt(weights[row, column] / top_weight)
        if side >= 1:  # smaller ones are dust
            x, y = left + (column + 0.5) * cell - side / 2, top + (row + 0.5) * cell - side / 2
            squares.append(f"M{x:.1f} {y:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z")
    parts.append(f'<path d="{"".join(squares)}" fill="{BLUE}"/>')
    if query is not None:
        parts.append(
            f'<rect x="{left}" y="{top + query * cell}" width="{size}" height="{cell}" '
            'fill="none" stroke="currentColor" stroke-width="2"/>'
        )
    row, column = np.unravel_index(weights.argmax(), weights.shape)
    story = (
        "行是查询，列是键；方块越大，权重越大。"
        f"最大的是“{tokens[row]}”看“{tokens[column]}”：{weights[row, column]:.2f}。"
    )
    # A slanted label over the last column leans out to the right.
    width = left + size + (top * 0.5 if slanted else 4)
    return _svg(width, top + size + 2, title, story, parts)


def answers_table(
    answers: dict[str, Sequence[str]], heads: Sequence[object], expected: Sequence[str]
) -> HTML:
    """What one or more models answered to questions, the expected answers framed.

    Args:
        answers: question -> its answers, one a head.
        heads: what the columns are: a step, a model.
        expected: the answer looked for, one a question.
    Raises:
        ValueError: the lengths do not agree.
    """
    if len(expected) != len(answers) or any(len(row) != len(heads) for row in answers.values()):
        raise ValueError(
            f"{len(answers)} questions need {len(answers)} expected answers and rows of "
            f"{len(heads)} answers, one a head"
        )
    told = [f"{question} {' '.join(replies)}" for question, replies in answers.items()]
    label = html.escape(f"各列 {' '.join(map(str, heads))} 的回答：{'；'.join(told)}")
    look = "padding:1px 5px;text-align:center;white-space:nowrap"
    row = "".join(f'<th scope="col" style="{look}">{html.escape(str(head))}</th>' for head in heads)
    rows = [f'<tr><th scope="col" style="{look}"></th>{row}</tr>']
    for (question, replies), wanted in zip(answers.items(), expected, strict=True):
        row = f'<th scope="row" style="{look};text-align:left">{html.escape(question)}</th>'
        for reply in replies:
            word = html.escape(reply)
            if reply == wanted:  # told by weight and frame too, for those who see no colours
                word = f'<b style="{LOOKS["masked"]};border-radius:4px;padding:0 3px">{word}</b>'
            row += f'<td style="{look}">{word}</td>'
        rows.append(f"<tr>{row}</tr>")
    return HTML(
        f'<div role="figure" aria-label="{label}" style="overflow-x:auto">'
        f'<table style="font-family:{FONTS};font-size:14px;'
        f'border-collapse:collapse">{"".join(rows)}</table></div>'
    )


def note(line: str) -> HTML:
    """One line to the learner, in the place of a picture."""
    return HTML(f'<div role="note" style="font-family:{FONTS}">{html.escape(line)}</div>')


def _strip(label: str, story: str, cards: list[str]) -> HTML:
    """Cards in a row that wraps at the edge of the page, over a sentence that tells the same."""
    return HTML(
        f'<div role="figure" aria-label="{html.escape(label)}" '
        f'style="font-family:{FONTS};line-height:1.35;max-width:46em">'
        f'<div style="display:flex;flex-wrap:wrap;gap:5px;align-items:flex-start">{"".join(cards)}'
        f'</div><div style="margin-top:.6em">{html.escape(story)}</div></div>'
    )


def _card(lines: Sequence, look: str) -> str:
    """A card of lines, the first one large; `look` is CSS of ours, the lines are escaped."""
    rows = "".join(
        f'<span style="font-size:{"17px" if number == 0 else "12px"};white-space:pre;'
        f'line-height:{"24px" if number == 0 else "17px"}">{html.escape(str(line))}</span>'
        for number, line in enumerate(lines)
    )
    return (
        '<span style="display:inline-flex;flex-direction:column;align-items:center;min-width:34px;'
        "box-sizing:border-box;padding:1px 3px;border:1px solid;border-radius:4px;"
        f'{look}">{rows}</span>'
    )


def _sentence(pieces: Sequence[Piece]) -> str:
    return " ".join(piece.token for piece in pieces)


def _label_width(tokens: Sequence[str]) -> int:
    """Pixels that the longest label needs at 14 px: Chinese is a full em wide, Latin about 0.6."""
    return 12 + max(
        sum(14 if unicodedata.east_asian_width(letter) in "WF" else 8.5 for letter in _short(token))
        for token in tokens
    )


def _short(token: str) -> str:
    return token if len(token) <= 9 else token[:8] + "…"


def _text(x, y, text, anchor="start", size=14, weight="normal", turn=0) -> str:
    turned = f' transform="rotate({turn} {x:g} {y:g})"' if turn else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}" fill="currentColor"{turned}>{html.escape(_short(str(text)))}</text>'
    )


def _svg(width: float, height: float, title: str, story: str, parts: list[str]) -> HTML:
    """Inline SVG at its own size, which shrinks to 0.72 of it on a phone, then scrolls by itself."""
    label = html.escape(f"{title}：{story}")
    return HTML(
        f'<div style="font-family:{FONTS}"><div style="overflow-x:auto">'
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {width:g} {height:g}" '
        f'style="width:100%;max-width:{width:g}px;min-width:{width * 0.72:.0f}px;height:auto" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg></div>'
        f'<div style="margin-top:.4em">{html.escape(title)}：{html.escape(story)}</div></div>'
    )
