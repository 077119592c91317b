"""Chapter 1: other right answers to its exercises, and wrong ones with the hints they earn."""

from exercises import changed

ATTENTION = """
import torch

def prefix_attention(vectors, prefix):
    length, width = vectors.shape
    seen = {seen}
    scores = vectors @ vectors.T / width ** 0.5
    return scores.masked_fill(~seen, float("-inf")).softmax(-1) @ vectors
"""
CAUSAL = "torch.ones(length, length).tril().bool()"
COLUMNS = "torch.arange(length)[None]"

LABELS = """
def labels_needed(sizes, scores, target):
    if scores[0] >= target:
        return sizes[0]
    for i in range(1, len(sizes)):
        if scores[i] >= target:
            share = (target - scores[i - 1]) / (scores[i] - scores[i - 1])
            return sizes[i - 1] + share * (sizes[i] - sizes[i - 1])
"""

CORRUPTION = """
def span_corruption(tokens, spans):
    marks, source, target, done = ["<X>", "<Y>", "<Z>"], [], [], 0
    for mark, (begin, end) in zip(marks, spans):
        source += tokens[done:begin] + [mark]
        target += [mark] + tokens[begin:end]
        done = end
    return source + tokens[done:], target + [marks[len(spans)]]
"""

PREFIX = """
import torch

def prefix_attention(vectors, prefix):
    length, width = vectors.shape
    seen = torch.ones(length, length).tril().bool()
    seen[:, :prefix] = True
    scores = vectors @ vectors.T / width**0.5
    return scores.masked_fill(~seen, float("-inf")).softmax(-1) @ vectors
"""


