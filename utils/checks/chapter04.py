"""Checks for the exercises of chapter 4."""

import types
from collections.abc import Callable, Mapping

import torch

from utils.checks import AnswerFailed, Hint, exercise, judge


@exercise("04-1")
def segment_ids(answer: Callable) -> None:
    """`answer(first, second)` -> token_type_ids of a pair of so many tokens, as a list."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收两段各有几个词元。")
    found = list(answer(4, 3))
    if all(isinstance(each, str) for each in found):
        raise Hint("返回的是文字：要一列整数 0 和 1。")
    if set(map(int, found)) == {1, 2}:
        raise Hint("编号是 0 和 1，不是 1 和 2：第一段是 0。")
    if found == [0] * 4 + [1] * 3:
        raise Hint("忘了特殊词元：开头有一个 [CLS]，每段末尾各有一个 [SEP]。")
    if found == [0] * 5 + [1] * 5 or found == [0] * 5 + [1] * 4:
        raise Hint("第一段的 [SEP] 属于第一段，编号是 0。")
    if found == [1] * 6 + [0] * 4:
        raise Hint("弄反了：第一段是 0，第二段是 1。")
    if len(found) != 10:
        raise Hint(f"两段共 7 个词元，加上 3 个特殊词元，长度应是 10，现在是 {len(found)}。")
    if found != [0] * 6 + [1] * 4 or list(answer(1, 5)) != [0] * 3 + [1] * 6:
        raise Hint("第一段连同 [CLS] 和它的 [SEP] 是 0，第二段连同它的 [SEP] 是 1。")


@exercise("04-2")
def pad_batch(answer: Callable) -> None:
    """`answer(rows, pad_id, multiple)` -> dict of two int64 tensors (rows, length)."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收编号的列表、填充的编号、倍数。")
    rows = [[2, 7, 3], [2, 7, 8, 9, 3]]
    given = [list(row) for row in rows]
    try:
        batch = answer(given, 0, 4)
    except AnswerFailed as failure:
        if "expected sequence of length" in str(failure.__cause__):
            raise Hint("各行补得不一样长，拼不成矩阵：先定一个共同的长度，再补每一行。") from None
        raise
    if not isinstance(batch, Mapping) or set(batch) != {"input_ids", "attention_mask"}:
        raise Hint("请返回一个字典，键是 input_ids 和 attention_mask。")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    if not all(
        isinstance(each, torch.Tensor) and not each.is_floating_point() and each.dtype != torch.bool
        for each in (ids, mask)
    ):
        raise Hint("两个值都应是整数张量：`torch.tensor(...)`，别出现小数或真假值。")
    if ids.shape == (2, 5):
        raise Hint("只补到了最长的一条。还要补到 multiple 的倍数：最长 5，倍数 4，应补到 8。")
    if ids.shape != (2, 8):
        raise Hint(f"最长 5，倍数 4，形状应是 (2, 8)，现在是 {tuple(ids.shape)}。")
    if ids[0].tolist() == [0] * 5 + rows[0]:
        raise Hint("补到左边去了：BERT 补在右边。")
    if ids[0, :3].tolist() != rows[0] or ids[1, :5].tolist() != rows[1]:
        raise Hint("原来的编号变了，或不在开头。")
    if mask.tolist() == [[1] * 8, [1] * 8]:
        raise Hint("注意力掩码全是 1：填充的位置应是 0。")
    if mask.tolist() != [[1] * 3 + [0] * 5, [1] * 5 + [0] * 3]:
        raise Hint("注意力掩码不对：内容是 1，填充是 0。")
    if given != rows:
        raise Hint(
            "传进来的 rows 被改动了（多半是 +=、append）：下一遍再用，填充就成了内容。另造新的列表。"
        )
    other = answer([[5, 0, 6], [5, 6]], 9, 3)
    if other["input_ids"].tolist() == [[5, 0, 6, 0, 0, 0], [5, 6, 0, 0, 0, 0]]:
        raise Hint("最长的正好是倍数时，不必再多补一段；填充的编号也要用 pad_id。")
    if other["input_ids"].shape != (2, 3):
        raise Hint("最长的正好是倍数（最长 3，倍数 3）时，不必再补。")
    if other["input_ids"].tolist() != [[5, 0, 6], [5, 6, 9]]:
        raise Hint("填充的编号要用参数 pad_id，不一定是 0。")
    if other["attention_mask"].tolist() != [[1, 1, 1], [1, 1, 0]]:
        raise Hint("掩码要按长度写，不能按「编号是不是 0」写：内容里也可能有 0。")
    third = answer([[5], [5, 6, 7]], 9, 2)
    if third["input_ids"].tolist() != [[5, 9, 9, 9], [5, 6, 7, 9]]:
        raise Hint("为凑成倍数而补的那几个，也要用 pad_id。")
    try:
        shape = answer([[5, 6, 7], [5]], 9, 2)["input_ids"].shape
    except AnswerFailed:
        shape = None
    if shape != (2, 4):
        raise Hint("最长的一条不一定在最后：长度要在所有的行里取最大。")


