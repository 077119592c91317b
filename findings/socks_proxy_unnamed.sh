#!/usr/bin/env bash
# transformers + huggingface_hub + httpx2: behind a SOCKS proxy, a right name is called wrong.
#
# Tried: transformers 5.23.0, huggingface-hub 2.4.0, httpx2 2.16.2, torch 2.13.0 (CPU), Python 3.11,
#   November 2026.
# Guess: with ALL_PROXY=socks5://…, as proxy programs set it, a client that cannot speak SOCKS says so;
#   and a model that is in the cache loads all the same, as it does where there is no network at all.
# Seen: the client fails while it is built, for want of the package socksio, before any request.
#       AutoConfig, not in the cache    OSError: "Can't load the configuration of …", a folder of the
#                                       same name, a correct path: no word of a proxy or of SOCKS
#       AutoTokenizer, in the cache     ImportError, though the files are there; AutoConfig loads
#       the same, without any network   loads
#       the same, HF_HUB_OFFLINE=1      loads
#   The ImportError advises `pip install httpx[socks]`. The client is httpx2 by now; the advice helps
#   only because the extra of the other package brings socksio along.
# Cure: pip install socksio, or HF_HUB_OFFLINE=1 for what is in the cache. The course's loaders look
#   for this cause and say so; the FAQ has the question.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 huggingface-hub==2.4.0 httpx2==2.16.2
cd "$folder"
cat > ask.py <<'PY'
import sys

from transformers import AutoConfig, AutoTokenizer

kind = {"config": AutoConfig, "tokenizer": AutoTokenizer}[sys.argv[1]]
try:
    print("loads:", type(kind.from_pretrained(sys.argv[2])).__name__)
except Exception as error:
    print(f"{type(error).__name__}: {error}")
PY
cat > cache.py <<'PY'
# A cache as the Hub's client leaves it: one small tokenizer of BERT.
import sys
from pathlib import Path

from transformers import BertConfig, BertTokenizer

commit = "0123456789abcdef0123456789abcdef01234567"
model = Path(sys.argv[1]) / "hub" / "models--someone--tiny"
snapshot = model / "snapshots" / commit
snapshot.mkdir(parents=True)
(model / "refs").mkdir()
(model / "refs" / "main").write_text(commit)
BertConfig(vocab_size=6).save_pretrained(snapshot)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"]
BertTokenizer({word: place for place, word in enumerate(words)}).save_pretrained(snapshot)
PY
export HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error HF_HUB_VERBOSITY=critical
unset ALL_PROXY all_proxy HTTP_PROXY http_proxy HTTPS_PROXY https_proxy NO_PROXY no_proxy HF_ENDPOINT
python="$folder/venv/bin/python -W ignore"
$python cache.py "$HF_HOME"
"$folder/venv/bin/pip" list --disable-pip-version-check 2> /dev/null | grep -i -E "^(transformers|huggingface|httpx|socksio)"
proxy=socks5://127.0.0.1:9
said() { echo "$1: $(tail -n 1 "$2" | cut -c1-400)"; }
ALL_PROXY=$proxy $python ask.py config someone/else > not_cached 2> /dev/null
said "a model that is not in the cache" not_cached
ALL_PROXY=$proxy $python ask.py tokenizer someone/tiny > cached 2> /dev/null
said "one that is" cached
ALL_PROXY=$proxy HF_HUB_OFFLINE=1 $python ask.py tokenizer someone/tiny > offline 2> /dev/null
said "the same with HF_HUB_OFFLINE=1" offline
# Nobody listens at this address: a machine without a network, on every machine.
HF_ENDPOINT=http://127.0.0.1:9 $python ask.py tokenizer someone/tiny > no_network 2> /dev/null
said "the same without a network" no_network
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "httpx[socks]==0.28.1"
ALL_PROXY=$proxy $python ask.py tokenizer someone/tiny > with_socksio 2> /dev/null
said "the same after the advised install" with_socksio
grep -q "^OSError" not_cached || { echo "changed: another error"; exit 1; }
! grep -qi -E "socks|proxy" not_cached || { echo "changed: the proxy is named"; exit 1; }
grep -q "^ImportError.*httpx\[socks\]" cached || { echo "changed: the cache is used"; exit 1; }
for file in offline no_network with_socksio; do
  grep -q "^loads" "$file" || { echo "changed: $file does not load"; exit 1; }
done
echo "as described: the cause is hidden, and what is in the cache does not load"
