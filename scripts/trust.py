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
import gzip
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from damage.accidents import damage_model, damaged, rename_tensors
from damage.watching import MODELS, RENAMED, watched
from damage.whole import KINDS, classifier
from measurements.machine import commit

RESULTS = Path(__file__).resolve().parents[1] / "results/trust.json"
AT_ONCE = 250  # files that one child reads
INNER = ("csv.gz", "tar")  # damaged first, compressed afterwards


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


def run(kind: str, count: int, seed: int) -> tuple[Counter, list[str]]:
    """Damage `count` files of a kind; how often what happened, and the faults with their words."""
    rng = random.Random(f"{seed} {kind}")
    counts: Counter[str] = Counter()
    faults = []
    for start in range(0, count, AT_ONCE):
        with tempfile.TemporaryDirectory(prefix="trust") as temporary:
            place = Path(temporary)
            folders = [
                place / "in" / str(number) for number in range(start, min(start + AT_ONCE, count))
            ]
            if kind in (MODELS, RENAMED):
                whole = classifier(place / "cache")
                files = [(kind, damaged_model(kind, whole, folder, rng)) for folder in folders]
            else:
                loader = KINDS[kind][2]
                files = [(loader, damaged_file(kind, folder, rng)) for folder in folders]
            found = watched(files, place)
            for number, (what, words) in enumerate(found, start=start):
                counts[what] += 1
                if what not in ("loaded", "refused"):
                    faults.append(f"{kind} {number}: {what}: {words}")
    return counts, faults


def damaged_model(kind: str, whole: Path, folder: Path, rng: random.Random) -> Path:
    """A damaged copy of a whole classifier."""
    shutil.copytree(whole, folder)
    (rename_tensors if kind == RENAMED else damage_model)(folder, rng)
    return folder


def damaged_file(kind: str, folder: Path, rng: random.Random) -> Path:
    """A damaged file of a kind, in a new folder."""
    name, make, _ = KINDS[kind]
    content = damaged(make(), rng)
    if kind in INNER:
        content = gzip.compress(content, 1, mtime=0)
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    return folder / name


def keep(path: Path, kind: str, counts: Counter, seed: int) -> None:
    """Put the counts of a kind in their place in the results file, the others as they are."""
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
    main()
