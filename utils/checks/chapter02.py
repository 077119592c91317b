"""Checks for the exercises of chapter 2.

A wrong result is compared with the results of the usual mistakes, so that the hint can name it.
"""

import math
from collections.abc import Callable

import torch
from torch.nn.functional import embedding, gelu, layer_norm, linear, normalize, relu

from utils.bert import BertConfig
from utils.checks import Hint, exercise, judge


def noise(*shape, seed: int = 0) -> torch.Tensor:
    """Normal numbers in float64, the same each time."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def close(left: torch.Tensor, right: torch.Tensor) -> bool:
    """The same shape, and no value further away than 1e-6."""
    return left.shape == right.shape and torch.allclose(left, right, rtol=0, atol=1e-6)


def as_tensor(result: object, shape: tuple[int, ...], what: str) -> torch.Tensor:
    """The learner's result in float64, if it is a tensor of the right shape."""
    if not isinstance(result, torch.Tensor):
        raise Hint(f"请返回一个张量：{what}。")
    if result.shape != shape:
        raise Hint(f"形状应为 {tuple(shape)}，你返回的是 {tuple(result.shape)}。")
    return result.detach().double()


def name_the_mistake(result: object, right: object, mistakes: dict, otherwise: str) -> None:
    """Raise the hint of the mistake that gives this very result."""
    if close(result, right):
        return
    for wrong, hint in mistakes:
        if close(result, wrong):
            raise Hint(hint)
    raise Hint(otherwise)


@exercise("02-1")
def attention_weights(answer: Callable) -> None:
    """`answer(query, key)`: (length, d) twice -> attention weights (length, length)."""
    query, key = noise(5, 16, seed=1), noise(5, 16, seed=2)
    products = query @ key.T
    result = as_tensor(answer(query, key), (5, 5), "每个查询对每个键的权重")
    mistakes = [
        (products.softmax(-1), "没有缩放：点积要先除以维数 d 的平方根，再做 softmax。"),
        ((products / 16).softmax(-1), "除以了 d，应该除以 d 的平方根。"),
        ((products / 5**0.5).softmax(-1), "除的是长度的平方根，应该是向量维数 d 的平方根。"),
        ((products * 4).softmax(-1), "乘以了 d 的平方根，应该是除以。"),
        ((products / 4).softmax(0), "softmax 的方向反了：每个查询（每一行）的权重之和才是 1。"),
        (products / 4, "还差最后一步：缩放之后要对每一行做 softmax。"),
        (
            (products / 4).T.softmax(-1),
            "查询和键的位置反了：第 i 行应是第 i 个查询对各个键的权重。",
        ),
        (
            (products / 4).flatten().softmax(0).reshape(5, 5),
            "整张表一起做了 softmax：要一行一行做，每个查询的权重之和才是 1。",
        ),
        (
            products / products.sum(-1, keepdim=True),
            "只除以了和，没有取指数：softmax 是先取指数，再除以这一行的和。",
        ),
        (
            (normalize(query, dim=-1) @ normalize(key, dim=-1).T).softmax(-1),
            "用了余弦：缩放点积不除以各向量的长度，只除以 d 的平方根。",
        ),
        (
            products.softmax(-1) / 4,
            "先做了 softmax 才缩放。缩放要在 softmax 之前，否则每行之和不是 1。",
        ),
    ]
    name_the_mistake(
        result,
        (products / 4).softmax(-1),
        mistakes,
        "数值不对。三步：查询与键的点积，除以 d 的平方根，对每一行做 softmax。",
    )
    query, key = noise(3, 24, seed=3), noise(3, 24, seed=4)
    if not close(answer(query, key).double(), (query @ key.T / math.sqrt(24)).softmax(-1)):
        raise Hint(
            "换一个维数就不对了：缩放用的 d 要从 query 的形状里取，不能写死；平方根也别取整。"
        )


