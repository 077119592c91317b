"""The cards that chats show of a link, one a page: its title and a line of its own, as PNG.

Drawn by a browser, since nothing else sets Chinese as well; 64 colours make them small. Each holds
the title it was drawn with, so that a test can tell a card that is out of date.
"""

import io
import json
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from PIL import Image, PngImagePlugin

from book.files import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

CARDS = ROOT / "site_assets/static/cards"
SIZE = (1200, 630)
COLOURS = 64
# What stands below the title, in boxes; with a * the box that the eye goes to. Words alone: → ≈.
LINES = {
    "01_why_pretraining": "海量文字 → *预训练 → 微调",
    "02_bert_architecture": "[CLS] 狗 咬 *人 [SEP]",
    "03_mlm_and_nsp": "央 行 下 调 *[MASK] 率",
    "04_hugging_face": "Trans ##form *##ers 与 中 文 [UNK]",
    "05_thucnews": "主 队 加 时 绝 杀 → *体育",
    "06_imdb": "not bad at all → *褒",
    "07_t5_text_to_text": "今天 *<extra_id_0> 带伞 → 下雨",
    "08_bert_gpt_t5": "BERT *GPT T5",
    "09_more_tasks": "老 周 在 *青 *岛 → LOC",
    "09_pairs_and_search": "会议推迟了 ≈ *会改期了",
    "own_data": "留言.xlsx → 体检 → *分类器",
    "10_faster_and_smaller": "12层 → 2层 → *int8",
    "11_bert_family": "RoBERTa ALBERT *MacBERT ELECTRA",
    "12_error_clinic": "IndexError → 病因 → *药方",
    "demos": "今 天 天 气 很 *[MASK]",
    "faq": "损失不降？ → *先背八条",
    "teaching": "一章 → 作业 → *评分",
    "scoreboard": "TF-IDF BERT *谁赢？",
    "glossary": "token = *词元",
    "references": "word2vec Transformer *BERT",
}
PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>
* {{ box-sizing: border-box; margin: 0 }}
body {{ width: 1200px; height: 630px; padding: 72px; background: #152f4f; color: #fff;
  font-family: "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif }}
.book {{ font-size: 30px; color: #c5d8f5 }}
h1 {{ margin-top: 28px; font-size: {size}px; line-height: 1.3; font-weight: 700 }}
.line {{ position: absolute; left: 72px; bottom: 72px; display: flex; align-items: center; gap: 14px }}
.line span {{ height: 92px; padding: 0 22px; border-radius: 12px; background: #1f5fc4;
  font-size: 44px; line-height: 92px }}
.line .code {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 36px }}
.line .seen {{ background: #ffb000; color: #152f4f }}
.line .sign {{ padding: 0; background: none }}
</style><p class="book">{book}</p><h1>{title}</h1><p class="line">{line}</p>"""


def pages(root: Path = ROOT) -> list[str]:
    """The pages that have a card of their own: all but the first, which has the book's."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    return [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]


def title_of(page: str, root: Path = ROOT) -> str:
    """A page's own heading."""
    path = root / f"{page}.ipynb"
    if path.is_file():
        cells = json.loads(path.read_text("utf-8"))["cells"]
        text = "".join(next(cell for cell in cells if cell["cell_type"] == "markdown")["source"])
    else:
        text = (root / f"{page}.md").read_text("utf-8")
    return re.search(r"^# (.+)$", text, re.M)[1].replace("`", "").strip()


def boxes(line: str) -> str:
    """A line of boxes as HTML."""
    made = []
    for word in line.split():
        kinds = ["sign"] if word in "→≈=" else ["code"] if re.search(r"[_\[<#]", word) else []
        kinds += ["seen"] if word.startswith("*") else []
        made.append(f'<span class="{" ".join(kinds)}">{escape(word.lstrip("*"))}</span>')
    return "".join(made)


def html_of(page: str, root: Path = ROOT) -> str:
    """A card before it is drawn."""
    config = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
    title = title_of(page, root)
    head, _, rest = title.partition("：")
    broken = f"{escape(head)}<br>{escape(rest)}" if rest else escape(title)
    longest = max(len(re.sub(r"[ -~]{2}", "x", part)) for part in (head, rest))
    size = min(76, 1040 // max(1, longest))
    line = boxes(LINES.get(page.split("/")[-1], ""))
    return PAGE.format(book=escape(config["title"]), title=broken, size=size, line=line)


def small_png(picture: bytes, title: str) -> bytes:
    """A picture in few colours, with the title noted in it."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.quantize(COLOURS, dither=Image.Dither.NONE)
    note, made = PngImagePlugin.PngInfo(), io.BytesIO()
    note.add_itxt("Title", title)
    image.save(made, "PNG", optimize=True, pnginfo=note)
    return made.getvalue()


def draw(window: "Page", page: str, root: Path = ROOT) -> bytes:
    """A page's card, drawn in a window of a browser."""
    window.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
    window.set_content(html_of(page, root))
    return small_png(window.screenshot(), title_of(page, root))
