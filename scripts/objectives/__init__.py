"""What differs between pretraining BERT, GPT and T5; all the rest is in pretrain.py.

    run          what a run is asked for, and what an objective makes of it
    bert, gpt    the same trunk: masked tokens and next sentences; the next token
    t5           hidden spans
    t5_start     where a small T5 looks before its first step
    tasks        T5's tasks as text, mixed with running text
    trainer      the loop of all of them
    remarks      single sentences of film reviews, one of the tasks

Each objective takes the run, the tokenizer, the encoded corpus and the rows of the tasks, and gives
a `Setup`.
"""

from transformers import (
    BertForPreTraining,
    BertLMHeadModel,
    BertTokenizer,
    T5ForConditionalGeneration,
    T5Tokenizer,
)

from objectives.bert import mlm
from objectives.gpt import causal
from objectives.run import Run, Setup, launch, set_dropout
from objectives.t5 import spans
from objectives.tasks import TASKS, load_task
from objectives.trainer import PretrainingTrainer, training_arguments
from utils.pretraining import train_sentencepiece, train_wordpiece

OBJECTIVES = {"mlm": mlm, "causal": causal, "spans": spans}
# objective -> the class of transformers under which others load the same weights
PUBLISHED = {
    "mlm": BertForPreTraining,
    "causal": BertLMHeadModel,
    "spans": T5ForConditionalGeneration,
}
# objective -> (class of its tokenizer, how its vocabulary is trained)
TOKENIZERS = {
    "mlm": (BertTokenizer, train_wordpiece),
    "causal": (BertTokenizer, train_wordpiece),
    "spans": (T5Tokenizer, train_sentencepiece),
}

__all__ = [
    "OBJECTIVES",
    "PUBLISHED",
    "PretrainingTrainer",
    "Run",
    "Setup",
    "TASKS",
    "TOKENIZERS",
    "launch",
    "load_task",
    "set_dropout",
    "training_arguments",
]
