"""Entities, questions and pairs come one by one from files of any size, kept or in memory alike."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from data_files import refused, write

from utils.data import load_entities, load_pairs, load_questions, objects, staging

pytestmark = pytest.mark.usefixtures("plain_environment")

ROOT = Path(__file__).resolve().parents[1]
COUNT = 3000  # records of a file; the middle one is damaged


def conll(number):
    return f"第 O\n{number} O\n北 B-LOC\n京 I-LOC\n"


def cluener(number):
    return json.dumps(
        {"text": f"{number}北京", "label": [[len(str(number)), len(str(number)) + 2, "LOC"]]}
    )


def tagged(number):
    return json.dumps({"tokens": [str(number), "北"], "labels": ["O", "B-LOC"]})


def passage(number):
    """A passage with its question, which asks for its number."""
    context = f"第{number}座塔在城东。"
    answer = {"text": f"第{number}座", "answer_start": 0}
    return {
        "context": context,
        "qas": [{"id": f"q{number}", "question": "哪座？", "answers": [answer]}],
    }


def row_of(number):
    [asked], context = passage(number)["qas"], passage(number)["context"]
    return json.dumps({"context": context, "question": "哪座？", "answers": asked["answers"]})


def cmrc(number):
    query = {"query_id": f"q{number}", "query_text": "哪座？", "answers": [f"第{number}座"]}
    return json.dumps({"context_text": f"第{number}座塔在城东。", "qas": [query]})


def pair(number):
    return f"第{number}句", f"也是第{number}句", "甲乙"[number % 2]


def pair_object(number):
    return json.dumps(dict(zip(("sentence1", "sentence2", "label"), pair(number), strict=True)))


def squad(records):
    """An article a record, each on a line of its own."""
    return (
        '{"version": "1", "data": [\n'
        + ",\n".join(f'{{"paragraphs": [{r}]}}' for r in records)
        + "\n]}"
    )


def one_article(records):
    """All passages in one article, as some data sets have them."""
    return '{"data": [{"title": "", "paragraphs": [\n' + ",\n".join(records) + "\n]}]}"


def joined(between, before="", behind=""):
    return lambda records: before + between.join(records) + behind


def as_passage(number):
    return json.dumps(passage(number))


# Name of a file -> loader; a record; the file of them; a record that is damaged, and what is said
# of it; its line, for a place among the records counted from 0.
FORMS = {
    "a.conll": (
        load_entities, conll, joined("\n"), "北 B-LOC\n京\n", "'京' has no label", lambda n: 5 * n + 2
    ),
    "spans.jsonl": (
        load_entities, cluener, joined("\n"), '{"text": "京", "label": [[0, 9, "LOC"]]}',
        "[0, 9] is not within", lambda n: n + 1,
    ),
    "list.json": (
        load_entities, cluener, joined(",\n", "[\n", "\n]"), '{"text": ""}', "the text is empty",
        lambda n: n + 2,
    ),
    "tags.jsonl": (
        load_entities, tagged, joined("\n"), '{"tokens": ["京"], "labels": []}',
        "1 tokens and 0 labels", lambda n: n + 1,
    ),
    "squad.json": (
        load_questions, as_passage, squad,
        '{"context": "塔", "qas": [{"id": "bad", "question": "？", "answers": [{"text": ""}]}]}',
        "question 'bad': an answer is ''", lambda n: n + 2,
    ),
    "article.json": (
        load_questions, as_passage, one_article, '{"qas": []}', "a paragraph without context",
        lambda n: n + 2,
    ),
    "cmrc.json": (
        load_questions, cmrc, joined(",\n", "[\n", "\n]"), '{"context_text": "塔", "qas": 3}',
        "qas of a passage is '3'", lambda n: n + 2,
    ),
    "rows.jsonl": (
        load_questions, row_of, joined("\n"), '{"context": 7, "question": "？", "answers": []}',
        "context is '7'", lambda n: n + 1,
    ),
    "a.csv": (
        load_pairs, lambda n: ",".join(pair(n)), joined("\n", "sentence1,sentence2,label\n"), "甲,乙",
        "2 columns instead of 3", lambda n: n + 2,
    ),
    "a.txt": (
        load_pairs, lambda n: "\t".join(pair(n)), joined("\n"), "甲\t\t甲", "sentence2 is ''",
        lambda n: n + 1,
    ),
    "pairs.jsonl": (
        load_pairs, pair_object, joined("\n"), '{"sentence1": "甲"', "no JSON", lambda n: n + 1
    ),
}  # fmt: skip


def written(tmp_path, name, damaged=(), count=COUNT):
    """A file of many records, some places of which hold the damaged one."""
    _, record, whole, bad, *_ = FORMS[name]
    return write(tmp_path / name, whole([bad if n in damaged else record(n) for n in range(count)]))


def everything(splits):
    return {split: (each.features, each[:]) for split, each in splits.items()}


@pytest.mark.parametrize("name", FORMS)
def test_kept_or_in_memory_the_rows_are_the_same(tmp_path, monkeypatch, capsys, name):
    load, path = FORMS[name][0], written(tmp_path, name, count=200)
    expected = everything(load(path))
    said = capsys.readouterr().out
    assert sum(len(next(iter(rows.values()))) for _, rows in expected.values()) == 200
    monkeypatch.setattr(staging, "LARGE", 0)
    monkeypatch.setattr(staging, "BATCH_ROWS", 7)
    monkeypatch.setattr(objects, "BLOCK", 1000)
    for _ in range(2):  # written, then taken from the cache
        found = load(path)
        assert everything(found) == expected and capsys.readouterr().out == said
        assert found["train"].cache_files


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("name", FORMS)
def test_a_damaged_record_in_the_middle_names_itself(tmp_path, monkeypatch, name, kept):
    if kept:
        monkeypatch.setattr(staging, "LARGE", 0)
    load, *_, told, line_of = FORMS[name]
    path = written(tmp_path, name, damaged=[COUNT // 2])
    word = "row" if load is load_pairs and "JSON" not in told else "line"
    refused(load, path, f"{path}, {word} {line_of(COUNT // 2)}: ", told)


@pytest.mark.parametrize("name", ["a.conll", "spans.jsonl", "squad.json", "a.csv", "a.txt"])
def test_many_damaged_records_are_counted(tmp_path, name):
    load, *_, told, line_of = FORMS[name]
    path = written(tmp_path, name, damaged=range(100, 140))
    refused(load, path, f" {line_of(100)}: ", "(40 in all)", told)


@pytest.mark.parametrize(
    "whole, names", [(joined(",", "[", ","), ()), (squad, ("data", "paragraphs")), (one_article, ("data", "paragraphs"))]
)  # fmt: skip
def test_json_comes_item_by_item(tmp_path, monkeypatch, whole, names):
    """The first are there although the file is cut off later."""
    monkeypatch.setattr(objects, "BLOCK", 100)
    text = whole(map(as_passage, range(100)))[:-5]
    path = write(tmp_path / "a.json", text)
    found = objects.each_object(path, *names)
    items = [item for _, item in islice(found, 50)]
    items = [item["paragraphs"][0] if names else item for item in items]
    assert items == [passage(number) for number in range(50)]
    refused(list, found, str(path), "no JSON")


def test_an_object_with_other_members_is_the_same_in_pieces(tmp_path):
    whole = {
        "version": {"data": []},
        "data": [{"paragraphs": [1, [2]], "title": "甲"}, 3, {"title": "乙"}, {"paragraphs": []}],
        "n": [4],
    }
    path = write(tmp_path / "a.json", json.dumps(whole, indent=1))
    found = [item for _, item in objects.each_object(path, "data", "paragraphs")]
    assert found[:4] == [{"paragraphs": [1]}, {"paragraphs": [[2]]}, 3, {"title": "乙"}]
    assert found[4:] == [{"paragraphs": []}]
    path = write(tmp_path / "b.json", json.dumps(without := {"a": [1], "b": {}}, indent=1))
    assert [item for _, item in objects.each_object(path, "data")] == [without]


def test_a_file_without_blank_lines_is_told_its_length(tmp_path):
    path = write(tmp_path / "a.conll", "".join(conll(n) for n in range(10_000)))
    length = sum(3 + len(str(n)) for n in range(10_000))
    refused(load_entities, path, f"{path}, line 1: a sentence of {length:,} characters")


def test_what_only_later_rows_tell(tmp_path):
    """The first objects have no label, no answers, no id; the later ones decide, as before."""
    rows = [json.loads(pair_object(n)) for n in range(40)]
    for row in rows[1:]:
        row["gold_label"] = row.pop("label")
    path = write(tmp_path / "pairs.jsonl", "\n".join(map(json.dumps, rows)))
    refused(load_pairs, path, f"{path}, row 2: the label is empty", "(39 in all)")
    rows[0] |= {"gold_label": rows[0].pop("label"), "其他": 1}
    rows[9]["来源"] = "书"
    splits = load_pairs(write(tmp_path / "pairs.jsonl", "\n".join(map(json.dumps, rows))))
    assert {"其他", "来源"} < set(splits["train"].column_names)
    assert sorted(filter(None, sum((each["来源"][:] for each in splits.values()), []))) == ["书"]

    asked = [json.loads(row_of(n)) for n in range(20)]
    del asked[0]["answers"]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, asked)))
    refused(load_questions, path, f"{path}, line 1: question '1': no answers, unlike the others")
    asked = [json.loads(row_of(n)) | {"id": f"q{n % 18}"} for n in range(20)]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, asked)))
    refused(
        load_questions,
        path,
        f"{path}, line 19: question 'q0': stands twice",
        "line 20: question 'q1'",
    )

    tags = [tagged(n) for n in range(1500)]
    tags[1400] = json.dumps({"tokens": ["北", "京"], "labels": ["B-LOC", "E-LOC"]})
    splits = load_entities(write(tmp_path / "tags.jsonl", "\n".join(tags)))  # BIOES after all
    assert splits["train"].features["labels"].feature.names == ["O", "B-LOC", "I-LOC"]
    pairs = [row for each in splits.values() for row in each if row["tokens"] == ["北", "京"]]
    assert pairs == [{"tokens": ["北", "京"], "labels": [1, 2]}]


def test_pairs_that_a_chain_connects_stay_together_in_a_large_file(tmp_path, monkeypatch):
    monkeypatch.setattr(staging, "BATCH_ROWS", 7)
    rows = []
    for chain in range(60):
        rows += [(f"{chain}之{n}", f"{chain}之{n + 1}", "甲乙"[n % 2]) for n in range(4)]
    rows = rows[::2] + rows[1::2]  # not side by side
    text = "\n".join(["sentence1,sentence2,label", *map(",".join, rows)])
    splits = load_pairs(write(tmp_path / "a.csv", text))
    sides = {split: {s.split("之")[0] for s in rows["sentence1"]} for split, rows in splits.items()}
    assert sum(map(len, sides.values())) == 60 and all(sides.values())


MEASURE = """
import re, sys
import datasets, pyarrow.parquet, scipy.sparse.csgraph, tqdm.auto
from utils import data
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
before = peak()
found = getattr(data, sys.argv[1])(sys.argv[2])
print(len(found["train"]), (peak() - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see the peak")
@pytest.mark.parametrize("name", ["a.conll", "squad.json", "article.json", "pairs.jsonl"])
def test_memory_does_not_grow_with_the_file(tmp_path, name):
    """60 MB of each in less than 250 MB; whole in lists they took up to sixty times the file."""
    load, record, whole, *_ = FORMS[name]
    count = 60_000_000 // len(record(100_000).encode())
    path = write(tmp_path / name, whole([record(n) for n in range(count)]))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, load.__name__, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows, grown = map(int, done.stdout.splitlines()[-1].split())
    assert rows > 0.7 * count and grown < 250
