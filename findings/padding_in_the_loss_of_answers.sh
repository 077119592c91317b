#!/usr/bin/env bash
# transformers: the loss of a question depends on how long its neighbours in the batch are.
#
# Tried: transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: with an attention_mask, padding changes nothing: the loss and the gradients of an example are
#   the same alone and beside a longer one, as they are for classes and for labels of tokens.
# Seen: the models for question answering take the softmax of start and end over all places of the row,
#   those of the padding too; the mask is not asked. One example of 8 tokens, a model with random
#   weights, padded to:
#         width                        8      16      32      64     128
#         BertForQuestionAnswering   2.14    2.87    3.56    4.27    4.96      about log(width)
#         token classification        .75     .75     .75     .75     .75      the same
#   The same for RoBERTa, ELECTRA, DistilBERT, DeBERTa-v2 and ALBERT. So padding to 384, as the scripts
#   do, dynamic padding and batches of similar length are three different losses; two loss curves can
#   be compared at one width alone. In an argmax by hand, places of padding take part as well.
# Cure: fill the logits at padding with -inf before the cross-entropy, or pad all rows to one width. The
#   course's `answer_questions` looks at places of the passage only; chapter 9 shows the loss.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0
cd "$folder"
OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error \
  "$folder/venv/bin/python" -W ignore - <<'PY'
import math
import sys

import torch
import transformers
from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoModelForTokenClassification

REAL, WIDTHS = 8, (8, 16, 32, 64, 128)
small = {
    "vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": 140, "embedding_size": 32, "pad_token_id": 0,
    "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "num_labels": 2,
}


def losses(auto, kind, labels_of):
    """The loss of one example of 8 tokens, padded to each width."""
    torch.manual_seed(0)
    model = auto.from_config(AutoConfig.for_model(kind, **small)).eval()
    ids = torch.tensor([[2, *range(10, 10 + REAL - 2), 3]])
    found = []
    for width in WIDTHS:
        row = torch.nn.functional.pad(ids, (0, width - REAL))
        mask = (row != 0).long()
        with torch.no_grad():
            output = model(input_ids=row, attention_mask=mask, **labels_of(width))
        found.append(output.loss.item())
    return found


def of_answer(width):
    return {"start_positions": torch.tensor([3]), "end_positions": torch.tensor([4])}


def of_tokens(width):
    labels = torch.full((1, width), -100)
    labels[0, 1 : REAL - 1] = 1
    return {"labels": labels}


print("transformers", transformers.__version__, "torch", torch.__version__)
print("padded to", *WIDTHS)
tokens = losses(AutoModelForTokenClassification, "bert", of_tokens)
print("labels of tokens, bert:", *(f"{each:.2f}" for each in tokens))
if max(tokens) - min(tokens) > 1e-4:
    sys.exit("changed: padding counts in the loss of tokens")
for kind in ("bert", "roberta", "electra", "distilbert", "deberta-v2", "albert"):
    found = losses(AutoModelForQuestionAnswering, kind, of_answer)
    print(f"answers, {kind}:", *(f"{each:.2f}" for each in found))
    if not all(abs(each - math.log(width)) < 0.3 for each, width in zip(found, WIDTHS, strict=True)):
        sys.exit("changed: the loss of an answer is not about the logarithm of the width")
print("as described: padding stands in the denominator")
PY
