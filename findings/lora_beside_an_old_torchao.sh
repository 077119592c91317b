#!/usr/bin/env bash
# peft + torchao: LoRA on an ordinary linear layer fails because of a package that nobody imports.
#
# Tried: peft 0.21.2, torchao 0.10.0, torch 2.13.0, Python 3.11, November 2026.
# Guess: torchao quantises; who quantises nothing does not notice whether it is installed, or which
#   version. At worst peft offers less.
# Seen: get_peft_model asks for each layer whether it is one of torchao's, and with a torchao older
#   than 0.16 that question itself raises ImportError: the model is a plain nn.Linear in float32.
#   Without torchao the same five lines work. Colab ships torchao, so there LoRA stops at its
#   first line on a notebook that never mentions the package.
# In the course: the setup cell of chapter 10 removes an old torchao in Colab.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0 peft==0.21.2
cat >"$folder/lora.py" <<'PY'
import peft
import torch

model = torch.nn.Sequential(torch.nn.Linear(4, 4))
try:
    peft.get_peft_model(model, peft.LoraConfig(target_modules=["0"]))
    print(f"peft {peft.__version__}: LoRA is in")
except ImportError as error:
    print(f"peft {peft.__version__}: ImportError: {error}")
PY
export HF_HUB_OFFLINE=1 HF_HOME="$folder/hf"
without=$("$folder/venv/bin/python" "$folder/lora.py" 2>/dev/null)
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps torchao==0.10.0
beside=$("$folder/venv/bin/python" "$folder/lora.py" 2>/dev/null)
echo "without torchao: $without"
echo "beside 0.10.0:   $beside"
case "$without/$beside" in
*"LoRA is in/"*"ImportError"*torchao*) echo "as described: a plain layer is refused because of the neighbour" ;;
*) echo "changed: LoRA and an old torchao get on otherwise now" >&2; exit 1 ;;
esac
