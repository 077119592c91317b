"""Chapter 4: other right answers to its exercises, and wrong ones with the hints they earn."""

from exercises import changed

TRAIN = """
import torch

def train(model, batches, optimizer, warmup, accumulate):
    model.train()
    updates = len(batches) // accumulate
    highest = [group["lr"] for group in optimizer.param_groups]
    losses = []
    for update in range(updates):
        part = batches[update * accumulate : (update + 1) * accumulate]
        if update < warmup:
            share = update / warmup
        else:
            share = (updates - update) / (updates - warmup)
        for group, rate in zip(optimizer.param_groups, highest):
            group["lr"] = rate * share
        optimizer.zero_grad()
        for batch in part:
            loss = model(**batch).loss
            (loss / len(part)).backward()
            losses.append(float(loss.detach()))
        torch.nn.utils.clip_grad_norm_(list(model.parameters()), max_norm=1.0)
        optimizer.step()
    return losses
"""


def train_with(right, wrong):
    """The other right loop of exercise 04-5 with one piece of it replaced."""
    return changed(TRAIN, (right, wrong))


PADDED = """
import torch

def pad_batch(rows, pad_id, multiple):
    length = -(-max(len(row) for row in rows) // multiple) * multiple
    ids = [row + [pad_id] * (length - len(row)) for row in rows]
    mask = [[1] * len(row) + [0] * (length - len(row)) for row in rows]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
"""

TRAINING = """
import torch
from transformers import get_scheduler

def train(model, batches, optimizer, warmup, accumulate):
    model.train()
    schedule = get_scheduler("linear", optimizer, warmup, len(batches) // accumulate)
    losses = []
    for place, batch in enumerate(batches, start=1):
        loss = model(**batch).loss
        (loss / accumulate).backward()
        losses.append(loss.item())
        if place % accumulate == 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return losses
"""


def train_in_batches(total):
    """A loop that moves its schedule, of so many steps, at each batch."""
    return changed(
        TRAINING,
        ("len(batches) // accumulate", total),
        ("            schedule.step()\n", ""),
        ("    return losses", "        schedule.step()\n    return losses"),
    )


