#!/usr/bin/env bash
# transformers: a question answering model takes the position -100 for the first token, not for "leave out".
#
# Tried: transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: -100 is what every loss of the library leaves out (classes of tokens, masked words, letters
#   to be written), and the manual says of start_positions: "Position outside of the sequence are not
#   taken into account for computing the loss." So a window without an answer gets -100 and -100,
#   and nothing is learned from it.
# Seen: positions are first clamped into 0 … length, and only those behind the end are left out. -100
#   becomes 0, which is [CLS]: the window counts, as one whose answer is "none". A model trained
#   on windows of long texts, most of which lack the answer, learns to say nothing.
#       loss of two rows, of which the second has the positions
#       0: 2.237    -100: 2.237    9, of 9 tokens: 2.247, as if the row were not there
#   (So in BERT, RoBERTa, ELECTRA, ALBERT, DeBERTa and ModernBERT.)
# Cure: leave such windows out of the data, or give both positions the length of the row.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import sys

import torch
import transformers

SIZE = dict(
    vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=32, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1,
    sep_token_id=2,
)
FAMILY = ["Bert", "Roberta", "Electra", "Albert", "DebertaV2", "ModernBert"]
LENGTH = 9
ids = torch.randint(5, 50, (2, LENGTH), generator=torch.Generator().manual_seed(0))


def losses(name):
    """The loss of two rows, the second with its answer at 0, -100, behind the end; of the first."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**SIZE)
    model = getattr(transformers, f"{name}ForQuestionAnswering")(config).eval()

    def loss(rows, *second):
        start, end = torch.tensor([3, *second]), torch.tensor([4, *second])
        with torch.no_grad():
            output = model(input_ids=ids[:rows], start_positions=start, end_positions=end)
        return round(output.loss.item(), 4)

    return loss(2, 0), loss(2, -100), loss(2, LENGTH), loss(1)


print("transformers", transformers.__version__, "torch", torch.__version__)
for name in FAMILY:
    first, minus, behind, alone = losses(name)
    print(f"{name}: answer at 0 {first}, at -100 {minus}", end=", ")
    print(f"behind the end {behind}, row left away {alone}")
    if not (first == minus != alone == behind):
        sys.exit(f"changed: {name} treats -100 or the places behind the end otherwise")
print("as described: -100 is trained as the first token")
PY
