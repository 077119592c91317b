"""utils.finetuning: labels from characters to pieces and back, taggers, decoding."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import MEASURED
from datasets import ClassLabel, Dataset, Features, List, Value
from notebooks import ROOT
from tiny_bert import CHARACTERS, SPECIAL, save_tiny_bert, tiny_tokenizer
from torch import nn
from transformers import BertTokenizer

from utils import finetuning
from utils.data import bio_of, impossible_labels, load_entities, spans_of, texts_and_spans
from utils.finetuning import PieceScores
from utils.measuring import dictionary_tagger, entity_counts, entity_scores
from utils.models import ModelError, load_tokenizer, resolve
from utils.pretraining import IGNORE

NAMES = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
PIECES = [*"今天在小镇里的人北京李，。", "hel", "##lo", "15", "25", "##℃", "3", "##～", "##5", "ok"]
VOCABULARY = {token: place for place, token in enumerate(SPECIAL + PIECES)}


@pytest.fixture(scope="module")
def tokenizer():
    """One in which 𰻝 and 〇 are unknown: a run of them is one [UNK]."""
    return BertTokenizer(vocab=dict(VOCABULARY), model_max_length=64)


def rows_of(*sentences):
    """A data set as `load_entities` gives it, of (text, spans) pairs."""
    features = Features({"tokens": List(Value("string")), "labels": List(ClassLabel(names=NAMES))})
    tokens = [list(text) for text, _ in sentences]
    labels = [bio_of(spans, len(text)) for text, spans in sentences]
    return Dataset.from_dict({"tokens": tokens, "labels": labels}, features=features)


def names_of(ids):
    return [None if label == IGNORE else NAMES[label] for label in ids]


# Alignment

CASES = {
    "characters": ("小李在北京", [(0, 2, "PER"), (3, 5, "LOC")], "B-PER I-PER O B-LOC I-LOC"),
    "a Latin word of two pieces": ("Hello的", [(0, 5, "PER")], "B-PER I-PER O"),
    "Latin and Chinese": ("Hello小镇", [(0, 7, "LOC")], "B-LOC I-LOC I-LOC I-LOC"),
    "a number of one piece": ("15人", [(0, 3, "PER")], "B-PER I-PER"),
    "a number outside": ("15李", [(2, 3, "PER")], "O B-PER"),
    "25℃": ("今25℃，", [(1, 4, "LOC")], "O B-LOC I-LOC O"),
    "3～5": ("3～5天", [(0, 3, "LOC")], "B-LOC I-LOC I-LOC O"),
    "a part of a pre-token": ("3～5", [(2, 3, "LOC")], "O O B-LOC"),
    "a blank inside a name": ("Hello 小镇里", [(0, 8, "LOC")], "B-LOC I-LOC I-LOC I-LOC O"),
    "two blanks inside a name": ("小  镇", [(0, 4, "LOC")], "B-LOC I-LOC"),
    "a blank between types": ("北京 李", [(0, 2, "LOC"), (3, 4, "PER")], "B-LOC I-LOC B-PER"),
    "a blank between names": ("李 李", [(0, 1, "PER"), (2, 3, "PER")], "B-PER B-PER"),
    "a blank before and behind a name": (" 李 的", [(1, 2, "PER")], "B-PER O"),
    "names that touch": ("李李", [(0, 1, "PER"), (1, 2, "PER")], "B-PER B-PER"),
    "𰻝𰻝, one piece": ("𰻝𰻝的", [(0, 2, "LOC")], "B-LOC O"),
    "〇〇, one piece": ("李〇〇在", [(0, 3, "PER")], "B-PER I-PER O"),
    "an invisible character": ("小\u200b镇", [(0, 3, "LOC")], "B-LOC I-LOC"),
    "an accent of its own": ("o\u0301k的", [(0, 3, "PER")], "B-PER O"),
}


@pytest.mark.parametrize("case", CASES)
def test_labels_go_to_pieces_and_back(case, tokenizer):
    text, spans, expected = CASES[case]
    (row,) = finetuning.tokenize_entities(rows_of((text, spans)), tokenizer)
    labels = names_of(row["labels"])
    assert labels[0] is None and labels[-1] is None  # [CLS], [SEP]
    assert labels[1:-1] == expected.split()
    characters = finetuning.labels_of_characters(labels, row["offsets"], len(text))
    assert spans_of(characters) == spans
    assert characters == bio_of(spans, len(text))
    assert row["lost"] == row["cut"] == 0


# What counts pieces, words or characters loses in each of these, and offsets keep. The tokenizer is
# the course's: its words are those that readers of chapter 9 see.
AWKWARD = {
    # text: its name, pieces, words by word_ids(), words of the list of characters
    "在 Hello 小镇": ((2, 10), "在 he ##l ##lo 小 镇", 4, [0, 2, 3, 4, 5, 6, 8, 9]),
    "气温25℃": ((2, 5), "气 温 25 ##℃", 3, [0, 1, 2, 3, 4]),
    "iPhone 15": ((0, 9), "iphone 15", 2, [0, 1, 2, 3, 4, 5, 7, 8]),
    "吃𰻝𰻝面": ((1, 4), "吃 [UNK] 面", 3, [0, 1, 2, 3]),
    "二〇〇八": ((0, 4), "二 〇 ##〇 八", 3, [0, 1, 2, 3]),
}


@pytest.mark.parametrize("text", AWKWARD)
def test_offsets_keep_what_words_and_lists_of_characters_lose(text):
    tokenizer = load_tokenizer(resolve("mini-bert-zh"))
    (start, end), pieces, words, of_list = AWKWARD[text]
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    assert encoded.tokens() == pieces.split()
    assert encoded.word_ids()[-1] + 1 == words < len(text)
    as_list = tokenizer(list(text), is_split_into_words=True, add_special_tokens=False)
    assert as_list.word_ids() == of_list
    assert set(range(len(text))) - set(of_list) == {i for i, c in enumerate(text) if c == " "}
    assert as_list.tokens() != pieces.split()  # not the pieces that the model was pretrained on
    spans = [(start, end, "LOC")]
    (row,) = finetuning.tokenize_entities(rows_of((text, spans)), tokenizer)
    again = finetuning.labels_of_characters(names_of(row["labels"]), row["offsets"], len(text))
    assert spans_of(again) == spans and row["lost"] == 0


@pytest.mark.parametrize(
    ("text", "spans", "expected", "again"),
    [
        # Most of the piece's characters decide ...
        ("𰻝𰻝𰻝", [(1, 3, "LOC")], "B-LOC", [(0, 3, "LOC")]),
        ("𰻝𰻝𰻝", [(0, 1, "LOC")], "O", []),
        ("𰻝𰻝𰻝", [(0, 1, "PER"), (1, 3, "LOC")], "B-LOC", [(0, 3, "LOC")]),
        # ... of equally many, the first.
        ("𰻝𰻝", [(0, 1, "LOC")], "B-LOC", [(0, 2, "LOC")]),
        ("𰻝𰻝", [(1, 2, "LOC")], "O", []),
        ("〇〇", [(0, 1, "PER"), (1, 2, "PER")], "B-PER", [(0, 2, "PER")]),
        # An accent at the end of a name is in no piece, and nothing behind it continues the name.
        ("ok\u0301的", [(0, 3, "PER")], "B-PER O", [(0, 2, "PER")]),
        # What begins in a piece that is not its own still begins with B-.
        ("〇〇〇李李", [(2, 5, "PER")], "O B-PER I-PER", [(3, 5, "PER")]),
        ("〇〇〇李", [(0, 2, "LOC"), (2, 4, "LOC")], "B-LOC B-LOC", [(0, 3, "LOC"), (3, 4, "LOC")]),
    ],
)
def test_a_piece_of_several_entities_goes_to_one(text, spans, expected, again, tokenizer):
    (row,) = finetuning.tokenize_entities(rows_of((text, spans)), tokenizer)
    labels = names_of(row["labels"])
    assert labels[1:-1] == expected.split()
    characters = finetuning.labels_of_characters(labels, row["offsets"], len(text))
    assert spans_of(characters) == again
    assert row["lost"] == len(set(spans) - set(again))


def test_a_piece_that_continues_nothing_stays_so_whatever_the_gap(tokenizer):
    """The gap must not hide what is to be repaired, nor join what does not belong together."""
    offsets = [(0, 1), (2, 3)]
    for labels, expected in (
        (["O", "I-PER"], ["O", "O", "I-PER"]),
        (["B-LOC", "I-PER"], ["B-LOC", "O", "I-PER"]),
        (["B-PER", "I-PER"], ["B-PER", "I-PER", "I-PER"]),
        (["I-PER", "I-PER"], ["I-PER", "I-PER", "I-PER"]),
    ):
        assert finetuning.labels_of_characters(labels, offsets, 3) == expected
    assert finetuning.labels_of_characters(["I-PER"], [(1, 2)], 3) == ["O", "I-PER", "O"]


def test_what_is_cut_off_is_counted_and_told(tokenizer, capsys):
    long = ("小李在北京 。", [(0, 2, "PER"), (3, 5, "LOC")])
    rows = finetuning.tokenize_entities(rows_of(long, ("小李", [(0, 2, "PER")])), tokenizer, 6)
    assert rows["cut"] == [2, 0]  # 京 and 。: a blank is nothing to read
    assert rows["lost"] == [1, 0]
    assert names_of(rows[0]["labels"]) == [None, "B-PER", "I-PER", "O", "B-LOC", None]
    assert "1 句超过 6 个词元，截掉 2 个字" in capsys.readouterr().out
    assert finetuning.tokenize_entities(rows_of(long), tokenizer, 8)["lost"] == [0]
    assert capsys.readouterr().out == ""


def test_a_name_that_no_piece_can_give_back_is_told(tokenizer, capsys):
    half = ("𰻝𰻝", [(0, 1, "PER")])
    rows = finetuning.tokenize_entities(rows_of(half), tokenizer)
    assert rows["lost"] == [1]
    assert "1 个名字的头或尾和别的字同在一个词元里" in capsys.readouterr().out


def test_a_split_without_labels_is_tokenised_alike(tokenizer):
    rows = rows_of(("小李", [(0, 2, "PER")]))
    plain = finetuning.tokenize_entities(rows.remove_columns("labels"), tokenizer)
    full = finetuning.tokenize_entities(rows, tokenizer)
    assert plain.column_names == [name for name in full.column_names if name in plain.column_names]
    assert set(full.column_names) - set(plain.column_names) == {"labels", "lost"}
    assert plain["input_ids"] == full["input_ids"]


@pytest.mark.parametrize(
    ("tokens", "labels", "message"),
    [
        ([[" "]], [[0]], "row 0: no characters"),
        ([["李"], []], [[0], []], "row 1: no characters"),
        ([["小李", "在"]], [[0, 0]], "row 0: '小李' is not one character"),
        ([["李", "在"]], [[0]], "row 0: 1 labels for 2 characters"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tokens, labels, message, tokenizer):
    rows = Dataset.from_dict({"tokens": tokens, "labels": labels}, features=rows_of().features)
    with pytest.raises(ValueError, match=message):
        finetuning.tokenize_entities(rows, tokenizer)


def test_all_sentences_of_the_course_survive_its_tokenizer():
    tokenizer = load_tokenizer(resolve("mini-bert-zh"))
    for split in load_entities(ROOT / "data/mini_entities").values():
        rows = finetuning.tokenize_entities(split, tokenizer)
        assert sum(rows["lost"]) == sum(rows["cut"]) == 0


# Decoding


def possible_paths(length):
    paths = itertools.product(range(len(NAMES)), repeat=length)
    return [p for p in paths if not impossible_labels([NAMES[label] for label in p], "BIO")]


def test_viterbi_finds_the_best_of_all_possible_paths():
    draw = np.random.default_rng(0)
    paths = possible_paths(4)
    repaired = 0
    for _ in range(50):
        logs = np.log(draw.dirichlet(np.full(len(NAMES), 0.5), size=4))
        totals = [sum(logs[place, label] for place, label in enumerate(path)) for path in paths]
        best = [NAMES[label] for label in paths[int(np.argmax(totals))]]
        assert finetuning.best_legal_path(logs, NAMES) == best
        assert finetuning.decode_labels(logs, NAMES) == best
        repaired += bool(impossible_labels([NAMES[i] for i in logs.argmax(1)], "BIO"))
    assert repaired > 10  # else nothing was tried
    assert finetuning.best_legal_path(np.empty((0, len(NAMES))), NAMES) == []


def scores_for(*rows):
    """Log-probabilities from {label: probability} for each piece; the others share the rest."""
    table = []
    for row in rows:
        rest = (1 - sum(row.values())) / (len(NAMES) - len(row))
        table.append([np.log(row.get(name, rest)) for name in NAMES])
    return np.array(table)


WRONG = scores_for({"B-LOC": 0.9}, {"I-PER": 0.5, "I-LOC": 0.4}, {"I-PER": 0.8})


@pytest.mark.parametrize(
    ("repair", "labels"),
    [
        ("viterbi", "B-LOC B-PER I-PER"),
        ("begin", "B-LOC B-PER I-PER"),
        ("drop", "B-LOC O O"),
    ],
)
def test_each_repair_gives_a_possible_sequence(repair, labels):
    logs = scores_for({"B-LOC": 0.9}, {"I-PER": 0.5, "B-PER": 0.4}, {"I-PER": 0.8})
    assert finetuning.decode_labels(logs, NAMES, repair) == labels.split()


def test_viterbi_may_take_the_second_best_where_the_rules_would_not():
    assert finetuning.decode_labels(WRONG, NAMES, "begin") == ["B-LOC", "B-PER", "I-PER"]
    logs = scores_for({"B-LOC": 0.9}, {"I-PER": 0.5, "I-LOC": 0.49})
    assert finetuning.decode_labels(logs, NAMES, "viterbi") == ["B-LOC", "I-LOC"]
    with pytest.raises(ValueError, match="'none'; give one of viterbi, begin, drop"):
        finetuning.decode_labels(logs, NAMES, "none")


def test_impossible_labels_and_repairs_are_counted():
    good = scores_for({"B-LOC": 0.9}, {"I-LOC": 0.9})
    offsets = [(0, 1), (1, 2), (2, 3)]
    scores = [PieceScores(offsets, WRONG, 3), PieceScores(offsets[:2], good, 2)]
    counts = finetuning.count_repairs(scores, NAMES)
    assert (counts["pieces"], counts["impossible"], counts["texts"]) == (5, 1, 1)
    assert (counts["begin"], counts["drop"]) == (1, 2)
    # 0.4 · (least) is beaten by B-LOC I-LOC B-PER?: whatever it is, it was counted.
    greedy = ["B-LOC", "I-PER", "I-PER"]
    best = finetuning.best_legal_path(WRONG, NAMES)
    assert counts["viterbi"] == sum(a != b for a, b in zip(greedy, best, strict=True)) > 0


# Prediction, with a model that reads one piece at a time


class ByPiece(nn.Module):
    """Gives 李 B-PER, 人 I-PER and whatever else O; in I-LOC's logit, how far the edge is."""

    def __init__(self):
        super().__init__()
        self.config = SimpleNamespace(num_labels=5, id2label=dict(enumerate(NAMES)))
        self.device = torch.device("cpu")
        self.unused = nn.Parameter(torch.zeros(1))  # tells where a model is
        self.widths = []

    def forward(self, input_ids, attention_mask, **_):
        self.widths.append(input_ids.shape)
        logits = torch.zeros(*input_ids.shape, 5)
        logits[..., 0] = 100.0
        logits[..., 3] = 200.0 * (input_ids == VOCABULARY["李"])
        logits[..., 4] = 200.0 * (input_ids == VOCABULARY["人"])
        places = attention_mask.cumsum(1)
        edge = torch.minimum(places - 1, attention_mask.sum(1, keepdim=True) - places)
        logits[..., 2] = edge.float()
        return SimpleNamespace(logits=logits)


