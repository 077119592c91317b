"""Checks for the exercises of chapter 6."""

import math
from collections.abc import Callable

import numpy as np

from utils.checks import AnswerFailed, Hint, exercise, judge


@exercise("06-1")
def clean_review(answer: Callable) -> None:
    """`answer(text)` -> the review without <br />, entities and superfluous blanks."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收一条影评，返回清理过的影评。")
    broken = answer("It drags.<br /><br />Then it ends.")
    if not isinstance(broken, str):
        raise Hint("返回值应是一个字符串。")
    if "br" in broken:
        raise Hint("`<br />` 还留在里面。")
    if broken == "It drags.Then it ends.":
        raise Hint("标签删掉了，可前后两句粘在了一起：换成一个空格，不要直接删。")
    if broken == broken.lower():
        raise Hint("不要改大小写：那是分词器的事，有的模型认大小写。")
    if "  " in broken or broken != broken.strip():
        raise Hint("连续的空白要并成一个，首尾的空白要去掉。")
    if "br" in answer("Flat.<br>Dull.<BR/>Long.").lower():
        raise Hint("只认得 `<br />` 这一种写法：`<br>`、`<BR/>` 也是换行。")
    if "Dull" not in answer("Flat.<br>Dull.<BR/>Long."):
        raise Hint("两个标签之间的正文也没了：`.*` 会一直吃到最后一个 >，只许标签自己。")
    if answer("Flat.<br>Dull.<BR/>Long.") != "Flat. Dull. Long.":
        raise Hint("每一种写法的换行标签，都要换成一个空格。")
    entities = answer("&quot;Harbour&quot; &amp; its sequel")
    if entities != '"Harbour" & its sequel':
        raise Hint("`&quot;`、`&amp;` 要还原成引号和 &：标准库的 `html.unescape` 就做这件事。")
    if answer("caf&eacute; &lt;3") != "café <3":
        raise Hint("还有别的实体没还原：不止 `&quot;` 和 `&amp;`，用 `html.unescape` 一次做完。")
    if answer("Type &lt;br&gt; here") != "Type <br> here":
        raise Hint("先还原实体再删标签，把正文里写出来的 `&lt;br&gt;` 也删了：次序反过来。")
    if answer("Type &amp;lt; for <") != "Type &lt; for <":
        raise Hint("还原了两遍：`&amp;lt;` 是作者写的「&lt;」，一遍就够。")
    if answer("Under 5 < 7, over 9 > 8.") != "Under 5 < 7, over 9 > 8.":
        raise Hint("把不是标签的内容也删了：只去掉 br，正文里的 < 和 > 要留着。")
    if answer("A <brave> try") != "A <brave> try":
        raise Hint("`<brave>` 不是换行：br 后面只许空白和斜线，不许别的字母。")
    if answer(" Two\n\nlines\t here ") != "Two lines here":
        raise Hint("换行和制表符也是空白，同样并成一个空格。")


@exercise("06-2")
def learning_rate_at(answer: Callable) -> None:
    """`answer(step, steps, warmup, peak)` -> linear warm-up, then linear decay to 0."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收步数、总步数、预热步数和最高学习率。")

    def at(step, warmup=10, steps=100):
        return float(answer(step, steps, warmup, 1.0))

    if np.isclose(at(5), 0.6):
        raise Hint("早了一步：第 0 步的学习率是 0，第 5 步走了 5 步，不是 6 步。")
    if np.isclose(at(5), 1.0) or np.isclose(at(5), 0.95):
        raise Hint("没有预热：前 `warmup` 步应从 0 直线升到 `peak`。")
    if not np.isclose(at(5), 0.5):
        raise Hint("预热走到一半时，学习率应是最高值的一半。")
    if np.isclose(at(55), 1.0):
        raise Hint("预热之后要直线下降，到最后一步降为 0。")
    if np.isclose(at(55), 0.45):
        raise Hint("下降段从预热结束的那一步算起，长度是 `steps - warmup`，不是 `steps`。")
    if np.isclose(at(55), 44 / 89):
        raise Hint("降到 0 要正好在第 `steps` 步，不是前一步：别减 1。")
    if not (np.isclose(at(55), 0.5) and np.isclose(at(10), 1.0) and np.isclose(at(100), 0.0)):
        raise Hint("预热结束时应是最高值，下降段的一半处应是一半，最后一步应是 0。")
    if not np.isclose(at(28), 0.8):
        raise Hint("下降段不是直线：走过两成时应剩八成。")
    if np.isclose(float(answer(55, 100, 10, 0.002)), 0.5):
        raise Hint("没有用到 `peak`：最高的学习率由它给出，不一定是 1。")
    if not np.isclose(float(answer(5, 100, 10, 0.002)), 0.001):
        raise Hint("预热那一段没有乘 `peak`：它从 0 升到 `peak`，不是升到 1。")
    if not np.isclose(float(answer(55, 100, 10, 0.002)), 0.001):
        raise Hint("换一个 `peak`，各处的学习率都应按比例变。")
    if np.isclose(at(1, warmup=1), 0.01) or np.isclose(at(50, warmup=1), 0.5, atol=1e-9):
        raise Hint("`warmup` 等于 1 是一步，不是百分之百：只有小于 1 的才是比例。")
    if not np.isclose(at(5, warmup=0.1), 0.5):
        raise Hint("`warmup` 小于 1 时表示比例：0.1 就是总步数的一成。")
    if not np.isclose(at(55, warmup=0.1), 0.5):
        raise Hint("预热用了换算后的步数，下降段也要用它。")
    no_warmup = Hint("`warmup` 为 0 就是不预热：第 0 步便是最高值，也别除以它。")
    try:
        if not np.isclose(at(0, warmup=0), 1.0):
            raise no_warmup
    except AnswerFailed as failure:
        if isinstance(failure.__cause__, ZeroDivisionError):
            raise no_warmup from None
        raise
    if not (np.isclose(at(50, warmup=0), 0.5) and np.isclose(at(100, warmup=0), 0.0)):
        raise Hint("不预热也要下降：`warmup` 为 0 时，从第 0 步的最高值直线降到第 `steps` 步的 0。")
    late = at(45, warmup=500, steps=45)
    if not np.isclose(late, 45 / 500):
        raise Hint("预热比训练长时，不要替它改短：训练到头，学习率也只升到一部分，这正是那个坑。")


