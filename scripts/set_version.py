"""Write the version through to every place that pins it; or say where it stands.

    python scripts/set_version.py 0.2.0

The version stands in `pyproject.toml`. What opens the course elsewhere takes the tag of that
version, `v0.2.0`: the Colab and Binder links, and the setup cell, which fetches the course in
Colab. So a notebook always meets the `utils` that it was run with, whatever main does meanwhile.
"""

import re
import sys

from book.files import ROOT
from book.version import VersionError, current_version, set_version


def main() -> None:
    """Write it; one line for each file that changed, and what is left to do by hand."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: python scripts/set_version.py 0.2.0   (now {current_version(ROOT)})")
    try:
        changed = set_version(sys.argv[1], ROOT)
    except VersionError as error:
        sys.exit(f"error: {error}")
    for path in changed:
        print(path.relative_to(ROOT))
    tag = f"v{re.sub('^v', '', sys.argv[1])}"
    print(f"{len(changed)} files now say {tag}. Commit them, and put the tag on that commit:")
    print(f"  git commit -am 'Release {tag}' && git tag {tag} && git push origin HEAD {tag}")


if __name__ == "__main__":
    main()
