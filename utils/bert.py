"""BERT from scratch: chapter 2 builds this file, class by class, from an empty one.

Source: Devlin et al. 2019, arXiv 1810.04805, whose encoder is that of Vaswani et al. 2017,
arXiv 1706.03762. Modules are named as in Hugging Face's transformers, so that its checkpoints
can be read and written without a table of translations.

model = BertForPreTraining.from_pretrained(resolve("mini-bert-zh"))
"""

from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import gelu, relu, scaled_dot_product_attention

from utils.bert_weights import load_weights, read_checkpoint, write_checkpoint
from utils.models import ModelError

# GELU: Hendrycks and Gimpel 2016, arXiv 1606.08415. transformers' "gelu" is the exact x · Phi(x);
# "gelu_new" is the approximation with tanh, which differs from it by up to 5e-4.
ACTIVATIONS = {"gelu": gelu, "gelu_new": partial(gelu, approximate="tanh"), "relu": relu}


@dataclass
class BertConfig:
    """Sizes and rates, named as in config.json; the defaults are BERT-Base's (English, uncased).

    Raises:
        ValueError: a hidden size that the heads cannot share, or an unknown activation.
    """

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 0
    tie_word_embeddings: bool = True
    classifier_dropout: float | None = None
    num_labels: int = 2
    other: dict = field(default_factory=dict)  # what else stood in config.json, to be kept

    def __post_init__(self):
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} cannot be shared by {self.num_attention_heads} "
                "heads; choose num_attention_heads that divides it"
            )
        if self.hidden_act not in ACTIVATIONS:
            raise ValueError(
                f"hidden_act {self.hidden_act!r} is not known here; use {', '.join(ACTIVATIONS)}"
            )

    @classmethod
    def from_dict(cls, entries: dict):
        """The configuration in the entries of a config.json; absent ones take the defaults."""
        names = {each.name for each in fields(cls)} - {"other"}
        known = {name: value for name, value in entries.items() if name in names}
        other = {name: value for name, value in entries.items() if name not in names}
        if entries.get("id2label"):  # transformers writes the names of the classes, not how many
            known.setdefault("num_labels", len(entries["id2label"]))
        return cls(**known, other=other)

    def to_dict(self) -> dict:
        """The entries of a config.json."""
        entries = asdict(self)
        entries = entries.pop("other") | entries
        if len(entries.get("id2label") or ()) != self.num_labels:  # names of other classes
            entries = {key: entries[key] for key in entries if key not in ("id2label", "label2id")}
        return entries


@dataclass
class BertResult:
    """What a model returns; a head's logits are None where the model has no such head.

    hidden_states: num_hidden_layers + 1 tensors (batch, length, hidden), the embeddings first.
    attentions: one (batch, heads, length, length) a layer, rows summing to 1; None unless asked.
    """

    hidden_states: tuple[torch.Tensor, ...]
    pooler_output: torch.Tensor  # (batch, hidden)
    attentions: tuple[torch.Tensor, ...] | None = None
    prediction_logits: torch.Tensor | None = None  # (batch, length, vocabulary)
    seq_relationship_logits: torch.Tensor | None = None  # (batch, 2), column 0 is "is next"
    logits: torch.Tensor | None = None  # (batch, num_labels)

    @property
    def last_hidden_state(self) -> torch.Tensor:
        return self.hidden_states[-1]


