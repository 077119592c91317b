"""The package's architecture: imports point one way, and only at doors."""

import ast
import re
from pathlib import Path

import notebooks as nb
import pytest

UTILS = nb.ROOT / "utils"
# A room may import those before it.
ORDER = (
    "profile results models training_log resuming bert_weights bert unpadded clipping encoding data pretraining metrics "
    "finetuning smaller "
    "measuring errors toy_models figures token_reading token_figures entity_figures model_figures widgets checks"
).split()
ROOMS = {path.parent.name for path in UTILS.glob("*/__init__.py")}


def imported(source: str) -> list[str]:
    """Dotted names of the course's own modules that a source imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "utils":
            found += [f"utils.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return [name for name in found if name.split(".")[0] == "utils"]


def violations(room: str, source: str) -> list[str]:
    """What a file of `room` ("" for a notebook or a script) imports that it should not."""
    found = []
    for name in imported(source):
        target, *inner = name.split(".")[1:] or [room]
        if target == room:
            continue
        if target not in ORDER:
            found.append(f"{name}: no such room; add it to ORDER, below what it imports")
        elif inner and target in ROOMS:
            found.append(f"{name}: a file inside a room; import from utils.{target}")
        elif room and ORDER.index(target) >= ORDER.index(room):
            found.append(f"{name}: {room} must not know {target}")
    return found


def room_of(path: Path) -> str:
    return path.relative_to(UTILS).parts[0].removesuffix(".py")


def circle(folder: Path) -> list[str]:
    """Files of one room that import each other in a circle; empty where there is none."""
    needs = {}
    for path in folder.glob("*.py"):
        inner = [name.split(".")[2:] for name in imported(path.read_text(encoding="utf8"))]
        needs[path.stem] = {name[0] for name in inner if name}
    needs = {file: wanted & needs.keys() - {"__init__"} for file, wanted in needs.items()}
    while ready := [file for file, wanted in needs.items() if not wanted]:
        for file in ready:
            del needs[file]
        needs = {file: wanted - set(ready) for file, wanted in needs.items()}
    return sorted(needs)


def test_utils_imports_point_one_way_and_only_at_doors():
    files = [path for path in UTILS.rglob("*.py") if path.parent.parent.name != "metrics"]
    found = [
        f"{path.relative_to(nb.ROOT)}: {line}"
        for path in files
        if path != UTILS / "__init__.py"
        for line in violations(room_of(path), path.read_text(encoding="utf8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_no_circle_inside_a_room(room):
    assert not circle(UTILS / room)


def test_scripts_and_notebooks_import_doors():
    sources = {
        str(path.relative_to(nb.ROOT)): path.read_text(encoding="utf8")
        for path in (nb.ROOT / "scripts").rglob("*.py")
    }
    for path in sorted((nb.ROOT / "chapters").glob("*.ipynb")):
        for cell in nb.read(path).cells:
            # Magics and shell lines are no Python.
            lines = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M)
            if cell.cell_type == "code":
                sources[f"{path.name}, cell {cell.id}"] = lines
    found = [f"{name}: {line}" for name, text in sources.items() for line in violations("", text)]
    assert not found, "\n".join(found)


def test_the_map_names_every_room():
    map_of_rooms = ast.get_docstring(ast.parse((UTILS / "__init__.py").read_text(encoding="utf8")))
    missing = [room for room in ORDER if not re.search(rf"\b{room}\b", map_of_rooms)]
    there = {room_of(path) for path in UTILS.rglob("*.py")} - {"__init__"}
    assert not missing and there == set(ORDER), (missing, there ^ set(ORDER))


def offered(path: Path) -> set[str]:
    """Names that a module offers: its `__all__`, or what it defines."""
    tree = ast.parse(path.read_text(encoding="utf8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in tree.body if isinstance(node, kinds) and node.name[0] != "_"}


def test_a_name_has_one_address():
    doors = [*UTILS.glob("*.py"), *UTILS.glob("*/__init__.py")]
    address: dict[str, str] = {}
    twice = []
    for path in doors:
        for name in offered(path):
            if name in address:
                twice.append(f"{name}: {address[name]} and {room_of(path)}")
            address[name] = room_of(path)
    assert not twice, "\n".join(twice)


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("data", "from utils.finetuning import predict"),
        ("models", "def f():\n    import utils.widgets"),
        ("finetuning", "from utils.data.rows import DataError"),
        ("", "from utils.pretraining.masking import IGNORE"),
        ("figures", "from utils import nowhere"),
    ],
)
def test_the_rule_finds_what_it_should(room, line):
    assert len(violations(room, line)) == 1


def test_a_circle_is_found(tmp_path):
    (tmp_path / "a.py").write_text("from utils.room.b import x")
    (tmp_path / "b.py").write_text("from utils.room.a import y")
    (tmp_path / "c.py").write_text("from utils.room.a import y")
    assert circle(tmp_path) == ["a", "b", "c"]
