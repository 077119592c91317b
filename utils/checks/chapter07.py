"""Checks for the exercises of chapter 7."""

import math
import random
from collections.abc import Callable

import numpy as np

from utils.checks import Hint, exercise, judge

END = "</s>"


@exercise("07-1")
def corrupt(answer: Callable) -> None:
    """`answer(tokens, hidden)` -> (source, target) of span corruption."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收词元的列表和同样长的一串真假值。")
    source, target = _two_lists(
        answer(list("他在家里看书"), [False, False, True, True, False, True])
    )
    right = _marked("他 在 0 看 1"), _marked("0 家 里 1 书 2")
    if (target, source) == right:
        raise Hint("两个列表的次序反了：先返回输入 source，再返回答案 target。")
    if source == _marked("0 家 里 1") or source[:3] == _marked("0 家 里"):
        raise Hint("真假反了：True 是挖掉，False 是留下。")
    if any(each.startswith("<X") for each in map(str, source)):
        raise Hint("这里的哨兵写作 `<extra_id_0>`、`<extra_id_1>`，不是第 1 章的 <X>、<Y>。")
    if source == _marked("他 在 0 1 看 2"):
        raise Hint("每个词元各用了一个哨兵。连着被挖的合成一段，一段只用一个。")
    if source == _marked("他 在 看"):
        raise Hint("source 里挖掉的地方要放一个哨兵，不然模型不知道哪里缺了东西。")
    if source.count("<extra_id_0>") > 1 or target.count("<extra_id_0>") > 1:
        raise Hint("每一段要换下一个哨兵：第一段 `<extra_id_0>`，第二段 `<extra_id_1>`。")
    if source == _marked("他 在 1 看 2"):
        raise Hint("哨兵从 `<extra_id_0>` 数起，不是从 1。")
    if source == _marked("他 在 1 看 0"):
        raise Hint("哨兵的次序反了：从左到右，第一段是 `<extra_id_0>`。")
    if source != right[0]:
        raise Hint("source 不对：没挖的词元原样留着，每一段换成一个哨兵。")
    if target == _marked("家 里 书"):
        raise Hint("target 里没有哨兵：每一段前面先写它的哨兵，模型才知道填在哪里。")
    if target == right[1][:-1]:
        raise Hint("target 少了收尾的哨兵：最后再写一个没用过的，表示后面没有了。")
    if target == [*right[1][:-1], END]:
        raise Hint("收尾的不是 `</s>`：再写一个没用过的哨兵（`</s>` 由分词器另加）。")
    if target == [*right[1][:-1], "<extra_id_1>"]:
        raise Hint("收尾的哨兵要用一个还没用过的，不能再写一遍上一个。")
    if target != right[1]:
        raise Hint("target 不对：依次是哨兵、它挖掉的词元，最后是收尾的哨兵。")
    source, target = _two_lists(answer(list("甲乙丙"), [True, False, True]))
    if source == _marked("乙 0") or source[:1] == ["乙"]:
        raise Hint("第一个词元就被挖掉时不对：`hidden[place - 1]` 在开头会取到最后一个。")
    if (source, target) != (_marked("0 乙 1"), _marked("0 甲 1 丙 2")):
        raise Hint("挖到开头和结尾的例子不对：`甲乙丙` 挖掉头尾，source 应是哨兵、乙、哨兵。")
    if _two_lists(answer(list("甲乙"), [False, False])) != (["甲", "乙"], ["<extra_id_0>"]):
        raise Hint("一个都不挖时，source 就是原文，target 只有一个收尾的 `<extra_id_0>`。")


def _marked(text: str) -> list[str]:
    """Tokens from "他 0 书", where a digit stands for a sentinel."""
    return [f"<extra_id_{each}>" if each.isdigit() else each for each in text.split()]


def _two_lists(result) -> tuple[list, list]:
    try:
        first, second = result
        if isinstance(first, str) or isinstance(second, str):
            raise Hint("要两个列表，一个词元一项：你返回的是拼起来的文字。")
        return list(first), list(second)
    except (TypeError, ValueError):
        raise Hint("请返回两个列表：`return source, target`。") from None


@exercise("07-2")
def decoder_batch(answer: Callable) -> None:
    """`answer(targets, start, pad)` -> (decoder inputs, labels), padded."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收几个答案、开始符的编号和填充的编号。")
    targets = [[5, 6, 7, 1], [8, 1]]
    inputs, labels = _two_lists(answer(targets, 9, 3))
    if targets != [[5, 6, 7, 1], [8, 1]]:
        raise Hint("`targets` 被你改动了：先复制再改，别人还要用原来的。")
    try:
        inputs, labels = (
            [[int(each) for each in row] for row in rows] for rows in (inputs, labels)
        )
    except (TypeError, ValueError):
        raise Hint("两个列表的每一行都应是一列编号（整数），里面不能再套列表。") from None
    right = [[5, 6, 7, 1], [8, 1, -100, -100]]
    if [row[:1] for row in labels] == [[9], [9]] and labels != right:
        raise Hint("labels 不要挪，它就是答案；挪的是解码器读的 inputs。两个也别写反了。")
    if labels[1] in ([8, 1, 3, 3], [8, 1, 0, 0]):
        raise Hint("labels 的填充要写成 -100，损失才会跳过它；写成别的编号，就成了要学的答案。")
    if [len(row) for row in labels] != [4, 4] or labels != right:
        raise Hint("labels 不对：答案原样，短的在右边用 -100 补到最长的那么长。")
    if any(-100 in row for row in inputs):
        raise Hint("inputs 里出现了 -100：它要去查词嵌入，填充只能用 `pad`。")
    if inputs[0] == [5, 6, 7, 1]:
        raise Hint("inputs 没有右移：每个位置正好读到该写的答案，照抄就行，什么也学不会。")
    if inputs[0][:3] == [6, 7, 1]:
        raise Hint("挪反了方向：第一个位置应读开始符，第二个位置才读答案的第一个词元。")
    if inputs[0] == [9, 5, 6, 7, 1]:
        raise Hint("inputs 多了一个：右移之后，最后一个词元（`</s>`）就用不着了，丢掉它。")
    if inputs[0][0] != 9:
        raise Hint("第一个应是参数 `start`，不要写死成 0。")
    if inputs[0] != [9, 5, 6, 7]:
        raise Hint("inputs 不对：`start` 后面接答案，去掉最后一个词元。")
    if len(inputs[1]) != 4:
        raise Hint("inputs 的各行要一样长，短的在右边补 `pad`。")
    if inputs[1][:2] != [9, 8] or inputs[1][2] not in (1, 3) or inputs[1][3] != 3:
        raise Hint("短的那一行不对：`start`、答案，右边补参数 `pad`，不要写死成 0。")
    inputs, labels = _two_lists(answer([[8, 1], [5, 6, 7, 1]], 9, 3))
    if [len(row) for row in [*inputs, *labels]] != [4] * 4:
        raise Hint("要补到最长的那么长：最长的答案不一定排在第一个。")


