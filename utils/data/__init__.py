"""The door to the data: texts with labels, whatever form they are in; samples; long texts."""

from utils.data.rows import DataError
from utils.data.shorten import PARTS, shorten
from utils.data.splits import THUCNEWS_CLASSES, balanced_sample
from utils.data.texts import IMDB_CLASSES, load_imdb, load_texts, load_thucnews

__all__ = [
    "DataError",
    "IMDB_CLASSES",
    "PARTS",
    "THUCNEWS_CLASSES",
    "balanced_sample",
    "load_imdb",
    "load_texts",
    "load_thucnews",
    "shorten",
]
