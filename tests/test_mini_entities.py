"""data/mini_entities keeps what its datasheet promises."""

import csv
import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from conftest import MEASURED
from near_duplicates import near_duplicates, news_texts
from notebooks import ROOT
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from utils.pretraining import read_documents

FOLDER = ROOT / "data/mini_entities"
SIZES = {"train": 520, "validation": 100, "test": 180}
TYPES = ("LOC", "ORG", "PER", "WORK")
LABELS = {"O"} | {f"{prefix}-{name}" for prefix in "BI" for name in TYPES}


def read(name):
    """[(characters, labels), ...]; the label follows the line's last blank: a character may be one."""
    sentences = [[]]
    for line in (FOLDER / f"{name}.txt").read_bytes().decode("utf-8").split("\n"):
        if line:
            sentences[-1].append(tuple(line.rsplit(" ", 1)))
        else:
            sentences.append([])
    return [tuple(zip(*lines, strict=True)) for lines in sentences if lines]


def spans(labels):
    """[(start, end, type), ...] of a sentence's entities; an I- that continues nothing is O."""
    found, start = [], None
    for place, label in enumerate([*labels, "O"]):
        if start is not None and label != "I-" + labels[start][2:]:
            found.append((start, place, labels[start][2:]))
            start = None
        if label.startswith("B-"):
            start = place
    return found


def entities(sentence):
    """[(text, type), ...]"""
    characters, labels = sentence
    return [("".join(characters[a:b]), name) for a, b, name in spans(labels)]


def mask(sentence):
    """The sentence with one sign in place of each entity: ① LOC, ② ORG, ③ PER, ④ WORK."""
    characters, labels = sentence
    signs = dict(zip(TYPES, "①②③④", strict=True))
    return "".join(
        signs[label[2:]] if label.startswith("B-") else character
        for character, label in zip(characters, labels, strict=True)
        if not label.startswith("I-")
    )


def strip_names(sentence):
    return re.sub("[①②③④]", "", mask(sentence))


def is_legal(labels):
    """An I- follows a B- or an I- of its own type."""
    return all(
        label in LABELS and (label[0] != "I" or before[1:] == label[1:])
        for before, label in zip(("O", *labels), labels, strict=False)
    )


def table(header):
    """The datasheet's table under a header, as lists of cells."""
    datasheet = (ROOT / "data/README.md").read_text("utf8")
    rows = re.search(rf"^{re.escape(header)}\n\|[-| ]+\|\n((?:\|.*\|\n?)+)", datasheet, re.M)[1]
    return [[cell.strip() for cell in line.strip("| \n").split("|")] for line in rows.splitlines()]


@pytest.fixture(scope="module")
def splits():
    """{split: [(characters, labels), ...]}"""
    return {name: read(name) for name in SIZES}


@pytest.fixture(scope="module")
def sentences(splits):
    return [sentence for rows in splits.values() for sentence in rows]


@pytest.fixture(scope="module")
def types_of(sentences):
    """{entity: types it occurs with}"""
    found = defaultdict(set)
    for sentence in sentences:
        for text, name in entities(sentence):
            found[text].add(name)
    return found


def test_sizes(splits):
    assert {name: len(rows) for name, rows in splits.items()} == SIZES


@pytest.mark.parametrize("name", SIZES)
def test_a_character_and_a_label_a_line_and_one_blank_line_between_sentences(splits, name):
    text = (FOLDER / f"{name}.txt").read_bytes().decode("utf-8")
    assert all(len(character) == 1 for characters, _ in splits[name] for character in characters)
    blocks = [
        "".join(f"{character} {label}\n" for character, label in zip(*sentence, strict=True))
        for sentence in splits[name]
    ]
    assert text == "\n".join(blocks)


def test_labels_are_legal(sentences):
    assert [characters for characters, labels in sentences if not is_legal(labels)] == []
    for wrong in (["I-PER"], ["B-PER", "I-LOC"], ["B-LOC", "O", "I-LOC"], ["B-TIME"], ["o"]):
        assert not is_legal(wrong)


