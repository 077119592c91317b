"""Chapter 7: other right answers to its exercises, and wrong ones with the hints they earn."""

from exercises import changed

# A right answer to 07-1 with one place to go wrong: {} is replaced.
CORRUPT = """
def corrupt(tokens, hidden):
    source, target, spans = [], [], 0
    for place, token in enumerate(tokens):
        if not hidden[place]:
            source.append(token)
            continue
        if {begins}:
            source.append(f"<extra_id_{spans}>")
            target.append(f"<extra_id_{spans}>")
            spans += 1
        target.append(token)
    return {result}
"""


def corrupt(begins="place == 0 or not hidden[place - 1]", result="source, [*target, last]", **also):
    result = result.replace("last", 'f"<extra_id_{spans}>"')
    code = CORRUPT.replace("{begins}", begins).replace("{result}", result)
    for old, new in also.values():
        code = code.replace(old, new)
    return code


BATCH = """
def decoder_batch(targets, start, pad):
    length = max(len(target) for target in targets)
    labels = [{labels} for target in targets]
    inputs = [{inputs} for target in targets]
    return inputs, labels
"""


def batch(
    labels="target + [-100] * (length - len(target))",
    inputs="[start] + target[:-1] + [pad] * (length - len(target))",
):
    return BATCH.format(labels=labels, inputs=inputs)


BEST = """
def best_name(names, next_log_p):
    waiting, done = [(0.0, ())], []
    while waiting:
        waiting.sort()
        total, written = waiting.pop()
        {first}
        log_p = next_log_p(written)
        for token in {tokens}:
            waiting.append((total + log_p[token], written + (token,)))
"""
STOP = "if written[-1:] == ('</s>',): return written[:-1], total"
NEXT = (
    "{(*n, '</s>')[len(written)] for n in names"
    " if len(n) >= len(written) and n[:len(written)] == written}"
)


def best(first=STOP, tokens=NEXT):
    return BEST.format(first=first, tokens=tokens)


CORRUPTED = """
def corrupt(tokens, hidden):
    source, target, n = [], [], 0
    for i, (token, gone) in enumerate(zip(tokens, hidden)):
        if not gone:
            source.append(token)
            continue
        if i == 0 or not hidden[i - 1]:
            source.append(f"<extra_id_{n}>")
            target.append(f"<extra_id_{n}>")
            n += 1
        target.append(token)
    return source, [*target, f"<extra_id_{n}>"]
"""


