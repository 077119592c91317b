"""What the site has beyond Jupyter Book: a Sphinx extension that `_config.yml` names.

anchors      an English address for every section, from site_assets/anchors.yml
crosslinks   "第 5 章" and "5.3 节" in the prose become links
words        text to the words it is found by; the same rules as in course_search.js
indexing     pages to sections, sections to the index in pieces that the browser fetches
"""

from sphinx.application import Sphinx

from website import anchors, crosslinks, indexing


def setup(app: Sphinx) -> dict:
    """Called by Sphinx before the build."""
    anchors.setup(app)
    crosslinks.setup(app)
    indexing.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
