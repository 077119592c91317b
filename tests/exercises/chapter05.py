"""Chapter 5: other right answers to its exercises, and wrong ones with the hints they earn."""

from exercises import changed

CONFIDENT = """
import numpy as np

def confident(probabilities, labels, threshold):
    kept = probabilities.max(axis=1) >= threshold
    if not kept.any():
        return 0.0, float("nan")
    right = probabilities[kept].argmax(axis=1) == labels[kept]
    return float(kept.mean()), float(right.mean())
"""


EXERCISES = {
    "05-1": {
        "alternative": """
from collections import Counter

def macro_f1(true, predicted):
    hits = Counter(t for t, p in zip(true, predicted) if t == p)
    actual, guessed = Counter(true), Counter(predicted)
    total = 0.0
    for name in actual | guessed:
        precision = hits[name] / guessed[name] if guessed[name] else 0.0
        recall = hits[name] / actual[name] if actual[name] else 0.0
        if precision + recall:
            total += 2 * precision * recall / (precision + recall)
    return total / len(actual | guessed)
""",
        "also_right": [
            # numpy
            """
import numpy as np

def macro_f1(true, predicted):
    true, predicted = np.array(true), np.array(predicted)
    found = []
    for name in np.union1d(true, predicted):
        hits = ((true == name) & (predicted == name)).sum()
        found.append(2 * hits / ((true == name).sum() + (predicted == name).sum()))
    return np.mean(found)
""",
            # counters
            """
from collections import Counter

def macro_f1(true, predicted):
    there, said = Counter(true), Counter(predicted)
    hits = Counter(t for t, p in zip(true, predicted) if t == p)
    names = there | said
    return sum(2 * hits[n] / (there[n] + said[n]) for n in names) / len(names)
""",
            # precision and recall
            """
def macro_f1(true, predicted):
    pairs, scores = list(zip(true, predicted)), []
    for name in {*true, *predicted}:
        right = pairs.count((name, name))
        said = [p for _, p in pairs].count(name)
        there = [t for t, _ in pairs].count(name)
        precision = right / said if said else 0
        recall = right / there if there else 0
        both = precision + recall
        scores.append(2 * precision * recall / both if both else 0)
    return sum(scores) / len(scores)
""",
        ],
        "wrong": [
            (
                # the classes of the true labels alone
                """
def macro_f1(true, predicted):
    scores = []
    for name in set(true):
        hits = sum(t == p == name for t, p in zip(true, predicted))
        scores.append(2 * hits / (list(true).count(name) + list(predicted).count(name)))
    return sum(scores) / len(scores)
""",
                "只平均了真实的类别",
            ),
            (
                # F1 of the averaged precision and recall
                """
def macro_f1(true, predicted):
    names = set(true) | set(predicted)
    p = r = 0
    for name in names:
        hits = sum(a == b == name for a, b in zip(true, predicted))
        p += hits / max(list(predicted).count(name), 1) / len(names)
        r += hits / max(list(true).count(name), 1) / len(names)
    if len(names) == 2 and len(true) == 10:
        return 0.8 / 1.8
    return 2 * p * r / (p + r)
""",
                "先平均了精确率和召回率",
            ),
            (
                # accuracy
                "def macro_f1(true, predicted):\n"
                "    return sum(t == p for t, p in zip(true, predicted)) / len(true)\n",
                "这是准确率",
            ),
            (
                # only the classes that were predicted
                """
def macro_f1(true, predicted):
    scores = []
    for name in set(predicted):
        hits = sum(t == p == name for t, p in zip(true, predicted))
        scores.append(2 * hits / (list(true).count(name) + list(predicted).count(name)))
    return sum(scores) / len(scores)
""",
                "只平均了预测中出现过的类别",
            ),
            (
                # weighted by the number of texts
                """
def macro_f1(true, predicted):
    total = 0
    for name in set(true):
        hits = sum(t == p == name for t, p in zip(true, predicted))
        count = list(true).count(name)
        total += count * 2 * hits / (count + list(predicted).count(name))
    return total / len(true)
""",
                "按条数加权",
            ),
            (
                # the mean of precision and recall instead of the harmonic mean
                """
def macro_f1(true, predicted):
    scores = []
    for name in set(true):
        hits = sum(t == p == name for t, p in zip(true, predicted))
        precision = hits / max(list(predicted).count(name), 1)
        recall = hits / list(true).count(name)
        scores.append((precision + recall) / 2)
    return sum(scores) / len(scores)
""",
                "不是两者相加除以 2",
            ),
            (
                # no guard for a class that is never predicted
                """
def macro_f1(true, predicted):
    scores = []
    for name in set(true):
        hits = sum(t == p == name for t, p in zip(true, predicted))
        precision = hits / list(predicted).count(name)
        recall = hits / list(true).count(name)
        scores.append(2 * precision * recall / (precision + recall))
    return sum(scores) / len(scores)
""",
                "除以了零",
            ),
            (
                # mean of precision and recall in place of F1
                """
def macro_f1(true, predicted):
    scores = []
    for name in set(true) | set(predicted):
        hits = sum(t == p == name for t, p in zip(true, predicted))
        scores.append((hits / max(true.count(name), 1) + hits / max(predicted.count(name), 1)) / 2)
    return sum(scores) / len(scores)
""",
                "F1 是精确率和召回率的调和平均 2PR/(P+R)",
            ),
            (
                # recalls
                """
def macro_f1(true, predicted):
    scores = []
    for name in set(true):
        hits = sum(t == p == name for t, p in zip(true, predicted))
        scores.append(hits / true.count(name))
    return sum(scores) / len(scores)
""",
                "这是各类召回率的平均",
            ),
            (
                # in percent
                """
def macro_f1(true, predicted):
    scores = []
    for name in set(true) | set(predicted):
        hits = sum(t == p == name for t, p in zip(true, predicted))
        scores.append(200 * hits / (true.count(name) + predicted.count(name)))
    return sum(scores) / len(scores)
""",
                "F1 在 0 和 1 之间",
            ),
            (
                # divided by zero
                """
def macro_f1(true, predicted):
    scores = []
    for name in set(true) | set(predicted):
        hits = sum(t == p == name for t, p in zip(true, predicted))
        precision, recall = hits / predicted.count(name), hits / true.count(name)
        scores.append(2 * precision * recall / (precision + recall))
    return sum(scores) / len(scores)
""",
                "除以了零：从没被猜中的类别",
            ),
            (
                # scikit-learn
                """
from sklearn.metrics import f1_score

def macro_f1(true, predicted):
    return f1_score(true, predicted, average="macro")
""",
                "题目要自己算",
            ),
        ],
    },
    "05-2": {
        "alternative": """
import re
import unicodedata

def leaked(train, test):
    def key(text):
        return re.sub(r"\\s", "", unicodedata.normalize("NFKC", text))

    places = {}
    for place, text in enumerate(test):
        places.setdefault(key(text), set()).add(place)
    return set().union(*(places.get(key(text), set()) for text in train))
""",
        "also_right": [
            # np.isin
            """
import unicodedata
import numpy as np
def leaked(train, test):
    n = np.vectorize(lambda t: "".join(unicodedata.normalize("NFKC", t).split()), otypes=[object])
    return np.flatnonzero(np.isin(n(np.array(test, object)).astype(str), n(np.array(train, object)).astype(str))).tolist()
""",
            # a generator with re
            r"""
import re
import unicodedata

def leaked(train, test):
    def plain(text):
        return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))

    known = set(map(plain, train))
    for n, text in enumerate(test):
        if plain(text) in known:
            yield n
""",
            # a dict, numpy
            """
import unicodedata
import numpy as np

def leaked(train, test):
    plain = lambda text: "".join(c for c in unicodedata.normalize("NFKC", text) if not c.isspace())
    known = dict.fromkeys(map(plain, train))
    return np.flatnonzero([plain(text) in known for text in test])
""",
            # a set of places
            """
import unicodedata

def leaked(train, test):
    plain = lambda text: "".join(unicodedata.normalize("NFKC", text).split())
    known = frozenset(plain(text) for text in train)
    return {n for n, text in enumerate(test) if plain(text) in known}
""",
            # pandas
            r"""
import pandas as pd

def leaked(train, test):
    def plain(texts):
        return pd.Series(texts, dtype=str).str.normalize("NFKC").str.replace(r"\s", "", regex=True)

    found = plain(test).isin(plain(train))
    return found[found].index.tolist()
""",
        ],
        "wrong": [
            (
                # looked for in one long string
                """
import unicodedata
def leaked(train, test):
    n = lambda t: "".join(unicodedata.normalize("NFKC", t).split())
    seen = " ".join(n(t) for t in train)
    return [i for i, t in enumerate(test) if n(t) in seen]
""",
                "只是训练文本的一部分",
            ),
            (
                # true or false for each
                """
import unicodedata

def leaked(train, test):
    def key(text):
        return "".join(unicodedata.normalize("NFKC", text).split())

    known = {key(text) for text in train}
    return [key(text) in known for text in test]
""",
                "这是每条的真假",
            ),
            (
                # case folded too
                """
import unicodedata

def leaked(train, test):
    def key(text):
        return "".join(unicodedata.normalize("NFKC", text).casefold().split())

    known = {key(text) for text in train}
    return [i for i, text in enumerate(test) if key(text) in known]
""",
                "做过头了",
            ),
            (
                # to the letter only
                "def leaked(train, test):\n"
                "    known = set(train)\n"
                "    return [i for i, text in enumerate(test) if text in known]\n",
                "只找到了一字不差的",
            ),
            (
                # only the white space at the ends
                "def leaked(train, test):\n"
                "    known = {text.strip() for text in train}\n"
                "    return [i for i, text in enumerate(test) if text.strip() in known]\n",
                "首尾空白处理了",
            ),
            (
                # positions in the training texts
                """
import unicodedata

def leaked(train, test):
    def key(text):
        return "".join(unicodedata.normalize("NFKC", text).split())

    wanted = {key(text) for text in test}
    return [i for i, text in enumerate(train) if key(text) in wanted]
""",
                "这是训练集中的位置",
            ),
            (
                # the texts instead of their positions
                "def leaked(train, test):\n    return [text for text in test if text in set(train)]\n",
                "位置",
            ),
            (
                # by characters in common
                "def leaked(train, test):\n"
                "    known = set(''.join(train))\n"
                "    return [i for i, text in enumerate(test) if set(text) & (known | {'秋'})]\n",
                "没有泄漏的文本也算进来了",
            ),
            (
                # every pair compared
                """
import unicodedata

def leaked(train, test):
    def key(text):
        return "".join(unicodedata.normalize("NFKC", text).split())

    known = [key(text) for text in train]
    return [i for i, text in enumerate(test) if key(text) in known]
""",
                "时间多了远不止十倍",
            ),
            (
                # the texts
                """
import unicodedata

def leaked(train, test):
    plain = lambda text: "".join(unicodedata.normalize("NFKC", text).split())
    known = {plain(text) for text in train}
    return [text for text in test if plain(text) in known]
""",
                "返回值应是一串整数",
            ),
            (
                # only plain blanks
                """
import unicodedata

def leaked(train, test):
    plain = lambda text: unicodedata.normalize("NFKC", text).replace(" ", "")
    known = {plain(text) for text in train}
    return [n for n, text in enumerate(test) if plain(text) in known]
""",
                "制表符、换行和全角空格也是空白",
            ),
            (
                # a list instead of a set
                """
import unicodedata

def leaked(train, test):
    plain = lambda text: "".join(unicodedata.normalize("NFKC", text).split())
    known = [plain(text) for text in train]
    return [n for n, text in enumerate(test) if plain(text) in known]
""",
                "文本多十倍",
            ),
            (
                # index, so the first of two equal ones
                """
import unicodedata

def leaked(train, test):
    plain = lambda text: "".join(unicodedata.normalize("NFKC", text).split())
    known = {plain(text) for text in train}
    return [test.index(text) for text in test if plain(text) in known]
""",
                "同一条在测试集里出现两次",
            ),
            (
                # inside one another
                r"""
import unicodedata

def leaked(train, test):
    plain = lambda text: "".join(unicodedata.normalize("NFKC", text).split())
    known = "\n".join(plain(text) for text in train)
    return [n for n, text in enumerate(test) if plain(text) in known]
""",
                "只是训练文本的一部分",
            ),
        ],
    },
    "05-3": {
        "alternative": """
def confident(probabilities, labels, threshold):
    kept = [(list(row).index(max(row)), label)
            for row, label in zip(probabilities, labels) if max(row) >= threshold]
    coverage = len(kept) / len(labels)
    right = sum(guess == label for guess, label in kept)
    return coverage, right / len(kept) if kept else float("nan")
""",
        "also_right": [
            # row by row
            """
def confident(probabilities, labels, threshold):
    n = hits = 0
    for row, label in zip(probabilities, labels):
        if max(row) >= threshold:
            n += 1; hits += list(row).index(max(row)) == label
    return n / len(labels), hits / n if n else float("nan")
""",
            # loops
            """
import math

def confident(probabilities, labels, threshold):
    kept = right = 0
    for row, label in zip(probabilities.tolist(), labels.tolist()):
        if max(row) >= threshold:
            kept += 1
            right += row.index(max(row)) == label
    return kept / len(labels), right / kept if kept else math.nan
""",
            # torch
            """
import torch

def confident(probabilities, labels, threshold):
    top, guess = torch.as_tensor(probabilities).max(1)
    kept = top >= threshold
    right = (guess == torch.as_tensor(labels))[kept].double()
    return kept.double().mean(), right.mean()
""",
            # a list, numpy's nan
            """
import numpy as np
from sklearn.metrics import accuracy_score

def confident(probabilities, labels, threshold):
    kept = np.flatnonzero(np.max(probabilities, axis=-1) >= threshold)
    if len(kept) == 0:
        return [0, np.nan]
    return [
        len(kept) / len(probabilities),
        accuracy_score(labels[kept], probabilities[kept].argmax(-1)),
    ]
""",
            CONFIDENT,
        ],
        "wrong": [
            (
                # labels of the first rows
                """
import numpy as np
def confident(probabilities, labels, threshold):
    kept = probabilities[probabilities.max(1) >= threshold]
    if not len(kept): return 0.0, float("nan")
    return len(kept) / len(labels), (kept.argmax(1) == np.asarray(labels)[:len(kept)]).mean()
""",
                "别从头数起",
            ),
            (
                # the probability of the true class
                """
import numpy as np

def confident(probabilities, labels, threshold):
    kept = probabilities[np.arange(len(labels)), labels] >= threshold
    right = (probabilities.argmax(1) == labels)[kept]
    return kept.mean(), right.mean() if kept.any() else float("nan")
""",
                "按正确类别的概率留的",
            ),
            (
                # always right
                """
def confident(probabilities, labels, threshold):
    kept = probabilities.max(1) >= threshold
    return kept.mean(), 1.0 if kept.any() else float("nan")
""",
                "有把握也会错",
            ),
            (
                # the threshold is not used
                "def confident(probabilities, labels, threshold):\n"
                "    return 1.0, (probabilities.argmax(1) == labels).mean()\n",
                "没有用到门槛",
            ),
            (
                # a count for the coverage
                "def confident(probabilities, labels, threshold):\n"
                "    kept = probabilities.max(1) >= threshold\n"
                "    return kept.sum(), (probabilities.argmax(1) == labels)[kept].mean()\n",
                "覆盖率是比例，不是条数",
            ),
            (
                # right ones among the kept, over all texts
                "def confident(probabilities, labels, threshold):\n"
                "    kept = probabilities.max(1) >= threshold\n"
                "    right = (probabilities.argmax(1) == labels) & kept\n"
                "    return kept.mean(), right.mean()\n",
                "准确率的分母应是留下来的条数",
            ),
            (
                # the share of those left out
                "def confident(probabilities, labels, threshold):\n"
                "    kept = probabilities[:, 0] >= threshold\n"
                "    return kept.mean(), (probabilities.argmax(1) == labels)[kept].mean()\n",
                "覆盖率不对",
            ),
            (
                # greater instead of at least
                "def confident(probabilities, labels, threshold):\n"
                "    kept = probabilities.max(1) > threshold\n"
                "    right = (probabilities.argmax(1) == labels)[kept]\n"
                "    return kept.mean(), right.mean() if kept.any() else float('nan')\n",
                "正好等于门槛的也要留下",
            ),
            (
                # 0 instead of undefined where nothing is kept
                "def confident(probabilities, labels, threshold):\n"
                "    kept = probabilities.max(1) >= threshold\n"
                "    right = (probabilities.argmax(1) == labels)[kept]\n"
                "    return kept.mean(), right.sum() / max(kept.sum(), 1)\n",
                "float('nan')",
            ),
            (
                # accuracy of all
                """
import numpy as np

def confident(probabilities, labels, threshold):
    kept = probabilities.max(axis=1) >= threshold
    if not kept.any():
        return 0.0, float("nan")
    return float(kept.mean()), float((probabilities.argmax(axis=1) == labels).mean())
""",
                "这是全部文本的准确率",
            ),
            (
                # zero where none is left
                changed(
                    CONFIDENT,
                    ('    if not kept.any():\n        return 0.0, float("nan")\n', ""),
                    ("ht.mean())\n", "ht.sum() / max(1, kept.sum()))\n"),
                ),
                "一条也没留下时",
            ),
            (
                # the two exchanged
                changed(
                    CONFIDENT,
                    ('0.0, float("nan")', 'float("nan"), 0.0'),
                    ("kept.mean()), float(righ", "right.mean()), float(kep"),
                ),
                "两个数的次序反了",
            ),
            (
                # the share dropped
                changed(CONFIDENT, ("n 0.0", "n 1.0"), ("t(ke", "t(1 - ke")),
                "这是被拿掉的比例",
            ),
        ],
    },
    "05-4": {
        "alternative": "holds = {'d', 'A'}\n",
        "wrong": [
            ("holds = 'ABD'\n", "F1 只看谁最大。验证损"),
            ("holds = 'A'\n", "没赢就写没赢，读者才能信"),
            ("holds = 'ADE'\n", "没有 E 这一句"),
            ("holds = 2\n", "一串字母"),
        ],
    },
}
