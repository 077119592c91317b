"""Checks for the exercises of chapter 5."""

import gc
import math
import time
from collections.abc import Callable
from unittest import mock

import numpy as np

from utils.checks import AnswerFailed, Hint, exercise, judge


@exercise("05-1")
def macro_f1(answer: Callable) -> None:
    """`answer(true, predicted)` -> macro F1 of two lists of class names."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收真实类别和预测类别两个列表。")
    # What all measures of precision, recall and F1 in scikit-learn call.
    forbidden = "sklearn.metrics._classification.precision_recall_fscore_support"
    with mock.patch(forbidden, side_effect=Hint("题目要自己算：不要调用 scikit-learn。")):
        _check_macro_f1(answer)


def _check_macro_f1(answer: Callable) -> None:
    true = ["体育"] * 8 + ["财经"] * 2
    all_sports = ["体育"] * 10
    try:
        value = float(answer(true, all_sports))
    except AnswerFailed as failure:
        if isinstance(failure.__cause__, ZeroDivisionError):
            raise Hint("除以了零：从没被猜中的类别，分母是 0，F1 直接记为 0。") from None
        raise
    if value > 1:
        raise Hint("F1 在 0 和 1 之间：不要乘 100。")
    if np.isclose(value, 0.5):
        raise Hint("这是各类召回率的平均。F1 要把精确率和召回率合起来：2PR/(P+R)。")
    if np.isclose(value, (0.9 + 0) / 2):
        raise Hint("F1 是精确率和召回率的调和平均 2PR/(P+R)，不是两者相加除以 2。")
    if np.isclose(value, 0.8):
        raise Hint("这是准确率。宏平均 F1 要先对每个类别各算一个 F1，再取平均。")
    if np.isclose(value, 2 * 0.8 / 1.8):
        raise Hint("只平均了预测中出现过的类别。从没被猜中的类别 F1 记为 0，也要算进平均。")
    if np.isclose(value, (8 * (2 * 0.8 / 1.8) + 0) / 10):
        raise Hint("这是按条数加权的平均。宏平均里每个类别的分量相同，与条数无关。")
    if not np.isclose(value, 0.8 / 1.8):
        raise Hint("F1 = 2PR/(P+R)，先核对每个类别的精确率 P 与召回率 R，再取各类的平均。")
    if not np.isclose(float(answer(["a", "b", "c"], ["a", "b", "c"])), 1.0):
        raise Hint("全部猜对时，宏平均 F1 应该等于 1。")
    mixed = float(answer(["a", "a", "b", "b", "c"], ["a", "b", "b", "b", "a"]))
    if not np.isclose(mixed, (0.5 + 0.8 + 0.0) / 3):
        if np.isclose(mixed, 2 * (7 / 18) * 0.5 / (7 / 18 + 0.5)):
            raise Hint("先平均了精确率和召回率，再算 F1：应先对每个类别算 F1，再平均。")
        raise Hint("三个类别的例子上结果不对：拿一个类别，手算它的 F1 对一对。")
    extra = float(answer(["a", "a"], ["a", "b"]))
    if np.isclose(extra, 2 / 3):
        raise Hint("只平均了真实的类别：从没出现、却被猜到的类别，F1 也是 0，也要算进平均。")
    if not np.isclose(extra, 1 / 3):
        raise Hint("真实的只有 a、a，猜的是 a、b：两个类别的 F1 是 2/3 和 0，平均是 1/3。")


@exercise("05-2")
def leaked(answer: Callable) -> None:
    """`answer(train, test)` -> positions of test texts that also stand in the training texts."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收训练文本和测试文本两个列表。")
    train = ["主场三连胜", "新盘开售", "央行降息 25 个基点"]
    test = ["新盘开售", "秋季大秀", " 主场三连胜 ", "央行降息２５个基点"]
    found = list(answer(list(train), list(test)))
    if len(found) == len(test) and all(isinstance(each, bool | np.bool_) for each in found):
        raise Hint("这是每条的真假：要返回的是为真的那些的位置，从 0 数起。")
    try:
        found = sorted(int(place) for place in found)
    except (TypeError, ValueError):
        raise Hint("返回值应是一串整数：泄漏的文本在测试集中的位置，从 0 数起。") from None
    if found == [0]:
        raise Hint("只找到了一字不差的。比较之前，先去掉空白，并把全角字符归一化（NFKC）。")
    if found == [0, 2]:
        raise Hint(
            "首尾空白处理了，句中的空格或全角数字还没有处理好：用 NFKC 归一化，并去掉**所有**空白，不只首尾。"
        )
    if found == [0, 3] or found == [3]:
        raise Hint("首尾的空白也要去掉。")
    if found == [0, 1, 2]:
        raise Hint("这是训练集中的位置：要返回的是测试集中哪些位置的文本也在训练集里。")
    if 1 in found:
        raise Hint("把没有泄漏的文本也算进来了：「秋季大秀」不在训练集中。")
    if found != [0, 2, 3]:
        raise Hint("位置不对：返回的是测试集中的位置，不是训练集中的。")
    if list(answer(["新盘开售大吉"], ["新盘开售", "大吉"])) != []:
        raise Hint("只是训练文本的一部分，不算泄漏：整条相同才算。")
    if list(answer(["iPhone 涨价", "涨价！"], ["iphone涨价", "涨价"])) != []:
        raise Hint("做过头了：只去空白、做 NFKC。大小写不同、标点不同的，不算同一条。")
    if list(answer(["新盘\t开售"], ["新盘开售", "新盘\n开售\u3000"])) != [0, 1]:
        raise Hint("制表符、换行和全角空格也是空白：不要只换掉空格，用 split() 或 \\s 去掉所有的。")
    if list(answer(["主场三连胜"], ["主场三连胜", "秋季大秀", "主场三连胜"])) != [0, 2]:
        raise Hint("同一条在测试集里出现两次，两个位置都要：按位置数，别用 index 按内容找。")
    many = [f"第{i}条新闻" for i in range(3000)]
    if list(answer(many, many[-2:])) != [0, 1]:
        raise Hint("文本多的时候结果不对：每一条测试文本都要检查到。")
    few = many[:300]
    # Ten times the texts: a set takes about 10 times as long, a double loop 80 to 100 times.
    if cpu_seconds(answer, many) > 40 * cpu_seconds(answer, few):
        raise Hint("文本多十倍，时间多了远不止十倍：先把训练文本做成集合（set），再一条条查。")


