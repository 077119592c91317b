"""From a corpus to token ids: documents, and the vocabularies of BERT and T5."""

import gzip
import hashlib
import io
import re
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import fsspec
import numpy as np
import sentencepiece
from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizer, PreTrainedTokenizerBase, T5Tokenizer

from utils.data import LABEL_NAMES, TEXT_NAMES, what_it_is
from utils.encoding import Encoder
from utils.models import file_sha256

LONGEST_LINE = 1_000_000  # characters
HELD_OUT_PERCENT = 2
# What a table's first row may consist of.
COLUMNS = TEXT_NAMES | LABEL_NAMES | set("id idx url date time source".split()) | {""}
# An object's first key, or a list's first text, which may be longer than what is looked at.
STRING = r'"(?:[^"\\\n]|\\.?)*'
JSON = re.compile(rf'(?:\[\s*)?\{{\s*{STRING}(?:"\s*:|\Z)|\[\s*{STRING}(?:"\s*[,\]]|\Z)')
SENTINELS = 100  # <extra_id_0> … <extra_id_99>, as many as T5 has
SIGNS = 3  # <pad>, </s>, <unk>


def read_documents(path: str | Path) -> list[list[str]]:
    """Read a corpus file (plain or .gz): one sentence a line, a blank line between documents.

    A file without any blank line (such as one headline a line) counts each line as a document.

    Returns:
        the sentences of each document.
    Raises:
        ValueError: as `stream_documents`.
    """
    return list(stream_documents(path))


def stream_documents(path: str | Path) -> Iterator[list[str]]:
    """The documents of `read_documents` one after the other, of a file of any size.

    Args:
        path: a file on disk, or an address that fsspec knows, such as s3://… or https://….
    Raises:
        ValueError: naming the file: it is not there, cannot be read, holds no text, or (with the
            line) a line that is no sentence.
    """
    document: list[str] = []
    found = False
    try:
        _refuse_other_files(path)
        lines_are_documents = not _blank_line_between(path)
        for line in _lines(path):
            if line:
                document.append(line)
            if document and (lines_are_documents or not line):
                yield document
                document, found = [], True
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        is_what = "a folder, not a file" if _is_folder(path) else "no such file, or not readable"
        raise ValueError(f"{path}: {is_what}; give a text file, plain or .gz") from None
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: cannot be read as UTF-8 text ({error}); convert it, or fetch it again"
        ) from None
    if document:
        yield document
    elif not found:
        raise ValueError(f"{path}: no text in this file; give one sentence a line")


def _refuse_other_files(path: str | Path) -> None:
    """Raises ValueError for a file that is no text, or text in a form that sentences stand in."""
    with _open(path) as file:
        head = file.read(512)
    if found := what_it_is(Path(str(path)), head):
        what, cure = found
        raise ValueError(f"{path}: {what} and no text; {cure}")
    begun = head.decode("utf-8", "ignore").lstrip("\ufeff \t\r\n")
    fields = re.split(r"[,;|\t]", begun.partition("\n")[0].lower())
    names = {field.strip().strip('"').strip() for field in fields}
    for what, found in (
        ("JSON", JSON.match(begun)),
        ("articles in <doc>, as wikiextractor writes them", begun.startswith("<doc id=")),
        ("a table", len(names - {""}) > 1 and names & TEXT_NAMES and names <= COLUMNS),
    ):
        if found:
            raise ValueError(f"{path}: {what}; write its texts alone, one sentence a line")


