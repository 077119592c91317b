"""Begin a chapter: a notebook with one exercise, in the contents and on the front page; all green.

    python scripts/new_chapter.py 13_more_data --part 实战 --title 更多数据 --english "More data"

The notebook is run once, for its outputs and for the time it takes. Then put your own content in
the place of the skeleton's; `make times CHAPTER=13` measures anew and writes it on the pages.
"""

import argparse
import sys

from book.execute import run
from book.files import ROOT
from book.skeletons import PARTS, NotPossible, add_chapter
from book.times import TIMES, keep_to_two_cores, note_times, write_pages


def main(arguments: list[str] | None = None) -> int:
    """Write the skeleton and run it; the exit status is 1 if that is not possible."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", help="of the file, such as 13_more_data; it never changes")
    parser.add_argument("--part", default=list(PARTS)[-1], choices=PARTS)
    parser.add_argument("--title", default="新的一章", help="the heading, in Chinese")
    parser.add_argument("--english", default="A new chapter", help="the same for README.md")
    options = parser.parse_args(arguments)
    try:
        files = add_chapter(options.name, options.part, options.title, options.english)
    except NotPossible as problem:
        parser.error(str(problem))
    print("written: " + ", ".join(str(file.relative_to(ROOT)) for file in files))
    keep_to_two_cores()
    cost = run(files[0])
    if cost is None:
        return 1
    note_times(TIMES, files[0].stem, cost)
    write_pages()
    return 0


if __name__ == "__main__":
    sys.exit(main())
