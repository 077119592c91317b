"""A reader's own files, as Excel, databases and annotation tools write them: right rows, or one line."""

import csv
import datetime
import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
from collections import Counter

import openpyxl
import pyarrow
import pytest
from pyarrow import feather, parquet

from utils.data import DataError, audit_texts, load_texts, read_table
from utils.data.audit import is_garbled

pytestmark = pytest.mark.usefixtures("plain_environment")

CLASSES = ("退款", "物流", "咨询")
ROWS = [(f"第{i}号单子，请问{CLASSES[i % 3]}的事怎么办", CLASSES[i % 3]) for i in range(12)]
OBJECTS = [{"text": text, "label": label} for text, label in ROWS]


def table(rows=ROWS, mark=",", header=("text", "label"), **options):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=mark, lineterminator="\n", **options)
    writer.writerows([header, *rows] if header else rows)
    return stream.getvalue()


def in_lines(objects):
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in objects)


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def book(*sheets, hidden=()):
    """What writes a workbook of sheets, (name, rows) each."""

    def write(path):
        made = openpyxl.Workbook()
        made.remove(made.active)
        for name, rows in sheets:
            sheet = made.create_sheet(name)
            for row in rows:
                sheet.append(row)
            sheet.sheet_state = "hidden" if name in hidden else "visible"
        made.save(path)

    return write


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return stream.getvalue()


def database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table messages (text, label)")
        connection.executemany("insert into messages values (?, ?)", ROWS)
    connection.close()


def sheet_of(rows):
    return book(("Sheet1", [("text", "label"), *rows]))


def arrow(write):
    columns = list(zip(*ROWS, strict=True))
    return lambda path: write(pyarrow.table({"text": columns[0], "label": columns[1]}), path)


def marked_twice():
    return b"\xef\xbb\xbf" + table().encode("utf-8-sig")


