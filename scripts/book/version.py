"""The course's version, and the places that pin its tag."""

import re
from pathlib import Path

from book.files import write_whole

VERSION = re.compile(r"\d+\.\d+\.\d+")
PROJECT = re.compile(r'^(version = ")([^"]+)(")$', re.M)
# What stands before a pinned tag. In a notebook's JSON, quotation marks have a backslash.
REPOSITORY = r"[\w-]+/[\w.-]+"
PINS = re.compile(
    r"""(\btag = \\?"|colab\.research\.google\.com/github/"""
    + REPOSITORY
    + r"""/blob/|mybinder\.org/v2/gh/"""
    + REPOSITORY
    + r"""/|^  branch: )([^/?"'\\\s)]+)""",
    re.M,
)
CONTENTS = ("_config.yml", "README.md", "README.zh-CN.md", "index.md")


class VersionError(ValueError):
    """A version that is none, or a tree without one."""


def current_version(root: Path) -> str:
    """The version that `pyproject.toml` below `root` holds."""
    project = root / "pyproject.toml"
    match = PROJECT.search(project.read_text("utf-8"))
    if not match:
        raise VersionError(f"{project}: no version; add the line 'version = \"0.1.0\"'")
    return match[2]


def pinning_files(root: Path) -> list[Path]:
    """The files below `root` that pin a tag: pages, notebooks, the site's configuration."""
    chapters = root / "chapters"
    pages = [*chapters.glob("*.ipynb"), *chapters.glob("*.md")]
    return [root / name for name in CONTENTS] + sorted(pages)


def pins(text: str) -> list[str]:
    """The tags that a text pins, in their order."""
    return [match[2] for match in PINS.finditer(text)]


def set_version(version: str, root: Path) -> list[Path]:
    """Write `version`, such as 0.2.0 or v0.2.0, through the tree; returns what changed.

    Raises:
        VersionError: it is no version.
    """
    version = version.removeprefix("v")
    if not VERSION.fullmatch(version):
        raise VersionError(f"{version!r} is no version; write three numbers, such as 0.2.0")
    current_version(root)
    changed = []
    # pyproject.toml last: what it says is done, is done.
    for path in [*pinning_files(root), root / "pyproject.toml"]:
        text = path.read_text("utf-8")
        if path.name == "pyproject.toml":
            new = PROJECT.sub(rf"\g<1>{version}\g<3>", text)
        else:
            new = PINS.sub(rf"\g<1>v{version}", text)
        if new != text:
            write_whole(new, path)
            changed.append(path)
    return changed
