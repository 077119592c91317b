"""Pretraining on one GPU: tokens a second of the course's recipe and of the library's own.

    python scripts/family.py prepare --data ../shared/data     # once
    python scripts/gpu_throughput.py                           # results/gpu_throughput.json

Five ways to train the same 4 × 256 model, with the same batch of rows, bf16, AdamW and no dropout,
taking turns on the same machine:

    library         Trainer, BertForMaskedLM, DataCollatorForLanguageModeling, logits at every place;
                    rows in random order, padded to the longest of their batch
    library blocks  the same on running text in blocks of 128 tokens, without padding (run_mlm.py)
    course          Trainer as in scripts/pretrain.py: logits at the hidden places, rows of similar
                    length in a batch, NSP beside MLM
    course loop     the plain loop of scripts/family.py with the same questions: rows as slices of
                    one array, and never a wait for the GPU between two steps
    course loop compiled    the same with its trunk compiled by torch.compile

Tokens are real ones, [CLS] and [SEP] included, padding not. Floating-point operations are those
that the question needs, the same for all ways: 6 a weight and token (the MLM head's weights only at
15 % of the tokens) and 12 × layers × hidden × row length a token for attention.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from torch import nn
from transformers import PreTrainedTokenizerBase

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from relatives.arms import (
    ARMS,
    BATCH_SIZE,
    LEARNING_RATE,
    RESULTS,
    Data,
    describe,
    new_config,
    train,
    training_device,
)
from relatives.arrays import Corpus, cut_rows
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from utils.pretraining import BertForMaskedPreTraining, PretrainingCollator, SegmentPairs
from utils.profile import bf16_available, course_root

WAYS = ("library", "library blocks", "course", "course loop", "course loop compiled")
LOOPS = WAYS[3:]
LENGTH, MASKED = 128, 0.15
PEAK = 989.4e12  # dense bf16 of an H100 SXM or H200, NVIDIA's data sheet


class Clock:
    """Seconds between two steps, the GPU's work included."""

    def __init__(self, warm: int, steps: int):
        self.marks, self.warm, self.last = {}, warm, warm + steps

    def __call__(self, step: int, *_) -> None:
        """Note the time if this step begins or ends what is timed."""
        if step in (self.warm, self.last):
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.marks[step] = time.perf_counter()

    def seconds(self) -> float:
        """Of the steps that are timed."""
        return self.marks[self.last] - self.marks[self.warm]


class Timed(TrainerCallback):
    """Tells the clock of each of Trainer's steps."""

    def __init__(self, clock: Clock):
        self.clock = clock

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs
    ) -> None:
        """A step begins."""
        self.clock(state.global_step)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs
    ) -> None:
        """The last one has ended."""
        self.clock(state.global_step)


