"""Distillation: a small classifier learns what a large one says of each text.

Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531. The teacher's probabilities say more than
a label (this title on shares is a little like property, and nothing like sport), and the teacher
has an answer for texts that nobody has labelled.
"""

import json
from collections.abc import Sequence

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    BertForSequenceClassification,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)

from utils.finetuning import MeasuringTrainer, course_recipe, predict, run_trainer
from utils.pretraining import IGNORE
from utils.profile import SEED

# ---------------------------------------------------------------- the student


def trim_vocabulary(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], at_least: int = 1
) -> tuple[PreTrainedTokenizerBase, list[int]]:
    """(a WordPiece tokenizer with only the tokens that the texts use, their ids in the old one).

    Special tokens stay. A text of other tokens is cut into smaller pieces, or gets [UNK].

    Args:
        at_least: times that a token must occur.
    """
    counts = np.zeros(len(tokenizer), dtype=int)
    for ids in tokenizer(list(texts), add_special_tokens=False)["input_ids"]:
        np.add.at(counts, ids, 1)
    counts[tokenizer.all_special_ids] = at_least
    kept = np.flatnonzero(counts >= at_least).tolist()
    vocabulary = {tokenizer.convert_ids_to_tokens(old): new for new, old in enumerate(kept)}
    normalizer = json.loads(tokenizer.backend_tokenizer.to_str())["normalizer"]
    small = type(tokenizer)(
        vocab=vocabulary,
        do_lower_case=normalizer["lowercase"],
        strip_accents=normalizer["strip_accents"],
        tokenize_chinese_chars=normalizer["handle_chinese_chars"],
        model_max_length=tokenizer.model_max_length,
    )
    return small, kept


def new_student(
    teacher: BertForSequenceClassification,
    kept: Sequence[int] | None = None,
    layers: int = 2,
    hidden: int = 128,
    heads: int = 2,
    dropout: float = 0.1,
    seed: int = SEED,
) -> BertForSequenceClassification:
    """A smaller BERT classifier in float32 that begins with the teacher's embeddings.

    If it is narrower, they are turned so that their first `hidden` directions hold as much of them
    as so many can (principal components), and the rest is cut off. If it is as wide, it gets the
    teacher's layers too, from the first to the last at equal distances, and its head. All else is
    random, drawn with `seed`.

    Args:
        kept: ids of the teacher's tokens that the student knows, as `trim_vocabulary` gives them;
            all by default.
    """
    set_seed(seed)
    config = type(teacher.config).from_dict(teacher.config.to_dict())
    config.update(
        {
            "vocab_size": len(kept) if kept is not None else config.vocab_size,
            "num_hidden_layers": layers,
            "hidden_size": hidden,
            "num_attention_heads": heads if hidden != config.hidden_size else config.num_attention_heads,
            "intermediate_size": hidden * config.intermediate_size // config.hidden_size,
            "hidden_dropout_prob": dropout,
            "attention_probs_dropout_prob": dropout,
        }
    )  # fmt: skip
    student = BertForSequenceClassification(config).float()
    student.set_attn_implementation(teacher.config._attn_implementation)
    old, new = teacher.bert.embeddings, student.bert.embeddings
    words = old.word_embeddings.weight.detach().float()
    words = words if kept is None else words[list(kept)]
    turn = torch.eye(hidden)
    if hidden != teacher.config.hidden_size:
        turn = torch.linalg.svd(words - words.mean(0), full_matrices=False).Vh[:hidden].T
    with torch.no_grad():
        new.word_embeddings.weight.copy_(words @ turn)
        for name in ("position_embeddings", "token_type_embeddings"):
            getattr(new, name).weight.copy_(getattr(old, name).weight.float() @ turn)
    if hidden == teacher.config.hidden_size:
        new.LayerNorm.load_state_dict(old.LayerNorm.state_dict())
        chosen = np.linspace(0, len(teacher.bert.encoder.layer) - 1, layers).round().astype(int)
        for layer, place in zip(student.bert.encoder.layer, chosen, strict=True):
            layer.load_state_dict(teacher.bert.encoder.layer[place].state_dict())
        student.bert.pooler.load_state_dict(teacher.bert.pooler.state_dict())
        student.classifier.load_state_dict(teacher.classifier.state_dict())
    return student


