"""Chapter 10: other right answers to its exercises, and wrong ones with the hints they earn."""

EXERCISES = {
    "10-1": {
        "alternative": """
import numpy as np

def warmup_cosine(step, total, warmup):
    falling = np.cos(np.pi / 2 * max(step - warmup, 0) / (total - warmup)) ** 2
    return min(step / warmup, 1.0) * falling
""",
        "wrong": [
            (
                """
import math

def warmup_cosine(step, total, warmup):
    if step < warmup:
        return step / warmup
    return (1 + math.cos(180 * (step - warmup) / (total - warmup))) / 2
""",
                "弧度",
            ),
            (
                """
import math

def warmup_cosine(step, total, warmup):
    if step < warmup:
        return step / warmup
    return (1 + math.cos(math.pi * (step - warmup) / (total - warmup - 1))) / 2
""",
                "分母少了 1",
            ),
            (
                """
import math

def warmup_cosine(step, total, warmup):
    if step < warmup:
        return step / warmup
    return math.cos(math.pi / 2 * (step - warmup) / (total - warmup))
""",
                "四分之一个余弦",
            ),
            (
                """
import math

def warmup_cosine(step, total, warmup):
    if step < warmup:
        return (1 - math.cos(math.pi * step / warmup)) / 2
    return (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2
""",
                "预热不是直线",
            ),
            (
                # linear on both sides
                "def warmup_cosine(step, total, warmup):\n"
                "    if step < warmup:\n"
                "        return step / warmup\n"
                "    return (total - step) / (total - warmup)\n",
                "这是线性下降",
            ),
            (
                # no warm-up
                "import math\n"
                "def warmup_cosine(step, total, warmup):\n"
                "    return (1 + math.cos(math.pi * step / total)) / 2\n",
                "应是 0",
            ),
            (
                # progress from step 0
                "import math\n"
                "def warmup_cosine(step, total, warmup):\n"
                "    if step < warmup:\n"
                "        return step / warmup\n"
                "    return (1 + math.cos(math.pi * step / total)) / 2\n",
                "从预热结束时的 0 数起",
            ),
            (
                # falls to zero too late
                "import math\n"
                "def warmup_cosine(step, total, warmup):\n"
                "    if step < warmup:\n"
                "        return step / warmup\n"
                "    return (1 + math.cos(math.pi * (step - warmup) / total)) / 2\n",
                "total - warmup",
            ),
        ],
    },
    "10-2": {
        "alternative": """
import numpy as np

def weights(sizes):
    sizes = np.array(sizes, dtype=float)
    return sizes / sizes.sum()
""",
        "wrong": [
            (
                """
def weights(sizes):
    return [1 / sum(sizes)] * len(sizes)
""",
                "每一条的分量",
            ),
            (
                """
def weights(sizes):
    return [size * len(sizes) / sum(sizes) for size in sizes]
""",
                "多乘了批数",
            ),
            ("def weights(sizes):\n    return [1 / len(sizes)] * len(sizes)\n", "按条数来分"),
            ("def weights(sizes):\n    return [1.0] * len(sizes)\n", "忘了除"),
            ("def weights(sizes):\n    return list(sizes)\n", "还没有除以总条数"),
            ("def weights(sizes):\n    return [1 / size for size in sizes]\n", "倒过来了"),
        ],
    },
    "10-3": {
        "alternative": """
import torch

def block_mask(lengths, total):
    mask, start = torch.zeros(total, total, dtype=torch.bool), 0
    for length in lengths:
        mask[start : start + length, start : start + length] = True
        start += length
    return mask
""",
        "wrong": [
            (
                """
import torch

def block_mask(lengths, total):
    mask = torch.full((total, total), float("-inf"))
    start = 0
    for length in lengths:
        mask[start : start + length, start : start + length] = 0
        start += length
    return mask
""",
                "要布尔的",
            ),
            (
                # no blocks
                "import torch\n"
                "def block_mask(lengths, total):\n"
                "    mask = torch.zeros(total, total, dtype=torch.bool)\n"
                "    mask[: sum(lengths), : sum(lengths)] = True\n"
                "    return mask\n",
                "第一条看见了第二条",
            ),
            (
                # padding is a text of its own
                "import torch\n"
                "def block_mask(lengths, total):\n"
                "    lengths = [*lengths, total - sum(lengths)]\n"
                "    blocks = [torch.ones(n, n) for n in lengths]\n"
                "    return torch.block_diag(*blocks).bool()[:total, :total]\n",
                "最后一格是填充",
            ),
            (
                # true means hidden
                "import torch\n"
                "def block_mask(lengths, total):\n"
                "    mask, start = torch.ones(total, total, dtype=torch.bool), 0\n"
                "    for n in lengths:\n"
                "        mask[start : start + n, start : start + n] = False\n"
                "        start += n\n"
                "    return mask\n",
                "正好反了",
            ),
            (
                # causal
                "import torch\n"
                "def block_mask(lengths, total):\n"
                "    mask, start = torch.zeros(total, total, dtype=torch.bool), 0\n"
                "    for n in lengths:\n"
                "        mask[start : start + n, start : start + n] = True\n"
                "        start += n\n"
                "    return mask.tril()\n",
                "从左往右的掩码",
            ),
        ],
    },
    "10-4": {
        "alternative": """
import numpy as np
import torch

def quantise(values):
    step = float(np.abs(values.numpy()).max()) / 127
    if step == 0:
        step = 1.0
    return torch.tensor(np.rint(values.numpy() / step).astype("int8")), step
""",
        "wrong": [
            (
                """
import torch

def quantise(values):
    step = (values.max() - values.min()).item() / 255 or 1.0
    return (values / step).round().to(torch.int8), step
""",
                "不对称的量化",
            ),
            (
                """
import torch

def quantise(values):
    step = values.abs().max().item() / 128 or 1.0
    return (values / step).round().to(torch.int8), step
""",
                "除以了 128",
            ),
            (
                # the largest, not the largest in size
                "def quantise(values):\n"
                "    step = values.max().item() / 127 or 1.0\n"
                "    return (values / step).round().clamp(-127, 127).to(torch.int8), step\n"
                "import torch\n",
                "绝对值的最大值",
            ),
            (
                # cut off instead of rounded
                "import torch\n"
                "def quantise(values):\n"
                "    step = values.abs().max().item() / 127 or 1.0\n"
                "    return (values / step).to(torch.int8), step\n",
                "四舍五入成 64",
            ),
            (
                # left as floats
                "def quantise(values):\n"
                "    step = values.abs().max().item() / 127 or 1.0\n"
                "    return (values / step).round(), step\n",
                "`torch.int8`",
            ),
            (
                # all zeros
                "import torch\n"
                "def quantise(values):\n"
                "    step = (values.abs().max() / 127).item()\n"
                "    return (values / step).round().nan_to_num().to(torch.int8), step\n",
                "刻度记作 1",
            ),
        ],
    },
    "10-5": {
        "alternative": """
def diagnose(rate, step, learning_rate):
    share = rate / learning_rate
    return int(step / share + 0.5)
""",
        "wrong": [
            (
                """
def diagnose(rate, step, learning_rate):
    return round(step * learning_rate / rate) - step
""",
                "多减了走过的步数",
            ),
            (
                """
def diagnose(rate, step, learning_rate):
    return round(learning_rate / rate)
""",
                "还差几倍",
            ),
            ("def diagnose(rate, step, learning_rate):\n    return step\n", "60 是总步数"),
            (
                "def diagnose(rate, step, learning_rate):\n    return rate / learning_rate\n",
                "设定值的几成",
            ),
            (
                "def diagnose(rate, step, learning_rate):\n"
                "    return step * rate / learning_rate\n",
                "乘反了",
            ),
            ("def diagnose(rate, step, learning_rate):\n    return 500\n", "别把 500 写死"),
        ],
    },
    "10-6": {
        "alternative": "holds = ['b', 'd']\n",
        "wrong": [
            ("holds = 'ABD'\n", "记错了人"),
            ("holds = 'BCD'\n", "标准误有两个点"),
            ("holds = 'D'\n", "两个三层的一样快"),
            ('holds = ["B", "E"]\n', "没有 E 这一句"),
        ],
    },
}
