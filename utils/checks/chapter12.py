"""Checks for the exercises of chapter 12: broken training scripts, and what of them is still so."""

import itertools
import math
import tempfile
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForSequenceClassification, TrainingArguments, set_seed
from transformers.utils import ModelOutput

from utils.checks import AnswerFailed, Hint, describe, exercise, judge
from utils.models import load_tokenizer, resolve


def tiny_classifier(**options: object) -> BertForSequenceClassification:
    """One layer of width 16 without dropout, always with the same weights, in eval mode."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 32, "max_position_embeddings": 32, "num_labels": 3}
    sizes |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    set_seed(0)
    return BertForSequenceClassification(BertConfig(**{**sizes, **options})).eval()


def call(answer: Callable, causes: dict[str, str], *arguments: object) -> object:
    """`answer(*arguments)`; an error whose words are among the causes becomes their hint.

    Args:
        causes: part of "Type: message" -> what to look at, in Chinese.
    """
    try:
        return answer(*arguments)
    except AnswerFailed as failure:
        cause = failure.__cause__
        said = f"{type(cause).__name__}: {cause}"
        for part, hint in causes.items():
            if part in said:
                raise Hint(f"报错 `{said[:90]}`。{hint}") from failure
        raise


def numbers(found: object, count: int, what: str) -> Sequence[float]:
    """`count` numbers that are neither tensors nor in a tensor, or a hint."""
    if not isinstance(found, (tuple, list)) or len(found) != count:
        raise Hint(f"请返回{what}。")
    if any(isinstance(each, torch.Tensor) for each in found):
        raise Hint("返回的是张量，还拖着计算图：用 `.item()` 取出数来。")
    if not all(isinstance(each, (int, float, np.number)) for each in found):
        raise Hint(f"里面有的不是数：请返回{what}。")
    return found


FIRST_STEP = {
    "name 'torch'": "用了 torch，没有导入（病例 19）。",
    "Unable to create tensor": "长短不一，拼不成一张表：分词时少了填充（12.2 节）。",
    "too many dimensions": "长短不一，拼不成一张表：分词时少了填充（12.2 节）。",
    "size of tensor": "比模型的最大长度还长：要截断（12.2 节）。",
    "must match the existing size": "比模型的最大长度还长：截断到 `model.config.max_position_embeddings`。",
    "index out of range": "比模型的最大长度还长：截断到 `model.config.max_position_embeddings`。",
    "AttributeError: ": "看一看 `model(…)` 这一行有没有两个星号（病例 13）；模型的输出里也没有准确率，要自己算。",
    "'list' object": "标签还是列表：要变成张量。",
}


@exercise("12-1")
def first_step(answer: Callable) -> None:
    """`answer(model, tokenizer, texts, labels)` -> loss and accuracy of one step of training."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收模型、分词器、文本、标签。")
    tokenizer = load_tokenizer(resolve("mini-bert-zh"))
    texts = ["主队加时绝杀", "央行下调存款利率，储户怎么办", "开学第一课" * 20]
    labels = [0, 2, 2]  # unequal, so that one step moves the loss
    model = tiny_classifier(vocab_size=len(tokenizer))
    before = model.classifier.weight.detach().clone()
    options = {"padding": True, "truncation": True, "max_length": 32, "return_tensors": "pt"}
    with torch.no_grad():
        reference = model(**tokenizer(texts, **options), labels=torch.tensor(labels))
    right = (reference.logits.argmax(-1) == torch.tensor(labels)).float().mean().item()
    found = call(answer, FIRST_STEP, model, tokenizer, list(texts), list(labels))
    loss, accuracy = numbers(found, 2, "两个数：损失和准确率")
    if torch.equal(before, model.classifier.weight):
        raise Hint("参数没有动：`backward()` 和 `optimizer.step()` 都要有。")
    if abs(loss - reference.loss.item()) > 1e-4:
        raise Hint("损失不对：要更新之前的、整批的平均；三样输入都给模型了吗？")
    if abs(accuracy - right) > 1e-4:
        raise Hint("准确率不对：得分最大的一类与标签相同的占几成，按更新之前的得分算。")
    batch = tokenizer(texts, **options) | {"labels": torch.tensor(labels)}
    wanted = loop(tiny_classifier(vocab_size=len(tokenizer)), [batch], [])
    if not torch.allclose(model.classifier.weight - before, wanted - before, rtol=0.02, atol=1e-6):
        raise Hint("更新得不对：优化器照原样，SGD、学习率 0.1，只走一步。")


