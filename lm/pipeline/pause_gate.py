"""Where a run stands still while it is paused. A training saves and gives its memory back first."""

import time

from lm.pipeline.listener import Listener
from lm.pipeline.recorder import Recorder
from lm.runs.pause import Pause
from lm.supervision.supervisor import SupervisedChild

POLL_INTERVAL_SECONDS = 0.5


class PauseGate:
    """Stops a training where the user asks for a pause, and holds up the next stage until the user lets it go on."""

    def __init__(self, pause: Pause, recorder: Recorder, listener: Listener) -> None:
        self._pause, self._recorder, self._listener = pause, recorder, listener
        self.is_pausing = False  # a training was asked to save and leave

    def stop_if_asked(self, child: SupervisedChild) -> None:
        """Ask the child's training to save and leave, once, where a pause is asked for."""
        if not self.is_pausing and self._pause.is_asked_for:
            self.is_pausing = True
            child.ask_to_stop("paused")

    def wait(self) -> None:
        """Return when the run may go on."""
        if self._pause.is_asked_for:
            self._listener.tell(f"paused; `slowburn resume {self._recorder.record.run_id}` continues it")
            self._recorder.paused(True)
            while self._pause.is_asked_for:
                time.sleep(POLL_INTERVAL_SECONDS)
            self._listener.tell("continues")
            self._recorder.paused(False)
        self.is_pausing = False
