"""Checks for the exercises of chapter 10."""

import math
from collections.abc import Callable

import numpy as np
import torch

from utils.checks import Hint, exercise, judge


@exercise("10-1")
def warmup_cosine(answer: Callable) -> None:
    """`answer(step, total, warmup)` -> share of the highest rate."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收步数、总步数和预热步数。")
    found = [float(answer(step, 20, 4)) for step in range(20)]
    if np.isclose(found[4], 2):
        raise Hint("忘了除以 2：cos 从 1 走到 -1，加 1 之后是 2 到 0。")
    if np.isclose(found[4], 1) and np.isclose(found[12], 0, atol=1e-6):
        raise Hint("走了一整个余弦，中途就到了底又升上去：角度只从 0 到 π，不是 2π。")
    if not np.isclose(found[0], 0):
        raise Hint("第 0 步还在预热的起点，应是 0。")
    if np.isclose(found[2], 1):
        raise Hint("没有预热：前 `warmup` 步要从 0 升上去。")
    if np.isclose(found[2], 0.5 * (1 + math.cos(math.pi * 2 / 20))):
        raise Hint("第 2 步用了余弦：步数小于 `warmup` 时，应是 `step / warmup`。")
    if not np.isclose(found[2], 0.5):
        raise Hint("预热 4 步，第 2 步应走到一半。")
    if not np.isclose(found[1], 0.25):
        raise Hint("预热不是直线：题目要线性地升，第 1 步是四分之一。")
    if not np.isclose(found[4], 1):
        raise Hint("第 `warmup` 步应正好是 1：余弦的进度要从预热结束时的 0 数起，不是从第 0 步。")
    if np.isclose(found[12], (20 - 12) / 16) and not np.isclose(
        found[8], found[12] + 0.25, atol=0.2
    ):
        raise Hint("这是线性下降，题目要的是半个余弦。")
    if np.isclose(found[8], 0.75):
        raise Hint("这是线性下降，题目要的是半个余弦：`(1 + cos(π × 进度)) / 2`。")
    if np.isclose(found[12], (1 + math.cos(math.pi * 8 / 20)) / 2):
        raise Hint("进度的分母应是 `total - warmup`：降到 0 要正好在第 `total` 步。")
    if np.isclose(found[12], math.cos(math.pi / 4)):
        raise Hint("这是四分之一个余弦。半个余弦从 1 走到 -1，加 1 再除以 2，才是从 1 到 0。")
    if np.isclose(found[12], (1 + math.cos(math.pi * 8 / 15)) / 2):
        raise Hint("分母少了 1：进度到第 `total` 步才是 1，分母是 `total - warmup`。")
    if np.isclose(found[12], (1 + math.cos(180 * 8 / 16)) / 2):
        raise Hint("`math.cos` 收的是弧度：半圈是 `math.pi`，不是 180。")
    expected = [(1 + math.cos(math.pi * (step - 4) / 16)) / 2 for step in range(4, 20)]
    if not np.allclose(found[4:], expected):
        raise Hint("余弦那一段不对：进度 =（步数 - warmup）÷（total - warmup），再代入公式。")


@exercise("10-2")
def weights(answer: Callable) -> None:
    """`answer(sizes)` -> the factor of each mean loss, so that they add up to the large mean."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收各小批的条数。")
    given = answer([8, 8, 8, 2])
    if not isinstance(given, (list, tuple, np.ndarray, torch.Tensor)):
        raise Hint("请返回一个列表：每小批一个数。")
    found = [float(each) for each in given]
    if len(found) != 4:
        raise Hint("每小批一个数：四小批，应返回四个。")
    if np.allclose(found, 0.25):
        raise Hint("每小批都除以 4，只有 2 条的那批，每条的分量成了别人的四倍。按条数来分。")
    if np.allclose(found, 1):
        raise Hint("忘了除：四个平均损失直接加起来，就是 10.3 节里那个四倍的错。")
    if np.allclose(found, [8, 8, 8, 2]):
        raise Hint("乘了条数，还没有除以总条数：加起来应等于一个平均，不是总和。")
    if np.allclose(found, np.array([8, 8, 8, 2]) * 4 / 26):
        raise Hint("多乘了批数：加起来成了 4，应等于 1。")
    if np.allclose(found, [1, 1, 1, 1 / 4]):
        raise Hint("除以了最大的一批：加起来不等于 1。应除以总条数。")
    if np.allclose(found, 1 / 26):
        raise Hint("这是每一条的分量。乘的是小批的**平均**损失，有几条就要几份。")
    if np.allclose(found, [1 / 8, 1 / 8, 1 / 8, 1 / 2]):
        raise Hint("倒过来了：条数多的那批，分量应更大。")
    if np.allclose(found, 0):
        raise Hint("用了整除（//），小数全没了：用 /。")
    if np.allclose(found, np.array([64, 64, 64, 4]) / 196):
        raise Hint("按条数的平方分了：按条数分。")
    if not np.allclose(found, np.array([8, 8, 8, 2]) / 26):
        raise Hint("各小批的分量应是它的条数占总条数的比例，加起来等于 1。")
    if not np.allclose([float(each) for each in answer([3])], [1]):
        raise Hint("只有一小批时，它就是大批，应乘 1。")


