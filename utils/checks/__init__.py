"""Checks for the exercises: `check("05-1", answer)` says in Chinese how an answer stands.

The checks of a chapter live in `utils/checks/chapterNN.py`, which is imported when the
first exercise of that chapter is checked. A check is a function that takes the answer and
raises `Hint` when the answer is wrong::

    from utils.checks import Hint, exercise

    @exercise("05-1")
    def majority_class(answer):
        if answer([1, 1, 2]) != 1:
            raise Hint("出现次数最多的类别应该排在第一位。")
"""

import dis
import functools
import importlib
import importlib.util
import inspect
import pkgutil
import re
import unicodedata
from collections.abc import Callable

CHECKS = {}  # exercise id -> function(answer)


class Hint(Exception):
    """A wrong answer; the message, in Chinese, tells the learner what to look at next."""


class NotAttempted(Exception):
    """The answer still holds the stub's `...`."""


class AnswerFailed(Exception):
    """The learner's own function raised; the original exception is the `__cause__`."""


def exercise(exercise_id: str, none_too: bool = False) -> Callable:
    """Register the decorated function `(answer) -> None` as the check of an exercise.

    Args:
        exercise_id: chapter and number, such as "05-1".
        none_too: None may be the right answer to a case, not only a forgotten `return`.
    """

    def register(function):
        CHECKS[exercise_id] = function
        function.none_too = none_too
        return function

    return register


class NotPassed(AssertionError):
    """What `grade` raises; Jupyter shows its message alone, without the lines of the check."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def check(exercise_id: str, answer: object) -> None:
    """Print one line in Chinese: passed, not attempted yet, or wrong and where to look.

    Nothing a learner does raises here, so that a notebook with open exercises runs through.

    Args:
        exercise_id: chapter and number, such as "05-1".
        answer: what the learner wrote: a function, a value, or still `...`.
    Raises:
        ValueError: an exercise that does not exist.
    """
    print(verdict(exercise_id, answer)[1])


def grade(exercise_id: str, answer: object) -> None:
    """As `check`, but whatever is not right raises: so assignments are graded.

    Raises:
        NotPassed: not attempted, or wrong; the message is what `check` would print.
        ValueError: an exercise that does not exist.
    """
    passed, message = verdict(exercise_id, answer)
    if not passed:
        raise NotPassed(message)
    print(message)


def verdict(exercise_id: str, answer: object) -> tuple[bool, str]:
    """Whether an answer passes, and one line in Chinese on it.

    Raises:
        ValueError: an exercise that does not exist.
    """
    test = find_check(exercise_id)
    try:
        if is_untouched(answer):
            raise NotAttempted
        test(watch(answer, getattr(test, "none_too", False)))
    except NotAttempted:
        message = "✏️ 还没有动手：把上面的 `...` 换成你的代码，运行那一格，再回来运行这一格。"
    except Hint as hint:
        message = f"⚠️ 还不对：{hint} 改好后先运行上面那一格，再运行这一格。"
    except AnswerFailed as failure:
        message = (
            f"⚠️ 还不对：你的函数 `{answer.__name__}` 运行时出错了：{describe(failure.__cause__)}。"
            f"{advice(failure.__cause__)}先在新的一格里单独调用它，看清是哪一行，再改。"
        )
    except Exception as error:  # an answer of a kind the check did not expect
        message = (
            f"⚠️ 还不对：检查答案时出错了：{describe(error)}。"
            "多半是答案的类型或形状与题目要求不同，请对照题目再看一遍。"
        )
    else:
        return True, f"✅ 练习 {exercise_id} 通过。拿你的写法和参考答案比一比。"
    return False, message


def close(value: object, expected: object) -> bool:
    """Equal numbers or arrays; things of another shape or kind are different."""
    import numpy as np

    try:
        value = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return False
    return value.shape == np.shape(expected) and np.allclose(value, expected, atol=1e-6)


def judge(answer: object, right: str, reasons: dict[str, str]) -> None:
    """Check which statements on a result hold, such as "AC": what to think of is said of each.

    Args:
        answer: letters, in one string or a collection of them, in any order, full width too.
        right: the letters of the statements that hold.
        reasons: letter -> what is said where it was wrongly chosen or left out.
    """
    if not isinstance(answer, (str, list, tuple, set, frozenset)):
        raise Hint('请写成一串字母，例如 "AC"。')
    written = unicodedata.normalize("NFKC", "".join(map(str, answer))).upper()
    letters = {char for char in written if char.isalnum()} - set("和与及")
    if strange := sorted(letters - set(reasons)):
        raise Hint(f"没有 {'、'.join(strange)} 这一句：请从 {'、'.join(reasons)} 里选。")
    for letter in reasons:
        if letter in letters ^ set(right):
            raise Hint(f"再看 {letter}。{reasons[letter]}")


def find_check(exercise_id: str) -> Callable:
    """The check function of an exercise, importing its chapter's module if need be.

    Raises:
        ValueError: an exercise that does not exist; the message lists those that do.
    """
    match = re.fullmatch(r"(\d\d)-\d+", str(exercise_id))
    if exercise_id not in CHECKS and match:
        module = f"{__name__}.chapter{match[1]}"
        if importlib.util.find_spec(module):
            importlib.import_module(module)
    if exercise_id not in CHECKS:
        known = ", ".join(known_ids()) or "none"
        raise ValueError(
            f"check(): no exercise {exercise_id!r}; known exercises: {known}. "
            "Use the id that stands in the exercise's check cell."
        )
    return CHECKS[exercise_id]


def known_ids() -> list[str]:
    """The ids of all exercises of all chapters, sorted."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return sorted(CHECKS)


