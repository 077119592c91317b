"""Bad input gets one line that names the file, the place in it and the cure."""

import gzip
import io
import json
import os
import tarfile
import zipfile

import pytest
from data_files import as_cnews, as_csv, items, write, write_tar, write_zip

from utils.data import DataError, content, load_imdb, load_texts, load_thucnews

pytestmark = pytest.mark.usefixtures("plain_environment")

TWO = ["体育", "财经"]


def refused(source, *parts, load=load_thucnews, **options):
    """The message of the DataError that loading must raise, checked to be one line with `parts`."""
    with pytest.raises(DataError) as caught:
        load(source, **options)
    message = str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in message and len(message) < 700
    for part in parts:
        assert part in message, f"{part!r} is not in: {message}"
    return message


def cut(path, keep=0.6):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    return path


def table(tmp_path, *lines, name="news.csv", encoding="utf-8"):
    return write(tmp_path / name, "\n".join(["text,label", *lines]) + "\n", encoding)


# --- Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nothing.csv", "nothing.zip", "nothing", "nothing_*.csv.gz"])
def test_missing_file(tmp_path, name):
    refused(tmp_path / name, str(tmp_path / name), "no such file", "check the path")


def test_missing_folder_in_course_data(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    refused(None, str(tmp_path / "imdb"), "no such file", "COURSE_DATA", load=load_imdb)


def test_missing_class_file(tmp_path):
    path = write(tmp_path / "a.csv", as_csv(items(classes=TWO)))
    missing = tmp_path / "names.txt"
    refused(path, str(missing), "no such file", "check the path", classes=missing)


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.csv.gz"])
@pytest.mark.parametrize("content", ["", "\n \n"])
def test_empty_file(tmp_path, name, content):
    path = write(tmp_path / name, content)
    refused(path, str(path), "empty", "download it again, or fill it")


def test_gz_of_no_bytes(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.touch()
    refused(path, str(path), "empty", "download it again")


def test_header_without_rows(tmp_path):
    path = table(tmp_path)
    refused(path, str(path), "no rows", "fill it")


def test_empty_split(tmp_path):
    write(tmp_path / "train.csv", as_csv(items(classes=TWO)))
    path = write(tmp_path / "test.csv", "text,label\n")
    refused(tmp_path, str(path), "no rows")


def test_empty_folder(tmp_path):
    refused(tmp_path, str(tmp_path), "no data", "train.csv")


def test_empty_file_in_a_tree(tmp_path):
    for label in TWO:
        for i in range(5):
            write(tmp_path / label / f"{i}.txt", f"{label}{i}")
    path = write(tmp_path / "体育" / "3.txt", "")
    refused(tmp_path, str(path), "empty")


def test_several_data_sets_and_none_named(tmp_path):
    for name in ("a_train.csv", "b_train.csv"):
        write(tmp_path / name, as_csv(items(classes=TWO)))
    refused(tmp_path, str(tmp_path), "a_train.csv, b_train.csv", "pattern")


def test_splits_without_training_texts(tmp_path):
    for name in ("val.csv", "test.csv"):
        write(tmp_path / name, as_csv(items(classes=TWO)))
    refused(tmp_path, str(tmp_path), "test.csv, val.csv", "call them train.csv")


def test_two_files_for_one_split(tmp_path):
    for name in ("train.csv", "val.csv", "dev.txt"):
        write(tmp_path / name, as_csv(items(classes=TWO)))
    refused(tmp_path, str(tmp_path), "validation", "dev.txt and val.csv", "pattern")


# --- Rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "missing"), [("text,category", "label"), ("title,label", "text")]
)
def test_missing_column(tmp_path, header, missing):
    path = write(tmp_path / "a.csv", f"{header}\n甲队胜,体育\n")
    refused(path, f"{path}, row 1", f"'{missing}'", header.replace(",", ", "), "name the columns")


def test_csv_without_header(tmp_path):
    path = write(tmp_path / "a.csv", "甲队胜,体育\n乙股涨,财经\n")
    refused(path, f"{path}, row 1", "no column 'text'", "name the columns")


@pytest.mark.parametrize("row", ["甲队胜,乙队负,体育", "甲队胜"])
def test_wrong_number_of_columns(tmp_path, row):
    path = table(tmp_path, "甲队胜,体育", row, "乙股涨,财经")
    refused(path, f"{path}, row 3", "columns instead of 2", "in quotes")


def test_unclosed_quote_does_not_swallow_the_rows_after_it(tmp_path):
    path = table(tmp_path, "甲队胜,体育", '"乙股涨,财经', "丙队负,体育")
    refused(path, f"{path}, row 3", "close the quotes")


def test_row_numbers_count_lines_within_texts(tmp_path):
    path = table(tmp_path, '"甲队\n胜\n了",体育', " ,财经")
    refused(path, f"{path}, row 5", "text is empty")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("text", ["", "  ", "\u3000", '"\n"'])
def test_empty_text(tmp_path, name, text):
    path = table(tmp_path, "甲队胜,体育", f"{text},财经", name=name)
    refused(path, f"{path}, row 3", "text is empty", "fill it in or delete the row")


def test_empty_text_in_cnews(tmp_path):
    path = write(tmp_path / "cnews.txt", "体育\t甲队胜\n财经\t\n体育\t丙队负\n")
    refused(path, f"{path}, row 2", "text is empty", "delete the row")


def test_empty_label(tmp_path):
    path = table(tmp_path, "甲队胜,体育", "乙股涨,")
    refused(path, f"{path}, row 3", "label is empty", "fill it in")


def test_line_without_tab(tmp_path):
    path = write(tmp_path / "cnews.txt", "体育\t甲队胜\n财经 乙股涨\n")
    refused(path, f"{path}, row 2", "no tab", "label<TAB>text")


# --- Labels --------------------------------------------------------------------------------------


def test_unknown_label_in_another_split(tmp_path):
    write(tmp_path / "train.csv", as_csv(items(classes=TWO)))
    path = write(tmp_path / "test.csv", as_csv([("甲队胜", "体育"), ("乙股涨", "股票")]))
    refused(tmp_path, f"{path}, row 3", "unknown label '股票'", "体育, 财经", "correct it")


def test_unknown_label_beside_given_classes(tmp_path):
    path = write(tmp_path / "a.csv", as_csv([*items(5, TWO), ("丙", "时尚")]))
    refused(path, f"{path}, row 12", "unknown label '时尚'", "correct it", classes=TWO)


@pytest.mark.parametrize("label", ["2", "-1", "1.5", "2.0"])
def test_unknown_id(tmp_path, label):
    write(tmp_path / "titles_class.txt", "sports\nfinance\n")
    path = write(tmp_path / "titles.txt", f"甲队胜\t0\n乙股涨\t1\n丙队负\t0\n丁股跌\t{label}\n")
    refused(path, f"{path}, row 4", f"unknown label '{label}'", "class file")


@pytest.mark.parametrize("form", ["csv", "titles"])
def test_numeric_label_without_class_file(tmp_path, form):
    if form == "csv":
        path, row = table(tmp_path, "甲队胜,0", "乙股涨,1"), 2
    else:
        path, row = write(tmp_path / "titles.txt", "甲队胜利\t0\n乙股大涨\t1\n丙队\t0\n"), 1
    refused(path, f"{path}, row {row}", "label '0' is a number", "class.txt", "classes=")


def test_class_file_of_another_data_set_is_not_taken(tmp_path):
    write(tmp_path / "titles_class.txt", "sports\nfinance\n")
    write(tmp_path / "titles_dev.txt", "甲队胜\t0\n")
    path = table(tmp_path, "甲队胜,0", "乙股涨,1", name="thucnews_train.csv")
    refused(path, f"{path}, row 2", "is a number")


def test_class_named_twice(tmp_path):
    write(tmp_path / "class.txt", "sports\nsports\n")
    path = table(tmp_path, "甲队胜,0", "乙股涨,1")
    refused(path, str(path), "twice", "name each class once")


def test_one_class(tmp_path):
    path = write(tmp_path / "a.csv", as_csv(items(classes=["体育"])))
    refused(path, str(path), "only one class, '体育'", "add texts")


def test_class_too_small_to_be_divided(tmp_path):
    path = write(tmp_path / "a.csv", as_csv([*items(9, TWO), ("丙", "时尚"), ("丙", "时尚")]))
    refused(path, str(path), "'时尚' has one text", "add texts, or give the splits")


def test_file_too_small_to_be_divided(tmp_path):
    path = write(tmp_path / "a.csv", as_csv(items(2, TWO)))
    refused(path, str(path), "4 different texts are too few", "give the splits as files")


# --- Encodings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("common", "odd", "named"), [("utf-8", "gbk", "not UTF-8"), ("gbk", "utf-8", "not GBK")]
)
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.csv.gz"])
def test_mixed_encodings(tmp_path, name, common, odd, named):
    content = (as_csv if ".csv" in name else as_cnews)(items()).encode(common)
    lines = content.splitlines(keepends=True)
    lines[40] = lines[40].decode(common).encode(odd)
    path = write(tmp_path / name, b"".join(lines))
    refused(path, f"{path}, row 41", "mixed encodings", named, "save the whole file as UTF-8")


