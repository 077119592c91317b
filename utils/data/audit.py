"""Look at a reader's own labelled texts before anything is trained on them.

Nothing is repaired here: what is doubtful is counted, shown with its rows, and left to its owner.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from utils.data import rows as files
from utils.data import tables
from utils.data.layout import SPLITS, WHOLE, find_parts
from utils.data.problems import SHEETS, Problem
from utils.data.rows import Row

if TYPE_CHECKING:  # importing it takes a second, so the audit does so when it is asked for
    import pandas as pd

FRAGMENT = 4  # characters; what chapter 5 compares texts by
BEGINNING = 200  # characters of a text that are compared
COMMON = 200  # of the texts that share a fragment, so many are compared; of a form letter, not all
FEW = 10  # texts of a class, below which nothing can be said of it
UNEQUAL = 10  # times as many texts in the largest class as in the smallest

SHOWN = 30  # classes named in a report
CELL = 32_767  # characters that Excel keeps of a text; the rest is lost in silence
ESCAPED = re.compile(r"\\u[0-9a-fA-F]{4}")
MARKUP = re.compile(
    r"&(nbsp|amp|lt|gt|quot|#\d+|#x[0-9a-f]+);|<(br|p|div|span|a|img)\b[^<>]*>", re.I
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

SEPARATORS = ",，;；、/／|｜+＋&#"

# The same kinds as `problems.PROBLEMS`, for people: what is wrong and the cure.
PROBLEMS = {
    "columns": ("列数不对（{}）", "文本里有逗号或引号时，用引号把它括起来"),
    "tab": ("没有制表符", "写成「标签<TAB>文本」，或者用有列名的 CSV"),
    "text": ("文本是空的", "补上文本，或删掉这一行"),
    "label": ("标签是空的", "补上标签，或删掉这一行"),
    "nan": ("标签 {!r} 是程序替空格子写的", "补上标签，或删掉；真有这一类就换个名字"),
    "nan-text": ("文本 {!r} 是程序替空格子写的", "补上文本，或删掉这一行"),
    "several": ("标签是 {}，不是一个类", "每条文本只写一个类名"),
    "parts": ("文本是 {}，不是一条", "每个标签配一条文本，写成一个字符串"),
    "header": ("列名又出现了一次", "几个文件接在一起时，只留最前面的列名"),
    "quotes": ("标签 {} 带引号，别的行不带", "去掉标签和文本外面的引号"),
    "cell": ("格子里的值不能用（{}）", "改正，或删掉这一行"),
    "json": ("不是一个 JSON 对象（{}）", "每行写一个对象，里面有文本和标签"),
    "file": ("文件不能用（{}）", "修好这些文件，或把它们拿走"),
}


class Remark(NamedTuple):
    """One thing that the audit found."""

    kind: str
    count: int
    words: str  # for people, with the first places and what to do
    serious: bool = False  # training would go wrong, or stop


class Audit(NamedTuple):
    """What an audit found. Printed, it is the report."""

    counts: pd.DataFrame  # texts of each class (index) in each part (columns)
    remarks: list[Remark]

    def of(self, kind: str) -> int:
        """How often something was found."""
        return sum(remark.count for remark in self.remarks if remark.kind == kind)

    def __str__(self) -> str:
        total = int(self.counts.to_numpy().sum())
        sizes = _few(
            [f"{name[:20]} {size}" for name, size in self.counts.sum(axis=1).items()], SHOWN
        )
        lines = [f"可用的文本 {total} 条，{len(self.counts)} 类：{sizes}"]
        lines += [f"{'⚠️ ' if remark.serious else '· '}{remark.words}" for remark in self.remarks]
        if not self.remarks:
            lines.append("✅ 没有发现可疑之处")
        return "\n".join(lines)


def audit_texts(
    source: str | Path,
    *,
    text: str = "text",
    label: str = "label",
    tokens: Callable[[Sequence[str]], Iterable[Sequence[int]]] | None = None,
    max_length: int = 128,
) -> Audit:
    """Audit what `load_texts(source, text=, label=)` would load.

    Args:
        source, text, label: as for `load_texts`.
        tokens: gives the token ids of each text, to tell how many are cut at `max_length`.
    Raises:
        DataError: nothing of the source can be read.
    """
    import pandas as pd

    parts = find_parts(Path(source).expanduser(), "")
    rows: dict[str, list[Row]] = {}
    remarks: list[Remark] = []
    for part in sorted(parts, key=(*SPLITS, WHOLE).index):  # the training split first
        path = parts[part]
        found = files.each_file(path) if path.is_dir() else tables.each_row(path, text, label)
        rows[part], problems = files.sorted_out(found)
        remarks += _broken(problems, path)
        if path.is_dir() and (others := files.other_files(path)):
            words = (
                f"不是 .txt、没有读的文件 {len(others)} 个（{_few(others)}）：要用就另存为 .txt。"
            )
            remarks.append(Remark("not-read", len(others), words))
    everything = [row for part in rows.values() for row in part]
    remarks += [
        *_classes(rows),
        *_labels(everything),
        *_copies(rows),
        *_characters(everything),
    ]
    if tokens is not None:
        remarks += _lengths(everything, tokens, max_length)
    remarks.sort(key=lambda remark: not remark.serious)
    counts = pd.DataFrame({part: Counter(row.label for row in each) for part, each in rows.items()})
    return Audit(counts.fillna(0).astype(int).sort_index(), remarks)


def near_duplicates(
    texts: Sequence[str], others: Sequence[str] | None = None, threshold: float = 0.5
) -> list[tuple[int, int]]:
    """Pairs of texts that share most of their fragments of four characters.

    Compared are the beginnings, without blanks, in one width and case. A text of fewer characters
    than a fragment is one fragment: it is the copy of those that are equal to it, of no others.

    Args:
        others: compare with these; by default the texts with each other.
        threshold: of the fragments of the one that has fewer.
    Returns:
        (place in `texts`, place in `others`), each pair once, and no text with itself.
    """
    fragments = [_fragments(text) for text in texts]
    among_others = fragments if others is None else [_fragments(text) for text in others]
    holders = defaultdict(list)
    for place, parts in enumerate(among_others):
        for part in parts:
            holders[part].append(place)
    found = []
    for place, parts in enumerate(fragments):
        shared: Counter[int] = Counter()
        for part in parts:
            shared.update(holders[part][:COMMON])
        for other, count in shared.items():
            if others is None and other <= place:
                continue
            if count >= threshold * min(len(parts), len(among_others[other])):
                found.append((place, other))
    return sorted(found)


def folded(name: str) -> str:
    """A label without what the eye does not see: case, width, blanks, invisible characters."""
    name = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in name if not c.isspace() and unicodedata.category(c)[0] != "C")


def _fragments(text: str) -> set[str]:
    text = folded(text[:BEGINNING])
    return {text[i : i + FRAGMENT] for i in range(max(1, len(text) - FRAGMENT + 1))}


def _broken(problems: Sequence[Problem], path: Path) -> list[Remark]:
    """One remark for each kind of row that cannot be used, with all its places."""
    kinds = defaultdict(list)
    for problem in problems:
        kinds[problem.kind].append(problem)
    remarks = []
    for kind, found in kinds.items():
        what, cure = PROBLEMS[kind]
        if kind in ("text", "label") and path.name.lower().endswith(SHEETS):
            cure += "（合并的单元格先拆开、往下填满；公式先在 Excel 里打开存一次）"
        details = list(dict.fromkeys(what.format(each.detail) for each in found))
        places = [f"第 {each.number} 行" if each.number else str(each.file) for each in found]
        told = "；".join(details[:3])
        words = f"{path.name}：{told}，{len(found)} 处（{_few(places, 10)}）。{cure}。"
        remarks.append(Remark(f"broken-{kind}", len(found), words, serious=True))
    return remarks


def _classes(rows: dict[str, list[Row]]) -> list[Remark]:
    sizes = Counter(row.label for part in rows.values() for row in part)
    remarks = []
    if len(sizes) == 1:
        words = f"只有一类（{next(iter(sizes))}）。至少要两类，才有什么可分。"
        return [Remark("one-class", 1, words, serious=True)]
    if not sizes:
        return []
    if len(sizes) > 10 and len(sizes) > sum(sizes.values()) / 2:
        words = f"{sum(sizes.values())} 条文本有 {len(sizes)} 个类，几乎一条一类：文本和标签两列是不是弄反了？"
        return [Remark("classes-unlike", len(sizes), words, serious=True)]
    (largest, most), (smallest, fewest) = sizes.most_common(1)[0], sizes.most_common()[-1]
    if small := sorted(name for name, size in sizes.items() if size < FEW):
        words = f"不到 {FEW} 条的类有 {len(small)} 个（{_few(small)}），测不准也学不好：添文本，或并入别的类。"
        remarks.append(Remark("small-class", len(small), words))
    if most > UNEQUAL * fewest:
        words = (
            f"各类很不均：{largest} {most} 条，{smallest} {fewest} 条。看宏平均 F1，别看准确率；"
            "训练时给少的类更大的权重。"
        )
        remarks.append(Remark("unequal", 1, words))
    return remarks


def _labels(rows: Sequence[Row]) -> list[Remark]:
    names = sorted({row.label for row in rows})
    alike = defaultdict(list)
    for name in names:
        alike[folded(name)].append(name)
    remarks = []
    if same := [group for group in alike.values() if len(group) > 1]:
        told = _few(["／".join(map(ascii_marks, group)) for group in same])
        words = f"看起来一样的标签，{len(same)} 组（{told}）：只差大小写、全半角、空白或看不见的字。请改成一种写法。"
        remarks.append(Remark("labels-alike", len(same), words, serious=True))
    several = []
    for name in names:
        for separator in SEPARATORS:
            parts = [folded(part) for part in name.split(separator)]
            if len(parts) > 1 and any(part in alike for part in parts):
                several.append(name)
                break
    if several:
        words = f"像是几个标签写在一格里的，{len(several)} 个（{_few(several)}）。这里一条文本只归一类：选一个，或另立一类。"
        remarks.append(Remark("labels-joined", len(several), words, serious=True))
    return remarks


def _copies(rows: dict[str, list[Row]]) -> list[Remark]:
    remarks = []
    everything = [row for part in rows.values() for row in part]
    same = defaultdict(list)
    for row in everything:
        same[row.text.strip()].append(row)
    torn = [group for group in same.values() if len({row.label for row in group}) > 1]
    if torn:
        told = _few(
            [f"{_places(group)}：{'、'.join(sorted({r.label for r in group}))}" for group in torn]
        )
        words = f"同一条文本有不同的标签，{len(torn)} 条（{told}）。定下一个。"
        remarks.append(Remark("torn", len(torn), words, serious=True))
    for part, each in rows.items():
        of = "" if len(rows) == 1 else f"{part} 里"
        groups = Counter(row.text.strip() for row in each)
        if twice := sum(count - 1 for count in groups.values()):
            words = f"{of}一字不差的重复 {twice} 条。留一条就够：重复多了，那几句就学得过头。"
            remarks.append(Remark("copies", twice, words))
        different = list(groups)
        if near := len(near_duplicates(different)):
            words = f"{of}大半相同的文本 {near} 对（转载、改几个字）。自动划分时它们可能分在两边，成绩会偏高。"
            remarks.append(Remark("near-copies", near, words))
    names = list(rows)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            remarks += _shared(first, rows[first], second, rows[second])
    return remarks


def _shared(first: str, rows: list[Row], second: str, others: list[Row]) -> list[Remark]:
    """What stands in two of the given splits."""
    there = {row.text.strip() for row in rows}
    equal = [row for row in others if row.text.strip() in there]
    remarks = []
    if equal:
        words = f"{second} 里有 {len(equal)} 条也在 {first} 里（{_places(equal)}）。模型背下来就能得分：从 {first} 里删掉。"
        remarks.append(Remark("shared", len(equal), words, serious=True))
    rest = [row for row in others if row.text.strip() not in there]
    near = {at for at, _ in near_duplicates([row.text for row in rest], [row.text for row in rows])}
    if near:
        places = _places([rest[at] for at in sorted(near)])
        words = f"{second} 里有 {len(near)} 条与 {first} 里的大半相同（{places}）：成绩会偏高。"
        remarks.append(Remark("near-shared", len(near), words))
    return remarks


def _characters(rows: Sequence[Row]) -> list[Remark]:
    remarks = []
    for kind, found, words, serious in (
        ("garbled", is_garbled, "有乱码的文本 {} 条（{}）：从原来的文件重新导出，存成 UTF-8。", True),
        ("cut-by-excel", _is_cut, f"正好 {CELL} 个字的文本 {{}} 条（{{}}）：Excel 的格子只装得下这么多，后面的丢了。从原来的数据另行导出。", True),
        ("markup", MARKUP.search, "带网页标记（<br>、&nbsp; 之类）的文本 {} 条（{}）：不是正文就去掉，训练和预测要一样处理。", False),
        ("control", CONTROL.search, "有控制字符的文本 {} 条（{}）：看不见，也没有意思，去掉为好。", False),
    ):  # fmt: skip
        if odd := [row for row in rows if found(row.text)]:
            told = words.format(len(odd), _places(odd))
            remarks.append(Remark(kind, len(odd), told, serious))
    labels = sorted({row.label for row in rows if is_garbled(row.label)})
    if labels:
        words = (
            f"有乱码的标签 {len(labels)} 个（{_few(labels)}）：从原来的文件重新导出，存成 UTF-8。"
        )
        remarks.append(Remark("garbled-labels", len(labels), words, serious=True))
    return remarks


def is_garbled(text: str) -> bool:
    """Whether a text was read in a wrong encoding by whoever wrote it down.

    It then is what its UTF-8 looks like in Latin-1 (`ç¬¬`) or in GBK (`绗竴`), which no text is by
    chance; or it was never read (`\\u7b2c`); or there is the sign that stands for what
    could not be read. Words of GBK whose bytes
    would be Greek or Hebrew in UTF-8 are words: 通知, 医院, 未知.
    """
    if "\ufffd" in text or "锟斤拷" in text:
        return True
    if 2 * sum(map(len, ESCAPED.findall(text))) > len(text):
        return True
    if text.isascii():
        return False
    for encoding in ("latin-1", "cp1252", "gb18030"):
        try:
            meant = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        least = "\u0800" if encoding == "gb18030" else "\u0080"
        if sum(char >= least for char in meant) > 1:
            return True
    return False


def _is_cut(text: str) -> bool:
    return len(text) == CELL


def _lengths(
    rows: Sequence[Row],
    tokens: Callable[[Sequence[str]], Iterable[Sequence[int]]],
    max_length: int,
) -> list[Remark]:
    lengths = sorted(len(ids) for ids in tokens([row.text for row in rows]))
    if not lengths:
        return []
    cut = sum(length > max_length for length in lengths)
    middle, high = (lengths[int((len(lengths) - 1) * share)] for share in (0.5, 0.95))
    words = f"长度：一半不超过 {middle} 个词元，95% 不超过 {high}，最长 {lengths[-1]}。"
    if cut:
        words += f"超过 {max_length} 的 {cut} 条会被截断：要读全文就加大 max_length。"
    return [Remark("lengths", cut, words)]


def ascii_marks(name: str) -> str:
    """A label with its invisible characters written out, so that two that look alike do not."""
    return "".join(
        c if c.isprintable() and c != "\u3000" else f"\\u{ord(c):04x}" for c in repr(name)[1:-1]
    )


def _places(rows: Sequence[Row], most: int = 5) -> str:
    names = {row.file.name for row in rows}
    several = len(names) > 1
    return _few(
        [
            (f"{row.file.name} " if several or not row.number else "")
            + (f"第 {row.number} 行" if row.number else "")
            for row in rows
        ],
        most,
    )


def _few(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many there are if that is not all."""
    told = "、".join(name.strip() for name in names[:most])
    return told if len(names) <= most else f"{told}……"
