"""The loaders' rules once more, the plain way: everything in lists, nothing streamed or hashed away.

What they give is compared with what `utils.data` gives, on many layouts.
"""

import csv
import gzip
import hashlib
import io
import json
from collections import defaultdict

SPLITS = ("train", "validation", "test")


def content(path):
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def rows_of(path):
    """(text, label) of each row of a file or a tree of class folders."""
    if path.is_dir():
        return [
            ("\n".join(filter(None, (x.strip() for x in content(file).split("\n")))), folder.name)
            for folder in sorted(path.iterdir())
            if folder.is_dir()
            for file in sorted(folder.glob("*.txt"))
        ]
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        objects = [json.loads(line) for line in content(path).split("\n") if line.strip()]
        return [(each["text"], each["label"].strip()) for each in objects]
    if path.name.endswith(".json"):
        return [(each["text"], each["label"].strip()) for each in json.loads(content(path))]
    text = content(path)
    if "text" in text.partition("\n")[0].lower():
        delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
        table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = [name.strip().lower() for name in next(table)]
        at = header.index("text"), header.index("label")
        return [(row[at[0]], row[at[1]].strip()) for row in table if row]
    lines = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
    first = [line.partition("\t")[::2] for line in lines]
    last = [line.rpartition("\t")[::2] for line in lines]
    kinds = [{label for label, _ in first}, {label for _, label in last}]
    one, two = ((len(kind), sum(map(len, kind))) for kind in kinds)
    pairs = [(text, label) for label, text in first] if one <= two else last
    return [(text, label.strip()) for text, label in pairs]


def splits_of(parts):
    """The splits that the loaders give for these files, as lists of (text, label)."""
    rows = {part: rows_of(path) for part, path in parts.items()}
    training = "whole" if "whole" in rows else "train"
    missing = [split for split in SPLITS[1:] if split not in rows]
    if missing:
        *taken, rest = carved(rows.pop(training), len(missing))
        rows |= {"train": rest, **dict(zip(missing, taken, strict=True))}
    return {split: rows[split] for split in SPLITS}


def carved(rows, count):
    class_of = {}
    for text, label in rows:
        class_of.setdefault(text.strip(), label)
    texts_of = defaultdict(list)
    for text, label in class_of.items():
        texts_of[label].append(text)
    side = {}
    for texts in texts_of.values():
        texts.sort(key=lambda text: hashlib.sha256(f"bert-in-practice-zh{text}".encode()).digest())
        share = max(1, round(len(texts) * 0.1))
        rest = texts[1:]
        for part in reversed(range(count)):
            side |= dict.fromkeys(rest[:share], part)
            rest = rest[share:]
    return [[row for row in rows if side.get(row[0].strip(), count) == p] for p in range(count + 1)]
