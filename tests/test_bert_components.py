"""utils.bert part by part: who breaks a component learns its name from the test that goes red.

Each test takes the module as its argument, so that test_bert_mutations.py can hand it a broken
one. That chapter 2 defines the same code is test_bert_chapter.py's. What is expected is written
out here from the formulas; nothing is compared with another library.
"""

import math
from dataclasses import asdict

import pytest
import torch
from torch import nn

import utils.bert

SIZES = {
    "vocab_size": 13,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 20,
    "max_position_embeddings": 10,
    "type_vocab_size": 3,
    "layer_norm_eps": 0.5,  # so large that another one shows
}


def small(bert, **options):
    return bert.BertConfig(**(SIZES | options))


def whole(module, training=False):
    """The module in float64 with random biases and norms, which would hide mistakes as 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return module.double().train(training)


def noise(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ids(*shape, below=SIZES["vocab_size"], seed=1):
    return torch.randint(1, below, shape, generator=torch.Generator().manual_seed(seed))


def layer_norm(x, norm, eps=SIZES["layer_norm_eps"]):
    """Ba et al. 2016, arXiv 1607.06450, over the last axis, with the parameters of `norm`."""
    centred = x - x.mean(-1, keepdim=True)
    variance = (centred**2).mean(-1, keepdim=True)
    return centred / (variance + eps).sqrt() * norm.weight + norm.bias


def exact_gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def same(actual, expected, tolerance=1e-10):
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)


# Configuration


def test_config_defaults(bert=utils.bert):
    assert asdict(bert.BertConfig()) == {
        "vocab_size": 30522,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "num_labels": 2,
    }


def test_heads_that_cannot_share_the_vectors_are_refused(bert=utils.bert):
    with pytest.raises(ValueError, match="hidden_size must be a multiple of num_attention_heads"):
        bert.BertSelfAttention(small(bert, num_attention_heads=5))


# Embeddings


def plain_embeddings(bert):
    """Embeddings without their LayerNorm: the bare sum."""
    embeddings = whole(bert.BertEmbeddings(small(bert)))
    embeddings.LayerNorm = nn.Identity()
    return embeddings


def test_token_embeddings(bert=utils.bert):
    embeddings, a, b = plain_embeddings(bert), ids(2, 5), ids(2, 5, seed=2)
    zeros = torch.zeros_like(a)
    rows = embeddings.word_embeddings.weight
    same(embeddings(a, zeros) - embeddings(b, zeros), rows[a] - rows[b])


def test_position_embeddings(bert=utils.bert):
    embeddings, a = plain_embeddings(bert), ids(2, 10)
    zeros = torch.zeros_like(a)
    rest = embeddings.word_embeddings.weight[a] + embeddings.token_type_embeddings.weight[0]
    expected = embeddings.position_embeddings.weight.expand(2, 10, 8)
    same(embeddings(a, zeros) - rest, expected)


def test_segment_embeddings(bert=utils.bert):
    embeddings, a, segments = plain_embeddings(bert), ids(2, 5), ids(2, 5, below=3)
    rows = embeddings.token_type_embeddings.weight
    assert rows.shape == (3, 8)
    difference = embeddings(a, segments) - embeddings(a, torch.zeros_like(a))
    same(difference, rows[segments] - rows[0])


def test_segment_ids_reach_the_embeddings(bert=utils.bert):
    model, a = whole(bert.BertModel(small(bert))), ids(2, 5)
    given = model(a, token_type_ids=torch.ones_like(a)).hidden_states[0]
    same(given, model.embeddings(a, torch.ones_like(a)))
    same(model(a).hidden_states[0], model.embeddings(a, torch.zeros_like(a)))


def test_embeddings_layer_norm(bert=utils.bert):
    embeddings, bare, a = whole(bert.BertEmbeddings(small(bert))), plain_embeddings(bert), ids(2, 5)
    segments = torch.zeros_like(a)
    same(embeddings(a, segments), layer_norm(bare(a, segments), embeddings.LayerNorm))


def test_embeddings_dropout(bert=utils.bert):
    embeddings, a = whole(bert.BertEmbeddings(small(bert, hidden_dropout_prob=0.5))), ids(8, 10)
    kept = embeddings(a, torch.zeros_like(a))
    dropped_or_doubled(embeddings.train()(a, torch.zeros_like(a)), kept)


def dropped_or_doubled(result, kept):
    """With a rate of one half, each number is either lost or doubled, and some are of each kind."""
    lost = result == 0
    assert 0.3 < lost.double().mean() < 0.7
    same(result[~lost], 2 * kept[~lost])


# Attention


def queries_keys_values(length=5, d=16):
    return (noise(2, 3, length, d, seed=seed) for seed in (1, 2, 3))


def mask_of(*rows):
    return torch.tensor(rows, dtype=torch.bool)[:, None, None, :]


def test_attention_scale(bert=utils.bert):
    query, key, value = queries_keys_values(d=16)
    _, weights = bert.attention(query, key, value)
    powers = (torch.einsum("bhid,bhjd->bhij", query, key) / 4).exp()  # 4 is the root of 16
    same(weights, powers / powers.sum(-1, keepdim=True))
    same(bert.attention(query, key, value[..., :3])[1], weights)  # values may have another width


def test_attention_weights_sum_to_one(bert=utils.bert):
    _, weights = bert.attention(*queries_keys_values())
    same(weights.sum(-1), torch.ones(2, 3, 5, dtype=torch.float64))


def test_attention_mixes_the_values(bert=utils.bert):
    query, key, value = queries_keys_values()
    mixed, weights = bert.attention(query, key, value)
    same(mixed, torch.einsum("bhij,bhjd->bhid", weights, value))


def test_attention_mask_sign(bert=utils.bert):
    seen = mask_of([1, 1, 1, 0, 0], [1, 1, 1, 1, 1])
    _, weights = bert.attention(*queries_keys_values(), seen)
    assert (weights[0, :, :, :3] > 0).all() and (weights[1] > 0).all()
    assert (weights[0, :, :, 3:] == 0).all()


def test_attention_mask_before_the_softmax(bert=utils.bert):
    """Hiding keys is as good as not having them: the weights of the others still sum to 1."""
    query, key, value = queries_keys_values()
    seen = mask_of([1, 1, 1, 0, 0], [1, 1, 1, 0, 0])
    mixed, weights = bert.attention(query, key, value, seen)
    fewer, fewer_weights = bert.attention(query, key[:, :, :3], value[:, :, :3])
    same(weights[..., :3], fewer_weights)
    same(mixed, fewer)


def test_attention_mask_value(bert=utils.bert):
    """However low the scores of what may be seen, what is hidden gets nothing."""
    query, key, value = queries_keys_values()
    key[:, :, :3] = -1e6 * query.mean(2, keepdim=True)
    key[:, :, 3:] = 0
    _, weights = bert.attention(query, key, value, mask_of([1, 1, 1, 0, 0], [1, 1, 1, 0, 0]))
    assert (weights[..., 3:] == 0).all()


def test_attention_dropout(bert=utils.bert):
    query, key, value = queries_keys_values()
    _, kept = bert.attention(query, key, value)
    mixed, weights = bert.attention(query, key, value, dropout=nn.Dropout(0.5))
    dropped_or_doubled(weights, kept)
    same(mixed, torch.einsum("bhij,bhjd->bhid", weights, value))


def self_attention(bert, **options):
    return whole(bert.BertSelfAttention(small(bert, **options)))


def by_hand(layer, x, heads, seen=None):
    """Multi-head attention as a loop over the heads, each on its own columns."""
    d, results = x.shape[-1] // heads, []
    for head in range(heads):
        columns = slice(head * d, (head + 1) * d)
        query, key, value = (f(x)[..., columns] for f in (layer.query, layer.key, layer.value))
        scores = query @ key.mT / math.sqrt(d)
        if seen is not None:
            scores = scores.masked_fill(~seen[:, 0], -math.inf)
        results.append(torch.softmax(scores, -1) @ value)
    return torch.cat(results, -1)


@pytest.mark.parametrize("written_out", [True, False])
def test_query_key_value_roles(written_out, bert=utils.bert):
    layer, x = self_attention(bert, num_attention_heads=1), noise(2, 5, 8)
    same(layer(x, output_attentions=written_out)[0], by_hand(layer, x, 1))


@pytest.mark.parametrize("written_out", [True, False])
def test_attention_heads(written_out, bert=utils.bert):
    for heads in (2, 4):
        layer, x = self_attention(bert, num_attention_heads=heads), noise(2, 5, 8)
        result, weights = layer(x, output_attentions=written_out)
        same(result, by_hand(layer, x, heads))
        assert weights is None or weights.shape == (2, heads, 5, 5)


def test_fused_attention_scale(bert=utils.bert):
    layer, x = self_attention(bert), noise(2, 5, 8)
    same(layer(x)[0], by_hand(layer, x, 2))


def test_fused_attention_mask(bert=utils.bert):
    layer, x, seen = self_attention(bert), noise(2, 5, 8), mask_of([1, 1, 1, 0, 0], [1] * 5)
    same(layer(x, seen)[0], by_hand(layer, x, 2, seen))


def test_fused_attention_equals_written_out(bert=utils.bert):
    layer, x, seen = self_attention(bert), noise(2, 5, 8), mask_of([1, 1, 1, 0, 0], [1] * 5)
    written, weights = layer(x, seen, output_attentions=True)
    fused, nothing = layer(x, seen)
    same(fused, written)
    assert nothing is None and weights.shape == (2, 2, 5, 5)


@pytest.mark.parametrize("written_out", [True, False])
def test_attention_dropout_only_in_training(written_out, bert=utils.bert):
    """With all values 1, a query's result is the sum of its weights: 1 unless some are dropped."""
    layer, x = self_attention(bert, attention_probs_dropout_prob=0.5), noise(2, 5, 8)
    with torch.no_grad():
        layer.value.weight.zero_()
        layer.value.bias.fill_(1)
    ones = torch.ones_like(x)
    same(layer(x, output_attentions=written_out)[0], ones)
    torch.manual_seed(0)
    assert (layer.train()(x, output_attentions=written_out)[0] - ones).abs().max() > 0.1


