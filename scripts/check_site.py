"""Open every page of the built website as readers do, and say what is wrong.

    python scripts/check_site.py _build/html [--axe axe.min.js] [--pages 05 index]

Each page at phone, tablet and desk widths, in both themes, with every other host blocked: nothing
wider than the window, no script error, no request elsewhere, no last column of a table out of
sight on a phone; at 200 % zoom; on A4 from the dark theme; with the keyboard alone; and with
axe-core (`npm pack axe-core`, or any copy of its axe.min.js), where serious and critical issues
count. Needs playwright and a Chromium or Chrome.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from browsing.programs import NoBrowser, opened_browser
from browsing.serving import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (360, 390, 768, 1440)
THEMES = ("light", "dark")
ZOOMED = 1280 // 2  # a window of 1280 pixels at 200 %
A4 = 718  # pixels between the margins of A4 paper: 210 mm less 2 × 10 mm, at 96 a inch
SETTLED_MS = 800  # after a change of width, until the page's scripts have followed
MOST_TABS = 1000  # presses of Tab before a page counts as a trap; chapter 12 has 650 stops

WIDER = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
SMALL_TEXT = """() => {
    const found = [];
    for (const text of document.querySelectorAll(".cell_output svg text")) {
        if (!text.textContent.trim()) continue;
        const matrix = text.getScreenCTM();
        const scale = matrix ? Math.hypot(matrix.a, matrix.b) : 1;
        const size = parseFloat(getComputedStyle(text).fontSize) * scale;
        if (size < 9) found.push(`${text.textContent.trim().slice(0, 20)}: ${size.toFixed(1)} px`);
    }
    return found;
}"""
# Printed and other tables whose last column is out of sight, at 390 px.
OUT_OF_SIGHT = """() => {
    const found = [];
    const boxes = ".bd-article :is(.cell_output, .pst-scrollable-table-container)";
    for (const box of document.querySelectorAll(`${boxes}, ${boxes} *`)) {
        const wider = box.clientWidth > 1 && box.scrollWidth > box.clientWidth + 1;
        if (!wider || getComputedStyle(box).overflowX === "visible") continue;
        if (!box.checkVisibility() || box.closest(".math, mjx-container")) continue;
        const cell = box.closest("[id^=cell-], section")?.id;
        found.push(`${cell}: ${box.scrollWidth} px in ${box.clientWidth} px`);
    }
    for (const text of document.querySelectorAll(`${boxes} :is(pre, td, th)`)) {
        const size = parseFloat(getComputedStyle(text).fontSize);
        if (size < 9) found.push(`${text.textContent.trim().slice(0, 20)}: ${size} px`);
    }
    return [...new Set(found)];
}"""
CUT_OUT = """() => {
    const inside = document.querySelector(".bd-article").getBoundingClientRect();
    const boxes = document.querySelectorAll(
        ".bd-article :is(pre, table, svg, img, mjx-container[display], .output)");
    return [...boxes].filter((box) => {
        const place = box.getBoundingClientRect();
        return place.width && (place.right > inside.right + 2 || (
            box.tagName === "PRE" && box.scrollWidth > box.clientWidth + 1));
    }).map((box) => `${box.tagName.toLowerCase()} ${box.textContent.trim().slice(0, 30)}`);
}"""
PALE = """() => {
    const light = (color) => {
        const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
        return a === 0 ? 255 : 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    const ground = light(getComputedStyle(document.body).backgroundColor);
    if (ground < 250) found.push(`the paper is ${ground.toFixed(0)} of 255 bright`);
    for (const each of document.querySelectorAll(
            ".bd-article, .bd-article :is(p, li, td, h1, h2, pre, pre span, code, a)")) {
        const ink = light(getComputedStyle(each).color);
        const own = each.textContent.trim();
        if (own && ink > 160) found.push(`${own.slice(0, 20)}: ink ${ink.toFixed(0)} of 255 bright`);
    }
    return found;
}"""
FOCUSED = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    one.dataset.reached = "yes";
    // A radio button may be hidden and its label wear the ring.
    const label = one.matches("input[type=radio]") ? one.nextElementSibling : null;
    const style = getComputedStyle(label ?? one);
    const shown = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
        || style.boxShadow !== "none";
    const place = (label ?? one).getBoundingClientRect();
    const name = `${one.tagName.toLowerCase()}.${one.className}`.slice(0, 60);
    return {name, shown: shown && place.width > 0 && style.opacity !== "0"};
}"""
UNREACHED = """() => [...document.querySelectorAll(
        "#pst-skip-link a, a[href], button, summary, input:not([type=hidden], [type=radio])")]
    .filter((one) => one.checkVisibility({visibilityProperty: true}) && one.dataset.reached !== "yes" && one.tabIndex >= 0)
    .map((one) => `${one.tagName.toLowerCase()}.${one.className}`.slice(0, 60))"""


def page_names(site: Path, wanted: list[str]) -> list[str]:
    """All pages of a site, or those whose path holds one of the wanted words."""
    names = sorted(
        path.relative_to(site).as_posix()
        for path in site.rglob("*.html")
        if not {"_static", "_sources"} & set(path.relative_to(site).parts)
    )
    return [name for name in names if not wanted or any(word in name for word in wanted)]


def at_widths(page: "Page") -> list[str]:
    """Whether the page is wider than its window, at each width and zoomed."""
    found = []
    for width in (*WIDTHS, ZOOMED):
        page.set_viewport_size({"width": width, "height": 900})
        inside, outside = page.evaluate(WIDER)
        if inside > outside:
            found.append(f"{inside} px wide in a window of {outside} px")
        if width == WIDTHS[0]:
            found += [f"small at {width} px: {text}" for text in page.evaluate(SMALL_TEXT)[:3]]
        if width == WIDTHS[1]:
            found += [f"out of sight at {width} px: {box}" for box in page.evaluate(OUT_OF_SIGHT)]
    return found


def on_paper(page: "Page") -> list[str]:
    """What would be cut or pale in print."""
    page.set_viewport_size({"width": A4, "height": 1000})
    page.emulate_media(media="print")
    found = [f"cut on A4: {box}" for box in page.evaluate(CUT_OUT)]
    found += [f"pale on paper: {text}" for text in page.evaluate(PALE)[:3]]
    page.emulate_media(media="screen")
    return found


def by_keyboard(page: "Page") -> list[str]:
    """What Tab does not reach, or reaches without a sign."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
    unseen, ends = [], 0
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        one = page.evaluate(FOCUSED)
        if one is None:
            ends += 1
            if ends == 2:  # a page that sets the focus itself is begun in its middle
                break
            continue
        if not one["shown"]:
            unseen.append(f"focus not seen: {one['name']}")
    else:
        unseen.append(f"Tab does not come to an end after {MOST_TABS} presses")
    return sorted(set(unseen)) + sorted(
        {f"not reached: {each}" for each in page.evaluate(UNREACHED)}
    )


def by_axe(page: "Page", axe: str) -> list[str]:
    """What axe-core calls serious or critical."""
    page.evaluate(axe)
    found = []
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(SETTLED_MS)
        result = page.evaluate("axe.run({resultTypes: ['violations']})")
        for issue in result["violations"]:
            if issue["impact"] in ("serious", "critical"):
                where = issue["nodes"][0]
                message = where["failureSummary"].replace("\n", " ")[:160]
                found.append(
                    f"axe {issue['impact']} {issue['id']} ×{len(issue['nodes'])} at {width} px: "
                    f"{where['target']} {message}"
                )
    return found


def check(browser: "Browser", address: str, name: str, axe: str | None) -> list[str]:
    """Everything that is wrong with a page."""
    found = []
    for theme in THEMES:
        context = browser.new_context(color_scheme=theme, locale="zh-CN")
        page = context.new_page()
        page.set_default_timeout(120_000)
        wrong: list[str] = []

        def block(route, wrong=wrong):
            if not route.request.url.startswith((address, "data:", "blob:")):
                wrong.append(f"request to another host: {route.request.url}")
                return route.abort()
            return route.continue_()

        page.route("**/*", block)
        page.on("console", lambda m, w=wrong: m.type == "error" and w.append(f"console: {m.text}"))
        page.on("pageerror", lambda error, w=wrong: w.append(f"script error: {error}"))
        page.goto(f"{address}/{name}", wait_until="load")
        page.evaluate("window.MathJax?.startup?.promise")
        wrong += at_widths(page)
        if axe:
            wrong += by_axe(page, axe)
        if theme == "light":
            wrong += by_keyboard(page)
        elif page.locator(".bd-article").count():
            wrong += on_paper(page)
        context.close()
        found += [f"{name} [{theme}] {each}" for each in wrong]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("site", type=Path, help="built site, such as _build/html")
    parser.add_argument("--axe", type=Path, help="axe.min.js of axe-core")
    parser.add_argument("--pages", nargs="*", default=[], help="words of the wanted pages' paths")
    arguments = parser.parse_args()
    names = page_names(arguments.site, arguments.pages)
    if not names:
        sys.exit(f"error: no page in {arguments.site}; run `make book` first")
    axe = arguments.axe.read_text("utf-8") if arguments.axe else None
    if not axe:
        print("without axe-core: name its axe.min.js with --axe")
    total = 0
    try:
        with opened_browser() as browser, served(arguments.site) as address:
            for name in names:
                found = check(browser, address, name, axe)
                total += len(found)
                print("\n".join(found) or f"{name} ok", flush=True)
    except NoBrowser as error:
        sys.exit(f"error: {error}")
    print(f"{len(names)} pages, {total} complaints")
    return bool(total)


if __name__ == "__main__":
    sys.exit(main())
