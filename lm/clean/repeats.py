"""Documents that repeat others, to the letter or nearly."""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lm.clean.near_duplicates import Labels


class Repeats(NamedTuple):
    """Which documents are kept, and how many repeat others."""

    keep: npt.NDArray[np.bool_]  # (documents,)
    labels: Labels  # the first document of the cluster that each is in: (documents,)
    duplicates: int
    near_duplicates: int
    clusters: int
    dropped: bool  # near-duplicates were dropped

    @classmethod
    def of(cls, first_of_equals: npt.NDArray[np.bool_], labels: Labels, *, drop: bool) -> Self:
        """Count the repeats; keep one document of each cluster if near-duplicates are to be dropped."""
        alone = labels == np.arange(len(labels))
        near = first_of_equals & ~alone
        keep = first_of_equals & alone if drop else first_of_equals
        clusters = len(np.unique(labels[near]))
        return cls(keep, labels, int((~first_of_equals).sum()), int(near.sum()), clusters, drop)

    def notes(self) -> list[str]:
        """The same in sentences."""
        became = "were dropped" if self.dropped else "stay on the side of the one they resemble"
        told = {
            f"{self.duplicates:,} documents were dropped that repeat another": self.duplicates,
            f"{self.near_duplicates:,} documents nearly repeat another and {became}": self.near_duplicates,
        }
        return [sentence for sentence, count in told.items() if count]
