"""Files of annotation tools and published sets: names, questions and pairs as they are, or one line."""

import json

import openpyxl
import pytest

from utils.data import DataError, load_entities, load_pairs, load_questions

pytestmark = pytest.mark.usefixtures("plain_environment")

SENTENCES = [f"张三在北京第{i}路" for i in range(12)]
BIO = ["B-PER", "I-PER", "O", "B-LOC", "I-LOC"]


def in_lines(objects):
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in objects)


def one_list(objects):
    return json.dumps(list(objects), ensure_ascii=False)


def columns(labels=BIO, mark=" ", fields=lambda token, label: [token, label], before=""):
    lines = [before]
    for text in SENTENCES:
        for token, label in zip(text, [*labels, *["O"] * (len(text) - 5)], strict=True):
            lines.append(mark.join(fields(token, label)) + "\n")
        lines.append("\n")
    return "".join(lines)


def labelled(text):
    return [*BIO, *["O"] * (len(text) - 5)]


def studio(text):
    results = [
        {"type": "labels", "value": {"start": s, "end": e, "text": w, "labels": [kind]}}
        for s, e, w, kind in ((0, 2, "张三", "PER"), (3, 5, "北京", "LOC"))
    ]
    return {"id": 1, "data": {"text": text}, "annotations": [{"result": results}]}


def places(**keys):
    start, end, kind = keys.pop("names", ("start_offset", "end_offset", "label"))
    last = keys.pop("last", 0)
    found = [(0, 2, "PER", "张三"), (3, 5, "LOC", "北京")]
    return [
        {start: s, end: e - last, kind: k} | ({keys["words"]: w} if "words" in keys else {})
        for s, e, k, w in found
    ]


def two_names(text):
    return [[0, 2, "PER"], [3, 5, "LOC"]]


CMEEE = ("start_idx", "end_idx", "type")
ENTITIES = {
    "conll2003.txt": columns(fields=lambda t, x: [t, "NNP", "B-NP", x], before="-DOCSTART- -X- O O\n\n"),
    "bioes.txt": columns(["B-PER", "E-PER", "O", "B-LOC", "E-LOC"]),
    "bilou.txt": columns(["B-PER", "L-PER", "O", "B-LOC", "L-LOC"]),
    "utf-16.txt": columns(mark="\t").encode("utf-16"),
    "names-of-columns.tsv": columns(mark="\t", before="token\tlabel\n"),
    "remarks.txt": columns(before="# 张三标注\n# 第二版\n"),
    "tokens.jsonl": in_lines({"tokens": list(s), "ner_tags": labelled(s)} for s in SENTENCES),
    "labels.json": one_list({"text": s, "labels": labelled(s)} for s in SENTENCES),
    "doccano.jsonl": in_lines({"id": 1, "text": s, "label": two_names(s)} for s in SENTENCES),
    "doccano-old.jsonl": in_lines({"text": s, "labels": two_names(s)} for s in SENTENCES),
    "doccano-relations.jsonl": in_lines({"text": s, "entities": places()} for s in SENTENCES),
    "label-studio.json": one_list(map(studio, SENTENCES)),
    "label-studio-min.json": one_list(
        {"text": s, "label": [r["value"] for r in studio(s)["annotations"][0]["result"]]}
        for s in SENTENCES
    ),
    "end-included.json": one_list(
        {"text": s, "entities": places(names=CMEEE, last=1, words="entity")} for s in SENTENCES
    ),
    "end-not-included.json": one_list(
        {"text": s, "entities": places(names=CMEEE, words="entity")} for s in SENTENCES
    ),
    "prodigy.jsonl": in_lines(
        {"text": s, "spans": places(names=("start", "end", "label")), "answer": "accept"}
        for s in SENTENCES
    ),
    "spacy.json": one_list([s, {"entities": two_names(s)}] for s in SENTENCES),
}  # fmt: skip


@pytest.mark.parametrize("name", ENTITIES)
def test_the_names_that_were_marked(tmp_path, name):
    content = ENTITIES[name]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    splits = load_entities(path)
    names = splits["train"].features["labels"].feature.names
    found = {
        "".join(row["tokens"]): [names[label] for label in row["labels"]]
        for split in splits.values()
        for row in split
    }
    assert found == {text: labelled(text) for text in SENTENCES}