def is_untouched(answer: object) -> bool:
    """Tell whether an answer is what a stub left: None or `...`, also inside a container."""
    if answer is None or answer is ...:
        return True
    if isinstance(answer, (list, tuple)):
        return any(part is ... for part in answer)
    if isinstance(answer, dict):
        return any(part is ... for part in answer.values())
    return False


def watch(answer: object, none_too: bool = False) -> object:
    """Wrap a learner's function so that its failures are told from those of the check.

    A function that gives nothing back lacks its `return`, on one way through it or on all.

    Args:
        answer: what the learner wrote; anything but a function is given back as it is.
        none_too: None may be the right answer to a case.
    """
    if not inspect.isfunction(answer):
        return answer

    silent = not returns_something(answer)
    no_return = (
        f"`{answer.__name__}` 什么也没有返回（返回值是 None）。"
        "算出来的结果要用 `return` 交出去，`print` 只是印在屏幕上。"
    )

    @functools.wraps(answer)
    def watched(*args, **kwargs):
        try:
            result = answer(*args, **kwargs)
        except Hint as hint:  # of a function that the check gave the learner to call
            raise Hint(no_return) if silent else hint from hint
        except NotImplementedError as error:
            if error.args:  # PyTorch's own, of an operation on a wrong type
                raise AnswerFailed from error
            raise NotAttempted from error
        except Exception as error:
            raise AnswerFailed from error
        if result is ...:  # the stub says `return ...`
            raise NotAttempted
        if result is None and silent:
            raise Hint(no_return)
        if result is None and not none_too:
            raise Hint(
                f"`{answer.__name__}` 有时什么也没有返回（返回值是 None）：有一条路没有遇到 `return`，"
                "或者 `return` 的是 `print(…)`、`….append(…)` 这样不交回东西的调用。"
            )
        return result

    return watched


def returns_something(function: Callable) -> bool:
    """Tell whether there is a `return` in a function that gives back anything but None."""
    steps = list(dis.get_instructions(inspect.unwrap(function)))
    return any(
        step.opname == "RETURN_VALUE"
        and not (before.opname == "LOAD_CONST" and before.argval is None)
        or step.opname == "RETURN_CONST"
        and step.argval is not None
        for before, step in zip(steps, steps[1:], strict=False)
    )


def advice(error: BaseException | None) -> str:
    """What to say of an error beyond its words: a None comes from a forgotten `return`."""
    if "NoneType" in str(error):
        return "有一处得到的是 None：多半是里面用到的哪个函数忘了 `return`。"
    return ""


def describe(error: BaseException | None) -> str:
    """`Type: message` on one line, without a traceback."""
    message = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {message}" if message else name
