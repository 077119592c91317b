"""scripts/classify.py: from a reader's file to a folder, to answers in place, to scores."""

import argparse
import csv
import json
import shutil
import sys
import tempfile
import tracemalloc
from pathlib import Path

import classify
import numpy as np
import pytest
from data_files import write
from own_texts import answering, training
from tiny_bert import save_tiny_bert
from transformers import pipeline

from utils.finetuning import predict
from utils.measuring import confidence_threshold
from utils.models import ModelError

pytestmark = pytest.mark.usefixtures("plain_environment")

BALL, BANK = "球队主场比赛射门得分", "股价银行降息利率市"


def rows(count=16):
    """Texts of two classes that a model of one layer can tell apart, no two alike."""
    found = []
    for i in range(count):
        for name, letters in (("体育", BALL), ("财经", BANK)):
            text = "".join(letters[(i * 7 + j * (i + 2)) % len(letters)] for j in range(6))
            found.append((f"{text}{i}", name))
    return found


def table(path, lines, header=("留言", "部门")):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *lines])
    return path


def run(*words):
    arguments = classify.parsed([str(word) for word in words])
    assert isinstance(arguments, argparse.Namespace)
    arguments.run(arguments)


NAMED = ("--text", "留言", "--label", "部门")
QUICK = ("--epochs", "6", "--folds", "2", "--batch-size", "4", "--learning-rate", "3e-3")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_tiny_bert(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, checkpoint):
    folder = tmp_path_factory.mktemp("own")
    data = table(folder / "own.csv", rows())
    run("train", data, *NAMED, "--output", folder / "model", "--model", checkpoint,
        "--max-length", 32, *QUICK)  # fmt: skip
    return folder / "model"


def test_the_folder_remembers_what_it_needs(trained):
    report = json.loads((trained / "report.json").read_text(encoding="utf-8"))
    assert report["classes"] == ["体育", "财经"] and report["max_length"] == 32
    assert set(report["scores"]) == {"BERT", "TF-IDF"} and report["majority"] == 0.5
    assert report["scores"]["BERT"]["rows"] == 32  # each text judged once
    _, _, max_length, threshold = answering.load(trained)
    assert max_length == 32 and threshold == report["threshold"]


@pytest.mark.parametrize(
    ("column", "told"), [("text", ""), ("留言", "--text 留言 "), ("my text", '--text "my text" ')]
)
def test_the_next_step_names_the_column_of_the_texts(tmp_path, monkeypatch, column, told):
    arguments = classify.parsed(["train", "a.csv", "--text", column, "--output", "my-model"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "python"))
    line = training.next_command(arguments)
    end = f"scripts/classify.py predict my-model 新的.csv {told}--output 答案.csv"
    assert line == f"{Path('.venv', 'python')} {end}"
    monkeypatch.setattr(sys, "executable", str(tmp_path.parent / "python"))
    assert training.next_command(arguments) == f"python {end}"


@pytest.mark.parametrize(
    ("profile", "given", "taken"),
    [("mini", (), 3e-4), ("full", (), 3e-5), ("full", ("1e-3",), 1e-3)],
)
def test_the_learning_rate_fits_the_profile(tmp_path, monkeypatch, profile, given, taken):
    monkeypatch.setenv("COURSE_PROFILE", profile)
    words = ["train", "a.csv", "--output", str(tmp_path / "m"), "--model", str(tmp_path / "none")]
    words += [word for rate in given for word in ("--learning-rate", rate)]
    arguments = classify.parsed(words)
    with pytest.raises(ModelError, match="no such model"):
        arguments.run(arguments)
    assert arguments.learning_rate == taken


def test_a_pipeline_of_transformers_reads_it_and_answers_alike(trained):
    model, tokenizer, max_length, _ = answering.load(trained)
    text = "股价银行降息" * 20
    [answer] = pipeline("text-classification", str(trained))([text], truncation=True)
    row = predict(model, tokenizer, [text], max_length)[0]
    assert answer["label"] == model.config.id2label[int(row.argmax())]
    assert answer["score"] == pytest.approx(row.max(), abs=0.02)  # ours computes in bf16


