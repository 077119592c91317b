"""Checks for the exercises of chapter 8."""

import math
from collections.abc import Callable

import numpy as np

from utils.checks import Hint, close, exercise, judge


@exercise("08-1")
def perplexity(answer: Callable) -> None:
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


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (classes,) of logits (classes,)."""
    exponents = np.exp(logits - np.max(logits))
    return exponents / exponents.sum()


@exercise("08-2")
def temperature(answer: Callable) -> None:
    """`answer(logits, temperature)` -> probabilities; temperature 0 is the argmax."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收对数几率和温度。")
    logits = np.array([2.0, 1.0, -0.7])
    given = logits.copy()
    value = answer(given, 0.5)
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
    if close(value, probabilities ** (1 / 0.5)):
        raise Hint("概率的幂加起来不是 1，还要除以它们的和。")
    if not close(value, softmax(logits / 0.5)):
        raise Hint("先把对数几率除以温度，再做 softmax。")
    if not close(given, logits):
        raise Hint("传进来的数组被你改动了（-=、/= 是就地改）：另造一个，别人还要用原来的。")
    large = answer(np.array([1000.0, 999.0]), 1.0)
    if not close(large, softmax(np.array([1000.0, 999.0]))):
        raise Hint("对数几率很大时溢出了：做 softmax 之前先减去最大值。")
    if not close(answer(logits.copy(), 0), [1.0, 0.0, 0.0]):
        raise Hint("温度为 0 时不能做除法：把全部概率给最大的那个。")


@exercise("08-3")
def nucleus(answer: Callable) -> None:
    """`answer(probabilities, p)`: rows of probabilities -> top-p, renormalised, same order."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收一个概率矩阵（一行一个分布）和 p。")
    rows = np.array([[0.1, 0.5, 0.1, 0.3], [0.9, 0.05, 0.03, 0.02]])
    given = rows.copy()
    value = answer(given, 0.7)
    expected = np.array([[0, 0.625, 0, 0.375], [1, 0, 0, 0]])
    flat = np.array([[0.2, 0.28, 0.25, 0.27]])
    with np.errstate(all="ignore"):
        even = np.asarray(answer(flat.copy(), 0.5), dtype=float)
    if not np.isfinite(even).all() and np.isfinite(np.asarray(value, dtype=float)).all():
        raise Hint("几个概率差不多时一个也没留下：看的是从大到小的**累积**，不是单个概率够不够大。")
    if np.shape(value) != rows.shape:
        raise Hint("返回一个与输入形状相同的矩阵。")
    first, second = np.asarray(value, dtype=float)
    if close(first, expected[0]) and (second > 0).sum() == 2:
        raise Hint("每一行留几个各不相同：要逐行累积，不能照第一行的个数。")
    if close(first.sum() + second.sum(), 1):
        raise Hint("除以了整个矩阵的和：每一行各自的和应当是 1。")
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
    if not close(given, rows):
        raise Hint("传进来的矩阵被你改动了：先复制再改，别人还要用原来的。")
    # Powers of two: their sums are exact.
    exact = np.array([[0.125, 0.5, 0.125, 0.25], [0.25, 0.125, 0.5, 0.125]])
    value = np.asarray(answer(exact.copy(), 0.75))
    if not close((value > 0).sum(1), [2, 2]):
        raise Hint("累积概率正好等于 p，就已达到：0.5 加 0.25 等于 0.75，到此为止，后面的都不留。")
    if not close(value, [[0, 2 / 3, 0, 1 / 3], [1 / 3, 0, 2 / 3, 0]]):
        raise Hint("换一个次序就不对了：每一行各自排序，排好、选好之后再放回原来的位置。")
    value = np.asarray(answer(np.array([[0.05, 0.2, 0.3, 0.45]]), 0.9))
    if not close(value, np.array([[0, 0.2, 0.3, 0.45]]) / 0.95):
        raise Hint("要留三个的一行不对：跨过 p 的是第三个，它也要留下，其余置零，再除以留下的和。")
    if not close(even, np.array([[0, 28, 0, 27]]) / 55):
        raise Hint("几个概率差不多时不对：看的是从大到小的**累积**，不是单个概率够不够大。")
    if not close(answer(rows.copy(), 1.0), rows):
        raise Hint("p 为 1 时什么都不该丢。")


@exercise("08-4")
def label_scores(answer: Callable) -> None:
    """`answer(logits, ids, starts, ends)`: mean log probability of ids[start:end] of each row."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收 logits、ids、starts、ends。")
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 6, 5)) * 2
    ids = np.array([[1, 2, 3, 4, 2, 0], [1, 3, 4, 2, 0, 0]])
    starts, ends = [3, 2], [5, 5]  # two label tokens in the first row, three in the second
    value = answer(logits.copy(), ids.copy(), np.array(starts), np.array(ends))
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
    if np.shape(value) != (2,):
        raise Hint("每行一个数：两行要返回两个平均，不是全部合起来的一个。")
    if close(value, [-each for each in expected]):
        raise Hint("符号反了：这是损失。题目要对数概率，不大于 0。")
    if close(value, [each * n / 3 for each, n in zip(expected, (2, 3), strict=True)]):
        raise Hint("除以了最长的标签的词元数：每一行除以它自己的。")
    if close(value, means(logs, begin=[3, 3])):
        raise Hint("每一行都用了第一行的起止：第 r 行用 starts[r] 和 ends[r]。")
    along = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    if close(value, means(along)):
        raise Hint("log_softmax 沿错了方向：在词表那一维（最后一维）上做，不是沿着位置。")
    if not close(value, expected):
        raise Hint(
            "对每行的每个位置 t（start ≤ t < end），取位置 t-1 的 log_softmax 中 ids[t] 的值，再平均。"
        )
    far = logits + np.array([0.0, 2000.0]).reshape(2, 1, 1)
    with np.errstate(all="ignore"):
        value = answer(far, ids.copy(), np.array(starts), np.array(ends))
    if not close(value, expected):
        raise Hint(
            "对数几率大到两千时溢出了：取指数之前，每个位置先减去它自己的最大值（各行不同，不能共用一个）。"
        )


