"""scripts/: programs import packages, nobody imports a program, and there is no circle."""

import ast
import re
import subprocess
import sys

import pytest
from notebooks import ROOT

SCRIPTS = ROOT / "scripts"
PROGRAMS = sorted(path.stem for path in SCRIPTS.glob("*.py"))
PACKAGES = sorted(path.parent.name for path in SCRIPTS.glob("*/__init__.py"))


def imported(source: str) -> list[str]:
    """Dotted names of all modules that a source imports, wherever in it; from a package also the
    names taken from it, which may be its modules."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return found


def violations(source: str) -> list[str]:
    """What a file of scripts/ imports that it should not."""
    found = []
    for name in imported(source):
        first = name.split(".")[0]
        if first in PROGRAMS:
            found.append(f"{name}: a program; move what is shared into a package of scripts/")
        elif first in ("scripts", ""):
            # A second name for one module: Python would load it twice.
            found.append(f"{name}: import it as programs do, `from {PACKAGES[0]} import …`")
    return found


def circle(sources: dict[str, str]) -> list[str]:
    """Modules that import each other in a circle, by their dotted names; empty without one."""
    needs = {
        module: {name for name in imported(source) if name in sources and name != module}
        for module, source in sources.items()
    }
    while ready := [module for module, wanted in needs.items() if not wanted]:
        for module in ready:
            del needs[module]
        needs = {module: wanted - set(ready) for module, wanted in needs.items()}
    return sorted(needs)


def sources() -> dict[str, str]:
    found = {}
    for path in SCRIPTS.rglob("*.py"):
        name = ".".join(path.relative_to(SCRIPTS).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path.read_text(encoding="utf8")
    return found


def test_nobody_imports_a_program_and_no_module_has_two_names():
    found = [f"{name}: {line}" for name, text in sources().items() for line in violations(text)]
    assert not found, "\n".join(found)


def test_no_circle():
    assert not circle(sources())


def test_what_stands_in_scripts_itself_is_a_program():
    idle = [name for name in PROGRAMS if "__main__" not in sources()[name]]
    assert not idle, f"no programs: {idle}; move them into one of {PACKAGES}"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_is_in_each_of_its_modules(package):
    said = ast.get_docstring(ast.parse(sources()[package]))
    modules = {path.stem for path in (SCRIPTS / package).glob("*.py")} - {"__init__"}
    missing = [module for module in sorted(modules) if not re.search(rf"\b{module}\b", said)]
    assert not missing, f"scripts/{package}/__init__.py: say what {missing} hold"


@pytest.mark.parametrize(
    "line",
    [
        "from benchmark import SEEDS",
        "def f():\n    import pretrain",
        "from scripts.measurements import runs",
        "from .runs import tuned",
    ],
)
def test_the_rule_finds_what_it_should(line):
    assert violations(line)


def test_a_circle_is_found():
    package = {"p": "", "p.a": "from p.b import x", "p.b": "def f():\n    from p import a"}
    assert circle(package | {"program": "import p.a"}) == ["p.a", "p.b", "program"]


def test_contributing_quotes_the_estimate_of_full_size():
    done = subprocess.run(
        [sys.executable, SCRIPTS / "estimate_pretraining.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    said = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8")
    for part in done.stdout.split("\n\n")[:2]:
        assert part.strip() in said, "write anew what scripts/estimate_pretraining.py prints"
