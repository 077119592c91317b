"""What loading told: the library's report on weights as text, an error as one line.

The chapters silence the library so that its words do not stand between the lines. Where a
chapter wants them read, it asks here.
"""

import io
import logging
import re
import tempfile
from pathlib import Path

from transformers.utils import logging as library_log


def attempt(action) -> None:
    """Call `action()` and print one line: that it worked, or the kind and words of its error.

    Folders of this machine are shortened, so that the line is the same for every reader.
    """
    try:
        action()
    except Exception as error:
        words = " ".join(str(error).split())
        for folder in (str(Path.cwd()), tempfile.gettempdir()):
            words = words.replace(folder, "...")
        print(f"{type(error).__name__}: {words[:200]}")
    else:
        print("没有报错")


def loading_report(auto_class, folder: str) -> str:
    """The table that `auto_class.from_pretrained(folder)` logs of weights that did not fit.

    Rows are sorted, first what is MISSING (new, untrained weights), then what is UNEXPECTED (in
    the file, but of no use here). Empty where every weight found its place.
    """
    words = io.StringIO()
    handler = logging.StreamHandler(words)
    before = library_log.get_verbosity()
    library_log.disable_default_handler()
    library_log.add_handler(handler)
    library_log.set_verbosity_warning()
    try:
        auto_class.from_pretrained(folder)
    finally:
        library_log.set_verbosity(before)
        library_log.remove_handler(handler)
        library_log.enable_default_handler()
    # Layers with the same fate share a row, "encoder.layer.{2, 3}.x"; a terminal has the status in
    # colour.
    row = r"^(\S.*?) *\| *(?:\x1b\[[\d;]*m)?(MISSING|UNEXPECTED|MISMATCH)\b"
    rows = re.findall(row, words.getvalue(), re.M)
    return "\n".join(f"{status:10s} {name}" for status, name in sorted((s, n) for n, s in rows))
