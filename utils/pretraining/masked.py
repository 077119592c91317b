"""BERT as it is pretrained: its loss, its measures, and the class that long runs train.

The functions take a BertForPreTraining of `utils.bert` (chapter 3's small model) or of
transformers, which name their parts alike.

Formulas: Devlin et al. 2019, arXiv 1810.04805, section 3.1 and appendix A.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.functional import cross_entropy
from transformers import BertForPreTraining
from transformers.models.bert.modeling_bert import BertForPreTrainingOutput

from utils.pretraining.fused_loss import linear_cross_entropy
from utils.pretraining.masking import IGNORE
from utils.unpadded import Texts, is_plain, shape_step, states_at


def pretraining_logits(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """MLM's scores at the masked places (masked places, vocabulary), and NSP's (batch, 2).

    The decoder (hidden × vocabulary) is the dearest product of a small model, and 85 % of the
    places have no label.
    """
    inputs = (batch["input_ids"], batch["attention_mask"], batch["token_type_ids"])
    places = batch["labels"] != IGNORE
    if isinstance(model, BertForMaskedPreTraining):
        masked, pooled = model.asked_states(*inputs, places)
    else:
        encoded = model.bert(*inputs)
        masked, pooled = encoded.last_hidden_state[places], encoded.pooler_output
    return model.cls.predictions(masked), model.cls.seq_relationship(pooled)


def pretraining_loss(model: nn.Module, batch: dict[str, Tensor], nsp_weight: float = 1.0) -> Tensor:
    """MLM + `nsp_weight` · NSP, each a mean over its labels in nats; 0 where it has none.

    Args:
        batch: what PretrainingCollator returns: `labels` (batch, length) with IGNORE elsewhere than
            at the masked places, `next_sentence_label` (batch,) with IGNORE where there is no B.
    """
    mlm_logits, nsp_logits = pretraining_logits(model, batch)
    mlm = _mean_cross_entropy(mlm_logits, batch["labels"][batch["labels"] != IGNORE])
    nsp = _mean_cross_entropy(nsp_logits, batch["next_sentence_label"])
    return mlm + nsp_weight * nsp


def _mean_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Over the labels that are not `IGNORE`; of none: zero, with a gradient, not torch's NaN."""
    total = cross_entropy(_at_least_float32(logits), labels, ignore_index=IGNORE, reduction="sum")
    return total / (labels != IGNORE).sum().clamp(min=1)


@dataclass
class MaskedPreTrainingOutput(BertForPreTrainingOutput):
    """What the library's model gives, and the two parts of the loss: each a mean over its answers."""

    mlm_loss: Tensor | None = None
    nsp_loss: Tensor | None = None


