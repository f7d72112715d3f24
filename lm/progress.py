"""How a stage tells how far it is, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """Called often from inside a stage; cheap to call, and safe to ignore."""

    def __call__(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Report `done` of `total` (None when unknown) in `unit`s, with a few words for the reader."""


def silent(done: float, total: float | None, unit: str, note: str = "") -> None:
    """The listener for those who do not want to know."""
