"""Small data files for the tests of the loaders, written in every form."""

import csv
import gzip
import io
import tarfile
import zipfile

import pytest

from utils.data import THUCNEWS_CLASSES


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_PROFILE", "mini")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


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
