"""scripts/pretrain.py in small: a text of invented sentences, options of a few seconds, its traces."""

import json
import random
import sys
from pathlib import Path

import pretrain
import pytest
import torch
from safetensors.torch import load_file

STEPS, SAVE_EVERY = 60, 10
OPTIONS = f"""--vocab-size 300 --layers 1 --hidden 32 --heads 2 --max-length 48 --short-length 32
    --batch-size 4 --steps {STEPS} --save-every {SAVE_EVERY} --seed 5
    --learning-rate 0.01""".split()


def corpus(path: Path) -> Path:
    """160 documents of two to four sentences, out of 48 that the lists below give."""
    rng = random.Random(6)  # which leaves five of them to hold out
    who, does = ["球队", "银行", "学校", "医院"], ["公布了", "推迟了", "准备好"]
    what = ["新的计划。", "比赛结果。", "秋天的安排。", "利率的变化。"]
    sentences = [a + b + c for a in who for b in does for c in what]
    documents = ["\n".join(rng.sample(sentences, rng.randint(2, 4))) for _ in range(160)]
    path.write_text("\n\n".join(documents), encoding="utf8")
    return path


def command(folder: Path, text: Path, *more) -> list[str]:
    places = ["--output", folder / "models/small", "--work", folder / "work"]
    return [str(part) for part in ["pretrain.py", "--text", text, *places, *OPTIONS, *more]]


def start(folder: Path, text: Path, *more) -> Path:
    """Run the script in this process; the folder of the finished model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", command(folder, text, *more))
        pretrain.main()
    return folder / "models/small"


def log(folder: Path) -> list[dict]:
    lines = (folder / "work/log.jsonl").read_text(encoding="utf8").splitlines()
    return [json.loads(line) for line in lines]


def evaluated(rows: list[dict]) -> list[int]:
    """The steps at which a run was evaluated, each once."""
    return list(dict.fromkeys(row["step"] for row in rows if "eval_mlm_loss" in row))


def losses(rows: list[dict]) -> list[tuple]:
    return [
        (row["step"], name, row[name])
        for row in rows
        for name in ("loss", "grad_norm", "eval_mlm_loss", "eval_nsp_accuracy")
        if name in row
    ]


def same_weights(one: Path, other: Path) -> bool:
    one, other = (load_file(folder / "model.safetensors") for folder in (one, other))
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
