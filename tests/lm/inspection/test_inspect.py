"""Inspection: what there is, where it came from, and whether its bytes still hold."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from lm.champions.champion import champion_path, copy_path, promote
from lm.errors import BadInput
from lm.inspection.listing import ArtifactView, RunView, list_all, show
from lm.inspection.tables import print_artifact, print_listing, print_run, print_verification
from lm.inspection.verify import verify
from lm.memory.budget import Budget
from lm.runs.run_record import RunRecord, StageRecord, TrainRecord, run_folder, save_run
from lm.store.artifacts import Artifact, Store
from lm.store.files import write_json
from lm.store.keys import artifact_key
from tests.builders import metrics_of
from tests.conftest import PROJECT


def make(store: Store, stage: str, inputs: dict[str, str], metrics: dict[str, Any]) -> Artifact:
    key = artifact_key(stage, 1, {"seed": 1}, inputs)
    with store.writing(stage, key) as out:
        pd.DataFrame({"text": ["long " * 100, "\x1b[31mred"], "tokens": [list(range(50)), []]}).to_parquet(
            out / "rows.parquet"
        )
        (out / "model.bin").write_bytes(b"weights" * 100)
        return store.commit(
            stage,
            key,
            config={"seed": 1},
            inputs=inputs,
            metrics=metrics,
            seconds=1.5,
            peak_memory_bytes=2**20,
            versions={"python": "3.11"},
        )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one run from text to model to evaluation."""
    store = Store(tmp_path)
    download = make(
        store, "download", {"00000-tale.txt": "ab" * 32}, metrics_of("download", summary="2.0 MB in 1 file")
    )
    clean = make(store, "clean", {"download": download.key}, {})
    tokens = make(store, "tokenize", {"clean": clean.key}, {})
    model = make(store, "train", {"tokenize": tokens.key}, metrics_of("train", parameters=5_200_000, steps=1200))
    evaluation = make(
        store, "evaluate", {"train": model.key, "clean": clean.key}, metrics_of("evaluate", bits_per_byte=1.7512)
    )
    stages = {
        artifact.manifest.stage: StageRecord(
            key=artifact.key,
            path=str(artifact.path.relative_to(tmp_path)),
            status="computed",
            reason="new",
            seconds=1.5,
        )
        for artifact in (download, clean, tokens, evaluation)
    }
    run = RunRecord(
        run_id="2026-11-20-tales",
        status="completed",
        command="python -m flows.pipeline --corpus tales",
        corpus=["tales"],
        config={"minutes": 1.0},
        budget=Budget(bytes=2**30, source="flag"),
        started="2026-11-20T10:00:00Z",
        stages=stages,
    )
    save_run(store, run)
    return store


def artifact(store: Store, stage: str) -> Artifact:
    return store.list(stage)[0]


def printed(render: Callable[..., None], *what: object) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    render(*what, console)
    return console.export_text()


def test_list_shows_everything_with_its_headline(store: Store) -> None:
    """Runs and artifacts are listed newest first, with what one wants to know of them; `--json` says the same."""
    listing = list_all(store)
    assert [entry.stage for entry in listing.artifacts] == ["evaluate", "train", "tokenize", "clean", "download"]
    assert listing.artifacts[0].headline == "1.751 bits per byte"
    assert listing.artifacts[1].headline == "5.2 million parameters, 1,200 steps"
    assert listing.runs[0].headline == "tales, 1.751 bits per byte"
    text = printed(partial(print_listing, everything=True), listing)
    assert all(entry.name in text for entry in (*listing.runs, *listing.artifacts))
    short = printed(print_listing, listing)
    assert "1.751" in short
    assert "5 artifacts" in short
    assert listing.artifacts[0].name not in short
    assert json.loads(listing.model_dump_json())["schema_version"] == 1


def test_the_champion_is_marked(store: Store) -> None:
    """In both lists one sees which model is used where none is named; a broken record of it hides no list."""
    model = artifact(store, "train")
    promote(store, model.key, "better")
    run = show(store, "2026").run
    trained = TrainRecord(
        key=model.key,
        path="",
        status="computed",
        reason="",
        seconds=1,
        steps=1,
        resumed_from_step=None,
        weights_sha256="",
    )
    save_run(store, run.model_copy(update={"stages": run.stages | {"train": trained}}))
    listing = list_all(store)
    assert [entry.name for entry in (*listing.runs, *listing.artifacts) if entry.is_champion] == [run.run_id, model.key]
    assert printed(partial(print_listing, everything=True), listing).count("the champion, ") == 2
    for file in (champion_path(store), copy_path(store)):
        file.write_text("{")
    assert not any(entry.is_champion for entry in list_all(store).runs)


def test_nothing_is_cut_short_in_a_pipe(store: Store) -> None:
    """Whatever the terminal's width was: a program that reads it finds every name and reason whole, on one line."""
    run, name = show(store, "2026").run, "2026-11-21-" + "tale-" * 13
    reason = "train: needs about 1 GiB, " * 8
    changed = {"run_id": name, "status": "failed", "reason": reason, "corpus": ["c" * 90], "started": "2026-11-21"}
    save_run(store, RunRecord.model_validate(run.model_dump() | changed))
    environment = os.environ | {"SLOWBURN_ROOT": str(store.root), "COLUMNS": "40"}
    for words in ((), ("--all",), (name,), (run.stages["clean"].key,), ("--why", "2026-11-20")):
        command = [sys.executable, "-m", "lm", "inspect", *words]
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "…" not in done.stdout.partition("rows.parquet, ")[0]  # of its texts there is but a look
        if words in ((), ("--all",)):
            assert [line for line in done.stdout.splitlines() if name in line and "c" * 90 in line and reason in line]


