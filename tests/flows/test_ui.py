"""What people see of a run in Prefect: each page is opened in a real browser, photographed, asked what it shows."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.browser import CHROMIUM, Tab, open_browser
from tests.flows.conftest import HOSTILE, Services

SHOWN = {
    "download": "SHA-256",
    "clean": "held out",
    "plan": "The numbers",
    "tokenize": "bytes per token",
    "train": "passes over the text",
    "evaluate": "5-gram",
    "generate": "tokens per second",
    "training": "Progress: 100%",
    "stages": "predicted",
    "lineage": "into evaluate",
    "run": "report.html",
    "learning-curve": "how it learned",
    "memory": "against the budget",
    "samples": HOSTILE,
}
PICTURES = ("learning-curve", "memory")
MIN_WIDTH = 600  # pixels, of a picture
pytestmark = [
    pytest.mark.operations,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine"),
]


@pytest.fixture(scope="module")
def flow_run(services: Services) -> dict[str, Any]:
    """A run of the whole pipeline by its deployment."""
    train = services.config()["train"] | {"steps": 200}
    done = services.deploy("pipeline/quick", "--watch", train=train)
    assert done.returncode == 0, done.stdout + done.stderr
    return services.newest_run()


@pytest.fixture
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with open_browser(tmp_path_factory.mktemp("profile")) as address, connect(address, max_size=None) as socket:
        tab = Tab(socket)
        tab.call("Emulation.setDeviceMetricsOverride", width=1280, height=1000, deviceScaleFactor=1, mobile=False)
        yield tab


def test_every_page_of_a_run_renders_and_asks_nobody_outside(
    services: Services, flow_run: dict[str, Any], tab: Tab
) -> None:
    """The run's page and each artifact: words, tables and pictures, no stray markup, no request beyond this machine."""
    pages = services.environment["PREFECT_API_URL"].removesuffix("/api")
    tab.open(f"{pages}/runs/flow-run/{flow_run['id']}")
    tab.wait_for(f"document.body.innerText.includes('{flow_run['name']}')")
    tab.wait_for("document.body.innerText.includes('Completed')")
    tab.wait_for("document.body.innerText.includes('is complete') || document.querySelector('canvas')")
    tab.photograph("flow-run")

    wanted = {"flow_runs": {"id": {"any_": [flow_run["id"]]}}}
    artifacts = {artifact["key"]: artifact["id"] for artifact in services.api("artifacts/filter", **wanted, limit=200)}
    assert set(artifacts) == set(SHOWN)
    for key, words in SHOWN.items():
        tab.open(f"{pages}/artifacts/artifact/{artifacts[key]}")
        tab.wait_for(f"document.body.innerText.includes({words!r})")
        if key in PICTURES:
            tab.wait_for(f"[...document.images].some(i => i.complete && i.naturalWidth && i.width >= {MIN_WIDTH})")
        tab.photograph(f"artifact-{key}")
        text = tab.value("document.body.innerText")
        assert not re.search(r"\|\s*:?--|^#+ |\]\(/|\\[-./]", text, re.MULTILINE), f"{key}: stray markup in {text}"
        assert not tab.value("document.querySelector('img[src=x]') !== null"), key

    tab.open(f"{pages}/artifacts/artifact/{artifacts['lineage']}")
    link = "[...document.querySelectorAll('a')].find(a => a.innerText == 'tokenize' && a.href.includes('/key/'))"
    tab.wait_for(f"Boolean({link})")
    tab.open(tab.value(f"{link}.href"))
    tab.wait_for("document.body.innerText.includes('512 tokens in the bpe vocabulary')")

    outside = [url for url in tab.requested() if not url.startswith(pages)]
    assert outside == []
    assert tab.named("Runtime.exceptionThrown") == []


def test_a_stage_s_form_asks_for_an_earlier_run_and_changes(services: Services, tab: Tab) -> None:
    """Whoever presses Run in the browser is asked, in words, which run to repeat and what to change."""
    pages = services.environment["PREFECT_API_URL"].removesuffix("/api")
    deployment = services.api("deployments/name/evaluate/local")["id"]
    tab.open(f"{pages}/deployments/deployment/{deployment}/run")
    tab.wait_for("document.body.innerText.includes('do this stage again')")
    assert "such as train.seed=2" in tab.value("document.body.innerText")
    tab.photograph("form-evaluate")