def test_latin_1_row_among_english_reviews_in_utf_8(tmp_path):
    rows = [(f"The café was a fine film {i}", label) for i in range(9) for label in ("pos", "neg")]
    lines = as_csv(rows).encode().splitlines(keepends=True)
    lines[7] = lines[7].decode().encode("latin-1")
    path = write(tmp_path / "imdb.csv", b"".join(lines))
    refused(path, f"{path}, row 8", "mixed encodings", load=load_imdb)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_neither_utf_8_nor_gbk(tmp_path, encoding):
    path = write(tmp_path / "a.csv", as_csv([("ÿ甲队胜", "体育"), *items(5, TWO)]), encoding)
    refused(path, str(path), "row 1", "a NUL character", "UTF-8")


# --- Archives ------------------------------------------------------------------------------------


def tree(count=40):
    texts = {f"News/{label}/{i}.txt": os.urandom(500).hex() for label in TWO for i in range(count)}
    return texts


def nothing_left(tmp_path):
    left = [path for path in (tmp_path / "cache").rglob("*") if path.suffix != ".lock"]
    return left in ([], [tmp_path / "cache" / "unpacked"])


@pytest.mark.parametrize("keep", [0.01, 0.6, 0.999])
@pytest.mark.parametrize("name", ["a.csv.gz", "a.txt.gz"])
def test_truncated_gz(tmp_path, name, keep):
    content = (as_csv if ".csv" in name else as_cnews)(items(500))
    path = cut(write(tmp_path / name, content), keep)
    refused(path, str(path), "cut off or damaged", "download it again")


