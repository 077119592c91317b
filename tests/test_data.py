"""Every source the loaders accept gives the same thing: three splits of text and ClassLabel."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from data_files import as_cnews, as_csv, items, refused, write, write_tar, write_zip

from utils.data import THUCNEWS_CLASSES, DataError, fetch, load_imdb, load_texts, load_thucnews

pytestmark = pytest.mark.usefixtures("plain_environment")

ROOT = Path(__file__).resolve().parent.parent


def pairs(dataset):
    names = dataset.features["label"].names
    return [(row["text"], names[row["label"]]) for row in dataset]


def everything(splits):
    assert list(splits) == ["train", "validation", "test"]
    for split in splits.values():
        assert split.column_names == ["text", "label"]
        assert split.features["text"].dtype == "string"
        assert type(split.features["label"]).__name__ == "ClassLabel"
    return sorted(pair for split in splits.values() for pair in pairs(split))


# --- One file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
@pytest.mark.parametrize("name", ["news.csv", "news.csv.gz", "cnews.txt", "cnews.txt.gz"])
def test_one_file_in_any_form_and_encoding(tmp_path, name, encoding):
    rows = items()
    content = as_csv(rows) if ".csv" in name else as_cnews(rows)
    splits = load_thucnews(write(tmp_path / name, content, encoding))
    assert everything(splits) == sorted(rows)
    assert splits["train"].features["label"].names == list(THUCNEWS_CLASSES)
    assert [splits[s].num_rows for s in splits] == [80, 10, 10]


@pytest.mark.parametrize("name", ["titles_dev.txt", "titles_dev.txt.gz"])
def test_titles_take_their_names_from_the_class_file(tmp_path, name):
    classes = ["sports", "finance", "game"]  # in this order, not sorted
    write(tmp_path / "titles_class.txt", "\n".join(classes) + "\n")
    write(tmp_path / "class.txt", "of\nother\nfiles\n")
    rows = items(classes=classes)
    lines = "".join(f"{text}\t{classes.index(label)}\n" for text, label in rows)
    splits = load_thucnews(write(tmp_path / name, lines))
    assert everything(splits) == sorted(rows)
    assert splits["train"].features["label"].names == classes


@pytest.mark.parametrize("beside", ["class.txt", "data_class.txt", "other_class.txt"])
def test_csv_with_ids_and_a_class_file(tmp_path, beside):
    write(tmp_path / beside, "差评\n好评\n")
    rows = [(text, str(label)) for label in (0, 1) for text, _ in items(1, mark=f"评论{label}")]
    splits = load_texts(write(tmp_path / "data.csv", as_csv(rows)))
    assert splits["train"].features["label"].names == ["差评", "好评"]
    assert all(("评论1" in text) == (label == "好评") for text, label in everything(splits))


@pytest.mark.parametrize("as_file", [False, True])
def test_classes_can_be_given(tmp_path, as_file):
    names = ["好评", "差评"]
    classes = write(tmp_path / "my names.txt", "好评\n差评\n") if as_file else names
    rows = [(f"{text}{label}", str(label)) for label in (0, 1) for text, _ in items(1)]
    splits = load_texts(write(tmp_path / "data.csv", as_csv(rows)), classes=classes)
    assert splits["train"].features["label"].names == names
    assert all((label == "好评") == text.endswith("0") for text, label in everything(splits))


def test_ten_classes_have_one_order_whatever_the_class_file_says(tmp_path):
    other_order = sorted(THUCNEWS_CLASSES, reverse=True)  # sorted, they stand in the course's order
    write(tmp_path / "class.txt", "\n".join(other_order))
    rows = items()
    lines = "".join(f"{text}\t{other_order.index(label)}\n" for text, label in rows)
    splits = load_thucnews(write(tmp_path / "titles.txt", lines))
    assert splits["train"].features["label"].names == list(THUCNEWS_CLASSES)
    assert everything(splits) == sorted(rows)


def test_own_classes_are_sorted_and_a_foreign_class_file_is_left_alone(tmp_path):
    write(tmp_path / "my_class.txt", "finance\ngame\n")
    rows = items(classes=["物流", "售后", "质量"])
    splits = load_thucnews(write(tmp_path / "my_feedback.csv", as_csv(rows)))
    assert splits["train"].features["label"].names == sorted(["物流", "售后", "质量"])
    assert everything(splits) == sorted(rows)


def test_csv_keeps_newlines_quotes_commas_and_long_fields(tmp_path):
    rows = items(4, classes=["甲", "乙"])
    rows += [
        ('他说："好",\n然后走了\r\n', "甲"),
        ("长" * 200_000, "乙"),
        ("行\u2028分\x85隔", "甲"),
    ]
    path = write(tmp_path / "odd.csv", as_csv(rows) + "\n\n")  # blank lines at the end are none
    assert everything(load_texts(path)) == sorted(rows)


def test_columns_in_any_order_with_others_between(tmp_path):
    rows = items(4, classes=["甲", "乙"])
    lines = ["Label,id,Text", *(f"{label},{i},{text}" for i, (text, label) in enumerate(rows))]
    assert everything(load_texts(write(tmp_path / "a.csv", "\n".join(lines)))) == sorted(rows)
    tabs = "\n".join(line.replace(",", "\t") for line in lines)
    assert everything(load_texts(write(tmp_path / "a.tsv", tabs))) == sorted(rows)


def test_cnews_lines_end_at_newlines_only_and_tabs_stay_in_texts(tmp_path):
    rows = [*items(4, classes=["甲", "乙"]), ("前\u2028后\x85完", "甲"), ("表\t格", "乙")]
    path = write(tmp_path / "c.txt", as_cnews(rows).replace("\n", "\r\n"))
    assert everything(load_texts(path)) == sorted(rows)


# --- Folders and patterns ------------------------------------------------------------------------


@pytest.mark.parametrize("validation", ["val", "dev", "valid", "validation"])
@pytest.mark.parametrize(
    "pattern",
    ["{}.csv", "thucnews_{}.csv", "cnews.{}.txt", "x_{}.csv.gz", "{}/data.csv", "{}/data.txt"],
)
def test_folder_with_given_splits(tmp_path, pattern, validation):
    rows = {split: items(2, mark=split) for split in ("train", validation, "test")}
    for split, texts in rows.items():
        form = as_csv if "csv" in pattern else as_cnews
        write(tmp_path / pattern.format(split), form(texts))
    splits = load_thucnews(tmp_path)
    assert pairs(splits["train"]) == rows["train"]  # in the order of the file
    assert pairs(splits["validation"]) == rows[validation]
    assert pairs(splits["test"]) == rows["test"]


def test_folders_of_splits_that_are_not_clear(tmp_path, capsys):
    for split in ("train", "dev", "eval"):
        write(tmp_path / split / "class.txt", "甲\n乙\n")
        write(tmp_path / split / "d.csv", as_csv(items(4, ["甲", "乙"], mark=split)))
    assert load_texts(tmp_path)["validation"].num_rows == 8
    assert "没有读文件夹 eval" in capsys.readouterr().out
    write(tmp_path / "val" / "d.csv", as_csv(items(4, ["甲", "乙"], mark="val")))
    with pytest.raises(DataError, match="two folders for validation, dev and val; take one away"):
        load_texts(tmp_path)


def test_a_file_beside_folders_of_splits_counts_first(tmp_path):
    for name in ("train/d.csv", "dev/d.csv"):
        write(tmp_path / name, as_csv(items(4, ["甲", "乙"], mark=name[:3])))
    write(tmp_path / "all.csv", as_csv(items(9, ["甲", "乙"])))
    assert everything(load_texts(tmp_path)) == sorted(items(9, ["甲", "乙"]))


def test_a_class_file_above_the_folders_of_the_splits(tmp_path):
    write(tmp_path / "class.txt", "甲\n乙\n")
    for split in ("train", "dev", "test"):
        rows = [f"{split}文{i}\t{i % 2}" for i in range(8)]
        write(tmp_path / split / "d.txt", "\n".join(rows))
    splits = load_texts(tmp_path)
    assert splits["test"].features["label"].names == ["甲", "乙"]
    assert [splits[name].num_rows for name in splits] == [8, 8, 8]


def test_folder_with_several_data_sets(tmp_path):
    for name, classes in (("thucnews", THUCNEWS_CLASSES), ("titles", ["社会", "股票"])):
        for split in ("train", "val", "test"):
            write(tmp_path / f"{name}_{split}.csv", as_csv(items(2, classes, mark=split)))
    write(tmp_path / "cnews.val.txt", as_cnews(items(1)))
    assert load_thucnews(tmp_path)["train"].num_rows == 20
    assert load_texts(tmp_path, name="titles")["train"].num_rows == 4
    titles = load_thucnews(f"{tmp_path}/titles_*.csv")
    assert {split: titles[split].num_rows for split in titles} == {
        "train": 4,
        "validation": 4,
        "test": 4,
    }


def test_folder_with_one_file(tmp_path):
    write(tmp_path / "cnews.train.txt", as_cnews(items()))
    assert everything(load_thucnews(tmp_path)) == sorted(items())


def test_a_class_only_the_class_file_has_may_come_up_in_the_test(tmp_path):
    write(tmp_path / "class.txt", "甲\n乙\n丙\n")
    write(tmp_path / "train.csv", as_csv(items(4, ["甲", "乙"])))
    write(tmp_path / "test.csv", as_csv(items(4, ["丙"])))
    assert load_texts(tmp_path)["test"].unique("label") == [2]


def test_course_data_goes_before_the_profile(tmp_path, monkeypatch):
    write(tmp_path / "thucnews" / "thucnews_train.csv", as_csv(items()))
    write(tmp_path / "imdb" / "imdb_train.csv.gz", as_csv(items(classes=["neg", "pos"])))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    for profile in ("mini", "full"):
        monkeypatch.setenv("COURSE_PROFILE", profile)
        assert everything(load_thucnews()) == sorted(items())
        assert everything(load_imdb()) == sorted(items(classes=["neg", "pos"]))


def test_mini_profile_takes_the_course_s_own_data(tmp_path, monkeypatch):
    monkeypatch.setattr("utils.profile.course_root", lambda: tmp_path)
    for split in ("train", "validation", "test"):
        write(tmp_path / "data" / "mini_thucnews" / f"{split}.csv", as_csv(items(2, mark=split)))
    assert pairs(load_thucnews()["validation"]) == items(2, mark="validation")


# --- Trees and archives --------------------------------------------------------------------------


def thucnews_tree():
    """The official layout: THUCNews/<class>/<number>.txt, headline first, indented paragraphs."""
    return {
        f"THUCNews/{label}/{i}.txt": f"标题{i}{label}\r\n\n　　正文{i}\n"
        for i in range(5)
        for label in ("体育", "星座", "社会")
    }


def imdb_tree():
    tree = {
        f"aclImdb/{split}/{label}/{i}_9.txt": f"A {label} film, {split} {i}, café."
        for split in ("train", "test")
        for label in ("pos", "neg")
        for i in range(10)
    }
    unused = ("train/unsup/0_0.txt", "README.txt", "imdb.vocab", "train/urls_pos.txt")
    return tree | {f"aclImdb/{name}": "not a review" for name in unused}


def write_tree(folder, tree):
    for name, text in tree.items():
        write(folder / name, text)


@pytest.fixture(params=["folder", "folder above", "zip", "tar.gz"])
def packed(request, tmp_path):
    def pack(tree):
        top = next(iter(tree)).split("/")[0]
        if request.param == "zip":
            return write_zip(tmp_path / "data.zip", tree | {"__MACOSX/._x.txt": "hidden"})
        if request.param == "tar.gz":
            return write_tar(tmp_path / "data.tar.gz", tree)
        write_tree(tmp_path / "data", tree)
        return tmp_path / "data" / ("" if request.param == "folder above" else top)

    return pack


def test_official_thucnews_tree(packed):
    splits = load_thucnews(packed(thucnews_tree()))
    expected = [(f"标题{i}{c}\n正文{i}", c) for i in range(5) for c in ("体育", "星座", "社会")]
    assert everything(splits) == sorted(expected)
    assert splits["train"].features["label"].names == sorted(["体育", "星座", "社会"])


def test_acl_imdb_tree(packed):
    splits = load_imdb(packed(imdb_tree()))
    assert [splits[s].num_rows for s in splits] == [18, 2, 20]
    assert splits["train"].features["label"].names == ["neg", "pos"]
    for text, label in everything(splits):
        assert f"A {label} film" in text and "café" in text
    assert all(", test " in text for text in splits["test"]["text"])


def test_zip_made_on_chinese_windows(tmp_path):
    """Such zips hold GBK names and do not say so; zipfile would read 体育 as ╠σ╙²."""
    tree = {
        f"{stand_in}/{i}.txt": f"{stand_in}{i}" for stand_in in ("AAAA", "BBBB") for i in range(5)
    }
    path = write_zip(tmp_path / "news.zip", tree)
    data = path.read_bytes()
    for stand_in, name in ((b"AAAA/", "体育/"), (b"BBBB/", "财经/")):
        data = data.replace(stand_in, name.encode("gbk"))
    path.write_bytes(data)
    assert load_texts(path)["train"].features["label"].names == sorted(["体育", "财经"])


def test_zip_of_files(tmp_path):
    path = write_zip(tmp_path / "news.zip", {"news.csv": as_csv(items())})
    assert everything(load_thucnews(path)) == sorted(items())
    files = {f"cnews/cnews.{s}.txt": as_cnews(items(2, mark=s)) for s in ("train", "val", "test")}
    path = write_zip(tmp_path / "cnews.zip", files | {"cnews/cnews.vocab.txt": "的\n"})
    assert pairs(load_thucnews(path)["test"]) == items(2, mark="test")


def test_archive_is_unpacked_once_and_anew_when_it_changes(tmp_path):
    path = write_zip(tmp_path / "news.zip", {"news.csv": as_csv(items(classes=["甲", "乙"]))})
    assert load_texts(path)["train"].features["label"].names == sorted(["甲", "乙"])
    [unpacked] = (tmp_path / "cache").rglob("news.csv")
    before = unpacked.stat()
    load_texts(path)
    assert unpacked.stat().st_mtime_ns == before.st_mtime_ns
    assert unpacked.stat().st_ino == before.st_ino

    times = path.stat()
    write_zip(path, {"news.csv": as_csv(items(classes=["丙", "丁"]))})
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # even with the old date
    assert load_texts(path)["train"].features["label"].names == sorted(["丙", "丁"])
    assert not list((tmp_path / "cache").rglob("*.partial"))


def unpacked_edited(folder):
    (folder / "news.csv").write_text("text,label\n别的,甲\n又一条,乙\n", encoding="utf8")


def unpacked_cleared(folder):
    (folder / "news.csv").unlink()


def unpacked_with_more(folder):
    (folder / "test.csv").write_text("text,label\n别的,甲\n", encoding="utf8")


def unpacked_without_note(folder):
    folder.with_name(folder.name + ".state").unlink()


def unpacked_by_another_version(folder):
    folder.with_name(folder.name + ".state").write_text("0" * 64)


@pytest.mark.parametrize(
    "change",
    [
        unpacked_edited,
        unpacked_cleared,
        unpacked_with_more,
        unpacked_without_note,
        unpacked_by_another_version,
    ],
)
def test_an_unpacked_folder_that_changed_is_unpacked_anew(tmp_path, change):
    path = write_zip(tmp_path / "news.zip", {"news.csv": as_csv(items(classes=["甲", "乙"]))})
    whole = load_texts(path)
    [unpacked] = (tmp_path / "cache").rglob("news.csv")
    change(unpacked.parent)
    again = load_texts(path)
    assert again["train"]["text"] == whole["train"]["text"]
    assert again["test"]["text"] == whole["test"]["text"]
    assert [file.name for file in unpacked.parent.iterdir()] == ["news.csv"]


def test_two_archives_of_one_name_do_not_share_a_folder(tmp_path):
    first = write_zip(tmp_path / "news.zip", {"news.csv": as_csv(items(classes=["甲", "乙"]))})
    (tmp_path / "other").mkdir()
    other = write_zip(
        tmp_path / "other/news.zip", {"news.csv": as_csv(items(classes=["丙", "丁"]))}
    )
    for path, names in ((first, "甲乙"), (other, "丙丁"), (first, "甲乙")):
        assert load_texts(path)["train"].features["label"].names == sorted(names)


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "news.zip", {"news.csv": as_csv(items(classes=["甲", "乙"]))})
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written \(.*\); set COURSE_CACHE to a folder"):
        load_texts(path)


# --- Splitting -----------------------------------------------------------------------------------


def test_split_is_the_same_each_time_and_does_not_depend_on_the_order(tmp_path):
    first = load_thucnews(write(tmp_path / "a.csv", as_csv(items(20))))
    again = load_thucnews(write(tmp_path / "b.csv", as_csv(items(20))))
    turned = load_thucnews(write(tmp_path / "c.csv", as_csv(items(20)[::-1])))
    for split in first:
        assert first[split]["text"] == again[split]["text"]
        assert sorted(first[split]["text"]) == sorted(turned[split]["text"])
        assert first[split]["text"] == sorted(
            first[split]["text"], key=[t for t, _ in items(20)].index
        )


def test_split_is_by_class(tmp_path):
    splits = load_thucnews(write(tmp_path / "a.csv", as_csv(items(20))))
    for split, count in (("train", 16), ("validation", 2), ("test", 2)):
        assert [splits[split]["label"].count(i) for i in range(10)] == [count] * 10


def test_copies_of_a_text_stay_on_one_side(tmp_path):
    rows = items(20)
    copies = [(f" {text}\n", label) for text, label in rows]  # blanks around do not make a new text
    splits = load_thucnews(write(tmp_path / "a.csv", as_csv(rows + copies)))
    sides = [{text.strip() for text in splits[split]["text"]} for split in splits]
    assert sum(map(len, sides)) == len(set.union(*sides)) == len(rows)
    assert sum(splits.num_rows.values()) == 2 * len(rows)


def test_missing_validation_comes_out_of_the_training_texts(tmp_path):
    write(tmp_path / "imdb_train.csv.gz", as_csv(items(50, ["neg", "pos"], "train")))
    write(tmp_path / "imdb_test.csv.gz", as_csv(items(5, ["neg", "pos"], "test")))
    splits = load_imdb(tmp_path)
    assert splits.num_rows == {"train": 90, "validation": 10, "test": 10}
    assert splits["validation"]["label"].count(0) == 5
    assert all(text.startswith("train") for text in splits["validation"]["text"])
    assert not set(splits["validation"]["text"]) & set(splits["train"]["text"])


def test_a_class_of_two_texts_is_learnt_and_tested(tmp_path):
    rows = items(10, ["甲", "乙"]) + items(2, ["丙"])
    splits = load_texts(write(tmp_path / "a.csv", as_csv(rows)))
    rare = splits["train"].features["label"].str2int("丙")
    assert [splits[split]["label"].count(rare) for split in splits] == [1, 0, 1]


# --- Imports -------------------------------------------------------------------------------------


def test_importing_the_loaders_is_cheap():
    """datasets and torch take seconds to import: only a loader that is called may do so."""
    code = (
        "import sys, utils.data; print(sorted({'datasets', 'torch', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# --- Real data, where it is at hand --------------------------------------------------------------


@pytest.fixture
def real(request):
    places = [REAL_DATA, ROOT.parent / "shared" / "data"]
    folder = next((Path(p) for p in places if p and (Path(p) / "thucnews").is_dir()), None)
    if folder is None:
        pytest.skip("no real data: set COURSE_DATA to a folder with thucnews/ and imdb/")
    return folder


REAL_DATA = os.environ.get("COURSE_DATA")  # read before the fixture above takes it away
TITLE_CLASSES = sorted("体育 娱乐 家居 教育 时政 游戏 社会 科技 股票 财经".split())


def test_real_full_texts(real):
    splits = load_thucnews(real / "thucnews")
    assert splits.num_rows == {"train": 1149, "validation": 149, "test": 198}
    assert splits["train"].features["label"].names == list(THUCNEWS_CLASSES)


def test_real_titles(real):
    splits = load_thucnews(f"{real}/thucnews/titles_*.csv.gz")
    assert splits.num_rows == {"train": 16_000, "validation": 1_500, "test": 2_419}
    assert splits["train"].features["label"].names == TITLE_CLASSES


def test_real_titles_from_one_file(real):
    splits = load_thucnews(real / "thucnews" / "titles_train.csv.gz")
    assert sum(splits.num_rows.values()) == 16_000
    assert splits["train"].features["label"].names == TITLE_CLASSES


def test_real_titles_with_english_classes(real):
    splits = load_thucnews(real / "thucnews" / "titles_dev.txt.gz")
    assert splits.num_rows == {"train": 8_000, "validation": 1_000, "test": 1_000}
    names = (real / "thucnews" / "titles_class.txt").read_text().split()
    assert splits["train"].features["label"].names == names
    assert ("60年铁树开花形状似玉米芯(组图)", "society") in everything(splits)


def test_real_cnews(real):
    splits = load_thucnews(real / "thucnews" / "cnews.val.txt")
    assert sum(splits.num_rows.values()) == 60
    assert splits["train"].features["label"].names == list(THUCNEWS_CLASSES)


def test_real_imdb(real):
    splits = load_imdb(real / "imdb")
    assert splits.num_rows == {"train": 6_000, "validation": 1_000, "test": 2_000}
    assert splits["train"].features["label"].names == ["neg", "pos"]


@pytest.mark.parametrize("name", ["test1.csv", "dev_2k.csv", "testA.csv", "验证集2.csv"])
def test_a_file_that_is_called_like_a_split_and_not_read_is_told(tmp_path, capsys, name):
    write(tmp_path / "train.csv", as_csv(items()))
    write(tmp_path / "README.txt", "text")
    write(tmp_path / name, as_csv(items(2)))
    load_texts(tmp_path)
    told = capsys.readouterr().out
    assert f"没有读 {name}；若是验证集或测试集" in told and "README" not in told


def test_files_of_another_data_set_are_not_told(tmp_path, capsys):
    for name in ("a_train.csv", "a_test.csv", "b_train.csv", "b_test.csv"):
        write(tmp_path / name, as_csv(items()))
    load_texts(tmp_path, name="a")
    assert "没有读" not in capsys.readouterr().out


def test_the_only_text_of_a_class_is_named(tmp_path):
    path = write(tmp_path / "a.csv", as_csv([*items(2), ("一条", "体")]))
    refused(load_texts, path, f"{path}, row 22: class '体' has one text only")


def test_a_cache_that_is_whole_is_read_without_a_lock(tmp_path, monkeypatch):
    """A teacher's cache may be one that others can only read."""
    path = write_zip(tmp_path / "news.zip", {"news.csv": as_csv(items(classes=["甲", "乙"]))})
    whole = load_texts(path)

    def locked(target):
        raise AssertionError(f"{target} was locked")

    monkeypatch.setattr(fetch, "_locked", locked)
    assert load_texts(path)["test"]["text"] == whole["test"]["text"]