@exercise("07-3")
def allowed_next(answer: Callable) -> None:
    """`answer(names, written)` -> set of the tokens that may come next."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收名单和已经写出的词元。")
    names = [["正"], ["正", "面"], ["负", "面"]]

    def after(*written, names=names):
        found = answer([list(name) for name in names], list(written))
        try:
            return set(found)
        except TypeError:
            raise Hint("请返回一个集合，装着接下来许写的词元。") from None

    if END in after():
        raise Hint("一个词元都没写，就许 `</s>` 结束了：那样会写出空的答案。")
    if after() == {"正", "面", "负"}:
        raise Hint("开头就放行了「面」：只许写名字里的下一个词元，不是名字里的任何一个。")
    if after() != {"正", "负"}:
        raise Hint("还没写时，许写的是各个名字的第一个词元。")
    if END in after("负"):
        raise Hint("「负」还不是一个完整的名字，不许在这里用 `</s>` 提前结束。")
    if after("负") != {"面"}:
        raise Hint("写了「负」以后，只许写「面」：前缀对不上的名字要排除。")
    if after("正") == {"面"}:
        raise Hint("「正」自己也是一个名字：写完它以后，`</s>` 也要放行，否则永远选不中它。")
    if after("正") == {END}:
        raise Hint("「正」也是「正面」的开头：只放行 `</s>`，就永远写不出「正面」。")
    if after("正") != {"面", END}:
        raise Hint("写了「正」以后，「面」和 `</s>` 都许写：一个名字可能是另一个的开头。")
    if after("正", "面") == set():
        raise Hint("名字写完了，要许写 `</s>`，不然停不下来。")
    if after("正", "面") != {END}:
        raise Hint("「正面」写完以后，只许写 `</s>`。")
    if after("正", END) or after("正", "面", END):
        raise Hint("已经写出 `</s>`，就结束了：返回空集合。")
    if after("好"):
        raise Hint("「好」走不成任何名字：返回空集合。")
    pieces = [["extra", "time"], ["extra"]]
    if after(names=pieces) != {"extra"} or after("extra", names=pieces) != {"time", END}:
        raise Hint("一个词元可以有几个字符，比如 `extra`：按词元比，不要拼成一串文字再比。")
    shared = [["体", "育"], ["教", "育", "部"]]
    if after("体", "育", names=shared) != {END} or after("育", names=shared):
        raise Hint("只比了最后一个词元：前缀要从头对起，「体育」后面不许接「教育部」的「部」。")
    mine = [list(name) for name in names]
    answer(mine, [])
    if mine != names:
        raise Hint("`names` 被你改动了（多半是给它添了 `</s>`）：先复制再改。")


@exercise("07-4")
def class_probabilities(answer: Callable) -> None:
    """`answer(log_ps)` -> probabilities of classes from the log probabilities of their tokens."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收每个类别一列的对数概率。")
    log_ps = [[-1.0, -1.0], [-1.0, -1.0, -2.0], [-0.5, -3.0]]

    def given(rows):
        with np.errstate(all="ignore"):
            result = answer([list(row) for row in rows])
        try:
            return np.array([float(each) for each in result])
        except (TypeError, ValueError):
            raise Hint("请返回一列数：每个类别一个概率。") from None

    found = given(log_ps)
    totals = np.array([sum(row) for row in log_ps])
    if found.shape != (3,):
        raise Hint("三个类别要返回三个数，每个类别一个。")
    if np.allclose(found, np.exp(totals)):
        raise Hint("这是整串的概率，加起来不等于 1：再除以它们的和。")
    if np.allclose(found, _softmax([np.mean(row) for row in log_ps])):
        raise Hint("你取了平均：那是「每个词元平均多可能」。整串的概率是连乘，对数要相加。")
    if np.allclose(found, _softmax([row[0] for row in log_ps])):
        raise Hint("只用了第一个词元：整串的概率要把每个词元的都算进去。")
    if np.allclose(found, _softmax([row[-1] for row in log_ps])):
        raise Hint("只用了最后一个词元：整串的概率要把每个词元的都算进去。")
    added = np.array([np.exp(row).sum() for row in log_ps])
    if np.allclose(found, added / added.sum()) or np.allclose(found, added):
        raise Hint("你把各词元的概率加了起来：一串都写对的概率是连乘，对数才是相加。")
    if np.allclose(found, _softmax([sum(row[:-1]) for row in log_ps])):
        raise Hint("漏了每列的最后一个数：`</s>` 也算，写完还要停得下来，才是这个名字。")
    if np.allclose(found, _softmax([sum(row) + 0.5 * len(row) for row in log_ps])):
        raise Hint("减早了：先把每列相加，再都减去最大的那个和；不是每个词元各减一次。")
    if np.allclose(found, _softmax(np.exp(totals))):
        raise Hint("多做了一次 softmax：整串的概率除以它们的和就行。")
    if np.allclose(found, _softmax([np.prod(row) for row in log_ps])):
        raise Hint("把对数乘了起来：概率相乘，就是对数相加。")
    if (found < 0).any():
        raise Hint("有负数：返回的应是概率，不是它的对数。")
    if np.allclose(found, totals / totals.sum()):
        raise Hint("对数不能直接拿来除：先取指数，变回概率，再除以总和。")
    if not np.allclose(found, _softmax(totals)):
        raise Hint("数值不对：先把每列相加，再对三个和做 softmax。")
    tiny = given([[-500.0] * 2, [-501.0] * 2])
    if not np.allclose(tiny, _softmax([0.0, -2.0])):
        raise Hint("名字很长时，概率小得变成了 0（0 除以 0）：取指数之前，先减去最大的和。")
    if not np.allclose(given([[-2000.0], [-1.0]]), [0.0, 1.0]):
        raise Hint("各名字的概率相差极大时溢出了：减去的应是最大的和，不是别的。")


