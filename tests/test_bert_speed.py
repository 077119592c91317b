"""utils.bert is at least as fast as transformers' BertModel, both with fused attention."""

import statistics
import time

import pytest
import torch
import transformers
from conftest import MEASURED

from utils.bert import BertConfig, BertModel

SIZES = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 1000}
# One run is disturbed by whatever else the machine does, so the two take turns and their best
# times are compared; what is left of the noise is covered by the margin.
MARGIN, TURNS = 1.15, 7


def processor_seconds(function):
    started = time.process_time()
    function()
    return time.process_time() - started


@pytest.mark.weekly
@pytest.mark.parametrize("padded", [False, True])
def test_forward_is_as_fast_as_transformers(padded):
    config = BertConfig(**SIZES, intermediate_size=1024)
    ours = BertModel(config).eval()
    theirs = transformers.BertModel(
        transformers.BertConfig(**SIZES, intermediate_size=1024, attn_implementation="sdpa")
    ).eval()
    batch = {"input_ids": torch.randint(1, 1000, (8, 64)), "attention_mask": torch.ones(8, 64)}
    batch["attention_mask"] = batch["attention_mask"].long()
    if padded:
        batch["attention_mask"][::2, 40:] = 0
    times = {"ours": [], "theirs": []}
    with torch.inference_mode():
        for turn in range(TURNS + 1):
            for name, model in (("ours", ours), ("theirs", theirs)):
                seconds = processor_seconds(lambda model=model: model(**batch))
                if turn:  # the first only warms up
                    times[name].append(seconds)
    ratio = min(times["ours"]) / min(times["theirs"])
    middle = statistics.median(times["ours"]) / statistics.median(times["theirs"])
    MEASURED.append(
        f"BERT forward, {'padded' if padded else 'unpadded'}: ours / transformers (sdpa) "
        f"= {ratio:.2f} best, {middle:.2f} median"
    )
    assert min(ratio, middle) < MARGIN
