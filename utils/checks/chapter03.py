"""Checks for the exercises of chapter 3."""

from collections.abc import Callable

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from utils.checks import AnswerFailed, Hint, exercise, judge
from utils.pretraining import IGNORE, PretrainingCollator


@exercise("03-1")
def maskable(answer: Callable) -> None:
    """`answer(tokens)` -> the places that MLM may choose."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收一串词元，返回可以遮的位置。")
    tokens = ["[CLS]", "球", "[UNK]", "胜", "[SEP]", "银", "行", "[SEP]", "[PAD]", "[PAD]"]
    found = list(answer(list(tokens)))
    if len(found) == len(tokens) and {str(getattr(each, "dtype", type(each))) for each in found} & {
        "bool",
        "torch.bool",
        "<class 'bool'>",
    }:
        raise Hint("这是每个位置的真假：要返回的是为真的那些位置，从 0 数起。")
    if found == ["球", "胜", "银", "行"]:
        raise Hint("返回了词元本身：要的是它们的位置，从 0 数起。")
    try:
        found = sorted(int(place) for place in found)
    except (TypeError, ValueError):
        raise Hint("返回值应是一串整数：可以遮的位置，从 0 数起。") from None
    if any(not 0 <= place < len(tokens) for place in found):
        raise Hint("有的位置不在这串词元之内：位置从 0 数起，到长度减一为止。")
    if found == [2, 4, 6, 7]:
        raise Hint("位置从 1 数起了：第一个词元 [CLS] 的位置是 0。")
    if found == [0, 1, 2, 3]:
        raise Hint("先去掉特殊词元再数，位置就错开了：要的是在原来那串词元里的位置。")
    reasons = {
        "[CLS]": "[CLS] 不能遮：句子里没有这个字，猜对它什么也没学到，NSP 还要靠它。",
        "[SEP]": "[SEP] 不能遮：它标着片段的边界，两个 [SEP] 都不行。",
        "[PAD]": "[PAD] 不能遮：填充不是内容，遮了它，短句子就白白吃掉名额。",
        "[UNK]": "[UNK] 不能遮：答案是「不认得的字」，猜中了也没有意义。",
    }
    for name, reason in reasons.items():
        if name in {tokens[place] for place in found}:
            raise Hint(reason)
    if found != [1, 3, 5, 6]:
        raise Hint("有的普通词元漏掉了：片段 A 和片段 B 里的字都可以遮。")
    brackets = ["[CLS]", "[", "注", "]", "[SEP]"]
    if sorted(answer(brackets)) != [1, 2, 3]:
        raise Hint("正文里的方括号「[」「]」是普通词元：要认整个词元，别只看它以什么开头。")
    twice = ["[CLS]", "天", "天", "天", "[SEP]"]
    if sorted(answer(twice)) != [1, 2, 3]:
        raise Hint("同一个字出现几次，要的是几个位置：别用 index 按内容找，它总给第一个。")
    if list(answer(["[CLS]", "[SEP]"])) != []:
        raise Hint("一句空话里没有可以遮的位置，应返回空的列表。")


@exercise("03-2")
def make_labels(answer: Callable) -> None:
    """`answer(original, chosen)` -> labels, IGNORE where nothing was chosen."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收原来的编号和布尔张量，返回标签。")
    original = torch.tensor([[2, 31, 12, 13, 3, 0], [2, 21, 22, 23, 14, 3]])
    chosen = torch.tensor([[0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 1, 0]]).bool()
    given, marks = original.clone(), chosen.clone()
    labels = answer(given, marks)
    if not isinstance(labels, torch.Tensor):
        raise Hint("请返回一个张量，形状与输入的编号相同。")
    if not torch.equal(given, original):
        raise Hint("输入的编号被改掉了：先 clone()，或用 torch.where、masked_fill 另造一个。")
    if not torch.equal(marks, chosen):
        raise Hint("chosen 被改掉了：带下划线的方法（logical_not_）就地改，写 ~chosen 另造一个。")
    if labels.shape != original.shape:
        raise Hint("标签的形状要与编号相同：没选中的位置也要占一格，填上 -100。")
    if labels.dtype != original.dtype:
        raise Hint("标签的类型变了：编号是整数，标签也要是同样的整数，交叉熵才认。")
    if torch.equal(labels, original):
        raise Hint("每个位置都有标签了。没选中的位置原字就在眼前，照抄即可；那里应填 -100。")
    outside, inside = labels[~chosen], labels[chosen]
    if torch.equal(labels[chosen], torch.full_like(inside, IGNORE)):
        raise Hint("反了：选中的位置留原来的编号，没选中的才填 -100。")
    if not torch.equal(inside, original[chosen]):
        raise Hint("选中的位置上，标签应是原来的编号，也就是模型要猜的答案。")
    if (outside == 0).all():
        raise Hint("0 是 [PAD] 的编号：填 0 等于教模型处处猜 [PAD]。交叉熵只跳过 -100。")
    if not (outside == IGNORE).all():
        raise Hint("没选中的位置都要填 -100，交叉熵才会跳过它们。")


