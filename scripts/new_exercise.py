"""Begin an exercise: cells in the chapter, a check, answers to test it with; all of it green.

    python scripts/new_exercise.py 05-N "数一数字符"
    python scripts/new_exercise.py 09-N "数一数字符" --chapter 09_more  # of two files the first

N is the next free number of the chapter; another is refused, and the right one named.

Then put your own exercise in the place of the skeleton's: the prompt, stub and solution in the
notebook, the check in utils/checks/chapterNN.py, another right answer and at least two wrong ones
with their hints in tests/exercises/chapterNN.py.
"""

import argparse
import sys

from book.files import ROOT
from book.skeletons import NotPossible, add_exercise
from book.tidy import tidy_file


def main(arguments: list[str] | None = None) -> int:
    """Write the skeleton and run its cells; the exit status is 1 if that is not possible."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "id", help="chapter and its next free number: two digits, a hyphen, a number"
    )
    parser.add_argument("title", nargs="?", default="新的一题", help="the heading, in Chinese")
    parser.add_argument("--chapter", default="", help="a file, where the chapter has several")
    options = parser.parse_args(arguments)
    try:
        files = add_exercise(options.id, options.title, options.chapter)
    except NotPossible as problem:
        parser.error(str(problem))
    ready = tidy_file(files[0])
    print("written: " + ", ".join(str(file.relative_to(ROOT)) for file in files))
    print("next: put your exercise in its place, then make tidy and make check")
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main())