def test_texts_are_read_in_batches_of_similar_length_and_answered_in_order(tokenizer):
    model = ByPiece()
    texts = ["李人在北京" * 3, "李", "", "在李人", "小李人 人的", "   "]
    expected = [
        [(0, 2, "PER"), (5, 7, "PER"), (10, 12, "PER")],
        [(0, 1, "PER")],
        [],
        [(1, 3, "PER")],
        [(1, 5, "PER")],
        [],
    ]
    assert finetuning.predict_entities(model, tokenizer, texts, batch_size=2) == expected
    assert sorted(width for _, width in model.widths) == [2, 5, 17]
    assert finetuning.predict_entities(model, tokenizer, []) == []
    assert finetuning.predict_entities(model, tokenizer, "在李人") == [[(1, 3, "PER")]]
    with pytest.raises(ValueError, match="row 1: None is no text"):
        finetuning.predict_entities(model, tokenizer, ["李", None])


@pytest.mark.parametrize(("length", "overlap"), [(7, 0), (7, 1), (10, 4), (10, 5), (10, 7)])
def test_a_long_text_is_read_in_windows_as_if_it_were_one(tokenizer, length, overlap):
    text = "小李人 在北京，25℃ Hello的𰻝𰻝李人人。" * 3
    whole = finetuning.piece_scores(ByPiece(), tokenizer, [text], 128)[0]
    offsets = tokenizer(text, return_offsets_mapping=True)["offset_mapping"][1:-1]
    assert whole.offsets == offsets and whole.length == len(text)
    model = ByPiece()
    several = finetuning.piece_scores(model, tokenizer, ["李", text, "在"], length, overlap)
    assert [len(each.offsets) for each in several] == [1, len(offsets), 1]
    assert several[1].offsets == offsets
    assert max(width for _, width in model.widths) == length
    spans = finetuning.predict_entities(model, tokenizer, [text], length, overlap)
    assert spans == finetuning.predict_entities(model, tokenizer, [text])
    assert len(spans[0]) == 6
    # Within the text, no piece has less than half of the overlap between it and the cut.
    edge = several[1].log_probabilities
    edge = (edge[:, 2] - edge.min(1))[: -overlap - 1]
    near = edge[length - 2 :] if overlap else edge
    assert near.min() >= overlap // 2


