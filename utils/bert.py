"""BERT from scratch: chapter 2 builds this file, class by class, from an empty one.

Source: Devlin et al. 2019, arXiv 1810.04805, whose encoder is that of Vaswani et al. 2017,
arXiv 1706.03762. Modules are named as in Hugging Face's transformers, so that its checkpoints
can be read and written without a table of translations; `utils.bert_weights` does that.

model = BertForPreTraining.from_pretrained(resolve("mini-bert-zh"))
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, relu, scaled_dot_product_attention

from utils import bert_weights


@dataclass
class BertConfig:
    """Sizes and rates, named as in config.json; defaults: BERT-Base (English)."""

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    num_labels: int = 2


class BertEmbeddings(nn.Module):
    """Token + segment + position, summed and normalised (Devlin et al. 2019, 3)."""

    def __init__(self, config: BertConfig):
        super().__init__()
        size = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, size, padding_idx=0)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
        """(batch, length) ids -> (batch, length, hidden)."""
        length, longest = input_ids.shape[1], self.position_embeddings.num_embeddings
        if length > longest:
            raise ValueError(f"input_ids: {length} tokens; tokenize with max_length={longest}")
        positions = torch.arange(length, device=input_ids.device)
        summed = self.word_embeddings(input_ids) + self.token_type_embeddings(token_type_ids)
        summed = summed + self.position_embeddings(positions)
        return self.dropout(self.LayerNorm(summed))


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    dropout: nn.Module | None = None,
) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention: Vaswani et al. 2017, equation 1.

    query, key, value: (batch, heads, length, d). mask: False where not to look.
    The mixed values, in the shape of `value`, and the weights.
    """
    scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
    if mask is not None:  # before the softmax, so that the weights still sum to 1
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim=-1)
    weights = weights if dropout is None else dropout(weights)
    return weights @ value, weights


