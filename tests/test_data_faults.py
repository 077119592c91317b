"""Faults met in real files, each with the right value, or one line that names the place."""

import io
import json
import tarfile

import pyarrow
import pytest
from data_files import as_csv, items, refused, write, write_zip
from pyarrow import parquet

from utils.data import DataError, audit, audit_texts, load_imdb, load_texts, problems, staging

pytestmark = pytest.mark.usefixtures("plain_environment")

TWO = ["体育", "财经"]


@pytest.fixture(params=["in memory", "kept"], autouse=True)
def way(request, monkeypatch):
    if request.param == "kept":
        monkeypatch.setattr(staging, "LARGE", 0)


def names_of(source, **options):
    return load_texts(source, **options)["train"].features["label"].names


# --- Names of files and columns ------------------------------------------------------------------


def test_a_tar_whose_folders_have_gbk_names(tmp_path):
    path = tmp_path / "news.tar.gz"
    with tarfile.open(path, "w:gz", encoding="gbk", format=tarfile.GNU_FORMAT) as file:
        for label in TWO:
            for i in range(10):
                text = f"{label}{i}".encode()
                info = tarfile.TarInfo(f"{label}/{i}.txt")
                info.size = len(text)
                file.addfile(info, io.BytesIO(text))
    assert names_of(path) == sorted(TWO)


def test_a_tree_whose_folders_have_gbk_names(tmp_path):
    for label in TWO:
        folder = tmp_path / "t" / label.encode("gbk").decode("utf-8", "surrogateescape")
        try:
            folder.mkdir(parents=True)
        except OSError:
            pytest.skip("this file system takes UTF-8 names only")
        for i in range(10):
            (folder / f"{i}.txt").write_text(f"{label}{i}", encoding="utf-8")
    assert names_of(tmp_path / "t") == sorted(TWO)


@pytest.mark.parametrize("header", ["content\tcategory", "标题\t类别", "col_a\tcol_b"])
@pytest.mark.parametrize("label_first", [False, True])
def test_a_header_under_other_names_is_no_row(tmp_path, header, label_first):
    turned = [line.split("\t")[::-1] if label_first else line.split("\t") for line in [header]][0]
    some = [
        turned,
        *([label, text] if label_first else [text, label] for text, label in items(8, TWO)),
    ]
    for split in ("train", "test"):
        write(tmp_path / f"{split}.txt", "".join("\t".join(row) + "\n" for row in some))
    text, label = turned[::-1] if label_first else turned
    refused(load_texts, tmp_path, "row 1", "names of columns", f"text={text!r}", f"label={label!r}")
    assert names_of(tmp_path, text=text, label=label) == sorted(TWO)


def test_a_first_text_of_a_class_of_its_own_is_a_row(tmp_path):
    some = [("今天没有比赛", "其他"), *items(8, TWO)]
    write(tmp_path / "train.txt", "".join(f"{text}\t{label}\n" for text, label in some))
    for split in ("validation", "test"):
        write(
            tmp_path / f"{split}.txt",
            "".join(f"{text}\t{label}\n" for text, label in items(8, TWO)),
        )
    assert names_of(tmp_path) == sorted([*TWO, "其他"])


# --- Files joined by cat -------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["a.csv", "a.txt", "a.jsonl"])
def test_a_byte_order_mark_in_the_middle(tmp_path, form):
    some = items(10, TWO)
    if form == "a.csv":
        lines = [f"{text},{label}\n" for text, label in some]
        content = "text,label\n" + "".join(lines[:9]) + "\ufeff" + "".join(lines[9:])
    elif form == "a.txt":
        lines = [f"{label}\t{text}\n" for text, label in some]
        content = "".join(lines[:9]) + "\ufeff" + "".join(lines[9:])
    else:
        lines = [json.dumps({"text": text, "label": label}) + "\n" for text, label in some]
        content = "".join(lines[:9]) + "\ufeff" + "".join(lines[9:])
    found = load_texts(write(tmp_path / form, "\ufeff" + content))
    names = found["train"].features["label"].names
    pairs = [(r["text"], names[r["label"]]) for split in found.values() for r in split]
    assert sorted(pairs) == sorted(some)


def test_a_repeated_header_is_told(tmp_path):
    one, two = as_csv(items(8, TWO)), as_csv(items(8, TWO, mark="又"))
    path = write(tmp_path / "a.csv", one + two)
    refused(load_texts, path, f"{path}, row 18: the names of the columns once more; delete the row")
    assert audit_texts(path).of("broken-header") == 1


# --- Labels --------------------------------------------------------------------------------------