BAD_ENTITIES = {
    "webanno.tsv": ("#FORMAT=WebAnno TSV 3.2\n\n#Text=张三\n1-1\t0-2\t张三\tPER\n", "export it as CoNLL 2002"),
    "a.conllu": ("# sent_id = 1\n# text = 张三\n1\t张\t张\tX\tX\t_\t0\troot\t_\t_\n", "CoNLL-U, which has no names"),
    "a.ann": ("T1\tPER 0 2\t张三\n", "brat's marks without their text"),
    "slashes.txt": ("张三/nr 在/o 北京/ns\n", "words with their types behind slashes"),
    "kaggle.csv": ("Sentence #,Word,POS,Tag\nSentence: 1,张,NN,B-PER\n", "a table between commas"),
    "small.txt": (columns([x.lower() for x in BIO]), "line 2: 'b-per' is no label"),
    "ids.jsonl": (in_lines({"tokens": ["张"], "ner_tags": [1]} for _ in "ab"), "'1' is no label, an id without"),
    "short.jsonl": (in_lines({"tokens": ["张", "三"], "ner_tags": ["O"]} for _ in "ab"), "2 tokens and 1 labels"),
    "unsaid.json": (
        one_list({"text": s, "entities": places(names=CMEEE)} for s in SENTENCES),
        "whether 2 is in the name from 0 is not said",
    ),
    "outside.jsonl": (in_lines({"text": "张三", "label": [[0, 9, "PER"]]} for _ in "ab"), "not within the text's 2"),
    "elsewhere.jsonl": (
        in_lines({"text": s, "label": [{"start": 1, "end": 3, "text": "张三", "labels": ["PER"]}]} for s in SENTENCES),
        "'张三' stands at [0, 2], not at [1, 3]",
    ),
    "two-people.json": (
        one_list({**studio(s), "annotations": studio(s)["annotations"] * 2} for s in SENTENCES),
        "2 annotations of one text; leave one of them",
    ),
    "some.jsonl": (in_lines([{"text": "张三", "label": []}, {"text": "李四"}]), "line 2: no label, unlike the others"),
}  # fmt: skip


def refused(load, path, told):
    with pytest.raises(DataError) as caught:
        load(path)
    words = str(caught.value)
    assert told in words and path.name in words and "\n" not in words and ";" in words


@pytest.mark.parametrize("name", BAD_ENTITIES)
def test_names_in_no_form_of_ours(tmp_path, name):
    content, told = BAD_ENTITIES[name]
    path = tmp_path / name
    path.write_text("\n" * (name == "small.txt") + content, encoding="utf8")
    refused(load_entities, path, told)


def test_a_pair_of_files_of_brat(tmp_path):
    (tmp_path / "a.txt").write_text("张三在北京。\n", encoding="utf8")
    (tmp_path / "a.ann").write_text("T1\tPER 0 2\t张三\n", encoding="utf8")
    refused(load_entities, tmp_path / "a.txt", "anntoconll")


PASSAGES = [f"第{i}队在北京获胜，比分是三比{i}。" for i in range(12)]
ANSWER = {"text": "北京", "answer_start": 4}


def asked(number, passage, **more):
    start = passage.index("北京")
    answers = [{"text": "北京", "answer_start": start}]
    return {"id": f"q{number}", "question": "在哪里？", "answers": answers} | more


def rows(**more):
    return [
        {"context": p, "question": "在哪里？", **more, "n": i} for i, p in enumerate(PASSAGES, 1)
    ]


