"""Pretraining BERT: documents to segment pairs, the model, its measures.

Chapter 3 builds these pieces one by one; ``scripts/pretrain.py`` trains with the same functions.
What is masked and the collator stand in ``utils.masking``.
Formulas and rates: Devlin et al. 2019, arXiv 1810.04805, section 3.1 and appendix A.
"""

import gzip
import random
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import BertForPreTraining, BertTokenizer
from transformers.models.bert.modeling_bert import BertForPreTrainingOutput

from utils.masking import IGNORE, PretrainingCollator, mask_tokens
from utils.training import bf16_available

__all__ = [
    "IGNORE",
    "IS_NEXT",
    "NOT_NEXT",
    "BertForMaskedPreTraining",
    "PretrainingCollator",
    "SegmentPairs",
    "encode_documents",
    "evaluate_pretraining",
    "in_batches_of_similar_length",
    "mask_tokens",
    "read_documents",
    "segment_pairs",
    "train_steps",
    "train_wordpiece",
    "truncate_pair",
    "unigram_baseline",
    "unigram_of_answers",
]

IS_NEXT, NOT_NEXT = 0, 1  # Hugging Face's coding of the NSP label: 0 means "is next"


# ---------------------------------------------------------------- text to token ids


def read_documents(path: str | Path) -> list[list[str]]:
    """Read a corpus file (plain or .gz): one sentence a line, a blank line between documents.

    A file without any blank line (such as one headline a line) counts each line as a document.
    Raises ValueError naming the file if there is no text in it, or it cannot be read.
    """
    path = Path(path)
    open_text = gzip.open if path.suffix == ".gz" else open
    try:
        with open_text(path, "rt", encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: cannot be read as UTF-8 text ({error}); convert it, or fetch it again"
        ) from None
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise ValueError(f"{path}: no text in this file; give one sentence a line")
    if "" not in lines:
        return [[line] for line in lines]
    documents: list[list[str]] = [[]]
    for line in lines:
        if line:
            documents[-1].append(line)
        elif documents[-1]:
            documents.append([])
    return [document for document in documents if document]