def test_labels_in_quotes_in_some_rows(tmp_path):
    some = [f"好{i}\t{'pos' if i % 2 else 'neg'}\n" for i in range(20)]
    some[5] = '好5\t"pos"\n'
    path = write(tmp_path / "a.txt", "".join(some))
    refused(
        load_texts, path, f"{path}, row 6", 'the label "pos" stands in quotes', "take the quotes"
    )
    assert audit_texts(path).of("broken-quotes") == 1


def test_labels_in_quotes_in_all_rows(tmp_path):
    some = "".join(f'"他说""好""{i}"\t"{"pos" if i % 2 else "neg"}"\n' for i in range(20))
    found = load_texts(write(tmp_path / "a.txt", some))
    assert found["train"].features["label"].names == ["neg", "pos"]
    assert {text[:5] for text in found["train"]["text"]} == {'他说"好"'}


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u2060"])
def test_labels_that_differ_in_what_cannot_be_seen(tmp_path, mark):
    some = [*items(10, TWO), ("又一条", f"体育{mark}")]
    for split in ("train", "validation", "test"):
        write(tmp_path / f"{split}.csv", as_csv(some))
    refused(load_texts, tmp_path, "row 22", repr(f"体育{mark}"), "cannot be seen", "write it anew")


def test_labels_with_invisible_characters_of_their_own_are_classes(tmp_path):
    assert len(names_of(write(tmp_path / "a.csv", as_csv(items(10, ["👨\u200d👩", "财经"]))))) == 2


@pytest.mark.parametrize(("count", "ids"), [(3, (1, 2)), (3, (1, 2, 3))])
def test_ids_that_count_from_one(tmp_path, count, ids):
    write(tmp_path / "class.txt", "\n".join("甲乙丙"[:count]))
    some = [(f"第{i}条", str(ids[i % len(ids)])) for i in range(30)]
    path = write(tmp_path / "a.csv", as_csv(some))
    refused(
        load_texts, path, f"labels run from 1 to {ids[-1]}", "from 0 to 2", "count from 0 in both"
    )
    if 3 not in ids:
        assert set(load_texts(path, list("甲乙丙"))["train"]["label"]) == {1, 2}


@pytest.mark.parametrize(
    ("names", "right"), [("pos\nneg", "['neg', 'pos']"), ("正面\n负面", "['负面', '正面']")]
)
def test_film_reviews_whose_class_file_names_pos_first(tmp_path, names, right):
    write(tmp_path / "class.txt", names)
    path = write(tmp_path / "a.csv", as_csv([(f"第{i}条", str(i % 2)) for i in range(30)]))
    refused(load_imdb, path, "promises 0 for negative", f"classes={right}", "load_texts")
    assert names_of(path) == names.split("\n")


def test_film_reviews_with_chinese_labels(tmp_path):
    path = write(tmp_path / "a.csv", as_csv(items(20, ["正面", "负面"])))
    refused(load_imdb, path, "classes=['负面', '正面']")
    found = load_imdb(path, ["负面", "正面"])["train"]
    assert all(("负面" in row["text"]) == (row["label"] == 0) for row in found)


@pytest.mark.parametrize("classes", [["坏", "好"], ["neg", "pos"]])
def test_film_reviews_in_the_order_that_was_asked_for(tmp_path, classes):
    path = write(tmp_path / "a.csv", as_csv(items(20, classes)))
    assert load_imdb(path, classes)["train"].features["label"].names == classes


# --- Test splits without labels ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("test.csv", "id,text\n0,未知一\n1,未知二\n"),
        ("test.csv", "text,label\n未知一,\n未知二,\n"),
        ("test.csv", "text,label\n未知一,-1\n未知二,-1\n"),
        ("test.txt", "未知一\n未知二\n"),
        ("test.jsonl", '{"id": 0, "text": "未知一"}\n{"id": 1, "text": "未知二"}\n'),
    ],
)
def test_a_test_split_without_labels_is_left_aside(tmp_path, capsys, name, content):
    write(tmp_path / "train.csv", as_csv(items(20, TWO)))
    write(tmp_path / "dev.csv", as_csv(items(2, TWO, mark="验")))
    write(tmp_path / name, content)
    for _ in range(2):  # what was kept says so too
        found = load_texts(tmp_path)
        told = capsys.readouterr().out
        assert told.count("\n") == 1
        assert (
            f"{name}：没有标签" in told and "test 改从 train 里分出" in told and "predict" in told
        )
        assert found.num_rows == {"train": 36, "validation": 4, "test": 4}


def test_a_training_file_without_labels_is_refused(tmp_path):
    path = write(tmp_path / "a.csv", "id,text\n0,未知一\n1,未知二\n")
    refused(load_texts, path, "no column 'label'")


def test_one_label_missing_in_a_test_split_is_told(tmp_path):
    write(tmp_path / "train.csv", as_csv(items(20, TWO)))
    path = write(tmp_path / "test.csv", "text,label\n甲,体育\n乙,\n")
    refused(load_texts, tmp_path, f"{path}, row 3: the label is empty")


