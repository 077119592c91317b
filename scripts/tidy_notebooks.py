"""Tidy notebooks that an editor saved, so that a mended sentence is a diff of one line.

    python scripts/tidy_notebooks.py          # all of chapters/*.ipynb
    python scripts/tidy_notebooks.py 05       # the chapters whose names begin so

Cells whose code is as committed get their committed ids, outputs and counts back; exercises that
changed are run alone, a few seconds each. Where other code changed, the chapter has to be run:
the last line says so.
"""

import argparse
import sys

from book.files import find_notebooks
from book.tidy import tidy_file


def main(arguments: list[str] | None = None) -> int:
    """Tidy the notebooks named on the command line; the exit status is 1 if one must be run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="beginnings of names, or paths; default: all")
    paths = find_notebooks(parser.parse_args(arguments).names)
    ready = [tidy_file(path) for path in paths]
    return 0 if all(ready) else 1


if __name__ == "__main__":
    sys.exit(main())
