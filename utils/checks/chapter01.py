"""Checks for the exercises of chapter 1."""

from collections.abc import Callable

import torch

from utils.checks import AnswerFailed, Hint, describe, exercise, judge


@exercise("01-1")
def next_token_pairs(answer: Callable) -> None:
    """`answer(text)` -> [(context, next character), ...]."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收一句话。")
    found = answer("看电影")
    if isinstance(found, dict):
        raise Hint("要一串 `(上文, 下一个字)`，不是字典：用列表，一个字一对。")
    pairs = [tuple(pair) for pair in found]
    if pairs == [("看", "电"), ("看电", "影")]:
        raise Hint("第一个字也要猜：它的上文是空字符串。")
    if pairs == [("", "看"), ("看", "电"), ("看电", "影"), ("看电影", "")]:
        raise Hint("最后一个字后面没有字了，那一对没有答案，不要。")
    if pairs == [("看", "看"), ("看电", "电"), ("看电影", "影")]:
        raise Hint("答案泄漏进了上文：猜第 i 个字时，上文只到它的前一个字。")
    if pairs == [("", "看"), ("看", "电"), ("电", "影")]:
        raise Hint("上文只有一个字：GPT 看得见左边的全部，不只前一个。")
    if pairs == [("", "看电影"), ("看", "电影"), ("看电", "影")]:
        raise Hint("每次只猜一个字，不是后面的全部。")
    if pairs == [("看", ""), ("电", "看"), ("影", "看电")]:
        raise Hint("一对里先写上文，再写下一个字：你的反了。")
    if pairs == [("看电", "影"), ("看", "电"), ("", "看")]:
        raise Hint("次序反了：从第一个字排到最后一个字。")
    if pairs == [("电影", "看"), ("影", "电"), ("", "影")]:
        raise Hint("这是右边的字：GPT 看得见的是左边的，上文是 text[:i]。")
    if pairs and all(isinstance(context, list) for context, *_ in pairs):
        raise Hint("上文是一段字符串，不是一个个字的列表：用切片 text[:i]。")
    if pairs != [("", "看"), ("看", "电"), ("看电", "影")]:
        raise Hint(f"「看电影」应当得到三对，你的是 {pairs}。")
    if [tuple(pair) for pair in answer("天天看")] != [("", "天"), ("天", "天"), ("天天", "看")]:
        raise Hint("同一个字出现两次时不对：按位置取上文，不要用 index 去找。")
    if [tuple(pair) for pair in answer("a b")] != [("", "a"), ("a", " "), ("a ", "b")]:
        raise Hint("空格也是一个字符，也要猜：别把它去掉，也别按它切开。")
    if list(answer("")) != []:
        raise Hint("空文本没有字可猜，应返回空列表。")
    long = "上海自来水来自海上"
    if [tuple(pair) for pair in answer(long)] != [(long[:i], long[i]) for i in range(len(long))]:
        raise Hint("句子长了就不对：每个字都要有一对，九个字就是九对。")


@exercise("01-2", none_too=True)
def labels_needed(answer: Callable) -> None:
    """`answer(sizes, scores, target)` -> labels at the first crossing, or None."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收条数、准确率和目标。")
    sizes, scores = [50, 100, 200, 400, 900], [0.2, 0.3, 0.5, 0.6, 0.8]
    between = answer(list(sizes), list(scores), 0.55)
    if between is None:
        raise Hint("目标 0.55 在曲线的范围之内，应当返回一个数。")
    if abs(between - 400) < 1e-6:
        raise Hint(
            "返回的是测过的条数。两个测过的点之间要按直线插值：0.55 在 200 条与 400 条正中间。"
        )
    if abs(between - 200) < 1e-6:
        raise Hint("200 条时还没有达到目标。两个测过的点之间要按直线插值。")
    if abs(between - 300) > 1e-6:
        raise Hint(f"0.55 在 200 条与 400 条正中间，应为 300，你的是 {between}。")
    nearer = answer(list(sizes), list(scores), 0.52)
    if nearer is None or abs(nearer - 240) > 1e-6:
        if nearer is not None and abs(nearer - 300) < 1e-6:
            raise Hint("返回了两个测过的点的正中间：要看目标离哪一边近，按比例取。")
        if nearer is not None and abs(nearer - 360) < 1e-6:
            raise Hint("插值的方向反了：份额从左边那个点量起，(target - 左) / (右 - 左)。")
        raise Hint(f"0.52 在 200 条与 400 条之间、走过两成的地方，应为 240，你的是 {nearer}。")
    if answer(list(sizes), list(scores), 0.95) is not None:
        raise Hint("始终达不到目标时返回 None，不要用最大的条数冒充，也不要外推。")
    low = answer(list(sizes), list(scores), 0.1)
    if low is None or abs(low - 50) > 1e-6:
        raise Hint("最小的条数就已达到目标时，返回最小的条数，不要向左外推。")
    equal = answer(list(sizes), list(scores), 0.8)
    if equal is None or abs(equal - 900) > 1e-6:
        raise Hint("正好等于目标，也算达到了：0.8 在 900 条时达到。")
    first = answer([50, 100, 200], [0.5, 0.4, 0.6], 0.5)
    if first is None or abs(first - 50) > 1e-6:
        raise Hint("最小的条数正好等于目标，也算已经达到：返回最小的条数，后面的不必看。")
    dip = answer([50, 100, 200, 400], [0.2, 0.6, 0.3, 0.9], 0.5)
    if dip in (87, 88):
        raise Hint("不要取整：两点之间按直线插值，得到的可以是小数，这里是 87.5。")
    if dip is None or abs(dip - 87.5) > 1e-6:
        raise Hint("准确率不一定一路上升：要返回第一次达到目标的地方。")