EXERCISES = {
    "01-1": {
        "alternative": """
def next_token_pairs(text):
    pairs, context = [], ""
    for character in text:
        pairs.append([context, character])
        context += character
    return pairs
""",
        "also_right": [
            # zip
            """
def next_token_pairs(text):
    return list(zip([text[:i] for i in range(len(text))], text))
""",
            # accumulate
            """
from itertools import accumulate
def next_token_pairs(text):
    return [(p[:-1], p[-1]) for p in accumulate(text)]
""",
            # a generator
            """
def next_token_pairs(text):
    for place, character in enumerate(text):
        yield text[:place], character
""",
            # accumulate
            """
from itertools import accumulate

def next_token_pairs(text):
    contexts = ["", *accumulate(text)]
    return tuple(zip(contexts, text))
""",
        ],
        "wrong": [
            (
                # a dictionary
                """
def next_token_pairs(text):
    return {text[:i]: text[i] for i in range(len(text))}
""",
                "不是字典",
            ),
            (
                # three of them, however long the text
                """
def next_token_pairs(text):
    return sorted({(text[:i], text[i]) for i in range(len(text))}, key=lambda p: len(p[0]))[:3]
""",
                "句子长了就不对",
            ),
            (
                # nothing before the first
                "def next_token_pairs(text):\n"
                "    return [(text[:i], text[i]) for i in range(1, len(text))]\n",
                "第一个字也要猜",
            ),
            (
                # the answer is in the context
                "def next_token_pairs(text):\n"
                "    return [(text[: i + 1], text[i]) for i in range(len(text))]\n",
                "答案泄漏进了上文",
            ),
            (
                # bigrams
                "def next_token_pairs(text):\n"
                "    return [(text[max(i - 1, 0) : i], text[i]) for i in range(len(text))]\n",
                "上文只有一个字",
            ),
            (
                # all of the rest instead of one character
                "def next_token_pairs(text):\n"
                "    return [(text[:i], text[i:]) for i in range(len(text))]\n",
                "每次只猜一个字",
            ),
            (
                # one pair too many
                "def next_token_pairs(text):\n"
                "    return [(text[:i], text[i : i + 1]) for i in range(len(text) + 1)]\n",
                "最后一个字后面没有字了",
            ),
            (
                # the first place of a character that comes twice
                "def next_token_pairs(text):\n"
                "    return [(text[: text.index(c)], c) for c in text]\n",
                "同一个字出现两次",
            ),
            (
                # the answer first
                """
def next_token_pairs(text):
    return [(text[i], text[:i]) for i in range(len(text))]
""",
                "一对里先写上文",
            ),
            (
                # the last first
                """
def next_token_pairs(text):
    return [(text[:i], text[i]) for i in range(len(text))][::-1]
""",
                "次序反了：从第一个字排到最后一个字",
            ),
            (
                # lists of characters
                """
def next_token_pairs(text):
    return [(list(text[:i]), text[i]) for i in range(len(text))]
""",
                "上文是一段字符串",
            ),
            (
                # right context
                """
def next_token_pairs(text):
    return [(text[i + 1 :], text[i]) for i in range(len(text))]
""",
                "这是右边的字",
            ),
            (
                # an inner blank dropped
                """
def next_token_pairs(text):
    text = text.replace(" ", "")
    return [(text[:i], text[i]) for i in range(len(text))]
""",
                "空格也是一个字符",
            ),
        ],
    },
    "01-2": {
        "alternative": """
def labels_needed(sizes, scores, target):
    points = list(zip(sizes, scores))
    if points[0][1] >= target:
        return points[0][0]
    for (x, low), (other, high) in zip(points, points[1:]):
        if low < target <= high:
            return x * (high - target) / (high - low) + other * (target - low) / (high - low)
""",
        "also_right": [
            # flatnonzero, and np.interp between two
            """
import numpy as np
def labels_needed(sizes, scores, target):
    hit = np.flatnonzero(np.array(scores) >= target)
    if not len(hit):
        return None
    i = hit[0]
    if i == 0:
        return sizes[0]
    return float(np.interp(target, scores[i-1:i+1], sizes[i-1:i+1]))
""",
            # numpy
            """
import numpy as np

def labels_needed(sizes, scores, target):
    sizes, scores = np.asarray(sizes, float), np.asarray(scores, float)
    reached = scores >= target
    if not reached.any():
        return None
    i = reached.argmax()
    if i == 0:
        return sizes[0]
    return np.interp(target, scores[i - 1 : i + 1], sizes[i - 1 : i + 1])
""",
            # while loop and Fraction
            """
from fractions import Fraction

def labels_needed(sizes, scores, target):
    at = 0
    while scores[at] < target:
        at += 1
        if at == len(sizes):
            return None
    if at == 0:
        return sizes[at]
    low, high = Fraction(scores[at - 1]), Fraction(scores[at])
    share = (Fraction(target) - low) / (high - low)
    return float(sizes[at - 1] + share * (sizes[at] - sizes[at - 1]))
""",
            LABELS,
        ],
        "wrong": [
            (
                # np.interp over all scores, which need not rise
                """
import numpy as np
def labels_needed(sizes, scores, target):
    if max(scores) < target: return None
    return float(np.interp(target, scores, sizes))
""",
                "最小的条数正好等于目标",
            ),
            (
                "\ndef labels_needed(sizes, scores, target):\n    if scores[0] >= target:\n        return sizes[0]\n    for (x, low), (other, high) in zip(zip(sizes, scores), zip(sizes[1:], scores[1:])):\n        if high >= target:\n            return round(x + (target - low) / (high - low) * (other - x))\n",
                "不要取整",
            ),
            ("def labels_needed(sizes, scores, target):\n    sizes[0]\n", "什么也没有返回"),
            (
                # the first measured size
                "def labels_needed(sizes, scores, target):\n"
                "    return next((n for n, s in zip(sizes, scores) if s >= target), None)\n",
                "要按直线插值",
            ),
            (
                # numpy clips at both ends
                "import numpy as np\n"
                "def labels_needed(sizes, scores, target):\n"
                "    return float(np.interp(target, scores, sizes))\n",
                "始终达不到目标时返回 None",
            ),
            (
                # sorted by score, so not the first crossing
                """
import numpy as np

def labels_needed(sizes, scores, target):
    if max(scores) < target:
        return None
    pairs = sorted(zip(scores, sizes))
    return float(np.interp(target, [s for s, _ in pairs], [n for _, n in pairs]))
""",
                "第一次达到目标",
            ),
            (
                # nothing for a curve that begins above the target
                """
def labels_needed(sizes, scores, target):
    for i in range(1, len(sizes)):
        if scores[i - 1] < target <= scores[i]:
            share = (target - scores[i - 1]) / (scores[i] - scores[i - 1])
            return sizes[i - 1] + share * (sizes[i] - sizes[i - 1])
    return None
""",
                "返回最小的条数",
            ),
            (
                # strictly above the target
                """
def labels_needed(sizes, scores, target):
    points = list(zip(sizes, scores))
    if points[0][1] > target:
        return points[0][0]
    for (x, low), (other, high) in zip(points, points[1:]):
        if high > target:
            return x + (target - low) / (high - low) * (other - x)
""",
                "正好等于目标",
            ),
            (
                # the middle of two points
                """
def labels_needed(sizes, scores, target):
    if scores[0] >= target:
        return sizes[0]
    for i in range(1, len(sizes)):
        if scores[i] >= target:
            return (sizes[i - 1] + sizes[i]) / 2
""",
                "返回了两个测过的点的正中间",
            ),
            (
                # measured from the upper point
                changed(LABELS, ("target - scores[i - 1]", "scores[i] - target")),
                "插值的方向反了",
            ),
            (
                # the last crossing
                changed(
                    LABELS,
                    (
                        "    for i in range(1, len(sizes)):\n        if scores[i] >= target:\n",
                        "    for i in range(len(sizes) - 1, 0, -1):\n        if scores[i - 1] < target <= scores[i]:\n",
                    ),
                ),
                "准确率不一定一路上升",
            ),
            (
                # infinity where it is never reached
                changed(
                    LABELS,
                    (
                        "            return sizes[i - 1] + share * (sizes[i] - sizes[i - 1])\n",
                        '            return sizes[i - 1] + share * (sizes[i] - sizes[i - 1])\n    return float("inf")\n',
                    ),
                ),
                "始终达不到目标时返回 None",
            ),
            (
                # on a scale of logarithms
                changed(
                    LABELS,
                    (
                        "def labels_needed(sizes, scores, target):\n",
                        "import math\n\ndef labels_needed(sizes, scores, target):\n",
                    ),
                    (
                        "sizes[i - 1] + share * (sizes[i] - sizes[i - 1]",
                        "math.exp(math.log(sizes[i - 1]) + share * math.log(sizes[i] / sizes[i - 1])",
                    ),
                ),
                "0.55 在 200 条与 400 条正中间",
            ),
        ],
    },
    "01-3": {
        "alternative": """
import torch

def sense_gap(vectors, senses):
    within, between = [], []
    for i in range(len(vectors)):
        for j in range(i):
            cosine = torch.nn.functional.cosine_similarity(vectors[i], vectors[j], dim=0).item()
            (within if senses[i] == senses[j] else between).append(cosine)
    return sum(within) / len(within) - sum(between) / len(between)
""",
        "also_right": [
            # pair by pair
            """
import torch
from itertools import combinations
def sense_gap(vectors, senses):
    v = vectors / vectors.norm(dim=1, keepdim=True)
    same, other = [], []
    for i, j in combinations(range(len(v)), 2):
        (same if senses[i] == senses[j] else other).append(float(v[i] @ v[j]))
    return sum(same) / len(same) - sum(other) / len(other)
""",
            # sklearn
            """
import numpy as np
from sklearn.metrics.pairwise import cosine_similarity

def sense_gap(vectors, senses):
    senses = np.asarray(senses)
    similar = cosine_similarity(np.asarray(vectors))
    same = senses[:, None] == senses
    np.fill_diagonal(similar, np.nan)
    return np.nanmean(similar[same]) - np.nanmean(similar[~same])
""",
            # pairs by itertools
            """
import torch
from itertools import combinations

def sense_gap(vectors, senses):
    vectors /= vectors.norm(dim=1, keepdim=True)
    sums = {True: [], False: []}
    for i, j in combinations(range(len(vectors)), 2):
        sums[bool(senses[i] == senses[j])].append(vectors[i] @ vectors[j])
    return torch.stack(sums[True]).mean() - torch.stack(sums[False]).mean()
""",
        ],
        "wrong": [
            (
                # correlations
                """
import torch
def sense_gap(vectors, senses):
    c = torch.corrcoef(vectors); s = senses[:, None] == senses; e = torch.eye(len(c)).bool()
    return (c[s & ~e].mean() - c[~s].mean()).item()
""",
                "这是相关系数",
            ),
            (
                # distances
                """
import torch
def sense_gap(vectors, senses):
    d = torch.cdist(vectors, vectors); s = senses[:, None] == senses; e = torch.eye(len(d)).bool()
    return (d[~s].mean() - d[s & ~e].mean()).item()
""",
                "这是距离，不是余弦",
            ),
            (
                # one length for all
                """
import torch
def sense_gap(vectors, senses):
    v = vectors / vectors.norm(); c = v @ v.T; s = senses[:, None] == senses; e = torch.eye(len(c)).bool()
    return (c[s & ~e].mean() - c[~s].mean()).item()
""",
                "整张矩阵的长度",
            ),
            (
                # zeros on the diagonal
                """
import torch
def sense_gap(vectors, senses):
    v = torch.nn.functional.normalize(vectors, dim=1); c = (v @ v.T).fill_diagonal_(0); s = senses[:, None] == senses
    return (c[s].mean() - c[~s].mean()).item()
""",
                "不是算作 0",
            ),
            (
                # with itself
                """
import torch

def sense_gap(vectors, senses):
    unit = torch.nn.functional.normalize(vectors, dim=-1)
    similar, same = unit @ unit.T, senses[:, None] == senses[None]
    return (similar[same].mean() - similar[~same].mean()).item()
""",
                "把自己和自己也算进了组内",
            ),
            (
                # dot products
                """
import torch

def sense_gap(vectors, senses):
    similar, same = vectors @ vectors.T, senses[:, None] == senses[None]
    others = ~torch.eye(len(vectors), dtype=torch.bool)
    return (similar[same & others].mean() - similar[~same].mean()).item()
""",
                "这是点积",
            ),
            (
                # the wrong way round
                """
import torch

def sense_gap(vectors, senses):
    unit = torch.nn.functional.normalize(vectors, dim=-1)
    similar, same = unit @ unit.T, senses[:, None] == senses[None]
    others = ~torch.eye(len(unit), dtype=torch.bool)
    return (similar[~same].mean() - similar[same & others].mean()).item()
""",
                "方向反了",
            ),
            (
                # within only
                """
import torch

def sense_gap(vectors, senses):
    unit = torch.nn.functional.normalize(vectors, dim=-1)
    similar, same = unit @ unit.T, senses[:, None] == senses[None]
    return similar[same & ~torch.eye(len(unit), dtype=torch.bool)].mean().item()
""",
                "还要减去组间的平均",
            ),
            (
                # against all pairs
                """
import torch

def sense_gap(vectors, senses):
    unit = torch.nn.functional.normalize(vectors, dim=-1)
    similar, same = unit @ unit.T, senses[:, None] == senses[None]
    others = ~torch.eye(len(unit), dtype=torch.bool)
    return (similar[same & others].mean() - similar[others].mean()).item()
""",
                "减去的是全部句对的平均",
            ),
            (
                # mean of the two groups
                """
import torch

def sense_gap(vectors, senses):
    unit = torch.nn.functional.normalize(vectors, dim=-1)
    similar = unit @ unit.T
    senses = torch.as_tensor(senses)
    parts = []
    for name in senses.unique():
        block = similar[senses == name][:, senses == name]
        n = len(block)
        parts.append((block.sum() - n) / (n * (n - 1)))
    return float(sum(parts) / len(parts) - similar[senses[:, None] != senses].mean())
""",
                "先在每组里平均",
            ),
            (
                # normalised along the sentences
                """
import torch

def sense_gap(vectors, senses):
    unit = torch.nn.functional.normalize(vectors, dim=0)
    similar = unit @ unit.T
    senses = torch.as_tensor(senses)
    same = senses[:, None] == senses
    others = ~torch.eye(len(unit), dtype=torch.bool)
    return (similar[same & others].mean() - similar[~same].mean()).item()
""",
                "缩放沿错了方向",
            ),
        ],
    },
    "01-4": {
        "alternative": """
def span_corruption(tokens, spans):
    begins, inside = dict(spans), {i for b, e in spans for i in range(b, e)}
    names, source, target = iter(["<X>", "<Y>", "<Z>"]), [], []
    for place, token in enumerate(tokens):
        if place in begins:
            name = next(names)
            source.append(name)
            target.append(name)
        (target if place in inside else source).append(token)
    target.append(next(names))
    return source, target
""",
        "also_right": [
            # sets of places, tuples
            """
def span_corruption(tokens, spans):
    starts = {b: i for i, (b, _) in enumerate(spans)}
    inside = {p for b, e in spans for p in range(b, e)}
    source = [("<X>", "<Y>")[starts[i]] if i in starts else t for i, t in enumerate(tokens) if i in starts or i not in inside]
    target = sum(([("<X>", "<Y>")[i], *tokens[b:e]] for i, (b, e) in enumerate(spans)), [])
    return tuple(source), tuple(target + [("<X>", "<Y>", "<Z>")[len(spans)]])
""",
            # in place from the right
            """
def span_corruption(tokens, spans):
    source, target = list(tokens), []
    for (begin, end), mark in reversed(list(zip(spans, "XY"))):
        target = [f"<{mark}>", *source[begin:end], *target]
        source[begin:end] = [f"<{mark}>"]
    return [source, target + [f"<{'XYZ'[len(spans)]}>"]]
""",
            # tuples
            """
def span_corruption(tokens, spans):
    marks = ("<X>", "<Y>", "<Z>")
    source, target, place, used = (), (), 0, 0
    while place < len(tokens):
        here = [end for begin, end in spans if begin == place]
        if here:
            source += (marks[used],)
            target += (marks[used], *tokens[place : here[0]])
            place, used = here[0], used + 1
        else:
            source += (tokens[place],)
            place += 1
    return source, target + (marks[used],)
""",
            CORRUPTION,
        ],
        "wrong": [
            (
                # replaced by content
                """
def span_corruption(tokens, spans):
    names = ["<X>", "<Y>", "<Z>"]
    s = "".join(tokens); target = []
    for k, (b, e) in enumerate(spans):
        piece = "".join(tokens[b:e]); s = s.replace(piece, names[k], 1); target += [names[k], *piece]
    out, i = [], 0
    while i < len(s):
        if s[i] == "<": out.append(s[i:i+3]); i += 3
        else: out.append(s[i]); i += 1
    return out, target + [names[len(spans)]]
""",
                "按位置挖，不要按内容找",
            ),
            (
                # no sentinel at the end
                """
def span_corruption(tokens, spans):
    source, target, done = [], [], 0
    for mark, (begin, end) in zip(["<X>", "<Y>"], spans):
        source += tokens[done:begin] + [mark]
        target += [mark] + tokens[begin:end]
        done = end
    return source + tokens[done:], target
""",
                "还差结尾的 <Z>",
            ),
            (
                # a sentinel for each token, as BERT masks
                """
def span_corruption(tokens, spans):
    marks = iter(["<X>", "<Y>", "<Z>", "<W>"])
    source, target = list(tokens), []
    for begin, end in spans:
        for place in range(begin, end):
            source[place] = next(marks)
            target += [source[place], tokens[place]]
    return source, target + [next(marks)]
""",
                "一段只换成一个记号",
            ),
            (
                # the same sentinel for all
                """
def span_corruption(tokens, spans):
    source, target, done = [], [], 0
    for begin, end in spans:
        source += tokens[done:begin] + ["<X>"]
        target += ["<X>"] + tokens[begin:end]
        done = end
    return source + tokens[done:], target + ["<X>"]
""",
                "每一段用自己的记号",
            ),
            (
                # the end included
                changed(
                    CORRUPTION,
                    (
                        "        target += [mark] + tokens[begin:end]\n        done = end\n",
                        "        target += [mark] + tokens[begin:end + 1]\n        done = end + 1\n",
                    ),
                ),
                "end 那个位置不包括在内",
            ),
            (
                # the end of the sentence is lost
                changed(CORRUPTION, ("source + tokens[done:]", "source")),
                "最后一段后面的词元丢了",
            ),
            (
                # the whole sentence as target
                changed(
                    CORRUPTION,
                    ('target, done = ["<X>", "<Y>", "<Z>"], [', 'done = ["<X>", "<Y>", "<Z>"'),
                    ("        target += [mark] + tokens[begin:end]\n", ""),
                    ("target + [marks[len(spans)]]", "tokens"),
                ),
                "不是整句",
            ),
            (
                # always <Z> at the end
                """
def span_corruption(tokens, spans):
    source, target, done = [], [], 0
    for mark, (begin, end) in zip(["<X>", "<Y>"], spans):
        source += tokens[done:begin] + [mark]
        target += [mark] + tokens[begin:end]
        done = end
    return source + tokens[done:], target + ["<Z>"]
""",
                "第一个没用过的",
            ),
            (
                # only for two spans
                """
def span_corruption(tokens, spans):
    (a, b), (c, d) = spans
    source = tokens[:a] + ["<X>"] + tokens[b:c] + ["<Y>"] + tokens[d:]
    return source, ["<X>"] + tokens[a:b] + ["<Y>"] + tokens[c:d] + ["<Z>"]
""",
                "只挖一段时出错了",
            ),
            (
                # in place from the left, places move
                """
def span_corruption(tokens, spans):
    marks, target = ["<X>", "<Y>", "<Z>"], []
    source = list(tokens)
    for mark, (begin, end) in zip(marks, spans):
        target += [mark, *source[begin:end]]
        source[begin:end] = [mark]
    return source, target + [marks[len(spans)]]
""",
                "改了列表之后",
            ),
            (
                # strings
                """
def span_corruption(tokens, spans):
    marks, source, target, done = ["<X>", "<Y>", "<Z>"], "", "", 0
    for mark, (begin, end) in zip(marks, spans):
        source += "".join(tokens[done:begin]) + mark
        target += mark + "".join(tokens[begin:end])
        done = end
    return source + "".join(tokens[done:]), target + marks[len(spans)]
""",
                "要两个列表",
            ),
            (
                # the last sentinel again
                changed(CORRUPTION, ("s)]]", "s) - 1]]")),
                "收尾的记号要用一个没用过的",
            ),
            (
                # target before source
                changed(
                    CORRUPTION,
                    (
                        "source + tokens[done:], target + [marks[len(spans)]",
                        "target + [marks[len(spans)]], source + tokens[done:",
                    ),
                ),
                "两个列表的次序反了",
            ),
        ],
    },
    "01-5": {
        "alternative": """
import torch

def prefix_attention(vectors, prefix):
    rows = []
    for i, query in enumerate(vectors):
        keys = vectors[: max(prefix, i + 1)]
        weights = torch.softmax(keys @ query / len(query) ** 0.5, dim=0)
        rows.append(weights @ keys)
    return torch.stack(rows)
""",
        "also_right": [
            # fused
            """
import torch
from torch.nn.functional import scaled_dot_product_attention

def prefix_attention(vectors, prefix):
    place = torch.arange(len(vectors))
    seen = (place[None] < prefix) | (place[None] <= place[:, None])
    return scaled_dot_product_attention(vectors, vectors, vectors, attn_mask=seen)
""",
            # added mask by einsum
            """
import math
import torch

def prefix_attention(vectors, prefix):
    length, width = vectors.shape
    mask = torch.full((length, length), -1e9).triu(1)
    mask[:, :prefix] = 0
    weights = torch.exp(torch.einsum("id,jd->ij", vectors, vectors) / math.sqrt(width) + mask)
    return torch.einsum("ij,jd->id", weights / weights.sum(1, keepdim=True), vectors)
""",
            PREFIX,
        ],
        "wrong": [
            (ATTENTION.format(seen="torch.ones(length, length).bool()"), "这是 BERT"),
            (ATTENTION.format(seen=CAUSAL), "这是 GPT"),
            (ATTENTION.format(seen=f"{CAUSAL} | ({COLUMNS} <= prefix)"), "题目的长度差了一个"),
            (
                ATTENTION.format(
                    seen=f"torch.ones(length, length).tril(-1).bool() | ({COLUMNS} < prefix)"
                ),
                "对角线也要留下",
            ),
            (
                ATTENTION.format(
                    seen=f"{CAUSAL} & (torch.arange(length)[:, None] < prefix) "
                    f"| {CAUSAL} & ({COLUMNS} >= prefix) "
                    f"| (torch.arange(length)[:, None] < prefix) & ({COLUMNS} < prefix)"
                ),
                "回答看不见题目了",
            ),
            (ATTENTION.format(seen=f"({CAUSAL} | ({COLUMNS} < prefix)).T"), "行和列弄反了"),
            (
                # masked after the softmax
                """
import torch

def prefix_attention(vectors, prefix):
    length, width = vectors.shape
    seen = torch.ones(length, length).tril()
    seen[:, :prefix] = 1
    return ((vectors @ vectors.T / width ** 0.5).softmax(-1) * seen) @ vectors
""",
                "遮住要在 softmax 之前做",
            ),
            (
                ATTENTION.format(seen=f"{CAUSAL} | ({COLUMNS} < prefix)").replace(
                    " / width ** 0.5", ""
                ),
                "少了缩放",
            ),
            (
                ATTENTION.format(seen=f"{CAUSAL} | ({COLUMNS} < prefix)").replace("** 0.5", ""),
                "应当除以它的平方根",
            ),
            (
                ATTENTION.format(seen=f"{CAUSAL} | ({COLUMNS} < prefix)").replace(
                    "prefix):", "prefix):\n    vectors = vectors.detach()"
                ),
                "求不了梯度",
            ),
            (
                # the question sees the answer too
                changed(PREFIX, (":, :p", ":p")),
                "位置 0 看见了不该看见的位置 3",
            ),
            (
                # divided by the square root of the length
                changed(PREFIX, ("/ width", "/ length")),
                "除的是长度的平方根",
            ),
            (
                # numpy
                """
import numpy as np
import torch

def prefix_attention(vectors, prefix):
    v = vectors.numpy()
    seen = np.tril(np.ones((len(v), len(v)), bool))
    seen[:, :prefix] = True
    scores = np.where(seen, v @ v.T / v.shape[1] ** 0.5, -np.inf)
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return torch.tensor(weights / weights.sum(1, keepdims=True) @ v)
""",
                "输出对输入求不了梯度",
            ),
            (
                # the scores returned
                """
import torch

def prefix_attention(vectors, prefix):
    length, width = vectors.shape
    seen = torch.ones(length, length).tril().bool()
    seen[:, :prefix] = True
    return (vectors @ vectors.T / width**0.5).masked_fill(~seen, float("-inf")).softmax(-1)
""",
                "这是各位置的得分或权重",
            ),
        ],
    },
    "01-6": {
        "alternative": "holds = {'c', 'B'}\n",
        "also_right": [
            # with a blank and a Chinese comma
            """
holds = "c， b"
""",
            # a list with one string
            """
holds = ["BC"]
""",
            # full width
            """
holds = "ＢＣ"
""",
        ],
        "wrong": [
            ("holds = 'ABC'\n", "差三个点，± 却有五六个"),
            ("holds = 'B'\n", "验证集也是一条条标出来的"),
            ("holds = 'BCE'\n", "没有 E 这一句"),
            ("holds = 2\n", "一串字母"),
            (
                # nothing
                """
holds = ""
""",
                "再看 B。差距比种子之间的起伏还小",
            ),
            (
                # all
                """
holds = "ABCD"
""",
                "再看 A。差三个点",
            ),
        ],
    },
}
