"""Pretrain a small BERT, GPT or T5 on your own text and save it in Hugging Face format.

    python scripts/pretrain.py --text news.txt.gz wiki.txt.gz --output models/my-bert --steps 15000
    python scripts/pretrain.py --objective causal --text … --output models/my-gpt    # the next token
    python scripts/pretrain.py --objective spans --text … --output models/my-t5      # hidden spans
    python scripts/pretrain.py --text … --start models/my-bert --output models/my-bert-2 # go on
    python scripts/pretrain.py --objective spans --text … --start models/my-t5 \\
        --tasks thucnews=data/mini_thucnews imdb=data/mini_imdb --output models/my-tasks-t5

Text: one sentence a line, a blank line between documents (without blank lines each line is a
document); list a file twice to weigh it double. Of any size: it is encoded once, onto the disk, and
rows are cut from there when they are asked for. Addresses that fsspec knows (s3://…, https://…) are
read as files are. Started again after an interruption, at whatever point, the same command carries
on. Several GPUs or machines: `torchrun --nproc_per_node 2 scripts/pretrain.py …` or `accelerate
launch`; CONTRIBUTING.md has the commands.
"""

import argparse
import hashlib
import json
import platform
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch
import transformers
from accelerate.utils import gather_object
from torch.utils.data import Dataset
from transformers import (
    AutoConfig,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    set_seed,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from objectives import (
    OBJECTIVES,
    PUBLISHED,
    TASKS,
    TOKENIZERS,
    PretrainingTrainer,
    Run,
    Setup,
    launch,
    load_task,
    set_dropout,
    training_arguments,
)

from utils.models import (
    ModelError,
    file_sha256,
    read_vocabulary,
    resolve,
    save_tokenizer,
    vocabulary_sha256,
)
from utils.pretraining import (
    Corpus,
    MappedRows,
    is_address,
    prepare_corpus,
    stream_split,
    text_sha256,
)
from utils.profile import bf16_available
from utils.resuming import BestCheckpointHere, check_same_run, last_complete_checkpoint
from utils.training_log import JsonLog

TRAINED_ON = "trained_on.json"  # beside a tokenizer: what it was trained on
LEARNING_RATES = {"mlm": 1e-3, "causal": 1e-3, "spans": 1e-2}
# Fresh masks and spans make every pass new, regularisation enough for so small a model. The next
# token is the same at every pass: without dropout GPT learns the text by heart.
DROPOUT = {"mlm": 0.0, "causal": 0.1, "spans": 0.0}


def parse_arguments() -> Run:
    """The run that the command line asks for; ends with one line where it cannot be."""
    parser = command_line()
    arguments = parser.parse_args()
    for path in arguments.text:
        if isinstance(path, Path) and not path.is_file():
            parser.error(f"--text {path}: no such file; see data/README.md for the corpus format")
    if arguments.tasks and arguments.objective != "spans":
        parser.error("--tasks: for --objective spans alone; add it or leave them out")
    if arguments.compiled and arguments.objective != "mlm":
        parser.error(
            "--compiled: for --objective mlm alone, whose batches have few shapes; leave it out"
        )
    put_back(arguments.output)  # which may be --start, too
    if arguments.start:
        arguments.start = arguments.tokenizer = Path(check_start(parser, arguments))
    if arguments.tokenizer and not read_vocabulary(arguments.tokenizer):
        parser.error(f"--tokenizer {arguments.tokenizer}: no vocabulary there; name its folder")
    output = arguments.output
    if output.is_dir() and any(output.iterdir()) and not (output / "config.json").is_file():
        parser.error(f"--output {output}: holds something else than a model; name a new folder")
    arguments.work = arguments.work or Path("runs") / arguments.output.name
    arguments.prepared = arguments.prepared or arguments.work.parent / "prepared"
    arguments.learning_rate = arguments.learning_rate or LEARNING_RATES[arguments.objective]
    if arguments.dropout is None:
        arguments.dropout = DROPOUT[arguments.objective]
    return Run(**vars(arguments))


def command_line() -> argparse.ArgumentParser:
    """What may be asked for, before one answer is checked against another."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--text", nargs="+", required=True, type=text, help="corpus files, plain or .gz"
    )
    parser.add_argument("--output", required=True, type=Path, help="folder for the finished model")
    parser.add_argument(
        "--objective",
        choices=OBJECTIVES,
        default=Run.objective,
        help="mlm: BERT, causal: GPT, spans: T5",
    )
    parser.add_argument("--work", type=Path, help="checkpoints and log [runs/<name of output>]")
    parser.add_argument(
        "--prepared", type=Path, help="encoded texts, shared by runs [prepared beside --work]"
    )
    parser.add_argument("--start", type=Path, help="go on from this model, with its tokenizer")
    parser.add_argument(
        "--tasks",
        nargs="+",
        type=task,
        default=[],
        metavar="NAME=DATA",
        help=f"T5: also learn to write the classes of {', '.join(TASKS)}",
    )
    parser.add_argument("--tokenizer", type=Path, help="use this tokenizer instead of training one")
    parser.add_argument("--vocab-size", type=int, default=Run.vocab_size)
    parser.add_argument(
        "--layers", type=int, default=Run.layers, help="of T5: as many in each half"
    )
    parser.add_argument("--hidden", type=int, default=Run.hidden)
    parser.add_argument("--heads", type=int, default=Run.heads)
    parser.add_argument(
        "--max-length",
        type=int,
        default=Run.max_length,
        help="positions; one pass in ten, the last, uses all",
    )
    parser.add_argument(
        "--short-length", type=int, default=Run.short_length, help="row length of the other passes"
    )
    parser.add_argument(
        "--whole-word", action="store_true", help="mask whole Chinese words instead of tokens"
    )
    parser.add_argument("--steps", type=int, default=Run.steps)
    parser.add_argument(
        "--batch-size", type=int, default=Run.batch_size, help="rows a device and batch"
    )
    parser.add_argument(
        "--accumulate",
        type=int,
        default=Run.accumulate,
        help="batches of a device a step: 8 on one GPU are a step of 8 GPUs",
    )
    parser.add_argument(
        "--learning-rate", type=float, help="highest; 1e-3, T5 (Adafactor, relative): 1e-2"
    )
    parser.add_argument("--dropout", type=float, help="while training; 0, GPT: 0.1")
    parser.add_argument(
        "--nsp-weight", type=float, default=Run.nsp_weight, help="of NSP's loss beside MLM's"
    )
    parser.add_argument("--seed", type=int, default=Run.seed)
    parser.add_argument(
        "--compiled",
        action="store_true",
        help="BERT: record each shape of batch as one CUDA graph; takes a minute first",
    )
    parser.add_argument(
        "--save-every", type=int, default=Run.save_every, help="steps between checkpoints"
    )
    return parser


def text(argument: str) -> Path | str:
    """A file; an address stays as it is."""
    return argument if is_address(argument) else Path(argument)


def task(argument: str) -> tuple[str, str]:
    """Name and source of `NAME=SOURCE`."""
    name, _, source = argument.partition("=")
    if name not in TASKS or not source:
        known = ", ".join(f"{each}=FOLDER" for each in TASKS)
        raise argparse.ArgumentTypeError(f"{argument}: give one of {known}")
    return name, source


def check_start(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> str:
    """The folder of the model to go on from, if this objective can."""
    wanted = PUBLISHED[arguments.objective]
    try:
        folder = resolve(arguments.start)
    except ModelError as error:
        parser.error(f"--start {error}")
    config = AutoConfig.from_pretrained(folder)
    if wanted.__name__ not in (config.architectures or []):
        parser.error(
            f"--start {arguments.start}: holds {config.architectures}, but --objective "
            f"{arguments.objective} goes on from a {wanted.__name__}"
        )
    positions = getattr(config, "max_position_embeddings", arguments.max_length)
    if positions < arguments.max_length:
        parser.error(f"--max-length {arguments.max_length}: --start has {positions} positions")
    return folder


def load_or_train_tokenizer(run: Run) -> PreTrainedTokenizerBase:
    """The tokenizer is trained once and kept with the checkpoints: ids must survive a resume."""
    tokenizer_class, train = TOKENIZERS[run.objective]
    folder = run.tokenizer or run.work / "tokenizer"
    # Under torchrun the others wait for the first process, which trains it for all.
    with launch().main_process_first():
        if not run.tokenizer and not was_made_from(folder, trained_on := vocabulary_settings(run)):
            # Trained again, even on the same text, it would number its tokens in another order.
            if last_complete_checkpoint(run.work):
                raise ValueError(
                    f"{folder}: not the vocabulary of the checkpoints beside it, or gone; delete "
                    f"{run.work}, or give another folder"
                )
            print("training the vocabulary …", flush=True)
            sentences = training_sentences(run.text)
            tokenizer = train(sentences, run.vocab_size, run.max_length)
            replacing = folder.with_suffix(".partial")
            shutil.rmtree(replacing, ignore_errors=True)
            save_tokenizer(tokenizer, replacing)
            (replacing / TRAINED_ON).write_text(trained_on, encoding="utf8")
            shutil.rmtree(folder, ignore_errors=True)  # of another text, before any checkpoint
            replacing.rename(folder)
    return tokenizer_class.from_pretrained(folder)


def training_sentences(texts: list[Path | str]) -> Iterator[str]:
    """All sentences that are not held out, those of a text that counts twice twice."""
    weights = Counter(texts)
    for path, document, held_out in stream_split(list(weights)):
        for sentence in () if held_out else document:
            yield from [sentence] * weights[path]


def vocabulary_settings(run: Run) -> str:
    """What a vocabulary that is trained depends on, as the note in its folder says it."""
    kind = TOKENIZERS[run.objective][0].__name__
    settings = {"kind": kind, "size": run.vocab_size, "max_length": run.max_length}
    return json.dumps(settings | {"text": text_fingerprints(run.text)}, indent=1) + "\n"


def was_made_from(folder: Path, settings: str) -> bool:
    """Was the tokenizer in this folder trained with these settings?"""
    note = folder / TRAINED_ON
    return note.is_file() and note.read_text(encoding="utf8") == settings


def settings_of(run: Run, tasks: dict[str, tuple[list, list]]) -> dict:
    """What must not change when a run is resumed; steps may, to fit a schedule to the time.

    Files count by their content, not by their name: a run with other text or another start would
    otherwise be handed the weights of this one.

    Args:
        tasks: name -> (training, validation) rows, as they will be learned.
    """
    settings = asdict(run)
    free = (
        "steps",
        "save_every",
        "output",
        "work",
        "prepared",
        "batch_size",
        "accumulate",
        "compiled",
    )
    for name in free:
        del settings[name]
    start, tokenizer = (model_files(folder) for folder in (run.start, run.tokenizer))
    return settings | {
        # However many processes share them: a run may go on with fewer, that accumulate more.
        "rows_a_step": run.rows_a_step,
        "text": text_fingerprints(run.text),
        "start": fingerprints(start),
        "tokenizer": fingerprints(tokenizer),
        "tasks": [
            f"{name} {hashlib.sha256(json.dumps(rows).encode()).hexdigest()}"
            for name, rows in tasks.items()
        ],
    }


def model_files(folder: Path | None) -> list[Path]:
    """Files of a model or tokenizer that say what it computes."""
    if folder is None:
        return []
    named = [folder / name for name in ("config.json", "tokenizer.json", "vocab.txt")]
    return [path for path in named if path.is_file()] + sorted(folder.glob("*.safetensors"))


def fingerprints(files: Iterable[Path]) -> list[str]:
    """Name and sha256 of each file."""
    return [f"{path.name} {file_sha256(path)}" for path in files]


def text_fingerprints(texts: Iterable[Path | str]) -> list[str]:
    """Name and sha256 of each text, on disk or at an address."""
    return [f"{Path(each).name} {text_sha256(each)}" for each in texts]


def prepare(run: Run) -> tuple[Setup, PreTrainedTokenizerBase, Corpus]:
    """What the objective trains and is measured with, the tokenizer, and the encoded text.

    Raises:
        ValueError: a text or a task's data cannot be used, the vocabulary is too small, the work
            folder holds checkpoints of another run, or one process has several GPUs.
    """
    gpus = torch.cuda.device_count()
    if gpus > 1 and launch().num_processes == 1:  # Trainer would split batches among them
        raise ValueError(
            f"{gpus} GPUs for one process; start it with `torchrun --nproc_per_node {gpus} "
            "scripts/pretrain.py …`, or choose one with CUDA_VISIBLE_DEVICES=0"
        )
    tasks = {name: load_task(name, source) for name, source in run.tasks}
    settings = settings_of(run, tasks)
    with launch().main_process_first():
        check_same_run(run.work, settings)
    set_seed(run.seed)
    tokenizer = load_or_train_tokenizer(run)
    vocabulary = vocabulary_sha256(tokenizer.get_vocab())
    check_same_everywhere(settings | {"vocabulary": vocabulary})
    corpus = prepare_corpus(run.text, tokenizer, run.prepared)
    setup = OBJECTIVES[run.objective](run, tokenizer, corpus, tasks)
    print(
        f"{len(corpus):,} documents, {corpus.token_counts.sum():,} tokens a pass; "
        f"{len(setup.train_rows):,} rows to read",
        flush=True,
    )
    return setup, tokenizer, corpus


def check_same_everywhere(settings: dict) -> None:
    """Raises ValueError where the processes, maybe of several machines, would learn other things.

    Two machines with disks of their own may have other texts, and train vocabularies that number
    their tokens otherwise: their gradients would be averaged all the same.
    """
    first, *others = gather_object([json.loads(json.dumps(settings, default=str))])
    different = {name for each in others for name in first if each[name] != first[name]}
    if different:
        raise ValueError(
            f"not the same in all processes: {', '.join(sorted(different))}; give every machine the "
            "same files, the vocabulary too (--tokenizer)"
        )


def main() -> None:
    run = parse_arguments()
    try:
        setup, tokenizer, corpus = prepare(run)
    except ValueError as error:  # of the texts, or of the work folder: one line is enough
        sys.exit(f"pretrain.py: {error}")
    log = JsonLog(run.work / "log.jsonl")
    trainer = PretrainingTrainer(
        setup=setup,
        args=training_arguments(run, setup),
        callbacks=[log, BestCheckpointHere()],
    )
    report = {
        "unigram": setup.unigram,
        "untrained": trainer.measure(setup.held_out_batches),
    }
    trainer.train(resume_from_checkpoint=last_complete_checkpoint(run.work))
    report["trained"] = trainer.measure(setup.held_out_batches)
    report["trained_full_length"] = trainer.measure(setup.long_batches)
    weights = trainer.accelerator.get_state_dict(trainer.model)  # a work of all processes
    if trainer.is_world_process_zero():
        report |= describe_run(run, trainer, corpus, log)
        report |= what_was_read(setup.train_rows, trainer.state.global_step)
        published = PUBLISHED[run.objective]
        save_finished(trainer.model.config, weights, published, tokenizer, report, run)
        print(json.dumps(report, indent=1), flush=True)


def what_was_read(rows: Dataset, steps: int) -> dict:
    """How many rows, passes and tokens (no special ones) were read, of plain text alone."""
    if not isinstance(rows, MappedRows):  # a mixture with tasks
        return {"tokens_seen": None}
    read = steps * rows.batch_size
    return {
        "rows_read": read,
        "passes_read": round(rows.passes_of(read), 4),
        "tokens_seen": rows.tokens_of(read),
    }


def describe_run(run: Run, trainer: Trainer, corpus: Corpus, log: JsonLog) -> dict:
    """What training.json says of a run: command, text, steps, minutes, machine, versions."""
    report = {
        # File names without folders: what matters to others is which text, not where it lay.
        "command": " ".join(["python scripts/pretrain.py", *map(without_folder, sys.argv[1:])]),
        "text": {Path(path).name: run.text.count(path) for path in run.text},
        "tasks": [without_folder(f"{name}={source}") for name, source in run.tasks],
        "steps": trainer.state.global_step,
        "best_step": trainer.state.best_global_step,
        "tokens_a_pass": int(corpus.token_counts.sum()),
        "minutes": round(log.minutes(), 1),
        "device": torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f"{platform.machine()} CPU, {torch.get_num_threads()} threads",
        "processes": trainer.args.world_size,
        "bf16": bf16_available(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "seed": run.seed,
    }
    if run.start and (notes := run.start / "training.json").is_file():
        report["started_from"] = json.loads(notes.read_text(encoding="utf8"))
    return report


def without_folder(argument: str) -> str:
    """`data/news.txt` as `news.txt`, `imdb=data/imdb` as `imdb=imdb`."""
    name, equals, path = argument.rpartition("=")
    return name + equals + Path(path).name


def put_back(output: Path) -> None:
    """Where a kill came between the two renames of `save_finished`: the old model to its place."""
    replaced = output.with_name(output.name + ".old")
    if replaced.is_dir() and not output.is_dir():
        with suppress(FileNotFoundError):  # another process did it
            replaced.rename(output)


def save_finished(
    config: PretrainedConfig,
    weights: dict[str, torch.Tensor],
    published: type[PreTrainedModel],
    tokenizer: PreTrainedTokenizerBase,
    report: dict,
    run: Run,
) -> None:
    """Write the model in fp16 beside its place, then move it there: never a half-written model."""
    partial = run.output.with_name(run.output.name + ".partial")
    replaced = run.output.with_name(run.output.name + ".old")
    shutil.rmtree(partial, ignore_errors=True)
    put_back(run.output)
    # The usual dropout goes into the saved configuration: fine-tuning on few labels wants it.
    set_dropout(config, 0.1)
    config.use_cache = True  # Trainer turns it off; whoever generates wants it
    save_tokenizer(tokenizer, partial)
    # So that a folder in which somebody swapped the vocabulary is found out at loading.
    config.vocab_sha256 = vocabulary_sha256(tokenizer.get_vocab())
    finished = published(config)  # the same weights under the name others know
    finished.load_state_dict(weights)
    finished.half().save_pretrained(partial)
    (partial / "training.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf8")
    if (run.output / "README.md").is_file():  # a model card that is there already
        shutil.copy(run.output / "README.md", partial / "README.md")
    shutil.copy(run.work / "log.jsonl", partial / "training.jsonl")
    if run.start:  # the logs of all rounds before this one, the first round first
        names = ("training_before.jsonl", "training.jsonl")
        logs = [run.start / name for name in names if (run.start / name).is_file()]
        before = "".join(log.read_text(encoding="utf8") for log in logs)
        (partial / "training_before.jsonl").write_text(before, encoding="utf8")
    # The old model goes only when the new one stands in its place.
    shutil.rmtree(replaced, ignore_errors=True)
    if run.output.is_dir():
        run.output.rename(replaced)
    partial.rename(run.output)
    shutil.rmtree(replaced, ignore_errors=True)


if __name__ == "__main__":
    main()
