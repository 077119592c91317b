"""The moving picture of the front page, made from results/blanks_while_training.json.

Chapter 3's blanks, answered at some steps of a pretraining, beside its loss. HTML and CSS only:
one frame at a time is visible, by the clock or as chosen; no script, nothing fetched. Who asks
for less motion sees the last frame and chooses the others.
"""

import json
import math
from html import escape

from book.files import ROOT

RESULTS = ROOT / "results/blanks_while_training.json"
PICTURE = ROOT / "site_assets/front/blanks.html"
STEPS = (0, 100, 250, 500, 750, 1000, 2000, 5000, 10000)
# Blanks of one character; the last is never learned, and shown for that.
SHOWN = ("北", "天气很", "这部电", "高考成", "房价持续上", "太阳从")
SECONDS, HOLD = 1.3, 3  # a frame; the last one stays for so many frames
WIDTH, HEIGHT = 320, 96  # of the curve, in its own units
AVERAGED = 5  # logged losses, so 50 steps: what chapter 3 averages


def answer(blank: dict, step: int) -> str:
    """The likeliest filling of a blank at a step."""
    return "".join(place[0][0] for place in blank["answers"][str(step)])


def right(blanks: list[dict], step: int) -> int:
    """Blanks filled with the original word at a step."""
    return sum(answer(blank, step) == blank["expected"] for blank in blanks)


def shown(blanks: list[dict]) -> list[dict]:
    """The blanks of the picture, in its order.

    Raises:
        ValueError: the results have no such blank.
    """
    found = []
    for part in SHOWN:
        matches = [each for each in blanks if part + "[MASK]" in each["text"]]
        if len(matches) != 1 or len(matches[0]["expected"]) != 1:
            raise ValueError(f"no single blank of one character after {part!r} in the results")
        found += matches
    return found


def loss_before(logged: list[list[float]], step: int) -> float | None:
    """Mean training loss (nats, MLM alone) of the 50 steps up to a step; None at the start."""
    past = [loss for at, loss, _ in logged if at <= step][-AVERAGED:]
    return sum(past) / len(past) if past else None


def place(step: int, loss: float) -> tuple[float, float]:
    """Where a loss stands in the picture: steps by their logarithm, losses from 2 to 9.5."""
    across = math.log10(max(step, 10)) - 1
    return round(across / 3 * (WIDTH - 12) + 6, 1), round((9.5 - loss) / 7.5 * HEIGHT, 1)


def curve(logged: list[list[float]]) -> str:
    """The loss as a line: about fifty points, evenly spread over the logarithm of the steps."""
    steps = sorted({10 * round(10 ** (1 + 3 * each / 60) / 10) for each in range(61)})
    points = [place(step, loss_before(logged, step)) for step in steps]
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def spoken(tokens: float) -> str:
    """A number of tokens as one says it: 约 400 万, 约 1.6 亿."""
    if tokens >= 1e8:
        return f"约 {tokens / 1e8:.1f} 亿"
    return f"约 {round(tokens / 1e4, -1):.0f} 万"


def caption(step: int, results: dict) -> str:
    """What a frame says of its moment."""
    about, blanks = results["about"], results["blanks"]
    hits = f"{len(blanks)} 道填空对 <b>{right(blanks, step)}</b> 道"
    if not step:
        return f"第 <b>0</b> 步：权重全是随机数，{hits}"
    read = spoken(step * about["tokens"] / about["steps"])
    loss = loss_before(results["training_loss"], step)
    return f"第 <b>{step}</b> 步：读过{read}个词元，损失 {loss:.2f}，{hits}"


