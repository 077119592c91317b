"""Checks for the exercises of chapter 9."""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from torch.nn import functional

from utils.checks import AnswerFailed, Hint, close, exercise, judge

# --- 09_more_tasks --------------------------------------------------------------------------------


@exercise("09-1")
def entity_f1(answer: Callable) -> None:
    """`answer(truth, said)`: spans of each sentence -> precision, recall, F1 of all together."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收标准和预测两个列表。")
    truth = [[(0, 2, "PER"), (3, 5, "LOC")], [(0, 3, "PER"), (5, 7, "LOC")], [(0, 2, "LOC")]]
    said = [[(0, 2, "PER"), (3, 5, "ORG")], [(0, 2, "PER")], [(0, 2, "LOC"), (3, 5, "LOC")]]
    value = answer([list(row) for row in truth], [list(row) for row in said])
    if not (isinstance(value, (tuple, list, np.ndarray)) and len(value) == 3):
        raise Hint("返回三个数：精确率、召回率、F1。")
    if close(value[:2], (3 / 5, 3 / 5)):
        raise Hint(
            "多算了一个对的。要么类型没有比（位置相同、类型不同的不算），要么重叠一部分也算了对"
            "（起、止都相同才算）。"
        )
    if close(value[:2], (40, 40)):
        raise Hint("返回的是百分数：要的是 0 到 1 之间的数，不要乘 100。")
    if close(value[:2], (0, 0)):
        raise Hint("一个也没对上：是不是按整句比了？一句里有一个名字不同，别的名字照样算对。")
    if close(value[:2], (3 / 4, 3 / 5)):
        raise Hint("各句的名字混在一起比了：第一句的 (0, 2) 和第二句的 (0, 2) 不是同一个名字。")
    if close(value[:2], (1 / 3, 1 / 2)) or close(value[0], (1 / 2 + 0 + 1 / 2) / 3):
        raise Hint("先逐句算再平均了：要把全部句子的个数加起来，只除一次。")
    if not close(value[:2], (2 / 5, 2 / 5)):
        raise Hint("这里对了 2 个，画了 5 个，该有 5 个。对的：起、止、类型都相同。")
    if not close(value[2], 2 / 5):
        raise Hint("精确率和召回率都对了，F1 不对：2PR/(P+R)，两者相等时就等于它们。")
    value = answer([[(0, 1, "A"), (2, 3, "A"), (4, 5, "A")]], [[(0, 1, "A")]])
    if close(value[:2], (1 / 3, 1)):
        raise Hint("精确率和召回率颠倒了：精确率除以画了几个，召回率除以该有几个。")
    if close(value[2], 2 / 3):
        raise Hint("F1 是调和平均 2PR/(P+R)，不是两个数的平均。")
    if not close(value, (1, 1 / 3, 1 / 2)):
        raise Hint("该有三个、画对一个时，精确率 1，召回率三分之一，F1 二分之一。")
    if not close(_without_zero_division(answer, [[(0, 1, "A")]], [[]]), (0, 0, 0)):
        raise Hint("什么也没画时，三个数都应当是 0。")
    if not close(answer([[(0, 1, "A")]], [[(0, 1, "A")]]), (1, 1, 1)):
        raise Hint("该有一个、画对一个时，三个数都是 1：分母不能多加。")
    for truth, said in (([[]], [[(0, 1, "A")]]), ([[]], [[]])):
        if not close(_without_zero_division(answer, truth, said), (0, 0, 0)):
            raise Hint("一个名字也没有时，三个数都应当是 0，不要除以零。")


def _without_zero_division(answer: Callable, truth: list, said: list) -> object:
    try:
        return answer(truth, said)
    except AnswerFailed as failure:
        if isinstance(failure.__cause__, ZeroDivisionError):
            raise Hint("一个名字也没有、或者什么也没画时，除以了零：那时三个数都是 0。") from None
        raise


@exercise("09-2")
def bmes_to_bio(answer: Callable) -> None:
    """`answer(labels)`: BMES of one sentence -> BIO."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收一句话的标签。")

    def says(row: str) -> str:
        value = answer(row.split())
        if not isinstance(value, (list, tuple)) or len(value) != len(row.split()):
            raise Hint("返回一个与输入一样长的标签列表。")
        return " ".join(map(str, value))

    plain = says("B-PER M-PER E-PER O S-LOC S-LOC")
    if "PER" not in plain:
        raise Hint("类型丢了：只换第一个字母，后面的 `-PER`、`-LOC` 照抄。")
    if "O-" in plain:
        raise Hint("E- 是名字的最后一个字，还在名字里面：写 I-，不是 O。")
    if "M-" in plain or "E-" in plain:
        raise Hint("还留着 M- 或 E-：它们都在名字里面，BIO 里写 I-。")
    if "S-" in plain:
        raise Hint("还留着 S-：一个字的名字，BIO 里只有 B-。")
    if plain.endswith("I-LOC I-LOC") or plain.endswith("B-LOC I-LOC"):
        raise Hint("S- 换成了 I-，相邻的两个名字粘在一起了：每个 S- 都是一个 B-。")
    if plain != "B-PER I-PER I-PER O B-LOC B-LOC":
        raise Hint("B- 不变，M- 和 E- 换成 I-，S- 换成 B-，O 不变。")
    if says("O M-PER E-PER") == "O I-PER I-PER":
        raise Hint("O 后面的 M- 没有人开头：它自己当 B-。")
    if says("B-PER M-LOC E-LOC") == "B-PER I-LOC I-LOC":
        raise Hint("类型换了：B-PER 后面的 M-LOC 接不上，它自己当 B-。")
    if says("B-X E-X E-X") == "B-X I-X I-X" or says("S-X E-X") == "B-X I-X":
        raise Hint("E- 或 S- 之后名字已经收尾，后面的 E- 要另起一个 B-。")
    for row, expected in (
        ("O M-PER E-PER", "O B-PER I-PER"),
        ("B-PER M-LOC E-LOC", "B-PER B-LOC I-LOC"),
        ("B-X E-X E-X", "B-X I-X B-X"),
        ("B-X M-X B-X M-X M-X S-X", "B-X I-X B-X I-X I-X B-X"),
    ):
        if says(row) != expected:
            raise Hint(f"`{row}` 应当换成 `{expected}`。")


