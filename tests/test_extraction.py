"""utils.finetuning.extraction: windows, spans, answers, on a BERT of one layer."""

import random

import numpy as np
import pytest
import torch
from datasets import Dataset
from tiny_bert import CHARACTERS, save_tiny_bert, tiny_tokenizer

from utils import finetuning
from utils.finetuning import OUTSIDE, Answer, answer_questions, best_span, question_windows
from utils.measuring import accepted_answers, answer_measure, answer_scores, decide
from utils.models import ModelError

CLS, SEP = 2, 3
HIGH = 5.0


@pytest.fixture(autouse=True)
def in_float32(monkeypatch):
    monkeypatch.setattr("utils.finetuning.classifier.bf16_available", lambda: False)


def rows_of(*rows):
    """A data set of (question, context, [(answer, start), ...])."""
    return Dataset.from_list(
        [
            {
                "id": str(number),
                "question": question,
                "context": context,
                "answers": {
                    "text": [text for text, _ in answers],
                    "answer_start": [start for _, start in answers],
                },
            }
            for number, (question, context, answers) in enumerate(rows)
        ]
    )


LETTERS = [each for each in CHARACTERS if not each.isdigit()]  # "2025" would be one piece


def characters(count, seed=0):
    """A text with a piece for each character."""
    return "".join(random.Random(seed).choices(LETTERS, k=count))


def text_of(window, context):
    """What a window says is the answer; None at [CLS]."""
    start, end = window["start_positions"], window["end_positions"]
    if start == end == 0:
        return None
    return context[window["offsets"][start][0] : window["offsets"][end][1]]


# question_windows


def test_a_short_passage_is_one_window_and_the_answer_is_pointed_at(tokenizer):
    context = "球队今天3比2主场射门得分。"
    (window,) = question_windows(
        rows_of(("比分？", context, [("3比2", 4)])), tokenizer, max_length=40, stride=8
    )
    assert window["input_ids"][0] == CLS and window["input_ids"].count(SEP) == 2
    assert (window["row"], text_of(window, context)) == (0, "3比2")
    inside = [tuple(offset) for offset in window["offsets"] if tuple(offset) != OUTSIDE]
    assert inside == [(i, i + 1) for i in range(len(context))]
    assert window["offsets"][: len("比分？") + 2] == [list(OUTSIDE)] * 5
    assert window["token_type_ids"] == [0] * 5 + [1] * (len(context) + 1)


def test_what_the_passage_shares_with_the_question_is_marked(tokenizer):
    question, context = "球队得分", "我们得分，球的分得，球队得分。"
    rows = rows_of((question, context, []))
    (plain,) = question_windows(rows, tokenizer, 40, 8)
    (marked,) = question_windows(rows, tokenizer, 40, 8, mark_shared=True)
    inside = plain["offsets"].index([0, 1])
    shared = [i for i, segment in enumerate(marked["token_type_ids"][inside:]) if not segment]
    # Two neighbours in their order: neither 球 nor 分得 alone.
    assert shared == [2, 3, *range(10, 14)]
    assert all(marked[name] == plain[name] for name in plain if name != "token_type_ids")


def test_marks_do_not_join_pieces_over_an_edge(tokenizer):
    """得 ends the passage, 分 begins it; in the question they are neighbours."""
    (window,) = question_windows(
        rows_of(("得分", "分了的得", [])), tokenizer, 40, 8, mark_shared=True
    )
    assert window["token_type_ids"] == [0] * 4 + [1] * 5
    (window,) = question_windows(rows_of(("得分", "", [])), tokenizer, 40, 8, mark_shared=True)
    assert window["row"] == 0


def test_marks_need_segments():
    without = tiny_tokenizer()
    without.model_input_names = ["input_ids", "attention_mask"]
    with pytest.raises(ValueError, match="mark_shared: this tokenizer gives no segments"):
        question_windows(rows_of(("得分", "得分", [])), without, 40, 8, mark_shared=True)


