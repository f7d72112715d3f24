"""A stage is one package and one entry in the registry: everything else learns of it from there."""

import subprocess
import sys
from pathlib import Path

import pytest

from lm.errors import CannotFit
from lm.inspection.listing import list_all, show
from lm.inspection.verify import verify
from lm.memory.budget import Budget
from lm.pipeline.listener import Listener
from lm.pipeline.session import Session
from lm.pipeline.stage_drivers import clean, download, run_stage
from lm.report.run_facts import gather_facts
from lm.run_config import RunConfig
from lm.runs.explain import explain
from lm.store.artifacts import Artifact, Store
from tasks.stage_pages import stage_page
from tests.conftest import PROJECT, write_corpus

SCRIPT = """
import sys
from pathlib import Path
from lm.store.artifacts import Store
from tests.lm.pipeline.test_a_seventh_stage import check
check(Path(sys.argv[1]))
print("checked")
"""


class Heard(Listener):
    def __init__(self) -> None:
        self.finished: list[tuple[str, bool, str]] = []

    def stage_finished(self, stage: str, reused: bool, seconds: float, summary: str) -> None:
        self.finished.append((stage, reused, summary))


def test_a_seventh_stage_needs_nothing_but_its_entry(tmp_path: Path) -> None:
    """Registered, it is predicted, made, reused, explained, inspected, shown on its page and verified.

    In a process of its own: the entry stays in the registry.
    """
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "checked", done.stderr


def check(folder: Path) -> None:
    from tests.lm.pipeline.toy_stage import PREDICTED_BYTES, TOY, CountConfig

    corpus = write_corpus(folder / "corpus")
    store, heard = Store(folder / "root"), Heard()
    config = RunConfig.model_validate({"download": {"corpus": [str(corpus)]}})

    def count(run_id: str, letters: int) -> tuple[Session, Artifact]:
        session = Session(store, config, run_id, heard)
        cleaned = clean(session, download(session))
        artifact = run_stage(session, TOY, CountConfig(minimum_letters=letters), clean=cleaned)
        session.recorder.close(None)
        return session, artifact

    first, artifact = count("first", 1)
    record = first.record.stages["count"]
    assert record.status == "computed"
    assert record.predicted_memory_bytes == PREDICTED_BYTES
    words = int((artifact.path / "words.txt").read_text())
    assert words > 5000
    assert heard.finished[-1][2] == f"{words:,} words"

    again, same = count("again", 1)
    assert (same.key, again.record.stages["count"].status) == (artifact.key, "reused")

    changed, other = count("changed", 4)
    assert other.key != artifact.key
    (why,) = (stage for stage in explain(store, changed.record).stages if stage.stage == "count")
    assert why.differences == ("count.minimum_letters 1 → 4",)

    assert any(entry.stage == "count" and entry.headline == f"{words:,} words" for entry in list_all(store).artifacts)
    assert [origin.stage for origin in show(store, artifact.key).made_from] == ["clean"]
    page = stage_page(artifact, record, gather_facts(store, first.record))
    assert "counted by a toy" in page
    assert str(words) in page

    assert not verify(store).damages
    (artifact.path / "words.txt").write_text("8\n")
    assert [damage.path for damage in verify(store).damages] == [f"artifacts/counts/{artifact.key}/words.txt"]

    poor = Session(store, config, "poor", heard)
    poor.budget = Budget(bytes=PREDICTED_BYTES, source="flag")
    with pytest.raises(CannotFit, match="count: needs about 123 MiB"):
        run_stage(poor, TOY, CountConfig(minimum_letters=9), clean=clean(poor, download(poor)))
