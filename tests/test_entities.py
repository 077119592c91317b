"""Labelled names in every form give characters and BIO labels; damage gets one line."""

import json

import pytest
from data_files import real_data, refused, survives, write, write_packed

from utils import profile
from utils.data import DataError, detect_scheme, impossible_labels, load_entities, to_bio

pytestmark = pytest.mark.usefixtures("plain_environment")

# One sentence in which a blank, Latin letters and two neighbours of one type occur.
TEXT = "小林在 A 市和北京上海"
BIO = "B-PER I-PER O O B-LOC I-LOC I-LOC O B-LOC I-LOC B-LOC I-LOC".split()
SENTENCE = list(zip(TEXT, BIO, strict=True))


def sentences(count=20):
    return [[*SENTENCE, *((char, "O") for char in f"第{i}句")] for i in range(count)]


def as_lines(rows, separator=" "):
    return "\n".join("".join(f"{c}{separator}{x}\n" for c, x in sentence) for sentence in rows)


def as_json(rows):
    """CLUENER: a place is [start, end], the end included."""
    lines = []
    for row in rows:
        text, label, start = "".join(c for c, _ in row), {}, 0
        for at, (_, here) in enumerate([*row, ("", "O")]):
            if at and row[at - 1][1] != "O" and here[0] != "I":
                places = label.setdefault(row[at - 1][1][2:], {}).setdefault(text[start:at], [])
                places.append([start, at - 1])
            start = at if here[0] == "B" else start
        lines.append(json.dumps({"text": text, "label": label}, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def read(splits, split="train"):
    dataset = splits[split]
    names = dataset.features["labels"].feature.names
    return [
        list(zip(row["tokens"], (names[i] for i in row["labels"]), strict=True)) for row in dataset
    ]


def everything(splits):
    assert list(splits) == ["train", "validation", "test"]
    for dataset in splits.values():
        assert dataset.column_names == ["tokens", "labels"]
    return sorted(row for split in splits for row in read(splits, split))


# --- Schemes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "labels", "bio"),
    [
        ("BIO", "B-PER I-PER O B-LOC B-LOC", "B-PER I-PER O B-LOC B-LOC"),
        ("IOB1", "I-PER I-PER O I-LOC B-LOC I-LOC", "B-PER I-PER O B-LOC B-LOC I-LOC"),
        ("BMES", "B-PER M-PER E-PER S-LOC B-LOC E-LOC", "B-PER I-PER I-PER B-LOC B-LOC I-LOC"),
        ("BIOES", "B-PER I-PER E-PER O S-LOC S-LOC", "B-PER I-PER I-PER O B-LOC B-LOC"),
        ("BILOU", "B_PER I_PER L_PER O U_LOC", "B-PER I-PER I-PER O B-LOC"),
        ("BIO", "O O", "O O"),
        ("BIO", "", ""),
    ],
)
def test_each_scheme_is_known_and_converted(scheme, labels, bio):
    labels = labels.split()
    assert detect_scheme([labels]) == scheme
    assert to_bio(labels) == to_bio(labels, scheme) == bio.split()
    assert impossible_labels(labels) == []
    assert to_bio(to_bio(labels)) == bio.split()


@pytest.mark.parametrize(
    ("labels", "scheme", "bio", "places"),
    [
        ("O I-PER I-PER", "BIO", "O B-PER I-PER", [1]),
        ("B-PER I-LOC I-LOC", "BIO", "B-PER B-LOC I-LOC", [1]),
        ("I-PER B-PER", "BIO", "B-PER B-PER", [0]),
        # Two that seqeval and nervaluate read oddly:
        ("B-X M-X B-X M-X M-X S-X", "BMES", "B-X I-X B-X I-X I-X B-X", [2, 5]),
        ("B-X E-X S-X E-X", "BIOES", "B-X I-X B-X B-X", [3]),
        ("B-X M-X M-X O", "BMES", "B-X I-X I-X O", [3]),
        ("O B-X I-X", "BIOES", "O B-X I-X", [3]),
        ("U-X L-X", "BILOU", "B-X B-X", [1]),
    ],
)
def test_impossible_sequences_are_counted_and_repaired(labels, scheme, bio, places):
    assert to_bio(labels.split(), scheme) == bio.split()
    assert impossible_labels(labels.split(), scheme) == places
    assert impossible_labels(bio.split()) == []


@pytest.mark.parametrize("label", ["PER", "B", "B-", "X-PER", "o", "0", "", "B-PER\u200b", "b-PER"])
def test_what_is_no_label(label):
    refused(to_bio, ["O", label], "label 1", repr(label), "write O, or B-PER")


def test_letters_of_no_one_scheme():
    refused(to_bio, ["B-X", "M-X", "I-X", "L-X"], "B, I, L, M", "no one scheme")


# --- Forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("ner.txt", as_lines),
        ("ner.conll", lambda rows: as_lines(rows, "\t")),
        ("ner.txt.gz", as_lines),
        ("ner.json", as_json),
        ("ner.jsonl.gz", as_json),
        ("ner.txt", as_json),
    ],
)
def test_one_file_in_any_form(tmp_path, name, form, end, encoding):
    rows = sentences()
    path = write(tmp_path / name, form(rows).replace("\n", end), encoding)
    splits = load_entities(path)
    assert everything(splits) == sorted(rows)
    assert [splits[split].num_rows for split in splits] == [16, 2, 2]
    names = splits["train"].features["labels"].feature.names
    assert names == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


