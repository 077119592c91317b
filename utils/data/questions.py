"""Load passages with questions whose answers are a stretch of the passage, or not in it at all.

    load_questions()                             # COURSE_DATA/qa, or the course's own questions
    load_questions("squad")                      # a folder with train-v2.0.json and dev-v2.0.json
    load_questions("cmrc2018_*.json.gz")         # a pattern
    load_questions("my.json")                    # one file: split by passage

Bad input raises a DataError of one line: the file, line and question, what is wrong, the cure.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from utils.data.content import DataError, encoding_of
from utils.data.layout import Files
from utils.data.objects import each_object, form_of, lines_of, word_of
from utils.data.problems import Problems
from utils.data.rows import is_seen, object_splits_watch
from utils.data.sources import Staged, parts_of, read_parts, share_out
from utils.data.splits import as_numbers, digest_of
from utils.data.staging import Shelf, arrow_splits, write_splits

if TYPE_CHECKING:  # importing them takes a second or two, so the loader does so when it needs them
    import pyarrow
    from datasets import DatasetDict, Features

# train-v2.0.json, cmrc2018_train.json, DRCD_training.json
PASSAGES = Files(
    "json|jsonl",
    after_split=r"([._-]v?\d+(\.\d+)*)?",
    refused="parquet|csv|tsv|xlsx|xlsm",
)

CURE = (
    "a file holds data → paragraphs → context, qas (SQuAD), a list of context_text, qas (CMRC 2018), "
    "or rows with id, question, context, answers"
)


class Question(NamedTuple):
    """One question. `answers` are (text, start); None where the file tells no answers."""

    id: str
    question: str
    context: str
    answers: list[tuple[str, int]] | None


class Asked(NamedTuple):
    """A question as it stands in the file, whatever the layout; nothing is checked yet."""

    line: int
    id: Any
    question: Any
    context: Any
    answers: Any  # of (text, start); None: no such key. A start of None: the file has none
    impossible: Any  # True, False; None: not said


def load_questions(
    source: str | Path | None = None, name: str = "", repair: bool | None = None
) -> DatasetDict:
    """Questions with answers in a passage, split into train, validation and test.

    Files are JSON in the layout of SQuAD 1 and 2, that of CMRC 2018 (`context_text`, `query_text`,
    answers without places), or rows with SQuAD's columns (numbered where none has an id); each may be compressed with gzip. Every
    answer must stand in its passage where `answer_start` says, counted in characters from 0. An
    answer without `answer_start` is looked for; how many stand there more than once, so that the
    first place was taken, is printed.

    Args:
        source: a file, an archive, a folder with [name_]{train,dev,test}.json or the like, or a
            pattern. None takes COURSE_DATA/qa, or else the course's own questions.
        name: takes the files <name>_train.json … where a folder holds several data sets; from
            COURSE_DATA, cmrc2018 if nothing else is said.
        repair: what is done with an answer that does not stand where it should. True: it moves to
            the nearest place where it stands; one that differs from the passage in width or blanks
            takes the passage's words; one that is not there is left out, and its question too if
            it has no other. False: the file is refused, and the right place told. None: a few are
            settled like this, as published files have some (`SLIPS`, `GAPS`), more are refused.
            What was settled is printed.

    Returns:
        Splits train, validation, test, each with SQuAD's columns: `id`, `question`, `context` and
        `answers`, a dict of `text` (list of strings) and `answer_start` (list of int), both empty
        where the passage does not answer. A split that the source lacks is taken from its training
        passages: a tenth, the same ones each time, a passage never on two sides. A file without
        answers is left aside, with a line that says so.

        Memory does not grow with the passages, also where all stand in one object. What more than
        16 MB of files give is kept as Arrow in the cache, see `load_texts`.

    Raises:
        DataError: the data cannot be used; the message tells where, why and what to do.
    """
    parts = parts_of(source, name, PASSAGES, "qa", "cmrc2018")

    def split(shelf: Shelf, size: int) -> list[str]:
        told: list[str] = []

        def read(part: str, path: Path, advance: Callable[[int], object]) -> Staged:
            return _stage(path, repair, shelf, f"{part}.staged", told, advance)

        shares = share_out(read_parts(parts, read, size), parts, "load_questions", told)
        write_splits(
            shelf, shares, _features(list(shares.values()) != [(["test"], None)]), _columns
        )
        return told

    paths = [str(path) for path in parts.values()]
    return arrow_splits(parts, ("questions", repair, paths), split, GROWTH)


# Bytes of Arrow that come of one of a file: a passage stands in the row of each of its questions.
GROWTH = 4


def _features(labelled: bool) -> Features:
    from datasets import Features, List, Value

    columns = {key: Value("string") for key in ("id", "question", "context")}
    if labelled:
        # Said, not inferred: a split whose answers are all empty would get the type of nothing.
        columns["answers"] = {"text": List(Value("string")), "answer_start": List(Value("int32"))}
    return Features(columns)


def _columns(part: str, batch: pyarrow.RecordBatch) -> list[pyarrow.Array]:
    ids, questions, contexts, *answers = batch.columns
    return [ids, questions, contexts.dictionary_decode(), *answers]


def _batch(rows: list[Question], labelled: bool) -> pyarrow.RecordBatch:
    """Rows for a part's stream; a passage stands once in it."""
    import pyarrow

    places = {context: place for place, context in enumerate({row.context: 0 for row in rows})}
    at = pyarrow.array([places[row.context] for row in rows], pyarrow.int32())
    columns = {
        "id": pyarrow.array([row.id for row in rows], pyarrow.string()),
        "question": pyarrow.array([row.question for row in rows], pyarrow.string()),
        "context": pyarrow.DictionaryArray.from_arrays(
            at, pyarrow.array(list(places), pyarrow.string())
        ),
    }
    if labelled:
        answers = [
            {
                "text": [text for text, _ in row.answers],
                "answer_start": [at for _, at in row.answers],
            }
            for row in rows
        ]
        kind = _features(labelled).arrow_schema.field("answers").type
        columns["answers"] = pyarrow.array(answers, kind)
    return pyarrow.RecordBatch.from_pydict(columns)