@exercise("09-3")
def label_pieces(answer: Callable) -> None:
    """`answer(labels, offsets)`: labels of characters -> labels of pieces, None without any."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收每个字的标签和每个词元的起止。")
    # [CLS], a character, a word of two pieces, a blank, two characters, a number, [SEP]
    labels = "O B-W I-W I-W I-W I-W I-W I-W I-W O B-L I-L".split()
    offsets = [(0, 0), (0, 1), (1, 4), (4, 6), (7, 8), (8, 9), (10, 12), (0, 0)]
    expected = [None, "O", "B-W", "I-W", "I-W", "I-W", "B-L", None]
    try:
        value = answer(list(labels), list(offsets))
    except AnswerFailed as failure:
        if isinstance(failure.__cause__, IndexError):
            raise Hint(
                "取过了头（IndexError）：终点不含在内，要取起点那个字，`labels[start]`。"
            ) from None
        raise
    if not isinstance(value, (list, tuple)) or len(value) != len(offsets):
        raise Hint("返回的列表要与 `offsets` 一样长，每个词元一个标签。")
    value = list(value)
    if any(isinstance(each, (list, tuple)) for each in value):
        raise Hint("每个词元只要一个标签：取它第一个字的，不是把各个字的都列出来。")
    if value[0] is not None or value[-1] is not None:
        raise Hint("[CLS] 和 [SEP] 起止相等，没有字，标签应是 None，不参加训练。")
    if value[1:-1] == labels[: len(offsets) - 2]:
        raise Hint("按词元的次序取了标签：第几个词元不等于第几个字，要用 `offsets` 里的起点。")
    if value[6] == "I-L":
        raise Hint("取了最后一个字的标签：`25` 这个词元是名字的开头，应是 B-。取起点那个字。")
    if value[3] == "B-W" or value[4] == "B-W":
        raise Hint("一个名字有了两个 B-：开头只有一个，后面的词元都是 I-。")
    if value != expected:
        raise Hint("取词元第一个字的标签：`labels[start]`。")
    value = list(answer(["B-P", "B-P", "I-P"], [(0, 1), (1, 2), (2, 3)]))
    if value == ["B-P", "I-P", "I-P"]:
        raise Hint("挨着的两个名字粘住了：第二个名字的开头也是 B-。")
    if value != ["B-P", "B-P", "I-P"]:
        raise Hint("一个字一个词元时，标签应当原样不动。")
    value = list(answer(["B-P", "O", "B-L"], [(0, 2), (2, 3), (2, 2)]))
    if value[:1] != ["B-P"]:
        raise Hint("一个词元跨过名字的尾巴时，也取它第一个字的标签，后面的字不管。")
    if value != ["B-P", "B-L", None]:
        raise Hint("起止相等的都是 None，不只 (0, 0)：比的是 `start == end`。")


@exercise("09-4")
def best_span(answer: Callable) -> None:
    """`answer(begin, end, longest)` -> (first, last) of the best legal span."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收起点分、终点分和最大长度。")

    def says(begin: list, end: list, longest: int) -> tuple:
        value = answer(np.array(begin), np.array(end), longest)
        if not (isinstance(value, (tuple, list, np.ndarray)) and len(value) == 2):
            raise Hint("返回两个数：第一个词元和最后一个词元的编号。")
        return tuple(int(place) for place in value)

    begin, end = [2.0, 0.5, -1.0, 2.2, 0.0], [0.1, 3.0, 0.0, -0.5, 2.6]
    value = says(begin, end, 5)
    if value == (3, 1):
        raise Hint("起点、终点各自取了最大，终点跑到起点前面去了：要在合法的段里一起找。")
    if value == (3, 5):
        raise Hint("最后一个词元也算在段里：返回它的编号，不要再加 1。")
    if value == (3, 4):
        raise Hint("先定了最好的起点，再给它找终点：两头的分要合起来比，起点差一点的可能总分更高。")
    if value == (1, 3):
        raise Hint("把颠倒的一段调了个头：它的分数不是 `begin[first] + end[last]`。")
    if value != (0, 1):
        raise Hint("试遍起点不晚于终点的每一段，取 `begin[first] + end[last]` 最大的。")
    begin, end = [5.0, 0.0, 0.0, 2.0], [0.0, 0.0, 3.0, 5.0]
    value = says(begin, end, 2)
    if value == (0, 3):
        raise Hint("这一段有四个词元，超过了 `longest`：太长的不算。")
    if value == (0, 2):
        raise Hint("多算了一个：首尾都算在内，`longest` 为 2 时最多隔一个编号。")
    if value != (3, 3):
        raise Hint("一个词元也可以成段；最多 `longest` 个词元，`last - first + 1` 不超过它。")
    if says([0.0, 9.0, 0.0], [0.0, 9.0, 1.0], 1) != (1, 1):
        raise Hint("`longest` 为 1 时，起点和终点是同一个词元。")
    if says([9.0, 0.0, 0.0], [0.0, 1.0, 5.0], 2) != (0, 1):
        raise Hint("先定了最好的终点，再给它找起点：两头的分要合起来比，终点差一点的可能总分更高。")
    if says([-3.0, 0.5, -2.0], [-3.0, 1.0, 1.5], 3) != (1, 2):
        raise Hint("分数是负的时不对：两头的分是相加，不是相乘，也没有别的门槛。")
    if says([-4.0, -1.0, -3.0], [-4.0, -3.0, -1.5], 3) != (1, 2):
        raise Hint(
            "分数全是负的时不对：最好的总分也可以小于零，别从 0 比起，从 `float('-inf')` 比起。"
        )


