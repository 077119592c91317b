"""Texts of the course's own data sets that are too much alike."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from data_files import csv_rows
from notebooks import ROOT


def fragments(text: Sequence) -> set:
    """The 4-grams of a text: of its characters, or of a tuple of its words."""
    return {text[i : i + 4] for i in range(len(text) - 3)}


def near_duplicates(texts: list[Sequence], threshold: float = 0.5) -> list[tuple[int, int]]:
    """Pairs of places whose 4-grams overlap by more than a share of the shorter text's."""
    grams, holders = [fragments(text) for text in texts], defaultdict(list)
    for place, parts in enumerate(grams):
        for part in parts:
            holders[part].append(place)
    shared = Counter()
    for places in holders.values():
        shared.update((a, b) for i, a in enumerate(places) for b in places[i + 1 :])
    return [
        (a, b)
        for (a, b), count in shared.items()
        if count >= threshold * min(len(grams[a]), len(grams[b]))
    ]


def news_texts() -> list[str]:
    """The texts of mini_thucnews, which no other of the course's data sets may repeat."""
    splits = ("train", "validation", "test")
    return [
        row["text"]
        for split in splits
        for row in csv_rows(ROOT / f"data/mini_thucnews/{split}.csv")
    ]
