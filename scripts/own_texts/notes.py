"""What may be said of a row instead of an answer, or beside it."""

UNSURE, EMPTY, BROKEN = "unsure", "empty", "broken"
