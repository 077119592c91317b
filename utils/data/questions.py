"""Load passages with questions whose answers are a stretch of the passage, or not in it at all.

    load_questions()                             # COURSE_DATA/qa, or the course's own questions
    load_questions("squad")                      # a folder with train-v2.0.json and dev-v2.0.json
    load_questions("cmrc2018_*.json.gz")         # a pattern
    load_questions("my.json")                    # one file: split by passage

Bad input raises a DataError of one line: the file, line and question, what is wrong, the cure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from utils.data.content import DataError
from utils.data.layout import Files
from utils.data.objects import each_object, lines_of
from utils.data.rows import is_seen, refuse
from utils.data.sources import parts_of, split_rows

if TYPE_CHECKING:  # importing it takes a second or two, so the loader does so when it needs it
    from datasets import DatasetDict

# train-v2.0.json, cmrc2018_train.json, DRCD_training.json
PASSAGES = Files("json|jsonl", after_split=r"([._-]v?\d+(\.\d+)*)?")

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

    @property
    def text(self) -> str:
        """The passage: splits are carved by passages."""
        return self.context

    @property
    def label(self) -> str:
        """All passages are of one kind when splits are carved."""
        return ""


class Asked(NamedTuple):
    """A question as it stands in the file, whatever the layout; nothing is checked yet."""

    line: int
    id: Any
    question: Any
    context: Any
    answers: Any  # of (text, start); None: no such key. A start of None: the file has none
    impossible: Any  # None: not said


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

    Raises:
        DataError: the data cannot be used; the message tells where, why and what to do.
    """
    parts = parts_of(source, name, PASSAGES, "qa", "cmrc2018")
    questions = {part: read_questions(path, repair) for part, path in parts.items()}
    unlabelled = {part for part, found in questions.items() if found[0].answers is None}
    splits = split_rows(questions, parts, unlabelled, "load_questions")

    from datasets import Dataset, DatasetDict, Features, List, Value

    columns = {key: Value("string") for key in ("id", "question", "context")}
    if list(splits) != ["test"]:
        # Said, not inferred: a split whose answers are all empty would get the type of nothing.
        columns["answers"] = {"text": List(Value("string")), "answer_start": List(Value("int32"))}
    return DatasetDict(
        {
            split: Dataset.from_list(
                [{key: _column(row, key) for key in columns} for row in found],
                features=Features(columns),
            )
            for split, found in splits.items()
        }
    )


def _column(row: Question, key: str):
    if key != "answers":
        return getattr(row, key)
    return {
        "text": [text for text, _ in row.answers],
        "answer_start": [start for _, start in row.answers],
    }


def read_questions(path: Path, repair: bool | None = None) -> list[Question]:
    """Questions of one file, in its order; all with None for answers if it tells none.

    Raises:
        DataError: see `load_questions`.
    """
    if re.search(r"\.(csv|tsv|xlsx|xlsm)(\.gz)?$", path.name, re.I):
        raise DataError(
            f"{path}: a table; write its rows as JSON, an object a line, with question, context and "
            "answer (pandas: df.to_json('a.jsonl', orient='records', lines=True, force_ascii=False))"
        )
    asked = list(_asked(path))
    if not asked:
        raise DataError(f"{path}: no questions in it; {CURE}")
    if all(row.id is None and isinstance(row.question, str) for row in asked):
        asked = [row._replace(id=number) for number, row in enumerate(asked, start=1)]
    labelled = any(row.answers is not None for row in asked)
    questions, broken, seen = [], [], set()
    settled: dict[str, list[tuple[Asked, str]]] = {}
    for row in asked:
        wrong = _unusable(row, labelled)
        if not wrong and str(row.id) in seen:
            wrong = "stands twice; give each question an id of its own"
        seen.add(str(row.id))
        if wrong:
            broken.append((row, wrong))
            continue
        if not is_seen(row.question):
            settled.setdefault(BLANK, []).append((row, "the question is empty"))
            continue
        answers = None
        if labelled:
            found = [_place(row.context, text, start) for text, start in row.answers]
            for _, how, wrong in found:
                if how:
                    settled.setdefault(how, []).append((row, wrong))
            answers = [place for place, _, _ in found if place]
            if row.answers and not answers:
                settled.setdefault(UNANSWERED, []).append((row, ""))
                continue
        questions.append(Question(str(row.id), row.question, row.context, answers))
    _refuse(path, broken, "correct it, or delete the question")
    _refuse_doubtful(path, settled, repair, sum(len(row.answers or ()) for row in asked))
    for how, cases in settled.items():
        row, wrong = cases[0]
        example = f"{row.id}: {wrong}" if wrong else row.id
        print(f"{path.name}：{len(cases)} {how}（例如 {example}）。")
    if not questions:
        raise DataError(f"{path}: not one answer stands in its passage; take another file")
    if labelled and not any(row.answers or row.impossible for row in asked):
        print(f"{path.name}：没有一个问题有答案；若是没有公布答案的测试集，不能拿它评测。")
    return questions