def test_windows_of_a_passage_of_750_characters(tokenizer):
    """All of it is covered, neighbours share exactly the stride, none is too long."""
    context, question = characters(750), "今天得分"
    windows = question_windows(
        rows_of((question, context, [(context[300:304], 300)])), tokenizer, 256, 96
    )
    spans = []
    for window in windows:
        assert len(window["input_ids"]) <= 256
        inside = [offset for offset in window["offsets"] if tuple(offset) != OUTSIDE]
        spans.append((inside[0][0], inside[-1][1]))
        begin, end = spans[-1]
        whole = begin <= 300 and 304 <= end
        assert text_of(window, context) == (context[300:304] if whole else None)
    assert spans[0][0] == 0 and spans[-1][1] == 750 and len(spans) == 5
    assert all(a[1] - b[0] == 96 for a, b in zip(spans, spans[1:], strict=False))


def test_every_answer_of_up_to_a_stride_is_whole_in_a_window_and_cut_ones_are_not_pointed_at(
    tokenizer,
):
    context, size = characters(200), 12
    rows = [("得分", context, [(context[at : at + size], at)]) for at in range(200 - size + 1)]
    windows = question_windows(rows_of(*rows), tokenizer, max_length=40, stride=size)
    found = {row: [] for row in range(len(rows))}
    for window in windows:
        found[window["row"]].append(text_of(window, context))
        # A window that begins or ends within the answer has a part of it, which must not count.
        assert found[window["row"]][-1] in (None, rows[window["row"]][2][0][0])
    assert all(any(texts) for texts in found.values())
    assert all(None in texts for texts in found.values())


def test_an_answer_longer_than_the_window_is_pointed_at_nowhere(tokenizer):
    context = characters(100)
    windows = question_windows(rows_of(("得分", context, [(context[10:80], 10)])), tokenizer, 40, 8)
    assert {text_of(window, context) for window in windows} == {None}


def test_answers_at_both_ends_of_the_passage(tokenizer):
    context = characters(100)
    rows = rows_of(("得", context, [(context[:3], 0)]), ("分", context, [(context[97:], 97)]))
    windows = question_windows(rows, tokenizer, 40, 8)
    said = {(w["row"], text_of(w, context)) for w in windows}
    assert said == {(0, None), (0, context[:3]), (1, None), (1, context[97:])}


def test_of_several_answers_the_first_that_is_whole_in_the_window(tokenizer):
    context = "银行降息。" + "的" * 60 + "股价"
    answers = [("股价", 65), ("降息", 2), ("银行降息", 0)]
    windows = question_windows(rows_of(("今天", context, answers)), tokenizer, 40, 8)
    said = [text_of(window, context) for window in windows]
    assert said[0] == "降息" and said[-1] == "股价" and None in said[1:-1]


def test_no_answers_and_no_column_of_answers(tokenizer):
    rows = rows_of(("得分", characters(20), []), ("得分", characters(20), [("球", 0)]))
    first = question_windows(rows.select([0]), tokenizer, 40, 8)[0]
    assert first["start_positions"] == first["end_positions"] == 0
    without = question_windows(rows.remove_columns("answers"), tokenizer, 40, 8)
    assert {"start_positions", "end_positions"}.isdisjoint(without.column_names)


def test_a_blank_in_or_around_the_answer_and_a_word_of_one_unk(tokenizer):
    context = "今天 Hello World 得分"
    rows = rows_of(
        ("在", context, [("Hello World", 3)]),
        ("在", context, [(" Hello ", 2)]),
        ("在", context, [("ell", 4)]),  # inside a piece: the smallest span that covers it
    )
    said = [text_of(window, context) for window in question_windows(rows, tokenizer, 40, 8)]
    assert said == ["Hello World", "Hello", "Hello"]


def test_a_question_longer_than_the_passage(tokenizer):
    """The passage is what is cut, although the question is longer."""
    context = characters(30)
    windows = question_windows(
        rows_of((characters(20), context, [(context[-2:], 28)])), tokenizer, 40, 4
    )
    assert len(windows) > 1
    assert all(window["input_ids"][1:21] == windows[0]["input_ids"][1:21] for window in windows)
    assert text_of(windows[-1], context) == context[-2:]
    (one,) = question_windows(rows_of((characters(20), "球队", [("队", 1)])), tokenizer, 40, 4)
    assert text_of(one, "球队") == "队"


