"""What the site has beyond Jupyter Book: a Sphinx extension that `_config.yml` names.

anchors      an English address for every section, from site_assets/anchors.yml
crosslinks   "第 5 章" and "5.3 节" in the prose become links
words        a text in the words it is found by; the same rules as in course_search.js
indexing     sections in an index of many small files, which the browser fetches as it needs them
cells        an address for every code cell, from its id; the setup cell folded to one line
heads        what search engines and chats show of a page; sitemap.xml, robots.txt, 404.html
labels       the theme's English words in Chinese
styles       all style sheets in one, without the rules that no page uses
tables       tables on a phone: closer figures, rows as cards
finishing    pages as they are sent: only the scripts they need, and what screen readers need
"""

from sphinx.application import Sphinx

from website import anchors, cells, crosslinks, finishing, heads, indexing


def setup(app: Sphinx) -> dict:
    """Called by Sphinx before the build."""
    anchors.setup(app)
    crosslinks.setup(app)
    indexing.setup(app)
    cells.setup(app)
    heads.setup(app)
    finishing.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
