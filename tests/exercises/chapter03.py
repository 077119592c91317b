"""Chapter 3: other right answers to its exercises, and wrong ones with the hints they earn."""

from exercises import changed

MASKABLE = """
def maskable(tokens):
    special = {"[CLS]", "[SEP]", "[PAD]", "[UNK]"}
    return [i for i, token in enumerate(tokens) if token not in special]
"""

MASKING = """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    fate = torch.rand(input_ids.shape)
    anything = torch.randint(vocab_size, input_ids.shape)
    mixed = torch.where(fate < 0.8, mask_id, torch.where(fate < 0.9, anything, input_ids))
    return torch.where(chosen, mixed, input_ids)
"""

WORDS = """
def word_numbers(tokens, words):
    word_at = [number for number, word in enumerate(words) for _ in word]
    numbers, place = [], 0
    for token in tokens:
        if token in ("[CLS]", "[SEP]"):
            numbers.append(None)
            continue
        numbers.append(word_at[place])
        place += len(token.removeprefix("##"))
    return numbers
"""

TRAINING = """
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for step in range(steps):
        batch = [rows[i % len(rows)] for i in range(step * batch_size, (step + 1) * batch_size)]
        loss = model(**collate(batch)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
"""
ITS_BATCH = (
    "batch = [rows[i % len(rows)] for i in range(step * batch_size, (step + 1) * batch_size)]"
)
ITS_OPTIMIZER = "    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)\n"

