"""Classes as text: tasks with a prefix, answers as words, answers kept to a list.

Source: Raffel et al. 2020, arXiv 1910.10683, section 2.4.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase, T5ForConditionalGeneration

from utils.pretraining import IGNORE

# What a task's text begins with, and what its classes are called in the answers; a class that is
# not listed is called by its own name.

NEWS_PREFIX, TOPIC_PREFIX, REVIEW_PREFIX = "分类：", "topic: ", "sentiment: "

REVIEW_ANSWERS = {"neg": "negative", "pos": "positive"}

TOPIC_ANSWERS = {  # the classes of news once more, in English
    "体育": "sports",
    "娱乐": "entertainment",
    "家居": "home",
    "房产": "property",
    "教育": "education",
    "时尚": "fashion",
    "时政": "politics",
    "游戏": "games",
    "科技": "technology",
    "财经": "finance",
}


def task_rows(dataset: Dataset, prefix: str, answers: dict[str, str] | None = None) -> list[dict]:
    """A classification data set as `source` and `target` texts: prefix + text -> class name."""
    names = dataset.features["label"].names
    return [
        {"source": prefix + text, "target": (answers or {}).get(names[label], names[label])}
        for text, label in zip(dataset["text"], dataset["label"], strict=True)
    ]


def encode_task(
    rows: Sequence[dict], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> list[dict]:
    """Token ids of both sides, without `</s>`, the source cut to leave room for it.

    Raises:
        ValueError: a tokenizer that cuts on the left, where the prefix stands that names the task.
    """
    if tokenizer.truncation_side == "left":
        raise ValueError(
            "encode_task: the tokenizer cuts long texts on the left, where the task's prefix stands; "
            "set tokenizer.truncation_side = 'right'"
        )
    options = {"add_special_tokens": False, "truncation": True, "max_length": max_length - 1}
    sources = tokenizer([row["source"] for row in rows], **options)["input_ids"]
    targets = tokenizer([row["target"] for row in rows], **options)["input_ids"]
    return [
        {"input_ids": source, "labels": target}
        for source, target in zip(sources, targets, strict=True)
    ]


@torch.no_grad()
def exact_answers(model: T5ForConditionalGeneration, batches: Iterable[dict]) -> float:
    """Share of the rows whose whole answer greedy decoding would write.

    Read off one pass: greedy decoding writes the answer exactly if each of its tokens is the
    likeliest one after those before it.
    """
    model.eval()
    right = rows = 0
    for batch in batches:
        batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
        missed = (model(**batch).logits.argmax(-1) != batch["labels"]) & (batch["labels"] != IGNORE)
        right += (~missed.any(-1)).sum().item()
        rows += len(missed)
    return right / rows


def only_these(
    labels: Sequence[str], tokenizer: PreTrainedTokenizerBase, start_id: int
) -> Callable:
    """`prefix_allowed_tokens_fn` for `generate`: the answer is one of `labels`, whatever
    the model would rather write. `start_id` is the decoder's first token."""
    paths = [[start_id, *tokenizer(label)["input_ids"]] for label in labels]  # with </s>

    def allowed(_, written: torch.Tensor) -> list[int]:
        so_far = written.tolist()
        nexts = {path[len(so_far)] for path in paths if path[: len(so_far)] == so_far[: len(path)]
                 and len(path) > len(so_far)}  # fmt: skip
        return sorted(nexts) or [tokenizer.pad_token_id]  # this row is finished, others are not

    return allowed