EXERCISES = {
    "04-1": {
        "alternative": """
def segment_ids(first, second):
    ids = []
    for place in range(first + second + 3):
        ids.append(int(place > first + 1))
    return ids
""",
        "also_right": [
            # a generator over places
            """
def segment_ids(first, second):
    return tuple(int(place > first + 1) for place in range(first + second + 3))
""",
            # numpy
            """
import numpy as np

def segment_ids(first, second):
    return np.repeat([0, 1], [first + 2, second + 1])
""",
            # torch
            """
import torch

def segment_ids(first, second):
    return torch.cat([torch.zeros(first + 2), torch.ones(second + 1)]).long()
""",
        ],
        "wrong": [
            (
                "def segment_ids(first, second):\n    return [0] * first + [1] * second\n",
                "特殊词元",
            ),
            (
                "def segment_ids(first, second):\n"
                "    return [0] * (first + 1) + [1] * (second + 2)\n",
                "第一段的 [SEP] 属于第一段",
            ),
            (
                "def segment_ids(first, second):\n"
                "    return [1] * (first + 2) + [0] * (second + 1)\n",
                "弄反了",
            ),
            (
                "def segment_ids(first, second):\n    return [0] * (first + 2) + [1] * second\n",
                "长度应是 10",
            ),
            (
                # a [SEP] too many
                """
def segment_ids(first, second):
    return [0] * (first + 2) + [1] * (second + 2)
""",
                "两段共 7 个词元",
            ),
            (
                # a string
                """
def segment_ids(first, second):
    return "0" * (first + 2) + "1" * (second + 1)
""",
                "返回的是文字",
            ),
            (
                # numbered from one
                """
def segment_ids(first, second):
    return [1] * (first + 2) + [2] * (second + 1)
""",
                "编号是 0 和 1",
            ),
            (
                # no separator in the middle
                """
def segment_ids(first, second):
    return [0] * (first + 1) + [1] * (second + 1)
""",
                "第一段的 [SEP] 属于第一段",
            ),
        ],
    },
    "04-2": {
        "alternative": """
import math
import torch

def pad_batch(rows, pad_id, multiple):
    length = math.ceil(max(map(len, rows)) / multiple) * multiple
    ids = torch.full((len(rows), length), pad_id)
    mask = torch.zeros((len(rows), length), dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
        mask[place, : len(row)] = 1
    return {"attention_mask": mask, "input_ids": ids}
""",
        "also_right": [
            # pad_sequence
            """
import torch
from torch.nn.utils.rnn import pad_sequence

def pad_batch(rows, pad_id, multiple):
    ids = pad_sequence([torch.tensor(row) for row in rows], True, pad_id)
    mask = pad_sequence([torch.ones(len(row), dtype=torch.long) for row in rows], True, 0)
    more = -ids.shape[1] % multiple
    pad = torch.nn.functional.pad
    return dict(input_ids=pad(ids, (0, more), value=pad_id), attention_mask=pad(mask, (0, more)))
""",
            # filled in, int32
            """
import math
import torch

def pad_batch(rows, pad_id, multiple):
    length = math.ceil(max(map(len, rows)) / multiple) * multiple
    ids = torch.full((len(rows), length), pad_id, dtype=torch.int32)
    mask = torch.zeros_like(ids)
    for n, row in enumerate(rows):
        ids[n, : len(row)] = torch.tensor(row)
        mask[n, : len(row)] = 1
    return {"attention_mask": mask, "input_ids": ids}
""",
            # numpy
            """
import numpy as np
import torch

def pad_batch(rows, pad_id, multiple):
    sizes = np.array([len(row) for row in rows])
    length = (sizes.max() + multiple - 1) // multiple * multiple
    mask = np.arange(length) < sizes[:, None]
    ids = np.full(mask.shape, pad_id)
    ids[mask] = np.concatenate(rows)
    return {"input_ids": torch.as_tensor(ids), "attention_mask": torch.as_tensor(mask.astype(int))}
""",
            # a BatchEncoding
            """
import torch
from transformers import BatchEncoding

def pad_batch(rows, pad_id, multiple):
    length = -(-max(len(row) for row in rows) // multiple) * multiple
    ids = [row + [pad_id] * (length - len(row)) for row in rows]
    mask = [[1] * len(row) + [0] * (length - len(row)) for row in rows]
    return BatchEncoding({"input_ids": ids, "attention_mask": mask}, tensor_type="pt")
""",
            PADDED,
        ],
        "wrong": [
            (
                # the columns up to the multiple filled with 0
                """
import torch
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

def pad_batch(rows, pad_id, multiple):
    rows = [torch.tensor(row) for row in rows]
    ids = pad_sequence(rows, batch_first=True, padding_value=pad_id)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    extra = -ids.shape[1] % multiple
    return {"input_ids": pad(ids, (0, extra)), "attention_mask": pad(mask, (0, extra))}
""",
                "为凑成倍数而补的",
            ),
            (
                # the longest row only
                """
import torch

def pad_batch(rows, pad_id, multiple):
    length = max(map(len, rows))
    ids = torch.tensor([row + [pad_id] * (length - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": (ids != pad_id).long()}
""",
                "只补到了最长的一条",
            ),
            (
                # always one more piece
                """
import torch

def pad_batch(rows, pad_id, multiple):
    length = (max(map(len, rows)) // multiple + 1) * multiple
    ids = torch.tensor([row + [pad_id] * (length - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": mask}
""",
                "不必再补",
            ),
            (
                # a mask from the ids
                """
import torch

def pad_batch(rows, pad_id, multiple):
    length = -(-max(map(len, rows)) // multiple) * multiple
    ids = torch.tensor([row + [pad_id] * (length - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": (ids != 0).long()}
""",
                "掩码要按长度写",
            ),
            (
                # padding on the left
                """
import torch

def pad_batch(rows, pad_id, multiple):
    length = -(-max(map(len, rows)) // multiple) * multiple
    ids = torch.tensor([[pad_id] * (length - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows])
    return {"input_ids": ids, "attention_mask": mask}
""",
                "补到左边去了",
            ),
            (
                # no mask to speak of
                """
import torch

def pad_batch(rows, pad_id, multiple):
    length = -(-max(map(len, rows)) // multiple) * multiple
    ids = torch.tensor([row + [pad_id] * (length - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
""",
                "注意力掩码全是 1",
            ),
            (
                # the rows padded in place
                """
import torch

def pad_batch(rows, pad_id, multiple):
    length = -(-max(len(row) for row in rows) // multiple) * multiple
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    for row in rows:
        row += [pad_id] * (length - len(row))
    return {"input_ids": torch.tensor(rows), "attention_mask": mask}
""",
                "传进来的 rows 被改动了",
            ),
            (
                # each row to its own multiple
                """
import torch

def pad_batch(rows, pad_id, multiple):
    ids = [row + [pad_id] * (-len(row) % multiple) for row in rows]
    mask = [[1] * len(row) + [0] * (-len(row) % multiple) for row in rows]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
""",
                "各行补得不一样长",
            ),
            (
                # lists
                changed(
                    PADDED,
                    ("import torch\n\n", ""),
                    (
                        'torch.tensor(ids), "attention_mask": torch.tensor(mask)',
                        'ids, "attention_mask": mask',
                    ),
                ),
                "两个值都应是整数张量",
            ),
            (
                # the mask inverted
                changed(PADDED, ("1] * len(row) + [0", "0] * len(row) + [1")),
                "注意力掩码不对",
            ),
            (
                # the length of the last row
                changed(PADDED, ("max(len(row) for row in rows", "len(rows[-1]")),
                "最长的一条不一定在最后",
            ),
        ],
    },
    "04-3": {
        "alternative": """
def find_tokens(offsets, start, end):
    wanted = set(range(start, end))
    return [i for i in range(len(offsets)) if wanted & set(range(*offsets[i]))]
""",
        "also_right": [
            # sets of places
            """
def find_tokens(offsets, start, end):
    wanted = set(range(start, end))
    return [i for i, (a, b) in enumerate(offsets) if wanted & set(range(a, b))]
""",
            # numpy
            """
import numpy as np

def find_tokens(offsets, start, end):
    begins, ends = np.array(offsets).T
    return np.flatnonzero((begins < ends) & (begins < end) & (ends > start))
""",
            # sets of characters
            """
def find_tokens(offsets, start, end):
    wanted = set(range(start, end))
    return [n for n, pair in enumerate(offsets) if wanted.intersection(range(*pair))]
""",
            # a generator with maximum and minimum
            """
def find_tokens(offsets, start, end):
    for n, (a, b) in enumerate(offsets):
        if max(a, start) < min(b, end):
            yield n
""",
            # strict bounds alone
            """
def find_tokens(offsets, start, end):
    return [n for n, (a, b) in enumerate(offsets) if n not in (0, 7) and a < end and b > start]
""",
        ],
        "wrong": [
            (
                # a token that is longer than the piece sought
                """
def find_tokens(offsets, start, end):
    return [
        place
        for place, (a, b) in enumerate(offsets)
        if a < b and (start <= a < end or start < b <= end)
    ]
""",
                "比要找的一段还长",
            ),
            (
                "def find_tokens(offsets, start, end):\n"
                "    return [i for i, (a, b) in enumerate(offsets) if a <= end and b >= start]\n",
                "前面的「卖」也算进来了",
            ),
            (
                "def find_tokens(offsets, start, end):\n"
                "    return [i for i, (a, b) in enumerate(offsets) if a >= start and b < end]\n",
                "漏了最后一个词元",
            ),
            (
                "def find_tokens(offsets, start, end):\n"
                "    return [i for i, (a, b) in enumerate(offsets) if a >= start and b <= end]\n",
                "特殊词元的偏移量",
            ),
            (
                "def find_tokens(offsets, start, end):\n"
                "    inside = lambda a, b: a < b and a >= start and b <= end\n"
                "    return [i for i, pair in enumerate(offsets) if inside(*pair)]\n",
                "只碰到一部分的词元也要算",
            ),
            (
                # the end included
                """
def find_tokens(offsets, start, end):
    return [n for n, (a, b) in enumerate(offsets) if a < b and a <= end and b > start]
""",
                "字符 8 是空格",
            ),
            (
                # the offsets themselves
                """
def find_tokens(offsets, start, end):
    return [(a, b) for a, b in offsets if a < b and a < end and b > start]
""",
                "字符 10 到 15 是「8999元」",
            ),
        ],
    },
    "04-4": {
        "alternative": """
def keep(first, second, room):
    # Take from the longer one until it fits; who was longer at first keeps the odd one.
    was_longer = first > second
    while first + second > room:
        if first > second or (first == second and not was_longer):
            first -= 1
        else:
            second -= 1
    return first, second
""",
        "also_right": [
            # by the library's rule, a list
            """
def keep(first, second, room):
    if first + second > room:
        short = min(first, second)
        if short > room // 2:
            short = room // 2
        first, second = [short, room - short] if first <= second else [room - short, short]
    return [first, second]
""",
        ],
        "wrong": [
            (
                "def keep(first, second, room):\n    return max(0, room - second), min(second, room)\n",
                "放得下时一个也不剪",
            ),
            (
                # only the first
                "def keep(first, second, room):\n"
                "    if first + second <= room:\n"
                "        return first, second\n"
                "    return max(0, room - second), min(second, room)\n",
                "这是 only_first",
            ),
            (
                # half of the room for each
                "def keep(first, second, room):\n"
                "    if first + second <= room:\n"
                "        return first, second\n"
                "    return min(first, room // 2), min(second, room // 2)\n",
                "剪多了",
            ),
            (
                # the odd one always to the first
                "def keep(first, second, room):\n"
                "    while first + second > room:\n"
                "        if first > second:\n"
                "            first -= 1\n"
                "        else:\n"
                "            second -= 1\n"
                "    return first, second\n",
                "多出的一个归较长的",
            ),
            (
                # one token at a time
                """
def keep(first, second, room):
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    return first, second
""",
                "两段都超过一半",
            ),
            (
                # halves always
                """
def keep(first, second, room):
    if first + second <= room:
        return first, second
    return room // 2, room - room // 2
""",
                "换成第一段较长就不对了",
            ),
            (
                # the rest to the longer when equal goes to the first
                """
def keep(first, second, room):
    if first + second <= room:
        return first, second
    short = min(first, second, room // 2)
    return (room - short, short) if first >= second else (short, room - short)
""",
                "两段一样长时",
            ),
        ],
    },
    "04-5": {
        "alternative": TRAIN,
        "also_right": [
            # a group at a time
            """
import torch
from transformers import get_linear_schedule_with_warmup
def train(model, batches, optimizer, warmup, accumulate):
    losses, groups = [], [batches[i:i + accumulate] for i in range(0, len(batches), accumulate)]
    schedule = get_linear_schedule_with_warmup(optimizer, warmup, len(groups))
    model.train()
    for group in groups:
        optimizer.zero_grad()
        for batch in group:
            loss = model(**batch).loss
            losses.append(float(loss.detach()))
            loss.backward()
        for p in model.parameters():
            if p.grad is not None: p.grad /= len(group)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step(); schedule.step()
    return losses
""",
            # LambdaLR by hand, zero first
            """
import torch

def train(model, batches, optimizer, warmup, accumulate):
    model.train()
    total = len(batches) // accumulate
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda n: n / warmup if n < warmup else max(0, (total - n) / max(1, total - warmup)),
    )
    losses = []
    for start in range(0, len(batches), accumulate):
        optimizer.zero_grad()
        for batch in batches[start : start + accumulate]:
            loss = model(**batch).loss
            loss.div(accumulate).backward()
            losses += [float(loss)]
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1)
        optimizer.step()
        schedule.step()
    return losses
""",
            # gradients divided, a tuple
            """
import torch
from transformers import get_linear_schedule_with_warmup

def train(model, batches, optimizer, warmup, accumulate):
    model.train()
    schedule = get_linear_schedule_with_warmup(optimizer, warmup, len(batches) / accumulate)
    losses = []
    for n, batch in enumerate(batches):
        loss = model(**batch).loss
        loss.backward()
        losses.append(loss.detach().numpy().item())
        if (n + 1) % accumulate:
            continue
        for parameter in model.parameters():
            parameter.grad /= accumulate
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        schedule.step()
    return tuple(losses)
""",
            # the accumulated losses in one backward
            """
import torch
from transformers import get_scheduler

def train(model, batches, optimizer, warmup, accumulate):
    model.train()
    schedule = get_scheduler("linear", optimizer, warmup, len(batches) // accumulate)
    losses, waiting = [], []
    for batch in batches:
        waiting.append(model(**batch).loss)
        if len(waiting) == accumulate:
            torch.stack(waiting).mean().backward()
            losses += [each.item() for each in waiting]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            waiting = []
    return losses
""",
            TRAINING,
        ],
        "wrong": [
            (
                # values clipped
                """
import torch
from transformers import get_scheduler
def train(model, batches, optimizer, warmup, accumulate):
    model.train()
    total = len(batches) // accumulate
    schedule = get_scheduler("linear", optimizer, warmup, total)
    out = []
    for n, batch in enumerate(batches, 1):
        loss = model(**batch).loss
        (loss / accumulate).backward()
        out.append(loss.item())
        if n % accumulate == 0:
            torch.nn.utils.clip_grad_value_(model.parameters(), 1.0)
            optimizer.step(); schedule.step(); optimizer.zero_grad()
    return out
""",
                "clip_grad_norm_",
            ),
            (train_with("(loss / len(part)).backward()", "loss.backward()"), "几批之和"),
            (
                train_with(
                    "        torch.nn.utils.clip_grad_norm_(list(model.parameters()), max_norm=1.0)\n",
                    "",
                ),
                "没有裁剪梯度",
            ),
            (train_with("rate * share", "rate"), "学习率一直没变"),
            (train_with("if update < warmup:", "if False:"), "权重不对"),
            (
                train_with("    losses = []", "    losses, warmup = [], 0"),
                "没有预热",
            ),
            (train_with("        optimizer.zero_grad()\n", ""), "没有清零"),
            (train_with("    model.train()\n", ""), "`model.train()`"),
            (train_with("float(loss.detach())", "loss"), "`.item()`"),
            (train_with("float(loss.detach())", "loss.item() / accumulate"), "返回的损失不对"),
            (
                changed(TRAINING, (" // accumulate", "")),
                "总步数应是更新的次数",
            ),
            (train_in_batches("len(batches) // accumulate"), "调度每一批走了一步"),
            (train_in_batches("len(batches)"), "都不按批数算"),
            (
                train_with(
                    "            losses.append(float(loss.detach()))\n"
                    "        torch.nn.utils.clip_grad_norm_(list(model.parameters()), max_norm=1.0)\n",
                    "            losses.append(float(loss.detach()))\n"
                    "            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n",
                ),
                "每一批都裁剪了一次",
            ),
            (
                """
import torch
from transformers import get_scheduler

def train(model, batches, optimizer, warmup, accumulate):
    model.train()
    schedule = get_scheduler("linear", optimizer, warmup, len(batches))
    losses = []
    for batch in batches:
        loss = model(**batch).loss
        loss.backward()
        losses.append(loss.item())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return losses
""",
                "每一批都更新了一次",
            ),
            (
                # each value clipped
                changed(TRAINING, ("norm", "value")),
                "裁剪的是每个数",
            ),
            (
                # the schedule first
                changed(
                    TRAINING,
                    (
                        "optimizer.step()\n            schedule.step()",
                        "schedule.step()\n            optimizer.step()",
                    ),
                ),
                "调度走在更新的前面了",
            ),
            (
                # updated at the first of each group
                changed(TRAINING, (", start=1", "")),
                "在每组的第一批就更新了",
            ),
            (
                # zeroed before each batch
                changed(
                    TRAINING,
                    (
                        "    for place, batch in enumerate(batches, start=1):\n",
                        "    for place, batch in enumerate(batches, start=1):\n        optimizer.zero_grad()\n",
                    ),
                    ("            optimizer.zero_grad()\n", ""),
                ),
                "每一批之前都清了零",
            ),
            (
                # a mean a group returned
                changed(
                    TRAINING,
                    (" = []", ", total = [], 0"),
                    (
                        "        losses.append(loss.item())\n",
                        "        total += loss.item()\n        losses.append(total / place)\n",
                    ),
                ),
                "模型训练对了",
            ),
        ],
    },
    "04-6": {
        "alternative": "holds = {'c', 'B'}\n",
        "wrong": [
            ("holds = 'ABC'\n", "身子的权重都装上了，缺的"),
            ("holds = 'B'\n", "文件里有、这个模型用不上"),
            ("holds = 'BCE'\n", "没有 E 这一句"),
            ("holds = 2\n", "一串字母"),
        ],
    },
}
