"""The checks of the exercises can't be fooled: of each reference solution thousands of damaged ones.

Each must be refused, in words meant for a learner. What passes must stand, with the reason why it
is no mistake, in tests/exercises/equivalent_mutants.yml, and nothing else may stand there. A
solution that does not come to an end is stopped after so much work, not after so much time.
"""

import ast
import contextlib
import functools
import signal
import warnings
from collections import Counter

import mutants
import notebooks as nb
import pytest
import yaml
from exercise_cells import (
    EXERCISES,
    NOT_ATTEMPTED,
    NOTEBOOKS,
    PASSED,
    WRONG,
    answer_name,
    exercises_of,
    verdict,
)

from utils import checks
from utils.models import load_tokenizer

EQUIVALENT = yaml.safe_load(
    (nb.ROOT / "tests" / "exercises" / "equivalent_mutants.yml").read_text(encoding="utf8")
)
ENOUGH = 1.0  # seconds of the processor; the slowest right answer takes a third
SLOW = {"03-5"}  # trains a model: all of its mutants weekly, some of them always
STOPPED, RAISED = "stopped", "raised before the check"
CONFUSED = "检查答案时出错了"  # what check() says of an answer of a kind no check thought of

needs_a_timer = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="no timer of the processor's work on this system"
)


class Endless(BaseException):
    """Not an Exception, which check() would take for the learner's own."""


@contextlib.contextmanager
def stopped_when_endless():
    """Raise Endless in what has worked too long; a busy machine does not count as work."""

    def stop(*_):
        raise Endless

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, ENOUGH)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def solution_of(stem, exercise_id):
    """(code of the reference solution without the call of its check, the name of the answer)."""
    cells = exercises_of(NOTEBOOKS[stem])[exercise_id]
    tree = ast.parse(cells["solution"].source)
    calls = ("check(", "print(")
    tree.body = [each for each in tree.body if not ast.unparse(each).startswith(calls)]
    return ast.unparse(tree), answer_name(exercise_id, cells["check"])