def right_answers(seed: int, count: int, agreement: float) -> tuple[np.ndarray, np.ndarray]:
    """Which of `count` test items two made-up models get right; mostly the same ones."""
    rng = np.random.default_rng(seed)
    first = (rng.random(count) < 0.7).astype(int)
    other = (rng.random(count) < 0.75).astype(int)
    return first, np.where(rng.random(count) < agreement, first, other)


@exercise("08-5")
def difference_interval(answer: Callable) -> None:
    """`answer(right_a, right_b)` -> (difference, low, high) of two accuracies, paired bootstrap."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收两个模型逐题对错的数组。")
    for seed, count, agreement in ((0, 400, 0.9), (1, 200, 0.5), (2, 1000, 0.9)):
        a, b = right_answers(seed, count, agreement)
        value = answer(a.copy(), b.copy())
        if not (isinstance(value, (tuple, list, np.ndarray)) and len(value) == 3):
            raise Hint("返回三个数：差、下界、上界。")
        try:
            difference, low, high = map(float, value)
        except (TypeError, ValueError):
            raise Hint("三个都应是数：差先求平均，百分位取出来，不是整个数组。") from None
        if close(difference, a.mean() - b.mean()) and a.mean() != b.mean():
            raise Hint("方向反了：差是 B 的准确率减 A 的，正数表示 B 更好。")
        if not close(difference, b.mean() - a.mean()):
            raise Hint("第一个数是整个测试集上的差：B 的准确率减 A 的。")
        if high < low:
            raise Hint("上下界弄反了：先第 2.5 百分位，再第 97.5。")
        if high - low < 1e-9:
            raise Hint("区间没有宽度：重抽要**有放回**，否则每次抽到的都是原来那些题。")
        # With this many items the bootstrap meets the normal approximation within a few percent.
        error = (b - a).std() / np.sqrt(count)
        unpaired = np.sqrt(a.var() / count + b.var() / count)
        width = (high - low) / (2 * 1.96 * error)
        if abs(width * error / unpaired - 1) < 0.12 and unpaired > 1.3 * error:
            raise Hint(
                "两个模型的题是分开抽的。每次只抽一批题号，两个模型都用这一批：难题对谁都难，成对比才看得清差别。"
            )
        if abs(width - 1 / 1.96) < 0.1:
            raise Hint("这是加减一个标准差，只盖住约三分之二。要的是第 2.5 和第 97.5 百分位。")
        if abs(width - 1.645 / 1.96) < 0.05:
            raise Hint("两头各切掉 5%，只剩 90%。95% 的区间，两头各切 2.5%。")
        if abs(width - 1) > 0.12:
            raise Hint(
                "区间的宽度不对：每次有放回地抽 n 个题号，n 与题数相同，算一次差；抽一千次以上，取百分位。"
            )
        if abs((low + high) / 2 - difference) > 0.3 * error:
            raise Hint("区间的中心不对：百分位直接取自重抽得到的那些差。")
    few = np.zeros(40, dtype=int)
    better = few.copy()
    better[:2] = 1
    low = float(answer(few.copy(), better)[1])
    if low < -1e-9:
        raise Hint(
            "B 没有一题不如 A，重抽多少次，差也不会小于 0，你的下界却是负的：这是「差 ± 两个标准误」，"
            "不是重抽。要真的抽题，再取百分位。"
        )
    value = answer(np.array([0, 0]), np.array([1, 0]))
    if not close(value, (0.5, 0, 1)):
        raise Hint(
            "只有两题时区间应是 0 到 1：每一题都要抽得到，第一题的编号是 0，抽出来的可以重复。"
        )
    a = right_answers(3, 300, 0.8)[0]
    if not close(answer(a.copy(), a.copy()), (0, 0, 0)):
        raise Hint("两个模型逐题完全相同时，差和区间都应当是 0：题号要两边用同一批。")


@exercise("08-6")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "BC",
        {
            "A": "伪困惑度猜每个字时两边都看得见，题目容易；GPT 只看左边。两个数不能比，更说明不了写作。",
            "B": "差一个点，± 有两个点。",
            "C": "慢是量出来的，准确率也不占优。",
            "D": "这张表只说这个大小和这份预算，没有量过的别下结论。",
        },
    )
