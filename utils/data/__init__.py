"""The door to the data: texts and their audit, names, questions, pairs, whatever form they are in; long texts.

texts, tables                  texts with a class: THUCNews, IMDb, a table of your own
sheets, cells                  Excel files; a cell as the text that its reader sees
entities, entity_sentences     sentences with names; one of them, and what is said of its labels
entity_lines, entity_json      files of them, a label a line or in JSON
marked                         the names in an object, as many tools write them
schemes, spans                 labels in BIO, BMES and so on; the same names as spans
questions                      passages with questions
pairs, pair_files              two sentences with a class or a grade; the rows of their files
pair_groups                    pairs that share a sentence
audit                          what is wrong with texts before anything is trained on them
shorten                        which part of a long text to keep
layout, sources                which file holds which split
rows, objects, content         rows of a file, values of JSON, bytes in any encoding
problems                       what is wrong in a file, told at once with the cure
splits, staging                ids for the labels, splits where a source has one part; rows to Arrow
fetch, no_text                 the Hub and archives; what a file is that holds no text
"""

from utils.data.audit import Audit, audit_texts, near_duplicates
from utils.data.content import DataError
from utils.data.entities import load_entities
from utils.data.no_text import what_it_is
from utils.data.pairs import NLI_CLASSES, load_pairs
from utils.data.questions import load_questions
from utils.data.rows import LABEL_NAMES, TEXT_NAMES, Row, is_empty_cell, is_seen
from utils.data.schemes import detect_scheme, impossible_labels, to_bio
from utils.data.shorten import PARTS, shorten
from utils.data.spans import Span, bio_of, spans_of, texts_and_spans
from utils.data.splits import THUCNEWS_CLASSES, balanced_sample
from utils.data.tables import (
    OpenTable,
    Table,
    TableRow,
    each_usable_row,
    open_table,
    read_rows,
    read_table,
)
from utils.data.texts import IMDB_CLASSES, load_imdb, load_texts, load_thucnews

__all__ = [
    "Audit",
    "DataError",
    "IMDB_CLASSES",
    "LABEL_NAMES",
    "NLI_CLASSES",
    "OpenTable",
    "PARTS",
    "Row",
    "Span",
    "TEXT_NAMES",
    "THUCNEWS_CLASSES",
    "Table",
    "TableRow",
    "audit_texts",
    "balanced_sample",
    "bio_of",
    "detect_scheme",
    "each_usable_row",
    "impossible_labels",
    "is_empty_cell",
    "is_seen",
    "load_entities",
    "load_imdb",
    "load_pairs",
    "load_questions",
    "load_texts",
    "load_thucnews",
    "near_duplicates",
    "open_table",
    "read_rows",
    "read_table",
    "shorten",
    "spans_of",
    "texts_and_spans",
    "to_bio",
    "what_it_is",
]
