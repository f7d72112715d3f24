"""The report of a run that goes on: there from its first stage on, and gone the way of the whole report at the end."""

import subprocess
import sys
from pathlib import Path

from lm.memory.budget import Budget
from lm.pipeline.children import Children
from lm.pipeline.listener import Listener
from lm.pipeline.live_report import LiveReport
from lm.pipeline.pause_gate import PauseGate
from lm.pipeline.recorder import Recorder
from lm.run_config import RunConfig
from lm.runs.pause import Pause
from lm.runs.run_record import MemoryRow
from lm.store.artifacts import Store
from lm.store.files import write_json
from tests.conftest import PROJECT

BUDGET = Budget(bytes=2**30, source="flag")


class Heard(Listener):
    def __init__(self) -> None:
        self.begun: list[Path] = []
        self.told: list[str] = []

    def report_begun(self, path: Path) -> None:
        self.begun.append(path)

    def tell(self, message: str) -> None:
        self.told.append(message)


def live_run(store: Store, listener: Listener) -> tuple[Recorder, Children]:
    recorder = Recorder(store, RunConfig(), "live", BUDGET, "slowburn run --minutes 3")
    children = Children(BUDGET, recorder, PauseGate(Pause(store, "live"), recorder, listener), listener)
    LiveReport(recorder, children, listener)
    return recorder, children


def curve(steps: int) -> list[dict[str, float | None]]:
    return [
        {"step": step, "seconds": step * 0.5, "loss": 3 + 4 / step, "tokens_per_second": 9000.0,
         "heldout_loss": 3.2 if step % 20 == 0 else None, "learning_rate": 0.02, "memory_bytes": 2**29}
        for step in range(1, steps + 1)
    ]  # fmt: skip


def test_it_shows_how_far_a_run_is(tmp_path: Path) -> None:
    """Progress, time left of the whole run, the curve of the newest checkpoint, memory, and how to pause it."""
    store, heard = Store(tmp_path), Heard()
    recorder, children = live_run(store, heard)
    children.memory_rows += [MemoryRow("train", float(second), 500 * 2**20, 0, 0, BUDGET.bytes) for second in range(9)]
    children.time_left.planned(seconds=600, training_seconds=500)
    checkpoints = store.partial("train", "f" * 16) / "checkpoints"
    checkpoints.mkdir(parents=True)
    write_json(checkpoints / "step-00000060.json", {"step": 60, "facts": {"metrics": {"rows": curve(60)}}})
    recorder.begin("train", "f" * 16, None)
    recorder.progressed("step 60 of 100")
    recorder.save()
    (path,) = heard.begun
    page = path.read_text(encoding="utf-8")
    assert '<meta http-equiv="refresh" content="5">' in page
    assert "Training, step 60 of 100, about 10 min left." in page or "about 9 min 59 s left." in page
    assert page.count("<polyline") == 2 * (2 + 2)  # two charts of two lines, for a wide page and a narrow one
    assert "9,000" in page
    assert "500 MiB" in page
    assert "slowburn pause live" in page
    assert not heard.told


def test_a_page_that_cannot_be_written_holds_up_nothing(tmp_path: Path) -> None:
    """The run goes on, and says once that its report cannot follow."""
    store, heard = Store(tmp_path), Heard()
    recorder, _ = live_run(store, heard)
    (store.runs / "live" / "report.html").mkdir()
    (store.runs / "live" / "report.html" / "in the way").touch()
    for _ in range(3):
        recorder.save()
    assert len(heard.told) == 1
    assert "kept up to date" in heard.told[0]
    assert not heard.begun


def test_it_loads_nothing_heavy(tmp_path: Path) -> None:
    """The process that orchestrates a run draws it: neither torch nor numpy, pandas, pyarrow or matplotlib."""
    script = (
        "import sys; from pathlib import Path; from lm.report import live_page, run_facts, live_chart\n"
        "print([name for name in ('torch', 'numpy', 'pandas', 'pyarrow', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
