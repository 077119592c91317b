"""Chapter 2: other right answers to its exercises, and wrong ones with the hints they earn."""

from exercises import changed

WEIGHTS = """
import torch

def attention_weights(query, key):
    d = query.shape[-1]
    return {}
"""

MASKED = """
import math
import torch

def masked_attention(query, key, value, mask):
    scores = query @ key.T / math.sqrt(query.shape[-1])
    {}
"""

BLOCK = """
def block(x, attention, feed_forward, norm_1, norm_2):
    h = {}
    return {}
"""

COUNT = """
def count_parameters(config):
    v, h, f, n = (
        config.vocab_size, config.hidden_size, config.intermediate_size, config.num_hidden_layers
    )
    norm = 2 * h
    tables = (v + config.max_position_embeddings + config.type_vocab_size) * h
    attention = 4 * (h * h + h) + norm
    feed_forward = (h * f + f) + (f * h + h) + norm
    pooler = h * h + h
    mlm = (h * h + h) + norm + v
    nsp = 2 * h + 2
    return {}
"""

ENCODE = """
import math
import torch
from torch.nn.functional import gelu, layer_norm, linear, relu

def encode(weights, config, input_ids, token_type_ids, attention_mask):
    weights = {{name.removeprefix("bert."): tensor for name, tensor in weights.items()}}
    heads, d = config.num_attention_heads, config.hidden_size // config.num_attention_heads

    def norm(x, name):
        w, b = weights[name + ".LayerNorm.weight"], weights[name + ".LayerNorm.bias"]
        return layer_norm(x, (config.hidden_size,), w, b, {eps})

    def dense(x, name):
        return linear(x, weights[name + ".weight"], weights[name + ".bias"])

    positions = torch.arange(input_ids.shape[1])
    x = weights["embeddings.word_embeddings.weight"][input_ids]
    x = x + weights["embeddings.position_embeddings.weight"][{positions}]
    x = x + weights["embeddings.token_type_embeddings.weight"][{types}]
    x = norm(x, "embeddings")
    states = [x]
    for n in range(config.num_hidden_layers):
        layer = f"encoder.layer.{{n}}."
        mixed = torch.empty_like(x)
        for head in range(heads):
            part = slice(head * d, (head + 1) * d)
            q, k, v = (
                dense(x, layer + "attention.self." + role)[..., part]
                for role in ("query", "key", "value")
            )
            scores = q @ k.mT / {scale}
            {mask}
            mixed[..., part] = scores.softmax(-1) @ v
        x = norm({residual} + dense(mixed, layer + "attention.output.dense"),
                 layer + "attention.output")
        wide = {activation}(dense(x, layer + "intermediate.dense"))
        x = norm(x + dense(wide, layer + "output.dense"), layer + "output")
        states.append(x)
    return states
"""

RIGHT = {
    "eps": "config.layer_norm_eps",
    "positions": "positions",
    "types": "token_type_ids",
    "scale": "math.sqrt(d)",
    "mask": "scores = scores.masked_fill(attention_mask[:, None, :] == 0, -math.inf)",
    "residual": "x",
    "activation": "gelu",
}


def encode(**mistake):
    return ENCODE.format(**(RIGHT | mistake))


COUNTED = """
def count_parameters(config):
    h, f, n = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    rows = config.vocab_size + config.max_position_embeddings + config.type_vocab_size
    block = 4 * (h * h + h) + 4 * h + 2 * h * f + f + h
    return rows * h + 2 * h + n * block + 2 * (h * h + h) + 2 * h + config.vocab_size + 2 * h + 2
"""


