"""A child that reads damaged files one by one, and who watches what becomes of them.

    python scripts/damage/watching.py FOLDER    # the child: reads the files that tasks.json lists

The child has a time limit, and everything it writes outside its own cache is found out.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

LONGEST = 700  # characters of a message
SECONDS = 20  # for one file
MEMORY = 12 * 2**30  # bytes of addresses that a child may ask for
MODELS = "models"
RENAMED = "renamed"  # models with tensors under other names: to load one is a fault


# ---------------------------------------------------------------- the child


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

    from utils.data import DataError, staging
    from utils.models import ModelError

    tasks = json.loads((place / "tasks.json").read_text())
    done = (
        (place / "done.jsonl").read_text().splitlines() if (place / "done.jsonl").is_file() else []
    )
    with open(place / "done.jsonl", "a", buffering=1) as out:
        for number, (loader, path) in enumerate(tasks):
            if number < len(done):
                continue
            staging.LARGE = (64 * 2**20, 0)[number % 2]  # in memory, and kept
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


# ---------------------------------------------------------------- who watches it


def watched(files: list[tuple[str, Path]], place: Path) -> list[tuple[str, str]]:
    """What became of each file: (loaded, refused or a fault; the words of a fault).

    Args:
        files: the loader for each file, as `read` knows it, and the file.
        place: a folder for the child's own files, in which the others lie, too.
    """
    for name in ("cache", "tmp"):
        (place / name).mkdir(exist_ok=True)
    (place / "tasks.json").write_text(json.dumps([(loader, str(path)) for loader, path in files]))
    log = place / "done.jsonl"
    log.unlink(missing_ok=True)
    before = snapshot(place)
    while finished(log) < len(files):  # after a hang or a death, a new child with the next file
        status = run_child(place, log)
        if status not in (0, -9) and finished(log) < len(files):
            words = (place / "errors").read_text()[-500:]
            note(log, "death", f"{status} {words}")
    found = [tuple(json.loads(line)) for line in log.read_text().splitlines()][: len(files)]
    for changed in sorted(set(snapshot(place).items()) ^ set(before.items())):
        found.append(("written outside", str(changed[0])))
    return found


def run_child(place: Path, log: Path) -> int:
    """Start a child and wait for it; one that hangs over a file is killed. Its exit status."""
    command = [sys.executable, __file__, str(place)]
    with open(place / "errors", "w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, cwd=place / "tmp"
        )
    done, waited = finished(log), 0
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=1)
        now = finished(log)
        done, waited = now, waited + 1 if now == done else 0
        if waited > SECONDS + 20 * (done == 0):  # and the imports
            process.kill()
            status = process.wait()
            note(log, "hang")
            return status


def note(log: Path, what: str, words: str = "") -> None:
    """What became of the file that the child did not come back from."""
    with open(log, "a") as out:
        out.write(json.dumps([what, words]) + "\n")


def finished(log: Path) -> int:
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


if __name__ == "__main__":
    child(Path(sys.argv[1]))
