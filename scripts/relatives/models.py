"""The model of each arm, and the losses of what it is asked."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_model
from transformers import BertConfig, BertForPreTraining, PreTrainedTokenizerBase

from relatives.arms import Arm
from relatives.prepared import LONG_LENGTH
from relatives.scores import fill_with
from relatives.two_stages import TwoStageModel, has_lean_layers, two_stage_losses
from utils.pretraining import (
    IGNORE,
    BertForMaskedPreTraining,
    ReplacedTokenModel,
    mean_cross_entropy,
    replaced_token_losses,
)


def new_config(
    tokenizer: PreTrainedTokenizerBase, layers: int = 4, hidden: int = 256, heads: int = 4
) -> BertConfig:
    """The shape of mini-bert-zh. Without dropout: masks that are new at each pass are enough."""
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
        max_position_embeddings=LONG_LENGTH,
        pad_token_id=tokenizer.pad_token_id,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    config._attn_implementation = "sdpa"  # takes the mask as it is given: true where a token is
    return config


def new_model(arm: Arm, config: BertConfig, seed: int) -> torch.nn.Module:
    """The model of an arm with random weights, drawn with `seed`."""
    torch.manual_seed(seed)
    if arm.two_stages:
        return TwoStageModel(config)
    return (
        ReplacedTokenModel(config, arm.share) if arm.replaced else BertForMaskedPreTraining(config)
    )


def begin_as(model: torch.nn.Module, config: BertConfig, weights: Path) -> None:
    """Begin as the trained token arm whose weights are in a file."""
    trained_before = BertForPreTraining(config)
    # Tied weights are stored once; a file in half precision is read into single.
    load_model(trained_before, weights, strict=False)
    trained_before.tie_weights()
    if isinstance(model, BertForPreTraining):
        model.load_state_dict(trained_before.state_dict())
    else:
        model.begin_as(trained_before)


def masked_losses(
    model: torch.nn.Module, batch: dict, nsp_weight: float, trunk: torch.nn.Module | None = None
) -> dict[str, torch.Tensor]:
    """MLM at the hidden places only, and with a weight NSP: the losses of `BertForMaskedPreTraining`
    without a question to the GPU that it would have to answer before the next step is sent."""
    if trunk is None and has_lean_layers(batch["input_ids"]):
        return losses_without_padding(model, batch, nsp_weight)
    trunk = model.bert if trunk is None else trunk
    encoded = trunk(
        batch["input_ids"],
        attention_mask=batch["attention_mask"][:, None, None],
        token_type_ids=batch["token_type_ids"],
    )
    hidden = encoded.last_hidden_state.flatten(0, 1).index_select(0, batch["places"])
    loss = mean_cross_entropy(model.cls.predictions(hidden).float(), batch["answers"])
    losses = {"mlm_loss": loss.detach()}
    if nsp_weight:
        scores = model.cls.seq_relationship(encoded.pooler_output).float()
        nsp_loss = mean_cross_entropy(scores, batch["next_sentence_label"])
        loss = loss + nsp_weight * nsp_loss
        losses["nsp_loss"] = nsp_loss.detach()
    return losses | {"loss": loss}


def losses_without_padding(
    model: BertForMaskedPreTraining, batch: dict, nsp_weight: float
) -> dict[str, torch.Tensor]:
    """The same on a processor."""
    labels = torch.full_like(batch["input_ids"], IGNORE).flatten()
    labels = labels.index_copy(0, batch["places"], batch["answers"]).view_as(batch["input_ids"])
    output = model(
        batch["input_ids"],
        attention_mask=batch["attention_mask"],
        token_type_ids=batch["token_type_ids"],
        labels=labels,
        next_sentence_label=batch["next_sentence_label"] if nsp_weight else None,
    )
    losses = {"mlm_loss": output.mlm_loss.detach()}
    if nsp_weight:
        losses["nsp_loss"] = output.nsp_loss.detach()
    return losses | {"loss": output.mlm_loss + nsp_weight * output.nsp_loss}


def losses_of(
    arm: Arm,
    model: torch.nn.Module,
    batch: dict,
    tokenizer: PreTrainedTokenizerBase,
    generator: torch.Generator,
    trunks: tuple = (None, None),
) -> dict[str, torch.Tensor]:
    """`loss` and its parts (nats) of one batch, as the arm is asked."""
    if arm.two_stages:
        return two_stage_losses(model, batch, tokenizer.mask_token_id, generator)
    if arm.replaced:
        return replaced_token_losses(model, batch, tokenizer.mask_token_id, generator, trunks)
    return masked_losses(model, batch, arm.nsp_weight, trunks[1])


def compiled_trunks(model: torch.nn.Module) -> tuple:
    """(generator's or None, the model's) trunk compiled for rows of any length.

    On a GPU a model this small spends its time on starting kernels; compiling joins many of them
    into one. Scoring goes on with the trunks as they are, which share the weights.
    """
    if isinstance(model, ReplacedTokenModel):
        small = torch.compile(model.generator.electra, dynamic=True)
        return small, torch.compile(model.bert, dynamic=True)
    return None, torch.compile(model.bert, dynamic=True)


def fill_of(arm: Arm, model: torch.nn.Module) -> Callable:
    """What fills blanks: the model itself, or of replaced token detection the generator."""
    if arm.replaced:
        return model.generator_logits
    return partial(fill_with, model)