@exercise("09-5")
def reading(answer: dict) -> None:
    """`answer`: names of the readers in the report that never answer, that are blind, to choose."""
    if not isinstance(answer, dict) or set(answer) != {"silent", "blind", "choose"}:
        raise Hint('`reading` 要有三项："silent"、"blind"、"choose"。')
    answer = {key: name.strip() if isinstance(name, str) else name for key, name in answer.items()}
    if strange := [name for name in answer.values() if name not in ("甲", "乙", "丙", "丁")]:
        raise Hint(f"{strange[0]!r} 不是模型的名字：填 甲、乙、丙、丁 中的一个。")
    if answer["silent"] == "丁":
        raise Hint("丁在没有答案的题上得分高，可它在有答案的题上也得了分，所以它作答。")
    if answer["silent"] != "甲":
        raise Hint("从来不作答的，没有答案的题全对，有答案的题一分没有。")
    if answer["blind"] == "甲":
        raise Hint("甲打乱前后都是 0，是因为它根本不作答。要找的是作答的那一个。")
    if answer["blind"] != "乙":
        raise Hint("没读问题的，换一个问题，答案照旧：看哪一个打乱之后几乎不掉分。")
    if answer["choose"] == "丙":
        raise Hint("丙的有答案一列最高，可没有答案的题它全都硬答：该转人工的，一次也不会转。")
    if answer["choose"] == "乙":
        raise Hint("乙没有读问题，答对的是碰巧。")
    if answer["choose"] == "甲":
        raise Hint("甲从来不作答，等于没有。")