def cpu_seconds(answer: Callable, texts: list[str]) -> float:
    """CPU seconds of the fastest of some calls.

    CPU time, because a machine busy with other work must not turn a right answer wrong; the fastest,
    and without Python looking for garbage, because a virtual machine may stand still in any of them.
    """
    seconds: list[float] = []
    collecting = gc.isenabled()
    gc.disable()
    try:
        while len(seconds) < 3 or sum(seconds) < 0.1:
            started = time.thread_time()
            list(answer(list(texts), list(texts)))  # a generator works only when it is read
            seconds.append(time.thread_time() - started)
            if sum(seconds) > 2:  # slow enough to be told, whatever the machine does
                break
    finally:
        if collecting:
            gc.enable()
    return min(seconds)


@exercise("05-3")
def confident_accuracy(answer: Callable) -> None:
    """`answer(probabilities, labels, threshold)` -> (coverage, accuracy of the kept ones)."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收概率矩阵、标签和门槛。")
    # Three are kept of six, so that no share and no direction equals another by chance.
    probabilities = np.array(
        [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.55, 0.45], [0.1, 0.9], [0.65, 0.35]]
    )
    labels = np.array([0, 1, 1, 0, 1, 0])
    result = answer(probabilities, labels, 0.7)
    if not isinstance(result, (tuple, list, np.ndarray)) or len(result) != 2:
        raise Hint("请返回两个数：覆盖率，以及留下来的那些的准确率。")
    coverage, accuracy = (float(value) for value in result)
    if np.isclose(coverage, 1.0) and np.isclose(accuracy, 5 / 6):
        raise Hint("没有用到门槛：只留下最大概率不小于门槛的文本。")
    if np.isclose(coverage, 3):
        raise Hint("覆盖率是比例，不是条数：除以总条数。")
    if np.isclose(coverage, 1.0) and np.isclose(accuracy, 0.5):
        raise Hint("两个数的次序反了：先覆盖率，再准确率。")
    if np.isclose(coverage, 0.5) and np.isclose(accuracy, 5 / 6):
        raise Hint("这是全部文本的准确率：只算留下来的那些。")
    if not np.isclose(coverage, 0.5):
        raise Hint("覆盖率不对：留下的是每行最大概率不小于门槛的文本，占全部的比例。")
    if np.isclose(accuracy, 0.5):
        raise Hint("准确率的分母应是留下来的条数，不是总条数。")
    if not np.isclose(accuracy, 1.0):
        raise Hint("留下来的三条都猜对了，准确率应为 1：检查预测的类别是否取自概率最大的列。")
    if np.isclose(float(answer(probabilities, labels, 0.62)[0]), 2 / 6):
        raise Hint("这是被拿掉的比例：覆盖率是**留下的**占全部的比例。")
    if not np.isclose(float(answer(probabilities, labels, 0.62)[0]), 4 / 6):
        raise Hint("门槛 0.62 时六条里留下四条，覆盖率应是三分之二。")
    if not np.isclose(float(answer(probabilities, labels, 0.8)[0]), 0.5):
        raise Hint("最大概率正好等于门槛的也要留下：「不小于」是 `>=`。")
    wrong_one = (
        np.array([[0.9, 0.05, 0.05], [0.1, 0.1, 0.8], [0.3, 0.7, 0.0], [0.0, 0.6, 0.4]]),
        np.array([1, 2, 1, 0]),
    )
    coverage, accuracy = (float(value) for value in answer(*wrong_one, 0.75))
    if np.isclose(coverage, 1 / 4):
        raise Hint("按正确类别的概率留的：用的时候没有标签，只能看最大的那个概率。")
    if not np.isclose(coverage, 1 / 2) or not np.isclose(accuracy, 0.5):
        raise Hint("有把握也会错：三个类别的四条里留下两条，判对一条，覆盖率 1/2，准确率 1/2。")
    late = (np.array([[0.5, 0.5], [0.6, 0.4], [0.1, 0.9], [0.8, 0.2]]), np.array([0, 0, 1, 0]))
    if not np.isclose(float(answer(*late, 0.7)[1]), 1.0):
        raise Hint("留下的是后面两条时不对：留下第几条，就和第几条的标签比，别从头数起。")
    result = answer(probabilities, labels, 0.99)
    if not isinstance(result, (tuple, list, np.ndarray)) or len(result) != 2:
        raise Hint("一条也没留下时，也要返回两个数：0 和 float('nan')。")
    coverage, accuracy = result
    if isinstance(accuracy, str):
        raise Hint("返回的是文字 'nan'：要的是数，写成 float('nan')。")
    if accuracy is None:
        raise Hint("一条也没留下时，准确率是 float('nan')，不是 None：它还是一个数，画图也画得出。")
    if coverage != 0 or not math.isnan(accuracy):
        raise Hint("一条也没留下时，覆盖率是 0，准确率没有定义：请返回 float('nan')。")


@exercise("05-4")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "AD",
        {
            "A": "两条损失分道扬镳，就是过拟合的样子。",
            "B": "F1 只看谁最大。验证损失升了近一半，说明判错的那些判得更有把握，概率更不可信。",
            "C": "第四轮起已经不再进步，再练只会更有把握地错。",
            "D": "没赢就写没赢，读者才能信你赢的那几次。",
        },
    )
