"""Pairs of sentences in every form give the same columns; what is wrong with a row is named."""

import csv
import io
import json

import pytest
from data_files import as_cnews, as_csv, items, real_data, refused, survives, write, write_packed

from utils import profile
from utils.data import load_imdb, load_pairs, load_texts, load_thucnews

pytestmark = pytest.mark.usefixtures("plain_environment")


def pairs(count=20, labels=("0", "1"), mark=""):
    """(sentence1, sentence2, label): with a comma, a quote and Latin letters in them."""
    return [
        (f'{mark}第{i}辆车，叫"风{i}"吗？', f"{mark}Nr. {i}, {label} 号车？", label)
        for i in range(count)
        for label in labels
    ]


def table(rows, header=("sentence1", "sentence2", "label"), delimiter=","):
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows([header, *rows] if header else rows)
    return stream.getvalue()


def raw_tabs(rows, header=None):
    return "".join("\t".join(row) + "\n" for row in ([header, *rows] if header else rows))


def as_json(rows, names=("sentence1", "sentence2", "label")):
    return "".join(
        json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n" for row in rows
    )


def read(dataset):
    names = dataset.features["label"].names
    return [(row["sentence1"], row["sentence2"], names[row["label"]]) for row in dataset]


def everything(splits):
    assert list(splits) == ["train", "validation", "test"]
    for split in splits.values():
        assert split.column_names[:2] == ["sentence1", "sentence2"]
        assert split.features == splits["train"].features
    return sorted(row for split in splits.values() for row in read(split))


# --- Forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.csv", table),
        ("a.csv.gz", table),
        ("a.tsv", lambda rows: table(rows, delimiter="\t")),
        ("a.tsv", lambda rows: raw_tabs(rows, ("sentence1", "sentence2", "label"))),
        ("lcqmc.txt.gz", raw_tabs),
        ("a.csv", lambda rows: table(rows, header=None)),
        ("a.json", as_json),
        ("a.jsonl.gz", as_json),
        ("a.json", lambda rows: json.dumps([json.loads(x) for x in as_json(rows).splitlines()])),
    ],
)
def test_one_file_in_any_form(tmp_path, name, form, end, encoding, capsys):
    text = form(pairs()).replace("\r\n", "\n").replace("\n", end)
    splits = load_pairs(write(tmp_path / name, text, encoding))
    assert everything(splits) == sorted(pairs())
    assert [splits[split].num_rows for split in splits] == [32, 4, 4]
    assert splits["train"].features["label"].names == ["0", "1"]
    assert [splits["test"]["label"].count(i) for i in (0, 1)] == [2, 2]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "names",
    [
        ("text_a", "text_b", "label"),
        ("s1", "s2", "label"),
        ("question1", "question2", "is_duplicate"),
        ("Premise", "Hypothesis", "gold_label"),
        ("sentence1", "sentence2", "gold_label"),
    ],
)
@pytest.mark.parametrize("form", [table, raw_tabs, as_json])
def test_columns_under_other_names_are_taken_and_said(tmp_path, capsys, names, form):
    path = write(tmp_path / ("a.json" if form is as_json else "a.csv"), form(pairs(), names))
    assert everything(load_pairs(path)) == sorted(pairs())
    told = capsys.readouterr().out
    assert told.count("\n") == 1 and told.startswith("列名：")
    for have, want in zip(names, ("sentence1", "sentence2", "label"), strict=True):
        assert (f"{have.lower()} → {want}" in told) == (have != want)


def test_quotes_in_tab_files(tmp_path):
    """Most programs write quotes as they are; pandas doubles them and puts quotes around."""
    rows = [(f'"你好{i}"', f'他说"{i}', label) for i in range(9) for label in "01"]
    raw = load_pairs(write(tmp_path / "raw.tsv", raw_tabs(rows)))
    assert everything(raw) == sorted(rows)
    odd = [*rows, ('一\t"二"', "三\n四", "1"), ("五", "六", "0")]
    assert everything(load_pairs(write(tmp_path / "a.tsv", table(odd, delimiter="\t")))) == sorted(
        odd
    )
    every = "\n".join(
        "\t".join(f'"{f}"' for f in ("甲" * (i + 1), "乙" * (i + 1), str(i % 2))) for i in range(20)
    )
    assert ("甲", "乙", "0") in everything(load_pairs(write(tmp_path / "all.tsv", every)))


