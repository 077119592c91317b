"""What the site has beyond Jupyter Book: a Sphinx extension that `_config.yml` names.

heads        what search engines and chats show of a page; sitemap.xml, robots.txt, 404.html
labels       the theme's English words in Chinese
styles       all style sheets in one, without the rules that no page uses
finishing    pages as they are sent: only the scripts they need, and what screen readers need
"""

from sphinx.application import Sphinx

from website import finishing, heads


def setup(app: Sphinx) -> dict:
    """Called by Sphinx before the build."""
    heads.setup(app)
    finishing.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
