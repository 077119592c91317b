"""Damage files of every accepted format, and folders of models, and see that each is met with words.

    python scripts/trust.py                            # 10,500 data files, 440 folders; ~20 minutes
    python scripts/trust.py --only csv zip --files 200 # some of it, kept beside the other counts
    make trust

Each damaged file is given to the loader it is for, in a child that is watched: it has a time limit,
and everything it writes outside its own cache is found out. A file may load, or be refused in one
line of ours; a raw traceback, a line too long, a hang or a file written elsewhere is a fault. Damage
is that of daily life: bytes flipped, files cut off, pieces lost or doubled, encodings changed, fields
swapped, columns renamed. The same seed gives the same files.
"""

import argparse
import contextlib
import gzip
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

RESULTS = ROOT / "results/trust.json"
LONGEST = 700  # characters of a message
SECONDS = 20  # for one file
MEMORY = 12 * 2**30  # bytes of addresses that a child may ask for
AT_ONCE = 250  # files that one child reads
SOURCES = ROOT / "data"
MODEL = ROOT / "models/mini-bert-zh"


# ---------------------------------------------------------------- whole files


def texts() -> list[tuple[str, str]]:
    """Forty texts with labels, some long, some with the signs that formats are written in."""
    rows = [
        (f"第{i}条新闻，关于“{label}” {i}", label) for i in range(18) for label in ("体育", "财经")
    ]
    rows += [('他说："好",\n然后走了', "体育"), ("a,b;c\td", "财经"), ("长" * 3000, "体育")]
    return [*rows, ("café – ½", "财经")]


def as_csv() -> bytes:
    """A CSV file with quotes, commas and line ends in its texts."""
    quoted = [(text.replace('"', '""'), label) for text, label in texts()]
    return ("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in quoted)).encode()


def plain() -> list[tuple[str, str]]:
    """The texts on a line each, without tabs."""
    return [(" ".join(text.split()), label) for text, label in texts()]


def as_tsv() -> bytes:
    """The same between tabs, under names in the first row."""
    return ("label\ttext\n" + "".join(f"{label}\t{text}\n" for text, label in plain())).encode()


def as_cnews() -> bytes:
    """Lines of label<TAB>text without a first row."""
    return "".join(f"{label}\t{text}\n" for text, label in plain()).encode()


def as_jsonl() -> bytes:
    """An object a line, every other one in ASCII."""
    rows = [{"text": text, "label": label} for text, label in texts()]
    return "".join(
        json.dumps(row, ensure_ascii=i % 2 == 0) + "\n" for i, row in enumerate(rows)
    ).encode()


def as_json() -> bytes:
    """One list of objects."""
    rows = [{"text": text, "label": label} for text, label in texts()]
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()


def as_xlsx() -> bytes:
    """A sheet of Excel."""
    import openpyxl

    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in [("text", "label"), *texts()]:
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


def as_parquet() -> bytes:
    """A Parquet file whose labels are ids with names, as on the Hub."""
    import pyarrow
    from pyarrow import parquet

    columns = list(zip(*texts(), strict=True))
    table = pyarrow.table(
        {"text": columns[0], "label": [int(each == "财经") for each in columns[1]]}
    )
    notes = {"info": {"features": {"label": {"names": ["体育", "财经"], "_type": "ClassLabel"}}}}
    stream = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(notes)}), stream)
    return stream.getvalue()


def tree() -> dict[str, bytes]:
    """A folder of .txt files for each class, by their names."""
    return {f"news/{label}/{i}.txt": text.encode() for i, (text, label) in enumerate(texts())}


def as_zip() -> bytes:
    """The tree in a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in tree().items():
            file.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def as_tar() -> bytes:
    """The tree in a tar archive, compressed with gzip."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as file:
        for name, content in tree().items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)


def as_tar_inside() -> bytes:
    """The tar alone: it is damaged before it is compressed, which gzip's own sum cannot see."""
    return gzip.decompress(as_tar())


def as_entities() -> bytes:
    """A character and its BIO label a line."""
    lines = []
    for i in range(30):
        for character, label in zip(
            "张三在北京", ("B-PER", "I-PER", "O", "B-LOC", "I-LOC"), strict=True
        ):
            lines.append(f"{character} {label}\n")
        lines.append(f"{i % 10} O\n\n")
    return "".join(lines).encode()


