"""Checks for the exercises of chapter 9."""

from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from torch.nn import functional

from utils.checks import Hint, exercise

# ---------------------------------------------------------------- 09_pairs_and_search


def near(value: object, expected: object, tolerance: float = 1e-5) -> bool:
    """Equal numbers, arrays or tensors; things of another shape or kind are different."""
    try:
        value = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return False
    expected = np.asarray(expected, dtype=float)
    return value.shape == expected.shape and np.allclose(value, expected, atol=tolerance)


@exercise("09-6")
def spearman(answer: Callable) -> None:
    """`answer(predictions, scores)` -> the rank correlation; nan where there is none."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收预测和分数两列数。")
    predictions = np.array([7.0, 1.0, 2.0, 2.0, 9.0, 0.0])
    scores = np.array([4.0, 0.0, 1.0, 3.0, 2.0, 5.0])
    value = answer(predictions.copy(), scores.copy())
    orders = [each.argsort(kind="stable").argsort() for each in (predictions, scores)]
    if near(value, np.corrcoef(predictions, scores)[0, 1]):
        raise Hint("这是皮尔逊：没有换成名次。先把两列各换成名次，再算。")
    if near(value, np.corrcoef(*orders)[0, 1]):
        raise Hint("并列的两个 2.0 被排了先后。它们占第 3、第 4 名，应当都算 3.5。")
    ties = {
        "并列的都取了靠前的名次": stats.rankdata(predictions, "min"),
        "并列的都取了靠后的名次": stats.rankdata(predictions, "max"),
        "并列的之后少数了名次": stats.rankdata(predictions, "dense"),
    }
    for what, ranks in ties.items():
        if near(value, np.corrcoef(ranks, orders[1])[0, 1]):
            raise Hint(f"{what}；第 3、第 4 名并列，应当平分，都算 3.5。")
    if near(value, np.corrcoef(predictions.argsort(), scores.argsort())[0, 1]):
        raise Hint("一次 `argsort` 给的是「第几名在哪儿」，不是「这一个是第几名」。")
    if not near(value, stats.spearmanr(predictions, scores).statistic):
        raise Hint("名次减去平均名次，两列相乘求和，再除以各自平方和之积的平方根。")
    with np.errstate(all="ignore"):
        flat = answer(np.full(6, 2.0), scores.copy())
        other = answer(predictions.copy(), np.full(6, 2.0))
    if near(flat, 0.0):
        raise Hint("预测全都一样时返回了 0。0 是「没有关系」，这里是「没有定义」：返回 nan。")
    if not all(isinstance(each, (float, np.floating)) and np.isnan(each) for each in (flat, other)):
        raise Hint('两列里哪一列全都一样，相关系数都没有定义，要返回 `float("nan")`。')


@exercise("09-7")
def mean_pool(answer: Callable) -> None:
    """`answer(hidden, mask)`: (rows, length, hidden) -> unit vectors (rows, hidden)."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收 hidden 和 mask。")
    hidden = torch.tensor([[[3.0, 0], [0, 1], [8, 8]], [[1.0, 2], [3, 4], [5, 0]]])
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    value = answer(hidden.clone(), mask.clone())
    kept = hidden * mask.unsqueeze(-1)
    mean = kept.sum(1) / mask.sum(1, keepdim=True)
    right = functional.normalize(mean, dim=-1)
    if near(value, right):
        return
    if not isinstance(value, torch.Tensor) or value.shape != right.shape:
        raise Hint("返回形状是（句子数，维数）的张量：沿着长度那一维平均。")
    if near(value, mean):
        raise Hint("平均对了，还没缩到长度 1：除以它自己的长度。")
    if near(value, kept.mean(1)):
        raise Hint("填充置了零，分母却还是整个长度，短句被压小了；而且还要缩到长度 1。")
    if near(value, hidden.mean(1)) or near(value, functional.normalize(hidden.mean(1), dim=-1)):
        raise Hint("填充也平均进去了：掩码没有用上。先把填充的向量乘成 0。")
    if near(value, hidden[:, 0]) or near(value, functional.normalize(hidden[:, 0], dim=-1)):
        raise Hint("这是第一个位置（[CLS]）的向量，不是各位置的平均。")
    units = functional.normalize(hidden, dim=-1) * mask.unsqueeze(-1)
    average = units.sum(1) / mask.sum(1, keepdim=True)
    if near(value, average) or near(value, functional.normalize(average, dim=-1)):
        raise Hint("先缩到长度 1 再平均了。应当先平均，最后才缩。")
    if near(value, mean / mean.norm()):
        raise Hint("除以的是整个矩阵的长度；每一行要除以自己的长度。")
    raise Hint("hidden 乘上掩码（补一维），沿长度求和，除以内容位置的个数，再缩到长度 1。")