@exercise("02-2")
def masked_attention(answer: Callable) -> None:
    """`answer(query, key, value, mask)` -> (length, d); mask (length,) bool, False is padding."""
    query, key, value = (noise(5, 16, seed=seed) for seed in (1, 2, 3))
    mask = torch.tensor([True, True, True, False, False])
    scores = query @ key.T / 4
    low = torch.finfo(scores.dtype).min

    def mixed(scores):
        return scores.softmax(-1) @ value

    result = as_tensor(answer(query, key, value, mask), (5, 16), "按权重混合之后的值")
    if result.isnan().all():
        raise Hint("结果里全是 NaN：0 乘负无穷就是 NaN。用 `masked_fill` 换掉得分，不要用乘法。")
    if result.isnan().any():
        raise Hint("结果里有 NaN。多半是把要看的键也遮成了负无穷，检查掩码用的是哪一边。")
    unscaled = (query @ key.T).masked_fill(~mask, low)
    rows = scores.masked_fill(~mask[:, None], low)
    mistakes = [
        (mixed(scores), "掩码没有起作用：填充的位置仍然分到了权重。"),
        (mixed(scores.masked_fill(mask, low)), "掩码反了：True 是真正的词元，要遮住的是 False。"),
        (
            (scores.softmax(-1) * mask) @ value,
            "掩码用在了 softmax 之后：剩下的权重加起来不到 1。应该在 softmax 之前遮住得分。",
        ),
        (
            mixed(scores * mask),
            "把得分变成 0 遮不住：0 分也是得分，exp(0) 是 1。要换成极小的数：finfo 的 min，不是 tiny。",
        ),
        (
            scores.masked_fill(~mask, low).softmax(0) @ value,
            "softmax 的方向反了：每个查询（每一行）的权重之和才是 1。",
        ),
        (
            mixed(scores.masked_fill(~mask, low)) * mask[:, None],
            "填充那几行的输出也清零了：掩码管的是谁被看见，填充的行照样混合。",
        ),
        (mixed(rows), "遮错了方向：要遮住的是键（列），不是查询（行）。"),
        (mixed(unscaled), "没有缩放：点积要除以维数 d 的平方根。"),
    ]
    right = mixed(scores.masked_fill(~mask, low))
    otherwise = "数值不对。顺序是：点积、缩放、把填充的得分换成极小的数、softmax、乘以值。"
    for value_used in (-1.0, -10.0):
        weak = mixed(scores.masked_fill(~mask, value_used))
        mistakes.append((weak, f"{value_used:g} 不够小，填充仍分到了看得见的权重。"))
    name_the_mistake(result, right, mistakes, otherwise)
    wide = [noise(5, 64, seed=seed) for seed in (4, 5, 6)]
    wanted = (wide[0] @ wide[1][:3].T / 8).softmax(-1) @ wide[2][:3]
    if not close(answer(*wide, mask).double(), wanted):
        raise Hint("换一个维数就不对了：缩放用的 d 要从 query 的形状里取，不能写死。")
    key = torch.cat([-1e6 * query.mean(0).expand(3, 16), torch.zeros(2, 16).double()])
    far = answer(query, key, value, mask).double()
    if far.isnan().any():
        raise Hint(
            "真词元的得分都很低时成了 0 除以 0（NaN）：softmax 之后才乘掩码、再除以和，来不及了。"
            "要在 softmax 之前遮住得分。"
        )
    if not close(far, (query @ key[:3].T / 4).softmax(-1) @ value[:3]):
        raise Hint(
            "真词元的得分都很低时，填充又冒了出来：换成该类型最小的数（torch.finfo）或负无穷。"
        )