def test_label_score_and_other_columns(tmp_path):
    header = ("id", "sentence1", "kind", "sentence2", "score", "label")
    rows = [(str(i), a, "trap", b, f"{i % 11 / 2}", c) for i, (a, b, c) in enumerate(pairs())]
    splits = load_pairs(write(tmp_path / "a.csv", table(rows, header)))
    names = ["sentence1", "sentence2", "label", "score", "id", "kind"]
    assert splits["train"].column_names == names
    assert splits["train"].features["score"].dtype == "float32"
    row = splits["train"][3]
    assert row["score"] == int(row["id"]) % 11 / 2 and row["kind"] == "trap"


def test_columns_that_only_one_split_has(tmp_path):
    write(
        tmp_path / "train.csv",
        table([(*row, "x") for row in pairs()], ("sentence1", "sentence2", "label", "kind")),
    )
    for split in ("dev", "test"):
        write(tmp_path / f"{split}.csv", table(pairs(2)))
    splits = load_pairs(tmp_path)
    assert splits["train"][0]["kind"] == "x" and splits["test"][0]["kind"] is None


@pytest.mark.parametrize("top", [1, 5])
def test_scores(tmp_path, top, capsys):
    rows = [(f"甲{i}", f"乙{i}", f"{top * i / 40:g}") for i in range(41)]
    splits = load_pairs(write(tmp_path / "a.csv", table(rows, ("sentence1", "sentence2", "score"))))
    assert splits["train"].column_names == ["sentence1", "sentence2", "score"]
    for row in splits["test"]:
        assert row["score"] == pytest.approx(top * int(row["sentence1"][1:]) / 40)
    other = write(tmp_path / "b.csv", table(rows, ("text1", "text2", "similarity")))
    assert load_pairs(other)["test"]["score"][:] == splits["test"]["score"][:]
    assert "similarity → score" in capsys.readouterr().out


@pytest.mark.parametrize("labels", [[f"{i / 4:g}" for i in range(21)], list("012345") * 4])
def test_a_label_that_is_a_degree_is_a_score(tmp_path, labels, capsys):
    rows = [(f"甲{i}", f"乙{i}", label) for i, label in enumerate(labels)]
    path = write(tmp_path / "a.tsv", raw_tabs(rows))
    splits = load_pairs(path)
    assert splits["train"].column_names == ["sentence1", "sentence2", "score"]
    assert "当作 score" in capsys.readouterr().out
    if labels[1] == "1":
        names = ["无关", "一", "二", "三", "四", "相同"]
        named = load_pairs(path, classes=names)
        assert named["train"].features["label"].names == names
        assert everything(named)[0] == ("甲0", "乙0", "无关")


def test_classes(tmp_path, capsys):
    given = load_pairs(write(tmp_path / "a.csv", table(pairs())), classes=["不同", "相同"])
    assert given["train"].features["label"].names == ["不同", "相同"]
    assert all((label == "相同") == ("1 号" in two) for _, two, label in everything(given))
    names = write(tmp_path / "names.txt", "不同\n相同\n")
    assert everything(load_pairs(tmp_path / "a.csv", classes=names)) == everything(given)
    floats = table([(a, b, f"{c}.0") for a, b, c in pairs()])
    assert everything(load_pairs(write(tmp_path / "f.csv", floats))) == sorted(pairs())
    assert capsys.readouterr().out == ""
    from_one = load_pairs(write(tmp_path / "one.csv", table(pairs(labels=("1", "2", "10")))))
    assert from_one["train"].features["label"].names == ["1", "2", "10"]
    assert "标签 1、2、10 的编号依次是 0 到 2" in capsys.readouterr().out
    words = load_pairs(write(tmp_path / "w.csv", table(pairs(labels=("相同", "不同")))))
    assert words["train"].features["label"].names == ["不同", "相同"]


def test_inference_labels_have_the_usual_order_and_pairs_without_agreement_go(tmp_path, capsys):
    rows = pairs(labels=("neutral", "entailment", "contradiction"))
    path = write(tmp_path / "ocnli.json", as_json([*rows, ("甲", "乙", "-"), ("丙", "丁", "-")]))
    splits = load_pairs(path)
    assert splits["train"].features["label"].names == ["entailment", "neutral", "contradiction"]
    assert everything(splits) == sorted(rows)
    assert capsys.readouterr().out == "ocnli.json：2 对没有一致的标签（-），略去。\n"


@pytest.mark.parametrize("form", [table, raw_tabs, as_json])
def test_minus_1_among_ids_is_no_class(tmp_path, form, capsys):
    """SNLI's ids without the names that a Parquet file has for them."""
    rows = pairs(labels=("0", "1", "2"))
    odd = [("甲", "乙", "-1"), *rows, ("丙", "丁", "-1.0"), ("戊", "己", "-")]
    splits = load_pairs(write(tmp_path / "snli.txt", form(odd)))
    assert splits["train"].features["label"].names == ["0", "1", "2"]
    assert everything(splits) == sorted(rows)
    told = "snli.txt：3 对没有一致的标签（-1），略去；若 -1 是一类，请改成名字。\n"
    assert capsys.readouterr().out == told
    write(tmp_path / "b" / "train.txt", form(odd))
    bare = write(tmp_path / "b" / "test.txt", form([(*row[:2], "-1.0") for row in rows]))
    assert everything(load_pairs(bare.parent)) == sorted(rows)
    assert "test.txt：没有标签" in capsys.readouterr().out


