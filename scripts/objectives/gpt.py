"""GPT: BERT's trunk with a causal mask, the next token everywhere."""

from transformers import PreTrainedTokenizerBase

from objectives.bert import new_bert
from objectives.run import Run, Setup, batched, count_answers, cut_rows, unigram
from utils.pretraining import BertForCausalPretraining, CausalCollator, Corpus, evaluate_causal


def causal(run: Run, tokenizer: PreTrainedTokenizerBase, corpus: Corpus, tasks: dict) -> Setup:
    """GPT's objective; it knows no tasks."""
    signs = {"bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id}
    model = new_bert(BertForCausalPretraining, run, tokenizer, is_decoder=True, **signs)
    rows, held_out, long = cut_rows("passages", run, tokenizer, corpus)
    collator = CausalCollator(tokenizer)
    batches = batched(held_out, collator)
    return Setup(
        model=model,
        train_rows=rows,
        collator=collator,
        losses=lambda output: output.loss[None],
        answers=lambda batch: count_answers(batch["labels"][:, 1:])[None],  # no token before it
        held_out_batches=batches,
        long_batches=batched(long, collator),
        measure=evaluate_causal,
        loss_name="lm_loss",
        unigram=unigram(rows, collator, batches, "lm", len(tokenizer), first_answer=1),
    )