# The end of a sublayer: dense, dropout, residual connection, LayerNorm


def sublayer_end(bert, **options):
    return whole(bert.BertOutput(small(bert, **options), 20))


def test_sublayer_dense(bert=utils.bert):
    end, result = sublayer_end(bert), noise(2, 5, 20)
    end.LayerNorm = nn.Identity()
    expected = result @ end.dense.weight.T + end.dense.bias
    same(end(result, torch.zeros(2, 5, 8, dtype=torch.float64)), expected)


def test_residual_connection(bert=utils.bert):
    end, x = sublayer_end(bert), noise(2, 5, 8)
    end.LayerNorm = nn.Identity()
    zeros = torch.zeros(2, 5, 20, dtype=torch.float64)
    same(end(zeros, x) - end(zeros, 0 * x), x)


def test_post_layer_norm(bert=utils.bert):
    """Post-LN: the sum of residual and result is normalised, so nothing is added afterwards."""
    end, result, x = sublayer_end(bert), noise(2, 5, 20), noise(2, 5, 8, seed=2)
    same(end(result, x), layer_norm(x + end.dense(result), end.LayerNorm))


def test_sublayer_dropout(bert=utils.bert):
    """Dropout falls on the sublayer's result, not on the residual, and only in training."""
    end, result = sublayer_end(bert, hidden_dropout_prob=0.5), noise(8, 10, 20)
    end.LayerNorm = nn.Identity()
    x = torch.full((8, 10, 8), 3.0, dtype=torch.float64)
    kept = end.dense(result)
    same(end(result, x), x + kept)
    dropped_or_doubled(end.train()(result, x) - x, kept)