GOOD = {
    "utf-16.csv": table().encode("utf-16"),
    "utf-16-be.csv": b"\xfe\xff" + table().encode("utf-16-be"),
    "utf-32.csv": table().encode("utf-32"),
    "Unicode.txt": table(mark="\t").encode("utf-16"),
    "u16.jsonl": in_lines(OBJECTS).encode("utf-16"),
    "two-marks.csv": marked_twice(),
    "mark-in-quotes.csv": table(header=("\ufefftext", "label"), quoting=csv.QUOTE_ALL),
    "mark-in-the-middle.csv": table(ROWS[:5]).encode("utf-8-sig")
    + table(ROWS[5:], header=None).encode("utf-8-sig"),
    "zero-width-in-names.csv": table(header=("text", "label\u200b")),
    "full-width-names.csv": table(header=("ｔｅｘｔ", "Ｌａｂｅｌ")),
    "semicolons.csv": table(mark=";"),
    "bars.csv": table(mark="|"),
    "bars.txt": table(mark="|"),
    "sep.csv": "sep=;\n" + table(mark=";"),
    "sep-comma.csv": '"sep=,"\r\n' + table(),
    "cleared-rows.csv": table() + ",\n,\n",
    "lines-of-blanks.csv": table().replace("\n", "\n  \n"),
    "blank-before-quote.csv": table(quoting=csv.QUOTE_ALL).replace('","', '", "'),
    "fast-text.txt": "".join(f"__label__{label} {text}\n" for text, label in ROWS),
    "fast-text-tabs.txt": "".join(f"__label__{label}\t{text}\n" for text, label in ROWS),
    "UPPER.CSV": table(),
    "UPPER.JSONL": in_lines(OBJECTS),
    "UPPER.XLSX": sheet_of(ROWS),
    "UPPER.PARQUET": arrow(parquet.write_table),
    "a.ndjson": in_lines(OBJECTS),
    "a.xlsm": sheet_of(ROWS),
    "in-an-object.json": json.dumps({"data": OBJECTS}),
    "in-an-object-indented.json": json.dumps({"version": 1, "rows": OBJECTS}, indent=1),
    "doccano.jsonl": in_lines({"id": 1, "text": t, "label": [label]} for t, label in ROWS),
    "doccano.json": json.dumps([{"text": t, "label": [label]} for t, label in ROWS]),
    "labels-in-lists.parquet": lambda path: parquet.write_table(
        pyarrow.table({"text": [t for t, _ in ROWS], "label": [[label] for _, label in ROWS]}), path
    ),
    "text-in-a-list.jsonl": in_lines({"text": [t], "label": label} for t, label in ROWS),
    "cover.xlsx": book(("说明", [("本表由客服部导出",)]), ("数据", [("text", "label"), *ROWS])),
    "empty-first.xlsx": book(("Sheet1", []), ("数据", [("text", "label"), *ROWS])),
    "hidden-first.xlsx": book(
        ("旧", [("text", "label"), ("旧的", "旧类")]), ("新", [("text", "label"), *ROWS]), hidden=["旧"]
    ),
    "blanks-below.xlsx": sheet_of([*ROWS, *[("  ", None)] * 5]),
    "gb18030-mark.csv": "\ufeff".encode("gb18030") + table().encode("gb18030"),
    "all-line-ends.csv": "".join(
        line + end for line, end in zip(table().split("\n"), ["\r\n", "\n", "\r"] * 5, strict=False)
    ),
    "old-mac.csv": table().replace("\n", "\r"),
    "old-mac.jsonl": in_lines(OBJECTS).replace("\n", "\r"),
    "blank-fields-at-the-end.csv": table([(*row, "", " ") for row in ROWS]),
    "blank-fields-at-the-end-and-a-name.csv": table([(*row, "") for row in ROWS], header=("text", "label", "")),
    "column-a-empty.xlsx": book(("a", [(None, "text", "label"), *[(None, *row) for row in ROWS]])),
    "rows-above-empty.xlsx": book(("a", [(), (), ("text", "label"), *ROWS])),
    "two-parts.csv.gz": gzip.compress(table(ROWS[:5]).encode())
    + gzip.compress(table(ROWS[5:], header=None).encode()),
    "数据[1] (2)*#%20.csv": table(),
    "no-ending": table(),
    "kept-from-excel.csv": table([(text, f'="{label}"') for text, label in ROWS]),
    "bytes.parquet": lambda path: parquet.write_table(
        pyarrow.table({"text": [t.encode() for t, _ in ROWS], "label": [k.encode() for _, k in ROWS]}), path
    ),
}  # fmt: skip


def rows_of(splits):
    names = splits["train"].features["label"].names
    return Counter(
        (text, names[label])
        for split in splits.values()
        for text, label in zip(split["text"], split["label"], strict=True)
    )


@pytest.mark.parametrize("name", GOOD)
def test_the_right_rows(tmp_path, name):
    path = written(tmp_path / name, GOOD[name])
    assert rows_of(load_texts(path)) == Counter(ROWS)
    assert audit_texts(path).counts.to_numpy().sum() == len(ROWS)


@pytest.mark.parametrize("name", [name for name in GOOD if "fast-text" not in name])
def test_a_table_to_predict_on_has_the_same_texts(tmp_path, name):
    path = written(tmp_path / name, GOOD[name])
    texts = [text for text in read_table(path, "text").column("text") if text and text.strip()]
    assert Counter(texts) == Counter(text for text, _ in ROWS)


def test_a_header_in_the_middle_is_no_text_to_predict_on(tmp_path):
    found = read_table(written(tmp_path / "a.csv", table() * 2))
    assert [each.number for each in found.problems] == [14] and found.rows[12] is None
    assert len(found.rows) == 25