def test_every_row_stays_in_its_place(trained, tmp_path, capsys):
    lines = [("1", "球队主场"), ("2", ""), ("3", "股价", "又一列"), ("4", "银行降息")]
    data = table(tmp_path / "new.csv", lines, ("编号", "留言"))
    run("predict", trained, data, "--text", "留言", "--output", tmp_path / "out.csv")
    with open(tmp_path / "out.csv", encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["编号"] for row in found] == ["1", "2", "", "4"]
    assert [row["note"] for row in found][1:3] == ["empty", "broken"]
    assert found[1]["prediction"] == found[2]["prediction"] == ""
    for row in (found[0], found[3]):
        assert row["prediction"] in ("体育", "财经") and 0.5 <= float(row["probability"]) <= 1
        _, _, _, threshold = answering.load(trained)
        assert (row["note"] == "unsure") == (float(row["probability"]) < threshold)
    assert "第 4 行没法读" in capsys.readouterr().out
    assert list(tmp_path.glob("*.part")) == []


def test_new_columns_do_not_cover_those_of_the_table(trained, tmp_path):
    data = table(tmp_path / "new.csv", [("a", "球队主场")], ("note", "留言"))
    run("predict", trained, data, "--text", "留言", "--output", tmp_path / "out.csv")
    assert (
        (tmp_path / "out.csv")
        .read_text(encoding="utf-8-sig")
        .startswith("note,留言,prediction,probability,note_2")
    )
    header = ("prediction", "留言", "prediction_2", "note")
    data = table(tmp_path / "again.csv", [("a", "球队主场", "b", "c")], header)
    run("predict", trained, data, "--text", "留言", "--output", tmp_path / "third.csv")
    [row] = answers_of(tmp_path / "third.csv")
    assert row["prediction_2"] == "b" and row["prediction_3"] in ("体育", "财经")


def test_evaluate_counts_each_class(trained, tmp_path, capsys):
    run("evaluate", trained, table(tmp_path / "labelled.csv", rows(4)), *NAMED)
    told = capsys.readouterr().out
    assert "准确率" in told and "（8 条" in told and "体育" in told and "财经" in told


def refused(*words):
    with pytest.raises((ValueError, SystemExit)) as caught:
        run(*words)
    return str(caught.value)


def test_what_exists_is_not_overwritten(trained, tmp_path):
    out = write(tmp_path / "out.csv", "mine")
    data = table(tmp_path / "a.csv", rows())
    assert "is there already" in refused(
        "predict", trained, data, "--text", "留言", "--output", out
    )
    assert out.read_text() == "mine"
    assert "not empty" in refused("train", data, *NAMED, "--output", trained)


def test_labels_that_the_model_does_not_know(trained, tmp_path):
    data = table(tmp_path / "a.csv", [*rows(2), ("球队", "物流")])
    assert "label '物流' is none of the model's" in refused("evaluate", trained, data, *NAMED)


def test_broken_rows_stop_the_training_whatever_is_accepted(tmp_path, checkpoint, capsys):
    data = table(tmp_path / "a.csv", [*rows(), ("", "体育"), ("球队", "")])
    words = ("train", data, *NAMED, "--output", tmp_path / "m", "--model", checkpoint, "--accept")
    assert "改好" in refused(*words) and "--accept" not in refused(*words)
    told = capsys.readouterr().out
    assert "第 34 行" in told and "第 35 行" in told
    assert not (tmp_path / "m").exists()


def test_doubtful_labels_stop_it_until_they_are_accepted(tmp_path, checkpoint):
    lines = [*rows(), *((f"球队{i}", "体 育") for i in range(4))]
    data = table(tmp_path / "a.csv", lines)
    words = ("train", data, *NAMED, "--output", tmp_path / "m", "--model", checkpoint, *QUICK)
    assert "--accept" in refused(*words)
    run(*words, "--accept")
    assert len(json.loads((tmp_path / "m/report.json").read_text("utf-8"))["classes"]) == 3


def test_given_splits_are_used_as_they_are(tmp_path, checkpoint):
    lines = rows(18)
    for name, some in (("train", lines[:24]), ("val", lines[24:30]), ("test", lines[30:])):
        table(tmp_path / f"d/{name}.csv", some, ("text", "label"))
    run(
        "train",
        tmp_path / "d",
        "--output",
        tmp_path / "m",
        "--model",
        checkpoint,
        "--accept",
        *QUICK,
    )
    report = json.loads((tmp_path / "m/report.json").read_text("utf-8"))
    assert report["judged_by"] == "test split" and report["scores"]["BERT"]["rows"] == 6