def test_what_cannot_be_asked_is_refused(tokenizer):
    good = ("得分", "球队", [])
    with pytest.raises(ValueError, match="row 1: empty question"):
        question_windows(rows_of(good, (" ", "球队", [])), tokenizer, 40, 8)
    with pytest.raises(ValueError, match="row 1: the question's 35 pieces leave a window 2 of 40"):
        question_windows(rows_of(good, (characters(35), "球队", [])), tokenizer, 40, 8)
    model = Pointing({}, {})
    for cell in (float("nan"), 5):
        with pytest.raises(ValueError, match=f"^row 0: {cell} is no text.*its question$"):
            answer_questions(model, tokenizer, [cell], ["球队"], 40, 8)
        with pytest.raises(ValueError, match=f"^row 1: {cell} is no text"):
            answer_questions(model, tokenizer, ["得分", "得分"], ["球队", cell], 40, 8)
    assert len(answer_questions(model, tokenizer, "得分", "球队", 40, 8)) == 1
    question_windows(rows_of((characters(28), characters(90), [])), tokenizer, 40, 8)  # 9 > 8
    with pytest.raises(ValueError, match="no more than the stride"):
        question_windows(rows_of((characters(29), characters(90), [])), tokenizer, 40, 8)


# best_span


def span(starts, ends, offsets, **options):
    return best_span(np.array(starts, float), np.array(ends, float), offsets, **options)


WORDS = [OUTSIDE, OUTSIDE, OUTSIDE, (0, 2), (2, 3), (3, 6), OUTSIDE]


def test_only_the_passage_answers_and_padding_never_does():
    """The highest logits stand at [CLS], the question, [SEP] and the padding behind."""
    starts = [9, 9, 9, 1, 2, 0, 9, 99, 99]
    ends = [9, 9, 9, 0, 0, 3, 9, 99, 99]
    assert span(starts, ends, WORDS) == (4, 5, 5.0)


def test_the_end_is_never_before_the_start():
    assert span([0, 0, 0, 0, 0, 8, 0], [0, 0, 0, 8, 1, 2, 0], WORDS) == (5, 5, 10.0)


def test_a_span_has_at_most_so_many_characters():
    starts, ends = [0, 0, 0, 5, 1, 0, 0], [0, 0, 0, 0, 1, 5, 0]
    assert span(starts, ends, WORDS) == (3, 5, 10.0)
    assert span(starts, ends, WORDS, max_characters=6) == (3, 5, 10.0)
    assert span(starts, ends, WORDS, max_characters=5) == (3, 4, 6.0)
    assert span(starts, ends, WORDS, max_characters=2) == (3, 3, 5.0)
    assert span(starts, ends, WORDS, max_characters=1) == (4, 4, 2.0)


def test_equally_good_spans_the_first_and_shortest():
    assert span([0] * 7, [0] * 7, WORDS) == (3, 3, 0.0)


def test_an_empty_passage_has_no_span():
    assert span([1, 1, 1], [1, 1, 1], [OUTSIDE] * 3) is None
    assert span([], [], []) is None
    assert span([0] * 7, [0] * 7, WORDS, max_characters=0) is None


def test_best_span_agrees_with_trying_all():
    draw = np.random.default_rng(0)
    for _ in range(50):
        starts, ends = draw.normal(size=(2, 12))
        edges = np.cumsum(draw.integers(1, 4, size=9))
        offsets = [OUTSIDE] * 2 + list(zip(edges[:-1], edges[1:], strict=True)) + [OUTSIDE]
        first, last, score = best_span(starts, ends, offsets, 7)
        tried = [
            (starts[i] + ends[j], i, j)
            for i in range(2, 10)
            for j in range(i, 10)
            if offsets[j][1] - offsets[i][0] <= 7
        ]
        assert (score, first, last) == pytest.approx(max(tried))


# answer_questions


class Pointing(torch.nn.Module):
    """In place of a model: the logits of a piece are those of its id, padding the highest."""

    def __init__(self, start, end):
        super().__init__()
        self.start, self.end = start, end
        self.config = type("Config", (), {"max_position_embeddings": 64})
        self.device = torch.device("cpu")
        self.unused = torch.nn.Parameter(torch.zeros(1))  # tells where a model is

    def forward(self, input_ids, attention_mask, token_type_ids):
        def logits(table):
            values = torch.zeros(input_ids.shape)
            for id, value in table.items():
                values[input_ids == id] = value
            return values.masked_fill(attention_mask == 0, 99.0)

        return type(
            "Output", (), {"start_logits": logits(self.start), "end_logits": logits(self.end)}
        )


def id_of(tokenizer, character):
    return tokenizer.convert_tokens_to_ids(character)


