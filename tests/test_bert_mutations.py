"""Each mistake one can make in utils/bert.py turns the test of that component red.

A mutant is the module's source with one passage replaced, run in this process; the test that is
named beside it must fail on it. Without this nobody knows whether test_bert_components.py can.
"""

import inspect
import types
from pathlib import Path

import pytest
import test_bert_components as components
import torch

import utils.bert

SOURCE = Path(utils.bert.__file__).read_text(encoding="utf8")

# (what was there, the mistake, the test that must name it)
MUTANTS = [
    # configuration
    ("layer_norm_eps: float = 1e-12", "layer_norm_eps: float = 1e-5", "config_defaults"),
    ('hidden_act: str = "gelu"', 'hidden_act: str = "relu"', "config_defaults"),
    ("initializer_range: float = 0.02", "initializer_range: float = 0.2", "config_defaults"),
    ("_heads:\n            raise", "_heads < 0:\n            raise", "config_refuses"),
    # embeddings
    ("torch.arange(input_ids.shape[1],", "torch.arange(1, input_ids.shape[1] + 1,", "position"),
    ("torch.arange(input_ids.shape[1],", "2 + torch.arange(input_ids.shape[1],", "position"),
    ("self.position_embeddings(positions)", "self.position_embeddings(0 * positions)", "position"),
    ("summed = summed + self.position", "summed = summed - self.position", "position_embeddings"),
    (" + self.token_type_embeddings(token_type_ids)", "", "segment_embeddings"),
    ("embeddings(token_type_ids)", "embeddings(0 * token_type_ids)", "segment_embeddings"),
    (
        "self.embeddings(input_ids, token_type_ids)",
        "self.embeddings(input_ids, 0 * token_type_ids)",
        "segment_ids_reach",
    ),
    ("token_type_ids = torch.zeros_like", "token_type_ids = torch.ones_like", "segment_ids_reach"),
    (
        "self.word_embeddings(input_ids) +",
        "2 * self.word_embeddings(input_ids) +",
        "token_embeddings",
    ),
    ("self.dropout(self.LayerNorm(summed))", "self.dropout(summed)", "embeddings_layer_norm"),
    ("self.dropout(self.LayerNorm(summed))", "self.LayerNorm(summed)", "embeddings_dropout"),
    (
        "self.dropout(self.LayerNorm(summed))",
        "self.LayerNorm(self.dropout(summed))",
        "embeddings_dropout",
    ),
    (
        "self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)",
        "self.LayerNorm = nn.LayerNorm(size)",
        "embeddings_layer_norm",
    ),
    (", padding_idx=pad", "", "padding_row"),
    # attention, written out
    (" * query.shape[-1] ** -0.5", "", "attention_scale"),
    ("query.shape[-1] ** -0.5", "query.shape[-1] ** -1", "attention_scale"),
    ("query.shape[-1] ** -0.5", "query.shape[-1] ** 0.5", "attention_scale"),
    ("masked_fill(~mask", "masked_fill(mask", "attention_mask_sign"),
    ("torch.finfo(scores.dtype).min", "-10.0", "attention_mask_value"),
    ("torch.finfo(scores.dtype).min", "-1e4", "attention_mask_value"),
    ("torch.finfo(scores.dtype).min", "torch.finfo(scores.dtype).max", "attention_mask_sign"),
    (
        "scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)\n    weights = scores.softmax(dim=-1)",
        "pass\n    weights = scores.softmax(dim=-1)\n    weights = weights if mask is None else weights * mask",
        "attention_mask_before_the_softmax",
    ),
    (
        "weights = scores.softmax(dim=-1)",
        "weights = scores.softmax(dim=-2)",
        "attention_weights_sum",
    ),
    ("        weights = dropout(weights)\n", "        pass\n", "attention_dropout"),
    (
        "return weights @ value, weights",
        "return weights.transpose(-2, -1) @ value, weights",
        "attention_mixes",
    ),
    # heads
    (
        "query = self.split_heads(self.query(hidden))",
        "query = self.split_heads(self.key(hidden))",
        "query_key_value_roles",
    ),
    (
        "value = self.split_heads(self.value(hidden))",
        "value = self.split_heads(self.key(hidden))",
        "query_key_value_roles",
    ),
    (
        "vectors.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)",
        "vectors.unflatten(-1, (-1, self.num_heads)).permute(0, 3, 1, 2)",
        "attention_heads",
    ),
    (
        "vectors.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)",
        "vectors.reshape(len(vectors), self.num_heads, vectors.shape[1], -1)",
        "attention_heads",
    ),
    ("self.num_heads = config.num_attention_heads", "self.num_heads = 1", "attention_heads"),
    (
        "mixed.transpose(1, 2).flatten(2)",
        "mixed.flatten(2).unflatten(1, (hidden.shape[1], -1)).flatten(2)[..., : hidden.shape[2]]",
        "attention_heads",
    ),
    # attention, fused
    (
        "value, mask, dropout_p=rate)",
        "value, mask, dropout_p=rate, scale=1.0)",
        "fused_attention_scale",
    ),
    ("value, mask, dropout_p=rate)", "value, None, dropout_p=rate)", "fused_attention_mask"),
    (
        "value, mask, dropout_p=rate)",
        "value, dropout_p=rate, is_causal=True)",
        "fused_attention_scale",
    ),
    (
        "value, mask, dropout_p=rate)",
        "value, None if mask is None else ~mask, dropout_p=rate)",
        "fused_attention_equals",
    ),
    (
        "self.dropout.p if self.training else 0.0",
        "self.dropout.p",
        "attention_dropout_only_in_training",
    ),
    ("self.dropout.p if self.training else 0.0", "0.0", "attention_dropout_only_in_training"),
    (
        "attention(query, key, value, mask, self.dropout)",
        "attention(query, key, value, mask)",
        "attention_dropout_only_in_training",
    ),
    (
        "nn.Dropout(config.attention_probs_dropout_prob)",
        "nn.Dropout(config.hidden_dropout_prob)",
        "dropout_rates",
    ),
    # the end of a sublayer
    (
        "self.LayerNorm(sublayer_input + self.dropout(self.dense(result)))",
        "sublayer_input + self.LayerNorm(self.dropout(self.dense(result)))",
        "post_layer_norm",
    ),
    (
        "self.LayerNorm(sublayer_input + self.dropout(self.dense(result)))",
        "sublayer_input + self.dropout(self.dense(result))",
        "post_layer_norm",
    ),
    (
        "sublayer_input + self.dropout(self.dense(result))",
        "self.dropout(self.dense(result))",
        "residual_connection",
    ),
    (
        "sublayer_input + self.dropout(self.dense(result))",
        "sublayer_input + self.dense(result)",
        "sublayer_dropout",
    ),
    (
        "sublayer_input + self.dropout(self.dense(result))",
        "self.dropout(sublayer_input + self.dense(result))",
        "sublayer_dropout",
    ),
    (
        "eps=config.layer_norm_eps)\n        self.dropout = nn.Dropout(config.hidden_dropout_prob)\n\n    def forward(self, result",
        "eps=1e-5)\n        self.dropout = nn.Dropout(config.hidden_dropout_prob)\n\n    def forward(self, result",
        "layer_norm_eps",
    ),
    # feed-forward network
    ('{"gelu": gelu,', '{"gelu": partial(gelu, approximate="tanh"),', "feed_forward_activation"),
    ('{"gelu": gelu,', '{"gelu": relu,', "feed_forward_activation"),
    ('partial(gelu, approximate="tanh")', "gelu", "activation_names"),
    (
        "return self.activation(self.dense(hidden))",
        "return self.dense(hidden)",
        "feed_forward_activation",
    ),
    (
        "self.activation = ACTIVATIONS[config.hidden_act]",
        "self.activation = gelu",
        "activation_is_the_one",
    ),
    # block and encoder
    (
        "return self.output(mixed, hidden), weights",
        "return self.output(mixed, mixed), weights",
        "attention_residual",
    ),
    (
        "self.output(self.intermediate(attended), attended)",
        "self.output(self.intermediate(attended), hidden)",
        "feed_forward_residual",
    ),
    (
        "self.output(self.intermediate(attended), attended)",
        "self.output(self.intermediate(hidden), attended)",
        "block_order",
    ),
    ("range(config.num_hidden_layers)", "range(config.num_hidden_layers - 1)", "encoder_depth"),
    (
        "hidden, weights = layer(hidden, mask, output_attentions)",
        "hidden, weights = self.layer[0](hidden, mask, output_attentions)",
        "encoder_depth",
    ),
    (
        "hidden, weights = layer(hidden, mask, output_attentions)",
        "hidden, weights = layer(hidden, None, output_attentions)",
        "padding_is_not_seen",
    ),
    ("hidden_states.append(hidden)", "hidden_states.insert(0, hidden)", "encoder_depth"),
    (
        "hidden_states, attentions = [hidden], []",
        "hidden_states, attentions = [], []",
        "encoder_depth",
    ),
    ("if not attention_mask.all()", "if attention_mask.all()", "padding_is_not_seen"),
    # pooler and heads
    ("self.dense(hidden[:, 0]).tanh()", "self.dense(hidden[:, 1]).tanh()", "pooler_token"),
    ("self.dense(hidden[:, 0]).tanh()", "self.dense(hidden.mean(1)).tanh()", "pooler_token"),
    ("self.dense(hidden[:, 0]).tanh()", "self.dense(hidden[:, 0])", "pooler_tanh"),
    ("self.dense(hidden[:, 0]).tanh()", "hidden[:, 0].tanh()", "pooler_tanh"),
    (
        "self.pooler(hidden_states[-1])",
        "self.pooler(hidden_states[0])",
        "pooler_reads_the_last_layer",
    ),
    (
        "self.LayerNorm(self.activation(self.dense(hidden)))",
        "self.activation(self.LayerNorm(self.dense(hidden)))",
        "mlm_transform",
    ),
    (
        "self.LayerNorm(self.activation(self.dense(hidden)))",
        "self.activation(self.dense(hidden))",
        "mlm_transform",
    ),
    ("if config.tie_word_embeddings:", "if False:", "mlm_decoder_tied"),
    ("if config.tie_word_embeddings:", "if True:", "mlm_decoder_tied"),
    (
        "self.bias = self.decoder.bias",
        "self.bias = nn.Parameter(torch.zeros(config.vocab_size))",
        "mlm_decoder_bias",
    ),
    ("return self.decoder(self.transform(hidden))", "return self.decoder(hidden)", "mlm_decoder"),
    ("self.cls(result.last_hidden_state,", "self.cls(result.hidden_states[0],", "mlm_head_reads"),
    (
        "result.last_hidden_state, result.pooler_output)",
        "result.last_hidden_state, result.last_hidden_state[:, 0])",
        "nsp_head",
    ),
    ("nn.Linear(config.hidden_size, 2)", "nn.Linear(config.hidden_size, 3)", "nsp_head"),
    (
        "self.classifier(self.dropout(result.pooler_output))",
        "self.classifier(self.dropout(result.last_hidden_state[:, 0]))",
        "classification_head",
    ),
    (
        "self.classifier(self.dropout(result.pooler_output))",
        "self.classifier(result.pooler_output)",
        "classification_dropout",
    ),
    (
        "nn.Linear(config.hidden_size, config.num_labels)",
        "nn.Linear(config.hidden_size, 2)",
        "classification_head",
    ),
    # initialisation
    ("normal_(0.0, self.config.initializer_range)", "normal_(0.0, 1.0)", "initialisation"),
    ("normal_(0.0, self.config.initializer_range)", "normal_(0.0, 0.02)", "initialisation"),
    (
        "weight.normal_(0.0, self",
        "weight.uniform_(-3**0.5 * self.config.initializer_range, 3**0.5 * self",
        "initialisation",
    ),
    ("module.bias.zero_()", "pass", "initialisation"),
    ("self.cls.apply(self.init_weights)", "pass", "initialisation"),
    ("self.classifier.apply(self.init_weights)", "pass", "initialisation"),
    ("module.weight[module.padding_idx].zero_()", "pass", "padding_row"),
]


