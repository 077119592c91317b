"""Checks for the exercises of chapter 8."""

import math

import numpy as np

from utils.checks import Hint, exercise


def close(value, expected) -> bool:
    """Equal numbers or arrays; things of another shape or kind are different."""
    try:
        value = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return False
    return value.shape == np.shape(expected) and np.allclose(value, expected, atol=1e-6)


@exercise("08-1")
def perplexity(answer):
    """`answer(losses, tokens)`: mean loss of each batch, its number of tokens -> perplexity."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收每批的平均损失和每批的词元数。")
    losses, tokens = [2.0, 4.0], [90, 10]
    value = answer(losses, tokens)
    if close(value, math.exp(3)):
        raise Hint("每批的分量不该一样：词元多的批，损失要占得多。先用词元数加权，再取指数。")
    if close(value, (90 * math.exp(2) + 10 * math.exp(4)) / 100) or close(
        value, (math.exp(2) + math.exp(4)) / 2
    ):
        raise Hint("先把损失平均，最后取一次指数；各批的困惑度不能直接平均。")
    if close(value, 2.2):
        raise Hint("这是平均损失。困惑度还要取指数。")
    if close(value, 2**2.2):
        raise Hint("损失的单位是 nat（自然对数），底数用 e，不是 2。")
    if not close(value, math.exp(2.2)):
        raise Hint("困惑度 = exp(总损失 ÷ 总词元数)。总损失是各批「平均损失 × 词元数」之和。")
    if not close(answer([1.0, 2.0, 3.0], [1, 1, 2]), math.exp(2.25)):
        raise Hint("换成三批就不对了：别把批数写死。")


def softmax(logits):
    exponents = np.exp(logits - np.max(logits))
    return exponents / exponents.sum()


@exercise("08-2")
def temperature(answer):
    """`answer(logits, temperature)` -> probabilities; temperature 0 is the argmax."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收对数几率和温度。")
    logits = np.array([2.0, 1.0, -1.0])
    value = answer(logits.copy(), 0.5)
    probabilities = softmax(logits)
    if close(value, probabilities / 0.5):
        raise Hint("先做了 softmax，再除以温度：加起来不再是 1。温度要除在对数几率上。")
    if close(value, probabilities):
        raise Hint("先除再归一，温度被约掉了：它要在 softmax 之前除进对数几率。")
    if close(value, softmax(probabilities / 0.5)):
        raise Hint("softmax 做了两次：温度除的应当是对数几率，不是概率。")
    if close(value, softmax(logits * 0.5)):
        raise Hint("这里乘了温度。温度低应当更尖锐，所以是除。")
    if close(value, logits / 0.5):
        raise Hint("这还是对数几率，差一步 softmax。")
    if not close(value, softmax(logits / 0.5)):
        raise Hint("先把对数几率除以温度，再做 softmax。")
    large = answer(np.array([1000.0, 999.0]), 1.0)
    if not close(large, softmax(np.array([1000.0, 999.0]))):
        raise Hint("对数几率很大时溢出了：做 softmax 之前先减去最大值。")
    if not close(answer(logits.copy(), 0), [1.0, 0.0, 0.0]):
        raise Hint("温度为 0 时不能做除法：把全部概率给最大的那个。")


@exercise("08-3")
def nucleus(answer):
    """`answer(probabilities, p)`: rows of probabilities -> top-p, renormalised, same order."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收一个概率矩阵（一行一个分布）和 p。")
    rows = np.array([[0.1, 0.5, 0.1, 0.3], [0.9, 0.05, 0.03, 0.02]])
    value = answer(rows.copy(), 0.7)
    expected = np.array([[0, 0.625, 0, 0.375], [1, 0, 0, 0]])
    if not hasattr(value, "shape") or np.shape(value) != rows.shape:
        raise Hint("返回一个与输入形状相同的矩阵。")
    first, second = np.asarray(value, dtype=float)
    if not np.isfinite(first).all() or not np.isfinite(second).all() or second.sum() == 0:
        raise Hint("有一行一个也没留下：最大的概率已经超过 p 时，它自己仍要留下。")
    if close(first, [0, 1, 0, 0]):
        raise Hint("跨过 p 的那个词元被丢掉了：累积概率要达到 p，它得留下。")
    if close(first, [0, 0.5, 0, 0.3]) or close(second, [0.9, 0, 0, 0]):
        raise Hint("留下的概率没有重新归一：每行的和应当是 1。")
    if close(first, [0.625, 0.375, 0, 0]):
        raise Hint("次序变了：排序之后要放回原来的位置。")
    if close(first, [0, 0, 0, 1]) or np.argmax(second) != 0:
        raise Hint("从小往大取了：要从概率最大的开始累积。")
    if close(first, [0.125, 0.625, 0, 0.25]) or (first > 0).sum() > 2 or (second > 0).sum() > 1:
        raise Hint("留得太多：累积概率一达到 p 就停。")
    if not close(value, expected):
        raise Hint("逐行从大到小累加，达到 p 为止，其余置零，再除以留下的和。")
    if not close(answer(rows.copy(), 1.0), rows):
        raise Hint("p 为 1 时什么都不该丢。")


@exercise("08-4")
def label_scores(answer):
    """`answer(logits, ids, starts, ends)`: mean log probability of ids[start:end] of each row."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收 logits、ids、starts、ends。")
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 6, 5)) * 2
    ids = np.array([[1, 2, 3, 4, 2, 0], [1, 3, 4, 2, 0, 0]])
    starts, ends = [3, 2], [5, 5]  # two label tokens in the first row, three in the second
    value = answer(logits.copy(), ids.copy(), list(starts), list(ends))
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    def means(table, shift=1, begin=starts, end=ends):
        return [
            np.mean([table[row, place - shift, ids[row, place]] for place in range(a, b)])
            for row, (a, b) in enumerate(zip(begin, end, strict=True))
        ]

    expected = means(logs)
    if close(value, means(logs, shift=0)):
        raise Hint("错开了一位：位置 i 的输出预测的是第 i+1 个词元，标签词元要看它前一个位置。")
    if close(value, means(logits)):
        raise Hint("直接用了对数几率。各位置的对数几率不能相加，先做 log_softmax。")
    if close(value, [each * n for each, n in zip(expected, (2, 3), strict=True)]):
        raise Hint("只求了和，没有除以标签的词元数：长的标签会吃亏。")
    if close(value, means(logs, begin=[1, 1])):
        raise Hint("把提示词也算进来了：只算标签自己的词元，从 start 开始。")
    if close(value, means(np.exp(logs))):
        raise Hint("平均的是概率。这里要的是对数概率的平均。")
    if close(value, means(logs, end=[6, 6])):
        raise Hint("填充也算进来了：到 end 为止，不含 end。")
    if not close(value, expected):
        raise Hint(
            "对每行的每个位置 t（start ≤ t < end），取位置 t-1 的 log_softmax 中 ids[t] 的值，再平均。"
        )


