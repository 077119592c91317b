"""utils.widgets, its pictures and its stories: driven from Python as a learner's hand would."""

import re
from xml.etree import ElementTree

import nbformat
import numpy as np
import prose_rules
import pytest
import torch
from book.files import WIDGET, normalise
from nbformat.v4 import new_code_cell, new_notebook, new_output
from tiny_bert import tiny_config, tiny_tokenizer
from transformers import BertModel

from utils import bert, figures, token_figures, widgets
from utils.pretraining import IGNORE, PretrainingCollator, mask_tokens
from utils.token_reading import UNITS, TextProblem, mask_story, read_attention, read_pieces

TOKENIZER = tiny_tokenizer()
TEXT = "球队主场三连胜，今天股价银行降息了。"  # 18 tokens, all in the vocabulary
WORDS = ["球队", "主场", "今天", "股价", "银行"]  # of two letters each
UNFIT = {"": "还没有文字", "  ": "还没有文字", "球" * 200: "文字太长：切成了 202 个词元"}


def model_of(kind):
    """A random model of two layers × two heads."""
    torch.manual_seed(0)
    config = tiny_config()
    config.num_hidden_layers = 2
    if kind == "transformers":
        return BertModel(config)
    known = vars(bert.BertConfig())
    entries = config.to_dict().items()
    return bert.BertModel(bert.BertConfig(**{key: value for key, value in entries if key in known}))


@pytest.fixture(params=["transformers", "utils.bert"])
def model(request):
    return model_of(request.param)


def counts(html):
    """(eligible, chosen, masked, random, kept) as the sentence under the cards says."""
    found = re.search(
        r"可选的 (\d+) 个词元里选中 (\d+) 个.*?的 (\d+) 个（实线框.*?的 (\d+) 个（虚线框"
        r".*?的 (\d+) 个（点线框",
        ElementTree.fromstring(html).findall("div")[1].text,
    )
    return tuple(map(int, found.groups()))


def drawn(html):
    """(masked, random, kept) as many as there are cards with that kind of line."""
    return tuple(html.count(f"border:2px {line}") for line in ("solid #", "dashed #", "dotted #"))


# ---------------------------------------------------------------- stories


def test_pieces_know_where_they_came_from():
    text = "球队 3胜<b>"
    pieces = read_pieces(TOKENIZER, text)
    assert [piece.token for piece in pieces[1:5]] == ["球", "队", "3", "胜"]
    assert [piece.special for piece in pieces].count(True) == 2
    assert [piece.source for piece in pieces if piece.unknown] == ["<", "b", ">"]
    for piece in pieces:
        assert piece.source == text[piece.start : piece.end]
        assert TOKENIZER.convert_ids_to_tokens(piece.id) == piece.token


def test_pieces_of_a_pair_tell_their_segment():
    pieces = read_pieces(TOKENIZER, "球队胜", "股价")
    assert [piece.segment for piece in pieces if not piece.special] == [0, 0, 0, 1, 1]
    assert [piece.source for piece in pieces if piece.segment == 1] == ["股", "价"]


@pytest.mark.parametrize("text", UNFIT)
def test_unfit_texts_are_refused_in_one_line(text):
    with pytest.raises(TextProblem, match=UNFIT[text]) as refusal:
        read_pieces(TOKENIZER, text)
    assert "\n" not in str(refusal.value)
    with pytest.raises(TextProblem, match="字符串"):
        read_pieces(TOKENIZER, None)


@pytest.mark.parametrize("unit", UNITS)
def test_masks_are_those_of_training(unit):
    fates = set()
    for seed in range(30):
        story = mask_story(TOKENIZER, TEXT, unit, rate=0.4, seed=seed)
        ids = torch.tensor([[each.piece.id for each in story]])
        collator = PretrainingCollator(TOKENIZER, whole_word=unit == "word", spans=unit == "span")
        generator = torch.Generator().manual_seed(seed)
        units = collator.units(ids, generator)
        masked, labels = mask_tokens(
            ids,
            torch.isin(ids, torch.tensor(TOKENIZER.all_special_ids)),
            TOKENIZER.mask_token_id,
            len(TOKENIZER),
            0.4,
            generator,
            units,
        )
        for each, now, label in zip(story, masked[0], labels[0], strict=True):
            assert (each.fate == "untouched") == (label == IGNORE)
            if each.fate in ("masked", "kept"):
                assert each.shown == TOKENIZER.convert_ids_to_tokens(now.item())
            fates.add(each.fate)
    assert fates == {"masked", "random", "kept", "untouched"}


