"""Chapter 9: other right answers to its exercises, and wrong ones with their hints."""

from exercises import changed

FUSED = """
import numpy as np

def fuse(first, second, k):
    total = np.zeros(len(first))
    for scores in (first, second):
        total[np.argsort(-scores, kind="stable")] += 1 / (60 + np.arange(1, len(scores) + 1))
    return np.argsort(-total, kind="stable")[:k].tolist()
"""


EXERCISES = {
    # --- 09_more_tasks
    "09-1": {
        "alternative": """
def entity_f1(truth, said):
    all_truth = {(row, *span) for row, spans in enumerate(truth) for span in spans}
    all_said = {(row, *span) for row, spans in enumerate(said) for span in spans}
    right = len(all_truth & all_said)
    if right == 0:
        return 0.0, 0.0, 0.0
    p, r = right / len(all_said), right / len(all_truth)
    return [p, r, 2 * p * r / (p + r)]
""",
        "also_right": [
            # counters by sentence
            """
from collections import Counter

def entity_f1(truth, said):
    there = Counter((n, *span) for n, row in enumerate(truth) for span in row)
    drawn = Counter((n, *span) for n, row in enumerate(said) for span in row)
    hits = sum((there & drawn).values())
    precision = hits / sum(drawn.values()) if drawn else 0.0
    recall = hits / sum(there.values()) if there else 0.0
    both = precision + recall
    return [precision, recall, 2 * precision * recall / both if both else 0.0]
""",
            # loops and numpy
            """
import numpy as np

def entity_f1(truth, said):
    right = there = drawn = 0
    for a, b in zip(truth, said):
        there += len(a)
        drawn += len(b)
        for span in b:
            if span in a:
                right += 1
    p = right / drawn if drawn else 0
    r = right / there if there else 0
    return np.array([p, r, 2 * p * r / (p + r) if right else 0])
""",
        ],
        "wrong": [
            (
                """
def entity_f1(truth, said):
    right = sum(len(set(x) & set(y)) for x, y in zip(truth, said))
    answered = sum(map(len, said))
    there = sum(map(len, truth))
    return (
        100 * right / max(answered, 1),
        100 * right / max(there, 1),
        200 * right / max(answered + there, 1),
    )
""",
                "返回的是百分数",
            ),
            (
                """
def entity_f1(truth, said):
    right = sum(set(x) == set(y) for x, y in zip(truth, said))
    sentences = len(truth)
    return right / sentences, right / sentences, right / sentences
""",
                "按整句比了",
            ),
            (
                # places alone
                "def entity_f1(truth, said):\n"
                "    a = {(i, *s[:2]) for i, row in enumerate(truth) for s in row}\n"
                "    b = {(i, *s[:2]) for i, row in enumerate(said) for s in row}\n"
                "    n = len(a & b)\n"
                "    return n / len(b), n / len(a), 2 * n / (len(a) + len(b))\n",
                "类型没有比",
            ),
            (
                # sentences not kept apart
                "def entity_f1(truth, said):\n"
                "    a = {s for row in truth for s in row}\n"
                "    b = {s for row in said for s in row}\n"
                "    n = len(a & b)\n"
                "    return n / len(b), n / len(a), 2 * n / (len(a) + len(b))\n",
                "各句的名字混在一起比了",
            ),
            (
                # a mean over sentences
                "def entity_f1(truth, said):\n"
                "    p = r = 0\n"
                "    for a, b in zip(truth, said):\n"
                "        n = len(set(a) & set(b))\n"
                "        p, r = p + n / max(len(b), 1), r + n / max(len(a), 1)\n"
                "    p, r = p / len(truth), r / len(truth)\n"
                "    return p, r, 2 * p * r / (p + r)\n",
                "先逐句算再平均了",
            ),
            (
                # precision and recall exchanged
                "def entity_f1(truth, said):\n"
                "    n = sum(len(set(a) & set(b)) for a, b in zip(truth, said))\n"
                "    p, r = n / sum(map(len, truth)), n / sum(map(len, said))\n"
                "    return p, r, 2 * p * r / (p + r)\n",
                "颠倒了",
            ),
            (
                # the arithmetic mean
                "def entity_f1(truth, said):\n"
                "    n = sum(len(set(a) & set(b)) for a, b in zip(truth, said))\n"
                "    p, r = n / sum(map(len, said)), n / sum(map(len, truth))\n"
                "    return p, r, (p + r) / 2\n",
                "调和平均",
            ),
            (
                # nothing said
                "def entity_f1(truth, said):\n"
                "    n = sum(len(set(a) & set(b)) for a, b in zip(truth, said))\n"
                "    p, r = n / sum(map(len, said)), n / sum(map(len, truth))\n"
                "    return p, r, 2 * p * r / (p + r)\n",
                "除以了零",
            ),
            (
                # only the start and the kind
                """
def entity_f1(truth, said):
    pick = lambda row: {(s[0], s[2]) for s in row}
    right = sum(len(pick(a) & pick(b)) for a, b in zip(truth, said))
    there, drawn = sum(map(len, truth)), sum(map(len, said))
    return right / max(drawn, 1), right / max(there, 1), 2 * right / max(there + drawn, 1)
""",
                "多算了一个对的",
            ),
            (
                # nan where nothing is drawn
                """
def entity_f1(truth, said):
    right = sum(len(set(a) & set(b)) for a, b in zip(truth, said))
    there, drawn = sum(map(len, truth)), sum(map(len, said))
    if not drawn:
        return float("nan"), 0.0, 0.0
    return right / drawn, right / max(there, 1), 2 * right / max(there + drawn, 1)
""",
                "什么也没画时",
            ),
        ],
    },
    "09-2": {
        "alternative": """
def bmes_to_bio(labels):
    result = []
    before = "O"
    for label in labels:
        kind = label[1:]
        goes_on = label[0] in "ME" and before[0] in "BM" and before[1:] == kind
        result.append("O" if label == "O" else ("I" if goes_on else "B") + kind)
        before = label
    return result
""",
        "also_right": [
            # by replacement with a state
            """
def bmes_to_bio(labels):
    out, kind = [], None
    for label in labels:
        if label == "O":
            out.append(label)
            kind = None
            continue
        mark, _, name = label.partition("-")
        inside = mark in {"M", "E"} and kind == name
        out.append(("I-" if inside else "B-") + name)
        kind = None if mark in {"E", "S"} else name
    return tuple(out)
""",
            # looking at the one before
            """
def bmes_to_bio(labels):
    result = []
    for n, label in enumerate(labels):
        before = labels[n - 1] if n else "O"
        goes_on = label[0] in "ME" and before[0] in "BM" and before[1:] == label[1:]
        result.append("O" if label == "O" else ("I" if goes_on else "B") + label[1:])
    return result
""",
        ],
        "wrong": [
            (
                """
def bmes_to_bio(labels):
    return [
        label.replace("M-", "I-").replace("E-", "O-").replace("S-", "B-") for label in labels
    ]
""",
                "还在名字里面",
            ),
            (
                """
def bmes_to_bio(labels):
    return [label[0].replace("M", "I").replace("E", "I").replace("S", "B") for label in labels]
""",
                "类型丢了",
            ),
            (
                "def bmes_to_bio(labels):\n    return [x.replace('E-', 'I-') for x in labels]\n",
                "还留着 M- 或 E-",
            ),
            (
                "def bmes_to_bio(labels):\n"
                "    return [x.replace('M-', 'I-').replace('E-', 'I-') for x in labels]\n",
                "还留着 S-",
            ),
            (
                "def bmes_to_bio(labels):\n"
                "    return ['I' + x[1:] if x[0] in 'MES' else x for x in labels]\n",
                "粘在一起了",
            ),
            (
                # letter by letter, whatever stands before
                "def bmes_to_bio(labels):\n"
                "    letters = {'B': 'B', 'M': 'I', 'E': 'I', 'S': 'B', 'O': 'O'}\n"
                "    return [letters[x[0]] + x[1:] for x in labels]\n",
                "没有人开头",
            ),
            (
                # the type is not looked at
                "def bmes_to_bio(labels):\n"
                "    result, before = [], 'O'\n"
                "    for x in labels:\n"
                "        inside = x[0] in 'ME' and before[0] in 'BM'\n"
                "        result.append('O' if x == 'O' else ('I' if inside else 'B') + x[1:])\n"
                "        before = x\n"
                "    return result\n",
                "类型换了",
            ),
            (
                # an end ends nothing
                "def bmes_to_bio(labels):\n"
                "    result, kind = [], None\n"
                "    for x in labels:\n"
                "        inside = x[0] in 'ME' and x[2:] == kind\n"
                "        result.append('O' if x == 'O' else ('I' if inside else 'B') + x[1:])\n"
                "        kind = x[2:] or None\n"
                "    return result\n",
                "已经收尾",
            ),
            (
                # letters exchanged only
                """
def bmes_to_bio(labels):
    return [{"M": "I", "E": "I", "S": "B"}.get(label[0], label[0]) + label[1:] for label in labels]
""",
                "O 后面的 M- 没有人开头",
            ),
            (
                # ill-formed ones become O
                """
def bmes_to_bio(labels):
    out, kind = [], None
    for label in labels:
        mark, name = label[0], label[2:]
        if mark in "BS":
            out.append("B-" + name)
        elif mark in "ME" and kind == name:
            out.append("I-" + name)
        else:
            out.append("O")
        kind = name if mark in "BM" else None
    return out
""",
                "`O M-PER E-PER` 应当换成 `O B-PER I-PER`",
            ),
        ],
    },
    "09-3": {
        "alternative": """
def label_pieces(labels, offsets):
    result = []
    for piece in offsets:
        covered = labels[piece[0] : piece[1]]
        result.append(covered[0] if covered else None)
    return result
""",
        "also_right": [
            # a loop, a tuple
            """
def label_pieces(labels, offsets):
    found = ()
    for start, end in offsets:
        found += (labels[start],) if end - start else (None,)
    return found
""",
            # from torch rows
            """
import torch

def label_pieces(labels, offsets):
    table = torch.tensor(offsets)
    return [labels[a] if a != b else None for a, b in table.tolist()]
""",
        ],
        "wrong": [
            (
                # only (0, 0)
                """
def label_pieces(labels, offsets):
    return [labels[a] if b else None for a, b in offsets]
""",
                "起止相等的都是 None",
            ),
            (
                # O as soon as one character is
                """
def label_pieces(labels, offsets):
    return [None if a == b else ("O" if any(l == "O" for l in labels[a:b]) else labels[a]) for a, b in offsets]
""",
                "也取它第一个字的标签",
            ),
            (
                """
def label_pieces(labels, offsets):
    return [labels[end] if start < end else None for start, end in offsets]
""",
                "取过了头",
            ),
            (
                """
def label_pieces(labels, offsets):
    return [labels[start:end] if start < end else None for start, end in offsets]
""",
                "只要一个标签",
            ),
            (
                # [CLS] and [SEP] learned from
                "def label_pieces(labels, offsets):\n    return [labels[a] for a, b in offsets]\n",
                "不参加训练",
            ),
            (
                # the n-th piece is not the n-th character
                "def label_pieces(labels, offsets):\n"
                "    rest = iter(labels)\n"
                "    return [next(rest) if a < b else None for a, b in offsets]\n",
                "按词元的次序取了标签",
            ),
            (
                # the last character
                "def label_pieces(labels, offsets):\n"
                "    return [labels[b - 1] if a < b else None for a, b in offsets]\n",
                "最后一个字",
            ),
            (
                # each piece begins a name
                "def label_pieces(labels, offsets):\n"
                "    return [labels[a].replace('I-', 'B-') if a < b else None for a, b in offsets]\n",
                "两个 B-",
            ),
            (
                # names that touch are joined
                "def label_pieces(labels, offsets):\n"
                "    result, before = [], 'O'\n"
                "    for a, b in offsets:\n"
                "        label = labels[a] if a < b else None\n"
                "        if label and label != 'O' and before and label[1:] == before[1:]:\n"
                "            label = 'I' + label[1:]\n"
                "        result.append(label)\n"
                "        before = label\n"
                "    return result\n",
                "粘住了",
            ),
            (
                # -100 for the special ones
                """
def label_pieces(labels, offsets):
    return [labels[a] if a < b else -100 for a, b in offsets]
""",
                "[CLS] 和 [SEP] 起止相等",
            ),
            (
                # O for the special ones
                """
def label_pieces(labels, offsets):
    return [labels[a] if a < b else "O" for a, b in offsets]
""",
                "[CLS] 和 [SEP] 起止相等",
            ),
            (
                # I after the first of the same kind
                """
def label_pieces(labels, offsets):
    out, before = [], None
    for a, b in offsets:
        label = labels[a] if a < b else None
        if label and before and label[2:] == before[2:] and label != "O":
            label = "I" + label[1:]
        out.append(label)
        before = label
    return out
""",
                "挨着的两个名字粘住了",
            ),
        ],
    },
    "09-4": {
        "alternative": """
import numpy as np

def best_span(begin, end, longest):
    places = np.arange(len(begin))
    length = places - places[:, None] + 1
    sums = np.where((length >= 1) & (length <= longest), begin[:, None] + end, -np.inf)
    return np.unravel_index(sums.argmax(), sums.shape)
""",
        "also_right": [
            # a matrix of sums
            """
import numpy as np
def best_span(begin, end, longest):
    n = len(begin); s = np.add.outer(np.asarray(begin, float), np.asarray(end, float))
    i, j = np.indices((n, n)); s[(j < i) | (j - i >= longest)] = -np.inf
    return tuple(int(x) for x in np.unravel_index(s.argmax(), s.shape))
""",
            # numpy
            """
import numpy as np

def best_span(begin, end, longest):
    scores = begin[:, None] + end
    allowed = np.triu(np.ones_like(scores, dtype=bool)) & ~np.triu(
        np.ones_like(scores, dtype=bool), longest
    )
    return np.unravel_index(np.where(allowed, scores, -np.inf).argmax(), scores.shape)
""",
            # torch
            """
import torch

def best_span(begin, end, longest):
    begin, end = torch.as_tensor(begin), torch.as_tensor(end)
    scores = begin.unsqueeze(1) + end.unsqueeze(0)
    scores = scores.masked_fill(
        ~torch.ones_like(scores).triu().tril(longest - 1).bool(), float("-inf")
    )
    place = scores.argmax().item()
    return [place // len(end), place % len(end)]
""",
        ],
        "wrong": [
            (
                # the best from 0 on
                """
def best_span(begin, end, longest):
    best, span = 0, (0, 0)
    for i in range(len(begin)):
        for j in range(i, min(i + longest, len(end))):
            if begin[i] + end[j] > best: best, span = begin[i] + end[j], (i, j)
    return span
""",
                "分数全是负的时不对",
            ),
            (
                """
def best_span(begin, end, longest):
    return max(
        (
            (first, last)
            for first in range(len(begin))
            for last in range(first, min(first + longest, len(end)))
        ),
        key=lambda span: begin[span[0]] * end[span[1]],
    )
""",
                "不是相乘",
            ),
            (
                """
def best_span(begin, end, longest):
    first = int(begin.argmax())
    last = first + int(end[first : first + longest].argmax())
    return first, last
""",
                "先定了最好的起点",
            ),
            (
                "def best_span(begin, end, longest):\n    return begin.argmax(), end.argmax()\n",
                "终点跑到起点前面去了",
            ),
            (
                # turned round
                "def best_span(begin, end, longest):\n"
                "    return sorted((begin.argmax(), end.argmax()))\n",
                "调了个头",
            ),
            (
                # no limit
                "import numpy as np\n\ndef best_span(begin, end, longest):\n"
                "    sums = np.triu(begin[:, None] + end + 99)\n"
                "    return np.unravel_index(sums.argmax(), sums.shape)\n",
                "超过了 `longest`",
            ),
            (
                # one too many
                "def best_span(begin, end, longest):\n"
                "    n = len(begin)\n"
                "    spans = [(a, b) for a in range(n) for b in range(a, n) if b - a <= longest]\n"
                "    return max(spans, key=lambda s: begin[s[0]] + end[s[1]])\n",
                "多算了一个",
            ),
            (
                # no span of one piece
                "def best_span(begin, end, longest):\n"
                "    n = len(begin)\n"
                "    spans = [(a, b) for a in range(n) for b in range(a + 1, n) if b - a < longest]\n"
                "    return max(spans, key=lambda s: begin[s[0]] + end[s[1]])\n",
                "一个词元也可以成段",
            ),
            (
                # the product of the scores
                """
def best_span(begin, end, longest):
    spans = [(a, b) for a in range(len(begin)) for b in range(a, min(a + longest, len(end)))]
    return max(spans, key=lambda s: begin[s[0]] * end[s[1]])
""",
                "分数是负的时不对",
            ),
            (
                # a span of one token is none
                """
def best_span(begin, end, longest):
    spans = [(a, b) for a in range(len(begin)) for b in range(a + 1, min(a + longest, len(end)))]
    return max(spans, key=lambda s: begin[s[0]] + end[s[1]])
""",
                "一个词元也可以成段",
            ),
            (
                # best end first
                """
import numpy as np

def best_span(begin, end, longest):
    last = int(np.argmax(end))
    first = max(range(max(0, last - longest + 1), last + 1), key=lambda a: begin[a])
    return first, last
""",
                "先定了最好的终点",
            ),
            (
                # the text between
                """
def best_span(begin, end, longest):
    spans = [(a, b) for a in range(len(begin)) for b in range(a, min(a + longest, len(end)))]
    first, last = max(spans, key=lambda s: begin[s[0]] + end[s[1]])
    return list(range(first, last + 1))
""",
                "返回两个数",
            ),
        ],
    },
    "09-5": {
        "alternative": """
reading = dict(zip(("choose", "silent", "blind"), "丁甲乙"))
""",
        "also_right": [
            # other order
            """
reading = dict(choose="丁", blind="乙", silent="甲")
""",
            # with blanks
            """
reading = dict(choose=" 丁", blind="乙 ", silent="甲")
""",
        ],
        "wrong": [
            ('reading = {"silent": "丁", "blind": "乙", "choose": "丁"}', "所以它作答"),
            ('reading = {"silent": "乙", "blind": "乙", "choose": "丁"}', "一分没有"),
            ('reading = {"silent": "甲", "blind": "甲", "choose": "丁"}', "根本不作答"),
            ('reading = {"silent": "甲", "blind": "丙", "choose": "丁"}', "几乎不掉分"),
            ('reading = {"silent": "甲", "blind": "乙", "choose": "丙"}', "全都硬答"),
            ('reading = {"silent": "甲", "blind": "乙", "choose": "乙"}', "碰巧"),
            ('reading = {"silent": "甲", "blind": "乙", "choose": "戊"}', "不是模型的名字"),
            ('reading = {"silent": "甲", "blind": "乙"}', "要有三项"),
            (
                # a list
                """
reading = {"silent": ["甲"], "blind": "乙", "choose": "丁"}
""",
                "['甲'] 不是模型的名字",
            ),
            (
                # without quotes around several
                """
reading = {"silent": "甲", "blind": "乙丙", "choose": "丁"}
""",
                "'乙丙' 不是模型的名字",
            ),
        ],
    },
    # 09_pairs_and_search
    "09-6": {
        "alternative": """
import numpy as np
from scipy.stats import rankdata

def spearman(predictions, scores):
    a, b = rankdata(predictions), rankdata(scores)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return np.corrcoef(a, b)[0, 1]
""",
        "also_right": [
            # counts of equal ones
            """
import numpy as np
def spearman(predictions, scores):
    def rank(v):
        u, inv, c = np.unique(v, return_inverse=True, return_counts=True)
        return (c.cumsum() - (c - 1) / 2)[inv]
    if len(set(predictions)) == 1 or len(set(scores)) == 1: return float("nan")
    return np.corrcoef(rank(predictions), rank(scores))[0, 1]
""",
            # pandas-free with unique
            """
import numpy as np

def spearman(predictions, scores):
    def ranks(values):
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        return (count.cumsum() - (count - 1) / 2)[place]

    one, other = ranks(predictions), ranks(scores)
    if one.std() == 0 or other.std() == 0:
        return np.nan
    return np.corrcoef(one, other)[0, 1]
""",
            # np.cov
            """
import numpy as np

def spearman(predictions, scores):
    def ranks(values):
        values = list(values)
        order = sorted(values)
        return [order.index(v) + (order.count(v) + 1) / 2 for v in values]

    table = np.cov(ranks(predictions), ranks(scores))
    size = np.sqrt(table[0, 0] * table[1, 1])
    return table[0, 1] / size if size else float("nan")
""",
        ],
        "wrong": [
            (
                # the formula without ties
                """
import numpy as np
def spearman(predictions, scores):
    n = len(scores)
    rank = lambda v: np.array([(np.asarray(v) < x).sum() + ((np.asarray(v) == x).sum() - 1) / 2 for x in v])
    d = rank(predictions) - rank(scores)
    if len(set(predictions)) == 1 or len(set(scores)) == 1: return float("nan")
    return 1 - 6 * (d ** 2).sum() / (n * (n * n - 1))
""",
                "只在没有并列时成立",
            ),
            (
                """
import numpy as np

def spearman(predictions, scores):
    r = lambda v: np.array([(v < x).sum() + ((v == x).sum() + 1) / 2 for x in v])
    return np.corrcoef(r(predictions), r(scores))
""",
                "返回的是一张表",
            ),
            (
                """
import numpy as np

def spearman(predictions, scores):
    r = lambda v: np.array([(v < x).sum() + ((v == x).sum() + 1) / 2 for x in v])
    d = r(predictions) - r(scores)
    n = len(predictions)
    return 1 - 6 * (d**2).sum() / (n * (n * n - 1))
""",
                "只在没有并列时成立",
            ),
            (
                "import numpy as np\n\ndef spearman(predictions, scores):\n"
                "    return np.corrcoef(predictions, scores)[0, 1]\n",
                "没有换成名次",
            ),
            (
                "import numpy as np\n\ndef spearman(predictions, scores):\n"
                "    a, b = (x.argsort(kind='stable').argsort() for x in (predictions, scores))\n"
                "    return np.corrcoef(a, b)[0, 1]\n",
                "被排了先后",
            ),
            (
                "import numpy as np\nfrom scipy.stats import rankdata\n\n"
                "def spearman(predictions, scores):\n"
                "    return np.corrcoef(rankdata(predictions, 'min'), rankdata(scores, 'min'))[0, 1]\n",
                "靠前的名次",
            ),
            (
                "import numpy as np\n\ndef spearman(predictions, scores):\n"
                "    return np.corrcoef(predictions.argsort(), scores.argsort())[0, 1]\n",
                "一次 `argsort`",
            ),
            (
                "import numpy as np\nfrom scipy.stats import rankdata\n\n"
                "def spearman(predictions, scores):\n"
                "    a, b = rankdata(predictions), rankdata(scores)\n"
                "    return np.nan_to_num(np.corrcoef(a, b)[0, 1])\n",
                "返回了 0",
            ),
            (
                # scipy
                """
from scipy.stats import spearmanr

def spearman(predictions, scores):
    return spearmanr(predictions, scores)
""",
                "返回的是 SciPy 的一整个结果",
            ),
            (
                # a warning where a list is flat
                """
import numpy as np

def spearman(predictions, scores):
    def ranks(values):
        return (values[:, None] > values).sum(1) + ((values[:, None] == values).sum(1) + 1) / 2

    return np.corrcoef(ranks(predictions), ranks(scores))[0, 1]
""",
                "答案对了，可它报了警告",
            ),
            (
                # the absolute value
                """
import numpy as np

def spearman(predictions, scores):
    def ranks(values):
        return (values[:, None] > values).sum(1) + ((values[:, None] == values).sum(1) + 1) / 2

    a, b = ranks(predictions), ranks(scores)
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a * a).sum() * (b * b).sum())
    return abs((a * b).sum()) / size if size else float("nan")
""",
                "符号不对：这两列大体上一个大、另一个小",
            ),
            (
                # ranks of one list only
                """
import numpy as np

def spearman(predictions, scores):
    def ranks(values):
        return (values[:, None] > values).sum(1) + ((values[:, None] == values).sum(1) + 1) / 2

    if len(set(predictions)) == 1 or len(set(scores)) == 1:
        return float("nan")
    return np.corrcoef(ranks(predictions), scores)[0, 1]
""",
                "只有一列换成了名次",
            ),
        ],
    },
    "09-7": {
        "alternative": """
import torch

def mean_pool(hidden, mask):
    rows = []
    for vectors, kept in zip(hidden, mask.bool()):
        mean = vectors[kept].mean(0)
        rows.append(mean / mean.norm())
    return torch.stack(rows)
""",
        "also_right": [
            # a row at a time
            """
import torch

def mean_pool(hidden, mask):
    rows = []
    for vectors, marks in zip(hidden, mask):
        mean = vectors[marks.bool()].mean(0)
        rows.append(mean / mean.norm())
    return torch.stack(rows)
""",
            # einsum
            """
import torch

def mean_pool(hidden, mask):
    summed = torch.einsum("nld,nl->nd", hidden, mask.float())
    return summed / summed.norm(dim=1, keepdim=True)
""",
            # in place
            """
import torch

def mean_pool(hidden, mask):
    hidden[mask == 0] = 0
    mean = hidden.sum(1) / mask.sum(1)[:, None]
    return torch.nn.functional.normalize(mean)
""",
            # numpy
            """
import numpy as np
import torch

def mean_pool(hidden, mask):
    h, m = hidden.numpy(), mask.numpy()[..., None]
    mean = (h * m).sum(1) / m.sum(1)
    return torch.from_numpy(mean / np.linalg.norm(mean, axis=1, keepdims=True))
""",
        ],
        "wrong": [
            (
                """
import torch

def mean_pool(hidden, mask):
    mean = (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
    return mean / mean.sum(-1, keepdim=True)
""",
                "各维之和",
            ),
            (
                """
import torch

def mean_pool(hidden, mask):
    return torch.nn.functional.normalize(
        (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True), dim=0
    )
""",
                "沿错了方向",
            ),
            (
                """
import torch

def mean_pool(hidden, mask):
    return torch.nn.functional.normalize((hidden * mask.unsqueeze(-1)).max(1).values, dim=-1)
""",
                "这是取最大",
            ),
            (
                "import torch\n\ndef mean_pool(hidden, mask):\n"
                "    return torch.nn.functional.normalize(hidden.mean(1), dim=-1)\n",
                "填充也平均进去了",
            ),
            (
                "import torch\n\ndef mean_pool(hidden, mask):\n"
                "    return (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)\n",
                "还没缩到长度 1",
            ),
            (
                "import torch\n\ndef mean_pool(hidden, mask):\n"
                "    return (hidden * mask.unsqueeze(-1)).mean(1)\n",
                "分母却还是整个长度",
            ),
            (
                "import torch\n\ndef mean_pool(hidden, mask):\n"
                "    unit = torch.nn.functional.normalize(hidden, dim=-1) * mask.unsqueeze(-1)\n"
                "    return unit.sum(1) / mask.sum(1, keepdim=True)\n",
                "先缩到长度 1 再平均",
            ),
            (
                "import torch\n\ndef mean_pool(hidden, mask):\n    return hidden[:, 0]\n",
                "[CLS]",
            ),
            (
                # [CLS] left out
                """
import torch

def mean_pool(hidden, mask):
    kept = mask.unsqueeze(-1).float()
    kept[:, 0] = 0
    mean = (hidden * kept).sum(1) / kept.sum(1)
    return torch.nn.functional.normalize(mean, dim=-1)
""",
                "漏了第一个位置",
            ),
            (
                # averaged over the dimensions
                """
import torch

def mean_pool(hidden, mask):
    return torch.nn.functional.normalize((hidden * mask.unsqueeze(-1)).mean(-1), dim=-1)
""",
                "返回形状是",
            ),
        ],
    },
    "09-8": {
        "alternative": """
import torch

def contrastive_loss(u, v, scale):
    u, v = (x / x.norm(dim=-1, keepdim=True) for x in (u, v))
    logits = scale * u @ v.T
    return (logits.logsumexp(-1) - logits.diagonal()).mean()
""",
        "also_right": [
            # by logsumexp
            """
import torch

def contrastive_loss(u, v, scale):
    u = u / u.norm(dim=1, keepdim=True)
    v = v / v.norm(dim=1, keepdim=True)
    scores = scale * torch.einsum("id,jd->ij", u, v)
    return (scores.logsumexp(1) - scores.diagonal()).mean()
""",
            # a loop of cosine_similarity
            """
import torch
from torch.nn.functional import cosine_similarity

def contrastive_loss(u, v, scale):
    losses = []
    for i in range(len(u)):
        scores = scale * cosine_similarity(u[i : i + 1], v)
        losses.append(-scores.log_softmax(0)[i])
    return sum(losses) / len(losses)
""",
            # nll_loss
            """
import torch
from torch import nn

def contrastive_loss(u, v, scale):
    table = nn.functional.cosine_similarity(u[:, None], v[None], dim=-1)
    return nn.NLLLoss()(nn.LogSoftmax(dim=1)(table * scale), torch.arange(u.size(0)))
""",
        ],
        "wrong": [
            (
                """
import torch
from torch.nn import functional as F

def contrastive_loss(u, v, scale):
    cosines = scale * F.normalize(u, dim=-1) @ F.normalize(v, dim=-1).T
    return F.binary_cross_entropy_with_logits(cosines, torch.eye(len(u)))
""",
                "每一格单独判了",
            ),
            (
                """
import torch
from torch.nn import functional as F

def contrastive_loss(u, v, scale):
    cosines = scale * F.normalize(u, dim=-1) @ F.normalize(v, dim=-1).T
    powers = cosines.exp()
    own = powers.diagonal()
    return -(own / (powers.sum(1) - own)).log().mean()
""",
                "漏了搭档自己",
            ),
            (
                """
import torch
from torch.nn import functional as F

def contrastive_loss(u, v, scale):
    cosines = scale * F.normalize(u, dim=0) @ F.normalize(v, dim=0).T
    return F.cross_entropy(cosines, torch.arange(len(u)))
""",
                "缩放沿错了方向",
            ),
            (
                """
import torch
from torch.nn import functional as F

def contrastive_loss(u, v, scale):
    cosines = scale * F.normalize(u, dim=-1) @ F.normalize(v, dim=-1).T
    return F.cross_entropy(cosines, torch.arange(len(u))).item()
""",
                "求不了梯度",
            ),
            (
                """
import torch
from torch.nn import functional as F

def contrastive_loss(u, v, scale):
    cosines = scale * F.normalize(u, dim=-1) @ F.normalize(v, dim=-1).T
    places = torch.arange(len(u))
    return (F.cross_entropy(cosines, places) + F.cross_entropy(cosines.T, places)) / 2
""",
                "两个方向都算了",
            ),
            (
                "import torch\n\ndef contrastive_loss(u, v, scale):\n"
                "    return torch.nn.functional.cross_entropy(scale * u @ v.T, torch.arange(len(u)))\n",
                "用了点积",
            ),
            (
                "import torch\nfrom torch.nn import functional as F\n\n"
                "def contrastive_loss(u, v, scale):\n"
                "    c = F.normalize(u, dim=-1) @ F.normalize(v, dim=-1).T\n"
                "    return F.cross_entropy(c, torch.arange(len(u)))\n",
                "忘了乘 scale",
            ),
            (
                "import torch\nfrom torch.nn import functional as F\n\n"
                "def contrastive_loss(u, v, scale):\n"
                "    c = F.normalize(u, dim=-1) @ F.normalize(v, dim=-1).T\n"
                "    return F.cross_entropy(scale * c.T, torch.arange(len(u)))\n",
                "方向反了",
            ),
            (
                "import torch\nfrom torch.nn import functional as F\n\n"
                "def contrastive_loss(u, v, scale):\n"
                "    return 1 - F.cosine_similarity(u, v).mean()\n",
                "没有反例可推远",
            ),
            (
                "import torch\nfrom torch.nn import functional as F\n\n"
                "def contrastive_loss(u, v, scale):\n"
                "    c = F.normalize(u, dim=-1) @ F.normalize(v, dim=-1).T\n"
                "    return F.cross_entropy((scale * c).softmax(-1), torch.arange(len(u)))\n",
                "softmax 做了两次",
            ),
            (
                # a float
                """
import torch
from torch.nn.functional import cross_entropy, normalize

def contrastive_loss(u, v, scale):
    return cross_entropy(scale * normalize(u) @ normalize(v).T, torch.arange(len(u))).item()
""",
                "数对了，可它求不了梯度",
            ),
            (
                # u with itself
                """
import torch
from torch.nn.functional import cross_entropy, normalize

def contrastive_loss(u, v, scale):
    return cross_entropy(scale * normalize(u) @ normalize(u).T, torch.arange(len(u)))
""",
                "拿 u 与 u 自己比了",
            ),
            (
                # the partner is the first
                """
import torch
from torch.nn.functional import cross_entropy, normalize

def contrastive_loss(u, v, scale):
    return cross_entropy(scale * normalize(u) @ normalize(v).T, torch.zeros(len(u)).long())
""",
                "每一行的正确答案都成了第 0 列",
            ),
            (
                # only u normalised
                """
import torch
from torch.nn.functional import cross_entropy, normalize

def contrastive_loss(u, v, scale):
    return cross_entropy(scale * normalize(u) @ v.T, torch.arange(len(u)))
""",
                "只有一边缩到了长度 1",
            ),
        ],
    },
    "09-9": {
        "alternative": """
def fuse(first, second, k):
    total = [0.0] * len(first)
    for scores in (first, second):
        for rank, place in enumerate(sorted(range(len(scores)), key=lambda i: -scores[i]), 1):
            total[place] += 1 / (60 + rank)
    return sorted(range(len(total)), key=lambda i: -total[i])[:k]
""",
        "also_right": [
            # sorted
            """
def fuse(first, second, k):
    total = [0.0] * len(first)
    for scores in (first, second):
        for rank, place in enumerate(sorted(range(len(scores)), key=lambda n: -scores[n]), 1):
            total[place] += 1 / (60 + rank)
    return sorted(range(len(total)), key=lambda n: -total[n])[:k]
""",
            # rankdata
            """
import numpy as np
from scipy.stats import rankdata

def fuse(first, second, k):
    ranks = [rankdata(-each, method="ordinal") for each in (first, second)]
    new = sum(1 / (60 + each) for each in ranks)
    return np.lexsort((np.arange(len(new)), -new))[:k]
""",
            FUSED,
        ],
        "wrong": [
            (
                """
import numpy as np

def fuse(first, second, k):
    ranks = lambda x: np.argsort(np.argsort(-x, kind="stable"), kind="stable") + 1
    total = 1 / (60 + ranks(first)) * 1 / (60 + ranks(second))
    return np.argsort(-total, kind="stable")[:k].tolist()
""",
                "两项乘了起来",
            ),
            (
                """
import numpy as np

def fuse(first, second, k):
    ranks = lambda x: np.argsort(np.argsort(-x, kind="stable"), kind="stable") + 1
    return np.argsort(ranks(first) + ranks(second), kind="stable")[:k].tolist()
""",
                "把两个名次直接相加了",
            ),
            (
                """
import numpy as np

def fuse(first, second, k):
    standard = lambda x: (x - x.mean()) / x.std()
    return np.argsort(-(standard(first) + standard(second)), kind="stable")[:k].tolist()
""",
                "把分数标准化之后",
            ),
            (
                "import numpy as np\n\ndef fuse(first, second, k):\n"
                "    return np.argsort(-(first + second), kind='stable')[:k].tolist()\n",
                "直接加了分数",
            ),
            (
                "import numpy as np\n\ndef fuse(first, second, k):\n"
                "    total = sum(1 / (61 + np.argsort(-x, kind='stable')) for x in (first, second))\n"
                "    return np.argsort(-total, kind='stable')[:k].tolist()\n",
                "一次 `argsort`",
            ),
            (
                "import numpy as np\n\ndef fuse(first, second, k):\n"
                "    total = sum(1 / (61 + x.argsort(kind='stable').argsort()) for x in (first, second))\n"
                "    return np.argsort(-total, kind='stable')[:k].tolist()\n",
                "名次排反了",
            ),
            (
                "import numpy as np\n\ndef fuse(first, second, k):\n"
                "    ranks = ((-x).argsort(kind='stable').argsort() for x in (first, second))\n"
                "    total = sum(1 / (60 + rank) for rank in ranks)\n"
                "    return np.argsort(-total, kind='stable')[:k].tolist()\n",
                "名次从 1 数起",
            ),
            (
                "import numpy as np\n\ndef fuse(first, second, k):\n"
                "    ranks = ((-x).argsort(kind='stable').argsort() + 1 for x in (first, second))\n"
                "    total = sum(1 / (60 + rank) for rank in ranks)\n"
                "    return np.argsort(-total, kind='stable').tolist()\n",
                "只要前 k 个",
            ),
            (
                # from worst to best
                changed(FUSED, ("t(-sc", "t(sc")),
                "名次排反了",
            ),
            (
                # an ascending sort turned round
                """
import numpy as np

def fuse(first, second, k):
    total = np.zeros(len(first))
    for scores in (first, second):
        total[np.argsort(scores, kind="stable")[::-1]] += 1 / (60 + np.arange(1, len(scores) + 1))
    return np.argsort(total, kind="stable")[::-1][:k].tolist()
""",
                "分数全都一样时",
            ),
            (
                # only the best k of each list
                changed(
                    FUSED,
                    (
                        '        total[np.argsort(-scores, kind="stable")] += 1 / (60 + np.arange(1, len(scores) + 1))\n',
                        '        order = np.argsort(-scores, kind="stable")[:k]\n        total[order] += 1 / (60 + np.arange(1, k + 1))\n',
                    ),
                ),
                "每份名单只取了前 k 名",
            ),
        ],
    },
    "09-10": {
        "alternative": 'supported = ["C", "B"]\n',
        "also_right": [
            # a string
            """
supported = "BC"
""",
            # a list
            """
supported = ["C", "b"]
""",
        ],
        "wrong": [
            ('supported = {"A", "B", "C"}\n', "200 题的标准误"),
            ('supported = {"B", "C", "D"}\n', "把答对当成读懂"),
            ('supported = {"B", "C", "E"}\n', "50 道题"),
            ('supported = {"C"}\n', "再看 B"),
            ('supported = {"B"}\n', "再看 C"),
        ],
    },
}
