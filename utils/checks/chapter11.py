"""Checks for the exercises of chapter 11."""

from collections.abc import Callable

import torch

from utils.checks import Hint, exercise, judge


def close(value: object, expected: float) -> bool:
    """Equal numbers; what is no number is different."""
    try:
        return abs(float(value) - expected) < 1e-9
    except (TypeError, ValueError):
        return False


@exercise("11-1")
def ever_asked(answer: Callable) -> None:
    """`answer(rate, epochs, copies=None)` -> share of tokens asked at least once."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收比例、遍数和存了几种遮法。")
    value = answer(0.15, 5)
    if close(value, 100 * (1 - 0.85**5)):
        raise Hint("返回的是百分数：要 0 到 1 之间的比例，不要乘 100。")
    if close(value, 0.75):
        raise Hint(
            "把各遍的比例相加了：同一个词元可能被选中好几次，要算的是「一次也没选中」的反面。"
        )
    if close(value, 0.85**5):
        raise Hint("这是从没被问过的比例，用 1 去减。")
    if close(value, 1 - 0.15**5):
        raise Hint("这是「不是每遍都选中」。一次也没选中的机会是 (1 − rate) 的若干次方。")
    if not close(value, 1 - 0.85**5):
        raise Hint("一遍里没选中的机会是 1 − rate，连续几遍都没选中就是它的几次方。")
    value = answer(0.15, 40, 10)
    if close(value, 1 - 0.85**40):
        raise Hint("静态的只有 `copies` 种遮法，读得再多遍，考卷还是那几张。")
    if not close(value, 1 - 0.85**10):
        raise Hint("静态的：不同的考卷只有 `copies` 张。")
    if not close(answer(0.15, 3, 10), 1 - 0.85**3):
        raise Hint("只读三遍、存了十张时，没轮到的考卷不算。")
    if not close(answer(0.3, 8, 5), 1 - 0.7**5):
        raise Hint("换一组数就不对了：比例和存了几种遮法都是参数，别写死成 0.15 和 10。")


@exercise("11-2")
def saved_parameters(answer: Callable) -> None:
    """`answer(vocabulary, hidden, narrow)` -> parameters saved by factorising the embedding."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收词表大小、隐藏层维数和窄表的维数。")
    value = answer(1000, 50, 10)
    table, narrow, widen = 1000 * 50, 1000 * 10, 10 * 50
    if close(value, narrow + widen + 50):
        raise Hint("这是新办法一共要多少参数；题目问的是省下多少。")
    if close(value, narrow + widen + 50 - table):
        raise Hint("减反了：省下的是大表减去新办法，省了是正数。")
    if close(value, table - narrow):
        raise Hint("窄表之后还要变宽，那个线性层的参数没算。")
    if close(value, table - narrow - widen):
        raise Hint("变宽的线性层有偏置，每个输出一个。")
    if close(value, table - narrow - widen - 10):
        raise Hint("偏置的个数是输出的维数（hidden），不是窄表的维数。")
    if close(value, 1 - (narrow + widen + 50) / table):
        raise Hint("这是省下的比例：题目要的是省下多少个参数。")
    if close(value, table - narrow - widen - 50 - 10):
        raise Hint("多算了 10 个：窄表是查表，没有偏置；只有变宽的线性层有。")
    if close(value, table - narrow - 2 * (widen + 50)):
        raise Hint("变宽的线性层算了两遍：只有一个，窄变宽。")
    if close(value, table - narrow - 10 * 10 - 50):
        raise Hint("变宽的矩阵是 narrow × hidden，不是 narrow × narrow。")
    if not close(value, table - narrow - widen - 50):
        raise Hint("大表 vocabulary × hidden，减去窄表、变宽的矩阵和偏置。")
    if not close(answer(20, 50, 40), 20 * 50 - (20 * 40 + 40 * 50 + 50)):
        raise Hint("词表很小时不划算，应返回负数，别取绝对值，也别截成 0。")


