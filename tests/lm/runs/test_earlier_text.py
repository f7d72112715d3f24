"""A corpus that grows: what trained once is never held out later, and the same files are never cleaned twice."""

from pathlib import Path

from lm.clean.config import CleanConfig
from lm.pipeline.listener import Listener
from lm.pipeline.session import Session
from lm.pipeline.stage_drivers import clean, download
from lm.run_config import RunConfig
from lm.runs.earlier_text import inputs_of_cleaning
from lm.store.artifacts import Artifact, Store
from lm.text.documents import read_texts
from tests.conftest import write_corpus


def cleaned(store: Store, corpus: Path, run_id: str) -> tuple[Artifact, str]:
    """The clean text of a corpus, and whether it was computed or reused."""
    config = RunConfig.model_validate({"download": {"corpus": [str(corpus)]}})
    session = Session(store, config, run_id, Listener())
    artifact = clean(session, download(session))
    session.recorder.close(None)
    return artifact, session.record.stages["clean"].status


def test_what_trained_once_is_not_held_out_when_the_corpus_grows(tmp_path: Path) -> None:
    """Text is added to a long file and new files come: the earlier text is an input, named in the manifest."""
    corpus, store = write_corpus(tmp_path / "corpus", documents=6), Store(tmp_path / "root")
    first, _ = cleaned(store, corpus, "first")
    trained = "".join(text.decode() for text in read_texts(first.path, "train"))

    grown = corpus / "00.txt"
    grown.write_text(grown.read_text() + "".join(f"Line {n} is new here.\n" for n in range(400)))
    write_corpus(tmp_path / "more", documents=2, seed=7)
    for number, file in enumerate(sorted((tmp_path / "more").iterdir())):
        file.rename(corpus / f"new-{number}.txt")
    second, status = cleaned(store, corpus, "second")
    assert status == "computed"
    assert second.manifest.inputs["earlier"] == first.key
    heldout = [line for text in read_texts(second.path, "heldout") for line in text.decode().splitlines() if line]
    assert heldout
    lines = {line for line in trained.splitlines() if line}
    assert not [line for line in heldout if line in lines]

    again, status = cleaned(store, corpus, "again")
    assert (again.key, status) == (second.key, "reused")


def test_another_corpus_or_another_seed_has_no_earlier_text(tmp_path: Path) -> None:
    """A corpus that shares no file with it, and a split with another seed, owe an earlier text nothing."""
    store = Store(tmp_path / "root")
    cleaned(store, write_corpus(tmp_path / "one", documents=6), "one")
    other = write_corpus(tmp_path / "other", documents=6, seed=2)
    for number, file in enumerate(sorted(other.iterdir())):
        file.rename(other / f"other-{number}.txt")
    unrelated, _ = cleaned(store, other, "other")
    assert set(unrelated.manifest.inputs) == {"download"}
    (tmp_path / "one" / "00.txt").write_text("Changed. " * 900)
    config = RunConfig.model_validate({"download": {"corpus": [str(tmp_path / "one")]}})
    raw = download(Session(store, config, "seeds", Listener()))
    assert "earlier" in inputs_of_cleaning(store, raw, CleanConfig())
    assert set(inputs_of_cleaning(store, raw, CleanConfig(seed=5))) == {"download"}
