"""A contest: several models on the same held-out text, and whether the challenger is better than the champion.

Light: the scoring is in `contest_scoring`, which needs torch.
"""

from pydantic import BaseModel

MIN_UNITS = 10  # of text; with fewer, resampling them says too little about their spread


class Standing(BaseModel, frozen=True):
    """One model in a contest: what it makes of the text, and how old it was then."""

    model: str
    bits_per_byte: float
    age_days: float  # of the model, when the contest was held


class Contest(BaseModel, frozen=True):
    """Numbers of a contest, all over the same bytes of held-out text that no model in it was trained on.

    `difference` is challenger minus champion in bits per byte, so negative is better; `ci95` its interval by paired
    bootstrap over `units` documents (or blocks, where there are few documents). `seen_units` were left out because the
    champion's or an elder's training text holds them. `drift` is what the champion lost against the held-out text of
    its own evaluation, with the interval of its bits per byte here. `elders` are former champions, oldest first.
    """

    text: str  # key of the clean artifact that the held-out text is from
    unit: str
    units: int
    seen_units: int
    bytes: int
    champion: Standing | None
    challenger: Standing | None
    difference: float | None = None
    ci95: tuple[float, float] | None = None
    drift: float | None = None
    drift_ci95: tuple[float, float] | None = None
    elders: tuple[Standing, ...] = ()

    def is_won(self, margin: float) -> bool:
        """Whether the challenger is better by more than `margin` bits per byte, with 97.5 % confidence."""
        return self.ci95 is not None and self.ci95[1] < -margin

    def sentence(self, margin: float) -> str:
        """What came of it, in words."""
        if self.champion is None or self.challenger is None:
            return "there was nothing to compare"
        if self.difference is None or self.ci95 is None:
            return f"only {self.units} unseen {self.unit}s of held-out text: too few to tell which model is better"
        low, high = self.ci95
        numbers = (
            f"{self.challenger.bits_per_byte:.3f} bits per byte against the champion's "
            f"{self.champion.bits_per_byte:.3f} on the same text (difference {self.difference:+.3f}, "
            f"95 % interval {low:+.3f} to {high:+.3f}, {self.units} {self.unit}s)"
        )
        if self.is_won(margin):
            return f"the challenger is better: {numbers}"
        if low > 0:
            return f"the champion is better: {numbers}"
        wanted = f" by more than {margin:g}" if margin else ""
        return f"the challenger is not shown to be better{wanted}: {numbers}"