BIG5 = [(f"第{i}號訂單的問題，請問怎麼處理", "諮詢" if i % 2 else "物流") for i in range(12)]
JAPANESE = [(f"注文{i}番について教えてください", "質問" if i % 2 else "返金") for i in range(12)]
BAD = {
    "big5.csv": (table(BIG5).encode("big5"), "it looks like Big5"),
    "shift-jis.csv": (table(JAPANESE).encode("cp932"), "it looks like Shift JIS"),
    "latin-1.csv": (table([("déjà reçu", "x")] * 9).encode("latin-1"), "neither UTF-8 nor GBK"),
    "utf-16-unmarked.csv": (table().encode("utf-16-le"), "row 1: a NUL character"),
    "utf-16-cut.csv": (table().encode("utf-16")[:-1], "begins as UTF-16"),
    "nul.csv": (table().replace("第3号", "第\0号"), "row 5: a NUL character"),
    "old.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old .xls or .doc file"),
    "locked.xlsx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "with a password"),
    "a.ods": (zipped(mimetype="x", content_dot_xml="x"), "an OpenDocument file"),
    "a.docx": (zipped(word__document_dot_xml="x"), "a Word file"),
    "a.numbers": (zipped(Index__Document_dot_iwa="x"), "a Numbers or Pages file"),
    "a.xlsb": (zipped(xl__workbook_dot_bin="x"), ".xlsb"),
    "sheet.csv": (zipped(xl__workbook_dot_xml="x"), "let its name end in .xlsx"),
    "page.xls": ("<html><table></table></html>", "a web page that is called .xls"),
    "csv.xlsx": (table(), "text and no Excel file; call it .csv"),
    "a.pdf": (b"%PDF-1.7\n1 0 obj", "a PDF"),
    "a.rtf": (r"{\rtf1\ansi text}", "a rich text file"),
    "a.xml": ("<?xml version='1.0'?><rows/>", "XML"),
    "a.db": (database, "an SQLite database"),
    "a.pkl": (b"\x80\x04\x95abc", "a pickle"),
    "a.npy": (b"\x93NUMPY\x01\x00", "a NumPy array"),
    "a.arrow": (arrow(feather.write_feather), "an Arrow file"),
    "a.csv.bz2": (b"BZh91AY&SY", "compressed with bzip2"),
    "a.csv.xz": (b"\xfd7zXZ\x00", "compressed with xz"),
    "a.tar": (lambda path: tarfile.open(path, "w").close() or tarred(path), "a tar archive"),
    "lines.csv": (in_lines(OBJECTS), "let its name end in .jsonl"),
    "two-names.csv": (
        table([(t, t, label) for t, label in ROWS], header=("text", "text", "label")),
        "two columns are called 'text'",
    ),
    "quoted-labels.csv": (
        "text, label\n" + "".join(f'"{text}", "{label}"\n' for text, label in ROWS),
        "stands in quotes",
    ),
    "na.csv": (table([*ROWS, ("好", "N/A")]), "row 14: the label 'N/A' is what programs write"),
    "none.csv": (table([*ROWS, ("好", "None")]), "row 14: the label 'None' is what"),
    "ref.csv": (table([*ROWS, ("#REF!", "物流")]), "row 14: the text '#REF!' is what programs"),
    "several.jsonl": (
        in_lines([*OBJECTS, {"text": "好", "label": ["退款", "物流"]}]),
        'line 13: the label is ["退款", "物流"], not one class',
    ),
    "none-of-several.jsonl": (
        in_lines([*OBJECTS, {"text": "好", "label": []}]),
        "line 13: the label is empty",
    ),
    "python-lists.csv": (table([(t, [label]) for t, label in ROWS]), "not one class"),
    "nested.jsonl": (
        in_lines({"data": {"text": t}, "label": label} for t, label in ROWS),
        "no column 'text' among 'data.text', 'label'",
    ),
    "label-studio.json": (
        json.dumps([{"data": {"text": t}, "annotations": [{"result": []}]} for t, _ in ROWS]),
        "export it as CSV or JSON-MIN",
    ),
    "columns.json": (
        json.dumps({"columns": ["text"], "data": [["好"]]}, indent=1),
        "one object with no lists of objects",
    ),
    "commas.jsonl": (in_lines(OBJECTS).replace("}\n", "},\n"), "line 1: no JSON; line 2: no JSON"),
    "divided.csv": (
        table(
            [(t, label, "test" if i > 8 else "train") for i, (t, label) in enumerate(ROWS)],
            header=("text", "label", "split"),
        ),
        "row 11: the column 'split' divides the rows (train, test)",
    ),
    "divided.jsonl": (
        in_lines({**each, "split": "dev" if i > 8 else "train"} for i, each in enumerate(OBJECTS)),
        "line 10: the column 'split'",
    ),
    "divided.xlsx": (
        book(("a", [("text", "label", "划分"), *[(*r, "训练集") for r in ROWS], ("好", "物流", "测试集")])),
        "row 14: the column '划分'",
    ),
    "two-sheets.xlsx": (
        book(("一月", [("text", "label"), *ROWS]), ("二月", [("text", "label"), *ROWS])),
        "the sheets '一月', '二月' have the same columns",
    ),
    "merged.xlsx": (sheet_of([*ROWS, ("好", None)]), "merged cells: unmerge them and fill down"),
    "header-again.xlsx": (sheet_of([*ROWS, ("text", "label")]), "row 14: the names of the columns"),
    "mark-before-gbk.csv": (
        b"\xef\xbb\xbf" + table().encode("gbk"),
        "begins with the mark of UTF-8, and row 2 is not UTF-8",
    ),
    "title-above.csv": (f"客服留言,\n{table()}", "row 2 has them: delete what stands above"),
    "title-above.xlsx": (
        book(("a", [("客服留言", None), (), ("text", "label"), *ROWS])),
        "row 3 has it: delete what stands above it",
    ),
    "remark-above.txt": (f"# 导出于三月\n{table(mark=chr(9))}", "row 2 has them: delete"),
    "chinese-commas.csv": (table().replace(",", "，"), "row 1 has them between Chinese commas"),
    "number.csv": (table([(t, i % 3 - 1) for i, (t, _) in enumerate(ROWS)]), "write names instead"),
    "null-of-mysql.tsv": (table([*ROWS, ("好", r"\N")], mark="\t"), r"row 14: the label '\\N' is what"),
    "null-text-of-mysql.csv": (table([*ROWS, (r"\N", "物流")]), r"row 14: the text '\\N' is what"),
    "nothing-to-see.csv": (table([*ROWS, ("\u200b\ufeff", "物流")]), "row 14: the text is empty"),
    "nothing-but-a-look.csv": (table([*ROWS, ("\u2800\ufe0f", "物流")]), "row 14: the text is empty"),
    "no-label-to-see.csv": (table([*ROWS, ("好", "\u2060")]), "row 14: the label is empty"),
    "turns.jsonl": (
        in_lines([*OBJECTS, {"text": [{"role": "user", "content": "好"}], "label": "物流"}]),
        'line 13: the text is {"role": "user", "content": "好"}, not one text',
    ),
    "two-texts.json": (
        json.dumps([*OBJECTS, {"text": ["好", "的"], "label": "物流"}]),
        "item 13: the text is",
    ),
    "in-an-object-and-empty.json": (
        json.dumps({"data": [*OBJECTS, {"text": "", "label": "物流"}]}),
        "item 13: the text is empty",
    ),
    "on-lines-in-a-list.json": (
        json.dumps([*OBJECTS, {"text": "", "label": "物流"}], indent=0),
        "line 50: the text is empty",
    ),
    "columns-of-pandas.json": (
        json.dumps({name: {str(i): each[name] for i, each in enumerate(OBJECTS)} for name in OBJECTS[0]}),
        "an object for each column; write one object a line",
    ),
    "columns-of-datasets.json": (
        json.dumps({name: [each[name] for each in OBJECTS] for name in OBJECTS[0]}),
        "a list or an object for each column; write one object a line",
    ),
    "a-text-for-a-name.json": (
        json.dumps({str(i): each for i, each in enumerate(OBJECTS)}),
        "an object for each column; write one object a line",
    ),
    "class-each.csv": (
        table([(t, f"{i}班") for i, (t, _) in enumerate(ROWS)]),
        "'0班' has one text only (and 11 more classes)",
    ),
    "two-a-class.csv": (
        table([(t, f"{i // 2}班") for i, (t, _) in enumerate(ROWS)]),
        "none of the 6 classes has 3",
    ),
}  # fmt: skip