# Feed-forward network


def test_feed_forward_activation(bert=utils.bert):
    wide, x = whole(bert.BertIntermediate(small(bert))), noise(2, 5, 8)
    result = wide(x)
    assert result.shape == (2, 5, 20)
    same(result, exact_gelu(x @ wide.dense.weight.T + wide.dense.bias))


def test_activation_names(bert=utils.bert):
    x = torch.linspace(-4, 4, 81, dtype=torch.float64)
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    same(bert.ACTIVATIONS["gelu"](x), exact_gelu(x))
    same(bert.ACTIVATIONS["gelu_new"](x), 0.5 * x * (1 + torch.tanh(inner)))
    same(bert.ACTIVATIONS["relu"](x), x.clamp(min=0))


def test_activation_is_the_one_of_the_config(bert=utils.bert):
    config = small(bert, hidden_act="relu")
    for module in (bert.BertIntermediate(config), bert.BertPredictionHeadTransform(config)):
        same(module.activation(torch.tensor([-1.0, 1.0])), torch.tensor([0.0, 1.0]))


# Block and encoder


class Zero(nn.Module):
    """Stands for a sublayer that finds nothing."""

    def forward(self, hidden, *_):
        return torch.zeros(*hidden.shape[:-1], 20, dtype=hidden.dtype)