class BertEmbeddings(nn.Module):
    """Token + segment + position, summed and normalised (Devlin et al. 2019, section 3)."""

    def __init__(self, config):
        super().__init__()
        size, pad = config.hidden_size, config.pad_token_id
        self.word_embeddings = nn.Embedding(config.vocab_size, size, padding_idx=pad)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids, token_type_ids):
        """(batch, length) ids -> (batch, length, hidden)."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        summed = self.word_embeddings(input_ids) + self.token_type_embeddings(token_type_ids)
        summed = summed + self.position_embeddings(positions)
        return self.dropout(self.LayerNorm(summed))


def attention(query, key, value, mask=None, dropout=None):
    """Scaled dot-product attention: softmax(QK^T / sqrt(d)) V (Vaswani et al. 2017, equation 1).

    query, key, value: (batch, heads, length, d); mask: bool, broadcast to (batch, heads, length,
    length), False where a key must not be seen. Returns the mixed values, in the shape of
    `value`, and the weights (batch, heads, length, length).
    """
    scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
    if mask is not None:  # before the softmax, so that the weights still sum to 1
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim=-1)
    if dropout is not None:
        weights = dropout(weights)
    return weights @ value, weights


class BertSelfAttention(nn.Module):
    """Several heads of attention over the same tokens, each on its own slice of the vectors."""

    def __init__(self, config):
        super().__init__()
        self.num_heads = config.num_attention_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def split_heads(self, vectors):
        """(batch, length, hidden) -> (batch, heads, length, hidden / heads)."""
        return vectors.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def forward(self, hidden, mask=None, output_attentions=False):
        """(batch, length, hidden) -> the same, and the weights if asked for, else None."""
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
    """The end of both sublayers: LayerNorm(input + Dropout(Linear(result))), which is post-LN."""

    def __init__(self, config, size):
        super().__init__()
        self.dense = nn.Linear(size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, result, sublayer_input):
        """(batch, length, size) and (batch, length, hidden) -> (batch, length, hidden)."""
        return self.LayerNorm(sublayer_input + self.dropout(self.dense(result)))


class BertAttention(nn.Module):
    """First sublayer: self-attention, then a residual connection and LayerNorm."""

    def __init__(self, config):
        super().__init__()
        self.self = BertSelfAttention(config)
        self.output = BertOutput(config, config.hidden_size)

    def forward(self, hidden, mask=None, output_attentions=False):
        mixed, weights = self.self(hidden, mask, output_attentions)
        return self.output(mixed, hidden), weights


class BertIntermediate(nn.Module):
    """The wide half of the feed-forward network: Linear, then the activation."""

    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(self, hidden):
        """(batch, length, hidden) -> (batch, length, intermediate)."""
        return self.activation(self.dense(hidden))


class BertLayer(nn.Module):
    """One block: attention, then the feed-forward network, each with its residual and post-LN."""

    def __init__(self, config):
        super().__init__()
        self.attention = BertAttention(config)
        self.intermediate = BertIntermediate(config)
        self.output = BertOutput(config, config.intermediate_size)

    def forward(self, hidden, mask=None, output_attentions=False):
        """(batch, length, hidden) -> the same, and the attention weights or None."""
        attended, weights = self.attention(hidden, mask, output_attentions)
        return self.output(self.intermediate(attended), attended), weights


class BertEncoder(nn.Module):
    """The stack of blocks."""

    def __init__(self, config):
        super().__init__()
        self.layer = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))

    def forward(self, hidden, mask=None, output_attentions=False):
        """Return the hidden states (input first, then each block's) and the weights of each."""
        hidden_states, attentions = [hidden], []
        for layer in self.layer:
            hidden, weights = layer(hidden, mask, output_attentions)
            hidden_states.append(hidden)
            attentions.append(weights)
        return tuple(hidden_states), tuple(attentions) if output_attentions else None


class BertPooler(nn.Module):
    """One vector for the whole input: that of [CLS], through a dense layer and tanh."""

    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden):
        """(batch, length, hidden) -> (batch, hidden)."""
        return self.dense(hidden[:, 0]).tanh()


