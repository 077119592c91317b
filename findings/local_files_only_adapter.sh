#!/usr/bin/env bash
# transformers: AutoModel.from_pretrained(…, local_files_only=True) asks the network where peft is
# installed.
#
# Tried: transformers 5.23.0, peft 0.21.2, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: with local_files_only=True nothing is asked of the Hub; a model that is not in the cache
#   fails at once.
# Seen: the search for adapter_config.json does not get the argument. One request goes out (and
#   without a network five retries, half a minute, before the error). AutoConfig and AutoTokenizer
#   ask for nothing; nor does AutoModel without peft.
#       AutoConfig: 0 requests
#       AutoModel: HEAD /example/not-there/resolve/main/adapter_config.json
# Cure: set HF_HUB_OFFLINE=1 before the import, or give a folder. Chapter 12 shows the error with
#   AutoConfig.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.13.0 transformers==5.23.0 peft==0.21.2
cd "$folder"
HF_HOME="$folder/hf" TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - <<'PY'
import http.server
import os
import sys
import threading

asked = []


class NotThere(http.server.BaseHTTPRequestHandler):
    """A Hub on this machine that has nothing, and notes what it is asked for."""

    def do_GET(self):
        if "not-there" in self.path:  # huggingface_hub also asks for things of its own
            asked.append(f"{self.command} {self.path}")
        self.send_response(404)
        self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), NotThere)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
os.environ.pop("HF_HUB_OFFLINE", None)

import peft
import transformers
from transformers import AutoConfig, AutoModel

seen = {}
for kind in (AutoConfig, AutoModel):
    asked.clear()
    try:
        kind.from_pretrained("example/not-there", local_files_only=True)
    except OSError:
        pass
    seen[kind.__name__] = list(asked)
print("transformers", transformers.__version__, "peft", peft.__version__)
for name, requests in seen.items():
    print(f"{name}: {'; '.join(requests) or '0 requests'}")
if seen["AutoConfig"] or not any("adapter_config.json" in each for each in seen["AutoModel"]):
    sys.exit("changed: AutoModel keeps to local files now, or AutoConfig does not")
print("as described: AutoModel asks for adapter_config.json")
PY
