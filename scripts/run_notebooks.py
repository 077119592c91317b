"""Execute the chapters in place and store their outputs.

    python scripts/run_notebooks.py               # all of chapters/*.ipynb
    python scripts/run_notebooks.py 05 07_t5      # the chapters whose names begin so
    python scripts/run_notebooks.py --check 05    # execute, write nothing
    python scripts/run_notebooks.py --times FILE  # the same, and note in FILE what it cost

Each notebook runs in a fresh kernel of this Python, from its own folder. The file is
replaced in one step, and only if every cell ran and the content changed.
"""

import argparse
import os
import sys
from pathlib import Path

from book.execute import run
from book.files import find_notebooks
from book.times import keep_to_two_cores, note_times

PROFILE_VARIABLES = ("COURSE_PROFILE", "COURSE_DATA")


def main(arguments: list[str] | None = None) -> int:
    """Run the notebooks named on the command line; the exit status is 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="beginnings of names, or paths; default: all")
    parser.add_argument("--check", action="store_true", help="execute, but write nothing")
    parser.add_argument("--times", type=Path, metavar="FILE", help="check, and note the cost")
    parser.add_argument("--timeout", type=int, default=600, help="seconds for one cell")
    options = parser.parse_args(arguments)
    options.check = options.check or bool(options.times)
    if options.times:
        keep_to_two_cores()
    if options.times or not options.check:
        # What is stored is what readers see: the default profile, on the course's own data.
        for variable in PROFILE_VARIABLES:
            if os.environ.pop(variable, None):
                print(f"{variable} is ignored: stored outputs are those of the default profile.")
    failed = 0
    for path in find_notebooks(options.names):
        cost = run(path, options.check, options.timeout)
        failed += cost is None
        if cost and options.times:
            note_times(options.times, path.stem, cost)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