@pytest.mark.parametrize("scheme", ["IOB1", "BMES", "BIOES", "BILOU"])
def test_a_file_in_any_scheme(tmp_path, scheme, capsys):
    letters = {"BMES": "BMES", "BIOES": "BIES", "BILOU": "BILU"}.get(scheme)
    rows = []
    for row in sentences():
        labels = [label for _, label in row] + ["O"]
        for at, label in enumerate(labels[:-1]):
            if label == "O":
                continue
            if letters:
                ends = labels[at + 1][0] != "I"
                letter = letters[(2 + (label[0] == "B") if ends else label[0] != "B")]
            else:
                letter = "B" if label[0] == "B" and at and labels[at - 1][2:] == label[2:] else "I"
            row[at] = (row[at][0], letter + label[1:])
        rows.append(row)
    assert rows != sentences()
    path = write(tmp_path / "a.bmes", as_lines(rows))
    assert everything(load_entities(path)) == everything(load_entities(path, scheme=scheme))
    assert everything(load_entities(path)) == sorted(sentences())
    assert capsys.readouterr().out == ""


def test_weibo_s_places_in_words_are_taken_away(tmp_path):
    row = [("科0", "B-ORG.NAM"), ("技1", "I-ORG.NAM"), ("20", "O"), ("01", "O"), (" 2", "O")]
    path = write(
        tmp_path / "weibo.conll", as_lines([[*row, (f"{i}0", "O")] for i in range(9)], "\t")
    )
    splits = load_entities(path)
    expected = [*zip("科技20 ", ["B-ORG.NAM", "I-ORG.NAM", "O", "O", "O"], strict=True)]
    assert everything(splits) == [[*expected, (str(i), "O")] for i in range(9)]


def test_digits_are_characters_where_not_all_lines_have_places(tmp_path):
    rows = [[("G7", "B-ORG"), ("峰", "O"), ("会", "O"), (str(i), "O")] for i in range(9)]
    splits = load_entities(write(tmp_path / "a.txt", as_lines(rows)))
    assert everything(splits)[3] == [*zip("G7峰会3", "B-ORG I-ORG O O O".split(), strict=True)]


def test_words_as_one_token_become_characters(tmp_path):
    row = [("iPhone", "B-WORK"), ("15", "I-WORK"), ("和", "O"), ("Hello", "O"), ("World", "B-WORK")]
    rows = [[*row, ("!", "O"), (chr(0x4E00 + i), "O")] for i in range(9)]
    splits = load_entities(write(tmp_path / "a.txt", as_lines(rows)))
    got = everything(splits)[0]
    assert "".join(char for char, _ in got) == "iPhone 15和Hello World!一"
    labels = ["B-WORK"] + ["I-WORK"] * 8 + ["O"] * 7 + ["B-WORK"] + ["I-WORK"] * 4 + ["O"] * 2
    assert [label for _, label in got] == labels


@pytest.mark.parametrize("line", ["  I-X", " I-X", "\tI-X", " \tI-X", "\t\tI-X"])
def test_a_blank_in_the_text(tmp_path, line):
    text = "".join(f"{chr(0x4E00 + i)} B-X\n{line}\n乙 I-X\n\n" for i in range(9))
    if line == "\t\tI-X":  # three columns in one line: this one is no blank that others write
        text = text.replace(" B", "\tn\tB").replace(" I", "\tn\tI").replace("\t\tI", "\tn\tI")
    splits = load_entities(write(tmp_path / "a.txt", text))
    assert everything(splits)[0] == [("一", "B-X"), (" ", "I-X"), ("乙", "I-X")]


