"""From 「的」 to words: the same blanks answered again and again while a BERT is pretrained.

    python scripts/family.py prepare --data ../shared/data     # once
    python scripts/blanks_while_training.py                    # 10,000 steps of 256 rows
    python scripts/blanks_while_training.py --steps 2000

A twin of mini-bert-zh: its texts, shape and recipe (MLM and 0.2 × NSP, ten passes, the tenth in
longer rows, read again and again), in the loop of family.py, so with other random numbers. Writes
results/blanks_while_training.json: the five likeliest answers to each blank at some steps, the loss
of training every 10 steps, the loss on held-out text every 500.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from measurements.provenance import circumstances
from relatives.arms import ARMS
from relatives.arrays import Rows
from relatives.prepared import Data
from relatives.runs import RESULTS, rounded
from relatives.scores import scores_of
from relatives.training import read_log, train
from safetensors.torch import save_model
from torch import nn
from transformers import PreTrainedTokenizerBase

from utils.profile import course_root

# In each the answer is clear to a reader, and one or two characters are hidden.
SENTENCES = (
    ("中国的首都是北[MASK]。", "京"),
    ("今天天气很[MASK]，我们去公园散步。", "好"),
    ("这道菜的味[MASK]很好。", "道"),
    ("这部电[MASK]的票房超过了十亿元。", "影"),
    ("高考成[MASK]明天公布。", "绩"),
    ("我们要保护环[MASK]。", "境"),
    ("中国队以三比一战[MASK]了对手。", "胜"),
    ("球员在比赛中受[MASK]，被送往医院。", "伤"),
    ("央行宣布下调贷款[MASK]率。", "利"),
    ("房价持续上[MASK]。", "涨"),
    ("公司去年的净利[MASK]同比增长两成。", "润"),
    ("警方已对此案展开调[MASK]。", "查"),
    ("他毕业于北京大[MASK]。", "学"),
    ("一年有十二个[MASK]。", "月"),
    ("他因为生[MASK]没有来上班。", "病"),
    ("太阳从[MASK]边升起。", "东"),
    ("他是一位著名的[MASK][MASK]家。", "科学"),
    ("双方就此问题进行了深入的[MASK][MASK]。", "讨论"),
)
AT_STEPS = (0, 50, 100, 250, 500, 750, 1000, 1500, 2000, 3000, 5000, 7500, 10_000)
SHOWN = 5
PASSES = 10
LOG_EVERY = 10


@torch.inference_mode()
def answers(model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> list[list[list]]:
    """For each sentence and each of its blanks the `SHOWN` likeliest tokens and their chances."""
    model.eval()
    found = []
    for sentence, _ in SENTENCES:
        encoded = tokenizer(sentence, return_tensors="pt").to(model.device)
        logits = model(**encoded).prediction_logits[0]
        blanks = logits[encoded["input_ids"][0] == tokenizer.mask_token_id].float().softmax(-1)
        best = [blank.topk(SHOWN) for blank in blanks]
        found.append(
            [
                [
                    [tokenizer.convert_ids_to_tokens(int(token)), round(float(chance), 4)]
                    for token, chance in zip(each.indices, each.values, strict=True)
                ]
                for each in best
            ]
        )
    model.train()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--passes", type=int, default=PASSES, help="passes that are prepared")
    parser.add_argument("--work", type=Path, default=course_root() / "runs/family")
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches")
    parser.add_argument("--compiled", action="store_true", help="compile the trunk")
    parser.add_argument("--save-every", type=int, default=500, help="steps between checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=256, help="rows a step")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--scores", action="store_true", help="and what family.py scores")
    arguments = parser.parse_args()
    torch.set_num_threads(1 if torch.cuda.is_available() else torch.get_num_threads())
    data = Data(arguments.work, arguments.batch_size)
    rows = data.rows(arguments.seed, 0, passes=arguments.passes)
    folder = arguments.work / f"twin-{arguments.seed}-{arguments.steps}-{data.mark}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "answers.json"
    told = json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}

    def publish(log: list[dict], scores: dict | None = None) -> None:
        """Write the result as far as it is known."""
        about = about_run(log, rows, arguments)
        content = {"about": about, "blanks": blanks_of(told)} | curves_of(log)
        content |= {"scores": scores} if scores else {}
        write_whole(arguments.results / "blanks_while_training.json", layout(content))

    def visit(step: int, model: nn.Module) -> None:
        """Ask at some steps, and keep what is answered in case the run is interrupted."""
        if step in AT_STEPS or step == arguments.steps:
            told[str(step)] = answers(model, data.tokenizer)
            path.write_text(json.dumps(told, ensure_ascii=False), encoding="utf8")
            publish(read_log(folder) if step else [])

    model, log = train(
        ARMS["nsp"], arguments.seed, arguments.steps, rows, data, folder,
        log_every=LOG_EVERY, save_every=arguments.save_every, workers=arguments.workers,
        compiled=arguments.compiled, visit=visit,
    )  # fmt: skip
    save_model(model, str(folder / "model.safetensors"))
    publish(log)
    if arguments.scores:
        model.eval()
        scores = scores_of(model.bert, data.scores, arguments.seed, heads=model, nsp=True)
        publish(log, rounded(scores))


def about_run(log: list[dict], rows: Rows, arguments: argparse.Namespace) -> dict:
    """Command, machine, and how far the run has come."""
    done = log[-1]["step"] if log else 0
    return circumstances() | {
        "model": "a twin of mini-bert-zh: same texts, shape and recipe, other random numbers",
        "seed": arguments.seed,
        "steps": arguments.steps,
        "steps_done": done,
        "rows_a_step": arguments.batch_size,
        "tokens": int(read_tokens(rows, done, arguments.batch_size)),
        "seconds": log[-1]["seconds"] if log else 0,
    }


def blanks_of(told: dict[str, list]) -> list[dict]:
    """Each sentence, the word that was hidden, and the answers by step.

    Args:
        told: step -> what `answers` gave.
    """
    return [
        {
            "text": text,
            "expected": expected,
            "answers": {step: told[step][number] for step in sorted(told, key=int)},
        }
        for number, (text, expected) in enumerate(SENTENCES)
    ]


def curves_of(log: list[dict]) -> dict[str, list]:
    """The losses of training and on held-out text, a row each time they were logged."""
    columns = ["step", "mlm_loss", "nsp_loss"]
    held_out = ["held_out_mlm_loss", "held_out_mlm_accuracy"]
    return {
        "columns": columns,
        "training_loss": [[row[name] for name in columns] for row in log],
        "held_out_columns": ["step", "mlm_loss", "mlm_accuracy"],
        "held_out": [
            [row[name] for name in ["step", *held_out]] for row in log if held_out[0] in row
        ],
    }


def read_tokens(rows: Rows, steps: int, batch_size: int) -> int:
    """Tokens of text in the first so many batches, read from the front again after the last."""
    each = rows.text_tokens().reshape(-1, batch_size).sum(1)
    whole, rest = divmod(steps, len(each))
    return whole * each.sum() + each[:rest].sum()


def layout(content: dict) -> str:
    """JSON with one blank and one measure a line, so that it can be read and compared."""
    parts = []
    for name, value in content.items():
        if isinstance(value, list) and value and isinstance(value[0], (list, dict)):
            lines = ",\n".join("  " + json.dumps(each, ensure_ascii=False) for each in value)
            parts.append(f' "{name}": [\n{lines}\n ]')
        else:
            parts.append(f' "{name}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf8")
    partial.replace(path)


if __name__ == "__main__":
    main()