class Manner(NamedTuple):
    """How a file is to be read, which only its last row tells for certain."""

    labelled: bool  # whether any question has answers
    numbered: bool  # whether none has an id
    doubtful: frozenset[int]  # hashes that several ids have


class Found(NamedTuple):
    """What one reading of a file came to, besides its rows."""

    manner: Manner  # how it should have been read
    broken: Problems
    settled: dict[str, Settled]
    rows: int
    answers: int
    answerable: bool  # whether any question has an answer, or says that it has none
    digests: bytearray


class Settled:
    """The questions that were settled in one way: the first of them, and what was wrong."""

    def __init__(self):
        self.count, self.first = 0, None
        self.slips, self.gaps = Problems(), Problems()

    def add(self, row: Asked, wrong: str) -> None:
        """Count one more."""
        self.count, self.first = self.count + 1, self.first or (row, wrong)
        (self.slips if wrong.startswith("answer_start") else self.gaps).add(row.line, (row, wrong))


def _stage(
    path: Path,
    repair: bool | None,
    shelf: Shelf,
    name: str,
    told: list[str],
    advance: Callable[[int], object],
) -> Staged:
    """Put the questions of one file on the shelf, in its order.

    Raises:
        DataError: see `load_questions`.
    """
    if re.search(r"\.(csv|tsv|xlsx|xlsm)(\.gz)?$", path.name, re.I):
        raise DataError(
            f"{path}: a table; write its rows as JSON, an object a line, with question, context and "
            "answer (pandas: df.to_json('a.jsonl', orient='records', lines=True, force_ascii=False))"
        )
    first = next(_asked(path), None)
    if first is None:
        raise DataError(f"{path}: no questions in it; {CURE}")
    # Read as the first row suggests; only where another row says otherwise, once more.
    wanted, found = None, Manner(first.answers is not None, first.id is None, frozenset())
    while found != wanted:
        wanted = found
        read = _read(path, wanted, shelf, name, advance)
        found = read.manner
    _refuse(path, read.broken, "correct it, or delete the question", wanted.numbered)
    _refuse_doubtful(path, read.settled, repair, read.answers, wanted.numbered)
    for how, cases in read.settled.items():
        row, wrong = cases.first
        example = f"{row.id}: {wrong}" if wrong else row.id
        told.append(f"{path.name}：{cases.count} {how}（例如 {example}）。")
    if not read.rows:
        raise DataError(f"{path}: not one answer stands in its passage; take another file")
    if wanted.labelled and not read.answerable:
        told.append(f"{path.name}：没有一个问题有答案；若是没有公布答案的测试集，不能拿它评测。")
    return Staged(not wanted.labelled, as_numbers(read.digests))


