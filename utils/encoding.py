"""Sentences to token ids, many at once: what a Chinese BERT tokenizer gives, without asking it twice.

BERT's tokenizers set a blank on both sides of every Chinese character before they do anything else,
so each is a token of its own, whatever stands beside it. A text of characters is then a look-up in a
table; only what stands between them (signs, numbers, Latin words) needs the tokenizer, and most of it
stands there again and again. The ids are the same, several times as fast.

A program, too: `python -m utils.encoding` encodes for another process (`Helper`) what that one reads.
It imports neither torch nor transformers, so it begins in a second and takes little memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

if TYPE_CHECKING:  # which takes seconds, and half a gigabyte
    from transformers import PreTrainedTokenizerBase

FIRST, LAST = 0x4E00, 0x9FFF  # CJK unified ideographs
BLOCK = 2_000_000  # characters looked at together: as many as a part has, or a long document's
BATCH = 200_000  # characters encoded together: encodings take a hundred bytes a token
KNOWN = 500_000  # stretches that are remembered


class Encoder:
    """Token ids of sentences, without special tokens, in one array.

    The ids are those of `tokenizer(sentence, add_special_tokens=False)`.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase | Tokenizer):
        self.backend: Tokenizer = getattr(tokenizer, "backend_tokenizer", tokenizer)
        self.vocab_size = self.backend.get_vocab_size()
        self.table = character_table(self.backend)
        self.known: dict[str, list[int]] = {}

    def __call__(self, sentences: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of all sentences, one after the other (tokens,), and how many each has (sentences,)."""
        some = [self.block(sentences[start:end]) for start, end in blocks_of(sentences, BLOCK)]
        tokens, lengths = zip(*some or [self.block([])], strict=True)
        return np.concatenate(tokens), np.concatenate(lengths)

    def block(self, sentences: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The same of as many sentences as one look takes in: some tens of bytes a character."""
        if self.table is None:
            ids = encode_all(self.backend, sentences)
            lengths = np.fromiter(map(len, ids), np.int64, len(ids))
            return np.concatenate([np.asarray(each, np.uint32) for each in [[], *ids]]), lengths
        # To BERT a line end is a blank; here it stands between two sentences.
        text = "\n".join(sentence.replace("\n", " ") for sentence in sentences)
        codes = np.frombuffer(f"{text}\n".encode("utf-32-le"), dtype=np.uint32)
        line_ends = np.flatnonzero(codes == ord("\n"))
        chinese = (codes >= FIRST) & (codes <= LAST)
        between = ~chinese
        between[line_ends] = False
        edges = np.flatnonzero(np.diff(between, prepend=False, append=False))
        starts, ends = edges[::2], edges[1::2]
        stretches = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        ids = self.stretches(stretches)
        # How many tokens begin at each character, and where they stand among all tokens.
        tokens_at = chinese.astype(np.int64)
        sizes = np.fromiter(map(len, ids), np.int64, len(ids))
        tokens_at[starts] = sizes
        places = np.cumsum(tokens_at)  # one behind the last token of each character
        tokens = np.empty(places[-1], dtype=np.uint32)
        tokens[places[chinese] - 1] = self.table[codes[chinese] - FIRST]
        if len(ids):
            within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            flat = np.fromiter((each for some in ids for each in some), np.uint32, sizes.sum())
            tokens[np.repeat(places[starts] - sizes, sizes) + within] = flat
        return tokens, np.diff(places[line_ends], prepend=0)[: len(sentences)]

    def stretches(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text between Chinese characters; those met before are not encoded again."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if len(self.known) + len(new) > KNOWN:
            self.known, new = {}, list(dict.fromkeys(texts))
        self.known.update(zip(new, encode_all(self.backend, new), strict=True))
        return [self.known[text] for text in texts]


def encode_all(backend: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Ids of each text by the tokenizer itself, in batches that fit into memory."""
    encoded = []
    backend.no_truncation()  # which a call of the tokenizer before may have left on
    backend.no_padding()
    for start, end in blocks_of(texts, BATCH):
        batch = backend.encode_batch_fast(list(texts[start:end]), add_special_tokens=False)
        encoded += [encoding.ids for encoding in batch]
    return encoded


def blocks_of(texts: Sequence[str], characters: int) -> Iterator[tuple[int, int]]:
    """Where blocks of texts begin and end that hold so many characters, or a text more."""
    start = size = 0
    for place, text in enumerate(texts, start=1):
        size += len(text)
        if size > characters or place == len(texts):
            yield start, place
            start, size = place, 0


def character_table(backend: Tokenizer) -> np.ndarray | None:
    """The id of each Chinese character by its code; None where it takes more to know it.

    That is any tokenizer but BERT's with its blanks around Chinese characters, and one to which
    words with Chinese characters were added.
    """
    kinds = [type(each).__name__ for each in (backend.normalizer, backend.pre_tokenizer)]
    added = "".join(each.content for each in backend.get_added_tokens_decoder().values())
    if (
        kinds != ["BertNormalizer", "BertPreTokenizer"]
        or not backend.normalizer.handle_chinese_chars
        or any(chr(FIRST) <= character <= chr(LAST) for character in added)
    ):
        return None
    ids = encode_all(backend, [chr(code) for code in range(FIRST, LAST + 1)])
    if any(len(each) != 1 for each in ids):
        return None
    return np.array(ids, dtype=np.uint32)[:, 0]


# ---------------------------------------------------------------- parts of a corpus


class Summary(NamedTuple):
    """What the list of a corpus says of a part."""

    documents: int
    several: int  # documents of several sentences
    token_counts: list[int]  # how often each token of the vocabulary occurs


def encode_part(path: Path, documents: list[list[str]], encoder: Encoder) -> Summary:
    """Encode documents into the file of a part."""
    table = table_of(documents, encoder)
    write_table(table, path)
    ends, tokens = table["ends"].chunk(0), table["tokens"].chunk(0)
    return summary_of(ends.offsets.to_numpy(), tokens.values.to_numpy(), encoder.vocab_size)


def summary_of(end_starts: np.ndarray, tokens: np.ndarray, vocab_size: int) -> Summary:
    """Of a part's arrays, as `Part` has them."""
    several = int((np.diff(end_starts) > 2).sum())
    counts = np.bincount(tokens, minlength=vocab_size).tolist()
    return Summary(len(end_starts) - 1, several, counts)


def table_of(documents: list[list[str]], encoder: Encoder) -> pa.Table:
    """Documents as rows: `tokens`, and the `ends` of the sentences in them, from 0."""
    tokens, lengths = encoder(list(chain.from_iterable(documents)))
    kind = np.uint16 if encoder.vocab_size <= 2**16 else np.uint32
    # Sentences without tokens go, and documents without sentences.
    numbers = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    numbers, lengths = numbers[lengths > 0], lengths[lengths > 0]
    _, firsts, counts = np.unique(numbers, return_index=True, return_counts=True)
    ends = np.cumsum(lengths)
    starts = np.concatenate([[0], ends])[firsts]  # of the documents, in tokens
    within = np.insert(ends - np.repeat(starts, counts), firsts, 0)
    columns = {
        "tokens": (np.append(starts, len(tokens)), tokens.astype(kind)),
        "ends": (np.append(0, np.cumsum(counts + 1)), within.astype(np.uint32)),
    }
    return pa.table(
        {
            name: pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values))
            for name, (offsets, values) in columns.items()
        }
    )


def write_table(table: pa.Table, path: Path) -> None:
    """Write an Arrow file that is either whole or not there."""
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
        file.flush()
        os.fsync(file.fileno())  # or a machine that loses power keeps the name without the content
    partial.replace(path)


# ---------------------------------------------------------------- another process that encodes


class Helper:
    """A process that encodes parts for this one. When this one ends, however it does, so does it."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        course = str(Path(__file__).resolve().parents[1])
        paths = [course, *filter(None, [os.environ.get("PYTHONPATH")])]
        # Parts are done side by side already. Ctrl-C is for the first process, which ends the others.
        variables = {"PYTHONPATH": os.pathsep.join(paths), "TOKENIZERS_PARALLELISM": "false"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "utils.encoding"],  # -P: not what the folder here holds
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | variables,
            start_new_session=True,
        )
        self.tell(tokenizer.backend_tokenizer.to_str())

    def tell(self, value: object) -> None:
        """Send it a line of JSON."""
        self.process.stdin.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        self.process.stdin.flush()

    def encode_part(self, path: Path, documents: list[list[str]]) -> Summary:
        """The same as the function, over there; returns when it is done.

        Raises:
            ChildProcessError: the process was killed, or has failed and said why.
        """
        try:
            self.tell([str(path), documents])
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer:
            raise ChildProcessError(
                f"{path}: the process that encoded it has ended (code {self.process.wait()}); look "
                "for its error above, or free memory, and run the same command"
            )
        return Summary(*json.loads(answer))

    def close(self) -> None:
        """Let it end."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def main() -> None:
    lines = iter(sys.stdin.buffer)
    encoder = Encoder(Tokenizer.from_str(json.loads(next(lines))))
    for line in lines:
        path, documents = json.loads(line)
        print(json.dumps(encode_part(Path(path), documents, encoder)), flush=True)


if __name__ == "__main__":
    main()
