"""Chapter 2 and utils/bert.py are the same code: the chapter's definitions stand the same tests."""

import ast
import inspect
import types
from pathlib import Path

import notebooks as nb
import pytest
import test_bert_components as components
import torch
import transformers
from bert_parity import first_difference, largest_difference, random_pairs, reference_output

import utils.bert

PATH = nb.CHAPTERS / "02_bert_architecture.ipynb"
pytestmark = pytest.mark.skipif(not PATH.exists(), reason="chapter 2 is not written yet")
NOT_THE_STORY = {"setup", "remove-cell", "exercise", "exercise-check", "solution"}
DEFINITIONS = (ast.ClassDef, ast.FunctionDef)


def definitions(source):
    """Return {name: node} of the classes, functions and constants that a source defines on top."""
    found = {}
    for node in ast.parse(source).body:
        names = [node.name] if isinstance(node, DEFINITIONS) else []
        if isinstance(node, ast.Assign):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
        for name in names:
            assert name not in found or not isinstance(node, DEFINITIONS), f"{name} defined twice"
            found[name] = node
    return found


def of_the_module():
    return definitions(Path(utils.bert.__file__).read_text(encoding="utf8"))


def of_the_chapter():
    cells = [
        cell for cell in nb.code_cells(nb.read(PATH)) if not NOT_THE_STORY & set(nb.tags(cell))
    ]
    return definitions("\n\n".join(cell.source for cell in cells))


def built_from_the_chapter():
    """A module of the chapter's definitions only, with the imports of utils/bert.py."""
    module_source = ast.parse(Path(utils.bert.__file__).read_text(encoding="utf8"))
    imports = [node for node in module_source.body if isinstance(node, ast.Import | ast.ImportFrom)]
    chapter, names = of_the_chapter(), list(of_the_module())
    body = imports + [chapter[name] for name in sorted(names, key=lambda n: chapter[n].lineno)]
    module = types.ModuleType("chapter_02")
    source = ast.fix_missing_locations(ast.Module(body=body, type_ignores=[]))
    exec(compile(source, "chapter 2", "exec"), module.__dict__)
    return module


@pytest.fixture(scope="module")
def chapter():
    return built_from_the_chapter()


def test_the_chapter_defines_all_of_utils_bert_and_the_same():
    ours, theirs = of_the_module(), of_the_chapter()
    assert len(ours) >= 18
    for name, node in ours.items():
        assert name in theirs, f"chapter 2 does not define {name}"
        assert ast.unparse(theirs[name]) == ast.unparse(node), f"chapter 2 has another {name}"


COMPONENT_TESTS = [name for name in vars(components) if name.startswith("test_")]


@pytest.mark.parametrize("name", COMPONENT_TESTS)
def test_component_of_the_chapter(name, chapter):
    test = getattr(components, name)
    both = "written_out" in inspect.signature(test).parameters
    for arguments in [{"written_out": True}, {"written_out": False}] if both else [{}]:
        test(bert=chapter, **arguments)


@pytest.mark.parametrize("written_out", [True, False])
def test_parity_of_the_chapter(written_out, chapter, tmp_path):
    """The chapter's classes, on a random checkpoint, against transformers."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 40, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 48}
    config = transformers.BertConfig(**sizes, num_hidden_layers=3, initializer_range=0.5)
    transformers.BertForPreTraining(config).save_pretrained(tmp_path)
    theirs = transformers.BertForPreTraining.from_pretrained(
        tmp_path, dtype=torch.float64, attn_implementation="eager"
    ).eval()
    ours, batch = chapter.BertForPreTraining.from_pretrained(tmp_path).double(), random_pairs(40)
    with torch.no_grad():
        result, wanted = ours(**batch, output_attentions=written_out), theirs(**batch)
        assert first_difference(result, reference_output(theirs, batch), batch, 1e-9) is None
    places = batch["attention_mask"].bool()
    logits = (result.prediction_logits, wanted.prediction_logits)
    assert largest_difference(*logits, places) < 1e-9
    pair_logits = (result.seq_relationship_logits, wanted.seq_relationship_logits)
    assert largest_difference(*pair_logits) < 1e-9