def built_from(source):
    """The module that this source defines."""
    module = types.ModuleType("mutant_of_utils_bert")
    exec(compile(source, "mutant of utils/bert.py", "exec"), module.__dict__)
    return module


def outcome(name, module):
    """Run every component test whose name opens with `name`; return how many and what failed."""
    tests = [
        (each, test)
        for each, test in vars(components).items()
        if each.startswith(f"test_{name}") and callable(test)
    ]
    failed = []
    for each, test in tests:
        both = "written_out" in inspect.signature(test).parameters
        for arguments in [{"written_out": True}, {"written_out": False}] if both else [{}]:
            try:
                test(bert=module, **arguments)
            except (Exception, pytest.fail.Exception):  # any red is a red
                failed.append(each)
    return len(tests), failed


@pytest.mark.parametrize(
    ("there", "mistake", "test"), MUTANTS, ids=[f"{m[2]}-{i}" for i, m in enumerate(MUTANTS)]
)
def test_mutant_is_named(there, mistake, test):
    assert there in SOURCE, "this passage has changed: bring the list of mutants up to date"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tests, failed = outcome(test, built_from(SOURCE.replace(there, mistake)))
    assert tests, f"no component test is called test_{test}"
    assert failed, f"{mistake!r} goes unnoticed by test_{test}"


def test_the_source_itself_is_no_mutant():
    for test in sorted({mutant[2] for mutant in MUTANTS}):
        assert outcome(test, built_from(SOURCE))[1] == []
