#!/usr/bin/env bash
# Sphinx: a Chinese site's index and its search page stem English words by different rules.
#
# Tried: Sphinx 7.4.7, jieba 0.42.1, snowballstemmer 3.0.1, Python 3.11, November 2026.
# Guess: whoever searches html_search_language = "zh" for a word of the page finds the page.
# Seen: the index is made with Snowball's newer English stemmer, the page's script holds the old
#   Porter stemmer. "https" stands in the index as it is; the script looks for "http" and finds
#   nothing, and since every word of a query must be found, a pasted error message with an
#   address in it finds nothing either.
#       in the index: ['https']
#       the page's stemmer: Porter Stemmer
# Cure: an index of our own, cut by the same rules in the build and in the browser
#   (scripts/website/words.py, site_assets/static/search_engine.js).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  sphinx==7.4.7 jieba==0.42.1 snowballstemmer==3.0.1
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import json
import re
import sys
from pathlib import Path

import sphinx
from sphinx.cmd.build import main

Path("source").mkdir()
Path("source/conf.py").write_text('language = "zh_CN"\nhtml_search_language = "zh"\n')
Path("source/index.rst").write_text("目录\n====\n\n报错里有 https 开头的地址。\n", encoding="utf8")
if main(["-q", "source", "site"]):
    sys.exit("changed: the site is not built")
script = Path("site/searchindex.js").read_text(encoding="utf8")
terms = json.loads(script[script.index("(") + 1 : script.rindex(")")])["terms"]
found = sorted(set(terms) & {"http", "https"})
page = Path("site/_static/language_data.js").read_text(encoding="utf8")
stemmer = re.search(r"Porter Stemmer", page)
print("Sphinx", sphinx.__version__)
print("in the index:", found)
print("the page's stemmer:", stemmer[0] if stemmer else "another")
if found != ["https"] or not stemmer:
    sys.exit("changed: index and page may agree by now")
print("as described: two stemmers")
PY