EXERCISES = {
    "07-1": {
        "alternative": """
from itertools import groupby

def corrupt(tokens, hidden):
    source, target, number = [], [], 0
    for gone, group in groupby(zip(tokens, hidden), key=lambda pair: bool(pair[1])):
        words = [token for token, _ in group]
        if gone:
            mark = "<extra_id_%d>" % number
            source, target, number = source + [mark], target + [mark] + words, number + 1
        else:
            source = source + words
    return source, target + ["<extra_id_%d>" % number]
""",
        "also_right": [
            # groupby
            """
from itertools import groupby
def corrupt(tokens, hidden):
    source, target, n = [], [], 0
    for hide, group in groupby(zip(tokens, hidden), key=lambda p: bool(p[1])):
        piece = [t for t, _ in group]
        if hide:
            mark = f"<extra_id_{n}>"; n += 1
            source.append(mark); target += [mark, *piece]
        else: source += piece
    return source, target + [f"<extra_id_{n}>"]
""",
            # groupby
            """
from itertools import groupby

def corrupt(tokens, hidden):
    source, target, n = [], [], 0
    for gone, group in groupby(zip(hidden, tokens), key=lambda pair: bool(pair[0])):
        words = [word for _, word in group]
        if gone:
            mark = f"<extra_id_{n}>"
            source, target, n = source + [mark], target + [mark] + words, n + 1
        else:
            source = source + words
    return [source, target + [f"<extra_id_{n}>"]]
""",
            # a while loop, tuples
            """
def corrupt(tokens, hidden):
    source, target, i, n = (), (), 0, 0
    while i < len(tokens):
        if hidden[i]:
            source += (f"<extra_id_{n}>",)
            target += (f"<extra_id_{n}>",)
            while i < len(tokens) and hidden[i]:
                target += (tokens[i],)
                i += 1
            n += 1
        else:
            source += (tokens[i],)
            i += 1
    return source, target + (f"<extra_id_{n}>",)
""",
            # numpy
            """
import numpy as np

def corrupt(tokens, hidden):
    hidden = np.asarray(hidden, dtype=bool)
    begins = hidden & ~np.r_[False, hidden[:-1]]
    number = begins.cumsum() - 1
    source = [
        f"<extra_id_{n}>" if b else t
        for t, h, b, n in zip(tokens, hidden, begins, number)
        if b or not h
    ]
    target = []
    for t, h, b, n in zip(tokens, hidden, begins, number):
        target += [f"<extra_id_{n}>"] * int(b) + [t] * int(h)
    return source, [*target, f"<extra_id_{begins.sum()}>"]
""",
            CORRUPTED,
        ],
        "wrong": [
            (
                # the last one before the first
                """
def corrupt(tokens, hidden):
    source, target, n = [], [], 0
    for i, (t, h) in enumerate(zip(tokens, hidden)):
        if h and not hidden[i - 1]:
            source.append(f"<extra_id_{n}>"); target.append(f"<extra_id_{n}>"); n += 1
        if h: target.append(t)
        else: source.append(t)
    return source, target + [f"<extra_id_{n}>"]
""",
                "在开头会取到最后一个",
            ),
            (corrupt(begins="True"), "每个词元各用了一个哨兵"),
            (corrupt(result="source, target"), "少了收尾的哨兵"),
            (corrupt(result="[*target, last], source"), "次序反了"),
            (corrupt(result="source"), "请返回两个列表"),
            (corrupt(begins="not hidden[place - 1]"), "会取到最后一个"),
            (
                corrupt(result="source, [*target, f'<extra_id_{spans - 1}>']"),
                "用一个还没用过的",
            ),
            (corrupt(one=("spans += 1", "pass")), "每一段要换下一个哨兵"),
            (corrupt(one=("spans = [], [], 0", "spans = [], [], 1")), "不是从 1"),
            (corrupt(one=('source.append(f"', 'str(f"')), "要放一个哨兵"),
            (corrupt(one=('target.append(f"', 'str(f"'), result="source, target"), "没有哨兵"),
            (
                # sentinels numbered from the end, as their ids are
                corrupt(
                    one=('source.append(f"<extra_id_{spans}>")', 'source.append(f"<{spans}>")'),
                    result="[{'<0>': '<extra_id_1>', '<1>': '<extra_id_0>'}.get(t, t)"
                    " for t in source], target",
                ),
                "哨兵的次序反了",
            ),
            (
                # the final sentinel only where something was hidden
                corrupt(result="source, [*target, last] if spans else []"),
                "一个都不挖时",
            ),
            (
                # joined to strings
                """
def corrupt(tokens, hidden):
    source, target, n = "", "", 0
    for i, (token, gone) in enumerate(zip(tokens, hidden)):
        if not gone:
            source += token
            continue
        if i == 0 or not hidden[i - 1]:
            source += f"<extra_id_{n}>"
            target += f"<extra_id_{n}>"
            n += 1
        target += token
    return source, target + f"<extra_id_{n}>"
""",
                "要两个列表",
            ),
            (
                # True means kept
                changed(
                    CORRUPTED,
                    (
                        "def corrupt(tokens, hidden):\n",
                        "def corrupt(tokens, hidden):\n    hidden = [not each for each in hidden]\n",
                    ),
                ),
                "真假反了：True 是挖掉",
            ),
            (
                # the end of a sentence as last
                changed(CORRUPTED, (' f"<extra_id_{n}>', ' "</s>')),
                "收尾的不是 `</s>`",
            ),
            (
                # marks as in chapter one
                changed(
                    CORRUPTED,
                    ("source, target, n =", 'marks, source, target, n = ["<X>", "<Y>", "<Z>"],'),
                    (
                        '            source.append(f"<extra_id_{n}>")\n            target.append(f"<extra_id_{n}>")\n',
                        "            source.append(marks[n])\n            target.append(marks[n])\n",
                    ),
                    (' f"<extra_id_{n}>"]', " marks[n]]"),
                ),
                "这里的哨兵写作 `<extra_id_0>`、`<extra_id_1>`",
            ),
        ],
    },
    "07-2": {
        "alternative": """
import torch

def decoder_batch(targets, start, pad):
    rows = [torch.tensor(target) for target in targets]
    labels = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)
    inputs = labels.roll(1, dims=1)
    inputs[:, 0] = start
    return inputs.masked_fill(inputs == -100, pad).tolist(), labels.tolist()
""",
        "also_right": [
            # numpy
            """
import numpy as np

def decoder_batch(targets, start, pad):
    length = max(map(len, targets))
    labels = np.full((len(targets), length), -100)
    for n, target in enumerate(targets):
        labels[n, : len(target)] = target
    inputs = np.c_[np.full(len(targets), start), labels[:, :-1]]
    return np.where(inputs == -100, pad, inputs), labels
""",
            # torch, as the library shifts
            """
import torch
from torch.nn.utils.rnn import pad_sequence

def decoder_batch(targets, start, pad):
    labels = pad_sequence([torch.tensor(t) for t in targets], batch_first=True, padding_value=-100)
    inputs = labels.roll(1, dims=1)
    inputs[:, 0] = start
    return inputs.masked_fill(inputs == -100, pad), labels
""",
            # zip_longest
            """
from itertools import zip_longest

def decoder_batch(targets, start, pad):
    labels = [list(row) for row in zip(*zip_longest(*targets, fillvalue=-100))]
    inputs = [
        list(row) for row in zip(*zip_longest(*[[start] + t[:-1] for t in targets], fillvalue=pad))
    ]
    return [inputs, labels]
""",
            # -100 wherever the pad id stands
            """
def decoder_batch(targets, start, pad):
    length = max(len(t) for t in targets)
    padded = [t + [pad] * (length - len(t)) for t in targets]
    inputs = [[start] + row[:-1] for row in padded]
    labels = [[-100 if each == pad else each for each in row] for row in padded]
    return inputs, labels
""",
        ],
        "wrong": [
            (
                # as long as the first one
                """
def decoder_batch(targets, start, pad):
    length = len(targets[0])
    inputs = [[start, *row[:-1]] for row in targets]
    inputs = [row + [pad] * (length - len(row)) for row in inputs]
    return inputs, [list(row) + [-100] * (length - len(row)) for row in targets]
""",
                "最长的答案不一定排在第一个",
            ),
            (batch(inputs="target + [pad] * (length - len(target))"), "没有右移"),
            (
                batch(inputs="target[1:] + [start] + [pad] * (length - len(target))"),
                "挪反了方向",
            ),
            (batch(inputs="[start] + target + [pad] * (length - len(target))"), "多了一个"),
            (batch(labels="target + [pad] * (length - len(target))"), "成了要学的答案"),
            (
                batch(inputs="[start] + target[:-1] + [-100] * (length - len(target))"),
                "出现了 -100",
            ),
            (batch(inputs="[0] + target[:-1] + [pad] * (length - len(target))"), "不要写死成 0"),
            (
                batch(inputs="[start] + target[:-1] + [0] * (length - len(target))"),
                "右边补参数 `pad`",
            ),
            (batch(inputs="[start] + target[:-1]"), "要一样长"),
            (batch(labels="target"), "labels 不对"),
            (
                # the two results the wrong way round
                batch().replace("return inputs, labels", "return labels, inputs"),
                "labels 不要挪",
            ),
            (
                # pops the end off the caller's own lists
                """
def decoder_batch(targets, start, pad):
    length = max(map(len, targets))
    labels = [list(target) + [-100] * (length - len(target)) for target in targets]
    for target in targets:
        target.pop()
    inputs = [[start] + target + [pad] * (length - 1 - len(target)) for target in targets]
    return inputs, labels
""",
                "被你改动了",
            ),
            (
                # the two exchanged
                """
def decoder_batch(targets, start, pad):
    length = max(len(t) for t in targets)
    labels = [t + [-100] * (length - len(t)) for t in targets]
    inputs = [[start] + t[:-1] + [pad] * (length - len(t)) for t in targets]
    return labels, inputs
""",
                "labels 不要挪",
            ),
            (
                # padded on the left
                """
def decoder_batch(targets, start, pad):
    length = max(len(t) for t in targets)
    labels = [[-100] * (length - len(t)) + t for t in targets]
    inputs = [[pad] * (length - len(t)) + [start] + t[:-1] for t in targets]
    return inputs, labels
""",
                "labels 不对",
            ),
            (
                # padded with the start
                """
def decoder_batch(targets, start, pad):
    length = max(len(t) for t in targets)
    labels = [t + [-100] * (length - len(t)) for t in targets]
    inputs = [[start] + t[:-1] + [start] * (length - len(t)) for t in targets]
    return inputs, labels
""",
                "短的那一行不对",
            ),
        ],
    },
    "07-3": {
        "alternative": """
def allowed_next(names, written):
    tree = {}
    for name in names:
        place = tree
        for token in list(name) + ["</s>"]:
            place = place.setdefault(token, {})
    for token in written:
        tree = tree.get(token, {})
    return list(tree)
""",
        "also_right": [
            # a trie
            """
def allowed_next(names, written):
    trie = {}
    for name in names:
        node = trie
        for token in [*name, "</s>"]:
            node = node.setdefault(token, {})
    for token in written:
        if token not in trie:
            return set()
        trie = trie[token]
    return trie.keys()
""",
            # a loop, frozenset
            """
def allowed_next(names, written):
    found, n = [], len(written)
    for name in names:
        if name[:n] == written:
            found.append(name[n] if n < len(name) else "</s>")
    return frozenset(found)
""",
        ],
        "wrong": [
            (
                # the end is allowed anywhere
                """
def allowed_next(names, written):
    done = len(written)
    nexts = {name[done] for name in names if len(name) > done and name[:done] == written}
    return nexts | {"</s>"}
""",
                "写出空的答案",
            ),
            (
                # the end after anything that was written
                """
def allowed_next(names, written):
    done = len(written)
    nexts = {name[done] for name in names if len(name) > done and name[:done] == written}
    return nexts | {"</s>"} if written else nexts
""",
                "提前结束",
            ),
            (
                # the end only where nothing else is left: "正" can never be chosen
                """
def allowed_next(names, written):
    done = len(written)
    nexts = {name[done] for name in names if len(name) > done and name[:done] == written}
    return nexts or {"</s>"}
""",
                "「正」自己也是一个名字",
            ),
            (
                # the end as soon as a name is complete: "正面" can never be written
                """
def allowed_next(names, written):
    if written in names:
        return {"</s>"}
    done = len(written)
    return {name[done] for name in names if len(name) > done and name[:done] == written}
""",
                "永远写不出「正面」",
            ),
            (
                # no end at all
                """
def allowed_next(names, written):
    done = len(written)
    nexts = {name[done] for name in names if len(name) > done and name[:done] == written}
    return nexts | ({"</s>"} if written == ["正"] else set())
""",
                "不然停不下来",
            ),
            (
                # goes on after the end
                """
def allowed_next(names, written):
    if written and written[-1] == "</s>":
        return {"</s>"}
    paths, done = [[*name, "</s>"] for name in names], len(written)
    return {path[done] for path in paths if len(path) > done and path[:done] == written}
""",
                "就结束了",
            ),
            (
                # any token of the list at the start
                """
def allowed_next(names, written):
    if not written:
        return {token for name in names for token in name}
    paths, done = [[*name, "</s>"] for name in names], len(written)
    return {path[done] for path in paths if len(path) > done and path[:done] == written}
""",
                "开头就放行了「面」",
            ),
            (
                # looks at the place only, not at what was written
                """
def allowed_next(names, written):
    paths, done = [[*name, "</s>"] for name in names], len(written)
    return {path[done] for path in paths if len(path) > done}
""",
                "提前结束",
            ),
            (
                # compares the last token only
                """
def allowed_next(names, written):
    if not written:
        return {name[0] for name in names}
    paths = [[*name, "</s>"] for name in names]
    return {b for path in paths for a, b in zip(path, path[1:]) if a == written[-1]}
""",
                "只比了最后一个词元",
            ),
            (
                # puts the end onto the caller's own lists; the check calls it with copies
                """
def allowed_next(names, written):
    for name in names:
        name.append("</s>")
    done = len(written)
    return {name[done] for name in names if len(name) > done and name[:done] == written}
""",
                "`names` 被你改动了",
            ),
            (
                # compared as joined text
                """
def allowed_next(names, written):
    done = "".join(written)
    found = set()
    for name in names:
        text = "".join(name)
        if text == done:
            found.add("</s>")
        elif text.startswith(done):
            found.add(text[len(done)])
    return found
""",
                "一个词元可以有几个字符",
            ),
            (
                # a lone name is written out
                """
def allowed_next(names, written):
    n = len(written)
    rest = [name for name in names if list(name[:n]) == list(written)]
    return {name[n] for name in rest if len(name) > n} or ({"</s>"} if rest else set())
""",
                "「正」自己也是一个名字",
            ),
        ],
    },
    "07-4": {
        "alternative": """
import torch

def class_probabilities(log_ps):
    totals = torch.tensor([float(sum(each)) for each in log_ps], dtype=torch.float64)
    return torch.softmax(totals, dim=0).tolist()
""",
        "also_right": [
            # logsumexp
            """
import numpy as np
from scipy.special import logsumexp

def class_probabilities(log_ps):
    totals = np.fromiter(map(np.sum, log_ps), float)
    return np.exp(totals - logsumexp(totals)).tolist()
""",
            # torch
            """
import torch

def class_probabilities(log_ps):
    return torch.tensor([torch.tensor(row).sum() for row in log_ps]).softmax(0)
""",
            # plain Python, a tuple
            """
import math

def class_probabilities(log_ps):
    totals = [math.fsum(row) for row in log_ps]
    weights = [math.exp(total - max(totals)) for total in totals]
    return tuple(weight / sum(weights) for weight in weights)
""",
        ],
        "wrong": [
            (
                # the least sum is subtracted
                """
import numpy as np

def class_probabilities(log_ps):
    totals = np.array([sum(row) for row in log_ps])
    shares = np.exp(totals - totals.min())
    return shares / shares.sum()
""",
                "减去的应是最大的和",
            ),
            (
                "import numpy as np\n"
                "def class_probabilities(log_ps):\n"
                "    means = np.array([np.mean(each) for each in log_ps])\n"
                "    return np.exp(means) / np.exp(means).sum()\n",
                "你取了平均",
            ),
            (
                "import math\n"
                "def class_probabilities(log_ps):\n"
                "    return [math.exp(sum(each)) for each in log_ps]\n",
                "加起来不等于 1",
            ),
            (
                "import numpy as np\n"
                "def class_probabilities(log_ps):\n"
                "    weights = np.array([np.exp(each).sum() for each in log_ps])\n"
                "    return weights / weights.sum()\n",
                "连乘",
            ),
            (
                "import numpy as np\n"
                "def class_probabilities(log_ps):\n"
                "    weights = np.array([np.exp(each[0]) for each in log_ps])\n"
                "    return weights / weights.sum()\n",
                "只用了第一个词元",
            ),
            (
                "import numpy as np\n"
                "def class_probabilities(log_ps):\n"
                "    weights = np.array([np.exp(each[-1]) for each in log_ps])\n"
                "    return weights / weights.sum()\n",
                "只用了最后一个词元",
            ),
            (
                "import torch\n"
                "def class_probabilities(log_ps):\n"
                "    return torch.tensor([sum(each) for each in log_ps]).log_softmax(0)\n",
                "有负数",
            ),
            (
                "def class_probabilities(log_ps):\n"
                "    totals = [sum(each) for each in log_ps]\n"
                "    return [each / sum(totals) for each in totals]\n",
                "对数不能直接拿来除",
            ),
            (
                # underflows
                "import numpy as np\n"
                "def class_probabilities(log_ps):\n"
                "    weights = np.exp([sum(each) for each in log_ps])\n"
                "    return weights / weights.sum()\n",
                "先减去最大的和",
            ),
            ("def class_probabilities(log_ps):\n    return [1.0]\n", "三个类别要返回三个数"),
            (
                # without the last token
                """
import numpy as np

def class_probabilities(log_ps):
    totals = np.array([sum(row[:-1]) for row in log_ps])
    weights = np.exp(totals - totals.max())
    return weights / weights.sum()
""",
                "漏了每列的最后一个数",
            ),
            (
                # the largest of all tokens subtracted
                """
import numpy as np

def class_probabilities(log_ps):
    top = max(max(row) for row in log_ps)
    weights = np.array([np.exp(sum(each - top for each in row)) for row in log_ps])
    return weights / weights.sum()
""",
                "减早了：先把每列相加",
            ),
            (
                # the logarithms
                """
import numpy as np
from scipy.special import log_softmax

def class_probabilities(log_ps):
    return log_softmax([sum(row) for row in log_ps])
""",
                "有负数：返回的应是概率",
            ),
            (
                # a softmax of the products
                """
import numpy as np
from scipy.special import softmax

def class_probabilities(log_ps):
    return softmax([np.exp(sum(row)) for row in log_ps])
""",
                "多做了一次 softmax",
            ),
            (
                # multiplied
                """
import numpy as np

def class_probabilities(log_ps):
    totals = np.array([np.prod(row) for row in log_ps])
    weights = np.exp(totals - totals.max())
    return weights / weights.sum()
""",
                "把对数乘了起来",
            ),
        ],
    },
    "07-5": {
        "alternative": best(),
        "also_right": [
            # a sorted list
            """
def best_name(names, next_log_p):
    waiting = [(0.0, ())]
    while True:
        waiting.sort(key=lambda pair: pair[0])
        total, written = waiting.pop()
        if written and written[-1] == "</s>":
            return list(written[:-1]), total
        said = next_log_p(written)
        n = len(written)
        for token in {
            (*name, "</s>")[n] for name in names if len(name) >= n and tuple(name[:n]) == written
        }:
            waiting.append((total + said[token], written + (token,)))
""",
            # a dict of open ways
            """
def best_name(names, next_log_p):
    open_ways = {(): 0.0}
    while open_ways:
        best = max(open_ways, key=open_ways.get)
        total = open_ways.pop(best)
        if best[-1:] == ("</s>",):
            return best[:-1], total
        after = next_log_p(best)
        for name in names:
            path = name + ("</s>",)
            if path[: len(best)] == best and len(path) > len(best):
                open_ways[path[: len(best) + 1]] = total + after[path[len(best)]]
""",
        ],
        "wrong": [
            (
                # the mean score first
                """
import heapq
def best_name(names, next_log_p):
    full = [tuple(n) + ("</s>",) for n in names]
    heap = [(0.0, 0.0, ())]
    while heap:
        m, s, w = heapq.heappop(heap)
        if w and w[-1] == "</s>": return w[:-1], s
        ok = {f[len(w)] for f in full if f[:len(w)] == w and len(f) > len(w)}
        p = next_log_p(w)
        for t in ok: heapq.heappush(heap, (-(s + p[t]) / (len(w) + 1), s + p[t], w + (t,)))
""",
                "找到的不是概率最高的那个",
            ),
            (
                # greedy within the list
                f"""
def best_name(names, next_log_p):
    written, total = (), 0.0
    while written[-1:] != ("</s>",):
        log_p = next_log_p(written)
        token = max({NEXT}, key=log_p.get)
        written, total = written + (token,), total + log_p[token]
    return written[:-1], total
""",
                "这是贪心",
            ),
            (
                # scores every name: right, but dear
                """
def best_name(names, next_log_p):
    known, totals = {}, {}
    def ask(written):
        if written not in known:
            known[written] = next_log_p(written)
        return known[written]
    for name in names:
        path = (*name, "</s>")
        totals[name] = sum(ask(path[:i])[token] for i, token in enumerate(path))
    best = max(totals, key=totals.get)
    return best, totals[best]
""",
                "次就够",
            ),
            (
                # the same without remembering the answers
                """
def best_name(names, next_log_p):
    totals = {}
    for name in names:
        path = (*name, "</s>")
        totals[name] = sum(next_log_p(path[:i])[token] for i, token in enumerate(path))
    best = max(totals, key=totals.get)
    return best, totals[best]
""",
                "同一个开头问了不止一次",
            ),
            (best(tokens="log_p"), "走不成名单上任何名字的路"),
            (best(first=STOP.replace("total", "-total")), "正负号反了"),
            (best(first=STOP.replace("total", "2.718281828459045 ** total")), "题目要总的**对数**"),
            (
                # a name counts as finished without the end's own probability
                best(
                    first="if written in names: return written, total",
                    tokens=NEXT.replace("(*n, '</s>')", "n").replace(">=", ">"),
                ),
                "漏了 `</s>`",
            ),
            (
                # the end is free, so the first complete name wins
                best(
                    first="if written in names: return written, total + next_log_p(written)['</s>']"
                ),
                "太早收尾了",
            ),
            (
                # stops at the first path that is complete instead of the first that is on top
                best().replace(
                    "            waiting.append(",
                    "            if token == '</s>': return written, total + log_p[token]\n"
                    "            waiting.append(",
                ),
                "太早收尾了",
            ),
            (best(first="if written[-1:] == ('</s>',): return written, total"), "不含 `</s>`"),
            (best(first=STOP.replace(", total", "")), "请返回两样"),
            (
                # follows a name that is the beginning of another no further
                best(tokens="({'</s>'} if written in names else " + NEXT + ")"),
                "两条路都要留",
            ),
            (
                # every name scored
                """
def best_name(names, next_log_p):
    asked = {}

    def total(name):
        score = 0.0
        for n, token in enumerate((*name, "</s>")):
            if name[:n] not in asked:
                asked[name[:n]] = next_log_p(name[:n])
            score += asked[name[:n]][token]
        return score

    totals = {name: total(name) for name in names}
    best = max(totals, key=totals.get)
    return best, totals[best]
""",
                "答案对了，但问了 6 次",
            ),
            (
                # renormalised over the allowed
                """
import heapq
import math

def best_name(names, next_log_p):
    paths = [(*name, "</s>") for name in names]
    waiting = [(0.0, ())]
    while waiting:
        cost, written = heapq.heappop(waiting)
        if written[-1:] == ("</s>",):
            return written[:-1], -cost
        n, said = len(written), next_log_p(written)
        nexts = {p[n] for p in paths if p[:n] == written}
        norm = math.log(sum(math.exp(said[token]) for token in nexts))
        for token in nexts:
            heapq.heappush(waiting, (cost - said[token] + norm, (*written, token)))
""",
                "名字对了，总的对数概率不对",
            ),
        ],
    },
    "07-6": {
        "alternative": "holds = {'c', 'B'}\n",
        "wrong": [
            ("holds = 'ABC'\n", "权重一个也没有变。约束只"),
            ("holds = 'B'\n", "七成的概率不在任何一个类"),
            ("holds = 'BCE'\n", "没有 E 这一句"),
            ("holds = 2\n", "一串字母"),
        ],
    },
}
