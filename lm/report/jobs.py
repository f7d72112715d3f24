"""What a supervised child draws: a run's report, its pictures, the drift curve."""

from base64 import b64encode
from pathlib import Path

from pydantic import BaseModel

from lm.report.run_facts import Sample
from lm.runs.run_record import MemoryRow
from lm.store.artifacts import Store
from lm.supervision.job import job
from lm.supervision.job_context import JobContext


class RunPictures(BaseModel, frozen=True):
    """What Prefect's pages show of a run: PNG in base64 by name, and the samples."""

    pictures: dict[str, str]
    samples: tuple[Sample, ...]


class Drift(BaseModel, frozen=True):
    """How often to retrain, and the drift curve as PNG in base64; None where no contest was held yet."""

    answer: str
    curve: str | None


@job
def write_report(context: JobContext, root: Path, run_id: str, memory_rows: list[MemoryRow]) -> list[str]:
    """Write a run's memory series, draw its report, and return the lines that close the run in the terminal."""
    from lm.report.report import render_report
    from lm.report.run_index import render_index
    from lm.report.summary import closing_lines
    from lm.runs.run_record import RUN_FILE, open_run, run_folder, save_run, write_memory
    from lm.store.files import sha256_of

    store = Store(root)
    run = open_run(run_folder(store, run_id) / RUN_FILE)
    run.memory = write_memory(store, run_id, memory_rows)
    run.memory_sha256 = sha256_of(store.root / run.memory) if run.memory else None
    save_run(store, run)
    render_report(store, run)
    render_index(store)
    return closing_lines(store, run)


@job
def show_run(context: JobContext, root: Path, run_id: str) -> RunPictures:
    """Draw a run's pictures and read its samples."""
    from lm.report.run_facts import gather_facts, read_samples
    from lm.report.run_pictures import pictures_png
    from lm.runs.run_record import RUN_FILE, open_run, run_folder

    store = Store(root)
    facts = gather_facts(store, open_run(run_folder(store, run_id) / RUN_FILE))
    pictures = {name: b64encode(png).decode() for name, png in pictures_png(store, facts).items()}
    return RunPictures(pictures=pictures, samples=tuple(read_samples(facts)))


@job
def describe_drift(context: JobContext, root: Path) -> Drift:
    """Say how often to retrain, and draw the drift curve."""
    from lm.champions.champion import load_champion
    from lm.champions.drift import drift_points, how_often
    from lm.report.drift_chart import drift_png

    points = drift_points(load_champion(Store(root)).decisions)
    curve = b64encode(drift_png(points)).decode() if points else None
    return Drift(answer=how_often(points).sentence, curve=curve)
