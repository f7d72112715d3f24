"""A run while it goes on: what it records, what it tells, and how it ends, whatever becomes of it."""

import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from lm.errors import BadInput, CannotFit, Crash, OutOfMemory, Stopped
from lm.memory.budget import Budget
from lm.pipeline.listener import Listener
from lm.pipeline.pause_gate import PauseGate
from lm.pipeline.run import conclude
from lm.pipeline.session import Session
from lm.progress import silent
from lm.run_config import RunConfig
from lm.runs.pause import Pause, pause, resume
from lm.runs.run_record import RUN_FILE, RunRecord, open_run, read_memory, run_folder
from lm.store.artifacts import Artifact, Store
from lm.tokenize.config import TokenizeConfig
from tests.builders import metrics_of
from tests.lm.supervision.small_jobs import MIB, double, hold, work_until_stopped


class Heard(Listener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.finished: list[str] = []
        self.shown: list[str] = []
        self.lines: list[str] = []

    def tell(self, message: str) -> None:
        self.notes.append(message)

    def stage_finished(self, stage: str, reused: bool, seconds: float, summary: str) -> None:
        self.finished.append(f"{stage} {'reused' if reused else 'made'}: {summary}")

    def artifact_ready(self, artifact: Artifact, record: object) -> None:
        self.shown.append(artifact.key)

    def run_finished(self, lines: list[str], error: BaseException | None) -> None:
        self.lines = lines


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def session(tmp_path: Path, heard: Heard) -> Session:
    config = RunConfig.model_validate({"memory": "1GiB", "download": {"corpus": ["https://me:secret@a.org/x"]}})
    return Session(Store(tmp_path), config, "mine", heard, command="slowburn run")


def kept(session: Session) -> RunRecord:
    """What another process reads."""
    return open_run(run_folder(session.store, "mine") / RUN_FILE)


def put(store: Store, stage: str, key: str, **inputs: str) -> None:
    with store.writing(stage, key) as out:
        (out / "file").write_text("content")
        store.commit(stage, key, config=TokenizeConfig().model_dump(mode="json"), inputs=inputs,
                     metrics=metrics_of(stage), seconds=1, peak_memory_bytes=MIB, versions={})  # fmt: skip


def test_what_is_there_is_reused_and_what_is_new_is_explained(session: Session, heard: Heard) -> None:
    """The record says which, and why; an artifact that was damaged since is not reused."""
    clean = "c" * 16
    put(session.store, "clean", clean)
    reused = session.reuse("clean", clean)
    assert reused
    assert kept(session).stages["clean"].status == "reused"
    assert heard.finished[0].startswith("clean reused: ")
    work = session.work("tokenize", TokenizeConfig(kind="char"), clean=reused)
    assert session.reuse("tokenize", work.key) is None
    put(session.store, "tokenize", "t" * 16, clean=clean)
    assert "tokenize.kind bpe → char" in session.why(work)

    put(session.store, "tokenize", work.key, clean=clean)
    made = session.made("tokenize", work.key, "asked for", 2.0, 5 * MIB, 4 * MIB)
    record = kept(session).stages["tokenize"]
    assert (record.status, record.peak_memory_bytes, record.predicted_memory_bytes) == ("computed", 5 * MIB, 4 * MIB)
    (made.path / "file").write_text("less")
    assert session.reuse("tokenize", work.key) is None
    assert "file has 4 bytes instead of 7" in session.why(work)


def test_a_model_beside_the_main_one_has_a_record_of_its_own(session: Session, heard: Heard) -> None:
    """What is made of another seed is listed under its name, and is not shown as the run's own."""
    for key, name in (("1" * 16, ""), ("2" * 16, "seed 2")):
        put(session.store, "evaluate", key)
        with session.variant(name):
            session.reuse("evaluate", key)
    record = kept(session)
    assert record.stages["evaluate"].key == "1" * 16
    assert record.variants["seed 2"]["evaluate"].key == "2" * 16
    assert heard.shown == ["1" * 16]
    assert heard.finished[1].endswith("(seed 2)")


def test_no_secret_is_recorded(session: Session) -> None:
    """The address is remembered, what opens it is not."""
    assert "secret" not in (run_folder(session.store, "mine") / RUN_FILE).read_text()
    assert kept(session).corpus == ["https://a.org/x"]


def test_what_does_not_fit_is_refused_before_it_starts(session: Session) -> None:
    """By a stage's prediction, and by the least that any run needs."""
    with pytest.raises(CannotFit, match=r"train: needs about 2\.00 GiB"):
        session.guard("train", 2**31)
    session.check_min()
    session.budget = Budget(bytes=50 * MIB, source="flag")
    with pytest.raises(CannotFit, match="run again with --memory"):
        session.check_min()


def test_a_child_s_memory_joins_the_record_whatever_becomes_of_it(session: Session) -> None:
    """Its peak, its time, and a row of every look; out of memory, the stage and the advice are in the message."""
    with session.children.child("clean", "c" * 16, MIB) as child:
        assert child.call(double, session.children.progress("clean"), 21) == 42
        time.sleep(0.3)
    session.recorder.save()
    unfinished = kept(session).unfinished
    assert unfinished
    assert (unfinished.stage, unfinished.progress, unfinished.peak_memory_bytes) == ("clean", "numbers 1 of 1",
                                                                                     child.peak_bytes)  # fmt: skip
    assert unfinished.seconds >= 0.3
    rows = session.children.memory_rows
    assert rows
    assert {(row.stage, row.budget_bytes) for row in rows} == {("clean", session.budget.bytes)}

    session.children.budget = Budget(bytes=child.peak_bytes + 100 * MIB, source="flag")
    advice = "out of memory, stage train: .*run again with --memory"
    with pytest.raises(OutOfMemory, match=advice), session.children.child("train", "t" * 16, trains=True) as child:
        child.call(hold, silent, 200, 20.0)
    assert session.record.peak_memory_bytes == child.peak_bytes


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (None, "completed", ""),
        (BadInput("no text"), "failed", "no text"),
        (Stopped("the disk is full"), "stopped", "the disk is full"),
        (KeyboardInterrupt(), "stopped", "interrupted"),
        (Crash("an error in Slowburn itself", "Traceback …"), "failed", "an error in Slowburn itself (details in "),
        (FileNotFoundError(2, "No such file", "/gone"), "failed", "/gone cannot be used: No such file"),
    ],
)
def test_the_record_says_how_a_run_ended(
    session: Session, heard: Heard, error: BaseException | None, status: str, reason: str
) -> None:
    """Whatever it was, it is raised on, the report is drawn, and the terminal has its last lines."""

    def work() -> None:
        if error:
            raise error

    with pytest.raises(BaseException) if error else nullcontext() as raised:
        conclude(session, work)
    assert not raised or type(raised.value) is type(error) or isinstance(error, OSError)
    assert kept(session).status == status
    assert kept(session).reason.startswith(reason)
    assert (run_folder(session.store, "mine") / "report.html").exists()
    assert heard.lines
    if isinstance(error, Crash):
        assert "Traceback …" in (run_folder(session.store, "mine") / "error.txt").read_text()


