"""Chapter 11: other right answers to its exercises, and wrong ones with their hints."""

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
        "wrong": [
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
        "wrong": [
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
