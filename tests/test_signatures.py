"""Who calls a function of the package reads its types and its docstring, not its body."""

import ast

import notebooks as nb
import pytest

FOLDERS = ("utils", "scripts")


def public_functions(tree: ast.Module):
    """(name, node, what its class says of it) of the functions and methods that others may call."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node, ""
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                named = isinstance(method, ast.FunctionDef) and not method.name.startswith("_")
                if named or getattr(method, "name", "") == "__call__":
                    about = ast.get_docstring(node) or ""
                    yield f"{node.name}.{method.name}", method, about


def unexplained(source: str) -> list[str]:
    """Rule: a public function has a type for each argument and its result, and a docstring (or a
    line `name`: … in its class's, where a chapter prints the method); docstrings have one
    dialect: `single backticks`, Args:, Returns:, Raises: as headings."""
    tree, found = ast.parse(source), []
    for name, node, about in public_functions(tree):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        bare = [each.arg for each in arguments if each.annotation is None]
        bare = [each for each in bare if each not in ("self", "cls")]
        if bare:
            found.append(f"{name}: no type for {', '.join(bare)}")
        if node.returns is None:
            found.append(f"{name}: no type for what it returns")
        told = ast.get_docstring(node) or f"`{node.name}`:" in about or node.name == "main"
        if not told:
            found.append(f"{name}: no docstring")
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = ast.get_docstring(node) or ""
            name = getattr(node, "name", "the module")
            if "``" in text:
                found.append(f"{name}: write `single backticks`")
            if "\nRaises " in text or "\nReturns " in text or text.startswith("Return "):
                found.append(f"{name}: write Returns: and Raises: as headings")
    return found


def test_public_functions_explain_themselves():
    found = [
        f"{path.relative_to(nb.ROOT)}: {line}"
        for folder in FOLDERS
        for path in sorted((nb.ROOT / folder).rglob("*.py"))
        for line in unexplained(path.read_text(encoding="utf8"))
    ]
    assert not found, f"{len(found)} to mend:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('def f(x) -> int:\n    """A."""', "f: no type for x"),
        ('def f(x: int):\n    """A."""', "no type for what it returns"),
        ("def f() -> int:\n    return 1", "f: no docstring"),
        ('def f() -> int:\n    """As ``g``."""', "single backticks"),
        ('def f() -> int:\n    """A.\n\n    Raises ValueError."""', "as headings"),
        (
            'class A:\n    """A."""\n    def go(self, x) -> None:\n        """B."""',
            "A.go: no type for x",
        ),
    ],
)
def test_the_rule_finds_what_it_should(source, complaint):
    assert any(complaint in line for line in unexplained(source))


def test_private_and_inner_functions_are_their_own_affair():
    source = (
        "def _f(x):\n    pass\n\n\ndef g() -> None:\n    '''A.'''\n    def h(y):\n        pass\n"
    )
    assert unexplained(source) == []