EXERCISES = {
    "02-1": {
        "alternative": """
import math
import torch

def attention_weights(query, key):
    powers = torch.exp(torch.einsum("id,jd->ij", query, key) / math.sqrt(query.size(1)))
    return powers / powers.sum(dim=1, keepdim=True)
""",
        "also_right": [
            # fused with one-hot values
            """
import torch
from torch.nn.functional import scaled_dot_product_attention

def attention_weights(query, key):
    values = torch.eye(len(key), dtype=key.dtype)
    return scaled_dot_product_attention(query, key, values)
""",
            # a row at a time
            """
import torch

def attention_weights(query, key):
    rows = []
    for q in query:
        scores = (key * q).sum(1) / len(q) ** 0.5
        powers = torch.exp(scores - scores.max())
        rows.append(powers / powers.sum())
    return torch.stack(rows)
""",
            # in float32
            """
def attention_weights(query, key):
    query = query.float() / query.size(1) ** 0.5
    return (query @ key.float().mT).softmax(1)
""",
        ],
        "wrong": [
            (WEIGHTS.format("torch.softmax(query @ key.T, -1)"), "没有缩放"),
            (WEIGHTS.format("torch.softmax(query @ key.T / d, -1)"), "除以了 d，"),
            (WEIGHTS.format("torch.softmax(query @ key.T / len(key)**0.5, -1)"), "长度的平方根"),
            (WEIGHTS.format("torch.softmax(query @ key.T * d**0.5, -1)"), "乘以了 d 的平方根"),
            (WEIGHTS.format("torch.softmax(query @ key.T / d**0.5, 0)"), "softmax 的方向反了"),
            (WEIGHTS.format("query @ key.T / d**0.5"), "还差最后一步"),
            (WEIGHTS.format("torch.softmax(key @ query.T / d**0.5, -1)"), "查询和键的位置反了"),
            (WEIGHTS.format("torch.softmax(query @ key.T, -1) / d**0.5"), "先做了 softmax 才缩放"),
            (WEIGHTS.format("torch.softmax(query @ key.T / 4, -1)"), "不能写死"),
            (WEIGHTS.format("torch.softmax(query.T @ key / d**0.5, -1)"), "形状应为 (5, 5)"),
            (WEIGHTS.format("(query @ key.T / d**0.5).tolist()"), "请返回一个张量"),
            (
                # softmax over all of the table
                """
import math

def attention_weights(query, key):
    scores = query @ key.T / math.sqrt(query.shape[-1])
    return scores.flatten().softmax(0).reshape(scores.shape)
""",
                "整张表一起做了 softmax",
            ),
            (
                # the square root as a whole number
                """
import math

def attention_weights(query, key):
    return (query @ key.T / math.isqrt(query.shape[-1])).softmax(-1)
""",
                "换一个维数就不对了",
            ),
            (
                # no exponent
                """
def attention_weights(query, key):
    scores = query @ key.T / query.shape[-1] ** 0.5
    return scores / scores.sum(-1, keepdim=True)
""",
                "只除以了和",
            ),
            (
                # cosines
                """
from torch.nn.functional import normalize

def attention_weights(query, key):
    return (normalize(query, dim=-1) @ normalize(key, dim=-1).T).softmax(-1)
""",
                "用了余弦：缩放点积不除以各向量的长度",
            ),
        ],
    },
    "02-2": {
        "alternative": """
import torch

def masked_attention(query, key, value, mask):
    bias = torch.zeros(len(key), dtype=query.dtype)
    bias[~mask] = float("-inf")
    weights = torch.softmax(query @ key.T * query.shape[-1] ** -0.5 + bias, dim=-1)
    return torch.einsum("ij,jd->id", weights, value)
""",
        "also_right": [
            # the real keys alone
            """
import torch
def masked_attention(query, key, value, mask):
    return (query @ key[mask].T / query.shape[-1] ** .5).softmax(-1) @ value[mask]
""",
            # the real keys only
            """
def masked_attention(query, key, value, mask):
    scores = query @ key[mask].T / query.shape[-1] ** 0.5
    return scores.softmax(-1) @ value[mask]
""",
            # fused
            """
import torch.nn.functional as F

def masked_attention(query, key, value, mask):
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask[None, :])
""",
            # in place with minus infinity
            """
import torch

def masked_attention(query, key, value, mask):
    scores = torch.matmul(query, key.transpose(-2, -1))
    scores /= query.size(-1) ** 0.5
    scores[:, torch.logical_not(mask)] = -torch.inf
    return torch.mm(torch.softmax(scores, 1), value)
""",
        ],
        "wrong": [
            (
                # a penalty that is too small
                """
import torch
def masked_attention(query, key, value, mask):
    scores = query @ key.T / query.shape[-1] ** .5 - 10 * (~mask).float()
    return scores.softmax(-1) @ value
""",
                "换成极小的数",
            ),
            (
                "\ndef masked_attention(query, key, value, mask):\n    weights = (query @ key.T / query.shape[-1] ** 0.5).softmax(-1) * mask\n    return weights / weights.sum(-1, keepdim=True) @ value\n",
                "0 除以 0",
            ),
            (
                MASKED.format("return (scores + (~mask) * -math.inf).softmax(-1) @ value"),
                "0 乘负无穷",
            ),
            (
                # the scale of the example, whatever the width
                """
def masked_attention(query, key, value, mask):
    scores = (query @ key.T / 4).masked_fill(~mask, float("-inf"))
    return scores.softmax(-1) @ value
""",
                "不能写死",
            ),
            (MASKED.format("return scores.softmax(-1) @ value"), "掩码没有起作用"),
            (
                MASKED.format("return scores.masked_fill(mask, -1e300).softmax(-1) @ value"),
                "掩码反了",
            ),
            (
                MASKED.format("return (scores.softmax(-1) * mask) @ value"),
                "掩码用在了 softmax 之后",
            ),
            (MASKED.format("return (scores * mask).softmax(-1) @ value"), "0 分也是得分"),
            (
                MASKED.format(
                    "return scores.masked_fill(~mask[:, None], -1e300).softmax(-1) @ value"
                ),
                "遮错了方向",
            ),
            (
                MASKED.format("return scores.masked_fill(~mask, -10.0).softmax(-1) @ value"),
                "-10 不够小",
            ),
            (
                MASKED.format("return scores.masked_fill(~mask, -1e4).softmax(-1) @ value"),
                "填充又冒了出来",
            ),
            (
                MASKED.format("return (4 * scores).masked_fill(~mask, -1e300).softmax(-1) @ value"),
                "没有缩放",
            ),
            (
                MASKED.format(
                    "return scores.masked_fill(~mask[:, None], -math.inf).softmax(-1) @ value"
                ),
                "结果里有 NaN",
            ),
            (
                # the values zeroed instead
                """
def masked_attention(query, key, value, mask):
    scores = query @ key.T / query.shape[-1] ** 0.5
    return scores.softmax(-1) @ (value * mask[:, None])
""",
                "掩码用在了 softmax 之后",
            ),
            (
                # the keys zeroed instead
                """
def masked_attention(query, key, value, mask):
    scores = query @ (key * mask[:, None]).T / query.shape[-1] ** 0.5
    return scores.softmax(-1) @ value
""",
                "把得分变成 0 遮不住",
            ),
            (
                # minus ten thousand
                """
def masked_attention(query, key, value, mask):
    scores = query @ key.T / query.shape[-1] ** 0.5
    scores = scores + (~mask) * -10000.0
    return scores.softmax(-1) @ value
""",
                "真词元的得分都很低时",
            ),
            (
                # the smallest positive number
                """
import torch

def masked_attention(query, key, value, mask):
    scores = query @ key.T / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).tiny).softmax(-1) @ value
""",
                "把得分变成 0 遮不住",
            ),
            (
                # the padded rows zeroed too
                """
def masked_attention(query, key, value, mask):
    scores = query @ key.T / query.shape[-1] ** 0.5
    out = scores.masked_fill(~mask, float("-inf")).softmax(-1) @ value
    return out * mask[:, None]
""",
                "填充那几行的输出也清零了",
            ),
            (
                # softmax over the queries
                """
def masked_attention(query, key, value, mask):
    scores = query @ key.T / query.shape[-1] ** 0.5
    return scores.masked_fill(~mask, -1e30).softmax(0) @ value
""",
                "softmax 的方向反了",
            ),
        ],
    },
    "02-3": {
        "alternative": """
def block(x, attention, feed_forward, norm_1, norm_2):
    for sublayer, norm in ((attention, norm_1), (feed_forward, norm_2)):
        x = norm(sublayer(x) + x)
    return x
""",
        "also_right": [
            # step by step in place
            """
def block(x, attention, feed_forward, norm_1, norm_2):
    residual = x
    x = attention(x)
    x += residual
    x = norm_1(x)
    residual = x
    x = feed_forward(x)
    x += residual
    return norm_2(x)
""",
            # the input changed
            """
def block(x, attention, feed_forward, norm_1, norm_2):
    x += attention(x)
    x = norm_1(x)
    x += feed_forward(x)
    return norm_2(x)
""",
            # one loop
            """
def block(x, attention, feed_forward, norm_1, norm_2):
    for layer, norm in ((attention, norm_1), (feed_forward, norm_2)):
        x = norm(layer(x) + x)
    return x
""",
        ],
        "wrong": [
            (
                BLOCK.format("norm_2(x + attention(x))", "norm_1(h + feed_forward(h))"),
                "两个归一化弄反了",
            ),
            (BLOCK.format("norm_1(x + feed_forward(x))", "norm_2(h + attention(h))"), "次序反了"),
            (
                BLOCK.format("norm_1(x - attention(x))", "norm_2(h + feed_forward(h))"),
                "每个子层三步",
            ),
            (BLOCK.format("x + attention(norm_1(x))", "h + feed_forward(norm_2(h))"), "pre-LN"),
            (BLOCK.format("0", "norm_1(x + attention(x) + feed_forward(x))"), "被并成了一个"),
            (BLOCK.format("norm_1(x + attention(x))", "norm_2(x + feed_forward(h))"), "第二个残差"),
            (BLOCK.format("norm_1(x + attention(x))", "norm_2(h + feed_forward(x))"), "读错了"),
            (BLOCK.format("norm_1(attention(x))", "norm_2(feed_forward(h))"), "没有残差连接"),
            (
                BLOCK.format("norm_1(x + attention(x))", "norm_2(feed_forward(h))"),
                "第二个子层没有残差",
            ),
            (
                BLOCK.format("norm_1(attention(x))", "norm_2(h + feed_forward(h))"),
                "第一个子层没有残差",
            ),
            (BLOCK.format("x + attention(x)", "h + feed_forward(h)"), "两处都没有归一化"),
            (
                BLOCK.format("x + attention(x)", "norm_2(h + feed_forward(h))"),
                "第一个子层之后没有归一化",
            ),
            (
                BLOCK.format("norm_1(x + attention(x))", "h + feed_forward(h)"),
                "第二个子层之后没有归一化",
            ),
            (
                BLOCK.format("x + norm_1(attention(x))", "h + norm_2(feed_forward(h))"),
                "只包住了子层的结果",
            ),
            (BLOCK.format("norm_1(x + attention(x))", "norm_1(h + feed_forward(h))"), "norm_2"),
            (
                # attention twice
                """
def block(x, attention, feed_forward, norm_1, norm_2):
    x = norm_1(x + attention(x))
    return norm_2(x + attention(x))
""",
                "第二个子层是前馈网络",
            ),
            (
                # the residual doubled
                """
def block(x, attention, feed_forward, norm_1, norm_2):
    attended = norm_1(x + attention(x))
    return norm_2(x + attended + feed_forward(attended))
""",
                "第二个残差多加了一次 x",
            ),
            (
                # a norm at both ends
                """
def block(x, attention, feed_forward, norm_1, norm_2):
    attended = norm_1(x + attention(norm_1(x)))
    return norm_2(attended + feed_forward(norm_2(attended)))
""",
                "归一化做了两遍",
            ),
        ],
    },
    "02-4": {
        "alternative": """
import torch
from utils.bert import BertForPreTraining

def count_parameters(config):
    with torch.device("meta"):
        model = BertForPreTraining(config)
    return sum(parameter.numel() for parameter in model.parameters())
""",
        "also_right": [
            # counted on a model on the meta device
            """
import torch
from utils.bert import BertForPreTraining

def count_parameters(config):
    with torch.device("meta"):
        model = BertForPreTraining(config)
    return sum(each.numel() for each in model.parameters())
""",
            # with numpy
            """
import numpy as np

def count_parameters(config):
    h, f = config.hidden_size, config.intermediate_size
    tables = [config.vocab_size, config.max_position_embeddings, config.type_vocab_size]
    matrices = [(h, h)] * 4 + [(h, f), (f, h)]
    layer = sum(np.prod(shape) + shape[1] for shape in matrices) + 4 * h
    rest = np.array(tables).sum() * h + 2 * h + 2 * (h * h + h) + 2 * h
    return rest + config.num_hidden_layers * layer + config.vocab_size + (2 * h + 2)
""",
            COUNTED,
        ],
        "wrong": [
            (
                COUNT.format(
                    "tables + norm + n * (attention - 4 * h + feed_forward) + pooler + mlm + nsp"
                ),
                "注意力里四个全连接层的偏置也是 4h",
            ),
            (
                COUNT.format("tables + norm + n * (attention + feed_forward) + pooler"),
                "还有 MLM 和 NSP 两个头",
            ),
            (
                COUNT.format(
                    "tables + norm + n * (attention + feed_forward) + pooler + mlm + nsp + v * h"
                ),
                "多算了一张词表",
            ),
            (
                COUNT.format(
                    "tables + norm + n * (attention + feed_forward) + pooler + mlm + nsp - v"
                ),
                "漏了解码器的偏置",
            ),
            (
                COUNT.format("tables + n * (attention + feed_forward) + pooler + mlm + nsp"),
                "少了一个 LayerNorm",
            ),
            (
                COUNT.format("tables + norm + n * (attention + feed_forward) + mlm + nsp"),
                "少了一个 h×h 的全连接层",
            ),
            (
                COUNT.format("tables + norm + n * (attention + feed_forward) + pooler + mlm"),
                "漏了 NSP 头",
            ),
            (
                COUNT.format(
                    "(v + 3) * h + norm + n * (attention + feed_forward) + pooler + mlm + nsp"
                ),
                "漏了位置嵌入",
            ),
            (
                COUNT.format(
                    "tables + norm + n * (attention + feed_forward - 5 * h - f)"
                    " + pooler + mlm + nsp"
                ),
                "漏了块里全连接层的偏置",
            ),
            (COUNT.format("7"), "逐项对照"),
            (COUNT.format("str(v)"), "请返回一个整数"),
            (
                # as a text
                """
def count_parameters(config):
    return "110,106,428"
""",
                "请返回一个整数",
            ),
            (
                # one output of the NSP head
                changed(COUNTED, ("2 * h + 2", "h + 1")),
                "NSP 头有两个输出",
            ),
            (
                # four times hidden written
                changed(
                    COUNTED,
                    (
                        "    h, f, n = config.hidden_size, config.intermediate_size, config.num_hidden_layers\n",
                        "    h, n = config.hidden_size, config.num_hidden_layers\n    f = 4 * h\n",
                    ),
                ),
                "前馈层的宽度写死成了 4h",
            ),
            (
                # 512 positions written
                changed(COUNTED, ("config.max_position_embeddings", "512")),
                "位置的个数写死成了 512",
            ),
            (
                # two kinds of segments written
                changed(COUNTED, ("config.type_vocab_size", "2")),
                "片段的种数写死成了 2",
            ),
        ],
    },
    "02-5": {
        "alternative": encode(),
        "also_right": [
            # attention by hand, each head alone
            """
import math
import torch
from torch.nn import functional as F

def encode(weights, config, input_ids, token_type_ids, attention_mask):
    w = {name.removeprefix("bert."): each for name, each in weights.items()}
    d = config.hidden_size // config.num_attention_heads

    def linear(x, name):
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    def norm(x, name):
        mean = x.mean(-1, keepdim=True)
        size = ((x - mean) ** 2).mean(-1, keepdim=True)
        x = (x - mean) / torch.sqrt(size + config.layer_norm_eps)
        return x * w[name + ".LayerNorm.weight"] + w[name + ".LayerNorm.bias"]

    x = F.embedding(input_ids, w["embeddings.word_embeddings.weight"])
    x = x + w["embeddings.position_embeddings.weight"][torch.arange(input_ids.size(1))]
    x = x + F.embedding(token_type_ids, w["embeddings.token_type_embeddings.weight"])
    states = [norm(x, "embeddings")]
    hidden = (1 - attention_mask[:, None, :]) * -1e9
    for layer in range(config.num_hidden_layers):
        at, x = f"encoder.layer.{layer}.", states[-1]
        q, k, v = (linear(x, f"{at}attention.self.{name}") for name in ("query", "key", "value"))
        heads = []
        for head in range(config.num_attention_heads):
            part = slice(head * d, (head + 1) * d)
            scores = q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(d)
            heads.append((scores + hidden).softmax(-1) @ v[..., part])
        x = norm(
            x + linear(torch.cat(heads, -1), at + "attention.output.dense"), at + "attention.output"
        )
        wide = F.gelu(linear(x, at + "intermediate.dense"))
        states.append(norm(x + linear(wide, at + "output.dense"), at + "output"))
    return tuple(states)
""",
        ],
        "wrong": [
            (encode(eps="1e-12"), "写死成了 1e-12"),
            (encode(types="1 - token_type_ids"), "片段编号弄反了"),
            (
                encode(mask="scores = scores.masked_fill(input_ids[:, None, :] == 0, -math.inf)"),
                "按编号是不是 0 造了掩码",
            ),
            (encode(mask="scores = scores + attention_mask[:, None, :]"), "被当作得分加了上去"),
            (encode().replace("q @ k.mT", "k @ q.mT"), "查询和键弄反了"),
            (
                # what stands in the list already is changed
                encode().replace(
                    'x = norm(x + dense(mixed, layer + "attention.output.dense"),',
                    'x += dense(mixed, layer + "attention.output.dense")\n        x = norm(x,',
                ),
                "又被 `+=` 改掉了",
            ),
            (encode().replace("softmax(-1) @ v", "softmax(-1) @ k"), "值和键弄混了"),
            (
                encode().replace('dense(mixed, layer + "attention.output.dense")', "mixed"),
                "少了输出的全连接层",
            ),
            (
                encode().replace(
                    "        x = norm(x + dense(wide", "        x = norm(states[-1] + dense(wide"
                ),
                "第二个残差加错了",
            ),
            (encode().replace("gelu(dense(x,", "gelu(dense(states[-1],"), "前馈网络读错了"),
            (
                encode().replace(
                    "mixed[..., part] = scores.softmax(-1) @ v\n",
                    "mixed[..., part] = scores.softmax(-1) @ v\n        mixed = mixed.unflatten(-1, (heads, d)).transpose(1, 2).reshape(mixed.shape)\n",
                ),
                "合并错了",
            ),
            (encode(eps="1e-5"), "eps 要从 config"),
            (encode(positions="positions + 1"), "位置错开了一格"),
            (encode(positions="positions * 0"), "嵌入层就不对"),
            (encode(types="token_type_ids * 0"), "嵌入层就不对"),
            (encode(scale="1"), "没有缩放"),
            (encode(scale="math.sqrt(config.hidden_size)"), "用了 hidden_size 的平方根"),
            (encode(mask="pass"), "没有用上 attention_mask"),
            (encode(residual="0"), "注意力子层没有残差连接"),
            (encode(activation="relu"), "激活函数用了 ReLU"),
            (encode(activation="torch.nn.GELU('tanh')"), "tanh 近似的 GELU"),
            (encode(activation="torch.tanh"), "第 1 个块不对"),
            (encode().replace("return states", "return states[-1:]"), "共「层数 + 1」个张量"),
            (
                encode().replace(
                    'x = x + weights["embeddings.token_type_embeddings.weight"][token_type_ids]', ""
                ),
                "没有用上 token_type_ids",
            ),
        ],
    },
    "02-6": {
        "alternative": "holds = {'d', 'A'}\n",
        "wrong": [
            ("holds = 'ABD'\n", "双精度的浮点误差在 1e"),
            ("holds = 'A'\n", "漏了残差或一个子层，差的"),
            ("holds = 'ADE'\n", "没有 E 这一句"),
            ("holds = 2\n", "一串字母"),
        ],
    },
}
