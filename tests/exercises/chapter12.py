"""Chapter 12: other right answers to its exercises, and wrong ones with their hints."""

from exercises import changed

FIRST_STEP = """
import torch
from torch.nn.functional import cross_entropy

def first_step(model, tokenizer, texts, labels):
    rows = tokenizer(texts, truncation=True, max_length=model.config.max_position_embeddings)
    batch = tokenizer.pad(rows, return_tensors="pt")
    wanted = torch.as_tensor(labels)
    logits = model(**batch).logits
    loss = cross_entropy(logits, wanted)
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    return float(loss.detach()), float((logits.argmax(1) == wanted).sum()) / len(labels)
"""
TRAIN = """
import torch

def train(model, batches):
    model.train(True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for batch in batches:
        output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        loss = torch.nn.functional.cross_entropy(output.logits, batch["labels"])
        loss.backward()
        optimizer.step()
        model.zero_grad()
        losses.append(float(loss.detach()))
    return losses
"""
SETTINGS = """
from transformers import TrainingArguments

def settings(folder):
    return TrainingArguments(
        folder,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        warmup_steps=3,
        report_to=[],
    )
"""
MODEL = """
import torch
from torch import nn
from torch.nn.functional import cross_entropy

def make_model(vocabulary, classes):
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(vocabulary, 16)
            self.positions = nn.Parameter(torch.randn(64, 16))
            self.head = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, classes))

        def forward(self, input_ids, attention_mask, labels):
            hidden = (self.words(input_ids) + self.positions[: input_ids.shape[1]]).relu()
            weights = attention_mask / attention_mask.sum(1, keepdim=True)
            scores = self.head(torch.einsum("blh,bl->bh", hidden, weights))
            return cross_entropy(scores, labels), scores

    return Bag()
"""
REPORT = """
import numpy as np
import torch

def report(model, tokenizer, train, test):
    model.eval()
    known = {text.strip() for text, _ in train}
    kept = [row for row in test if row[0].strip() not in known]
    counts = np.bincount([label for _, label in train])
    guesses = []
    for start in range(0, len(kept), 16):
        texts = [text for text, _ in kept[start : start + 16]]
        batch = tokenizer(texts, padding="longest", truncation=True, return_tensors="pt")
        with torch.no_grad():
            guesses += model(**batch).logits.argmax(-1).tolist()
    labels = np.array([label for _, label in kept])
    right = float((np.array(guesses) == labels).mean())
    return right, float((labels == counts.argmax()).mean()), len(kept)
"""


ZERO = ("        model.zero_grad()\n", "")
MASK = (', attention_mask=batch["attention_mask"]', "")
SOFTMAX = ("(output.logits,", "(output.logits.softmax(-1),")
TRUNCATION = ("truncation=True, max_length=model.config.max_position_embeddings", "")
POSITIONS = ("self.positions[:", "self.positions.data[:")
BATCHES = ("kept[start : start + 16]", "kept")

OTHER_STEP = """
import torch

def first_step(model, tokenizer, texts, labels):
    longest = model.config.max_position_embeddings
    options = {"padding": True, "truncation": True, "max_length": longest}
    batch = tokenizer(texts, return_tensors="pt", **options)
    batch["labels"] = torch.tensor(labels)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    outputs = model(**batch)
    outputs.loss.backward()
    optimizer.step()
    return outputs.loss.item(), (outputs.logits.argmax(-1) == batch["labels"]).float().mean().item()
"""

LOOP = """
import torch

def train(model, batches):
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for batch in batches:
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
"""

OTHER_MODEL = """
import torch
from torch import nn

def make_model(vocabulary, classes, width=32, length=64):
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(vocabulary, width)
            self.positions = nn.Parameter(torch.randn(length, width))
            self.classifier = nn.Linear(width, classes)

        def forward(self, input_ids, attention_mask, labels):
            hidden = (self.words(input_ids) + self.positions[: input_ids.shape[1]]).tanh()
            mask = attention_mask.unsqueeze(-1)
            scores = self.classifier((hidden * mask).sum(1) / mask.sum(1))
            return nn.functional.cross_entropy(scores, labels), scores

    return Classifier()
"""

