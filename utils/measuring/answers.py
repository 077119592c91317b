"""Answers measured as in SQuAD 2.0, by characters as Chinese needs it; the threshold; baselines.

Sources: Rajpurkar et al. 2018, arXiv 1806.03822 (unanswerable questions, the threshold); Cui et al.
2019, arXiv 1810.07366 (CMRC 2018: F1 over characters).
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.finetuning import Answer, answer_questions, sentence_spans


def normal_form(text: str) -> str:
    """Half-width, lower case, without blanks and punctuation.

    A text of marks alone keeps them: otherwise the answer "+" would be none.
    """
    text = "".join(unicodedata.normalize("NFKC", text).lower().split())
    bare = "".join(each for each in text if not _is_mark(each))
    return bare or text


def _is_mark(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1 if the prediction is one of the accepted answers, in normal form, else 0.

    Without an accepted answer the question has none, and "" is right.

    Raises:
        ValueError: one answer as a string, whose characters would count as answers.
    """
    _check_list(answers)
    wanted = {normal_form(answer) for answer in answers} or {""}
    return float(normal_form(prediction) in wanted)


def character_f1(prediction: str, answers: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of the characters, in normal form; the best of the
    accepted answers. Their order does not count, how often each stands does.

    Without an accepted answer: 1 for "", else 0.

    Raises:
        ValueError: one answer as a string, whose characters would count as answers.
    """
    _check_list(answers)
    predicted = Counter(normal_form(prediction))
    if not answers or not predicted:
        return float(not answers and not predicted)
    best = 0.0
    for answer in answers:
        wanted = Counter(normal_form(answer))
        common = (predicted & wanted).total()
        best = max(best, 2 * common / (predicted.total() + wanted.total()))
    return best


def _check_list(answers: Sequence[str]) -> None:
    if isinstance(answers, str):
        raise ValueError(f"answers={answers[:20]!r} is one text; give a list of accepted texts")


def accepted_answers(dataset: Dataset) -> list[list[str]]:
    """The texts of the accepted answers of each question; [] where it has none."""
    return [list(answers["text"]) for answers in dataset["answers"]]


def answer_scores(predictions: Sequence[str], answers: Sequence[Sequence[str]]) -> dict[str, float]:
    """Means over the questions, from 0 to 1: `exact` and `f1` of all, `f1_answerable` and
    `f1_unanswerable` of those with and without an answer (nan where there are no such questions).

    Args:
        predictions: a text a question, "" for "no answer".
        answers: the accepted texts of each question, [] where it has no answer.
    Raises:
        ValueError: no questions, or not as many predictions.
    """
    if not answers or len(predictions) != len(answers):
        raise ValueError(f"{len(predictions)} predictions for {len(answers)} questions")
    pairs = list(zip(predictions, answers, strict=True))
    f1 = np.array([character_f1(*pair) for pair in pairs])
    answerable = np.array([bool(wanted) for _, wanted in pairs])
    return {
        "exact": float(np.mean([exact_match(*pair) for pair in pairs])),
        "f1": float(f1.mean()),
        "f1_answerable": float(f1[answerable].mean()) if answerable.any() else float("nan"),
        "f1_unanswerable": float(f1[~answerable].mean()) if not answerable.all() else float("nan"),
    }


# ---------------------------------------------------------------- answer or none


def decide(answers: Sequence[Answer], threshold: float = 0.0) -> list[str]:
    """The text of each answer that beats "no answer" by more than `threshold`, "" of others."""
    return [answer.text if answer.margin > threshold else "" for answer in answers]


def choose_threshold(
    answers: Sequence[Answer], accepted: Sequence[Sequence[str]]
) -> tuple[float, float]:
    """(threshold, mean F1 there): the best one for `decide` on these questions.

    To be chosen on the validation split: chosen on the test split it would flatter. Candidates are
    0, the middles between neighbouring margins, and one below and one above them all, which answer
    always and never. Of equally good ones that nearest to 0.
    """
    if not answers or len(answers) != len(accepted):
        raise ValueError(f"{len(answers)} answers for {len(accepted)} questions")
    margins = np.array([answer.margin for answer in answers])
    said = np.array(
        [character_f1(each.text, wanted) for each, wanted in zip(answers, accepted, strict=True)]
    )
    silent = np.array([character_f1("", wanted) for wanted in accepted])
    known = np.unique(margins[np.isfinite(margins)])
    ends = [known[0] - 1, known[-1] + 1] if len(known) else []
    candidates = sorted([0.0, *(known[1:] + known[:-1]) / 2, *ends], key=abs)
    # Rounded: a sum of the same numbers in another order differs in its last digit.
    means = [np.where(margins > each, said, silent).mean().round(9) for each in candidates]
    best = int(np.argmax(means))
    return float(candidates[best]), float(means[best])


def answer_measure(
    dataset: Dataset, tokenizer: PreTrainedTokenizerBase, **options: int
) -> Callable[[PreTrainedModel], dict[str, float]]:
    """The measure for `fine_tune_by`: `exact` and `f1` on these questions, from 0 to 1, and the
    `threshold` at which they are reached, the best one of that model.

    Args:
        options: as for `answer_questions`.
    """
    accepted = accepted_answers(dataset)

    def measure(model: PreTrainedModel) -> dict[str, float]:
        answers = answer_questions(
            model, tokenizer, dataset["question"], dataset["context"], **options
        )
        threshold, _ = choose_threshold(answers, accepted)
        scores = answer_scores(decide(answers, threshold), accepted)
        return {"exact": scores["exact"], "f1": scores["f1"], "threshold": threshold}

    return measure


# ---------------------------------------------------------------- baselines by shared words

NUMBER = re.compile(
    r"[0-9０-９][0-9０-９.：]*(?:[A-Za-z℃㎡]+|[年月日]\d*[月日]?\d*日?|[万亿]?[\u4e00-\u9fff])?"
    r"|[零一二两三四五六七八九十百千万半]{1,}[\u4e00-\u9fff]"
)


def shared_bigrams(one: str, other: str) -> int:
    """How many pairs of neighbouring characters two texts share, each as often as both have it."""
    return (_bigrams(one) & _bigrams(other)).total()


def _bigrams(text: str) -> Counter:
    return Counter(text[place : place + 2] for place in range(len(text) - 1))


def nearest_sentence(question: str, context: str) -> str:
    """The sentence of the passage that shares most pairs of characters with the question.

    The first of them where several do; "" of an empty passage.
    """
    found = [context[start:end] for start, end in sentence_spans(context)]
    return max(found, key=lambda sentence: shared_bigrams(question, sentence), default="")


def span_by_question_word(question: str, context: str) -> str:
    """A stretch of the nearest sentence: a number if the question asks for one, from 因为 on if it
    asks why, otherwise the longest piece between marks and the question's own words."""
    sentence = nearest_sentence(question, context)
    if re.search(r"多[少长宽高大久重远深]|几|哪一?[天年日]|什么时候", question):
        for found in NUMBER.findall(sentence):
            if found not in question:
                return found
    if re.search(r"为什么|为何", question):
        because = re.search(r"(?:因为|因|为了)[^。；]+", sentence)
        if because:
            return because[0].rstrip("。；”")
        clauses = [clause for clause in re.split(r"[，。；：！？]", sentence) if clause]
        return min(
            clauses, key=lambda clause: shared_bigrams(clause, question) / len(clause), default=""
        )
    known = _bigrams(question)
    pieces, piece = [], ""
    for place, character in enumerate(sentence):
        asked = sentence[place : place + 2] in known or sentence[place - 1 : place + 1] in known
        if asked or character in "，。；：、！？“”（）的了是在":
            pieces.append(piece)
            piece = ""
        else:
            piece += character
    return max([*pieces, piece], key=len)