def test_the_best_window_wins_by_its_logits(tokenizer):
    """In the first window the span stands out more, in the last its logits are higher: a softmax
    over each window would choose the first."""
    context = "球" + "的" * 40 + "股" * 20 + "价"
    ids = {character: id_of(tokenizer, character) for character in "球股价"}
    model = Pointing({ids["球"]: 4, ids["股"]: 4.5}, {ids["球"]: 4, ids["价"]: 4.5, CLS: -1})
    (answer,) = answer_questions(model, tokenizer, ["今天"], [context], 40, 8)
    assert answer == Answer("股" * 20 + "价", 41, 9.0, -1.0)
    assert answer.margin == 10.0


def test_marks_are_given_to_the_model_that_answers(tokenizer):
    class Seeing(Pointing):
        def forward(self, input_ids, attention_mask, token_type_ids):
            self.seen = token_type_ids[0].tolist()
            return super().forward(input_ids, attention_mask, token_type_ids)

    model = Seeing({}, {})
    for mark, segments in ((False, [1, 1, 1, 1]), (True, [1, 0, 0, 1])):
        answer_questions(model, tokenizer, ["得分"], ["球得分"], 40, 8, mark_shared=mark)
        assert model.seen == [0] * 4 + segments


def test_the_score_of_no_answer_is_the_lowest_of_all_windows(tokenizer):
    """[CLS] of the tiny model differs from window to window."""
    context = "的" * 20 + "股" + "的" * 30

    class Changing(Pointing):
        def forward(self, input_ids, attention_mask, token_type_ids):
            output = super().forward(input_ids, attention_mask, token_type_ids)
            held = (input_ids == id_of(tokenizer, "股")).any(1)
            output.start_logits[:, 0] = torch.where(held, -3.0, 6.0)
            return output

    model = Changing({id_of(tokenizer, "股"): HIGH}, {id_of(tokenizer, "股"): HIGH})
    (answer,) = answer_questions(model, tokenizer, ["今天"], [context], 30, 8)
    assert answer == Answer("股", 20, 10.0, -3.0)


def test_of_equal_windows_the_first(tokenizer):
    context = "股" + "的" * 70 + "股"
    only = {id_of(tokenizer, "股"): HIGH}
    for batch_size in (1, 2, 32):
        (answer,) = answer_questions(
            Pointing(only, only), tokenizer, ["今天"], [context], 40, 8, batch_size=batch_size
        )
        assert answer.start == 0


def test_the_question_is_no_answer(tokenizer):
    only = {id_of(tokenizer, "股"): HIGH}
    (answer,) = answer_questions(Pointing(only, only), tokenizer, ["股？"], ["银行"], 40, 8)
    assert answer.text == "银" and answer.score == 0


def test_empty_passages_and_none_at_all(checkpoint, tokenizer):
    model = finetuning.new_extractor(checkpoint)
    empty, blank, full = answer_questions(
        model, tokenizer, ["球队"] * 3, ["", " \n", "主场"], 40, 8
    )
    assert empty.text == blank.text == "" and empty.start == -1
    assert empty.score == empty.margin == -np.inf and np.isfinite(empty.no_answer_score)
    assert decide([empty, full], threshold=-1e9) == ["", full.text]
    assert answer_questions(model, tokenizer, [], [], 40, 8) == []


def test_answers_stand_in_the_passage_and_batches_change_nothing(checkpoint, tokenizer):
    model = finetuning.new_extractor(checkpoint)
    questions = [characters(4 + row % 5, row) for row in range(12)]
    contexts = [characters(5 + 13 * row, 100 + row) for row in range(12)]
    together = answer_questions(model, tokenizer, questions, contexts, 48, 12, batch_size=5)
    for question, context, answer in zip(questions, contexts, together, strict=True):
        assert context[answer.start :].startswith(answer.text) and 0 < len(answer.text) <= 30
        (alone,) = answer_questions(model, tokenizer, [question], [context], 48, 12)
        assert alone[:2] == answer[:2]
        assert alone[2:] == pytest.approx(answer[2:], abs=1e-4)


def test_impossible_calls_are_refused(checkpoint, tokenizer):
    model = finetuning.new_extractor(checkpoint)
    with pytest.raises(ValueError, match="a row of 84 tokens, but the model has 64 positions"):
        answer_questions(model, tokenizer, ["球"], ["队" * 80])
    with pytest.raises(ValueError, match="2 questions, but 1 passages"):
        answer_questions(model, tokenizer, ["球", "队"], ["队"], 40, 8)