@exercise("03-3")
def mask_80_10_10(answer: Callable) -> None:
    """`answer(input_ids, chosen, mask_id, vocab_size)` -> ids of which the chosen were masked."""
    if not callable(answer):
        raise Hint("请写成一个函数，返回遮过之后的编号。")
    torch.manual_seed(1)
    mask_id, vocab_size, word = 4, 20_000, 7
    original = torch.full((400, 250), word)
    chosen = torch.rand(original.shape) < 0.5
    given = original.clone()
    masked = answer(given, chosen.clone(), mask_id, vocab_size)
    if not isinstance(masked, torch.Tensor) or masked.shape != original.shape:
        raise Hint("请返回一个张量，形状与输入的编号相同。")
    if not torch.equal(given, original):
        raise Hint("输入的编号被改掉了：先 clone()，原来的编号还要留着做标签。")
    if masked.dtype != original.dtype:
        raise Hint(f"编号的类型成了 {masked.dtype}：随机编号要用 randint 抽整数，查表只认整数。")
    if not torch.equal(masked[~chosen], original[~chosen]):
        raise Hint("没选中的位置也变了：它们应原样留着。")
    inside = masked[chosen]
    hidden, kept = inside == mask_id, inside == word
    shares = [float(part.double().mean()) for part in (hidden, ~hidden & ~kept, kept)]
    if max(shares) > 0.99:
        few, all_of_them = torch.full((1, 40), word), torch.ones(1, 40).bool()
        again = [answer(few.clone(), all_of_them, mask_id, vocab_size) for _ in range(60)]
        if {tuple(row[0].unique().tolist()) for row in again} >= {(mask_id,), (word,)}:
            raise Hint("整批只抽了一次签，选中的命运都相同：每个选中的位置要各抽各的。")
    if shares[0] > 0.99:
        raise Hint("选中的全换成了 [MASK]。微调时没有 [MASK]，所以还要一成换成随机词、一成不变。")
    if abs(shares[0] - 0.8) > 0.02:
        raise Hint(f"换成 [MASK] 的应占选中的 80%，现在是 {shares[0]:.0%}。")
    if abs(shares[1] - 0.02) < 0.01 or abs(shares[2] - 0.02) < 0.01:
        raise Hint("剩下的两成里又按一成去抽，只抽到了 2%。随机词是全体的一成，也就是剩下的一半。")
    if abs(shares[1] - 0.1) > 0.02:
        raise Hint(f"换成随机词元的应占 10%，现在是 {shares[1]:.0%}，不变的是 {shares[2]:.0%}。")
    together = (masked == mask_id).sum(1) / chosen.sum(1)
    if together.std() > 0.2:
        raise Hint("一整行的命运都相同：每个选中的位置要各抽各的。")
    if torch.equal(answer(original.clone(), chosen.clone(), mask_id, vocab_size), masked):
        raise Hint(
            "两次抽得一模一样：函数里不要设种子，也不要每次新造一个生成器，否则每一遍遮的都是同一处。"
        )
    random_ids = inside[~hidden & ~kept]
    if random_ids.min() < 0 or random_ids.max() >= vocab_size:
        raise Hint("有的随机编号不在词表里：编号从 0 到 vocab_size - 1，查表会越界。")
    if len(random_ids.unique()) < 1000:
        raise Hint("随机词元总是那几个：每个位置要从整个词表里另抽一个。")
    if random_ids.max() < 0.95 * vocab_size:
        raise Hint("随机词元没有用到整个词表：编号应在 0 到 vocab_size 之间均匀抽取。")
    small = torch.full((100, 250), word)
    drawn = set(answer(small, torch.ones_like(small).bool(), mask_id, 12).unique().tolist())
    if drawn != set(range(12)):
        raise Hint(
            "词表两头的编号抽不到，或多了一个：从 0 到 vocab_size - 1 都要抽得到。`torch.randint` "
            "的上界不含在内，写 `torch.randint(vocab_size, …)`；`random.randint` 的上界含在内。"
        )