def test_gz_that_is_none(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_text("<html>Not found</html>")
    refused(path, str(path), "cut off or damaged", "download it again")


@pytest.mark.parametrize("keep", [0.01, 0.6, 0.999])
def test_truncated_zip(tmp_path, keep):
    path = cut(write_zip(tmp_path / "news.zip", tree()), keep)
    refused(path, str(path), "cut off or damaged", "download it again")
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("keep", [0.01, 0.6, 0.9, 0.9999])
@pytest.mark.parametrize("name", ["news.tar.gz", "news.tgz"])
def test_truncated_tar_gz(tmp_path, name, keep):
    path = cut(write_tar(tmp_path / name, tree()), keep)
    refused(path, str(path), "cut off or damaged", "download it again")
    assert nothing_left(tmp_path)


def test_zip_with_a_damaged_member(tmp_path):
    path = write_zip(tmp_path / "news.zip", tree())
    data = bytearray(path.read_bytes())
    data[300] ^= 0xFF
    path.write_bytes(data)
    refused(path, str(path), "cut off or damaged", "download it again")
    assert nothing_left(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "News/../../evil.txt", "{outside}/evil.txt", "..\\evil.txt", "C:\\evil.txt"],
)
@pytest.mark.parametrize("pack", [write_zip, write_tar])
def test_archive_that_writes_outside_its_folder(tmp_path, pack, name):
    name = name.format(outside=tmp_path.as_posix())
    path = tmp_path / ("news.zip" if pack is write_zip else "news.tar.gz")
    pack(path, tree(2) | {name: "evil"})
    refused(path, str(path), f"member {name!r}", "outside its folder", "do not trust it")
    assert nothing_left(tmp_path)
    assert not list(tmp_path.rglob("*evil*"))


def test_zip_with_a_link(tmp_path):
    path = write_zip(tmp_path / "news.zip", tree(2))
    link = zipfile.ZipInfo("News/体育/link.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "/etc/passwd")
    refused(path, str(path), "member 'News/体育/link.txt'", "is a link", "do not trust it")
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_tar_with_a_link_or_device(tmp_path, kind):
    path = tmp_path / "news.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        info = tarfile.TarInfo("News/x.txt")
        info.type, info.linkname = kind, "/etc/passwd"
        file.addfile(info, io.BytesIO())
    refused(path, str(path), "member 'News/x.txt'", "link or a device", "do not trust it")
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("pack", [write_zip, write_tar])
def test_bomb(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(content, "SMALLEST_LIMIT", 100_000)
    path = tmp_path / ("bomb.zip" if pack is write_zip else "bomb.tar.gz")
    pack(path, {f"News/体育/{i}.txt": "0" * 1_000_000 for i in range(5)})
    refused(path, str(path), "member", "unpacks to more than", "get it from its source")
    assert nothing_left(tmp_path)


def test_gz_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "SMALLEST_LIMIT", 100_000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 5_000_000))
    refused(path, str(path), "unpacks to more than", "get it from its source")