@exercise("04-3")
def find_tokens(answer: Callable) -> None:
    """`answer(offsets, start, end)` -> positions of the tokens that touch characters start:end."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收偏移量的列表、开头、结尾。")
    # [CLS] iphone ##17 卖 89 ##99 元 [SEP] of "iPhone17 卖8999元"
    offsets = [(0, 0), (0, 6), (6, 8), (9, 10), (10, 12), (12, 14), (14, 15), (0, 0)]
    price = list(answer(list(offsets), 10, 15))
    if price == [3, 4, 5, 6]:
        raise Hint("把前面的「卖」也算进来了：它在第 10 个字符之前就结束了，结尾不含在内。")
    if price == [4, 5]:
        raise Hint("漏了最后一个词元「元」：它的结尾正好等于 end，应当算。")
    if price != [4, 5, 6]:
        raise Hint("字符 10 到 15 是「8999元」，应是第 4、5、6 个词元。")
    phone = list(answer(list(offsets), 0, 8))
    if 0 in phone or 7 in phone:
        raise Hint("特殊词元的偏移量是 (0, 0)，不占字符，不能算。")
    if phone != [1, 2]:
        raise Hint("字符 0 到 8 是「iPhone17」，应是第 1、2 个词元。")
    if list(answer(list(offsets), 2, 7)) != [1, 2]:
        raise Hint("只碰到一部分的词元也要算：字符 2 到 7 碰到 iphone 和 ##17。")
    if list(answer(list(offsets), 1, 3)) != [1]:
        raise Hint("词元比要找的一段还长，也要算：字符 1 到 3 在 iphone 里面。")
    short = [(0, 0), (0, 1), (1, 2), (0, 0), (0, 0)]
    if list(answer(short, 0, 2)) != [1, 2]:
        raise Hint("换一句、后面还有填充，就不对了：别把特殊词元的位置写死，它们的开头等于结尾。")
    if list(answer(list(offsets), 8, 9)) != []:
        raise Hint("字符 8 是空格，不属于任何词元，应返回空列表。")


@exercise("04-4")
def keep(answer: Callable) -> None:
    """`answer(first, second, room)` -> how many tokens longest_first leaves of each."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收两段的长度和能留下的总数。")
    found = tuple(answer(3, 4, 10))
    if found != (3, 4):
        raise Hint("放得下时一个也不剪：3 和 4 放进 10，应是 (3, 4)。")
    found = tuple(answer(3, 11, 7))
    if sum(found) < 7:
        raise Hint("剪多了：能留 7 个，就要留满 7 个。")
    if sum(found) > 7:
        raise Hint("剪少了：两段之和不能超过 room。")
    if found == (0, 7):
        raise Hint("这是 only_first：总是剪第一段。longest_first 剪的是较长的那段。")
    if found != (3, 4):
        raise Hint("较短的一段放得进一半，就整段留下，其余给较长的：3 和 11 放进 7，应是 (3, 4)。")
    if tuple(answer(11, 3, 7)) == (0, 7) or tuple(answer(11, 3, 7)) != (4, 3):
        raise Hint("换成第一段较长就不对了：11 和 3 放进 7，应是 (4, 3)。")
    if tuple(answer(9, 6, 7)) != (4, 3) or tuple(answer(6, 9, 7)) != (3, 4):
        raise Hint("两段都超过一半：各留一半，多出的一个归较长的。9 和 6 放进 7，应是 (4, 3)。")
    if tuple(answer(5, 5, 7)) != (3, 4):
        raise Hint("两段一样长时，多出的一个归第二段：5 和 5 放进 7，应是 (3, 4)。")
    for first in range(1, 9):
        for second in range(1, 9):
            for room in range(2, 17):
                if tuple(answer(first, second, room)) != longest_first(first, second, room):
                    raise Hint(f"{first} 和 {second} 放进 {room}，与库的结果不同。")


