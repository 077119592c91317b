"""Extractive question answering: windows over a passage, the best span over all of them.

Source: Devlin et al. 2019, arXiv 1810.04805, sections 4.2 and 4.3: the score of a span is the sum
of its first piece's start logit and its last piece's end logit; that of "no answer" is the same sum
at [CLS].
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    AutoModelForQuestionAnswering,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from utils.finetuning.classifier import (
    as_list,
    as_texts,
    check_length,
    check_text,
    low_precision,
    new_with_head,
    padded_batches,
)
from utils.finetuning.saving import load_with_head
from utils.profile import SEED

OUTSIDE = (-1, -1)  # the offsets of a piece that is none of the passage's


class Answer(NamedTuple):
    """The best stretch of a passage, and how it compares with "no answer"; scores are logits."""

    text: str  # "" where no stretch is allowed: an empty passage
    start: int  # the first character's place in the passage, -1 for none
    score: float  # minus infinity for none
    no_answer_score: float

    @property
    def margin(self) -> float:
        """By how much the stretch beats "no answer"."""
        return self.score - self.no_answer_score


# ---------------------------------------------------------------- rows


def question_windows(
    dataset: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int = 256,
    stride: int = 96,
    mark_shared: bool = False,
) -> Dataset:
    """Each question with its passage as one or more rows `[CLS] question [SEP] window [SEP]`.

    Args:
        dataset: columns `question`, `context` and, for training, `answers` as in SQuAD.
        max_length: pieces of a row, special ones included.
        stride: pieces that two neighbouring windows share. An answer of up to so many pieces lies
            whole in one window at least.
        mark_shared: tell the model where the passage has two neighbouring pieces of the question:
            there the segment is 0, as the question's, not 1. A small BERT that has seen few
            questions does not learn to compare the two by itself. (As the feature "exact match" of
            Chen et al. 2017, arXiv 1704.00051, section 3.2.) To be given in answering as well.
    Returns:
        A row a window: what the model takes; `row`, the question's place in `dataset`; `offsets`,
        for each piece (start, end) in characters of the passage, `OUTSIDE` for all others; and with
        answers `start_positions`, `end_positions`: the first and the last piece of the first answer
        that lies whole in the window, both at [CLS] where none does.
    Raises:
        ValueError: an empty question, or one that leaves the window no room, naming its row; or
            `mark_shared` with a model that knows no segments.
    """
    columns = _encode_windows(
        tokenizer, dataset["question"], dataset["context"], max_length, stride, mark_shared
    )
    if "answers" in dataset.column_names:
        contexts, answers = list(dataset["context"]), list(dataset["answers"])
        spans = []
        for row, ids, offsets in zip(
            columns["row"], columns["input_ids"], columns["offsets"], strict=True
        ):
            span = _first_whole_answer(offsets, answers[row], contexts[row])
            spans.append(span or (ids.index(tokenizer.cls_token_id),) * 2)
        columns["start_positions"] = [start for start, _ in spans]
        columns["end_positions"] = [end for _, end in spans]
    return Dataset.from_dict(columns)


def _encode_windows(
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[str],
    contexts: Sequence[str],
    max_length: int,
    stride: int,
    mark_shared: bool = False,
) -> dict[str, list]:
    """Columns of `question_windows` but for the answers."""
    questions, contexts = as_list(questions), as_texts(contexts)
    if len(questions) != len(contexts):
        raise ValueError(
            f"{len(questions)} questions, but {len(contexts)} passages; give each question its own"
        )
    if not questions:
        return {"input_ids": [], "attention_mask": [], "row": [], "offsets": []}
    for row, question in enumerate(questions):
        check_text(row, question, "question")
    lengths = map(len, tokenizer(questions, add_special_tokens=False)["input_ids"])
    free = max_length - tokenizer.num_special_tokens_to_add(pair=True)
    for row, length in enumerate(lengths):
        # Otherwise the tokenizer gives an error without a row, or a window for every piece.
        if free - length <= stride:
            raise ValueError(
                f"row {row}: the question's {length} pieces leave a window {max(free - length, 0)} "
                f"of {max_length}, no more than the stride {stride}; give a larger max_length or a "
                "smaller stride"
            )
    encoded = tokenizer(
        questions, contexts, truncation="only_second", max_length=max_length, stride=stride,
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    columns = {name: encoded[name] for name in tokenizer.model_input_names if name in encoded}
    columns["row"] = encoded["overflow_to_sample_mapping"]
    columns["offsets"] = [
        [
            offset if sequence == 1 else OUTSIDE
            for offset, sequence in zip(offsets, encoded.sequence_ids(window), strict=True)
        ]
        for window, offsets in enumerate(encoded["offset_mapping"])
    ]
    if mark_shared:
        if "token_type_ids" not in columns:
            raise ValueError("mark_shared: this tokenizer gives no segments; leave it out")
        columns["token_type_ids"] = [
            _marked(*each)
            for each in zip(
                columns["input_ids"], columns["token_type_ids"], columns["offsets"], strict=True
            )
        ]
    return columns


def _marked(ids: list[int], segments: list[int], offsets: Sequence[tuple[int, int]]) -> list[int]:
    """The segments, with 0 for each two neighbours of the passage that the question has too."""
    passage = [place for place, offset in enumerate(offsets) if offset != OUTSIDE]
    asked = ids[: passage[0]] if passage else []
    pairs, marked = set(zip(asked, asked[1:], strict=False)), list(segments)
    for place in passage[:-1]:
        if (ids[place], ids[place + 1]) in pairs:
            marked[place] = marked[place + 1] = 0
    return marked


def _first_whole_answer(
    offsets: Sequence[tuple[int, int]], answers: dict[str, list], context: str
) -> tuple[int, int] | None:
    """First and last piece of the first answer that the window does not cut, or None.

    Where a piece reaches over the answer's edge (one [UNK] for a whole word), the span
    is the smallest that covers the answer.
    """
    for text, start in zip(answers["text"], answers["answer_start"], strict=True):
        end = start + len(text)
        pieces = [
            place
            for place, (begin, stop) in enumerate(offsets)
            if begin < stop and begin < end and stop > start
        ]
        if not pieces:
            continue
        before = context[start : offsets[pieces[0]][0]]
        behind = context[offsets[pieces[-1]][1] : end]
        if not before.strip() and not behind.strip():  # a blank is no piece
            return pieces[0], pieces[-1]
    return None


# ---------------------------------------------------------------- models


def new_extractor(
    checkpoint: str | Path,
    pretrained: bool = True,
    seed: int = SEED,
    dropout: float | None = None,
) -> PreTrainedModel:
    """An encoder with a start and an end logit for each piece, in float32; its head (and with
    `pretrained=False` all of it, same architecture) is random, drawn with `seed`.

    Args:
        checkpoint: folder or Hub id, as `resolve` gives it.
        dropout: another rate than the checkpoint's own.
    Raises:
        ModelError: no such folder, a damaged one, or not to be fetched from the Hub.
    """
    kind = AutoModelForQuestionAnswering
    return new_with_head(kind, checkpoint, pretrained, seed, dropout, num_labels=2)


def load_extractor(folder: str | Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """(model in float32, tokenizer) that `save_classifier` wrote.

    Raises:
        ModelError: the folder is not a whole model, or is one without a head for spans.
    """
    return load_with_head(folder, AutoModelForQuestionAnswering, "which finds no spans")


# ---------------------------------------------------------------- answers


def best_span(
    start_logits: np.ndarray,
    end_logits: np.ndarray,
    offsets: Sequence[tuple[int, int]],
    max_characters: int = 30,
) -> tuple[int, int, float] | None:
    """(first piece, last piece, score) of the best span of one window; None if none is legal.

    Legal: both pieces are the passage's, the end is not before the start, and the span has at most
    `max_characters`. Of equally good ones the first, and of those the shortest.

    Args:
        start_logits, end_logits: (pieces or more,); what lies behind the offsets is padding.
        offsets: (pieces, 2), `OUTSIDE` for pieces that are none of the passage's.
    """
    begins, ends = np.array(offsets).reshape(-1, 2).T
    pieces = len(begins)
    inside = begins < ends
    legal = inside[:, None] & inside & (ends - begins[:, None] <= max_characters)
    legal &= np.arange(pieces)[:, None] <= np.arange(pieces)
    if not legal.any():
        return None
    scores = np.where(legal, start_logits[:pieces, None] + end_logits[:pieces], -np.inf)
    first, last = divmod(int(scores.argmax()), pieces)
    return first, last, float(scores[first, last])


@torch.inference_mode()
def answer_questions(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[str] | str,
    contexts: Sequence[str] | str,
    max_length: int = 256,
    stride: int = 96,
    max_characters: int = 30,
    batch_size: int = 32,
    mark_shared: bool = False,
) -> list[Answer]:
    """The best span of each passage for its question, over all windows, in their order.

    Windows are compared by their logits: a softmax would give each window the same sum of
    probability, also those in which nothing answers. The score of "no answer" is the lowest of all
    windows: in most of them there is rightly none.

    Args:
        questions, contexts: as many passages as questions; one text alone is taken for a list of one.
        max_length, stride, mark_shared: as for `question_windows`.
        max_characters: no longer span is considered.
    Raises:
        ValueError: as `question_windows`; a row is longer than the model can read; or the
            tokenizer pads on the left.
    """
    model.eval()
    contexts = as_list(contexts)
    columns = _encode_windows(tokenizer, questions, contexts, max_length, stride, mark_shared)
    check_length(model, max(map(len, columns["input_ids"]), default=0))
    inputs = {name: columns[name] for name in tokenizer.model_input_names if name in columns}
    found: list[Answer] = [None] * len(columns["row"])
    with low_precision(model):
        batches = padded_batches(tokenizer, inputs, batch_size, model.device, by_place=True)
        for places, batch in batches:
            output = model(**batch)
            starts = output.start_logits.float().cpu().numpy()
            ends = output.end_logits.float().cpu().numpy()
            for place, start, end in zip(places, starts, ends, strict=True):
                cls = columns["input_ids"][place].index(tokenizer.cls_token_id)
                none = float(start[cls] + end[cls])
                offsets, context = columns["offsets"][place], contexts[columns["row"][place]]
                span = best_span(start, end, offsets, max_characters)
                if span is None:
                    found[place] = Answer("", -1, -np.inf, none)
                else:
                    begin, stop = offsets[span[0]][0], offsets[span[1]][1]
                    found[place] = Answer(context[begin:stop], begin, span[2], none)
    answers: list[Answer] = [Answer("", -1, -np.inf, np.inf)] * len(contexts)
    for row, answer in zip(columns["row"], found, strict=True):
        none = min(answer.no_answer_score, answers[row].no_answer_score)
        # Of equally good ones that of the first window.
        best = max(answers[row], answer, key=lambda each: each.score)
        answers[row] = best._replace(no_answer_score=none)
    return answers