def _lines(path: str | Path) -> Iterator[str]:
    """The lines of a text without blanks around them.

    Raises:
        ValueError: where one is too long, or holds a NUL.
    """
    with _open(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
        # Not `for line in text`: a file without line ends would be read into memory as a whole.
        for number, line in enumerate(iter(partial(text.readline, LONGEST_LINE + 2), ""), start=1):
            if len(line) > LONGEST_LINE + 1:  # its end counts, too
                raise ValueError(
                    f"{path}, line {number}: more than {LONGEST_LINE:,} characters; give one "
                    "sentence a line"
                )
            if "\0" in line:
                raise ValueError(
                    f"{path}, line {number}: a NUL character, which no text holds: the file is "
                    "damaged, or written as UTF-16; save it anew as UTF-8, or if NULs stand in a "
                    "plain file by mistake, take them out: tr -d '\\0' < FILE > NEW"
                )
            # A mark of byte order stands in the middle where files were joined by cat.
            yield line.strip().lstrip("\ufeff").strip()


def _blank_line_between(path: str | Path) -> bool:
    """Is there a blank line before the last line that is not blank?"""
    blank = False
    for line in _lines(path):
        if line and blank:
            return True
        blank = blank or not line
    return False


def is_address(path: str | Path) -> bool:
    """Is it an address of fsspec rather than a path on this machine?"""
    return "://" in str(path)


def _open(path: str | Path) -> BinaryIO:
    if is_address(path):
        return fsspec.open(str(path), "rb", compression="infer").open()
    return gzip.open(path, "rb") if str(path).endswith(".gz") else open(path, "rb")


def _is_folder(path: str | Path) -> bool:
    return not is_address(path) and Path(path).is_dir()


def text_sha256(path: str | Path) -> str:
    """sha256 of a file on disk or at an address, as it lies there."""
    if not is_address(path):
        return file_sha256(Path(path))
    with fsspec.open(str(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def split_documents(paths: Sequence[str | Path]) -> tuple[list, list]:
    """Training and held-out documents; a text's checksum decides, so copies stay together.

    The same text counts once, but a file that is listed twice counts twice.
    """
    train: dict[str | Path, list] = {path: [] for path in paths}
    held_out = []
    for path, document, is_held_out in stream_split(paths):
        (held_out if is_held_out else train[path]).append(document)
    return [document for path in paths for document in train[path]], held_out


def stream_split(
    paths: Sequence[str | Path],
) -> Iterator[tuple[str | Path, list[str], bool]]:
    """(path, document, is it held out) of all files, each file and each text once."""
    seen = _Seen()
    for path in dict.fromkeys(paths):
        for document in stream_documents(path):
            text = "\n".join(document).encode()
            # Eight bytes: of ten million texts two would be taken for one in one case of 400,000.
            digest = hashlib.blake2b(text, digest_size=8).digest()
            if seen.is_new(int.from_bytes(digest, "little")):
                yield path, document, zlib.crc32(text) % 100 < HELD_OUT_PERCENT


class _Seen:
    """Which numbers below 2**64 were there before, in eight bytes each: a set takes ten times it."""

    def __init__(self):
        self.old, self.new = array("Q"), set()

    def is_new(self, number: int) -> bool:
        """True at the first call with a number, then False."""
        place = bisect_left(self.old, number)
        if number in self.new or place < len(self.old) and self.old[place] == number:
            return False
        self.new.add(number)
        if len(self.new) > 200_000 + len(self.old) // 4:
            self.old = array("Q", np.sort(np.array([*self.new, *self.old], np.uint64)).tobytes())
            self.new = set()
        return True


def encode_documents(
    documents: Sequence[list[str]], tokenizer: PreTrainedTokenizerBase
) -> list[list[list[int]]]:
    """Token ids (no special tokens) of every sentence of every document."""
    tokens, lengths = Encoder(tokenizer)([each for document in documents for each in document])
    ends = np.cumsum(lengths).tolist()
    sentences = (tokens[start:end].tolist() for start, end in zip([0, *ends], ends, strict=False))
    encoded = [
        [ids for _, ids in zip(document, sentences, strict=False) if ids] for document in documents
    ]
    return [document for document in encoded if document]


def train_wordpiece(texts: Iterable[str], vocab_size: int, max_length: int = 512) -> BertTokenizer:
    """Train a lower-casing WordPiece vocabulary in which every Chinese character is a piece."""
    trainer = BertWordPieceTokenizer(lowercase=True)
    trainer.train_from_iterator(
        texts,
        vocab_size=vocab_size,
        # Room for words beside the characters, however small the vocabulary.
        limit_alphabet=max(vocab_size - 1000, vocab_size // 2),
        min_frequency=3,
        show_progress=False,
    )
    # Sorted by id, so that the vocabulary file and the embedding rows agree.
    vocab = dict(sorted(trainer.get_vocab().items(), key=lambda item: item[1]))
    return BertTokenizer(vocab=vocab, model_max_length=max_length)


def train_sentencepiece(
    texts: Iterable[str], vocab_size: int, max_length: int = 512
) -> T5Tokenizer:
    """Train a unigram vocabulary of `vocab_size` entries, the sentinels included.

    Text is taken as it is, capitals and full-width signs too, so that what the model writes
    can be put back into the text it was taken from.

    Raises:
        ValueError: so few entries that the sentinels, or the characters of the text, fill them up.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            vocab_size=vocab_size - SENTINELS,
            character_coverage=0.9995,  # of Chinese; the rest is <unk>
            normalization_rule_name="identity",
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            input_sentence_size=100_000,
            shuffle_input_sentence=True,
            hard_vocab_limit=False,  # little text gives fewer pieces instead of an error
            minloglevel=2,
        )
    except RuntimeError as error:  # of its own checks, which name a line of its source
        needed = re.search(r"required_chars\. \d+ vs (\d+)", str(error))
        if vocab_size > SENTINELS + SIGNS and not needed:
            raise
        cure = f"{SENTINELS + int(needed[1])} or more" if needed else "some thousands"
        raise ValueError(
            f"a T5 vocabulary of {vocab_size} entries has no room for {SENTINELS} sentinels and the "
            f"characters of this text; give {cure}"
        ) from None
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    vocab = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(len(pieces))]
    # T5 numbers its sentinels from the end: <extra_id_0> has the highest id.
    vocab += [(f"<extra_id_{i}>", 0.0) for i in reversed(range(SENTINELS))]
    return T5Tokenizer(vocab=vocab, extra_ids=SENTINELS, model_max_length=max_length)


def sentinel_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Ids of <extra_id_0>, <extra_id_1>, …"""
    return tokenizer.convert_tokens_to_ids([f"<extra_id_{i}>" for i in range(SENTINELS)])
