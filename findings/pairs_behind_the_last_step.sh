#!/usr/bin/env bash
# sentence-transformers: with batches free of duplicates most pairs of a common text are never trained on.
#
# Tried: sentence-transformers 6.2.0, transformers 5.23.0, datasets 5.2.0, accelerate 1.15.0,
#   torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: batch_sampler="no_duplicates", which the manual recommends for MultipleNegativesRankingLoss,
#   deals the same pairs out into other batches. An epoch is an epoch: each pair once.
# Seen: a text that stands in many pairs fits once into a batch, so the sampler makes more and smaller
#   batches, but its length still says pairs / batch size, and the trainer stops there. What comes
#   last is left out: the pairs of the commonest texts, in every epoch, without a word. A set of
#   (text, name of its class) pairs is trained as if it were balanced, on less than half.
#       100 pairs in 4 classes of 70, 15, 10, 5; batches of 8; each of two epochs
#       default         100 pairs trained on, 70 of the largest class
#       no_duplicates    41 pairs trained on, 13 of the largest class, in 13 of 70 batches
#   (The other way, too few batches with drop_last, is known to the sampler, which warns.)
# Cure: smaller batches, or fewer pairs of one text: no text in more pairs than there are batches. The
#   course's contrastive_fine_tune refuses such pairs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 \
    transformers==5.23.0 sentence-transformers==6.2.0 datasets==5.2.0 accelerate==1.15.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import sys
from collections import Counter

import sentence_transformers
import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.sampler import NoDuplicatesBatchSampler
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from transformers import BertConfig, BertModel, BertTokenizer

classes = ["体育"] * 70 + ["财经"] * 15 + ["教育"] * 10 + ["科技"] * 5
texts = [f"t{number}" for number in range(100)]
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys("".join(classes)), *texts]
tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
BertModel(BertConfig(
    vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
)).save_pretrained("bert")
tokenizer.save_pretrained("bert")
model = SentenceTransformer("bert")
pairs = Dataset.from_dict({"anchor": texts, "positive": classes})


class Watched(MultipleNegativesRankingLoss):
    def forward(self, features, labels):
        rows = tokenizer.batch_decode(features[0]["input_ids"], skip_special_tokens=True)
        batches.append([int(row[1:]) for row in rows])
        return super().forward(features, labels)


print("sentence-transformers", sentence_transformers.__version__)
seen = {}
for sampler in ("batch_sampler", "no_duplicates"):
    batches = []
    SentenceTransformerTrainer(
        model,
        SentenceTransformerTrainingArguments(
            "out", num_train_epochs=2, per_device_train_batch_size=8, batch_sampler=sampler,
            use_cpu=True, report_to="none", save_strategy="no", logging_strategy="no", disable_tqdm=True,
        ),
        train_dataset=pairs,
        loss=Watched(model),
    ).train()
    half = len(batches) // 2
    for epoch in (batches[:half], batches[half:]):
        trained = {row for batch in epoch for row in batch}
        largest = Counter(classes[row] for row in trained)["体育"]
        seen.setdefault(sampler, []).append((len(trained), largest))
        print(f"{sampler}: {len(epoch)} batches, {len(trained)} different pairs, of the largest class {largest}")
sampler = NoDuplicatesBatchSampler(pairs, batch_size=8, drop_last=False, generator=torch.Generator())
says, makes = len(sampler), len(list(sampler))
print(f"the sampler says {says} batches and makes {makes}")
if seen["batch_sampler"] != [(100, 70)] * 2 or (says, makes) != (13, 70):
    sys.exit("changed: the default leaves pairs out, or the sampler's length is right")
if any(number > 60 or largest > 13 for number, largest in seen["no_duplicates"]):
    sys.exit("changed: all pairs are trained on")
print("as described: the trainer stops before the sampler does")
PY
