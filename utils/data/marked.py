"""Names that an annotation tool marked in a text, in JSON: their places, or a label for each token.

    {"text": "张三在北京", "label": {"name": {"张三": [[0, 1]]}}}                       CLUENER
    {"text": "张三在北京", "label": [[0, 2, "PER"]]}                                    doccano
    {"text": "张三在北京", "entities": [{"start_offset": 0, "end_offset": 2, "label": "PER"}]}
    {"text": "张三在北京", "entities": [{"start_idx": 0, "end_idx": 1, "type": "per", "entity": "张三"}]}
    {"data": {"text": "张三在北京"}, "annotations": [{"result": [{"value": …}]}]}       Label Studio
    ["张三在北京", {"entities": [[0, 2, "PER"]]}]                                       spaCy
    {"text": "张三在北京", "tokens": [{…}, …], "spans": [{"start": 0, "end": 2, "label": "PER"}]}  Prodigy
    {"tokens": ["张", "三"], "ner_tags": ["B-PER", "I-PER"]}                            Hugging Face

Some count the last character and some do not. Where the words of a name are written beside its
places, they tell; else only forms are read of which it is known.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

TEXTS = ("text", "originalText", "sentence", "content")
MARKS = ("label", "labels", "entities", "spans")
TAGS = ("ner_tags", "labels", "tags", "label", "ner")
STARTS = ("start_offset", "start", "start_idx", "start_pos", "begin")
ENDS = ("end_offset", "end", "end_idx", "end_pos")
TYPES = ("label", "type", "labels", "label_type", "entity_type")
WORDS = ("text", "entity", "word", "surface", "mention")


class Marked(NamedTuple):
    """A text and the names in it, or its tokens with a label each, as they stand in a file."""

    text: Any
    names: list[tuple[Any, Any, Any, str | None]] | None  # start, end, type, words; None: no labels
    tokens: list | None = None  # with `labels`, instead of names
    labels: Any = None
    inclusive: bool | None = None  # whether the end is a name's last place; None: its words tell
    wrong: str = ""  # what cannot be understood in it


def marked(item: Any) -> Marked:
    """A text with its names, in any of the forms."""
    if isinstance(item, list) and len(item) == 2 and isinstance(item[1], dict):
        item = {"text": item[0], **item[1]}
    if not isinstance(item, dict):
        return Marked(None, None)
    tokens = item.get("tokens", item.get("text"))
    if isinstance(tokens, list) and not _is_beside(tokens, item):
        key = max(
            (key for key in TAGS if key in item), key=lambda k: _rank(item[k], tokens), default=None
        )
        other = next((each for each in item if _are_names(item[each])), None)
        given = item.get(key)
        each_has_one = isinstance(given, list) and len(given) == len(tokens)
        if other and (not each_has_one or _are_names(given)):
            wrong = f"places among the tokens stand under {other!r:.30}"
            return Marked("".join(map(str, tokens)), None, wrong=wrong)
        return Marked("".join(map(str, tokens)), None, tokens, given)
    if isinstance(item.get("data"), dict):
        return _of_label_studio(item)
    text = next((item[key] for key in TEXTS if key in item), None)
    # A class of the whole text may stand beside its names: the key that can be names counts.
    key = max(
        (key for key in MARKS if key in item), key=lambda k: _rank(item[k], text), default=None
    )
    given = item.get(key)
    if key is None:
        other = next((each for each in item if each != "tokens" and _are_names(item[each])), None)
        return Marked(
            text, None, wrong=other and f"names stand under {other!r:.30}; call it label" or ""
        )
    if item.get("answer") in ("reject", "ignore"):
        return Marked(text, None, wrong=f"its answer is {item['answer']!r}; leave it out")
    if isinstance(given, dict):
        return _of_cluener(text, given)
    if isinstance(given, list) and given and all(isinstance(each, str) for each in given):
        return Marked(text, None, list(text) if isinstance(text, str) else None, given)
    if not isinstance(given, list):
        return Marked(text, None, wrong=f"{key} is {str(given)[:30]!r}")
    found = [_name(each) for each in given]
    if None in found:
        return Marked(text, None, wrong=f"a name is {str(given[found.index(None)])[:60]!r}")
    known = all(isinstance(each, list) or set(each) & {"start_offset", "start"} for each in given)
    return Marked(text, found, inclusive=False if known else None)


def _is_beside(tokens: list, item: dict) -> bool:
    """Whether tokens stand beside a text whose names are told by places."""
    return isinstance(item.get("text"), str) and (
        any(isinstance(each, dict) for each in tokens) or not any(key in item for key in TAGS)
    )


def _rank(given: Any, text: Any) -> int:
    """How well something can be the names in a text, or the labels of its tokens."""
    if isinstance(given, dict) and given:
        return 3 * all(isinstance(each, dict) for each in given.values())
    if isinstance(given, list) and given:
        if not all(isinstance(each, str) for each in given):
            return 3
        return 2 * (isinstance(text, (str, list)) and len(given) == len(text))
    return given in ([], {})


def _are_names(given: Any) -> bool:
    """Whether something has places and types as names have, whatever it is called."""
    if not isinstance(given, list) or not given:
        return False
    if all(isinstance(each, list) and len(each) == 3 for each in given):
        return all(list(map(type, each)) == [int, int, str] for each in given)
    if not all(isinstance(each, dict) for each in given):
        return False
    keys = set(given[0])
    for inner in given[0].values():
        keys |= set(inner) if isinstance(inner, dict) else set()
    return all(keys & set(some) for some in (STARTS, ENDS, TYPES))


def _name(mark: Any) -> tuple[Any, Any, Any, str | None] | None:
    """Start, end, type and words of one name, or None if it is none."""
    if isinstance(mark, list):
        return (*mark, None) if len(mark) == 3 else None
    if not isinstance(mark, dict):
        return None
    start, end, kind, words = (
        next((mark[key] for key in keys if key in mark), None)
        for keys in (STARTS, ENDS, TYPES, WORDS)
    )
    if isinstance(kind, list) and len(kind) == 1:
        kind = kind[0]
    return start, end, kind, words if isinstance(words, str) else None


def _of_cluener(text: Any, given: dict) -> Marked:
    if not all(isinstance(surfaces, dict) for surfaces in given.values()):
        return Marked(text, None, wrong=f"label is {str(given)[:30]!r}")
    return Marked(text, list(_places(given)), inclusive=True)


def _places(given: dict) -> Iterator[tuple[Any, Any, Any, str]]:
    for kind, surfaces in given.items():
        for surface, places in surfaces.items():
            for place in places if isinstance(places, list) and places else [places]:
                pair = place if isinstance(place, list) and len(place) == 2 else (place, None)
                yield *pair, kind, surface


def _of_label_studio(item: dict) -> Marked:
    """The text and the names of a task; they stand under `value` of each result."""
    text = next((item["data"][key] for key in TEXTS if key in item["data"]), None)
    given = item.get("annotations", item.get("completions"))
    if not isinstance(given, list) or not given:
        return Marked(text, None)
    given = [each for each in given if not isinstance(each, dict) or not each.get("was_cancelled")]
    if not given:
        return Marked(text, None, wrong="skipped by who annotated it; leave it out")
    if len(given) > 1:
        return Marked(text, None, wrong=f"{len(given)} annotations of one text; leave one of them")
    results = given[0].get("result", []) if isinstance(given[0], dict) else []
    values = [each.get("value") for each in results if isinstance(each, dict)]
    found = [_name(value) for value in values if isinstance(value, dict) and "start" in value]
    return Marked(text, found, inclusive=False)