@pytest.mark.parametrize("overlap", [-1, 8, 50])
def test_an_overlap_that_leaves_nothing_is_refused(tokenizer, overlap):
    with pytest.raises(ValueError, match=f"overlap={overlap}: give 0 to 7"):
        finetuning.piece_scores(ByPiece(), tokenizer, ["李"], 10, overlap)


# The tagger


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return str(save_tiny_bert(tmp_path_factory.mktemp("tiny") / "model", torch.float16))


@pytest.fixture
def in_float32(monkeypatch):
    for room in ("classifier", "recipe"):
        monkeypatch.setattr(f"utils.finetuning.{room}.bf16_available", lambda: False)


def sentences(rows, seed):
    """Texts in which 球队 and 主场 are PER, 银行 is LOC, and 行 or 队 alone are nothing."""
    draw = np.random.default_rng(seed)
    neutral = [letter for letter in CHARACTERS if letter not in "球主场银"]
    result = []
    for _ in range(rows):
        text, spans = "", []
        for _ in range(draw.integers(1, 4)):
            text += "".join(draw.choice(neutral, draw.integers(1, 6)))
            name = str(draw.choice(["球队", "主场", "银行"]))
            spans.append((len(text), len(text) + 2, "LOC" if name == "银行" else "PER"))
            text += name
        result.append((text, spans))
    return result