LOOP_MISTAKES = {
    "mask": "注意力掩码没有传给模型，填充也参加了注意力（病例 9）",
    "softmax": "交叉熵自己会做 softmax，你先做了一遍（病例 21）",
    "zero": "梯度没有清零，上一批的还留着",
}


def loop(model: nn.Module, batches: list[dict], mistakes: Sequence[str]) -> torch.Tensor:
    """Final weights of the classifier after SGD over the batches, with these mistakes made."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for batch in batches:
        if "zero" not in mistakes:
            optimizer.zero_grad()
        mask = None if "mask" in mistakes else batch["attention_mask"]
        logits = model(input_ids=batch["input_ids"], attention_mask=mask).logits
        scores = logits.softmax(-1) if "softmax" in mistakes else logits
        cross_entropy(scores, batch["labels"]).backward()
        optimizer.step()
    return model.classifier.weight.detach().clone()


@exercise("12-2")
def train(answer: Callable) -> None:
    """`answer(model, batches)` -> losses; the weights tell which of the mistakes are left."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收模型和批的列表。")
    generator = torch.Generator().manual_seed(0)
    batches = []
    for _ in range(4):
        ids = torch.randint(5, 50, (4, 8), generator=generator)
        mask = torch.ones_like(ids)
        mask[:2, 3:] = 0
        labels = torch.randint(3, (4,), generator=generator)
        batches.append({"input_ids": ids * mask, "attention_mask": mask, "labels": labels})
    model = tiny_classifier(vocab_size=50)
    losses = numbers(
        call(answer, {}, model, [dict(batch) for batch in batches]), 4, "一个列表，每一批一个损失"
    )
    weights = model.classifier.weight.detach()
    if torch.equal(weights, tiny_classifier(vocab_size=50).classifier.weight):
        raise Hint("参数没有动：次序是清零、反向、更新，反向和更新之间不能清零。")
    for count in range(len(LOOP_MISTAKES) + 1):
        for made in itertools.combinations(LOOP_MISTAKES, count):
            if torch.allclose(
                weights, loop(tiny_classifier(vocab_size=50), batches, made), atol=1e-6
            ):
                left = [LOOP_MISTAKES[name] for name in made]
                if not model.training:
                    left.append("没有 `model.train()`，随机失活是关着的")
                if left:
                    raise Hint("还有 {} 处：{}。".format(len(left), "；".join(left)))
                check_first_loss(losses, batches)
                return
    raise Hint("练完的权重与照题目写的循环不同：优化器是 SGD，学习率 0.1，每批更新一次。")


def check_first_loss(losses: Sequence[float], batches: list[dict]) -> None:
    """A hint where the first loss is not that of the untrained model."""
    with torch.no_grad():
        first = tiny_classifier(vocab_size=50)(**batches[0]).loss.item()
    if abs(losses[0] - first) > 1e-4:
        raise Hint("模型练对了，返回的损失不对：要每一批更新之前的损失。")


SETTINGS = {
    "unexpected keyword argument": "这个名字改了或没有了（病例 31）。",
    "requires the save and eval strategy to match": "存盘与评估要同步（病例 25）。",
    "name 'TrainingArguments'": "没有导入 `TrainingArguments`。",
}


