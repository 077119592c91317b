"""What is wrong in a file: gathered while it is read, and told at once, in one line with the cure."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from utils.data.content import DataError

SHEETS = (".xlsx", ".xlsm")

TOLD = 5  # problems of a file that an error tells; of the others it says how many there are


class Problems:
    """What is wrong in a file of any size: how many lines, the first of them, and the last."""

    def __init__(self, problems: Iterable[tuple[int, str]] = ()):
        self.count, self.first, self.last = 0, [], 0
        for number, what in problems:
            self.add(number, what)

    def add(self, number: int, what: str) -> None:
        """Count a problem by the number of its line and what is wrong there."""
        self.count += 1
        if number > self.last:
            self.last = number
        if len(self.first) < TOLD or number < self.first[-1][0]:
            self.first.append((number, what))
            self.first.sort(key=lambda problem: problem[0])  # stable: those of one line stay
            del self.first[TOLD:]

    @classmethod
    def joined(cls, some: Iterable["Problems"]) -> "Problems":
        """Several as one; of one line, those of the first stand first."""
        some = list(some)
        found = cls(problem for each in some for problem in each.first)
        found.count = sum(each.count for each in some)
        found.last = max((each.last for each in some), default=0)
        return found

    def refuse(self, path: Path, cure: str, word: str = "row") -> None:
        """Raise one DataError for all of them, if there are any.

        Args:
            word: "row" of a table or "line" of another file.
        """
        if not self.count:
            return
        told = "; ".join(f"{word} {number}: {what}" for number, what in self.first)
        more = f" … ({self.count} in all)" if self.count > TOLD else ""
        raise DataError(f"{path}, {told}{more}; {cure}")


class Problem(NamedTuple):
    """What is wrong with one row of a file: a key of `PROBLEMS`, and what it is about."""

    number: int  # of the line; 0: the file holds one text
    kind: str
    detail: str = ""
    file: Path | None = None  # where the rows are from several files


# kind -> what is wrong and the cure, for the one line of an error. `{}` is the detail.
PROBLEMS = {
    "columns": (
        "{}",
        'put a text that holds a comma, tab or quote in quotes: "...", "" for a quote',
    ),
    "tab": (
        "no tab in it",
        "write label<TAB>text or text<TAB>id, or a CSV file with the columns text,label",
    ),
    "text": ("the text is empty", "fill it in or delete the row"),
    "label": ("the label is empty", "fill it in or delete the row"),
    "nan": (
        "the label {!r} is what programs write for an empty cell",
        "fill it in or delete the row; if it is a class, call it otherwise",
    ),
    "nan-text": (
        "the text {!r} is what programs write for an empty cell",
        "fill it in or delete the row",
    ),
    "several": ("the label is {}, not one class", "write one class name for each text"),
    "parts": ("the text is {}, not one text", "write one text for each label, as a string"),
    "header": ("the names of the columns once more", "delete the row"),
    "quotes": (
        "the label {} stands in quotes, those of other rows do not",
        "take the quotes away, there and around the text, or the blank before them",
    ),
    "cell": ("{}", "correct or delete the row"),
    "json": ("{}", "write one object a line, with a text and a label"),
    "file": ("{}", "mend these files or take them away"),
}


def refuse_problems(path: Path, problems: list[Problem], word: str = "row") -> None:
    """Raise one DataError for all rows that cannot be used, if there are any."""
    if not problems:
        return
    kinds = {problem.kind for problem in problems}
    in_sheet = path.name.lower().endswith(SHEETS) and bool(kinds & {"text", "label"})
    cure = PROBLEMS[kinds.pop()][1] if len(kinds) == 1 else "correct or delete these rows"
    if in_sheet:  # what else an empty cell of a sheet can be
        cure += " (merged cells: unmerge them and fill down; formulas: open it in Excel and save)"
    if problems[0].file is not None:  # a file for each text
        first, *others = problems
        what = PROBLEMS[first.kind][0].format(first.detail)
        names = ", ".join(str(other.file.relative_to(path)) for other in others[:4])
        dots = ", …" if len(others) > 4 else ""
        more = f" (and {len(others)} more files: {names:.200}{dots})" if others else ""
        raise DataError(f"{first.file}: {what}{more}; {cure}")
    told = [(each.number, PROBLEMS[each.kind][0].format(each.detail)) for each in problems]
    Problems(told).refuse(path, cure, word)
