"""Small damages to a piece of Python, made by machine: what a slip of the hand would write.

The damage is done to the syntax tree, at one place at a time: a constant, an operator or a
comparison changed, a condition dropped or negated, a call, an argument, an axis or a line left
out, neighbours swapped, a bound moved by one, one name for another, a `return` forgotten.
"""

import ast
import copy
from collections.abc import Callable, Iterator

OPERATORS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div],
    ast.Mod: [ast.FloorDiv],
    ast.Pow: [ast.Mult],
    ast.BitAnd: [ast.BitOr],
    ast.BitOr: [ast.BitAnd],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
SWAPPED = ast.Sub | ast.Div | ast.FloorDiv | ast.Mod | ast.Pow | ast.MatMult  # a - b is not b - a


def mutants(
    original: ast.Module,
    part: ast.AST | None = None,
    beside: Callable[[ast.Attribute], list[str]] | None = None,
) -> Iterator[tuple[str, str, ast.Module]]:
    """Yield (change, line, tree): "a < b -> a <= b", the line it is in, the damaged code.

    Args:
        original: the code, whole.
        part: the node of it in which the damage is done; without it, all of it.
        beside: the attributes that one could take for one of another object than `self`.
    """
    part = part or original
    within = {id(node) for node in ast.walk(part)} - {id(node) for node in silent(part)}
    seen = {ast.unparse(original)}
    for number, node in enumerate(ast.walk(original)):
        if id(node) not in within:
            continue
        for change, replacement in damages(node, part, beside):
            tree = copy.deepcopy(original)
            twin = list(ast.walk(tree))[number]
            replace(tree, twin, replacement)
            text = ast.unparse(tree)
            if text not in seen:
                seen.add(text)
                yield change, line_of(node, original), tree


def silent(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may say what they like: type hints and docstrings."""
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            if getattr(node, field, None) is not None:
                yield from ast.walk(getattr(node, field))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield from (node, node.value)


def damages(
    node: ast.AST, inside: ast.AST, beside: Callable | None = None
) -> Iterator[tuple[str, ast.AST]]:
    """Yield (change in words, what could stand, wrongly, in the place of a node)."""
    if isinstance(node, ast.stmt):
        yield from damaged_statements(node)
    elif isinstance(node, ast.comprehension) and node.ifs:
        change = f"if {ast.unparse(node.ifs[0])} -> no condition"
        yield change, ast.comprehension(node.target, node.iter, node.ifs[1:], node.is_async)
    elif isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), ast.Store):
        replacements = [*damaged_expressions(node, inside)]
        if isinstance(node, ast.Attribute):
            others = attributes_beside(node, inside) or (beside(node) if beside else [])
            replacements += [ast.Attribute(node.value, other, ast.Load()) for other in others]
        for replacement in replacements:
            yield f"{ast.unparse(node)} -> {ast.unparse(replacement)}", replacement


def damaged_statements(node: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    """A statement left out, a `return` forgotten, a condition that is ignored or negated."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return
    first = first_line(node)
    if isinstance(node, ast.Return):
        yield f"{first} -> {ast.unparse(node.value)}", ast.Expr(node.value)
    else:
        yield f"{first} -> pass", ast.Pass()
    if isinstance(node, ast.If | ast.While):
        tests = [ast.UnaryOp(ast.Not(), node.test), ast.Constant(True), ast.Constant(False)]
        for test in tests:
            yield (
                f"{ast.unparse(node.test)} -> {ast.unparse(test)}",
                type(node)(test, node.body, node.orelse),
            )
    if isinstance(node, ast.AugAssign):
        value = ast.Assign([node.target], node.value, lineno=0)
        yield f"{first} -> {ast.unparse(value)}", value
        for operator in OPERATORS.get(type(node.op), []):
            other = ast.AugAssign(node.target, operator(), node.value)
            yield f"{first} -> {ast.unparse(other)}", other


def damaged_expressions(node: ast.expr, inside: ast.AST) -> Iterator[ast.expr]:
    """What could stand, wrongly, in the place of an expression."""
    if isinstance(node, ast.Call):
        if len(node.args) <= 2:  # the call left out
            yield from (each for each in node.args if not isinstance(each, ast.Starred))
        if isinstance(node.func, ast.Attribute):  # the method left out
            yield node.func.value
        for keywords in one_left_out(node.keywords):
            yield ast.Call(node.func, node.args, keywords)
        for arguments in neighbours_swapped(node.args):
            yield ast.Call(node.func, arguments, node.keywords)
        if ast.unparse(node.func) == "range":
            for arguments in moved_by_one(node.args):
                yield ast.Call(node.func, arguments, [])
    elif isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
        for operator in OPERATORS.get(type(node.op), []):
            yield ast.BinOp(node.left, operator(), node.right)
        if isinstance(node.op, SWAPPED):
            yield ast.BinOp(node.right, node.op, node.left)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.BoolOp):
        yield from node.values
        yield ast.BoolOp(OPERATORS[type(node.op)][0](), node.values)
        yield from (ast.BoolOp(node.op, rest) for rest in one_left_out(node.values) if rest[1:])
    elif isinstance(node, ast.Compare):
        yield ast.UnaryOp(ast.Not(), node)
        for place, operator in enumerate(node.ops):
            for other in OPERATORS[type(operator)]:
                operators = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                yield ast.Compare(node.left, operators, node.comparators)
    elif isinstance(node, ast.Constant):
        yield from map(ast.Constant, other_constants(node.value))
    elif isinstance(node, ast.Subscript):
        if isinstance(node.slice, ast.Name | ast.BinOp):
            for index in moved_by_one([node.slice]):
                yield ast.Subscript(node.value, index[0], node.ctx)
    elif isinstance(node, ast.Slice):
        for bound in ("lower", "upper"):
            value = getattr(node, bound)
            if value is not None:
                for other in (None, *(each[0] for each in moved_by_one([value]))):
                    bounds = {"lower": node.lower, "upper": node.upper, "step": node.step}
                    yield ast.Slice(**bounds | {bound: other})
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for elements in [*neighbours_swapped(node.elts), *one_left_out(node.elts)]:
            if not isinstance(node, ast.Set):
                yield type(node)(elements, ast.Load())
            elif elements and len(elements) < len(node.elts):
                yield ast.Set(elements)
    elif isinstance(node, ast.Dict):
        for pairs in one_left_out(list(zip(node.keys, node.values, strict=True))):
            yield ast.Dict([key for key, _ in pairs], [value for _, value in pairs])
    elif isinstance(node, ast.Name):
        yield from (ast.Name(other, ast.Load()) for other in names_beside(node, inside))


