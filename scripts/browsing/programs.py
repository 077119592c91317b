"""A Chromium or Chrome of this machine, opened without a window and without a word to its maker."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowser(Exception):
    """There is no Chromium or Chrome here."""


def find_browser() -> str:
    """Path of the program: the one that the variable CHROMIUM names, or one that is installed.

    Raises:
        NoBrowser: with what to do.
    """
    wanted = os.environ.get("CHROMIUM")
    for name in [wanted] if wanted else NAMES:
        if found := shutil.which(name):
            return found
    if wanted:
        raise NoBrowser(f"CHROMIUM={wanted} is no program; name a Chromium or Chrome")
    raise NoBrowser("no Chromium or Chrome found; install one or set CHROMIUM=/path/to/it")


@contextmanager
def opened_browser() -> Iterator["Browser"]:
    """The browser, closed at the end.

    Raises:
        NoBrowser: with what to do.
        ImportError: without the package playwright.
    """
    from playwright.sync_api import sync_playwright

    program = find_browser()
    with sync_playwright() as api:
        browser = api.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