def by_trainer(
    model: nn.Module,
    rows: Sequence[dict],
    collate: Callable,
    clock: Clock,
    order: str,
    arguments: argparse.Namespace,
) -> None:
    """Train with `Trainer`, as scripts/pretrain.py sets it."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            train_dataset=rows,
            data_collator=collate,
            callbacks=[Timed(clock)],
            args=TrainingArguments(
                output_dir=folder,
                max_steps=clock.last,
                per_device_train_batch_size=arguments.batch_size,
                learning_rate=LEARNING_RATE,
                lr_scheduler_type="linear",
                warmup_steps=0.03,
                weight_decay=0.01,
                adam_beta2=0.98,
                adam_epsilon=1e-6,
                optim="adamw_torch_fused",
                bf16=bf16_available(),
                use_cpu=not torch.cuda.is_available(),
                train_sampling_strategy=order,
                dataloader_num_workers=arguments.workers,
                save_strategy="no",
                logging_steps=50,
                report_to="none",
                disable_tqdm=True,
                remove_unused_columns=False,
            ),
        )
        trainer.train()


def blocks(documents: list, tokenizer: PreTrainedTokenizerBase) -> list[dict]:
    """Running text cut into rows of `LENGTH` tokens, [CLS] and [SEP] in it, as run_mlm.py does."""
    signs = tokenizer.cls_token_id, tokenizer.sep_token_id
    texts = ([signs[0], *chain.from_iterable(document), signs[1]] for document in documents)
    tokens = list(chain.from_iterable(texts))
    starts = range(0, len(tokens) - LENGTH + 1, LENGTH)
    return [
        {"input_ids": tokens[start : start + LENGTH], "attention_mask": [1] * LENGTH}
        for start in starts
    ]


def operations_a_token(model: BertForMaskedLM, row_length: float) -> float:
    """Floating-point operations of a training step, a token (see the top of this file)."""
    trunk = sum(each.numel() for each in model.bert.encoder.parameters())
    head = sum(each.numel() for each in model.cls.parameters())
    config = model.config
    attention = 12 * config.num_hidden_layers * config.hidden_size * row_length
    return 6 * (trunk + MASKED * head) + attention


def measured_peak(size: int = 8192) -> float | None:
    """Operations a second of a large bf16 product, or None without a GPU."""
    if not torch.cuda.is_available():
        return None
    first, second = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in "ab")
    for _ in range(3):
        first @ second
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(10):
        first @ second
    torch.cuda.synchronize()
    return 10 * 2 * size**3 / (time.perf_counter() - started)


def timed_lengths(lengths: list[int], arguments: argparse.Namespace) -> list[int]:
    """Lengths of the rows of the timed steps, which come round again after the last."""
    size, first = arguments.batch_size, arguments.warm
    usable = len(lengths) // size * size
    places = range(first * size, (first + arguments.steps) * size)
    return [lengths[place % usable] for place in places]


def rows_of_ways(data: Data, arguments: argparse.Namespace) -> tuple[dict, dict]:
    """Rows of each way, and the lengths of those rows that are timed."""
    some = Corpus(**{**vars(data.corpus), "order": data.corpus.order[:: arguments.share]})
    tokens = data.corpus.tokens.tolist()
    documents = [
        [tokens[sentence[0] : sentence[-1] + 1] for sentence in document]
        for document in some.places()
    ]
    pairs = SegmentPairs(documents, data.tokenizer, LENGTH, batch_size=arguments.batch_size)
    listed = [pairs[place] for place in range(len(pairs))]
    names = "input_ids", "token_type_ids"
    rows = {
        "library": [{name: row[name] for name in names} for row in listed],
        "library blocks": blocks(documents, data.tokenizer),
        "course": pairs,
    }
    lengths = {
        "library": [len(row["input_ids"]) for row in listed],  # in random order: their mean
        "library blocks": [LENGTH],
        "course": timed_lengths([len(row["input_ids"]) for row in listed], arguments),
    }
    compact = cut_rows(some, data.tokenizer, LENGTH, 0, arguments.batch_size)
    for way in LOOPS:
        rows[way] = compact
        lengths[way] = timed_lengths(compact.lengths().tolist(), arguments)
    return rows, lengths


def timed(
    way: str, rows: object, data: Data, config: BertConfig, turn: int, arguments: argparse.Namespace
) -> float:
    """Seconds that the timed steps of one way took."""
    clock = Clock(arguments.warm, arguments.steps)
    torch.manual_seed(turn)
    if way in LOOPS:
        options = {"save_every": 0, "compiled": way.endswith("compiled"), "visit": clock}
        # A step more, so that the measures after the last one are not timed.
        with tempfile.TemporaryDirectory() as folder:
            steps = clock.last + 1
            train(ARMS["nsp"], turn, steps, rows, data, Path(folder), config, **options)
    elif way == "course":
        model = BertForMaskedPreTraining(config)
        model.nsp_weight = ARMS["nsp"].nsp_weight
        collate = PretrainingCollator(data.tokenizer)
        by_trainer(model, rows, collate, clock, "sequential", arguments)
    else:
        collate = DataCollatorForLanguageModeling(
            data.tokenizer, mlm_probability=MASKED, pad_to_multiple_of=8
        )
        by_trainer(BertForMaskedLM(config), rows, collate, clock, "random", arguments)
    return clock.seconds()


def table_of(
    seconds: dict,
    lengths: dict,
    config: BertConfig,
    peak: float | None,
    arguments: argparse.Namespace,
) -> dict:
    """What was measured, a row a way."""
    reference, table = BertForMaskedLM(config), {}
    for way in [way for way in seconds if seconds[way]]:
        mean = sum(lengths[way]) / len(lengths[way])
        row_length = sum(each * each for each in lengths[way]) / sum(lengths[way])
        operations = operations_a_token(reference, row_length)
        rates = [mean * arguments.batch_size * arguments.steps / each for each in seconds[way]]
        middle = statistics.median(rates)
        table[way] = {
            "tokens_per_second": [round(rate) for rate in rates],
            "median_tokens_per_second": round(middle),
            "steps_per_second": [round(arguments.steps / each, 2) for each in seconds[way]],
            "tokens_a_row": round(mean, 1),
            "operations_a_token": round(operations),
            "share_of_data_sheet_peak": round(middle * operations / PEAK, 4),
            "share_of_measured_peak": round(middle * operations / peak, 4) if peak else None,
        }
    return table


def ratios_of(table: dict) -> dict[str, float]:
    """Tokens a second of each of the course's ways over each of the library's."""
    rate = {way: row["median_tokens_per_second"] for way, row in table.items()}
    return {
        f"{fast} / {slow}": round(rate[fast] / rate[slow], 2)
        for fast in rate
        for slow in rate
        if fast.startswith("course") and slow.startswith("library")
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=course_root() / "runs/family")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--warm", type=int, default=60, help="steps before the clock starts")
    parser.add_argument("--steps", type=int, default=100, help="steps that are timed, a turn")
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="rows a step")
    parser.add_argument("--workers", type=int, default=4, help="Trainer's, that make batches")
    parser.add_argument("--share", type=int, default=3, help="take every so many-th document")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    torch.set_num_threads(1 if torch.cuda.is_available() else torch.get_num_threads())
    training_device()
    data = Data(arguments.work, arguments.batch_size)
    rows, lengths = rows_of_ways(data, arguments)
    config, peak = new_config(data.tokenizer), measured_peak()
    given = [Path(each).name if Path(each).is_absolute() else each for each in sys.argv[1:]]
    about = describe() | {
        "command": " ".join(["python scripts/gpu_throughput.py", *given]),
        "rows_a_step": arguments.batch_size,
        "steps_timed_a_turn": arguments.steps,
        "workers": arguments.workers,
        "bf16": bf16_available(),
        "data_sheet_peak": PEAK,
        "measured_peak": round(peak) if peak else None,
        "how": " ".join(__doc__.split("\n\n")[-1].split()),
    }
    seconds: dict[str, list[float]] = {way: [] for way in arguments.ways}
    arguments.results.mkdir(parents=True, exist_ok=True)
    for turn in range(arguments.turns):
        for way in arguments.ways:
            seconds[way].append(timed(way, rows[way], data, config, turn, arguments))
            table = table_of(seconds, lengths, config, peak, arguments)
            print(turn, way, table[way]["median_tokens_per_second"], "tokens/s", flush=True)
            content = {"about": about, "rows": table, "ratios": ratios_of(table)}
            text = json.dumps(content, indent=1) + "\n"
            (arguments.results / "gpu_throughput.json").write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