def _read(
    path: Path, manner: Manner, shelf: Shelf, name: str, advance: Callable[[int], object]
) -> Found:
    """Read a file in one manner, and look in which it should be read."""
    broken, settled, ids = Problems(), defaultdict(Settled), Ids(manner.doubtful)
    labelled, numbered, answerable = False, True, False
    count = answers_count = 0
    digests, digest_of_last = bytearray(), ("", b"")
    schema = _batch([], manner.labelled).schema
    batch_of = functools.partial(_batch, labelled=manner.labelled)
    with shelf.rows(name, schema, batch_of, advance) as put:
        for number, row in enumerate(_asked(path), start=1):
            labelled = labelled or row.answers is not None
            numbered = numbered and row.id is None
            if manner.numbered:
                row = row._replace(id=number)
            wrong = _unusable(row, manner.labelled)
            if not manner.numbered and ids.stood_before(str(row.id), not wrong):
                wrong = "stands twice; give each question an id of its own"
            if wrong:
                broken.add(row.line, (row, wrong))
                continue
            if manner.labelled:
                answers_count += len(row.answers)
                answerable = answerable or bool(row.answers or row.impossible)
            if not is_seen(row.question):
                settled[BLANK].add(row, "the question is empty")
                continue
            answers = _settled_answers(row, settled) if manner.labelled else None
            if row.answers and answers == []:
                settled[UNANSWERED].add(row, "")
                continue
            if digest_of_last[0] != row.context:
                digest_of_last = row.context, digest_of(row.context)
            digests += digest_of_last[1]
            count += 1
            put(Question(str(row.id), row.question, row.context, answers), len(row.context))
    found = Manner(labelled, numbered, ids.of_several() if not numbered else frozenset())
    return Found(found, broken, settled, count, answers_count, answerable, digests)


class Ids:
    """The ids of a file, of which none may stand twice.

    Only their hashes are kept. Where two agree, the file is read once more, and those ids are looked
    at themselves.
    """

    def __init__(self, doubtful: frozenset[int]):
        self.doubtful = doubtful
        self.hashes, self.seen = array("q"), set()

    def stood_before(self, key: str, usable: bool) -> bool:
        """Whether a question that is usable has an id that another had; the id is noted."""
        self.hashes.append(hash(key))
        if self.hashes[-1] not in self.doubtful:
            return False
        twice = usable and key in self.seen
        self.seen.add(key)
        return twice

    def of_several(self) -> frozenset[int]:
        """The hashes that stand more than once."""
        found, counts = np.unique(np.frombuffer(self.hashes, np.int64), return_counts=True)
        return frozenset(found[counts > 1].tolist())


def _settled_answers(row: Asked, settled: dict[str, Settled]) -> list[tuple[str, int]]:
    """The answers that stand in the passage, each where it stands; how that was settled is noted."""
    found = [_place(row.context, text, start) for text, start in row.answers]
    for _, how, wrong in found:
        if how:
            settled[how].add(row, wrong)
    return [place for place, _, _ in found if place]