def test_counts_are_those_of_the_datasheet(splits):
    header = "| split | sentences | characters | LOC | ORG | PER | WORK | without |"
    written = {row[0]: [int(cell.replace(",", "")) for cell in row[1:]] for row in table(header)}
    measured = {}
    for split, rows in splits.items():
        counts = Counter(name for sentence in rows for _, name in entities(sentence))
        without = sum(not entities(sentence) for sentence in rows)
        characters = sum(len(sentence[0]) for sentence in rows)
        measured[split] = [len(rows), characters, *(counts[name] for name in TYPES), without]
    measured["all"] = [sum(column) for column in zip(*measured.values(), strict=True)]
    assert written == measured


def test_balance(splits, sentences):
    assert (
        min(Counter(name for sentence in sentences for _, name in entities(sentence)).values())
        >= 250
    )
    for rows in splits.values():
        counts = Counter(name for sentence in rows for _, name in entities(sentence))
        assert all(0.15 <= counts[name] / counts.total() <= 0.40 for name in TYPES), counts
        assert 0.13 <= sum(not entities(sentence) for sentence in rows) / len(rows) <= 0.18


def test_lengths_vary(sentences):
    lengths = sorted(len(characters) for characters, _ in sentences)
    assert 10 <= lengths[0] and lengths[-1] <= 60
    assert lengths[len(lengths) * 9 // 10] - lengths[len(lengths) // 10] >= 12


def test_texts_are_clean(sentences):
    """No straight quotes, no full-width letters or digits, no stray blanks, nothing invisible."""
    bad = re.compile(r'["\'\t\r\n\u200b\ufeff\ufffd\u3000Ａ-Ｚａ-ｚ０-９]|  |^\s|\s$')
    texts = ["".join(characters) for characters, _ in sentences]
    assert [text for text in texts if bad.search(text)] == []
    names = [text for sentence in sentences for text, _ in entities(sentence)]
    assert [name for name in names if re.search(r"^[\s《“]|[\s》”，。、]$", name)] == []


def test_no_sentence_is_another_with_other_names(sentences):
    """Neither the same mask nor, names taken out, three tenths of the shorter one's 4-grams."""
    masks = [mask(sentence) for sentence in sentences]
    assert len(set(masks)) == len(masks)
    for texts in (masks, [strip_names(sentence) for sentence in sentences]):
        found = near_duplicates(texts, threshold=0.3)
        assert [(texts[a], texts[b]) for a, b in found] == []


def test_another_filling_of_the_same_sentence_would_be_found(sentences):
    text = "一直到天黑，{}才从{}的后门走出来，手里还拎着那只旧皮箱。"
    line = ("O" if character != "#" else "B-PER" for character in text.format("#", "#"))
    labels = list(line)
    filled = [(text.format(a, b), labels) for a, b in (("甲", "乙"), ("丙", "丁"))]
    texts = [strip_names(sentence) for sentence in [*sentences[:50], *filled]]
    assert near_duplicates(texts, threshold=0.3) == [(50, 51)]


def test_no_text_of_the_course_is_repeated(sentences):
    texts = ["".join(characters) for characters, _ in sentences]
    others = news_texts()
    for name in ("encyclopaedia", "news"):
        for document in read_documents(ROOT / f"data/mini_corpus/{name}.txt"):
            others += document
    found = [(a, b) for a, b in near_duplicates(texts + others) if a < len(texts)]
    assert found == []


def test_many_test_entities_are_new(splits):
    """A dictionary of the training entities must miss them."""
    known = {text for sentence in splits["train"] for text, _ in entities(sentence)}
    mentions = [entity for sentence in splits["test"] for entity in entities(sentence)]
    new = {entity for entity in mentions if entity[0] not in known}
    share = len(new) / len(set(mentions))
    MEASURED.append(f"mini_entities: {share:.1%} of the test entities do not occur in train")
    assert 0.40 <= share <= 0.60
    for name in TYPES:
        some = [text not in known for text, kind in mentions if kind == name]
        assert 0.25 <= sum(some) / len(some) <= 0.75, name


def test_names_of_two_types_are_those_of_the_datasheet(types_of):
    written = {}
    for kinds, _, names in table("| 类型 | 为什么 | 名称 |"):
        written |= {name: set(kinds.split(" / ")) for name in names.split()}
    assert {text: kinds for text, kinds in types_of.items() if len(kinds) > 1} == written
    assert len(written) >= 20


def unlabelled_places(sentences, names):
    """[(row, start, name), ...]: strings that are names elsewhere and are in no entity here."""
    found = []
    for row, (characters, labels) in enumerate(sentences):
        text, inside = "".join(characters), spans(labels)
        for name in names:
            for match in re.finditer(f"(?={re.escape(name)})", text):
                start, end = match.start(), match.start() + len(name)
                if not any(a <= start and end <= b for a, b, _ in inside):
                    found.append((row, start, name))
    return sorted(found)


@pytest.mark.slow
def test_every_name_that_stands_unlabelled_is_justified(splits, types_of):
    """homographs.csv holds all of them, each with its reading: none was merely forgotten."""
    names = [name for name in types_of if len(name) > 1]
    with open(FOLDER / "homographs.csv", encoding="utf8", newline="") as file:
        listed = list(csv.DictReader(file))
    assert set(listed[0]) == {"split", "row", "start", "name", "reading"}
    assert all(row["reading"] for row in listed)
    for split, rows in splits.items():
        places = [
            (int(row["row"]), int(row["start"]), row["name"])
            for row in listed
            if row["split"] == split
        ]
        assert places == unlabelled_places(rows, names)
        assert len(places) >= 15


def test_titles_outside_names():
    """What the guide leaves outside: a title after a name, the marks around a work."""
    title = re.compile("(老师|医生|教授|博士|法官|校长|局长|队长|教练|先生|女士|小姐|师傅|阿姨)$")
    for split in SIZES:
        for sentence in read(split):
            for text, name in entities(sentence):
                assert not (name == "PER" and len(text) > 2 and title.search(text)), text
                assert not re.search("[《》]", text)


def test_what_makes_it_hard_is_there(sentences):
    texts = ["".join(characters) for characters, _ in sentences]
    names = {entity for sentence in sentences for entity in entities(sentence)}
    assert sum(bool(re.search("[A-Za-z]", text)) for text in texts) >= 15
    assert sum(bool(re.search("[0-9]", text)) for text in texts) >= 35
    assert sum(" " in text for text, _ in names) >= 3  # a blank inside a name
    assert sum("·" in text for text, _ in names) >= 10  # foreign names
    assert any(ord(character) > 0xFFFF for text in texts for character in text)
    latin = [name for text, name in names if re.search("[A-Za-z]", text)]
    assert set(latin) >= {"ORG", "PER", "WORK"}
    touching = Counter()
    for _, labels in sentences:
        inside = spans(labels)
        touching.update(
            a[2] == b[2] for a, b in zip(inside, inside[1:], strict=False) if a[1] == b[0]
        )
    assert touching[True] >= 8  # what IO labels could not separate


def test_the_marks_of_a_title_do_not_give_the_works_away(sentences):
    """Most works stand without 《》, and 《》 may hold what is no work."""
    marked = total = other = 0
    for characters, labels in sentences:
        for place, label in enumerate(labels):
            opened = place > 0 and characters[place - 1] == "《"
            marked += opened and label == "B-WORK"
            total += label == "B-WORK"
            other += opened and label != "B-WORK"
    assert 0.2 <= marked / total <= 0.5
    assert other >= 10


def scores(truth, predicted):
    """Entity-level precision, recall and F1: a span counts if start, end and type are right."""
    right = sum(len(set(spans(a)) & set(spans(b))) for a, b in zip(truth, predicted, strict=True))
    said = sum(len(spans(labels)) for labels in predicted)
    there = sum(len(spans(labels)) for labels in truth)
    return right / max(said, 1), right / there, 2 * right / (said + there)


def by_dictionary(train, texts):
    """Longest match from the left of the training entities, each with its most frequent type."""
    seen = defaultdict(Counter)
    for sentence in train:
        for text, name in entities(sentence):
            seen[text][name] += 1
    types = {text: max(sorted(counts), key=counts.get) for text, counts in seen.items()}
    longest = max(map(len, types))
    for characters in texts:
        text, labels, place = "".join(characters), [], 0
        while place < len(text):
            sizes = range(min(longest, len(text) - place), 0, -1)
            size = next((size for size in sizes if text[place : place + size] in types), 0)
            if size:
                name = types[text[place : place + size]]
                labels += [f"B-{name}"] + [f"I-{name}"] * (size - 1)
            else:
                labels.append("O")
            place += max(size, 1)
        yield labels


def window(characters, width=2):
    """For each character: itself and its neighbours, alone and in pairs, with their distance."""
    padded = ["<"] * width + list(characters) + [">"] * width
    places = range(2 * width + 1)
    for start in range(len(characters)):
        around = padded[start : start + 2 * width + 1]
        yield {f"{i}{around[i]}": 1 for i in places} | {
            f"{i}{around[i]}{around[i + 1]}": 1 for i in places[:-1]
        }


def best_legal_path(log_probabilities, names):
    """The most probable label sequence in which no I- stands without its beginning (Viterbi)."""
    allowed = np.array([[is_legal([a.replace("I-", "B-"), b]) for b in names] for a in names])
    total = np.where([is_legal([name]) for name in names], log_probabilities[0], -np.inf)
    steps = []
    for row in log_probabilities[1:]:
        reached = np.where(allowed, total[:, None], -np.inf)
        steps.append(reached.argmax(0))
        total = reached.max(0) + row
    path = [total.argmax()]
    for step in reversed(steps):
        path.append(step[path[-1]])
    return [names[place] for place in reversed(path)]


def by_windows(train, texts):
    """Logistic regression for each character, then the label alone or the best legal path."""
    vectors = DictVectorizer(dtype=np.float32)
    features = vectors.fit_transform(row for characters, _ in train for row in window(characters))
    labels = [label for _, some in train for label in some]
    # Width and C from the validation split, on which C from 10 to 300 differ by three points.
    model = LogisticRegression(C=30, max_iter=200).fit(features, labels)
    names = list(model.classes_)
    alone, paths = [], []
    for characters in texts:
        logs = model.predict_log_proba(vectors.transform(window(characters)))
        alone.append([names[place] for place in logs.argmax(1)])
        paths.append(best_legal_path(logs, names))
    return alone, paths


def test_the_baselines_are_neither_trivial_nor_hopeless(splits):
    texts, truth = zip(*splits["test"], strict=True)
    dictionary = scores(truth, list(by_dictionary(splits["train"], texts)))
    alone, paths = (scores(truth, some) for some in by_windows(splits["train"], texts))
    labels = [label for some in truth for label in some]
    only_o = labels.count("O") / len(labels)
    for name, some in (("dictionary", dictionary), ("windows", alone), ("legal paths", paths)):
        MEASURED.append("mini_entities {}: P {:.3f}, R {:.3f}, F1 {:.3f}".format(name, *some))
    MEASURED.append(f"mini_entities: {only_o:.1%} of the test characters are O")
    assert scores(truth, [["O"] * len(some) for some in truth])[2] == 0
    assert 0.70 <= only_o <= 0.82
    assert 0.40 <= dictionary[2] <= 0.60
    assert 0.48 <= paths[2] <= 0.68
    assert alone[2] < paths[2]