def test_attention_residual(bert=utils.bert):
    """The residual around attention is the block's own input."""
    block, x = whole(bert.BertAttention(small(bert))), noise(2, 5, 8)
    mixed, _ = block.self(x)
    result, weights = block(x)
    same(result, layer_norm(x + block.output.dense(mixed), block.output.LayerNorm))
    assert weights is None and block(x, None, True)[1].shape == (2, 2, 5, 5)


def test_feed_forward_residual(bert=utils.bert):
    """The residual around the feed-forward network is what attention gave, not the block's input."""
    block, x = whole(bert.BertLayer(small(bert))), noise(2, 5, 8)
    block.intermediate = Zero()
    attended = block.attention(x)[0]
    same(block(x)[0], layer_norm(attended + block.output.dense.bias, block.output.LayerNorm))


def test_block_order(bert=utils.bert):
    """Attention first, then the feed-forward network on what attention gave."""
    block, x = whole(bert.BertLayer(small(bert))), noise(2, 5, 8)
    attended = block.attention(x)[0]
    wide = block.output.dense(block.intermediate(attended))
    result, weights = block(x)
    same(result, layer_norm(attended + wide, block.output.LayerNorm))
    assert weights is None and block(x, None, True)[1].shape == (2, 2, 5, 5)


def test_encoder_depth_and_hidden_states(bert=utils.bert):
    encoder, x = whole(bert.BertEncoder(small(bert, num_hidden_layers=3))), noise(2, 5, 8)
    hidden_states, attentions = encoder(x)
    assert len(encoder.layer) == 3 and len(hidden_states) == 4 and attentions is None
    same(hidden_states[0], x)
    for before, layer, after in zip(hidden_states, encoder.layer, hidden_states[1:], strict=False):
        same(after, layer(before)[0])


def test_attentions_of_every_layer(bert=utils.bert):
    model, a = whole(bert.BertModel(small(bert))), ids(2, 5)
    result = model(a, output_attentions=True)
    assert [weights.shape for weights in result.attentions] == [(2, 2, 5, 5)] * 2
    assert isinstance(result.attentions, tuple) and isinstance(result.hidden_states, tuple)
    assert model(a).attentions is None
    for before, layer, weights in zip(
        result.hidden_states, model.encoder.layer, result.attentions, strict=False
    ):
        same(weights, layer.attention.self(before, None, True)[1])


@pytest.mark.parametrize("written_out", [True, False])
def test_padding_is_not_seen(written_out, bert=utils.bert):
    """Whatever stands in the padding, no layer's states at the real tokens change."""
    model, a = whole(bert.BertModel(small(bert))), ids(2, 6)
    b, seen = a.clone(), torch.ones_like(a)
    b[0, 4:] = (b[0, 4:] + 3) % 13
    seen[0, 4:] = 0
    second_segment = torch.ones_like(a)
    first, second = (model(x, seen, second_segment, written_out) for x in (a, b))
    for left, right in zip(first.hidden_states[1:], second.hidden_states[1:], strict=True):
        same(left[seen.bool()], right[seen.bool()])
    unmasked = model(a, None, second_segment, written_out)
    assert not torch.allclose(unmasked.last_hidden_state[0, 0], first.last_hidden_state[0, 0])
    alone = model(a[:1, :4], None, second_segment[:1, :4], written_out)  # without the padding
    same(first.last_hidden_state[0, :4], alone.last_hidden_state[0])


