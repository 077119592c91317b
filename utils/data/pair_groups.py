"""Pairs that share a sentence, directly or by others: a group, which stays on one side of a split."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import numpy as np

from utils.data.sources import Staged
from utils.data.splits import as_numbers, digest_of
from utils.data.staging import Shelf


def grouped(
    shelf: Shelf, part: str, hashes: array, label_of: Callable[[str], str], staged: Staged
) -> Staged:
    """A part with its groups: pairs that a chain of shared sentences connects stay together.

    The smallest sentence of a group is its name, so that this does not depend on the order of the
    rows. Each split gets its share of each kind of group, which is the labels that occur in it.

    Args:
        hashes: of the two sentences of each row, one behind the other.
        label_of: the label of what a row has in its column, "" where classes are not kept apart.
    """
    group = _connected(hashes)
    left = np.bincount(group)  # rows of each group that are still to come
    digests, smallest, labels = bytearray(16 * len(left)), {}, {}
    codes, row = np.zeros(len(group), np.int32), 0
    for batch in shelf.batches(f"{part}.staged"):
        columns = (batch.column(each).to_pylist() for each in ("sentence1", "sentence2", "given"))
        for one, two, given in zip(*columns, strict=True):
            here, low = group[row], min(one.strip(), two.strip())
            codes[row] = labels.setdefault(label_of(given), len(labels))
            left[here] -= 1
            if here in smallest:
                low = min(low, smallest[here])
            if left[here]:
                smallest[here] = low
            else:
                smallest.pop(here, None)
                digests[16 * here : 16 * here + 16] = digest_of(low)
            row += 1
    kinds, names = _kinds(group, codes, list(labels))
    return staged._replace(digests=as_numbers(digests)[group], codes=kinds[group], kinds=names)


def _connected(hashes: array) -> np.ndarray:
    """The number of the group of each pair."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, sentences = np.unique(np.frombuffer(hashes, np.int64), return_inverse=True)
    one, two = sentences.astype(np.int32).reshape(-1, 2).T
    size = int(sentences.max()) + 1
    graph = coo_array((np.ones(len(one), np.int8), (one, two)), shape=(size, size))
    return connected_components(graph, directed=False)[1][one]


def _kinds(group: np.ndarray, codes: np.ndarray, labels: list[str]) -> tuple[np.ndarray, list[str]]:
    """The kind of each group, and what the kinds are called."""
    both = np.unique(group.astype(np.int64) * len(labels) + codes)
    owner, code = np.divmod(both, len(labels))
    groups_with = np.bincount(code, minlength=len(labels))
    bounds = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1], True])
    names: dict[str, int] = {}
    kind = np.empty(len(bounds) - 1, np.int32)
    alone = np.diff(bounds) == 1
    kind_of = np.array([names.setdefault(label, len(names)) for label in labels])
    kind[alone] = kind_of[code[bounds[:-1][alone]]]
    for each in np.flatnonzero(~alone):
        name = "+".join(sorted(labels[c] for c in code[bounds[each] : bounds[each + 1]]))
        kind[each] = names.setdefault(name, len(names))
    sizes = np.bincount(kind, minlength=len(names))
    _, first = np.unique(group, return_index=True)  # the first row of each group
    largest = np.flatnonzero(sizes[kind] == sizes.max())
    common = kind[largest[first[largest].argmin()]]
    for each in np.flatnonzero(sizes[kind] == 1):
        # The only group of its kind goes with the others, if these have all its labels too.
        if (groups_with[code[bounds[each] : bounds[each + 1]]] > 1).all():
            kind[each] = common
    return kind, list(names)