@exercise("12-3")
def settings(answer: Callable) -> None:
    """`answer(folder)` -> TrainingArguments for a run of some thirty steps."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收文件夹，返回 `TrainingArguments`。")
    with tempfile.TemporaryDirectory() as folder:
        found = call(answer, SETTINGS, folder)
    if not isinstance(found, TrainingArguments):
        raise Hint("请返回一份 `TrainingArguments`。")
    left = []
    if found.output_dir != folder:
        left.append("没有用上 `folder`：检查点会存到别处去")
    if str(getattr(found.eval_strategy, "value", found.eval_strategy)) != "epoch":
        left.append("没有每轮评估一次")
    if str(getattr(found.save_strategy, "value", found.save_strategy)) != "epoch":
        left.append("没有每轮存一次")
    if not found.load_best_model_at_end:
        left.append("练完没有装回最好的一轮")
    if found.metric_for_best_model not in (None, "loss", "eval_loss"):
        left.append("留哪一轮，题目要按验证损失")
    elif found.greater_is_better:
        left.append("`greater_is_better=True` 会留下损失**最高**的一轮")
    warmup = found.get_warmup_steps(30)
    if warmup > 15:
        left.append(f"预热 {warmup} 步，训练一共约 30 步（病例 20）")
    elif not 2 <= warmup <= 4 or found.get_warmup_steps(1000) not in (100, warmup):
        left.append(f"预热应是头一成，30 步里 3 步，现在是 {found.warmup_steps:g}")
    if found.report_to not in ([], ["none"], "none"):
        left.append('还会连记录服务，可能停在登录提示上：`report_to="none"`')
    if left:
        raise Hint("不报错了，还有 {} 处：{}。".format(len(left), "；".join(left)))


MODEL = {
    "name 'torch'": "没有导入 torch。",
    "name 'nn'": "没有导入 `from torch import nn`。",
    "not enough values to unpack": "`forward` 要返回损失和得分两样。",
}


@exercise("12-4")
def make_model(answer: Callable) -> None:
    """`answer(vocabulary, classes)` -> a module whose forward gives the loss and the logits."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收词表大小和类别数，返回模型。")
    set_seed(0)
    model = call(answer, MODEL, 100, 3)
    if isinstance(model, type):
        raise Hint("返回的是类，不是模型：末尾加一对括号，造一个出来。")
    if not isinstance(model, nn.Module):
        raise Hint("请返回一个 `nn.Module`。")
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 100, (4, 9), generator=generator)
    mask = torch.ones_like(ids)
    mask[1:, 5:] = 0  # the ids there are not 0: only the mask says that they are padding
    batch = {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([0, 1, 2, 0])}
    short = {name: each[1:, :5] if each.ndim == 2 else each[1:] for name, each in batch.items()}
    model.eval()
    loss, scores = run(model, batch)
    if scores.shape != (4, 3) or not scores.is_floating_point():
        raise Hint(f"得分的形状应是 (条数, 类别数)，这里是 (4, 3)，你的是 {tuple(scores.shape)}。")
    left = []
    if not torch.equal(scores, run(model, batch)[1]):
        left.append("同一批算两次不一样，有一层是在 `forward` 里造的（病例 16）")
    if torch.allclose(scores.sum(-1), torch.ones(4), atol=1e-5):
        left.append("得分每行加起来是 1：已经做过 softmax，交叉熵会再做一遍（病例 21）")
    if not loss.requires_grad:
        raise Hint("损失求不了梯度：`forward` 里不要用 `.data`、`.detach()`、`no_grad`。")
    try:
        loss.backward()
    except RuntimeError as error:
        raise Hint(f"反向传播出错了：{describe(error)}。有一步不可导。") from None
    still = [
        name
        for name, each in model.named_parameters()
        if each.grad is None or not each.grad.abs().sum()
    ]
    if still:
        left.append(f"参数 {'、'.join(still)} 没有梯度（病例 15）")
    set_seed(0)  # a layer that is made in forward is then the same both times
    padded = run(model, batch)[1][1:]
    set_seed(0)
    if not torch.allclose(padded, run(model, short)[1], atol=1e-5):
        left.append(
            "填充变了结果就变：求平均时要按 `attention_mask`，只算真正的词元（病例 9）；"
            "填充的编号不一定是 0"
        )
    if left:
        raise Hint("还有 {} 处：{}。".format(len(left), "；".join(left)))
    if abs(loss.item() - cross_entropy(scores, batch["labels"]).item()) > 1e-5:
        raise Hint("返回的损失应是得分的交叉熵。")
    if torch.allclose(scores, run(model, {**batch, "input_ids": 100 - ids})[1], atol=1e-6):
        raise Hint("换一批词，得分不变：词嵌入要用 `input_ids` 去查。")
    check_positions(model, short)
    length = 40  # more tokens than there are words in the vocabulary, or dimensions
    long = torch.ones(1, length).long()
    small = call(answer, MODEL, 20, 2)
    run(small, {"input_ids": long, "attention_mask": long, "labels": torch.tensor([1])})