class BertSelfAttention(nn.Module):
    """Several heads of attention over the same tokens, each on its own slice."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.num_heads = config.num_attention_heads
        if config.hidden_size % self.num_heads:
            raise ValueError("hidden_size must be a multiple of num_attention_heads; change one")
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def split_heads(self, vectors: Tensor) -> Tensor:
        """(batch, length, hidden) -> (batch, heads, length, hidden / heads)."""
        return vectors.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def forward(
        self, hidden: Tensor, mask: Tensor | None = None, output_attentions: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """(batch, length, hidden) -> the same, and the weights if asked for."""
        query = self.split_heads(self.query(hidden))
        key = self.split_heads(self.key(hidden))
        value = self.split_heads(self.value(hidden))
        if output_attentions:
            mixed, weights = attention(query, key, value, mask, self.dropout)
        else:  # the same in one fused operation, which never stores the weights
            rate = self.dropout.p if self.training else 0.0
            mixed = scaled_dot_product_attention(query, key, value, mask, dropout_p=rate)
            weights = None
        return mixed.transpose(1, 2).flatten(2), weights


class BertOutput(nn.Module):
    """The end of both sublayers, post-LN: LayerNorm(input + Dropout(Linear(x)))."""

    def __init__(self, config: BertConfig, size: int):
        super().__init__()
        self.dense = nn.Linear(size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, result: Tensor, sublayer_input: Tensor) -> Tensor:
        """(batch, length, size), (batch, length, hidden) -> (batch, length, hidden)."""
        return self.LayerNorm(sublayer_input + self.dropout(self.dense(result)))


# GELU: Hendrycks and Gimpel 2016, arXiv 1606.08415. transformers' "gelu" is the exact
# x · Phi(x);
# "gelu_new" is the approximation with tanh, which differs from it by up to 5e-4.
ACTIVATIONS = {"gelu": gelu, "gelu_new": partial(gelu, approximate="tanh"), "relu": relu}


class BertAttention(nn.Module):
    """First sublayer: self-attention, then a residual connection and LayerNorm."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.self = BertSelfAttention(config)
        self.output = BertOutput(config, config.hidden_size)

    def forward(
        self, hidden: Tensor, mask: Tensor | None = None, output_attentions: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """(batch, length, hidden) -> the same, and the attention weights or None."""
        mixed, weights = self.self(hidden, mask, output_attentions)
        return self.output(mixed, hidden), weights


class BertIntermediate(nn.Module):
    """The wide half of the feed-forward network: Linear, then the activation."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(self, hidden: Tensor) -> Tensor:
        """(batch, length, hidden) -> (batch, length, intermediate)."""
        return self.activation(self.dense(hidden))


class BertLayer(nn.Module):
    """One block: attention, then feed-forward, each with its residual and post-LN."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.attention = BertAttention(config)
        self.intermediate = BertIntermediate(config)
        self.output = BertOutput(config, config.intermediate_size)

    def forward(
        self, hidden: Tensor, mask: Tensor | None = None, output_attentions: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """(batch, length, hidden) -> the same, and the attention weights or None."""
        attended, weights = self.attention(hidden, mask, output_attentions)
        return self.output(self.intermediate(attended), attended), weights


class BertEncoder(nn.Module):
    """The stack of blocks."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.layer = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))

    def forward(
        self, hidden: Tensor, mask: Tensor | None = None, output_attentions: bool = False
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...] | None]:
        """The hidden states (input first, then each block's), and all weights."""
        hidden_states, attentions = [hidden], []
        for layer in self.layer:
            hidden, weights = layer(hidden, mask, output_attentions)
            hidden_states.append(hidden)
            attentions.append(weights)
        return tuple(hidden_states), tuple(attentions) if output_attentions else None


class BertPooler(nn.Module):
    """One vector for the whole input: that of [CLS], through a dense layer and tanh."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """(batch, length, hidden) -> (batch, hidden)."""
        return self.dense(hidden[:, 0]).tanh()


@dataclass
class BertResult:
    """What a model returns; a head's logits are None where the model has no such head.

    hidden_states: num_hidden_layers + 1 tensors (batch, length, hidden), the
        embeddings first.
    attentions: one (batch, heads, length, length) a layer, rows summing to 1;
        None unless asked.
    """

    hidden_states: tuple[Tensor, ...]
    pooler_output: Tensor  # (batch, hidden)
    attentions: tuple[Tensor, ...] | None = None
    prediction_logits: Tensor | None = None  # (batch, length, vocabulary)
    seq_relationship_logits: Tensor | None = None  # (batch, 2), column 0 is "is next"
    logits: Tensor | None = None  # (batch, num_labels)

    @property
    def last_hidden_state(self) -> Tensor:
        """(batch, length, hidden)"""
        return self.hidden_states[-1]


class BertPreTrainedModel(nn.Module):
    """What every model below shares: configuration, first weights, files."""

    config_class = BertConfig
    from_pretrained = classmethod(bert_weights.load)  # (folder) -> the model in it
    save_pretrained = bert_weights.save  # (folder) -> None

    def __init__(self, config: BertConfig):
        super().__init__()
        self.config = config

    @torch.no_grad()
    def init_weights(self, module: nn.Module) -> None:
        """Weights from N(0, initializer_range), biases 0, LayerNorm 1 and 0."""
        if isinstance(module, nn.Linear | nn.Embedding):
            module.weight.normal_(0.0, self.config.initializer_range)
        if isinstance(module, nn.Linear):
            module.bias.zero_()
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()


class BertModel(BertPreTrainedModel):
    """Embeddings, encoder and pooler: BERT without a task."""

    def __init__(self, config: BertConfig):
        super().__init__(config)
        self.embeddings = BertEmbeddings(config)
        self.encoder = BertEncoder(config)
        self.pooler = BertPooler(config)
        self.apply(self.init_weights)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        output_attentions: bool = False,
    ) -> BertResult:
        """Read (batch, length) token ids.

        attention_mask: 1 for a token, 0 for padding.
        token_type_ids: 0 in segment A, 1 in B.
        """
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        mask = None
        if attention_mask is not None and not attention_mask.all():
            mask = attention_mask.bool()[:, None, None, :]  # the same for all heads and queries
        embedded = self.embeddings(input_ids, token_type_ids)
        hidden_states, attentions = self.encoder(embedded, mask, output_attentions)
        return BertResult(hidden_states, self.pooler(hidden_states[-1]), attentions)


class BertPredictionHeadTransform(nn.Module):
    """What comes before the MLM decoder: Linear, activation, LayerNorm."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, hidden: Tensor) -> Tensor:
        """(batch, length, hidden) -> the same shape."""
        return self.LayerNorm(self.activation(self.dense(hidden)))


class BertLMPredictionHead(nn.Module):
    """MLM head: a score for each token of the vocabulary, at each position."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.transform = BertPredictionHeadTransform(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        self.bias = self.decoder.bias  # one parameter that checkpoints know by two names

    def forward(self, hidden: Tensor) -> Tensor:
        """(batch, length, hidden) -> (batch, length, vocabulary)."""
        return self.decoder(self.transform(hidden))


class BertPreTrainingHeads(nn.Module):
    """The two heads of pretraining: MLM reads every position, NSP the pooled vector."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.predictions = BertLMPredictionHead(config)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)

    def forward(self, hidden: Tensor, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, length, hidden), (batch, hidden) -> the scores of MLM and of NSP."""
        return self.predictions(hidden), self.seq_relationship(pooled)


class BertForPreTraining(BertPreTrainedModel):
    """BERT with the MLM and NSP heads."""

    def __init__(self, config: BertConfig):
        super().__init__(config)
        self.bert = BertModel(config)
        self.cls = BertPreTrainingHeads(config)
        self.cls.apply(self.init_weights)
        # To read a token and to predict it: the same vector.
        self.cls.predictions.decoder.weight = self.bert.embeddings.word_embeddings.weight

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        output_attentions: bool = False,
    ) -> BertResult:
        """As BertModel, with prediction_logits and seq_relationship_logits."""
        result = self.bert(input_ids, attention_mask, token_type_ids, output_attentions)
        logits = self.cls(result.last_hidden_state, result.pooler_output)
        result.prediction_logits, result.seq_relationship_logits = logits
        return result


class BertForSequenceClassification(BertPreTrainedModel):
    """BERT with a linear classifier on the pooled vector."""

    def __init__(self, config: BertConfig):
        super().__init__(config)
        self.bert = BertModel(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.classifier.apply(self.init_weights)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        output_attentions: bool = False,
    ) -> BertResult:
        """As BertModel, with logits (batch, num_labels)."""
        result = self.bert(input_ids, attention_mask, token_type_ids, output_attentions)
        result.logits = self.classifier(self.dropout(result.pooler_output))
        return result
