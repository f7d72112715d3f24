"""A run as an earlier one: its settings, what is changed in them, and which run is meant."""

from pathlib import Path

import pytest

from lm.errors import BadInput
from lm.memory.budget import Budget
from lm.run_config import RunConfig, build_config
from lm.runs.rerun_config import rerun_config
from lm.runs.run_record import RunRecord, save_run
from lm.store.artifacts import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with two runs: an older one on two texts, and a newer one."""
    store = Store(tmp_path)
    older = build_config({"minutes": 7, "download": {"corpus": ["a.txt", "b.txt"], "retries": 1}}, ["train.layers=4"])
    for name, config in (("older", older), ("younger", RunConfig(minutes=9))):
        run = RunRecord(
            run_id=name,
            corpus=["a"],
            config=config.model_dump(mode="json"),
            budget=Budget(bytes=1, source="flag"),
            started=f"2026-11-2{len(name) - 5}T10:00:00Z",
        )
        save_run(store, run)
    return store


def test_only_what_is_named_is_changed(store: Store) -> None:
    """Settings lie over those of the run; all else is as it was there, not as by default."""
    settings = ["memory=2GiB", "download.corpus=[c.txt]", "train.seed=2", "train.layers=null"]
    config = rerun_config(store, "older", settings)
    assert (config.minutes, config.memory) == (7, "2GiB")
    assert (config.download.corpus, config.download.retries) == (("c.txt",), 1)
    assert (config.train.seed, config.train.layers) == (2, None)
    assert rerun_config(store, "older", []) != RunConfig()


def test_the_newest_run_has_a_name_of_its_own(store: Store, tmp_path: Path) -> None:
    """`newest` is the newest run; where there is none, and for a name that there is not, one clear line says so."""
    assert rerun_config(store, "newest", []).minutes == 9
    with pytest.raises(BadInput, match="make run"):
        rerun_config(Store(tmp_path / "empty"), "newest", [])
    with pytest.raises(BadInput, match="did you mean older"):
        rerun_config(store, "oldr", [])
    with pytest.raises(BadInput, match=r"train\.steps"):
        rerun_config(store, "older", ["train.stepz=1"])