def _softmax(values) -> np.ndarray:
    weights = np.exp(np.array(values) - max(values))
    return weights / weights.sum()


# Next-token probabilities of two little models. In the first the likeliest first token leads
# astray, in the second one name is the beginning of another.
ASTRAY = {
    (): {"时": 0.5, "教": 0.3, "其": 0.2},
    ("时",): {"间": 0.7, "政": 0.16, "尚": 0.14},
    ("时", "政"): {END: 0.9, "策": 0.1},
    ("时", "尚"): {END: 0.9, "圈": 0.1},
    ("教",): {"育": 0.9, "室": 0.1},
    ("教", "育"): {END: 0.9, "部": 0.1},
}
NESTED = {
    (): {"正": 0.6, "负": 0.4},
    ("正",): {"面": 0.8, END: 0.1, "确": 0.1},
    ("正", "面"): {END: 0.9, "的": 0.1},
    ("负",): {"面": 0.95, END: 0.05},
    ("负", "面"): {END: 0.95, "的": 0.05},
}


@exercise("07-5")
def best_name(answer: Callable) -> None:
    """`answer(names, next_log_p)` -> (most probable name, its log probability), few questions."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收名单和向模型提问的函数。")
    names = [("时", "政"), ("时", "尚"), ("教", "育")]
    name, total, asked = _search(answer, names, ASTRAY)
    if name and name[0] == "时" and name not in names:
        raise Hint("走到名单外面去了：模型最想写的词元不在名单上，也不许走。")
    if name in names[:2]:
        raise Hint("这是贪心：第一步「时」最可能，可整串最可能的是「教育」。别的路要留着比。")
    if name != ("教", "育"):
        raise Hint("名字不对：应返回整串概率最高的名字，一个词元的元组，不含 `</s>`。")
    if math.isclose(total, -math.log(0.3 * 0.9 * 0.9)):
        raise Hint("总分的正负号反了：对数概率不会大于 0。")
    if math.isclose(total, 0.3 * 0.9 * 0.9):
        raise Hint("返回的是概率：题目要总的**对数**概率。")
    if math.isclose(total, math.log(0.3 * 0.9)):
        raise Hint("总分里漏了 `</s>` 的对数概率：写完还要停得下来，才算写完。")
    if not math.isclose(total, math.log(0.3 * 0.9 * 0.9)):
        raise Hint("名字对了，总的对数概率不对：把这条路上每一步的对数概率相加，含 `</s>`。")
    _few_questions(asked, names, ASTRAY)
    nested = [("正",), ("正", "面"), ("负", "面")]
    name, total, asked = _search(answer, nested, NESTED)
    if name == ("正",):
        raise Hint(
            "太早收尾了：「正」是「正面」的开头，停在「正」的概率很小。"
            "`</s>` 也要计分，走到头的路也要排队，轮到它最高时才算数。"
        )
    if name == ("负", "面"):
        raise Hint("写完「正」还可以接着写成「正面」：一个名字是另一个的开头时，两条路都要留。")
    if name != ("正", "面"):
        raise Hint("一个名字是另一个的开头时，结果不对。")
    _few_questions(asked, nested, NESTED)
    for seed in range(20):
        names, model = _random_model(random.Random(seed))
        name, total, asked = _search(answer, names, model)
        totals = {each: _total(model, (*each, END)) for each in names}
        if not math.isclose(total, max(totals.values())) or name != max(totals, key=totals.get):
            raise Hint("随机造的名单上，找到的不是概率最高的那个：第一条走到头的，未必最高。")
        _few_questions(asked, names, model)


def _search(answer, names, model) -> tuple[tuple, float, list[tuple]]:
    """The answer's name and total, and what it asked."""
    asked = []

    def next_log_p(written):
        written = tuple(written)
        asked.append(written)
        if END in written:
            raise Hint("写出 `</s>` 就走到头了，不要再问接下来写什么。")
        if written not in model:
            raise Hint(f"问到了 `{written}`：走不成名单上任何名字的路，不必问。")
        return {token: math.log(p) for token, p in model[written].items()}

    result = answer(list(names), next_log_p)
    try:
        name, total = result
        return tuple(name), float(total), asked
    except (TypeError, ValueError):
        raise Hint("请返回两样：名字（词元的元组）和它总的对数概率。") from None


