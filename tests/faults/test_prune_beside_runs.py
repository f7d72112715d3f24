"""Pruning beside runs: whatever it removes, no run that goes on misses anything."""

import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lm.champions.champion import champion_path, copy_path
from lm.inspection.retention import RetentionPolicy, plan_pruning, prune
from lm.store.artifacts import Store
from tests.conftest import Workplace
from tests.faults.test_corruption import copy_of

GREEDY = RetentionPolicy(disk_bytes=1, runs=1)


@pytest.fixture
def unloved(every_kind: Workplace, tmp_path: Path) -> Workplace:
    """A root where nothing but a run that goes on protects what an earlier one made."""
    place = copy_of(every_kind, tmp_path)
    store = Store(place.root)
    for path in (champion_path(store), copy_path(store)):
        path.unlink()
    with store.writing("train", "f" * 16) as out:  # the newest model is another one
        (out / "content").write_text("")
        facts: dict[str, Any] = {"metrics": {}, "seconds": 1.0, "peak_memory_bytes": None, "versions": {}}
        store.commit("train", "f" * 16, config={}, inputs={}, **facts)
    return place


def prune_all_the_while(place: Workplace, *arguments: str, steps: int = 30) -> tuple[int, str]:
    """Run, and prune again and again meanwhile; the exit code and the errors."""
    process, over, problems = place.start("--without-prefect", *arguments, steps=steps), threading.Event(), []

    def work() -> None:
        store = Store(place.root)
        while not over.is_set():
            try:
                prune(store, plan_pruning(store, GREEDY))
            except Exception as error:
                problems.append(error)
                return
            time.sleep(0.02)

    place.wait_for((place.root / "artifacts" / "runs" / arguments[1] / ".alive.lock").exists, process)
    thread = threading.Thread(target=work)
    thread.start()
    _, errors = process.communicate(timeout=120)
    over.set()
    thread.join()
    assert problems == []
    return process.returncode, errors


def test_a_live_run_keeps_what_it_is_about_to_use(unloved: Workplace, tmp_path: Path) -> None:
    """With room for nothing: alone, pruning takes all that a run made; beside the same run again it takes nothing."""
    made = {stage["key"] for stage in unloved.record("made")["stages"].values()}
    store = Store(unloved.root)
    would_go = {removal.key for removal in plan_pruning(store, GREEDY).removals}
    assert unloved.record("made")["stages"]["train"]["key"] in would_go
    code, errors = prune_all_the_while(unloved, "--run-id", "again")
    assert code == 0, errors
    stages = unloved.record("again")["stages"]
    assert {stage["status"] for stage in stages.values()} == {"reused"}
    assert {stage["key"] for stage in stages.values()} == made


def test_a_live_run_keeps_what_it_has_just_made(unloved: Workplace) -> None:
    """Every stage is made anew under the eyes of a greedy pruning: all of it is there in the end."""
    for folder in [*unloved.root.glob("data/*/*/"), *unloved.root.glob("artifacts/*/*/")]:
        if folder.parent.name not in ("runs", "plans"):
            shutil.rmtree(folder)
    code, errors = prune_all_the_while(unloved, "--run-id", "anew")
    assert code == 0, errors
    stages = unloved.record("anew")["stages"]
    assert {stage["status"] for stage in stages.values()} == {"computed"}
    assert all((unloved.root / stage["path"] / "manifest.json").exists() for stage in stages.values())
