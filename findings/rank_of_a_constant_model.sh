#!/usr/bin/env bash
# sentence-transformers: a model that gives every text the same vector has an MRR of 1.
#
# Tried: sentence-transformers 6.2.0, transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11,
#   November 2026.
# Guess: a collapsed model, which every training of sentence vectors risks, is found out by its score:
#   one relevant text among ten candidates by chance means an MRR@10 of 0.29. Equal scores count
#   as chance or as the worst case, and the order and the names of the texts do not count.
# Seen: RerankingEvaluator puts the relevant texts in front and sorts by torch.argsort, which leaves
#   equal scores in place if they are few (here 16): MRR is 1.0, while MAP and NDCG of the same call,
#   which know ties, say 0.1 and 0.45. With 17 candidates and more MRR was near 0.
#   InformationRetrievalEvaluator orders equal scores by the names of the documents: whether the
#   relevant ones are called a0, a1 … or z0, z1 … decides between a recall@10 of 1 and 0.
#       candidates 2, 4, 10, 16: MRR@10 1.0     17, 20, 50: at most 0.1
#       relevant a0 … a7: recall@10 1.0     z0 … z7: 0.0
#   Ties in part, by duplicates and by vectors of few bits, weigh as much as there are of them.
#   (Pull request 3989 of sentence-transformers, closed: too much code for an edge case.)
# Cure: read MAP beside MRR; try the evaluation on constant vectors once, as on shuffled labels.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 sentence-transformers==6.2.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" -W ignore - <<'PY'
import itertools
import sys

import sentence_transformers
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import (
    InformationRetrievalEvaluator,
    RerankingEvaluator,
)
from transformers import BertConfig, BertModel, BertTokenizer

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"明天有雨晴"]
bert = BertModel(BertConfig(
    vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=32,
))
last = bert.encoder.layer[-1].output.LayerNorm
last.weight.data.zero_()
last.bias.data.fill_(1)
bert.save_pretrained("model")
BertTokenizer(vocab={word: i for i, word in enumerate(words)}).save_pretrained("model")
model = SentenceTransformer("model")
texts = ["".join(letters) for letters in itertools.permutations("明天有雨晴", 4)]


def reranked(candidates):
    """MRR, MAP and NDCG with one relevant text among so many candidates."""
    samples = [
        {"query": texts[i], "positive": [texts[i + 1]], "negative": texts[i + 2 : i + 1 + candidates]}
        for i in range(8)
    ]
    scores = RerankingEvaluator(samples, at_k=10)(model)
    return [round(float(scores[name]), 3) for name in ("mrr@10", "map", "ndcg@10")]


def recall(name):
    """recall@10 where the relevant documents are called by this letter, fifty others by m."""
    queries = {f"q{i}": texts[i] for i in range(8)}
    corpus = {f"{name}{i}": texts[10 + i] for i in range(8)}
    corpus |= {f"m{i}": texts[20 + i] for i in range(50)}
    relevant = {f"q{i}": {f"{name}{i}"} for i in range(8)}
    scores = InformationRetrievalEvaluator(queries, corpus, relevant)(model)
    return float(scores["cosine_recall@10"])


print("sentence-transformers", sentence_transformers.__version__, "torch", torch.__version__)
print("distinct vectors:", len({tuple(vector) for vector in model.encode(texts).tolist()}))
few, many = {n: reranked(n) for n in (2, 4, 10, 16)}, {n: reranked(n) for n in (17, 20, 50)}
for n, (mrr, mean_precision, ndcg) in {**few, **many}.items():
    print(f"{n} candidates: MRR@10 {mrr}, MAP {mean_precision}, NDCG@10 {ndcg}")
front, back = recall("a"), recall("z")
print(f"recall@10 of documents called a…: {front}, called z…: {back}")
if few[10][0] != 1 or few[10][1] != 0.1:
    sys.exit("changed: MRR and MAP no longer differ where all scores are equal")
if front != 1 or back != 0:
    sys.exit("changed: equal scores are ordered otherwise by InformationRetrievalEvaluator")
print("as described: a constant model is the best, or the worst")
PY
