#!/usr/bin/env bash
# peft: a BERT whose word embeddings were adapted too is another model after merge_and_unload.
#
# Tried: peft 0.21.2, transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: merging changes the form, not the function: the logits stay to 1e-5. Where it cannot be so,
#   because the input embeddings and the MLM head share one matrix, peft warns, as it does since
#   2024 (pull request 2025).
# Seen: LoRA on word_embeddings adds to what goes in, and only there; merged into the shared matrix it
#   adds to what comes out as well. The warning goes by names, embed_tokens and lm_head. In BERT and
#   its relatives these are word_embeddings and decoder, so there is none: not in
#   get_peft_model, not in merging, not in saving; and ensure_weight_tying=True finds nothing to tie.
#       loss of a small MLM on what it was trained on: with the adapter 0.21, merged 1.24
#       LoRA on the layers alone: the same before and after
# Cure: leave word_embeddings out of target_modules; or give the head a matrix of its own before
#   (decoder.weight = Parameter(decoder.weight.clone()), config.tie_word_embeddings = False). Compare
#   the logits once before and after.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 peft==0.21.2
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - <<'PY'
import sys
import warnings

import peft
import torch
import transformers
from transformers import BertConfig, BertForMaskedLM

transformers.logging.disable_progress_bar()
torch.manual_seed(0)
ids = torch.randint(5, 50, (8, 10))
hidden = ids.clone()
hidden[:, 4] = 4
labels = torch.where(hidden == 4, ids, -100)


def losses(modules, untied=False, **settings):
    """The loss with the adapter and after merging, and the warnings that speak of ties."""
    torch.manual_seed(1)
    model = BertForMaskedLM(BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        initializer_range=0.2,
    ))
    if untied:
        decoder = model.cls.predictions.decoder
        decoder.weight = torch.nn.Parameter(decoder.weight.detach().clone())
        model.config.tie_word_embeddings = False
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        config = peft.LoraConfig(r=8, lora_alpha=32, target_modules=modules, **settings)
        adapted = peft.get_peft_model(model, config)
        trained = [p for p in adapted.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=5e-3)
        for _ in range(300):
            adapted(input_ids=hidden, labels=labels).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        with torch.no_grad():
            before = adapted(input_ids=hidden, labels=labels).loss.item()
            merged = adapted.merge_and_unload()
            after = merged(input_ids=hidden, labels=labels).loss.item()
        merged.save_pretrained("merged")
    told = [str(warning.message) for warning in said if "tie" in str(warning.message)]
    return before, after, told


print("peft", peft.__version__, "transformers", transformers.__version__)
layers = ["query", "key", "value", "dense"]
everywhere = [*layers, "word_embeddings"]
seen = {
    "layers": losses(layers),
    "and word_embeddings": losses(everywhere),
    "ensure_weight_tying": losses(everywhere, ensure_weight_tying=True),
    "untied before": losses(everywhere, untied=True),
}
for name, (before, after, told) in seen.items():
    print(f"{name}: adapter {before:.3f}, merged {after:.3f}, warnings {told}")
changes = {name: after - before for name, (before, after, _) in seen.items()}
if abs(changes["layers"]) > 1e-3 or abs(changes["untied before"]) > 1e-3:
    sys.exit("changed: merging changes what it left alone before")
if changes["and word_embeddings"] < 1 or seen["and word_embeddings"][2]:
    sys.exit("changed: merged word embeddings are right now, or warned of")
print("as described: merging undoes the training, silently")
PY
