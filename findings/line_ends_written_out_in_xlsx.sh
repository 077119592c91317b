#!/usr/bin/env bash
# openpyxl, pandas: a line end in a cell of Excel comes back as the seven characters "_x000D_".
#
# Tried: openpyxl 3.1.5, pandas 3.1.1, Python 3.11, November 2026.
# Guess: a reader of .xlsx gives the text that Excel shows. The format (ECMA-376, 22.9.2.19) writes
#   characters that XML would change as _xHHHH_, a carriage return as _x000D_, and a reader turns
#   them back.
# Seen: neither openpyxl nor pandas.read_excel does. Texts pasted into Excel from the web, and what
#   many ticket systems export, end their lines with CR LF; every such line then ends in "_x000D_",
#   which a tokenizer cuts into half a dozen tokens and a model learns as a word.
#       openpyxl: 'one_x000D_\ntwo'
#   openpyxl.utils.escape.unescape is there, and the reader does not call it.
# Here: the loaders call it (utils/data/tables.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openpyxl==3.1.5 pandas==3.1.1
"$folder/venv/bin/python" - <<'PY'
import io
import sys
import zipfile

import openpyxl
import pandas

print("openpyxl", openpyxl.__version__, "pandas", pandas.__version__)
plain, stream = io.BytesIO(), io.BytesIO()
book = openpyxl.Workbook()
book.active["A1"] = "here"
book.save(plain)
with zipfile.ZipFile(plain) as old, zipfile.ZipFile(stream, "w") as new:
    for name in old.namelist():  # what Excel writes for a cell of two lines that CR LF parts
        new.writestr(name, old.read(name).replace(b">here<", b">one_x000D_\ntwo<"))
read = openpyxl.load_workbook(stream).active["A1"].value
frame = pandas.read_excel(stream, header=None).iloc[0, 0]
print("openpyxl:", repr(read))
print("pandas:  ", repr(frame))
from openpyxl.utils.escape import unescape

print("unescape:", repr(unescape(read)))
if (read, frame, unescape(read)) != ("one_x000D_\ntwo", "one_x000D_\ntwo", "one\r\ntwo"):
    sys.exit("changed: the line end is read as a line end now")
print("as described: the line end stands there as seven characters")
PY