class CountedModel:
    """Next-token log probabilities of made-up sequences; notes every prefix it is asked for."""

    def __init__(self, seed: int, spread: float = 1.0, plan: dict | None = None):
        self.seed, self.spread, self.plan, self.asked = seed, spread, plan or {}, []

    def logs(self, prefix):
        if prefix in self.plan:
            values = np.array(self.plan[prefix], dtype=float)
        else:
            seed = [self.seed, len(prefix), *prefix]
            values = np.exp(self.spread * np.random.default_rng(seed).normal(size=6))
        return np.log(values / values.sum())

    def __call__(self, prefix):
        if not isinstance(prefix, (tuple, list)):
            raise Hint("问模型时给的是标签已写出的部分，一个词元编号的元组，开头是空元组 ()。")
        self.asked.append(tuple(int(token) for token in prefix))
        return self.logs(self.asked[-1])

    def best(self, labels):
        def total(label):
            return sum(self.logs(label[:i])[token] for i, token in enumerate(label))

        return max(range(len(labels)), key=lambda place: total(labels[place]))


@exercise("08-5")
def best_label(answer):
    """`answer(next_log_probs, labels)` -> index of the likeliest label, with few questions."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收 next_log_probs 和标签列表。")
    # The likeliest first token (1) leads to two labels that share its probability.
    labels = [(1, 2, 0), (1, 3, 0), (4, 5, 0)]
    plan = {
        (): [0.01, 0.5, 0.01, 0.01, 0.46, 0.01],
        (1,): [0.01, 0.01, 0.48, 0.48, 0.01, 0.01],
        (4,): [0.01, 0.01, 0.01, 0.01, 0.01, 0.95],
    } | {pair: [0.95, 0.01, 0.01, 0.01, 0.01, 0.01] for pair in ((1, 2), (1, 3), (4, 5))}
    model = CountedModel(0, plan=plan)
    found = answer(model, list(labels))
    if isinstance(found, tuple):
        raise Hint("返回标签在列表中的位置（一个整数），不是标签本身。")
    if found != 2:
        raise Hint(
            "贪心走进了死胡同：第一个词元概率最大的那条路，走到底不一定最好。要比的是整个标签。"
        )
    for seed in range(40):
        rng = np.random.default_rng(seed)
        labels = sorted({(*rng.integers(1, 5, rng.integers(1, 4)).tolist(), 0) for _ in range(8)})
        model = CountedModel(seed)
        found = answer(model, list(labels))
        if found != model.best(labels):
            raise Hint(
                "有时选错：得分是各词元对数概率之和，结束词元也算在内；提前停下时，"
                "要确认其余的都不可能更好。"
            )
        prefixes = {label[:i] for label in labels for i in range(len(label))}
        if len(model.asked) > len(set(model.asked)):
            raise Hint("同一个开头问了不止一次：几个标签共用的开头，问一次，记下来。")
        if not set(model.asked) <= prefixes:
            raise Hint("问了没有用的开头：只问某个标签真正经过的开头。")
    # One label is far ahead: the others must not be followed to their ends.
    labels = [(1, 1, 1, 0), *((first, 1, 1, 0) for first in (2, 3, 4, 5))]
    sure = [0.001, 0.99, 0.002, 0.002, 0.002, 0.002]
    plan = {(): sure, (1,): sure, (1, 1): sure, (1, 1, 1): [0.99, *[0.002] * 5]}
    model = CountedModel(0, plan=plan)
    if answer(model, list(labels)) != 0:
        raise Hint("提前停得太早：要确认其余的都不可能更好。")
    if len(model.asked) > 4:
        raise Hint(
            "结果对了，但问得太多：对数概率只会越加越小，一个开头若已不如某个写完的标签，就不必再往下问。"
        )