def test_new_tagger_names_its_labels_and_follows_its_seed(checkpoint):
    first, again, other = (
        finetuning.new_tagger(checkpoint, NAMES, seed=seed).state_dict() for seed in (1, 1, 2)
    )
    assert all(
        value.dtype == torch.float32 for value in first.values() if value.is_floating_point()
    )
    assert torch.equal(first["classifier.weight"], again["classifier.weight"])
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])
    word = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(first[word], other[word])
    scratch = finetuning.new_tagger(checkpoint, NAMES, pretrained=False, dropout=0.3)
    assert not torch.equal(first[word], scratch.state_dict()[word])
    assert scratch.config.hidden_dropout_prob == 0.3
    assert finetuning.label_names_of(scratch) == NAMES


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["O", "B-PER"], "I-PER is missing"),
        (["B-PER", "I-PER"], "O is missing"),
        (["O", "I-PER", "S-PER"], "'S-PER', is not of BIO"),
    ],
)
def test_labels_that_are_not_bio_are_refused(checkpoint, names, message):
    with pytest.raises(ValueError, match=message):
        finetuning.new_tagger(checkpoint, names)


def test_a_model_whose_labels_nobody_named_is_refused(checkpoint):
    model = finetuning.new_tagger(checkpoint, NAMES)
    model.config.id2label = {number: f"LABEL_{number}" for number in range(5)}
    with pytest.raises(ValueError, match="'LABEL_0', is not of BIO"):
        finetuning.predict_entities(model, tiny_tokenizer(), ["球队"])


