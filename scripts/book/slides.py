"""A chapter as slides: its headings, points, questions and figures, one HTML file, nothing fetched.

Plain HTML rather than reveal.js through nbconvert, which shows whole notebooks, cell by cell, and
asks another host for its script unless half a megabyte of it lies beside.
"""

import base64
import re
import shutil
from html import escape
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode

from book.files import ROOT

SLIDES = ROOT / "_build/slides"
MATHJAX = ROOT / "site_assets/static/mathjax"
POINTS = 5  # on one slide
ROWS = 22  # of a table on one slide
FIGURE = re.compile(r"<svg|<table|role=.figure|<img", re.I)
LOCAL_LINK = re.compile(r"\[([^\]]*)\]\((?!https?://)[^)]*\)")
HEADING = re.compile(r"^(#{1,3}) +(.+)$", re.M)
NOT_SHOWN = ("延伸阅读",)
STYLE = """
:root{color-scheme:light dark}
*{box-sizing:border-box}
html{scroll-snap-type:y mandatory;font-size:clamp(16px,2.2vw,30px)}
body{margin:0;font-family:system-ui,"PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC",sans-serif;line-height:1.6}
section{min-height:100vh;padding:1.5rem 6vw 3rem;scroll-snap-align:start;display:flex;flex-direction:column;justify-content:center;overflow-wrap:anywhere}
h1{font-size:2rem}h2{font-size:1.5rem;margin:0 0 1rem}
section>*{max-width:100%}
.figure{overflow-x:auto}.figure svg,.figure img{max-width:100%;height:auto;max-height:75vh}
.figure img{background:#fff;padding:.5rem}
table{border-collapse:collapse;font-size:.8em;line-height:1.3}td,th{padding:.1em .6em;border-bottom:1px solid #8888}
.ask{border-left:.3rem solid;padding-left:1rem}
footer{position:fixed;right:1rem;bottom:.4rem;font-size:.6rem;opacity:.7}
@media print{html{font-size:14px}.figure{zoom:1!important}section{min-height:auto;break-after:page}footer{display:none}}
"""
SCRIPT = """
const slides=[...document.querySelectorAll("section")];let now=0;
const show=(to)=>{now=Math.max(0,Math.min(slides.length-1,to));slides[now].scrollIntoView();note()};
const note=()=>{document.querySelector("footer").textContent=`${now+1} / ${slides.length}`};
const watch=new IntersectionObserver((seen)=>{for(const each of seen)if(each.isIntersecting){now=slides.indexOf(each.target);note()}},{threshold:.5});
slides.forEach((each)=>watch.observe(each));
addEventListener("keydown",(key)=>{
  const step={ArrowRight:1,PageDown:1," ":1,ArrowLeft:-1,PageUp:-1}[key.key];
  if(step){key.preventDefault();show(now+step)}
  if(key.key==="Home")show(0);if(key.key==="End")show(slides.length-1);
});
// What is taller than the window is drawn smaller, so that its last row is seen: a figure as a
// whole, after its boxes have been set in two columns where that helps, then the words.
const fit=()=>{for(const slide of slides){
  const figure=slide.querySelector(".figure"),over=()=>slide.scrollHeight-innerHeight;
  slide.style.fontSize="";
  if(figure){
    let zoom=figure.style.zoom=1;figure.style.columns="";
    if(over()>.7*innerHeight&&!figure.querySelector("svg,img,table"))figure.style.columns=2;
    for(let turn=0;turn<4;turn++){  // what is zoomed breaks its lines elsewhere
      const tall=figure.offsetHeight*zoom;
      if(over()>0)figure.style.zoom=zoom=Math.max(.45,zoom*(tall-over())/tall);
    }
  }
  for(let size=.95;over()>0&&size>.5;size-=.05)slide.style.fontSize=`${size}em`;
}};
fit();addEventListener("resize",fit);
note();
"""


def renderer() -> MarkdownIt:
    """Markdown to HTML; formulas are left for MathJax, raw HTML is shown as text."""
    return (
        MarkdownIt("commonmark", {"html": False})
        .enable("table")
        .use(
            dollarmath_plugin,
            renderer=lambda content, options: (
                rf"\[{escape(content)}\]" if options["display_mode"] else rf"\({escape(content)}\)"
            ),
        )
    )