class BertForMaskedPreTraining(BertForPreTraining):
    """transformers' BertForPreTraining whose MLM logits are computed at the masked places only.

    On a processor padding is left out, and of the last layer everything else.

    For `Trainer`, which wants the loss from `forward`. Same weights and same checkpoint as the
    parent; the loss is `pretraining_loss`. A small model learns faster with an `nsp_weight` below
    1: until words mean something to it, NSP is noise that drowns the gradient of MLM.
    """

    nsp_weight = 1.0

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        next_sentence_label: Tensor | None = None,
        masked_places: Tensor | None = None,
    ) -> MaskedPreTrainingOutput:
        """One batch read, and its loss where it brings answers.

        Args:
            input_ids: (batch, length); so are attention_mask and token_type_ids.
            labels: (batch, length), the hidden tokens and `IGNORE` elsewhere.
            next_sentence_label: (batch,), 0 where B follows A, 1 where not, `IGNORE` without B.
            masked_places: (places,), where the flattened labels are; the others have to be
                `IGNORE`. With them an accelerator is asked nothing that it must answer before the
                next step is sent, and gives the losses alone.
        Returns:
            `loss` = `mlm_loss` + `nsp_weight` · `nsp_loss` (each a mean over its labels, 0 when it
            has none), `prediction_logits` (masked places, vocabulary) and
            `seq_relationship_logits` (batch, 2). While a processor keeps gradients it gives no
            `prediction_logits` where there are labels: they are never held all at once.
        """
        if masked_places is not None:
            return self.losses_at(
                masked_places,
                input_ids,
                attention_mask,
                token_type_ids,
                labels,
                next_sentence_label,
            )
        places = None if labels is None else labels != IGNORE
        masked, pooled = self.asked_states(input_ids, attention_mask, token_type_ids, places)
        count = len(masked) if masked.dim() == 2 else 0
        if count:
            masked = F.pad(masked, (0, 0, 0, -count % shape_step(masked.dtype)))
        relationship_logits = self.cls.seq_relationship(pooled)
        mlm = nsp = 0 * pooled.sum()  # a batch with nothing to answer has a gradient too: zero
        logits = None
        if count and torch.is_grad_enabled() and is_plain(self, BertForMaskedPreTraining):
            head, decoder = self.cls.predictions.transform, self.cls.predictions.decoder
            mlm = mlm + linear_cross_entropy(
                head(masked), decoder.weight, decoder.bias, labels[places]
            )
        else:
            logits = self.cls.predictions(masked)[: count or None]
            if count:
                mlm = mlm + cross_entropy(_at_least_float32(logits), labels[places])
        if next_sentence_label is not None and (next_sentence_label != IGNORE).any():
            nsp = nsp + cross_entropy(
                _at_least_float32(relationship_logits), next_sentence_label, ignore_index=IGNORE
            )
        return MaskedPreTrainingOutput(
            loss=mlm + self.nsp_weight * nsp,
            mlm_loss=mlm,
            nsp_loss=nsp,
            prediction_logits=logits,
            seq_relationship_logits=relationship_logits,
        )

    def losses_at(
        self,
        places: Tensor,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor,
        labels: Tensor,
        next_sentence_label: Tensor,
    ) -> MaskedPreTrainingOutput:
        """The losses of `forward` where the masked places are known: every shape is fixed."""
        mask = attention_mask
        if self.config._attn_implementation == "sdpa":
            # Of four dimensions: else the library asks the GPU first whether there is padding.
            mask = mask.bool()[:, None, None]
        encoded = self.bert(input_ids, attention_mask=mask, token_type_ids=token_type_ids)
        states = encoded.last_hidden_state.flatten(0, 1).index_select(0, places)
        answers = labels.flatten().index_select(0, places)
        mlm = _mean_cross_entropy(self.cls.predictions(states), answers)
        nsp = _mean_cross_entropy(
            self.cls.seq_relationship(encoded.pooler_output), next_sentence_label
        )
        return MaskedPreTrainingOutput(loss=mlm + self.nsp_weight * nsp, mlm_loss=mlm, nsp_loss=nsp)

    def asked_states(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None,
        token_type_ids: Tensor | None,
        places: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Last hidden states of the masked places (places, hidden), and the pooled (batch, hidden).

        Args:
            places: (batch, length), true where a token is masked; None: all states (batch, length,
                hidden).
        """
        if places is None or not self._is_lean(attention_mask):
            encoded = self.bert(
                input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            )
            states = encoded.last_hidden_state
            return states if places is None else states[places], encoded.pooler_output
        texts = Texts.of(attention_mask.bool(), self.bert.dtype)
        asked = places.clone()
        asked[:, 0] = True  # [CLS], for NSP
        states = states_at(self.bert, input_ids, texts, asked, token_type_ids)
        first = asked.cumsum(1).eq(1)[asked]  # of each text's states
        return states[places[asked]], self.bert.pooler(states[first][:, None])

    def _is_lean(self, attention_mask: Tensor | None) -> bool:
        """Can padding, and of the last layer all that nobody asks for, be left out?"""
        return (
            attention_mask is not None
            and attention_mask.dim() == 2
            and bool(attention_mask[:, 0].all())
            and not any(layer.gradient_checkpointing for layer in self.bert.encoder.layer)
            and is_plain(self, BertForMaskedPreTraining)
        )


def _at_least_float32(logits: Tensor) -> Tensor:
    """A softmax over thousands of words in half precision would lose the rare ones."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


@torch.no_grad()
def evaluate_pretraining(model: nn.Module, batches: Iterable[dict]) -> dict[str, float]:
    """MLM loss (nats a masked token) and accuracy, NSP accuracy, and how many of each."""
    model.eval()
    device = next(model.parameters()).device
    loss = right = masked = nsp_right = pairs = 0
    for batch in batches:
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        mlm_logits, nsp_logits = pretraining_logits(model, batch)
        targets = batch["labels"][batch["labels"] != IGNORE]
        loss += cross_entropy(mlm_logits.float(), targets, reduction="sum").item()
        right += (mlm_logits.argmax(-1) == targets).sum().item()
        masked += len(targets)
        labels = batch["next_sentence_label"]
        known = labels != IGNORE
        nsp_right += (nsp_logits.argmax(-1) == labels)[known].sum().item()
        pairs += known.sum().item()
    return {
        "mlm_loss": loss / max(masked, 1),
        "mlm_accuracy": right / max(masked, 1),
        "nsp_accuracy": nsp_right / max(pairs, 1),
        "masked_tokens": masked,
        "sentence_pairs": pairs,
    }
