"""utils.pretraining, text of any size: streamed, encoded onto the disk, rows cut when asked for."""

import contextlib
import functools
import gzip
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from math import sqrt

import fsspec
import numpy as np
import psutil
import pytest
import torch
from notebooks import ROOT
from tiny_bert import tiny_tokenizer

from utils.encoding import Encoder, Helper
from utils.pretraining import (
    IGNORE,
    IS_NEXT,
    NOT_NEXT,
    MappedRows,
    PretrainingCollator,
    encode_documents,
    mapped,
    passages,
    prepare_corpus,
    read_documents,
    segment_pairs,
    split_documents,
    train_sentencepiece,
)
from utils.pretraining import corpus as on_disk
from utils.pretraining import text as texts

TOKENIZER = tiny_tokenizer()
CLS, SEP = TOKENIZER.cls_token_id, TOKENIZER.sep_token_id
CHARACTERS = "球队主场三连胜比赛射门得分股价银行降息利率市的了在是我们今天"


def invented(count: int, headlines: int = 0, seed: int = 0) -> list[list[str]]:
    rng = random.Random(seed)
    sizes = [rng.randint(2, 9) for _ in range(count)] + [1] * headlines
    rng.shuffle(sizes)
    return [
        ["".join(rng.choices(CHARACTERS, k=rng.randint(3, 14))) + "。" for _ in range(size)]
        for size in sizes
    ]


