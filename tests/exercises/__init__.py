"""Right and wrong answers to the exercises of each chapter, for tests/test_exercises.py."""


def changed(code: str, *changes: tuple[str, str]) -> str:
    """A longer answer with a slip: each (old, new) is put in at the one place where old stands."""
    for old, new in changes:
        assert code.count(old) == 1, f"{code.count(old)} places for {old!r} in:\n{code}"
        code = code.replace(old, new)
    return code
