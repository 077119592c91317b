"""BERT: masked tokens, and whether the second segment follows the first."""

import torch
from transformers import BertConfig, PreTrainedModel, PreTrainedTokenizerBase

from objectives.run import (
    Run,
    Setup,
    batched,
    continued,
    count_answers,
    cut_rows,
    set_dropout,
)
from utils.pretraining import (
    IGNORE,
    BertForMaskedPreTraining,
    Corpus,
    PretrainingCollator,
    evaluate_pretraining,
    unigram_of_counts,
)


def mlm(run: Run, tokenizer: PreTrainedTokenizerBase, corpus: Corpus, tasks: dict) -> Setup:
    """BERT's objective; it knows no tasks."""
    model = new_bert(BertForMaskedPreTraining, run, tokenizer)
    model.nsp_weight = run.nsp_weight
    rows, held_out, long = cut_rows("pairs", run, tokenizer, corpus)
    # Held-out losses are of token masks either way, so that models can be compared.
    collator = PretrainingCollator(tokenizer, seed=run.seed)
    batches = batched(held_out, collator)
    answers = torch.cat([batch["labels"][batch["labels"] != IGNORE] for batch in batches])
    guess = unigram_of_counts(torch.from_numpy(corpus.token_counts), answers)
    return Setup(
        model=model,
        train_rows=rows,
        collator=PretrainingCollator(
            tokenizer,
            whole_word=run.whole_word,
            few_shapes=run.compiled or torch.cuda.is_available(),
        ),
        losses=lambda output: torch.stack([output.mlm_loss, run.nsp_weight * output.nsp_loss]),
        answers=lambda batch: torch.stack(
            [count_answers(batch[name]) for name in ("labels", "next_sentence_label")]
        ),
        held_out_batches=batches,
        long_batches=batched(long, collator),
        measure=evaluate_pretraining,
        loss_name="mlm_loss",
        unigram={f"mlm_{measure}": value for measure, value in guess.items()},
    )


def new_bert(
    kind: type[PreTrainedModel], run: Run, tokenizer: PreTrainedTokenizerBase, **options
) -> PreTrainedModel:
    """A BERT of the run's shape with random weights, or the one it goes on from.

    Args:
        kind: the class, BERT's or GPT's.
        options: further entries of its configuration.
    """
    # With a padding mask the fused attention is slower than the written-out one on a processor.
    attention = "sdpa" if torch.cuda.is_available() else "eager"
    if run.start:
        return continued(kind, run, attn_implementation=attention)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=run.hidden,
        num_hidden_layers=run.layers,
        num_attention_heads=run.heads,
        intermediate_size=4 * run.hidden,
        max_position_embeddings=run.max_length,
        pad_token_id=tokenizer.pad_token_id,
        **options,
    )
    config._attn_implementation = attention
    set_dropout(config, run.dropout)
    return kind(config)