def test_a_report_that_cannot_be_drawn_changes_nothing(session: Session, heard: Heard) -> None:
    """The run is complete, its record and its memory are there, and the last line says what failed."""
    with session.children.child("clean", "c" * 16) as child:
        child.call(double, silent, 1)
        time.sleep(0.3)
    page = run_folder(session.store, "mine") / "report.html"
    page.unlink(missing_ok=True)  # the one that follows the run
    page.mkdir()
    session.finish()
    assert kept(session).status == "completed"
    assert read_memory(session.store, kept(session))
    assert heard.lines[0].startswith("The run is completed, but its report could not be drawn: ")


def test_a_paused_training_leaves_and_the_next_stage_waits(session: Session, heard: Heard) -> None:
    """Asked for by name from elsewhere: the child saves, the record says paused, and it goes on when it is resumed."""
    pause(session.store, "mine")
    resume(session.store, "mine")
    with pytest.raises(Stopped, match="paused: saved"), session.children.child("train", "t" * 16, trains=True) as child:
        pause(session.store, "mine")
        child.call(work_until_stopped, session.children.progress("train"), True)
    assert session.children.gate.is_pausing
    thread = threading.Thread(target=session.children.gate.wait, daemon=True)
    thread.start()
    while kept(session).status != "paused":
        time.sleep(0.01)
    assert "`slowburn resume mine`" in heard.notes[-1]
    resume(session.store, "mine")
    thread.join(5)
    assert kept(session).status == "running"
    assert heard.notes[-1] == "continues"
    assert not session.children.gate.is_pausing


def test_a_request_to_pause_an_earlier_run_of_this_name_does_not_count(session: Session, heard: Heard) -> None:
    """It was asked of a run that is over."""
    pause(session.store, "mine")
    gate = PauseGate(Pause(session.store, "mine"), session.recorder, heard)
    gate.wait()
    assert heard.notes == []