@exercise("10-3")
def block_mask(answer: Callable) -> None:
    """`answer(lengths, total)` -> (total, total) bool, true where a token may look."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收各条的词元数和行长。")
    found = torch.as_tensor(answer([2, 3], 6))
    if found.shape != (6, 6):
        raise Hint("形状应是 (total, total)：每个词元一行，每个词元一列，填充也占位置。")
    if found.is_floating_point() and found.isinf().any():
        raise Hint("这是加到得分上的掩码（0 和负无穷）：题目要布尔的，真表示可以看。")
    found = found.bool()
    expected = torch.zeros(6, 6, dtype=torch.bool)
    expected[:2, :2] = expected[2:5, 2:5] = True
    if torch.equal(found, ~expected):
        raise Hint("正好反了：真表示可以看。")
    if found[0, 2] or found[2, 0]:
        raise Hint("第一条看见了第二条：只有同一条里的词元才互相看。")
    if found[5, 5] or found[:, 5].any() or found[5].any():
        raise Hint("最后一格是填充，它自己也不许看，别人也不许看它。")
    if torch.equal(found, expected.tril()):
        raise Hint("这是从左往右的掩码（GPT 的）。BERT 两边都看，块里应全是真。")
    if not torch.equal(found, expected):
        raise Hint("两条分别长 2 和 3：真的应是左上角两行两列，和接着的三行三列。")
    full = torch.block_diag(torch.ones(1, 1), torch.ones(1, 1), torch.ones(2, 2)).bool()
    found = torch.as_tensor(answer([1, 1, 2], 4)).bool()
    if not found.diagonal().all():
        raise Hint("三条正好排满一行时不对：每条都要有自己的一块。")
    if not torch.equal(found, full):
        raise Hint(
            "三条长 1、1、2，有两条并成了一块：一样长的、隔着一条的，也不是同一条，要按编号分。"
        )


@exercise("10-4")
def quantise(answer: Callable) -> None:
    """`answer(values)` -> (int8 tensor, step)."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收一个浮点张量。")
    values = torch.tensor([0.3, -2.54, 1.277])
    result = answer(values.clone())
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Hint("请返回两样：整数张量和刻度。")
    whole, step = result
    if isinstance(step, torch.Tensor) and isinstance(whole, torch.Tensor) and step.numel() == 3:
        raise Hint("每个数各有一个刻度，等于没有压缩：整个张量共用一个。")
    if isinstance(step, torch.Tensor) and step.numel() == 3:
        raise Hint("次序反了：先返回整数张量，再返回刻度。")
    if not isinstance(step, float | int | np.floating):
        raise Hint("刻度应是 Python 的数，不是张量：用 `.item()` 取出来。")
    if not isinstance(whole, torch.Tensor) or whole.shape != values.shape:
        raise Hint("第一样应是整数张量，与输入一样长。")
    step = float(step)
    if np.isclose(step, 1.277 / 127):
        raise Hint("刻度按最大值定的，-2.54 就放不下了：要按绝对值的最大值。")
    if np.isclose(step, 127 / 2.54):
        raise Hint("刻度颠倒了：最大的绝对值除以 127，不是 127 除以它。")
    if np.isclose(step, 2.54 / 128):
        raise Hint("除以了 128。int8 到 -128，可对称的另一头只到 127：除以 127。")
    if np.isclose(step, (1.277 + 2.54) / 255):
        raise Hint(
            "按最大减最小定了刻度，那是不对称的量化，还要存一个零点。题目要绝对值的最大值除以 127。"
        )
    if not np.isclose(step, 0.02, atol=1e-5):
        raise Hint("刻度应是绝对值的最大值除以 127，这里是 2.54 / 127。")
    if whole.dtype != torch.int8:
        raise Hint(f"整数的类型是 {whole.dtype}，应转成 `torch.int8`，一个数才只占一个字节。")
    if whole.tolist() == [15, -127, 63]:
        raise Hint("小数部分直接砍掉了：63.85 应四舍五入成 64，先 `round()` 再转类型。")
    if whole.tolist() == [15, -126, 64]:
        raise Hint("加 0.5 再砍掉小数，只对正数成立：负数会偏一格，用 `round()`。")
    if whole.tolist() != [15, -127, 64]:
        raise Hint("整数不对：值除以刻度，再四舍五入。")
    zeros, step = answer(torch.zeros(3))
    if torch.as_tensor(zeros).any() or not np.isfinite(float(step)) or float(step) == 0:
        raise Hint("全是零时，刻度会成 0，除以它就出了 nan：这时刻度记作 1。")
    if float(step) != 1:
        raise Hint(f"全是零时，题目要刻度记作 1，你的是 {float(step):g}。")