EXERCISES = {
    "03-1": {
        "alternative": """
def maskable(tokens):
    places = set(range(len(tokens)))
    for place, token in enumerate(tokens):
        if token in {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}:
            places.discard(place)
    return sorted(places)
""",
        "also_right": [
            # numpy
            """
import numpy as np

def maskable(tokens):
    return np.flatnonzero(~np.isin(tokens, ["[CLS]", "[SEP]", "[PAD]", "[UNK]"]))
""",
            # torch
            """
import torch

def maskable(tokens):
    special = ("[CLS]", "[SEP]", "[PAD]", "[UNK]")
    return torch.tensor([token not in special for token in tokens]).nonzero().flatten()
""",
            # a set by a regular expression
            r"""
import re

def maskable(tokens):
    return {i for i, token in enumerate(tokens) if not re.fullmatch(r"\[[A-Z]{3,}\]", token)}
""",
        ],
        "wrong": [
            (changed(MASKABLE, ("enumerate(tokens)", "enumerate(tokens, 1)")), "从 1 数起了"),
            (
                changed(
                    MASKABLE,
                    (
                        "[i for i, token in enumerate(tokens) if token not in special]",
                        "[token not in special for token in tokens]",
                    ),
                ),
                "每个位置的真假",
            ),
            (
                changed(
                    MASKABLE,
                    (
                        "[i for i, token in enumerate(tokens) if token not in special]",
                        "list(range(sum(token not in special for token in tokens)))",
                    ),
                ),
                "先去掉特殊词元再数",
            ),
            # the place of the first of equal tokens
            (
                changed(
                    MASKABLE,
                    (
                        "[i for i, token in enumerate(tokens)",
                        "[tokens.index(token) for token in tokens",
                    ),
                ),
                "别用 index 按内容找",
            ),
            ("def maskable(tokens):\n    return range(len(tokens))\n", "[CLS] 不能遮"),
            # without the first and the last token: the inner [SEP] and the padding remain
            ("def maskable(tokens):\n    return list(range(1, len(tokens) - 1))\n", "[SEP] 不能遮"),
            (changed(MASKABLE, (', "[PAD]", "[UNK]"', "")), "[PAD] 不能遮"),
            (changed(MASKABLE, (', "[UNK]"', "")), "[UNK] 不能遮"),
            # what opens with a bracket
            (changed(MASKABLE, ("token not in special", "token[0] != '['")), "正文里的方括号"),
            # segment A only
            (
                changed(
                    MASKABLE, ("enumerate(tokens)", "enumerate(tokens[: tokens.index('[SEP]')])")
                ),
                "片段 A 和片段 B",
            ),
            (changed(MASKABLE, ("[i for i, token", "[token for i, token")), "返回了词元本身"),
            (
                # truth values in an array
                """
import numpy as np

def maskable(tokens):
    return ~np.isin(tokens, ["[CLS]", "[SEP]", "[PAD]", "[UNK]"])
""",
                "每个位置的真假",
            ),
        ],
    },
    "03-2": {
        "alternative": """
import torch

def make_labels(original, chosen):
    labels = torch.full_like(original, -100)
    labels[chosen] = original[chosen]
    return labels
""",
        "also_right": [
            # arithmetic
            """
import torch
def make_labels(original, chosen):
    return original * chosen + -100 * ~chosen
""",
            # masked_fill
            """
def make_labels(original, chosen):
    return original.masked_fill(chosen.logical_not(), -100)
""",
            # nested loops
            """
import torch

def make_labels(original, chosen):
    rows = []
    for ids, marks in zip(original.tolist(), chosen.tolist()):
        rows.append([i if mark else -100 for i, mark in zip(ids, marks)])
    return torch.tensor(rows)
""",
            # full_like
            """
import torch

def make_labels(original, chosen):
    labels = torch.full_like(original, -100)
    labels[chosen] = original[chosen]
    return labels
""",
            # numpy inside
            """
import numpy as np
import torch

def make_labels(original, chosen):
    return torch.from_numpy(np.where(chosen.numpy(), original.numpy(), -100))
""",
        ],
        "wrong": [
            (
                # sorted
                """
import torch
def make_labels(original, chosen):
    labels = torch.zeros_like(original) - 100
    labels[chosen] = original[chosen].sort().values
    return labels
""",
                "选中的位置上，标签应是原来的编号",
            ),
            (
                # labels as floating-point numbers
                """
import torch

def make_labels(original, chosen):
    return torch.where(chosen, original.float(), torch.tensor(-100.0))
""",
                "标签的类型变了",
            ),
            ("def make_labels(original, chosen):\n    return original.clone()\n", "照抄即可"),
            (
                "def make_labels(original, chosen):\n"
                "    return original.masked_fill(chosen.logical_not_(), -100)\n",
                "chosen 被改掉了",
            ),
            (
                "def make_labels(original, chosen):\n    return original * chosen\n",
                "处处猜 [PAD]",
            ),
            (
                "def make_labels(original, chosen):\n"
                "    return original.masked_fill(chosen, -100)\n",
                "反了",
            ),
            (
                "def make_labels(original, chosen):\n    return original[chosen]\n",
                "形状要与编号相同",
            ),
            (
                "def make_labels(original, chosen):\n"
                "    original[~chosen] = -100\n"
                "    return original\n",
                "被改掉了",
            ),
            (
                # the id of [MASK] instead of the answer
                "def make_labels(original, chosen):\n"
                "    return original.masked_fill(chosen, 4).masked_fill(~chosen, -100)\n",
                "模型要猜的答案",
            ),
            (
                "def make_labels(original, chosen):\n"
                "    return original.masked_fill(~chosen, -1)\n",
                "都要填 -100",
            ),
        ],
    },
    "03-3": {
        "alternative": """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    masked = input_ids.clone()
    hidden = chosen & torch.bernoulli(torch.full(input_ids.shape, 0.8)).bool()
    masked[hidden] = mask_id
    # A half of what is left is a tenth of the whole.
    swapped = chosen & ~hidden & torch.bernoulli(torch.full(input_ids.shape, 0.5)).bool()
    masked[swapped] = torch.randint(vocab_size, input_ids.shape)[swapped]
    return masked
""",
        "also_right": [
            # NumPy, place by place
            """
import numpy as np, torch
def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    out = input_ids.clone()
    places = chosen.nonzero()
    what = np.random.choice(3, len(places), p=[.8, .1, .1])
    for (r, c), w in zip(places.tolist(), what):
        if w == 0: out[r, c] = mask_id
        elif w == 1: out[r, c] = np.random.randint(vocab_size)
    return out
""",
            # bernoulli in two steps
            """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    masked = input_ids.clone()
    hidden = torch.bernoulli(torch.full(masked.shape, 0.8)).bool() & chosen
    masked[hidden] = mask_id
    drawn = torch.bernoulli(torch.full(masked.shape, 0.5)).bool() & chosen & ~hidden
    masked[drawn] = torch.randint(vocab_size, masked.shape)[drawn]
    return masked
""",
            # numpy with a generator of its own
            """
import numpy as np
import torch

generator = np.random.default_rng()

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    masked, picked = input_ids.numpy().copy(), chosen.numpy()
    fate = generator.choice(3, size=masked.shape, p=[0.8, 0.1, 0.1])
    masked[picked & (fate == 0)] = mask_id
    other = picked & (fate == 1)
    masked[other] = generator.integers(0, vocab_size, other.sum())
    return torch.from_numpy(masked)
""",
            # exact shares by a permutation
            """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    flat = input_ids.flatten().clone()
    places = chosen.flatten().nonzero()[:, 0]
    places = places[torch.randperm(len(places))]
    eight, nine = round(0.8 * len(places)), round(0.9 * len(places))
    flat[places[:eight]] = mask_id
    flat[places[eight:nine]] = torch.randint(0, vocab_size, (nine - eight,))
    return flat.view_as(input_ids)
""",
            # a generator made once
            """
import torch

generator = torch.Generator().manual_seed(13)

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    fate = torch.rand(input_ids.shape, generator=generator)
    drawn = torch.randint(vocab_size, input_ids.shape, generator=generator)
    out = torch.where(chosen & (fate < 0.8), mask_id, input_ids)
    return torch.where(chosen & (fate >= 0.8) & (fate < 0.9), drawn, out)
""",
        ],
        "wrong": [
            (
                # both ends of the vocabulary left out
                """
import torch
def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    out = input_ids.clone()
    r = torch.rand(input_ids.shape)
    out[chosen & (r < .8)] = mask_id
    pick = chosen & (r >= .8) & (r < .9)
    out[pick] = torch.randint(1, vocab_size - 1, (int(pick.sum()),))
    return out
""",
                "词表两头的编号抽不到",
            ),
            (
                # one draw for all
                """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    fate = torch.rand(1)
    if fate < 0.8:
        return input_ids.masked_fill(chosen, mask_id)
    if fate < 0.9:
        return torch.where(chosen, torch.randint(vocab_size, input_ids.shape), input_ids)
    return input_ids.clone()
""",
                "整批只抽了一次签",
            ),
            # ids beyond the vocabulary
            (changed(MASKING, ("randint(vocab_size,", "randint(2 * vocab_size,")), "不在词表里"),
            (
                "def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):\n    return input_ids.masked_fill(chosen, mask_id)\n",
                "选中的全换成了 [MASK]",
            ),
            (
                # a tenth of the remaining fifth
                """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    masked = input_ids.clone()
    hidden = chosen & (torch.rand(input_ids.shape) < 0.8)
    swapped = chosen & ~hidden & (torch.rand(input_ids.shape) < 0.1)
    masked[hidden] = mask_id
    masked[swapped] = torch.randint(vocab_size, (int(swapped.sum()),))
    return masked
""",
                "只抽到了 2%",
            ),
            (
                # a second draw over the first
                """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    masked = input_ids.clone()
    masked[chosen & (torch.rand(input_ids.shape) < 0.8)] = mask_id
    swapped = chosen & (torch.rand(input_ids.shape) < 0.1)
    masked[swapped] = torch.randint(vocab_size, (int(swapped.sum()),))
    return masked
""",
                "应占选中的 80%，现在是 7",
            ),
            # nothing is left unchanged
            (
                changed(MASKING, ("torch.where(fate < 0.9, anything, input_ids)", "anything")),
                "换成随机词元的应占 10%，现在是 2",
            ),
            # the shares of the two exchanged
            (
                changed(MASKING, ("fate < 0.8", "fate < 0.1"), ("fate < 0.9", "fate < 0.2")),
                "应占选中的 80%，现在是 10%",
            ),
            # one draw a row
            (
                changed(
                    MASKING,
                    (
                        "torch.rand(input_ids.shape)",
                        "torch.linspace(0, 1, len(input_ids))[:, None]",
                    ),
                ),
                "一整行的命运都相同",
            ),
            # one random token for all
            (changed(MASKING, ("0.9, anything", "0.9, 99")), "随机词元总是那几个"),
            # every place, chosen or not
            (
                changed(MASKING, ("torch.where(chosen, mixed, input_ids)", "mixed")),
                "没选中的位置也变了",
            ),
            (
                "def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):\n    input_ids[chosen] = mask_id\n    return input_ids\n",
                "原来的编号还要留着做标签",
            ),
            # the same draw in each call
            (
                changed(MASKING, ("    fate =", "    torch.manual_seed(42)\n    fate =")),
                "两次抽得一模一样",
            ),
            (
                changed(
                    MASKING,
                    ("rand(input_ids.shape)", "rand(input_ids.shape, generator=torch.Generator())"),
                    (
                        "randint(vocab_size, input_ids.shape)",
                        "randint(vocab_size, input_ids.shape, generator=torch.Generator())",
                    ),
                ),
                "每次新造一个生成器",
            ),
            # ids with decimal places
            (
                changed(
                    MASKING,
                    (
                        "torch.randint(vocab_size, input_ids.shape)",
                        "torch.rand(input_ids.shape) * vocab_size",
                    ),
                ),
                "查表只认整数",
            ),
        ],
    },
    "03-4": {
        "alternative": """
def word_numbers(tokens, words):
    left = [len(word) for word in words]
    numbers, word = [], 0
    for token in tokens:
        if token in ("[CLS]", "[SEP]"):
            numbers.append(None)
            continue
        while left[word] == 0:
            word += 1
        numbers.append(word)
        left[word] -= len(token.removeprefix("##"))
    return numbers
""",
        "also_right": [
            # consumes the words
            """
def word_numbers(tokens, words):
    number, left, found = -1, 0, []
    for token in tokens:
        if token in {"[CLS]", "[SEP]"}:
            found.append(None)
            continue
        if left == 0:
            number += 1
            left = len(words[number])
        found.append(number)
        left -= len(token[2:] if token.startswith("##") else token)
    return tuple(found)
""",
            # ends by accumulate and bisect
            """
from bisect import bisect_right
from itertools import accumulate

def word_numbers(tokens, words):
    ends, place, found = list(accumulate(map(len, words))), 0, []
    for token in tokens:
        special = token in ("[CLS]", "[SEP]")
        found.append(None if special else bisect_right(ends, place))
        place += 0 if special else len(token.removeprefix("##"))
    return found
""",
            # numpy
            """
import numpy as np

def word_numbers(tokens, words):
    word_at = np.repeat(np.arange(len(words)), [len(word) for word in words])
    sizes = [0 if t in ("[CLS]", "[SEP]") else len(t.removeprefix("##")) for t in tokens]
    begins = np.cumsum(sizes) - sizes
    return [word_at[b] if size else None for b, size in zip(begins, sizes)]
""",
        ],
        "wrong": [
            # one character a token
            (changed(WORDS, ('len(token.removeprefix("##"))', "1")), "当成了一个字符"),
            (changed(WORDS, ('token.removeprefix("##")', "token")), "走过了头"),
            (changed(WORDS, ("word_at[place]", "word_at[place] + 1")), "词从 1 数起了"),
            (changed(WORDS, ("return numbers", "numbers")), "什么也没有返回"),
            # first places instead of word numbers
            (
                changed(
                    WORDS,
                    (
                        "return numbers",
                        "return [None if n is None else numbers.index(n) for n in numbers]",
                    ),
                ),
                "词首的位置",
            ),
            (
                # each token a word
                """
def word_numbers(tokens, words):
    inner = [i for i, t in enumerate(tokens) if t not in ("[CLS]", "[SEP]")]
    return [inner.index(i) if i in inner else None for i in range(len(tokens))]
""",
                "每个词元自成一词",
            ),
            (
                # by content: the second 银行 is taken for the first
                """
def word_numbers(tokens, words):
    numbers = []
    for token in tokens:
        piece = token.removeprefix("##")
        found = [i for i, word in enumerate(words) if piece in word]
        numbers.append(found[0] if found else None)
    return numbers
""",
                "它们是两个词",
            ),
            # ## counted as characters, with room for them
            (
                changed(
                    WORDS,
                    ("for _ in word]", "for _ in word] + [99] * 9"),
                    ('token.removeprefix("##")', "token"),
                ),
                "数长度时别算它",
            ),
            # a piece as a word of its own
            (
                changed(WORDS, ("word_at[place])", 'word_at[place] + token.startswith("##"))')),
                "是同一个词",
            ),
            # special tokens in a word
            (changed(WORDS, ("append(None)", "append(0)")), "应记为 None"),
            # special tokens left out
            (changed(WORDS, ("            numbers.append(None)\n", "")), "应与词元一样长"),
            # text has # too
            (changed(WORDS, ('removeprefix("##")', 'strip("#")')), "正文里也有 #"),
            # a word of its own where there is no [CLS]
            (
                changed(
                    WORDS,
                    (
                        "return numbers",
                        'return numbers if tokens[0] == "[CLS]" else list(range(len(tokens)))',
                    ),
                ),
                "一个词元可以有几个字符",
            ),
        ],
    },
    "03-5": {
        "alternative": """
import itertools
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    endless = itertools.cycle(rows)
    losses = []
    for _ in range(steps):
        batch = collate(list(itertools.islice(endless, batch_size)))
        optimizer.zero_grad()
        output = model(**batch)
        output.loss.backward()
        optimizer.step()
        losses.append(float(output.loss.detach()))
    return losses
""",
        "also_right": [
            # islice of a cycle, zero first
            """
import itertools
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    source = itertools.cycle(rows)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    model.train(True)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        batch = collate(list(itertools.islice(source, batch_size)))
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses += [float(loss)]
    return losses
""",
            # a place that wraps, model.zero_grad
            """
import torch
from torch.optim import AdamW

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    model.train()
    optimizer, place, losses = AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01), 0, ()
    while len(losses) < steps:
        batch = []
        for _ in range(batch_size):
            batch.append(rows[place])
            place = (place + 1) % len(rows)
        loss = model(**collate(batch)).loss
        loss.backward()
        optimizer.step()
        model.zero_grad()
        losses += (loss.detach().item(),)
    return losses
""",
            # plain gradient descent
            """
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    model.train()
    losses = []
    for step in range(steps):
        places = range(step * batch_size, (step + 1) * batch_size)
        loss = model(**collate([rows[place % len(rows)] for place in places])).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
""",
        ],
        "wrong": [
            (changed(TRAINING, ("lr=learning_rate", "lr=1e-3")), "学习率不是传进来的那个"),
            (
                changed(
                    TRAINING, ("    model.train()\n", "    model.train()\n    batch_size = 8\n")
                ),
                "写死成了 8",
            ),
            # a new optimizer each step
            (
                changed(
                    TRAINING,
                    (ITS_OPTIMIZER, ""),
                    (
                        "        optimizer.step()\n",
                        "    " + ITS_OPTIMIZER + "        optimizer.step()\n",
                    ),
                ),
                "每一步都新造了一个优化器",
            ),
            # the gradient cleared before the step
            (
                changed(
                    TRAINING,
                    (
                        "optimizer.step()\n        optimizer.zero_grad()",
                        "optimizer.zero_grad()\n        optimizer.step()",
                    ),
                ),
                "次序是反向、更新、清零",
            ),
            # static masks
            (
                changed(
                    TRAINING,
                    ("losses = []", "losses, batch = [], collate(rows)"),
                    (f"        {ITS_BATCH}\n", ""),
                    ("collate(batch)", "batch"),
                ),
                "静态掩码",
            ),
            # batches kept and gone through again
            (
                changed(
                    TRAINING,
                    ("import torch\n", "import itertools\nimport torch\n"),
                    (
                        "losses = []",
                        "losses, loader = [], torch.utils.data.DataLoader(rows, batch_size, collate_fn=collate)",
                    ),
                    (
                        "for step in range(steps)",
                        "for _, batch in zip(range(steps), itertools.cycle(loader))",
                    ),
                    (f"        {ITS_BATCH}\n", ""),
                    ("collate(batch)", "batch"),
                ),
                "反复用这四批",
            ),
            (
                changed(
                    TRAINING, ("        optimizer.step()\n        optimizer.zero_grad()\n", "")
                ),
                "optimizer.step()",
            ),
            (changed(TRAINING, ("        optimizer.zero_grad()\n", "")), "optimizer.zero_grad()"),
            (changed(TRAINING, (ITS_BATCH, "batch = rows[:batch_size]")), "别总取开头的几行"),
            # the last batch is short, or left out
            (
                changed(
                    TRAINING,
                    (
                        ITS_BATCH,
                        "start = step * batch_size % len(rows) // batch_size * batch_size\n        batch = rows[start : start + batch_size]",
                    ),
                ),
                "凑满 8 行",
            ),
            (
                changed(
                    TRAINING,
                    (
                        ITS_BATCH,
                        "start = step % (len(rows) // batch_size) * batch_size\n        batch = rows[start : start + batch_size]",
                    ),
                ),
                "也不跳过",
            ),
            (changed(TRAINING, ("    model.train()\n", "")), "model.train()"),
            (changed(TRAINING, ("loss.item()", "loss")), "loss.item()"),
            # the mean so far instead of the step's own loss
            (
                changed(
                    TRAINING,
                    (
                        "losses.append(loss.item())",
                        "losses.append((sum(losses) + loss.item()) / (step + 1))",
                    ),
                ),
                "存下来的不是那一步的损失",
            ),
            # a rate that falls
            (
                changed(
                    TRAINING,
                    (
                        "losses = []",
                        "losses = []\n    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)",
                    ),
                    ("optimizer.step()", "optimizer.step()\n        schedule.step()"),
                ),
                "学习率中途变了",
            ),
        ],
    },
    "03-6": {
        "alternative": "holds = {'d', 'A'}\n",
        "wrong": [
            ("holds = 'ABD'\n", "平台期就是这个样子。先背"),
            ("holds = 'A'\n", "一半对一半的题答对一半，"),
            ("holds = 'ADE'\n", "没有 E 这一句"),
            ("holds = 2\n", "一串字母"),
        ],
    },
}