def test_wide_blanks_and_odd_line_ends_are_characters(tmp_path):
    rows = "{} B-X\n\u3000 I-X\n\u2028 I-X\n乙 I-X\n\x85 O\n\n"
    text = "".join(rows.format(chr(0x4E00 + i)) for i in range(9))
    splits = load_entities(write(tmp_path / "a.txt", text))
    assert everything(splits)[0] == [
        *zip("一\u3000\u2028乙\x85", ["B-X", "I-X", "I-X", "I-X", "O"], strict=True)
    ]


@pytest.mark.parametrize("blank", [" ", "\u3000", "\u200b"])
@pytest.mark.parametrize("form", ["json", "lines", "tokens"])
def test_a_name_ends_where_something_can_be_seen(tmp_path, capsys, form, blank):
    """The mouse took a blank along: no word piece stands for it, so nobody could find the name."""
    text = f"{blank}小林 在{blank}"
    labels = ["B-PER", "I-PER", "I-PER", "I-PER", "I-PER", "B-X"]
    right = "O B-PER I-PER I-PER I-PER O".split()  # a blank within stays; a bare one is none
    if form == "json":
        marks = [[0, 5, "PER"], [5, 6, "X"]]
        lines = [json.dumps({"text": f"{text}{i:02}", "label": marks}) for i in range(20)]
    elif form == "tokens":
        tags = [*labels, "O", "O"]
        lines = [json.dumps({"tokens": [*text, *f"{i:02}"], "ner_tags": tags}) for i in range(20)]
    else:
        lines = [
            "".join(
                f"{c}\t{x}\n" for c, x in zip(text + f"{i:02}", [*labels, "O", "O"], strict=True)
            )
            for i in range(20)
        ]
    path = write(tmp_path / "a.txt", "\n".join(lines))
    for row in everything(load_entities(path)):
        assert [label for _, label in row] == [*right, "O", "O"]
    assert "40 处两端有空白或看不见的字符的名字" in capsys.readouterr().out
    with pytest.raises(DataError, match="blank at its edge; mark it anew, or let repair=True"):
        load_entities(path, repair=False)


def test_how_the_sign_before_looks_is_part_of_a_name(tmp_path, capsys):
    """U+FE0F, behind the heart; at the beginning of a name there is nothing that it could be of."""
    some = [{"text": f"我❤\ufe0f在{i}", "label": [[0, 3, "ORG"], [3, 4, "X"]]} for i in range(20)]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, some)))
    for row in everything(load_entities(path, repair=False)):
        assert [label for _, label in row][:5] == "B-ORG I-ORG I-ORG B-X O".split()
    assert not capsys.readouterr().out
    some[3] |= {"label": [[2, 4, "X"]]}
    path = write(tmp_path / "b.jsonl", "\n".join(map(json.dumps, some)))
    refused(load_entities, path, f"{path}, line 4: X '\ufe0f在'; the name", repair=False)


def test_numbers_before_the_characters_are_not_the_text(tmp_path):
    for number in ("{line}", "{sentence}"):
        text, line = "", 0
        for sentence, row in enumerate(sentences()):
            for char, label in row[: 8 + sentence % 5]:
                before = number.format(line=line, sentence=sentence)
                text, line = f"{text}{before}\t{char}\t{label}\n", line + 1
            text += "\n"
        path = write(tmp_path / "a.txt", text)
        refused(load_entities, path, f"{path}: the first column numbers the lines or sentences")


def test_more_columns_comments_and_document_marks(tmp_path):
    text = "-DOCSTART- -X- -X- O\n\n" + "".join(
        f"# id 5f3a{i} domain=zh\n甲 NR B-NP B-PER\n{chr(0x4E00 + i)} V O O\n# PU O O\n\n"
        for i in range(9)
    )
    splits = load_entities(write(tmp_path / "a.conll", text))
    assert everything(splits)[0] == [("甲", "B-PER"), ("一", "O"), ("#", "O")]


@pytest.mark.parametrize("separator", [" ", "\t"])
@pytest.mark.parametrize("between", [[], ["n"]])
def test_what_a_tagger_said_beside_what_is_right_is_not_learned(tmp_path, separator, between):
    """The form that conlleval reads: with the last column, one would learn the tagger's errors."""
    rows = [
        [(char, separator.join([label, *between, label])) for char, label in row if char != " "]
        for row in sentences()
    ]
    path = write(tmp_path / "a.txt", as_lines(rows, separator))
    columns = f"{path}: columns 2 and {3 + len(between)} hold labels of the same types"
    refused(load_entities, path, columns, "delete the one")


