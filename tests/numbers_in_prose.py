"""The rule that a number on a page comes out of the code above it, or from facts.yml.

Numbers it looks at: percentages, decimals, anything of three or more digits. A number is
backed by an equal number in a stored output (1,500 is 1500, 87.5% is 0.875, 110M is 1.1 亿)
unless the code of that cell holds it as a literal: printing a number proves nothing.
"""

import re
from decimal import Decimal

import yaml
from notebooks import CHAPTERS, code_cells, markdown_cells, output_text, prose, setup_index

NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(?<![A-Za-z]-)"  # not within a name: T5, GPT-3.5, fp16
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?P<power>[eE][-+]?\d+)?"
    r"[ ]?(?P<unit>%|个百分点|万亿|亿|万|[kKMB](?![A-Za-z]))?"
)
SCALES = {"万": 10**4, "亿": 10**8, "万亿": 10**12, "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9}
PERCENT = ("%", "个百分点")

# 2019 is a year; 2,000 and 2000 条 are not.
COUNTED = "条个篇步次字词句类维层行例则种倍万亿份秒%"
YEAR = re.compile(rf"(?<![\d.,])(?:19|20)\d\d(?![\d.,]*\d)(?!\s*[{COUNTED}kKMB])")
SECTION = re.compile(
    r"^#{1,6}\s+\d+(?:\.\d+)*(?=\s)|第\s*\d+(?:\.\d+)*\s*[章节]|\d+(?:\.\d+)+\s*节|[图表式]\s*\d+(?:\.\d+)*",
    re.M,
)
ARXIV = re.compile(r"arXiv[:\s]*\d{4}\.\d{4,5}", re.I)

# The line on costs before the setup cell is held against results/times.json (test_times.py).
SECONDS = re.compile(r"运行[^，。；、\d\n]{0,12}(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>秒|分钟)")
MEMORY = re.compile(r"内存[^，。；、\d\n]{0,12}(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>GB|GiB|MB|MiB)")


def load_facts(path=None):
    """Return the entries of chapters/facts.yml, for a notebook's path only those it may quote."""
    facts = yaml.safe_load((CHAPTERS / "facts.yml").read_text(encoding="utf-8"))
    number = re.match(r"(\d\d)_", path.name) if path else None
    if number is None:
        return facts
    return [fact for fact in facts if int(number[1]) in fact.get("chapters", [int(number[1])])]


def plain_number(match):
    """Return the value of a number, its power of ten and its scale included, unit % aside."""
    value = Decimal(match["digits"].replace(",", "") + (match["power"] or ""))
    return (value * SCALES.get(match["unit"], 1)).normalize()


def clean(text):
    """Bring the ways of writing a number down to one."""
    text = text.translate(str.maketrans("０１２３４５６７８９．％", "0123456789.%"))
    text = re.sub(r"(?<=\d)_(?=\d{3})", "", text)  # 1_500 in code
    return text.replace("{,}", ",").replace("\\%", "%").replace(" 个百分点", "个百分点")


def values(text):
    """Return the set of values that stand in a text; a percentage counts as both its forms."""
    found = set()
    for match in NUMBER.finditer(clean(text)):
        value = plain_number(match)
        found.add(value)
        if match["unit"] in PERCENT:
            found.add((value / 100).normalize())
    return found


def backed_values(notebooks):
    """Return the values that the outputs of the notebooks show and did not get as literals."""
    backed = set()
    for notebook in notebooks:
        for cell in code_cells(notebook):
            shown = values("\n".join(output_text(output) for output in cell.outputs))
            literals = values(cell.source)
            # 0.875 in the code may come out as 87.5%.
            backed |= shown - literals - {(each * 100).normalize() for each in literals if each % 1}
    return backed


def unbacked(markdown, backed, facts):
    """Return the numbers in a Markdown text that neither outputs nor facts account for.

    facts: entries of facts.yml. One that is more than a number ("SQuAD 1.1") is a name, and
    exempt as a whole.
    """
    text = clean(prose(markdown))
    for name in (str(fact["value"]) for fact in facts):
        if not NUMBER.fullmatch(name):
            text = text.replace(name, " ")
    for exempt in (SECTION, ARXIV, YEAR):
        text = exempt.sub(" ", text)
    known = backed | {value for fact in facts for value in values(str(fact["value"]))}
    return [
        match[0].strip()
        for match in NUMBER.finditer(text)
        if needs_backing(match) and not accepted(match) & known
    ]


def needs_backing(match):
    """Tell whether a number is a percentage, a decimal, or of three or more digits."""
    digits = match["digits"]
    whole = len(digits.split(".")[0].replace(",", ""))
    return match["unit"] in PERCENT or "." in digits or match["power"] or whole >= 3


def accepted(match):
    """Return the values that would back a number of the prose."""
    value = plain_number(match)
    if match["unit"] not in PERCENT:
        return {value}
    fraction = (value / 100).normalize()
    # 87.5% may be printed as 87.5 under a heading in percent; a bare 15 proves no 15%.
    return {fraction, value} if "." in match["digits"] else {fraction}


def unbacked_numbers(notebook, facts):
    """Rule: every number in a notebook's prose occurs in its stored outputs or in facts.yml."""
    backed = backed_values([notebook])
    end_of_intro = setup_index(notebook) or 0
    intro = {id(cell) for cell in notebook.cells[:end_of_intro]}
    violations = []
    for cell in markdown_cells(notebook):
        text = cell.source
        if id(cell) in intro:
            text = MEMORY.sub(" ", SECONDS.sub(" ", text))
        violations += [
            f"{cell.id}: {number} stands in no stored output and not in facts.yml"
            for number in unbacked(text, backed, facts)
        ]
    return violations