@exercise("02-3")
def post_ln_block(answer: Callable) -> None:
    """`answer(x, attention, feed_forward, norm_1, norm_2)` -> the block's output, like x."""
    x, first, second = noise(4, 8), noise(8, 8, seed=1), noise(8, 8, seed=2)

    def attention(h):
        return h.flip(0) @ first

    def feed_forward(h):
        return torch.tanh(h @ second)

    def norm_1(h):
        return layer_norm(h, (8,)) * 1.5 + 0.25

    def norm_2(h):
        return layer_norm(h, (8,)) * 0.5 - 1

    given = x.clone()
    attended = norm_1(x + attention(x))
    pre = x + attention(norm_1(x))
    bare = x + attention(x)
    outside = x + norm_1(attention(x))
    swapped, fed = norm_2(x + attention(x)), norm_2(x + feed_forward(x))
    again = norm_1(x + attention(norm_1(x)))
    result = as_tensor(answer(given, attention, feed_forward, norm_1, norm_2), (4, 8), "与 x 同形")
    mistakes = [
        (
            pre + feed_forward(norm_2(pre)),
            "这是 pre-LN（先归一化，再进子层）。BERT 是 post-LN：先相加，再归一化。",
        ),
        (
            norm_1(x + attention(x) + feed_forward(x)),
            "两个子层被并成了一个：各要有自己的残差和归一化。",
        ),
        (
            norm_2(x + attention(x) + feed_forward(x)),
            "两个子层被并成了一个：各要有自己的残差和归一化。",
        ),
        (
            norm_2(x + feed_forward(attended)),
            "第二个残差加错了：要加的是注意力子层的输出，不是 x。",
        ),
        (norm_2(attended + feed_forward(x)), "前馈网络读错了：它读的是注意力子层的输出，不是 x。"),
        (
            norm_2(feed_forward(norm_1(attention(x)))),
            "没有残差连接：每个子层都要把自己的输入加回来。",
        ),
        (norm_2(feed_forward(attended)), "第二个子层没有残差连接。"),
        (
            norm_2(norm_1(attention(x)) + feed_forward(norm_1(attention(x)))),
            "第一个子层没有残差连接。",
        ),
        (norm_2(bare + feed_forward(bare)), "第一个子层之后没有归一化。"),
        (attended + feed_forward(attended), "第二个子层之后没有归一化。"),
        (bare + feed_forward(bare), "两处都没有归一化。"),
        (
            outside + norm_2(feed_forward(outside)),
            "归一化只包住了子层的结果：要先加上残差，再对和做归一化。",
        ),
        (
            norm_1(swapped + feed_forward(swapped)),
            "两个归一化弄反了：注意力子层之后用 norm_1，前馈子层之后用 norm_2。",
        ),
        (
            norm_2(fed + attention(fed)),
            "两个子层的次序反了：先注意力，再前馈网络。",
        ),
        (
            norm_2(norm_1(x + feed_forward(x)) + attention(norm_1(x + feed_forward(x)))),
            "两个子层的次序反了：先注意力，再前馈网络。",
        ),
        (norm_2(attended + attention(attended)), "第二个子层是前馈网络：注意力用了两次。"),
        (
            norm_2(x + attended + feed_forward(attended)),
            "第二个残差多加了一次 x：要加的只有注意力子层的输出。",
        ),
        (
            norm_2(again + feed_forward(norm_2(again))),
            "归一化做了两遍：post-LN 只在相加之后做，子层之前不做。",
        ),
        (
            norm_1(attended + feed_forward(attended)),
            "两次都用了 norm_1：第二个子层有自己的 norm_2。",
        ),
    ]
    name_the_mistake(
        result,
        norm_2(attended + feed_forward(attended)),
        mistakes,
        "数值不对。每个子层三步：算出结果，加回子层的输入，归一化；先注意力，后前馈网络。",
    )