def write(path, documents, line_end: str = "\n"):
    text = (2 * line_end).join(line_end.join(document) for document in documents)
    path.write_bytes(text.encode())
    return path


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of some thousand characters, so that a small text has many."""
    monkeypatch.setattr(on_disk, "PART", 3_000)
    monkeypatch.setattr(on_disk, "PARTS_ALONE", 10**6)


@pytest.fixture
def corpus(tmp_path, small_parts):
    return prepare_corpus([write(tmp_path / "text.txt", invented(400, 40))], TOKENIZER, tmp_path)


def documents_of(corpus) -> dict:
    """Place -> sentences of token ids, of all training documents."""
    found = {}
    for number in sorted(set(corpus.listed)):
        for place in corpus.documents(number):
            ends = corpus.ends(place)
            found[place] = [
                corpus.tokens(place, *each) for each in zip(ends, ends[1:], strict=False)
            ]
    return found


# --- Sentences to ids ----------------------------------------------------------------------------

AWKWARD = [
    "球队BERT主场", "  三 连  胜 ", "[MASK]球[SEP]队", "a" * 120, "\u200b", "球\u0301队", "１２３ＡＢ",
    "é球É", "𠀀球队", "〇〇", "球\x00队", "25℃、3～5￥99", "", "👍🏽球", "ﷺ", "豈更", "ㄅㄆ", "한국球",
    "df##ab 球", "\x0b球\x85队\u2028主", "中文", "..., 球…", "球\n队 \n", "[MASK]\n\n主",
]  # fmt: skip


@pytest.mark.parametrize("block", [1, 100, 10**6])
@pytest.mark.parametrize("model", ["tiny", "models/mini-bert-zh"])
def test_ids_are_those_of_the_tokenizer(monkeypatch, model, block):
    from transformers import AutoTokenizer

    tokenizer = TOKENIZER if model == "tiny" else AutoTokenizer.from_pretrained(ROOT / model)
    news = (ROOT / "data/mini_corpus/news.txt").read_text(encoding="utf8").split("\n")[:400]
    sentences = [*AWKWARD, *news, *reversed(AWKWARD)]
    monkeypatch.setattr("utils.encoding.BLOCK", block)
    tokenizer(["球队"], truncation=True, max_length=3, padding=True)  # which must not stay on
    ids, lengths = Encoder(tokenizer)(sentences)
    expected = [tokenizer(each, add_special_tokens=False)["input_ids"] for each in sentences]
    assert lengths.tolist() == [len(each) for each in expected]
    assert ids.tolist() == [token for each in expected for token in each]


def test_a_table_is_not_used_where_words_were_added():
    tokenizer = tiny_tokenizer()
    assert Encoder(tokenizer).table is not None
    tokenizer.add_tokens(["球队"])
    encoder = Encoder(tokenizer)
    assert encoder.table is None
    assert (
        encoder(["球队主场"])[0].tolist()
        == tokenizer("球队主场", add_special_tokens=False)["input_ids"]
    )


def test_other_tokenizers_are_asked_themselves():
    sentences = ["".join(document) for document in invented(300)]
    tokenizer = train_sentencepiece(sentences, 200)
    ids, lengths = Encoder(tokenizer)(sentences)
    expected = [tokenizer(each, add_special_tokens=False)["input_ids"] for each in sentences]
    assert lengths.tolist() == [len(each) for each in expected]
    assert ids.tolist() == [token for each in expected for token in each]


def test_remembered_stretches_are_forgotten_in_time(monkeypatch):
    monkeypatch.setattr("utils.encoding.KNOWN", 20)
    encoder = Encoder(TOKENIZER)
    for start in range(0, 100, 10):
        sentences = [f"球{number}队" for number in range(start, start + 10)]
        ids, _ = encoder(sentences)
        assert ids.tolist() == sum(TOKENIZER(sentences, add_special_tokens=False)["input_ids"], [])
        assert len(encoder.known) <= 20


# --- Text to disk --------------------------------------------------------------------------------


def test_a_corpus_holds_the_documents_in_their_order(tmp_path, small_parts):
    path = write(tmp_path / "text.txt", [["\u200b"], *invented(300), ["\u200b", "球队。"]])
    corpus = prepare_corpus([path], TOKENIZER, tmp_path)
    assert len(corpus.parts) > 4
    train, held_out = (encode_documents(each, TOKENIZER) for each in split_documents([path]))
    assert list(documents_of(corpus).values()) == train
    assert corpus.held_out() == held_out
    assert len(corpus) == len(train)
    tokens = np.array([token for document in train for sentence in document for token in sentence])
    assert corpus.token_counts.tolist() == np.bincount(tokens, minlength=len(TOKENIZER)).tolist()


def test_a_text_listed_twice_counts_twice_and_copies_once(tmp_path, small_parts):
    one, two = write(tmp_path / "1.txt", invented(60)), tmp_path / "2.txt"
    other = [["另球队。", "又银行。"]] * 3
    write(two, [*invented(60), *other])
    once, twice = (prepare_corpus(each, TOKENIZER, tmp_path) for each in ([one], [one, two, one]))
    assert len(twice) == 2 * len(once) + 1
    counted = encode_documents([["另球队。", "又银行。"]], TOKENIZER)[0]
    counts = np.bincount([token for each in counted for token in each], minlength=len(TOKENIZER))
    assert (twice.token_counts == 2 * once.token_counts + counts).all()


def test_prepared_once_until_the_text_changes(tmp_path, monkeypatch):
    path = write(tmp_path / "text.txt", invented(50))
    first = prepare_corpus([path], TOKENIZER, tmp_path / "kept")
    monkeypatch.setattr(on_disk, "Encoder", None)  # nothing is encoded again
    again = prepare_corpus([path], TOKENIZER, tmp_path / "kept")
    assert again.folder == first.folder
    monkeypatch.undo()
    write(path, invented(50, seed=1))
    other = prepare_corpus([path], TOKENIZER, tmp_path / "kept")
    assert other.folder != first.folder and documents_of(other) != documents_of(first)


def test_only_some_tokens_are_held_out_for_measuring(corpus):
    everything = corpus.held_out()
    some = corpus.held_out(most=sum(map(len, everything[0])) + sum(map(len, everything[1])))
    assert len(some) >= 2 and some == everything[: len(some)] and len(some) < len(everything)


PROGRAM = """
import sys
from pathlib import Path
from tiny_bert import tiny_tokenizer
from utils import encoding
from utils.pretraining import corpus, prepare_corpus
corpus.PART = 3_000
if sys.argv[3] == "slow":
    write = encoding.write_table
    def slow(table, path):
        import time
        write(table, path)
        print("part", flush=True)
        time.sleep(0.05)
    encoding.write_table = slow
