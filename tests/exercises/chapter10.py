"""Chapter 10: other right answers to its exercises, and wrong ones with the hints they earn."""

from exercises import changed

COSINE = """
import math

def warmup_cosine(step, total, warmup):
    if step < warmup:
        return step / warmup
    return (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2
"""

MASK = """
import torch

def block_mask(lengths, total):
    owner = torch.full((total,), -1)
    owner[: sum(lengths)] = torch.repeat_interleave(torch.tensor(lengths))
    return (owner[:, None] == owner) & (owner >= 0)[:, None]
"""


EXERCISES = {
    "10-1": {
        "alternative": """
import numpy as np

def warmup_cosine(step, total, warmup):
    falling = np.cos(np.pi / 2 * max(step - warmup, 0) / (total - warmup)) ** 2
    return min(step / warmup, 1.0) * falling
""",
        "also_right": [
            # the square of a cosine
            """
import numpy as np
def warmup_cosine(step, total, warmup):
    if step < warmup: return step / warmup
    return np.cos(np.pi / 2 * (step - warmup) / (total - warmup)) ** 2
""",
            # numpy
            """
import numpy as np

def warmup_cosine(step, total, warmup):
    up = step / warmup if warmup else 1.0
    down = 0.5 + 0.5 * np.cos(np.pi * max(step - warmup, 0) / (total - warmup))
    return np.where(step < warmup, up, down)
""",
            # the library's schedule
            """
import torch
from transformers import get_cosine_schedule_with_warmup

def warmup_cosine(step, total, warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, warmup, total)
    return schedule.lr_lambdas[0](step)
""",
            # half-angle
            """
import math

def warmup_cosine(step, total, warmup):
    if step >= warmup:
        return math.cos(math.pi / 2 * (step - warmup) / (total - warmup)) ** 2
    return step / warmup
""",
            COSINE,
        ],
        "wrong": [
            (
                # a quarter of a cosine
                """
import math
def warmup_cosine(step, total, warmup):
    if step < warmup: return step / warmup
    return math.cos(math.pi / 2 * (step - warmup) / (total - warmup))
""",
                "这是四分之一个余弦",
            ),
            (
                changed(COSINE, ("math.pi", "180")),
                "弧度",
            ),
            (
                changed(COSINE, ("l - warmup", "l - warmup - 1")),
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
                changed(COSINE, ("step / warmup", "(1 - math.cos(math.pi * step / warmup)) / 2")),
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
            (
                # from a first step of one
                changed(COSINE, ("n step /", "n (step + 1) /")),
                "第 0 步还在预热的起点",
            ),
            (
                # sine
                changed(COSINE, ("step / warmup", "math.sin(math.pi / 2 * step / warmup)")),
                "预热 4 步",
            ),
            (
                # the largest is not one
                changed(
                    COSINE,
                    (
                        "(1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2",
                        "1 + math.cos(math.pi * (step - warmup) / (total - warmup))",
                    ),
                ),
                "忘了除以 2",
            ),
            (
                # a full cosine
                changed(COSINE, ("s(ma", "s(2 * ma")),
                "走了一整个余弦",
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
        "also_right": [
            # numpy
            """
import numpy as np

def weights(sizes):
    return np.array(sizes) / np.sum(sizes)
""",
            # torch
            """
import torch

def weights(sizes):
    sizes = torch.tensor(sizes, dtype=torch.float64)
    return sizes.div(sizes.sum())
""",
            # fractions
            """
from fractions import Fraction

def weights(sizes):
    return tuple(Fraction(each, sum(sizes)) for each in sizes)
""",
        ],
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
            (
                # of the mean
                """
def weights(sizes):
    return [size / (sum(sizes) / len(sizes)) for size in sizes]
""",
                "多乘了批数",
            ),
            (
                # whole division
                """
def weights(sizes):
    return [size // sum(sizes) for size in sizes]
""",
                "用了整除（//）",
            ),
            (
                # divided by the squares
                """
def weights(sizes):
    return [size * size / sum(s * s for s in sizes) for size in sizes]
""",
                "按条数的平方分了",
            ),
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
        "also_right": [
            # torch.block_diag
            """
import torch
def block_mask(lengths, total):
    blocks = torch.block_diag(*[torch.ones(n, n) for n in lengths])
    pad = total - sum(lengths)
    return torch.nn.functional.pad(blocks, (0, pad, 0, pad)).bool()
""",
            # block_diag
            """
import torch

def block_mask(lengths, total):
    mask = torch.zeros(total, total, dtype=torch.bool)
    blocks = torch.block_diag(*[torch.ones(n, n) for n in lengths]).bool()
    mask[: len(blocks), : len(blocks)] = blocks
    return mask
""",
            # slices
            """
import torch

def block_mask(lengths, total):
    mask, start = torch.zeros(total, total).bool(), 0
    for length in lengths:
        mask[start : start + length, start : start + length] = True
        start += length
    return mask
""",
            # numpy
            """
import numpy as np
import torch

def block_mask(lengths, total):
    owner = np.zeros(total)
    owner[: sum(lengths)] = np.repeat(np.arange(1, len(lengths) + 1), lengths)
    return torch.from_numpy((owner[:, None] == owner) & (owner > 0))
""",
            # whole numbers
            """
import torch

def block_mask(lengths, total):
    mask, start = torch.zeros(total, total, dtype=torch.long), 0
    for length in lengths:
        mask[start : start + length, start : start + length] = 1
        start += length
    return mask
""",
            MASK,
        ],
        "wrong": [
            (
                # owners by their lengths
                """
import torch
def block_mask(lengths, total):
    owner = torch.zeros(total); at = 0
    for n in lengths: owner[at:at+n] = n; at += n
    return (owner[:, None] == owner[None]) & (owner > 0)[:, None]
""",
                "要按编号分",
            ),
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
            (
                # all content sees everything
                """
import torch

def block_mask(lengths, total):
    content = torch.arange(total) < sum(lengths)
    return content[:, None] & content
""",
                "第一条看见了第二条",
            ),
            (
                # blocks of the same size
                """
import torch

def block_mask(lengths, total):
    size = max(lengths)
    owner = torch.arange(total) // size
    return owner[:, None] == owner
""",
                "第一条看见了第二条",
            ),
            (
                # only for two texts
                """
import torch

def block_mask(lengths, total):
    mask = torch.zeros(total, total, dtype=torch.bool)
    a, b = lengths[0], lengths[0] + lengths[1]
    mask[:a, :a] = mask[a:b, a:b] = True
    return mask
""",
                "三条正好排满一行时不对",
            ),
            (
                # padding sees itself
                changed(
                    MASK,
                    (
                        "(owner[:, None] == owner) & (owner >= 0)[:, None]",
                        "owner[:, None] == owner",
                    ),
                ),
                "最后一格是填充",
            ),
            (
                # two texts of the same length run together
                changed(MASK, ("s))\n", "s), torch.tensor(lengths))\n")),
                "三条长 1、1、2",
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
        "also_right": [
            # numpy
            """
import numpy as np
import torch

def quantise(values):
    array = values.numpy()
    step = np.abs(array).max() / 127
    if step == 0:
        step = 1
    return torch.from_numpy(np.rint(array / step).astype(np.int8)), float(step)
""",
            # clamped, a list
            """
import torch

def quantise(values):
    largest = max(values.max().item(), -values.min().item())
    step = largest / 127 if largest else 1
    return [torch.clamp(torch.round(values / step), -127, 127).char(), step]
""",
            # a numpy number as the step
            """
import numpy as np
import torch

def quantise(values):
    step = np.abs(values.numpy()).max() / 127 or np.float32(1)
    return torch.round(values / step).to(torch.int8), step
""",
        ],
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
            (
                # a step a row
                """
import torch

def quantise(values):
    step = values.abs() / 127
    return (values / step).round().to(torch.int8), step
""",
                "每个数各有一个刻度",
            ),
            (
                # the floats again
                """
import torch

def quantise(values):
    step = values.abs().max().item() / 127 or 1.0
    return (values / step).round() * step, step
""",
                "整数的类型是 torch.float32",
            ),
            (
                # half up without a sign
                """
import torch

def quantise(values):
    step = values.abs().max().item() / 127 or 1.0
    return (values / step + 0.5).to(torch.int8), step
""",
                "加 0.5 再砍掉小数",
            ),
        ],
    },
    "10-5": {
        "alternative": """
def diagnose(rate, step, learning_rate):
    share = rate / learning_rate
    return int(step / share + 0.5)
""",
        "also_right": [
            # Fraction, a round
            """
import math

def diagnose(rate, step, learning_rate):
    return math.floor(learning_rate / rate * step + 0.5)
""",
            # numpy
            """
import numpy as np

def diagnose(rate, step, learning_rate):
    return np.rint(np.divide(step, rate) * learning_rate).astype(int)
""",
        ],
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
            (
                # a float
                """
def diagnose(rate, step, learning_rate):
    return step * learning_rate / rate
""",
                "步数是整数",
            ),
            (
                # a constant
                """
def diagnose(rate, step, learning_rate):
    return 500
""",
                "换一行日志就不对了",
            ),
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
