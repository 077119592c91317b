"""Pretraining GPT: running text, the next token as the answer everywhere, and its measures.

The model is BERT's own trunk with one change, a mask that hides what comes later, so that a
comparison with BERT compares what each is asked and nothing else. GPT-1 had the same blocks
(LayerNorm after the residual sum, GELU, learned positions): Radford et al. 2018.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch.nn.functional import cross_entropy
from transformers import BertLMHeadModel
from transformers.modeling_outputs import CausalLMOutput

from utils.pretraining.masking import IGNORE
from utils.pretraining.rows import CompactRows, Row, need_two, padded

# Positions whose logits are computed together. (256, vocabulary) stays in a processor's cache; all
# positions of a batch at once do not, and a step takes a quarter longer. An accelerator wants them
# all at once.
CHUNK = 32_768 if torch.cuda.is_available() else 256


def passages(
    documents: Sequence[list[list[int]]], max_length: int, rng: random.Random
) -> Iterator[tuple[list[int], int]]:
    """Cut documents into (tokens, last) of at most `max_length - 2` tokens, none left out.

    The first cut of a long document is at a random place, so that each pass cuts elsewhere.
    `last` is 1 where the document ends.
    """
    for document in documents:
        tokens = [token for sentence in document for token in sentence]
        for start, end in passage_places(len(tokens), max_length, rng):
            yield tokens[start:end], int(end == len(tokens))


def passage_places(length: int, max_length: int, rng: random.Random) -> Iterator[tuple[int, int]]:
    """Where `passages` cuts a document of so many tokens: (start, end) of each piece."""
    room = max_length - 2
    end = rng.randint(1, room) if length > room else room
    start = 0
    while start < length:
        yield start, min(end, length)
        start, end = end, end + room


def passage_row(tokens: list[int], last: int, cls: int | None, sep: int | None) -> dict:
    """`input_ids` of [CLS] and the tokens, with [SEP] where the document ends; no sign that is None."""
    start = [] if cls is None else [cls]
    end = [sep] if last and sep is not None else []
    return {"input_ids": [*start, *tokens, *end]}


class Passages(torch.utils.data.Dataset):
    """Running text in rows: [CLS] (the start sign), the tokens, [SEP] where the document ends.

    Item: dict of `input_ids` alone. Passes, lengths and the order of the rows: see `CompactRows`.
    A tokenizer without [CLS] and [SEP] (that of T5) gives rows without them.
    """

    def __init__(
        self,
        documents: Sequence[list[list[int]]],
        tokenizer,
        max_length: int = 256,
        **options,
    ):
        """Args:
            documents: sentences of token ids, as `encode_documents` gives them.
            tokenizer: the one they were encoded with.
            max_length: of a row, in tokens.
            options: `short_length`, `passes`, `batch_size`, `seed` of `CompactRows`.
        Raises:
            ValueError: fewer than two documents.
        """
        need_two(documents)
        self.cls, self.sep = tokenizer.cls_token_id, tokenizer.sep_token_id

        def cut(length: int, rng: random.Random) -> Iterator[Row]:
            for tokens, last in passages(documents, length, rng):
                yield tokens, (last,)

        self.rows = CompactRows(cut, max_length, **options)

    @property
    def ends(self) -> Sequence[int]:
        """How many tokens of the corpus the rows up to each one hold."""
        return self.rows.ends

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict:
        tokens, (last,) = self.rows[index]
        return passage_row(tokens, last, self.cls, self.sep)


class CausalCollator:
    """Rows to a padded batch whose labels are the tokens themselves; the model shifts them.

    Padding is on the right and ignored in the loss. No attention mask is needed there: with a
    causal mask no token sees what comes after it, so none sees the padding.
    """

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __call__(self, rows: list[dict]) -> dict[str, torch.Tensor]:
        """`input_ids` and `labels`, both (batch, length); labels are `IGNORE` at the padding."""
        batch = padded(self.tokenizer, [{"input_ids": row["input_ids"]} for row in rows])
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, IGNORE)
        return {"input_ids": batch["input_ids"], "labels": labels}


class BertForCausalPretraining(BertLMHeadModel):
    """BertLMHeadModel with the same weights and loss, computed a chunk of positions at a time.

    Needs a configuration with `is_decoder=True`: that is what makes the mask causal.
    """

    def forward(
        self, input_ids: torch.Tensor, labels: torch.Tensor | None = None, **options
    ) -> CausalLMOutput:
        """Without `labels` as `BertLMHeadModel`. With them, (batch, length) and `IGNORE` at
        the padding: `loss`, the mean cross entropy (nats a token) of each token given those
        before it; no logits."""
        if labels is None:
            return super().forward(input_ids, **options)
        hidden, answers = _asked(self, input_ids, labels)
        total = torch.zeros((), device=hidden.device)
        for logits, theirs in _in_chunks(self.cls, hidden, answers):
            total = total + cross_entropy(logits, theirs, reduction="sum")
        return CausalLMOutput(loss=total / len(answers))


def _asked(model: BertLMHeadModel, ids: torch.Tensor, labels: torch.Tensor):
    """Hidden states (tokens asked, hidden) and the tokens that follow them (tokens asked,)."""
    hidden = model.bert(ids, use_cache=False).last_hidden_state[:, :-1]
    answers = labels[:, 1:]
    return hidden[answers != IGNORE], answers[answers != IGNORE]


def _in_chunks(head, hidden: torch.Tensor, answers: torch.Tensor):
    """Logits and answers of `CHUNK` positions after the other."""
    for some, theirs in zip(hidden.split(CHUNK), answers.split(CHUNK), strict=True):
        yield head(some).float(), theirs


@torch.no_grad()
def evaluate_causal(model: BertLMHeadModel, batches: Iterable[dict]) -> dict[str, float]:
    """Loss (nats a token) and accuracy of the next token, and how many tokens were asked."""
    model.eval()
    loss = right = asked = 0
    for batch in batches:
        ids, labels = (batch[name].to(model.device) for name in ("input_ids", "labels"))
        hidden, answers = _asked(model, ids, labels)
        asked += len(answers)
        for logits, theirs in _in_chunks(model.cls, hidden, answers):
            loss += cross_entropy(logits, theirs, reduction="sum").item()
            right += (logits.argmax(-1) == theirs).sum().item()
    return {"lm_loss": loss / asked, "lm_accuracy": right / asked, "tokens": asked}