prepare_corpus([Path(sys.argv[1])], tiny_tokenizer(), Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_killed_while_encoding_carries_on(tmp_path):
    path = write(tmp_path / "text.txt", invented(400))
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, "-c", PROGRAM, str(path), str(tmp_path / "kept")]
    process = subprocess.Popen([*command, "slow"], env=environment, stdout=subprocess.PIPE)
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [folder] = [each for each in (tmp_path / "kept").iterdir() if each.is_dir()]
    left = {each.name: each.stat().st_mtime_ns for each in folder.glob("*.arrow")}
    assert left and not (folder / on_disk.LISTING).exists()
    (folder / "1-00099.partial").write_bytes(b"half")
    subprocess.run([*command, "fast"], env=environment, check=True, stdout=subprocess.DEVNULL)
    assert (folder / on_disk.LISTING).is_file()
    kept = {name: (folder / name).stat().st_mtime_ns for name in left}
    assert kept == left, "a part that was whole was written again"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(on_disk, "PART", 3_000)
        corpus = prepare_corpus([path], TOKENIZER, tmp_path / "kept")
    assert corpus.folder == folder
    assert list(documents_of(corpus).values()) == encode_documents(
        split_documents([path])[0], TOKENIZER
    )


@pytest.mark.parametrize(
    "address", ["memory://texts/news.txt", "memory://texts/news.txt.gz", "file"]
)
def test_texts_at_an_address(tmp_path, address):
    path = write(tmp_path / "news.txt", invented(60))
    if address == "file":
        address = f"file://{path}"
    else:
        data = path.read_bytes()
        with fsspec.open(address, "wb") as file:
            file.write(gzip.compress(data) if address.endswith("gz") else data)
    there, here = (prepare_corpus([each], TOKENIZER, tmp_path) for each in (address, path))
    assert documents_of(there) == documents_of(here)
    with pytest.raises(ValueError, match="memory://none.txt: no such file"):
        read_documents("memory://none.txt")


@pytest.fixture
def served(tmp_path):
    """The address of a folder that a server on this machine gives out."""
    (tmp_path / "served").mkdir()
    kind = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path / "served", f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", ["news.txt", "news.txt.gz"])
def test_texts_from_a_server(tmp_path, served, name):
    folder, address = served
    path = write(tmp_path / "news.txt", invented(60))
    data = path.read_bytes()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    there, here = (
        prepare_corpus([each], TOKENIZER, tmp_path) for each in (f"{address}/{name}", path)
    )
    assert documents_of(there) == documents_of(here)
    with pytest.raises(ValueError, match="none.txt: no such file"):
        read_documents(f"{address}/none.txt")


# --- Several processes ---------------------------------------------------------------------------


@pytest.fixture
def helped(monkeypatch, small_parts):
    """Helpers at once, and the paths of what they encoded."""
    monkeypatch.setattr(on_disk, "PARTS_ALONE", 1)
    monkeypatch.setattr(on_disk, "processes", lambda: 3)
    encode, paths = Helper.encode_part, []

    def noting(self, path, documents):
        paths.append(path)
        return encode(self, path, documents)

    monkeypatch.setattr(Helper, "encode_part", noting)
    return paths


def files_of(folder) -> dict:
    return {each.name: each.read_bytes() for each in sorted(folder.iterdir())}


def test_however_many_processes_the_files_are_the_same(tmp_path, helped, monkeypatch):
    text = write(tmp_path / "text.txt", invented(400, 40))
    several = prepare_corpus([text], TOKENIZER, tmp_path / "several")
    assert len(helped) > 2, "no part was encoded elsewhere"
    with monkeypatch.context() as patch:
        patch.setattr(on_disk, "processes", lambda: 1)
        alone = prepare_corpus([text], TOKENIZER, tmp_path / "alone")
    assert alone.folder.name == several.folder.name
    assert len(alone.parts) > 5 and files_of(alone.folder) == files_of(several.folder)


def test_a_helper_that_was_killed_is_told_and_the_same_call_carries_on(
    tmp_path, helped, monkeypatch
):
    text = write(tmp_path / "text.txt", invented(400, 40))
    encode = Helper.encode_part

    def killed(self, path, documents):
        if len(helped) == 2:
            self.process.kill()
            self.process.wait()
        return encode(self, path, documents)

    with monkeypatch.context() as patch:
        patch.setattr(Helper, "encode_part", killed)
        with pytest.raises(ChildProcessError, match=r"\.arrow: the process .* ended \(code -9\)"):
            prepare_corpus([text], TOKENIZER, tmp_path / "kept")
    [folder] = [each for each in (tmp_path / "kept").iterdir() if each.is_dir()]
    left = {each.name: each.stat().st_mtime_ns for each in folder.glob("*.arrow")}
    assert left and not (folder / on_disk.LISTING).exists()
    corpus = prepare_corpus([text], TOKENIZER, tmp_path / "kept")
    assert left == {name: (corpus.folder / name).stat().st_mtime_ns for name in left}
    monkeypatch.setattr(on_disk, "processes", lambda: 1)
    alone = prepare_corpus([text], TOKENIZER, tmp_path / "alone")
    assert files_of(alone.folder) == files_of(corpus.folder)


