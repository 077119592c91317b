"""Chapter 1: other right answers to its exercises, and wrong ones with the hints they earn."""

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
        "wrong": [
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
        "wrong": [
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
        "wrong": [
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
        "wrong": [
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
                """
def span_corruption(tokens, spans):
    marks, source, target, done = ["<X>", "<Y>", "<Z>"], [], [], 0
    for mark, (begin, end) in zip(marks, spans):
        source += tokens[done:begin] + [mark]
        target += [mark] + tokens[begin:end + 1]
        done = end + 1
    return source + tokens[done:], target + [marks[len(spans)]]
""",
                "end 那个位置不包括在内",
            ),
            (
                # the end of the sentence is lost
                """
def span_corruption(tokens, spans):
    marks, source, target, done = ["<X>", "<Y>", "<Z>"], [], [], 0
    for mark, (begin, end) in zip(marks, spans):
        source += tokens[done:begin] + [mark]
        target += [mark] + tokens[begin:end]
        done = end
    return source, target + [marks[len(spans)]]
""",
                "最后一段后面的词元丢了",
            ),
            (
                # the whole sentence as target
                """
def span_corruption(tokens, spans):
    marks, source, done = ["<X>", "<Y>", "<Z>"], [], 0
    for mark, (begin, end) in zip(marks, spans):
        source += tokens[done:begin] + [mark]
        done = end
    return source + tokens[done:], tokens
""",
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
        ],
    },
    "01-6": {
        "alternative": "holds = {'c', 'B'}\n",
        "wrong": [
            ("holds = 'ABC'\n", "差三个点，± 却有五六个"),
            ("holds = 'B'\n", "验证集也是一条条标出来的"),
            ("holds = 'BCE'\n", "没有 E 这一句"),
            ("holds = 2\n", "一串字母"),
        ],
    },
}
