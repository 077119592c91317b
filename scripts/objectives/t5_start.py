"""A head start for a small T5: what long training finds out first is there from the beginning.

T5 gives its attention no positions but a learned table of distances, which starts as noise. In a
run of thousands of steps, not hundreds of thousands, that table is learned too late: after 3,000
steps the encoder still took a text for a bag of words.
"""

import torch
from transformers import T5ForConditionalGeneration

FAR, WRONG_SIDE, SELF = 8.0, 3.0, 2.0  # what is taken off a score before the softmax, at most FAR


def head_start(model: T5ForConditionalGeneration) -> None:
    """Set, in place, where attention looks before the first step; all of it can be unlearned.

    - The first three heads of each self-attention look at what stands just left, just right, and
      near on either side, as heads of a trained BERT do (Clark et al. 2019, arXiv 1906.04341); the
      bias falls with the distance (ALiBi: Press et al. 2022, arXiv 2108.12409).
    - In the cross-attention, keys begin as the queries do, so that equal tokens find each other:
      a sentinel of the answer looks at the same sentinel of the source.
    """
    for stack, both_sides in ((model.encoder, True), (model.decoder, False)):
        attention = stack.block[0].layer[0].SelfAttention
        reach = attention.relative_attention_max_distance
        distances = torch.arange(1 - reach, reach)  # of the token looked at; negative: to the left
        buckets = attention._relative_position_bucket(
            distances, both_sides, attention.relative_attention_num_buckets, reach
        )
        for bucket in buckets.unique():
            within = distances[buckets == bucket]
            distance = within[within.abs().argmin()]
            away, at_self = distance.abs(), SELF * (distance == 0)
            taken_off = torch.stack(
                [
                    away + at_self + WRONG_SIDE * (distance > 0),
                    away + at_self + WRONG_SIDE * (distance < 0),
                    away / 2,
                ]
            )[: attention.n_heads]
            table = attention.relative_attention_bias.weight.data
            table[bucket, : len(taken_off)] -= taken_off.clamp(max=FAR)
    for block in model.decoder.block:
        queries, keys = (block.layer[1].EncDecAttention.get_submodule(name) for name in "qk")
        keys.weight.data = queries.weight.data * (keys.weight.std() / queries.weight.std()).item()
