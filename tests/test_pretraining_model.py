"""utils.pretraining, the model side: the model and its measures."""

from math import log

import pytest
import torch
from tiny_bert import VOCABULARY, pair_rows, tiny_config, tiny_tokenizer
from torch.nn import functional as F
from torch.nn.functional import cross_entropy
from transformers import BertForPreTraining

from utils import bert, unpadded
from utils.pretraining import (
    IGNORE,
    BertForMaskedPreTraining,
    PretrainingCollator,
    evaluate_pretraining,
    fused_loss,
    masked,
    pretraining_loss,
    train_steps,
    unigram_baseline,
)
from utils.pretraining.fused_loss import linear_cross_entropy

# --- BertForMaskedPreTraining --------------------------------------------------------------------


def tiny_model(**options) -> BertForMaskedPreTraining:
    """In float64 and with random NSP and bias weights, so that nothing is equal by chance."""
    torch.manual_seed(0)
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model = BertForMaskedPreTraining(tiny_config(**(dropout | options))).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.train()


def batch_of(seed: int = 0, count: int = 6) -> dict:
    return PretrainingCollator(tiny_tokenizer(), rate=0.3, seed=seed)(pair_rows(count))


def reference(model) -> BertForPreTraining:
    other = BertForPreTraining(model.config).double()
    other.load_state_dict(model.state_dict())
    return other.train()


@pytest.mark.parametrize("rows", [0, 1, 3, 64, 1000])
def test_model_equals_transformers(monkeypatch, rows):
    """However many places are scored together, at the least one."""
    monkeypatch.setattr(fused_loss, "BLOCK", rows * 8 * len(VOCABULARY))
    model, batch = tiny_model(), batch_of()
    ours, theirs = model(**batch), reference(model)
    expected = theirs(**batch)
    assert expected.loss.dtype == torch.float64
    assert abs(ours.loss - expected.loss) < 1e-9
    chosen = batch["labels"] != IGNORE
    with torch.no_grad():
        logits = model(**batch).prediction_logits
    torch.testing.assert_close(logits, expected.prediction_logits[chosen], atol=1e-9, rtol=0)
    torch.testing.assert_close(
        ours.seq_relationship_logits, expected.seq_relationship_logits, atol=1e-9, rtol=0
    )
    (ours.loss / 3).backward()
    (expected.loss / 3).backward()
    gradients = {name: weight.grad for name, weight in theirs.named_parameters()}
    assert len(gradients) > 20
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight.grad, gradients[name], atol=1e-9, rtol=0, msg=name)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("count", [1, 6, 15])
def test_fixed_shapes_change_nothing(attention, count):
    """What an accelerator is given: the places of the masked tokens, and more that are none."""
    model = tiny_model()
    model.set_attn_implementation(attention)
    collate = PretrainingCollator(tiny_tokenizer(), rate=0.3, seed=0, few_shapes=True)
    batch = collate(pair_rows(count))
    places = batch.pop("masked_places")
    assert len(places) > (batch["labels"] != IGNORE).sum()  # some stand for nothing
    fixed, plain = model(**batch, masked_places=places), model(**batch)
    assert abs(fixed.mlm_loss - plain.mlm_loss) < 1e-9 > abs(fixed.nsp_loss - plain.nsp_loss)
    assert abs(fixed.loss - plain.loss) < 1e-9 and fixed.prediction_logits is None
    weights = dict(model.named_parameters())
    expected = torch.autograd.grad(plain.loss, weights.values(), materialize_grads=True)
    gradients = torch.autograd.grad(fixed.loss, weights.values())
    for name, ours, theirs in zip(weights, gradients, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0, msg=name)


def test_fixed_shapes_without_anything_to_answer():
    model = tiny_model()
    collate = PretrainingCollator(tiny_tokenizer(), rate=0.0, few_shapes=True)
    batch = collate(pair_rows(3)) | {"next_sentence_label": torch.full((3,), IGNORE)}
    loss = model(**batch).loss
    loss.backward()
    assert loss == 0 and all((each.grad == 0).all() for each in model.parameters())


