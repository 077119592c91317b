#!/usr/bin/env bash
# transformers + tokenizers: a Chinese word given to add_tokens is [UNK] for tokenize(), and an
# English one cuts other words in pieces.
#
# Tried: transformers 5.23.0, tokenizers 0.23.3, Python 3.11, November 2026.
# Guess: after add_tokens(["大模型", "AI"]) the tokenizer knows two words more; other words keep their
#   pieces, and convert_tokens_to_ids(tokenize(text)) gives what tokenizer(text) gives, as before.
# Seen: added words go through the normaliser too. BERT's puts blanks around Chinese characters, so
#   the token is called " 大  模  型 " in tokenize() and convert_ids_to_tokens(), while the vocabulary
#   has it as "大模型": turned back into ids it is [UNK], silently. And "AI", lowercased, is found
#   inside other words: "said" becomes s + ai + d, of which d begins a word of its own, without ##.
#       tokenizer(text)                        … 大模型
#       convert_tokens_to_ids(tokenize(text))  … [UNK]
#       said  before ['said']   after ['s', 'ai', 'd']
#   The maintainers take the blanks for right (huggingface/tokenizers issue 1165).
# Cure: AddedToken("大模型", normalized=False) for Chinese words; AddedToken("ai", single_word=True)
#   for Latin ones; get ids from tokenizer(text) only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.23.0 tokenizers==0.23.3
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - <<'PY'
import sys

import tokenizers
import transformers
from tokenizers import AddedToken
from transformers import BertTokenizer

print("transformers", transformers.__version__, "tokenizers", tokenizers.__version__)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"大模型用写asdi", "##i", "said"]


def read(text, *added):
    """Tokens; ids of the call; ids by way of the tokens; the last id's entry in the vocabulary."""
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(words)})
    tokenizer.add_tokens(list(added))
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    tokens = tokenizer.tokenize(text)
    entries = {i: word for word, i in tokenizer.get_vocab().items()}
    detour = tokenizer.convert_tokens_to_ids(tokens)
    return tokens, entries[ids[-1]], entries[detour[-1]]


seen = {
    "nothing added": read("said 用大模型"),
    "two words": read("said 用大模型", "大模型", "AI"),
    "as they should be": read(
        "said 用AI写大模型",
        AddedToken("大模型", normalized=False),
        AddedToken("ai", single_word=True),
    ),
}
for name, (tokens, called, detour) in seen.items():
    print(f"{name}: {tokens}, last id {called}, by way of tokenize() {detour}")
expected = {
    "nothing added": (["said", "用", "大", "模", "型"], "型", "型"),
    "two words": (["s", "ai", "d", "用", " 大  模  型 "], "大模型", "[UNK]"),
    "as they should be": (["said", "用", "ai", "写", "大模型"], "大模型", "大模型"),
}
if seen != expected:
    sys.exit("changed: added words are looked for or named otherwise now")
print("as described: two names for one token, and words cut by another word")
PY
