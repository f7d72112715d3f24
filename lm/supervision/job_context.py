"""What a job may ask of the supervised child that does it, and tell its parent through it."""

from typing import Any, Protocol


class JobContext(Protocol):
    """The child, as a job sees it."""

    budget_bytes: int
    stop_reason: str | None
    relief_reason: str | None  # why the parent asks the job to do with less memory
    stops_itself: bool  # a job that looks at `stop_reason` between its steps sets this

    def progress(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Report progress to the parent."""

    def send(self, **event: Any) -> None:
        """Send the parent an event."""

    def stop(self, reason: str) -> None:
        """Ask the job itself to save and leave."""

    def cap_anew(self) -> None:
        """Set the memory cap to match what is loaded by now."""
