"""A results file as one run sees it: what counts as measured, and what it adds."""

import json
from collections.abc import Sequence

from tqdm.auto import tqdm

from measurements.provenance import circumstances
from utils.results import add_result, read_results


class Results:
    """The rows of results/NAME.jsonl; `rows` maps a row's name to what its line says.

    Whoever measures a row asks first whether it is there (`has`), naming what its numbers depend
    on, such as the weights; the row carries these fingerprints, so that it is measured again when
    they change.

    Args:
        name: "imdb" for results/imdb.jsonl.
        fresh: forget what is there, so that all is measured again. Its lines stay in the file.
        seeds: those that each row is measured with.
    """

    def __init__(self, name: str, fresh: bool = False, seeds: Sequence[int] = (0, 1, 2)):
        self.name, self.seeds = name, list(seeds)
        self.rows = {} if fresh else read_results(name)
        self.circumstances = circumstances()

    def has(self, row: str, **fingerprints) -> bool:
        """Is the row there, and was it measured with these weights, vocabulary or what else?"""
        known = self.rows.get(row)
        return known is not None and known | fingerprints == known

    def add(self, row: str, measured: dict, **fingerprints) -> None:
        """Write a row at once: a run that is interrupted later keeps it."""
        values = measured | fingerprints | {"seeds": self.seeds} | self.circumstances
        add_result(self.name, row, values)
        self.rows[row] = values
        tqdm.write(f"{row}: {json.dumps(measured, ensure_ascii=False)[:200]}")
