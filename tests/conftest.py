"""Let the tests import the course, its scripts and their own helpers; deal them out to workers."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
for folder in (ROOT / "scripts", ROOT, ROOT / "tests"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

# One thread here and in every kernel: two workers with two threads each fight for two cores, and
# are slower than with one. To be set before anybody imports torch or numpy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

MEASURED = []  # lines that a test wants to be seen even when it passes


def pytest_terminal_summary(terminalreporter):
    if MEASURED:
        terminalreporter.section("measured")
        for line in MEASURED:
            terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The folder of a BERT of one layer, with its tokenizer."""
    from tiny_bert import save_tiny_bert

    return str(save_tiny_bert(tmp_path_factory.mktemp("tiny") / "model"))


@pytest.fixture(scope="module")
def tokenizer():
    from tiny_bert import tiny_tokenizer

    return tiny_tokenizer()


@pytest.fixture
def plain_environment(monkeypatch, tmp_path):
    """The mini profile, no folder of real data, and a cache of the test's own."""
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_PROFILE", "mini")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def browser():
    """A Chromium without a window; tests that ask for it skip where there is none."""
    pytest.importorskip("playwright.sync_api")
    from browsing.programs import NoBrowser, opened_browser

    try:
        with opened_browser() as browser:
            yield browser
    except NoBrowser as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Folder of the built website."""
    from built_site import build, ready_site

    return ready_site() or build(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def address(site):
    """The website served on this machine; gives its address."""
    from browsing.serving import served

    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def window(browser):
    """One window for all pages, so that shared scripts are read once."""
    from built_site import PATIENCE

    window = browser.new_context(locale="zh-CN")
    window.set_default_timeout(1000 * PATIENCE)
    return window


@pytest.fixture
def open_page(window, address):
    """Opens a page of the website; the test fails on requests elsewhere and on script errors."""
    from built_site import pages_of

    with pages_of(window, address) as open_one:
        yield open_one


@pytest.fixture(scope="module")
def one_thread():
    """Sums in the same order in every process; and no more cores than a test should take."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# Of pytest-xdist (pytest -n 2)


def own_unit(nodeid):
    """Tell whether a test may run apart from those of its file: they share no fixture."""
    return "::test_notebook_runs_offline[" in nodeid


def pytest_collection_modifyitems(items):
    """Begin with the longest, so that no worker ends alone: chapters, slow files, the rest."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not own_unit(item.nodeid), item.path not in slow))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a worker a whole file, whose fixtures are then made once; but chapters one by one."""
    from xdist.scheduler import LoadScopeScheduling

    class FilesAndChapters(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return nodeid if own_unit(nodeid) else nodeid.split("::")[0]

    config.option.loadscopereorder = False  # the order is that of the collection
    return FilesAndChapters(config, log)
