"""The memory guard before a stage: what will not fit is refused before it starts."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from lm.memory.usage import can_cap, how_memory_is_held
from lm.pipeline.session import Session


@task(name="memory-guard", task_run_name="guard {stage}", cache_policy=NO_CACHE)
def guard(session: Session, stage: str, needed_bytes: int) -> None:
    """Raise CannotFit when `stage` is expected to need more than the budget allows."""
    session.check_memory(stage, needed_bytes)
    if not can_cap() and not session.memory_rows:  # said once, before the first stage that does anything
        session.listener.tell(f"memory: {how_memory_is_held()}")