def longest_first(first: list[int], second: list[int], room: int) -> tuple[int, int]:
    """What the library's longest_first leaves of two lengths."""
    if first + second <= room:
        return first, second
    if first > second:
        return longest_first(second, first, room)[::-1]
    short = min(first, room // 2)
    return short, room - short


class Line(torch.nn.Module):
    """The smallest model that is called like one of the library: model(**batch).loss."""

    def __init__(self, scale):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([0.3, -0.2, 0.1]))
        self.scale = scale

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor) -> object:
        """`loss`: mean squared error of inputs (rows, 3) against labels (rows,), scaled."""
        loss = self.scale * ((inputs @ self.weight - labels) ** 2).mean()
        return types.SimpleNamespace(loss=loss)


# What goes wrong most often -> what to say of it.
MISTAKES = {
    "no accumulation": "每一批都更新了一次。攒够 accumulate 批的梯度才更新。",
    "no division": "梯度是几批之和。先把每批的损失除以 accumulate 再反向，才等于大批的平均。",
    "no clipping": "没有裁剪梯度：更新之前用 clip_grad_norm_ 把总长度限制在 1 以内。",
    "clipping each batch": "每一批都裁剪了一次。要等 accumulate 批攒齐了，更新之前裁剪一次。",
    "no schedule": "学习率一直没变：每更新一次，调度也要走一步。",
    "no warmup": "学习率没有预热：前 warmup 次更新从 0 线性升上去。",
    "schedule each batch": "调度每一批走了一步。它数的是更新的次数，不是批数。",
    "all in batches": "调度和预热数的是更新的次数：总步数、预热、每走一步，都不按批数算。",
    "batches as steps": "调度的总步数应是更新的次数，批数除以 accumulate，不是批数。",
    "no zeroing": "旧的梯度没有清零：更新之后要 zero_grad。",
    "zeroing each batch": "每一批之前都清了零，攒的梯度没了：更新之后才清。",
    "clipping values": "裁剪的是每个数（clip_grad_value_）：要限制的是总长度，用 clip_grad_norm_。",
    "schedule first": "调度走在更新的前面了：先 optimizer.step()，再走一步调度。",
    "first of the group": "在每组的第一批就更新了：攒满 accumulate 批再更新。",
}


