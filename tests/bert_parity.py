"""Comparing a model of utils.bert with its counterpart in transformers, layer by layer."""

import torch

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5}


def largest_difference(ours, theirs, places=None):
    """The largest absolute difference, at `places` (batch, length) only if given."""
    difference = (ours - theirs).abs()
    return (difference if places is None else difference[places]).max().item()


def first_difference(ours, theirs, batch, tolerance):
    """Name the first thing that differs by more than `tolerance`, or return None.

    ours: a BertResult, theirs: an output of transformers' BertModel; in the order in which they
    are computed, on the places that are no padding.
    """
    places = batch["attention_mask"].bool()
    assert len(ours.hidden_states) == len(theirs.hidden_states), "not the same number of layers"
    pairs = zip(ours.hidden_states, theirs.hidden_states, strict=True)
    for layer, (left, right) in enumerate(pairs):
        if layer and ours.attentions is not None:
            # A query that is padding mixes what it likes; nobody reads it.
            weights = [
                each[layer - 1].transpose(1, 2) for each in (ours.attentions, theirs.attentions)
            ]
            difference = largest_difference(*weights, places)
            if not difference <= tolerance:  # a NaN differs too
                return f"layer {layer}: attention probabilities by {difference:.1e}"
        difference = largest_difference(left, right, places)
        if not difference <= tolerance:
            name = f"layer {layer}: hidden states" if layer else "embeddings"
            return f"{name} by {difference:.1e}"
    difference = largest_difference(ours.pooler_output, theirs.pooler_output)
    return None if difference <= tolerance else f"pooler by {difference:.1e}"


def reference_output(model, batch):
    """What transformers' encoder says of a batch; `model` may have heads on top."""
    encoder = getattr(model, "bert", model)
    return encoder(**batch, output_hidden_states=True, output_attentions=True)


def random_pairs(vocab_size, segments=2, batch=3, length=9, seed=0):
    """Random token ids of padded pairs, each of another length."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, vocab_size, (batch, length), generator=generator)
    mask = (torch.arange(length) < length - 2 * torch.arange(batch)[:, None]).long()
    types = (torch.arange(length) * segments // length).expand(batch, length)
    return {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": types * mask}
