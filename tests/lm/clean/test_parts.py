"""Cleaning source by source: what was cleaned before is not cleaned again, and the result is the same to the byte."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.clean import part_making, shards
from lm.clean.config import CleanConfig
from lm.clean.reading import read_raw
from lm.clean.readings import ReadingCounts
from lm.clean.shards import Shard, shards_of
from lm.clean.stage import clean
from lm.progress import silent
from lm.supervision.worker_pool import SEQUENTIAL, WorkerPool
from lm.text.archives import Expansion
from lm.text.documents import read_documents
from lm.text.raw_sources import read_sources
from tests.conftest import PROJECT, WORDS
from tests.lm.clean.test_clean import raw_artifact

MIB = 2**20


def prose(seed: int, lines: int = 30) -> str:
    generator = random.Random(seed)
    return "".join(" ".join(generator.choices(WORDS, k=9)) + f" {seed}.\n" for _ in range(lines))


def files(*numbers: int) -> dict[str, bytes]:
    """Files of which some repeat or nearly repeat others, one holds nothing, and one is no text."""
    written = {f"{number:03}.txt": prose(number).encode() for number in numbers}
    written |= {f"{number:03}.jsonl": json.dumps({"text": prose(number, 40)}).encode() for number in numbers[::3]}
    return written | {"empty.txt": b" \n", "copy.txt": prose(numbers[0]).encode(), "image.txt": b"\x89PNG"}


def cleaned(
    raw: Path, out: Path, parts: Path | None = None, crew: WorkerPool = SEQUENTIAL, **config: Any
) -> dict[str, Any]:
    """Clean, and add what the files hash to."""
    out.mkdir()
    metrics = clean(raw, CleanConfig(**config), out, silent, parts_folder=parts, crew=crew)
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}
    return metrics.model_dump() | {"files": files}


def test_the_encoding_of_one_file_is_only_its_own(tmp_path: Path) -> None:
    """Stating it cleans that file again, and files whose archive may hold one of that name; no other."""
    written = files(*range(6)) | {"old.txt": "Łódź i źdźbło\n".encode("iso8859-2") * 40}
    raw = raw_artifact(tmp_path / "raw", written)
    cleaned(raw, tmp_path / "first", tmp_path / "parts")
    again = cleaned(raw, tmp_path / "again", tmp_path / "parts", encoding=("old.txt=iso8859-2",))
    assert again["cleaned_sources"] == 1
    assert cleaned(raw, tmp_path / "third", tmp_path / "parts", encoding=("new*=cp1250",))["cleaned_sources"] == 0


def test_columns_that_are_asked_for_and_miss_are_named(tmp_path: Path) -> None:
    """A table that has one of two columns is read by that, and a warning says which it lacks."""
    full = "title,body,note\n" + "".join(f'T{n},"{prose(n, 2)}","{prose(n + 50, 1)}"\n' for n in range(30))
    part = "title,body\n" + "".join(f'T{n},"{prose(n + 100, 2)}"\n' for n in range(30))
    raw = raw_artifact(tmp_path / "raw", {"full.csv": full.encode(), "part.csv": part.encode()})
    found = cleaned(raw, tmp_path / "out", text_columns=("body", "note"))
    assert found["lacking_files"] == 1
    warning = "1 table without a column that clean.text_columns names: part.csv has no column note"
    assert warning in found["warnings"] and warning in found["notes"]


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 30), min_size=8, max_size=16), min_size=2, max_size=4),
    st.sampled_from(["together", "drop", "ignore"]),
    st.sampled_from(["auto", "source", "contiguous"]),
)
def test_what_comes_of_parts_is_what_comes_of_all_at_once(
    tmp_path_factory: pytest.TempPathFactory, corpora: list[set[int]], near: str, split: str
) -> None:
    """However files come and go, the artifact is to the byte the one that cleaning all of them at once makes."""
    folder = tmp_path_factory.mktemp("parts")
    seen = set[str]()
    for number, chosen in enumerate(corpora):
        raw = raw_artifact(folder / f"raw-{number}", files(*sorted(chosen)))
        one = cleaned(raw, folder / f"one-{number}", folder / "parts", near_duplicates=near, split=split)
        other = cleaned(raw, folder / f"other-{number}", near_duplicates=near, split=split)
        names = {f"{source.name}{source.sha256}" for source in read_sources(raw)}
        assert one["cleaned_sources"] == len(names - seen)
        seen |= names
        for metrics in (one, other):
            del metrics["cleaned_sources"]
            metrics["notes"] = [note for note in metrics["notes"] if "sources were cleaned" not in note]
        assert one == other


def test_an_added_file_is_cleaned_alone_and_a_removed_one_is_gone(tmp_path: Path) -> None:
    """One new file in a folder means one file to clean; a file taken out leaves no document and no reject."""
    before = raw_artifact(tmp_path / "before", files(*range(20)))
    cleaned(before, tmp_path / "first", tmp_path / "parts")
    kept = {path: path.stat().st_ino for path in (tmp_path / "parts").iterdir()}
    now = files(*range(20)) | {"new.txt": prose(99).encode()}
    del now["007.txt"]
    metrics = cleaned(raw_artifact(tmp_path / "after", now), tmp_path / "second", tmp_path / "parts")
    assert metrics["cleaned_sources"] == 1
    assert f"1 of {len(now)} sources were cleaned, the others had been before" in metrics["notes"]
    sources = {document.source for document in read_documents(tmp_path / "second")}
    assert "new.txt" in sources and "007.txt" not in sources
    assert all(path.stat().st_ino == inode for path, inode in kept.items())  # no pack was written again
    settings_changed = cleaned(before, tmp_path / "third", tmp_path / "parts", minimum_words=2)
    assert settings_changed["cleaned_sources"] == len(files(*range(20)))


def test_the_bytes_do_not_depend_on_who_cleans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers in processes of their own make the packs that one makes, and the same artifact."""
    monkeypatch.setattr(part_making, "SHARD_BYTES", 20_000)
    monkeypatch.setattr(shards, "SHARD_BYTES", 20_000)
    rows = "".join(json.dumps({"text": prose(number)}) + "\n" for number in range(40))
    raw = raw_artifact(tmp_path / "raw", files(*range(20)) | {"rows.jsonl": rows.encode()})
    alone = cleaned(raw, tmp_path / "alone", tmp_path / "parts-alone")
    crew = WorkerPool(2, 400 * MIB)
    assert cleaned(raw, tmp_path / "both", tmp_path / "parts-both", crew) == alone
    packs = [
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for folder in ("parts-alone", "parts-both")
    ]
    assert len(packs[0]) > 4
    assert packs[0] == packs[1]