def said_of(exercise_id, code, name):
    """What check() says of an answer, or why it was not asked."""
    try:
        with stopped_when_endless(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return verdict(exercise_id, code, name)
    except Endless:
        return STOPPED
    except Exception:  # the learner sees it in the cell of the answer
        return RAISED


def in_words(change, line):
    """A mutant as it stands in equivalent_mutants.yml: the change, and where, if not obvious."""
    return change if line in change else f"{change}  in  {line}"


@pytest.fixture(autouse=True)
def chapters(monkeypatch):
    monkeypatch.chdir(nb.CHAPTERS)
    # Read once, not for each of seven hundred answers.
    cached = functools.cache(load_tokenizer)
    monkeypatch.setattr("utils.checks.chapter12.load_tokenizer", cached)
    for variable in ("COURSE_PROFILE", "COURSE_DATA"):
        monkeypatch.delenv(variable, raising=False)


def survey(stem, exercise_id, step=1):
    """(the mutants that pass, counted, what check() had no words for) of every `step`-th mutant."""
    checks.find_check(exercise_id)  # what it imports is no work of the first mutant
    code, name = solution_of(stem, exercise_id)
    passed, confused = Counter(), []
    for change, line, tree in list(mutants.mutants(ast.parse(code)))[::step]:
        said = said_of(exercise_id, ast.fix_missing_locations(tree), name)
        words = in_words(change, line)
        if said.startswith(PASSED):
            passed[words] += 1
        elif CONFUSED in said or said.startswith(NOT_ATTEMPTED):
            confused.append(f"not understood: {words}: {said}")
    return passed, confused


def listed_of(exercise_id):
    """The equivalent mutants of an exercise, counted."""
    groups = EQUIVALENT.get(exercise_id, [])
    return Counter(words for group in groups for words in group["changes"])


@needs_a_timer
@pytest.mark.parametrize(
    ("stem", "exercise_id"),
    [
        pytest.param(*each, marks=pytest.mark.weekly if each[1] in SLOW else ())
        for each in EXERCISES
    ],
)
def test_every_mutant_is_refused(stem, exercise_id):
    passed, confused = survey(stem, exercise_id)
    listed = listed_of(exercise_id)
    nb.expect_none(
        [f"passes: {words}" for words in (passed - listed).elements()]
        + [f"listed, but no mutant that passes: {words}" for words in (listed - passed).elements()]
        + confused
    )


@needs_a_timer
@pytest.mark.parametrize(("stem", "exercise_id"), [each for each in EXERCISES if each[1] in SLOW])
def test_some_mutants_of_a_slow_exercise_are_refused(stem, exercise_id):
    passed, confused = survey(stem, exercise_id, step=7)
    unlisted = (passed - listed_of(exercise_id)).elements()
    nb.expect_none([f"passes: {words}" for words in unlisted] + confused)


def without_returns(code, name):
    """The code, whose answer computes everything and gives nothing back."""
    tree = ast.parse(code)
    answer = next(each for each in tree.body if getattr(each, "name", None) == name)
    for node in mutants.of_itself(answer):
        if isinstance(node, ast.Return):
            mutants.replace(tree, node, ast.Expr(node.value))
    return ast.fix_missing_locations(tree)


FUNCTIONS = [
    (stem, each)
    for stem, each in EXERCISES
    if f"def {solution_of(stem, each)[1]}(" in solution_of(stem, each)[0]
]


@pytest.mark.parametrize(("stem", "exercise_id"), FUNCTIONS)
def test_a_missing_return_is_named(stem, exercise_id):
    code, name = solution_of(stem, exercise_id)
    said = verdict(exercise_id, without_returns(code, name), name)
    assert said.startswith(WRONG) and f"`{name}` 什么也没有返回" in said


def test_the_table_of_equivalents_gives_reasons():
    strangers = set(EQUIVALENT) - {each for _, each in EXERCISES}
    assert not strangers, f"no such exercise: {sorted(strangers)}"
    for groups in EQUIVALENT.values():
        for group in groups:
            assert set(group) == {"why", "changes"} and len(group["why"]) > 10 and group["changes"]


# The proof that the tests above can fail, and what the maker makes.


def changes_of(code):
    return [change for change, _, _ in mutants.mutants(ast.parse(code))]


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("x = 0.8", "0.8 -> 1.6"),
        ("x = 3", "3 -> 4"),
        ("x = 'AB'", "'AB' -> 'A'"),
        ("x = a + b", "a + b -> a - b"),
        ("x = a - b", "a - b -> b - a"),
        ("x = a < b", "a < b -> a <= b"),
        ("x = a and b", "a and b -> a or b"),
        ("x = -a", "-a -> a"),
        ("x = y[:n]", ":n -> :n + 1"),
        ("x = y[i]", "y[i] -> y[i - 1]"),
        ("x = range(n)", "range(n) -> range(n + 1)"),
        ("x = f(a, b)", "f(a, b) -> f(b, a)"),
        ("x = y.sum(axis=1)", "y.sum(axis=1) -> y.sum()"),
        ("x = y.sum(1)", "1 -> 0"),
        ("x = y.strip()", "y.strip() -> y"),
        ("x = a if b else c", "a if b else c -> c if b else a"),
        ("if a:\n    b()", "a -> not a"),
        ("if a:\n    b()", "if a: -> pass"),
        ("while a:\n    b()", "a -> True"),
        ("x += 1", "x += 1 -> x = 1"),
        ("x = [a for a in b if c]", "if c -> no condition"),
        ("def f(a):\n    return a", "return a -> a"),
        ("def f(a, b):\n    return a", "a -> b"),
        ("x = {a, b}", "{a, b} -> {a}"),
        ("x = {1: a, 2: b}", "{1: a, 2: b} -> {1: a}"),
        ("self.a = self.b = 1\nx = self.a", "self.a -> self.b"),
    ],
)
def test_a_kind_of_damage_is_made(code, change):
    assert change in changes_of(code)


def test_no_mutant_is_made_twice_or_is_the_original():
    code = "def f(a, b):\n    return a[1:b] + (a if b else a)"
    texts = [ast.unparse(tree) for _, _, tree in mutants.mutants(ast.parse(code))]
    assert len(set(texts)) == len(texts) and ast.unparse(ast.parse(code)) not in texts


def test_what_may_say_what_it_likes_is_left_alone():
    code = 'def f(a: int) -> int:\n    """Twice a."""\n    return a'
    assert set(changes_of(code)) == {"return a -> a"}


def test_only_the_part_asked_for_is_damaged():
    tree = ast.parse("x = 1\ny = 2")
    changes = [change for change, _, _ in mutants.mutants(tree, tree.body[1])]
    assert changes == ["y = 2 -> pass", "2 -> 3", "2 -> 1"]


@needs_a_timer
def test_an_endless_answer_is_stopped(monkeypatch):
    monkeypatch.setattr("test_exercise_mutants.ENOUGH", 0.05)
    assert said_of("01-1", "def f(text):\n    while True:\n        pass", "f") == STOPPED


def test_an_answer_that_raises_on_its_own_is_no_pass():
    assert said_of("01-1", "f = nothing", "f") == RAISED