def test_unequal_classes_are_weighted(tmp_path, checkpoint, monkeypatch):
    seen = []
    monkeypatch.setattr(
        training, "fine_tune", lambda *args, **options: seen.append(options.get("class_weights"))
    )
    few = [row for row in rows() if row[1] == "财经"][:4]
    data = table(tmp_path / "a.csv", [row for row in rows() if row[1] == "体育"] + few)
    run(
        "train", data, *NAMED, "--output", tmp_path / "m", "--model", checkpoint, "--accept", *QUICK
    )
    assert seen[-1] == pytest.approx([20 / (2 * 16), 20 / (2 * 4)])


def test_one_line_and_no_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["classify.py", "predict", str(tmp_path / "none"), "a", "--output", "b"]
    )
    with pytest.raises(SystemExit) as caught:
        classify.main()
    assert str(caught.value).startswith("error: ") and "\n" not in str(caught.value)


def test_threshold_is_nowhere_where_nothing_is_right_enough():
    chances = np.full((30, 2), 0.5)
    assert confidence_threshold(chances, [1] * 30).coverage == 0


def answers_of(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_that_was_moved_and_a_table_with_other_columns(trained, tmp_path):
    moved = shutil.copytree(trained, tmp_path / "别处" / "新名字")
    lines = [("1", "球队主场", "x"), ("2", "#N/A", "y"), ("3", "", "z")]
    data = table(tmp_path / "new.csv", lines, header=("编号", "留言", "备注"))
    for number, folder in enumerate((trained, moved)):
        run("predict", folder, data, "--text", "留言", "--output", tmp_path / f"{number}.csv")
    first, second = (answers_of(tmp_path / f"{number}.csv") for number in (0, 1))
    assert first == second
    assert [row["备注"] for row in first] == ["x", "y", "z"]
    assert [row["note"] for row in first][1:] == ["empty", "empty"]
    assert first[0]["prediction"] in ("体育", "财经")


def test_where_the_output_cannot_go_is_told_before_anything_is_read(trained, tmp_path):
    data = tmp_path / "none.csv"  # it is not there, and is not asked for
    for output, told in (
        (tmp_path / ("n" * 300 + ".csv"), "name another file"),
        (tmp_path / "no" / "a.csv", "no such folder"),
        (tmp_path / "a.xlsx", "what is written is CSV"),
        (table(tmp_path / "in.csv", rows(1)), "is there already"),
    ):
        assert told in refused("predict", trained, data, "--output", output)
    data = table(tmp_path / "data.csv", rows(1))
    assert "a file" in refused("train", data, *NAMED, "--output", data)


def test_input_that_is_the_output_is_left_alone(trained, tmp_path):
    data = table(tmp_path / "in.csv", rows(1))
    before = data.read_bytes()
    assert "is there already" in refused("predict", trained, data, "--output", data)
    assert data.read_bytes() == before


@pytest.mark.parametrize("command", ["predict", "train"])
def test_who_is_stopped_leaves_nothing_half_written(
    command, trained, checkpoint, tmp_path, monkeypatch
):
    data = table(tmp_path / "data.csv", rows())
    output = tmp_path / "out" / ("a.csv" if command == "predict" else "model")
    output.parent.mkdir()

    def stopped(*words):
        raise KeyboardInterrupt

    if command == "predict":
        words = ["predict", trained, data, "--text", "留言", "--output", output]
        monkeypatch.setattr(Path, "replace", stopped)
    else:
        words = ["train", data, *NAMED, "--output", output, "--model", checkpoint,
                 "--max-length", 32, *QUICK]  # fmt: skip
        monkeypatch.setattr(Path, "rename", stopped)
    monkeypatch.setattr(sys, "argv", ["classify.py", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        classify.main()
    assert "停下了" in str(caught.value.code)
    assert list(output.parent.iterdir()) == []


def test_a_folder_saved_by_other_hands_has_no_threshold(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "old")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    del config["threshold"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    data = table(tmp_path / "in.csv", rows(1))
    run("predict", folder, data, "--text", "留言", "--output", tmp_path / "a.csv")
    assert {row["note"] for row in answers_of(tmp_path / "a.csv")} == {""}
    config["threshold"] = "high"
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    words = refused("predict", folder, data, "--text", "留言", "--output", tmp_path / "b.csv")
    assert "threshold is 'high', not a probability" in words


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_with_a_file_missing(trained, tmp_path, name):
    folder = shutil.copytree(trained, tmp_path / "half")
    (folder / name).unlink()
    data = table(tmp_path / "in.csv", rows(1))
    words = refused("predict", folder, data, "--text", "留言", "--output", tmp_path / "a.csv")
    assert str(folder) in words and "\n" not in words
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("option", "word"),
    [("--folds", "1"), ("--epochs", "0"), ("--batch-size", "-8"), ("--max-length", "2"),
     ("--max-length", "128.5"), ("--accuracy", "95"), ("--accuracy", "0"), ("--learning-rate", "x"),
     ("--learning-rate", "nan")],
)  # fmt: skip
def test_numbers_out_of_bounds_are_refused_at_once(tmp_path, option, word, capsys):
    with pytest.raises(SystemExit):
        run("train", tmp_path / "none.csv", "--output", tmp_path / "m", option, word)
    assert f"argument {option}: {word!r}; give a" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["", ".", "..", "link", "file/model"])
def test_a_place_that_no_folder_can_take_is_told_before_the_training(tmp_path, monkeypatch, output):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "empty").mkdir()
    Path("link").symlink_to(tmp_path / "empty")
    Path("file").write_text("x", encoding="utf-8")
    words = refused("train", "none.csv", "--output", output)
    assert "name a" in words and "\n" not in words
    assert sorted(path.name for path in Path().iterdir()) == ["file", "link"]


@pytest.mark.parametrize("command", ["predict", "train"])
def test_a_folder_that_cannot_be_written_is_told_first(trained, tmp_path, monkeypatch, command):
    def full(**options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    first = ("predict", trained) if command == "predict" else ("train",)
    words = refused(*first, tmp_path / "none.csv", "--output", tmp_path / "out.csv")
    assert "nothing can be written there (No space left on device); name another place" in words


def test_a_class_with_fewer_texts_than_folds_is_named(tmp_path, checkpoint):
    lines = [*rows(), ("主场一", "别的"), ("主场二", "别的"), ("主场三", "别的")]
    data = table(tmp_path / "a.csv", lines)
    words = refused("train", data, *NAMED, "--output", tmp_path / "m", "--model", checkpoint,
                    *QUICK, "--folds", 5, "--accept")  # fmt: skip
    assert "class '别的': 3 different texts, too few for 5 folds" in words and "--folds 3" in words


def test_classes_too_small_to_learn_from_are_told(tmp_path, checkpoint):
    lines = [(f"球队主场{i}{j}", f"{i}队") for i in range(12) for j in range(3)]
    data = table(tmp_path / "a.csv", lines)
    words = refused("train", data, *NAMED, "--output", tmp_path / "m", "--model", checkpoint,
                    *QUICK, "--accept")  # fmt: skip
    assert "no class has more than 2 texts to learn from" in words and "add texts" in words


def test_training_texts_of_which_no_character_is_known_are_counted(tmp_path, checkpoint, capsys):
    faces = [("😀", "体育"), ("😀👍", "财经")]
    for lines, told in (([*rows(), *faces], "有 2 条文本，model 一个字也不认得"), (rows(), "")):
        data = table(tmp_path / "a.csv", lines)
        run("train", data, *NAMED, "--output", tmp_path / f"m{len(lines)}", "--model", checkpoint,
            *QUICK, "--accept")  # fmt: skip
        said = capsys.readouterr().out
        assert told in said and ("一个字也不认得" in said) == bool(told)


def test_where_nothing_is_sure_one_point_nothing_is_unsure_too(tmp_path, capsys):
    chances = np.array([[1.0, 0.0]] * 30)
    threshold = training.chosen_threshold(chances, [1] * 30, 0.95)
    assert threshold > 1 and "所有答案都会标为 unsure" in capsys.readouterr().out
    assert training.chosen_threshold(chances, [0] * 30, 0.95) == 1.0


def test_texts_of_which_no_character_is_known_are_unsure(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "sure")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"threshold": 0.0}), encoding="utf-8")
    lines = [("😀😀",), ("球队😀",), ("\u200b\u3000",), ("\\N",)]
    data = table(tmp_path / "new.csv", lines, ("留言",))
    run("predict", folder, data, "--text", "留言", "--output", tmp_path / "out.csv")
    notes = [row["note"] for row in answers_of(tmp_path / "out.csv")]
    assert notes == ["unsure", "", "empty", "empty"]


