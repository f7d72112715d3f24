"""What people see of a run in Prefect: tables, markdown, progress, pictures. Best effort, and bounded in time.

A server that is slow or gone must neither stop nor hold up the work: whatever cannot be shown within seconds is not.
"""

import contextvars
import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.logging import get_run_logger

from lm.errors import SlowburnError
from lm.formatting import format_count
from lm.pipeline.session import REPORT_BUDGET, Session
from lm.planning.plan import Plan
from lm.progress import silent
from lm.report.jobs import show_run
from lm.report.report_text import title
from lm.report.run_facts import gather_facts
from lm.runs.run_record import REPORT_FILE, RunRecord, StageRecord, run_folder
from lm.stages import headline
from lm.store.artifacts import Artifact, Store
from lm.supervision.supervisor import SupervisedChild
from lm.train.jobs import ChunkReport
from tasks.markdown import escape, page, picture
from tasks.pages import lineage_page, plan_page, run_page, samples_page, stage_rows
from tasks.stage_pages import stage_page

PICTURE_TITLES = {"learning-curve": "how it learned", "memory": "memory over time, against the budget"}
TIMEOUT_SECONDS = 5.0


def publish(show: Callable[..., Any], **content: Any) -> Any:
    """Call one of Prefect's artifact functions; None when it failed or took too long."""
    result: list[Any] = []
    context = contextvars.copy_context()

    def attempt() -> None:
        try:
            result.append(context.run(show, **content))
        except Exception as error:  # showing is a courtesy: any failure of it is logged and no more
            result.append(None)
            context.run(get_run_logger).warning("not shown in Prefect: %s", error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    return result[0] if result else None


def publish_page(key: str, description: str, write: Callable[[], str]) -> None:
    """Show a page of markdown, written within the same patience and with the same forgiveness as it is sent."""
    publish(lambda: create_markdown_artifact(key=key, description=escape(description), markdown=write()))


def publish_stage(store: Store, run: RunRecord, artifact: Artifact, record: StageRecord) -> None:
    """Show what a stage made."""
    publish_page(
        artifact.manifest.stage,
        headline(artifact.manifest),
        lambda: stage_page(artifact, record, gather_facts(store, run)),
    )


def publish_plan(plan: Plan) -> None:
    """Show what was settled, and why."""
    shape = f"{format_count(plan.recipe.parameters(plan.vocab_size))} parameters, {plan.recipe.steps:,} steps"
    publish_page("plan", shape, partial(plan_page, plan))


def publish_run(session: Session) -> None:
    """Show the run's outcome: its stages, where its report is, its pictures, what the model writes."""
    run = session.record
    facts = gather_facts(session.store, run)
    report = run_folder(session.store, run.run_id) / REPORT_FILE
    outcome = f"{run.status}: {run.reason}" if run.reason else run.status
    about_stages = f"what each stage did and took; {outcome}"
    publish(create_table_artifact, key="stages", table=stage_rows(run), description=escape(about_stages))
    publish_page("lineage", "what was made from what, and by which run", partial(lineage_page, run, session.store))
    publish_page("run", title(facts), partial(run_page, facts, report))
    if run.reused or not run.stages:
        return
    try:
        with SupervisedChild(REPORT_BUDGET) as child:
            shown = child.call(show_run, silent, session.store.root, run.run_id)
    except SlowburnError as error:
        get_run_logger().warning("no pictures in Prefect: %s", error)
        return
    for name, png_base64 in shown.pictures.items():
        publish_page(name, PICTURE_TITLES[name], partial(page, picture(name, png_base64)))
    if shown.samples:
        about = f"{len(shown.samples)} texts that the model wrote"
        publish_page("samples", about, partial(samples_page, shown.samples))


class TrainingBoard:
    """A progress artifact that moves with the chunks."""

    def __init__(self, step: int, steps: int) -> None:
        description = f"from step {step:,}" if step else "from the start"
        self._id: UUID | None = publish(
            create_progress_artifact, key="training", progress=100 * step / steps, description=description
        )

    def show(self, report: ChunkReport) -> None:
        """Move on to where the chunk just trained has ended."""
        progress = 100 * report.step / report.steps
        if self._id:
            description = f"step {report.step:,} of {report.steps:,}, loss {report.loss:.3f} nats per token"
            publish(update_progress_artifact, artifact_id=self._id, progress=progress, description=description)

    def finish(self, summary: str) -> None:
        """Fill the bar: a training that stopped early is done as well."""
        if self._id:
            publish(update_progress_artifact, artifact_id=self._id, progress=100.0, description=summary)
