"""utils.checks: what a learner reads for each kind of answer."""

import sys

import pytest

from utils import checks
from utils.checks import Hint, check, exercise


@pytest.fixture(autouse=True)
def two_exercises(monkeypatch):
    """Register 99-1 (a function that counts characters) and 99-2 (a list of shape) for a test."""
    checks.known_ids()  # import every chapter's checks now, so that none lands in the copy
    monkeypatch.setattr(checks, "CHECKS", dict(checks.CHECKS))

    @exercise("99-1")
    def count(answer):
        if answer("两个") != 2:
            raise Hint("每个汉字算一个字符。")

    @exercise("99-2")
    def shape(answer):
        if answer.shape != (2, 3):
            raise Hint("形状应该是 (2, 3)。")


def said(capsys, exercise_id, answer):
    assert check(exercise_id, answer) is None
    text = capsys.readouterr().out
    assert text.count("\n") == 1 and "Traceback" not in text
    return text


def empty(text): ...


def documented(text):
    """Count the characters."""
    return ...


def passing(text):
    pass


def renamed(text):
    result = ...
    return result


def unfinished(text):
    raise NotImplementedError


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ...,
        documented,
        renamed,
        unfinished,
        lambda text: ...,
        [1, ...],
        (...,),
    ],
)
def test_untouched_stub(capsys, answer):
    assert said(capsys, "99-1", answer).startswith("✏️ 还没有动手")


def printing(text):
    print(len(text))


@pytest.mark.parametrize("answer", [empty, passing, printing])
def test_a_missing_return_is_named(capsys, answer):
    check("99-1", answer)
    assert f"`{answer.__name__}` 什么也没有返回" in capsys.readouterr().out


def test_none_may_be_the_answer_to_a_later_case(capsys):
    @exercise("99-3", none_too=True)
    def first_vowel(answer):
        if answer("bad") != "a" or answer("sky") is not None:
            raise Hint("没有元音时返回 None。")

    def vowel(text):
        return next((c for c in text if c in "aeiou"), None)

    assert said(capsys, "99-3", vowel).startswith("✅")


def test_a_forgotten_return_is_named_even_where_none_may_be_an_answer(capsys):
    @exercise("99-3", none_too=True)
    def first_vowel(answer):
        if answer("bad") != "a":
            raise Hint("a 是元音。")

    assert "什么也没有返回" in said(capsys, "99-3", passing)
    assert "a 是元音" in said(capsys, "99-3", lambda text: None if text else text)


def test_a_way_through_without_return_is_named(capsys):
    @exercise("99-3")
    def sign(answer):
        if answer(1) != 1 or answer(-1) != -1:
            raise Hint("正负号不对。")

    def half(number):
        if number > 0:
            return 1

    assert "有一条路没有遇到 `return`" in said(capsys, "99-3", half)


def test_a_none_within_the_function_is_traced_to_a_return(capsys):
    def add(text):
        return 1 + (lambda: None)()

    assert "哪个函数忘了 `return`" in said(capsys, "99-1", add)


def test_an_operation_that_pytorch_lacks_is_no_stub(capsys):
    def mean(text):
        raise NotImplementedError('"mean" not implemented for Long')

    assert "运行时出错了：NotImplementedError" in said(capsys, "99-1", mean)


def test_right_answer(capsys):
    assert said(capsys, "99-1", len) == "✅ 练习 99-1 通过。拿你的写法和参考答案比一比。\n"
    assert said(capsys, "99-1", lambda text: sum(1 for _ in text)).startswith("✅")


def test_wrong_answer_gets_the_hint(capsys):
    text = said(capsys, "99-1", lambda text: 3)
    assert text.startswith("⚠️ 还不对：每个汉字算一个字符。") and "再运行这一格" in text


def test_a_function_that_only_returns_its_argument_is_an_answer(capsys):
    assert said(capsys, "99-1", lambda text: text).startswith("⚠️ 还不对：每个汉字")


def test_a_raising_function_is_named_without_traceback(capsys):
    def broken(text):
        return int("一\n二")

    text = said(capsys, "99-1", broken)
    assert text.startswith("⚠️ 还不对：你的函数 `broken` 运行时出错了：ValueError: invalid literal")


def test_a_wrong_signature_is_the_learners_error(capsys):
    assert "TypeError" in said(capsys, "99-1", lambda: 2)


def test_an_answer_of_another_kind_is_no_crash(capsys):
    text = said(capsys, "99-2", 3)
    assert text.startswith("⚠️ 还不对：") and "AttributeError" in text and "类型或形状" in text


def test_the_stop_button_stops():
    def interrupted(text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("99-1", interrupted)


@pytest.mark.parametrize("unknown", ["99-9", "42-1", "5-1", "", None, 51])
def test_unknown_exercise_names_the_known_ones(unknown):
    with pytest.raises(
        ValueError, match=r"no exercise .*known exercises: .*99-1, 99-2.*Use the id"
    ):
        check(unknown, None)


def test_a_chapters_checks_are_imported_when_first_needed(monkeypatch, tmp_path):
    (tmp_path / "chapter98.py").write_text(
        "from utils.checks import exercise\n\n@exercise('98-1')\ndef any(answer): pass\n"
    )
    monkeypatch.setattr(checks, "__path__", [*checks.__path__, str(tmp_path)])
    assert "98-1" not in checks.CHECKS
    check("98-1", 1)
    assert "98-1" in checks.CHECKS
    monkeypatch.delitem(sys.modules, "utils.checks.chapter98")


@pytest.mark.parametrize(
    "answer",
    ["BD", "d, b", "（B）（D）", "B和D", '["B", "D"]', "B-D", "B\tD", ["B", "D"], {"b", "d"}],
)
def test_letters_may_be_written_in_any_way(answer):
    checks.judge(answer, "BD", dict.fromkeys("ABCD", "想一想。"))


@pytest.mark.parametrize("answer", ["BDE", "B1", "乙丁", "B 和 D 成立"])
def test_what_is_no_letter_of_a_statement_is_named(answer):
    with pytest.raises(checks.Hint, match="没有 [E1乙丁成]"):
        checks.judge(answer, "BD", dict.fromkeys("ABCD", "想一想。"))
