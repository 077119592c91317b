"""Pack the built site, the notebooks, the data and the models into one zip for a USB stick.

make zip                 # builds the site, then runs this
python scripts/pack.py   # packs the site that stands in _build/html
"""

import sys

from book.files import ROOT
from book.packing import PackingError, pack
from book.version import current_version


def main() -> None:
    """Write it below _build/, and say how large it is."""
    target = ROOT / f"_build/bert-in-practice-zh-{current_version(ROOT)}.zip"
    try:
        size = pack(target)
    except PackingError as error:
        sys.exit(f"error: {error}")
    print(f"✓ {target.relative_to(ROOT)}，{size / 1e6:.1f} MB；解开后双击 START.html")


if __name__ == "__main__":
    main()