# ---------------------------------------------------------------- what it learns from


def distillation_loss(
    logits: Tensor,
    teacher: Tensor,
    labels: Tensor | None = None,
    temperature: float = 2.0,
    hard: float = 0.0,
) -> Tensor:
    """(1 - hard) · T² · KL(teacher at T ‖ student at T) + hard · cross-entropy with the labels.

    A temperature T above 1 makes the teacher's small probabilities visible; T² keeps the gradient
    as large as that of the labels. Source: Hinton et al. 2015, section 2.

    Args:
        logits: (texts, classes), the student's.
        teacher: (texts, classes), the teacher's logits, or logarithms of its probabilities.
        labels: (texts,), `IGNORE` where there is none.
        hard: share of the labels in the loss.
    """
    soft = F.kl_div(
        F.log_softmax(logits / temperature, -1),
        F.log_softmax(teacher / temperature, -1),
        reduction="batchmean",
        log_target=True,
    )
    loss = (1 - hard) * temperature**2 * soft
    if hard and labels is not None:
        known = labels != IGNORE
        total = F.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="sum")
        loss = loss + hard * total / known.sum().clamp(min=1)
    return loss


class DistillationTrainer(MeasuringTrainer):
    """Trainer of a student; a row's `labels` are the teacher's logits and, last, its own label."""

    def __init__(self, *args, temperature: float, hard: float, **options):
        super().__init__(*args, **options)
        self.temperature, self.hard = temperature, hard

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor | tuple:
        """The loss of a batch, as Trainer asks for it; see `distillation_loss`."""
        targets = inputs.pop("labels")
        outputs = model(**inputs)
        loss = distillation_loss(
            outputs.logits, targets[:, :-1], targets[:, -1].long(), self.temperature, self.hard
        )
        return (loss, outputs) if return_outputs else loss


def distil(
    student: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    teacher: np.ndarray,
    validation: Dataset,
    *,
    labels: Sequence[int] | None = None,
    temperature: float = 2.0,
    hard: float = 0.0,
    max_length: int = 128,
    learning_rate: float = 1e-3,
    epochs: int = 8,
    batch_size: int = 64,
    seed: int = SEED,
    output: str | None = None,
    patience: int | None = None,
    progress: bool = True,
    **options: object,
) -> DistillationTrainer:
    """Train a student; afterwards `trainer.model` is the best epoch's by accuracy on `validation`.

    Args:
        tokenizer: the student's.
        texts: labelled or not; the more, the better.
        teacher: what the teacher's `predict` says of them: probabilities (texts, classes).
        validation: `text` and `label`.
        labels: of the texts, `IGNORE` where there is none; they count with the share `hard`.
        temperature, hard: see `distillation_loss`.
        output: folder for checkpoints, as for `fine_tune`; a temporary one by default.
        options: further `TrainingArguments`, which override the recipe.
    Raises:
        ValueError: as `fine_tune_by`, or not as many probabilities or labels as texts.
    """
    labels = [IGNORE] * len(texts) if labels is None else list(labels)
    if not len(texts) == len(teacher) == len(labels):
        raise ValueError(
            f"{len(texts)} texts, {len(teacher)} rows of probabilities, {len(labels)} labels; give "
            "each text its own"
        )
    # A probability that was rounded to 0 has no logarithm.
    scores = np.log(np.maximum(teacher, 1e-9), dtype=np.float32)
    targets = np.column_stack([scores, labels]).astype(np.float32)
    encoded = tokenizer(list(texts), truncation=True, max_length=max_length)
    rows = Dataset.from_dict({**encoded, "labels": targets.tolist()})
    wanted = np.array(validation["label"])

    def measure(model: PreTrainedModel) -> dict[str, float]:
        said = predict(model, tokenizer, list(validation["text"]), max_length).argmax(1)
        return {"accuracy": float((said == wanted).mean())}

    settings = course_recipe(learning_rate, epochs, batch_size, seed, progress)
    settings |= {"metric_for_best_model": "accuracy", "greater_is_better": True} | options
    return run_trainer(
        DistillationTrainer, student, tokenizer, rows, None, settings, output, patience,
        measure=measure, temperature=temperature, hard=hard,
        data_collator=DataCollatorWithPadding(tokenizer),
    )  # fmt: skip