# --- Parquet -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "notes",
    [
        b"null",
        b"[1]",
        b"{",
        b"\xff",
        b'{"info": null}',
        b'{"info": {"features": {"label": {"names": 3}}}}',
    ]
    + [b'{"info": {"features": {"label": {"names": [1, 2]}}}}', b'{"info": {"features": []}}'],
)
def test_parquet_with_odd_metadata(tmp_path, notes):
    table = pyarrow.table({"text": [f"第{i}条" for i in range(40)], "label": list("甲乙") * 20})
    path = tmp_path / "a.parquet"
    parquet.write_table(table.replace_schema_metadata({b"huggingface": notes}), path)
    assert names_of(path) == ["乙", "甲"]


def test_parquet_tells_all_bad_rows(tmp_path):
    table = pyarrow.table({"text": list("甲乙丙丁"), "label": [0, 5, None, 1]})
    notes = {"info": {"features": {"label": {"names": ["neg", "pos"]}}}}
    path = tmp_path / "a.parquet"
    parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(notes)}), path)
    refused(load_texts, path, "row 2: ", "label 5", "row 3: ", "label None", "delete the row")


# --- Archives and names --------------------------------------------------------------------------


def test_a_zip_without_its_first_bytes(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.csv": as_csv(items(10, TWO))})
    for lost in (1, 10, 40, 200):
        cut = tmp_path / f"cut{lost}.zip"
        cut.write_bytes(path.read_bytes()[lost:])
        refused(load_texts, cut, str(cut), "cut off or damaged")


def test_a_member_whose_name_is_too_long(tmp_path):
    path = write_zip(tmp_path / "a.zip", {f"{'n' * 300}.csv": as_csv(items(10, TWO))})
    refused(load_texts, path, "a name that cannot be written here")


@pytest.mark.parametrize("name", ["n" * 300 + ".csv", "n" * 5000, "a\0b.csv"])
def test_a_source_whose_name_is_too_long(tmp_path, name):
    refused(load_texts, tmp_path / name, "no such file or folder")
    with pytest.raises(DataError):
        load_texts(tmp_path / name, text="x", label="y")


# --- In two languages ----------------------------------------------------------------------------


def test_each_kind_of_bad_row_has_words_in_both_languages():
    assert set(problems.PROBLEMS) == set(audit.PROBLEMS)
    for kind, (what, _) in problems.PROBLEMS.items():
        theirs, cure = audit.PROBLEMS[kind]
        told = theirs.format("X")
        # Columns that are too many are told with their number, which stands in the detail.
        assert ("X" in told) == ("X" in what.format("X")), kind
        assert not told.isascii() and not cure.isascii() and what.isascii()


def test_each_kind_is_one_that_the_readers_give(tmp_path):
    """Every kind is made by a file, and told in both languages with the same places."""
    good = "体育\t一条\n财经\t两条\n体育\t三条\n财经\t四条\n"
    table = "text,label\n一条,体育\n两条,财经\n"
    sources = {
        "columns": write(tmp_path / "1.csv", table + "一,二,三\n"),
        "tab": write(tmp_path / "2.txt", good + "没有\n"),
        "text": write(tmp_path / "3.csv", table + ",体育\n"),
        "label": write(tmp_path / "4.csv", table + "三条,\n"),
        "nan": write(tmp_path / "5.csv", table + "三条,nan\n"),
        "header": write(tmp_path / "6.csv", table + "text,label\n"),
        "quotes": write(tmp_path / "7.txt", good + '"体育"\t五条\n'),
        "json": write(tmp_path / "8.jsonl", '{"text": "一条", "label": "体育"}\n{\n'),
        "nan-text": write(tmp_path / "10.csv", table + "#N/A,体育\n"),
        "several": write(tmp_path / "11.csv", table + "三条,\"['体育', '财经']\"\n"),
        "parts": write(
            tmp_path / "12.jsonl",
            '{"text": "一", "label": "体育"}\n{"text": ["二", "三"], "label": "财经"}\n',
        ),
    }
    parquet.write_table(
        pyarrow.table({"text": ["一", "二"], "label": [None, "b"]}), tmp_path / "9.parquet"
    )
    write(tmp_path / "t" / "体育" / "1.txt", "一条")
    write(tmp_path / "t" / "财经" / "2.txt", b"")
    sources |= {"cell": tmp_path / "9.parquet", "file": tmp_path / "t"}
    assert set(sources) == set(problems.PROBLEMS)
    for kind, path in sources.items():
        assert audit_texts(path).of(f"broken-{kind}") == 1, kind
        cure = problems.PROBLEMS[kind][1]
        refused(load_texts, path, cure)
