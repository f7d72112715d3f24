"""What runs rely on that go on: whoever removes artifacts asks here first.

A run writes into its record what it uses, and whoever removes something reads the records; both hold one lock for that
moment. So a run finds an artifact gone, or keeps it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from lm.runs.run_record import RunRecord, run_folder
from lm.store.artifacts import Store
from lm.store.files import locked

CLAIMS_LOCK, ALIVE_LOCK = ".claims.lock", ".alive.lock"
GOING_ON = ("running", "paused")
PATIENCE_SECONDS = 60.0
BUSY = "another process is looking for artifacts to remove, and takes long: run this again"


@contextmanager
def claiming(store: Store) -> Iterator[None]:
    """Hold the lock under which artifacts are found and recorded, or chosen and taken away."""
    folder = store.root / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / CLAIMS_LOCK, PATIENCE_SECONDS, BUSY):
        yield


def alive_lock(store: Store, run_id: str) -> FileLock:
    """The lock that the process of a run holds as long as it lives."""
    return FileLock(run_folder(store, run_id) / ALIVE_LOCK, timeout=0, thread_local=False)


def living(store: Store, runs: Iterable[RunRecord]) -> list[RunRecord]:
    """Runs whose process lives."""
    return [run for run in runs if run.status in GOING_ON and _is_alive(store, run)]


def claimed_keys(runs: Iterable[RunRecord], alive: Iterable[RunRecord]) -> set[str]:
    """Keys of all that runs use which are not over by their record: they may have been killed, and be continued.

    One that is alive may come to use all that earlier runs have made of its corpus.
    """
    texts = [run.corpus for run in alive]
    keys = set[str]()
    for run in runs:
        if run.status in GOING_ON or run.corpus in texts:
            keys |= {stage.key for _, stage in run.every_stage()} | set(run.needs)
            if run.unfinished and run.unfinished.key:
                keys.add(run.unfinished.key)
    return keys


def _is_alive(store: Store, run: RunRecord) -> bool:
    lock = alive_lock(store, run.run_id)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False