def test_list_survives_damage(store: Store) -> None:
    """A broken manifest, a missing file and an unfinished training are listed as what they are."""
    (artifact(store, "clean").path / "manifest.json").write_text("{")
    (artifact(store, "train").path / "model.bin").unlink()
    checkpoints = store.partial("train", "e" * 16) / "checkpoints"
    checkpoints.mkdir(parents=True)
    write_json(checkpoints / "step-00000640.json", {"step": 640})
    status = {(entry.stage, entry.status): entry.headline for entry in list_all(store).artifacts}
    assert "cannot be read" in status["clean", "damaged"]
    assert status["train", "damaged"] == "damaged: model.bin is missing"
    assert status["train", "unfinished"] == "saved at step 640"


def test_show_tells_lineage_both_ways(store: Store) -> None:
    """One artifact shows what it was made from, back to the source's hash, and what was made from it."""
    view = show(store, artifact(store, "tokenize").key[:6])
    assert isinstance(view, ArtifactView)
    clean = view.made_from[0]
    download = clean.next[0]
    assert (clean.stage, download.stage, download.next[0].stage) == ("clean", "download", "00000-tale.txt")
    assert [(node.stage, [after.stage for after in node.next]) for node in view.made_into] == [("train", ["evaluate"])]
    assert view.used_by_runs == ("2026-11-20-tales",)
    assert view.heads["rows.parquet"].rows == 2 and len(str(view.heads["rows.parquet"].first[0]["text"])) < 200
    text = printed(print_artifact, view)
    assert "\x1b[31mred" not in text and "rows.parquet, 2 rows" in text
    shutil.rmtree(artifact(store, "clean").path)
    view = show(store, view.manifest.key)
    assert isinstance(view, ArtifactView) and view.made_from[0].missing
    assert "not here any more" in printed(print_artifact, view)


def test_show_takes_names_prefixes_and_paths(store: Store) -> None:
    """A run or artifact is found by its name, the beginning of it, its folder or a file in there."""
    model = artifact(store, "train")
    for name in (
        model.key,
        model.key[:8],
        str(model.path),
        f"artifacts/models/{model.key}",
        str(model.path / "model.bin"),
    ):
        view = show(store, name)
        assert isinstance(view, ArtifactView) and view.manifest.key == model.key
    for name in ("2026-11-20-tales", "2026", str(run_folder(store, "2026-11-20-tales") / "run.json")):
        view = show(store, name)
        assert isinstance(view, RunView) and "evaluate" in printed(print_run, view)


def test_unknown_name_suggests_near_ones(store: Store, tmp_path: Path) -> None:
    """A mistyped name is answered with the names that it may have meant, an empty store with how to fill it."""
    with pytest.raises(BadInput, match="did you mean 2026-11-20-tales"):
        show(store, "2026-11-20-tails")
    with pytest.raises(BadInput, match="lists what there is"):
        show(store, "zzzz")
    save_run(store, RunRecord.model_validate(show(store, "2026").run.model_dump() | {"run_id": "2026-11-21-tales"}))
    with pytest.raises(BadInput, match="may mean 2026-11-2"):
        show(store, "2026")
    with pytest.raises(BadInput, match="nothing was made"):
        show(Store(tmp_path / "empty"), "anything")


def test_verify_finds_a_flipped_bit(store: Store) -> None:
    """One changed bit is found, named with its file, and the command that is given makes the artifact again."""
    assert verify(store).damages == ()
    clean = artifact(store, "clean")
    file = clean.path / "model.bin"
    content = bytearray(file.read_bytes())
    content[350] ^= 1
    file.write_bytes(content)
    assert store.find("clean", clean.key) is not None  # sizes alone do not tell
    (damage,) = verify(store).damages
    assert damage.path == f"data/clean/{clean.key}/model.bin" and "other bytes" in damage.what
    assert damage.remake.endswith("&& python -m flows.pipeline --corpus tales")
    assert "1 damaged" in printed(print_verification, verify(store))
    assert len(verify(store, clean.key).damages) == len(verify(store, "2026-11-20-tales").damages) == 1
    assert verify(store, artifact(store, "train").key).damages == ()
    subprocess.run(damage.remake.split(" && ")[0], shell=True, check=True)
    assert store.find("clean", clean.key) is None


def test_verify_names_what_cannot_be_read(store: Store) -> None:
    """A broken manifest, a missing file, a run whose artifact is gone and a broken record are each named."""
    clean, model = artifact(store, "clean"), artifact(store, "train")
    (clean.path / "manifest.json").write_text("{")
    (model.path / "model.bin").unlink()
    (gone,) = verify(store, "2026-11-20-tales").damages
    assert gone.path == f"data/clean/{clean.key}/manifest.json"
    broken = store.runs / "broken"
    broken.mkdir()
    (broken / "run.json").write_text("[]")
    found = {damage.path for damage in verify(store).damages}
    assert found == {
        f"data/clean/{clean.key}/manifest.json",
        f"artifacts/models/{model.key}/model.bin",
        "artifacts/runs/broken/run.json",
    }
    assert [run.run_id for run in [show(store, "2026").run]] == ["2026-11-20-tales"]