def as_clue_entities() -> bytes:
    """The same as CLUENER writes it: JSON with the places of names."""
    row = {
        "text": "张三在北京",
        "label": {"name": {"张三": [[0, 1]]}, "address": {"北京": [[3, 4]]}},
    }
    rows = [row | {"text": f"张三在北京{i}"} for i in range(30)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_squad() -> bytes:
    """Passages with questions in the layout of SQuAD."""
    passages = [
        {
            "context": f"第{i}队在北京获胜，比分是三比{i}。",
            "qas": [
                {
                    "id": f"q{i}",
                    "question": "在哪里？",
                    "answers": [{"text": "北京", "answer_start": 4 + len(str(i)) - 1}],
                }
            ],
        }
        for i in range(30)
    ]
    whole = {"version": "1", "data": [{"title": "t", "paragraphs": passages}]}
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def as_pairs() -> bytes:
    """Pairs of sentences as CSV."""
    rows = [f"今天天气{i}好吗,天气{i}怎么样,{i % 2}\n" for i in range(40)]
    return ("sentence1,sentence2,label\n" + "".join(rows)).encode()


def as_pair_lines() -> bytes:
    """Pairs of sentences between tabs, without a first row."""
    return "".join(f"今天天气{i}好吗\t天气{i}怎么样\t{i % 2}\n" for i in range(40)).encode()


def as_class_file() -> bytes:
    """The names of two classes."""
    return "体育\n财经\n".encode()


Kind = tuple[str, Callable[[], bytes], str]  # name of the file, what makes it, which loader
KINDS: dict[str, Kind] = {
    "csv": ("a.csv", as_csv, "load_texts"),
    "csv.gz": ("a.csv.gz", as_csv, "load_texts"),
    "tsv": ("a.tsv", as_tsv, "load_texts"),
    "txt": ("a.txt", as_cnews, "load_texts"),
    "named": ("a.csv", as_csv, "named"),
    "jsonl": ("a.jsonl", as_jsonl, "load_texts"),
    "json": ("a.json", as_json, "load_texts"),
    "xlsx": ("a.xlsx", as_xlsx, "load_texts"),
    "parquet": ("a.parquet", as_parquet, "load_texts"),
    "zip": ("a.zip", as_zip, "load_texts"),
    "tar.gz": ("a.tar.gz", as_tar, "load_texts"),
    "tar": ("a.tar.gz", as_tar_inside, "load_texts"),
    "gz": ("a.txt.gz", as_cnews, "raw gz"),
    "classes": ("class.txt", as_class_file, "classes"),
    "audit": ("a.csv", as_csv, "audit_texts"),
    "table": ("a.jsonl", as_jsonl, "read_table"),
    "entities": ("a.txt", as_entities, "load_entities"),
    "clue": ("a.json", as_clue_entities, "load_entities"),
    "squad": ("a.json", as_squad, "load_questions"),
    "pairs": ("a.csv", as_pairs, "load_pairs"),
    "pair lines": ("a.txt", as_pair_lines, "load_pairs"),
}
INNER = ("csv.gz", "tar")  # damaged first, compressed afterwards
MODELS = "models"
RENAMED = "renamed"  # models with tensors under other names: to load one is a fault


# ---------------------------------------------------------------- damage

SCRAPS = [b"\t", b" ", b'"', b",", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\x8b", b"\r", b"\n\n"]
SCRAPS += [b"\\ud83d", b"[[", b"}", b"-1", b"1e999", b"null", "　".encode(), "好".encode("gbk")]
SWAPS = [
    (b"\n", b"\r\n"),
    (b"\n", b"\r"),
    (b"\t", b" "),
    (b" ", b"\t"),
    (b'"', b"'"),
    (b",", b"\t"),
]
SWAPS += [(b":", b""), (b"text", b"content"), (b"label", b"class"), (b"B-", b"I-"), (b"[", b"{")]
SWAPS += [(b"0", b"-0"), (b"1", b"true"), (b"sentence1", b"sentence2"), (b"\n", b""), (b"=", b"")]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content of a file after one to three accidents."""
    for _ in range(rng.randint(1, 3)):
        content = rng.choice(ACCIDENTS)(content, rng)
    return content


def _between(content: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + rng.choice([1, 2, 8, 100, 10_000]))


def cut_off(content: bytes, rng: random.Random) -> bytes:
    """The end is missing."""
    return content[: rng.randrange(len(content) + 1)]


def beginning_lost(content: bytes, rng: random.Random) -> bytes:
    """The beginning is missing."""
    return content[rng.choice([1, 4, 30, rng.randrange(len(content) + 1)]) :]


def piece_lost(content: bytes, rng: random.Random) -> bytes:
    """A piece in the middle is missing."""
    start, end = _between(content, rng)
    return content[:start] + content[end:]


def piece_doubled(content: bytes, rng: random.Random) -> bytes:
    """A piece stands there twice."""
    start, end = _between(content, rng)
    return content[:end] + content[start:]


def bytes_flipped(content: bytes, rng: random.Random) -> bytes:
    """One byte, or up to twenty, are others."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 20]) if changed else 0):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def scrap_put_in(content: bytes, rng: random.Random) -> bytes:
    """A sign that means something to some format stands where it should not."""
    at = rng.choice([0, len(content), rng.randrange(len(content) + 1)])
    return content[:at] + rng.choice(SCRAPS) + content[at:]


def zeros(content: bytes, rng: random.Random) -> bytes:
    """A piece is all zeros, as after a full disk."""
    start, end = _between(content, rng)
    return content[:start] + bytes(end - start) + content[end:]


def lines_moved(content: bytes, rng: random.Random) -> bytes:
    """Some lines stand elsewhere."""
    lines = content.split(b"\n")
    for _ in range(rng.choice([1, 5])):
        lines.insert(rng.randrange(len(lines)), lines.pop(rng.randrange(len(lines))))
    return b"\n".join(lines)


def fields_swapped(content: bytes, rng: random.Random) -> bytes:
    """The fields of one line, or of many, stand the other way round."""
    lines = content.split(b"\n")
    for _ in range(rng.choice([1, len(lines)])):
        at, mark = rng.randrange(len(lines)), rng.choice([b",", b"\t", b" "])
        lines[at] = mark.join(reversed(lines[at].split(mark)))
    return b"\n".join(lines)


def signs_changed(content: bytes, rng: random.Random) -> bytes:
    """A sign or a name is another, once or everywhere."""
    old, new = rng.choice(SWAPS)
    return content.replace(old, new) if rng.random() < 0.7 else content.replace(old, new, 1)


def written_otherwise(content: bytes, rng: random.Random) -> bytes:
    """In another encoding, whole or some lines."""
    encoding = rng.choice(["gbk", "utf-16", "utf-8-sig", "big5", "latin-1", "utf-32"])
    lines = content.split(b"\n")
    part = range(len(lines)) if rng.random() < 0.5 else [rng.randrange(len(lines))]
    for at in part:
        text = lines[at].decode("utf-8", "replace")
        lines[at] = text.encode(encoding, "replace")
    return b"\n".join(lines)


def joined(content: bytes, rng: random.Random) -> bytes:
    """The file twice, one behind the other."""
    return content + rng.choice([b"", b"\n", b"\xef\xbb\xbf"]) + content


ACCIDENTS = [cut_off, beginning_lost, piece_lost, piece_doubled, bytes_flipped, bytes_flipped]
ACCIDENTS += [scrap_put_in, zeros, lines_moved, fields_swapped, signs_changed, written_otherwise]
ACCIDENTS += [joined]


def classifier(place: Path) -> Path:
    """A whole folder of a classifier that begins with the course's model."""
    from utils.finetuning import new_classifier, predict, save_classifier
    from utils.models import load_tokenizer

    model, tokenizer = new_classifier(MODEL, ["体育", "财经"]), load_tokenizer(MODEL)
    whole = save_classifier(model, tokenizer, place / "whole")
    answers = predict(model, tokenizer, ["主场三连胜", "央行降息"])
    (whole / "answers").write_text(json.dumps(answers.tolist()))
    return whole


def damage_model(folder: Path, rng: random.Random) -> None:
    """One file of a model's folder lost, emptied, made a folder, exchanged or damaged."""
    names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    file = folder / rng.choice(names)
    content = file.read_bytes()
    what = rng.choice(
        ["bytes", "bytes", "bytes", "value", "value", "lost", "empty", "folder", "other"]
    )
    file.unlink()
    if what == "bytes":
        file.write_bytes(damaged(content, rng))
    elif what == "value" and file.suffix == ".json":
        file.write_text(json.dumps(value_changed(json.loads(content), rng)), encoding="utf8")
    elif what == "value":
        size = int.from_bytes(content[:8], "little")
        head = damaged(content[8 : 8 + size], rng)
        file.write_bytes(len(head).to_bytes(8, "little") + head + content[8 + size :])
    elif what == "empty":
        file.write_bytes(b"")
    elif what == "folder":
        file.mkdir()
    elif what == "other":
        file.write_bytes((MODEL / rng.choice(["README.md", "training.json"])).read_bytes())


def rename_tensors(folder: Path, rng: random.Random) -> None:
    """One tensor of a model, some of a layer, or all of its trunk are called otherwise."""
    file = folder / "model.safetensors"
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + size])
    name = rng.choice([name for name in head if name != "__metadata__"])
    old, new = rng.choice(
        [
            (name, name.upper()),
            (name, name + "x"),
            (name, name[:-1]),
            (name.rpartition(".")[0], "other"),
            ("bert.encoder.layer.", "bert.encoder.layers."),
            ("bert.", "model."),
            ("bert.", ""),  # the library finds these
            ("LayerNorm.weight", "LayerNorm.gain"),
            ("classifier.", "score."),
        ]
    )
    head = {key.replace(old, new): value for key, value in head.items()}
    written = json.dumps(head).encode()
    file.write_bytes(len(written).to_bytes(8, "little") + written + content[8 + size :])