@exercise("06-3")
def best_temperature(answer: Callable) -> None:
    """`answer(logits, labels)` -> the temperature with the least cross entropy."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收对数几率矩阵和标签，返回温度。")
    loud, quiet = _overconfident(3.0), _overconfident(0.5)
    found = [answer(*loud), answer(*quiet)]
    if any(np.ndim(value) for value in found):
        raise Hint("请返回一个数：温度 T。")
    found = [float(value) for value in found]
    wanted = [_least_loss(*loud), _least_loss(*quiet)]
    if all(_near(value, 1 / best) for value, best in zip(found, wanted, strict=True)):
        raise Hint("返回的是 T 的倒数：对数几率应除以 T，不是乘以 T。")
    if all(
        np.isclose(value, _loss(*each, best), atol=1e-3)
        for value, each, best in zip(found, (loud, quiet), wanted, strict=True)
    ):
        raise Hint("返回的是最小的损失，不是取到它的温度：`min(温度们, key=损失)`。")
    if np.isclose(found[0], found[1]):
        raise Hint(
            "两份很不一样的数据得到了同一个温度。若是按准确率选的，当然选不出来：除以 T 不改变谁大谁小。"
            "要看交叉熵。"
        )
    if _near(found[0], wanted[0]) and found[1] >= 0.95:
        raise Hint("T 也可以小于 1：模型没把握得过头时，要把概率推开。")
    if not all(_near(value, best) for value, best in zip(found, wanted, strict=True)):
        raise Hint(
            "温度不对：对 softmax(logits / T) 算正确类别的平均负对数概率，取最小处的 T，误差在一成以内。"
        )
    edge = _overconfident(0.13, rows=800), _overconfident(9.3, rows=800)
    found = [float(answer(*each)) for each in edge]
    if not all(_near(value, _least_loss(*each)) for value, each in zip(found, edge, strict=True)):
        raise Hint("温度落在 0.13 或 9.3 附近时不对：要在 0.1 到 10 的整个范围里找。")
    logits, labels = _overconfident(2.0, rows=800)
    far = logits + np.random.default_rng(1).normal(800, 300, (len(logits), 1))
    with np.errstate(all="ignore"):
        found = float(answer(far, labels))
    if not _near(found, _least_loss(logits, labels)):
        raise Hint(
            "每一行都加上一个大数（各行不同），概率不变，温度也不该变：取指数之前，每一行先减去它自己的最大值，"
            "不然会溢出。"
        )
    mixed = _mostly_undecided()
    if not _near(float(answer(*mixed)), _least_loss(*mixed)):
        raise Hint(
            "多数行拿不定主意的数据上温度不对：softmax 的分母是**这一行**各类别之和，先逐行取对数，再求平均。"
        )
    noisy = _three_noisy_classes()
    if not _near(float(answer(*noisy)), _least_loss(*noisy)):
        raise Hint(
            "三个类别、标签有错的数据上温度不对：要支持任意多类，并且让交叉熵（不是 ECE，也不是概率之差的平方）最小。"
        )


def _mostly_undecided():
    """Logits of six classes, three times too large; of four rows in five they are nearly equal."""
    generator = np.random.default_rng(0)
    size = np.where(np.arange(1000) < 800, 0.1, 3.0)[:, None]
    logits = generator.normal(0, 1, (1000, 6)) * size
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return 3 * logits, (chances.cumsum(1) > generator.random((1000, 1))).argmax(1)


def _three_noisy_classes():
    """Logits of three classes, three times too large; two labels in ten are drawn at random.

    There the calibration error and the Brier score are least at other temperatures.
    """
    generator = np.random.default_rng(0)
    logits = generator.normal([2, 0, -1], 2.5, (3000, 3))
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (chances.cumsum(1) > generator.random((3000, 1))).argmax(1)
    noisy = generator.random(3000) < 0.2
    labels[noisy] = generator.integers(0, 3, noisy.sum())
    return 3 * logits, labels


def _overconfident(factor, rows=3000):
    """Logits that are `factor` times too large for the labels drawn from them."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 1.5, (rows, 2))
    positive = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    return factor * logits, (generator.random(rows) < positive).astype(int)


