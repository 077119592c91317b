#!/usr/bin/env bash
# accelerate: of a dict that holds a list, gather_for_metrics gathers the names, not the answers.
#
# Tried: accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: `gather_for_metrics({"id": ["a", "b"], "right": tensor})` gives one dict with the rows of
#   all processes, as it does for a dict of tensors; or it refuses.
# Seen: as soon as one value is no tensor, two processes get the list ["id", "right", "id", "right"]:
#   the keys, once for each process. The answers are gone, those in tensors too, without a word, and
#   `use_gather_object=True` changes nothing. One process gets its dict back, so that a trial on one
#   shows nothing. A plain list of strings is gathered as one expects.
# Cure: gather each value by itself, lists as lists: {k: gather_for_metrics(v) for k, v in d.items()}.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 accelerate==1.15.0
cd "$folder"
cat > program.py <<'PY'
import torch
from accelerate import Accelerator

accelerator = Accelerator(cpu=True)
rank = accelerator.process_index
tensors = accelerator.gather_for_metrics({"right": torch.tensor([rank, 1])})
mixed = accelerator.gather_for_metrics({"id": [f"a{rank}"], "right": torch.tensor([rank])})
apart = accelerator.gather_for_metrics([f"a{rank}"])
if accelerator.is_main_process:
    mixed = sorted(mixed) if isinstance(mixed, list) else "a dict"
    print(accelerator.num_processes, sorted(tensors["right"].tolist()), mixed, sorted(apart))
PY
export CUDA_VISIBLE_DEVICES= OMP_NUM_THREADS=1
one=$("$folder/venv/bin/python" program.py 2>/dev/null | tail -1)
two=$("$folder/venv/bin/torchrun" --nproc_per_node 2 program.py 2>/dev/null | tail -1)
"$folder/venv/bin/pip" list --format freeze 2>/dev/null | grep -E '^(torch|accelerate)='
echo "processes; a dict of tensors; a dict with a list; a list"
echo "$one"
echo "$two"
expected_one="1 [0, 1] a dict ['a0']"
expected_two="2 [0, 1, 1, 1] ['id', 'id', 'right', 'right'] ['a0', 'a1']"
if [ "$one" != "$expected_one" ] || [ "$two" != "$expected_two" ]; then
  echo "changed: it was $expected_one and $expected_two"
  exit 1
fi
echo "as described: two processes gather the names"
