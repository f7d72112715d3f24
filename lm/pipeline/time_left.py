"""How long the whole run will still take: what the plan expects, put right by how fast training goes."""

from lm.supervision.work_clock import WorkClock


class TimeLeft:
    """Learns from the plan, then from every step of training."""

    def __init__(self, clock: WorkClock) -> None:
        self._clock = clock
        self._left: float | None = None  # seconds, at the moment `_at`
        self._at = 0.0
        self._training_seconds, self._tail = 0.0, 0.0  # of one training, and of all that comes after it
        self._first: tuple[float, float] | None = None  # when training was first heard of, and how far it was
        self._done = 0.0

    @property
    def seconds(self) -> float | None:
        """Seconds that are left; None before there is a plan, and once all that was expected has passed."""
        left = 0.0 if self._left is None else self._left - (self._clock.seconds - self._at)
        return left if left > 0 else None

    def planned(self, seconds: float, training_seconds: float) -> None:
        """Take in what the plan expects: of all that is left, and of training one model."""
        self._left, self._at = seconds, self._clock.seconds
        self._training_seconds = training_seconds

    def trained(self, done: float, total: float) -> None:
        """Take in how far a training is. One that is less far than before is that of the next seed."""
        if self._left is None:
            return
        now = self._clock.seconds
        if self._first is None or done < self._done:
            self._tail = max(0.0, (self.seconds or 0.0) - self._training_seconds)
            self._first = now, done
        self._done = done
        began, first_done = self._first
        if done > first_done:
            self._left = (now - began) / (done - first_done) * (total - done) + self._tail
            self._at = now
