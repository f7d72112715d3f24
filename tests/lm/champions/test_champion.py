"""The champion: promoted, kept, rolled back, and never half-recorded."""

import json
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from lm.champions.champion import (
    champion_path,
    copy_path,
    default_model,
    find_champion,
    keep,
    load_champion,
    promote,
    roll_back,
)
from lm.errors import BadInput, SlowburnError
from lm.store.artifacts import Store
from tests.conftest import PROJECT


def make_model(store: Store, key: str) -> str:
    with store.writing("train", key) as out:
        (out / "model.safetensors").write_bytes(key.encode())
        store.commit("train", key, config={}, inputs={}, metrics={}, seconds=1, peak_memory_bytes=None, versions={})
    return key


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for key in ("aaaa000000000000", "bbbb000000000000", "cccc000000000000"):
        make_model(store, key)
    return store


def test_the_champion_is_used_where_no_model_is_named(store: Store) -> None:
    """Without a champion the newest model, with one the champion, and a line where that may surprise."""
    said: list[str] = []
    assert default_model(store, said.append).key == "cccc000000000000"
    assert not said
    promote(store, "aaaa000000000000", "by hand")
    assert default_model(store, said.append).key == "aaaa000000000000"
    assert "newest model is cccc" in said[0]


def test_rolling_back_goes_one_champion_back_each_time(store: Store) -> None:
    """Rollback undoes the last promotion, twice the last two; then it says that there is nothing to go back to."""
    for key in ("aaaa000000000000", "bbbb000000000000", "cccc000000000000"):
        promote(store, key, "better")
    keep(store, "not better", challenger="dddd")
    assert roll_back(store, "it writes worse").champion == "bbbb000000000000"
    assert roll_back(store, "still").champion == "aaaa000000000000"
    with pytest.raises(BadInput, match="no earlier champion"):
        roll_back(store, "again")
    record = load_champion(store)
    assert record.champion == "aaaa000000000000"
    assert [d.action for d in record.decisions] == [*["promoted"] * 3, "kept", *["rolled back"] * 2]


def test_rolling_back_skips_a_model_that_is_gone(store: Store) -> None:
    """What was deleted cannot be brought back; the one before it can."""
    for key in ("aaaa000000000000", "bbbb000000000000", "cccc000000000000"):
        promote(store, key, "better")
    (store.path("train", "bbbb000000000000") / "model.safetensors").unlink()
    assert roll_back(store, "worse").champion == "aaaa000000000000"
    assert find_champion(store).key == "aaaa000000000000"


def _keep_many(root: Path) -> None:
    for number in range(10):
        keep(Store(root), str(number))


def test_decisions_made_at_the_same_time_are_all_kept(store: Store) -> None:
    """Two processes that decide at once lose no decision of each other's."""
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_keep_many, [store.root] * 2))
    assert len(load_champion(store).decisions) == 20


def test_a_damaged_record_is_named(store: Store) -> None:
    """A record that is no record is an error with the file's name, not a champion forgotten in silence."""
    promote(store, "aaaa000000000000", "better")
    copy_path(store).unlink()  # as of a version that kept none
    champion_path(store).write_text('{"decisions": 3}')
    with pytest.raises(SlowburnError, match=r"champion\.json"):
        load_champion(store)
    champion_path(store).write_text('{"schema_version": 99}')
    with pytest.raises(SlowburnError, match="update Slowburn"):
        load_champion(store)


@pytest.mark.parametrize("damage", ["zeroed", "cut", "missing", "no champion"])
def test_the_copy_of_a_damaged_record_keeps_every_decision(store: Store, damage: str) -> None:
    """It is used with a warning that says how many decisions it has; the next decision is added to them."""
    for key in ("aaaa000000000000", "bbbb000000000000"):
        promote(store, key, "better")
    path = champion_path(store)
    content = path.read_bytes()
    damages = {"zeroed": bytes(len(content)), "cut": content[:200], "no champion": b'{"schema_version": 1, "x": 1}'}
    path.unlink()
    if damage in damages:
        path.write_bytes(damages[damage])
    record = load_champion(store)
    assert record.champion == "bbbb000000000000"
    assert str(path) in record.warning
    assert "2 decisions" in record.warning
    said: list[str] = []
    assert default_model(store, said.append).key == "bbbb000000000000"
    assert said[0] == record.warning
    assert roll_back(store, "worse").champion == "aaaa000000000000"
    mended = load_champion(store)
    assert not mended.warning
    assert len(mended.decisions) == 3
    kept_aside = path.with_name("champion.damaged.json")
    assert not kept_aside.exists() if damage == "missing" else kept_aside.read_bytes() == damages[damage]


def test_promote_and_rollback_from_the_command_line(store: Store) -> None:
    """`slowburn promote` and `rollback` say what they did; an unknown model is one clear line."""

    def lm(*arguments: str) -> "subprocess.CompletedProcess[str]":
        import os

        return subprocess.run(
            [sys.executable, "-m", "lm", *arguments],
            cwd=PROJECT,
            env=os.environ | {"SLOWBURN_ROOT": str(store.root)},
            capture_output=True,
            text=True,
        )

    assert lm("promote", "aaaa").returncode == 0
    done = lm("promote", "bbbb", "--reason", "reads better")
    assert "bbbb000000000000 is the champion now; before it was aaaa000000000000" in done.stdout
    assert "aaaa000000000000" in lm("rollback").stdout
    record = json.loads(champion_path(store).read_text())
    assert [decision["reason"] for decision in record["decisions"]][1] == "reads better"
    unknown = lm("promote", "zzzz")
    assert unknown.returncode == 2
    assert "Traceback" not in unknown.stderr