def other_constants(value: object) -> list:
    """Values that one could write for a constant by mistake."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [value * 2, value * 1.1] if value else [1.0]
    if isinstance(value, str):
        return ["", value[1:], value[:-1]]
    return []


def moved_by_one(values: list[ast.expr]) -> Iterator[list[ast.expr]]:
    """The values with one of them, no constant, greater or smaller by one."""
    for place, value in enumerate(values):
        if not isinstance(value, ast.Constant | ast.Starred):
            for operator in (ast.Add(), ast.Sub()):
                moved = ast.BinOp(value, operator, ast.Constant(1))
                yield [*values[:place], moved, *values[place + 1 :]]


def neighbours_swapped(values: list) -> Iterator[list]:
    """The values in another order: two neighbours have changed their places."""
    for place in range(len(values) - 1):
        one, other = values[place : place + 2]
        yield [*values[:place], other, one, *values[place + 2 :]]


def one_left_out(values: list) -> Iterator[list]:
    """The values without one of them."""
    return (values[:place] + values[place + 1 :] for place in range(len(values)))


def names_beside(node: ast.Name, inside: ast.AST) -> list[str]:
    """The other variables and arguments of the function in which the name stands."""
    for function in ast.walk(inside):
        if isinstance(function, ast.FunctionDef) and node in ast.walk(function):
            known = [argument.arg for argument in function.args.args if argument.arg != "self"]
            known += [
                n.id
                for n in ast.walk(function)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            ]
            if node.id in known:
                return [name for name in dict.fromkeys(known) if name != node.id]
    return []


def attributes_beside(node: ast.Attribute, inside: ast.AST) -> list[str]:
    """The other attributes that are stored in the same object, such as `self`."""
    owner = ast.unparse(node.value)
    stored = [
        each.attr
        for each in ast.walk(inside)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and ast.unparse(each.value) == owner
    ]
    return (
        [name for name in dict.fromkeys(stored) if name != node.attr] if node.attr in stored else []
    )


def of_itself(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function's body that are not in a function or class within it."""
    for node in function.body:
        yield from _outside_of_others(node)


def _outside_of_others(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _outside_of_others(child)


def line_of(node: ast.AST, tree: ast.AST) -> str:
    """The first line of the innermost statement in which a node stands."""
    around = [each for each in ast.walk(tree) if isinstance(each, ast.stmt)]
    return first_line([each for each in around if node in ast.walk(each)][-1])


def first_line(statement: ast.stmt) -> str:
    """A statement on one line, of a loop or a condition the first one."""
    return ast.unparse(statement).splitlines()[0]


def replace(tree: ast.Module, old: ast.AST, new: ast.AST) -> None:
    """Put `new` in the place of `old`, wherever in the tree it stands."""
    new = copy.deepcopy(new)
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list) and any(each is old for each in value):
                setattr(parent, field, [new if each is old else each for each in value])