OTHER_REPORT = """
from collections import Counter
import torch

@torch.no_grad()
def report(model, tokenizer, train, test):
    seen = {text.strip() for text, _ in train}
    rows = [(t, l) for t, l in test if t.strip() not in seen]
    most = Counter(label for _, label in train).most_common(1)[0][0]
    model.eval()
    right = 0
    for n in range(0, len(rows), 16):
        texts, labels = zip(*rows[n : n + 16])
        batch = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        right += (model(**batch).logits.argmax(-1) == torch.tensor(labels)).sum().item()
    return right / len(rows), sum(l == most for _, l in rows) / len(rows), len(rows)
"""


EXERCISES = {
    "12-1": {
        "alternative": FIRST_STEP,
        "also_right": [
            # its own loss
            """
import torch

def first_step(model, tokenizer, texts, labels):
    batch = tokenizer(
        list(texts),
        padding="longest",
        truncation=True,
        return_tensors="pt",
        max_length=model.config.max_position_embeddings,
    )
    labels = torch.as_tensor(labels)
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    logits = model(**batch).logits
    loss = torch.nn.functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return [float(loss), (logits.argmax(1) == labels).double().mean().item()]
""",
            # numpy accuracy
            """
import numpy as np
import torch

def first_step(model, tokenizer, texts, labels):
    tokenizer.model_max_length = model.config.max_position_embeddings
    batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    outputs = model(**batch, labels=torch.tensor(labels))
    outputs.loss.backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    guesses = outputs.logits.detach().numpy().argmax(-1)
    return outputs.loss.item(), np.mean(guesses == np.array(labels))
""",
            OTHER_STEP,
        ],
        "wrong": [
            (changed(FIRST_STEP, ("import torch\n", "")), "没有导入"),
            (changed(FIRST_STEP, ("tokenizer.pad(rows, ", "tokenizer(texts, ")), "少了填充"),
            (changed(FIRST_STEP, TRUNCATION), "最大长度"),
            (changed(FIRST_STEP, ("model(**batch)", "model(batch)")), "两个星号"),
            (changed(FIRST_STEP, ("    return float", "    return 0.0 * float")), "损失不对"),
            (
                changed(
                    FIRST_STEP, ("    torch.optim.SGD(model.parameters(), lr=0.1).step()\n", "")
                ),
                "参数没有动",
            ),
            (changed(FIRST_STEP, ("float(loss.detach())", "loss")), "`.item()`"),
            (changed(FIRST_STEP, (".sum()) / len(labels)", ".sum())")), "准确率不对"),
            (
                # accuracy after the update
                changed(
                    OTHER_STEP,
                    (
                        "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n",
                        "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n    model(**batch).loss.backward()\n    optimizer.step()\n",
                    ),
                    ("    outputs.loss.backward()\n    optimizer.step()\n", ""),
                ),
                "损失不对：要更新之前的、整批的平均",
            ),
            (
                # a text at a time
                """
import torch

def first_step(model, tokenizer, texts, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses, right = [], 0
    for text, label in zip(texts, labels):
        batch = tokenizer(text, truncation=True, max_length=32, return_tensors="pt")
        outputs = model(**batch, labels=torch.tensor([label]))
        outputs.loss.backward()
        losses.append(outputs.loss.item())
        right += int(outputs.logits.argmax() == label)
    optimizer.step()
    return sum(losses) / len(losses), right / len(texts)
""",
                "更新得不对",
            ),
            (
                # the long text dropped
                """
import torch

def first_step(model, tokenizer, texts, labels):
    rows = [(t, l) for t, l in zip(texts, labels) if len(t) < 30]
    batch = tokenizer([t for t, _ in rows], padding=True, return_tensors="pt")
    batch["labels"] = torch.tensor([l for _, l in rows])
    outputs = model(**batch)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    outputs.loss.backward()
    optimizer.step()
    return outputs.loss.item(), (outputs.logits.argmax(-1) == batch["labels"]).float().mean().item()
""",
                "损失不对：要更新之前的、整批的平均",
            ),
            (
                # the number of right ones
                changed(OTHER_STEP, ("float().mean", "sum")),
                "准确率不对",
            ),
            (
                # adamw
                changed(FIRST_STEP, (".SGD(", ".AdamW(")),
                "更新得不对",
            ),
        ],
    },
    "12-2": {
        "alternative": TRAIN,
        "also_right": [
            # the step by hand
            """
import torch
def train(model, batches):
    model.train()
    out = []
    for b in batches:
        loss = model(**b).loss
        model.zero_grad(); loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                if p.grad is not None: p -= 0.1 * p.grad
        out.append(float(loss))
    return out
""",
            # zero last, cross entropy by hand
            """
import torch
from torch import nn

def train(model, batches):
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=0.1), []
    model.train(mode=True)
    for batch in batches:
        labels = batch.pop("labels")
        loss = nn.CrossEntropyLoss()(model(**batch).logits, labels)
        loss.backward()
        optimizer.step()
        model.zero_grad()
        losses.append(float(loss.detach()))
    return tuple(losses)
""",
            # log softmax and nll
            """
import torch

def train(model, batches):
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    losses = []
    for batch in batches:
        for parameter in model.parameters():
            parameter.grad = None
        outputs = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        rows = torch.arange(len(batch["labels"]))
        loss = -outputs.logits.log_softmax(-1)[rows, batch["labels"]].mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
            LOOP,
        ],
        "wrong": [
            (
                # the gradients thrown away before the step
                """
import torch
def train(model, batches):
    model.train()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    out = []
    for b in batches:
        loss = model(**b).loss
        loss.backward(); opt.zero_grad(); opt.step()
        out.append(float(loss))
    return out
""",
                "反向和更新之间不能清零",
            ),
            (changed(TRAIN, ZERO), "梯度没有清零"),
            (changed(TRAIN, MASK), "注意力掩码没有传"),
            (changed(TRAIN, SOFTMAX), "先做了一遍"),
            (changed(TRAIN, ("    model.train(True)\n", "")), "`model.train()`"),
            (changed(TRAIN, ("    model.train(True)\n", ""), ZERO, MASK, SOFTMAX), "还有 4 处"),
            (changed(TRAIN, ("lr=0.1", "lr=0.2")), "学习率 0.1"),
            (changed(TRAIN, ("float(loss.detach())", "loss")), "`.item()`"),
            (changed(TRAIN, ("float(loss.detach())", "2 * loss.item()")), "返回的损失不对"),
            (
                # the last batch left out
                changed(LOOP, ("es:\n", "es[:-1]:\n")),
                "请返回一个列表",
            ),
            (
                # zeroed between backward and step
                changed(
                    LOOP,
                    ("        optimizer.zero_grad()\n", ""),
                    (
                        "        loss.backward()\n",
                        "        loss.backward()\n        optimizer.zero_grad()\n",
                    ),
                ),
                "参数没有动",
            ),
            (
                # losses after the update
                changed(
                    LOOP,
                    (
                        "        loss = model(**batch).loss\n        loss.backward()\n",
                        "        model(**batch).loss.backward()\n",
                    ),
                    ("d(lo", "d(model(**batch).lo"),
                ),
                "模型练对了",
            ),
        ],
    },
    "12-3": {
        "alternative": SETTINGS,
        "also_right": [
            # steps computed
            """
from transformers import TrainingArguments

def settings(folder):
    arguments = TrainingArguments(folder, report_to=[], eval_strategy="epoch")
    arguments.save_strategy = arguments.eval_strategy
    arguments.load_best_model_at_end = True
    arguments.metric_for_best_model = "eval_loss"
    arguments.greater_is_better = False
    arguments.warmup_steps = 3
    return arguments
""",
            # defaults for the loss
            """
from transformers import IntervalStrategy, TrainingArguments

def settings(folder):
    return TrainingArguments(
        output_dir=str(folder),
        eval_strategy=IntervalStrategy.EPOCH,
        save_strategy=IntervalStrategy.EPOCH,
        load_best_model_at_end=True,
        warmup_steps=0.1,
        report_to="none",
        num_train_epochs=3,
        save_total_limit=1,
    )
""",
        ],
        "wrong": [
            (changed(SETTINGS, ("eval_strategy", "evaluation_strategy")), "这个名字改了"),
            (changed(SETTINGS, ('save_strategy="epoch"', 'save_strategy="steps"')), "要同步"),
            (changed(SETTINGS, ("warmup_steps=3", "warmup_steps=500")), "预热 500 步"),
            (changed(SETTINGS, ("warmup_steps=3", "warmup_steps=0")), "应是头一成"),
            (
                changed(SETTINGS, ("warmup_steps=3", "warmup_steps=3, greater_is_better=True")),
                "损失**最高**",
            ),
            (changed(SETTINGS, ("report_to=[]", 'report_to="wandb"')), "登录提示"),
            (
                changed(SETTINGS, ("report_to=[]", 'report_to="none", metric_for_best_model="f1"')),
                "按验证损失",
            ),
            (changed(SETTINGS, ("load_best_model_at_end=True", "fp16=False")), "装回"),
            (
                # accuracy
                changed(
                    SETTINGS,
                    (" folder", " output_dir=folder"),
                    (
                        "        warmup_steps=3,\n        report_to=[],\n",
                        '        metric_for_best_model="accuracy",\n        warmup_steps=0.1,\n        report_to="none",\n',
                    ),
                ),
                "不报错了，还有 1 处",
            ),
            (
                # no warm-up
                changed(
                    SETTINGS,
                    (" folder", " output_dir=folder"),
                    (
                        "        warmup_steps=3,\n        report_to=[],\n",
                        '        metric_for_best_model="eval_loss",\n        greater_is_better=False,\n        report_to="none",\n',
                    ),
                ),
                "不报错了，还有 1 处",
            ),
            (
                # a dict
                """
def settings(folder):
    return dict(output_dir=folder, eval_strategy="epoch", save_strategy="epoch", report_to="none")
""",
                "请返回一份 `TrainingArguments`",
            ),
            (
                # by steps
                """
from transformers import TrainingArguments

def settings(folder):
    return TrainingArguments(
        output_dir=folder,
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=10,
        save_steps=10,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        warmup_steps=0.1,
        report_to="none",
    )
""",
                "不报错了，还有 2 处",
            ),
        ],
    },
    "12-4": {
        "alternative": MODEL,
        "also_right": [
            # an embedding of positions, dropout
            """
import torch
from torch import nn

class Classifier(nn.Module):
    def __init__(self, vocabulary, classes, width=24, length=128):
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(length, width)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(width, classes)

    def forward(self, input_ids, attention_mask, labels):
        place = torch.arange(input_ids.size(1))
        hidden = torch.tanh(self.words(input_ids) + self.places(place))
        hidden = hidden.masked_fill(attention_mask[..., None] == 0, 0)
        mean = hidden.sum(dim=1) / attention_mask.sum(dim=1, keepdim=True)
        scores = self.out(self.drop(mean))
        return nn.CrossEntropyLoss()(scores, labels), scores

def make_model(vocabulary, classes):
    return Classifier(vocabulary, classes)
""",
            # a row at a time
            """
import torch
from torch import nn

def make_model(vocabulary, classes, width=32, length=64):
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(vocabulary, width)
            self.positions = nn.Parameter(torch.randn(length, width))
            self.head = nn.Linear(width, classes)

        def forward(self, input_ids, attention_mask, labels):
            rows = []
            for ids, mask in zip(input_ids, attention_mask):
                hidden = (self.words(ids) + self.positions[: len(ids)]).tanh()
                rows.append(hidden[mask.bool()].mean(0))
            scores = self.head(torch.stack(rows))
            return nn.functional.cross_entropy(scores, labels), scores

    return Classifier()
""",
            # einsum, a list from forward
            """
import torch
from torch import nn
from torch.nn import functional as F

def make_model(vocabulary, classes, width=32, length=64):
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(vocabulary, width)
            self.positions = nn.Parameter(torch.randn(length, width))
            self.classifier = nn.Linear(width, classes)

        def forward(self, input_ids, attention_mask, labels):
            n = input_ids.shape[-1]
            hidden = (self.words(input_ids) + self.positions[:n]).tanh()
            weights = attention_mask / attention_mask.sum(-1, keepdim=True)
            scores = self.classifier(torch.einsum("bld,bl->bd", hidden, weights))
            return [F.cross_entropy(scores, labels), scores]

    return Classifier()
""",
            OTHER_MODEL,
        ],
        "wrong": [
            (
                changed(
                    MODEL,
                    (
                        "attention_mask / attention_mask.sum(1, keepdim=True)",
                        "attention_mask * 1.0",
                    ),
                ),
                "要的是平均",
            ),
            (
                changed(
                    MODEL,
                    (
                        "attention_mask / attention_mask.sum",
                        "(input_ids != 0) / (input_ids != 0).sum",
                    ),
                ),
                "按 `attention_mask`",
            ),
            (
                changed(MODEL, ("nn.Parameter(torch.randn(64, 16))", "torch.randn(64, 16)")),
                "不是参数",
            ),
            (changed(MODEL, ("    return Bag()", "    return Bag")), "末尾加一对括号"),
            (
                changed(MODEL, ("return cross_entropy(scores, labels), scores", "pass")),
                "`forward` 要返回",
            ),
            (changed(MODEL, POSITIONS), "参数 positions 没有梯度"),
            (changed(MODEL, ("self.head(", "nn.Linear(16, classes)(")), "算两次不一样"),
            (changed(MODEL, (", weights))", ", weights)).softmax(-1)")), "softmax"),
            (
                changed(
                    MODEL,
                    (
                        "attention_mask / attention_mask.sum(1, keepdim=True)",
                        "torch.ones(input_ids.shape) / input_ids.shape[1]",
                    ),
                ),
                "填充变了",
            ),
            (
                changed(MODEL, POSITIONS, (", weights))", ", weights)).softmax(-1)")),
                "还有 2 处",
            ),
            (
                changed(
                    MODEL,
                    (" + self.positions[: input_ids.shape[1]]", ""),
                    ("            self.positions = nn.Parameter(torch.randn(64, 16))\n", ""),
                ),
                "位置嵌入不能删",
            ),
            (
                # padding taken from the ids
                changed(
                    OTHER_MODEL,
                    ("attention_mask.unsqueeze(-1", "(input_ids != 0).unsqueeze(-1).float("),
                ),
                "还有 1 处",
            ),
            (
                # the mask multiplied, the whole length below
                changed(
                    OTHER_MODEL,
                    (
                        "            mask = attention_mask.unsqueeze(-1)\n            scores = self.classifier((hidden * mask).sum(1) / mask.sum(1))\n",
                        "            scores = self.classifier((hidden * attention_mask.unsqueeze(-1)).mean(1))\n",
                    ),
                ),
                "还有 1 处",
            ),
            (
                # layers in a plain list
                changed(
                    OTHER_MODEL,
                    (
                        "classifier = nn.Linear(width, classes)",
                        "layers = [nn.Linear(width, classes)]",
                    ),
                    (".classifier(", ".layers[0]("),
                ),
                "有一层没有登记成模型的参数",
            ),
            (
                # probabilities returned beside a right loss
                changed(MODEL, ("res\n", "res.softmax(-1)\n")),
                "还有 1 处",
            ),
        ],
    },
    "12-5": {
        "alternative": REPORT,
        "also_right": [
            # the model's own limit and device
            """
import torch
from collections import Counter
def report(model, tokenizer, train, test):
    model.eval()
    seen = {t.strip() for t, _ in train}
    rows = [(t, l) for t, l in test if t.strip() not in seen]
    top = Counter(l for _, l in train).most_common(1)[0][0]
    hits = 0
    for i in range(0, len(rows), 16):
        part = rows[i:i + 16]
        batch = tokenizer([t for t, _ in part], padding=True, truncation=True, max_length=model.config.max_position_embeddings, return_tensors="pt").to(model.device)
        with torch.inference_mode():
            said = model(**batch).logits.argmax(-1)
        hits += int((said == torch.tensor([l for _, l in part])).sum())
    return hits / len(rows), sum(l == top for _, l in rows) / len(rows), len(rows)
""",
            # DataLoader, sklearn
            """
import torch
from sklearn.metrics import accuracy_score
from statistics import mode
from torch.utils.data import DataLoader

def report(model, tokenizer, train, test):
    known = set(map(str.strip, dict(train)))
    rows = [row for row in test if row[0].strip() not in known]
    model.eval()
    guesses, labels = [], []
    with torch.inference_mode():
        for texts, batch_labels in DataLoader(rows, batch_size=16):
            batch = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
            guesses += model(**batch).logits.argmax(-1).tolist()
            labels += batch_labels.tolist()
    most = mode(label for _, label in train)
    return accuracy_score(labels, guesses), labels.count(most) / len(labels), len(labels)
""",
            # numpy, smaller batches, a list
            """
import numpy as np
import torch

def report(model, tokenizer, train, test):
    known = {text.strip() for text, _ in train}
    rows = [(text, label) for text, label in test if text.strip() not in known]
    labels = np.array([label for _, label in rows])
    most = np.bincount([label for _, label in train]).argmax()
    model.train(False)
    said = []
    for n in range(0, len(rows), 16):
        with torch.no_grad():
            batch = tokenizer(
                [t for t, _ in rows[n : n + 16]],
                return_tensors="pt",
                padding=True,
                truncation=True,
                max_length=tokenizer.model_max_length,
            )
            said.append(model(**batch).logits.numpy().argmax(-1))
    return [(np.concatenate(said) == labels).mean(), (labels == most).mean(), len(rows)]
""",
            # scikit-learn's dummy
            """
import torch
from sklearn.dummy import DummyClassifier

def report(model, tokenizer, train, test):
    seen = {text.strip() for text, _ in train}
    rows = [pair for pair in test if pair[0].strip() not in seen]
    texts, labels = [t for t, _ in rows], [l for _, l in rows]
    dummy = DummyClassifier().fit([[0]] * len(train), [l for _, l in train])
    model.eval()
    guesses = []
    for n in range(0, len(texts), 16):
        batch = tokenizer(texts[n : n + 16], padding=True, truncation=True, return_tensors="pt")
        with torch.no_grad():
            guesses.extend(int(row.argmax()) for row in model(**batch).logits)
    right = sum(g == l for g, l in zip(guesses, labels)) / len(labels)
    return right, dummy.score([[0]] * len(labels), labels), len(labels)
""",
            OTHER_REPORT,
        ],
        "wrong": [
            (changed(REPORT, (', padding="longest"', "")), "少了填充"),
            (
                changed(
                    REPORT,
                    ("with torch.no_grad():", "if True:"),
                    (".argmax(-1)", ".numpy().argmax(-1)"),
                ),
                "计算图",
            ),
            (
                changed(REPORT, ("for row in test if", "for row in train if True or")),
                "训练集报成绩",
            ),
            (changed(REPORT, (" if row[0].strip() not in known", "")), "没有去掉"),
            (changed(REPORT, (", truncation=True", "")), "分词时要截断"),
            (changed(REPORT, ("text.strip() for", "text for")), "两边都要 `strip()`"),
            (changed(REPORT, ("row[0].strip()", "row[0]")), "`strip()`"),
            (changed(REPORT, ("    model.eval()\n", "")), "训练状态"),
            (changed(REPORT, ("0, len(kept), 16", "0, 1"), BATCHES), "每 16 条一批"),
            (
                changed(
                    REPORT,
                    (
                        "np.bincount([label for _, label in train])",
                        "np.bincount([label for _, label in kept])",
                    ),
                ),
                "看过答案",
            ),
            (changed(REPORT, ("    return right, ", "    return right / 2, ")), "准确率不对"),
            (changed(REPORT, (" == counts.argmax()", " == 2")), "基线不对"),
            (
                # batches of 32
                changed(
                    OTHER_REPORT,
                    (
                        "    for n in range(0, len(rows), 16):\n        texts, labels = zip(*rows[n : n + 16])\n",
                        "    for n in range(0, len(rows), 32):\n        texts, labels = zip(*rows[n : n + 32])\n",
                    ),
                ),
                "一批有 32 条",
            ),
            (
                # cut far too short
                changed(
                    OTHER_REPORT,
                    (
                        '        batch = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")\n',
                        '        batch = tokenizer(\n            list(texts), padding=True, truncation=True, max_length=16, return_tensors="pt"\n        )\n',
                    ),
                ),
                "最长只读到 16 个词元",
            ),
            (
                # the mean of the batches
                changed(
                    OTHER_REPORT,
                    ("right = 0", "shares = []"),
                    (
                        "        right += (model(**batch).logits.argmax(-1) == torch.tensor(labels)).sum().item()\n    return right / len(rows), sum(l == most for _, l in rows) / len(rows), len(rows)\n",
                        "        shares.append(\n            (model(**batch).logits.argmax(-1) == torch.tensor(labels)).float().mean().item()\n        )\n    return sum(shares) / len(shares), sum(l == most for _, l in rows) / len(rows), len(rows)\n",
                    ),
                ),
                "准确率不对",
            ),
        ],
    },
    "12-6": {
        "alternative": "holds = ('C', 'B')\n",
        "wrong": [
            ("holds = 'ABC'\n", "混得过去"),
            ("holds = 'BCD'\n", "先治病"),
            ("holds = 'C'\n", "病例 21"),
        ],
    },
}
