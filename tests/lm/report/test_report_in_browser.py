"""The report as a real browser shows it: on a phone and on a desk, by day and by night, without a complaint."""

import base64
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pypdf import PdfReader
from websockets.sync.client import connect

from lm.memory.budget import Budget
from lm.report.live_page import Present, write_live_page
from lm.report.report import render_report
from lm.report.run_facts import gather_facts
from lm.runs.run_record import (
    MemoryRow,
    RunRecord,
    StageRecord,
    TrainRecord,
    run_folder,
    save_run,
    write_memory,
)
from lm.stages import stage_names
from lm.store.artifacts import Store
from lm.store.files import write_json
from lm.train.learning_curve import CurveRow
from tests.browser import CHROMIUM, Tab, open_browser
from tests.builders import metrics_of

HOSTILE = "<script>document.title='owned'</script><img src='http://localhost:9/x' onerror=\"document.title='owned'\">"
ERRORS = {
    "calibration": {
        "expected_calibration_error": 0.1,
        "bins": [{"confidence": (n + 0.5) / 15, "accuracy": 0.9 * n / 15, "tokens": 1000 - 60 * n} for n in range(15)],
    },
    "by_tokens_read": [
        {
            "least_read": 2**n // 2 + 1,
            "most_read": 2**n,
            "tokens": 256,
            "nats_per_token": 5 - n / 3,
            "ci95": [4 - n / 3, 6.0],
        }
        for n in range(10)
    ],
    "by_frequency": [
        {"least_count": 2**n // 2, "tokens": 500, "nats_per_token": 12 - n / 2, "by_count_alone": 14 - n / 2}
        for n in range(22)
    ],
    "hardest_tokens": [
        {"token": 7, "text": text, "occurrences": 12, "nats_per_token": 9.5}
        for text in (HOSTILE, "\n", "\ufffd", "x" * 90)
    ],
}
FILL = re.compile(rb"([\d.]+) ([\d.]+) ([\d.]+) rg\b")  # a PDF's colour of what is filled from here on
MODEL_BY_DAY, INK_BY_DAY = (0xB4, 0x48, 0x1A), (0x2A, 0x25, 0x21)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running browser's one tab."""
    with open_browser(tmp_path_factory.mktemp("profile")) as address:
        yield address


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report to look at."""
    return make_report(tmp_path_factory.mktemp("root"))


def make_report(root: Path) -> Path:
    """The report of a complete run whose prompt and text are hostile, with words that no line can hold."""
    store = Store(root)
    run = RunRecord(
        run_id="a-run",
        status="completed",
        command="python -m flows.pipeline --corpus " + "/a/long/path" * 12,
        corpus=["fairy-tales"],
        config={"minutes": 1.0, "memory": "2GiB"},
        budget=Budget(bytes=2**31, source="flag"),
        started="2026-11-20T10:00:00Z",
        seconds=99.0,
        peak_memory_bytes=600 * 2**20,
    )
    rows = []
    for number, stage in enumerate(stage_names()):
        key = f"{number + 1:016x}"
        with store.writing(stage, key) as out:
            _fill(stage, out)
            metrics = metrics_of(stage) | ({"parameters": 5_200_000} if stage == "train" else {})
            told: dict[str, Any] = {"seconds": 60.0, "peak_memory_bytes": 600 * 2**20}
            artifact = store.commit(stage, key, config={}, inputs={}, metrics=metrics, versions={}, **told)
        fields = {"key": key, "path": str(artifact.path.relative_to(root)), "status": "computed", "reason": "new"}
        training = {"steps": 100, "resumed_from_step": None, "weights_sha256": "ab" * 32}
        run.stages[stage] = (
            TrainRecord(**fields, **told, **training) if stage == "train" else StageRecord(**fields, **told)
        )
        rows += [MemoryRow(stage, number * 10.0 + n, n * 2**26, 2**27, 2**33, 2**31) for n in range(1, 11)]
    run.memory = write_memory(store, run.run_id, rows)
    return render_report(store, run)


def _fill(stage: str, out: Path) -> None:
    if stage == "train":
        curve = pd.DataFrame({"seconds": range(1, 61), "loss": [3 + 4 / n for n in range(1, 61)]})
        curve.assign(heldout_loss=curve["loss"].where(curve.index % 10 == 9)).to_parquet(out / "metrics.parquet")
    if stage == "evaluate":
        baselines = {"5-gram": {"bits_per_byte": 2.2}, "xz": {"bits_per_byte": 2.0}, "unigram": {"bits_per_byte": 4.4}}
        headline = {"bits_per_byte": 1.75, "ci95": [1.7, 1.8], "baselines": baselines}
        write_json(out / "evaluation.json", headline | ERRORS)
    if stage == "generate":
        texts = [HOSTILE, "word " * 200, "x" * 600]
        nearest: dict[str, Any] = {
            "source": HOSTILE,
            "title": HOSTILE,
            "document": "ab",
            "before": "…",
            "after": "x" * 90,
            "line": 7,
        }
        rows = [{"prompt": HOSTILE, "text": text, "nearest_text": text[:40]} for text in texts]
        frame = pd.DataFrame(rows).assign(**{f"nearest_{name}": value for name, value in nearest.items()})
        frame.to_parquet(out / "samples.parquet")


@pytest.mark.parametrize("width", [360, 700, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_in_a_browser(browser: str, page: Path, width: int, scheme: str) -> None:
    """No error, no request, no script run, nothing wider than the window, one drawing of each curve, legible labels."""
    with connect(browser, max_size=None) as socket:
        tab = Tab(socket)
        tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        tab.open(page.as_uri())
        assert tab.named("Log.entryAdded") == [] and tab.named("Runtime.exceptionThrown") == []
        requests = [event["request"]["url"] for event in tab.named("Network.requestWillBeSent")]
        assert [url for url in requests if not url.startswith("data:")] == [page.as_uri()]
        assert "owned" not in tab.value("document.title")
        assert tab.value("document.documentElement.scrollWidth") <= width
        assert (
            tab.value("[...document.querySelectorAll('svg')].filter(e => e.getBoundingClientRect().width).length") == 5
        )
        heights = "[...document.querySelectorAll('svg text')].map(e => e.getBoundingClientRect().height).filter(h => h)"
        assert min(tab.value(heights)) >= 10
        ground = tab.value("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, ground[4:-1].split(","))) < 3 * 128) == (scheme == "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_prints_with_its_bars(browser: str, page: Path, scheme: str) -> None:
    """On paper the bars are filled, though browsers leave backgrounds out there; dark ink by night too."""
    with connect(browser, max_size=None) as socket:
        tab = Tab(socket)
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        tab.open(page.as_uri())
        paper = PdfReader(BytesIO(base64.b64decode(tab.call("Page.printToPDF")["data"])))
    content = b"".join(sheet.get_contents().get_data() for sheet in paper.pages)
    fills = [tuple(round(255 * float(part)) for part in found) for found in FILL.findall(content)]
    assert fills.count(MODEL_BY_DAY) >= 1
    assert INK_BY_DAY in fills


def test_a_page_that_follows_a_run_loads_itself_anew(browser: str, tmp_path: Path) -> None:
    """Without a script or a server; when the run is over the whole report is at the same address."""
    store = Store(tmp_path)
    run = RunRecord(
        run_id="a-run", corpus=["tales"], config={}, budget=Budget(bytes=2**31, source="flag"), started="2026-11-20"
    )
    save_run(store, run)
    curve: list[CurveRow] = [
        {"step": n, "seconds": float(n), "loss": 3 + 4 / n, "heldout_loss": None, "learning_rate": 0.01,
         "tokens_per_second": 9.0, "memory_bytes": 2**28}
        for n in range(1, 60)
    ]  # fmt: skip
    memory = [MemoryRow("train", float(n), 2**28, 0, 0, 2**31) for n in range(60)]

    def write(left_seconds: float) -> Path:
        write_live_page(store, gather_facts(store, run), Present(curve, memory, left_seconds, refresh_seconds=1))
        return run_folder(store, run.run_id) / "report.html"

    with connect(browser, max_size=None) as socket:
        tab = Tab(socket)
        tab.call("Emulation.setDeviceMetricsOverride", width=360, height=900, deviceScaleFactor=1, mobile=True)
        tab.open(write(90.0).as_uri())
        assert "1 min 30 s left" in tab.value("document.body.innerText")
        assert tab.value("document.documentElement.scrollWidth") <= 360
        write(60.0)
        tab.wait_for("document.body.innerText.includes('About 1 min left')")
        assert tab.named("Log.entryAdded") == []


def test_a_copied_stretch_leads_to_its_place(browser: str, page: Path) -> None:
    """Following the words that the training text has too opens the passage there: source, line, and what is around."""
    with connect(browser, max_size=None) as socket:
        tab = Tab(socket)
        tab.open(page.as_uri())
        place = "[...document.querySelectorAll('#samples details')].find(e => e.textContent.includes('word'))"
        assert tab.value(f"{place}.open") is False
        tab.value("[...document.querySelectorAll('#samples a')].find(e => e.textContent.startsWith('word')).click()")
        assert tab.value(f"{place}.open") is True
        told = tab.value(f"{place}.innerText")
        assert HOSTILE in told and "line 7" in told and "…word word" in told
        assert "owned" not in tab.value("document.title")