def value_changed(tree: dict, rng: random.Random) -> dict:
    """A JSON object of which one value, at some depth, is another or gone."""
    at = tree
    while True:
        key = rng.choice(list(at) if isinstance(at, dict) else range(len(at)))
        inner = at[key]
        if not isinstance(inner, (dict, list)) or not inner or rng.random() < 0.3:
            break
        at = inner
    if rng.random() < 0.3:
        del at[key]
    else:
        odd = [None, -1, 0, 1.5, 10**9, "x", "", [], {}, True, [1, 2], {"a": None}]
        at[key] = rng.choice(odd)
    return tree


# ---------------------------------------------------------------- children


def read(loader: str, path: Path) -> object:
    """What a reader's program would do with the file."""
    from utils import data

    if loader in (MODELS, RENAMED):
        from utils.finetuning import load_classifier, predict

        model, tokenizer = load_classifier(path)
        answers = predict(model, tokenizer, ["主场三连胜", "央行降息"])
        if loader == RENAMED and answers.tolist() != json.loads((path / "answers").read_text()):
            raise AssertionError("random weights: the answers are others than before")
        return answers
    if loader == "named":
        return data.load_texts(path, text="TEXT", label="Label ")
    if loader == "raw gz":
        return data.load_texts(path)
    if loader == "classes":
        source = path.with_name("data.csv")
        rows = "".join(f"第{i}条,{i % 2}\n" for i in range(30))
        source.write_text("text,label\n" + rows, encoding="utf8")
        return data.load_texts(source, path)
    if loader == "audit_texts":
        return str(data.audit_texts(path))
    return getattr(data, loader)(path)