def test_a_helper_ends_with_the_process_that_began_it(tmp_path):
    """Killed, it closes nothing itself; and a helper left over would never end."""
    code = (
        "from tiny_bert import tiny_tokenizer; from utils.encoding import Helper; import os\n"
        "helper = Helper(tiny_tokenizer()); print(helper.process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, check=False
    )
    assert done.returncode == -9
    with contextlib.suppress(psutil.NoSuchProcess):  # it was fast
        psutil.Process(int(done.stdout)).wait(timeout=60)


# --- Bad input at size ---------------------------------------------------------------------------


def test_a_line_that_is_no_sentence_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "LONGEST_LINE", 1_000)
    path = write(tmp_path / "text.txt", [["球" * 1_000, "队"], ["主", "球" * 1_100]])
    with pytest.raises(
        ValueError, match=r"text\.txt, line 5: more than 1,000 characters; give one"
    ):
        prepare_corpus([path], TOKENIZER, tmp_path)


def test_one_sentence_many_times_in_one_document(tmp_path):
    path = write(tmp_path / "text.txt", [["球队主场三连胜。"] * 20_000, *invented(10)])
    corpus = prepare_corpus([path], TOKENIZER, tmp_path)
    rows = MappedRows(corpus, TOKENIZER, "pairs", 3_000, max_length=64, batch_size=16)
    lengths = [len(rows[place]["input_ids"]) for place in range(2_000)]
    assert max(lengths) <= 64 and np.median(lengths) > 50


def test_mixed_line_ends_are_line_ends(tmp_path):
    documents = invented(40)
    path = write(tmp_path / "text.txt", documents)
    content = path.read_bytes().split(b"\n")
    rng = random.Random(0)
    mixed = b"".join(line + rng.choice([b"\n", b"\r\n"]) for line in content)
    (tmp_path / "mixed.txt").write_bytes(mixed)
    assert read_documents(tmp_path / "mixed.txt") == documents


def test_an_empty_file_among_many_is_named(tmp_path):
    files = [write(tmp_path / f"{number}.txt", invented(3, seed=number)) for number in range(20)]
    files[13].write_bytes(b"\n \n")
    with pytest.raises(ValueError, match=r"13\.txt: no text in this file"):
        prepare_corpus(files, TOKENIZER, tmp_path / "kept")
    files[13].write_bytes("球队。\n主场。\n\n银行。\n".encode())
    assert len(prepare_corpus(files, TOKENIZER, tmp_path / "kept")) > 40


# --- Rows ----------------------------------------------------------------------------------------


def rows_of(corpus, kind: str = "pairs", **options) -> MappedRows:
    options = {"max_length": 48, "short_length": 32, "batch_size": 8, "rows": 10**6} | options
    return MappedRows(corpus, TOKENIZER, kind, **options)


def numbers_of(rows: MappedRows, number: int) -> np.ndarray:
    """All rows of a pass as numbers."""
    return np.concatenate([rows.cut(number, place) for place in range(len(rows.corpus.listed))])


def test_rows_are_cuts_of_their_documents(corpus):
    rows, documents = rows_of(corpus), documents_of(corpus)
    flat = {place: sum(document, []) for place, document in documents.items()}
    for row in numbers_of(rows, 0).tolist():
        a, b, label = (row[0], row[1]), (row[4], row[5]), row[8]
        assert 0 <= row[2] < row[3] <= len(flat[a]) and 0 <= row[6] <= row[7] <= len(flat[b])
        if label == NOT_NEXT:
            assert a != b, "B stands in A's own document"
            assert len(documents[b]) > 1, "a headline was drawn as a negative"
        if label == IS_NEXT:
            assert a == b and row[3] == row[6]
        if label == IGNORE:
            assert row[6] == row[7]