@exercise("02-4")
def count_parameters(answer: Callable) -> None:
    """`answer(config)` -> parameters of BertForPreTraining with its tied decoder, an integer."""
    config = BertConfig(
        vocab_size=1009,
        hidden_size=60,
        num_hidden_layers=3,
        num_attention_heads=5,
        intermediate_size=142,
        max_position_embeddings=77,
        type_vocab_size=3,
    )
    v, h, n, f = 1009, 60, 3, 142
    p, t = config.max_position_embeddings, config.type_vocab_size
    embeddings = (v + p + t) * h + 2 * h
    block = 4 * (h * h + h) + 2 * h + (h * f + f) + (f * h + h) + 2 * h
    heads = (h * h + h) + 2 * h + v + (2 * h + 2)
    total = embeddings + n * block + (h * h + h) + heads
    result = answer(config)
    if isinstance(result, bool | str) or not hasattr(result, "__int__") or int(result) != result:
        raise Hint("请返回一个整数：参数的总个数。")
    hints = {
        v * h: "多算了一张词表：解码器的权重与词嵌入共享，只多出偏置。",
        v * h - v: "解码器只多出偏置：权重与词嵌入共享，不要再算一遍。",
        -v: "漏了解码器的偏置，词表里每个词元一个。",
        -heads: "只算了编码器和 pooler，还有 MLM 和 NSP 两个头。",
        -(h * h + h): "少了一个 h×h 的全连接层：pooler 和 MLM 头里各有一个。",
        -(2 * h + 2): "漏了 NSP 头：h×2 的权重和 2 个偏置。",
        -2: "漏了 NSP 头的 2 个偏置。",
        -(h + 1): "NSP 头有两个输出（接得上、接不上），不是一个。",
        (4 * h - f) * (2 * h + 1) * n: "前馈层的宽度写死成了 4h：要用 config.intermediate_size。",
        (512 - p) * h: "位置的个数写死成了 512：要用 config.max_position_embeddings。",
        (2 - t) * h: "片段的种数写死成了 2：要用 config.type_vocab_size。",
        -2 * h: "少了一个 LayerNorm（权重 h 个，偏置 h 个）：嵌入之后、MLM 头里各有一个。",
        -4 * h: "少了两个 LayerNorm：嵌入之后、MLM 头里各有一个。",
        -2 * h * n: "每个块里有两个 LayerNorm，少算了一个。",
        -4
        * h
        * n: "每个块少了 4h 个：两个 LayerNorm 正好是 4h，注意力里四个全连接层的偏置也是 4h。"
        "看看漏的是哪一样。",
        -(4 * h + 5 * h + f) * n: "全连接层的偏置和块里的 LayerNorm 都漏了。",
        -(h * h + h) * n * 4: "注意力的四个 h×h 全连接层整个漏了：查询、键、值，还有输出。",
        -3 * h * n: "查询、键、值三个全连接层的偏置漏了，每个 h 个。",
        -(h + f) * n: "前馈网络两个全连接层的偏置漏了：一个 f 个，一个 h 个。",
        -2 * h * (2 * n + 2): "LayerNorm 一个也没算：每个有 h 个权重和 h 个偏置。",
        -p * h: "漏了位置嵌入。",
        -t * h: "漏了片段嵌入。",
        -(h * h + h) * n: "注意力里有四个 h×h 的全连接层：查询、键、值，还有输出。",
        -(5 * h + f) * n: "漏了块里全连接层的偏置。",
        n * 4 * (h * h + h) * 4: "不要再乘头数：多头只是把 h 维切开，全连接层还是 h×h。",
    }
    difference = int(result) - total
    if difference in hints:
        raise Hint(hints[difference])
    if difference:
        raise Hint(
            f"算出来是 {int(result):,}，差 {difference:+,}。分开算嵌入、一个块、pooler、两个头，"
            "与 `model.named_parameters()` 逐项对照。"
        )
    if answer(BertConfig()) != 110_106_428:
        raise Hint("换成 BERT-Base 的配置就不对了：每个大小都要从 config 里取，不能写死。")