def tarred(path):
    with tarfile.open(path, "w") as file:
        info = tarfile.TarInfo("a/b.txt")
        file.addfile(info, io.BytesIO())


@pytest.mark.parametrize("name", BAD)
def test_one_line_says_what_and_how_to_cure_it(tmp_path, name):
    content, told = BAD[name]
    path = written(tmp_path / name, content)
    with pytest.raises(DataError) as caught:
        load_texts(path)
    words = str(caught.value).replace("row 10: the column", "line 10: the column")
    assert told in words
    assert name in words and "\n" not in words and ";" in words


def test_what_is_read_of_nested_objects_and_other_names(tmp_path):
    nested = [{"data": {"text": text}, "meta": {"class": label}} for text, label in ROWS]
    path = written(tmp_path / "a.jsonl", in_lines(nested))
    assert rows_of(load_texts(path, text="data.text", label="meta.class")) == Counter(ROWS)
    path = written(tmp_path / "a.csv", table(mark="|", header=("内容", "类别")))
    assert rows_of(load_texts(path, text="内容", label="类别")) == Counter(ROWS)
    path = written(tmp_path / "b.csv", table(header=("内容;全文", "类别")))
    assert rows_of(load_texts(path, text="内容;全文", label="类别")) == Counter(ROWS)


