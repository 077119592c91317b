"""The door to pretraining: text to rows, masking, the three objectives, their measures.

Chapters 3, 7 and 8 build these pieces one by one; `scripts/pretrain.py` trains with them.

    text                    files to documents, sentences to token ids
    pairs, causal, rows     documents to rows, for text that fits into memory
    corpus, mapped          the same for text of any size: encoded on disk, rows cut when asked for
    masking, spans          rows to batches: what is hidden
    masked, replaced        BERT's objective, ELECTRA's
    loop, unigram           a plain training loop, and the guess that every model must beat
"""

from utils.pretraining.causal import (
    BertForCausalPretraining,
    CausalCollator,
    Passages,
    evaluate_causal,
    passages,
)
from utils.pretraining.corpus import Corpus, prepare_corpus
from utils.pretraining.loop import train_steps
from utils.pretraining.mapped import MappedRows
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
    judging_head,
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
    is_address,
    read_documents,
    sentinel_ids,
    split_documents,
    stream_split,
    text_sha256,
    train_sentencepiece,
    train_wordpiece,
)
from utils.pretraining.unigram import (
    unigram_baseline,
    unigram_of_answers,
    unigram_of_counts,
)

__all__ = [
    "BertForCausalPretraining",
    "BertForMaskedPreTraining",
    "CausalCollator",
    "CompactRows",
    "Corpus",
    "IGNORE",
    "IS_NEXT",
    "MappedRows",
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
    "is_address",
    "judging_head",
    "mask_tokens",
    "mean_cross_entropy",
    "passages",
    "prepare_corpus",
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
    "stream_split",
    "text_sha256",
    "train_sentencepiece",
    "train_steps",
    "train_wordpiece",
    "truncate_pair",
    "unigram_baseline",
    "unigram_of_answers",
    "unigram_of_counts",
    "word_ids",
]
