"""Chapter 6: other right answers to its exercises, and wrong ones with the hints they earn."""

from exercises import changed

RATE = """
def learning_rate_at(step, steps, warmup, peak):
    rising = warmup * steps if 0 < warmup < 1 else warmup
    if step < rising:
        return peak * step / rising
    if rising >= steps:
        return peak
    return peak * (steps - step) / (steps - rising)
"""

WINDOWS = """
def predict_long(ids, predict, size, overlap):
    starts = range(0, max(len(ids) - overlap, 1), size - overlap)
    return predict([ids[s : s + size] for s in starts]).mean(axis=0)
"""


EXERCISES = {
    "06-1": {
        "alternative": """
import html

def clean_review(text):
    for mark in ("<br />", "<br/>", "<br>", "<BR />", "<BR/>", "<BR>"):
        text = text.replace(mark, " ")
    return " ".join(html.unescape(text).split())
""",
        "also_right": [
            # replace and regular expressions
            r"""
import html
import re

def clean_review(text):
    pattern = re.compile(r"<br\s*/?\s*>", re.I)
    return re.sub(r"\s+", " ", html.unescape(pattern.sub(" ", text))).strip()
""",
            # without a regular expression
            """
from html import unescape

def clean_review(text):
    pieces, rest = [], text
    while True:
        low = rest.lower()
        found = [(low.index(tag), tag) for tag in ("<br />", "<br/>", "<br>") if tag in low]
        if not found:
            break
        at, tag = min(found)
        pieces.append(rest[:at])
        rest = rest[at + len(tag) :]
    return " ".join(unescape(" ".join([*pieces, rest])).split())
""",
        ],
        "wrong": [
            (
                # two entities alone
                """
import re

def clean_review(text):
    text = re.sub(r"<br\\s*/?>", " ", text, flags=re.I)
    text = text.replace("&quot;", '"').replace("&amp;", "&")
    return " ".join(text.split())
""",
                "还有别的实体",
            ),
            (
                # entities before tags
                """
import html
import re

def clean_review(text):
    text = re.sub(r"<br\\s*/?>", " ", html.unescape(text), flags=re.I)
    return " ".join(text.split())
""",
                "次序反过来",
            ),
            (
                # only one way of writing it becomes a blank
                """
import html
import re

def clean_review(text):
    text = re.sub(r"<br\\s*/?>", "", text.replace("<br />", " "), flags=re.I)
    return " ".join(html.unescape(text).split())
""",
                "每一种写法的换行标签",
            ),
            (
                # nothing in place of the mark
                "import re\n"
                "def clean_review(text):\n"
                "    return ' '.join(re.sub(r'<br ?/?>', '', text).split())\n",
                "粘在了一起",
            ),
            (
                # one way of writing it
                "def clean_review(text):\n"
                "    return ' '.join(text.replace('<br />', ' ').split())\n",
                "只认得",
            ),
            (
                # the entities stay
                "import re\n"
                "def clean_review(text):\n"
                "    return ' '.join(re.sub(r'(?i)<br ?/?>', ' ', text).split())\n",
                "html.unescape",
            ),
            (
                # all between angle brackets
                "import html\n"
                "import re\n"
                "def clean_review(text):\n"
                "    text = html.unescape(re.sub(r'<.*?>', ' ', text))\n"
                "    return ' '.join(text.split())\n",
                "不是标签的内容也删了",
            ),
            (
                # lower case
                "import html\n"
                "import re\n"
                "def clean_review(text):\n"
                "    text = html.unescape(re.sub(r'<br ?/?>', ' ', text.lower()))\n"
                "    return ' '.join(text.split())\n",
                "不要改大小写",
            ),
            (
                # blanks left as they are
                "import re\ndef clean_review(text):\n    return re.sub(r'<br ?/?>', ' ', text)\n",
                "并成一个",
            ),
            (
                # unescaped twice
                r"""
import html
import re

def clean_review(text):
    text = re.sub(r"<br\s*/?>", " ", text, flags=re.I)
    return " ".join(html.unescape(html.unescape(text)).split())
""",
                "还原了两遍",
            ),
            (
                # lower case
                r"""
import html
import re

def clean_review(text):
    return " ".join(html.unescape(re.sub(r"<br\s*/?>", " ", text.lower())).split())
""",
                "不要改大小写",
            ),
            (
                # words that begin with br
                """
import html
import re

def clean_review(text):
    return " ".join(html.unescape(re.sub(r"<br.*?>", " ", text, flags=re.I)).split())
""",
                "`<brave>` 不是换行",
            ),
            (
                # the br greedily
                """
import html
import re

def clean_review(text):
    return " ".join(html.unescape(re.sub(r"<br.*>", " ", text, flags=re.I)).split())
""",
                "两个标签之间的正文也没了",
            ),
        ],
    },
    "06-2": {
        "alternative": """
def learning_rate_at(step, steps, warmup, peak):
    rising = warmup * steps if 0 < warmup < 1 else warmup
    up = step / rising if rising else 1.0
    down = (steps - step) / (steps - rising) if steps > rising else 1.0
    return peak * min(up, down)
""",
        "also_right": [
            # np.interp
            """
import numpy as np
def learning_rate_at(step, steps, warmup, peak):
    w = warmup * steps if 0 < warmup < 1 else warmup
    if w and step < w: return step / w * peak
    return float(np.interp(step, [w, steps], [peak, 0.0]))
""",
            # the library's function
            """
from transformers.optimization import _get_linear_schedule_with_warmup_lr_lambda

def learning_rate_at(step, steps, warmup, peak):
    if 0 < warmup < 1:
        warmup *= steps
    if warmup and step < warmup:
        return step / warmup * peak
    return peak * (steps - step) / max(steps - warmup, 1e-12)
""",
            # numpy
            """
import numpy as np

def learning_rate_at(step, steps, warmup, peak):
    rising = warmup * steps if warmup < 1 else warmup
    if rising == 0:
        return np.interp(step, [0, steps], [peak, 0])
    if rising >= steps:
        return np.interp(step, [0, rising], [0, peak])
    return np.interp(step, [0, rising, steps], [0, peak, 0])
""",
            # the smaller of two lines
            """
def learning_rate_at(step, steps, warmup, peak):
    warmup = int(warmup * steps) if 0 < warmup < 1 else warmup
    up = step / warmup if warmup else 1.0
    down = (steps - step) / (steps - warmup) if steps > warmup else 1.0
    return peak * min(up, down)
""",
            RATE,
        ],
        "wrong": [
            (
                # no decay without a warm-up
                """
def learning_rate_at(step, steps, warmup, peak):
    w = warmup * steps if warmup < 1 else warmup
    if w == 0: return peak
    if step < w: return peak * step / w
    return peak * (steps - step) / (steps - w)
""",
                "不预热也要下降",
            ),
            (
                # a cosine
                """
import math

def learning_rate_at(step, steps, warmup, peak):
    rising = warmup * steps if 0 < warmup < 1 else warmup
    if step < rising:
        return peak * step / rising
    if rising >= steps:
        return peak
    return peak * (1 + math.cos(math.pi * (step - rising) / (steps - rising))) / 2
""",
                "不是直线",
            ),
            (
                # the peak forgotten
                """
def learning_rate_at(step, steps, warmup, peak):
    rising = warmup * steps if 0 < warmup < 1 else warmup
    if step < rising:
        return step / rising
    return 1.0 if rising >= steps else (steps - step) / (steps - rising)
""",
                "没有用到 `peak`",
            ),
            (
                # one as all of the run
                """
def learning_rate_at(step, steps, warmup, peak):
    rising = warmup * steps if 0 < warmup <= 1 else warmup
    if step < rising:
        return peak * step / rising
    return peak if rising >= steps else peak * (steps - step) / (steps - rising)
""",
                "是一步，不是百分之百",
            ),
            (
                # the share is counted in steps for the rise only
                """
def learning_rate_at(step, steps, warmup, peak):
    rise = warmup * steps if 0 < warmup < 1 else warmup
    if step < rise:
        return peak * step / rise
    return peak * max(0, steps - step) / (steps - warmup)
""",
                "下降段也要用它",
            ),
            (
                # no warm-up
                "def learning_rate_at(step, steps, warmup, peak):\n"
                "    return peak * (1 - step / steps)\n",
                "没有预热",
            ),
            (
                # constant after the warm-up
                "def learning_rate_at(step, steps, warmup, peak):\n"
                "    return peak * min(1, step / warmup)\n",
                "预热之后要直线下降",
            ),
            (
                # the decay counted from step 0
                "def learning_rate_at(step, steps, warmup, peak):\n"
                "    if step < warmup:\n"
                "        return peak * step / warmup\n"
                "    return peak * (1 - step / steps)\n",
                "下降段从预热结束的那一步算起",
            ),
            (
                # a fraction taken for a number of steps
                "def learning_rate_at(step, steps, warmup, peak):\n"
                "    if step < warmup:\n"
                "        return peak * step / warmup\n"
                "    return peak * (steps - step) / (steps - warmup)\n",
                "表示比例",
            ),
            (
                # a warm-up cut down to the run
                "def learning_rate_at(step, steps, warmup, peak):\n"
                "    warmup = min(warmup * steps if 0 < warmup < 1 else warmup, steps)\n"
                "    if step <= warmup:\n"
                "        return peak * step / warmup if warmup else peak\n"
                "    return peak * (steps - step) / (steps - warmup)\n",
                "不要替它改短",
            ),
            (
                # no guard against a warm-up of no steps
                "def learning_rate_at(step, steps, warmup, peak):\n"
                "    warmup = warmup * steps if 0 < warmup < 1 else warmup\n"
                "    return peak * min(step / warmup, (steps - step) / (steps - warmup))\n",
                "也别除以它",
            ),
            (
                # from step one
                changed(
                    RATE,
                    (
                        "        return peak * step / rising\n    if rising >= steps:\n        return peak\n",
                        "        return peak * (step + 1) / rising\n",
                    ),
                ),
                "早了一步：第 0 步的学习率是 0",
            ),
            (
                # to the last step but one
                changed(RATE, ("step) / (steps", "1 - step) / (steps - 1")),
                "降到 0 要正好在第 `steps` 步",
            ),
            (
                # the warm-up cut to the run
                """
def learning_rate_at(step, steps, warmup, peak):
    rising = warmup * steps if 0 < warmup < 1 else min(warmup, steps)
    if step < rising:
        return peak * step / rising
    return peak * (steps - step) / max(1, steps - rising)
""",
                "预热比训练长时",
            ),
            (
                # division by zero without a warm-up
                """
def learning_rate_at(step, steps, warmup, peak):
    rising = warmup * steps if warmup < 1 else warmup
    if step <= rising:
        return peak * step / rising
    return peak * (steps - step) / (steps - rising)
""",
                "`warmup` 为 0 就是不预热",
            ),
        ],
    },
    "06-3": {
        "alternative": """
import torch

def best_temperature(logits, labels):
    logits, labels = torch.tensor(logits), torch.tensor(labels)
    log_t = torch.zeros(1, dtype=logits.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_t], max_iter=50, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(logits / log_t.exp(), labels)
        value.backward()
        return value

    optimizer.step(loss)
    return log_t.exp().item()
""",
        "also_right": [
            # scipy
            """
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

def best_temperature(logits, labels):
    def loss(t):
        return -log_softmax(logits / t, axis=1)[np.arange(len(labels)), labels].mean()

    return minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x
""",
            # an arithmetic grid in float32
            """
import torch

def best_temperature(logits, labels):
    logits, labels = torch.tensor(logits), torch.tensor(labels)
    grid = torch.arange(0.1, 10.01, 0.01)
    losses = [torch.nn.functional.cross_entropy(logits / t, labels) for t in grid]
    return grid[torch.stack(losses).argmin()]
""",
            # sklearn log_loss
            """
import numpy as np
from scipy.special import softmax
from sklearn.metrics import log_loss

def best_temperature(logits, labels):
    grid = np.exp(np.linspace(np.log(0.1), np.log(10), 120))
    classes = np.arange(logits.shape[1])
    return float(
        min(grid, key=lambda t: log_loss(labels, softmax(logits / t, axis=1), labels=classes))
    )
""",
        ],
        "wrong": [
            (
                # Brier score
                """
import numpy as np

def best_temperature(logits, labels):
    def loss(temperature):
        z = logits / temperature
        chances = np.exp(z - z.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        return ((chances - np.eye(logits.shape[1])[labels]) ** 2).sum(1).mean()

    grid = np.geomspace(0.1, 20, 400)
    return grid[np.argmin([loss(each) for each in grid])]
""",
                "交叉熵（不是 ECE",
            ),
            (
                # multiplied instead of divided
                """
import numpy as np
from scipy.special import log_softmax

def best_temperature(logits, labels):
    grid = np.geomspace(0.1, 10, 200)
    rows = np.arange(len(labels))
    losses = [-log_softmax(logits * t, axis=1)[rows, labels].mean() for t in grid]
    return grid[np.argmin(losses)]
""",
                "T 的倒数",
            ),
            (
                # by accuracy
                """
import numpy as np

def best_temperature(logits, labels):
    grid = np.geomspace(0.1, 10, 200)
    scores = [((logits / t).argmax(1) == labels).mean() for t in grid]
    return grid[np.argmax(scores)]
""",
                "按准确率选",
            ),
            (
                # never below 1
                """
import numpy as np
from scipy.special import log_softmax

def best_temperature(logits, labels):
    grid = np.linspace(1, 10, 200)
    rows = np.arange(len(labels))
    losses = [-log_softmax(logits / t, axis=1)[rows, labels].mean() for t in grid]
    return grid[np.argmin(losses)]
""",
                "T 也可以小于 1",
            ),
            (
                # the whole curve
                """
import numpy as np
from scipy.special import log_softmax

def best_temperature(logits, labels):
    rows = np.arange(len(labels))
    return [-log_softmax(logits / t, axis=1)[rows, labels].mean() for t in (0.5, 1, 2)]
""",
                "请返回一个数",
            ),
            (
                # the mean size of the logits
                "def best_temperature(logits, labels):\n    return abs(logits).mean()\n",
                "温度不对",
            ),
            (
                # the mean probability of the right class
                """
import numpy as np
from scipy.special import softmax

def best_temperature(logits, labels):
    rows = np.arange(len(labels))
    return max(
        np.geomspace(0.1, 10, 200), key=lambda t: softmax(logits / t, axis=1)[rows, labels].mean()
    )
""",
                "温度不对：对 softmax(logits / T) 算正确类别的平均负对数概率",
            ),
            (
                # softmax along the rows
                """
import numpy as np
from scipy.special import log_softmax

def best_temperature(logits, labels):
    rows = np.arange(len(labels))
    return min(
        np.geomspace(0.1, 10, 200),
        key=lambda t: -log_softmax(logits / t, axis=0)[rows, labels].mean(),
    )
""",
                "温度不对：对 softmax(logits / T) 算正确类别的平均负对数概率",
            ),
            (
                # the loss returned
                """
import numpy as np
from scipy.special import log_softmax

def best_temperature(logits, labels):
    rows = np.arange(len(labels))
    return min(
        -log_softmax(logits / t, axis=1)[rows, labels].mean() for t in np.geomspace(0.1, 10, 200)
    )
""",
                "返回的是最小的损失",
            ),
            (
                # a grid of tenths from one
                """
import numpy as np
from scipy.special import log_softmax

def best_temperature(logits, labels):
    rows = np.arange(len(labels))
    return min(
        np.arange(1, 10, 0.1), key=lambda t: -log_softmax(logits / t, axis=1)[rows, labels].mean()
    )
""",
                "T 也可以小于 1",
            ),
        ],
    },
    "06-4": {
        "alternative": """
from scipy.stats import binomtest

def sign_test(right_a, right_b):
    differ = [bool(x) for x, y in zip(right_a, right_b) if bool(x) != bool(y)]
    return binomtest(sum(differ), len(differ)).pvalue if differ else 1.0
""",
        "also_right": [
            # scipy.stats.binomtest
            """
from scipy.stats import binomtest
def sign_test(right_a, right_b):
    b = int((right_a & ~right_b).sum()); c = int((~right_a & right_b).sum())
    return 1.0 if b + c == 0 else binomtest(min(b, c), b + c).pvalue
""",
            # scipy
            """
import numpy as np
from scipy.stats import binomtest

def sign_test(right_a, right_b):
    b, c = int(np.sum(right_a & ~right_b)), int(np.sum(~right_a & right_b))
    return binomtest(b, b + c).pvalue if b + c else 1.0
""",
            # a survival function and integers
            """
import numpy as np
from scipy.stats import binom

def sign_test(right_a, right_b):
    difference = np.asarray(right_a, int) - np.asarray(right_b, int)
    b, c = (difference == 1).sum(), (difference == -1).sum()
    return min(1.0, 2 * binom.cdf(min(b, c), b + c, 0.5))
""",
            # by recurrence with Fraction
            """
from fractions import Fraction

def sign_test(right_a, right_b):
    pairs = [(bool(x), bool(y)) for x, y in zip(right_a, right_b)]
    n, few = pairs.count((True, False)) + pairs.count((False, True)), 0
    few = min(pairs.count((True, False)), pairs.count((False, True)))
    term, total = Fraction(1, 2**n), Fraction(0)
    for heads in range(few + 1):
        total += term
        term = term * (n - heads) / (heads + 1)
    return min(1, 2 * total)
""",
        ],
        "wrong": [
            (
                # fewer than instead of not more than
                """
from math import comb
def sign_test(right_a, right_b):
    b = int((right_a & ~right_b).sum()); c = int((~right_a & right_b).sum()); n = b + c
    return 2 * sum(comb(n, k) for k in range(min(b, c))) / 2 ** n
""",
                "8 比 1 的例子",
            ),
            (
                # one-sided
                """
from math import comb

def sign_test(right_a, right_b):
    b, c = (right_a & ~right_b).sum(), (right_b & ~right_a).sum()
    n = int(b + c)
    return sum(comb(n, k) for k in range(int(min(b, c)) + 1)) / 2**n
""",
                "单边",
            ),
            (
                # only this very split
                """
from math import comb

def sign_test(right_a, right_b):
    b, c = (right_a & ~right_b).sum(), (right_b & ~right_a).sum()
    n = int(b + c)
    return 2 * comb(n, int(min(b, c))) / 2**n
""",
                "更悬殊的情形",
            ),
            (
                # every review counted
                """
from math import comb

def sign_test(right_a, right_b):
    b, c = (right_a & ~right_b).sum(), (right_b & ~right_a).sum()
    n = len(right_a)
    return min(1, 2 * sum(comb(n, k) for k in range(int(min(b, c)) + 1)) / 2**n)
""",
                "不算进 n",
            ),
            (
                # as if the two had read different reviews
                """
from scipy.stats import norm

def sign_test(right_a, right_b):
    n = len(right_a)
    p = (right_a.mean() + right_b.mean()) / 2
    z = (right_a.mean() - right_b.mean()) / (2 * p * (1 - p) / n) ** 0.5
    return 2 * norm.sf(abs(z))
""",
                "只看意见不同的",
            ),
            (
                # not capped
                """
from math import comb

def sign_test(right_a, right_b):
    b, c = (right_a & ~right_b).sum(), (right_b & ~right_a).sum()
    n = int(b + c)
    return 2 * sum(comb(n, k) for k in range(int(min(b, c)) + 1)) / 2**n
""",
                "不能大于 1",
            ),
            (
                # the losses of B, whichever are fewer
                """
from math import comb

def sign_test(right_a, right_b):
    b, c = (right_a & ~right_b).sum(), (right_b & ~right_a).sum()
    n = int(b + c)
    return min(1, 2 * sum(comb(n, k) for k in range(int(c) + 1)) / 2**n)
""",
                "对调",
            ),
            (
                # chi squared
                """
import numpy as np
from scipy.stats import chi2

def sign_test(right_a, right_b):
    b, c = np.sum(right_a & ~right_b), np.sum(~right_a & right_b)
    return 1.0 if b + c == 0 else float(chi2.sf((abs(b - c) - 1) ** 2 / (b + c), 1))
""",
                "这是卡方近似",
            ),
            (
                # one minus p
                """
import numpy as np
from math import comb

def sign_test(right_a, right_b):
    b, c = int(np.sum(right_a & ~right_b)), int(np.sum(~right_a & right_b))
    n = b + c
    return 1 - min(1.0, 2 * sum(comb(n, k) for k in range(min(b, c) + 1)) / 2**n)
""",
                "这是 1 减 p 值",
            ),
        ],
    },
    "06-5": {
        "alternative": """
def predict_long(ids, predict, size, overlap):
    windows = [ids[:size]]
    start = 0
    while start + size < len(ids):
        start += size - overlap
        windows.append(ids[start : start + size])
    rows = [predict([window])[0] for window in windows]
    return sum(rows) / len(rows)
""",
        "also_right": [
            # a while loop, one call a window
            """
import numpy as np

def predict_long(ids, predict, size, overlap):
    start, rows = 0, []
    while True:
        rows.append(predict([ids[start : start + size]])[0])
        if start + size >= len(ids):
            return np.mean(rows, axis=0)
        start += size - overlap
""",
            # numpy windows, a list
            """
import numpy as np

def predict_long(ids, predict, size, overlap):
    ids, windows = np.array(ids), []
    for start in range(0, len(ids), size - overlap):
        windows.append(ids[start : start + size])
        if start + size >= len(ids):
            break
    return list(np.asarray(predict(windows)).mean(0))
""",
            # torch
            """
import torch

def predict_long(ids, predict, size, overlap):
    step = size - overlap
    count = max(1, -(-(len(ids) - overlap) // step))
    windows = [ids[n * step : n * step + size] for n in range(count)]
    return torch.as_tensor(predict(windows)).mean(dim=0)
""",
            WINDOWS,
        ],
        "wrong": [
            (
                # the largest instead of the mean
                """
import numpy as np
def predict_long(ids, predict, size, overlap):
    windows = [ids[i:i + size] for i in range(0, max(1, len(ids) - overlap), size - overlap)]
    return np.mean([predict([w])[0] for w in windows], axis=0) if False else np.asarray(predict(windows)).max(0)
""",
                "各窗口的概率要取平均",
            ),
            (
                # the overlap is always one
                """
import numpy as np

def predict_long(ids, predict, size, overlap):
    windows, start = [], 0
    while True:
        windows.append(ids[start : start + size])
        if start + size >= len(ids):
            return np.mean(predict(windows), axis=0)
        start += size - 1
""",
                "由 `overlap` 决定",
            ),
            (
                # no overlap
                """
def predict_long(ids, predict, size, overlap):
    windows = [ids[i : i + size] for i in range(0, len(ids), size)]
    return predict(windows).mean(axis=0)
""",
                "没有重叠",
            ),
            (
                # a last window that holds nothing new
                """
def predict_long(ids, predict, size, overlap):
    windows = [ids[i : i + size] for i in range(0, len(ids), size - overlap)]
    return predict(windows).mean(axis=0)
""",
                "最后多了一段",
            ),
            (
                # whole windows only
                """
def predict_long(ids, predict, size, overlap):
    windows = [ids[i : i + size] for i in range(0, len(ids) - size + 1, size - overlap)]
    return predict(windows).mean(axis=0)
""",
                "文末的词元丢了",
            ),
            (
                # the most certain window decides
                """
def predict_long(ids, predict, size, overlap):
    starts = range(0, max(len(ids) - overlap, 1), size - overlap)
    rows = predict([ids[i : i + size] for i in starts])
    return rows[rows.max(axis=1).argmax()]
""",
                "取平均",
            ),
            (
                # one number
                """
def predict_long(ids, predict, size, overlap):
    starts = range(0, max(len(ids) - overlap, 1), size - overlap)
    return predict([ids[i : i + size] for i in starts]).mean()
""",
                "形状是 (2,)",
            ),
            (
                # cut off like any other text
                """
def predict_long(ids, predict, size, overlap):
    return predict([ids[:size]])[0]
""",
                "三个窗口",
            ),
            (
                # the last window moved back to full size
                """
def predict_long(ids, predict, size, overlap):
    starts = list(range(0, max(len(ids) - size, 0) + 1, size - overlap))
    if starts[-1] + size < len(ids):
        starts.append(len(ids) - size)
    return predict([ids[s : s + size] for s in starts]).mean(axis=0)
""",
                "最后一个窗口的起点不对",
            ),
            (
                # weighted by length
                """
import numpy as np

def predict_long(ids, predict, size, overlap):
    starts = range(0, max(len(ids) - overlap, 1), size - overlap)
    windows = [ids[s : s + size] for s in starts]
    return np.average(predict(windows), axis=0, weights=[len(w) for w in windows])
""",
                "各窗口一样重",
            ),
            (
                # the middle over the classes
                changed(WINDOWS, ("s=0)\n", "s=1)\n")),
                "请返回一条影评的两个概率",
            ),
            (
                # steps of the overlap
                changed(WINDOWS, ("size - ", "")),
                "每次只往前走了 `overlap` 个",
            ),
        ],
    },
    "06-6": {
        "alternative": "holds = {'c', 'B'}\n",
        "wrong": [
            ("holds = 'ABC'\n", "看意见不同的：25 比 "),
            ("holds = 'B'\n", "成对地看，25 比 20"),
            ("holds = 'BCE'\n", "没有 E 这一句"),
            ("holds = 2\n", "一串字母"),
        ],
    },
}
