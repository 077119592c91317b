"""The theme's words in Chinese.

Its own translation lacks some and has 列印, as Taiwan says, for 打印. They are replaced where they
stand as a whole, in an attribute or between two tags, so that nothing of a chapter is touched.
`tests/test_site.py` fails if a release of the theme brings a new English one.
"""

import re

ATTRIBUTES = {
    "Toggle primary sidebar": "全书目录",
    "Toggle secondary sidebar": "本页内容",
    "Source repositories": "源码仓库",
    "Launch interactive content": "在线运行",
    "Launch on Colab": "在 Colab 中打开",
    "Colab logo": "",  # the word stands beside it
    "Color mode": "切换明暗",
    "System Settings": "跟随系统",
    "Link to this heading": "本节的链接",
    "Main": "全书目录",
    "Page": "本页内容",
    "列印成 PDF": "打印或存为 PDF",
    "创建议题": "报告问题",
    "源码库": "源码仓库",
}
TEXTS = {
    "Repository": "源码仓库",
    "Open issue": "报告问题",
    ".ipynb": "笔记本 .ipynb",
    ".md": "源文件 .md",
    ".pdf": "打印 / PDF",
}
ATTRIBUTE = re.compile(r'\b(title|aria-label|data-bs-title|alt)="([^"]*)"')
LABEL = re.compile(r'(<span class="btn__text-container">)([^<]*)(</span>)')
COPYRIGHT = re.compile(r"© Copyright (\d{4}(?:-\d{4})?)\.")


def in_chinese(html: str) -> str:
    """A page of the theme with its labels in Chinese; the text of the article stays as it is."""

    def attribute(match: re.Match) -> str:
        return f'{match[1]}="{ATTRIBUTES.get(match[2], match[2])}"'

    def label(match: re.Match) -> str:
        return match[1] + TEXTS.get(match[2].strip(), match[2]) + match[3]

    html = ATTRIBUTE.sub(attribute, html)
    html = LABEL.sub(label, html)
    return COPYRIGHT.sub(r"© \1", html)
