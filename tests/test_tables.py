"""A reader's own table, in any form and under any names, gives the same rows; bad ones are told."""

import gzip
import json
import zipfile

import openpyxl
import pyarrow
import pytest
from data_files import as_csv, items, write
from pyarrow import parquet

from utils.data import DataError, content, load_texts, objects
from utils.data.tables import open_table, read_table

pytestmark = pytest.mark.usefixtures("plain_environment")

ROWS = [(text, label) for text, label in items(5, ["物流", "退款"])]
NAMES = {"text": "留言", "label": "部门"}


def sheet(path, rows, header=("编号", "部门", "留言")):
    book = openpyxl.Workbook()
    for row in (header, *rows):
        book.active.append(row)
    book.save(path)
    return path


def numbered():
    return [(number, label, text) for number, (text, label) in enumerate(ROWS, start=1)]


def in_form(path):
    rows = numbered()
    objects = [{"编号": n, "部门": label, "留言": text} for n, label, text in rows]
    if path.name.endswith(".xlsx"):
        return sheet(path, rows)
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return write(path, "\n".join(json.dumps(each, ensure_ascii=False) for each in objects))
    if path.name.endswith(".json"):
        return write(path, json.dumps(objects, indent=1))
    if path.name.endswith(".parquet"):
        parquet.write_table(pyarrow.Table.from_pylist(objects), path)
        return path
    mark = {".tsv": "\t", ".txt": ";"}.get(path.suffix, ",")
    return write(
        path,
        "".join(
            f"{n}{mark}{label}{mark}{text}\n"
            for n, label, text in [("编号", "部门", "留言"), *rows]
        ),
    )


@pytest.mark.parametrize(
    "name",
    [
        "a.csv",
        "a.csv.gz",
        "a.tsv",
        "a.txt",
        "a.xlsx",
        "a.jsonl",
        "a.jsonl.gz",
        "a.json",
        "a.parquet",
    ],
)
def test_columns_by_any_names_in_any_form(tmp_path, name):
    splits = load_texts(in_form(tmp_path / name), **NAMES)
    names = splits["train"].features["label"].names
    assert names == ["物流", "退款"]
    found = [(row["text"], names[row["label"]]) for split in splits.values() for row in split]
    assert sorted(found) == sorted(ROWS)


@pytest.mark.parametrize("name", ["a.xlsx", "a.jsonl"])
def test_usual_names_need_not_be_said(tmp_path, name):
    path = tmp_path / name
    if name == "a.xlsx":
        sheet(path, ROWS, ("Text", "LABEL "))
    else:
        write(path, "\n".join(json.dumps({"label": label, "text": text}) for text, label in ROWS))
    assert sum(load_texts(path).num_rows.values()) == len(ROWS)


def test_splits_of_a_folder(tmp_path):
    for split in ("train", "dev", "test"):
        lines = [json.dumps({"text": split + text, "label": label}) for text, label in ROWS]
        write(tmp_path / f"{split}.json", "\n".join(lines))
    write(tmp_path / "description.json", "{}")
    assert load_texts(tmp_path).num_rows == {"train": 10, "validation": 10, "test": 10}


def test_a_description_beside_the_data_is_not_taken_for_it(tmp_path):
    write(tmp_path / "data.csv", as_csv(ROWS))
    write(tmp_path / "dataset-metadata.json", "{}")
    assert sum(load_texts(tmp_path).num_rows.values()) == len(ROWS)


def test_cells_are_read_as_they_look(tmp_path):
    table = read_table(sheet(tmp_path / "a.xlsx", [(5.0, None, 1.5), (True, "甲", "乙")]))
    assert table.rows == [["5", "", "1.5"], ["True", "甲", "乙"]]
    assert table.numbers == [2, 3]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.jsonl", "a.json", "a.parquet"])
def test_rows_come_one_at_a_time_or_all_at_once_alike(tmp_path, name):
    path = in_form(tmp_path / name)
    opened, table = open_table(path, "留言"), read_table(path, "留言")
    assert opened.columns == table.columns and opened.place("留言") == table.columns.index("留言")
    assert next(opened.rows).cells == table.rows[0]
    rest = list(opened.rows)
    assert [row.cells for row in rest] == table.rows[1:] and len(rest) == len(ROWS) - 1
    assert [row.number for row in rest] == table.numbers[1:]


def test_objects_that_hold_nothing_are_refused_together(tmp_path):
    path = write(tmp_path / "a.jsonl", "1\nnull\n")
    for read in (open_table, read_table):
        with pytest.raises(DataError, match="line 1: int, no object; line 2: NoneType, no object"):
            read(path)


def test_sheet_row_numbers_count_the_empty_rows(tmp_path):
    path = sheet(tmp_path / "a.xlsx", [(1, "物流", "甲"), (None, None, None), (2, "", "乙")])
    with pytest.raises(DataError) as caught:
        load_texts(path, **NAMES)
    assert "row 4: the label is empty" in str(caught.value)


# --- What is wrong -------------------------------------------------------------------------------


