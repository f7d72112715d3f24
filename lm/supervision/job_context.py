"""What a job may ask of the process that does it."""

from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from lm.progress import Progress

T = TypeVar("T")


class JobContext(Protocol):
    """The process that does a job: its memory budget, its way to report, and what is asked of it meanwhile."""

    budget_bytes: int
    stop_reason: str | None  # why the job at hand should save and leave
    shrink_reason: str | None  # why it should go on with less memory
    stops_itself: bool  # set by a job that looks at `stop_reason` between its steps

    @property
    def progress(self) -> Progress:
        """Where the job reports how far it is."""

    def use_torch(self) -> None:
        """Load torch, and set the memory cap anew to match."""

    def cap_anew(self) -> None:
        """Set the memory cap to match what is loaded by now."""

    def stop(self, reason: str) -> None:
        """Ask the job at hand to save and leave."""

    def tell_shrunk(self, note: str) -> None:
        """Tell the parent that the job goes on with less memory."""

    def enter(self, manager: AbstractContextManager[T]) -> T:
        """Hold something open until the last job is done, or `close` is called."""

    def close(self) -> None:
        """Close what `enter` holds open."""

    def keep(self, value: object) -> None:
        """Keep a value for a later job of this process, by its type."""

    def kept(self, kind: type[T]) -> T:
        """Return the value of this type that an earlier job kept."""