def f1_of(gold, predicted):
    right = sum(len(set(a) & set(b)) for a, b in zip(gold, predicted, strict=True))
    return 2 * right / (sum(map(len, gold)) + sum(map(len, predicted)))


def test_a_tagger_learns_and_keeps_its_best_epoch(checkpoint, in_float32):
    tokenizer = tiny_tokenizer()
    splits = [rows_of(*sentences(rows, seed)) for rows, seed in ((192, 0), (48, 1), (48, 2))]
    train, validation, _ = (finetuning.tokenize_entities(split, tokenizer) for split in splits)
    model = finetuning.new_tagger(checkpoint, NAMES, dropout=0.0)
    trainer = finetuning.fine_tune_tagger(
        model, tokenizer, train, validation, learning_rate=1e-2, epochs=6, progress=False
    )
    curve = [row["eval_f1"] for row in trainer.state.log_history if "eval_f1" in row]
    assert len(curve) == 6
    texts, gold = texts_and_spans(splits[2])
    predicted = finetuning.predict_entities(model, tokenizer, texts)
    assert f1_of(gold, predicted) > 0.9
    # The model that is left is the best epoch's, by what is measured on the validation split.
    seen, answers = texts_and_spans(splits[1])
    found = finetuning.predict_entities(model, tokenizer, seen)
    assert f1_of(answers, found) == pytest.approx(max(curve))
    # Alone or in a batch, it says the same.
    assert [
        finetuning.predict_entities(model, tokenizer, text)[0] for text in texts[:8]
    ] == predicted[:8]


