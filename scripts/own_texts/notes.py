"""What may be said of a row instead of an answer, or beside it."""

from utils.data import is_empty_cell, is_seen

UNSURE, EMPTY, BROKEN = "unsure", "empty", "broken"


def note_before(text: str | None) -> str:
    """What is said of a text that no model need look at; "" of any other."""
    if text is None:
        return BROKEN
    return EMPTY if not is_seen(text) or is_empty_cell(text.strip()) else ""
