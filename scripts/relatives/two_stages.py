"""ELECTRA in two stages: the generator is trained first and then left as it is.

Clark et al. 2020, arXiv 2003.10555, section 3.2: train a BERT on its blanks, give the discriminator
its weights, freeze it as the generator, train the discriminator alone. The paper found it worse
than training both at once, and that without those weights the discriminator may learn nothing.
"""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import BertConfig, BertForPreTraining, BertModel

from relatives.scores import fill_with
from utils.pretraining import BertForMaskedPreTraining, judging_head, replace, sample
from utils.unpadded import Texts, states_after


def has_lean_layers(ids: Tensor) -> bool:
    """Are the layers that leave out padding made for the device where these ids are?"""
    return ids.device.type == "cpu"


class TwoStageModel(torch.nn.Module):
    """A BERT that judges each token, `bert` and `judge`, and one that is not trained, `generator`."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.bert = BertModel(config)
        self.judge = judging_head(config)
        self.generator = BertForMaskedPreTraining(config).requires_grad_(False)

    def begin_as(self, trained: BertForPreTraining) -> None:
        """Give both the weights of the trained BERT that the first stage made."""
        self.bert.load_state_dict(trained.bert.state_dict())
        self.generator.load_state_dict(trained.state_dict())

    def generator_logits(self, hidden_ids: Tensor, places: Tensor, **options) -> Tensor:
        """(hidden, vocabulary) scores of the generator at the hidden places, and only there."""
        return fill_with(self.generator, hidden_ids, places, **options)

    def judgements(self, ids: Tensor, **options) -> Tensor:
        """(batch, length) scores; above 0: this token was put in."""
        return self.judge(self.bert(ids, **options).last_hidden_state).squeeze(-1)


def two_stage_losses(
    model: TwoStageModel, batch: dict[str, Tensor], mask_id: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """`loss` of the discriminator (nats a token), and how it is doing; without padding on a
    processor.

    Args:
        batch: as `arrays.Batches` gives it. Every hidden place shows [MASK] to the generator.
        generator: of random numbers.
    """
    real, types = batch["attention_mask"], batch["token_type_ids"]
    originals, places = batch["originals"], batch["places"]
    blanks = originals.flatten().index_fill(0, places, mask_id).view_as(originals)
    lean = has_lean_layers(originals)
    with torch.no_grad():
        if lean:
            asked = torch.zeros_like(originals).flatten().index_fill(0, places, 1)
            asked = asked.view_as(originals).bool()
            states, _ = model.generator.asked_states(blanks, real, types, asked)
            logits = model.generator.cls.predictions(states)
        else:
            options = {"token_type_ids": types, "attention_mask": real[:, None, None]}
            logits = model.generator_logits(blanks, places, **options)
    ids, replaced = replace(originals, places, sample(logits, generator))
    if lean:
        texts = Texts.of(real, model.bert.dtype)
        states = states_after(model.bert.encoder.layer, model.bert, ids, texts, types)
        scores = model.judge(states).squeeze(-1).float()
        real, replaced = texts.joined(real), texts.joined(replaced)
    else:
        scores = model.judgements(ids, **options).float()
    each = binary_cross_entropy_with_logits(scores, replaced.float(), reduction="none")
    loss = (each * real).sum() / real.sum()
    replaced = replaced & real
    return {
        "loss": loss,
        "detection_loss": loss.detach(),
        "replaced": replaced.sum() / real.sum(),
        "found": ((scores > 0) & replaced).sum() / replaced.sum().clamp_min(1),
    }
