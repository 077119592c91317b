"""What the site has beyond Jupyter Book: a Sphinx extension that `_config.yml` names.

cells        an address for every code cell, from its id
"""

from sphinx.application import Sphinx

from website import cells


def setup(app: Sphinx) -> dict:
    """Called by Sphinx before the build."""
    cells.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
