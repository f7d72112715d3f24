"""One training at a time: the second waits for the first, says so, and gets its turn even after a kill -9."""

import subprocess
import sys
import threading
from pathlib import Path

from lm.store.artifacts import Store
from lm.supervision.training_lock import training_lock
from tests.conftest import PROJECT

HOLD = """
import sys
from pathlib import Path
from lm.store.artifacts import Store
from lm.supervision.training_lock import training_lock
with training_lock(Store(Path(sys.argv[1])), "a-key", "first", print):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_training_waits_for_the_first_whatever_becomes_of_it(tmp_path: Path) -> None:
    """It hears for whom it waits, and goes on when that process is killed; its own key is no reason to wait."""
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holding:
        assert holding.stdout
        assert holding.stdout.readline() == "held\n"
        with training_lock(Store(tmp_path), "a-key", "same", print):
            pass
        said, waiting = list[str](), threading.Event()

        def tell(words: str) -> None:
            said.append(words)
            waiting.set()

        def second() -> None:
            with training_lock(Store(tmp_path), "another-key", "second", tell):
                said.append("trains")

        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        assert said == ["waits until the training of run first has ended or paused"]
        holding.kill()
        thread.join(10)
    assert said[1:] == ["trains"]
