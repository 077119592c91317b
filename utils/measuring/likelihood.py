"""How likely BERT, GPT and T5 find a text or a word in it: perplexity and filling in.

Pseudo-likelihood of BERT: Salazar et al. 2020, arXiv 1910.14659.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jieba
import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from utils.pretraining import sentinel_ids

# ---------------------------------------------------------------- whole texts


def tokens_of(text: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Token ids without special tokens."""
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@torch.inference_mode()
def next_token_losses(model: nn.Module, tokenizer: PreTrainedTokenizerBase, text: str) -> Tensor:
    """GPT's loss (nats) of every token of a text, (tokens,), given all those before it.

    Their sum is minus the log probability of the text's tokens, and exp of their mean the
    perplexity a token. Neither the start sign nor the end counts.
    """
    ids = torch.tensor([[tokenizer.cls_token_id, *tokens_of(text, tokenizer)]])
    logits = model(ids.to(model.device), use_cache=False).logits[0, :-1].float().cpu()
    return torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")


@torch.inference_mode()
def pseudo_losses(model: nn.Module, tokenizer: PreTrainedTokenizerBase, text: str) -> Tensor:
    """BERT's loss (nats) of every token of a text, (tokens,), each masked alone.

    As many rows as tokens. Each sees all others, on both sides: the sum is no log probability.
    """
    tokens = tokens_of(text, tokenizer)
    row = torch.tensor([tokenizer.cls_token_id, *tokens, tokenizer.sep_token_id])
    ids, places = row.repeat(len(tokens), 1), torch.arange(len(tokens))
    ids[places, places + 1] = tokenizer.mask_token_id
    logits = model(ids.to(model.device)).logits[places, places + 1].float().cpu()
    return torch.nn.functional.cross_entropy(logits, row[1:-1], reduction="none")


