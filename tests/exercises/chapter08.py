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

def with_temperature(logits, temperature):
    logits = torch.tensor(logits)
    if temperature == 0:
        return (logits == logits.max()).double().numpy()
    return torch.softmax(logits / temperature, dim=-1).numpy()
""",
        "wrong": [
            (
                "import numpy as np\n\ndef with_temperature(logits, temperature):\n"
                "    p = np.exp(logits) / np.exp(logits).sum()\n    return p / temperature\n",
                "先做了 softmax",
            ),
            (
                "import numpy as np\n\ndef with_temperature(logits, temperature):\n"
                "    p = np.exp(logits) / temperature\n    return p / p.sum()\n",
                "温度被约掉了",
            ),
            (
                "import numpy as np\n\ndef with_temperature(logits, temperature):\n"
                "    p = np.exp(logits * temperature)\n    return p / p.sum()\n",
                "这里乘了温度",
            ),
            (
                "import numpy as np\n\ndef with_temperature(logits, temperature):\n"
                "    if temperature == 0:\n        return np.eye(len(logits))[logits.argmax()]\n"
                "    with np.errstate(all='ignore'):\n"
                "        p = np.exp(logits / temperature)\n        return p / p.sum()\n",
                "溢出了",
            ),
            (
                "import numpy as np\n\ndef with_temperature(logits, temperature):\n"
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

def label_scores(logits, ids, starts, ends):
    logs = torch.tensor(logits)[:, :-1].log_softmax(-1)
    ids = torch.tensor(ids)
    chosen = logs.gather(-1, ids[:, 1:, None]).squeeze(-1)
    place = torch.arange(1, ids.shape[1])
    inside = (place >= torch.tensor(starts)[:, None]) & (place < torch.tensor(ends)[:, None])
    return ((chosen * inside).sum(1) / inside.sum(1)).numpy()
""",
        "wrong": [
            (
                "import numpy as np\n\ndef label_scores(logits, ids, starts, ends):\n"
                "    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))\n"
                "    return [np.mean([logs[r, t, ids[r, t]] for t in range(a, b)])\n"
                "            for r, (a, b) in enumerate(zip(starts, ends))]\n",
                "错开了一位",
            ),
            (
                "import numpy as np\n\ndef label_scores(logits, ids, starts, ends):\n"
                "    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))\n"
                "    return [sum(logs[r, t - 1, ids[r, t]] for t in range(a, b))\n"
                "            for r, (a, b) in enumerate(zip(starts, ends))]\n",
                "没有除以标签的词元数",
            ),
            (
                "import numpy as np\n\ndef label_scores(logits, ids, starts, ends):\n"
                "    return [np.mean([logits[r, t - 1, ids[r, t]] for t in range(a, b)])\n"
                "            for r, (a, b) in enumerate(zip(starts, ends))]\n",
                "直接用了对数几率",
            ),
            (
                "import numpy as np\n\ndef label_scores(logits, ids, starts, ends):\n"
                "    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))\n"
                "    return [np.mean([logs[r, t - 1, ids[r, t]] for t in range(1, b)])\n"
                "            for r, b in enumerate(ends)]\n",
                "把提示词也算进来了",
            ),
            (
                "import numpy as np\n\ndef label_scores(logits, ids, starts, ends):\n"
                "    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))\n"
                "    return [np.mean([logs[r, t - 1, ids[r, t]] for t in range(a, ids.shape[1])])\n"
                "            for r, a in enumerate(starts)]\n",
                "填充也算进来了",
            ),
        ],
    },
    "08-5": {
        "alternative": """
def best_label(next_log_probs, labels):
    # Depth first, the likeliest branch first, cut off by the best whole label so far.
    best = [float("-inf"), None]

    def follow(prefix, score):
        if score <= best[0]:
            return
        if prefix in labels:
            best[:] = [score, labels.index(prefix)]
            return
        logs = next_log_probs(prefix)
        nexts = {label[len(prefix)] for label in labels if label[: len(prefix)] == prefix}
        for token in sorted(nexts, key=lambda token: -logs[token]):
            follow((*prefix, token), score + logs[token])

    follow((), 0.0)
    return best[1]
""",
        "wrong": [
            (
                # greedy
                "def best_label(next_log_probs, labels):\n"
                "    prefix = ()\n"
                "    while prefix not in labels:\n"
                "        logs = next_log_probs(prefix)\n"
                "        nexts = {x[len(prefix)] for x in labels if x[: len(prefix)] == prefix}\n"
                "        prefix += (max(nexts, key=lambda token: logs[token]),)\n"
                "    return labels.index(prefix)\n",
                "贪心走进了死胡同",
            ),
            (
                # all of them, nothing shared
                "def best_label(next_log_probs, labels):\n"
                "    def score(x):\n"
                "        return sum(next_log_probs(x[:i])[t] for i, t in enumerate(x))\n"
                "    return max(range(len(labels)), key=lambda place: score(labels[place]))\n",
                "问了不止一次",
            ),
            (
                # shared, but all of them to the end
                "from functools import lru_cache\n\ndef best_label(next_log_probs, labels):\n"
                "    ask = lru_cache(None)(next_log_probs)\n"
                "    def score(x):\n"
                "        return sum(ask(x[:i])[t] for i, t in enumerate(x))\n"
                "    return max(range(len(labels)), key=lambda place: score(labels[place]))\n",
                "问得太多",
            ),
            (
                # the end sign left out
                "from functools import lru_cache\n\ndef best_label(next_log_probs, labels):\n"
                "    ask = lru_cache(None)(next_log_probs)\n"
                "    def score(x):\n"
                "        return sum(ask(x[:i])[t] for i, t in enumerate(x[:-1]))\n"
                "    return max(range(len(labels)), key=lambda place: score(labels[place]))\n",
                "有时选错",
            ),
            (
                # the label itself
                "def best_label(next_log_probs, labels):\n    return labels[0]\n",
                "不是标签本身",
            ),
        ],
    },
}
