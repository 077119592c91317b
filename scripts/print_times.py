"""Write the measured times of results/times.json into the chapters, the READMEs and index.md.

make times CHAPTER=05              # measures, then runs this
python scripts/print_times.py      # after an edit of a page by hand
"""

import sys

from book.files import ROOT
from book.times import TimesError, write_pages


def main() -> None:
    """Write them; one line for each page that changed."""
    try:
        changed = write_pages()
    except TimesError as error:
        sys.exit(f"error: {error}")
    for path in changed:
        print(f"{path.relative_to(ROOT)} shows the measured times")


if __name__ == "__main__":
    main()
