"""The door to measuring: baselines, probes, likelihood, entities, answers, grades, search, costs.

baselines, probe             the majority, TF-IDF at its strongest; what frozen features know
own_data                     what few texts can tell: cross-validation, intervals, a threshold
entities, answers            names and answers found, and baselines that find some
correlation, pair_controls   grades of pairs, and what a model of pairs has to beat
retrieval                    search, and BM25 to compare with
likelihood                   how likely BERT, GPT and T5 find a text or a word in it
costs                        milliseconds and memory of a prediction
"""

from utils.measuring.answers import (
    accepted_answers,
    answer_measure,
    answer_scores,
    character_f1,
    choose_threshold,
    decide,
    exact_match,
    nearest_sentence,
    normal_form,
    shared_bigrams,
    span_by_question_word,
)
from utils.measuring.baselines import (
    CHINESE_TERMS,
    ENGLISH_TERMS,
    majority_class,
    strongest_tfidf,
    tfidf_classifier,
)
from utils.measuring.correlation import correlations, in_words, is_constant
from utils.measuring.costs import (
    milliseconds,
    peak_megabytes,
    weights_megabytes,
)
from utils.measuring.entities import (
    TAGGERS,
    EntityScore,
    Tagger,
    dictionary_tagger,
    entity_counts,
    entity_scores,
    linear_tagger,
    only_o,
    strongest_tagger,
    token_accuracy,
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
from utils.measuring.own_data import (
    Estimate,
    Threshold,
    accuracy_interval,
    confidence_threshold,
    estimate,
    folds,
    out_of_fold,
)
from utils.measuring.pair_controls import (
    PairTfidf,
    best_threshold,
    overlaps,
    pair_controls,
    strongest_pair_tfidf,
)
from utils.measuring.probe import (
    fit_probe,
)
from utils.measuring.retrieval import (
    bm25,
    mean_random_cosine,
    mean_reciprocal_rank,
    recall_at,
    tfidf_cosines,
)

__all__ = [
    "Blank",
    "CHINESE_TERMS",
    "ENGLISH_TERMS",
    "EntityScore",
    "Estimate",
    "PairTfidf",
    "TAGGERS",
    "Tagger",
    "Threshold",
    "accepted_answers",
    "accuracy_interval",
    "answer_measure",
    "answer_scores",
    "best_threshold",
    "bm25",
    "character_f1",
    "choose_threshold",
    "confidence_threshold",
    "continue_with_gpt",
    "continue_with_t5",
    "correlations",
    "count_words",
    "decide",
    "dictionary_tagger",
    "entity_counts",
    "entity_scores",
    "estimate",
    "exact_match",
    "fill_with_bert",
    "fill_with_gpt",
    "fill_with_t5",
    "fit_probe",
    "folds",
    "halves",
    "in_words",
    "inner_tokens",
    "is_constant",
    "linear_tagger",
    "majority_class",
    "make_blanks",
    "mean_random_cosine",
    "mean_reciprocal_rank",
    "milliseconds",
    "nearest_sentence",
    "next_token_losses",
    "normal_form",
    "only_o",
    "out_of_fold",
    "overlaps",
    "pair_controls",
    "peak_megabytes",
    "perplexities",
    "pseudo_losses",
    "recall_at",
    "shared_bigrams",
    "span_by_question_word",
    "strongest_pair_tfidf",
    "strongest_tagger",
    "strongest_tfidf",
    "tfidf_classifier",
    "tfidf_cosines",
    "token_accuracy",
    "tokens_of",
    "two_character_words",
    "unigram_losses",
    "weights_megabytes",
    "word_is_known",
]
