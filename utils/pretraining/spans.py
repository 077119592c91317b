"""Span corruption, T5's objective: spans hidden behind sentinels, batches, measures.

Source: Raffel et al. 2020, arXiv 1910.10683, section 3.1.4.
"""

import random
from collections.abc import Iterable, Sequence

import torch
from torch.nn.functional import cross_entropy
from transformers import T5ForConditionalGeneration

from utils.pretraining.masking import IGNORE
from utils.pretraining.rows import padded
from utils.pretraining.text import sentinel_ids


def random_parts(total: int, parts: int, rng: random.Random) -> list[int]:
    """Cut `total` into `parts` positive whole numbers, all ways equally likely."""
    cuts = sorted(rng.sample(range(1, total), parts - 1))
    return [end - start for start, end in zip([0, *cuts], [*cuts, total], strict=True)]


def corrupt_spans(
    tokens: Sequence[int],
    sentinels: Sequence[int],
    rng: random.Random,
    rate: float = 0.15,
    mean_length: float = 3.0,
) -> tuple[list[int], list[int]]:
    """Replace random spans by one sentinel each: (source, target), without `</s>`.

    `rate` of the tokens go, in spans of `mean_length` on average, with kept tokens between
    them. The target lists each sentinel with what it hides and ends with one more:
    "谢谢 <0> 参加 <1> 聚会" and "<0> 邀请我 <1> 上周的 <2>".

    The text may begin or end with either kind. (T5's own code hides the end of every row. That
    does not matter in rows of 512 tokens; in a headline, which has room for one span, it would
    leave the model nothing to learn but to write on.)

    Raises:
        ValueError: no token at all.
    """
    if not tokens:
        raise ValueError("corrupt_spans: no tokens; drop empty texts first")
    hidden = min(max(round(len(tokens) * rate), 1), max(len(tokens) - 1, 1))
    kept = len(tokens) - hidden
    spans = min(max(round(hidden / mean_length), 1), max(kept, 1), len(sentinels) - 1)
    source, target, place = [], [], 0
    keeps = random_parts(kept + 2, spans + 1, rng)
    keeps[0] -= 1  # unlike the stretches between two spans, the first and the last may be empty
    for sentinel, keep, hide in zip(
        sentinels, keeps[:spans], random_parts(hidden, spans, rng), strict=False
    ):
        source += [*tokens[place : place + keep], sentinel]
        target += [sentinel, *tokens[place + keep : place + keep + hide]]
        place += keep + hide
    return [*source, *tokens[place:]], [*target, sentinels[spans]]


class TextToTextCollator:
    """Rows to a padded batch of sources and labels, both ended by `</s>`.

    A row with `labels` is a task and stays as it is; a row of `input_ids` alone is running
    text, whose spans are hidden anew whenever it is seen. With `seed` the spans are the same
    at every call on the same rows (for evaluation); rows that bring a `seed` of their own (those of
    `MappedRows`) have the spans that follow from it.
    """

    def __init__(self, tokenizer, seed: int | None = None):
        self.tokenizer, self.seed = tokenizer, seed
        self.sentinels, self.end = sentinel_ids(tokenizer), tokenizer.eos_token_id

    def __call__(self, rows: list[dict]) -> dict[str, torch.Tensor]:
        """`input_ids` and `attention_mask` (batch, source length), `labels` (batch, target length),
        `IGNORE` at the padding."""
        # torch's generator is the one that Trainer seeds and that a checkpoint restores.
        seed = torch.randint(2**31, ()).item() if self.seed is None else self.seed
        rng = random.Random(seed)
        pairs = []
        for row in rows:
            if "labels" in row:
                pairs.append((row["input_ids"], row["labels"]))
            else:
                own = random.Random(row["seed"]) if "seed" in row else rng
                pairs.append(corrupt_spans(row["input_ids"], self.sentinels, own))
        sources, targets = (
            padded(self.tokenizer, [{"input_ids": [*ids, self.end]} for ids in side])
            for side in zip(*pairs, strict=True)
        )
        labels = targets["input_ids"].masked_fill(targets["attention_mask"] == 0, IGNORE)
        return {**sources, "labels": labels}


@torch.no_grad()
def evaluate_text_to_text(
    model: T5ForConditionalGeneration, batches: Iterable[dict], signs: Sequence[int] = ()
) -> dict[str, float]:
    """Loss (nats a target token, given those before it) and accuracy, and how many tokens.

    `signs`: ids that do not count, such as the sentinels and `</s>`, which anybody can guess.
    """
    model.eval()
    loss = right = asked = 0
    for batch in batches:
        batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
        counted = ~torch.isin(batch["labels"], torch.tensor([IGNORE, *signs], device=model.device))
        logits, answers = model(**batch).logits[counted].float(), batch["labels"][counted]
        loss += cross_entropy(logits, answers, reduction="sum").item()
        right += (logits.argmax(-1) == answers).sum().item()
        asked += len(answers)
    return {"span_loss": loss / asked, "span_accuracy": right / asked, "tokens": asked}