def test_labels_of_other_types_in_another_column_are_left_alone(tmp_path):
    """Coarse beside fine ones: one type of several has the same name."""
    fine = {"PER": "PER.NAM", "LOC": "LOC.NAM", "ORG": "ORG"}
    rows = [
        [
            (char, "\t".join([label[:2] + fine.get(label[2:], label[2:]), label]))
            for char, label in row
        ]
        for row in sentences()
    ]
    rows += [[("甲", f"B-{kind}\tB-{name}")] for name, kind in fine.items() for _ in range(3)]
    splits = load_entities(write(tmp_path / "a.txt", as_lines(rows, "\t")))
    names = splits["train"].features["labels"].feature.names
    assert {"B-PER", "B-LOC"} <= set(names) and "B-PER.NAM" not in names


def test_a_bom_where_files_were_joined(tmp_path):
    text = as_lines(sentences(9)) + "\n\ufeff" + as_lines([[("甲", "B-PER"), ("乙", "O")]])
    everything(splits := load_entities(write(tmp_path / "a.txt", text)))
    assert not any("\ufeff" in tokens for split in splits.values() for tokens in split["tokens"])


# --- Folders -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    [
        "{}.txt",
        "msra_{}_bio",
        "weibo.conll.{}",
        "{}.char.bmes",
        "example.{}",
        "x_{}.json.gz",
        "{}.json",
        "{}/all.conll",
    ],
)
@pytest.mark.parametrize("packed", ["folder", "zip", "tar.gz"])
def test_folders_and_archives_with_given_splits(tmp_path, pattern, packed):
    rows = {split: [[*SENTENCE, (split[0], "O")]] for split in ("train", "dev", "test")}
    form = as_json if "json" in pattern else as_lines
    tree = {f"ner/{pattern.format(split)}": form(found) for split, found in rows.items()}
    tree |= {"ner/README.md": "# read me", "ner/homographs.csv": "a,b"}
    packed = "folder" if pattern.endswith("gz") else packed  # not packed twice
    path = write_packed(tmp_path, tree, packed, "ner")
    splits = load_entities(path)
    assert read(splits) == rows["train"]
    assert read(splits, "validation") == rows["dev"]
    assert read(splits, "test") == rows["test"]


def test_course_data_and_its_usual_data_set(tmp_path, monkeypatch):
    for name, text in (("peoples_daily", "人"), ("weibo", "微")):
        write(tmp_path / "ner" / f"{name}_train.txt.gz", as_lines([*sentences(), [(text, "O")]]))
    refused(
        load_entities, tmp_path / "ner", "weibo_train.txt.gz", "pattern such as titles_*.txt.gz"
    )
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert [("人", "O")] in everything(load_entities())
    assert [("微", "O")] in everything(load_entities(name="weibo"))


@pytest.mark.parametrize("chosen", ["mini", "full"])
def test_the_course_s_own_sentences(tmp_path, monkeypatch, capsys, chosen):
    monkeypatch.setenv("COURSE_PROFILE", chosen)
    monkeypatch.setattr("utils.profile.course_root", lambda: tmp_path)
    write(tmp_path / "data" / "mini_entities" / "train.txt", as_lines(sentences()))
    assert everything(load_entities()) == sorted(sentences())
    assert ("mini_entities" in capsys.readouterr().out) == (chosen == "full")


def test_several_folders_and_none_named(tmp_path):
    for name in ("msra", "weibo"):
        write(tmp_path / name / "train.txt", as_lines(sentences()))
    refused(load_entities, tmp_path, str(tmp_path), "the folders msra, weibo", "train.txt")


def test_split_does_not_depend_on_the_order_and_keeps_copies_together(tmp_path):
    rows = sentences(30)
    first = load_entities(write(tmp_path / "a.txt", as_lines(rows + rows)))
    again = load_entities(write(tmp_path / "b.txt", as_lines(rows[::-1])))
    for split in first:
        assert sorted(read(first, split)) == sorted(read(again, split) * 2)


def test_a_test_file_without_labels_is_left_aside(tmp_path, capsys):
    rows = sentences()
    write(tmp_path / "train.json", as_json(rows))
    bare = "".join(f'{{"id": {i}, "text": "小林在{i}"}}\n' for i in range(5))
    path = write(tmp_path / "test.json", bare)
    splits = load_entities(tmp_path)
    assert everything(splits) == sorted(rows)
    told = capsys.readouterr().out
    assert (
        told.count("\n") == 1 and "没有标签" in told and f'load_entities("{path}")["test"]' in told
    )
    alone = load_entities(path)
    assert list(alone) == ["test"] and alone["test"].column_names == ["tokens"]
    assert alone["test"]["tokens"][3] == list("小林在3")
    lines = write(tmp_path / "plain.txt", "小\n林\n在\n\n北\n京\n")
    assert load_entities(lines)["test"]["tokens"][:] == [list("小林在"), list("北京")]