@pytest.mark.parametrize("written_out", [True, False])
def test_a_text_of_nothing_but_padding_stays_finite(written_out, bert=utils.bert):
    model, a = whole(bert.BertModel(small(bert))), ids(2, 6)
    seen = torch.ones_like(a)
    seen[0] = 0
    result = model(a, seen, output_attentions=written_out)
    assert result.last_hidden_state.isfinite().all()


# Pooler and heads


def test_pooler_token(bert=utils.bert):
    pooler, x = whole(bert.BertPooler(small(bert))), noise(2, 5, 8)
    y = noise(2, 5, 8, seed=2)
    y[:, 0] = x[:, 0]
    assert pooler(x).shape == (2, 8)
    same(pooler(x), pooler(y))
    assert not torch.allclose(pooler(x), pooler(x.flip(1)))


def test_pooler_tanh(bert=utils.bert):
    pooler, x = whole(bert.BertPooler(small(bert))), noise(2, 5, 8)
    same(pooler(x.roll(1, 1).roll(-1, 1)), torch.tanh(pooler.dense(x[:, 0])))


def test_pooler_reads_the_last_layer(bert=utils.bert):
    model, a = whole(bert.BertModel(small(bert))), ids(2, 5)
    result = model(a)
    same(result.pooler_output, model.pooler(result.hidden_states[-1]))
    same(result.last_hidden_state, result.hidden_states[2])


def test_mlm_transform(bert=utils.bert):
    """Linear, activation, LayerNorm, in this order."""
    transform, x = whole(bert.BertPredictionHeadTransform(small(bert))), noise(2, 5, 8)
    wanted = exact_gelu(x @ transform.dense.weight.T + transform.dense.bias)
    same(transform(x), layer_norm(wanted, transform.LayerNorm))


def test_mlm_decoder_tied(bert=utils.bert):
    model = bert.BertForPreTraining(small(bert))
    decoder = model.cls.predictions.decoder
    assert decoder.weight is model.bert.embeddings.word_embeddings.weight


def test_mlm_decoder_bias(bert=utils.bert):
    head, x = whole(bert.BertLMPredictionHead(small(bert))), noise(2, 5, 8)
    before, shift = head(x), noise(13, seed=2)
    with torch.no_grad():
        head.bias += shift
    same(head(x) - before, shift.expand(2, 5, 13))


def test_mlm_decoder(bert=utils.bert):
    head, x = whole(bert.BertLMPredictionHead(small(bert))), noise(2, 5, 8)
    same(head(x), head.transform(x) @ head.decoder.weight.T + head.bias)


def test_mlm_head_reads_every_position(bert=utils.bert):
    model, a = whole(bert.BertForPreTraining(small(bert))), ids(2, 5)
    result = model(a)
    assert result.prediction_logits.shape == (2, 5, 13)
    same(result.prediction_logits, model.cls.predictions(result.hidden_states[-1]))


def test_nsp_head(bert=utils.bert):
    model, a = whole(bert.BertForPreTraining(small(bert))), ids(2, 5)
    result, head = model(a), model.cls.seq_relationship
    assert result.seq_relationship_logits.shape == (2, 2)
    same(result.seq_relationship_logits, result.pooler_output @ head.weight.T + head.bias)


def test_classification_head(bert=utils.bert):
    model, a = whole(bert.BertForSequenceClassification(small(bert, num_labels=4))), ids(2, 5)
    result, head = model(a), model.classifier
    assert result.logits.shape == (2, 4)
    same(result.logits, result.pooler_output @ head.weight.T + head.bias)


def test_heads_hand_on_what_they_are_given(bert=utils.bert):
    """Mask, segments and the wish for attentions reach the encoder, each in its place."""
    a, seen, segments = ids(2, 5), torch.ones(2, 5).long(), torch.tensor([[0, 1, 2, 0, 1]] * 2)
    seen[0, 3:] = 0
    for name in ("BertForPreTraining", "BertForSequenceClassification"):
        model = whole(getattr(bert, name)(small(bert)))
        result, wanted = model(a, seen, segments, True), model.bert(a, seen, segments, True)
        same(result.last_hidden_state, wanted.last_hidden_state)
        same(result.attentions[1], wanted.attentions[1])
        plain, wanted = model(a), model.bert(a)
        assert plain.attentions is None
        same(plain.last_hidden_state, wanted.last_hidden_state)
        assert model(a, seen).attentions is None and model(a, None, segments).attentions is None