@pytest.mark.parametrize("count", [2, 6, 15])
def test_what_is_left_out_changes_nothing(monkeypatch, count):
    """Padding, and of the last of two layers all but [CLS] and the masked places."""
    model, batch = tiny_model(num_hidden_layers=2), batch_of(count=count)
    asked = (batch["labels"] != IGNORE).sum().item() + count
    run, seen, results = unpadded.add_and_norm, [], []
    monkeypatch.setattr(
        unpadded, "add_and_norm", lambda part, *rest: seen.append(len(rest[0])) or run(part, *rest)
    )
    for plain in (masked.is_plain, lambda *_: False):
        monkeypatch.setattr(masked, "is_plain", plain)
        model.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        results.append((loss.item(), [each.grad.clone() for each in model.parameters()]))
    assert len(seen) == 4, "two layers of two parts each, the second time by the library"
    assert seen[-1] < asked + 64
    assert results[0][0] == pytest.approx(results[1][0], abs=1e-9)
    for one, other in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(one, other, atol=1e-9, rtol=0)


@pytest.mark.parametrize("nsp_weight", [1.0, 0.25])
def test_one_loss_whichever_class(nsp_weight):
    """Chapter 2's class, transformers' and the one for long runs: same weights, same loss."""
    model, batch = tiny_model(), batch_of()
    known = vars(bert.BertConfig())
    entries = {key: value for key, value in vars(model.config).items() if key in known}
    ours = bert.BertForPreTraining(bert.BertConfig(**entries)).double()
    ours.load_state_dict(model.state_dict())
    model.nsp_weight = nsp_weight
    wanted = model(**batch).loss
    for each in (ours, reference(model), model):
        loss = pretraining_loss(each, batch, nsp_weight)
        assert abs(loss - wanted) < 1e-9, type(each)
    measured, expected = (evaluate_pretraining(each, [batch]) for each in (ours, model))
    assert measured == pytest.approx(expected, rel=1e-6)
    pretraining_loss(ours, batch, nsp_weight).backward()
    wanted.backward()
    for name, weight in ours.named_parameters():
        expected = model.get_parameter(name).grad
        torch.testing.assert_close(weight.grad, expected, atol=1e-9, rtol=0, msg=name)


