"""A cell of a table, whatever kind of file it is from, as its reader sees it: one text."""

import json

from utils.data.rows import decoded


def in_parts(value: object) -> bool:
    """Whether several texts stand where one should: turns of a conversation, or a list of texts."""
    return isinstance(value, dict) or (
        isinstance(value, list) and (len(value) > 1 or any(map(in_parts, value)))
    )


def as_text(value: object) -> str:
    """A cell as its reader sees it: 5.0, as Excel keeps the number 5, is 5; nothing is "".

    A list of one is that one, as annotation tools write a label; of several it is JSON.
    """
    if isinstance(value, list) and len(value) < 2:
        value = value[0] if value else None
    value = decoded(value)
    if value is None or value != value:  # nan
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, dict)):
        written = json.dumps(value, ensure_ascii=False)
        return json.dumps(value) if is_half(written) else written
    return str(value)


def is_half(text: str) -> bool:
    """Whether a text holds half a character, which JSON can write (\\ud83d) and nothing can store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
