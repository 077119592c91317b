"""The weekly run over damaged files: it can see each kind of fault, and its counts are clean."""

import json
import random
from pathlib import Path

import pytest
from damage import watching
from damage.accidents import ACCIDENTS, damaged
from damage.whole import KINDS, as_csv, as_zip

ROOT = Path(__file__).resolve().parents[1]
COUNTS = ROOT / "results/trust.json"


@pytest.mark.skipif(not COUNTS.exists(), reason="no counts yet: make trust")
def test_the_counts_are_those_of_the_whole_run():
    found = json.loads(COUNTS.read_text(encoding="utf8"))
    assert set(found["kinds"]) == {*KINDS, watching.MODELS, watching.RENAMED}
    read = {
        kind: each.get("loaded", 0) + each.get("refused", 0)
        for kind, each in found["kinds"].items()
    }
    assert sum(count for kind, count in read.items() if kind in KINDS) >= 10_000
    assert read[watching.MODELS] >= 400
    for fault in ("raw traceback", "unreadable words", "hang", "death", "written outside"):
        assert found["total"][fault] == 0
    assert all(each.get("refused") for each in found["kinds"].values())


def test_the_same_seed_gives_the_same_damage():
    made = [[damaged(as_csv(), rng) for _ in range(30)] for rng in map(random.Random, (1, 1, 2))]
    assert made[0] == made[1] != made[2]
    assert sum(each != as_csv() for each in made[0]) > 25


@pytest.mark.parametrize("accident", ACCIDENTS)
def test_accidents_can_happen_to_any_file(accident):
    for content in (b"", b"a", as_csv(), as_zip()):
        for seed in range(20):
            assert isinstance(accident(content, random.Random(seed)), bytes)


@pytest.mark.slow
def test_each_kind_of_fault_is_seen(tmp_path, monkeypatch):
    """Loaders that do what none may do: a raw error, a hang, a death, a file elsewhere."""
    planted = {
        "loaded": "return 1",
        "refused": "from utils.data import DataError; raise DataError('one line')",
        "unreadable words": "from utils.data import DataError; raise DataError('two\\nlines')",
        "raw traceback": "return [][0]",
        "hang": "import time; time.sleep(99)",
        "death": "import os; os._exit(3)",
        "written outside": "path.with_name('more').write_text('x')",
    }
    script = (ROOT / "scripts/damage/watching.py").read_text(encoding="utf8")
    body = "\n".join(
        f"    if loader == {name!r}:\n        {code}" for name, code in planted.items()
    )
    head, _, rest = script.partition("def read(loader: str, path: Path) -> object:\n")
    rest = rest[rest.index("\n\ndef child") :]
    copy = tmp_path / "watching.py"
    root = head.replace("Path(__file__).resolve().parents[2]", f"Path({str(ROOT)!r})")
    copy.write_text(f"{root}def read(loader, path):\n{body}\n{rest}", encoding="utf8")
    monkeypatch.setattr(watching, "__file__", str(copy))
    monkeypatch.setattr(watching, "SECONDS", 3)
    place = tmp_path / "place"
    (place / "in").mkdir(parents=True)
    found = watching.watched([(name, place / "in" / "file") for name in planted], place)
    assert [what for what, _ in found[:6]] == list(planted)[:6]
    assert found[6][0] == "loaded" and found[7][0] == "written outside" and len(found) == 8