@exercise("03-4")
def word_numbers(answer: Callable) -> None:
    """`answer(tokens, words)` -> for each token the number of its word, None for special ones."""
    if not callable(answer):
        raise Hint("请写成一个函数，接收词元和词两个列表。")
    words = ["银行", "今天", "和", "银行", "谈", "nbl", "转播"]
    tokens = ["[CLS]", *"银行今天和银行谈", "nb", "##l", *"转播", "[SEP]"]
    expected = [None, 0, 0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 6, None]
    try:
        numbers = answer(list(tokens), list(words))
    except AnswerFailed as failure:
        if isinstance(failure.__cause__, IndexError):
            raise Hint(
                "走过了头（IndexError）：数出来的字符比词里的多。## 不是正文里的字符，"
                "特殊词元也不占字符，数长度时都别算。"
            ) from None
        raise
    if not isinstance(numbers, list | tuple):
        raise Hint("请返回一个列表，每个词元一个编号。")
    numbers = list(numbers)
    if len(numbers) != len(tokens):
        raise Hint("每个词元都要有一个编号：返回的列表应与词元一样长。")
    if numbers[0] is not None or numbers[-1] is not None:
        raise Hint("[CLS] 和 [SEP] 不属于任何词，应记为 None。")
    if numbers in (
        [None, 1, 1, 3, 3, 5, 6, 6, 8, 9, 9, 11, 11, None],
        [None, 0, 0, 2, 2, 4, 5, 5, 7, 8, 8, 11, 11, None],
        [None, 0, 0, 2, 2, 4, 5, 5, 7, 8, 8, 10, 10, None],
    ):
        raise Hint("这是词首的位置，是 3.4 节的另一个函数：这里要的是第几个词。")
    if numbers == [each if each is None else each + 1 for each in expected]:
        raise Hint("词从 1 数起了：第一个词的编号是 0。")
    if numbers[6] == numbers[1]:
        raise Hint("两次出现的「银行」得了同一个编号。它们是两个词：按位置数，别按内容找。")
    if len(set(numbers)) == len(numbers) - 1:
        raise Hint("每个词元自成一词了：「银」和「行」应有同一个编号。")
    if numbers[:9] == expected[:9] and numbers[9] != numbers[10]:
        raise Hint("`##l` 接在 `nb` 后面，是同一个词：先去掉 ## 再数字符。")
    if numbers[9:13] == [5, 5, 5, 6]:
        raise Hint("把每个词元当成了一个字符：`nb` 是一个词元、两个字符，要按字符数往前走。")
    if numbers[:11] == expected[:11] and numbers != expected:
        raise Hint("到 `##l` 为止是对的，后面错了位：## 不是正文里的字符，数长度时别算它。")
    if numbers != expected:
        raise Hint("编号不对：词从 0 数起，把每个词的字符数与词元的字符数对齐。")
    if list(answer(["84", "平"], ["84平"])) != [0, 0]:
        raise Hint("一个词元可以有几个字符：「84」是一个词元、两个字符。")
    if list(answer(list("#足球#"), ["#", "足球", "#"])) != [0, 1, 1, 2]:
        raise Hint(
            "正文里也有 #，「#足球#」的每个 # 都是一个字符：只去掉开头的两个，用 removeprefix。"
        )


