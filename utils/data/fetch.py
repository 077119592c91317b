"""What is fetched or unpacked once and then kept: files from the Hub, and archives.

Everything is written beside its place and renamed when it is whole, under a lock that ends with
the process that holds it. So nothing half-written is ever taken for whole, not even after kill -9.
"""

import contextlib
import errno
import gzip
import hashlib
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from utils.data.content import DataError, readable, unpacked_limit
from utils.models import NO_SOCKS, file_sha256, needs_socks

ARCHIVES = (".zip", ".tar.gz", ".tgz")
UNPACKER = 2  # count up when members are written otherwise, so that folders of before are not taken
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)
# What the readers of archives make of damaged numbers and names in them.
DAMAGE += (struct.error, ValueError, OverflowError, IndexError, KeyError, lzma.LZMAError)


def cache_folder() -> Path:
    """COURSE_CACHE, or else a folder of the course beside other programs' caches."""
    chosen = os.environ.get("COURSE_CACHE")
    return Path(chosen or "~/.cache/bert-in-practice-zh").expanduser()


def unpack(archive: Path) -> Path:
    """Folder with the content of a .zip, .tar.gz or .tgz file, unpacked at the first call only.

    The folder is named by the archive's content, so that a changed archive is unpacked anew. So
    is one whose folder is no longer as it was left: where files were edited or cleared away.

    Raises:
        DataError: damaged or cut off, a member that would land outside the folder, a bomb, or a
            cache that cannot be written.
    """
    with open(archive, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()[:16]

    def write(folder: Path) -> None:
        try:
            _write_members(archive, folder)
        except DataError:
            raise
        except DAMAGE as error:
            reason = " ".join(str(error).split())[:100]
            raise DataError(
                f"{archive}: cut off or damaged ({reason}); download it again"
            ) from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # to look at a place before the beginning of the file
                raise
            raise DataError(f"{archive}: cut off or damaged; download it again") from error
        except (RuntimeError, NotImplementedError) as error:  # a password, a rare compression
            raise DataError(f"{archive}: {error}; unpack it and give the folder") from error

    return kept(cache_folder() / "unpacked" / f"{archive.name}-{digest}", write)


def kept(folder: Path, write: Callable[[Path], None], names: Sequence[str] | None = None) -> Path:
    """A folder of the cache, written at the first call, and anew when it was changed since.

    Args:
        write: fills the folder it is given.
        names: of the files in it that count; without it all that are there.
    Raises:
        DataError: a cache that cannot be written, or whatever `write` raises.
    """
    partial = folder.with_name(folder.name + ".partial")
    note = folder.with_name(folder.name + ".state")

    def is_whole() -> bool:
        try:
            return note.read_text() == _state(folder, names) and folder.is_dir()
        except OSError:
            return False

    if is_whole():  # needs no lock, so the cache may be another's, and only to be read
        return folder
    with _locked(folder):
        if folder.is_dir():
            if is_whole():  # another process wrote it meanwhile
                return folder
            shutil.rmtree(folder)
        # Whoever wrote a partial folder no longer holds the lock: it was killed.
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir()
            write(partial)
            note.write_text(_state(partial, names))  # first: without its note a folder is not taken
            os.rename(partial, folder)
        except OSError as error:
            raise _unwritable(folder.parent, error) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def _state(folder: Path, names: Sequence[str] | None) -> str:
    """Fingerprint of a folder by its files' names, sizes and times, which reads none of them."""
    digest = hashlib.sha256(f"unpacked by {UNPACKER}".encode())
    for place, inner, files in os.walk(folder):
        inner.sort()
        for name in sorted(files if names is None else set(files) & set(names)):
            about = os.stat(os.path.join(place, name))
            inside = os.path.relpath(place, folder)
            line = f"{inside} {name} {about.st_size} {about.st_mtime_ns}\n"
            digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


def hub_file(repo: str, name: str) -> Path:
    """A file of a data set on the Hub (or its mirror in HF_ENDPOINT), downloaded once.

    The Hub's own client starts a file anew when the process before it was killed. Readers on slow
    lines lose much by that, so here the next run carries on where the last one stopped. A copy
    that has changed on this disk since it came is not taken, but downloaded anew.

    Raises:
        DataError: no connection, what arrived is not what the Hub announced, or a cache that
            cannot be written.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache

    known = try_to_load_from_cache(repo, name, repo_type="dataset")
    if isinstance(known, str) and _as_named(Path(known)):  # fetched by another program
        return Path(known)
    target = cache_folder() / "hub" / repo / name
    url = hf_hub_url(repo, name, repo_type="dataset")
    if target.is_file() and _as_noted(target):  # needs no lock, as in `kept`
        return target
    with _locked(target):
        if target.is_file() and _as_noted(target):
            return target
        try:
            announced = get_hf_file_metadata(url)
            _download(announced, target)
        except DataError:
            raise
        except Exception as error:  # the client's network errors have no base class in common
            if needs_socks(error):
                raise DataError(f"{url}: {NO_SOCKS}") from error
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise DataError(
                f"{url}: download failed ({reason}); run it again, set HF_ENDPOINT to a mirror "
                "such as https://hf-mirror.com and restart the kernel, or point COURSE_DATA at a "
                "copy on your disk"
            ) from error
    return target


def _as_named(known: Path) -> bool:
    """Is a file in the cache of the Hub's client what it was when it came?

    A large one is a link to a file that has its sha256 for a name; of others nothing is known.
    """
    name = known.resolve().name
    return not re.fullmatch("[0-9a-f]{64}", name) or file_sha256(known) == name


def _sum_of(target: Path) -> Path:
    return target.with_name(target.name + ".sha256")


def _as_noted(target: Path) -> bool:
    """Is a downloaded file what it was when it came? One without a note is not known to be."""
    note = _sum_of(target)
    return note.is_file() and note.read_text() == file_sha256(target)


def _download(announced, target: Path) -> None:
    from huggingface_hub.file_download import http_get

    # The ETag changes with the content: halves of two versions are never glued together.
    etag = re.sub(r"\W", "", announced.etag or "")
    partial = target.with_name(f"{target.name}.{etag}.partial")
    if partial.is_file() and announced.size and partial.stat().st_size > announced.size:
        partial.unlink()
    with open(partial, "ab") as stream:
        http_get(
            announced.location,
            stream,
            resume_size=stream.tell(),
            expected_size=announced.size,
            headers={"Accept-Encoding": "identity"},  # compressed, the sizes would not agree
            displayed_filename=target.name,
        )
    if len(etag) == 64:  # of large files the Hub gives the sha256 as ETag
        with open(partial, "rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != etag:
                partial.unlink()
                raise DataError(f"{announced.location}: arrived damaged; run it again")
    _sum_of(target).write_text(file_sha256(partial))
    os.replace(partial, target)


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold the lock of a place in the cache.

    Raises:
        DataError: the cache cannot be written.
    """
    from filelock import FileLock

    lock = FileLock(target.with_name(target.name + ".lock"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise _unwritable(target.parent, error) from error
    try:
        yield
    finally:
        lock.release()


def _unwritable(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"{folder}: cannot be written ({error.strerror or error}); set COURSE_CACHE to a folder "
        "that can"
    )


def _write_members(archive: Path, folder: Path) -> None:
    members = _zip_members if archive.suffix.lower() == ".zip" else _tar_members
    limit = room = unpacked_limit(archive.stat().st_size)
    for name, content in members(archive):
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
            raise _unsafe(archive, name, "would be written outside its folder")
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            stream = open(target, "wb")
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise _unsafe(archive, name, "is a file and a folder at once") from None
        except (OSError, ValueError) as error:
            if isinstance(error, ValueError) or error.errno in (errno.ENAMETOOLONG, errno.EINVAL):
                raise _unsafe(archive, name, "has a name that cannot be written here") from None
            raise
        with stream:
            # Count what comes out: the sizes that an archive states need not be true.
            while block := content.read(2**20):
                room -= len(block)
                if room < 0:
                    raise _unsafe(archive, name, f"unpacks to more than {limit:,} bytes")
                stream.write(block)


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            if stat.S_ISLNK(info.external_attr >> 16):
                raise _unsafe(archive, info.filename, "is a link")
            if not info.is_dir():
                with file.open(info) as content:
                    yield _zip_name(info), content


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Chinese archives often do not say how their names are encoded; zipfile then takes cp437."""
    if info.flag_bits & 0x800:  # declared to be UTF-8
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


class _WholeTar(tarfile.TarInfo):
    """tarfile takes a damaged header, or a missing end mark, for the end of the archive."""

    @classmethod
    def fromtarfile(cls, file):
        try:
            return super().fromtarfile(file)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with gzip.open(archive) as stream:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_WholeTar) as file:
            for info in file:
                if not (info.isfile() or info.isdir()):
                    raise _unsafe(archive, info.name, "is a link or a device")
                if info.isfile():
                    yield readable(info.name), file.extractfile(info)
        # tarfile stops at its end mark; read on, or gzip's checksum would never be looked at
        while stream.read(2**20):
            pass


def _unsafe(archive: Path, member: str, why: str) -> DataError:
    return DataError(
        f"{archive}, member {member!r:.100}: {why}; do not trust it, get it from its source"
    )