@exercise("11-3")
def cut_by_lexicon(answer: Callable) -> None:
    """`answer(text, lexicon)` -> pieces of the text, longest entries of the lexicon first."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收一段文字和一份名单。")
    pieces = answer("哈利·波特和哈利", ["哈利", "哈利·波特"])
    if not isinstance(pieces, (list, tuple)):
        raise Hint("返回一个列表。")
    pieces = list(pieces)
    if pieces == ["哈利", "·", "波", "特", "和", "哈利"]:
        raise Hint("先碰到短的就切了。同一处开始的词条，要取最长的那条。")
    if "".join(pieces) != "哈利·波特和哈利":
        raise Hint("接起来与原文不一样：不在名单里的字符也要留下，一个字符一段。")
    if pieces != ["哈利·波特", "和", "哈利"]:
        raise Hint("应当切成「哈利·波特、和、哈利」三段：名单里的成段，其余一个字符一段。")
    pieces = list(answer("乙丙在甲乙丙丁", ["甲乙", "乙丙丁", "丙丁"]))
    if pieces == ["乙", "丙", "在", "甲", "乙丙丁"]:
        raise Hint(
            "要从左到右：先在前面的位置找，再在那里取最长，而不是先找全文最长的词条，也不是从右往左切。"
        )
    if pieces == ["乙丙在", "甲乙", "丙丁"]:
        raise Hint("不在名单里的，一个字符一段，不要连成一段。")
    if pieces != ["乙", "丙", "在", "甲乙", "丙丁"]:
        raise Hint("从左到右走：切下一段之后，从它的末尾接着找。")
    if list(answer("C++和C", ["C++"])) == ["c++", "和", "C"]:
        raise Hint("大小写变了：切出来的接起来，要与原文一字不差。")
    if list(answer("C++和C", ["C++"])) != ["C++", "和", "C"]:
        raise Hint("词条里的符号被当成了正则式：用 `re.escape`，或者用 `startswith` 逐条比。")
    if list(answer("acb", ["a.b"])) != ["a", "c", "b"]:
        raise Hint("词条里的点匹配了别的字符：符号要原样匹配，用 `re.escape`。")
    if "".join(answer("甲\n乙", ["甲"])) != "甲\n乙":
        raise Hint("换行丢了：正则式里的 `.` 默认不匹配换行，加上 `re.DOTALL`。")
    if list(answer("甲乙", [])) != ["甲", "乙"]:
        raise Hint("名单为空时，一个字符一段。")


@exercise("11-4")
def packed_mask(answer: Callable) -> None:
    """`answer(lengths, window=None)` -> (total, total) bool, true where a token is seen."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收各条的长度和窗口。")
    lengths = [3, 2, 4]
    text = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2])
    place = torch.arange(9)
    own = text[:, None] == text
    value = torch.as_tensor(answer(list(lengths)))
    if value.shape != (9, 9):
        raise Hint("形状应当是「总长 × 总长」：各条的长度加起来。")
    if value.dtype != torch.bool:
        raise Hint("返回布尔张量：真表示看得见。")
    if torch.equal(value, ~own):
        raise Hint("真假反了：真表示看得见，同一条里的才看得见。")
    if value.all():
        raise Hint("各条互相看得见了：只能看同一条里的词元。")
    if torch.equal(value, own & (place[:, None] >= place)):
        raise Hint("只看得见左边，那是因果掩码；编码器两边都看。")
    if not torch.equal(value, own):
        raise Hint("同一条里的词元互相都看得见，不同条的互相看不见，没有别的条件。")
    value = torch.as_tensor(answer(list(lengths), 1))
    distance = (place[:, None] - place).abs()
    if torch.equal(value, distance <= 1):
        raise Hint("有了窗口，各条的边界也还在：两个条件要同时成立。")
    if torch.equal(value, own | (distance <= 1)):
        raise Hint("两个条件合成了「或」：同一条里、又在窗口里的，才看得见，要用「与」。")
    if torch.equal(value, own & (distance < 1)):
        raise Hint("窗口不含两头了：左右各 `window` 个，距离等于 `window` 的也看得见。")
    if torch.equal(value, own):
        raise Hint("窗口没有起作用。")
    if torch.equal(value, own & (distance <= 1) & (place[:, None] >= place)):
        raise Hint("窗口只开在左边；左右各 `window` 个。")
    if not torch.equal(value, own & (distance <= 1)):
        raise Hint("距离的绝对值不超过 `window` 才看得见。")
    if torch.as_tensor(answer([2, 2]))[0, 2]:
        raise Hint("两条一样长，就被当成了同一条：按第几条来分，不按长度。")
    if not torch.equal(torch.as_tensor(answer([4], 0)), torch.eye(4, dtype=torch.bool)):
        raise Hint("窗口为 0 时只看得见自己：判断有没有窗口要用 `is not None`，0 也是窗口。")