@exercise("10-5")
def diagnose(answer: Callable) -> None:
    """`answer(rate, step, learning_rate)` -> warmup_steps."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收某一步的学习率、步数和设定的学习率。")
    found = answer(3.6e-5, 60, 3e-4)
    value = float(found)
    if np.isclose(value, 60):
        raise Hint("60 是总步数。学习率到最后一步还在升，预热比总步数长。")
    if np.isclose(value, 0.12):
        raise Hint("这是升到了设定值的几成。60 步才升了这么多，全程要几步？")
    if np.isclose(value, 8):
        raise Hint("这是还差几倍：设定值是这一步的八倍多。走了几步升到这里？再乘步数。")
    if np.isclose(value, 440):
        raise Hint("多减了走过的步数：`warmup_steps` 从第 0 步数起。")
    if np.isclose(value, 60 * 0.12) or value == 7:
        raise Hint("乘反了：60 步升了约一成，升满要的步数比 60 多。")
    if not np.isclose(value, 500, atol=0.5):
        raise Hint("预热时 学习率 = 设定值 × 步数 ÷ warmup_steps，由它解出 warmup_steps。")
    if not isinstance(found, (int, np.integer)) or found != 500:
        raise Hint("步数是整数：用 `round()`，`int()` 会把 499.99 砍成 499。")
    if answer(1.2e-5, 20, 3e-4) != 500 or answer(1e-5, 10, 2e-5) != 20:
        raise Hint("换一行日志就不对了：别把 500 写死，由三个参数算出来。")


@exercise("10-6")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "BD",
        {
            "A": "只跟标签学的那一行，分数一模一样：没有这个对照，功劳就记错了人。",
            "B": "两个三层的一样快，老师只在训练时出现。",
            "C": "差一个点，标准误有两个点：这张表看不出伤没伤。",
            "D": "int8 的文件最小，三层的一条只要十几毫秒，分数都分不出高下。",
        },
    )
