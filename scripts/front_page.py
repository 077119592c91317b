"""Write the moving picture of the front page from what was measured.

python scripts/front_page.py    # after a change of results/blanks_while_training.json
"""

from book.files import ROOT
from book.front import PICTURE, write_picture


def main() -> None:
    """Write it; one line on whether the file changed."""
    changed = write_picture()
    print(f"{PICTURE.relative_to(ROOT)}: {'written' if changed else 'as it was'}")


if __name__ == "__main__":
    main()