def test_a_head_that_a_model_lacks_says_nothing(bert=utils.bert):
    result = whole(bert.BertModel(small(bert)))(ids(2, 5))
    assert result.prediction_logits is result.seq_relationship_logits is result.logits is None


def test_classification_dropout(bert=utils.bert):
    config = small(bert, hidden_dropout_prob=0.5, layer_norm_eps=0.25)
    model = whole(bert.BertForSequenceClassification(config))
    model.train().bert.eval()
    model.classifier = nn.Identity()
    result = model(ids(8, 5))
    dropped_or_doubled(result.logits, result.pooler_output)


# The model as a whole


def test_layer_norm_eps(bert=utils.bert):
    model = bert.BertForPreTraining(small(bert, layer_norm_eps=0.25))
    norms = {name: m.eps for name, m in model.named_modules() if isinstance(m, nn.LayerNorm)}
    assert set(norms.values()) == {0.25} and len(norms) == 1 + 2 * 2 + 1


def test_dropout_rates(bert=utils.bert):
    """Two rates of the config, each where it belongs: attention weights, and everything else."""
    config = small(bert, hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.4)
    model = bert.BertModel(config)
    rates = {name: m.p for name, m in model.named_modules() if isinstance(m, nn.Dropout)}
    assert {rate for name, rate in rates.items() if "attention.self" in name} == {0.4}
    assert {rate for name, rate in rates.items() if "attention.self" not in name} == {0.2}
    assert len(rates) == 1 + 3 * 2


def test_no_dropout_in_eval(bert=utils.bert):
    rates = {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5}
    model, a = whole(bert.BertForPreTraining(small(bert, **rates))), ids(2, 5)
    for written_out in (True, False):
        first, second = (model(a, output_attentions=written_out) for _ in range(2))
        same(first.prediction_logits, second.prediction_logits, 0)
        model.train()
        assert not torch.equal(model(a).prediction_logits, model(a).prediction_logits)
        model.eval()


def test_initialisation(bert=utils.bert):
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "vocab_size": 200, "num_labels": 40}
    for range_ in (0.02, 0.1):
        config = small(bert, initializer_range=range_, max_position_embeddings=64, **sizes)
        for model in (bert.BertForPreTraining(config), bert.BertForSequenceClassification(config)):
            for name, module in model.named_modules():
                if isinstance(module, nn.Linear | nn.Embedding) and module.weight.numel() > 200:
                    weight = module.weight.detach()
                    assert 0.9 * range_ < weight.std() < 1.1 * range_, name
                    assert weight.abs().max() > 2.2 * range_, f"{name} is not normal"
                if isinstance(module, nn.Linear):
                    assert module.bias.abs().max() == 0, name
                if isinstance(module, nn.LayerNorm):
                    assert (module.weight == 1).all() and (module.bias == 0).all(), name


def test_padding_row(bert=utils.bert):
    """[PAD]'s own vector starts at 0 and gets no gradient from being read."""
    model = bert.BertModel(small(bert))
    rows = model.embeddings.word_embeddings.weight
    assert (rows[0] == 0).all() and (rows[1] != 0).any()
    model(torch.tensor([[1, 2, 0]])).last_hidden_state.square().sum().backward()
    assert (rows.grad[0] == 0).all() and (rows.grad[1] != 0).any()


def test_every_parameter_gets_a_gradient(bert=utils.bert):
    model, a = whole(bert.BertForPreTraining(small(bert, max_position_embeddings=5))), ids(3, 5)
    result = model(a, token_type_ids=torch.arange(3)[:, None].expand(3, 5))
    (result.prediction_logits.sin().sum() + result.seq_relationship_logits.sin().sum()).backward()
    for name, parameter in model.named_parameters():
        # The same number added to all keys changes no softmax.
        if not name.endswith("key.bias"):
            assert parameter.grad is not None and parameter.grad.abs().max() > 1e-9, name


def test_a_text_that_is_too_long_is_refused(bert=utils.bert):
    model = bert.BertModel(small(bert))
    model(ids(1, 10))
    with pytest.raises(ValueError, match="11 tokens; tokenize with max_length=10"):
        model(ids(1, 11))