def test_ids_that_pandas_made_floats_of(tmp_path):
    rows = [(text, float(CLASSES.index(label))) for text, label in ROWS]
    path = written(tmp_path / "a.csv", table(rows))
    assert rows_of(load_texts(path, classes=CLASSES)) == Counter(ROWS)


def test_days_and_line_ends_in_a_sheet(tmp_path):
    rows = [(f"{text}_x000D_\n好", datetime.datetime(2026, 1, 1 + i % 2)) for i, (text, _) in enumerate(ROWS)]  # fmt: skip
    splits = load_texts(written(tmp_path / "a.xlsx", sheet_of(rows)))
    assert splits["train"].features["label"].names == ["2026-01-01", "2026-01-02"]
    assert {text for text, _ in rows_of(splits)} == {f"{text}\r\n好" for text, _ in ROWS}


def test_what_a_mac_leaves_beside_the_texts_is_none(tmp_path):
    for i, (text, label) in enumerate(ROWS):
        written(tmp_path / "news" / label / f"{i}.txt", text)
        written(tmp_path / "news" / label / f"._{i}.txt", b"\0\5\x16\7")
    written(tmp_path / "news" / ".DS_Store", b"\0")
    written(tmp_path / "news" / "__MACOSX" / "退款" / "._0.txt", b"\0\5\x16\7")
    assert rows_of(load_texts(tmp_path / "news")) == Counter(ROWS)


def test_files_of_a_tree_that_are_no_texts_are_told(tmp_path, capsys):
    for i, (text, label) in enumerate(ROWS):
        written(tmp_path / "news" / label / f"{i}.txt", text)
    written(tmp_path / "news" / "退款" / "报告.docx", b"PK")
    written(tmp_path / "news" / "退款" / "Thumbs.db", b"x")
    assert rows_of(load_texts(tmp_path / "news")) == Counter(ROWS)
    assert "有 1 个文件不是 .txt，没有读（例如 退款/报告.docx）" in capsys.readouterr().out
    found = audit_texts(tmp_path / "news")
    assert found.of("not-read") == 1 and "退款/报告.docx" in str(found)


