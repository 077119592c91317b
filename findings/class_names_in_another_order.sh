#!/usr/bin/env bash
# datasets: a column of classes keeps its ids when the list of names changes, and its names are swapped.
#
# Tried: datasets 5.2.0, Python 3.11, November 2026.
# Guess: cast_column(label, ClassLabel(names=…)) on a column that is a ClassLabel already goes by
#   the names, as it does on a column of text: a "neg" stays "neg", wherever it stands in the list.
#   And map may turn ids into names in place: what the function returns is what the column holds.
# Seen: the cast keeps the numbers and changes the list above them. Every label now says the
#   opposite; nothing is raised. map goes the other way round: the names it gets are turned back
#   into ids at once, because the column's type stays, so "make them readable" has no effect.
#       was neg pos pos   cast to ["pos", "neg"]: pos neg neg
#       map(id -> name): [0, 1, 1], still a ClassLabel
#   (concatenate_datasets and interleave_datasets do notice: they refuse two orders.)
# Cure: align_labels_with_mapping for another order; a new column, or cast to string, for names.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 HF_HOME="$folder/hf" \
  "$folder/venv/bin/python" - <<'PY'
import sys

import datasets
from datasets import ClassLabel, Dataset

print("datasets", datasets.__version__)
old, new = ClassLabel(names=["neg", "pos"]), ClassLabel(names=["pos", "neg"])
text = Dataset.from_dict({"label": ["neg", "pos", "pos"]})


def names(dataset):
    return dataset.features["label"].int2str(dataset["label"][:])


rows = text.cast_column("label", old)
from_text = names(text.cast_column("label", new))
from_ids = names(rows.cast_column("label", new))
aligned = names(rows.align_labels_with_mapping({"pos": 0, "neg": 1}, "label"))
print("cast from text: ", *from_text)
print("cast from ids:  ", *from_ids)
print("aligned:        ", *aligned)
written = rows.map(lambda row: {"label": old.int2str(row["label"])})
print("map id to name: ", written["label"][:], written.features["label"])
if (from_text, from_ids, aligned) != (["neg", "pos", "pos"], ["pos", "neg", "neg"], ["neg", "pos", "pos"]):
    sys.exit("changed: a cast to another order goes by other rules now")
if written["label"][:] != [0, 1, 1]:
    sys.exit("changed: map keeps the names it is given now")
print("as described: the numbers stay, the names change places")
PY
