"""`inspect --why`: for each stage why it was reused or computed, and what a rerun has made stale."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lm.inspection.explain_table import print_why
from lm.memory.budget import Budget
from lm.runs.explain import Made, StageWhy, explain, why_new
from lm.runs.run_record import RunRecord, StageRecord, TrainRecord, save_run
from lm.store.artifacts import Store
from lm.store.files import write_record
from lm.store.keys import artifact_key

CONFIGS: dict[str, dict[str, Any]] = {
    "download": {"corpus": ["tales"]},
    "clean": {"heldout_fraction": 0.1},
    "tokenize": {"vocab_size": 512},
    "train": {"steps": 30, "seed": 1},
    "evaluate": {"seed": 1},
}
INPUTS = {"download": (), "clean": ("download",), "tokenize": ("clean",), "train": ("tokenize",)}
INPUTS["evaluate"] = ("train", "tokenize", "clean")


class Place:
    """A store, and runs over toy stages that decide reuse by key as the real ones do."""

    def __init__(self, root: Path) -> None:
        self.store, self.runs = Store(root), 0

    def run(
        self, *, until: str = "evaluate", version: int = 1, files: dict[str, str] | None = None, **changes: Any
    ) -> RunRecord:
        self.runs += 1
        moment = f"2026-11-{self.runs:02}T10:00:00Z"
        stages: dict[str, TrainRecord | StageRecord] = {}
        for stage, config in CONFIGS.items():
            config = config | changes.get(stage, {})
            inputs = {name: stages[name].key for name in INPUTS[stage]}
            inputs = inputs or files or {"00000-a.txt": "aa" * 32, "00001-b.txt": "bb" * 32}
            key = artifact_key(stage, version if stage == "train" else 1, config, inputs)
            made = self.store.find(stage, key) is None
            if made:
                self._make(stage, key, config, inputs, moment)
            stages[stage] = StageRecord(
                key=key,
                path=str(self.store.path(stage, key)),
                status="computed" if made else "reused",
                reason="not told",
                seconds=1.0,
            )
            if stage == until:
                break
        run = RunRecord(
            run_id=f"run-{self.runs}",
            status="completed",
            corpus=["tales"],
            config={},
            budget=Budget(bytes=2**30, source="flag"),
            started=moment,
            stages=stages,
        )
        save_run(self.store, run)
        return run

    def _make(self, stage: str, key: str, config: dict[str, Any], inputs: dict[str, str], moment: str) -> None:
        with self.store.writing(stage, key) as out:
            (out / "content").write_text(key)
            facts: dict[str, Any] = {"metrics": {}, "seconds": 1.0, "peak_memory_bytes": None, "versions": {}}
            self.store.commit(stage, key, config=config, inputs=inputs, **facts)
        folder = self.store.path(stage, key)
        manifest = self.store.open(folder).manifest.model_copy(update={"created": moment})
        write_record(folder / "manifest.json", manifest.model_dump(mode="json"))

    def why(self, run: RunRecord) -> dict[str, StageWhy]:
        return {why.stage: why for why in explain(self.store, run).stages}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_changed_setting_is_named_where_it_changed_and_its_consequences_below(place: Place) -> None:
    """Two settings of train changed: train names both, evaluate the new model, the stages before say by whom made."""
    place.run()
    why = place.why(place.run(train={"steps": 60, "seed": 2}))
    assert why["train"].differences == ("train.seed 1 → 2", "train.steps 30 → 60")
    assert [word.split()[0] for word in why["evaluate"].differences] == ["train"]
    assert why["clean"].status == "reused"
    assert "run-1" in why["clean"].because


def test_a_new_version_of_a_stage_s_code_is_named(place: Place) -> None:
    """Same config and inputs, other code: only the version differs, although no manifest holds it."""
    place.run()
    assert place.why(place.run(version=3))["train"].differences == ("code version 1 → 3",)


def test_changed_text_is_named_by_its_files(place: Place) -> None:
    """A file that changed, one that is new and one that is gone are told apart."""
    place.run()
    files = {"00000-a.txt": "cc" * 32, "00001-c.txt": "dd" * 32}
    assert place.why(place.run(files=files))["download"].differences == (
        "new: c.txt",
        "gone: b.txt",
        "changed: a.txt",
    )


def test_it_is_compared_with_the_nearest_artifact_and_not_with_the_newest(place: Place) -> None:
    """Between a run with one difference and a newer one with two, the one is told; later runs do not count."""
    near = place.run()
    place.run(train={"steps": 99, "seed": 9})
    run = place.run(train={"steps": 31})
    place.run(train={"steps": 32})
    why = place.why(run)["train"]
    assert why.nearest == near.stages["train"].key
    assert why.differences == ("train.steps 30 → 31",)


def test_what_is_downstream_of_a_rerun_stage_is_stale(place: Place) -> None:
    """Train alone again: the evaluation of the old model is stale for the old run and for the new one."""
    old = place.run()
    rerun = place.run(until="train", train={"steps": 60})
    why = place.why(rerun)
    assert why["train"].stale == ""
    assert why["evaluate"].status == "not in this run"
    assert why["evaluate"].stale.startswith(f"made from train {old.stages['train'].key[:8]}")
    assert place.why(old)["train"].stale == f"replaced by {rerun.stages['train'].key} of run run-2"
    assert place.why(old)["clean"].stale == ""
    renewed = place.run(train={"steps": 60})
    assert {why.stale for why in place.why(renewed).values()} == {""}


def test_it_is_told_in_words_that_fit_a_line(place: Place) -> None:
    """What a run's record says: the first one here, or what is new; and nothing a terminal would act upon."""
    assert why_new(place.store, Made("train", 1, {"steps": 1}, {})) == "the first train here"
    run = place.run()
    key = run.stages["tokenize"].key
    reason = why_new(place.store, Made("train", 1, {"steps": 30, "seed": 7}, {"tokenize": key}))
    assert reason == f"train.seed 1 → 7 since {run.stages['train'].key[:8]}"
    console = Console(width=100, record=True, file=io.StringIO())
    print_why(explain(place.store, run), console)
    assert "it was the first train here" in console.export_text()


def test_an_artifact_that_is_gone_is_no_error(place: Place) -> None:
    """Deleted by hand or pruned: the run can still be explained as far as it goes."""
    run = place.run()
    (place.store.path("train", run.stages["train"].key) / "manifest.json").unlink()
    assert "removed" in place.why(run)["train"].because
