"""How a run ends, as the state of its flow: a refusal can be told from a failure, in the UI and by an automation."""

from pathlib import Path
from typing import Any

import pytest
from prefect import State
from prefect.states import Completed

from flows import outcome
from lm.errors import Crash, OutOfMemory, Stopped
from lm.pipeline.listener import Listener
from lm.pipeline.session import Session
from lm.run_config import RunConfig
from lm.store.artifacts import Store


@pytest.mark.parametrize(
    ("memory", "error", "name", "message"),
    [
        ("50MiB", None, "MemoryGuard", "run again with --memory"),
        ("2GiB", OutOfMemory("it grew to 3 GiB", 3 << 30), "MemoryGuard", "it grew to 3 GiB"),
        ("2GiB", Stopped("the disk is full"), "Stopped", "the disk is full"),
        ("2GiB", Crash("an error in Slowburn itself", "Traceback"), "Crash", "details in "),
        ("2GiB", None, "Completed", "well"),
    ],
)
def test_what_ends_a_run_is_in_the_name_of_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: str, error: Exception | None, name: str, message: str
) -> None:
    """The message is the one line that the run's record has."""
    monkeypatch.setattr(outcome, "publish_run", lambda session: None)  # pages need a server
    session = Session(Store(tmp_path), RunConfig(memory=memory), "mine", Listener())

    def work() -> State[Any]:
        if error:
            raise error
        return Completed(message="well")

    state = outcome.concluded(session, work)
    assert state.name == name
    assert message in str(state.message)
    assert state.is_completed() == (name == "Completed")