def test_round_trip(tmp_path):
    splits = load_entities(write(tmp_path / "a.txt", as_lines(sentences())))
    for split in splits:
        write(tmp_path / "again" / f"{split}.conll", as_lines(read(splits, split), "\t"))
    again = load_entities(tmp_path / "again")
    for split in splits:
        assert again[split][:] == splits[split][:]
        assert again[split].features == splits[split].features


# --- What is wrong -------------------------------------------------------------------------------


def table(tmp_path, *lines, name="a.txt"):
    return write(tmp_path / name, as_lines(sentences(3)) + "\n" + "\n".join(lines) + "\n")


LINE = 16 * 3 + 1  # the line number of the first of `lines`


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("北", "'北' has no label"),
        ("北\t", "'北' has no label"),
        ("B-LOC 北", "'北' is no label"),
        ("北 LOC", "'LOC' is no label"),
        ("北 B-LOC\u200b", "'B-LOC\\u200b' is no label"),
        ("北 n B-LOC", "3 columns instead of 2"),
        ("北京 大学 NN O", "4 columns instead of 2"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, what):
    path = table(tmp_path, "甲 O", line)
    refused(load_entities, path, f"{path}, line {LINE + 1}: {what}", "write a character")


def test_all_bad_lines_are_told_at_once(tmp_path):
    path = table(tmp_path, *["北", "京 O"] * 8)
    message = refused(
        load_entities, path, f"{path}, line {LINE}: ", "(8 in all)", f"line {LINE + 8}:"
    )
    assert message.count("has no label") == 5


def test_impossible_labels_in_a_file(tmp_path, capsys):
    path = table(tmp_path, "甲 O", "乙 I-PER", "丙 I-LOC", "丁 I-LOC")
    splits = load_entities(path)
    assert [*zip("甲乙丙丁", "O B-PER B-LOC I-LOC".split(), strict=True)] in everything(splits)
    told = capsys.readouterr().out
    assert told.count("\n") == 1 and f"2 处不可能的标签（第 {LINE + 1} 行：I-PER after O）" in told
    refused(
        load_entities,
        path,
        f"{path}, line {LINE + 1}: I-PER after O; line {LINE + 2}: I-LOC after I-PER; impossible",
        repair=False,
    )


def test_an_entity_that_is_not_closed(tmp_path):
    path = write(
        tmp_path / "a.bmes", "甲 B-PER\n乙 E-PER\n\n甲 B-PER\n乙 M-PER\n\n丙 S-PER\n丁 O\n"
    )
    refused(load_entities, path, f"{path}, line 5: the end after M-PER", repair=False)


@pytest.mark.parametrize(
    ("label", "what"),
    [
        ({"name": {"小林": [[1, 2]]}}, "'小林' stands at [0, 1], not at [1, 2]"),
        ({"name": {"小林": [[0, 2]]}}, "'小林' ends at 1, not at 2"),
        ({"name": {"小李": [[0, 1]]}}, "at [0, 1] stands '小林', not '小李'"),
        ({"name": {"小林": [[0, 99]]}}, "'小林' stands at [0, 1]"),
        ({"name": {"小林": [[-2, -1]]}}, "'小林' stands at [0, 1]"),
        ({"name": {"小林": [0, 1]}}, "'小林' has the place '0'"),
        ({"name": {"小林": [["0", "1"]]}}, "'小林' has the place"),
        ({"name": {"小林": []}}, "'小林' has the place '[]'"),
        ({"name": {"小林": None}}, "'小林' has the place 'None'"),
        ({"": {"小林": [[0, 1]]}}, "type '' is no name"),
        ({"name": ["小林"]}, "label is"),
        (None, "label is 'None'"),
        ("name", "label is"),
        ([[0, 2]], "a name is '[0, 2]'"),
    ],
)
def test_bad_places_in_json(tmp_path, label, what):
    text = as_json(sentences(3)) + json.dumps({"text": "小林在北京", "label": label}) + "\n"
    path = write(tmp_path / "a.json", text)
    refused(load_entities, path, f"{path}, line 4: ", what, "end included")


