"""A BERT small enough for a test: 1 layer × 32, a character vocabulary, random weights."""

from pathlib import Path

import torch
from transformers import BertConfig, BertForPreTraining, BertTokenizer

from utils.pretraining import IGNORE

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS = [*"0123456789球队主场三连胜比赛射门得分股价银行降息利率市，。的了在是我们今天"]
VOCABULARY = {token: place for place, token in enumerate(SPECIAL + CHARACTERS)}


def tiny_config(**options) -> BertConfig:
    usual = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,  # so that different texts give visibly different results
    }
    return BertConfig(vocab_size=len(VOCABULARY), pad_token_id=0, **(usual | options))


def tiny_tokenizer() -> BertTokenizer:
    return BertTokenizer(vocab=dict(VOCABULARY), model_max_length=64)


def save_tiny_bert(folder: Path, dtype=torch.float32, **options) -> Path:
    """Write a pretrained model (encoder, MLM and NSP heads) and its tokenizer; return `folder`."""
    torch.manual_seed(0)
    BertForPreTraining(tiny_config(**options)).to(dtype).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return Path(folder)


def pair_rows(count: int = 6) -> list[dict]:
    """Pairs of different lengths with an [UNK] in each; the last has no B and no NSP label."""
    result = []
    for number in range(count):
        first, second = [5 + number] * (3 + 2 * number), [20 + number, 1, 30]
        if number == count - 1:
            second = []
        tail = [*second, 3] if second else []
        row = {
            "input_ids": [2, *first, 3, *tail],
            "token_type_ids": [0] * (len(first) + 2) + [1] * len(tail),
            "next_sentence_label": number % 2 if second else IGNORE,
        }
        result.append(row)
    return result
