"""Encoders whose sentence vectors are trained, by sentence-transformers: from partners, from grades."""

import contextlib
import math
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from datasets import Dataset
from transformers import AutoModel, PrinterCallback, set_seed
from transformers.trainer_pt_utils import LengthGroupedSampler

from utils.finetuning.classifier import check_padding
from utils.finetuning.packing import without_padding
from utils.finetuning.pairs import check_pairs
from utils.finetuning.recipe import ShuffledBatches, _no_bars
from utils.models import ModelError, check_folder
from utils.profile import SEED, bf16_available, device

if TYPE_CHECKING:  # importing it takes seconds, so the functions do so when they need it
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.sampler import DefaultBatchSampler


def contrastive_fine_tune(
    checkpoint: str | Path,
    first: Sequence[str],
    second: Sequence[str],
    *,
    epochs: int = 5,
    batch_size: int = 32,
    learning_rate: float = 1e-4,
    max_length: int = 64,
    pooling: str = "mean",
    scale: float = 20.0,
    seed: int = SEED,
    progress: bool = False,
) -> "SentenceTransformer":
    """An encoder trained to find each sentence's partner among all partners of its batch.

    The loss is the cross-entropy of that choice, by `scale` times the cosine
    (MultipleNegativesRankingLoss). So a batch must not hold a text twice, its sampler sees to that,
    and the larger the batch, the harder the choice. Source: Henderson et al. 2017, arXiv 1705.00652,
    section 4; Gao et al. 2021, arXiv 2104.08821.

    Args:
        first, second: pairs that mean the same; no other pairs are needed.
        max_length: tokens of a sentence; the model keeps it.
        pooling: "mean", "cls" or "max"; named here, as from a bare BERT folder the library takes
            the mean without a word.
    Returns:
        the model; `save_pretrained(folder, create_model_card=False)` writes it,
        `load_sentence_encoder` reads it.
    Raises:
        ValueError: lists of different lengths, an empty sentence, fewer than two pairs, or a
            sentence in more pairs than an epoch has batches.
    """
    from sentence_transformers.base.sampler import BatchSamplers
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    check_pairs(first, second)
    rows = {"anchor": list(first), "positive": list(second)}
    if len(rows["anchor"]) < 2:
        raise ValueError("contrastive_fine_tune: one pair has nothing to be told from; give more")
    _check_repeats(*rows.values(), batch_size)
    model = _new_encoder(checkpoint, max_length, pooling, seed)
    settings = {
        "num_train_epochs": epochs,
        "per_device_train_batch_size": batch_size,
        "learning_rate": learning_rate,
        "batch_sampler": BatchSamplers.NO_DUPLICATES,
        "save_strategy": "no",
        "seed": seed,
    }
    loss = MultipleNegativesRankingLoss(model, scale=scale)
    return _train(model, Dataset.from_dict(rows), loss, settings, progress)


def _check_repeats(first: list[str], second: list[str], batch_size: int) -> None:
    """Refuse pairs of which some would never be trained on.

    A batch takes a sentence once, so the sampler makes more batches than its length says, and the
    trainer stops after that many (sentence-transformers 6.2: findings/pairs_behind_the_last_step.sh).
    """
    pairs = zip(first, second, strict=True)
    pairs_of = Counter(text for pair in pairs for text in dict.fromkeys(pair))
    text, count = pairs_of.most_common(1)[0]
    batches = math.ceil(len(first) / batch_size)
    if count > batches:
        raise ValueError(
            f"contrastive_fine_tune: {text[:20]!r} stands in {count} of {len(first)} pairs, but an "
            f"epoch has {batches} batches, which take a sentence once each, and never gets to the "
            "others; give a smaller batch_size, or fewer pairs of it"
        )


