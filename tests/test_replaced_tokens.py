"""utils/replaced_tokens.py: labels, what is shared, and where gradients go."""

import torch
from relatives.arrays import Batches, cut_rows, encode_corpus
from tiny_bert import tiny_config, tiny_tokenizer
from tiny_family import DOCUMENTS

from utils.pretraining.replaced import (
    LAMBDA,
    ReplacedTokenModel,
    replace,
    replaced_token_losses,
    sample,
)

TOKENIZER = tiny_tokenizer()


def model_and_batch():
    torch.manual_seed(0)
    config = tiny_config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    config._attn_implementation = "sdpa"
    corpus = encode_corpus(DOCUMENTS, TOKENIZER)
    rows = cut_rows(corpus, TOKENIZER, 40, 0, batch_size=4)
    return ReplacedTokenModel(config, share=0.5), Batches(corpus, rows, TOKENIZER, 4)[0]


def test_a_right_guess_counts_as_original():
    originals = torch.tensor([[2, 10, 11, 3], [2, 12, 3, 0]])
    places, sampled = torch.tensor([1, 2, 5]), torch.tensor([10, 40, 41])
    ids, replaced = replace(originals, places, sampled)
    assert ids.tolist() == [[2, 10, 40, 3], [2, 41, 3, 0]]
    assert replaced.tolist() == [[False, False, True, False], [False, True, False, False]]
    assert originals.tolist() == [[2, 10, 11, 3], [2, 12, 3, 0]]


def test_samples_follow_the_probabilities():
    logits = torch.tensor([0.1, 0.6, 0.3]).log().expand(20_000, 3)
    drawn = sample(logits, torch.Generator().manual_seed(0)).bincount(minlength=3) / 20_000
    assert (drawn - torch.tensor([0.1, 0.6, 0.3])).abs().max() < 0.02
    again = sample(logits, torch.Generator().manual_seed(0)).bincount(minlength=3) / 20_000
    assert torch.equal(drawn, again)


def test_generator_and_discriminator_share_embeddings():
    model, _ = model_and_batch()
    ours, theirs = model.bert.embeddings, model.generator.electra.embeddings
    assert ours.word_embeddings.weight is theirs.word_embeddings.weight
    assert ours.position_embeddings.weight is theirs.position_embeddings.weight
    assert model.generator.generator_lm_head.weight is ours.word_embeddings.weight
    assert model.generator.config.hidden_size == model.bert.config.hidden_size // 2


def test_no_gradient_flows_from_the_judge_into_the_generator():
    model, batch = model_and_batch()
    losses = replaced_token_losses(model, batch, TOKENIZER.mask_token_id)
    total, generators = losses["loss"], losses["generator_loss"]
    assert torch.isclose(total, generators + LAMBDA * losses["detection_loss"])
    of_generator = list(model.generator.electra.encoder.parameters())
    with_judge = torch.autograd.grad(total, of_generator, retain_graph=True)
    model.zero_grad()
    logits = model.generator_logits(
        batch["originals"]
        .flatten()
        .index_fill(0, batch["places"], TOKENIZER.mask_token_id)
        .view_as(batch["originals"]),
        batch["places"],
        token_type_ids=batch["token_type_ids"],
        attention_mask=batch["attention_mask"][:, None, None],
    )
    alone = torch.nn.functional.cross_entropy(logits, batch["answers"])
    for one, other in zip(with_judge, torch.autograd.grad(alone, of_generator), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_padding_is_not_judged():
    model, batch = model_and_batch()
    longer = {name: value for name, value in batch.items()}
    rows, length = batch["originals"].shape
    pad = 16
    for name, fill in (("originals", 0), ("token_type_ids", 0), ("attention_mask", False)):
        longer[name] = torch.nn.functional.pad(batch[name], (0, pad), value=fill)
    longer["places"] = batch["places"] + batch["places"] // length * pad
    with torch.no_grad():
        one, other = (
            replaced_token_losses(
                model, each, TOKENIZER.mask_token_id, torch.Generator().manual_seed(1)
            )
            for each in (batch, longer)
        )
    for name, value in one.items():
        assert torch.isclose(value, other[name], atol=1e-4), name