# --- Layouts -------------------------------------------------------------------------------------


def _asked(path: Path) -> Iterator[Asked]:
    """The questions of a file in any layout."""
    wrong = None
    refuse_splits = object_splits_watch(path)
    for line, item in each_object(path, "data", "paragraphs"):
        refuse_splits(line, item)
        try:
            asked = [_without_nothing(each) for each in _asked_in(item, path, line)]
        except DataError as error:  # that the file is whole comes before what is in it
            wrong = wrong or error
        if not wrong:
            yield from asked
    if wrong:
        raise wrong


def _without_nothing(row: Asked) -> Asked:
    """A question whose answers are "" at -1, as DuReader writes that there is none: without them."""
    if not isinstance(row.answers, list):
        return row
    nothing = [
        isinstance(each, tuple)
        and isinstance(each[0], str)
        and not each[0].strip()
        and (each[1] == -1 or row.impossible is True)
        for each in row.answers
    ]
    return row._replace(answers=[]) if nothing and all(nothing) else row


def _asked_in(item: Any, path: Path, line: int) -> Iterator[Asked]:
    if not isinstance(item, dict):
        raise DataError(f"{path}, {word_of(path)} {line}: {str(item)[:30]!r} is no passage; {CURE}")
    if "context_text" in item:
        for query in _list(item.get("qas"), path, line, "qas of a passage"):
            yield _of_cmrc(line, item, query)
    elif "paragraphs" in item:
        for passage in _list(item["paragraphs"], path, line, "paragraphs"):
            if not isinstance(passage, dict) or "context" not in passage:
                where = f"{path}, {word_of(path)} {line}"
                raise DataError(f"{where}: a paragraph without context; {CURE}")
            for query in _list(passage.get("qas"), path, line, "qas of a passage"):
                yield _of_squad(line, passage["context"], query)
    elif "context" in item and "qas" in item:
        for query in _list(item["qas"], path, line, "qas of a passage"):
            yield _of_squad(line, item["context"], query)
    elif "context" in item and "question" in item:
        yield _of_row(line, item)
    elif "data" not in item or _list(item["data"], path, line, "data"):
        keys = ", ".join(map(str, item))[:60]
        where = f"{path}, {word_of(path)} {line}"
        raise DataError(f"{where}: no passages among the keys {keys!r}; {CURE}")


def _list(value, path: Path, line: int, what: str) -> list:
    if not isinstance(value, list):
        where = f"{path}, {word_of(path)} {line}"
        raise DataError(f"{where}: {what} is {str(value)[:30]!r}, not a list; {CURE}")
    return value


def _of_squad(line: int, context, query) -> Asked:
    query = query if isinstance(query, dict) else {}
    if "answers" not in query:  # but answer, perhaps, as rows may have it
        return _of_row(line, {**query, "context": context})
    answers = query["answers"]
    if isinstance(answers, list):
        answers = [
            (answer.get("text"), answer.get("answer_start")) if isinstance(answer, dict) else answer
            for answer in answers
        ]
    impossible = _as_bool(query.get("is_impossible"))
    return Asked(line, query.get("id"), query.get("question"), context, answers, impossible)


def _of_cmrc(line: int, passage: dict, query) -> Asked:
    query = query if isinstance(query, dict) else {}
    answers = query.get("answers", query.get("answer"))
    if isinstance(answers, str) and "answers" not in query:
        answers = [answers] if answers.strip() else None
    if isinstance(answers, list):
        answers = [(answer, None) for answer in answers]
    context = passage["context_text"]
    return Asked(line, query.get("query_id"), query.get("query_text"), context, answers, None)