def style() -> str:
    """The rules that show one frame at a time."""
    count = len(STEPS)
    slots = count + HOLD - 1
    total = slots * SECONDS
    frames = ",".join(f".learn .f{number}" for number in range(count))
    chosen = ",".join(
        f"#learn-{step}:checked~.learn-stage .f{number}" for number, step in enumerate(STEPS)
    )
    delays = "".join(
        f"#learn-play:checked~.learn-stage .f{number}{{animation-delay:{number * SECONDS:.1f}s}}"
        for number in range(count)
    )
    last = f"#learn-play:checked~.learn-stage .f{count - 1}"
    return f"""<style>
.learn{{margin:1.5rem 0;padding:1rem;border:1px solid var(--pst-color-border,#ccc);border-radius:.5rem}}
.learn input{{position:absolute;opacity:0;width:1px;height:1px}}
.learn label{{display:inline-block;margin:0 .25rem .35rem 0;padding:.15rem .55rem;min-width:2rem;text-align:center;border:1px solid var(--pst-color-border,#ccc);border-radius:1rem;cursor:pointer;font-size:.85rem}}
.learn input:checked+label{{background:var(--pst-color-text-base,#222);color:var(--pst-color-background,#fff)}}
.learn input:focus-visible+label{{outline:3px solid var(--pst-color-primary,#06c);outline-offset:2px}}
.learn ul{{list-style:none;margin:.5rem 0;padding:0;font-size:1.1rem;line-height:2.1}}
.learn .slot,.learn .say{{display:inline-grid}}
.learn .slot{{min-width:1.9em;margin:0 .15em;text-align:center;vertical-align:baseline}}
.learn .say{{display:grid}}
.learn .slot>*,.learn .say>*{{grid-area:1/1}}
.learn .slot>*{{padding:0 .2em;line-height:1.7;border:1px dashed currentColor;border-radius:.25rem}}
.learn .slot>.ok{{border:2px solid #1a7f37;font-weight:700}}
.learn svg{{display:block;width:100%;max-width:40rem;height:auto;overflow:visible}}
.learn .axis{{display:flex;justify-content:space-between;max-width:40rem;font-size:.85rem}}
{frames}{{visibility:hidden}}
{chosen}{{visibility:visible}}
#learn-play:checked~.learn-stage [class^=f]{{animation:learn {total:.1f}s step-end infinite}}
{delays}{last}{{animation-name:learn-last}}
@keyframes learn{{0%{{visibility:visible}}{100 / slots:.3f}%,to{{visibility:hidden}}}}
@keyframes learn-last{{0%{{visibility:visible}}{100 * HOLD / slots:.3f}%,to{{visibility:hidden}}}}
@media (prefers-reduced-motion:reduce){{#learn-play,#learn-play+label{{display:none}}#learn-play:checked~.learn-stage [class^=f]{{animation:none}}{last}{{visibility:visible}}}}
@media print{{.learn input,.learn label{{display:none}}.learn .learn-stage [class^=f]{{animation:none!important;visibility:hidden!important}}.learn .learn-stage .f{count - 1}{{visibility:visible!important}}}}
</style>"""


def buttons() -> str:
    """The choice of the moment; playing is one of them, so that choosing another stops it."""
    lines = [
        '<input type="radio" name="learn" id="learn-play" checked>'
        '<label for="learn-play">播放</label>'
    ]
    for step in STEPS:
        lines.append(
            f'<input type="radio" name="learn" id="learn-{step}">'
            f'<label for="learn-{step}" aria-label="第 {step} 步">{step}</label>'
        )
    return "\n".join(lines)


def sentence(blank: dict) -> str:
    """A sentence with a slot that shows each step's answer; right ones look different."""
    left, after = (escape(part) for part in blank["text"].split("[MASK]"))
    spans = ""
    for number, step in enumerate(STEPS):
        filled = answer(blank, step)
        ok = " ok" if filled == blank["expected"] else ""
        spans += f'<span class="f{number}{ok}">{escape(filled)}</span>'
    return f'<li>{left}<span class="slot">{spans}</span>{after}</li>'


def picture(results: dict) -> str:
    """The whole picture as a piece of HTML.

    Args:
        results: What results/blanks_while_training.json holds.

    Raises:
        ValueError: A sentence of the picture is not in the results.
    """
    logged = results["training_loss"]
    sentences = "\n".join(sentence(blank) for blank in shown(results["blanks"]))
    says = "".join(
        f'<span class="f{number}">{caption(step, results)}</span>'
        for number, step in enumerate(STEPS)
    )
    dots = "".join(
        '<circle class="f{}" cx="{:g}" cy="{:g}" r="5" fill="#c2410c"/>'.format(
            number, *place(step, loss_before(logged, max(step, 10)))
        )
        for number, step in enumerate(STEPS)
    )
    first, final = (loss_before(logged, step) for step in (10, STEPS[-1]))
    return f"""<!-- Written by scripts/front_page.py from results/blanks_while_training.json. -->
<div class="learn" role="group" aria-label="同样的填空题，在预训练的不同步数上作答">
{style()}
{buttons()}
<div class="learn-stage">
<div class="say">{says}</div>
<ul>
{sentences}
</ul>
<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="训练损失从 {first:.2f} 降到 {final:.2f}">
<polyline points="{curve(logged)}" fill="none" stroke="currentColor" stroke-width="2"/>
{dots}
</svg>
<div class="axis"><span>损失 {first:.2f}（第 10 步）</span><span>{final:.2f}（第 {STEPS[-1]} 步）</span></div>
</div>
</div>
"""


def write_picture() -> bool:
    """Write the picture; whether the file changed."""
    new = picture(json.loads(RESULTS.read_text("utf-8")))
    if PICTURE.exists() and PICTURE.read_text("utf-8") == new:
        return False
    PICTURE.write_text(new, "utf-8", newline="\n")
    return True