def test_splits_by_the_names_of_the_hub_and_of_windows(tmp_path):
    written(tmp_path / "a" / "Train.csv", table(ROWS[:6]))
    written(tmp_path / "a" / "Test.csv", table(ROWS[6:]))
    written(tmp_path / "a" / "~$Train.xlsx", b"x")
    splits = load_texts(tmp_path / "a")
    assert splits["test"]["text"] == [text for text, _ in ROWS[6:]]
    write = arrow(parquet.write_table)
    written(tmp_path / "b" / "train-00000-of-00001.parquet", write)
    written(tmp_path / "b" / "test-00000-of-00001.parquet", write)
    assert load_texts(tmp_path / "b")["test"].num_rows == len(ROWS)


def test_what_save_to_disk_wrote(tmp_path):
    from datasets import Dataset, DatasetDict

    whole = Dataset.from_list(OBJECTS)
    whole.save_to_disk(tmp_path / "one")
    DatasetDict({"train": whole, "test": whole}).save_to_disk(tmp_path / "several")
    for name in ("one", "several"):
        with pytest.raises(DataError, match="what save_to_disk wrote; write each split as Parquet"):
            load_texts(tmp_path / name)


def test_one_split_named_in_every_row_divides_nothing(tmp_path):
    rows = [(text, label, "test") for text, label in ROWS]
    path = written(tmp_path / "a.csv", table(rows, header=("text", "label", "split")))
    assert rows_of(load_texts(path)) == Counter(ROWS)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("第一条新闻".encode().decode("latin-1"), "garbled"),
        ("第一条，好".encode().decode("gb18030", "replace"), "garbled"),
        ("锟斤拷的新闻", "garbled"),
        ("长" * 32_767, "cut-by-excel"),
        ("第一行<br/>第二行&nbsp;", "markup"),
        ("第一行&#xff0c;第二行", "markup"),
        (r"\u7b2c\u4e00\u6761", "garbled"),
        ("响铃\x07了", "control"),
    ],
)
def test_what_the_audit_tells_of_characters(tmp_path, text, kind):
    path = written(tmp_path / "a.csv", table([*ROWS, (text, "物流")]))
    found = audit_texts(path)
    assert found.of(kind) == 1 and "第 14 行" in str(found)
    assert audit_texts(written(tmp_path / "b.csv", table())).of(kind) == 0


def test_the_audit_of_columns_the_wrong_way_round(tmp_path):
    rows = [(label, f"{text}——{i}" * 20) for i, (text, label) in enumerate(ROWS * 4)]
    found = audit_texts(written(tmp_path / "a.csv", table(rows)))
    assert found.of("classes-unlike") == 48 and "是不是弄反了" in str(found)
    assert len(str(found).splitlines()[0]) < 1000


@pytest.mark.parametrize("label", ["通知", "医院", "学习", "未知", "违约", "学院"])
def test_words_of_gbk_that_would_be_greek_in_utf_8_are_words(tmp_path, label):
    assert not is_garbled(label) and not is_garbled(label * 3)
    found = audit_texts(written(tmp_path / "a.csv", table([(t, label if i % 2 else "别的") for i, (t, _) in enumerate(ROWS)])))  # fmt: skip
    assert found.of("garbled-labels") == 0 and not any(each.serious for each in found.remarks)