def _of_row(line: int, row: dict) -> Asked:
    answers = next((row[key] for key in ("answers", "answer", "answer_text") if key in row), None)
    places = next((row[key] for key in ("answer_starts", "answer_start") if key in row), None)
    impossible = _as_bool(row.get("is_impossible"))
    if isinstance(answers, str):  # a blank one is no label, as in a hidden test set
        said = answers.strip() or places == -1 or impossible is True
        answers = [answers] if said else None
    if isinstance(answers, dict):
        texts, starts = answers.get("text"), answers.get("answer_start")
        if isinstance(texts, str) and not isinstance(starts, list):
            texts, starts = [texts], [starts]
        if isinstance(texts, list) and isinstance(starts, list) and len(texts) == len(starts):
            answers = list(zip(texts, starts, strict=True))
    elif isinstance(answers, list):  # texts alone, or objects as in the layout of SQuAD
        if not isinstance(places, list):
            places = [places] * len(answers) if len(answers) == 1 or places is None else [places]
        if all(isinstance(each, dict) for each in answers):
            answers = [(each.get("text"), each.get("answer_start")) for each in answers]
        elif len(answers) == len(places):
            answers = list(zip(answers, places, strict=True))
        else:
            answers = f"{len(answers)} texts with {len(places)} answer_start"
    return Asked(line, row.get("id"), row.get("question"), row["context"], answers, impossible)


def _as_bool(value: Any) -> Any:
    """True or False as others write it (CJRC as "true", pandas as 1), None of an empty cell.

    Anything else as it is.
    """
    if value in (0, 1):
        return bool(value)
    known = {"true": True, "1": True, "yes": True, "是": True}
    known |= {"false": False, "0": False, "no": False, "否": False, "": None, "nan": None}
    return known.get(str(value).strip().lower(), value)


# --- Checks --------------------------------------------------------------------------------------

# How a doubtful answer is settled, as it is told to the reader.
FIRST_OF_SEVERAL = "个答案没有 answer_start，在文中又不止出现一次，取第一处"
MOVED = "个答案的 answer_start 不对，移到最近的一处"
REWORDED = "个答案与原文只差全角半角或空白，改用原文的字"
DROPPED = "个答案不在文中，略去"
BLANK = "个问题没有文字，略去"
UNANSWERED = "个问题因此一个答案也没有，略去"

# Published files have some of these. More means that places are counted in another way (in bytes,
# from 1), or that the answers are of other passages.
SLIPS = 0.01  # of a file's answers have a wrong answer_start
GAPS = 0.05  # have none, or -1, and do not stand in the passage; or belong to an empty question


def _unusable(row: Asked, labelled: bool) -> str:
    """What makes a question unusable, or ""."""
    if type(row.id) not in (str, int) or row.id == "":
        return f"no id but {str(row.id)[:20]!r}"
    for key in ("question", "context"):
        text = getattr(row, key)
        if not isinstance(text, str) or key == "context" and not is_seen(text):
            return f"{key} is {str(text)[:20]!r}; it must be a text"
    if not labelled:
        return ""
    if row.answers is None:
        return "no answers, unlike the others; write [] if the passage does not answer"
    if not isinstance(row.answers, list) or not all(isinstance(x, tuple) for x in row.answers):
        return f"answers are {str(row.answers)[:30]!r}"
    for text, start in row.answers:
        if not isinstance(text, str) or not text.strip():
            return f"an answer is {str(text)[:20]!r}; it must be a text"
        if start is not None and type(start) is not int:
            return f"answer_start is {str(start)[:20]!r}; it must be a number of characters"
    if row.impossible not in (True, False, None):
        return f"is_impossible is {str(row.impossible)[:20]!r}; it must be true or false"
    if row.impossible is True and row.answers:
        return f"is_impossible, and yet answered {row.answers[0][0][:20]!r}"
    if row.impossible is False and not row.answers:
        return "no answer, and yet is_impossible is false"
    return ""


