"""Pretraining on one GPU: tokens a second of the course's recipe and of the library's own.

    python scripts/gpu_throughput.py --text zh_news.txt.gz zh_titles.txt.gz

writes results/gpu_throughput.json. Four ways to train the same model with the same number of rows a
step, bf16, AdamW and no dropout, taking turns on the same machine:

    library         Trainer, BertForMaskedLM, DataCollatorForLanguageModeling, logits at every place;
                    the course's pairs in random order, padded to the longest of their batch
    library blocks  the same on running text in blocks of 128 tokens, without padding (run_mlm.py)
    course          scripts/pretrain.py: rows cut from the map and masked by helpers, batches of
                    similar length, logits at the hidden places, NSP beside MLM
    course compiled the same with --compiled: one CUDA graph for each length of a batch

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
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from measurements.provenance import circumstances
from objectives import OBJECTIVES, PretrainingTrainer, Run, training_arguments
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    DataCollatorForLanguageModeling,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from utils.models import resolve
from utils.pretraining import Corpus, prepare_corpus
from utils.profile import course_root

WAYS = ("library", "library blocks", "course", "course compiled")
SHAPES = {"mini": (4, 256, 4), "base": (12, 768, 12)}  # layers, hidden, heads
LENGTH, MASKED = 128, 0.15
PEAK = 989.4e12  # dense bf16 of an H100 SXM or H200, NVIDIA's data sheet


class Clock(TrainerCallback):
    """Seconds between two steps of a Trainer, the GPU's work included."""

    def __init__(self, warm: int, steps: int):
        self.marks, self.warm, self.last = {}, warm, warm + steps

    def mark(self, step: int) -> None:
        """Note the time if this step begins or ends what is timed."""
        if step in (self.warm, self.last):
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.marks[step] = time.perf_counter()

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs
    ) -> None:
        """A step begins."""
        self.mark(state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs
    ) -> None:
        """The last one has ended."""
        if state.global_step == self.last:
            self.mark(state.global_step)

    def seconds(self) -> float:
        """Of the steps that are timed."""
        return self.marks[self.last] - self.marks[self.warm]


def blocks(corpus: Corpus, tokenizer: PreTrainedTokenizerBase, many: int) -> list[dict]:
    """Running text cut into rows of `LENGTH` tokens, [CLS] and [SEP] in it, as run_mlm.py does.

    From the front again after the last, until there are as many as are wanted: so one pass lasts,
    and Trainer need not start its helpers anew.
    """
    places = (place for part in corpus.listed for place in corpus.documents(part))
    documents = (corpus.tokens(place, 0, corpus.ends(place)[-1]) for place in places)
    signs = tokenizer.cls_token_id, tokenizer.sep_token_id
    tokens: list[int] = []
    for document in documents:
        tokens += [signs[0], *document, signs[1]]
        if len(tokens) >= many * LENGTH:
            break
    rows = [
        {"input_ids": tokens[start : start + LENGTH], "attention_mask": [1] * LENGTH}
        for start in range(0, len(tokens) - LENGTH + 1, LENGTH)
    ]
    return list(islice(cycle(rows), many))


def timed(
    way: str, run: Run, corpus: Corpus, tokenizer: PreTrainedTokenizerBase, steps: tuple[int, int]
) -> tuple[float, list[int]]:
    """Seconds that the timed steps of one way took, and the lengths of their rows.

    Args:
        steps: before the clock starts, and timed.
    """
    warm, many = steps
    clock = Clock(warm, many)
    run = replace(run, compiled=way == "course compiled")
    setup = OBJECTIVES["mlm"](run, tokenizer, corpus, {})
    options = {"eval_strategy": "no", "save_strategy": "no", "load_best_model_at_end": False}
    options |= {"disable_tqdm": True}
    places = range(warm * run.batch_size, (warm + many) * run.batch_size)
    if way.startswith("course"):
        trainer = PretrainingTrainer(setup=setup, args=training_arguments(run, setup, **options))
        lengths = [len(setup.train_rows[place]["input_ids"]) for place in places]
    else:
        # As the library has it; ours are only the optimiser, the precision and the helpers.
        options |= {"train_sampling_strategy": "random", "logging_nan_inf_filter": True}
        if way == "library":
            names = "input_ids", "token_type_ids"
            rows = [{name: row[name] for name in names} for row in setup.train_rows]
        else:
            rows = blocks(corpus, tokenizer, len(setup.train_rows))
        trainer = Trainer(
            model=BertForMaskedLM(BertConfig.from_dict(setup.model.config.to_dict())),
            train_dataset=rows,
            data_collator=DataCollatorForLanguageModeling(
                tokenizer, mlm_probability=MASKED, pad_to_multiple_of=8
            ),
            args=training_arguments(run, setup, **options),
        )
        lengths = [len(row["input_ids"]) for row in rows]  # in random order: their mean
    trainer.add_callback(clock)
    trainer.train()
    return clock.seconds(), lengths


