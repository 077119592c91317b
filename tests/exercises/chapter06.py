"""Chapter 6: other right answers to its exercises, and wrong ones with the hints they earn."""

EXERCISES = {
    "06-1": {
        "alternative": """
import html

def clean_review(text):
    for mark in ("<br />", "<br/>", "<br>", "<BR />", "<BR/>", "<BR>"):
        text = text.replace(mark, " ")
    return " ".join(html.unescape(text).split())
""",
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
        "wrong": [
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
                "ZeroDivisionError",
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
        ],
    },
    "06-4": {
        "alternative": """
from scipy.stats import binomtest

def sign_test(right_a, right_b):
    differ = [bool(x) for x, y in zip(right_a, right_b) if bool(x) != bool(y)]
    return binomtest(sum(differ), len(differ)).pvalue if differ else 1.0
""",
        "wrong": [
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
        "wrong": [
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
