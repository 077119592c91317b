"""What differs between pretraining BERT, GPT and T5; all the rest is in pretrain.py.

Each function takes the command line's arguments, the tokenizer, and the token ids of training and
held-out documents, and gives a `Setup`.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

import torch
from remarks import load_remarks
from t5_start import head_start
from torch.utils.data import DataLoader
from transformers import (
    Adafactor,
    BertConfig,
    BertForPreTraining,
    BertLMHeadModel,
    BertTokenizer,
    T5Config,
    T5ForConditionalGeneration,
    T5Tokenizer,
)

from utils.data import load_imdb, load_thucnews
from utils.finetuning import (
    NEWS_PREFIX,
    REVIEW_ANSWERS,
    REVIEW_PREFIX,
    TOPIC_ANSWERS,
    TOPIC_PREFIX,
    encode_task,
    exact_answers,
    task_rows,
)
from utils.pretraining import (
    IGNORE,
    BertForCausalPretraining,
    BertForMaskedPreTraining,
    CausalCollator,
    Passages,
    PretrainingCollator,
    SegmentPairs,
    TextToTextCollator,
    evaluate_causal,
    evaluate_pretraining,
    evaluate_text_to_text,
    sentinel_ids,
    train_sentencepiece,
    train_wordpiece,
    unigram_baseline,
    unigram_of_answers,
)

TASK_LENGTH = 256  # tokens of a task's text; longer ones are cut
TEXT_EVERY = 3  # with tasks: one batch in three is running text, so that nothing is unlearned

# name -> (loader, what its texts begin with, what its classes are called where not by their names)
TASKS = {
    "thucnews": (load_thucnews, NEWS_PREFIX, None),
    "topics": (load_thucnews, TOPIC_PREFIX, TOPIC_ANSWERS),
    "imdb": (load_imdb, REVIEW_PREFIX, REVIEW_ANSWERS),
    "remarks": (load_remarks, REVIEW_PREFIX, REVIEW_ANSWERS),
}


@dataclass
class Setup:
    """One objective, ready to train."""

    model: torch.nn.Module
    train_rows: torch.utils.data.Dataset
    collator: Callable
    held_out_batches: list[dict]  # rows of the length that most passes have
    long_batches: list[dict]  # rows of the full length, which show whether late positions learned
    measure: Callable[[torch.nn.Module, list[dict]], dict]
    loss_name: str  # which of the measures decides on the best checkpoint
    unigram: dict[str, float]
    optimizer: tuple[type, dict] | None = None  # class and options; None: AdamW


def adafactor(learning_rate: float) -> tuple[type, dict]:
    """T5's own optimiser, which takes steps in proportion to the size of each weight matrix.

    T5's weights are drawn at sizes a hundred times apart (embeddings 1, queries below 0.01). One
    step size for all, as AdamW takes, is too small for those and too large for these: after 6.5
    million tokens the model still guessed by frequency.
    """
    options = {"scale_parameter": True, "relative_step": False, "warmup_init": False}
    return Adafactor, options | {"lr": learning_rate}


def cut(rows_class, arguments, tokenizer, train_ids, held_out_ids) -> tuple:
    """Training rows; held-out rows of the usual length; held-out rows of the full length."""
    options = {"batch_size": arguments.batch_size, "seed": arguments.seed}
    lengths = {"max_length": arguments.max_length, "short_length": arguments.short_length}
    train = rows_class(train_ids, tokenizer, passes=arguments.passes, **lengths, **options)
    usual = min(arguments.short_length, arguments.max_length)
    held_out = [
        rows_class(held_out_ids, tokenizer, max_length=length, **options)
        for length in (usual, arguments.max_length)
    ]
    return train, *held_out


def new_bert(kind, arguments, tokenizer, **options):
    # With a padding mask the fused attention is slower than the written-out one on a processor.
    attention = "sdpa" if torch.cuda.is_available() else "eager"
    if arguments.start:
        return started(kind, arguments, attn_implementation=attention)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=arguments.hidden,
        num_hidden_layers=arguments.layers,
        num_attention_heads=arguments.heads,
        intermediate_size=4 * arguments.hidden,
        max_position_embeddings=arguments.max_length,
        pad_token_id=tokenizer.pad_token_id,
        **options,
    )
    config._attn_implementation = attention
    set_dropout(config, arguments.dropout)
    return kind(config)


def started(kind, arguments, **options):
    """The model of ``--start``, whose shape counts then; in float32."""
    config = kind.config_class.from_pretrained(arguments.start)
    set_dropout(config, arguments.dropout)
    return kind.from_pretrained(arguments.start, config=config, dtype=torch.float32, **options)


def set_dropout(config, rate: float) -> None:
    """Set every kind of dropout that a model of one of the three families has."""
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout_rate"):
        if hasattr(config, name):
            setattr(config, name, rate)


def mlm(arguments, tokenizer, train_ids, held_out_ids) -> Setup:
    """BERT: masked tokens and whether the second segment follows the first."""
    model = new_bert(BertForMaskedPreTraining, arguments, tokenizer)
    model.nsp_weight = arguments.nsp_weight
    rows, held_out, long = cut(SegmentPairs, arguments, tokenizer, train_ids, held_out_ids)
    # Held-out losses are of token masks either way, so that models can be compared.
    collator = PretrainingCollator(tokenizer, seed=arguments.seed)
    batches = batched(held_out, collator)
    return Setup(
        model=model,
        train_rows=rows,
        collator=PretrainingCollator(tokenizer, whole_word=arguments.whole_word),
        held_out_batches=batches,
        long_batches=batched(long, collator),
        measure=evaluate_pretraining,
        loss_name="mlm_loss",
        unigram=unigram_baseline(train_ids, batches, len(tokenizer)),
    )


def causal(arguments, tokenizer, train_ids, held_out_ids) -> Setup:
    """GPT: the same trunk with a causal mask, the next token everywhere."""
    signs = {"bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id}
    model = new_bert(BertForCausalPretraining, arguments, tokenizer, is_decoder=True, **signs)
    rows, held_out, long = cut(Passages, arguments, tokenizer, train_ids, held_out_ids)
    collator = CausalCollator(tokenizer)
    batches = batched(held_out, collator)
    return Setup(
        model=model,
        train_rows=rows,
        collator=collator,
        held_out_batches=batches,
        long_batches=batched(long, collator),
        measure=evaluate_causal,
        loss_name="lm_loss",
        unigram=unigram(rows, collator, batches, "lm", len(tokenizer), first_answer=1),
    )


def spans(arguments, tokenizer, train_ids, held_out_ids) -> Setup:
    """T5: hidden spans written by the decoder; with ``--tasks`` mixed with tasks as text."""
    model = new_t5(arguments, tokenizer)
    rows, held_out, long = cut(Passages, arguments, tokenizer, train_ids, held_out_ids)
    collator = TextToTextCollator(tokenizer)
    same_spans = TextToTextCollator(tokenizer, seed=arguments.seed)
    batches = batched(held_out, same_spans)
    signs = [*sentinel_ids(tokenizer), tokenizer.eos_token_id]
    baseline = unigram(rows, collator, batches, "span", len(tokenizer), signs=signs)
    measure, loss_name = partial(evaluate_text_to_text, signs=signs), "span_loss"
    if arguments.tasks:
        tasks = {name: course_task(name, source, tokenizer) for name, source in arguments.tasks}
        rows = MixedRows(rows, tasks, arguments)
        validation = {name: batched(asked, collator) for name, (_, asked) in tasks.items()}
        measure = partial(evaluate_with_tasks, signs=signs, validation=validation)
        loss_name = "task_error"
    return Setup(
        model=model,
        train_rows=rows,
        collator=collator,
        held_out_batches=batches,
        long_batches=batched(long, same_spans),
        measure=measure,
        loss_name=loss_name,
        unigram=baseline,
        optimizer=adafactor(arguments.learning_rate),
    )


def new_t5(arguments, tokenizer) -> T5ForConditionalGeneration:
    if arguments.start:
        return started(T5ForConditionalGeneration, arguments)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=arguments.hidden,
        d_kv=arguments.hidden // arguments.heads,
        num_heads=arguments.heads,
        d_ff=4 * arguments.hidden,
        num_layers=arguments.layers,
        num_decoder_layers=arguments.layers,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )
    set_dropout(config, arguments.dropout)
    model = T5ForConditionalGeneration(config)
    head_start(model)
    return model


def course_task(name: str, source, tokenizer) -> tuple[list[dict], list[dict]]:
    """(training, validation) rows of a task: token ids of source and target."""
    load, prefix, answers = TASKS[name]
    splits = load(source)
    return tuple(
        encode_task(task_rows(splits[split], prefix, answers), tokenizer, TASK_LENGTH)
        for split in ("train", "validation")
    )


class MixedRows(torch.utils.data.Dataset):
    """Batches of running text, one in `TEXT_EVERY`, and between them of each task by turns.

    Each batch holds one kind, its rows of similar length; a task with few rows comes round often.
    """

    def __init__(self, passages: Passages, tasks: dict, arguments):
        rng, size = random.Random(arguments.seed), arguments.batch_size
        kinds = [endless_batches(rows, size, rng) for rows, _ in tasks.values()]
        turns, self.rows, text = cycle(kinds), [], 0
        for step in range(arguments.steps):
            if step % TEXT_EVERY:
                self.rows += next(next(turns))
            else:
                self.rows += [passages[(text + i) % len(passages)] for i in range(size)]
                text += size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict:
        return self.rows[index]


def endless_batches(rows: list[dict], size: int, rng: random.Random):
    """Whole batches of rows of similar length in random order, again and again."""
    while True:
        # A little noise on the lengths puts other rows together each time.
        order = sorted(rows, key=lambda row: len(row["input_ids"]) * rng.uniform(0.8, 1.2))
        order += rng.choices(rows, k=-len(rows) % size)
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        rng.shuffle(batches)
        yield from batches


def evaluate_with_tasks(model, batches, signs, validation: dict) -> dict[str, float]:
    """The measures of span corruption, the share of each task's answers written right, and
    ``task_error``: the share written wrong, each task counting alike."""
    measures = evaluate_text_to_text(model, batches, signs)
    right = {f"{name}_accuracy": exact_answers(model, rows) for name, rows in validation.items()}
    return measures | right | {"task_error": 1 - sum(right.values()) / len(right)}


OBJECTIVES = {"mlm": mlm, "causal": causal, "spans": spans}
# objective -> the class of transformers under which others load the same weights
PUBLISHED = {
    "mlm": BertForPreTraining,
    "causal": BertLMHeadModel,
    "spans": T5ForConditionalGeneration,
}
# objective -> (class of its tokenizer, how its vocabulary is trained)
TOKENIZERS = {
    "mlm": (BertTokenizer, train_wordpiece),
    "causal": (BertTokenizer, train_wordpiece),
    "spans": (T5Tokenizer, train_sentencepiece),
}


def batched(rows, collator, size: int = 64) -> list[dict]:
    return list(DataLoader(rows, batch_size=size, collate_fn=collator))


def unigram(
    train_rows, collator, held_out_batches, name, vocab_size, first_answer=0, signs=()
) -> dict:
    """Always the same guess: the frequencies of the answers in the first training batches."""
    batches = islice(DataLoader(train_rows, batch_size=64, collate_fn=collator), 500)
    ignored = torch.tensor([IGNORE, *signs])

    def answers(batches) -> torch.Tensor:
        labels = [batch["labels"][:, first_answer:] for batch in batches]
        return torch.cat([each[~torch.isin(each, ignored)] for each in labels])

    train, held_out = answers(batches), answers(held_out_batches)
    measured = unigram_of_answers(train, held_out, vocab_size)
    return {f"{name}_{measure}": value for measure, value in measured.items()}