def test_a_name_within_a_name(tmp_path, capsys):
    label = {"address": {"北京": [[0, 1]]}, "organization": {"北京大学": [[0, 3]]}}
    bad = json.dumps({"text": "北京大学", "label": label})
    path = write(tmp_path / "a.json", as_json(sentences(3)) + bad + "\n")
    expected = "B-organization I-organization I-organization I-organization".split()
    assert [*zip("北京大学", expected, strict=True)] in everything(load_entities(path))
    assert "1 处重叠的实体（第 4 行" in capsys.readouterr().out
    refused(load_entities, path, f"{path}, line 4: address '北京' within", repair=False)


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ('{"text": "甲", "label": {}', "no JSON (it ends early at character 26)"),
        ("not json", "no JSON (Expecting value"),
        ("[1, 2]", "no JSON object like the others"),
        ('{"text": 5, "label": {}}', "no text"),
        ('{"text": " ", "label": {}}', "the text is empty"),
        ('{"text": "\\ud83d", "label": {}}', "half of a character"),
        ("[" * 100_000, "no JSON object|brackets within brackets"),
        ('{"text": "甲", "label": ' + "1" * 5000 + "}", "no JSON (Exceeds the limit"),
    ],
)
def test_bad_json_lines(tmp_path, bad, what):
    path = write(tmp_path / "a.json", as_json(sentences(3)) + bad + "\n")
    message = refused(load_entities, path, f"{path}, line 4: ")
    assert any(part in message for part in what.split("|")), message


def test_other_things_that_cannot_be_used(tmp_path):
    one = write(tmp_path / "one.txt", as_lines(sentences(1)))
    refused(load_entities, one, str(one), "1 different texts are too few", "give the splits")
    plain = write(tmp_path / "o.txt", as_lines([[(c, "O") for c in f"第{i}句"] for i in range(9)]))
    refused(load_entities, plain, str(plain), "not one entity")
    run_on = write(tmp_path / "run-on.txt", as_lines(sentences()).replace("\n\n", "\n"))
    refused(load_entities, run_on, "or divide the sentences by blank lines")
    sheet = write(tmp_path / "a.xlsx", b"PK\x03\x04")
    refused(load_entities, sheet, f"{sheet}: an Excel file", "save the sheet as text between tabs")
    long = write(tmp_path / "long.txt", "甲 B-PER\n" * 6000)
    refused(load_entities, long, f"{long}, line 1: a sentence of 6,000", "put a blank line")
    mixed = write(tmp_path / "mixed.txt", "甲 B-X\n乙 M-X\n丙 I-X\n\n丁 O\n")
    refused(load_entities, mixed, str(mixed), "B, I, M are of no one scheme")
    foreign = write(tmp_path / "f.txt", "甲 B-X\n乙 E-X\n\n丁 O\n")
    refused(load_entities, foreign, f"{foreign}, line 2: label 'E-X' is not of BIO", scheme="BIO")
    refused(load_entities, foreign, "scheme='BEMO'", "BIO, IOB1, BMES", scheme="BEMO")
    news = write(tmp_path / "news.txt", "体育新闻说了很多话\n财经新闻也说了很多话\n")
    refused(load_entities, news, f"{news}, line 1: ", "has no label")
    weibo = "".join(f"科0 B-X\n技1 I-X\n第0 O\n{i}1 O\n\n" for i in range(9)) + "甲 O\n"
    weibo = write(tmp_path / "weibo.txt", weibo)
    refused(load_entities, weibo, f"{weibo}, line 46: no place in its word behind '甲'")
    pointer = write(
        tmp_path / "lfs.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n"
    )
    refused(load_entities, pointer, str(pointer), "a Git LFS pointer", "git lfs pull")
    cut = write(tmp_path / "cut.txt.gz", as_lines(sentences()))
    cut.write_bytes(cut.read_bytes()[:-20])
    refused(load_entities, cut, str(cut), "cut off or damaged")
    write(tmp_path / "un" / "train.txt", "甲\n乙\n\n丙\n")
    write(tmp_path / "un" / "test.txt", as_lines(sentences()))
    refused(load_entities, tmp_path / "un", "train.txt: no labels in the training split")


def test_a_type_that_training_lacks_is_told(tmp_path, capsys):
    write(tmp_path / "train.txt", as_lines(sentences()))
    write(tmp_path / "test.txt", as_lines([[("甲", "B-LCO"), ("乙", "O")]]))
    splits = load_entities(tmp_path)
    assert read(splits, "test") == [[("甲", "B-LCO"), ("乙", "O")]]
    assert "test.txt：有训练数据里没有的类型 LCO" in capsys.readouterr().out


@pytest.mark.parametrize("form", [as_lines, lambda rows: as_lines(rows, "\t"), as_json])
def test_damaged_files_load_or_are_refused_in_one_line(tmp_path, form, capsys):
    content = form(sentences(8)).encode()
    assert 20 < survives(load_entities, tmp_path / "a.txt", content, 120, seed=7) < 120


# --- Real data, where it is at hand --------------------------------------------------------------


