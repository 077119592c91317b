"""T5: hidden spans written by the decoder; with tasks, mixed with these as text."""

from functools import partial

from transformers import Adafactor, PreTrainedTokenizerBase, T5Config, T5ForConditionalGeneration

from objectives.run import (
    Run,
    Setup,
    batched,
    continued,
    count_answers,
    cut_rows,
    set_dropout,
    unigram,
)
from objectives.t5_start import head_start
from objectives.tasks import MixedRows, encode_rows, evaluate_with_tasks
from utils.pretraining import (
    Corpus,
    TextToTextCollator,
    evaluate_text_to_text,
    sentinel_ids,
)


def spans(run: Run, tokenizer: PreTrainedTokenizerBase, corpus: Corpus, tasks: dict) -> Setup:
    """T5's objective.

    Args:
        tasks: name -> (training, validation) rows as text, as `load_task` gives them.
    """
    model = new_t5(run, tokenizer)
    rows, held_out, long = cut_rows("passages", run, tokenizer, corpus)
    collator = TextToTextCollator(tokenizer)
    same_spans = TextToTextCollator(tokenizer, seed=run.seed)
    batches = batched(held_out, same_spans)
    signs = [*sentinel_ids(tokenizer), tokenizer.eos_token_id]
    baseline = unigram(rows, collator, batches, "span", len(tokenizer), signs=signs)
    measure, loss_name = partial(evaluate_text_to_text, signs=signs), "span_loss"
    if tasks:
        encoded = {name: encode_rows(both, tokenizer) for name, both in tasks.items()}
        kinds = [train for train, _ in encoded.values()]
        rows = MixedRows(rows, kinds, run.steps, run.rows_a_step, run.seed)
        validation = {name: batched(asked, collator) for name, (_, asked) in encoded.items()}
        measure = partial(evaluate_with_tasks, signs=signs, validation=validation)
        loss_name = "task_error"
    return Setup(
        model=model,
        train_rows=rows,
        collator=collator,
        losses=lambda output: output.loss[None],
        answers=lambda batch: count_answers(batch["labels"])[None],
        held_out_batches=batches,
        long_batches=batched(long, same_spans),
        measure=measure,
        loss_name=loss_name,
        unigram=baseline,
        optimizer=adafactor(run.learning_rate),
    )


def adafactor(learning_rate: float) -> tuple[type, dict]:
    """T5's own optimiser, which takes steps in proportion to the size of each weight matrix.

    T5's weights are drawn at sizes a hundred times apart (embeddings 1, queries below 0.01). One
    step size for all, as AdamW takes, is too small for those and too large for these: after 6.5
    million tokens the model still guessed by frequency.
    """
    options = {"scale_parameter": True, "relative_step": False, "warmup_init": False}
    return Adafactor, options | {"lr": learning_rate}


def new_t5(run: Run, tokenizer: PreTrainedTokenizerBase) -> T5ForConditionalGeneration:
    """A T5 of the run's shape with random weights and a head start, or the one it goes on from."""
    if run.start:
        return continued(T5ForConditionalGeneration, run)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=run.hidden,
        d_kv=run.hidden // run.heads,
        num_heads=run.heads,
        d_ff=4 * run.hidden,
        num_layers=run.layers,
        num_decoder_layers=run.layers,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )
    set_dropout(config, run.dropout)
    model = T5ForConditionalGeneration(config)
    head_start(model)
    return model