def check_positions(model: nn.Module, batch: dict[str, torch.Tensor]) -> None:
    """A hint where no parameter holds the order of the words, or where it is not a mean."""
    flipped = {**batch, "input_ids": batch["input_ids"].flip(1)}
    others = {**batch, "input_ids": 100 - batch["input_ids"]}
    twice = {
        name: torch.cat([each] * 2, 1) if each.ndim == 2 else each for name, each in batch.items()
    }
    if same_scores(model, batch, flipped):
        raise Hint("次序倒过来，得分不变：位置嵌入不能删，要让它学得动。")
    learnt = False
    for parameter in model.parameters():
        kept = parameter.detach().clone()
        with torch.no_grad():
            parameter.zero_()
        if same_scores(model, batch, flipped) and not same_scores(model, batch, others):
            learnt = True  # without this one the order is lost, and nothing else
            if not same_scores(model, batch, twice):
                raise Hint("同样的词写两遍，得分就变了：要的是平均，除以真正的词元数，不是求和。")
        with torch.no_grad():
            parameter.copy_(kept)
    if not learnt:
        raise Hint("位置嵌入不是参数，永远学不动：用 `nn.Parameter` 或 `nn.Embedding`。")
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    nothing = run(model, batch)[1]
    if not nothing.isfinite().all():
        raise Hint("向量全是 0 时得分成了无穷大：平均是和除以个数，上下颠倒了。")
    if nothing.abs().max() > 1e-6:
        raise Hint(
            "有一层没有登记成模型的参数（放在普通的列表或字典里了？）：优化器看不见它，它永远学不动。"
            "直接赋给 self，或者用 `nn.ModuleList`。"
        )


def same_scores(model: nn.Module, one: dict, other: dict) -> bool:
    """Does the model give two batches the same scores?"""
    return torch.allclose(run(model, one)[1], run(model, other)[1], atol=1e-6)


def run(model: nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """(loss, scores) of a model's forward, or a hint."""
    try:
        found = model(**batch)
    except Exception as error:  # whatever the learner's forward may do
        raise Hint(
            f"模型的 `forward` 运行时出错了：{describe(error)}。"
            f"输入 {tuple(batch['input_ids'].shape)}，从第一行起，一行行看形状。"
        ) from None
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Hint("`forward` 要返回损失和得分两样。")
    if not all(isinstance(each, torch.Tensor) for each in found) or found[0].ndim:
        raise Hint("`forward` 要返回两个张量：损失是一个数，得分每条一行。")
    return found


class Reader(nn.Module):
    """Stands for a trained classifier: knows the class of a text by its last character.

    In training mode, and where the mask is missing, its answers are off by one class. It has what
    answers may ask a model of the library for: `config`, `device`.
    """

    device = torch.device("cpu")

    def __init__(self, classes: dict[int, int], positions: int):
        super().__init__()
        self.config = BertConfig(max_position_embeddings=positions, num_labels=3)
        self.scale = nn.Parameter(torch.ones(()))
        self.classes = classes
        self.largest = 0
        self.longest = 0
        self.eval_only = True

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
    ) -> ModelOutput:
        """`logits` (rows, 3)."""
        self.largest = max(self.largest, len(input_ids))
        self.longest = max(self.longest, input_ids.shape[1])
        self.eval_only &= not self.training
        lengths = (input_ids != 0).sum(1)
        ids = input_ids[torch.arange(len(input_ids)), lengths - 2]
        wrong = int(self.training or attention_mask is None)
        found = torch.tensor([(self.classes.get(int(each), 0) + wrong) % 3 for each in ids])
        return ModelOutput(logits=nn.functional.one_hot(found, 3).float() * self.scale)


REPORT = {
    "Unable to create tensor": "长短不一，拼不成一张表：分词时少了填充。",
    "requires grad": "张量还拖着计算图：预测放进 `with torch.no_grad():`（12.2 节）。",
    "name 'torch'": "用了 torch，没有导入（病例 19）。",
}