def points_of(text: str) -> str:
    """The points of a text, as Markdown: its first sentences, then list items, then questions."""
    text = re.sub(r"^#+ [^\n]*$|^```.*?^```$|<[^>]+>", "", text, flags=re.M | re.S)
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    lists = [part for part in paragraphs if re.match(r"([-*]|\d+\.) ", part)]
    items = [re.sub(r"^([-*]|\d+\.) ", "", line) for part in lists for line in part.splitlines()]
    plain = [part for part in paragraphs if re.match(r"[\w「《*`]", part) and part not in lists]
    first = re.findall(r"[^。！？]*[。！？]", plain[0])[:2] if plain else []
    asked = [part for part in paragraphs if part.startswith("✏️")]
    said = ["".join(first)] if first else []
    listed = ["\n".join(f"- {item}" for item in items[:POINTS])] if items else []
    return "\n\n".join(said + listed + [f"> {part}" for part in asked])


def figures_of(cell: NotebookNode) -> list[str]:
    """The figures and tables among a cell's outputs, as HTML without scripts."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if FIGURE.search(data.get("text/html", "")):
            found.append(re.sub(r"<script\b.*?</script>", "", data["text/html"], flags=re.S))
        elif "image/svg+xml" in data:
            found.append(data["image/svg+xml"])
        elif "image/png" in data:
            source = base64.b64encode(base64.b64decode(data["image/png"])).decode()
            found.append(f'<img alt="{escape(alt)}" src="data:image/png;base64,{source}">')
    return found


def parts_of(figure: str) -> list[str]:
    """A figure, or a long table in parts that each repeat its head.

    A table whose rows belong together, by a `rowspan` or a row that names a group, stays whole.
    """
    table = re.fullmatch(r"(.*<tbody[^>]*>)(.*)(</tbody>.*)", figure, re.S)
    rows = re.findall(r"<tr\b.*?</tr>", table[2], re.S) if table else []
    if len(rows) <= ROWS or figure.count("<tbody") > 1 or re.search("rowspan|rowgroup", figure):
        return [figure]
    count = -(-len(rows) // ROWS)
    size = -(-len(rows) // count)
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [table[1] + "".join(part) + table[3] for part in parts]


def slides_of(notebook: NotebookNode) -> list[str]:
    """The slides of a chapter: the insides of their `<section>`s."""
    markdown = renderer()
    made, heading, skipped = [], "", False
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and not cell.id.startswith("ex-"):
            text = LOCAL_LINK.sub(r"\1", cell.source)
            match = HEADING.search(text)
            if match:
                heading = match[2]
                skipped = heading.endswith(NOT_SHOWN)
                level = 1 if match[1] == "#" else 2
                top = f"<h{level}>{markdown.renderInline(heading)}</h{level}>"
                if heading.endswith("练习"):
                    titles = [
                        each.source.splitlines()[0].lstrip("# ")
                        for each in notebook.cells
                        if re.fullmatch(r"ex-\d\d-\d+-prompt", each.id)
                    ]
                    made.append(top + markdown.render("\n".join(f"- {each}" for each in titles)))
                elif not skipped:
                    made.append(top + markdown.render(points_of(text)))
            elif "✏️" in text and not skipped:
                questions = points_of(text)
                asked = "\n\n".join(p for p in questions.split("\n\n") if p.startswith("> ✏️"))
                if asked:
                    made.append(
                        f'<h2>{markdown.renderInline(heading)}</h2><div class="ask">'
                        f"{markdown.render(asked)}</div>"
                    )
        elif cell.cell_type == "code" and not cell.id.startswith("ex-") and not skipped:
            hidden = {"remove-cell", "setup"} & set(cell.metadata.get("tags", []))
            figures = [] if hidden else figures_of(cell)
            made += [
                f'<h2>{markdown.renderInline(heading)}</h2><div class="figure">{part}</div>'
                for figure in figures
                for part in parts_of(figure)
            ]
    return made


def page(notebook: NotebookNode) -> str:
    """The whole file of a chapter's slides."""
    sections = "\n".join(f"<section>{inside}</section>" for inside in slides_of(notebook))
    title = re.search(r"^# (.+)$", notebook.cells[0].source, re.M)[1]
    mathjax = ""
    if re.search(r"\\\(|\\\[", sections):
        mathjax = (
            "<script>window.MathJax={options:{enableMenu:false}}</script>"
            '<script defer src="mathjax/tex-chtml.js"></script>'
        )
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>{mathjax}</head>\n"
        f"<body>\n{sections}\n<footer></footer>\n<script>{SCRIPT}</script>\n</body></html>\n"
    )


def write_slides(path: Path) -> Path:
    """Write a chapter's slides, and MathJax beside them; returns the file."""
    SLIDES.mkdir(parents=True, exist_ok=True)
    target = SLIDES / f"{path.stem}.html"
    target.write_text(page(nbformat.read(path, 4)), "utf-8", newline="\n")
    shutil.copytree(MATHJAX, SLIDES / "mathjax", dirs_exist_ok=True)
    return target
