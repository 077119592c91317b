#!/usr/bin/env bash
# pip 25.2 + setuptools: a source package is installed or not by whether `wheel` lies beside it.
#
# Tried: pip 25.2 and 25.3, setuptools 80.9.0, wheel 0.45.1, seqeval 1.2.2, Python 3.11 and 3.12,
#   November 2026.
# Guess: `wheel` helps to build source packages, or is not needed; an empty environment and one with
#   setuptools and wheel, as conda and Binder make it, install the same package alike.
# Seen: without wheel pip builds in an isolated environment, and it works. Beside wheel pip 25.2 runs
#   setup.py in place; its setup_requires then fetches setuptools_scm as an egg, without what the
#   egg itself needs, and stops: No module named 'vcs_versioning'. pip 25.3 knows only the first way.
# In the course: environment.yml asks for pip 25.3, the Makefile says --use-pep517.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
pip() { "$python" -m pip --disable-pip-version-check "$@"; }
tried() {
  if pip install --no-deps --dry-run --no-cache-dir seqeval==1.2.2 >"$folder/said" 2>&1; then
    echo "builds"
  else
    grep -o "No module named .*" "$folder/said" | tail -1 || echo "fails otherwise"
  fi
}
pip install --quiet pip==25.2 setuptools==80.9.0 2>/dev/null
pip uninstall --quiet --yes wheel 2>/dev/null || true
alone=$(tried)
pip install --quiet wheel==0.45.1 2>/dev/null
beside=$(tried)
pip install --quiet pip==25.3 2>/dev/null
newer=$(tried)
echo "pip 25.2, without wheel: $alone"
echo "pip 25.2, beside wheel:  $beside"
echo "pip 25.3, beside wheel:  $newer"
case "$alone/$beside/$newer" in
builds/*vcs_versioning*/builds) echo "as described: a neighbour decides how pip builds" ;;
*) echo "changed: wheel's presence no longer decides" >&2; exit 1 ;;
esac