def _least_loss(logits, labels):
    """The temperature with the least cross entropy, from a fine grid."""
    temperatures = np.geomspace(0.1, 20, 461)
    return min(temperatures, key=lambda each: _loss(logits, labels, each))


def _loss(logits, labels, temperature):
    """The cross entropy of softmax(logits / temperature)."""
    own = logits[np.arange(len(labels)), labels][:, None]
    return np.log(np.exp((logits - own) / temperature).sum(1)).mean()


def _near(value, wanted):
    return value > 0 and abs(np.log(value / wanted)) < 0.11


@exercise("06-4")
def sign_test(answer: Callable) -> None:
    """`answer(right_a, right_b)` -> exact two-sided p-value of McNemar's test."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收两个方法各自的对错，返回 p 值。")
    # 8 reviews that only A gets right, 1 that only B does, 11 on which they agree.
    a = np.array([True] * 8 + [False] + [True] * 9 + [False] * 2)
    b = np.array([False] * 8 + [True] + [True] * 9 + [False] * 2)
    value = float(answer(a, b))
    if np.isclose(value, 10 / 512):
        raise Hint("这是单边的 p 值。事先不知道谁会赢，要算双边的：乘以 2。")
    if np.isclose(value, 18 / 512) or np.isclose(value, 9 / 512):
        raise Hint("只算了恰好这么悬殊的概率。还要加上更悬殊的情形：0 比 9。")
    if np.isclose(value, _two_sided(1, 20)) or np.isclose(value, _two_sided(3, 20)):
        raise Hint("两个方法都对或都错的影评分不出高下，不算进 n：n 只数意见不同的。")
    if np.isclose(value, 1 - 20 / 512):
        raise Hint("这是 1 减 p 值：要的就是那个小的概率。")
    if any(np.isclose(value, math.erfc(math.sqrt(x / 2)), rtol=1e-3) for x in (36 / 9, 49 / 9)):
        raise Hint("这是卡方近似：条数少时不准。题目要精确的，数抛硬币的组合数。")
    if not np.isclose(value, 20 / 512):
        raise Hint(
            "8 比 1 的例子应得 20/512：只看意见不同的 9 条，抛 9 次硬币，正面不多于 1 次的概率，乘以 2。"
        )
    if not np.isclose(float(answer(b, a)), value):
        raise Hint("把两个方法对调，p 值不该变：取两边里较少的那个数。")
    even = float(answer(np.array([True] * 3 + [False] * 3), np.array([False] * 3 + [True] * 3)))
    if even > 1:
        raise Hint("概率不能大于 1：两边一样多时，乘以 2 会超过 1，取 1。")
    if not np.isclose(even, 1.0):
        raise Hint("3 比 3 平手，p 值应为 1。")
    if not np.isclose(float(answer(a, a)), 1.0):
        raise Hint("两个方法处处一致时，没有任何差别的证据：p 值是 1。")
    many = np.arange(3000) < 1600
    if not np.isclose(float(answer(many, ~many)), _two_sided(1400, 3000), rtol=1e-3):
        raise Hint("条数多的时候结果不对：组合数用 `math.comb` 算，Python 的整数不会溢出。")


def _two_sided(fewer, count):
    """P(at most `fewer` heads) in `count` tosses of a coin, twice, at most 1."""
    return min(1.0, 2 * sum(math.comb(count, k) for k in range(fewer + 1)) / 2**count)


@exercise("06-5")
def predict_long(answer: Callable) -> None:
    """`answer(ids, predict, size, overlap)` -> mean probabilities over overlapping windows."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收词元编号、预测函数、窗口长度和重叠长度。")
    seen, result = _windows_of(answer, list(range(10)), 4, 1)
    if not seen:
        raise Hint("没有调用 `predict`：把切好的窗口（列表的列表）交给它。")
    if any(len(window) > 4 for window in seen):
        raise Hint("有的窗口比 `size` 长，模型读不下。")
    if seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]:
        raise Hint("窗口之间没有重叠：下一个窗口应从上一个的末尾往回退 `overlap` 个词元开始。")
    if seen == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9], [9]]:
        raise Hint("最后多了一段，它整个都在前一个窗口里：窗口到了文末就该停。")
    if seen[:2] == [[0, 1, 2, 3], [1, 2, 3, 4]]:
        raise Hint("每次只往前走了 `overlap` 个：重叠 `overlap` 个，就要走 `size - overlap` 个。")
    if seen != [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]:
        raise Hint("0 到 9 这十个词元，`size=4`、`overlap=1` 应切成 0–3、3–6、6–9 三个窗口。")
    if _windows_of(answer, list(range(8)), 4, 2)[0] != [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]:
        raise Hint("重叠多少由 `overlap` 决定：`size=4`、`overlap=2` 时，每个窗口往前走两个词元。")
    if np.shape(result) != (2,):
        raise Hint("请返回一条影评的两个概率，形状是 (2,)：对各窗口的概率按列取平均。")
    if not np.allclose(result, [0.55, 0.45]):
        raise Hint("各窗口的概率要取平均：不是取最大，不是投票，也不是只看一个窗口。")
    seen, result = _windows_of(answer, list(range(11)), 4, 1)
    if 10 not in sum(seen, []):
        raise Hint("文末的词元丢了：最后一个窗口可以比 `size` 短，但不能不要。影评的结论常在末尾。")
    if seen[-1] != [9, 10]:
        raise Hint(
            "最后一个窗口的起点不对：照样往前走 `size - overlap` 个，到文末为止，短一些不要紧，"
            "不要往回挪去凑满。"
        )
    if not np.allclose(result, [0.4, 0.6]):
        raise Hint("各窗口一样重：短的窗口也算一个，不按长度加权。")
    short, _ = _windows_of(answer, [7, 8], 4, 1)
    if short != [[7, 8]]:
        raise Hint("短文本也要有一个窗口：只有两个词元时，窗口就是它自己。")
    for ids, size, overlap in (([0], 4, 1), ([0, 1], 4, 3)):
        if _windows_of(answer, ids, size, overlap)[0] != [ids]:
            raise Hint(
                f"文本不比 `overlap` 长时也只有一个窗口：{len(ids)} 个词元，`overlap={overlap}`，窗口就是它自己。"
            )


def _windows_of(answer, ids, size, overlap):
    """(the windows an answer cuts, its result), whether it predicts at once or one by one."""
    seen = []

    def predict(windows):
        windows = [[int(each) for each in window] for window in windows]
        seen.extend(windows)
        # 0.85, 0.55, 0.25 for the windows that open with 0, 3, 6: mean 0.55, and no two alike.
        first = np.array([0.85 - 0.1 * window[0] for window in windows])
        return np.stack([first, 1 - first], axis=1)

    return seen, answer(list(ids), predict, size, overlap)


@exercise("06-6")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "BC",
        {
            "A": "看意见不同的：25 比 20，抛 45 次硬币也常这样。",
            "B": "平均把握比准确率高出近二十个百分点。",
            "C": "成对地看，25 比 20 离得太近。",
            "D": "分数不能搬家：换一批人写的，名次要重新量。",
        },
    )
