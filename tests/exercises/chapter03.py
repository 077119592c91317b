"""Chapter 3: other right answers to its exercises, and wrong ones with the hints they earn."""

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
        "wrong": [
            (
                '\ndef maskable(tokens):\n    special = {"[CLS]", "[SEP]", "[PAD]", "[UNK]"}\n    return [place for place, token in enumerate(tokens, start=1) if token not in special]\n',
                "从 1 数起了",
            ),
            (
                '\ndef maskable(tokens):\n    return [token not in {"[CLS]", "[SEP]", "[PAD]", "[UNK]"} for token in tokens]\n',
                "每个位置的真假",
            ),
            (
                '\ndef maskable(tokens):\n    return list(range(sum(token not in {"[CLS]", "[SEP]", "[PAD]", "[UNK]"} for token in tokens)))\n',
                "先去掉特殊词元再数",
            ),
            (
                # the place of the first of equal tokens
                """
def maskable(tokens):
    special = {"[CLS]", "[SEP]", "[PAD]", "[UNK]"}
    return [tokens.index(t) for t in tokens if t not in special]
""",
                "别用 index 按内容找",
            ),
            ("def maskable(tokens):\n    return range(len(tokens))\n", "[CLS] 不能遮"),
            (
                # without the first and the last token: the inner [SEP] and the padding remain
                "def maskable(tokens):\n    return list(range(1, len(tokens) - 1))\n",
                "[SEP] 不能遮",
            ),
            (
                "def maskable(tokens):\n"
                "    special = ['[CLS]', '[SEP]']\n"
                "    return [i for i, token in enumerate(tokens) if token not in special]\n",
                "[PAD] 不能遮",
            ),
            (
                "def maskable(tokens):\n"
                "    special = ['[CLS]', '[SEP]', '[PAD]']\n"
                "    return [i for i, token in enumerate(tokens) if token not in special]\n",
                "[UNK] 不能遮",
            ),
            (
                # what opens with a bracket
                "def maskable(tokens):\n"
                "    return [i for i, token in enumerate(tokens) if token[0] != '[']\n",
                "正文里的方括号",
            ),
            (
                # segment A only
                "def maskable(tokens):\n"
                "    end = tokens.index('[SEP]')\n"
                "    return [i for i in range(1, end) if tokens[i] != '[UNK]']\n",
                "片段 A 和片段 B",
            ),
            (
                "def maskable(tokens):\n    return [t for t in tokens if t[0] != '[']\n",
                "返回了词元本身",
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
        "wrong": [
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
        "wrong": [
            (
                "\nimport torch\n\ndef mask_80_10_10(input_ids, chosen, mask_id, vocab_size):\n    fate = torch.rand(1)\n    if fate < 0.8:\n        return input_ids.masked_fill(chosen, mask_id)\n    if fate < 0.9:\n        return torch.where(chosen, torch.randint(vocab_size, input_ids.shape), input_ids)\n    return input_ids.clone()\n",
                "整批只抽了一次签",
            ),
            (
                # ids beyond the vocabulary
                """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    fate = torch.rand(input_ids.shape)
    anything = torch.randint(2 * vocab_size, input_ids.shape)
    changed = torch.where(fate < 0.8, mask_id, torch.where(fate < 0.9, anything, input_ids))
    return torch.where(chosen, changed, input_ids)
""",
                "不在词表里",
            ),
            (
                "def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):\n"
                "    return input_ids.masked_fill(chosen, mask_id)\n",
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
            (
                # nothing is left unchanged
                """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    hidden = torch.rand(input_ids.shape) < 0.8
    random_ids = torch.randint(vocab_size, input_ids.shape)
    changed = torch.where(hidden, mask_id, random_ids)
    return torch.where(chosen, changed, input_ids)
""",
                "换成随机词元的应占 10%，现在是 2",
            ),
            (
                # one draw a row
                """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    draw = torch.linspace(0, 1, len(input_ids)).unsqueeze(1).expand(input_ids.shape)
    random_ids = torch.randint(vocab_size, input_ids.shape)
    changed = torch.where(draw < 0.8, mask_id, torch.where(draw < 0.9, random_ids, input_ids))
    return torch.where(chosen, changed, input_ids)
""",
                "一整行的命运都相同",
            ),
            (
                # one random token for all
                """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    draw = torch.rand(input_ids.shape)
    changed = torch.where(draw < 0.8, mask_id, torch.where(draw < 0.9, 99, input_ids))
    return torch.where(chosen, changed, input_ids)
""",
                "随机词元总是那几个",
            ),
            (
                # every place, chosen or not
                """
import torch

def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):
    return torch.where(torch.rand(input_ids.shape) < 0.8, mask_id, input_ids)
""",
                "没选中的位置也变了",
            ),
            (
                "def mask_80_10_10(input_ids, chosen, mask_id, vocab_size):\n"
                "    input_ids[chosen] = mask_id\n"
                "    return input_ids\n",
                "原来的编号还要留着做标签",
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
        "wrong": [
            (
                '\ndef word_numbers(tokens, words):\n    word_at = [number for number, word in enumerate(words) for _ in word]\n    numbers, place = [], 0\n    for token in tokens:\n        if token in ("[CLS]", "[SEP]"):\n            numbers.append(None)\n            continue\n        numbers.append(word_at[place])\n        place += 1\n    return numbers\n',
                "当成了一个字符",
            ),
            (
                '\ndef word_numbers(tokens, words):\n    word_at = [number for number, word in enumerate(words) for _ in word]\n    numbers, place = [], 0\n    for token in tokens:\n        if token in ("[CLS]", "[SEP]"):\n            numbers.append(None)\n            continue\n        numbers.append(word_at[place])\n        place += len(token)\n    return numbers\n',
                "走过了头",
            ),
            (
                '\ndef word_numbers(tokens, words):\n    word_at = [number for number, word in enumerate(words) for _ in word]\n    numbers, place = [], 0\n    for token in tokens:\n        if token in ("[CLS]", "[SEP]"):\n            numbers.append(None)\n            continue\n        numbers.append(word_at[place] + 1)\n        place += len(token.removeprefix("##"))\n    return numbers\n',
                "词从 1 数起了",
            ),
            (
                '\ndef word_numbers(tokens, words):\n    word_at = [number for number, word in enumerate(words) for _ in word]\n    numbers, place = [], 0\n    for token in tokens:\n        if token in ("[CLS]", "[SEP]"):\n            numbers.append(None)\n            continue\n        numbers.append(word_at[place])\n        place += len(token.removeprefix("##"))\n    numbers\n',
                "什么也没有返回",
            ),
            (
                # first places instead of word numbers
                """
def word_numbers(tokens, words):
    starts = [number for number, word in enumerate(words) for _ in word]
    numbers, place = [], 0
    for token in tokens:
        if token in ("[CLS]", "[SEP]"):
            numbers.append(None)
            continue
        numbers.append(starts[place])
        place += len(token.removeprefix("##"))
    return [None if n is None else numbers.index(n) for n in numbers]
""",
                "词首的位置",
            ),
            (
                # each token a word
                "def word_numbers(tokens, words):\n"
                "    inner = [i for i, t in enumerate(tokens) if t not in ('[CLS]', '[SEP]')]\n"
                "    return [inner.index(i) if i in inner else None for i in range(len(tokens))]\n",
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
            (
                # ## counted as characters
                """
def word_numbers(tokens, words):
    at = [number for number, word in enumerate(words) for _ in word] + [99] * 9
    numbers, place = [], 0
    for token in tokens:
        if token in ("[CLS]", "[SEP]"):
            numbers.append(None)
        else:
            numbers.append(at[place])
            place += len(token)
    return numbers
""",
                "数长度时别算它",
            ),
            (
                # a piece as a word of its own
                """
def word_numbers(tokens, words):
    at = [number for number, word in enumerate(words) for _ in word]
    numbers, place, extra = [], 0, 0
    for token in tokens:
        if token in ("[CLS]", "[SEP]"):
            numbers.append(None)
            continue
        extra += token.startswith("##")
        numbers.append(at[place] + extra)
        place += len(token.removeprefix("##"))
    return numbers
""",
                "是同一个词",
            ),
            (
                # special tokens in a word
                """
def word_numbers(tokens, words):
    at = [number for number, word in enumerate(words) for _ in word]
    numbers, place = [0], 0
    for token in tokens[1:-1]:
        numbers.append(at[place])
        place += len(token.removeprefix("##"))
    return numbers + [numbers[-1]]
""",
                "应记为 None",
            ),
            (
                # one character a token
                """
def word_numbers(tokens, words):
    at = iter([number for number, word in enumerate(words) for _ in word])
    numbers = []
    for token in tokens:
        if token in ("[CLS]", "[SEP]"):
            numbers.append(None)
        elif token.startswith("##"):
            numbers.append(numbers[-1])
            next(at)
        else:
            numbers.append(next(at))
            if len(token) > 1 and token != "84":
                next(at)
    return [n if n is None or tokens[0] == "[CLS]" else p for p, n in enumerate(numbers)]
""",
                "两个字符",
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
        "wrong": [
            (
                # the learning rate is ignored
                """
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for step in range(steps):
        batch = [rows[i % len(rows)] for i in range(step * batch_size, (step + 1) * batch_size)]
        loss = model(**collate(batch)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
""",
                "学习率不是传进来的那个",
            ),
            (
                # batches of eight whatever is asked for
                """
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    model.train()
    batch_size = 8
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
""",
                "写死成了 8",
            ),
            (
                # a new optimizer each step
                """
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    model.train()
    losses = []
    for step in range(steps):
        batch = [rows[i % len(rows)] for i in range(step * batch_size, (step + 1) * batch_size)]
        loss = model(**collate(batch)).loss
        loss.backward()
        optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
""",
                "每一步都新造了一个优化器",
            ),
            (
                # the gradient cleared before the step
                """
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for step in range(steps):
        batch = [rows[i % len(rows)] for i in range(step * batch_size, (step + 1) * batch_size)]
        loss = model(**collate(batch)).loss
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
                "次序是反向、更新、清零",
            ),
            (
                # static masks
                """
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    batch, losses = collate(rows), []
    for _ in range(steps):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
""",
                "静态掩码",
            ),
            (
                # no optimizer.step()
                """
def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    model.train()
    losses = []
    for step in range(steps):
        loss = model(**collate(rows[:8])).loss
        loss.backward()
        losses.append(loss.item())
    return losses
""",
                "optimizer.step()",
            ),
            (
                # gradients pile up
                """
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
        losses.append(loss.item())
    return losses
""",
                "optimizer.zero_grad()",
            ),
            (
                # the first rows only
                """
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    for step in range(steps):
        loss = model(**collate(rows[:batch_size])).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
""",
                "别总取开头的几行",
            ),
            (
                # left in evaluation mode
                """
import torch

def continue_pretraining(model, rows, collate, steps, batch_size=8, learning_rate=3e-4):
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
""",
                "model.train()",
            ),
            (
                # tensors kept for losses
                """
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
        losses.append(loss)
    return losses
""",
                "loss.item()",
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