def train_wordpiece(texts: Iterable[str], vocab_size: int, max_length: int = 512) -> BertTokenizer:
    """Train a lower-casing WordPiece vocabulary in which every Chinese character is a piece."""
    trainer = BertWordPieceTokenizer(lowercase=True)
    trainer.train_from_iterator(
        texts,
        vocab_size=vocab_size,
        # Room for words beside the characters, however small the vocabulary.
        limit_alphabet=max(vocab_size - 1000, vocab_size // 2),
        min_frequency=3,
        show_progress=False,
    )
    # Sorted by id, so that the vocabulary file and the embedding rows agree.
    vocab = dict(sorted(trainer.get_vocab().items(), key=lambda item: item[1]))
    return BertTokenizer(vocab=vocab, model_max_length=max_length)


def encode_documents(documents: Sequence[list[str]], tokenizer) -> list[list[list[int]]]:
    """Token ids (no special tokens) of every sentence of every document."""
    sentences = [sentence for document in documents for sentence in document]
    if not sentences:  # which a tokenizer would not take
        return []
    ids = iter(tokenizer(sentences, add_special_tokens=False, verbose=False)["input_ids"])
    encoded = [[sentence for _ in document if (sentence := next(ids))] for document in documents]
    return [document for document in encoded if document]


# ---------------------------------------------------------------- segment pairs (NSP)


def truncate_pair(first: list[int], second: list[int], max_tokens: int, rng: random.Random) -> None:
    """Shorten the longer of two segments, in place, at a random end, until both fit together."""
    while len(first) + len(second) > max_tokens:
        longer = first if len(first) >= len(second) else second
        longer.pop(0 if rng.random() < 0.5 else -1)


def segment_pairs(
    documents: Sequence[list[list[int]]], max_length: int, rng: random.Random
) -> Iterator[tuple[list[int], list[int], int]]:
    """Cut documents into (segment A, segment B, NSP label), as BERT's own data preparation does.

    Sentences are gathered until they fill ``max_length - 3`` tokens ([CLS] A [SEP] B [SEP]) and
    split at a random sentence. Half of the time B is what really follows (``IS_NEXT``); half of
    the time it comes from another document (``NOT_NEXT``) and the sentences it replaced go back.
    A piece of a single sentence has no second half: B is empty and the label is ``IGNORE``.
    """
    room = max_length - 3
    # Only documents that also give true pairs give false ones: were headlines drawn too, "B is a
    # headline" would tell the label, and the model would learn that instead of reading.
    pool = [place for place, document in enumerate(documents) if len(document) > 1]
    if len(pool) == 1:
        raise ValueError("only one document has several sentences; false pairs need at least two")
    for index, document in enumerate(documents):
        start = 0
        while start < len(document):
            end, size = start, 0
            while end < len(document) and (size == 0 or size + len(document[end]) <= room):
                size += len(document[end])
                end += 1
            if end - start == 1:
                yield document[start][: max_length - 2], [], IGNORE
                start = end
                continue
            split = rng.randint(start + 1, end - 1)
            first = [token for sentence in document[start:split] for token in sentence]
            if rng.random() < 0.5:
                second = [token for sentence in document[split:end] for token in sentence]
                label, start = IS_NEXT, end
            else:
                other = rng.choice(pool)
                while other == index:
                    other = rng.choice(pool)
                second = _random_segment(documents[other], room - len(first), rng)
                label, start = NOT_NEXT, split
            truncate_pair(first, second, room, rng)
            yield first, second, label


def _random_segment(document: list[list[int]], room: int, rng: random.Random) -> list[int]:
    """Consecutive sentences from a random one on, at least one, at most about ``room`` tokens."""
    segment: list[int] = []
    for sentence in document[rng.randrange(len(document)) :]:
        if segment and len(segment) + len(sentence) > room:
            break
        segment += sentence
    return segment


class SegmentPairs(torch.utils.data.Dataset):
    """Several passes over the documents, each cut and paired anew, in compact arrays.

    Item: dict of ``input_ids``, ``token_type_ids`` (lists of equal length) and
    ``next_sentence_label`` (int). One pass in ten is at ``max_length``, the others at
    ``short_length``: short rows are cheap, a few long ones train the late positions.

    Read in order, every ``batch_size`` rows are of similar length (little padding), and batches of
    different lengths follow each other at random. Trainer's own grouping goes from long to short
    again and again, and the model with it: it forgets headlines over articles and back.
    """

    cut = staticmethod(segment_pairs)

    def __init__(
        self,
        documents: Sequence[list[list[int]]],
        tokenizer,
        max_length: int = 256,
        short_length: int = 128,
        passes: int = 1,
        batch_size: int = 64,
        seed: int = 0,
    ):
        if len(documents) < 2:
            raise ValueError(
                "pretraining needs at least two documents to draw random segments from, "
                "and two more that are held out; give more text"
            )
        short_length = min(short_length, max_length)
        self.cls, self.sep = tokenizer.cls_token_id, tokenizer.sep_token_id
        self.tokens, self.ends, self.firsts, self.labels = (
            array("I"),
            array("q"),
            array("h"),
            array("b"),
        )
        rng = random.Random(seed)
        rows: list = []
        for number in range(passes):
            length = max_length if number % 10 == 9 or passes == 1 else short_length
            rows += self.cut(documents, length, rng)
            rows = in_batches_of_similar_length(rows, batch_size, rng)
            # The rows of an incomplete batch wait for the next pass: they would shift its batches.
            whole = len(rows) - len(rows) % batch_size if number < passes - 1 else len(rows)
            self._append(rows[:whole])
            rows = rows[whole:]

    def _append(self, rows: list) -> None:
        for first, second, label in rows:
            self.tokens.extend(first + second)
            self.ends.append(len(self.tokens))
            self.firsts.append(len(first))
            self.labels.append(label)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict:
        tokens = self.tokens[self.ends[index - 1] if index else 0 : self.ends[index]].tolist()
        first, second = tokens[: self.firsts[index]], tokens[self.firsts[index] :]
        input_ids = [self.cls, *first, self.sep]
        token_type_ids = [0] * len(input_ids)
        if second:
            input_ids += [*second, self.sep]
            token_type_ids += [1] * (len(second) + 1)
        return {
            "input_ids": input_ids,
            "token_type_ids": token_type_ids,
            "next_sentence_label": self.labels[index],
        }


def in_batches_of_similar_length(rows: list, batch_size: int, rng: random.Random) -> list:
    """Order (A, B, label) rows so that each ``batch_size`` of them are about equally long."""
    rng.shuffle(rows)  # so that rows of one length come in a new order each time
    rows.sort(key=lambda row: len(row[0]) + len(row[1]))
    starts = list(range(0, len(rows), batch_size))
    last = [starts.pop()] if len(rows) % batch_size else []  # an incomplete batch must stay last
    rng.shuffle(starts)
    return [row for start in starts + last for row in rows[start : start + batch_size]]


# ---------------------------------------------------------------- model and measures


class BertForMaskedPreTraining(BertForPreTraining):
    """BertForPreTraining whose MLM logits are computed at the masked places only.

    The decoder (hidden × vocabulary) is the dearest product of a small model, and 85 % of the
    places have no label. Same weights and same checkpoint as ``BertForPreTraining``, and with
    ``nsp_weight = 1`` the same loss. A small model learns faster with less: until words mean
    something to it, NSP is noise that drowns the gradient of MLM.
    """

    nsp_weight = 1.0

    def forward(
        self,
        input_ids,
        attention_mask=None,
        token_type_ids=None,
        labels=None,
        next_sentence_label=None,
    ):
        """``labels``: (batch, length) with ``IGNORE`` elsewhere; ``next_sentence_label``: (batch,).

        Returns ``loss`` = MLM + ``nsp_weight`` · NSP (each a mean over its labels, absent when it has none),
        ``prediction_logits`` (masked places, vocabulary) and ``seq_relationship_logits`` (batch, 2).
        """
        encoded = self.bert(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        hidden = encoded.last_hidden_state
        places = slice(None) if labels is None else labels != IGNORE
        prediction_logits = self.cls.predictions(hidden[places])
        relationship_logits = self.cls.seq_relationship(encoded.pooler_output)
        loss = 0 * hidden.sum()  # a batch with nothing to answer has a gradient too: zero
        if labels is not None and places.any():
            loss = loss + cross_entropy(_at_least_float32(prediction_logits), labels[places])
        if next_sentence_label is not None and (next_sentence_label != IGNORE).any():
            loss = loss + self.nsp_weight * cross_entropy(
                _at_least_float32(relationship_logits), next_sentence_label, ignore_index=IGNORE
            )
        return BertForPreTrainingOutput(
            loss=loss,
            prediction_logits=prediction_logits,
            seq_relationship_logits=relationship_logits,
        )


def _at_least_float32(logits: torch.Tensor) -> torch.Tensor:
    """A softmax over thousands of words in half precision would lose the rare ones."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def train_steps(
    model: BertForMaskedPreTraining,
    rows: Sequence[dict],
    collate,
    steps: int,
    learning_rate: float = 1e-3,
    batch_size: int = 32,
) -> list[float]:
    """Train on ``rows`` in their order, from the front again after the last; the loss of each step.

    The plain loop of chapter 3, for small models: AdamW, linear warm-up over the first tenth of
    the steps, then linear decay to 0. Long runs belong to ``scripts/pretrain.py``, which can resume.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    warmup = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))
    )
    model.train()
    losses = []
    for step in range(steps):
        places = range(step * batch_size, (step + 1) * batch_size)
        batch = collate([rows[place % len(rows)] for place in places])  # masked anew
        batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
        with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16_available()):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def evaluate_pretraining(
    model: BertForMaskedPreTraining, batches: Iterable[dict]
) -> dict[str, float]:
    """MLM loss (nats a masked token) and accuracy, NSP accuracy, and how many of each."""
    model.eval()
    loss = right = masked = nsp_right = pairs = 0
    for batch in batches:
        batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
        output = model(**batch)
        targets = batch["labels"][batch["labels"] != IGNORE]
        loss += cross_entropy(output.prediction_logits.float(), targets, reduction="sum").item()
        right += (output.prediction_logits.argmax(-1) == targets).sum().item()
        masked += len(targets)
        labels = batch["next_sentence_label"]
        known = labels != IGNORE
        nsp_right += (output.seq_relationship_logits.argmax(-1) == labels)[known].sum().item()
        pairs += known.sum().item()
    return {
        "mlm_loss": loss / max(masked, 1),
        "mlm_accuracy": right / max(masked, 1),
        "nsp_accuracy": nsp_right / max(pairs, 1),
        "masked_tokens": masked,
        "sentence_pairs": pairs,
    }


def unigram_baseline(
    documents: Sequence[list[list[int]]], batches: Iterable[dict], vocab_size: int
) -> dict[str, float]:
    """MLM loss and accuracy of always predicting the training frequencies (add-one smoothed)."""
    tokens = [token for document in documents for sentence in document for token in sentence]
    answers = torch.cat([batch["labels"][batch["labels"] != IGNORE] for batch in batches])
    measured = unigram_of_answers(torch.tensor(tokens), answers, vocab_size)
    return {f"mlm_{measure}": value for measure, value in measured.items()}


def unigram_of_answers(train: Tensor, answers: Tensor, vocab_size: int) -> dict[str, float]:
    """Loss (nats) and accuracy on ``answers`` of the frequencies in ``train``; both (tokens,)."""
    counts = torch.bincount(train, minlength=vocab_size) + 1.0
    log_probabilities = (counts / counts.sum()).log()
    return {
        "loss": -log_probabilities[answers].mean().item(),
        "accuracy": (answers == log_probabilities.argmax()).float().mean().item(),
    }