def child(place: Path) -> None:
    """Read the files of a list, one by one; write what became of each as a line."""
    os.environ |= {
        "HF_HUB_OFFLINE": "1",
        "COURSE_CACHE": str(place / "cache"),
        "TMPDIR": str(place / "tmp"),
    }
    os.environ |= {"HF_HOME": str(place / "cache" / "hf"), "TRANSFORMERS_VERBOSITY": "critical"}
    os.environ |= {"TOKENIZERS_PARALLELISM": "false"}
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # a damaged size asks for more than there is: an error, not a full machine

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    import datasets  # noqa: F401 (seconds that are not the file's)

    from utils.data import DataError, splits
    from utils.models import ModelError

    tasks = json.loads((place / "tasks.json").read_text())
    done = (
        (place / "done.jsonl").read_text().splitlines() if (place / "done.jsonl").is_file() else []
    )
    with open(place / "done.jsonl", "a", buffering=1) as out:
        for number, (loader, path) in enumerate(tasks):
            if number < len(done):
                continue
            splits.LARGE = (64 * 2**20, 0)[number % 2]  # in memory, and kept
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    read(loader, Path(path))
                what = ["loaded", ""]
            except (DataError, ModelError) as error:
                words = str(error)
                fine = "\n" not in words and len(words) <= LONGEST
                what = ["refused" if fine else "unreadable words", "" if fine else words[:1000]]
            except Exception:
                what = ["raw traceback", traceback.format_exc()[-2000:]]
            out.write(json.dumps(what) + "\n")


