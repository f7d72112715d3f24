"""Pruning: the oldest goes first, the champion's lineage never, and nothing without being said."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lm.champions.champion import promote
from lm.cli.names import named_model
from lm.errors import BadInput
from lm.inspection.listing import RunView, list_all, show
from lm.inspection.retention import RetentionPolicy, plan_pruning, prune
from lm.memory.budget import Budget
from lm.runs.explain import explain
from lm.runs.pruned import pruned_of
from lm.runs.run_record import RunRecord, StageRecord, save_run
from lm.store.artifacts import Artifact, Store
from tests.conftest import PROJECT

CHAIN = {"clean": "download", "tokenize": "clean", "train": "tokenize", "evaluate": "train"}
SIZE = 1000


def make(store: Store, stage: str, key: str, inputs: dict[str, str]) -> Artifact:
    with store.writing(stage, key) as out:
        (out / "content").write_bytes(b"x" * SIZE)
        facts: dict[str, Any] = {"metrics": {}, "seconds": 1.0, "peak_memory_bytes": None, "versions": {}}
        return store.commit(stage, key, config={}, inputs=inputs, **facts)


def make_run(store: Store, number: int, status: str = "completed") -> RunRecord:
    """A run with artifacts of its own at every stage."""
    stages, before = dict[str, StageRecord](), dict[str, str]()
    for stage in ("download", *CHAIN):
        artifact = make(store, stage, f"{stage}{number:02}", before)
        before = {stage: artifact.key}
        stages[stage] = StageRecord(
            key=artifact.key, path=str(artifact.path), status="computed", reason="", seconds=1.0
        )
    run = RunRecord(
        run_id=f"run-{number:02}",
        status=status,
        corpus=["c"],
        config={},
        budget=Budget(bytes=1, source="flag"),
        started=f"2999-01-{number + 1:02}T00:00:00Z",
        stages=stages,
    )
    save_run(store, run)
    return run


def keys(store: Store) -> set[str]:
    return {artifact.key for stage in ("download", *CHAIN) for artifact in store.list(stage)}


def of(number: int) -> set[str]:
    return {f"{stage}{number:02}" for stage in ("download", *CHAIN)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for number in range(6):
        make_run(store, number)
    return store


def test_the_champion_s_lineage_is_never_removed(store: Store) -> None:
    """With no room at all the champion, the champion before it and all they came from are still there."""
    promote(store, "train00", "first")
    promote(store, "train02", "better")
    pruning = plan_pruning(store, RetentionPolicy(disk_bytes=1, runs=1))
    prune(store, pruning)
    assert keys(store) == of(0) | of(2) | of(5)
    assert "protected" in pruning.sentence


def test_the_unused_for_longest_goes_first_and_no_more_than_needed(store: Store) -> None:
    """A budget that lacks two runs' room costs the two oldest runs, a generous one nothing; a plan removes nothing."""
    before = keys(store)
    total = plan_pruning(store, RetentionPolicy(disk_bytes=10**9)).bytes_before
    assert plan_pruning(store, RetentionPolicy(disk_bytes=10**9)).removals == ()
    pruning = plan_pruning(store, RetentionPolicy(disk_bytes=total - total // 6 - 2 * SIZE))
    assert {removal.key for removal in pruning.removals} > of(0)
    assert {removal.key for removal in pruning.removals} <= of(0) | of(1)
    assert pruning.bytes_after <= pruning.disk_bytes
    assert keys(store) == before
    prune(store, pruning)
    assert plan_pruning(store, RetentionPolicy(disk_bytes=pruning.disk_bytes)).bytes_before == pruning.bytes_after


def test_what_is_being_made_or_run_is_left_alone(store: Store) -> None:
    """A run that goes on keeps its artifacts, and an artifact whose lock is held is skipped."""
    make_run(store, 0, status="running")
    lock = store.folder("train") / ".train01.lock"
    with FileLock(lock):
        gone = prune(store, plan_pruning(store, RetentionPolicy(disk_bytes=1, runs=1)))
    assert keys(store) == of(0) | {"train01"} | of(5)
    assert "train01" not in {removal.key for removal in gone}


def test_an_unfinished_training_goes_only_when_long_abandoned(store: Store) -> None:
    """Yesterday's checkpoints are worth keeping, last month's are not."""
    for key, days in (("fresh", 1), ("stale", 30)):
        partial = store.partial("train", key)
        partial.mkdir()
        (partial / "step.safetensors").write_bytes(b"x" * SIZE)
        for path in (partial / "step.safetensors", partial):
            moment = path.stat().st_mtime - days * 86_400
            os.utime(path, (moment, moment))
    prune(store, plan_pruning(store, RetentionPolicy(disk_bytes=1)))
    assert store.partial("train", "fresh").exists()
    assert not store.partial("train", "stale").exists()


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(disk_bytes=st.integers(1, 40_000), runs=st.integers(1, 6), champion=st.integers(0, 5))
def test_no_budget_breaks_a_lineage(
    tmp_path_factory: pytest.TempPathFactory, disk_bytes: int, runs: int, champion: int
) -> None:
    """Whatever the budget: what is kept of the champion and the newest runs is whole, down to the sources."""
    store = Store(tmp_path_factory.mktemp("any"))
    for number in range(6):
        make_run(store, number)
    promote(store, f"train{champion:02}", "chosen")
    prune(store, plan_pruning(store, RetentionPolicy(disk_bytes=disk_bytes, runs=runs)))
    left = keys(store)
    for number in {champion, *range(6 - runs, 6)}:
        assert of(number) <= left


def test_from_the_command_line_nothing_goes_without_a_yes(store: Store) -> None:
    """`prune` says what would go; with `--yes` it goes."""

    def lm(*arguments: str) -> str:
        environment = os.environ | {"SLOWBURN_ROOT": str(store.root)}
        command = [sys.executable, "-m", "lm", "prune", "--disk", "1kB", *arguments]
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = keys(store)
    said = lm("--runs", "1")
    assert "run run-00 (c, completed): evaluation, model, tokens, clean text and raw text, 7 KiB" in said
    assert "again: slowburn run --like run-00" in said
    assert "Nothing was removed yet" in said
    assert keys(store) == before
    assert "Removed 25 artifacts." in lm("--runs", "1", "--yes")
    assert keys(store) == of(5)


def test_what_was_pruned_says_so_and_how_to_make_it_again(store: Store) -> None:
    """By its run, by its key, and where its model is asked for; once it is made again nothing is said any more."""
    prune(store, plan_pruning(store, RetentionPolicy(disk_bytes=1, runs=1)))
    listed = {entry.name: entry for entry in list_all(store).runs}
    assert listed["run-00"].pruned
    assert not listed["run-05"].pruned
    view = show(store, "run-00")
    assert isinstance(view, RunView)
    assert view.pruned.keys() == {"download", *CHAIN}
    assert view.remake == "slowburn run --like run-00"
    for ask in (lambda: named_model(store, "run-00"), lambda: show(store, "train00")):
        with pytest.raises(BadInput, match=r"was pruned on .* to save disk: `slowburn run --like run-00` makes it"):
            ask()
    assert "was pruned on" in explain(store, view.run).stages[0].because
    make_run(store, 0)
    assert named_model(store, "run-00").key == "train00"
    assert not pruned_of(store, view.run)