def test_minus_1_beside_0_and_1_may_be_a_class(tmp_path, capsys):
    rows = pairs(labels=("-1", "0", "1"))
    splits = load_pairs(write(tmp_path / "a.txt", raw_tabs(rows)))
    assert splits["train"].features["label"].names == ["-1", "0", "1"]
    assert "若 -1 是没有标签，请删去这些行" in capsys.readouterr().out


@pytest.mark.parametrize("ids", [("0", "1", "2"), ("-1", "0", "1", "2"), ("0", "1")])
def test_whether_minus_1_is_a_class_is_decided_by_the_training_file(tmp_path, ids, capsys):
    write(tmp_path / "train.txt", raw_tabs(pairs(labels=ids)))
    write(tmp_path / "dev.txt", raw_tabs(pairs(4, labels=("-1", "0", "1"))))
    write(tmp_path / "test.txt", raw_tabs(pairs(labels=("-1",))))
    splits = load_pairs(tmp_path)
    assert read(splits["validation"]) == pairs(4)
    told = capsys.readouterr().out
    assert "dev.txt：4 对没有一致的标签（-1），略去；若 -1 是一类，请改成名字。" in told
    assert "test.txt：没有标签" in told


def test_minus_1_stays_a_class_where_the_training_file_or_the_caller_has_it(tmp_path, capsys):
    write(tmp_path / "train.txt", raw_tabs(pairs(labels=("-1", "0", "1"))))
    for split in ("dev", "test"):
        path = write(tmp_path / f"{split}.txt", raw_tabs(pairs(4, labels=("-1", "0"))))
    assert read(load_pairs(tmp_path)["test"]) == pairs(4, labels=("-1", "0"))
    grades = ("-1", "0", "1", "2")
    write(path, raw_tabs(pairs(labels=grades)))
    assert everything(load_pairs(path, classes=grades)) == sorted(pairs(labels=grades))
    refused(load_pairs, tmp_path, f"{path}, row 4: unknown label '2'")
    assert "略去" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("one", "other"), [("A类", "Ａ类"), ("Entailment", "entailment"), ("1", "１")]
)
def test_classes_that_differ_in_case_or_width_alone_are_told(tmp_path, capsys, one, other):
    path = write(tmp_path / "a.csv", table(pairs(labels=(one, other, "0"))))
    assert set(load_pairs(path)["train"].features["label"].names) == {one, other, "0"}
    assert f"类别 {one} 和 {other} 只差大小写或全角半角，算作两类" in capsys.readouterr().out


# --- Folders and splits --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern", ["{}.csv", "lcqmc_{}.csv.gz", "{}.txt", "x.{}.json", "{}.tsv", "{}/data.tsv"]
)
@pytest.mark.parametrize("packed", ["folder", "zip", "tar.gz"])
def test_folders_and_archives_with_given_splits(tmp_path, pattern, packed):
    form = as_json if "json" in pattern else table if "csv" in pattern else raw_tabs
    rows = {split: pairs(2, mark=split) for split in ("train", "dev", "test")}
    tree = {f"data/{pattern.format(split)}": form(found) for split, found in rows.items()}
    packed = "folder" if pattern.endswith("gz") else packed  # not packed twice
    path = write_packed(tmp_path, tree, packed, "pairs")
    splits = load_pairs(path)
    for split, found in zip(splits, rows.values(), strict=True):
        assert read(splits[split]) == found


def test_pairs_that_share_a_sentence_stay_on_one_side(tmp_path):
    rows = [(f"前提{i}", f"假设{i}-{j}", str(j % 2)) for i in range(30) for j in range(3)]
    rows += [(f"假设{i}-0", f"另说{i}", "1") for i in range(30)]  # a chain of two steps
    first = load_pairs(write(tmp_path / "a.csv", table(rows)))
    again = load_pairs(write(tmp_path / "b.csv", table(rows[::-1])))
    sides = [{text.strip() for row in read(split) for text in row[:2]} for split in first.values()]
    assert sum(map(len, sides)) == len(set.union(*sides))
    assert all(first[split].num_rows >= 8 for split in first)
    for split in first:
        assert sorted(read(first[split])) == sorted(read(again[split]))