@pytest.mark.parametrize("name", ["labels", "next_sentence_label"])
def test_loss_without_any_answer_of_one_kind(name):
    batch = batch_of()
    batch[name] = torch.full_like(batch[name], IGNORE)
    model = tiny_model()
    loss = pretraining_loss(model, batch)  # torch's mean over no label would be NaN
    assert abs(loss - model(**batch).loss) < 1e-9 and loss > 0
    loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def scoring(places: int, words: int, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    """States, weight and bias of a layer that scores words."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((places, 8), (words, 8), (words,))
    return [torch.randn(each, generator=generator).to(dtype).requires_grad_() for each in shapes]


def test_a_chance_of_zero_has_a_finite_loss():
    states, weight, bias = scoring(2, 3)
    with torch.no_grad():
        states[0] *= 100
    labels = F.linear(states, weight, bias).argmin(-1)
    loss = linear_cross_entropy(states, weight, bias, labels)
    gradients = torch.autograd.grad(loss, (states, weight, bias))
    expected = cross_entropy(F.linear(states, weight, bias), labels)
    assert loss.item() == pytest.approx(expected.item()) and loss > 99
    wanted = torch.autograd.grad(expected, (states, weight, bias))
    torch.testing.assert_close(gradients, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("behind", [0, 1, 30])
def test_states_behind_the_last_label_count_for_nothing(monkeypatch, behind):
    monkeypatch.setattr(fused_loss, "BLOCK", 4 * 8 * 50)  # four places at a time
    states, weight, bias = scoring(10 + behind, 50, torch.float64)
    labels = torch.arange(10) * 5
    loss = linear_cross_entropy(states, weight, bias, labels)
    expected = cross_entropy(F.linear(states[:10], weight, bias), labels)
    assert abs(loss - expected) < 1e-12
    gradients, wanted = (
        torch.autograd.grad(7 * each, (states, weight, bias)) for each in (loss, expected)
    )
    torch.testing.assert_close(gradients, wanted, atol=1e-12, rtol=0)


def test_gradients_of_the_words_are_added_up_in_float32_under_autocast(monkeypatch):
    monkeypatch.setattr(fused_loss, "BLOCK", 2 * 8 * 50)  # eight places at a time
    states, weight, bias = scoring(4096, 50)
    labels = torch.arange(4096) % 50
    with torch.autocast("cpu", torch.bfloat16):
        loss = linear_cross_entropy(states, weight, bias, labels)
    gradients = torch.autograd.grad(loss, (states, weight, bias))
    expected = cross_entropy(F.linear(states, weight, bias), labels)
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(expected.item(), rel=1e-3)
    for ours, exact in zip(
        gradients, torch.autograd.grad(expected, (states, weight, bias)), strict=True
    ):
        assert ours.dtype == torch.float32
        # 512 blocks added up in bf16 are five per cent off.
        assert (ours - exact).norm() < 0.01 * exact.norm()


def test_model_loss_in_bf16_is_float32():
    model = tiny_model().bfloat16()
    assert model(**batch_of()).loss.dtype == torch.float32
    with torch.no_grad():
        assert model(**batch_of()).prediction_logits.dtype == torch.bfloat16


def test_model_gives_logits_at_masked_places_only():
    model, batch = tiny_model(), batch_of()
    assert model(**batch).prediction_logits is None  # while it trains, never all at once
    with torch.no_grad():
        output = model(**batch)
    masked = int((batch["labels"] != IGNORE).sum())
    assert output.prediction_logits.shape == (masked, len(VOCABULARY))
    assert output.seq_relationship_logits.shape == (6, 2)


def test_model_nsp_weight():
    model, batch = tiny_model(), batch_of()
    full = model(**batch).loss
    model.nsp_weight = 0.0
    mlm = model(**batch).loss
    model.nsp_weight = 0.25
    assert full - mlm > 1e-3
    assert abs(model(**batch).loss - (mlm + 0.25 * (full - mlm))) < 1e-9


def test_model_without_labels():
    model, batch = tiny_model(), batch_of()
    nsp = model(**{**batch, "labels": None}).loss
    mlm = model(**{**batch, "next_sentence_label": None}).loss
    assert abs(nsp + mlm - model(**batch).loss) < 1e-9
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    output = model(**inputs)
    assert output.loss == 0
    expected = reference(model)(**inputs).prediction_logits
    torch.testing.assert_close(output.prediction_logits, expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", ["labels", "next_sentence_label"])
def test_model_with_labels_all_ignored(name):
    model, batch = tiny_model(), batch_of()
    without = model(**{**batch, name: None}).loss
    batch[name] = torch.full_like(batch[name], IGNORE)
    loss = model(**batch).loss  # torch's mean over no label would be NaN
    assert abs(loss - without) < 1e-12
    loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_model_asked_nothing_has_a_gradient_of_zero():
    model, batch = tiny_model(), batch_of()
    batch |= {
        name: torch.full_like(batch[name], IGNORE) for name in ("labels", "next_sentence_label")
    }
    loss = model(**batch).loss
    loss.backward()
    assert loss == 0 and all(p.grad is None or not p.grad.any() for p in model.parameters())


def test_model_checkpoint_loads_into_transformers(tmp_path):
    model, batch = tiny_model().eval(), batch_of()
    model.save_pretrained(tmp_path)
    loaded, report = BertForPreTraining.from_pretrained(
        tmp_path, dtype=torch.float64, output_loading_info=True
    )
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert abs(loaded(**batch).loss - model(**batch).loss) < 1e-9
    assert loaded.cls.predictions.decoder.weight is loaded.bert.embeddings.word_embeddings.weight


# --- train_steps ---------------------------------------------------------------------------------


def test_train_steps_learns_and_masks_anew(monkeypatch):
    monkeypatch.setattr("utils.pretraining.loop.bf16_available", lambda: False)
    model, given = tiny_model(hidden_dropout_prob=0.1).float().eval(), pair_rows(6)
    seen, masks, modes = [], set(), set()
    collate = PretrainingCollator(tiny_tokenizer(), rate=0.3)

    def recording(rows):
        seen.extend(given.index(row) for row in rows)
        batch = collate(rows)
        masks.add(str(batch["labels"].tolist()))
        modes.add(model.training)
        return batch

    torch.manual_seed(0)
    losses = train_steps(model, given, recording, steps=60, learning_rate=0.01, batch_size=4)
    assert len(losses) == 60 and sum(losses[-10:]) < 0.7 * sum(losses[:10])
    assert seen == [place % 6 for place in range(240)], "not in order, or not from the front again"
    assert len(masks) == 60 and modes == {True}


def test_train_steps_rate_rises_then_falls(monkeypatch):
    rates = []

    class Recording(torch.optim.AdamW):
        def step(self, *arguments, **options):
            rates.append(self.param_groups[0]["lr"])
            return super().step(*arguments, **options)

    monkeypatch.setattr(torch.optim, "AdamW", Recording)
    collate = PretrainingCollator(tiny_tokenizer(), rate=0.3)
    train_steps(tiny_model(), pair_rows(), collate, steps=20, learning_rate=0.01, batch_size=2)
    assert rates[:2] == pytest.approx([0.005, 0.01])
    assert rates[1:] == sorted(rates[1:], reverse=True) and 0 < rates[-1] < 0.001


# --- evaluate_pretraining, unigram_baseline ------------------------------------------------------


def test_evaluate_pretraining_counts_over_all_batches():
    # Batches of different sizes: a mean of the batches' means would be another number.
    model = tiny_model(hidden_dropout_prob=0.5)
    batches = [batch_of(seed=1, count=2), batch_of(seed=2, count=6)]
    losses, hits, nsp_hits = [], [], []
    plain = reference(model).eval()
    for batch in batches:
        output = plain(**batch)
        chosen = batch["labels"] != IGNORE
        logits, targets = output.prediction_logits[chosen], batch["labels"][chosen]
        losses += cross_entropy(logits, targets, reduction="none").tolist()
        hits += (logits.argmax(-1) == targets).tolist()
        known = batch["next_sentence_label"] != IGNORE
        predicted = output.seq_relationship_logits.argmax(-1)
        nsp_hits += (predicted == batch["next_sentence_label"])[known].tolist()
    result = evaluate_pretraining(model, iter(batches))
    assert result["masked_tokens"] == len(losses)
    assert result["sentence_pairs"] == len(nsp_hits) == 6
    assert result["mlm_loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert result["mlm_accuracy"] == pytest.approx(sum(hits) / len(hits))
    assert result["nsp_accuracy"] == pytest.approx(sum(nsp_hits) / len(nsp_hits))


def test_evaluate_pretraining_without_pairs():
    batch = batch_of()
    batch["next_sentence_label"] = torch.full_like(batch["next_sentence_label"], IGNORE)
    result = evaluate_pretraining(tiny_model(), [batch])
    assert (result["sentence_pairs"], result["nsp_accuracy"]) == (0, 0)


def test_unigram_baseline_by_hand():
    documents = [[[0, 0, 1], [2]]]  # counts 2 1 1 0, with one added 3 2 2 1 of 8
    batches = [
        {"labels": torch.tensor([[IGNORE, 0], [3, IGNORE]])},
        {"labels": torch.tensor([[1, 0]])},
    ]
    result = unigram_baseline(documents, batches, vocab_size=4)
    expected = -(log(3 / 8) + log(1 / 8) + log(2 / 8) + log(3 / 8)) / 4
    assert result["mlm_loss"] == pytest.approx(expected, rel=1e-6)
    assert result["mlm_accuracy"] == pytest.approx(2 / 4)
