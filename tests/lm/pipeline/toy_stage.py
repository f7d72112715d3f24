"""A seventh stage, as small as one can be: it counts the words of the clean text."""

from collections.abc import Mapping
from pathlib import Path

from lm.config import StageConfig, StageMetrics
from lm.stages import Stage, register
from lm.store.artifacts import Artifact
from lm.store.work import StageWork
from lm.supervision.job import job
from lm.supervision.job_context import JobContext
from lm.supervision.making import make_artifact

PREDICTED_BYTES = 123 * 2**20


class CountConfig(StageConfig):
    """How words are counted."""

    minimum_letters: int = 1


class CountMetrics(StageMetrics):
    """How many words there are."""

    words: int

    @property
    def headline(self) -> str:
        """The number of words."""
        return f"{self.words:,} words"


@job
def count_words(context: JobContext, work: StageWork) -> None:
    """Count the words of the training text."""
    from lm.text.documents import read_texts

    config = CountConfig.model_validate(work.config)

    def fill(out: Path) -> CountMetrics:
        words = sum(
            len(word) >= config.minimum_letters
            for text in read_texts(work.path("clean"), "train")
            for word in text.split()
        )
        (out / "words.txt").write_text(f"{words}\n")
        context.progress(1, 1, "text", "counted")
        return CountMetrics(words=words, notes=("counted by a toy",))

    make_artifact(work, fill)


def predict(config: CountConfig, inputs: Mapping[str, Artifact], budget_bytes: int) -> int:
    """What counting will need."""
    return PREDICTED_BYTES


TOY = register(Stage("count", "artifacts/counts", 1, CountConfig, CountMetrics, predict, count_words, module=__name__))
