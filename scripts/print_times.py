"""Write the measured times of results/times.json into the chapters, the READMEs and index.md.

make times CHAPTER=05              # measures, then runs this
python scripts/print_times.py      # after an edit of a page by hand
"""

import json
import sys

from book.files import ROOT
from book.times import TIMES, TimesError, pages


def main() -> None:
    try:
        written = pages(ROOT, json.loads(TIMES.read_text("utf-8")))
    except TimesError as error:
        sys.exit(f"error: {error}")
    for path, text in written.items():
        if text != path.read_text("utf-8"):
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"{path.relative_to(ROOT)} shows the measured times")


if __name__ == "__main__":
    main()
