"""Chapter 12 and the FAQ: what readers look for is there, and leads where it says."""

import re

import notebooks as nb
import pytest
from error_messages import COMMON, NOT_RUN
from numbers_in_prose import backed_values, load_facts, unbacked

from utils.results import read_results

CLINIC = nb.read(nb.CHAPTERS / "12_error_clinic.ipynb")
FAQ = (nb.CHAPTERS / "faq.md").read_text(encoding="utf-8")
PROSE = "\n".join(cell.source for cell in nb.markdown_cells(CLINIC)) + FAQ
SHOWN = "\n".join(nb.output_text(out) for cell in nb.code_cells(CLINIC) for out in cell.outputs)
# [第 5 章「5.8 预训练值多少」](05_thucnews.ipynb); a heading may hold 「」 itself.
LINK = re.compile(r"\[第 (\d+) 章「(.+?)」\]\((\w+)\.ipynb\)")
CASES = re.findall(r"^### 病例 (\d+) ", PROSE, re.M)


@pytest.mark.parametrize("message", COMMON)
def test_a_common_error_stands_in_the_text_that_is_searched(message):
    assert message in PROSE, "write it as the library words it, or the search will not find it"


@pytest.mark.parametrize("message", [each for each in COMMON if each not in NOT_RUN])
def test_a_common_error_is_one_that_a_cell_meets(message):
    kind = message.split(": ")[-1]
    asserted = "\n".join(
        cell.source for cell in nb.code_cells(CLINIC) if "remove-cell" in nb.tags(cell)
    )
    assert kind in SHOWN or message in asserted, "no cell of the chapter raises it (any more)"


def test_cases_are_numbered_in_order():
    assert CASES == [str(number) for number in range(1, len(CASES) + 1)]
    assert len(CASES) >= 26


def test_every_case_that_is_named_exists():
    named = set(re.findall(r"病例 (\d+)", PROSE + SHOWN))
    named |= {last for _, last in re.findall(r"病例 (\d+) 到 (\d+)", PROSE + SHOWN)}
    nb.expect_none(f"病例 {number} does not exist" for number in named - set(CASES))


def broken_links(text):
    """Return links of the FAQ to a heading that its chapter does not have."""
    found = []
    for number, heading, name in LINK.findall(text):
        path = nb.CHAPTERS / f"{name}.ipynb"
        if not path.exists() or int(name[:2]) != int(number):
            found.append(f"第 {number} 章: {name}.ipynb is another chapter or none")
            continue
        cells = nb.markdown_cells(nb.read(path))
        headings = [line for cell in cells for line in cell.source.splitlines() if line[:1] == "#"]
        if not any(line.lstrip("# ").strip() == heading for line in headings):
            found.append(f"{name}.ipynb has no heading {heading!r}")
    return found


def test_the_faq_leads_to_headings_that_exist():
    assert len(LINK.findall(FAQ)) >= 25
    nb.expect_none(broken_links(FAQ))


def test_a_link_that_leads_nowhere_is_found():
    assert broken_links("[第 5 章「没有这一节」](05_thucnews.ipynb)")
    assert broken_links("[第 6 章「5.8 预训练值多少」](05_thucnews.ipynb)")
    assert not broken_links("[第 5 章「5.8 预训练值多少」](05_thucnews.ipynb)")


def test_every_question_is_answered_with_a_link_a_number_or_code():
    answers = re.split(r"^### .*$", FAQ, flags=re.M)[1:]
    assert len(answers) >= 30
    bare = [each.strip()[:30] for each in answers if not re.search(r"\]\(|\d|`|测试", each)]
    nb.expect_none(bare)


LINKED = re.compile(r"\]\((\w+\.ipynb)[)#]")


def unbacked_answers(faq):
    """Return numbers of the FAQ's answers that no chapter linked in the same answer prints."""
    found = []
    for answer in re.split(r"^### ", faq, flags=re.M)[1:]:
        notebooks = [nb.read(nb.CHAPTERS / name) for name in sorted(set(LINKED.findall(answer)))]
        numbers = unbacked(answer, backed_values(notebooks), load_facts())
        found += [f"{answer.splitlines()[0]}: {number}" for number in numbers]
    return found


def test_a_number_in_an_answer_stands_in_a_chapter_that_the_answer_links():
    nb.expect_none(unbacked_answers(FAQ))


def test_a_stale_number_in_an_answer_is_found():
    answer = "### 问\n\n快到 {} 倍，见[第 5 章「5.8 预训练值多少」](05_thucnews.ipynb)。\n"
    assert unbacked_answers(answer.format("8.97")) == ["问: 8.97"]
    ratio = read_results("throughput")["fine-tuning"]["ratio"]
    assert unbacked_answers(answer.format(f"{ratio:.1f}")) == []


def test_the_index_leads_to_every_case():
    assert re.findall(r'href="#case-(\d+)"', PROSE) == CASES
    assert re.findall(r'<a id="case-(\d+)"></a>\n\n### 病例 \1 ', PROSE) == CASES