@exercise("01-3")
def sense_gap(answer: Callable) -> None:
    """`answer(vectors, senses)` -> mean cosine within senses minus mean cosine between them."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收向量和意思编号。")
    torch.manual_seed(1)
    vectors = torch.randn(7, 5) * torch.linspace(0.5, 4, 7).unsqueeze(1) + 0.3
    senses = [0, 0, 0, 1, 1, 1, 1]
    got = float(answer(vectors.clone(), torch.tensor(senses)))
    label = torch.tensor(senses)
    same, itself = label[:, None] == label[None], torch.eye(7, dtype=torch.bool)
    dot = vectors @ vectors.T
    norm = vectors.norm(dim=1)
    cosine = dot / norm[:, None] / norm[None]

    def is_gap_of(similar, inside):
        return abs(got - float(similar[inside].mean() - similar[~same].mean())) < 1e-4

    if is_gap_of(cosine, same):
        raise Hint("把自己和自己也算进了组内：余弦恒为 1，白白抬高了组内的平均。")
    if is_gap_of(dot, same & ~itself) or is_gap_of(dot, same):
        raise Hint("这是点积，不是余弦：先把每个向量除以自己的长度，否则长的向量说了算。")
    if is_gap_of(-cosine, same & ~itself):
        raise Hint("方向反了：组内减组间。")
    if abs(got - float(cosine[same & ~itself].mean())) < 1e-4:
        raise Hint("这只是组内的平均，还要减去组间的平均。")
    if abs(got - float(cosine[same & ~itself].mean() - cosine[~itself].mean())) < 1e-4:
        raise Hint("减去的是全部句对的平均；组间只包括意思不同的句对。")
    groups = [cosine[label == each][:, label == each] for each in (0, 1)]
    means = [(each.sum() - len(each)) / (len(each) * (len(each) - 1)) for each in groups]
    if abs(got - float(sum(means) / 2 - cosine[~same].mean())) < 1e-4:
        raise Hint("先在每组里平均，再把两组平均：组有大有小，句对要放在一起，只平均一次。")
    if is_gap_of(cosine - cosine.diag().diag(), same):
        raise Hint("对角线填了 0，可还算在组内的平均里：自己和自己要去掉，不是算作 0。")
    if is_gap_of(dot / vectors.norm() ** 2, same & ~itself):
        raise Hint("除以的是整张矩阵的长度：每一句的向量除以自己的长度。")
    if is_gap_of(-torch.cdist(vectors, vectors), same & ~itself):
        raise Hint("这是距离，不是余弦：它还看向量的长短。")
    if is_gap_of(torch.corrcoef(vectors), same & ~itself):
        raise Hint("这是相关系数，先减了各自的平均：余弦不减。")
    along = torch.nn.functional.normalize(vectors, dim=0)
    if is_gap_of(along @ along.T, same & ~itself):
        raise Hint("缩放沿错了方向：每一句的向量除以自己的长度，`dim=-1`，不是沿着句子那一维。")
    if not is_gap_of(cosine, same & ~itself):
        raise Hint("结果不对：组内取意思相同的不同两句，组间取意思不同的两句，各求平均再相减。")


@exercise("01-4")
def span_corruption(answer: Callable) -> None:
    """`answer(tokens, spans)` -> (source, target) of T5's span corruption."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收词元列表和要挖的片段。")
    tokens = list("她在院子里晒太阳")
    result = answer(list(tokens), [(2, 4), (5, 6)])
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Hint("请返回两个列表：(source, target)。")
    if any(isinstance(part, str) for part in result):
        raise Hint("要两个列表，一个词元一项：你返回的是拼起来的文字。")
    source, target = (list(part) for part in result)
    if source == ["<X>", "院", "子", "<Y>", "晒", "<Z>"]:
        raise Hint("两个列表的次序反了：先返回 source，再返回 target。")
    if source == ["她", "在", "<X>", "里", "晒", "<Y>", "阳"]:
        raise Hint("改了列表之后，后面的位置都往前挪了：另造一个列表，或者从右边的片段改起。")
    if source == ["她", "在", "<X>", "<Y>", "里", "<Z>", "太", "阳"]:
        raise Hint("一段只换成一个记号，不是每个词元一个。")
    if source == ["她", "在", "<X>", "里", "<X>", "太", "阳"]:
        raise Hint("每一段用自己的记号：第一段 <X>，第二段 <Y>，否则解码器分不清在填哪一段。")
    if source == ["她", "在", "<X>", "<Y>", "阳"]:
        raise Hint("end 那个位置不包括在内，和 Python 的切片一样：「里」应当留下。")
    if source == ["她", "在", "<X>", "里", "<Y>"]:
        raise Hint("最后一段后面的词元丢了：「太阳」要留在 source 里。")
    if source != ["她", "在", "<X>", "里", "<Y>", "太", "阳"]:
        raise Hint(f"source 应当是 她 在 <X> 里 <Y> 太 阳，你的是 {' '.join(map(str, source))}。")
    if target == ["<X>", "院", "子", "<Y>", "晒"]:
        raise Hint("target 还差结尾的 <Z>：每一段都由下一个记号收尾，最后一段也一样。")
    if target == ["<X>", "院", "子", "<Y>", "晒", "<Y>"]:
        raise Hint("收尾的记号要用一个没用过的，不能再写一遍上一个。")
    if target == tokens:
        raise Hint("target 只写被挖掉的片段，不是整句：写得短，训练才快。")
    if target == ["院", "子", "晒"]:
        raise Hint("target 里每一段前面要有它的记号，否则分不清哪段填哪里。")
    if target != ["<X>", "院", "子", "<Y>", "晒", "<Z>"]:
        raise Hint(f"target 应当是 <X> 院 子 <Y> 晒 <Z>，你的是 {' '.join(map(str, target))}。")
    try:
        source, target = (list(part) for part in answer(list("春天来了"), [(0, 2)]))
    except AnswerFailed as failure:
        raise Hint(
            f"只挖一段时出错了（`{describe(failure.__cause__)}`）：别把段数写死成两段，用循环。"
        ) from None
    if (source, target) != (["<X>", "来", "了"], ["<X>", "春", "天", "<Y>"]):
        raise Hint("只挖一段、又在句首时不对：结尾的记号应是第一个没用过的，这里是 <Y>。")
    source, target = (list(part) for part in answer(list("春天"), []))
    if (source, target) != (["春", "天"], ["<X>"]):
        raise Hint("一段也不挖时，source 就是原文，target 只有收尾的 <X>。")
    source, target = (list(part) for part in answer(list("天上的天"), [(3, 4)]))
    if (source, target) != (["天", "上", "的", "<X>"], ["<X>", "天", "<Y>"]):
        raise Hint(
            "同一个词元出现两次时，换掉的是另一处：按位置挖，不要按内容找（`replace`、`index`）。"
        )


