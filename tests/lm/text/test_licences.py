"""The licence of a text goes with each document: from what the user, the catalogue, a row or a book says of it."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lm.clean.config import CleanConfig
from lm.clean.gutenberg import gutenberg_licence
from lm.clean.metrics import CleanMetrics
from lm.clean.stage import clean
from lm.download.config import DownloadConfig
from lm.download.stage import assemble, fetch, key_of, resolve
from lm.progress import silent
from lm.store.artifacts import Store
from lm.text.attribution import trace
from lm.text.documents import FILE_NAME, Document, read_documents
from tests.lm.documents import write_documents

PROSE = " It was a bright cold day in April, and the clocks were striking thirteen." * 60
HEADER = "The Project Gutenberg eBook of A Book\n\nThis ebook is for the use of anyone anywhere.\n\n"
START, END = (f"*** {word} OF THE PROJECT GUTENBERG EBOOK A BOOK ***" for word in ("START", "END"))


def cleaned(folder: Path, **settings: Any) -> tuple[Path, CleanMetrics]:
    """Download and clean a folder; return the clean artifact's folder, and its metrics."""
    store, config = Store(folder / "root"), DownloadConfig(corpus=(str(folder / "mine"),), **settings)
    raw, out = folder / "raw", folder / "clean"
    raw.mkdir()
    out.mkdir()
    assemble(fetch(config, resolve(config, store), store, silent), store, raw, silent)
    return out, clean(raw, CleanConfig(near_duplicates="ignore"), out, silent)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A table that says licences, a book of Project Gutenberg's, and a text of which nobody says anything."""
    folder = tmp_path / "mine"
    folder.mkdir()
    rows = [{"text": f"{n}:{PROSE}", "license": licence} for n, licence in enumerate(["CC-BY-4.0", None, 7, "MIT"])]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.table({"text": [f"p:{PROSE}"], "licence": ["CC0-1.0"]}), folder / "table.parquet")
    (folder / "book.txt").write_text(f"{HEADER}{START}\n\nb:{PROSE}\n\n{END}\nFull licence.\n")
    (folder / "note.txt").write_text(f"n:{PROSE}")
    return folder


@pytest.mark.parametrize("said", [None, "my own"])
def test_each_document_has_its_licence(tmp_path: Path, mine: Path, said: str | None) -> None:
    """A row's own word counts first, then the user's, then the book's; where nobody says anything, that is said."""
    out, metrics = cleaned(tmp_path, licence=said)
    found = {document.text.partition(":")[0]: document.licence for document in read_documents(out, "train")}
    book, nobody = (said or "public domain in the United States"), said or "not stated"
    expected = {"0": "CC-BY-4.0", "1": nobody, "2": nobody, "3": "MIT", "p": "CC0-1.0", "b": book, "n": nobody}
    assert found == expected
    assert set(metrics.licences["mine"]) == set(expected.values())
    assert sum(metrics.licences["mine"].values()) == metrics.train_bytes + metrics.heldout_bytes


def test_another_licence_is_another_corpus(mine: Path) -> None:
    """A run with the right licence never takes an artifact that has the wrong one."""
    keys = {
        key_of(resolve(DownloadConfig(corpus=(str(mine),), licence=said), Store(mine / "root")))
        for said in (None, "MIT", "CC0-1.0")
    }
    assert len(keys) == 3


def test_a_copyrighted_book_of_gutenbergs_is_not_in_the_public_domain() -> None:
    """Project Gutenberg has books by permission too, and says so in their headers."""
    warning = "** This is a COPYRIGHTED Project Gutenberg eBook, Details Below **\n\n"
    assert gutenberg_licence(f"{HEADER}{START}\nText") == "public domain in the United States"
    assert gutenberg_licence(f"{HEADER}{warning}{START}\nText") == "not stated"
    assert gutenberg_licence("We read Gutenberg's Bible.") == "not stated"


def test_text_from_before_licences_can_still_be_read(tmp_path: Path) -> None:
    """Documents that an earlier version wrote are read, and traced, as of a licence that nobody stated."""
    documents = [Document("a", "tale", PROSE, "train", licence="MIT"), Document("b", "tale", PROSE, "heldout")]
    write_documents(documents, tmp_path)
    old = pq.read_table(tmp_path / FILE_NAME).drop_columns("licence").replace_schema_metadata({"schema_version": "1"})
    with pq.ParquetWriter(tmp_path / FILE_NAME, old.schema, write_page_checksum=True) as writer:
        writer.write_table(old.slice(0, 1))
        writer.write_table(old.slice(1))
    assert [(d.text, d.split, d.licence) for d in read_documents(tmp_path)] == [
        (PROSE, "train", "not stated"),
        (PROSE, "heldout", "not stated"),
    ]
    assert trace("the clocks were striking thirteen", tmp_path)[0].licence == "not stated"