class CountingCollator:
    """PretrainingCollator that notes which rows it was given."""

    def __init__(self, tokenizer):
        self.collate, self.calls = PretrainingCollator(tokenizer, rate=0.3), []

    def __call__(self, rows: list[dict]) -> dict[str, torch.Tensor]:
        """A masked batch of the rows, whose numbers are noted."""
        self.calls.append([row["number"] for row in rows])
        return self.collate([{"input_ids": row["input_ids"]} for row in rows])


@exercise("03-5")
def continue_pretraining(answer: Callable) -> None:
    """`answer(model, rows, collate, steps, batch_size, learning_rate)` -> losses; trains model."""
    if not callable(answer):
        raise Hint("请写成一个函数，训练传进来的模型，返回每一步的损失。")
    model, rows, collate = small_model_and_rows()
    before = torch.cat([weight.detach().flatten().clone() for weight in model.parameters()])
    modes, stale, rates, said = set(), [], set(), []

    def note_rate(optimizer, *_):
        rates.add((id(optimizer), optimizer.param_groups[0]["lr"]))

    hook = register_optimizer_step_pre_hook(note_rate)
    model.register_forward_pre_hook(lambda module, _: modes.add(module.training))
    model.register_forward_hook(lambda module, given, output: said.append(output.loss.item()))
    watched = model.bert.embeddings.LayerNorm.weight

    def look_at_old_gradient(_):  # called before the new gradient is added to it
        stale.append(watched.grad is not None and bool(watched.grad.abs().sum() > 0))

    watched.register_hook(look_at_old_gradient)
    torch.manual_seed(0)
    try:
        losses = answer(model, rows, collate, steps=40, batch_size=5, learning_rate=0.01)
    finally:
        hook.remove()
    if not modes:
        raise Hint("模型一次也没有用上：每一步都要 model(**batch)，取它的 loss。")
    if not stale:
        raise Hint("没有反向传播：每一步都要 loss.backward()。")
    after = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    if torch.equal(before, after):
        if rates:
            raise Hint("更新之前梯度已被清掉：次序是反向、更新、清零，zero_grad 放在 step 之后。")
        raise Hint("权重一个也没有变：loss.backward() 只算梯度，还要 optimizer.step()。")
    if any(stale):
        raise Hint("上一步的梯度还在，越积越多：每一步都要 optimizer.zero_grad()。")
    if len(collate.calls) == 1:
        raise Hint("collate 只调用了一次，遮的地方从头到尾不变，这是静态掩码。每一步都要重新拼批。")
    if len(collate.calls) == 4:
        raise Hint(
            "二十行拼成四批，就反复用这四批了（itertools.cycle 会记住它们）：遮的地方不再变。"
            "每一步都要重新拼批。"
        )
    if len(collate.calls) != 40:
        raise Hint(f"题目要 40 步，每步一批；collate 被调用了 {len(collate.calls)} 次。")
    if {len(call) for call in collate.calls} == {8}:
        raise Hint("批的大小写死成了 8：要用参数 batch_size。")
    if {len(call) for call in collate.calls} != {5}:
        raise Hint("每一批应有 batch_size 行；走到末尾时，从头再取。")
    if len({which for which, _ in rates}) > 1:
        raise Hint("每一步都新造了一个优化器，AdamW 记着的东西全丢了：在循环之前造一个。")
    if len(rates) > 1:
        raise Hint("学习率中途变了：题目要它始终是 learning_rate。")
    if {rate for _, rate in rates} != {0.01}:
        raise Hint("学习率不是传进来的那个：把 learning_rate 交给优化器。")
    if len({tuple(call) for call in collate.calls}) > len(rows) // 5:
        raise Hint("题目要依次取：第一批是第 0 到第 4 行，下一批接着往后，取完从头再来，不要打乱。")
    if {number for call in collate.calls for number in call} != set(range(len(rows))):
        raise Hint("有的行从来没有用上：一批接一批往后取，别总取开头的几行。")
    if collate.calls[:4] != [list(range(begin, begin + 5)) for begin in (0, 5, 10, 15)]:
        raise Hint("行取错了位：第一批是第 0 到第 4 行，第二批是第 5 到第 9 行，一批接一批。")
    if False in modes:
        raise Hint("模型还在评估状态，随机失活没有打开：训练之前先 model.train()。")
    if not isinstance(losses, (list, tuple)) or len(losses) != 40:
        raise Hint("请返回一个列表：每一步的损失，共 steps 个。")
    if any(isinstance(loss, torch.Tensor) for loss in losses):
        raise Hint("存下来的损失还是张量，整张计算图都被它拖着：用 loss.item()。")
    if not torch.allclose(torch.tensor(losses), torch.tensor(said), rtol=1e-3):
        raise Hint("存下来的不是那一步的损失：不要平均，也不要累加，每一步存它自己的。")
    if not sum(losses[-5:]) < 0.8 * sum(losses[:5]):
        raise Hint("训练完，损失没有降下来：检查学习率有没有传给优化器，优化器管的是不是这个模型。")
    collate.calls.clear()
    rates.clear()
    hook = register_optimizer_step_pre_hook(note_rate)
    try:
        answer(model, rows, collate, 3)
    except AnswerFailed as failure:
        if "missing" not in str(failure.__cause__):
            raise
        raise Hint("参数表里要写上默认值：batch_size=8，learning_rate=3e-4。") from None
    finally:
        hook.remove()
    if len(collate.calls[0]) != 8 or {rate for _, rate in rates} != {3e-4}:
        raise Hint("不给 batch_size 和 learning_rate 时，应是 8 和 3e-4：照抄题目里的参数表。")
    if collate.calls[2] != [16, 17, 18, 19, 0, 1, 2, 3]:
        raise Hint(
            "二十行、每批 8 行，第三批只剩 4 行：这一批要从头接着取，凑满 8 行，不少取，也不跳过。"
        )


def small_model_and_rows() -> tuple:
    """(BERT of 1 layer × 32 in evaluation mode, twenty numbered rows, a counting collator)."""
    from transformers import BertConfig, BertTokenizer

    from utils.pretraining import BertForMaskedPreTraining

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocab = {token: place for place, token in enumerate([*special, *"甲乙丙丁戊己庚辛壬癸"])}
    tokenizer = BertTokenizer(vocab=vocab, model_max_length=32)
    config = BertConfig(
        vocab_size=len(vocab),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertForMaskedPreTraining(config).eval()
    texts = ["甲乙" * 4, "甲甲乙甲" * 2]
    rows = [
        {"number": number, "input_ids": tokenizer(texts[number % 2])["input_ids"]}
        for number in range(20)
    ]
    return model, rows, CountingCollator(tokenizer)


@exercise("03-6")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "AD",
        {
            "A": "损失停在字频的水平，一个不看上下文的对手也得这个分。",
            "B": "平台期就是这个样子。先背下一小批查管道，再看是不是读得不够。",
            "C": "与没训练过的自己比不算本事，要与字频比。",
            "D": "一半对一半的题答对一半，与抛硬币没有分别。",
        },
    )
