"""The index: every run with its report and the champion's history on one page that needs nothing but itself."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from websockets.sync.client import connect

from lm.champions.champion import champion_path, promote
from lm.memory.budget import Budget
from lm.report.run_index import render_index
from lm.runs.run_record import REPORT_FILE, RunRecord, StageRecord, run_folder, save_run
from lm.store.artifacts import Store
from tests.browser import CHROMIUM, Tab, open_browser

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for number, status in enumerate(("completed", "failed", "paused")):
        run = RunRecord(
            run_id=f"run-{number}",
            status=status,
            reason="" if status == "completed" else HOSTILE,
            corpus=[f"/home/me/{HOSTILE}"],
            config={},
            budget=Budget(bytes=2**30, source="flag"),
            started=f"2026-11-2{number}T10:00:00Z",
            stages={"train": StageRecord(key=f"k{number}", path="p", status="computed", reason="", seconds=1.0)},
        )
        save_run(store, run)
    (run_folder(store, "run-0") / REPORT_FILE).write_text("<html>")
    return store


class Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.links, self.tags = list[str](), list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("href", "src") and value]


def test_every_run_is_there_and_links_to_its_report(store: Store) -> None:
    """Newest first; only reports that exist are linked, and each link leads to a file."""
    promote(store, "k0", "the first")
    path = render_index(store)
    page = path.read_text()
    assert re.findall(r"<code>(run-\d)</code>", page) == ["run-2", "run-1", "run-0"]
    links = [link for link in Links(page).links if not link.startswith(("#", "data:"))]
    assert links
    assert all((path.parent / link).is_file() for link in links)
    assert "the champion" in page


def test_the_page_is_text_whatever_a_run_is_called(store: Store) -> None:
    """Names and messages from outside are text: no script, nothing from elsewhere."""
    page = render_index(store).read_text()
    assert "script" not in Links(page).tags
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_a_damaged_record_of_champions_costs_the_list_nothing(store: Store) -> None:
    """The runs are still listed, and the page says what is wrong."""
    champion_path(store).write_text("{")
    page = render_index(store).read_text()
    assert "run-1" in page
    assert "champion.json" in page


def test_an_empty_store_has_a_page_too(tmp_path: Path) -> None:
    """Before the first run the page says how to make one."""
    assert "make run" in render_index(Store(tmp_path)).read_text()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")
def test_the_page_in_a_browser(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    """On a phone by night and a desk by day: nothing wider than the window, nobody asked, all to be reached by key."""
    promote(store, "k0", "the first")
    page = render_index(store)
    with open_browser(tmp_path_factory.mktemp("profile")) as browser, connect(browser, max_size=None) as socket:
        tab = Tab(socket)
        for width, scheme in ((360, "dark"), (1200, "light")):
            tab.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
            )
            tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            tab.open(page.as_uri())
            tab.photograph(f"index-{width}")
            assert tab.value("document.documentElement.scrollWidth") <= width
            ground = tab.value("getComputedStyle(document.body).backgroundColor")
            assert (sum(map(int, ground[4:-1].split(","))) < 3 * 128) == (scheme == "dark")
        assert tab.named("Log.entryAdded") == [] and tab.named("Runtime.exceptionThrown") == []
        assert set(tab.requested()) == {page.as_uri()}
        assert tab.value("document.documentElement.lang") == "en"
        assert tab.value("document.querySelectorAll('h1').length") == 1
        assert tab.value("[...document.querySelectorAll('table')].every(e => e.querySelector('th'))")
        links = "[...document.querySelectorAll('a')]"
        assert tab.value(f"{links}.length") > 0
        assert tab.value(f"{links}.every(e => e.tabIndex === 0 && e.innerText.trim())")