def similarity_fine_tune(
    checkpoint: str | Path,
    train: Dataset,
    validation: Dataset,
    by: str = "score",
    *,
    pretrained: bool = True,
    epochs: int = 3,
    batch_size: int = 32,
    learning_rate: float = 3e-4,
    max_length: int = 64,
    pooling: str = "mean",
    scale: float = 20.0,
    dropout: float | None = None,
    seed: int = SEED,
    progress: bool = False,
) -> "SentenceTransformer":
    """An encoder trained so that the cosines of pairs come in the order of their grades (a
    bi-encoder); the epoch's whose cosines have the highest Spearman correlation on validation.

    The loss (CoSENTLoss) counts, over all two pairs of a batch of which one is graded higher, by
    how much `scale` times their cosines stand the wrong way round. It asks for an order alone, so
    that labels, 1 for alike and 0, serve as well as grades. Nothing but the cosine is trained on: a
    head on the two vectors could learn what it can guess from one sentence. Source: Huang et al.
    2024, CoSENT, IEEE/ACM TASLP 32.

    Args:
        train, validation: columns `sentence1`, `sentence2`, and what `by` names. Pairs of which a
            sentence stands in `train` flatter the later epochs: see `without_seen`.
        by: the column that says how near the two are, more is nearer.
        pretrained: False: the same architecture, drawn at random with `seed`.
        max_length, pooling: as of `contrastive_fine_tune`.
        dropout: another rate than the checkpoint's own.
    Returns:
        the model, as of `contrastive_fine_tune`.
    Raises:
        ValueError: an empty sentence, or a split whose grades are all the same.
    """
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator
    from sentence_transformers.sentence_transformer.losses import CoSENTLoss

    columns = {}
    for name, rows in {"train": train, "validation": validation}.items():
        first, second = list(rows["sentence1"]), list(rows["sentence2"])
        check_pairs(first, second)
        grades = [float(grade) for grade in rows[by]]
        if len(set(grades)) < 2:
            raise ValueError(f"{name}: every {by} is the same, or there is none; give other rows")
        columns[name] = {"sentence1": first, "sentence2": second, "score": grades}
    model = _new_encoder(checkpoint, max_length, pooling, seed, pretrained, dropout)
    judge = EmbeddingSimilarityEvaluator(
        *columns["validation"].values(), batch_size=64, main_similarity="cosine", write_csv=False
    )
    settings = {
        "num_train_epochs": epochs,
        "per_device_train_batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": 0.01,
        "batch_sampler": _of_similar_length,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "save_only_model": True,
        "load_best_model_at_end": True,
        "metric_for_best_model": "spearman_cosine",
        "greater_is_better": True,
        "seed": seed,
    }
    loss = CoSENTLoss(model, scale=scale)
    return _train(model, Dataset.from_dict(columns["train"]), loss, settings, progress, judge)


def load_sentence_encoder(folder: str | Path) -> "SentenceTransformer":
    """The model in float32 that `save_pretrained` of a sentence-transformers model wrote.

    Raises:
        ModelError: the folder is not a whole model, or one whose vectors nobody has trained: the
            library would take the mean of the last states of any BERT, and say nothing.
    """
    from sentence_transformers import SentenceTransformer

    check_folder(Path(folder))
    if not (Path(folder) / "modules.json").is_file():
        raise ModelError(
            f"{folder}: no modules.json, so no sentence vectors were trained here; train them with "
            "contrastive_fine_tune, or take the encoder's own with encode_sentences"
        )
    model = SentenceTransformer(
        str(folder),
        device=device().type,
        local_files_only=True,
        model_kwargs={"dtype": torch.float32},
    )
    check_padding(model.tokenizer)
    return model


def _new_encoder(
    checkpoint: str | Path,
    max_length: int,
    pooling: str,
    seed: int,
    pretrained: bool = True,
    dropout: float | None = None,
) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    set_seed(seed)
    options = {"dtype": torch.float32}  # a checkpoint in fp16 would train in fp16
    rates = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    encoder = Transformer(
        str(checkpoint),
        max_seq_length=max_length,
        model_kwargs=options,
        config_kwargs={} if dropout is None else dict.fromkeys(rates, dropout),
    )
    check_padding(encoder.tokenizer)
    if not pretrained:
        set_seed(seed)
        encoder.model = AutoModel.from_config(encoder.model.config, **options)
    pooled = Pooling(encoder.get_embedding_dimension(), pooling)
    model = SentenceTransformer(modules=[encoder, pooled], device=device().type)
    # Otherwise the trainer encodes training texts, under a bar, as examples for a model card.
    model.model_card_data.widget = [{}]
    return model


def _train(
    model: "SentenceTransformer",
    rows: Dataset,
    loss: torch.nn.Module,
    settings: dict,
    progress: bool,
    judge: object = None,
) -> "SentenceTransformer":
    from sentence_transformers import (
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        if not progress:
            stack.enter_context(_no_bars())
        trainer = SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=folder,
                warmup_steps=0.1,
                bf16=bf16_available(),
                use_cpu=device().type == "cpu",
                logging_strategy="epoch",
                report_to="none",
                disable_tqdm=not progress,
                log_level="error",
                **settings,
            ),
            train_dataset=rows,
            evaluator=judge,
            loss=loss,
        )
        if not progress:  # Trainer would print every log as a dict instead
            trainer.remove_callback(PrinterCallback)
        # Two columns of sentences of any length share a batch: up to half of it is padding.
        stack.enter_context(without_padding(model[0].model))
        trainer.train()
    # Training in bf16 leaves a forward that always computes so: the model would give other vectors
    # than when it is saved and loaded again.
    return trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False).eval()


def _of_similar_length(rows: Dataset, **options: object) -> "DefaultBatchSampler":
    """Batches of pairs of similar length in random order, as `fine_tune` takes its texts."""
    from sentence_transformers.base.sampler import DefaultBatchSampler

    size = options["batch_size"]
    lengths = [len(a) + len(b) for a, b in zip(rows["sentence1"], rows["sentence2"], strict=True)]
    grouped = LengthGroupedSampler(size, lengths=lengths, generator=options["generator"])
    return DefaultBatchSampler(ShuffledBatches(grouped, size), **options)