def test_one_group_of_its_kind_is_no_reason_to_refuse(tmp_path):
    """One premise with all three labels, among premises that have one each."""
    rows = [(f"前提{i}", f"假设{i}", "neutral entailment".split()[i % 2]) for i in range(30)]
    rows += [("共有", f"假说{i}", label) for i, label in enumerate(("neutral", "entailment"))]
    assert everything(load_pairs(write(tmp_path / "a.csv", table(rows)))) == sorted(rows)
    rows.append(("孤例", "只此一对", "contradiction"))
    path = write(tmp_path / "b.csv", table(rows))
    refused(load_pairs, path, f"{path}: class 'contradiction' has one text only")


def test_a_test_file_without_labels_is_left_aside(tmp_path, capsys):
    write(tmp_path / "train.json", as_json(pairs()))
    bare = [row[:2] for row in pairs(5)]
    path = write(tmp_path / "test.json", as_json(bare, ("sentence1", "sentence2")))
    assert everything(load_pairs(tmp_path)) == sorted(pairs())
    told = capsys.readouterr().out
    assert told.count("\n") == 1 and "没有标签" in told and f'load_pairs("{path}")["test"]' in told
    forms = {
        "a.csv": table(bare, ("sentence1", "sentence2")),
        "b.csv": table([(*row, "") for row in bare]),
        "c.tsv": raw_tabs([(*row, "-1") for row in bare]),
        "d.txt": raw_tabs(bare),
    }
    for name, text in {**forms, "test.json": as_json(bare, ("sentence1", "sentence2"))}.items():
        alone = load_pairs(write(tmp_path / name, text))
        assert list(alone) == ["test"] and alone["test"].column_names == ["sentence1", "sentence2"]
        assert [tuple(row.values()) for row in alone["test"]] == bare
    write(tmp_path / "un" / "train.csv", forms["a.csv"])
    write(tmp_path / "un" / "test.csv", table(pairs()))
    refused(load_pairs, tmp_path / "un", "train.csv: no labels in the training split")


@pytest.mark.parametrize("name", ["labels", "is_similar", "是否相似"])
@pytest.mark.parametrize("form", [table, as_json])
def test_labels_under_an_unknown_name_are_not_read_and_said(tmp_path, capsys, form, name):
    text = form([(str(i), *row) for i, row in enumerate(pairs())], ("id", "s1", "s2", name))
    assert list(load_pairs(write(tmp_path / "a.txt", text))) == ["test"]
    assert (
        f"没有认作标签的列：{name}；若其中有标签，把它的列名改成 label" in capsys.readouterr().out
    )
    path = write(tmp_path / "b" / "train.txt", text)
    write(path.parent / "dev.txt", text)
    cure = f"split; columns not read: {name}; call the one with the labels label, or take the file"
    refused(load_pairs, path.parent, f"{path}: no labels in the training", cure)
    write(path, form(pairs(), ("s1", "s2", "label")))
    assert everything(load_pairs(path.parent)) == sorted(pairs())
    assert f'["test"]。没有认作标签的列：{name}；' in capsys.readouterr().out


def test_ids_are_not_told_as_labels_under_another_name(tmp_path, capsys):
    names = ("prem_id", "hypo_id", "pairID", "genre", "s1", "s2")
    path = tmp_path / "test.json"
    load_pairs(write(path, as_json([(*"abcd", *row[:2]) for row in pairs()], names)))
    assert "没有认作标签的列" not in capsys.readouterr().out
    names = ("prem_id", "level", "label_id", "s1", "s2")
    load_pairs(write(path, as_json([(*"abc", *row[:2]) for row in pairs()], names)))
    assert "没有认作标签的列：level、label_id；" in capsys.readouterr().out


def test_course_data_and_the_course_s_own_pairs(tmp_path, monkeypatch, capsys):
    for name in ("lcqmc", "snli"):
        write(tmp_path / "pairs" / f"{name}_train.csv", table(pairs(mark=name)))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert everything(load_pairs()) == sorted(pairs(mark="lcqmc"))
    assert everything(load_pairs(name="snli")) == sorted(pairs(mark="snli"))
    monkeypatch.delenv("COURSE_DATA")
    monkeypatch.setattr("utils.profile.course_root", lambda: tmp_path)
    write(tmp_path / "data" / "mini_pairs" / "train.csv", table(pairs()))
    assert everything(load_pairs()) == sorted(pairs())
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert everything(load_pairs()) == sorted(pairs())
    assert "mini_pairs" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_round_trip(tmp_path, ending):
    rows = [(*row, str(i % 6)) for i, row in enumerate(pairs())]
    header = ("sentence1", "sentence2", "label", "score")
    splits = load_pairs(write(tmp_path / "a.csv", table(rows, header)))
    (tmp_path / "again").mkdir()
    for split in splits:
        path = tmp_path / "again" / f"{split}.{ending}"
        if ending == "csv":
            splits[split].to_csv(path)
        else:
            splits[split].to_json(path, force_ascii=False)
    again = load_pairs(tmp_path / "again")
    for split in splits:
        assert again[split][:] == splits[split][:]
        assert again[split].features == splits[split].features


