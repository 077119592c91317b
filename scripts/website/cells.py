"""An address for every code cell: `03_mlm_and_nsp.html#cell-blanks-table`; the setup folded.

A cell's id never changes once given, whatever comes before it. A page links to the cell that
keeps a promise as `[words](chapters/03_mlm_and_nsp.ipynb#cell-blanks-table)`; the strict build
fails where there is no such cell.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

# One line at 360 pixels.
SETUP_PROMPTS = ("展开准备代码（mini 或 full）", "收起准备代码")


def address_of(cell_id: str) -> str:
    """What stands behind # in a link to a cell."""
    return f"cell-{cell_id}"


def cell_ids(notebook: Path) -> list[str]:
    """The ids of all cells of a notebook, in their order."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return [cell.get("id", "") for cell in cells]


class GiveCellsAddresses(SphinxTransform):
    """Puts the addresses on the boxes of code cells, and notes them for MyST's links."""

    default_priority = 871  # before MyST (879) looks up what links point to

    def apply(self, **_) -> None:
        """Called by Sphinx on each page."""
        source = Path(self.env.doc2path(self.env.docname))
        if source.suffix != ".ipynb":
            return
        ids = cell_ids(source)
        slugs = self.env.metadata[self.env.docname].setdefault("myst_slugs", {})
        for box in self.document.findall(nodes.container):
            if box.get("nb_element") != "cell_code":
                continue
            address = address_of(ids[box["cell_index"]])
            box["ids"].append(address)
            self.document.ids[address] = box
            slugs[address] = (box.line, address, "")


class FoldSetup(SphinxTransform):
    """Folds the code of the setup cell to one line; what it prints stays.

    It is the same in every chapter and there is nothing in it to read. In the notebooks, where
    one chooses the profile in it, it is open.
    """

    default_priority = 872

    def apply(self, **_) -> None:
        """Called by Sphinx on each page."""
        for box in self.document.findall(nodes.container):
            if box.get("nb_element") == "cell_code" and "tag_setup" in box["classes"]:
                box["hide_mode"] = "input"  # as the tag hide-input does; MyST-NB wraps it later
                box["prompt_show"], box["prompt_hide"] = SETUP_PROMPTS


def setup(app: Sphinx) -> None:
    """Called by Sphinx before the build."""
    app.add_transform(GiveCellsAddresses)
    app.add_transform(FoldSetup)
