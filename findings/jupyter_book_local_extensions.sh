#!/usr/bin/env bash
# jupyter-book: an extension of one's own is left out in silence when any other one is named too.
#
# Tried: jupyter-book 1.0.4.post1, Python 3.11, November 2026.
# Guess: sphinx.local_extensions (name: folder) puts the folder on the path and loads the extension;
#   sphinx.config holds options of Sphinx, and the two have nothing to do with each other.
# Seen: with sphinx.config.extensions in the same file, its list takes the place of the list that
#   local_extensions had filled. The folder is on the path, the extension is not loaded, and no
#   line of the build names it.
#       local_extensions alone               loaded
#       and sphinx.config.extensions: [...], jupyter-book's own list  not loaded
# In the course: _config.yml names its extension in both places.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jupyter-book==1.0.4.post1
mkdir -p "$folder/book/own"
cd "$folder/book"
printf 'def setup(app):\n    print("own extension: loaded")\n' >own/greeting.py
printf '# A page\n\nText.\n' >page.md
printf 'format: jb-book\nroot: page\n' >_toc.yml
config='title: t
execute: {execute_notebooks: "off"}
sphinx:
  local_extensions: {greeting: own}'
seen=""
# The list of jupyter-book itself, but for two: one loads scripts of another host.
list="sphinx_togglebutton, sphinx_copybutton, myst_nb, jupyter_book, sphinx_external_toc"
list="$list, sphinx_design, sphinx_book_theme"
for more in "" "
  config: {extensions: [$list]}"; do
  echo "$config$more" >_config.yml
  output=$("$folder/venv/bin/jupyter-book" build . --all 2>&1)
  if grep -q "own extension: loaded" <<<"$output"; then answer=loaded
  elif grep -q greeting <<<"$output"; then answer="named"
  else answer="not loaded"; fi
  echo "${more:+and sphinx.config.extensions: }$answer"
  seen="$seen$answer/"
done
[ "$seen" = "loaded/not loaded/" ] || { echo "changed: both are loaded, or neither" >&2; exit 1; }
echo "as described: the second list takes the place of the first"
