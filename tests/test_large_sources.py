"""What is streamed, kept and mapped is what the plain way gives; a large source costs no memory."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from data_files import as_cnews, as_csv, refused, write, write_zip
from plain_loader import splits_of

from utils.data import DataError, load_texts, splits, staging

pytestmark = pytest.mark.usefixtures("plain_environment")

ROOT = Path(__file__).resolve().parents[1]


def rows(random, count=300, classes=("体育", "财经", "neg"), mark=""):
    """Rows with copies, copies of another class, odd characters and long texts."""
    some = []
    for number in range(count):
        text = random.choice(["新闻", "a", "表", "行\u2028分", "\x85完"]) * random.randint(1, 9)
        some.append((f"{mark}{text}{random.randrange(count)}", random.choice(classes)))
        if number % 40 == 0:
            some.append((f" {some[-1][0]}　", random.choice(classes)))
        if number % 50 == 0:
            some.append((mark + "长" * 70_000 + str(number), classes[0]))
    return some


def as_jsonl(rows):
    return "\n".join(json.dumps({"label": label, "text": text}) for text, label in rows) + "\n"


def as_list(rows):
    return json.dumps([{"label": label, "text": text} for text, label in rows], ensure_ascii=False)


def as_titles(rows):
    return "".join(f"{text}\t{label}\r\n" for text, label in rows)


def as_table(rows):
    return "id\tText\tLABEL\n" + "".join(f"7\t{text}\t{label}\n" for text, label in rows)


FORMS = {
    "a.csv": as_csv,
    "a.csv.gz": as_csv,
    "a.txt": as_cnews,
    "a.txt.gz": as_titles,
    "a.tsv": as_table,
    "a.jsonl": as_jsonl,
    "a.json": as_list,
}


@pytest.fixture(params=["in memory", "kept"])
def way(request, monkeypatch):
    """Both ways in which texts are held; also in many batches."""
    if request.param == "kept":
        monkeypatch.setattr(staging, "LARGE", 0)
        monkeypatch.setattr(staging, "BATCH_ROWS", 7)
    return request.param


def same_rows(source, parts):
    found = load_texts(source)
    names = found["train"].features["label"].names
    expected = splits_of(parts)
    assert names == sorted({label for split in expected.values() for _, label in split})
    for split, those in expected.items():
        texts, labels = found[split]["text"][:], found[split]["label"][:]
        assert list(zip(texts, [names[each] for each in labels], strict=True)) == those
    return found


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_one_file(tmp_path, way, name, encoding):
    some = [
        (text.replace("\x85", "").replace("\u2028", ""), label) for text, label in rows(Random(1))
    ]
    some = some if encoding == "gbk" else rows(Random(1))
    path = write(tmp_path / name, FORMS[name](some), encoding)
    found = same_rows(path, {"whole": path})
    mapped = bool(found["train"].cache_files)
    assert mapped == (way == "kept")


@pytest.mark.parametrize("given", [("train",), ("train", "test"), ("train", "validation", "test")])
@pytest.mark.parametrize("name", FORMS)
def test_given_splits(tmp_path, way, name, given):
    ending = name.partition(".")[2]
    parts = {
        split: write(tmp_path / f"{split}.{ending}", FORMS[name](rows(Random(2), mark=split)))
        for split in given
    }
    if len(given) == 1:
        parts = {"whole": parts["train"]}
    same_rows(tmp_path, parts)


# --- Bad input at size ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
def test_a_line_of_megabytes_is_a_text(tmp_path, way, name):
    """Also longer than what is read, or written, at once."""
    long = "".join(chr(0x4E00 + i % 5000) for i in range(2_500_000))
    path = write(tmp_path / name, FORMS[name]([*rows(Random(5), 40), (long, "体育")]))
    found = same_rows(path, {"whole": path})
    assert max(len(text) for split in found.values() for text in split["text"]) == len(long)


@pytest.mark.parametrize("name", [name for name in FORMS if not name.endswith(".gz")])
def test_mixed_line_ends_are_line_ends(tmp_path, way, name):
    random = Random(6)
    lines = FORMS[name](rows(random, 60)).replace("\r\n", "\n").split("\n")
    if name == "a.json":
        lines = lines[0].replace("}, {", "},\n{").split("\n")
    plain, mixed = tmp_path / "plain" / name, tmp_path / "mixed" / name
    write(plain, "\n".join(lines))
    write(mixed, "".join(line + random.choice(["\n", "\r\n"]) for line in lines))
    one, other = (load_texts(path) for path in (plain, mixed))
    assert [split[:] for split in one.values()] == [split[:] for split in other.values()]


@pytest.mark.parametrize("packed", [False, True])
def test_an_empty_file_among_many_is_named(tmp_path, way, packed):
    tree = {f"{'甲乙'[n % 2]}/{n}.txt": f"第{n}条" for n in range(300)} | {"乙/171.txt": "\n \n"}
    for name, text in tree.items():
        write(tmp_path / "tree" / name, text)
    source = write_zip(tmp_path / "tree.zip", tree) if packed else tmp_path / "tree"
    with pytest.raises(DataError, match=r"171\.txt: the file is empty.*mend these files"):
        load_texts(source)


# --- Trees ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
def test_class_folders(tmp_path, way, packed):
    tree = {
        f"{label}/{number}.txt": f"标题\r\n\n　　{text}\n"
        for number, (text, label) in enumerate(rows(Random(3), 150))
    }
    for name, text in tree.items():
        write(tmp_path / "tree" / name, text)
    source = write_zip(tmp_path / "tree.zip", tree) if packed else tmp_path / "tree"
    same_rows(source, {"whole": tmp_path / "tree"})


def test_trees_with_given_splits(tmp_path, way):
    for split in ("train", "test"):
        for number, (text, label) in enumerate(rows(Random(4), 60, mark=split)):
            write(tmp_path / split / label / f"{number}.txt", text)
    same_rows(tmp_path, {split: tmp_path / split for split in ("train", "test")})


@pytest.mark.parametrize("seed", range(20))
def test_small_and_uneven_sources(tmp_path, way, seed):
    """Few texts a class, where a tenth is rounded, and copies that belong to two classes."""
    random = Random(seed)
    some = rows(random, random.randint(20, 60), ["甲", "乙", "丙", "丁"][: random.randint(2, 4)])
    path = write(tmp_path / "a.csv", as_csv(some))
    try:
        load_texts(path)
    except DataError as error:
        assert "one text only" in str(error)
    else:
        same_rows(path, {"whole": path})


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "mixed"])
def test_ends_of_lines(tmp_path, way, ends):
    some = [(f"第{i}条", "甲乙"[i % 2]) for i in range(40)]
    lines = as_csv(some).split("\r\n")[:-1]
    each = ["\n", "\r\n"] if ends == "mixed" else [ends]
    text = "".join(line + each[i % len(each)] for i, line in enumerate(lines))
    path = write(tmp_path / "a.csv", text)
    found = load_texts(path)
    assert sorted(t for s in found.values() for t in s["text"]) == sorted(t for t, _ in some)


# --- What is wrong -------------------------------------------------------------------------------


def test_all_bad_rows_are_told(tmp_path, way):
    some = [(f"第{i}条", "甲乙"[i % 2]) for i in range(200)]
    some[30], some[100] = ("", "甲"), ("条", "")
    path = write(tmp_path / "a.csv", as_csv(some) + "x,y,z\r\n")
    told = refused(load_texts, path, f"{path}, row 32: the text is empty", "row 102: the label is")
    assert "row 202: 3 columns instead of 2" in told and "correct or delete these rows" in told
    assert not list((tmp_path / "cache").rglob("*.arrow*"))


def test_all_bad_files_of_a_tree_are_told(tmp_path, way):
    for number in range(60):
        write(tmp_path / "t" / "甲乙"[number % 2] / f"{number:02}.txt", f"第{number}条")
    write(tmp_path / "t" / "甲" / "10.txt", "")
    write(tmp_path / "t" / "甲" / "20.txt", b"\xff\xff\xff")
    write(tmp_path / "t" / "乙" / "31.txt", " \n　")
    told = refused(load_texts, tmp_path / "t", "31.txt: the text is empty (and 2 more files: ")
    assert "甲/10.txt" in told and "甲/20.txt" in told and "correct or delete these rows" in told


def test_a_very_long_line(tmp_path, way):
    some = [(f"第{i}条", "甲乙"[i % 2]) for i in range(40)] + [("长" * 17_000_000, "甲")]
    path = write(tmp_path / "a.csv", as_csv(some))  # 51 MB
    found = load_texts(path)
    assert max(len(t) for s in found.values() for t in s["text"]) == 17_000_000


def test_half_a_character_is_told(tmp_path, way):
    good = [json.dumps({"text": f"第{i}条", "label": "甲乙"[i % 2]}) for i in range(40)]
    path = write(tmp_path / "a.jsonl", "\n".join([*good, '{"text": "\\ud83d", "label": "甲"}']))
    refused(load_texts, path, "line 41: half of a character", "\\uD8xx")


# --- What is kept --------------------------------------------------------------------------------


@pytest.fixture
def kept(monkeypatch, tmp_path):
    monkeypatch.setattr(staging, "LARGE", 0)
    return lambda: sorted((tmp_path / "cache" / "texts").glob("*/train.arrow"))


def some_csv(tmp_path, classes="甲乙", folder="."):
    some = [(f"第{i}条", classes[i % 2]) for i in range(40)]
    return write(tmp_path / folder / "a.csv", as_csv(some))


def texts_of(path, **options):
    return load_texts(path, **options)["train"]["text"][:]


def test_a_second_load_takes_what_is_kept(tmp_path, kept):
    path = some_csv(tmp_path)
    first = texts_of(path)
    [file] = kept()
    before = file.stat()
    assert texts_of(path) == first
    copy = some_csv(tmp_path, folder="elsewhere")
    assert texts_of(copy) == first
    assert [(each.stat().st_ino, each.stat().st_mtime_ns) for each in kept()] == [
        (before.st_ino, before.st_mtime_ns)
    ]


@pytest.mark.parametrize("form", ["file", "tree", "gz"])
def test_a_changed_source_of_the_same_size_and_date_is_read_anew(tmp_path, kept, form):
    if form == "tree":
        for i in range(40):
            write(tmp_path / "t" / "甲乙"[i % 2] / f"{i}.txt", f"第{i}条")
        path, changed = tmp_path / "t", tmp_path / "t" / "甲" / "6.txt"
    else:
        path = some_csv(tmp_path)
        if form == "gz":
            path = write(tmp_path / "a.csv.gz", path.read_text(encoding="utf-8"))
        changed = path
    load_texts(path)
    times = changed.stat()
    if form == "gz":
        text = gzip.decompress(changed.read_bytes()).replace("第6条".encode(), "第丙条".encode())
        write(changed, text.decode())
    else:
        changed.write_bytes(changed.read_bytes().replace("第6条".encode(), "第x条".encode()))
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    found = load_texts(path)
    everything = [text for split in found.values() for text in split["text"]]
    assert "第6条" not in everything and len(everything) == 40
    assert len(kept()) == 2


def test_a_renamed_file_of_a_tree_is_another_source(tmp_path, kept):
    for i in range(40):
        write(tmp_path / "t" / "甲乙"[i % 2] / f"{i}.txt", f"第{i}条")
    load_texts(tmp_path / "t")
    (tmp_path / "t" / "甲" / "6.txt").rename(tmp_path / "t" / "乙" / "6.txt")
    found = load_texts(tmp_path / "t")
    names = found["train"].features["label"].names
    label = {
        t: names[n] for s in found.values() for t, n in zip(s["text"], s["label"], strict=True)
    }
    assert label["第6条"] == "乙"


def test_other_columns_and_classes_are_other_sources(tmp_path, kept):
    lines = "".join(f"第{i}条,题{i},{i % 2},{i % 3}\n" for i in range(60))
    path = write(tmp_path / "a.csv", "text,title,label,other\n" + lines)
    assert load_texts(path, ["a", "b"])["train"].features["label"].names == ["a", "b"]
    assert load_texts(path, ["b", "a"])["train"].features["label"].names == ["b", "a"]
    assert texts_of(path, classes=["a", "b"], text="title")[0].startswith("题")
    names = write(tmp_path / "names.txt", "x\ny\nz\n")
    again = load_texts(path, names, label="other")["train"].features["label"].names
    assert again == ["x", "y", "z"] and len(kept()) == 4
    write(names, "x\nz\ny\n")
    again = load_texts(path, names, label="other")["train"].features["label"].names
    assert again == ["x", "z", "y"]


@pytest.mark.parametrize("change", ["cut", "missing", "no note", "half-written"])
def test_what_is_kept_and_not_whole_is_written_anew(tmp_path, kept, change):
    path = some_csv(tmp_path)
    first = texts_of(path)
    [file] = kept()
    if change == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif change == "missing":
        file.with_name("test.arrow").unlink()
    elif change == "no note":
        file.parent.with_name(file.parent.name + ".state").unlink()
    else:
        file.parent.rename(file.parent.with_name(file.parent.name + ".partial"))
    assert texts_of(path) == first
    assert not list((tmp_path / "cache").rglob("*.partial"))
    assert not list((tmp_path / "cache").rglob("*.staged"))


def test_what_map_keeps_beside_the_rows_does_no_harm(tmp_path, kept):
    path = some_csv(tmp_path)
    load_texts(path)["train"].map(lambda row: {"length": len(row["text"])})
    [file] = kept()
    before = file.stat().st_mtime_ns
    load_texts(path)
    assert [each.stat().st_mtime_ns for each in kept()] == [before]


def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path, kept, monkeypatch):
    path = some_csv(tmp_path)
    listed = splits._split

    def meanwhile(*arguments):
        path.write_bytes(path.read_bytes() + "又一条,甲\r\n".encode())
        return listed(*arguments)

    monkeypatch.setattr(splits, "_split", meanwhile)
    refused(load_texts, path, "changed while it was read", "run it again")
    assert kept() == []


def test_a_cache_that_cannot_be_written(tmp_path, kept, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    refused(load_texts, some_csv(tmp_path), "cannot be written", "COURSE_CACHE")


def test_two_processes_write_once(tmp_path):
    """Each of them gets the same rows from the same file."""
    path = some_csv(tmp_path)
    code = (
        "import sys; from utils.data import load_texts, staging; staging.LARGE = 0\n"
        "found = load_texts(sys.argv[1])['train']\n"
        "import os; print(found.num_rows, os.stat(found.cache_files[0]['filename']).st_ino)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    told = {each.communicate()[0] for each in running}
    assert len(told) == 1 and told.pop().startswith(b"32 ")


# --- Memory --------------------------------------------------------------------------------------


MEASURE = """
import re, sys
import datasets, pyarrow.parquet, tqdm.auto
from utils.data import load_texts, balanced_sample
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
before = peak()
found = load_texts(sys.argv[1])
sample = balanced_sample(found["train"], 100)
print(len(sample), (peak() - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see the peak")
@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_memory_does_not_grow_with_the_text(tmp_path, name):
    """120 MB of text in less memory than that; whole in lists it would take seven times as much."""
    block = "".join(chr(0x4E00 + i) for i in range(1000))
    some = [(f"{block[i % 700 :]}{block}{i}", "甲乙"[i % 2]) for i in range(26_000)]
    path = write(tmp_path / name, FORMS[name](some))
    assert path.stat().st_size > 120e6
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    drawn, grown = map(int, done.stdout.split())
    assert drawn == 100 and grown < 200
