"""Write what was measured into the tables of the model cards (models/*/README.md).

    python scripts/model_cards.py      # after pretraining, or after scripts/benchmark.py

The numbers come from a model's training.json and from results/. A table is known by its heading;
the words around it are written by hand, and to be read again when the numbers change.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from utils.profile import course_root
from utils.results import read_results
from utils.training_log import training_rounds

# model -> heading of its table of held-out measures; measure -> decimals
HELD_OUT = {
    "mini-bert-zh": (
        "| | MLM loss (nats) | MLM accuracy | NSP accuracy |",
        {"mlm_loss": 2, "mlm_accuracy": 3, "nsp_accuracy": 2},
    ),
    "mini-gpt-zh": ("| | loss (nats) | accuracy |", {"lm_loss": 2, "lm_accuracy": 3}),
    "mini-t5": (
        "| | span loss | span accuracy | news, 分类： | news, topic: | reviews | their sentences |",
        {"span_loss": 2, "span_accuracy": 3}
        | {f"{task}_accuracy": 3 for task in ("thucnews", "topics", "imdb", "remarks")},
    ),
}
FINE_TUNING = "| data | labels | majority | TF-IDF + LR | scratch | mini-bert-zh |"
DATA = {
    "mini": "mini_thucnews (the course's own)",
    "titles": "THUCNews titles",
    "texts": "THUCNews full texts, first 128 tokens",
}
METHODS = ("majority", "tfidf", "scratch", "mini-bert-zh")


def main() -> None:
    for model in HELD_OUT:
        path = card_of(model)
        card = path.read_text(encoding="utf8")
        if (filled := fill(card, model)) != card:
            path.write_text(filled, encoding="utf8")
            print(f"{path}: new numbers; read the words around them again")


def card_of(model: str) -> Path:
    """The card of a model of the course."""
    return course_root() / "models" / model / "README.md"


def fill(card: str, model: str) -> str:
    """The card with the tables as they were measured.

    Raises:
        ValueError: a table's heading is not on the card, or there twice.
    """
    card = replace_table(card, HELD_OUT[model][0], held_out_rows(model))
    return replace_table(card, FINE_TUNING, news_rows()) if model == METHODS[-1] else card


def replace_table(card: str, heading: str, rows: list[str]) -> str:
    """The card with other rows below a table's heading."""
    lines = card.split("\n")
    if lines.count(heading) != 1:
        raise ValueError(f"the card has no table, or two, with the heading: {heading}")
    start = end = lines.index(heading) + 2  # below the line of dashes
    while lines[end].startswith("|"):
        end += 1
    return "\n".join([*lines[:start], *rows, *lines[end:]])


def held_out_rows(model: str) -> list[str]:
    """Frequencies, the untrained model, each round's model, and the last one on long rows."""
    first, *later = rounds = training_rounds(course_root() / "models" / model)
    decimals = HELD_OUT[model][1]
    measured = [("unigram frequencies", first["unigram"]), ("untrained model", first["untrained"])]
    title = f"{model}, after its tasks" if later else model
    measured += [("after span corruption", each["trained"]) for each in rounds[:-1]]
    measured += [(f"**{title}**", rounds[-1]["trained"])]
    # The answers to the tasks are the same ones, whatever the length of the rows of text.
    long = rounds[-1]["trained_full_length"].items()
    long = {name: value for name, value in long if not (later and name not in first["trained"])}
    measured.append((f"{model}, rows of up to 256 tokens", long))
    rows = []
    for name, values in measured:
        cells = [
            f"{values[measure]:.{places}f}" if measure in values else "–"
            for measure, places in decimals.items()
        ]
        if name.startswith("**"):
            cells = [f"**{cell}**" for cell in cells]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def news_rows() -> list[str]:
    """Accuracies of mini-bert-zh and its baselines, by data and number of labels."""
    rows = []
    for task, name in DATA.items():
        measured = read_results(f"thucnews_{task}")
        for size in dict.fromkeys(row.split("/")[0] for row in measured):
            cells = [accuracy(measured.get(f"{size}/{method}")) for method in METHODS]
            rows.append(f"| {name} | {int(size):,} | {' | '.join(cells)} |")
    return rows


def accuracy(row: dict | None) -> str:
    """Mean ± sample standard deviation over the seeds; a dash where nothing was measured."""
    if row is None:
        return "–"
    return f"{row['accuracy']['mean']:.3f} ± {row['accuracy']['sd']:.3f}"


if __name__ == "__main__":
    main()