def operations_a_token(config: BertConfig, row_length: float) -> float:
    """Floating-point operations of a training step, a token (see the top of this file)."""
    model = BertForMaskedLM(config)
    trunk = sum(each.numel() for each in model.bert.encoder.parameters())
    head = sum(each.numel() for each in model.cls.parameters())
    attention = 12 * config.num_hidden_layers * config.hidden_size * row_length
    return 6 * (trunk + MASKED * head) + attention


def measured_peak() -> float | None:
    """Operations a second of a large bf16 product, or None without a GPU."""
    if not torch.cuda.is_available():
        return None
    size = 8192
    first, second = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in "ab")
    for _ in range(3):
        first @ second
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(10):
        first @ second
    torch.cuda.synchronize()
    return 10 * 2 * size**3 / (time.perf_counter() - started)


def row_of(
    seconds: list[float],
    lengths: list[int],
    config: BertConfig,
    batch_size: int,
    steps: int,
    peak: float | None,
) -> dict:
    """What was measured of one way."""
    mean = sum(lengths) / len(lengths)
    row_length = sum(each * each for each in lengths) / sum(lengths)
    operations = operations_a_token(config, row_length)
    rates = [mean * batch_size * steps / each for each in seconds]
    middle = statistics.median(rates)
    return {
        "tokens_per_second": [round(rate) for rate in rates],
        "median_tokens_per_second": round(middle),
        "steps_per_second": [round(steps / each, 2) for each in seconds],
        "tokens_a_row": round(mean, 1),
        "operations_a_token": round(operations),
        "share_of_data_sheet_peak": round(middle * operations / PEAK, 4),
        "share_of_measured_peak": round(middle * operations / peak, 4) if peak else None,
    }


def ratios_of(table: dict) -> dict[str, float]:
    """Tokens a second of each of the course's ways over each of the library's."""
    rate = {way: row["median_tokens_per_second"] for way, row in table.items()}
    return {
        f"{fast} / {slow}": round(rate[fast] / rate[slow], 2)
        for fast in rate
        for slow in rate
        if fast.startswith("course") and slow.startswith("library")
    }


def parse_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", nargs="+", type=Path, required=True, help="corpus files")
    parser.add_argument("--tokenizer", type=Path, default=resolve("mini-bert-zh"))
    parser.add_argument(
        "--shape", choices=SHAPES, default="mini", help="mini-bert-zh's, BERT-base's"
    )
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--warm", type=int, default=150, help="steps before the clock starts")
    parser.add_argument("--steps", type=int, default=150, help="steps that are timed, a turn")
    parser.add_argument("--batch-size", type=int, default=256, help="rows a step")
    parser.add_argument("--results", type=Path, default=course_root() / "results")
    return parser.parse_args()


def measured(arguments: argparse.Namespace, peak: float | None) -> Iterator[dict[str, dict]]:
    """The rows of all ways by their names, after each turn of each of them."""
    tokenizer = AutoTokenizer.from_pretrained(arguments.tokenizer)
    layers, hidden, heads = SHAPES[arguments.shape]
    steps, size = (arguments.warm, arguments.steps), arguments.batch_size
    with tempfile.TemporaryDirectory() as folder:
        corpus = prepare_corpus(arguments.text, tokenizer, Path(folder))
        run = Run(
            text=arguments.text,
            output=Path(folder) / "model",
            work=Path(folder) / "work",
            prepared=Path(folder),
            layers=layers,
            hidden=hidden,
            heads=heads,
            steps=sum(steps),
            batch_size=size,
        )
        config = OBJECTIVES["mlm"](run, tokenizer, corpus, {}).model.config
        seconds: dict[str, list[float]] = {way: [] for way in arguments.ways}
        table: dict[str, dict] = {}
        for turn in range(arguments.turns):
            for way in arguments.ways:
                took, lengths = timed(way, replace(run, seed=turn), corpus, tokenizer, steps)
                seconds[way].append(took)
                table[way] = row_of(seconds[way], lengths, config, size, arguments.steps, peak)
                print(turn, way, table[way]["tokens_per_second"][-1], "tokens/s", flush=True)
                yield table


def main() -> None:
    arguments = parse_arguments()
    path, peak = arguments.results / "gpu_throughput.json", measured_peak()
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}
    about = circumstances() | {
        "rows_a_step": arguments.batch_size,
        "steps_timed_a_turn": arguments.steps,
        "data_sheet_peak": PEAK,
        "measured_peak": round(peak) if peak else None,
        "how": " ".join(__doc__.split("\n\n")[-1].split()),
    }
    for table in measured(arguments, peak):
        shape = {"about": about, "rows": table, "ratios": ratios_of(table)}
        text = json.dumps(known | {arguments.shape: shape}, indent=1) + "\n"
        path.write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