def test_real_peoples_daily(capsys):
    splits = load_entities(f"{real_data('ner')}/peoples_daily_*.txt.gz")
    assert splits.num_rows == {"train": 4636, "validation": 800, "test": 1518}
    labels = [label for row in read(splits) for _, label in row]
    assert {x: labels.count(x) for x in ("B-LOC", "B-ORG", "B-PER")} == {
        "B-LOC": 3658,
        "B-ORG": 2185,
        "B-PER": 1864,
    }
    assert capsys.readouterr().out == ""


def test_real_weibo(capsys):
    folder = real_data("ner")
    splits = load_entities(f"{folder}/weibo_*.conll.gz")
    assert splits.num_rows == {"train": 1350, "validation": 270, "test": 270}
    assert "".join(splits["train"][0]["tokens"]).startswith("科技全方位资讯智能，快捷的汽车生活")
    names = splits["train"].features["labels"].feature.names
    assert len(names) == 17 and "B-PER.NOM" in names
    told = capsys.readouterr().out
    assert "weibo_train.conll.gz：10 处不可能的标签" in told
    refused(
        load_entities, folder / "weibo_train.conll.gz", "line 1266: ", "(10 in all)", repair=False
    )
    digits = sum(char.isdigit() for tokens in splits["train"]["tokens"] for char in tokens)
    assert digits < 3_000  # and not one behind each of the 73,778 characters


def test_the_sentences_that_ship_with_the_course():
    if not (profile.course_root() / "data" / "mini_entities").is_dir():
        pytest.skip("this copy of the course has no data/mini_entities")
    splits = load_entities()
    assert all(split.num_rows >= 100 for split in splits.values())
    assert "WORK" in {name[2:] for name in splits["train"].features["labels"].feature.names}


def test_lines_that_end_as_on_an_old_mac(tmp_path):
    text = as_lines(sentences())
    new, old = write(tmp_path / "a.txt", text), write(tmp_path / "b.txt", text.replace("\n", "\r"))
    assert load_entities(new)["train"][:] == load_entities(old)["train"][:]


# --- As tools and people write them --------------------------------------------------------------

SPOTS = [(0, 2, "PER"), (4, 7, "LOC"), (8, 10, "LOC"), (10, 12, "LOC")]  # in TEXT
NAMES = [{"start": start, "end": end, "label": kind} for start, end, kind in SPOTS]


def tool(tmp_path, item):
    """What a file gives in which twenty texts stand as one annotation tool writes them."""
    lines = [json.dumps({"text": f"{TEXT}第{i}句", **item}, ensure_ascii=False) for i in range(20)]
    return everything(load_entities(write(tmp_path / "a.jsonl", "\n".join(lines))))


def test_blanks_behind_a_character_are_no_part_of_the_text(tmp_path):
    text = as_lines(sentences()).replace(" B-", "  \tB-").replace(" O", "\tO")
    assert everything(load_entities(write(tmp_path / "a.txt", text))) == sorted(sentences())


def test_a_blank_line_behind_every_line(tmp_path):
    path = write(tmp_path / "a.txt", as_lines(sentences()).replace("\n", "\n\n"))
    refused(load_entities, path, f"{path}: a blank line behind each of its 310 lines")


@pytest.mark.parametrize(
    "item",
    [
        {"label": [], "entities": NAMES},
        {"label": "新闻", "entities": NAMES},
        {"labels": ["新闻"], "spans": NAMES},
        {"label": {}, "labels": [], "entities": NAMES, "spans": []},
        {"tokens": [{"text": "小", "start": 0, "end": 1, "id": 0}], "spans": NAMES},
        {"tokens": list(TEXT), "entities": NAMES},
        {"tokens": [{"text": "小", "start": 0, "end": 1}], "spans": NAMES, "answer": "accept"},
    ],
)
def test_what_can_be_names_counts_whatever_stands_beside_it(tmp_path, item):
    assert tool(tmp_path, item) == sorted(sentences())


def test_a_class_beside_tokens_is_not_their_labels(tmp_path):
    rows = sentences()
    lines = [
        {"labels": ["新闻"], "tokens": [c for c, _ in row], "tags": [x for _, x in row]}
        for row in rows
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, lines)))
    assert everything(load_entities(path)) == sorted(rows)


def test_texts_without_names_beside_some_with_a_class(tmp_path):
    lines = [{"text": TEXT, "label": "新闻", "entities": NAMES if i % 2 else []} for i in range(9)]
    lines = [line | {"text": f"{TEXT}{i}"} for i, line in enumerate(lines)]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, lines)))
    found = everything(load_entities(path))
    assert sum(row[0][1] == "B-PER" for row in found) == 4 and len(found) == 9