def _few_questions(asked, names, model):
    if len(asked) > len(set(asked)):
        raise Hint("同一个开头问了不止一次：名字之间开头相同的，只该问一次。")
    best = max(_total(model, (*name, END)) for name in names)
    prefixes = {name[:length] for name in names for length in range(len(name) + 1)}
    needed = sum(_total(model, prefix) > best for prefix in prefixes)
    if len(asked) > needed:
        raise Hint(
            f"答案对了，但问了 {len(asked)} 次，{needed} 次就够：总分已经不如现成答案的路，不必再问。"
        )


def _total(model, path) -> float:
    return sum(math.log(model[path[:place]][token]) for place, token in enumerate(path))


def _random_model(rng: random.Random) -> tuple[list[tuple], dict]:
    """Names over four tokens, and the next-token probabilities of a random model."""
    names = sorted({tuple(rng.choices("甲乙丙丁", k=rng.randint(1, 4))) for _ in range(12)})
    model = {}
    prefixes = {name[:length] for name in names for length in range(len(name) + 1)}
    for prefix in sorted(prefixes):  # a set's order differs from process to process
        weights = {token: rng.random() ** 3 + 0.001 for token in (*"甲乙丙丁", END)}
        model[prefix] = {token: each / sum(weights.values()) for token, each in weights.items()}
    return names, model


@exercise("07-6")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "BC",
        {
            "A": "权重一个也没有变。约束只是不许它写名单以外的。",
            "B": "自由时写对的，约束下照样写得出；能加的分只在出格的那四成里。",
            "C": "七成的概率不在任何一个类别名上，自由写时也真有四成出了格：它本想写的多半不是类别。",
            "D": "束只是找得更仔细，不改变模型给各个名字的概率。",
        },
    )