@exercise("01-5")
def prefix_attention(answer: Callable) -> None:
    """`answer(vectors, prefix)` -> self-attention of a prefix language model."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收向量和题目的长度。")
    torch.manual_seed(2)
    length, width, prefix = 6, 8, 3
    vectors = torch.randn(length, width)
    output = answer(vectors.clone(), prefix)
    if isinstance(output, torch.Tensor) and output.shape == (length, length):
        raise Hint("这是各位置的得分或权重，还差最后一步：乘以值，也就是 vectors。")
    if not isinstance(output, torch.Tensor) or output.shape != vectors.shape:
        raise Hint("输出的形状应与输入相同：(长度, 维数)。")
    if output.isnan().any():
        raise Hint(
            "输出里有 nan：可能有一行全被遮住了，或者 0 乘了负无穷。每个位置至少看得见自己。"
        )
    # Before the grid: masked after the softmax, everything is still seen through its denominator.
    same_rows = torch.ones_like(vectors)
    if not torch.allclose(answer(same_rows, prefix), same_rows, atol=1e-4):
        raise Hint(
            "各行权重之和不是 1：六个输入都相同时，输出也该是它。"
            "遮住要在 softmax 之前做（加负无穷），而且 softmax 要沿着最后一维。"
        )
    seen = _seen(answer, vectors, prefix)
    causal = torch.ones(length, length).tril().bool()
    wanted = causal.clone()
    wanted[:, :prefix] = True
    _explain_grid(seen, causal, wanted, prefix)
    scores = (vectors @ vectors.T).masked_fill(~wanted, float("-inf"))
    # Gradients cannot tell this: a position always matters to itself, as the query.
    others = wanted & ~torch.eye(length, dtype=torch.bool)
    others[:, :prefix] = True
    unseen_self = (vectors @ vectors.T / width**0.5).masked_fill(~others, float("-inf"))
    if torch.allclose(output, unseen_self.softmax(-1) @ vectors, atol=1e-4):
        raise Hint("回答里的位置看不见自己了：对角线也要留下。")
    if torch.allclose(output, scores.softmax(-1) @ vectors, atol=1e-4):
        raise Hint("少了缩放：点积要先除以维数的平方根，再做 softmax。")
    if torch.allclose(output, (scores / width).softmax(-1) @ vectors, atol=1e-4):
        raise Hint("除以了维数本身，应当除以它的平方根。")
    if torch.allclose(output, (scores / length**0.5).softmax(-1) @ vectors, atol=1e-4):
        raise Hint("除的是长度的平方根，应当除以向量维数的平方根。")
    if not torch.allclose(output, (scores / width**0.5).softmax(-1) @ vectors, atol=1e-4):
        raise Hint(
            "看见的范围对了，数值还不对：核对缩放、softmax 的方向（每一行之和为 1）和最后乘的值。"
        )
    if not (_seen(answer, vectors, 0) == causal).all():
        raise Hint("没有题目（prefix 为 0）时，应当就是 GPT 的下三角。")


def _seen(answer, vectors, prefix):
    """(length, length) bool: does row i of the answer's output change with input row j?"""
    vectors = vectors.clone().requires_grad_()
    no_gradient = Hint("输出对输入求不了梯度：函数里不要用 .data、.detach()、NumPy 或 no_grad。")
    try:
        output = answer(vectors, prefix)
    except AnswerFailed as failure:
        if "requires grad" in str(failure.__cause__):  # handed to NumPy
            raise no_gradient from None
        raise
    if not output.requires_grad:
        raise no_gradient
    direction = torch.randn(output.shape[-1])
    try:
        rows = [
            torch.autograd.grad(row @ direction, vectors, retain_graph=True)[0] for row in output
        ]
    except RuntimeError as error:
        raise Hint(
            f"输出对输入求不了梯度，有一步不可导（`{error}`）：用普通的除法和乘法。"
        ) from None
    return torch.stack([row.abs().sum(-1) > 0 for row in rows])