@exercise("02-5")
def encode_by_hand(answer: Callable) -> None:
    """`answer(weights, config, input_ids, token_type_ids, attention_mask)` -> hidden states.

    A list of num_hidden_layers + 1 tensors (batch, length, hidden), the embeddings first.
    """
    config = BertConfig(
        vocab_size=30,
        hidden_size=12,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=20,
        max_position_embeddings=9,
        layer_norm_eps=1e-2,
    )
    weights = random_checkpoint(config)
    # An id of 0 that is read and another that is not: the mask cannot be had from the ids.
    ids = torch.tensor([[2, 7, 9, 3, 11, 3], [2, 0, 3, 8, 6, 0]])
    types = torch.tensor([[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    result = answer(dict(weights), config, ids, types, mask)
    if not isinstance(result, list | tuple) or len(result) != config.num_hidden_layers + 1:
        raise Hint("请返回一个列表：嵌入层的输出，然后是每个块的输出，共「层数 + 1」个张量。")
    places = mask.bool()

    def first_wrong(mistake=None):
        """The first layer that is not as the reference, made with this mistake, has it."""
        wanted = reference(weights, config, ids, types, mask, mistake)
        for layer, (ours, theirs) in enumerate(zip(result, wanted, strict=True)):
            ours = as_tensor(ours, theirs.shape, f"第 {layer} 个是各位置的向量")
            if not close(ours[places], theirs[places]):
                return layer
        return None

    wrong = first_wrong()
    if wrong is None:
        return
    for mistake, hint in MISTAKES.items():
        if first_wrong(mistake) is None:
            raise Hint(hint)
    if wrong == 0:
        raise Hint("嵌入层就不对：词、位置、片段三张表各查一次，相加，再做 LayerNorm。")
    raise Hint(
        f"嵌入层对了，第 {wrong} 个块不对。先单独比注意力子层（用 utils.bert 的同一层），再比前馈。"
    )


# What `reference` can do wrong, and the hint for it.
MISTAKES = {
    "segments": "没有用上 token_type_ids：第二句的词元要加第二行片段嵌入。",
    "segments inverted": "片段编号弄反了：token_type_ids 是 0 的取第一行，1 的取第二行。",
    "positions": "没有加位置嵌入。",
    "positions + 1": "位置错开了一格：第一个词元（[CLS]）的位置是 0。",
    "embeddings norm": "三种嵌入相加之后，还要做一次 LayerNorm。",
    "eps": "LayerNorm 的 eps 要从 config.layer_norm_eps 里取，不是 PyTorch 的默认值。",
    "eps 1e-12": "LayerNorm 的 eps 写死成了 1e-12：这份 config 不是这个数，要从 config.layer_norm_eps 里取。",
    "scale": "注意力没有缩放，或缩放用的不是每个头的维数（hidden_size 除以头数）的平方根。",
    "scale by hidden": "缩放用了 hidden_size 的平方根，应该是每个头的维数的平方根。",
    "mask": "没有用上 attention_mask：填充的位置不该被看见。",
    "mask by ids": "按编号是不是 0 造了掩码：要用传进来的 attention_mask，正文里也可能有 0。",
    "mask added": "掩码成了小数，被当作得分加了上去：`scaled_dot_product_attention` 要布尔的掩码。",
    "query and key": "查询和键弄反了：第 i 行是第 i 个词元的查询对各个键的得分。",
    "one head": "没有分头：hidden_size 要切成 num_attention_heads 段，各算各的。",
    "wrong reshape": "分头的形状对了，内容错了：先拆成 (长度, 头, 每头的维数)，再交换前两维。",
    "both reshapes": "拆和并都用了 reshape，形状都对，内容全错："
    "先拆成 (长度, 头, 每头的维数) 再交换前两维，并的时候先换回来再合。",
    "merge by reshape": "分头对了，合并错了：要先把头和长度换回来，再把最后两维合成一维。",
    "output dense": "注意力子层少了输出的全连接层（attention.output.dense）。",
    "tanh gelu": "激活函数用了 tanh 近似的 GELU；hidden_act 是 gelu，要精确的那个。",
    "relu": "激活函数用了 ReLU，BERT 用 GELU。",
    "pre-LN": "这是 pre-LN。BERT 是 post-LN：先加残差，再做 LayerNorm。",
    "attention residual": "注意力子层没有残差连接。",
    "feed-forward residual": "前馈子层没有残差连接。",
    "residual from the block": "第二个残差加错了：要加的是注意力子层的输出，不是块的输入。",
    "feed-forward from the block": "前馈网络读错了：它读的是注意力子层的输出，不是块的输入。",
    "norms swapped": "两个 LayerNorm 弄反了：注意力之后用 attention.output 的，前馈之后用 output 的。",
    "values from keys": "值和键弄混了：乘在权重后面的是 value。",
    "changed in place": "算出来的都对，放进列表的却又被 `+=` 改掉了：写 x = x + …，另造一个张量。",
}


def random_checkpoint(config: BertConfig) -> dict[str, torch.Tensor]:
    """Weights under the names of a Hugging Face file, float64, biases and norms random too."""
    h, f = config.hidden_size, config.intermediate_size
    shapes = {
        "embeddings.word_embeddings.weight": (config.vocab_size, h),
        "embeddings.position_embeddings.weight": (config.max_position_embeddings, h),
        "embeddings.token_type_embeddings.weight": (config.type_vocab_size, h),
    }
    dense = {}
    for layer in range(config.num_hidden_layers):
        block = f"encoder.layer.{layer}"
        dense |= {f"{block}.attention.self.{name}": (h, h) for name in ("query", "key", "value")}
        dense |= {f"{block}.attention.output.dense": (h, h), f"{block}.intermediate.dense": (f, h)}
        dense |= {f"{block}.output.dense": (h, f)}
        dense |= {f"{block}.{part}.LayerNorm": (h,) for part in ("attention.output", "output")}
    dense["embeddings.LayerNorm"] = (h,)
    for name, shape in dense.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return {
        f"bert.{name}": 0.6 * noise(*shape, seed=seed)
        for seed, (name, shape) in enumerate(shapes.items())
    }


def reference(
    weights: dict[str, torch.Tensor],
    config: BertConfig,
    ids: torch.Tensor,
    types: torch.Tensor,
    mask: torch.Tensor,
    mistake: str | None = None,
) -> torch.Tensor:
    """BERT's encoder on plain tensors, with at most one mistake; its hidden states, a list."""
    eps = {"eps": 1e-5, "eps 1e-12": 1e-12}.get(mistake, config.layer_norm_eps)
    heads = 1 if mistake == "one head" else config.num_attention_heads

    def pick(name):
        return weights[f"bert.{name}.weight"], weights[f"bert.{name}.bias"]

    def norm(x, name):
        return layer_norm(x, x.shape[-1:], *pick(f"{name}.LayerNorm"), eps)

    def table(index, name):
        return embedding(index, weights[f"bert.embeddings.{name}_embeddings.weight"])

    def split(x):
        if mistake in ("wrong reshape", "both reshapes"):
            return x.reshape(len(x), heads, x.shape[1], -1)
        return x.unflatten(-1, (heads, -1)).transpose(1, 2)

    def attend(x, block):
        query, key, value = (
            split(linear(x, *pick(f"{block}.attention.self.{name}")))
            for name in ("query", "key", "value")
        )
        if mistake == "query and key":
            query, key = key, query
        value = key if mistake == "values from keys" else value
        size = {"scale": 1, "scale by hidden": x.shape[-1]}.get(mistake, query.shape[-1])
        scores = query @ key.mT / math.sqrt(size)
        if mistake == "mask added":
            scores = scores + mask[:, None, None, :]
        elif mistake != "mask":
            hidden = (ids if mistake == "mask by ids" else mask) == 0
            scores = scores.masked_fill(hidden[:, None, None, :], -1e300)
        mixed = scores.softmax(-1) @ value
        if mistake in ("both reshapes", "merge by reshape"):
            mixed = mixed.reshape(x.shape)
        else:
            mixed = mixed.transpose(1, 2).flatten(2)
        if mistake == "output dense":
            return mixed
        return linear(mixed, *pick(f"{block}.attention.output.dense"))

    def feed_forward(x, block):
        wide = linear(x, *pick(f"{block}.intermediate.dense"))
        wide = relu(wide) if mistake == "relu" else activate(wide)
        return linear(wide, *pick(f"{block}.output.dense"))

    def activate(x):
        return gelu(x, approximate="tanh" if mistake == "tanh gelu" else "none")

    positions = torch.arange(ids.shape[1]) + (mistake == "positions + 1")
    x = table(ids, "word")
    x = x if mistake == "positions" else x + table(positions, "position")
    if mistake != "segments":
        x = x + table(1 - types if mistake == "segments inverted" else types, "token_type")
    hidden_states = [x if mistake == "embeddings norm" else norm(x, "embeddings")]
    for layer in range(config.num_hidden_layers):
        x, block = hidden_states[-1], f"encoder.layer.{layer}"
        if mistake == "pre-LN":
            x = x + attend(norm(x, f"{block}.attention.output"), block)
            hidden_states.append(x + feed_forward(norm(x, f"{block}.output"), block))
            continue
        first = 0 if mistake == "attention residual" else x
        names = [f"{block}.attention.output", f"{block}.output"]
        names = names[::-1] if mistake == "norms swapped" else names
        x = norm(first + attend(x, block), names[0])
        second = {"feed-forward residual": 0, "residual from the block": hidden_states[-1]}
        read = hidden_states[-1] if mistake == "feed-forward from the block" else x
        hidden_states.append(norm(second.get(mistake, x) + feed_forward(read, block), names[1]))
        if mistake == "changed in place":
            hidden_states[-2] += attend(hidden_states[-2], block)
    return hidden_states


@exercise("02-6")
def read_a_result(answer: str) -> None:
    """`answer`: the letters of the statements that the result bears out."""
    judge(
        answer,
        "AD",
        {
            "A": "嵌入只差浮点误差，第一个变大的地方就是出错的地方。",
            "B": "双精度的浮点误差在 1e-9 以下。2e-4 是算法不同，不是误差。",
            "C": "层归一化放前放后、激活函数用哪一个，参数量都一样。",
            "D": "漏了残差或一个子层，差的不会只有万分之几。",
        },
    )