def _place(context: str, text: str, start: int | None) -> tuple[tuple[str, int] | None, str, str]:
    """Where an answer stands.

    Returns:
        The answer with its start, or None if it is not in the passage; how that was settled, or ""
        where nothing was in doubt; and what is wrong.
    """
    start = None if start == -1 else start  # CMRC 2018's mark for: not found
    if start is not None and start >= 0 and context.startswith(text, start):
        return (text, start), "", ""
    places = _occurrences(context, text)
    said = "" if start is None else f"answer_start {start}, but "
    if places and start is None:
        return (text, places[0]), FIRST_OF_SEVERAL if len(places) > 1 else "", ""
    if places:
        stands = ", ".join(map(str, places[:4])) + (" …" if len(places) > 4 else "")
        nearest = min(places, key=lambda place: abs(place - start))
        return (text, nearest), MOVED, f"{said}{text[:20]!r} stands at {stands}"
    if loose := _loosely(context, text, start or 0):
        there = context[slice(*loose)]
        said = "" if start == loose[0] else said
        wrong = f"{said}at {loose[0]} stands {there[:20]!r}, not {text[:20]!r} (width or blanks)"
        return (there, loose[0]), REWORDED, wrong
    return None, DROPPED, f"{said}{text[:20]!r} is not in the passage"


def _occurrences(context: str, text: str) -> list[int]:
    places, at = [], context.find(text)
    while at >= 0:
        places.append(at)
        at = context.find(text, at + 1)
    return places


def _loosely(context: str, text: str, near: int) -> tuple[int, int] | None:
    """Where a text stands if full and half width are one and blanks are none."""
    folded = [
        (char, place)
        for place, original in enumerate(context)
        for char in unicodedata.normalize("NFKC", original)
        if not char.isspace()
    ]
    wanted = "".join(unicodedata.normalize("NFKC", text).split())
    places = _occurrences("".join(char for char, _ in folded), wanted) if wanted else []
    if not places:
        return None
    at = min(places, key=lambda place: abs(folded[place][1] - near))
    return folded[at][1], folded[at + len(wanted) - 1][1] + 1


def _refuse_doubtful(
    path: Path, settled: dict[str, Settled], repair: bool | None, count: int, numbered: bool
) -> None:
    """Refuse answers that could be settled only by a guess, if they are more than a few slips."""
    if repair:
        return
    doubtful = [settled[how] for how in (BLANK, MOVED, REWORDED, DROPPED) if how in settled]
    slips = Problems.joined(each.slips for each in doubtful)
    gaps = Problems.joined(each.gaps for each in doubtful)
    cure = "correct it, or let repair=True do so"
    if repair is False:
        _refuse(path, Problems.joined([slips, gaps]), cure, numbered)
    _refuse(path, slips if slips.count > SLIPS * count else Problems(), cure, numbered)
    _refuse(path, gaps if gaps.count > GAPS * count else Problems(), cure, numbered)


def _refuse(path: Path, problems: Problems, cure: str, numbered: bool) -> None:
    """Refuse questions; a problem tells the question and what is wrong with it.

    Args:
        numbered: whether their ids are numbers that do not stand in the file.
    """
    if not problems.count:
        return
    lines = [number for number, _ in problems.first]
    rows = [row for _, (row, _) in problems.first]
    named = [type(row.id) in (str, int) for row in rows]
    form, word = form_of(path, encoding_of(path)), word_of(path)
    if form == "value" or form == "list" and lines[0] == problems.last and word == "line":
        # All in one object: look for the questions, or their passages.
        ids = [has_id and not numbered for has_id in named]
        at = [row.id if n else str(row.context) for n, row in zip(ids, rows, strict=True)]
        lines = [max(line, found) for line, found in zip(lines, lines_of(path, at), strict=True)]
    told = Problems(
        (line, f"question {str(row.id if has_id else row.question)[:30]!r}: {wrong}")
        for line, has_id, (_, (row, wrong)) in zip(lines, named, problems.first, strict=True)
    )
    told.count = problems.count
    told.refuse(path, cure, word)
