"""The memory guard before a stage: what will not fit is refused before it starts."""

from collections.abc import Callable

from prefect import task
from prefect.cache_policies import NO_CACHE


@task(name="memory-guard", task_run_name="guard {stage}", cache_policy=NO_CACHE)
def guard(stage: str, check: Callable[[], None]) -> None:
    """Raise CannotFit when `stage` is expected to need more than the budget allows."""
    check()
