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
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import test_bert_components as components
import torch
from mutants import mutants

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

SAME_TYPE = "one dtype in all of them"
ONLY_SLOWER = "the same result, with weights or a mask computed that nobody needs"
NO_DIRECTION = "a transposition has no direction"
WORDS = "the words of an error"
ITS_FILES = "test_bert_checkpoints.py's"
# part -> {damage: (how many places, why nobody could notice it)}
EQUIVALENT = {
    "BertEmbeddings": {
        "input_ids -> token_type_ids": (2, "their shape, and their device: the same of both"),
        "torch.arange(local_3, device=input_ids.device) -> torch.arange(local_3)": (
            1,
            "there is no second device here",
        ),
        "'input_ids: ' -> ''": (1, WORDS),
        "'input_ids: ' -> 'nput_ids: '": (1, WORDS),
        "'input_ids: ' -> 'input_ids:'": (1, WORDS),
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
        "'hidden_size must be a multiple of num_attention_heads; change one' -> "
        "'hidden_size must be a multiple of num_attention_heads; change on'": (1, WORDS),
    },
    "BertEncoder": {
        "output_attentions -> local_1": (1, ONLY_SLOWER),
        "output_attentions -> local_2": (1, ONLY_SLOWER),
    },
    "BertPreTrainedModel": {
        "classmethod(bert_weights.load) -> bert_weights.load": (1, ITS_FILES),
        "from_pretrained = classmethod(bert_weights.load) -> pass": (1, ITS_FILES),
        "save_pretrained = bert_weights.save -> pass": (1, ITS_FILES),
        "config_class = BertConfig -> pass": (1, ITS_FILES),
    },
    "BertModel": {
        "(:, None, None, :) -> (:, None, None)": (1, "the last dimension whole either way"),
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


def settings_beside(node: ast.Attribute) -> list[str]:
    """The other settings of a config that are of the same type."""
    if ast.unparse(node.value) not in ("config", "self.config"):
        return []
    kinds = {each.name: each.type for each in fields(utils.bert.BertConfig)}
    return [
        name for name, kind in kinds.items() if kind == kinds.get(node.attr) and name != node.attr
    ]


def mutants_of(name: str) -> Iterator[tuple[str, ast.Module]]:
    """(damage in words, tree) for each way of damaging a part of the file."""
    for change, _, tree in mutants(TREE, part_of(TREE, name), settings_beside):
        yield change, tree


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
    words, tree = next(each for each in mutants_of("BertPooler") if each[0] == "0 -> 1")
    assert first_red(tree).startswith("test_pooler")


@pytest.mark.weekly
@pytest.mark.parametrize("part", PARTS)
def test_every_mutant_is_found(part):
    unnoticed = Counter(words for words, tree in mutants_of(part) if first_red(tree) is None)
    allowed = {words: places for words, (places, _) in EQUIVALENT.get(part, {}).items()}
    lines = [f"{words}: {number}" for words, number in (unnoticed - Counter(allowed)).items()]
    assert not lines, f"no test notices, in {part}, at so many places:\n" + "\n".join(lines)
    gone = Counter(allowed) - unnoticed
    assert not gone, f"noticed by now, so strike it off EQUIVALENT: {dict(gone)}"
