"""chapters/facts.yml: every entry has a source, and those that can be recomputed are right."""

import re

import pytest
from notebooks import expect_none
from numbers_in_prose import load_facts, values

FACTS = load_facts()
RECOMPUTED = [fact for fact in FACTS if "check" in fact]
FIELDS = {"value", "what", "source", "chapters", "check"}


def ill_formed(fact):
    """Return what is wrong with an entry of facts.yml."""
    violations = [f"unknown field {name}" for name in sorted(set(fact) - FIELDS)]
    for name in ("value", "what", "source"):
        if not str(fact.get(name, "")).strip():
            violations.append(f"{name} is missing")
    if not re.search(r"\d", str(fact.get("value", ""))):
        violations.append("value holds no number")
    if not re.search(r"[\u4e00-\u9fff]", str(fact.get("what", ""))):
        violations.append("what is not in Chinese")
    if not re.search(r"https?://|\.\w{2,4}\b", str(fact.get("source", "a.md"))):
        violations.append("source is neither an address nor a file")
    if not all(isinstance(number, int) for number in fact.get("chapters", [])):
        violations.append("chapters is not a list of numbers")
    if "check" in fact and set(fact["check"]) != {"parameters", "config"}:
        violations.append("check must hold parameters and config")
    return violations


def count_parameters(check):
    """Return the parameters of a transformers class built without weights from a config."""
    import torch
    import transformers

    model_class = getattr(transformers, check["parameters"])
    with torch.device("meta"):
        model = model_class(model_class.config_class(**check["config"]))
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: str(fact["value"]))
def test_fact_is_well_formed(fact):
    expect_none(ill_formed(fact))


def test_each_value_stands_once():
    names = [str(fact["value"]) for fact in FACTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("fact", RECOMPUTED, ids=lambda fact: str(fact["value"]))
def test_fact_is_recomputed(fact):
    assert values(str(fact["value"])) == {count_parameters(fact["check"])}


def test_facts_to_recompute_include_the_published_models():
    assert {"109,482,240", "335,141,888"} <= {str(fact["value"]) for fact in RECOMPUTED}


@pytest.mark.parametrize(
    "bad",
    [
        {"value": 3, "what": "数"},
        {"value": "many", "what": "数", "source": "https://a.b"},
        {"value": 3, "what": "a number", "source": "https://a.b"},
        {"value": 3, "what": "数", "source": "somewhere"},
        {"value": 3, "what": "数", "source": "https://a.b", "sources": 1},
        {"value": 3, "what": "数", "source": "https://a.b", "chapters": ["05_thucnews"]},
        {"value": 3, "what": "数", "source": "https://a.b", "check": {"parameters": "BertModel"}},
    ],
)
def test_an_ill_formed_fact_is_found(bad):
    assert len(ill_formed(bad)) == 1


def test_a_wrong_count_is_found():
    small = {"num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 1, "vocab_size": 10}
    assert count_parameters({"parameters": "BertModel", "config": small}) != 109_482_240
