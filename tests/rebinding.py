"""The rule that a name means one kind of thing in a chapter, so that any cell runs again.

A reader runs all cells, changes a number in one of them and runs that cell again. It then
sees the names as the *last* cell left them. So no name may be, in one cell, a function, a
class or an import and in another something else; no name may be a loop's variable here and a
result there; and no name that a cell takes from an earlier one may be bound anew by a later
cell from another kind of expression (a list, a number, another function's result).
"""

import ast
import symtable

from notebooks import code_cells, tags

DEFINED = ("function", "class", "import")
LITERALS = {
    ast.List: "list", ast.ListComp: "list", ast.Tuple: "tuple", ast.Dict: "dict",
    ast.DictComp: "dict", ast.Set: "set", ast.SetComp: "set", ast.JoinedStr: "text",
    ast.Lambda: "function", ast.GeneratorExp: "generator",
}  # fmt: skip
PLAIN = {str: "text", int: "number", float: "number", bool: "truth"}
BUILT_IN = {"len": "number", "sum": "number", "int": "number", "float": "number", "str": "text"}
BUILT_IN |= {"list": "list", "sorted": "list", "dict": "dict", "set": "set", "tuple": "tuple"}


def kind_of(value):
    """Return what an assigned expression is, as far as its text tells."""
    if isinstance(value, ast.Constant):
        return PLAIN.get(type(value.value), "constant")
    if isinstance(value, ast.Call):
        callee = value.func
        name = callee.id if isinstance(callee, ast.Name) else getattr(callee, "attr", "?")
        return BUILT_IN.get(name, f"result of {name}()")
    return LITERALS.get(type(value), f"{type(value).__name__.lower()} expression")


def names_in(target, kind):
    """Yield (name, kind) of an assignment's target, which may be a tuple of names."""
    if isinstance(target, ast.Name):
        yield target.id, kind
    elif isinstance(target, ast.Tuple | ast.List):
        for each in target.elts:
            yield from names_in(each, kind)
    elif isinstance(target, ast.Starred):
        yield from names_in(target.value, kind)


def assigned(target, value):
    """Yield (name, kind) of `target = value`, pair by pair where both are tuples."""
    pairs = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
    if pairs and len(target.elts) == len(value.elts):
        for one, its_value in zip(target.elts, value.elts, strict=True):
            yield from assigned(one, its_value)
    elif isinstance(target, ast.Name):
        yield target.id, kind_of(value)
    else:
        yield from names_in(target, f"part of a {kind_of(value)}")


def bindings(statements):
    """Yield (name, kind) for each name that statements bind at the top level."""
    for each in statements:
        if isinstance(each, ast.FunctionDef):
            yield each.name, "function"
        elif isinstance(each, ast.ClassDef):
            yield each.name, "class"
        elif isinstance(each, ast.Import | ast.ImportFrom):
            for alias in each.names:
                yield alias.asname or alias.name.split(".")[0], "import"
        elif isinstance(each, ast.Assign):
            for target in each.targets:
                yield from assigned(target, each.value)
        elif isinstance(each, ast.For):
            yield from names_in(each.target, "loop variable")
        elif isinstance(each, ast.With):
            for item in each.items:
                if item.optional_vars is not None:
                    yield from names_in(item.optional_vars, "loop variable")
        for field in ("body", "orelse", "finalbody"):
            if not isinstance(each, ast.FunctionDef | ast.ClassDef):
                yield from bindings(getattr(each, field, []))


def globals_read(table):
    """Return the module's names that the scopes below a symbol table look up."""
    found = set()
    for scope in table.get_children():
        found |= {each.get_name() for each in scope.get_symbols() if each.is_global()}
        found |= globals_read(scope)
    return found


def taken(source):
    """Return the names that a cell takes from cells before it."""
    tree, own, found = ast.parse(source), set(), set()
    for statement in tree.body:
        text = ast.unparse(statement)
        table = symtable.symtable(text, "cell", "exec")
        here = {each.get_name() for each in table.get_symbols() if each.is_referenced()}
        new = dict(bindings([statement]))
        if not isinstance(statement, ast.For | ast.With):  # these bind before they read
            here |= globals_read(table)
            found |= here - own
        else:
            found |= (here | globals_read(table)) - own - set(new)
        own |= set(new)
    return found


def group(cell):
    """Return the id of a cell, for an exercise's stub and solution that of the exercise."""
    return cell.id.rsplit("-", 1)[0] if cell.id.startswith("ex-") else cell.id


def rebound_names(notebook):
    """Rule: no name is bound anew to another kind of thing."""
    cells = [cell for cell in code_cells(notebook) if "setup" not in tags(cell)]
    bound = [(group(cell), dict(bindings(ast.parse(cell.source).body))) for cell in cells]
    kinds = {}  # name -> group -> kinds
    for owner, names in bound:
        for name, kind in names.items():
            kinds.setdefault(name, {}).setdefault(owner, set()).add(kind)
    problems = []
    for name, by_group in kinds.items():
        if name == "_":
            continue
        seen = {kind: owner for owner, each in by_group.items() for kind in each}
        whole = [kind for kind in seen if kind in DEFINED]
        twice = "function" in whole and sum("function" in each for each in by_group.values()) > 1
        loops = [owner for owner, each in by_group.items() if "loop variable" in each]
        others = [owner for owner, each in by_group.items() if each - {"loop variable"}]
        if whole and len(seen) > 1:
            places = ", ".join(f"a {kind} in {owner}" for kind, owner in seen.items())
            problems.append(f"{name}: {places}")
        elif twice:
            problems.append(f"{name}: defined in {', '.join(by_group)}")
        elif loops and others and set(loops) ^ set(others):
            problems.append(f"{name}: a loop's variable in {loops[0]}, a value in {others[0]}")
    for place, cell in enumerate(cells):
        for name in sorted(taken(cell.source)):
            before = [names[name] for _, names in bound[:place] if name in names]
            later = [
                (owner, names[name])
                for owner, names in bound[place + 1 :]
                if name in names and owner != bound[place][0]
            ]
            if before and later and later[-1][1] != before[-1]:
                problems.append(
                    f"{name}: {cell.id} takes a {before[-1]}, "
                    f"{later[-1][0]} makes it a {later[-1][1]}"
                )
    return problems