def test_shares_are_kept_over_many_draws():
    fates = [
        each.fate
        for seed in range(300)
        for each in mask_story(
            TOKENIZER, TEXT, rate=0.5, mask_share=0.3, random_share=0.5, seed=seed
        )
        if not each.piece.special
    ]
    expected = {"masked": 0.15, "random": 0.25, "kept": 0.10, "untouched": 0.50}
    for fate, share in expected.items():
        sd = (share * (1 - share) / len(fates)) ** 0.5
        assert abs(fates.count(fate) / len(fates) - share) < 5 * sd


def test_words_share_their_fate():
    together = 0
    for seed in range(20):
        fates = [each.fate for each in mask_story(TOKENIZER, TEXT, "word", 0.5, seed=seed)][1:-1]
        for word in WORDS:
            first, second = fates[TEXT.index(word)], fates[TEXT.index(word) + 1]
            assert first == second
            together += first != "untouched"
    assert together > 10


def test_only_the_texts_own_tokens_are_chosen():
    story = mask_story(TOKENIZER, "球国队", rate=1.0)  # 国 is [UNK] here
    assert [each.fate == "untouched" for each in story] == [True, False, True, False, True]
    assert all(each.fate == "untouched" for each in mask_story(TOKENIZER, TEXT, rate=0.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "letter"}, "use one of token, word, span"),
        ({"rate": 15}, "between 0 and 1"),
        ({"random_share": -0.1}, "between 0 and 1"),
        ({"mask_share": 0.8, "random_share": 0.3}, "exceed 1"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        mask_story(TOKENIZER, TEXT, **options)


@pytest.mark.filterwarnings("ignore:.*set_attn_implementation")
def test_attention_is_the_models_own_and_the_model_stays_as_it_was(model):
    before = getattr(model.config, "_attn_implementation", None)
    model.train()
    tokens, weights = read_attention(model, TOKENIZER, "球队胜", "股价降")
    assert model.training and getattr(model.config, "_attn_implementation", None) == before
    assert tokens == ["[CLS]", *"球队胜", "[SEP]", *"股价降", "[SEP]"]
    assert weights.shape == (2, 2, 9, 9)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    # By hand, from the definition: the first layer's second head.
    model.eval()
    inputs = TOKENIZER("球队胜", "股价降", return_tensors="pt")
    layer = model.encoder.layer[0].attention.self
    with torch.no_grad():
        embedded = model.embeddings(inputs["input_ids"], inputs["token_type_ids"])
        query, key = (part(embedded)[0, :, 16:] for part in (layer.query, layer.key))
    by_hand = (query @ key.T / 4).softmax(-1)
    np.testing.assert_allclose(weights[0, 1], by_hand, atol=1e-5)


# ---------------------------------------------------------------- widgets


def test_masking_playground_follows_its_sliders():
    play = widgets.masking_playground(TOKENIZER, TEXT)
    controls = play.controls
    assert play.picture.value == token_figures.masking_figure(TOKENIZER, TEXT).data
    controls["rate"].value, controls["mask_share"].value = 100, 100
    assert counts(play.picture.value) == (18, 18, 18, 0, 0)
    assert play.picture.value.count("→[MASK]") == 18
    assert controls["random_share"].value == 0 == controls["random_share"].max
    controls["mask_share"].value = 0
    assert counts(play.picture.value) == (18, 18, 0, 0, 18)
    controls["random_share"].value = 100
    assert counts(play.picture.value) == (18, 18, 0, 18, 0)
    controls["rate"].value = 0
    assert counts(play.picture.value) == (18, 0, 0, 0, 0)
    assert drawn(play.picture.value) == (0, 0, 0)


def test_masking_playground_draws_anew_and_counts_what_it_shows():
    play = widgets.masking_playground(TOKENIZER, TEXT)
    play.controls["rate"].value = 40
    play.controls["random_share"].value = 20
    play.controls["mask_share"].value = 50
    seen = set()
    for _ in range(8):
        play.controls["seed"].click()
        html = play.picture.value
        eligible, chosen, *fates = counts(html)
        assert eligible == 18 and chosen == sum(fates) and tuple(fates) == drawn(html)
        seen.add(html)
    assert len(seen) > 4


def test_masking_playground_changes_the_unit():
    play = widgets.masking_playground(TOKENIZER, TEXT)
    pictures = [play.picture.value]
    for unit in ("word", "span"):
        play.controls["unit"].value = unit
        pictures.append(play.picture.value)
    assert "下划线" not in pictures[0]
    assert "一个词，一起选" in pictures[1] and "一个片段，一起选" in pictures[2]


def test_tokenizer_explorer_marks_unknown():
    play = widgets.tokenizer_explorer(TOKENIZER, "球队国")
    cards = re.findall(r"<span style=\"display:inline-flex.*?</span></span>", play.picture.value)
    rows = [re.findall(r">([^<>]+)</span>", card) for card in cards]
    assert rows[2] == ["球", "球", str(TOKENIZER.convert_tokens_to_ids("球")), "0:1"]
    assert rows[4] == ["国", "[UNK]", "1", "2:3"]
    assert ["double" in card for card in cards] == [False] * 4 + [True, False]
    assert "3 个字符 → 3 个词元，加上 2 个特殊词元" in play.picture.value
    play.controls["text"].value = "球队"
    assert "没有 [UNK]" in play.picture.value and "double" not in play.picture.value


def test_attention_explorer_follows_layer_head_and_token(model):
    play = widgets.attention_explorer(model, TOKENIZER, "球队胜")
    tokens, weights = read_attention(model, TOKENIZER, "球队胜")
    controls = play.controls
    assert (controls["layer"].max, controls["head"].max) == (1, 1)
    assert [label for label, _ in controls["query"].options] == tokens
    for layer, head, query in [(0, 0, 0), (1, 0, 2), (1, 1, 4)]:
        controls["layer"].value, controls["head"].value = layer, head
        controls["query"].value = query
        row = weights[layer, head][query]
        bars = token_figures.attention_figure(tokens, row, query, f"第 {layer} 层第 {head} 头")
        assert play.picture.value.startswith(bars.data)
    controls["text_b"].value = "股价"
    assert [label for label, _ in controls["query"].options] == [*tokens, *"股价", "[SEP]"]
    assert controls["query"].value == 0 and "股" in play.picture.value


def test_attention_explorer_runs_the_model_once_for_a_text():
    model = model_of("utils.bert")
    runs = []
    model.register_forward_hook(lambda *_: runs.append(1))
    play = widgets.attention_explorer(model, TOKENIZER, "球队胜")
    play.controls["layer"].value = 1
    play.controls["query"].value = 2
    assert len(runs) == 1


@pytest.mark.parametrize("text", UNFIT)
def test_widgets_and_figures_say_what_hinders_and_recover(text):
    model = model_of("utils.bert")
    for play, box in [
        (widgets.masking_playground(TOKENIZER, TEXT), "text"),
        (widgets.tokenizer_explorer(TOKENIZER, TEXT), "text"),
        (widgets.attention_explorer(model, TOKENIZER, TEXT), "text_a"),
    ]:
        good = play.picture.value
        play.controls[box].value = text
        note = ElementTree.fromstring(play.picture.value)
        assert note.get("role") == "note" and UNFIT[text] in note.text and "\n" not in note.text
        play.controls[box].value = TEXT
        assert play.picture.value == good
    begun_so = [
        widgets.masking_playground(TOKENIZER, text).picture.value,
        widgets.attention_explorer(model, TOKENIZER, text).picture.value,
        token_figures.masking_figure(TOKENIZER, text).data,
        token_figures.tokens_figure(TOKENIZER, text).data,
    ]
    assert all(UNFIT[text] in html for html in begun_so)


# ---------------------------------------------------------------- stored output


def stored(play):
    """The output of a cell that shows the widget, as run_notebooks.py stores it."""
    output = new_output("execute_result", data=play._repr_mimebundle_(), execution_count=1)
    assert WIDGET in output.data  # what Jupyter and Colab draw
    bar = new_output("display_data", data={WIDGET: {"model_id": "1"}, "text/plain": "0%|   |"})
    cell = new_code_cell("play", id="play", execution_count=1, outputs=[bar, output])
    return normalise(new_notebook(cells=[cell]))


def test_a_page_gets_the_picture_and_a_line_instead_of_the_widget():
    first, second = (stored(widgets.masking_playground(TOKENIZER, TEXT)) for _ in range(2))
    assert nbformat.writes(first) == nbformat.writes(second)  # no id that changes at each run
    (output,) = first.cells[0].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert token_figures.masking_figure(TOKENIZER, TEXT).data in output.data["text/html"]
    assert widgets.STATIC_LINE in output.data["text/html"]
    assert output.data["text/plain"] == widgets.STATIC_LINE
    assert prose_rules.images_without_alt(first) == []


# ---------------------------------------------------------------- pictures


def draw_all():
    tokens = ["[CLS]", "球", "<b>", "##ology", '"', "[SEP]"]
    weights = np.random.default_rng(0).dirichlet(np.ones(6), 6)
    text = '球队<script>alert("x")</script>&今天'
    return {
        "tokens": token_figures.tokens_figure(TOKENIZER, text),
        "token": token_figures.masking_figure(TOKENIZER, text, rate=0.9, random_share=0.2),
        "word": token_figures.masking_figure(TOKENIZER, text, "word", 0.9),
        "span": token_figures.masking_figure(TOKENIZER, text, "span", 0.9),
        "map": token_figures.attention_figure(tokens, weights, query=2, title='头 <0> & "1"'),
        "bars": token_figures.attention_figure(tokens, weights[2], query=2),
        "answers": token_figures.answers_table({text: ["<b>", "天"]}, [0, "<i>"], ["天"]),
    }


@pytest.fixture(params=["tokens", "token", "word", "span", "map", "bars", "answers"])
def html(request):
    return draw_all()[request.param].data


def test_pictures_are_well_formed_and_say_what_they_show(html):
    root = ElementTree.fromstring(html)  # fails if any text is not escaped
    labels = [element.get("aria-label") for element in root.iter() if element.get("role")]
    assert len(labels) == 1 and len(labels[0]) > 20
    assert root.findall(".//script") == [] and not re.search(r"(href|src|url\()", html)


def test_pictures_take_the_pages_colour(html):
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", html)) <= set(figures.COLORS)
    assert not re.search(r"[;\"]color:|[:\s\"](black|white)[;\"]", html)
    for element in ElementTree.fromstring(html).iter():
        if element.tag.endswith("text"):
            assert element.get("fill") == "currentColor"


def test_pictures_fit_a_phone(html):
    """Cards wrap; a drawing is no wider than a phone or scrolls in its own box."""
    root = ElementTree.fromstring(html)
    svg = next((each for each in root.iter() if each.tag.endswith("svg")), None)
    if svg is None:
        assert "flex-wrap:wrap" in html or "overflow-x:auto" in html
        return
    sizes = [float(each.get("font-size")) for each in svg.iter() if each.get("font-size")]
    shrunk = float(re.search(r"min-width:(\d+)px", svg.get("style"))[1])
    width = float(svg.get("viewBox").split()[2])
    assert min(sizes) * shrunk / width >= 9 and "overflow-x:auto" in html


def test_squares_have_areas_in_proportion_to_the_weights():
    weights = np.array([[0.64, 0.36], [0.0, 1.0]])
    html = token_figures.attention_figure(["我", "你"], weights).data
    sides = [float(side) for side in re.findall(r"h([\d.]+)v[\d.]+h-", html)]
    assert [side / sides[2] for side in sides] == pytest.approx([0.8, 0.6, 1.0], abs=0.01)
    assert "“你”看“你”：1.00" in html


def test_bars_have_lengths_in_proportion_to_the_weights():
    html = token_figures.attention_figure(["我", "你"], [0.25, 0.75], query=0).data
    widths = [float(width) for width in re.findall(r"<rect[^>]* width=\"([\d.]+)\"", html)]
    assert widths[0] / widths[1] == pytest.approx(1 / 3, abs=0.01)
    assert ">0.25<" in html and "“我”看得最多的是“你” 0.75、“我” 0.25" in html


@pytest.mark.parametrize(
    ("weights", "query", "message"),
    [
        (np.ones((2, 3)), None, r"weights have shape \(2, 3\); for 2 tokens give \(2, 2\)"),
        (np.ones((1, 2, 2)), None, "weights have shape"),
        (np.ones((2, 2)), 2, "query 2 is no place among 2 tokens"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, query, message):
    with pytest.raises(ValueError, match=message):
        token_figures.attention_figure(["我", "你"], weights, query)


def test_controls_fit_a_phone_and_show_a_sentence_whole():
    """In letters of the page: a Chinese letter is one em wide, the box's name about three."""
    play = widgets.masking_playground(TOKENIZER, TEXT)
    for control in play.controls.values():
        width = control.layout.width
        assert width is None or width.endswith(", 98%)"), width
    room = int(re.match(r"min\((\d+)em", play.controls["text"].layout.width)[1])
    assert room >= 40 + 3


def test_the_expected_answers_are_framed_and_no_others():
    html = token_figures.answers_table({"北□": ["的", "京"], "天□": ["气", "气"]}, [0, 9], "京气")
    assert re.findall(r"<b [^>]*>(.)</b>", html.data) == ["京", "气", "气"]
    with pytest.raises(ValueError, match="rows of 2 answers"):
        token_figures.answers_table({"北□": ["的"]}, [0, 9], "京")