# --- What is wrong -------------------------------------------------------------------------------


def good(*more, header=("sentence1", "sentence2", "label")):
    return table([*pairs(4), *more], header)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("", "乙", "1"), "sentence1 is ''"),
        (("甲", "　", "1"), "sentence2 is '\\u3000'"),
        (("甲", "乙", ""), "the label is empty"),
        (("甲", "乙"), "2 columns instead of 3"),
        (("甲", "乙", "丙", "1"), "4 columns instead of 3"),
    ],
)
def test_bad_rows_are_named(tmp_path, row, what):
    path = write(tmp_path / "a.csv", good(row))
    refused(load_pairs, path, f"{path}, row 10: {what}")
    many = write(tmp_path / "b.csv", good(*[row] * 9))
    message = refused(load_pairs, many, f"{many}, row 10: {what}", "(9 in all)")
    assert message.count(what) == 5


def test_rows_are_counted_by_lines(tmp_path):
    path = write(tmp_path / "a.csv", good(("甲\n乙", "丙", "1"), ("", "丁", "1")))
    refused(load_pairs, path, f"{path}, row 12: sentence1 is ''")


def test_labels_that_do_not_fit(tmp_path):
    write(tmp_path / "train.csv", good())
    path = write(tmp_path / "test.csv", good(("甲", "乙", "2"), ("丙", "丁", "是")))
    refused(
        load_pairs,
        tmp_path,
        f"{path}, row 10: unknown label '2'; row 11: unknown label '是'",
        "known: 0, 1",
    )
    one = write(tmp_path / "one.csv", table(pairs(9, labels=("1",))))
    refused(load_pairs, one, f"{one}: only one class, '1'")
    refused(
        load_pairs, tmp_path / "train.csv", "unknown label '1'", "known: 不同", classes=["不同"]
    )
    refused(load_pairs, tmp_path / "train.csv", "names a class twice", classes=["不同", "不同"])


@pytest.mark.parametrize("score", ["5.5", "-1", "nan", "inf", "1e9", "4,5", "高", "1_0"])
def test_scores_out_of_range(tmp_path, score):
    rows = [(f"甲{i}", f"乙{i}", str(i % 5)) for i in range(20)]
    text = table([*rows, ("甲", "乙", score)], ("sentence1", "sentence2", "score"))
    path = write(tmp_path / "a.csv", text)
    refused(load_pairs, path, f"{path}, row 22: score {score!r}", "from 0 to 5")


def test_scores_on_two_scales(tmp_path):
    def rows(top):
        found = [(f"甲{i}", f"乙{i}", f"{top * i / 24:g}") for i in range(25)]
        return table(found, ("sentence1", "sentence2", "score"))

    write(tmp_path / "train.csv", rows(5))
    path = write(tmp_path / "test.csv", rows(1))
    refused(load_pairs, tmp_path, f"{path}: scores up to 1, those of train.csv run from 0 to 5")
    write(tmp_path / "train.csv", rows(1))
    write(tmp_path / "test.csv", rows(5))
    refused(load_pairs, tmp_path, f"{path}: scores up to 5, those of train.csv run from 0 to 1")
    same = table([(f"甲{i}", "乙", "3") for i in range(9)], ("sentence1", "sentence2", "score"))
    refused(load_pairs, write(tmp_path / "same.csv", same), "every score is 3")


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        (
            "a.csv",
            "句子一,句子二,标签\n甲,乙,1\n丙,丁,0\n",
            "row 1: no two sentences among the columns '句子一, 句子二, 标签'",
        ),
        (
            "a.tsv",
            "a\tb\tflag\n甲\t乙\t1\n丙\t丁\t0\n",
            "no two sentences among the columns 'a, b, flag'",
        ),
        ("a.tsv", "a\tb\n甲\t乙\n丙\t丁\n", "no two sentences among the columns 'a, b'"),
        (
            "a.tsv",
            "1\t甲\t乙\t1\n2\t丙\t丁\t0\n",
            "no two sentences among the columns '1, 甲, 乙, 1'",
        ),
        ("a.csv", "sentence1,sentence2,label,label\n甲,乙,1,1\n", "two columns are called 'label'"),
        (
            "a.csv",
            'sentence1,sentence2,label\n甲,"乙,1\n丙,丁,0\n',
            "row 2: unexpected end of data",
        ),
        ("a.csv", "sentence1,sentence2,label\n", "no pairs in it"),
        (
            "a.json",
            '{"sentence1": "甲", "text": "乙"}\n',
            "line 1|row 1: no two sentences among 'sentence1, text'",
        ),
        ("a.json", '{"sentence1": "甲", "sentence2": 5}\n', "row 1: sentence2 is '5'"),
        (
            "a.json",
            '{"sentence1": "甲", "sentence2": "乙"}\n{"s1": "丙", "s2": "丁"}\n',
            "row 2: no sentence1 and sentence2",
        ),
        ("a.json", "[1, 2]", "row 1: '1' is no object; row 2: '2' is no object"),
        ("a.json", "[]", "no pairs in it"),
        ("a.csv", "PK\x03\x04", "a zip archive"),
        (
            "a.csv",
            "导出于三月,,\nsentence1,sentence2,label\n甲,乙,1\n丙,丁,0\n",
            "row 2: the names of the columns; delete what stands above",
        ),
        (
            "a.json",
            '{"sentence1": {"0": "甲", "1": "乙"}, "sentence2": {"0": "丙", "1": "丁"}}',
            "an object for each column; write one object a line",
        ),
        (
            "a.csv",
            "sentence1,sentence2,label\n甲,\u200b,1\n丙,丁,0\n",
            "row 2: sentence2 is '\\u200b'",
        ),
    ],
)
def test_files_that_hold_no_pairs(tmp_path, name, text, what):
    path = write(tmp_path / name, text)
    message = refused(load_pairs, path, str(path))
    assert any(part in message for part in what.split("|")), message


