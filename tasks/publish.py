"""What people see of a run in Prefect: tables, markdown, progress, pictures. Best effort, and bounded in time.

A server that is slow or gone must neither stop nor hold up the work: whatever cannot be shown within seconds is not.
"""

import contextvars
import threading
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.logging import get_run_logger

from lm.memory import format_bytes
from lm.plan import Plan
from lm.run_record import REPORT_FILE, run_folder
from lm.session import Session
from lm.store import Artifact

PATIENCE_SECONDS = 5.0


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
    thread.join(PATIENCE_SECONDS)
    return result[0] if result else None


def cell(text: object) -> str:
    """Text made safe for a markdown table: nothing in it is markup, and it stays on one line."""
    escaped = str(text)
    for character in "\\`*_{}[]<>()#+!|~&":
        escaped = escaped.replace(character, "\\" + character)
    return escaped.replace("\n", " ")


def markdown_table(rows: Mapping[str, object]) -> str:
    """Names and values as a markdown table."""
    lines = [f"| {cell(name)} | {cell(value)} |" for name, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def publish_stage(session: Session, artifact: Artifact) -> None:
    """Show what a stage made: its summary, its metrics, its files."""
    manifest = artifact.manifest
    record = session.record.stages[manifest.stage]
    flat = {name: value for name, value in manifest.metrics.items() if isinstance(value, str | int | float)}
    facts: dict[str, object] = {
        "status": f"{record.status} ({record.reason})",
        "artifact": record.path,
        "seconds": round(manifest.seconds, 1),
        "peak memory": format_bytes(manifest.peak_memory_bytes or 0),
    }
    files = {name: format_bytes(output.bytes) for name, output in manifest.outputs.items()}
    publish(
        create_markdown_artifact,
        key=manifest.stage,
        markdown=f"# {manifest.stage}\n\n{markdown_table(facts)}\n\n## Numbers\n\n{markdown_table(flat)}\n\n"
        f"## Files\n\n{markdown_table(dict(list(files.items())[:50]))}\n",
        description=str(manifest.metrics.get("summary", "")),
    )


def publish_plan(plan: Plan) -> None:
    """Show what was settled, and why."""
    reasons = "\n".join(f"- {cell(reason)}" for reason in plan.reasons)
    numbers = markdown_table(plan.recipe.model_dump() | {"vocab_size": plan.vocab_size, "threads": plan.threads})
    publish(create_markdown_artifact, key="plan", markdown=f"# The plan\n\n{reasons}\n\n{numbers}\n")


def publish_run(session: Session) -> None:
    """Show the run's outcome and where its report is."""
    run = session.record
    report = run_folder(session.store, run.run_id) / REPORT_FILE
    publish(
        create_table_artifact,
        key="stages",
        table=[
            {
                "stage": name,
                "status": stage.status,
                "why": stage.reason,
                "seconds": stage.seconds,
                "peak memory": format_bytes(stage.peak_memory_bytes or 0),
                "predicted": format_bytes(stage.predicted_memory_bytes or 0),
            }
            for name, stage in run.stages.items()
        ],
        description=f"run {run.run_id}: {run.status} {run.reason}",
    )
    publish(create_link_artifact, key="report", link=report.as_uri(), link_text=f"report of {run.run_id}")


class TrainingBoard:
    """A progress artifact that moves with the chunks, and the learning curve drawn when there is something to see."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self._id: UUID | None = publish(create_progress_artifact, key="training", progress=0.0)

    def show(self, report: dict[str, Any]) -> None:
        """Move on to where the chunk just trained has ended."""
        progress = 100 * report["step"] / self.steps
        if self._id:
            description = f"step {report['step']:,} of {self.steps:,}, loss {report['loss']:.3f} nats a token"
            publish(update_progress_artifact, artifact_id=self._id, progress=progress, description=description)


def publish_pictures(pictures: dict[str, str]) -> None:
    """Show pictures, given as data URIs by name."""
    for name, uri in pictures.items():
        publish(create_image_artifact, key=name, image_url=uri)
