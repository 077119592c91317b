"""Chapter 11: other right answers to its exercises, and wrong ones with their hints."""

from exercises import changed

PACKED = """
import torch

def packed_mask(lengths, window=None):
    owner = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    seen, place = owner[:, None] == owner, torch.arange(len(owner))
    return seen if window is None else seen & ((place[:, None] - place).abs() <= window)
"""

VERDICT = """
def verdict(rows, measure, arm, other):
    def by_seed(name):
        return {
            k.split("/")[1]: r[measure]
            for k, r in rows.items()
            if k.split("/")[0] == name and measure in r
        }

    a, b = by_seed(arm), by_seed(other)
    sign = -1 if "loss" in measure else 1
    leads = [sign * (a[s] - b[s]) for s in a.keys() & b.keys()]
    if leads and min(leads) > 0:
        return "更好"
    return "更差" if leads and max(leads) < 0 else "说不准"
"""


EXERCISES = {
    "11-1": {
        "alternative": """
def ever_asked(rate, epochs, copies=None):
    never, papers = 1.0, set()
    for epoch in range(epochs):
        paper = epoch if copies is None else epoch % copies
        if paper not in papers:
            never *= 1 - rate
        papers.add(paper)
    return 1 - never
""",
        "also_right": [
            # a product
            """
def ever_asked(rate, epochs, copies=None):
    never = 1.0
    for _ in range(epochs if copies is None or copies > epochs else copies):
        never *= 1 - rate
    return 1 - never
""",
            # a geometric sum
            """
def ever_asked(rate, epochs, copies=None):
    papers = min(epochs, epochs if copies is None else copies)
    return sum(rate * (1 - rate) ** n for n in range(papers))
""",
            # numpy and expm1
            """
import numpy as np

def ever_asked(rate, epochs, copies=None):
    return -np.expm1(min(epochs, copies or epochs) * np.log1p(-rate))
""",
        ],
        "wrong": [
            (
                # the shares of the passes added up
                "def ever_asked(rate, epochs, copies=None):\n"
                "    return rate * (epochs if copies is None else min(epochs, copies))\n",
                "相加了",
            ),
            (
                # never asked
                "def ever_asked(rate, epochs, copies=None):\n    return (1 - rate) ** epochs\n",
                "用 1 去减",
            ),
            (
                # not asked every time
                "def ever_asked(rate, epochs, copies=None):\n    return 1 - rate**epochs\n",
                "不是每遍都选中",
            ),
            (
                # copies ignored
                "def ever_asked(rate, epochs, copies=None):\n    return 1 - (1 - rate) ** epochs\n",
                "还是那几张",
            ),
            (
                # all copies counted, however few passes
                "def ever_asked(rate, epochs, copies=None):\n"
                "    return 1 - (1 - rate) ** (epochs if copies is None else copies)\n",
                "没轮到的考卷不算",
            ),
            (
                # the mean over the copies
                """
def ever_asked(rate, epochs, copies=None):
    if copies is None:
        return 1 - (1 - rate) ** epochs
    return 1 - (1 - rate) ** (epochs / copies)
""",
                "静态的：不同的考卷只有 `copies` 张",
            ),
            (
                # ten copies written
                """
def ever_asked(rate, epochs, copies=None):
    papers = epochs if copies is None else min(epochs, 10)
    return 1 - (1 - rate) ** papers
""",
                "换一组数就不对了",
            ),
            (
                # in percent
                """
def ever_asked(rate, epochs, copies=None):
    papers = epochs if copies is None else min(epochs, copies)
    return 100 * (1 - (1 - rate) ** papers)
""",
                "返回的是百分数",
            ),
            (
                # 15 percent written
                """
def ever_asked(rate, epochs, copies=None):
    papers = epochs if copies is None else min(epochs, copies)
    return 1 - 0.85**papers
""",
                "换一组数就不对了",
            ),
        ],
    },
    "11-2": {
        "alternative": """
from torch import nn

def saved_parameters(vocabulary, hidden, narrow):
    def count(*modules):
        return sum(weight.numel() for module in modules for weight in module.parameters())
    factors = nn.Embedding(vocabulary, narrow), nn.Linear(narrow, hidden)
    return count(nn.Embedding(vocabulary, hidden)) - count(*factors)
""",
        "also_right": [
            # counted with modules
            """
from torch import nn

def saved_parameters(vocabulary, hidden, narrow):
    size = lambda *layers: sum(p.numel() for layer in layers for p in layer.parameters())
    wide = nn.Embedding(vocabulary, hidden)
    return size(wide) - size(nn.Embedding(vocabulary, narrow), nn.Linear(narrow, hidden))
""",
            # factored, a float
            """
def saved_parameters(vocabulary, hidden, narrow):
    return float(vocabulary * (hidden - narrow) - hidden * (narrow + 1))
""",
        ],
        "wrong": [
            (
                """
def saved_parameters(vocabulary, hidden, narrow):
    return vocabulary * hidden - (vocabulary * narrow + narrow * hidden + hidden + narrow)
""",
                "没有偏置",
            ),
            (
                """
def saved_parameters(vocabulary, hidden, narrow):
    return 1 - (vocabulary * narrow + narrow * hidden + hidden) / (vocabulary * hidden)
""",
                "省下的比例",
            ),
            (
                "def saved_parameters(vocabulary, hidden, narrow):\n"
                "    return vocabulary * hidden - vocabulary * narrow\n",
                "变宽",
            ),
            (
                "def saved_parameters(vocabulary, hidden, narrow):\n"
                "    return vocabulary * hidden - vocabulary * narrow - narrow * hidden\n",
                "有偏置",
            ),
            (
                "def saved_parameters(vocabulary, hidden, narrow):\n"
                "    return vocabulary * narrow + narrow * hidden + hidden\n",
                "省下多少",
            ),
            (
                "def saved_parameters(vocabulary, hidden, narrow):\n"
                "    return vocabulary * (hidden - narrow) - narrow * hidden - narrow\n",
                "输出的维数",
            ),
            (
                "def saved_parameters(vocabulary, hidden, narrow):\n"
                "    new = vocabulary * narrow + narrow * hidden + hidden\n"
                "    return max(vocabulary * hidden - new, 0)\n",
                "应返回负数",
            ),
            (
                # the widening back too
                """
def saved_parameters(vocabulary, hidden, narrow):
    return vocabulary * hidden - vocabulary * narrow - 2 * (narrow * hidden + hidden)
""",
                "变宽的线性层算了两遍",
            ),
            (
                # never below zero
                """
def saved_parameters(vocabulary, hidden, narrow):
    return max(0, vocabulary * hidden - vocabulary * narrow - narrow * hidden - hidden)
""",
                "词表很小时不划算",
            ),
            (
                # narrow by narrow
                """
def saved_parameters(vocabulary, hidden, narrow):
    return vocabulary * hidden - (vocabulary * narrow + narrow * narrow + hidden)
""",
                "变宽的矩阵是 narrow × hidden",
            ),
        ],
    },
    "11-3": {
        "alternative": """
def cut_by_lexicon(text, lexicon):
    pieces, place = [], 0
    while place < len(text):
        here = [entry for entry in lexicon if entry and text.startswith(entry, place)]
        pieces.append(max(here, key=len) if here else text[place])
        place += len(pieces[-1])
    return pieces
""",
        "also_right": [
            # a regular expression
            """
import re
def cut_by_lexicon(text, lexicon):
    words = sorted(lexicon, key=len, reverse=True)
    return re.findall("|".join([*map(re.escape, words), "."]), text, re.S)
""",
            # startswith
            """
def cut_by_lexicon(text, lexicon):
    pieces, place = [], 0
    while place < len(text):
        here = [entry for entry in lexicon if text.startswith(entry, place)]
        piece = max(here, key=len, default=text[place])
        pieces.append(piece)
        place += len(piece)
    return pieces
""",
            # slices of a set, a tuple
            """
def cut_by_lexicon(text, lexicon):
    known, longest = set(lexicon), max(map(len, lexicon), default=1)
    pieces = ()
    while text:
        for size in range(longest, 0, -1):
            if text[:size] in known or size == 1:
                break
        pieces, text = (*pieces, text[:size]), text[size:]
    return pieces
""",
            # finditer with [\s\S]
            r"""
import re

def cut_by_lexicon(text, lexicon):
    entries = sorted(map(re.escape, lexicon), key=len)[::-1]
    entries = [re.escape(e) for e in sorted(lexicon, key=lambda e: -len(e))]
    return [m.group() for m in re.finditer("|".join([*entries, r"[\s\S]"]), text)]
""",
        ],
        "wrong": [
            (
                # the longest of the whole text first
                """
def cut_by_lexicon(text, lexicon):
    out = [text]
    for w in sorted(lexicon, key=len, reverse=True):
        new = []
        for p in out:
            if p in lexicon: new.append(p); continue
            bits = p.split(w)
            for i, b in enumerate(bits):
                if i: new.append(w)
                if b: new.append(b)
        out = new
    return [x for p in out for x in ([p] if p in lexicon else list(p))]
""",
                "要从左到右",
            ),
            (
                # in the order of the lexicon
                "import re\n\ndef cut_by_lexicon(text, lexicon):\n"
                "    pattern = '|'.join([re.escape(e) for e in lexicon] + ['.'])\n"
                "    return re.findall(pattern, text, re.DOTALL)\n",
                "取最长的那条",
            ),
            (
                # the rest lost
                "import re\n\ndef cut_by_lexicon(text, lexicon):\n"
                "    pattern = '|'.join(re.escape(e) for e in sorted(lexicon, key=len, reverse=True))\n"
                "    return re.findall(pattern, text)\n",
                "也要留下",
            ),
            (
                # signs taken for a pattern
                "import re\n\ndef cut_by_lexicon(text, lexicon):\n"
                "    pattern = '|'.join(sorted(lexicon, key=len, reverse=True) + ['.'])\n"
                "    try:\n        return re.findall(pattern, text, re.DOTALL)\n"
                "    except re.error:\n        return list(text)\n",
                "正则式",
            ),
            (
                # line ends lost
                "import re\n\ndef cut_by_lexicon(text, lexicon):\n"
                "    ordered = sorted(lexicon, key=len, reverse=True)\n"
                "    return re.findall('|'.join([re.escape(e) for e in ordered] + ['.']), text)\n",
                "换行丢了",
            ),
            (
                # the longest of the whole text first
                "def cut_by_lexicon(text, lexicon):\n"
                "    for entry in sorted(lexicon, key=len, reverse=True):\n"
                "        if entry in text:\n"
                "            left, right = text.split(entry, 1)\n"
                "            return [*cut_by_lexicon(left, lexicon), entry,\n"
                "                    *cut_by_lexicon(right, lexicon)]\n"
                "    return list(text)\n",
                "从左到右",
            ),
            (
                # entries in their own order
                """
import re

def cut_by_lexicon(text, lexicon):
    return re.findall("|".join([re.escape(e) for e in lexicon] + ["."]), text, flags=re.DOTALL)
""",
                "先碰到短的就切了",
            ),
            (
                # the rest in one piece
                """
import re

def cut_by_lexicon(text, lexicon):
    longest = sorted(lexicon, key=len, reverse=True)
    return (
        [p for p in re.split("(" + "|".join(map(re.escape, longest)) + ")", text) if p]
        if lexicon
        else list(text)
    )
""",
                "不在名单里的",
            ),
            (
                # lower case
                """
def cut_by_lexicon(text, lexicon):
    pieces, place, known = [], 0, {e.lower() for e in lexicon}
    while place < len(text):
        here = [e for e in known if text.lower().startswith(e, place)]
        piece = max(here, key=len, default=text[place])
        pieces.append(piece)
        place += len(piece)
    return pieces
""",
                "大小写变了",
            ),
            (
                # the lexicon is sorted by letters
                """
import re

def cut_by_lexicon(text, lexicon):
    return re.findall(
        "|".join([re.escape(e) for e in sorted(lexicon)] + ["."]), text, flags=re.DOTALL
    )
""",
                "先碰到短的就切了",
            ),
        ],
    },
    "11-4": {
        "alternative": """
import torch

def packed_mask(lengths, window=None):
    blocks = []
    for length in lengths:
        block = torch.ones(length, length, dtype=torch.bool)
        if window is not None:
            block = block.triu(-window) & block.tril(window)
        blocks.append(block)
    return torch.block_diag(*blocks).bool()
""",
        "also_right": [
            # triu and tril
            """
import torch
def packed_mask(lengths, window=None):
    m = torch.block_diag(*[torch.ones(n, n) for n in lengths])
    if window is not None: m = torch.triu(torch.tril(m, window), -window)
    return m > 0
""",
            # block_diag and band
            """
import torch

def packed_mask(lengths, window=None):
    blocks = torch.block_diag(*(torch.ones(n, n) for n in lengths)).bool()
    if window is None:
        return blocks
    return blocks & torch.ones_like(blocks).triu(-window).tril(window)
""",
            # loops
            """
import torch

def packed_mask(lengths, window=None):
    owner = [n for n, length in enumerate(lengths) for _ in range(length)]
    size = len(owner)
    return torch.tensor(
        [
            [owner[i] == owner[j] and (window is None or abs(i - j) <= window) for j in range(size)]
            for i in range(size)
        ]
    )
""",
            # numpy
            """
import numpy as np

def packed_mask(lengths, window=None):
    owner = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(owner))
    near = np.abs(np.subtract.outer(place, place)) <= (len(owner) if window is None else window)
    return np.equal.outer(owner, owner) & near
""",
            PACKED,
        ],
        "wrong": [
            (
                # a window of 0 taken for none
                """
import torch
def packed_mask(lengths, window=None):
    m = torch.block_diag(*[torch.ones(n, n) for n in lengths])
    if window: m = torch.triu(torch.tril(m, window), -window)
    return m.bool()
""",
                "判断有没有窗口要用",
            ),
            (
                """
import torch

def packed_mask(lengths, window=None):
    text = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    seen = text[:, None] == text
    if window is not None:
        place = torch.arange(len(text))
        seen = seen | ((place[:, None] - place).abs() <= window)
    return seen
""",
                "合成了「或」",
            ),
            (
                "import torch\n\ndef packed_mask(lengths, window=None):\n"
                "    return torch.ones(sum(lengths), sum(lengths), dtype=torch.bool)\n",
                "互相看得见了",
            ),
            (
                "import torch\n\ndef packed_mask(lengths, window=None):\n"
                "    return torch.block_diag(*[torch.ones(n, n) for n in lengths])\n",
                "布尔张量",
            ),
            (
                "import torch\n\ndef packed_mask(lengths, window=None):\n"
                "    return torch.block_diag(*[torch.ones(n, n).tril() for n in lengths]).bool()\n",
                "因果掩码",
            ),
            (
                # the window across texts
                "import torch\n\ndef packed_mask(lengths, window=None):\n"
                "    if window is None:\n"
                "        return torch.block_diag(*[torch.ones(n, n) for n in lengths]).bool()\n"
                "    place = torch.arange(sum(lengths))\n"
                "    return (place[:, None] - place).abs() <= window\n",
                "两个条件要同时成立",
            ),
            (
                # ends left out
                "import torch\n\ndef packed_mask(lengths, window=None):\n"
                "    text = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))\n"
                "    place = torch.arange(len(text))\n    seen = text[:, None] == text\n"
                "    if window is not None:\n"
                "        seen = seen & ((place[:, None] - place).abs() < window)\n    return seen\n",
                "不含两头",
            ),
            (
                # a window of 0 taken for none
                "import torch\n\ndef packed_mask(lengths, window=None):\n"
                "    text = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))\n"
                "    place = torch.arange(len(text))\n    seen = text[:, None] == text\n"
                "    if window:\n"
                "        seen = seen & ((place[:, None] - place).abs() <= window)\n    return seen\n",
                "0 也是窗口",
            ),
            (
                # window over both sides
                changed(
                    PACKED,
                    (
                        "    return seen if window is None else seen & ((place[:, None] - place).abs() <= window)\n",
                        "    if window is not None:\n        seen = seen & ((place[:, None] - place).abs() <= window // 2)\n    return seen\n",
                    ),
                ),
                "窗口不含两头了",
            ),
            (
                # equal lengths run together
                changed(PACKED, ("arange(len(lengths)", "tensor(lengths")),
                "两条一样长",
            ),
        ],
    },
    "11-5": {
        "alternative": """
import numpy as np

def verdict(rows, measure, arm, other):
    leads = []
    for name, row in rows.items():
        its_arm, seed = name.split("/")
        twin = rows.get(f"{other}/{seed}", {})
        if its_arm == arm and measure in row and measure in twin:
            leads.append(row[measure] - twin[measure])
    if "loss" in measure:
        leads = [-lead for lead in leads]
    signs = set(np.sign(leads))
    return {1: "更好", -1: "更差"}.get(signs.pop(), "说不准") if len(signs) == 1 else "说不准"
""",
        "also_right": [
            # numpy signs
            """
import numpy as np

def verdict(rows, measure, arm, other):
    pairs = []
    for name, row in rows.items():
        who, seed = name.rsplit("/", 1)
        twin = rows.get(f"{other}/{seed}", {})
        if who == arm and measure in row and measure in twin:
            pairs.append((row[measure], twin[measure]))
    if not pairs:
        return "说不准"
    ours, theirs = np.array(pairs).T
    signs = set(np.sign(theirs - ours if "loss" in measure else ours - theirs))
    return {1: "更好", -1: "更差"}.get(signs.pop(), "说不准") if len(signs) == 1 else "说不准"
""",
            # all and any
            """
def verdict(rows, measure, arm, other):
    seeds = [key.split("/")[1] for key in rows if key.split("/")[0] == arm]
    wins, losses = [], []
    for seed in seeds:
        try:
            a, b = rows[f"{arm}/{seed}"][measure], rows[f"{other}/{seed}"][measure]
        except KeyError:
            continue
        if "loss" in measure:
            a, b = b, a
        wins.append(a > b)
        losses.append(a < b)
    if wins and all(wins):
        return "更好"
    if losses and all(losses):
        return "更差"
    return "说不准"
""",
            VERDICT,
        ],
        "wrong": [
            (
                # means over whatever seeds there are
                "def verdict(rows, measure, arm, other):\n"
                "    def mean(name):\n"
                "        found = [r[measure] for n, r in rows.items() if n.split('/')[0] == name]\n"
                "        return sum(found) / len(found)\n"
                "    a, b = mean(arm), mean(other)\n"
                "    return '更好' if a > b else '更差' if a < b else '说不准'\n",
                "只有一边有",
            ),
            (
                # the worst of one against the best of the other
                "def verdict(rows, measure, arm, other):\n"
                "    def values(name):\n"
                "        return [r[measure] for n, r in rows.items() if n.split('/')[0] == name][:2]\n"
                "    a, b = values(arm), values(other)\n"
                "    return '更好' if min(a) > max(b) else '更差' if max(a) < min(b) else '说不准'\n",
                "同一个种子的两行才是一对",
            ),
            (
                # means of the common seeds
                "def verdict(rows, measure, arm, other):\n"
                "    gap = sum(rows[f'{arm}/{s}'][measure] - rows[f'{other}/{s}'][measure]"
                " for s in (0, 1))\n"
                "    return '更好' if gap > 1e-9 else '更差' if gap < -1e-9 else '说不准'\n",
                "别只看平均",
            ),
            (
                # losses the wrong way round
                "def verdict(rows, measure, arm, other):\n"
                "    leads = [rows[f'{arm}/{s}'][measure] - rows[f'{other}/{s}'][measure]"
                " for s in (0, 1)]\n"
                "    return '更好' if min(leads) > 0 else '更差' if max(leads) < 0 else '说不准'\n",
                "损失越小越好",
            ),
            (
                # ties count as better
                "def verdict(rows, measure, arm, other):\n"
                "    sign = -1 if 'loss' in measure else 1\n"
                "    leads = [sign * (rows[f'{arm}/{s}'][measure] - rows[f'{other}/{s}'][measure])"
                " for s in (0, 1)]\n"
                "    return '更好' if min(leads) >= 0 else '更差' if max(leads) < 0 else '说不准'\n",
                "完全相等",
            ),
            (
                # names that begin alike
                changed(VERDICT, ('plit("/")[0] == name', "tartswith(name)")),
                "名字以 a 开头的还有 ab",
            ),
            (
                # most of the seeds
                changed(
                    VERDICT,
                    (
                        '    if leads and min(leads) > 0:\n        return "更好"\n    return "更差" if leads and max(leads) < 0 else "说不准"\n',
                        '    wins = sum(each > 0 for each in leads)\n    losses = sum(each < 0 for each in leads)\n    return "更好" if wins > losses else "更差" if losses > wins else "说不准"\n',
                    ),
                ),
                "三个种子里两赢一输",
            ),
            (
                # pairs in the order of the rows
                """
def verdict(rows, measure, arm, other):
    def of(name):
        return [r[measure] for k, r in rows.items() if k.split("/")[0] == name and measure in r]

    sign = -1 if "loss" in measure else 1
    leads = [sign * (x - y) for x, y in zip(of(arm), of(other))]
    if leads and min(leads) > 0:
        return "更好"
    return "更差" if leads and max(leads) < 0 else "说不准"
""",
                "各行的次序不一定按种子排",
            ),
            (
                # only a measure called loss
                changed(VERDICT, ('"loss" in measure', 'measure == "loss"')),
                "`mlm_loss` 也是损失",
            ),
            (
                # equal counts as better
                changed(VERDICT, (" > 0", " >= 0 and max(leads) > 0")),
                "有一对相等",
            ),
        ],
    },
    "11-6": {
        "alternative": "holds = 'd a'\n",
        "wrong": [
            ("holds = 'ABD'\n", "不等于每一对"),
            ("holds = 'ACD'\n", "每一层照样要算"),
            ("holds = 'D'\n", "四分之一"),
        ],
    },
}
