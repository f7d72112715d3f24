"""What runs use at this moment: it may not be removed."""

from typing import NamedTuple, Self

from lm.runs.claims import claimed_keys, living
from lm.runs.earlier_text import EARLIER
from lm.runs.lineage import all_artifacts
from lm.runs.run_record import list_runs
from lm.store.artifacts import Store


class InUse(NamedTuple):
    """What runs use that go on."""

    keys: frozenset[str]  # of artifacts and unfinished ones, and of all that they were made from
    since: str | None  # what was made since then may be a run's that has not recorded it yet

    @classmethod
    def now(cls, store: Store) -> Self:
        """Read the records of all runs."""
        runs = list_runs(store)
        alive = living(store, runs)
        inputs = {artifact.key: artifact.manifest.inputs for artifact in all_artifacts(store)}
        waiting, keys = list(claimed_keys(runs, alive)), set[str]()
        while waiting:
            if (key := waiting.pop()) not in keys:
                keys.add(key)
                waiting += [origin for role, origin in inputs.get(key, {}).items() if role != EARLIER]
        return cls(frozenset(keys), min((run.started for run in alive), default=None))

    def holds(self, key: str, made: str) -> bool:
        """Whether a run uses what has this key and was made then, or may use it."""
        return key in self.keys or (self.since is not None and made >= self.since)
