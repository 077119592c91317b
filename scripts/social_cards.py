"""Draw the cards that chats show of a link, one a page.

python scripts/social_cards.py       # those whose page was renamed or is new
python scripts/social_cards.py 05    # those of the named pages, anew

Needs playwright, a Chromium or Chrome, and fonts with Chinese (fonts-noto-cjk).
"""

import sys

from book.cards import CARDS, draw, pages, title_of
from browsing.programs import NoBrowser, opened_browser


def main() -> None:
    """One line a card that was drawn."""
    wanted = sys.argv[1:]
    CARDS.mkdir(exist_ok=True)
    todo = []
    for page in pages():
        path = CARDS / f"{page.split('/')[-1]}.png"
        named = any(path.stem.startswith(each) for each in wanted)
        drawn = path.is_file() and title_of(page).encode() in path.read_bytes()
        if named or not (wanted or drawn):
            todo.append((page, path))
    if not todo:
        print("all cards are as their pages")
        return
    try:
        with opened_browser() as browser:
            window = browser.new_page()
            for page, path in todo:
                path.write_bytes(draw(window, page))
                print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    except NoBrowser as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