def test_half_is_next_and_lengths_are_those_of_segment_pairs(corpus):
    rows = rows_of(corpus)
    ours = np.concatenate([numbers_of(rows, number) for number in range(9)])
    known = ours[ours[:, 8] != IGNORE, 8]
    assert abs((known == IS_NEXT).mean() - 0.5) < 4 * sqrt(0.25 / len(known))
    theirs = [
        row
        for seed in range(9)
        for row in segment_pairs(list(documents_of(corpus).values()), 32, random.Random(seed))
    ]
    assert len(ours) == pytest.approx(len(theirs), rel=0.02)
    for size, other in (
        (ours[:, 3] - ours[:, 2], [len(row[0]) for row in theirs]),
        (ours[:, 7] - ours[:, 6], [len(row[1]) for row in theirs]),
        (ours[:, 8] == IGNORE, [row[2] == IGNORE for row in theirs]),
    ):
        error = np.std(other) * sqrt(2 / len(other))
        assert abs(size.mean() - np.mean(other)) < 5 * error


def test_a_pass_leaves_out_next_to_nothing(corpus):
    rows = rows_of(corpus, "passages")
    flat = {place: len(sum(document, [])) for place, document in documents_of(corpus).items()}
    read = set()
    for row in numbers_of(rows, 0).tolist():
        assert row[3] - row[2] <= 30
        assert row[8] == (row[3] == flat[row[0], row[1]])
        read |= {(row[0], row[1], token) for token in range(row[2], row[3])}
    assert len(read) > 0.95 * sum(flat.values())


def test_items_are_what_the_numbers_say(corpus):
    rows, running = rows_of(corpus), rows_of(corpus, "passages")
    for place in range(200):
        item = rows[place]
        ids, types, label = (
            item[n] for n in ("input_ids", "token_type_ids", "next_sentence_label")
        )
        assert ids[0] == CLS and ids[-1] == SEP and len(ids) == len(types) <= 32
        assert ids.count(SEP) == 1 + (label != IGNORE)
        assert types == [0] * (ids.index(SEP) + 1) + [1] * (len(ids) - ids.index(SEP) - 1)
        assert running[place]["input_ids"][0] == CLS


def test_passes_differ_and_one_in_ten_is_long(corpus):
    rows = rows_of(corpus)
    sizes = [
        np.diff(numbers_of(rows, number)[:, [2, 3, 6, 7]])[:, [0, 2]].sum(1).max()
        for number in range(20)
    ]
    assert [size > 30 for size in sizes] == [number % 10 == 9 for number in range(20)]
    assert numbers_of(rows, 0).tolist() != numbers_of(rows, 1).tolist()
    assert numbers_of(rows, 0).tolist() != numbers_of(rows_of(corpus, seed=1), 0).tolist()
    boundary = rows.ends[1]
    assert rows.place(boundary - 1) == (0, boundary - 1) and rows.place(boundary) == (1, 0)
    assert rows.place(rows.ends[-1]) == (10, 0)
    assert rows.passes_of(rows.ends[-1] + boundary) == 11


