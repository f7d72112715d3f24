"""One training at a time under one root: two at once would each take more than twice as long, and as much memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from lm.errors import SlowburnError
from lm.store.artifacts import Store
from lm.store.files import SCHEMA_VERSION, read_json, write_json

LOCK_FILE = ".training.lock"
HOLDER_FILE = ".training.json"
POLL_INTERVAL_SECONDS = 1.0


@contextmanager
def training_lock(store: Store, key: str, run_id: str, tell: Callable[[str], object]) -> Iterator[None]:
    """Wait until no other training goes on, then hold the turn; `tell` hears for whom it waits.

    A training of the same key is not waited for: the artifact's own lock refuses the second one. A process that dies
    gives its turn back, whatever became of it.
    """
    folder = store.root / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(folder / LOCK_FILE, timeout=0), folder / HOLDER_FILE
    told = False
    while True:
        try:
            lock.acquire()
            break
        except Timeout:
            other = {}
            with suppress(SlowburnError):
                other = read_json(holder)
            if other.get("key") == key:
                break
            if not told:
                tell(f"waits until the training of run {other.get('run_id', 'another process')} has ended or paused")
                told = True
            time.sleep(POLL_INTERVAL_SECONDS)
    if lock.is_locked:
        write_json(holder, {"schema_version": SCHEMA_VERSION, "run_id": run_id, "key": key})
    try:
        yield
    finally:
        lock.release()
