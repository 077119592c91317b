"""Downloads and unpacking that are killed with -9 halfway: the next run carries on, and whole."""

import hashlib
import http.server
import io
import os
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
from data_files import as_cnews, items
from runner import HANG

ROOT = Path(__file__).resolve().parent.parent
PIECE = 2**18
CNEWS = "/datasets/dirtycomputer/THUCNews/resolve/main/cnews.train.txt"
IMDB = "/datasets/stanfordnlp/imdb/resolve/main/plain_text/{}-00000-of-00001.parquet"


class Hub(http.server.ThreadingHTTPServer):
    """Answers on this machine as the Hub answers a request for a file, as far as it is told."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}  # where it is not the sha256
        self.stop_at: int | None = None  # bytes after which an answer waits for whoever kills
        self.ranges: list[str | None] = []  # the Range that each GET asked for

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(b"", head=True)

    def do_GET(self):
        if self.path in self.server.files:  # the client may ask for other things of its own
            self.server.ranges.append(self.headers.get("Range"))
        self.answer(self.server.files.get(self.path, b""))

    def answer(self, body, head=False):
        whole = self.server.files.get(self.path)
        if whole is None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 0
        if asked := self.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        else:
            self.send_response(200)
        etag = self.server.etags.get(self.path) or hashlib.sha256(whole).hexdigest()
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(whole) - start))
        self.end_headers()
        try:
            for place in range(start, len(body), PIECE):
                while self.server.stop_at is not None and place >= self.server.stop_at:
                    time.sleep(0.01)
                self.wfile.write(body[place : place + PIECE])
        except OSError:  # the reader was killed, which is the point
            self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub():
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def environment(tmp_path, hub):
    # A proxy set here would be asked even for this machine, if httpx can't speak to its kind.
    unwanted = ("HF_", "COURSE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(unwanted)}
    return kept | {
        "COURSE_PROFILE": "full",
        "COURSE_CACHE": str(tmp_path / "cache"),
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
    }


def start(code, environment):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


def run(code, environment):
    process = start(code, environment)
    output, _ = process.communicate(timeout=HANG)
    assert process.returncode == 0, output
    return output.strip().splitlines()[-1]


def kill_when(process, reached, seconds=HANG):
    """kill -9 as soon as `reached()`, which must come before the process is done."""
    end = time.monotonic() + seconds
    while not reached():
        assert process.poll() is None, f"it ended too early: {process.stdout.read()}"
        assert time.monotonic() < end, "it never got that far"
        time.sleep(0.002)
    process.kill()
    process.wait()
    process.stdout.close()


def downloaded(tmp_path):
    """Bytes of the file that have come so far, as they lie on the disk."""
    return sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*.partial"))


LOAD = "from utils.data import load_thucnews; print(sorted(load_thucnews().num_rows.items()))"
# The download alone: datasets takes seconds to import, and these tests need it once.
FETCH = """
from utils.data import fetch as cache
from utils.data import DataError
try:
    print(cache.hub_file("dirtycomputer/THUCNews", "cnews.train.txt"))
except DataError as error:
    print("DataError", error)
"""


def test_download_killed_halfway_is_carried_on(hub, environment, tmp_path):
    # The Hub's client writes 10 MB at a time, so two thirds of the file reach the disk.
    rows = [(text + "长" * 25_000, label) for text, label in items(40)]
    hub.files[CNEWS] = as_cnews(rows).encode()
    size = len(hub.files[CNEWS])
    hub.stop_at = 25_000_000
    kill_when(start(LOAD, environment), lambda: downloaded(tmp_path) > 0)
    assert not list((tmp_path / "cache").rglob("cnews.train.txt")), "half of it taken for whole"
    [partial] = (tmp_path / "cache").rglob("*.partial")
    have = partial.stat().st_size
    assert 0 < have < size

    hub.stop_at = None
    loaded = run(LOAD, environment)
    assert loaded == str([("test", 40), ("train", 320), ("validation", 40)])
    assert hub.ranges == [None, f"bytes={have}-"], "it began anew instead of carrying on"
    [whole] = (tmp_path / "cache").rglob("cnews.train.txt")
    assert whole.read_bytes() == hub.files[CNEWS]
    assert not partial.exists()

    hub.shutdown()  # once it is here, no network is needed any more
    hub.server_close()
    assert run(FETCH, environment) == str(whole)


def test_halves_of_two_versions_are_not_glued_together(hub, environment, tmp_path):
    hub.files[CNEWS] = b"old " * 6_000_000
    hub.stop_at = 15_000_000
    kill_when(start(FETCH, environment), lambda: downloaded(tmp_path) > 0)
    hub.files[CNEWS] = b"new " * 6_000_000
    hub.stop_at = None
    assert Path(run(FETCH, environment)).read_bytes() == hub.files[CNEWS]
    assert hub.ranges == [None, None]


@pytest.mark.parametrize("change", ["edited", "no note"])
def test_a_copy_that_changed_is_downloaded_anew(hub, environment, change):
    hub.files[CNEWS] = b"as it came"
    path = Path(run(FETCH, environment))
    times = path.stat()
    if change == "edited":  # and its length and its time are the same
        path.write_bytes(b"as it COME")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    else:
        path.with_name(path.name + ".sha256").unlink()
    assert run(FETCH, environment) == str(path)
    assert path.read_bytes() == b"as it came"
    assert len(hub.ranges) == 2
    assert run(FETCH, environment) == str(path) and len(hub.ranges) == 2, "and once only"


def test_a_newer_file_on_the_hub_does_not_change_ours(hub, environment):
    """What is here stays: a chapter's numbers do not change overnight."""
    hub.files[CNEWS] = b"old"
    path = Path(run(FETCH, environment))
    hub.files[CNEWS] = b"new"
    assert Path(run(FETCH, environment)) == path and path.read_bytes() == b"old"


