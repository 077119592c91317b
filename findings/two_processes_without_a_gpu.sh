#!/usr/bin/env bash
# accelerate: on a machine without a GPU, `--num_processes 2` and `--use_fsdp` are dropped silently.
#
# Tried: accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11, November 2026.
# Guess: `accelerate launch --cpu --num_processes 2 program.py` starts two processes, and
#   `accelerate launch --use_fsdp --num_processes 2` shards the model, or refuses where it cannot.
# Seen: the first starts one process, the second two that use plain data parallelism:
#   DistributedType is MULTI_CPU, and there is no FSDP plugin. Neither prints a warning about it.
#       --cpu --num_processes 2: 1 process, NO
#       --multi_gpu --num_processes 2: 2 processes, MULTI_CPU
#       --use_fsdp --fsdp_version 2 --num_processes 2: 2 processes, MULTI_CPU
#   (--cpu together with --use_fsdp is refused.)
# Cure: `--multi_gpu`, or torchrun, starts two processes on a processor, too. Look at
#   `accelerator.distributed_type` before you believe that FSDP was tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 accelerate==1.15.0
cd "$folder"
cat > program.py <<'PY'
from accelerate import Accelerator

accelerator = Accelerator(cpu=True)
if accelerator.is_main_process:
    print(accelerator.num_processes, accelerator.distributed_type.value)
PY
tried() {
  CUDA_VISIBLE_DEVICES= OMP_NUM_THREADS=1 "$folder/venv/bin/python" -m accelerate.commands.launch \
    "$@" program.py 2>/dev/null | tail -1
}
fsdp=(--use_fsdp --fsdp_version 2 --fsdp_auto_wrap_policy SIZE_BASED_WRAP --num_processes 2)
seen="$(tried --cpu --num_processes 2), $(tried --multi_gpu --num_processes 2), $(tried "${fsdp[@]}")"
"$folder/venv/bin/pip" list --format freeze 2>/dev/null | grep -E '^(torch|accelerate)='
echo "processes and kind, of --cpu, --multi_gpu, --use_fsdp: $seen"
if [ "$seen" != "1 NO, 2 MULTI_CPU, 2 MULTI_CPU" ]; then
  echo "changed: it was 1 NO, 2 MULTI_CPU, 2 MULTI_CPU"
  exit 1
fi
echo "as described: one process, and no FSDP"