def message(path, **options):
    with pytest.raises(DataError) as caught:
        load_texts(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.jsonl", "a.parquet"])
def test_missing_column_names_those_that_are_there(tmp_path, name):
    told = message(in_form(tmp_path / name), text="正文", label="部门")
    assert "no column '正文'" in told and "'留言'" in told and "--text" in told


def test_all_bad_rows_at_once(tmp_path):
    text = "留言,部门\n甲,物流\n,物流\n乙,\n丙,退款,又一列\n丁,nan\n戊,退款\n"
    told = message(write(tmp_path / "a.csv", text), **NAMES)
    for each in ("row 3: the text is empty", "row 4: the label is empty", "row 5: 3 columns",
                 "row 6: the label 'nan'", "correct or delete these rows"):  # fmt: skip
        assert each in told


def test_all_bad_rows_at_once_in_the_usual_forms_too(tmp_path):
    told = message(write(tmp_path / "a.csv", "text,label\n甲,物流\n,物流\n乙,\n丙,退款,x\n"))
    assert "row 3" in told and "row 4" in told and "row 5" in told
    told = message(write(tmp_path / "a.txt", "物流\t甲\n退款 乙\n退款 丙\n物流\t丁\n"))
    assert "line" not in told and "row 2: no tab" in told and "row 3: no tab" in told


@pytest.mark.parametrize("label", ["nan", "NaN", "NULL", "<NA>", "#N/A"])
def test_what_programs_write_for_nothing_is_no_class(tmp_path, label):
    path = write(tmp_path / "a.csv", as_csv([*ROWS, ("甲", label)]))
    told = message(path)
    assert f"row 12: the label {label!r}" in told and "call it otherwise" in told


def test_lines_that_are_no_objects(tmp_path):
    lines = ['{"text": "甲", "label": "物流"}', "{", '["乙"]', '{"text": "丙", "label": "退款"}']
    told = message(write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert "line 2: no JSON" in told and "line 3: list, no object" in told


@pytest.mark.parametrize("block", [1, 2, 7, 50, 10**6])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_in_pieces_is_the_same_list(tmp_path, monkeypatch, block, indent):
    monkeypatch.setattr(objects, "BLOCK", block)
    values = [
        {"text": '他说："好\\[]{}，', "label": "\n", "n": [1.5e-10, -3, {"a": None}]},
        {},
        [],
        "，]",
        12345678901234567890,
        {"text": "😀" * 40, "label": True},
    ]
    for escaped in (True, False):
        written = json.dumps(values, ensure_ascii=escaped, indent=indent)
        path = write(tmp_path / "a.json", f"\ufeff\n {written} \n")
        heights = [json.dumps(each, indent=indent).count("\n") + 1 for each in values]
        lines = [3 + sum(heights[:place]) for place in range(6)]
        found = list(objects.each_object(path))
        assert [value for _, value in found] == values
        assert [number for number, _ in found] == (lines if indent else [1, 2, 3, 4, 5, 6])
        assert list(objects.list_items(path, "utf-8", half_is_right=True)) == found
        assert objects.word_of(path) == ("line" if indent else "item")


@pytest.mark.parametrize(
    "text, told",
    [
        ('[{"text": "甲",\n "label": "物流"},\n {"text": 乙}]', "line 3: no JSON"),
        ('[{"text": "甲"}\n {"text": "乙"}]', "line 2: no JSON (no comma at character 2)"),
        ('[{"text": "甲", "label": "物流"},\n]', "line 2: no JSON"),
        ('[{"text": "甲", "label": "物流"}]\n[]', "line 2: no JSON (something behind its end"),
        ("[" * 100_000, "brackets within brackets"),
        (f"[{'1' * 5000}]", "no JSON"),
    ],
)
@pytest.mark.parametrize("block", [5, 10**6])
def test_a_damaged_list_names_its_line(tmp_path, monkeypatch, text, told, block):
    monkeypatch.setattr(objects, "BLOCK", block)
    assert told in message(write(tmp_path / "a.json", text))


def test_bad_items_of_a_list_are_told_by_their_lines(tmp_path):
    items = [{"text": "甲", "label": "物流"}, ["乙"], {"text": "", "label": "退款"}]
    told = message(write(tmp_path / "a.json", json.dumps(items, indent=1)))
    assert "line 6: list, no object" in told and "line 9: the text is empty" in told


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_names_written_otherwise_or_late(tmp_path, name):
    items = [{"Text": text, "n": 1} | ({"LABEL": label}) for text, label in ROWS]
    items.insert(0, {"n": 2, "Text": "没有标签"})
    separator, ends = (",\n", "[]") if name == "a.json" else ("\n", ("", ""))
    path = tmp_path / name
    write(path, ends[0] + separator.join(map(json.dumps, items)) + ends[1])
    assert "line 1: the label is empty" in message(path)
    write(path, ends[0] + separator.join(map(json.dumps, items[1:])) + ends[1])
    assert sum(load_texts(path).num_rows.values()) == len(ROWS)


def test_json_that_ends_early(tmp_path):
    told = message(write(tmp_path / "a.json", '[{"text": "甲", "label": "物流"},'))
    assert "no JSON" in told and "download the file again" in told


@pytest.mark.parametrize("content", [b"PK\x03\x04 no archive", b""])
def test_excel_file_that_is_none(tmp_path, content):
    told = message(write(tmp_path / "a.xlsx", content))
    assert "no Excel file, or a damaged one" in told and "save it again" in told


def test_excel_file_without_its_sheets(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert "no Excel file, or a damaged one" in message(path)


def test_excel_file_that_grows_too_much(tmp_path, monkeypatch):
    path = sheet(tmp_path / "a.xlsx", [(n, "物流", "甲" * 500) for n in range(500)])
    monkeypatch.setattr(content, "SMALLEST_LIMIT", 1000)
    monkeypatch.setattr(content, "LARGEST_GROWTH", 1)
    assert "unpacks to more than" in message(path, **NAMES)


def test_sheet_of_a_header_alone(tmp_path):
    assert "no rows in it" in message(sheet(tmp_path / "a.xlsx", []), **NAMES)


def test_table_keeps_broken_rows_in_place(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress("text,id\n甲,1\n乙\n丙,3\n".encode()))
    table = read_table(path)
    assert table.rows == [["甲", "1"], None, ["丙", "3"]] and table.numbers == [2, 3, 4]
    assert table.column("text") == ["甲", None, "丙"]