def watched(kind: str, files: list[tuple[str, Path]], place: Path) -> list[tuple[str, str]]:
    """What became of each file: (loaded, refused or a fault; the words of a fault)."""
    for name in ("cache", "tmp"):
        (place / name).mkdir(exist_ok=True)
    (place / "tasks.json").write_text(json.dumps([(loader, str(path)) for loader, path in files]))
    log = place / "done.jsonl"
    log.unlink(missing_ok=True)
    before = snapshot(place)
    command = [sys.executable, __file__, "--child", str(place)]
    while True:
        with open(place / "errors", "w") as errors:
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=errors, cwd=place / "tmp"
            )
            finished, waited = count(log), 0.0
            while True:
                try:
                    process.wait(timeout=1)
                    break
                except subprocess.TimeoutExpired:
                    waited, finished = (
                        (0.0, count(log)) if count(log) > finished else (waited + 1, finished)
                    )
                    if waited > SECONDS + 20 * (finished == 0):  # and the imports
                        process.kill()
                        process.wait()
                        with open(log, "a") as out:
                            out.write(json.dumps(["hang", ""]) + "\n")
                        break
        if count(log) >= len(files):
            break
        if process.returncode not in (0, -9):
            words = (place / "errors").read_text()[-500:]
            with open(log, "a") as out:
                out.write(json.dumps(["death", f"{process.returncode} {words}"]) + "\n")
    found = [tuple(json.loads(line)) for line in log.read_text().splitlines()][: len(files)]
    for changed in sorted(set(snapshot(place).items()) ^ set(before.items())):
        found.append(("written outside", str(changed[0])))
    return found


def count(log: Path) -> int:
    """How many files a child has finished."""
    return log.read_bytes().count(b"\n") if log.is_file() else 0


def snapshot(place: Path) -> dict[str, tuple[int, int]]:
    """All files of a place but those of the child's own cache, and of the course's code and data."""
    seen = {}
    own = {place / "cache", place / "tmp"}
    for top in (place, ROOT / "data", ROOT / "models"):
        for folder, inner, names in os.walk(top):
            inner[:] = [name for name in inner if Path(folder, name) not in own]
            for name in names:
                file = os.path.join(folder, name)
                if name not in ("done.jsonl", "errors", "data.csv"):
                    about = os.stat(file)
                    seen[file] = about.st_size, about.st_mtime_ns
    return seen


# ---------------------------------------------------------------- the run


def run(kind: str, count: int, seed: int) -> tuple[Counter, list[str]]:
    """Damage `count` files of a kind; how often what happened, and the faults with their words."""
    rng = random.Random(f"{seed} {kind}")
    counts: Counter[str] = Counter()
    faults = []
    for start in range(0, count, AT_ONCE):
        with tempfile.TemporaryDirectory(prefix="trust") as temporary:
            place = Path(temporary)
            whole = classifier(place / "cache") if kind in (MODELS, RENAMED) else place
            files = []
            for number in range(start, min(start + AT_ONCE, count)):
                folder = place / "in" / str(number)
                if kind in (MODELS, RENAMED):
                    shutil.copytree(whole, folder)
                    (rename_tensors if kind == RENAMED else damage_model)(folder, rng)
                    files.append((kind, folder))
                    continue
                name, make, loader = KINDS[kind]
                content = damaged(make(), rng)
                if kind in INNER:
                    content = gzip.compress(content, 1, mtime=0)
                elif kind == "gz":
                    content = damaged(gzip.compress(make(), mtime=0), rng)
                folder.mkdir(parents=True)
                (folder / name).write_bytes(content)
                files.append((loader, folder / name))
            found = watched(kind, files, place)
            for number, (what, words) in enumerate(found, start=start):
                counts[what] += 1
                if what not in ("loaded", "refused"):
                    faults.append(f"{kind} {number}: {what}: {words}")
    return counts, faults


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=[*KINDS, MODELS, RENAMED], help="these kinds")
    parser.add_argument("--files", type=int, default=500, help="of each kind")
    parser.add_argument("--models", type=int, default=400, help="folders of models")
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    bad = 0
    for kind in arguments.only or [*KINDS, MODELS, RENAMED]:
        count = {MODELS: arguments.models, RENAMED: arguments.models // 10}.get(
            kind, arguments.files
        )
        counts, faults = run(kind, count, arguments.seed)
        print(kind, dict(counts), flush=True)
        print("".join(f"{fault}\n" for fault in faults), end="", flush=True)
        bad += len(faults)
        keep(arguments.results, kind, counts, arguments.seed)
    sys.exit(bool(bad))


def keep(path: Path, kind: str, counts: Counter, seed: int) -> None:
    """Put the counts of a kind in their place in the results file, the others as they are."""
    from measurements.machine import commit

    found = json.loads(path.read_text(encoding="utf8")) if path.is_file() else {"kinds": {}}
    found["kinds"][kind] = dict(sorted(counts.items())) | {"seed": seed, "commit": commit()}
    names = (
        "loaded",
        "refused",
        "raw traceback",
        "unreadable words",
        "hang",
        "death",
        "written outside",
    )
    found["total"] = {
        name: sum(each.get(name, 0) for each in found["kinds"].values()) for name in names
    }
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]))
    else:
        main()