@exercise("09-8")
def contrastive_loss(answer: Callable) -> None:
    """`answer(u, v, scale)`: in-batch choice of each u's partner by scale * cosine -> loss."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收 u、v 和 scale。")
    draw = torch.Generator().manual_seed(0)
    u, v = (torch.randn(4, 3, generator=draw) * 2 for _ in range(2))
    place = torch.arange(4)
    cosines = functional.normalize(u, dim=-1) @ functional.normalize(v, dim=-1).T
    value = answer(u.clone(), v.clone(), 5.0)
    right = functional.cross_entropy(5 * cosines, place)
    if isinstance(value, torch.Tensor) and value.shape == (4,):
        raise Hint("返回了每句的损失；还要对这一批求平均，得一个数。")
    if near(value, functional.cross_entropy(5 * (u @ v.T), place)):
        raise Hint("用了点积。向量不保证长度为 1，余弦要先把每个向量缩到长度 1。")
    if near(value, functional.cross_entropy(cosines, place)):
        raise Hint("忘了乘 scale：余弦最多差 2，softmax 拉不开差距。")
    if near(value, functional.cross_entropy(cosines / 5, place)):
        raise Hint("scale 除进去了。公式里是乘；（有的论文写温度，那才是除。）")
    if near(value, functional.cross_entropy(5 * cosines.T, place)):
        raise Hint("方向反了：是给每个 u 在所有 v 里选搭档，softmax 沿 v 那一维做。")
    if near(value, -right):
        raise Hint("差一个负号：概率的对数是负的，损失要取反。")
    if near(value, right * 4):
        raise Hint("求了和，没有除以 n。")
    if near(value, functional.cross_entropy((5 * cosines).softmax(-1), place)):
        raise Hint("softmax 做了两次：`cross_entropy` 自己会做。")
    if near(value, 1 - cosines.diagonal().mean()) or near(value, -cosines.diagonal().mean()):
        raise Hint("只把搭档拉近，没有反例可推远：那样把所有句子压成一个点，损失就是最小的。")
    if not near(value, right):
        raise Hint("余弦矩阵乘 scale，第 i 行的正确答案是第 i 列，求交叉熵的平均。")


@exercise("09-9")
def fuse(answer: Callable) -> None:
    """`answer(first, second, k)`: scores of two searches -> the `k` best by rank fusion."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收两列分数和 k。")
    first = np.array([30.0, 10.0, 9.0, 8.0, 1.0, 0.0])
    second = np.array([0.10, 0.11, 0.95, 0.12, 0.13, 0.14])
    value = answer(first.copy(), second.copy(), 3)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list):
        raise Hint("返回下标的列表，最好的在前。")
    right = _fused(first, second)
    if len(value) == len(first):
        raise Hint("只要前 k 个。")
    if value and all(isinstance(each, float) for each in value):
        raise Hint("返回了新分数；要的是那些文章的下标。")
    if value == np.argsort(-(first + second), kind="stable")[:3].tolist():
        raise Hint("直接加了分数：BM25 的分大得多，余弦等于没用。先把分数换成名次。")
    if value == np.argsort(right, kind="stable")[:3].tolist():
        raise Hint("次序反了：新分数高的在前。")
    if value == np.argsort(-_fused(-first, -second), kind="stable")[:3].tolist():
        raise Hint("名次排反了：分数最大的才是第 1 名。")
    if value == np.argsort(-_fused(first, second, double=False), kind="stable")[:3].tolist():
        raise Hint("一次 `argsort` 给的是「第几名是谁」，要的是「每一篇是第几名」。")
    if value != np.argsort(-right, kind="stable")[:3].tolist():
        raise Hint("每份名单各排一次名次，每篇得两个 1/(60+名次)，相加后取最高的 k 个。")
    if answer(np.zeros(4), np.zeros(4), 2) not in ([0, 1], (0, 1)):
        raise Hint("分数全都一样时，应按原来的次序：排序要稳定（`kind='stable'`）。")
    if not _counts_from_one(answer):
        raise Hint("名次是从 0 数起的：第 1 名应当得 1/61。")


def _fused(first: np.ndarray, second: np.ndarray, double: bool = True, start: int = 1):
    total = np.zeros(len(first))
    for scores in (first, second):
        order = np.argsort(-scores, kind="stable")
        total += 1 / (60 + start + (order.argsort() if double else order))
    return total


def _counts_from_one(answer: Callable) -> bool:
    """A list for which counting from 0 or from 1 gives another best text, if there is one."""
    for seed in range(2000):
        draw = np.random.default_rng(seed)
        first, second = draw.random(400), draw.random(400)
        best = [int(np.argmax(_fused(first, second, start=start))) for start in (0, 1)]
        if best[0] != best[1]:
            return list(answer(first, second, 1)) == [best[1]]
    return True


@exercise("09-10")
def supported(answer: set) -> None:
    """The statements that the table bears out."""
    if isinstance(answer, str):
        answer = set(answer.replace(",", "").replace(" ", ""))
    if not isinstance(answer, (set, frozenset, list, tuple)):
        raise Hint('把字母放进一个集合，例如 `{"A", "B"}`。')
    chosen = {str(each).strip().upper() for each in answer}
    if chosen - set("ABCDE"):
        raise Hint("只从 A 到 E 里选。")
    if "A" in chosen:
        raise Hint("A 只差两个点，200 题的标准误约三个点：换一批题就可能反过来。")
    if "D" in chosen:
        raise Hint("D 把答对当成读懂：一个字没读懂的重合度，也有六成四。再看陷阱那一列。")
    if "E" in chosen:
        raise Hint("E 说的是 50 道题：标准误约七个点，差四个点不过两道题。")
    if "B" not in chosen:
        raise Hint("再看 B：比较甲模型和第一行的陷阱那一列。")
    if "C" not in chosen:
        raise Hint("再看 C：差十四个点，先算 200 题的标准误，再看它是几倍。")
