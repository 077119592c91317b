"""Other right answers and wrong ones for the exercises of chapter 8."""

EXERCISES = {
    "08-1": {
        "alternative": """
import numpy as np

def perplexity(losses, tokens):
    return np.exp(np.average(losses, weights=tokens))
""",
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
        "wrong": [
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
