"""Damage of daily life, to the bytes of a file and to the folder of a model."""

import json
import random
from pathlib import Path

from damage.whole import MODEL

SCRAPS = [b"\t", b" ", b'"', b",", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\x8b", b"\r", b"\n\n"]
SCRAPS += [b"\\ud83d", b"[[", b"}", b"-1", b"1e999", b"null", "　".encode(), "好".encode("gbk")]
SWAPS = [
    (b"\n", b"\r\n"),
    (b"\n", b"\r"),
    (b"\t", b" "),
    (b" ", b"\t"),
    (b'"', b"'"),
    (b",", b"\t"),
]
SWAPS += [(b":", b""), (b"text", b"content"), (b"label", b"class"), (b"B-", b"I-"), (b"[", b"{")]
SWAPS += [(b"0", b"-0"), (b"1", b"true"), (b"sentence1", b"sentence2"), (b"\n", b""), (b"=", b"")]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content of a file after one to three accidents."""
    for _ in range(rng.randint(1, 3)):
        content = rng.choice(ACCIDENTS)(content, rng)
    return content


def _between(content: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + rng.choice([1, 2, 8, 100, 10_000]))


def cut_off(content: bytes, rng: random.Random) -> bytes:
    """The end is missing."""
    return content[: rng.randrange(len(content) + 1)]


def beginning_lost(content: bytes, rng: random.Random) -> bytes:
    """The beginning is missing."""
    return content[rng.choice([1, 4, 30, rng.randrange(len(content) + 1)]) :]


def piece_lost(content: bytes, rng: random.Random) -> bytes:
    """A piece in the middle is missing."""
    start, end = _between(content, rng)
    return content[:start] + content[end:]


def piece_doubled(content: bytes, rng: random.Random) -> bytes:
    """A piece stands there twice."""
    start, end = _between(content, rng)
    return content[:end] + content[start:]


def bytes_flipped(content: bytes, rng: random.Random) -> bytes:
    """One byte, or up to twenty, are others."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 20]) if changed else 0):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def scrap_put_in(content: bytes, rng: random.Random) -> bytes:
    """A sign that means something to some format stands where it should not."""
    at = rng.choice([0, len(content), rng.randrange(len(content) + 1)])
    return content[:at] + rng.choice(SCRAPS) + content[at:]


def zeros(content: bytes, rng: random.Random) -> bytes:
    """A piece is all zeros, as after a full disk."""
    start, end = _between(content, rng)
    return content[:start] + bytes(end - start) + content[end:]


def lines_moved(content: bytes, rng: random.Random) -> bytes:
    """Some lines stand elsewhere."""
    lines = content.split(b"\n")
    for _ in range(rng.choice([1, 5])):
        lines.insert(rng.randrange(len(lines)), lines.pop(rng.randrange(len(lines))))
    return b"\n".join(lines)


def fields_swapped(content: bytes, rng: random.Random) -> bytes:
    """The fields of one line, or of many, stand the other way round."""
    lines = content.split(b"\n")
    for _ in range(rng.choice([1, len(lines)])):
        at, mark = rng.randrange(len(lines)), rng.choice([b",", b"\t", b" "])
        lines[at] = mark.join(reversed(lines[at].split(mark)))
    return b"\n".join(lines)


def signs_changed(content: bytes, rng: random.Random) -> bytes:
    """A sign or a name is another, once or everywhere."""
    old, new = rng.choice(SWAPS)
    return content.replace(old, new) if rng.random() < 0.7 else content.replace(old, new, 1)


def written_otherwise(content: bytes, rng: random.Random) -> bytes:
    """In another encoding, whole or some lines."""
    encoding = rng.choice(["gbk", "utf-16", "utf-8-sig", "big5", "latin-1", "utf-32"])
    lines = content.split(b"\n")
    part = range(len(lines)) if rng.random() < 0.5 else [rng.randrange(len(lines))]
    for at in part:
        text = lines[at].decode("utf-8", "replace")
        lines[at] = text.encode(encoding, "replace")
    return b"\n".join(lines)


def joined(content: bytes, rng: random.Random) -> bytes:
    """The file twice, one behind the other."""
    return content + rng.choice([b"", b"\n", b"\xef\xbb\xbf"]) + content


ACCIDENTS = [cut_off, beginning_lost, piece_lost, piece_doubled, bytes_flipped, bytes_flipped]
ACCIDENTS += [scrap_put_in, zeros, lines_moved, fields_swapped, signs_changed, written_otherwise]
ACCIDENTS += [joined]


def damage_model(folder: Path, rng: random.Random) -> None:
    """One file of a model's folder lost, emptied, made a folder, exchanged or damaged."""
    names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    file = folder / rng.choice(names)
    content = file.read_bytes()
    what = rng.choice(
        ["bytes", "bytes", "bytes", "value", "value", "lost", "empty", "folder", "other"]
    )
    file.unlink()
    if what == "bytes":
        file.write_bytes(damaged(content, rng))
    elif what == "value" and file.suffix == ".json":
        file.write_text(json.dumps(value_changed(json.loads(content), rng)), encoding="utf8")
    elif what == "value":
        size = int.from_bytes(content[:8], "little")
        head = damaged(content[8 : 8 + size], rng)
        file.write_bytes(len(head).to_bytes(8, "little") + head + content[8 + size :])
    elif what == "empty":
        file.write_bytes(b"")
    elif what == "folder":
        file.mkdir()
    elif what == "other":
        file.write_bytes((MODEL / rng.choice(["README.md", "training.json"])).read_bytes())


def rename_tensors(folder: Path, rng: random.Random) -> None:
    """One tensor of a model, some of a layer, or all of its trunk are called otherwise."""
    file = folder / "model.safetensors"
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + size])
    name = rng.choice([name for name in head if name != "__metadata__"])
    old, new = rng.choice(
        [
            (name, name.upper()),
            (name, name + "x"),
            (name, name[:-1]),
            (name.rpartition(".")[0], "other"),
            ("bert.encoder.layer.", "bert.encoder.layers."),
            ("bert.", "model."),
            ("bert.", ""),  # the library finds these
            ("LayerNorm.weight", "LayerNorm.gain"),
            ("classifier.", "score."),
        ]
    )
    head = {key.replace(old, new): value for key, value in head.items()}
    written = json.dumps(head).encode()
    file.write_bytes(len(written).to_bytes(8, "little") + written + content[8 + size :])


def value_changed(tree: dict, rng: random.Random) -> dict:
    """A JSON object of which one value, at some depth, is another or gone."""
    at = tree
    while True:
        key = rng.choice(list(at) if isinstance(at, dict) else range(len(at)))
        inner = at[key]
        if not isinstance(inner, (dict, list)) or not inner or rng.random() < 0.3:
            break
        at = inner
    if rng.random() < 0.3:
        del at[key]
    else:
        odd = [None, -1, 0, 1.5, 10**9, "x", "", [], {}, True, [1, 2], {"a": None}]
        at[key] = rng.choice(odd)
    return tree
