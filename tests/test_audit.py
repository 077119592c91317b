"""The audit tells each kind of doubtful thing that was put into the data, and nothing else."""

import pytest
from data_files import as_csv, write

from utils.data import audit_texts, load_texts, near_duplicates

pytestmark = pytest.mark.usefixtures("plain_environment")


def clean():
    """Two classes of twelve texts each that share nothing."""
    texts = [
        "".join(chr(0x4E00 + (i * 97 + j * 1009) % 20000) for j in range(8)) for i in range(24)
    ]
    return [(text, "物流" if i % 2 else "质量") for i, text in enumerate(texts)]


def audit(tmp_path, rows, **options):
    return audit_texts(write(tmp_path / "a.csv", as_csv(rows)), **options)


def kinds(found):
    return {remark.kind: remark.count for remark in found.remarks}


def test_clean_data_gets_no_remark(tmp_path):
    found = audit(tmp_path, clean())
    assert found.remarks == [] and "没有发现可疑之处" in str(found)
    assert found.counts["whole"].to_dict() == {"物流": 12, "质量": 12}
    assert str(found).startswith("可用的文本 24 条，2 类：")


@pytest.mark.parametrize(
    ("more", "kind", "count", "told"),
    [
        ([("", "物流")], "broken-text", 1, "第 26 行"),
        ([("甲乙丙丁", ""), ("戊己庚辛", "")], "broken-label", 2, "第 26 行、第 27 行"),
        ([("甲乙丙丁", "nan")], "broken-nan", 1, "替空格子写的"),
        ([clean()[0], clean()[0]], "copies", 2, "一字不差的重复 2 条"),
        ([(clean()[0][0], "物流")], "torn", 1, "第 2 行、第 26 行：物流、质量"),
        ([(clean()[0][0] + "。", "质量")], "near-copies", 1, "大半相同的文本 1 对"),
        ([("甲乙丙丁", "物流\u200b")], "labels-alike", 1, "\\u200b"),
        ([("甲乙丙丁", "物 流")], "labels-alike", 1, "物 流／物流"),
        ([("甲乙丙丁", "物流、质量")], "labels-joined", 1, "物流、质量"),
        ([("甲\ufffd乙丙丁", "物流")], "garbled", 1, "第 26 行"),
        ([("甲乙丙丁", "退款")], "small-class", 1, "退款"),
    ],
)
def test_each_kind_is_told_with_its_place(tmp_path, more, kind, count, told):
    found = audit(tmp_path, [*clean(), *more])
    assert found.of(kind) == count
    assert told in str(found)


@pytest.mark.parametrize("label", ["Pos", "ＰＯＳ", " pos", "pos\ufeff"])
def test_labels_that_look_alike(tmp_path, label):
    rows = [(text, "pos" if name == "物流" else "neg") for text, name in clean()]
    path = tmp_path / "a.tsv"
    path.write_text(
        "text\tlabel\n" + "".join(f"{t}\t{n}\n" for t, n in [*rows, ("甲乙丙丁", label)]),
        encoding="utf-8",
    )
    found = audit_texts(path)
    assert found.of("labels-alike") == (0 if label.strip() == "pos" else 1)


def test_a_separator_in_a_name_is_no_joined_label(tmp_path):
    rows = [(text, "售前/售后" if name == "物流" else name) for text, name in clean()]
    assert kinds(audit(tmp_path, rows)) == {}


def test_unequal_classes(tmp_path):
    rows = [row for row in clean() if row[1] == "物流"] * 1 + [
        row for row in clean() if row[1] == "质量"
    ][:1]
    assert set(kinds(audit(tmp_path, rows))) == {"small-class", "unequal"}


def test_one_class(tmp_path):
    rows = [row for row in clean() if row[1] == "物流"]
    assert kinds(audit(tmp_path, rows)) == {"one-class": 1}


def test_rows_in_two_of_the_given_splits(tmp_path):
    rows = clean()
    write(tmp_path / "train.csv", as_csv(rows[:12]))
    write(tmp_path / "test.csv", as_csv([*rows[12:], rows[0], (rows[1][0] + "！", rows[1][1])]))
    found = audit_texts(tmp_path)
    assert found.of("shared") == 1 and found.of("near-shared") == 1
    assert "test 里有 1 条也在 train 里（第 14 行）" in str(found)
    assert list(found.counts) == ["train", "test"]


def test_lengths(tmp_path):
    found = audit(
        tmp_path, clean(), tokens=lambda texts: [list(text) for text in texts], max_length=7
    )
    assert kinds(found) == {"lengths": 24} and "最长 8" in str(found)
    assert "截断" not in str(
        audit(tmp_path, clean(), tokens=lambda texts: [list(t) for t in texts])
    )


def test_folders_of_classes_name_the_file(tmp_path):
    for place, (text, label) in enumerate(clean()):
        write(tmp_path / "d" / label / f"{place}.txt", text)
    write(tmp_path / "d" / "质量" / "99.txt", " \n" + chr(0x3000))
    found = audit_texts(tmp_path / "d")
    assert kinds(found) == {"broken-text": 1} and "99.txt" in str(found)


def test_named_columns(tmp_path):
    lines = "".join(f"{text};{label}\n" for text, label in clean())
    found = audit_texts(write(tmp_path / "a.csv", "留言;部门\n" + lines), text="留言", label="部门")
    assert found.remarks == []


def test_nothing_is_repaired(tmp_path):
    path = write(
        tmp_path / "a.csv", as_csv([*clean(), ("甲乙丙丁", "物 流"), ("甲乙丙戊", "物 流")])
    )
    audit_texts(path)
    assert "物 流" in load_texts(path)["train"].features["label"].names


def test_texts_shorter_than_a_fragment_are_copies_of_their_equals_only():
    assert near_duplicates(["好", "好评", "好评", "很好", "A b"], ["好评", "ａＢ"]) == [
        (1, 0),
        (2, 0),
        (4, 1),
    ]


def test_near_duplicates_of_a_form_letter_are_not_lost():
    letters = [f"您的验证码是{i:04d}，请勿告诉他人" for i in range(300)]
    assert len(near_duplicates(letters)) > 200


def test_near_duplicates_each_pair_once():
    texts = ["明天上午有雨，出门带伞", "股市今天大涨三个点", "明天上午有雨，出门请带伞"]
    assert near_duplicates(texts) == [(0, 2)]
    assert near_duplicates(texts[:2], texts[2:]) == [(0, 0)]