def test_zip_with_a_password(tmp_path):
    path = write_zip(tmp_path / "news.zip", {"a.csv": as_csv(items())})
    data = path.read_bytes()
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # set the flag "encrypted"
        at = data.index(mark) + place
        data = data[:at] + bytes([data[at] | 1]) + data[at + 1 :]
    path.write_bytes(data)
    refused(path, str(path), "password", "unpack it and give the folder")
    assert nothing_left(tmp_path)


# --- Parquet -------------------------------------------------------------------------------------


def test_parquet_cut_off_or_without_labels(tmp_path):
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "train.parquet"
    parquet.write_table(pyarrow.table({"text": ["a", "b"], "stars": [1, 2]}), path)
    refused(path, str(path), "label", "columns must be text and label", load=load_texts)
    refused(cut(path), str(path), "cut off or damaged", "download it again", load=load_texts)


@pytest.mark.parametrize("label", [-1, 2, None])
def test_parquet_label_without_a_name(tmp_path, label):
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"text": ["a", "b", "c"], "label": [0, 1, label]})
    notes = {"info": {"features": {"label": {"names": ["neg", "pos"]}}}}
    table = table.replace_schema_metadata({"huggingface": json.dumps(notes)})
    parquet.write_table(table, tmp_path / "train.parquet")
    path = tmp_path / "train.parquet"
    refused(path, f"{path}, row 3", repr(label), "delete the row", load=load_texts)


# --- What would pass in silence ------------------------------------------------------------------


def test_numbers_for_names_that_do_not_agree_with_the_labels(tmp_path):
    """Stars from 1 to 5 for names, and ids from 0: which is 1?"""
    path = table(tmp_path, *[f"text {i},{i % 5}" for i in range(40)])
    stars = ["1", "2", "3", "4", "5"]
    refused(path, str(path), "numbers that do not agree", load=load_texts, classes=stars)
    path = table(tmp_path, *[f"text {i},{i % 5 + 1}" for i in range(40)])
    labels = load_texts(path, classes=stars)["train"]
    assert {text[5:]: int(text[5:]) % 5 for text in labels["text"]} == dict(
        zip([text[5:] for text in labels["text"]], labels["label"], strict=True)
    )


def test_blank_line_among_the_class_names(tmp_path):
    path = table(tmp_path, *[f"text {i},{i % 2}" for i in range(40)])
    names = tmp_path / "class.txt"
    names.write_text("体育\n\n财经\n", encoding="utf8")
    refused(path, f"{names}, row 2", "a blank line among the class names", "delete it")


@pytest.mark.parametrize("name", ["test.csv", "cnews.val.csv"])
def test_a_test_split_alone_is_not_trained_on(tmp_path, name):
    table(tmp_path, *[f"text {i},{'体育' if i % 2 else '财经'}" for i in range(40)], name=name)
    refused(tmp_path, str(tmp_path), name, "not clear which files to take")


def test_a_tree_without_its_training_half(tmp_path):
    for name in ("neg", "pos"):
        (tmp_path / "test" / name).mkdir(parents=True)
        for i in range(20):
            (tmp_path / "test" / name / f"{i}.txt").write_text(f"review {i}")
    refused(tmp_path, str(tmp_path), "holds test but no train", "unpack it again", load=load_imdb)


@pytest.mark.parametrize("damage", ["cut between members", "damaged header"])
def test_damage_within_a_tar_that_gzip_does_not_see(tmp_path, damage):
    whole = tmp_path / "whole.tar.gz"
    write_tar(whole, tree())
    content = gzip.decompress(whole.read_bytes())
    middle = len(content) // 1024 * 512  # headers and contents begin at multiples of 512
    while content[middle + 257 : middle + 262] != b"ustar":
        middle += 512
    if damage == "damaged header":
        content = content[: middle + 150] + b"\0" * 6 + content[middle + 156 :]
    else:
        content = content[:middle]
    path = tmp_path / "news.tar.gz"
    path.write_bytes(gzip.compress(content))
    refused(path, str(path), "cut off or damaged")
    assert nothing_left(tmp_path)


def test_zip_in_which_a_file_is_also_a_folder(tmp_path):
    path = tmp_path / "news.zip"
    write_zip(path, {"a": "text", "a/b": "text"})
    refused(path, str(path), "is a file and a folder at once")
