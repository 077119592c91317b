"""Sentences to token ids, many at once: what a Chinese BERT tokenizer gives, without asking it twice.

BERT's tokenizers set a blank on both sides of every Chinese character before they do anything else,
so each is a token of its own, whatever stands beside it. A text of characters is then a look-up in a
table; only what stands between them (signs, numbers, Latin words) needs the tokenizer, and most of it
stands there again and again. The ids are the same, several times as fast.
"""

from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase

FIRST, LAST = 0x4E00, 0x9FFF  # CJK unified ideographs
BATCH = 200_000  # characters encoded together: encodings take a hundred bytes a token
KNOWN = 500_000  # stretches that are remembered


class Encoder:
    """Token ids of sentences, without special tokens, in one array.

    The ids are those of `tokenizer(sentence, add_special_tokens=False)`.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer
        self.table = character_table(tokenizer)
        self.known: dict[str, list[int]] = {}

    def __call__(self, sentences: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of all sentences, one after the other (tokens,), and how many each has (sentences,)."""
        if self.table is None:
            ids = encode_all(self.tokenizer, sentences)
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
        self.known.update(zip(new, encode_all(self.tokenizer, new), strict=True))
        return [self.known[text] for text in texts]


def encode_all(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Ids of each text by the tokenizer itself, in batches that fit into memory."""
    backend, encoded = tokenizer.backend_tokenizer, []
    backend.no_truncation()  # which a call of the tokenizer before may have left on
    backend.no_padding()
    start = size = 0
    for place, text in enumerate(texts, start=1):
        size += len(text)
        if size > BATCH or place == len(texts):
            some = list(texts[start:place])
            batch = backend.encode_batch_fast(some, add_special_tokens=False)
            encoded += [encoding.ids for encoding in batch]
            start, size = place, 0
    return encoded


def character_table(tokenizer: PreTrainedTokenizerBase) -> np.ndarray | None:
    """The id of each Chinese character by its code; None where it takes more to know it.

    That is any tokenizer but BERT's with its blanks around Chinese characters, and one to which
    words with Chinese characters were added.
    """
    backend = tokenizer.backend_tokenizer
    kinds = [type(each).__name__ for each in (backend.normalizer, backend.pre_tokenizer)]
    added = "".join(map(str, tokenizer.get_added_vocab()))
    if (
        kinds != ["BertNormalizer", "BertPreTokenizer"]
        or not backend.normalizer.handle_chinese_chars
        or any(chr(FIRST) <= character <= chr(LAST) for character in added)
    ):
        return None
    ids = encode_all(tokenizer, [chr(code) for code in range(FIRST, LAST + 1)])
    if any(len(each) != 1 for each in ids):
        return None
    return np.array(ids, dtype=np.uint32)[:, 0]