@pytest.mark.parametrize("whole", [True, False])
def test_a_changed_copy_of_another_program_is_not_taken(hub, environment, tmp_path, whole):
    """The Hub's client calls a large file by its sha256 and never looks at it again."""
    hub.files[CNEWS] = content = b"as the Hub has it"
    root = tmp_path / "hf/hub/datasets--dirtycomputer--THUCNews"
    for name in ("blobs", "refs", f"snapshots/{'0' * 40}"):
        (root / name).mkdir(parents=True)
    (root / "refs/main").write_text("0" * 40)
    blob = root / "blobs" / hashlib.sha256(content).hexdigest()
    blob.write_bytes(content if whole else b"as the Hub")
    link = root / f"snapshots/{'0' * 40}/cnews.train.txt"
    link.symlink_to(os.path.relpath(blob, link.parent))
    path = Path(run(FETCH, environment))
    assert path.read_bytes() == content
    assert (path == link) == whole and hub.ranges == ([] if whole else [None])


def test_what_arrives_damaged_is_thrown_away(hub, environment, tmp_path):
    hub.files[CNEWS] = b"x" * 1000
    hub.etags[CNEWS] = "0" * 64
    told = run(FETCH, environment)
    assert told.startswith("DataError") and CNEWS in told
    assert "arrived damaged; run it again" in told
    assert not [path for path in (tmp_path / "cache").rglob("cnews*") if path.suffix != ".lock"]


def test_file_the_hub_does_not_have(hub, environment):
    told = run(FETCH, environment)
    assert told.startswith("DataError") and hub.address + CNEWS in told
    assert "HF_ENDPOINT" in told and "COURSE_DATA" in told


def test_no_connection(hub, environment):
    hub.shutdown()
    hub.server_close()
    told = run(FETCH, environment)
    assert told.startswith("DataError") and hub.address + CNEWS in told
    assert "https://hf-mirror.com" in told and "COURSE_DATA" in told


def test_imdb_from_the_hub(hub, environment):
    """The ids mean what the file says they mean, even were they the other way round."""
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=["pos", "neg"])})
    for split in ("train", "test"):
        labels = [0, 1] * 10
        texts = [f"{('good', 'bad')[label]} {split} {i}" for i, label in enumerate(labels)]
        stream = io.BytesIO()
        dataset = Dataset.from_dict({"text": texts, "label": labels}, features=features)
        dataset.to_parquet(stream)
        hub.files[IMDB.format(split)] = stream.getvalue()
    code = """
from utils.data import load_imdb
splits = load_imdb()
assert splits["train"].features["label"].names == ["neg", "pos"]
for split in splits.values():
    assert all(row["text"].startswith(("bad", "good")[row["label"]]) for row in split)
print(splits.num_rows)
"""
    assert run(code, environment) == str({"train": 18, "validation": 2, "test": 20})


# Nobody can be sure to look while it unpacks by itself.
STOP_AFTER_200 = """
import time
from utils.data import fetch

def first_members(archive, members=fetch._zip_members):
    for count, member in enumerate(members(archive)):
        if count == 200:
            time.sleep(10**6)
        yield member

fetch._zip_members = first_members
"""


def test_unpacking_killed_halfway_begins_anew(environment, tmp_path):
    archive = tmp_path / "news.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for i in range(3000):
            file.writestr(f"News/{i}.txt", f"text {i}")
    code = f"from utils.data.fetch import unpack, Path; print(unpack(Path({str(archive)!r})))"
    place = tmp_path / "cache" / "unpacked"
    kill_when(
        start(STOP_AFTER_200 + code, environment), lambda: len(list(place.rglob("*.txt"))) > 100
    )
    [partial] = [path for path in place.iterdir() if path.is_dir()]
    assert partial.name.endswith(".partial"), "half of it taken for whole"
    (partial / "News" / "left over.txt").write_text("from the process that was killed")

    folder = Path(run(code, environment))
    assert not partial.exists()
    assert sorted(path.name for path in (folder / "News").iterdir()) == sorted(
        f"{i}.txt" for i in range(3000)
    )
    assert (folder / "News" / "2999.txt").read_text() == "text 2999"