# --- The other loaders' data ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pairs.csv", table(pairs())),
        ("pairs.csv", table(pairs(), ("text_a", "text_b", "label"))),
        ("pairs.tsv", table(pairs(), ("premise", "hypothesis", "label"), "\t")),
        ("pairs.txt", raw_tabs(pairs())),
        ("stsb.txt", raw_tabs([(a, b, "3.5") for a, b, _ in pairs()])),
    ],
)
@pytest.mark.parametrize("load", [load_texts, load_imdb, load_thucnews])
def test_loaders_of_single_texts_point_at_load_pairs(tmp_path, name, text, load):
    path = write(tmp_path / name, text)
    message = refused(load, path, f"{path}, row 1: ", "load_pairs", classes=["neg", "pos"])
    assert ".txt" not in name or "if an id stands beside the text, name the columns" in message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("texts.csv", as_csv(items())),
        ("cnews.txt", as_cnews(items())),
        ("titles.txt", "".join(f"{text}\t{i % 2}\n" for i, (text, _) in enumerate(items()))),
        ("texts.tsv", as_csv(items()).replace(",", "\t")),
    ],
)
def test_load_pairs_points_at_load_texts(tmp_path, name, text):
    path = write(tmp_path / name, text)
    refused(load_pairs, path, f"{path}, row 1: ", "read them with load_texts")


@pytest.mark.parametrize(
    ("row", "column", "shown"),
    [
        (lambda i: (str(i), f"第{i}条新闻", "正负"[i % 2]), 1, "0"),
        (lambda i: (str(i), f"第{i}条新闻", str(i % 2)), 1, "0"),
        (lambda i: (f"第{i}条新闻", str(i), "正负"[i % 2]), 2, "0"),
        (lambda i: (str(i % 2), f"甲{i}", f"乙{i % 30}"), 1, "0"),
        (lambda i: (str(i % 2), f"甲{i}", f"乙{i}"), 1, "0"),
        (lambda i: (("neutral", "entailment")[i % 2], f"甲{i}", f"乙{i % 30}"), 1, "neutral"),
        (lambda i: (("相同", "不同")[i % 2], f"甲{i}", f"乙{i % 30}"), 1, "相同"),
        (lambda i: (f"第{i}条新闻", str(3 * i + 7), str(i % 2)), 2, "7"),
        (lambda i: (f"第{i}条新闻", str(i % 2), str(i)), 2, "0"),
        (lambda i: (f"第{i}条新闻", str(i % 3), f"{i % 7 / 2}"), 2, "0"),
        (lambda i: (f"第{i}条新闻", ("neutral", "entailment")[i % 2], str(i % 3)), 2, "neutral"),
    ],
)
@pytest.mark.parametrize("form", [raw_tabs, lambda rows: table(rows, header=None)])
def test_an_id_or_a_label_where_a_sentence_should_be(tmp_path, form, row, column, shown):
    """Three columns without names, which are two sentences and a label only if they look so."""
    path = write(tmp_path / "a.txt", form([row(i) for i in range(40)]))
    what = f"{path}, row 1: column {column} holds ids or labels ({shown!r})"
    refused(load_pairs, path, what, "name the columns", "load_texts")


