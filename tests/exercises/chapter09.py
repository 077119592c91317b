"""Chapter 9: other right answers to its exercises, and wrong ones with their hints."""

EXERCISES = {
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
        "wrong": [
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
        "wrong": [
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
        "wrong": [
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
        "wrong": [
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
                "从 0 数起",
            ),
            (
                "import numpy as np\n\ndef fuse(first, second, k):\n"
                "    ranks = ((-x).argsort(kind='stable').argsort() + 1 for x in (first, second))\n"
                "    total = sum(1 / (60 + rank) for rank in ranks)\n"
                "    return np.argsort(-total, kind='stable').tolist()\n",
                "只要前 k 个",
            ),
        ],
    },
    "09-10": {
        "alternative": 'supported = ["C", "B"]\n',
        "wrong": [
            ('supported = {"A", "B", "C"}\n', "200 题的标准误"),
            ('supported = {"B", "C", "D"}\n', "把答对当成读懂"),
            ('supported = {"B", "C", "E"}\n', "50 道题"),
            ('supported = {"C"}\n', "再看 B"),
            ('supported = {"B"}\n', "再看 C"),
        ],
    },
}
