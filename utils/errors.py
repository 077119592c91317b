"""What loading told: the library's report on weights as text, an error as one line.

The chapters silence the library so that its words do not stand between the lines. Where a
chapter wants them read, it asks here.
"""

import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

from transformers.utils import logging as library_log
from transformers.utils.loading_report import update_key_name  # groups layers; not documented


def attempt(action: Callable[[], object]) -> None:
    """Call `action()` and print one line: that it worked, or the kind and words of its error.

    Folders of this machine are shortened, so that the line is the same for every reader.
    """
    try:
        action()
    except Exception as error:
        words = " ".join(str(error).split())
        packages = sysconfig.get_paths()["purelib"]
        for folder in (packages, str(Path.cwd()), tempfile.gettempdir()):  # packages lie in others
            words = words.replace(folder, "...")
        print(f"{type(error).__name__}: {words[:200]}")
    else:
        print("没有报错")


def loading_report(auto_class: type, folder: str) -> str:
    """The weights that did not fit, one line each, when `auto_class.from_pretrained(folder)` loads.

    First what is MISMATCHED (of another shape), then what is MISSING (new, untrained weights),
    then what is UNEXPECTED (in the file, but of no use here). Layers with the same fate share a
    line, "encoder.layer.{2, 3}.x". Empty where every weight found its place.
    """
    before = library_log.get_verbosity()
    library_log.set_verbosity_error()  # or the library would print the same as a table
    try:
        _, found = auto_class.from_pretrained(folder, output_loading_info=True)
    finally:
        library_log.set_verbosity(before)
    fates = {
        "MISMATCH": [name for name, *_ in found["mismatched_keys"]],
        "MISSING": found["missing_keys"],
        "UNEXPECTED": found["unexpected_keys"],
    }
    return "\n".join(
        f"{fate:10s} {name}"
        for fate, names in fates.items()
        for name in sorted(update_key_name(sorted(names)))
    )