@pytest.mark.parametrize(
    ("item", "what"),
    [
        ({"ner": [{"start": 0, "end": 2, "labels": ["PER"]}]}, "names stand under 'ner'"),
        ({"ner": [[0, 2, "PER"]]}, "names stand under 'ner'; call it label"),
        (
            {"all": [{"entity_index": {"begin": 0, "end": 2}, "entity_type": "PER"}]},
            "names stand under 'all'; call it label",
        ),
        (
            {
                "text": None,
                "tokens": list(TEXT),
                "entities": [{"start": 0, "end": 2, "type": "PER"}],
            },
            "places among the tokens stand under 'entities'",
        ),
        (
            {"text": list(TEXT), "spans": [{"start": 0, "end": 2, "label": "PER"}]},
            "places among the tokens stand under 'spans'",
        ),
        (
            {"text": None, "tokens": list(TEXT), "labels": [[0, 2, "PER"]]},
            "places among the tokens stand under 'labels'",
        ),
        ({"spans": NAMES, "answer": "reject"}, "its answer is 'reject'; leave it out"),
        (
            {"data": {"text": TEXT}, "annotations": [{"was_cancelled": True, "result": []}]},
            "skipped by who annotated it",
        ),
    ],
)
def test_names_that_would_be_lost_or_are_not_meant(tmp_path, item, what):
    path = write(tmp_path / "a.jsonl", as_json(sentences(3)) + json.dumps({"text": TEXT, **item}))
    refused(load_entities, path, f"{path}, line 4: {what}")


def test_ids_of_tokens_are_told_before_places_that_stand_beside_them(tmp_path):
    item = {"tokens": list(TEXT), "ner_tags": [0] * len(TEXT), "entities": NAMES}
    path = write(tmp_path / "a.jsonl", f"{json.dumps(item)}\n" * 9)
    refused(load_entities, path, f"{path}, line 1: '0' is no label, an id without its name")


def test_a_cancelled_annotation_is_none(tmp_path):
    result = [{"value": {**name, "labels": [name["label"]]}} for name in NAMES]
    some = [
        {
            "data": {"text": f"{TEXT}第{i}句"},
            "annotations": [{"was_cancelled": True, "result": []}, {"result": result}],
        }
        for i in range(20)
    ]
    path = write(tmp_path / "a.json", json.dumps(some))
    assert everything(load_entities(path)) == sorted(sentences())


def test_items_of_a_list_on_one_line_are_told_by_their_places(tmp_path, capsys):
    some = [{"text": f"小林{i}", "label": [[0, 2, "PER"]]} for i in range(20)]
    some[12]["label"] = [[0, 9, "PER"]]
    path = write(tmp_path / "a.json", json.dumps(some))
    refused(load_entities, path, f"{path}, item 13: [0, 9] is not within the text's 4 characters")
    some[12]["label"] = [[0, 2, "PER"], [1, 2, "LOC"]]
    load_entities(write(path, json.dumps(some)))
    assert "（第 13 项：" in capsys.readouterr().out


def test_a_text_too_long_is_to_be_cut_where_no_blank_line_can_be(tmp_path):
    text = as_json(sentences(3)) + json.dumps({"text": "长" * 6000, "label": {}})
    path = write(tmp_path / "a.json", text)
    refused(load_entities, path, f"{path}, line 4: a sentence of 6,000 characters; cut it into")


def test_types_that_differ_in_case_or_width_are_told(tmp_path, capsys):
    text = as_lines(sentences()) + "北 B-per\n京 I-per\n上 B-ＬＯＣ\n"
    load_entities(write(tmp_path / "a.txt", text))
    told = capsys.readouterr().out
    assert "类型 PER 和 per 只差大小写" in told and "类型 LOC 和 ＬＯＣ" in told


def test_a_sentence_of_blanks_is_left_out_and_told(tmp_path, capsys):
    path = write(tmp_path / "a.txt", as_lines(sentences()) + "\n  O\n\u3000 O\n\n")
    assert everything(load_entities(path)) == sorted(sentences())
    assert "1 处只有空白的句子（第 331 行" in capsys.readouterr().out


def test_texts_that_say_which_split_they_are_of(tmp_path):
    some = [
        {"text": f"小林{i}", "label": [[0, 2, "PER"]], "split": "train" if i < 15 else "test"}
        for i in range(20)
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, some)))
    refused(load_entities, path, f"{path}, row 16: the column 'split' divides the rows")


def test_a_list_in_an_object(tmp_path):
    some = [json.loads(line) for line in as_json(sentences()).splitlines()]
    path = write(tmp_path / "a.json", json.dumps({"version": 1, "data": some}, indent=1))
    assert everything(load_entities(path)) == sorted(sentences())
