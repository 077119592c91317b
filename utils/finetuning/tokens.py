"""Named entities: characters with BIO labels to word pieces, a tagger on them, spans back.

A piece is not a character: `25` is one piece, `Hello` three, and a blank is none. What joins the
two are the offsets that the tokenizer gives with each piece of the joined text. (Given a list of
characters, it would take each for a word, and no blank would be left.)
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from utils.data import Span, bio_of, impossible_labels, spans_of
from utils.finetuning.classifier import (
    as_texts,
    check_length,
    low_precision,
    named_labels,
    new_with_head,
    padded_batches,
)
from utils.finetuning.packing import without_padding
from utils.finetuning.recipe import BucketTrainer, course_recipe, run_trainer, width_step
from utils.finetuning.saving import load_with_head
from utils.pretraining import IGNORE
from utils.profile import SEED

# What to do with label sequences that no text can have, such as an I-PER after O.
REPAIRS = ("viterbi", "begin", "drop")


# --- From characters to pieces and back -----------------------------------------------------------


def labels_of_pieces(labels: Sequence[str], offsets: Sequence[tuple[int, int]]) -> list[str | None]:
    """BIO labels of pieces from those of the text's characters.

    A piece belongs to the entity, or to none, that has most of its characters; of two with
    equally many, to the one that comes first. The first piece of an entity is B-, the others are
    I-, so what comes out is always possible. An entity that gets no piece is lost.

    Args:
        offsets: of each piece, where its characters start and end.
    Returns:
        a label for each piece, None for those without characters ([CLS], [SEP], padding).
    """
    owner: list[int | None] = [None] * len(labels)  # number of the entity that has the character
    entities = spans_of(labels)
    for number, span in enumerate(entities):
        owner[span.start : span.end] = [number] * (span.end - span.start)
    result, before = [], None
    for start, end in offsets:
        if start == end:
            result.append(None)
            continue
        # Of equal counts, Counter gives the one it saw first.
        entity = Counter(owner[start:end]).most_common(1)[0][0]
        if entity is None:
            result.append("O")
        else:
            result.append(f"{'I' if entity == before else 'B'}-{entities[entity].type}")
        before = entity
    return result


def labels_of_characters(
    piece_labels: Sequence[str | None], offsets: Sequence[tuple[int, int]], length: int
) -> list[str]:
    """BIO labels of a text's characters from those of its pieces.

    All characters of a piece are of one entity. Characters in no piece, such as blanks, belong to
    the entity around them if the piece behind them continues it, else to none.

    Args:
        piece_labels: None, or whatever stands at a piece without characters, does not count.
        length: of the text, in characters.
    """
    labels: list[str | None] = [None] * length
    for label, (start, end) in zip(piece_labels, offsets, strict=True):
        for place in range(start, end):
            if labels[place] is None:  # of several pieces of one character, the first counts
                labels[place] = label if place == start else label.replace("B-", "I-", 1)
    following = "O"
    for place in reversed(range(length)):  # a gap is named by what stands behind it
        if labels[place] is None:
            labels[place] = following if following[0] == "I" else "O"
        following = labels[place]
    # ... but only if that continues what stands before it.
    covered = {place for start, end in offsets for place in range(start, end)}
    for place in range(length):
        if place not in covered and (place == 0 or labels[place - 1][1:] != labels[place][1:]):
            labels[place] = "O"
    return labels


def tokenize_entities(
    dataset: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int = 128
) -> Dataset:
    """Pieces with labels from the columns `tokens` (characters) and `labels` (BIO), not padded.

    Pieces without characters get `IGNORE`, all others are learned from: see `labels_of_pieces`.

    Args:
        max_length: in pieces, with [CLS] and [SEP]; what is longer is cut, which is printed.
    Returns:
        what the tokenizer gives, `labels` (left out where the data set has none), and of each
        row: `offsets` (start and end of each piece in the text), `cut` (characters that were cut
        off, blanks apart) and `lost` (entities that the labels of the pieces
        do not give back: cut off, or in one piece with something else).
    Raises:
        ValueError: a row without characters, with a token of several, or with labels that do not
            fit, naming it.
    """
    names = dataset.features["labels"].feature.names if "labels" in dataset.features else None
    _check_characters(dataset)

    def encode(batch: dict) -> dict:
        texts = ["".join(characters) for characters in batch["tokens"]]
        encoded = tokenizer(
            texts, truncation=True, max_length=max_length, return_offsets_mapping=True
        )
        rows = {name: encoded[name] for name in encoded if name != "offset_mapping"}
        rows["offsets"] = encoded["offset_mapping"]
        rows["cut"] = [
            sum(not letter.isspace() for letter in _cut_off(text, offsets, tokenizer))
            for text, offsets in zip(texts, rows["offsets"], strict=True)
        ]
        if names is None:
            return rows
        ids = {name: number for number, name in enumerate(names)} | {None: IGNORE}
        rows |= {"labels": [], "lost": []}
        for row, offsets in zip(batch["labels"], rows["offsets"], strict=True):
            labels = [names[label] for label in row]
            pieces = labels_of_pieces(labels, offsets)
            again = labels_of_characters(pieces, offsets, len(labels))
            rows["labels"].append([ids[label] for label in pieces])
            rows["lost"].append(len(set(spans_of(labels)) - set(spans_of(again))))
        return rows

    encoded = dataset.map(
        encode,
        batched=True,
        remove_columns=dataset.column_names,
        keep_in_memory=True,
        load_from_cache_file=False,
    )
    if cut := [count for count in encoded["cut"] if count]:
        print(
            f"{len(cut)} 句超过 {max_length} 个词元，截掉 {sum(cut)} 个字："
            "训练看不到它们；可以加大 max_length，或先把长文本分成句子。"
        )
    whole = zip(encoded["lost"], encoded["cut"], strict=True) if names else ()
    if lost := sum(count for count, cut in whole if not cut):
        print(
            f"{lost} 个名字的头或尾和别的字同在一个词元里，预测时给不回来，会算作漏掉："
            "看 lost 一列是哪几句。"
        )
    return encoded


def _cut_off(
    text: str, offsets: Sequence[tuple[int, int]], tokenizer: PreTrainedTokenizerBase
) -> str:
    """What stands behind the pieces that were kept; of a tokenizer that cuts there, before them."""
    if tokenizer.truncation_side == "left":
        return text[: min((start for start, end in offsets if start < end), default=len(text))]
    return text[max(end for _, end in offsets) :]


def _check_characters(dataset: Dataset) -> None:
    labels = dataset["labels"] if "labels" in dataset.features else None
    for row, characters in enumerate(dataset["tokens"]):
        if not "".join(characters).strip():
            raise ValueError(f"row {row}: no characters; drop the row or fill it in")
        if wrong := [token for token in characters if len(token) != 1]:
            raise ValueError(
                f"row {row}: {wrong[0]!r} is not one character; load the data with load_entities"
            )
        if labels is not None and len(labels[row]) != len(characters):
            raise ValueError(
                f"row {row}: {len(labels[row])} labels for {len(characters)} characters; give "
                "each character one"
            )


# --- The tagger -----------------------------------------------------------------------------------


def new_tagger(
    checkpoint: str,
    label_names: Sequence[str],
    pretrained: bool = True,
    seed: int = SEED,
    dropout: float | None = None,
) -> PreTrainedModel:
    """A model that gives each piece a label, in float32; its head (and with `pretrained=False`
    all of it, same architecture) is random, drawn with `seed`.

    Args:
        checkpoint: folder or Hub id, as `resolve` gives it.
        label_names: O, B-PER, I-PER and so on, in the order of the labels' ids in the data.
        dropout: another rate than the checkpoint's own.
    Raises:
        ValueError: names that are no BIO labels, or a type without its B- or its I-.
        ModelError: no such folder, a damaged one, or not to be fetched from the Hub.
    """
    _check_names(label_names)
    return new_with_head(
        AutoModelForTokenClassification,
        checkpoint,
        pretrained,
        seed,
        dropout,
        **named_labels(label_names),
    )


def load_tagger(folder: str | Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """(model in float32, tokenizer) that `save_classifier` wrote.

    Raises:
        ModelError: the folder is not a whole model, or is one that labels no pieces.
        ValueError: its labels are no BIO labels.
    """
    loaded = load_with_head(folder, AutoModelForTokenClassification, "which labels no pieces")
    label_names_of(loaded[0])  # refuses other labels
    return loaded


def _check_names(names: Sequence[str]) -> None:
    spans_of(list(names))  # refuses what is no label
    types = {name[2:] for name in names if name != "O"}
    wanted = {"O"} | {f"{letter}-{kind}" for kind in types for letter in "BI"}
    if missing := sorted(wanted - set(names)):
        raise ValueError(f"labels {', '.join(names)}: {', '.join(missing)} is missing; add it")


def label_names_of(model: PreTrainedModel) -> list[str]:
    """Names of a tagger's labels, in the order of their ids.

    Raises:
        ValueError: a model whose labels are no BIO labels (LABEL_0: nobody has named them).
    """
    names = [model.config.id2label[number] for number in range(model.config.num_labels)]
    _check_names(names)
    return names


def fine_tune_tagger(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset,
    *,
    learning_rate: float = 3e-4,
    epochs: int = 10,
    batch_size: int = 16,
    seed: int = SEED,
    output: str | Path | None = None,
    patience: int | None = None,
    progress: bool = True,
    **options: object,
) -> BucketTrainer:
    """Train a tagger by the recipe of `fine_tune`; afterwards `trainer.model` is the best epoch's.

    The best by the F1 of whole entities on the validation split, decoded as `predict_entities`
    does and counted in pieces; a sentence that was cut counts as far as it was kept.

    Args:
        train, validation: what `tokenize_entities` returns.
        output: folder for checkpoints, as for `fine_tune`; a temporary one by default.
        patience: stop after so many epochs without a better F1.
        options: further `TrainingArguments`, which override the recipe.
    Returns:
        the `transformers.Trainer`; `trainer.state.log_history` holds the curves: `eval_f1`,
        `eval_accuracy` (of pieces), `eval_impossible` (labels that continue nothing, before
        decoding).
    Raises:
        ValueError: no rows, rows longer than the model can read, or `output` holds the checkpoints
            of another run.
    """
    settings = course_recipe(learning_rate, epochs, batch_size, seed, progress)
    return run_trainer(
        BucketTrainer, model, tokenizer, train, validation,
        settings | {"metric_for_best_model": "f1"} | options, output, patience,
        data_collator=DataCollatorForTokenClassification(
            tokenizer, pad_to_multiple_of=width_step(model)
        ),
        compute_metrics=_measures(label_names_of(model)),
    )  # fmt: skip


def _measures(names: list[str]) -> Callable:
    """What Trainer is to compute of the predictions on the validation split."""

    def compute(prediction) -> dict[str, float]:
        right = said = there = impossible = 0
        real = prediction.label_ids != IGNORE
        answers = prediction.predictions.argmax(-1)
        for row, mask in enumerate(real):
            truth = [names[label] for label in prediction.label_ids[row][mask]]
            impossible += len(impossible_labels([names[i] for i in answers[row][mask]], "BIO"))
            # Logits will do: what log_softmax takes from a row it takes from every path.
            found = set(spans_of(decode_labels(prediction.predictions[row][mask], names)))
            entities = set(spans_of(truth))
            right, said = right + len(found & entities), said + len(found)
            there += len(entities)
        return {
            "f1": 2 * right / max(said + there, 1),
            "accuracy": float((answers == prediction.label_ids)[real].mean()),
            "impossible": impossible,
        }

    return compute


# --- Prediction -----------------------------------------------------------------------------------


class PieceScores(NamedTuple):
    """What a tagger says of a text: of each piece, where it stands and how likely each label is."""

    offsets: list[tuple[int, int]]
    log_probabilities: np.ndarray  # (pieces, labels)
    length: int  # of the text, in characters


def predict_entities(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str] | str,
    max_length: int = 128,
    overlap: int = 32,
    batch_size: int = 64,
    repair: str = "viterbi",
) -> list[list[Span]]:
    """The entities in each text, as (start, end, type) in characters.

    Arguments as `piece_scores`, and `repair` as `decode_labels`.
    """
    names = label_names_of(model)
    scores = piece_scores(model, tokenizer, texts, max_length, overlap, batch_size)
    return [entities_in(each, names, repair) for each in scores]


@torch.inference_mode()
def piece_scores(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str] | str,
    max_length: int = 128,
    overlap: int = 32,
    batch_size: int = 64,
) -> list[PieceScores]:
    """What a tagger says of each text, in their order; of long texts, window by window.

    Args:
        texts: strings; one text alone is taken for a list of one.
        max_length: of a window, in pieces, with [CLS] and [SEP].
        overlap: pieces that a window shares with the next; of these, the first half is taken from
            the earlier window, the second from the later, so that each has neighbours.
    Raises:
        ValueError: something else than text, windows longer than the model can read, an overlap
            that leaves nothing of a window, or a tokenizer that pads on the left.
    """
    texts = as_texts(texts)
    room = max_length - tokenizer.num_special_tokens_to_add()
    if not 0 <= overlap < room:
        raise ValueError(
            f"overlap={overlap}: give 0 to {room - 1}, less than the {room} pieces that a window "
            f"of max_length={max_length} has"
        )
    model.eval()
    if not texts:
        return []
    windows = tokenizer(
        texts,
        truncation=True,
        max_length=max_length,
        stride=overlap,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    sources = windows.pop("overflow_to_sample_mapping")
    offsets = windows.pop("offset_mapping")
    check_length(model, max(map(len, offsets)))
    logs: list[np.ndarray] = [np.empty(0)] * len(offsets)
    with without_padding(model), low_precision(model):
        batches = padded_batches(tokenizer, windows, batch_size, model.device, by_place=True)
        for places, batch in batches:
            rows = model(**batch).logits.float().log_softmax(-1).cpu().numpy()
            for row, place in zip(rows, places, strict=True):
                logs[place] = row[: len(offsets[place])]
    # Keep pieces with characters, each from one window. (A tokenizer that cuts on the left gives the
    # windows from the end of a text to its beginning.)
    kept: list[list[tuple]] = [[] for _ in texts]
    step = -1 if tokenizer.truncation_side == "left" else 1
    for source, its_windows in groupby(range(len(sources)), key=sources.__getitem__):
        numbers = list(its_windows)[::step]
        for number in numbers:
            places = offsets[number]
            real = [place for place, (start, end) in enumerate(places) if start < end]
            if number != numbers[0]:
                real = real[overlap // 2 :]
            if number != numbers[-1]:
                real = real[: len(real) - (overlap - overlap // 2)]
            kept[source] += [(places[place], logs[number][place]) for place in real]
    width = model.config.num_labels
    return [
        PieceScores(
            [place for place, _ in pieces],
            np.array([row for _, row in pieces], dtype=np.float32).reshape(-1, width),
            len(text),
        )
        for pieces, text in zip(kept, texts, strict=True)
    ]


def entities_in(
    scores: PieceScores, label_names: Sequence[str], repair: str = "viterbi"
) -> list[Span]:
    """The entities in a text of which a tagger has said this; `repair` as `decode_labels`."""
    labels = decode_labels(scores.log_probabilities, label_names, repair)
    return spans_of(labels_of_characters(labels, scores.offsets, scores.length))


def decode_labels(
    log_probabilities: np.ndarray, label_names: Sequence[str], repair: str = "viterbi"
) -> list[str]:
    """One label for each piece (or character), so that they make a possible sequence in BIO.

    Args:
        log_probabilities: (pieces, labels).
        repair: what to do with an I- that continues no entity of its type. "viterbi": take the
            most probable of all possible sequences, `best_legal_path`. "begin": take each piece's
            most probable label, and let such an I- begin an entity. "drop": let it be O.
    Raises:
        ValueError: another `repair`.
    """
    if repair not in REPAIRS:
        raise ValueError(f"repair={repair!r}; give one of {', '.join(REPAIRS)}")
    labels = [label_names[best] for best in log_probabilities.argmax(-1)]
    if not impossible_labels(labels, "BIO"):
        return labels  # the most probable of all, so of the possible ones too
    if repair == "viterbi":
        return best_legal_path(log_probabilities, label_names)
    return bio_of(spans_of(labels, repair), len(labels))


def best_legal_path(log_probabilities: np.ndarray, label_names: Sequence[str]) -> list[str]:
    """The most probable sequence of labels in which each I- continues an entity of its type.

    Viterbi's algorithm over transitions that are either allowed or not: step by step the best
    path to each label, then back along the best one.

    Args:
        log_probabilities: (length, labels).
    """
    if len(log_probabilities) == 0:
        return []
    names = list(label_names)
    allowed = np.array(
        [[after[0] != "I" or before[1:] == after[1:] for after in names] for before in names]
    )
    total = np.where([name[0] != "I" for name in names], log_probabilities[0], -np.inf)
    steps = []
    for row in log_probabilities[1:]:
        reached = np.where(allowed, total[:, None], -np.inf)  # (before, after)
        steps.append(reached.argmax(0))
        total = reached.max(0) + row
    path = [int(total.argmax())]
    for step in reversed(steps):
        path.append(int(step[path[-1]]))
    return [names[label] for label in reversed(path)]


def count_repairs(scores: Sequence[PieceScores], label_names: Sequence[str]) -> dict[str, int]:
    """How often a tagger's own labels are impossible, and what each repair changes.

    Returns:
        counts: "pieces"; "impossible", labels that continue nothing; "texts", those with such
        labels; and for each of `REPAIRS` the pieces whose label it changes.
    """
    counts = dict.fromkeys(("pieces", "impossible", "texts", *REPAIRS), 0)
    for each in scores:
        labels = [label_names[best] for best in each.log_probabilities.argmax(-1)]
        wrong = impossible_labels(labels, "BIO")
        counts["pieces"] += len(labels)
        counts["impossible"] += len(wrong)
        counts["texts"] += bool(wrong)
        for repair in REPAIRS:
            decoded = decode_labels(each.log_probabilities, label_names, repair)
            counts[repair] += sum(a != b for a, b in zip(labels, decoded, strict=True))
    return counts
