"""ELECTRA's replaced token detection: a small generator fills blanks, BERT finds what it put in.

Clark et al. 2020, arXiv 2003.10555. The generator is trained on its blanks alone (MLM), the
discriminator on every token: does it stand here in the original? No gradient flows from the
discriminator into the generator, since a sampled token has none; the two share their embeddings.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import (
    BertConfig,
    BertForPreTraining,
    BertModel,
    ElectraConfig,
    ElectraForMaskedLM,
)

from utils.pretraining.masking import IGNORE

LAMBDA = 50.0  # weight of the discriminator's loss, section 3.1 of the paper


class ReplacedTokenModel(nn.Module):
    """A BERT as discriminator, a head that judges each token, and a generator beside it.

    Args:
        config: the discriminator's; it is an ordinary `BertModel`, `self.bert`.
        share: the generator's hidden size, heads and feed-forward as a share of the
            discriminator's; a quarter in ELECTRA-small.
    """

    def __init__(self, config: BertConfig, share: float = 0.25):
        super().__init__()
        self.bert = BertModel(config)
        self.judge = judging_head(config)
        small = ElectraConfig(
            vocab_size=config.vocab_size,
            embedding_size=config.hidden_size,
            hidden_size=int(config.hidden_size * share),
            num_hidden_layers=config.num_hidden_layers,
            num_attention_heads=max(1, int(config.num_attention_heads * share)),
            intermediate_size=int(config.intermediate_size * share),
            max_position_embeddings=config.max_position_embeddings,
            hidden_dropout_prob=config.hidden_dropout_prob,
            attention_probs_dropout_prob=config.attention_probs_dropout_prob,
            pad_token_id=config.pad_token_id,
            attn_implementation=config._attn_implementation,
        )
        self.generator = ElectraForMaskedLM(small)
        ours, theirs = self.bert.embeddings, self.generator.electra.embeddings
        for name in ("word_embeddings", "position_embeddings", "token_type_embeddings"):
            setattr(theirs, name, getattr(ours, name))
        self.generator.generator_lm_head.weight = ours.word_embeddings.weight

    def begin_as(self, trained: BertForPreTraining) -> None:
        """Give generator and discriminator the weights of a trained BERT of the same size.

        The paper's two-stage training (section 3.2) begins the discriminator like this.

        Raises:
            ValueError: the generator is of another size.
        """
        wide, small = trained.config.hidden_size, self.generator.config.hidden_size
        if wide != small:
            raise ValueError(
                f"begin_as: the generator is {small} wide, the trained model {wide}; "
                "build this one with share=1"
            )
        self.bert.load_state_dict(trained.bert.state_dict())
        trunk, head = self.generator.electra, self.generator.generator_predictions
        trunk.embeddings.load_state_dict(trained.bert.embeddings.state_dict())
        trunk.encoder.load_state_dict(trained.bert.encoder.state_dict())
        theirs = trained.cls.predictions
        head.dense.load_state_dict(theirs.transform.dense.state_dict())
        head.LayerNorm.load_state_dict(theirs.transform.LayerNorm.state_dict())
        self.generator.generator_lm_head.bias.data.copy_(theirs.decoder.bias)

    def generator_logits(
        self, hidden_ids: Tensor, places: Tensor, trunk: torch.nn.Module = None, **options
    ) -> Tensor:
        """(hidden, vocabulary) scores of the generator at the hidden places, and only there.

        `trunk`: `generator.electra` in another form (compiled).
        """
        trunk = self.generator.electra if trunk is None else trunk
        states = trunk(hidden_ids, **options).last_hidden_state
        asked = states.flatten(0, 1).index_select(0, places)
        return self.generator.generator_lm_head(self.generator.generator_predictions(asked))

    def judgements(self, ids: Tensor, trunk: torch.nn.Module = None, **options) -> Tensor:
        """(batch, length) scores; above 0: this token was put in. `trunk`: `bert`, compiled."""
        trunk = self.bert if trunk is None else trunk
        return self.judge(trunk(ids, **options).last_hidden_state).squeeze(-1)


def judging_head(config: BertConfig) -> nn.Sequential:
    """(…, hidden) states to (…, 1) scores: was this token put in?"""
    head = nn.Sequential(
        nn.Linear(config.hidden_size, config.hidden_size),
        nn.GELU(),
        nn.Linear(config.hidden_size, 1),
    )
    for layer in head:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=config.initializer_range)
            nn.init.zeros_(layer.bias)
    return head


def sample(logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """One id a row, drawn from the softmax of (rows, vocabulary) logits.

    One random number a row, looked up in the sums of the probabilities: five times as fast as a
    random number for each of 8,192 pieces.
    """
    sums = logits.float().softmax(-1).cumsum(-1)
    drawn = torch.rand((len(sums), 1), generator=generator, device=logits.device) * sums[:, -1:]
    return torch.searchsorted(sums, drawn, right=True).squeeze(1).clamp_max(logits.shape[1] - 1)


def replace(originals: Tensor, places: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
    """Put sampled ids in the hidden places; which tokens are then not the original ones.

    A sampled id that happens to be the right one counts as original.

    Args:
        originals: (batch, length) ids before anything was hidden.
        places: (hidden,) places in the flattened batch.
        sampled: (hidden,) ids.
    Returns:
        ids and replaced (bool), both (batch, length).
    """
    ids = originals.flatten().index_copy(0, places, sampled).view_as(originals)
    return ids, ids != originals


def mean_cross_entropy(logits: Tensor, answers: Tensor) -> Tensor:
    """Mean over the answers that are asked for; 0 where a batch asks nothing, and never 0 / 0."""
    total = cross_entropy(logits, answers, ignore_index=IGNORE, reduction="sum")
    return total / (answers != IGNORE).sum().clamp_min(1)


def replaced_token_losses(
    model: ReplacedTokenModel,
    batch: dict[str, Tensor],
    mask_id: int,
    generator: torch.Generator | None = None,
    trunks: tuple = (None, None),
) -> dict[str, Tensor]:
    """`loss` (generator + 50 × discriminator), both losses, and how the two are doing.

    Args:
        batch: as `utils.compact_rows.Batches` gives it. Every hidden place shows [MASK] to the
            generator, as in the paper; BERT's 80/10/10 is not needed, as nobody fine-tunes it.
        trunks: generator's and discriminator's in another form (compiled).
    """
    real = batch["attention_mask"]
    options = {
        "token_type_ids": batch["token_type_ids"],
        "attention_mask": real[:, None, None],
    }
    originals, places, answers = batch["originals"], batch["places"], batch["answers"]
    blanks = originals.flatten().index_fill(0, places, mask_id).view_as(originals)
    logits = model.generator_logits(blanks, places, trunks[0], **options).float()
    generator_loss = mean_cross_entropy(logits, answers)
    ids, replaced = replace(originals, places, sample(logits.detach(), generator))
    scores = model.judgements(ids, trunks[1], **options).float()
    each = binary_cross_entropy_with_logits(scores, replaced.float(), reduction="none")
    detection_loss = (each * real).sum() / real.sum()
    return {
        "loss": generator_loss + LAMBDA * detection_loss,
        "generator_loss": generator_loss.detach(),
        "detection_loss": detection_loss.detach(),
        "replaced": (replaced & real).sum() / real.sum(),
        "found": ((scores > 0) & replaced).sum() / replaced.sum().clamp_min(1),
    }