def scripted(checkpoint, script, monkeypatch, **options):
    """A training whose F1 are given, and the weights at each of them."""
    tokenizer = tiny_tokenizer()
    rows = finetuning.tokenize_entities(rows_of(*sentences(32, 0)), tokenizer)
    model, seen, script = finetuning.new_tagger(checkpoint, NAMES), [], iter(script)

    def compute(prediction):
        seen.append(weights(model))
        value = next(script)
        if isinstance(value, BaseException):
            raise value
        return {"f1": value}

    monkeypatch.setattr("utils.finetuning.tokens._measures", lambda names: compute)
    options = {"epochs": 3, "learning_rate": 1e-2, "progress": False} | options
    finetuning.fine_tune_tagger(model, tokenizer, rows, rows, **options)
    return model, seen


def weights(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def test_an_interrupted_run_carries_on_and_another_is_refused(
    checkpoint, in_float32, monkeypatch, tmp_path
):
    whole, seen = scripted(checkpoint, [0.1, 0.3, 0.2], monkeypatch)
    assert len(seen) == 3
    with pytest.raises(KeyboardInterrupt):
        scripted(checkpoint, [0.1, 0.3, KeyboardInterrupt()], monkeypatch, output=tmp_path)
    resumed, seen = scripted(checkpoint, [0.2], monkeypatch, output=tmp_path)
    assert len(seen) == 1
    for name, value in weights(resumed).items():
        torch.testing.assert_close(value, weights(whole)[name], atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="other settings .learning_rate 0.01, now 0.02"):
        scripted(checkpoint, [], monkeypatch, output=tmp_path, learning_rate=0.02)


def test_a_saved_tagger_comes_back(checkpoint, in_float32, tmp_path):
    model, tokenizer = finetuning.new_tagger(checkpoint, NAMES), tiny_tokenizer()
    finetuning.save_classifier(model.half(), tokenizer, tmp_path / "saved")
    loaded, its_tokenizer = finetuning.load_tagger(str(tmp_path / "saved"))
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert finetuning.label_names_of(loaded) == NAMES
    said, again = (
        finetuning.piece_scores(each, its, "球队在银行降息")[0].log_probabilities
        for each, its in ((model.float(), tokenizer), (loaded, its_tokenizer))
    )
    np.testing.assert_array_equal(said, again)


def test_a_model_that_is_no_tagger_is_refused(checkpoint, tmp_path):
    with pytest.raises(ModelError, match="which labels no pieces; fine-tune it first$"):
        finetuning.load_tagger(checkpoint)
    other = finetuning.new_tagger(checkpoint, NAMES)
    other.config.id2label = {place: f"LABEL_{place}" for place in range(len(NAMES))}
    finetuning.save_classifier(other, tiny_tokenizer(), tmp_path)
    with pytest.raises(ValueError, match="LABEL_0"):
        finetuning.load_tagger(tmp_path)


def test_accumulated_batches_make_the_step_of_one_large_batch(checkpoint, in_float32):
    """Trainer takes the loss of a model whose forward has **kwargs for one it need not average."""
    tokenizer = tiny_tokenizer()
    # As many pieces in each row: the mean of four means is then the mean of all.
    rows = [(letter + "在银行", [(2, 4, "LOC")]) for letter in "球队主场三连胜比"]
    rows = finetuning.tokenize_entities(rows_of(*rows), tokenizer)
    ends = []
    for batch, accumulated in ((8, 1), (2, 4)):
        model = finetuning.new_tagger(checkpoint, NAMES, dropout=0.0)
        finetuning.fine_tune_tagger(
            model,
            tokenizer,
            rows,
            rows,
            learning_rate=0.5,
            epochs=1,
            batch_size=batch,
            progress=False,
            gradient_accumulation_steps=accumulated,
            optim="sgd",
            warmup_steps=0,
            max_grad_norm=0.0,
            weight_decay=0.0,
        )
        ends.append(model.classifier.weight.detach())
    start = finetuning.new_tagger(checkpoint, NAMES).classifier.weight
    assert (ends[0] - start).abs().max() > 1e-3
    assert torch.allclose(ends[0], ends[1], atol=1e-5)


def test_fine_tuning_refuses_what_it_cannot_use(checkpoint):
    tokenizer = tiny_tokenizer()
    model = finetuning.new_tagger(checkpoint, NAMES)
    rows = finetuning.tokenize_entities(rows_of(*sentences(2, 0)), tokenizer)
    with pytest.raises(ValueError, match="at least one row"):
        finetuning.fine_tune_tagger(model, tokenizer, rows.select([]), rows)
    long = finetuning.tokenize_entities(rows_of(("球队" * 40, [])), tokenizer)
    with pytest.raises(ValueError, match="82 tokens, but the model has 64 positions"):
        finetuning.fine_tune_tagger(model, tokenizer, rows, long)
    with pytest.raises(ValueError, match="82 tokens, but the model has 64 positions"):
        finetuning.predict_entities(model, tokenizer, ["球队" * 40])
    assert len(finetuning.predict_entities(model, tokenizer, ["球队" * 40], 64)) == 1


@pytest.mark.slow
def test_the_course_s_model_learns_the_course_s_sentences_beyond_the_dictionary():
    data = load_entities(ROOT / "data/mini_entities")
    tokenizer = load_tokenizer(resolve("mini-bert-zh"))
    train, validation = (
        finetuning.tokenize_entities(data[split], tokenizer) for split in ("train", "validation")
    )
    names = data["train"].features["labels"].feature.names
    model = finetuning.new_tagger(resolve("mini-bert-zh"), names)
    finetuning.fine_tune_tagger(
        model, tokenizer, train, validation, learning_rate=1e-3, epochs=4, progress=False
    )
    texts, gold = texts_and_spans(data["test"])
    found = finetuning.predict_entities(model, tokenizer, texts)
    scores = entity_scores(gold, found, texts, entity_counts(data["train"]))
    looked_up = entity_scores(gold, dictionary_tagger(data["train"])(texts))
    f1, unknown = scores["micro"].f1, scores["unknown"].f1
    MEASURED.append(f"mini_entities: mini-bert-zh F1 {f1:.3f}, of unknown names {unknown:.3f}")
    assert f1 > looked_up["micro"].f1 + 0.05
    assert unknown > 0.35
