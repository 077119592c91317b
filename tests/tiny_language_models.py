"""A GPT and a T5 small enough for a test, saved as folders: random weights, a vocabulary each.

The weights are saved in fp16, as those that ship are.
"""

from pathlib import Path

import torch
from tiny_bert import CHARACTERS, tiny_config, tiny_tokenizer
from transformers import BertLMHeadModel, T5Config, T5ForConditionalGeneration, T5Tokenizer

from utils.pretraining.text import SENTINELS

NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def save_tiny_gpt(folder: Path, **options) -> Path:
    torch.manual_seed(0)
    options = NO_DROPOUT | options
    config = tiny_config(is_decoder=True, bos_token_id=2, eos_token_id=3, **options)
    BertLMHeadModel(config).half().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return Path(folder)


def tiny_t5_tokenizer() -> T5Tokenizer:
    """One piece a character, "▁" at the start of a text, 100 sentinels."""
    pieces = ["<pad>", "</s>", "<unk>", "▁", *dict.fromkeys([*CHARACTERS, *"分类：别"])]
    vocab = [(piece, -float(place)) for place, piece in enumerate(pieces)]
    vocab += [(f"<extra_id_{i}>", 0.0) for i in reversed(range(SENTINELS))]
    return T5Tokenizer(vocab=vocab, extra_ids=SENTINELS, model_max_length=64)


def save_tiny_t5(folder: Path, **options) -> Path:
    torch.manual_seed(0)
    tokenizer = tiny_t5_tokenizer()
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=16, num_heads=2, d_ff=64, num_layers=1,
        dropout_rate=0.0, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, **options,
    )  # fmt: skip
    T5ForConditionalGeneration(config).half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)