class BertPreTrainedModel(nn.Module):
    """What every model below shares: a configuration, first weights, reading and writing."""

    new_weights: tuple[str, ...] = ()  # those that the checkpoint did not hold

    def __init__(self, config):
        super().__init__()
        self.config = config

    @torch.no_grad()
    def init_weights(self, module):
        """Weights from N(0, initializer_range), biases 0, LayerNorm 1 and 0, [PAD]'s row 0."""
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.normal_(0.0, self.config.initializer_range)
        if isinstance(module, nn.Linear):
            module.bias.zero_()
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()

    @classmethod
    def from_pretrained(cls, folder: str | Path, **changes):
        """The model in a folder (or under a name on the Hub), in float32 and eval mode.

        Heads that the checkpoint lacks keep their random weights: `new_weights` names them, and a
        warning does. `changes` replace entries of config.json, such as num_labels=10.

        Raises:
            ModelError: what is missing or unsupported in the folder, and the cure.
            TypeError: a change of an entry that does not exist.
        """
        unknown = sorted(set(changes) - {each.name for each in fields(BertConfig)})
        if unknown:
            raise TypeError(f"from_pretrained: config.json knows no {unknown[0]!r}; leave it out")
        entries, weights = read_checkpoint(folder)
        try:
            model = cls(BertConfig.from_dict(entries | changes))
        except (TypeError, ValueError) as error:
            raise ModelError(f"{folder}/config.json: {error}") from None
        model.new_weights = load_weights(model, weights, folder)
        return model.eval()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write config.json and model.safetensors, for transformers and for from_pretrained."""
        write_checkpoint(self, folder)


class BertModel(BertPreTrainedModel):
    """Embeddings, encoder and pooler: BERT without a task."""

    def __init__(self, config):
        super().__init__(config)
        self.embeddings = BertEmbeddings(config)
        self.encoder = BertEncoder(config)
        self.pooler = BertPooler(config)
        self.apply(self.init_weights)

    def forward(
        self, input_ids, attention_mask=None, token_type_ids=None, output_attentions=False
    ) -> BertResult:
        """Read a batch of token ids.

        Args:
            input_ids: (batch, length) integers.
            attention_mask: (batch, length), 1 for a token and 0 for padding; by default no padding.
            token_type_ids: (batch, length), 0 in segment A and 1 in segment B; by default all A.
            output_attentions: also return the attention weights, at the price of storing them.
        Raises:
            ValueError: more tokens than there are position embeddings, or a mask of another shape.
        """
        longest = self.config.max_position_embeddings
        if input_ids.shape[1] > longest:
            raise ValueError(
                f"input_ids: {input_ids.shape[1]} tokens, but this model has {longest} position "
                f"embeddings; tokenize with truncation=True, max_length={longest}"
            )
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        mask = None
        if attention_mask is not None:
            if attention_mask.shape != input_ids.shape:
                raise ValueError(
                    f"attention_mask: shape {tuple(attention_mask.shape)}, but input_ids is "
                    f"{tuple(input_ids.shape)}; pass both as the tokenizer returned them"
                )
            if not attention_mask.all():  # without padding the fused attention needs no mask
                mask = attention_mask.bool()[:, None, None, :]  # the same for all heads and queries
        embedded = self.embeddings(input_ids, token_type_ids)
        hidden_states, attentions = self.encoder(embedded, mask, output_attentions)
        return BertResult(hidden_states, self.pooler(hidden_states[-1]), attentions)


class BertPredictionHeadTransform(nn.Module):
    """What comes before the MLM decoder: Linear, activation, LayerNorm."""

    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, hidden):
        return self.LayerNorm(self.activation(self.dense(hidden)))


class BertLMPredictionHead(nn.Module):
    """MLM head: a score for each token of the vocabulary, at each position."""

    def __init__(self, config):
        super().__init__()
        self.transform = BertPredictionHeadTransform(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        self.bias = self.decoder.bias  # one parameter that checkpoints know by two names

    def forward(self, hidden):
        """(batch, length, hidden) -> (batch, length, vocabulary)."""
        return self.decoder(self.transform(hidden))


class BertPreTrainingHeads(nn.Module):
    """The two heads of pretraining: MLM reads every position, NSP the pooled vector."""

    def __init__(self, config):
        super().__init__()
        self.predictions = BertLMPredictionHead(config)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)

    def forward(self, hidden, pooled):
        return self.predictions(hidden), self.seq_relationship(pooled)


class BertForPreTraining(BertPreTrainedModel):
    """BERT with the MLM and NSP heads."""

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config)
        self.cls = BertPreTrainingHeads(config)
        self.cls.apply(self.init_weights)
        if config.tie_word_embeddings:  # to read a token and to predict it: the same vector
            self.cls.predictions.decoder.weight = self.bert.embeddings.word_embeddings.weight

    def forward(
        self, input_ids, attention_mask=None, token_type_ids=None, output_attentions=False
    ) -> BertResult:
        """As BertModel, with prediction_logits and seq_relationship_logits."""
        result = self.bert(input_ids, attention_mask, token_type_ids, output_attentions)
        logits = self.cls(result.last_hidden_state, result.pooler_output)
        result.prediction_logits, result.seq_relationship_logits = logits
        return result


class BertForSequenceClassification(BertPreTrainedModel):
    """BERT with a linear classifier on the pooled vector."""

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config)
        rate = config.classifier_dropout
        self.dropout = nn.Dropout(config.hidden_dropout_prob if rate is None else rate)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.classifier.apply(self.init_weights)

    def forward(
        self, input_ids, attention_mask=None, token_type_ids=None, output_attentions=False
    ) -> BertResult:
        """As BertModel, with logits (batch, num_labels)."""
        result = self.bert(input_ids, attention_mask, token_type_ids, output_attentions)
        result.logits = self.classifier(self.dropout(result.pooler_output))
        return result
