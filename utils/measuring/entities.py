"""How good found entities are, and what finds some without a language model.

All taggers here have one interface: a function from texts to the spans in each.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from datasets import Dataset
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from utils.data import Span, bio_of, spans_of, texts_and_spans
from utils.finetuning import decode_labels

Tagger = Callable[[Sequence[str]], list[list[Span]]]


class EntityScore(NamedTuple):
    """Precision, recall and F1 of entities, with the counts that they come from."""

    precision: float
    recall: float
    f1: float
    right: int
    said: int
    there: int


def entity_scores(
    gold: Sequence[Iterable[Span]],
    predicted: Sequence[Iterable[Span]],
    texts: Sequence[str] | None = None,
    known: Iterable[str] | None = None,
) -> dict[str, EntityScore]:
    """Precision, recall and F1 of whole entities: start, end and type must be right.

    Args:
        gold, predicted: the spans of each text.
        texts, known: the texts, and the names that a method has seen (`entity_counts`), for the
            rows "known" and "unknown": entities in the data and in the answers, parted by whether
            just this name was seen, as whatever type.
    Returns:
        "micro" (all entities together), then a row for each type, sorted, then "known" and
        "unknown" if asked for. What has no right answer has 0 everywhere.
    Raises:
        ValueError: not as many predictions, or texts, as there are texts with gold spans.
    """
    if len(gold) != len(predicted) or (texts is not None and len(gold) != len(texts)):
        counted = f"{len(gold)} texts with gold spans, {len(predicted)} with predicted ones"
        raise ValueError(f"{counted}{'' if texts is None else f', {len(texts)} texts'}")
    if (texts is None) != (known is None):
        raise ValueError("give both texts and known, or neither")
    known = None if known is None else set(known)
    counts: dict[str, Counter] = defaultdict(Counter)
    for row, (there, said) in enumerate(zip(gold, predicted, strict=True)):
        there, said = set(map(Span._make, there)), set(map(Span._make, said))
        for what, spans in (("there", there), ("said", said), ("right", there & said)):
            for span in spans:
                counts["micro"][what] += 1
                counts[f"type {span.type}"][what] += 1
                if known is not None:
                    seen = texts[row][span.start : span.end] in known
                    counts["known" if seen else "unknown"][what] += 1
    types = sorted(name for name in counts if name.startswith("type "))
    extra = [] if known is None else ["known", "unknown"]
    rows = ["micro", *types, *extra]
    return {name.removeprefix("type "): _score(counts[name]) for name in rows}


def _score(count: Counter) -> EntityScore:
    right, said, there = count["right"], count["said"], count["there"]
    return EntityScore(
        right / max(said, 1),
        right / max(there, 1),
        2 * right / max(said + there, 1),
        right,
        said,
        there,
    )


def token_accuracy(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> float:
    """Share of the labels that are right. It praises who finds nothing: compare `only_o`.

    Raises:
        ValueError: texts with another number of labels, or no label at all.
    """
    if list(map(len, gold)) != list(map(len, predicted)) or not any(map(len, gold)):
        raise ValueError("give as many predicted labels as gold ones for each text, and some")
    pairs = [pair for some in zip(gold, predicted, strict=True) for pair in zip(*some, strict=True)]
    return sum(a == b for a, b in pairs) / len(pairs)


def only_o(texts: Sequence[Sequence]) -> list[list[str]]:
    """O for each character: the control for whatever counts labels instead of entities."""
    return [["O"] * len(text) for text in texts]


# --- Baselines ------------------------------------------------------------------------------------


def entity_counts(dataset: Dataset) -> dict[str, Counter]:
    """The names in a data set: name -> how often it has which type."""
    counts: dict[str, Counter] = defaultdict(Counter)
    for text, spans in zip(*texts_and_spans(dataset), strict=True):
        for span in spans:
            counts[text[span.start : span.end]][span.type] += 1
    return dict(counts)


def dictionary_tagger(train: Dataset, share: float = 0.0) -> Tagger:
    """Look the training entities up: from the left, the longest name that stands there.

    A name has the type it had most often (of equals, the first in the alphabet).

    Args:
        share: leave out names of which less than this share of the places found in the training
            texts are entities of that type. 0 keeps all; with 0.5, 大方 is no name any more where
            it mostly means generous.
    """
    types = _types_of(entity_counts(train))
    if share > 0:
        texts, gold = texts_and_spans(train)
        found, right = Counter(), Counter()
        for text, spans, true in zip(texts, _look_up(types, texts), gold, strict=True):
            for span in spans:
                found[text[span.start : span.end]] += 1
                right[text[span.start : span.end]] += span in true
        # Names that only stand within longer ones are never found: they stay.
        types = {name: kind for name, kind in types.items() if right[name] >= share * found[name]}
    return lambda texts: _look_up(types, texts)


def _types_of(counts: dict[str, Counter]) -> dict[str, str]:
    return {name: max(sorted(kinds), key=kinds.get) for name, kinds in counts.items()}


def _look_up(
    types: dict[str, str],
    texts: Sequence[str],
    left_out: Sequence[Collection[str]] | None = None,
) -> list[list[Span]]:
    """The longest names from the left, but for those left out in this text."""
    lengths: dict[str, set[int]] = defaultdict(set)  # of the names that begin with a character
    for name in types:
        lengths[name[0]].add(len(name))
    sizes = {first: sorted(some, reverse=True) for first, some in lengths.items()}
    result = []
    for text, but in zip(texts, left_out or [()] * len(texts), strict=True):
        spans, place = [], 0
        while place < len(text):
            here = [text[place : place + size] for size in sizes.get(text[place], ())]
            name = next((name for name in here if name in types and name not in but), "")
            if name:
                spans.append(Span(place, place + len(name), types[name]))
            place += max(len(name), 1)
        result.append(spans)
    return result


def linear_tagger(train: Dataset, width: int = 2, C: float = 30.0, names: bool = True) -> Tagger:
    """Logistic regression for each character on those around it, then the best possible path.

    Args:
        width: characters to each side that count, alone and in pairs with their neighbours.
        C: inverse regularisation; larger fits closer.
        names: tell also what `dictionary_tagger` finds there and next to it. In training, a
            sentence's own names count only if another sentence has them too: else the model
            would learn to trust the dictionary alone, which knows all training sentences.
    """
    counts = entity_counts(train)
    types = _types_of(counts) if names else {}
    texts, spans = texts_and_spans(train)
    rows, labels, left_out = [], [], []
    for text, some in zip(texts, spans, strict=True):
        own = Counter(text[span.start : span.end] for span in some)
        alone = {name for name in own if counts[name].total() == own[name]}
        left_out.append(alone)
        labels += bio_of(some, len(text))
    looked_up = _look_up(types, texts, left_out)
    for text, found in zip(texts, looked_up, strict=True):
        rows += _windows(text, width, found)
    vectors = DictVectorizer(dtype=np.float32)
    model = LogisticRegression(C=C, max_iter=200).fit(vectors.fit_transform(rows), labels)
    label_names = list(model.classes_)

    def tag(texts: Sequence[str]) -> list[list[Span]]:
        found = []
        for text, looked_up in zip(texts, _look_up(types, texts), strict=True):
            if text:
                features = vectors.transform(_windows(text, width, looked_up))
                found.append(
                    spans_of(decode_labels(model.predict_log_proba(features), label_names))
                )
            else:
                found.append([])
        return found

    return tag


def _windows(text: str, width: int, names: list[Span]) -> Iterator[dict[str, int]]:
    """For each character: itself and its neighbours, alone and in pairs, with their distance;
    and of itself and those next to it, the label by the dictionary."""
    padded = ["<"] * width + list(text) + [">"] * width
    places = range(2 * width + 1)
    labels = ["O", *bio_of(names, len(text)), "O"]
    for start in range(len(text)):
        around = padded[start : start + 2 * width + 1]
        row = {f"{i}{around[i]}": 1 for i in places}
        row |= {f"{i}{around[i]}{around[i + 1]}": 1 for i in places[:-1]}
        yield row | {f"{i} {labels[start + i]}": 1 for i in range(3) if labels[start + i] != "O"}


# What `strongest_tagger` tries, by the names it gives.
TAGGERS: dict[str, Callable[[Dataset], Tagger]] = {
    "dictionary": dictionary_tagger,
    "dictionary, share 0.5": lambda train: dictionary_tagger(train, 0.5),
    "windows of 5": lambda train: linear_tagger(train, 2, names=False),
    "windows of 5, names": lambda train: linear_tagger(train, 2),
    "windows of 7, names": lambda train: linear_tagger(train, 3),
}


def strongest_tagger(
    train: Dataset,
    validation: Dataset,
    choices: dict[str, Callable[[Dataset], Tagger]] | None = None,
) -> tuple[Tagger, str, float]:
    """The best of some taggers, made from `train`, by the F1 of entities on `validation`.

    Args:
        choices: name -> a function that makes a tagger of a data set; `TAGGERS` by default.
    Returns:
        the tagger, its name, its F1 on `validation`; of equals, the first.
    """
    texts, gold = texts_and_spans(validation)
    best: tuple = (None, "", -1.0)
    for name, make in (choices or TAGGERS).items():
        tagger = make(train)
        f1 = entity_scores(gold, tagger(texts))["micro"].f1
        if f1 > best[2]:
            best = (tagger, name, f1)
    return best
