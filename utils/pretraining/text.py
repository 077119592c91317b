"""From a corpus to token ids: documents, and the vocabularies of BERT and T5."""

import gzip
import io
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import sentencepiece
from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizer, PreTrainedTokenizerBase, T5Tokenizer

HELD_OUT_PERCENT = 2
SENTINELS = 100  # <extra_id_0> … <extra_id_99>, as many as T5 has
SIGNS = 3  # <pad>, </s>, <unk>


def read_documents(path: str | Path) -> list[list[str]]:
    """Read a corpus file (plain or .gz): one sentence a line, a blank line between documents.

    A file without any blank line (such as one headline a line) counts each line as a document.

    Returns:
        the sentences of each document.
    Raises:
        ValueError: naming the file: it is not there, cannot be read, or holds no text.
    """
    path = Path(path)
    open_text = gzip.open if path.suffix == ".gz" else open
    try:
        with open_text(path, "rt", encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        is_what = "a folder, not a file" if path.is_dir() else "no such file, or not readable"
        raise ValueError(f"{path}: {is_what}; give a text file, plain or .gz") from None
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: cannot be read as UTF-8 text ({error}); convert it, or fetch it again"
        ) from None
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise ValueError(f"{path}: no text in this file; give one sentence a line")
    if "" not in lines:
        return [[line] for line in lines]
    documents: list[list[str]] = [[]]
    for line in lines:
        if line:
            documents[-1].append(line)
        elif documents[-1]:
            documents.append([])
    return [document for document in documents if document]


def split_documents(paths: list[Path]) -> tuple[list, list]:
    """Training and held-out documents; a text's checksum decides, so copies stay together."""
    train, held_out, seen = [], {}, set()
    for path in paths:
        copies = set()
        for document in read_documents(path):
            key = "\n".join(document)
            # The same text in two files counts once; a file listed twice counts twice.
            if key in copies or (key, path) not in seen and (key, None) in seen:
                continue
            copies.add(key)
            seen |= {(key, path), (key, None)}
            if zlib.crc32(key.encode()) % 100 < HELD_OUT_PERCENT:
                held_out[key] = document
            else:
                train.append(document)
    return train, list(held_out.values())


def encode_documents(
    documents: Sequence[list[str]], tokenizer: PreTrainedTokenizerBase
) -> list[list[list[int]]]:
    """Token ids (no special tokens) of every sentence of every document."""
    sentences = [sentence for document in documents for sentence in document]
    if not sentences:  # which a tokenizer would not take
        return []
    ids = iter(tokenizer(sentences, add_special_tokens=False, verbose=False)["input_ids"])
    encoded = [[sentence for _ in document if (sentence := next(ids))] for document in documents]
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
