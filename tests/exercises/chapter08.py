"""Other right answers and wrong ones for the exercises of chapter 8."""

from exercises import changed

SCORES = """
import numpy as np
from scipy.special import log_softmax

def mean_label_scores(logits, ids, starts, ends):
    logs, out = log_softmax(logits, -1), []
    for r, (s, e) in enumerate(zip(starts, ends)):
        t = np.arange(s, e)
        out.append(logs[r, t - 1, ids[r, t]].mean())
    return np.array(out)
"""

INTERVAL = """
import numpy as np

def difference_interval(right_a, right_b):
    gap, rng = right_b - right_a, np.random.default_rng(0)
    means = gap[rng.integers(0, len(gap), (2000, len(gap)))].mean(axis=1)
    return gap.mean(), *np.percentile(means, [2.5, 97.5])
"""


EXERCISES = {
    "08-1": {
        "alternative": """
import numpy as np

def perplexity(losses, tokens):
    return np.exp(np.average(losses, weights=tokens))
""",
        "also_right": [
            # numpy
            """
import numpy as np

def perplexity(losses, tokens):
    return np.exp(np.average(losses, weights=tokens))
""",
            # torch
            """
import torch

def perplexity(losses, tokens):
    losses, tokens = torch.tensor(losses, dtype=torch.double), torch.tensor(tokens)
    return (losses @ tokens.double() / tokens.sum()).exp()
""",
            # products of powers
            """
import math

def perplexity(losses, tokens):
    total = sum(tokens)
    return math.prod(math.exp(loss) ** (count / total) for loss, count in zip(losses, tokens))
""",
        ],
        "wrong": [
            (
                "import math\n\ndef perplexity(losses, tokens):\n"
                "    return math.exp(sum(losses) / len(losses))\n",
                "每批的分量不该一样",
            ),
            (
                "import math\n\ndef perplexity(losses, tokens):\n"
                "    return sum(math.exp(x) * n for x, n in zip(losses, tokens)) / sum(tokens)\n",
                "各批的困惑度不能直接平均",
            ),
            (
                "def perplexity(losses, tokens):\n"
                "    return 2 ** (sum(x * n for x, n in zip(losses, tokens)) / sum(tokens))\n",
                "底数用 e",
            ),
            (
                "def perplexity(losses, tokens):\n"
                "    return sum(x * n for x, n in zip(losses, tokens)) / sum(tokens)\n",
                "还要取指数",
            ),
            (
                # only two batches
                """
import math

def perplexity(losses, tokens):
    share = tokens[0] / (tokens[0] + tokens[1])
    return math.exp(share * losses[0] + (1 - share) * losses[1])
""",
                "换成三批就不对了",
            ),
            (
                # in bits
                """
def perplexity(losses, tokens):
    return 2 ** (sum(l * t for l, t in zip(losses, tokens)) / sum(tokens))
""",
                "损失的单位是 nat",
            ),
        ],
    },
    "08-2": {
        "alternative": """
import torch

def temperature_probabilities(logits, temperature):
    logits = torch.tensor(logits)
    if temperature == 0:
        return (logits == logits.max()).double().numpy()
    return torch.softmax(logits / temperature, dim=-1).numpy()
""",
        "also_right": [
            # scipy
            """
import numpy as np
from scipy.special import softmax

def temperature_probabilities(logits, temperature):
    if temperature <= 0:
        out = np.zeros(len(logits))
        out[np.argmax(logits)] = 1
        return out
    return softmax(logits / temperature)
""",
            # torch
            """
import torch

def temperature_probabilities(logits, temperature):
    logits = torch.as_tensor(logits)
    if not temperature:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).double()
    return torch.softmax(logits / temperature, dim=-1)
""",
            # plain Python
            """
import math

def temperature_probabilities(logits, temperature):
    top = max(logits)
    if temperature == 0:
        first = list(logits).index(top)
        return [float(n == first) for n in range(len(logits))]
    powers = [math.exp((each - top) / temperature) for each in logits]
    return [power / sum(powers) for power in powers]
""",
            # a tiny number added to the temperature
            """
import numpy as np

def temperature_probabilities(logits, temperature):
    scaled = (logits - logits.max()) / max(temperature, 1e-12)
    return np.exp(scaled) / np.exp(scaled).sum()
""",
        ],
        "wrong": [
            (
                "import numpy as np\n\ndef temperature_probabilities(logits, temperature):\n"
                "    p = np.exp(logits) / np.exp(logits).sum()\n    return p / temperature\n",
                "先做了 softmax",
            ),
            (
                "import numpy as np\n\ndef temperature_probabilities(logits, temperature):\n"
                "    p = np.exp(logits) / temperature\n    return p / p.sum()\n",
                "温度被约掉了",
            ),
            (
                "import numpy as np\n\ndef temperature_probabilities(logits, temperature):\n"
                "    p = np.exp(logits * temperature)\n    return p / p.sum()\n",
                "这里乘了温度",
            ),
            (
                "import numpy as np\n\ndef temperature_probabilities(logits, temperature):\n"
                "    if temperature == 0:\n        return np.eye(len(logits))[logits.argmax()]\n"
                "    with np.errstate(all='ignore'):\n"
                "        p = np.exp(logits / temperature)\n        return p / p.sum()\n",
                "溢出了",
            ),
            (
                "import numpy as np\n\ndef temperature_probabilities(logits, temperature):\n"
                "    with np.errstate(all='ignore'):\n"
                "        x = logits / temperature\n        p = np.exp(x - x.max())\n"
                "        return p / p.sum()\n",
                "温度为 0",
            ),
            (
                # the index at zero
                """
import numpy as np

def temperature_probabilities(logits, temperature):
    if temperature == 0:
        return logits.argmax()
    scaled = (logits - logits.max()) / temperature
    return np.exp(scaled) / np.exp(scaled).sum()
""",
                "温度为 0 时不能做除法",
            ),
            (
                # the input changed
                """
import numpy as np

def temperature_probabilities(logits, temperature):
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    logits -= logits.max()
    logits /= temperature
    return np.exp(logits) / np.exp(logits).sum()
""",
                "传进来的数组被你改动了",
            ),
            (
                # powers of the probabilities not normalised
                """
import numpy as np

def temperature_probabilities(logits, temperature):
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    p = np.exp(logits - logits.max())
    return (p / p.sum()) ** (1 / temperature)
""",
                "概率的幂加起来不是 1",
            ),
        ],
    },
    "08-3": {
        "alternative": """
import torch

def nucleus(probabilities, p):
    rows = torch.tensor(probabilities)
    ordered, order = rows.sort(dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    ordered[before >= p - 1e-9] = 0
    kept = torch.zeros_like(rows).scatter(-1, order, ordered)
    return (kept / kept.sum(-1, keepdim=True)).numpy()
""",
        "also_right": [
            # what stands before each
            """
import numpy as np
def nucleus(probabilities, p):
    order = np.argsort(-probabilities, axis=1)
    ranked = np.take_along_axis(probabilities, order, 1)
    before = ranked.cumsum(1) - ranked
    keep = np.zeros_like(probabilities, dtype=bool)
    np.put_along_axis(keep, order, (before < p) | (p >= 1), 1)
    kept = np.where(keep, probabilities, 0)
    return kept / kept.sum(1, keepdims=True)
""",
            # a row at a time
            """
import numpy as np

def nucleus(probabilities, p):
    rows = []
    for row in probabilities:
        kept, total = np.zeros_like(row), 0.0
        for place in sorted(range(len(row)), key=lambda n: -row[n]):
            if total >= p:
                break
            kept[place] = row[place]
            total += row[place]
        rows.append(kept / kept.sum())
    return np.stack(rows)
""",
            # torch
            """
import torch

def nucleus(probabilities, p):
    table = torch.tensor(probabilities)
    ordered, order = table.sort(dim=-1, descending=True, stable=True)
    ordered[ordered.cumsum(-1) - ordered >= p] = 0
    kept = torch.zeros_like(table).scatter(1, order, ordered)
    return kept / kept.sum(-1, keepdim=True)
""",
            # lists
            """
def nucleus(probabilities, p):
    result = []
    for row in probabilities.tolist():
        order = sorted(range(len(row)), key=row.__getitem__, reverse=True)
        total, kept = 0.0, set()
        for place in order:
            if total < p:
                kept.add(place)
            total += row[place]
        size = sum(row[n] for n in kept)
        result.append([row[n] / size if n in kept else 0.0 for n in range(len(row))])
    return result
""",
        ],
        "wrong": [
            (
                # as many in each row as in the widest
                """
import numpy as np
def nucleus(probabilities, p):
    order = np.argsort(-probabilities, axis=1)
    ranked = np.take_along_axis(probabilities, order, 1)
    cut = (ranked.cumsum(1) < p).sum(1).max() + 1
    out = np.zeros_like(probabilities); np.put_along_axis(out, order[:, :cut], ranked[:, :cut], 1)
    return out / out.sum(1, keepdims=True)
""",
                "逐行累积",
            ),
            (
                "import numpy as np\n\ndef nucleus(probabilities, p):\n"
                "    order = np.argsort(-probabilities, axis=1)\n"
                "    total = np.take_along_axis(probabilities, order, 1).cumsum(1)\n"
                "    keep = np.zeros_like(probabilities)\n"
                "    np.put_along_axis(keep, order, (total < p) * 1.0, 1)\n"
                "    keep[np.arange(len(keep)), order[:, 0]] = 1\n"
                "    kept = probabilities * keep\n"
                "    return kept / kept.sum(1, keepdims=True)\n",
                "跨过 p 的那个词元被丢掉了",
            ),
            (
                "import numpy as np\n\ndef nucleus(probabilities, p):\n"
                "    order = np.argsort(-probabilities, axis=1)\n"
                "    total = np.take_along_axis(probabilities, order, 1).cumsum(1)\n"
                "    keep = np.zeros_like(probabilities)\n"
                "    np.put_along_axis(keep, order, (total < p) * 1.0, 1)\n"
                "    kept = probabilities * keep\n"
                "    with np.errstate(all='ignore'):\n"
                "        return kept / kept.sum(1, keepdims=True)\n",
                "一个也没留下",
            ),
            (
                "import numpy as np\n\ndef nucleus(probabilities, p):\n"
                "    order = np.argsort(-probabilities, axis=1)\n"
                "    ordered = np.take_along_axis(probabilities, order, 1)\n"
                "    keep = np.zeros_like(probabilities)\n"
                "    np.put_along_axis(keep, order, (ordered.cumsum(1) - ordered < p) * 1.0, 1)\n"
                "    return probabilities * keep\n",
                "没有重新归一",
            ),
            (
                "import numpy as np\n\ndef nucleus(probabilities, p):\n"
                "    ordered = -np.sort(-probabilities, axis=1)\n"
                "    kept = ordered * (ordered.cumsum(1) - ordered < p)\n"
                "    return kept / kept.sum(1, keepdims=True)\n",
                "次序变了",
            ),
            (
                # all that exceed p
                """
import numpy as np

def nucleus(probabilities, p):
    kept = np.where(probabilities >= 1 - p, probabilities, 0)
    return kept / kept.sum(axis=1, keepdims=True)
""",
                "几个概率差不多时一个也没留下",
            ),
            (
                # as many for all rows as for the first
                """
import numpy as np

def nucleus(probabilities, p):
    first = np.sort(probabilities[0])[::-1]
    count = int(np.searchsorted(first.cumsum(), p) + 1)
    kept = np.zeros_like(probabilities)
    order = np.argsort(-probabilities, axis=1)[:, :count]
    np.put_along_axis(kept, order, np.take_along_axis(probabilities, order, 1), 1)
    return kept / kept.sum(axis=1, keepdims=True)
""",
                "每一行留几个各不相同",
            ),
            (
                # normalised by the whole
                """
import numpy as np

def nucleus(probabilities, p):
    order = np.argsort(-probabilities, axis=1)
    ordered = np.take_along_axis(probabilities, order, axis=1)
    before = ordered.cumsum(axis=1) - ordered
    kept = np.zeros_like(probabilities)
    np.put_along_axis(kept, order, np.where(before < p, ordered, 0), axis=1)
    return kept / kept.sum()
""",
                "除以了整个矩阵的和",
            ),
        ],
    },
    "08-4": {
        "alternative": """
import torch

def mean_label_scores(logits, ids, starts, ends):
    logs = torch.tensor(logits)[:, :-1].log_softmax(-1)
    ids = torch.tensor(ids)
    chosen = logs.gather(-1, ids[:, 1:, None]).squeeze(-1)
    place = torch.arange(1, ids.shape[1])
    inside = (place >= torch.tensor(starts)[:, None]) & (place < torch.tensor(ends)[:, None])
    return ((chosen * inside).sum(1) / inside.sum(1)).numpy()
""",
        "also_right": [
            # torch
            """
import torch

def mean_label_scores(logits, ids, starts, ends):
    logs = torch.tensor(logits).log_softmax(-1)[:, :-1]
    own = logs.gather(2, torch.tensor(ids)[:, 1:, None])[..., 0]
    return [own[r, s - 1 : e - 1].mean().item() for r, (s, e) in enumerate(zip(starts, ends))]
""",
            # cross entropy
            """
import torch
from torch.nn.functional import cross_entropy

def mean_label_scores(logits, ids, starts, ends):
    logits, ids = torch.from_numpy(logits), torch.from_numpy(ids)
    rows = zip(logits, ids, starts, ends)
    return torch.stack([-cross_entropy(l[s - 1 : e - 1], i[s:e]) for l, i, s, e in rows])
""",
            # a mask
            """
import numpy as np
from scipy.special import log_softmax

def mean_label_scores(logits, ids, starts, ends):
    starts, ends = np.asarray(starts), np.asarray(ends)
    logs = np.take_along_axis(log_softmax(logits, -1)[:, :-1], ids[:, 1:, None], -1)[..., 0]
    place = np.arange(1, ids.shape[1])
    inside = (place >= starts[:, None]) & (place < ends[:, None])
    return (logs * inside).sum(1) / inside.sum(1)
""",
            # a loop
            """
import numpy as np
from scipy.special import log_softmax

def mean_label_scores(logits, ids, starts, ends):
    scores = np.empty(len(ids))
    for r in range(len(ids)):
        total = 0
        for t in range(starts[r], ends[r]):
            total += log_softmax(logits[r, t - 1])[ids[r, t]]
        scores[r] = total / (ends[r] - starts[r])
    return scores
""",
            SCORES,
        ],
        "wrong": [
            (
                "import numpy as np\n\ndef mean_label_scores(logits, ids, starts, ends):\n"
                "    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))\n"
                "    return [np.mean([logs[r, t, ids[r, t]] for t in range(a, b)])\n"
                "            for r, (a, b) in enumerate(zip(starts, ends))]\n",
                "错开了一位",
            ),
            (
                "import numpy as np\n\ndef mean_label_scores(logits, ids, starts, ends):\n"
                "    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))\n"
                "    return [sum(logs[r, t - 1, ids[r, t]] for t in range(a, b))\n"
                "            for r, (a, b) in enumerate(zip(starts, ends))]\n",
                "没有除以标签的词元数",
            ),
            (
                "import numpy as np\n\ndef mean_label_scores(logits, ids, starts, ends):\n"
                "    return [np.mean([logits[r, t - 1, ids[r, t]] for t in range(a, b)])\n"
                "            for r, (a, b) in enumerate(zip(starts, ends))]\n",
                "直接用了对数几率",
            ),
            (
                "import numpy as np\n\ndef mean_label_scores(logits, ids, starts, ends):\n"
                "    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))\n"
                "    return [np.mean([logs[r, t - 1, ids[r, t]] for t in range(1, b)])\n"
                "            for r, b in enumerate(ends)]\n",
                "把提示词也算进来了",
            ),
            (
                "import numpy as np\n\ndef mean_label_scores(logits, ids, starts, ends):\n"
                "    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))\n"
                "    return [np.mean([logs[r, t - 1, ids[r, t]] for t in range(a, ids.shape[1])])\n"
                "            for r, a in enumerate(starts)]\n",
                "填充也算进来了",
            ),
            (
                # divided by the longest
                changed(SCORES, ("mean(", "sum() / max(np.array(ends) - starts")),
                "除以了最长的标签的词元数",
            ),
            (
                # one mean of all
                changed(
                    SCORES,
                    (
                        "        out.append(logs[r, t - 1, ids[r, t]].mean())\n    return np.array(out)\n",
                        "        out.extend(logs[r, t - 1, ids[r, t]])\n    return np.mean(out)\n",
                    ),
                ),
                "每行一个数",
            ),
            (
                # the loss
                changed(SCORES, ("d(lo", "d(-lo")),
                "符号反了：这是损失",
            ),
            (
                # the first row's places for all
                """
import numpy as np
from scipy.special import log_softmax

def mean_label_scores(logits, ids, starts, ends):
    logs, t = log_softmax(logits, -1), np.arange(starts[0], ends[0])
    return np.array([logs[r, t - 1, ids[r, t]].mean() for r in range(len(ids))])
""",
                "每一行都用了第一行的起止",
            ),
            (
                # softmax along the places
                changed(SCORES, (", -1)", ", 1)")),
                "log_softmax 沿错了方向",
            ),
        ],
    },
    "08-5": {
        "alternative": """
import random

def difference_interval(right_a, right_b):
    pairs = list(zip(right_a, right_b))
    rng, differences = random.Random(7), []
    for _ in range(1500):
        drawn = rng.choices(pairs, k=len(pairs))
        differences.append(sum(b - a for a, b in drawn) / len(pairs))
    differences.sort()
    whole = sum(b - a for a, b in pairs) / len(pairs)
    return [whole, differences[37], differences[1462]]
""",
        "also_right": [
            # scipy
            """
import numpy as np
from scipy.stats import bootstrap

def difference_interval(right_a, right_b):
    gap = right_b - right_a
    found = bootstrap((gap,), np.mean, n_resamples=4000, method="percentile", rng=1)
    return gap.mean(), found.confidence_interval.low, found.confidence_interval.high
""",
            # random.choices
            """
import random
import numpy as np

def difference_interval(right_a, right_b):
    rng, n, gaps = random.Random(3), len(right_a), []
    for _ in range(1000):
        places = rng.choices(range(n), k=n)
        gaps.append(right_b[places].mean() - right_a[places].mean())
    return [right_b.mean() - right_a.mean(), *np.quantile(gaps, (0.025, 0.975))]
""",
            # multinomial counts in torch
            """
import torch

def difference_interval(right_a, right_b):
    gap = torch.tensor(right_b - right_a, dtype=torch.double)
    draws = torch.multinomial(torch.ones(len(gap)), 3000 * len(gap), replacement=True)
    means = gap[draws].view(3000, -1).mean(1)
    return gap.mean(), means.quantile(0.025), means.quantile(0.975)
""",
            # no seed
            """
import numpy as np

def difference_interval(right_a, right_b):
    n = len(right_a)
    gaps = sorted(
        (right_b[i].sum() - right_a[i].sum()) / n
        for i in (np.random.randint(n, size=n) for _ in range(2000))
    )
    return (right_b.sum() - right_a.sum()) / n, gaps[50], gaps[1949]
""",
            INTERVAL,
        ],
        "wrong": [
            (
                "\ndef difference_interval(right_a, right_b):\n    gap = right_b - right_a\n    half = 1.96 * gap.std() / len(gap) ** 0.5\n    return gap.mean(), gap.mean() - half, gap.mean() + half\n",
                "不是重抽",
            ),
            (
                # each model its own items
                "import numpy as np\n\ndef difference_interval(right_a, right_b):\n"
                "    n, rng = len(right_a), np.random.default_rng(0)\n"
                "    a = right_a[rng.integers(0, n, (3000, n))].mean(1)\n"
                "    b = right_b[rng.integers(0, n, (3000, n))].mean(1)\n"
                "    low, high = np.percentile(b - a, [2.5, 97.5])\n"
                "    return right_b.mean() - right_a.mean(), low, high\n",
                "分开抽",
            ),
            (
                # one standard deviation
                "import numpy as np\n\ndef difference_interval(right_a, right_b):\n"
                "    n, rng = len(right_a), np.random.default_rng(0)\n"
                "    gap = np.asarray(right_b) - np.asarray(right_a)\n"
                "    means = gap[rng.integers(0, n, (3000, n))].mean(1)\n"
                "    return gap.mean(), gap.mean() - means.std(), gap.mean() + means.std()\n",
                "加减一个标准差",
            ),
            (
                # A minus B
                "import numpy as np\n\ndef difference_interval(right_a, right_b):\n"
                "    n, rng = len(right_a), np.random.default_rng(0)\n"
                "    gap = np.asarray(right_a) - np.asarray(right_b)\n"
                "    means = gap[rng.integers(0, n, (3000, n))].mean(1)\n"
                "    return gap.mean(), *np.percentile(means, [2.5, 97.5])\n",
                "方向反了",
            ),
            (
                # drawn without putting back
                "import numpy as np\n\ndef difference_interval(right_a, right_b):\n"
                "    n, rng = len(right_a), np.random.default_rng(0)\n"
                "    gap = np.asarray(right_b) - np.asarray(right_a)\n"
                "    means = np.array([gap[rng.permutation(n)].mean() for _ in range(200)])\n"
                "    return gap.mean(), *np.percentile(means, [2.5, 97.5])\n",
                "有放回",
            ),
            (
                # a quarter of the items
                "import numpy as np\n\ndef difference_interval(right_a, right_b):\n"
                "    n, rng = len(right_a), np.random.default_rng(0)\n"
                "    gap = np.asarray(right_b) - np.asarray(right_a)\n"
                "    means = gap[rng.integers(0, n, (3000, n // 4))].mean(1)\n"
                "    return gap.mean(), *np.percentile(means, [2.5, 97.5])\n",
                "区间的宽度不对",
            ),
            (
                # five percent on either side
                "import numpy as np\n\ndef difference_interval(right_a, right_b):\n"
                "    n, rng = len(right_a), np.random.default_rng(0)\n"
                "    gap = np.asarray(right_b) - np.asarray(right_a)\n"
                "    means = gap[rng.integers(0, n, (3000, n))].mean(1)\n"
                "    return gap.mean(), *np.percentile(means, [5, 95])\n",
                "只剩 90%",
            ),
            (
                "def difference_interval(right_a, right_b):\n    return right_b.mean() - right_a.mean()\n",
                "返回三个数",
            ),
            (
                # bounds exchanged
                """
import numpy as np

def difference_interval(right_a, right_b):
    gap, rng = right_b - right_a, np.random.default_rng(0)
    draws = rng.integers(0, len(gap), (2000, len(gap)))
    return gap.mean(), *np.percentile(gap[draws].mean(axis=1), [97.5, 2.5])
""",
                "上下界弄反了",
            ),
            (
                # the mean of the resamples
                changed(INTERVAL, (" gap.", " means.")),
                "第一个数是整个测试集上的差",
            ),
            (
                # labels shuffled
                changed(
                    INTERVAL,
                    (
                        "gap[rng.integers(0, len(gap), (2000, len(gap)))]",
                        "(gap * rng.choice([-1, 1], (2000, len(gap))))",
                    ),
                ),
                "区间的中心不对",
            ),
        ],
    },
    "08-6": {
        "alternative": "holds = {'c', 'B'}\n",
        "wrong": [
            ("holds = 'ABC'\n", "伪困惑度猜每个字时两边都"),
            ("holds = 'B'\n", "慢是量出来的，准确率也不"),
            ("holds = 'BCE'\n", "没有 E 这一句"),
            ("holds = 2\n", "一串字母"),
        ],
    },
}
