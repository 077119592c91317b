"""T5's side: a SentencePiece vocabulary, span corruption, tasks as text, answers kept to a list.

Source: Raffel et al. 2020, arXiv 1910.10683, sections 3.1.4 (denoising) and 2.4 (tasks as text).
"""

import io
import random
from collections.abc import Callable, Iterable, Sequence

import sentencepiece
import torch
from datasets import Dataset
from torch.nn.functional import cross_entropy
from transformers import T5ForConditionalGeneration, T5Tokenizer

from utils.masking import IGNORE

SENTINELS = 100  # <extra_id_0> … <extra_id_99>, as many as T5 has

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


# ---------------------------------------------------------------- vocabulary


def train_sentencepiece(
    texts: Iterable[str], vocab_size: int, max_length: int = 512
) -> T5Tokenizer:
    """Train a unigram vocabulary of ``vocab_size`` entries, the sentinels included.

    Text is taken as it is, capitals and full-width signs too, so that what the model writes
    can be put back into the text it was taken from.
    """
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        vocab_size=vocab_size - SENTINELS,
        character_coverage=0.9995,  # of Chinese; the rest is <unk>
        normalization_rule_name="identity",
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        input_sentence_size=100_000,
        shuffle_input_sentence=True,
        hard_vocab_limit=False,  # little text gives fewer pieces instead of an error
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    vocab = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(len(pieces))]
    # T5 numbers its sentinels from the end: <extra_id_0> has the highest id.
    vocab += [(f"<extra_id_{i}>", 0.0) for i in reversed(range(SENTINELS))]
    return T5Tokenizer(vocab=vocab, extra_ids=SENTINELS, model_max_length=max_length)


def sentinel_ids(tokenizer) -> list[int]:
    """Ids of <extra_id_0>, <extra_id_1>, …"""
    return tokenizer.convert_tokens_to_ids([f"<extra_id_{i}>" for i in range(SENTINELS)])


# ---------------------------------------------------------------- span corruption


def random_parts(total: int, parts: int, rng: random.Random) -> list[int]:
    """Cut ``total`` into ``parts`` positive whole numbers, all ways equally likely."""
    cuts = sorted(rng.sample(range(1, total), parts - 1))
    return [end - start for start, end in zip([0, *cuts], [*cuts, total], strict=True)]


def corrupt_spans(
    tokens: Sequence[int],
    sentinels: Sequence[int],
    rng: random.Random,
    rate: float = 0.15,
    mean_length: float = 3.0,
) -> tuple[list[int], list[int]]:
    """Replace random spans by one sentinel each: (source, target), without ``</s>``.

    ``rate`` of the tokens go, in spans of ``mean_length`` on average, with kept tokens between
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
    """Rows to a padded batch of sources and labels, both ended by ``</s>``.

    A row with ``labels`` is a task and stays as it is; a row of ``input_ids`` alone is running
    text, whose spans are hidden anew whenever it is seen. With ``seed`` the spans are the same
    at every call on the same rows (for evaluation).
    """

    def __init__(self, tokenizer, seed: int | None = None):
        self.tokenizer, self.seed = tokenizer, seed
        self.sentinels, self.end = sentinel_ids(tokenizer), tokenizer.eos_token_id

    def __call__(self, rows: list[dict]) -> dict[str, torch.Tensor]:
        # torch's generator is the one that Trainer seeds and that a checkpoint restores.
        seed = torch.randint(2**31, ()).item() if self.seed is None else self.seed
        rng = random.Random(seed)
        pairs = [
            (row["input_ids"], row["labels"])
            if "labels" in row
            else corrupt_spans(row["input_ids"], self.sentinels, rng)
            for row in rows
        ]
        sources = self.tokenizer.pad(
            [{"input_ids": [*source, self.end]} for source, _ in pairs],
            return_tensors="pt",
            pad_to_multiple_of=8,
        )
        targets = self.tokenizer.pad(
            [{"input_ids": [*target, self.end]} for _, target in pairs],
            return_tensors="pt",
            pad_to_multiple_of=8,
        )
        labels = targets["input_ids"].masked_fill(targets["attention_mask"] == 0, IGNORE)
        return {**sources, "labels": labels}


@torch.no_grad()
def evaluate_text_to_text(
    model: T5ForConditionalGeneration, batches: Iterable[dict], signs: Sequence[int] = ()
) -> dict[str, float]:
    """Loss (nats a target token, given those before it) and accuracy, and how many tokens.

    ``signs``: ids that do not count, such as the sentinels and ``</s>``, which anybody can guess.
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


# ---------------------------------------------------------------- tasks as text


def task_rows(dataset: Dataset, prefix: str, answers: dict[str, str] | None = None) -> list[dict]:
    """A classification data set as ``source`` and ``target`` texts: prefix + text -> class name."""
    names = dataset.features["label"].names
    return [
        {"source": prefix + text, "target": (answers or {}).get(names[label], names[label])}
        for text, label in zip(dataset["text"], dataset["label"], strict=True)
    ]


def encode_task(rows: Sequence[dict], tokenizer, max_length: int) -> list[dict]:
    """Token ids of both sides, without ``</s>``, the source cut to leave room for it."""
    options = {"add_special_tokens": False, "truncation": True, "max_length": max_length - 1}
    sources = tokenizer([row["source"] for row in rows], **options)["input_ids"]
    targets = tokenizer([row["target"] for row in rows], **options)["input_ids"]
    return [
        {"input_ids": source, "labels": target}
        for source, target in zip(sources, targets, strict=True)
    ]


# ---------------------------------------------------------------- answers kept to a list


def only_these(labels: Sequence[str], tokenizer, start_id: int) -> Callable:
    """``prefix_allowed_tokens_fn`` for ``generate``: the answer is one of ``labels``, whatever
    the model would rather write. ``start_id`` is the decoder's first token."""
    paths = [[start_id, *tokenizer(label)["input_ids"]] for label in labels]  # with </s>

    def allowed(_, written: torch.Tensor) -> list[int]:
        so_far = written.tolist()
        nexts = {path[len(so_far)] for path in paths if path[: len(so_far)] == so_far[: len(path)]
                 and len(path) > len(so_far)}  # fmt: skip
        return sorted(nexts) or [tokenizer.pad_token_id]  # this row is finished, others are not

    return allowed