@pytest.mark.parametrize(
    ("change", "told"),
    [({"problem_type": "multi_label_classification"}, "several labels a text"),
     ({"id2label": {"0": "分数"}, "label2id": {"分数": 0}}, "grades")],
)  # fmt: skip
def test_a_model_that_does_not_choose_one_class_is_refused(
    trained, tmp_path, monkeypatch, change, told
):
    folder = shutil.copytree(trained, tmp_path / "other")
    model, tokenizer, _, _ = answering.load(folder)
    model.config.update(change)
    monkeypatch.setattr(answering, "load_classifier", lambda folder: (model, tokenizer))
    data = table(tmp_path / "in.csv", rows(1))
    words = refused("predict", folder, data, "--text", "留言", "--output", tmp_path / "a.csv")
    assert told in words and not (tmp_path / "a.csv").exists()


def test_ids_where_the_model_knows_names(trained, tmp_path):
    data = table(tmp_path / "a.csv", [(text, len(label) % 2) for text, label in rows(2)])
    assert "label '0' is none of the model's (体育, 财经); write the names" in refused(
        "evaluate", trained, data, *NAMED
    )


def test_a_conversation_to_predict_on_is_broken_and_stays_in_place(trained, tmp_path, capsys):
    turns = [{"content": "球队主场"}, {"content": "好"}]
    lines = [{"留言": "球队主场"}, {"留言": turns}, {"留言": "银行降息"}]
    data = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, lines)))
    run("predict", trained, data, "--text", "留言", "--output", tmp_path / "out.csv")
    found = answers_of(tmp_path / "out.csv")
    assert [row["note"] == "broken" for row in found] == [False, True, False]
    assert "第 2 行没法读" in capsys.readouterr().out


