"""What makes utils.bert fast: one fused attention a layer, and no weights stored unless asked for.

The milliseconds depend on the machine and on its other work; the operations do not.
"""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from utils.bert import BertConfig, BertModel

LAYERS = 3
SIZES = {"vocab_size": 20, "hidden_size": 32, "num_hidden_layers": LAYERS}
SIZES |= {"num_attention_heads": 2, "intermediate_size": 64}


def operations(call) -> list[str]:
    """Return the names of the operations on the processor that a call makes, in order."""
    with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU]) as watched:
        call()
    return [event.name for event in watched.events()]


@pytest.mark.weekly
@pytest.mark.parametrize("padded", [False, True])
def test_attention_is_one_fused_operation_a_layer(padded):
    model = BertModel(BertConfig(**SIZES)).eval()
    batch = {"input_ids": torch.randint(1, 10, (2, 8)), "attention_mask": torch.ones(2, 8).long()}
    if padded:
        batch["attention_mask"][0, 5:] = 0
    fast = operations(lambda: model(**batch))
    assert fast.count("aten::scaled_dot_product_attention") == LAYERS
    assert "aten::softmax" not in fast

    # With the weights asked for they must be computed, which shows that the list is no empty one.
    slow = operations(lambda: model(**batch, output_attentions=True))
    assert slow.count("aten::softmax") == LAYERS
    assert "aten::scaled_dot_product_attention" not in slow