@pytest.mark.parametrize("size", [700, 1500, 3000])
def test_each_process_cuts_parts_of_its_own(tmp_path, small_parts, monkeypatch, size):
    """Of four that prepare batches by turns; and every batch of every part comes once."""
    monkeypatch.setattr(on_disk, "PART", size)
    corpus = prepare_corpus([write(tmp_path / "text.txt", invented(400))], TOKENIZER, tmp_path)
    rows = rows_of(corpus)
    for number in (0, 9):
        plan, counts = rows.plan(number), rows.batches[rows.is_long(number)]
        every = [(part, each) for part, count in enumerate(counts) for each in range(count)]
        assert sorted(plan) == every and plan != every
        met = [{part for part, _ in plan[worker::4]} for worker in range(4)]
        assert max(map(len, met)) < 0.6 * len(counts)
    together = [part for part, _ in plan[: len(plan) // 3]]
    assert len(set(together)) >= min(len(counts), mapped.MIXED) // 2, "parts are not mixed"


def test_a_row_depends_on_its_number_alone(corpus):
    once, again = rows_of(corpus), rows_of(corpus)
    places = random.Random(0).choices(range(3 * once.ends[-1]), k=300)
    assert [once[place] for place in sorted(places)] == [again[p] for p in sorted(places)]
    place = places[0]
    for other in places:
        again[other]
    assert again[place] == once[place]


def test_every_row_of_a_pass_is_read_once(corpus):
    rows = rows_of(corpus)
    read = [rows[place]["input_ids"] for place in range(rows.ends[1])]
    cut = [
        [CLS, *corpus.tokens((r[0], r[1]), r[2], r[3]), SEP]
        + ([*corpus.tokens((r[4], r[5]), r[6], r[7]), SEP] if r[8] != IGNORE else [])
        for r in numbers_of(rows, 0).tolist()
    ]
    assert sorted(read) == sorted(cut)


def test_batches_are_of_similar_length_and_parts_are_mixed(corpus):
    rows = rows_of(corpus)
    lengths = [len(rows[place]["input_ids"]) for place in range(rows.ends[1])]
    batches = [lengths[start : start + 8] for start in range(0, len(lengths), 8)]
    places = sum(max(batch) * len(batch) for batch in batches)
    assert 1 - sum(lengths) / places < 0.08
    highest = [max(batch) for batch in batches]
    assert highest != sorted(highest) and highest != sorted(highest, reverse=True)
    parts = [part for part, _ in rows.plan(0)]
    assert sum(a != b for a, b in zip(parts, parts[1:], strict=False)) > len(parts) / 2


def test_tokens_read_are_about_those_counted(corpus):
    rows = rows_of(corpus)
    for count in (rows.ends[1], rows.ends[-1]):
        items = [rows[place] for place in range(count)]
        tokens = sum(len(i["input_ids"]) - 2 - (i["next_sentence_label"] != IGNORE) for i in items)
        assert rows.tokens_of(count) == pytest.approx(tokens, rel=0.02)


def test_too_little_text(tmp_path):
    path = write(tmp_path / "text.txt", [["球队。", "银行。"]] * 2)
    with pytest.raises(ValueError, match="at least two documents"):
        rows_of(prepare_corpus([path], TOKENIZER, tmp_path))
    path = write(tmp_path / "text.txt", [["球队。", "银行。"], *([f"银行{n}"] for n in range(30))])
    with pytest.raises(ValueError, match="only one document has several sentences"):
        rows_of(prepare_corpus([path], TOKENIZER, tmp_path))


def test_masks_follow_from_the_row_alone(corpus):
    rows, collate = rows_of(corpus), PretrainingCollator(TOKENIZER)
    short, long = (
        rows[3],
        max((rows[place] for place in range(300)), key=lambda r: len(r["input_ids"])),
    )
    alone, together = collate([short]), collate([long, short])
    size = len(short["input_ids"])
    for name in ("input_ids", "labels", "attention_mask", "token_type_ids"):
        assert torch.equal(alone[name][0, :size], together[name][1, :size]), name
    assert (together["labels"][1, size:] == IGNORE).all()
    assert not together["attention_mask"][1, size:].any()
    drawn = [collate([rows[place]])["labels"] for place in range(400)]
    hidden = sum((each != IGNORE).sum().item() for each in drawn)
    tokens = sum(len(rows[place]["input_ids"]) - 3 for place in range(400))
    assert abs(hidden / tokens - 0.15) < 0.02


def test_processes_that_start_together_prepare_once(tmp_path):
    path = write(tmp_path / "text.txt", invented(200))
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=prepare_corpus, args=([path], TOKENIZER, tmp_path / "kept"))
        for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(list((tmp_path / "kept").glob("*/corpus.json"))) == 1


def test_the_trial_is_kept(corpus, monkeypatch):
    first = mapped.trial(corpus, "pairs", 32)
    monkeypatch.setattr(mapped, "CUTS", None)
    assert mapped.trial(corpus, "pairs", 32) == first
    assert json.loads(next(corpus.folder.glob("trial-*.json")).read_text())


def test_passages_are_those_of_the_plain_function(corpus):
    [place, *_] = documents_of(corpus)
    document = documents_of(corpus)[place]
    plain = list(passages([document], 12, random.Random(3)))
    places = list(mapped.passage_places(len(sum(document, [])), 12, random.Random(3)))
    assert [tokens for tokens, _ in plain] == [corpus.tokens(place, *each) for each in places]


def test_seen_numbers_are_known_again(monkeypatch):
    seen, rng = texts._Seen(), random.Random(0)
    numbers = [rng.getrandbits(64) for _ in range(250_000)]
    assert all(map(seen.is_new, numbers)) and len(seen.old) > 0
    assert not any(map(seen.is_new, numbers[::1000]))