# Models


def test_an_extractor_is_float32_even_from_fp16_and_its_seed_decides_the_head(tmp_path):
    half = str(save_tiny_bert(tmp_path / "half", dtype=torch.float16))
    first, again, other = (finetuning.new_extractor(half, seed=seed) for seed in (1, 1, 2))
    assert {parameter.dtype for parameter in first.parameters()} == {torch.float32}
    assert torch.equal(first.qa_outputs.weight, again.qa_outputs.weight)
    assert not torch.equal(first.qa_outputs.weight, other.qa_outputs.weight)
    scratch = finetuning.new_extractor(half, pretrained=False, dropout=0.0)
    word = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(first.state_dict()[word], other.state_dict()[word])
    assert not torch.equal(first.state_dict()[word], scratch.state_dict()[word])
    assert scratch.config.hidden_dropout_prob == 0


def test_an_extractor_comes_back_and_nothing_else_is_taken_for_one(checkpoint, tokenizer, tmp_path):
    model = finetuning.new_extractor(checkpoint)
    finetuning.save_classifier(model, tokenizer, tmp_path / "saved")
    loaded, its_own = finetuning.load_extractor(tmp_path / "saved")
    asked = ["球队"], ["主场三连胜"]
    assert answer_questions(loaded, its_own, *asked, 40, 8) == answer_questions(
        model, tokenizer, *asked, 40, 8
    )
    with pytest.raises(ModelError, match="finds no spans"):
        finetuning.load_extractor(checkpoint)


# Training: the answer is the number, or nothing if there is none.


def questions_of(count, seed):
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        context = draw.choices(LETTERS, k=draw.randint(20, 50))
        answers = []
        if draw.random() < 0.7:
            at, number = draw.randrange(len(context)), str(draw.randint(10, 99))
            context.insert(at, number)
            answers = [(number, at)]
        rows.append(("得分是", "".join(context), answers))
    return rows_of(*rows)


@pytest.fixture(scope="module")
def trained(checkpoint, tokenizer):
    train, validation = questions_of(160, 0), questions_of(40, 1)
    model = finetuning.new_extractor(checkpoint)
    options = {"max_length": 40, "stride": 8}
    windows = question_windows(train, tokenizer, **options)
    assert len(windows) > len(train)
    measure = answer_measure(validation, tokenizer, **options)
    before = measure(model)
    trainer = finetuning.fine_tune_by(
        measure, "f1", model, tokenizer, windows,
        learning_rate=5e-3, epochs=6, batch_size=16, progress=False,
    )  # fmt: skip
    return before, trainer, measure, options


def test_training_learns_where_the_answer_is_and_when_there_is_none(trained, tokenizer):
    before, trainer, measure, options = trained
    after = measure(trainer.model)
    assert before["f1"] < 0.6 < 0.9 < after["f1"] <= 1, (before, after)
    test = questions_of(40, 2)
    answers = answer_questions(
        trainer.model, tokenizer, test["question"], test["context"], **options
    )
    scores = answer_scores(decide(answers, after["threshold"]), accepted_answers(test))
    assert scores["f1_answerable"] > 0.85 and scores["f1_unanswerable"] > 0.7, scores


def test_the_epoch_with_the_best_measure_is_kept(trained):
    _, trainer, measure, _ = trained
    logged = [row["eval_f1"] for row in trainer.state.log_history if "eval_f1" in row]
    assert len(logged) == 6
    assert measure(trainer.model)["f1"] == pytest.approx(max(logged), abs=0.03)  # bf16


def test_a_trained_model_answers_as_when_it_is_loaded_again(trained, tokenizer, tmp_path):
    _, trainer, _, options = trained
    finetuning.save_classifier(trainer.model, tokenizer, tmp_path)
    loaded, its_own = finetuning.load_extractor(tmp_path)
    test = questions_of(10, 3)
    asked = test["question"], test["context"]
    for ours, theirs in zip(
        answer_questions(trainer.model, tokenizer, *asked, **options),
        answer_questions(loaded, its_own, *asked, **options),
        strict=True,
    ):
        assert ours[:2] == theirs[:2] and ours[2:] == pytest.approx(theirs[2:], abs=1e-4)
