"""Things to play with in Jupyter and Colab: masking, attention, tokenisation.

masking_playground(tokenizer, "国足主场三比一取胜。")

Each widget moves a picture of `utils.token_figures`, and carries that picture with it: where no
front end draws widgets (the website, a printed page), the picture and one line are shown instead.
"""

import html

import ipywidgets
from IPython.display import HTML
from ipywidgets import Button, IntSlider, Text, ToggleButtons
from torch import nn
from transformers import PreTrainedTokenizerBase

from utils.token_figures import attention_figure, masking_figure, note, tokens_figure
from utils.token_reading import TextProblem, read_attention

__all__ = ["attention_explorer", "masking_playground", "tokenizer_explorer"]

STATIC_LINE = "在 Jupyter 或 Colab 里运行这一格，会出现可以拖动的控件。"
WIDE = {"style": {"description_width": "initial"}, "layout": {"width": "min(34em, 98%)"}}


class Explorer(ipywidgets.VBox):
    """Controls over a picture that is drawn anew whenever one of them changes.

    `controls` (name → widget) may be set from Python as well; `picture.value` is the HTML.
    """

    def __init__(self, controls: dict[str, ipywidgets.Widget], draw):
        """`draw` takes the controls' values by name and returns HTML."""
        self.controls, self.draw = controls, draw
        self.picture = ipywidgets.HTML()
        super().__init__([*controls.values(), self.picture])
        for control in controls.values():
            if isinstance(control, Button):
                control.presses = 0
                control.on_click(self._press)
            else:
                control.observe(self.redraw, "value")
        self.redraw()

    def _press(self, button):
        button.presses += 1
        self.redraw()

    def redraw(self, _: object = None) -> None:
        """Draw the picture of the controls' present values, or say what hinders."""
        values = {
            name: control.presses if isinstance(control, Button) else control.value
            for name, control in self.controls.items()
        }
        try:
            self.picture.value = self.draw(**values).data
        except TextProblem as problem:
            self.picture.value = note(str(problem)).data

    def _repr_mimebundle_(self, **kwargs):
        """The live widget and, for pages without a kernel, its picture: the front end chooses."""
        line = f"<p>▶ {html.escape(STATIC_LINE)}</p>"
        return super()._repr_mimebundle_(**kwargs) | {
            "text/html": f"<div>{self.picture.value}{line}</div>",
            "text/plain": STATIC_LINE,
        }


def masking_playground(tokenizer: PreTrainedTokenizerBase, text: str) -> Explorer:
    """Mask a text by rate, by shares and by unit, again and again, and see what was counted."""
    controls = {
        "text": _text_box("文字", text),
        "unit": ToggleButtons(
            options=[("单个词元", "token"), ("全词", "word"), ("连续片段", "span")],
            description="一起选的是",
            style={"button_width": "6em", "description_width": "initial"},
        ),
        "rate": IntSlider(15, 0, 100, description="选中的比例 %", **WIDE),
        "mask_share": IntSlider(80, 0, 100, description="选中的里面，变成 [MASK] %", **WIDE),
        "random_share": IntSlider(10, 0, 20, description="选中的里面，换成随机词元 %", **WIDE),
        "seed": Button(description="重新抽样", icon="refresh"),
    }

    def leave_room(change):
        # The rest stays unchanged: a slider that cannot go too far needs no error message.
        controls["random_share"].max = 100 - change["new"]

    controls["mask_share"].observe(leave_room, "value")

    def draw(rate, mask_share, random_share, **others):
        random_share = min(random_share, 100 - mask_share)
        return masking_figure(
            tokenizer,
            rate=rate / 100,
            mask_share=mask_share / 100,
            random_share=random_share / 100,
            **others,
        )

    return Explorer(controls, draw)


def attention_explorer(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, text_a: str, text_b: str | None = None
) -> Explorer:
    """Choose a layer, a head and a token, and see what the token attends to.

    Works with models of transformers and of utils.bert; layers and heads count from 0. `text_b`
    may be left empty. The model runs once for each new text.
    """
    controls = {
        "text_a": _text_box("文字 A", text_a),
        "text_b": _text_box("文字 B", text_b or ""),
        "layer": IntSlider(0, 0, 0, description="层（从 0 数）", **WIDE),
        "head": IntSlider(0, 0, 0, description="头（从 0 数）", **WIDE),
        "query": ToggleButtons(
            description="点一个词元", style={"button_width": "auto", "description_width": "initial"}
        ),
    }
    seen = {}  # the texts that the model read last, their tokens and weights

    def read(text_a, text_b):
        if seen.get("texts") == (text_a, text_b):
            return
        tokens, weights = read_attention(model, tokenizer, text_a, text_b or None)
        seen.update(texts=(text_a, text_b), tokens=tokens, weights=weights)
        # Choosing the first token may redraw at once, which finds these texts read.
        controls["query"].options = [(token, place) for place, token in enumerate(tokens)]
        controls["query"].index = 0
        controls["layer"].max, controls["head"].max = weights.shape[0] - 1, weights.shape[1] - 1

    def draw(text_a, text_b, layer, head, query):
        read(text_a, text_b)
        query = controls["query"].value  # which new texts have just changed
        weights, title = seen["weights"][layer, head], f"第 {layer} 层第 {head} 头"
        bars = attention_figure(seen["tokens"], weights[query], query, title)
        everyone = attention_figure(seen["tokens"], weights, query, title)
        return HTML(f"{bars.data}<hr>{everyone.data}")

    return Explorer(controls, draw)


def tokenizer_explorer(tokenizer: PreTrainedTokenizerBase, text: str) -> Explorer:
    """Type a text and see its characters, pieces, ids and offsets, with [UNK] marked."""
    return Explorer({"text": _text_box("文字", text)}, lambda text: tokens_figure(tokenizer, text))


def _text_box(name: str, text: str) -> Text:
    """A line to type in; what is typed counts once the learner presses Enter or leaves it."""
    shown = text if isinstance(text, str) else ""  # read_pieces will say that it needs a text
    layout = {"width": "min(46em, 98%)"}  # as wide as the picture: a sentence shows whole
    return Text(shown, description=name, continuous_update=False, **WIDE | {"layout": layout})