def reference(
    model: torch.nn.Module,
    batches: list[dict],
    optimizer: torch.optim.Optimizer,
    warmup: int,
    accumulate: int,
    mistake: str | None = None,
) -> list[float]:
    """The loop that exercise 04-5 asks for, or one with a named mistake; returns the losses."""
    group = 1 if mistake == "no accumulation" else accumulate
    updates = len(batches) // group
    if mistake in ("batches as steps", "all in batches"):
        updates = len(batches)
    warmup = 0 if mistake == "no warmup" else warmup

    def share(step):
        if mistake == "no schedule":
            return 1.0
        if step < warmup:
            return step / warmup
        return max(0.0, (updates - step) / max(1, updates - warmup))

    highest, losses = optimizer.defaults["lr"], []
    ticks = int(mistake == "schedule first")
    for place, batch in enumerate(batches, start=1):
        if mistake == "zeroing each batch":
            optimizer.zero_grad()
        loss = model(**batch).loss
        (loss if mistake == "no division" else loss / group).backward()
        losses.append(loss.item())
        if mistake == "clipping each batch":
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        update = place % group == (mistake == "first of the group" and group > 1)
        if update:
            if mistake == "clipping values":
                torch.nn.utils.clip_grad_value_(model.parameters(), 1.0)
            elif mistake not in ("no clipping", "clipping each batch"):
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.param_groups[0]["lr"] = highest * share(ticks)
            optimizer.step()
            if mistake != "no zeroing":
                optimizer.zero_grad()
        ticks += update or mistake in ("schedule each batch", "all in batches")
    return losses


def trial(loop: Callable, scale: float, warmup: int, accumulate: int) -> tuple:
    """(losses, final weights, model) of a loop on eight small batches, always the same."""
    generator = torch.Generator().manual_seed(0)
    batches = [
        {
            "inputs": torch.randn(4, 3, generator=generator),
            "labels": torch.randn(4, generator=generator),
        }
        for _ in range(8)
    ]
    model = Line(scale).eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    losses = loop(model, batches, optimizer, warmup, accumulate)
    return losses, model.weight.detach().clone(), model


@exercise("04-5")
def train(answer: Callable) -> None:
    """`answer(model, batches, optimizer, warmup, accumulate)` -> the loss of each batch."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收模型、批的列表、优化器、warmup、accumulate。")
    losses, _, model = trial(answer, 0.05, 0, 1)
    if not isinstance(losses, (list, tuple)) or len(losses) != 8:
        raise Hint("请返回一个列表，每一批一个损失。")
    if any(isinstance(loss, torch.Tensor) for loss in losses):
        raise Hint("返回的是张量，会一直拖着计算图：用 `.item()` 取出数来。")
    if not all(isinstance(loss, float | int) for loss in losses):
        raise Hint("返回的列表里不是数：每一批放一个损失。")
    if not model.training:
        raise Hint("开头要 `model.train()`：传进来的模型可能还在评估状态，随机失活是关着的。")
    # Small gradients show a missing division, large ones a missing clipping.
    settings = [(0.05, 2, 2), (30.0, 2, 2), (0.05, 0, 1), (30.0, 3, 4), (0.05, 1, 4)]
    results = [trial(answer, *each) for each in settings]
    if matches(results, settings):
        return
    for mistake, words in MISTAKES.items():
        if matches(results, settings, mistake, losses_too=False):
            raise Hint(words)
    if matches(results, settings, losses_too=False):
        raise Hint("模型训练对了，返回的损失不对：要的是每批自己的损失，不除以 accumulate。")
    raise Hint(
        "训练之后的权重不对。先让 warmup=0、accumulate=1 时与 4.6 节的 full_loop 相同，再加预热和累积。"
    )


def matches(
    results: list, settings: list, mistake: str | None = None, losses_too: bool = True
) -> bool:
    """Do the results equal those of the reference loop, with the mistake if one is named?"""
    for (losses, weights, _), setting in zip(results, settings, strict=True):
        wanted, its_weights, _ = trial(
            lambda *arguments: reference(*arguments, mistake=mistake), *setting
        )
        if not torch.allclose(weights, its_weights, atol=1e-6):
            return False
        if losses_too and not torch.allclose(torch.tensor(losses), torch.tensor(wanted), rtol=1e-4):
            return False
    return True


@exercise("04-6")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "BC",
        {
            "A": "身子的权重都装上了，缺的只有分类头：文件里本来就没有它。",
            "B": "MISSING 的张量是新造的，谁也没有教过它。",
            "C": "文件里有、这个模型用不上的，不影响分类。",
            "D": "四百条里差三个百分点，抛硬币也常有；随机的头只会碰运气。",
        },
    )