def rows_of(**scores: dict) -> dict[str, dict]:
    """Rows as `read_results` gives them: arm -> seed -> measures."""
    return {f"{arm}/{seed}": row for arm, seeds in scores.items() for seed, row in seeds.items()}


@exercise("11-5")
def verdict(answer: Callable) -> None:
    """`answer(rows, measure, arm, other)` -> 更好, 更差 or 说不准, by pairs of seeds."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收各行、指标和两种做法的名字。")
    rows = rows_of(
        a={0: {"f1": 0.60, "loss": 4.0}, 1: {"f1": 0.80, "loss": 4.2}},
        b={
            0: {"f1": 0.55, "loss": 4.1},
            1: {"f1": 0.75, "loss": 4.3},
            2: {"f1": 0.99, "loss": 1.0},
        },
        c={0: {"f1": 0.70}, 1: {"f1": 0.75}, 2: {"f1": 0.95}},
        ab={0: {"f1": 0.10}, 1: {"f1": 0.10}},
        d={7: {"f1": 0.5}},
    )
    late = rows_of(
        e={s: {"f1": x, "mlm_loss": 3.0} for s, x in enumerate((0.60, 0.80, 0.98))},
        f={1: {"f1": 0.76, "mlm_loss": 2.0}, 0: {"f1": 0.56, "mlm_loss": 2.0}},
        g={0: {"f1": 0.60}, 1: {"f1": 0.75}},
    )
    short = {name: row for name, row in rows.items() if not name.startswith("ab/")}
    value = answer(short, "f1", "a", "b")
    if value not in ("更好", "更差", "说不准"):
        raise Hint("返回「更好」「更差」「说不准」三者之一。")
    if value == "更差":
        raise Hint("种子 2 只有一边有，不能算进去：只比两边都有的种子。")
    if value == "说不准":
        raise Hint("每个种子上 a 都比 b 高：同一个种子的两行才是一对，别拿 a 的最低比 b 的最高。")
    if answer(rows, "f1", "a", "b") != "更好":
        raise Hint("名字以 a 开头的还有 ab，被混进来了：斜线前的整个名字相同才算。")
    if answer(rows, "f1", "b", "a") != "更差":
        raise Hint("两边对调，结论也要对调：每一对都差，就是「更差」。")
    value = answer(rows, "f1", "c", "a")
    if value == "更好":
        raise Hint("种子 1 上 c 不如 a，却说了更好：别只看平均，两个种子要一致。")
    if value != "说不准":
        raise Hint("一个种子赢、一个种子输，就是说不准。")
    if answer(rows, "loss", "a", "b") != "更好":
        raise Hint("损失越小越好：名字里有 `loss` 的指标，方向要反过来。")
    if answer(rows, "f1", "a", "a") != "说不准":
        raise Hint("完全相等不是更好，也不是更差。")
    if answer(rows, "loss", "a", "c") != "说不准":
        raise Hint("有一边没有这个指标时，什么也说不了（rtd 就没有 `mlm_loss`）。")
    if answer({**rows, **late}, "mlm_loss", "f", "e") != "更好":
        raise Hint("`mlm_loss` 也是损失：名字里**带** `loss` 的都越小越好，不只叫 `loss` 的。")
    if answer({**rows, **late}, "f1", "f", "b") != "更好":
        raise Hint("各行的次序不一定按种子排：同一个种子的才是一对，要按种子去找。")
    if answer({**rows, **late}, "f1", "e", "b") != "说不准":
        raise Hint("三个种子里两赢一输，还是说不准：每一对都赢才算更好。")
    if answer({**rows, **late}, "f1", "g", "b") != "说不准":
        raise Hint("有一对相等，就不是每一对都好：说不准。")
    if answer(rows, "f1", "a", "d") != "说不准":
        raise Hint("没有共同的种子时，什么也说不了。")


@exercise("11-6")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "AD",
        {
            "A": "三对同向，正反两个方向都算，是四分之一。与 11-5 的想法一样。",
            "B": "种子 1 上它反而低。平均高，不等于每一对都高。",
            "C": "共用的是存下来的参数，每一层照样要算：看每步毫秒那一列。",
            "D": "三对同向，差距又比种子之间的起伏大得多。",
        },
    )