@exercise("12-5")
def report(answer: Callable) -> None:
    """`answer(model, tokenizer, train, test)` -> accuracy, baseline, number of rows counted."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收模型、分词器、训练集、测试集。")
    tokenizer = load_tokenizer(resolve("mini-bert-zh"))
    marks = tokenizer.convert_tokens_to_ids(["甲", "乙", "丙"])
    numerals = "一二三四五六七八九十"
    train_rows = [(f"旧题{a}{b}甲", 0) for a, b in itertools.product(numerals[:4], numerals[:4])]
    train_rows += [(f"旧题{a}乙", 1) for a in numerals]
    train_rows += [(f"旧题{a}{b}甲 ", 0) for a, b in itertools.product(numerals[4:7], numerals[:4])]
    # Right at the ends of both batches and in the rest, so that no row can go missing.
    test_rows = [(f"又一题{a}{b}丙", 1) for a, b in itertools.product(numerals[:6], numerals[:4])]
    for i, place in enumerate((0, 7, 14, 15, 16, 17, 31, 32, 32)):
        kind = min(i, 7) % 3  # not as many of the last class as of the first
        test_rows.insert(place, (f"新题{numerals[i]}{'长' * 20 * i}{'甲乙丙'[kind]}", kind))
    test_rows[15] = ("长" * 400 + "乙", 0)  # read as far as the model can: the class of no mark
    leaked = [train_rows[0], (f" {train_rows[1][0]}\n", 0), train_rows[20], train_rows[-1]]
    leaked[3] = (leaked[3][0].strip(), 0)  # the blank stands in the training set
    rows = [*leaked[:2], *test_rows, *leaked[2:]]
    classes = dict(zip(marks, range(3), strict=True))
    model = Reader(classes, tokenizer.model_max_length).train()
    found = call(answer, REPORT, model, tokenizer, list(train_rows), list(rows))
    wanted = "三个数：准确率、基线、算进去的题数"
    if isinstance(found, (int, float)):
        raise Hint(f"只返回了一个数，请返回{wanted}。")
    accuracy, baseline, count = numbers(found, 3, wanted)
    if count == len(train_rows):
        raise Hint("题数与训练集相同：还在拿训练集报成绩（病例 26）。")
    if count == len(rows):
        raise Hint("题数与测试集相同：在训练集里出现过的测试题没有去掉（病例 4）。")
    if count in (len(rows) - 2, len(rows) - 3):
        raise Hint("还漏了一两道：有的只差首尾的空白，比之前两边都要 `strip()`。")
    if count != len(test_rows):
        raise Hint(f"题数不对：测试集 {len(rows)} 题，其中 4 题在训练集里出现过。")
    if not model.eval_only:
        raise Hint("预测的时候模型还在训练状态：先 `model.eval()`（病例 27）。")
    if model.largest > 16:
        raise Hint(f"一批有 {model.largest} 条：每 16 条一批，题多的时候内存才够。")
    if model.longest > tokenizer.model_max_length:
        raise Hint(
            f"有一条长 {model.longest} 个词元，比模型读得下的还长：分词时要截断（12.2 节）。"
        )
    if model.longest < tokenizer.model_max_length:
        raise Hint(
            f"最长只读到 {model.longest} 个词元，模型读得下 {tokenizer.model_max_length} 个：别截得那么短。"
        )
    if not math.isclose(accuracy, 9 / 33, abs_tol=1e-6):
        raise Hint("准确率不对：对的条数除以算进去的题数；最后不满一批的也要算，别按批求平均。")
    if math.isclose(baseline, 28 / 38, abs_tol=1e-6):
        raise Hint("这是多数类在训练集里占的比例：基线要与模型做同样的题，在测试题上量。")
    if math.isclose(baseline, 28 / 33, abs_tol=1e-6):
        raise Hint("基线用了测试集自己的多数类：那要看过答案才知道，应取训练集的多数类。")
    if not math.isclose(baseline, 3 / 33, abs_tol=1e-6):
        raise Hint("基线不对：训练集里最多的那一类，在**算进去的测试题**上答对几成？")
    again = answer(model, tokenizer, train_rows, [*test_rows[:32], *train_rows[:17]])
    if numbers(again, 3, wanted)[2] != 32:
        raise Hint("题数正好是 16 的倍数时不对：最后一批不能是空的。")


@exercise("12-6")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "BC",
        {
            "A": "先做一次 softmax 再进交叉熵，开头照样是 ln 3：三类的概率都差不多。这一关它混得过去。",
            "B": "健康的模型背八条，损失掉到零附近。softmax 做了两遍，损失就停在一个降不下去的底上（病例 21）。",
            "C": "问的是看不看得出。掉到瞎猜，就没有看出漏题的迹象；测试题混进训练集的那种，"
            "要两边一起打乱才看得出（12.3 节）。",
            "D": "八条都背不下的模型，换大的也背不下：先治病，再比大小。",
        },
    )
