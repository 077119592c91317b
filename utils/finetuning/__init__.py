"""The door to fine-tuning: classifiers, taggers, the recipe, tasks as text, answers, pairs, search.

recipe, by_measure       the training of all of them, the best epoch by F1 or a measure of yours
freezing                 the lower layers stay as they are
classifier, sentiment    texts into classes; a classifier that is trained already
tokens                   named entities: labels for word pieces, a tagger, spans back
extraction               answers from a passage
pairs                    two sentences, a class or a grade
encoders, search         sentences as vectors, trained; the nearest ones
answers, labelling       classes as text, written by T5 or scored by a language model
packing                  the same logits with less work
saving                   a model with its tokenizer in a folder, and back
"""

from utils.finetuning.answers import (
    NEWS_PREFIX,
    REVIEW_ANSWERS,
    REVIEW_PREFIX,
    TOPIC_ANSWERS,
    TOPIC_PREFIX,
    encode_task,
    exact_answers,
    only_these,
    task_rows,
)
from utils.finetuning.by_measure import MeasuringTrainer, fine_tune_by
from utils.finetuning.classifier import (
    as_texts,
    by_length,
    check_positions,
    holds_known,
    most_tokens,
    new_classifier,
    predict,
    predict_and_known,
    sentence_features,
)
from utils.finetuning.encoders import (
    contrastive_fine_tune,
    load_sentence_encoder,
    similarity_fine_tune,
)
from utils.finetuning.extraction import (
    OUTSIDE,
    Answer,
    answer_questions,
    best_span,
    load_extractor,
    new_extractor,
    question_windows,
)
from utils.finetuning.freezing import freeze
from utils.finetuning.labelling import (
    as_asked,
    classes_of,
    is_t5,
    language_model,
    new_labeller,
    new_model,
    write_labels,
)
from utils.finetuning.packing import (
    PackedRows,
    block_mask,
    leaves_padding_out,
    pack,
    packed_logits,
    without_padding,
)
from utils.finetuning.pairs import (
    cosines,
    fine_tune_regressor,
    new_regressor,
    pair_features,
    predict_pairs,
    predict_scores,
    tokenize_pairs,
    without_seen,
)
from utils.finetuning.recipe import (
    BucketTrainer,
    ShuffledBatches,
    check_classes,
    course_recipe,
    fine_tune,
    run_trainer,
    tokenize,
)
from utils.finetuning.saving import load_classifier, save_classifier
from utils.finetuning.search import (
    best_places,
    central_sentences,
    encode_sentences,
    first_sentences,
    nearest_texts,
    sentence_spans,
    unit_vectors,
)
from utils.finetuning.sentiment import (
    HEAD,
    is_head,
    load_head,
    save_head,
    sentiment_classifier,
)
from utils.finetuning.tokens import (
    REPAIRS,
    PieceScores,
    best_legal_path,
    count_repairs,
    decode_labels,
    entities_in,
    fine_tune_tagger,
    label_names_of,
    labels_of_characters,
    labels_of_pieces,
    load_tagger,
    new_tagger,
    piece_scores,
    predict_entities,
    tokenize_entities,
)

__all__ = [
    "Answer",
    "BucketTrainer",
    "HEAD",
    "MeasuringTrainer",
    "NEWS_PREFIX",
    "OUTSIDE",
    "PackedRows",
    "PieceScores",
    "REPAIRS",
    "REVIEW_ANSWERS",
    "REVIEW_PREFIX",
    "ShuffledBatches",
    "TOPIC_ANSWERS",
    "TOPIC_PREFIX",
    "answer_questions",
    "as_asked",
    "as_texts",
    "best_legal_path",
    "best_places",
    "best_span",
    "block_mask",
    "by_length",
    "central_sentences",
    "check_classes",
    "check_positions",
    "classes_of",
    "contrastive_fine_tune",
    "cosines",
    "count_repairs",
    "course_recipe",
    "decode_labels",
    "encode_sentences",
    "encode_task",
    "entities_in",
    "exact_answers",
    "fine_tune",
    "fine_tune_by",
    "fine_tune_regressor",
    "fine_tune_tagger",
    "first_sentences",
    "freeze",
    "holds_known",
    "is_head",
    "is_t5",
    "label_names_of",
    "labels_of_characters",
    "labels_of_pieces",
    "language_model",
    "leaves_padding_out",
    "load_classifier",
    "load_extractor",
    "load_head",
    "load_sentence_encoder",
    "load_tagger",
    "most_tokens",
    "nearest_texts",
    "new_classifier",
    "new_extractor",
    "new_labeller",
    "new_model",
    "new_regressor",
    "new_tagger",
    "only_these",
    "pack",
    "packed_logits",
    "pair_features",
    "piece_scores",
    "predict",
    "predict_and_known",
    "predict_entities",
    "predict_pairs",
    "predict_scores",
    "question_windows",
    "run_trainer",
    "save_classifier",
    "save_head",
    "sentence_features",
    "sentence_spans",
    "sentiment_classifier",
    "similarity_fine_tune",
    "task_rows",
    "tokenize",
    "tokenize_entities",
    "tokenize_pairs",
    "unit_vectors",
    "without_padding",
    "without_seen",
    "write_labels",
]
