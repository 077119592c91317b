"""The site with notebooks, data and models as one zip that opens without a server.

The same tree gives the same bytes: names sorted, one date for all, fixed rights. The file appears
whole or not at all.
"""

import os
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

from book.files import ROOT
from book.version import current_version

SITE = ROOT / "_build/html"
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
STORED = {".safetensors", ".png", ".woff", ".woff2", ".gz", ".zip"}  # compressed already
# What Sphinx leaves for itself, and what only a server has a use for: 404.html's links begin with the
# address that the site is published at.
LEFT_OUT = {".buildinfo", ".nojekyll", "objects.inv", "404.html", "robots.txt", "sitemap.xml"}

START = """<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>预训练语言模型与 BERT 实战（离线版）</title>
<style>
:root{{color-scheme:light dark}}
body{{max-width:40rem;margin:2rem auto;padding:0 1rem;font:1.05rem/1.8 system-ui,"PingFang SC","Microsoft YaHei",sans-serif}}
code{{overflow-wrap:anywhere}}
.go{{display:inline-block;padding:.4rem 1.2rem;border:2px solid;border-radius:.5rem;font-weight:700}}
</style>
<h1>预训练语言模型与 BERT 实战</h1>
<p>离线版 {version}。不用装任何东西，也不联网：</p>
<p><a class="go" href="site/index.html">打开这本书</a></p>
<h2>现场演示</h2>
{demos}
<h2>运行笔记本</h2>
<p>课程的全部文件在 <a href="course/chapters/">course</a> 里：各章的笔记本、数据、模型和代码。机器上装好 Python 3.11 到 3.13 和要用的包之后，在 <code>course</code> 里运行 <code>make lab</code>；怎么装，见 <a href="course/README.zh-CN.md">README.zh-CN.md</a>。</p>
</html>
"""
# The demos read files, which a page from a folder may not; and `make demos` makes them.
WITH_DEMOS = """<p>全书的搜索双击就能用。演示那一页还要在页面里再读模型的文件，双击打开的页面（地址以 <code>file:</code> 开头），浏览器不准这样做；其余的一切照常。要用演示，在这个文件夹里打开终端，运行：</p>
<p><code>python -m http.server 8000 --bind 127.0.0.1</code></p>
<p>再在浏览器里打开 <code>http://localhost:8000/</code>。只要有 Python，不联网，也没有别人看得见。</p>"""
WITHOUT_DEMOS = """<p>全书的搜索双击就能用。演示那一页要用的模型文件不在这一份里：先运行 <code>make demos</code>，再运行 <code>make zip</code>，就会装进去。</p>"""
INDEX = '<!doctype html><meta charset="utf-8"><title>预训练语言模型与 BERT 实战</title><meta http-equiv="refresh" content="0; url=START.html"><a href="START.html">START.html</a>\n'


class PackingError(ValueError):
    """The zip cannot be made; the message says why and what to do."""


def course_files(root: Path) -> list[Path]:
    """The course's own files below `root`: what git knows; else all but what is generated."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, encoding="utf-8"
    )
    if listed.returncode == 0 and listed.stdout:
        found = [root / name for name in listed.stdout.split("\0") if name]
    else:
        found = list(root.rglob("*"))
    hidden = (".venv", "_build", "__pycache__", ".git", ".pytest_cache", ".ruff_cache")
    return sorted(
        path
        for path in found
        if path.is_file() and not set(path.relative_to(root).parts) & set(hidden)
    )


def contents(root: Path, site: Path) -> Iterator[tuple[str, bytes | Path]]:
    """Names in the zip, and what goes there.

    Raises:
        PackingError: no site was built.
    """
    if not (site / "index.html").is_file():
        raise PackingError(f"{site}: no site there; run make book first")
    demos = WITH_DEMOS if (site / "demos/demos.json").is_file() else WITHOUT_DEMOS
    yield "START.html", START.format(version=escape(current_version(root)), demos=demos).encode()
    yield "index.html", INDEX.encode()
    for path in sorted(site.rglob("*")):
        if path.is_file() and path.name not in LEFT_OUT and path.suffix != ".map":
            yield f"site/{path.relative_to(site).as_posix()}", path
    for path in course_files(root):
        yield f"course/{path.relative_to(root).as_posix()}", path


def pack(target: Path, root: Path = ROOT, site: Path = SITE) -> int:
    """Write the zip; returns its size in bytes.

    Raises:
        PackingError: no site was built.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = f"bert-in-practice-zh-{current_version(root)}"
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".partial", delete=False) as partial:
        try:
            with zipfile.ZipFile(partial, "w") as archive:
                for name, content in contents(root, site):
                    put(archive, f"{folder}/{name}", content)
        except BaseException:
            partial.close()
            os.unlink(partial.name)
            raise
    os.chmod(partial.name, 0o644)
    os.replace(partial.name, target)
    return target.stat().st_size


def put(archive: zipfile.ZipFile, name: str, content: bytes | Path) -> None:
    """Add one file, with nothing of this machine or hour."""
    entry = zipfile.ZipInfo(name, DATE)
    entry.create_system = 3  # the same on every system
    executable = name.endswith("/.ci/run")
    entry.external_attr = (0o100755 if executable else 0o100644) << 16
    stored = Path(name).suffix in STORED
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())
