"""Make slides of chapters: one HTML file each, which opens without a network.

python scripts/slides.py 05      # _build/slides/05_thucnews.html
python scripts/slides.py         # all of them
"""

import sys

from book.files import ROOT, find_notebooks
from book.slides import write_slides


def main() -> None:
    """Write them; a line for each."""
    for path in find_notebooks(sys.argv[1:]):
        print(f"✓ {write_slides(path).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
