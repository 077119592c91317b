"""Small data files for the tests of the loaders, written in every form."""

import csv
import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path
from random import Random

import pytest

from utils.data import THUCNEWS_CLASSES, DataError

REAL_DATA = os.environ.get("COURSE_DATA")  # read before `plain_environment` takes it away


def items(per_class=10, classes=THUCNEWS_CLASSES, mark=""):
    return [(f"{mark}第{i}条，关于{label}", label) for i in range(per_class) for label in classes]


def as_csv(rows):
    stream = io.StringIO()
    csv.writer(stream).writerows([("text", "label"), *rows])
    return stream.getvalue()


def as_cnews(rows):
    return "".join(f"{label}\t{text}\n" for text, label in rows)


def write(path, content, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else content.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_packed(folder, tree, packed, name):
    """A tree of files as a folder, or packed as a zip or a tar.gz; what a loader would be given."""
    if packed == "folder":
        for path, content in tree.items():
            write(folder / path, content)
        return folder / next(iter(tree)).split("/")[0]
    return (write_zip if packed == "zip" else write_tar)(folder / f"{name}.{packed}", tree)


def csv_rows(path):
    """The rows of a CSV file, each a dict."""
    with open(path, encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def write_zip(path, tree):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in tree.items():
            file.writestr(name, text)
    return path


def write_tar(path, tree):
    with tarfile.open(path, "w:gz") as file:
        for name, text in tree.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            file.addfile(info, io.BytesIO(text.encode()))
    return path


def refused(load, source, *parts, **options):
    """The message of the DataError that `load` must raise, checked to be one line with `parts`."""
    with pytest.raises(DataError) as caught:
        load(source, **options)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 700, message
    for part in parts:
        assert part in message, f"{part!r} is not in: {message}"
    return message


def damaged(content: bytes, random) -> bytes:
    """The content of a file after one to three accidents."""
    for _ in range(random.randint(1, 3)):
        at, to = sorted(random.randrange(len(content) + 1) for _ in range(2))
        lines = content.split(b"\n")
        line = random.randrange(len(lines))
        content = random.choice(
            [
                lambda a=at, c=content: c[:a],
                lambda a=at, b=to, c=content: c[:a] + c[b:],
                lambda a=at, c=content: c[:a] + random.randbytes(1) + c[a + 1 :],
                lambda a=at, c=content: c[:a] + random.choice(SCRAPS) + c[a:],
                lambda k=line, x=lines: b"\n".join(x[:k] + x[k + 1 :]),
                lambda k=line, x=lines: b"\n".join(x[:k] + [x[k], x[k]] + x[k + 1 :]),
                lambda k=line, x=lines: b"\n".join(x[:k] + [b"".join(x[k].split())] + x[k + 1 :]),
                lambda c=content: c.replace(*random.choice(SWAPS)),
            ]
        )()
    return content


SCRAPS = [b"\t", b" ", b'"', b",", b"\0", b"\xff", b"\xef\xbb\xbf", b"\\ud83d", b"[[", b"}", b"-1"]
SCRAPS += ["　".encode(), "好".encode(), "好".encode("gbk"), b"\r", b"\n\n", b"1e999", b"null"]
SWAPS = [(b"\n", b"\r\n"), (b"\n", b"\r"), (b"\t", b" "), (b" ", b"\t"), (b'"', b"'"), (b":", b"")]
SWAPS += [(b"B-", b"I-"), (b"I-", b"M-"), (b"[", b"{"), (b"1", b"true"), (b"0", b"-0"), (b",", b"")]


def survives(load, path, content: bytes, tries: int, seed: int) -> int:
    """How many of `tries` damaged files were refused; all others load. No other error is allowed."""
    random = Random(seed)
    bad = 0
    for _ in range(tries):
        path.write_bytes(damaged(content, random))
        try:
            load(path)
        except DataError as error:
            bad += 1
            assert "\n" not in str(error) and len(str(error)) < 700, error
    return bad


def real_data(folder: str) -> Path:
    """A folder of the real data, or the test is skipped with the reason."""
    for place in (REAL_DATA, Path(__file__).resolve().parents[2] / "shared" / "data"):
        if place and (Path(place) / folder).is_dir():
            return Path(place) / folder
    pytest.skip(f"no real data: set COURSE_DATA to a folder with {folder}/")
