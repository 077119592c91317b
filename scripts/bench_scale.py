"""How memory and time grow with the text: preparing, loading, pretraining, side by side with before.

    python scripts/bench_scale.py                          # all rows, results/scale.json
    python scripts/bench_scale.py --rows preparing --sizes 27 110
    make bench-scale

Text is generated, the same on every machine. Each job runs in a process of its own that is watched
from outside: its peak is the most that it and its children held at once (RSS, summed up), less what
a process holds that only imports the same libraries. "before" is the code of commit 14a287f, taken
from the history of this repository and run beside today's.
"""

import argparse
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Of a job: the code that it measures, this tree's or an older one.
sys.path.insert(0, sys.argv[2] if sys.argv[1:2] == ["--job"] else str(ROOT))

import numpy as np  # noqa: E402 (what a job imports, it imports from its own code)

BEFORE = "14a287f"
SIZES = (27, 110, 440)  # MB of Chinese text
MB = 1_000_000
MODEL = ROOT / "models/mini-bert-zh"  # whose vocabulary and shape are used
OWN_TEXT = ROOT / "data/mini_corpus"
RESULTS = ROOT / "results/scale.json"


# ---------------------------------------------------------------- generated text


def chinese_text(path: Path, megabytes: int) -> Path:
    """Write a corpus file: sentences of 8 to 60 characters, a blank line between documents.

    Characters as frequent as Zipf's law says, some numbers and Latin words among them. The same
    bytes at every call.
    """
    if path.is_file() and path.stat().st_size >= megabytes * MB:
        return path
    vocabulary = json.loads((MODEL / "tokenizer.json").read_text(encoding="utf8"))["model"]["vocab"]
    characters = [each for each in vocabulary if len(each) == 1 and "\u4e00" <= each <= "\u9fff"]
    extras = ["2026", "15", "北京", "BERT", "，", "，", "，", "、"]
    kinds = np.array(characters + extras)
    weights = 1 / (np.arange(len(characters)) + 10)
    weights = np.concatenate([weights, np.full(len(extras), weights.sum() / 100)])
    # Drawing by a table of 65,536 entries is much faster than by the weights.
    table = kinds[
        np.searchsorted(np.cumsum(weights / weights.sum()), np.linspace(0, 1, 2**16, False))
    ]
    rng, partial, written = np.random.default_rng(megabytes), path.with_suffix(".partial"), 0
    with open(partial, "wb") as file:
        while written < megabytes * MB:
            drawn = table[rng.integers(2**16, size=200_000)]
            lengths = rng.integers(8, 60, size=8_000).cumsum()
            sentences = ["".join(part) for part in np.split(drawn, lengths[lengths < len(drawn)])]
            ends = rng.random(len(sentences)) < 1 / 20  # a document has 20 sentences on average
            text = "".join(
                f"{sentence}。\n\n" if last else f"{sentence}。\n"
                for sentence, last in zip(sentences, ends, strict=True)
            )
            written += file.write(text.encode())
    partial.replace(path)
    return path


# ---------------------------------------------------------------- jobs, each in its own process


def nothing() -> None:
    """Only what is imported: the libraries' own memory."""
    import utils.data
    import utils.pretraining  # noqa: F401


def prepare_before(text: str, passes: int) -> dict:
    """As `scripts/pretrain.py` did it: documents, token ids, rows of all passes in memory."""
    from transformers import AutoTokenizer

    from utils.pretraining import SegmentPairs, encode_documents, split_documents

    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    train, _ = split_documents([Path(text)])
    ids = encode_documents(train, tokenizer)
    rows = SegmentPairs(ids, tokenizer, 256, short_length=128, passes=passes, batch_size=64)
    return {"rows": len(rows), "last_row": len(rows[len(rows) - 1]["input_ids"])}


def prepare_now(text: str, folder: str, rows: int) -> dict:
    """The same today: encoded onto the disk, rows cut from there when asked for."""
    from transformers import AutoTokenizer

    from utils.pretraining import MappedRows, prepare_corpus

    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    corpus = prepare_corpus([Path(text)], tokenizer, folder)
    rows = MappedRows(corpus, tokenizer, "pairs", rows, 256, short_length=128, batch_size=64)
    tenth = rows.ends[-2]  # the first row of the tenth pass
    return {"rows": rows.ends[-1], "first_row_of_pass_10": len(rows[tenth]["input_ids"])}


def libraries_of_loading() -> None:
    """What a loader imports when it is called."""
    import datasets  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import tqdm.auto  # noqa: F401