def test_a_table_of_markdown(tmp_path):
    rows = "".join(f"| {text} | {label} |\n" for text, label in ROWS)
    path = written(tmp_path / "a.md", f"| text | label |\n|:---|---:|\n{rows}")
    assert rows_of(load_texts(path)) == Counter((f" {text} ", label) for text, label in ROWS)


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_rows_of_several_texts_are_none_to_predict_on(tmp_path, name):
    texts = [["你好", "好"], ["在吗"], ["还没发货"]]
    path = tmp_path / name
    if name == "a.jsonl":
        written(path, in_lines({"text": text, "n": [1, 2]} for text in texts))
    else:
        parquet.write_table(pyarrow.table({"text": texts, "n": [[1, 2]] * 3}), path)
    found = read_table(path, "text")
    assert found.column("text") == [None, "在吗", "还没发货"]
    assert found.rows[1] == ["在吗", "[1, 2]"]
    assert [each.number for each in found.problems] == [1]


def test_texts_without_a_name_above_them(tmp_path):
    path = written(tmp_path / "a.txt", "第一条\n第二条\n")
    with pytest.raises(DataError, match="if that is a text already, write text above it"):
        read_table(path, "text").column("text")


def test_a_file_of_broken_lines_alone_tells_them(tmp_path):
    path = written(tmp_path / "a.jsonl", "{'text': 1}\n{'text': 2}\n")
    with pytest.raises(DataError, match="line 1: no JSON; line 2: no JSON"):
        read_table(path, "text")


def test_an_archive_where_one_file_is_wanted(tmp_path):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        info = tarfile.TarInfo("a.csv")
        info.size = len(table().encode())
        file.addfile(info, io.BytesIO(table().encode()))
    assert rows_of(load_texts(path)) == Counter(ROWS)
    with pytest.raises(DataError, match="unpack it and give the file that is meant"):
        read_table(path, "text")


def test_names_of_columns_with_a_line_end_in_them(tmp_path):
    text = table(header=("留言\n（全文）", "部门")).replace("留言", "留言", 1)
    path = written(tmp_path / "a.csv", text)
    assert rows_of(load_texts(path, text="留言 （全文）", label="部门")) == Counter(ROWS)
    with pytest.raises(DataError, match="no column 'text' among"):
        load_texts(path)


def test_labels_that_are_bytes_of_no_text(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(
        pyarrow.table({"text": ["好", "的"], "label": [b"\xff\xfe", b"\x80"]}), path
    )
    with pytest.raises(DataError, match="row 1: "):
        load_texts(path)


def test_a_link_or_a_piece_of_code_in_a_text_is_not_garbled():
    for text in (
        "打不开 https://example.org/%E7%AC%AC%E4%B8%80%E6%9D%A1 这个网页",
        r"Python 里 \u7b2c 是「第」，\u4e00 是「一」",
    ):
        assert not is_garbled(text)


@pytest.mark.parametrize(
    "names", [("训练集", "测试集"), ("留言_训练", "留言_测试"), ("数据-训练集", "数据-测试集")]
)
def test_splits_with_chinese_names(tmp_path, names):
    train, test = names
    written(tmp_path / f"{train}.csv", table(ROWS[:6]))
    written(tmp_path / f"{test}.csv", table(ROWS[6:]))
    splits = load_texts(tmp_path)
    assert splits["test"]["text"] == [text for text, _ in ROWS[6:]]
    (tmp_path / f"{train}.csv").unlink()
    with pytest.raises(DataError, match="not clear which files to take"):
        load_texts(tmp_path)


def test_trees_of_splits_with_chinese_names(tmp_path):
    for split, rows in (("训练集", ROWS[:6]), ("测试集", ROWS[6:])):
        for i, (text, label) in enumerate(rows):
            written(tmp_path / split / label / f"{i}.txt", text)
    assert sorted(load_texts(tmp_path)["test"]["text"]) == sorted(text for text, _ in ROWS[6:])


def test_a_class_that_is_called_as_a_split_is(tmp_path):
    for i, (text, _) in enumerate(ROWS):
        written(tmp_path / ("测试" if i % 2 else "开发") / f"{i}.txt", text)
    assert load_texts(tmp_path)["train"].features["label"].names == ["开发", "测试"]
