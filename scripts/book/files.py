"""Notebooks as files: what differs between two equal runs is stripped, writing is one step."""

import os
import re
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"
WIDGET = "application/vnd.jupyter.widget-view+json"

# The same in every notebook, whoever edits it: Python's patch version is not worth a diff,
# but without a lexer the site warns at each cell.
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
CELL_METADATA = ("tags", "mystnb", "jupyter", "cellView")


def find_notebooks(names: list[str]) -> list[Path]:
    """Paths of the named notebooks (beginnings of names, or paths); all chapters by default.

    Raises:
        SystemExit: no notebook is called so.
    """
    everything = sorted(CHAPTERS.glob("*.ipynb"))
    if not names:
        return everything
    found = []
    for name in names:
        if name.endswith(".ipynb"):
            matches = [Path(name)] if Path(name).is_file() else []
        else:
            matches = [path for path in everything if path.stem.startswith(name)]
        if not matches:
            known = ", ".join(path.stem for path in everything) or "none"
            raise SystemExit(f"No notebook {name!r} in {CHAPTERS}; name one of: {known}.")
        found += [path for path in matches if path not in found]
    return found


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Strip from a notebook, in place, what differs between two equal runs; return it."""
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {key: cell.metadata[key] for key in CELL_METADATA if cell.metadata.get(key)}
        )
        if cell.cell_type == "code":
            kept = [plain_output(each) for each in cell.outputs if not is_bare_widget(each)]
            cell.outputs = merge_streams(kept)
    return notebook


def is_bare_widget(output: NotebookNode) -> bool:
    """Is this a live widget without a picture? A page has no kernel behind it."""
    data = output.get("data", {})
    return WIDGET in data and "text/html" not in data


def plain_output(output: NotebookNode) -> NotebookNode:
    """Keep of a widget its picture, as its id differs each time and no kernel knows it later.

    Keep of a traceback only its last line: the rest holds paths of this machine.
    """
    output.get("data", {}).pop(WIDGET, None)
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
    return output


def merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join neighbouring pieces of one stream, as their borders depend on timing."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    for output in merged:
        if output.output_type == "stream":  # what a terminal shows of an overwritten line
            output.text = re.sub(r"^.*\r(?=[^\n])", "", output.text, flags=re.MULTILINE)
    return merged


def write(notebook: NotebookNode, path: Path) -> bool:
    """Write a notebook in one step, and not at all if the file would stay the same.

    Returns:
        whether the file changed.
    """
    content = nbformat.writes(notebook).rstrip("\n") + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == content:
        return False
    write_whole(content, path)
    return True


def write_whole(text: str, path: Path) -> None:
    """Write a text file whole or not at all, its lines ending in \\n, with the rights it had."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, suffix=".partial", delete=False
    ) as partial:
        partial.write(text)
    try:
        os.chmod(partial.name, path.stat().st_mode if path.is_file() else 0o644)
        os.replace(partial.name, path)
    except OSError:
        os.unlink(partial.name)
        raise