# --- 09_pairs_and_search --------------------------------------------------------------------------


@exercise("09-6")
def spearman(answer: Callable) -> None:
    """`answer(predictions, scores)` -> the rank correlation; nan where there is none."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收预测和分数两列数。")
    predictions = np.array([7.0, 1.0, 2.0, 2.0, 12.0, 0.0])
    scores = np.array([8.0, 0.0, 1.0, 4.0, 2.0, 30.0])
    value = answer(predictions.copy(), scores.copy())
    if hasattr(value, "statistic"):
        raise Hint("返回的是 SciPy 的一整个结果：只用 NumPy 自己算，返回一个数。")
    if np.ndim(value):
        raise Hint("返回的是一张表（`np.corrcoef` 给 2×2）：要一个数，取 `[0, 1]`。")
    one, other = (stats.rankdata(each) for each in (predictions, scores))
    if close(value, 1 - 6 * ((one - other) ** 2).sum() / (6 * 35)):
        raise Hint("`1 - 6Σd²/(n(n²-1))` 这个式子只在没有并列时成立：换成名次之后，照皮尔逊算。")
    orders = [each.argsort(kind="stable").argsort() for each in (predictions, scores)]
    if close(value, np.corrcoef(predictions, scores)[0, 1]):
        raise Hint("这是皮尔逊：没有换成名次。先把两列各换成名次，再算。")
    if close(value, np.corrcoef(*orders)[0, 1]):
        raise Hint("并列的两个 2.0 被排了先后。它们占第 3、第 4 名，应当都算 3.5。")
    ties = {
        "并列的都取了靠前的名次": stats.rankdata(predictions, "min"),
        "并列的都取了靠后的名次": stats.rankdata(predictions, "max"),
        "并列的之后少数了名次": stats.rankdata(predictions, "dense"),
    }
    for what, ranks in ties.items():
        if close(value, np.corrcoef(ranks, orders[1])[0, 1]):
            raise Hint(f"{what}；第 3、第 4 名并列，应当平分，都算 3.5。")
    if close(value, np.corrcoef(predictions.argsort(), scores.argsort())[0, 1]):
        raise Hint("一次 `argsort` 给的是「第几名在哪儿」，不是「这一个是第几名」。")
    if close(value, np.corrcoef(one, scores)[0, 1]):
        raise Hint("只有一列换成了名次：两列都要换。")
    if close(value, -stats.spearmanr(predictions, scores).statistic):
        raise Hint(
            "符号不对：这两列大体上一个大、另一个小，相关系数是负的，别取绝对值，也别排反一列。"
        )
    if not close(value, stats.spearmanr(predictions, scores).statistic):
        raise Hint("名次减去平均名次，两列相乘求和，再除以各自平方和之积的平方根。")
    with warnings.catch_warnings(record=True) as warned, np.errstate(all="warn"):
        warnings.simplefilter("always")
        flat = answer(np.full(6, 2.0), scores.copy())
        other = answer(predictions.copy(), np.full(6, 2.0))
    if close(flat, 0.0):
        raise Hint("预测全都一样时返回了 0。0 是「没有关系」，这里是「没有定义」：返回 nan。")
    if not all(isinstance(each, (float, np.floating)) and np.isnan(each) for each in (flat, other)):
        raise Hint('两列里哪一列全都一样，相关系数都没有定义，要返回 `float("nan")`。')
    if warned:
        raise Hint(f"答案对了，可它报了警告（{warned[0].message}）：先看分母是不是 0，再除。")


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
    if close(value, right):
        return
    if not isinstance(value, torch.Tensor) or value.shape != right.shape:
        raise Hint("返回形状是（句子数，维数）的张量：沿着长度那一维平均。")
    if close(value, mean):
        raise Hint("平均对了，还没缩到长度 1：除以它自己的长度。")
    if close(value, kept.mean(1)):
        raise Hint("填充置了零，分母却还是整个长度，短句被压小了；而且还要缩到长度 1。")
    if close(value, hidden.mean(1)) or close(value, functional.normalize(hidden.mean(1), dim=-1)):
        raise Hint("填充也平均进去了：掩码没有用上。先把填充的向量乘成 0。")
    if close(value, hidden[:, 0]) or close(value, functional.normalize(hidden[:, 0], dim=-1)):
        raise Hint("这是第一个位置（[CLS]）的向量，不是各位置的平均。")
    units = functional.normalize(hidden, dim=-1) * mask.unsqueeze(-1)
    average = units.sum(1) / mask.sum(1, keepdim=True)
    if close(value, average) or close(value, functional.normalize(average, dim=-1)):
        raise Hint("先缩到长度 1 再平均了。应当先平均，最后才缩。")
    if close(value, mean / mean.norm()):
        raise Hint("除以的是整个矩阵的长度；每一行要除以自己的长度。")
    if close(value, functional.normalize(mean, dim=0)):
        raise Hint("沿错了方向：每一行缩到长度 1，是最后一维，不是沿着句子那一维。")
    if close(value, mean / mean.sum(-1, keepdim=True)):
        raise Hint("除以了各维之和。长度是各维平方和的平方根。")
    later = kept.clone()
    later[:, 0] = 0
    if close(value, functional.normalize(later.sum(1), dim=-1)):
        raise Hint("漏了第一个位置：掩码是 1 的都算，[CLS] 也在内。")
    if close(value, functional.normalize(kept.max(1).values, dim=-1)):
        raise Hint("这是取最大，不是平均。")
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
    if close(value, functional.cross_entropy(5 * (u @ v.T), place)):
        raise Hint("用了点积。向量不保证长度为 1，余弦要先把每个向量缩到长度 1。")
    if close(value, functional.cross_entropy(cosines, place)):
        raise Hint("忘了乘 scale：余弦最多差 2，softmax 拉不开差距。")
    if close(value, functional.cross_entropy(cosines / 5, place)):
        raise Hint("scale 除进去了。公式里是乘；（有的论文写温度，那才是除。）")
    both = (right + functional.cross_entropy(5 * cosines.T, place)) / 2
    if close(value, both):
        raise Hint("两个方向都算了再平均。这也是一种做法，可题目只要一个方向：给每个 u 选 v。")
    units = functional.normalize(u, dim=-1), functional.normalize(v, dim=-1)
    if close(value, functional.cross_entropy(5 * units[0] @ units[0].T, place)):
        raise Hint("拿 u 与 u 自己比了：要给每个 u[i] 在所有的 v 里选搭档。")
    if close(value, functional.cross_entropy(5 * units[0] @ v.T, place)) or close(
        value, functional.cross_entropy(5 * u @ units[1].T, place)
    ):
        raise Hint("只有一边缩到了长度 1：余弦要两边都缩。")
    if close(value, functional.cross_entropy(5 * cosines, torch.zeros_like(place))):
        raise Hint("每一行的正确答案都成了第 0 列：第 i 行的是第 i 列，用 `torch.arange`。")
    columns = functional.normalize(u, dim=0) @ functional.normalize(v, dim=0).T
    if close(value, functional.cross_entropy(5 * columns, place)):
        raise Hint("缩放沿错了方向：每一行（每个向量）缩到长度 1，`dim=-1`。")
    powers = (5 * cosines).exp()
    if close(value, -(powers.diagonal() / (powers.sum(1) - powers.diagonal())).log().mean()):
        raise Hint("分母里漏了搭档自己：softmax 的分母是这一行全部的和，正确的也在内。")
    if close(value, functional.binary_cross_entropy_with_logits(5 * cosines, torch.eye(4))):
        raise Hint("每一格单独判了是不是一对。题目是在一行里选一个：沿这一行做 softmax。")
    if close(value, functional.cross_entropy(5 * cosines.T, place)):
        raise Hint("方向反了：是给每个 u 在所有 v 里选搭档，softmax 沿 v 那一维做。")
    if close(value, -right):
        raise Hint("差一个负号：概率的对数是负的，损失要取反。")
    if close(value, right * 4):
        raise Hint("求了和，没有除以 n。")
    if close(value, functional.cross_entropy((5 * cosines).softmax(-1), place)):
        raise Hint("softmax 做了两次：`cross_entropy` 自己会做。")
    if close(value, 1 - cosines.diagonal().mean()) or close(value, -cosines.diagonal().mean()):
        raise Hint("只把搭档拉近，没有反例可推远：那样把所有句子压成一个点，损失就是最小的。")
    if not close(value, right):
        raise Hint("余弦矩阵乘 scale，第 i 行的正确答案是第 i 列，求交叉熵的平均。")
    value = answer(u.clone().requires_grad_(), v.clone(), 5.0)
    if not isinstance(value, torch.Tensor) or not value.requires_grad:
        raise Hint(
            "数对了，可它求不了梯度，训练不了：返回张量，不要 `.item()`、`.detach()` 或 NumPy。"
        )


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
    if sorted(map(int, value)) == value != _best(right)[:3] and set(value) == set(_best(right)[:3]):
        raise Hint("选对了，次序不对：新分数高的在前，不按下标排。")
    if value != np.argsort(-right, kind="stable")[:3].tolist():
        raise Hint("每份名单各排一次名次，每篇得两个 1/(60+名次)，相加后取最高的 k 个。")
    draw = np.random.default_rng(3)
    first, second = draw.random(40) ** 3, draw.random(40) ** 3
    found = [int(each) for each in answer(first.copy(), second.copy(), 10)]
    places = [np.argsort(np.argsort(-each)) + 1 for each in (first, second)]
    cut = [np.where(each <= 10, 1 / (60 + each), 0) for each in places]
    wrong = {
        "每份名单只取了前 k 名：一边名次靠后的，另一边也许很靠前，每一篇都要算。": sum(cut),
        "把两个名次直接相加了：要的是 1/(60+名次) 之和，靠前的名次分量更大。": -1.0 * sum(places),
        "把两项乘了起来：要的是相加。": 1 / ((60 + places[0]) * (60 + places[1])),
        "把分数标准化之后相加了，那是正文的做法：这里只看名次。": sum(
            (each - each.mean()) / each.std() for each in (first, second)
        ),
    }
    if found != _best(_fused(first, second))[:10]:
        for hint, total in wrong.items():
            if found == _best(total)[:10]:
                raise Hint(hint)
        raise Hint("四十篇的例子上不对：各排一次名次，每篇得两个 1/(60+名次)，相加。")
    ties = np.arange(60) % 3  # so many that an unstable sort changes their order
    same = answer(np.zeros(60), np.zeros(60), 3)
    tied = [int(each) for each in answer(ties * 1.0, ties * 1.0, 60)]
    up = np.arange(60.0)  # upwards in one list, downwards in the other: thirty pairs of equals
    pairs = [int(each) for each in answer(up, -up, 60)]
    if [int(each) for each in same] != [0, 1, 2] or (tied, pairs) != (
        _best(_fused(ties, ties)),
        _best(_fused(up, -up)),
    ):
        raise Hint("分数全都一样时，应按原来的次序：排序要稳定（`kind='stable'`）。")
    if not all(_counts_from_one(answer, other) for other in (0, 2)):
        raise Hint("第 1 名应当得 1/61，第 2 名 1/62：名次从 1 数起，加的是 60。")


def _fused(first: np.ndarray, second: np.ndarray, double: bool = True, start: int = 1):
    total = np.zeros(len(first))
    for scores in (first, second):
        order = np.argsort(-scores, kind="stable")
        total += 1 / (60 + start + (order.argsort() if double else order))
    return total


def _best(total: np.ndarray) -> list[int]:
    return np.argsort(-total, kind="stable").tolist()


def _counts_from_one(answer: Callable, other: int) -> bool:
    """Is the best of two lists the one that counting from 1, not from `other`, gives?"""
    for seed in range(2000):
        draw = np.random.default_rng(seed)
        first, second = draw.random(400), draw.random(400)
        best = [int(np.argmax(_fused(first, second, start=start))) for start in (other, 1)]
        if best[0] != best[1]:
            return [int(each) for each in answer(first, second, 1)] == [best[1]]
    raise LookupError("no two lists that tell 1 from the other start")


@exercise("09-10")
def supported(answer: set) -> None:
    """The letters of the statements that the table bears out."""
    judge(
        answer,
        "BC",
        {
            "A": "只差两个点，200 题的标准误约三个点：换一批题就可能反过来。",
            "B": "比较甲模型和第一行的陷阱那一列。",
            "C": "差十四个点。先算 200 题的标准误，再看它是几倍。",
            "D": "别把答对当成读懂：一个字没读懂的重合度，也有六成四。看陷阱那一列。",
            "E": "那是 50 道题：标准误约七个点，差四个点不过两道题。",
        },
    )
