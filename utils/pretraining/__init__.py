"""The door to pretraining: text to rows, masking, the three objectives, their measures.

Chapters 3, 7 and 8 build these pieces one by one; `scripts/pretrain.py` trains with them.
"""

from utils.pretraining.causal import (
    BertForCausalPretraining,
    CausalCollator,
    Passages,
    evaluate_causal,
    passages,
)
from utils.pretraining.loop import (
    train_steps,
)
from utils.pretraining.masked import (
    BertForMaskedPreTraining,
    evaluate_pretraining,
    pretraining_logits,
    pretraining_loss,
)
from utils.pretraining.masking import (
    IGNORE,
    SPECIAL_TOKENS,
    PretrainingCollator,
    first_places,
    mask_tokens,
    random_spans,
    word_ids,
)
from utils.pretraining.pairs import (
    IS_NEXT,
    NOT_NEXT,
    SegmentPairs,
    segment_pairs,
    truncate_pair,
)
from utils.pretraining.replaced import (
    ReplacedTokenModel,
    mean_cross_entropy,
    replace,
    replaced_token_losses,
    sample,
)
from utils.pretraining.rows import CompactRows, in_batches_of_similar_length
from utils.pretraining.spans import (
    TextToTextCollator,
    corrupt_spans,
    evaluate_text_to_text,
    random_parts,
)
from utils.pretraining.text import (
    encode_documents,
    read_documents,
    sentinel_ids,
    split_documents,
    train_sentencepiece,
    train_wordpiece,
)
from utils.pretraining.unigram import (
    unigram_baseline,
    unigram_of_answers,
)

__all__ = [
    "BertForCausalPretraining",
    "BertForMaskedPreTraining",
    "CausalCollator",
    "CompactRows",
    "IGNORE",
    "IS_NEXT",
    "NOT_NEXT",
    "Passages",
    "PretrainingCollator",
    "ReplacedTokenModel",
    "SPECIAL_TOKENS",
    "SegmentPairs",
    "TextToTextCollator",
    "corrupt_spans",
    "encode_documents",
    "evaluate_causal",
    "evaluate_pretraining",
    "evaluate_text_to_text",
    "first_places",
    "in_batches_of_similar_length",
    "mask_tokens",
    "mean_cross_entropy",
    "passages",
    "pretraining_logits",
    "pretraining_loss",
    "random_parts",
    "random_spans",
    "read_documents",
    "replace",
    "replaced_token_losses",
    "sample",
    "segment_pairs",
    "sentinel_ids",
    "split_documents",
    "train_sentencepiece",
    "train_steps",
    "train_wordpiece",
    "truncate_pair",
    "unigram_baseline",
    "unigram_of_answers",
    "word_ids",
]