QUESTIONS = {
    "squad2.json": json.dumps(
        {"version": "v2.0", "data": [{"paragraphs": [{"context": p, "qas": [asked(i, p, is_impossible=False)]}]} for i, p in enumerate(PASSAGES, 1)]}
    ),
    "passages.json": one_list({"context": p, "qas": [asked(i, p)]} for i, p in enumerate(PASSAGES, 1)),
    "columns.jsonl": in_lines({"context": p, **asked(i, p)} for i, p in enumerate(PASSAGES, 1)),
    "texts.jsonl": in_lines({**row, "id": f"q{row['n']}", "answers": ["北京"]} for row in rows()),
    "answer.jsonl": in_lines(rows(answer="北京")),
    "answer-start.jsonl": in_lines(
        {**row, "answer": "北京", "answer_start": row["context"].index("北京")} for row in rows()
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_answers_that_were_given(tmp_path, name):
    path = tmp_path / name
    path.write_text(QUESTIONS[name], encoding="utf8")
    found = [row for split in load_questions(path).values() for row in split]
    assert {row["context"] for row in found} == set(PASSAGES)
    assert {row["id"].removeprefix("q") for row in found} == {str(i) for i in range(1, 13)}
    for row in found:
        start = row["context"].index("北京")
        assert row["answers"] == {"text": ["北京"], "answer_start": [start]}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("dureader.json", in_lines({"question": "?", "documents": []} for _ in "ab"), "no passages among"),
        ("webqa.json", json.dumps({"Q1": {"question": "?", "evidences": {}}}), "no passages among"),
        ("yes.jsonl", in_lines(rows(answer="YES")), "'YES' is not in the passage"),
        ("a.csv", "id,context,question,answer\n1,一,二,三\n", "a table; write its rows as JSON"),
        ("a.parquet", "PAR1", "write it as JSON"),
    ],
)  # fmt: skip
def test_questions_in_no_form_of_ours(tmp_path, name, content, told):
    path = tmp_path / name
    path.write_text(content, encoding="utf8")
    refused(load_questions, path, told)


PAIRS = [(f"今天第{i}天气好吗", f"第{i}天天气怎么样", str(i % 2)) for i in range(30)]
HEADER = ("sentence1", "sentence2", "label")


def table(mark=",", header=HEADER, pairs=PAIRS):
    return "".join(mark.join(row) + "\n" for row in ([header] if header else []) + list(pairs))


def as_objects(**names):
    return [{names.get(key, key): x for key, x in zip(HEADER, row, strict=True)} for row in PAIRS]


def workbook(path):
    book = openpyxl.Workbook()
    for row in (HEADER, *PAIRS):
        book.active.append(row)
    book.save(path)


GOOD_PAIRS = {
    "utf-16.txt": table("\t").encode("utf-16"),
    "semicolons.csv": table(";"),
    "bars.csv": table("|"),
    "chinese.csv": table(header=("句子1", "句子2", "标签")),
    "query-title.csv": table(header=("query", "title", "label")),
    "index.csv": table(header=("", *HEADER), pairs=[(str(i), *row) for i, row in enumerate(PAIRS)]),
    "cleared.csv": table() + ",,\n",
    "floats.csv": table(pairs=[(a, b, f"{x}.0") for a, b, x in PAIRS]),
    "a.ndjson": in_lines(as_objects()),
    "lists.jsonl": in_lines({**each, "label": [each["label"]]} for each in as_objects()),
    "a.xlsx": workbook,
}


@pytest.mark.parametrize("name", GOOD_PAIRS)
def test_the_pairs_that_stand_there(tmp_path, name):
    content, path = GOOD_PAIRS[name], tmp_path / name
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    splits = load_pairs(path)
    names = splits["train"].features["label"].names
    found = {
        (row["sentence1"], row["sentence2"], names[row["label"]])
        for split in splits.values()
        for row in split
    }
    assert found == set(PAIRS) and "score" not in splits["train"].features


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("nan.csv", table(pairs=[*PAIRS, ("一", "二", "nan")]), "row 32: label 'nan'"),
        ("empty.csv", table(pairs=[*PAIRS, ("一", "nan", "1")]), "row 32: sentence2 is 'nan'"),
        ("twice.csv", table() * 2, "row 32: the names of the columns once more"),
        ("several.jsonl", in_lines([*as_objects(), {"sentence1": "一", "sentence2": "二", "label": ["0", "1"]}]), "label '[\"0\", \"1\"]'"),
        ("triplets.csv", table(header=("anchor", "positive", "negative")), "no two sentences among"),
        ("ids.tsv", table("\t", None, [(str(i), *row) for i, row in enumerate(PAIRS)]), "no two sentences"),
    ],
)  # fmt: skip
def test_pairs_that_cannot_be_used(tmp_path, name, content, told):
    path = tmp_path / name
    path.write_text(content, encoding="utf8")
    refused(load_pairs, path, told)