def load(source: str, cache: str) -> dict:
    """`load_thucnews` of a source, with a cache of its own; and a first look at its texts."""
    os.environ["COURSE_CACHE"] = cache
    libraries_of_loading()
    from utils.data import balanced_sample, load_thucnews

    started = time.perf_counter()
    splits = load_thucnews(source)
    seconds = round(time.perf_counter() - started, 2)
    drawn = balanced_sample(splits["train"], 1000)
    look = hashlib.sha256("".join(drawn["text"][:]).encode()).hexdigest()[:16]
    return {"rows": splits.num_rows, "loaded_in": seconds, "sample": look}


def load_task(loader: str, source: str, cache: str) -> dict:
    """A loader of entities, questions or pairs, with a cache of its own; and a look at its rows."""
    os.environ["COURSE_CACHE"] = cache
    libraries_of_loading()
    from utils import data

    started = time.perf_counter()
    splits = getattr(data, loader)(source)
    seconds = round(time.perf_counter() - started, 2)
    drawn = splits["train"].select(range(0, len(splits["train"]), len(splits["train"]) // 100))
    look = hashlib.sha256(json.dumps(drawn[:], ensure_ascii=False).encode()).hexdigest()[:16]
    return {"rows": splits.num_rows, "loaded_in": seconds, "sample": look}


JOBS = {
    job.__name__: job
    for job in (nothing, prepare_before, prepare_now, libraries_of_loading, load, load_task)
}


def run_job(name: str, code: Path = ROOT, **arguments) -> dict:
    """Run a job of `JOBS` in a new process: its own answers, `seconds` and `peak_mb`.

    `seconds` is the job's own time, without the imports; `peak_mb` the whole process's with its
    children, imports included.
    """
    command = [sys.executable, __file__, "--job", str(code), name, json.dumps(arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        answer: list[str] = []
        reader = threading.Thread(target=lambda: answer.append(process.stdout.read()))
        reader.start()
        # For a moment a process that is begun shares the memory of the one that begins it, and
        # would count twice: what counts was there at two looks in a row.
        peak = before = 0
        while process.poll() is None:
            now = memory_of(process.pid)
            peak, before = max(peak, min(before, now)), now
            time.sleep(0.02)
        reader.join()
    if process.returncode:
        sys.exit(f"bench_scale.py: job {name} ended with {process.returncode}")
    return json.loads(answer[0].splitlines()[-1]) | {"peak_mb": round(peak / MB)}


def memory_of(process: int) -> int:
    """Bytes that a process and its children hold: RSS, summed up."""
    import psutil

    total = 0
    try:
        parent = psutil.Process(process)
        for each in (parent, *parent.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.NoSuchProcess:  # ended while we asked
        pass
    return total


def job(name: str, arguments: dict) -> None:
    """The other side of `run_job`: do it, and print what it gave and how long it took."""
    nothing()
    started = time.perf_counter()
    answer = JOBS[name](**arguments) or {}
    print(json.dumps(answer | {"seconds": round(time.perf_counter() - started, 2)}))


def code_before(folder: Path) -> Path:
    """The repository as it was, unpacked into `folder`."""
    if not (folder / "utils").is_dir():
        archive = ["git", "archive", BEFORE, "utils", "pyproject.toml"]
        done = subprocess.run(archive, cwd=ROOT, capture_output=True)
        if done.returncode:
            sys.exit(f"bench_scale.py: no commit {BEFORE} in this history; clone it whole")
        with tarfile.open(fileobj=BytesIO(done.stdout)) as tar:
            tar.extractall(folder, filter="data")
    return folder


# ---------------------------------------------------------------- rows


def preparing(work: Path, sizes: list[int]) -> dict:
    """Text to rows: time and memory at each size; at the smallest also as it was before."""
    row: dict = {}
    libraries = run_job("nothing")["peak_mb"]
    text = chinese_text(work / f"{sizes[0]}.txt", sizes[0])
    before = run_job("prepare_before", code_before(work / "before"), text=str(text), passes=10)
    row["before"] = {f"{sizes[0]} MB": above(before, libraries)}
    row["now"], row["second_start"] = {}, {}
    with tempfile.TemporaryDirectory(dir=work) as folder:
        for size in sizes:
            text = chinese_text(work / f"{size}.txt", size)
            for start in ("now", "second_start"):
                measured = run_job("prepare_now", text=str(text), folder=folder, rows=10**9)
                row[start][f"{size} MB"] = above(measured, libraries)
    faster = before["seconds"] / row["now"][f"{sizes[0]} MB"]["seconds"]
    return row | {"times_as_fast": round(faster, 1)}


def pretraining(work: Path, sizes: list[int]) -> dict:
    """Tokens a second on this processor: the usual loop and the course's recipe, taking turns.

    On the course's own short texts, read again and again; both get their batches ready made.
    """
    from measurements.throughput import pretraining_speed
    from transformers import AutoTokenizer

    texts = [path.read_text(encoding="utf8") for path in sorted(OWN_TEXT.glob("*.txt"))]
    text = work / "own.txt"
    text.write_text("\n\n".join(texts * 12), encoding="utf8")
    return pretraining_speed(text, AutoTokenizer.from_pretrained(MODEL))


def loading_csv(work: Path, sizes: list[int]) -> dict:
    """205 MB of news in one CSV file."""
    source = work / "news.csv"
    if not source.is_file():
        with open(source, "w", encoding="utf8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            for number, text in enumerate(documents(work)):
                writer.writerow([text, f"类{number % 10}"])
                if file.tell() > 205 * MB:
                    break
    return loading(work, source)


def loading_tree(work: Path, sizes: list[int]) -> dict:
    """100,000 files in class folders."""
    return loading(work, tree(work))


def loading_zip(work: Path, sizes: list[int]) -> dict:
    """A zip archive of 100,000 files in class folders."""
    source = work / "tree.zip"
    if not source.is_file():
        tree(work)
        shutil.make_archive(str(source.with_suffix("")), "zip", work, "tree")
    return loading(work, source)


def tree(work: Path, count: int = 100_000) -> Path:
    """Class folders with `count` texts, written once."""
    folder = work / "tree"
    if not folder.is_dir():
        partial = work / "tree.partial"
        for name in range(10):
            (partial / f"类{name}").mkdir(parents=True, exist_ok=True)
        for number, text in zip(range(count), documents(work), strict=False):
            (partial / f"类{number % 10}" / f"{number}.txt").write_text(text, encoding="utf8")
        partial.replace(folder)
    return folder


def documents(work: Path) -> Iterator[str]:
    """The documents of a generated corpus, a sentence a line."""
    lines: list[str] = []
    with open(chinese_text(work / "240.txt", 240), encoding="utf8") as file:
        for line in file:
            if line.strip():
                lines.append(line)
            elif lines:
                yield "".join(lines)
                lines = []


def loading(work: Path, source: Path) -> dict:
    """A source loaded as before, now, and now once more; all three give the same texts."""
    libraries = run_job("libraries_of_loading")["peak_mb"]
    row = {}
    for name, code in (("before", code_before(work / "before")), ("now", ROOT), ("again", ROOT)):
        cache = work / f"cache of {source.name} {'before' if name == 'before' else 'now'}"
        measured = run_job("load", code, source=str(source), cache=str(cache))
        row[name] = above(measured, libraries)
    different = {each["sample"] for each in row.values()}
    if len(different) > 1:
        sys.exit(f"bench_scale.py: {source.name}: other texts than before")
    return row


def loading_tasks(work: Path, sizes: list[int]) -> dict:
    """Entities, questions and pairs in the forms they are published in, each by its loader.

    "before" at the smallest size only: it takes up to sixty times the file.
    """
    libraries = run_job("libraries_of_loading")["peak_mb"]
    row = {}
    for name, (loader, write) in TASK_FILES.items():
        row[name] = {"before": {}, "now": {}, "again": {}}
        for size in TASK_SIZES:
            source, looks = task_file(work / f"{size} {name}", size, write), set()
            ways = [("now", ROOT), ("again", ROOT)]
            if size == TASK_SIZES[0]:
                ways.insert(0, ("before", code_before(work / "before")))
            for way, code in ways:
                cache = work / "cache of tasks"
                arguments = {"loader": loader, "source": str(source), "cache": str(cache)}
                measured = run_job("load_task", code, **arguments)
                row[name][way][f"{size} MB"] = above(measured, libraries)
                looks.add(measured["sample"])
            shutil.rmtree(cache, ignore_errors=True)  # small files are read without it
            source.unlink()
            if len(looks) > 1:
                sys.exit(f"bench_scale.py: {name}: other rows than before")
    return row


TASK_SIZES = (20, 200)  # MB of a file


def task_file(path: Path, megabytes: int, write: Callable) -> Path:
    """A generated file of this size; `write` gives its pieces, one for each document."""
    with open(path, "w", encoding="utf8") as file:
        pieces = write(documents(path.parent))
        for piece in pieces:
            file.write(piece)
            if file.tell() > megabytes * MB:
                break
        if path.suffix == ".json":
            file.write("]}" if path.name.endswith("squad.json") else "]")
    return path


def as_conll(texts: Iterable[str]) -> Iterator[str]:
    """A character and its label a line; every other sentence begins with a name."""
    for number, text in enumerate(texts):
        for sentence in text.split():
            labels = ["B-PER", "I-PER"] if number % 2 else ["B-LOC", "I-LOC", "I-LOC"]
            labels += ["O"] * len(sentence)
            yield "".join(
                f"{char} {label}\n" for char, label in zip(sentence, labels, strict=False)
            )
            yield "\n"


def as_cluener(texts: Iterable[str]) -> Iterator[str]:
    """An object a line, a document each, with two names in it."""
    for text in texts:
        text = text[:2000]
        label = {"name": {text[:2]: [[0, 1]]}, "city": {text[5:8]: [[5, 7]]}}
        yield json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n"


def passages(texts: Iterable[str]) -> Iterator[str]:
    """Those that are long enough to be asked about, on one line each."""
    return (text.replace("\n", "") for text in texts if len(text) > 100)


def as_squad(texts: Iterable[str]) -> Iterator[str]:
    """One object on one line, a document an article with five questions."""
    yield '{"version": "v2.0", "data": ['
    for number, text in enumerate(passages(texts)):
        qas = [
            {
                "id": f"{number}-{place}",
                "question": text[place : place + 12],
                "answers": [{"text": text[place : place + 6], "answer_start": place}],
            }
            for place in range(0, 50, 10)
        ]
        article = {"title": "", "paragraphs": [{"context": text, "qas": qas}]}
        yield ", " * bool(number) + json.dumps(article, ensure_ascii=False)


def as_cmrc(texts: Iterable[str]) -> Iterator[str]:
    """A list over many lines, as CMRC 2018 is published."""
    for number, text in enumerate(passages(texts)):
        qas = [
            {
                "query_id": f"{number}-{place}",
                "query_text": text[place : place + 12],
                "answers": [text[place : place + 30]],
            }
            for place in range(0, 50, 10)
        ]
        passage = {"context_id": f"{number}", "context_text": text, "qas": qas}
        yield ",\n" if number else "["
        yield json.dumps(passage, ensure_ascii=False, indent=1)


def pairs_of(texts: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """A sentence with the three behind it: entailed, neutral, contradicted."""
    names = ("entailment", "neutral", "contradiction")
    for text in texts:
        sentences = text.split()
        for place in range(0, len(sentences) - 3, 4):
            for other, name in zip(sentences[place + 1 :], names, strict=False):
                yield sentences[place], other, name


def as_pair_table(texts: Iterable[str]) -> Iterator[str]:
    """CSV with the names of the columns."""
    yield "sentence1,sentence2,label\n"
    for pair in pairs_of(texts):
        yield ",".join(f'"{field}"' for field in pair) + "\n"


def as_pair_lines(texts: Iterable[str]) -> Iterator[str]:
    """Tabs between them, no names of columns."""
    for pair in pairs_of(texts):
        yield "\t".join(pair) + "\n"


def as_pair_objects(texts: Iterable[str]) -> Iterator[str]:
    """An object a line, as CLUE publishes them."""
    for one, two, label in pairs_of(texts):
        row = {"sentence1": one, "sentence2": two, "label": label}
        yield json.dumps(row, ensure_ascii=False) + "\n"


# A name of a file -> its loader, and what writes it.
TASK_FILES = {
    "entities.conll": ("load_entities", as_conll),
    "cluener.jsonl": ("load_entities", as_cluener),
    "squad.json": ("load_questions", as_squad),
    "cmrc.json": ("load_questions", as_cmrc),
    "pairs.csv": ("load_pairs", as_pair_table),
    "pairs.txt": ("load_pairs", as_pair_lines),
    "pairs.jsonl": ("load_pairs", as_pair_objects),
}


def above(measured: dict, libraries: int) -> dict:
    """The same with its peak counted from the libraries' own."""
    return measured | {"peak_mb": measured["peak_mb"] - libraries, "libraries_mb": libraries}


# name -> function of (work folder, sizes in MB); each gives one row of results/scale.json
ROWS: dict[str, Callable[[Path, list[int]], dict]] = {
    "preparing": preparing,
    "pretraining": pretraining,
    "loading_csv": loading_csv,
    "loading_tree": loading_tree,
    "loading_zip": loading_zip,
    "loading_tasks": loading_tasks,
}


def write_row(path: Path, name: str, row: dict) -> None:
    """Put a row in its place in the results file, the others as they are."""
    from measurements.provenance import circumstances

    rows = json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}
    rows[name] = row | circumstances()
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf8")
    partial.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="only these")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="MB of text")
    parser.add_argument("--work", type=Path, help="keep generated text here [a temporary folder]")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for name in arguments.rows:
            row = ROWS[name](work, sorted(arguments.sizes))
            write_row(arguments.results, name, row)
            print(json.dumps({name: row}, indent=1), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job(sys.argv[3], json.loads(sys.argv[4]))
    else:
        main()