def test_a_few_sentences_that_are_numbers_are_sentences(tmp_path):
    rows = [("42" if i % 5 else f"甲{i}", f"第{i}个数", str(i % 2)) for i in range(40)]
    assert everything(load_pairs(write(tmp_path / "a.txt", raw_tabs(rows)))) == sorted(rows)
    answers = [(f"{i} 的平方？", str(i * i % 37), str(i % 2)) for i in range(40)]
    assert everything(load_pairs(write(tmp_path / "c.txt", raw_tabs(answers)))) == sorted(answers)


@pytest.mark.parametrize(
    ("topics", "grades"), [(1, "高中低"), (1, "优良中差劣"), (3, "甲乙丙丁戊己庚辛壬癸")]
)
def test_a_few_queries_with_named_grades_are_sentences(tmp_path, topics, grades):
    one = [(f"怎么退{i % topics}？", f"退货{i}", grades[i % len(grades)]) for i in range(40)]
    test = write(tmp_path / "test.txt", raw_tabs(one))
    write(tmp_path / "train.txt", raw_tabs([(f"问{i}", *row[1:]) for i, row in enumerate(one)]))
    assert read(load_pairs(test.parent)["test"]) == one


@pytest.mark.parametrize("form", [table, raw_tabs, as_json])
def test_damaged_files_load_or_are_refused_in_one_line(tmp_path, form, capsys):
    content = form(pairs(6)).encode()
    assert 20 < survives(load_pairs, tmp_path / "a.txt", content, 120, seed=3) < 120


def test_damaged_scores(tmp_path, capsys):
    rows = [(a, b, c, f"{i / 4:g}") for i, (a, b, c) in enumerate(pairs(8))]
    content = table(rows, ("sentence1", "sentence2", "label", "score")).encode()
    assert 20 < survives(load_pairs, tmp_path / "a.csv", content, 120, seed=4) < 120


# --- Real data, where it is at hand --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rows", "names"),
    [
        ("lcqmc", (7000, 1793, 3000), ["0", "1"]),
        ("snli_zh", (7000, 1000, 1309), ["entailment", "neutral", "contradiction"]),
        ("stsb_zh", (5144, 600, 847), None),
    ],
)
def test_real_pairs(name, rows, names, capsys):
    splits = load_pairs(f"{real_data('pairs')}/{name}_*.csv.gz")
    assert tuple(splits[split].num_rows for split in splits) == rows
    if names:
        assert splits["train"].features["label"].names == names
    else:
        assert set(splits["train"]["score"]) == {0, 1, 2, 3, 4, 5}
    assert capsys.readouterr().out == ""


def test_real_pairs_from_one_file():
    splits = load_pairs(real_data("pairs") / "snli_zh_train.csv.gz")
    assert sum(splits.num_rows.values()) == 7000
    assert all(650 < splits[split].num_rows < 750 for split in ("validation", "test"))
    train = {text for row in read(splits["train"]) for text in row[:2]}
    assert not train & {text for row in read(splits["test"]) for text in row[:2]}


def test_the_pairs_that_ship_with_the_course():
    if not (profile.course_root() / "data" / "mini_pairs").is_dir():
        pytest.skip("this copy of the course has no data/mini_pairs")
    splits = load_pairs()
    columns = ["sentence1", "sentence2", "label", "score", "kind"]
    assert all(split.column_names == columns for split in splits.values())
    assert sum(splits.num_rows.values()) >= 800


@pytest.mark.parametrize("change", [lambda text: text.replace("\n", "\r"), lambda text: text.replace("\n", ",,\n").replace("label,,", "label")])  # fmt: skip
def test_old_line_ends_and_blank_fields_at_the_end(tmp_path, change):
    rows = [(f"甲{i}", f"乙{i}", str(i % 2)) for i in range(20)]
    text = "sentence1,sentence2,label\n" + "".join(",".join(row) + "\n" for row in rows)
    found = [load_pairs(write(tmp_path / name, each)) for name, each in (("a.csv", text), ("b.csv", change(text)))]  # fmt: skip
    assert found[0]["train"][:] == found[1]["train"][:]
    lines = "".join("\t".join(row) + "\r" for row in rows)
    assert load_pairs(write(tmp_path / "c.txt", lines))["train"][:] == found[0]["train"][:]


@pytest.mark.parametrize(
    "header", ["premise\thypo\tlabel", "前提\t假设\t标签", "问题1\t问题2\t标签"]
)
def test_other_names_of_the_two_sentences(tmp_path, header):
    path = write(tmp_path / "a.tsv", f"{header}\n{raw_tabs(pairs())}")
    assert everything(load_pairs(path)) == sorted(pairs())