def _explain_grid(seen, causal, wanted, prefix):
    """Raise the hint that fits a grid of who sees whom, if it is not the one wanted."""
    if (seen == wanted).all():
        return
    if seen.all():
        raise Hint("没有遮住任何东西：每个位置都看得见整句，这是 BERT。")
    if (seen == causal).all():
        raise Hint("题目里的位置还看不见它右边的题目：这是 GPT，prefix 没有用上。")
    if (seen == wanted.T).all():
        raise Hint("行和列弄反了：行是正在算的位置，列是被看的位置，softmax 沿着列的方向做。")
    for shift in (-1, 1):
        other = causal.clone()
        other[:, : prefix + shift] = True
        if (seen == other).all():
            raise Hint("题目的长度差了一个：看得见的是编号小于 prefix 的那些列。")
    blocks = causal.clone()
    blocks[:prefix, :prefix] = True
    blocks[prefix:, :prefix] = False
    if (seen == blocks).all():
        raise Hint("回答看不见题目了：编号小于 prefix 的列，对每一行都是看得见的。")
    if (seen & ~wanted).any():
        row, column = (seen & ~wanted).nonzero()[0].tolist()
        raise Hint(f"位置 {row} 看见了不该看见的位置 {column}（从 0 数起，prefix = {prefix}）。")
    row, column = (wanted & ~seen).nonzero()[0].tolist()
    raise Hint(f"位置 {row} 应当看得见位置 {column}（从 0 数起，prefix = {prefix}）。")


@exercise("01-6")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "BC",
        {
            "A": "差三个点，± 却有五六个点，又只有三个种子：换一批种子，谁高谁低都可能。",
            "B": "差距比种子之间的起伏还小，这就叫分不出高下。",
            "C": "验证集也是一条条标出来的，挑学习率用掉了它，就要算进账里。",
            "D": "这两种方法差的不只是预训练。预训练的功劳要与同样结构、从零训练的比。",
        },
    )
