"""Files of every accepted format and the folder of a classifier, whole; the same at every call."""

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

MODEL = Path(__file__).resolve().parents[2] / "models/mini-bert-zh"


def texts() -> list[tuple[str, str]]:
    """Forty texts with labels, some long, some with the signs that formats are written in."""
    rows = [
        (f"第{i}条新闻，关于“{label}” {i}", label) for i in range(18) for label in ("体育", "财经")
    ]
    rows += [('他说："好",\n然后走了', "体育"), ("a,b;c\td", "财经"), ("长" * 3000, "体育")]
    return [*rows, ("café – ½", "财经")]


def as_csv() -> bytes:
    """A CSV file with quotes, commas and line ends in its texts."""
    quoted = [(text.replace('"', '""'), label) for text, label in texts()]
    return ("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in quoted)).encode()


def plain() -> list[tuple[str, str]]:
    """The texts on a line each, without tabs."""
    return [(" ".join(text.split()), label) for text, label in texts()]


def as_tsv() -> bytes:
    """The same between tabs, under names in the first row."""
    return ("label\ttext\n" + "".join(f"{label}\t{text}\n" for text, label in plain())).encode()


def as_cnews() -> bytes:
    """Lines of label<TAB>text without a first row."""
    return "".join(f"{label}\t{text}\n" for text, label in plain()).encode()


def as_cnews_gz() -> bytes:
    """The same, compressed with gzip."""
    return gzip.compress(as_cnews(), mtime=0)


def as_jsonl() -> bytes:
    """An object a line, every other one in ASCII."""
    rows = [{"text": text, "label": label} for text, label in texts()]
    return "".join(
        json.dumps(row, ensure_ascii=i % 2 == 0) + "\n" for i, row in enumerate(rows)
    ).encode()


def as_json() -> bytes:
    """One list of objects."""
    rows = [{"text": text, "label": label} for text, label in texts()]
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()


def as_xlsx() -> bytes:
    """A sheet of Excel."""
    import openpyxl

    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in [("text", "label"), *texts()]:
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


def as_parquet() -> bytes:
    """A Parquet file whose labels are ids with names, as on the Hub."""
    import pyarrow
    from pyarrow import parquet

    columns = list(zip(*texts(), strict=True))
    table = pyarrow.table(
        {"text": columns[0], "label": [int(each == "财经") for each in columns[1]]}
    )
    notes = {"info": {"features": {"label": {"names": ["体育", "财经"], "_type": "ClassLabel"}}}}
    stream = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(notes)}), stream)
    return stream.getvalue()


def tree() -> dict[str, bytes]:
    """A folder of .txt files for each class, by their names."""
    return {f"news/{label}/{i}.txt": text.encode() for i, (text, label) in enumerate(texts())}


def as_zip() -> bytes:
    """The tree in a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in tree().items():
            file.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def as_tar() -> bytes:
    """The tree in a tar archive, compressed with gzip."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as file:
        for name, content in tree().items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)


def as_tar_inside() -> bytes:
    """The tar alone: it is damaged before it is compressed, which gzip's own sum cannot see."""
    return gzip.decompress(as_tar())


def as_entities() -> bytes:
    """A character and its BIO label a line."""
    lines = []
    for i in range(30):
        for character, label in zip(
            "张三在北京", ("B-PER", "I-PER", "O", "B-LOC", "I-LOC"), strict=True
        ):
            lines.append(f"{character} {label}\n")
        lines.append(f"{i % 10} O\n\n")
    return "".join(lines).encode()


def as_clue_entities() -> bytes:
    """The same as CLUENER writes it: JSON with the places of names."""
    row = {
        "text": "张三在北京",
        "label": {"name": {"张三": [[0, 1]]}, "address": {"北京": [[3, 4]]}},
    }
    rows = [row | {"text": f"张三在北京{i}"} for i in range(30)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_squad() -> bytes:
    """Passages with questions in the layout of SQuAD."""
    passages = [
        {
            "context": f"第{i}队在北京获胜，比分是三比{i}。",
            "qas": [
                {
                    "id": f"q{i}",
                    "question": "在哪里？",
                    "answers": [{"text": "北京", "answer_start": 4 + len(str(i)) - 1}],
                }
            ],
        }
        for i in range(30)
    ]
    whole = {"version": "1", "data": [{"title": "t", "paragraphs": passages}]}
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def as_pairs() -> bytes:
    """Pairs of sentences as CSV."""
    rows = [f"今天天气{i}好吗,天气{i}怎么样,{i % 2}\n" for i in range(40)]
    return ("sentence1,sentence2,label\n" + "".join(rows)).encode()


def as_pair_lines() -> bytes:
    """Pairs of sentences between tabs, without a first row."""
    return "".join(f"今天天气{i}好吗\t天气{i}怎么样\t{i % 2}\n" for i in range(40)).encode()


def as_class_file() -> bytes:
    """The names of two classes."""
    return "体育\n财经\n".encode()


Kind = tuple[str, Callable[[], bytes], str]  # name of the file, what makes it, which loader
KINDS: dict[str, Kind] = {
    "csv": ("a.csv", as_csv, "load_texts"),
    "csv.gz": ("a.csv.gz", as_csv, "load_texts"),
    "tsv": ("a.tsv", as_tsv, "load_texts"),
    "txt": ("a.txt", as_cnews, "load_texts"),
    "named": ("a.csv", as_csv, "named"),
    "jsonl": ("a.jsonl", as_jsonl, "load_texts"),
    "json": ("a.json", as_json, "load_texts"),
    "xlsx": ("a.xlsx", as_xlsx, "load_texts"),
    "parquet": ("a.parquet", as_parquet, "load_texts"),
    "zip": ("a.zip", as_zip, "load_texts"),
    "tar.gz": ("a.tar.gz", as_tar, "load_texts"),
    "tar": ("a.tar.gz", as_tar_inside, "load_texts"),
    "gz": ("a.txt.gz", as_cnews_gz, "load_texts"),
    "classes": ("class.txt", as_class_file, "classes"),
    "audit": ("a.csv", as_csv, "audit_texts"),
    "table": ("a.jsonl", as_jsonl, "read_table"),
    "entities": ("a.txt", as_entities, "load_entities"),
    "clue": ("a.json", as_clue_entities, "load_entities"),
    "squad": ("a.json", as_squad, "load_questions"),
    "pairs": ("a.csv", as_pairs, "load_pairs"),
    "pair lines": ("a.txt", as_pair_lines, "load_pairs"),
}


def classifier(place: Path) -> Path:
    """A whole folder of a classifier that begins with the course's model."""
    from utils.finetuning import new_classifier, predict, save_classifier
    from utils.models import load_tokenizer

    model, tokenizer = new_classifier(MODEL, ["体育", "财经"]), load_tokenizer(MODEL)
    whole = save_classifier(model, tokenizer, place / "whole")
    answers = predict(model, tokenizer, ["主场三连胜", "央行降息"])
    (whole / "answers").write_text(json.dumps(answers.tolist()))
    return whole