def unigram_losses(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[Tensor]:
    """Losses (nats), (tokens,) a text, of the best guesser that looks at nothing around a token:
    one that knows how often each token occurs in these very texts. The control to beat."""
    encoded = [torch.tensor(tokens_of(text, tokenizer)) for text in texts]
    counts = torch.bincount(torch.cat(encoded), minlength=len(tokenizer))
    return [-(counts[ids] / counts.sum()).log() for ids in encoded]


def perplexities(losses: Sequence[Tensor], texts: Sequence[str]) -> dict[str, float]:
    """Perplexity a token and a character. Only the latter compares different tokenizers."""
    total = sum(each.sum().item() for each in losses)
    tokens = sum(len(each) for each in losses)
    characters = sum(len("".join(text.split())) for text in texts)
    return {"token": float(np.exp(total / tokens)), "character": float(np.exp(total / characters))}


# ---------------------------------------------------------------- the second half of a text


def halves(text: str) -> tuple[str, str] | None:
    """A text cut between two Chinese characters, at the middle or the first such place behind it.

    There every vocabulary may cut. None where there is no such place.
    """
    for place in range(max(1, len(text) // 2), len(text)):
        if re.fullmatch("[\u4e00-\u9fff]{2}", text[place - 1 : place + 1]):
            return text[:place], text[place:]
    return None


def continue_with_gpt(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, left: str, right: str
) -> Tensor:
    """Loss (nats) of every token of the second half, (tokens,), given all before it."""
    return next_token_losses(model, tokenizer, left + right)[len(tokens_of(left, tokenizer)) :]


@torch.inference_mode()
def continue_with_t5(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, left: str, right: str
) -> Tensor:
    """The same of T5, which reads the first half and a sentinel in place of the second."""
    first = sentinel_ids(tokenizer)[0]
    source = torch.tensor([[*tokens_of(left, tokenizer), first, tokenizer.eos_token_id]])
    answer = torch.tensor([[first, *inner_tokens(right, tokenizer)]])
    logits = model(input_ids=source.to(model.device), labels=answer.to(model.device)).logits
    return torch.nn.functional.cross_entropy(
        logits[0, 1:].float().cpu(), answer[0, 1:], reduction="none"
    )


# ---------------------------------------------------------------- a word taken out


@dataclass
class Blank:
    """A sentence with one word taken out, and the words to choose from (the right one first)."""

    left: str
    right: str
    words: list[str]


def two_character_words(text: str) -> list[tuple[int, str]]:
    """(place, word) of the Chinese words of two characters, as jieba cuts them."""
    found = jieba.tokenize(text)
    return [(start, word) for word, start, _ in found if re.fullmatch("[\u4e00-\u9fff]{2}", word)]


def make_blanks(
    texts: Sequence[str], known: Callable[[str], bool], seed: int = 0, choices: int = 10
) -> list[Blank]:
    """At most one blank a sentence of 14 to 40 characters, with four or more on either side.

    The wrong words are drawn from all distinct ones alike: then the likeliest word in its place is
    the best choice there is, and the commonest the control. (Drawn as often as they occur, the
    best choice would be the word that its place makes likelier than it is elsewhere.)
    `known(word)`: do all tokenizers know the word?

    Raises:
        ValueError: fewer distinct words than `choices`.
    """
    rng = random.Random(seed)
    sentences = [part for text in texts for part in re.split("[。！？\n]", text)]
    sentences = [part.strip() for part in sentences if 14 <= len(part.strip()) <= 40]
    places = [two_character_words(sentence) for sentence in sentences]
    pool = sorted({word for found in places for _, word in found if known(word)})
    if len(pool) < choices:
        raise ValueError(
            f"make_blanks: {len(pool)} known words of two characters in the texts, but {choices} "
            "choices; give more texts"
        )
    blanks = []
    for sentence, found in zip(sentences, places, strict=True):
        fit = [
            (start, word)
            for start, word in found
            if start >= 4 and start + 2 <= len(sentence) - 4 and known(word)
        ]
        if not fit:
            continue
        start, word = rng.choice(fit)
        words = [word]
        while len(words) < choices:
            other = rng.choice(pool)
            words += [other] if other not in words else []
        blanks.append(Blank(sentence[:start], sentence[start + 2 :], words))
    return blanks


def word_is_known(tokenizers: Sequence) -> Callable[[str], bool]:
    """Test for `make_blanks`: no tokenizer says "unknown"."""
    return lambda word: all(
        tokenizer.unk_token_id not in tokens_of(word, tokenizer) for tokenizer in tokenizers
    )


# Each of these gives the scores (words,) of a blank's words, the higher the likelier (BERT and GPT
# in two ways), and whether the model, left free, would have written exactly the right word there.


@torch.inference_mode()
def fill_with_bert(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, blank: Blank
) -> tuple[Tensor, Tensor, bool]:
    """(scores of two [MASK] guessed apart, scores by turns, written freely?).

    Apart: each token is guessed without the other, in one pass. By turns: the first so, the others
    with the word's earlier tokens filled in, which takes a row for each word.
    """
    left, right = tokens_of(blank.left, tokenizer), tokens_of(blank.right, tokenizer)
    words = torch.tensor([tokens_of(word, tokenizer) for word in blank.words])
    size, start = words.shape[1], len(left) + 1
    masks = [tokenizer.mask_token_id] * size
    row = [tokenizer.cls_token_id, *left, *masks, *right, tokenizer.sep_token_id]
    rows = torch.tensor([row]).repeat(len(words), 1)

    def guesses(rows: Tensor) -> Tensor:
        logits = model(rows.to(model.device)).logits[:, start : start + size]
        return logits.float().cpu().log_softmax(-1)

    logs = guesses(rows[:1])[0]
    apart = logs[torch.arange(size), words]
    by_turns = apart[:, 0].clone()
    for place in range(1, size):
        rows[:, start + place - 1] = words[:, place - 1]
        by_turns += guesses(rows)[torch.arange(len(words)), place, words[:, place]]
    return apart.sum(1), by_turns, bool((logs.argmax(-1) == words[0]).all())


@torch.inference_mode()
def fill_with_gpt(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, blank: Blank
) -> tuple[Tensor, Tensor, bool]:
    """(scores by the left side alone, scores by the whole sentence, written freely?).

    By the whole sentence: how likely the word and all that follows it are.
    """
    left, right = tokens_of(blank.left, tokenizer), tokens_of(blank.right, tokenizer)
    words = [tokens_of(word, tokenizer) for word in blank.words]
    ids = torch.tensor([[tokenizer.cls_token_id, *left, *word, *right] for word in words])
    asked = ids[:, len(left) + 1 :]
    keep = asked.shape[1] + 1
    logits = model(ids.to(model.device), use_cache=False, logits_to_keep=keep).logits
    logs = logits[:, :-1].float().cpu().log_softmax(-1)
    chosen = logs.gather(-1, asked.unsqueeze(-1)).squeeze(-1)
    size = len(words[0])
    freely = bool((logs[0, :size].argmax(-1) == asked[0, :size]).all())
    return chosen[:, :size].sum(1), chosen.sum(1), freely


@torch.inference_mode()
def fill_with_t5(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, blank: Blank
) -> tuple[Tensor, bool]:
    """A sentinel in the word's place; the score is that of the word and the next sentinel."""
    first, second = sentinel_ids(tokenizer)[:2]
    middle = [inner_tokens(part, tokenizer) for part in (blank.right, *blank.words)]
    source = [*tokens_of(blank.left, tokenizer), first, *middle[0], tokenizer.eos_token_id]
    read = model.get_encoder()(torch.tensor([source]).to(model.device))
    scores, freely = [], False
    for place, word in enumerate(middle[1:]):
        answer = torch.tensor([[first, *word, second]]).to(model.device)
        logs = model(encoder_outputs=read, labels=answer).logits[0].float().log_softmax(-1)
        scores.append(logs.gather(-1, answer[0].unsqueeze(-1))[1:].sum().cpu())
        if place == 0:
            freely = bool((logs.argmax(-1) == answer[0]).all())
    return torch.stack(scores), freely


def inner_tokens(text: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """SentencePiece ids of a text in the middle of another, without the sign of a new word.

    The text is cut behind a sign that is in no piece, which is then taken off.
    """
    sign = "\u0001"
    return tokens_of(sign + text, tokenizer)[len(tokens_of(sign, tokenizer)) :]


def count_words(texts: Sequence[str]) -> Counter:
    """How often each two-character word occurs: what the unigram control goes by."""
    return Counter(word for text in texts for _, word in two_character_words(text))
