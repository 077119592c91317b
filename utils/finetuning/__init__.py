"""The door to fine-tuning: classifiers, the recipe, tasks as text, language models as classifiers."""

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
from utils.finetuning.classifier import (
    by_length,
    new_classifier,
    predict,
    sentence_features,
)
from utils.finetuning.labelling import (
    as_asked,
    classes_of,
    is_t5,
    language_model,
    new_labeller,
    new_model,
    write_labels,
)
from utils.finetuning.recipe import (
    BucketTrainer,
    ShuffledBatches,
    check_classes,
    fine_tune,
    tokenize,
)
from utils.finetuning.saving import load_classifier, save_classifier
from utils.finetuning.sentiment import (
    HEAD,
    is_head,
    load_head,
    save_head,
    sentiment_classifier,
)

__all__ = [
    "BucketTrainer",
    "HEAD",
    "NEWS_PREFIX",
    "REVIEW_ANSWERS",
    "REVIEW_PREFIX",
    "ShuffledBatches",
    "TOPIC_ANSWERS",
    "TOPIC_PREFIX",
    "as_asked",
    "by_length",
    "check_classes",
    "classes_of",
    "encode_task",
    "exact_answers",
    "fine_tune",
    "is_head",
    "is_t5",
    "language_model",
    "load_classifier",
    "load_head",
    "new_classifier",
    "new_labeller",
    "new_model",
    "only_these",
    "predict",
    "save_classifier",
    "save_head",
    "sentence_features",
    "sentiment_classifier",
    "task_rows",
    "tokenize",
    "write_labels",
]
