"""The component tests can fail: utils/bert.py is damaged in hundreds of ways, each must turn one red.

The damage is done to the syntax tree, one node at a time, in which variables have numbers for
names: renaming one, or moving a line, changes nothing here. A mutant is run in this process, on test_bert_components.py, until the
first red test. What stays green must stand in EQUIVALENT, with the reason why it is no mistake.
"""

import ast
import copy
import functools
import inspect
import types
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest
import test_bert_components as components
import torch
from mutants import names_beside

import utils.bert

SOURCE = Path(utils.bert.__file__).read_text(encoding="utf8")


def with_numbered_locals(tree: ast.Module) -> ast.Module:
    """The same code with local_1, local_2 … for the variables of a function (not its arguments)."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
            stored = dict.fromkeys(node.id for node in names if isinstance(node.ctx, ast.Store))
            local = [name for name in stored if name not in {a.arg for a in function.args.args}]
            for node in names:
                if node.id in local:
                    node.id = f"local_{local.index(node.id) + 1}"
    return tree


TREE = with_numbered_locals(ast.parse(SOURCE))
PARTS = [node.name for node in TREE.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
PARTS += ["ACTIVATIONS"]
OTHER_OPERATOR = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Pow: ast.Mult}

SAME_TYPE = "one dtype in all of them"
ONLY_SLOWER = "the same result, with weights or a mask computed that nobody needs"
NO_DIRECTION = "a transposition has no direction"
# part -> {damage: (how many places, why nobody could notice it)}
EQUIVALENT = {
    "BertEmbeddings": {
        "input_ids -> token_type_ids": (2, "their shape, and their device: the same of both"),
        "torch.arange(local_3, device=input_ids.device) -> torch.arange(local_3)": (
            1,
            "there is no second device here",
        ),
    },
    "attention": {
        "key.transpose(-2, -1) -> key.transpose(-1, -2)": (1, NO_DIRECTION),
        "-2 -> 2": (1, "of four dimensions"),
        "query -> key": (1, "queries and keys have one width"),
        "local_1 -> query": (1, SAME_TYPE),
        "local_1 -> key": (1, SAME_TYPE),
        "local_1 -> value": (1, SAME_TYPE),
    },
    "BertSelfAttention": {
        "vectors.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) -> "
        "vectors.unflatten(-1, (self.num_heads, -1)).transpose(2, 1)": (1, NO_DIRECTION),
        "local_5.transpose(1, 2) -> local_5.transpose(2, 1)": (1, NO_DIRECTION),
    },
    "BertEncoder": {
        "output_attentions -> local_1": (1, ONLY_SLOWER),
        "output_attentions -> local_2": (1, ONLY_SLOWER),
    },
    "BertPreTrainedModel": {
        "classmethod(bert_weights.load) -> bert_weights.load": (1, "test_bert_checkpoints.py's"),
    },
    "BertModel": {
        "attention_mask is not None and (not attention_mask.all()) -> attention_mask is not None": (
            1,
            ONLY_SLOWER,
        ),
    },
}


def part_of(tree: ast.Module, name: str) -> ast.AST:
    for node in tree.body:
        targets = getattr(node, "targets", ())
        if getattr(node, "name", None) == name or any(t.id == name for t in targets):
            return node
    raise LookupError(name)


def damages(node: ast.AST, inside: ast.AST):
    """Yield what could stand, wrongly, in the place of an expression."""
    if isinstance(node, ast.Call):
        if len(node.args) == 1 and not node.keywords:
            yield node.args[0]  # the call left out
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) != "nn":
            yield node.func.value  # the method left out
        for place in range(len(node.keywords)):
            yield ast.Call(node.func, node.args, node.keywords[:place] + node.keywords[place + 1 :])
        for place in range(len(node.args) - 1):
            one, other = node.args[place : place + 2]
            arguments = [*node.args[:place], other, one, *node.args[place + 2 :]]
            yield ast.Call(node.func, arguments, node.keywords)
    elif isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
        if type(node.op) in OTHER_OPERATOR:
            yield ast.BinOp(node.left, OTHER_OPERATOR[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.BoolOp):
        yield from node.values
    elif isinstance(node, ast.Compare):
        yield ast.UnaryOp(ast.Not(), node)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        for other in siblings(node, inside):
            yield ast.Attribute(node.value, other, ast.Load())
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for other in names_beside(node, inside):
            yield ast.Name(other, ast.Load())


def siblings(node: ast.Attribute, inside: ast.AST) -> list[str]:
    """Attributes that one could take for this one: of the same config, or of the same self."""
    owner = ast.unparse(node.value)
    if owner in ("config", "self.config"):
        kinds = {each.name: each.type for each in fields(utils.bert.BertConfig)}
        same = [name for name, kind in kinds.items() if kind == kinds.get(node.attr)]
    else:
        stored = [n for n in ast.walk(inside) if isinstance(n, ast.Attribute)]
        stored = [
            n for n in stored if isinstance(n.ctx, ast.Store) and ast.unparse(n.value) == owner
        ]
        same = list(dict.fromkeys(n.attr for n in stored))
    if node.attr not in same:
        return []
    return [name for name in same if name != node.attr]


def mutants(name: str):
    """Yield (damage in words, tree) for each way of damaging a part of the file."""
    original = part_of(TREE, name)
    hints = set(type_hints(original))

    def damaged(number, change):
        tree = copy.deepcopy(TREE)
        change(tree, list(ast.walk(part_of(tree, name)))[number])
        return tree

    for number, node in enumerate(ast.walk(original)):
        if node in hints:
            continue
        for replacement in damages(node, original):
            words = f"{ast.unparse(node)} -> {ast.unparse(replacement)}"
            if ast.unparse(node) != ast.unparse(replacement):
                yield (
                    words,
                    damaged(number, lambda tree, twin, r=replacement: replace(tree, twin, r)),
                )
        if isinstance(node, ast.FunctionDef | ast.If | ast.For):
            for place, statement in enumerate(node.body):
                if not is_a_docstring(statement):
                    words = f"{ast.unparse(statement)} -> pass"
                    yield words, damaged(number, lambda _, twin, p=place: leave_out(twin, p))


def leave_out(node: ast.AST, place: int) -> None:
    node.body[place] = ast.Pass()


def type_hints(tree: ast.AST):
    """All nodes inside type hints, which may say what they like."""
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            if getattr(node, field, None) is not None:
                yield from ast.walk(getattr(node, field))


def is_a_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def replace(tree: ast.Module, old: ast.AST, new: ast.AST) -> None:
    new = copy.deepcopy(new)
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list) and any(each is old for each in value):
                setattr(parent, field, [new if each is old else each for each in value])


def built_from(tree: ast.Module) -> types.ModuleType:
    module = types.ModuleType("mutant_of_utils_bert")
    code = compile(ast.fix_missing_locations(tree), "mutant of utils/bert.py", "exec")
    exec(code, module.__dict__)
    return module


@functools.cache
def component_tests() -> list:
    """(name, test, arguments) of every component test."""
    found = []
    for name, test in vars(components).items():
        if name.startswith("test_") and callable(test):
            both = "written_out" in inspect.signature(test).parameters
            for arguments in [{"written_out": True}, {"written_out": False}] if both else [{}]:
                found.append((name, test, arguments))
    return found


def first_red(tree: ast.Module) -> str | None:
    """The first thing that notices: a test, or the file that cannot even be imported."""
    try:
        module = built_from(tree)
    except Exception:
        return "import"
    for name, test, arguments in component_tests():
        torch.manual_seed(0)
        try:
            test(bert=module, **arguments)
        except (Exception, pytest.fail.Exception):  # any red is a red
            return name
    return None


def test_the_source_itself_is_no_mutant():
    assert first_red(copy.deepcopy(TREE)) is None


def test_a_renamed_variable_changes_nothing():
    renamed = SOURCE.replace("embedded", "vectors")
    assert renamed != SOURCE
    assert ast.dump(with_numbered_locals(ast.parse(renamed))) == ast.dump(TREE)


def test_a_mutant_is_found():
    words, tree = next(each for each in mutants("BertPooler") if each[0] == "0 -> 1")
    assert first_red(tree).startswith("test_pooler")


@pytest.mark.weekly
@pytest.mark.parametrize("part", PARTS)
def test_every_mutant_is_found(part):
    unnoticed = Counter(words for words, tree in mutants(part) if first_red(tree) is None)
    allowed = {words: places for words, (places, _) in EQUIVALENT.get(part, {}).items()}
    lines = [f"{words}: {number}" for words, number in (unnoticed - Counter(allowed)).items()]
    assert not lines, f"no test notices, in {part}, at so many places:\n" + "\n".join(lines)
    gone = Counter(allowed) - unnoticed
    assert not gone, f"noticed by now, so strike it off EQUIVALENT: {dict(gone)}"