def test_scores_without_a_zero_before_the_point(tmp_path):
    rows = [(f"甲{i}", f"乙{i}", f".{i % 10}") for i in range(40)]
    found = load_pairs(write(tmp_path / "a.csv", table(rows, ("sentence1", "sentence2", "score"))))
    scores = {round(score, 4) for split in found.values() for score in split["score"]}
    assert scores == {i / 10 for i in range(10)}


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u200e"])
def test_labels_that_differ_in_what_nobody_sees(tmp_path, mark):
    rows = [(one, two, ["不同", "相同"][int(label)]) for one, two, label in pairs()]
    rows[20] = (*rows[20][:2], rows[20][2] + mark)
    path = write(tmp_path / "a.csv", table(rows))
    refused(load_pairs, path, f"{path}, row 22: label ", "differs from '不同' only in characters")


def test_a_pair_in_a_list_on_one_line_is_told_by_its_place(tmp_path):
    some = [json.loads(line) for line in as_json(pairs()).splitlines()]
    some[30]["sentence2"] = ""
    path = write(tmp_path / "a.json", json.dumps(some))
    refused(load_pairs, path, f"{path}, row 31: sentence2 is ''")


def hub_parquet(path, labels, names=("entailment", "neutral", "contradiction")):
    """A Parquet file as the Hub has them: ids, and what they mean in its metadata."""
    import pyarrow
    from pyarrow import parquet

    about = {"label": {"names": list(names), "_type": "ClassLabel"}}
    columns = {
        "premise": [f"甲{i}" for i in range(len(labels))],
        "hypothesis": [f"乙{i}" for i in range(len(labels))],
        "label": pyarrow.array(labels, pyarrow.int64()),
    }
    metadata = {"huggingface": json.dumps({"info": {"features": about}})}
    parquet.write_table(pyarrow.table(columns).replace_schema_metadata(metadata), path)
    return path


def test_ids_that_a_parquet_file_explains_have_their_names(tmp_path, capsys):
    hub_parquet(tmp_path / "train-00000-of-00001.parquet", [i % 4 - 1 for i in range(40)])
    hub_parquet(tmp_path / "validation-00000-of-00001.parquet", [2, 0, 1])
    hub_parquet(tmp_path / "test-00000-of-00001.parquet", [-1] * 9)
    splits = load_pairs(tmp_path)
    told = capsys.readouterr().out
    assert "10 对没有一致的标签" in told and "test-00000-of-00001.parquet：没有标签" in told
    names = ("entailment", "neutral", "contradiction")
    found = {(one, label) for split in splits.values() for one, _, label in read(split)}
    assert found == {
        *((f"甲{i}", names[i % 4 - 1]) for i in range(40) if i % 4),
        *(("甲0", names[2]), ("甲1", names[0]), ("甲2", names[1])),
    }


def test_a_name_that_no_files_have(tmp_path):
    write(tmp_path / "lcqmc_train.csv", table(pairs()))
    write(tmp_path / "lcqmc_test.csv", table(pairs(mark="又")))
    assert load_pairs(tmp_path, name="lcqmc")["test"].num_rows == 40
    refused(load_pairs, tmp_path, "no data set 'lcqcm' in it, but lcqmc", name="lcqcm")
    refused(load_pairs, tmp_path / "*_train.csv", "no data set 'bq' in it, but lcqmc", name="bq")


def test_rows_that_say_which_split_they_are_of(tmp_path):
    rows = [(*row, "train" if i < 30 else "dev") for i, row in enumerate(pairs())]
    header = ("sentence1", "sentence2", "label", "Split")
    path = write(tmp_path / "a.csv", table(rows, header))
    refused(load_pairs, path, f"{path}, row 32: the column 'split' divides the rows (train, dev)")
    path = write(tmp_path / "a.jsonl", as_json(rows, header))
    refused(load_pairs, path, f"{path}, row 31: the column 'split'", "train.jsonl")
    alike = [(*row[:3], "train") for row in rows]
    assert everything(load_pairs(write(tmp_path / "b.csv", table(alike, header)))) == sorted(
        pairs()
    )


def test_excel_s_separator_line(tmp_path):
    path = write(tmp_path / "a.csv", "sep=;\n" + table(pairs(), delimiter=";"))
    assert everything(load_pairs(path)) == sorted(pairs())


def test_a_list_in_an_object(tmp_path):
    some = [json.loads(line) for line in as_json(pairs()).splitlines()]
    path = write(tmp_path / "a.json", json.dumps({"version": 1, "data": some}))
    assert everything(load_pairs(path)) == sorted(pairs())
