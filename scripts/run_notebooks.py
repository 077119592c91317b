"""Execute the chapters in place and store their outputs.

    python scripts/run_notebooks.py               # all of chapters/*.ipynb
    python scripts/run_notebooks.py 05 07_t5      # the chapters whose names begin so
    python scripts/run_notebooks.py --check 05    # execute, write nothing

Each notebook runs in a fresh kernel of this Python, from its own folder. The file is
replaced in one step, and only if every cell ran and the content changed.
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat
from book.execute import NotebookFailed, clear, execute
from book.files import find_notebooks, normalise, write

PROFILE_VARIABLES = ("COURSE_PROFILE", "COURSE_DATA")


def run(path: Path, check: bool = False, timeout: int = 600) -> bool:
    """Execute one notebook, store its outputs unless checking; did it run to the end?"""
    notebook = nbformat.read(path, as_version=4)
    clear(notebook)
    try:
        seconds, peak = execute(notebook, path.resolve().parent, timeout, path.stem)
    except NotebookFailed as failure:
        print(f"{path.name}: FAILED, file left as it was: {failure}", flush=True)
        return False
    if not check:
        write(normalise(notebook), path)
    print(f"{path.name}: {seconds:.0f} s, peak memory {peak / 2**30:.2f} GiB", flush=True)
    return True


def main(arguments: list[str] | None = None) -> int:
    """Run the notebooks named on the command line; the exit status is 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="beginnings of names, or paths; default: all")
    parser.add_argument("--check", action="store_true", help="execute, but write nothing")
    parser.add_argument("--timeout", type=int, default=600, help="seconds for one cell")
    options = parser.parse_args(arguments)
    if not options.check:
        # What is stored is what readers see: the default profile, on the course's own data.
        for variable in PROFILE_VARIABLES:
            if os.environ.pop(variable, None):
                print(f"{variable} is ignored: stored outputs are those of the default profile.")
    results = [run(path, options.check, options.timeout) for path in find_notebooks(options.names)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
