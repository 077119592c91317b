"""The door to measuring: baselines, probes, likelihood, costs."""

from utils.measuring.baselines import (
    CHINESE_TERMS,
    ENGLISH_TERMS,
    majority_class,
    strongest_tfidf,
    tfidf_classifier,
)
from utils.measuring.costs import (
    milliseconds,
    peak_megabytes,
    weights_megabytes,
)
from utils.measuring.likelihood import (
    Blank,
    continue_with_gpt,
    continue_with_t5,
    count_words,
    fill_with_bert,
    fill_with_gpt,
    fill_with_t5,
    halves,
    inner_tokens,
    make_blanks,
    next_token_losses,
    perplexities,
    pseudo_losses,
    tokens_of,
    two_character_words,
    unigram_losses,
    word_is_known,
)
from utils.measuring.probe import (
    fit_probe,
)

__all__ = [
    "Blank",
    "CHINESE_TERMS",
    "ENGLISH_TERMS",
    "continue_with_gpt",
    "continue_with_t5",
    "count_words",
    "fill_with_bert",
    "fill_with_gpt",
    "fill_with_t5",
    "fit_probe",
    "halves",
    "inner_tokens",
    "majority_class",
    "make_blanks",
    "milliseconds",
    "next_token_losses",
    "peak_megabytes",
    "perplexities",
    "pseudo_losses",
    "strongest_tfidf",
    "tfidf_classifier",
    "tokens_of",
    "two_character_words",
    "unigram_losses",
    "weights_megabytes",
    "word_is_known",
]
