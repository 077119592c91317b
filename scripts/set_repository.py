"""Write the repository's address through to every file that shows it.

    python scripts/set_repository.py https://github.com/OWNER/NAME

The address stands in `_config.yml`. Colab and Binder links, clone commands, the website's
address and the notebooks' setup cells are derived from it, so a fork or a move is one command.
"""

import os
import re
import sys
from pathlib import Path

ADDRESS = re.compile(r"https://github\.com/([A-Za-z0-9-]+)/([A-Za-z0-9._-]+?)(?:\.git)?/?")
# What stands before OWNER/NAME wherever an address of a GitHub repository is written.
PLACES = (
    r"github\.com[/:]",
    r"raw\.githubusercontent\.com/",
    r"colab\.research\.google\.com/github/",
    r"mybinder\.org/v2/gh/",
)
TEXT_FILES = {".md", ".ipynb", ".yml", ".yaml", ".toml", ".py", ".bib", ".cff", ".txt"}
SKIPPED_FOLDERS = {"_build", "build", "node_modules", "__pycache__"}
KEPT_HIDDEN_FOLDERS = {".github", ".ci"}


class AddressError(ValueError):
    """An address that is not one of a GitHub repository, or a tree without one."""


def text_files(root: Path) -> list[Path]:
    """All text files below `root` that may show the address, without what is generated."""
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(
            name
            for name in subfolders
            if name in KEPT_HIDDEN_FOLDERS
            or not (name.startswith(".") or name in SKIPPED_FOLDERS or name.endswith(".egg-info"))
        )
        found += [Path(folder, name) for name in sorted(names) if Path(name).suffix in TEXT_FILES]
    return found


def split_address(address: str) -> tuple[str, str]:
    """Owner and name of a GitHub address; raises AddressError for anything else."""
    match = ADDRESS.fullmatch(address.strip())
    if not match:
        raise AddressError(
            f"{address!r} is not a repository address; write https://github.com/OWNER/NAME"
        )
    return match.group(1), match.group(2)


def current_address(root: Path) -> str:
    """The address that `_config.yml` below `root` holds."""
    config = root / "_config.yml"
    match = re.search(r"^repository:\n(?:  .*\n)*?  url: (\S+)$", config.read_text("utf-8"), re.M)
    if not match:
        raise AddressError(f"{config}: no 'repository: url:'; add the line '  url: https://...'")
    return match.group(1)


def replace_address(content: bytes, old: tuple[str, str], new: tuple[str, str]) -> bytes:
    """`content` with every address of repository `old` turned into that of `new`.

    Works on bytes, so that whatever else a file holds (line endings, the layout of a
    notebook's JSON) stays as it is.
    """
    # A longer name that merely begins with the old one is another repository's.
    end = r"(?![\w-])(?!\.(?!git\b)\w)"
    old_path, new_path = "/".join(old), "/".join(new)
    content = re.sub(
        rf"(?<![\w-])({'|'.join(PLACES)}){re.escape(old_path)}{end}".encode(),
        lambda match: match.group(1) + new_path.encode(),
        content,
    )
    old_site = f"{old[0].lower()}.github.io/{old[1]}"
    new_site = f"{new[0].lower()}.github.io/{new[1]}"
    return re.sub(
        rf"(?<![\w-]){re.escape(old_site)}{end}".encode(),
        lambda match: new_site.encode(),
        content,
    )


def set_repository(address: str, root: Path) -> list[Path]:
    """Write `address` through the tree at `root`; returns the files that changed."""
    new = split_address(address)
    old = split_address(current_address(root))
    changed = []
    # _config.yml last: it says what the old address is, so an interrupted run can be repeated.
    for path in sorted(text_files(root), key=lambda path: path == root / "_config.yml"):
        before = path.read_bytes()
        after = replace_address(before, old, new)
        if after != before:
            path.write_bytes(after)
            changed.append(path)
    return changed


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/set_repository.py https://github.com/OWNER/NAME")
    root = Path(__file__).resolve().parent.parent
    try:
        changed = set_repository(sys.argv[1], root)
    except AddressError as error:
        sys.exit(f"error: {error}")
    for path in changed:
        print(path.relative_to(root))
    print(f"{len(changed)} files now show {sys.argv[1]}")


if __name__ == "__main__":
    main()
