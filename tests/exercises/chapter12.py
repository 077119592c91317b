"""Chapter 12: other right answers to its exercises, and wrong ones with their hints."""

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


def changed(code, *pairs):
    """The code with pieces of it replaced, each of which stands there once."""
    for right, wrong in pairs:
        assert code.count(right) == 1, right
        code = code.replace(right, wrong)
    return code


ZERO = ("        model.zero_grad()\n", "")
MASK = (', attention_mask=batch["attention_mask"]', "")
SOFTMAX = ("(output.logits,", "(output.logits.softmax(-1),")
TRUNCATION = ("truncation=True, max_length=model.config.max_position_embeddings", "")
POSITIONS = ("self.positions[:", "self.positions.data[:")
BATCHES = ("kept[start : start + 16]", "kept")

EXERCISES = {
    "12-1": {
        "alternative": FIRST_STEP,
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
        ],
    },
    "12-2": {
        "alternative": TRAIN,
        "wrong": [
            (changed(TRAIN, ZERO), "梯度没有清零"),
            (changed(TRAIN, MASK), "注意力掩码没有传"),
            (changed(TRAIN, SOFTMAX), "先做了一遍"),
            (changed(TRAIN, ("    model.train(True)\n", "")), "`model.train()`"),
            (changed(TRAIN, ("    model.train(True)\n", ""), ZERO, MASK, SOFTMAX), "还有 4 处"),
            (changed(TRAIN, ("lr=0.1", "lr=0.2")), "学习率 0.1"),
            (changed(TRAIN, ("float(loss.detach())", "loss")), "`.item()`"),
            (changed(TRAIN, ("float(loss.detach())", "2 * loss.item()")), "返回的损失不对"),
        ],
    },
    "12-3": {
        "alternative": SETTINGS,
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
        ],
    },
    "12-4": {
        "alternative": MODEL,
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
        ],
    },
    "12-5": {
        "alternative": REPORT,
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