# --- Layouts -------------------------------------------------------------------------------------


def _asked(path: Path) -> Iterator[Asked]:
    """The questions of a file in any layout."""
    objects = list(each_object(path))
    if len(objects) == 1 and isinstance(objects[0][1], dict) and "data" in objects[0][1]:
        line, whole = objects[0]
        objects = [(line, item) for item in _list(whole["data"], path, line, "data")]
    for line, item in objects:
        if not isinstance(item, dict):
            raise DataError(f"{path}, line {line}: {str(item)[:30]!r} is no passage; {CURE}")
        if "context_text" in item:
            for query in _list(item.get("qas"), path, line, "qas of a passage"):
                yield _of_cmrc(line, item, query)
        elif "paragraphs" in item:
            for passage in _list(item["paragraphs"], path, line, "paragraphs"):
                if not isinstance(passage, dict) or "context" not in passage:
                    raise DataError(f"{path}, line {line}: a paragraph without context; {CURE}")
                for query in _list(passage.get("qas"), path, line, "qas of a passage"):
                    yield _of_squad(line, passage["context"], query)
        elif "context" in item and "qas" in item:
            for query in _list(item["qas"], path, line, "qas of a passage"):
                yield _of_squad(line, item["context"], query)
        elif "context" in item and "question" in item:
            yield _of_row(line, item)
        else:
            keys = ", ".join(map(str, item))[:60]
            raise DataError(f"{path}, line {line}: no passages among the keys {keys!r}; {CURE}")


def _list(value, path: Path, line: int, what: str) -> list:
    if not isinstance(value, list):
        raise DataError(f"{path}, line {line}: {what} is {str(value)[:30]!r}, not a list; {CURE}")
    return value


def _of_squad(line: int, context, query) -> Asked:
    query = query if isinstance(query, dict) else {}
    answers = query.get("answers")
    if isinstance(answers, list):
        answers = [
            (answer.get("text"), answer.get("answer_start")) if isinstance(answer, dict) else answer
            for answer in answers
        ]
    return Asked(
        line, query.get("id"), query.get("question"), context, answers, query.get("is_impossible")
    )


def _of_cmrc(line: int, passage: dict, query) -> Asked:
    query = query if isinstance(query, dict) else {}
    answers = query.get("answers")
    if isinstance(answers, list):
        answers = [(answer, None) for answer in answers]
    context = passage["context_text"]
    return Asked(line, query.get("query_id"), query.get("query_text"), context, answers, None)


def _of_row(line: int, row: dict) -> Asked:
    answers = row.get("answers", row.get("answer"))
    if isinstance(answers, str):
        answers = [answers]
    if isinstance(answers, list):  # texts alone, or objects as in the layout of SQuAD
        start = row.get("answer_start") if len(answers) == 1 else None
        answers = [
            (each.get("text"), each.get("answer_start"))
            if isinstance(each, dict)
            else (each, start)
            for each in answers
        ]
    if isinstance(answers, dict):
        texts, starts = answers.get("text"), answers.get("answer_start")
        if isinstance(texts, list) and isinstance(starts, list) and len(texts) == len(starts):
            answers = list(zip(texts, starts, strict=True))
    impossible = row.get("is_impossible")
    return Asked(line, row.get("id"), row.get("question"), row["context"], answers, impossible)


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
    path: Path, settled: dict[str, list[tuple[Asked, str]]], repair: bool | None, count: int
) -> None:
    """Refuse answers that could be settled only by a guess, if they are more than a few slips."""
    if repair:
        return
    slips, gaps = [], []
    for how in (BLANK, MOVED, REWORDED, DROPPED):
        for row, wrong in settled.get(how, ()):
            (slips if wrong.startswith("answer_start") else gaps).append((row, wrong))
    cure = "correct it, or let repair=True do so"
    if repair is False:
        _refuse(path, slips + gaps, cure)
    _refuse(path, slips if len(slips) > SLIPS * count else [], cure)
    _refuse(path, gaps if len(gaps) > GAPS * count else [], cure)


def _refuse(path: Path, problems: list[tuple[Asked, str]], cure: str) -> None:
    if not problems:
        return
    lines = [row.line for row, _ in problems]
    named = [type(row.id) in (str, int) for row, _ in problems]
    if len(set(lines)) == 1:  # all in one object: look for the questions, or their passages
        at = [r.id if n else str(r.context) for n, (r, _) in zip(named, problems, strict=True)]
        lines = [max(lines[0], line) for line in lines_of(path, at)]
    told = [
        f"question {str(row.id if has_id else row.question)[:30]!r}: {wrong}"
        for has_id, (row, wrong) in zip(named, problems, strict=True)
    ]
    refuse(path, list(zip(lines, told, strict=True)), cure, "line")