STARTED = """
import sys
from pathlib import Path
from lm.clean import part_making
from lm.clean.config import CleanConfig
from lm.clean.stage import clean
from lm.progress import silent
part_making.SHARD_BYTES = 20_000
raw, out, parts = map(Path, sys.argv[1:])
clean(raw, CleanConfig(), out, silent, parts_folder=parts)
"""


def test_a_killed_cleaning_keeps_what_was_whole(tmp_path: Path) -> None:
    """After kill -9 the packs that were finished are used, the one at hand is made again, and the bytes are right."""
    raw = raw_artifact(tmp_path / "raw", {f"{n:03}.txt": prose(n, 400).encode() for n in range(150)})
    parts, out = tmp_path / "parts", tmp_path / "killed"
    out.mkdir()
    command = [sys.executable, "-c", STARTED, str(raw), str(out), str(parts)]
    with subprocess.Popen(command, cwd=PROJECT) as process:
        while len(list(parts.glob("[!.]*.parquet"))) < 5 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    again = cleaned(raw, tmp_path / "again", parts)
    assert 0 < again["cleaned_sources"] < 150
    assert again["files"] == cleaned(raw, tmp_path / "whole")["files"]


def test_a_damaged_part_is_told_and_made_again(tmp_path: Path) -> None:
    """A flipped bit in a kept part never reaches a corpus: it is cleaned anew, and a note says so."""
    raw = raw_artifact(tmp_path / "raw", files(*range(12)))
    right = cleaned(raw, tmp_path / "first", tmp_path / "parts")["files"]
    (pack,) = (tmp_path / "parts").iterdir()
    content = bytearray(pack.read_bytes())
    content[1000] ^= 8
    pack.write_bytes(content)
    again = cleaned(raw, tmp_path / "second", tmp_path / "parts")
    assert again["files"] == right
    assert "1 damaged file in data/parts was made again" in again["notes"]
    pack.write_bytes(b"PAR1")  # one that cannot be read at all is as good as none
    assert cleaned(raw, tmp_path / "fourth", tmp_path / "parts")["files"] == right


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    """Yesterday's unfinished pack goes with the next cleaning; one that may still be written stays."""
    parts = tmp_path / "parts"
    parts.mkdir()
    for name, age in ((".old.1.tmp", 90_000), (".new.2.tmp", 60)):
        (parts / name).touch()
        os.utime(parts / name, (time.time() - age, time.time() - age))
    cleaned(raw_artifact(tmp_path / "raw", files(*range(12))), tmp_path / "out", parts)
    assert [path.name for path in parts.glob(".*")] == [".new.2.tmp"]


rows = st.lists(st.one_of(st.text('ab\n\r {}"é', max_size=30), st.just("<|end|>")), max_size=60)


@settings(max_examples=80, deadline=None)
@given(rows, st.sampled_from(["jsonl", "text"]), st.integers(5, 200), st.sampled_from(["\n", "\r\n"]))
def test_a_source_read_in_stretches_is_the_source(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], form: str, shard_bytes: int, newline: str
) -> None:
    """Wherever a table or a file of many texts is cut, its documents and their numbers are those of the whole."""
    folder = tmp_path_factory.mktemp("stretches")
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts] if form == "jsonl" else texts
    content = newline.join(lines).encode()
    fields = {"format": "jsonl"} if form == "jsonl" else {"separator": "<|end|>"}
    (source,) = read_sources(raw_artifact(folder, {"a.txt": content}, **fields))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_BYTES", shard_bytes)
        patch.setattr(shards, "BLOCK_BYTES", 16)
        cut = list(shards_of(folder, source))
    whole, pieces = (
        [document for shard in chosen for document in read_raw(folder, shard, ReadingCounts(), folder, Expansion(1))]
        for chosen in ([Shard(source=source)], cut)
    )
    assert pieces == whole
    assert sum(shard.bytes for shard in cut) <= len(content)