def test_one_column_for_both(tmp_path, checkpoint):
    data = table(tmp_path / "in.csv", rows())
    words = refused("train", data, "--text", "留言", "--label", "留言", "--output", tmp_path / "m")
    assert "'留言' is to hold both" in words


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_long_table_is_never_in_memory_as_a_whole(trained, tmp_path, monkeypatch, command):
    """24 megabytes of texts; what is held is some hundred of them."""
    text = "球队主场" * 200
    data = table(tmp_path / "long.csv", [(text, "体育")] * 10_000)

    def halves(model, tokenizer, texts, max_length):
        return np.full((len(texts), 2), 0.5, np.float32), np.ones(len(texts), bool)

    monkeypatch.setattr(answering, "predict_and_known", halves)
    monkeypatch.setattr(answering, "predict", lambda *given: halves(*given)[0])
    loaded = answering.load(trained)
    monkeypatch.setattr(answering, "load", lambda folder: loaded)
    words = ["predict", trained, data, "--text", "留言", "--output", tmp_path / "out.csv"]
    if command == "evaluate":
        words = ["evaluate", trained, data, *NAMED]
    tracemalloc.start()
    run(*words)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6 < data.stat().st_size / 3
    if command == "predict":
        assert len(answers_of(tmp_path / "out.csv")) == 10_000


@pytest.mark.parametrize(
    ("last", "told"),
    [('"球队,体育', "row 34"), ("球队", "row 34: 1 columns"), ("球队,物流", "物流")],
)
def test_what_is_wrong_in_the_last_row_shows_before_anything_is_asked(
    trained, tmp_path, monkeypatch, last, told
):
    data = table(tmp_path / "a.csv", rows())
    with open(data, "a", encoding="utf-8") as file:
        file.write(last)
    asked = []
    for name in ("predict", "predict_and_known"):
        monkeypatch.setattr(answering, name, lambda *given: asked.append(given))
    assert told in refused("evaluate", trained, data, *NAMED)
    if last.startswith('"'):  # the others are rows like any
        words = ("predict", trained, data, "--text", "留言", "--output", tmp_path / "out.csv")
        assert told in refused(*words)
    assert not asked


def test_rows_are_answered_as_they_are_alone(trained, tmp_path, monkeypatch):
    """Whatever stands beside them in a batch, and however many of its rows are empty."""
    lines = [(text,) for text, _ in rows(4)] + [("",)] * 5 + [("球队",)]
    data = table(tmp_path / "new.csv", lines, ("留言",))
    run("predict", trained, data, "--text", "留言", "--output", tmp_path / "whole.csv")
    monkeypatch.setattr(answering, "ROWS_AT_A_TIME", 2)
    run("predict", trained, data, "--text", "留言", "--output", tmp_path / "parts.csv")
    whole, parts = (answers_of(tmp_path / f"{name}.csv") for name in ("whole", "parts"))
    assert len(parts) == len(lines) and [row["留言"] for row in parts] == [row[0] for row in lines]
    for first, second in zip(whole, parts, strict=True):
        assert (first["note"], first["prediction"]) == (second["note"], second["prediction"])
        if first["probability"]:
            assert float(first["probability"]) == pytest.approx(
                float(second["probability"]), abs=0.02
            )
